"""Checksums of bodies: all that S3 knows, computed while the bytes pass.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import binascii
import functools
import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from maycloud.access.payload import malformed_trailer
from maycloud.edge.messages import Request
from maycloud.errors import AwsError
from maycloud.services.base import Params

COMPOSITE, FULL_OBJECT = "COMPOSITE", "FULL_OBJECT"


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc:
    """A cyclic redundancy check as if it were a hash."""

    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step = step
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _XxHash:
    def __init__(self, kind: str) -> None:
        self._hash = getattr(_native().XXHash, f"new_{kind}")()

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return bytes(self._hash.finalize())


@functools.cache
def _native() -> Any:
    """awscrt, which costs memory, when it is first wanted."""
    from awscrt import checksums

    return checksums


@dataclass(frozen=True, slots=True, eq=False)
class Algorithm:
    """`name` is what requests call it, `member` the model's member, `kinds` its types over many parts."""

    name: str
    size: int  # bytes
    new: Callable[[], Digest]
    kinds: tuple[str, ...] = (COMPOSITE,)

    @property
    def member(self) -> str:
        return f"Checksum{self.name}"

    @property
    def header(self) -> str:
        return f"x-amz-checksum-{self.name.lower()}"

    def of(self, data: bytes) -> bytes:
        digest = self.new()
        digest.update(data)
        return digest.digest()

    def read(self, text: str, where: str = "header") -> bytes:
        """A value as clients send it. Raises AWS's InvalidRequest."""
        try:
            value = base64.b64decode(text, validate=True)
        except binascii.Error:
            value = b""
        if len(value) != self.size:
            raise AwsError("InvalidRequest", f"Value for {self.header} {where} is invalid.")
        return value


def _hash(name: str) -> Callable[[], Digest]:
    return functools.partial(hashlib.new, name, usedforsecurity=False)


_BOTH = (COMPOSITE, FULL_OBJECT)
ALGORITHMS = {
    each.name: each
    for each in (
        Algorithm("CRC32", 4, lambda: _Crc(zlib.crc32, 4), _BOTH),
        Algorithm("CRC32C", 4, lambda: _Crc(_native().crc32c, 4), _BOTH),
        Algorithm("CRC64NVME", 8, lambda: _Crc(_native().crc64nvme, 8), (FULL_OBJECT,)),
        Algorithm("SHA1", 20, _hash("sha1")),
        Algorithm("SHA256", 32, _hash("sha256")),
        Algorithm("SHA512", 64, _hash("sha512")),
        Algorithm("MD5", 16, _hash("md5")),
        Algorithm("XXHASH64", 8, lambda: _XxHash("xxhash64")),
        Algorithm("XXHASH3", 8, lambda: _XxHash("xxhash3_64")),
        Algorithm("XXHASH128", 16, lambda: _XxHash("xxhash3_128")),
    )
}
DEFAULT = ALGORITHMS["CRC64NVME"]  # what S3 computes when nobody asks for another
_MEMBERS = {each.member: each for each in ALGORITHMS.values()}
_HEADERS = {each.header: each for each in ALGORITHMS.values()}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a request says of its body: which checksum, and its value unless that comes after the body."""

    algorithm: Algorithm
    value: bytes | None = None
    trailer: bool = False
    asked: bool = True  # False where S3 chose

    def check(self, found: bytes, trailers: dict[str, str]) -> None:
        """Compare with the body's. Raises BadDigest."""
        value = self.value
        if self.trailer:
            text = trailers.get(self.algorithm.header)
            if text is None:
                raise malformed_trailer()
            value = self.algorithm.read(text, "trailing header")
        if value is not None and value != found:
            raise bad_digest(self.algorithm)


_CHOSEN = Declared(DEFAULT, asked=False)


def bad_digest(algorithm: Algorithm) -> AwsError:
    return AwsError("BadDigest", f"The {algorithm.name} you specified did not match the calculated checksum.")


def named(name: str) -> Algorithm:
    """An algorithm by the name in a request. Raises AWS's InvalidRequest."""
    found = ALGORITHMS.get(name.upper())
    if found is None:
        raise AwsError("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with"
                       " any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")  # fmt: skip
    return found


def given(params: Params) -> dict[str, str]:
    """Checksums among members, by member: of a request's headers or of a part in a list."""
    return {member: params[member] for member in _MEMBERS.keys() & params.keys()}


_NO_VALUES = frozenset({b"x-amz-checksum-algorithm", b"x-amz-checksum-mode", b"x-amz-checksum-type"})


def _check_names(fields: dict[bytes, bytes]) -> None:
    """Refuse checksums by algorithms that S3 does not know."""
    for name in fields:
        if name.startswith(b"x-amz-checksum-") and name.decode() not in _HEADERS and name not in _NO_VALUES:
            raise AwsError(
                "InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid."
            )


def check_values(fields: dict[bytes, bytes]) -> Declared | None:
    """What the headers of a document say of its checksum. Raises AWS's InvalidRequest and InvalidDigest."""
    _check_names(fields)
    sent = {
        each.member: fields[each.header.encode()].decode("latin-1")
        for each in _MEMBERS.values()
        if each.header.encode() in fields
    }
    found = declared(sent, None) if sent else None
    if b"content-md5" in fields:
        _read_md5(fields[b"content-md5"].decode("latin-1"))
    return found


def check_document(fields: dict[bytes, bytes], body: bytes) -> None:
    """Content-MD5 and checksum of a document, where they are given. Raises BadDigest and AWS's refusals."""
    found = check_values(fields)
    md5 = fields.get(b"content-md5")
    digest = ALGORITHMS["MD5"].of
    if md5 is not None:
        check_md5(md5.decode("latin-1"), lambda: digest(body), document=True)
    if found is not None:
        found.check(found.algorithm.of(body), {})


def declared(params: Params, http: Request | None) -> Declared:
    """What the headers of an upload say. Raises AWS's InvalidRequest for what contradicts itself."""
    members = _MEMBERS.keys() & params.keys()
    fields = http.fields if http is not None else {}
    _check_names(fields)
    trailing = fields.get(b"x-amz-trailer")
    asked = params.get("ChecksumAlgorithm")
    if not members and trailing is None:
        if asked is not None:
            raise AwsError(
                "InvalidRequest",
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or"
                " x-amz-trailer headers were found.",
            )
        return _CHOSEN
    if len(members) + (trailing is not None) > 1:
        raise AwsError(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    if trailing is not None:
        algorithm = _HEADERS.get(trailing.decode("latin-1").strip().lower())
        if algorithm is None:
            raise AwsError(
                "InvalidRequest", "The value specified in the x-amz-trailer header is not supported"
            )
        found = Declared(algorithm, trailer=True)
    else:
        member = members.pop()
        algorithm = _MEMBERS[member]
        found = Declared(algorithm, algorithm.read(params[member]))
    if asked is not None and named(asked) is not algorithm:
        raise AwsError("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
    return found


def text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def decoded(value: str) -> bytes:
    """Of one that we have written ourselves."""
    return base64.b64decode(value)


def composite(algorithm: Algorithm, parts: Iterable[bytes]) -> str:
    """The checksum of the parts' checksums, and how many there were."""
    values = list(parts)
    return f"{text(algorithm.of(b''.join(values)))}-{len(values)}"


def whole(algorithm: Algorithm, parts: Iterable[tuple[bytes, int]]) -> str:
    """The checksum of the whole object, from those of its parts and their sizes."""
    combine = getattr(_native(), f"combine_{algorithm.name.lower()}")
    value = 0
    for checksum, size in parts:
        value = combine(value, int.from_bytes(checksum, "big"), size)
    return text(value.to_bytes(algorithm.size, "big"))


def check_md5(sent: str | None, digest: Callable[[], bytes], *, document: bool = False) -> None:
    """Content-MD5, where there is one. Raises InvalidDigest or BadDigest.

    BadDigest names the digest of an object in hexadecimal, that of a `document` as sent (measured on AWS by
    others, see `maycloud.wire.s3`).
    """
    if sent is None:
        return
    wanted = _read_md5(sent)
    found = digest()
    if wanted != found:
        raise AwsError(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            CalculatedDigest=text(found),
            ExpectedDigest=sent if document else wanted.hex(),
        )


def _read_md5(sent: str) -> bytes:
    try:
        wanted = base64.b64decode(sent, validate=True)
    except binascii.Error:
        wanted = b""
    if len(wanted) != 16:
        named: dict[str, Any] = {"Content-MD5": sent}
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", **named)
    return wanted
