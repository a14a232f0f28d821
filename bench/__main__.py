"""Runs the benchmarks in one go and writes bench/RESULTS.md."""

import argparse
import contextlib
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3

from bench import servers
from bench.load import Load, http_request, load, signed_request

RESULTS = Path(__file__).with_name("RESULTS.md")
ROUNDS = 3
PEERS = ("dynalite", "ministack", "moto")

Table = list[list[str]]

PROFILE = (
    "Where a GetItem's time goes (py-spy, share of one core): 21 % verifying the signature, 26 % the"
    " operation (of which 5 % SQLite), 11 % writing to the socket, 13 % the event loop and reading, 8 %"
    " decoding, 5 % policies. No part stands out; what is left to gain is in doing less Python a request."
)


def client(url: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )


class Bench:
    def __init__(self, *, quick: bool) -> None:
        self.seconds = 0.7 if quick else 2.0
        self.quick = quick
        self.sections: list[tuple[str, Table, str]] = []
        self.aims: list[tuple[str, float, float, str]] = []  # what, aimed at, reached, unit
        self.constant = 0.0

    def best(self, measure: Callable[[], Load]) -> Load:
        return max((measure() for _ in range(ROUNDS)), key=lambda found: found.rate)

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    # The edge

    def edge(self) -> None:
        with servers.constant() as url:
            request = http_request("POST", url, {"content-type": "application/json"}, b"{}")
            found = self.best(lambda: load(url, [request], seconds=self.seconds))
        self.constant = found.rate
        self.say(f"edge: {found.rate:,.0f}/s")
        rows = [
            ["constant answer, 16 connections", f"{found.rate:,.0f}", f"{found.p50:.3f}", f"{found.p99:.3f}"]
        ]
        self.sections.append(
            (
                "The edge",
                [["what", "answers a second", "p50 ms", "p99 ms"], *rows],
                (
                    "The generator is a Python process on the other core; it is as much the limit here as the"
                    " edge is."
                ),
            )
        )

    # DynamoDB

    def requests(self, url: str, *, sign: bool) -> dict[str, list[bytes]]:
        """Signed requests by operation, made anew for each round: a signature is good for five minutes."""

        def made(operation: str, body: Any) -> bytes:
            headers = {
                "x-amz-target": f"DynamoDB_20120810.{operation}",
                "content-type": "application/x-amz-json-1.0",
            }
            return signed_request(url + "/", "dynamodb", json.dumps(body).encode(), headers, sign=sign)

        def item(number: int) -> dict[str, Any]:
            return {
                "h": {"S": f"user-{number % 100}"}, "r": {"N": str(number)},
                "title": {"S": "Buy rice and fish sauce"}, "done": {"BOOL": False}, "n": {"N": "12345"},
            }  # fmt: skip

        def key(number: int) -> dict[str, Any]:
            return {"h": {"S": f"user-{number % 100}"}, "r": {"N": str(number)}}

        query = {"KeyConditionExpression": "h = :h", "Limit": 10}
        return {
            "GetItem": [made("GetItem", {"TableName": "bench", "Key": key(n)}) for n in range(500)],
            "PutItem": [made("PutItem", {"TableName": "bench", "Item": item(n)}) for n in range(500)],
            "Query": [
                made("Query", {"TableName": "bench", **query,
                               "ExpressionAttributeValues": {":h": {"S": f"user-{n}"}}})
                for n in range(100)
            ],
            "TransactWriteItems": [
                made("TransactWriteItems", {"TransactItems": [
                    {"Put": {"TableName": "bench", "Item": item(n)}},
                    {"Put": {"TableName": "bench", "Item": item(n + 1)}}]})
                for n in range(0, 500, 2)
            ],
        }  # fmt: skip

    def prepare(self, url: str) -> None:
        dynamodb = client(url, "dynamodb")
        dynamodb.create_table(
            TableName="bench", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"},
                                  {"AttributeName": "r", "AttributeType": "N"}],
        )  # fmt: skip
        dynamodb.get_waiter("table_exists").wait(TableName="bench", WaiterConfig={"Delay": 1})
        for number in range(1000):
            dynamodb.put_item(
                TableName="bench",
                Item={"h": {"S": f"user-{number % 100}"}, "r": {"N": str(number)},
                      "title": {"S": "Buy rice and fish sauce"}, "done": {"BOOL": False},
                      "n": {"N": "12345"}},
            )  # fmt: skip

    def dynamodb(self) -> None:
        servers.install_peers()
        found: dict[str, dict[str, Load]] = {}

        @contextlib.contextmanager
        def ours(*options: str) -> Iterator[str]:
            with servers.cloud(*options) as (url, _):
                yield url

        subjects: dict[str, Any] = {
            "maycloud": lambda: ours(),
            "maycloud, power": lambda: ours("--durability", "power"),
            **{name: lambda name=name: servers.peer(name) for name in PEERS},
        }
        for subject, start in subjects.items():
            try:
                with start() as url:
                    self.prepare(url)
                    found[subject] = {}
                    for operation in ("GetItem", "PutItem", "Query", "TransactWriteItems"):
                        requests = self.requests(url, sign=True)[operation]
                        try:
                            measured = self.best(
                                lambda url=url, requests=requests: load(url, requests, seconds=self.seconds)
                            )
                        except RuntimeError as error:
                            self.say(f"{subject} {operation}: {error}")
                            continue
                        found[subject][operation] = measured
                        self.say(f"{subject} {operation}: {measured.rate:,.0f}/s")
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                self.say(f"{subject}: {error}")
        self.aim(found)
        rows: Table = [
            ["operation", "maycloud", "of the edge", *(f"{n} (we / it)" for n in found if n != "maycloud")]
        ]
        mine = found["maycloud"]
        for operation, measured in mine.items():
            row = [operation, f"{measured.rate:,.0f}", f"{measured.rate / self.constant:.0%}"]
            for name, others in found.items():
                if name != "maycloud":
                    other = others.get(operation)
                    row.append(
                        f"{other.rate:,.0f} ({measured.rate / other.rate:.1f}×)" if other else "not there"
                    )
            rows.append(row)
        self.sections.append(
            (
                "DynamoDB, requests a second, 16 connections",
                rows,
                (
                    "Ours signed, authorised and durable (process; the column “power” fsyncs each commit);"
                    " dynalite in memory. Targets: GetItem ≥ 30 % and PutItem ≥ 26 % of the edge; ≥ 2.5× and"
                    " 3× dynalite; ≥ 18× ministack; PutItem with power ≥ 1.5× dynalite."
                ),
            )
        )

    def aim(self, found: dict[str, dict[str, Load]]) -> None:
        mine = found["maycloud"]
        for operation, share, times in (("GetItem", 30.0, 2.5), ("PutItem", 26.0, 3.0)):
            rate = mine[operation].rate
            self.aims.append((f"{operation} of the edge's constant", share, rate / self.constant * 100, " %"))
            for name, aim in (("dynalite", times), ("ministack", 18.0)):
                if operation in found.get(name, {}):
                    ratio = rate / found[name][operation].rate
                    self.aims.append((f"{operation} against {name}", aim, ratio, "×"))
        if "PutItem" in found.get("dynalite", {}) and "maycloud, power" in found:
            ratio = found["maycloud, power"]["PutItem"].rate / found["dynalite"]["PutItem"].rate
            self.aims.append(("PutItem with power against dynalite", 1.5, ratio, "×"))

    # DAX

    def dax(self) -> None:
        from bench import dax

        with servers.cloud() as (url, _):
            dax.prepare(url)
            rounds = [dax.measure(url, self.seconds) for _ in range(ROUNDS)]
        rows = [["what", "answers a second", "p50 ms", "p99 ms"]]
        for what in rounds[0]:
            found = max((each[what] for each in rounds), key=lambda load: load.rate)
            self.say(f"{what}: {found.rate:,.0f}/s")
            rows.append([what, f"{found.rate:,.0f}", f"{found.p50:.3f}", f"{found.p99:.3f}"])
        self.sections.append(("DAX", rows, "16 connections; items of 100 bytes; the same table behind both."))

    # Lambda

    def lambda_(self) -> None:
        from tests.packages import LOGGING, make_function, make_role

        with servers.cloud() as (url, _):
            role = make_role(client(url, "iam"), "bench", LOGGING)
            functions = client(url, "lambda")
            make_function(functions, role, "bench", "def handler(event, context):\n    return {}\n")
            functions.invoke(FunctionName="bench")
            target = f"{url}/2015-03-31/functions/bench/invocations"
            request = signed_request(target, "lambda", b"{}", {})
            health = http_request("GET", f"{url}/_may/health", {}, b"")
            one = self.best(lambda: load(url, [request], connections=1, seconds=self.seconds))
            bare = self.best(lambda: load(url, [health], connections=1, seconds=self.seconds))
            many = self.best(lambda: load(url, [request], connections=16, seconds=self.seconds))
            cold = []
            for number in range(20):
                functions.update_function_configuration(
                    FunctionName="bench", Environment={"Variables": {"ROUND": str(number)}}
                )
                begun = time.perf_counter()
                functions.invoke(FunctionName="bench")
                cold.append((time.perf_counter() - begun) * 1000)
        cold.sort()
        self.say(f"lambda: warm {one.p50:.2f} ms, {many.rate:,.0f}/s, cold {cold[10]:.1f} ms")
        rows = [
            ["what", "figure", "target"],
            ["warm invoke, p50 over a constant answer", f"{one.p50 - bare.p50:.2f} ms", "≤ 0.3 ms"],
            ["warm invoke, p99 over a constant answer", f"{one.p99 - bare.p50:.2f} ms", "≤ 2 ms"],
            ["warm invokes a second, 16 connections", f"{many.rate:,.0f}", "≥ 5,000"],
            ["cold start through boto3, p50", f"{cold[10]:.1f} ms", "≤ 10 ms"],
        ]
        self.sections.append(("Lambda", rows, "Each invocation writes its three log lines."))

    # Start and memory

    def startup(self) -> None:
        empty = []
        for _ in range(5):
            begun = time.perf_counter()
            with servers.cloud() as _:
                empty.append(time.perf_counter() - begun)
        with tempfile.TemporaryDirectory() as folder:
            with servers.cloud(data=Path(folder)) as (url, _):
                ssm = client(url, "ssm")
                count = 1000 if self.quick else 10_000
                for number in range(count):
                    ssm.put_parameter(Name=f"/bench/{number}", Value="x", Type="String")
            begun = time.perf_counter()
            with servers.cloud(data=Path(folder)) as _:
                full = time.perf_counter() - begun
        self.say(f"start: {min(empty):.2f} s, {full:.2f} s")
        rows = [
            ["start to first answer", "figure", "target"],
            ["empty data folder, best of 5", f"{min(empty):.2f} s", "≤ 0.4 s"],
            [f"{count:,} parameters there", f"{full:.2f} s", "≤ 1 s"],
        ]
        self.sections.append(("Start", rows, ""))

    def memory(self) -> None:
        with servers.cloud() as (url, process):
            time.sleep(1)
            idle = rss(process.pid)
            self.prepare(url)
            small = self.rate_of_get(url)
            total = 50_000 if self.quick else 1_000_000
            self.fill(url, total)
            filled = rss(process.pid)
            large = self.rate_of_get(url)
        self.say(f"memory: {idle:.0f} MB, {filled:.0f} MB; GetItem {small:,.0f}/s, {large:,.0f}/s")
        rows = [
            ["what", "figure", "target"],
            ["resident memory, idle, all services on", f"{idle:.0f} MB", "≤ 90 MB"],
            [f"resident memory after {total:,} items", f"{filled:.0f} MB", ""],
            [
                f"GetItem at 1,000 items / at {total:,}",
                f"{small:,.0f} / {large:,.0f} a second ({small / large:.2f}×)",
                "within 1.3× at 10 million",
            ],
        ]
        self.sections.append(("Memory and growth", rows, ""))

    def rate_of_get(self, url: str) -> float:
        requests = self.requests(url, sign=True)["GetItem"]
        return self.best(lambda: load(url, requests, seconds=self.seconds)).rate

    def fill(self, url: str, total: int) -> None:
        """Put items by 25 at a time over 16 connections until there are `total`."""
        headers = {
            "x-amz-target": "DynamoDB_20120810.BatchWriteItem",
            "content-type": "application/x-amz-json-1.0",
        }
        for begin in range(0, total, 50_000):
            bodies = [
                {"RequestItems": {"bench": [
                    {"PutRequest": {"Item": {"h": {"S": f"fill-{n}"}, "r": {"N": str(n)},
                                             "title": {"S": "Buy rice and fish sauce"}}}}
                    for n in range(first, first + 25)]}}
                for first in range(begin, min(begin + 50_000, total), 25)
            ]  # fmt: skip
            requests = [
                signed_request(url + "/", "dynamodb", json.dumps(body).encode(), headers) for body in bodies
            ]
            # Two seconds are enough to send 2,000 batches at least once.
            load(url, requests, seconds=4.0)

    def targets(self) -> None:
        """What was aimed at, and by how much it was missed."""
        lines: Table = [["target", "aimed at", "reached", ""]]
        for what, aim, reached, unit in self.aims:
            met = reached >= aim
            missed = "met" if met else f"missed by {1 - reached / aim:.0%}"
            lines.append([what, f"{aim:g}{unit}", f"{reached:.3g}{unit}", missed])
        self.sections.append(("Targets of DynamoDB", lines, PROFILE))

    def report(self) -> None:
        lines = ["# Results", "", machine(), ""]
        for title, table, note in self.sections:
            lines += [f"## {title}", ""]
            head, *rows = table
            lines += ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
            lines += ["| " + " | ".join(row) + " |" for row in rows]
            lines += ["", note, ""] if note else [""]
        RESULTS.write_text("\n".join(lines).rstrip() + "\n")
        self.say(f"written to {RESULTS}")


def rss(pid: int) -> float:
    """Resident megabytes of a process; its fork server and functions are their own."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def machine() -> str:
    with open("/proc/cpuinfo") as file:
        model = next(
            (line.partition(":")[2].strip() for line in file if line.startswith("model name")), "unknown"
        )
    day = datetime.datetime.now(datetime.UTC).date()
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return (
        f"Taken on {day} in one run of `make bench` on {os.cpu_count()} cores of {model}, Linux"
        f" {platform.release()}, Python {platform.python_version()}, Node.js {node}; peers: dynalite 4.0.0,"
        " ministack 1.5.33, moto 5.2.5. Best of three rounds each."
    )


def main() -> None:
    names = ("edge", "dynamodb", "dax", "lambda", "startup", "memory")
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"of {', '.join(names)}; all unless given")
    parser.add_argument("--quick", action="store_true", help="short rounds, for trying the benchmarks out")
    given = parser.parse_args()
    bench = Bench(quick=given.quick)
    chosen = given.what or list(names)
    if "edge" not in chosen:
        chosen = ["edge", *chosen]
    for name in chosen:
        getattr(bench, name if name != "lambda" else "lambda_")()
    if bench.aims:
        bench.targets()
    bench.report()


if __name__ == "__main__":
    main()
