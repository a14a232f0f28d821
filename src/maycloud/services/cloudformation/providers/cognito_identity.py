"""AWS::Cognito::IdentityPool and what is attached to it."""

from typing import Any

from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import again, deleter, pick

_SETTINGS = frozenset(
    {
        "AllowClassicFlow",
        "AllowUnauthenticatedIdentities",
        "CognitoIdentityProviders",
        "DeveloperProviderName",
        "IdentityPoolName",
        "OpenIdConnectProviderARNs",
        "SamlProviderARNs",
        "SupportedLoginProviders",
    }
)


def _settings(ctx: Context, props: Props) -> dict[str, Any]:
    given = pick(props, _SETTINGS)
    given.setdefault("IdentityPoolName", ctx.unique_name(max_length=128))
    return given | {"IdentityPoolTags": ctx.tags_of(props, "IdentityPoolTags")}


def _attributes(pool: dict[str, Any]) -> Attributes:
    return {"Id": pool["IdentityPoolId"], "Name": pool["IdentityPoolName"]}


async def create_pool(ctx: Context, props: Props) -> Resource:
    pool = await ctx.call("cognito-identity", "CreateIdentityPool", **_settings(ctx, props))
    return Resource(pool["IdentityPoolId"], _attributes(pool))


async def update_pool(
    ctx: Context, physical_id: str, _old: Props, new: Props, _attributes_: Attributes
) -> Resource:
    settings = _settings(ctx, new)
    pool = await ctx.call("cognito-identity", "UpdateIdentityPool", IdentityPoolId=physical_id, **settings)
    return Resource(physical_id, _attributes(pool))


register(
    Provider(
        "AWS::Cognito::IdentityPool",
        create=create_pool,
        update=update_pool,
        delete=deleter("cognito-identity", "DeleteIdentityPool", "IdentityPoolId"),
        properties=_SETTINGS | {"IdentityPoolTags"},
        required=frozenset({"AllowUnauthenticatedIdentities"}),
        attributes=frozenset({"Id", "Name"}),
        nested={"CognitoIdentityProviders": frozenset({"ClientId", "ProviderName", "ServerSideTokenCheck"})},
    )
)


def _mappings(props: Props) -> dict[str, Any]:
    """Role mappings by provider, which a mapping may name itself: keys of a template cannot be computed."""
    mappings: dict[str, Any] = {}
    for key, mapping in props.get("RoleMappings", {}).items():
        mapping.check(("AmbiguousRoleResolution", "IdentityProvider", "RulesConfiguration", "Type"))
        provider = mapping.get("IdentityProvider", key)
        mappings[provider] = {name: value for name, value in mapping.items() if name != "IdentityProvider"}
    return mappings


async def _attach(ctx: Context, props: Props) -> None:
    await ctx.call(
        "cognito-identity",
        "SetIdentityPoolRoles",
        IdentityPoolId=props["IdentityPoolId"],
        Roles=props.get("Roles", {}),
        RoleMappings=_mappings(props),
    )


async def create_attachment(ctx: Context, props: Props) -> Resource:
    await _attach(ctx, props)
    name = ctx.unique_name()
    return Resource(name, {"Id": name})


async def delete_attachment(ctx: Context, _physical_id: str, props: Props, _attributes_: Attributes) -> None:
    await _attach(ctx, {"IdentityPoolId": props["IdentityPoolId"]})


register(
    Provider(
        "AWS::Cognito::IdentityPoolRoleAttachment",
        create=create_attachment,
        update=again(create_attachment),
        delete=delete_attachment,
        properties=frozenset({"IdentityPoolId", "RoleMappings", "Roles"}),
        required=frozenset({"IdentityPoolId"}),
        replace_on=frozenset({"IdentityPoolId"}),
        attributes=frozenset({"Id"}),
    )
)


async def _map_tags(ctx: Context, props: Props) -> None:
    await ctx.call("cognito-identity", "SetPrincipalTagAttributeMap", **props)


async def create_tags(ctx: Context, props: Props) -> Resource:
    await _map_tags(ctx, props)
    return Resource(f"{props['IdentityPoolId']}|{props['IdentityProviderName']}")


async def delete_tags(ctx: Context, _physical_id: str, props: Props, _attributes_: Attributes) -> None:
    named = {name: props[name] for name in ("IdentityPoolId", "IdentityProviderName")}
    await _map_tags(ctx, named | {"UseDefaults": False, "PrincipalTags": {}})


register(
    Provider(
        "AWS::Cognito::IdentityPoolPrincipalTag",
        create=create_tags,
        update=again(create_tags),
        delete=delete_tags,
        properties=frozenset({"IdentityPoolId", "IdentityProviderName", "PrincipalTags", "UseDefaults"}),
        required=frozenset({"IdentityPoolId", "IdentityProviderName"}),
        replace_on=frozenset({"IdentityPoolId", "IdentityProviderName"}),
        attributes=frozenset(),
    )
)
