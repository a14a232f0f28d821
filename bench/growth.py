"""How a DynamoDB table answers as it grows: the same reads at a thousand items and at the number asked for.

    python -m bench.growth --items 10000000

Items go in over sockets by BatchWriteItem, 25 at a time, durable as any. At each power of ten from a thousand
on, and at the end, GetItem and Query (ten items of a partition of a hundred) are timed one at a time, of keys
from all over the table. Ten million items take some two gigabytes of disk and eight minutes.
"""

import argparse
import asyncio
import json
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench import servers
from bench.load import Load, load, signed_request
from bench.measuring import Bench, client, resident
from bench.report import Section, Target, write

TABLE = "growth"
BATCH = 25  # all that BatchWriteItem takes
PARTITION = 100  # items that share a partition key
CONNECTIONS = 8
SAMPLE = 1500  # requests prepared for one measurement; a signature is good for five minutes


def key(number: int) -> dict[str, Any]:
    return {"h": {"S": f"user-{number // PARTITION}"}, "r": {"N": str(number % PARTITION)}}


def item(number: int) -> dict[str, Any]:
    return key(number) | {
        "title": {"S": "Buy rice and fish sauce"}, "done": {"BOOL": False}, "n": {"N": str(number)},
    }  # fmt: skip


def request(url: str, operation: str, body: Any) -> bytes:
    headers = {
        "x-amz-target": f"DynamoDB_20120810.{operation}",
        "content-type": "application/x-amz-json-1.0",
    }
    return signed_request(f"{url}/", "dynamodb", json.dumps(body).encode(), headers)


def batches(first: int, stop: int) -> Iterator[dict[str, Any]]:
    for begin in range(first, stop, BATCH):
        puts = [{"PutRequest": {"Item": item(number)}} for number in range(begin, min(begin + BATCH, stop))]
        yield {"RequestItems": {TABLE: puts}}


async def fill(url: str, first: int, stop: int) -> None:
    """Put the items numbered [first, stop). Raises for an answer that is not 200."""
    work = batches(first, stop)
    parts = urlsplit(url)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for body in work:
            writer.write(request(url, "BatchWriteItem", body))
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            answer = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200") or json.loads(answer)["UnprocessedItems"]:
                raise RuntimeError(answer.decode())
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))


def spread(count: int) -> list[int]:
    """Numbers from all over the table, in no order: steps of the golden ratio."""
    ratio = (math.sqrt(5) - 1) / 2
    return [int((number * ratio) % 1.0 * count) for number in range(SAMPLE)]


def measure(url: str, count: int, seconds: float) -> tuple[Load, Load]:
    """GetItem and Query at that many items, one request at a time."""
    gets = [request(url, "GetItem", {"TableName": TABLE, "Key": key(number)}) for number in spread(count)]
    queries = [
        request(
            url,
            "Query",
            {
                "TableName": TABLE,
                "KeyConditionExpression": "h = :h AND r >= :r",
                "ExpressionAttributeValues": {":h": key(number)["h"], ":r": {"N": "50"}},
                "Limit": 10,
            },
        )
        for number in spread(count)
    ]
    return load(url, gets, 1, seconds), load(url, queries, 1, seconds)


def sizes(items: int) -> list[int]:
    """A thousand and the powers of ten after it, below `items`; then `items`."""
    found = [10**power for power in range(3, 10) if 10**power < items]
    return [*found, items]


@dataclass(frozen=True, slots=True)
class Row:
    """A table of so many items: how quickly the last of them went in, and what reading them takes."""

    items: int
    rate: float
    get: Load
    query: Load
    disk: float  # MB
    memory: float  # MB


def grow(items: int, seconds: float, data: Path) -> Iterator[Row]:
    """Fill a table step by step, and measure it at each."""
    with servers.cloud(data=data) as (url, process):
        client(url, "dynamodb").create_table(
            TableName=TABLE, BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "h", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"},
            ],
        )  # fmt: skip
        filled = 0
        for size in sizes(items):
            begun = time.perf_counter()
            uvloop.run(fill(url, filled, size))
            rate = (size - filled) / (time.perf_counter() - begun)
            filled = size
            get, query = measure(url, size, seconds)
            disk = sum(file.stat().st_size for file in data.rglob("*") if file.is_file()) / 1e6
            yield Row(size, rate, get, query, disk, resident(process.pid))


def section(rows: list[Row]) -> Section:
    first, last = rows[0], rows[-1]
    growth = [
        Target(f"p50 of a {what} at {last.items:,} items against {first.items:,}", 1.3, ratio, "×", most=True)
        for what, ratio in (
            ("GetItem", last.get.p50 / first.get.p50),
            ("Query", last.query.p50 / first.query.p50),
        )
    ]
    return Section(
        "Memory and growth",
        [
            ["items", "put a second", "GetItem p50 ms", "p99", "Query p50 ms", "p99", "disk MB", "memory MB"],
            *(
                [
                    f"{row.items:,}", f"{row.rate:,.0f}", f"{row.get.p50:.3f}", f"{row.get.p99:.3f}",
                    f"{row.query.p50:.3f}", f"{row.query.p99:.3f}", f"{row.disk:,.0f}", f"{row.memory:,.0f}",
                ]
                for row in rows
            ),
        ],
        "One connection; a Query reads ten items. Items go in by BatchWriteItem over eight connections.",
        growth,
    )  # fmt: skip


def run(bench: Bench) -> Section:
    """Up to a million items; `python -m bench.growth --items 10000000` goes on to ten."""
    with tempfile.TemporaryDirectory(prefix="maycloud-growth-") as folder:
        rows = list(grow(50_000 if bench.quick else 1_000_000, bench.seconds, Path(folder) / "data"))
    bench.say(f"growth: GetItem {rows[0].get.p50:.3f} ms, {rows[-1].get.p50:.3f} ms at {rows[-1].items:,}")
    return section(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000, help="how many in the end (1000000)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement (3)")
    given = parser.parse_args()
    if given.items < 1000:
        parser.error("--items: a thousand at least")
    with tempfile.TemporaryDirectory(prefix="maycloud-growth-") as folder:
        rows = []
        for row in grow(given.items, given.seconds, Path(folder) / "data"):
            print(
                f"{row.items:>12,} items  GetItem {row.get.p50:.3f} ms  Query {row.query.p50:.3f} ms",
                flush=True,
            )
            rows.append(row)
    write(section(rows), quick=False)


if __name__ == "__main__":
    main()
