"""What a sign-in still asks for after its first step, and the answers.

A challenge's state is a sealed row, found by the session that the client holds, and good for one answer; a
wrong code may be corrected, as often as throttling lets.
"""

import base64
import hmac
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import mfa, passwords, schema, srp, throttling, tokens, triggers, users
from maycloud.services.cognito_idp.clients import check_secret_hash
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
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

MAX_SKEW = 300.0  # seconds between the client's clock and ours

_TIMESTAMP = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" (\d{1,2}) (\d\d):(\d\d):(\d\d) UTC (\d{4})"
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


@dataclass(slots=True)
class Attempt:
    """One sign-in under way. `source` is what PreTokenGeneration will hear."""

    state: "UserPools"
    pool: Pool
    client: Client
    metadata: dict[str, str] | None = None
    source: str = "TokenGeneration_Authentication"
    scopes: tuple[str, ...] = (tokens.ADMIN_SCOPE,)
    nonce: str | None = None
    hosted: bool = False
    browser: bool = False  # of the hosted pages: ends with the user being known, not with tokens

    def expires(self) -> float:
        """When a challenge given now must be answered."""
        return self.state.clock.time() + 60.0 * self.client.settings.get("AuthSessionValidity", 3)


def new_block() -> str:
    """The name of a session, in the base64 that SRP's clients decode."""
    return base64.b64encode(os.urandom(96)).decode()


def invalid_session() -> AwsError:
    return not_authorized("Invalid session for the user.")


# What is asked for next


async def proceed(attempt: Attempt, user: User, *, factors: bool = False) -> Document:
    """Tokens, or the next challenge, for a user who proved the password (with `factors`, everything)."""
    check_may_sign_in(attempt, user)
    if user.status == users.FORCE_CHANGE:
        return _ask_new_password(attempt, user)
    if not factors:
        asked = await mfa.ask(attempt, user)
        if asked is not None:
            return asked
    if attempt.browser:
        await _after(attempt, user)
        return {"ChallengeParameters": {}, "User": user.key}
    result = await tokens.sign_in(
        attempt.state, attempt.pool, attempt.client, user, source=attempt.source, scopes=attempt.scopes,
        nonce=attempt.nonce, metadata=attempt.metadata, hosted=attempt.hosted,
    )  # fmt: skip
    await _after(attempt, user)
    return {"ChallengeParameters": {}, "AuthenticationResult": result}


async def _after(attempt: Attempt, user: User) -> None:
    await triggers.notify(
        attempt.state, attempt.pool, attempt.client, "PostAuthentication",
        "PostAuthentication_Authentication", user, attempt.metadata, newDeviceUsed=False,
    )  # fmt: skip


def check_may_sign_in(attempt: Attempt, user: User) -> None:
    """Raises for a user whose password is right and who may not sign in nevertheless."""
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.status == users.UNCONFIRMED:
        raise AwsError("UserNotConfirmedException", "User is not confirmed.")
    if user.status == users.RESET_REQUIRED:
        raise AwsError("PasswordResetRequiredException", "Password reset required for the user")
    if user.status == users.FORCE_CHANGE:
        policy = attempt.pool.settings["Policies"]["PasswordPolicy"]
        days = policy.get("TemporaryPasswordValidityDays", 7)
        if attempt.state.clock.time() > user.settings.get("PasswordSet", 0.0) + days * 86400.0:
            raise not_authorized("Temporary password has expired and must be reset by an administrator.")


def ask(attempt: Attempt, user: User, name: str, parameters: dict[str, str], **more: object) -> Document:
    """A challenge, its state kept."""
    session = attempt.state.records.put_session(
        attempt.pool.id, attempt.expires(),
        {
            "Client": attempt.client.id, "Key": user.key, "Challenge": name, "Source": attempt.source,
            "Scopes": list(attempt.scopes), "Nonce": attempt.nonce, "Hosted": attempt.hosted,
            "Browser": attempt.browser, **more,
        },
    )  # fmt: skip
    return {
        "ChallengeName": name,
        "Session": session,
        "ChallengeParameters": {"USER_ID_FOR_SRP": user.username, **parameters},
    }


def _ask_new_password(attempt: Attempt, user: User) -> Document:
    missing = [
        f"userAttributes.{name}"
        for name, entry in schema.entries_of(attempt.pool).items()
        if entry["Required"] and name != "sub" and not user.attributes.get(name)
    ]
    parameters = {
        "requiredAttributes": orjson.dumps(missing).decode(),
        "userAttributes": orjson.dumps(user.attributes).decode(),
    }
    return ask(attempt, user, "NEW_PASSWORD_REQUIRED", parameters)


# Answers


@service.operation(**PUBLIC)
async def RespondToAuthChallenge(call: Call, params: Params) -> Result:
    pool, client = public_client(call, params["ClientId"])
    return await respond(pools(call), pool, client, params)


@service.operation(**ADMIN)
async def AdminRespondToAuthChallenge(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    return await respond(pools(call), pool, client_of(call, pool, params["ClientId"]), params)


async def respond(
    state: "UserPools", pool: Pool, client: Client, params: Params, *, browser: bool = False
) -> Document:
    """Tokens or the next challenge, as RespondToAuthChallenge answers them.

    What began at the hosted pages ends there, and nothing else does: `browser` says who asks.
    """
    name = params["ChallengeName"]
    handler = _HANDLERS.get(name)
    if handler is None:
        raise invalid(f"The challenge {name} is not supported by Maycloud; see docs/coverage.md")
    given: dict[str, str] = params.get("ChallengeResponses") or {}
    username = given.get("USERNAME")
    if not username:
        raise invalid("Missing required parameter USERNAME")
    block = name == "PASSWORD_VERIFIER"
    session = given.get("PASSWORD_CLAIM_SECRET_BLOCK") if block else params.get("Session")
    if not session:
        raise invalid(f"Missing required parameter {'PASSWORD_CLAIM_SECRET_BLOCK' if block else 'Session'}")
    held = open_session(state, pool, client, name, session)
    if held.get("Browser", False) is not browser:
        raise invalid_session()
    user = state.store.user(pool.id, held["Key"]) if held["Key"] else None
    called = (username, held.get("Shown", "")) if user is None else (username, user.username, user.sub)
    check_secret_hash(state, client, given.get("SECRET_HASH"), *called)
    if user is None and not block:
        raise invalid_session()
    named = users.find(state, pool, username)
    if user is not None and (named is None or named.key != user.key):
        raise invalid_session()
    attempt = Attempt(state, pool, client, params.get("ClientMetadata"), browser=browser)
    if "Source" in held:
        attempt.source, attempt.hosted, attempt.nonce = held["Source"], held["Hosted"], held["Nonce"]
        attempt.scopes = tuple(held["Scopes"])
    return await handler(attempt, user, given, held, session)


def open_session(state: "UserPools", pool: Pool, client: Client | None, name: str, session: str) -> Document:
    """The state of a challenge. Raises NotAuthorizedException for a session that is not this one's."""
    found = state.records.session(session)
    if found is None or found[0] != pool.id:
        raise invalid_session()
    if found[1] < state.clock.time():
        raise not_authorized("Invalid session for the user, session is expired.")
    held = found[2]
    if held.get("Spent"):
        raise not_authorized("Invalid session for the user, session can only be used once.")
    if held["Challenge"] != name or (client is not None and held["Client"] != client.id):
        raise invalid_session()
    return held


def setup_session(state: "UserPools", session: str) -> tuple[Pool, User, Document, float]:
    """Pool, user, state and expiry of an MFA_SETUP challenge, for an app to be associated with."""
    found = state.records.session(session)
    pool = state.store.pool(found[0]) if found else None
    if found is None or pool is None:
        raise invalid_session()
    held = open_session(state, pool, None, "MFA_SETUP", session)
    user = state.store.user(pool.id, held["Key"])
    if user is None:
        raise invalid_session()
    return pool, user, held, found[1]


async def _password_verifier(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    state, pool = attempt.state, attempt.pool
    for name in ("PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"):
        if not given.get(name):
            raise invalid(f"Missing required parameter {name}")
    timestamp = given["TIMESTAMP"]
    moment = _read_timestamp(timestamp)
    state.records.spend_session(session)
    throttling.check_password_attempts(state, pool, held["Folded"])
    verifier = bytes.fromhex(held["Verifier"])
    key = srp.session_key(verifier, int(held["A"], 16), int(held["b"], 16), int(held["B"], 16))
    wanted = srp.signature(
        key, passwords.srp_pool(pool.id), held["Shown"], base64.b64decode(session), timestamp
    )
    try:
        signature = base64.b64decode(given["PASSWORD_CLAIM_SIGNATURE"], validate=True)
    except ValueError:
        signature = b""
    good = hmac.compare_digest(wanted, signature) and abs(moment - state.clock.wall()) <= MAX_SKEW
    # A password that was changed since the challenge was given no longer signs in.
    if not good or user is None or user.verifier != verifier:
        throttling.wrong_password(state, pool, held["Folded"])
        raise not_authorized("Incorrect username or password.")
    throttling.right_password(state, pool, held["Folded"])
    return await proceed(attempt, user)


def _read_timestamp(text: str) -> float:
    """``Tue Sep 25 0:09:40 UTC 2018``, in epoch seconds."""
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is not None:
            month, day, hour, minute, second, year = match.groups()
            numbers = (int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second))
            return datetime(*numbers, tzinfo=UTC).timestamp()
    except ValueError:
        pass
    raise invalid("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.")


async def _new_password(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    state, pool = attempt.state, attempt.pool
    assert user is not None
    password = given.get("NEW_PASSWORD")
    if not password:
        raise invalid("Missing required parameter NEW_PASSWORD")
    passwords.check_policy(pool, password)
    passwords.check_history(pool, user, password)
    changes = {
        name.removeprefix("userAttributes."): value
        for name, value in given.items()
        if name.startswith("userAttributes.")
    }
    schema.check_writable(attempt.client, changes)
    schema.check_mutable(pool, [name for name in changes if user.attributes.get(name)])
    attributes = {**user.attributes, **changes}
    users.fold_addresses(pool, attributes)
    schema.check_values(pool, attributes)
    schema.check_required(pool, attributes)
    users.check_addresses(state, pool, user, attributes, "AliasExistsException")
    with state.db.atomic():
        state.records.spend_session(session)
        for name, verified in schema.VERIFIED.items():
            if name in changes and changes[name] != user.attributes.get(name):
                attributes.pop(verified, None)
        user.attributes = attributes
        user.status = users.CONFIRMED
        user.modified = state.clock.time()
        passwords.set_password(user, password, state.clock.time())
        state.store.save_user(user)
    attempt.source = "TokenGeneration_NewPasswordChallenge"
    return await proceed(attempt, user)


async def _mfa_code(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    """SOFTWARE_TOKEN_MFA, EMAIL_OTP and SMS_MFA: a code, by the name that the challenge gives it."""
    state, pool = attempt.state, attempt.pool
    assert user is not None
    code = given.get(mfa.CODE_OF[held["Challenge"]])
    if not code:
        raise invalid(f"Missing required parameter {mfa.CODE_OF[held['Challenge']]}")
    locked = f"mfa:{user.key}"
    throttling.check_password_attempts(state, pool, locked)
    try:
        mfa.check(attempt, user, held, code)
    except AwsError:
        throttling.wrong_password(state, pool, locked)
        raise
    state.records.spend_session(session)
    throttling.right_password(state, pool, locked)
    return await proceed(attempt, user, factors=True)


async def _select_mfa(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    assert user is not None
    answer = given.get("ANSWER", "")
    if answer not in held["Methods"]:
        raise invalid("Invalid ANSWER: it must be one of MFAS_CAN_CHOOSE.")
    attempt.state.records.spend_session(session)
    return await mfa.ask_method(attempt, user, answer)


async def _mfa_setup(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    assert user is not None
    if not held.get("Verified"):
        raise invalid_session()
    attempt.state.records.spend_session(session)
    return await proceed(attempt, user, factors=True)


Handler = Callable[[Attempt, User | None, dict[str, str], Document, str], Awaitable[Document]]

_HANDLERS: dict[str, Handler] = {
    "PASSWORD_VERIFIER": _password_verifier,
    "NEW_PASSWORD_REQUIRED": _new_password,
    "SOFTWARE_TOKEN_MFA": _mfa_code,
    "EMAIL_OTP": _mfa_code,
    "SMS_MFA": _mfa_code,
    "SELECT_MFA_TYPE": _select_mfa,
    "MFA_SETUP": _mfa_setup,
}
