"""AWS::SSM::Parameter."""

from typing import Any

from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)

_GIVEN = ("Type", "Value", "Description", "AllowedPattern", "Tier", "DataType")


def _tags(ctx: Context, props: Props) -> list[dict[str, str]]:
    """The property is a map, unlike other types'."""
    tags = ctx.tags | {key: text(value) for key, value in (props.get("Tags") or {}).items()}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _given(props: Props) -> dict[str, Any]:
    return {name: props[name] for name in _GIVEN if name in props}


async def create_parameter(ctx: Context, props: Props) -> Resource:
    name = props.get("Name") or ctx.unique_name()
    await ctx.call("ssm", "PutParameter", Name=name, Tags=_tags(ctx, props), **_given(props))
    return Resource(name, {"Type": text(props["Type"]), "Value": text(props["Value"])})


async def update_parameter(
    ctx: Context, physical_id: str, old: Props, new: Props, _attributes: Attributes
) -> Resource:
    if _given(old) != _given(new):
        await ctx.call("ssm", "PutParameter", Name=physical_id, Overwrite=True, **_given(new))
    target = {"ResourceType": "Parameter", "ResourceId": physical_id}
    before = {tag["Key"] for tag in _tags(ctx, old)}
    now = _tags(ctx, new)
    if gone := sorted(before - {tag["Key"] for tag in now}):
        await ctx.call("ssm", "RemoveTagsFromResource", TagKeys=gone, **target)
    if now:
        await ctx.call("ssm", "AddTagsToResource", Tags=now, **target)
    return Resource(physical_id, {"Type": text(new["Type"]), "Value": text(new["Value"])})


async def delete_parameter(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    await ctx.call("ssm", "DeleteParameter", Name=physical_id)


register(
    Provider(
        "AWS::SSM::Parameter",
        create=create_parameter,
        update=update_parameter,
        delete=delete_parameter,
        properties=frozenset({*_GIVEN, "Name", "Tags"}),
        required=frozenset({"Type", "Value"}),
        replace_on=frozenset({"Name"}),
        name_property="Name",
        attributes=frozenset({"Type", "Value"}),
    )
)
