"""A cloud in a process of its own, as users run it, for tests to talk to over its socket."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from waiting import PATIENCE, until

ADMIN = ("test", "test")
DAY = 86_400


def kept_place(port: int) -> socket.socket | None:
    """A port that no connection is given as its own end meanwhile; a server may still listen there."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        place.bind(("127.0.0.1", port))
    except OSError:  # too late: whoever starts again on this port is told so
        place.close()
        return None
    return place


def without_settings() -> dict[str, str]:
    """The environment less what would point tools elsewhere; how the cloud runs and is walled stays."""
    kept = ("MAY_NATIVE", "MAY_WALLS")
    return {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MAY_")) or k in kept}


class RunningCloud:
    """Starts `may up` on a free port with a data folder; `kill` is kill -9, `start` again recovers."""

    def __init__(self, data: Path, *options: str, **variables: str) -> None:
        self.data = data
        self.options = options
        self.variables = variables
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.log = data.parent / f"{data.name}.log"
        self._place: socket.socket | None = None

    def start(self, port: int = 0) -> "RunningCloud":
        environment = without_settings()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "maycloud.cli.main", "up",
                    "--data", str(self.data), "--port", str(port), *self.options,
                ],
                stdout=log, stderr=log, env=environment | self.variables,
            )  # fmt: skip
        try:
            state = until(self._started, what=f"the cloud to start; its log is {self.log}")
        except AssertionError:
            self.process.kill()
            self.process.wait()
            raise
        assert state is not None
        self.url = str(state["url"])
        self._give_up_place()
        return self

    def _started(self) -> dict[str, Any] | None:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the cloud stopped: {self.log.read_text()[-4000:]}")
        try:
            state = json.loads((self.data / "cloud.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return state if state.get("pid") == self.process.pid else None

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def https_url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def ca_file(self) -> str:
        return str(self.data / "ca.pem")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        self._give_up_place()

    def kill(self) -> None:
        assert self.process is not None
        port = self.port
        self.process.kill()
        self.process.wait(PATIENCE)
        self._give_up_place()
        self._place = kept_place(port)

    def _give_up_place(self) -> None:
        if self._place is not None:
            self._place.close()
            self._place = None

    def client(
        self,
        service: str,
        *,
        key: str = ADMIN[0],
        secret: str = ADMIN[1],
        token: str | None = None,
        region: str = "us-east-1",
        config: Config | None = None,
        **kwargs: Any,
    ) -> Any:
        """A boto3 client of the cloud; without options, as the administrator."""
        quick = Config(retries={"max_attempts": 0, "mode": "standard"}, read_timeout=60)
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            region_name=region,
            config=quick.merge(config) if config else quick,
            **kwargs,
        )

    def environment(self) -> dict[str, str]:
        """Environment variables that point AWS tools at this cloud."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return kept | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ADMIN[0],
            "AWS_SECRET_ACCESS_KEY": ADMIN[1],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """A signed request to `/_may/…`; gives its JSON."""
        data = b"" if body is None else json.dumps(body).encode()
        signed = AWSRequest(method, self.url + path, data=data, headers={"host": f"localhost:{self.port}"})
        SigV4Auth(Credentials(*ADMIN), "may", "us-east-1").add_auth(signed)
        request = urllib.request.Request(
            self.url + path, data=data or None, method=method, headers=dict(signed.headers.items())
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.loads(response.read())

    def advance(self, seconds: float) -> None:
        """Move the cloud's clock forward."""
        self.admin("POST", "/_may/clock", {"advance": seconds})

    def time(self) -> float:
        """What the cloud's clock shows."""
        return float(self.admin("GET", "/_may/status")["time"])

    def hold(self) -> None:
        """Stop the cloud's clock: from now on `advance` alone moves it, however slow the machine is."""
        self.admin("POST", "/_may/clock", {"hold": True})

    @contextmanager
    def held(self) -> Iterator[None]:
        """`hold` for a while, in a cloud that tests share."""
        self.hold()
        try:
            yield
        finally:
            self.admin("POST", "/_may/clock", {"hold": False})

    def move_to(self, moment: float) -> None:
        """Move the cloud's clock to a moment that is still to come."""
        self.advance(moment - self.time())

    def noon(self) -> float:
        """Tomorrow's noon in UTC: the day does not end while a test goes on around it."""
        return (self.time() // DAY + 1.5) * DAY
