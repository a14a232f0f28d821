"""Bodies on their way through the edge: kept whole where short, cut, compressed, or only passed on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from maycloud.edge.messages import FileBody, RawHeaders
from maycloud.services.cloudfront import compression
from maycloud.services.cloudfront.cache import MAX_ENTRY
from maycloud.services.cloudfront.freshness import byte_range
from maycloud.services.cloudfront.origins import Body, Incoming
from maycloud.services.tokens import is_number

_LATER_COMPRESSED = 64 << 10  # bytes past which compressing leaves the loop


def length(incoming: Incoming) -> int:
    """How long a body is, as far as it says."""
    body = incoming.body
    if isinstance(body, bytes):
        return len(body)
    if isinstance(body, FileBody):
        return body.length
    said = incoming.fields.get(b"content-length", b"").decode("latin-1")
    return int(said) if is_number(said) else 0


async def gather(incoming: Incoming) -> bytes | None:
    """The whole body, or None if it is too long to keep: then it is still there to be passed on."""
    body = incoming.body
    if isinstance(body, bytes):
        return body
    if length(incoming) > MAX_ENTRY:
        return None
    if isinstance(body, FileBody):
        return await asyncio.to_thread(_read_file, body)
    pieces: list[bytes] = []
    size = 0
    rest = aiter(body)
    async for piece in rest:
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ENTRY:
            incoming.body = _Chain(b"".join(pieces), rest, body)
            return None
    await _close(body)
    incoming.body = b"".join(pieces)
    return incoming.body


def _read_file(body: FileBody) -> bytes:
    with body.path.open("rb") as file:
        file.seek(body.offset)
        return file.read(body.length)


async def _close(body: Any) -> None:
    if hasattr(body, "aclose"):
        await body.aclose()


class _Chain:
    """A body whose beginning was read already."""

    def __init__(self, start: bytes, rest: AsyncIterator[bytes], body: Any) -> None:
        self._start = start
        self._rest = rest
        self._body = body

    def __aiter__(self) -> "_Chain":
        return self

    async def __anext__(self) -> bytes:
        start, self._start = self._start, b""
        return start or await anext(self._rest)

    async def aclose(self) -> None:
        await _close(self._rest)
        await _close(self._body)


async def compressed(
    encoding: str, status: int, headers: RawHeaders, body: bytes
) -> tuple[RawHeaders, bytes]:
    """Headers and body in the viewer's encoding, where that is worth it."""
    if not compression.worthwhile(status, dict(headers), len(body)):
        return headers, body
    if len(body) > _LATER_COMPRESSED:
        packed = await asyncio.to_thread(compression.compress, body, encoding)
    else:
        packed = compression.compress(body, encoding)
    kept = [each for each in headers if each[0] not in (b"content-length", b"accept-ranges")]
    # Other bytes for the same resource: its tag is a weak one from here on.
    kept = [
        (name, b"W/" + value if name == b"etag" and not value.startswith(b"W/") else value)
        for name, value in kept
    ]
    return [*kept, (b"content-encoding", encoding.encode()), (b"vary", b"Accept-Encoding")], packed


def ranged(value: bytes, headers: RawHeaders, body: Body) -> tuple[int, RawHeaders, Body]:
    """A stretch of a body whose length is known; others go as a whole."""
    if not isinstance(body, bytes | FileBody):
        return 200, headers, body
    size = len(body) if isinstance(body, bytes) else body.length
    kept = [each for each in headers if each[0] != b"content-length"]
    try:
        found = byte_range(value, size)
    except ValueError:
        total = b"bytes */%d" % size
        kept = [each for each in kept if not each[0].startswith(b"content-")]
        return 416, [*kept, (b"content-range", total)], b""
    if found is None:
        return 200, headers, body
    start, many = found
    part: Body = (
        body[start : start + many]
        if isinstance(body, bytes)
        else FileBody(body.path, body.offset + start, many)
    )
    where = b"bytes %d-%d/%d" % (start, start + many - 1, size)
    return 206, [*kept, (b"content-range", where)], part
