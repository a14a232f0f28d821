"""One client's connection: bytes in, requests out, answers back in the order of the requests."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, BinaryIO

import httptools

from maycloud.edge import bodies, responses
from maycloud.edge.limits import Limits
from maycloud.edge.messages import FileBody, RawHeaders, Request, Response, origin_form
from maycloud.edge.stream import Stream

if TYPE_CHECKING:
    from maycloud.edge.server import Edge

__all__ = ["Connection", "Limits"]

log = logging.getLogger("maycloud.edge")

_BROKEN = Response(500, [(b"content-type", b"text/plain")], b"Internal Server Error")
_FAILED = Response(503, [(b"content-type", b"text/plain")], b"The write could not be made durable")
_NEVER = float("inf")
# Names of headers as most clients spell them. One object for each has its hash made once.
_LOWER = {
    spelling: name
    for name in (
        b"host", b"accept", b"accept-encoding", b"user-agent", b"content-type", b"content-length",
        b"connection", b"authorization", b"x-amz-date", b"x-amz-target", b"x-amz-content-sha256",
        b"x-amz-security-token", b"x-amz-user-agent", b"amz-sdk-invocation-id", b"amz-sdk-request",
        b"origin", b"referer", b"cookie", b"if-none-match", b"range", b"expect", b"transfer-encoding",
    )
    for spelling in (name, name.title(), name.replace(b"x-amz", b"X-Amz"))
}  # fmt: skip


class Connection:
    """Parses with llhttp. Requests of a pipeline wait in line: one is answered before the next begins.

    What asyncio.Protocol asks for is here; the class itself is no base, so that mypyc can lay this one out.
    """

    # State by lifetime: of the connection, of the message being parsed, of the request being answered.
    __slots__ = (
        "_advancing",
        "_again",
        "_arrived",
        "_body",
        "_busy",
        "_bytes_in_head",
        "_closing",
        "_continue",
        "_current",
        "_drained",
        "_edge",
        "_ended",
        "_headed",
        "_header_list",
        "_keep_alive",
        "_linger",
        "_lost",
        "_most_head",
        "_most_headers",
        "_names",
        "_old",
        "_parser",
        "_paused",
        "_peer",
        "_queue",
        "_refusal",
        "_secure",
        "_size",
        "_stream",
        "_target",
        "_task",
        "_transport",
        "_unsent",
        "deadline",
    )

    def __init__(self, edge: "Edge", peer: str, secure: bool) -> None:
        self._edge = edge
        self._peer = peer
        self._secure = secure
        self._most_head = edge.limits.head
        self._most_headers = edge.limits.headers
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._queue: deque[tuple[Request, bool, bool]] = deque()
        self._busy = False
        self._advancing = False
        self._ended = False  # no further request is taken
        self._closing = False  # the current answer is the last
        self._linger = False  # the client may still be sending when we hang up
        self._refusal: bytes | None = None  # the answer to what could not be parsed
        self._lost = False
        self._paused = 0
        self._unsent = 0  # bytes of answers not taken when last looked at
        self._drained: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._stream: Stream | None = None
        self._current: Request | None = None
        self._old = False  # the request being answered is of HTTP/1.0
        self._keep_alive = True
        self.deadline = 0.0  # on the loop's clock, when the connection is closed for being slow
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._header_list: RawHeaders = []
        self._names: list[bytes] = []
        self._body: list[bytes] = []
        self._size = 0
        self._arrived = 0  # bytes since the head began or a body's last byte, but for pipelined ones
        self._bytes_in_head = 0
        self._headed = False
        self._continue = False
        self._again: bytes | None = None  # the head, to be parsed once more

    # asyncio.Protocol

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._edge.connections.add(self)
        self._wait(self._edge.limits.head_time)
        if self._edge.stopping:  # it came while the TLS handshake was going on
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._edge.connections.discard(self)
        if self._stream is not None:
            self._stream.fail()
        for request, _, _ in self._queue:
            if isinstance(request.body, Stream):
                request.body.fail()
        self._queue.clear()
        self.resume_writing()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        limits = self._edge.limits
        if not self._arrived and not self._headed and not self._busy:
            self._wait(limits.head_time)
        self._arrived += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # No protocol to change to: the request is answered as if it had not asked.
            if self._ended:
                return
            self._parser = httptools.HttpRequestParser(self)
            again = self._again or b""
            self._begin()
            rest = again + data[upgrade.args[0] :]
            if rest:
                self.data_received(rest)
            return
        except httptools.HttpParserCallbackError as raised:
            self._refuse(raised.__context__ or raised)
            return
        except httptools.HttpParserError as error:
            self._refuse(error)
            return
        # The parser gathers a header or trailer of any length before it shows it.
        if self._arrived > limits.head and not self._ended:
            self._refuse(_Refusal(431, "Request Header Fields Too Large"))
        elif self._stream is not None or (self._headed and not self._busy):
            self._wait(limits.body_time)

    def eof_received(self) -> bool:
        """A half-closed client still gets its answers; over TLS there is no such thing."""
        self._ended = True
        if self._stream is not None:
            self._stream.fail()
        return not self._secure and (self._busy or bool(self._queue))

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()
        self._wait_for_taking()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is None:
            return
        if not drained.done():
            drained.set_result(None)
        if self._busy:
            self.deadline = _NEVER if self._stream is None else self._edge.now + self._edge.limits.body_time
        elif not self._advancing:
            self._advance()

    # httptools

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._bytes_in_head += len(url)
        if self._bytes_in_head > self._most_head:
            raise _Refusal(414, "URI Too Long")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._bytes_in_head += len(name) + len(value) + 4
        if value and value[-1] <= 32:  # the parser cuts blanks before a value only (RFC 9110, 5.5)
            value = value.rstrip(b" \t")
        if not self._headed:  # a trailer must not pass for a header
            self._header_list.append((_LOWER.get(name) or name.lower(), value))
            self._names.append(name)
        if self._bytes_in_head > self._most_head or len(self._header_list) > self._most_headers:
            raise _Refusal(431, "Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._headed = True
        self._arrived = 0
        self._keep_alive = self._parser.should_keep_alive()
        hosts, length, chunked, is_newest = self._read_headers()
        if hosts != 1 or not is_newest or self._parser.should_upgrade():
            self._check_unusual(hosts, bool(length), chunked)
            if self._again is not None:
                return
        if length is not None and length > self._edge.limits.buffered:
            self._start_stream(length)
        elif self._continue and length is None and not chunked:
            # An announced empty body gets its 100: botocore misreads the next answer on the connection
            # if it was not given one.
            self._continue = False
        elif self._continue and not self._busy:
            self._send_continue()

    def _read_headers(self) -> tuple[int, int | None, bool, bool]:
        """How many hosts, Content-Length, whether it is chunked and of HTTP/1.1."""
        hosts = 0
        length: int | None = None
        chunked = False
        # Without Connection, HTTP/1.1 alone stays open; to ask for the version makes it text.
        is_newest = self._keep_alive
        for name, value in self._header_list:
            size = len(name)
            if size == 4:
                if name == b"host":
                    hosts += 1
            elif size == 6:
                if name == b"expect":
                    self._continue = value.lower() == b"100-continue"
            elif size == 10:
                if name == b"connection":
                    is_newest = self._parser.get_http_version() == "1.1"
            elif size == 14:
                if name == b"content-length":
                    length = int(value)
            elif size == 17 and name == b"transfer-encoding":
                if chunked or value.lower() != b"chunked":  # what it was packed with besides stays unread
                    raise _Refusal(501, "Not Implemented: no transfer coding but chunked")
                chunked = True
        return hosts, length, chunked, is_newest

    def _check_unusual(self, hosts: int, length: bool, chunked: bool) -> None:
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise _Refusal(505, "HTTP Version Not Supported")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise _Refusal(400, "Bad Request: one Host header is needed")
        if version == "1.0":
            self._keep_alive = self._continue = False
            if chunked:
                raise _Refusal(400, "Bad Request: HTTP/1.0 has no Transfer-Encoding")
        if self._parser.should_upgrade():
            if self._parser.get_method() == b"CONNECT":
                raise _Refusal(405, "Method Not Allowed")
            if length or chunked:
                # The parser takes the body for the new protocol's, so it gets to see the head again.
                self._again = self._without_upgrade()

    def _without_upgrade(self) -> bytes:
        kept = [b"%b: %b\r\n" % each for each in self._header_list if each[0] != b"upgrade"]
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (self._parser.get_method(), self._target, b"".join(kept))

    def on_body(self, data: bytes) -> None:
        self._arrived = 0
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
        if self._again is not None:
            return
        stream = self._stream
        keep_alive = self._keep_alive
        if stream is not None:
            self._stream = None
            stream.finish()
            self._begin()
            if self._busy and self._drained is None:
                self.deadline = _NEVER
        else:
            body = self._body
            request = self._request(b"" if not body else body[0] if len(body) == 1 else b"".join(body))
            self._begin()
            self._submit(request)
        if not keep_alive:
            self._ended = True

    def _request(self, body: bytes | Stream) -> Request:
        target, headers = self._target.decode("latin-1"), self._header_list
        if target[:1] != "/":
            target, headers = origin_form(target, headers)
        method = self._parser.get_method().decode("latin-1")
        return Request(method, target, headers, body, self._peer, self._secure, self._names)

    def _start_stream(self, length: int | None) -> Stream:
        stream = self._stream = Stream(length, self._pause_reading, self._send_continue)
        self._submit(self._request(stream))
        return stream

    def _send_continue(self) -> None:
        if self._continue and not self._lost:
            self._continue = False
            self._transport.write(responses.CONTINUE)

    # Requests in line

    def _submit(self, request: Request) -> None:
        if self._closing or self._ended:
            return
        if self._busy or self._drained is not None:
            self._queue.append((request, self._keep_alive, self._is_old()))
            if len(self._queue) == self._edge.limits.pipelined:
                self._pause_reading(True)
            return
        self._start(request, self._keep_alive, not self._keep_alive and self._is_old())

    def _is_old(self) -> bool:
        return self._parser.get_http_version() == "1.0"

    def _start(self, request: Request, keep_alive: bool, old: bool) -> None:
        self._busy = True
        self._current = request
        self._old = old
        if not keep_alive:
            self._closing = True
        self.deadline = _NEVER if self._stream is None else self._edge.now + self._edge.limits.body_time
        try:
            self._edge.application(request, self.reply)
        except Exception:
            # It must not raise. Should it do so, the client is told, and does not wait for ever.
            log.exception("%s %s failed", request.method, request.path)
            if self._current is request:
                self._closing = True
                self.reply(_BROKEN)

    def _next(self) -> None:
        """The current request is answered; begin the next in line, or close, or wait."""
        current = self._current
        self._busy = False
        self._current = None
        if current is not None and isinstance(current.body, Stream):
            if not current.body.finished:
                # The rest of a body nobody wants could be long: it is cheaper to hang up.
                self._closing = self._linger = True
            current.body.discard()
        if not self._advancing:
            self._advance()

    def _advance(self) -> None:
        # A loop, since each of many requests in line may be answered at once.
        self._advancing = True
        queue = self._queue
        while queue and not (self._busy or self._lost or self._closing or self._drained is not None):
            request, keep_alive, old = queue.popleft()
            if len(queue) == self._edge.limits.pipelined - 1:
                self._pause_reading(False)
            self._start(request, keep_alive, old)
        self._advancing = False
        if self._busy or self._lost:
            return
        if self._closing or (not queue and (self._ended or self._edge.stopping)):
            self._hang_up()
        elif self._drained is not None:
            self._wait_for_taking()
        else:
            limits = self._edge.limits
            if self._headed:
                self._send_continue()
                self._wait(limits.body_time)
            else:
                self._wait(limits.head_time if self._arrived else limits.idle_time)

    def _hang_up(self) -> None:
        """Close when the client has its answers."""
        self._ended = self._closing = True
        transport = self._transport
        if transport.is_closing():
            return
        if self._refusal is not None:
            transport.write(self._refusal)
            self._refusal = None
        if not self._linger:
            self._wait_for_taking()
            transport.close()
            return
        # Closing while bytes are unread resets the connection, and the client may lose its answer.
        if transport.can_write_eof():
            transport.write_eof()
        if self._paused:
            self._paused = 0
            transport.resume_reading()
        self._unsent = transport.get_write_buffer_size()
        self.deadline = self._edge.now + self._edge.limits.linger_time

    # Answers

    def reply(self, response: Any) -> None:
        """Answer the current request: with a Response, or whatever else tells that there is none."""
        request = self._current
        if request is None or self._lost:
            self._busy = False
            return
        if response.__class__ is not Response:
            response = _FAILED
            self._closing = True
        if request.body.__class__ is Stream:
            self._answer_early(request.body)
        body = response.body
        if isinstance(body, bytes):
            if response.status == 200 and not response.headers and request.method != "HEAD":
                whole = responses.whole(self._edge.dates.line(), response.lines, body, self._is_last())
            else:
                sends = responses.has_body(response.status, request.method)
                whole = self._head(response, len(body), sends)
                if sends and body:
                    whole += body
            self._transport.write(whole)
            self._next()
            return
        file = None
        if isinstance(body, FileBody):
            # At once: from the next callback on, the file may be replaced by another and gone.
            try:
                file = body.path.open("rb")
            except OSError:
                log.exception("an answer to %s %s has no file", request.method, request.path)
                self._transport.abort()
                return
        self._task = asyncio.get_running_loop().create_task(self._send(request, response, file))

    def _answer_early(self, body: Any) -> None:
        if not body.finished:
            # It is too late to ask for the body, and the answer must say that it is the last.
            self._continue = False
            self._closing = self._linger = True

    def _is_last(self) -> bool:
        """Whether no answer follows the current one."""
        return self._closing or (
            (self._ended or self._edge.stopping) and not self._queue and self._refusal is None
        )

    def _head(self, response: Response, length: int | None, sends: bool) -> bytes:
        last = self._is_last()
        date = self._edge.dates.line()
        return responses.head(
            response.status,
            response.headers,
            date,
            length,
            last,
            chunked=not self._old,
            exact=sends,
            given=response.lines,
        )

    async def _send(self, request: Request, response: Response, file: BinaryIO | None) -> None:
        """Send a long answer piece by piece, no faster than the client takes it."""
        whole = False
        sends = responses.has_body(response.status, request.method)
        body = response.body
        try:
            if isinstance(body, FileBody):
                assert file is not None
                with file:
                    self._transport.write(self._head(response, body.length, sends))
                    if sends:
                        await bodies.send_file(file, body, self._transport.write, self._drain)
            elif not isinstance(body, bytes):
                async with bodies.closing(body):
                    await self._send_pieces(response, body, sends)
            whole = True
        except asyncio.CancelledError:
            return
        except ConnectionError as error:
            log.debug("an answer to %s %s broke off: %s", request.method, request.path, error)
        except Exception:
            log.exception("an answer to %s %s broke off", request.method, request.path)
        finally:
            self._task = None
        if self._lost:
            return
        if not whole:
            # The client must see that this is not the end.
            self._transport.abort()
            return
        self._next()

    async def _send_pieces(self, response: Response, body: AsyncIterator[bytes], sends: bool) -> None:
        length: int | None = None
        for name, value in response.headers:
            if name.lower() == b"content-length":
                length = int(value)
        self._transport.write(self._head(response, None, sends))
        if sends:
            chunked = length is None and not self._old
            await bodies.send_pieces(body, length, chunked, self._transport.write, self._drain)

    async def _drain(self) -> None:
        if self._drained is not None:
            await self._drained
        if self._lost:
            raise ConnectionResetError("the client closed the connection")

    # Flow and time

    def _pause_reading(self, pause: bool) -> None:
        """Counted: reading goes on when nobody wants it paused any more."""
        if self._lost or self._transport.is_closing():
            return
        self._paused += 1 if pause else -1
        if pause and self._paused == 1:
            self._transport.pause_reading()
            self.deadline = _NEVER
        elif not pause and self._paused == 0:
            self._transport.resume_reading()
            if self._stream is not None:
                self._wait(self._edge.limits.body_time)

    def _wait(self, seconds: float) -> None:
        if not self._paused and self._drained is None:
            self.deadline = self._edge.now + seconds

    def _wait_for_taking(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        self.deadline = self._edge.now + self._edge.limits.write_time

    def expire(self) -> None:
        """The client was too slow, or idle for too long."""
        unsent = self._transport.get_write_buffer_size()
        if unsent and unsent < self._unsent:
            self._wait_for_taking()  # slow, but it does take its answer
            return
        if unsent or self._closing or self._drained is not None:
            self._transport.abort()
            return
        if (self._arrived or self._headed) and not self._busy:
            self._refusal = responses.plain(408, "Request Timeout")
            self._linger = True
        self._hang_up()

    def stop(self) -> None:
        """Close now if nothing is being answered, else after the answer."""
        if not self._busy and not self._queue:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def _refuse(self, error: BaseException) -> None:
        """Not HTTP, or too much of it: answer after what is in line is answered, then hang up."""
        if self._stream is not None:
            self._stream.fail()
            self._stream = None
        if self._ended or self._lost:
            return
        self._ended = self._linger = True
        if self._closing:
            return
        if not isinstance(error, _Refusal):
            error = _Refusal(400, "Bad Request")
        self._refusal = responses.plain(error.status, error.message)
        if not self._busy and not self._queue:
            self._hang_up()


class _Refusal(Exception):  # noqa: N818 - carries an answer
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
