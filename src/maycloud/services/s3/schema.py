"""S3's tables, as the steps that make them: the oldest data folder opens. Append only."""

from typing import Any
from urllib.parse import parse_qsl

import apsw
import orjson

_BUCKETS = (
    "CREATE TABLE s3_buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL,"
    " account TEXT NOT NULL, region TEXT NOT NULL, created REAL NOT NULL, settings BLOB NOT NULL)"
)

# How objects were kept at first: `age` fell with every version of a key.
_FIRST = (
    (
        "CREATE TABLE s3_versions (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, key TEXT NOT NULL,"
        " age INTEGER NOT NULL, version TEXT NOT NULL, latest INTEGER NOT NULL, marker INTEGER NOT NULL,"
        " size INTEGER NOT NULL, etag TEXT NOT NULL, modified REAL NOT NULL, blob TEXT, meta BLOB NOT NULL,"
        " body BLOB)"
    ),
    "CREATE UNIQUE INDEX s3_versions_age ON s3_versions (bucket, key, age)",
    "CREATE UNIQUE INDEX s3_versions_latest ON s3_versions (bucket, key) WHERE latest=1",
)

# The greater the id of a key's row, the newer the version. `current` is 1 for what a listing shows: the
# newest version of its key, unless that is a delete marker. `body` comes last, so that reading the
# columns before it touches none of its pages. Listings walk the second index: neither old versions nor
# deleted keys are in their way.
_VERSIONS = """
ALTER TABLE s3_versions RENAME TO s3_versions_first;
CREATE TABLE s3_versions (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, key TEXT NOT NULL,
    version TEXT NOT NULL, current INTEGER NOT NULL, marker INTEGER NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified REAL NOT NULL, meta BLOB NOT NULL, pieces BLOB, body BLOB);
INSERT INTO s3_versions (bucket, key, version, current, marker, size, etag, modified, meta, pieces, body)
    SELECT bucket, key, version, latest AND NOT marker, marker, size, etag, modified, meta,
        CASE WHEN blob IS NOT NULL THEN CAST(json_array(json_array(blob, size, 1, '')) AS BLOB) END, body
    FROM s3_versions_first ORDER BY bucket, key, age DESC;
DROP TABLE s3_versions_first;
CREATE UNIQUE INDEX s3_versions_newest ON s3_versions (bucket, key, id DESC);
CREATE UNIQUE INDEX s3_versions_current ON s3_versions (bucket, key) WHERE current=1;
"""


def _rebuild_versions(db: apsw.Connection) -> None:
    db.execute(_VERSIONS)
    rows = db.execute("SELECT id, meta FROM s3_versions WHERE marker=0").fetchall()
    db.executemany("UPDATE s3_versions SET meta=? WHERE id=?", [(_meta(meta), id_) for id_, meta in rows])


def _meta(first: Any) -> bytes:
    """It held the headers themselves, beside ``tagging`` (a query string) and ``encryption``."""
    headers = orjson.loads(first)
    tags = dict(parse_qsl(headers.pop("tagging", ""), keep_blank_values=True))
    headers["ServerSideEncryption"] = headers.pop("encryption", "AES256")
    headers.setdefault("ContentType", "binary/octet-stream")
    return orjson.dumps({"headers": headers, **({"tags": tags} if tags else {})})


_UPLOADS = """
CREATE TABLE s3_uploads (id INTEGER PRIMARY KEY AUTOINCREMENT, bucket INTEGER NOT NULL,
    key TEXT NOT NULL, upload TEXT UNIQUE NOT NULL, created REAL NOT NULL, initiator TEXT NOT NULL,
    meta BLOB NOT NULL);
CREATE INDEX s3_uploads_key ON s3_uploads (bucket, key, id);
"""

_PARTS = (
    "CREATE TABLE s3_parts (upload INTEGER NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL,"
    " etag TEXT NOT NULL, modified REAL NOT NULL, checksum BLOB NOT NULL, blob TEXT NOT NULL,"
    " PRIMARY KEY (upload, number)) WITHOUT ROWID"
)

# What uploads that ended well were answered, for those who ask again.
_COMPLETED = """
CREATE TABLE s3_completed (upload TEXT PRIMARY KEY, bucket INTEGER NOT NULL, key TEXT NOT NULL,
    parts BLOB NOT NULL, ended REAL NOT NULL, answer BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX s3_completed_ended ON s3_completed (ended);
"""

# For a few hours the first steps were others, seven too, which made the same tables at once: so there are
# seven before those of later.
SCHEMA = (_BUCKETS, *_FIRST, _rebuild_versions, _UPLOADS, _PARTS, _COMPLETED)
