"""USER_AUTH: the user, or the app, chooses how to sign in: by password, by SRP, by a code that is sent.

https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html
Whoever has a second factor signs in by password: a code that is sent cannot be both factors.
"""

from typing import TYPE_CHECKING

from maycloud.services.cognito_idp import auth, challenges, codes, mfa, throttling, users
from maycloud.services.cognito_idp.challenges import Attempt
from maycloud.services.cognito_idp.clients import hides_users
from maycloud.services.cognito_idp.first_factors import (
    ADDRESS,
    PASSWORD,
    PASSWORD_SRP,
    configured,
    factors_of,
)
from maycloud.services.cognito_idp.schema import VERIFIED
from maycloud.services.cognito_idp.service import invalid, unavailable_in_tier
from maycloud.services.cognito_idp.signup import SIGNED_UP
from maycloud.services.cognito_idp.store import Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools


def _available(pool: Pool, user: User | None) -> list[str]:
    if user is None:  # the same as of somebody who has everything
        factors = factors_of(pool)
    elif pool.settings["MfaConfiguration"] != "OFF" and mfa.of_user(pool, user):
        factors = [PASSWORD]
    else:
        factors = [each for each in configured(pool, user) if each in factors_of(pool)]
    listed: list[str] = []
    for factor in factors:
        listed += [PASSWORD, PASSWORD_SRP] if factor == PASSWORD else [factor]
    return listed


async def begin(attempt: Attempt, name: str, user: User | None, given: dict[str, str]) -> Document:
    """The preferred challenge where it is possible, else the choice."""
    if attempt.pool.settings["UserPoolTier"] == "LITE":
        raise unavailable_in_tier("LITE", "Choice-based authentication")
    if user is None and not hides_users(attempt.client):
        raise users.no_user()
    available = _available(attempt.pool, user)
    preferred = given.get("PREFERRED_CHALLENGE", "")
    if preferred in available:
        return await _challenge(attempt, name, user, preferred, given)
    if not available:
        raise invalid("No challenges available for the user.")
    asked = _ask(attempt, name, user, "SELECT_CHALLENGE", Available=available)
    return {**asked, "AvailableChallenges": available}


async def go_on(attempt: Attempt, user: User | None, session: str) -> Document:
    """Sign in with the session of ConfirmSignUp, whose code counts as the first factor."""
    held = challenges.open_session(attempt.state, attempt.pool, attempt.client, SIGNED_UP, session)
    if user is None or held["Key"] != user.key:
        raise challenges.invalid_session()
    attempt.state.records.spend_session(session)
    await auth.before(attempt, user)
    return await challenges.proceed(attempt, user)


def _ask(attempt: Attempt, name: str, user: User | None, challenge: str, **more: object) -> Document:
    """A challenge, of somebody who does not exist too."""
    nobody = User(
        attempt.pool.id, "", name, "", "", enabled=True, created=0, modified=0, attributes={}
    )  # fmt: skip
    asked = challenges.ask(attempt, user or nobody, challenge, {}, Named=name, **more)
    return {
        **asked,
        "ChallengeParameters": {"USERNAME": name} if user is None else asked["ChallengeParameters"],
    }


async def _challenge(
    attempt: Attempt, name: str, user: User | None, choice: str, given: dict[str, str]
) -> Document:
    """What a choice leads to: at once to its answer where that came along."""
    if choice == PASSWORD:
        return (
            await _by_password(attempt, name, given)
            if given.get("PASSWORD")
            else _ask(attempt, name, user, PASSWORD)
        )
    if choice == PASSWORD_SRP:
        if given.get("SRP_A"):
            return await auth.start_srp(attempt, name, user, given["SRP_A"])
        return _ask(attempt, name, user, PASSWORD_SRP)
    return await _send_code(attempt, name, user, choice)


async def _by_password(attempt: Attempt, name: str, given: dict[str, str]) -> Document:
    return await auth.by_password(attempt, name, auth.required(given, "PASSWORD"))


async def _send_code(attempt: Attempt, name: str, user: User | None, choice: str) -> Document:
    """A code to the user's address; nobody gets none, and is not told so."""
    pool, state = attempt.pool, attempt.state
    key = user.key if user is not None else pool.fold(name)
    throttling.count_send(state, pool, key, "signin")
    if user is None:
        return _ask(attempt, name, None, choice, Code=codes.new_code())
    challenges.check_may_sign_in(attempt, user)
    await auth.before(attempt, user)
    return await mfa.send_code(attempt, user, choice, ADDRESS[choice], First=True)


# Answers


async def answer_choice(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    """SELECT_CHALLENGE."""
    choice = given.get("ANSWER", "")
    if choice not in held["Available"]:
        raise invalid("Invalid ANSWER: it must be one of AvailableChallenges.")
    attempt.state.records.spend_session(session)
    return await _challenge(attempt, held["Named"], user, choice, given)


async def answer_password(
    attempt: Attempt, _user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    password = auth.required(given, "PASSWORD")
    attempt.state.records.spend_session(session)
    return await auth.by_password(attempt, held["Named"], password)


async def answer_srp(
    attempt: Attempt, user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    a_public = auth.required(given, "SRP_A")
    attempt.state.records.spend_session(session)
    return await auth.start_srp(attempt, held["Named"], user, a_public)


def prove_address(state: "UserPools", user: User, challenge: str) -> None:
    """Who gave the code that was sent to an address has proved it."""
    verified = VERIFIED[ADDRESS[challenge]]
    if user.attributes.get(verified) != "true":
        user.attributes[verified] = "true"
        user.modified = state.clock.time()
        state.store.save_user(user)
