"""The one clock of a cloud. Tests move it forward; nothing else in the cloud reads the time."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Any

_FAR = 100 * 366 * 86400.0  # seconds: further, and dates end


class Timer:
    """A callback that waits for its moment; `cancel` makes it never run."""

    __slots__ = ("args", "callback", "cancelled", "when")

    def __init__(self, when: float, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.when = when
        self.callback = callback
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Wall time in epoch seconds plus an offset that `advance` grows; while held, only `advance` moves it.

    Timers and sleeps follow the moved clock: advancing by an hour runs all that was due within it.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._held: float | None = None
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._handle: asyncio.TimerHandle | None = None

    def time(self) -> float:
        return time.time() + self._offset if self._held is None else self._held

    def wall(self) -> float:
        """The machine's own time, which clients sign with: `advance` does not move it."""
        return time.time()

    def millis(self) -> int:
        return int(self.time() * 1000)

    def advance(self, seconds: float) -> None:
        if not 0 <= seconds <= _FAR:
            raise ValueError("the clock only moves forward, and not for ever")
        if self._held is None:
            self._offset += seconds
        else:
            self._held += seconds
        self._arm()

    def hold(self, still: bool) -> None:
        """Stand still from now on, or go on from where it stands."""
        if still == (self._held is not None):
            return
        now = self.time()
        self._offset = now - time.time()
        self._held = now if still else None
        self._arm()

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any) -> Timer:
        """Run `callback(*args)` on the loop once the clock reaches `when` (epoch seconds)."""
        timer = Timer(when, callback, args)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        if self._heap[0][2] is timer:
            self._arm()
        return timer

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Timer:
        return self.call_at(self.time() + delay, callback, *args)

    async def sleep(self, seconds: float) -> None:
        """Like asyncio.sleep, but woken when the clock is moved past the moment."""
        future = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, _wake, future)
        try:
            await future
        finally:
            timer.cancel()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        if self._heap:
            delay = max(0.0, self._heap[0][0] - self.time())
            if delay and self._held is not None:
                return
            # A day at most: longer waits overflow some event loops and re-arm for nothing.
            self._handle = asyncio.get_running_loop().call_later(min(delay, 86400.0), self._run)

    def _run(self) -> None:
        self._handle = None
        now = self.time()
        due: list[Timer] = []
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            if not timer.cancelled:
                due.append(timer)
        self._arm()
        loop = asyncio.get_running_loop()
        for timer in due:
            # Each in its own callback, so that one that raises is reported and stops no other.
            loop.call_soon(_fire, timer)


def _fire(timer: Timer) -> None:
    if not timer.cancelled:
        timer.callback(*timer.args)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
