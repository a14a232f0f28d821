"""Tokens of OpenID Connect providers that an account registered with IAM.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html: the provider's keys are
fetched from where its configuration says, over HTTPS; a server whose certificate no authority vouches for is
known by its thumbprint.
"""

from http.client import HTTPException
from typing import Any

import orjson
import urllib3
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from maycloud import outside
from maycloud.access.webidentity import InvalidIdentityError, WebIdentity
from maycloud.errors import AwsError
from maycloud.store import Document

SECONDS = 5.0  # to wait for a provider
MOST = 256 * 1024  # bytes of an answer
_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
_FAULTS = (JoseError, ValueError, LookupError, TypeError, AttributeError)  # of what somebody else sent
_TAGS = "https://aws.amazon.com/tags"


async def verify(provider: Document, issuer: str, token: str, now: float) -> WebIdentity:
    """Whom a token speaks of. Raises InvalidIdentityError and AWS's InvalidIdentityToken."""
    keys = await outside.in_thread(_fetch_keys, issuer, provider["Thumbprints"])
    try:
        claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
    except _FAULTS as error:
        raise InvalidIdentityError from error
    return _identity(provider, issuer, claims, now)


def _identity(provider: Document, issuer: str, claims: dict[str, Any], now: float) -> WebIdentity:
    subject, expires, begins = claims.get("sub"), claims.get("exp"), claims.get("nbf", 0)
    if claims.get("iss") != issuer or not isinstance(subject, str) or "iat" not in claims:
        raise InvalidIdentityError
    if not isinstance(expires, int | float) or not isinstance(begins, int | float) or begins > now:
        raise InvalidIdentityError
    if expires <= now:
        raise InvalidIdentityError(expires)
    told = claims.get("aud")
    audiences = told if isinstance(told, list) else [told]
    audience = claims.get("azp") or next((each for each in audiences if each in provider["Clients"]), None)
    if audience not in provider["Clients"]:
        raise AwsError("InvalidIdentityToken", "Incorrect token audience")
    name = provider["Url"]
    context: dict[str, Any] = {f"{name}:aud": audience, f"{name}:sub": subject}
    if isinstance(claims.get("amr"), list):
        context[f"{name}:amr"] = claims["amr"]
    if claims.get("azp"):
        context[f"{name}:oaud"] = [str(each) for each in audiences]
    return WebIdentity(provider["Arn"], issuer, subject, str(audience), context, _session_tags(claims))


def _session_tags(claims: dict[str, Any]) -> dict[str, str]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp"""
    given = claims.get(_TAGS)
    tags = given.get("principal_tags") if isinstance(given, dict) else None
    if not isinstance(tags, dict):
        return {}
    return {str(name): str(values[0]) for name, values in tags.items() if isinstance(values, list) and values}


def _unreachable() -> AwsError:
    return AwsError(
        "InvalidIdentityToken",
        "Couldn't retrieve verification key from your identity provider,  please reference"
        " AssumeRoleWithWebIdentity documentation for requirements",
    )


def _fetch_keys(issuer: str, thumbprints: list[str]) -> KeySet:
    try:
        configuration = _fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration", thumbprints)
        return KeySet.import_key_set(_fetch(configuration["jwks_uri"], thumbprints))
    except (*_FAULTS, urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
        raise _unreachable() from error


def _fetch(url: str, thumbprints: list[str]) -> Any:
    if not url.startswith("https://"):
        raise ValueError(url)
    ways: list[dict[str, Any]] = [{"cert_reqs": "CERT_REQUIRED"}]
    ways += [{"cert_reqs": "CERT_NONE", "assert_fingerprint": each} for each in thumbprints]
    for way in ways:
        with urllib3.PoolManager(timeout=SECONDS, retries=False, **way) as pool:
            try:
                answer = pool.request("GET", url, redirect=False, preload_content=False)
            except urllib3.exceptions.SSLError:
                continue
            body = answer.read(MOST + 1)
            if answer.status != 200 or len(body) > MOST:
                raise ValueError(url)
            return orjson.loads(body)
    raise ValueError(url)
