"""`may up`: start the cloud, in front or detached."""

import asyncio
import contextlib
import gc
import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from maycloud import __version__
from maycloud.cli.failure import DATA_LOCKED, DATA_TOO_NEW, GENERAL, PORT_TAKEN, Failure
from maycloud.cli.running import RUN_FILE, Running, data_option, read_run_file, write_run_file
from maycloud.config import DEFAULT_DAX_PORT, DEFAULT_PORT, DEFAULT_REGION, Config

LOG_FILE = "cloud.log"


@click.command()
@data_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="HTTP and HTTPS; 0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--dax-port",
    type=click.IntRange(0, 64535),
    default=DEFAULT_DAX_PORT,
    show_default=True,
    help="Of the first DAX cluster, TLS 1000 above; 0, or one that is taken: a free one.",
)
@click.option("--region", default=DEFAULT_REGION, show_default=True, help="The home region.")
@click.option(
    "--durability",
    type=click.Choice(["process", "power"]),
    default="process",
    show_default=True,
    help="What acknowledged writes survive: kill -9, or loss of power as well (an fsync a commit).",
)
@click.option("--admin-secret", envvar="MAY_ADMIN_SECRET", default="test", help="Secret of the key `test`.")
@click.option(
    "--smtp",
    metavar="HOST:PORT",
    callback=lambda _context, _option, value: _server(value),
    help="Send the inbox's mails on by this server; without it none leaves the machine.",
)
@click.option("--detach", is_flag=True, help="Return once the health page answers.")
def up(
    data: Path,
    port: int,
    host: str,
    dax_port: int,
    region: str,
    durability: str,
    admin_secret: str,
    smtp: tuple[str, int] | None,
    detach: bool,
) -> None:
    """Start the cloud."""
    running = read_run_file(data)
    if running is not None:
        raise _locked(data, running)
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Failure(
            f"the data folder {data} cannot be made: {error.strerror}", "Choose another with --data."
        ) from error
    config = Config(
        data.absolute(),
        host,
        port,
        region,
        "power" if durability == "power" else "process",
        admin_secret,
        dax_port=dax_port,
        smtp=smtp,
    )
    if detach:
        _start_detached(config)
        return
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    import uvloop

    uvloop.run(_serve(config))


def _server(given: str | None) -> tuple[str, int] | None:
    """The server of --smtp."""
    if given is None:
        return None
    host, colon, port = given.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter("it must be HOST:PORT")
    return host.strip("[]"), int(port)


async def _serve(config: Config) -> None:
    """Run until SIGTERM or SIGINT."""
    from maycloud.cloud import Cloud
    from maycloud.edge.server import PortTakenError
    from maycloud.store import DataLockedError, FormatTooNewError

    try:
        cloud = Cloud(config)
    except DataLockedError as error:
        raise _locked(config.data, None) from error
    except FormatTooNewError as error:
        raise Failure(
            str(error), "Update Maycloud, or choose another folder with --data.", DATA_TOO_NEW
        ) from error
    try:
        await cloud.start()
    except PortTakenError as error:
        await cloud.store.close()
        raise Failure(
            f"port {config.port} is taken",
            "Choose another with --port, or --port 0 for any free one.",
            PORT_TAKEN,
        ) from error
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    secret = config.admin_secret
    write_run_file(
        Running(os.getpid(), cloud.url, cloud.port, __version__, config.region, config.data, "test", secret)
    )
    click.echo(_banner(cloud.url, config.data))
    _calm_the_collector()
    try:
        await stopped.wait()
    finally:
        with contextlib.suppress(FileNotFoundError):
            (config.data / RUN_FILE).unlink()
        await cloud.stop()


def _calm_the_collector() -> None:
    """Leave what is there for good, and look for cycles less often: requests make hardly any.

    With Python's own thresholds a seventh of a GetItem's time goes into looking, see bench/RESULTS.md.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _banner(url: str, data: Path) -> str:
    name = click.style(f"Maycloud {__version__}", fg="cyan", bold=True)
    return (
        f"{name} at {click.style(url, bold=True)} (HTTPS too), data in {data}\n"
        f'Point AWS tools at it: eval "$({_command()} env{_option(data)})"\n'
        f"See what is in it: {_command()} console{_option(data)}"
    )


def _command() -> str:
    """How to call `may` from here: by its path where it is not on the PATH."""
    beside = Path(sys.executable).parent / "may"
    if shutil.which("may") or not beside.exists():
        return "may"
    return shlex.quote(str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside))


def _option(data: Path) -> str:
    """What finds the data folder again from the same shell."""
    usual = Path(os.environ.get("MAY_DATA", ".maycloud")).absolute()
    return "" if data.absolute() == usual else f" --data {shlex.quote(str(data))}"


def _locked(data: Path, running: Running | None) -> Failure:
    where = f" (pid {running.pid}, {running.url})" if running else ""
    return Failure(
        f"the data folder {data} is in use by another cloud{where}",
        "Stop that one with `may down`, or choose another folder with --data.",
        DATA_LOCKED,
    )


def _start_detached(config: Config) -> None:
    """Start the cloud in a session of its own and wait until it answers or has failed."""
    data = config.data
    log_path = data / LOG_FILE
    begun = log_path.stat().st_size if log_path.exists() else 0
    # The secret goes by environment: arguments are visible to every user of the machine.
    environment = os.environ | {"MAY_ADMIN_SECRET": config.admin_secret}
    more = ["--smtp", f"{config.smtp[0]}:{config.smtp[1]}"] if config.smtp else []
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "maycloud.cli.main", "up", "--data", str(data),
                "--port", str(config.port), "--host", config.host, "--dax-port", str(config.dax_port),
                "--region", config.region, "--durability", config.durability, *more,
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment,
        )  # fmt: skip
    while process.poll() is None:
        running = read_run_file(data)
        if running is not None and running.pid == process.pid:
            click.echo(_banner(running.url, data.absolute()))
            return
        time.sleep(0.01)
    said = log_path.read_bytes()[begun:].decode(errors="replace").strip()
    message = said.removeprefix("may: ") or "it said nothing"
    raise Failure(message, f"Its log is {log_path}.", process.returncode or GENERAL)
