"""An Edge on a loop of its own thread, and a client that speaks bytes, for tests of the HTTP server."""

import asyncio
import concurrent.futures
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop

from maycloud.edge.limits import Limits
from maycloud.edge.messages import Application
from maycloud.edge.server import Edge, TlsSource
from waiting import PATIENCE

T = TypeVar("T")


class Serving:
    """`with Serving(application) as serving:`; what the loop could not handle fails the test at the end."""

    def __init__(
        self, application: Application, limits: Limits | None = None, tls: TlsSource | None = None
    ) -> None:
        self.edge = Edge(application, host="127.0.0.1", port=0, tls=tls, limits=limits)
        self.loop = uvloop.new_event_loop()
        self.port = 0
        self.errors: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Serving":
        self.loop.set_exception_handler(lambda _loop, context: self.errors.append(context))
        self._thread.start()
        self.port = self.run(self.edge.start())
        return self

    def __exit__(self, *_: object) -> None:
        if not self.edge.stopping:
            self.stop(0.0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()
        assert self.errors == []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def stop(self, grace: float) -> None:
        self.run(self.edge.stop(grace))

    def begin_stop(self, grace: float) -> "concurrent.futures.Future[None]":
        return asyncio.run_coroutine_threadsafe(self.edge.stop(grace), self.loop)

    def soon(self, function: Callable[..., object], *arguments: Any) -> None:
        self.loop.call_soon_threadsafe(function, *arguments)

    def client(self, **options: Any) -> "Client":
        return Client(self.port, **options)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection. Reads answers by their framing, and nothing but what is one."""

    def __init__(
        self, port: int, context: ssl.SSLContext | None = None, name: str = "localhost", receive: int = 0
    ) -> None:
        self.socket = socket.socket()
        if receive:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(("127.0.0.1", port))
            if context is not None:
                self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except OSError:
            self.socket.close()
            raise
        self._read = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> "Client":
        self.socket.sendall(data)
        return self

    def get(self, path: str = "/", *headers: str, method: str = "GET") -> "Client":
        lines = "".join(f"{each}\r\n" for each in ("Host: localhost", *headers))
        return self.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))

    def head(self) -> Answer:
        """Status line and headers alone."""
        while b"\r\n\r\n" not in self._read:
            self._more()
        raw, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        assert len(headers) == len(lines), lines
        assert first.startswith("HTTP/1.1 "), first
        return Answer(int(first.split(" ")[1]), headers, b"")

    def answer(self, method: str = "GET") -> Answer:
        answer = self.head()
        if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return answer
        if answer.headers.get("transfer-encoding") == "chunked":
            while size := int(self._line(), 16):
                answer.body += self._exactly(size)
                assert self._line() == b""
            assert self._line() == b""
        elif "content-length" in answer.headers:
            answer.body = self._exactly(int(answer.headers["content-length"]))
        else:
            answer.body = self.rest()
        return answer

    def rest(self) -> bytes:
        """Everything up to the connection's end."""
        while data := self.socket.recv(65536):
            self._read += data
        data, self._read = self._read, b""
        return data

    def is_closed(self) -> bool:
        """The server ended the connection, and sent nothing more before."""
        try:
            return self.rest() == b""
        except ConnectionResetError:
            return self._read == b""

    def reset(self) -> None:
        """Leave without a goodbye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the connection ended after {self._read[:200]!r}")
        self._read += data

    def _exactly(self, size: int) -> bytes:
        chunks = [self._read[:size]]
        self._read = self._read[size:]
        left = size - len(chunks[0])
        while left:
            data = self.socket.recv(min(left, 1 << 20))
            if not data:
                raise EOFError(f"the connection ended {left} bytes early")
            chunks.append(data)
            left -= len(data)
        return b"".join(chunks)

    def _line(self) -> bytes:
        while b"\r\n" not in self._read:
            self._more()
        line, _, self._read = self._read.partition(b"\r\n")
        return line
