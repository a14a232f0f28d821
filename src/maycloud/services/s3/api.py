"""Amazon S3's operations on buckets; those on objects are in `object_api`."""

from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import buckets, object_api
from maycloud.services.s3.buckets import bucket_arn, bucket_owner
from maycloud.services.s3.service import service

__all__ = ["object_api", "service"]


@service.operation(resource=bucket_arn)
def CreateBucket(call: Call, params: Params) -> Result:
    return buckets.create_bucket(call, params)


@service.operation(resource=bucket_arn, action="s3:ListBucket", account=bucket_owner)
def HeadBucket(call: Call, params: Params) -> Result:
    return buckets.head_bucket(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def DeleteBucket(call: Call, params: Params) -> Result:
    return buckets.delete_bucket(call, params)


@service.operation(action="s3:ListAllMyBuckets")
def ListBuckets(call: Call, params: Params) -> Result:
    return buckets.list_buckets(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def GetBucketLocation(call: Call, params: Params) -> Result:
    return buckets.get_bucket_location(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def PutBucketPolicy(call: Call, params: Params) -> Result:
    return buckets.put_bucket_policy(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def GetBucketPolicy(call: Call, params: Params) -> Result:
    return buckets.get_bucket_policy(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def DeleteBucketPolicy(call: Call, params: Params) -> Result:
    return buckets.delete_setting("policy")(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def PutBucketVersioning(call: Call, params: Params) -> Result:
    return buckets.put_setting("versioning", "VersioningConfiguration")(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def GetBucketVersioning(call: Call, params: Params) -> Result:
    return buckets.get_bucket_versioning(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def PutBucketTagging(call: Call, params: Params) -> Result:
    return buckets.put_setting("tagging", "Tagging")(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def GetBucketTagging(call: Call, params: Params) -> Result:
    return buckets.setting(call, params, "tagging", "NoSuchTagSet", "The TagSet does not exist")


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:PutBucketTagging")
def DeleteBucketTagging(call: Call, params: Params) -> Result:
    return buckets.delete_setting("tagging")(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:PutBucketPublicAccessBlock")
def PutPublicAccessBlock(call: Call, params: Params) -> Result:
    return buckets.put_setting("public_access", "PublicAccessBlockConfiguration")(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:GetBucketPublicAccessBlock")
def GetPublicAccessBlock(call: Call, params: Params) -> Result:
    found = buckets.setting(
        call,
        params,
        "public_access",
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    )
    return {"PublicAccessBlockConfiguration": found}


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:PutBucketPublicAccessBlock")
def DeletePublicAccessBlock(call: Call, params: Params) -> Result:
    return buckets.delete_setting("public_access")(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def PutBucketOwnershipControls(call: Call, params: Params) -> Result:
    return buckets.put_setting("ownership", "OwnershipControls")(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner)
def GetBucketOwnershipControls(call: Call, params: Params) -> Result:
    found = buckets.setting(
        call,
        params,
        "ownership",
        "OwnershipControlsNotFoundError",
        "The bucket ownership controls were not found",
    )
    return {"OwnershipControls": found}


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:PutBucketOwnershipControls")
def DeleteBucketOwnershipControls(call: Call, params: Params) -> Result:
    return buckets.delete_setting("ownership")(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:PutEncryptionConfiguration")
def PutBucketEncryption(call: Call, params: Params) -> Result:
    return buckets.put_encryption(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:GetEncryptionConfiguration")
def GetBucketEncryption(call: Call, params: Params) -> Result:
    return buckets.get_encryption(call, params)


@service.operation(resource=bucket_arn, account=bucket_owner, action="s3:PutEncryptionConfiguration")
def DeleteBucketEncryption(call: Call, params: Params) -> Result:
    return buckets.delete_setting("encryption")(call, params)
