"""HTTP requests and responses as the edge hands them on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

RawHeaders = list[tuple[bytes, bytes]]


class BodyTooLargeError(Exception):
    """A streamed body was longer than the reader allows."""


class BodyStream(Protocol):
    """A request body still arriving; the socket is paused while nobody reads."""

    length: int | None  # Content-Length, None when chunked

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def read(self, limit: int) -> bytes:
        """All of it. Raises BodyTooLargeError past `limit` bytes, ConnectionError if cut short."""
        ...


# What is made for each request has an `__init__` of its own: mypyc calls that of a dataclass as Python, which
# takes half a microsecond instead of a twentieth.


class Request:
    """One request. Header names are lower case; `target` is as sent, percent-encoding and all."""

    __slots__ = ("_fields", "body", "headers", "method", "names", "peer", "secure", "target")

    def __init__(
        self,
        method: str,
        target: str,
        headers: RawHeaders,
        body: bytes | BodyStream,
        peer: str = "127.0.0.1",
        secure: bool = False,
        names: list[bytes] | None = None,
    ) -> None:
        self.method = method
        self.target = target  # path and query as on the wire, latin-1
        self.headers = headers
        self.body = body
        self.peer = peer  # address of the client's end of the socket
        self.secure = secure  # over TLS
        self.names = names or []  # of the headers, as sent
        self._fields: dict[bytes, bytes] | None = None

    @property
    def fields(self) -> dict[bytes, bytes]:
        """Headers by lower-case name; a repeated one joined with commas, as RFC 9110 allows."""
        fields = self._fields
        if fields is None:
            fields = dict(self.headers)
            if len(fields) != len(self.headers):
                fields = _joined(self.headers)
            self._fields = fields
        return fields

    def header(self, name: str, default: str = "") -> str:
        value = self.fields.get(name.lower().encode("latin-1"))
        return default if value is None else value.decode("latin-1")

    @property
    def path(self) -> str:
        """The path as sent, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query string as sent, without its question mark."""
        return self.target.partition("?")[2]


def _joined(headers: RawHeaders) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        fields[name] = fields[name] + b"," + value if name in fields else value
    return fields


def origin_form(target: str, headers: RawHeaders) -> tuple[str, RawHeaders]:
    """Target and headers of a request as if it had come without a proxy (RFC 9112, 3.2.2).

    The host of an absolute target goes before that of the Host header.
    """
    if target[:1] == "/" or "://" not in target:
        return target, headers
    rest = target.partition("://")[2]
    end = next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))
    path = rest[end:]
    host = rest[:end].encode("latin-1")
    headers = [(b"host", host), *(each for each in headers if each[0] != b"host")]
    return path if path[:1] == "/" else "/" + path, headers


@dataclass(slots=True)
class FileBody:
    """A stretch of a file, sent from disk with back-pressure."""

    path: Path
    offset: int
    length: int


class Response:
    """One answer. The edge adds Date, Content-Length or chunking, and Connection.

    `lines` are further headers, written as they are: whole lines of known content that say nothing of
    framing, for answers that are made often.
    """

    __slots__ = ("body", "headers", "lines", "status")

    def __init__(
        self,
        status: int = 200,
        headers: RawHeaders | None = None,
        body: bytes | FileBody | AsyncIterator[bytes] = b"",
        lines: bytes = b"",
    ) -> None:
        self.status = status
        self.headers: RawHeaders = [] if headers is None else headers
        self.body = body
        self.lines = lines


Reply = Callable[[Response], None]
"""Answers the request; called exactly once, at once or later, on the loop."""

Application = Callable[[Request, Reply], None]
"""What the edge serves. It must not raise; `Reply` may be kept until a commit."""

Handler = Callable[[Request], Response | Awaitable[Response]]
"""A route's handler below the application: raw HTTP such as API Gateway's or CloudFront's data plane."""
