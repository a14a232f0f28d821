"""The asyncio side of the fork server: asks for processes, hears of their end."""

import asyncio
import importlib.util
import itertools
import logging
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

RUNTIME = Path(__file__).parent
ZYGOTE = RUNTIME / "maycloud_zygote.py"

log = logging.getLogger("maycloud.lambda")


@dataclass(frozen=True, slots=True)
class Walls:
    """How environments are walled off: by ``namespaces``, by ``landlock`` alone, or not (``none``)."""

    name: str
    reason: str  # why not better

    @property
    def inside(self) -> bool:
        """Whether environments have folders of their own, at AWS's paths."""
        return self.name == "namespaces"

    @property
    def words(self) -> str:
        if self.inside:
            return "functions have roots, processes and /tmp of their own"
        if self.name == "landlock":
            return f"functions see the machine's paths and read only some; no quota of /tmp ({self.reason})"
        return f"functions can read and write what this user can ({self.reason})"


def plan(data: Path, code: Path, scratch: Path) -> str:
    """What the fork server is told of folders, see `maycloud_walls.Plan`."""
    boto3 = importlib.util.find_spec("boto3")
    places = [sys.prefix, sys.base_prefix, *(boto3.submodule_search_locations or () if boto3 else ())]
    roots = {*places[:2], *(str(Path(place).parent) for place in places[2:])}
    node = program("node")
    if node is not None:
        roots.add(str(Path(node).parent.parent))
    return orjson.dumps(
        {
            "data": str(data.resolve()),
            "code": str(code.resolve()),
            "scratch": str(scratch.resolve()),
            "runtime": str(RUNTIME),
            "roots": sorted(roots - {"/", str(Path.home())}),
            "most": os.environ.get("MAY_WALLS", "namespaces"),
        }
    ).decode()


def find_walls() -> Walls:
    """What this machine allows, tried."""
    with tempfile.TemporaryDirectory(prefix="may-walls-") as folder:
        code, scratch = Path(folder, "code"), Path(folder, "scratch")
        code.mkdir()
        scratch.mkdir()
        tried = [sys.executable, str(RUNTIME / "maycloud_walls.py"), plan(Path(folder), code, scratch)]
        ran = subprocess.run(tried, capture_output=True, check=True)
        found = orjson.loads(ran.stdout)
    return Walls(found["walls"], found["reason"])


def program(name: str) -> str | None:
    """Where it really lies, links followed."""
    found = shutil.which(name)
    return os.path.realpath(found) if found is not None else None


class ForkServer:
    """One fork server process; begun when first asked, or before by `start`."""

    def __init__(self, plan: Callable[[], str]) -> None:
        self._plan = plan
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._buffer = b""
        self._fds: list[int] = []
        self._numbers = itertools.count()
        self._forking: dict[int, asyncio.Future[int]] = {}
        self._ended: dict[int, Callable[[int], None]] = {}
        self._sending = asyncio.Lock()
        self._walls: asyncio.Future[Walls] | None = None
        self._warned = False

    def start(self) -> None:
        """Begin importing; a first fork waits until that is done."""
        if self._process is not None and self._process.poll() is None:
            return
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "TMPDIR")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        self._process = subprocess.Popen(
            [sys.executable, str(ZYGOTE), str(theirs.fileno()), str(os.getpid()), self._plan()],
            pass_fds=(theirs.fileno(),), env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self._control = ours
        self._buffer = b""
        self._walls = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(ours.fileno(), self._readable)

    async def walls(self) -> Walls:
        """How environments are walled off; known once the fork server is ready. Raises ConnectionError."""
        self.start()
        assert self._walls is not None
        return await asyncio.shield(self._walls)

    def stop(self) -> None:
        """End the fork server; the environments end with it."""
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        for future in (*self._forking.values(), self._walls):
            if future is not None:
                future.cancel()
        self._forking.clear()

    async def fork(self, config: dict[str, Any], fds: list[int], ended: Callable[[int], None]) -> int:
        """A new process with these descriptors (channel, output); `ended` hears its wait status.

        What is to run in it is the first frame of its channel.
        """
        self.start()
        assert self._control is not None
        number = next(self._numbers)
        raw = orjson.dumps({**config, "fork": number})
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._forking[number] = future
        message = struct.pack(">I", len(raw)) + raw
        self._ended[number] = ended
        async with self._sending:
            await self._send(message, fds)
        return await future

    async def _send(self, message: bytes, fds: list[int]) -> None:
        while message:
            if self._control is None:
                return  # what waits for the answer has been told
            try:
                sent = socket.send_fds(self._control, [message], fds)
            except BlockingIOError:
                await asyncio.sleep(0.001)  # the kernel's buffer is full: rare, and soon over
                continue
            message, fds = message[sent:], []

    def _readable(self) -> None:
        assert self._control is not None
        try:
            data, fds, _, _ = socket.recv_fds(self._control, 1 << 16, 64)
        except BlockingIOError:
            return
        if not data:
            self._lost()
            return
        self._buffer += data
        self._fds += fds
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from(">I", self._buffer)
            if len(self._buffer) < 4 + length:
                return
            message = orjson.loads(self._buffer[4 : 4 + length])
            self._buffer = self._buffer[4 + length :]
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if "forked" in message:
            pid = _pid_of(self._fds.pop(0))
            future = self._forking.pop(message["forked"])
            if not future.done():
                future.set_result(pid)
        elif "walls" in message:
            walls = Walls(message["walls"], message["reason"])
            if not walls.inside and not self._warned:
                self._warned = True
                log.warning("%s", walls.words)
            assert self._walls is not None
            self._walls.set_result(walls)
        else:
            ended = self._ended.pop(message["exited"], None)
            if ended is not None:
                ended(message["status"])

    def _lost(self) -> None:
        """The fork server died: its children died with it, and the next fork starts another."""
        assert self._control is not None
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        self._control = None
        if self._process is not None:
            self._process.wait()
            self._process = None
        for future in (*self._forking.values(), self._walls):
            if future is not None and not future.done():
                future.set_exception(ConnectionError("the fork server ended"))
                future.exception()  # nobody may be waiting
        self._forking.clear()
        ended, self._ended = self._ended, {}
        for callback in ended.values():
            callback(signal.SIGKILL)


def _pid_of(fd: int) -> int:
    """A process's number as we know it: in its own namespace it has another. 0 if it is gone already."""
    try:
        with open(f"/proc/self/fdinfo/{fd}", "rb") as file:
            return max(0, next(int(line[4:]) for line in file if line.startswith(b"Pid:")))
    finally:
        os.close(fd)
