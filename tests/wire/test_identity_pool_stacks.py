"""Identity pools, their roles and tags from templates."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from running import RunningCloud

PROVIDER = "cognito-idp.us-east-1.amazonaws.com/us-east-1_stack0001"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Federated": "cognito-identity.amazonaws.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": {"Ref": "Pool"}}},
        }
    ],
}


def template(pool: dict[str, Any], mapping: dict[str, Any]) -> str:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    return json.dumps(
        {
            "Resources": {
                "Pool": {"Type": "AWS::Cognito::IdentityPool", "Properties": pool},
                "Guest": role,
                "Roles": {
                    "Type": "AWS::Cognito::IdentityPoolRoleAttachment",
                    "Properties": {
                        "IdentityPoolId": {"Ref": "Pool"},
                        "Roles": {"unauthenticated": {"Fn::GetAtt": ["Guest", "Arn"]}},
                        "RoleMappings": {"users": mapping},
                    },
                },
                "Tags": {
                    "Type": "AWS::Cognito::IdentityPoolPrincipalTag",
                    "Properties": {
                        "IdentityPoolId": {"Ref": "Pool"},
                        "IdentityProviderName": PROVIDER,
                        "PrincipalTags": {"team": "custom:team"},
                    },
                },
            },
            "Outputs": {
                "PoolId": {"Value": {"Ref": "Pool"}},
                "Name": {"Value": {"Fn::GetAtt": ["Pool", "Name"]}},
            },
        }
    )


def run(cloudformation: Any, operation: str, stack: str, body: str) -> dict[str, str]:
    getattr(cloudformation, f"{operation}_stack")(
        StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
    )
    waiter = cloudformation.get_waiter(f"stack_{operation}_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return {each["OutputKey"]: each["OutputValue"] for each in outputs}


def test_a_pool_with_roles_and_tags_lives_and_goes(cloud: RunningCloud) -> None:
    cloudformation, identity = cloud.client("cloudformation"), cloud.client("cognito-identity")
    mapping = {"IdentityProvider": f"{PROVIDER}:client1", "Type": "Token", "AmbiguousRoleResolution": "Deny"}
    pool = {
        "AllowUnauthenticatedIdentities": "true",
        "CognitoIdentityProviders": [{"ProviderName": PROVIDER, "ClientId": "client1"}],
        "IdentityPoolTags": [{"Key": "stage", "Value": "test"}],
    }
    outputs = run(cloudformation, "create", "pools", template(pool, mapping))
    found = identity.describe_identity_pool(IdentityPoolId=outputs["PoolId"])
    assert found["AllowUnauthenticatedIdentities"] is True
    assert found["IdentityPoolName"] == outputs["Name"]
    assert found["IdentityPoolTags"]["stage"] == "test"
    roles = identity.get_identity_pool_roles(IdentityPoolId=outputs["PoolId"])
    assert roles["Roles"].keys() == {"unauthenticated"}
    assert roles["RoleMappings"] == {
        f"{PROVIDER}:client1": {"Type": "Token", "AmbiguousRoleResolution": "Deny"}
    }
    tags = identity.get_principal_tag_attribute_map(
        IdentityPoolId=outputs["PoolId"], IdentityProviderName=PROVIDER
    )
    assert (tags["UseDefaults"], tags["PrincipalTags"]) == (False, {"team": "custom:team"})
    guest = identity.get_id(IdentityPoolId=outputs["PoolId"])["IdentityId"]
    assert identity.get_credentials_for_identity(IdentityId=guest)["Credentials"]["SessionToken"]

    changed = {**pool, "IdentityPoolName": "renamed", "AllowUnauthenticatedIdentities": False}
    again = run(cloudformation, "update", "pools", template(changed, mapping))
    assert again == {"PoolId": outputs["PoolId"], "Name": "renamed"}
    with pytest.raises(ClientError, match="Unauthenticated access is not supported"):
        identity.get_id(IdentityPoolId=outputs["PoolId"])
    cloudformation.delete_stack(StackName="pools")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="pools", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    with pytest.raises(ClientError, match="not found"):
        identity.describe_identity_pool(IdentityPoolId=outputs["PoolId"])


def test_what_a_mapping_does_not_have_is_named(cloud: RunningCloud) -> None:
    cloudformation = cloud.client("cloudformation")
    body = template({"AllowUnauthenticatedIdentities": True}, {"Type": "Token", "Colour": "red"})
    with pytest.raises(WaiterError):
        run(cloudformation, "create", "odd", body)
    events = cloudformation.describe_stack_events(StackName="odd")["StackEvents"]
    assert any("extraneous key [Colour]" in event.get("ResourceStatusReason", "") for event in events)
