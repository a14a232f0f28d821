"""Responses as bytes: status lines made once, the Date header once a second."""

import time
from email.utils import formatdate
from http import HTTPStatus

from maycloud.edge.messages import RawHeaders

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_STATUS = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, 'Unknown')}\r\n".encode() for status in range(100, 600)
}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BODYLESS = frozenset({204, 304})


class Dates:
    """The value of the Date header, made anew when the second changes."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._line = b"date: " + formatdate(now, usegmt=True).encode() + b"\r\n"
        return self._line


def has_body(status: int, method: str) -> bool:
    return method != "HEAD" and status not in _BODYLESS and status >= 200


def head(status: int, headers: RawHeaders, date: bytes, length: int | None, close: bool) -> bytes:
    """Status line and headers. `length` None means chunked, unless the headers carry a length."""
    parts = [_STATUS[status], date]
    framed = False
    for name, value in headers:
        if name == b"content-length":
            framed = True
        parts += (name, b": ", value, b"\r\n")
    if not framed and status not in _BODYLESS:
        if length is None:
            parts.append(b"transfer-encoding: chunked\r\n")
        else:
            parts.append(b"content-length: %d\r\n" % length)
    parts.append(b"connection: close\r\n\r\n" if close else b"\r\n")
    return b"".join(parts)


def plain(status: int, message: str) -> bytes:
    """A whole answer to what is not HTTP, after which the connection closes."""
    body = message.encode()
    headers = [(b"content-type", b"text/plain")]
    return head(status, headers, b"", len(body), close=True) + body
