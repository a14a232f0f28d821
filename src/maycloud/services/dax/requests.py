"""What requests have in common: their arguments read, their answers written."""

import re
from typing import Any

from maycloud.errors import validation
from maycloud.services.dax import cbor, keys
from maycloud.services.dax.cbor import MalformedError, Reader, Value, wanted
from maycloud.services.dax.expressions import Expressions, Path
from maycloud.services.dax.keys import KeySchema
from maycloud.services.dax.node import check_overlaps

# Optional arguments, by number.
PROJECTION, CONSISTENT, CAPACITY, CONDITION, METRICS, RETURN, UPDATE, START = 0, 2, 3, 4, 6, 7, 8, 9
FILTER, INDEX, LIMIT, FORWARD, SELECT, SEGMENT, SEGMENTS, TOKEN = 10, 11, 13, 14, 15, 16, 17, 19
# Members of an answer.
ITEM, CONSUMED, ATTRIBUTES, COLLECTION, ITEMS, COUNT, LAST_KEY, SCANNED = 0, 1, 2, 3, 7, 8, 9, 10

_CAPACITIES = ("NONE", "TOTAL", "INDEXES")
_METRICS = ("NONE", "SIZE")
_RETURNS = ("", "NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
_TABLE = re.compile(r"[a-zA-Z0-9_.-]{1,255}")

SUCCESS = b"\x80"  # no error codes


def table_name(item: Any) -> str:
    """A table's name, as text or bytes."""
    name = item.decode("utf-8", "replace") if isinstance(item, bytes) else wanted(item, str)
    if not _TABLE.fullmatch(name):
        raise validation(
            f"1 validation error detected: Value '{name[:255]}' at 'tableName' failed to satisfy constraint:"
            " Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )
    return name


class Options:
    """A request's optional arguments."""

    def __init__(self, item: Any) -> None:
        self._given: dict[Any, Any] = {} if item is None else wanted(item, dict)

    def get(self, number: int) -> Any:
        return self._given.get(number)

    def flag(self, number: int) -> bool:
        """Some clients send 0 and 1, some booleans."""
        return bool(self._given.get(number, False))

    def named(self, number: int, names: tuple[str, ...]) -> str | None:
        """A number that stands for a word."""
        found = self._given.get(number)
        if found is None:
            return None
        if wanted(found, int) not in range(len(names)) or not names[found]:
            raise MalformedError(f"option {number} has no value {found}")
        return names[found]

    def returning(self) -> dict[str, str]:
        """The parameters that ask for capacity and metrics."""
        found: dict[str, str] = {}
        if (capacity := self.named(CAPACITY, _CAPACITIES)) not in (None, "NONE"):
            found["ReturnConsumedCapacity"] = str(capacity)
        if (metrics := self.named(METRICS, _METRICS)) not in (None, "NONE"):
            found["ReturnItemCollectionMetrics"] = str(metrics)
        return found

    def return_values(self) -> str:
        return self.named(RETURN, _RETURNS) or "NONE"

    def limit(self, number: int, name: str, least: int, most: int) -> dict[str, int]:
        found = self._given.get(number)
        if found is None:
            return {}
        if not least <= wanted(found, int) <= most:
            raise validation(
                f"1 validation error detected: Value '{found}' at '{name[0].lower()}{name[1:]}' failed to"
                f" satisfy constraint: Member must have value between {least} and {most}"
            )
        return {name: found}

    def projection(self, expressions: Expressions) -> list[Path]:
        """The paths of the projection; none where whole items are wanted."""
        return projection(expressions, self._given.get(PROJECTION))


def projection(expressions: Expressions, item: Any) -> list[Path]:
    if item is None:
        return []
    paths = expressions.projection(item)
    check_overlaps(paths)
    return paths


def start_key(options: Options, schema: KeySchema) -> dict[str, Any]:
    """ExclusiveStartKey: a table's key, or with an index a map of attributes."""
    found = options.get(START)
    if found is None:
        return {}
    if options.get(INDEX) is None:
        return {"ExclusiveStartKey": keys.decode(schema, found)}
    key = Reader(wanted(found, bytes)).value()
    if "M" not in key:
        raise MalformedError("a key that is no map")
    return {"ExclusiveStartKey": key["M"]}


# Answers


def answer(members: dict[int, bytes]) -> bytes:
    out = bytearray(SUCCESS)
    cbor.head(out, 5, len(members))
    for number, encoded in members.items():
        cbor.integer(out, number)
        out += encoded
    return bytes(out)


def blob(content: bytes | bytearray) -> bytes:
    out = bytearray()
    cbor.blob(out, content)
    return bytes(out)


def integer(number: int) -> bytes:
    out = bytearray()
    cbor.integer(out, number)
    return bytes(out)


def consumed(result: dict[str, Any]) -> dict[int, bytes]:
    """The consumed capacity of a DynamoDB answer that has one."""
    found = result.get("ConsumedCapacity")
    return {CONSUMED: capacity(found)} if found else {}


def nothing_consumed(options: Options, table: str) -> dict[int, bytes]:
    """What a cache's answer says to those who ask: nothing was read."""
    if "ReturnConsumedCapacity" not in options.returning():
        return {}
    return {CONSUMED: capacity({"TableName": table, "CapacityUnits": 0.0})}


def capacity(found: dict[str, Any]) -> bytes:
    """A table's consumed capacity: name, units, units of the table itself and of its indexes."""
    out = bytearray()
    cbor.text(out, found["TableName"])
    cbor.real(out, float(found["CapacityUnits"]))
    if "Table" in found:
        cbor.real(out, float(found["Table"]["CapacityUnits"]))
    else:
        cbor.null(out)
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        indexes = found.get(kind)
        if not indexes:
            cbor.null(out)
            continue
        cbor.head(out, 5, len(indexes))
        for name, units in indexes.items():
            cbor.text(out, name)
            cbor.real(out, float(units["CapacityUnits"]))
    return blob(out)


_CAPACITY_MEMBERS = {
    "CapacityUnits": 1,
    "ReadCapacityUnits": 2,
    "WriteCapacityUnits": 3,
    "TableName": 4,
    "Table": 5,
    "GlobalSecondaryIndexes": 6,
    "LocalSecondaryIndexes": 7,
}


def transaction_capacity(out: bytearray, found: dict[str, Any]) -> None:
    """The same for transactions: a map by number."""
    members = {number: found[name] for name, number in _CAPACITY_MEMBERS.items() if name in found}
    cbor.head(out, 5, len(members))
    for number, member in members.items():
        cbor.integer(out, number)
        if number <= 3:
            cbor.real(out, float(member))
        elif number == 4:
            cbor.text(out, member)
        elif number == 5:
            transaction_capacity(out, member)
        else:
            cbor.head(out, 5, len(member))
            for name, units in member.items():
                cbor.text(out, name)
                transaction_capacity(out, units)


def collection_metrics(found: dict[str, Any]) -> bytes:
    """An item collection's key and the two estimates of its size in GB."""
    out = bytearray()
    ((_, value),) = found["ItemCollectionKey"].items()
    key: Value = value
    cbor.value(out, key)
    for estimate in found["SizeEstimateRangeGB"]:
        cbor.real(out, float(estimate))
    return blob(out)


def all_collection_metrics(out: bytearray, result: dict[str, Any]) -> None:
    """Those of a batch or transaction, by table."""
    by_table: dict[str, list[dict[str, Any]]] = result.get("ItemCollectionMetrics", {})
    cbor.head(out, 5, len(by_table))
    for table, each in by_table.items():
        cbor.text(out, table)
        cbor.head(out, 4, len(each))
        for found in each:
            out += collection_metrics(found)
