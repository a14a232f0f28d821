"""DynamoDB Streams at their edges, as scylladb/scylladb's test/alternator/test_streams.py and test_ttl.py
observed of AWS and its API reference says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud
from waiting import until

KEY: dict[str, Any] = {"p": {"S": "a"}}


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def made(cloud: RunningCloud, name: str, view: str = "NEW_AND_OLD_IMAGES") -> tuple[str, str]:
    """A table with a stream; gives the stream's ARN and its shard."""
    described = cloud.client("dynamodb").create_table(
        TableName=name, KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )["TableDescription"]  # fmt: skip
    arn = described["LatestStreamArn"]
    shards = cloud.client("dynamodbstreams").describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    return arn, shards[0]["ShardId"]


def read(cloud: RunningCloud, arn: str, shard: str, kind: str = "TRIM_HORIZON", **at: Any) -> list[Any]:
    streams = cloud.client("dynamodbstreams")
    found = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **at)
    return streams.get_records(ShardIterator=found["ShardIterator"])["Records"]


def test_a_record_for_each_change_and_none_for_what_changes_nothing(cloud: RunningCloud) -> None:
    """alternator's do_updates_1, and a transaction."""
    dynamodb = cloud.client("dynamodb")
    arn, shard = made(cloud, "changes")
    one, two = KEY | {"x": {"N": "1"}}, KEY | {"y": {"N": "2"}}
    for item in (one, one, two):
        dynamodb.put_item(TableName="changes", Item=item)
    for _ in range(2):
        dynamodb.delete_item(TableName="changes", Key=KEY)
    dynamodb.update_item(TableName="changes", Key=KEY, UpdateExpression="REMOVE x")  # makes no item
    dynamodb.update_item(TableName="changes", Key=KEY)
    dynamodb.batch_write_item(RequestItems={"changes": [{"PutRequest": {"Item": one}}]})
    dynamodb.transact_write_items(TransactItems=[{"Delete": {"TableName": "changes", "Key": KEY}}])
    found = [
        (record["eventName"], record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage"))
        for record in read(cloud, arn, shard)
    ]
    assert found == [
        ("INSERT", None, one), ("MODIFY", one, two), ("REMOVE", two, None), ("INSERT", None, KEY),
        ("MODIFY", KEY, one), ("REMOVE", one, None),
    ]  # fmt: skip


def test_what_a_record_tells(cloud: RunningCloud) -> None:
    arn, shard = made(cloud, "told")
    cloud.client("dynamodb").put_item(TableName="told", Item=KEY | {"n": {"N": "123"}})
    (record,) = read(cloud, arn, shard)
    assert record["eventVersion"] == "1.1" and record["eventSource"] == "aws:dynamodb"
    assert record["awsRegion"] == "us-east-1" and len(record["eventID"]) == 32
    change = record["dynamodb"]
    assert change["Keys"] == KEY and change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert change["SizeBytes"] == 2 + 2 + 4  # the key; the image's key and number
    assert change["SequenceNumber"].isdecimal() and len(change["SequenceNumber"]) >= 21
    assert change["ApproximateCreationDateTime"].microsecond == 0


def test_iterators_begin_where_they_are_told(cloud: RunningCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    arn, shard = made(cloud, "places", "KEYS_ONLY")
    for number in range(3):
        dynamodb.put_item(TableName="places", Item={"p": {"S": str(number)}})
    numbers = [record["dynamodb"]["SequenceNumber"] for record in read(cloud, arn, shard)]
    assert numbers == sorted(numbers, key=int)

    def count(kind: str, **at: Any) -> int:
        return len(read(cloud, arn, shard, kind, **at))

    assert count("AT_SEQUENCE_NUMBER", SequenceNumber=numbers[1]) == 2
    assert count("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[1]) == 1
    assert count("LATEST") == 0


def test_stream_requests_that_are_refused(cloud: RunningCloud) -> None:
    streams = cloud.client("dynamodbstreams")
    arn, shard = made(cloud, "refusing", "KEYS_ONLY")
    seq = "1" + "0" * 19 + "1"
    iterator = streams.get_shard_iterator
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        refused("ValidationException", iterator, StreamArn=arn, ShardId=shard, ShardIteratorType=kind)
    for kind in ("TRIM_HORIZON", "LATEST"):
        message = refused(
            "ValidationException", iterator, StreamArn=arn, ShardId=shard, ShardIteratorType=kind,
            SequenceNumber=seq,
        )  # fmt: skip
        assert message == f"SequenceNumber cannot be specified with ShardIteratorType {kind}"
    wrong = "s" * 60
    refused("ValidationException", iterator, StreamArn=wrong, ShardId=shard, ShardIteratorType="LATEST")
    refused("ValidationException", streams.describe_stream, StreamArn=wrong)
    refused("ValidationException", streams.list_streams, ExclusiveStartStreamArn=wrong)
    refused("ValidationException", streams.get_records, ShardIterator=wrong)
    refused(
        "ResourceNotFoundException", iterator, StreamArn=arn, ShardId="x" * 30, ShardIteratorType="LATEST"
    )
    refused("ResourceNotFoundException", streams.describe_stream, StreamArn=f"{arn}1")
    assert "less than or equal to 100" in refused("ValidationException", streams.list_streams, Limit=101)
    begun = iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    assert "less than or equal to 1000" in refused(
        "ValidationException", streams.get_records, ShardIterator=begun, Limit=1001
    )
    after = streams.describe_stream(StreamArn=arn, ExclusiveStartShardId="z" * 30)["StreamDescription"]
    assert after["Shards"] == []


def test_an_iterator_lasts_fifteen_minutes(fresh_cloud: RunningCloud) -> None:
    streams = fresh_cloud.client("dynamodbstreams")
    arn, shard = made(fresh_cloud, "lasting", "KEYS_ONLY")
    fresh_cloud.hold()
    begun = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    fresh_cloud.advance(890)
    assert fresh_cloud.client("dynamodbstreams").get_records(**begun_only(begun))["Records"] == []
    fresh_cloud.advance(20)
    refused(
        "ExpiredIteratorException", fresh_cloud.client("dynamodbstreams").get_records, **begun_only(begun)
    )


def begun_only(answer: dict[str, Any]) -> dict[str, Any]:
    return {"ShardIterator": answer["ShardIterator"]}


def test_what_would_have_expired_long_ago_stays(fresh_cloud: RunningCloud) -> None:
    """alternator's test_ttl.py: an item dated more than five years back does not expire."""
    dynamodb = fresh_cloud.client("dynamodb")
    made(fresh_cloud, "dated")
    specification = {"Enabled": True, "AttributeName": "until"}
    dynamodb.update_time_to_live(TableName="dated", TimeToLiveSpecification=specification)
    now = int(fresh_cloud.admin("GET", "/_may/status")["time"])
    for name, when in (("old", now - 6 * 365 * 86_400), ("due", now - 60)):
        dynamodb.put_item(TableName="dated", Item={"p": {"S": name}, "until": {"N": str(when)}})
    fresh_cloud.advance(60)
    until(lambda: dynamodb.scan(TableName="dated")["Count"] == 1, what="the item that is due to be deleted")
    assert dynamodb.scan(TableName="dated")["Items"][0]["p"] == {"S": "old"}


def test_iterators_begin_at_a_time(fresh_cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html"""
    dynamodb = fresh_cloud.client("dynamodb")
    arn, shard = made(fresh_cloud, "timed", "KEYS_ONLY")
    times: list[datetime] = []
    for number in range(3):
        dynamodb.put_item(TableName="timed", Item={"p": {"S": str(number)}})
        times.append(read(fresh_cloud, arn, shard)[-1]["dynamodb"]["ApproximateCreationDateTime"])
        fresh_cloud.admin("POST", "/_may/clock", {"advance": 60})

    def count(time: datetime) -> int:
        return len(read(fresh_cloud, arn, shard, "AT_TIMESTAMP", Timestamp=time))

    day = timedelta(days=1)
    assert [count(time) for time in (times[0] - day, times[0], times[1], times[2], times[2] + day)] == [
        3,
        3,
        2,
        1,
        0,
    ]
    streams = fresh_cloud.client("dynamodbstreams")
    refused(
        "ValidationException", streams.get_shard_iterator, StreamArn=arn, ShardId=shard,
        ShardIteratorType="AT_TIMESTAMP",
    )  # fmt: skip
