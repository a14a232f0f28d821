"""AWS::IAM:: types beside users, groups, roles and their policies:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_IAM.html"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud
from waiting import until

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
METADATA = (
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com">'
    f"<IDPSSODescriptor><!--{'x' * 1000}--></IDPSSODescriptor></EntityDescriptor>"
)


def policy(action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def template(action: str, role: str, client: str) -> str:
    def resource(kind: str, **properties: Any) -> dict[str, Any]:
        return {"Type": f"AWS::IAM::{kind}", "Properties": properties}

    resources = {
        "First": resource("Role", AssumeRolePolicyDocument=TRUST),
        "Second": resource("Role", AssumeRolePolicyDocument=TRUST),
        "User": resource("User", LoginProfile={"Password": f"{client}-Password1"}),
        "Group": resource("Group"),
        "RolePolicy": resource(
            "RolePolicy", RoleName={"Ref": "First"}, PolicyName="own", PolicyDocument=policy(action)
        ),
        "UserPolicy": resource(
            "UserPolicy", UserName={"Ref": "User"}, PolicyName="own", PolicyDocument=policy(action)
        ),
        "GroupPolicy": resource(
            "GroupPolicy", GroupName={"Ref": "Group"}, PolicyName="own", PolicyDocument=policy(action)
        ),
        "Profile": resource("InstanceProfile", Path="/app/", Roles=[{"Ref": role}]),
        "OIDC": resource(
            "OIDCProvider", Url="https://token.example.com", ClientIdList=[client], ThumbprintList=["a" * 40]
        ),
        "SAML": resource("SAMLProvider", Name="idp", SamlMetadataDocument=METADATA),
        "Linked": resource("ServiceLinkedRole", AWSServiceName="ecs.amazonaws.com"),
    }
    outputs = {
        "Profile": {"Ref": "Profile"},
        "ProfileArn": {"Fn::GetAtt": ["Profile", "Arn"]},
        "OIDC": {"Ref": "OIDC"},
        "SAML": {"Fn::GetAtt": ["SAML", "Arn"]},
        "Linked": {"Fn::GetAtt": ["Linked", "RoleName"]},
        "First": {"Ref": "First"},
        "Second": {"Ref": "Second"},
        "User": {"Ref": "User"},
        "Group": {"Ref": "Group"},
    }
    told = {name: {"Value": value} for name, value in outputs.items()}
    return json.dumps({"Resources": resources, "Outputs": told})


def finished(cloudformation: Any, wanted: str, name: str = "entities") -> dict[str, str]:
    """The stack's outputs once it is done."""

    def done() -> Any:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return stack if not stack["StackStatus"].endswith("IN_PROGRESS") else None

    stack = until(done, what="the stack")
    assert stack["StackStatus"] == wanted, cloudformation.describe_stack_events(StackName=name)
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_entities_come_change_and_go_with_their_stack(cloud: RunningCloud) -> None:
    cloudformation, iam = cloud.client("cloudformation"), cloud.client("iam")
    given = {"StackName": "entities", "Capabilities": ["CAPABILITY_IAM"]}
    cloudformation.create_stack(**given, TemplateBody=template("s3:GetObject", "First", "one"))
    outputs = finished(cloudformation, "CREATE_COMPLETE")
    assert outputs["ProfileArn"] == f"arn:aws:iam::000000000000:instance-profile/app/{outputs['Profile']}"
    assert outputs["OIDC"] == "arn:aws:iam::000000000000:oidc-provider/token.example.com"
    assert outputs["SAML"] == "arn:aws:iam::000000000000:saml-provider/idp"
    assert outputs["Linked"] == "AWSServiceRoleForECS"

    def roles() -> list[str]:
        profile = iam.get_instance_profile(InstanceProfileName=outputs["Profile"])["InstanceProfile"]
        return [role["RoleName"] for role in profile["Roles"]]

    def actions() -> set[str]:
        documents = (
            iam.get_role_policy(RoleName=outputs["First"], PolicyName="own"),
            iam.get_user_policy(UserName=outputs["User"], PolicyName="own"),
            iam.get_group_policy(GroupName=outputs["Group"], PolicyName="own"),
        )
        return {each["PolicyDocument"]["Statement"][0]["Action"] for each in documents}

    assert (roles(), actions()) == ([outputs["First"]], {"s3:GetObject"})
    assert iam.get_login_profile(UserName=outputs["User"])["LoginProfile"]["PasswordResetRequired"] is False
    cloudformation.update_stack(**given, TemplateBody=template("s3:PutObject", "Second", "two"))
    assert finished(cloudformation, "UPDATE_COMPLETE") == outputs
    assert (roles(), actions()) == ([outputs["Second"]], {"s3:PutObject"})
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=outputs["OIDC"])
    assert provider["ClientIDList"] == ["two"]
    cloudformation.delete_stack(StackName="entities")

    def gone() -> bool:
        try:
            stack = cloudformation.describe_stacks(StackName="entities")["Stacks"][0]
        except ClientError:
            return True
        assert stack["StackStatus"] == "DELETE_IN_PROGRESS", stack
        return False

    until(gone, what="the stack to go")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_instance_profile(InstanceProfileName=outputs["Profile"])
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert iam.list_saml_providers()["SAMLProviderList"] == []
    assert iam.list_roles()["Roles"] == []


def test_a_table_takes_policy_and_encryption_from_its_stack(cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html"""
    cloudformation, dynamodb = cloud.client("cloudformation"), cloud.client("dynamodb")

    def body(**more: Any) -> str:
        properties = {
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            **more,
        }
        outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Table", "Arn"]}}}
        table = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
        return json.dumps({"Resources": {"Table": table}, "Outputs": outputs})

    def grant(action: str) -> dict[str, Any]:
        document = policy(action)
        document["Statement"][0]["Principal"] = {"AWS": "000000000000"}
        return {"PolicyDocument": document}

    def allowed(arn: str) -> str:
        told = dynamodb.get_resource_policy(ResourceArn=arn)["Policy"]
        return json.loads(told)["Statement"][0]["Action"]

    warm = {"ReadUnitsPerSecond": 13_000, "WriteUnitsPerSecond": 5_000}
    first = body(
        ResourcePolicy=grant("dynamodb:GetItem"), SSESpecification={"SSEEnabled": True}, WarmThroughput=warm
    )
    cloudformation.create_stack(StackName="table", TemplateBody=first)
    arn = finished(cloudformation, "CREATE_COMPLETE", "table")["Arn"]
    table = dynamodb.describe_table(TableName=arn)["Table"]
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["WarmThroughput"]["ReadUnitsPerSecond"] == 13_000
    assert allowed(arn) == "dynamodb:GetItem"
    second = body(ResourcePolicy=grant("dynamodb:Query"), WarmThroughput=warm)
    cloudformation.update_stack(StackName="table", TemplateBody=second)
    finished(cloudformation, "UPDATE_COMPLETE", "table")
    assert allowed(arn) == "dynamodb:Query"
    assert "SSEDescription" not in dynamodb.describe_table(TableName=arn)["Table"]
    cloudformation.update_stack(StackName="table", TemplateBody=body(WarmThroughput=warm))
    finished(cloudformation, "UPDATE_COMPLETE", "table")
    with pytest.raises(ClientError, match="PolicyNotFoundException"):
        dynamodb.get_resource_policy(ResourceArn=arn)
