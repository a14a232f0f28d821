"""The store: everything a cloud keeps, in one folder with one database."""

import os
from pathlib import Path

from maycloud.store import blobs, documents, outbox
from maycloud.store.blobs import Blobs, Staged
from maycloud.store.clock import Clock
from maycloud.store.database import CommitFailed, Database, DataLockedError, Durability, FormatTooNewError
from maycloud.store.documents import Document, Documents, Scope
from maycloud.store.outbox import Delivery, Outbox, RetryLater

__all__ = [
    "Blobs",
    "Clock",
    "CommitFailed",
    "DataLockedError",
    "Database",
    "Delivery",
    "Document",
    "Documents",
    "Durability",
    "FormatTooNewError",
    "Outbox",
    "RetryLater",
    "Scope",
    "Staged",
    "Store",
]


class Store:
    """Database, clock, outbox and blobs of one data folder."""

    def __init__(self, folder: Path, durability: Durability = "process") -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(folder, 0o700)  # it holds secret keys
        self.folder = folder
        self.clock = Clock()
        self.db = Database(folder / "cloud.db", durability)
        self.db.migrate("documents", documents.SCHEMA)
        self.db.migrate("outbox", outbox.SCHEMA)
        self.db.migrate("blobs", blobs.SCHEMA)
        self.outbox = Outbox(self.db, self.clock)
        self.blobs = Blobs(self.db, folder, sync=durability == "power")

    def documents(self, kind: str) -> Documents:
        return Documents(self.db, kind)

    async def close(self) -> None:
        await self.outbox.stop()
        self.db.close()
