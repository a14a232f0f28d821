"""`may demo`: play a user through a system, each step printed with its time."""

import contextlib
import http.client
import importlib.util
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click

from maycloud.cli.failure import STEP_FAILED, Failure
from maycloud.cli.systems import all_systems, find_template
from maycloud.cli.target import Target, stack_outputs, target_options


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP request got."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Demo:
    """What a system's ``demo.py`` plays with: its outputs, HTTP, AWS clients, and steps."""

    def __init__(self, target: Target, outputs: dict[str, str]) -> None:
        self.target = target
        self.outputs = outputs
        self.steps = 0
        self._tls = ssl.create_default_context(cafile=str(target.ca_file) if target.ca_file else None)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step: prints its title and time; what it raises fails the demo loudly."""
        begun = time.perf_counter()
        try:
            yield
        except Exception as error:
            click.echo(f"  {click.style('✗', fg='red')} {title}")
            detail = str(error) or type(error).__name__
            raise Failure(f"step failed: {title}", detail, STEP_FAILED) from error
        self.steps += 1
        took = (time.perf_counter() - begun) * 1000
        click.echo(f"  {click.style('✓', fg='green')} {title:<68} {took:8.1f} ms")

    def expect(self, condition: object, what: str) -> None:
        """Fail the step unless `condition` holds."""
        if not condition:
            raise AssertionError(what)

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        """Wait for `condition`; fail the step if it does not come true in time."""
        deadline = time.monotonic() + (seconds if self.target.local else 20 * seconds)
        while not condition():
            self.expect(time.monotonic() < deadline, what)
            time.sleep(0.05 if self.target.local else 5.0)

    def code_for(self, address: str) -> str:
        """The code of the newest mail to an address: from the cloud's inbox, or asked for, on AWS."""
        running = self.target.running
        if running is None:
            return click.prompt(f"    the code that was sent to {address}")
        mails = running.admin("GET", f"/_may/inbox?to={quote(address, safe='')}")
        found = re.search(r"\b\d{6}\b", mails[0]["text"]) if mails else None
        if found is None:
            raise AssertionError(f"no mail with a code came to {address}")
        return found[0]

    def metric(self, namespace: str, name: str) -> float:
        """Sum of a CloudWatch metric over the last hour and all its dimensions."""
        cloudwatch = self.target.client("cloudwatch")
        now = datetime.now(UTC)
        total = 0.0
        for listed in cloudwatch.list_metrics(Namespace=namespace, MetricName=name)["Metrics"]:
            points = cloudwatch.get_metric_statistics(
                Namespace=namespace, MetricName=name, Dimensions=listed["Dimensions"], Period=60,
                Statistics=["Sum"], StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=1),
            )["Datapoints"]  # fmt: skip
            total += sum(point["Sum"] for point in points)
        return total

    def request(
        self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One HTTP request, TLS verified; `body` is sent as JSON unless it is bytes."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        # Names below localhost are this machine, whether or not its resolver knows.
        address = "127.0.0.1" if host.endswith("localhost") else host
        if parts.scheme == "https":
            connection = _Tls(host, address, port or 443, self._tls)
        else:
            connection = http.client.HTTPConnection(address, port or 80, timeout=60)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Host": parts.netloc, "Content-Type": "application/json"} | (headers or {})
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, path or "/", data, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


class _Tls(http.client.HTTPSConnection):
    """HTTPS to a given address under another name, which the certificate must carry."""

    def __init__(self, name: str, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=60, context=context)
        self._name = name
        self._tls = context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


@click.command()
@click.argument("system", required=False)
@click.option("--stack", help="Name of the stack; the system's name unless given.")
@target_options
def demo(target: Target, system: str | None, stack: str | None) -> None:
    """Play a real user through SYSTEM, or through every system that is deployed here."""
    for name in [system] if system else all_systems():
        default_stack, template = find_template(name)
        script = template.parent / "demo.py"
        if not script.exists():
            raise Failure(f"system {name} has no demo.py")
        played = Demo(target, stack_outputs(target, stack or default_stack))
        click.secho(f"{name}", bold=True)
        begun = time.perf_counter()
        _load(script).play(played)
        click.secho(f"  {played.steps} steps in {time.perf_counter() - begun:.2f} s", fg="green")


def _load(script: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"demo_{script.parent.name}", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
