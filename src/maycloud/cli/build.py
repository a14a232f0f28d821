"""Building what a template's functions and layers need: dependencies beside the code, as one zip.

A build is cached by the content of its folder, its runtime and this module's version: an unchanged
function is never built twice. Zips are the same bytes for the same content.

Packages that Lambda's Python runtimes bring along are left out unless requirements.txt names them itself: an
SDK that came as somebody's dependency would be four fifths of the zip.
"""

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Set
from pathlib import Path

from maycloud.cli.failure import Failure

VERSION = "2"  # raised when the same source would build to something else
_LEFT_OUT = {
    "__pycache__", ".git", ".venv", "node_modules", ".pytest_cache", ".ruff_cache", ".DS_Store",
    ".may-build", ".aws-sam", ".maycloud",  # builds and the cloud's data lie within where CodeUri is `.`
}  # fmt: skip
# https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-dependencies
RUNTIME_HAS = frozenset({"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"})
without_clutter = shutil.ignore_patterns(*_LEFT_OUT)  # for shutil.copytree


def build(source: Path, runtime: str, cache: Path, *, layer: bool = False) -> Path:
    """Build a folder into a zip below `cache` and give its path.

    Python: ``requirements.txt`` is installed beside the code. Node.js: ``package.json``'s
    dependencies are installed. A file ending in .zip is taken as it is. Raises Failure.
    """
    if source.is_file():
        if source.suffix not in (".zip", ".jar"):
            raise Failure(f"{source} is neither a folder nor a zip file")
        return source
    if not source.is_dir():
        raise Failure(f"the template names the folder {source}, which is not there")
    digest = digest_of(source, f"{runtime}\0{layer}")
    target = cache / f"{digest}.zip"
    if target.exists():
        return target
    work = cache / f"{digest}.{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(source, work, ignore=without_clutter)
    try:
        _install(work, runtime, layer, source)
        partial = target.with_suffix(f".{os.getpid()}.part")
        _zip(work, partial)
        partial.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        yield from (Path(root) / name for name in sorted(files))


def digest_of(source: Path, kind: str) -> str:
    """A hash of all that a build of `kind` of a folder depends on."""
    digest = hashlib.sha256(f"{VERSION}\0{kind}\0".encode())
    for file in _files(source):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(source)}\0{file.stat().st_mode & 0o111}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _install(work: Path, runtime: str, layer: bool, source: Path) -> None:
    if runtime.startswith("python") and (work / "requirements.txt").exists():
        target = work / "python" if layer else work
        command = [*_pip(), "--quiet", "--target", str(target), "-r", str(work / "requirements.txt")]
        run_tool(command, work, f"installing {source / 'requirements.txt'}")
        if not layer:
            _leave_out(target, RUNTIME_HAS - _named(work / "requirements.txt"))
    elif runtime.startswith("nodejs") and (work / "package.json").exists():
        verb = "ci" if (work / "package-lock.json").exists() else "install"
        command = ["npm", verb, "--omit=dev", "--no-audit", "--no-fund"]
        run_tool(command, work, f"installing {source / 'package.json'}")


def _named(requirements: Path) -> set[str]:
    """The packages that a requirements.txt asks for by name."""
    names = (re.match(r"[A-Za-z0-9._-]+", line.strip()) for line in requirements.read_text().splitlines())
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


def _leave_out(folder: Path, packages: Set[str]) -> None:
    """Remove installed packages, by what their own records say that they put there."""
    for found in list(importlib.metadata.distributions(path=[str(folder)])):
        if re.sub(r"[-_.]+", "-", found.name).lower() not in packages:
            continue
        tops = {Path(file).parts[0] for file in found.files or () if ".." not in Path(file).parts}
        for top in tops:
            path = folder / top
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _pip() -> list[str]:
    """An installer: the uv on the path or of scripts/setup.sh, or pip, which is among our dependencies."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.prefix).parent / ".uv" / "bin"))
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]


def run_tool(command: list[str], folder: Path, what: str) -> None:
    """Run a build tool in a folder. Raises Failure, with the end of what it said."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Failure(f"{what} needs {command[0]}, which is not installed") from error
    if done.returncode:
        raise Failure(f"{what} failed", (done.stderr or done.stdout).strip()[-2000:])


def _zip(folder: Path, target: Path) -> None:
    """A zip whose bytes depend on names, modes and contents alone."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for root, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(files):
                file = Path(root) / name
                info = zipfile.ZipInfo(str(file.relative_to(folder)), (1980, 1, 1, 0, 0, 0))
                info.external_attr = (0o755 if os.access(file, os.X_OK) else 0o644) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, file.read_bytes())
