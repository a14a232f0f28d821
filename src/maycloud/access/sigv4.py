"""Signature Version 4, computed anew from the request and compared.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import functools
import hashlib
import hmac
import posixpath
import re
from calendar import timegm
from dataclasses import dataclass
from time import strptime
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from maycloud.edge.messages import Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

_SPACES = re.compile(r" {2,}")
# What nearly every client sends; everything else is taken apart with more patience.
_USUAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^, ]+), ?SignedHeaders=([^, ]+), ?Signature=([0-9a-f]{64})"
)
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")


class IncompleteError(Exception):
    """What is missing or malformed, in AWS's words."""


class BadDateError(IncompleteError):
    """The time of signing is missing or none."""


class BadCredentialError(IncompleteError):
    """The credential is no scope."""


@dataclass(slots=True)
class Signature:
    """What a request claims: whose key, what scope, which headers, when, and the signature itself."""

    access_key: str
    date: str  # YYYYMMDD
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: str  # 20260131T120000Z
    token: str | None
    expires: int | None = None  # seconds of a presigned URL's life, None for a header signature

    @property
    def time(self) -> float:
        """Epoch seconds of the signing."""
        return _epoch(self.moment)

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


# Of the usual Authorization header, in bytes: credential, names, signature.
USUAL = re.compile(
    rb"AWS4-HMAC-SHA256 Credential=([^, ]+), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
# Paths that S3 signs as they are: nothing in them is encoded, nor would be.
PLAIN_PATH = re.compile(r"/[A-Za-z0-9/_.~-]*")
SIGNATURE = 64  # hexadecimal digits that end the usual Authorization header


class Hmac:
    """HMAC-SHA256 with one key, whose two blocks are hashed once and not for each message."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        """`key` is a signing key of 32 bytes."""
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def hexdigest(self, message: bytes) -> str:
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


class Repeated:
    """What the requests of one client share: the Authorization header up to its signature, taken apart once.

    `canonical` is the canonical request of one without a query, with places for method and path, for the
    values of `names` and for the hash of the body; `to_sign` the string to sign with places for moment and
    hash.
    """

    __slots__ = ("canonical", "date", "has_target", "hmac", "names", "region", "service", "to_sign", "unseen")

    def __init__(self, claim: Signature, secret: str) -> None:
        self.names = tuple(name.encode("latin-1") for name in claim.signed_headers)
        self.date = claim.date.encode("latin-1")
        self.region = claim.region
        self.service = claim.service
        self.has_target = b"x-amz-target" in self.names
        self.unseen = True  # until a signature proved right
        lines = b"".join(name + b":%b\n" for name in self.names)
        self.canonical = b"%%b\n%b\n%b\n%%b" % (lines, b";".join(self.names))
        scope = claim.scope.encode("latin-1").replace(b"%", b"%%")
        self.to_sign = b"AWS4-HMAC-SHA256\n%b\n" + scope + b"\n%b"
        self.hmac = Hmac(signing_key(secret, claim.date, claim.region, claim.service))


@functools.lru_cache(maxsize=1024)
def quick_time(moment: bytes) -> float:
    """Epoch seconds; a moment that cannot be read is long ago."""
    try:
        return _epoch(moment.decode("latin-1"))
    except ValueError:
        return 0.0


@functools.lru_cache(maxsize=1024)
def _epoch(moment: str) -> float:
    return timegm(strptime(moment, "%Y%m%dT%H%M%SZ"))


@functools.lru_cache(maxsize=256)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def from_header(request: Request) -> Signature:
    """The signature in the Authorization header. Raises IncompleteError."""
    text = request.fields[b"authorization"].decode("latin-1")
    usual = _USUAL.fullmatch(text)
    if usual is not None:
        moment = request.fields.get(b"x-amz-date", b"").decode("latin-1")
        if _DATE.fullmatch(moment):
            credential, headers, signature = usual.groups()
            return _claim(credential, headers, signature, moment, _token(request))
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        raise IncompleteError(f"Unsupported AWS 'algorithm': '{algorithm[:64]}'.")
    parts: dict[str, str] = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        if name not in ("Credential", "SignedHeaders", "Signature") or name in parts:
            raise IncompleteError(
                f"'{part.strip()[:64]}' not a valid key=value pair (missing equal-sign) in Authorization"
                " header."
            )
        parts[name] = value
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not parts.get(name)
    ]
    moment = request.header("x-amz-date")
    if not moment:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing:
        raise (BadDateError if not moment and len(missing) == 1 else IncompleteError)(" ".join(missing))
    if not _DATE.fullmatch(moment):
        raise BadDateError("Date must be in ISO-8601 'basic format'. Got '" + moment[:32] + "'.")
    return _claim(parts["Credential"], parts["SignedHeaders"], parts["Signature"], moment, _token(request))


def _token(request: Request) -> str | None:
    token = request.fields.get(b"x-amz-security-token")
    return token.decode("latin-1") if token is not None else None


def _claim(
    credential: str, headers: str, signature: str, moment: str, token: str | None, expires: int | None = None
) -> Signature:
    key, date, region, service = _scope(credential)
    names = _names(headers)
    return Signature(key, date, region, service, names, signature, moment, token, expires)


@functools.lru_cache(maxsize=1024)
def _names(headers: str) -> tuple[str, ...]:
    return tuple(headers.lower().split(";"))


@functools.lru_cache(maxsize=1024)
def _scope(credential: str) -> tuple[str, str, str, str]:
    """Access key, date, region and service of a credential scope."""
    scope = credential.split("/")
    if len(scope) < 5 or scope[-1] != "aws4_request":
        raise BadCredentialError(
            "Credential must have exactly 5 slash-delimited elements, e.g."
            f" keyid/date/region/service/term, got '{credential[:64]}'"
        )
    return "/".join(scope[:-4]), scope[-4], scope[-3], scope[-2]


def from_query(query: dict[str, str]) -> Signature:
    """The signature of a presigned URL. Raises IncompleteError."""
    names = ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")
    if query.get("X-Amz-Algorithm") != ALGORITHM or not all(query.get(name) for name in names):
        raise IncompleteError(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential,"
            " X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    expires = query["X-Amz-Expires"]
    if expires.startswith("-") and expires[1:].isdecimal():
        raise IncompleteError("X-Amz-Expires must be non-negative")
    if not expires.isdecimal():
        raise IncompleteError("X-Amz-Expires should be a number")
    if int(expires[:9]) > 604_800:
        raise IncompleteError(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be"
            " less than 604800 seconds"
        )
    if not _DATE.fullmatch(query["X-Amz-Date"]):
        raise IncompleteError("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    return _claim(
        query["X-Amz-Credential"],
        query["X-Amz-SignedHeaders"],
        query["X-Amz-Signature"],
        query["X-Amz-Date"],
        query.get("X-Amz-Security-Token"),
        int(expires),
    )


def canonical_request(request: Request, claim: Signature, payload_hash: str) -> str:
    path, query = request.path, request.query
    if claim.service == "s3":
        canonical_path = _encode(path, "/") if path != "/" else "/"
    elif path == "/":
        canonical_path = "/"
    else:
        canonical_path = quote(_normalized(path), safe="/~")
    fields = request.fields
    lines = []
    for name in claim.signed_headers:
        value = fields.get(name.encode("latin-1"), b"").decode("utf-8", "replace").strip()
        lines.append(f"{name}:{_SPACES.sub(' ', value) if '  ' in value else value}\n")
    canonical_query = _canonical_query(query, claim.expires is not None) if query else ""
    return "\n".join(
        (
            request.method,
            canonical_path,
            canonical_query,
            "".join(lines),
            ";".join(claim.signed_headers),
            payload_hash,
        )
    )


def without_port(request: Request, canonical: str) -> str:
    """A canonical request as those sign it who leave the port out of the host: AWS's addresses have none."""
    host = request.fields.get(b"host", b"").decode("utf-8", "replace").strip()
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        return canonical
    return canonical.replace(f"\nhost:{host}\n", f"\nhost:{name}\n", 1)


def _normalized(path: str) -> str:
    """Without dot segments and double slashes, as every service but S3 has it."""
    normal = posixpath.normpath(path)
    normal = "/" + normal.lstrip("/")
    return normal + "/" if path.endswith("/") and normal != "/" else normal


@functools.lru_cache(maxsize=1024)
def _encode(text: str, safe: str = "") -> str:
    return quote_from_bytes(unquote_to_bytes(text), safe=safe + "-_.~")


def _canonical_query(query: str, presigned: bool) -> str:
    pairs = []
    for part in query.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        name = _encode(name)
        if presigned and name == "X-Amz-Signature":
            continue
        pairs.append(f"{name}={_encode(value)}")
    # By encoded name, then value: "=" sorts before every character that encoding leaves but digits and "-.".
    pairs.sort(key=lambda pair: pair.split("=", 1))
    return "&".join(pairs)


def sign(secret: str, claim: Signature, canonical: str) -> str:
    """The signature that the request should carry."""
    key = signing_key(secret, claim.date, claim.region, claim.service)
    return hmac.digest(key, string_to_sign(claim, canonical).encode(), "sha256").hex()


def string_to_sign(claim: Signature, canonical: str) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{ALGORITHM}\n{claim.moment}\n{claim.scope}\n{digest}"


def chunk_signature(secret: str, claim: Signature, previous: str, chunk: bytes) -> str:
    """Of one chunk of a streamed body, chained to the one before."""
    to_sign = (
        f"AWS4-HMAC-SHA256-PAYLOAD\n{claim.moment}\n{claim.scope}\n{previous}\n{EMPTY_HASH}\n"
        f"{hashlib.sha256(chunk).hexdigest()}"
    )
    key = signing_key(secret, claim.date, claim.region, claim.service)
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def trailer_signature(secret: str, claim: Signature, previous: str, trailers: bytes) -> str:
    """Of the trailing headers, ``name:value\\n`` each, chained to the last chunk's."""
    to_sign = (
        f"AWS4-HMAC-SHA256-TRAILER\n{claim.moment}\n{claim.scope}\n{previous}\n"
        f"{hashlib.sha256(trailers).hexdigest()}"
    )
    key = signing_key(secret, claim.date, claim.region, claim.service)
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
