"""S3's buckets. Versions of objects are in `versions`, multipart uploads in `uploads`."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.store import Store

# Names that a bucket may have had before the rules of today, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_POSSIBLE = re.compile(r"[A-Za-z0-9._-]{3,255}")


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
        """The bucket, or AWS's NoSuchBucket; InvalidBucketName for what no bucket was ever called."""
        bucket = self.find(name)
        if bucket is None:
            if _POSSIBLE.fullmatch(name) is None:
                raise AwsError("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)
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

    def with_setting(self, name: str) -> list[str]:
        """Names of the buckets that have a sub-resource of that name."""
        rows = self._db.rows(
            "SELECT name FROM s3_buckets WHERE json_extract(CAST(settings AS TEXT), '$.' || ?) IS NOT NULL",
            (name,),
        )
        return [row[0] for row in rows]

    def owned_by(self, account: str) -> list[tuple[str, str, float]]:
        """Names, regions and times of an account's buckets, by name."""
        return [
            (name, region, created)
            for name, region, created in self._db.rows(
                "SELECT name, region, created FROM s3_buckets WHERE account=? ORDER BY name", (account,)
            )
        ]
