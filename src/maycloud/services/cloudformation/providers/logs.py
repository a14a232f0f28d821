"""AWS::Logs:: types."""

from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)


def _tags(ctx: Context, props: Props) -> dict[str, str]:
    return ctx.tags | {tag["Key"]: text(tag["Value"]) for tag in props.get("Tags") or []}


async def create_group(ctx: Context, props: Props) -> Resource:
    name = props.get("LogGroupName") or ctx.unique_name(max_length=512)
    await ctx.call("logs", "CreateLogGroup", logGroupName=name, tags=_tags(ctx, props) or None)
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
    before, now = _tags(ctx, old), _tags(ctx, new)
    arn = attributes["Arn"].removesuffix(":*")
    if gone := sorted(before.keys() - now.keys()):
        await ctx.call("logs", "UntagResource", resourceArn=arn, tagKeys=gone)
    if now:
        await ctx.call("logs", "TagResource", resourceArn=arn, tags=now)
    return Resource(physical_id, attributes)


async def delete_group(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    await ctx.call("logs", "DeleteLogGroup", logGroupName=physical_id)


register(
    Provider(
        "AWS::Logs::LogGroup",
        create=create_group,
        update=update_group,
        delete=delete_group,
        properties=frozenset({"LogGroupName", "RetentionInDays", "Tags", "LogGroupClass"}),
        replace_on=frozenset({"LogGroupName", "LogGroupClass"}),
        name_property="LogGroupName",
        attributes=frozenset({"Arn"}),
    )
)


async def create_stream(ctx: Context, props: Props) -> Resource:
    name = props.get("LogStreamName") or ctx.unique_name(max_length=512)
    await ctx.call("logs", "CreateLogStream", logGroupName=props["LogGroupName"], logStreamName=name)
    return Resource(name)


async def delete_stream(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
    await ctx.call("logs", "DeleteLogStream", logGroupName=props["LogGroupName"], logStreamName=physical_id)


register(
    Provider(
        "AWS::Logs::LogStream",
        create=create_stream,
        delete=delete_stream,
        properties=frozenset({"LogGroupName", "LogStreamName"}),
        required=frozenset({"LogGroupName"}),
        name_property="LogStreamName",
    )
)
