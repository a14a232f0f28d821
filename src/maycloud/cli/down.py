"""`may down`: stop the cloud."""

import os
import signal
import time

import click

from maycloud.cli.failure import Failure
from maycloud.cli.running import Running, with_cloud


@click.command()
@click.option("--timeout", default=15.0, show_default=True, help="Seconds to wait for it to finish.")
@with_cloud
def down(cloud: Running, timeout: float) -> None:
    """Stop the cloud: running requests finish, everything stays in the data folder."""
    os.kill(cloud.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while _lives(cloud.pid):
        if time.monotonic() > deadline:
            raise Failure(
                f"the cloud (pid {cloud.pid}) did not stop within {timeout:g} s", "Try again, or kill it."
            )
        time.sleep(0.02)
    click.echo(f"Stopped the cloud at {cloud.url}; its data stays in {cloud.data}.")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        # A zombie has stopped; its parent just has not looked yet.
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return True
