"""Deployments: what an API was at a moment, for stages to serve."""

from typing import Any

from maycloud.services.apigateway import canaries, patch
from maycloud.services.apigateway.patch import REMOVABLE, Rule
from maycloud.services.apigateway.service import (
    api_of,
    bad_request,
    given,
    moment,
    not_found,
    on,
    page,
    reading,
    service,
)
from maycloud.services.apigateway.stages import check_stage, new_stage
from maycloud.services.apigateway.store import Gateway, all_methods, new_id
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

_DEPLOYMENT = "/restapis/{restApiId}/deployments/{deploymentId}"
_RULES = (Rule("/description", REMOVABLE),)


def view(deployment: Document, embed: list[str] | None = None) -> Document:
    """A deployment, with its methods in short if they are asked for with ``embed=apisummary``."""
    shown = given(deployment, "id", "description")
    shown["createdDate"] = moment(deployment["createdDate"])
    if "apisummary" in (embed or ()):
        summary: dict[str, dict[str, Any]] = {}
        for resource, verb, method in all_methods(deployment["snapshot"]):
            summary.setdefault(resource["path"], {})[verb] = {
                "authorizationType": method.get("authorizationType", "NONE"),
                "apiKeyRequired": method.get("apiKeyRequired", False),
            }
        shown["apiSummary"] = summary
    return shown


def _deployment_of(call: Call, params: Params) -> Document:
    gateway: Gateway = call.state
    api = api_of(call, params)
    found = gateway.deployment(call.scope, api["id"], params["deploymentId"])
    if found is None:
        raise not_found("Invalid Deployment identifier specified")
    return found


@service.operation(**on("POST", "/restapis/{restApiId}/deployments"))
def CreateDeployment(call: Call, params: Params) -> Result:
    """Keep the API as it is. With `stageName`, the stage is made or moved to the deployment.

    https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDeployment.html
    """
    gateway: Gateway = call.state
    api = api_of(call, params)
    methods = all_methods(api)
    if not methods:
        raise bad_request("The REST API doesn't contain any methods")
    if any(not method.get("methodIntegration") for _, _, method in methods):
        raise bad_request("No integration defined for method")
    deployment: Document = {
        "id": new_id(6),
        **given(params, "description"),
        "createdDate": call.now(),
        "snapshot": api,
    }
    canary = params.get("canarySettings")
    if canary is not None:
        name = params.get("stageName")
        stage = gateway.stage(call.scope, api["id"], name) if name else None
        released = canaries.release(stage, name, canary, deployment["id"])
        gateway.put_deployment(call.scope, api["id"], deployment)
        gateway.put_stage(call.scope, api["id"], released | {"lastUpdatedDate": call.now()})
        return view(deployment)
    gateway.put_deployment(call.scope, api["id"], deployment)
    if params.get("stageName"):
        _deploy(call, api, deployment["id"], params)
    return view(deployment)


def _deploy(call: Call, api: Document, deployment: str, params: Params) -> None:
    gateway: Gateway = call.state
    name = params["stageName"]
    members = given(params, "variables", "cacheClusterEnabled", "cacheClusterSize", "tracingEnabled")
    if params.get("stageDescription") is not None:
        members["description"] = params["stageDescription"]
    stage = gateway.stage(call.scope, api["id"], name)
    if stage is None:
        new_stage(call, api, name, deployment, members)
        return
    stage |= members
    stage |= {"deploymentId": deployment, "lastUpdatedDate": call.now()}
    check_stage(stage, call.now())
    gateway.put_stage(call.scope, api["id"], stage)


@service.operation(**reading(_DEPLOYMENT))
def GetDeployment(call: Call, params: Params) -> Result:
    return view(_deployment_of(call, params), params.get("embed"))


@service.operation(**reading("/restapis/{restApiId}/deployments"))
def GetDeployments(call: Call, params: Params) -> Result:
    gateway: Gateway = call.state
    api = api_of(call, params)
    return page(params, reversed(gateway.deployments(call.scope, api["id"])), view)


@service.operation(**on("PATCH", _DEPLOYMENT))
def UpdateDeployment(call: Call, params: Params) -> Result:
    gateway: Gateway = call.state
    deployment = _deployment_of(call, params)
    patch.apply(deployment, params.get("patchOperations"), _RULES)
    gateway.put_deployment(call.scope, params["restApiId"], deployment)
    return view(deployment)


@service.operation(**on("DELETE", _DEPLOYMENT))
def DeleteDeployment(call: Call, params: Params) -> Result:
    gateway: Gateway = call.state
    deployment = _deployment_of(call, params)
    api_id = params["restApiId"]
    stages = gateway.stages(call.scope, api_id)
    used = {stage["deploymentId"] for stage in stages}
    used |= {stage["canarySettings"]["deploymentId"] for stage in stages if stage.get("canarySettings")}
    if deployment["id"] in used:
        raise bad_request("Active stages pointing to this deployment must be moved or deleted")
    gateway.delete_deployment(call.scope, api_id, deployment["id"])
    return None
