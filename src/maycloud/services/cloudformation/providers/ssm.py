"""AWS::SSM::Parameter."""

from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import deleter, listed, pick

_GIVEN = ("Type", "Value", "Description", "AllowedPattern", "Tier", "DataType")


async def create_parameter(ctx: Context, props: Props) -> Resource:
    name = props.get("Name") or ctx.unique_name()
    await ctx.call("ssm", "PutParameter", Name=name, Tags=listed(ctx.tags_of(props)), **pick(props, _GIVEN))
    return Resource(name, {"Type": text(props["Type"]), "Value": text(props["Value"])})


async def update_parameter(
    ctx: Context, physical_id: str, old: Props, new: Props, _attributes: Attributes
) -> Resource:
    if pick(old, _GIVEN) != pick(new, _GIVEN):
        await ctx.call("ssm", "PutParameter", Name=physical_id, Overwrite=True, **pick(new, _GIVEN))
    target = {"ResourceType": "Parameter", "ResourceId": physical_id}
    gone, now = ctx.retags(old, new)
    if gone:
        await ctx.call("ssm", "RemoveTagsFromResource", TagKeys=gone, **target)
    if now:
        await ctx.call("ssm", "AddTagsToResource", Tags=listed(now), **target)
    return Resource(physical_id, {"Type": text(new["Type"]), "Value": text(new["Value"])})


register(
    Provider(
        "AWS::SSM::Parameter",
        create=create_parameter,
        update=update_parameter,
        delete=deleter("ssm", "DeleteParameter", "Name"),
        properties=frozenset({*_GIVEN, "Name", "Tags"}),
        required=frozenset({"Type", "Value"}),
        replace_on=frozenset({"Name"}),
        name_property="Name",
        attributes=frozenset({"Type", "Value"}),
    )
)
