"""Where requests belong, by host and path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.edge.messages import Request
from maycloud.edge.router import Host, Route, classify, parse_host

HOSTS = {
    "localhost:4566": Host("api"),
    "127.0.0.1:4566": Host("api"),
    "[::1]:4566": Host("api"),
    "": Host("api"),
    "dynamodb.us-east-1.amazonaws.com": Host("api", "", "us-east-1", None, "dynamodb"),
    "DynamoDB.US-East-1.amazonaws.com.:443": Host("api", "", "us-east-1", None, "dynamodb"),
    "sts.us-gov-west-1.localhost": Host("api", "", "us-gov-west-1", None, "sts"),
    "s3.localhost": Host("api", "", "", None, "s3"),
    "s3.eu-west-1.amazonaws.com": Host("api", "", "eu-west-1", None, "s3"),
    "s3-eu-west-1.amazonaws.com": Host("api", "", "eu-west-1", None, "s3"),
    "photos.s3.localhost:4566": Host("api", "", "", "photos", "s3"),
    "photos.s3.eu-west-1.amazonaws.com": Host("api", "", "eu-west-1", "photos", "s3"),
    "my.photos.s3.amazonaws.com": Host("api", "", "", "my.photos", "s3"),
    "photos.s3.dualstack.eu-west-1.amazonaws.com": Host("api", "", "eu-west-1", "photos", "s3"),
    "my.elb.cloudfront.s3.eu-west-1.amazonaws.com": Host("api", "", "eu-west-1", "my.elb.cloudfront", "s3"),
    "abc.execute-api.us-east-1.localhost:4566": Host("execute-api", "abc", "us-east-1"),
    "ABC.Execute-API.us-east-1.amazonaws.com.example": Host("execute-api", "abc", "us-east-1"),
    "d111.cloudfront.net": Host("cloudfront", "d111"),
    "lb-123.us-east-1.elb.amazonaws.com": Host("elb", "lb-123", "us-east-1"),
    "lb-123.elb.us-east-1.amazonaws.com": Host("elb", "lb-123", "us-east-1"),
    "shop.auth.us-east-1.amazoncognito.com": Host("auth", "shop", "us-east-1"),
    "auth.example.com": Host("api"),
    "photos.localhost:4566": Host("api", guess="photos"),
    "my.photos.localhost.localstack.cloud": Host("api", guess="my.photos"),
    "localhost.localstack.cloud:4566": Host("api"),
}


@pytest.mark.parametrize(("host", "expected"), HOSTS.items())
def test_hosts(host: str, expected: Host) -> None:
    assert parse_host(host.encode()) == expected


def request(target: str, host: str = "localhost") -> Request:
    return Request("GET", target, [(b"host", host.encode())], b"")


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        ("/", "localhost", Route("api", "", "", "", None)),
        ("/_may/health?x", "localhost", Route("path", "", "", "/_may/health", None)),
        ("/_aws/lambda", "abc.execute-api.us-east-1.localhost", Route("path", "", "", "/_aws/lambda", None)),
        ("/_maybe", "localhost", Route("api", "", "", "", None)),
        ("/key?a=b", "photos.s3.localhost", Route("api", "", "", "/key", "photos")),
        (
            "/prod/%20x?a=b",
            "abc.execute-api.us-east-1.localhost",
            Route("execute-api", "abc", "us-east-1", "/prod/%20x", None),
        ),
    ],
)
def test_routes(target: str, host: str, expected: Route) -> None:
    assert classify(request(target, host)) == expected


def test_a_request_without_a_host_is_an_api_call() -> None:
    assert classify(Request("GET", "/", [], b"")).kind == "api"


@given(st.binary(max_size=80))
def test_no_host_raises(host: bytes) -> None:
    assert parse_host(host).kind in {"api", "execute-api", "cloudfront", "elb", "auth"}
