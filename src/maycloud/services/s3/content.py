"""Bodies on their way in and out: hashed, encrypted and written while they stream, read piece by piece."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maycloud.access.payload import no_length
from maycloud.edge.messages import BodyStream, FileBody
from maycloud.errors import AwsError
from maycloud.services.base import Call
from maycloud.services.s3 import checksums
from maycloud.services.s3.checksums import Algorithm, Declared
from maycloud.services.s3.encryption import CustomerKey, Sealer, opened
from maycloud.services.s3.versions import Piece, Version
from maycloud.store import Blobs, Staged

MAX_UPLOAD = 5 << 30  # bytes of one PutObject or UploadPart
_GATHERED = 1 << 20  # bytes handed to a thread at a time


@dataclass(slots=True)
class Content:
    """A body that has arrived whole: in memory (`inline`), as a staged file, or as another object's blob.

    `checksum` is by the algorithm that was to be kept, `sent` by the one that the client chose.
    """

    size: int
    etag: str
    checksum: bytes
    inline: bytes | None = None
    staged: Staged | None = None
    link: str | None = None
    sent: bytes = b""

    def publish(self, blobs: Blobs) -> str:
        """Make it a blob with this tick's transaction; gives its id."""
        if self.staged is not None:
            return self.staged.publish()
        if self.link is not None:
            return blobs.link(self.link)
        return blobs.add(self.inline or b"")

    def discard(self) -> None:
        if self.staged is not None:
            self.staged.discard()


def check_size(size: int | None) -> None:
    if size is not None and size > MAX_UPLOAD:
        raise AwsError(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            ProposedSize=size,
            MaxSizeAllowed=MAX_UPLOAD,
        )


def check_length(call: Call, body: Any) -> None:
    """The length must be known beforehand, and be no more than S3 takes."""
    # A form's length would not be its file's.
    lengths = {b"content-length", b"x-amz-decoded-content-length"}
    if call.http is not None and call.http.method == "PUT" and lengths.isdisjoint(call.http.fields):
        raise no_length()
    check_size(getattr(body, "length", None))


def receive_small(body: bytes, declared: Declared, md5: str | None, key: CustomerKey | None) -> Content:
    """A body that is here already and stays in the database."""
    digest = hashlib.md5(body, usedforsecurity=False)
    if md5 is not None:
        checksums.check_md5(md5, digest.digest)
    found = declared.algorithm.of(body)
    declared.check(found, getattr(body, "trailers", {}))
    etag = digest.hexdigest()
    if key is not None:
        sealer = Sealer(key)
        return Content(len(body), os.urandom(16).hex(), found, sealer.take(body) + sealer.end())
    return Content(len(body), etag, found, bytes(body))


async def receive(
    blobs: Blobs,
    body: bytes | BodyStream,
    declared: Declared,
    md5: str | None,
    key: CustomerKey | None,
    keep: Algorithm | None = None,
) -> Content:
    """A body into a staged file, hashed on the way and off the loop, no faster than the disk takes it.

    `keep` is the algorithm of the checksum to keep, if not the declared one.
    """
    intake = _Intake(blobs.stage(), key, declared.algorithm, keep)
    try:
        if isinstance(body, bytes):
            await asyncio.to_thread(intake.take, [body])
        else:
            await _pump(body, intake)
        content = await asyncio.to_thread(intake.finish)
        checksums.check_md5(md5, intake.md5.digest)
        declared.check(content.sent, getattr(body, "trailers", {}))
    except BaseException:
        intake.staged.discard()
        raise
    return content


async def _pump(body: BodyStream, intake: "_Intake") -> None:
    """Hand on what arrives, a mebibyte at a time; the next one gathers while a thread has the last."""
    loop = asyncio.get_running_loop()
    parts: list[bytes] = []
    gathered = total = 0
    busy: asyncio.Future[None] | None = None
    try:
        async for chunk in body:
            parts.append(chunk)
            gathered += len(chunk)
            if gathered >= _GATHERED:
                total += gathered
                check_size(total)
                if busy is not None:
                    await busy
                busy = loop.run_in_executor(None, intake.take, parts)
                parts, gathered = [], 0
    finally:
        if busy is not None:
            await busy
    check_size(total + gathered)
    if parts:
        await loop.run_in_executor(None, intake.take, parts)


class _Intake:
    """What happens to each byte of an upload; on a thread."""

    def __init__(
        self, staged: Staged, key: CustomerKey | None, sent: Algorithm, keep: Algorithm | None = None
    ) -> None:
        self.staged = staged
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0
        self._sent = sent.new()
        self._kept = None if keep is None or keep is sent else keep.new()
        self._sealer = Sealer(key) if key is not None else None

    def take(self, parts: list[bytes]) -> None:
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._size += len(data)
        self.md5.update(data)
        self._sent.update(data)
        if self._kept is not None:
            self._kept.update(data)
        self.staged.write(data if self._sealer is None else self._sealer.take(data))

    def finish(self) -> Content:
        etag = self.md5.hexdigest()
        if self._sealer is not None:
            self.staged.write(self._sealer.end())
            etag = os.urandom(16).hex()  # under a customer's key it tells nothing of the bytes
        self.staged.finish()
        sent = self._sent.digest()
        kept = sent if self._kept is None else self._kept.digest()
        return Content(self._size, etag, kept, None, self.staged, None, sent)


# Reading


def body_of(blobs: Blobs, version: Version, key: CustomerKey | None, start: int, length: int) -> Any:
    """A stretch of an object as the edge sends it: bytes, a file, or pieces as they are read."""
    if version.packed is None:
        body = version.body or b""
        if key is not None:
            return b"".join(opened(lambda at, size: body[at : at + size], version.size, key, start, length))
        return body if length == len(body) else body[start : start + length]
    if length == 0:
        return b""
    pieces = version.pieces
    if key is None and len(pieces) == 1:
        return FileBody(blobs.path(pieces[0].blob), start, length)
    return Reading(blobs, pieces, key, start, length)


class Reading:
    """The bytes of several blobs, or of encrypted ones, one after the other.

    The blobs are held from the beginning, so that whoever replaces the object meanwhile takes nothing away.
    """

    def __init__(
        self, blobs: Blobs, pieces: list[Piece], key: CustomerKey | None, start: int, length: int
    ) -> None:
        self._blobs = blobs
        self._key = key
        self._spans = list(_spans(pieces, start, length))
        for piece, _, _ in self._spans:
            blobs.hold(piece.blob)
        self._held = [piece.blob for piece, _, _ in self._spans]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def _read(self) -> AsyncIterator[bytes]:
        for piece, start, length in self._spans:
            chunks = _chunks(self._blobs.path(piece.blob), piece.size, self._key, start, length)
            try:
                while chunk := await asyncio.to_thread(next, chunks, b""):
                    yield chunk
            finally:
                chunks.close()

    async def aclose(self) -> None:
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        for blob in held:
            self._blobs.release(blob)

    def __del__(self) -> None:
        # For an answer that nobody was left to send to.
        self._release()


def _spans(pieces: list[Piece], start: int, length: int) -> Iterator[tuple[Piece, int, int]]:
    """The stretches of the pieces that a range covers."""
    at = 0
    stop = start + length
    for piece in pieces:
        begin, end = max(start, at), min(stop, at + piece.size)
        if begin < end:
            yield piece, begin - at, end - begin
        at += piece.size


def _chunks(path: Path, size: int, key: CustomerKey | None, start: int, length: int) -> Any:
    with path.open("rb", buffering=0) as file:
        if key is None:
            left = length
            file.seek(start)
            while left and (data := file.read(min(left, _GATHERED))):
                left -= len(data)
                yield data
            return
        gathered = bytearray()
        for data in opened(lambda at, count: _read_at(file, at, count), size, key, start, length):
            gathered += data
            if len(gathered) >= _GATHERED:
                yield bytes(gathered)
                gathered.clear()
        if gathered:
            yield bytes(gathered)


def _read_at(file: Any, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


async def copied(
    blobs: Blobs,
    source: Version,
    keys: tuple[CustomerKey | None, CustomerKey | None],
    span: tuple[int, int],
    algorithm: Algorithm,
) -> Content:
    """A stretch of an object as new content; `keys` are the customer's for the source and for the copy."""
    pieces = source.pieces
    for piece in pieces:
        blobs.hold(piece.blob)
    try:
        return await asyncio.to_thread(_copy, blobs, source, keys, span, algorithm)
    finally:
        for piece in pieces:
            blobs.release(piece.blob)


def _copy(
    blobs: Blobs,
    source: Version,
    keys: tuple[CustomerKey | None, CustomerKey | None],
    span: tuple[int, int],
    algorithm: Algorithm,
) -> Content:
    intake = _Intake(blobs.stage(), keys[1], algorithm)
    try:
        if source.packed is None:
            intake.take([body_of(blobs, source, keys[0], *span)])
        else:
            for piece, start, size in _spans(source.pieces, *span):
                for chunk in _chunks(blobs.path(piece.blob), piece.size, keys[0], start, size):
                    intake.take([chunk])
        return intake.finish()
    except BaseException:
        intake.staged.discard()
        raise


def shared(source: Version, algorithm: Algorithm) -> Content | None:
    """The same bytes without copying them; None where they must be read, for a checksum or an entity tag."""
    checksum = source.meta.get("checksum")
    if "-" in source.etag or checksum is None or checksum[0] != algorithm.name:
        return None
    value = checksums.decoded(checksum[1])
    if source.packed is None:
        return Content(source.size, source.etag, value, source.body or b"", sent=value)
    return Content(source.size, source.etag, value, link=source.pieces[0].blob, sent=value)
