"""Users and their access keys."""

from typing import Any

from maycloud.access import mfa
from maycloud.access.identities import new_access_key, new_id, new_secret
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.attachments import USER, boundary_of, check_boundary
from maycloud.services.iam.common import (
    check_name,
    conflict,
    exists,
    identities,
    limit_exceeded,
    moment,
    no_such,
    page,
    path_of,
    scope,
    tag_list,
    tags_of,
)
from maycloud.store import Document

MAX_KEYS = 2
_GLOBAL = ("", "")  # access keys are unique over all accounts
_HELD = {
    "Certificates": "signing certificates",
    "SSHPublicKeys": "SSH public keys",
    "ServiceCredentials": "service specific credentials",
}  # what a user must have none of to be deleted


def describe(user: Document, *, whole: bool = True) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Path": user["Path"],
        "UserName": user["UserName"],
        "UserId": user["UserId"],
        "Arn": user["Arn"],
        "CreateDate": moment(user["Created"]),
    }
    if whole:
        described |= boundary_of(user)
        if user.get("Tags"):
            described["Tags"] = tag_list(user)
    return described


def own_name(call: Call, params: Params) -> str:
    """The user a call names, or the caller's own."""
    if params.get("UserName"):
        return params["UserName"]
    if call.principal.kind != "user":
        raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials")
    return call.principal.arn.rpartition("/")[2]


def create_user(call: Call, params: Params) -> Result:
    name = params["UserName"]
    check_name("userName", name, 64)
    documents = identities(call).users
    if any(each.lower() == name.lower() for each, _ in documents.items(scope(call))):
        raise exists("User", name)
    path = path_of(params)
    user: Document = {
        "Path": path,
        "UserName": name,
        "UserId": new_id("AIDA"),
        "Arn": f"arn:aws:iam::{call.account}:user{path}{name}",
        "Created": call.now(),
        "Tags": tags_of(params),
        **check_boundary(call, params),
    }
    identities(call).write(documents, scope(call), name, user)
    return {"User": describe(user)}


def get_user(call: Call, params: Params) -> Result:
    name = own_name(call, params)
    user = identities(call).users.get(scope(call), name)
    if user is None and call.principal.arn == f"arn:aws:iam::{call.account}:user/{name}":
        # The administrator that every account has from the beginning.
        made = {
            "Path": "/",
            "UserName": name,
            "UserId": call.principal.id,
            "Arn": call.principal.arn,
            "Created": 0,
        }
        return {"User": describe(made)}
    if user is None:
        raise no_such("user", name)
    return {"User": describe(user)}


def list_users(call: Call, params: Params) -> Result:
    prefix = params.get("PathPrefix", "/")
    rows = [
        describe(user, whole=False)
        for _, user in identities(call).users.items(scope(call))
        if user["Path"].startswith(prefix)
    ]
    return page(rows, params, "Users")


def update_user(call: Call, params: Params) -> Result:
    user = dict(USER.find(call, params))
    name = params.get("NewUserName", user["UserName"])
    path = path_of({"Path": params.get("NewPath", user["Path"])})
    store = identities(call)
    if name != user["UserName"]:
        check_name("userName", name, 64)
        if store.users.get(scope(call), name) is not None:
            raise exists("User", name)
        for key, body in keys_of(call, user["UserName"]):
            store.write(store.keys, _GLOBAL, key, body | {"user": name})
        for device in mfa.devices_of(store, scope(call), user["UserName"]):
            store.write(store.devices, scope(call), device["SerialNumber"], device | {"User": name})
        store.remove(store.users, scope(call), user["UserName"])
    user |= {"UserName": name, "Path": path, "Arn": f"arn:aws:iam::{call.account}:user{path}{name}"}
    store.write(store.users, scope(call), name, user)
    return None


def delete_user(call: Call, params: Params) -> Result:
    user = USER.find(call, params)
    name = user["UserName"]
    if user.get("Login"):
        raise conflict("Cannot delete entity, must delete login profile first.")
    if keys_of(call, name):
        raise conflict("Cannot delete entity, must delete access keys first.")
    if mfa.devices_of(identities(call), scope(call), name):
        raise conflict("Cannot delete entity, must delete MFA device first.")
    for kind, words in _HELD.items():
        if user.get(kind):
            raise conflict(f"Cannot delete entity, must delete {words} first.")
    if user.get("Inline"):
        raise conflict("Cannot delete entity, must delete policies first.")
    if user.get("Attached"):
        raise conflict("Cannot delete entity, must detach all policies first.")
    if user.get("Groups"):
        raise conflict("Cannot delete entity, must remove users from group first.")
    identities(call).remove(identities(call).users, scope(call), name)
    return None


# Access keys


def keys_of(call: Call, user: str) -> list[tuple[str, Document]]:
    return [
        (key, body)
        for key, body in identities(call).keys.items(_GLOBAL)
        if body["account"] == call.account and body["user"] == user
    ]


def create_access_key(call: Call, params: Params) -> Result:
    name = own_name(call, params)
    if identities(call).users.get(scope(call), name) is None:
        raise no_such("user", name)
    if len(keys_of(call, name)) >= MAX_KEYS:
        raise limit_exceeded("AccessKeysPerUser", MAX_KEYS)
    key = new_access_key("AKIA", call.account)
    body = {
        "account": call.account, "user": name, "secret": new_secret(), "status": "Active",
        "created": call.now(),
    }  # fmt: skip
    identities(call).write(identities(call).keys, _GLOBAL, key, body)
    return {
        "AccessKey": {
            "UserName": name,
            "AccessKeyId": key,
            "Status": "Active",
            "SecretAccessKey": body["secret"],
            "CreateDate": moment(body["created"]),
        }
    }


def _find_key(call: Call, params: Params) -> tuple[str, Document]:
    name = own_name(call, params)
    body = identities(call).keys.get(_GLOBAL, params["AccessKeyId"])
    if body is None or body["account"] != call.account or body["user"] != name:
        raise AwsError(
            "NoSuchEntity", f"The Access Key with id {params['AccessKeyId']} cannot be found.", 404
        )
    return params["AccessKeyId"], body


def update_access_key(call: Call, params: Params) -> Result:
    key, body = _find_key(call, params)
    identities(call).write(identities(call).keys, _GLOBAL, key, body | {"status": params["Status"]})
    return None


def delete_access_key(call: Call, params: Params) -> Result:
    key, _ = _find_key(call, params)
    identities(call).remove(identities(call).keys, _GLOBAL, key)
    identities(call).uses.delete(_GLOBAL, key)
    return None


def list_access_keys(call: Call, params: Params) -> Result:
    name = own_name(call, params)
    rows = [
        {
            "UserName": name,
            "AccessKeyId": key,
            "Status": body["status"],
            "CreateDate": moment(body["created"]),
        }
        for key, body in keys_of(call, name)
    ]
    return page(rows, params, "AccessKeyMetadata")


def access_key_last_used(call: Call, params: Params) -> Result:
    """Whose key it is, and where it was last used."""
    key = params["AccessKeyId"]
    body = identities(call).keys.get(_GLOBAL, key)
    if body is None or body["account"] != call.account:
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform iam:GetAccessKeyLastUsed on resource:"
            f" access key {key}",
            403,
        )
    return {"UserName": body["user"], "AccessKeyLastUsed": _last_use(call, key)}


def _last_use(call: Call, key: str) -> dict[str, Any]:
    used = identities(call).uses.get(_GLOBAL, key)
    if used is None:
        return {"ServiceName": "N/A", "Region": "N/A"}
    when = moment(int(used["at"]))
    return {"LastUsedDate": when, "ServiceName": used["service"], "Region": used["region"]}
