"""Resource policies of tables, as moto's tests/test_dynamodb/test_dynamodb_resource_policy.py (verified
against AWS) has them; that they decide is in test_access.py."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud

NOT_FOUND = "Resource-based policy not found for the provided ResourceArn: "


@pytest.fixture(scope="module")
def dynamodb(cloud: RunningCloud) -> Any:
    return cloud.client("dynamodb")


def make(dynamodb: Any, name: str, **more: Any) -> str:
    return dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )["TableDescription"]["TableArn"]


def policy(action: str = "dynamodb:*") -> str:
    statement = {
        "Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": [action], "Resource": "*",
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(call: Any, code: str = "PolicyNotFoundException", /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def test_a_revision_stays_where_nothing_changes_and_grows_where_it_does(dynamodb: Any) -> None:
    arn = make(dynamodb, "revisions")
    first = dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy())["RevisionId"]
    assert dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy())["RevisionId"] == first
    second = dynamodb.put_resource_policy(
        ResourceArn=arn, Policy=policy("dynamodb:GetItem"), ExpectedRevisionId=first
    )["RevisionId"]
    assert second > first
    told = dynamodb.get_resource_policy(ResourceArn=arn)
    assert told["RevisionId"] == second
    assert json.loads(told["Policy"])["Statement"][0]["Action"] == ["dynamodb:GetItem"]


def test_another_revision_than_expected(dynamodb: Any) -> None:
    arn = make(dynamodb, "expected")
    put = dynamodb.put_resource_policy
    assert refused(dynamodb.get_resource_policy, ResourceArn=arn) == NOT_FOUND + arn
    given = {"ResourceArn": arn, "Policy": policy()}
    current = put(**given, ExpectedRevisionId="NO_POLICY")["RevisionId"]
    assert refused(put, **given, ExpectedRevisionId="NO_POLICY") == (
        f"{NOT_FOUND}Requested policy update expecting none to be present for table expected, but a policy"
        f" exists with revision id {current}."
    )
    other = (
        f"{NOT_FOUND}Requested update for policy with revision id unknown, but the policy associated to"
        f" target table expected has revision id {current}."
    )
    assert refused(put, **given, ExpectedRevisionId="unknown") == other
    assert refused(dynamodb.delete_resource_policy, ResourceArn=arn, ExpectedRevisionId="unknown") == other
    deleted = dynamodb.delete_resource_policy(ResourceArn=arn, ExpectedRevisionId=current)
    assert deleted["RevisionId"] == current
    assert "RevisionId" not in dynamodb.delete_resource_policy(ResourceArn=arn)
    refused(put, **given, ExpectedRevisionId=current)


def test_a_table_is_made_with_a_policy(dynamodb: Any) -> None:
    arn = make(dynamodb, "made-with", ResourcePolicy=policy())
    told = dynamodb.get_resource_policy(ResourceArn=arn)
    assert json.loads(told["Policy"]) == json.loads(policy())
    assert told["RevisionId"].isdigit()


def test_tables_that_are_not_there(dynamodb: Any) -> None:
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/absent"
    for call, more in (
        (dynamodb.put_resource_policy, {"Policy": policy()}),
        (dynamodb.get_resource_policy, {}),
        (dynamodb.delete_resource_policy, {}),
    ):
        words = refused(call, "ResourceNotFoundException", ResourceArn=arn, **more)
        assert words == "Requested resource not found: Table: absent not found"


def test_policies_have_twenty_kilobytes(dynamodb: Any) -> None:
    arn = make(dynamodb, "long")
    long = json.dumps(json.loads(policy()) | {"Id": "x" * 20_480})
    refused(dynamodb.put_resource_policy, "LimitExceededException", ResourceArn=arn, Policy=long)
    refused(dynamodb.put_resource_policy, "ValidationException", ResourceArn=arn, Policy="{")


@pytest.mark.parametrize(
    "change",
    [
        {"Statement": 5},
        {"Statement": [5]},
        {"Statement": [{"Effect": "Allow"}]},
        {"Statement": []},
        {"Version": "2020-01-01"},
        {"Statement": [{"Effect": "Allow", "Principal": 5, "Action": "dynamodb:*", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "nothing", "Resource": "*"}]},
    ],
)
def test_policies_that_say_nothing_do_not_lock_a_table(dynamodb: Any, change: Any) -> None:
    name = f"broken-{abs(hash(str(change)))}"
    arn = make(dynamodb, name)
    text = json.dumps(json.loads(policy()) | change)
    words = refused(dynamodb.put_resource_policy, "ValidationException", ResourceArn=arn, Policy=text)
    assert words.startswith("Invalid policy document: ")
    assert "Item" not in dynamodb.get_item(TableName=name, Key={"p": {"S": "x"}})
    with pytest.raises(ClientError, match="Invalid policy document: "):
        make(dynamodb, f"{name}-too", ResourcePolicy=text)


def test_tables_of_other_accounts_by_arn_and_of_other_regions_not(cloud: RunningCloud, dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-cross-account-access.html"""
    arn = make(dynamodb, "shared")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "111122223333"},
        "Action": "dynamodb:*",
        "Resource": "*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    there, item = cloud.client("dynamodb", key="111122223333"), {"p": {"S": "x"}}
    refused(there.get_item, "AccessDeniedException", TableName=arn, Key=item)
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=document)
    there.put_item(TableName=arn, Item=item)
    assert there.get_item(TableName=arn, Key=item)["Item"] == item
    assert there.batch_get_item(RequestItems={arn: {"Keys": [item]}})["Responses"] == {arn: [item]}
    assert there.transact_get_items(TransactItems=[{"Get": {"TableName": arn, "Key": item}}])["Responses"]
    elsewhere = cloud.client("dynamodb", region="eu-west-1")
    for call, more in (
        (elsewhere.get_item, {"TableName": arn, "Key": item}),
        (elsewhere.describe_table, {"TableName": arn}),
        (elsewhere.delete_table, {"TableName": arn}),
        (elsewhere.list_tags_of_resource, {"ResourceArn": arn}),
        (elsewhere.get_resource_policy, {"ResourceArn": arn}),
    ):
        assert refused(call, "ResourceNotFoundException", **more).startswith("Requested resource not found")
