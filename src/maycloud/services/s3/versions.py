"""Objects as rows: the versions of each key, newest first; small bodies in the row, large ones as blobs."""

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from maycloud.services.s3.store import Bucket
from maycloud.store import Store

INLINE = 64 * 1024  # bodies up to this many bytes live in the database
NULL = "null"
_ROWS = 1 << 40  # more than there will ever be: what hides a greater one is made up
_FIRST_ID = re.compile("[0-9a-f]{32}")  # of versions in old data folders: noise alone

_COLUMNS = "id, key, version, current, marker, size, etag, modified, meta, pieces"
_LISTED = "key, id, version, current, marker, size, etag, modified, meta"


class Piece(NamedTuple):
    """A stretch of an object's body: a blob, the number of its part and that part's checksum (base64)."""

    blob: str
    size: int
    number: int
    checksum: str = ""


@dataclass(slots=True)
class Version:
    """One version of a key, or a delete marker. `etag` is without quotes.

    `meta` holds ``headers`` (members of GetObject's output), and where there are some ``tags``, ``checksum``
    (algorithm, value, type) and ``customer_key`` (the MD5 of a key that is not ours to keep).
    """

    row: int
    key: str
    version: str
    current: bool
    marker: bool
    size: int
    etag: str
    modified: float
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
    packed: bytes | None = None  # its pieces, as stored
    body: bytes | None = None

    @property
    def pieces(self) -> list[Piece]:
        """Blobs in the order of the body; empty for a body that is in the row."""
        return [] if self.packed is None else [Piece(*each) for each in orjson.loads(self.packed)]


class Listed(NamedTuple):
    """A row as listings read it."""

    key: str
    row: int
    version: str
    current: bool
    marker: bool
    size: int
    etag: str
    modified: float
    meta: bytes


def version_id(row: int) -> str:
    """An id of 32 characters that only its own row explains, so that it is found without an index."""
    noise = os.urandom(16)
    hidden = row ^ int.from_bytes(noise[:8], "big")
    return base64.b64encode(noise + hidden.to_bytes(8, "big"), b"._").decode()


def row_of(version: str) -> int | None:
    """The row that a version id hides, None for what is no id of ours."""
    try:
        raw = base64.b64decode(version, b"._", validate=True)
    except ValueError:
        return None
    if len(raw) != 24:
        return None
    row = int.from_bytes(raw[16:], "big") ^ int.from_bytes(raw[:8], "big")
    return row if row < _ROWS else None


def is_version_id(text: str) -> bool:
    """Whether it could be one that we gave out, now or in an old data folder."""
    return text == NULL or row_of(text) is not None or _FIRST_ID.fullmatch(text) is not None


class Objects:
    """Versions of keys. Writing replaces or adds versions as the bucket's versioning says."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._blobs = store.blobs
        newest = store.db.row("SELECT max(id) FROM s3_versions")
        # Counted here, since a version's id is made of its row before that is written.
        self._row: int = (newest[0] if newest else None) or 0

    # Reading

    def latest(self, bucket: Bucket, key: str) -> Version | None:
        """The newest version, which may be a delete marker, with its body if that is in the row."""
        row = self._db.row(
            f"SELECT {_COLUMNS}, body FROM s3_versions WHERE bucket=? AND key=? ORDER BY id DESC LIMIT 1",
            (bucket.id, key),
        )
        return _version(row) if row else None

    def version(self, bucket: Bucket, key: str, version: str) -> Version | None:
        if version == NULL:
            found = self._db.row(
                f"SELECT {_COLUMNS}, body FROM s3_versions WHERE bucket=? AND key=? AND version='null'",
                (bucket.id, key),
            )
        else:
            found = self._db.row(
                f"SELECT {_COLUMNS}, body FROM s3_versions WHERE id=? AND bucket=? AND key=? AND version=?",
                (row_of(version), bucket.id, key, version),
            )
            if found is None and _FIRST_ID.fullmatch(version):
                found = self._db.row(
                    f"SELECT {_COLUMNS}, body FROM s3_versions WHERE bucket=? AND key=? AND version=?",
                    (bucket.id, key, version),
                )
        return _version(found) if found else None

    def current_from(self, bucket: Bucket, key: str, stop: str | None, *, after: bool) -> Iterator[Listed]:
        """What a listing shows, in order of key, from (or after) `key` to before `stop`."""
        yield from map(
            Listed._make,
            self._db.iterate(
                f"SELECT {_LISTED} FROM s3_versions WHERE bucket=?1 AND current=1"
                f" AND key{'>' if after else '>='}?2 {'' if stop is None else 'AND key<?3'} ORDER BY key",
                (bucket.id, key) if stop is None else (bucket.id, key, stop),
            ),
        )

    def versions_from(
        self, bucket: Bucket, key: str, stop: str | None, *, after: bool, older_than: int | None = None
    ) -> Iterator[Listed]:
        """All versions by key, newest first; those of `key` itself only past the row `older_than`."""
        if older_than is not None:
            yield from map(
                Listed._make,
                self._db.iterate(
                    f"SELECT {_LISTED} FROM s3_versions WHERE bucket=? AND key=? AND id<? ORDER BY id DESC",
                    (bucket.id, key, older_than),
                ),
            )
        yield from map(
            Listed._make,
            self._db.iterate(
                f"SELECT {_LISTED} FROM s3_versions WHERE bucket=?1"
                f" AND key{'>' if after or older_than is not None else '>='}?2"
                f" {'' if stop is None else 'AND key<?3'} ORDER BY key, id DESC",
                (bucket.id, key) if stop is None else (bucket.id, key, stop),
            ),
        )

    def keys_after(self, bucket: Bucket, key: str, limit: int) -> list[str]:
        """The next keys that have any version."""
        rows = self._db.rows(
            "SELECT DISTINCT key FROM s3_versions WHERE bucket=? AND key>? ORDER BY key LIMIT ?",
            (bucket.id, key, limit),
        )
        return [row[0] for row in rows]

    def newest_row(self, bucket: Bucket, key: str) -> int | None:
        found = self._db.row(
            "SELECT id FROM s3_versions WHERE bucket=? AND key=? ORDER BY id DESC LIMIT 1", (bucket.id, key)
        )
        return found[0] if found else None

    # Writing

    def put(self, bucket: Bucket, new: Version) -> Version:
        """Make `new` the newest version of its key and give it its row and version id.

        In a bucket without (or with suspended) versioning it is the null version, in whose place it comes.
        """
        newest = self._db.row(
            "SELECT id, version, current, pieces FROM s3_versions WHERE bucket=? AND key=?"
            " ORDER BY id DESC LIMIT 1",
            (bucket.id, new.key),
        )
        new.current = not new.marker
        if bucket.versioning == "Enabled":
            self._row += 1
            new.row, new.version = self._row, version_id(self._row)
        else:
            new.version = NULL
            if newest is not None and newest[1] == NULL:
                new.row = newest[0]
                self._replace(new, newest[3])
                return new
            if newest is not None and (old := self.version(bucket, new.key, NULL)) is not None:
                self._drop(old)
            self._row += 1
            new.row = self._row
        if newest is not None and newest[2]:
            self._db.write("UPDATE s3_versions SET current=0 WHERE id=?", (newest[0],))
        self._db.write(
            "INSERT INTO s3_versions (id, bucket, key, version, current, marker, size, etag, modified, meta,"
            " pieces, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                new.row, bucket.id, new.key, new.version, int(new.current), int(new.marker), new.size,
                new.etag, new.modified, orjson.dumps(new.meta), new.packed, new.body,
            ),
        )  # fmt: skip
        return new

    def _replace(self, new: Version, pieces: bytes | None) -> None:
        self._db.write(
            "UPDATE s3_versions SET current=?, marker=?, size=?, etag=?, modified=?, meta=?, pieces=?, body=?"
            " WHERE id=?",
            (
                int(new.current), int(new.marker), new.size, new.etag, new.modified, orjson.dumps(new.meta),
                new.packed, new.body, new.row,
            ),
        )  # fmt: skip
        self._forget(pieces)

    def save_meta(self, version: Version) -> None:
        """Write changed tags and the like of a version that stays what it is."""
        self._db.write("UPDATE s3_versions SET meta=? WHERE id=?", (orjson.dumps(version.meta), version.row))

    def remove(self, bucket: Bucket, version: Version) -> None:
        """Delete one version for good; the next older one becomes the newest."""
        newest = self.newest_row(bucket, version.key) == version.row
        self._drop(version)
        if newest:
            self._db.write(
                "UPDATE s3_versions SET current=1 WHERE marker=0 AND id="
                "(SELECT id FROM s3_versions WHERE bucket=? AND key=? ORDER BY id DESC LIMIT 1)",
                (bucket.id, version.key),
            )

    def _drop(self, version: Version) -> None:
        self._db.write("DELETE FROM s3_versions WHERE id=?", (version.row,))
        self._forget(version.packed)

    def _forget(self, pieces: bytes | None) -> None:
        for piece in orjson.loads(pieces) if pieces is not None else ():
            self._blobs.delete(piece[0])


def pack(pieces: list[Piece]) -> bytes:
    return orjson.dumps(pieces, default=tuple)


def _version(row: tuple[Any, ...]) -> Version:
    row_id, key, version, current, marker, size, etag, modified, meta, pieces, body = row
    return Version(
        row_id,
        key,
        version,
        bool(current),
        bool(marker),
        size,
        etag,
        modified,
        orjson.loads(meta),
        pieces,
        body,
    )
