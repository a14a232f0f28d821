"""Processes of functions, which have other numbers inside of their walls."""

import os
from pathlib import Path


def outside(namespace: str, pid: int) -> int:
    """The number here of a process that has `pid` in a namespace, as ``/proc/self/ns/pid`` links to it."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.readlink(entry / "ns" / "pid") == namespace and _inner(entry) == pid:
                return int(entry.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    raise AssertionError(f"there is no process {pid} in {namespace}")


def _inner(entry: Path) -> int:
    status = (entry / "status").read_text()
    return next(int(line.split()[-1]) for line in status.splitlines() if line.startswith("NSpid:"))
