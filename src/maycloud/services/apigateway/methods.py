"""Methods, integrations, and the responses of both."""

from maycloud.services.apigateway import patch
from maycloud.services.apigateway.definitions import (
    NO_RESOURCE,
    check_http_method,
    check_integration,
    check_integration_response,
    check_method,
    check_method_response,
    integration_of,
    make_integration,
    make_integration_response,
    make_method,
    make_method_response,
    method_of,
    resource_of,
    response_of,
)
from maycloud.services.apigateway.patch import ANY, LISTED, REMOVABLE, Rule
from maycloud.services.apigateway.service import (
    api_of,
    conflict,
    editable_api,
    not_found,
    on,
    reading,
    save,
    service,
)
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

METHOD_PATH = "/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}"
_RESPONSE = METHOD_PATH + "/responses/{statusCode}"
_INTEGRATION = METHOD_PATH + "/integration"
_INTEGRATION_RESPONSE = _INTEGRATION + "/responses/{statusCode}"

_METHOD_RULES = (
    Rule("/authorizationType"),
    Rule("/authorizerId", REMOVABLE),
    Rule("/authorizationScopes", LISTED, members=True),
    Rule("/apiKeyRequired", parse=patch.as_said),
    Rule("/operationName", REMOVABLE),
    Rule("/requestParameters/{name}", ANY, patch.as_flag),
    Rule("/requestModels/{contentType}", ANY),
    Rule("/requestValidatorId", REMOVABLE),
)
_RESPONSE_RULES = (
    Rule("/responseParameters/{name}", ANY, patch.as_flag),
    Rule("/responseModels/{contentType}", ANY),
)
_INTEGRATION_RULES = (
    Rule("/cacheKeyParameters/{name}", ANY),
    Rule("/cacheKeyParameters", LISTED, members=True),
    Rule("/cacheNamespace"),
    Rule("/connectionId", REMOVABLE),
    Rule("/connectionType"),
    Rule("/contentHandling", REMOVABLE),
    Rule("/credentials", REMOVABLE),
    Rule("/httpMethod"),
    Rule("/passthroughBehavior"),
    Rule("/requestParameters/{name}", ANY),
    Rule("/requestTemplates/{contentType}", ANY),
    Rule("/timeoutInMillis", parse=patch.as_whole),
    Rule("/tlsConfig/insecureSkipVerification", parse=patch.as_flag),
    Rule("/uri"),
)
_INTEGRATION_RESPONSE_RULES = (
    Rule("/contentHandling", REMOVABLE),
    Rule("/responseParameters/{name}", ANY),
    Rule("/responseTemplates/{contentType}", ANY),
    Rule("/selectionPattern", REMOVABLE),
)


def _editable(call: Call, params: Params) -> Document:
    """The API to change. That it is not there AWS says of the resource, as for `_api`."""
    return editable_api(call, params, not_found(NO_RESOURCE))


def _api(call: Call, params: Params) -> Document:
    return api_of(call, params, not_found(NO_RESOURCE))


def _found(api: Document, params: Params) -> Document:
    return method_of(resource_of(api, params["resourceId"]), params["httpMethod"])


# Methods


@service.operation(**on("PUT", METHOD_PATH))
def PutMethod(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_PutMethod.html"""
    api = _editable(call, params)
    resource, name = resource_of(api, params["resourceId"]), check_http_method(params["httpMethod"])
    if name in resource["resourceMethods"]:
        raise conflict("Method already exists for this resource")
    method = resource["resourceMethods"][name] = make_method(api, name, params)
    save(call, api)
    return method


@service.operation(**reading(METHOD_PATH))
def GetMethod(call: Call, params: Params) -> Result:
    return _found(_api(call, params), params)


@service.operation(**on("PATCH", METHOD_PATH))
def UpdateMethod(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    method = _found(api, params)
    patch.apply(method, params.get("patchOperations"), _METHOD_RULES, patch.by_operation)
    check_method(api, method)
    save(call, api)
    return method


@service.operation(**on("DELETE", METHOD_PATH))
def DeleteMethod(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    _found(api, params)
    del resource_of(api, params["resourceId"])["resourceMethods"][params["httpMethod"]]
    save(call, api)
    return None


# Method responses


@service.operation(**on("PUT", _RESPONSE))
def PutMethodResponse(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    method, status = _found(api, params), params["statusCode"]
    responses = method.setdefault("methodResponses", {})
    if status in responses:
        raise conflict("Response already exists for this resource")
    response = responses[status] = make_method_response(api, status, params)
    save(call, api)
    return response


@service.operation(**reading(_RESPONSE))
def GetMethodResponse(call: Call, params: Params) -> Result:
    return response_of(_found(_api(call, params), params), "methodResponses", params["statusCode"])


@service.operation(**on("PATCH", _RESPONSE))
def UpdateMethodResponse(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    response = response_of(_found(api, params), "methodResponses", params["statusCode"])
    for operation in params.get("patchOperations") or ():
        patch.find(operation, _RESPONSE_RULES, patch.by_path)
        member, name = patch.parts_of(operation["path"])
        if operation["op"] != "add" and name not in (response.get(member) or {}):
            models = member == "responseModels"
            raise not_found(
                "Content-Type specified was not found" if models else "Invalid parameter name specified"
            )
        patch.apply(response, [operation], _RESPONSE_RULES)
    check_method_response(api, response)
    save(call, api)
    return response


@service.operation(**on("DELETE", _RESPONSE))
def DeleteMethodResponse(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    method = _found(api, params)
    response_of(method, "methodResponses", params["statusCode"])
    del method["methodResponses"][params["statusCode"]]
    save(call, api)
    return None


# Integrations


@service.operation(**on("PUT", _INTEGRATION))
def PutIntegration(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html"""
    api = _editable(call, params)
    method = _found(api, params)
    integration = make_integration(api, resource_of(api, params["resourceId"]), method, params)
    method["methodIntegration"] = integration
    save(call, api)
    return integration


@service.operation(**reading(_INTEGRATION))
def GetIntegration(call: Call, params: Params) -> Result:
    return integration_of(_found(_api(call, params), params))


@service.operation(**on("PATCH", _INTEGRATION))
def UpdateIntegration(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    method = _found(api, params)
    integration = integration_of(method)
    for operation in params.get("patchOperations") or []:
        if (operation.get("path") or "").startswith("/cacheKeyParameters"):
            integration.setdefault("cacheKeyParameters", [])
        patch.apply(integration, [operation], _INTEGRATION_RULES)
    check_integration(api, method, integration)
    save(call, api)
    return integration


@service.operation(**on("DELETE", _INTEGRATION))
def DeleteIntegration(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    method = _found(api, params)
    integration_of(method)
    del method["methodIntegration"]
    save(call, api)
    return None


# Integration responses


@service.operation(**on("PUT", _INTEGRATION_RESPONSE))
def PutIntegrationResponse(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    method, status = _found(api, params), params["statusCode"]
    response = make_integration_response(method, status, params)
    integration_of(method).setdefault("integrationResponses", {})[status] = response
    save(call, api)
    return response


@service.operation(**reading(_INTEGRATION_RESPONSE))
def GetIntegrationResponse(call: Call, params: Params) -> Result:
    integration = integration_of(_found(_api(call, params), params))
    return response_of(integration, "integrationResponses", params["statusCode"])


@service.operation(**on("PATCH", _INTEGRATION_RESPONSE))
def UpdateIntegrationResponse(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    method = _found(api, params)
    response = response_of(integration_of(method), "integrationResponses", params["statusCode"])
    patch.apply(response, params.get("patchOperations"), _INTEGRATION_RESPONSE_RULES)
    check_integration_response(method, response)
    save(call, api)
    return response


@service.operation(**on("DELETE", _INTEGRATION_RESPONSE))
def DeleteIntegrationResponse(call: Call, params: Params) -> Result:
    api = _editable(call, params)
    integration = integration_of(_found(api, params))
    response_of(integration, "integrationResponses", params["statusCode"])
    del integration["integrationResponses"][params["statusCode"]]
    save(call, api)
    return None
