"""Object ownership, the public access block, and the operations of ACLs.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import acls
from maycloud.services.s3.buckets import bucket_to_set, buckets, find_bucket, setting
from maycloud.services.s3.common import malformed_xml
from maycloud.services.s3.objects import find_version, objects

BLOCK = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_OWNERSHIP = ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")


def put_ownership_controls(call: Call, params: Params) -> Result:
    bucket = bucket_to_set(call, params)
    rules = (params.get("OwnershipControls") or {}).get("Rules", [])
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in _OWNERSHIP:
        raise malformed_xml()
    if rules[0]["ObjectOwnership"] == "BucketOwnerEnforced":
        owners = [acls.full_control(bucket.account)]
        if acls.bucket_grants(bucket) != owners:
            raise AwsError(
                "InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            )
    bucket.settings["ownership"] = {"Rules": rules}
    buckets(call).save(bucket)
    return None


def get_ownership_controls(call: Call, params: Params) -> Result:
    found = setting(
        call,
        params,
        "ownership",
        "OwnershipControlsNotFoundError",
        "The bucket ownership controls were not found",
    )
    return {"OwnershipControls": found}


def put_public_access_block(call: Call, params: Params) -> Result:
    """What is not named is off."""
    bucket = bucket_to_set(call, params)
    given = params.get("PublicAccessBlockConfiguration")
    if not given:
        raise malformed_xml()
    bucket.settings["public_access"] = {name: bool(given.get(name)) for name in BLOCK}
    buckets(call).save(bucket)
    return None


def get_public_access_block(call: Call, params: Params) -> Result:
    found = setting(
        call,
        params,
        "public_access",
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    )
    return {"PublicAccessBlockConfiguration": found}


# Access control lists


def put_bucket_acl(call: Call, params: Params) -> Result:
    bucket = bucket_to_set(call, params)
    _require_one(params)
    if acls.disabled(bucket):
        if params.get("ACL") in ("private", "bucket-owner-full-control"):
            return None
        raise acls.not_supported()
    grants = acls.wanted(params, bucket.account, bucket.account, of_bucket=True)
    acls.refuse_public(bucket, grants)
    bucket.settings["acl"] = grants
    buckets(call).save(bucket)
    return None


def get_bucket_acl(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    return _list(bucket.account, acls.bucket_grants(bucket))


def put_object_acl(call: Call, params: Params) -> Result:
    bucket = bucket_to_set(call, params)
    found = find_version(call, bucket, params, "PUT", marker_is_one=True)
    _require_one(params)
    if acls.disabled(bucket):
        if params.get("ACL") == "bucket-owner-full-control":
            return None
        raise acls.not_supported()
    owner = acls.owner_of(bucket, found)
    grants = acls.wanted(params, bucket.account, owner, of_bucket=False)
    acls.refuse_public(bucket, grants)
    found.meta |= {"owner": owner, "acl": grants}
    objects(call).save_meta(found)
    return {"VersionId": found.version} if bucket.versioning else None


def get_object_acl(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    found = find_version(call, bucket, params)
    owner = bucket.account if acls.disabled(bucket) else acls.owner_of(bucket, found)
    return _list(owner, acls.object_grants(bucket, found))


def _require_one(params: Params) -> None:
    if not acls.given(params) and not params.get("AccessControlPolicy"):
        raise AwsError(
            "MissingSecurityHeader",
            "Your request was missing a required header",
            MissingHeaderName="x-amz-acl",
        )


def _list(owner: str, grants: list[acls.Grant]) -> dict[str, Any]:
    return {"Owner": {"ID": acls.canonical_id(owner)}, "Grants": grants}
