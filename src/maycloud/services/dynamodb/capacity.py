"""Capacity units and what ReturnConsumedCapacity tells of them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from typing import Any

from maycloud.services.base import Params
from maycloud.services.dynamodb.store import Table


def read_units(size: int, *, consistent: bool, transactional: bool = False) -> float:
    blocks = max(1, -(-size // 4096))
    return blocks * (2.0 if transactional else 1.0 if consistent else 0.5)


def write_units(size: int, *, transactional: bool = False) -> float:
    return max(1, -(-size // 1024)) * (2.0 if transactional else 1.0)


class Consumed:
    """Units of one call on one table; `wanted` is NONE, TOTAL or INDEXES."""

    __slots__ = ("indexes", "table", "units", "wanted")

    def __init__(self, table: Table, params: Params) -> None:
        self.table = table
        self.wanted = params.get("ReturnConsumedCapacity", "NONE")
        self.units = 0.0
        self.indexes: dict[str, float] = {}

    def add(self, units: float, index: str | None = None) -> None:
        if index is None:
            self.units += units
        else:
            self.indexes[index] = self.indexes.get(index, 0.0) + units

    def put_into(self, result: dict[str, Any]) -> None:
        if self.wanted != "NONE":
            result["ConsumedCapacity"] = self.describe()

    def describe(self, *, read: bool | None = None) -> dict[str, Any]:
        """`read` adds the split that transactions tell."""
        total = self.units + sum(self.indexes.values())
        described: dict[str, Any] = {"TableName": self.table.name, "CapacityUnits": total}
        kind = None if read is None else "ReadCapacityUnits" if read else "WriteCapacityUnits"
        if kind is not None:
            described[kind] = total
        if self.wanted != "INDEXES":
            return described
        described["Table"] = {"CapacityUnits": self.units} | ({kind: self.units} if kind else {})
        for name, units in self.indexes.items():
            where = (
                "GlobalSecondaryIndexes" if self.table.indexes[name].is_global else "LocalSecondaryIndexes"
            )
            described.setdefault(where, {})[name] = {"CapacityUnits": units} | ({kind: units} if kind else {})
        return described
