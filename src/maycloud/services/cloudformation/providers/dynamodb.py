"""AWS::DynamoDB::Table."""

import asyncio
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import deleter, document, listed, pick

_GIVEN = (
    "AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes", "DeletionProtectionEnabled", "TableClass", "OnDemandThroughput",
    "WarmThroughput",
)  # fmt: skip
_LIVE = (
    "BillingMode",
    "ProvisionedThroughput",
    "DeletionProtectionEnabled",
    "TableClass",
    "OnDemandThroughput",
    "WarmThroughput",
)


def _stream(props: Props) -> dict[str, Any] | None:
    if not props.get("StreamSpecification"):
        return None
    return {"StreamEnabled": True, "StreamViewType": props["StreamSpecification"]["StreamViewType"]}


def _encryption(props: Props) -> dict[str, Any] | None:
    if "SSESpecification" not in props:
        return None
    wanted = dict(props["SSESpecification"])
    return {"Enabled": wanted.pop("SSEEnabled"), **wanted}


def _check_backups(props: Props) -> None:
    recovery = props.get("PointInTimeRecoverySpecification") or {}
    if text(recovery.get("PointInTimeRecoveryEnabled", "false")).lower() == "true":
        raise AwsError("ValidationException", "Point-in-time recovery is not supported by Maycloud")


async def create_table(ctx: Context, props: Props) -> Resource:
    _check_backups(props)
    name = props.get("TableName") or ctx.unique_name()
    given = pick(props, _GIVEN)
    if stream := _stream(props):
        given["StreamSpecification"] = stream
    if encryption := _encryption(props):
        given["SSESpecification"] = encryption
    if "ResourcePolicy" in props:
        given["ResourcePolicy"] = document(props["ResourcePolicy"]["PolicyDocument"])
    tags = listed(ctx.tags_of(props))
    made = (await ctx.call("dynamodb", "CreateTable", TableName=name, Tags=tags, **given))["TableDescription"]
    attributes = _attributes(made)
    ctx.created(name, attributes)
    await _set_expiry(ctx, name, {}, props)
    return Resource(name, attributes)


def _attributes(described: dict[str, Any]) -> Attributes:
    attributes = {"Arn": described["TableArn"], "TableId": described["TableId"]}
    if "StreamSpecification" in described:
        attributes["StreamArn"] = described["LatestStreamArn"]
    return attributes


async def _set_expiry(ctx: Context, name: str, old: Props, new: Props) -> None:
    before, now = old.get("TimeToLiveSpecification"), new.get("TimeToLiveSpecification")
    if before == now:
        return
    for specification, enabled in ((before, False), (now, True)):
        if specification and text(specification.get("Enabled", "true")).lower() == "true":
            await ctx.call(
                "dynamodb",
                "UpdateTimeToLive",
                TableName=name,
                TimeToLiveSpecification={
                    "Enabled": enabled,
                    "AttributeName": specification["AttributeName"],
                },
            )


async def update_table(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    _check_backups(new)
    changed = {key: new[key] for key in _LIVE if key in new and new[key] != old.get(key)}
    if changed.get("BillingMode") == "PAY_PER_REQUEST":
        changed.pop("ProvisionedThroughput", None)
    elif changed.get("BillingMode") == "PROVISIONED" and (throughputs := _index_throughputs(old, new)):
        changed["GlobalSecondaryIndexUpdates"] = throughputs
    if _encryption(new) != _encryption(old):
        changed["SSESpecification"] = _encryption(new) or {"Enabled": False}
    if changed:
        await ctx.call("dynamodb", "UpdateTable", TableName=physical_id, **changed)
    await _update_stream(ctx, physical_id, old, new)
    await _update_indexes(ctx, physical_id, old, new)
    await _set_expiry(ctx, physical_id, old, new)
    await _update_policy(ctx, attributes["Arn"], old, new)
    gone, now = ctx.retags(old, new)
    if gone:
        await ctx.call("dynamodb", "UntagResource", ResourceArn=attributes["Arn"], TagKeys=gone)
    if now:
        await ctx.call("dynamodb", "TagResource", ResourceArn=attributes["Arn"], Tags=listed(now))
    described = (await ctx.call("dynamodb", "DescribeTable", TableName=physical_id))["Table"]
    return Resource(physical_id, _attributes(described))


def _index_throughputs(old: Props, new: Props) -> list[dict[str, Any]]:
    """For the indexes that stay: a table on provisioned throughput must have it on all of them."""
    stay = {index["IndexName"] for index in old.get("GlobalSecondaryIndexes", [])}
    return [
        {
            "Update": {
                "IndexName": index["IndexName"],
                "ProvisionedThroughput": index["ProvisionedThroughput"],
            }
        }
        for index in new.get("GlobalSecondaryIndexes", [])
        if index["IndexName"] in stay and "ProvisionedThroughput" in index
    ]


async def _update_policy(ctx: Context, arn: str, old: Props, new: Props) -> None:
    before, now = old.get("ResourcePolicy"), new.get("ResourcePolicy")
    if before == now:
        return
    if now is None:
        await ctx.call("dynamodb", "DeleteResourcePolicy", ResourceArn=arn)
        return
    policy = document(now["PolicyDocument"])
    await ctx.call("dynamodb", "PutResourcePolicy", ResourceArn=arn, Policy=policy)


async def _update_stream(ctx: Context, name: str, old: Props, new: Props) -> None:
    before, now = _stream(old), _stream(new)
    if before == now:
        return
    if before is not None:
        off = {"StreamEnabled": False}
        await ctx.call("dynamodb", "UpdateTable", TableName=name, StreamSpecification=off)
    if now is not None:
        await ctx.call("dynamodb", "UpdateTable", TableName=name, StreamSpecification=now)


async def _update_indexes(ctx: Context, name: str, old: Props, new: Props) -> None:
    """Indexes go and come one at a time, each waited for."""
    before = {index["IndexName"]: index for index in old.get("GlobalSecondaryIndexes", [])}
    now = {index["IndexName"]: index for index in new.get("GlobalSecondaryIndexes", [])}
    shape = ("KeySchema", "Projection")
    for each, index in before.items():
        wanted = now.get(each)
        if wanted is None or any(wanted.get(key) != index.get(key) for key in shape):
            await _change_index(ctx, name, new, {"Delete": {"IndexName": each}})
    for each, index in now.items():
        had = before.get(each)
        if had is None or any(had.get(key) != index.get(key) for key in shape):
            await _change_index(ctx, name, new, {"Create": index})
        elif had.get("ProvisionedThroughput") != index.get("ProvisionedThroughput"):
            change = {"IndexName": each, "ProvisionedThroughput": index["ProvisionedThroughput"]}
            await _change_index(ctx, name, new, {"Update": change})


async def _change_index(ctx: Context, name: str, props: Props, change: dict[str, Any]) -> None:
    await ctx.call(
        "dynamodb",
        "UpdateTable",
        TableName=name,
        AttributeDefinitions=props["AttributeDefinitions"],
        GlobalSecondaryIndexUpdates=[change],
    )
    while True:
        described = (await ctx.call("dynamodb", "DescribeTable", TableName=name))["Table"]
        indexes = described.get("GlobalSecondaryIndexes", [])
        if all(index["IndexStatus"] == "ACTIVE" for index in indexes):
            return
        await asyncio.sleep(0.02)


register(
    Provider(
        "AWS::DynamoDB::Table",
        create=create_table,
        update=update_table,
        delete=deleter("dynamodb", "DeleteTable", "TableName"),
        properties=frozenset(
            {
                *_GIVEN, "TableName", "StreamSpecification", "TimeToLiveSpecification", "SSESpecification",
                "PointInTimeRecoverySpecification", "ResourcePolicy", "Tags",
            }
        ),
        required=frozenset({"KeySchema"}),
        replace_on=frozenset({"TableName", "KeySchema", "LocalSecondaryIndexes"}),
        name_property="TableName",
        attributes=frozenset({"Arn", "StreamArn", "TableId"}),
    )
)  # fmt: skip
