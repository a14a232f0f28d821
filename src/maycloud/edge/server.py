"""The listening side: accepts connections and tells TLS from plain HTTP by the first byte."""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from typing import Any, Protocol, cast

from maycloud.edge.connection import Connection
from maycloud.edge.limits import Limits
from maycloud.edge.messages import Application
from maycloud.edge.responses import Dates

log = logging.getLogger("maycloud.edge")

_TLS_HANDSHAKE = 0x16
_SHORTAGE = 0.2  # seconds to wait when no further file can be opened


class PortTakenError(Exception):
    """Another program listens on the port."""


class TlsSource(Protocol):
    """Where TLS settings come from, made at the first TLS connection."""

    def context(self) -> ssl.SSLContext: ...


class Edge:
    """Serves one application on one port, HTTP and HTTPS."""

    def __init__(
        self,
        application: Application,
        *,
        host: str,
        port: int,
        tls: TlsSource | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.application = application
        self.limits = limits or Limits()
        self.connections: set[Connection] = set()
        self.dates = Dates()
        self.stopping = False
        self.now = 0.0  # the loop's time, as of the last sweep or accept
        self._host = host
        self._port = port
        self._tls = tls
        self._listener: socket.socket | None = None
        self._sniffing: dict[socket.socket, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self) -> int:
        """Listen; gives the port. Raises PortTakenError."""
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(str(self._port)) from error
            raise
        listener.listen(4096)
        listener.setblocking(False)
        self._listener = listener
        self.now = loop.time()
        self._listen()
        self._sweep()
        return listener.getsockname()[1]

    async def stop(self, grace: float) -> None:
        """Take no new connections, finish running requests within `grace` seconds, close the rest."""
        loop = asyncio.get_running_loop()
        self.stopping = True
        if self._listener is not None:
            loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for client in list(self._sniffing):
            self._forget(client)
            client.close()
        for connection in list(self.connections):
            connection.stop()
        until = loop.time() + grace
        while self.connections and loop.time() < until:  # noqa: ASYNC110 - polled only while stopping
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)
        await asyncio.sleep(0)  # the aborted connections hear of it

    def _listen(self) -> None:
        if self._listener is not None and not self.stopping:
            asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        assert self._listener is not None
        loop = asyncio.get_running_loop()
        for _ in range(64):
            try:
                client, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.warning("cannot accept a connection: %s", error)
                # Out of file descriptors: the client waits in line, and we must not spin meanwhile.
                loop.remove_reader(self._listener.fileno())
                loop.call_later(_SHORTAGE, self._listen)
                return
            if len(self.connections) + len(self._sniffing) >= self.limits.connections:
                client.close()
                continue
            client.setblocking(False)
            with contextlib.suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sniffing[client] = loop.time() + self.limits.head_time
            loop.add_reader(client.fileno(), self._sniff, client)

    def _sniff(self, client: socket.socket) -> None:
        """The first byte is there: a TLS handshake record, or HTTP."""
        try:
            first = client.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        self._forget(client)
        if not first:
            client.close()
            return
        secure = first[0] == _TLS_HANDSHAKE
        task = asyncio.get_running_loop().create_task(self._serve(client, secure))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: socket.socket, secure: bool) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        try:
            peer = client.getpeername()[0]
            context = self._tls.context() if secure and self._tls is not None else None
            if secure and context is None:
                client.close()
                return
            timeout = {"ssl_handshake_timeout": self.limits.head_time} if secure else {}
            await loop.connect_accepted_socket(
                cast("Any", lambda: Connection(self, peer, secure)), client, ssl=context, **timeout
            )
        except (OSError, ssl.SSLError, ConnectionError, TimeoutError) as error:
            log.debug("a connection failed to begin: %s", error)
            client.close()
        except asyncio.CancelledError:
            client.close()  # stopped in the middle of a handshake
            raise

    def _forget(self, client: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(client.fileno())
        self._sniffing.pop(client, None)

    def _sweep(self) -> None:
        """Close whoever is past its time: one timer for all connections."""
        loop = asyncio.get_running_loop()
        self.now = now = loop.time()
        for connection in [each for each in self.connections if each.deadline < now]:
            connection.expire()
        for client in [each for each, deadline in self._sniffing.items() if deadline < now]:
            self._forget(client)
            client.close()
        self._sweeper = loop.call_later(self.limits.sweep, self._sweep)
