"""What a subject's figures are put into, and bench/RESULTS.md, which is written section by section.

A section that is measured anew takes the place of the one with its title; the others stay.
"""

import datetime
import os
import platform
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
ORDER = ("The edge", "DynamoDB", "Memory and growth", "DAX", "Lambda", "S3", "GET /todos", "Cognito", "Start")

Table = list[list[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """What was aimed at and what was reached; `most` for what shall be small."""

    what: str
    aim: float
    reached: float
    unit: str
    most: bool = False

    @property
    def verdict(self) -> str:
        short = self.reached / self.aim - 1 if self.most else 1 - self.reached / self.aim
        return "met" if short <= 0 else f"missed by {short:.0%}"

    def row(self) -> list[str]:
        sign = "≤" if self.most else "≥"
        digits = 0 if self.reached >= 100 else 2
        reached = f"{self.reached:,.{digits}f}{self.unit}"
        return [self.what, f"{sign} {self.aim:,g}{self.unit}", reached, self.verdict]


@dataclass(slots=True)
class Section:
    """One table of figures, what it was aimed at, and what one must know to read it."""

    title: str
    table: Table
    note: str = ""
    targets: list[Target] = field(default_factory=list)

    def text(self, taken: str) -> str:
        parts = [f"## {self.title}", _table(self.table)]
        if self.note:
            parts.append(self.note)
        if self.targets:
            head = ["target", "aimed at", "reached", ""]
            parts.append(_table([head, *(target.row() for target in self.targets)]))
        return "\n\n".join([*parts, taken])


def _table(table: Table) -> str:
    head, *rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(section: Section, *, quick: bool) -> None:
    """Put a section into RESULTS.md, in `ORDER`, and the machine above them all."""
    now = datetime.datetime.now(datetime.UTC)
    rounds = "short rounds" if quick else "whole rounds"
    taken = f"*Taken on {now:%Y-%m-%d at %H:%M} UTC, {rounds}, load average before {os.getloadavg()[1]:.1f}.*"
    sections = _there()
    sections[section.title] = section.text(taken)

    def place(title: str) -> int:
        return next((at for at, name in enumerate(ORDER) if title.startswith(name)), len(ORDER))

    ordered = [sections[title] for title in sorted(sections, key=place)]
    RESULTS.write_text("\n\n".join(["# Results", machine(), *ordered]) + "\n")


def _there() -> dict[str, str]:
    text = RESULTS.read_text() if RESULTS.exists() else ""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: f"## {part.rstrip()}" for part in parts}


def machine() -> str:
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    model = models[0] if models else "unknown"
    node = _version(["node", "--version"]).removeprefix("v")
    nginx = _version(["nginx", "-v"]).rpartition("/")[2] or "not there"
    return (
        f"`make bench` on {os.cpu_count()} cores of {model}, Linux {platform.release()}, Python"
        f" {platform.python_version()}, Node.js {node}. Peers: dynalite 4.0.0, ministack 1.5.33, moto 5.2.5,"
        f" s3rver 3.7.1, nginx {nginx}. Best of three rounds each, unless said otherwise."
    )


def _version(command: list[str]) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return (ran.stdout + ran.stderr).strip()
