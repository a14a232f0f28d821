"""What the subjects share: rounds, clients, and the edge's own rate that theirs are compared with."""

import sys
from collections.abc import Callable
from typing import Any

import boto3

from bench import servers
from bench.load import Load, http_request, load

ROUNDS = 3


class Bench:
    """How long to measure, and what was measured for others to compare with."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.seconds = 0.7 if quick else 2.0
        self._constant: Load | None = None

    def best(self, measure: Callable[[], Load]) -> Load:
        return max((measure() for _ in range(ROUNDS)), key=lambda found: found.rate)

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    @property
    def constant(self) -> Load:
        """Our edge answering a constant: the most that a service behind it could reach."""
        if self._constant is None:
            with servers.constant() as url:
                request = http_request("POST", url, {"content-type": "application/json"}, b"{}")
                self._constant = self.best(lambda: load(url, [request], seconds=self.seconds))
            self.say(f"edge: {self._constant.rate:,.0f}/s")
        return self._constant


def client(url: str, service: str, key: str = "test", **options: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=key,
        region_name="us-east-1",
        **options,
    )


def resident(pid: int) -> float:
    """Resident megabytes of a process; its fork server and functions are their own."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024
