"""Our edge, answering the same two bytes to everything."""

from bench.measuring import Bench
from bench.report import Section


def run(bench: Bench) -> Section:
    found = bench.constant
    return Section(
        "The edge",
        [
            ["what", "answers a second", "p50 ms", "p99 ms"],
            ["constant answer, 16 connections", f"{found.rate:,.0f}", f"{found.p50:.3f}", f"{found.p99:.3f}"],
        ],
        "The generator is a Python process on the other core; it is as much the limit here as the edge is.",
    )
