"""AWS::Logs:: types."""

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
    await ctx.call("logs", "CreateLogGroup", logGroupName=name, tags=ctx.tags_of(props) or None)
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
