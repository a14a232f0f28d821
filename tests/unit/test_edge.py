"""The edge over raw sockets: framing, order, limits, TLS, shutdown."""

import asyncio
import os
import ssl
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maycloud.edge.certificates import Authority
from maycloud.edge.connection import Limits
from maycloud.edge.messages import Application, FileBody, Reply, Request, Response
from maycloud.edge.router import parse_host
from maycloud.edge.server import Edge, PortTakenError

TYPE = (b"content-type", b"text/plain")


def echo(request: Request, reply: Reply) -> None:
    """Tells what it was asked; the body may still be arriving."""

    async def answer() -> None:
        try:
            body = request.body if isinstance(request.body, bytes) else await request.body.read(64 << 20)
        except ConnectionError:
            body = b"broken off"
        told = f"{request.method} {request.target} {len(body)} {request.secure} ".encode()
        reply(Response(200, [TYPE], told + body[:50]))

    asyncio.get_running_loop().create_task(answer())


@asynccontextmanager
async def serving(
    application: Application = echo, limits: Limits | None = None, authority: Authority | None = None
) -> AsyncIterator[tuple[Edge, int]]:
    edge = Edge(application, host="127.0.0.1", port=0, tls=authority, limits=limits)
    port = await edge.start()
    try:
        yield edge, port
    finally:
        await edge.stop(grace=1.0)


async def talk(port: int, *sent: bytes, end: bool = False) -> bytes:
    """Send, then read until the edge closes or says nothing more for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in sent:
        writer.write(part)
        await writer.drain()
    if end:
        writer.write_eof()
    found = b""
    try:
        while data := await asyncio.wait_for(reader.read(1 << 16), 0.5):
            found += data
    except (TimeoutError, ConnectionResetError):
        pass
    writer.close()
    return found


async def all_gone(edge: Edge) -> None:
    """Wait until the edge has no connection any more."""
    for _ in range(500):
        if not edge.connections:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{len(edge.connections)} connections are left")


def bodies(raw: bytes) -> list[bytes]:
    """The bodies of answers with Content-Length."""
    found = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        found.append(rest[:length])
        raw = rest[length:]
    return found


GET = b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_connections_are_kept_and_pipelines_answered_in_order() -> None:
    def slow_first(request: Request, reply: Reply) -> None:
        delay = 0.05 if request.target == "/1" else 0.0
        answer = Response(200, [TYPE], request.target.encode())
        asyncio.get_running_loop().call_later(delay, reply, answer)

    async with serving(slow_first) as (_, port):
        found = await talk(port, b"".join(GET % name for name in (b"1", b"2", b"3")))
    assert bodies(found) == [b"/1", b"/2", b"/3"]


async def test_bodies_come_by_length_and_in_chunks() -> None:
    chunked = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving() as (_, port):
        found = await talk(
            port,
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe", b"llo",
            chunked, b"3\r\nabc\r\n", b"2;x=y\r\nde\r\n0\r\n", b"Trailer: t\r\n\r\n",
        )  # fmt: skip
    assert bodies(found) == [b"POST /a 5 False hello", b"POST /c 5 False abcde"]


async def test_large_bodies_arrive_whole() -> None:
    body = os.urandom(1 << 20) * 5
    async with serving() as (_, port):
        found = await talk(
            port, b"PUT /l HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body), body
        )
    assert bodies(found)[0].startswith(b"PUT /l 5242880 False ")


async def test_expect_100_continue() -> None:
    head = b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n"
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(bytes(2_000_000))
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_bodies(status: int) -> None:
    def answer(_request: Request, reply: Reply) -> None:
        reply(Response(status, [], b"never sent"))

    async with serving(answer) as (_, port):
        found = await talk(port, GET % b"", GET % b"")
    assert b"never sent" not in found
    assert found.count(b"HTTP/1.1 ") == 2


async def test_head_has_the_length_and_no_body() -> None:
    async with serving() as (_, port):
        found = await talk(port, b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n", GET % b"after")
    assert found.count(b"HTTP/1.1 200") == 2
    assert b"HEAD /h" not in found
    assert b"GET /after" in found


async def test_files_and_iterators_are_sent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 8000)

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"piece %d\n" % number

    def answer(request: Request, reply: Reply) -> None:
        body = FileBody(file, 256, 1_000_000) if request.target == "/file" else pieces()
        reply(Response(200, [TYPE], body))

    async with serving(answer) as (_, port):
        found = await talk(port, GET % b"file", GET % b"pieces")
    head, _, rest = found.partition(b"\r\n\r\n")
    assert b"content-length: 1000000" in head
    assert rest[:1_000_000] == file.read_bytes()[256 : 256 + 1_000_000]
    assert b"transfer-encoding: chunked" in rest[1_000_000:]
    assert rest.endswith(b"8\r\npiece 0\n\r\n8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n0\r\n\r\n")


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + SMUGGLED,
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nhello",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nName: a\x00b\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
async def test_malformed_requests_are_refused_and_closed(raw: bytes) -> None:
    async with serving() as (edge, port):
        found = await talk(port, raw)
        assert found.startswith(b"HTTP/1.1 400"), found
        assert b"connection: close" in found
        assert b"/smuggled" not in found
        assert (await talk(port, GET % b"next")).startswith(b"HTTP/1.1 200")
        await all_gone(edge)


async def test_heads_are_bounded() -> None:
    async with serving() as (_, port):
        long = await talk(port, b"GET / HTTP/1.1\r\nHost: x\r\nName: " + b"x" * 70_000 + b"\r\n\r\n")
        many = await talk(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 300 + b"\r\n")
    assert long[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400")
    assert many[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400")


async def test_slow_clients_are_let_go() -> None:
    quick = Limits(head_time=0.2, body_time=0.2, idle_time=0.2)
    async with serving(limits=quick) as (edge, port):
        for sent in (b"GET / HTT", b"", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            rest = await asyncio.wait_for(reader.read(), 10)
            assert b"200 OK" not in rest or b"broken off" in rest
            writer.close()
        await all_gone(edge)


async def test_a_client_that_leaves_is_forgotten() -> None:
    async with serving() as (edge, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nabc")
        await writer.drain()
        writer.transport.abort()
        await all_gone(edge)
        assert (await talk(port, GET % b"next")).startswith(b"HTTP/1.1 200")


async def test_shutdown_lets_a_running_request_end() -> None:
    begun = asyncio.Event()
    replies: list[Callable[[Response], None]] = []

    def hold(_request: Request, reply: Reply) -> None:
        replies.append(reply)
        begun.set()

    edge = Edge(hold, host="127.0.0.1", port=0)
    port = await edge.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET % b"")
    await begun.wait()
    stopping = asyncio.get_running_loop().create_task(edge.stop(grace=5.0))
    await asyncio.sleep(0)
    replies[0](Response(200, [TYPE], b"done"))
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"done")
    await stopping
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_taken_port() -> None:
    async with serving() as (_, port):
        with pytest.raises(PortTakenError):
            await Edge(echo, host="127.0.0.1", port=port).start()


# TLS


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    made.ensure()
    return made


@pytest.mark.parametrize(
    "name", ["localhost", "abc.execute-api.us-east-1.localhost", "x.s3.eu-west-1.localhost"]
)
async def test_tls_on_the_same_port(authority: Authority, tmp_path: Path, name: str) -> None:
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    async with serving(authority=authority) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
        writer.write(GET % b"tls")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        body = await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
        writer.close()
        assert body == b"GET /tls 0 True "
        assert (await talk(port, GET % b"plain")).endswith(b"GET /plain 0 False ")


async def test_strangers_do_not_trust_it(authority: Authority) -> None:
    async with serving(authority=authority) as (_, port):
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection(
                "127.0.0.1", port, ssl=ssl.create_default_context(), server_hostname="localhost"
            )
        garbage = await talk(port, b"\x16\x03\x01" + b"\xff" * 300)
        assert b"200" not in garbage
        assert (await talk(port, GET % b"next")).startswith(b"HTTP/1.1 200")


def test_keys_are_their_owners_alone(authority: Authority, tmp_path: Path) -> None:
    assert authority is not None
    for path in tmp_path.rglob("*key*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


# Anything at all


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    raw=st.one_of(
        st.binary(max_size=300), st.binary(max_size=80).map(lambda tail: b"GET / HTTP/1.1\r\n" + tail)
    )
)
def test_the_edge_outlives_anything(raw: bytes) -> None:
    async def run() -> None:
        async with serving() as (edge, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            writer.write_eof()
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET % b"alive")
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200")
            writer.close()
            assert len(edge.connections) <= 2

    asyncio.run(run())


@pytest.mark.parametrize(
    ("host", "kind", "identifier", "region", "bucket"),
    [
        (b"abc.execute-api.us-east-1.localhost:4566", "execute-api", "abc", "us-east-1", None),
        (b"ABC.Execute-API.eu-west-1.amazonaws.com.", "execute-api", "abc", "eu-west-1", None),
        (b"photos.s3.us-east-1.localhost", "api", "", "us-east-1", "photos"),
        (b"a.b.s3.localhost:4566", "api", "", "", "a.b"),
        (b"s3.us-east-1.amazonaws.com", "api", "", "us-east-1", None),
        (b"dynamodb.us-east-1.amazonaws.com", "api", "", "us-east-1", None),
        (b"localhost:4566", "api", "", "", None),
        (b"[::1]:4566", "api", "", "", None),
        (b"", "api", "", "", None),
    ],
)
def test_hosts(host: bytes, kind: str, identifier: str, region: str, bucket: str | None) -> None:
    found = parse_host(host)
    assert (found.kind, found.id, found.region, found.bucket) == (kind, identifier, region, bucket)
