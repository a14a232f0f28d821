"""The rounds: load, death at a random moment, a new start on the same folder, and a look at what is there."""

import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.kills.events import Invocations, People, Requests, Stacks
from bench.kills.parts import LOST, Items, Lines, Names, Objects, Part

PARTS: tuple[type[Part], ...] = (Items, Objects, Invocations, Requests, People, Stacks, Lines, Names)
MOST_STEPS = 8  # of one part, before a death
MOST_SECONDS = 1.5  # on a machine that is too slow for so many
PATIENCE = 60.0  # until a first step is taken for missing


@dataclass
class Report:
    rounds: int = 0
    acknowledged: dict[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0


class Load:
    """A thread for each part, until the cloud dies. What goes wrong before that is in `failures`."""

    def __init__(self, cloud: Any, parts: list[Part]) -> None:
        self.steps = Counter[str]()
        self.failures: list[BaseException] = []
        self._cloud = cloud
        self._threads = [threading.Thread(target=self._work, args=(part,)) for part in parts]
        for thread in self._threads:
            thread.start()

    def wait_for(self, victim: str, enough: int) -> None:
        """Until a part has made so many steps: one at least, the others while there is time."""
        began = time.monotonic()
        while self.steps[victim] < enough and not self.failures:
            past = time.monotonic() - began
            if past > (MOST_SECONDS if self.steps[victim] else PATIENCE):
                return
            time.sleep(0.001)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "a client waits for ever"
        if self.failures:
            raise self.failures[0]

    def _work(self, part: Part) -> None:
        try:
            step = part.connect(self._cloud)
            while True:
                step()
                self.steps[type(part).__name__] += 1
        except LOST:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by `join`
            self.failures.append(error)


def play(
    cloud: Any, rounds: int, seed: int, parts: tuple[type[Part], ...] = PARTS,
    show: Callable[[str], None] = lambda _: None,
) -> Report:  # fmt: skip
    """Kill a cloud that was started, again and again; AssertionError with what is lost."""
    moments = random.Random(seed)
    loads = [part(cloud) for part in parts]
    report = Report()
    order: list[Part] = []
    began = time.monotonic()
    for number in range(1, rounds + 1):
        load = Load(cloud, loads)
        if not order:
            order = moments.sample(loads, len(loads))
        victim, enough = type(order.pop()).__name__, moments.randint(1, MOST_STEPS)
        load.wait_for(victim, enough)
        time.sleep(moments.uniform(0, 0.02))  # in the middle of a step, not after one
        cloud.kill()
        load.join()
        cloud.start(cloud.port)
        for each in loads:
            try:
                each.check(cloud)
            except AssertionError as error:
                error.add_note(f"{type(each).__name__}, round {number}")
                raise
        log = cloud.log.read_text(errors="replace")
        assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]
        show(f"round {number}: {load.steps.total()} steps, {load.steps[victim]} of them {victim}")
    for each in loads:
        each.finish(cloud)
    cloud.stop()
    check_file(cloud.data / "cloud.db")
    report.rounds = rounds
    report.acknowledged = {type(each).__name__: each.acknowledged for each in loads}
    report.seconds = time.monotonic() - began
    return report


def check_file(path: Path) -> None:
    """What SQLite itself finds of its file."""
    database = sqlite3.connect(path)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        database.close()
