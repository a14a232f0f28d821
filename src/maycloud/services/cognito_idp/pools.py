"""User pools: made, changed, described, deleted.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPool.html
"""

import asyncio
import secrets
import string
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import schema
from maycloud.services.cognito_idp.messages import CODE, LINK, NAME
from maycloud.services.cognito_idp.passwords import DEFAULT_POLICY
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    invalid,
    moment,
    page,
    pool_of,
    pools,
    service,
    unavailable_in_tier,
)
from maycloud.services.cognito_idp.store import Pool
from maycloud.store import Document

MAX_POOLS = 1000
MAX_TAGS = 50

# Settings that may change, with what they are when nothing is said.
_DEFAULTS: dict[str, Any] = {
    "DeletionProtection": "INACTIVE",
    "LambdaConfig": {},
    "AutoVerifiedAttributes": None,
    "SmsVerificationMessage": None,
    "EmailVerificationMessage": None,
    "EmailVerificationSubject": None,
    "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
    "SmsAuthenticationMessage": None,
    "UserAttributeUpdateSettings": None,
    "MfaConfiguration": "OFF",
    "DeviceConfiguration": None,
    "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
    "SmsConfiguration": None,
    "UserPoolAddOns": None,
    "AccountRecoverySetting": None,
    "UserPoolTier": "ESSENTIALS",
}
_FIXED = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
_SHOWN = (
    "Name", "Policies", "SchemaAttributes", "UserPoolTags", "AdminCreateUserConfig", *_DEFAULTS, *_FIXED,
)  # fmt: skip
_ALPHABET = string.ascii_letters + string.digits
# Members of requests that are known and not supported; to take them silently would mislead.
_UNSUPPORTED = ("DcrConfiguration", "KeyConfiguration", "IssuerConfiguration", "AcrConfiguration")
_UNSUPPORTED_TRIGGERS = (
    "DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse", "UserMigration",
    "CustomSMSSender", "CustomEmailSender", "InboundFederation",
)  # fmt: skip


@service.operation(action="cognito-idp:CreateUserPool")
async def CreateUserPool(call: Call, params: Params) -> Result:
    state = pools(call)
    settings = _settings(params, {})
    settings["SchemaAttributes"] = schema.make_schema(params.get("Schema", []))
    for name in _FIXED:
        if params.get(name):
            settings[name] = params[name]
    if settings.get("AliasAttributes") and settings.get("UsernameAttributes"):
        raise invalid("Only one of the aliasAttributes or usernameAttributes can be set.")
    settings["UserPoolTags"] = _tags(params.get("UserPoolTags", {}))
    if len(state.store.pools(call.scope)) >= MAX_POOLS:
        raise AwsError("LimitExceededException", "The maximum number of user pools has been reached.")
    identifier = f"{call.region}_{''.join(secrets.choice(_ALPHABET) for _ in range(9))}"
    keys = await asyncio.to_thread(state.keys.make, identifier)
    settings["Created"] = settings["Modified"] = call.now()
    pool = Pool(identifier, call.account, call.region, settings, keys)
    state.store.save_pool(pool)
    return {"UserPool": described(call, pool)}


def _settings(params: Params, old: Document) -> Document:
    """All settings that may change: what is not given takes its default, as AWS does at an update too."""
    for name in _UNSUPPORTED:
        if params.get(name):
            raise invalid(f"{name} is not supported by Maycloud; see docs/coverage.md")
    settings = {name: params.get(name, default) for name, default in _DEFAULTS.items()}
    settings = {name: value for name, value in settings.items() if value is not None}
    settings["Name"] = params.get("PoolName") or old["Name"]
    policies = params.get("Policies") or {}
    policy = dict(DEFAULT_POLICY)
    if policies.get("PasswordPolicy"):
        # A policy that is given counts whole: rules that it does not name are off.
        policy |= dict.fromkeys([name for name in policy if name.startswith("Require")], False)
        policy |= policies["PasswordPolicy"]
    sign_in = policies.get("SignInPolicy") or {"AllowedFirstAuthFactors": ["PASSWORD"]}
    first = sign_in.get("AllowedFirstAuthFactors") or ["PASSWORD"]
    if "PASSWORD" not in first:
        raise invalid("PASSWORD must be one of AllowedFirstAuthFactors.")
    if "WEB_AUTHN" in first:
        raise invalid("WEB_AUTHN is not supported by Maycloud; see docs/coverage.md")
    sign_in = {"AllowedFirstAuthFactors": first}
    settings["Policies"] = {"PasswordPolicy": policy, "SignInPolicy": sign_in}
    settings["AdminCreateUserConfig"] = _admin_create(params.get("AdminCreateUserConfig") or {}, policies)
    template = settings["VerificationMessageTemplate"]
    settings["VerificationMessageTemplate"] = {"DefaultEmailOption": "CONFIRM_WITH_CODE"} | template
    for text, member in (
        ("EmailVerificationMessage", "EmailMessage"),
        ("EmailVerificationSubject", "EmailSubject"),
        ("SmsVerificationMessage", "SmsMessage"),
    ):
        # The same setting under two names, which AWS shows under both.
        if text in settings:
            settings["VerificationMessageTemplate"].setdefault(member, settings[text])
        elif member in template:
            settings[text] = template[member]
    own = ("SoftwareTokenMfaConfiguration", "EmailMfaConfiguration")
    _check(settings, factors=any(old.get(name) is not None for name in own))
    _check_tier(settings)
    return settings


def _admin_create(given: Document, policies: Document) -> Document:
    days = (policies.get("PasswordPolicy") or {}).get("TemporaryPasswordValidityDays")
    unused = given.get("UnusedAccountValidityDays")
    if days is not None and unused is not None and days != unused:
        raise invalid(
            "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
        )
    return {
        "AllowAdminCreateUserOnly": False,
        "UnusedAccountValidityDays": days if days is not None else unused if unused is not None else 7,
        **{name: value for name, value in given.items() if name != "UnusedAccountValidityDays"},
    }


def _check(settings: Document, *, factors: bool) -> None:
    """`factors` says whether the pool has second factors that need no telephone, see mfa_settings."""
    verified = settings.get("AutoVerifiedAttributes", [])
    update = settings.get("UserAttributeUpdateSettings") or {}
    for name in update.get("AttributesRequireVerificationBeforeUpdate") or ():
        if name not in verified:
            raise invalid(
                "AttributesRequireVerificationBeforeUpdate: can only contain attributes that are in"
                " AutoVerifiedAttributes"
            )
    if settings["MfaConfiguration"] != "OFF" and "SmsConfiguration" not in settings and not factors:
        raise invalid(
            "SMS configuration and Auto verification for phone_number are required when MFA is"
            " required/optional"
        )
    _check_templates(settings)
    mechanisms = (settings.get("AccountRecoverySetting") or {}).get("RecoveryMechanisms") or []
    names = [each["Name"] for each in mechanisms]
    if "admin_only" in names and len(names) > 1:
        raise invalid("admin_only cannot be used with other recovery mechanisms.")
    if len({each["Priority"] for each in mechanisms}) < len(mechanisms) or len(set(names)) < len(names):
        raise invalid("Account Recovery Setting must have unique names and priorities.")
    _check_triggers(settings)


def _check_templates(settings: Document) -> None:
    """A message without its code would help nobody."""
    verification = settings["VerificationMessageTemplate"]
    for path, text in (
        ("emailVerificationMessage", settings.get("EmailVerificationMessage")),
        ("smsVerificationMessage", settings.get("SmsVerificationMessage")),
        ("smsAuthenticationMessage", settings.get("SmsAuthenticationMessage")),
        ("verificationMessageTemplate.emailMessage", verification.get("EmailMessage")),
        ("verificationMessageTemplate.smsMessage", verification.get("SmsMessage")),
    ):
        if text is not None and CODE not in text:
            raise invalid(
                f"1 validation error detected: Value '{text}' at '{path}' failed to satisfy constraint:"
                " Member must satisfy regular expression pattern: .*\\{####\\}.*"
            )
    by_link = verification.get("EmailMessageByLink")
    if by_link is not None and LINK.search(by_link) is None:
        raise invalid(
            f"1 validation error detected: Value '{by_link}' at"
            " 'verificationMessageTemplate.emailMessageByLink' failed to satisfy constraint: Member must"
            " satisfy regular expression pattern: .*\\{##.*##\\}.*"
        )
    invitation = settings["AdminCreateUserConfig"].get("InviteMessageTemplate", {})
    for member in ("EmailMessage", "SMSMessage"):
        text = invitation.get(member)
        if text is not None and not (CODE in text and NAME in text):
            raise invalid(f"{member} of InviteMessageTemplate must contain {NAME} and {CODE}.")


def _check_triggers(settings: Document) -> None:
    triggers = settings["LambdaConfig"]
    for name in _UNSUPPORTED_TRIGGERS:
        if triggers.get(name):
            raise invalid(f"The {name} trigger is not supported by Maycloud; see docs/coverage.md")
    configured = triggers.get("PreTokenGenerationConfig")
    if configured is None:
        return
    plain = triggers.setdefault("PreTokenGeneration", configured["LambdaArn"])
    if plain != configured["LambdaArn"]:
        raise invalid(
            "PreTokenGeneration and PreTokenGenerationConfig must be set to the same Lambda function ARN."
        )


def _check_tier(settings: Document) -> None:
    """Words recorded by https://github.com/hashicorp/terraform-provider-aws/pull/40734."""
    tier = settings["UserPoolTier"]
    unavailable: list[str] = []
    if (settings.get("UserPoolAddOns") or {}).get("AdvancedSecurityMode", "OFF") != "OFF" and tier != "PLUS":
        unavailable.append("Threat Protection")
    version = (settings["LambdaConfig"].get("PreTokenGenerationConfig") or {}).get("LambdaVersion", "V1_0")
    if version != "V1_0" and tier == "LITE":
        unavailable.append(f"Token Customization with Pre-Token Generation Lambda {version}")
    if unavailable:
        raise unavailable_in_tier(tier, *unavailable)


def _tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS or any(key.lower().startswith("aws:") for key in tags):
        raise AwsError("UserPoolTaggingException", "The tags are not valid.")
    return tags


def described(call: Call, pool: Pool) -> Document:
    """A UserPoolType."""
    state = pools(call)
    found = {name: pool.settings[name] for name in _SHOWN if name in pool.settings}
    domain = state.records.domain_of(pool.id)
    if domain is not None:
        settings = (state.records.domain(domain) or ("", {}))[1]
        found["CustomDomain" if settings.get("CustomDomainConfig") else "Domain"] = domain
    return {
        "Id": pool.id,
        **found,
        "Arn": pool.arn,
        "CreationDate": moment(pool.settings["Created"]),
        "LastModifiedDate": moment(pool.settings["Modified"]),
        "EstimatedNumberOfUsers": state.store.count_users(pool.id),
    }


@service.operation(**ADMIN_READ)
def DescribeUserPool(call: Call, params: Params) -> Result:
    return {"UserPool": described(call, pool_of(call, params))}


@service.operation(**ADMIN)
def UpdateUserPool(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    settings = pool.settings | _settings(params, pool.settings)
    for name, default in _DEFAULTS.items():
        if name not in params and default is None:
            settings.pop(name, None)
    if "UserPoolTags" in params:
        settings["UserPoolTags"] = _tags(params["UserPoolTags"])
    settings["Modified"] = call.now()
    pools(call).store.save_pool(Pool(pool.id, pool.account, pool.region, settings, pool.keys))
    return {}


@service.operation(**ADMIN)
def DeleteUserPool(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    if pool.settings["DeletionProtection"] == "ACTIVE":
        raise invalid(
            "The user pool cannot be deleted because deletion protection is activated. Deletion protection"
            " must be inactivated first."
        )
    if pools(call).records.domain_of(pool.id) is not None:
        raise invalid("User pool cannot be deleted. It has a domain configured that should be deleted first.")
    pools(call).store.delete_pool(pool.id)
    return {}


@service.operation(atomic=False)
def ListUserPools(call: Call, params: Params) -> Result:
    found, token = page(pools(call).store.pools(call.scope), params, "MaxResults", "NextToken")
    result: Document = {
        "UserPools": [
            {
                "Id": pool.id,
                "Name": pool.settings["Name"],
                "LambdaConfig": pool.settings["LambdaConfig"],
                "LastModifiedDate": moment(pool.settings["Modified"]),
                "CreationDate": moment(pool.settings["Created"]),
            }
            for pool in found
        ]
    }
    return result | ({"NextToken": token} if token else {})


@service.operation(**ADMIN)
def AddCustomAttributes(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    entries = [*pool.settings["SchemaAttributes"]]
    names = {entry["Name"] for entry in entries}
    for each in params["CustomAttributes"]:
        made = schema.make_custom(each)
        if made["Name"] in names:
            bare = made["Name"].removeprefix("dev:")
            raise invalid(f"{bare}: Existing attribute already has name {made['Name']}.")
        names.add(made["Name"])
        entries.append(made)
    if len(names - schema.STANDARD) > schema.MAX_CUSTOM:
        raise invalid(f"The maximum number of custom attributes, {schema.MAX_CUSTOM}, was exceeded.")
    settings = pool.settings | {"SchemaAttributes": entries, "Modified": call.now()}
    pools(call).store.save_pool(Pool(pool.id, pool.account, pool.region, settings, pool.keys))
    return {}
