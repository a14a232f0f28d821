"""AWS::ApiGateway:: types."""

from typing import Any

import orjson

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
from maycloud.services.cloudformation.providers.apigateway_common import (
    camel,
    camelized,
    patch_text,
    retag,
)
from maycloud.services.cloudformation.providers.parts import again, deleter, document

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
    given = {_API_NAMES.get(name, camel(name)): camelized(props[name]) for name in _API if name in props}
    title = orjson.loads(body).get("info", {}).get("title") if body and body.startswith(b"{") else None
    given.setdefault("name", text(title or ctx.logical_id))
    if "Policy" in props:
        given["policy"] = document(props["Policy"])
    made = await ctx.call("apigateway", "CreateRestApi", tags=ctx.tags_of(props), **given)
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
    await retag(ctx, f"restapis/{physical_id}", old, new)
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
            operations.append({"op": "replace", "path": path, "value": patch_text(new[name])})
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
        operations.append({"op": "replace", "path": "/policy", "value": document(new["Policy"])})
    elif "Policy" in old and "Policy" not in new:
        operations.append({"op": "remove", "path": "/policy"})
    if operations:
        await ctx.call("apigateway", "UpdateRestApi", restApiId=api, patchOperations=operations)


register(
    Provider(
        "AWS::ApiGateway::RestApi",
        create=create_api,
        update=update_api,
        delete=deleter("apigateway", "DeleteRestApi", "restApiId"),
        properties=frozenset(
            {*_API, "Body", "BodyS3Location", "FailOnWarnings", "Mode", "Parameters", "Policy", "Tags"}
        ),
        attributes=frozenset({"RootResourceId", "RestApiId"}),
    )
)


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


register(
    Provider(
        "AWS::ApiGateway::Resource",
        create=create_resource,
        delete=deleter("apigateway", "DeleteResource", "resourceId", restApiId="RestApiId"),
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
    given = {camel(name): props[name] for name in _METHOD if name in props}
    given.setdefault("authorizationType", "NONE")
    await ctx.call("apigateway", "PutMethod", **where, **given)
    ctx.created(_method_id(props))
    for response in props.get("MethodResponses", []):
        await ctx.call("apigateway", "PutMethodResponse", **where, **camelized(response))
    integration = props.get("Integration")
    if integration:
        settings = camelized({k: v for k, v in integration.items() if k != "IntegrationResponses"})
        settings["integrationHttpMethod"] = settings.pop("integrationHttpMethod", None)
        await ctx.call("apigateway", "PutIntegration", **where, **settings)
        for response in integration.get("IntegrationResponses", []):
            await ctx.call("apigateway", "PutIntegrationResponse", **where, **camelized(response))
    return Resource(_method_id(props))


def _method_id(props: Props) -> str:
    return f"{props['RestApiId']}|{props['ResourceId']}|{props['HttpMethod']}"


delete_method = deleter(
    "apigateway", "DeleteMethod", missing="NotFoundException",
    restApiId="RestApiId", resourceId="ResourceId", httpMethod="HttpMethod",
)  # fmt: skip


async def update_method(
    ctx: Context, _physical_id: str, old: Props, new: Props, _attributes: Attributes
) -> Resource:
    """A method is put as a whole: the old one goes first."""
    await delete_method(ctx, "", old, {})
    return await put_method(ctx, new)


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
        params = {camel(name): camelized(props[name]) for name in given if name in props}
        if operation == "Model" and "schema" in params:
            params["schema"] = document(props["Schema"])
        if operation in ("Model", "RequestValidator"):
            params.setdefault("name", ctx.unique_name(max_length=60, separator=""))
        if operation == "Model":
            params.setdefault("contentType", "application/json")
        made = await ctx.call("apigateway", f"Create{operation}", restApiId=props["RestApiId"], **params)
        return Resource(made[identifier], {f"{operation}Id": made.get("id")})

    member = {"Model": "modelName", "RequestValidator": "requestValidatorId"}[operation]
    return create, deleter("apigateway", f"Delete{operation}", member, restApiId="RestApiId")


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
        camel(name): props[name]
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


register(
    Provider(
        "AWS::ApiGateway::GatewayResponse",
        create=put_gateway_response,
        update=again(put_gateway_response),
        delete=deleter(
            "apigateway", "DeleteGatewayResponse", restApiId="RestApiId", responseType="ResponseType"
        ),
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


async def leave_account(_ctx: Context, _physical_id: str, _props: Props, _attributes: Attributes) -> None:
    """The setting is the account's: it outlives the stack, as on AWS."""


register(
    Provider(
        "AWS::ApiGateway::Account",
        create=put_account,
        update=again(put_account),
        delete=leave_account,
        properties=frozenset({"CloudWatchRoleArn"}),
    )
)
