"""Nobody gets in: signatures, sessions and policies, attacked over the socket."""

import datetime
import hashlib
import hmac
import http.client
import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from running import RunningCloud

ADMIN = Credentials("test", "test")


def send(
    cloud: RunningCloud, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("localhost", cloud.port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def signed(
    cloud: RunningCloud,
    body: bytes = b"{}",
    *,
    target: str = "DynamoDB_20120810.ListTables",
    credentials: Credentials = ADMIN,
    service: str = "dynamodb",
    at: datetime.datetime | None = None,
) -> dict[str, str]:
    """Headers of a signed ListTables."""
    request = AWSRequest(
        "POST", cloud.url + "/", data=body,
        headers={"x-amz-target": target, "content-type": "application/x-amz-json-1.0",
                 "host": f"localhost:{cloud.port}"},
    )  # fmt: skip
    signer = SigV4Auth(credentials, service, "us-east-1")
    if at is not None:
        request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
        request.headers["X-Amz-Date"] = request.context["timestamp"]
        request.headers["Authorization"] = _authorization(signer, request)
    else:
        signer.add_auth(request)
    return dict(request.headers.items())


def _authorization(signer: SigV4Auth, request: AWSRequest) -> str:
    canonical = signer.canonical_request(request)
    to_sign = signer.string_to_sign(request, canonical)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names},"
        f" Signature={signer.signature(to_sign, request)}"
    )


def kind(raw: bytes) -> str:
    return json.loads(raw)["__type"].rpartition("#")[2]


def test_a_right_signature_is_let_in(cloud: RunningCloud) -> None:
    assert send(cloud, "POST", "/", signed(cloud), b"{}")[0] == 200


Tamper = Callable[[dict[str, str]], Any]


def replace(old: str, new: str) -> Tamper:
    """Changes the Authorization header."""
    return lambda headers: headers.update(Authorization=headers["Authorization"].replace(old, new))


def flip(headers: dict[str, str]) -> None:
    last = headers["Authorization"][-1]
    headers["Authorization"] = headers["Authorization"][:-1] + ("0" if last != "0" else "1")


def cut(headers: dict[str, str]) -> None:
    headers["Authorization"] = headers["Authorization"].partition("Signature=")[0] + "Signature="


@pytest.mark.parametrize(
    ("tamper", "wanted"),
    [
        (lambda h: h.pop("Authorization"), "MissingAuthenticationTokenException"),
        (
            lambda h: h.update({"x-amz-target": "DynamoDB_20120810.DescribeLimits"}),
            "InvalidSignatureException",
        ),
        (flip, "InvalidSignatureException"),
        (replace("us-east-1", "eu-west-1"), "InvalidSignatureException"),
        (replace("x-amz-target", "x-amz-nothing"), "InvalidSignatureException"),
        (replace("host;", ""), "InvalidSignatureException"),
        (replace("test/", "AKIANOBODY/"), "UnrecognizedClientException"),
        (cut, "IncompleteSignatureException"),
        (
            lambda h: h.update(Authorization="AWS4-HMAC-SHA256 Credential=test"),
            "IncompleteSignatureException",
        ),
        (lambda h: h.update(Authorization="Basic dGVzdDp0ZXN0"), "IncompleteSignatureException"),
        (lambda h: h.update({"X-Amz-Date": "20200101T000000Z"}), "InvalidSignatureException"),
        (lambda h: h.update({"X-Amz-Date": "yesterday"}), "IncompleteSignatureException"),
        (lambda h: h.pop("X-Amz-Date"), "IncompleteSignatureException"),
    ],
)
def test_tampered_requests_are_refused(cloud: RunningCloud, tamper: Tamper, wanted: str) -> None:
    headers = signed(cloud)
    tamper(headers)
    status, raw = send(cloud, "POST", "/", headers, b"{}")
    assert (status, kind(raw)) == (400, wanted)


def test_a_changed_body_is_refused(cloud: RunningCloud) -> None:
    status, raw = send(cloud, "POST", "/", signed(cloud), b'{"Limit": 1}')
    assert (status, kind(raw)) == (400, "InvalidSignatureException")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_old_and_early_signatures_are_refused(cloud: RunningCloud, minutes: int) -> None:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    status, raw = send(cloud, "POST", "/", signed(cloud, at=moment), b"{}")
    assert (status, kind(raw)) == (400, "InvalidSignatureException")
    message = json.loads(raw)["message"]
    assert ("Signature expired" if minutes < 0 else "Signature not yet current") in message


@pytest.mark.parametrize(("host", "lets"), [("localhost", True), ("127.0.0.1", False), ("localhos", False)])
def test_a_host_may_be_signed_without_its_port(cloud: RunningCloud, host: str, lets: bool) -> None:
    """As aiodynamo (aiodynamo/sign.py) signs: AWS's own addresses have no port."""
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    request = AWSRequest("POST", f"http://{host}/", headers, b"{}")
    SigV4Auth(ADMIN, "dynamodb", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("localhost", cloud.port, timeout=60)
    connection.request("POST", "/", b"{}", dict(request.headers) | {"Host": f"localhost:{cloud.port}"})
    answer = connection.getresponse()
    assert (answer.status == 200) is lets
    assert (b"InvalidSignatureException" in answer.read()) is not lets
    connection.close()


def test_the_secret_is_the_only_way(cloud: RunningCloud) -> None:
    for secret in ("", "Test", "test ", "tes", "AWS4test"):
        headers = signed(cloud, credentials=Credentials("test", secret or "x"))
        status, raw = send(cloud, "POST", "/", headers, b"{}")
        assert (status, kind(raw)) == (400, "InvalidSignatureException")
        assert secret.encode() not in raw.replace(b"test", b"") or not secret


def test_a_scope_of_another_service_is_refused(cloud: RunningCloud) -> None:
    status, raw = send(cloud, "POST", "/", signed(cloud, service="s3"), b"{}")
    assert (status, kind(raw)) == (400, "InvalidSignatureException")
    assert json.loads(raw)["message"] == "Credential should be scoped to correct service: 'dynamodb'."


# S3's ways to sign


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="access-bucket")
    s3.put_object(Bucket="access-bucket", Key="a", Body=b"hello")
    return "access-bucket"


def presigned(cloud: RunningCloud, path: str, *, method: str = "GET", expires: int = 60) -> str:
    request = AWSRequest(method, f"{cloud.url}{path}")
    S3SigV4QueryAuth(ADMIN, "s3", "us-east-1", expires=expires).add_auth(request)
    parts = urlsplit(str(request.url))
    return f"{parts.path}?{parts.query}"


def test_presigned_urls(cloud: RunningCloud, bucket: str) -> None:
    host = {"host": f"localhost:{cloud.port}"}
    link = presigned(cloud, f"/{bucket}/a")
    assert send(cloud, "GET", link, host) == (200, b"hello")
    for forged in (
        link.replace(f"/{bucket}/a", f"/{bucket}/b"),
        link.replace("X-Amz-Expires=60", "X-Amz-Expires=600000"),
        link + "&versionId=null",
        link.replace("us-east-1", "eu-west-1"),
    ):
        status, raw = send(cloud, "GET", forged, host)
        assert status == 403, forged
        assert b"SignatureDoesNotMatch" in raw
    assert send(cloud, "DELETE", link, host)[0] == 403
    status, raw = send(cloud, "GET", presigned(cloud, f"/{bucket}/a", expires=700_000), host)
    assert (status, b"AuthorizationQueryParametersError" in raw) == (400, True)


def test_a_presigned_url_expires(fresh_cloud: RunningCloud) -> None:
    s3 = fresh_cloud.client("s3")
    s3.create_bucket(Bucket="short")
    s3.put_object(Bucket="short", Key="a", Body=b"x")
    link = presigned(fresh_cloud, "/short/a", expires=60)
    host = {"host": f"localhost:{fresh_cloud.port}"}
    assert send(fresh_cloud, "GET", link, host)[0] == 200
    fresh_cloud.advance(61)
    status, raw = send(fresh_cloud, "GET", link, host)
    assert (status, b"Request has expired" in raw) == (403, True)


def chunked_put(
    cloud: RunningCloud, path: str, chunks: list[bytes], *, spoil: int | None = None
) -> tuple[int, bytes]:
    """A PUT with STREAMING-AWS4-HMAC-SHA256-PAYLOAD; the signature of chunk `spoil` is wrong."""
    now = datetime.datetime.now(datetime.UTC)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    scope = f"{day}/us-east-1/s3/aws4_request"
    headers = {
        "content-encoding": "aws-chunked",
        "host": f"localhost:{cloud.port}",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-date": moment,
        "x-amz-decoded-content-length": str(sum(map(len, chunks))),
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"PUT\n{path}\n\n{lines}\n{names}\n{headers['x-amz-content-sha256']}"
    key = b"AWS4test"
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")

    def sign(text: str) -> str:
        return hmac.digest(key, text.encode(), "sha256").hex()

    empty = hashlib.sha256(b"").hexdigest()
    previous = sign(f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}")
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders={names}, Signature={previous}"
    )
    body = b""
    for number, chunk in enumerate([*chunks, b""]):
        previous = sign(
            f"AWS4-HMAC-SHA256-PAYLOAD\n{moment}\n{scope}\n{previous}\n{empty}\n"
            f"{hashlib.sha256(chunk).hexdigest()}"
        )
        shown = "0" * 64 if number == spoil else previous
        body += f"{len(chunk):x};chunk-signature={shown}\r\n".encode() + chunk + b"\r\n"
    return send(cloud, "PUT", path, headers, body)


def test_chunk_signatures(cloud: RunningCloud, bucket: str) -> None:
    chunks = [b"a" * 65_536, b"b" * 65_536, b"c" * 100]
    assert chunked_put(cloud, f"/{bucket}/chunked", chunks)[0] == 200
    assert cloud.client("s3").get_object(Bucket=bucket, Key="chunked")["Body"].read() == b"".join(chunks)
    for spoil in range(4):
        status, raw = chunked_put(cloud, f"/{bucket}/spoiled", chunks, spoil=spoil)
        assert (status, b"SignatureDoesNotMatch" in raw) == (403, True)
    listed = cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="spoiled")
    assert listed["KeyCount"] == 0


def test_uploads_with_trailers_over_https(cloud: RunningCloud, bucket: str) -> None:
    sent: list[str] = []
    s3 = boto3.client(
        "s3", endpoint_url=cloud.https_url, verify=cloud.ca_file, region_name="us-east-1",
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip

    def note(request: Any, **_: Any) -> None:
        sent.append(str({k.lower(): v for k, v in request.headers.items()}["x-amz-content-sha256"]))

    s3.meta.events.register("before-send.s3.PutObject", note)
    body = bytes(range(256)) * 8000
    s3.put_object(Bucket=bucket, Key="trailed", Body=io.BytesIO(body))
    assert "STREAMING-UNSIGNED-PAYLOAD-TRAILER" in sent[0]
    assert s3.get_object(Bucket=bucket, Key="trailed")["Body"].read() == body


def test_a_declared_hash_must_be_the_bodys(cloud: RunningCloud, bucket: str) -> None:
    request = AWSRequest("PUT", f"{cloud.url}/{bucket}/hashed", data=b"one")
    request.headers["host"] = f"localhost:{cloud.port}"
    request.headers["x-amz-content-sha256"] = hashlib.sha256(b"one").hexdigest()
    SigV4Auth(ADMIN, "s3", "us-east-1").add_auth(request)
    status, raw = send(cloud, "PUT", f"/{bucket}/hashed", dict(request.headers.items()), b"two")
    assert (status, b"XAmzContentSHA256Mismatch" in raw) == (400, True)


def test_unsigned_headers_are_refused(cloud: RunningCloud, bucket: str) -> None:
    request = AWSRequest("GET", f"{cloud.url}/{bucket}/a")
    request.headers["host"] = f"localhost:{cloud.port}"
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    SigV4Auth(ADMIN, "s3", "us-east-1").add_auth(request)
    headers = dict(request.headers.items())
    assert send(cloud, "GET", f"/{bucket}/a", headers)[0] == 200
    status, raw = send(cloud, "GET", f"/{bucket}/a", headers | {"x-amz-expected-bucket-owner": "1" * 12})
    assert (status, b"HeadersNotSigned" in raw) == (403, True)


def test_strangers_get_nothing(cloud: RunningCloud, bucket: str) -> None:
    host = {"host": f"localhost:{cloud.port}"}
    for method, path in (("GET", f"/{bucket}/a"), ("GET", f"/{bucket}"), ("GET", "/"),
                         ("PUT", f"/{bucket}/x"),
                         ("DELETE", f"/{bucket}/a"), ("PUT", "/new-bucket")):  # fmt: skip
        status, raw = send(cloud, method, path, host)
        assert (status, b"AccessDenied" in raw) == (403, True), (method, path)
    assert send(cloud, "GET", "/2015-03-31/functions", host)[0] == 403
    assert send(cloud, "GET", "/restapis", host)[0] == 403
    form = {**host, "content-type": "application/x-www-form-urlencoded"}
    status, raw = send(cloud, "POST", "/", form, b"Action=ListUsers&Version=2010-05-08")
    assert (status, b"MissingAuthenticationToken" in raw) == (403, True)
    for path in ("/_may/status", "/_may/clock", "/_may/nothing"):
        assert send(cloud, "GET", path, host)[0] == 403


# Policies


def make_user(cloud: RunningCloud, name: str, *statements: dict[str, Any]) -> Callable[[str], Any]:
    """A user with one policy; gives a maker of clients."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    if statements:
        allow(cloud, name, *statements)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return lambda service: cloud.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def allow(cloud: RunningCloud, name: str, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    cloud.client("iam").put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(document))


def denied(call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] in ("AccessDeniedException", "AccessDenied"), error
    return error["Message"]


def test_denials_name_what_is_missing(cloud: RunningCloud) -> None:
    user = make_user(cloud, "nobody")
    message = denied(user("dynamodb").list_tables)
    assert (
        message
        == "User: arn:aws:iam::000000000000:user/nobody is not authorized to perform: dynamodb:ListTables on"
        " resource: * because no identity-based policy allows the dynamodb:ListTables action"
    )
    last = cloud.admin("GET", "/_may/status")["denials"][-1]
    assert (last["principal"], last["action"]) == (
        "arn:aws:iam::000000000000:user/nobody",
        "dynamodb:ListTables",
    )
    assert "dynamodb:ListTables" in cloud.log.read_text()


def test_a_decision_does_not_outlive_its_policy(cloud: RunningCloud) -> None:
    user = make_user(cloud, "changing", {"Action": "dynamodb:ListTables", "Resource": "*"})
    dynamodb = user("dynamodb")
    iam = cloud.client("iam")
    for _ in range(3):
        dynamodb.list_tables()
        iam.delete_user_policy(UserName="changing", PolicyName="own")
        denied(dynamodb.list_tables)
        allow(cloud, "changing", {"Action": "dynamodb:List*", "Resource": "*"})
        dynamodb.list_tables()
    iam.put_user_policy(
        UserName="changing", PolicyName="deny",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}]}),
    )  # fmt: skip
    assert "with an explicit deny in an identity-based policy" in denied(dynamodb.list_tables)


def test_a_key_that_is_inactive_or_deleted_is_refused(cloud: RunningCloud) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="keys")
    key = iam.create_access_key(UserName="keys")["AccessKey"]
    sts = cloud.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert sts.get_caller_identity()["Arn"].endswith("user/keys")
    iam.update_access_key(UserName="keys", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()
    iam.update_access_key(UserName="keys", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert sts.get_caller_identity()["Account"] == "000000000000"
    iam.delete_access_key(UserName="keys", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_leading_keys_and_variables(cloud: RunningCloud) -> None:
    cloud.client("dynamodb").create_table(
        TableName="owned", KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "owner", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    user = make_user(
        cloud, "ann",
        {"Action": ["dynamodb:PutItem", "dynamodb:GetItem"], "Resource": "arn:aws:dynamodb:*:*:table/owned",
         "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}},
    )("dynamodb")  # fmt: skip
    user.put_item(TableName="owned", Item={"owner": {"S": "ann"}})
    assert user.get_item(TableName="owned", Key={"owner": {"S": "ann"}})["Item"] == {"owner": {"S": "ann"}}
    denied(user.put_item, TableName="owned", Item={"owner": {"S": "bob"}})
    denied(user.get_item, TableName="owned", Key={"owner": {"S": "bob"}})
    denied(user.scan, TableName="owned")


def test_boundaries_hold(cloud: RunningCloud) -> None:
    iam = cloud.client("iam")
    boundary = iam.create_policy(
        PolicyName="only-dynamodb",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]}),
    )["Policy"]["Arn"]  # fmt: skip
    user = make_user(cloud, "bounded", {"Action": "*", "Resource": "*"})
    user("s3").list_buckets()
    iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=boundary)
    user("dynamodb").list_tables()
    assert "no permissions boundary allows the s3:ListAllMyBuckets action" in denied(user("s3").list_buckets)


def test_roles_and_session_policies(cloud: RunningCloud) -> None:
    iam = cloud.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/assumer"},
         "Action": "sts:AssumeRole",
         "Condition": {"StringEquals": {"sts:ExternalId": "secret"}}}]}  # fmt: skip
    user = make_user(cloud, "assumer")
    iam.create_role(RoleName="assumed", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="assumed", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    arn = "arn:aws:iam::000000000000:role/assumed"
    wanted = {"RoleArn": arn, "RoleSessionName": "one", "ExternalId": "secret"}
    denied(user("sts").assume_role, **(wanted | {"ExternalId": "guess"}))
    denied(make_user(cloud, "other")("sts").assume_role, **wanted)
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}]}  # fmt: skip
    given = user("sts").assume_role(**wanted, Policy=json.dumps(policy))["Credentials"]
    session: dict[str, Any] = {
        "key": given["AccessKeyId"],
        "secret": given["SecretAccessKey"],
        "token": given["SessionToken"],
    }
    assert (
        cloud.client("sts", **session).get_caller_identity()["Arn"]
        == "arn:aws:sts::000000000000:assumed-role/assumed/one"
    )
    cloud.client("dynamodb", **session).list_tables()
    assert "no session policy allows" in denied(cloud.client("s3", **session).list_buckets)
    for token in (None, given["SessionToken"][:-4] + "AAA="):
        broken: dict[str, Any] = session | {"token": token}
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            cloud.client("dynamodb", **broken).list_tables()


def test_a_session_expires(fresh_cloud: RunningCloud) -> None:
    given = fresh_cloud.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    session = fresh_cloud.client(
        "dynamodb", key=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["SessionToken"]
    )
    session.list_tables()
    fresh_cloud.advance(901)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        session.list_tables()


def test_accounts_meet_only_by_policy_on_both_sides(cloud: RunningCloud) -> None:
    other = cloud.client("dynamodb", key="222222222222")
    mine = cloud.client("dynamodb")
    mine.create_table(
        TableName="shared", KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/shared"
    put = {"TableName": arn, "Item": {"h": {"S": "x"}}}
    assert "no resource-based policy allows" in denied(other.put_item, **put)
    mine.put_resource_policy(
        ResourceArn=arn,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "dynamodb:PutItem",
             "Resource": arn}]}),
    )  # fmt: skip
    other.put_item(**put)
    assert mine.get_item(TableName="shared", Key={"h": {"S": "x"}})["Item"] == {"h": {"S": "x"}}
    denied(other.get_item, TableName=arn, Key={"h": {"S": "x"}})
    assert "shared" not in other.list_tables()["TableNames"]


def test_secrets_never_reach_the_log(cloud: RunningCloud) -> None:
    cloud.client("iam").create_user(UserName="secretive")
    key = cloud.client("iam").create_access_key(UserName="secretive")["AccessKey"]
    denied(cloud.client("s3", key=key["AccessKeyId"], secret=key["SecretAccessKey"]).list_buckets)
    with pytest.raises(ClientError):
        cloud.client("s3", key=key["AccessKeyId"], secret="wrong").list_buckets()
    assert key["SecretAccessKey"] not in cloud.log.read_text()
