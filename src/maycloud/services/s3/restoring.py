"""Objects in archives, and their copies that can be read for some days.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3.buckets import bucket_to_set
from maycloud.services.s3.common import invalid_argument, malformed_xml
from maycloud.services.s3.objects import find_version, objects
from maycloud.services.s3.storage import ARCHIVED, copy_of
from maycloud.services.s3.transitions import midnight_after

_HOUR = 3600
# How long it takes at the most, by class and tier; https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html
_TIMES = {
    "GLACIER": {"Expedited": _HOUR // 12, "Standard": 5 * _HOUR, "Bulk": 12 * _HOUR},
    "DEEP_ARCHIVE": {"Standard": 12 * _HOUR, "Bulk": 48 * _HOUR},
}


def restore_object(call: Call, params: Params) -> Result:
    """Ask for a copy (202), or keep the one there is for longer (200)."""
    bucket = bucket_to_set(call, params)
    found = find_version(call, bucket, params, "POST", marker_is_one=True)
    asked: dict[str, Any] | None = params.get("RestoreRequest")
    if asked is None:
        raise AwsError("MissingRequestBodyError", "Request Body is empty")
    if not {"Type", "SelectParameters", "OutputLocation"}.isdisjoint(asked):
        raise AwsError(
            "NotImplemented", "A header you provided implies functionality that is not implemented", 501
        )
    days = asked.get("Days")
    if days is None:
        raise malformed_xml()
    if days < 1:
        raise invalid_argument("restoration days should be at least 1", "Days", str(days))
    storage_class = found.meta["headers"].get("StorageClass")
    if storage_class not in ARCHIVED:
        raise AwsError(
            "InvalidObjectState", "Restore is not allowed for the object's current storage class", 403
        )
    took = _duration(storage_class, asked)
    copy, now = copy_of(found, call.now()), call.now()
    if copy is not None and copy.is_coming:
        raise AwsError("RestoreAlreadyInProgress", "Object restore is already in progress", 409)
    ready = now + took if copy is None else now
    found.meta["restore"] = [ready, midnight_after(ready, days)]
    objects(call).save_meta(found)
    return {"Status": 202 if copy is None else 200}


def _duration(storage_class: str, asked: dict[str, Any]) -> int:
    tier = (asked.get("GlacierJobParameters") or {}).get("Tier") or asked.get("Tier") or "Standard"
    if tier not in _TIMES["GLACIER"]:
        raise malformed_xml()
    if tier not in _TIMES[storage_class]:
        raise invalid_argument("Retrieval option is not supported by this storage class", "Tier", tier)
    return _TIMES[storage_class][tier]
