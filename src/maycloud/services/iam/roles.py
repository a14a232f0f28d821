"""Roles and managed policies."""

from typing import Any

import orjson

from maycloud.access import managed
from maycloud.access.identities import new_id
from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.attachments import (
    GROUP,
    ROLE,
    USER,
    boundary_of,
    check_boundary,
    is_managed_by_aws,
)
from maycloud.services.iam.common import (
    check_name,
    conflict,
    encoded,
    exists,
    identities,
    moment,
    page,
    path_of,
    scope,
    tag_list,
    tags_of,
)
from maycloud.store import Document

MAX_POLICY = 6144  # characters of a managed policy, spaces aside
MAX_VERSIONS = 5
MAX_TRUST = 2048


def describe(role: Document, *, whole: bool = True) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Path": role["Path"],
        "RoleName": role["RoleName"],
        "RoleId": role["RoleId"],
        "Arn": role["Arn"],
        "CreateDate": moment(role["Created"]),
        "AssumeRolePolicyDocument": encoded(role["Trust"]),
        "Description": role.get("Description") or None,
        "MaxSessionDuration": role["MaxSessionDuration"],
    }
    if whole:
        described |= boundary_of(role) | {"RoleLastUsed": {}}
        if role.get("Tags"):
            described["Tags"] = tag_list(role)
    return described


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
    return {"Role": describe(role)}


def get_role(call: Call, params: Params) -> Result:
    return {"Role": describe(ROLE.find(call, params))}


def list_roles(call: Call, params: Params) -> Result:
    prefix = params.get("PathPrefix", "/")
    rows = [
        describe(role, whole=False)
        for _, role in identities(call).roles.items(scope(call))
        if role["Path"].startswith(prefix)
    ]
    return page(rows, params, "Roles")


def update_role(call: Call, params: Params) -> Result:
    role = dict(ROLE.find(call, params))
    for setting in ("Description", "MaxSessionDuration"):
        if setting in params:
            role[setting] = params[setting]
    ROLE.save(call, params, role)
    return {}


def update_assume_role_policy(call: Call, params: Params) -> Result:
    role = ROLE.find(call, params)
    ROLE.save(call, params, role | {"Trust": _trust(params["PolicyDocument"])})
    return None


def delete_role(call: Call, params: Params) -> Result:
    role = ROLE.find(call, params)
    if role.get("Inline"):
        raise conflict("Cannot delete entity, must delete policies first.")
    if role.get("Attached"):
        raise conflict("Cannot delete entity, must detach all policies first.")
    identities(call).remove(identities(call).roles, scope(call), role["RoleName"])
    return None


def create_service_linked_role(call: Call, params: Params) -> Result:
    service = params["AWSServiceName"]
    title = "".join(part.title() for part in service.partition(".")[0].split("-"))
    suffix = f"_{params['CustomSuffix']}" if params.get("CustomSuffix") else ""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    wanted = {
        "RoleName": f"AWSServiceRoleFor{title}{suffix}",
        "Path": f"/aws-service-role/{service}/",
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


# Managed policies


def policy_arn(_call: Call, params: Params) -> str:
    return params["PolicyArn"]


def new_policy_arn(call: Call, params: Params) -> str:
    return f"arn:aws:iam::{call.account}:policy{params.get('Path', '/')}{params['PolicyName']}"


def _find(call: Call, params: Params) -> Document:
    arn = params["PolicyArn"]
    if is_managed_by_aws(arn) and (document := managed.find(arn)) is not None:
        return _aws_policy(arn, document)
    policy = identities(call).policies.get(scope(call), arn.rpartition("/")[2])
    if policy is None or policy["Arn"] != arn:
        raise AwsError("NoSuchEntity", f"Policy {arn} was not found.", 404)
    return policy


def _aws_policy(arn: str, document: Document) -> Document:
    path, _, name = arn.removeprefix("arn:aws:iam::aws:policy").rpartition("/")
    return {
        "PolicyName": name,
        "PolicyId": "ANPA" + name.upper()[:17],
        "Arn": arn,
        "Path": path + "/",
        "Created": 1_423_000_000.0,
        "Updated": 1_423_000_000.0,
        "DefaultVersionId": "v1",
        "Versions": {"v1": {"Document": document, "Created": 1_423_000_000.0}},
    }


def _own(call: Call, params: Params) -> Document:
    if is_managed_by_aws(params["PolicyArn"]):
        raise AwsError("AccessDenied", "AWS managed policies cannot be changed", 403)
    return _find(call, params)


def _attachments(call: Call, arn: str) -> list[tuple[str, Document]]:
    """Who has a policy: kind and holder."""
    found: list[tuple[str, Document]] = []
    for kind in (USER, GROUP, ROLE):
        for _, holder in kind.documents(call).items(scope(call)):
            if arn in holder.get("Attached", []):
                found.append((kind.name, holder))
    return found


def describe_policy(call: Call, policy: Document) -> dict[str, Any]:
    described = {
        "PolicyName": policy["PolicyName"],
        "PolicyId": policy["PolicyId"],
        "Arn": policy["Arn"],
        "Path": policy["Path"],
        "DefaultVersionId": policy["DefaultVersionId"],
        "AttachmentCount": len(_attachments(call, policy["Arn"])),
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": moment(policy["Created"]),
        "UpdateDate": moment(policy["Updated"]),
    }
    if policy.get("Description"):
        described["Description"] = policy["Description"]
    if policy.get("Tags"):
        described["Tags"] = tag_list(policy)
    return described


def _document(text: str) -> Document:
    document = check_policy_document(text, "identity")
    if len(orjson.dumps(document)) > MAX_POLICY:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PolicySize: {MAX_POLICY}", 409)
    return document


def create_policy(call: Call, params: Params) -> Result:
    name = params["PolicyName"]
    check_name("policyName", name, 128)
    document = _document(params["PolicyDocument"])
    documents = identities(call).policies
    if documents.get(scope(call), name) is not None:
        raise AwsError(
            "EntityAlreadyExists",
            f"A policy called {name} already exists. Duplicate names are not allowed.",
            409,
        )
    path = path_of(params)
    now = call.now()
    policy: Document = {
        "PolicyName": name,
        "PolicyId": new_id("ANPA"),
        "Arn": f"arn:aws:iam::{call.account}:policy{path}{name}",
        "Path": path,
        "Created": now,
        "Updated": now,
        "Description": params.get("Description", ""),
        "DefaultVersionId": "v1",
        "NextVersion": 2,
        "Versions": {"v1": {"Document": document, "Created": now}},
        "Tags": tags_of(params),
    }
    identities(call).write(documents, scope(call), name, policy)
    return {"Policy": describe_policy(call, policy)}


def get_policy(call: Call, params: Params) -> Result:
    return {"Policy": describe_policy(call, _find(call, params))}


def list_policies(call: Call, params: Params) -> Result:
    wanted = params.get("Scope", "All")
    rows: list[Document] = []
    if wanted in ("All", "AWS"):
        rows += [_aws_policy(managed.PREFIX + name, each) for name, each in managed.MANAGED.items()]
    if wanted in ("All", "Local"):
        rows += [policy for _, policy in identities(call).policies.items(scope(call))]
    prefix = params.get("PathPrefix", "/")
    described = [describe_policy(call, each) for each in rows if each["Path"].startswith(prefix)]
    if params.get("OnlyAttached"):
        described = [each for each in described if each["AttachmentCount"]]
    return page(described, params, "Policies")


def delete_policy(call: Call, params: Params) -> Result:
    policy = _own(call, params)
    if _attachments(call, policy["Arn"]):
        raise conflict("Cannot delete a policy attached to entities.")
    if len(policy["Versions"]) > 1:
        raise conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the"
            " policy's versions. The default version is deleted with the policy."
        )
    identities(call).remove(identities(call).policies, scope(call), policy["PolicyName"])
    return None


def _save(call: Call, policy: Document) -> None:
    identities(call).write(identities(call).policies, scope(call), policy["PolicyName"], policy)


def _version(policy: Document, version: str, *, document: bool = False) -> dict[str, Any]:
    found = policy["Versions"].get(version)
    if found is None:
        raise AwsError(
            "NoSuchEntity",
            f"Policy {policy['Arn']} version {version} does not exist or is not attachable.",
            404,
        )
    described: dict[str, Any] = {
        "VersionId": version,
        "IsDefaultVersion": version == policy["DefaultVersionId"],
        "CreateDate": moment(found["Created"]),
    }
    if document:
        described["Document"] = encoded(found["Document"])
    return described


def create_policy_version(call: Call, params: Params) -> Result:
    policy = dict(_own(call, params))
    document = _document(params["PolicyDocument"])
    if len(policy["Versions"]) >= MAX_VERSIONS:
        raise AwsError(
            "LimitExceeded",
            f"A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you"
            " must delete an existing version.",
            409,
        )
    version = f"v{policy['NextVersion']}"
    policy["NextVersion"] += 1
    policy["Versions"] = {**policy["Versions"], version: {"Document": document, "Created": call.now()}}
    if params.get("SetAsDefault"):
        policy["DefaultVersionId"] = version
    policy["Updated"] = call.now()
    _save(call, policy)
    return {"PolicyVersion": _version(policy, version)}


def get_policy_version(call: Call, params: Params) -> Result:
    return {"PolicyVersion": _version(_find(call, params), params["VersionId"], document=True)}


def list_policy_versions(call: Call, params: Params) -> Result:
    policy = _find(call, params)
    return page([_version(policy, version) for version in reversed(policy["Versions"])], params, "Versions")


def set_default_policy_version(call: Call, params: Params) -> Result:
    policy = dict(_own(call, params))
    _version(policy, params["VersionId"])
    _save(call, policy | {"DefaultVersionId": params["VersionId"], "Updated": call.now()})
    return None


def delete_policy_version(call: Call, params: Params) -> Result:
    policy = dict(_own(call, params))
    version = params["VersionId"]
    _version(policy, version)
    if version == policy["DefaultVersionId"]:
        raise conflict("Cannot delete the default version of a policy.")
    versions = {name: each for name, each in policy["Versions"].items() if name != version}
    _save(call, policy | {"Versions": versions})
    return None


def list_entities_for_policy(call: Call, params: Params) -> Result:
    policy = _find(call, params)
    result: dict[str, Any] = {"PolicyUsers": [], "PolicyGroups": [], "PolicyRoles": [], "IsTruncated": False}
    for kind, holder in _attachments(call, policy["Arn"]):
        title = kind.title()
        result[f"Policy{title}s"].append(
            {f"{title}Name": holder[f"{title}Name"], f"{title}Id": holder[f"{title}Id"]}
        )
    return result
