"""One execution environment: a process, its channel and its output."""

import asyncio
import os
import shutil
import signal
import socket
import struct
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from maycloud.services.lambda_.runtime.forks import RUNTIME, ForkServer, program
from maycloud.services.lambda_.runtime.runtime_api import RuntimeApi, Session
from maycloud.services.lambda_.runtime.spec import Places, Spec

MAX_LINE = 256 * 1024  # characters of one log line; longer ones are cut into several
_SPARE = 256 << 20  # bytes of data beyond a function's memory at which allocation itself fails
LAST_WORDS = 0.25  # seconds that a process's last frame may come after its end
_BASE_MB = 128  # the smallest memory that a function can have


@dataclass(slots=True)
class Reply:
    """What came of an invocation or of a start that failed."""

    payload: bytes = b""
    error: bool = False
    peak_kb: int = 0
    timed_out: bool = False
    out_of_memory: bool = False
    exit: str | None = None  # how the process ended, where it did


class Environment(ABC):
    """What both kinds of environment share: output, end, limits."""

    def __init__(self, spec: Spec, folder: Path, forks: ForkServer) -> None:
        self.spec = spec
        self.folder = folder
        self._forks = forks
        self.stream = _own_stream(spec.log_stream)
        self.busy = False
        self.retired = False
        self.alive = True
        self.frozen = False
        self.used = time.monotonic()
        self.pid = 0
        self._lines: list[tuple[int, str]] = []
        self._partial = b""
        self._output = -1
        self._reply: asyncio.Future[Reply] | None = None
        self._timed_out = False
        self._out_of_memory = False

    @abstractmethod
    async def start(self) -> Reply | None:
        """Start the process and load the handler; the failure if that did not work."""

    @abstractmethod
    def _send(self, head: bytes, payload: bytes) -> None:
        """Hand an invocation to the process."""

    @abstractmethod
    def _close(self) -> None:
        """Let go of the channel."""

    async def run(self, head: bytes, payload: bytes) -> Reply:
        """One invocation: `head` is JSON of what the function's context needs."""
        self._reply = asyncio.get_running_loop().create_future()
        if not self.alive:
            return Reply(error=True, exit="exit status 1")
        self._send(head, payload)
        try:
            return await self._reply
        finally:
            self._reply = None

    def _answer(self, reply: Reply) -> None:
        self._drain()
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(reply)

    # Output

    def _open_output(self) -> int:
        """The pipe for stdout and stderr; gives the end to write to."""
        self._output, write = os.pipe()
        os.fchmod(write, 0o622)  # so that a function, who may be another user, can open /dev/stdout
        os.set_blocking(self._output, False)
        asyncio.get_running_loop().add_reader(self._output, self._drain)
        return write

    def _drain(self) -> None:
        """Take all output that is there. What a function wrote before it answered is there."""
        if self._output < 0:
            return
        while True:
            try:
                data = os.read(self._output, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                self._close_output()
                return
            self._partial += data
            *whole, self._partial = self._partial.split(b"\n")
            now = int(time.time() * 1000)
            for line in whole:
                self._lines.append((now, line.decode("utf-8", "replace").replace("\r", "\n")))
            if len(self._partial) > MAX_LINE:
                self._lines.append((now, self._partial.decode("utf-8", "replace")))
                self._partial = b""

    def _close_output(self) -> None:
        if self._output >= 0:
            asyncio.get_running_loop().remove_reader(self._output)
            os.close(self._output)
            self._output = -1

    def take_lines(self) -> list[tuple[int, str]]:
        """Lines up to the answer, with the last one even if it was not ended."""
        if self._partial:
            self._lines.append((int(time.time() * 1000), self._partial.decode("utf-8", "replace")))
            self._partial = b""
        lines, self._lines = self._lines, []
        return lines

    # Start

    async def _places(self) -> Places:
        walls = await self._forks.walls()
        return Places.of(self.spec, self.folder, RUNTIME, inside=walls.inside)

    async def _fork(self, theirs: socket.socket) -> None:
        """Have the process made, with its end of the channel. Raises ConnectionError."""
        output = self._open_output()
        try:
            walls = {
                "code": self.spec.folder.name,
                # Of a file in several layers the last one's counts: on AWS each is unpacked over the others.
                "layers": [each.name for each in reversed(self.spec.layers)],
                "folder": str(self.folder),
                "storage": self.spec.storage,
            }
            self.pid = await self._forks.fork(walls, [theirs.fileno(), output], self.ended)
        finally:
            theirs.close()
            os.close(output)

    @staticmethod
    def _channel(config: dict[str, Any]) -> tuple[socket.socket, socket.socket]:
        """Both ends; `config`, what is to run, waits in it already."""
        ours, theirs = socket.socketpair()
        raw = orjson.dumps(config)
        ours.sendall(struct.pack(">I", len(raw)) + b"C" + raw)
        return ours, theirs

    # Between invocations

    def freeze(self) -> None:
        """Stop the process and all its threads until the next invocation, as AWS does.

        A child that the function put into a session of its own goes on.
        """
        if not self.frozen and self._signal(signal.SIGSTOP):
            self.frozen = True

    def thaw(self) -> None:
        if self.frozen:
            self.frozen = False
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> bool:
        """To the process's group; whether there was one."""
        if not self.pid or not self.alive:
            return False
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    # End

    def time_out(self) -> None:
        self._timed_out = True
        self.kill()

    def check_memory(self) -> None:
        """Kill the process if it uses more than its function may."""
        try:
            with open(f"/proc/{self.pid}/statm", "rb") as file:
                pages = int(file.read().split()[1])
        except (FileNotFoundError, ProcessLookupError, IndexError):
            return
        if pages * 4096 > max(self.spec.memory, _BASE_MB) << 20:
            self._out_of_memory = True
            self.kill()

    def kill(self) -> None:
        if self.pid:
            self._signal(signal.SIGKILL)
        elif self.alive:
            self.ended(signal.SIGKILL)

    def ended(self, status: int) -> None:
        """The process is gone: its invocation ends, its folder goes."""
        if not self.alive:
            return
        self.alive = False
        self._answer(
            Reply(
                error=True,
                peak_kb=0,
                timed_out=self._timed_out,
                out_of_memory=self._out_of_memory,
                exit=_describe(status),
            )
        )
        self._close_output()
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _own_stream(name: str) -> str:
    """A log stream of the environment's own: the date and version of the function's, another id."""
    return f"{name.rpartition(']')[0]}]{os.urandom(16).hex()}"


def _describe(status: int) -> str:
    """A wait status in Lambda's words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        words = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted"}
        return f"signal: {words.get(signal.Signals(number), signal.Signals(number).name.lower())}"
    return f"exit status {os.WEXITSTATUS(status)}"


# Python


class PythonEnvironment(Environment, asyncio.Protocol):
    """A process forked from the fork server, with frames over a socket pair."""

    def __init__(self, spec: Spec, folder: Path, forks: ForkServer) -> None:
        super().__init__(spec, folder, forks)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._ready: asyncio.Future[Reply | None] | None = None
        self._channel_lost = False
        self._goes_on = False
        self._status: int | None = None

    async def start(self) -> Reply | None:
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        try:
            places = await self._places()
            if self.alive:
                config = {
                    "handler": self.spec.handler,
                    "layers": places.layers,
                    "environment": self.spec.variables(places, self.stream),
                    "data_limit": (self.spec.memory << 20) + _SPARE,
                }
                ours, theirs = self._channel(config)
                await loop.create_unix_connection(lambda: self, sock=ours)
                await self._fork(theirs)
        except ConnectionError:
            self.ended(signal.SIGKILL)
        return await self._ready

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 5:
            (length,) = struct.unpack_from(">I", self._buffer)
            if len(self._buffer) < 5 + length:
                return
            kind = self._buffer[4:5]
            body = bytes(self._buffer[5 : 5 + length])
            del self._buffer[: 5 + length]
            self._frame(bytes(kind), body)

    def _frame(self, kind: bytes, body: bytes) -> None:
        if kind == b"R":
            self._started(None)
        elif kind == b"F":
            self._started(Reply(body, error=True))
        else:
            peak, self._goes_on = struct.unpack_from(">I?", body)
            self._answer(Reply(body[5:], error=kind == b"E", peak_kb=peak))

    def freeze(self) -> None:
        """Needless, and so left out, where nothing but the main thread is there, which waits."""
        if self._goes_on:
            super().freeze()

    def _started(self, reply: Reply | None) -> None:
        if self._ready is not None and not self._ready.done():
            self._drain()
            if reply is not None:
                self.retired = True  # a failed start is tried anew by the next invocation
            self._ready.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel_lost = True
        if self._status is not None:
            self._conclude(self._status)

    def ended(self, status: int) -> None:
        """The process has ended; what it had sent before may still be on its way over the channel."""
        self._status = status
        if self._channel_lost or self._transport is None:
            self._conclude(status)
        else:
            # A process that the function left behind may hold the channel open.
            asyncio.get_running_loop().call_later(LAST_WORDS, self._conclude, status)

    def _conclude(self, status: int) -> None:
        exit_words = _describe(status)
        super().ended(status)
        self._started(
            Reply(
                error=True,
                timed_out=self._timed_out,
                out_of_memory=self._out_of_memory,
                exit=exit_words,
            )
        )

    def _send(self, head: bytes, payload: bytes) -> None:
        assert self._transport is not None
        frame = struct.pack(">I", len(head) + 1 + len(payload)) + b"I" + head + b"\n"
        self._transport.write(frame + payload)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


# Node.js


class NodeEnvironment(Environment):
    """A Node.js process that asks the Lambda Runtime API for its invocations."""

    def __init__(self, spec: Spec, folder: Path, forks: ForkServer, runtime_api: RuntimeApi) -> None:
        super().__init__(spec, folder, forks)
        self._runtime_api = runtime_api
        self._session: Session | None = None
        self._exit = "exit status 1"

    async def start(self) -> Reply | None:
        session = self._session = self._runtime_api.open(self._on_answer, self._on_waiting)
        node = program("node")
        if node is None:
            self.ended(127 << 8)
            return Reply(
                orjson.dumps(
                    {
                        "errorType": "Runtime.InvalidEntrypoint",
                        "errorMessage": "Node.js is not installed on this machine",
                    }
                ),
                error=True,
            )
        try:
            places = await self._places()
            if self.alive:
                limit = f"--max-old-space-size={max(64, self.spec.memory * 9 // 10)}"
                config = {
                    "program": [node, limit, f"{places.runtime}/node_bootstrap.mjs"],
                    "environment": self._variables(places, session, node),
                }
                ours, theirs = self._channel(config)
                with ours:
                    await self._fork(theirs)
        except ConnectionError:
            self.ended(signal.SIGKILL)
        failed = await session.started
        if failed is None:
            return None
        self.retired = True
        if failed == b"":
            return Reply(
                error=True, timed_out=self._timed_out, out_of_memory=self._out_of_memory, exit=self._exit
            )
        return Reply(failed, error=True)

    def _variables(self, places: Places, session: Session, node: str) -> dict[str, str]:
        variables = self.spec.variables(places, self.stream)
        variables["AWS_LAMBDA_RUNTIME_API"] = session.address
        version = self.spec.runtime.removeprefix("nodejs").removesuffix(".x")
        parts = (f"nodejs/node{version}/node_modules", "nodejs/node_modules")
        layers = [f"{layer}/{part}" for layer in places.layers for part in parts]
        # What `npm install -g` put on the machine stands for the SDK that AWS's runtimes carry.
        everywhere = [f"{prefix}/lib/node_modules" for prefix in (Path(node).parent.parent, "/usr/local")]
        own = variables.get("NODE_PATH")
        variables["NODE_PATH"] = ":".join([*layers, *([own] if own else []), *everywhere])
        return variables

    def ended(self, status: int) -> None:
        self._exit = _describe(status)
        super().ended(status)

    def _on_answer(self, body: bytes, *, error: bool) -> None:
        self._answer(Reply(body, error=error, peak_kb=self._peak()))

    def _on_waiting(self) -> None:
        if not self.busy:
            super().freeze()

    def freeze(self) -> None:
        """Once it waits for its next invocation: before that its connection would look abandoned."""
        if self._session is not None and self._session.waiting:
            super().freeze()

    def _peak(self) -> int:
        try:
            with open(f"/proc/{self.pid}/status", "rb") as file:
                return next(int(line.split()[1]) for line in file if line.startswith(b"VmHWM"))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            return 0

    def _send(self, head: bytes, payload: bytes) -> None:
        assert self._session is not None
        meta: dict[str, Any] = orjson.loads(head)
        self._session.offer(meta, payload)

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
