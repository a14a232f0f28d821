"""Where a request belongs, by its host and path alone.

Hosts may carry any suffix after the part that AWS has: ``abc.execute-api.us-east-1.localhost``,
``abc.execute-api.us-east-1.amazonaws.com.example``. Host names are compared in lower case.
"""

import functools
import re
from dataclasses import dataclass

from maycloud.edge.messages import Request

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_DATA_PLANES = frozenset({"execute-api", "cloudfront", "elb"})
_DISCOVERY = re.compile(r"/[\w-]+_[0-9A-Za-z]+/\.well-known/(?:jwks\.json|openid-configuration)")
_NOT_BUCKETS = frozenset({"s3", "s3-accelerate", "dualstack"})


@dataclass(frozen=True, slots=True)
class Host:
    """What a host name says. `kind` is ``api`` for AWS's own endpoints, else a data plane's label."""

    kind: str
    id: str = ""  # API, distribution, load balancer or domain
    region: str = ""
    bucket: str | None = None
    service: str = ""  # the label of an endpoint such as dynamodb.us-east-1.amazonaws.com
    guess: str = ""  # a bucket, if the request is for S3: photos.localhost


@dataclass(frozen=True, slots=True)
class Route:
    """`kind` is ``api``, ``path`` (below /_may or /_aws), or the label of a data plane's host."""

    kind: str
    id: str
    region: str
    path: str
    bucket: str | None
    guess: str = ""


_API = Route("api", "", "", "", None)
_USER_POOL = Route("cognito-idp", "", "", "", None)  # a pool's keys, served on any host


def classify(request: Request) -> Route:
    """The route of a request. Never raises: an odd host is an API call, which signature checks refuse."""
    target = request.target
    if target[:2] == "/_" and target.startswith(("/_may/", "/_aws/")):
        return Route("path", "", "", request.path, None)
    host = request.fields.get(b"host", b"")
    parsed = parse_host(host)
    if parsed.kind == "api" and parsed.bucket is None:
        if len(target) > 1 and ".well-known" in target and _DISCOVERY.fullmatch(request.path):
            return _USER_POOL
        return Route("api", "", "", "", None, parsed.guess) if parsed.guess else _API
    return Route(parsed.kind, parsed.id, parsed.region, request.path, parsed.bucket)


@functools.lru_cache(maxsize=1024)
def parse_host(raw: bytes) -> Host:
    """Read a Host header; port, case and a trailing dot do not matter."""
    name = raw.decode("latin-1").lower()
    if name.startswith("["):
        return Host("api")
    name = name.partition(":")[0].rstrip(".")
    labels = name.split(".")
    dotted_bucket = "s3" in labels[1:]  # whose own labels say nothing
    for index, label in enumerate(labels):
        if dotted_bucket and label != "s3":
            continue
        if label == "elb" and index > 1 and _region(labels[index - 1 : index]):
            return Host("elb", ".".join(labels[: index - 1]), labels[index - 1])
        if label in _DATA_PLANES and index > 0:
            return Host(label, ".".join(labels[:index]), _region(labels[index + 1 :]))
        if label == "auth" and index > 0 and _region(labels[index + 1 :]):
            return Host("auth", ".".join(labels[:index]), labels[index + 1])
        if label in ("s3", "s3-accelerate") or label.startswith("s3-"):
            rest = [each for each in labels[index + 1 :] if each != "dualstack"]
            region = _region([label.removeprefix("s3-"), *rest])
            bucket = ".".join(labels[:index]) or None
            if index == 0 or labels[0] not in _NOT_BUCKETS:
                return Host("api", "", region, bucket, "s3")
    region = _region(labels[1:])
    return Host("api", "", region, None, labels[0] if region else "", "" if region else _below_us(labels))


# The names of this machine that clients put a bucket before, when they were told nothing of S3's own.
_OURS = (["localhost"], ["localhost", "localstack", "cloud"])


def _below_us(labels: list[str]) -> str:
    for ours in _OURS:
        if labels[-len(ours) :] == ours:
            return ".".join(labels[: -len(ours)])
    return ""


def _region(labels: list[str]) -> str:
    for label in labels[:2]:
        if _REGION.fullmatch(label):
            return label
    return ""
