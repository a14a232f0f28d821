"""InitiateAuth and its like: how a sign-in begins, by password, by SRP or by refresh token.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-authentication-flow-methods.html
"""

import uuid
from typing import TYPE_CHECKING

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import challenges, passwords, srp, throttling, tokens, triggers, users
from maycloud.services.cognito_idp.challenges import Attempt
from maycloud.services.cognito_idp.client_secrets import check_secret, check_secret_hash
from maycloud.services.cognito_idp.clients import allows, hides_users
from maycloud.services.cognito_idp.service import (
    ADMIN,
    PUBLIC,
    client_of,
    invalid,
    not_authorized,
    pool_of,
    pools,
    public_client,
    service,
)
from maycloud.services.cognito_idp.signup import names
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

_REFRESH = ("REFRESH_TOKEN", "REFRESH_TOKEN_AUTH")
_ADMIN_PASSWORD = ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH")


@service.operation(**PUBLIC)
async def InitiateAuth(call: Call, params: Params) -> Result:
    pool, client = public_client(call, params["ClientId"])
    flow = params["AuthFlow"]
    if flow in _ADMIN_PASSWORD:
        raise invalid("Initiate Auth method not supported.")
    return await initiate(pools(call), pool, client, flow, params)


@service.operation(**ADMIN)
async def AdminInitiateAuth(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    client = client_of(call, pool, params["ClientId"])
    if params["AuthFlow"] == "USER_PASSWORD_AUTH":
        raise invalid("Initiate Auth method not supported.")
    return await initiate(pools(call), pool, client, params["AuthFlow"], params)


async def initiate(state: "UserPools", pool: Pool, client: Client, flow: str, params: Params) -> Document:
    """Tokens or the first challenge, as InitiateAuth answers them."""
    given: dict[str, str] = params.get("AuthParameters") or {}
    metadata = params.get("ClientMetadata")
    if not allows(client, flow):
        if flow in _ADMIN_PASSWORD:
            raise invalid("Auth flow not enabled for this client")
        if flow in ("USER_SRP_AUTH", "USER_AUTH"):
            raise invalid(f"{flow} is not enabled for the client.")
        raise invalid(f"{flow} flow not enabled for this client")
    if flow == "CUSTOM_AUTH":  # no pool here has the functions that it takes
        raise invalid("Custom auth lambda trigger is not configured for the user pool.")
    if flow in _REFRESH:
        return await _refresh(state, pool, client, given, metadata)
    name = required(given, "USERNAME")
    user = users.find(state, pool, name)
    check_secret_hash(state, client, given.get("SECRET_HASH"), *names(name, user))
    attempt = Attempt(state, pool, client, metadata, device=given.get("DEVICE_KEY", ""))
    if flow == "USER_AUTH":
        from maycloud.services.cognito_idp import choices

        if params.get("Session"):
            return await choices.go_on(attempt, user, params["Session"])
        return await choices.begin(attempt, name, user, given)
    if flow == "USER_SRP_AUTH":
        return await start_srp(attempt, name, user, required(given, "SRP_A"))
    return await by_password(attempt, name, required(given, "PASSWORD"))


async def by_password(attempt: Attempt, name: str, password: str) -> Document:
    """Tokens or the next challenge for a name and its password."""
    await before(attempt, users.find(attempt.state, attempt.pool, name))
    user = check_password(attempt.state, attempt.pool, attempt.client, name, password)
    return await challenges.proceed(attempt, user)


def required(given: dict[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise invalid(f"Missing required parameter {name}")
    return value


async def before(attempt: Attempt, user: User | None) -> None:
    if user is not None:
        await triggers.notify(
            attempt.state, attempt.pool, attempt.client, "PreAuthentication",
            "PreAuthentication_Authentication", user, validationData=attempt.metadata,
        )  # fmt: skip


def check_password(state: "UserPools", pool: Pool, client: Client, name: str, password: str) -> User:
    """The user of a name and password. Raises NotAuthorizedException, counts what is wrong.

    A name that nobody has takes as long as a wrong password. Its writes must not be undone when it raises.
    """
    user = users.find(state, pool, name)
    key = user.key if user is not None else pool.fold(name)
    throttling.check_password_attempts(state, pool, key)
    if user is None:
        nobody = User(pool.id, key, name, "", "", enabled=True, created=0, modified=0, attributes={})
        passwords.matches(nobody, password)
        throttling.wrong_password(state, pool, key)
        raise challenges.wrong() if hides_users(client) else users.no_user()
    if not passwords.matches(user, password):
        throttling.wrong_password(state, pool, key)
        raise challenges.wrong()
    throttling.right_password(state, pool, key)
    return user


# SRP


async def start_srp(attempt: Attempt, name: str, user: User | None, a_text: str) -> Document:
    """PASSWORD_VERIFIER; for a name that nobody has, one that looks the same (RFC 5054, 2.5.1.3)."""
    a_public = srp.read_public(a_text)
    if a_public is None:
        raise invalid("Invalid SRP_A value.")
    state, pool = attempt.state, attempt.pool
    if user is None and not hides_users(attempt.client):
        raise users.no_user()
    await before(attempt, user)
    if user is not None and user.verifier:
        shown, salt, verifier, key = user.username, user.salt, user.verifier, user.key
    else:
        shown, salt, verifier = _imagined(state, pool, name)
        key = ""
    b_secret, b_public = srp.challenge(verifier)
    block = challenges.new_block()
    state.records.put_session(
        pool.id, attempt.expires(),
        {
            "Client": attempt.client.id, "Key": key, "Challenge": "PASSWORD_VERIFIER", "Shown": shown,
            "Folded": key or pool.fold(name), "A": f"{a_public:x}", "b": f"{b_secret:x}",
            "B": f"{b_public:x}", "Verifier": verifier.hex(), "Device": attempt.device,
        },
        block,
    )  # fmt: skip
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "SALT": salt.hex(),
            "SECRET_BLOCK": block,
            "SRP_B": f"{b_public:x}",
            "USERNAME": shown,
            "USER_ID_FOR_SRP": shown,
        },
    }


def _imagined(state: "UserPools", pool: Pool, name: str) -> tuple[str, bytes, bytes]:
    """User id, salt and verifier of somebody who does not exist, the same each time."""
    made = state.vault.mac(f"imagined:{pool.id}", pool.fold(name))
    salt = bytes([made[0] | 1]) + made[1 : srp.SALT_SIZE]
    shown = str(uuid.UUID(bytes=made[16:], version=4)) if pool.settings.get("UsernameAttributes") else name
    return shown, salt, srp.power_of_g(int.from_bytes(made, "big")).to_bytes(384, "big")


# Refresh tokens


async def _refresh(
    state: "UserPools", pool: Pool, client: Client, given: dict[str, str], metadata: dict[str, str] | None
) -> Document:
    token = required(given, "REFRESH_TOKEN")
    if client.settings.get("RefreshTokenRotation", {}).get("Feature") == "ENABLED":
        raise invalid("Refresh token rotation is enabled for this client: use GetTokensFromRefreshToken.")
    login, user, _ = tokens.find_refresh(state, pool, client, token)
    if login.body.get("Device", "") not in ("", given.get("DEVICE_KEY", "")):
        # Of a pool that tracks devices, a refresh token is the device's that it was given to.
        raise tokens.TokenError("malformed", "Invalid Refresh Token")
    addresses = [user.attributes[each] for each in ("email", "phone_number") if each in user.attributes]
    check_secret_hash(state, client, given.get("SECRET_HASH"), user.username, user.sub, *addresses)
    result = await tokens.refresh(state, pool, client, token, metadata)
    return {"ChallengeParameters": {}, "AuthenticationResult": result}


@service.operation(**PUBLIC)
async def GetTokensFromRefreshToken(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client = public_client(call, params["ClientId"])
    if not check_secret(state, client, params.get("ClientSecret")):
        raise not_authorized(f"Unable to verify client secret for client {client.id}")
    result = await tokens.refresh(state, pool, client, params["RefreshToken"], params.get("ClientMetadata"))
    return {"AuthenticationResult": result}


@service.operation(**PUBLIC)
def RevokeToken(call: Call, params: Params) -> Result:
    """Revoke a refresh token with the access and ID tokens that came of the same sign-in."""
    state = pools(call)
    _, client = public_client(call, params["ClientId"])
    if not check_secret(state, client, params.get("ClientSecret")):
        raise AwsError("UnauthorizedException", "Invalid client secret.")
    if not client.settings.get("EnableTokenRevocation", True):
        raise AwsError("UnsupportedOperationException", "Token revocation is not enabled for this client.")
    found = state.records.refresh(params["Token"])
    if found is None:
        if tokens.decode(params["Token"]) is not None:
            raise AwsError("UnsupportedTokenTypeException", "Unsupported token type.")
        raise invalid("Invalid Refresh Token")
    login = state.records.login(found[0])
    if login is None or login.client != client.id:
        raise AwsError("UnauthorizedException", "The token was not issued to this client.")
    state.records.revoke(login.id)
    return {}
