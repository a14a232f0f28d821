"""What Lambda itself writes into a function's log: START, END and REPORT, or their JSON.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html and
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

import time
from dataclasses import dataclass
from typing import Any

import orjson

from maycloud.services.lambda_.runtime.spec import Spec

Line = tuple[int, str]  # milliseconds, text

_LEVELS = ("DEBUG", "INFO", "WARN")


@dataclass(frozen=True, slots=True)
class Report:
    """How one invocation went. `status` is ``success``, ``timeout``, ``error`` or ``failure``."""

    request_id: str
    status: str
    error_type: str
    duration_ms: float
    memory_mb: int
    init_ms: float | None


def now() -> int:
    return int(time.time() * 1000)


def started(spec: Spec, request_id: str) -> list[Line]:
    if not spec.json_logs:
        return [(now(), f"START RequestId: {request_id} Version: {spec.version}")]
    return _json(spec, "INFO", "platform.start", {"requestId": request_id, "version": spec.version})


def init_failed(spec: Spec, duration_ms: float, status: str, error_type: str) -> list[Line]:
    """Before START: the failure of a start."""
    if not spec.json_logs:
        kind = f"\tError Type: {error_type}" if status == "error" else ""
        line = f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: init\tStatus: {status}{kind}"
        return [(now(), line)]
    record: dict[str, Any] = {
        "initializationType": "on-demand",
        "phase": "init",
        "status": status,
        "metrics": {"durationMs": round(duration_ms, 3)},
    }
    if status == "error":
        record["errorType"] = error_type
    return _json(spec, "WARN", "platform.initReport", record)


def ended(spec: Spec, report: Report) -> list[Line]:
    if spec.json_logs:
        return _ended_json(spec, report)
    line = (
        f"REPORT RequestId: {report.request_id}\tDuration: {report.duration_ms:.2f} ms\tBilled Duration:"
        f" {_billed(report)} ms\tMemory Size: {spec.memory} MB\tMax Memory Used: {report.memory_mb} MB\t"
    )
    if report.init_ms is not None:
        line += f"Init Duration: {report.init_ms:.2f} ms\t"
    if report.status in ("timeout", "failure"):
        line += f"Status: {'timeout' if report.status == 'timeout' else 'error'}\t"
    if report.status == "failure":
        line += f"Error Type: {report.error_type}"
    return [(now(), f"END RequestId: {report.request_id}"), (now(), line)]


def _ended_json(spec: Spec, report: Report) -> list[Line]:
    good = report.status == "success"
    outcome: dict[str, Any] = {"requestId": report.request_id, "status": report.status}
    if report.error_type and report.status != "timeout":
        outcome["errorType"] = report.error_type
    metrics: dict[str, Any] = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": _billed(report),
        "memorySizeMB": spec.memory,
        "maxMemoryUsedMB": report.memory_mb,
    }
    if report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    done = outcome | {"metrics": {"durationMs": round(report.duration_ms, 3), "producedBytes": 0}}
    return [
        *_json(spec, "DEBUG" if good else "WARN", "platform.runtimeDone", done),
        *_json(spec, "INFO" if good else "WARN", "platform.report", outcome | {"metrics": metrics}),
    ]


def _billed(report: Report) -> int:
    return int(report.duration_ms) + 1


def _json(spec: Spec, level: str, kind: str, record: dict[str, Any]) -> list[Line]:
    if _LEVELS.index(level) < _LEVELS.index(spec.system_level):
        return []
    at = now()
    stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at // 1000))}.{at % 1000:03d}Z"
    return [(at, orjson.dumps({"time": stamp, "type": kind, "record": record}).decode())]
