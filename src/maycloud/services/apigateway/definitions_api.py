"""Operations that take and give OpenAPI definitions."""

from maycloud.services.apigateway import passing
from maycloud.services.apigateway.apis import check_api, new_api, view
from maycloud.services.apigateway.documentation import import_parts
from maycloud.services.apigateway.openapi_export import EXPORT_TYPES, EXTENSIONS, export
from maycloud.services.apigateway.openapi_import import import_definition, parse_off_loop
from maycloud.services.apigateway.service import (
    api_of,
    bad_request,
    editable_api,
    not_found,
    on,
    reading,
    save,
    service,
)
from maycloud.services.apigateway.store import Gateway
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document


@service.operation(**on("POST", "/restapis"))
async def ImportRestApi(call: Call, params: Params) -> Result:
    """A new API from a definition. https://docs.aws.amazon.com/apigateway/latest/api/API_ImportRestApi.html"""
    definition = await parse_off_loop(params["body"])
    title = (definition.get("info") or {}).get("title")
    if not title:
        raise bad_request("API title (info.title) is required")
    api = new_api(call, str(title))
    warnings = _import(call, api, definition, "overwrite", params)
    passing.check(call, None, api)
    gateway: Gateway = call.state
    gateway.create(call.scope, api)
    return _answer(api, warnings)


@service.operation(**on("PUT", "/restapis/{restApiId}"))
async def PutRestApi(call: Call, params: Params) -> Result:
    """Merge a definition into an API, or put it in its place."""
    editable_api(call, params)
    definition = await parse_off_loop(params["body"])
    api = editable_api(call, params)
    warnings = _import(call, api, definition, params.get("mode") or "merge", params)
    save(call, api)
    return _answer(api, warnings)


def _import(call: Call, api: Document, definition: Document, mode: str, params: Params) -> list[str]:
    try:
        warnings = import_definition(api, definition, mode, params.get("parameters") or {})
        if mode == "overwrite":
            api.pop("documentationParts", None)
        import_parts(api, definition, warnings)
    except RecursionError:
        raise bad_request("Invalid OpenAPI input: it is nested too deeply") from None
    if warnings and params.get("failOnWarnings"):
        raise bad_request("Warnings found during import:\n\t" + "\n\t".join(warnings))
    check_api(call, api)
    return warnings


def _answer(api: Document, warnings: list[str]) -> Document:
    return view(api) | ({"warnings": warnings} if warnings else {})


@service.operation(**reading("/restapis/{restApiId}/stages/{stageName}/exports/{exportType}"))
def GetExport(call: Call, params: Params) -> Result:
    """A stage's API as a definition, JSON or YAML by `accepts`.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-export-api.html
    """
    gateway: Gateway = call.state
    api = api_of(call, params)
    found = gateway.find_stage(params["restApiId"], params["stageName"])
    if found is None:
        raise not_found("Invalid stage identifier specified")
    _, _, stage, snapshot = found
    kind, accepted = params["exportType"], params.get("accepts") or "application/json"
    if kind not in EXPORT_TYPES:
        raise bad_request(f"No API exporter for type '{kind}'")
    if accepted not in ("application/json", "application/yaml"):
        raise bad_request(f"Invalid Accept type '{accepted}'. Must be application/json or application/yaml")
    wanted = (params.get("parameters") or {}).get("extensions") or ""
    extensions = {each.strip() for each in wanted.split(",") if each.strip()}
    if not extensions <= EXTENSIONS:
        raise bad_request(f"Invalid extensions '{wanted}'. Must be one of: [{', '.join(sorted(EXTENSIONS))}]")
    written = (api.get("documentationVersions") or {}).get(stage.get("documentationVersion") or "")
    body = export(snapshot, stage, kind, extensions, call.region, accepted == "application/yaml", written)
    suffix = "yaml" if accepted == "application/yaml" else "json"
    return {
        "contentType": accepted,
        "contentDisposition": f'attachment; filename="{kind}_{stage["createdDate"]:.0f}.{suffix}"',
        "body": body,
    }
