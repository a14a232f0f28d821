"""Code signing configurations.

Words: LocalStack's tests/aws/services/lambda_/test_lambda_api.snapshot.json (TestCodeSigningConfig), and its
provider; the refusal of unsigned code as Terraform's users met it.
"""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from packages import LOGGING, make_function, make_role, zipped
from running import RunningCloud

SOURCE = "def handler(event, context):\n    return event\n"
PUBLISHERS = {
    "SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/mine/abcdefghij"]
}
NOWHERE = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-01234567890123456"


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "signing", LOGGING)


@pytest.fixture
def client(cloud: RunningCloud) -> Any:
    return cloud.client("lambda")


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def make(client: Any, policy: str = "Warn") -> str:
    made = client.create_code_signing_config(
        AllowedPublishers=PUBLISHERS, CodeSigningPolicies={"UntrustedArtifactOnDeployment": policy}
    )
    return made["CodeSigningConfig"]["CodeSigningConfigArn"]


def test_a_configurations_life(client: Any, role: str) -> None:
    """test_function_code_signing_config."""
    made = client.create_code_signing_config(
        AllowedPublishers=PUBLISHERS, Description="one", Tags={"a": "b"}
    )["CodeSigningConfig"]
    arn = made["CodeSigningConfigArn"]
    assert made["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    assert arn.endswith(f":code-signing-config:{made['CodeSigningConfigId']}")
    assert client.list_tags(Resource=arn)["Tags"] == {"a": "b"}
    client.tag_resource(Resource=arn, Tags={"c": "d"})
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert client.list_tags(Resource=arn)["Tags"] == {"c": "d"}
    client.update_code_signing_config(CodeSigningConfigArn=arn, Description="two")
    found = client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    assert (found["Description"], found["AllowedPublishers"]) == ("two", PUBLISHERS)
    assert arn in [
        each["CodeSigningConfigArn"] for each in client.list_code_signing_configs()["CodeSigningConfigs"]
    ]
    function = make_function(client, role, "signing-life", SOURCE)["FunctionArn"]
    assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(FunctionName="signing-life")
    put = client.put_function_code_signing_config(FunctionName=function, CodeSigningConfigArn=arn)
    assert (put["FunctionName"], put["CodeSigningConfigArn"]) == ("signing-life", arn)
    listed = client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)
    assert listed["FunctionArns"] == [function]
    refused("ResourceConflictException", client.delete_code_signing_config, CodeSigningConfigArn=arn)
    client.delete_function_code_signing_config(FunctionName="signing-life")
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    message = refused("ResourceNotFoundException", client.get_code_signing_config, CodeSigningConfigArn=arn)
    assert message == f"The Lambda code signing configuration {arn} can not be found."


def test_what_is_not_there(client: Any, role: str) -> None:
    """test_code_signing_not_existing."""
    make_function(client, role, "signing-none", SOURCE)
    put = client.put_function_code_signing_config
    message = refused(
        "CodeSigningConfigNotFoundException", put, FunctionName="signing-none", CodeSigningConfigArn=NOWHERE
    )
    assert message == (
        "The code signing configuration cannot be found. Check that the provided configuration is not"
        f" deleted: {NOWHERE}."
    )
    missing = refused(
        "ResourceNotFoundException", put, FunctionName="nothing", CodeSigningConfigArn=make(client)
    )
    assert missing == "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nothing"
    for call in (client.delete_code_signing_config, client.list_functions_by_code_signing_config):
        message = refused("ResourceNotFoundException", call, CodeSigningConfigArn=NOWHERE)
        assert message == f"The Lambda code signing configuration {NOWHERE} can not be found."
    refused("ResourceNotFoundException", client.list_tags, Resource=NOWHERE)


def test_unsigned_code_is_not_deployed(client: Any, role: str) -> None:
    strict, lenient = make(client, "Enforce"), make(client)
    message = refused(
        "CodeVerificationFailedException", make_function, client=client, role=role, name="signing-strict",
        source=SOURCE, CodeSigningConfigArn=strict,
    )  # fmt: skip
    assert message.endswith("Check the provided signature for signing-strict.")
    make_function(client, role, "signing-strict", SOURCE, CodeSigningConfigArn=lenient)
    found = client.get_function_code_signing_config(FunctionName="signing-strict")
    assert found["CodeSigningConfigArn"] == lenient
    new = {"FunctionName": "signing-strict", "ZipFile": zipped(app__py="x = 1\n")}
    client.update_function_code(**new)
    client.put_function_code_signing_config(FunctionName="signing-strict", CodeSigningConfigArn=strict)
    refused("CodeVerificationFailedException", client.update_function_code, **new)
