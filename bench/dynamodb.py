"""DynamoDB against its peers: GetItem, PutItem, Query and a transaction of two."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from typing import Any

from bench import servers
from bench.load import Load, load, signed_request
from bench.measuring import Bench, client
from bench.report import Section, Table, Target

PEERS = ("dynalite", "ministack", "moto")
OPERATIONS = ("GetItem", "PutItem", "Query", "TransactWriteItems")

NOTE = (
    "Ours signed, authorised and durable (process; “power” fsyncs each commit); dynalite in"
    " memory.\n\nWhere a GetItem's time goes with the hot modules compiled (perf, one core): 37 % in"
    " Python's library, for dictionaries, strings and calls of what is not compiled, 27 % in the"
    " kernel's sockets, 11 % in the compiled modules, 6 % SQLite, 5 % OpenSSL, 4 % the HTTP parser,"
    " 2 % the loop. Of the cloud's processor time a request takes 20 µs; as Python it took 33 µs, and"
    " `MAY_NATIVE=0` shows it."
)


def run(bench: Bench) -> Section:
    servers.install_peers()
    found = _measured(bench)
    names = [name for name in found if name != "maycloud"]
    rows: Table = [["operation", "maycloud", "of the edge", *(f"{name} (we / it)" for name in names)]]
    for operation, mine in found["maycloud"].items():
        row = [operation, f"{mine.rate:,.0f}", f"{mine.rate / bench.constant.rate:.0%}"]
        for name in names:
            other = found[name].get(operation)
            row.append(f"{other.rate:,.0f} ({mine.rate / other.rate:.1f}×)" if other else "not there")
        rows.append(row)
    return Section("DynamoDB, requests a second, 16 connections", rows, NOTE, _targets(bench, found))


def _measured(bench: Bench) -> dict[str, dict[str, Load]]:
    """Rates by subject and operation; a peer that does not come up or refuses is left out."""
    found: dict[str, dict[str, Load]] = {}
    for subject in ("maycloud", "maycloud, power", *PEERS):
        try:
            with _server(subject) as url:
                prepare(url)
                found[subject] = _rates(bench, subject, url)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            bench.say(f"{subject}: {error}")
    return found


@contextlib.contextmanager
def _server(subject: str) -> Iterator[str]:
    if subject in PEERS:
        with servers.peer(subject) as url:
            yield url
        return
    options = ("--durability", "power") if subject.endswith("power") else ()
    with servers.cloud(*options) as (url, _):
        yield url


def _rates(bench: Bench, subject: str, url: str) -> dict[str, Load]:
    found: dict[str, Load] = {}
    for operation in OPERATIONS:
        prepared = requests(url)[operation]
        try:
            found[operation] = bench.best(
                lambda prepared=prepared: load(url, prepared, seconds=bench.seconds)
            )
        except RuntimeError as error:
            bench.say(f"{subject} {operation}: {error}")
            continue
        bench.say(f"{subject} {operation}: {found[operation].rate:,.0f}/s")
    return found


def _targets(bench: Bench, found: dict[str, dict[str, Load]]) -> list[Target]:
    targets = []
    mine = found["maycloud"]
    for operation, share, times in (("GetItem", 30.0, 2.5), ("PutItem", 26.0, 3.0)):
        rate = mine[operation].rate
        reached = rate / bench.constant.rate * 100
        targets.append(Target(f"{operation} of the edge's constant", share, reached, " %"))
        for name, aim in (("dynalite", times), ("ministack", 18.0)):
            if operation in found.get(name, {}):
                ratio = rate / found[name][operation].rate
                targets.append(Target(f"{operation} against {name}", aim, ratio, "×"))
    if "PutItem" in found.get("dynalite", {}) and "maycloud, power" in found:
        ratio = found["maycloud, power"]["PutItem"].rate / found["dynalite"]["PutItem"].rate
        targets.append(Target("PutItem with power against dynalite", 1.5, ratio, "×"))
    return targets


def prepare(url: str) -> None:
    """The table with a thousand items."""
    dynamodb = client(url, "dynamodb")
    dynamodb.create_table(
        TableName="bench", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"},
                              {"AttributeName": "r", "AttributeType": "N"}],
    )  # fmt: skip
    dynamodb.get_waiter("table_exists").wait(TableName="bench", WaiterConfig={"Delay": 1})
    for number in range(1000):
        dynamodb.put_item(TableName="bench", Item=_item(number))


def _key(number: int) -> dict[str, Any]:
    return {"h": {"S": f"user-{number % 100}"}, "r": {"N": str(number)}}


def _item(number: int) -> dict[str, Any]:
    rest = {"title": {"S": "Buy rice and fish sauce"}, "done": {"BOOL": False}, "n": {"N": "12345"}}
    return _key(number) | rest


def signed(url: str, operation: str, body: Any) -> bytes:
    headers = {
        "x-amz-target": f"DynamoDB_20120810.{operation}",
        "content-type": "application/x-amz-json-1.0",
    }
    return signed_request(f"{url}/", "dynamodb", json.dumps(body).encode(), headers)


def requests(url: str) -> dict[str, list[bytes]]:
    """Signed requests by operation, made anew for each subject: a signature is good for five minutes."""
    table = {"TableName": "bench"}
    query = table | {"KeyConditionExpression": "h = :h", "Limit": 10}
    return {
        "GetItem": [signed(url, "GetItem", table | {"Key": _key(n)}) for n in range(500)],
        "PutItem": [signed(url, "PutItem", table | {"Item": _item(n)}) for n in range(500)],
        "Query": [
            signed(url, "Query", query | {"ExpressionAttributeValues": {":h": {"S": f"user-{n}"}}})
            for n in range(100)
        ],
        "TransactWriteItems": [
            signed(
                url,
                "TransactWriteItems",
                {"TransactItems": [{"Put": table | {"Item": _item(each)}} for each in (n, n + 1)]},
            )
            for n in range(0, 500, 2)
        ],
    }
