"""S3: small objects by `wrk` over 16 connections, and one large one by `curl`, with the server's memory.

Requests are signed with the hash of their body, the large upload with UNSIGNED-PAYLOAD, as SDKs sign over
HTTPS.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import servers
from bench.load import Load, http_request, signed_headers, signed_request, wrk
from bench.measuring import Bench, client, resident
from bench.report import Section, Table, Target

SUBJECTS = ("maycloud", "ministack", "moto", "s3rver", "nginx")
KEYS = 500
BODY = bytes(range(256)) * 4

NOTE = (
    "1 KB: the generator is wrk. Large objects: curl on the same machine, the best of three; memory"
    " is the server's before / at its most / after them. Maycloud verifies each signature and body"
    " hash, weighs policies, hashes with MD5 and CRC64NVME and commits; nginx does none of that: it"
    " sends a file, and its PUT renames one.\n\nWhere a 1 KB GET's time goes outside the sockets (perf,"
    " one core, hot modules compiled): 25 % the operation (of it a third SQLite), 16 % verifying, 14 %"
    " the end of the tick, 12 % writing the answer, 10 % encoding its headers, 5 % policies, 5 % finding"
    " the operation; the rest is the parser."
)


@dataclass(slots=True)
class Found:
    """Rates of small objects, megabytes a second of a large one, and the server's memory meanwhile."""

    get: Load | None = None
    put: Load | None = None
    large_get: float = 0.0
    large_put: float = 0.0
    memory: tuple[float, float, float] = (0.0, 0.0, 0.0)


def run(bench: Bench) -> Section:
    servers.install_peers()
    size = (1 << 28) if bench.quick else (1 << 30)
    found: dict[str, Found] = {}
    with tempfile.TemporaryDirectory(prefix="bench-s3-") as folder:
        large = Path(folder) / "large"
        with large.open("wb") as file:
            file.truncate(size)
        for subject in SUBJECTS:
            found[subject] = Found()
            try:
                with _server(subject) as (url, process):
                    _measure(bench, subject, url, process.pid, large, found[subject])
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                bench.say(f"{subject}: {error}")
    label = f"{size >> 20} MB"
    rows: Table = [
        ["", "1 KB GET a second", "p99 ms", "1 KB PUT a second", "p99 ms", f"{label} GET", f"{label} PUT",
         "resident MB"],
        *(_row(subject, each) for subject, each in found.items()),
    ]  # fmt: skip
    return Section("S3, 16 connections", rows, NOTE, _targets(found, label))


@contextlib.contextmanager
def _server(subject: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    if subject == "maycloud":
        with servers.cloud() as started:
            yield started
    elif subject == "nginx":
        with servers.nginx() as started:
            yield started
    else:
        with servers.peer_process(subject) as started:
            yield started


def _key(subject: str) -> str:
    """The key, and secret, that a subject knows from the beginning."""
    return "S3RVER" if subject == "s3rver" else "test"


def _request(subject: str, url: str, method: str, key: str, body: bytes) -> bytes:
    target = f"{url}/bench/{key}"
    if subject == "nginx":
        return http_request(method, target, {}, body)
    return signed_request(target, "s3", body, {}, method, _key(subject))


def _measure(bench: Bench, subject: str, url: str, pid: int, large: Path, found: Found) -> None:
    if subject != "nginx":
        client(url, "s3", _key(subject)).create_bucket(Bucket="bench")
    puts = [_request(subject, url, "PUT", f"small/{n}", BODY) for n in range(KEYS)]
    gets = [_request(subject, url, "GET", f"small/{n}", b"") for n in range(KEYS)]
    try:
        found.put = bench.best(lambda: wrk(url, puts, seconds=bench.seconds))
        bench.say(f"{subject} 1 KB PUT: {found.put.rate:,.0f}/s")
        found.get = bench.best(lambda: wrk(url, gets, seconds=bench.seconds))
        bench.say(f"{subject} 1 KB GET: {found.get.rate:,.0f}/s")
    except RuntimeError as error:
        bench.say(f"{subject}: {error}")
    before = resident(pid)
    target = f"{url}/bench/large"
    for method in ("PUT", "GET"):
        headers = {} if subject == "nginx" else signed_headers(target, "s3", None, {}, method, _key(subject))
        speeds = [_transfer(method, target, headers, large) for _ in range(3)]
        bench.say(f"{subject} {large.stat().st_size >> 20} MB {method}: {max(speeds):,.0f} MB/s")
        if method == "PUT":
            found.large_put = max(speeds)
        else:
            found.large_get = max(speeds)
    found.memory = before, _peak(pid), resident(pid)


def _transfer(method: str, url: str, headers: dict[str, str], large: Path) -> float:
    """Megabytes a second of one transfer. Raises RuntimeError unless all of it went through."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{time_total}"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    command += ["-H", "Expect:", *(["-T", str(large)] if method == "PUT" else []), url]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    status, received, seconds = ran.stdout.split()
    size = large.stat().st_size
    if status[0] != "2" or (method == "GET" and int(received) != size):
        raise RuntimeError(f"{method} of the large object answered {status} with {received} bytes")
    return size / 1e6 / float(seconds)


def _peak(pid: int) -> float:
    """The most megabytes that were ever resident."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def _row(subject: str, found: Found) -> list[str]:
    def small(load: Load | None) -> list[str]:
        return [f"{load.rate:,.0f}", f"{load.p99:.2f}"] if load else ["failed", ""]

    large = [f"{speed:,.0f} MB/s" if speed else "failed" for speed in (found.large_get, found.large_put)]
    memory = " / ".join(f"{each:,.0f}" for each in found.memory)
    return [subject, *small(found.get), *small(found.put), *large, memory]


def _targets(found: dict[str, Found], label: str) -> list[Target]:
    mine = found["maycloud"]
    targets = []
    for name in ("ministack", "s3rver"):
        theirs = found[name]
        for what, our, other in (("GET", mine.get, theirs.get), ("PUT", mine.put, theirs.put)):
            if our and other:
                targets.append(Target(f"1 KB {what} against {name}", 8, our.rate / other.rate, "×"))
    if found["nginx"].large_get and mine.large_get:
        share = mine.large_get / found["nginx"].large_get * 100
        targets.append(Target(f"{label} GET of nginx's", 60, share, " %"))
    # Flat: what the buffers of one transfer take, whatever its length.
    growth = mine.memory[1] - mine.memory[0]
    targets.append(
        Target(f"memory while {label} come and go, more than before", 32, growth, " MB", most=True)
    )
    return targets
