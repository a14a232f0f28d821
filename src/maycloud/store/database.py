"""The one SQLite file of a cloud: one writer, one transaction a loop tick.

Every write of one tick of the event loop joins one transaction, committed by a callback at the
end of the tick. What must not be seen before it is durable (a response, a wake-up of a consumer)
is handed to `after_commit`. Reads see the open transaction: there is one connection and one thread.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import apsw

log = logging.getLogger("maycloud.store")

Durability = Literal["process", "power"]
FORMAT = 1  # of the data folder; raised when an older Maycloud could not read it

Row = tuple[Any, ...]
Args = Sequence[Any]
Step = str | Callable[[apsw.Connection], None]


class FormatTooNewError(Exception):
    """The data folder was written by a newer Maycloud."""


class DataLockedError(Exception):
    """Another process has the data folder open."""


class Cache(dict[Any, Any]):
    """A dictionary of things read from the database, emptied whenever a write is rolled back."""


class Database:
    """See the module's docstring. `path` may be ``:memory:`` in tests."""

    def __init__(self, path: Path | str, durability: Durability = "process") -> None:
        self.path = path
        self._db = apsw.Connection(str(path), statementcachesize=1024)
        self._db.set_busy_timeout(0)
        # Plans do not depend on what is bound. Without it SQLite compiles a statement anew for each value
        # that it holds against a partial index's condition.
        self._db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        self._cursor = self._db.cursor()
        self._execute = self._cursor.execute
        try:
            self._pragmas(durability)
        except apsw.BusyError as error:
            self._db.close()
            raise DataLockedError(str(path)) from error
        self._savepoints = 0
        self._open = False
        self._scheduled = False  # the end of the tick has something to do
        self._operation = False  # a dispatcher asked for its writes to be atomic
        self._operation_open = False  # and the savepoint for them is there
        self._waiting: list[tuple[Callable[[Any], None], Any]] = []
        self._before: list[Callable[[], None]] = []
        self._caches: list[Cache] = []

    def _pragmas(self, durability: Durability) -> None:
        db = self._db
        # EXCLUSIVE keeps the WAL index in our memory and other processes out.
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA page_size=8192")
        db.execute("PRAGMA journal_mode=WAL")
        # OFF: a commit is in the page cache of the kernel, which survives the process, not the power.
        db.execute(f"PRAGMA synchronous={'FULL' if durability == 'power' else 'OFF'}")
        db.execute("PRAGMA cache_size=-16384")
        db.execute("PRAGMA mmap_size=268435456")
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("PRAGMA wal_autocheckpoint=4000")
        version = db.execute("PRAGMA user_version").fetchone()[0]  # type: ignore[index]
        if version > FORMAT:
            db.close()
            raise FormatTooNewError(
                f"{self.path}: data format {version}, newer than {FORMAT}, the newest known"
            )
        db.execute(f"PRAGMA user_version={FORMAT}")
        db.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, done INTEGER)")

    def is_migrated(self, name: str) -> bool:
        """Whether `name` has been here before."""
        return self._db.execute("SELECT 1 FROM migrations WHERE name=?", (name,)).fetchone() is not None

    def migrate(self, name: str, steps: Sequence[Step]) -> None:
        """Bring `name`'s tables up to date: step N runs once, in order, in one transaction.

        A step is SQL, or a function for what SQL cannot say.
        """
        row = self._db.execute("SELECT done FROM migrations WHERE name=?", (name,)).fetchone()
        done = row[0] if row else 0
        if row is not None and done >= len(steps):
            return
        # A SELECT of which only the first row was fetched would keep its tables from being changed.
        self._execute("SELECT 0").fetchall()
        with self._db:
            for step in steps[done:]:
                if isinstance(step, str):
                    self._db.execute(step)
                else:
                    step(self._db)
            self._db.execute("REPLACE INTO migrations VALUES (?, ?)", (name, len(steps)))

    def close(self) -> None:
        """Commit what is open and close. Nobody calls afterwards."""
        if self._open:
            self._commit()
        self._db.close()

    # Reading

    def rows(self, sql: str, args: Args = ()) -> list[Row]:
        return self._execute(sql, args).fetchall()

    def row(self, sql: str, args: Args = ()) -> Row | None:
        return self._execute(sql, args).fetchone()

    def iterate(self, sql: str, args: Args = ()) -> Iterator[Row]:
        """Rows one at a time, for scans that stop early. Exhaust or drop it before the next await."""
        return self._db.cursor().execute(sql, args)

    # Writing

    def write(self, sql: str, args: Args = ()) -> None:
        """Run a writing statement in this tick's transaction."""
        if not self._open:
            self._begin()
        if self._operation and not self._operation_open:
            self._operation_open = True
            self._execute("SAVEPOINT operation")
        self._execute(sql, args)

    def write_row(self, sql: str, args: Args = ()) -> Row | None:
        """Run a writing statement with RETURNING and give its first row."""
        self.write(sql, args)
        return self._cursor.fetchone()

    def write_many(self, sql: str, rows: Sequence[Args]) -> None:
        if not rows:
            return
        self.write(sql, rows[0])
        if len(rows) > 1:
            self._cursor.executemany(sql, rows[1:])

    @property
    def changes(self) -> int:
        """How many rows the last writing statement touched."""
        return self._db.changes()

    @contextlib.contextmanager
    def atomic(self) -> Iterator[None]:
        """All of the block's writes or none. No await inside: other calls share the transaction."""
        if not self._open:
            self._begin()
        self._savepoints += 1
        name = f"s{self._savepoints}"
        self._execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self._execute(f"ROLLBACK TO {name}")
            self._execute(f"RELEASE {name}")
            self._forget()
            raise
        else:
            self._execute(f"RELEASE {name}")
        finally:
            self._savepoints -= 1

    def begin_operation(self) -> None:
        """From here to `end_operation` or `undo_operation`, writes are atomic. No await between."""
        self._operation = True

    def end_operation(self) -> None:
        self._operation = False
        if self._operation_open:
            self._operation_open = False
            self._execute("RELEASE operation")

    def undo_operation(self) -> None:
        self._operation = False
        if self._operation_open:
            self._operation_open = False
            self._execute("ROLLBACK TO operation")
            self._execute("RELEASE operation")
            self._forget()

    # Committing

    @property
    def dirty(self) -> bool:
        """Whether this tick has written: what is answered now must wait for the commit."""
        return self._open

    def after_commit(self, callback: Callable[[Any], None], argument: Any = None) -> None:
        """Call `callback(argument)` at the end of this tick, once what is written so far is durable.

        Should the commit fail, `callback(CommitFailed)` is called instead. Answers of a tick leave together
        even when nothing was written: the client is woken once for all of them, not once for each.
        """
        self._waiting.append((callback, argument))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._commit)

    def before_commit(self, callback: Callable[[], None]) -> None:
        """Run once inside this tick's transaction, just before it commits."""
        self._before.append(callback)

    async def committed(self) -> None:
        """Wait until what is written so far is durable. Raises CommitFailed if it never will be."""
        if not self._open:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(outcome: Any) -> None:
            if future.done():
                return
            if outcome is CommitFailed:
                future.set_exception(CommitFailed())
            else:
                future.set_result(None)

        self._waiting.append((done, None))
        await future

    def cache(self) -> Cache:
        """A dictionary for what is expensive to read; emptied when any write is rolled back."""
        cache = Cache()
        self._caches.append(cache)
        return cache

    def _begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")
        self._open = True
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._commit)

    def _commit(self) -> None:
        self._scheduled = False
        outcome = self._end_transaction() if self._open else None
        waiting, self._waiting = self._waiting, []
        for callback, argument in waiting:
            callback(argument if outcome is None else outcome)

    def _end_transaction(self) -> Any:
        """Commit; gives CommitFailed if that was not to be, else None."""
        outcome: Any = None
        try:
            while self._before:
                before, self._before = self._before, []
                for callback in before:
                    callback()
            self._execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - a full disk must fail the callers, not the loop
            log.error("commit failed: %s", error)
            outcome = CommitFailed
            if not self._db.get_autocommit():
                self._execute("ROLLBACK")
            self._before.clear()
            self._forget()
        self._open = False
        return outcome

    def _forget(self) -> None:
        for cache in self._caches:
            cache.clear()


class CommitFailed(Exception):  # noqa: N818 - also handed to callbacks as the outcome itself
    """The transaction could not be made durable; nothing of it was written."""
