"""From a deployed API to an OpenAPI definition, Swagger 2.0 or OpenAPI 3.0."""

from datetime import UTC, datetime
from typing import Any

import orjson
import yaml

from maycloud.services.apigateway.store import all_methods
from maycloud.store import Document

EXPORT_TYPES = ("swagger", "oas30")
EXTENSIONS = frozenset({"integrations", "apigateway", "authorizers", "documentation", "postman"})
_PREFIX = "x-amazon-apigateway-"
_PLACES = {"querystring": "query", "header": "header", "path": "path"}
_IAM = "sigv4"
_KEY = "api_key"


class _Export:
    """One export; `integrations`, `gateway` and `authorizers` say which extensions it has."""

    def __init__(self, api: Document, kind: str, extensions: set[str]) -> None:
        self.api = api
        self.is_v2 = kind == "swagger"
        # Postman's collections carry the integrations, as AWS's do.
        self.gateway = "apigateway" in extensions
        self.integrations = self.gateway or bool(extensions & {"integrations", "postman"})
        self.authorizers = self.gateway or "authorizers" in extensions
        self.schemes: dict[str, Any] = {}

    def reference(self, model: str) -> dict[str, str]:
        return {"$ref": f"#/{'definitions' if self.is_v2 else 'components/schemas'}/{model}"}

    def schema(self, value: Any) -> Any:
        """A model's schema with references to models as the definition's own."""
        if isinstance(value, list):
            return [self.schema(each) for each in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str) and "/models/" in reference:
            return self.reference(reference.rpartition("/")[2])
        return {key: self.schema(each) for key, each in value.items() if key != "$schema"}

    def typed(self, kind: str = "string") -> dict[str, Any]:
        """The type of a header or parameter: in place, or in a schema of its own."""
        return {"type": kind} if self.is_v2 else {"schema": {"type": kind}}


def export(
    api: Document,
    stage: Document,
    kind: str,
    extensions: set[str],
    region: str,
    as_yaml: bool,
    written: Document | None,
) -> bytes:
    """The definition of an API as a stage serves it, as text, with the documentation `written` for it."""
    making = _Export(api, kind, extensions)
    host = f"{api['id']}.execute-api.{region}.amazonaws.com"
    moment = datetime.fromtimestamp(stage["createdDate"], UTC)
    info = {
        **({"description": api["description"]} if api.get("description") else {}),
        "version": api.get("version") or f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "title": api["name"],
    }
    if making.is_v2:
        document: dict[str, Any] = {
            "swagger": "2.0", "info": info, "host": host, "basePath": f"/{stage['stageName']}",
            "schemes": ["https"],
        }  # fmt: skip
    else:
        base = {"default": stage["stageName"]}
        server = {"url": f"https://{host}/{{basePath}}", "variables": {"basePath": base}}
        document = {"openapi": "3.0.1", "info": info, "servers": [server]}
    document["paths"] = _paths(making)
    _components(making, document)
    if making.gateway:
        document |= _gateway_extensions(api)
    if written is not None:
        document["x-amazon-apigateway-documentation"] = _documentation(written)
    if as_yaml:
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _paths(making: _Export) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for resource, verb, method in all_methods(making.api):
        key = f"{_PREFIX}any-method" if verb == "ANY" else verb.lower()
        paths.setdefault(resource["path"], {})[key] = _operation(making, method)
    return paths


def _operation(making: _Export, method: Document) -> dict[str, Any]:
    operation: dict[str, Any] = {}
    if method.get("operationName"):
        operation["operationId"] = method["operationName"]
    models: dict[str, str] = method.get("requestModels") or {}
    responses: dict[str, Document] = method.get("methodResponses") or {}
    if making.is_v2:
        if models:
            operation["consumes"] = list(models)
        produced = [media for each in responses.values() for media in each.get("responseModels") or {}]
        if produced:
            operation["produces"] = list(dict.fromkeys(produced))
    parameters = _parameters(making, method)
    if parameters:
        operation["parameters"] = parameters
    if models and not making.is_v2:
        content = {media: {"schema": making.reference(name)} for media, name in models.items()}
        operation["requestBody"] = {"content": content, "required": True}
    operation["responses"] = {code: _response(making, code, each) for code, each in sorted(responses.items())}
    security = _security(making, method)
    if security:
        operation["security"] = security
    validator = making.api["requestValidators"].get(method.get("requestValidatorId") or "")
    if validator and making.gateway:
        operation[f"{_PREFIX}request-validator"] = _validator_name(validator)
    if making.integrations and method.get("methodIntegration"):
        operation[f"{_PREFIX}integration"] = _integration(method["methodIntegration"])
    return operation


def _parameters(making: _Export, method: Document) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for expression, required in (method.get("requestParameters") or {}).items():
        _, _, place, name = expression.split(".", 3)
        found.append(
            {
                "name": name,
                "in": _PLACES[place],
                "required": bool(required) or place == "path",
                **making.typed(),
            }
        )
    models = list((method.get("requestModels") or {}).values())
    if models and making.is_v2:
        found.append(
            {"in": "body", "name": models[0], "required": True, "schema": making.reference(models[0])}
        )
    return found


def _response(making: _Export, code: str, response: Document) -> dict[str, Any]:
    described: dict[str, Any] = {"description": f"{code} response"}
    headers = [name.rpartition(".header.")[2] for name in response.get("responseParameters") or {}]
    if headers:
        described["headers"] = {name: making.typed() for name in headers}
    models: dict[str, str] = response.get("responseModels") or {}
    if models and making.is_v2:
        described["schema"] = making.reference(next(iter(models.values())))
    elif models:
        described["content"] = {media: {"schema": making.reference(name)} for media, name in models.items()}
    return described


def _security(making: _Export, method: Document) -> list[dict[str, Any]]:
    requirements: dict[str, Any] = {}
    kind = method.get("authorizationType", "NONE")
    authorizer = making.api["authorizers"].get(method.get("authorizerId") or "")
    if kind == "AWS_IAM":
        making.schemes[_IAM] = {
            "type": "apiKey", "name": "Authorization", "in": "header", f"{_PREFIX}authtype": "awsSigv4",
        }  # fmt: skip
        requirements[_IAM] = []
    elif authorizer is not None:
        making.schemes[authorizer["name"]] = _scheme(making, authorizer)
        requirements[authorizer["name"]] = method.get("authorizationScopes") or []
    if method.get("apiKeyRequired"):
        making.schemes[_KEY] = {"type": "apiKey", "name": "x-api-key", "in": "header"}
        requirements[_KEY] = []
    return [{name: scopes} for name, scopes in requirements.items()]


def _scheme(making: _Export, authorizer: Document) -> dict[str, Any]:
    source = authorizer.get("identitySource") or ""
    header = source.removeprefix("method.request.header.") if authorizer["type"] != "REQUEST" else "Unused"
    scheme = {"type": "apiKey", "name": header or "Authorization", "in": "header"}
    if not making.authorizers:
        return scheme
    shown = (
        "providerARNs", "authorizerUri", "authorizerCredentials", "identitySource",
        "identityValidationExpression", "authorizerResultTtlInSeconds",
    )  # fmt: skip
    details = {"type": authorizer["type"].lower()}
    details |= {name: authorizer[name] for name in shown if authorizer.get(name) is not None}
    return scheme | {f"{_PREFIX}authtype": authorizer["authType"], f"{_PREFIX}authorizer": details}


def _integration(integration: Document) -> dict[str, Any]:
    shown = (
        "uri", "credentials", "httpMethod", "connectionType", "connectionId", "requestParameters",
        "requestTemplates", "contentHandling", "timeoutInMillis", "cacheNamespace", "cacheKeyParameters",
        "tlsConfig",
    )  # fmt: skip
    kept = {name: integration[name] for name in shown if integration.get(name) not in (None, "", [], {})}
    if kept.get("timeoutInMillis") == 29_000:
        del kept["timeoutInMillis"]
    responses = {
        response.get("selectionPattern") or "default": {
            name: response[name]
            for name in ("statusCode", "responseParameters", "responseTemplates", "contentHandling")
            if response.get(name) not in (None, "", {})
        }
        for response in (integration.get("integrationResponses") or {}).values()
    }
    return {
        "type": integration["type"].lower(),
        **kept,
        **({"responses": responses} if responses else {}),
        "passthroughBehavior": integration.get("passthroughBehavior", "WHEN_NO_MATCH").lower(),
    }


def _components(making: _Export, document: dict[str, Any]) -> None:
    used = _used_models(making.api)
    schemas = {
        name: making.schema(orjson.loads(model["schema"]))
        for name, model in sorted(making.api["models"].items())
        if name in used and "json" in model["contentType"]
    }
    if making.is_v2:
        if making.schemes:
            document["securityDefinitions"] = making.schemes
        if schemas:
            document["definitions"] = schemas
        return
    components = {"schemas": schemas, "securitySchemes": making.schemes}
    components = {name: value for name, value in components.items() if value}
    if components:
        document["components"] = components


def _used_models(api: Document) -> set[str]:
    """All but the two that every API has, unless a method says them."""
    used = set(api["models"]) - {"Empty", "Error"}
    for _, _, method in all_methods(api):
        used |= set((method.get("requestModels") or {}).values())
        for response in (method.get("methodResponses") or {}).values():
            used |= set((response.get("responseModels") or {}).values())
    return used


def _validator_name(validator: Document) -> str:
    return validator.get("name") or validator["id"]


def _gateway_extensions(api: Document) -> dict[str, Any]:
    """Extensions at the top of a definition."""
    found: dict[str, Any] = {}
    if api["gatewayResponses"]:
        found[f"{_PREFIX}gateway-responses"] = {
            kind: {name: value for name, value in response.items() if name != "responseType" and value}
            for kind, response in sorted(api["gatewayResponses"].items())
        }
    if api["requestValidators"]:
        found[f"{_PREFIX}request-validators"] = {
            _validator_name(each): {
                "validateRequestParameters": each["validateRequestParameters"],
                "validateRequestBody": each["validateRequestBody"],
            }
            for each in api["requestValidators"].values()
        }
    if api.get("binaryMediaTypes"):
        found[f"{_PREFIX}binary-media-types"] = api["binaryMediaTypes"]
    if api.get("minimumCompressionSize") is not None:
        found[f"{_PREFIX}minimum-compression-size"] = api["minimumCompressionSize"]
    if api.get("policy"):
        found[f"{_PREFIX}policy"] = orjson.loads(api["policy"])
    if api["apiKeySource"] != "HEADER":
        found[f"{_PREFIX}api-key-source"] = api["apiKeySource"]
    if api.get("disableExecuteApiEndpoint"):
        found[f"{_PREFIX}endpoint-configuration"] = {"disableExecuteApiEndpoint": True}
    return found


def _documentation(version: Document) -> Document:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-documentation.html"""
    moment = datetime.fromtimestamp(version["createdDate"], UTC)
    return {
        "version": version["version"],
        "createdDate": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "documentationParts": [
            {"location": part["location"], "properties": _read(part["properties"])}
            for _, part in sorted(version["parts"].items())
        ],
    }


def _read(properties: str) -> Any:
    try:
        return orjson.loads(properties)
    except orjson.JSONDecodeError:
        return properties
