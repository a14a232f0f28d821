"""Between invocations nothing of an environment goes on: what AWS documents as freezing."""

import json
from pathlib import Path
from typing import Any

import pytest

from packages import LOGGING, make_function, make_role
from processes import outside
from running import RunningCloud
from waiting import until

SOURCE = """
import os, signal, subprocess, threading, time
ticks = [0]

def tick():
    while True:
        ticks[0] += 1
        time.sleep(0.001)

def handler(event, context):
    do = event.get("do")
    if do == "thread":
        threading.Thread(target=tick, daemon=True).start()
    if do == "child":
        child = subprocess.Popen(["/bin/sleep", "600"])
        return {"pid": os.getpid(), "child": child.pid, "space": os.readlink("/proc/self/ns/pid")}
    if do == "timer":
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 60)
    if do == "wait":
        seen = ticks[0]
        while ticks[0] < seen + 3:
            time.sleep(0.001)
    return {"pid": os.getpid(), "ticks": ticks[0], "space": os.readlink("/proc/self/ns/pid")}
"""

NODE = """
import fs from "node:fs";
let ticks = 0, timer;
export const handler = async (event) => {
  timer ??= setInterval(() => { ticks += 1; }, 1);
  if (event.do === "wait") {
    const seen = ticks;
    while (ticks < seen + 3) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return { pid: process.pid, ticks, space: fs.readlinkSync("/proc/self/ns/pid") };
};
"""


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "freezing", LOGGING)


def invoke(cloud: RunningCloud, name: str, do: str = "") -> dict[str, Any]:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"do": do}))
    assert "FunctionError" not in answer
    found = json.loads(answer["Payload"].read())
    for name in {"pid", "child"} & found.keys():
        found[name] = outside(found["space"], found[name])
    return found


def states(pid: int) -> set[str]:
    """States of all threads of a process: ``T`` is stopped."""
    return {
        task.joinpath("stat").read_text().rpartition(")")[2].split()[0]
        for task in Path(f"/proc/{pid}/task").iterdir()
    }


@pytest.mark.parametrize("do", ["thread", "child", "timer"])
def test_what_a_python_function_leaves_behind_is_frozen(cloud: RunningCloud, role: str, do: str) -> None:
    name = f"frozen-{do}"
    make_function(cloud.client("lambda"), role, name, SOURCE)
    left = invoke(cloud, name, do)
    for pid in {left["pid"], left.get("child", left["pid"])}:
        until(lambda pid=pid: states(pid) == {"T"}, what=f"{pid} to be stopped")
    again = invoke(cloud, name, "wait" if do == "thread" else "")
    assert again["pid"] == left["pid"]
    if do == "thread":
        assert again["ticks"] >= left["ticks"] + 3  # it goes on while the function runs


def test_a_thread_does_not_advance_between_invocations(cloud: RunningCloud, role: str) -> None:
    make_function(cloud.client("lambda"), role, "still", SOURCE)
    pid = invoke(cloud, "still", "thread")["pid"]
    until(lambda: states(pid) == {"T"}, what="the process to be stopped")

    def used() -> list[str]:
        """How often its main thread was given a processor."""
        status = Path(f"/proc/{pid}/status").read_text()
        return [line for line in status.splitlines() if "ctxt_switches" in line]

    make_function(cloud.client("lambda"), role, "other", SOURCE)
    before = used()
    for _ in range(20):
        invoke(cloud, "other")
    assert used() == before


def test_node_is_frozen_while_it_waits(cloud: RunningCloud, role: str) -> None:
    make_function(cloud.client("lambda"), role, "node-frozen", NODE, runtime="nodejs20.x")
    left = invoke(cloud, "node-frozen")
    until(lambda: states(left["pid"]) == {"T"}, what="Node.js to be stopped")
    again = invoke(cloud, "node-frozen", "wait")
    assert again["pid"] == left["pid"]
    assert again["ticks"] >= left["ticks"] + 3


def test_frozen_environments_end_with_their_function(cloud: RunningCloud, role: str) -> None:
    make_function(cloud.client("lambda"), role, "ending", SOURCE)
    pid = invoke(cloud, "ending", "thread")["pid"]
    until(lambda: states(pid) == {"T"}, what="the process to be stopped")
    cloud.client("lambda").delete_function(FunctionName="ending")
    until(lambda: not Path(f"/proc/{pid}").exists(), what="the process to end")
