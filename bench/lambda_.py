"""Lambda: warm and cold invocations, against a constant answer of the same edge."""

import time
from typing import Any

from tests.packages import LOGGING, make_function, make_role

from bench import servers
from bench.load import http_request, load, signed_request
from bench.measuring import Bench, client
from bench.report import Section, Target


def run(bench: Bench) -> Section:
    with servers.cloud() as (url, _):
        role = make_role(client(url, "iam"), "bench", LOGGING)
        functions = client(url, "lambda")
        make_function(functions, role, "bench", "def handler(event, context):\n    return {}\n")
        functions.invoke(FunctionName="bench")
        target = f"{url}/2015-03-31/functions/bench/invocations"
        request = signed_request(target, "lambda", b"{}", {})
        health = http_request("GET", f"{url}/_may/health", {}, b"")
        one = bench.best(lambda: load(url, [request], connections=1, seconds=bench.seconds))
        bare = bench.best(lambda: load(url, [health], connections=1, seconds=bench.seconds))
        many = bench.best(lambda: load(url, [request], seconds=bench.seconds))
        cold = _cold(functions)
    bench.say(f"lambda: warm {one.p50:.2f} ms, {many.rate:,.0f}/s, cold {cold:.1f} ms")
    return Section(
        "Lambda",
        [
            ["what", "p50 ms", "p99 ms", "a second"],
            ["constant answer, 1 connection", f"{bare.p50:.3f}", f"{bare.p99:.3f}", f"{bare.rate:,.0f}"],
            ["warm invoke, 1 connection", f"{one.p50:.3f}", f"{one.p99:.3f}", f"{one.rate:,.0f}"],
            ["warm invoke, 16 connections", f"{many.p50:.3f}", f"{many.p99:.3f}", f"{many.rate:,.0f}"],
            ["cold start through boto3", f"{cold:.1f}", "", ""],
        ],
        (
            "Each invocation writes its three log lines. A bare round trip to a forked process over a"
            " socket pair takes 0.055 ms on this machine; a third of the cloud's time goes into the write"
            " that wakes the function's process."
        ),
        [
            Target("warm invoke over a constant answer, p50", 0.3, one.p50 - bare.p50, " ms", most=True),
            Target("warm invoke over a constant answer, p99", 2.0, one.p99 - bare.p50, " ms", most=True),
            Target("warm invokes a second", 5000, many.rate, ""),
            Target("cold start, p50", 10.0, cold, " ms", most=True),
        ],
    )


def _cold(functions: Any) -> float:
    """Milliseconds, the median of twenty; a changed variable makes the next start cold."""
    taken = []
    for number in range(20):
        functions.update_function_configuration(
            FunctionName="bench", Environment={"Variables": {"ROUND": str(number)}}
        )
        begun = time.perf_counter()
        functions.invoke(FunctionName="bench")
        taken.append((time.perf_counter() - begun) * 1000)
    return sorted(taken)[10]
