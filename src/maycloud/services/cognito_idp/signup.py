"""Signing up, and confirming it.

https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
"""

import uuid
from typing import TYPE_CHECKING

from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import (
    codes,
    first_factors,
    messages,
    passwords,
    schema,
    throttling,
    triggers,
    users,
)
from maycloud.services.cognito_idp.client_secrets import check_secret_hash
from maycloud.services.cognito_idp.clients import allows, hides_users
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
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

SIGNED_UP = "SIGNED_UP"  # the state of a session that goes on from a sign-up

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools


@service.operation(**PUBLIC)
async def SignUp(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client = public_client(call, params["ClientId"])
    name = params["Username"]
    check_secret_hash(state, client, params.get("SecretHash"), name)
    if pool.settings["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]:
        raise not_authorized("SignUp is not permitted for this user pool")
    password = params.get("Password")
    if password is not None:
        passwords.check_policy(pool, password)
    elif not first_factors.is_passwordless(pool):
        raise invalid("Password is required")
    given = triggers.pairs(params.get("UserAttributes", []))
    schema.check_writable(client, given)
    user = users.new(state, pool, name, given, users.UNCONFIRMED)
    schema.check_values(pool, user.attributes)
    schema.check_required(pool, user.attributes)
    metadata = params.get("ClientMetadata")
    validation = triggers.pairs(params.get("ValidationData", []))
    answer = await triggers.before_sign_up(
        state, pool, client, "PreSignUp_SignUp", user.username, given, validation, metadata
    )
    apply_answer(user, answer)
    users.new(state, pool, name, given, users.UNCONFIRMED)  # somebody may have taken the name meanwhile
    with state.db.atomic():
        if password is not None:
            passwords.set_password(user, password, state.clock.time())
        users.claim_aliases(state, pool, user)
        state.store.save_user(user)
    result: Document = {"UserConfirmed": user.status == users.CONFIRMED, "UserSub": user.sub}
    if user.status == users.CONFIRMED:
        await triggers.notify(
            state, pool, client, "PostConfirmation", "PostConfirmation_ConfirmSignUp", user, metadata
        )
        return result
    attribute = address_to_verify(pool, user)
    if attribute is not None:
        result["CodeDeliveryDetails"] = await codes.send(
            state, pool, client, user, "CustomMessage_SignUp", codes.SIGN_UP, attribute, metadata
        )
    return result


def apply_answer(user: User, answer: Document) -> None:
    """What a PreSignUp function said of a user that is about to be made."""
    if answer["autoConfirmUser"]:
        user.status = users.CONFIRMED
    for attribute, said in (("email", "autoVerifyEmail"), ("phone_number", "autoVerifyPhone")):
        if answer[said]:
            if not user.attributes.get(attribute):
                raise invalid(f"The user does not have a {attribute} attribute to be verified.")
            user.attributes[VERIFIED[attribute]] = "true"


def address_to_verify(pool: Pool, user: User) -> str | None:
    """Where a sign-up code goes: to the telephone if both are verified automatically."""
    wanted = pool.settings.get("AutoVerifiedAttributes", ())
    for attribute in ("phone_number", "email"):
        if attribute in wanted and user.attributes.get(attribute):
            return attribute
    return None


@service.operation(**PUBLIC)
async def ConfirmSignUp(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client = public_client(call, params["ClientId"])
    user = users.find(state, pool, params["Username"])
    check_secret_hash(state, client, params.get("SecretHash"), *names(params["Username"], user))
    if user is None:
        throttling.check_guesses(state, pool, pool.fold(params["Username"]), codes.SIGN_UP)
        if hides_users(client):
            throttling.wrong_guess(state, pool, pool.fold(params["Username"]), codes.SIGN_UP)
            raise codes.expired()
        raise users.no_combination()
    if user.status != users.UNCONFIRMED:
        raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
    found = codes.check(state, pool, user, codes.SIGN_UP, params["ConfirmationCode"])
    with state.db.atomic():
        attribute = found["Attribute"]
        if user.attributes.get(attribute) == found["Value"]:
            user.attributes[VERIFIED[attribute]] = "true"
        users.claim_aliases(state, pool, user, force=params.get("ForceAliasCreation", False))
        confirm(state, user)
        codes.drop(state, pool, user, codes.SIGN_UP)
    await triggers.notify(
        state, pool, client, "PostConfirmation", "PostConfirmation_ConfirmSignUp", user,
        params.get("ClientMetadata"),
    )  # fmt: skip
    if not allows(client, "USER_AUTH"):
        return {}
    held = {"Client": client.id, "Key": user.key, "Challenge": SIGNED_UP}
    expires = call.now() + 60.0 * client.settings.get("AuthSessionValidity", 3)
    return {"Session": state.records.put_session(pool.id, expires, held)}


def confirm(state: "UserPools", user: User) -> None:
    user.status = users.CONFIRMED
    user.modified = state.clock.time()
    state.store.save_user(user)


def names(given: str, user: User | None) -> tuple[str, ...]:
    """What a SECRET_HASH may have been made with."""
    return (given,) if user is None else (given, user.username, user.sub)


@service.operation(**PUBLIC)
async def ResendConfirmationCode(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client = public_client(call, params["ClientId"])
    name = params["Username"]
    user = users.find(state, pool, name)
    check_secret_hash(state, client, params.get("SecretHash"), *names(name, user))
    throttling.count_send(state, pool, user.key if user else pool.fold(name), codes.SIGN_UP)
    if user is None or (not user.enabled and hides_users(client)):
        if hides_users(client):
            return {"CodeDeliveryDetails": simulated(state, pool, name)}
        raise users.no_combination()
    if user.status == users.CONFIRMED:
        raise invalid("User is already confirmed.")
    attribute = address_to_verify(pool, user)
    if attribute is None:
        raise invalid("Auto verification not turned on.")
    sent = await codes.send(
        state, pool, client, user, "CustomMessage_ResendCode", codes.SIGN_UP, attribute,
        params.get("ClientMetadata"),
    )  # fmt: skip
    return {"CodeDeliveryDetails": sent}


def simulated(state: "UserPools", pool: Pool, name: str) -> Document:
    """CodeDeliveryDetails for somebody who does not exist, the same for the same name each time.

    https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html
    """
    made = uuid.UUID(bytes=state.vault.mac(f"simulated:{pool.id}", pool.fold(name))[:16])
    letters = [chr(ord("a") + int(each, 16)) for each in made.hex]
    wanted = pool.settings.get("AutoVerifiedAttributes", ())
    if schema.is_phone(name) or ("phone_number" in wanted and "email" not in wanted):
        return messages.details(
            "phone_number", name if schema.is_phone(name) else f"+1555555{made.int % 10_000:04d}"
        )
    return messages.details("email", f"{name[:1] if '@' in name else letters[0]}@{letters[1]}")


@service.operation(**ADMIN)
async def AdminConfirmSignUp(call: Call, params: Params) -> Result:
    state = pools(call)
    pool = pool_of(call, params)
    user = users.require(state, pool, params["Username"])
    if user.status != users.UNCONFIRMED:
        raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
    confirm(state, user)
    no_client: Client | None = None
    await triggers.notify(
        state, pool, no_client, "PostConfirmation", "PostConfirmation_ConfirmSignUp", user,
        params.get("ClientMetadata"),
    )  # fmt: skip
    return {}
