"""Documentation of an API: parts, each of one place in it, and versions, which are the parts at a time.

Words of LocalStack's tests/aws/services/apigateway/test_apigateway_api.snapshot.json, recorded of AWS.
"""

import re
from typing import Any

import orjson

from maycloud.services.apigateway import patch
from maycloud.services.apigateway.openapi_import import parse_off_loop
from maycloud.services.apigateway.patch import Rule
from maycloud.services.apigateway.service import (
    api_of,
    bad_request,
    conflict,
    editable_api,
    moment,
    not_found,
    on,
    page,
    reading,
    save,
    service,
)
from maycloud.services.apigateway.store import new_id
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

_PARTS = "/restapis/{restApiId}/documentation/parts"
_PART = _PARTS + "/{documentationPartId}"
_VERSIONS = "/restapis/{restApiId}/documentation/versions"
_VERSION = _VERSIONS + "/{documentationVersion}"
_EXTENSION = "x-amazon-apigateway-documentation"

# Which members a location may have beside its type.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-documenting-api-content-representation.html
_PLACES = {
    "API": (),
    "AUTHORIZER": ("name",),
    "MODEL": ("name",),
    "RESOURCE": ("path",),
    "METHOD": ("path", "method"),
    "PATH_PARAMETER": ("path", "method", "name"),
    "QUERY_PARAMETER": ("path", "method", "name"),
    "REQUEST_HEADER": ("path", "method", "name"),
    "REQUEST_BODY": ("path", "method"),
    "RESPONSE": ("path", "method", "statusCode"),
    "RESPONSE_HEADER": ("path", "method", "statusCode", "name"),
    "RESPONSE_BODY": ("path", "method", "statusCode"),
}
_NAMED = frozenset(kind for kind, places in _PLACES.items() if "name" in places)
_DEFAULTS = {"path": "/", "method": "*", "statusCode": "*"}
_STATUS = re.compile(r"[1-5]\d\d|\*|\s*")
_PART_RULES = (Rule("/properties"),)
_VERSION_RULES = (Rule("/description", patch.REMOVABLE),)


def _parts(api: Document) -> dict[str, Document]:
    return api.setdefault("documentationParts", {})


def _versions(api: Document) -> dict[str, Document]:
    return api.setdefault("documentationVersions", {})


def _located(location: dict[str, Any]) -> Document:
    """A location with what it leaves out. Raises for members that its type does not have."""
    kind = location["type"]
    places = _PLACES[kind]
    for name in ("path", "method", "statusCode", "name"):
        if location.get(name) and name not in places:
            raise bad_request(f"Invalid location: {name} is not a part of documentation type {kind}")
    if kind in _NAMED and not location.get("name"):
        raise bad_request(f"Invalid location: name is required for documentation type {kind}")
    if not _STATUS.fullmatch(location.get("statusCode") or "*"):
        raise bad_request("Invalid location: statusCode must be a status, or *")
    found = {name: location.get(name) or _DEFAULTS[name] for name in places if name in _DEFAULTS}
    if location.get("name"):
        found["name"] = location["name"]
    return {"type": kind, **found}


def _part(api: Document, params: Params) -> Document:
    found = (api.get("documentationParts") or {}).get(params["documentationPartId"])
    if found is None:
        raise not_found("Invalid Documentation part identifier specified")
    return found


@service.operation(**on("POST", _PARTS))
def CreateDocumentationPart(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    if not params["properties"]:
        raise bad_request("Documentation part properties must be non-empty")
    location = _located(params["location"])
    if any(each["location"] == location for each in _parts(api).values()):
        raise conflict("Documentation part already exists for the specified location: " + _spelled(location))
    made: Document = {"id": new_id(6), "location": location, "properties": params["properties"]}
    _parts(api)[made["id"]] = made
    save(call, api)
    return made


def _spelled(location: Document) -> str:
    shown = {"type": "type", "path": "path", "method": "method", "statusCode": "statusCode", "name": "name"}
    told = [f"{label} '{location[name]}'" for name, label in shown.items() if name in location]
    return ", ".join(told) + "."


@service.operation(**reading(_PART))
def GetDocumentationPart(call: Call, params: Params) -> Result:
    missing = not_found("Invalid Documentation part identifier specified")
    return _part(api_of(call, params, missing), params)


@service.operation(**reading(_PARTS))
def GetDocumentationParts(call: Call, params: Params) -> Result:
    api = api_of(call, params)
    found = sorted((api.get("documentationParts") or {}).values(), key=lambda each: each["id"])
    if params.get("type"):
        found = [each for each in found if each["location"]["type"] == params["type"]]
    if params.get("nameQuery"):
        found = [each for each in found if params["nameQuery"] in each["location"].get("name", "")]
    if params.get("path"):
        found = [each for each in found if each["location"].get("path") == params["path"]]
    if params.get("locationStatus") == "UNDOCUMENTED":
        found = []
    return page(params, found, dict)


@service.operation(**on("PATCH", _PART))
def UpdateDocumentationPart(call: Call, params: Params) -> Result:
    missing = not_found("Invalid Documentation part identifier specified")
    api = editable_api(call, params, missing)
    found = _part(api, params)
    for operation in params.get("patchOperations") or []:
        patch.find(operation, _PART_RULES)
        if not operation.get("value"):
            raise bad_request("Documentation part properties must be non-empty")
    patch.apply(found, params.get("patchOperations") or [], _PART_RULES)
    save(call, api)
    return found


@service.operation(**on("DELETE", _PART))
def DeleteDocumentationPart(call: Call, params: Params) -> Result:
    missing = not_found("Invalid Documentation part identifier specified")
    api = editable_api(call, params, missing)
    del _parts(api)[_part(api, params)["id"]]
    save(call, api)
    return None


@service.operation(**on("PUT", _PARTS))
async def ImportDocumentationParts(call: Call, params: Params) -> Result:
    """Parts of a definition's ``x-amazon-apigateway-documentation``."""
    editable_api(call, params)
    definition = await parse_off_loop(params["body"])
    api = editable_api(call, params)
    if params.get("mode") == "overwrite":
        api["documentationParts"] = {}
    warnings: list[str] = []
    ids = import_parts(api, definition, warnings)
    if warnings and params.get("failOnWarnings"):
        raise bad_request("Warnings found during import:\n\t" + "\n\t".join(warnings))
    save(call, api)
    return {"ids": ids, **({"warnings": warnings} if warnings else {})}


def import_parts(api: Document, definition: Document, warnings: list[str]) -> list[str]:
    """Take over the parts of a definition; one of the same place is replaced."""
    ids: list[str] = []
    for each in (definition.get(_EXTENSION) or {}).get("documentationParts") or []:
        kind = (each.get("location") or {}).get("type")
        if kind not in _PLACES:
            warnings.append(f"Invalid documentation part type: {kind}")
            continue
        location = _located({name: value for name, value in each["location"].items() if value})
        properties = each.get("properties") or {}
        same = next((old for old in _parts(api).values() if old["location"] == location), None)
        made: Document = same or {"id": new_id(6), "location": location}
        made["properties"] = properties if isinstance(properties, str) else orjson.dumps(properties).decode()
        _parts(api)[made["id"]] = made
        ids.append(made["id"])
    return ids


# Versions


def _version(api: Document, params: Params) -> Document:
    found = (api.get("documentationVersions") or {}).get(params["documentationVersion"])
    if found is None:
        raise not_found("Invalid Documentation version specified")
    return found


def _view(version: Document) -> Document:
    shown = {name: version[name] for name in ("version", "description") if name in version}
    return shown | {"createdDate": moment(version["createdDate"])}


@service.operation(**on("POST", _VERSIONS))
def CreateDocumentationVersion(call: Call, params: Params) -> Result:
    """The parts as they are now; `stageName` is given the version at once."""
    api = editable_api(call, params)
    name = params["documentationVersion"]
    if name in _versions(api):
        raise conflict(f"Version '{name}' already exists")
    if not _parts(api):
        raise bad_request("No DocumentationParts found for this API")
    made: Document = {"version": name, "createdDate": call.now(), "parts": dict(_parts(api))}
    if params.get("description"):
        made["description"] = params["description"]
    _versions(api)[name] = made
    if params.get("stageName"):
        stage = call.state.stage(call.scope, api["id"], params["stageName"])
        if stage is None:
            raise not_found("Invalid stage identifier specified")
        call.state.put_stage(call.scope, api["id"], stage | {"documentationVersion": name})
    save(call, api)
    return _view(made)


@service.operation(**reading(_VERSION))
def GetDocumentationVersion(call: Call, params: Params) -> Result:
    return _view(_version(api_of(call, params), params))


@service.operation(**reading(_VERSIONS))
def GetDocumentationVersions(call: Call, params: Params) -> Result:
    found = (api_of(call, params).get("documentationVersions") or {}).values()
    return page(params, sorted(found, key=lambda each: each["createdDate"]), _view)


@service.operation(**on("PATCH", _VERSION))
def UpdateDocumentationVersion(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    found = _version(api, params)
    patch.apply(found, params.get("patchOperations") or [], _VERSION_RULES)
    save(call, api)
    return _view(found)


@service.operation(**on("DELETE", _VERSION))
def DeleteDocumentationVersion(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    del _versions(api)[_version(api, params)["version"]]
    save(call, api)
    return None
