"""User pools: Lambda triggers, really invoked, and templates that declare pools with them."""

import asyncio
import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from maycloud.errors import AwsError
from maycloud.services.cognito_idp import triggers
from maycloud.services.cognito_idp.store import Pool
from packages import LOGGING, make_function, make_role
from running import RunningCloud
from userpools import (
    PASSWORD,
    claims_of,
    code_of,
    mails_of,
    message_of,
    new_client,
    new_pool,
    sent_code,
    sign_in,
)

ECHO = """
def handler(event, context):
    source, request, response = event["triggerSource"], event["request"], event["response"]
    name = event["userName"]
    if source == "PreSignUp_SignUp":
        if name.startswith("bad"):
            raise Exception("no " + name)
        if name.startswith("odd"):
            return "odd"
        response["autoConfirmUser"] = name.startswith("auto")
        response["autoVerifyEmail"] = name.startswith("auto")
        assert request["clientMetadata"] == {"from": "test"}, request
        assert request["userAttributes"]["email"], request
    elif source.endswith("Authentication_Authentication"):
        if request["userAttributes"].get("email", "").startswith(source[:3].lower()):
            raise Exception("refused by " + source)
    elif source == "PostConfirmation_ConfirmSignUp":
        assert request["userAttributes"]["cognito:user_status"] == "CONFIRMED"
        if name.startswith("late"):
            raise Exception("after")
    elif source == "CustomMessage_SignUp":
        response["emailSubject"] = "Welcome " + name
        response["emailMessage"] = "<b>" + request["codeParameter"] + "</b> is yours"
    elif source.startswith("TokenGeneration"):
        groups = request["groupConfiguration"]
        details = {
            "claimsToAddOrOverride": {"source": source, "sub": "someone else"},
            "claimsToSuppress": ["email", "aud"],
        }
        if event["version"] == "1":
            event["response"] = {"claimsOverrideDetails": {
                **details, "groupOverrideDetails": {"groupsToOverride": ["made"]}}}
        else:
            details["claimsToAddOrOverride"]["list"] = [1, {"a": True}]
            event["response"] = {"claimsAndScopeOverrideDetails": {
                "idTokenGeneration": details,
                "accessTokenGeneration": {
                    "claimsToAddOrOverride": {"tier": "gold", "client_id": "x"},
                    "scopesToAdd": ["shop/read"],
                    "scopesToSuppress": ["nothing"] + request["scopes"][1:]}}}
    return event
"""


@pytest.fixture(scope="module")
def function(cloud: RunningCloud) -> str:
    role = make_role(cloud.client("iam"), "cognito-triggers", LOGGING)
    return make_function(cloud.client("lambda"), role, "cognito-triggers", ECHO)["FunctionArn"]


@pytest.fixture
def idp(client: Callable[..., Any]) -> Any:
    return client("cognito-idp")


def pool_with(
    cloud: RunningCloud, function: str, *, allowed: bool = True, **triggers: Any
) -> tuple[str, str]:
    """A pool with triggers, allowed to invoke the function or not, and a client."""
    pool = new_pool(cloud, AutoVerifiedAttributes=["email"], LambdaConfig=triggers)
    if allowed:
        cloud.client("lambda").add_permission(
            FunctionName=function, StatementId=f"cognito-{pool}", Action="lambda:InvokeFunction",
            Principal="cognito-idp.amazonaws.com",
            SourceArn=f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool}",
        )  # fmt: skip
    return pool, new_client(cloud, pool)


def sign_up(idp: Any, app: str, name: str) -> dict[str, Any]:
    return idp.sign_up(
        ClientId=app, Username=name, Password=PASSWORD, ClientMetadata={"from": "test"},
        UserAttributes=[{"Name": "email", "Value": f"{name}@triggers.example"}],
    )  # fmt: skip


def refused(run: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        run()
    return code_of(error), message_of(error)


def test_pre_sign_up_confirms_refuses_and_must_answer(cloud: RunningCloud, function: str, idp: Any) -> None:
    pool, app = pool_with(cloud, function, PreSignUp=function)
    assert sign_up(idp, app, "auto-1")["UserConfirmed"] is True
    assert claims_of(sign_in(cloud, app, "auto-1")["IdToken"])["email_verified"] is True
    assert sign_up(idp, app, "plain-1")["UserConfirmed"] is False
    assert refused(lambda: sign_up(idp, app, "bad-1")) == (
        "UserLambdaValidationException", "PreSignUp failed with error no bad-1.",
    )  # fmt: skip
    assert refused(lambda: sign_up(idp, app, "odd-1")) == (
        "InvalidLambdaResponseException", "Unrecognizable lambda output",
    )  # fmt: skip
    names = [each["Username"] for each in idp.list_users(UserPoolId=pool)["Users"]]
    assert names == ["auto-1", "plain-1"]


def test_a_function_that_does_not_allow_the_pool_is_not_run(
    cloud: RunningCloud, function: str, idp: Any
) -> None:
    _, app = pool_with(cloud, function, allowed=False, PreSignUp=function)
    assert refused(lambda: sign_up(idp, app, "auto-2")) == (
        "UnexpectedLambdaException", "PreSignUp invocation failed due to error AccessDeniedException.",
    )  # fmt: skip


def test_messages_are_reworded_and_confirmations_told(cloud: RunningCloud, function: str, idp: Any) -> None:
    _, app = pool_with(cloud, function, CustomMessage=function, PostConfirmation=function)
    sign_up(idp, app, "late-3")
    mail = mails_of(cloud, "late-3@triggers.example")[0]
    assert mail["subject"] == "Welcome late-3"
    assert re.fullmatch(r"<b>\d{6}</b> is yours", mail["html"])
    assert re.fullmatch(r"\d{6} is yours", mail["text"])
    code = sent_code(cloud, "late-3@triggers.example")
    assert refused(lambda: idp.confirm_sign_up(ClientId=app, Username="late-3", ConfirmationCode=code)) == (
        "UserLambdaValidationException", "PostConfirmation failed with error after.",
    )  # fmt: skip
    sign_in(cloud, app, "late-3")  # confirmed nevertheless, as on AWS


def test_tokens_before_they_are_made_version_1(cloud: RunningCloud, function: str, idp: Any) -> None:
    _, app = pool_with(cloud, function, PreSignUp=function, PreTokenGeneration=function)
    signed = sign_up(idp, app, "auto-4")
    tokens = sign_in(cloud, app, "auto-4")
    identity, access = claims_of(tokens["IdToken"]), claims_of(tokens["AccessToken"])
    assert identity["source"] == "TokenGeneration_Authentication" and identity["sub"] == signed["UserSub"]
    assert "email" not in identity and identity["aud"] == app
    assert identity["cognito:groups"] == access["cognito:groups"] == ["made"]
    assert "source" not in access and "version" not in access
    renewed = idp.initiate_auth(
        ClientId=app, AuthFlow="REFRESH_TOKEN", AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
    )["AuthenticationResult"]
    assert claims_of(renewed["IdToken"])["source"] == "TokenGeneration_RefreshTokens"


def test_tokens_before_they_are_made_version_2(cloud: RunningCloud, function: str, idp: Any) -> None:
    _, app = pool_with(
        cloud, function, PreSignUp=function,
        PreTokenGenerationConfig={"LambdaVersion": "V2_0", "LambdaArn": function},
    )  # fmt: skip
    sign_up(idp, app, "auto-5")
    tokens = sign_in(cloud, app, "auto-5")
    identity, access = claims_of(tokens["IdToken"]), claims_of(tokens["AccessToken"])
    assert identity["list"] == [1, {"a": True}]
    assert access["tier"] == "gold" and access["client_id"] == app and access["version"] == 2
    assert access["scope"] == "aws.cognito.signin.user.admin shop/read"


def test_functions_before_and_after_a_sign_in_may_refuse_it(
    cloud: RunningCloud, function: str, idp: Any
) -> None:
    pool, app = pool_with(cloud, function, PreAuthentication=function, PostAuthentication=function)
    for name, trigger in (("pre-6", "PreAuthentication"), ("pos-6", "PostAuthentication"), ("any-6", "")):
        idp.admin_create_user(
            UserPoolId=pool, Username=name, MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": f"{name}@triggers.example"}],
        )  # fmt: skip
        idp.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
        if trigger:
            assert refused(lambda name=name: sign_in(cloud, app, name)) == (
                "UserLambdaValidationException",
                f"{trigger} failed with error refused by {trigger}_Authentication.",
            )
    sign_in(cloud, app, "any-6")


SLOW_AT_FIRST = """
import boto3, time

def handler(event, context):
    counted = boto3.client("dynamodb").update_item(
        TableName="cognito-slow", Key={"id": {"S": "calls"}}, UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}}, ReturnValues="ALL_NEW",
    )
    if counted["Attributes"]["n"]["N"] == "1":
        time.sleep(60)
    event["response"]["autoConfirmUser"] = True
    return event
"""


def test_a_function_that_is_too_slow_is_called_again(cloud: RunningCloud, idp: Any) -> None:
    table = cloud.client("dynamodb")
    table.create_table(
        TableName="cognito-slow", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    role = make_role(
        cloud.client("iam"), "cognito-slow", LOGGING, "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"
    )
    slow = make_function(
        cloud.client("lambda"), role, "cognito-slow", SLOW_AT_FIRST, Timeout=10
    )["FunctionArn"]  # fmt: skip
    _, app = pool_with(cloud, slow, PreSignUp=slow)
    assert sign_up(idp, app, "slow-1")["UserConfirmed"] is True
    counted = table.get_item(TableName="cognito-slow", Key={"id": {"S": "calls"}})["Item"]
    assert counted["n"]["N"] in ("2", "3")  # a third time where the machine is slow itself


async def test_a_function_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words: https://github.com/furaiev/amazon-cognito-identity-dart-2/issues/204."""
    monkeypatch.setattr(triggers, "ANSWER_WITHIN", 0.01)
    begun: list[str] = []
    spawned: list[Any] = []

    async def call(_service: str, operation: str, *_: Any, **__: Any) -> None:
        begun.append(operation)
        await asyncio.Event().wait()

    state: Any = SimpleNamespace(cloud=SimpleNamespace(call=call, spawn=spawned.append))
    pool = Pool("us-east-1_aaaaaaaaa", "000000000000", "us-east-1", {"LambdaConfig": {"PreSignUp": "arn"}})
    with pytest.raises(AwsError) as error:
        await triggers.run(state, pool, None, "PreSignUp", "PreSignUp_SignUp", "ann", {}, {})
    assert (error.value.code, error.value.message) == (
        "UnexpectedLambdaException",
        "PreSignUp invocation failed due to error Socket timeout while invoking Lambda function.",
    )
    assert begun == ["Invoke"] * 3
    for each in spawned:
        each.close()


TEMPLATE = {
    "Resources": {
        "Pool": {
            "Type": "AWS::Cognito::UserPool",
            "Properties": {
                "UserPoolName": "stacked", "AutoVerifiedAttributes": ["email"],
                "Policies": {"PasswordPolicy": {"MinimumLength": "10", "RequireNumbers": "true"}},
                "Schema": [{"Name": "team", "AttributeDataType": "String", "Mutable": "true"}],
                "MfaConfiguration": "OPTIONAL", "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
                "UserPoolTags": {"team": "a"},
            },
        },
        "Client": {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"}, "GenerateSecret": True, "AllowedOAuthFlows": ["code"],
                "AllowedOAuthFlowsUserPoolClient": True, "CallbackURLs": ["http://localhost:3000/in"],
                "AllowedOAuthScopes": ["openid", {"Fn::Sub": "${Server}/read"}],
            },
        },
        "Server": {
            "Type": "AWS::Cognito::UserPoolResourceServer",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"}, "Identifier": "shop", "Name": "Shop",
                "Scopes": [{"ScopeName": "read", "ScopeDescription": "Read"}],
            },
        },
        "Domain": {
            "Type": "AWS::Cognito::UserPoolDomain",
            "Properties": {"UserPoolId": {"Ref": "Pool"}, "Domain": "stacked-domain"},
        },
        "Group": {
            "Type": "AWS::Cognito::UserPoolGroup",
            "Properties": {"UserPoolId": {"Ref": "Pool"}, "GroupName": "admins", "Precedence": "1"},
        },
        "User": {
            "Type": "AWS::Cognito::UserPoolUser",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"}, "Username": "stacker", "MessageAction": "SUPPRESS",
                "UserAttributes": [{"Name": "email", "Value": "s@example.com"}],
            },
        },
        "Membership": {
            "Type": "AWS::Cognito::UserPoolUserToGroupAttachment",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"}, "GroupName": {"Ref": "Group"}, "Username": {"Ref": "User"},
            },
        },
    },
    "Outputs": {
        "Pool": {"Value": {"Ref": "Pool"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Pool", "Arn"]}},
        "Name": {"Value": {"Fn::GetAtt": ["Pool", "ProviderName"]}},
        "Url": {"Value": {"Fn::GetAtt": ["Pool", "ProviderURL"]}},
        "Client": {"Value": {"Ref": "Client"}},
        "Secret": {"Value": {"Fn::GetAtt": ["Client", "ClientSecret"]}},
    },
}  # fmt: skip


def test_a_template_makes_changes_and_deletes_a_pool(cloud: RunningCloud, idp: Any) -> None:
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(StackName="pools", TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="pools", WaiterConfig={"Delay": 1})
    outputs = {
        each["OutputKey"]: each["OutputValue"]
        for each in cloudformation.describe_stacks(StackName="pools")["Stacks"][0]["Outputs"]
    }
    pool = outputs["Pool"]
    assert outputs["Arn"] == f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool}"
    assert outputs["Name"] == f"cognito-idp.us-east-1.amazonaws.com/{pool}"
    assert outputs["Url"] == f"http://localhost:{cloud.port}/{pool}"
    described = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert described["Policies"]["PasswordPolicy"]["MinimumLength"] == 10
    assert described["Domain"] == "stacked-domain" and described["MfaConfiguration"] == "OPTIONAL"
    assert "custom:team" in {each["Name"] for each in described["SchemaAttributes"]}
    client = idp.describe_user_pool_client(UserPoolId=pool, ClientId=outputs["Client"])["UserPoolClient"]
    assert client["ClientSecret"] == outputs["Secret"]
    assert client["AllowedOAuthScopes"] == ["openid", "shop/read"]
    members = idp.list_users_in_group(UserPoolId=pool, GroupName="admins")["Users"]
    assert [each["Username"] for each in members] == ["stacker"]

    changed = json.loads(json.dumps(TEMPLATE))
    changed["Resources"]["Pool"]["Properties"]["Policies"]["PasswordPolicy"]["MinimumLength"] = 12
    changed["Resources"]["Pool"]["Properties"]["Schema"].append({"Name": "x", "AttributeDataType": "Number"})
    cloudformation.update_stack(StackName="pools", TemplateBody=json.dumps(changed))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="pools", WaiterConfig={"Delay": 1})
    described = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert described["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert "custom:x" in {each["Name"] for each in described["SchemaAttributes"]}
    cloudformation.delete_stack(StackName="pools")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="pools", WaiterConfig={"Delay": 1})
    assert refused(lambda: idp.describe_user_pool(UserPoolId=pool)) == (
        "ResourceNotFoundException", f"User pool {pool} does not exist.",
    )  # fmt: skip
