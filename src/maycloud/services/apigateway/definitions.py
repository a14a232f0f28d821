"""Methods, integrations and their responses as they are checked and kept.

Pure functions over an API's document, used by the single operations and by imports alike. `given` has
the members of AWS's operations (``PutMethod``, ``PutIntegration``, …).
"""

import re
from collections.abc import Iterable
from typing import Any

from maycloud import patterns
from maycloud.errors import AwsError
from maycloud.services.apigateway.service import bad_request, conflict, not_found
from maycloud.services.apigateway.service import given as pick
from maycloud.services.apigateway.store import new_id
from maycloud.store import Document

HTTP_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")
AUTHORIZATION_TYPES = ("NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS")
INTEGRATION_TYPES = ("HTTP", "AWS", "MOCK", "HTTP_PROXY", "AWS_PROXY")
PASSTHROUGH = ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER")
CONTENT_HANDLING = ("CONVERT_TO_BINARY", "CONVERT_TO_TEXT")
DEFAULT_TIMEOUT = 29_000
MAX_TEMPLATE = 300 << 10
NO_RESOURCE = "Invalid Resource identifier specified"

_PART = re.compile(r"[a-zA-Z0-9._\-:]+|\{[a-zA-Z0-9._\-:]+\+?\}")
_NAME = r"[a-zA-Z0-9._$-]+"
_METHOD_PARAMETER = re.compile(rf"method\.request\.(querystring|path|header)\.{_NAME}")
_RESPONSE_HEADER = re.compile(rf"method\.response\.header\.{_NAME}")
_INTEGRATION_PARAMETER = re.compile(rf"integration\.request\.(querystring|path|header)\.{_NAME}")
_REQUEST_SOURCE = re.compile(
    rf"'[^']*'|method\.request\.(querystring|path|header|multivaluequerystring|multivalueheader)\.{_NAME}"
    r"|method\.request\.body(\..+|\[.+)?|stageVariables\.\w+|context\..+",
    re.DOTALL,
)
_RESPONSE_SOURCE = re.compile(
    rf"'[^']*'|integration\.response\.(header|multivalueheader)\.{_NAME}"
    r"|integration\.response\.body(\..+|\[.+)?|stageVariables\.\w+|context\..+",
    re.DOTALL,
)
_AWS_URI = re.compile(r"arn:aws[a-z-]*:apigateway:[^:]+:[^:]+:(?P<kind>path|action)/(?P<rest>.+)", re.DOTALL)
_PROXY_URI = re.compile(
    r"arn:aws[a-z-]*:apigateway:[^:]+:lambda:path/[^/]+/functions/.+/invocations", re.DOTALL
)
_HTTP_URI = re.compile(r"https?://[^/\s]+.*|.*\$\{stageVariables\.\w+\}.*", re.DOTALL)


# Resources


def check_part(part: str) -> None:
    if not _PART.fullmatch(part):
        raise bad_request(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces"
            " at the beginning and the end."
        )


def check_place(api: Document, parent: Document, part: str, moving: str = "") -> None:
    """Whether a resource named `part` may be below `parent`; `moving` is its id if it is there already."""
    check_part(part)
    if parent["path"].endswith("+}"):
        raise bad_request(
            f"Cannot create a child of a resource with a greedy path variable: {parent['pathPart']}"
        )
    for sibling in api["resources"].values():
        if sibling.get("parentId") != parent["id"] or sibling["id"] == moving:
            continue
        name = sibling["pathPart"]
        if name == part:
            raise conflict(f"Another resource with the same parent already has this name: {part}")
        if part.startswith("{") and name.startswith("{"):
            raise bad_request(
                f"A sibling ({name}) of this resource already has a variable path part -- only one is allowed"
            )


def join(parent: Document, part: str) -> str:
    return f"{parent['path'].rstrip('/')}/{part}"


def add_resource(api: Document, parent: Document, part: str) -> Document:
    check_place(api, parent, part)
    identifier = new_id(6)
    while identifier in api["resources"]:
        identifier = new_id(6)
    resource: Document = {
        "id": identifier, "parentId": parent["id"], "pathPart": part, "path": join(parent, part),
        "resourceMethods": {},
    }  # fmt: skip
    api["resources"][identifier] = resource
    return resource


# Methods


def check_http_method(name: str) -> str:
    if name not in HTTP_METHODS:
        raise bad_request(f"Invalid HttpMethod specified. Valid options are {','.join(HTTP_METHODS)}")
    return name


def make_method(api: Document, http_method: str, given: Document) -> Document:
    """A Method without responses and integration."""
    method: Document = {
        "httpMethod": check_http_method(http_method),
        "apiKeyRequired": bool(given.get("apiKeyRequired")),
        **pick(
            given, "authorizationType", "authorizerId", "authorizationScopes", "operationName",
            "requestParameters", "requestModels", "requestValidatorId",
        ),
    }  # fmt: skip
    check_method(api, method)
    return method


def check_method(api: Document, method: Document) -> None:
    """What a method may say. An authorizer that its type does not ask for is forgotten, as on AWS."""
    kind = method.get("authorizationType")
    if kind not in AUTHORIZATION_TYPES:
        raise bad_request(
            "Invalid authorization type specified. Must be one of: " + f"[{', '.join(AUTHORIZATION_TYPES)}]"
        )
    if kind in ("CUSTOM", "COGNITO_USER_POOLS"):
        authorizer = api["authorizers"].get(method.get("authorizerId") or "")
        if authorizer is None or (authorizer["type"] == "COGNITO_USER_POOLS") != (kind != "CUSTOM"):
            raise bad_request(
                "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or"
                " COGNITO_USER_POOLS requires a valid authorizer."
            )
    else:
        method.pop("authorizerId", None)
    validator = method.get("requestValidatorId")
    if validator and validator not in api["requestValidators"]:
        raise bad_request("Invalid Request Validator identifier specified")
    for name in method.get("requestParameters") or {}:
        if not _METHOD_PARAMETER.fullmatch(name):
            raise mapping_error(f"Invalid mapping expression specified: {name}")
    names = [name.rpartition(".")[2] for name in method.get("requestParameters") or {}]
    if len(set(names)) < len(names):
        raise bad_request("Parameter names must be unique across querystring, header and path")
    check_models(api, (method.get("requestModels") or {}).values())


def check_models(api: Document, names: Iterable[str]) -> None:
    for name in names:
        if name not in api["models"]:
            raise bad_request(f"Invalid model identifier specified: {name}")


def make_method_response(api: Document, status: str, given: Document) -> Document:
    response: Document = {"statusCode": _status(status)}
    response |= pick(given, "responseParameters", "responseModels")
    check_method_response(api, response)
    return response


def check_method_response(api: Document, response: Document) -> None:
    for name in response.get("responseParameters") or {}:
        if not _RESPONSE_HEADER.fullmatch(name):
            raise mapping_error(f"Invalid mapping expression specified: {name}")
    check_models(api, (response.get("responseModels") or {}).values())


def _status(code: str) -> str:
    if not re.fullmatch(r"[1-5]\d\d", code):
        raise bad_request("Invalid status code specified. Must be a number from 100 to 599")
    return code


def mapping_error(error: str) -> AwsError:
    """What AWS says of a wrong mapping, wherever it is."""
    return bad_request(
        f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{error}]"
    )


# Integrations


def make_integration(api: Document, resource: Document, method: Document, given: Document) -> Document:
    """An Integration from the members of PutIntegration."""
    kind = given.get("type") or ""
    integration: Document = {
        "type": kind,
        "passthroughBehavior": given.get("passthroughBehavior") or "WHEN_NO_MATCH",
        "timeoutInMillis": given.get("timeoutInMillis") or DEFAULT_TIMEOUT,
        "cacheNamespace": given.get("cacheNamespace") or resource["id"],
        "cacheKeyParameters": list(given.get("cacheKeyParameters") or []),
        **pick(
            given, "uri", "credentials", "connectionType", "connectionId", "requestParameters",
            "requestTemplates", "contentHandling", "tlsConfig",
        ),
    }  # fmt: skip
    if given.get("integrationHttpMethod"):
        integration["httpMethod"] = given["integrationHttpMethod"]
    if kind in ("HTTP", "HTTP_PROXY"):
        integration.setdefault("connectionType", "INTERNET")
    if given.get("responseTransferMode") not in (None, "BUFFERED"):
        raise bad_request("responseTransferMode STREAM is not supported by Maycloud")
    check_integration(api, method, integration)
    return integration


def check_integration(api: Document, method: Document, integration: Document) -> None:
    kind = integration["type"]
    if kind not in INTEGRATION_TYPES:
        raise bad_request(
            f"Invalid integration type specified. Must be one of: [{', '.join(INTEGRATION_TYPES)}]"
        )
    if integration.get("connectionType") == "VPC_LINK":
        raise bad_request("Integrations of connection type VPC_LINK are not supported by Maycloud")
    if kind != "MOCK":
        if integration.get("httpMethod") not in HTTP_METHODS:
            raise bad_request("Enumeration value for HttpMethod must be non-empty")
        _check_uri(kind, integration.get("uri") or "")
    if integration.get("passthroughBehavior") not in PASSTHROUGH:
        raise bad_request("Invalid passthrough behavior specified")
    _check_content_handling(integration)
    longest = 300_000 if "EDGE" not in api["endpointConfiguration"]["types"] else DEFAULT_TIMEOUT
    if not 50 <= integration["timeoutInMillis"] <= longest:
        raise bad_request(f"Timeout should be between 50 ms and {longest} ms")
    credentials = integration.get("credentials")
    if credentials and not re.fullmatch(r"arn:aws[a-z-]*:iam::(\d{12}|\*):.+", credentials):
        raise bad_request("Invalid ARN specified in the request")
    _check_templates(integration.get("requestTemplates"))
    for name, source in (integration.get("requestParameters") or {}).items():
        if not _INTEGRATION_PARAMETER.fullmatch(name):
            raise mapping_error(f"Invalid mapping expression specified: {name}")
        _check_request_source(method, source)
    _check_cache_keys(method, integration)


def _check_cache_keys(method: Document, integration: Document) -> None:
    """What answers are kept by must be a parameter of the method, or one of the integration's own."""
    known = {*(method.get("requestParameters") or {}), *(integration.get("requestParameters") or {})}
    for name in integration.get("cacheKeyParameters") or []:
        if name not in known:
            raise bad_request(f"Invalid cache key parameter specified: {name}")


def _check_uri(kind: str, uri: str) -> None:
    if kind in ("HTTP", "HTTP_PROXY"):
        if not _HTTP_URI.fullmatch(uri):
            raise bad_request("Invalid HTTP endpoint specified for URI")
        return
    if not uri.startswith("arn:"):
        raise bad_request("Invalid ARN specified in the request")
    if not _AWS_URI.fullmatch(uri):
        raise bad_request("AWS ARN for integration must contain path or action")
    if kind == "AWS_PROXY" and not _PROXY_URI.fullmatch(uri):
        raise bad_request(
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream"
            " invocations."
        )


def _check_request_source(method: Document, source: str) -> None:
    if not _REQUEST_SOURCE.fullmatch(source):
        raise mapping_error(f"Invalid mapping expression specified: {source}")
    # Values of many are the same parameter as the one value.
    plain = source.replace(".multivalue", ".", 1)
    if _METHOD_PARAMETER.fullmatch(plain) and plain not in (method.get("requestParameters") or {}):
        raise mapping_error(f"Invalid mapping expression parameter specified: {source}")


def _check_content_handling(document: Document) -> None:
    handling = document.get("contentHandling")
    if handling and handling not in CONTENT_HANDLING:
        raise bad_request(
            f"Invalid content handling specified. Must be one of: [{', '.join(CONTENT_HANDLING)}]"
        )


def _check_templates(templates: dict[str, str] | None) -> None:
    for media, template in (templates or {}).items():
        if template and len(template.encode()) > MAX_TEMPLATE:
            raise bad_request(f"Mapping template for content type {media} exceeds the maximum size of 300 KB")


def make_integration_response(method: Document, status: str, given: Document) -> Document:
    """Raises NotFoundException without an integration, BadRequestException for wrong mappings."""
    integration_of(method)
    response: Document = {"statusCode": _status(status)}
    response |= pick(given, "selectionPattern", "responseParameters", "responseTemplates", "contentHandling")
    check_integration_response(method, response)
    return response


def check_integration_response(method: Document, response: Document) -> None:
    answers = (method.get("methodResponses") or {}).get(response["statusCode"])
    if answers is None:
        raise mapping_error("No method response exists for method.")
    declared = answers.get("responseParameters") or {}
    for name, source in (response.get("responseParameters") or {}).items():
        if not _RESPONSE_HEADER.fullmatch(name):
            raise mapping_error(f"Invalid mapping expression specified: {name}")
        if name not in declared:
            raise mapping_error(f"Invalid mapping expression parameter specified: {name}")
        if not _RESPONSE_SOURCE.fullmatch(source):
            raise mapping_error(f"Invalid mapping expression specified: {source}")
    _check_content_handling(response)
    _check_templates(response.get("responseTemplates"))
    pattern = response.get("selectionPattern")
    if pattern:
        try:
            patterns.compiled(pattern)
        except patterns.PatternError:
            raise bad_request("Invalid selection pattern specified") from None


# Finding


def resource_of(api: Document, identifier: str) -> Document:
    found = api["resources"].get(identifier)
    if found is None:
        raise not_found(NO_RESOURCE)
    return found


def method_of(resource: Document, http_method: str) -> Document:
    found = (resource.get("resourceMethods") or {}).get(http_method)
    if found is None:
        raise not_found("Invalid Method identifier specified")
    return found


def integration_of(method: Document) -> Document:
    found = method.get("methodIntegration")
    if found is None:
        raise not_found("Invalid Integration identifier specified")
    return found


def response_of(holder: Document, member: str, status: str) -> dict[str, Any]:
    found = (holder.get(member) or {}).get(status)
    if found is None:
        raise not_found("Invalid Response status code specified")
    return found
