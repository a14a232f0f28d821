"""The key that everyone knows, used by pages of other sites that a developer has open."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from running import ADMIN, RunningCloud

FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost.evil.example:4566"},
    {"origin": "https://bucket.s3.amazonaws.com"},
    {"origin": "http://127.0.0.1.evil.example"},
    {"sec-fetch-site": "cross-site"},
]
OWN = [
    {},
    {"origin": "http://localhost:5173"},
    {"origin": "https://d123.cloudfront.localhost:4566", "sec-fetch-site": "cross-site"},
    {"origin": "http://[::1]:8000"},
    {"origin": "capacitor://localhost"},
    {"sec-fetch-site": "none"},
]
CREATE = "Action=CreateUser&Version=2010-05-08&UserName="


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pool:
        yield pool


def send(
    http: urllib3.PoolManager,
    cloud: RunningCloud,
    service: str,
    path: str,
    body: bytes = b"",
    *,
    host: str = "localhost",
    keys: Credentials | None = None,
    query: bool = False,
    headers: dict[str, str] | None = None,
) -> urllib3.BaseHTTPResponse:
    """A signed POST, or GET where there is no body, as the script of a page would send it."""
    url = f"http://{host}:{cloud.port}{path}"
    given = {"host": f"{host}:{cloud.port}"}
    if body.startswith(b"Action"):
        given["content-type"] = "application/x-www-form-urlencoded"
    method = "POST" if body else "GET"
    request = AWSRequest(method, url, data=body, headers=given)
    (SigV4QueryAuth if query else SigV4Auth)(keys or Credentials(*ADMIN), service, "us-east-1").add_auth(
        request
    )
    parts = urlsplit(request.url)
    return http.request(
        method,
        f"http://127.0.0.1:{cloud.port}{parts.path}?{parts.query}",
        body=body or None,
        headers={**dict(request.headers.items()), **(headers or {})},
    )


@pytest.mark.parametrize("headers", FOREIGN)
def test_other_sites_do_nothing_with_the_known_key(
    cloud: RunningCloud, http: urllib3.PoolManager, headers: dict[str, str]
) -> None:
    """Neither the inbox, the clock nor AWS's operations, by header or by presigned address."""
    for service, path, body in (
        ("may", "/_may/inbox", b""),
        ("may", "/_may/clock", b'{"advance": 1}'),
        ("iam", "/", f"{CREATE}from-afar".encode()),
        ("lambda", "/2015-03-31/functions", b""),
    ):
        refused = send(http, cloud, service, path, body, headers=headers)
        assert (refused.status, b"everyone knows" in refused.data) == (403, True), refused.data
    presigned = send(http, cloud, "iam", f"/?{CREATE}from-afar", query=True, headers=headers)
    assert (presigned.status, b"everyone knows" in presigned.data) == (403, True)
    names = [each["UserName"] for each in cloud.client("iam").list_users()["Users"]]
    assert "from-afar" not in names


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.example"])
def test_a_name_that_was_rebound_to_this_machine(
    cloud: RunningCloud, http: urllib3.PoolManager, host: str
) -> None:
    assert send(http, cloud, "may", "/_may/inbox", host=host).status == 403
    assert send(http, cloud, "iam", f"/?{CREATE}rebound", query=True, host=host).status == 403
    origin = {"origin": f"http://{host}:{cloud.port}"}
    assert send(http, cloud, "iam", "/", f"{CREATE}rebound".encode(), host=host, headers=origin).status == 403
    # Nor once the cloud knows the client, as it does after a first request that was good.
    assert send(http, cloud, "iam", "/", f"{CREATE}known-{host}".encode(), host=host).status == 403


@pytest.mark.parametrize("headers", OWN)
def test_pages_of_this_machine_do(
    cloud: RunningCloud, http: urllib3.PoolManager, headers: dict[str, str]
) -> None:
    for host in ("localhost", "127.0.0.1", "maycloud", "iam.us-east-1.amazonaws.com", "iam.localhost"):
        answer = send(http, cloud, "may", "/_may/inbox", host=host, headers=headers)
        assert (answer.status, json.loads(answer.data)) == (200, [])


def test_keys_that_are_secret_work_on_any_page(cloud: RunningCloud, http: urllib3.PoolManager) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="app")
    key = iam.create_access_key(UserName="app")["AccessKey"]
    keys = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    for headers in FOREIGN:
        answer = send(http, cloud, "sts", "/", body, keys=keys, headers=headers)
        assert (answer.status, b"user/app" in answer.data) == (200, True)


def test_a_secret_of_ones_own_is_good_anywhere(tmp_path: Path, http: urllib3.PoolManager) -> None:
    cloud = RunningCloud(tmp_path / "data", "--admin-secret", "mine alone").start()
    try:
        keys = Credentials("test", "mine alone")
        answer = send(http, cloud, "may", "/_may/inbox", keys=keys, headers=FOREIGN[0])
        assert answer.status == 200
    finally:
        cloud.stop()


def test_buckets_go_by_their_own_rules(cloud: RunningCloud, http: urllib3.PoolManager) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="served-to-pages")
    s3.put_object(Bucket="served-to-pages", Key="a", Body=b"a")
    url = s3.generate_presigned_url("get_object", {"Bucket": "served-to-pages", "Key": "a"})
    assert http.request("GET", url, headers=FOREIGN[0]).status == 200


@pytest.mark.parametrize("host", ["localhost.localstack.cloud", "sts.localhost.localstack.cloud", "maycloud"])
def test_names_that_mean_this_machine(cloud: RunningCloud, http: urllib3.PoolManager, host: str) -> None:
    asked = b"Action=GetCallerIdentity&Version=2011-06-15"
    assert send(http, cloud, "sts", "/", asked, host=host).status == 200
