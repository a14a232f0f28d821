"""kill -9 in the middle of load, again and again; `python -m bench.kills --rounds 200` does it for long."""

import os
from pathlib import Path

import pytest
from bench.kills.rounds import PARTS, play

from running import RunningCloud

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "50"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("durability", "rounds"), [("process", ROUNDS), ("power", 2)])
def test_nothing_acknowledged_is_lost(tmp_path: Path, durability: str, rounds: int) -> None:
    """Items, transactions, records, objects, versions, events, requests, sign-ups, stacks, logs, names."""
    cloud = RunningCloud(tmp_path / "data", "--durability", durability).start()
    try:
        report = play(cloud, rounds, seed=20_260_131)
    finally:
        cloud.stop()
    loaded = sum(count > 0 for count in report.acknowledged.values())
    assert loaded >= min(rounds, len(PARTS)), report.acknowledged


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
