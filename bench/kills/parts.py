"""What a kind of load is, and those that write data: items, objects, lines of logs, numbers, names.

A part remembers what it was answered and what it asked without hearing: the latter may have happened or not.
"""

import http.client
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

Step = Callable[[], None]
LOST = (BotoCoreError, OSError, http.client.HTTPException, urllib3.exceptions.HTTPError)
QUICK = Config(retries={"max_attempts": 0}, connect_timeout=10, read_timeout=60, max_pool_connections=2)
numbers = itertools.count(1)


class Cloud(Protocol):
    """As much of tests/running.py's RunningCloud as is used here."""

    data: Path
    url: str
    port: int
    ca_file: str
    https_url: str

    def client(self, service: str, **options: Any) -> Any: ...
    def admin(self, method: str, path: str, body: Any = None) -> Any: ...


class Part:
    """One kind of load. `connect` gives the step that a thread repeats until the cloud dies."""

    def __init__(self, cloud: Cloud) -> None:
        self.acknowledged = 0
        self.prepare(cloud)

    def prepare(self, cloud: Cloud) -> None:
        """Make what is written into, once."""

    def connect(self, cloud: Cloud) -> Step:
        raise NotImplementedError

    def check(self, cloud: Cloud) -> None:
        """After a death: AssertionError if something of this round is lost or half done."""

    def finish(self, cloud: Cloud) -> None:
        """At the end: the same of all rounds."""


def paged(client: Any, operation: str, key: str, **params: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**params):
        yield from page.get(key, [])


class Items(Part):
    """Items by every kind of write, each an item of its own; a counter; and the records of them all."""

    table = "kills"

    def prepare(self, cloud: Cloud) -> None:
        self.known: set[str] = set()
        self.fresh: set[str] = set()
        self.gone: set[str] = set()
        self.counted = 0  # of the counter, acknowledged
        self.asked = 0
        cloud.client("dynamodb").create_table(
            TableName=self.table, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("h", "g")],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            GlobalSecondaryIndexes=[
                {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                 "Projection": {"ProjectionType": "ALL"}}
            ],
        )  # fmt: skip

    def connect(self, cloud: Cloud) -> Step:
        dynamodb = cloud.client("dynamodb", config=QUICK)
        turns = itertools.cycle(("put", "transaction", "batch", "count", "delete"))

        def step() -> None:
            keys = [f"i{next(numbers)}" for _ in range(3)]
            turn = next(turns)
            if turn == "count":
                self.asked += 1
                dynamodb.update_item(
                    TableName=self.table, Key={"h": {"S": "counter"}}, UpdateExpression="ADD n :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )  # fmt: skip
                self.counted += 1
                return
            if turn == "delete":
                key = next(iter(self.fresh), None)
                if key is not None:
                    self.fresh.discard(key)  # from now on it may be there or not
                    dynamodb.delete_item(TableName=self.table, Key={"h": {"S": key}})
                    self.gone.add(key)
                return
            if turn == "put":
                dynamodb.put_item(TableName=self.table, Item=self.item(keys[0]))
                keys = keys[:1]
            elif turn == "transaction":
                puts = [{"Put": {"TableName": self.table, "Item": self.item(key)}} for key in keys]
                dynamodb.transact_write_items(TransactItems=puts)
            else:
                puts = [{"PutRequest": {"Item": self.item(key)}} for key in keys]
                dynamodb.batch_write_item(RequestItems={self.table: puts})
            self.fresh.update(keys)
            self.acknowledged += len(keys)

        return step

    @staticmethod
    def item(key: str) -> dict[str, Any]:
        return {"h": {"S": key}, "g": {"S": key[-1]}, "body": {"S": key * 30}}

    def check(self, cloud: Cloud) -> None:
        dynamodb = cloud.client("dynamodb")
        keys = sorted(self.fresh)
        found: set[str] = set()
        for start in range(0, len(keys), 100):
            wanted = {self.table: {"Keys": [{"h": {"S": key}} for key in keys[start : start + 100]]}}
            while wanted:
                answer = dynamodb.batch_get_item(RequestItems=wanted)
                for item in answer["Responses"][self.table]:
                    assert item == self.item(item["h"]["S"]), item
                    found.add(item["h"]["S"])
                wanted = answer["UnprocessedKeys"]
        assert found == self.fresh, f"acknowledged items are lost: {sorted(self.fresh - found)[:5]}"
        counter = dynamodb.get_item(TableName=self.table, Key={"h": {"S": "counter"}}, ConsistentRead=True)
        value = int(counter["Item"]["n"]["N"]) if "Item" in counter else 0
        assert self.counted <= value <= self.asked, (self.counted, value, self.asked)
        self.counted = self.asked = value
        self.known |= self.fresh
        self.fresh = set()

    def finish(self, cloud: Cloud) -> None:
        """The table, its index and what its stream leads to are the same."""
        dynamodb = cloud.client("dynamodb")
        items = {item["h"]["S"] for item in paged(dynamodb, "scan", "Items", TableName=self.table)}
        assert self.known <= items and not self.gone & items
        index = paged(dynamodb, "scan", "Items", TableName=self.table, IndexName="by-g")
        assert {item["h"]["S"] for item in index} == items - {"counter"}
        led: set[str] = set()
        count = 0
        for record in self.records(cloud):
            key = record["dynamodb"]["Keys"]["h"]["S"]
            kind = record["eventName"]
            if key == "counter":
                count += 1
                assert int(record["dynamodb"]["NewImage"]["n"]["N"]) == count, "a record is lost or double"
            else:
                assert kind == ("REMOVE" if key in led else "INSERT"), f"{kind} of {key}"
            led.discard(key) if kind == "REMOVE" else led.add(key)
        assert led == items and count == self.counted, "the stream tells another story"

    def records(self, cloud: Cloud) -> Iterator[Any]:
        streams = cloud.client("dynamodbstreams")
        arn = streams.list_streams(TableName=self.table)["Streams"][0]["StreamArn"]
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(**place)["ShardIterator"]
        while (page := streams.get_records(ShardIterator=iterator))["Records"]:
            yield from page["Records"]
            iterator = page["NextShardIterator"]


class Objects(Part):
    """Objects in rows and in files, in parts, replaced, deleted, in a bucket that keeps versions."""

    bucket = "kills"

    def prepare(self, cloud: Cloud) -> None:
        self.versions: dict[str, tuple[str, int]] = {}  # by version: key and number
        self.markers: set[str] = set()
        self.fresh: set[str] = set()
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=self.bucket)
        s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def connect(self, cloud: Cloud) -> Step:
        s3 = cloud.client("s3", config=QUICK)
        turns = itertools.cycle(("small", "large", "parts", "same", "delete"))

        def step() -> None:
            number = next(numbers)
            turn = next(turns)
            key = "same" if turn in ("same", "delete") else f"{turn}/{number}"
            where = {"Bucket": self.bucket, "Key": key}
            if turn == "delete":
                self.markers.add(s3.delete_object(**where)["VersionId"])
                return
            if turn == "parts":
                where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
                body = self.body("large", number)
                tag = s3.upload_part(**where, PartNumber=3, Body=body)["ETag"]
                parts = {"Parts": [{"PartNumber": 3, "ETag": tag}]}
                version = s3.complete_multipart_upload(**where, MultipartUpload=parts)["VersionId"]
            else:
                body = self.body(turn, number)
                version = s3.put_object(**where, Body=body, Metadata={"n": str(number)})["VersionId"]
            self.versions[version] = (key, number)
            self.fresh.add(version)
            self.acknowledged += 1

        return step

    @staticmethod
    def body(kind: str, number: int) -> bytes:
        return str(number).rjust(16).encode() * (64 if kind == "small" else 20_000)

    def check(self, cloud: Cloud) -> None:
        s3 = cloud.client("s3")
        for version in self.fresh:
            key, number = self.versions[version]
            answer = s3.get_object(Bucket=self.bucket, Key=key, VersionId=version)
            assert answer["Body"].read() == self.body(key.partition("/")[0], number), f"{key} is torn"
        self.fresh = set()
        assert not list((cloud.data / "staging").iterdir()), "what was staged lies about"

    def finish(self, cloud: Cloud) -> None:
        s3 = cloud.client("s3")
        listed = {"Bucket": self.bucket}
        rows = list(paged(s3, "list_object_versions", "Versions", **listed))
        assert self.versions.keys() <= {row["VersionId"] for row in rows}
        assert self.markers <= {
            row["VersionId"] for row in paged(s3, "list_object_versions", "DeleteMarkers", **listed)
        }
        files = 0
        for row in rows:  # those that nobody heard of as well
            answer = s3.get_object(Bucket=self.bucket, Key=row["Key"], VersionId=row["VersionId"])
            body = answer["Body"].read()
            number, kind = int(body[:16]), row["Key"].partition("/")[0]
            assert body == self.body(kind, number), f"{row['Key']} is torn"
            files += kind != "small"
        for upload in paged(s3, "list_multipart_uploads", "Uploads", **listed):
            where = {"Bucket": self.bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            files += len(s3.list_parts(**where).get("Parts", []))
        there = sum(path.is_file() for path in (cloud.data / "blobs").rglob("*"))
        assert there == files, f"{there} files, {files} of them belong to something"


class Lines(Part):
    """Events of a log, and numbers of a metric."""

    where = {"logGroupName": "kills", "logStreamName": "s"}  # noqa: RUF012 - never changed

    def prepare(self, cloud: Cloud) -> None:
        self.lines: set[str] = set()
        self.sent = self.counted = 0
        logs = cloud.client("logs")
        logs.create_log_group(logGroupName="kills")
        logs.create_log_stream(**self.where)

    def connect(self, cloud: Cloud) -> Step:
        logs, metrics = cloud.client("logs", config=QUICK), cloud.client("cloudwatch", config=QUICK)

        def step() -> None:
            line = f"line {next(numbers)}"
            stamp = int(cloud.admin("GET", "/_may/status")["time"] * 1000)
            logs.put_log_events(**self.where, logEvents=[{"timestamp": stamp, "message": line}])
            self.lines.add(line)
            self.acknowledged += 1
            self.sent += 1
            metrics.put_metric_data(Namespace="Kills", MetricData=[{"MetricName": "n", "Value": 1.0}])
            self.counted += 1

        return step

    def check(self, cloud: Cloud) -> None:
        logs, metrics = cloud.client("logs"), cloud.client("cloudwatch")
        found: list[str] = []
        page: dict[str, Any] = {}
        while True:
            asked = {"nextToken": page["nextForwardToken"]} if page else {}
            page = logs.get_log_events(**self.where, startFromHead=True, **asked)
            if not page["events"]:
                break
            found += [event["message"] for event in page["events"]]
        assert self.lines <= set(found), f"lines are lost: {sorted(self.lines - set(found))[:5]}"
        assert len(found) == len(set(found)), "a line is there twice"
        now = cloud.admin("GET", "/_may/status")["time"]
        points = metrics.get_metric_statistics(
            Namespace="Kills", MetricName="n", Statistics=["SampleCount"], Period=86_400,
            StartTime=now - 200_000, EndTime=now + 200_000,
        )["Datapoints"]  # fmt: skip
        value = int(sum(point["SampleCount"] for point in points))
        assert self.counted <= value <= self.sent, (self.counted, value, self.sent)
        self.sent = self.counted = value


class Names(Part):
    """Configuration: parameters with their versions, and users with their policies."""

    def prepare(self, cloud: Cloud) -> None:
        self.value = 0
        self.tried = 0
        self.users: set[str] = set()
        self.fresh: set[str] = set()

    def connect(self, cloud: Cloud) -> Step:
        ssm, iam = cloud.client("ssm", config=QUICK), cloud.client("iam", config=QUICK)

        def step() -> None:
            self.tried = next(numbers)
            ssm.put_parameter(Name="kills", Value=str(self.tried), Type="String", Overwrite=True)
            self.value = self.tried
            name = f"user{next(numbers)}"
            iam.create_user(UserName=name)
            self.fresh.add(name)
            self.acknowledged += 1
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=POLICY)

        return step

    def check(self, cloud: Cloud) -> None:
        ssm, iam = cloud.client("ssm"), cloud.client("iam")
        if self.value:
            value = int(ssm.get_parameter(Name="kills")["Parameter"]["Value"])
            assert value in (self.value, self.tried), (value, self.value, self.tried)
            self.value = value
        for name in self.fresh:
            iam.get_user(UserName=name)
        self.users |= self.fresh
        self.fresh = set()

    def finish(self, cloud: Cloud) -> None:
        users = {user["UserName"] for user in paged(cloud.client("iam"), "list_users", "Users")}
        assert self.users <= users


POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'
)
