"""Logins: tokens of a pool's providers, verified before anything in them counts.

Messages as AWS's Cognito words them, seen in issues of amazon-cognito-identity-js (7, 40, 68, 91).
"""

import base64
import re
from dataclasses import dataclass
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call
from maycloud.services.cognito_identity.service import not_authorized
from maycloud.services.cognito_identity.store import Pool

Claims = dict[str, Any]

# AWS's name of a user pool as a provider, or this cloud's: `localhost:4566/us-east-1_abc`.
_USER_POOL = re.compile(
    r"(?:https?://)?(?:cognito-idp\.[a-z0-9-]+\.[a-z0-9.-]+|localhost|127\.0\.0\.1)(?::\d+)?"
    r"/(?P<pool>(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)_[0-9A-Za-z]+)"
)
_EXTERNAL = frozenset(
    {"graph.facebook.com", "accounts.google.com", "www.amazon.com", "api.twitter.com", "appleid.apple.com"}
)


@dataclass(frozen=True, slots=True)
class Login:
    """One verified login. `provider` is in AWS's form whatever the client wrote."""

    provider: str
    subject: str
    claims: Claims
    client: str = ""  # the app client that the token is for
    method: str = ""  # how ``amr`` names the login beside its provider


def provider_name(name: str) -> str:
    """A provider's one name: a user pool's is ``cognito-idp.{region}.amazonaws.com/{pool}``."""
    match = _USER_POOL.fullmatch(name)
    if match is None:
        return name
    return f"cognito-idp.{match['region']}.amazonaws.com/{match['pool']}"


def verify(call: Call, pool: Pool, logins: dict[str, str]) -> list[Login]:
    """Every login of a request, or NotAuthorizedException for the first that is not one."""
    return [_verify(call, pool, provider_name(name), token) for name, token in logins.items()]


def _verify(call: Call, pool: Pool, provider: str, token: str) -> Login:
    entries = [
        entry
        for entry in pool.get("CognitoIdentityProviders", [])
        if provider_name(entry["ProviderName"]) == provider
    ]
    if not entries:
        if provider in pool.get("SupportedLoginProviders", {}) and provider in _EXTERNAL:
            raise AwsError("ExternalServiceException", f"{provider} cannot be reached from this cloud")
        raise unsupported_provider()
    claims = _claims(token)
    pool_id = provider.partition("/")[2]
    if str(claims.get("iss", "")).rpartition("/")[2] != pool_id:
        raise _invalid("Issuer doesn't match providerName")
    if not isinstance(claims.get("aud"), str):
        raise _invalid("Missing a required claim: aud")
    entry = next((entry for entry in entries if entry["ClientId"] == claims["aud"]), None)
    if entry is None:
        raise unsupported_provider()
    verified = _check(call, pool_id, token, revocable=entry["ServerSideTokenCheck"])
    subject = verified["sub"]
    return Login(provider, subject, verified, verified["aud"], f"{provider}:CognitoSignIn:{subject}")


def _check(call: Call, pool_id: str, token: str, *, revocable: bool) -> Claims:
    """The claims of an ID token that the user pool signed and, if `revocable`, did not take back."""
    try:
        return call.cloud.state("cognito-idp").verify_token(token, "id", pool=pool_id, revocable=revocable)
    except AwsError as error:
        reason = getattr(error, "reason", "")
        if reason == "expired":
            now = int(call.now())
            raise _invalid(f"Token expired: {now} >= {_claims(token).get('exp')}") from error
        if reason == "revoked":
            raise _invalid("Token has been revoked.") from error
        raise _invalid("Couldn't verify signed token.") from error


def _claims(token: str) -> Claims:
    """What a token says, unverified: enough to say what is wrong with it."""
    parts = token.split(".")
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError) as error:
        raise _invalid("Not a valid OpenId Connect identity token.") from error
    if len(parts) != 3 or not isinstance(claims, dict):
        raise _invalid("Not a valid OpenId Connect identity token.")
    return claims


def unsupported_provider() -> AwsError:
    return not_authorized("Token is not from a supported provider of this identity pool.")


def _invalid(problem: str) -> AwsError:
    return not_authorized(f"Invalid login token. {problem}")
