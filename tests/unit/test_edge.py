"""The HTTP server over real sockets."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edges import Client, Serving
from maycloud.edge.limits import Limits
from maycloud.edge.messages import BodyTooLargeError, FileBody, Reply, Request, Response
from maycloud.edge.server import Edge, PortTakenError
from waiting import PATIENCE, until

BIG = 24 << 20


class Application:
    """Answers by path; /held waits for `release`."""

    def __init__(self, file: Path | None = None) -> None:
        self.seen: list[Request] = []
        self.held: list[tuple[Request, Reply]] = []
        self.produced = 0
        self.consumed = 0
        self.closed = threading.Event()
        self.failed = threading.Event()
        self.gate = asyncio.Event()
        self.file = file

    def __call__(self, request: Request, reply: Reply) -> None:
        self.seen.append(request)
        name = request.path.strip("/").partition("/")[0]
        if name == "held":
            self.held.append((request, reply))
        elif name in ("echo", "gated", "short"):
            self._work = asyncio.ensure_future(self._read(request, reply, name))
        elif name == "later":
            asyncio.get_running_loop().call_later(0.05, reply, Response(200, [], b"later"))
        else:
            reply(self._at_once(name, request))

    def _at_once(self, name: str, request: Request) -> Response:
        file = self.file or Path("/nowhere")
        match name:
            case "broken":
                raise ValueError("no reply")
            case "status":
                return Response(int(request.query), [(b"content-length", b"3")], b"abc")
            case "headers":
                return Response(200, [(b"x-seen", repr(request.headers).encode())], b"")
            case "stream":
                return Response(200, [], self._pieces(int(request.query)))
            case "sized":
                promised, real = request.query.encode().split(b",")
                return Response(200, [(b"content-length", promised)], self._pieces(int(real)))
            case "file":
                return Response(200, [], FileBody(file, 5, file.stat().st_size - 5))
            case "cut":
                return Response(200, [], FileBody(file, 0, file.stat().st_size + 5))
            case "big":
                return Response(200, [], bytes(BIG))
            case "split":
                return Response(200, [(b"x-a", b"1\r\nset-cookie: evil"), (b"connection", b"close")], b"ok")
            case "wrong":
                return Response(200, [(b"Content-Length", b"99"), (b"transfer-encoding", b"x")], b"four")
        return Response(200, [(b"x-path", request.target.encode("latin-1"))], b"hello")

    async def _pieces(self, size: int) -> AsyncIterator[bytes]:
        try:
            while self.produced < size:
                piece = bytes(min(65536, size - self.produced))
                self.produced += len(piece)
                yield piece
        finally:
            self.closed.set()

    async def _read(self, request: Request, reply: Reply, name: str) -> None:
        if name == "gated":
            await self.gate.wait()
        body = request.body
        try:
            if isinstance(body, bytes):
                reply(Response(200, [(b"x-kind", b"whole")], body))
                return
            if name == "short":
                await body.read(10)
            async for chunk in body:
                self.consumed += len(chunk)
        except ConnectionError:
            self.failed.set()
            reply(Response(400, [], b"cut"))
        except BodyTooLargeError:
            reply(Response(413, [], b"too large"))
        else:
            reply(Response(200, [(b"x-kind", b"stream")], str(self.consumed).encode()))


@pytest.fixture
def application(tmp_path: Path) -> Application:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 40_000)
    return Application(file)


@pytest.fixture
def serving(application: Application) -> Iterator[Serving]:
    with Serving(application) as running:
        yield running


@pytest.fixture
def client(serving: Serving) -> Iterator[Client]:
    with serving.client() as client:
        yield client


def limited(**limits: Any) -> Serving:
    return Serving(Application(), Limits(**limits))


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    parts = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks,))
    return b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n" + trailer + b"\r\n"


POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"

# Answers in order


def test_keeps_the_connection(client: Client) -> None:
    for number in range(3):
        answer = client.get(f"/{number}?q=%20").answer()
        assert (answer.status, answer.body) == (200, b"hello")
        assert answer.headers["x-path"] == f"/{number}?q=%20"
        assert answer.headers["content-length"] == "5"
        assert "connection" not in answer.headers
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} gmt", answer.headers["date"])


def test_a_pipeline_is_answered_in_order(client: Client) -> None:
    client.get("/later").get("/quick").get("/later").get("/stream?3").get("/quick")
    assert [client.answer().body for _ in range(5)] == [b"later", b"hello", b"later", b"\0\0\0", b"hello"]


def test_a_long_pipeline_behind_a_slow_answer(client: Client) -> None:
    client.send(b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3000)
    assert client.answer().body == b"later"
    assert {client.answer().body for _ in range(3000)} == {b"hello"}


def test_the_pipeline_is_bounded(application: Application, serving: Serving) -> None:
    with serving.client() as client:
        client.get("/held")
        until(lambda: application.held)
        sent = 0
        client.socket.settimeout(1.0)
        request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Padding: %b\r\n\r\n" % (b"x" * 50_000)
        with contextlib.suppress(TimeoutError):
            while sent < 1000:
                client.send(request)
                sent += 1
        assert sent < 1000
        assert len(application.seen) == 1


def test_connection_close_is_honoured(client: Client) -> None:
    answer = client.get("/", "Connection: close").answer()
    assert answer.headers["connection"] == "close"
    assert client.is_closed()


def test_what_follows_connection_close_is_not_answered(application: Application, client: Client) -> None:
    client.get("/later", "Connection: close").get("/quick")
    assert client.answer().body == b"later"
    assert client.is_closed()
    assert len(application.seen) == 1


def test_a_half_closed_client_gets_all_its_answers(client: Client) -> None:
    client.get("/later").get("/one").get("/two")
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.answer().body for _ in range(3)] == [b"later", b"hello", b"hello"]
    assert client.is_closed()


def test_an_upgrade_is_answered_as_if_not_asked(client: Client) -> None:
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAA")
    client.get("/one", *upgrade).get("/two")
    assert [client.answer().headers["x-path"] for _ in range(2)] == ["/one", "/two"]
    head = POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    for data in (head + b"Content-Length: 2\r\n\r\nhi", head + chunked(b"h", b"i")):
        assert client.send(data).answer().body == b"hi"
        client.send(data[:-1])
        assert client.send(data[-1:]).answer().body == b"hi"
    answer = client.send(head + b"Content-Length: 2000000\r\n\r\n" + bytes(2_000_000)).answer()
    assert (answer.headers["x-kind"], answer.body) == ("stream", b"2000000")


def test_absolute_targets_lose_their_host(client: Client) -> None:
    client.send(b"GET http://b.example:99/x?y HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.answer().headers["x-path"] == "/x?y"
    client.send(b"GET http://b.example:99/headers HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.answer().headers["x-seen"] == "[(b'host', b'b.example:99')]"


def test_an_application_that_raises_is_answered_for(
    client: Client, application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/broken").get("/status?200")
    answer = client.answer()
    assert answer.status == 500
    assert b"no reply" not in answer.body
    assert client.is_closed()
    assert "GET /broken failed" in caplog.text
    assert len(application.seen) == 1


def test_blanks_around_a_value_are_not_of_it(client: Client) -> None:
    client.send(b"GET /headers HTTP/1.1\r\nHost: a \r\nX: \t one two\t \r\nEmpty: \t\r\n\r\n")
    assert client.answer().headers["x-seen"] == "[(b'host', b'a'), (b'x', b'one two'), (b'empty', b'')]"


# HTTP/1.0


def test_http_1_0_closes_and_is_never_chunked(client: Client) -> None:
    client.send(b"GET /stream?100000 HTTP/1.0\r\n\r\n")
    answer = client.answer()
    assert "transfer-encoding" not in answer.headers
    assert answer.headers["connection"] == "close"
    assert answer.body == bytes(100_000)


@pytest.mark.parametrize("keep", [b"", b"Connection: keep-alive\r\n"])
def test_http_1_0_plain(client: Client, keep: bytes) -> None:
    answer = client.send(b"GET / HTTP/1.0\r\n" + keep + b"\r\n").answer()
    assert (answer.body, answer.headers["connection"]) == (b"hello", "close")
    assert client.is_closed()


# Answers without bodies, and framing


@pytest.mark.parametrize("path", ["/", "/stream?9", "/file", "/status?200"])
def test_head_has_the_headers_alone(client: Client, path: str) -> None:
    expected = client.get(path).answer().headers
    answer = client.get(path, method="HEAD").answer("HEAD")
    expected.pop("date")
    answer.headers.pop("date")
    assert answer.headers == expected
    assert client.get("/").answer().body == b"hello"


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_bodies(client: Client, status: int) -> None:
    answer = client.get(f"/status?{status}").answer()
    assert answer.status == status
    assert not answer.headers.keys() & {"content-length", "transfer-encoding"}
    assert client.get("/").answer().body == b"hello"


def test_an_answers_own_framing_is_not_believed(client: Client) -> None:
    answer = client.get("/wrong").answer()
    assert (answer.headers["content-length"], answer.body) == ("4", b"four")
    assert "transfer-encoding" not in answer.headers
    assert client.get("/").answer().body == b"hello"


def test_an_answers_headers_cannot_add_lines(client: Client) -> None:
    answer = client.get("/split").answer()
    assert answer.headers["x-a"] == "1  set-cookie: evil"
    assert "set-cookie" not in answer.headers
    assert answer.body == b"ok"


# Request bodies


def test_bodies_arrive_whole_up_to_the_limit(client: Client) -> None:
    body = b"ab" * (1 << 19)
    answer = client.send(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body).answer()
    assert (answer.headers["x-kind"], answer.body) == ("whole", body)
    answer = client.send(POST + b"Content-Length: %d\r\n\r\n" % (len(body) + 1) + body + b"c").answer()
    assert (answer.headers["x-kind"], answer.body) == ("stream", b"%d" % (len(body) + 1))


def test_chunked_bodies(client: Client) -> None:
    assert client.send(POST + chunked(b"one", b"two" * 1000)).answer().body == b"one" + b"two" * 1000
    assert client.send(POST + chunked()).answer().body == b""
    answer = client.send(POST + chunked(*([bytes(100_000)] * 30))).answer()
    assert (answer.headers["x-kind"], answer.body) == ("stream", b"3000000")


def test_bodies_byte_by_byte(client: Client) -> None:
    for byte in POST + chunked(b"one", b"two"):
        client.send(bytes([byte]))
    assert client.answer().body == b"onetwo"


def test_trailers_do_not_become_headers(client: Client) -> None:
    data = chunked(b"x", trailer=b"X-Late: 1\r\n").replace(b"/echo", b"/headers")
    client.send(b"POST /headers HTTP/1.1\r\nHost: a\r\n" + data).get("/headers")
    for _ in range(2):
        answer = client.answer()
        assert answer.status == 200
        assert "x-late" not in answer.headers["x-seen"]


def test_a_large_body_waits_until_it_is_read(application: Application, serving: Serving) -> None:
    with serving.client() as client:
        client.send(b"PUT /gated HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BIG)
        client.socket.settimeout(1.0)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < BIG:
                sent += client.socket.send(bytes(65536))
        assert sent < BIG
        client.socket.settimeout(PATIENCE)
        serving.soon(application.gate.set)
        client.send(bytes(BIG - sent))
        assert client.answer().body == b"%d" % BIG
        assert client.get("/").answer().body == b"hello"


def test_an_unread_body_ends_the_connection_but_not_the_answer(client: Client) -> None:
    client.send(b"PUT /short HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BIG)
    client.send(bytes(BIG))
    answer = client.answer()
    assert (answer.status, answer.body, answer.headers["connection"]) == (413, b"too large", "close")
    assert client.is_closed()


def test_a_streamed_body_that_arrived_but_was_not_read(client: Client) -> None:
    body = bytes(1_500_000)
    client.send(b"PUT /later HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert client.answer().body == b"later"


def test_a_slow_answer_to_a_streamed_body_is_not_cut(application: Application) -> None:
    limits = Limits(body_time=0.2, idle_time=9, buffered=10)
    with Serving(application, limits) as serving, serving.client() as client:
        # At once, since the rest must come within the time that is short here.
        client.send(b"PUT /held HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n" + bytes(20))
        until(lambda: application.held)
        until(lambda: getattr(application.held[0][0].body, "finished", False))
        began = serving.loop.time()
        until(lambda: serving.edge.now > began + 0.6)
        serving.soon(application.held[0][1], Response(200, [], b"done"))
        assert client.answer().body == b"done"


# Expect


@pytest.mark.parametrize("size", [3, 2 << 20])
def test_continue_is_sent_before_the_body(client: Client, size: int) -> None:
    client.send(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size)
    assert client.answer().status == 100
    assert client.send(bytes(size)).answer().status == 200


def test_continue_is_sent_before_an_empty_body_too(client: Client) -> None:
    """Without it botocore takes the status line of this answer for that of the next."""
    client.send(POST + b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n")
    assert [client.answer().status, client.answer().status] == [100, 200]


def test_continue_comes_after_earlier_answers(client: Client) -> None:
    client.get("/later").send(POST + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
    assert client.answer().body == b"later"
    assert client.answer().status == 100
    assert client.send(b"abc").answer().body == b"abc"


def test_no_continue_when_the_answer_is_known(client: Client) -> None:
    client.send(b"PUT /short HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert client.is_closed()


def test_no_continue_for_http_1_0(client: Client) -> None:
    client.send(b"POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
    assert client.answer().body == b"abc"


# Long answers


def test_files(application: Application, client: Client) -> None:
    assert application.file is not None
    whole = application.file.read_bytes()
    assert client.get("/file").answer().body == whole[5:]
    assert client.get("/").answer().body == b"hello"


def test_a_file_that_shrank_breaks_off(client: Client) -> None:
    client.get("/cut")
    with pytest.raises((EOFError, ConnectionResetError)):
        client.answer()


@pytest.mark.parametrize("lengths", ["9,8", "9,10"])
def test_a_stream_of_another_length_than_promised_breaks_off(client: Client, lengths: str) -> None:
    client.get(f"/sized?{lengths}")
    with pytest.raises((EOFError, ConnectionResetError)):
        client.answer()


def test_a_stream_with_a_length(client: Client) -> None:
    answer = client.get("/sized?70000,70000").answer()
    assert (answer.body, "transfer-encoding" in answer.headers) == (bytes(70_000), False)


def test_a_stream_is_made_no_faster_than_taken(application: Application, serving: Serving) -> None:
    with serving.client(receive=65536) as client:
        client.get(f"/stream?{BIG}").head()
        until(lambda: application.produced > 65536)
        client.socket.settimeout(PATIENCE)
        assert application.produced < BIG
        client.reset()
        assert application.closed.wait(PATIENCE)  # and it is closed when the client leaves
        assert application.produced < BIG


def test_answers_to_a_pipeline_wait_to_be_taken(application: Application, serving: Serving) -> None:
    with serving.client(receive=65536) as client:
        client.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        client.head()
        assert len(application.seen) == 1
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client._exactly(BIG)
        assert [len(client.answer().body) for _ in range(5)] == [BIG] * 4 + [5]


# Clients that leave


def test_a_client_leaves_in_the_middle_of_its_body(application: Application, serving: Serving) -> None:
    with serving.client() as client:
        client.send(b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + bytes(1000))
        until(lambda: application.seen)
        client.reset()
        assert application.failed.wait(PATIENCE)
    until(lambda: not serving.edge.connections)


def test_a_half_closed_body_is_answered(client: Client) -> None:
    client.send(b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + bytes(1000))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer().body == b"cut"
    assert client.is_closed()


@pytest.mark.parametrize("part", [b"G", b"GET / HTTP/1.1\r\nHo", POST + b"Content-Length: 9\r\n\r\n123"])
def test_half_sent_requests_are_forgotten(application: Application, serving: Serving, part: bytes) -> None:
    with serving.client() as client:
        client.send(part)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    until(lambda: not serving.edge.connections)
    assert application.seen == []


def test_an_answer_to_a_client_that_left_is_dropped(application: Application, serving: Serving) -> None:
    with serving.client() as client:
        client.get("/held")
        until(lambda: application.held)
        client.reset()
    until(lambda: not serving.edge.connections)
    serving.soon(application.held[0][1], Response())
    with serving.client() as client:
        assert client.get("/").answer().body == b"hello"


# Not HTTP

HOST = b"GET / HTTP/1.1\r\nHost: a\r\n"
MALFORMED = {
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two equal lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "length and chunked": POST + b"Content-Length: 3\r\n" + chunked(b"a"),
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "chunked twice removed": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "huge length": POST + b"Content-Length: 99999999999999999999\r\n\r\nabc",
    "empty length": POST + b"Content-Length:\r\n\r\nabc",
    "chunk size not hex": POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
    "chunk size too large": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
    "chunk longer than said": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "chunk size negative": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n",
    "NUL in a header": HOST + b"X: a\0b\r\n\r\n",
    "NUL in a name": HOST + b"X\0: a\r\n\r\n",
    "NUL in the target": b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "space before the colon": HOST + b"X : a\r\n\r\n",
    "bare line feed": HOST + b"X: a\n\r\n\r\n",
    "bare carriage return": HOST + b"X: a\rY: b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": HOST + b"Host: b\r\n\r\n",
    "unknown method": b"FOO / HTTP/1.1\r\nHost: a\r\n\r\n",
    "garbage": b"\x01\x02\x03\r\n\r\n",
    "1.0 chunked": b"POST /echo HTTP/1.0\r\n" + chunked(b"a"),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_requests(serving: Serving, data: bytes) -> None:
    with serving.client() as client:
        answer = client.send(data).answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert client.is_closed()
    with serving.client() as client:  # and behind a good one that takes its time
        client.get("/later").send(data)
        assert client.answer().body == b"later"
        assert client.answer().status == 400
        assert client.is_closed()


@pytest.mark.parametrize("coding", ["xchunked", "gzip, chunked", "chunked\r\nTransfer-Encoding: chunked"])
def test_other_transfer_codings_are_not_passed_on_unread(client: Client, coding: str) -> None:
    """RFC 9112, 6.1."""
    client.send(POST + f"Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n".encode())
    assert client.answer().status in (400, 501)
    assert client.is_closed()


def test_a_malformed_end_of_a_streamed_body(application: Application, client: Client) -> None:
    client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n1e8480\r\n" + bytes(2_000_000) + b"\r\nxx\r\n")
    assert client.answer().body == b"cut"
    assert application.failed.wait(PATIENCE)


def test_other_versions_and_tunnels(serving: Serving) -> None:
    for data in (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", b"GET /\r\n\r\n"):
        with serving.client() as client:
            assert client.send(data).answer().status in (400, 505)
            assert client.is_closed()
    with serving.client() as client:
        assert client.send(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").answer().status == 405
        assert client.is_closed()


# Limits


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (HOST + b"X: " + b"x" * 3000 + b"\r\n\r\n", 431),
        (HOST + b"X: " + b"x" * 3000, 431),  # a header without an end
        (HOST + b"Y: " + b"x" * 300 + b"\r\n" + b"X: 1\r\n" * 9 + b"\r\n", 431),
        (POST + chunked(b"a", trailer=b"X: " + b"x" * 3000), 431),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 3000, 431),
    ],
)
def test_head_limits(data: bytes, status: int) -> None:
    with limited(head=2048, headers=10) as serving, serving.client() as client:
        client.send(data[:80])
        # Read by itself, for what comes with the end of a head or chunk counts from the next reading on.
        until(lambda: any(each._arrived or each._headed for each in serving.edge.connections))
        assert client.send(data[80:]).answer().status == status
        assert client.is_closed()


def test_just_within_the_limits() -> None:
    with limited(head=2048, headers=10) as serving, serving.client() as client:
        client.send(HOST + b"X: 1\r\n" * 9 + b"\r\n").send(HOST + b"X: " + b"x" * 1900 + b"\r\n\r\n")
        assert [client.answer().status for _ in range(2)] == [200, 200]
        body = bytes(5000)
        assert client.send(POST + chunked(body, body)).answer().body == body + body


def drip(client: Client, data: bytes) -> bytes:
    """Send byte by byte, a tenth of a second each, until the server hangs up; gives its answer."""
    client.socket.settimeout(0.1)
    for byte in data:
        try:
            client.send(bytes([byte]))
            client._more()
        except TimeoutError:
            continue
        except (EOFError, ConnectionError):
            return client._read
    raise AssertionError("the server waited for all of it")


def test_a_head_must_be_quick_as_a_whole() -> None:
    with limited(head_time=0.4) as serving, serving.client() as client:
        assert drip(client, HOST * 5).startswith(b"HTTP/1.1 408 ")
    with limited(head_time=0.4) as serving, serving.client() as client:
        client.get("/").answer()
        assert drip(client, HOST * 5).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("size", [9, 2 << 20])
def test_a_body_must_keep_coming(size: int) -> None:
    with limited(body_time=0.3) as serving, serving.client() as client:
        client.send(POST + b"Content-Length: %d\r\n\r\nabc" % size)
        read = client.rest()
        assert read.startswith(b"HTTP/1.1 408 " if size == 9 else b"")


@pytest.mark.parametrize("limits", [{"idle_time": 0.2}, {"head_time": 0.2}])
def test_idle_connections_are_closed(limits: dict[str, float]) -> None:
    with limited(**limits) as serving, serving.client() as client:
        if "idle_time" in limits:
            client.get("/").answer()
        assert client.is_closed()
        until(lambda: not serving.edge.connections)


@pytest.mark.parametrize("path", ["/big", f"/stream?{BIG}"])
def test_a_client_that_takes_nothing_is_left(path: str) -> None:
    with limited(write_time=0.3) as serving, serving.client(receive=65536) as client:
        client.get(path)
        until(lambda: serving.edge.connections)
        until(lambda: not serving.edge.connections)


def test_a_client_that_takes_its_time_is_served() -> None:
    with limited(write_time=0.4) as serving, serving.client(receive=65536) as client:
        client.get("/big").head()
        left = BIG
        while left:
            left -= len(client._exactly(min(left, 1 << 20)))
            began = serving.loop.time()
            until(lambda at=began: serving.edge.now > at + 0.05)
        assert client.get("/").answer().body == b"hello"


def test_the_number_of_connections_is_bounded() -> None:
    with limited(connections=2) as serving, serving.client() as one, serving.client() as two:
        assert one.get("/").answer().status == two.get("/").answer().status == 200
        with serving.client() as three:
            assert three.is_closed()
        one.socket.close()
        until(lambda: len(serving.edge.connections) == 1)
        with serving.client() as three:
            assert three.get("/").answer().status == 200


# Start and stop


def test_a_taken_port(serving: Serving) -> None:
    other = Edge(Application(), host="127.0.0.1", port=serving.port)
    with pytest.raises(PortTakenError):
        serving.run(other.start())


def test_stopping_lets_running_requests_finish(application: Application, serving: Serving) -> None:
    with serving.client() as busy, serving.client() as idle, serving.client() as silent:
        assert idle.get("/").answer().status == 200
        busy.get("/held").get("/next")
        until(lambda: application.held)
        stopped = serving.begin_stop(grace=PATIENCE)
        assert idle.is_closed()
        assert silent.is_closed()
        with pytest.raises(ConnectionRefusedError):
            serving.client()
        assert not stopped.done()
        serving.soon(application.held[0][1], Response(200, [], b"done"))
        first, second = busy.answer(), busy.answer()
        assert (first.body, "connection" in first.headers) == (b"done", False)
        assert (second.body, second.headers["connection"]) == (b"hello", "close")
        assert busy.is_closed()
        assert stopped.result(PATIENCE) is None


def test_stopping_waits_no_longer_than_its_grace(application: Application, serving: Serving) -> None:
    with serving.client() as busy, serving.client(receive=65536) as slow:
        busy.get("/held")
        slow.get("/big").head()
        until(lambda: application.held)
        serving.stop(grace=0.1)
        assert busy.is_closed()
        assert serving.edge.connections == set()


# Anything at all

PIECES = st.sampled_from(
    [b"GET / HTTP/1.1\r\n", b"POST /echo HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n", b"Content-Length: 5\r\n",
     b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n",
     b"5\r\nabcde\r\n",
     b"0\r\n\r\n", b"abcde", b"Upgrade: h2c\r\n", b"Connection: upgrade\r\n", b"GET /later HTTP/1.0\r\n",
     b"GET /stream?70000 HTTP/1.1\r\n", b"HEAD /stream?5 HTTP/1.1\r\n", b"Content-Length: 2000000\r\n"]
)  # fmt: skip


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Serving]:
    with Serving(Application(), Limits(linger_time=0.5)) as running:
        yield running


@settings(max_examples=300)
@given(data=st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=14).map(b"".join))
def test_no_bytes_stop_it(fuzzed: Serving, data: bytes) -> None:
    with fuzzed.client() as client:
        try:
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)
            read = client.rest()
            assert read == b"" or read.startswith(b"HTTP/1.1 ")
        except ConnectionError:
            pass
    with fuzzed.client() as client:
        assert client.get("/").answer().body == b"hello"
    assert fuzzed.errors == []
