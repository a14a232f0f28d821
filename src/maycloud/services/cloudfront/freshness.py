"""How long an answer may be kept, and whether a client's copy still holds.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from maycloud.services.cloudfront.behaviors import CustomError
from maycloud.services.tokens import is_number

Fields = Mapping[bytes, bytes]

_ALWAYS = frozenset({404, 414, 500, 501, 502, 503, 504})  # errors cached without the origin's word
_ERROR_TTL = 10  # seconds, where ErrorCachingMinTTL is not set


def directives(value: bytes) -> dict[str, str]:
    """Cache-Control as names and values, in lower case."""
    found: dict[str, str] = {}
    for part in value.decode("latin-1").split(","):
        name, _, argument = part.strip().partition("=")
        if name:
            found.setdefault(name.strip().lower(), argument.strip().strip('"'))
    return found


def date(value: bytes | None) -> float | None:
    """An HTTP date in epoch seconds; None where it is none."""
    if not value:
        return None
    try:
        return parsedate_to_datetime(value.decode("latin-1")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _said(headers: Fields, now: float) -> float | None:
    """Seconds that the origin itself gives: s-maxage, max-age, Expires; None if it is silent."""
    control = directives(headers.get(b"cache-control", b""))
    for name in ("s-maxage", "max-age"):
        if name in control:
            text = control[name]
            return float(min(int(text), 1 << 31)) if is_number(text) else 0.0
    if b"expires" in headers:
        expires = date(headers[b"expires"])
        return max(0.0, expires - now) if expires is not None else 0.0
    return None


def lifetime(headers: Fields, ttl: tuple[int, int, int], now: float) -> float:
    """Seconds to keep an answer; 0 is not at all. `ttl` is the behavior's minimum, default and maximum."""
    low, usual, high = ttl
    control = directives(headers.get(b"cache-control", b""))
    if {"no-cache", "no-store", "private"} & control.keys():
        return float(low)
    said = _said(headers, now)
    if said is None:
        return float(max(low, usual))
    return min(max(said, float(low)), float(max(low, high)))


def error_lifetime(status: int, headers: Fields, custom: CustomError | None, now: float) -> float:
    """Seconds to keep an error."""
    said = _said(headers, now) or 0.0
    if custom is not None:
        return max(said, float(custom.ttl))
    return max(said, float(_ERROR_TTL)) if status in _ALWAYS else said


def unchanged(request: Fields, etag: bytes | None, modified: float | None) -> bool:
    """Whether a GET's conditions are answered by 304 (RFC 9110, 13.2.2)."""
    wanted = request.get(b"if-none-match")
    if wanted is not None:
        if wanted.strip() == b"*":
            return True
        return etag is not None and _weak(etag) in {_weak(each.strip()) for each in wanted.split(b",")}
    since = date(request.get(b"if-modified-since"))
    return since is not None and modified is not None and modified <= since


def _weak(tag: bytes) -> bytes:
    return tag.removeprefix(b"W/")


def ranges_apply(request: Fields, etag: bytes | None, modified: float | None) -> bool:
    """Whether Range counts: If-Range, where sent, must name just this version (strongly)."""
    given = request.get(b"if-range")
    if given is None:
        return True
    if given.startswith((b'"', b"W/")):
        return etag is not None and given == etag and not given.startswith(b"W/")
    return modified is not None and date(given) == modified


def byte_range(value: bytes, size: int) -> tuple[int, int] | None:
    """Start and length of a single range. None: to be ignored. Raises ValueError: not satisfiable."""
    unit, _, text = value.decode("latin-1").partition("=")
    first, dash, last = text.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or "," in text:
        return None
    if not all(part == "" or (part.isascii() and part.isdigit()) for part in (first, last)):
        return None
    if not first:
        if not last:
            return None
        length = min(int(last), size)
        if not length:
            raise ValueError("not satisfiable")
        return size - length, length
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError("not satisfiable")
    return start, (min(int(last), size - 1) if last else size - 1) - start + 1
