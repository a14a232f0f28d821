"""Second factors: one-time passwords of authenticator apps, and codes by mail or text message.

https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa.html
"""

import base64
import hmac
from typing import TYPE_CHECKING

import orjson

from maycloud.errors import AwsError
from maycloud.onetime import step_of
from maycloud.services.cognito_idp import codes, messages
from maycloud.services.cognito_idp.schema import VERIFIED
from maycloud.services.cognito_idp.service import invalid
from maycloud.services.cognito_idp.store import Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.challenges import Attempt
    from maycloud.services.cognito_idp.state import UserPools

TOTP, EMAIL, SMS = "SOFTWARE_TOKEN_MFA", "EMAIL_OTP", "SMS_MFA"
CODE_OF = {
    TOTP: "SOFTWARE_TOKEN_MFA_CODE", EMAIL: "EMAIL_OTP_CODE", SMS: "SMS_MFA_CODE", "SMS_OTP": "SMS_OTP_CODE",
}  # fmt: skip

_ATTRIBUTE = {EMAIL: "email", SMS: "phone_number"}


def of_pool(pool: Pool) -> list[str]:
    """The factors that a pool offers."""
    settings = pool.settings
    found: list[str] = []
    if (settings.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled"):
        found.append(TOTP)
    if settings.get("EmailMfaConfiguration") is not None:
        found.append(EMAIL)
    sends = settings["MfaConfiguration"] != "OFF" and settings.get("SmsConfiguration") is not None
    if settings.get("SmsMfaConfiguration") is not None or (sends and not found):
        # A pool made with MFA and a way to send text messages has this factor without more ado.
        found.append(SMS)
    return found


def of_user(pool: Pool, user: User) -> list[str]:
    """The factors that a user has, the preferred one first.

    Where the pool requires one, a verified address counts without being chosen.
    """
    chosen = user.settings.get("Mfa", [])
    found = [each for each in of_pool(pool) if each in chosen and _has(user, each)]
    if pool.settings["MfaConfiguration"] == "ON" and not found:
        found = [each for each in of_pool(pool) if each != TOTP and _has(user, each)]
        found += [TOTP] if TOTP in of_pool(pool) and _has(user, TOTP) else []
    preferred = user.settings.get("PreferredMfa")
    return [preferred] if preferred in found else found


def _has(user: User, method: str) -> bool:
    if method == TOTP:
        return bool(user.settings.get("Totp"))
    attribute = _ATTRIBUTE[method]
    return bool(user.attributes.get(attribute)) and user.attributes.get(VERIFIED[attribute]) == "true"


async def ask(attempt: "Attempt", user: User) -> Document | None:
    """The challenge for a second factor, None where none is asked for."""
    from maycloud.services.cognito_idp import challenges

    if attempt.pool.settings["MfaConfiguration"] == "OFF":
        return None
    methods = of_user(attempt.pool, user)
    if not methods:
        if attempt.pool.settings["MfaConfiguration"] != "ON":
            return None
        can = [each for each in of_pool(attempt.pool) if each != EMAIL]
        return challenges.ask(attempt, user, "MFA_SETUP", {"MFAS_CAN_SETUP": orjson.dumps(can).decode()})
    if len(methods) > 1:
        parameters = {"MFAS_CAN_CHOOSE": orjson.dumps(methods).decode()}
        return challenges.ask(attempt, user, "SELECT_MFA_TYPE", parameters, Methods=methods)
    return await ask_method(attempt, user, methods[0])


async def ask_method(attempt: "Attempt", user: User, method: str) -> Document:
    """The challenge of one factor; sends the code where the factor is one."""
    from maycloud.services.cognito_idp import challenges

    if method == TOTP:
        named = {"FRIENDLY_DEVICE_NAME": user.settings.get("TotpName", "")}
        return challenges.ask(attempt, user, TOTP, {key: value for key, value in named.items() if value})
    return await send_code(attempt, user, method, _ATTRIBUTE[method])


async def send_code(
    attempt: "Attempt", user: User, challenge: str, attribute: str, **more: object
) -> Document:
    """A challenge whose answer is sent to one of the user's addresses."""
    from maycloud.services.cognito_idp import challenges

    message = await messages.compose(
        attempt.state, attempt.pool, attempt.client, user, "CustomMessage_Authentication", attribute,
        attempt.metadata,
    )  # fmt: skip
    code = codes.new_code()
    delivery = messages.details(attribute, user.attributes[attribute])
    with attempt.state.db.atomic():
        messages.send(attempt.state, attempt.pool, attempt.client, user, attribute, message, code)
        return challenges.ask(
            attempt, user, challenge,
            {
                "CODE_DELIVERY_DELIVERY_MEDIUM": delivery["DeliveryMedium"],
                "CODE_DELIVERY_DESTINATION": delivery["Destination"],
            },
            Code=code, **more,
        )  # fmt: skip


def check(attempt: "Attempt", user: User, held: Document, code: str) -> None:
    """Raises CodeMismatchException for a wrong code of a challenge."""
    if held["Challenge"] == TOTP:
        check_totp(attempt.state, user, code)
    elif not hmac.compare_digest(held["Code"].encode(), code.encode()):
        raise wrong_code()


def wrong_code() -> AwsError:
    return AwsError("CodeMismatchException", "Invalid code received for user")


# Authenticator apps


def seal_secret(state: "UserPools", user: User, secret: str) -> str:
    return base64.b64encode(state.vault.seal(f"totp:{user.pool}:{user.sub}", secret.encode())).decode()


def open_secret(state: "UserPools", user: User, sealed: str) -> str:
    return state.vault.open(f"totp:{user.pool}:{user.sub}", base64.b64decode(sealed)).decode()


def check_totp(state: "UserPools", user: User, code: str) -> None:
    """Check a user's code by the machine's time, as apps make it, and remember it: each is good once."""
    sealed = user.settings.get("Totp")
    if not sealed:
        raise AwsError("SoftwareTokenMFANotFoundException", "Software token MFA is not set up for the user.")
    step = step_of(open_secret(state, user, sealed), code, state.clock.wall())
    if step is None:
        raise wrong_code()
    if step <= user.settings.get("TotpStep", 0):
        raise AwsError("ExpiredCodeException", "Your software token has already been used once.")
    user.settings["TotpStep"] = step
    state.store.save_user(user)


def choose(pool: Pool, user: User, given: Document) -> None:
    """SetUserMFAPreference on a user, who is then to be saved."""
    chosen = set(user.settings.get("Mfa", []))
    preferred = user.settings.get("PreferredMfa")
    asked = {
        TOTP: given.get("SoftwareTokenMfaSettings"),
        EMAIL: given.get("EmailMfaSettings"),
        SMS: given.get("SMSMfaSettings"),
    }
    if given.get("WebAuthnMfaSettings"):
        raise invalid("WebAuthnMfaSettings is not supported by Maycloud; see docs/coverage.md")
    if sum(1 for each in asked.values() if each and each.get("PreferredMfa")) > 1:
        raise invalid("Only one MFA type can be set as preferred.")
    for method, settings in asked.items():
        if settings is None:
            continue
        if settings.get("Enabled"):
            _check_may_use(pool, user, method)
            chosen.add(method)
        else:
            if settings.get("PreferredMfa"):
                raise invalid("User has set a MFA type that is not enabled as preferred.")
            chosen.discard(method)
        if settings.get("PreferredMfa"):
            preferred = method
        elif preferred == method:
            preferred = None
    user.settings["Mfa"] = [each for each in (SMS, TOTP, EMAIL) if each in chosen]
    if preferred in chosen:
        user.settings["PreferredMfa"] = preferred
    else:
        user.settings.pop("PreferredMfa", None)


def choose_sms(pool: Pool, user: User, options: list[Document]) -> None:
    """SetUserSettings on a user, who is then to be saved."""
    wanted = [each for each in options if each.get("AttributeName") == "phone_number"]
    if len(wanted) < len(options) or any(each.get("DeliveryMedium") != "SMS" for each in wanted):
        raise invalid("Only SMS to phone_number can be set as an MFA option.")
    choose(pool, user, {"SMSMfaSettings": {"Enabled": bool(wanted)}})


def _check_may_use(pool: Pool, user: User, method: str) -> None:
    """In AWS's words, as many report them: a factor needs its address, telephone or app first."""
    if not _has(user, method):
        raise invalid(f"User does not have delivery config set to turn on {method}")
    if method not in of_pool(pool):
        kind = {TOTP: "Software token", EMAIL: "Email", SMS: "SMS"}[method]
        raise invalid(f"{kind} MFA is not enabled for the user pool.")


def described(user: User) -> Document:
    """The members of GetUser's answer."""
    found: Document = {}
    if user.settings.get("Mfa"):
        found["UserMFASettingList"] = user.settings["Mfa"]
    if user.settings.get("PreferredMfa"):
        found["PreferredMfaSetting"] = user.settings["PreferredMfa"]
    return found
