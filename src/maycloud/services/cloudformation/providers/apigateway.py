"""AWS::ApiGateway:: types."""

from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Create,
    Delete,
    Props,
    Provider,
    Resource,
    register,
)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _camelized(value: Any) -> Any:
    """Properties in the API's spelling; the keys of maps that a user names stay as they are."""
    if isinstance(value, list):
        return [_camelized(each) for each in value]
    if isinstance(value, dict):
        return {_camel(key): value[key] if key in _MAPS else _camelized(value[key]) for key in value}
    return value


_MAPS = frozenset(
    {
        "RequestParameters", "RequestTemplates", "RequestModels", "ResponseParameters", "ResponseTemplates",
        "ResponseModels", "Variables", "Schema", "Tags",
    }
)  # fmt: skip


def _tags(ctx: Context, props: Props) -> dict[str, str]:
    return ctx.tags | {tag["Key"]: text(tag["Value"]) for tag in props.get("Tags", [])}


# RestApi

_API = (
    "Name", "Description", "EndpointConfiguration", "BinaryMediaTypes", "MinimumCompressionSize",
    "ApiKeySourceType", "DisableExecuteApiEndpoint",
)  # fmt: skip


_API_NAMES = {"ApiKeySourceType": "apiKeySource"}


async def _body(ctx: Context, props: Props) -> bytes | None:
    if "Body" in props:
        return orjson.dumps(props["Body"])
    if "BodyS3Location" in props:
        where = props["BodyS3Location"]
        found = await ctx.call("s3", "GetObject", Bucket=where["Bucket"], Key=where["Key"])
        body = found["Body"]
        return body if isinstance(body, bytes) else body.path.read_bytes()
    return None


async def create_api(ctx: Context, props: Props) -> Resource:
    body = await _body(ctx, props)
    given = {_API_NAMES.get(name, _camel(name)): _camelized(props[name]) for name in _API if name in props}
    title = orjson.loads(body).get("info", {}).get("title") if body and body.startswith(b"{") else None
    given.setdefault("name", text(title or ctx.logical_id))
    if "Policy" in props:
        policy = props["Policy"]
        given["policy"] = policy if isinstance(policy, str) else orjson.dumps(policy).decode()
    made = await ctx.call("apigateway", "CreateRestApi", tags=_tags(ctx, props), **given)
    ctx.created(made["id"])
    if body is not None:
        await _put(ctx, made["id"], body, props)
        await _reapply(ctx, made["id"], {}, props)
    return await _describe_api(ctx, made["id"])


async def _put(ctx: Context, api: str, body: bytes, props: Props) -> None:
    await ctx.call(
        "apigateway",
        "PutRestApi",
        restApiId=api,
        mode=props.get("Mode", "overwrite"),
        failOnWarnings=props.get("FailOnWarnings", False),
        parameters={name: text(value) for name, value in (props.get("Parameters") or {}).items()},
        body=body,
    )


async def _describe_api(ctx: Context, api: str) -> Resource:
    found = await ctx.call("apigateway", "GetRestApi", restApiId=api)
    return Resource(api, {"RootResourceId": found["rootResourceId"], "RestApiId": api})


async def update_api(
    ctx: Context, physical_id: str, old: Props, new: Props, _attributes: Attributes
) -> Resource:
    body = await _body(ctx, new)
    if body is not None:
        await _put(ctx, physical_id, body, new)
        # What the import has overwritten counts as never set.
        old = {}
    await _reapply(ctx, physical_id, old, new)
    return await _describe_api(ctx, physical_id)


async def _reapply(ctx: Context, api: str, old: Props, new: Props) -> None:
    """Set what the properties say beside the body, which an import resets to what the body says."""
    operations: list[dict[str, str]] = []
    for name, path in (
        ("Name", "/name"),
        ("Description", "/description"),
        ("MinimumCompressionSize", "/minimumCompressionSize"),
        ("ApiKeySourceType", "/apiKeySource"),
        ("DisableExecuteApiEndpoint", "/disableExecuteApiEndpoint"),
    ):
        if name in new and new[name] != old.get(name):
            operations.append({"op": "replace", "path": path, "value": _patch_value(new[name])})
    found = await ctx.call("apigateway", "GetRestApi", restApiId=api)
    has, wants = (
        set(found.get("binaryMediaTypes") or []),
        {text(each) for each in new.get("BinaryMediaTypes", [])},
    )
    if "BinaryMediaTypes" in new or "BinaryMediaTypes" in old:
        for op, kinds in (("add", wants - has), ("remove", has - wants)):
            operations += [
                {"op": op, "path": "/binaryMediaTypes/" + kind.replace("/", "~1")} for kind in sorted(kinds)
            ]
    if "Policy" in new and new["Policy"] != old.get("Policy"):
        policy = new["Policy"]
        value = policy if isinstance(policy, str) else orjson.dumps(policy).decode()
        operations.append({"op": "replace", "path": "/policy", "value": value})
    elif "Policy" in old and "Policy" not in new:
        operations.append({"op": "remove", "path": "/policy"})
    if operations:
        await ctx.call("apigateway", "UpdateRestApi", restApiId=api, patchOperations=operations)


async def delete_api(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    await ctx.call("apigateway", "DeleteRestApi", restApiId=physical_id)


register(
    Provider(
        "AWS::ApiGateway::RestApi",
        create=create_api,
        update=update_api,
        delete=delete_api,
        properties=frozenset(
            {*_API, "Body", "BodyS3Location", "FailOnWarnings", "Mode", "Parameters", "Policy", "Tags"}
        ),
        attributes=frozenset({"RootResourceId", "RestApiId"}),
    )
)


# Deployment and Stage

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
                given[_camel(name)] = described[name]
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
            {"op": "replace", "path": f"{where}/{_METHOD_SETTINGS[name]}", "value": _patch_value(value)}
            for name, value in setting.items()
            if name in _METHOD_SETTINGS
        ]
    logs = props.get("AccessLogSetting") or {}
    for name, key in (("DestinationArn", "destinationArn"), ("Format", "format")):
        if name in logs:
            patches.append({"op": "replace", "path": f"/accessLogSettings/{key}", "value": text(logs[name])})
    return patches


def _patch_value(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else text(value)


async def create_stage(ctx: Context, props: Props) -> Resource:
    name = props.get("StageName") or ctx.logical_id
    given: dict[str, Any] = {"restApiId": props["RestApiId"], "deploymentId": props["DeploymentId"]}
    for setting in (
        "Description", "Variables", "TracingEnabled", "CacheClusterEnabled", "CacheClusterSize",
        "DocumentationVersion",
    ):  # fmt: skip
        if setting in props:
            given[_camel(setting)] = props[setting]
    await ctx.call("apigateway", "CreateStage", stageName=name, tags=_tags(ctx, props), **given)
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
            enabled = _patch_value(new.get(name, False))
            patches.append({"op": "replace", "path": f"/{_camel(name)}", "value": enabled})
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
    return Resource(physical_id, attributes)


async def delete_stage(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
    await ctx.call("apigateway", "DeleteStage", restApiId=props["RestApiId"], stageName=physical_id)


register(
    Provider(
        "AWS::ApiGateway::Stage",
        create=create_stage,
        update=update_stage,
        delete=delete_stage,
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


# Resource and Method


async def create_resource(ctx: Context, props: Props) -> Resource:
    made = await ctx.call(
        "apigateway",
        "CreateResource",
        restApiId=props["RestApiId"],
        parentId=props["ParentId"],
        pathPart=props["PathPart"],
    )
    return Resource(made["id"], {"ResourceId": made["id"]})


async def delete_resource(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
    await ctx.call("apigateway", "DeleteResource", restApiId=props["RestApiId"], resourceId=physical_id)


register(
    Provider(
        "AWS::ApiGateway::Resource",
        create=create_resource,
        delete=delete_resource,
        properties=frozenset({"RestApiId", "ParentId", "PathPart"}),
        required=frozenset({"RestApiId", "ParentId", "PathPart"}),
        attributes=frozenset({"ResourceId"}),
    )
)

_METHOD = (
    "ApiKeyRequired", "AuthorizationScopes", "AuthorizationType", "AuthorizerId", "OperationName",
    "RequestModels", "RequestParameters", "RequestValidatorId",
)  # fmt: skip


def _where(props: Props) -> dict[str, Any]:
    return {
        "restApiId": props["RestApiId"], "resourceId": props["ResourceId"], "httpMethod": props["HttpMethod"],
    }  # fmt: skip


async def put_method(ctx: Context, props: Props) -> Resource:
    where = _where(props)
    given = {_camel(name): props[name] for name in _METHOD if name in props}
    given.setdefault("authorizationType", "NONE")
    await ctx.call("apigateway", "PutMethod", **where, **given)
    ctx.created(_method_id(props))
    for response in props.get("MethodResponses", []):
        await ctx.call("apigateway", "PutMethodResponse", **where, **_camelized(response))
    integration = props.get("Integration")
    if integration:
        settings = _camelized({k: v for k, v in integration.items() if k != "IntegrationResponses"})
        settings["integrationHttpMethod"] = settings.pop("integrationHttpMethod", None)
        await ctx.call("apigateway", "PutIntegration", **where, **settings)
        for response in integration.get("IntegrationResponses", []):
            await ctx.call("apigateway", "PutIntegrationResponse", **where, **_camelized(response))
    return Resource(_method_id(props))


def _method_id(props: Props) -> str:
    return f"{props['RestApiId']}|{props['ResourceId']}|{props['HttpMethod']}"


async def update_method(
    ctx: Context, _physical_id: str, old: Props, new: Props, _attributes: Attributes
) -> Resource:
    """A method is put as a whole: the old one goes first."""
    await delete_method(ctx, "", old, {})
    return await put_method(ctx, new)


async def delete_method(ctx: Context, _physical_id: str, props: Props, _attributes: Attributes) -> None:
    try:
        await ctx.call("apigateway", "DeleteMethod", **_where(props))
    except AwsError as error:
        if error.code != "NotFoundException":
            raise


register(
    Provider(
        "AWS::ApiGateway::Method",
        create=put_method,
        update=update_method,
        delete=delete_method,
        properties=frozenset(
            {*_METHOD, "RestApiId", "ResourceId", "HttpMethod", "Integration", "MethodResponses"}
        ),
        required=frozenset({"RestApiId", "ResourceId", "HttpMethod"}),
        replace_on=frozenset({"RestApiId", "ResourceId", "HttpMethod"}),
    )
)


# Types that are one call each way


def _simple(operation: str, given: tuple[str, ...], identifier: str) -> tuple[Create, Delete]:
    """Create and delete of a resource that one operation makes; `identifier` is its member in the answer."""

    async def create(ctx: Context, props: Props) -> Resource:
        params = {_camel(name): _camelized(props[name]) for name in given if name in props}
        if operation == "Model" and "schema" in params:
            schema = props["Schema"]
            params["schema"] = schema if isinstance(schema, str) else orjson.dumps(schema).decode()
        if operation in ("Model", "RequestValidator"):
            params.setdefault("name", ctx.unique_name(max_length=60, separator=""))
        if operation == "Model":
            params.setdefault("contentType", "application/json")
        made = await ctx.call("apigateway", f"Create{operation}", restApiId=props["RestApiId"], **params)
        return Resource(made[identifier], {f"{operation}Id": made.get("id")})

    async def delete(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
        member = {"Model": "modelName", "RequestValidator": "requestValidatorId"}[operation]
        await ctx.call(
            "apigateway", f"Delete{operation}", restApiId=props["RestApiId"], **{member: physical_id}
        )

    return create, delete


def _register_simple(operation: str, given: tuple[str, ...], identifier: str, required: set[str]) -> None:
    create, delete = _simple(operation, given, identifier)
    register(
        Provider(
            f"AWS::ApiGateway::{operation}",
            create=create,
            delete=delete,
            properties=frozenset({*given, "RestApiId"}),
            required=frozenset({"RestApiId", *required}),
            attributes=frozenset({f"{operation}Id"}),
        )
    )


_register_simple("Model", ("Name", "ContentType", "Description", "Schema"), "name", set())
_register_simple(
    "RequestValidator", ("Name", "ValidateRequestBody", "ValidateRequestParameters"), "id", set()
)


async def put_gateway_response(ctx: Context, props: Props) -> Resource:
    given = {
        _camel(name): props[name]
        for name in ("StatusCode", "ResponseParameters", "ResponseTemplates")
        if name in props
    }
    await ctx.call(
        "apigateway",
        "PutGatewayResponse",
        restApiId=props["RestApiId"],
        responseType=props["ResponseType"],
        **given,
    )
    return Resource(f"{props['RestApiId']}|{props['ResponseType']}")


async def update_gateway_response(
    ctx: Context, _physical_id: str, _old: Props, new: Props, _attributes: Attributes
) -> Resource:
    return await put_gateway_response(ctx, new)


async def delete_gateway_response(
    ctx: Context, _physical_id: str, props: Props, _attributes: Attributes
) -> None:
    await ctx.call(
        "apigateway",
        "DeleteGatewayResponse",
        restApiId=props["RestApiId"],
        responseType=props["ResponseType"],
    )


register(
    Provider(
        "AWS::ApiGateway::GatewayResponse",
        create=put_gateway_response,
        update=update_gateway_response,
        delete=delete_gateway_response,
        properties=frozenset(
            {"RestApiId", "ResponseType", "StatusCode", "ResponseParameters", "ResponseTemplates"}
        ),
        required=frozenset({"RestApiId", "ResponseType"}),
        replace_on=frozenset({"RestApiId", "ResponseType"}),
    )
)


async def put_account(ctx: Context, props: Props) -> Resource:
    role = text(props.get("CloudWatchRoleArn", ""))
    operation = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
    await ctx.call("apigateway", "UpdateAccount", patchOperations=[operation])
    return Resource(ctx.unique_name())


async def update_account(
    ctx: Context, physical_id: str, _old: Props, new: Props, attributes: Attributes
) -> Resource:
    await put_account(ctx, new)
    return Resource(physical_id, attributes)


async def leave_account(_ctx: Context, _physical_id: str, _props: Props, _attributes: Attributes) -> None:
    """The setting is the account's: it outlives the stack, as on AWS."""


register(
    Provider(
        "AWS::ApiGateway::Account",
        create=put_account,
        update=update_account,
        delete=leave_account,
        properties=frozenset({"CloudWatchRoleArn"}),
    )
)
