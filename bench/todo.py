"""The to-do app's `GET /todos` over HTTPS, 16 connections, from the function and from the API's cache.

The app is deployed as users deploy it and the token comes from a real sign-in. Its stage's throttle, 5,000
requests a second, is lifted: what is measured is the way, not the limit.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from botocore import UNSIGNED
from botocore.config import Config
from pycognito import AWSSRP

from bench import servers
from bench.load import ROOT, Load, http_request, signed_headers, wrk
from bench.measuring import Bench, client
from bench.report import Section, Target

EMAIL, PASSWORD = "mai@example.com", "Xoai-chin-cay-2026"
TODOS = 10
_SETTING = "/~1todos/GET"

NOTE = (
    f"A list of {TODOS} to-dos. Uncached: TLS, JWT, API Gateway, Lambda (Python), DynamoDB Query,"
    " logs and metrics; cached: TLS, JWT and API Gateway's cache. The generator is wrk.\n\nUncached,"
    " the machine is full, most of it of the functions' processes: boto3 makes, signs and reads a Query"
    " in each of them."
)


def run(bench: Bench) -> Section:
    with tempfile.TemporaryDirectory(prefix="bench-todo-") as folder, servers.cloud(data=Path(folder)) as up:
        url = up[0]
        outputs = _deploy(folder)
        token = sign_in(url, outputs)
        api = urlsplit(outputs["ApiUrl"])
        base = f"https://127.0.0.1:{api.port}"
        headers = {"authorization": token, "host": api.netloc, "content-type": "application/json"}
        _add_todos(outputs["ApiUrl"], base, headers)
        request = http_request("GET", f"https://{api.netloc}{api.path}/todos", headers, b"")
        gateway = client(url, "apigateway")
        _set(gateway, api, {"throttling/rateLimit": "1000000", "throttling/burstLimit": "1000000"})
        cached = bench.best(lambda: wrk(base, [request], seconds=bench.seconds))
        _set(gateway, api, {"caching/enabled": "false"})
        uncached = bench.best(lambda: wrk(base, [request], seconds=bench.seconds))
    bench.say(f"GET /todos: {uncached.rate:,.0f}/s, cached {cached.rate:,.0f}/s")
    return Section(
        "GET /todos, end to end over HTTPS, 16 connections",
        [
            ["what", "answers a second", "p50 ms", "p99 ms"],
            _row("uncached", uncached),
            _row("cached", cached),
        ],
        NOTE,
        [Target("GET /todos", 1000, uncached.rate, "/s"), Target("cached", 10_000, cached.rate, "/s")],
    )


def _row(what: str, found: Load) -> list[str]:
    return [what, f"{found.rate:,.0f}", f"{found.p50:.2f}", f"{found.p99:.2f}"]


def _deploy(folder: str) -> dict[str, str]:
    def may(*arguments: str) -> str:
        command = [sys.executable, "-m", "maycloud.cli.main", *arguments, "--data", folder]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    may("deploy", str(ROOT / "systems" / "todo"))
    return json.loads(may("outputs", "todo", "--json"))


def sign_in(url: str, outputs: dict[str, str]) -> str:
    """Sign up, confirm with the code from the inbox, sign in by SRP; gives the id token."""
    idp = client(url, "cognito-idp", config=Config(signature_version=UNSIGNED))
    app = outputs["UserPoolClientId"]
    idp.sign_up(ClientId=app, Username=EMAIL, Password=PASSWORD)
    inbox = f"{url}/_may/inbox?to={quote(EMAIL)}"
    headers = signed_headers(inbox, "maycloud", b"", {}, "GET")
    code = re.search(r"\b\d{6}\b", _curl("GET", inbox, headers)[0]["text"])
    assert code is not None
    idp.confirm_sign_up(ClientId=app, Username=EMAIL, ConfirmationCode=code[0])
    srp = AWSSRP(EMAIL, PASSWORD, outputs["UserPoolId"], app, client=idp)
    return srp.authenticate_user()["AuthenticationResult"]["IdToken"]


def _add_todos(api: str, base: str, headers: dict[str, str]) -> None:
    target = base + urlsplit(api).path + "/todos"
    for number in range(TODOS):
        _curl("POST", target, headers, json.dumps({"title": f"Buy rice and fish sauce, {number}"}))


def _curl(method: str, url: str, headers: dict[str, str], body: str = "") -> Any:
    """The JSON of an answer; curl takes a certificate for another name, which the address here is."""
    command = ["curl", "-sfk", "-X", method, url, *(["-d", body] if body else [])]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _set(gateway: Any, api: Any, settings: dict[str, str]) -> None:
    patches = [{"op": "replace", "path": f"{_SETTING}/{name}", "value": to} for name, to in settings.items()]
    rest, stage = api.path.rstrip("/").split("/")[-2:]  # /_aws/execute-api/{api}/{stage}
    gateway.update_stage(restApiId=rest, stageName=stage, patchOperations=patches)
