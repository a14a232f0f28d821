"""System 1, deployed by `may deploy` and used over HTTPS, as its users do."""

import base64
import json
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from pycognito import AWSSRP

from running import RunningCloud
from waiting import until

SYSTEMS = Path(__file__).parents[2] / "systems"


def may(cloud: RunningCloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "maycloud.cli.main", *arguments, "--data", str(cloud.data)],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def outputs(cloud: RunningCloud) -> dict[str, str]:
    deployed = may(cloud, "deploy", str(SYSTEMS / "todo"))
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    found = may(cloud, "outputs", "todo", "--json")
    return json.loads(found.stdout)


class User:
    """Someone who signed up and signed in, as the app does it."""

    def __init__(self, cloud: RunningCloud, outputs: dict[str, str], email: str) -> None:
        self.cloud = cloud
        self.outputs = outputs
        self.email = email
        self.password = f"Sen-{email}-2026"
        self.idp = cloud.client("cognito-idp", config=Config(signature_version=UNSIGNED))
        client = outputs["UserPoolClientId"]
        self.idp.sign_up(ClientId=client, Username=email, Password=self.password)
        mails = cloud.admin("GET", f"/_may/inbox?to={quote(email)}")
        code = re.search(r"\b\d{6}\b", mails[0]["text"])
        assert code is not None
        self.idp.confirm_sign_up(ClientId=client, Username=email, ConfirmationCode=code[0])
        srp = AWSSRP(email, self.password, outputs["UserPoolId"], client, client=self.idp)
        self.tokens: dict[str, str] = srp.authenticate_user()["AuthenticationResult"]

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer to a request with the user's token."""
        headers = {"authorization": self.tokens["IdToken"]}
        status, _, raw = request(self.cloud, method, self.outputs["ApiUrl"] + path, body, headers)
        return status, json.loads(raw) if raw else None

    def credentials(self) -> tuple[str, dict[str, Any]]:
        """The user's identity, and AWS credentials as arguments of `cloud.client`."""
        identity = self.cloud.client("cognito-identity", config=Config(signature_version=UNSIGNED))
        provider = f"cognito-idp.us-east-1.amazonaws.com/{self.outputs['UserPoolId']}"
        logins = {provider: self.tokens["IdToken"]}
        pool = self.outputs["IdentityPoolId"]
        identifier = identity.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"]
        found = identity.get_credentials_for_identity(IdentityId=identifier, Logins=logins)["Credentials"]
        return identifier, {
            "key": found["AccessKeyId"], "secret": found["SecretKey"], "token": found["SessionToken"],
        }  # fmt: skip


@pytest.fixture(scope="module")
def user(cloud: RunningCloud, outputs: dict[str, str]) -> User:
    return User(cloud, outputs, "an@example.com")


@pytest.fixture(scope="module")
def other(cloud: RunningCloud, outputs: dict[str, str]) -> User:
    return User(cloud, outputs, "binh@example.com")


def request(
    cloud: RunningCloud, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    asked = urllib.request.Request(
        url, data=data, method=method, headers={"content-type": "application/json"} | (headers or {})
    )
    tls = ssl.create_default_context(cafile=cloud.ca_file)
    try:
        with urllib.request.urlopen(asked, timeout=60, context=tls) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_outputs_name_what_the_app_needs(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    assert outputs.keys() >= {
        "ApiUrl", "AppUrl", "UserPoolId", "UserPoolClientId", "IdentityPoolId", "FilesBucket", "TableName",
        "DaxEndpoint",
    }  # fmt: skip
    assert outputs["ApiUrl"].startswith("https://") and outputs["AppUrl"].startswith("https://")
    assert outputs["DaxEndpoint"].startswith("dax://")
    described = cloud.client("dynamodb").describe_table(TableName=outputs["TableName"])["Table"]
    assert [key["AttributeName"] for key in described["KeySchema"]] == ["owner", "id"]


def test_the_demo_plays(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    played = may(cloud, "demo", "todo")
    assert played.returncode == 0, played.stdout + played.stderr
    assert "from the API's cache" in played.stdout and "DAX hit" in played.stdout


def test_one_mailbox_is_one_person(user: User, outputs: dict[str, str]) -> None:
    for email in (user.email.upper(), user.email.title()):
        with pytest.raises(ClientError) as caught:
            user.idp.sign_up(ClientId=outputs["UserPoolClientId"], Username=email, Password=user.password)
        assert caught.value.response["Error"]["Code"] == "UsernameExistsException"


def test_a_todo_has_what_it_should(user: User) -> None:
    status, todo = user.request("POST", "/todos", {"title": "Buy rice"})
    assert status == 201
    assert todo.keys() == {"id", "title", "done", "createdAt", "updatedAt"}
    one = f"/todos/{todo['id']}"
    assert user.request("GET", one) == (200, todo)
    _, changed = user.request("PUT", one, {"done": True})
    assert changed["done"] is True and changed["title"] == "Buy rice"
    assert changed["updatedAt"] >= todo["updatedAt"]
    assert user.request("GET", one) == (200, changed)
    assert user.request("DELETE", one)[0] == 204
    assert user.request("GET", one)[0] == 404


def test_lists_are_cached_and_yet_never_older_than_a_write(cloud: RunningCloud, user: User) -> None:
    _, before = user.request("GET", "/todos")
    assert user.request("GET", "/todos") == (200, before)
    _, todo = user.request("POST", "/todos", {"title": "Gọi cho mẹ"})
    assert user.request("GET", "/todos")[1]["todos"] == [todo, *before["todos"]]
    _, changed = user.request("PUT", f"/todos/{todo['id']}", {"title": "Gọi cho bố"})
    assert user.request("GET", "/todos")[1]["todos"] == [changed, *before["todos"]]
    user.request("DELETE", f"/todos/{todo['id']}")
    assert user.request("GET", "/todos") == (200, before)


def test_a_creation_sent_twice_makes_one(user: User) -> None:
    wanted = {"id": "0" * 31 + "a", "title": "Once"}
    status, made = user.request("POST", "/todos", wanted)
    assert (status, made["id"]) == (201, wanted["id"])
    assert user.request("POST", "/todos", wanted | {"title": "Twice"}) == (200, made)
    user.request("DELETE", f"/todos/{made['id']}")


def test_pages_follow_each_other(user: User) -> None:
    made = [user.request("POST", "/todos", {"title": f"page {number}"})[1]["id"] for number in range(3)]
    _, first = user.request("GET", "/todos?limit=2")
    _, second = user.request("GET", f"/todos?limit=1&next={first['next']}")
    assert [todo["id"] for todo in first["todos"] + second["todos"]] == made[::-1]
    assert user.request("GET", "/todos?next=nonsense")[0] == 400
    for id_ in made:
        user.request("DELETE", f"/todos/{id_}")


def test_each_sees_the_own_todos_alone(user: User, other: User) -> None:
    _, mine = user.request("POST", "/todos", {"title": "private"})
    assert mine["id"] not in [todo["id"] for todo in other.request("GET", "/todos")[1]["todos"]]
    for method, body in (("GET", None), ("PUT", {"done": True}), ("DELETE", None)):
        assert other.request(method, f"/todos/{mine['id']}", body)[0] == 404
    assert user.request("GET", f"/todos/{mine['id']}") == (200, mine)
    user.request("DELETE", f"/todos/{mine['id']}")


def test_tokens_that_open_nothing(cloud: RunningCloud, outputs: dict[str, str], user: User) -> None:
    header, claims, signature = user.tokens["IdToken"].split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    tampered = base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + "==").replace(b"an@", b"bo@"))
    for token in (
        None, "", "nonsense", user.tokens["AccessToken"], user.tokens["RefreshToken"],
        f"{none}.{claims}.", f"{header}.{claims}.{signature[:-8]}AAAAAAAA",
        f"{header}.{tampered.decode().rstrip('=')}.{signature}",
    ):  # fmt: skip
        headers = {"authorization": token} if token is not None else {}
        for method, path in (("GET", "/todos"), ("POST", "/todos"), ("DELETE", "/todos/x")):
            body = {"title": "x"} if method == "POST" else None
            status, _, raw = request(cloud, method, outputs["ApiUrl"] + path, body, headers)
            assert (status, json.loads(raw)) == (401, {"message": "Unauthorized"}), token


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/todos", {"done": True}, 400, "Invalid request body"),
        ("POST", "/todos", {"title": ""}, 400, "Invalid request body"),
        ("POST", "/todos", {"title": "x", "owner": "me"}, 400, "Invalid request body"),
        ("POST", "/todos", {"title": "x", "id": "../x"}, 400, "Invalid request body"),
        ("POST", "/todos", b"{not json", 400, "Invalid request body"),
        ("PUT", "/todos/x", {}, 400, "Invalid request body"),
        ("PUT", "/todos/nothing", {"done": True}, 404, "There is no such to-do"),
        ("POST", "/todos", b'{"title": "' + b"x" * (10 << 20) + b'"}', 413, "Request Too Long"),
    ],
)
def test_what_the_api_refuses(
    user: User, method: str, path: str, body: Any, status: int, message: str
) -> None:
    assert user.request(method, path, body) == (status, {"message": message})


def test_plain_http_is_refused(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    plain = outputs["ApiUrl"].replace("https://", "http://", 1)
    status, _, body = request(cloud, "GET", plain + "/todos")
    assert (status, json.loads(body)) == (403, {"message": "Forbidden"})


def test_files_are_their_owners_alone(
    cloud: RunningCloud, outputs: dict[str, str], user: User, other: User
) -> None:
    bucket = outputs["FilesBucket"]
    identity, keys = user.credentials()
    stranger, strange_keys = other.credentials()
    mine, theirs = cloud.client("s3", **keys), cloud.client("s3", **strange_keys)
    own = f"private/{identity}/mèo + chó.txt"
    mine.put_object(Bucket=bucket, Key=own, Body=b"secret")
    assert mine.get_object(Bucket=bucket, Key=own)["Body"].read() == b"secret"
    place = {"Bucket": bucket, "Key": own}
    attempts = [
        lambda: theirs.get_object(**place),
        lambda: theirs.put_object(**place, Body=b"x"),
        lambda: theirs.delete_object(**place),
        lambda: theirs.delete_object(Bucket=bucket, Key=f"private/{stranger}/../{identity}/mèo + chó.txt/.."),
        lambda: theirs.copy_object(Bucket=bucket, Key=f"private/{stranger}/copy", CopySource=place),
        lambda: theirs.create_multipart_upload(**place),
        lambda: theirs.list_objects_v2(Bucket=bucket, Prefix=f"private/{identity}/"),
        lambda: theirs.list_objects_v2(Bucket=bucket, Prefix="private/"),
        lambda: theirs.list_objects_v2(Bucket=bucket),
        lambda: theirs.get_object_acl(**place),
        lambda: theirs.get_bucket_policy(Bucket=bucket),
        lambda: cloud.client("s3", config=Config(signature_version=UNSIGNED)).get_object(**place),
    ]
    for number, attempt in enumerate(attempts):
        if number == 3:
            attempt()  # a key of the stranger's own, however it looks: it deletes nothing of others
            continue
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
    many = theirs.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": own}]})
    assert [error["Code"] for error in many["Errors"]] == ["AccessDenied"]
    assert mine.get_object(Bucket=bucket, Key=own)["Body"].read() == b"secret"
    mine.delete_object(Bucket=bucket, Key=own)


def test_the_site_answers_cloudfront_alone(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    status, headers, page = request(cloud, "GET", outputs["AppUrl"])
    assert status == 200 and b'<div id="app">' in page
    assert headers["content-type"].startswith("text/html")
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert request(cloud, "GET", outputs["AppUrl"] + "any/view")[2] == page
    config = json.loads(request(cloud, "GET", outputs["AppUrl"] + "config.json")[2])
    assert config["outputs"]["ApiUrl"] == outputs["ApiUrl"]
    stack = cloud.client("cloudformation").describe_stack_resource(
        StackName="todo", LogicalResourceId="Site"
    )["StackResourceDetail"]
    assert request(cloud, "GET", f"{cloud.https_url}/{stack['PhysicalResourceId']}/index.html")[0] == 403


def test_three_hundred_users_at_once(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    """Each signs in, writes one to-do and reads the own list: nobody is turned away or sees another's."""
    idp = cloud.client("cognito-idp", config=Config(max_pool_connections=50))
    pool = outputs["UserPoolId"]
    client = idp.create_user_pool_client(
        UserPoolId=pool, ClientName="crowd", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]

    def play(number: int) -> tuple[list[int], list[str]]:
        email, password = f"user{number}@example.com", f"Crowd-{number}-2026"
        idp.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS")
        idp.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)
        tokens = idp.admin_initiate_auth(
            UserPoolId=pool, ClientId=client, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )["AuthenticationResult"]  # fmt: skip
        someone = {"authorization": tokens["IdToken"]}
        todos = outputs["ApiUrl"] + "/todos"
        wrote = request(cloud, "POST", todos, {"title": f"of {number}"}, someone)
        read = request(cloud, "GET", todos, None, someone)
        return [wrote[0], read[0]], [todo["title"] for todo in json.loads(read[2]).get("todos", [])]

    with ThreadPoolExecutor(max_workers=50) as workers:
        for number, (statuses, titles) in enumerate(workers.map(play, range(300))):
            assert statuses == [201, 200]
            assert titles == [f"of {number}"]


def test_a_second_deployment_changes_nothing(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    again = may(cloud, "deploy", str(SYSTEMS / "todo"))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "no changes" in again.stdout and "files uploaded" not in again.stdout
    assert json.loads(may(cloud, "outputs", "todo", "--json").stdout) == outputs


def test_logs_and_metrics_are_there(cloud: RunningCloud, user: User) -> None:
    user.request("GET", "/todos/nothing")
    printed = may(cloud, "logs", "todo")
    assert "START RequestId" in printed.stdout
    assert "REPORT RequestId" in printed.stdout
    wanted = {"Invocations", "Duration", "Errors", "Count", "Latency", "4XXError"}

    def counted() -> bool:
        listed = cloud.client("cloudwatch").list_metrics()["Metrics"]
        return wanted <= {metric["MetricName"] for metric in listed}

    until(counted, what="the metrics")


def test_the_reading_function_may_not_write(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    stack = cloud.client("cloudformation").describe_stack_resources(StackName="todo")["StackResources"]
    role = next(
        each["PhysicalResourceId"] for each in stack if each["LogicalResourceId"] == "ReadFunctionRole"
    )
    attached = cloud.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    inline = cloud.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    documents = [
        cloud.client("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in inline
    ]
    for policy in attached:
        version = cloud.client("iam").get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        documents.append(
            cloud.client("iam").get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)[
                "PolicyVersion"
            ]["Document"]
        )
    actions = {
        action
        for document in documents
        for statement in document["Statement"]
        for action in statement["Action"]
    }
    assert {"dynamodb:GetItem", "dax:GetItem"} <= actions
    verbs = {action.partition(":")[2] for action in actions if action.startswith(("dynamodb:", "dax:"))}
    assert not verbs & {"PutItem", "DeleteItem", "UpdateItem", "BatchWriteItem", "*"}


def test_destroy_leaves_nothing(fresh_cloud: RunningCloud) -> None:
    deployed = may(fresh_cloud, "deploy", str(SYSTEMS / "todo"), "--stack", "gone")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    files = json.loads(may(fresh_cloud, "outputs", "gone", "--json").stdout)["FilesBucket"]
    fresh_cloud.client("s3").put_object(Bucket=files, Key="private/x/y", Body=b"data")
    refused = may(fresh_cloud, "destroy", "gone")
    assert refused.returncode == 7
    assert "`may destroy gone --empty-buckets`" in refused.stderr
    destroyed = may(fresh_cloud, "destroy", "gone", "--empty-buckets")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert fresh_cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert fresh_cloud.client("lambda").list_functions()["Functions"] == []
    assert fresh_cloud.client("apigateway").get_rest_apis()["items"] == []
    assert fresh_cloud.client("iam").list_roles()["Roles"] == []
    assert fresh_cloud.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    assert fresh_cloud.client("dax").describe_clusters()["Clusters"] == []
    assert "Items" not in fresh_cloud.client("cloudfront").list_distributions()["DistributionList"]
    buckets = fresh_cloud.client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["may-artifacts-000000000000-us-east-1"]
