"""The walls of execution environments. Part of the fork server; imports nothing of Maycloud.

With namespaces (where the kernel gives them, root or not): the fork server lives in a root of its own, in
which there is nothing but the system's programs and libraries, Python, and the unpacked packages. An
environment is forked from it into namespaces of its own: its code at ``/var/task``, its layers at ``/opt``,
an empty ``/tmp`` of its own size, no other processes, no rights but its user's. With Landlock alone: the
machine's own paths, of which it may read the same and write to its folder. Without either: no walls.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import json
import os
import resource
import signal
import sys
from dataclasses import dataclass
from typing import Any

import maycloud_kernel as kernel  # type: ignore[import-not-found]

TASK, LAYERS, TMP, RUNTIME = "/var/task", "/opt", "/tmp", "/var/runtime"  # noqa: S108 - a function's own
_SERVER = "/.may"  # a mount of the fork server's, which environments let go of:
_CODE = "/.may/code"  # the packages
_KEPT = "/.may/kept"  # what else an environment needs below a folder that is its own
_OLD = "/.old"

USER = 993  # as on AWS
_OUTSIDE = 1_993_000_993  # who that is on the machine, where root runs the cloud
_PASSWD = f"root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:{USER}:{USER}::{TMP}:/sbin/nologin\n"
_GROUP = f"root:x:0:\nsbx_user1051:x:{USER}:\n"

# Where AWS's runtimes have Python: scripts of layers name it in their first line.
_LANGUAGE = "/var/lang/bin"
_PYTHONS = ("python", "python3", *(f"python3.{minor}" for minor in range(9, 15)))

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_CPUS = "/sys/devices/system/cpu"

MAX_PROCESSES = MAX_FILES = 1024  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_INODES_PER_MB = 256


@dataclass(frozen=True)
class Plan:
    """What the fork server is told: `code` holds the packages, `scratch` is an empty folder to build upon,
    `runtime` is the folder of this file, `roots` are folders of programs and libraries, `most` is the name of
    the best walls that are wanted."""

    data: str
    code: str
    scratch: str
    runtime: str
    roots: tuple[str, ...]
    most: str

    @classmethod
    def read(cls, text: str) -> "Plan":
        found = json.loads(text)
        return cls(**{**found, "roots": tuple(found["roots"])})

    def all_roots(self) -> list[str]:
        """Those that no other holds."""
        found: list[str] = []
        for path in (*_SYSTEM, *sorted({os.path.abspath(each) for each in self.roots})):
            if os.path.isdir(path) and not any(_within(path, each) for each in found):
                found.append(path)
        return found


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _covered(path: str) -> bool:
    """Whether an environment's own folders hide it."""
    return _within(path, TMP) or _within(path, LAYERS)


class Walls:
    """None at all: what environments see is the machine."""

    name = "none"

    def __init__(self, plan: Plan, reason: str = "") -> None:
        self.plan = plan
        self.reason = reason  # why they are not better

    def prepare(self) -> None:
        """Called by the fork server while nothing waits, before each fork."""

    def forked(self, pid: int) -> None:
        """Called by the fork server after each fork."""

    def ended(self, pid: int) -> None:
        """Called by the fork server when a process of its own has ended."""

    def close(self, wanted: dict[str, Any]) -> None:
        """Called in a forked process: from here on it is walled."""


class Landlocked(Walls):
    name = "landlock"

    def close(self, wanted: dict[str, Any]) -> None:
        plan = self.plan
        packages = [os.path.join(plan.code, each) for each in (wanted["code"], *wanted["layers"])]
        resolver = os.path.realpath("/etc/resolv.conf")
        readable = [*plan.all_roots(), plan.runtime, resolver, "/proc", _CPUS, "/dev", *packages]
        writable = [wanted["folder"], *(f"/dev/{each}" for each in _DEVICES)]
        if not _within(os.path.realpath(plan.data), TMP):
            writable.append(TMP)
        _limit(resource.RLIMIT_NOFILE, MAX_FILES)
        kernel.landlock(readable, writable)
        kernel.drop_capabilities()  # root's would open the memory of others


class Namespaces(Walls):
    name = "namespaces"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._outside = os.getuid(), os.getgid()
        self._as_root = os.getuid() == 0
        self._kept = [path for path in plan.all_roots() if _covered(path)]
        self._own = -1  # our own process namespace
        self._first: dict[int, int] = {}  # by an environment's process: the first of its namespace
        self._ending: list[int] = []  # first processes that were killed
        self._next = 0  # the first process of the namespace that the next environment gets

    # The fork server

    def enter(self) -> None:
        """Returns in a child that lives in the new root; this process waits for it and ends with it."""
        helper, go = self._helper() if self._as_root else (0, -1)
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC)
        if helper:
            os.close(go)
            if os.waitpid(helper, 0)[1]:
                raise PermissionError("the users of a namespace could not be mapped")
        else:
            kernel.map_ids("self", USER, self._outside)
        pid = os.fork()
        if pid:
            os.closerange(3, 1024)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)
        kernel.die_with_parent()
        self._build()
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY)

    def _helper(self) -> tuple[int, int]:
        """A process that stays outside, to map the users once the pipe is closed."""
        ready, go = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(go)
                os.read(ready, 1)
                kernel.map_as_root(parent, USER, _OUTSIDE)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(ready)
        return pid, go

    def _build(self) -> None:
        """A root of system, Python and packages, all of it read-only; then the old one is let go."""
        plan, new = self.plan, self.plan.scratch
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("root", new, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
        os.mkdir(new + _SERVER)
        kernel.mount("server", new + _SERVER, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
        for path in (TASK, LAYERS, TMP, RUNTIME, _CODE, _KEPT, _OLD, "/proc", "/dev"):
            os.makedirs(new + path)
        for path in plan.all_roots():
            if os.path.islink(path):
                os.symlink(os.readlink(path), new + path)
            else:
                _show(path, new + path)
        for number, path in enumerate(self._kept):
            _show(path, f"{new}{_KEPT}/{number}")
        kernel.bind(plan.code, new + _CODE)
        kernel.bind(plan.runtime, new + RUNTIME)
        os.makedirs(new + _LANGUAGE)
        for name in _PYTHONS:
            os.symlink(sys.executable, f"{new}{_LANGUAGE}/{name}")
        _show(_CPUS, new + _CPUS)
        resolver = os.path.realpath("/etc/resolv.conf")
        if not _within(resolver, "/etc"):
            _show(resolver, new + resolver)
        for name, text in (("passwd", _PASSWD), ("group", _GROUP)):
            with open(f"{new}{_SERVER}/{name}", "w", encoding="ascii") as file:
                file.write(text)
            kernel.bind(f"{new}{_SERVER}/{name}", f"{new}/etc/{name}")
        for name in _DEVICES:
            _show(f"/dev/{name}", f"{new}/dev/{name}")
        for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            os.symlink(f"/proc/self/fd{target}", f"{new}/dev/{name}")
        if any(_within(plan.data, path) for path in plan.all_roots()):
            kernel.mount("none", new + plan.data, "tmpfs", data="size=4k,mode=0")
        kernel.read_only(new)
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("proc", new + "/proc", "proc", flags)
        kernel.pivot_root(new, new + _OLD)
        os.chdir("/")
        kernel.detach(_OLD)

    def prepare(self) -> None:
        """Make the process namespace that the next environment is forked into, with its first process.

        An environment is not that process itself: the first of a namespace cannot be killed from within, not
        even by its own hand. When it is killed, so are all in its namespace.
        """
        if self._next:
            return
        kernel.unshare(kernel.CLONE_NEWPID)
        self._next = os.fork()
        if self._next == 0:
            _wait_for_ever()

    def forked(self, pid: int) -> None:
        self._first[pid], self._next = self._next, 0
        kernel.setns(self._own, kernel.CLONE_NEWPID)

    def ended(self, pid: int) -> None:
        first = self._first.pop(pid)
        os.kill(first, signal.SIGKILL)
        self._ending.append(first)
        # Taking down a namespace takes a millisecond, which nobody need wait for.
        self._ending = [each for each in self._ending if os.waitpid(each, os.WNOHANG)[0] == 0]

    def close(self, wanted: dict[str, Any]) -> None:
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)
        flags = kernel.MS_NOSUID | kernel.MS_NODEV
        kernel.mount("proc", "/proc", "proc", flags | kernel.MS_NOEXEC)
        size = wanted["storage"]
        kernel.mount("tmp", TMP, "tmpfs", flags, f"size={size}m,nr_inodes={size * _INODES_PER_MB},mode=1777")
        kernel.bind(f"{_CODE}/{wanted['code']}", TASK)
        if wanted["layers"]:
            folders = ":".join([*(f"{_CODE}/{each}" for each in wanted["layers"]), LAYERS])
            kernel.mount("layers", LAYERS, "overlay", flags | kernel.MS_RDONLY, f"lowerdir={folders}")
        for number, path in enumerate(self._kept):
            if not _within(path, LAYERS) or wanted["layers"]:
                _show(f"{_KEPT}/{number}", path)
        kernel.detach(_SERVER)
        self._become_nobody()

    def _become_nobody(self) -> None:
        if self._as_root:
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # or the files of /proc/self would be root's
        kernel.unshare(kernel.CLONE_NEWUSER)  # in which its processes are counted by themselves
        kernel.map_ids("self", USER, (USER, USER))
        kernel.no_more_namespaces()
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.landlock((), (), files=False)
        _limit(resource.RLIMIT_NPROC, MAX_PROCESSES)
        _limit(resource.RLIMIT_NOFILE, MAX_FILES)


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (least, least))


def _show(path: str, where: str) -> None:
    """A file or folder at another place, which is made."""
    if os.path.isdir(path):
        os.makedirs(where, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(where), exist_ok=True)
        os.close(os.open(where, os.O_CREAT | os.O_RDONLY, 0o644))
    kernel.bind(path, where)


def _wait_for_ever() -> None:
    try:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # the functions beside it may be of the same user
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans leave nothing behind
        os.closerange(0, 1024)
        while True:
            signal.pause()
    finally:
        os._exit(1)


def find(plan: Plan) -> Walls:
    """The best walls that are wanted and that this kernel gives to this user."""
    reasons = ["not wanted"]
    if plan.most == Namespaces.name:
        failure = _trial(plan)
        if not failure:
            return Namespaces(plan)
        reasons = [f"no namespaces: {failure}"]
    version = kernel.landlock_version()
    if version and plan.most != Walls.name:
        return Landlocked(plan, f"{reasons[0]}; Landlock {version}")
    if plan.most != Walls.name:
        reasons.append("no Landlock")
    return Walls(plan, "; ".join(reasons))


def _trial(plan: Plan) -> str:
    """Put up the walls once in other processes, down to an environment; gives what went wrong."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            walls = Namespaces(plan)
            walls.enter()
            walls.prepare()
            inner = os.fork()
            if inner == 0:
                walls.close({"code": "", "layers": [""], "storage": 1})
                os.write(tell, b"+")
            else:
                os.waitpid(inner, 0)
        except (OSError, ValueError) as error:
            os.write(tell, str(error).encode())
        finally:
            os._exit(0)
    os.close(tell)
    found = b""
    while data := os.read(ready, 1024):
        found += data
    os.close(ready)
    os.waitpid(pid, 0)
    return "" if found == b"+" else found.decode() or "the processes ended"


if __name__ == "__main__":
    found = find(Plan.read(sys.argv[1]))
    sys.stdout.write(json.dumps({"walls": found.name, "reason": found.reason}))
