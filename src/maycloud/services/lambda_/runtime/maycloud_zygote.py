"""The fork server: imports what functions need once, then forks an environment whenever one is asked for.

A program of its own, started as ``python maycloud_zygote.py CONTROL_FD``; it imports nothing of Maycloud.
On the control socket (stream) messages are JSON after four bytes of length. A request
``{"fork": N, ...config}`` brings two descriptors: the environment's channel and its output. Answers are
``{"forked": N, "pid": P}`` and, when one ends, ``{"exited": P, "status": wait status}``.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import struct
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Be killed when the parent ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


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

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._buffer = b""
        self._fds: list[int] = []
        # Children by the descriptors that tell of their end. SIGCHLD, which also tells of every stop and
        # continue of a frozen environment, stays ignored.
        self._children: dict[int, int] = {}
        self._poll = select.epoll()
        self._poll.register(control, select.EPOLLIN)

    def serve(self) -> None:
        while True:
            ready = [fd for fd, _ in self._poll.poll()]
            for fd in ready:
                if fd in self._children:
                    self._reap(fd)
            if self._control.fileno() in ready and not self._receive():
                return

    def _reap(self, fd: int) -> None:
        pid, status = os.waitpid(self._children.pop(fd), 0)
        self._poll.unregister(fd)
        os.close(fd)
        self._answer({"exited": pid, "status": status})

    def _answer(self, message: dict[str, int]) -> None:
        raw = json.dumps(message).encode()
        self._control.sendall(struct.pack(">I", len(raw)) + raw)

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

    def _fork(self, message: dict[str, object], channel: int, output: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(parent, channel, output)
                import maycloud_bootstrap  # type: ignore[import-not-found]

                maycloud_bootstrap.run(message, 3)
            except SystemExit as leaving:
                os._exit(leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None))
            finally:
                # Whatever happens, a child never returns into the fork server.
                os._exit(1)
        os.close(channel)
        os.close(output)
        end = os.pidfd_open(pid)
        self._children[end] = pid
        self._poll.register(end, select.EPOLLIN)
        self._answer({"forked": message["fork"], "pid": pid})  # type: ignore[dict-item]

    def _become(self, parent: int, channel: int, output: int) -> None:
        """A process of its own: no descriptor of ours but channel (3) and output (1 and 2)."""
        os.setsid()
        die_with_parent(parent)
        high = [os.dup(channel), os.dup(output)]
        moved = [os.dup2(fd, 1000 + index) for index, fd in enumerate(high)]
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(moved[1], 1)
        os.dup2(moved[1], 2)
        os.dup2(moved[0], 3)
        os.closerange(4, 1024)


def main() -> None:
    die_with_parent(int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import maycloud_bootstrap  # type: ignore[import-not-found]

    del maycloud_bootstrap
    del sys.path[0]
    warm()
    gc.collect()
    gc.freeze()
    # A cloud that is killed closes the socket, with a reset where it had not read all of it.
    with contextlib.suppress(ConnectionError):
        Zygote(control).serve()


if __name__ == "__main__":
    main()
