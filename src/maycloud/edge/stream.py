"""A request body that is still arriving, with back-pressure to the socket."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from maycloud.edge.messages import BodyTooLargeError

HIGH_WATER = 1 << 20  # bytes buffered before the socket is paused
LOW_WATER = 1 << 18


class Stream:
    """Implements messages.BodyStream. `length` is Content-Length, None when chunked."""

    def __init__(self, length: int | None, pause: Callable[[bool], None], begin: Callable[[], None]) -> None:
        """`pause(True)` stops reading the socket; `begin` is called before the first wait for data."""
        self.length = length
        self.finished = False
        self._pause = pause
        self._begin: Callable[[], None] | None = begin
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._paused = False
        self._failed = False
        self._discarding = False
        self._waiter: asyncio.Future[None] | None = None

    # The connection's side

    def feed(self, data: bytes) -> None:
        if self._discarding:
            return
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered > HIGH_WATER and not self._paused:
            self._paused = True
            self._pause(True)
        self._wake()

    def finish(self) -> None:
        self.finished = True
        self._wake()

    def fail(self) -> None:
        """The client left in the middle."""
        self._failed = True
        self._wake()

    def discard(self) -> None:
        """Nobody will read the rest: drop it as it comes."""
        self._discarding = True
        self._chunks.clear()
        self._buffered = 0
        self._resume()

    # The reader's side

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def _read(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._buffered -= len(chunk)
                if self._buffered < LOW_WATER:
                    self._resume()
                yield chunk
            if self.finished:
                return
            if self._failed:
                raise ConnectionError("the client closed the connection in the middle of its request")
            if self._begin is not None:
                begin, self._begin = self._begin, None
                begin()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    async def read(self, limit: int) -> bytes:
        if self.length is not None and self.length > limit:
            raise BodyTooLargeError
        chunks: list[bytes] = []
        size = 0
        async for chunk in self:
            size += len(chunk)
            if size > limit:
                raise BodyTooLargeError
            chunks.append(chunk)
        return b"".join(chunks)

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._pause(False)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
