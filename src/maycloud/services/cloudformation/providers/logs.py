"""AWS::Logs:: types."""

from collections.abc import Awaitable, Callable
from typing import Any

from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import deleter


async def create_group(ctx: Context, props: Props) -> Resource:
    name = props.get("LogGroupName") or ctx.unique_name(max_length=512)
    await ctx.call(
        "logs",
        "CreateLogGroup",
        logGroupName=name,
        tags=ctx.tags_of(props) or None,
        logGroupClass=props.get("LogGroupClass"),
        deletionProtectionEnabled=props.get("DeletionProtectionEnabled"),
    )
    ctx.created(name)
    await _retain(ctx, name, props)
    return Resource(name, {"Arn": f"arn:aws:logs:{ctx.region}:{ctx.account}:log-group:{name}:*"})


async def _retain(ctx: Context, name: str, props: Props) -> None:
    if "RetentionInDays" in props:
        days = props["RetentionInDays"]
        await ctx.call("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)
    else:
        await ctx.call("logs", "DeleteRetentionPolicy", logGroupName=name)


async def update_group(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    await _retain(ctx, physical_id, new)
    if old.get("DeletionProtectionEnabled") != new.get("DeletionProtectionEnabled"):
        await ctx.call(
            "logs",
            "PutLogGroupDeletionProtection",
            logGroupIdentifier=physical_id,
            deletionProtectionEnabled=new.get("DeletionProtectionEnabled", False),
        )
    gone, now = ctx.retags(old, new)
    arn = attributes["Arn"].removesuffix(":*")
    if gone:
        await ctx.call("logs", "UntagResource", resourceArn=arn, tagKeys=gone)
    if now:
        await ctx.call("logs", "TagResource", resourceArn=arn, tags=now)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::Logs::LogGroup",
        create=create_group,
        update=update_group,
        delete=deleter("logs", "DeleteLogGroup", "logGroupName"),
        properties=frozenset(
            {"LogGroupName", "RetentionInDays", "Tags", "LogGroupClass", "DeletionProtectionEnabled"}
        ),
        replace_on=frozenset({"LogGroupName", "LogGroupClass"}),
        name_property="LogGroupName",
        attributes=frozenset({"Arn"}),
    )
)


async def create_stream(ctx: Context, props: Props) -> Resource:
    name = props.get("LogStreamName") or ctx.unique_name(max_length=512)
    await ctx.call("logs", "CreateLogStream", logGroupName=props["LogGroupName"], logStreamName=name)
    return Resource(name)


register(
    Provider(
        "AWS::Logs::LogStream",
        create=create_stream,
        delete=deleter("logs", "DeleteLogStream", "logStreamName", logGroupName="LogGroupName"),
        properties=frozenset({"LogGroupName", "LogStreamName"}),
        required=frozenset({"LogGroupName"}),
        name_property="LogStreamName",
    )
)


# Filters of groups, which are put anew to be changed


def _filter(props: Props, name: str) -> dict[str, Any]:
    given = {"filterName": name, "filterPattern": props["FilterPattern"]}
    given["logGroupName"] = props["LogGroupName"]
    if "ApplyOnTransformedLogs" in props:
        given["applyOnTransformedLogs"] = props["ApplyOnTransformedLogs"]
    return given


async def _put_metric_filter(ctx: Context, props: Props, name: str) -> None:
    transformations: list[dict[str, Any]] = []
    for each in props["MetricTransformations"]:
        made = {key[:1].lower() + key[1:]: value for key, value in each.items()}
        if "dimensions" in made:
            made["dimensions"] = {pair["Key"]: pair["Value"] for pair in made["dimensions"]}
        transformations.append(made)
    await ctx.call("logs", "PutMetricFilter", **_filter(props, name), metricTransformations=transformations)


async def _put_subscription_filter(ctx: Context, props: Props, name: str) -> None:
    given = {"destinationArn": props["DestinationArn"]}
    for key in ("RoleArn", "Distribution"):
        if key in props:
            given[key[:1].lower() + key[1:]] = props[key]
    await ctx.call("logs", "PutSubscriptionFilter", **_filter(props, name), **given)


def _register_filter(
    kind: str, put: Callable[[Context, Props, str], Awaitable[None]], own: set[str], required: set[str]
) -> None:
    async def create(ctx: Context, props: Props) -> Resource:
        name = props.get("FilterName") or ctx.unique_name(max_length=512)
        await put(ctx, props, name)
        return Resource(name)

    async def update(
        ctx: Context, physical_id: str, _old: Props, new: Props, _attributes: Attributes
    ) -> Resource:
        await put(ctx, new, physical_id)
        return Resource(physical_id)

    register(
        Provider(
            f"AWS::Logs::{kind}",
            create=create,
            update=update,
            delete=deleter("logs", f"Delete{kind}", "filterName", logGroupName="LogGroupName"),
            properties=frozenset(
                {"FilterName", "FilterPattern", "LogGroupName", "ApplyOnTransformedLogs", *own}
            ),
            required=frozenset({"FilterPattern", "LogGroupName", *required}),
            replace_on=frozenset({"FilterName", "LogGroupName"}),
            name_property="FilterName",
        )
    )


_register_filter("MetricFilter", _put_metric_filter, {"MetricTransformations"}, {"MetricTransformations"})
_register_filter(
    "SubscriptionFilter",
    _put_subscription_filter,
    {"DestinationArn", "RoleArn", "Distribution"},
    {"DestinationArn"},
)


async def _put_policy(ctx: Context, props: Props) -> Resource:
    name = props["PolicyName"]
    await ctx.call("logs", "PutResourcePolicy", policyName=name, policyDocument=props["PolicyDocument"])
    return Resource(name)


async def _update_policy(
    ctx: Context, _physical_id: str, _old: Props, new: Props, _attributes: Attributes
) -> Resource:
    return await _put_policy(ctx, new)


register(
    Provider(
        "AWS::Logs::ResourcePolicy",
        create=_put_policy,
        update=_update_policy,
        delete=deleter("logs", "DeleteResourcePolicy", "policyName"),
        properties=frozenset({"PolicyName", "PolicyDocument"}),
        required=frozenset({"PolicyName", "PolicyDocument"}),
        replace_on=frozenset({"PolicyName"}),
        name_property="PolicyName",
    )
)
