"""Listing the parts of an upload, and the uploads of a bucket."""

from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.services.base import Call, Params, Result
from maycloud.services.s3.acls import canonical_id
from maycloud.services.s3.buckets import find_bucket
from maycloud.services.s3.common import invalid_argument
from maycloud.services.s3.keys import encoder, successor
from maycloud.services.s3.listing import fold, page_size, start_after
from maycloud.services.s3.multipart import find_upload, uploads
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.uploads import Upload, is_upload_id


def _person(arn: str, account: str) -> dict[str, str]:
    return {
        "ID": canonical_id(account) if arn.endswith(":root") else arn,
        "DisplayName": arn.rpartition("/")[2],
    }


def list_parts(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    upload = find_upload(call, bucket, params)
    limit = page_size(params.get("MaxParts"), "max-parts")
    after = params.get("PartNumberMarker") or 0
    found = uploads(call).parts(upload, after, limit + 1)
    page = found[:limit]
    meta = upload.meta
    result: dict[str, Any] = {
        "Bucket": bucket.name,
        "Key": upload.key,
        "UploadId": upload.id,
        "PartNumberMarker": after,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit > 0,
        "Initiator": _person(*orjson.loads(upload.initiator)),
        "Owner": {"ID": canonical_id(bucket.account)},
        "StorageClass": meta["headers"].get("StorageClass", "STANDARD"),
    }
    if meta["asked"]:
        result |= {"ChecksumAlgorithm": meta["algorithm"], "ChecksumType": meta["kind"]}
    result["Parts"] = [
        {
            "PartNumber": part.number,
            "LastModified": datetime.fromtimestamp(int(part.modified), UTC),
            "ETag": f'"{part.etag}"',
            "Size": part.size,
        }
        | ({f"Checksum{meta['algorithm']}": part.checksums[meta["algorithm"]]} if meta["asked"] else {})
        for part in page
    ]
    return result


def list_multipart_uploads(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    encode = encoder(params.get("EncodingType"))
    limit = page_size(params.get("MaxUploads"), "max-uploads")
    prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
    stop = successor(prefix)
    marker, upload_marker = params.get("KeyMarker") or "", params.get("UploadIdMarker") or ""
    key, after = start_after(marker, prefix, delimiter)
    if not marker:
        upload_marker = ""  # an upload id without a key says nothing
    seen = uploads(call).find(bucket, marker, upload_marker) if upload_marker else None
    # One that has ended meanwhile still says where a page ended; those before it are gone too, or listed.
    if upload_marker and seen is None and (
        not is_upload_id(upload_marker) or uploads(call).key_of(upload_marker) is not None
    ):  # fmt: skip
        raise invalid_argument("Invalid uploadId marker", "upload-id-marker", upload_marker)
    entries, more = fold(
        uploads(call).uploads_from(bucket, key, stop, after=after, later_than=seen.row if seen else None),
        lambda key: uploads(call).uploads_from(bucket, key, stop, after=False),
        (prefix, delimiter, limit),
    )
    result: dict[str, Any] = {
        "Bucket": bucket.name,
        "KeyMarker": encode(marker),
        "UploadIdMarker": upload_marker,
        "NextKeyMarker": "",
        "NextUploadIdMarker": "",
        "MaxUploads": limit,
        "IsTruncated": more,
        "Uploads": [_listed(bucket, each, encode(each.key)) for each in entries if not isinstance(each, str)],
        "CommonPrefixes": [{"Prefix": encode(each)} for each in entries if isinstance(each, str)],
    }
    for name, value in (("Prefix", prefix), ("Delimiter", delimiter)):
        if value:
            result[name] = encode(value)
    if params.get("EncodingType"):
        result["EncodingType"] = params["EncodingType"]
    if entries and (more or not isinstance(entries[-1], str)):
        last = entries[-1]
        result["NextKeyMarker"] = encode(last if isinstance(last, str) else last.key)
        result["NextUploadIdMarker"] = "" if isinstance(last, str) else last.id
    return result


def _listed(bucket: Bucket, upload: Upload, key: str) -> dict[str, Any]:
    meta = upload.meta
    row: dict[str, Any] = {
        "Key": key,
        "UploadId": upload.id,
        "Initiated": datetime.fromtimestamp(int(upload.created), UTC),
        "StorageClass": meta["headers"].get("StorageClass", "STANDARD"),
        "Owner": {"ID": canonical_id(bucket.account)},
        "Initiator": _person(*orjson.loads(upload.initiator)),
    }
    if meta["asked"]:
        row |= {"ChecksumAlgorithm": meta["algorithm"], "ChecksumType": meta["kind"]}
    return row
