"""Signature Version 2 in the query of an S3 URL: what boto3 makes in us-east-1 unless told otherwise.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

import base64
import hmac
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


def string_to_sign(request: Request, query: dict[str, str]) -> str:
    fields = request.fields
    lines = [
        request.method,
        _text(fields.get(b"content-md5", b"")),
        _text(fields.get(b"content-type", b"")),
        query.get("Expires", ""),
    ]
    headers = {
        name.decode("latin-1"): _text(value) for name, value in fields.items() if name.startswith(b"x-amz-")
    }
    headers |= {name.lower(): value for name, value in query.items() if name.lower().startswith("x-amz-")}
    lines += [f"{name}:{headers[name].strip()}" for name in sorted(headers)]
    lines.append(_resource(request, query))
    return "\n".join(lines)


def _resource(request: Request, query: dict[str, str]) -> str:
    bucket = parse_host(request.fields.get(b"host", b"")).bucket
    path = request.path if bucket is None else f"/{bucket}{request.path}"
    signed = sorted(name for name in query if name in _SUBRESOURCES)
    bare = {part for part in request.query.split("&") if "=" not in part}
    pairs = [name if name in bare else f"{name}={query[name]}" for name in signed]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _text(value: bytes) -> str:
    return value.decode("latin-1")
