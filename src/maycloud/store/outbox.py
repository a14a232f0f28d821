"""What must happen next: rows committed with their cause, delivered at least once.

A service registers one consumer for each queue it owns. A consumer must be idempotent: after a
crash it sees again whatever it had not finished.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from maycloud.store.clock import Clock, Timer
from maycloud.store.database import Database

log = logging.getLogger("maycloud.outbox")

SCHEMA = (
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, due REAL NOT NULL,"
    " attempt INTEGER NOT NULL, payload BLOB NOT NULL)",
    "CREATE INDEX outbox_due ON outbox (queue, due, id)",
)

Consumer = Callable[["Delivery"], Awaitable[None]]


class RetryLater(Exception):  # noqa: N818 - a request, not a failure
    """Raised by a consumer: deliver again after `delay` seconds. `payload` replaces the row's."""

    def __init__(self, delay: float, payload: dict[str, Any] | None = None) -> None:
        super().__init__(delay)
        self.delay = delay
        self.payload = payload


@dataclass(slots=True)
class Delivery:
    """One row handed to a consumer; `attempt` counts from 1; `id` is stable over attempts."""

    id: int
    queue: str
    attempt: int
    payload: dict[str, Any]


@dataclass(slots=True)
class _Queue:
    consumer: Consumer
    concurrency: int
    busy: set[int] = field(default_factory=set[int])
    timer: Timer | None = None


class Outbox:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken: set[str] = set()
        self._started = False

    def consume(self, queue: str, consumer: Consumer, concurrency: int = 64) -> None:
        """Register the one consumer of `queue`; at most `concurrency` deliveries run at once."""
        if queue in self._queues:
            raise ValueError(f"queue {queue} has a consumer")
        self._queues[queue] = _Queue(consumer, concurrency)

    def put(self, queue: str, payload: dict[str, Any], delay: float = 0.0) -> None:
        """Add a row to this tick's transaction; delivered after the commit and `delay` seconds."""
        self._db.write(
            "INSERT INTO outbox (queue, due, attempt, payload) VALUES (?, ?, 0, ?)",
            (queue, self._clock.time() + delay, orjson.dumps(payload)),
        )
        if queue not in self._woken:
            self._woken.add(queue)
            self._db.after_commit(self._wake, queue)

    def start(self) -> None:
        """Deliver what an earlier process left behind, then what comes."""
        self._started = True
        for queue in self._queues:
            self._pump(queue)

    async def stop(self) -> None:
        """Let running deliveries be cancelled; their rows stay for the next start."""
        self._started = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def pending(self, queue: str) -> int:
        row = self._db.row("SELECT count(*) FROM outbox WHERE queue=?", (queue,))
        return row[0] if row else 0

    def _wake(self, queue: Any) -> None:
        # After a failed commit the argument is the failure; pumping all is right either way.
        if isinstance(queue, str):
            self._woken.discard(queue)
            self._pump(queue)
        else:
            self._woken.clear()

    def _pump(self, name: str) -> None:
        """Start deliveries of what is due; set a timer for what is due next."""
        queue = self._queues.get(name)
        if queue is None or not self._started:
            return
        room = queue.concurrency - len(queue.busy)
        if room <= 0:
            return
        now = self._clock.time()
        rows = self._db.rows(
            "SELECT id, due, attempt, payload FROM outbox WHERE queue=? ORDER BY due, id LIMIT ?",
            (name, room + len(queue.busy) + 1),
        )
        if queue.timer is not None:
            queue.timer.cancel()
            queue.timer = None
        for id_, due, attempt, payload in rows:
            if id_ in queue.busy:
                continue
            if due > now:
                queue.timer = self._clock.call_at(due, self._pump, name)
                return
            if len(queue.busy) >= queue.concurrency:
                return
            queue.busy.add(id_)
            delivery = Delivery(id_, name, attempt + 1, orjson.loads(payload))
            task = asyncio.get_running_loop().create_task(self._deliver(queue, delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, queue: _Queue, delivery: Delivery) -> None:
        try:
            await queue.consumer(delivery)
        except RetryLater as retry:
            self._postpone(delivery, retry.delay, retry.payload)
        except asyncio.CancelledError:
            queue.busy.discard(delivery.id)
            raise
        except Exception:
            log.exception("%s delivery %d: attempt %d failed", delivery.queue, delivery.id, delivery.attempt)
            self._postpone(delivery, min(60.0, 0.5 * 2.0 ** min(delivery.attempt, 10)), None)
        else:
            self._db.write("DELETE FROM outbox WHERE id=?", (delivery.id,))
        queue.busy.discard(delivery.id)
        self._pump(delivery.queue)

    def _postpone(self, delivery: Delivery, delay: float, payload: dict[str, Any] | None) -> None:
        body = delivery.payload if payload is None else payload
        self._db.write(
            "UPDATE outbox SET due=?, attempt=?, payload=? WHERE id=?",
            (self._clock.time() + delay, delivery.attempt, orjson.dumps(body), delivery.id),
        )
