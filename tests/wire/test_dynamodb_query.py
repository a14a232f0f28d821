"""Query, Scan, indexes, expiry and streams through boto3."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from running import RunningCloud
from waiting import until


@pytest.fixture(scope="module")
def dynamodb(cloud: RunningCloud) -> Any:
    return cloud.client("dynamodb")


def make_table(dynamodb: Any, name: str, sort: str = "N", **more: Any) -> str:
    types = {"h": "S", "r": sort} | more.pop("types", {})
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": v} for k, v in types.items()],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return name


def index(name: str, hash_: str, range_: str | None = None, projection: Any = None) -> dict[str, Any]:
    keys = [{"AttributeName": hash_, "KeyType": "HASH"}]
    if range_ is not None:
        keys.append({"AttributeName": range_, "KeyType": "RANGE"})
    return {"IndexName": name, "KeySchema": keys, "Projection": projection or {"ProjectionType": "ALL"}}


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


@pytest.fixture(scope="module")
def numbers(dynamodb: Any) -> tuple[str, list[str]]:
    """A table with one partition of numbers, and the numbers in order."""
    name = make_table(dynamodb, "numbers")
    values = [
        "-1e100",
        "-123.5",
        "-123.45",
        "-1",
        "-1e-50",
        "0",
        "1e-50",
        "0.1",
        "1",
        "2",
        "10",
        "99.9",
        "1e38",
    ]
    for value in random.Random(1).sample(values, len(values)):
        dynamodb.put_item(TableName=name, Item={"h": {"S": "x"}, "r": {"N": value}, "v": {"S": value}})
        dynamodb.put_item(TableName=name, Item={"h": {"S": "x\0"}, "r": {"N": value}})
    return name, values


def queried(
    dynamodb: Any, table: str, condition: str, values: dict[str, str], *, backwards: bool = False
) -> list[str]:
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression=f"h = :h AND {condition}" if condition else "h = :h",
        ExpressionAttributeValues={":h": {"S": "x"}, **{f":{k}": {"N": v} for k, v in values.items()}},
        ScanIndexForward=not backwards,
    )
    return [item["v"]["S"] for item in found["Items"]]


@pytest.mark.parametrize(
    ("condition", "values", "test"),
    [
        ("", {}, lambda n: True),
        ("r = :a", {"a": "10.0"}, lambda n: n == 10),
        ("r < :a", {"a": "0"}, lambda n: n < 0),
        ("r <= :a", {"a": "0"}, lambda n: n <= 0),
        ("r > :a", {"a": "-123.45"}, lambda n: n > Decimal("-123.45")),
        ("r >= :a", {"a": "-123.45"}, lambda n: n >= Decimal("-123.45")),
        ("r BETWEEN :a AND :b", {"a": "-1", "b": "2"}, lambda n: -1 <= n <= 2),
    ],
)
def test_key_conditions_are_ranges(
    dynamodb: Any, numbers: tuple[str, list[str]], condition: str, values: dict[str, str], test: Any
) -> None:
    table, ordered = numbers
    wanted = [value for value in ordered if test(Decimal(value))]
    assert queried(dynamodb, table, condition, values) == wanted
    assert queried(dynamodb, table, condition, values, backwards=True) == wanted[::-1]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("limit", [1, 4, 13])
def test_pages_follow_each_other(
    dynamodb: Any, numbers: tuple[str, list[str]], backwards: bool, limit: int
) -> None:
    table, ordered = numbers
    found: list[str] = []
    start: dict[str, Any] = {}
    for _ in range(20):
        page = dynamodb.query(
            TableName=table, KeyConditionExpression="h = :h", ExpressionAttributeValues={":h": {"S": "x"}},
            ScanIndexForward=not backwards, Limit=limit, **start,
        )  # fmt: skip
        found += [item["v"]["S"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == (ordered[::-1] if backwards else ordered)


def test_prefixes_of_strings(dynamodb: Any) -> None:
    table = make_table(dynamodb, "strings", "S")
    values = ["", "a", "a\0", "a\0b", "ab", "b", "ü", "\U0001f600"]
    for value in values[1:]:
        dynamodb.put_item(TableName=table, Item={"h": {"S": "x"}, "r": {"S": value}})
    found = dynamodb.query(
        TableName=table, KeyConditionExpression="h = :h AND begins_with(r, :p)",
        ExpressionAttributeValues={":h": {"S": "x"}, ":p": {"S": "a"}},
    )  # fmt: skip
    assert [item["r"]["S"] for item in found["Items"]] == ["a", "a\0", "a\0b", "ab"]


H = {":h": {"S": "x"}}
R = {":r": {"N": "1"}}


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("r = :r", R, "Query condition missed key schema element: h"),
        ("h > :h", H, "Query key condition not supported"),
        ("h = :h OR r = :r", H | R, "Invalid operator used in KeyConditionExpression: OR"),
        ("h = :h AND h = :h", H, "KeyConditionExpressions must only contain one condition per key"),
        ("h = :h AND q = :r", H | R, "Query condition missed key schema element: r"),
        (
            "h = :h",
            {":h": {"N": "1"}},
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
    ],
)  # fmt: skip
def test_key_conditions_that_are_refused(
    dynamodb: Any, numbers: tuple[str, list[str]], expression: str, values: Any, message: str
) -> None:
    assert message == refused(
        "ValidationException", dynamodb.query, TableName=numbers[0], KeyConditionExpression=expression,
        ExpressionAttributeValues=values,
    )  # fmt: skip


def test_filters_count_what_they_read(dynamodb: Any, numbers: tuple[str, list[str]]) -> None:
    found = dynamodb.query(
        TableName=numbers[0], KeyConditionExpression="h = :h", FilterExpression="v = :v",
        ExpressionAttributeValues={":h": {"S": "x"}, ":v": {"S": "2"}},
    )  # fmt: skip
    assert (found["Count"], found["ScannedCount"]) == (1, 13)
    counted = dynamodb.query(
        TableName=numbers[0], KeyConditionExpression="h = :h", Select="COUNT",
        ExpressionAttributeValues={":h": {"S": "x"}},
    )  # fmt: skip
    assert counted["Count"] == 13
    assert "Items" not in counted


def test_a_page_is_a_megabyte(dynamodb: Any) -> None:
    table = make_table(dynamodb, "megabyte")
    for number in range(10):
        item = {"h": {"S": "x"}, "r": {"N": str(number)}, "v": {"S": "x" * 200_000}}
        dynamodb.put_item(TableName=table, Item=item)
    first = dynamodb.scan(TableName=table, FilterExpression="attribute_not_exists(h)")
    assert first["ScannedCount"] == 5
    assert first["Count"] == 0
    second = dynamodb.scan(TableName=table, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert second["Count"] == 5


def test_parallel_scans_see_everything_once(dynamodb: Any) -> None:
    table = make_table(dynamodb, "segments")
    for number in range(0, 200, 25):
        puts = [
            {"PutRequest": {"Item": {"h": {"S": f"k{n}"}, "r": {"N": "1"}}}}
            for n in range(number, number + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})
    segments = [
        {item["h"]["S"] for item in dynamodb.scan(TableName=table, Segment=each, TotalSegments=7)["Items"]}
        for each in range(7)
    ]
    assert sum(map(len, segments)) == 200
    assert set().union(*segments) == {f"k{n}" for n in range(200)}
    assert all(len(segment) > 5 for segment in segments)


# Indexes


def test_global_indexes_are_sparse_and_projected(dynamodb: Any) -> None:
    table = make_table(
        dynamodb, "sparse", types={"g": "S", "n": "N"},
        GlobalSecondaryIndexes=[
            index("all", "g", "n"),
            index("keys", "g", None, {"ProjectionType": "KEYS_ONLY"}),
            index("some", "g", "n", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]}),
        ],
    )  # fmt: skip
    full = {
        "h": {"S": "1"},
        "r": {"N": "1"},
        "g": {"S": "g"},
        "n": {"N": "5"},
        "a": {"S": "a"},
        "b": {"S": "b"},
    }
    dynamodb.put_item(TableName=table, Item=full)
    dynamodb.put_item(TableName=table, Item={k: v for k, v in full.items() if k != "g"} | {"h": {"S": "2"}})

    def found(name: str) -> list[Any]:
        return dynamodb.query(
            TableName=table, IndexName=name, KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": "g"}},
        )["Items"]  # fmt: skip

    assert found("all") == [full]
    assert found("keys") == [{k: full[k] for k in ("h", "r", "g")}]
    assert found("some") == [{k: full[k] for k in ("h", "r", "g", "n", "a")}]
    dynamodb.update_item(TableName=table, Key={"h": {"S": "1"}, "r": {"N": "1"}}, UpdateExpression="REMOVE g")
    assert found("all") == []
    message = refused(
        "ValidationException", dynamodb.put_item, TableName=table, Item=full | {"g": {"N": "1"}}
    )
    assert "Type mismatch for Index Key g Expected: S Actual: N" in message


def test_local_indexes_order_their_partition(dynamodb: Any) -> None:
    table = make_table(
        dynamodb, "local", types={"n": "N"},
        LocalSecondaryIndexes=[index("by-n", "h", "n", {"ProjectionType": "KEYS_ONLY"})],
    )  # fmt: skip
    for number, other in ((1, 30), (2, 10), (3, 20)):
        dynamodb.put_item(
            TableName=table,
            Item={"h": {"S": "x"}, "r": {"N": str(number)}, "n": {"N": str(other)}, "v": {"S": "v"}},
        )
    found = dynamodb.query(
        TableName=table, IndexName="by-n", KeyConditionExpression="h = :h AND n > :n",
        ExpressionAttributeValues={":h": {"S": "x"}, ":n": {"N": "10"}}, Select="ALL_ATTRIBUTES",
    )["Items"]  # fmt: skip
    assert [item["r"]["N"] for item in found] == ["3", "1"]
    assert found[0]["v"] == {"S": "v"}
    put = dynamodb.put_item(
        TableName=table, Item={"h": {"S": "x"}, "r": {"N": "9"}}, ReturnItemCollectionMetrics="SIZE"
    )
    assert put["ItemCollectionMetrics"]["ItemCollectionKey"] == {"h": {"S": "x"}}


def test_an_index_added_later_is_filled(dynamodb: Any) -> None:
    table = make_table(dynamodb, "later")
    for number in range(0, 1200, 25):
        puts = [
            {"PutRequest": {"Item": {"h": {"S": str(n)}, "r": {"N": "1"}, "g": {"S": str(n % 3)}}}}
            for n in range(number, number + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})
    dynamodb.update_table(
        TableName=table, AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by-g", "g")}],
    )  # fmt: skip

    def status() -> str:
        described = dynamodb.describe_table(TableName=table)["Table"]
        return described["GlobalSecondaryIndexes"][0]["IndexStatus"]

    until(lambda: status() == "ACTIVE", what="the index to be filled")
    found = dynamodb.query(
        TableName=table, IndexName="by-g", KeyConditionExpression="g = :g", Select="COUNT",
        ExpressionAttributeValues={":g": {"S": "1"}},
    )  # fmt: skip
    assert found["Count"] == 400
    dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert "GlobalSecondaryIndexes" not in described
    assert [each["AttributeName"] for each in described["AttributeDefinitions"]] == ["h", "r"]


# Streams and expiry


def records(cloud: RunningCloud, table: str) -> list[dict[str, Any]]:
    streams = cloud.client("dynamodbstreams")
    arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set[str]()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_streams_show_what_their_view_says(
    cloud: RunningCloud, dynamodb: Any, view: str, images: set[str]
) -> None:
    table = make_table(
        dynamodb, f"stream-{view}", StreamSpecification={"StreamEnabled": True, "StreamViewType": view}
    )
    key = {"h": {"S": "x"}, "r": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=key | {"v": {"N": "1"}})
    dynamodb.put_item(TableName=table, Item=key | {"v": {"N": "1"}})  # no change, no record
    dynamodb.update_item(
        TableName=table, Key=key, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"N": "2"}}
    )
    dynamodb.delete_item(TableName=table, Key=key)
    found = records(cloud, table)
    assert [each["eventName"] for each in found] == ["INSERT", "MODIFY", "REMOVE"]
    modified = found[1]["dynamodb"]
    assert modified["Keys"] == key
    assert modified["StreamViewType"] == view
    assert {"NewImage", "OldImage"} & modified.keys() == images
    numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in found]
    assert numbers == sorted(numbers)


def test_what_has_expired_is_deleted(fresh_cloud: RunningCloud) -> None:
    dynamodb = fresh_cloud.client("dynamodb")
    table = make_table(
        dynamodb, "expiry", StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
    )
    now = int(fresh_cloud.admin("GET", "/_may/status")["time"])
    key = {"h": {"S": "x"}, "r": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=key | {"until": {"N": str(now + 3600)}})
    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    dynamodb.put_item(TableName=table, Item=key | {"r": {"N": "2"}, "until": {"N": str(now + 90_000)}})
    dynamodb.put_item(TableName=table, Item=key | {"r": {"N": "3"}, "until": {"S": "soon"}})
    fresh_cloud.advance(4000)
    until(lambda: dynamodb.scan(TableName=table)["Count"] == 2, what="the expired item to be deleted")
    last = records(fresh_cloud, table)[-1]
    assert last["eventName"] == "REMOVE"
    assert last["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def test_streams_forget_after_a_day(fresh_cloud: RunningCloud) -> None:
    dynamodb = fresh_cloud.client("dynamodb")
    table = make_table(
        dynamodb, "trim", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )
    for number in range(3):
        dynamodb.put_item(TableName=table, Item={"h": {"S": "x"}, "r": {"N": str(number)}})
    assert len(records(fresh_cloud, table)) == 3
    fresh_cloud.advance(90_000)
    until(lambda: len(records(fresh_cloud, table)) <= 1, what="old records to be trimmed")


def test_a_stream_goes_on_readable_after_it_is_closed(cloud: RunningCloud, dynamodb: Any) -> None:
    table = make_table(
        dynamodb, "closed", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )
    dynamodb.put_item(TableName=table, Item={"h": {"S": "x"}, "r": {"N": "1"}})
    dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    assert [each["eventName"] for each in records(cloud, table)] == ["INSERT"]
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert "StreamSpecification" not in described


def test_deletion_protection_and_tags(dynamodb: Any) -> None:
    table = make_table(dynamodb, "kept", DeletionProtectionEnabled=True, Tags=[{"Key": "a", "Value": "1"}])
    assert "protected against deletion" in refused(
        "ValidationException", dynamodb.delete_table, TableName=table
    )
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table)
    message = refused("ResourceNotFoundException", dynamodb.describe_table, TableName=table)
    assert message == f"Requested resource not found: Table: {table} not found"


# A model


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete", "add"]),
        st.sampled_from(["a", "b"]),
        st.integers(-3, 3),
        st.integers(-100, 100),
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def modelled(dynamodb: Any) -> str:
    return make_table(dynamodb, "model", types={"v": "N"}, GlobalSecondaryIndexes=[index("by-v", "h", "v")])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(operations=OPERATIONS)
def test_a_table_is_a_sorted_map(dynamodb: Any, modelled: str, operations: list[Any]) -> None:
    """Puts, deletes and counters against a dictionary; then table and index in order."""
    for item in dynamodb.scan(TableName=modelled)["Items"]:
        dynamodb.delete_item(TableName=modelled, Key={"h": item["h"], "r": item["r"]})
    model: dict[tuple[str, int], int] = {}
    for kind, hash_, range_, value in operations:
        key = {"h": {"S": hash_}, "r": {"N": str(range_)}}
        if kind == "put":
            dynamodb.put_item(TableName=modelled, Item=key | {"v": {"N": str(value)}})
            model[hash_, range_] = value
        elif kind == "delete":
            dynamodb.delete_item(TableName=modelled, Key=key)
            model.pop((hash_, range_), None)
        else:
            dynamodb.update_item(
                TableName=modelled, Key=key, UpdateExpression="ADD v :v",
                ExpressionAttributeValues={":v": {"N": str(value)}},
            )  # fmt: skip
            model[hash_, range_] = model.get((hash_, range_), 0) + value
    for hash_ in ("a", "b"):
        values = {":h": {"S": hash_}}
        rows = dynamodb.query(
            TableName=modelled, KeyConditionExpression="h = :h", ExpressionAttributeValues=values
        )["Items"]
        assert [(int(row["r"]["N"]), int(row["v"]["N"])) for row in rows] == sorted(
            (range_, value) for (h, range_), value in model.items() if h == hash_
        )
        indexed = dynamodb.query(
            TableName=modelled,
            IndexName="by-v",
            KeyConditionExpression="h = :h",
            ExpressionAttributeValues=values,
        )["Items"]
        assert [int(row["v"]["N"]) for row in indexed] == sorted(
            v for (h, _), v in model.items() if h == hash_
        )
