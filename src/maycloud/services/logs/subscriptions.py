"""Subscription filters: what a pattern matches goes on to a function.

Answers as recorded of AWS in LocalStack's
tests/aws/services/logs/test_logs_subscription_filters.snapshot.json;
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

import gzip
from base64 import b64encode
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Call, Cloud, Params, Result
from maycloud.services.logs.filters import compile_pattern
from maycloud.services.logs.service import find, group_arn, invalid, offset, service
from maycloud.services.logs.store import Group, Subscribed
from maycloud.store import Delivery, RetryLater

MAX_FILTERS = 2  # of a group
MAX_BATCH = 256 << 10  # bytes of messages in one delivery, before they are compressed
RETRY_FOR = 24 * 3600.0  # seconds
RETRY_AFTER = 60.0
QUEUE = "logs-subscriptions"
_VENDORS = {"lambda", "kinesis", "firehose", "logs"}


@service.operation(resource=group_arn, atomic=False)
async def PutSubscriptionFilter(call: Call, params: Params) -> Result:
    for name in ("fieldSelectionCriteria", "emitSystemFields"):
        if params.get(name):
            raise invalid(f"{name} is not supported by Maycloud; see docs/coverage.md")
    destination = params["destinationArn"]
    vendor = _check_destination(call, destination, params.get("roleArn"))
    compile_pattern(params["filterPattern"])
    group = find(call, params)
    _room(group, params["filterName"])
    await _check_reach(call, group, vendor, destination)
    with call.store.db.atomic():
        group = find(call, params)
        others = _room(group, params["filterName"])
        before = next((each for each in _filters(group) if each["filterName"] == params["filterName"]), None)
        made = {
            "filterName": params["filterName"],
            "logGroupName": group.name,
            "filterPattern": params["filterPattern"],
            "destinationArn": destination,
            "distribution": params.get("distribution", "ByLogStream"),
            "applyOnTransformedLogs": params.get("applyOnTransformedLogs", False),
            "creationTime": before["creationTime"] if before else call.store.clock.millis(),
        }
        group.settings["subscriptionFilters"] = sorted([*others, made], key=lambda each: each["filterName"])
        call.state.save_group(group)
    return None


def _filters(group: Group) -> list[dict[str, Any]]:
    return group.settings.get("subscriptionFilters", [])


def _room(group: Group, name: str) -> list[dict[str, Any]]:
    """The group's other filters. Raises where there are too many."""
    others = [each for each in _filters(group) if each["filterName"] != name]
    if len(others) >= MAX_FILTERS:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")
    return others


def _check_destination(call: Call, arn: str, role: str | None) -> str:
    """The service that an ARN is of. Raises for what cannot be a destination."""
    parts = arn.split(":")
    vendor = parts[2] if len(parts) >= 6 else ""
    if vendor not in _VENDORS:
        raise invalid("Invalid destination vendor. Please provide a valid destinationArn.")
    if vendor == "lambda":
        if parts[4] != call.account:
            raise AwsError(
                "AccessDeniedException",
                "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to"
                " create cross account lambda triggers.",
            )
        if role:
            raise invalid("destinationArn for vendor lambda cannot be used with roleArn")
    elif vendor in ("kinesis", "firehose") and not role:
        raise invalid(f"destinationArn for vendor {vendor} cannot be used without roleArn")
    return vendor


async def _check_reach(call: Call, group: Group, vendor: str, destination: str) -> None:
    """AWS tries a destination out before it keeps the filter."""
    if vendor == "logs":
        raise AwsError("ResourceNotFoundException", "The specified destination does not exist.")
    if vendor != "lambda":
        kind = {"kinesis": "Kinesis", "firehose": "Firehose"}[vendor]
        raise invalid(
            f"Could not deliver test message to specified {kind} stream. Check if the given {vendor} stream"
            " is in ACTIVE state."
        )
    try:
        await _invoke(call.cloud, (group.account, group.region), group.arn, destination, b"{}", "DryRun")
    except AwsError as error:
        raise invalid(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to"
            " execute your function."
        ) from error


async def _invoke(
    cloud: Cloud, scope: tuple[str, str], source: str, function: str, payload: bytes, kind: str
) -> None:
    """As the service, by whichever of its names the function's policy knows it."""
    account, region = scope
    names = ("logs.amazonaws.com", f"logs.{region}.amazonaws.com")
    for name in names:
        try:
            await cloud.call(
                "lambda",
                "Invoke",
                {"FunctionName": function, "InvocationType": kind, "Payload": payload},
                as_=Principal.service(name, account),
                region=region,
                account=account,
                context={"aws:SourceArn": f"{source}:*", "aws:SourceAccount": account},
            )
        except AwsError as error:
            if error.code != "AccessDeniedException" or name == names[-1]:
                raise
        else:
            return


@service.operation(resource=group_arn, atomic=False)
def DescribeSubscriptionFilters(call: Call, params: Params) -> Result:
    prefix = params.get("filterNamePrefix", "")
    found = [each for each in _filters(find(call, params)) if each["filterName"].startswith(prefix)]
    start, limit = offset(params.get("nextToken")), params.get("limit", 50)
    result: dict[str, Any] = {"subscriptionFilters": found[start : start + limit]}
    if start + limit < len(found):
        result["nextToken"] = str(start + limit)
    return result


@service.operation(resource=group_arn)
def DeleteSubscriptionFilter(call: Call, params: Params) -> Result:
    group = find(call, params)
    kept = [each for each in _filters(group) if each["filterName"] != params["filterName"]]
    if len(kept) == len(_filters(group)):
        raise AwsError("ResourceNotFoundException", "The specified subscription filter does not exist.")
    group.settings["subscriptionFilters"] = kept
    call.state.save_group(group)
    return None


# Delivery


def forward(cloud: Cloud, group: Group, stream: str, events: list[Subscribed]) -> None:
    """Put what the group's filters match into the outbox, in the transaction that adds the events."""
    for each in _filters(group):
        matches = compile_pattern(each["filterPattern"])
        for batch in _batches([event for event in events if matches(event["message"])]):
            cloud.store.outbox.put(
                QUEUE,
                {
                    "account": group.account, "region": group.region, "group": group.name, "stream": stream,
                    "filter": each["filterName"], "destination": each["destinationArn"], "events": batch,
                    "begun": cloud.store.clock.time(),
                },
            )  # fmt: skip


def _batches(events: list[Subscribed]) -> list[list[Subscribed]]:
    batches: list[list[Subscribed]] = []
    size = 0
    for event in events:
        length = len(event["message"].encode())
        if not batches or size + length > MAX_BATCH:
            batches.append([])
            size = 0
        batches[-1].append(event)
        size += length
    return batches


async def deliver(cloud: Cloud, delivery: Delivery) -> None:
    """One batch to one function; what is refused is tried again for a day, as AWS does."""
    batch = delivery.payload
    record = {
        "messageType": "DATA_MESSAGE",
        "owner": batch["account"],
        "logGroup": batch["group"],
        "logStream": batch["stream"],
        "subscriptionFilters": [batch["filter"]],
        "logEvents": batch["events"],
    }
    data = b64encode(gzip.compress(orjson.dumps(record), mtime=0)).decode()
    scope = batch["account"], batch["region"]
    source = f"arn:aws:logs:{batch['region']}:{batch['account']}:log-group:{batch['group']}"
    payload = orjson.dumps({"awslogs": {"data": data}})
    try:
        await _invoke(cloud, scope, source, batch["destination"], payload, "Event")
    except AwsError as error:
        if cloud.store.clock.time() - batch["begun"] < RETRY_FOR:
            raise RetryLater(RETRY_AFTER) from error
