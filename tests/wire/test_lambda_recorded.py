"""Lambda's API as it was recorded of AWS.

Facts: LocalStack's ``tests/aws/services/lambda_/test_lambda_api.snapshot.json`` (its tests are named below),
and what its tests of revisions assert against AWS.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from packages import LOGGING, make_function, make_role, zipped
from running import RunningCloud

SOURCE = "def handler(event, context):\n    return event\n"


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "lambda-recorded", LOGGING)


@pytest.fixture(scope="module")
def client(cloud: RunningCloud) -> Any:
    """A client that sends what boto3 would refuse."""
    return cloud.client("lambda", config=Config(parameter_validation=False))


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def revision(client: Any, name: str, qualifier: str = "$LATEST") -> str:
    return client.get_function_configuration(FunctionName=name, Qualifier=qualifier)["RevisionId"]


def test_names_of_new_functions(client: Any, role: str) -> None:
    """test_create_lambda_exceptions, test_get_function_wrong_region."""
    make = client.create_function
    rest: dict[str, Any] = {
        "Runtime": "python3.12", "Role": role, "Handler": "app.handler",
        "Code": {"ZipFile": zipped(app__py=SOURCE)},
    }  # fmt: skip
    long = "x" * 65
    assert refused("InvalidParameterValueException", make, FunctionName=long, **rest) == (
        f"1 validation error detected: Value '{long}' at 'functionName' failed to satisfy constraint: Member"
        " must have length less than or equal to 64"
    )
    refused("ValidationException", make, FunctionName="recorded:1", **rest)
    there = "arn:aws:lambda:eu-west-1:000000000000:function:recorded-there"
    words = "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    assert refused("ResourceNotFoundException", make, FunctionName=there, **rest) == words
    for asked in (client.get_function, client.invoke, client.delete_function, client.get_policy):
        assert refused("ResourceNotFoundException", asked, FunctionName=there) == words
    assert client.create_function(FunctionName="000000000000:function:recorded-partial", **rest)[
        "FunctionArn"
    ].endswith(":function:recorded-partial")


def test_settings_that_are_refused(client: Any, role: str) -> None:
    """test_create_lambda_exceptions, test_update_…, test_large_environment_variables_fails."""
    make_function(client, role, "recorded-settings", SOURCE)
    change = client.update_function_configuration
    message = refused(
        "InvalidParameterValueException", change, FunctionName="recorded-settings", Runtime="PYTHON3.9"
    )
    assert message.startswith(
        "Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
    )
    assert message.endswith("] or be a valid ARN")
    large = {"LARGE_VAR": "x" * 4096}
    message = refused(
        "InvalidParameterValueException", change, FunctionName="recorded-settings",
        Environment={"Variables": large},
    )  # fmt: skip
    assert message == (
        "Lambda was unable to configure your environment variables because the environment variables you have"
        " provided exceeded the 4KB limit. String measured: " + json.dumps(large, separators=(",", ":"))
    )
    fits = {"LARGE_VAR": "x" * (4096 - len('{"LARGE_VAR":""}'))}
    change(FunctionName="recorded-settings", Environment={"Variables": fits})
    message = refused(
        "InvalidParameterValueException", client.update_function_code, FunctionName="recorded-settings",
        ImageUri="an/image:1",
    )  # fmt: skip
    assert message == "Please don't provide ImageUri when updating a function with packageType Zip."
    message = refused(
        "ValidationException", change, FunctionName="recorded-settings",
        Environment={"Variables": {"1BAD": "x"}},
    )  # fmt: skip
    assert message == (
        "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys"
        " must satisfy constraint: [Member must satisfy regular expression pattern:"
        " [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"
    )
    signed = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-01234567890123456"
    message = refused(
        "CodeSigningConfigNotFoundException", client.create_function, FunctionName="recorded-signed",
        Runtime="python3.12", Role=role, Handler="app.handler", CodeSigningConfigArn=signed,
        Code={"ZipFile": zipped(app__py=SOURCE)},
    )  # fmt: skip
    assert message.endswith(f"is not deleted: {signed}.")


def test_published_when_made(client: Any, role: str) -> None:
    """test_publish_version_on_create, test_publish_with_update."""
    made = make_function(client, role, "recorded-published", SOURCE, Publish=True)
    assert (made["Version"], made["State"]) == ("1", "Pending")
    assert made["FunctionArn"].endswith(":recorded-published")
    assert "LastUpdateStatus" not in made
    assert client.publish_version(FunctionName="recorded-published")["Version"] == "1"
    new = client.update_function_code(
        FunctionName="recorded-published", ZipFile=zipped(app__py="x = 1\n"), Publish=True
    )
    assert (new["Version"], new["State"], new["StateReasonCode"]) == ("2", "Pending", "Creating")
    assert new["FunctionArn"].endswith(":recorded-published:2")
    assert new["RevisionId"] == revision(client, "recorded-published", "2")
    client.update_function_configuration(FunctionName="recorded-published", Description="another")
    assert client.publish_version(FunctionName="recorded-published", Description="own")["Version"] == "3"
    assert client.publish_version(FunctionName="recorded-published")["Version"] == "3"


def test_revisions(client: Any, role: str) -> None:
    """test_function_revisions_version_and_alias, test_function_revisions_permissions."""
    make_function(client, role, "recorded-revised", SOURCE)
    first = revision(client, "recorded-revised")
    version = client.publish_version(FunctionName="recorded-revised", RevisionId=first)
    assert version["RevisionId"] not in (first, revision(client, "recorded-revised"))
    assert version["RevisionId"] == revision(client, "recorded-revised", "1")
    second = revision(client, "recorded-revised")
    assert second != first
    alias = client.create_alias(FunctionName="recorded-revised", Name="live", FunctionVersion="1")
    assert revision(client, "recorded-revised") == second
    statement: dict[str, Any] = {
        "FunctionName": "recorded-revised", "StatementId": "s3", "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
    }  # fmt: skip
    add = client.add_permission
    message = refused("PreconditionFailedException", add, **statement, RevisionId="wrong")
    assert "Call the GetPolicy API" in message
    add(**statement, RevisionId=second)
    third = revision(client, "recorded-revised")
    assert third != second
    assert client.get_policy(FunctionName="recorded-revised")["RevisionId"] == third
    add(**statement, Qualifier="live", RevisionId=alias["RevisionId"])
    seen = client.get_alias(FunctionName="recorded-revised", Name="live")["RevisionId"]
    assert seen != alias["RevisionId"]
    policy = client.get_policy(FunctionName="recorded-revised", Qualifier="live")
    assert policy["RevisionId"] == seen
    client.remove_permission(FunctionName="recorded-revised", StatementId="s3", RevisionId=third)
    assert revision(client, "recorded-revised") != third


def test_a_permission_keeps_environments(cloud: RunningCloud, role: str) -> None:
    """A revision that a policy brings is none that code must be started anew for."""
    client = cloud.client("lambda")
    source = "def handler(event, context):\n    return context.log_stream_name\n"
    make_function(client, role, "recorded-kept", source)
    before = client.invoke(FunctionName="recorded-kept")["Payload"].read()
    client.add_permission(
        FunctionName="recorded-kept", StatementId="s3", Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )  # fmt: skip
    assert client.invoke(FunctionName="recorded-kept")["Payload"].read() == before


def test_aliases(client: Any, role: str) -> None:
    """test_notfound_and_invalid_routingconfigs, test_alias_lifecycle, test_alias_naming."""
    make_function(client, role, "recorded-alias", SOURCE, Publish=True)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:recorded-alias"
    make = client.create_alias
    rest = {"Name": "live", "FunctionVersion": "1"}
    missing = refused("ResourceNotFoundException", make, FunctionName="recorded-no", **rest)
    assert missing == "Function not found: arn:aws:lambda:us-east-1:000000000000:function:recorded-no:1"

    def weights(given: dict[str, float]) -> str:
        return refused(
            "ValidationException", make, FunctionName="recorded-alias", **rest,
            RoutingConfig={"AdditionalVersionWeights": given},
        )  # fmt: skip

    where = "at 'routingConfig.additionalVersionWeights' failed to satisfy constraint:"
    assert weights({"2": 2.0}) == (
        f"1 validation error detected: Value '{{2=2.0}}' {where} Map value must satisfy constraint: [Member"
        " must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0,"
        " Member must not be null]"
    )
    assert weights({"$LATEST": 0.5}) == (
        f"1 validation error detected: Value '{{$LATEST=0.5}}' {where} Map keys must satisfy constraint:"
        " [Member must have length less than or equal to 1024, Member must have length greater than or equal"
        " to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"
    )
    make(FunctionName="recorded-alias", Name="2024-01-02", FunctionVersion="1")
    refused("ValidationException", make, FunctionName="recorded-alias", Name="2024", FunctionVersion="1")
    found = client.get_function(FunctionName="recorded-alias", Qualifier="2024-01-02")["Configuration"]
    assert (found["FunctionArn"], found["Version"]) == (f"{arn}:2024-01-02", "1")


def test_permissions_that_are_refused(client: Any, role: str) -> None:
    """test_permission_exceptions, test_add_lambda_permission_fields, test_remove_multi_permissions."""
    make_function(client, role, "recorded-policy", SOURCE, Publish=True)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:recorded-policy"
    add, rest = client.add_permission, {"FunctionName": "recorded-policy", "StatementId": "a"}
    invoke: dict[str, Any] = {**rest, "Action": "lambda:InvokeFunction"}
    for principal in ("invalid.nonaws.com", "foo"):
        message = refused("InvalidParameterValueException", add, **invoke, Principal=principal)
        assert message == ("The provided principal was invalid. Please check the principal and try again.")
    service = {**invoke, "Principal": "s3.amazonaws.com"}
    message = refused("ResourceNotFoundException", add, **service, Qualifier="nothing")
    assert message == f"Cannot find alias arn: {arn}:nothing"
    message = refused("ResourceNotFoundException", add, **service, Qualifier="12")
    assert message == f"Function not found: {arn}:12"
    message = refused(
        "InvalidParameterValueException", add, **invoke, Principal="*", FunctionUrlAuthType="NONE"
    )
    assert message == "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
    message = refused(
        "ResourceNotFoundException", client.remove_permission, FunctionName="recorded-no", StatementId="a"
    )
    assert message == ("No policy found for: arn:aws:lambda:us-east-1:000000000000:function:recorded-no")
    add(**service)
    latest = client.get_policy(FunctionName="recorded-policy", Qualifier="$LATEST")
    assert json.loads(latest["Policy"])["Statement"][0]["Resource"] == arn
    get = client.get_policy
    message = refused("ResourceNotFoundException", get, FunctionName="recorded-policy", Qualifier="12")
    assert message == "The resource you requested does not exist."


def test_what_is_missing(client: Any, role: str) -> None:
    """test_function_concurrency_exceptions, test_delete_on_nonexisting_version and others."""
    arn = "arn:aws:lambda:us-east-1:000000000000:function:recorded-no"
    message = refused(
        "ResourceNotFoundException", client.put_function_concurrency, FunctionName="recorded-no",
        ReservedConcurrentExecutions=1,
    )  # fmt: skip
    assert message == f"Function not found: {arn}:$LATEST"
    message = refused(
        "ResourceNotFoundException", client.delete_function, FunctionName="recorded-no", Qualifier="7"
    )
    assert message == f"Function not found: {arn}"
    make_function(client, role, "recorded-there", SOURCE)
    gone = client.delete_function(FunctionName="recorded-there", Qualifier="7")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    put = client.put_function_event_invoke_config
    message = refused(
        "InvalidParameterValueException", put, FunctionName="recorded-there",
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )  # fmt: skip
    assert message == f"The destination ARN {arn} is invalid."
    message = refused(
        "InvalidParameterValueException", put, FunctionName="recorded-there",
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:iam:::x"}},
    )  # fmt: skip
    assert message == (
        "The provided destination config DestinationConfig(onSuccess=null,"
        " onFailure=OnFailure(destination=arn:aws:iam:::x)) is invalid."
    )


def test_lists_are_subsets(client: Any, role: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html: what only GetFunction tells."""
    make_function(client, role, "recorded-listed", SOURCE, Publish=True)
    found = client.list_versions_by_function(FunctionName="recorded-listed")["Versions"]
    assert [each["Version"] for each in found] == ["$LATEST", "1"]
    found += client.list_functions()["Functions"]
    for each in found:
        assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & set(each)
    pages = client.get_paginator("list_functions").paginate(
        FunctionVersion="ALL", PaginationConfig={"PageSize": 1}
    )
    arns = [each["FunctionArn"] for page in pages for each in page["Functions"]]
    mine = [arn.partition(":function:")[2] for arn in arns if ":recorded-listed:" in arn]
    assert mine == ["recorded-listed:$LATEST", "recorded-listed:1"]


def test_layers_of_functions(client: Any, role: str) -> None:
    """test_layer_function_exceptions."""
    layer = client.publish_layer_version(
        LayerName="recorded-layer", Content={"ZipFile": zipped(x__py="x = 1\n")}
    )["LayerVersionArn"]
    client.publish_layer_version(LayerName="recorded-layer", Content={"ZipFile": zipped(x__py="x = 2\n")})
    make_function(client, role, "recorded-layered", SOURCE)

    def message(*layers: str) -> str:
        return refused(
            "InvalidParameterValueException", client.update_function_configuration,
            FunctionName="recorded-layered", Layers=[*layers],
        )  # fmt: skip

    second = layer.removesuffix("1") + "2"
    assert message(layer, second) == (
        "Two different versions of the same layer are not allowed to be referenced in the same function."
        f" {layer} and {second} are versions of the same layer."
    )
    assert message(layer.replace("us-east-1", "eu-west-1")) == (
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1."
    )
    assert message(layer.removesuffix("1") + "9").endswith("does not exist.")
    client.update_function_configuration(FunctionName="recorded-layered", Layers=[layer])
    changed = client.update_function_configuration(FunctionName="recorded-layered", Layers=[])
    assert "Layers" not in changed


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (
            b"Hello World",
            "Unrecognized token 'Hello': was expecting (JSON String, Number, Array, Object or token 'null',"
            " 'true' or 'false')\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION`"
            " disabled); line: 1, column: 6]",
        ),
        (b"'test'", "Unexpected character (''' (code 39)): expected a valid value (JSON String, Number,"),
        (b"{cluster: 1}", "Unexpected character ('c' (code 99)): was expecting double-quote to start field"),
        (b'{"a": ', "Unexpected end-of-input"),
        (b"\xff", "Unexpected character"),
        (b"NaN", "Invalid"),
    ],
)
def test_payloads_that_are_not_json(client: Any, role: str, payload: bytes, problem: str) -> None:
    """As others met AWS's words: LocalStack's notes on Invoke, and many questions about the AWS CLI."""
    name = "recorded-payloads"
    if not any(each["FunctionName"] == name for each in client.list_functions()["Functions"]):
        make_function(client, role, name, SOURCE)
    message = refused("InvalidRequestContentException", client.invoke, FunctionName=name, Payload=payload)
    start = "Could not parse request body into json: Could not parse payload into json: "
    assert message.startswith(start + problem)


def test_answers_are_json(client: Any, role: str) -> None:
    make_function(client, role, "recorded-typed", SOURCE)
    answer = client.invoke(FunctionName="recorded-typed", Payload=b"{}")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"
