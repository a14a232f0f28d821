"""The second factors that a pool offers, as they are set.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SetUserPoolMfaConfig.html
"""

from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import mfa
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    invalid,
    pool_of,
    pools,
    service,
    unavailable_in_tier,
)
from maycloud.services.cognito_idp.store import Pool
from maycloud.store import Document


@service.operation(**ADMIN_READ)
def GetUserPoolMfaConfig(call: Call, params: Params) -> Result:
    return _mfa_config(pool_of(call, params))


_MFA = ("SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration")


def _mfa_config(pool: Pool) -> Document:
    found = {name: pool.settings[name] for name in _MFA if name in pool.settings}
    if mfa.SMS in mfa.of_pool(pool):
        sms = {
            "SmsAuthenticationMessage": pool.settings.get("SmsAuthenticationMessage"),
            "SmsConfiguration": pool.settings.get("SmsConfiguration"),
        }
        found["SmsMfaConfiguration"] = {name: value for name, value in sms.items() if value is not None}
    return {**found, "MfaConfiguration": pool.settings["MfaConfiguration"]}


@service.operation(**ADMIN)
def SetUserPoolMfaConfig(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    if params.get("WebAuthnConfiguration"):
        raise invalid("WebAuthnConfiguration is not supported by Maycloud; see docs/coverage.md")
    settings = {name: value for name, value in pool.settings.items() if name not in _MFA}
    settings |= {name: params[name] for name in _MFA if params.get(name) is not None}
    settings["MfaConfiguration"] = params.get("MfaConfiguration", pool.settings["MfaConfiguration"])
    for name in ("SmsAuthenticationMessage", "SmsConfiguration"):  # settings of the pool under another name
        given = (params.get("SmsMfaConfiguration") or {}).get(name)
        if given is not None:
            settings[name] = given
    settings["Modified"] = call.now()
    changed = Pool(pool.id, pool.account, pool.region, settings, pool.keys)
    if settings["MfaConfiguration"] != "OFF" and not mfa.of_pool(changed):
        raise invalid("Invalid MFA configuration given, can't disable all MFAs and require an MFA.")
    if settings["MfaConfiguration"] == "OFF" and mfa.of_pool(changed):
        raise invalid("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.")
    if "EmailMfaConfiguration" in settings and settings.get("UserPoolTier") == "LITE":
        raise unavailable_in_tier("LITE", "Email MFA")
    pools(call).store.save_pool(changed)
    return _mfa_config(changed)
