"""What `--durability power` promises: before anything is acknowledged, the disk has it, with its name."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from maycloud.store import Durability, Store

ASKED: list[str] = []  # which files and folders were asked to be on the disk, in order


class Watching(apsw.VFS):
    """SQLite's own file access, which tells of each fsync."""

    def __init__(self) -> None:
        self.base = apsw.vfs_names()[0]
        super().__init__("watching", self.base)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        return WatchedFile(self.base, name, flags)


class WatchedFile(apsw.VFSFile):
    def __init__(self, base: str, name: Any, flags: list[int]) -> None:
        self.name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "").name
        super().__init__(base, name, flags)

    def xSync(self, flags: int) -> None:
        ASKED.append(self.name)
        super().xSync(flags)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    ASKED.clear()
    fsync = os.fsync

    def told(descriptor: int) -> None:
        ASKED.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", told)
    before = apsw.vfs_names()[0]
    vfs = Watching()
    apsw.set_default_vfs("watching")
    yield ASKED
    apsw.set_default_vfs(before)
    vfs.unregister()


async def committed(store: Store, asked: list[str]) -> list[str]:
    """What one more row and one more blob have the disk do."""
    store.db.migrate("test", ["CREATE TABLE test_rows (n INTEGER)"])
    await store.db.committed()
    asked.clear()
    store.db.write("INSERT INTO test_rows VALUES (1)")
    await store.db.committed()
    row = list(asked)
    asked.clear()
    blob = store.blobs.add(b"x" * 100_000)
    again = store.blobs.link(blob)
    await store.db.committed()
    found = [{blob: "blob", blob[:2]: "folder", again[:2]: "folder"}.get(name, name) for name in asked]
    assert row == [name for name in asked if name.startswith("cloud.db")]
    return found


@pytest.mark.parametrize("durability", ["process", "power"])
async def test_what_the_disk_is_asked_for(tmp_path: Path, asked: list[str], durability: Durability) -> None:
    store = Store(tmp_path, durability)
    found = await committed(store, asked)
    await store.close()
    if durability == "process":
        assert found == []
        return
    assert found[0] == "blob", "the bytes, before their name says that they are there"
    assert sorted(found[1:-1]) in (["blobs", "folder"], ["blobs", "folder", "folder"])
    assert found[-1] == "cloud.db-wal", "the row that names them comes last"
