"""What DAX keeps: clusters, groups and events as documents. Attribute lists are rows, see `attributes.py`."""

import itertools
from typing import Any

from maycloud.store import Scope, Store

Document = dict[str, Any]

# Items name their attributes by the number of a list. Clients remember numbers for as long as they live, so a
# number is never given again, not even when its cluster is deleted. The empty list is number 1 everywhere.
SCHEMA = (
    "CREATE TABLE dax_attributes (id INTEGER PRIMARY KEY AUTOINCREMENT, cluster TEXT, names TEXT,"
    " UNIQUE (cluster, names))",
    "INSERT INTO dax_attributes VALUES (1, '', '[]')",
)
EVENTS_KEPT = 14 * 86400  # seconds


class Stored:
    """The documents of all accounts and regions."""

    def __init__(self, store: Store) -> None:
        self.clusters = store.documents("dax.clusters")
        self.parameter_groups = store.documents("dax.parameter_groups")
        self.subnet_groups = store.documents("dax.subnet_groups")
        self._events = store.documents("dax.events")
        self._clock = store.clock
        self._db = store.db
        self._numbers = itertools.count()

    def say(self, scope: Scope, source_type: str, name: str, message: str) -> None:
        """An event, and the oldest forgotten."""
        now = self._clock.time()
        for old, event in self._events.items(scope, limit=20):
            if event["Date"] < now - EVENTS_KEPT:
                self._events.delete(scope, old)
        body = {"SourceType": source_type, "SourceName": name, "Message": message, "Date": now}
        self._events.put(scope, f"{int(now * 1000):015d}/{next(self._numbers):09d}", body)

    def events(self, scope: Scope) -> list[Document]:
        return [event for _, event in self._events.items(scope)]

    def forget_attributes(self, cluster: str) -> None:
        self._db.write("DELETE FROM dax_attributes WHERE cluster=?", (cluster,))
