"""S3's tables. A key's versions are rows, newest first; small bodies are in the row, large ones are blobs."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.store import Store

INLINE = 64 * 1024  # bodies up to this many bytes live in the database

SCHEMA = (
    (
        "CREATE TABLE s3_buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL,"
        " account TEXT NOT NULL, region TEXT NOT NULL, created REAL NOT NULL, settings BLOB NOT NULL)"
    ),
    # `age` falls with every version of a key, so that the newest comes first.
    (
        "CREATE TABLE s3_versions (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, key TEXT NOT NULL,"
        " age INTEGER NOT NULL, version TEXT NOT NULL, latest INTEGER NOT NULL, marker INTEGER NOT NULL,"
        " size INTEGER NOT NULL, etag TEXT NOT NULL, modified REAL NOT NULL, blob TEXT, meta BLOB NOT NULL,"
        " body BLOB)"
    ),
    "CREATE UNIQUE INDEX s3_versions_age ON s3_versions (bucket, key, age)",
    "CREATE UNIQUE INDEX s3_versions_latest ON s3_versions (bucket, key) WHERE latest=1",
)

_INSERT = """
INSERT INTO s3_versions
    (bucket, key, age, version, latest, marker, size, etag, modified, blob, meta, body)
VALUES (?1, ?2, coalesce((SELECT min(age) FROM s3_versions WHERE bucket=?1 AND key=?2), 0) - 1,
    ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
"""

_COLUMNS = "id, key, version, latest, marker, size, etag, modified, blob, meta"


@dataclass(slots=True)
class Bucket:
    """A bucket; `settings` holds its sub-resources by name (``policy``, ``versioning``, ``tagging`` …)."""

    id: int
    name: str
    account: str
    region: str
    created: float
    settings: dict[str, Any]

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"

    @property
    def versioning(self) -> str | None:
        """``Enabled``, ``Suspended``, or None if it never was."""
        return self.settings.get("versioning", {}).get("Status")


@dataclass(slots=True)
class Version:
    """One version of a key, or a delete marker. `etag` is without quotes; `meta` what headers carry."""

    row: int
    key: str
    version: str
    latest: bool
    marker: bool
    size: int
    etag: str
    modified: float
    blob: str | None
    meta: dict[str, Any] = field(default_factory=dict[str, Any])


def _bucket(row: tuple[Any, ...]) -> Bucket:
    id_, name, account, region, created, settings = row
    return Bucket(id_, name, account, region, created, orjson.loads(settings))


class Buckets:
    """All buckets of the cloud: their names are global, as on AWS."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._cache = store.db.cache()

    def find(self, name: str) -> Bucket | None:
        bucket = self._cache.get(name)
        if bucket is None:
            row = self._db.row(
                "SELECT id, name, account, region, created, settings FROM s3_buckets WHERE name=?", (name,)
            )
            if row is None:
                return None
            bucket = self._cache[name] = _bucket(row)
        return bucket

    def get(self, name: str) -> Bucket:
        """The bucket, or AWS's NoSuchBucket."""
        bucket = self.find(name)
        if bucket is None:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=name)
        return bucket

    def create(self, name: str, account: str, region: str, created: float, settings: dict[str, Any]) -> None:
        self._db.write(
            "INSERT INTO s3_buckets (name, account, region, created, settings) VALUES (?, ?, ?, ?, ?)",
            (name, account, region, created, orjson.dumps(settings)),
        )

    def save(self, bucket: Bucket) -> None:
        """Write a bucket's changed settings."""
        self._db.write(
            "UPDATE s3_buckets SET settings=? WHERE id=?", (orjson.dumps(bucket.settings), bucket.id)
        )

    def delete(self, bucket: Bucket) -> None:
        if self._db.row("SELECT 1 FROM s3_versions WHERE bucket=? LIMIT 1", (bucket.id,)):
            raise AwsError(
                "BucketNotEmpty",
                (
                    "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
                    if bucket.versioning
                    else "The bucket you tried to delete is not empty"
                ),
                409,
                BucketName=bucket.name,
            )
        self._db.write("DELETE FROM s3_buckets WHERE id=?", (bucket.id,))
        self._cache.pop(bucket.name, None)

    def owned_by(self, account: str) -> list[tuple[str, str, float]]:
        """Names, regions and times of an account's buckets, by name."""
        return [
            (name, region, created)
            for name, region, created in self._db.rows(
                "SELECT name, region, created FROM s3_buckets WHERE account=? ORDER BY name", (account,)
            )
        ]


class Objects:
    """Versions of keys. Writing replaces or adds versions as the bucket's versioning says."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._blobs = store.blobs

    def latest(self, bucket: Bucket, key: str) -> Version | None:
        """The newest version, which may be a delete marker."""
        row = self._db.row(
            f"SELECT {_COLUMNS} FROM s3_versions WHERE bucket=? AND key=? AND latest=1", (bucket.id, key)
        )
        return _version(row) if row else None

    def version(self, bucket: Bucket, key: str, version: str) -> Version | None:
        row = self._db.row(
            f"SELECT {_COLUMNS} FROM s3_versions WHERE bucket=? AND key=? AND version=?",
            (bucket.id, key, version),
        )
        return _version(row) if row else None

    def body(self, version: Version) -> bytes:
        """The bytes of a version that is kept in the database."""
        row = self._db.row("SELECT body FROM s3_versions WHERE id=?", (version.row,))
        assert row is not None
        return row[0]

    def put(self, bucket: Bucket, new: Version, body: bytes | None) -> None:
        """Make `new` the newest version of its key; drops the null version if it takes its place."""
        if new.version == "null":
            old = self.version(bucket, new.key, "null")
            if old is not None:
                self._drop(old)
        self._db.write(
            "UPDATE s3_versions SET latest=0 WHERE bucket=? AND key=? AND latest=1", (bucket.id, new.key)
        )
        self._db.write(
            _INSERT,
            (
                bucket.id,
                new.key,
                new.version,
                int(new.marker),
                new.size,
                new.etag,
                new.modified,
                new.blob,
                orjson.dumps(new.meta),
                body,
            ),
        )

    def save_meta(self, version: Version) -> None:
        """Write a version's changed `meta`."""
        self._db.write("UPDATE s3_versions SET meta=? WHERE id=?", (orjson.dumps(version.meta), version.row))

    def remove(self, bucket: Bucket, version: Version) -> None:
        """Delete one version for good; the next older one becomes the newest."""
        self._drop(version)
        if version.latest:
            self._db.write(
                "UPDATE s3_versions SET latest=1 WHERE id="
                "(SELECT id FROM s3_versions WHERE bucket=? AND key=? ORDER BY age LIMIT 1)",
                (bucket.id, version.key),
            )

    def page(self, bucket: Bucket, prefix: str, after: str, limit: int) -> list[Version]:
        """Current objects below `prefix` whose key follows `after`, by key in UTF-8 order."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM s3_versions WHERE bucket=? AND latest=1 AND key>=? AND key>? AND key<?"
            " AND marker=0 ORDER BY key LIMIT ?",
            (bucket.id, prefix, after, prefix + "\U0010ffff", limit),
        )
        return [_version(row) for row in rows]

    def _drop(self, version: Version) -> None:
        self._db.write("DELETE FROM s3_versions WHERE id=?", (version.row,))
        if version.blob:
            self._blobs.delete(version.blob)


def _version(row: tuple[Any, ...]) -> Version:
    row_id, key, version, latest, marker, size, etag, modified, blob, meta = row
    return Version(
        row_id, key, version, bool(latest), bool(marker), size, etag, modified, blob, orjson.loads(meta)
    )
