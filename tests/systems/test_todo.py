"""System 1, deployed by `may deploy` and used over HTTPS, as its users do."""

import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from running import RunningCloud

SYSTEMS = Path(__file__).parents[2] / "systems"


def may(cloud: RunningCloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "maycloud.cli.main", *arguments, "--data", str(cloud.data)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def outputs(cloud: RunningCloud) -> dict[str, str]:
    deployed = may(cloud, "deploy", str(SYSTEMS / "todo"))
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    found = may(cloud, "outputs", "todo", "--json")
    return json.loads(found.stdout)


def request(
    cloud: RunningCloud, method: str, url: str, body: Any = None
) -> tuple[int, dict[str, str], bytes]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    asked = urllib.request.Request(
        url, data=data, method=method, headers={"content-type": "application/json"}
    )
    tls = ssl.create_default_context(cafile=cloud.ca_file)
    try:
        with urllib.request.urlopen(asked, timeout=30, context=tls) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_outputs_name_the_api_and_the_table(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    assert outputs["ApiUrl"].startswith("https://")
    described = cloud.client("dynamodb").describe_table(TableName=outputs["TableName"])["Table"]
    assert [key["AttributeName"] for key in described["KeySchema"]] == ["owner", "id"]


def test_the_demo_plays(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    played = may(cloud, "demo", "todo")
    assert played.returncode == 0, played.stdout + played.stderr
    assert "13 steps" in played.stdout


def test_a_todo_has_what_it_should(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    status, _, body = request(cloud, "POST", outputs["ApiUrl"] + "/todos", {"title": "Buy rice"})
    todo = json.loads(body)
    assert status == 201
    assert todo.keys() == {"id", "title", "done", "createdAt", "updatedAt"}
    one = f"{outputs['ApiUrl']}/todos/{todo['id']}"
    assert json.loads(request(cloud, "GET", one)[2]) == todo
    changed = json.loads(request(cloud, "PUT", one, {"done": True})[2])
    assert changed["done"] is True
    assert changed["updatedAt"] >= todo["updatedAt"]
    assert request(cloud, "DELETE", one)[0] == 204
    assert request(cloud, "GET", one)[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/todos", {"done": True}, 400, "Invalid request body"),
        ("POST", "/todos", {"title": ""}, 400, "Invalid request body"),
        ("POST", "/todos", {"title": "x", "owner": "me"}, 400, "Invalid request body"),
        ("POST", "/todos", b"{not json", 400, "Invalid request body"),
        ("PUT", "/todos/x", {}, 400, "Invalid request body"),
        ("PUT", "/todos/nothing", {"done": True}, 404, "There is no such to-do"),
        ("GET", "/nothing", None, 403, "Missing Authentication Token"),
        ("PATCH", "/todos", b"{}", 403, "Missing Authentication Token"),
        ("POST", "/todos", b'{"title": "' + b"x" * (10 << 20) + b'"}', 413, "Request Too Long"),
    ],
)
def test_what_the_api_refuses(
    cloud: RunningCloud, outputs: dict[str, str], method: str, path: str, body: Any, status: int, message: str
) -> None:
    answered, _, raw = request(cloud, method, outputs["ApiUrl"] + path, body)
    assert (answered, json.loads(raw)) == (status, {"message": message})


def test_plain_http_is_refused(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    plain = outputs["ApiUrl"].replace("https://", "http://", 1)
    status, _, body = request(cloud, "GET", plain + "/todos")
    assert (status, json.loads(body)) == (403, {"message": "Forbidden"})


def test_a_second_deployment_changes_nothing(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    again = may(cloud, "deploy", str(SYSTEMS / "todo"))
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads(may(cloud, "outputs", "todo", "--json").stdout) == outputs


def test_logs_and_metrics_are_there(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    request(cloud, "GET", outputs["ApiUrl"] + "/todos")
    printed = may(cloud, "logs", "todo")
    assert "START RequestId" in printed.stdout
    assert "REPORT RequestId" in printed.stdout
    cloud.advance(2)
    names = {metric["MetricName"] for metric in cloud.client("cloudwatch").list_metrics()["Metrics"]}
    assert {"Invocations", "Duration", "Errors", "Count", "Latency", "4XXError"} <= names


def test_the_reading_function_may_not_write(cloud: RunningCloud, outputs: dict[str, str]) -> None:
    stack = cloud.client("cloudformation").describe_stack_resources(StackName="todo")["StackResources"]
    role = next(
        each["PhysicalResourceId"] for each in stack if each["LogicalResourceId"] == "ReadFunctionRole"
    )
    attached = cloud.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    inline = cloud.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    assert [policy["PolicyName"] for policy in attached] == ["AWSLambdaBasicExecutionRole"]
    documents = [
        cloud.client("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in inline
    ]
    actions = {
        action
        for document in documents
        for statement in document["Statement"]
        for action in statement["Action"]
    }
    assert "dynamodb:GetItem" in actions
    assert not {"dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem", "dynamodb:*"} & actions


def test_destroy_leaves_nothing(fresh_cloud: RunningCloud) -> None:
    assert may(fresh_cloud, "deploy", str(SYSTEMS / "todo"), "--stack", "gone").returncode == 0
    destroyed = may(fresh_cloud, "destroy", "gone")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert fresh_cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert fresh_cloud.client("lambda").list_functions()["Functions"] == []
    assert fresh_cloud.client("apigateway").get_rest_apis()["items"] == []
    assert fresh_cloud.client("iam").list_roles()["Roles"] == []
