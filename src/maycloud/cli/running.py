"""Finding the running cloud by its data folder, and talking to it."""

import functools
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from maycloud.cli.failure import NOT_RUNNING, Failure

RUN_FILE = "cloud.json"

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: os.environ.get("MAY_DATA", ".maycloud"),
    show_default=".maycloud, or $MAY_DATA",
    help="The cloud's data folder.",
)


@dataclass(frozen=True, slots=True)
class Running:
    """A running cloud, as its run file tells."""

    pid: int
    url: str
    port: int
    version: str
    region: str
    data: Path
    access_key: str
    secret_key: str

    @property
    def ca_file(self) -> Path:
        return self.data / "ca.pem"

    @property
    def https_url(self) -> str:
        return self.url.replace("http://", "https://", 1)

    def environment(self) -> dict[str, str]:
        """What AWS tools need in their environment to use this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }

    def session(self, region: str | None = None) -> Any:
        """A boto3 session as the administrator."""
        import boto3

        return boto3.Session(
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=region or self.region,
        )

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """A signed request to ``/_may/…``; gives its JSON."""
        from urllib.request import Request, urlopen

        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        data = b"" if body is None else json.dumps(body).encode()
        signed = AWSRequest(method, self.url + path, data=data)
        signed.headers["host"] = self.url.partition("//")[2]
        SigV4Auth(Credentials(self.access_key, self.secret_key), "may", self.region).add_auth(signed)
        request = Request(  # noqa: S310 - the cloud's own address, from its run file
            self.url + path, data=data or None, method=method, headers=dict(signed.headers.items())
        )
        with urlopen(request, timeout=30) as response:  # noqa: S310
            return json.loads(response.read())


def write_run_file(running: Running) -> None:
    """Readable by its owner alone, for it holds the administrator's key."""
    path = running.data / RUN_FILE
    temporary = path.with_suffix(".tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(
        json.dumps(
            {
                "pid": running.pid,
                "url": running.url,
                "port": running.port,
                "version": running.version,
                "region": running.region,
                "accessKey": running.access_key,
                "secretKey": running.secret_key,
            }
        )
    )
    temporary.rename(path)


def read_run_file(data: Path) -> Running | None:
    """The cloud of a data folder if it answers, else None.

    That its process id is there says little: a killed process keeps it until somebody asks for its end, and
    after a restart of the machine it is another's.
    """
    try:
        state = json.loads((data / RUN_FILE).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    try:
        os.kill(state["pid"], 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return None
    running = Running(
        state["pid"],
        state["url"],
        state["port"],
        state["version"],
        state["region"],
        data.absolute(),
        state["accessKey"],
        state["secretKey"],
    )
    return running if _listens(running) else None


def _listens(running: Running) -> bool:
    try:
        socket.create_connection((urlsplit(running.url).hostname, running.port), timeout=5).close()
    except OSError:
        return False
    return True


def find(data: Path) -> Running:
    """The running cloud of a data folder, or a failure that says how to start one."""
    running = read_run_file(data)
    if running is None:
        raise Failure(
            f"no cloud runs on {data}",
            "Start one with `may up --detach`, or name its folder with --data or MAY_DATA.",
            NOT_RUNNING,
        )
    return running


def with_cloud(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command its running cloud as first argument, found by --data."""

    @data_option
    @functools.wraps(command)
    def wrapper(data: Path, **kwargs: Any) -> Any:
        return command(find(data), **kwargs)

    return wrapper
