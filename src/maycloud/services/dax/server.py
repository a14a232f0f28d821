"""The socket of a cluster: connections, each answering one request after the other."""

import asyncio
import logging
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, cast

from maycloud.errors import AwsError, validation
from maycloud.services.dax import cbor, errors, framing, reads, requests, transactions, writes
from maycloud.services.dax.authorization import Caller, authorize_connection, principal_of
from maycloud.services.dax.cbor import MalformedError, Reader, wanted
from maycloud.services.dax.framing import Framer, Message
from maycloud.services.dax.node import Node
from maycloud.services.dax.requests import table_name
from maycloud.services.dax.transactions import CancelledError

log = logging.getLogger("maycloud.dax")

MOST_CONNECTIONS = 2000
GREETING = 30.0  # seconds from connecting to the first authorized request
MESSAGE = 60.0  # seconds from a message's first byte to its last
IDLE = 900.0
SWEEP = 5.0
_READ_AHEAD = 1 << 20  # bytes taken from a client whose request is still running
_GRACE = 5.0  # seconds that running requests have to end when the listener stops
_LEADER = 1

Method = Callable[[Node, Caller | None, Reader], Awaitable[bytes]]

METHODS: dict[int, Method] = {
    framing.GET_ITEM: reads.get_item,
    framing.BATCH_GET_ITEM: reads.batch_get_item,
    framing.QUERY: reads.query,
    framing.SCAN: reads.scan,
    framing.PUT_ITEM: writes.put_item,
    framing.UPDATE_ITEM: writes.update_item,
    framing.DELETE_ITEM: writes.delete_item,
    framing.BATCH_WRITE_ITEM: writes.batch_write_item,
    framing.TRANSACT_GET_ITEMS: transactions.transact_get_items,
    framing.TRANSACT_WRITE_ITEMS: transactions.transact_write_items,
}


async def define_key_schema(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    """A table's key attributes and their types, the partition key first."""
    principal_of(node.cloud, caller)
    schema = await node.schema(table_name(reader.item()), fresh=True)
    out = bytearray(requests.SUCCESS)
    cbor.head(out, 5, len(schema.attributes))
    for name, kind in schema.attributes:
        cbor.text(out, name)
        cbor.text(out, kind)
    return bytes(out)


async def define_attribute_list(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    """The names that a number stands for."""
    principal_of(node.cloud, caller)
    names = node.lists.names(reader.integer())
    out = bytearray(requests.SUCCESS)
    cbor.head(out, 4, len(names))
    for name in names:
        cbor.text(out, name)
    return bytes(out)


async def define_attribute_list_id(node: Node, caller: Caller | None, reader: Reader) -> bytes:
    """The number of a list of names. Only who puts items needs a new one, and each one is kept for good."""
    node.check_writer(caller)
    names = tuple(wanted(name, str) for name in wanted(reader.item(), list))
    return requests.SUCCESS + requests.integer(node.lists.number(names))


METHODS[framing.KEY_SCHEMA] = define_key_schema
METHODS[framing.ATTRIBUTES] = define_attribute_list
METHODS[framing.ATTRIBUTES_ID] = define_attribute_list_id


class Listener:
    """Serves one cluster on one port, until `stop`."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.port = 0
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen; gives the port. Raises OSError where it is taken."""
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"ssl_handshake_timeout": GREETING} if tls is not None else {}
        self._server = await loop.create_server(lambda: Connection(self), host, port, ssl=tls, **options)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        running = [each.task for each in self.connections if each.task is not None and not each.task.done()]
        for connection in list(self.connections):
            connection.abort()
        if running:
            await asyncio.wait(running, timeout=_GRACE)
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._server is not None:
            await self._server.wait_closed()

    def opened(self, connection: "Connection") -> bool:
        """False if there are too many already."""
        if len(self.connections) >= MOST_CONNECTIONS:
            return False
        self.connections.add(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep)
        return True

    def _sweep(self) -> None:
        """Close whoever is past its time: one timer for all connections, none without."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [each for each in self.connections if each.deadline < now]:
            connection.abort()
        self._sweeper = loop.call_later(SWEEP, self._sweep) if self.connections else None


class Connection(asyncio.Protocol):
    """One client. Requests run one at a time, in order; answers leave when their writes are durable."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._node = listener.node
        self._loop = asyncio.get_running_loop()
        self._framer = Framer()
        self._caller: Caller | None = None
        self._refused: AwsError | None = None  # why authorizeConnection failed: the next request's answer
        self._busy = False
        self._full = False  # the client does not read its answers
        self.task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.deadline = self._loop.time() + GREETING
        self._peer = ""
        self._own: tuple[Any, ...] = ()

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if not self._listener.opened(self):
            self._transport.abort()
            return
        self._peer = str(transport.get_extra_info("peername", ("",))[0])
        self._own = transport.get_extra_info("sockname", ("127.0.0.1", self._listener.port))

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connections.discard(self)
        self._transport = None
        # What runs is let run to its end: it may have written already.

    def data_received(self, data: bytes) -> None:
        self._framer.feed(data)
        self._proceed()
        if self._busy and self._framer.waiting > _READ_AHEAD and self._transport is not None:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._proceed()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # Requests

    def _proceed(self) -> None:
        """Begin the next request, if there is one and nothing runs."""
        try:
            while not self._busy and not self._full and self._transport is not None:
                message = self._framer.next()
                if message is None:
                    self._wait()
                    return
                if message.method == framing.AUTHORIZE:
                    self._authorize(message.arguments)
                    continue
                self._busy = True
                self.deadline = float("inf")
                if not (message.method == framing.GET_ITEM and self._answer_at_once(message)):
                    self.task = self._loop.create_task(self._run(message))
        except MalformedError as error:
            log.debug("closed the connection of %s: %s", self._peer, error)
            self.abort()

    def _wait(self) -> None:
        if self._caller is None:
            return  # the greeting's deadline stands
        self.deadline = self._loop.time() + (MESSAGE if self._framer.waiting else IDLE)

    def _authorize(self, arguments: bytes) -> None:
        """Has no answer of its own: a refusal is what the next request is told."""
        try:
            self._caller = authorize_connection(self._node.cloud, self._node.region, arguments, self._peer)
            self._refused = None
            self._framer.limit = framing.MAX_MESSAGE
        except AwsError as error:
            log.warning("refused the connection of %s: %s", self._peer, error)
            self._caller, self._refused = None, error

    def _answer_at_once(self, message: Message) -> bool:
        """Whether a GetItem could be answered from the cache, or refused."""
        if self._refused is not None:
            return False
        try:
            outcome = reads.get_cached_item(self._node, self._caller, Reader(message.arguments))
        except AwsError as error:
            outcome = errors.encode(error, _request_id())
        except MalformedError:
            return False  # `_run` finds it as well
        if outcome is None:
            return False
        self._node.cloud.store.db.after_commit(self._answer, outcome)
        return True

    async def _run(self, message: Message) -> None:
        request_id = _request_id()
        try:
            outcome = await self._outcome(message)
        except CancelledError as error:
            outcome = errors.encode(error.error, request_id, error.items)
        except AwsError as error:
            outcome = errors.encode(error, request_id)
        except MalformedError as error:
            outcome = errors.encode(validation(f"Malformed request: {error}"), request_id)
        except Exception:
            log.exception("request %s failed", request_id)
            outcome = errors.encode(_internal(), request_id)
        self._node.cloud.store.db.after_commit(self._answer, outcome)

    async def _outcome(self, message: Message) -> bytes:
        if self._refused is not None:
            raise self._refused
        if message.method == framing.ENDPOINTS:
            principal_of(self._node.cloud, self._caller)
            return self._endpoints()
        return await METHODS[message.method](self._node, self._caller, Reader(message.arguments))

    def _endpoints(self) -> bytes:
        """One node, the leader, at the address that the client has reached us at."""
        import ipaddress

        address = ipaddress.ip_address(str(self._own[0]).partition("%")[0]).packed
        out = bytearray(requests.SUCCESS)
        cbor.head(out, 4, 1)
        cbor.head(out, 5, 7)
        members = (1, self._node.cloud.config.public_host, address, self._own[1], _LEADER, "", 0)
        for number, member in enumerate(members):
            cbor.integer(out, number)
            if isinstance(member, int):
                cbor.integer(out, member)
            elif isinstance(member, str):
                cbor.text(out, member)
            else:
                cbor.blob(out, member)
        return bytes(out)

    def _answer(self, outcome: bytes | Exception) -> None:
        """Called when what the request wrote is durable; with CommitFailed if it is not."""
        if isinstance(outcome, Exception):
            outcome = errors.encode(_internal(), "")
        self._busy = False
        if self._transport is None:
            return
        self._transport.write(outcome)
        self._transport.resume_reading()
        self._proceed()


def _request_id() -> str:
    return os.urandom(16).hex().upper()


def _internal() -> AwsError:
    return AwsError("InternalFailure", "The request processing has failed because of an unknown error.", 500)
