"""What DynamoDB keeps per cloud, and the work beside its operations: expiry, back-fill, sweeping."""

import logging

import orjson

from maycloud.services.base import Cloud
from maycloud.services.dynamodb.counts import Counter
from maycloud.services.dynamodb.store import Index, Rows, Table, Tables, index_key
from maycloud.services.dynamodb.streams import Streams
from maycloud.services.dynamodb.values import Item
from maycloud.store import Delivery, RetryLater
from maycloud.store.clock import Timer

log = logging.getLogger("maycloud.dynamodb")

SLICE = 500  # rows handled in one tick
EXPIRY_EVERY = 10.0  # seconds between looks for expired items; AWS promises two days
_EXPIRED_BY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


class DynamoDB:
    """Per-cloud state: tables, rows and streams, and the background work on them."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._db = cloud.store.db
        self._clock = cloud.store.clock
        self.tables = Tables(cloud.store)
        self.rows = Rows(cloud.store)
        self.streams = Streams(cloud.store)
        self.counter = Counter(cloud.store, self.tables, self.rows)
        self._timer: Timer | None = None
        cloud.store.outbox.consume("dynamodb-backfill", self._backfill, concurrency=1)
        cloud.store.outbox.consume("dynamodb-sweep", self._sweep, concurrency=1)

    def start(self) -> None:
        self._timer = self._clock.call_later(EXPIRY_EVERY, self._tick)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        """Delete what has expired, a slice a table; at once again where a slice was not enough."""
        now = self._clock.time()
        full = False
        for table in self.tables.everywhere():
            if table.expiry is not None:
                full |= self.expire(table, int(now)) >= SLICE
        self.streams.trim(now)
        self._timer = self._clock.call_later(0.0 if full else EXPIRY_EVERY, self._tick)

    def expire(self, table: Table, now: int) -> int:
        """Delete up to a slice of expired items, each with its stream record; gives how many."""
        keys = self.rows.expired(table, now, SLICE)
        with self._db.atomic():
            for key in keys:
                found = self.rows.get(table, key)
                if found is None:
                    continue
                old = orjson.loads(found[0])
                self.rows.delete(table, key)
                self.rows.reindex(table, key, old, None)
                if table.stream is not None:
                    self.streams.record(table, old, None, self._clock.time(), _EXPIRED_BY)
        return len(keys)

    async def _backfill(self, delivery: Delivery) -> None:
        """Fill a new index, or the expiry of a table, a slice at a time."""
        wanted = delivery.payload
        table = next((each for each in self.tables.everywhere() if each.id == wanted["table"]), None)
        if table is None:
            return
        index = next((each for each in table.indexes.values() if each.id == wanted["index"]), None)
        if wanted["index"] is not None and index is None:
            return  # deleted meanwhile
        found = self.rows.slice(table, bytes.fromhex(wanted["after"]), SLICE)
        with self._db.atomic():
            for key, raw in found:
                self._fill(table, index, key, orjson.loads(raw))
        if len(found) == SLICE:
            raise RetryLater(0.0, wanted | {"after": found[-1][0].hex()})
        if index is not None:
            for each in table.body["GlobalSecondaryIndexes"]:
                if each["Id"] == index.id:
                    each["IndexStatus"] = "ACTIVE"
            self.tables.save(table)

    def _fill(self, table: Table, index: Index | None, key: bytes, item: Item) -> None:
        if index is None:
            self.rows.reindex(table, key, None, item)
            return
        place = index_key(index, key, item)
        if place is not None:
            self._db.write("REPLACE INTO dynamodb_index VALUES (?, ?, ?)", (index.id, place, key))

    async def _sweep(self, delivery: Delivery) -> None:
        wanted = delivery.payload
        if "table" in wanted:
            done = self.rows.sweep(wanted["table"], SLICE)
        else:
            done = self.rows.sweep_index(wanted["index"], wanted["index"] + 1, SLICE)
        if not done:
            raise RetryLater(0.0)
