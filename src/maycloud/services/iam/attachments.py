"""Policies of users, groups and roles: inline, attached, boundaries, tags; one function for all three."""

from dataclasses import dataclass
from typing import Any

import orjson

from maycloud.access import managed
from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.common import (
    check_name,
    check_tag_count,
    encoded,
    find,
    identities,
    limit_exceeded,
    page,
    scope,
    tag_list,
    tags_of,
)
from maycloud.store import Document, Documents

MAX_ATTACHED = 10
MAX_INLINE = {"user": 2048, "group": 5120, "role": 10_240}  # characters of all inline policies, spaces aside


@dataclass(frozen=True, slots=True)
class Kind:
    """``user``, ``group`` or ``role``, and the member that names one."""

    name: str
    member: str

    def documents(self, call: Call) -> Documents:
        return getattr(identities(call), f"{self.name}s")

    def find(self, call: Call, params: Params) -> Document:
        return find(call, self.documents(call), self.name, params[self.member])

    def save(self, call: Call, params: Params, body: Document) -> None:
        identities(call).write(self.documents(call), scope(call), params[self.member], body)


USER = Kind("user", "UserName")
GROUP = Kind("group", "GroupName")
ROLE = Kind("role", "RoleName")


def put_inline(kind: Kind, call: Call, params: Params) -> Result:
    check_name("policyName", params["PolicyName"], 128)
    document = check_policy_document(params["PolicyDocument"], "identity")
    holder = kind.find(call, params)
    inline = {**holder.get("Inline", {}), params["PolicyName"]: document}
    if sum(len(orjson.dumps(each)) for each in inline.values()) > MAX_INLINE[kind.name]:
        raise AwsError(
            "LimitExceeded",
            f"Maximum policy size of {MAX_INLINE[kind.name]} bytes exceeded for {kind.name}"
            f" {params[kind.member]}",
            409,
        )
    kind.save(call, params, holder | {"Inline": inline})
    return None


def get_inline(kind: Kind, call: Call, params: Params) -> Result:
    holder = kind.find(call, params)
    document = holder.get("Inline", {}).get(params["PolicyName"])
    if document is None:
        raise _no_policy(kind, params)
    return {
        kind.member: params[kind.member],
        "PolicyName": params["PolicyName"],
        "PolicyDocument": encoded(document),
    }


def _no_policy(kind: Kind, params: Params) -> AwsError:
    return AwsError(
        "NoSuchEntity", f"The {kind.name} policy with name {params['PolicyName']} cannot be found.", 404
    )


def delete_inline(kind: Kind, call: Call, params: Params) -> Result:
    holder = kind.find(call, params)
    if params["PolicyName"] not in holder.get("Inline", {}):
        raise _no_policy(kind, params)
    inline = {name: each for name, each in holder["Inline"].items() if name != params["PolicyName"]}
    kind.save(call, params, holder | {"Inline": inline})
    return None


def list_inline(kind: Kind, call: Call, params: Params) -> Result:
    return page(sorted(kind.find(call, params).get("Inline", {})), params, "PolicyNames")


def _check_policy(call: Call, arn: str, what: str = "Policy") -> None:
    if identities(call).policy_document(scope(call), arn) is None:
        raise AwsError("NoSuchEntity", f"{what} {arn} does not exist or is not attachable.", 404)


def _check_arn(arn: str) -> None:
    if not arn.startswith("arn:"):
        raise AwsError("ValidationError", f"ARN {arn} is not valid.")


def attach(kind: Kind, call: Call, params: Params) -> Result:
    arn = params["PolicyArn"]
    _check_arn(arn)
    holder = kind.find(call, params)
    _check_policy(call, arn)
    attached = holder.get("Attached", [])
    if arn in attached:
        return None
    if len(attached) >= MAX_ATTACHED:
        raise limit_exceeded(f"PoliciesPer{kind.name.title()}", MAX_ATTACHED)
    kind.save(call, params, holder | {"Attached": [*attached, arn]})
    return None


def detach(kind: Kind, call: Call, params: Params) -> Result:
    arn = params["PolicyArn"]
    _check_arn(arn)
    holder = kind.find(call, params)
    if arn not in holder.get("Attached", []):
        raise AwsError("NoSuchEntity", f"Policy {arn} was not found.", 404)
    kind.save(call, params, holder | {"Attached": [each for each in holder["Attached"] if each != arn]})
    return None


def list_attached(kind: Kind, call: Call, params: Params) -> Result:
    holder = kind.find(call, params)
    prefix = params.get("PathPrefix", "/")
    rows = [
        {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}
        for arn in holder.get("Attached", [])
        if ("/" + arn.partition(":policy/")[2]).startswith(prefix)
    ]
    return page(rows, params, "AttachedPolicies")


def put_boundary(kind: Kind, call: Call, params: Params) -> Result:
    holder = kind.find(call, params)
    _check_boundary(call, params["PermissionsBoundary"])
    kind.save(call, params, holder | {"Boundary": params["PermissionsBoundary"]})
    return None


def _check_boundary(call: Call, arn: str) -> None:
    parts = arn.split(":")
    if len(parts) != 6 or not parts[5].startswith("policy/"):
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.")
    _check_policy(call, arn, "Scope ARN:")


def delete_boundary(kind: Kind, call: Call, params: Params) -> Result:
    holder = dict(kind.find(call, params))
    if holder.pop("Boundary", None) is None:
        raise AwsError(
            "NoSuchEntity",
            f"{kind.name.title()} {params[kind.member]} does not have a permissions boundary",
            404,
        )
    kind.save(call, params, holder)
    return None


def boundary_of(holder: Document) -> dict[str, Any]:
    """The member PermissionsBoundary of a description, where there is one."""
    if not holder.get("Boundary"):
        return {}
    return {
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": holder["Boundary"],
        }
    }


def check_boundary(call: Call, params: Params) -> Document:
    """The boundary that a new user or role is to have, for its document."""
    arn = params.get("PermissionsBoundary")
    if arn is None:
        return {}
    _check_boundary(call, arn)
    return {"Boundary": arn}


def tag(kind: Kind, call: Call, params: Params) -> Result:
    holder = kind.find(call, params)
    tags = {**holder.get("Tags", {}), **tags_of(params)}
    check_tag_count(tags)
    kind.save(call, params, holder | {"Tags": tags})
    return None


def untag(kind: Kind, call: Call, params: Params) -> Result:
    holder = kind.find(call, params)
    gone = set(params["TagKeys"])
    tags = {key: value for key, value in holder.get("Tags", {}).items() if key not in gone}
    kind.save(call, params, holder | {"Tags": tags})
    return None


def list_tags(kind: Kind, call: Call, params: Params) -> Result:
    return page(sorted(tag_list(kind.find(call, params)), key=lambda tag: tag["Key"]), params, "Tags")


def is_managed_by_aws(arn: str) -> bool:
    return arn.startswith(managed.PREFIX)
