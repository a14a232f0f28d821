"""`may doctor`: check this machine and say what is missing."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click

from maycloud import __version__, native
from maycloud.addresses import resolves
from maycloud.cli.failure import GENERAL, Failure
from maycloud.cli.running import data_option, read_run_file
from maycloud.config import DEFAULT_PORT

Finding = tuple[str, str, str]  # "ok", "note" or "missing"; what was looked at; what was found


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def doctor(data: Path, as_json: bool) -> None:
    """Check this machine for what Maycloud needs; exits with 1 if something needed is missing."""
    checks: list[Callable[[], Finding]] = [
        _python,
        _libraries,
        _native,
        _node,
        lambda: _data(data),
        lambda: _port(data),
        _names,
        _memory_limits,
        _walls,
    ]
    findings = [check() for check in checks]
    if as_json:
        click.echo(
            json.dumps([dict(zip(("state", "what", "found"), f, strict=True)) for f in findings], indent=2)
        )
    else:
        colours = {"ok": "green", "note": "yellow", "missing": "red"}
        for state, what, found in findings:
            click.echo(f"{click.style(f'{state:<8}', fg=colours[state])}{what:<18}{found}")
    if any(state == "missing" for state, _what, _found in findings):
        raise Failure("something needed is missing", exit_code=GENERAL)


def _python() -> Finding:
    state = "ok" if sys.version_info >= (3, 11) else "missing"
    return state, "python", f"{platform.python_version()} at {sys.executable}; Maycloud {__version__}"


def _libraries() -> Finding:
    import apsw
    import botocore

    return "ok", "libraries", f"SQLite {apsw.sqlite_lib_version()}, botocore {botocore.__version__}"


def _native() -> Finding:
    state = native.state()
    return "ok" if state == native.COMPILED else "note", "hot modules", state


def _node() -> Finding:
    node = shutil.which("node")
    if node is None:
        return "note", "node", "not found: Lambda functions in Node.js cannot run (apt-get install nodejs)"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return "ok", "node", f"{version} at {node}"


def _data(data: Path) -> Finding:
    folder = data if data.exists() else data.absolute().parent
    if not os.access(folder, os.W_OK):
        return "missing", "data folder", f"{folder} is not writable: choose another with --data or MAY_DATA"
    free = shutil.disk_usage(folder).free
    state = "ok" if free > 1 << 30 else "note"
    return state, "data folder", f"{data.absolute()}, {free / (1 << 30):.1f} GiB free"


def _port(data: Path) -> Finding:
    running = read_run_file(data)
    if running is not None:
        return "ok", "cloud", f"running at {running.url}, pid {running.pid}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            return "note", "port", f"{DEFAULT_PORT} is taken by another program: use `may up --port N`"
    return "ok", "port", f"{DEFAULT_PORT} is free"


def _names() -> Finding:
    if resolves("probe.localhost"):
        return "ok", "names", "*.localhost resolves: outputs use host names"
    return (
        "note",
        "names",
        "*.localhost does not resolve here: outputs use the path form, which needs no names",
    )


def _memory_limits() -> Finding:
    if sys.platform != "linux":
        return "note", "isolation", f"{sys.platform}: functions' memory limits are not enforced"
    return "ok", "isolation", "Linux: functions have memory limits and die with the cloud"


def _walls() -> Finding:
    from maycloud.services.lambda_.runtime.forks import find_walls

    if sys.platform != "linux":
        return "note", "walls", f"{sys.platform}: functions can read and write what you can"
    walls = find_walls()
    return "ok" if walls.inside else "note", "walls", walls.words
