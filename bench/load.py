"""A light load generator: keep-alive connections that send prepared requests, one after another each.

It runs in a process of its own (`python -m bench.load`), so that the server has the other core. Where it
would be the limit, with large answers and over TLS, `wrk` sends the same requests from C.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Load:
    """What a round came to: answers a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float
    failed: int


class Client(asyncio.Protocol):
    """One connection. Answers must have Content-Length; anything but 2xx counts as failed."""

    def __init__(
        self, address: tuple[str, int], requests: list[bytes], first: int, latencies: list[float]
    ) -> None:
        self._address = address
        self._requests = requests
        self._at = first
        self._latencies = latencies
        self._buffer = b""
        self._sent = 0.0
        self.failed = 0
        self.stopped = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        request = self._requests[self._at % len(self._requests)]
        self._at += 1
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = data
            return
        head = data[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(data) < end + 4 + length:
            self._buffer = data
            return
        self._buffer = b""
        self._latencies.append(time.perf_counter() - self._sent)
        if head[9:10] != b"2":
            self.failed += 1
        if not self.stopped and b"connection: close" not in head and head[:8] != b"http/1.0":
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Servers that close after each answer are connected to anew."""
        if not self.stopped:
            self.failed += bool(self._buffer)
            self._buffer = b""
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, *self._address)
        except OSError:
            self.failed += 1


async def _run(host: str, port: int, requests: list[bytes], connections: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    clients = []
    for number in range(connections):
        client = Client((host, port), requests, number * len(requests) // connections, latencies)
        await loop.create_connection(lambda client=client: client, host, port)
        clients.append(client)
    await asyncio.sleep(seconds * 0.15)  # warming up
    latencies.clear()
    begun = time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - begun
    count = len(latencies)
    measured = sorted(latencies[:count])
    for client in clients:
        client.stopped = True
    if not measured:
        return Load(0.0, 0.0, 0.0, sum(client.failed for client in clients))
    return Load(
        count / took,
        measured[len(measured) // 2] * 1000,
        measured[int(len(measured) * 0.99)] * 1000,
        sum(client.failed for client in clients),
    )


def load(url: str, requests: list[bytes], connections: int = 16, seconds: float = 2.0) -> Load:
    """One round against a server, from a process of its own. Failed answers raise."""
    parts = urlsplit(url)
    wanted = {
        "host": parts.hostname, "port": parts.port, "connections": connections, "seconds": seconds,
        "requests": [request.decode("latin-1") for request in requests],
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=json.dumps(wanted), text=True, capture_output=True,
        check=True, cwd=ROOT,
    )  # fmt: skip
    found = Load(**json.loads(ran.stdout))
    if found.failed:
        raise RuntimeError(f"{found.failed} of the answers of {url} failed")
    return found


def wrk(url: str, requests: list[bytes], connections: int = 16, seconds: float = 2.0) -> Load:
    """The same by `wrk`, which also speaks TLS; by `load` where it is not installed, unless TLS is needed."""
    if shutil.which("wrk") is None:
        if url.startswith("https:"):
            raise RuntimeError("needs wrk, of the package of that name")
        return load(url, requests, connections, seconds)
    with tempfile.NamedTemporaryFile() as file:
        for request in requests:
            file.write(b"%d\n%b" % (len(request), request))
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s",
                   str(ROOT / "bench" / "wrk.lua"), url, "--", file.name]  # fmt: skip
        ran = subprocess.run(command, text=True, capture_output=True, check=True)
    found = Load(**json.loads(ran.stdout.splitlines()[-1]))
    if found.failed:
        raise RuntimeError(f"{found.failed} of the answers of {url} failed")
    return found


def http_request(method: str, url: str, headers: dict[str, str], body: bytes) -> bytes:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "host"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def signed_request(
    url: str, service: str, body: bytes, headers: dict[str, str], method: str = "POST", key: str = "test"
) -> bytes:
    """A request signed as botocore signs it, ready to be sent many times within five minutes."""
    return http_request(method, url, signed_headers(url, service, body, headers, method, key), body)


def signed_headers(
    url: str,
    service: str,
    body: bytes | None,
    headers: dict[str, str],
    method: str = "POST",
    key: str = "test",
) -> dict[str, str]:
    """The headers alone, by a key that is its own secret.

    S3's say UNSIGNED-PAYLOAD of a body that is None, as SDKs say over HTTPS.
    """
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    class Unsigned(S3SigV4Auth):
        def payload(self, request: AWSRequest) -> str:
            return "UNSIGNED-PAYLOAD"

    request = AWSRequest(method, url, data=body or b"", headers={**headers, "host": urlsplit(url).netloc})
    signer = SigV4Auth if service != "s3" else S3SigV4Auth if body is not None else Unsigned
    signer(Credentials(key, key), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    wanted = json.load(sys.stdin)
    requests = [request.encode("latin-1") for request in wanted["requests"]]
    found = uvloop.run(
        _run(wanted["host"], wanted["port"], requests, wanted["connections"], wanted["seconds"])
    )
    json.dump({"rate": found.rate, "p50": found.p50, "p99": found.p99, "failed": found.failed}, sys.stdout)


if __name__ == "__main__":
    main()
