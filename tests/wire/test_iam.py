"""IAM's answers and refusals, as recorded of AWS in LocalStack's tests/aws/services/iam/*.snapshot.json.

Each test names the recording. What was recorded is the shape: members that are there and those that are not.
"""

import json
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud

ACCOUNT = "000000000000"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}],
}


@pytest.fixture
def iam(cloud: RunningCloud) -> Any:
    return cloud.client("iam")


def refused(code: str, call: Any, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def make_role(iam: Any, name: str, **more: Any) -> dict[str, Any]:
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **more)["Role"]


def test_what_is_told_of_a_role(iam: Any) -> None:
    """test_iam_roles: test_create_role_defaults, test_update_role, test_role_with_tags."""
    always = {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}
    assert set(make_role(iam, "plain", Description="kept")) == always
    found = iam.get_role(RoleName="plain")["Role"]
    assert set(found) == always | {"MaxSessionDuration", "RoleLastUsed", "Description"}
    assert (found["MaxSessionDuration"], found["RoleLastUsed"]) == (3600, {})
    tagged = make_role(iam, "tagged", Path="/tagged/", Tags=[{"Key": "k", "Value": ""}])
    assert tagged["Tags"] == [{"Key": "k", "Value": ""}]
    (listed,) = iam.list_roles(PathPrefix="/tagged/")["Roles"]
    assert set(listed) == always | {"MaxSessionDuration"}
    described = iam.update_role_description(RoleName="plain", Description="new")["Role"]
    assert set(described) == always | {"Description"}
    iam.update_role(RoleName="plain", MaxSessionDuration=7200)
    assert iam.get_role(RoleName="plain")["Role"]["Description"] == "new"


def test_refusals_of_tags(iam: Any) -> None:
    """test_iam_roles: test_role_tag_errors; IAM does not repeat the values it refuses."""
    make_role(iam, "to-tag")
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    head = "1 validation error detected: Value at "
    message = refused("ValidationError", iam.tag_role, RoleName="to-tag", Tags=many)
    assert (
        message
        == f"{head}'tags' failed to satisfy constraint: Member must have length less than or equal to 50"
    )
    message = refused(
        "ValidationError", iam.tag_role, RoleName="to-tag", Tags=[{"Key": "k" * 129, "Value": ""}]
    )
    assert message == (
        f"{head}'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal"
        " to 128"
    )
    message = refused("ValidationError", iam.untag_role, RoleName="to-tag", TagKeys=["k" * 129])
    assert message == (
        f"{head}'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must"
        " have length less than or equal to 128, Member must have length greater than or equal to 1, Member"
        r" must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+, Member must not be null]"
    )
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    message = refused("InvalidInput", iam.tag_role, RoleName="to-tag", Tags=twice)
    assert message == "Duplicate tag keys found. Please note that Tag keys are case insensitive."


def test_policies_of_roles(iam: Any) -> None:
    """test_iam_roles: test_role_managed_policy_errors, test_role_permissions_boundary_errors."""
    make_role(iam, "attached")
    where = {"RoleName": "attached"}
    message = refused("ValidationError", iam.attach_role_policy, **where, PolicyArn="longpolicynamebutnoarn")
    assert message == "ARN longpolicynamebutnoarn is not valid."
    absent = f"arn:aws:iam::{ACCOUNT}:policy/absent"
    message = refused("NoSuchEntity", iam.attach_role_policy, **where, PolicyArn=absent)
    assert message == f"Policy {absent} does not exist or is not attachable."
    message = refused("NoSuchEntity", iam.detach_role_policy, **where, PolicyArn=absent)
    assert message == f"Policy {absent} was not found."
    message = refused("NoSuchEntity", iam.put_role_permissions_boundary, **where, PermissionsBoundary=absent)
    assert message == f"Scope ARN: {absent} does not exist or is not attachable."
    wrong = f"arn:aws:iam::{ACCOUNT}:not_a_policy/invalid"
    message = refused("InvalidInput", iam.put_role_permissions_boundary, **where, PermissionsBoundary=wrong)
    assert message == f"ARN {wrong} is not valid."


def test_what_is_told_of_a_policy(iam: Any) -> None:
    """test_iam_policies: test_policy_lifecycle, test_policy_tag_lifecycle, test_policy_version_errors."""
    tags = [{"Key": "a", "Value": "lower"}, {"Key": "A", "Value": "upper"}]
    made = iam.create_policy(PolicyName="told", PolicyDocument=json.dumps(READ), Description="d", Tags=tags)[
        "Policy"
    ]
    assert made["Tags"] == tags
    assert "Description" not in made
    assert iam.list_policy_tags(PolicyArn=made["Arn"])["Tags"] == tags[::-1]
    assert iam.get_policy(PolicyArn=made["Arn"])["Policy"]["Description"] == "d"
    (listed,) = [
        each for each in iam.list_policies(Scope="Local")["Policies"] if each["PolicyName"] == "told"
    ]
    assert {"Tags", "Description"}.isdisjoint(listed)
    iam.untag_policy(PolicyArn=made["Arn"], TagKeys=["a", "A"])
    assert iam.get_policy(PolicyArn=made["Arn"])["Policy"]["Tags"] == []
    absent = f"arn:aws:iam::{ACCOUNT}:policy/TestNonExistingPolicy"
    for call in (iam.get_policy_version, iam.set_default_policy_version):
        message = refused("NoSuchEntity", call, PolicyArn=absent, VersionId="v1")
        assert message == f"Policy {absent} version v1 does not exist or is not attachable."
    message = refused("ValidationError", iam.get_policy_version, PolicyArn=made["Arn"], VersionId="1")
    assert message == (
        "1 validation error detected: Value at 'versionId' failed to satisfy constraint: Member must satisfy"
        r" regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"
    )
    assert (
        refused("NoSuchEntity", iam.tag_policy, PolicyArn=absent, Tags=tags)
        == f"Policy {absent} was not found."
    )


def test_groups_are_renamed_with_their_members(iam: Any) -> None:
    """test_iam_groups: test_update_group_name and _path, test_remove_user_from_unknown_group."""
    iam.create_group(GroupName="before")
    iam.create_group(GroupName="taken")
    iam.create_user(UserName="in-group")
    iam.add_user_to_group(GroupName="before", UserName="in-group")
    message = refused("EntityAlreadyExists", iam.update_group, GroupName="before", NewGroupName="taken")
    assert message == "Group with name taken already exists."
    iam.update_group(GroupName="before", NewGroupName="after", NewPath="/new-path/")
    assert refused("NoSuchEntity", iam.get_group, GroupName="before") == (
        "The group with name before cannot be found."
    )
    found = iam.get_group(GroupName="after")
    assert found["Group"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/new-path/after"
    assert [user["UserName"] for user in found["Users"]] == ["in-group"]
    assert [each["GroupName"] for each in iam.list_groups_for_user(UserName="in-group")["Groups"]] == [
        "after"
    ]
    message = refused("NoSuchEntity", iam.remove_user_from_group, GroupName="none", UserName="any-user")
    assert message == "The user with name any-user cannot be found."


def test_login_profiles(iam: Any) -> None:
    """test_iam_users: test_login_profile_lifecycle, test_login_profile_errors."""
    who = {"UserName": "signs-in"}
    iam.create_user(**who)
    made = iam.create_login_profile(**who, Password="Correct-horse-1")["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"]) == ("signs-in", False)
    message = refused("EntityAlreadyExists", iam.create_login_profile, **who, Password="Correct-horse-1")
    assert message == "Login Profile for user signs-in already exists."
    iam.update_login_profile(**who, PasswordResetRequired=True)
    assert iam.get_login_profile(**who)["LoginProfile"]["PasswordResetRequired"] is True
    message = refused("DeleteConflict", iam.delete_user, **who)
    assert message == "Cannot delete entity, must delete login profile first."
    iam.delete_login_profile(**who)
    message = refused("NoSuchEntity", iam.delete_login_profile, **who)
    assert message == "Login Profile for User signs-in cannot be found."
    iam.delete_user(**who)


def test_access_keys_say_whose_they_are(iam: Any, cloud: RunningCloud) -> None:
    """test_iam_users: test_access_key_last_used, test_access_key_errors."""
    iam.create_user(UserName="key-holder")
    key = iam.create_access_key(UserName="key-holder")["AccessKey"]["AccessKeyId"]
    found = iam.get_access_key_last_used(AccessKeyId=key)
    assert (found["UserName"], found["AccessKeyLastUsed"]["ServiceName"]) == ("key-holder", "N/A")
    message = refused("AccessDenied", iam.get_access_key_last_used, AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    assert message.endswith("perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE")


def test_instance_profiles(iam: Any) -> None:
    """test_iam_instance_profiles: lifecycle, errors, roles and tags."""
    name = {"InstanceProfileName": "machine"}
    made = iam.create_instance_profile(**name, Path="/in/")["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/in/machine"
    assert (made["Roles"], "Tags" in made, made["InstanceProfileId"][:4]) == ([], False, "AIPA")
    assert iam.get_instance_profile(**name)["InstanceProfile"]["Tags"] == []
    message = refused("EntityAlreadyExists", iam.create_instance_profile, **name)
    assert message == "Instance Profile machine already exists."
    make_role(iam, "machine-role", Description="not told here")
    iam.add_role_to_instance_profile(**name, RoleName="machine-role")
    (role,) = iam.get_instance_profile(**name)["InstanceProfile"]["Roles"]
    assert set(role) == {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}
    message = refused("LimitExceeded", iam.add_role_to_instance_profile, **name, RoleName="machine-role")
    assert message == "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    in_use = "Cannot delete entity, must remove roles from instance profile first."
    assert refused("DeleteConflict", iam.delete_instance_profile, **name) == in_use
    assert refused("DeleteConflict", iam.delete_role, RoleName="machine-role") == in_use
    found = iam.list_instance_profiles_for_role(RoleName="machine-role")["InstanceProfiles"]
    assert [each["InstanceProfileName"] for each in found] == ["machine"]
    iam.remove_role_from_instance_profile(**name, RoleName="machine-role")
    message = refused("NoSuchEntity", iam.remove_role_from_instance_profile, **name, RoleName="machine-role")
    assert message == "Role machine-role in Instance Profile machine cannot be found."
    iam.tag_instance_profile(**name, Tags=[{"Key": "MyKey", "Value": "myValue"}])
    assert iam.list_instance_profile_tags(**name)["Tags"] == [{"Key": "MyKey", "Value": "myValue"}]
    iam.delete_instance_profile(**name)
    assert (
        refused("NoSuchEntity", iam.get_instance_profile, **name)
        == "Instance Profile machine cannot be found."
    )


def test_the_password_policy(iam: Any) -> None:
    """test_iam_account_password_policy."""
    message = refused("NoSuchEntity", iam.delete_account_password_policy)
    assert message == "The account policy with name PasswordPolicy cannot be found."
    message = refused("NoSuchEntity", iam.get_account_password_policy)
    assert message == f"The Password Policy with domain name {ACCOUNT} cannot be found."
    iam.update_account_password_policy()
    assert iam.get_account_password_policy()["PasswordPolicy"] == {
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
        "MinimumPasswordLength": 6,
        "RequireLowercaseCharacters": False,
        "RequireNumbers": False,
        "RequireSymbols": False,
        "RequireUppercaseCharacters": False,
    }
    iam.update_account_password_policy(MaxPasswordAge=60, HardExpiry=True, MinimumPasswordLength=10)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["ExpirePasswords"], policy["HardExpiry"], policy["MaxPasswordAge"]) == (True, True, 60)
    message = refused(
        "ValidationError",
        iam.update_account_password_policy,
        MinimumPasswordLength=300,
        PasswordReusePrevention=50,
        MaxPasswordAge=10_000,
    )
    assert message.startswith(
        "3 validation errors detected: Value at 'minimumPasswordLength' failed to satisfy"
    )
    iam.create_user(UserName="short")
    refused("PasswordPolicyViolation", iam.create_login_profile, UserName="short", Password="too-short")
    iam.delete_account_password_policy()


def test_the_alias(iam: Any) -> None:
    """test_iam_account_aliases; an account has one, and the next takes its place."""
    iam.create_account_alias(AccountAlias="first-alias")
    iam.create_account_alias(AccountAlias="second-alias")
    assert iam.list_account_aliases()["AccountAliases"] == ["second-alias"]
    refused("NoSuchEntity", iam.delete_account_alias, AccountAlias="first-alias")
    iam.delete_account_alias(AccountAlias="second-alias")
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_all_that_an_account_gave(iam: Any) -> None:
    """test_iam_account_authorization_details and test_iam_account_summary."""
    make_role(iam, "detailed", Tags=[{"Key": "k", "Value": "v"}])
    iam.put_role_policy(RoleName="detailed", PolicyName="inline", PolicyDocument=json.dumps(READ))
    arn = iam.create_policy(PolicyName="detailed", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="detailed", PolicyArn=arn)
    found = iam.get_account_authorization_details(Filter=["Role"])
    assert (found["UserDetailList"], found["GroupDetailList"], found["Policies"]) == ([], [], [])
    (role,) = [each for each in found["RoleDetailList"] if each["RoleName"] == "detailed"]
    assert role["RolePolicyList"] == [{"PolicyName": "inline", "PolicyDocument": READ}]
    assert role["AttachedManagedPolicies"] == [{"PolicyName": "detailed", "PolicyArn": arn}]
    assert (role["InstanceProfileList"], role["RoleLastUsed"]) == ([], {})
    (policy,) = [
        each
        for each in iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])["Policies"]
        if each["Arn"] == arn
    ]
    assert policy["PolicyVersionList"][0]["Document"] == READ
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["AttachedPoliciesPerRoleQuota"], summary["PolicySizeQuota"], len(summary)) == (
        10,
        6144,
        34,
    )


def test_simulations(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html"""
    iam.create_user(UserName="simulated")
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::open/*"},
            {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::open/secret"},
            {
                "Effect": "Allow",
                "Action": "sqs:*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
            },
        ],
    }
    iam.put_user_policy(UserName="simulated", PolicyName="p", PolicyDocument=json.dumps(document))
    arn = f"arn:aws:iam::{ACCOUNT}:user/simulated"
    resources = ["arn:aws:s3:::open/a", "arn:aws:s3:::open/secret", "arn:aws:s3:::other/a"]
    rows = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:GetObject"], ResourceArns=resources
    )["EvaluationResults"]
    assert [row["EvalDecision"] for row in rows] == ["allowed", "explicitDeny", "implicitDeny"]
    assert [row["EvalResourceName"] for row in rows] == resources
    assert rows[0]["MissingContextValues"] == ["aws:RequestedRegion"]
    region = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyType": "string"}
    for value, decision in (("eu-west-1", "allowed"), ("us-east-1", "implicitDeny")):
        (row,) = iam.simulate_custom_policy(
            PolicyInputList=[json.dumps(document)],
            ActionNames=["sqs:SendMessage"],
            ContextEntries=[region | {"ContextKeyValues": [value]}],
        )["EvaluationResults"]
        assert row["EvalDecision"] == decision
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"]
    assert keys == ["aws:RequestedRegion"]
    refused("NoSuchEntity", iam.simulate_principal_policy, PolicySourceArn=f"{arn}-not", ActionNames=["s3:*"])


def test_service_linked_roles_belong_to_their_service(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceLinkedRole.html"""
    role = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")[
        "Role"
    ]
    name = role["RoleName"]
    message = refused("UnmodifiableEntity", iam.delete_role, RoleName=name)
    assert message.startswith(f"Cannot perform the operation on the protected role '{name}'")
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    refused("NoSuchEntity", iam.get_role, RoleName=name)


def test_service_linked_roles_have_their_service_s_own_names(iam: Any) -> None:
    for service, name in (
        ("elasticbeanstalk", "AWSServiceRoleForElasticBeanstalk"),
        ("custom-resource.application-autoscaling", "AWSServiceRoleForApplicationAutoScaling_CustomResource"),
        ("ecs", "AWSServiceRoleForECS"),
        ("my-own", "AWSServiceRoleForMyOwn"),
    ):
        made = iam.create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")["Role"]
        assert made["RoleName"] == name


def test_tags_of_aws_s_own_are_refused(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules"""
    tags = [{"Key": "AWS:reserved", "Value": "v"}]
    refused("InvalidInput", iam.create_user, UserName="reserved", Tags=tags)
    refused("NoSuchEntity", iam.get_user, UserName="reserved")


def test_managed_policies_in_common_use(cloud: RunningCloud, iam: Any) -> None:
    """https://docs.aws.amazon.com/aws-managed-policy/latest/reference/IAMUserChangePassword.html"""
    arn = "arn:aws:iam::aws:policy/IAMUserChangePassword"
    told = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (told["PolicyName"], told["Path"], told["DefaultVersionId"]) == (
        "IAMUserChangePassword",
        "/",
        "v5",
    )
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v5")["PolicyVersion"]
    assert version["IsDefaultVersion"] is True
    assert version["Document"]["Statement"][0]["Action"] == ["iam:ChangePassword"]
    refused("NoSuchEntity", iam.get_policy, PolicyArn=f"{arn}Not")
    iam.create_user(UserName="managed")
    iam.attach_user_policy(UserName="managed", PolicyArn=arn)
    iam.create_login_profile(UserName="managed", Password="first-Pass1")
    key = iam.create_access_key(UserName="managed")["AccessKey"]
    own = cloud.client("iam", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    own.change_password(OldPassword="first-Pass1", NewPassword="second-Pass2")
    refused("AccessDenied", own.list_users)
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS")
    listed = [each["Arn"] for page in pages for each in page["Policies"]]
    assert arn in listed
    assert len(listed) == len(set(listed)) > 100
    assert "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy" in listed


def test_a_key_tells_where_it_was_last_used(cloud: RunningCloud, iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyLastUsed.html"""
    iam.create_user(UserName="used")
    key = iam.create_access_key(UserName="used")["AccessKey"]

    def told() -> dict[str, Any]:
        return iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]

    wrong = cloud.client("sts", key=key["AccessKeyId"], secret="wrong")
    refused("SignatureDoesNotMatch", wrong.get_caller_identity)
    assert told() == {"ServiceName": "N/A", "Region": "N/A"}
    before = cloud.time()
    for service, region, call in (
        ("sts", "us-east-1", "get_caller_identity"),
        ("dynamodb", "eu-west-1", "list_tables"),
    ):
        client = cloud.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"], region=region)
        with suppress(ClientError):  # one that policies refuse is a use too
            getattr(client, call)()
        last = told()
        assert (last["ServiceName"], last["Region"]) == (service, region)
        assert last["LastUsedDate"].timestamp() >= int(before)
    iam.delete_access_key(UserName="used", AccessKeyId=key["AccessKeyId"])


def test_simulations_tell_which_statements_decided(iam: Any) -> None:
    """The example of https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html."""
    text = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
        '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"}}}}'
    )
    now = {
        "ContextKeyName": "aws:CurrentTime", "ContextKeyValues": ["2019-04-25T11:00:00Z"],
        "ContextKeyType": "date",
    }  # fmt: skip
    asked = {"PolicyInputList": [text], "ActionNames": ["dynamodb:CreateBackup", "s3:GetObject"]}
    allowed, silent = iam.simulate_custom_policy(**asked, ContextEntries=[now])["EvaluationResults"]
    place = {"StartPosition": {"Line": 1, "Column": 38}, "EndPosition": {"Line": 1, "Column": 167}}
    assert allowed["MatchedStatements"] == [{"SourcePolicyId": "PolicyInputList.1", **place}]
    assert (silent["EvalDecision"], silent["MatchedStatements"]) == ("implicitDeny", [])
    deny = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"},
            ],
        },
        indent=2,
    )
    (denied,) = iam.simulate_custom_policy(PolicyInputList=[text, deny], ActionNames=["s3:DeleteObject"])[
        "EvaluationResults"
    ]
    (found,) = denied["MatchedStatements"]
    assert denied["EvalDecision"] == "explicitDeny"
    assert found["SourcePolicyId"] == "PolicyInputList.2"
    lines = deny.splitlines()
    assert lines[found["StartPosition"]["Line"]].strip() == '"Effect": "Deny",'
    assert (found["StartPosition"]["Column"], found["EndPosition"]["Column"]) == (6, 6)
    arn = iam.create_user(UserName="simulating")["User"]["Arn"]
    iam.put_user_policy(UserName="simulating", PolicyName="inline", PolicyDocument=deny)
    iam.attach_user_policy(UserName="simulating", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    (told,) = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])[
        "EvaluationResults"
    ]
    names = [each["SourcePolicyId"] for each in told["MatchedStatements"]]
    assert names == ["inline", "AmazonS3ReadOnlyAccess"]
