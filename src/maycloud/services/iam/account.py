"""What an account has one of: its alias, and what it asks of passwords.

Answers and refusals as recorded of AWS in LocalStack's
tests/aws/services/iam/test_iam_account_password_policy.snapshot.json.
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.common import page, scope
from maycloud.store import Documents

_PASSWORDS = "PasswordPolicy"
_ALIAS = "Alias"
_REQUIRED = {
    "RequireSymbols": lambda text: any(not each.isalnum() for each in text),
    "RequireNumbers": lambda text: any(each.isdigit() for each in text),
    "RequireUppercaseCharacters": lambda text: any(each.isupper() for each in text),
    "RequireLowercaseCharacters": lambda text: any(each.islower() for each in text),
}


def _account(call: Call) -> Documents:
    return call.store.documents("iam.account")


# Alias


def create_account_alias(call: Call, params: Params) -> Result:
    """An account has one alias; a new one takes the place of the old."""
    alias = params["AccountAlias"]
    for (account, _), key, body in _account(call).everywhere():
        if key == _ALIAS and body["Name"] == alias and account != call.account:
            raise AwsError("EntityAlreadyExists", f"The account alias {alias} already exists.", 409)
    _account(call).put(scope(call), _ALIAS, {"Name": alias})
    return None


def delete_account_alias(call: Call, params: Params) -> Result:
    alias = params["AccountAlias"]
    found = _account(call).get(scope(call), _ALIAS)
    if found is None or found["Name"] != alias:
        raise AwsError("NoSuchEntity", f"The account alias with name {alias} cannot be found.", 404)
    _account(call).delete(scope(call), _ALIAS)
    return None


def list_account_aliases(call: Call, params: Params) -> Result:
    found = _account(call).get(scope(call), _ALIAS)
    return page([found["Name"]] if found else [], params, "AccountAliases")


# Passwords


def update_account_password_policy(call: Call, params: Params) -> Result:
    """The whole policy: what a call leaves out goes back to its default."""
    policy: dict[str, Any] = {
        "MinimumPasswordLength": params.get("MinimumPasswordLength", 6),
        **{name: params.get(name, False) for name in _REQUIRED},
        "AllowUsersToChangePassword": params.get("AllowUsersToChangePassword", False),
        "ExpirePasswords": bool(params.get("MaxPasswordAge")),
    }
    for name in ("MaxPasswordAge", "PasswordReusePrevention", "HardExpiry"):
        if params.get(name):
            policy[name] = params[name]
    _account(call).put(scope(call), _PASSWORDS, policy)
    return None


def get_account_password_policy(call: Call, _params: Params) -> Result:
    found = _account(call).get(scope(call), _PASSWORDS)
    if found is None:
        words = f"The Password Policy with domain name {call.account} cannot be found."
        raise AwsError("NoSuchEntity", words, 404)
    return {"PasswordPolicy": found}


def delete_account_password_policy(call: Call, _params: Params) -> Result:
    if not _account(call).delete(scope(call), _PASSWORDS):
        raise AwsError("NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.", 404)
    return None


def reuse_prevention(call: Call) -> int:
    """How many earlier passwords may not come again."""
    return (_account(call).get(scope(call), _PASSWORDS) or {}).get("PasswordReusePrevention", 0)


def password_age(call: Call) -> int | None:
    """Days that a password lasts."""
    return (_account(call).get(scope(call), _PASSWORDS) or {}).get("MaxPasswordAge")


def check_password(call: Call, password: str) -> None:
    """Raises PasswordPolicyViolation for one that the account's policy does not allow."""
    policy = _account(call).get(scope(call), _PASSWORDS) or {"MinimumPasswordLength": 8}
    if len(password) < policy["MinimumPasswordLength"] or not all(
        test(password) for name, test in _REQUIRED.items() if policy.get(name)
    ):
        raise AwsError("PasswordPolicyViolation", "Password does not conform to the account password policy.")
