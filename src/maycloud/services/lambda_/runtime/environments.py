"""Execution environments: started when none is free, kept while they are used, one invocation at a time.

An environment that waits is frozen: its processes are stopped, so that threads which a function left behind
go on when the next invocation comes, as on AWS.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from maycloud.services.lambda_.runtime import systemlogs
from maycloud.services.lambda_.runtime.forks import ForkServer, plan
from maycloud.services.lambda_.runtime.process import Environment, NodeEnvironment, PythonEnvironment, Reply
from maycloud.services.lambda_.runtime.runtime_api import RuntimeApi
from maycloud.services.lambda_.runtime.spec import Spec
from maycloud.services.lambda_.runtime.systemlogs import Line, Report

MAX_INIT = 10.0  # seconds
WATCH_EVERY = 0.1  # seconds between looks at the memory of running functions

OnLog = Callable[[Spec, str, list[tuple[int, str]]], None]

__all__ = ["Environments", "Outcome", "Spec"]


@dataclass(slots=True)
class Outcome:
    """What an invocation came to; `error` is the value of FunctionError."""

    payload: bytes
    error: Literal["Unhandled"] | None
    duration_ms: float
    init_ms: float | None
    max_memory_mb: int
    log: bytes


class Environments:
    """All environments of the cloud."""

    def __init__(self, data: Path, on_log: OnLog, runtime_api: RuntimeApi) -> None:
        """`data` is the folder that nothing of may be seen by functions but their packages."""
        self._workdir = data / "lambda" / "run"
        self._on_log = on_log
        self._forks = ForkServer(lambda: plan(data, data / "lambda" / "code", self._scratch()))
        self._runtime_api = runtime_api
        self._idle: dict[str, list[Environment]] = {}
        self._all: set[Environment] = set()
        self._starting: set[Environment] = set()
        self._watching = False

    def start(self) -> None:
        shutil.rmtree(self._workdir, ignore_errors=True)
        self._workdir.mkdir(parents=True)
        self._forks.start()

    def _scratch(self) -> Path:
        scratch = self._workdir / "root"
        scratch.mkdir(exist_ok=True)
        return scratch

    async def stop(self) -> None:
        for environment in list(self._all):
            environment.kill()
        self._forks.stop()
        shutil.rmtree(self._workdir, ignore_errors=True)

    async def retire(self, prefix: str) -> None:
        """End the environments whose key begins so: at once, or when they are done."""
        for environment in list(self._all):
            if environment.spec.key.startswith(prefix):
                self._retire(environment)

    async def prune(self, idle_seconds: float, kept: Container[str] = ()) -> None:
        """End environments that have not been used for a while, unless their key is among the `kept`."""
        before = time.monotonic() - idle_seconds
        for environment in [each for waiting in self._idle.values() for each in waiting]:
            if environment.used < before and environment.spec.key not in kept:
                self._retire(environment)

    def count(self, key: str) -> int:
        """How many environments of a key have come up, waiting and busy."""
        there = self._all - self._starting
        return sum(1 for each in there if each.spec.key == key and each.alive and not each.retired)

    async def warm(self, spec: Spec, wanted: int) -> bool:
        """Start environments until there are so many; False if one does not come up."""
        while self.count(spec.key) < wanted:
            environment = self._new(spec)
            environment.busy = True
            environment.thaw()
            failed = await self._init(environment)
            self._on_log(spec, environment.stream, environment.take_lines())
            environment.busy = False
            environment.used = time.monotonic()
            if failed is not None or not environment.alive or environment.retired:
                self._discard(environment)
                return False
            self._idle.setdefault(spec.key, []).append(environment)
            environment.freeze()
        return True

    def packages(self) -> set[str]:
        """Names of the folders of code that environments have."""
        return {path.name for each in self._all for path in (each.spec.folder, *each.spec.layers)}

    def _retire(self, environment: Environment) -> None:
        environment.retired = True
        if not environment.busy:
            self._discard(environment)

    def _discard(self, environment: Environment) -> None:
        environment.kill()
        self._all.discard(environment)
        waiting = self._idle.get(environment.spec.key)
        if waiting is not None:
            if environment in waiting:
                waiting.remove(environment)
            if not waiting:
                del self._idle[environment.spec.key]

    async def invoke(
        self,
        spec: Spec,
        payload: bytes,
        *,
        request_id: str,
        deadline_ms: int,
        client_context: str | None,
        trace_id: str,
    ) -> Outcome:
        """Run the function once, in a waiting environment or a new one."""
        waiting = self._idle.get(spec.key)
        environment = waiting.pop() if waiting else None
        init_ms: float | None = None
        environment_new = environment is None
        if environment is None:
            environment = self._new(spec)
        environment.busy = True
        environment.thaw()
        lines: list[Line] = []
        if environment_new:
            begun = time.perf_counter()
            failed = await self._init(environment)
            init_ms = (time.perf_counter() - begun) * 1000
            if failed is not None:
                status, kind = _status(failed)
                status = "error" if status == "failure" else status
                lines += systemlogs.init_failed(spec, init_ms, status, kind)
                lines += systemlogs.started(spec, request_id)
                return self._finish(environment, lines, failed, request_id, (begun, init_ms))
        lines += systemlogs.started(spec, request_id)
        begun = time.perf_counter()
        head = orjson.dumps(
            {
                "id": request_id,
                "deadline": deadline_ms,
                "arn": spec.arn,
                "client": _client_context(client_context),
                "trace": trace_id,
            }
        )
        loop = asyncio.get_running_loop()
        timer = loop.call_later(spec.timeout, environment.time_out)
        self._watch()
        try:
            reply = await environment.run(head, payload)
        except asyncio.CancelledError:
            self._discard(environment)
            raise
        finally:
            timer.cancel()
        return self._finish(environment, lines, reply, request_id, (begun, init_ms))

    def _new(self, spec: Spec) -> Environment:
        folder = self._workdir / os.urandom(8).hex()
        folder.mkdir()
        if spec.runtime.startswith("python"):
            environment: Environment = PythonEnvironment(spec, folder, self._forks)
        else:
            environment = NodeEnvironment(spec, folder, self._forks, self._runtime_api)
        self._all.add(environment)
        return environment

    async def _init(self, environment: Environment) -> Reply | None:
        """Start it; the failure's reply if it cannot be."""
        timer = asyncio.get_running_loop().call_later(MAX_INIT, environment.time_out)
        self._starting.add(environment)
        try:
            return await environment.start()
        except asyncio.CancelledError:
            self._discard(environment)
            raise
        finally:
            self._starting.discard(environment)
            timer.cancel()

    def _finish(
        self,
        environment: Environment,
        lines: list[tuple[int, str]],
        reply: Reply,
        request_id: str,
        times: tuple[float, float | None],
    ) -> Outcome:
        """Log lines, the report, and the environment's place among the waiting or its end."""
        spec = environment.spec
        begun, init_ms = times
        duration = (time.perf_counter() - begun) * 1000
        lines += environment.take_lines()
        payload, error = reply.payload, reply.error
        if reply.timed_out:
            duration = max(duration, spec.timeout * 1000)
            message = f"RequestId: {request_id} Error: Task timed out after {spec.timeout:.2f} seconds"
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            lines.append(
                (
                    systemlogs.now(),
                    f"{stamp}.000Z {request_id} Task timed out after {spec.timeout:.2f} seconds",
                )
            )
            payload = orjson.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message})
        elif reply.exit is not None:
            why = (
                "without providing a reason" if reply.exit == "exit status 0" else f"with error: {reply.exit}"
            )
            message = f"RequestId: {request_id} Error: Runtime exited {why}"
            lines.append((systemlogs.now(), message))
            lines.append((systemlogs.now(), "Runtime.ExitError"))
            payload = orjson.dumps({"errorType": "Runtime.ExitError", "errorMessage": message})
        memory = max(1, -(-reply.peak_kb // 1024))
        if reply.out_of_memory:
            memory = spec.memory
        report = Report(request_id, *_status(reply), duration, memory, init_ms)
        lines += systemlogs.ended(spec, report)
        self._on_log(spec, environment.stream, lines)
        environment.busy = False
        environment.used = time.monotonic()
        if environment.alive and not environment.retired:
            self._idle.setdefault(spec.key, []).append(environment)
            environment.freeze()
        else:
            self._discard(environment)
        tail = "\n".join(line for _, line in lines).encode()[-4096:] + b"\n"
        return Outcome(payload, "Unhandled" if error else None, duration, init_ms, memory, tail)

    def _watch(self) -> None:
        if not self._watching:
            self._watching = True
            asyncio.get_running_loop().call_later(WATCH_EVERY, self._look)

    def _look(self) -> None:
        """Kill what uses more memory than its function may."""
        busy = [each for each in self._all if each.busy and each.alive]
        for environment in busy:
            environment.check_memory()
        self._watching = bool(busy)
        if busy:
            asyncio.get_running_loop().call_later(WATCH_EVERY, self._look)


def _status(reply: Reply) -> tuple[str, str]:
    """Status and error type of an invocation or a start, as reports have them."""
    if reply.timed_out:
        return "timeout", "Sandbox.Timedout"
    if reply.exit is not None:
        return "failure", "Runtime.ExitError"
    if not reply.error:
        return "success", ""
    try:
        return "error", str(orjson.loads(reply.payload)["errorType"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "error", "Runtime.Unknown"


def _client_context(text: str | None) -> object:
    """The decoded X-Amz-Client-Context; what is not base64 of JSON is passed over, as on AWS."""
    if not text:
        return None
    import base64
    import binascii

    try:
        found = orjson.loads(base64.b64decode(text))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) else None
