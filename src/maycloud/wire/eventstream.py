"""application/vnd.amazon.eventstream: messages of typed headers and a payload, each with two checksums.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

import struct
import uuid
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.wire import json
from maycloud.wire.models import Model, Shape

MAX_MESSAGE = 24 << 20  # bytes, as AWS's SDKs allow

HeaderValue = bool | int | str | bytes | datetime | uuid.UUID


@dataclass(slots=True)
class Message:
    """One message: headers by name, and bytes."""

    headers: dict[str, HeaderValue] = field(default_factory=dict[str, HeaderValue])
    payload: bytes = b""


def _malformed(message: str) -> AwsError:
    return AwsError("SerializationException", message)


def encode(message: Message) -> bytes:
    headers = b"".join(_header(name, value) for name, value in message.headers.items())
    total = 16 + len(headers) + len(message.payload)
    prelude = struct.pack(">II", total, len(headers))
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + message.payload
    return start + struct.pack(">I", zlib.crc32(start))


def _header(name: str, value: HeaderValue) -> bytes:
    raw = name.encode()
    head = bytes([len(raw)]) + raw
    if isinstance(value, bool):
        return head + (b"\0" if value else b"\1")
    if isinstance(value, int):
        return head + (
            struct.pack(">Bi", 4, value) if -(2**31) <= value < 2**31 else struct.pack(">Bq", 5, value)
        )
    if isinstance(value, str):
        text = value.encode()
        return head + struct.pack(">BH", 7, len(text)) + text
    if isinstance(value, datetime):
        return head + struct.pack(">Bq", 8, int(value.timestamp() * 1000))
    if isinstance(value, uuid.UUID):
        return head + b"\x09" + value.bytes
    return head + struct.pack(">BH", 6, len(value)) + value


class Reader:
    """Cuts a stream of bytes into messages; raises SerializationException for what is damaged."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        self._buffer += data
        while len(self._buffer) >= 12:
            total, headers_length, checksum = struct.unpack_from(">III", self._buffer)
            if zlib.crc32(self._buffer[:8]) != checksum:
                raise _malformed("Prelude checksum mismatch")
            if not 16 + headers_length <= total <= MAX_MESSAGE:
                raise _malformed("Event stream message has an impossible length")
            if len(self._buffer) < total:
                return
            raw = bytes(self._buffer[:total])
            del self._buffer[:total]
            if zlib.crc32(raw[:-4]) != struct.unpack_from(">I", raw, total - 4)[0]:
                raise _malformed("Message checksum mismatch")
            yield Message(_read_headers(raw[12 : 12 + headers_length]), raw[12 + headers_length : -4])


_FIXED = {2: ">b", 3: ">h", 4: ">i", 5: ">q"}


def _read_headers(raw: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(raw):
            length = raw[at]
            name = raw[at + 1 : at + 1 + length].decode()
            at += 1 + length
            kind = raw[at]
            at += 1
            headers[name], at = _read_value(raw, at, kind)
    except (IndexError, struct.error, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise _malformed("Event stream headers are malformed") from error
    return headers


def _read_value(raw: bytes, at: int, kind: int) -> tuple[HeaderValue, int]:
    if kind in (0, 1):
        return kind == 0, at
    if kind in _FIXED:
        return struct.unpack_from(_FIXED[kind], raw, at)[0], at + struct.calcsize(_FIXED[kind])
    if kind in (6, 7):
        (length,) = struct.unpack_from(">H", raw, at)
        data = raw[at + 2 : at + 2 + length]
        if len(data) != length:
            raise ValueError("short value")
        return (data if kind == 6 else data.decode()), at + 2 + length
    if kind == 8:
        (millis,) = struct.unpack_from(">q", raw, at)
        return datetime.fromtimestamp(millis / 1000, UTC), at + 8
    if kind == 9:
        return uuid.UUID(bytes=raw[at : at + 16]), at + 16
    raise ValueError(f"header type {kind}")


async def encode_events(
    model: Model, shape: Shape, events: AsyncIterator[dict[str, Any]]
) -> AsyncIterator[bytes]:
    """A union's events, ``{"Records": {"Payload": b"…"}}``, as messages."""
    async for event in events:
        for name, value in event.items():
            yield encode(_event(model, name, model.member(shape["members"][name]), value))


def _event(model: Model, name: str, shape: Shape, value: dict[str, Any]) -> Message:
    message = Message({":message-type": "event", ":event-type": name})
    if shape.get("exception"):
        message.headers = {":message-type": "exception", ":exception-type": name}
    rest: dict[str, Any] = {}
    for member, item in value.items():
        reference = shape.get("members", {})[member]
        if reference.get("eventheader"):
            message.headers[member] = item
        elif reference.get("eventpayload") and isinstance(item, bytes):
            message.headers[":content-type"] = "application/octet-stream"
            message.payload = item
        else:
            rest[member] = item
    if rest:
        message.headers[":content-type"] = "application/json"
        message.payload = json.dumps(rest)
    return message
