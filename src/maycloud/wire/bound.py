"""What a request turns out to be: an operation of a service in one protocol, ready to decode and encode."""

import zlib
from typing import Any

from maycloud.edge.messages import BodyStream, RawHeaders, Request, Response
from maycloud.errors import AwsError

Body = bytes | BodyStream

MAX_UNPACKED = 64 << 20  # bytes that a gzip request may unfold to


class WireError(Exception):
    """The request names no operation; `response` is the whole answer, in the client's protocol."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Bound:
    """One request's operation and protocol."""

    __slots__ = ("family", "operation", "service", "signing_name", "streaming_input")

    def __init__(
        self, service: str, signing_name: str, operation: str, family: str, *, streaming_input: bool = False
    ) -> None:
        self.service = service  # botocore's name
        self.signing_name = signing_name  # that the credential scope must have
        self.operation = operation
        self.family = family  # json, query, rest-json, s3, cbor: how errors of authentication are worded
        self.streaming_input = streaming_input  # the payload is handed on as it arrives

    def decode(self, request: Request, body: Body) -> dict[str, Any]:
        raise NotImplementedError

    def encode(self, result: Any, identifier: str) -> Response:
        raise NotImplementedError

    def error(self, error: AwsError, identifier: str) -> Response:
        raise NotImplementedError


def unpack(request: Request, body: bytes) -> bytes:
    """The body, unzipped if it says so. Bounded, so that a small request cannot become a large one."""
    if request.fields.get(b"content-encoding") != b"gzip":
        return body
    unzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        unpacked = unzip.decompress(body, MAX_UNPACKED)
    except zlib.error as error:
        raise AwsError("SerializationException", "The gzip body could not be read") from error
    if unzip.unconsumed_tail:
        raise AwsError("RequestEntityTooLargeException", "Request body is too large", 413)
    if not unzip.eof:
        raise AwsError("SerializationException", "The gzip body ends early")
    return unpacked


def as_bytes(body: Body) -> bytes:
    """A body that the dispatcher has read; only streaming payloads are handed on unread."""
    if not isinstance(body, bytes):
        raise AwsError("SerializationException", "This operation takes no streaming body")
    return body


def with_id(headers: RawHeaders, identifier: str) -> RawHeaders:
    headers.append((b"x-amzn-requestid", identifier.encode()))
    return headers


def message_member(shape: dict[str, Any] | None) -> str:
    """How an error's model spells its message: ``message``, ``Message`` or ``errorMessage``."""
    for member in (shape or {}).get("members", {}):
        if member.lower() in ("message", "errormessage"):
            return member
    return "message"
