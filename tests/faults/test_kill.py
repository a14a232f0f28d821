"""kill -9 in the middle of load, again and again: nothing acknowledged is lost, nothing is half done.

Every write is an item of its own, so that what is there can be compared exactly: the acknowledged ones are a
subset of the items, and the items are exactly the stream's records.
"""

import itertools
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from running import RunningCloud

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "50"))
WRITERS = 4
TABLE = "faults"


class Writers:
    """Threads that write until the cloud dies; `acknowledged` holds the keys of what was answered."""

    def __init__(self, cloud: RunningCloud, numbers: Iterator[int]) -> None:
        self.acknowledged: set[str] = set()
        self.objects: set[str] = set()
        self._cloud = cloud
        self._numbers = numbers
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(each,)) for each in range(WRITERS)]

    def start(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _write(self, kind: int) -> None:
        quick = Config(retries={"max_attempts": 0}, connect_timeout=2, read_timeout=5)
        dynamodb = self._cloud.client("dynamodb", config=quick)
        s3 = self._cloud.client("s3", config=quick)
        while not self._stop.is_set():
            keys = [f"{next(self._numbers):08d}" for _ in range(3)]
            try:
                if kind == 0:
                    s3.put_object(Bucket="faults", Key=keys[0], Body=keys[0].encode() * 20_000)
                    self.objects.add(keys[0])
                    continue
                if kind == 1:
                    dynamodb.transact_write_items(
                        TransactItems=[{"Put": {"TableName": TABLE, "Item": item(key)}} for key in keys]
                    )
                elif kind == 2:
                    puts = [{"PutRequest": {"Item": item(key)}} for key in keys]
                    dynamodb.batch_write_item(RequestItems={TABLE: puts})
                else:
                    dynamodb.put_item(TableName=TABLE, Item=item(keys[0]))
                    keys = keys[:1]
            except (BotoCoreError, ClientError):
                return
            self.acknowledged.update(keys)


def item(key: str) -> dict[str, Any]:
    return {"h": {"S": key}, "g": {"S": key[-1]}, "body": {"S": key * 30}}


def all_items(dynamodb: Any, **index: Any) -> set[str]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=TABLE, **index)
    return {each["h"]["S"] for page in pages for each in page["Items"]}


def all_records(cloud: RunningCloud) -> list[str]:
    """Keys of the stream's records, in order."""
    streams = cloud.client("dynamodbstreams")
    arn = streams.list_streams(TableName=TABLE)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    found: list[str] = []
    while True:
        page = streams.get_records(ShardIterator=iterator)
        if not page["Records"]:
            return found
        for record in page["Records"]:
            assert record["eventName"] == "INSERT"
            image = record["dynamodb"]["NewImage"]
            assert image == item(image["h"]["S"])
            found.append(image["h"]["S"])
        iterator = page["NextShardIterator"]


@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    cloud = RunningCloud(tmp_path / "data").start()
    cloud.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "h", "AttributeType": "S"},
            {"AttributeName": "g", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    cloud.client("s3").create_bucket(Bucket="faults")
    numbers = itertools.count(1)
    acknowledged: set[str] = set()
    objects: set[str] = set()
    moments = random.Random(20_260_131)
    try:
        for round_ in range(ROUNDS):
            writers = Writers(cloud, numbers).start()
            time.sleep(moments.uniform(0.02, 0.15))  # the moment of death, not a wait for anything
            cloud.kill()
            writers.join()
            cloud.start()
            acknowledged |= writers.acknowledged
            objects |= writers.objects
            lost = writers.acknowledged - all_items(cloud.client("dynamodb"))
            assert not lost, f"round {round_}: acknowledged and lost: {sorted(lost)[:5]}"
        items = all_items(cloud.client("dynamodb"))
        assert acknowledged <= items
        assert all_items(cloud.client("dynamodb"), IndexName="by-g") == items
        records = all_records(cloud)
        assert len(records) == len(set(records))
        assert set(records) == items
        check_objects(cloud, objects)
        assert len(acknowledged) > ROUNDS, "the load was no load"
    finally:
        cloud.stop()


def check_objects(cloud: RunningCloud, acknowledged: set[str]) -> None:
    """Every acknowledged object is there; every object that is there is whole."""
    s3 = cloud.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="faults")
    keys = {each["Key"] for page in pages for each in page.get("Contents", [])}
    assert acknowledged <= keys
    for key in keys:
        assert s3.get_object(Bucket="faults", Key=key)["Body"].read() == key.encode() * 20_000


def test_events_survive_a_kill(tmp_path: Path) -> None:
    """An asynchronous invocation that was accepted runs after the crash, if it had not before."""
    from packages import LOGGING, make_function, make_role
    from waiting import until

    cloud = RunningCloud(tmp_path / "data").start()
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="ran", KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}],
    )  # fmt: skip
    role = make_role(
        cloud.client("iam"), "events", LOGGING, "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"
    )
    source = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('dynamodb').put_item(TableName='ran', Item={'h': {'S': event['n']}})\n"
    )
    make_function(cloud.client("lambda"), role, "events", source, Timeout=20)
    accepted: set[str] = set()
    try:
        for round_ in range(5):
            client = cloud.client("lambda")
            for number in range(8):
                name = f"{round_}-{number}"
                client.invoke(FunctionName="events", InvocationType="Event", Payload=f'{{"n": "{name}"}}')
                accepted.add(name)
            cloud.kill()
            cloud.start()

        def ran() -> set[str]:
            pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName="ran")
            return {each["h"]["S"] for page in pages for each in page["Items"]}

        until(lambda: ran() == accepted, what="all accepted events to run")
        assert len(accepted) == 40
    finally:
        cloud.stop()
