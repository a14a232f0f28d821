"""Multipart uploads as rows: the uploads under way, and their parts as blobs."""

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from maycloud.services.s3.store import Bucket
from maycloud.store import Store

REMEMBERED = 86_400  # seconds that the answer to an upload's end can be had again
_ID = re.compile(r"[A-Za-z0-9._]{64}")
_UPLOAD = "key, id, upload, created, initiator, meta"


class Upload(NamedTuple):
    """An upload under way.

    `meta` is that of the object to be, packed, with ``algorithm``, ``kind`` and ``asked`` (whether the client
    chose them), and ``deleted`` once an object of the key was.
    """

    key: str
    row: int
    id: str
    created: float
    initiator: str
    packed: bytes

    @property
    def meta(self) -> dict[str, Any]:
        return orjson.loads(self.packed)


def is_upload_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


@dataclass(slots=True)
class Part:
    """`etag` is without quotes; `checksums` holds values (base64) by algorithm."""

    number: int
    size: int
    etag: str
    modified: float
    checksums: dict[str, str]
    blob: str


class Uploads:
    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._blobs = store.blobs

    def create(self, bucket: Bucket, key: str, created: float, initiator: str, meta: dict[str, Any]) -> str:
        upload = base64.b64encode(os.urandom(48), b"._").decode()
        self._db.write(
            "INSERT INTO s3_uploads (bucket, key, upload, created, initiator, meta)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (bucket.id, key, upload, created, initiator, orjson.dumps(meta)),
        )
        return upload

    def find(self, bucket: Bucket, key: str, upload: str) -> Upload | None:
        row = self._db.row(
            f"SELECT {_UPLOAD} FROM s3_uploads WHERE upload=? AND bucket=? AND key=?",
            (upload, bucket.id, key),
        )
        return Upload._make(row) if row else None

    def key_of(self, upload: str) -> str | None:
        """The key that an upload under way is for."""
        row = self._db.row("SELECT key FROM s3_uploads WHERE upload=?", (upload,))
        return row[0] if row else None

    def saw_delete(self, bucket: Bucket, key: str) -> None:
        """Note with a key's uploads that its object was deleted since they began."""
        self._db.write(
            "UPDATE s3_uploads SET meta=CAST(json_set(CAST(meta AS TEXT), '$.deleted', 1) AS BLOB)"
            " WHERE bucket=? AND key=?",
            (bucket.id, key),
        )

    def uploads_from(
        self, bucket: Bucket, key: str, stop: str | None, *, after: bool, later_than: int | None = None
    ) -> Iterator[Upload]:
        """Uploads by key and age; those of `key` itself only past the row `later_than`."""
        if later_than is not None:
            yield from map(
                Upload._make,
                self._db.iterate(
                    f"SELECT {_UPLOAD} FROM s3_uploads WHERE bucket=? AND key=? AND id>? ORDER BY id",
                    (bucket.id, key, later_than),
                ),
            )
        yield from map(
            Upload._make,
            self._db.iterate(
                f"SELECT {_UPLOAD} FROM s3_uploads WHERE bucket=?1"
                f" AND key{'>' if after or later_than is not None else '>='}?2"
                f" {'' if stop is None else 'AND key<?3'} ORDER BY key, id",
                (bucket.id, key) if stop is None else (bucket.id, key, stop),
            ),
        )

    def put_part(self, upload: Upload, part: Part) -> None:
        """Add a part, or replace the one of its number."""
        old = self._db.row("SELECT blob FROM s3_parts WHERE upload=? AND number=?", (upload.row, part.number))
        if old is not None:
            self._blobs.delete(old[0])
        self._db.write(
            "INSERT OR REPLACE INTO s3_parts (upload, number, size, etag, modified, checksum, blob)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                upload.row, part.number, part.size, part.etag, part.modified, orjson.dumps(part.checksums),
                part.blob,
            ),
        )  # fmt: skip

    def parts(self, upload: Upload, after: int = 0, limit: int = 10_000) -> list[Part]:
        rows = self._db.rows(
            "SELECT number, size, etag, modified, checksum, blob FROM s3_parts WHERE upload=? AND number>?"
            " ORDER BY number LIMIT ?",
            (upload.row, after, limit),
        )
        return [
            Part(number, size, etag, modified, orjson.loads(checksum), blob)
            for number, size, etag, modified, checksum, blob in rows
        ]

    def end(self, upload: Upload, kept: set[str]) -> None:
        """Forget an upload and all its parts' blobs but those that an object has taken over."""
        for part in self.parts(upload):
            if part.blob not in kept:
                self._blobs.delete(part.blob)
        self._db.write("DELETE FROM s3_parts WHERE upload=?", (upload.row,))
        self._db.write("DELETE FROM s3_uploads WHERE id=?", (upload.row,))

    def remember(self, bucket: Bucket, upload: Upload, parts: bytes, now: float, answer: bytes) -> None:
        """Keep what the end of an upload was answered, and forget the answers of yesterday."""
        self._db.write("DELETE FROM s3_completed WHERE ended<?", (now - REMEMBERED,))
        self._db.write(
            "INSERT INTO s3_completed (upload, bucket, key, parts, ended, answer) VALUES (?, ?, ?, ?, ?, ?)",
            (upload.id, bucket.id, upload.key, parts, now, answer),
        )

    def answered(self, bucket: Bucket, key: str, upload: str, parts: bytes, now: float) -> bytes | None:
        """What the same end of an upload was answered before."""
        row = self._db.row(
            "SELECT answer FROM s3_completed WHERE upload=? AND bucket=? AND key=? AND parts=? AND ended>=?",
            (upload, bucket.id, key, parts, now - REMEMBERED),
        )
        return row[0] if row else None

    def end_all(self, bucket: Bucket) -> None:
        """Abort what is under way in a bucket that is deleted."""
        for upload in list(self.uploads_from(bucket, "", None, after=False)):
            self.end(upload, set())
