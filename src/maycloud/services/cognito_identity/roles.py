"""Which role a session gets: the pool's own two, or one that a rule or the token names.

https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
"""

import re
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_identity.logins import Claims, Login, provider_name
from maycloud.services.cognito_identity.service import (
    invalid_parameter,
    not_authorized,
    own_pool,
    resource_arn,
    service,
    state,
)
from maycloud.services.cognito_identity.store import Pool

MAX_RULES = 25  # of a provider

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]+")


@service.operation(resource=resource_arn)
def SetIdentityPoolRoles(call: Call, params: Params) -> Result:
    """Whoever sets roles must be allowed to pass them on, as wherever AWS assumes a role for others."""
    pool = dict(own_pool(call, params["IdentityPoolId"]))
    mappings = params.get("RoleMappings", {})
    for mapping in mappings.values():
        _check_mapping(mapping)
    rules = [
        rule
        for mapping in mappings.values()
        for rule in mapping.get("RulesConfiguration", {}).get("Rules", [])
    ]
    for arn in dict.fromkeys([*params["Roles"].values(), *(rule["RoleARN"] for rule in rules)]):
        _check_role(call, arn)
    pool["Roles"] = params["Roles"]
    pool["RoleMappings"] = mappings
    state(call).store.put_pool(pool)


def _check_role(call: Call, arn: str) -> None:
    match = _ROLE.fullmatch(arn)
    if match is None:
        raise forbidden_role(arn)
    # The role of another account decides itself, by its trust policy.
    if match[1] == call.account:
        try:
            call.authorize("iam:PassRole", arn, {"iam:PassedToService": "cognito-identity.amazonaws.com"})
        except AwsError as error:
            raise forbidden_role(arn) from error


def _check_mapping(mapping: dict[str, Any]) -> None:
    if not mapping.get("AmbiguousRoleResolution"):
        raise invalid_parameter("Ambiguous role resolution is required for role mappings")
    rules = mapping.get("RulesConfiguration", {}).get("Rules", [])
    if mapping["Type"] == "Rules" and not rules:
        raise invalid_parameter("Rules configuration is required for role mappings of type Rules")
    if mapping["Type"] == "Token" and rules:
        raise invalid_parameter("Rules configuration is not supported for role mappings of type Token")
    if len(rules) > MAX_RULES:
        raise invalid_parameter(f"A role mapping may have {MAX_RULES} rules at the most")


@service.operation(resource=resource_arn)
def GetIdentityPoolRoles(call: Call, params: Params) -> Result:
    pool = own_pool(call, params["IdentityPoolId"])
    answer = {"IdentityPoolId": pool["IdentityPoolId"], "Roles": pool.get("Roles", {})}
    if pool.get("RoleMappings"):
        answer["RoleMappings"] = pool["RoleMappings"]
    return answer


def forbidden_role(arn: str) -> AwsError:
    return not_authorized(f"Access to Role '{arn}' is forbidden.")


def misconfigured() -> AwsError:
    return AwsError(
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )


def guest_role(pool: Pool, custom: str | None) -> str:
    return _own_role(pool, "unauthenticated", custom)


def user_role(pool: Pool, logins: list[Login], custom: str | None) -> str:
    """The role of someone who signed in; `custom` is the one that the client asks for."""
    mappings = {_mapping_name(name): mapping for name, mapping in pool.get("RoleMappings", {}).items()}
    for login in logins:
        mapping = mappings.get(f"{login.provider}:{login.client}") or mappings.get(login.provider)
        if mapping is None:
            continue
        if mapping["Type"] == "Token":
            role = _by_token(login.claims, custom)
        else:
            role = _by_rules(mapping["RulesConfiguration"]["Rules"], login.claims, custom)
        if role is not None:
            return role
        if mapping["AmbiguousRoleResolution"] == "Deny":
            raise not_authorized("The ambiguous role mapping rules denied this request.")
        return _own_role(pool, "authenticated", None)
    return _own_role(pool, "authenticated", custom)


def _mapping_name(name: str) -> str:
    """``{provider}:{client}``, the provider in its one form. Names of this cloud's may hold a port too."""
    provider, colon, client = name.rpartition(":")
    if colon and "/" not in client:
        return f"{provider_name(provider)}:{client}"
    return provider_name(name)


def _own_role(pool: Pool, kind: str, custom: str | None) -> str:
    role = pool.get("Roles", {}).get(kind)
    if role is None:
        raise misconfigured()
    if custom is not None and custom != role:
        raise forbidden_role(custom)
    return role


def _by_token(claims: Claims, custom: str | None) -> str | None:
    """The one asked for, preferred or only role of the token; None where that is not clear."""
    roles = claims.get("cognito:roles") or []
    if custom is not None:
        if custom not in roles:
            raise forbidden_role(custom)
        return custom
    if claims.get("cognito:preferred_role"):
        return claims["cognito:preferred_role"]
    return roles[0] if len(roles) == 1 else None


def _by_rules(rules: list[dict[str, Any]], claims: Claims, custom: str | None) -> str | None:
    """The first rule's role that matches, unless another that matches is asked for."""
    matching = [rule["RoleARN"] for rule in rules if _matches(rule, claims)]
    if custom is not None:
        if custom not in matching:
            raise forbidden_role(custom)
        return custom
    return matching[0] if matching else None


def _matches(rule: dict[str, Any], claims: Claims) -> bool:
    """A claim that is not there matches nothing, not even NotEqual. One of a list's values is enough."""
    claim = claims.get(rule["Claim"])
    if claim is None:
        return False
    values = [_text(each) for each in claim] if isinstance(claim, list) else [_text(claim)]
    wanted = rule["Value"]
    match rule["MatchType"]:
        case "Equals":
            return wanted in values
        case "Contains":
            return any(wanted in value for value in values)
        case "StartsWith":
            return any(value.startswith(wanted) for value in values)
        case _:
            return wanted not in values


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
