"""Names that S3 knows in policies: actions, and condition keys of its own.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

import re

from maycloud.globs import compile_glob

_ACTIONS = """
    AbortMultipartUpload AssociateAccessGrantsIdentityCenter BypassGovernanceRetention CreateAccessGrant
    CreateAccessGrantsInstance CreateAccessGrantsLocation CreateAccessPoint
    CreateAccessPointForObjectLambda CreateBucket CreateBucketMetadataConfiguration
    CreateBucketMetadataTableConfiguration CreateJob CreateMultiRegionAccessPoint CreateSession
    CreateStorageLensGroup DeleteAccessGrant DeleteAccessGrantsInstance
    DeleteAccessGrantsInstanceResourcePolicy DeleteAccessGrantsLocation DeleteAccessPoint
    DeleteAccessPointForObjectLambda DeleteAccessPointPolicy DeleteAccessPointPolicyForObjectLambda
    DeleteAccessPointScope DeleteBucket DeleteBucketLifecycleConfiguration
    DeleteBucketMetadataConfiguration DeleteBucketMetadataTableConfiguration DeleteBucketPolicy
    DeleteBucketWebsite DeleteJobTagging DeleteMultiRegionAccessPoint DeleteObject DeleteObjectAnnotation
    DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionTagging DeleteStorageLensConfiguration
    DeleteStorageLensConfigurationTagging DeleteStorageLensGroup DescribeJob
    DescribeMultiRegionAccessPointOperation DissociateAccessGrantsIdentityCenter
    GetAccelerateConfiguration GetAccessGrant GetAccessGrantsInstance GetAccessGrantsInstanceForPrefix
    GetAccessGrantsInstanceResourcePolicy GetAccessGrantsLocation GetAccessPoint
    GetAccessPointConfigurationForObjectLambda GetAccessPointForObjectLambda GetAccessPointPolicy
    GetAccessPointPolicyForObjectLambda GetAccessPointPolicyStatus
    GetAccessPointPolicyStatusForObjectLambda GetAccessPointScope GetAccountPublicAccessBlock
    GetAnalyticsConfiguration GetBucket GetBucketAbac GetBucketAcl GetBucketCORS GetBucketLocation
    GetBucketLogging GetBucketMetadataConfiguration GetBucketMetadataTableConfiguration
    GetBucketNotification GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy
    GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging
    GetBucketVersioning GetBucketWebsite GetDataAccess GetEncryptionConfiguration
    GetIntelligentTieringConfiguration GetInventoryConfiguration GetJobTagging GetLifecycleConfiguration
    GetMetricsConfiguration GetMultiRegionAccessPoint GetMultiRegionAccessPointPolicy
    GetMultiRegionAccessPointPolicyStatus GetMultiRegionAccessPointRoutes GetObject GetObjectAcl
    GetObjectAnnotation GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging
    GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes
    GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent
    GetReplicationConfiguration GetStorageLensConfiguration GetStorageLensConfigurationTagging
    GetStorageLensDashboard GetStorageLensGroup InitiateReplication ListAccessGrants
    ListAccessGrantsInstances ListAccessGrantsLocations ListAccessPoints
    ListAccessPointsForDirectoryBuckets ListAccessPointsForObjectLambda ListAllMyBuckets ListBucket
    ListBucketMultipartUploads ListBucketVersions ListCallerAccessGrants ListJobs
    ListMultiRegionAccessPoints ListMultipartUploadParts ListObjectAnnotations ListRegionalBuckets
    ListStorageLensConfigurations ListStorageLensGroups ListTagsForResource
    ObjectOwnerOverrideToBucketOwner PauseReplication PutAccelerateConfiguration
    PutAccessGrantsInstanceResourcePolicy PutAccessPointConfigurationForObjectLambda PutAccessPointPolicy
    PutAccessPointPolicyForObjectLambda PutAccessPointPublicAccessBlock PutAccessPointScope
    PutAccountPublicAccessBlock PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS
    PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls
    PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging
    PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration PutIntelligentTieringConfiguration
    PutInventoryConfiguration PutJobTagging PutLifecycleConfiguration PutMetricsConfiguration
    PutMultiRegionAccessPointPolicy PutObject PutObjectAcl PutObjectAnnotation PutObjectLegalHold
    PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging
    PutReplicationConfiguration PutStorageLensConfiguration PutStorageLensConfigurationTagging
    ReplicateDelete ReplicateObject ReplicateTags RestoreObject SubmitMultiRegionAccessPointRoutes
    TagResource UntagResource UpdateAccessGrantsLocation UpdateBucketMetadataAnnotationTableConfiguration
    UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration
    UpdateJobPriority UpdateJobStatus UpdateObjectEncryption UpdateStorageLensGroup
"""
ACTIONS = frozenset(name.lower() for name in _ACTIONS.split())

_KEYS = """
    AccessGrantsInstanceArn AccessPointNetworkOrigin BucketNamespace DataAccessPointAccount DataAccessPointArn
    InventoryAccessibleOptionalFields JobSuspendedCause LocationConstraint ObjectCreationOperation
    RequestJobOperation RequestJobPriority RequestObjectTagKeys ResourceAccount TlsVersion authType delimiter
    destinationRegion if-match if-none-match isReplicationPauseRequest max-keys object-lock-legal-hold
    object-lock-mode object-lock-remaining-retention-days object-lock-retain-until-date prefix signatureAge
    signatureversion versionid x-amz-acl x-amz-content-sha256 x-amz-copy-source x-amz-grant-full-control
    x-amz-grant-read x-amz-grant-read-acp x-amz-grant-write x-amz-grant-write-acp x-amz-metadata-directive
    x-amz-object-ownership x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id
    x-amz-server-side-encryption-customer-algorithm x-amz-storage-class x-amz-website-redirect-location
"""
_KEY_NAMES = frozenset(f"s3:{name.lower()}" for name in _KEYS.split())
_TAGGED = re.compile(r"s3:(?:accesspointtag|buckettag|existingobjecttag|requestobjecttag)/.+", re.DOTALL)
# Of listings, and the actions that list.
_LISTING = frozenset({"s3:prefix", "s3:delimiter", "s3:max-keys"})
_LISTS = ("s3:listbucket", "s3:listbucketversions")


def is_action(name: str) -> bool:
    """Whether an action of a bucket's policy is one, or a pattern that any of them fits."""
    if name == "*":
        return True
    prefix, _, action = name.lower().partition(":")
    if prefix != "s3" or not re.fullmatch(r"[a-z*?]+", action):
        return False
    if "*" not in action and "?" not in action:
        return action in ACTIONS
    pattern = compile_glob(action, single=True)
    return any(pattern.fullmatch(each) for each in ACTIONS)


def is_key(name: str) -> bool:
    """Whether a condition key is one. Those of other services are not looked at."""
    lower = name.lower()
    return not lower.startswith("s3:") or lower in _KEY_NAMES or _TAGGED.fullmatch(lower) is not None


def applies(key: str, actions: list[str]) -> bool:
    """Whether a condition key of listings has any to be about."""
    if key.lower() not in _LISTING:
        return True
    patterns = [compile_glob(action.lower(), single=True) for action in actions]
    return any(pattern.fullmatch(each) for pattern in patterns for each in _LISTS)
