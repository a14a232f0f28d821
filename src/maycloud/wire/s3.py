"""What AWS's model of S3 leaves out of its REST interface: names of documents, and sub-resources.

Where a docstring says "measured", others compared with AWS in September 2026: brekkylab/backlot,
backlot/routers/s3.py and issues 118, 176, 192, 230, 267 and 335.
"""

from typing import NamedTuple

from maycloud.errors import AwsError

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

# Roots of answers by operation; others are the operation's name and "Result".
ROOTS = {
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationsResult",
    "ListBucketIntelligentTieringConfigurations": "ListIntelligentTieringConfigurationsResult",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
}


class Sub(NamedTuple):
    """A sub-resource: what refusals call it, and the methods it takes."""

    kind: str
    methods: tuple[str, ...]


_READ, _WRITE, _WHOLE = ("GET",), ("GET", "PUT"), ("DELETE", "GET", "PUT")

# Measured, each with every method. `session` and `renameObject` are read as if they were not there.
_OF_BUCKETS = {
    "abac": Sub("BUCKET_ABAC", _WRITE),
    "accelerate": Sub("ACCELERATE", _WRITE),
    "acl": Sub("ACL", _WRITE),
    "analytics": Sub("ANALYTICS", _WHOLE),
    "cors": Sub("CORS", _WHOLE),
    "delete": Sub("MULTI_OBJECT_DELETE", ("POST",)),
    "encryption": Sub("ENCRYPTION", _WHOLE),
    "intelligent-tiering": Sub("INTELLIGENT_TIERING", _WHOLE),
    "inventory": Sub("INVENTORY", _WHOLE),
    "lifecycle": Sub("LIFECYCLE", _WHOLE),
    "location": Sub("LOCATION", _READ),
    "logging": Sub("LOGGING_STATUS", _WRITE),
    "metadataConfiguration": Sub("BUCKET_METADATA_CONFIGURATION", ("DELETE", "POST", "GET")),
    "metadataTable": Sub("BUCKET_METADATA_TABLE_CONFIGURATION", ("DELETE", "POST", "GET")),
    "metadataAnnotationTable": Sub("BUCKET_METADATA_ANNOTATION_TABLE_CONFIGURATION", ("PUT",)),
    "metadataInventoryTable": Sub("BUCKET_METADATA_INVENTORY_TABLE_CONFIGURATION", ("PUT",)),
    "metadataJournalTable": Sub("BUCKET_METADATA_JOURNAL_TABLE_CONFIGURATION", ("PUT",)),
    "metrics": Sub("METRICS", _WHOLE),
    "notification": Sub("NOTIFICATION", _WRITE),
    "object-lock": Sub("OBJECT_LOCK_CONFIGURATION", _WRITE),
    "ownershipControls": Sub("OWNERSHIP_CONTROLS", _WHOLE),
    "policy": Sub("BUCKETPOLICY", _WHOLE),
    "policyStatus": Sub("POLICY_STATUS", _READ),
    "publicAccessBlock": Sub("PUBLIC_ACCESS_BLOCK", _WHOLE),
    "replication": Sub("REPLICATION", _WHOLE),
    "requestPayment": Sub("REQUEST_PAYMENT", _WRITE),
    "tagging": Sub("TAGGING", _WHOLE),
    "torrent": Sub("TORRENT", ()),
    "uploadId": Sub("UPLOAD", ("DELETE", "POST", "GET")),
    "uploads": Sub("UPLOADS", ("POST", "GET")),
    "versioning": Sub("VERSIONING", _WRITE),
    "versions": Sub("BUCKETVERSIONS", _READ),
    "website": Sub("WEBSITE", _WHOLE),
}
# Of these a key before them says nothing: the bucket answers.
_WHATEVER_THE_KEY = frozenset(
    {
        "accelerate", "cors", "inventory", "lifecycle", "location", "logging", "notification", "policy",
        "replication", "requestPayment", "versioning", "versions", "website",
    }
)  # fmt: skip
_OF_OBJECTS = {name: _OF_BUCKETS[name] for name in _WHATEVER_THE_KEY} | {
    "acl": Sub("ACL", _WRITE),
    "annotation": Sub("OBJECT_ANNOTATIONS", _WHOLE),
    "attributes": Sub("OBJECT_ATTRIBUTES", _READ),
    "delete": Sub("MULTI_OBJECT_DELETE", ("POST",)),
    "encryption": Sub("OBJECT_ENCRYPTION", ("PUT",)),
    "legal-hold": Sub("OBJECT_LOCK_LEGALHOLD", _WRITE),
    "restore": Sub("RESTORE", ("POST",)),
    "retention": Sub("OBJECT_LOCK_RETENTION", _WRITE),
    "select": Sub("SELECT", ("POST",)),
    "tagging": Sub("OBJECT_TAGGING", _WHOLE),
    "torrent": Sub("TORRENT", _READ),
    "uploadId": Sub("UPLOAD", ("DELETE", "POST", "GET")),
    "uploads": Sub("UPLOADS", ("POST",)),
}
_PART = Sub("PART", ("PUT",))
_VERSIONLESS = _WHATEVER_THE_KEY | {"torrent", "uploadId", "uploads"}
# What one version of the listing takes and the other refuses: parameters of the second, of the first.
_OF_SECOND = {
    "continuation-token": "continuation-token only supported in REST.GET.BUCKET with list-type=2",
    "start-after": "startAfter only supported in REST.GET.BUCKET with list-type=2",
}
_OF_FIRST = {"marker": "Marker unsupported with REST.GET.BUCKET in list-type=2"}
_NAMES = (
    _OF_BUCKETS.keys()
    | _OF_OBJECTS.keys()
    | _OF_FIRST.keys()
    | _OF_SECOND.keys()
    | {"partNumber", "versionId"}
)


def addressed(method: str, path: str, query: dict[str, list[str]]) -> tuple[str, AwsError | None]:
    """The path that a request with a query is for, the bucket's where its sub-resource is, and a refusal.

    The refusal, of a method that the sub-resource does not take, is for whoever signed right or not at all.
    What it says before it looks at signatures is raised: two at once, parameters of keys at a bucket.
    """
    given = query.keys() & _NAMES
    bucket, _, key = path.lstrip("/").partition("/")
    if not given or not bucket:
        return path, None
    table = _OF_OBJECTS if key else _OF_BUCKETS
    named = sorted(name for name in given if name in table)
    if "partNumber" in given and named == ["uploadId"]:
        return path, _refused(method, _PART)
    if "partNumber" in given and (named or not key):
        named = sorted([*named, "partNumber"])
    if len(named) > 1:
        raise AwsError(
            "InvalidArgument",
            "Conflicting query string parameters: " + ", ".join(named),
            ArgumentName="ResourceType",
            ArgumentValue=named[0],
        )
    name = named[0] if named else ""
    if method == "PUT" and key and not name and "partNumber" in given:
        raise AwsError(
            "InvalidArgument",
            "This operation does not accept partNumber without uploadId",
            ArgumentName="partNumber",
            ArgumentValue="partNumber",
        )
    if name == "partNumber":
        raise AwsError("InvalidRequest", "Object must have a valid key name.")
    _check_values(method, name, query, of_bucket=not key)
    if not name:
        if not key and method == "GET":
            _check_listing(query)
        return path, None
    refusal = _out_of_place(method, name, of_bucket=not key) or _refused(method, table[name])
    elsewhere = key and (name in _WHATEVER_THE_KEY or name == "delete")
    return f"/{bucket}" if elsewhere else path, refusal


def _out_of_place(method: str, name: str, *, of_bucket: bool) -> AwsError | None:
    """What S3 says of some that are a bucket's and not a key's, or the other way round."""
    if of_bucket:
        if name == "uploadId" and method in _OF_BUCKETS[name].methods:
            return AwsError("InvalidRequest", "A key must be specified")
    elif method == "GET" and name == "uploads":
        return AwsError("InvalidRequest", "Key is not expected for the GET method ?uploads subresource")
    elif method == "GET" and name in ("logging", "versions"):
        return AwsError(
            "NoLoggingStatusForKey" if name == "logging" else "InvalidRequest",
            f"There is no such thing as the ?{name} sub-resource for a key",
        )
    return None


def _check_listing(query: dict[str, list[str]]) -> None:
    foreign = _OF_FIRST if query.get("list-type", [""])[0] == "2" else _OF_SECOND
    for name, message in foreign.items():
        if name in query:
            raise AwsError("InvalidArgument", message, ArgumentName=name)


def _refused(method: str, sub: Sub) -> AwsError | None:
    if method in sub.methods or method == "OPTIONS":
        return None
    allowed = {"allow": ", ".join(sub.methods)} if sub.methods else {}
    return AwsError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        Method=method,
        ResourceType=sub.kind,
        **allowed,
    )


def _check_values(method: str, name: str, query: dict[str, list[str]], *, of_bucket: bool) -> None:
    """Refuse a version where none can be meant, and a value of what has none."""
    version = query.get("versionId")
    later = of_bucket and ((name == "acl" and method == "PUT") or (not name and method == "POST"))
    if version is not None and not later and (of_bucket or name in _VERSIONLESS):
        invalid = name == "acl" and method in ("GET", "HEAD")
        raise AwsError(
            "InvalidArgument",
            "Invalid version id specified" if invalid else "This operation does not accept a version-id.",
            ArgumentName="versionId",
            ArgumentValue=version[0],
        )
    if name == "website" and query[name][0]:
        raise AwsError(
            "InvalidArgument",
            "The website parameter must not have a value",
            ArgumentName="website",
            ArgumentValue=query[name][0],
        )
