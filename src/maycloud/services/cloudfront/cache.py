"""The edge's cache: whole answers in memory, the least recently used leave when it is full."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from maycloud.edge.messages import RawHeaders

MAX_BYTES = 64 << 20
MAX_ENTRY = 8 << 20  # longer bodies stream through
_OVERHEAD = 1024  # bytes that an entry costs besides its body


@dataclass(slots=True)
class Entry:
    """One answer. `uri` is the decoded path and chosen query that invalidations name."""

    status: int
    headers: RawHeaders  # the origin's, without framing
    body: bytes
    distribution: str
    uri: str
    stored: float
    expires: float
    etag: bytes | None = None
    modified: float | None = None
    error: bool = False


class Cache:
    def __init__(self, limit: int = MAX_BYTES) -> None:
        self._limit = limit
        self._entries: OrderedDict[Any, Entry] = OrderedDict()
        self.size = 0
        self.epoch = 0  # grows with each invalidation: what was asked for before is not stored after

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Any) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Any, entry: Entry) -> None:
        self._drop(key)
        self._entries[key] = entry
        self.size += len(entry.body) + _OVERHEAD
        while self.size > self._limit and self._entries:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Any) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= len(entry.body) + _OVERHEAD

    def forget(self, distribution: str, paths: list[str]) -> None:
        """Drop what an invalidation names: exact addresses, and prefixes that end with ``*``."""
        self.epoch += 1
        exact = {unquote(path) for path in paths if not path.endswith("*")}
        prefixes = tuple(unquote(path[:-1]) for path in paths if path.endswith("*"))
        for key, entry in list(self._entries.items()):
            if entry.distribution == distribution and (
                entry.uri in exact or (prefixes and entry.uri.startswith(prefixes))
            ):
                self._drop(key)
