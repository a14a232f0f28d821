"""Amazon S3's operations on objects."""

from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import objects, post
from maycloud.services.s3.access import (
    bucket_arn,
    bucket_owner,
    object_owner,
    version_checks,
    write_checks,
)
from maycloud.services.s3.service import service

READ = version_checks("GetObject", "GetObjectVersion")


@service.operation(checks=write_checks, account=bucket_owner)
async def PutObject(call: Call, params: Params) -> Result:
    return await objects.put_object(call, params)


@service.operation(unchecked=True, account=bucket_owner)
async def PostObject(call: Call, params: Params) -> Result:
    return await post.post_object(call, params)


@service.operation(checks=READ, account=object_owner, atomic=False)
def GetObject(call: Call, params: Params) -> Result:
    return objects.get_object(call, params)


@service.operation(checks=READ, account=object_owner, atomic=False)
def HeadObject(call: Call, params: Params) -> Result:
    return objects.head_object(call, params)


@service.operation(checks=version_checks("DeleteObject", "DeleteObjectVersion"), account=bucket_owner)
def DeleteObject(call: Call, params: Params) -> Result:
    return objects.delete_object(call, params)


@service.operation(unchecked=True, account=bucket_owner)
def DeleteObjects(call: Call, params: Params) -> Result:
    return objects.delete_objects(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:ListBucket", atomic=False)
def ListObjects(call: Call, params: Params) -> Result:
    return objects.list_objects(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:ListBucket", atomic=False)
def ListObjectsV2(call: Call, params: Params) -> Result:
    return objects.list_objects_v2(call, params)
