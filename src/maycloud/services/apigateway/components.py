"""Models, request validators and gateway responses of an API."""

import re
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.apigateway import patch
from maycloud.services.apigateway.definitions import mapping_error
from maycloud.services.apigateway.gateway_responses import DEFAULTS
from maycloud.services.apigateway.patch import ANY, REMOVABLE, Rule
from maycloud.services.apigateway.service import (
    api_of,
    bad_request,
    conflict,
    editable_api,
    given,
    not_found,
    on,
    page,
    reading,
    save,
    service,
)
from maycloud.services.apigateway.store import all_methods, new_id
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

MAX_SCHEMA = 400 << 10
MODEL_REFERENCE = "https://apigateway.amazonaws.com/restapis/{api}/models/{name}"


def default_models() -> dict[str, Document]:
    """The two models that every new API has."""
    empty = make_model("Empty", _EMPTY, "application/json", "This is a default empty schema model")
    error = make_model("Error", _ERROR, "application/json", "This is a default error schema model")
    return {"Empty": empty, "Error": error}


_EMPTY = """{
  "$schema": "http://json-schema.org/draft-04/schema#",
  "title" : "Empty Schema",
  "type" : "object"
}"""
_ERROR = """{
  "$schema" : "http://json-schema.org/draft-04/schema#",
  "title" : "Error Schema",
  "type" : "object",
  "properties" : {
    "message" : { "type" : "string" }
  }
}"""


# Models

_MODEL = "/restapis/{restApiId}/models/{modelName}"
_MODEL_RULES = (Rule("/description", REMOVABLE), Rule("/schema"))


def make_model(name: str, schema: str, content_type: str, description: str | None = None) -> Document:
    if not name:
        raise bad_request("Model name must be non-empty")
    if not re.fullmatch(r"[A-Za-z0-9]+", name):
        raise bad_request(f"Model name must be alphanumeric: {name}")
    model = {"id": new_id(6), "name": name, "schema": schema, "contentType": content_type}
    if description is not None:
        model["description"] = description
    check_model(model)
    return model


def check_model(model: Document) -> None:
    schema = model.get("schema") or ""
    if not schema:
        raise bad_request("Model schema must have at least 1 property or array items defined")
    if len(schema.encode()) > MAX_SCHEMA:
        raise bad_request("Model schema exceeds the maximum size of 400 KB")
    if "json" not in model["contentType"]:
        return
    try:
        parsed = orjson.loads(schema)
    except orjson.JSONDecodeError as error:
        raise _invalid_schema(error.msg) from None
    if not isinstance(parsed, dict):
        raise _invalid_schema("It is not an object")


def _invalid_schema(why: str) -> AwsError:
    return bad_request(
        "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified."
        f" {why}]"
    )


def _model_of(api: Document, name: str) -> Document:
    found = api["models"].get(name)
    if found is None:
        raise _no_model(name)
    return found


def _no_model(name: str) -> AwsError:
    """Also where there is no such API, if the model is asked for by its name."""
    return not_found(f"Invalid model name specified: {name}")


@service.operation(**on("POST", "/restapis/{restApiId}/models"))
def CreateModel(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    name = params["name"]
    if name in api["models"]:
        raise conflict("Model name already exists for this REST API")
    model = make_model(name, params.get("schema") or "", params["contentType"], params.get("description"))
    api["models"][name] = model
    save(call, api)
    return model


@service.operation(**reading(_MODEL))
def GetModel(call: Call, params: Params) -> Result:
    """With `flatten`, models that are referred to are written into its ``definitions``."""
    api = api_of(call, params, _no_model(params["modelName"]))
    model = _model_of(api, params["modelName"])
    if params.get("flatten") and "json" in model["contentType"]:
        return model | {"schema": _flattened(api, model)}
    return model


def _flattened(api: Document, model: Document) -> str:
    definitions: dict[str, Any] = {}

    def local(value: Any) -> Any:
        if isinstance(value, list):
            return [local(each) for each in value]
        if not isinstance(value, dict):
            return value
        name = str(value.get("$ref", "")).rpartition("/models/")[2]
        if name in api["models"]:
            if name not in definitions:
                definitions[name] = None  # first, for models that refer to each other
                definitions[name] = local(orjson.loads(api["models"][name]["schema"]))
            return {"$ref": f"#/definitions/{name}"}
        return {key: local(each) for key, each in value.items()}

    schema = local(orjson.loads(model["schema"]))
    if definitions:
        schema["definitions"] = definitions
    return orjson.dumps(schema).decode()


@service.operation(**reading("/restapis/{restApiId}/models"))
def GetModels(call: Call, params: Params) -> Result:
    return page(params, api_of(call, params)["models"].values(), dict)


@service.operation(**on("PATCH", _MODEL))
def UpdateModel(call: Call, params: Params) -> Result:
    api = editable_api(call, params, _no_model(params["modelName"]))
    model = _model_of(api, params["modelName"])
    patch.apply(model, params.get("patchOperations"), _MODEL_RULES)
    check_model(model)
    save(call, api)
    return model


@service.operation(**on("DELETE", _MODEL))
def DeleteModel(call: Call, params: Params) -> Result:
    api = editable_api(call, params, _no_model(params["modelName"]))
    name = params["modelName"]
    model = _model_of(api, name)
    for resource, verb, method in all_methods(api):
        used = [method.get("requestModels") or {}]
        used += [each.get("responseModels") or {} for each in (method.get("methodResponses") or {}).values()]
        if any(name in models.values() for models in used):
            raise conflict(
                f"Cannot delete model '{name}', is referenced in method request: {resource['path']}/{verb}"
            )
    for other in api["models"].values():
        if other is not model and f'/models/{name}"' in other["schema"]:
            raise conflict(f"Cannot delete model '{name}', is referenced in model: {other['name']}")
    del api["models"][name]
    save(call, api)
    return None


# Request validators

_VALIDATOR = "/restapis/{restApiId}/requestvalidators/{requestValidatorId}"
_NO_VALIDATOR = "Invalid Request Validator identifier specified"
_VALIDATOR_RULES = (
    Rule("/name"),
    Rule("/validateRequestParameters", parse=patch.as_said),
    Rule("/validateRequestBody", parse=patch.as_said),
)


def make_validator(name: str | None, body: bool, parameters: bool) -> Document:
    return {
        "id": new_id(6),
        **({"name": name} if name else {}),
        "validateRequestBody": body,
        "validateRequestParameters": parameters,
    }


def _validator_of(api: Document, identifier: str) -> Document:
    found = api["requestValidators"].get(identifier)
    if found is None:
        raise not_found(_NO_VALIDATOR)
    return found


@service.operation(**on("POST", "/restapis/{restApiId}/requestvalidators"))
def CreateRequestValidator(call: Call, params: Params) -> Result:
    api = editable_api(call, params, bad_request("Invalid REST API identifier specified"))
    validator = make_validator(
        params.get("name"),
        bool(params.get("validateRequestBody")),
        bool(params.get("validateRequestParameters")),
    )
    api["requestValidators"][validator["id"]] = validator
    save(call, api)
    return validator


@service.operation(**reading(_VALIDATOR))
def GetRequestValidator(call: Call, params: Params) -> Result:
    return _validator_of(api_of(call, params, not_found(_NO_VALIDATOR)), params["requestValidatorId"])


@service.operation(**reading("/restapis/{restApiId}/requestvalidators"))
def GetRequestValidators(call: Call, params: Params) -> Result:
    return page(params, api_of(call, params)["requestValidators"].values(), dict)


@service.operation(**on("PATCH", _VALIDATOR))
def UpdateRequestValidator(call: Call, params: Params) -> Result:
    api = editable_api(call, params, not_found(_NO_VALIDATOR))
    validator = _validator_of(api, params["requestValidatorId"])
    for operation in params.get("patchOperations") or ():
        patch.find(operation, _VALIDATOR_RULES)
        if operation["path"] == "/name" and not operation.get("value"):
            raise bad_request("Request Validator name cannot be blank")
        patch.apply(validator, [operation], _VALIDATOR_RULES)
    save(call, api)
    return validator


@service.operation(**on("DELETE", _VALIDATOR))
def DeleteRequestValidator(call: Call, params: Params) -> Result:
    api = editable_api(call, params, not_found(_NO_VALIDATOR))
    identifier = params["requestValidatorId"]
    _validator_of(api, identifier)
    for resource, verb, method in all_methods(api):
        if method.get("requestValidatorId") == identifier:
            raise conflict(
                f"Cannot delete validator '{identifier}', is referenced in method {verb} of resource"
                f" {resource['path']}"
            )
    del api["requestValidators"][identifier]
    save(call, api)
    return None


# Gateway responses

_RESPONSE = "/restapis/{restApiId}/gatewayresponses/{responseType}"
_RESPONSE_RULES = (
    Rule("/statusCode"),
    Rule("/responseParameters/{name}", ANY),
    Rule("/responseTemplates/{contentType}", ANY),
)
RESPONSE_TYPES = (*DEFAULTS, "DEFAULT_4XX", "DEFAULT_5XX")
_TEMPLATE = '{"message":$context.error.messageString}'
_RESPONSE_PARAMETER = re.compile(r"gatewayresponse\.header\.[A-Za-z0-9._$-]+")


def make_gateway_response(kind: str, members: Document) -> Document:
    response: Document = {
        "responseType": kind,
        **given(members, "statusCode"),
        "responseParameters": _texts(members, "responseParameters"),
        "responseTemplates": _texts(members, "responseTemplates"),
    }
    _check_response(response)
    return response


def _texts(members: Document, name: str) -> dict[str, str]:
    """A map of texts, which a definition may hold something else in the place of."""
    found = members.get(name) or {}
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise bad_request(f"Invalid {name} specified")
    return dict(found)


def _check_response(response: Document) -> None:
    if response["responseType"] not in RESPONSE_TYPES:
        raise bad_request(f"Invalid gateway response type specified: {response['responseType']}")
    if not re.fullmatch(r"[1-5]\d\d", response.get("statusCode") or "200"):
        raise bad_request("Invalid status code specified for gateway response")
    for name in response.get("responseParameters") or {}:
        if not _RESPONSE_PARAMETER.fullmatch(name):
            raise mapping_error(f"Invalid mapping expression specified: {name}")


def _response_view(api: Document, kind: str) -> Document:
    """What the API says of a type, else of its class (4XX or 5XX), filled up with AWS's defaults."""
    if kind not in RESPONSE_TYPES:
        raise not_found("Invalid gateway response type specified")
    default = DEFAULTS[kind][0] if kind in DEFAULTS else None
    own = api["gatewayResponses"].get(kind)
    said: Document = own or {}
    if own is None and default is not None:
        said = api["gatewayResponses"].get("DEFAULT_4XX" if default < 500 else "DEFAULT_5XX") or {}
    status = said.get("statusCode") or (default and str(default))
    return {
        "responseType": kind,
        **({"statusCode": status} if status else {}),
        "responseParameters": dict(said.get("responseParameters") or {}),
        "responseTemplates": dict(said.get("responseTemplates") or {"application/json": _TEMPLATE}),
        "defaultResponse": own is None,
    }


@service.operation(**on("PUT", _RESPONSE))
def PutGatewayResponse(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    kind = params["responseType"]
    api["gatewayResponses"][kind] = make_gateway_response(kind, params)
    save(call, api)
    return _response_view(api, kind)


@service.operation(**reading(_RESPONSE))
def GetGatewayResponse(call: Call, params: Params) -> Result:
    return _response_view(api_of(call, params), params["responseType"])


@service.operation(**reading("/restapis/{restApiId}/gatewayresponses"))
def GetGatewayResponses(call: Call, params: Params) -> Result:
    """All types, with what the API says of them or AWS's default."""
    api = api_of(call, params)
    every = dict(params) | {"limit": params.get("limit") or len(RESPONSE_TYPES)}
    return page(every, [_response_view(api, kind) for kind in sorted(RESPONSE_TYPES)], dict)


@service.operation(**on("PATCH", _RESPONSE))
def UpdateGatewayResponse(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    response = _response_view(api, params["responseType"])
    del response["defaultResponse"]
    for operation in params.get("patchOperations") or ():
        patch.find(operation, _RESPONSE_RULES, patch.by_path)
        member, *name = patch.parts_of(operation["path"])
        if operation["op"] != "remove" and operation.get("value") is None:
            raise bad_request(f"Invalid null or empty value in {member}")
        if operation["op"] == "replace" and name and name[0] not in response[member]:
            raise not_found("Invalid parameter name specified")
        patch.apply(response, [operation], _RESPONSE_RULES, patch.by_path)
    _check_response(response)
    api["gatewayResponses"][params["responseType"]] = response
    save(call, api)
    return _response_view(api, params["responseType"])


@service.operation(**on("DELETE", _RESPONSE))
def DeleteGatewayResponse(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    if api["gatewayResponses"].pop(params["responseType"], None) is None:
        raise not_found("Gateway response type not defined on api")
    save(call, api)
    return None
