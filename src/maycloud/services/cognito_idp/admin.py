"""What administrators do with users."""

from typing import TYPE_CHECKING

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import (
    attributes,
    first_factors,
    messages,
    mfa,
    passwords,
    schema,
    triggers,
    users,
)
from maycloud.services.cognito_idp.service import ADMIN, ADMIN_READ, invalid, pool_of, pools, service
from maycloud.services.cognito_idp.store import Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools


def _target(call: Call, params: Params) -> tuple[Pool, User]:
    pool = pool_of(call, params)
    return pool, users.require(pools(call), pool, params["Username"])


def _save(call: Call, user: User) -> None:
    user.modified = call.now()
    pools(call).store.save_user(user)


# Making


@service.operation(**ADMIN)
async def AdminCreateUser(call: Call, params: Params) -> Result:
    state = pools(call)
    pool = pool_of(call, params)
    if params.get("MessageAction") == "RESEND":
        return await _resend(call, pool, params)
    name, metadata = params["Username"], params.get("ClientMetadata")
    given = schema.normalise(triggers.pairs(params.get("UserAttributes", [])))
    user = _new(state, pool, name, given)
    schema.check_values(pool, user.attributes)
    schema.check_required(pool, user.attributes)
    password = params.get("TemporaryPassword") or passwords.generate(pool)
    passwords.check_policy(pool, password)
    validation = triggers.pairs(params.get("ValidationData", []))
    await triggers.before_sign_up(
        state, pool, None, "PreSignUp_AdminCreateUser", user.username, given, validation, metadata
    )
    _new(state, pool, name, given)  # somebody may have taken the name meanwhile
    invited = _invitation_to(pool, user, params)
    message = None
    if invited is not None:
        source = "CustomMessage_AdminCreateUser"
        message = await messages.compose(state, pool, None, user, source, invited, metadata)
    with state.db.atomic():
        passwords.set_password(user, password, call.now())
        _claim(state, pool, user, force=params.get("ForceAliasCreation", False))
        state.store.save_user(user)
        if invited is not None and message is not None:
            messages.send(state, pool, None, user, invited, message, password)
    return {"User": users.described(user)}


def _new(state: "UserPools", pool: Pool, name: str, given: dict[str, str]) -> User:
    if "sub" in given:
        raise invalid("user.sub: Attribute cannot be set.\n")
    try:
        return users.new(state, pool, name, given, users.FORCE_CHANGE)
    except AwsError as error:
        if error.code == "UsernameExistsException" and error.message == "User already exists":
            raise AwsError(error.code, "User account already exists") from error
        raise


def _claim(state: "UserPools", pool: Pool, user: User, *, force: bool) -> None:
    try:
        users.claim_aliases(state, pool, user, force=force)
    except AwsError as error:
        raise AwsError("UsernameExistsException", error.message) from error


def _invitation_to(pool: Pool, user: User, params: Params) -> str | None:
    """The address that an invitation goes to: by telephone unless mail is asked for or all there is."""
    if params.get("MessageAction") == "SUPPRESS":
        return None
    wanted = params.get("DesiredDeliveryMediums") or []
    order = ["email", "phone_number"] if "EMAIL" in wanted else ["phone_number", "email"]
    return next((name for name in order if user.attributes.get(name)), None)


async def _resend(call: Call, pool: Pool, params: Params) -> Document:
    state = pools(call)
    user = users.require(state, pool, params["Username"])
    if user.status != users.FORCE_CHANGE:
        raise AwsError(
            "UnsupportedUserStateException",
            f"Resend not possible. {user.username} status is not FORCE_CHANGE_PASSWORD",
        )
    password = params.get("TemporaryPassword") or passwords.generate(pool)
    passwords.check_policy(pool, password)
    invited = _invitation_to(pool, user, params)
    message = None
    if invited is not None:
        message = await messages.compose(
            state, pool, None, user, "CustomMessage_AdminCreateUser", invited, params.get("ClientMetadata")
        )
    with state.db.atomic():
        passwords.set_password(user, password, call.now())
        _save(call, user)
        if invited is not None and message is not None:
            messages.send(state, pool, None, user, invited, message, password)
    return {"User": users.described(user)}


# Reading and changing


@service.operation(**ADMIN_READ)
def AdminGetUser(call: Call, params: Params) -> Result:
    _, user = _target(call, params)
    found = users.described(user)
    found["UserAttributes"] = found.pop("Attributes")
    return {**found, **mfa.described(user)}


@service.operation(**ADMIN)
async def AdminUpdateUserAttributes(call: Call, params: Params) -> Result:
    pool, user = _target(call, params)
    changes = triggers.pairs(params["UserAttributes"])
    await attributes.change(pools(call), pool, None, user, changes, params.get("ClientMetadata"))
    return {}


@service.operation(**ADMIN)
def AdminDeleteUserAttributes(call: Call, params: Params) -> Result:
    pool, user = _target(call, params)
    attributes.remove(pools(call), pool, user, params["UserAttributeNames"])
    return {}


@service.operation(**ADMIN)
def AdminSetUserPassword(call: Call, params: Params) -> Result:
    pool, user = _target(call, params)
    passwords.check_policy(pool, params["Password"])
    passwords.check_history(pool, user, params["Password"])
    passwords.set_password(user, params["Password"], call.now())
    user.status = users.CONFIRMED if params.get("Permanent") else users.FORCE_CHANGE
    pools(call).records.drop_attempts(pool.id, user.key, "password")
    _save(call, user)
    return {}


@service.operation(**ADMIN)
def AdminEnableUser(call: Call, params: Params) -> Result:
    _, user = _target(call, params)
    user.enabled = True
    _save(call, user)
    return {}


@service.operation(**ADMIN)
def AdminDisableUser(call: Call, params: Params) -> Result:
    """Disabled users cannot sign in, and their tokens are revoked."""
    pool, user = _target(call, params)
    user.enabled = False
    pools(call).records.revoke_all(pool.id, user.key)
    _save(call, user)
    return {}


@service.operation(**ADMIN)
def AdminDeleteUser(call: Call, params: Params) -> Result:
    _, user = _target(call, params)
    pools(call).store.delete_user(user)
    return None


@service.operation(**ADMIN)
def AdminUserGlobalSignOut(call: Call, params: Params) -> Result:
    pool, user = _target(call, params)
    pools(call).records.revoke_all(pool.id, user.key)
    return {}


@service.operation(**ADMIN)
def AdminSetUserMFAPreference(call: Call, params: Params) -> Result:
    pool, user = _target(call, params)
    mfa.choose(pool, user, params)
    _save(call, user)
    return {}


@service.operation(**ADMIN)
def AdminSetUserSettings(call: Call, params: Params) -> Result:
    """The older way to turn text messages on or off as a second factor, and nothing else."""
    pool, user = _target(call, params)
    mfa.choose_sms(pool, user, params["MFAOptions"])
    _save(call, user)
    return {}


@service.operation(**ADMIN)
def AdminDeleteSoftwareToken(call: Call, params: Params) -> Result:
    _, user = _target(call, params)
    if not user.settings.get("Totp"):
        raise AwsError("SoftwareTokenMFANotFoundException", "Software token MFA is not set up for the user.")
    for name in ("Totp", "TotpStep", "TotpName", "TotpPending"):
        user.settings.pop(name, None)
    user.settings["Mfa"] = [each for each in user.settings.get("Mfa", []) if each != mfa.TOTP]
    if user.settings.get("PreferredMfa") == mfa.TOTP:
        del user.settings["PreferredMfa"]
    _save(call, user)
    return {}


@service.operation(**ADMIN_READ)
def AdminGetUserAuthFactors(call: Call, params: Params) -> Result:
    pool, user = _target(call, params)
    return {
        "Username": user.username,
        "ConfiguredUserAuthFactors": first_factors.configured(pool, user),
        **mfa.described(user),
    }
