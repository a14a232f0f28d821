"""Fetching from origins: buckets as the distribution's principal, this cloud's hosts, others over HTTP."""

import asyncio
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from maycloud import outside
from maycloud.edge.messages import BodyStream, BodyTooLargeError, FileBody, RawHeaders, Request, Response
from maycloud.edge.router import parse_host
from maycloud.errors import AwsError
from maycloud.principal import ANONYMOUS, Principal
from maycloud.services.base import Cloud
from maycloud.services.cloudfront import pages
from maycloud.services.cloudfront.behaviors import Compiled, Origin
from maycloud.services.cloudfront.freshness import date
from maycloud.services.cloudfront.pages import EdgeError
from maycloud.services.tokens import is_number

if TYPE_CHECKING:
    import urllib3

MAX_SENT = 20 << 20  # bytes of a request's body to an origin
_PIECE = 256 << 10
_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
        b"transfer-encoding", b"upgrade", b"proxy-connection",
    }
)  # fmt: skip

Body = bytes | FileBody | AsyncIterator[bytes]


@dataclass(slots=True)
class Outgoing:
    """A request to an origin; `target` is path and query below the origin's path."""

    method: str
    path: str
    query: str
    headers: RawHeaders
    body: bytes | BodyStream = b""
    peer: str = "127.0.0.1"
    secure: bool = False  # the viewer came over TLS

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def fields(self) -> dict[bytes, bytes]:
        return dict(self.headers)


@dataclass(slots=True)
class Incoming:
    """An origin's answer, its headers in lower case and without framing."""

    status: int
    headers: RawHeaders
    body: Body
    fields: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    def __post_init__(self) -> None:
        self.fields = dict(self.headers)

    async def close(self) -> None:
        """Let go of a body that nobody will read."""
        aclose = getattr(self.body, "aclose", None)
        if aclose is not None:
            await aclose()


class Origins:
    """Sends to origins. Raises EdgeError where one cannot be reached."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def fetch(self, distribution: Compiled, origin: Origin, request: Outgoing) -> Incoming:
        request.path = origin.path + request.path
        request.headers += origin.headers
        if origin.bucket:
            return await _from_bucket(self._cloud, distribution, origin, request)
        if _is_ours(origin.domain):
            return await self._inside(origin, request)
        return await _over_http(origin, request)

    async def _inside(self, origin: Origin, request: Outgoing) -> Incoming:
        """A host that this cloud serves itself: an API, a load balancer, a bucket, a distribution."""
        reply: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        host = request.fields.get(b"host", b"")
        if parse_host(host).kind != parse_host(origin.domain.encode()).kind:
            # A Host header of the viewer's that the origin does not know is 403 on AWS, too.
            raise EdgeError(403, pages.BAD_REQUEST)
        secure = _scheme(origin, request) == "https"
        sent = Request(request.method, request.target, request.headers, request.body, request.peer, secure)
        application: Any = self._cloud
        application.application(sent, reply.set_result)
        response = await reply
        headers = [
            (name.lower(), value)
            for name, value in response.headers
            if name.lower() not in _HOP and (name.lower() != b"content-length" or request.method == "HEAD")
        ]
        return Incoming(response.status, headers, response.body)


def _is_ours(domain: str) -> bool:
    found = parse_host(domain.encode())
    return found.kind != "api" or found.bucket is not None


def _scheme(origin: Origin, request: Outgoing) -> str:
    policy = (origin.config.get("CustomOriginConfig") or {}).get("OriginProtocolPolicy", "match-viewer")
    if policy == "match-viewer":
        return "https" if request.secure else "http"
    return "https" if policy == "https-only" else "http"


# S3


def _principal(distribution: Compiled, origin: Origin) -> Principal:
    """Who the bucket's policy sees: the service for this distribution, the identity, or nobody.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    if origin.control is not None and origin.control["SigningBehavior"] != "never":
        return Principal(
            "service", distribution.account, "cloudfront.amazonaws.com", "cloudfront.amazonaws.com",
            context={"aws:SourceArn": distribution.arn, "aws:SourceAccount": distribution.account},
            trusted=False,
        )  # fmt: skip
    if origin.identity:
        name = f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {origin.identity}"
        return Principal("service", distribution.account, name, origin.canonical, trusted=False)
    return ANONYMOUS


_READ = {
    b"if-none-match": "IfNoneMatch",
    b"if-match": "IfMatch",
}
_READ_DATES = {b"if-modified-since": "IfModifiedSince", b"if-unmodified-since": "IfUnmodifiedSince"}
_KEPT = (
    ("ContentType", b"content-type"),
    ("CacheControl", b"cache-control"),
    ("ContentDisposition", b"content-disposition"),
    ("ContentEncoding", b"content-encoding"),
    ("ContentLanguage", b"content-language"),
    ("ETag", b"etag"),
    ("AcceptRanges", b"accept-ranges"),
    ("ServerSideEncryption", b"x-amz-server-side-encryption"),
    ("VersionId", b"x-amz-version-id"),
    ("WebsiteRedirectLocation", b"x-amz-website-redirect-location"),
)
_WRITTEN = {
    b"content-type": "ContentType",
    b"cache-control": "CacheControl",
    b"content-disposition": "ContentDisposition",
    b"content-encoding": "ContentEncoding",
    b"content-language": "ContentLanguage",
}


async def _from_bucket(cloud: Cloud, distribution: Compiled, origin: Origin, request: Outgoing) -> Incoming:
    try:
        key = unquote_to_bytes(request.path.encode("latin-1"))[1:].decode()
    except UnicodeDecodeError as error:
        raise EdgeError(400, pages.BAD_REQUEST) from error
    try:
        return await _object(cloud, distribution, origin, request, key)
    except AwsError as error:
        return _s3_error(error)


async def _object(
    cloud: Cloud, distribution: Compiled, origin: Origin, request: Outgoing, key: str
) -> Incoming:
    call = functools.partial(cloud.call, "s3", as_=_principal(distribution, origin), region=origin.region)
    params: dict[str, Any] = {"Bucket": origin.bucket, "Key": key}
    if not key:
        # A listing, which an edge would show to the world.
        raise AwsError("AccessDenied", "Access Denied", 403)
    fields = request.fields
    if request.method in ("GET", "HEAD"):
        params |= {
            name: fields[header].decode("latin-1") for header, name in _READ.items() if header in fields
        }
        for header, name in _READ_DATES.items():
            moment = _datetime(fields.get(header))
            if moment is not None:
                params[name] = moment
        if b"range" in fields and b"if-range" not in fields:
            params["Range"] = fields[b"range"].decode("latin-1")
        found = await call("GetObject", params)
        headers, body = _object_headers(found), found.get("Body", b"")
        if not isinstance(body, bytes | FileBody):
            headers.append((b"content-length", str(found["ContentLength"]).encode()))
        if found.get("ContentRange"):
            headers.append((b"content-range", found["ContentRange"].encode()))
            return Incoming(206, headers, body)
        return Incoming(200, headers, body)
    if request.method == "PUT":
        params |= {
            name: fields[header].decode("latin-1") for header, name in _WRITTEN.items() if header in fields
        }
        done = await call("PutObject", params | {"Body": request.body})
        return Incoming(200, [(b"server", b"AmazonS3"), (b"etag", done["ETag"].encode())], b"")
    if request.method == "DELETE":
        await call("DeleteObject", params)
        return Incoming(204, [(b"server", b"AmazonS3")], b"")
    raise AwsError(
        "MethodNotAllowed", "The specified method is not allowed against this resource.", 405,
        Method=request.method, ResourceType="OBJECT",
    )  # fmt: skip


def _named(fields: dict[bytes, bytes], names: dict[bytes, str]) -> dict[str, Any]:
    """The members that headers give."""
    return {member: fields[name].decode("latin-1") for name, member in names.items() if name in fields}


def _datetime(value: bytes | None) -> Any:
    from datetime import UTC, datetime

    seconds = date(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


def _object_headers(found: dict[str, Any]) -> RawHeaders:
    headers = [(header, str(found[member]).encode("utf-8")) for member, header in _KEPT if found.get(member)]
    if found.get("LastModified") is not None:
        stamp = formatdate(found["LastModified"].timestamp(), usegmt=True)
        headers.append((b"last-modified", stamp.encode()))
    if expires := found.get("Expires") or found.get("ExpiresString"):
        text = expires if isinstance(expires, str) else formatdate(expires.timestamp(), usegmt=True)
        headers.append((b"expires", text.encode("latin-1", "replace")))
    for name, value in (found.get("Metadata") or {}).items():
        headers.append((b"x-amz-meta-" + name.lower().encode("latin-1", "replace"), value.encode()))
    headers.append((b"server", b"AmazonS3"))
    return headers


def _s3_error(error: AwsError) -> Incoming:
    """S3's own document, which CloudFront hands on. Whoever is denied learns no more than that."""
    if error.status == 304:
        return Incoming(304, [(b"server", b"AmazonS3")], b"")
    code, message, members = error.code, error.message, error.members
    if error.status == 403:
        code, message, members = "AccessDenied", "Access Denied", {}
    text = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in members.items())
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message>{text}</Error>"
    )
    headers = [(b"content-type", b"application/xml"), (b"server", b"AmazonS3")]
    return Incoming(error.status, headers, body.encode())


# Other hosts


@functools.cache
def _pool() -> "urllib3.PoolManager":
    import urllib3  # a tenth of a second, which starting the cloud shall not take

    return urllib3.PoolManager(num_pools=64, maxsize=64, retries=False)


async def _over_http(origin: Origin, request: Outgoing) -> Incoming:
    body = request.body
    if not isinstance(body, bytes):
        try:
            body = await body.read(MAX_SENT)
        except BodyTooLargeError as error:
            raise EdgeError(413, "The request body is too large.") from error
    answer = await outside.in_thread(_send, origin, request, body)
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in answer.headers.iteritems()
        if name.lower().encode("latin-1") not in _HOP
    ]
    if request.method == "HEAD":
        await outside.in_thread(answer.release_conn)
        return Incoming(answer.status, headers, b"")
    length = answer.headers.get("content-length", "")
    if not (is_number(length) and int(length) <= _PIECE):
        return Incoming(answer.status, headers, _pieces(answer))
    whole = await outside.in_thread(_read, answer, _PIECE + 1)
    await outside.in_thread(answer.release_conn)
    headers = [header for header in headers if header[0] != b"content-length"]
    return Incoming(answer.status, headers, whole)


def _send(origin: Origin, request: Outgoing, body: bytes) -> Any:
    import urllib3

    custom = origin.config["CustomOriginConfig"]
    scheme = _scheme(origin, request)
    port = custom["HTTPSPort"] if scheme == "https" else custom["HTTPPort"]
    timeout = urllib3.Timeout(connect=origin.config["ConnectionTimeout"], read=custom["OriginReadTimeout"])
    headers = urllib3.HTTPHeaderDict()
    for name, value in request.headers:
        headers.add(name.decode("latin-1"), value.decode("latin-1"))
    try:
        # By its pool: the manager would resolve dot segments, and leave the origin's path by them.
        return _pool().connection_from_host(origin.domain, port, scheme).urlopen(
            request.method, request.target, body=body or None, headers=headers, timeout=timeout,
            redirect=False, retries=False, assert_same_host=False, preload_content=False,
            decode_content=False,
        )  # fmt: skip
    except urllib3.exceptions.NewConnectionError as error:
        raise EdgeError(502, pages.UNREACHABLE) from error
    except urllib3.exceptions.TimeoutError as error:
        raise EdgeError(504, pages.SLOW) from error
    except (urllib3.exceptions.HTTPError, UnicodeError, ValueError) as error:
        raise EdgeError(502, pages.UNREACHABLE) from error


def _read(answer: Any, size: int) -> bytes:
    import urllib3

    try:
        return answer.read(size)
    except urllib3.exceptions.HTTPError as error:
        raise EdgeError(502, pages.SLOW) from error


async def _pieces(answer: Any) -> AsyncIterator[bytes]:
    """A body as it comes. A connection that was not read to its end is not used again."""
    whole = False
    try:
        while piece := await outside.in_thread(_read, answer, _PIECE):
            yield piece
        whole = True
    except EdgeError as error:
        raise ConnectionError("the origin broke off") from error
    finally:
        if whole:
            answer.release_conn()
        else:
            answer.close()
