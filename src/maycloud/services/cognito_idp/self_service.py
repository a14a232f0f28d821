"""What signed-in users do for themselves, with their access token."""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import (
    attributes,
    codes,
    first_factors,
    mfa,
    passwords,
    schema,
    throttling,
    tokens,
    users,
)
from maycloud.services.cognito_idp.claims import readable
from maycloud.services.cognito_idp.service import (
    PUBLIC,
    invalid,
    limit_exceeded,
    not_authorized,
    pools,
    service,
)
from maycloud.services.cognito_idp.triggers import pairs


@service.operation(**PUBLIC, atomic=False)
def GetUser(call: Call, params: Params) -> Result:
    _, client, user, _ = tokens.user_of(pools(call), params["AccessToken"])
    shown = [each for each in users.listed(user) if readable(client, each["Name"])]
    return {"Username": user.username, "UserAttributes": shown, **mfa.described(user)}


@service.operation(**PUBLIC, atomic=False)
def GetUserAuthFactors(call: Call, params: Params) -> Result:
    pool, _, user, _ = tokens.user_of(pools(call), params["AccessToken"])
    return {
        "Username": user.username,
        "ConfiguredUserAuthFactors": first_factors.configured(pool, user),
        **mfa.described(user),
    }


@service.operation(**PUBLIC)
def DeleteUser(call: Call, params: Params) -> Result:
    state = pools(call)
    _, _, user, _ = tokens.user_of(state, params["AccessToken"])
    state.store.delete_user(user)
    return None


@service.operation(**PUBLIC)
def GlobalSignOut(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, _, user, _ = tokens.user_of(state, params["AccessToken"])
    state.records.revoke_all(pool.id, user.key)
    return {}


@service.operation(**PUBLIC, atomic=False)
def ChangePassword(call: Call, params: Params) -> Result:
    """Not atomic: a wrong password is counted although the operation fails."""
    state = pools(call)
    pool, _, user, _ = tokens.user_of(state, params["AccessToken"])
    counted = f"change:{user.key}"
    try:
        throttling.check_password_attempts(state, pool, counted)
    except AwsError as error:
        raise limit_exceeded() from error
    if not passwords.matches(user, params.get("PreviousPassword") or ""):
        throttling.wrong_password(state, pool, counted)
        raise not_authorized("Incorrect username or password.")
    passwords.check_policy(pool, params["ProposedPassword"])
    passwords.check_history(pool, user, params["ProposedPassword"])
    with state.db.atomic():
        throttling.right_password(state, pool, counted)
        passwords.set_password(user, params["ProposedPassword"], call.now())
        user.modified = call.now()
        state.store.save_user(user)
    return {}


# Attributes


@service.operation(**PUBLIC)
async def UpdateUserAttributes(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client, user, _ = tokens.user_of(state, params["AccessToken"])
    changes = pairs(params["UserAttributes"])
    schema.check_writable(client, changes)
    sent = await attributes.change(state, pool, client, user, changes, params.get("ClientMetadata"))
    return {"CodeDeliveryDetailsList": sent}


@service.operation(**PUBLIC)
def DeleteUserAttributes(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client, user, _ = tokens.user_of(state, params["AccessToken"])
    schema.check_writable(client, params["UserAttributeNames"])
    attributes.remove(state, pool, user, params["UserAttributeNames"])
    return {}


@service.operation(**PUBLIC)
async def GetUserAttributeVerificationCode(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, client, user, _ = tokens.user_of(state, params["AccessToken"])
    name = params["AttributeName"]
    if name not in schema.VERIFIED:
        raise invalid("Attribute cannot be verified.")
    if not user.attributes.get(name):
        raise invalid(f"User does not have the attribute {name}.")
    throttling.count_send(state, pool, user.key, f"attribute:{name}")
    sent = await codes.send(
        state, pool, client, user, "CustomMessage_VerifyUserAttribute", codes.ATTRIBUTE, name,
        params.get("ClientMetadata"),
    )  # fmt: skip
    return {"CodeDeliveryDetails": sent}


@service.operation(**PUBLIC, atomic=False)
def VerifyUserAttribute(call: Call, params: Params) -> Result:
    """Not atomic: a wrong code is counted although the operation fails."""
    state = pools(call)
    pool, _, user, _ = tokens.user_of(state, params["AccessToken"])
    name = params["AttributeName"]
    if name not in schema.VERIFIED:
        raise invalid("Attribute cannot be verified.")
    purpose = f"{codes.ATTRIBUTE}:{name}"
    found = codes.check(state, pool, user, purpose, params["Code"])
    if not found["Pending"] and user.attributes.get(name) != found["Value"]:
        raise codes.expired()  # the attribute was changed since
    with state.db.atomic():
        user.attributes[name] = found["Value"]
        user.attributes[schema.VERIFIED[name]] = "true"
        user.modified = call.now()
        users.check_addresses(state, pool, user, user.attributes, "AliasExistsException")
        users.claim_aliases(state, pool, user)
        state.store.save_user(user)
        codes.drop(state, pool, user, purpose)
    return {}


# Second factors


@service.operation(**PUBLIC)
def SetUserMFAPreference(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, _, user, _ = tokens.user_of(state, params["AccessToken"])
    mfa.choose(pool, user, params)
    state.store.save_user(user)
    return {}


@service.operation(**PUBLIC)
def SetUserSettings(call: Call, params: Params) -> Result:
    """The older way to turn text messages on or off as a second factor, and nothing else."""
    state = pools(call)
    pool, _, user, _ = tokens.user_of(state, params["AccessToken"])
    mfa.choose_sms(pool, user, params["MFAOptions"])
    state.store.save_user(user)
    return {}
