"""The hot modules as machine code, where somebody built them: same source, same behaviour, fewer steps.

`scripts/native.py` compiles `MODULES` with mypyc into a folder of the environment that is named by what was
compiled. A finder takes them from there if, and only if, the sources are still those: after an edit the
Python source is what runs, until the next build. `MAY_NATIVE=0` turns it off.
"""

import os
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

SOURCES = Path(__file__).parents[1]
SUFFIX = EXTENSION_SUFFIXES[0]
GROUP = "maycloud_native"
LIBRARY = f"{GROUP}__mypyc"  # what all of them share
COMPILED = "compiled"

# One group: calls and attributes between them are C's own. What a request to DynamoDB or S3 passes.
MODULES = (
    "maycloud.principal",
    "maycloud.edge.limits",
    "maycloud.edge.messages",
    "maycloud.edge.responses",
    "maycloud.edge.router",
    "maycloud.edge.cors",
    "maycloud.edge.connection",
    "maycloud.access.sigv4",
    "maycloud.access.authentication",
    "maycloud.access.authorization",
    "maycloud.access.guard",
    "maycloud.wire.bound",
    "maycloud.wire.constraints",
    "maycloud.wire.json",
    "maycloud.wire.jsonrpc",
    "maycloud.wire.scalars",
    "maycloud.wire.xml",
    "maycloud.wire.query",
    "maycloud.wire.queryrpc",
    "maycloud.wire.cborrpc",
    "maycloud.wire.rest",
    "maycloud.wire.restful",
    "maycloud.wire.registry",
    "maycloud.store.clock",
    "maycloud.store.documents",
    "maycloud.store.database",
    "maycloud.services.base",
    "maycloud.services.dynamodb.values",
    "maycloud.services.dynamodb.keys",
    "maycloud.services.dynamodb.store",
    "maycloud.services.dynamodb.requests",
    "maycloud.services.dynamodb.items",
    "maycloud.services.dynamodb.api",
    "maycloud.store.blobs",
    "maycloud.services.s3.answers",
    "maycloud.services.s3.reach",
    "maycloud.services.s3.ranges",
    "maycloud.services.s3.conditions",
    "maycloud.services.s3.metadata",
    "maycloud.services.s3.store",
    "maycloud.services.s3.acls",
    "maycloud.services.s3.access",
    "maycloud.services.s3.buckets",
    "maycloud.services.s3.versions",
    "maycloud.services.s3.encryption",
    "maycloud.services.s3.keys",
    "maycloud.services.s3.tags",
    "maycloud.services.s3.permissions",
    "maycloud.services.s3.checksums",
    "maycloud.services.s3.objects",
    "maycloud.loading",
    "maycloud.dispatch",
    "maycloud.cloud",
)


def source(module: str) -> Path:
    return SOURCES / (module.replace(".", "/") + ".py")


@cache
def folder() -> Path:
    """Where the build of these very sources for this very interpreter is, or would be."""
    digest = sha256(f"{sys.version}{SUFFIX}".encode())
    for module in MODULES:
        digest.update(module.encode() + b"\0" + sha256(source(module).read_bytes()).digest())
    return Path(sys.prefix, "lib", "maycloud-native", digest.hexdigest()[:32])


def is_built() -> bool:
    return (folder() / "built").exists()  # its last file


class Finder:
    """Finds compiled modules before the path finds their sources."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in MODULES and fullname != LIBRARY:
            return None
        file = str(folder() / (fullname + SUFFIX))
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, file))


def install() -> None:
    """Use the build, if there is one of these sources."""
    if os.environ.get("MAY_NATIVE") != "0" and is_built():
        sys.meta_path.insert(0, Finder())


def state() -> str:
    """What the hot modules run as: `COMPILED`, or Python and why."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return COMPILED
    if os.environ.get("MAY_NATIVE") == "0":
        return "Python, since MAY_NATIVE=0"
    if is_built():
        return "Python; compiled since this process began"
    if any(folder().parent.glob("*/built")):
        return "Python, since they were edited: `make native` compiles them anew"
    return "Python: `make native` compiles them, with a C compiler and Python's headers"
