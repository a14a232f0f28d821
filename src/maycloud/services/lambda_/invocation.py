"""Invoke: at once, or queued with retries and destinations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

import base64
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_ import payloads
from maycloud.services.lambda_.functions import functions, reference
from maycloud.services.lambda_.runtime.environments import Outcome, Spec
from maycloud.services.lambda_.store import LATEST, Reference
from maycloud.store import Delivery, Document, RetryLater

MAX_PAYLOAD = 6 << 20  # bytes, synchronous
MAX_EVENT = 1 << 20  # bytes, asynchronous; it was 256 KB until October 2025
MAX_AGE = 6 * 3600  # seconds that an event waits at the most, unless configured
RETRY_DELAYS = (60.0, 120.0)  # seconds before the second and the third attempt
ACCOUNT_LIMIT = 1000  # concurrent executions

QUEUE = "lambda-events"


class ThrottledError(AwsError):
    def __init__(self, reason: str) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.", 429, Reason=reason, Type="User")


@dataclass(slots=True)
class Target:
    """What runs: the function with the version that its qualifier means now."""

    name: Reference
    version: str
    configuration: Document
    settings: Document  # of the function, for all its versions


def resolve(call: Call, name: Reference) -> Target:
    """The version to run; an alias with weights chooses by chance, as AWS does."""
    version, configuration = functions(call).resolve(name)
    settings = functions(call).function(name)
    qualifier = name.qualifier
    if qualifier and qualifier != LATEST and not qualifier.isdecimal():
        alias = functions(call).alias(name, qualifier) or {}
        for other, weight in alias.get("Weights", {}).items():
            if random.random() < weight:
                found = functions(call).version(name, other)
                if found is not None:
                    version, configuration = other, found
    return Target(name, version, configuration, settings)


async def invoke(call: Call, params: Params) -> Result:
    """RequestResponse, Event or DryRun."""
    name = reference(call, params)
    kind = params.get("InvocationType", "RequestResponse")
    payload = params.get("Payload") or b""
    if not isinstance(payload, bytes):
        payload = await _read(payload)
    limit = MAX_EVENT if kind == "Event" else MAX_PAYLOAD
    if len(payload) > limit:
        raise _too_large(len(payload), kind)
    if payload:
        payloads.check(payload)
    target = resolve(call, name)
    if kind == "DryRun":
        return {"StatusCode": 204}
    if kind == "Event":
        call.store.outbox.put(
            QUEUE,
            {
                "arn": name.qualified_arn,
                "payload": base64.b64encode(payload or b"{}").decode(),
                "request": call.request_id,
                "begun": call.now(),
                "failures": 0,
            },
        )
        return {"StatusCode": 202}
    outcome = await run(call.state, target, payload or b"{}", call.request_id, params.get("ClientContext"))
    result: dict[str, Any] = {
        "StatusCode": 200,
        "Payload": outcome.payload,
        "ExecutedVersion": target.version,
    }
    if outcome.error is not None:
        result["FunctionError"] = outcome.error
    if params.get("LogType") == "Tail":
        result["LogResult"] = base64.b64encode(outcome.log[-4096:]).decode()
    return result


async def invoke_async(call: Call, params: Params) -> Result:
    """The operation that was there before Invoke had a type; its answer is a status alone."""
    event = {"FunctionName": params["FunctionName"], "InvocationType": "Event"}
    await invoke(call, event | {"Payload": params["InvokeArgs"]})
    return {"Status": 202}


async def _read(stream: Any) -> bytes:
    from maycloud.edge.messages import BodyTooLargeError

    try:
        return await stream.read(MAX_PAYLOAD)
    except BodyTooLargeError as error:
        raise _too_large(0, "") from error


def _too_large(size: int, kind: str) -> AwsError:
    message = f"Request must be smaller than {MAX_PAYLOAD} bytes for the InvokeFunction operation"
    if kind == "Event" and size <= MAX_PAYLOAD:
        message = f"{size} byte payload is too large for the Event invocation type (limit {MAX_EVENT} bytes)"
    return AwsError("RequestEntityTooLargeException", message, 413, Type="User")


async def run(
    state: Any, target: Target, payload: bytes, request_id: str, client_context: str | None = None
) -> Outcome:
    """Run the function within its concurrency; counts what CloudWatch shows of it."""
    key = (target.name.scope, target.name.name)
    running: dict[Any, int] = state.running
    reserved = target.settings.get("Concurrency")
    busy = running.get(key, 0)
    if reserved is not None and busy >= reserved:
        state.metrics.throttled(target.name)
        raise ThrottledError("ReservedFunctionConcurrentInvocationLimitExceeded")
    if sum(running.values()) >= ACCOUNT_LIMIT:
        state.metrics.throttled(target.name)
        raise ThrottledError("ConcurrentInvocationLimitExceeded")
    running[key] = busy + 1
    try:
        spec: Spec = state.spec(target)
        if spec.arn != target.name.qualified_arn:
            spec = replace(spec, arn=target.name.qualified_arn)  # functions are told by what name
        deadline = state.clock.wall() + spec.timeout
        outcome = await state.environments.invoke(
            spec,
            payload,
            request_id=request_id,
            deadline_ms=int(deadline * 1000),
            client_context=client_context,
            trace_id=_trace(state.clock.wall()),
        )
    finally:
        left = running[key] - 1
        if left:
            running[key] = left
        else:
            del running[key]
    state.metrics.invoked(target.name, outcome, busy + 1)
    return outcome


def _trace(now: float) -> str:
    return (
        f"Root=1-{int(now):08x}-{random.getrandbits(96):024x};Parent={random.getrandbits(64):016x};Sampled=0"
    )


# Events


async def deliver(state: Any, delivery: Delivery) -> None:
    """One attempt of an asynchronous invocation.

    Failures of the function are tried again twice; throttles, and a function that cannot be run (its role is
    gone), as long as the event is young enough:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    event = delivery.payload
    account, region = event["arn"].split(":")[4], event["arn"].split(":")[3]
    call = state.internal_call(account, region)
    try:
        name = reference(call, {"FunctionName": event["arn"]})
        target = resolve(call, name)
    except AwsError:
        return  # deleted meanwhile: AWS drops its events
    settings = target.settings.get("EventConfigs", {}).get(name.qualifier or LATEST, {})
    payload = base64.b64decode(event["payload"])
    age = state.clock.time() - event["begun"]
    too_old = age > settings.get("MaximumEventAgeInSeconds", MAX_AGE)
    if too_old:
        await _destination(state, target, event, settings, None, "EventAgeExceeded")
        return
    try:
        outcome = await run(state, target, payload, event["request"])
    except AwsError as error:
        raise RetryLater(min(300.0, 2.0 ** min(delivery.attempt, 9))) from error
    if outcome.error is None:
        await _destination(state, target, event, settings, outcome, "Success")
        return
    failures = event["failures"] + 1
    if failures <= settings.get("MaximumRetryAttempts", 2):
        raise RetryLater(RETRY_DELAYS[min(failures, 2) - 1], event | {"failures": failures})
    await _destination(state, target, event | {"failures": failures}, settings, outcome, "RetriesExhausted")


async def _destination(
    state: Any, target: Target, event: Document, settings: Document, outcome: Outcome | None, condition: str
) -> None:
    """Tell the configured destination how an event ended, as the function's role."""
    kind = "OnSuccess" if condition == "Success" else "OnFailure"
    where = settings.get("DestinationConfig", {}).get(kind, {}).get("Destination")
    if not where:
        where = (
            (target.configuration.get("DeadLetterConfig") or {}).get("TargetArn")
            if kind == "OnFailure"
            else None
        )
        if not where:
            return
    record: Document = {
        "version": "1.0",
        "timestamp": (
            datetime.fromtimestamp(state.clock.time(), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        ),
        "requestContext": {
            "requestId": event["request"],
            "functionArn": f"{target.name.arn}:{target.name.qualifier or LATEST}",
            "condition": condition,
            "approximateInvokeCount": event["failures"] + (1 if condition == "Success" else 0),
        },
        "requestPayload": orjson.loads(base64.b64decode(event["payload"])),
    }
    if outcome is not None:
        record["responseContext"] = {"statusCode": 200, "executedVersion": target.version}
        if outcome.error is not None:
            record["responseContext"]["functionError"] = outcome.error
        record["responsePayload"] = orjson.loads(outcome.payload or b"null")
    await state.send(target, where, orjson.dumps(record))


def as_lambda(account: str) -> Principal:
    return Principal.service("lambda.amazonaws.com", account)
