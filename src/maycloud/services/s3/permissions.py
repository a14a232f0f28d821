"""What IAM is asked for operations on objects beyond what `access` asks for all."""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Check, Params
from maycloud.services.s3.access import object_arn, object_owner, permit, version_checks, write_checks
from maycloud.services.s3.store import Bucket

READ = version_checks("GetObject", "GetObjectVersion")
GET_TAGS = version_checks("GetObjectTagging", "GetObjectVersionTagging")
PUT_TAGS = version_checks("PutObjectTagging", "PutObjectVersionTagging")
DELETE_TAGS = version_checks("DeleteObjectTagging", "DeleteObjectVersionTagging")
_DELETE = version_checks("DeleteObject", "DeleteObjectVersion")


def attributes_checks(call: Call, params: Params) -> list[Check]:
    arn = object_arn(call, params)
    if "VersionId" in params:
        return [("s3:GetObjectVersion", arn), ("s3:GetObjectVersionAttributes", arn)]
    return [("s3:GetObject", arn), ("s3:GetObjectAttributes", arn)]


def put_checks(call: Call, params: Params) -> list[Check]:
    """A condition on what is there tells something of it."""
    checks = write_checks(call, params)
    if "IfMatch" in params:
        checks.append(("s3:GetObject", object_arn(call, params)))
    return checks


def delete_checks(call: Call, params: Params) -> list[Check]:
    checks = _DELETE(call, params)
    if params.get("IfMatch") not in (None, "*"):
        checks.append(("s3:GetObject", object_arn(call, params)))
    return checks


def authorize(call: Call, bucket: Bucket, action: str, key: str | None, version: str | None = None) -> None:
    """Ask for one more permission, on a bucket that may be another account's. Raises AccessDenied."""
    params: Params = {"Bucket": bucket.name}
    if key is not None:
        params["Key"] = key
    if version is not None:
        params["VersionId"] = version
    # An object is read with its owner's leave, who need not be the bucket's; the rest is the bucket's affair.
    read = action.startswith("s3:GetObject")
    account = object_owner(call, params) if read and key is not None else bucket.account
    there = call.elsewhere(account or "", params)
    permit(there, action, bucket.arn if key is None else f"{bucket.arn}/{key}", params)


def missing(call: Call, bucket: Bucket, error: AwsError) -> AwsError:
    """The error for a key that is not there: who may not list the bucket is not told so."""
    try:
        authorize(call, bucket, "s3:ListBucket", None)
    except AwsError as denied:
        return denied
    return error
