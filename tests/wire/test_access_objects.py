"""S3's signed requests once a client is known: what the short way must not take for what was signed.

Each attack follows a good request with the same key, scope and signed headers, by which clients are known.
"""

import hashlib
import http.client
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from running import RunningCloud

ADMIN = Credentials("test", "test")


@pytest.fixture
def path(cloud: RunningCloud) -> str:
    """An object that is there, put by the client that is then known."""
    bucket = f"objects-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=bucket)
    path = f"/{bucket}/folder/key-1.txt"
    assert exchange(cloud, "PUT", path, signed(cloud, "PUT", path, b"good"), b"good")[0] == 200
    return path


def signed(
    cloud: RunningCloud, method: str, path: str, body: bytes = b"", key: Credentials = ADMIN, **headers: str
) -> dict[str, str]:
    """Headers of a request whose signature covers host, date, hash and one more."""
    request = AWSRequest(method, cloud.url + path, data=body, headers={"host": f"localhost:{cloud.port}"})
    request.headers["x-amz-meta-by"] = "mai"
    payload = headers.pop("payload", hashlib.sha256(body).hexdigest())
    for name, value in headers.items():
        request.headers[name] = value
    signer = S3SigV4Auth(key, "s3", "us-east-1")
    signer.payload = lambda request: payload
    signer.add_auth(request)
    return dict(request.headers.items())


def exchange(
    cloud: RunningCloud, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("localhost", cloud.port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def refused(answer: tuple[int, bytes], status: int, code: str) -> None:
    assert answer[0] == status and f"<Code>{code}</Code>".encode() in answer[1], answer


def test_what_is_right_is_let_in(cloud: RunningCloud, path: str) -> None:
    assert exchange(cloud, "GET", path, signed(cloud, "GET", path)) == (200, b"good")
    assert exchange(cloud, "GET", path, signed(cloud, "GET", path, payload="UNSIGNED-PAYLOAD"))[0] == 200
    assert exchange(cloud, "HEAD", path, signed(cloud, "HEAD", path))[0] == 200
    assert exchange(cloud, "DELETE", path, signed(cloud, "DELETE", path))[0] == 204


@pytest.mark.parametrize(
    "header",
    ["x-amz-acl", "x-amz-copy-source", "x-amz-tagging", "x-amz-security-token", "X-Amz-Meta-Other", "x-amz-"],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_unsigned_headers_are_refused(cloud: RunningCloud, path: str, method: str, header: str) -> None:
    headers = signed(cloud, method, path) | {header: "public-read"}
    refused(exchange(cloud, method, path, headers), 403, "AccessDenied")
    assert exchange(cloud, "GET", path, signed(cloud, "GET", path)) == (200, b"good")


def test_a_changed_signed_header_is_refused(cloud: RunningCloud, path: str) -> None:
    for change in ({"x-amz-meta-by": "eve"}, {"host": f"other.localhost:{cloud.port}"}):
        headers = {**signed(cloud, "PUT", path, b"evil"), **change}
        refused(exchange(cloud, "PUT", path, headers, b"evil"), 403, "SignatureDoesNotMatch")


def test_a_body_that_is_not_the_hashs_is_refused(cloud: RunningCloud, path: str) -> None:
    headers = signed(cloud, "PUT", path, b"good")
    refused(exchange(cloud, "PUT", path, headers, b"evil"), 400, "XAmzContentSHA256Mismatch")
    for payload in (hashlib.sha256(b"evil").hexdigest(), "UNSIGNED-PAYLOAD"):
        forged = headers | {"x-amz-content-sha256": payload}
        forged = {name: value for name, value in forged.items() if name != "X-Amz-Content-SHA256"}
        refused(exchange(cloud, "PUT", path, forged, b"evil"), 403, "SignatureDoesNotMatch")
    refused(exchange(cloud, "GET", path, signed(cloud, "GET", path), b"evil"), 400,
            "XAmzContentSHA256Mismatch")  # fmt: skip
    assert exchange(cloud, "GET", path, signed(cloud, "GET", path)) == (200, b"good")


@pytest.mark.parametrize("query", ["?acl", "?tagging", "?versionId=null", "?x-id=GetObject", "?uploads"])
def test_a_query_is_part_of_what_is_signed(cloud: RunningCloud, path: str, query: str) -> None:
    for method in ("GET", "PUT"):
        headers = signed(cloud, method, path)
        refused(exchange(cloud, method, path + query, headers), 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("key-1", "key-2"), ("/folder/", "/folder//"), ("/folder/", "/folder/./"), ("key-1", "%2e%2e/key-1"),
        ("key-1", "key%2D1%00"), ("/folder/", "/folder%2F/"), (".txt", ".txt/"), (".txt", ".txt%3Facl"),
    ],
)  # fmt: skip
def test_another_path_is_refused(cloud: RunningCloud, path: str, old: str, new: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = exchange(cloud, method, path.replace(old, new), signed(cloud, method, path))
        refused(answer, 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("key", ["a//b", "./c", "d/../e", "f%20g", "h%2Bi", "%C3%A2", "l~m", "n.o/"])
def test_odd_paths_that_were_signed_mean_what_they_say(cloud: RunningCloud, path: str, key: str) -> None:
    path = f"{path}/{key}"
    for _ in range(2):
        headers = signed(cloud, "PUT", path, key.encode())
        assert exchange(cloud, "PUT", path, headers, key.encode())[0] == 200
    assert exchange(cloud, "GET", path, signed(cloud, "GET", path)) == (200, key.encode())


def test_another_method_is_refused(cloud: RunningCloud, path: str) -> None:
    for method in ("DELETE", "PUT", "HEAD"):
        assert exchange(cloud, method, path, signed(cloud, "GET", path))[0] == 403
    assert exchange(cloud, "GET", path, signed(cloud, "GET", path)) == (200, b"good")


@pytest.mark.parametrize("minutes", [-20, 20])
def test_another_time_is_refused(cloud: RunningCloud, path: str, minutes: int) -> None:
    headers = signed(cloud, "GET", path)
    moment = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")
    headers["X-Amz-Date"] = moment
    status, body = exchange(cloud, "GET", path, headers)
    assert status == 403 and b"good" not in body


def test_a_key_that_is_inactive_or_gone_is_refused(cloud: RunningCloud, path: str) -> None:
    iam = cloud.client("iam")
    name = f"known-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    made: dict[str, Any] = iam.create_access_key(UserName=name)["AccessKey"]
    key = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    chosen = {"UserName": name, "AccessKeyId": made["AccessKeyId"]}

    def get() -> tuple[int, bytes]:
        return exchange(cloud, "GET", path, signed(cloud, "GET", path, key=key))

    assert get() == get() == (200, b"good")
    iam.update_access_key(Status="Inactive", **chosen)
    refused(get(), 403, "InvalidAccessKeyId")
    iam.update_access_key(Status="Active", **chosen)
    assert get() == (200, b"good")
    iam.delete_access_key(**chosen)
    refused(get(), 403, "InvalidAccessKeyId")


def test_a_sessions_token_must_come_along(cloud: RunningCloud, path: str) -> None:
    given, other = (cloud.client("sts").get_session_token()["Credentials"] for _ in range(2))
    key = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert exchange(cloud, "GET", path, signed(cloud, "GET", path, key=key)) == (200, b"good")
    wrong = Credentials(given["AccessKeyId"], given["SecretAccessKey"], other["SessionToken"])
    refused(exchange(cloud, "GET", path, signed(cloud, "GET", path, key=wrong)), 400, "InvalidToken")
    without = Credentials(given["AccessKeyId"], given["SecretAccessKey"])
    refused(exchange(cloud, "GET", path, signed(cloud, "GET", path, key=without)), 400, "InvalidToken")


def test_what_s3_knows_is_nothing_to_other_services(cloud: RunningCloud, path: str) -> None:
    """The scope's service is part of the key, so that S3's signature opens no other door."""
    headers = signed(cloud, "POST", "/", b"{}")
    headers |= {"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}
    status, body = exchange(cloud, "POST", "/", headers, b"{}")
    assert status in (400, 403) and b"TableNames" not in body, body
