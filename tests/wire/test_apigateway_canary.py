"""Canary releases, and bodies that are compressed.

Facts: LocalStack's tests/aws/services/apigateway/test_apigateway_canary.snapshot.json, recorded of AWS;
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html
"""

import gzip
import json
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gateways import Api, function_uri, operation, permit
from packages import LOGGING, make_function, make_role
from running import RunningCloud

TEMPLATE = (
    '{"told": "TOLD", "own": "$stageVariables.own", "more": "$stageVariables.more",'
    ' "canary": "$context.isCanaryRequest"}'
)


def telling(told: str) -> dict[str, Any]:
    """A path that tells which deployment answers, and with which variables."""
    integration = {
        "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200", "responseTemplates": {
            "application/json": TEMPLATE.replace("TOLD", told)}}},
    }  # fmt: skip
    return {"/": {"get": operation(integration)}}


def refused(call: Any, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    assert caught.value.response["Error"]["Code"] == "BadRequestException"
    return caught.value.response["Error"]["Message"]


def redefine(api: Api, paths: dict[str, Any]) -> None:
    body = {"swagger": "2.0", "info": {"title": "canary", "version": "2"}, "paths": paths}
    api.client.put_rest_api(restApiId=api.id, mode="overwrite", body=json.dumps(body).encode())


def patched(api: Api, *operations: tuple[str, str, str]) -> dict[str, Any]:
    """Each an operation with its path, and its value or what it copies from."""
    asked: list[dict[str, str]] = []
    for op, path, value in operations:
        asked.append({"op": op, "path": path, "from" if op == "copy" else "value": value})
    return api.client.update_stage(restApiId=api.id, stageName="s", patchOperations=asked)


def test_a_canary_is_released_and_promoted(cloud: RunningCloud) -> None:
    """test_create_canary_deployment_with_stage, test_invoking_canary_deployment."""
    api = Api(cloud, "canary", telling("first"))
    api.deploy(own="default")
    create, where = api.client.create_deployment, {"restApiId": api.id}
    assert refused(create, **where, canarySettings={"percentTraffic": 50.0}) == (
        "Invalid deployment content specified.Non null and non empty stageName must be provided for canary"
        " deployment. Provided value is null"
    )
    assert refused(create, **where, stageName="nothing", canarySettings={"percentTraffic": 50.0}) == (
        "Invalid deployment content specified.Stage nothing must already be created before making a canary"
        " release deployment"
    )

    def answer() -> dict[str, str]:
        return json.loads(api.ask("GET", "/")[2])

    assert answer() == {"told": "first", "own": "default", "more": "", "canary": "false"}
    redefine(api, telling("second"))
    settings = {"percentTraffic": 100.0, "stageVariableOverrides": {"own": "canary", "more": "yes"}}
    made = create(**where, stageName="s", canarySettings=settings)
    stage = api.client.get_stage(**where, stageName="s")
    assert stage["canarySettings"] == {**settings, "deploymentId": made["id"], "useStageCache": False}
    assert stage["deploymentId"] != made["id"]
    assert answer() == {"told": "second", "own": "canary", "more": "yes", "canary": "true"}
    assert refused(api.client.delete_deployment, **where, deploymentId=made["id"]).startswith("Active stages")
    patched(api, ("replace", "/canarySettings/percentTraffic", "0"))
    assert answer()["told"] == "first"
    patched(api, ("replace", "/canarySettings/percentTraffic", "50"))
    assert {answer()["told"] for _ in range(60)} == {"first", "second"}
    stage = patched(
        api,
        ("copy", "/deploymentId", "/canarySettings/deploymentId"),
        ("copy", "/variables", "/canarySettings/stageVariableOverrides"),
        ("remove", "/canarySettings", ""),
    )
    assert (stage["deploymentId"], "canarySettings" in stage) == (made["id"], False)
    assert answer() == {"told": "second", "own": "canary", "more": "yes", "canary": "false"}


def test_settings_of_canaries(cloud: RunningCloud) -> None:
    """test_create_canary_deployment_by_stage_update, test_update_stage_canary_deployment_validation."""
    api = Api(cloud, "canary-settings", telling("only"))
    where = {"restApiId": api.id}
    first = api.client.get_stage(**where, stageName="s")["deploymentId"]
    second = api.client.create_deployment(**where)["id"]
    stage = patched(api, ("replace", "/canarySettings/deploymentId", second))
    wanted: dict[str, Any] = {"deploymentId": second, "percentTraffic": 0.0, "useStageCache": False}
    assert stage["canarySettings"] == wanted

    def message(op: str, path: str, value: str = "") -> str:
        patches = [{"op": op, "path": path, "value": value}]
        return refused(api.client.update_stage, **where, stageName="s", patchOperations=patches)

    assert message("add", "/canarySettings/deploymentId", second) == (
        "Invalid add operation with path: /canarySettings/deploymentId"
    )
    assert message("remove", "/canarySettings/stageVariableOverrides") == (
        "Cannot remove method setting canarySettings/stageVariableOverrides because there is no method"
        " setting for this method "
    )
    assert message("replace", "/canarySettings/badPath", "x").startswith(
        "Invalid method setting path: /canarySettings/badPath. Must be one of: [/deploymentId,"
    )
    assert message("replace", "/canarySettings/deploymentId", "nope") == "Deployment id does not exist"
    patched(api, ("remove", "/canarySettings", ""))
    stage = patched(api, ("replace", "/canarySettings/percentTraffic", "50"))
    assert stage["canarySettings"] == wanted | {"deploymentId": first, "percentTraffic": 50.0}
    made = api.client.create_stage(
        **where, stageName="other", deploymentId=first,
        canarySettings={"percentTraffic": 10.0, "deploymentId": second},
    )  # fmt: skip
    assert made["canarySettings"] == wanted | {"percentTraffic": 10.0}


ECHO = """
def handler(event, context):
    if event["httpMethod"] == "GET":
        return {"statusCode": 200, "body": "x" * int(event["queryStringParameters"]["size"])}
    return {"statusCode": 200, "body": event["body"] + str("content-encoding" in
        {name.lower() for name in event["headers"]})}
"""


@pytest.fixture(scope="module")
def packing(cloud: RunningCloud) -> Api:
    make_function(cloud.client("lambda"), make_role(cloud.client("iam"), "packing", LOGGING), "packing", ECHO)
    permit(cloud, "packing")
    proxy = {"type": "aws_proxy", "httpMethod": "POST", "uri": function_uri("packing")}
    paths = {"/": {"get": operation(proxy), "post": operation(proxy)}}
    return Api(cloud, "packing", paths, **{"x-amazon-apigateway-minimum-compression-size": 1000})


def test_long_answers_are_compressed(packing: Api) -> None:
    _, headers, raw = packing.ask("GET", "/?size=2000", Accept_Encoding="gzip, deflate")
    assert (headers["content-encoding"], gzip.decompress(raw)) == ("gzip", b"x" * 2000)
    _, headers, raw = packing.ask("GET", "/?size=200000", Accept_Encoding="deflate;q=0.5, gzip;q=0")
    assert (headers["content-encoding"], zlib.decompress(raw)) == ("deflate", b"x" * 200_000)
    for size, accepted in ((999, "gzip"), (2000, "identity"), (2000, "br")):
        _, headers, raw = packing.ask("GET", f"/?size={size}", Accept_Encoding=accepted)
        assert ("content-encoding" in headers, len(raw)) == (False, size)


def test_requests_are_unpacked(packing: Api) -> None:
    for coding, packed in (("gzip", gzip.compress(b"hello ")), ("deflate", zlib.compress(b"hello "))):
        assert packing.ask("POST", "/", packed, Content_Encoding=coding)[2] == b"hello False"
    assert packing.ask("POST", "/", b"hello", Content_Encoding="br")[0] == 415
    assert packing.ask("POST", "/", b"hello", Content_Encoding="gzip")[0] == 400
    bomb = gzip.compress(bytes(20 << 20))
    assert packing.ask("POST", "/", bomb, Content_Encoding="gzip")[0] == 413
