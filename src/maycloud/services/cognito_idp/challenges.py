"""What a sign-in still asks for after its first step, and the answers.

A challenge's state is a sealed row, found by the session that the client holds, and good for one answer; a
wrong code may be corrected, as often as throttling lets.
"""

import base64
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from maycloud.errors import AwsError
from maycloud.services.cognito_idp import mfa, schema, tokens, triggers, users
from maycloud.services.cognito_idp.service import (
    not_authorized,
)
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools


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
    device: str = ""  # the key of the device that the user signs in from

    def expires(self) -> float:
        """When a challenge given now must be answered."""
        return self.state.clock.time() + 60.0 * self.client.settings.get("AuthSessionValidity", 3)


def new_block() -> str:
    """The name of a session, in the base64 that SRP's clients decode."""
    return base64.b64encode(os.urandom(96)).decode()


def invalid_session() -> AwsError:
    return not_authorized("Invalid session for the user.")


def wrong() -> AwsError:
    return not_authorized("Incorrect username or password.")


# What is asked for next


async def proceed(
    attempt: Attempt, user: User, *, factors: bool = False, device_proved: bool = False
) -> Document:
    """Tokens, or the next challenge, for a user who proved the password (with `factors`, everything)."""
    from maycloud.services.cognito_idp import devices

    check_may_sign_in(attempt, user)
    if user.status == users.FORCE_CHANGE:
        return _ask_new_password(attempt, user)
    device = devices.known(attempt, user)
    if not factors and not devices.stands_for_factor(attempt.pool, device):
        asked = await mfa.ask(attempt, user)
        if asked is not None:
            return asked
    if device is not None and device["Status"] == devices.REMEMBERED and not device_proved:
        return devices.ask(attempt, user, device)
    if attempt.browser:
        await _after(attempt, user)
        return {"ChallengeParameters": {}, "User": user.key}
    is_new = device is None and devices.is_tracking(attempt.pool) and not attempt.hosted
    key = devices.new_key(attempt.pool) if is_new else device["Key"] if device is not None else ""
    result = await tokens.sign_in(
        attempt.state, attempt.pool, attempt.client, user, source=attempt.source, scopes=attempt.scopes,
        nonce=attempt.nonce, metadata=attempt.metadata, hosted=attempt.hosted, device=key,
    )  # fmt: skip
    if is_new:
        group = devices.group_key(attempt.state, attempt.pool)
        result["NewDeviceMetadata"] = {"DeviceKey": key, "DeviceGroupKey": group}
    elif device is not None:
        devices.signed_in(attempt.state, attempt.pool, user, device)
    await _after(attempt, user, is_new=is_new)
    return {"ChallengeParameters": {}, "AuthenticationResult": result}


async def _after(attempt: Attempt, user: User, *, is_new: bool = False) -> None:
    await triggers.notify(
        attempt.state, attempt.pool, attempt.client, "PostAuthentication",
        "PostAuthentication_Authentication", user, attempt.metadata, newDeviceUsed=is_new,
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
            "Browser": attempt.browser, "Device": attempt.device, **more,
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


# States of challenges


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
