"""Lambda's words and shapes, as others observed of AWS.

Facts: the beginning of LocalStack's ``tests/aws/services/lambda_/test_lambda_api.snapshot.json`` (recorded on
AWS: the life of a function, redundant updates), the words of its provider, which are second-hand, and
botocore's model of Lambda.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from packages import LOGGING, make_role, zipped
from running import RunningCloud

SOURCE = "def handler(event, context):\n    return event\n"


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "lambda-conformance", LOGGING)


def create(cloud: RunningCloud, role: str, name: str, **more: Any) -> dict[str, Any]:
    return cloud.client("lambda").create_function(
        FunctionName=name, Runtime="python3.12", Role=role, Handler="app.handler",
        Code={"ZipFile": zipped(app__py=SOURCE)}, **more,
    )  # fmt: skip


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def test_states_of_a_change(cloud: RunningCloud, role: str) -> None:
    """TestLambdaFunction::test_function_lifecycle."""
    client = cloud.client("lambda")
    made = create(cloud, role, "conform-states")
    assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
    assert made["StateReason"] == "The function is being created."
    assert "LastUpdateStatus" not in made
    found = client.get_function_configuration(FunctionName="conform-states")
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in found
    changed = client.update_function_configuration(FunctionName="conform-states", Timeout=9)
    assert (changed["State"], changed["LastUpdateStatus"]) == ("Active", "InProgress")
    assert changed["LastUpdateStatusReasonCode"] == "Creating"
    changed = client.update_function_code(FunctionName="conform-states", ZipFile=zipped(app__py="x = 1\n"))
    assert changed["LastUpdateStatus"] == "InProgress"
    found = client.get_function(FunctionName="conform-states")["Configuration"]
    assert (found["LastUpdateStatus"], "LastUpdateStatusReason" in found) == ("Successful", False)


def test_empty_environments_and_snapshots(cloud: RunningCloud, role: str) -> None:
    """test_function_lifecycle, and SnapStart as botocore documents it."""
    client = cloud.client("lambda")
    made = create(
        cloud, role, "conform-snap", Environment={"Variables": {}}, SnapStart={"ApplyOn": "PublishedVersions"}
    )
    assert made["Environment"] == {"Variables": {}}
    assert made["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    version = client.publish_version(FunctionName="conform-snap")
    assert version["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    message = refused(
        "InvalidParameterValueException", client.update_function_configuration, FunctionName="conform-snap",
        Runtime="python3.11", SnapStart={"ApplyOn": "PublishedVersions"},
    )  # fmt: skip
    assert message == "python3.11 is not supported for SnapStart enabled functions."


def test_conditions_of_permissions(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    create(cloud, role, "conform-policy")
    message = refused(
        "ResourceNotFoundException", client.remove_permission, FunctionName="conform-policy", StatementId="a"
    )
    assert message == "No policy is associated with the given resource."
    message = refused(
        "InvalidParameterValueException", client.add_permission, FunctionName="conform-policy:$LATEST",
        StatementId="a", Action="lambda:InvokeFunction", Principal="*",
    )  # fmt: skip
    assert message == "We currently do not support adding policies for $LATEST."
    token = client.add_permission(
        FunctionName="conform-policy", StatementId="alexa", Action="lambda:InvokeFunction",
        Principal="alexa-appkit.amazon.com", EventSourceToken="amzn1.skill",
    )  # fmt: skip
    assert json.loads(token["Statement"])["Condition"] == {
        "StringEquals": {"lambda:EventSourceToken": "amzn1.skill"}
    }
    url = client.add_permission(
        FunctionName="conform-policy", StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*",
        FunctionUrlAuthType="NONE",
    )  # fmt: skip
    assert json.loads(url["Statement"])["Condition"] == {
        "StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}
    }
    message = refused(
        "PreconditionFailedException", client.remove_permission, FunctionName="conform-policy",
        StatementId="url", RevisionId="wrong",
    )  # fmt: skip
    assert message == (
        "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to"
        " retrieve the latest Revision Id"
    )


def test_permissions_of_layers(cloud: RunningCloud) -> None:
    client = cloud.client("lambda")
    layer = client.publish_layer_version(
        LayerName="conform-shared", Content={"ZipFile": zipped(x__py="x = 1\n")}
    )
    where: dict[str, Any] = {"LayerName": "conform-shared", "VersionNumber": 1}
    message = refused("ResourceNotFoundException", client.get_layer_version_policy, **where)
    assert message == "No policy is associated with the given resource."
    statement: dict[str, Any] = {"Action": "lambda:GetLayerVersion", "Principal": "*"}
    added = client.add_layer_version_permission(
        **where, **statement, StatementId="org", OrganizationId="o-abcdefghij"
    )
    policy = client.get_layer_version_policy(**where)
    assert policy["RevisionId"] == added["RevisionId"]
    assert json.loads(policy["Policy"]) == {
        "Version": "2012-10-17", "Id": "default",
        "Statement": [
            {"Sid": "org", "Effect": "Allow", "Principal": "*", "Action": "lambda:GetLayerVersion",
             "Resource": layer["LayerVersionArn"],
             "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}
        ],
    }  # fmt: skip
    add = client.add_layer_version_permission
    message = refused("ResourceConflictException", add, **where, **statement, StatementId="org")
    assert message.startswith("The statement id (org) provided already exists.")
    wrong = {"StatementId": "b", "RevisionId": "wrong"}
    message = refused("PreconditionFailedException", add, **where, **statement, **wrong)
    assert "Call the GetLayerPolicy API" in message
    remove = client.remove_layer_version_permission
    message = refused("ResourceNotFoundException", remove, **where, StatementId="b")
    assert message == "Statement b is not found in resource policy."
    remove(**where, StatementId="org")
    refused("ResourceNotFoundException", client.get_layer_version_policy, **where)
    where["VersionNumber"] = 7
    message = refused("ResourceNotFoundException", add, **where, **statement, StatementId="a")
    assert message == f"Layer version {layer['LayerArn']}:7 does not exist."
    where["VersionNumber"] = 0
    message = refused("InvalidParameterValueException", client.get_layer_version, **where)
    assert message == "Layer Version Cannot be less than 1"
    assert "Policy" not in client.get_layer_version(LayerName="conform-shared", VersionNumber=1)


def test_layers_of_other_accounts(cloud: RunningCloud, role: str) -> None:
    """A function uses another account's layer only where the version's policy names its account."""
    owner = cloud.client("lambda", key="111122223333")
    layer = owner.publish_layer_version(
        LayerName="conform-foreign", Content={"ZipFile": zipped(x__py="x = 1\n")}
    )
    arn = layer["LayerVersionArn"]
    assert ":111122223333:" in arn
    where: dict[str, Any] = {"LayerName": "conform-foreign", "VersionNumber": 1}
    grant: dict[str, Any] = {**where, "Action": "lambda:GetLayerVersion"}
    owner.add_layer_version_permission(**grant, StatementId="another", Principal="444455556666")
    owner.add_layer_version_permission(
        **grant, StatementId="org", Principal="*", OrganizationId="o-abcdefghij"
    )
    create(cloud, role, "conform-layered")
    use = cloud.client("lambda").update_function_configuration
    wanted: dict[str, Any] = {"FunctionName": "conform-layered", "Layers": [arn]}
    message = refused("AccessDeniedException", use, **wanted)
    assert message.endswith(
        f"is not authorized to perform: lambda:GetLayerVersion on resource: {arn} because no resource-based"
        " policy allows the lambda:GetLayerVersion action"
    )
    owner.add_layer_version_permission(**grant, StatementId="ours", Principal="000000000000")
    assert [each["Arn"] for each in use(**wanted)["Layers"]] == [arn]
    message = refused("InvalidParameterValueException", use, **wanted | {"Layers": [arn, arn]})
    assert message.startswith("Two different versions of the same layer are not allowed")
    owner.remove_layer_version_permission(**where, StatementId="ours")
    refused("AccessDeniedException", use, **wanted)


def test_event_configs_and_concurrency(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    create(cloud, role, "conform-events", Publish=True)
    put = client.put_function_event_invoke_config
    message = refused("InvalidParameterValueException", put, FunctionName="conform-events")
    assert message == "You must specify at least one of error handling or destination setting."
    answer = put(FunctionName="conform-events", MaximumRetryAttempts=1)
    assert answer["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    message = refused(
        "ResourceNotFoundException", put, FunctionName="conform-nothing", MaximumRetryAttempts=1
    )
    assert message == "The function doesn't exist."
    message = refused(
        "ResourceNotFoundException", client.get_function_event_invoke_config, FunctionName="conform-nothing"
    )
    assert message.endswith("function:conform-nothing:$LATEST doesn't have an EventInvokeConfig")
    itself = {"OnFailure": {"Destination": answer["FunctionArn"]}}
    own = refused(
        "InvalidParameterValueException", put, FunctionName="conform-events", DestinationConfig=itself
    )
    assert own == "You can't specify the function as a destination for itself."
    put(FunctionName="conform-events", Qualifier="1", MaximumRetryAttempts=0)
    shown = client.list_function_event_invoke_configs(FunctionName="conform-events", MaxItems=1)
    assert (len(shown["FunctionEventInvokeConfigs"]), bool(shown["NextMarker"])) == (1, True)
    message = refused(
        "InvalidParameterValueException", client.put_function_concurrency,
        FunctionName="conform-events:1", ReservedConcurrentExecutions=1,
    )  # fmt: skip
    assert message.startswith("This operation is permitted on Lambda functions only.")


def test_tags(cloud: RunningCloud, role: str) -> None:
    """In the words of LocalStack's provider."""
    client = cloud.client("lambda")
    arn = create(cloud, role, "conform-tags", Publish=True)["FunctionArn"].removesuffix(":1")
    tag = client.tag_resource
    message = refused("InvalidParameterValueException", tag, Resource=arn, Tags={})
    assert message == "An error occurred and the request cannot be processed."
    message = refused("InvalidParameterValueException", tag, Resource=f"{arn}:1", Tags={"a": "b"})
    assert message == (
        "Tags on function aliases and versions are not supported. Please specify a function ARN."
    )
    many = {f"key-{number}": "value" for number in range(51)}
    message = refused("InvalidParameterValueException", tag, Resource=arn, Tags=many)
    assert message == "Number of tags exceeds resource tag limit."
    assert client.list_tags(Resource=arn)["Tags"] == {}
    message = refused("ResourceNotFoundException", client.list_tags, Resource=f"{arn}-not")
    assert message == f"Function not found: {arn}-not"


def test_routing_of_aliases(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    create(cloud, role, "conform-alias", Publish=True)

    def message(weights: dict[str, float], version: str = "1") -> str:
        return refused(
            "InvalidParameterValueException", client.create_alias, FunctionName="conform-alias", Name="a",
            FunctionVersion=version, RoutingConfig={"AdditionalVersionWeights": weights},
        )  # fmt: skip

    assert message({"1": 0.5, "2": 0.5}) == (
        "Number of items in AdditionalVersionWeights cannot be greater than 1"
    )
    assert message({"1": 0.5}) == (
        "Invalid function version 1. Function version 1 is already included in routing configuration."
    )
    assert message({"1": 0.5}, "$LATEST") == (
        "$LATEST is not supported for an alias pointing to more than 1 version"
    )


def test_the_old_asynchronous_call(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    create(cloud, role, "conform-old")
    assert client.invoke_async(FunctionName="conform-old", InvokeArgs=b"{}")["Status"] == 202
    refused(
        "InvalidRequestContentException", client.invoke_async, FunctionName="conform-old", InvokeArgs=b"{no"
    )
    assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] > 0
