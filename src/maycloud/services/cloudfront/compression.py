"""Compression at the edge: which answers, and how.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
"""

import functools
import gzip
from collections.abc import Mapping

SMALLEST, LARGEST = 1_000, 10_000_000  # bytes

_TYPES = """
application/dash+xml application/eot application/font application/font-sfnt application/javascript
application/json application/opentype application/otf application/pdf application/pkcs7-mime
application/protobuf application/rss+xml application/truetype application/ttf
application/vnd.apple.mpegurl application/vnd.mapbox-vector-tile application/vnd.ms-fontobject
application/wasm application/xhtml+xml application/xml application/x-font-opentype
application/x-font-truetype application/x-font-ttf application/x-httpd-cgi application/x-javascript
application/x-mpegurl application/x-opentype application/x-otf application/x-perl application/x-ttf
font/eot font/opentype font/otf font/ttf image/svg+xml text/css text/csv text/html text/javascript
text/js text/plain text/richtext text/tab-separated-values text/xml text/x-component
text/x-java-source text/x-script vnd.apple.mpegurl
"""
TYPES = frozenset(_TYPES.split())

_BROTLI_QUALITY = 5  # of 11: about gzip's speed


@functools.lru_cache(maxsize=512)
def accepted(header: bytes, encodings: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `encodings` that an Accept-Encoding takes, the preferred first.

    Together they are the header as CloudFront normalizes it, for the cache key and the origin.
    """
    if not header or not encodings:
        return ()
    taken: dict[str, bool] = {}
    for part in header.decode("latin-1").lower().split(","):
        name, _, quality = part.partition(";")
        weight = quality.replace(" ", "").removeprefix("q=")
        taken[name.strip()] = weight.strip("0.") != "" if weight else True
    return tuple(encoding for encoding in encodings if taken.get(encoding, taken.get("*", False)))


def worthwhile(status: int, headers: Mapping[bytes, bytes], size: int) -> bool:
    media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    control = headers.get(b"cache-control", b"")
    return (
        status in (200, 403, 404)
        and SMALLEST <= size <= LARGEST
        and media in TYPES
        and b"content-encoding" not in headers
        and b"no-transform" not in control.lower()
    )


def compress(body: bytes, encoding: str) -> bytes:
    """The same bytes for the same body: no time in the header."""
    if encoding == "br":
        import brotli  # five megabytes, for those who compress with it

        return brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY)
    assert encoding == "gzip"
    return gzip.compress(body, 6, mtime=0)
