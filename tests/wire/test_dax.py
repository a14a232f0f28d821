"""DAX's data plane with AWS's own client: every operation, both caches, and errors as the client's own."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

import daxes
from running import RunningCloud
from waiting import until


@pytest.fixture(scope="module")
def url(cloud: RunningCloud) -> str:
    found = daxes.cluster(cloud, "data", daxes.role(cloud, "DaxData"))
    return str(found["ClusterDiscoveryEndpoint"]["URL"])


@pytest.fixture(scope="module")
def dax(url: str) -> Iterator[Any]:
    with daxes.connected(url) as client:
        yield client


@pytest.fixture(scope="module")
def dynamodb(cloud: RunningCloud) -> Any:
    return cloud.client("dynamodb")


VALUES: dict[str, Any] = {
    "text": {"S": "chào"},
    "empty": {"S": ""},
    "whole": {"N": "12345678901234567890123456789012345678"},
    "negative": {"N": "-18446744073709551617"},
    "fraction": {"N": "-1.5"},
    "large": {"N": "1" + "0" * 125},
    "bytes": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "nothing": {"NULL": True},
    "words": {"SS": ["a", "b"]},
    "numbers": {"NS": ["-2", "0.5", "10"]},
    "blobs": {"BS": [b"a", b"b"]},
    "list": {"L": [{"S": "x"}, {"L": [{"N": "1"}]}, {"M": {}}]},
    "map": {"M": {"a": {"M": {"b": {"L": [{"BOOL": True}]}}}, "c": {"B": b""}}},
}


def test_every_type_comes_back_from_cache_and_from_dynamodb(
    cloud: RunningCloud, dax: Any, dynamodb: Any
) -> None:
    daxes.table(cloud, "Types", pk="S")
    key = {"pk": {"S": "1"}}
    item = key | VALUES
    dax.put_item(TableName="Types", Item=item)
    for found in (
        dax.get_item(TableName="Types", Key=key)["Item"],
        dax.get_item(TableName="Types", Key=key, ConsistentRead=True)["Item"],
        dynamodb.get_item(TableName="Types", Key=key)["Item"],
        dax.scan(TableName="Types")["Items"][0],
        dax.transact_get_items(TransactItems=[{"Get": {"TableName": "Types", "Key": key}}])["Responses"][0][
            "Item"
        ],
    ):
        assert _sorted(found) == item


def _sorted(item: dict[str, Any]) -> dict[str, Any]:
    """Sets have no order."""
    orders: dict[str, Any] = {"SS": None, "NS": float, "BS": None}
    return {
        name: {kind: sorted(content, key=orders[kind]) if kind in orders else content}
        for name, value in item.items()
        for kind, content in value.items()
    }


@pytest.mark.parametrize(
    ("name", "keys", "key"),
    [
        ("KeyS", {"pk": "S"}, {"pk": {"S": "khóa"}}),
        ("KeyN", {"pk": "N"}, {"pk": {"N": "-0.25"}}),
        ("KeyB", {"pk": "B"}, {"pk": {"B": b"\x00\x80"}}),
        ("KeySS", {"pk": "S", "sk": "S"}, {"pk": {"S": "a"}, "sk": {"S": "b"}}),
        ("KeyNN", {"pk": "N", "sk": "N"}, {"pk": {"N": "12"}, "sk": {"N": "-3400"}}),
        ("KeyBN", {"pk": "B", "sk": "N"}, {"pk": {"B": b"k"}, "sk": {"N": "0.001"}}),
        ("KeySB", {"pk": "S", "sk": "B"}, {"pk": {"S": "a"}, "sk": {"B": b"\xff\x00"}}),
    ],
)
def test_every_kind_of_key(cloud: RunningCloud, dax: Any, name: str, keys: Any, key: Any) -> None:
    daxes.table(cloud, name, **keys)
    dax.put_item(TableName=name, Item=key | {"v": {"S": "1"}})
    assert dax.get_item(TableName=name, Key=key)["Item"] == key | {"v": {"S": "1"}}
    assert dax.scan(TableName=name)["Items"] == [key | {"v": {"S": "1"}}]
    asked = {name: {"Keys": [key]}}
    assert dax.batch_get_item(RequestItems=asked)["Responses"][name] == [key | {"v": {"S": "1"}}]
    old = dax.delete_item(TableName=name, Key=key, ReturnValues="ALL_OLD")["Attributes"]
    assert old == key | {"v": {"S": "1"}}
    assert "Item" not in dax.get_item(TableName=name, Key=key)


def test_items_behind_its_back_are_seen_when_the_time_is_up(
    cloud: RunningCloud, dax: Any, dynamodb: Any
) -> None:
    daxes.table(cloud, "Items", pk="S")
    key = {"pk": {"S": "1"}}

    def read(**options: Any) -> str | None:
        item = dax.get_item(TableName="Items", Key=key, **options).get("Item")
        return item["v"]["S"] if item else None

    assert read() is None
    dynamodb.put_item(TableName="Items", Item=key | {"v": {"S": "behind"}})
    assert read() is None, "that there was nothing is cached as well"
    assert read(ConsistentRead=True) == "behind"
    assert read() is None, "a consistent read is not kept"
    batch = {"Items": {"Keys": [key]}}
    assert dax.batch_get_item(RequestItems=batch)["Responses"]["Items"] == []
    with cloud.held():
        dax.put_item(TableName="Items", Item=key | {"v": {"S": "through"}})
        assert read() == "through"
        dynamodb.delete_item(TableName="Items", Key=key)
        assert read() == "through"
        cloud.advance(299)
        assert read() == "through"
        cloud.advance(2)
        assert read() is None


def test_each_write_through_dax_is_seen_at_once(cloud: RunningCloud, dax: Any) -> None:
    daxes.table(cloud, "Through", pk="S")
    key = {"pk": {"S": "1"}}

    def read() -> str | None:
        item = dax.get_item(TableName="Through", Key=key).get("Item")
        return item["v"]["S"] if item else None

    def update(value: str, returned: str) -> None:
        dax.update_item(
            TableName="Through",
            Key=key,
            UpdateExpression="SET v = :v",
            ExpressionAttributeValues={":v": {"S": value}},
            ReturnValues=returned,
        )

    read()
    for returned in ("NONE", "ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD"):
        update(returned, returned)
        assert read() == returned
    put = {"PutRequest": {"Item": key | {"v": {"S": "batch"}}}}
    dax.batch_write_item(RequestItems={"Through": [put]})
    assert read() == "batch"
    dax.batch_write_item(RequestItems={"Through": [{"DeleteRequest": {"Key": key}}]})
    assert read() is None
    put = {"Put": {"TableName": "Through", "Item": key | {"v": {"S": "transaction"}}}}
    dax.transact_write_items(TransactItems=[put])
    assert read() == "transaction"
    dax.delete_item(TableName="Through", Key=key)
    assert read() is None


def test_queries_are_kept_for_their_time_whatever_is_written(cloud: RunningCloud, dax: Any) -> None:
    daxes.table(cloud, "Queries", pk="S", sk="N")

    def put(number: int) -> None:
        dax.put_item(TableName="Queries", Item={"pk": {"S": "1"}, "sk": {"N": str(number)}})

    def query(**options: Any) -> list[str]:
        found = dax.query(
            TableName="Queries",
            KeyConditionExpression="pk = :p",
            ExpressionAttributeValues={":p": {"S": "1"}},
            **options,
        )
        return [item["sk"]["N"] for item in found["Items"]]

    put(1)
    assert query() == ["1"]
    assert len(dax.scan(TableName="Queries")["Items"]) == 1
    put(2)
    assert query() == ["1"], "a write does not touch the query cache"
    assert len(dax.scan(TableName="Queries")["Items"]) == 1
    assert query(ScanIndexForward=False) == ["2", "1"], "another query by one parameter"
    assert query(ConsistentRead=True) == ["1", "2"]
    cloud.advance(301)
    assert query() == ["1", "2"]
    assert len(dax.scan(TableName="Queries")["Items"]) == 2


def test_hits_and_misses_are_counted(cloud: RunningCloud, url: str) -> None:
    daxes.table(cloud, "Counted", pk="S")
    daxes.cluster(cloud, "counted", daxes.role(cloud, "DaxCounted"))
    counted = daxes.available(cloud, "counted")["ClusterDiscoveryEndpoint"]["URL"]
    assert counted != url, "each cluster has a port of its own"
    with daxes.connected(counted) as dax:
        for _ in range(3):
            dax.get_item(TableName="Counted", Key={"pk": {"S": "1"}})
        for _ in range(2):
            dax.scan(TableName="Counted")
    cloud.advance(2)

    def total(name: str) -> float:
        found = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/DAX",
            MetricName=name,
            Dimensions=[{"Name": "ClusterId", "Value": "counted"}],
            StartTime=time.time() - 86400,
            EndTime=time.time() + 86400,
            Period=86400,
            Statistics=["Sum"],
        )
        return sum(each["Sum"] for each in found["Datapoints"])

    until(lambda: total("ItemCacheMisses"), what="metrics")
    names = ("ItemCacheHits", "ItemCacheMisses", "QueryCacheHits", "QueryCacheMisses")
    assert [total(name) for name in names] == [2, 1, 1, 1]


def test_a_hit_consumes_nothing(cloud: RunningCloud, dax: Any) -> None:
    daxes.table(cloud, "Capacity", pk="S")
    asked = {"TableName": "Capacity", "Key": {"pk": {"S": "1"}}, "ReturnConsumedCapacity": "TOTAL"}
    assert dax.get_item(**asked)["ConsumedCapacity"]["CapacityUnits"] == 0.5
    assert dax.get_item(**asked)["ConsumedCapacity"]["CapacityUnits"] == 0
    written = dax.put_item(TableName="Capacity", Item={"pk": {"S": "1"}}, ReturnConsumedCapacity="INDEXES")[
        "ConsumedCapacity"
    ]
    assert written == {"TableName": "Capacity", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}


def test_projections_of_cached_items(cloud: RunningCloud, dax: Any, dynamodb: Any) -> None:
    daxes.table(cloud, "Parts", pk="S")
    key = {"pk": {"S": "1"}}
    item = key | {
        "a": {"M": {"b": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]}, "c": {"N": "1"}}},
        "status": {"S": "x"},
        "z": {"S": "last"},
    }
    dynamodb.put_item(TableName="Parts", Item=item)
    asked = {
        "TableName": "Parts",
        "Key": key,
        "ProjectionExpression": "a.b[2], a.b[0], #s, absent, a.c",
        "ExpressionAttributeNames": {"#s": "status"},
    }
    wanted = dynamodb.get_item(**asked)["Item"]
    for _ in range(2):
        assert dax.get_item(**asked)["Item"] == wanted
    assert dax.get_item(TableName="Parts", Key=key)["Item"] == item
    names = {"#s": "status"}
    scanned = dax.scan(TableName="Parts", ProjectionExpression="a.c, #s", ExpressionAttributeNames=names)
    assert scanned["Items"] == [{"a": {"M": {"c": {"N": "1"}}}, "status": {"S": "x"}}]
    batch = {"Parts": {"Keys": [key], "ProjectionExpression": "z, pk"}}
    assert dax.batch_get_item(RequestItems=batch)["Responses"] == {"Parts": [key | {"z": {"S": "last"}}]}
    read = {"Get": {"TableName": "Parts", "Key": key, "ProjectionExpression": "z"}}
    assert dax.transact_get_items(TransactItems=[read])["Responses"] == [{"Item": {"z": {"S": "last"}}}]
    with pytest.raises(ClientError, match="Two document paths overlap"):
        dax.get_item(TableName="Parts", Key=key, ProjectionExpression="a, a.b")


CONDITIONS = [
    ("n = :one", True),
    ("n <> :one", False),
    ("n < :two AND n > :zero AND n <= :one AND n >= :one", True),
    ("n BETWEEN :zero AND :one", True),
    ("n IN (:zero, :two)", False),
    ("NOT n = :two", True),
    ("NOT (n = :one OR n = :two)", False),
    ("(n = :zero OR n = :one) AND (n = :zero OR n = :two OR #l[1] = :two)", True),
    ("n = :zero OR n = :one AND n = :two", False),
    ("attribute_exists(#l) AND attribute_not_exists(#l[7])", True),
    ("attribute_type(#l, :list)", True),
    ("begins_with(t, :ab) AND contains(t, :ab)", True),
    ("size(t) > :two AND size(#l) = :two", True),
    ("m.#l.deep = :ab", True),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS)
def test_every_kind_of_condition(cloud: RunningCloud, dax: Any, condition: str, holds: bool) -> None:
    if "Conditions" not in cloud.client("dynamodb").list_tables()["TableNames"]:
        daxes.table(cloud, "Conditions", pk="S")
    item = {
        "pk": {"S": "1"},
        "n": {"N": "1"},
        "t": {"S": "abc"},
        "list": {"L": [{"N": "1"}, {"N": "2"}]},
        "m": {"M": {"list": {"M": {"deep": {"S": "ab"}}}}},
    }
    dax.put_item(TableName="Conditions", Item=item)
    values = {
        ":zero": {"N": "0"}, ":one": {"N": "1"}, ":two": {"N": "2"}, ":list": {"S": "L"}, ":ab": {"S": "ab"},
    }  # fmt: skip
    used = {name: value for name, value in values.items() if name in condition}
    expressions: dict[str, Any] = {"ExpressionAttributeValues": used} if used else {}
    if "#l" in condition:
        expressions["ExpressionAttributeNames"] = {"#l": "list"}
    found = dax.scan(TableName="Conditions", FilterExpression=condition, ConsistentRead=True, **expressions)
    assert found["Count"] == holds
    asked = {"TableName": "Conditions", "Key": {"pk": {"S": "1"}}, "ConditionExpression": condition}
    if holds:
        dax.delete_item(**asked, **expressions)
    else:
        with pytest.raises(ClientError) as caught:
            dax.delete_item(**asked, **expressions)
        assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"


def test_every_kind_of_update(cloud: RunningCloud, dax: Any, dynamodb: Any) -> None:
    daxes.table(cloud, "Updates", pk="S")
    key = {"pk": {"S": "1"}}
    item = key | {"n": {"N": "5"}, "s": {"NS": ["1", "2"]}, "l": {"L": [{"S": "a"}]}, "gone": {"S": "x"}}
    dax.put_item(TableName="Updates", Item=item)
    returned = dax.update_item(
        TableName="Updates",
        Key=key,
        UpdateExpression=(
            "SET n = n - :two, l = list_append(l, :more), f = if_not_exists(f, :two), p = :two + :two"
            " REMOVE gone ADD c :two, s :three DELETE d :three"
        ),
        ExpressionAttributeValues={":two": {"N": "2"}, ":more": {"L": [{"S": "b"}]}, ":three": {"NS": ["3"]}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert dynamodb.get_item(TableName="Updates", Key=key)["Item"] == returned
    returned["s"]["NS"].sort()
    assert returned == key | {
        "n": {"N": "3"}, "l": {"L": [{"S": "a"}, {"S": "b"}]}, "f": {"N": "2"}, "p": {"N": "4"},
        "c": {"N": "2"}, "s": {"NS": ["1", "2", "3"]},
    }  # fmt: skip
    part = dax.update_item(
        TableName="Updates",
        Key=key,
        UpdateExpression="SET l[1] = :x",
        ExpressionAttributeValues={":x": {"S": "c"}},
        ReturnValues="UPDATED_OLD",
    )["Attributes"]
    assert part == {"l": {"L": [{"S": "b"}]}}
    assert dax.get_item(TableName="Updates", Key=key)["Item"]["l"] == {"L": [{"S": "a"}, {"S": "c"}]}


def test_the_parameters_of_before_expressions(cloud: RunningCloud, dax: Any) -> None:
    daxes.table(cloud, "Legacy", pk="S", sk="N")
    key = {"pk": {"S": "1"}, "sk": {"N": "1"}}
    dax.put_item(TableName="Legacy", Item=key | {"v": {"S": "a"}}, Expected={"pk": {"Exists": False}})
    with pytest.raises(ClientError, match="conditional request failed"):
        dax.put_item(TableName="Legacy", Item=key, Expected={"v": {"Value": {"S": "b"}}})
    dax.update_item(
        TableName="Legacy", Key=key, AttributeUpdates={"w": {"Action": "ADD", "Value": {"N": "2"}}}
    )
    conditions = {
        "pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "1"}]},
        "sk": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]},
    }
    queried = dax.query(TableName="Legacy", KeyConditions=conditions, AttributesToGet=["w"])
    assert queried["Items"] == [{"w": {"N": "2"}}]
    contains = {"v": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": "z"}]}}
    assert dax.scan(TableName="Legacy", ScanFilter=contains)["Count"] == 0


def test_pages_of_tables_and_indexes(cloud: RunningCloud, dax: Any, dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="Paged",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
            {"AttributeName": "g", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byG",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    items = [
        {"pk": {"S": "p"}, "sk": {"N": str(number)}, "g": {"S": "g"}, "v": {"N": "1"}}
        for number in range(-2, 3)
    ]
    puts = [{"PutRequest": {"Item": item}} for item in items]
    assert dax.batch_write_item(RequestItems={"Paged": puts})["UnprocessedItems"] == {}

    def pages(ask: Any, **options: Any) -> list[Any]:
        found: list[Any] = []
        while True:
            answer = ask(TableName="Paged", Limit=2, **options)
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return found
            options["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    values = {":p": {"S": "p"}}
    assert pages(dax.query, KeyConditionExpression="pk = :p", ExpressionAttributeValues=values) == items
    segments = [pages(dax.scan, TotalSegments=2, Segment=number) for number in (0, 1)]
    assert segments[0] + segments[1] == items
    by_index = pages(
        dax.query,
        IndexName="byG",
        KeyConditionExpression="g = :p",
        ExpressionAttributeValues={":p": {"S": "g"}},
    )
    key = lambda item: int(item["sk"]["N"])  # noqa: E731
    assert sorted(by_index, key=key) == [{k: v for k, v in item.items() if k != "v"} for item in items]
    counted = dax.scan(TableName="Paged", Select="COUNT", IndexName="byG")
    assert counted["Count"] == 5
    assert "Items" not in counted


def test_errors_are_the_clients_own(cloud: RunningCloud, dax: Any) -> None:
    daxes.table(cloud, "Errors", pk="S")
    key = {"pk": {"S": "1"}}
    dax.put_item(TableName="Errors", Item=key | {"v": {"S": "x"}})

    def code(operation: Any, **params: Any) -> tuple[str, Any]:
        with pytest.raises(ClientError) as caught:
            operation(**params)
        return caught.value.response["Error"]["Code"], caught.value

    exists = "attribute_not_exists(pk)"
    assert code(dax.put_item, TableName="Errors", Item=key, ConditionExpression=exists)[0] == (
        "ConditionalCheckFailedException"
    )
    found, error = code(dax.get_item, TableName="NoSuchTable", Key=key)
    assert found == "ResourceNotFoundException"
    assert "Requested resource not found" in str(error)
    long = {"pk": {"S": "x" * 2049}}
    assert code(dax.get_item, TableName="Errors", Key=long)[0] == "ValidationException"
    large = key | {"v": {"S": "x" * (400 << 10)}}
    found, error = code(dax.put_item, TableName="Errors", Item=large)
    assert (found, "Item size has exceeded" in str(error)) == ("ValidationException", True)
    wrong = {":v": {"S": "a"}}
    assert code(
        dax.update_item,
        TableName="Errors",
        Key=key,
        UpdateExpression="SET n = v + :v",
        ExpressionAttributeValues=wrong,
    )[0] == ("ValidationException")
    check = {
        "ConditionCheck": {
            "TableName": "Errors",
            "Key": key,
            "ConditionExpression": exists,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
    put = {"Put": {"TableName": "Errors", "Item": {"pk": {"S": "2"}}}}
    found, error = code(dax.transact_write_items, TransactItems=[put, check])
    assert found == "TransactionCanceledException"
    assert error.cancellation_reasons[0] == "None"
    assert error.cancellation_reasons[3:5] == ["ConditionalCheckFailed", "The conditional request failed"]
    assert "Item" not in dax.get_item(TableName="Errors", Key={"pk": {"S": "2"}})


def test_transactions_take_a_token_and_tell_their_cost(cloud: RunningCloud, dax: Any) -> None:
    daxes.table(cloud, "Tokens", pk="S")
    update = {
        "Update": {
            "TableName": "Tokens",
            "Key": {"pk": {"S": "1"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    delete = {"Delete": {"TableName": "Tokens", "Key": {"pk": {"S": "2"}}}}
    asked: dict[str, Any] = {"TransactItems": [update, delete], "ClientRequestToken": "once"}
    assert "ConsumedCapacity" not in dax.transact_write_items(**asked)
    again = dax.transact_write_items(**asked, ReturnConsumedCapacity="TOTAL")
    assert again == {}, "answered as the first time"
    assert dax.get_item(TableName="Tokens", Key={"pk": {"S": "1"}})["Item"]["n"] == {"N": "1"}


def test_item_collections_tell_their_size(cloud: RunningCloud, dax: Any, dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="Collections",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "l")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "byL",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "l", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    item = {"pk": {"S": "1"}, "sk": {"S": "2"}, "l": {"S": "3"}}
    metrics = dax.put_item(TableName="Collections", Item=item, ReturnItemCollectionMetrics="SIZE")
    assert metrics["ItemCollectionMetrics"]["ItemCollectionKey"] == {"pk": {"S": "1"}}
    put = {"PutRequest": {"Item": item}}
    metrics = dax.batch_write_item(RequestItems={"Collections": [put]}, ReturnItemCollectionMetrics="SIZE")
    assert len(metrics["ItemCollectionMetrics"]["Collections"]) == 1


def test_the_resource_interface_works_as_boto3s(cloud: RunningCloud, url: str) -> None:
    from amazondax import AmazonDaxClient

    daxes.table(cloud, "Resource", pk="S")
    with AmazonDaxClient.resource(
        endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    ) as resource:
        table = resource.Table("Resource")
        table.put_item(Item={"pk": "1", "n": 3})
        assert table.get_item(Key={"pk": "1"})["Item"] == {"pk": "1", "n": 3}
