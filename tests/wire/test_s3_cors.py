"""Cross-origin requests to S3: rules, preflight, headers of actual answers."""

import http.client
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from running import RunningCloud

RULES = {
    "CORSRules": [
        {
            "AllowedOrigins": ["https://app.example", "https://*.preview.example"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["content-type", "x-amz-*"],
            "ExposeHeaders": ["ETag", "x-amz-version-id"],
            "MaxAgeSeconds": 3000,
        },
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
    ]
}
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def ask(
    cloud: RunningCloud, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=60)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="cors-bucket")
    s3.put_bucket_cors(Bucket="cors-bucket", CORSConfiguration=RULES)
    s3.put_object(Bucket="cors-bucket", Key="a.txt", Body=b"hello")
    return "cors-bucket"


def preflight(cloud: RunningCloud, path: str, origin: str, method: str, **more: Any) -> Any:
    return ask(cloud, "OPTIONS", path, Origin=origin, Access_Control_Request_Method=method, **more)


def test_rules_are_kept_and_dropped(client: Callable[..., Any]) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="cors-kept")
    with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket="cors-kept")
    s3.put_bucket_cors(Bucket="cors-kept", CORSConfiguration=RULES)
    assert s3.get_bucket_cors(Bucket="cors-kept")["CORSRules"] == RULES["CORSRules"]
    s3.delete_bucket_cors(Bucket="cors-kept")
    with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket="cors-kept")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AllowedMethods": ["PATCH"]}, "Unsupported method is PATCH"),
        ({"AllowedOrigins": ["https://*.*"]}, "can not have more than one wildcard"),
        ({"AllowedHeaders": ["x-*-*"]}, 'AllowedHeader "x-*-*" can not have more than one wildcard'),
        # versity/versitygw, s3err
        ({"AllowedHeaders": ["x y"]}, 'AllowedHeader "x y" contains invalid character.'),
        ({"ExposeHeaders": ["x y"]}, 'ExposeHeader "x y" contains invalid character.'),
        ({"ExposeHeaders": ["*"]}, "do not support wildcard for ExposeHeader"),
        ({"AllowedOrigins": []}, "MalformedXML"),
    ],
)
def test_wrong_rules_are_refused(
    client: Callable[..., Any], bucket: str, change: dict[str, Any], message: str
) -> None:
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], **change}
    with pytest.raises(ClientError) as refused:
        client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert message in str(refused.value).replace("\\", "")


def test_more_than_a_hundred_rules_are_refused(client: Callable[..., Any], bucket: str) -> None:
    rules = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}] * 101
    with pytest.raises(ClientError, match="allowed limit of 100 rules"):
        client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})


@pytest.mark.parametrize("style", ["path", "host"])
def test_preflight_allows_what_a_rule_allows(cloud: RunningCloud, bucket: str, style: str) -> None:
    host = {} if style == "path" else {"Host": f"{bucket}.s3.us-east-1.localhost:{cloud.port}"}
    path = f"/{bucket}/new.txt" if style == "path" else "/new.txt"
    # As a browser sends it before a presigned PUT: the URL's signature is none of the preflight's.
    scope = "test/20260101/us-east-1/s3/aws4_request"
    query = f"?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00&X-Amz-Credential={scope}"
    status, headers, body = preflight(
        cloud, path + query, "https://app.example", "PUT",
        Access_Control_Request_Headers="Content-Type, X-Amz-Meta-Name", **host,
    )  # fmt: skip
    assert (status, body) == (200, b"")
    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["access-control-allow-methods"] == "GET, PUT"
    assert headers["access-control-allow-headers"] == "content-type, x-amz-meta-name"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-max-age"] == "3000"
    assert headers["access-control-expose-headers"] == "ETag, x-amz-version-id"
    assert headers["vary"] == VARY


@pytest.mark.parametrize("name", ["accounts-of-summer", "restapis-backup"])
def test_a_buckets_name_is_no_other_services_path(
    cloud: RunningCloud, client: Callable[..., Any], name: str
) -> None:
    client("s3").create_bucket(Bucket=name)
    client("s3").put_bucket_cors(Bucket=name, CORSConfiguration=RULES)
    assert preflight(cloud, f"/{name}/a.txt", "https://app.example", "GET")[0] == 200


def test_preflight_matches_one_wildcard_in_an_origin(cloud: RunningCloud, bucket: str) -> None:
    for origin, wanted in (
        ("https://one.preview.example", 200),
        ("https://preview.example", 403),
        ("https://one.preview.example.evil", 403),
        ("http://one.preview.example", 403),
        ("https://APP.example", 403),
    ):
        assert preflight(cloud, f"/{bucket}/a.txt", origin, "GET")[0] == wanted, origin


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://evil.example", "PUT", ""),
        ("https://app.example", "DELETE", ""),
        ("https://app.example", "PUT", "authorization"),
        ("null", "PUT", ""),
    ],
)
def test_preflight_refuses_what_no_rule_allows(
    cloud: RunningCloud, bucket: str, origin: str, method: str, headers: str
) -> None:
    status, found, body = preflight(
        cloud, f"/{bucket}/a.txt", origin, method, Access_Control_Request_Headers=headers
    )
    assert status == 403
    assert b"<Code>AccessForbidden</Code>" in body and b"evalution of Origin" in body
    assert f"<Method>{method}</Method><ResourceType>OBJECT</ResourceType>".encode() in body
    assert "access-control-allow-origin" not in found


def test_preflight_for_headers_that_are_none(cloud: RunningCloud, bucket: str) -> None:
    """versity/versitygw, s3err."""
    asked = {"Access_Control_Request_Headers": "x-good, x y"}
    status, _, body = preflight(cloud, f"/{bucket}/a.txt", "https://app.example", "PUT", **asked)
    assert status == 400 and b"<Code>BadRequest</Code>" in body
    assert b"Access-Control-Request-Headers &quot;x y&quot; contains invalid character." in body


def test_preflight_without_rules_bucket_or_headers(cloud: RunningCloud, client: Callable[..., Any]) -> None:
    client("s3").create_bucket(Bucket="cors-none")
    status, _, body = preflight(cloud, "/cors-none/a", "https://app.example", "GET")
    assert status == 403 and b"CORSResponse: CORS is not enabled for this bucket." in body
    status, _, body = preflight(cloud, "/cors-missing/a", "https://app.example", "GET")
    assert status == 403 and b"CORSResponse: Bucket not found" in body
    status, _, body = ask(cloud, "OPTIONS", "/cors-none/a")
    assert status == 400 and b"Origin request header needed" in body
    status, _, body = ask(cloud, "OPTIONS", "/cors-none/a", Origin="https://app.example")
    assert status == 403 and b"CORS is not enabled for this bucket." in body


def test_actual_answers_carry_the_rules_headers(
    cloud: RunningCloud, client: Callable[..., Any], bucket: str
) -> None:
    s3 = client("s3", config=Config(signature_version="s3v4"))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a.txt"})
    target, host = url.removeprefix(cloud.url), cloud.url.removeprefix("http://")
    status, headers, body = ask(cloud, "GET", target, Origin="https://app.example", Host=host)
    assert (status, body) == (200, b"hello")
    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["access-control-expose-headers"] == "ETag, x-amz-version-id"
    assert headers["vary"] == VARY
    status, headers, _ = ask(cloud, "GET", target, Origin="https://evil.example", Host=host)
    assert status == 200 and "access-control-allow-origin" not in headers
    status, headers, _ = ask(cloud, "GET", target, Host=host)
    assert status == 200 and "access-control-allow-origin" not in headers


def test_refusals_carry_the_headers_too(cloud: RunningCloud, bucket: str) -> None:
    status, headers, body = ask(cloud, "GET", f"/{bucket}/a.txt", Origin="https://app.example")
    assert status == 403 and b"AccessDenied" in body
    assert headers["access-control-allow-origin"] == "https://app.example"
    status, headers, _ = ask(cloud, "HEAD", f"/{bucket}/a.txt", Origin="https://anyone.example")
    assert status == 403
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
