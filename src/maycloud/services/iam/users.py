"""Users, their access keys, and groups."""

from typing import Any

from maycloud.access.identities import new_id, new_secret
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.attachments import GROUP, USER, boundary_of, check_boundary
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
    name, path = params.get("NewUserName", user["UserName"]), params.get("NewPath", user["Path"])
    store = identities(call)
    if name != user["UserName"]:
        check_name("userName", name, 64)
        if store.users.get(scope(call), name) is not None:
            raise exists("User", name)
        for key, body in _keys(call, user["UserName"]):
            store.write(store.keys, _GLOBAL, key, body | {"user": name})
        store.remove(store.users, scope(call), user["UserName"])
    user |= {"UserName": name, "Path": path, "Arn": f"arn:aws:iam::{call.account}:user{path}{name}"}
    store.write(store.users, scope(call), name, user)
    return None


def delete_user(call: Call, params: Params) -> Result:
    user = USER.find(call, params)
    name = user["UserName"]
    if _keys(call, name):
        raise conflict("Cannot delete entity, must delete access keys first.")
    if user.get("Inline"):
        raise conflict("Cannot delete entity, must delete policies first.")
    if user.get("Attached"):
        raise conflict("Cannot delete entity, must detach all policies first.")
    if user.get("Groups"):
        raise conflict("Cannot delete entity, must remove users from group first.")
    identities(call).remove(identities(call).users, scope(call), name)
    return None


# Access keys


def _keys(call: Call, user: str) -> list[tuple[str, Document]]:
    return [
        (key, body)
        for key, body in identities(call).keys.items(_GLOBAL)
        if body["account"] == call.account and body["user"] == user
    ]


def create_access_key(call: Call, params: Params) -> Result:
    name = own_name(call, params)
    if identities(call).users.get(scope(call), name) is None:
        raise no_such("user", name)
    if len(_keys(call, name)) >= MAX_KEYS:
        raise limit_exceeded("AccessKeysPerUser", MAX_KEYS)
    key = new_id("AKIA")[:20]
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
        for key, body in _keys(call, name)
    ]
    return page(rows, params, "AccessKeyMetadata")


# Groups


def describe_group(group: Document) -> dict[str, Any]:
    return {
        "Path": group["Path"],
        "GroupName": group["GroupName"],
        "GroupId": group["GroupId"],
        "Arn": group["Arn"],
        "CreateDate": moment(group["Created"]),
    }


def create_group(call: Call, params: Params) -> Result:
    name = params["GroupName"]
    check_name("groupName", name, 128)
    documents = identities(call).groups
    if documents.get(scope(call), name) is not None:
        raise exists("Group", name)
    path = path_of(params)
    group: Document = {
        "Path": path,
        "GroupName": name,
        "GroupId": new_id("AGPA"),
        "Arn": f"arn:aws:iam::{call.account}:group{path}{name}",
        "Created": call.now(),
    }
    identities(call).write(documents, scope(call), name, group)
    return {"Group": describe_group(group)}


def _members(call: Call, name: str) -> list[Document]:
    return [user for _, user in identities(call).users.items(scope(call)) if name in user.get("Groups", [])]


def get_group(call: Call, params: Params) -> Result:
    group = GROUP.find(call, params)
    members = [describe(user, whole=False) for user in _members(call, group["GroupName"])]
    return {"Group": describe_group(group), **page(members, params, "Users")}


def list_groups(call: Call, params: Params) -> Result:
    prefix = params.get("PathPrefix", "/")
    rows = [
        describe_group(group)
        for _, group in identities(call).groups.items(scope(call))
        if group["Path"].startswith(prefix)
    ]
    return page(rows, params, "Groups")


def delete_group(call: Call, params: Params) -> Result:
    group = GROUP.find(call, params)
    if _members(call, group["GroupName"]):
        raise conflict("Cannot delete entity, must remove users from group first.")
    if group.get("Inline"):
        raise conflict("Cannot delete entity, must delete policies first.")
    if group.get("Attached"):
        raise conflict("Cannot delete entity, must detach all policies first.")
    identities(call).remove(identities(call).groups, scope(call), group["GroupName"])
    return None


def add_user_to_group(call: Call, params: Params) -> Result:
    GROUP.find(call, params)
    user = USER.find(call, params)
    groups = user.get("Groups", [])
    if params["GroupName"] not in groups:
        USER.save(call, params, user | {"Groups": [*groups, params["GroupName"]]})
    return None


def remove_user_from_group(call: Call, params: Params) -> Result:
    GROUP.find(call, params)
    user = USER.find(call, params)
    groups = [name for name in user.get("Groups", []) if name != params["GroupName"]]
    USER.save(call, params, user | {"Groups": groups})
    return None


def list_groups_for_user(call: Call, params: Params) -> Result:
    names = USER.find(call, params).get("Groups", [])
    documents = identities(call).groups
    groups = [documents.get(scope(call), name) for name in names]
    return page([describe_group(group) for group in groups if group is not None], params, "Groups")
