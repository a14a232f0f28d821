"""Groups and who is in them."""

from typing import Any

from maycloud.access.identities import new_id
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.attachments import GROUP, USER
from maycloud.services.iam.common import (
    check_name,
    conflict,
    exists,
    identities,
    moment,
    page,
    path_of,
    scope,
)
from maycloud.services.iam.users import describe as describe_user
from maycloud.store import Document


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
    members = [describe_user(user, whole=False) for user in _members(call, group["GroupName"])]
    return {"Group": describe_group(group), **page(members, params, "Users")}


def list_groups(call: Call, params: Params) -> Result:
    prefix = params.get("PathPrefix", "/")
    rows = [
        describe_group(group)
        for _, group in identities(call).groups.items(scope(call))
        if group["Path"].startswith(prefix)
    ]
    return page(rows, params, "Groups")


def update_group(call: Call, params: Params) -> Result:
    """Another name or path; members and policies stay."""
    group = GROUP.find(call, params)
    old, store = group["GroupName"], identities(call)
    name = params.get("NewGroupName", old)
    path = path_of({"Path": params.get("NewPath", group["Path"])})
    if name != old:
        check_name("groupName", name, 128)
        if store.groups.get(scope(call), name) is not None:
            raise exists("Group", name)
        for member in _members(call, old):
            names = [name if each == old else each for each in member["Groups"]]
            USER.save(call, member, member | {"Groups": names})
        store.remove(store.groups, scope(call), old)
    arn = f"arn:aws:iam::{call.account}:group{path}{name}"
    store.write(store.groups, scope(call), name, group | {"GroupName": name, "Path": path, "Arn": arn})
    return None


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
    user = USER.find(call, params)
    GROUP.find(call, params)
    groups = user.get("Groups", [])
    if params["GroupName"] not in groups:
        USER.save(call, params, user | {"Groups": [*groups, params["GroupName"]]})
    return None


def remove_user_from_group(call: Call, params: Params) -> Result:
    user = USER.find(call, params)
    GROUP.find(call, params)
    groups = [name for name in user.get("Groups", []) if name != params["GroupName"]]
    USER.save(call, params, user | {"Groups": groups})
    return None


def list_groups_for_user(call: Call, params: Params) -> Result:
    names = USER.find(call, params).get("Groups", [])
    documents = identities(call).groups
    groups = [documents.get(scope(call), name) for name in names]
    return page([describe_group(group) for group in groups if group is not None], params, "Groups")
