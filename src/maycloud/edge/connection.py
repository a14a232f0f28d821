"""One client's connection: bytes in, requests out, answers back in the order of the requests."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httptools

from maycloud.edge import responses
from maycloud.edge.messages import FileBody, RawHeaders, Request, Response
from maycloud.edge.stream import Stream

if TYPE_CHECKING:
    from maycloud.edge.server import Edge

log = logging.getLogger("maycloud.edge")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a client may ask of a connection; sizes in bytes, times in seconds."""

    head: int = 64 * 1024
    headers: int = 200
    buffered: int = 1 << 20  # bodies up to this size are handed over whole
    pipelined: int = 32
    head_time: float = 30.0
    body_time: float = 30.0  # without a byte
    idle_time: float = 75.0
    connections: int = 10_000


_READ = 256 * 1024  # bytes of a file read at a time
_FAILED = Response(503, [(b"content-type", b"text/plain")], b"The write could not be made durable")


class Connection(asyncio.Protocol):
    """Parses with llhttp. Requests of a pipeline wait in line: one is answered before the next begins."""

    # State by lifetime: of the connection, of the message being parsed, of the request being answered.
    __slots__ = (
        "_body",
        "_busy",
        "_bytes_in_head",
        "_closing",
        "_continue",
        "_current",
        "_drained",
        "_edge",
        "_header_list",
        "_keep_alive",
        "_lost",
        "_parser",
        "_paused",
        "_peer",
        "_queue",
        "_secure",
        "_size",
        "_stream",
        "_target",
        "_task",
        "_transport",
        "deadline",
    )

    def __init__(self, edge: "Edge", peer: str, secure: bool) -> None:
        self._edge = edge
        self._peer = peer
        self._secure = secure
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._queue: deque[tuple[Request, bool]] = deque()
        self._busy = False
        self._closing = False
        self._lost = False
        self._paused = 0
        self._drained: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._stream: Stream | None = None
        self._current: Request | None = None
        self._keep_alive = True
        self.deadline = 0.0  # on the loop's clock, when the connection is closed for being slow
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._header_list: RawHeaders = []
        self._body: list[bytes] = []
        self._size = 0
        self._bytes_in_head = 0
        self._continue = False

    # asyncio.Protocol

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._edge.connections.add(self)
        self._wait(self._edge.limits.head_time)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._edge.connections.discard(self)
        if self._stream is not None:
            self._stream.fail()
        for request, _ in self._queue:
            if isinstance(request.body, Stream):
                request.body.fail()
        self._queue.clear()
        self.resume_writing()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No protocol to change to: the request is answered as if it had not asked.
            self._closing = True
        except httptools.HttpParserCallbackError as error:
            self._refuse(error.__context__ or error)
        except httptools.HttpParserError as error:
            self._refuse(error)
        else:
            if not self._busy and not self._queue:
                self._wait(
                    self._edge.limits.head_time if self._bytes_in_head else self._edge.limits.idle_time
                )
            elif self._stream is not None:
                self._wait(self._edge.limits.body_time)

    def eof_received(self) -> bool:
        """A half-closed client still gets its answers."""
        if self._stream is not None:
            self._stream.fail()
        if not self._busy and not self._queue:
            return False
        self._closing = True
        return True

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # httptools

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._bytes_in_head += len(url)
        if self._bytes_in_head > self._edge.limits.head:
            raise _Refusal(414, "URI Too Long")

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._header_list
        headers.append((name.lower(), value))
        self._bytes_in_head += len(name) + len(value) + 4
        limits = self._edge.limits
        if self._bytes_in_head > limits.head or len(headers) > limits.headers:
            raise _Refusal(431, "Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        parser = self._parser
        self._keep_alive = parser.should_keep_alive()
        hosts = 0
        length: int | None = None
        chunked = False
        for name, value in self._header_list:
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"expect":
                self._continue = value.lower() == b"100-continue"
        version = parser.get_http_version()
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise _Refusal(400, "Bad Request: one Host header is needed")
        if version not in ("1.1", "1.0"):
            raise _Refusal(505, "HTTP Version Not Supported")
        if length is not None and length > self._edge.limits.buffered:
            self._start_stream(length)
        elif self._continue and (length or chunked) and not self._busy:
            self._transport.write(responses.CONTINUE)
            self._continue = False

    def on_body(self, data: bytes) -> None:
        stream = self._stream
        if stream is not None:
            stream.feed(data)
            return
        self._body.append(data)
        self._size += len(data)
        if self._size > self._edge.limits.buffered:
            stream = self._start_stream(None)
            for chunk in self._body:
                stream.feed(chunk)
            self._body = []

    def on_message_complete(self) -> None:
        stream = self._stream
        if stream is not None:
            self._stream = None
            stream.finish()
            self._begin()
            return
        body = self._body
        request = Request(
            self._parser.get_method().decode("latin-1"),
            self._target.decode("latin-1"),
            self._header_list,
            b"" if not body else body[0] if len(body) == 1 else b"".join(body),
            self._peer,
            self._secure,
        )
        self._begin()
        self._submit(request)

    def _start_stream(self, length: int | None) -> Stream:
        stream = self._stream = Stream(length, self._pause_reading, self._send_continue)
        request = Request(
            self._parser.get_method().decode("latin-1"),
            self._target.decode("latin-1"),
            self._header_list,
            stream,
            self._peer,
            self._secure,
        )
        self._submit(request)
        return stream

    def _send_continue(self) -> None:
        if self._continue and not self._lost:
            self._continue = False
            self._transport.write(responses.CONTINUE)

    # Requests in line

    def _submit(self, request: Request) -> None:
        if self._closing:
            return
        if self._busy:
            self._queue.append((request, self._keep_alive))
            if len(self._queue) == self._edge.limits.pipelined:
                self._pause_reading(True)
            return
        self._start(request, self._keep_alive)

    def _start(self, request: Request, keep_alive: bool) -> None:
        self._busy = True
        self._current = request
        if not keep_alive:
            self._closing = True
        self.deadline = float("inf") if self._stream is None else self._deadline(self._edge.limits.body_time)
        self._edge.application(request, self.reply)

    def _next(self) -> None:
        """The current request is answered; begin the next in line, or close, or wait."""
        current = self._current
        self._busy = False
        self._current = None
        if current is not None and isinstance(current.body, Stream) and not current.body.finished:
            # The rest of a body nobody wants could be long: it is cheaper to hang up.
            current.body.discard()
            self._closing = True
        if self._lost:
            return
        if self._closing:
            self._transport.close()
            return
        if self._queue:
            request, keep_alive = self._queue.popleft()
            if len(self._queue) == self._edge.limits.pipelined - 1:
                self._pause_reading(False)
            self._start(request, keep_alive)
            return
        if self._edge.stopping:
            self._transport.close()
            return
        self._wait(self._edge.limits.idle_time)

    # Answers

    def reply(self, response: Response) -> None:
        """Answer the current request."""
        request = self._current
        if request is None or self._lost:
            self._busy = False
            return
        if response.__class__ is not Response:
            response = _FAILED
            self._closing = True
        body = response.body
        if isinstance(body, bytes):
            date = self._edge.dates.line()
            head = responses.head(response.status, response.headers, date, len(body), self._closing)
            sends = body and responses.has_body(response.status, request.method)
            self._transport.write(head + body if sends else head)
            self._next()
            return
        self._task = asyncio.get_running_loop().create_task(self._send(request, response))

    async def _send(self, request: Request, response: Response) -> None:
        """Send a long answer piece by piece, no faster than the client takes it."""
        body = response.body
        whole = True
        try:
            if isinstance(body, FileBody):
                self._write_head(response, body.length)
                if responses.has_body(response.status, request.method):
                    await self._send_file(body)
            elif not isinstance(body, bytes):
                whole = False
                await self._send_iterator(request, response, body)
                whole = True
        except asyncio.CancelledError:
            return
        except Exception:
            log.exception("an answer to %s %s broke off", request.method, request.path)
            whole = False
        finally:
            self._task = None
        if not whole:
            # The client must see that this is not the end.
            self._transport.abort()
            return
        self._next()

    def _write_head(self, response: Response, length: int | None) -> None:
        date = self._edge.dates.line()
        self._transport.write(responses.head(response.status, response.headers, date, length, self._closing))

    async def _send_file(self, body: FileBody) -> None:
        offset, left = body.offset, body.length
        with body.path.open("rb") as file:
            while left:
                data = await asyncio.to_thread(_read_at, file, offset, min(left, 4 * _READ))
                if not data:
                    raise EOFError(f"{body.path} is shorter than it was")
                self._transport.write(data)
                offset += len(data)
                left -= len(data)
                await self._drain()

    async def _send_iterator(self, request: Request, response: Response, body: AsyncIterator[bytes]) -> None:
        sized = any(name == b"content-length" for name, _ in response.headers)
        self._write_head(response, None)
        if not responses.has_body(response.status, request.method):
            return
        async for chunk in body:
            if not chunk:
                continue
            self._transport.write(chunk if sized else b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await self._drain()
        if not sized:
            self._transport.write(b"0\r\n\r\n")

    async def _drain(self) -> None:
        if self._lost:
            raise ConnectionResetError
        if self._drained is not None:
            await self._drained

    # Flow and time

    def _pause_reading(self, pause: bool) -> None:
        """Counted: reading goes on when nobody wants it paused any more."""
        self._paused += 1 if pause else -1
        if self._lost:
            return
        if pause and self._paused == 1:
            self._transport.pause_reading()
            self.deadline = float("inf")
        elif not pause and self._paused == 0:
            self._transport.resume_reading()
            if self._stream is not None:
                self._wait(self._edge.limits.body_time)

    def _deadline(self, seconds: float) -> float:
        return self._edge.now + seconds

    def _wait(self, seconds: float) -> None:
        if not self._paused:
            self.deadline = self._edge.now + seconds

    def expire(self) -> None:
        """The client was too slow, or idle for too long."""
        if self._bytes_in_head and self._stream is None and not self._busy:
            self._transport.write(responses.plain(408, "Request Timeout"))
        self._transport.close()

    def stop(self) -> None:
        """Close now if nothing is being answered, else after the answer."""
        if not self._busy and self._transport is not None:
            self._transport.close()

    def _refuse(self, error: BaseException) -> None:
        """Not HTTP, or too much of it: answer after what is in line is answered, then hang up."""
        status, message = (
            (error.status, error.message) if isinstance(error, _Refusal) else (400, "Bad Request")
        )
        if self._stream is not None:
            self._stream.fail()
            self._stream = None
        if not self._busy and not self._lost:
            self._transport.write(responses.plain(status, message))
            self._transport.close()
        self._closing = True


class _Refusal(Exception):  # noqa: N818 - carries an answer
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def _read_at(file: Any, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
