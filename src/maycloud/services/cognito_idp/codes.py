"""Codes of six digits: sent, guessed at a limited rate, good once.

https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html: a sign-up or attribute code is good for
24 hours, one to reset a password for one.
"""

import hmac
import secrets
from typing import TYPE_CHECKING

from maycloud.errors import AwsError
from maycloud.services.cognito_idp import messages, throttling
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

SIGN_UP, FORGOT, ATTRIBUTE = "signup", "forgot", "attribute"
LIFE = {SIGN_UP: 86400.0, FORGOT: 3600.0, ATTRIBUTE: 86400.0}  # seconds


def mismatch() -> AwsError:
    return AwsError("CodeMismatchException", "Invalid verification code provided, please try again.")


def expired() -> AwsError:
    return AwsError("ExpiredCodeException", "Invalid code provided, please request a code again.")


def new_code() -> str:
    return f"{secrets.randbelow(1_000_000):06d}"


async def send(
    state: "UserPools",
    pool: Pool,
    client: Client | None,
    user: User,
    source: str,
    purpose: str,
    attribute: str,
    metadata: dict[str, str] | None = None,
    value: str | None = None,
) -> Document:
    """Make a code and send it to one of the user's addresses; gives its CodeDeliveryDetails.

    `value` is an address that the attribute does not have yet. A code for an attribute remembers it.
    """
    to = user if value is None else _with(user, attribute, value)
    message = await messages.compose(state, pool, client, to, source, attribute, metadata)
    code = new_code()
    name = f"{purpose}:{attribute}" if purpose == ATTRIBUTE else purpose
    with state.db.atomic():
        state.records.put_code(
            pool.id, user.key, name, _hash(state, pool, user, name, code),
            state.clock.time() + LIFE[purpose],
            {"Attribute": attribute, "Value": to.attributes[attribute], "Pending": value is not None},
        )  # fmt: skip
        messages.send(state, pool, client, to, attribute, message, code)
    return messages.details(attribute, to.attributes[attribute])


def check(state: "UserPools", pool: Pool, user: User, purpose: str, code: str) -> Document:
    """What the code was for, if it is right; it stays until it is dropped.

    Raises ExpiredCodeException, CodeMismatchException, LimitExceededException. A wrong one counts: the
    operation that calls this must not undo its writes when it raises.
    """
    throttling.check_guesses(state, pool, user.key, purpose)
    found = state.records.code(pool.id, user.key, purpose)
    if found is None or found[1] < state.clock.time():
        throttling.wrong_guess(state, pool, user.key, purpose)
        raise expired()
    if not hmac.compare_digest(found[0], _hash(state, pool, user, purpose, code)):
        throttling.wrong_guess(state, pool, user.key, purpose)
        raise mismatch()
    return found[2]


def drop(state: "UserPools", pool: Pool, user: User, purpose: str) -> None:
    state.records.drop_code(pool.id, user.key, purpose)
    throttling.right_guess(state, pool, user.key, purpose)


def _hash(state: "UserPools", pool: Pool, user: User, purpose: str, code: str) -> bytes:
    return state.vault.mac(f"code:{pool.id}:{user.sub}:{purpose}", code)


def _with(user: User, attribute: str, value: str) -> User:
    """The user as if the attribute had the value already."""
    attributes = {**user.attributes, attribute: value}
    return User(
        user.pool, user.key, user.username, user.sub, user.status, user.enabled, user.created, user.modified,
        attributes, user.settings,
    )  # fmt: skip
