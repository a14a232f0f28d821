"""Authorizers of an API, as they are kept."""

import re

from maycloud import patterns
from maycloud.services.apigateway import patch
from maycloud.services.apigateway.patch import LISTED, REMOVABLE, Rule
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

TYPES = ("TOKEN", "REQUEST", "COGNITO_USER_POOLS")
DEFAULT_TTL = 300  # seconds
_POOL = re.compile(r"arn:aws[a-z-]*:cognito-idp:[^:]+:\d{12}:userpool/.+")
MAX_TTL = 3600

AUTHORIZER_PATH = "/restapis/{restApiId}/authorizers/{authorizerId}"
_RULES = (
    Rule("/authType", REMOVABLE),
    Rule("/authorizerCredentials", REMOVABLE),
    Rule("/authorizerResultTtlInSeconds", parse=patch.as_whole),
    Rule("/authorizerUri"),
    Rule("/identitySource", REMOVABLE),
    Rule("/identityValidationExpression", REMOVABLE),
    Rule("/name"),
    Rule("/providerARNs", LISTED, members=True),
    Rule("/type"),
)
_SOURCE = re.compile(r"method\.request\.(header|querystring)\.\S+|stageVariables\.\w+|context\.\S+")


def make_authorizer(members: Document) -> Document:
    """An Authorizer from the members of CreateAuthorizer."""
    kind = members.get("type") or ""
    authorizer: Document = {
        "id": new_id(6),
        "authType": "cognito_user_pools" if kind == "COGNITO_USER_POOLS" else "custom",
        "authorizerResultTtlInSeconds": DEFAULT_TTL,
        **given(
            members, "name", "type", "providerARNs", "authType", "authorizerUri", "authorizerCredentials",
            "identitySource", "identityValidationExpression", "authorizerResultTtlInSeconds",
        ),
    }  # fmt: skip
    if kind == "COGNITO_USER_POOLS":
        authorizer.setdefault("identitySource", "method.request.header.Authorization")
    check_authorizer(authorizer)
    return authorizer


def check_authorizer(authorizer: Document) -> None:
    kind = authorizer.get("type")
    if kind not in TYPES:
        raise bad_request(f"Invalid authorizer type specified. Must be one of: [{', '.join(TYPES)}]")
    if not authorizer.get("name"):
        raise bad_request("Authorizer name cannot be blank")
    ttl = authorizer["authorizerResultTtlInSeconds"]
    if not 0 <= ttl <= MAX_TTL:
        raise bad_request(f"Authorizer result TTL must be between 0 and {MAX_TTL} seconds")
    if kind == "COGNITO_USER_POOLS":
        if not authorizer.get("providerARNs"):
            raise bad_request("Invalid Cognito User Pool ARN specified")
        for arn in authorizer["providerARNs"]:
            if not isinstance(arn, str) or not _POOL.fullmatch(arn):
                raise bad_request(f"Invalid Cognito User Pool ARN specified: {arn}")
    else:
        _check_lambda(authorizer)
    try:
        patterns.compiled(authorizer.get("identityValidationExpression") or "")
    except patterns.PatternError:
        raise bad_request("Invalid identity validation expression specified") from None
    sources = [each.strip() for each in (authorizer.get("identitySource") or "").split(",") if each.strip()]
    if kind == "TOKEN" and len(sources) != 1:
        raise bad_request("Identity source is required for TOKEN authorizers")
    if kind == "REQUEST" and ttl > 0 and not sources:
        raise bad_request("Identity source is required for REQUEST authorizers when caching is enabled")
    if not all(_SOURCE.fullmatch(source) for source in sources):
        raise bad_request(f"Invalid identity source specified: {authorizer['identitySource']}")


_URI = re.compile(r"arn:aws[a-z-]*:apigateway:[^:]+:lambda:path/.+/invocations", re.DOTALL)


def _check_lambda(authorizer: Document) -> None:
    uri = authorizer.get("authorizerUri") or ""
    if not isinstance(uri, str) or not _URI.fullmatch(uri):
        raise bad_request(f"Invalid Authorizer URI: {uri or 'null'}")


def authorizer_of(api: Document, identifier: str) -> Document:
    found = api["authorizers"].get(identifier)
    if found is None:
        raise not_found("Invalid Authorizer identifier specified")
    return found


def _check_name(api: Document, authorizer: Document) -> None:
    for other in api["authorizers"].values():
        if other["name"] == authorizer["name"] and other["id"] != authorizer["id"]:
            raise conflict(
                f"Authorizer name must be unique. Authorizer {other['name']} already exists in this RestApi."
            )


@service.operation(**on("POST", "/restapis/{restApiId}/authorizers"))
def CreateAuthorizer(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html"""
    # Recorded of AWS: LocalStack's test_authorizer_crud_no_api
    busy = "Unable to complete operation due to concurrent modification. Please try again later."
    api = editable_api(call, params, conflict(busy))
    authorizer = make_authorizer(params)
    _check_name(api, authorizer)
    api["authorizers"][authorizer["id"]] = authorizer
    save(call, api)
    return authorizer


@service.operation(**reading(AUTHORIZER_PATH))
def GetAuthorizer(call: Call, params: Params) -> Result:
    return authorizer_of(api_of(call, params), params["authorizerId"])


@service.operation(**reading("/restapis/{restApiId}/authorizers"))
def GetAuthorizers(call: Call, params: Params) -> Result:
    return page(params, api_of(call, params)["authorizers"].values(), dict)


@service.operation(**on("PATCH", AUTHORIZER_PATH))
def UpdateAuthorizer(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    authorizer = authorizer_of(api, params["authorizerId"])
    patch.apply(authorizer, params.get("patchOperations"), _RULES)
    check_authorizer(authorizer)
    _check_name(api, authorizer)
    save(call, api)
    return authorizer


@service.operation(**on("DELETE", AUTHORIZER_PATH))
def DeleteAuthorizer(call: Call, params: Params) -> Result:
    api = editable_api(call, params)
    identifier = params["authorizerId"]
    authorizer = authorizer_of(api, identifier)
    for resource, verb, method in all_methods(api):
        if method.get("authorizerId") == identifier:
            raise conflict(
                f"Cannot delete authorizer '{authorizer['name']}', is referenced in method: {verb}"
                f" {resource['path']}"
            )
    del api["authorizers"][identifier]
    save(call, api)
    return None
