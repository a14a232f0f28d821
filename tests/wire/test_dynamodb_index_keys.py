"""Global indexes whose keys are of several attributes, up to four each.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html,
moto's tests/test_dynamodb/test_dynamodb_multi_attribute_gsi.py (verified against AWS) and scylladb/scylladb's
test/alternator/test_gsi_composite_keys.py.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud
from waiting import until

KEYS = (("h1", "HASH"), ("h2", "HASH"), ("r1", "RANGE"), ("r2", "RANGE"))
TYPES = {"p": "S", "h1": "S", "h2": "N", "r1": "N", "r2": "S"}


def schema(*keys: tuple[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys]


def definitions(types: dict[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def index(*keys: tuple[str, str]) -> dict[str, Any]:
    return {"IndexName": "index", "KeySchema": schema(*keys), "Projection": {"ProjectionType": "ALL"}}


@pytest.fixture(scope="module")
def dynamodb(cloud: RunningCloud) -> Any:
    """With a table of six items in one partition of its index, in order, and one that is not in it."""
    client = cloud.client("dynamodb")
    client.create_table(
        TableName="several", KeySchema=schema(("p", "HASH")), AttributeDefinitions=definitions(TYPES),
        BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=[index(*KEYS)],
    )  # fmt: skip
    for number in range(6):
        item = {"h1": {"S": "x"}, "h2": {"N": "1"}, "r1": {"N": str(number // 3 * 10)}}
        item |= {"p": {"S": str(number)}, "r2": {"S": "abc"[number % 3]}}
        client.put_item(TableName="several", Item=item)
    lacking = {"p": {"S": "lacking"}, "h1": {"S": "x"}, "h2": {"N": "1"}, "r2": {"S": "a"}}
    client.put_item(TableName="several", Item=lacking)
    return client


VALUES = {":x": {"S": "x"}, ":1": {"N": "1"}, ":0": {"N": "0"}, ":10": {"N": "10"}, ":b": {"S": "b"}}


def query(dynamodb: Any, condition: str, **more: Any) -> Any:
    used = {name: value for name, value in VALUES.items() if name in condition.replace(",", " ").split()}
    return dynamodb.query(
        TableName="several", IndexName="index", KeyConditionExpression=condition,
        ExpressionAttributeValues=used, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("", "012345"),
        ("AND r1 = :10", "345"),
        ("AND r1 < :10", "012"),
        ("AND r1 = :0 AND r2 = :b", "1"),
        ("AND r2 > :b AND r1 = :0", "2"),
        ("AND r1 = :10 AND r2 BETWEEN :b AND :x", "45"),
        ("AND r1 = :10 AND begins_with ( r2 , :b )", "4"),
    ],
)
def test_conditions_lead_from_left_to_right(dynamodb: Any, condition: str, found: str) -> None:
    for backwards in (False, True):
        answer = query(dynamodb, f"h1 = :x AND h2 = :1 {condition}", ScanIndexForward=not backwards)
        names = "".join(item["p"]["S"] for item in answer["Items"])
        assert names == (found[::-1] if backwards else found)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("h1 = :x", "Query condition missed key schema element: h2"),
        ("h1 = :x AND h2 > :1", "Query key condition not supported"),
        ("h1 = :x AND h2 = :1 AND r2 = :b", "Query condition missed key schema element: r1"),
        ("h1 = :x AND h2 = :1 AND r1 > :0 AND r2 = :b", "Query key condition not supported"),
        ("h1 = :x AND h2 = :1 AND r1 = :0 AND r2 = :b AND p = :b", "Query key condition not supported"),
    ],
)
def test_conditions_that_skip_are_refused(dynamodb: Any, condition: str, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        query(dynamodb, condition)
    assert caught.value.response["Error"] == {"Code": "ValidationException", "Message": message}


def test_pages_of_such_an_index_go_on(dynamodb: Any) -> None:
    found: list[str] = []
    start: dict[str, Any] = {}
    while True:
        page = query(dynamodb, "h1 = :x AND h2 = :1", Limit=4, **start)
        found += [item["p"]["S"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        assert page["LastEvaluatedKey"].keys() == TYPES.keys()
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert "".join(found) == "012345"
    scanned = dynamodb.scan(TableName="several", IndexName="index")
    assert {item["p"]["S"] for item in scanned["Items"]} == {*"012345"}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((("h1", "RANGE"), ("h2", "HASH"), ("r1", "RANGE")), "first KeySchemaElement is not a HASH key type"),
        ((("h1", "HASH"), ("r1", "RANGE"), ("h2", "HASH")), "Invalid KeySchema"),
        (tuple((f"h{n}", "HASH") for n in range(1, 6)), "Invalid KeySchema"),
        ((("h1", "HASH"), ("h1", "HASH")), "Duplicate AttributeName in KeySchema: h1"),
        (
            (("h1", "HASH"), ("h9", "HASH")),
            "Some index key attributes are not defined in AttributeDefinitions",
        ),
    ],
)
def test_key_schemas_that_are_refused(dynamodb: Any, keys: Any, words: str) -> None:
    types = {"p": "S"} | {f"h{n}": "S" for n in range(1, 6)} | {"r1": "S"}
    with pytest.raises(ClientError, match=words):
        dynamodb.create_table(
            TableName="refused", KeySchema=schema(("p", "HASH")), AttributeDefinitions=definitions(types),
            BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=[index(*keys)],
        )  # fmt: skip


def test_only_global_indexes_have_such_keys(dynamodb: Any) -> None:
    types = {"p": "S", "c": "S", "l": "S"}
    three = (("p", "HASH"), ("c", "RANGE"), ("l", "RANGE"))
    for keys, more in ((three, {}), (three[:2], {"LocalSecondaryIndexes": [index(*three)]})):
        with pytest.raises(
            ClientError, match="at 'keySchema' failed to satisfy constraint: Member must have len"
        ):
            dynamodb.create_table(
                TableName="refused", KeySchema=schema(*keys), AttributeDefinitions=definitions(types),
                BillingMode="PAY_PER_REQUEST", **more,
            )  # fmt: skip


def test_such_an_index_added_later_is_filled_and_kept(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="later", KeySchema=schema(("p", "HASH")), AttributeDefinitions=definitions({"p": "S"}),
        BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    item = {"p": {"S": "1"}, "a": {"S": "a"}, "b": {"S": "b"}}
    dynamodb.put_item(TableName="later", Item=item)
    dynamodb.update_table(
        TableName="later", AttributeDefinitions=definitions({"a": "S", "b": "S"}),
        GlobalSecondaryIndexUpdates=[{"Create": index(("a", "HASH"), ("b", "HASH"))}],
    )  # fmt: skip

    def filled() -> bool:
        table = dynamodb.describe_table(TableName="later")["Table"]
        return table["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"

    until(filled, what="the index to be filled")
    assert dynamodb.scan(TableName="later", IndexName="index")["Items"] == [item]
    dynamodb.update_item(TableName="later", Key={"p": {"S": "1"}}, UpdateExpression="REMOVE b")
    assert dynamodb.scan(TableName="later", IndexName="index")["Items"] == []
    with pytest.raises(ClientError, match="Type mismatch for Index Key b Expected: S Actual: N"):
        dynamodb.put_item(TableName="later", Item=item | {"b": {"N": "1"}})


def test_a_local_index_fetches_from_the_table_and_that_is_counted(dynamodb: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ThroughputConsiderations"""
    keys_only = index(("p", "HASH"), ("l", "RANGE")) | {"Projection": {"ProjectionType": "KEYS_ONLY"}}
    dynamodb.create_table(
        TableName="fetched", KeySchema=schema(("p", "HASH"), ("s", "RANGE")),
        AttributeDefinitions=definitions({"p": "S", "s": "S", "l": "S"}),
        BillingMode="PAY_PER_REQUEST", LocalSecondaryIndexes=[keys_only],
    )  # fmt: skip
    for sort in "ab":
        item = {"p": {"S": "p"}, "s": {"S": sort}, "l": {"S": sort}, "data": {"S": "x" * 5000}}
        dynamodb.put_item(TableName="fetched", Item=item)
    asked = {
        "TableName": "fetched", "IndexName": "index", "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}}, "ReturnConsumedCapacity": "INDEXES",
        "ConsistentRead": True,
    }  # fmt: skip
    for more, fetched, names in (
        ({}, 0.0, {"p", "s", "l"}),
        ({"Select": "ALL_ATTRIBUTES"}, 4.0, {"p", "s", "l", "data"}),
        ({"ProjectionExpression": "l"}, 0.0, {"l"}),
        ({"ProjectionExpression": "#d", "ExpressionAttributeNames": {"#d": "data"}}, 4.0, {"data"}),
    ):
        answer = dynamodb.query(**asked, **more)
        assert [item.keys() for item in answer["Items"]] == [names] * 2
        capacity = answer["ConsumedCapacity"]
        assert capacity["Table"]["CapacityUnits"] == fetched
        assert capacity["LocalSecondaryIndexes"]["index"]["CapacityUnits"] == 1.0
        assert capacity["CapacityUnits"] == fetched + 1.0
