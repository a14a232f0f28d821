"""One operation of an OpenAPI definition as a Method with its integration and responses."""

from typing import TYPE_CHECKING, Any

from maycloud.services.apigateway.components import make_model
from maycloud.services.apigateway.definitions import (
    make_integration,
    make_integration_response,
    make_method,
    make_method_response,
)
from maycloud.services.apigateway.service import bad_request
from maycloud.services.apigateway.store import new_id
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.apigateway.openapi_import import Import

EXTENSION = "x-amazon-apigateway-"
ANY_METHOD = f"{EXTENSION}any-method"
VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
_LOCATIONS = {"query": "querystring", "header": "header", "path": "path"}
_JSON = "application/json"


def as_object(value: Any) -> dict[str, Any]:
    """What has to be an object where a definition has it at all."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request(f"Invalid OpenAPI input: '{str(value)[:80]}' is not an object")
    return value


def as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise bad_request(f"Invalid OpenAPI input: '{str(value)[:80]}' is not a list")
    return value


def whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise bad_request(f"Invalid OpenAPI input: '{str(value)[:80]}' is not a number") from None


def read_method(
    reading: "Import", resource: Document, verb: str, operation: dict[str, Any], shared: list[Any]
) -> Document | None:
    """The method of an operation; None if it cannot be, which is then among the reading's errors.

    `shared` are the parameters of its path as a whole.
    """
    where = f"'{verb}' on resource at path '{resource['path']}'"
    given = _security(reading, operation)
    given["requestParameters"], given["requestModels"] = _request(reading, operation, shared)
    if operation.get("operationId"):
        given["operationName"] = str(operation["operationId"])
    validator = operation.get(f"{EXTENSION}request-validator") or reading.definition.get(
        f"{EXTENSION}request-validator"
    )
    if validator:
        if isinstance(validator, str) and validator in reading.validators:
            given["requestValidatorId"] = reading.validators[validator]
        else:
            reading.errors.append(f"Unable to put method {where}: Invalid Request Validator: {validator}")
    given = {name: value for name, value in given.items() if value not in (None, {}, [])}
    method = reading.attempt(f"Unable to put method {where}", lambda: make_method(reading.api, verb, given))
    if method is None:
        return None
    _responses(reading, method, operation, where)
    if operation.get(f"{EXTENSION}integration"):
        _integration(reading, resource, method, operation[f"{EXTENSION}integration"], where)
    return method


# Security


def _security(reading: "Import", operation: dict[str, Any]) -> dict[str, Any]:
    """Members of PutMethod that say who may call."""
    given: dict[str, Any] = {"authorizationType": "NONE"}
    stated = as_object(operation.get(f"{EXTENSION}auth"))
    if stated.get("type"):
        given["authorizationType"] = str(stated["type"]).upper()
    requirements = as_list(operation.get("security", reading.definition.get("security")))
    for requirement in requirements:
        for name, scopes in as_object(requirement).items():
            _apply_scheme(reading, given, name, as_list(scopes))
    return given


def _apply_scheme(reading: "Import", given: dict[str, Any], name: str, scopes: list[str]) -> None:
    scheme = reading.schemes.get(name)
    if scheme is None:
        if name != "NONE":
            reading.warnings.append(f"Security requirement '{name}' is not defined. Ignoring.")
        return
    if name in reading.authorizers:
        identifier = reading.authorizers[name]
        is_pool = reading.api["authorizers"][identifier]["type"] == "COGNITO_USER_POOLS"
        given["authorizationType"] = "COGNITO_USER_POOLS" if is_pool else "CUSTOM"
        given["authorizerId"] = identifier
        given["authorizationScopes"] = list(scopes)
    elif str(scheme.get(f"{EXTENSION}authtype", "")).lower() == "awssigv4":
        given["authorizationType"] = "AWS_IAM"
    elif scheme.get("type") == "apiKey" and str(scheme.get("name", "")).lower() == "x-api-key":
        given["apiKeyRequired"] = True


# Requests


def _request(
    reading: "Import", operation: dict[str, Any], shared: list[Any]
) -> tuple[dict[str, bool], dict[str, str]]:
    """Request parameters and request models."""
    parameters: dict[tuple[str, str], dict[str, Any]] = {}
    for each in [*shared, *as_list(operation.get("parameters"))]:
        parameter = as_object(reading.resolve(each))
        parameters[str(parameter.get("in")), str(parameter.get("name"))] = parameter
    required: dict[str, bool] = {}
    models: dict[str, str] = {}
    for (place, name), parameter in parameters.items():
        if place in _LOCATIONS:
            required[f"method.request.{_LOCATIONS[place]}.{name}"] = bool(parameter.get("required"))
        elif place == "body":
            model = _model(reading, parameter.get("schema"))
            for media in _media(reading, operation, "consumes"):
                if model:
                    models[media] = model
        else:
            reading.warnings.append(f"Parameter '{name}' in '{place}' is not supported. Ignoring.")
    body = as_object(reading.resolve(operation.get("requestBody")))
    models |= _content_models(reading, body.get("content"))
    return required, models


def _media(reading: "Import", operation: dict[str, Any], member: str) -> list[str]:
    """Media types of an operation, in Swagger 2.0."""
    listed = as_list(operation.get(member) or reading.definition.get(member))
    return [str(each) for each in listed] or [_JSON]


def _content_models(reading: "Import", content: dict[str, Any] | None) -> dict[str, str]:
    """Models by media type, in OpenAPI 3.0."""
    found = {
        media: _model(reading, as_object(item).get("schema")) for media, item in as_object(content).items()
    }
    return {media: model for media, model in found.items() if model}


def _model(reading: "Import", schema: Any) -> str | None:
    """The name of the model for a schema: the one referred to, or one made for a schema in place."""
    if not schema:
        return None
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    if reference:
        return str(reference).rpartition("/")[2]
    model = reading.attempt(
        "Unable to create model", lambda: make_model(f"MODEL{new_id(6)}", reading.schema_text(schema), _JSON)
    )
    if model is None:
        return None
    reading.api["models"][model["name"]] = model
    return model["name"]


# Responses


def _responses(reading: "Import", method: Document, operation: dict[str, Any], where: str) -> None:
    for code, described in as_object(operation.get("responses")).items():
        status = str(code)
        if status.startswith("x-"):
            continue
        if not status.isdecimal():
            reading.warnings.append(f"Response '{status}' of {where} has no status code. Ignoring.")
            continue
        response = as_object(reading.resolve(described))
        if reading.is_v2:
            model = _model(reading, response.get("schema"))
            models = dict.fromkeys(_media(reading, operation, "produces"), model) if model else {}
        else:
            models = _content_models(reading, response.get("content"))
        given: dict[str, Any] = {
            "responseParameters": {
                f"method.response.header.{name}": False for name in as_object(response.get("headers"))
            },
            "responseModels": models,
        }
        given = {name: value for name, value in given.items() if value}
        made = reading.attempt(
            f"Unable to put method response '{status}' for method {where}",
            lambda status=status, given=given: make_method_response(reading.api, status, given),
        )
        if made is not None:
            method.setdefault("methodResponses", {})[status] = made


# Integrations


def _integration(reading: "Import", resource: Document, method: Document, given: Any, where: str) -> None:
    members = dict(as_object(reading.resolve(given)))
    members["type"] = str(members.get("type", "")).upper()
    if members.get("httpMethod"):
        members["integrationHttpMethod"] = str(members["httpMethod"]).upper()
    if members["type"] == "HTTP_PROXY" or members["type"] == "HTTP":
        members.setdefault("integrationHttpMethod", method["httpMethod"])
    for name in ("passthroughBehavior", "contentHandling", "connectionType"):
        if members.get(name):
            members[name] = str(members[name]).upper()
    if members.get("timeoutInMillis"):
        members["timeoutInMillis"] = whole(members["timeoutInMillis"])
    _as_texts(members, "requestParameters", "requestTemplates")
    integration = reading.attempt(
        f"Unable to put integration on {where}",
        lambda: make_integration(reading.api, resource, method, members),
    )
    if integration is None:
        return
    method["methodIntegration"] = integration
    for pattern, response in as_object(members.get("responses")).items():
        _integration_response(reading, method, str(pattern), as_object(response), where)


def _integration_response(
    reading: "Import", method: Document, pattern: str, response: dict[str, Any], where: str
) -> None:
    status = str(response.get("statusCode", "200"))
    members = dict(response)
    if pattern != "default":
        members["selectionPattern"] = pattern
    if members.get("contentHandling"):
        members["contentHandling"] = str(members["contentHandling"]).upper()
    _as_texts(members, "responseParameters", "responseTemplates")
    made = reading.attempt(
        f"Unable to put integration response on {where}",
        lambda: make_integration_response(method, status, members),
    )
    if made is not None:
        method["methodIntegration"].setdefault("integrationResponses", {})[status] = made


def _as_texts(members: dict[str, Any], *names: str) -> None:
    """Maps of text to text; YAML reads some of them as numbers."""
    for name in names:
        if members.get(name):
            members[name] = {str(key): str(value) for key, value in as_object(members[name]).items()}
