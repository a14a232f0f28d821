"""ItemCount and the sizes of tables and indexes:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html"""

from typing import Any

import pytest

from running import RunningCloud
from waiting import until

ITEM = {"p": {"S": "1234"}, "g": {"S": "g"}, "data": {"S": "x" * 89}}  # 5 + 2 + 93 bytes


@pytest.fixture(scope="module")
def dynamodb(cloud: RunningCloud) -> Any:
    return cloud.client("dynamodb")


def make(dynamodb: Any, name: str) -> None:
    """A table with a global index that has the keys alone and one that has all."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in "pg"],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": kind,
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": kind},
            }
            for kind in ("ALL", "KEYS_ONLY")
        ],
    )


def figures(dynamodb: Any, name: str) -> list[tuple[int, int]]:
    table = dynamodb.describe_table(TableName=name)["Table"]
    indexes = {each["IndexName"]: each for each in table["GlobalSecondaryIndexes"]}
    return [
        (table["ItemCount"], table["TableSizeBytes"]),
        *((indexes[i]["ItemCount"], indexes[i]["IndexSizeBytes"]) for i in ("ALL", "KEYS_ONLY")),
    ]


def test_small_tables_and_their_indexes_are_counted_at_once(dynamodb: Any) -> None:
    make(dynamodb, "small")
    assert figures(dynamodb, "small") == [(0, 0), (0, 0), (0, 0)]
    dynamodb.put_item(TableName="small", Item=ITEM)
    dynamodb.put_item(TableName="small", Item={"p": {"S": "1"}})
    assert figures(dynamodb, "small") == [(2, 102), (1, 100), (1, 7)]
    dynamodb.delete_item(TableName="small", Key={"p": ITEM["p"]})
    assert figures(dynamodb, "small") == [(1, 2), (0, 0), (0, 0)]


def test_larger_tables_are_counted_beside_other_work(dynamodb: Any) -> None:
    make(dynamodb, "large")
    for start in range(0, 1200, 25):
        puts = [{"PutRequest": {"Item": ITEM | {"p": {"S": f"{start + n:04}"}}}} for n in range(25)]
        dynamodb.batch_write_item(RequestItems={"large": puts})
    wanted = [(1200, 120_000), (1200, 120_000), (1200, 8_400)]
    assert figures(dynamodb, "large")[0] == wanted[0]
    until(lambda: figures(dynamodb, "large") == wanted, what="the indexes to be counted")
