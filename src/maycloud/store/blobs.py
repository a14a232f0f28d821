"""Large bytes as files beside the database: staged under a temporary name, renamed in the commit.

A file counts only while the table `blobs` names it. A crash may leave files without a row; `sweep`
removes them at the next start. There is never a row without its whole file.
"""

import asyncio
import os
from collections.abc import AsyncIterable
from pathlib import Path

from maycloud.store.database import Database

SCHEMA = ("CREATE TABLE blobs (id TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID",)

_CHUNK = 1 << 20


def sync_folder(folder: Path) -> None:
    """Have the disk know the names in a folder: a file's own fsync says nothing of its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Staged:
    """A file being written; `publish` it or `discard` it."""

    def __init__(self, blobs: "Blobs", id_: str) -> None:
        self.id = id_
        self.path = blobs.staging / id_
        self.size = 0
        self._blobs = blobs
        self._file = open(self.path, "wb", buffering=0)  # noqa: SIM115 - closed by publish or discard

    def write(self, data: bytes) -> None:
        """Append, on the calling thread; large bodies are written through `write_all`."""
        self._file.write(data)
        self.size += len(data)

    async def write_all(self, chunks: AsyncIterable[bytes]) -> None:
        """Append a stream, off the loop, one chunk at a time."""
        async for chunk in chunks:
            await asyncio.to_thread(self.write, chunk)

    def publish(self) -> str:
        """Make it a blob with this tick's transaction; gives its id."""
        self._blobs.publish(self)
        return self.id

    def finish(self) -> None:
        """Write what the durability asks for and close; `publish` does it too, but on the loop."""
        self.close(self._blobs.sync)

    def close(self, sync: bool) -> None:
        if self._file.closed:
            return
        if sync:
            os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class Blobs:
    """The folder `root`/blobs, two levels deep, and its table."""

    def __init__(self, db: Database, root: Path, sync: bool) -> None:
        self._db = db
        self.sync = sync
        self._changed: set[Path] = set()  # folders with names that the disk may not have
        self._held: dict[str, int] = {}  # blobs being read, which outlive their row until that ends
        self.root = root / "blobs"
        self.staging = root / "staging"
        self.root.mkdir(parents=True, exist_ok=True)
        self.staging.mkdir(parents=True, exist_ok=True)

    def path(self, id_: str) -> Path:
        return self.root / id_[:2] / id_

    def stage(self) -> Staged:
        return Staged(self, os.urandom(16).hex())

    def add(self, data: bytes) -> str:
        """A blob of bytes already in memory."""
        staged = self.stage()
        staged.write(data)
        return staged.publish()

    def publish(self, staged: Staged) -> None:
        staged.close(self.sync)
        staged.path.rename(self._place(staged.id))
        self._db.write("INSERT INTO blobs VALUES (?, ?)", (staged.id, staged.size))

    def _place(self, id_: str) -> Path:
        """Where a new blob goes; its name is on the disk before the row that counts on it, if need be."""
        target = self.path(id_)
        target.parent.mkdir(exist_ok=True)
        if self.sync:
            self._changed |= {target.parent, self.root}
            self._db.before_commit(self._sync_folders)
        return target

    def _sync_folders(self) -> None:
        changed, self._changed = self._changed, set()
        for folder in changed:
            sync_folder(folder)

    def link(self, id_: str) -> str:
        """A further blob of the same bytes, which are not copied; gives its id."""
        staged = os.urandom(16).hex()
        os.link(self.path(id_), self._place(staged))
        self._db.write("INSERT INTO blobs SELECT ?, size FROM blobs WHERE id=?", (staged, id_))
        return staged

    def hold(self, id_: str) -> None:
        """Keep the file, should the blob be deleted, until `release`."""
        self._held[id_] = self._held.get(id_, 0) + 1

    def release(self, id_: str) -> None:
        left = self._held.pop(id_) - 1
        if left:
            self._held[id_] = left
        else:
            self._unlink(id_)

    def read(self, id_: str) -> bytes:
        return self.path(id_).read_bytes()

    def delete(self, id_: str) -> None:
        """Forget it with this tick's transaction; the file goes once that is durable."""
        self._db.write("DELETE FROM blobs WHERE id=?", (id_,))
        self._db.after_commit(self._unlink, id_)

    def _unlink(self, id_: object) -> None:
        # After a failed commit the argument is the failure, and the blob lives on.
        if not isinstance(id_, str) or id_ in self._held:
            return
        if not self._db.row("SELECT 1 FROM blobs WHERE id=?", (id_,)):
            self.path(id_).unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove files that no row names; run before anything is staged. Gives how many."""
        removed = 0
        for stale in self.staging.iterdir():
            stale.unlink()
            removed += 1
        known = {row[0] for row in self._db.rows("SELECT id FROM blobs")}
        for folder in self.root.iterdir():
            for file in folder.iterdir():
                if file.name not in known:
                    file.unlink()
                    removed += 1
        return removed
