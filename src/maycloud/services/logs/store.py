"""Log groups, streams and events. Events are rows in order of time within their stream."""

import asyncio
import logging
from typing import Any, TypedDict

import orjson

from maycloud.errors import AwsError
from maycloud.store import Scope, Store

SCHEMA = (
    (
        "CREATE TABLE logs_groups (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL,"
        " region TEXT NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL, settings BLOB NOT NULL)"
    ),
    "CREATE UNIQUE INDEX logs_groups_name ON logs_groups (account, region, name)",
    (
        "CREATE TABLE logs_streams (id INTEGER PRIMARY KEY AUTOINCREMENT, grp INTEGER NOT NULL,"
        " name TEXT NOT NULL, created INTEGER NOT NULL, first INTEGER, last INTEGER, ingested INTEGER,"
        " bytes INTEGER NOT NULL DEFAULT 0)"
    ),
    "CREATE UNIQUE INDEX logs_streams_name ON logs_streams (grp, name)",
    (
        "CREATE TABLE logs_events (id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL,"
        " time INTEGER NOT NULL, ingested INTEGER NOT NULL, message TEXT NOT NULL)"
    ),
    "CREATE INDEX logs_events_time ON logs_events (stream, time, id)",
)

Row = tuple[Any, ...]
OVERHEAD = 26  # bytes an event counts besides its message
DELAY = 0.02  # seconds that events of functions wait for others, to be written with them

log = logging.getLogger("maycloud.logs")


class Subscribed(TypedDict):
    """An event as subscribers get it."""

    id: str
    timestamp: int
    message: str


class Group:
    __slots__ = ("account", "created", "id", "name", "region", "settings")

    def __init__(self, row: Row) -> None:
        self.id, self.account, self.region, self.name, self.created = row[:5]
        self.settings: dict[str, Any] = orjson.loads(row[5])

    @property
    def arn(self) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.name}"

    @property
    def retention(self) -> int | None:
        """Days, None for ever."""
        return self.settings.get("retentionInDays")


class Logs:
    """Reads and writes groups, streams and events of one cloud."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._clock = store.clock
        self._groups: dict[Any, Group] = store.db.cache()
        self._streams: dict[Any, int] = store.db.cache()
        self._pending: list[tuple[Scope, str, str, list[tuple[int, str]]]] = []

    # Groups

    def group(self, scope: Scope, name: str) -> Group | None:
        key = (scope, name)
        found = self._groups.get(key)
        if found is None:
            row = self._db.row(
                "SELECT id, account, region, name, created, settings FROM logs_groups"
                " WHERE account=? AND region=? AND name=?",
                (*scope, name),
            )
            if row is None:
                return None
            found = self._groups[key] = Group(row)
        return found

    def groups(self, scope: Scope, prefix: str, after: str, limit: int) -> list[Group]:
        rows = self._db.rows(
            "SELECT id, account, region, name, created, settings FROM logs_groups"
            " WHERE account=? AND region=? AND name>=? AND name<? AND name>? ORDER BY name LIMIT ?",
            (*scope, prefix, prefix + "\U0010ffff", after, limit),
        )
        return [Group(row) for row in rows]

    def create_group(self, scope: Scope, name: str, settings: dict[str, Any]) -> None:
        self._db.write(
            "INSERT INTO logs_groups (account, region, name, created, settings) VALUES (?, ?, ?, ?, ?)",
            (*scope, name, self._clock.millis(), orjson.dumps(settings)),
        )

    def save_group(self, group: Group) -> None:
        self._db.write(
            "UPDATE logs_groups SET settings=? WHERE id=?", (orjson.dumps(group.settings), group.id)
        )
        self._groups.clear()

    def delete_group(self, group: Group) -> None:
        self._db.write(
            "DELETE FROM logs_events WHERE stream IN (SELECT id FROM logs_streams WHERE grp=?)", (group.id,)
        )
        self._db.write("DELETE FROM logs_streams WHERE grp=?", (group.id,))
        self._db.write("DELETE FROM logs_groups WHERE id=?", (group.id,))
        self._groups.clear()
        self._streams.clear()

    def stored_bytes(self, group: Group) -> int:
        row = self._db.row("SELECT coalesce(sum(bytes), 0) FROM logs_streams WHERE grp=?", (group.id,))
        assert row is not None
        return row[0]

    # Streams

    def stream(self, group: Group, name: str) -> int | None:
        key = (group.id, name)
        found = self._streams.get(key)
        if found is None:
            row = self._db.row("SELECT id FROM logs_streams WHERE grp=? AND name=?", key)
            if row is None:
                return None
            found = self._streams[key] = row[0]
        return found

    def create_stream(self, group: Group, name: str) -> int:
        row = self._db.write_row(
            "INSERT INTO logs_streams (grp, name, created) VALUES (?, ?, ?) RETURNING id",
            (group.id, name, self._clock.millis()),
        )
        assert row is not None
        return row[0]

    def delete_stream(self, stream: int) -> None:
        self._db.write("DELETE FROM logs_events WHERE stream=?", (stream,))
        self._db.write("DELETE FROM logs_streams WHERE id=?", (stream,))
        self._streams.clear()

    def streams(self, group: Group, prefix: str) -> list[Row]:
        """Id, name, created, first, last, ingested, bytes."""
        return self._db.rows(
            "SELECT id, name, created, first, last, ingested, bytes FROM logs_streams"
            " WHERE grp=? AND name>=? AND name<? ORDER BY name",
            (group.id, prefix, prefix + "\U0010ffff"),
        )

    # Events

    def arrived(self, group: Group, stream: int, events: list[tuple[int, str]]) -> None:
        """Called with events that were added to a stream of a group."""

    def stream_name(self, stream: int) -> str:
        row = self._db.row("SELECT name FROM logs_streams WHERE id=?", (stream,))
        return row[0] if row is not None else ""

    def newest(self, stream: int, count: int) -> list[Subscribed]:
        """The events that were added last, oldest first."""
        rows = self._db.rows(
            "SELECT id, time, message FROM logs_events WHERE stream=? ORDER BY id DESC LIMIT ?",
            (stream, count),
        )
        return [{"id": f"{row[0]:056d}", "timestamp": row[1], "message": row[2]} for row in reversed(rows)]

    def append(self, group: Group, stream: int, events: list[tuple[int, str]]) -> None:
        """Add events: (epoch milliseconds, message)."""
        if not events:
            return
        now = self._clock.millis()
        self._db.write_many(
            "INSERT INTO logs_events (stream, time, ingested, message) VALUES (?, ?, ?, ?)",
            [(stream, moment, now, message) for moment, message in events],
        )
        size = sum(len(message.encode()) + OVERHEAD for _, message in events)
        times = [moment for moment, _ in events]
        self._db.write(
            "UPDATE logs_streams SET first=min(coalesce(first, ?1), ?1), last=max(coalesce(last, ?2), ?2),"
            " ingested=?3, bytes=bytes+?4 WHERE id=?5",
            (min(times), max(times), now, size, stream),
        )
        self.arrived(group, stream, events)

    def write(self, scope: Scope, group: str, stream: str, events: list[tuple[int, str]]) -> None:
        """Add events of a function's run; makes the group and the stream where they are not there yet.

        Soon: runs do not wait for their log, and what several of them wrote takes one transaction.
        """
        if not self._pending:
            asyncio.get_running_loop().call_later(DELAY, self.settle)
        self._pending.append((scope, group, stream, events))

    def settle(self) -> None:
        """Write what waits; done before any operation, so that none finds less than there is."""
        pending, self._pending = self._pending, []
        for scope, group, stream, events in pending:
            try:
                self._write(scope, group, stream, events)
            except Exception:
                log.exception("events of %s %s were lost", group, stream)

    def _write(self, scope: Scope, group: str, stream: str, events: list[tuple[int, str]]) -> None:
        found = self.group(scope, group)
        if found is None:
            self.create_group(scope, group, {})
            found = self.group(scope, group)
            assert found is not None
        identifier = self.stream(found, stream)
        if identifier is None:
            identifier = self.create_stream(found, stream)
        self.append(found, identifier, events)

    def read(
        self, stream: int, low: tuple[int, int], high: tuple[int, int], limit: int, *, forward: bool
    ) -> list[Row]:
        """Events between two positions (time, id), both exclusive: id, time, ingested, message."""
        order = "ASC" if forward else "DESC"
        return self._db.rows(
            "SELECT id, time, ingested, message FROM logs_events WHERE stream=? AND (time, id)>(?, ?)"
            f" AND (time, id)<(?, ?) ORDER BY time {order}, id {order} LIMIT ?",
            (stream, *low, *high, limit),
        )

    def find(self, streams: list[int], low: tuple[int, int], stop: int, limit: int) -> list[Row]:
        """Events of several streams after a position, by time: id, time, ingested, message, stream."""
        marks = ",".join("?" * len(streams))
        return self._db.rows(
            "SELECT id, time, ingested, message, stream FROM logs_events"
            f" WHERE stream IN ({marks}) AND (time, id)>(?, ?) AND time<? ORDER BY time, id LIMIT ?",
            (*streams, *low, stop, limit),
        )

    def expire(self) -> None:
        """Delete what is older than its group's retention."""
        for row in self._db.rows("SELECT id, account, region, name, created, settings FROM logs_groups"):
            group = Group(row)
            if group.retention is not None:
                self._db.write(
                    "DELETE FROM logs_events WHERE time<? AND stream IN"
                    " (SELECT id FROM logs_streams WHERE grp=?)",
                    (self._clock.millis() - group.retention * 86_400_000, group.id),
                )


def group_missing() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def stream_missing() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
