"""DynamoDB's tables in SQL: items by order-preserving key, indexes that point to them, what expires when.

An index row holds no copy of the item, only its key: a Query of an index joins the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.dynamodb import keys
from maycloud.services.dynamodb.keys import KeySchema
from maycloud.services.dynamodb.values import Item
from maycloud.store import Store
from maycloud.store.database import Database
from maycloud.store.documents import Scope

SCHEMA = (
    (
        "CREATE TABLE dynamodb_tables (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL,"
        " region TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL)"
    ),
    "CREATE UNIQUE INDEX dynamodb_tables_name ON dynamodb_tables (account, region, name)",
    (
        "CREATE TABLE dynamodb_items (tbl INTEGER, key BLOB, size INTEGER NOT NULL, item BLOB NOT NULL,"
        " PRIMARY KEY (tbl, key)) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE dynamodb_index (idx INTEGER, key BLOB, item BLOB NOT NULL, PRIMARY KEY (idx, key))"
        " WITHOUT ROWID"
    ),
    (
        "CREATE TABLE dynamodb_expiry (tbl INTEGER, expires INTEGER, key BLOB, PRIMARY KEY (tbl, expires,"
        " key)) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE dynamodb_tokens (scope TEXT, token TEXT, digest BLOB NOT NULL, answer BLOB NOT NULL,"
        " expires REAL NOT NULL, PRIMARY KEY (scope, token)) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE dynamodb_streams (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, region"
        " TEXT NOT NULL, tbl INTEGER NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, body BLOB NOT NULL)"
    ),
    (
        "CREATE TABLE dynamodb_records (stream INTEGER, seq INTEGER, time REAL NOT NULL, body BLOB NOT NULL,"
        " PRIMARY KEY (stream, seq)) WITHOUT ROWID"
    ),
)

Document = dict[str, Any]
FIVE_YEARS = 5 * 365 * 86_400


@dataclass(slots=True)
class Index:
    """A secondary index. `projection` is None where all attributes are projected."""

    id: int
    name: str
    schema: KeySchema
    is_global: bool
    projection: frozenset[str] | None
    ready: bool  # False while it is filled


@dataclass(slots=True)
class Table:
    """A table as its operations need it; `body` is what DescribeTable tells, and settings besides."""

    id: int
    account: str
    region: str
    name: str
    body: Document
    schema: KeySchema
    indexes: dict[str, Index] = field(default_factory=dict[str, Index])
    stream: int | None = None  # id of the stream that takes its changes
    expiry: str | None = None  # attribute that tells when an item expires
    is_plain: bool = True  # whether a write touches nothing but the item's own row

    @property
    def scope(self) -> Scope:
        return self.account, self.region

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.name}"

    @property
    def has_local(self) -> bool:
        return any(not index.is_global for index in self.indexes.values())


def _schema(elements: list[dict[str, str]], types: dict[str, str]) -> KeySchema:
    parts: dict[str, list[tuple[str, str]]] = {"HASH": [], "RANGE": []}
    for element in elements:
        parts[element["KeyType"]].append((element["AttributeName"], types[element["AttributeName"]]))
    first, *more_hash = parts["HASH"]
    if not parts["RANGE"]:
        return KeySchema(*first, more_hash=tuple(more_hash))
    sort, *more_range = parts["RANGE"]
    return KeySchema(*first, *sort, tuple(more_hash), tuple(more_range))


def read_table(id_: int, account: str, region: str, name: str, body: Document) -> Table:
    types = {each["AttributeName"]: each["AttributeType"] for each in body["AttributeDefinitions"]}
    table = Table(id_, account, region, name, body, _schema(body["KeySchema"], types))
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for each in body.get(kind, []):
            schema = _schema(each["KeySchema"], types)
            projection = None
            if each["Projection"]["ProjectionType"] != "ALL":
                included = each["Projection"].get("NonKeyAttributes", [])
                projection = frozenset([*included, *schema.names, *table.schema.names])
            table.indexes[each["IndexName"]] = Index(
                each["Id"],
                each["IndexName"],
                schema,
                kind == "GlobalSecondaryIndexes",
                projection,
                each.get("IndexStatus", "ACTIVE") == "ACTIVE",
            )
    table.indexes = dict(sorted(table.indexes.items()))  # of several, errors name the first
    table.stream = body.get("StreamId")
    table.expiry = body.get("Expiry")
    table.is_plain = not table.indexes and table.stream is None and table.expiry is None
    return table


def _table_of(row: tuple[Any, ...]) -> Table:
    id_, account, region, name, body = row
    return read_table(id_, account, region, name, orjson.loads(body))


class Tables:
    """All tables of the cloud, by account, region and name."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._cache: dict[Any, Table] = store.db.cache()
        self.policies: dict[str, Any] = store.db.cache()  # resource policies by ARN, None for no policy

    def find(self, scope: Scope, name: str) -> Table | None:
        key = (scope, name)
        table = self._cache.get(key)
        if table is None:
            row = self._db.row(
                "SELECT id, account, region, name, body FROM dynamodb_tables"
                " WHERE account=? AND region=? AND name=?",
                (*scope, name),
            )
            if row is None:
                return None
            table = self._cache[key] = _table_of(row)
        return table

    def names(self, scope: Scope, after: str, limit: int) -> list[str]:
        rows = self._db.rows(
            "SELECT name FROM dynamodb_tables WHERE account=? AND region=? AND name>? ORDER BY name LIMIT ?",
            (*scope, after, limit),
        )
        return [row[0] for row in rows]

    def count(self, scope: Scope) -> int:
        row = self._db.row("SELECT count(*) FROM dynamodb_tables WHERE account=? AND region=?", scope)
        assert row is not None
        return row[0]

    def create(self, scope: Scope, name: str, body: Document) -> Table:
        row = self._db.write_row(
            "INSERT INTO dynamodb_tables (account, region, name, body) VALUES (?, ?, ?, ?) RETURNING id",
            (*scope, name, orjson.dumps(body)),
        )
        assert row is not None
        for number, each in enumerate(_indexes(body), 1):
            each["Id"] = (row[0] << 12) + number
        body["NextIndex"] = len(_indexes(body)) + 1
        table = read_table(row[0], *scope, name, body)
        self.save(table)
        return table

    def save(self, table: Table) -> Table:
        """Write a changed body; gives the table made of it."""
        self._db.write("UPDATE dynamodb_tables SET body=? WHERE id=?", (orjson.dumps(table.body), table.id))
        self.policies.clear()
        fresh = read_table(table.id, table.account, table.region, table.name, table.body)
        self._cache[table.scope, table.name] = fresh
        return fresh

    def new_index_id(self, table: Table) -> int:
        number = table.body.get("NextIndex", 1)
        table.body["NextIndex"] = number + 1
        return (table.id << 12) + number

    def delete(self, table: Table) -> None:
        """Forget the table; its rows are swept away piece by piece, see `sweep`."""
        self._db.write("DELETE FROM dynamodb_tables WHERE id=?", (table.id,))
        self.policies.clear()
        self._cache.pop((table.scope, table.name), None)

    def everywhere(self) -> list[Table]:
        rows = self._db.rows("SELECT id, account, region, name, body FROM dynamodb_tables ORDER BY id")
        return [_table_of(row) for row in rows]


def _indexes(body: Document) -> list[Document]:
    return [*body.get("LocalSecondaryIndexes", []), *body.get("GlobalSecondaryIndexes", [])]


class Rows:
    """Items and what depends on them."""

    def __init__(self, store: Store) -> None:
        self._db: Database = store.db
        self._row = store.db.row
        self._write = store.db.write

    def get(self, table: Table, key: bytes) -> tuple[bytes, int] | None:
        """An item's JSON and its size."""
        return self._db.row("SELECT item, size FROM dynamodb_items WHERE tbl=? AND key=?", (table.id, key))

    def put(self, table: Table, key: bytes, raw: bytes, size: int) -> None:
        self._db.write("REPLACE INTO dynamodb_items VALUES (?, ?, ?, ?)", (table.id, key, size, raw))

    def delete(self, table: Table, key: bytes) -> None:
        self._write("DELETE FROM dynamodb_items WHERE tbl=? AND key=?", (table.id, key))

    def reindex(self, table: Table, key: bytes, old: Item | None, new: Item | None) -> None:
        """Bring index and expiry rows from what `old` had to what `new` has."""
        for index in table.indexes.values():
            before = index_key(index, key, old)
            now = index_key(index, key, new)
            if before == now:
                continue
            if before is not None:
                self._write("DELETE FROM dynamodb_index WHERE idx=? AND key=?", (index.id, before))
            if now is not None:
                self._write("REPLACE INTO dynamodb_index VALUES (?, ?, ?)", (index.id, now, key))
        if table.expiry is not None:
            before_expiry, expiry = expires(table.expiry, old), expires(table.expiry, new)
            if before_expiry == expiry:
                return
            if before_expiry is not None:
                self._write(
                    "DELETE FROM dynamodb_expiry WHERE tbl=? AND expires=? AND key=?",
                    (table.id, before_expiry, key),
                )
            if expiry is not None:
                self._write("REPLACE INTO dynamodb_expiry VALUES (?, ?, ?)", (table.id, expiry, key))

    def range(
        self, table: Table, low: bytes, high: bytes, *, forward: bool
    ) -> Iterator[tuple[bytes, int, bytes]]:
        """Rows of [low, high): key, size, item."""
        order = "ASC" if forward else "DESC"
        return self._db.iterate(
            "SELECT key, size, item FROM dynamodb_items WHERE tbl=? AND key>=? AND key<?"
            f" ORDER BY key {order}",
            (table.id, low, high),
        )

    def index_range(
        self, table: Table, index: Index, low: bytes, high: bytes, *, forward: bool
    ) -> Iterator[tuple[bytes, int, bytes]]:
        """The same through an index; keys are the index's."""
        order = "ASC" if forward else "DESC"
        return self._db.iterate(
            "SELECT x.key, i.size, i.item FROM dynamodb_index x CROSS JOIN dynamodb_items i"
            " ON i.tbl=?1 AND i.key=x.item WHERE x.idx=?2 AND x.key>=?3 AND x.key<?4"
            f" ORDER BY x.key {order}",
            (table.id, index.id, low, high),
        )

    def slice(self, table: Table, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Keys and items that follow a key: for work that goes over a whole table in pieces."""
        return self._db.rows(  # type: ignore[return-value]
            "SELECT key, item FROM dynamodb_items WHERE tbl=? AND key>? ORDER BY key LIMIT ?",
            (table.id, after, limit),
        )

    def sweep(self, table_id: int, limit: int) -> bool:
        """Delete up to `limit` rows of what a deleted table left; True when nothing is left."""
        for kind, column in (("items", "tbl"), ("expiry", "tbl")):
            self._write(
                f"DELETE FROM dynamodb_{kind} WHERE {column}=? AND key IN"
                f" (SELECT key FROM dynamodb_{kind} WHERE {column}=? LIMIT ?)",
                (table_id, table_id, limit),
            )
            if self._db.changes >= limit:
                return False
        return self.sweep_index(table_id << 12, (table_id + 1) << 12, limit)

    def sweep_index(self, first: int, stop: int, limit: int) -> bool:
        """Delete up to `limit` rows of the indexes numbered [first, stop)."""
        self._write(
            "DELETE FROM dynamodb_index WHERE (idx, key) IN"
            " (SELECT idx, key FROM dynamodb_index WHERE idx>=? AND idx<? LIMIT ?)",
            (first, stop, limit),
        )
        return self._db.changes < limit

    def expired(self, table: Table, now: int, limit: int) -> list[bytes]:
        """Keys of items whose time has come, the earliest first. What is dated five years back stays:
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
        """
        rows = self._db.rows(
            "SELECT key FROM dynamodb_expiry WHERE tbl=? AND expires>? AND expires<=?"
            " ORDER BY expires LIMIT ?",
            (table.id, now - FIVE_YEARS, now, limit),
        )
        return [row[0] for row in rows]

    def count(self, table: Table, limit: int) -> tuple[int, int]:
        """Number and bytes of a table's items, counted up to `limit` of them."""
        row = self._row(
            "SELECT count(*), coalesce(sum(size), 0) FROM"
            " (SELECT size FROM dynamodb_items WHERE tbl=? LIMIT ?)",
            (table.id, limit),
        )
        assert row is not None
        return row[0], row[1]


def index_key(index: Index, key: bytes, item: Item | None) -> bytes | None:
    """Where an item stands in an index; None if it has not all of the index's keys, of their types: an item
    may be older than the index."""
    if item is None or not keys.fits(index.schema, item):
        return None
    return keys.row_key(index.schema, item) + key


def expires(attribute: str, item: Item | None) -> int | None:
    """Epoch seconds in an item's expiry attribute; None unless it is a number."""
    value = (item or {}).get(attribute, {}).get("N")
    if value is None:
        return None
    seconds = int(float(value))
    return seconds if 0 <= seconds < 1 << 62 else None


def not_found(message: str = "Requested resource not found") -> AwsError:
    return AwsError("ResourceNotFoundException", message)
