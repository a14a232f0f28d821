"""Lambda authorizers: the events they get, and what is made of their answers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

import re
import time
from dataclasses import dataclass
from typing import Any

import orjson

from maycloud import patterns
from maycloud.access.policies import Policy, compile_policy
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.apigateway.exchange import Exchange, elapsed
from maycloud.services.apigateway.gateway_responses import GatewayError
from maycloud.services.apigateway.identity_sources import token_of, values_of
from maycloud.services.apigateway.mapping import substitute_variables
from maycloud.services.base import Cloud

_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(?P<arn>[^/]+)/invocations"
)


@dataclass(slots=True)
class Verdict:
    """What a Lambda authorizer answered: a policy, not yet a decision."""

    context: dict[str, Any]  # principalId and the context's members, all of them text
    policy: Policy
    document: dict[str, Any]
    usage_key: str | None


def identity_of(exchange: Exchange, authorizer: dict[str, Any]) -> tuple[str, ...]:
    """What the authorizer's answer is kept by. Raises UNAUTHORIZED where the function need not be asked."""
    if authorizer["type"] == "REQUEST":
        values = values_of(exchange, authorizer)
        if values is None:
            raise GatewayError("UNAUTHORIZED")
        return values
    token = token_of(exchange, authorizer)
    pattern = authorizer.get("identityValidationExpression")
    if not token or (pattern and not patterns.fullmatch(pattern, token)):
        raise GatewayError("UNAUTHORIZED")
    return (token,)


async def ask(cloud: Cloud, exchange: Exchange, authorizer: dict[str, Any]) -> Verdict:
    """Invoke the function. Raises GatewayError: 401 if it said so, 500 for whatever is wrong with it."""
    begun = time.perf_counter()
    answer = await _invoke(cloud, exchange, authorizer, orjson.dumps(event_of(exchange, authorizer)))
    payload = answer.get("Payload") or b""
    if answer.get("FunctionError"):
        if _error_message(payload) == "Unauthorized":
            raise GatewayError("UNAUTHORIZED")
        raise GatewayError("AUTHORIZER_FAILURE")
    verdict = read_verdict(payload)
    verdict.context["integrationLatency"] = int(elapsed(begun))
    return verdict


def event_of(exchange: Exchange, authorizer: dict[str, Any]) -> dict[str, Any]:
    if authorizer["type"] == "TOKEN":
        return {
            "type": "TOKEN",
            "methodArn": exchange.method_arn(),
            "authorizationToken": token_of(exchange, authorizer),
        }
    single, many = exchange.headers
    query, queries = exchange.query
    return {
        "type": "REQUEST",
        "methodArn": exchange.method_arn(),
        "resource": exchange.resource_path,
        "path": exchange.path,
        "httpMethod": exchange.request.method,
        "headers": single,
        "multiValueHeaders": many,
        "queryStringParameters": query or {},
        "multiValueQueryStringParameters": queries or {},
        "pathParameters": exchange.path_parameters,
        "stageVariables": exchange.variables,
        "requestContext": exchange.request_context(),
    }


def _error_message(payload: bytes) -> str:
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ""
    return str(answer.get("errorMessage") or "") if isinstance(answer, dict) else ""


async def _invoke(
    cloud: Cloud, exchange: Exchange, authorizer: dict[str, Any], payload: bytes
) -> dict[str, Any]:
    uri = substitute_variables(authorizer.get("authorizerUri") or "", exchange.variables)
    function = _FUNCTION.fullmatch(uri)
    if function is None:
        raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR")
    account, region = exchange.scope
    parts = function["arn"].split(":")
    source = f"arn:aws:execute-api:{region}:{account}:{exchange.api}/authorizers/{authorizer['id']}"
    try:
        return await cloud.call(
            "lambda",
            "Invoke",
            {"FunctionName": function["arn"], "Payload": payload},
            as_=_caller(cloud, exchange, authorizer),
            region=parts[3] if len(parts) > 3 else region,
            account=parts[4] if len(parts) > 4 else account,
            context={"aws:SourceArn": source, "aws:SourceAccount": account},
        )
    except AwsError as error:
        raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR") from error


def _caller(cloud: Cloud, exchange: Exchange, authorizer: dict[str, Any]) -> Principal:
    """API Gateway itself, or a session of the role that the authorizer names."""
    role = authorizer.get("authorizerCredentials")
    if not role:
        return Principal.service("apigateway.amazonaws.com", exchange.scope[0])
    session = f"BackplaneAssumeRoleSession-{exchange.api}"
    return cloud.access.identities.role_session(role, session, 3600, "apigateway.amazonaws.com").principal


def read_verdict(payload: bytes) -> Verdict:
    """Raises AUTHORIZER_CONFIGURATION_ERROR for an answer that is not of the documented form."""
    try:
        answer = orjson.loads(payload)
        document = answer["policyDocument"]
        principal = answer["principalId"]
        _check_statements(document)
        policy = compile_policy(document)
        context = _context(answer.get("context") or {})
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError, AwsError) as error:
        raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR") from error
    if not isinstance(principal, str) or not principal:
        raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR")
    key = answer.get("usageIdentifierKey")
    return Verdict(
        {**context, "principalId": principal}, policy, document, key if isinstance(key, str) else None
    )


def _check_statements(document: dict[str, Any]) -> None:
    """Each statement must say what it is of: one that does not would be of everything."""
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if "Resource" not in statement and "NotResource" not in statement:
            raise ValueError("a statement without resources")


def _context(given: dict[str, Any]) -> dict[str, str]:
    """Members as text, as ``$context.authorizer`` has them; objects and lists are refused."""
    texts: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, bool):
            texts[name] = "true" if value else "false"
        elif isinstance(value, str):
            texts[name] = value
        elif isinstance(value, int | float):
            texts[name] = orjson.dumps(value).decode()
        elif value is not None:
            raise ValueError(f"{name} is neither text nor a number nor a truth value")
    return texts
