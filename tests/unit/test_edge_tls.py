"""TLS on the same port as HTTP, with certificates of the cloud's own authority."""

import contextlib
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from edges import Client, Serving
from maycloud.edge.certificates import Authority
from maycloud.edge.limits import Limits
from maycloud.edge.messages import Reply, Request, Response
from waiting import until

# After a handshake that failed, a socket may be left for the collector, which warns in a later test.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def application(request: Request, reply: Reply) -> None:
    body = request.body if isinstance(request.body, bytes) and request.body else b"%d" % request.secure
    reply(Response(200, [], bytes(3 << 20) if request.path == "/big" else body))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    made.ensure()
    return made


@pytest.fixture
def serving(authority: Authority) -> Iterator[Serving]:
    with Serving(application, Limits(linger_time=0.4), authority) as running:
        yield running


@pytest.fixture
def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.certificate))


NAMES = ["localhost", "127.0.0.1", "abc.execute-api.us-east-1.localhost", "My-Bucket.S3.Amazonaws.com"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_verified(serving: Serving, trusting: ssl.SSLContext, name: str) -> None:
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    with serving.client(context=trusting, name=name) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.selected_alpn_protocol() == "http/1.1"
        for _ in range(2):
            assert client.get("/").answer().body == b"1"


def test_plain_and_tls_side_by_side(serving: Serving, trusting: ssl.SSLContext) -> None:
    with serving.client() as plain, serving.client(context=trusting) as secure:
        for _ in range(2):
            assert (plain.get("/").answer().body, secure.get("/").answer().body) == (b"0", b"1")


def test_long_names(serving: Serving, trusting: ssl.SSLContext) -> None:
    name = ".".join(["a" * 60] * 4) + ".local"
    with serving.client(context=trusting, name=name) as client:
        assert client.get("/").answer().body == b"1"


def test_strangers_do_not_trust_it(serving: Serving) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        serving.client(context=ssl.create_default_context())


def test_large_answers_and_bodies(serving: Serving, trusting: ssl.SSLContext) -> None:
    with serving.client(context=trusting) as client:
        assert len(client.get("/big").answer().body) == 3 << 20
        body = os.urandom(900_000)
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + body)
        assert client.answer().body == body


def test_a_bad_request_is_answered_and_closed(serving: Serving, trusting: ssl.SSLContext) -> None:
    with serving.client(context=trusting) as client:
        answer = client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX\0: 1\r\n\r\n").answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert client.is_closed()


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x00\x05hello", b"\x16" * 500, b"\x16\x03\x01\xff\xff" * 99]
)
def test_garbage(serving: Serving, trusting: ssl.SSLContext, garbage: bytes) -> None:
    with serving.client() as client:
        client.send(garbage)
        client.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in client.rest()
    with serving.client(context=trusting) as client:
        assert client.get("/").answer().body == b"1"
    until(lambda: not serving.edge._tasks)


def test_old_versions_are_refused(serving: Serving, trusting: ssl.SSLContext) -> None:
    assert serving.edge._tls is not None
    assert serving.edge._tls.context().minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        trusting.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        trusting.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        serving.client(context=trusting)


def test_without_a_certificate_tls_is_hung_up_on() -> None:
    with Serving(application) as serving, serving.client() as client:
        assert client.send(b"\x16\x03\x01\x00\x05hello").is_closed()


def test_stopping_in_a_handshake(serving: Serving) -> None:
    with serving.client() as client:
        client.send(b"\x16\x03\x01")
        until(lambda: serving.edge._tasks)
        serving.stop(grace=0.1)
        assert client.is_closed()
    assert not serving.edge._tasks


# The files


def test_keys_are_their_owners_alone(
    serving: Serving, authority: Authority, trusting: ssl.SSLContext
) -> None:
    with Client(serving.port, context=trusting, name="x.example"):
        folder = authority.certificate.parent
    private = [folder / "ca.key", *(folder / "certificates").iterdir()]
    assert {path.name for path in private} == {"ca.key", "localhost.pem", "x.example.pem"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE((folder / "certificates").stat().st_mode) == 0o700


def test_a_key_is_not_written_into_an_open_file(tmp_path: Path) -> None:
    left = tmp_path / "ca.key.tmp"
    left.write_bytes(b"")
    left.chmod(0o644)
    Authority(tmp_path).ensure()
    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600


def test_the_authority_stays(tmp_path: Path) -> None:
    first = Authority(tmp_path)
    first.ensure()
    before = first.certificate.read_bytes()
    first.context()
    leaf = (tmp_path / "certificates" / "localhost.pem").read_bytes()
    second = Authority(tmp_path)
    second.ensure()
    second.context()
    assert second.certificate.read_bytes() == before
    assert (tmp_path / "certificates" / "localhost.pem").read_bytes() == leaf


def test_leaves_follow_a_new_authority_and_are_mended(tmp_path: Path) -> None:
    Authority(tmp_path).context()
    path = tmp_path / "certificates" / "localhost.pem"
    (tmp_path / "ca.pem").unlink()
    Authority(tmp_path).context()
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    assert x509.load_pem_x509_certificate(path.read_bytes()).issuer == authority.subject
    path.write_bytes(b"not a certificate")
    Authority(tmp_path).context()
    assert x509.load_pem_x509_certificate(path.read_bytes()).issuer == authority.subject
