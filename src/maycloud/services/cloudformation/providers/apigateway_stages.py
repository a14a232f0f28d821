"""AWS::ApiGateway::Deployment and AWS::ApiGateway::Stage."""

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

_METHOD_SETTINGS = {
    "MetricsEnabled": "metrics/enabled",
    "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace",
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit",
    "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
    "CacheDataEncrypted": "caching/dataEncrypted",
}


async def create_deployment(ctx: Context, props: Props) -> Resource:
    given: dict[str, Any] = {"restApiId": props["RestApiId"]}
    if "Description" in props:
        given["description"] = props["Description"]
    if "StageName" in props:
        given["stageName"] = props["StageName"]
        described = props.get("StageDescription") or {}
        if "Variables" in described:
            given["variables"] = described["Variables"]
        if "Description" in described:
            given["stageDescription"] = described["Description"]
        for name in ("CacheClusterEnabled", "CacheClusterSize", "TracingEnabled"):
            if name in described:
                given[camel(name)] = described[name]
    made = await ctx.call("apigateway", "CreateDeployment", **given)
    ctx.created(made["id"])
    if "StageName" in props:
        await _patch_stage(ctx, props["StageName"], props, _described_patches(props))
    return Resource(made["id"], {"DeploymentId": made["id"]})


def _described_patches(props: Props) -> list[dict[str, str]]:
    """What a StageDescription says of all methods, and of single ones."""
    described = props.get("StageDescription") or {}
    common = {name: described[name] for name in _METHOD_SETTINGS if name in described}
    settings = [{"ResourcePath": "/*", "HttpMethod": "*", **common}] if common else []
    settings += described.get("MethodSettings") or []
    return _stage_patches(
        {"MethodSettings": settings, "AccessLogSetting": described.get("AccessLogSetting") or {}}
    )


async def update_deployment(
    ctx: Context, physical_id: str, _old: Props, new: Props, attributes: Attributes
) -> Resource:
    operation = {"op": "replace", "path": "/description", "value": text(new.get("Description", ""))}
    await ctx.call(
        "apigateway",
        "UpdateDeployment",
        restApiId=new["RestApiId"],
        deploymentId=physical_id,
        patchOperations=[operation],
    )
    return Resource(physical_id, attributes)


async def delete_deployment(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
    if "StageName" in props:
        # The deployment made its stage, and is held by it.
        await ctx.call(
            "apigateway", "DeleteStage", restApiId=props["RestApiId"], stageName=props["StageName"]
        )
    await ctx.call("apigateway", "DeleteDeployment", restApiId=props["RestApiId"], deploymentId=physical_id)


register(
    Provider(
        "AWS::ApiGateway::Deployment",
        create=create_deployment,
        update=update_deployment,
        delete=delete_deployment,
        properties=frozenset({"RestApiId", "Description", "StageName", "StageDescription"}),
        required=frozenset({"RestApiId"}),
        replace_on=frozenset({"RestApiId", "StageName", "StageDescription"}),
        attributes=frozenset({"DeploymentId"}),
        nested={
            "StageDescription": frozenset(
                {
                    *_METHOD_SETTINGS, "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize",
                    "Description", "MethodSettings", "TracingEnabled", "Variables",
                }
            )
        },
    )
)  # fmt: skip


def _stage_patches(props: Props) -> list[dict[str, str]]:
    """The settings of a stage that its creation does not take."""
    patches: list[dict[str, str]] = []
    for setting in props.get("MethodSettings", []):
        path = text(setting.get("ResourcePath", "/*"))
        resource = "*" if path in ("/*", "*") else path.replace("/", "~1")
        where = f"/{resource}/{setting.get('HttpMethod', '*')}"
        patches += [
            {"op": "replace", "path": f"{where}/{_METHOD_SETTINGS[name]}", "value": patch_text(value)}
            for name, value in setting.items()
            if name in _METHOD_SETTINGS
        ]
    logs = props.get("AccessLogSetting") or {}
    for name, key in (("DestinationArn", "destinationArn"), ("Format", "format")):
        if name in logs:
            patches.append({"op": "replace", "path": f"/accessLogSettings/{key}", "value": text(logs[name])})
    return patches


async def create_stage(ctx: Context, props: Props) -> Resource:
    name = props.get("StageName") or ctx.logical_id
    given: dict[str, Any] = {"restApiId": props["RestApiId"], "deploymentId": props["DeploymentId"]}
    for setting in (
        "Description", "Variables", "TracingEnabled", "CacheClusterEnabled", "CacheClusterSize",
        "DocumentationVersion",
    ):  # fmt: skip
        if setting in props:
            given[camel(setting)] = props[setting]
    await ctx.call("apigateway", "CreateStage", stageName=name, tags=ctx.tags_of(props), **given)
    ctx.created(name)
    await _patch_stage(ctx, name, props, _stage_patches(props))
    return Resource(name)


async def _patch_stage(ctx: Context, name: str, props: Props, patches: list[dict[str, str]]) -> None:
    if patches:
        await ctx.call(
            "apigateway", "UpdateStage", restApiId=props["RestApiId"], stageName=name, patchOperations=patches
        )


async def update_stage(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    patches = _stage_patches(new)
    if new["DeploymentId"] != old["DeploymentId"]:
        patches.append({"op": "replace", "path": "/deploymentId", "value": text(new["DeploymentId"])})
    if new.get("Description") != old.get("Description"):
        patches.append({"op": "replace", "path": "/description", "value": text(new.get("Description", ""))})
    before, now = old.get("Variables") or {}, new.get("Variables") or {}
    patches += [
        {"op": "replace", "path": f"/variables/{key}", "value": text(value)}
        for key, value in now.items()
        if before.get(key) != value
    ]
    patches += [{"op": "remove", "path": f"/variables/{key}"} for key in before if key not in now]
    for name in ("TracingEnabled", "CacheClusterEnabled"):
        if new.get(name) != old.get(name):
            enabled = patch_text(new.get(name, False))
            patches.append({"op": "replace", "path": f"/{camel(name)}", "value": enabled})
    if "CacheClusterSize" in new and new["CacheClusterSize"] != old.get("CacheClusterSize"):
        size = text(new["CacheClusterSize"])
        patches.append({"op": "replace", "path": "/cacheClusterSize", "value": size})
    kept = {patch["path"] for patch in patches}
    for patch in _stage_patches(old):
        if patch["path"] not in kept and not patch["path"].startswith("/accessLogSettings"):
            patches.append({"op": "remove", "path": patch["path"]})
    if "AccessLogSetting" in old and "AccessLogSetting" not in new:
        patches.append({"op": "remove", "path": "/accessLogSettings"})
    await _patch_stage(ctx, physical_id, new, patches)
    await retag(ctx, f"restapis/{text(new['RestApiId'])}/stages/{physical_id}", old, new)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::ApiGateway::Stage",
        create=create_stage,
        update=update_stage,
        delete=deleter("apigateway", "DeleteStage", "stageName", restApiId="RestApiId"),
        properties=frozenset(
            {
                "RestApiId", "DeploymentId", "StageName", "Description", "Variables", "MethodSettings",
                "TracingEnabled", "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "Tags",
                "DocumentationVersion",
            }
        ),
        nested={
            "MethodSettings": frozenset({*_METHOD_SETTINGS, "ResourcePath", "HttpMethod"}),
            "AccessLogSetting": frozenset({"DestinationArn", "Format"}),
        },
        required=frozenset({"RestApiId", "DeploymentId"}),
        replace_on=frozenset({"RestApiId", "StageName"}),
        name_property="StageName",
    )
)  # fmt: skip
