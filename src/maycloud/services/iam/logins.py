"""Passwords of users. There is no console to sign in to: ChangePassword alone asks for one."""

import hashlib
import hmac
import os
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.account import check_password, reuse_prevention
from maycloud.services.iam.attachments import USER
from maycloud.services.iam.common import moment
from maycloud.services.iam.users import own_name
from maycloud.store import Document

MAX_REMEMBERED = 24


def _hash(password: str, salt: bytes) -> str:
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, n=4096, r=8, p=1).hex()}"


def _matches(password: str, hashed: str) -> bool:
    return hmac.compare_digest(_hash(password, bytes.fromhex(hashed.partition(":")[0])), hashed)


def _set(call: Call, login: Document, password: str) -> Document:
    """The login with a new password. Raises PasswordPolicyViolation."""
    check_password(call, password)
    hashes: list[str] = login.get("Hashes", [])
    if any(_matches(password, hashed) for hashed in hashes[: reuse_prevention(call)]):
        raise AwsError("PasswordPolicyViolation", "Password has been used previously and can not be reused.")
    return login | {
        "Hashes": [_hash(password, os.urandom(16)), *hashes][:MAX_REMEMBERED],
        "Changed": call.now(),
    }


def _login(user: Document) -> dict[str, Any]:
    login = user["Login"]
    return {
        "UserName": user["UserName"],
        "CreateDate": moment(login["Created"]),
        "PasswordResetRequired": login["Reset"],
    }


def _with_login(call: Call, params: Params) -> Document:
    user = USER.find(call, {"UserName": own_name(call, params)})
    if not user.get("Login"):
        raise AwsError("NoSuchEntity", f"Login Profile for User {user['UserName']} cannot be found.", 404)
    return user


def create_login_profile(call: Call, params: Params) -> Result:
    user = USER.find(call, {"UserName": own_name(call, params)})
    name = user["UserName"]
    if user.get("Login"):
        raise AwsError("EntityAlreadyExists", f"Login Profile for user {name} already exists.", 409)
    if "Password" not in params:
        # The model leaves it out for sessions of AssumeRoot, which are not here.
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value null at 'password' failed to satisfy constraint: Member must"
            " not be null",
        )
    login = {"Created": call.now(), "Reset": params.get("PasswordResetRequired", False)}
    login = _set(call, login, params["Password"])
    user = user | {"Login": login}
    USER.save(call, {"UserName": name}, user)
    return {"LoginProfile": _login(user)}


def get_login_profile(call: Call, params: Params) -> Result:
    return {"LoginProfile": _login(_with_login(call, params))}


def update_login_profile(call: Call, params: Params) -> Result:
    user = _with_login(call, params)
    login = user["Login"]
    if "Password" in params:
        login = _set(call, login, params["Password"])
    reset = params.get("PasswordResetRequired", login["Reset"])
    USER.save(call, {"UserName": user["UserName"]}, user | {"Login": login | {"Reset": reset}})
    return None


def change_password(call: Call, params: Params) -> Result:
    """The caller's own. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html"""
    if call.principal.kind != "user" or call.principal.expires is not None:
        raise AwsError("InvalidUserType", "Only IAM Users can change their own password.")
    user = _with_login(call, {})
    login = user["Login"]
    if not login.get("Hashes") or not _matches(params["OldPassword"], login["Hashes"][0]):
        raise AwsError("AccessDenied", "The old password was incorrect.", 403)
    login = _set(call, login, params["NewPassword"]) | {"Reset": False}
    USER.save(call, {"UserName": user["UserName"]}, user | {"Login": login})
    return None


def delete_login_profile(call: Call, params: Params) -> Result:
    user = dict(_with_login(call, params))
    del user["Login"]
    USER.save(call, {"UserName": user["UserName"]}, user)
    return None
