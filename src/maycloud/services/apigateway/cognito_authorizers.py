"""Cognito authorizers: whose token it is, and what its claims are to an API.

Without scopes on the method a token is taken for an ID token, with scopes for an access token.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
"""

import time
from dataclasses import dataclass
from typing import Any

import orjson

from maycloud import patterns
from maycloud.errors import AwsError
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.gateway_responses import GatewayError
from maycloud.services.apigateway.identity_sources import token_of
from maycloud.services.base import Cloud

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(slots=True)
class Claimant:
    """The holder of a token that was verified."""

    context: dict[str, Any]  # $context.authorizer
    scopes: frozenset[str]
    expires: float  # epoch seconds


def bearer_of(exchange: Exchange, authorizer: dict[str, Any]) -> str:
    """The token of a request, with or without ``Bearer`` before it. Raises UNAUTHORIZED without one."""
    token = token_of(exchange, authorizer)
    token = token[7:] if token[:7].lower() == "bearer " else token
    if not token:
        raise GatewayError("UNAUTHORIZED")
    return token


def verify(cloud: Cloud, authorizer: dict[str, Any], token: str, use: str) -> Claimant:
    """Check a token against each of the authorizer's user pools. Raises UNAUTHORIZED."""
    pools = cloud.state("cognito-idp")
    expired = False
    for arn in authorizer.get("providerARNs") or []:
        try:
            claims = pools.verify_token(token, use, pool=arn.rpartition("/")[2])
        except AwsError as error:
            expired = expired or getattr(error, "reason", "") == "expired"
            continue
        pattern = authorizer.get("identityValidationExpression")
        if pattern and not patterns.fullmatch(
            pattern, str(claims.get("aud") or claims.get("client_id") or "")
        ):
            break
        scopes = frozenset(str(claims.get("scope") or "").split())
        return Claimant({"claims": as_texts(claims)}, scopes, float(claims["exp"]))
    raise GatewayError("UNAUTHORIZED", "The incoming token has expired" if expired else "")


def as_texts(claims: dict[str, Any]) -> dict[str, str]:
    """Claims as API Gateway passes them: text, lists joined with commas, moments written out."""
    return {name: _text(name, value) for name, value in claims.items()}


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if name in ("exp", "iat") and isinstance(value, int | float):
        at = time.gmtime(value)
        clock = time.strftime("%H:%M:%S", at)
        return f"{_DAYS[at.tm_wday]} {_MONTHS[at.tm_mon - 1]} {at.tm_mday:02d} {clock} UTC {at.tm_year}"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return orjson.dumps(value).decode()
