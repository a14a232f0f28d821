"""Answers to what a sign-in asked for: RespondToAuthChallenge, and each challenge's way with its answer."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import choices, devices, mfa, passwords, proofs, schema, throttling, users
from maycloud.services.cognito_idp.challenges import Attempt, invalid_session, open_session, proceed, wrong
from maycloud.services.cognito_idp.client_secrets import check_secret_hash
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
    block = name in ("PASSWORD_VERIFIER", "DEVICE_PASSWORD_VERIFIER")
    session = given.get("PASSWORD_CLAIM_SECRET_BLOCK") if block else params.get("Session")
    attempt = Attempt(state, pool, client, params.get("ClientMetadata"), browser=browser)
    if not session and name == "DEVICE_SRP_AUTH":
        session = devices.pending_session(
            attempt, users.find(state, pool, username), given.get("DEVICE_KEY", "")
        )
    if not session:
        raise invalid(f"Missing required parameter {'PASSWORD_CLAIM_SECRET_BLOCK' if block else 'Session'}")
    held = open_session(state, pool, client, name, session)
    if held.get("Browser", False) is not browser:
        raise invalid_session()
    user = state.store.user(pool.id, held["Key"]) if held["Key"] else None
    called = (username, held.get("Shown", "")) if user is None else (username, user.username, user.sub)
    check_secret_hash(state, client, given.get("SECRET_HASH"), *called)
    if user is None and name != "PASSWORD_VERIFIER" and "Named" not in held:
        raise invalid_session()
    named = users.find(state, pool, username)
    if user is not None and (named is None or named.key != user.key):
        raise invalid_session()
    attempt.device = held.get("Device") or given.get("DEVICE_KEY", "")
    if "Source" in held:
        attempt.source, attempt.hosted, attempt.nonce = held["Source"], held["Hosted"], held["Nonce"]
        attempt.scopes = tuple(held["Scopes"])
    return await handler(attempt, user, given, held, session)


async def _password_verifier(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    state, pool = attempt.state, attempt.pool
    proofs.check(given)
    throttling.check_password_attempts(state, pool, held["Folded"])
    verifier = bytes.fromhex(held["Verifier"])
    good = proofs.is_good(attempt, given, held, session, verifier, passwords.srp_pool(pool.id), held["Shown"])
    # A password that was changed since the challenge was given no longer signs in.
    if not good or user is None or user.verifier != verifier:
        throttling.wrong_password(state, pool, held["Folded"])
        raise wrong()
    throttling.right_password(state, pool, held["Folded"])
    return await proceed(attempt, user)


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
    _check_not_given(pool, user, changes)
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


def _check_not_given(pool: Pool, user: User, names: Iterable[str]) -> None:
    """What is required, or signed in with, and there already cannot be given again with a new password.

    https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html;
    the words are those that users of amazon-cognito-identity-js report.
    """
    entries, own = schema.entries_of(pool), pool.settings.get("UsernameAttributes", ())
    for name in names:
        required = name in own or (name in entries and entries[name]["Required"])
        if required and user.attributes.get(name):
            raise not_authorized(f"Cannot modify an already provided {name}")


async def _mfa_code(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    """SOFTWARE_TOKEN_MFA, EMAIL_OTP and SMS_MFA: a code, by the name that the challenge gives it."""
    state, pool = attempt.state, attempt.pool
    code = given.get(mfa.CODE_OF[held["Challenge"]])
    if not code:
        raise invalid(f"Missing required parameter {mfa.CODE_OF[held['Challenge']]}")
    locked = f"mfa:{user.key if user is not None else pool.fold(held['Named'])}"
    throttling.check_password_attempts(state, pool, locked)
    try:
        if user is None:
            raise mfa.wrong_code()
        mfa.check(attempt, user, held, code)
    except AwsError:
        throttling.wrong_password(state, pool, locked)
        raise
    state.records.spend_session(session)
    throttling.right_password(state, pool, locked)
    if held.get("First"):
        choices.prove_address(state, user, held["Challenge"])
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
    "DEVICE_SRP_AUTH": devices.answer_public,
    "DEVICE_PASSWORD_VERIFIER": devices.answer_proof,
    "PASSWORD_VERIFIER": _password_verifier,
    "NEW_PASSWORD_REQUIRED": _new_password,
    "SOFTWARE_TOKEN_MFA": _mfa_code,
    "EMAIL_OTP": _mfa_code,
    "SMS_MFA": _mfa_code,
    "SMS_OTP": _mfa_code,
    "SELECT_CHALLENGE": choices.answer_choice,
    "PASSWORD": choices.answer_password,
    "PASSWORD_SRP": choices.answer_srp,
    "SELECT_MFA_TYPE": _select_mfa,
    "MFA_SETUP": _mfa_setup,
}
