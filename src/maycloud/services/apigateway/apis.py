"""REST APIs themselves, the account's settings, and tags."""

import copy
from collections.abc import Callable

import orjson

from maycloud.errors import AwsError
from maycloud.services.apigateway import patch
from maycloud.services.apigateway.components import default_models
from maycloud.services.apigateway.patch import ANY, LISTED, REMOVABLE, Rule
from maycloud.services.apigateway.service import (
    api_of,
    bad_request,
    editable_api,
    given,
    moment,
    not_found,
    on,
    page,
    reading,
    save,
    service,
    tersely,
)
from maycloud.services.apigateway.store import Gateway, new_id
from maycloud.services.base import Call, Params, Result
from maycloud.services.tokens import is_number
from maycloud.store import Document

MAX_TAGS = 50
_ENDPOINTS = ("EDGE", "REGIONAL")

_SHOWN = (
    "id", "name", "description", "version", "binaryMediaTypes", "minimumCompressionSize", "apiKeySource",
    "endpointConfiguration", "tags", "disableExecuteApiEndpoint", "rootResourceId", "securityPolicy",
)  # fmt: skip

_WRONG_SIZE = "Invalid minimum compression size, must be between 0 and 10485760"


def _as_size(_path: str, value: str) -> int:
    if not is_number(value):
        raise bad_request(_WRONG_SIZE)
    return int(value)


RULES = (
    Rule("/name"),
    Rule("/description", REMOVABLE),
    Rule("/version", REMOVABLE),
    Rule("/policy", REMOVABLE),
    Rule("/apiKeySource"),
    Rule("/binaryMediaTypes/{binaryMediaType}", ANY),
    Rule("/minimumCompressionSize", parse=_as_size, clears=True),
    Rule("/disableExecuteApiEndpoint", parse=patch.as_flag),
    Rule("/endpointConfiguration/types/{type}", frozenset({"add", "replace"})),
    Rule("/endpointConfiguration/ipAddressType"),
    Rule("/securityPolicy"),
)


def view(api: Document) -> Document:
    """An API as the operations show it. Policies come with their quotes and slashes escaped, as on AWS."""
    shown = {name: api[name] for name in _SHOWN if api.get(name) not in (None, [])}
    shown["createdDate"] = moment(api["createdDate"])
    if api.get("policy"):
        shown["policy"] = orjson.dumps(api["policy"]).decode()[1:-1].replace("/", "\\/")
    return shown


def new_api(call: Call, name: str) -> Document:
    """An API with nothing but its root."""
    gateway: Gateway = call.state
    root = new_id()
    return {
        "id": gateway.fresh_api_id(),
        "name": name,
        "createdDate": call.now(),
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"},
        "disableExecuteApiEndpoint": False,
        "tags": {},
        "rootResourceId": root,
        "resources": {root: {"id": root, "path": "/", "resourceMethods": {}}},
        "models": default_models(),
        "requestValidators": {},
        "authorizers": {},
        "gatewayResponses": {},
    }


def check_api(call: Call, api: Document) -> None:
    """What an API may say of itself; its policy is kept as text, with short ARNs written out."""
    if not (api.get("name") or "").strip():
        raise bad_request("API name cannot be blank")
    if len(api["name"]) > 1024:
        raise bad_request("API name cannot be longer than 1024 characters")
    if api["apiKeySource"] not in ("HEADER", "AUTHORIZER"):
        raise bad_request("Invalid API key source specified. Must be one of: [HEADER, AUTHORIZER]")
    size = api.get("minimumCompressionSize")
    if size is not None and not 0 <= size <= 10 << 20:
        raise bad_request(_WRONG_SIZE)
    _check_endpoint(api["endpointConfiguration"])
    if api.get("policy"):
        api["policy"] = _policy(call, api["id"], api["policy"])


def _check_endpoint(endpoint: Document) -> None:
    endpoint.setdefault("ipAddressType", "ipv4")
    types = endpoint.get("types") or []
    if types == ["PRIVATE"] or endpoint.get("vpcEndpointIds"):
        raise bad_request("Private REST APIs (endpoint type PRIVATE) are not supported by Maycloud")
    if not types:
        raise bad_request("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
    if len(types) > 1:
        raise bad_request("Cannot create an api with multiple Endpoint Types.")
    if types[0] not in _ENDPOINTS:
        raise bad_request("Invalid EndpointTypes specified. Valid options are EDGE,REGIONAL,PRIVATE")


def _policy(call: Call, api_id: str, text: str) -> str:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise bad_request("Invalid policy document. Please check the policy syntax and ensure that Principals"
                          " are valid.") from None  # fmt: skip
    if not isinstance(document, dict) or "Statement" not in document:
        raise bad_request(
            "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."
        )
    full = f'"arn:aws:execute-api:{call.region}:{call.account}:{api_id}/'
    return orjson.dumps(document).decode().replace('"execute-api:/', full)


def check_tags(tags: dict[str, str]) -> dict[str, str]:
    for key, value in tags.items():
        if key.lower().startswith("aws:") and not key.startswith("aws:cloudformation:"):
            raise bad_request(f"Invalid tag key: {key}. It cannot start with aws:")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise bad_request("Tag keys have 1 to 128 characters and tag values at most 256")
    if len(tags) > MAX_TAGS:
        raise bad_request(f"The number of tags exceeds the limit of {MAX_TAGS}")
    return tags


def _tersely(api: Document) -> Document:
    return tersely(view(api))


@service.operation(**on("POST", "/restapis"))
def CreateRestApi(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_CreateRestApi.html"""
    if params.get("description") == "":
        raise bad_request("Description cannot be an empty string")
    api = new_api(call, params["name"])
    if params.get("cloneFrom"):
        _clone(api_of(call, {"restApiId": params["cloneFrom"]}), api)
    api |= given(
        params, "description", "version", "binaryMediaTypes", "minimumCompressionSize", "apiKeySource",
        "policy", "disableExecuteApiEndpoint", "securityPolicy",
    )  # fmt: skip
    if params.get("endpointConfiguration"):
        api["endpointConfiguration"] = dict(params["endpointConfiguration"])
    api["tags"] = check_tags(dict(params.get("tags") or {}))
    check_api(call, api)
    gateway: Gateway = call.state
    gateway.create(call.scope, api)
    return _tersely(api)


def _clone(source: Document, api: Document) -> None:
    """Everything of `source` but its name and tags, with ids of resources of its own."""
    identifiers = {old: new_id(6) for old in source["resources"]}
    identifiers[source["rootResourceId"]] = api["rootResourceId"]
    resources: dict[str, Document] = {}
    for old, resource in copy.deepcopy(source["resources"]).items():
        resource["id"] = identifiers[old]
        if "parentId" in resource:
            resource["parentId"] = identifiers[resource["parentId"]]
        for method in resource["resourceMethods"].values():
            integration = method.get("methodIntegration") or {}
            if integration.get("cacheNamespace") == old:
                integration["cacheNamespace"] = resource["id"]
        resources[resource["id"]] = resource
    kept = ("id", "name", "createdDate", "tags", "rootResourceId", "resources")
    api |= copy.deepcopy({name: value for name, value in source.items() if name not in kept})
    api["resources"] = resources
    for model in api["models"].values():
        # References between models name the API.
        model["schema"] = model["schema"].replace(f"/restapis/{source['id']}/", f"/restapis/{api['id']}/")
    if api.get("policy"):
        api["policy"] = api["policy"].replace(f":{source['id']}/", f":{api['id']}/")


@service.operation(**reading("/restapis/{restApiId}"))
def GetRestApi(call: Call, params: Params) -> Result:
    return view(api_of(call, params))


@service.operation(**reading("/restapis"))
def GetRestApis(call: Call, params: Params) -> Result:
    gateway: Gateway = call.state
    return page(params, sorted(gateway.apis(call.scope), key=lambda each: each["createdDate"]), _tersely)


@service.operation(**on("PATCH", "/restapis/{restApiId}"))
def UpdateRestApi(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    for operation in params.get("patchOperations") or []:
        # Lists are there to be added to, and an endpoint has one type: another takes its place.
        if (operation.get("path") or "").startswith("/binaryMediaTypes"):
            api.setdefault("binaryMediaTypes", [])
        if (operation.get("path") or "").startswith("/endpointConfiguration/types/"):
            patch.find(operation, RULES, patch.by_operation)
            value = operation.get("value") or patch.parts_of(operation["path"])[-1]
            api["endpointConfiguration"]["types"] = [value]
            continue
        patch.apply(api, [operation], RULES, patch.by_operation)
    check_api(call, api)
    save(call, api)
    return view(api)


@service.operation(**on("DELETE", "/restapis/{restApiId}"))
def DeleteRestApi(call: Call, params: Params) -> Result:
    api_of(call, params)
    gateway: Gateway = call.state
    gateway.delete(call.scope, params["restApiId"])
    return None


# The account

_ACCOUNT_RULES = (Rule("/cloudwatchRoleArn", REMOVABLE), Rule("/features", LISTED, members=True))


@service.operation(**reading("/account"))
def GetAccount(call: Call, params: Params) -> Result:
    gateway: Gateway = call.state
    return _account(gateway.account(call.scope))


@service.operation(**on("PATCH", "/account"))
def UpdateAccount(call: Call, params: Params) -> Result:
    gateway: Gateway = call.state
    settings = gateway.account(call.scope)
    patch.apply(settings, params.get("patchOperations"), _ACCOUNT_RULES)
    role = settings.get("cloudwatchRoleArn")
    if role:
        _check_role(call, role)
    if not role:
        settings.pop("cloudwatchRoleArn", None)
    gateway.put_account(call.scope, settings)
    return _account(settings)


def _check_role(call: Call, role: str) -> None:
    """It must be there and trust API Gateway, and the caller must be allowed to pass it."""
    call.authorize("iam:PassRole", role, {"iam:PassedToService": "apigateway.amazonaws.com"})
    try:
        call.cloud.access.identities.role_session(role, "check", 3600, "apigateway.amazonaws.com")
    except AwsError as error:
        raise bad_request(
            "The role ARN does not have required permissions configured. Please grant trust permission for"
            " API Gateway and add the required role policy."
        ) from error


def _account(settings: Document) -> Document:
    return {
        **given(settings, "cloudwatchRoleArn"),
        "throttleSettings": {"burstLimit": 5000, "rateLimit": 10_000.0},
        "features": settings.get("features") or ["UsagePlans"],
        "apiKeyVersion": "4",
    }


# Tags of APIs, stages, API keys and usage plans

_TAGS = "/tags/{resourceArn}"


def _tagged(call: Call, params: Params) -> tuple[Document, Callable[[Document], None]]:
    """What the ARN means, to be changed, and what saves it.

    ``arn:aws:apigateway:REGION::/restapis/ID[/stages/NAME]``, ``…/apikeys/ID``, ``…/usageplans/ID``.
    """
    arn: str = params["resourceArn"]
    gateway: Gateway = call.state
    scope = call.scope
    match arn.partition("::/")[2].split("/"):
        case ["restapis", api_id]:
            api = editable_api(call, {"restApiId": api_id})
            return api, lambda changed: gateway.save(scope, changed)
        case ["restapis", api_id, "stages", name]:
            stage = gateway.stage(scope, editable_api(call, {"restApiId": api_id})["id"], name)
            if stage is None:
                raise not_found("Invalid stage identifier specified")
            return stage, lambda changed: gateway.put_stage(scope, api_id, changed)
        case ["apikeys", identifier]:
            key = gateway.keys.get(scope, identifier)
            if key is None:
                raise not_found("Invalid API Key identifier specified")
            return key, lambda changed: gateway.keys.save(scope, changed)
        case ["usageplans", identifier]:
            plan = gateway.keys.plan(scope, identifier)
            if plan is None:
                raise not_found("Invalid Usage Plan ID specified")
            return plan, lambda changed: gateway.keys.save_plan(scope, changed)
        case _:
            raise bad_request(f"Invalid resource ARN specified: {arn}")


@service.operation(**reading(_TAGS))
def GetTags(call: Call, params: Params) -> Result:
    return {"tags": _tagged(call, params)[0].get("tags") or {}}


@service.operation(**on("PUT", _TAGS))
def TagResource(call: Call, params: Params) -> Result:
    found, save_it = _tagged(call, params)
    save_it(found | {"tags": check_tags((found.get("tags") or {}) | params["tags"])})
    return None


@service.operation(**on("DELETE", _TAGS))
def UntagResource(call: Call, params: Params) -> Result:
    found, save_it = _tagged(call, params)
    tags = found.get("tags") or {}
    save_it(found | {"tags": {key: value for key, value in tags.items() if key not in params["tagKeys"]}})
    return None
