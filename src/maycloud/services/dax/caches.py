"""The item cache and the query cache of a cluster: bounded by memory, the least recently used goes first.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.consistency.html
"""

import re
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from maycloud.store import Clock
from maycloud.store.database import Database

_OVERHEAD = 200  # bytes of bookkeeping an entry
_MIB = 1 << 20
_MOST = 256 * _MIB
_GIBIBYTES = {"small": 2, "medium": 4, "large": 16, "xlarge": 32}
_NODE_TYPE = re.compile(r"dax\.(?:(t2|t3)\.(small|medium)|(r4|r5|r6g|r7i)\.(\d*)(large|xlarge))")

MISS: Any = object()


def is_node_type(name: str) -> bool:
    return _NODE_TYPE.fullmatch(name) is not None


def capacity_of(node_type: str) -> int:
    """Bytes of either cache: 4 MiB for each GiB that the node would have on AWS, 256 MiB at the most."""
    match = _NODE_TYPE.fullmatch(node_type)
    assert match is not None
    size = match[2] or match[5]
    return min(_GIBIBYTES[size] * int(match[4] or 1) * 4 * _MIB, _MOST)


class Cache:
    """Values by key with their age. Emptied when a write is rolled back, which they may tell of."""

    def __init__(self, db: Database, clock: Clock, capacity: int) -> None:
        self.ttl = 0  # milliseconds; 0: as long as there is room
        self._capacity = capacity
        self._clock = clock
        self._entries: OrderedDict[Hashable, tuple[Any, int, int]] = OrderedDict()
        self._size = 0
        self._sound = db.cache()  # loses its mark with a rollback

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> Any:
        """The value, or MISS."""
        self._check()
        found = self._entries.get(key)
        if found is None:
            return MISS
        value, _, since = found
        if self.ttl and self._clock.millis() >= since + self.ttl:
            self.forget(key)
            return MISS
        self._entries.move_to_end(key)
        return value

    def put(self, key: Hashable, value: Any, size: int) -> None:
        self._check()
        self.forget(key)
        size += _OVERHEAD
        if size > self._capacity:
            return
        self._entries[key] = value, size, self._clock.millis()
        self._size += size
        while self._size > self._capacity:
            _, (_, least, _) = self._entries.popitem(last=False)
            self._size -= least

    def forget(self, key: Hashable) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._size -= found[1]

    def clear(self) -> None:
        self._entries.clear()
        self._size = 0

    def _check(self) -> None:
        if not self._sound:
            self.clear()
            self._sound[True] = True
