"""AWS::CloudFormation::Macro."""

from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.macros import documents
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import again
from maycloud.services.cloudformation.template import error


async def put_macro(ctx: Context, props: Props) -> Resource:
    name = text(props["Name"])
    where, macros = (ctx.account, ctx.region), documents(ctx.cloud)
    known = macros.get(where, name)
    if known is not None and known["stack"] != ctx.stack_id:
        raise error(f"Macro {name} already exists in account {ctx.account}")
    macros.put(where, name, {"function": text(props["FunctionName"]), "stack": ctx.stack_id})
    return Resource(name)


async def delete_macro(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    documents(ctx.cloud).delete((ctx.account, ctx.region), physical_id)


register(
    Provider(
        "AWS::CloudFormation::Macro",
        create=put_macro,
        update=again(put_macro),
        delete=delete_macro,
        properties=frozenset({"Description", "FunctionName", "LogGroupName", "LogRoleARN", "Name"}),
        required=frozenset({"FunctionName", "Name"}),
        replace_on=frozenset({"Name"}),
        name_property="Name",
        attributes=frozenset(),
    )
)
