"""Distributions for tests: their configurations, and a client that talks to the edge by host name."""

import http.client
import json
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from running import RunningCloud
from waiting import PATIENCE

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]


def listed(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)}


def s3_origin(bucket: str, **given: Any) -> dict[str, Any]:
    return {
        "Id": "bucket",
        "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        **given,
    }


def http_origin(port: int, **given: Any) -> dict[str, Any]:
    custom = {"HTTPPort": port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    return {"Id": "web", "DomainName": "localhost", "CustomOriginConfig": custom, **given}


def behavior(origin: str, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"TargetOriginId": origin, "ViewerProtocolPolicy": "allow-all"}
    if "ForwardedValues" not in given:
        found["CachePolicyId"] = CACHING_OPTIMIZED
    return found | given


def configuration(*origins: dict[str, Any], default: dict[str, Any] | None = None, **given: Any) -> Any:
    return {
        "CallerReference": uuid.uuid4().hex,
        "Comment": "",
        "Enabled": True,
        "Origins": listed(*origins),
        "DefaultCacheBehavior": default or behavior(origins[0]["Id"]),
        **given,
    }


def create(cloud: RunningCloud, *origins: dict[str, Any], **given: Any) -> str:
    """A distribution's id."""
    made = cloud.client("cloudfront").create_distribution(DistributionConfig=configuration(*origins, **given))
    return made["Distribution"]["Id"]


def legacy(**given: Any) -> dict[str, Any]:
    """ForwardedValues that forward nothing, with what is given."""
    return {"QueryString": False, "Cookies": {"Forward": "none"}, **given}


def cache_policy(cloud: RunningCloud, **given: Any) -> str:
    """A custom cache policy's id; `headers`, `cookies` and `queries` are whitelists."""
    keyed: dict[str, Any] = {"EnableAcceptEncodingGzip": given.pop("gzip", False)}
    if given.pop("brotli", False):
        keyed["EnableAcceptEncodingBrotli"] = True
    for kind, member in (("Header", "headers"), ("Cookie", "cookies"), ("QueryString", "queries")):
        names = given.pop(member, None)
        chosen: dict[str, Any] = {f"{kind}Behavior": "none" if names is None else "whitelist"}
        if names:
            chosen[f"{kind}s"] = listed(*names)
        keyed[f"{kind}sConfig"] = chosen
    config = {
        "Name": uuid.uuid4().hex, "MinTTL": 0, "DefaultTTL": 60, "MaxTTL": 3600,
        "ParametersInCacheKeyAndForwardedToOrigin": keyed, **given,
    }  # fmt: skip
    return cloud.client("cloudfront").create_cache_policy(CachePolicyConfig=config)["CachePolicy"]["Id"]


def private_bucket(cloud: RunningCloud, name: str, objects: dict[str, Any]) -> str:
    """A bucket with objects by key: bytes, or PutObject's parameters."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    for key, value in objects.items():
        s3.put_object(Bucket=name, Key=key, **(value if isinstance(value, dict) else {"Body": value}))
    return name


def allow(cloud: RunningCloud, bucket: str, principal: Any, condition: Any = None) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    if condition:
        statement["Condition"] = condition
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def allow_distribution(cloud: RunningCloud, bucket: str, distribution: str) -> None:
    arn = f"arn:aws:cloudfront::000000000000:distribution/{distribution}"
    condition = {"StringEquals": {"AWS:SourceArn": arn}}
    allow(cloud, bucket, {"Service": "cloudfront.amazonaws.com"}, condition)


def access_control(cloud: RunningCloud, **given: Any) -> str:
    config = {
        "Name": uuid.uuid4().hex, "SigningProtocol": "sigv4", "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3", **given,
    }  # fmt: skip
    made = cloud.client("cloudfront").create_origin_access_control(OriginAccessControlConfig=config)
    return made["OriginAccessControl"]["Id"]


def site(cloud: RunningCloud, name: str, objects: dict[str, Any], **given: Any) -> str:
    """A distribution of a private bucket that only it may read."""
    private_bucket(cloud, name, objects)
    origin = s3_origin(name, OriginAccessControlId=access_control(cloud))
    id_ = create(cloud, origin, **given)
    allow_distribution(cloud, name, id_)
    return id_


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cache(self) -> str:
        return self.headers["x-cache"]


def fetch(
    cloud: RunningCloud,
    distribution: str,
    path: str,
    method: str = "GET",
    *,
    secure: bool = True,
    host: str = "",
    body: bytes | None = None,
    **headers: str,
) -> Answer:
    """One request to the edge, by the distribution's host name. Header names have _ for -."""
    connection: http.client.HTTPConnection
    if secure:
        context = ssl.create_default_context(cafile=cloud.ca_file)
        connection = http.client.HTTPSConnection("localhost", cloud.port, timeout=60, context=context)
    else:
        connection = http.client.HTTPConnection("localhost", cloud.port, timeout=60)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent["host"] = host or f"{distribution.lower()}.cloudfront.localhost:{cloud.port}"
    try:
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        data = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, data)
    finally:
        connection.close()


class Web:
    """An origin of its own: answers by path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.hold: Any = None  # an Event to wait for before answering
        self.port = 0

    def answer(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.answers[path] = (status, {name.replace("_", "-"): v for name, v in headers.items()}, body)

    def asked(self, path: str) -> list[dict[str, str]]:
        """Headers of the requests for a path (with its query)."""
        return [headers for _, target, headers, _ in self.seen if target == path]


@contextmanager
def web() -> Iterator[Web]:
    origin = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            origin.seen.append((self.command, self.path, headers, data))
            if origin.hold is not None:
                origin.hold.wait(PATIENCE)
            status, sent, body = origin.answers.get(
                self.path, origin.answers.get(self.path.partition("?")[0], (404, {}, b"nothing here"))
            )
            tag = sent.get("ETag")
            if tag is not None and headers.get("if-none-match") == tag:
                status, body = 304, b""
            self.send_response(status)
            for name, value in sent.items():
                self.send_header(name, value)
            chunked = sent.get("Transfer-Encoding") == "chunked"
            if chunked:
                body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
            elif status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _serve

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    origin.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield origin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
