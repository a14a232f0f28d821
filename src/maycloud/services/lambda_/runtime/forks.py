"""The asyncio side of the fork server: asks for processes, hears of their end."""

import asyncio
import itertools
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

ZYGOTE = Path(__file__).with_name("maycloud_zygote.py")


class ForkServer:
    """One fork server process; begun when first asked, or before by `start`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._buffer = b""
        self._numbers = itertools.count()
        self._forking: dict[int, asyncio.Future[int]] = {}
        self._ended: dict[int, Callable[[int], None]] = {}

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
            [sys.executable, str(ZYGOTE), str(theirs.fileno()), str(os.getpid())],
            pass_fds=(theirs.fileno(),), env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self._control = ours
        self._buffer = b""
        asyncio.get_running_loop().add_reader(ours.fileno(), self._readable)

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
        for future in self._forking.values():
            future.cancel()
        self._forking.clear()

    async def fork(self, config: dict[str, Any], fds: list[int], ended: Callable[[int], None]) -> int:
        """A new process with these descriptors (channel, output); `ended` hears its wait status."""
        self.start()
        assert self._control is not None
        number = next(self._numbers)
        raw = orjson.dumps({**config, "fork": number})
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._forking[number] = future
        message = struct.pack(">I", len(raw)) + raw
        sent = socket.send_fds(self._control, [message], fds)
        while sent < len(message):
            # The kernel's buffer is full: rare, and soon over.
            await asyncio.sleep(0.001)
            sent += self._control.send(message[sent:])
        pid = await future
        self._ended[pid] = ended
        return pid

    def _readable(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._lost()
            return
        self._buffer += data
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from(">I", self._buffer)
            if len(self._buffer) < 4 + length:
                return
            message = orjson.loads(self._buffer[4 : 4 + length])
            self._buffer = self._buffer[4 + length :]
            if "forked" in message:
                future = self._forking.pop(message["forked"])
                if not future.done():
                    future.set_result(message["pid"])
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
        for future in self._forking.values():
            if not future.done():
                future.set_exception(ConnectionError("the fork server ended"))
        self._forking.clear()
        ended, self._ended = self._ended, {}
        for callback in ended.values():
            callback(signal.SIGKILL)
