"""Long bodies: sent piece by piece, no faster than the client takes them, or gathered into one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, BinaryIO

from maycloud.edge.messages import BodyTooLargeError, FileBody

_READ = 1 << 20  # bytes of a file read at a time

Write = Callable[[bytes], None]
Drain = Callable[[], Awaitable[None]]


async def send_file(file: BinaryIO, body: FileBody, write: Write, drain: Drain) -> None:
    """Raises EOFError if the file is shorter than promised."""
    offset, left = body.offset, body.length
    while left:
        data = await asyncio.to_thread(_read_at, file, offset, min(left, _READ))
        if not data:
            raise EOFError(f"{body.path} is shorter than it was")
        write(data)
        offset += len(data)
        left -= len(data)
        await drain()


async def send_pieces(
    body: AsyncIterator[bytes], length: int | None, chunked: bool, write: Write, drain: Drain
) -> None:
    """Raises EOFError if the pieces are not as long together as the promised `length`."""
    sent = 0
    async for piece in body:
        if not piece:
            continue
        sent += len(piece)
        if length is not None and sent > length:
            raise EOFError("a body is longer than its Content-Length")
        write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await drain()
    if length is not None and sent < length:
        raise EOFError("a body is shorter than its Content-Length")
    if chunked:
        write(b"0\r\n\r\n")


@contextlib.asynccontextmanager
async def closing(body: Any) -> AsyncIterator[None]:
    """Close a generator that was not read to its end, rather than leave it to the collector."""
    try:
        yield
    finally:
        if hasattr(body, "aclose"):
            await body.aclose()


async def gather(body: bytes | FileBody | AsyncIterator[bytes], limit: int) -> bytes:
    """All of a body, such as S3's GetObject gives. Raises BodyTooLargeError past `limit` bytes."""
    if isinstance(body, bytes):
        whole = body
    elif isinstance(body, FileBody):
        if body.length > limit:
            raise BodyTooLargeError
        whole = await asyncio.to_thread(_read_file, body)
    else:
        whole = b""
        async with closing(body):
            async for piece in body:
                whole += piece
                if len(whole) > limit:
                    raise BodyTooLargeError
    if len(whole) > limit:
        raise BodyTooLargeError
    return whole


def _read_file(body: FileBody) -> bytes:
    with body.path.open("rb") as file:
        return _read_at(file, body.offset, body.length)


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
