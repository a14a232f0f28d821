"""ItemCount, TableSizeBytes and IndexSizeBytes, which AWS brings up to date about every six hours
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html).

Small tables are counted whenever they are described. Larger ones are counted in pieces beside other work,
when somebody asks and the last count is a while ago: the more items, the longer the while.
"""

from dataclasses import dataclass, field

import orjson

from maycloud.services.base import Call
from maycloud.services.dynamodb import writes
from maycloud.services.dynamodb.store import Index, Rows, Table, Tables, index_key
from maycloud.services.dynamodb.values import Item, item_size
from maycloud.store import Delivery, RetryLater, Store

FRESH = 20_000  # items of a table that are counted at once
FRESH_INDEXED = 1_000  # and where what indexes have of them is measured too
SLICE = 500
MIN_AGE = 60.0  # seconds that a count lasts at least
ITEMS_A_SECOND = 1_000  # items for which it lasts one second more

Figures = list[int]  # how many items, how many bytes


@dataclass(slots=True)
class Tally:
    """Figures of a table and of each of its indexes by name."""

    table: Figures = field(default_factory=lambda: [0, 0])
    indexes: dict[str, Figures] = field(default_factory=dict[str, Figures])

    def add(self, table: Table, key: bytes, raw: bytes) -> None:
        item: Item = orjson.loads(raw)
        self.table[0] += 1
        self.table[1] += item_size(item)
        for index in table.indexes.values():
            if index_key(index, key, item) is not None:
                figures = self.indexes.setdefault(index.name, [0, 0])
                figures[0] += 1
                figures[1] += _index_size(index, item)


def _index_size(index: Index, item: Item) -> int:
    projected = writes.project(index.projection, item)
    assert projected is not None
    return item_size(projected)


def of(call: Call, table: Table) -> Tally:
    """The figures to tell of a table."""
    rows: Rows = call.state.rows
    items, size = rows.count(table, FRESH)
    if items < FRESH_INDEXED and table.indexes:
        tally = Tally()
        for key, raw in rows.slice(table, b"", FRESH_INDEXED):
            tally.add(table, key, raw)
        return tally
    if items < FRESH and not table.indexes:
        return Tally([items, size])
    counted = table.body.get("Counted", {"table": [items, size], "indexes": {}, "at": 0.0})
    if call.now() - counted["at"] > max(MIN_AGE, counted["table"][0] / ITEMS_A_SECOND):
        call.state.counter.begin(table)
    return Tally([items, size] if items < FRESH else counted["table"], counted["indexes"])


class Counter:
    """Counts tables in pieces."""

    def __init__(self, store: Store, tables: Tables, rows: Rows) -> None:
        self._store = store
        self._tables = tables
        self._rows = rows
        self._begun: dict[int, bool] = store.db.cache()
        store.outbox.consume("dynamodb-count", self._count, concurrency=1)

    def begin(self, table: Table) -> None:
        if table.id not in self._begun:
            self._begun[table.id] = True
            self._store.outbox.put(
                "dynamodb-count", {"id": table.id, "after": "", "table": [0, 0], "indexes": {}}
            )

    async def _count(self, delivery: Delivery) -> None:
        wanted = delivery.payload
        table = next((each for each in self._tables.everywhere() if each.id == wanted["id"]), None)
        if table is None:
            return
        tally = Tally(wanted["table"], wanted["indexes"])
        found = self._rows.slice(table, bytes.fromhex(wanted["after"]), SLICE)
        for key, raw in found:
            tally.add(table, key, raw)
        told = {"table": tally.table, "indexes": tally.indexes}
        if len(found) == SLICE:
            raise RetryLater(0.0, wanted | told | {"after": found[-1][0].hex()})
        self._begun.pop(table.id, None)
        table.body["Counted"] = told | {"at": self._store.clock.time()}
        self._tables.save(table)
