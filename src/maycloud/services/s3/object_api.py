"""Amazon S3's operations on objects and multipart uploads."""

from collections.abc import Awaitable
from typing import Any

from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import (
    copying,
    deletion,
    listing,
    multipart,
    objects,
    post,
    restoring,
    tagging,
    unconfigured,
    upload_listing,
)
from maycloud.services.s3.access import bucket_arn, bucket_owner, object_arn, object_owner, write_checks
from maycloud.services.s3.permissions import (
    DELETE_TAGS,
    GET_TAGS,
    PUT_TAGS,
    READ,
    attributes_checks,
    delete_checks,
    put_checks,
)
from maycloud.services.s3.service import service

_ON_OBJECT: dict[str, Any] = {"resource": object_arn, "account": bucket_owner}
_ON_BUCKET: dict[str, Any] = {"resource": bucket_arn, "account": bucket_owner}


@service.operation(checks=put_checks, account=bucket_owner)
def PutObject(call: Call, params: Params) -> Result | Awaitable[Result]:
    return objects.put_object(call, params)


@service.operation(unchecked=True, account=bucket_owner)
async def PostObject(call: Call, params: Params) -> Result:
    return await post.post_object(call, params)


@service.operation(checks=READ, account=object_owner, atomic=False)
def GetObject(call: Call, params: Params) -> Result:
    return objects.get_object(call, params)


@service.operation(checks=READ, account=object_owner, atomic=False)
def HeadObject(call: Call, params: Params) -> Result:
    return objects.head_object(call, params)


@service.operation(checks=attributes_checks, account=object_owner, atomic=False)
def GetObjectAttributes(call: Call, params: Params) -> Result:
    return objects.get_object_attributes(call, params)


@service.operation(checks=put_checks, account=bucket_owner)
def CopyObject(call: Call, params: Params) -> Result | Awaitable[Result]:
    return copying.copy_object(call, params)


@service.operation(checks=delete_checks, account=bucket_owner)
def DeleteObject(call: Call, params: Params) -> Result:
    return deletion.delete_object(call, params)


# Each key is authorised for itself.
@service.operation(unchecked=True, account=bucket_owner)
def DeleteObjects(call: Call, params: Params) -> Result:
    return deletion.delete_objects(call, params)


@service.operation(checks=PUT_TAGS, account=object_owner)
def PutObjectTagging(call: Call, params: Params) -> Result:
    return tagging.put_object_tagging(call, params)


@service.operation(checks=GET_TAGS, account=object_owner, atomic=False)
def GetObjectTagging(call: Call, params: Params) -> Result:
    return tagging.get_object_tagging(call, params)


@service.operation(checks=DELETE_TAGS, account=bucket_owner)
def DeleteObjectTagging(call: Call, params: Params) -> Result:
    return tagging.delete_object_tagging(call, params)


# S3 makes no torrents any more.
@service.operation(resource=object_arn, account=object_owner, atomic=False)
def GetObjectTorrent(call: Call, params: Params) -> Result:
    raise unconfigured.ended(call, params, "TORRENT")


@service.operation(resource=object_arn, account=object_owner, atomic=False)
def GetObjectRetention(call: Call, params: Params) -> Result:
    raise unconfigured.unlocked(call, params, "GET")


@service.operation(resource=object_arn, account=object_owner)
def PutObjectRetention(call: Call, params: Params) -> Result:
    raise unconfigured.unlocked(call, params, "PUT")


@service.operation(resource=object_arn, account=object_owner, atomic=False)
def GetObjectLegalHold(call: Call, params: Params) -> Result:
    raise unconfigured.unlocked(call, params, "GET")


@service.operation(resource=object_arn, account=object_owner)
def PutObjectLegalHold(call: Call, params: Params) -> Result:
    raise unconfigured.unlocked(call, params, "PUT")


@service.operation(resource=object_arn, account=object_owner)
def RestoreObject(call: Call, params: Params) -> Result:
    return restoring.restore_object(call, params)


@service.operation(action="s3:ListBucket", atomic=False, **_ON_BUCKET)
def ListObjects(call: Call, params: Params) -> Result:
    return listing.list_objects(call, params)


@service.operation(action="s3:ListBucket", atomic=False, **_ON_BUCKET)
def ListObjectsV2(call: Call, params: Params) -> Result:
    return listing.list_objects_v2(call, params)


@service.operation(action="s3:ListBucketVersions", atomic=False, **_ON_BUCKET)
def ListObjectVersions(call: Call, params: Params) -> Result:
    return listing.list_object_versions(call, params)


@service.operation(checks=write_checks, account=bucket_owner)
def CreateMultipartUpload(call: Call, params: Params) -> Result:
    return multipart.create_multipart_upload(call, params)


@service.operation(action="s3:PutObject", **_ON_OBJECT)
async def UploadPart(call: Call, params: Params) -> Result:
    return await multipart.upload_part(call, params)


@service.operation(action="s3:PutObject", **_ON_OBJECT)
def UploadPartCopy(call: Call, params: Params) -> Result | Awaitable[Result]:
    return multipart.upload_part_copy(call, params)


@service.operation(checks=put_checks, account=bucket_owner)
def CompleteMultipartUpload(call: Call, params: Params) -> Result:
    return multipart.complete_multipart_upload(call, params)


@service.operation(action="s3:AbortMultipartUpload", **_ON_OBJECT)
def AbortMultipartUpload(call: Call, params: Params) -> Result:
    return multipart.abort_multipart_upload(call, params)


@service.operation(action="s3:ListMultipartUploadParts", atomic=False, **_ON_OBJECT)
def ListParts(call: Call, params: Params) -> Result:
    return upload_listing.list_parts(call, params)


@service.operation(action="s3:ListBucketMultipartUploads", atomic=False, **_ON_BUCKET)
def ListMultipartUploads(call: Call, params: Params) -> Result:
    return upload_listing.list_multipart_uploads(call, params)
