"""By what address a bucket is reached, and who pays: transfer acceleration and requester pays.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html
"""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params
from maycloud.services.s3.common import access_denied
from maycloud.services.s3.store import Bucket

_ACCELERATED = b".s3-accelerate."


def check(call: Call, bucket: Bucket, params: Params) -> None:
    """Refuse an address that the bucket does not have, and guests who would not pay where they must."""
    if "payer" in bucket.settings:
        _check_payer(call, bucket, params)
    if call.http is not None and _ACCELERATED in call.http.fields.get(b"host", b""):
        _check_acceleration(bucket)


def _check_payer(call: Call, bucket: Bucket, params: Params) -> None:
    if bucket.settings["payer"] != "Requester" or call.principal.account == bucket.account:
        return
    stranger = call.principal.kind == "anonymous"
    if stranger or (call.http is not None and params.get("RequestPayer") != "requester"):
        raise access_denied()


def _check_acceleration(bucket: Bucket) -> None:
    status = bucket.settings.get("acceleration")
    if status != "Enabled":
        state = "disabled" if status else "not configured"
        raise AwsError("InvalidRequest", f"S3 Transfer Acceleration is {state} on this bucket")
