"""Deployment packages: checked before a byte is unpacked, kept unpacked once for each content."""

import asyncio
import hashlib
import io
import os
import shutil
import stat
import threading
import time
import zipfile
from base64 import b64encode
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from weakref import WeakValueDictionary

from maycloud.edge.bodies import gather
from maycloud.edge.messages import BodyTooLargeError
from maycloud.errors import AwsError
from maycloud.services.base import Call
from maycloud.services.lambda_.bytecode import Compiler
from maycloud.store import Store

MAX_ZIP = 50 << 20  # bytes of a zip in the request
# Bytes of code and layers, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_UNPACKED = 250 << 20
MAX_ENTRIES = 50_000
_KEPT = 3600.0  # seconds that a package is kept without being used


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was checked and unpacked. `digest` names its folder and its zip."""

    digest: str  # sha256, hexadecimal
    size: int  # bytes of the zip
    unpacked: int

    @property
    def sha256(self) -> str:
        """As CodeSha256 has it."""
        return b64encode(bytes.fromhex(self.digest)).decode()


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message, 400, Type="User")


class Packages:
    """Zips and what they unpack to, below ``lambda/`` in the data folder, by digest."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._root = store.folder / "lambda" / "code"
        self._root.mkdir(parents=True, exist_ok=True)
        self._zips = store.folder / "lambda" / "zips"
        self._zips.mkdir(exist_ok=True)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by digest
        self._removing = threading.Lock()
        self._compiler = Compiler()
        self._started = time.time()

    def folder(self, digest: str) -> Path:
        return self._root / digest

    async def zip(self, digest: str) -> bytes:
        """The zip as it was uploaded."""
        return await asyncio.to_thread((self._zips / digest).read_bytes)

    async def add(self, data: bytes) -> Package:
        """Check and unpack a zip, off the loop. Raises InvalidParameterValueException."""
        digest = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        # Functions of one template often share a package, and are made at the same time.
        async with self._locks.setdefault(digest, asyncio.Lock()):
            unpacked, sources = await asyncio.to_thread(self._unpack, data, digest)
            await self._compiler.compile(self.folder(digest), sources)
        return Package(digest, len(data), unpacked)

    async def stop(self) -> None:
        await self._compiler.stop()

    def _unpack(self, data: bytes, digest: str) -> tuple[int, int]:
        """Gives the bytes that it unpacked, and those of Python's sources that are new."""
        target = self.folder(digest)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                total = check(archive)
                if self._still_there(target):
                    return total, 0
                staging = target.with_name(f".{digest}.{os.urandom(4).hex()}")
                try:
                    _extract(archive, staging)
                    written = self._zips / staging.name
                    written.write_bytes(data)
                    written.rename(self._zips / digest)
                    staging.rename(target)
                    if self._store.blobs.sync:
                        os.sync()  # one for thousands of files and their names
                except BaseException:
                    shutil.rmtree(staging, ignore_errors=True)
                    if not target.exists():  # unless another request has unpacked the same
                        raise
                return total, sum(
                    each.file_size for each in archive.infolist() if each.filename.endswith(".py")
                )
        except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise invalid(
                "Could not unzip uploaded file. Please check your file, then try to upload again."
            ) from error

    def _still_there(self, target: Path) -> bool:
        """Whether a package is there already; one that is asked for again counts as new."""
        with self._removing:
            if not target.exists():
                return False
            os.utime(target)
            return True

    def sweep(self, used: Container[str]) -> None:
        """Remove packages that are not `used`, and what a crash left half done. Runs off the loop.

        What is younger than `_KEPT` may be about to be used: it was unpacked for a request that still runs.
        """
        until = max(self._started, time.time() - _KEPT)
        for path in (*self._root.iterdir(), *self._zips.iterdir()):
            if path.name in used:
                continue
            if path.parent == self._zips and (self._root / path.name).exists():
                continue  # it goes after its folder
            gone = path.with_name(f".{path.name.lstrip('.')}.gone")
            with self._removing:
                if path.stat().st_mtime >= until:
                    continue
                path.rename(gone)
            if gone.is_dir():
                shutil.rmtree(gone, ignore_errors=True)
            else:
                gone.unlink()


def check(archive: zipfile.ZipFile) -> int:
    """Refuse what would leave the folder or fill the disk; gives the bytes it unpacks to."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise invalid("Could not unzip uploaded file. It has too many entries.")
    total = 0
    for entry in entries:
        name = entry.filename
        parts = PurePosixPath(name).parts
        if (
            not name
            or name.startswith(("/", "\\"))
            or ".." in parts
            or "\\" in name
            or "\0" in name
            or ":" in parts[0]
        ):
            raise invalid(
                f"Could not unzip uploaded file. An entry has a path outside of the package: {name[:128]!r}"
            )
        mode = entry.external_attr >> 16
        if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))):
            raise invalid(f"Could not unzip uploaded file. An entry is not a file or folder: {name[:128]!r}")
        total += entry.file_size
    if total > MAX_UNPACKED:
        raise invalid(f"Unzipped size must be smaller than {MAX_UNPACKED} bytes")
    return total


def _extract(archive: zipfile.ZipFile, target: Path) -> None:
    """Unpack with the permissions of the archive; never more than the entries announced.

    Everybody may read: where root runs the cloud, functions run as another user.
    """
    _make(target)
    for entry in archive.infolist():
        path = target / entry.filename
        if entry.is_dir():
            _make(path)
            continue
        _make(path.parent)
        left = entry.file_size
        with archive.open(entry) as source, path.open("wb") as file:
            while chunk := source.read(1 << 16):
                left -= len(chunk)
                if left < 0:
                    raise zipfile.BadZipFile("an entry is longer than it says")
                file.write(chunk)
        mode = (entry.external_attr >> 16) & 0o777
        path.chmod((mode or 0o644) | 0o444)


def _make(folder: Path) -> None:
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


async def fetch(call: Call, code: dict[str, Any]) -> bytes:
    """The zip of a request: inline, or from a bucket that the caller may read."""
    if code.get("ImageUri"):
        raise invalid("Container images are not supported by Maycloud; send a zip")
    if code.get("ZipFile") is not None:
        data: bytes = code["ZipFile"]
        if len(data) > MAX_ZIP:
            raise AwsError(
                "RequestEntityTooLargeException",
                f"Request must be smaller than {MAX_ZIP + 20_000_000} bytes for the CreateFunction operation",
                413,
                Type="User",
            )
        return data
    if not code.get("S3Bucket") or not code.get("S3Key"):
        raise invalid("Please provide a source for function code.")
    wanted = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
    if code.get("S3ObjectVersion"):
        wanted["VersionId"] = code["S3ObjectVersion"]
    try:
        found = await call.cloud.call("s3", "GetObject", wanted, as_=call.principal, region=call.region)
    except AwsError as error:
        raise invalid(
            f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
        ) from error
    try:
        return await gather(found["Body"], MAX_UNPACKED)
    except BodyTooLargeError as error:
        raise invalid(f"Unzipped size must be smaller than {MAX_UNPACKED} bytes") from error
