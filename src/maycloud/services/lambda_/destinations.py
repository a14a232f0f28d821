"""Where the outcome of asynchronous invocations goes: checked when it is configured, called when it is due.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from maycloud.errors import AwsError
from maycloud.services.base import Call
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.store import Reference, read_name
from maycloud.store import Document

Build = Callable[[str, bytes, str], dict[str, Any]]  # of destination ARN, record and object key


@dataclass(frozen=True, slots=True)
class Door:
    """How a service takes a record."""

    operation: str
    action: str
    build: Build


def _queue_url(arn: str) -> str:
    _, _, _, region, account, name = arn.split(":", 5)
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


DOORS = {
    "lambda": Door(
        "Invoke",
        "lambda:InvokeFunction",
        lambda arn, record, _: {"FunctionName": arn, "InvocationType": "Event", "Payload": record},
    ),
    "s3": Door(
        "PutObject",
        "s3:PutObject",
        lambda arn, record, key: {"Bucket": arn.rpartition(":")[2], "Key": key, "Body": record},
    ),
    "sqs": Door(
        "SendMessage",
        "sqs:SendMessage",
        lambda arn, record, _: {"QueueUrl": _queue_url(arn), "MessageBody": record.decode()},
    ),
    "sns": Door(
        "Publish", "sns:Publish", lambda arn, record, _: {"TopicArn": arn, "Message": record.decode()}
    ),
}
DEAD_LETTERS = {"sqs": "SQS", "sns": "SNS"}


def kind_of(arn: str) -> str:
    """The service that an ARN belongs to, "" where it is none."""
    return arn.split(":")[2] if arn.count(":") >= 5 else ""


def object_key(name: Reference, now: float) -> str:
    """A record's key in a bucket, as Lambda names it."""
    day = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/async/{name.name}/{day:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{os.urandom(16).hex()}"


def check(call: Call, name: Reference, role: str, config: Document) -> None:
    """Raise for destinations that cannot be, or that the function's role may not call."""
    for side in ("OnSuccess", "OnFailure"):
        where = (config.get(side) or {}).get("Destination")
        if not where:
            continue
        kind = kind_of(where)
        if kind not in DOORS or (kind == "s3" and side == "OnSuccess"):
            shown = ", ".join(_shown(config, each) for each in ("OnSuccess", "OnFailure"))
            raise invalid(f"The provided destination config DestinationConfig({shown}) is invalid.")
        if where == name.arn or where.startswith(f"{name.arn}:"):
            raise invalid("You can't specify the function as a destination for itself.")
        if kind == "lambda" and not _is_function(call, where):
            raise invalid(f"The destination ARN {where} is invalid.")
        resource = f"{where}/*" if kind == "s3" else where
        if not _may(call, name, role, kind, resource):
            raise invalid(
                "The function's execution role does not have permissions to call"
                f" {DOORS[kind].operation} on {where}"
            )


def _shown(config: Document, side: str) -> str:
    where = (config.get(side) or {}).get("Destination")
    shown = f"{side}(destination={where})" if where else "null"
    return f"{side[:1].lower()}{side[1:]}={shown}"


def _is_function(call: Call, where: str) -> bool:
    try:
        name = read_name(call, where)
        call.state.functions.resolve(name)
    except AwsError:
        return False
    return True


def check_dead_letters(call: Call, name: Reference, role: str, where: str) -> None:
    """The same for a function's DeadLetterConfig: a queue or a topic."""
    kind = kind_of(where)
    if kind not in DEAD_LETTERS:
        raise invalid(f"The dead letter target {where} is neither the ARN of a queue nor of a topic")
    if not _may(call, name, role, kind, where):
        raise invalid(
            "The provided execution role does not have permissions to call"
            f" {DOORS[kind].operation} on {DEAD_LETTERS[kind]}"
        )


def _may(call: Call, name: Reference, role: str, kind: str, resource: str) -> bool:
    if kind not in cast("Any", call.cloud).services:
        raise invalid(f"The service {kind} is not supported by Maycloud; see docs/coverage.md")
    credential = call.state.role_credentials(role, name.name)
    asked = call.state.internal_call(name.account, name.region)
    asked.principal = credential.principal
    try:
        call.cloud.access.authorize(asked, DOORS[kind].action, resource)
    except AwsError:
        return False
    return True
