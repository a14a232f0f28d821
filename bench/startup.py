"""From the command to the first answer, and the memory of a cloud that has nothing to do."""

import tempfile
import time
from pathlib import Path

from bench import servers
from bench.measuring import Bench, client, resident
from bench.report import Section, Target


def run(bench: Bench) -> Section:
    empty = []
    for _ in range(5):
        begun = time.perf_counter()
        with servers.cloud():
            empty.append(time.perf_counter() - begun)
    count = 1000 if bench.quick else 10_000
    with tempfile.TemporaryDirectory() as folder:
        with servers.cloud(data=Path(folder)) as (url, _):
            ssm = client(url, "ssm")
            for number in range(count):
                ssm.put_parameter(Name=f"/bench/{number}", Value="x", Type="String")
        begun = time.perf_counter()
        with servers.cloud(data=Path(folder)):
            full = time.perf_counter() - begun
    with servers.cloud() as (_, process):
        time.sleep(1)
        idle = resident(process.pid)
    bench.say(f"start: {min(empty):.2f} s, {full:.2f} s; idle {idle:.0f} MB")
    return Section(
        "Start",
        [
            ["what", "figure"],
            ["start to first answer, empty data folder, best of 5", f"{min(empty):.2f} s"],
            [f"the same with {count:,} parameters there", f"{full:.2f} s"],
            ["resident memory, idle, all services on", f"{idle:.0f} MB"],
        ],
        "",
        [
            Target("start, empty data folder", 0.4, min(empty), " s", most=True),
            Target(f"start, {count:,} resources", 1.0, full, " s", most=True),
            Target("idle memory", 90, idle, " MB", most=True),
        ],
    )
