"""Access control lists: canned ones, grants in headers and in XML, and what they allow.

A list is kept as its grants, with canonical ids of accounts; an object's also names the account that owns it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

import hashlib
import re
from typing import Any

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Params
from maycloud.services.s3.common import invalid_argument
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.versions import Version

Grant = dict[str, Any]

_GROUP = "http://acs.amazonaws.com/groups/"
EVERYONE = f"{_GROUP}global/AllUsers"
AUTHENTICATED = f"{_GROUP}global/AuthenticatedUsers"
LOG_DELIVERY = f"{_GROUP}s3/LogDelivery"
_GROUPS = frozenset({EVERYONE, AUTHENTICATED, LOG_DELIVERY})
_PERMISSIONS = ("FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP")
MAX_GRANTS = 100

_CANNED: dict[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "public-read": ((EVERYONE, "READ"),),
    "public-read-write": ((EVERYONE, "READ"), (EVERYONE, "WRITE")),
    "authenticated-read": ((AUTHENTICATED, "READ"),),
    "aws-exec-read": (),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
    "bucket-owner-read": (("bucket-owner", "READ"),),
    "bucket-owner-full-control": (("bucket-owner", "FULL_CONTROL"),),
}
_OF_BUCKETS = frozenset({"private", "public-read", "public-read-write", "authenticated-read",
                         "log-delivery-write"})  # fmt: skip
_OF_OBJECTS = frozenset(_CANNED) - {"log-delivery-write"}
_HEADERS = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantWrite": "WRITE",
    "GrantReadACP": "READ_ACP",
    "GrantWriteACP": "WRITE_ACP",
}
_GRANTEE = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]+)"?\s*', re.IGNORECASE)

_BUCKET_ACTIONS: dict[str, tuple[str, ...]] = {
    "READ": ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"),
    "READ_ACP": ("s3:GetBucketAcl",),
    "WRITE": ("s3:PutObject",),
    "WRITE_ACP": ("s3:PutBucketAcl",),
}
_OBJECT_ACTIONS: dict[str, tuple[str, ...]] = {
    "READ": ("s3:GetObject", "s3:GetObjectVersion"),
    "READ_ACP": ("s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
    "WRITE_ACP": ("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
}


def canonical_id(account: str) -> str:
    """The canonical user id of an account: 64 hexadecimal digits, stable."""
    return hashlib.sha256(f"canonical-user/{account}".encode()).hexdigest()


def ownership(bucket: Bucket) -> str:
    """BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter, which is what a bucket without a say has."""
    rules = bucket.settings.get("ownership", {}).get("Rules")
    return rules[0]["ObjectOwnership"] if rules else "ObjectWriter"


def disabled(bucket: Bucket) -> bool:
    return ownership(bucket) == "BucketOwnerEnforced"


def owner_of(bucket: Bucket, version: Version) -> str:
    return version.meta.get("owner", bucket.account)


# Reading


def full_control(account: str) -> Grant:
    return grant(canonical_id(account), "FULL_CONTROL")


def grant(who: str, permission: str) -> Grant:
    """`who` is a group's address or a canonical id."""
    if who in _GROUPS:
        return {"Grantee": {"Type": "Group", "URI": who}, "Permission": permission}
    return {"Grantee": {"Type": "CanonicalUser", "ID": who}, "Permission": permission}


def given(params: Params) -> bool:
    """Whether a request says anything of an ACL."""
    return params.get("ACL") is not None or any(params.get(name) is not None for name in _HEADERS)


def wanted(params: Params, bucket_account: str, owner: str, *, of_bucket: bool) -> list[Grant]:
    """The grants that a request asks for: canned, by headers, or by the document of PutBucketAcl."""
    headers = [name for name in _HEADERS if params.get(name) is not None]
    canned, document = params.get("ACL"), params.get("AccessControlPolicy")
    if canned is not None and headers:
        raise AwsError("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
    if document is not None and (canned is not None or headers):
        raise AwsError("UnexpectedContent", "This request does not support content")
    if canned is not None:
        return _canned(canned, bucket_account, owner, of_bucket=of_bucket)
    if headers:
        return [
            grant(who, _HEADERS[name]) for name in headers for who in _grantees(params[name], _HEADERS[name])
        ]
    if document is not None:
        return _checked(document, owner)
    return [full_control(owner)]


def _canned(name: str, bucket_account: str, owner: str, *, of_bucket: bool) -> list[Grant]:
    if name not in (_OF_BUCKETS if of_bucket else _OF_OBJECTS):
        raise AwsError("InvalidArgument", "", ArgumentName="x-amz-acl", ArgumentValue=name)
    grants = [full_control(owner)]
    for who, permission in _CANNED[name]:
        if who != "bucket-owner":
            grants.append(grant(who, permission))
        elif bucket_account != owner:
            grants.append(grant(canonical_id(bucket_account), permission))
    return grants


def _grantees(header: str, permission: str) -> list[str]:
    """``id="…", uri="…"`` as canonical ids and groups. AWS no longer takes addresses of mail."""
    found: list[str] = []
    for part in header.split(","):
        match = _GRANTEE.fullmatch(part)
        if match is None:
            name = f"x-amz-grant-{permission.lower().replace('_', '-')}"
            raise AwsError(
                "InvalidArgument", "Argument format not recognized", ArgumentName=name, ArgumentValue=part
            )
        name = match[1].lower()
        found.append(_checked_grantee({"id": "ID", "uri": "URI"}.get(name, "Email"), match[2], name))
    return found


def _checked_grantee(kind: str, value: str, name: str) -> str:
    """A group or a canonical id; `name` is what the request calls it."""
    if kind == "URI":
        if value not in _GROUPS:
            raise invalid_argument("Invalid group uri", name, value)
        return value
    if kind == "ID":
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise invalid_argument("Invalid id", name, value)
        return value
    raise AwsError(
        "UnresolvableGrantByEmailAddress",
        "The e-mail address you provided does not match any account on record.",
    )


def _checked(document: dict[str, Any], owner: str) -> list[Grant]:
    """The grants of an AccessControlPolicy; its owner must be the one there is."""
    if "Owner" not in document or "Grants" not in document:
        raise _malformed()
    if document["Owner"].get("ID") != canonical_id(owner):
        raise AwsError("AccessDenied", "Access Denied", 403)
    if len(document["Grants"]) > MAX_GRANTS:
        raise AwsError("InvalidRequest", "The ACL you provided exceeds the maximum number of grants")
    grants: list[Grant] = []
    for each in document["Grants"]:
        grantee = each.get("Grantee") or {}
        kind = {"CanonicalUser": "ID", "Group": "URI", "AmazonCustomerByEmail": "EmailAddress"}.get(
            grantee.get("Type", "")
        )
        if each.get("Permission") not in _PERMISSIONS or kind is None or not grantee.get(kind):
            raise _malformed()
        who = _checked_grantee(kind, grantee[kind], f"{grantee['Type']}/{kind}")
        grants.append(grant(who, each["Permission"]))
    return grants


def _malformed() -> AwsError:
    return AwsError(
        "MalformedACLError",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


# Weighing


def is_public(grants: list[Grant]) -> bool:
    """AWS: everyone, or everyone with an account of AWS."""
    return any(each["Grantee"].get("URI") in (EVERYONE, AUTHENTICATED) for each in grants)


def refuse_public(bucket: Bucket, grants: list[Grant]) -> None:
    """BlockPublicAcls."""
    if bucket.settings.get("public_access", {}).get("BlockPublicAcls") and is_public(grants):
        raise AwsError("AccessDenied", "Access Denied", 403)


def stamp(bucket: Bucket, account: str, params: Params) -> dict[str, Any]:
    """What to keep with a new object: its owner and its grants, where the bucket does not decide alone.

    `account` is the writer's. Raises AccessControlListNotSupported and what BlockPublicAcls refuses.
    """
    kind = ownership(bucket)
    if kind == "BucketOwnerEnforced":
        refuse_unless_owners(params)
        return {}
    asked = params.get("ACL")
    owner = account if account != "anonymous" else bucket.account
    if kind == "BucketOwnerPreferred" and asked == "bucket-owner-full-control":
        owner = bucket.account
    grants = wanted({**params, "AccessControlPolicy": None}, bucket.account, owner, of_bucket=False)
    refuse_public(bucket, grants)
    return {"owner": owner, "acl": grants}


def refuse_unless_owners(params: Params) -> None:
    """Under BucketOwnerEnforced only what changes nothing may be asked for."""
    if given(params) and params.get("ACL") != "bucket-owner-full-control":
        raise not_supported()


def not_supported() -> AwsError:
    return AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs")


def bucket_grants(bucket: Bucket) -> list[Grant]:
    return bucket.settings.get("acl") or [full_control(bucket.account)]


def object_grants(bucket: Bucket, version: Version) -> list[Grant]:
    if disabled(bucket):
        return [full_control(bucket.account)]
    return version.meta.get("acl") or [full_control(owner_of(bucket, version))]


def bucket_statements(principal: Principal, bucket: Bucket) -> list[dict[str, Any]]:
    """What the bucket's ACL allows the caller, as statements of a policy."""
    statements: list[dict[str, Any]] = []
    for permission, who in _grants_to(principal, bucket, bucket_grants(bucket)):
        actions = _actions(_BUCKET_ACTIONS, permission)
        if actions:
            statements.append(_allow(who, actions))
    return statements


def object_statements(
    principal: Principal, bucket: Bucket, version: Version, of_bucket: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the object's ACL allows the caller. Who may write to the bucket may delete what is their own."""
    found = [
        _allow(who, actions)
        for permission, who in _grants_to(principal, bucket, object_grants(bucket, version))
        if (actions := _actions(_OBJECT_ACTIONS, permission))
    ]
    if owner_of(bucket, version) == principal.account:
        writes = (each for each in of_bucket if "s3:PutObject" in each["Action"])
        found += [{**each, "Action": ["s3:DeleteObject"]} for each in writes]
    return found


def _actions(table: dict[str, tuple[str, ...]], permission: str) -> tuple[str, ...]:
    if permission == "FULL_CONTROL":
        return tuple(action for actions in table.values() for action in actions)
    return table.get(permission, ())


def _grants_to(principal: Principal, bucket: Bucket, grants: list[Grant]) -> list[tuple[str, str]]:
    """Permissions with the Principal that a policy would name: everyone, or the caller's account."""
    found: list[tuple[str, str]] = []
    ignored = bucket.settings.get("public_access", {}).get("IgnorePublicAcls", False)
    known = principal.kind != "anonymous"
    for each in grants:
        grantee, permission = each["Grantee"], each["Permission"]
        group = grantee.get("URI")
        if group in (EVERYONE, AUTHENTICATED):
            if not ignored and (known or group == EVERYONE):
                found.append((permission, "*"))
        elif known and grantee.get("ID") == canonical_id(principal.account):
            found.append((permission, principal.account))
    return found


def _allow(who: str, actions: tuple[str, ...]) -> dict[str, Any]:
    """Asked for one request alone, whose resource is the one that the list is of."""
    principal = "*" if who == "*" else {"AWS": who}
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*"}
