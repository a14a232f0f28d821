"""What a GetItem costs when there are many items, and what memory they take."""

from bench import dynamodb, servers
from bench.load import load
from bench.measuring import Bench, resident
from bench.report import Section, Target


def run(bench: Bench) -> Section:
    total = 50_000 if bench.quick else 1_000_000
    with servers.cloud() as (url, process):
        dynamodb.prepare(url)
        small = _rate(bench, url)
        _fill(url, total)
        filled = resident(process.pid)
        large = _rate(bench, url)
    bench.say(f"growth: {filled:.0f} MB; GetItem {small:,.0f}/s, {large:,.0f}/s")
    return Section(
        "Memory and growth",
        [
            ["what", "figure"],
            [f"resident memory after {total:,} items", f"{filled:.0f} MB"],
            [f"GetItem at 1,000 items / at {total:,}", f"{small:,.0f} / {large:,.0f} a second"],
        ],
        "",
        [Target(f"cost of a GetItem at {total:,} items against 1,000", 1.3, small / large, "×", most=True)],
    )


def _rate(bench: Bench, url: str) -> float:
    requests = dynamodb.requests(url)["GetItem"]
    return bench.best(lambda: load(url, requests, seconds=bench.seconds)).rate


def _fill(url: str, total: int) -> None:
    """Put items by 25 at a time over 16 connections until there are `total`."""
    for begin in range(0, total, 50_000):
        batches = [
            [
                {"h": {"S": f"fill-{n}"}, "r": {"N": str(n)}, "title": {"S": "Buy rice and fish sauce"}}
                for n in range(first, first + 25)
            ]
            for first in range(begin, min(begin + 50_000, total), 25)
        ]
        requests = [
            dynamodb.signed(
                url,
                "BatchWriteItem",
                {"RequestItems": {"bench": [{"PutRequest": {"Item": item}} for item in batch]}},
            )
            for batch in batches
        ]
        # Four seconds are enough to send 2,000 batches at least once.
        load(url, requests, seconds=4.0)
