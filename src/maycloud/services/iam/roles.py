"""Roles, and those that services make for themselves."""

from typing import Any

import orjson

from maycloud.access.identities import new_id
from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.attachments import (
    ROLE,
    boundary_of,
    check_boundary,
)
from maycloud.services.iam.common import (
    check_name,
    conflict,
    describe_role,
    exists,
    identities,
    page,
    path_of,
    scope,
    tag_list,
    tags_of,
)
from maycloud.services.iam.instance_profiles import holding
from maycloud.services.iam.linked_roles import role_name
from maycloud.store import Document

MAX_TRUST = 2048
_LINKED = "/aws-service-role/"
_DELETIONS = "iam.roleDeletions"


def _listed(role: Document) -> dict[str, Any]:
    """A role in a listing."""
    described = describe_role(role) | {"MaxSessionDuration": role["MaxSessionDuration"]}
    if role.get("Description"):
        described["Description"] = role["Description"]
    return described


def extras(role: Document) -> dict[str, Any]:
    """Boundary and tags, where there are any."""
    return boundary_of(role) | ({"Tags": tag_list(role)} if role.get("Tags") else {})


def _trust(text: str) -> Document:
    document = check_policy_document(text, "trust")
    if len(orjson.dumps(document)) > MAX_TRUST:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {MAX_TRUST}", 409)
    return document


def create_role(call: Call, params: Params) -> Result:
    name = params["RoleName"]
    check_name("roleName", name, 64)
    trust = _trust(params["AssumeRolePolicyDocument"])
    documents = identities(call).roles
    if documents.get(scope(call), name) is not None:
        raise exists("Role", name)
    path = path_of(params)
    role: Document = {
        "Path": path,
        "RoleName": name,
        "RoleId": new_id("AROA"),
        "Arn": f"arn:aws:iam::{call.account}:role{path}{name}",
        "Created": call.now(),
        "Trust": trust,
        "Description": params.get("Description", ""),
        "MaxSessionDuration": params.get("MaxSessionDuration", 3600),
        "Tags": tags_of(params),
        **check_boundary(call, params),
    }
    identities(call).write(documents, scope(call), name, role)
    created = describe_role(role) | extras(role)
    if "MaxSessionDuration" in params:
        created["MaxSessionDuration"] = params["MaxSessionDuration"]
    return {"Role": created}


def get_role(call: Call, params: Params) -> Result:
    role = ROLE.find(call, params)
    return {"Role": _listed(role) | extras(role) | {"RoleLastUsed": {}}}


def list_roles(call: Call, params: Params) -> Result:
    prefix = params.get("PathPrefix", "/")
    rows = [
        _listed(role)
        for _, role in identities(call).roles.items(scope(call))
        if role["Path"].startswith(prefix)
    ]
    return page(rows, params, "Roles")


def update_role(call: Call, params: Params) -> Result:
    role = dict(ROLE.find(call, params))
    _check_own(role)
    for setting in ("Description", "MaxSessionDuration"):
        if setting in params:
            role[setting] = params[setting]
    ROLE.save(call, params, role)
    return {}


def update_role_description(call: Call, params: Params) -> Result:
    role = ROLE.find(call, params) | {"Description": params["Description"]}
    ROLE.save(call, params, role)
    described = describe_role(role) | extras(role)
    return {"Role": described | ({"Description": role["Description"]} if role["Description"] else {})}


def update_assume_role_policy(call: Call, params: Params) -> Result:
    role = ROLE.find(call, params)
    _check_own(role)
    ROLE.save(call, params, role | {"Trust": _trust(params["PolicyDocument"])})
    return None


def _check_own(role: Document) -> None:
    """Service-linked roles are changed by their service alone."""
    if role["Path"].startswith(_LINKED):
        raise AwsError(
            "UnmodifiableEntity",
            f"Cannot perform the operation on the protected role '{role['RoleName']}' - this role is only"
            " modifiable by AWS",
        )


def delete_role(call: Call, params: Params) -> Result:
    role = ROLE.find(call, params)
    _check_own(role)
    if holding(call, role["RoleName"]):
        raise conflict("Cannot delete entity, must remove roles from instance profile first.")
    if role.get("Inline"):
        raise conflict("Cannot delete entity, must delete policies first.")
    if role.get("Attached"):
        raise conflict("Cannot delete entity, must detach all policies first.")
    identities(call).remove(identities(call).roles, scope(call), role["RoleName"])
    return None


def create_service_linked_role(call: Call, params: Params) -> Result:
    service = params["AWSServiceName"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    wanted = {
        "RoleName": role_name(service, params.get("CustomSuffix")),
        "Path": f"{_LINKED}{service}/",
        "AssumeRolePolicyDocument": orjson.dumps(trust).decode(),
        "Description": params.get("Description", ""),
    }
    if identities(call).roles.get(scope(call), wanted["RoleName"]) is not None:
        raise AwsError(
            "InvalidInput",
            f"Service role name {wanted['RoleName']} has been taken in this account, please try a different"
            " suffix.",
        )
    return create_role(call, wanted)


def delete_service_linked_role(call: Call, params: Params) -> Result:
    """Deletes at once: no service here says that it still needs its role."""
    role = ROLE.find(call, params)
    if not role["Path"].startswith(_LINKED):
        raise AwsError("InvalidInput", f"The role with name {role['RoleName']} is not a service-linked role.")
    identities(call).remove(identities(call).roles, scope(call), role["RoleName"])
    task = f"task{role['Path']}{role['RoleName']}/{call.request_id}"
    call.store.documents(_DELETIONS).put(scope(call), task, {"Created": call.now()})
    return {"DeletionTaskId": task}


def get_service_linked_role_deletion_status(call: Call, params: Params) -> Result:
    task = params["DeletionTaskId"]
    if call.store.documents(_DELETIONS).get(scope(call), task) is None:
        raise AwsError("NoSuchEntity", f"Deletion task {task} cannot be found.", 404)
    return {"Status": "SUCCEEDED"}
