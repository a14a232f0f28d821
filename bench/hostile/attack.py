"""The attack: sends spoiled requests over raw sockets and watches what becomes of the cloud."""

import asyncio
import contextlib
import hashlib
import hmac
import io
import json
import random
import re
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bench.hostile.mutations import damage, spoil
from bench.hostile.requests import Draft, Maker, known_good

PATIENCE = 60.0  # seconds that an answer may take before it counts as a hang
ROUNDS = 20
WARM = 8  # rounds after which memory should grow no more
EVERY = 20  # requests after which one that is known to be good is sent
GROWTH = 0.25  # of the memory after the warm-up that a run may add
_OURS = (500, 502, 503, 504)  # 501 is S3's NotImplemented


@dataclass(slots=True)
class Report:
    """What a run found; `findings` say what was sent."""

    sent: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter[int])
    closed: int = 0  # connections that the cloud ended without an answer, as it may for what is no HTTP
    findings: list[str] = field(default_factory=list)
    memory_warm: int = 0  # KiB
    memory_end: int = 0

    @property
    def grown(self) -> int:
        """KiB that memory grew by after the warm-up."""
        return self.memory_end - self.memory_warm


def resident(pid: int) -> int:
    """KiB of memory that a process holds for itself."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+)", text)
    return int(found[1]) if found else 0


# Signing, on its own feet: what the cloud verifies must not be computed by the cloud's own code


@lru_cache(maxsize=64)
def _key(secret: str, date: str, service: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (date, "us-east-1", service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(draft: Draft, port: int) -> bytes:
    """The request on the wire, with a signature by the administrator's key."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {**draft.headers, "host": f"{draft.host}:{port}", "x-amz-date": moment}
    payload = hashlib.sha256(draft.body).hexdigest()
    if draft.service == "s3":
        payload = headers.setdefault("x-amz-content-sha256", payload)
    headers.pop("content-length", None)
    signed = sorted(name for name in headers if name not in ("expect", "connection"))
    path = draft.path.partition("#")[0].partition("?")[0]
    path = quote(unquote_to_bytes(path) if draft.service == "s3" else path, safe="/-_.~")
    pairs = sorted(
        (quote(unquote_to_bytes(k), safe="-_.~"), quote(unquote_to_bytes(v), safe="-_.~"))
        for k, _, v in (part.partition("=") for part in draft.query.split("&") if part)
    )
    canonical = "\n".join(
        (
            draft.method, path, "&".join(f"{k}={v}" for k, v in pairs),
            "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed), ";".join(signed),
            payload,
        )
    )  # fmt: skip
    scope = f"{moment[:8]}/us-east-1/{draft.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    signature = hmac.digest(_key("test", moment[:8], draft.service), to_sign.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    headers["content-length"] = str(len(draft.body))
    target = f"{draft.path}?{draft.query}" if draft.query else draft.path
    lines = [f"{draft.method} {target} HTTP/1.1".encode("latin-1", "replace")]
    lines += [f"{name}: {value}".encode("latin-1", "replace") for name, value in headers.items()]
    return b"\r\n".join([*lines, *draft.extra, b"", b""]) + draft.body


# Answers


class NoAnswerError(Exception):
    """The cloud closed the connection without an answer."""


async def read_answer(reader: asyncio.StreamReader, method: str) -> tuple[int, bool, bytes]:
    """Status, whether the connection stays, body. Raises NoAnswerError."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise NoAnswerError from error
        status = int(head.split(b" ", 2)[1])
        if status != 100:
            break
    lower = head.lower()
    keeps = b"connection: close" not in lower
    body = b""
    if method == "HEAD" or status in (204, 304):
        return status, keeps, body
    if b"transfer-encoding: chunked" in lower:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    elif found := re.search(rb"content-length: (\d+)", lower):
        body = await reader.readexactly(int(found[1]))
    return status, keeps, body


class Attacker:
    """One client: a connection after the other, each used for as long as the cloud keeps it."""

    def __init__(self, port: int, seed: int, report: Report, services: tuple[str, ...]) -> None:
        self._port = port
        self._rng = random.Random(seed)
        self._maker = Maker(self._rng, services)
        self._report = report
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, count: int) -> None:
        for number in range(count):
            if number % EVERY == 0:
                await self._check()
            if self._rng.random() < 0.15:
                await self._damaged()
            else:
                await self._spoiled()
            self._report.sent += 1
        await self._check()
        self._close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        return self._reader, self._writer

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    def _find(self, what: str, sent: bytes) -> None:
        if len(self._report.findings) < 200:
            self._report.findings.append(f"{what}\n    {sent[:2000]!r}")

    async def _check(self) -> None:
        """A good request on the connection as it is now, or on a new one, must get its answer."""
        draft = known_good()
        try:
            status, body = 0, b""
            for _ in range(2):
                reader, writer = await self._open()
                writer.write(sign(draft, self._port))
                try:
                    status, _, body = await asyncio.wait_for(read_answer(reader, "POST"), PATIENCE)
                    break
                except NoAnswerError:
                    self._close()  # it was closed for idling between two requests; a new one must do
        except (OSError, TimeoutError) as error:
            self._find(f"a good request failed: {error!r}", b"")
            self._close()
            return
        if status != 200 or b":user/admin" not in body:
            self._find(f"a good request got {status} {body[:300]!r}", b"")
            self._close()

    async def _spoiled(self) -> None:
        draft = self._maker.draft()
        spoil(self._rng, draft)
        wire = sign(draft, self._port)
        await self._exchange(wire, draft.method, keeps=True)

    async def _damaged(self) -> None:
        draft = self._maker.draft()
        wire = sign(draft, self._port)
        wire = damage(self._rng, wire, wire.index(b"\r\n\r\n"))
        await self._exchange(wire, draft.method, keeps=False)

    async def _exchange(self, wire: bytes, method: str, *, keeps: bool) -> None:
        """Send and judge the answer. With `keeps` False the connection is given up afterwards."""
        if not keeps:
            self._close()
        try:
            reader, writer = await self._open()
            writer.write(wire)
            if not keeps and writer.can_write_eof():
                writer.write_eof()  # what is cut short will never be complete
            status, kept, body = await asyncio.wait_for(read_answer(reader, method), PATIENCE)
        except NoAnswerError:
            self._report.closed += 1
            self._close()
            return
        except TimeoutError:
            self._find("no answer", wire)
            self._close()
            return
        except (OSError, asyncio.IncompleteReadError, ValueError, asyncio.LimitOverrunError) as error:
            # Once the cloud hangs up on what is no HTTP, what comes after may be lost.
            if keeps:
                self._find(f"a broken answer: {error!r}", wire)
            self._close()
            return
        self._report.statuses[status] += 1
        if status in _OURS:
            self._find(f"{status} {body[:300]!r}", wire)
        if not kept or not keeps:
            self._close()


def prepare(port: int) -> None:
    """What the names of the drafts may mean, so that attacks reach past "not found"."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust_text = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = "arn:aws:iam::000000000000:role/alpha"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return event\n")
    key = {"AttributeName": "x", "KeyType": "HASH"}
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    resource = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}}
    stack = {"Resources": {"P": resource}}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("iam", "create_role", {"RoleName": "alpha", "AssumeRolePolicyDocument": trust_text}),
        ("iam", "create_user", {"UserName": "alpha"}),
        ("iam", "create_group", {"GroupName": "alpha"}),
        ("s3", "create_bucket", {"Bucket": "alpha"}),
        ("s3", "put_object", {"Bucket": "alpha", "Key": "alpha", "Body": b"alpha"}),
        ("dynamodb", "create_table", {
            "TableName": "alpha", "KeySchema": [key], "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "S"}],
            "StreamSpecification": stream,
        }),
        ("dynamodb", "put_item", {"TableName": "alpha", "Item": {"x": {"S": "alpha"}, "n": {"N": "1"}}}),
        ("ssm", "put_parameter", {"Name": "alpha", "Value": "v", "Type": "String"}),
        ("logs", "create_log_group", {"logGroupName": "alpha"}),
        ("logs", "create_log_stream", {"logGroupName": "alpha", "logStreamName": "alpha"}),
        ("lambda", "create_function", {
            "FunctionName": "alpha", "Runtime": "python3.12", "Role": role, "Handler": "app.handler",
            "Code": {"ZipFile": packed.getvalue()},
        }),
        ("lambda", "create_alias", {"FunctionName": "alpha", "Name": "beta", "FunctionVersion": "$LATEST"}),
        ("cloudformation", "create_stack", {"StackName": "alpha", "TemplateBody": json.dumps(stack)}),
        ("apigateway", "create_rest_api", {"name": "alpha"}),
    ]  # fmt: skip
    for service, operation, params in calls:
        with contextlib.suppress(ClientError):  # it is there still
            getattr(_client(service, port), operation)(**params)


@lru_cache(maxsize=32)
def _client(service: str, port: int) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service, endpoint_url=f"http://localhost:{port}", aws_access_key_id="test",
        aws_secret_access_key="test", region_name="us-east-1", config=Config(retries={"max_attempts": 0}),
    )  # fmt: skip


async def attack(
    port: int, pid: int, *, count: int, seed: int = 1, clients: int = 8, services: tuple[str, ...] = ()
) -> Report:
    """Send `count` requests and report. `pid` is the cloud's process, whose memory is watched.

    `services` are those whose operations are called, all there are unless given.
    """
    report = Report()
    begun = time.perf_counter()
    for number in range(ROUNDS):
        await asyncio.to_thread(prepare, port)
        attackers = [
            Attacker(port, seed + number * 1_000 + each, report, services) for each in range(clients)
        ]
        await asyncio.gather(*(each.run(count // ROUNDS // clients) for each in attackers))
        if number + 1 == WARM:
            report.memory_warm = resident(pid)
    report.memory_end = resident(pid)
    report.seconds = time.perf_counter() - begun
    return report


def failures(report: Report, log: str) -> list[str]:
    """What is wrong: findings, tracebacks in the cloud's log, memory."""
    found = list(report.findings)
    for trace in re.finditer("Traceback ", log):
        found.append("in the log: " + log[max(0, trace.start() - 200) : trace.start() + 3000])
    if report.grown > report.memory_warm * GROWTH:
        found.append(f"memory grew from {report.memory_warm} KiB to {report.memory_end} KiB")
    return found
