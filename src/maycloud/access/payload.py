"""Bodies as S3's clients send them: hashed whole, unsigned, or in chunks with a signature each.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
"""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator

from maycloud.access import sigv4
from maycloud.access.sigv4 import Signature
from maycloud.edge.messages import BodyStream, BodyTooLargeError
from maycloud.errors import AwsError

SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING = frozenset({SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER, UNSIGNED_TRAILER})

MAX_LINE = 4096  # bytes of a chunk's head or of all trailers
MIN_CHUNK = 8192  # bytes of any chunk but the last
MAX_CHUNK = 64 << 20

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")

Body = bytes | BodyStream


def incomplete() -> AwsError:
    return AwsError("IncompleteBody", "The request body terminated unexpectedly", 400)


def wrong_length(announced: int, found: int) -> AwsError:
    """As AWS has it in versity/versitygw#1684."""
    return AwsError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
        400,
        NumberBytesExpected=announced,
        NumberBytesProvided=found,
    )


def no_length() -> AwsError:
    return AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)


def invalid_chunk(number: int | None = None, size: int | None = None) -> AwsError:
    """`size` is that of the chunk before the one with the `number`, as AWS counts: versity/versitygw#1665."""
    found = {} if number is None else {"Chunk": number, "BadChunkSize": size}
    return AwsError(
        "InvalidChunkSizeError",
        "Only the last chunk is allowed to have a size less than 8192 bytes",
        403,
        **found,
    )


def malformed_trailer() -> AwsError:
    return AwsError(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published"
        " schema.",
    )


def mismatch() -> AwsError:
    return AwsError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and"
        " signing method.",
        403,
    )


class Unwrapped(bytes):
    """A body that was here whole, out of its framing, with the headers that came after it."""

    trailers: dict[str, str]


class ChunkedBody:
    """A body in ``aws-chunked`` framing, unwrapped; signatures and lengths are checked as chunks come.

    `length` is the decoded length that the client announced; `trailers` are there once it was read.
    """

    def __init__(
        self, source: Body, length: int | None, check: "ChunkCheck | None", has_trailer: bool
    ) -> None:
        self.length = length
        self.trailers: dict[str, str] = {}
        self._source = source
        self._check = check
        self._has_trailer = has_trailer
        self._buffer = bytearray()
        self._chunks = _chunks_of(source)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in self:
            size += len(part)
            if size > limit:
                raise BodyTooLargeError
            parts.append(part)
        return b"".join(parts)

    def unwrapped(self) -> Unwrapped:
        """The same of a body that is here whole, at once."""
        parts: list[bytes] = []
        reading = self._append_all(parts)
        try:
            reading.send(None)  # runs to its end: what is here already is not waited for
        except StopIteration:
            whole = Unwrapped(b"".join(parts))
            whole.trailers = self.trailers
            return whole
        raise AssertionError("a body that is here was waited for")

    async def _append_all(self, parts: list[bytes]) -> None:
        async for part in self:
            parts.append(part)

    async def _read(self) -> AsyncIterator[bytes]:
        total = number = 0
        before = MIN_CHUNK
        while True:
            size, signature = _chunk_head(await self._line())
            number += 1
            if before < MIN_CHUNK and size:
                raise invalid_chunk(number, before)
            before = size
            data = await self._exactly(size)
            if self._check is not None:
                self._check.chunk(data, signature)
            if size == 0:
                break
            if await self._exactly(2) != b"\r\n":
                raise incomplete()
            total += size
            yield data
        await self._read_trailers()
        if self.length is not None and total != self.length:
            raise wrong_length(self.length, total)

    async def _read_trailers(self) -> None:
        signed = b""
        given = ""
        size = 0
        while line := await self._line():
            size += len(line)
            if size > MAX_LINE:
                raise incomplete()
            name, colon, value = line.partition(b":")
            if not colon:
                raise malformed_trailer()
            key, text = name.strip().lower(), value.strip()
            if key == b"x-amz-trailer-signature":
                given = text.decode("latin-1")
                continue
            signed += key + b":" + text + b"\n"
            self.trailers[key.decode("latin-1")] = text.decode("latin-1")
        if self._check is not None and self._has_trailer:
            self._check.trailer(signed, given)

    async def _more(self) -> None:
        data = await anext(self._chunks, b"")
        if not data:
            raise incomplete()
        self._buffer += data

    async def _line(self) -> bytes:
        """Up to the next line's end; nothing at the end of the body, which ends trailers too."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_LINE:
                raise incomplete()
            data = await anext(self._chunks, b"")
            if not data:
                if self._buffer:
                    raise incomplete()
                return b""
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data


def _chunk_head(line: bytes) -> tuple[int, str]:
    size, _, extension = line.partition(b";")
    if not _SIZE.fullmatch(size):  # Python's own numbers may have signs, prefixes and underscores
        raise incomplete()
    length = int(size, 16)
    if length > MAX_CHUNK:
        raise invalid_chunk()
    name, _, signature = extension.partition(b"=")
    return length, signature.decode("latin-1") if name.strip() == b"chunk-signature" else ""


async def _chunks_of(source: Body) -> AsyncIterator[bytes]:
    if isinstance(source, bytes):
        if source:
            yield source
        return
    async for chunk in source:
        yield chunk


class ChunkCheck:
    """The chain of chunk signatures that begins with the request's own."""

    def __init__(self, secret: str, claim: Signature) -> None:
        self._secret = secret
        self._claim = claim
        self._previous = claim.signature

    def chunk(self, data: bytes, given: str) -> None:
        wanted = sigv4.chunk_signature(self._secret, self._claim, self._previous, data)
        if not hmac.compare_digest(wanted.encode(), given.encode()):
            raise mismatch()
        self._previous = wanted

    def trailer(self, trailers: bytes, given: str) -> None:
        wanted = sigv4.trailer_signature(self._secret, self._claim, self._previous, trailers)
        if not hmac.compare_digest(wanted.encode(), given.encode()):
            raise mismatch()


class HashedBody:
    """A body that arrives as a stream and must have the hash its signature covers."""

    def __init__(self, source: BodyStream, wanted: str) -> None:
        self.length = source.length
        self._source = source
        self._wanted = wanted

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def read(self, limit: int) -> bytes:
        data = await self._source.read(limit)
        check_hash(hashlib.sha256(data).hexdigest(), self._wanted)
        return data

    async def _read(self) -> AsyncIterator[bytes]:
        digest = hashlib.sha256()
        async for chunk in self._source:
            digest.update(chunk)
            yield chunk
        check_hash(digest.hexdigest(), self._wanted)


def check_hash(found: str, wanted: str) -> None:
    if not hmac.compare_digest(found.encode(), wanted.encode()):
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            400,
            ClientComputedContentSHA256=wanted,
            S3ComputedContentSHA256=found,
        )
