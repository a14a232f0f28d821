"""AWS::ApiGateway:: types that say who may call: authorizers, API keys, usage plans."""

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
from maycloud.services.cloudformation.providers.apigateway_common import camel, patch_text, retag
from maycloud.services.cloudformation.providers.parts import deleter

Patch = dict[str, str]


def _replaced(old: Props, new: Props, names: tuple[str, ...]) -> list[Patch]:
    """Patches for members that have changed; one that is gone is removed."""
    patches: list[Patch] = []
    for name in names:
        if new.get(name) == old.get(name):
            continue
        if name in new:
            patches.append({"op": "replace", "path": f"/{camel(name)}", "value": patch_text(new[name])})
        else:
            patches.append({"op": "remove", "path": f"/{camel(name)}"})
    return patches


# Authorizer

_AUTHORIZER = (
    "Name", "Type", "ProviderARNs", "AuthType", "AuthorizerUri", "AuthorizerCredentials", "IdentitySource",
    "IdentityValidationExpression", "AuthorizerResultTtlInSeconds",
)  # fmt: skip


async def create_authorizer(ctx: Context, props: Props) -> Resource:
    given = {camel(name): props[name] for name in _AUTHORIZER if name in props}
    made = await ctx.call("apigateway", "CreateAuthorizer", restApiId=props["RestApiId"], **given)
    return Resource(made["id"], {"AuthorizerId": made["id"]})


async def update_authorizer(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    patches = _replaced(old, new, tuple(name for name in _AUTHORIZER if name != "ProviderARNs"))
    before, now = _texts(old.get("ProviderARNs")), _texts(new.get("ProviderARNs"))
    # New ones first: a list may not be empty in between.
    for op, arns in (("add", now), ("remove", before)):
        other = before if op == "add" else now
        patches += [{"op": op, "path": "/providerARNs", "value": arn} for arn in arns if arn not in other]
    if patches:
        await ctx.call(
            "apigateway", "UpdateAuthorizer", restApiId=new["RestApiId"], authorizerId=physical_id,
            patchOperations=patches,
        )  # fmt: skip
    return Resource(physical_id, attributes)


def _texts(given: Any) -> list[str]:
    return [text(each) for each in given or []]


register(
    Provider(
        "AWS::ApiGateway::Authorizer",
        create=create_authorizer,
        update=update_authorizer,
        delete=deleter("apigateway", "DeleteAuthorizer", "authorizerId", restApiId="RestApiId"),
        properties=frozenset({*_AUTHORIZER, "RestApiId"}),
        required=frozenset({"RestApiId", "Name", "Type"}),
        replace_on=frozenset({"RestApiId"}),
        attributes=frozenset({"AuthorizerId"}),
    )
)


# ApiKey

_KEY = ("CustomerId", "Description", "Enabled", "GenerateDistinctId", "Name", "Value")


async def create_key(ctx: Context, props: Props) -> Resource:
    given = {camel(name): props[name] for name in _KEY if name in props}
    given.setdefault("name", ctx.unique_name())
    given["stageKeys"] = [{camel(name): each[name] for name in each} for each in props.get("StageKeys") or []]
    made = await ctx.call("apigateway", "CreateApiKey", tags=ctx.tags_of(props), **given)
    return Resource(made["id"], {"APIKeyId": made["id"]})


async def update_key(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    patches = _replaced(old, new, ("CustomerId", "Description"))
    if new.get("Enabled") != old.get("Enabled"):
        patches.append({"op": "replace", "path": "/enabled", "value": patch_text(new.get("Enabled", False))})
    before, now = (
        {f"{each['RestApiId']}/{each['StageName']}" for each in props.get("StageKeys") or []}
        for props in (old, new)
    )
    patches += [{"op": "add", "path": "/stages", "value": each} for each in sorted(now - before)]
    patches += [{"op": "remove", "path": "/stages", "value": each} for each in sorted(before - now)]
    if patches:
        await ctx.call("apigateway", "UpdateApiKey", apiKey=physical_id, patchOperations=patches)
    await retag(ctx, f"apikeys/{physical_id}", old, new)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::ApiGateway::ApiKey",
        create=create_key,
        update=update_key,
        delete=deleter("apigateway", "DeleteApiKey", "apiKey"),
        properties=frozenset({*_KEY, "StageKeys", "Tags"}),
        replace_on=frozenset({"GenerateDistinctId", "Name", "Value"}),
        name_property="Name",
        attributes=frozenset({"APIKeyId"}),
        nested={"StageKeys": frozenset({"RestApiId", "StageName"})},
    )
)


# UsagePlan


def _stages(props: Props) -> list[dict[str, Any]]:
    return [
        {
            "apiId": text(each["ApiId"]),
            "stage": text(each["Stage"]),
            **({"throttle": _throttles(each["Throttle"])} if each.get("Throttle") else {}),
        }
        for each in props.get("ApiStages") or []
    ]


def _throttles(given: dict[str, Any]) -> dict[str, Any]:
    """Limits by method; the keys ``/path/METHOD`` stay as they are."""
    return {key: {camel(name): limits[name] for name in limits} for key, limits in given.items()}


def _settings(props: Props, name: str) -> dict[str, Any]:
    return {camel(key): value for key, value in (props.get(name) or {}).items()}


async def create_plan(ctx: Context, props: Props) -> Resource:
    given: dict[str, Any] = {"name": props.get("UsagePlanName") or ctx.unique_name()}
    if "Description" in props:
        given["description"] = props["Description"]
    for name in ("Quota", "Throttle"):
        if props.get(name):
            given[camel(name)] = _settings(props, name)
    made = await ctx.call(
        "apigateway", "CreateUsagePlan", apiStages=_stages(props), tags=ctx.tags_of(props), **given
    )
    return Resource(made["id"], {"Id": made["id"]})


async def update_plan(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    patches = _replaced(old, new, ("Description",))
    if "UsagePlanName" in new and new["UsagePlanName"] != old.get("UsagePlanName"):
        patches.append({"op": "replace", "path": "/name", "value": text(new["UsagePlanName"])})
    for name in ("Quota", "Throttle"):
        before, now = _settings(old, name), _settings(new, name)
        if before and not now:
            patches.append({"op": "remove", "path": f"/{camel(name)}"})
        patches += [
            {"op": "replace", "path": f"/{camel(name)}/{key}", "value": text(value)}
            for key, value in now.items()
            if before.get(key) != value
        ]
    patches += _stage_patches(_stages(old), _stages(new))
    if patches:
        await ctx.call("apigateway", "UpdateUsagePlan", usagePlanId=physical_id, patchOperations=patches)
    await retag(ctx, f"usageplans/{physical_id}", old, new)
    return Resource(physical_id, attributes)


def _stage_patches(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[Patch]:
    """A stage whose limits have changed is taken out and put in anew."""
    patches: list[Patch] = []
    for stage in before:
        if stage not in now:
            named = f"{stage['apiId']}:{stage['stage']}"
            patches.append({"op": "remove", "path": "/apiStages", "value": named})
    for stage in now:
        if stage in before:
            continue
        named = f"{stage['apiId']}:{stage['stage']}"
        patches.append({"op": "add", "path": "/apiStages", "value": named})
        for method, limits in stage.get("throttle", {}).items():
            where = f"/apiStages/{named}/throttle/{method.replace('~', '~0').replace('/', '~1')}"
            patches += [
                {"op": "replace", "path": f"{where}/{limit}", "value": text(value)}
                for limit, value in limits.items()
            ]
    return patches


async def delete_plan(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
    """A plan goes when it is of no stage any more."""
    patches = _stage_patches(_stages(props), [])
    if patches:
        await ctx.call("apigateway", "UpdateUsagePlan", usagePlanId=physical_id, patchOperations=patches)
    await ctx.call("apigateway", "DeleteUsagePlan", usagePlanId=physical_id)


register(
    Provider(
        "AWS::ApiGateway::UsagePlan",
        create=create_plan,
        update=update_plan,
        delete=delete_plan,
        properties=frozenset({"ApiStages", "Description", "Quota", "Tags", "Throttle", "UsagePlanName"}),
        attributes=frozenset({"Id"}),
        nested={
            "ApiStages": frozenset({"ApiId", "Stage", "Throttle"}),
            "Quota": frozenset({"Limit", "Offset", "Period"}),
            "Throttle": frozenset({"BurstLimit", "RateLimit"}),
        },
    )
)


# UsagePlanKey


async def create_member(ctx: Context, props: Props) -> Resource:
    given = {camel(name): props[name] for name in ("KeyId", "KeyType", "UsagePlanId")}
    made = await ctx.call("apigateway", "CreateUsagePlanKey", **given)
    identifier = f"{made['id']}:{text(props['UsagePlanId'])}"
    return Resource(identifier, {"Id": identifier})


register(
    Provider(
        "AWS::ApiGateway::UsagePlanKey",
        create=create_member,
        delete=deleter("apigateway", "DeleteUsagePlanKey", usagePlanId="UsagePlanId", keyId="KeyId"),
        properties=frozenset({"KeyId", "KeyType", "UsagePlanId"}),
        required=frozenset({"KeyId", "KeyType", "UsagePlanId"}),
        attributes=frozenset({"Id"}),
    )
)
