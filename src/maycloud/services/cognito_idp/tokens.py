"""ID, access and refresh tokens: made, refreshed, revoked, verified.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html
Every sign-in is a `Login`; its access and ID tokens carry its id as ``event_id`` and its ``origin_jti``, so
that revoking the login ends them all. Refresh tokens are random; their hashes are kept.
"""

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson

from maycloud.errors import AwsError
from maycloud.services.cognito_idp import claims, triggers
from maycloud.services.cognito_idp.keys import b64, unb64
from maycloud.services.cognito_idp.store import Client, Login, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

ADMIN_SCOPE = "aws.cognito.signin.user.admin"  # what lets a token be used with GetUser and its like

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_UNITS = {"AccessToken": "hours", "IdToken": "hours", "RefreshToken": "days"}
_DEFAULTS = {"AccessToken": 3600, "IdToken": 3600, "RefreshToken": 30 * 86400}
_MAX_TOKEN = 32_768  # characters; no token of ours comes near


class TokenError(AwsError):
    """A token that is not good; `reason` is one of malformed, signature, use, expired, revoked."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__("NotAuthorizedException", message)
        self.reason = reason


def lifetime(client: Client, token: str) -> int:
    """Seconds that a client's AccessToken, IdToken or RefreshToken is good for."""
    value = client.settings.get(f"{token}Validity")
    if not value:
        return _DEFAULTS[token]
    unit = client.settings.get("TokenValidityUnits", {}).get(token) or _UNITS[token]
    return value * _SECONDS[unit]


# Making


async def sign_in(
    state: "UserPools",
    pool: Pool,
    client: Client,
    user: User,
    *,
    source: str = "TokenGeneration_Authentication",
    scopes: Iterable[str] = (ADMIN_SCOPE,),
    nonce: str | None = None,
    metadata: dict[str, str] | None = None,
    hosted: bool = False,
    since: float | None = None,
    device: str = "",
) -> Document:
    """An AuthenticationResult for a user whose identity was proved just now.

    `source` is the trigger source that the PreTokenGeneration function hears. `hosted` is for tokens of the
    OAuth endpoints, whose access tokens are version 2 and whose ID tokens hold what the scopes allow;
    `since` is when the user signed in with the browser. `device` is the key of the device signed in from.
    """
    now = int(state.clock.time())
    life = lifetime(client, "RefreshToken")
    login = Login(
        str(uuid.uuid4()), pool.id, client.id, user.key, now + max(life, 86400), revoked=False,
        body={
            "OriginJti": str(uuid.uuid4()), "AuthTime": int(since or now), "Scopes": list(scopes),
            "Nonce": nonce, "Hosted": hosted, **({"Device": device} if device else {}),
        },
    )  # fmt: skip
    result = await _make(state, pool, client, user, login, now, source, metadata)
    with state.db.atomic():
        state.records.put_login(login)
        result["RefreshToken"] = _new_refresh(state, login, now + life)
    return result


def _new_refresh(state: "UserPools", login: Login, expires: float) -> str:
    token = secrets.token_urlsafe(192)
    state.records.put_refresh(token, login.id, expires)
    return token


async def _make(
    state: "UserPools",
    pool: Pool,
    client: Client,
    user: User,
    login: Login,
    now: int,
    source: str,
    metadata: dict[str, str] | None,
) -> Document:
    """Access and ID tokens of a login, issued at `now`: one reading of the clock, so that the `auth_time` of
    a sign-in is its tokens' `iat`, however long a trigger takes."""
    groups = state.records.groups_of(pool.id, user.key)
    changes = await triggers.before_tokens(
        state, pool, client, user, source, groups, login.body["Scopes"], metadata
    )
    shared: Document = {
        "sub": user.sub,
        "iss": state.issuer(pool.id),
        "event_id": login.id,
        "auth_time": login.body["AuthTime"],
        "iat": now,
    }
    if client.settings.get("EnableTokenRevocation", True):
        shared["origin_jti"] = login.body["OriginJti"]
    access = {**shared, "exp": now + lifetime(client, "AccessToken"), "jti": str(uuid.uuid4())}
    access |= claims.of_access(pool, client, user, login, groups, changes)
    result = {
        "AccessToken": state.keys.sign(pool, "access", access),
        "ExpiresIn": lifetime(client, "AccessToken"),
        "TokenType": "Bearer",
    }
    if not login.body["Hosted"] or "openid" in login.body["Scopes"]:
        identity = {**shared, "exp": now + lifetime(client, "IdToken"), "jti": str(uuid.uuid4())}
        identity |= claims.of_identity(client, user, login, groups, changes)
        if login.body["Hosted"]:
            identity["at_hash"] = _half_hash(result["AccessToken"])
        result["IdToken"] = state.keys.sign(pool, "id", identity)
    return result


def _half_hash(token: str) -> str:
    """OpenID Connect's ``at_hash``, the left half of a hash: ties the ID token to the access token."""
    return b64(hashlib.sha256(token.encode()).digest()[:16])


# Refreshing


async def refresh(
    state: "UserPools",
    pool: Pool,
    client: Client,
    token: str,
    metadata: dict[str, str] | None = None,
) -> Document:
    """An AuthenticationResult for a refresh token; with the next refresh token where the client rotates.

    Raises NotAuthorizedException, also for a rotated token that comes after its grace period.
    """
    now = state.clock.time()
    login, user, expires = find_refresh(state, pool, client, token)
    rotation = client.settings.get("RefreshTokenRotation", {})
    rotates = rotation.get("Feature") == "ENABLED"
    result = await _make(
        state, pool, client, user, login, int(now), "TokenGeneration_RefreshTokens", metadata
    )
    if not rotates:
        return result
    login, user, expires = find_refresh(state, pool, client, token)  # it may have been used meanwhile
    with state.db.atomic():
        found = state.records.refresh(token)
        if found is not None and found[2] is None:
            state.records.use_refresh(token, now)
        result["RefreshToken"] = _new_refresh(state, login, expires)
    return result


def find_refresh(state: "UserPools", pool: Pool, client: Client, token: str) -> tuple[Login, User, float]:
    """The login and user of a refresh token that is good, and its moment of expiry."""
    found = state.records.refresh(token)
    login = state.records.login(found[0]) if found else None
    if found is None or login is None or login.client != client.id or login.pool != pool.id:
        raise TokenError("malformed", "Invalid Refresh Token")
    if found[1] < state.clock.time():
        raise TokenError("expired", "Refresh Token has expired")
    if login.revoked:
        raise TokenError("revoked", "Refresh Token has been revoked")
    grace = client.settings.get("RefreshTokenRotation", {}).get("RetryGracePeriodSeconds", 0)
    if found[2] is not None and state.clock.time() > found[2] + grace:
        raise TokenError("malformed", "Invalid Refresh Token")
    user = state.store.user(pool.id, login.key)
    if user is None:
        raise TokenError("malformed", "Invalid Refresh Token")
    if not user.enabled:
        raise TokenError("revoked", "User is disabled.")
    return login, user, found[1]


# Verifying


def decode(token: str) -> tuple[Document, Document, bytes, bytes] | None:
    """Header, claims, signed bytes and signature of what looks like a JWT; nothing is verified."""
    parts = token.split(".") if len(token) <= _MAX_TOKEN else []
    if len(parts) != 3:
        return None
    try:
        header, body, signature = (unb64(part) for part in parts)
        head, payload = orjson.loads(header), orjson.loads(body)
    except ValueError:
        return None
    if not isinstance(head, dict) or not isinstance(payload, dict):
        return None
    return head, payload, f"{parts[0]}.{parts[1]}".encode("utf-8", "replace"), signature


def verify(
    state: "UserPools", token: str, use: str | None, *, pool: str | None = None, revocable: bool = True
) -> Document:
    """See `UserPools.verify_token`."""
    name = {"access": "Access Token", "id": "ID Token"}.get(use or "", "Token")
    decoded = decode(token)
    if decoded is None:
        raise TokenError("malformed", f"Invalid {name}")
    header, payload, signed, signature = decoded
    issuer = payload.get("iss")
    owner = state.store.pool(issuer.rpartition("/")[2]) if isinstance(issuer, str) else None
    if owner is None or issuer != state.issuer(owner.id) or (pool is not None and owner.id != pool):
        raise TokenError("malformed", f"Invalid {name}")
    if not state.keys.check(owner, header, signed, signature):
        raise TokenError("signature", f"Could not verify signature for {name}")
    if use is not None and payload.get("token_use") != use:
        raise TokenError("use", f"Invalid {name}")
    if payload["exp"] <= state.clock.time():
        raise TokenError("expired", f"{name} has expired")
    if revocable:
        _check_revoked(state, payload, name)
    return payload


def _check_revoked(state: "UserPools", payload: Document, name: str) -> None:
    login = state.records.login(payload.get("event_id", ""))
    if login is None or login.revoked:
        raise TokenError("revoked", f"{name} has been revoked")


def user_of(state: "UserPools", token: str, scope: str = ADMIN_SCOPE) -> tuple[Pool, Client, User, Document]:
    """Whose access token it is, for the operations that users call for themselves; with its claims.

    That a user is gone is told before that the token was revoked, which SDKs tell apart:
    https://github.com/aws-amplify/amplify-js, `cleanUpInvalidSession`.
    """
    payload = verify(state, token, "access", revocable=False)
    if scope not in payload.get("scope", "").split():
        raise TokenError("use", "Access Token does not have required scopes")
    pool = state.store.pool(payload["iss"].rpartition("/")[2])
    client = state.store.client(payload["client_id"])
    assert pool is not None
    user = state.store.user_by_sub(pool.id, payload["sub"])
    if user is None:
        raise AwsError("UserNotFoundException", "User does not exist.")
    if client is None:
        raise TokenError("malformed", "Invalid Access Token")
    _check_revoked(state, payload, "Access Token")
    if not user.enabled:
        raise TokenError("revoked", "User is disabled.")
    return pool, client, user, payload
