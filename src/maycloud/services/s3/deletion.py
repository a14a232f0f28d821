"""Deleting objects, one or a thousand."""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import checksums, conditions
from maycloud.services.s3.buckets import check_document, find_bucket
from maycloud.services.s3.keys import check_key
from maycloud.services.s3.objects import check_version_id, no_such_version, objects
from maycloud.services.s3.permissions import authorize
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.versions import Version, is_version_id
from maycloud.wire.xml import malformed

MAX_DELETED = 1000
_NOT_HERE = {
    "IfMatchLastModifiedTime": "x-amz-if-match-last-modified-time",
    "IfMatchSize": "x-amz-if-match-size",
}


def delete_object(call: Call, params: Params) -> Result:
    """Delete one key or version; a key that is not there is no error."""
    bucket = find_bucket(call, params)
    _refuse_bypass(params)
    # These are of directory buckets alone, and versions have no conditions: localstack/localstack#13894.
    for name, header in _NOT_HERE.items():
        if name in params:
            raise conditions.unimplemented(header)
    if "VersionId" in params and "IfMatch" in params:
        raise conditions.unimplemented("If-Match")
    return delete_one(call, bucket, params["Key"], params.get("VersionId"), params.get("IfMatch"))


def _refuse_bypass(params: Params) -> None:
    """Of what only a bucket with object lock has, and none is."""
    if "BypassGovernanceRetention" in params:
        name = "x-amz-bypass-governance-retention"
        raise AwsError(
            "InvalidArgument", f"{name} is only applicable to Object Lock enabled buckets.", ArgumentName=name
        )


def delete_one(
    call: Call, bucket: Bucket, key: str, wanted: str | None, matches: str | None = None
) -> dict[str, Any]:
    """Delete `key`'s version `wanted`, or put a delete marker where the bucket keeps versions."""
    check_key(key)
    if matches is not None:
        conditions.check_delete(objects(call).latest(bucket, key), matches, key)
    if wanted is not None:
        check_version_id(wanted)
        found = objects(call).version(bucket, key, wanted)
        if found is None:
            return {"VersionId": wanted}
        objects(call).remove(bucket, found)
        return {"VersionId": wanted} | ({"DeleteMarker": True} if found.marker else {})
    if not bucket.versioning:
        found = objects(call).latest(bucket, key)
        if found is not None:
            objects(call).remove(bucket, found)
            call.state.uploads.saw_delete(bucket, key)
        return {}
    marker = objects(call).put(bucket, Version(0, key, "", False, True, 0, "", call.now()))
    return {"DeleteMarker": True, "VersionId": marker.version}


def delete_objects(call: Call, params: Params) -> Result:
    """Up to 1,000 keys; each is checked and answered for itself."""
    bucket = find_bucket(call, params)
    _refuse_bypass(params)
    _check_sent(call)
    if "Delete" not in params:
        raise AwsError("MissingRequestBodyError", "Request Body is empty")
    wanted = params["Delete"]
    entries = wanted.get("Objects", [])
    if not 1 <= len(entries) <= MAX_DELETED or any("Key" not in entry for entry in entries):
        raise malformed()
    # Conditions of directory buckets: aws/aws-sdk-js-v3#6857, ministackorg/ministack#1452.
    if any("Size" in entry or "LastModifiedTime" in entry for entry in entries):
        raise malformed()
    if any(not entry["Key"] for entry in entries):
        raise AwsError("UserKeyMustBeSpecified", "User key must be specified.")
    check_document(call)
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for entry in entries:
        try:
            deleted.append(_delete_entry(call, bucket, entry))
        except AwsError as error:
            row = {"Key": entry["Key"], "Code": error.code, "Message": error.message}
            if "VersionId" in entry:
                row["VersionId"] = entry["VersionId"]
            errors.append(row)
    result: dict[str, Any] = {} if wanted.get("Quiet") else {"Deleted": deleted}
    if errors:
        result["Errors"] = errors
    return result


def _delete_entry(call: Call, bucket: Bucket, entry: dict[str, Any]) -> dict[str, Any]:
    key, version = entry["Key"], entry.get("VersionId")
    if version is not None and not is_version_id(version):
        raise no_such_version(key, version)
    action = "s3:DeleteObject" if version is None else "s3:DeleteObjectVersion"
    authorize(call, bucket, action, key, version)
    matches = entry.get("ETag")
    if matches is not None and matches != "*":
        authorize(call, bucket, "s3:GetObject", key)
    done = delete_one(call, bucket, key, version, matches)
    row: dict[str, Any] = {"Key": key}
    if version is not None:
        row["VersionId"] = version
    if done.get("DeleteMarker"):
        row |= {"DeleteMarker": True, "DeleteMarkerVersionId": done["VersionId"]}
    return row


def _check_sent(call: Call) -> None:
    """Digests are asked for here: of what is deleted, nothing could be compared later.

    The order of the checks is AWS's as measured by others (see `maycloud.wire.s3`).
    """
    if call.http is None:
        return
    fields = call.http.fields
    checksums.check_values(fields)
    if not any(name.startswith((b"content-md5", b"x-amz-checksum-", b"x-amz-trailer")) for name in fields):
        raise AwsError(
            "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        )
