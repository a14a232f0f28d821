"""Instance profiles: what hands a role to a machine.

Answers and refusals as recorded of AWS in LocalStack's
tests/aws/services/iam/test_iam_instance_profiles.snapshot.json.
"""

from typing import Any

from maycloud.access.identities import new_id
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.attachments import ROLE
from maycloud.services.iam.common import (
    check_name,
    check_tag_count,
    conflict,
    describe_role,
    identities,
    limit_exceeded,
    moment,
    page,
    path_of,
    scope,
    tag_list,
    tags_of,
)
from maycloud.store import Document, Documents


def profiles(call: Call) -> Documents:
    return call.store.documents("iam.instanceProfiles")


def holding(call: Call, role: str) -> list[Document]:
    """The profiles that a role is in."""
    return [profile for _, profile in profiles(call).items(scope(call)) if role in profile["Roles"]]


def _find(call: Call, params: Params) -> Document:
    name = params["InstanceProfileName"]
    found = profiles(call).get(scope(call), name)
    if found is None:
        raise AwsError("NoSuchEntity", f"Instance Profile {name} cannot be found.", 404)
    return found


def _save(call: Call, profile: Document) -> None:
    profiles(call).put(scope(call), profile["InstanceProfileName"], profile)


def profile_arn(call: Call, params: Params) -> str:
    name = params.get("InstanceProfileName", "*")
    found = profiles(call).get(scope(call), name)
    path = params.get("Path", "/")
    return found["Arn"] if found else f"arn:aws:iam::{call.account}:instance-profile{path}{name}"


def describe(call: Call, profile: Document) -> dict[str, Any]:
    roles = [identities(call).roles.get(scope(call), name) for name in profile["Roles"]]
    return {
        "Path": profile["Path"],
        "InstanceProfileName": profile["InstanceProfileName"],
        "InstanceProfileId": profile["InstanceProfileId"],
        "Arn": profile["Arn"],
        "CreateDate": moment(profile["Created"]),
        "Roles": [describe_role(role) for role in roles if role is not None],
    }


def create_instance_profile(call: Call, params: Params) -> Result:
    name = params["InstanceProfileName"]
    check_name("instanceProfileName", name, 128)
    if profiles(call).get(scope(call), name) is not None:
        raise AwsError("EntityAlreadyExists", f"Instance Profile {name} already exists.", 409)
    path = path_of(params)
    profile: Document = {
        "Path": path,
        "InstanceProfileName": name,
        "InstanceProfileId": new_id("AIPA"),
        "Arn": f"arn:aws:iam::{call.account}:instance-profile{path}{name}",
        "Created": call.now(),
        "Roles": [],
        "Tags": tags_of(params),
    }
    _save(call, profile)
    described = describe(call, profile)
    return {"InstanceProfile": described | ({"Tags": tag_list(profile)} if profile["Tags"] else {})}


def get_instance_profile(call: Call, params: Params) -> Result:
    profile = _find(call, params)
    return {"InstanceProfile": describe(call, profile) | {"Tags": tag_list(profile)}}


def delete_instance_profile(call: Call, params: Params) -> Result:
    profile = _find(call, params)
    if profile["Roles"]:
        raise conflict("Cannot delete entity, must remove roles from instance profile first.")
    profiles(call).delete(scope(call), profile["InstanceProfileName"])
    return None


def list_instance_profiles(call: Call, params: Params) -> Result:
    prefix = params.get("PathPrefix", "/")
    rows = [
        describe(call, profile)
        for _, profile in profiles(call).items(scope(call))
        if profile["Path"].startswith(prefix)
    ]
    return page(rows, params, "InstanceProfiles")


def list_instance_profiles_for_role(call: Call, params: Params) -> Result:
    role = ROLE.find(call, params)
    rows = [describe(call, profile) for profile in holding(call, role["RoleName"])]
    return page(rows, params, "InstanceProfiles")


def add_role_to_instance_profile(call: Call, params: Params) -> Result:
    profile = _find(call, params)
    role = ROLE.find(call, params)
    if profile["Roles"]:
        raise limit_exceeded("InstanceSessionsPerInstanceProfile", 1)
    _save(call, profile | {"Roles": [role["RoleName"]]})
    return None


def remove_role_from_instance_profile(call: Call, params: Params) -> Result:
    profile = _find(call, params)
    name = ROLE.find(call, params)["RoleName"]
    if name not in profile["Roles"]:
        where = f"Role {name} in Instance Profile {profile['InstanceProfileName']}"
        raise AwsError("NoSuchEntity", f"{where} cannot be found.", 404)
    _save(call, profile | {"Roles": []})
    return None


def tag_instance_profile(call: Call, params: Params) -> Result:
    profile = _find(call, params)
    tags = {**profile["Tags"], **tags_of(params)}
    check_tag_count(tags)
    _save(call, profile | {"Tags": tags})
    return None


def untag_instance_profile(call: Call, params: Params) -> Result:
    profile = _find(call, params)
    tags = {key: value for key, value in profile["Tags"].items() if key not in params["TagKeys"]}
    _save(call, profile | {"Tags": tags})
    return None


def list_instance_profile_tags(call: Call, params: Params) -> Result:
    return page(sorted(tag_list(_find(call, params)), key=lambda tag: tag["Key"]), params, "Tags")
