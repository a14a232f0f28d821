"""Forgotten passwords.

https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
"""

from typing import TYPE_CHECKING

from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import codes, passwords, throttling, triggers, users
from maycloud.services.cognito_idp.client_secrets import check_secret_hash
from maycloud.services.cognito_idp.clients import hides_users
from maycloud.services.cognito_idp.schema import VERIFIED
from maycloud.services.cognito_idp.service import (
    ADMIN,
    PUBLIC,
    invalid,
    not_authorized,
    pool_of,
    pools,
    public_client,
    service,
)
from maycloud.services.cognito_idp.signup import names, simulated
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

_MECHANISMS = {"verified_email": "email", "verified_phone_number": "phone_number"}


@service.operation(**PUBLIC)
async def ForgotPassword(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client = public_client(call, params["ClientId"])
    name = params["Username"]
    user = users.find(state, pool, name)
    check_secret_hash(state, client, params.get("SecretHash"), *names(name, user))
    throttling.count_send(state, pool, user.key if user else pool.fold(name), codes.FORGOT)
    if hides_users(client) and (user is None or not user.enabled or _address(pool, user) is None):
        return {"CodeDeliveryDetails": simulated(state, pool, name)}
    if user is None:
        raise users.no_combination()
    if not user.enabled:
        raise not_authorized("User is disabled.")
    sent = await _send(state, pool, client, user, params.get("ClientMetadata"))
    return {"CodeDeliveryDetails": sent}


async def _send(
    state: "UserPools", pool: Pool, client: Client | None, user: User, metadata: dict[str, str] | None
) -> Document:
    if user.status == users.FORCE_CHANGE:
        raise not_authorized("User password cannot be reset in the current state.")
    if _mechanisms(pool) == ["admin_only"] and client is not None:
        raise not_authorized("Contact administrator to reset password.")
    attribute = _address(pool, user)
    if attribute is None:
        raise invalid(
            "Cannot reset password for the user as there is no registered/verified email or phone_number"
        )
    return await codes.send(
        state, pool, client, user, "CustomMessage_ForgotPassword", codes.FORGOT, attribute, metadata
    )


def _mechanisms(pool: Pool) -> list[str]:
    """How users recover, the first one first; without a setting, by telephone and then by mail."""
    listed = (pool.settings.get("AccountRecoverySetting") or {}).get("RecoveryMechanisms") or ()
    return [each["Name"] for each in sorted(listed, key=lambda each: each["Priority"])] or [
        "verified_phone_number",
        "verified_email",
    ]


def _address(pool: Pool, user: User) -> str | None:
    """The verified address that a code may go to."""
    for mechanism in _mechanisms(pool):
        attribute = _MECHANISMS.get(mechanism, "email")
        if user.attributes.get(attribute) and user.attributes.get(VERIFIED[attribute]) == "true":
            return attribute
    return None


@service.operation(**PUBLIC)
async def ConfirmForgotPassword(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client = public_client(call, params["ClientId"])
    name = params["Username"]
    user = users.find(state, pool, name)
    check_secret_hash(state, client, params.get("SecretHash"), *names(name, user))
    passwords.check_policy(pool, params["Password"])
    if user is None or (not user.enabled and hides_users(client)):
        if not hides_users(client):
            raise users.no_combination()
        throttling.check_guesses(state, pool, pool.fold(name), codes.FORGOT)
        throttling.wrong_guess(state, pool, pool.fold(name), codes.FORGOT)
        # The same words as for a user who exists: what a code would be, and whether one was asked for.
        asked, _ = state.records.attempts(pool.id, pool.fold(name), f"send:{codes.FORGOT}", call.now())
        raise codes.mismatch() if asked else codes.expired()
    if not user.enabled:
        raise not_authorized("User is disabled.")
    codes.check(state, pool, user, codes.FORGOT, params["ConfirmationCode"])
    passwords.check_history(pool, user, params["Password"])
    with state.db.atomic():
        codes.drop(state, pool, user, codes.FORGOT)
        throttling.right_password(state, pool, user.key)
        passwords.set_password(user, params["Password"], call.now())
        user.status = users.CONFIRMED
        user.modified = call.now()
        state.store.save_user(user)
    await triggers.notify(
        state, pool, client, "PostConfirmation", "PostConfirmation_ConfirmForgotPassword", user,
        params.get("ClientMetadata"),
    )  # fmt: skip
    return {}


@service.operation(**ADMIN)
async def AdminResetUserPassword(call: Call, params: Params) -> Result:
    state = pools(call)
    pool = pool_of(call, params)
    user = users.require(state, pool, params["Username"])
    if not user.enabled:
        raise not_authorized("User is disabled.")
    await _send(state, pool, None, user, params.get("ClientMetadata"))
    user.status = users.RESET_REQUIRED
    user.modified = call.now()
    state.store.save_user(user)
    return {}
