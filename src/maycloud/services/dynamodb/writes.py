"""One write of one item: its condition, its effect, its indexes, its stream record, its cost.

PutItem, UpdateItem, DeleteItem, batches and transactions all end here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call
from maycloud.services.dynamodb import keys
from maycloud.services.dynamodb.capacity import Consumed, write_units
from maycloud.services.dynamodb.store import Table, index_key
from maycloud.services.dynamodb.values import MAX_ITEM, Item, check_item, item_size

Predicate = Callable[[Item], bool]


@dataclass(slots=True)
class Stored:
    """An item as it stands: its key in the store, its JSON, itself."""

    key: bytes
    raw: bytes | None
    size: int
    item: Item | None


@dataclass(slots=True)
class Change:
    """A write that has been decided and not been done."""

    table: Table
    old: Stored
    new: Item | None
    size: int


def load(call: Call, table: Table, key: bytes) -> Stored:
    found = call.state.rows.get(table, key)
    if found is None:
        return Stored(key, None, 0, None)
    return Stored(key, found[0], found[1], orjson.loads(found[0]))


def condition_failed(item: Item | None = None) -> AwsError:
    error = AwsError("ConditionalCheckFailedException", "The conditional request failed")
    if item:
        error.members["Item"] = item
    return error


def check_condition(predicate: Predicate | None, stored: Stored, returned: str | None) -> None:
    """Raises the failure; with the item where ReturnValuesOnConditionCheckFailure asks for it."""
    if predicate is not None and not predicate(stored.item or {}):
        raise condition_failed(stored.item if returned == "ALL_OLD" else None)


def check_size(size: int, *, update: bool = False) -> None:
    if size > MAX_ITEM:
        raise validation(
            "Item size to update has exceeded the maximum allowed size"
            if update
            else "Item size has exceeded the maximum allowed size"
        )


def put(table: Table, stored: Stored, item: Item, size: int) -> Change:
    check_size(size)
    for index in table.indexes.values():
        keys.check_index_keys(index.schema, item, index.name)
    return Change(table, stored, item, size)


def update(table: Table, stored: Stored, new: Item) -> Change:
    """An update's outcome, checked anew: it may have grown too large or too deep."""
    checked, size = check_item(new)
    check_size(size, update=True)
    for index in table.indexes.values():
        keys.check_updated_index_keys(index.schema, stored.item or {}, checked)
    return Change(table, stored, checked, size)


def delete(table: Table, stored: Stored) -> Change:
    return Change(table, stored, None, 0)


def apply(call: Call, change: Change, *, user: dict[str, str] | None = None) -> None:
    """Do it, with all that belongs to it, in this tick's transaction."""
    table, old, new = change.table, change.old, change.new
    rows = call.state.rows
    if new is not None:
        rows.put(table, old.key, orjson.dumps(new), change.size)
    elif old.raw is not None:
        rows.delete(table, old.key)
    if table.is_plain:
        return
    rows.reindex(table, old.key, old.item, new)
    if table.stream is not None and old.item != new:
        call.state.streams.record(table, old.item, new, call.now(), user)


def count(consumed: Consumed, change: Change, *, transactional: bool = False) -> None:
    """Add the units of a write: the larger of old and new, and the same for each index it touches."""
    if consumed.wanted == "NONE":
        return
    consumed.add(write_units(max(change.old.size, change.size), transactional=transactional))
    for index in change.table.indexes.values():
        before = index_key(index, b"", change.old.item)
        now = index_key(index, b"", change.new)
        if before is None and now is None:
            continue
        was = project(index.projection, change.old.item)
        becomes = project(index.projection, change.new)
        if before == now and was == becomes:
            continue
        sizes = [item_size(each) for each in (was, becomes) if each is not None]
        units = write_units(max(sizes), transactional=transactional)
        if before is not None and now is not None and before != now:
            units = sum(write_units(size, transactional=transactional) for size in sizes)
        consumed.add(units, index.name)


def project(projection: frozenset[str] | None, item: Item | None) -> Item | None:
    """What an index has of an item."""
    if item is None or projection is None:
        return item
    return {name: value for name, value in item.items() if name in projection}


def collection_metrics(table: Table, item: Item, wanted: str | None) -> dict[str, Any] | None:
    """ItemCollectionMetrics, which only tables with local indexes have."""
    if wanted != "SIZE" or not table.has_local:
        return None
    return {
        "ItemCollectionKey": {table.schema.hash: item[table.schema.hash]},
        "SizeEstimateRangeGB": [0.0, 1.0],
    }
