"""Responses as bytes: status lines made once, the Date header once a second."""

import time
from email.utils import formatdate
from http import HTTPStatus

from maycloud.edge.messages import RawHeaders

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_STATUS = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, 'Unknown')}\r\n".encode() for status in range(100, 600)
}
_OK = _STATUS[200]
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BODYLESS = frozenset({204, 304})
_LENGTHS = [b"content-length: %d\r\n" % length for length in range(1024)]
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_FRAMING_LENGTHS = frozenset(map(len, _FRAMING))


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


def whole(date: bytes, given: bytes, body: bytes, close: bool) -> bytes:
    """The usual answer: 200, with `given` lines of headers that are right as they are."""
    length = len(body)
    line = _LENGTHS[length] if length < 1024 else b"content-length: %d\r\n" % length
    return b"".join((_OK, date, given, line, b"connection: close\r\n\r\n" if close else b"\r\n", body))


def head(
    status: int,
    headers: RawHeaders,
    date: bytes,
    length: int | None,
    close: bool,
    *,
    chunked: bool = True,
    exact: bool = True,
    given: bytes = b"",
) -> bytes:
    """Status line and headers; `given` are whole lines of headers that are right as they are.

    `length` None means chunked (or, without `chunked`, up to the connection's end), unless the headers
    carry a length. With `exact` a known `length` overrides theirs: only the answer to HEAD may differ.
    """
    bodyless = status in _BODYLESS
    if not headers and length is not None and not bodyless:
        end = b"connection: close\r\n\r\n" if close else b"\r\n"
        return b"%b%b%bcontent-length: %d\r\n%b" % (_STATUS[status], date, given, length, end)
    parts = [_STATUS[status], date]
    framed = bodyless
    lines = len(headers)
    for name, value in headers:
        if len(name) in _FRAMING_LENGTHS and name.lower() in _FRAMING:
            # A second framing, or a wrong one, would let this answer's body pass for the next answer.
            if name.lower() != b"content-length" or framed or (exact and length is not None):
                lines -= 1
                continue
            framed = True
        parts += (name, b": ", value, b"\r\n")
    if not framed:
        if length is not None:
            lines += 1
            parts.append(b"content-length: %d\r\n" % length)
        elif chunked:
            lines += 1
            parts.append(b"transfer-encoding: chunked\r\n")
    parts.append(b"connection: close\r\n\r\n" if close else b"\r\n")
    joined = b"".join(parts)
    lines += 2 + bool(date) + close
    if joined.count(b"\n") != lines or joined.count(b"\r") != lines:
        clean = [(_one_line(name), _one_line(value)) for name, value in headers]
        return head(status, clean, date, length, close, chunked=chunked, exact=exact, given=given)
    return joined.replace(b"\r\n", b"\r\n" + given, 1) if given else joined


def _one_line(text: bytes) -> bytes:
    """A header that came from a handler cannot add lines of its own to the answer."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def plain(status: int, message: str) -> bytes:
    """A whole answer to what is not HTTP, after which the connection closes."""
    body = message.encode()
    headers = [(b"content-type", b"text/plain")]
    return head(status, headers, b"", len(body), close=True) + body
