"""The operations of buckets and of their configuration, and the ACLs of objects."""

from typing import Any

from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import buckets, cors, lifecycle, ownership, policies, unconfigured
from maycloud.services.s3.access import (
    bucket_arn,
    bucket_owner,
    object_owner,
    owner_anywhere,
    version_checks,
)
from maycloud.services.s3.service import service

BUCKET: dict[str, Any] = {"resource": bucket_arn, "account": bucket_owner}
OBJECT: dict[str, Any] = {"account": object_owner}


@service.operation(checks=buckets.creation_checks)
def CreateBucket(call: Call, params: Params) -> Result:
    return buckets.create_bucket(call, params)


# Asks for s3:ListBucket itself: a refusal tells where the bucket is.
@service.operation(unchecked=True, account=bucket_owner)
def HeadBucket(call: Call, params: Params) -> Result:
    return buckets.head_bucket(call, params)


@service.operation(**BUCKET)
def DeleteBucket(call: Call, params: Params) -> Result:
    return buckets.delete_bucket(call, params)


@service.operation(checks=buckets.listing_checks)
def ListBuckets(call: Call, params: Params) -> Result:
    return buckets.list_buckets(call, params)


@service.operation(resource=bucket_arn, account=owner_anywhere)
def GetBucketLocation(call: Call, params: Params) -> Result:
    return buckets.get_bucket_location(call, params)


@service.operation(**BUCKET)
def PutBucketPolicy(call: Call, params: Params) -> Result:
    return policies.put_bucket_policy(call, params)


@service.operation(**BUCKET)
def GetBucketPolicy(call: Call, params: Params) -> Result:
    return policies.get_bucket_policy(call, params)


@service.operation(**BUCKET)
def DeleteBucketPolicy(call: Call, params: Params) -> Result:
    return policies.delete_bucket_policy(call, params)


@service.operation(**BUCKET)
def PutBucketVersioning(call: Call, params: Params) -> Result:
    return buckets.put_bucket_versioning(call, params)


@service.operation(**BUCKET)
def GetBucketVersioning(call: Call, params: Params) -> Result:
    return buckets.get_bucket_versioning(call, params)


@service.operation(**BUCKET)
def PutBucketTagging(call: Call, params: Params) -> Result:
    return buckets.put_bucket_tagging(call, params)


@service.operation(**BUCKET)
def GetBucketTagging(call: Call, params: Params) -> Result:
    return buckets.setting(call, params, "tagging", "NoSuchTagSet", "The TagSet does not exist")


@service.operation(**BUCKET, action="s3:PutBucketTagging")
def DeleteBucketTagging(call: Call, params: Params) -> Result:
    return buckets.delete_setting("tagging")(call, params)


@service.operation(**BUCKET, action="s3:PutBucketPublicAccessBlock")
def PutPublicAccessBlock(call: Call, params: Params) -> Result:
    return ownership.put_public_access_block(call, params)


@service.operation(**BUCKET, action="s3:GetBucketPublicAccessBlock")
def GetPublicAccessBlock(call: Call, params: Params) -> Result:
    return ownership.get_public_access_block(call, params)


@service.operation(**BUCKET, action="s3:PutBucketPublicAccessBlock")
def DeletePublicAccessBlock(call: Call, params: Params) -> Result:
    return buckets.delete_setting("public_access")(call, params)


@service.operation(**BUCKET)
def PutBucketOwnershipControls(call: Call, params: Params) -> Result:
    return ownership.put_ownership_controls(call, params)


@service.operation(**BUCKET)
def GetBucketOwnershipControls(call: Call, params: Params) -> Result:
    return ownership.get_ownership_controls(call, params)


@service.operation(**BUCKET, action="s3:PutBucketOwnershipControls")
def DeleteBucketOwnershipControls(call: Call, params: Params) -> Result:
    return buckets.delete_setting("ownership")(call, params)


@service.operation(**BUCKET, action="s3:PutEncryptionConfiguration")
def PutBucketEncryption(call: Call, params: Params) -> Result:
    return buckets.put_encryption(call, params)


@service.operation(**BUCKET, action="s3:GetEncryptionConfiguration")
def GetBucketEncryption(call: Call, params: Params) -> Result:
    return buckets.get_encryption(call, params)


@service.operation(**BUCKET, action="s3:PutEncryptionConfiguration")
def DeleteBucketEncryption(call: Call, params: Params) -> Result:
    return buckets.delete_setting("encryption")(call, params)


@service.operation(**BUCKET)
def GetBucketPolicyStatus(call: Call, params: Params) -> Result:
    return policies.get_bucket_policy_status(call, params)


@service.operation(**BUCKET)
def PutBucketAcl(call: Call, params: Params) -> Result:
    return ownership.put_bucket_acl(call, params)


@service.operation(**BUCKET)
def GetBucketAcl(call: Call, params: Params) -> Result:
    return ownership.get_bucket_acl(call, params)


@service.operation(**OBJECT, checks=version_checks("PutObjectAcl", "PutObjectVersionAcl"))
def PutObjectAcl(call: Call, params: Params) -> Result:
    return ownership.put_object_acl(call, params)


@service.operation(**OBJECT, checks=version_checks("GetObjectAcl", "GetObjectVersionAcl"))
def GetObjectAcl(call: Call, params: Params) -> Result:
    return ownership.get_object_acl(call, params)


@service.operation(**BUCKET, action="s3:PutBucketCORS")
def PutBucketCors(call: Call, params: Params) -> Result:
    return cors.put_bucket_cors(call, params)


@service.operation(**BUCKET, action="s3:GetBucketCORS")
def GetBucketCors(call: Call, params: Params) -> Result:
    return cors.get_bucket_cors(call, params)


@service.operation(**BUCKET, action="s3:PutBucketCORS")
def DeleteBucketCors(call: Call, params: Params) -> Result:
    return buckets.delete_setting("cors")(call, params)


@service.operation(**BUCKET, action="s3:PutLifecycleConfiguration")
def PutBucketLifecycleConfiguration(call: Call, params: Params) -> Result:
    return lifecycle.put_bucket_lifecycle_configuration(call, params)


@service.operation(**BUCKET, action="s3:GetLifecycleConfiguration")
def GetBucketLifecycleConfiguration(call: Call, params: Params) -> Result:
    return lifecycle.get_bucket_lifecycle_configuration(call, params)


@service.operation(**BUCKET, action="s3:PutLifecycleConfiguration")
def DeleteBucketLifecycle(call: Call, params: Params) -> Result:
    return buckets.delete_setting("lifecycle")(call, params)


@service.operation(public=True, unsigned=True)
def OptionsBucket(call: Call, params: Params) -> Result:
    return cors.preflight(call, params)


@service.operation(public=True, unsigned=True)
def OptionsObject(call: Call, params: Params) -> Result:
    return cors.preflight(call, params)


# What AWS answers where nothing is configured, and nothing can be.


@service.operation(**BUCKET)
def GetBucketWebsite(call: Call, params: Params) -> Result:
    raise unconfigured.missing(
        call,
        params,
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
    )


@service.operation(**BUCKET)
def DeleteBucketWebsite(call: Call, params: Params) -> Result:
    return unconfigured.answer(call, params)


@service.operation(**BUCKET)
def GetBucketLogging(call: Call, params: Params) -> Result:
    return unconfigured.answer(call, params)


@service.operation(**BUCKET, action="s3:GetBucketNotification")
def GetBucketNotificationConfiguration(call: Call, params: Params) -> Result:
    return unconfigured.answer(call, params)


@service.operation(**BUCKET, action="s3:GetReplicationConfiguration")
def GetBucketReplication(call: Call, params: Params) -> Result:
    raise unconfigured.missing(
        call,
        params,
        "ReplicationConfigurationNotFoundError",
        "The replication configuration was not found",
    )


@service.operation(**BUCKET, action="s3:PutReplicationConfiguration")
def DeleteBucketReplication(call: Call, params: Params) -> Result:
    return unconfigured.answer(call, params)


@service.operation(**BUCKET, action="s3:GetBucketObjectLockConfiguration")
def GetObjectLockConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing(
        call,
        params,
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    )


@service.operation(**BUCKET, action="s3:GetAccelerateConfiguration")
def GetBucketAccelerateConfiguration(call: Call, params: Params) -> Result:
    return buckets.get_accelerate(call, params)


@service.operation(**BUCKET, action="s3:PutAccelerateConfiguration")
def PutBucketAccelerateConfiguration(call: Call, params: Params) -> Result:
    return buckets.put_accelerate(call, params)


@service.operation(**BUCKET)
def GetBucketRequestPayment(call: Call, params: Params) -> Result:
    return buckets.get_request_payment(call, params)


@service.operation(**BUCKET)
def PutBucketRequestPayment(call: Call, params: Params) -> Result:
    return buckets.put_request_payment(call, params)


@service.operation(**BUCKET, action="s3:GetBucketMetadataTableConfiguration")
def GetBucketMetadataConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing(
        call,
        params,
        "MetadataConfigurationNotFound",
        "The metadata configuration was not found",
    )


@service.operation(**BUCKET)
def GetBucketAbac(call: Call, params: Params) -> Result:
    return unconfigured.answer(call, params, AbacStatus={"Status": "Disabled"})


@service.operation(**BUCKET, action="s3:GetAnalyticsConfiguration")
def GetBucketAnalyticsConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing_one(call, params)


@service.operation(**BUCKET, action="s3:GetAnalyticsConfiguration")
def ListBucketAnalyticsConfigurations(call: Call, params: Params) -> Result:
    return unconfigured.listed(call, params)


@service.operation(**BUCKET, action="s3:GetInventoryConfiguration")
def GetBucketInventoryConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing_one(call, params)


@service.operation(**BUCKET, action="s3:GetInventoryConfiguration")
def ListBucketInventoryConfigurations(call: Call, params: Params) -> Result:
    return unconfigured.listed(call, params)


@service.operation(**BUCKET, action="s3:GetMetricsConfiguration")
def GetBucketMetricsConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing_one(call, params)


@service.operation(**BUCKET, action="s3:GetMetricsConfiguration")
def ListBucketMetricsConfigurations(call: Call, params: Params) -> Result:
    return unconfigured.listed(call, params)


@service.operation(**BUCKET, action="s3:GetIntelligentTieringConfiguration")
def GetBucketIntelligentTieringConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing_one(call, params)


@service.operation(**BUCKET, action="s3:GetIntelligentTieringConfiguration")
def ListBucketIntelligentTieringConfigurations(call: Call, params: Params) -> Result:
    return unconfigured.listed(call, params)


@service.operation(**BUCKET, action="s3:PutAnalyticsConfiguration")
def DeleteBucketAnalyticsConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing_one(call, params)


@service.operation(**BUCKET, action="s3:PutInventoryConfiguration")
def DeleteBucketInventoryConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing_one(call, params)


@service.operation(**BUCKET, action="s3:PutMetricsConfiguration")
def DeleteBucketMetricsConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing_one(call, params)


@service.operation(**BUCKET, action="s3:PutIntelligentTieringConfiguration")
def DeleteBucketIntelligentTieringConfiguration(call: Call, params: Params) -> Result:
    raise unconfigured.missing_one(call, params)
