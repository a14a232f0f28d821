"""Custom resources and wait conditions: resources that somebody else makes and answers for.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-waitcondition.html
"""

import json
import uuid
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    CUSTOM,
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.signals import Signals

DEFAULT_TIMEOUT = 3600  # seconds that a custom resource may take
MAX_ID = 1024  # characters of a physical id


def _signals(ctx: Context) -> Signals:
    return ctx.cloud.state("cloudformation").signals


def _failed(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _as_text(value: Any) -> Any:
    """Properties as custom resources get them: every scalar a string."""
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return text(value)


async def _ask(ctx: Context, kind: str, props: Props, **more: Any) -> dict[str, Any]:
    """Send the request to the function behind a custom resource and wait for its answer."""
    token = text(props["ServiceToken"])
    if ":lambda:" not in token:
        # Topics come with SNS; what else a ServiceToken names does not exist on AWS either.
        raise _failed(f"Invalid service token: {token} is not the ARN of a Lambda function")
    signals = _signals(ctx)
    address = signals.open()
    request = str(uuid.uuid4())
    timeout = int(text(props.get("ServiceTimeout", DEFAULT_TIMEOUT)))
    shown = _as_text({name: value for name, value in props.items() if name != "ServiceTimeout"})
    event = {
        "RequestType": kind,
        "ServiceToken": token,
        "ResponseURL": address,
        "StackId": ctx.stack_id,
        "RequestId": request,
        "LogicalResourceId": ctx.logical_id,
        "ResourceType": ctx.type,
        "ResourceProperties": shown,
        **more,
    }
    try:
        await ctx.call(
            "lambda", "Invoke", FunctionName=token, InvocationType="Event", Payload=json.dumps(event).encode()
        )
        answers = await signals.wait(address, 0, ctx.now + timeout)
    finally:
        signals.close(address)
    if answers is None:
        raise _failed(
            "CloudFormation did not receive a response from your Custom Resource. Please check your logs for"
            f" requestId [{request}]. If you are using the Python cfn-response module, you may need to update"
            " your Lambda function code so that CloudFormation can attach the updated version."
        )
    return _checked(answers[0], request)


def _checked(answer: dict[str, Any], request: str) -> dict[str, Any]:
    if answer.get("Status") not in ("SUCCESS", "FAILED"):
        raise _failed("Invalid Status in the response object: it must be SUCCESS or FAILED")
    physical_id = answer.get("PhysicalResourceId")
    if physical_id is not None and not (isinstance(physical_id, str) and 0 < len(physical_id) <= MAX_ID):
        raise _failed("Invalid PhysicalResourceId")
    if not isinstance(answer.get("Data") or {}, dict):
        raise _failed("Response object is too long or its Data is no object.")
    if answer["Status"] == "SUCCESS" and not physical_id:
        raise _failed("Invalid PhysicalResourceId")
    return answer | {"request": request}


def _refusal(answer: dict[str, Any]) -> AwsError:
    return _failed(
        "Received response status [FAILED] from custom resource. Message returned:"
        f" {answer.get('Reason', '')} (RequestId: {answer['request']})"
    )


def _resource(answer: dict[str, Any]) -> Resource:
    return Resource(answer["PhysicalResourceId"], answer.get("Data") or {})


async def create_custom(ctx: Context, props: Props) -> Resource:
    answer = await _ask(ctx, "Create", props)
    if answer["Status"] == "FAILED":
        # It may have made something: the rollback asks for its deletion.
        ctx.created(answer.get("PhysicalResourceId") or ctx.unique_name())
        raise _refusal(answer)
    return _resource(answer)


async def update_custom(
    ctx: Context, physical_id: str, old: Props, new: Props, _attributes: Attributes
) -> Resource:
    """Another physical id in the answer means another resource; the former is then deleted."""
    answer = await _ask(
        ctx, "Update", new, PhysicalResourceId=physical_id, OldResourceProperties=_as_text(old)
    )
    if answer["Status"] == "FAILED":
        raise _refusal(answer)
    return _resource(answer)


async def delete_custom(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
    answer = await _ask(ctx, "Delete", props, PhysicalResourceId=physical_id)
    if answer["Status"] == "FAILED":
        raise _refusal(answer)


register(
    Provider(
        CUSTOM,
        create=create_custom,
        update=update_custom,
        delete=delete_custom,
        open=True,
        required=frozenset({"ServiceToken"}),
        replace_on=frozenset({"ServiceToken"}),
    )
)


# Wait conditions


async def create_handle(ctx: Context, _props: Props) -> Resource:
    """A handle is an address that signals are sent to; Ref gives the address."""
    return Resource(_signals(ctx).open())


async def delete_handle(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    _signals(ctx).close(physical_id)


async def create_condition(ctx: Context, props: Props) -> Resource:
    """Wait for as many signals of different ids as Count says; one of failure ends it."""
    handle, count = text(props["Handle"]), int(text(props.get("Count", 1)))
    signals = _signals(ctx)
    deadline = ctx.now + int(text(props["Timeout"]))
    known, data = 0, dict[str, str]()
    while len(data) < count:
        answers = await signals.wait(handle, known, deadline)
        if answers is None:
            raise _failed(f"WaitCondition timed out. Received {len(data)} conditions when expecting {count}")
        for answer in answers[known:]:
            unique = text(answer.get("UniqueId", ""))
            if answer.get("Status") == "FAILURE":
                raise _failed(
                    f"WaitCondition received failed message: '{answer.get('Reason', '')}' for uniqueId:"
                    f" {unique}"
                )
            if answer.get("Status") == "SUCCESS" and unique:
                data.setdefault(unique, text(answer.get("Data", "")))
        known = len(answers)
    return Resource(f"{ctx.stack_id}/{ctx.logical_id}", {"Data": json.dumps(data)})


async def delete_condition(_ctx: Context, _physical_id: str, _props: Props, _attributes: Attributes) -> None:
    """Nothing is behind a condition that was met."""


register(
    Provider(
        "AWS::CloudFormation::WaitConditionHandle",
        create=create_handle,
        delete=delete_handle,
        attributes=frozenset(),
    )
)
register(
    Provider(
        "AWS::CloudFormation::WaitCondition",
        create=create_condition,
        delete=delete_condition,
        properties=frozenset({"Handle", "Timeout", "Count"}),
        required=frozenset({"Handle", "Timeout"}),
        attributes=frozenset({"Data"}),
    )
)
