"""What AWS answers of configurations that a bucket does not have.

Their PUT is not there (NotImplemented, see docs/coverage.md), so no bucket ever has one.
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3.buckets import find_bucket
from maycloud.services.s3.objects import find_version


def missing(call: Call, params: Params, code: str, message: str) -> AwsError:
    """The error, once the bucket is found."""
    bucket = find_bucket(call, params)
    return AwsError(code, message, 404, BucketName=bucket.name)


def missing_one(call: Call, params: Params) -> AwsError:
    """Of configurations with ids, such as analytics."""
    find_bucket(call, params)
    return AwsError("NoSuchConfiguration", "The specified configuration does not exist.", 404)


def unlocked(call: Call, params: Params, method: str) -> AwsError:
    """Of retention and legal hold, once the object is found: no bucket has object lock."""
    bucket = find_bucket(call, params)
    find_version(call, bucket, params, method, marker_is_one=True)
    return AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration")


def ended(call: Call, params: Params, kind: str) -> AwsError:
    """Of what S3 does not do any more, once the bucket is found."""
    find_bucket(call, params)
    return AwsError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        Method="GET",
        ResourceType=kind,
    )


def listed(call: Call, params: Params) -> Result:
    """Of configurations with ids: none."""
    find_bucket(call, params)
    token = params.get("ContinuationToken")
    if token:
        raise AwsError("MalformedContinuationToken", "The continuation-token you provided invalid.")
    return {"IsTruncated": False} | ({} if token is None else {"ContinuationToken": token})


def answer(call: Call, params: Params, **result: Any) -> Result:
    """The default of every bucket; for a DELETE, nothing."""
    find_bucket(call, params)
    return result or None
