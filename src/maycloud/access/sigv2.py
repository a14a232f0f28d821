"""Signature Version 2, as S3 alone takes it still: in URLs, which boto3 makes in us-east-1 unless told
otherwise, and in headers.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

import base64
import hmac
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from maycloud.edge.messages import Request
from maycloud.edge.router import parse_host

# Parameters that are part of what is signed.
_SUBRESOURCES = frozenset(
    {
        "accelerate", "acl", "analytics", "cors", "delete", "encryption", "inventory", "legal-hold",
        "lifecycle", "location", "logging", "metrics", "notification", "object-lock", "partNumber", "policy",
        "policyStatus", "publicAccessBlock", "replication", "requestPayment", "response-cache-control",
        "response-content-disposition", "response-content-encoding", "response-content-language",
        "response-content-type", "response-expires", "restore", "retention", "select", "select-type",
        "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
    }
)  # fmt: skip


def parameters(request: Request) -> dict[str, str]:
    pairs = (part.partition("=") for part in request.query.split("&"))
    return {unquote(name): unquote(value) for name, _, value in pairs}


def sign(secret: str, to_sign: str) -> str:
    """The signature that the URL should carry."""
    return base64.b64encode(hmac.digest(secret.encode(), to_sign.encode(), "sha1")).decode()


def from_header(request: Request) -> tuple[str, str] | None:
    """Access key and signature of an Authorization header of this version, None for one that has not both."""
    key, colon, signature = request.header("authorization").removeprefix("AWS ").rpartition(":")
    return (key.strip(), signature.strip()) if colon and key.strip() and signature.strip() else None


def time_of(request: Request) -> float | None:
    """When a request says it was signed, in epoch seconds; None for never."""
    text = request.header("x-amz-date") or request.header("date")
    for read in (_iso, _mail):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _iso(text: str) -> float:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _mail(text: str) -> float:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def string_to_sign(request: Request, query: dict[str, str]) -> str:
    fields = request.fields
    date = "" if b"x-amz-date" in fields else _text(fields.get(b"date", b""))
    lines = [
        request.method,
        _text(fields.get(b"content-md5", b"")),
        _text(fields.get(b"content-type", b"")),
        query.get("Expires", "") if b"authorization" not in fields else date,
    ]
    headers = {
        name.decode("latin-1"): _text(value) for name, value in fields.items() if name.startswith(b"x-amz-")
    }
    headers |= {name.lower(): value for name, value in query.items() if name.lower().startswith("x-amz-")}
    lines += [f"{name}:{headers[name].strip()}" for name in sorted(headers)]
    lines.append(_resource(request, query))
    return "\n".join(lines)


def with_slash(to_sign: str) -> str:
    """The same with a slash at the end of its path, if that is a bucket's."""
    head, _, resource = to_sign.rpartition("\n")
    path, mark, query = resource.partition("?")
    return f"{head}\n{path}/{mark}{query}" if path.count("/") == 1 and path != "/" else to_sign


def _resource(request: Request, query: dict[str, str]) -> str:
    host = parse_host(request.fields.get(b"host", b""))
    bucket = host.bucket or host.guess
    path = f"/{bucket}{request.path}" if bucket else request.path
    signed = sorted(name for name in query if name in _SUBRESOURCES)
    bare = {part for part in request.query.split("&") if "=" not in part}
    pairs = [name if name in bare else f"{name}={query[name]}" for name in signed]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _text(value: bytes) -> str:
    return value.decode("latin-1")
