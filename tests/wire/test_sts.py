"""STS as recorded of AWS in LocalStack's tests/aws/services/sts/test_sts.snapshot.json."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud

ACCOUNT = "000000000000"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ACCOUNT},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ],
}
MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["sts:*"], "Resource": "*"}],
}


def refused(code: str, call: Any, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


@pytest.fixture(scope="module")
def roles(cloud: RunningCloud) -> list[str]:
    iam = cloud.client("iam")
    arns: list[str] = []
    for name in ("first", "second", "third"):
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(MAY_ASSUME))
        arns.append(role["Arn"])
    return arns


@pytest.mark.parametrize(
    "arn", ["nothing-valid-in-here", "arn::b:::something/test-role", "arn:a::::something/test-role",
            "arn:a:::something/test-role", "arn:a:a::aaaaaaaaaa:"],
)  # fmt: skip
def test_arns_that_are_none(cloud: RunningCloud, arn: str) -> None:
    """test_sts_invalid_parameters."""
    message = refused(
        "ValidationError", cloud.client("sts").assume_role, RoleArn=arn, RoleSessionName="Session1"
    )
    assert message == f"{arn} is invalid"


def test_names_of_sessions(cloud: RunningCloud, roles: list[str]) -> None:
    """test_sts_invalid_parameters, test_assume_role_session_name_too_long."""
    sts = cloud.client("sts")
    head = "1 validation error detected: Value"
    message = refused("ValidationError", sts.assume_role, RoleArn=roles[0], RoleSessionName="Session1:2")
    assert message == (
        f"{head} 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular"
        r" expression pattern: [\w+=,.@-]*"
    )
    long = "s" * 65
    message = refused("ValidationError", sts.assume_role, RoleArn=roles[0], RoleSessionName=long)
    assert message == (
        f"{head} '{long}' at 'roleSessionName' failed to satisfy constraint: Member must have length"
        " less than or"
        " equal to 64"
    )


def test_federated_users(cloud: RunningCloud) -> None:
    """test_get_federation_token: the size of policies is told where there are none."""
    answer = cloud.client("sts").get_federation_token(Name="somebody")
    assert answer["PackedPolicySize"] == 0
    assert answer["FederatedUser"] == {
        "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/somebody",
        "FederatedUserId": f"{ACCOUNT}:somebody",
    }


def test_assumed_roles_tell_no_size_without_policies(cloud: RunningCloud, roles: list[str]) -> None:
    """test_assume_role, test_assume_role_with_policy."""
    sts = cloud.client("sts")
    assert "PackedPolicySize" not in sts.assume_role(RoleArn=roles[0], RoleSessionName="s1")
    answer = sts.assume_role(RoleArn=roles[0], RoleSessionName="s1", Policy=json.dumps(MAY_ASSUME))
    assert 0 < answer["PackedPolicySize"] <= 100


def test_tags_of_sessions(cloud: RunningCloud, roles: list[str]) -> None:
    """TestSTSAssumeRoleTagging: validation, and tags that are handed on from role to role."""
    sts = cloud.client("sts")
    who = {"RoleSessionName": "tagged"}
    tags = [{"Key": "SessionTag1", "Value": "one"}, {"Key": "SessionTag2", "Value": "two"}]
    message = refused(
        "InvalidParameterValue", sts.assume_role, RoleArn=roles[0], **who, Tags=tags,
        TransitiveTagKeys=["InvalidKey"],
    )  # fmt: skip
    assert message == "The specified transitive tag key must be included in the requested tags."
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    message = refused("InvalidParameterValue", sts.assume_role, RoleArn=roles[0], **who, Tags=twice)
    assert message == "Duplicate tag keys found. Please note that Tag keys are case insensitive."

    def session(made: dict[str, Any]) -> Any:
        keys = made["Credentials"]
        return cloud.client(
            "sts", key=keys["AccessKeyId"], secret=keys["SecretAccessKey"], token=keys["SessionToken"]
        )

    first = session(sts.assume_role(RoleArn=roles[0], **who, Tags=tags, TransitiveTagKeys=["SessionTag1"]))
    for key in ("SessionTag1", "sessiontag1"):
        message = refused(
            "InvalidParameterValue", first.assume_role, RoleArn=roles[1], **who,
            Tags=[{"Key": key, "Value": "other"}],
        )  # fmt: skip
        assert message == (
            "One of the specified transitive tag keys can't be set because it conflicts with a"
            " transitive tag key"
            " from the calling session."
        )
    # The third role is for those who carry what the first session handed on.
    statement = TRUST["Statement"][0] | {
        "Condition": {
            "StringEquals": {"aws:PrincipalTag/SessionTag1": "one"},
            "Null": {"aws:PrincipalTag/SessionTag2": "true"},
        }
    }
    cloud.client("iam").update_assume_role_policy(
        RoleName="third", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    second = session(first.assume_role(RoleArn=roles[1], **who, Tags=[{"Key": "Other", "Value": "x"}]))
    refused("AccessDenied", first.assume_role, RoleArn=roles[2], **who)
    third = second.assume_role(RoleArn=roles[2], **who)
    assert third["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/third/tagged"


def test_messages_that_nobody_encoded(cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html"""
    refused(
        "InvalidAuthorizationMessageException",
        cloud.client("sts").decode_authorization_message,
        EncodedMessage="not encoded",
    )


def test_keys_say_their_account(cloud: RunningCloud, roles: list[str]) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html: the account is in the
    key, which need not be there any more; the one in AWS's own examples as it was decoded elsewhere."""
    iam, sts = cloud.client("iam", key="123456789012"), cloud.client("sts", key="123456789012")
    iam.create_user(UserName="holder")
    key = iam.create_access_key(UserName="holder")["AccessKey"]["AccessKeyId"]
    assert len(key) == 20
    assert key.startswith("AKIA")
    session = sts.get_session_token()["Credentials"]["AccessKeyId"]
    assert session.startswith("ASIA")
    iam.delete_access_key(UserName="holder", AccessKeyId=key)
    ask = cloud.client("sts").get_access_key_info
    for each in (key, session):
        assert ask(AccessKeyId=each)["Account"] == "123456789012"
    assert ask(AccessKeyId="AKIAIOSFODNN7EXAMPLE")["Account"] == "581039954779"
    refused("ValidationError", ask, AccessKeyId="AKIA0000000000000000")


def test_what_a_session_may_be_given(cloud: RunningCloud, roles: list[str]) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    assume = cloud.client("sts").assume_role
    wanted = {"RoleArn": roles[0], "RoleSessionName": "limits"}
    read_only = {"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    refused("ValidationError", assume, **wanted, PolicyArns=[read_only] * 11)
    refused("MalformedPolicyDocument", assume, **wanted, PolicyArns=[{"arn": read_only["arn"] + "x"}])
    long = json.dumps(MAY_ASSUME | {"Id": "x" * 2048})
    words = refused("ValidationError", assume, **wanted, Policy=long)
    assert words.endswith(
        "at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048"
    )
    refused("MalformedPolicyDocument", assume, **wanted, Policy=json.dumps(TRUST))
    refused("InvalidParameterValue", assume, **wanted, Tags=[{"Key": "aws:k", "Value": "v"}])


def test_chained_sessions_last_an_hour(cloud: RunningCloud, roles: list[str]) -> None:
    iam = cloud.client("iam")
    for arn in roles[:2]:
        iam.update_role(RoleName=arn.rpartition("/")[2], MaxSessionDuration=7200)
    given = cloud.client("sts").assume_role(RoleArn=roles[0], RoleSessionName="one", DurationSeconds=7200)
    first = given["Credentials"]
    chained = cloud.client(
        "sts", key=first["AccessKeyId"], secret=first["SecretAccessKey"], token=first["SessionToken"]
    )
    next_one = {"RoleArn": roles[1], "RoleSessionName": "two"}
    words = refused("ValidationError", chained.assume_role, **next_one, DurationSeconds=3601)
    assert words == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )
    chained.assume_role(**next_one, DurationSeconds=3600)
    refused("AccessDenied", chained.get_session_token)
