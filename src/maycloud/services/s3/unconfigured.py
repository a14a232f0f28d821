"""What AWS answers of configurations that a bucket does not have.

Their PUT is not there (NotImplemented, see docs/coverage.md), so no bucket ever has one.
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3.buckets import find_bucket


def missing(call: Call, params: Params, code: str, message: str) -> AwsError:
    """The error, once the bucket is found."""
    bucket = find_bucket(call, params)
    return AwsError(code, message, 404, BucketName=bucket.name)


def missing_one(call: Call, params: Params) -> AwsError:
    """Of configurations with ids, such as analytics."""
    return missing(call, params, "NoSuchConfiguration", "The specified configuration does not exist.")


def answer(call: Call, params: Params, **result: Any) -> Result:
    """The default of every bucket; for a DELETE, nothing."""
    find_bucket(call, params)
    return result or None
