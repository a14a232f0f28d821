"""What API Gateway itself answers: its defaults, and an API's own wording of them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from maycloud.edge.messages import RawHeaders, Response
from maycloud.services.apigateway.mapping import MappingInput, evaluate
from maycloud.services.apigateway.velocity import TemplateError, merge, text_of

# Type: status, message, the value of x-amzn-errortype
DEFAULTS: dict[str, tuple[int, str | None, str]] = {
    "ACCESS_DENIED": (403, "User is not authorized to access this resource", "AccessDeniedException"),
    "API_CONFIGURATION_ERROR": (500, "Internal server error", "InternalServerErrorException"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, None, "AuthorizerConfigurationException"),
    "AUTHORIZER_FAILURE": (500, None, "AuthorizerConfigurationException"),
    "BAD_REQUEST_BODY": (400, "Invalid request body", "BadRequestException"),
    "BAD_REQUEST_PARAMETERS": (400, "Missing required request parameters", "BadRequestException"),
    "EXPIRED_TOKEN": (403, "The security token included in the request is expired", "ExpiredTokenException"),
    "INTEGRATION_FAILURE": (504, "Internal server error", "InternalServerErrorException"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out", "GatewayTimeoutException"),
    "INVALID_API_KEY": (403, "Forbidden", "ForbiddenException"),
    "INVALID_SIGNATURE": (403, "", "InvalidSignatureException"),
    "MISSING_AUTHENTICATION_TOKEN": (
        403,
        "Missing Authentication Token",
        "MissingAuthenticationTokenException",
    ),
    "QUOTA_EXCEEDED": (429, "Limit Exceeded", "LimitExceededException"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long", "RequestTooLargeException"),
    "RESOURCE_NOT_FOUND": (404, "Not Found", "NotFoundException"),
    "THROTTLED": (429, "Too Many Requests", "TooManyRequestsException"),
    "UNAUTHORIZED": (401, "Unauthorized", "UnauthorizedException"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Unsupported Media Type", "BadRequestException"),
    "WAF_FILTERED": (403, "Forbidden", "ForbiddenException"),
}
_TEMPLATE = '{"message":$context.error.messageString}'


@dataclass
class GatewayError(Exception):
    """Ends a request with one of API Gateway's own answers."""

    type: str
    message: str = ""
    status: int = 0
    details: dict[str, Any] = field(default_factory=dict[str, Any])  # further members of $context.error
    reason: str = ""  # for the execution log; clients are not told


def internal_error(status: int = 500, reason: str = "") -> GatewayError:
    """Something between API Gateway and its integration: its message never says what."""
    return GatewayError("DEFAULT_5XX", "Internal server error", status, reason=reason)


def respond(error: GatewayError, customized: dict[str, Any], data: MappingInput) -> Response:
    """The answer, by the API's own gateway responses where it has one for the type."""
    default = DEFAULTS.get(error.type, (500, "Internal server error", "InternalServerErrorException"))
    status = error.status or default[0]
    message = error.message or default[1]
    wildcard = "DEFAULT_4XX" if status < 500 else "DEFAULT_5XX"
    own = customized.get(error.type) or customized.get(wildcard)
    headers: RawHeaders = [(b"x-amzn-errortype", default[2].encode())]
    data.context["error"] = {
        "message": message,
        "messageString": orjson.dumps(message).decode(),
        "responseType": error.type,
        **error.details,
    }
    if own is None:
        headers.append((b"content-type", b"application/json"))
        # AWS spells the member of this one with a capital.
        member = "Message" if error.type == "ACCESS_DENIED" else "message"
        return Response(status, headers, orjson.dumps({member: message}))
    if own.get("statusCode"):
        status = int(own["statusCode"])
    for name, expression in (own.get("responseParameters") or {}).items():
        value = evaluate(expression, data)
        if name.startswith("gatewayresponse.header.") and value is not None:
            key = name.removeprefix("gatewayresponse.header.").lower()
            headers.append((key.encode(), text_of(value).encode()))
    templates = own.get("responseTemplates") or {}
    media = "application/json" if "application/json" in templates or not templates else next(iter(templates))
    template = templates.get(media, _TEMPLATE)
    try:
        # Gateway responses know $context alone, and no logic: references are filled in.
        body = merge(template, {"context": data.context, "stageVariables": data.stage_variables})
    except TemplateError:
        body = orjson.dumps({"message": message}).decode()
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", media.encode()))
    return Response(status, headers, body.encode())
