"""The fork server: imports what functions need once, then forks an environment whenever one is asked for.

A program of its own, started as ``python maycloud_zygote.py CONTROL_FD PARENT PLAN``; it imports nothing of
Maycloud. On the control socket (stream) messages are JSON after four bytes of length. The first one out tells
of the walls: ``{"walls": name, "reason": why not better}``. A request ``{"fork": N, ...what the walls want}``
brings two descriptors: the environment's channel and its output. Answers are ``{"forked": N}`` with the
process's own descriptor and, when it ends, ``{"exited": N, "status": wait status}``. What runs in it, and
with which secrets, comes over its channel: nothing of it is ever in this process, whose memory all inherit.
"""

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from typing import Any

import maycloud_kernel as kernel  # type: ignore[import-not-found]
import maycloud_walls as walls_of  # type: ignore[import-not-found]

_REST = 3  # milliseconds without a request after which the next one is prepared


def warm() -> None:
    """Load what nearly every function loads: boto3 and the models that its default session will ask for."""
    import logging.handlers
    import typing

    import boto3

    del logging, typing
    boto3.setup_default_session()
    nobody = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    for service in ("dynamodb", "s3"):
        boto3.client(service, **nobody)
    boto3.resource("dynamodb", **nobody)


class Zygote:
    """Waits for requests; one thread, so that forking is safe."""

    def __init__(self, control: socket.socket, walls: walls_of.Walls) -> None:
        self._control = control
        self._walls = walls
        self._buffer = b""
        self._fds: list[int] = []
        # Children by the descriptors that tell of their end. SIGCHLD, which also tells of every stop and
        # continue of a frozen environment, stays ignored.
        self._children: dict[int, tuple[int, int]] = {}  # its number and its process
        self._poll = select.epoll()
        self._poll.register(control, select.EPOLLIN)

    def serve(self) -> None:
        self._answer({"walls": self._walls.name, "reason": self._walls.reason})
        prepared = False
        while True:
            # Not at once: what was forked last is just starting, and wants the processors.
            ready = [fd for fd, _ in self._poll.poll(None if prepared else _REST)]
            prepared = not ready
            if prepared:
                self._walls.prepare()
            for fd in ready:
                if fd in self._children:
                    self._reap(fd)
            if self._control.fileno() in ready and not self._receive():
                return

    def _reap(self, fd: int) -> None:
        number, pid = self._children.pop(fd)
        _, status = os.waitpid(pid, 0)
        self._walls.ended(pid)
        self._poll.unregister(fd)
        os.close(fd)
        self._answer({"exited": number, "status": status})

    def _answer(self, message: dict[str, Any], *fds: int) -> None:
        raw = json.dumps(message).encode()
        frame = struct.pack(">I", len(raw)) + raw
        sent = socket.send_fds(self._control, [frame], fds) if fds else 0
        self._control.sendall(frame[sent:])

    def _receive(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self._control, 1 << 16, 64)
        if not data:
            return False
        self._buffer += data
        self._fds += fds
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from(">I", self._buffer)
            if len(self._buffer) < 4 + length:
                return True
            message = json.loads(self._buffer[4 : 4 + length])
            self._buffer = self._buffer[4 + length :]
            channel, output = self._fds[:2]
            del self._fds[:2]
            self._fork(message, channel, output)
        return True

    def _fork(self, wanted: dict[str, Any], channel: int, output: int) -> None:
        self._walls.prepare()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(channel, output)
                self._walls.close(wanted)
                import maycloud_bootstrap  # type: ignore[import-not-found]

                maycloud_bootstrap.run(3)
            except SystemExit as leaving:
                os._exit(leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None))
            except OSError as error:
                os.write(2, f"the environment could not be made: {error}\n".encode())
            finally:
                # Whatever happens, a child never returns into the fork server.
                os._exit(1)
        self._walls.forked(pid)
        os.close(channel)
        os.close(output)
        end = os.pidfd_open(pid)
        self._children[end] = wanted["fork"], pid
        self._poll.register(end, select.EPOLLIN)
        self._answer({"forked": wanted["fork"]}, end)

    @staticmethod
    def _become(channel: int, output: int) -> None:
        """A process of its own: no descriptor of ours but channel (3) and output (1 and 2)."""
        parent = os.getppid()
        os.setsid()
        kernel.die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        high = [os.dup(channel), os.dup(output)]
        moved = [os.dup2(fd, 1000 + index) for index, fd in enumerate(high)]
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(moved[1], 1)
        os.dup2(moved[1], 2)
        os.dup2(moved[0], 3)
        os.closerange(4, 1 << 20)


def main() -> None:
    kernel.die_with_parent()
    if os.getppid() != int(sys.argv[2]):
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A stack counts as data, which is limited: with the usual 8 MiB a small function could have few threads.
    kernel.thread_stacks(2 << 20)
    control = socket.socket(fileno=int(sys.argv[1]))
    walls = walls_of.find(walls_of.Plan.read(sys.argv[3]))
    if isinstance(walls, walls_of.Namespaces):
        walls.enter()
        sys.path[0] = walls_of.RUNTIME
    import maycloud_bootstrap  # type: ignore[import-not-found]

    del maycloud_bootstrap
    del sys.path[0]
    warm()
    gc.collect()
    gc.freeze()
    # A cloud that is killed closes the socket, with a reset where it had not read all of it.
    with contextlib.suppress(ConnectionError):
        Zygote(control, walls).serve()


if __name__ == "__main__":
    main()
