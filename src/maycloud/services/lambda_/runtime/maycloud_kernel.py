"""The system calls of Linux that Python has no function for. Imports nothing of Maycloud."""

import contextlib
import ctypes
import os
import signal
import struct
from collections.abc import Iterable
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38

_MOUNT_SETATTR = 442  # these numbers are the same on every architecture
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_CAPABILITIES_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _call(what: str, *arguments: object) -> int:
    """A function of the C library; raises OSError that says which."""
    return _checked(what, getattr(_libc, what)(*arguments))


def _system(what: str, number: int, *arguments: object) -> int:
    return _checked(what, _libc.syscall(ctypes.c_long(number), *arguments))


def _checked(what: str, result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def unshare(flags: int) -> None:
    _call("unshare", flags)


def setns(fd: int, kind: int) -> None:
    _call("setns", fd, kind)


def prctl(option: int, value: int) -> None:
    _call("prctl", option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def die_with_parent() -> None:
    """Be killed when the parent ends, however it ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def thread_stacks(size: int) -> None:
    """How much memory the stack of a thread may take, where nobody says otherwise; glibc's affair."""
    if not hasattr(_libc, "pthread_setattr_default_np"):
        return
    attributes = ctypes.create_string_buffer(256)  # a pthread_attr_t, which is smaller everywhere
    _libc.pthread_attr_init(attributes)
    _libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(size))
    _libc.pthread_setattr_default_np(attributes)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    arguments: list[Any] = [each.encode() or None for each in (source, target, kind, data)]
    arguments.insert(3, ctypes.c_ulong(flags))
    _checked(f"mount {kind or 'bind'} at {target}", _libc.mount(*arguments))


def bind(source: str, target: str) -> None:
    mount(source, target, flags=MS_BIND | MS_REC)


def detach(target: str) -> None:
    """Unmount, with all below it."""
    _call("umount2", target.encode(), MNT_DETACH)


def read_only(path: str) -> None:
    """All mounts below a path, that one's included."""
    attributes = struct.pack("=QQQQ", MS_RDONLY | MS_NOSUID, 0, 0, 0)
    _system(
        "mount_setattr",
        _MOUNT_SETATTR,
        _AT_FDCWD,
        path.encode(),
        _AT_RECURSIVE,
        attributes,
        ctypes.c_size_t(len(attributes)),
    )


def pivot_root(new: str, old: str) -> None:
    _call("pivot_root", new.encode(), old.encode())


def drop_capabilities() -> None:
    _call("capset", struct.pack("=Ii", _CAPABILITIES_3, 0), bytes(24))


def map_ids(process: int | str, inside: int, outside: tuple[int, int]) -> None:
    """One user and one group of a user namespace: `inside` it, and as they are seen from outside."""
    base = f"/proc/{process}"
    _write(f"{base}/setgroups", "deny")
    _write(f"{base}/uid_map", f"{inside} {outside[0]} 1\n")
    _write(f"{base}/gid_map", f"{inside} {outside[1]} 1\n")


def map_as_root(process: int, inside: int, outside: int) -> None:
    """Root and one more user and group; only root may."""
    for kind in ("uid_map", "gid_map"):
        _write(f"/proc/{process}/{kind}", f"0 0 1\n{inside} {outside} 1\n")


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    except OSError as error:
        error.filename = path  # that of `open` has it already
        raise
    finally:
        os.close(fd)


def no_more_namespaces() -> None:
    """Of the user namespace that we are in: what runs here makes none below it."""
    with contextlib.suppress(OSError):
        _write("/proc/sys/user/max_user_namespaces", "0")


# Landlock, https://docs.kernel.org/userspace-api/landlock.html

_READ = 0b1101  # execute, read files, read folders
_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # the rights that a file can have
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights a version knows; from version 5 on there are 16
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2


def landlock_version() -> int:
    """0 where the kernel has none."""
    try:
        return _system("landlock", _LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    except OSError:
        return 0


def landlock(readable: Iterable[str], writable: Iterable[str], *, files: bool = True) -> None:
    """Confine this process and all that it starts.

    Files: to what is below these paths. From version 6 on also signals and abstract sockets: to processes
    that are confined with it. `files=False` leaves the files as they are.
    """
    version = landlock_version()
    scope = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if version >= 6 else 0
    handled = (1 << _RIGHTS.get(version, 16)) - 1 if files else 0
    if not handled and not scope:
        return
    attributes = struct.pack("=QQQ", handled, 0, scope)[: 24 if scope else 8]
    ruleset = _system("landlock", _LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        if files:
            for path in readable:
                _allow(ruleset, path, handled & _READ)
            for path in writable:
                _allow(ruleset, path, handled)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        _system("landlock", _LANDLOCK_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _FILE
        rule = struct.pack("=Qi", rights, fd)
        _system("landlock", _LANDLOCK_ADD, ruleset, 1, rule, 0)
    finally:
        os.close(fd)
