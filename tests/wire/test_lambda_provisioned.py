"""Provisioned concurrency: environments are really there before they are asked for.

Words: LocalStack's tests/aws/services/lambda_/test_lambda_api.snapshot.json, and its provider.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from packages import LOGGING, make_function, make_role
from running import RunningCloud
from waiting import until

SOURCE = """
import os

def handler(event, context):
    return {"type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "arn": context.invoked_function_arn}
"""


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "provisioned", LOGGING)


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def ready(client: Any, name: str, qualifier: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        config = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        return config if config["Status"] != "IN_PROGRESS" else None

    answer = until(found, what="environments to be ready")
    assert answer is not None
    return answer


def told(client: Any, name: str, qualifier: str) -> dict[str, Any]:
    return json.loads(client.invoke(FunctionName=name, Qualifier=qualifier)["Payload"].read())


def test_environments_are_there_beforehand(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "ready", SOURCE, Publish=True)
    unreserved = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    put = client.put_provisioned_concurrency_config(
        FunctionName="ready", Qualifier="1", ProvisionedConcurrentExecutions=2
    )
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (put["Status"], put["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
    config = ready(client, "ready", "1")
    assert (config["Status"], config["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 2)
    answer = client.invoke(FunctionName="ready", Qualifier="1", LogType="Tail")
    assert json.loads(answer["Payload"].read())["type"] == "provisioned-concurrency"
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == unreserved - 2
    listed = client.list_provisioned_concurrency_configs(FunctionName="ready")
    assert [each["FunctionArn"] for each in listed["ProvisionedConcurrencyConfigs"]] == [
        "arn:aws:lambda:us-east-1:000000000000:function:ready:1"
    ]
    message = refused(
        "InvalidParameterValueException", client.put_function_concurrency, FunctionName="ready",
        ReservedConcurrentExecutions=1,
    )  # fmt: skip
    assert message == (
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency"
        " [2]."
    )
    for _ in range(2):
        client.delete_provisioned_concurrency_config(FunctionName="ready", Qualifier="1")
    message = refused(
        "ProvisionedConcurrencyConfigNotFoundException", client.get_provisioned_concurrency_config,
        FunctionName="ready", Qualifier="1",
    )  # fmt: skip
    assert message == "No Provisioned Concurrency Config found for this function"


def test_an_alias_takes_its_environments_along(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "moved", SOURCE, Publish=True)
    client.create_alias(FunctionName="moved", Name="live", FunctionVersion="1")
    put = client.put_provisioned_concurrency_config
    put(FunctionName="moved", Qualifier="live", ProvisionedConcurrentExecutions=1)
    assert ready(client, "moved", "live")["Status"] == "READY"
    message = refused(
        "ResourceConflictException", put, FunctionName="moved", Qualifier="1",
        ProvisionedConcurrentExecutions=1,
    )  # fmt: skip
    assert message == "Version is pointed by a Provisioned Concurrency alias"
    assert told(client, "moved", "live")["arn"].endswith(":function:moved:live")
    assert told(client, "moved", "1")["arn"].endswith(":function:moved:1")
    client.update_function_configuration(FunctionName="moved", Description="second")
    client.publish_version(FunctionName="moved")
    client.update_alias(FunctionName="moved", Name="live", FunctionVersion="2")
    assert ready(client, "moved", "live")["Status"] == "READY"
    assert told(client, "moved", "live")["type"] == "provisioned-concurrency"


def test_code_that_does_not_come_up(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "broken", "raise ValueError('no')\n", Publish=True)
    client.put_provisioned_concurrency_config(
        FunctionName="broken", Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    config = ready(client, "broken", "1")
    assert (config["Status"], config["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")


def test_what_is_refused(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    arn = make_function(client, role, "refusing", SOURCE, Publish=True)["FunctionArn"]
    client.create_alias(FunctionName="refusing", Name="live", FunctionVersion="1")
    put, get = client.put_provisioned_concurrency_config, client.get_provisioned_concurrency_config
    one: dict[str, Any] = {"FunctionName": "refusing", "ProvisionedConcurrentExecutions": 1}
    invalid = "InvalidParameterValueException"
    assert refused(invalid, put, **one, Qualifier="$LATEST") == (
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )
    assert refused(invalid, get, FunctionName="refusing", Qualifier="$LATEST") == (
        "The function resource provided must be an alias or a published version."
    )
    missing = "ResourceNotFoundException"
    assert refused(missing, put, **one, Qualifier="7") == f"Function not found: {arn}:7"
    assert refused(missing, put, **one, Qualifier="not") == f"Cannot find alias arn: {arn}:not"
    many = {**one, "Qualifier": "1", "ProvisionedConcurrentExecutions": 1001}
    assert refused(invalid, put, **many) == (
        "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."
    )
    assert refused(invalid, put, **many | {"ProvisionedConcurrentExecutions": 950}).endswith(
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    client.put_function_concurrency(FunctionName="refusing", ReservedConcurrentExecutions=1)
    assert refused(invalid, put, **many | {"ProvisionedConcurrentExecutions": 2}) == (
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for"
        " function"
    )
    put(**one, Qualifier="1")
    client.delete_function_concurrency(FunctionName="refusing")
    assert refused("ResourceConflictException", put, **one, Qualifier="live") == (
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    )


def test_they_are_there_again_after_a_crash(fresh_cloud: RunningCloud) -> None:
    client = fresh_cloud.client("lambda")
    role = make_role(fresh_cloud.client("iam"), "again", LOGGING)
    make_function(client, role, "again", SOURCE, Publish=True)
    client.put_provisioned_concurrency_config(
        FunctionName="again", Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    assert ready(client, "again", "1")["Status"] == "READY"
    fresh_cloud.kill()
    fresh_cloud.start()
    client = fresh_cloud.client("lambda")
    assert ready(client, "again", "1")["Status"] == "READY"
    assert told(client, "again", "1")["type"] == "provisioned-concurrency"
