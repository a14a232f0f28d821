"""DAX's GetItem from its cache against DynamoDB's own, with as many connections.

The generator speaks DAX's protocol itself and, like `bench.load`, runs in a process of its own: AWS's client
needs several times as long for a request as the server does.
"""

import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
import time
from typing import cast

import uvloop

from bench import servers
from bench.load import ROOT, Load, load, signed_request
from bench.measuring import ROUNDS, Bench, client
from bench.report import Section, Table
from maycloud.access.sigv4 import signing_key
from maycloud.services.dax import cbor, framing

TABLE, ITEMS = "bench-dax", 100
_GREETING = b"\x67J7yne5G\x00\xf6\xa1\x69UserAgent\x65bench\x00"


def run(bench: Bench) -> Section:
    with servers.cloud() as (url, _):
        prepare(url)
        rounds = [measure(url, bench.seconds) for _ in range(ROUNDS)]
    rows: Table = [["what", "answers a second", "p50 ms", "p99 ms"]]
    for what in rounds[0]:
        found = max((each[what] for each in rounds), key=lambda load: load.rate)
        bench.say(f"{what}: {found.rate:,.0f}/s")
        rows.append([what, f"{found.rate:,.0f}", f"{found.p50:.3f}", f"{found.p99:.3f}"])
    return Section("DAX", rows, "16 connections; items of 100 bytes; the same table behind both.")


def measure(url: str, seconds: float, connections: int = 16) -> dict[str, Load]:
    """One round of each against the cloud at `url`, which `prepare` has prepared."""
    dax = client(url, "dax").describe_clusters(ClusterNames=["bench"])["Clusters"][0]
    endpoint = dax["ClusterDiscoveryEndpoint"]
    body = [
        json.dumps({"TableName": TABLE, "Key": {"pk": {"S": f"item-{n}"}}}).encode() for n in range(ITEMS)
    ]
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"}
    direct = [signed_request(f"{url}/", "dynamodb", each, headers) for each in body]
    return {
        "DAX GetItem, cached": _load(endpoint["Address"], endpoint["Port"], seconds, connections),
        "DynamoDB GetItem": load(f"{url}/", direct, connections, seconds),
    }


def prepare(url: str) -> None:
    """A table with items and a cluster, cached once around."""
    iam, dax, dynamodb = (client(url, name) for name in ("iam", "dax", "dynamodb"))
    trust = {"Effect": "Allow", "Principal": {"Service": "dax.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    role = iam.create_role(RoleName="bench-dax", AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="bench-dax", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    for number in range(ITEMS):
        item = {"pk": {"S": f"item-{number}"}, "title": {"S": "x" * 80}, "n": {"N": str(number)}}
        dynamodb.put_item(TableName=TABLE, Item=item)
    dax.create_cluster(ClusterName="bench", NodeType="dax.r5.large", ReplicationFactor=1, IamRoleArn=role)
    while dax.describe_clusters(ClusterNames=["bench"])["Clusters"][0]["Status"] != "available":
        time.sleep(0.02)


def _load(host: str, port: int, seconds: float, connections: int) -> Load:
    ran = subprocess.run(
        [sys.executable, "-m", "bench.dax", host, str(port), str(seconds), str(connections)],
        text=True, capture_output=True, check=True, cwd=ROOT,
    )  # fmt: skip
    found = Load(**json.loads(ran.stdout))
    if found.failed:
        raise RuntimeError(f"{found.failed} of DAX's answers failed")
    return found


# The generator


def _request(method: int, *arguments: bytes | str | None) -> bytes:
    out = bytearray()
    cbor.integer(out, framing.SERVICE)
    cbor.integer(out, method)
    for argument in arguments:
        if argument is None:
            cbor.null(out)
        elif isinstance(argument, str):
            cbor.text(out, argument)
        else:
            cbor.blob(out, argument)
    return bytes(out)


def _authorization() -> bytes:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    empty = hashlib.sha256(b"").hexdigest()
    canonical = f"POST\n/\n\nhost:dax.amazonaws.com\nx-amz-date:{moment}\n\nhost;x-amz-date\n{empty}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signed = f"AWS4-HMAC-SHA256\n{moment}\n{moment[:8]}/us-east-1/dax/aws4_request\n{digest}".encode()
    key = signing_key("test", moment[:8], "us-east-1", "dax")
    return _request(framing.AUTHORIZE, "test", hmac.digest(key, signed, "sha256").hex(), signed, None, None)


class _Connection(asyncio.Protocol):
    """Sends one GetItem after the other. An answer is short enough to come in one piece."""

    def __init__(self, first: int, latencies: list[float]) -> None:
        self._number = first
        self._latencies = latencies
        self._sent = 0.0
        self.failed = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(_GREETING + _authorization())
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._number = (self._number + 1) % ITEMS
        self._sent = time.perf_counter()
        self._transport.write(
            _request(framing.GET_ITEM, TABLE.encode(), f"item-{self._number}".encode(), None)
        )

    def data_received(self, data: bytes) -> None:
        self._latencies.append(time.perf_counter() - self._sent)
        # 0x80 is success, 0xA1 a map of one member: the item.
        if data[:2] != b"\x80\xa1":
            self.failed += 1
        self._send()


async def _run(host: str, port: int, seconds: float, connections: int) -> Load:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    clients: list[_Connection] = []
    for number in range(connections):
        client = _Connection(number * ITEMS // connections, latencies)
        await loop.create_connection(lambda client=client: client, host, port)
        clients.append(client)
    await asyncio.sleep(seconds * 0.15)
    latencies.clear()
    begun = time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - begun
    measured = sorted(latencies)
    failed = sum(client.failed for client in clients)
    p50, p99 = (measured[int(len(measured) * share)] * 1000 for share in (0.5, 0.99))
    return Load(len(measured) / took, p50, p99, failed)


def main() -> None:
    host, port, seconds, connections = sys.argv[1:]
    found = uvloop.run(_run(host, int(port), float(seconds), int(connections)))
    json.dump({"rate": found.rate, "p50": found.p50, "p99": found.p99, "failed": found.failed}, sys.stdout)


if __name__ == "__main__":
    main()
