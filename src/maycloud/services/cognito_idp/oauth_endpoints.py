"""The endpoints that programs call: tokens for codes, refresh tokens and clients, userInfo, revocation.

https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html
https://docs.aws.amazon.com/cognito/latest/developerguide/revocation-endpoint.html
"""

import base64
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from maycloud.edge.messages import BodyTooLargeError, RawHeaders, Response
from maycloud.errors import AwsError
from maycloud.services.cognito_idp import claims, tokens
from maycloud.services.cognito_idp.client_secrets import check_secret
from maycloud.services.cognito_idp.hosted_visit import Visit
from maycloud.services.cognito_idp.oauth_requests import OAuthError, allows, proves
from maycloud.services.cognito_idp.store import Client
from maycloud.store import Document

log = logging.getLogger("maycloud.cognito")

# No cookie counts here, so every page may ask.
_HEADERS: RawHeaders = [
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
]
_PREFLIGHT: RawHeaders = [
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"86400"),
]


class _TokenRefusedError(OAuthError):
    """What a bearer of a bad token is told, in a header too (RFC 6750)."""


async def serve(visit: Visit) -> Response:
    request = visit.request
    if request.method == "OPTIONS":
        return Response(200, [*_HEADERS, *_PREFLIGHT])
    methods, endpoint = ENDPOINTS[visit.path]
    if request.method not in methods:
        return _json(405, {"error": "invalid_request"})
    try:
        return await endpoint(visit)
    except _TokenRefusedError as error:
        challenge = f'Bearer error="{error.code}", error_description="{error.description}"'
        body = {"error": error.code, "error_description": error.description}
        return _json(401, body, [(b"www-authenticate", challenge.encode())])
    except OAuthError as error:
        log.info("pool %s, %s: %s (%s)", visit.pool.id, visit.path, error.code, error.description)
        return _json(400, {"error": error.code})
    except ConnectionError:
        return _json(400, {"error": "invalid_request"})
    except BodyTooLargeError:
        return _json(413, {"error": "invalid_request"})


def _json(status: int, body: dict[str, Any], headers: RawHeaders | None = None) -> Response:
    content = (b"content-type", b"application/json;charset=UTF-8")
    return Response(status, [content, *_HEADERS, *(headers or [])], orjson.dumps(body))


def _client(visit: Visit, form: dict[str, str]) -> Client:
    """The client that asks, by Basic authentication or by fields of the form, its secret checked."""
    identifier, secret = form.get("client_id", ""), form.get("client_secret")
    if header := visit.request.header("authorization"):
        scheme, _, encoded = header.partition(" ")
        try:
            name, colon, given = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError as error:
            raise OAuthError("invalid_client", "The Authorization header cannot be read") from error
        if scheme.lower() != "basic" or not colon or identifier not in ("", name):
            raise OAuthError("invalid_client", "The Authorization header is not the client's")
        identifier, secret = name, given
    client = visit.client(identifier)
    if client is None or not check_secret(visit.state, client, secret):
        raise OAuthError("invalid_client", "The client does not exist, or its secret is another")
    return client


# Tokens


async def token(visit: Visit) -> Response:
    form = await visit.fields()
    grant_type = form.get("grant_type", "")
    if not grant_type:
        raise OAuthError("invalid_request", "grant_type is missing")
    if grant_type not in _GRANTS:
        raise OAuthError("unsupported_grant_type", "grant_type is not known")
    client = _client(visit, form)
    try:
        return _json(200, await _GRANTS[grant_type](visit, client, form))
    except AwsError as error:
        raise OAuthError("invalid_grant", error.message) from error


async def _by_code(visit: Visit, client: Client, form: dict[str, str]) -> Document:
    """A code is good once: a wrong use spends it too, and a second one takes back what the first gave."""
    state = visit.state
    if not allows(client, "code"):
        raise OAuthError("unauthorized_client", "The client does not have this flow")
    if not form.get("code") or not form.get("redirect_uri"):
        raise OAuthError("invalid_request", "code and redirect_uri are needed")
    redeemed = state.oauth.redeem(form["code"])
    if redeemed is None:
        raise OAuthError("invalid_grant", "The code is not known or has expired")
    if redeemed.replayed is not None:
        state.records.revoke(redeemed.replayed)
        raise OAuthError("invalid_grant", "The code has been used")
    state.oauth.use(redeemed, "")
    grant = redeemed.grant
    if (grant.pool, grant.client) != (visit.pool.id, client.id):
        raise OAuthError("invalid_grant", "The code is another client's")
    if grant.redirect_uri != form["redirect_uri"]:
        raise OAuthError("invalid_grant", "The code was given for another redirect_uri")
    if not proves(form.get("code_verifier", ""), grant.challenge):
        raise OAuthError("invalid_grant", "code_verifier is not that of the challenge")
    user = state.store.user(visit.pool.id, grant.username)
    if user is None or not user.enabled:
        raise OAuthError("invalid_grant", "The user may not sign in any more")
    result = await tokens.sign_in(
        state, visit.pool, client, user, source="TokenGeneration_HostedAuth", scopes=grant.scopes,
        nonce=grant.nonce or None, hosted=True, since=grant.signed_in,
    )  # fmt: skip
    decoded = tokens.decode(result["AccessToken"])
    assert decoded is not None
    state.oauth.use(redeemed, decoded[1]["event_id"])
    return _answer(result)


async def _by_refresh(visit: Visit, client: Client, form: dict[str, str]) -> Document:
    if not form.get("refresh_token"):
        raise OAuthError("invalid_request", "refresh_token is missing")
    return _answer(await tokens.refresh(visit.state, visit.pool, client, form["refresh_token"]))


async def _by_client(visit: Visit, client: Client, form: dict[str, str]) -> Document:
    """An access token for the client itself, with scopes of resource servers."""
    if not allows(client, "client_credentials"):
        raise OAuthError("unauthorized_client", "The client does not have this flow")
    allowed = client.settings.get("AllowedOAuthScopes", [])
    scopes = list(dict.fromkeys(form.get("scope", "").split())) or list(allowed)
    if not set(scopes) <= set(allowed):
        raise OAuthError("invalid_scope", "The client does not have these scopes")
    state = visit.state
    now = int(state.clock.time())
    life = tokens.lifetime(client, "AccessToken")
    body = {
        "sub": client.id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": now,
        "iss": state.issuer(visit.pool.id),
        "exp": now + life,
        "iat": now,
        "version": 2,
        "jti": str(uuid.uuid4()),
        "client_id": client.id,
    }
    signed = state.keys.sign(visit.pool, "access", body)
    return {"access_token": signed, "expires_in": life, "token_type": "Bearer"}


_GRANTS: dict[str, Callable[[Visit, Client, dict[str, str]], Awaitable[Document]]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh,
    "client_credentials": _by_client,
}


def _answer(result: Document) -> Document:
    """An AuthenticationResult as OAuth spells it."""
    names = {
        "id_token": "IdToken", "access_token": "AccessToken", "refresh_token": "RefreshToken",
        "expires_in": "ExpiresIn", "token_type": "TokenType",
    }  # fmt: skip
    return {name: result[member] for name, member in names.items() if member in result}


# userInfo and revocation


async def user_info(visit: Visit) -> Response:
    """The user's attributes that the token's scopes give; booleans are words here."""
    scheme, _, bearer = visit.request.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not bearer.strip():
        return _json(400, {"error": "invalid_request", "error_description": "The access token is missing"})
    state = visit.state
    try:
        payload = state.verify_token(bearer.strip(), "access", pool=visit.pool.id, revocable=True)
    except AwsError as error:
        raise _TokenRefusedError("invalid_token", error.message) from error
    scopes = payload.get("scope", "").split()
    if "openid" not in scopes:
        raise _TokenRefusedError("invalid_token", "Access token does not contain openid scope")
    user = state.store.user_by_sub(visit.pool.id, payload["sub"])
    client = visit.client(payload["client_id"])
    if user is None or client is None or not user.enabled:
        raise _TokenRefusedError("invalid_token", "The user of the access token may not sign in any more")
    found = claims.attributes(client, user, scopes)
    shown = {name: str(value).lower() if isinstance(value, bool) else value for name, value in found.items()}
    return _json(200, {"sub": user.sub, **shown, "username": user.username})


async def revoke(visit: Visit) -> Response:
    """End a refresh token, with all that came of its sign-in. A token that is not there counts as ended."""
    form = await visit.fields()
    client = _client(visit, form)
    given = form.get("token", "")
    if not given:
        raise OAuthError("invalid_request", "token is missing")
    if not client.settings.get("EnableTokenRevocation", True):
        raise OAuthError("invalid_request", "The client does not revoke tokens")
    found = visit.state.records.refresh(given)
    if found is None:
        if tokens.decode(given) is not None:
            raise OAuthError("unsupported_token_type", "Only refresh tokens are revoked")
        return Response(200, list(_HEADERS))
    login = visit.state.records.login(found[0])
    if login is None or login.client != client.id:
        raise OAuthError("invalid_request", "The token is another client's")
    visit.state.records.revoke(login.id)
    return Response(200, list(_HEADERS))


ENDPOINTS: dict[str, tuple[tuple[str, ...], Callable[[Visit], Awaitable[Response]]]] = {
    "/oauth2/token": (("POST",), token),
    "/oauth2/userInfo": (("GET", "POST"), user_info),
    "/oauth2/revoke": (("POST",), revoke),
}
