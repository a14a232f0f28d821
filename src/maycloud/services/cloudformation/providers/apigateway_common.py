"""What the modules of AWS::ApiGateway:: types share: spellings, tags, values of patches."""

from typing import Any

from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import Context, Props


def camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def camelized(value: Any) -> Any:
    """Properties in the API's spelling; the keys of maps that a user names stay as they are."""
    if isinstance(value, list):
        return [camelized(each) for each in value]
    if isinstance(value, dict):
        return {camel(key): value[key] if key in _MAPS else camelized(value[key]) for key in value}
    return value


_MAPS = frozenset(
    {
        "RequestParameters", "RequestTemplates", "RequestModels", "ResponseParameters", "ResponseTemplates",
        "ResponseModels", "Variables", "Schema", "Tags",
    }
)  # fmt: skip


async def retag(ctx: Context, path: str, old: Props, new: Props) -> None:
    """Tags of the properties, over those of the stack."""
    arn = f"arn:aws:apigateway:{ctx.region}::/{path}"
    gone, wanted = ctx.retags(old, new)
    if gone:
        await ctx.call("apigateway", "UntagResource", resourceArn=arn, tagKeys=gone)
    if wanted:
        await ctx.call("apigateway", "TagResource", resourceArn=arn, tags=wanted)


def patch_text(value: Any) -> str:
    """A value as patch operations take it."""
    return ("true" if value else "false") if isinstance(value, bool) else text(value)
