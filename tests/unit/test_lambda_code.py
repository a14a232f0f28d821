"""Deployment packages: what is unpacked, and what is refused before a byte is written."""

import asyncio
import io
import os
import stat
import time
import zipfile
from pathlib import Path

import pytest

from maycloud.errors import AwsError
from maycloud.services.lambda_ import code
from maycloud.services.lambda_.code import Packages
from maycloud.store import Store


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(Store(tmp_path / "data"))


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


async def test_a_package_is_unpacked_once_for_each_content(packages: Packages) -> None:
    data = zipped(**{"app.py": b"x = 1", "lib/mod.py": b"y = 2"})
    package = await packages.add(data)
    folder = packages.folder(package.digest)
    assert (folder / "lib" / "mod.py").read_bytes() == b"y = 2"
    assert package.unpacked == 10
    assert await packages.zip(package.digest) == data
    assert (await packages.add(data)).digest == package.digest


async def test_large_packages_are_compiled(packages: Packages) -> None:
    data = zipped(**{"pkg/big.py": b"# text\n" * 20_000, "pkg/__init__.py": b"", "broken.py": b"x ="})
    folder = packages.folder((await packages.add(data)).digest)
    deadline = time.monotonic() + 60
    while not list(folder.glob("pkg/__pycache__/big.*.pyc")) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert list(folder.glob("pkg/__pycache__/big.*.pyc"))
    await packages.stop()
    small = await packages.add(zipped(**{"app.py": b"x = 1"}))
    assert [path.name for path in packages.folder(small.digest).iterdir()] == ["app.py"]


async def test_everybody_may_read_a_package(packages: Packages) -> None:
    before = os.umask(0o077)
    try:
        package = await packages.add(zipped(**{"a/b/app.py": b"x = 1"}))
    finally:
        os.umask(before)
    folder = packages.folder(package.digest)
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o444 == 0o444, path


@pytest.mark.parametrize(
    "name", ["../evil.py", "/etc/evil", "a/../../evil", "..\\evil", "C:evil", "a\\..\\b"]
)
async def test_no_entry_leaves_the_folder(packages: Packages, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(AwsError, match="outside of the package"):
        await packages.add(zipped(**{"app.py": b"", name: b"evil"}))
    assert sorted(tmp_path.rglob("*")) == before


async def test_links_are_refused(packages: Packages) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(AwsError, match="not a file or folder"):
        await packages.add(packed.getvalue())


async def test_a_bomb_is_refused_by_what_it_announces(packages: Packages) -> None:
    with pytest.raises(AwsError, match="Unzipped size must be smaller than 262144000 bytes"):
        await packages.add(zipped(bomb=bytes(code.MAX_UNPACKED + 1)))


async def test_a_bomb_that_lies_about_its_size_is_refused(packages: Packages) -> None:
    data = bytearray(zipped(bomb=bytes(1_000_000)))
    size = (1_000_000).to_bytes(4, "little")
    small = (10).to_bytes(4, "little")
    assert data.count(size) >= 2
    with pytest.raises(AwsError, match="Could not unzip"):
        await packages.add(bytes(data.replace(size, small)))
    assert list(packages.folder("x").parent.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"no zip", zipped(a=b"x")[:-10]], ids=["nothing", "text", "cut short"])
async def test_what_is_no_zip_is_refused(packages: Packages, data: bytes) -> None:
    with pytest.raises(AwsError, match="Could not unzip uploaded file") as caught:
        await packages.add(data)
    assert caught.value.code == "InvalidParameterValueException"


async def test_packages_go_once_nothing_has_them(packages: Packages) -> None:
    """Those of an hour and more, and what a crash left; never one that was asked for again."""
    old = {}
    for name in ("kept", "unused", "again"):
        package = await packages.add(zipped(**{"app.py": name.encode()}))
        old[name] = package.digest
    root = packages.folder("x").parent
    (root / ".0123.half").mkdir()
    (root / ".0123.half" / "app.py").write_bytes(b"")
    new = await packages.add(zipped(**{"app.py": b"new"}))
    long_ago = time.time() - 7200
    for path in (*root.iterdir(), *(root.parent / "zips").iterdir()):
        if path.name != new.digest:
            os.utime(path, (long_ago, long_ago))
    await packages.add(zipped(**{"app.py": b"again"}))
    for _ in range(2):
        packages.sweep({old["kept"]})
    left = {old["kept"], old["again"], new.digest}
    assert {path.name for path in root.iterdir()} == left
    assert {path.name for path in (root.parent / "zips").iterdir()} == left
    assert (packages.folder(old["kept"]) / "app.py").read_bytes() == b"kept"
