"""Ways round policies and signatures that were tried, each with what AWS makes of it."""

import http.client
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from running import RunningCloud

HOME = "000000000000"
ADMIN = Credentials("test", "test")


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trust(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}


def make_user(cloud: RunningCloud, name: str, *statements: dict[str, Any]) -> Callable[..., Any]:
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return lambda service: cloud.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def session_of(cloud: RunningCloud, given: dict[str, Any]) -> Callable[[str], Any]:
    return lambda service: cloud.client(
        service, key=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["SessionToken"]
    )


def code(call: Callable[..., Any], /, **params: Any) -> str:
    """The error of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"]


def assume(client: Any, role: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:iam::{HOME}:role/{role}"
    return client.assume_role(RoleArn=arn, RoleSessionName="session", **more)["Credentials"]


# Assuming roles


def test_an_explicit_deny_outweighs_a_trust_policy_that_names_the_user(cloud: RunningCloud) -> None:
    user = make_user(cloud, "held-back", deny("sts:AssumeRole"))
    named = document(trust({"AWS": f"arn:aws:iam::{HOME}:user/held-back"}))
    cloud.client("iam").create_role(RoleName="wanted", AssumeRolePolicyDocument=named)
    assert code(assume, client=user("sts"), role="wanted") == "AccessDenied"


@pytest.mark.parametrize(
    ("number", "condition"),
    [
        (0, {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}),
        (1, {"StringEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HOME}:user/conditional-1"}}),
        (2, {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
        (3, {"StringEquals": {"aws:username": "conditional-3"}}),
    ],
)
def test_denials_of_a_trust_policy_see_the_whole_request(
    cloud: RunningCloud, number: int, condition: dict[str, Any]
) -> None:
    iam = cloud.client("iam")
    name = f"conditional-{number}"
    user = make_user(cloud, name)
    named = {"AWS": f"arn:aws:iam::{HOME}:user/{name}"}
    barred = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Condition": condition}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust(named), barred))
    assert code(assume, client=user("sts"), role=name) == "AccessDenied"


def test_trusting_the_account_needs_the_callers_own_policy(cloud: RunningCloud) -> None:
    root = document(trust({"AWS": f"arn:aws:iam::{HOME}:root"}))
    cloud.client("iam").create_role(RoleName="for-account", AssumeRolePolicyDocument=root)
    assert code(assume, client=make_user(cloud, "plain")("sts"), role="for-account") == "AccessDenied"
    assume(make_user(cloud, "fitted", allow("sts:AssumeRole"))("sts"), "for-account")


# Those who are gone


def test_sessions_end_with_their_role_even_if_another_takes_its_name(cloud: RunningCloud) -> None:
    iam, mine = cloud.client("iam"), cloud.client("dynamodb")
    everyone = document(trust({"AWS": f"arn:aws:iam::{HOME}:root"}))
    iam.create_role(RoleName="short-lived", AssumeRolePolicyDocument=everyone)
    session = session_of(cloud, assume(cloud.client("sts"), "short-lived"))
    mine.create_table(
        TableName="for-role", KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    table = f"arn:aws:dynamodb:us-east-1:{HOME}:table/for-role"
    named = allow("dynamodb:*", table) | {"Principal": {"AWS": f"arn:aws:iam::{HOME}:role/short-lived"}}
    mine.put_resource_policy(ResourceArn=table, Policy=document(named))
    session("dynamodb").describe_table(TableName="for-role")
    iam.delete_role(RoleName="short-lived")
    assert code(session("dynamodb").describe_table, TableName="for-role") == "UnrecognizedClientException"
    iam.create_role(RoleName="short-lived", AssumeRolePolicyDocument=everyone)
    iam.attach_role_policy(RoleName="short-lived", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert code(session("dynamodb").describe_table, TableName="for-role") == "UnrecognizedClientException"
    assert code(session("sts").get_caller_identity) == "InvalidClientTokenId"


@pytest.mark.parametrize("operation", ["get_session_token", "get_federation_token"])
def test_sessions_end_with_their_user(cloud: RunningCloud, operation: str) -> None:
    iam = cloud.client("iam")
    name = operation.replace("_", "-")
    user = make_user(cloud, name, allow("*"))
    more = {"Name": "guest", "Policy": document(allow("*"))} if "federation" in operation else {}
    session = session_of(cloud, getattr(user("sts"), operation)(**more)["Credentials"])
    session("dynamodb").list_tables()
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="own")
    iam.delete_user(UserName=name)
    assert code(session("dynamodb").list_tables) == "UnrecognizedClientException"


def test_older_sessions_are_revoked_by_the_time_of_their_issue(cloud: RunningCloud) -> None:
    """As the console's "Revoke active sessions" does, with a policy."""
    iam = cloud.client("iam")
    everyone = document(trust({"AWS": f"arn:aws:iam::{HOME}:root"}))
    iam.create_role(RoleName="revoked", AssumeRolePolicyDocument=everyone)
    iam.put_role_policy(RoleName="revoked", PolicyName="all", PolicyDocument=document(allow("*")))
    session = session_of(cloud, assume(cloud.client("sts"), "revoked"))
    session("dynamodb").list_tables()
    for moment, refused in (("2100-01-01T00:00:00Z", True), ("2020-01-01T00:00:00Z", False)):
        before = {"DateLessThan": {"aws:TokenIssueTime": moment}}
        iam.put_role_policy(
            RoleName="revoked", PolicyName="revoke", PolicyDocument=document(deny("*", Condition=before))
        )
        if refused:
            assert code(session("dynamodb").list_tables) == "AccessDeniedException"
        else:
            session("dynamodb").list_tables()


def test_a_second_factor_cannot_be_claimed(cloud: RunningCloud) -> None:
    wanted = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    user = make_user(cloud, "one-factor", allow("dynamodb:ListTables", Condition=wanted))
    assert code(user("dynamodb").list_tables) == "AccessDeniedException"
    session = session_of(cloud, user("sts").get_session_token()["Credentials"])
    assert code(session("dynamodb").list_tables) == "AccessDeniedException"


# What a policy says when the request says nothing


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, False),
        ({"StringNotEquals": {"aws:PrincipalTag/team": "blue"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalTag/team": "blue"}}, True),
        ({"Null": {"aws:PrincipalTag/team": "true"}}, True),
        ({"Null": {"aws:PrincipalTag/team": "false"}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, False),
        ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}, "Null": {"aws:TagKeys": "false"}}, False),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/absent-*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/absent-*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:*"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, False),
        ({"Bool": {"aws:ViaAWSService": "true"}}, False),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, False),
    ],
)
def test_conditions_on_what_is_absent(
    cloud: RunningCloud, condition: dict[str, Any], allowed: bool, request: pytest.FixtureRequest
) -> None:
    name = f"absent-{zlib.crc32(request.node.name.encode())}"
    user = make_user(cloud, name, allow("dynamodb:ListTables", Condition=condition))
    if allowed:
        user("dynamodb").list_tables()
    else:
        assert code(user("dynamodb").list_tables) == "AccessDeniedException"


def test_context_keys_cannot_be_sent_along(cloud: RunningCloud) -> None:
    """Neither headers nor a query say where a request comes from, or who called on whose behalf."""
    wanted = {"IpAddress": {"aws:SourceIp": "10.0.0.1"}}
    key = cloud.client("iam")
    key.create_user(UserName="spoofer")
    key.put_user_policy(
        UserName="spoofer", PolicyName="own",
        PolicyDocument=document(allow("dynamodb:ListTables", Condition=wanted)),
    )  # fmt: skip
    made = key.create_access_key(UserName="spoofer")["AccessKey"]
    headers = {
        "x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0",
        "x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.1", "forwarded": "for=10.0.0.1",
        "aws-sourceip": "10.0.0.1", "x-amz-source-ip": "10.0.0.1", "x-amz-source-account": HOME,
        "host": f"localhost:{cloud.port}",
    }  # fmt: skip
    signed = AWSRequest("POST", cloud.url + "/", data=b"{}", headers=headers)
    SigV4Auth(Credentials(made["AccessKeyId"], made["SecretAccessKey"]), "dynamodb", "us-east-1").add_auth(
        signed
    )
    status, body = exchange(cloud, "POST", "/", dict(signed.headers.items()), b"{}")
    assert (status, b"AccessDeniedException" in body) == (400, True)


@pytest.mark.parametrize(
    ("element", "allowed"),
    [
        ({"NotAction": "iam:*"}, True),
        ({"NotAction": ["dynamodb:list*", "iam:*"]}, False),
        ({"Action": "dynamodb:L?stTables"}, True),
        ({"Action": "DYNAMODB:LISTTABLES"}, True),
        ({"Action": "dynamodb:ListTable"}, False),
    ],
)
def test_actions_that_are_meant_and_that_are_not(
    cloud: RunningCloud, element: dict[str, Any], allowed: bool, request: pytest.FixtureRequest
) -> None:
    name = f"meant-{zlib.crc32(request.node.name.encode())}"
    user = make_user(cloud, name, {"Effect": "Allow", "Resource": "*", **element})
    if allowed:
        user("dynamodb").list_tables()
    else:
        assert code(user("dynamodb").list_tables) == "AccessDeniedException"


# Signatures


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


def signed_headers(cloud: RunningCloud) -> dict[str, str]:
    headers = {
        "x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0",
        "host": f"localhost:{cloud.port}",
    }  # fmt: skip
    request = AWSRequest("POST", cloud.url + "/", data=b"{}", headers=headers)
    SigV4Auth(ADMIN, "dynamodb", "us-east-1").add_auth(request)
    return dict(request.headers.items())


@pytest.mark.parametrize(
    "line",
    [
        b"x-amz-target: DynamoDB_20120810.DeleteTable",
        b"X-Amz-Target: DynamoDB_20120810.DeleteTable",
        b"host: dynamodb.eu-west-1.amazonaws.com",
        b"x-amz-date: 20200101T000000Z",
        b"authorization: AWS4-HMAC-SHA256 Credential=x",
        b"content-type: application/x-amz-json-1.1",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_header_that_is_there_twice_is_not_chosen_from(
    cloud: RunningCloud, line: bytes, first: bool
) -> None:
    import socket

    lines = [f"{name}: {value}".encode() for name, value in signed_headers(cloud).items()]
    lines = [line, *lines] if first else [*lines, line]
    wire = b"\r\n".join([b"POST / HTTP/1.1", *lines, b"content-length: 2", b"connection: close", b"", b"{}"])
    with socket.create_connection(("localhost", cloud.port), timeout=60) as connection:
        connection.sendall(wire)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.split(b" ", 2)[1] in (b"400", b"403"), answer


@pytest.mark.parametrize("change", ["x-amz-acl", "x-amz-tagging", "x-amz-meta-by", "x-amz-copy-source"])
def test_a_presigned_url_takes_no_headers_that_it_does_not_sign(cloud: RunningCloud, change: str) -> None:
    s3 = cloud.client("s3")
    bucket = f"presigned-{change.replace('x-amz-', '')}"
    s3.create_bucket(Bucket=bucket)
    path = f"/{bucket}/key"
    request = AWSRequest("PUT", cloud.url + path, headers={"host": f"localhost:{cloud.port}"})
    S3SigV4QueryAuth(ADMIN, "s3", "us-east-1", expires=60).add_auth(request)
    target = str(request.url).partition(str(cloud.port))[2]
    host = {"host": f"localhost:{cloud.port}"}
    status, body = exchange(cloud, "PUT", target, {**host, change: "public-read"}, b"evil")
    assert (status, b"not signed" in body) == (403, True), body
    assert exchange(cloud, "PUT", target, host, b"good")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"good"


@pytest.mark.parametrize(
    "path",
    [
        "/bkt/%2e%2e/other",
        "/bkt//key",
        "/bkt/./key",
        "/bkt/k%65y",
        "/bkt/k%2565y",
        "/bkt/key?versionId=x",
        "/BKT/key",
    ],
)
def test_a_path_is_signed_as_it_is_sent(cloud: RunningCloud, path: str) -> None:
    """S3 signs paths as they are: none that means something else passes for another."""
    request = AWSRequest("GET", f"{cloud.url}/bkt/key", headers={"host": f"localhost:{cloud.port}"})
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    from botocore.auth import S3SigV4Auth

    S3SigV4Auth(ADMIN, "s3", "us-east-1").add_auth(request)
    status, body = exchange(cloud, "GET", path, dict(request.headers.items()))
    if path == "/bkt/k%65y":
        assert status == 404, body  # the same key in another spelling: the same canonical request
    else:
        assert (status, b"SignatureDoesNotMatch" in body) == (403, True), body


def test_swapped_and_stripped_session_tokens(cloud: RunningCloud) -> None:
    sts = cloud.client("sts")
    one, two = (sts.get_session_token()["Credentials"] for _ in range(2))
    for token in (None, "", two["SessionToken"], one["SessionToken"].lower()):
        broken = {"AccessKeyId": one["AccessKeyId"], "SecretAccessKey": one["SecretAccessKey"]}
        session = session_of(cloud, broken | {"SessionToken": token})
        assert code(session("dynamodb").list_tables) == "UnrecognizedClientException"
        assert code(session("sts").get_caller_identity) == "InvalidClientTokenId"
