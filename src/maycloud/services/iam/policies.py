"""Managed policies: the account's own, with their versions, and AWS's."""

from typing import Any

import orjson

from maycloud.access import managed
from maycloud.access.identities import new_id
from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.attachments import GROUP, ROLE, USER, is_managed_by_aws
from maycloud.services.iam.common import (
    check_name,
    check_tag_count,
    conflict,
    encoded,
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
        raise _missing(arn)
    return policy


def _missing(arn: str, version: str = "") -> AwsError:
    if version:
        words = f"Policy {arn} version {version} does not exist or is not attachable."
        return AwsError("NoSuchEntity", words, 404)
    return AwsError("NoSuchEntity", f"Policy {arn} was not found.", 404)


def _aws_policies() -> list[Document]:
    arns = [managed.PREFIX + name for name in sorted(managed.names())]
    return [_aws_policy(arn, managed.find(arn) or {}) for arn in arns]


def _aws_policy(arn: str, document: Document) -> Document:
    version, created, updated = managed.history(arn.removeprefix(managed.PREFIX))
    path, _, name = arn.removeprefix("arn:aws:iam::aws:policy").rpartition("/")
    return {
        "PolicyName": name,
        "PolicyId": "ANPA" + name.upper()[:17],
        "Arn": arn,
        "Path": path + "/",
        "Created": created,
        "Updated": updated,
        "DefaultVersionId": version,
        "Versions": {version: {"Document": document, "Created": updated}},
    }


def _own(call: Call, params: Params) -> Document:
    if is_managed_by_aws(params["PolicyArn"]):
        raise AwsError("AccessDenied", "AWS managed policies cannot be changed", 403)
    return _find(call, params)


def _holders(call: Call, arn: str, member: str = "Attached") -> list[tuple[str, Document]]:
    """Who has a policy: kind and holder. `member` is "Boundary" for those it bounds."""
    found: list[tuple[str, Document]] = []
    for kind in (USER, GROUP, ROLE):
        for _, holder in kind.documents(call).items(scope(call)):
            if arn == holder.get(member) or (member == "Attached" and arn in holder.get(member, [])):
                found.append((kind.name, holder))
    return found


def describe_policy(call: Call, policy: Document) -> dict[str, Any]:
    """A policy as listings tell of it; GetPolicy adds description and tags."""
    return {
        "PolicyName": policy["PolicyName"],
        "PolicyId": policy["PolicyId"],
        "Arn": policy["Arn"],
        "Path": policy["Path"],
        "DefaultVersionId": policy["DefaultVersionId"],
        "AttachmentCount": len(_holders(call, policy["Arn"])),
        "PermissionsBoundaryUsageCount": len(_holders(call, policy["Arn"], "Boundary")),
        "IsAttachable": True,
        "CreateDate": moment(policy["Created"]),
        "UpdateDate": moment(policy["Updated"]),
    }


def _document(text: str) -> Document:
    document = check_policy_document(text, "managed")
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
        "Tags": tags_of(params, by_case=True),
    }
    identities(call).write(documents, scope(call), name, policy)
    described = describe_policy(call, policy)
    return {"Policy": described | ({"Tags": tag_list(policy)} if policy["Tags"] else {})}


def get_policy(call: Call, params: Params) -> Result:
    policy = _find(call, params)
    described = describe_policy(call, policy) | {"Tags": tag_list(policy)}
    return {
        "Policy": described | ({"Description": policy["Description"]} if policy.get("Description") else {})
    }


def tag_policy(call: Call, params: Params) -> Result:
    policy = _own(call, params)
    tags = {**policy.get("Tags", {}), **tags_of(params, by_case=True)}
    check_tag_count(tags)
    _save(call, policy | {"Tags": tags})
    return None


def untag_policy(call: Call, params: Params) -> Result:
    policy = _own(call, params)
    tags = {key: value for key, value in policy.get("Tags", {}).items() if key not in params["TagKeys"]}
    _save(call, policy | {"Tags": tags})
    return None


def list_policy_tags(call: Call, params: Params) -> Result:
    return page(sorted(tag_list(_find(call, params)), key=lambda tag: tag["Key"]), params, "Tags")


def details(call: Call, *, own: bool) -> list[dict[str, Any]]:
    """The account's own policies, or those of AWS that are attached here, with their versions."""
    if own:
        found = [policy for _, policy in identities(call).policies.items(scope(call))]
    else:
        every = _aws_policies()
        found = [policy for policy in every if _holders(call, policy["Arn"])]
    return [
        describe_policy(call, policy)
        | {
            "PolicyVersionList": [
                _version(policy, version, document=True) for version in reversed(policy["Versions"])
            ]
        }
        for policy in found
    ]


def list_policies(call: Call, params: Params) -> Result:
    wanted = params.get("Scope", "All")
    rows: list[Document] = []
    if wanted in ("All", "AWS"):
        rows += _aws_policies()
    if wanted in ("All", "Local"):
        rows += [policy for _, policy in identities(call).policies.items(scope(call))]
    prefix = params.get("PathPrefix", "/")
    described = [describe_policy(call, each) for each in rows if each["Path"].startswith(prefix)]
    if params.get("OnlyAttached"):
        described = [each for each in described if each["AttachmentCount"]]
    if params.get("PolicyUsageFilter") == "PermissionsBoundary":
        described = [each for each in described if each["PermissionsBoundaryUsageCount"]]
    return page(described, params, "Policies")


def delete_policy(call: Call, params: Params) -> Result:
    policy = _own(call, params)
    if _holders(call, policy["Arn"]) or _holders(call, policy["Arn"], "Boundary"):
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
        raise _missing(policy["Arn"], version)
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


def _find_with_version(call: Call, params: Params) -> Document:
    """The policy, or an error that names the version too."""
    try:
        return _find(call, params)
    except AwsError as error:
        raise _missing(params["PolicyArn"], params["VersionId"]) from error


def get_policy_version(call: Call, params: Params) -> Result:
    policy = _find_with_version(call, params)
    return {"PolicyVersion": _version(policy, params["VersionId"], document=True)}


def list_policy_versions(call: Call, params: Params) -> Result:
    policy = _find(call, params)
    return page([_version(policy, version) for version in reversed(policy["Versions"])], params, "Versions")


def set_default_policy_version(call: Call, params: Params) -> Result:
    _find_with_version(call, params)
    policy = dict(_own(call, params))
    _version(policy, params["VersionId"])
    _save(call, policy | {"DefaultVersionId": params["VersionId"], "Updated": call.now()})
    return None


def delete_policy_version(call: Call, params: Params) -> Result:
    _find_with_version(call, params)
    policy = dict(_own(call, params))
    version = params["VersionId"]
    _version(policy, version)
    if version == policy["DefaultVersionId"]:
        raise conflict("Cannot delete the default version of a policy.")
    versions = {name: each for name, each in policy["Versions"].items() if name != version}
    _save(call, policy | {"Versions": versions})
    return None


_FILTERS = {"User": "user", "Group": "group", "Role": "role"}


def list_entities_for_policy(call: Call, params: Params) -> Result:
    policy = _find(call, params)
    prefix, wanted = params.get("PathPrefix", "/"), params.get("EntityFilter")
    if wanted in ("LocalManagedPolicy", "AWSManagedPolicy"):
        wanted = None
    member = "Boundary" if params.get("PolicyUsageFilter") == "PermissionsBoundary" else "Attached"
    found = [
        (kind, holder)
        for kind, holder in _holders(call, policy["Arn"], member)
        if holder["Path"].startswith(prefix) and (wanted is None or _FILTERS[wanted] == kind)
    ]
    paged = page(found, params, "Found")
    result: dict[str, Any] = {"PolicyUsers": [], "PolicyGroups": [], "PolicyRoles": []}
    for kind, holder in paged.pop("Found"):
        title = kind.title()
        result[f"Policy{title}s"].append(
            {f"{title}Name": holder[f"{title}Name"], f"{title}Id": holder[f"{title}Id"]}
        )
    return result | paged
