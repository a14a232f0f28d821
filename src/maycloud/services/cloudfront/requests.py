"""A viewer's request: which distribution, which path, what of it makes the cache key and what goes on."""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from maycloud.edge.messages import RawHeaders, Request
from maycloud.edge.router import parse_host
from maycloud.services.cloudfront import pages
from maycloud.services.cloudfront.behaviors import Behavior, Compiled, choose_cookies, choose_query
from maycloud.services.cloudfront.compression import accepted
from maycloud.services.cloudfront.origins import Outgoing
from maycloud.services.cloudfront.pages import EdgeError
from maycloud.services.cloudfront.store import id_of

PATH = "/_aws/cloudfront/"
MAX_URL = 8192  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html

# Of a viewer's headers, what an origin always gets.
_ALWAYS = frozenset(
    {
        b"cache-control", b"content-type", b"content-md5", b"content-encoding", b"content-language", b"date",
        b"from", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range",
        b"pragma", b"range", b"x-forwarded-for",
    }
)  # fmt: skip
# And what it gets only where a policy names it; with legacy settings all others pass.
_REMOVED = frozenset(
    {
        b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"authorization", b"cookie",
        b"host", b"origin", b"referer", b"user-agent",
    }
)  # fmt: skip
_NEVER = frozenset(
    {
        b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect",
        b"proxy-authorization", b"proxy-authenticate", b"proxy-connection", b"content-length", b"via",
        b"x-real-ip", b"x-forwarded-proto", b"http2-settings",
    }
)  # fmt: skip
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+/?")  # nothing to decode, no dot segments
_OURS = (b"cloudfront-", b"x-amz-cf-", b"x-edge-")


@dataclass(slots=True)
class Viewer:
    """One request to a distribution. `path` is as sent, with the default root object put in."""

    request: Request
    distribution: Compiled
    behavior: Behavior
    method: str
    path: str
    query: str
    identifier: bytes
    encodings: tuple[str, ...] = ()  # that the viewer takes, of those that the behavior tells apart

    @property
    def encoding(self) -> str:
        """What to compress with, "" for nothing: Brotli before gzip, as AWS prefers it."""
        return self.encodings[0] if self.behavior.compress and self.encodings else ""

    @property
    def cacheable(self) -> bool:
        return self.method in self.behavior.cached_methods and self.behavior.caches


def locate(request: Request, alias: Callable[[bytes], str]) -> tuple[str, str]:
    """Distribution id and path, by host, by one of its alternate names or by the path form."""
    path = request.path
    if path.startswith(PATH):
        label, slash, rest = path.removeprefix(PATH).partition("/")
        return id_of(label), f"/{rest}" if slash else "/"
    host = request.fields.get(b"host", b"")
    return alias(host) or id_of(parse_host(host).id), path


def secure_location(request: Request) -> str:
    """The same address over HTTPS: one port serves both."""
    host = request.header("host")
    return f"https://{host}{request.target}"


def normalized(path: str) -> str:
    """The path that patterns are compared with: decoded, without dot segments (RFC 3986, 5.2.4).

    Decoding all of it makes sure that no spelling of a path gets round the behavior that guards it.
    """
    if _PLAIN.fullmatch(path):
        return path
    raw = unquote_to_bytes(path.encode("latin-1"))
    if b"\0" in raw:
        raise EdgeError(400, pages.BAD_REQUEST)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise EdgeError(400, pages.BAD_REQUEST) from error
    if "/." not in text:
        return text
    clean = posixpath.normpath(text)
    if text.endswith(("/", "/.", "/..")) and clean != "/":
        clean += "/"
    return "/" + clean.lstrip("/")


def read(request: Request, distribution: Compiled, path: str, identifier: bytes) -> Viewer:
    """Raises EdgeError for what no behavior takes."""
    if len(request.target) > MAX_URL:
        raise EdgeError(414, pages.BAD_REQUEST)
    behavior = distribution.match(normalized(path))
    if path == "/" and distribution.root:
        # The root object's own behavior decides; AWS matches the address that the origin will see.
        path = "/" + distribution.root
        behavior = distribution.match(normalized(path))
    encodings = accepted(request.fields.get(b"accept-encoding", b""), behavior.encodings)
    return Viewer(request, distribution, behavior, request.method, path, request.query, identifier, encodings)


def cache_key(viewer: Viewer) -> tuple[Any, ...]:
    """What tells answers apart: the path and what the behavior's policy says."""
    behavior, fields = viewer.behavior, viewer.request.fields
    return (
        viewer.distribution.id,
        behavior.origin.id,
        viewer.path,
        choose_query(viewer.query, behavior.key_queries),
        tuple([fields.get(name) for name in behavior.key_headers]),
        choose_cookies(fields.get(b"cookie", b""), behavior.key_cookies),
        viewer.encodings,
        viewer.method == "OPTIONS",
    )


def uri(viewer: Viewer) -> str:
    """What an invalidation's path is compared with."""
    query = choose_query(viewer.query, viewer.behavior.key_queries)
    text = unquote_to_bytes(viewer.path.encode("latin-1")).decode("utf-8", "replace")
    return f"{text}?{query}" if query else text


def outgoing(viewer: Viewer) -> Outgoing:
    """The request to the origin: what policies choose, what CloudFront adds, nothing that could smuggle."""
    behavior, request = viewer.behavior, viewer.request
    headers: RawHeaders = [(b"host", _origin_host(viewer))]
    seen = {b"host"}
    hop = {name.strip().lower() for name in request.fields.get(b"connection", b"").split(b",")}
    for name, value in request.fields.items():
        if (
            name in _NEVER
            or name in hop
            or name.startswith(_OURS)
            or name in (b"host", b"cookie", b"x-forwarded-for")
        ):
            continue
        if _passes(viewer, name):
            headers.append((name, value))
            seen.add(name)
    cookies = choose_cookies(request.fields.get(b"cookie", b""), behavior.cookies)
    if cookies:
        headers.append((b"cookie", cookies))
    if b"user-agent" not in seen:
        headers.append((b"user-agent", b"Amazon CloudFront"))
    if viewer.encodings and b"accept-encoding" not in seen:
        headers.append((b"accept-encoding", ",".join(viewer.encodings).encode()))
    earlier = request.fields.get(b"x-forwarded-for")
    peer = request.peer.encode()
    headers.append((b"x-forwarded-for", earlier + b", " + peer if earlier else peer))
    via, passed = viewer.distribution.via, request.fields.get(b"via")
    headers.append((b"via", passed + b", " + via if passed else via))
    headers.append((b"x-amz-cf-id", viewer.identifier))
    headers += [(name.encode(), value) for name in behavior.edge_headers if (value := _told(name, request))]
    query = choose_query(viewer.query, behavior.queries)
    return Outgoing(viewer.method, viewer.path, query, headers, request.body, request.peer, request.secure)


def _origin_host(viewer: Viewer) -> bytes:
    origin, behavior = viewer.behavior.origin, viewer.behavior
    if "host" in behavior.headers and not origin.bucket:
        return viewer.request.fields.get(b"host", b"")
    custom = origin.config.get("CustomOriginConfig") or {}
    port = custom.get("HTTPPort", 80)
    if custom.get("OriginProtocolPolicy") == "https-only" or (
        custom.get("OriginProtocolPolicy") == "match-viewer" and viewer.request.secure
    ):
        port = custom.get("HTTPSPort", 443)
    return origin.domain.encode() if port in (80, 443) else f"{origin.domain}:{port}".encode()


def _passes(viewer: Viewer, name: bytes) -> bool:
    behavior = viewer.behavior
    if name.decode("latin-1") in behavior.headers:
        return True
    if name in (b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"range",
                b"if-range"):  # fmt: skip
        # The cache asks in its own name, for all of it.
        return not viewer.cacheable
    if name in _ALWAYS:
        return True
    if name == b"authorization":
        return viewer.method not in ("GET", "HEAD", "OPTIONS")
    return behavior.legacy and name not in _REMOVED


def _told(name: str, request: Request) -> bytes | None:
    """A header that CloudFront adds of its own knowledge."""
    told = {
        "cloudfront-forwarded-proto": b"https" if request.secure else b"http",
        "cloudfront-viewer-http-version": b"1.1",
        "cloudfront-viewer-address": f"{request.peer}:0".encode(),
    }
    return told.get(name)
