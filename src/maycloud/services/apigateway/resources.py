"""Resources: the parts of an API's paths."""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.apigateway import patch
from maycloud.services.apigateway.definitions import NO_RESOURCE, add_resource, check_place, join, resource_of
from maycloud.services.apigateway.patch import Rule
from maycloud.services.apigateway.service import (
    api_of,
    bad_request,
    editable_api,
    not_found,
    on,
    page,
    reading,
    save,
    service,
)
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

MAX_RESOURCES = 300

_RESOURCE = "/restapis/{restApiId}/resources/{resourceId}"
_RULES = (Rule("/parentId"), Rule("/pathPart"))


def view(resource: Document, embed: list[str] | None) -> Document:
    """A resource; its methods are named alone unless they are asked for with ``embed=methods``."""
    shown = {name: value for name, value in resource.items() if name != "resourceMethods"}
    methods: dict[str, Any] = resource.get("resourceMethods") or {}
    if methods:
        shown["resourceMethods"] = methods if "methods" in (embed or ()) else {name: {} for name in methods}
    return shown


@service.operation(**on("POST", "/restapis/{restApiId}/resources/{parentId}"))
def CreateResource(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html"""
    api = editable_api(call, params)
    parent = resource_of(api, params["parentId"])
    if len(api["resources"]) >= MAX_RESOURCES:
        raise AwsError(
            "LimitExceededException",
            "Maximum number of resources for this API has been reached. Please contact AWS if you need"
            f" additional resources. Limit: {MAX_RESOURCES}",
            429,
        )
    resource = add_resource(api, parent, params["pathPart"])
    save(call, api)
    return view(resource, None)


@service.operation(**reading(_RESOURCE))
def GetResource(call: Call, params: Params) -> Result:
    return view(resource_of(api_of(call, params), params["resourceId"]), params.get("embed"))


@service.operation(**reading("/restapis/{restApiId}/resources"))
def GetResources(call: Call, params: Params) -> Result:
    found = sorted(api_of(call, params)["resources"].values(), key=lambda each: each["path"])
    return page(params, found, lambda each: view(each, params.get("embed")))


@service.operation(**on("PATCH", _RESOURCE))
def UpdateResource(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    resource = resource_of(api, params["resourceId"])
    for operation in params.get("patchOperations") or []:
        patch.find(operation, _RULES)
        member, value = operation["path"][1:], operation.get("value") or ""
        if "parentId" not in resource:
            raise bad_request(f"Root resource cannot update its {member}.")
        parent, part = api["resources"][resource["parentId"]], resource["pathPart"]
        if member == "parentId":
            if value not in api["resources"]:
                raise not_found(NO_RESOURCE)
            parent = api["resources"][value]
            if any(each["id"] == resource["id"] for each in _lineage(api, parent)):
                raise bad_request("Resources cannot be cyclical.")
        else:
            part = value
        check_place(api, parent, part, moving=resource["id"])
        resource["parentId"], resource["pathPart"] = parent["id"], part
        _rename(api, resource)
    save(call, api)
    return view(resource, None)


def _lineage(api: Document, resource: Document) -> list[Document]:
    """A resource and all above it."""
    found = [resource]
    while "parentId" in found[-1]:
        found.append(api["resources"][found[-1]["parentId"]])
    return found


def children(api: Document, resource: Document) -> list[Document]:
    return [each for each in api["resources"].values() if each.get("parentId") == resource["id"]]


def _rename(api: Document, resource: Document) -> None:
    """Write the paths of a resource and of all below it anew."""
    resource["path"] = join(api["resources"][resource["parentId"]], resource["pathPart"])
    for child in children(api, resource):
        _rename(api, child)


@service.operation(**on("DELETE", _RESOURCE))
def DeleteResource(call: Call, params: Params) -> Result:
    """A resource and all below it."""
    api = editable_api(call, params)
    resource = resource_of(api, params["resourceId"])
    if "parentId" not in resource:
        raise bad_request("Root resource cannot be deleted")
    _delete(api, resource)
    save(call, api)
    return None


def _delete(api: Document, resource: Document) -> None:
    for child in children(api, resource):
        _delete(api, child)
    del api["resources"][resource["id"]]
