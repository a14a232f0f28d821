"""A data folder of the first release opens, with its objects, versions, tags and markers as they were."""

import asyncio
from pathlib import Path

import apsw
import orjson

from maycloud.services.s3.schema import SCHEMA
from maycloud.services.s3.service import service
from maycloud.services.s3.store import Buckets
from maycloud.services.s3.tags import tags_of
from maycloud.services.s3.versions import Objects, Piece, row_of
from maycloud.store import Store

# The schema as it was released, word for word: never to change.
FIRST = (
    "CREATE TABLE s3_buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL,"
    " account TEXT NOT NULL, region TEXT NOT NULL, created REAL NOT NULL, settings BLOB NOT NULL)",
    "CREATE TABLE s3_versions (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, key TEXT NOT NULL,"
    " age INTEGER NOT NULL, version TEXT NOT NULL, latest INTEGER NOT NULL, marker INTEGER NOT NULL,"
    " size INTEGER NOT NULL, etag TEXT NOT NULL, modified REAL NOT NULL, blob TEXT, meta BLOB NOT NULL,"
    " body BLOB)",
    "CREATE UNIQUE INDEX s3_versions_age ON s3_versions (bucket, key, age)",
    "CREATE UNIQUE INDEX s3_versions_latest ON s3_versions (bucket, key) WHERE latest=1",
)
OLD, NEW, OLDEST = "0f" * 16, "a1" * 16, "77" * 16
META = {
    "ContentType": "text/plain",
    "CacheControl": "no-store",
    "Metadata": {"colour": "blue"},
    "tagging": "team=a%26b&empty=",
    "encryption": "AES256",
}


def write(folder: Path) -> None:
    store = Store(folder)
    store.db.migrate("s3", FIRST)
    store.db.close()
    with apsw.Connection(str(folder / "cloud.db")) as db:
        db.execute("INSERT INTO s3_buckets VALUES (1, 'photos', '000000000000', 'us-east-1', 5.0, '{}')")
        # Rows are not in the order of age: that alone says which version is newer.
        rows = [
            (1, "a", -3, NEW, 1, 0, 3, "e3", None, META, b"new"),
            (1, "a", -1, OLDEST, 0, 0, 3, "e1", None, {}, b"1st"),
            (1, "a", -2, OLD, 0, 0, 3, "e2", None, {}, b"old"),
            (1, "gone", -1, OLD, 0, 0, 1, "e", None, {}, b"x"),
            (1, "gone", -2, NEW, 1, 1, 0, "", None, {}, None),
            (1, "large", -1, "null", 1, 0, 70000, "big", "ab" * 16, {}, None),
        ]
        for bucket, key, age, version, latest, marker, size, etag, blob, meta, body in rows:
            db.execute(
                "INSERT INTO s3_versions (bucket, key, age, version, latest, marker, size, etag, modified,"
                " blob, meta, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 7.0, ?, ?, ?)",
                (bucket, key, age, version, latest, marker, size, etag, blob, orjson.dumps(meta), body),
            )
    db.close()


def test_first_steps_are_kept() -> None:
    assert SCHEMA[: len(FIRST)] == FIRST
    assert service.schema is SCHEMA


def test_old_data_folder_opens(tmp_path: Path) -> None:
    write(tmp_path)
    store = Store(tmp_path)
    store.db.migrate("s3", SCHEMA)
    bucket = Buckets(store).get("photos")
    objects = Objects(store)
    listed = [(row.key, row.version) for row in objects.versions_from(bucket, "", None, after=False)]
    assert listed == [("a", NEW), ("a", OLD), ("a", OLDEST), ("gone", NEW), ("gone", OLD), ("large", "null")]
    assert [row.key for row in objects.current_from(bucket, "", None, after=False)] == ["a", "large"]

    newest = objects.latest(bucket, "a")
    assert newest is not None
    assert newest.body == b"new"
    assert newest.meta["headers"] == {
        "ContentType": "text/plain",
        "CacheControl": "no-store",
        "Metadata": {"colour": "blue"},
        "ServerSideEncryption": "AES256",
    }
    assert tags_of(newest) == {"team": "a&b", "empty": ""}
    old = objects.version(bucket, "a", OLD)
    assert old is not None
    assert old.body == b"old"
    assert old.meta == {"headers": {"ContentType": "binary/octet-stream", "ServerSideEncryption": "AES256"}}
    assert tags_of(old) == {}
    assert objects.version(bucket, "a", "12" * 16) is None
    marker = objects.latest(bucket, "gone")
    assert marker is not None
    assert marker.marker
    large = objects.latest(bucket, "large")
    assert large is not None
    assert large.pieces == [Piece("ab" * 16, 70000, 1)]
    asyncio.run(store.close())


async def _put_after(folder: Path) -> None:
    store = Store(folder)
    store.db.migrate("s3", SCHEMA)
    bucket = Buckets(store).get("photos")
    bucket.settings["versioning"] = {"Status": "Enabled"}
    objects = Objects(store)
    newest = objects.latest(bucket, "a")
    assert newest is not None
    written = objects.put(bucket, newest)
    assert row_of(written.version) == written.row
    assert [row.version for row in objects.versions_from(bucket, "a", "b", after=False)] == [
        written.version, NEW, OLD, OLDEST,
    ]  # fmt: skip
    objects.remove(bucket, written)
    current = [row.version for row in objects.current_from(bucket, "a", "b", after=False)]
    assert current == [NEW]
    await store.close()


def test_versions_go_on_after_old_ones(tmp_path: Path) -> None:
    write(tmp_path)
    asyncio.run(_put_after(tmp_path))


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    store = Store(tmp_path)
    store.db.migrate("s3", SCHEMA)
    store.db.migrate("s3", SCHEMA)
    assert store.db.row("SELECT count(*) FROM s3_versions") == (6,)
    # As many as the steps that made the same tables meanwhile.
    assert store.db.row("SELECT done FROM migrations WHERE name='s3'") == (8,)
    asyncio.run(store.close())
