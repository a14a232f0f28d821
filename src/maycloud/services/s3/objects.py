"""Putting and getting objects."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import checksums, conditions, content, lifecycle
from maycloud.services.s3.acls import stamp
from maycloud.services.s3.buckets import find_bucket
from maycloud.services.s3.checksums import Declared
from maycloud.services.s3.common import invalid_argument
from maycloud.services.s3.content import Content
from maycloud.services.s3.encryption import CustomerKey, check_key, customer_key, headers_for
from maycloud.services.s3.keys import check_key as check_name
from maycloud.services.s3.metadata import headers_of, override
from maycloud.services.s3.permissions import missing
from maycloud.services.s3.ranges import Span, read_range
from maycloud.services.s3.storage import ARCHIVED, check_readable, copy_of, restore_header
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.tags import of_header, tags_of
from maycloud.services.s3.versions import INLINE, NULL, Objects, Piece, Version, is_version_id, pack
from maycloud.wire.scalars import http_date


def objects(call: Call) -> Objects:
    return call.state.objects


# Writing


def put_object(call: Call, params: Params) -> Result | Awaitable[Result]:
    """Store a body; a small one at once, a long one while it arrives. Visible only when it is whole."""
    bucket = find_bucket(call, params)
    check_name(params["Key"])
    if "WriteOffsetBytes" in params:
        raise AwsError(
            "NotImplemented", "A header you provided implies functionality that is not implemented", 501
        )
    body = params.get("Body") or b""
    content.check_length(call, body)
    declared = checksums.declared(params, call.http)
    key = customer_key(params, secure=call.secure)
    meta = new_meta(call, bucket, params, key)
    conditional = conditions.is_conditional(params)
    if conditional:
        conditions.check_write(objects(call).latest(bucket, params["Key"]), params)
    if isinstance(body, bytes) and len(body) <= INLINE:
        received = content.receive_small(body, declared, params.get("ContentMD5"), key)
        return _store(call, bucket, params, meta, (declared, received))
    return _put_long(call, params, meta, declared, key)


async def put_whole(call: Call, params: Params) -> Result:
    """The same for an operation that has waited already."""
    with call.store.db.atomic():
        outcome = put_object(call, params)
    return await outcome if isinstance(outcome, Awaitable) else outcome


async def _put_long(
    call: Call, params: Params, meta: dict[str, Any], declared: Declared, key: CustomerKey | None
) -> Result:
    received = await content.receive(
        call.store.blobs, params["Body"], declared, params.get("ContentMD5"), key
    )
    try:
        # Looked up again: the bucket may have changed while the body was on its way.
        bucket = find_bucket(call, params)
        conditions.check_write(objects(call).latest(bucket, params["Key"]), params, began=True)
    except AwsError:
        received.discard()
        raise
    with call.store.db.atomic():
        return _store(call, bucket, params, meta, (declared, received))


_LOCK = frozenset({"ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"})


def new_meta(call: Call, bucket: Bucket, params: Params, key: CustomerKey | None) -> dict[str, Any]:
    """What a new object's row keeps of the request. Raises AWS's errors."""
    if not _LOCK.isdisjoint(params):
        raise _no_lock(call, params)
    headers = headers_of(params)
    headers |= headers_for(call, bucket, params, key)
    meta: dict[str, Any] = {"headers": headers} | stamp(bucket, call.principal.account, params)
    if tags := of_header(params.get("Tagging")):
        meta["tags"] = tags
    if key is not None:
        meta["customer_key"] = key.md5
    return meta


def _no_lock(call: Call, params: Params) -> AwsError:
    """Headers of object lock are read before it is seen that no bucket has one: versity/versitygw#1736."""
    mode, hold = params.get("ObjectLockMode"), params.get("ObjectLockLegalHoldStatus")
    prefix = "x-amz-object-lock-"
    if mode not in (None, "GOVERNANCE", "COMPLIANCE"):
        return invalid_argument("Unknown wormMode directive.", prefix + "mode", mode)
    if hold not in (None, "ON", "OFF"):
        return invalid_argument("Legal Hold must be either of 'ON' or 'OFF'", prefix + "legal-hold", hold)
    given = "ObjectLockRetainUntilDate" in params
    if given and params["ObjectLockRetainUntilDate"] is None:
        sent = call.http.header(prefix + "retain-until-date") if call.http is not None else ""
        message = "The retain until date must be provided in ISO 8601 format"
        return invalid_argument(message, prefix + "retain-until-date", sent)
    if given is (mode is None):
        return invalid_argument(
            f"{prefix}retain-until-date and {prefix}mode must both be supplied.",
            prefix + ("mode" if given else "retain-until-date"),
        )
    if given and params["ObjectLockRetainUntilDate"].timestamp() <= call.now():
        message = "The retain until date must be in the future!"
        sent = call.http.header(prefix + "retain-until-date") if call.http is not None else ""
        return invalid_argument(message, prefix + "retain-until-date", sent)
    # Spelled otherwise than by the operations of object lock: versity/versitygw#1751.
    return AwsError("InvalidRequest", "Bucket is missing ObjectLockConfiguration")


def _store(
    call: Call, bucket: Bucket, params: Params, meta: dict[str, Any], arrived: tuple[Declared, Content]
) -> dict[str, Any]:
    declared, received = arrived
    checksum = checksums.text(received.checksum)
    meta["checksum"] = [declared.algorithm.name, checksum, checksums.FULL_OBJECT]
    new = add_version(call, bucket, params["Key"], received, meta)
    result = written(bucket, new)
    if new.version == NULL:
        result.pop("VersionId", None)  # AWS was recorded to say "null" of copies only
    result[declared.algorithm.member] = checksum
    result["ChecksumType"] = checksums.FULL_OBJECT
    return result


def add_version(call: Call, bucket: Bucket, key: str, received: Content, meta: dict[str, Any]) -> Version:
    """Make what has arrived the newest version of its key."""
    new = Version(
        0, key, "", True, False, received.size, received.etag, call.now(), meta, None, received.inline
    )
    if received.inline is None:
        new.packed = pack([Piece(received.publish(call.store.blobs), received.size, 1)])
    return objects(call).put(bucket, new)


_OF_WRITES = ("ServerSideEncryption", "SSECustomerAlgorithm", "SSECustomerKeyMD5")


def written(bucket: Bucket, new: Version) -> dict[str, Any]:
    """What every answer to a write says."""
    headers = new.meta["headers"]
    result: dict[str, Any] = {name: headers[name] for name in _OF_WRITES if name in headers}
    result["ETag"] = f'"{new.etag}"'
    if bucket.versioning:
        result["VersionId"] = new.version
    if ends := lifecycle.expiration_header(bucket, new.key, new.size, new.modified, tags_of(new)):
        result["Expiration"] = ends
    return result


# Finding


def find_version(
    call: Call, bucket: Bucket, params: Params, method: str = "GET", *, marker_is_one: bool = False
) -> Version:
    """The version asked for, or the newest; AWS's errors for none and for delete markers.

    With `marker_is_one` a delete marker that is the newest is told apart from no object.
    """
    key, wanted = params["Key"], params.get("VersionId")
    if wanted is None:
        found = objects(call).latest(bucket, key)
        if found is not None and not found.marker:
            return found
        check_name(key)
        headers: dict[str, Any] = {}
        if found is not None and marker_is_one:
            raise missing(call, bucket, _is_marker(found, method))
        if found is not None:
            headers = {"x-amz-delete-marker": "true", "x-amz-version-id": found.version}
        raise missing(
            call, bucket, AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=key, **headers)
        )
    check_version_id(wanted)
    found = objects(call).version(bucket, key, wanted)
    if found is None:
        raise missing(call, bucket, no_such_version(key, wanted))
    if found.marker:
        raise _is_marker(found, method)
    return found


def no_such_version(key: str, version: str) -> AwsError:
    return AwsError("NoSuchVersion", "The specified version does not exist.", 404, Key=key, VersionId=version)


def _is_marker(found: Version, method: str) -> AwsError:
    return AwsError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        Method=method,
        ResourceType="DeleteMarker",
        **{
            "x-amz-delete-marker": "true",
            "x-amz-version-id": found.version,
            "last-modified": http_date(int(found.modified)),
            "allow": "DELETE",
        },
    )


def check_version_id(wanted: str) -> None:
    if wanted == "":
        raise AwsError(
            "InvalidArgument",
            "Version id cannot be the empty string",
            ArgumentName="versionId",
            ArgumentValue="",
        )
    if not is_version_id(wanted):
        raise AwsError(
            "InvalidArgument", "Invalid version id specified", ArgumentName="versionId", ArgumentValue=wanted
        )


# Reading


def get_object(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    found, key, span, result = _read(call, bucket, params, "GET")
    if found.meta["headers"].get("StorageClass") in ARCHIVED:
        refusal = AwsError(
            "InvalidObjectState",
            "The operation is not valid for the object's storage class",
            403,
            StorageClass=found.meta["headers"]["StorageClass"],
        )
        check_readable(found, call.now(), refusal)
    result["Body"] = content.body_of(call.store.blobs, found, key, span.start, span.length)
    return result


def head_object(call: Call, params: Params) -> Result:
    return _read(call, find_bucket(call, params), params, "HEAD")[3]


def _read(
    call: Call, bucket: Bucket, params: Params, method: str
) -> tuple[Version, CustomerKey | None, Span, dict[str, Any]]:
    """The version, its key, the stretch asked for, and the answer's headers."""
    found = find_version(call, bucket, params, method)
    key = customer_key(params, secure=call.secure)
    check_key(found.meta.get("customer_key"), key)
    conditions.check_read(found, params, call.now())
    result = describe(bucket, found)
    if "restore" in found.meta and (copy := copy_of(found, call.now())) is not None:
        result["Restore"] = restore_header(copy)
    if "VersionId" in params:
        result.pop("Expiration", None)
    number, text = params.get("PartNumber"), params.get("Range")
    span = read_range(text, found.size) if number is None else _part(found, number, text, result)
    if span.partial:
        result["ContentRange"] = f"bytes {span.start}-{span.start + span.length - 1}/{found.size}"
    if "ChecksumMode" in params and _wants_checksum(params) and "checksum" in found.meta:
        _add_checksum(found, span, number, result)
    result["ContentLength"] = span.length
    override(call, params, result)
    return found, key, span, result


def _add_checksum(found: Version, span: Span, number: int | None, result: dict[str, Any]) -> None:
    """That of what is sent: the whole object, or a part whose own is kept (localstack/localstack#12842)."""
    name, value, kind = found.meta["checksum"]
    if number is not None and "PartsCount" in result and kind == checksums.COMPOSITE:
        value = found.pieces[number - 1].checksum
    elif span.length != found.size or result.get("PartsCount", 1) > 1:
        return
    if value:
        result[checksums.ALGORITHMS[name].member] = value
        result["ChecksumType"] = kind


def _wants_checksum(params: Params) -> bool:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html; refusal as measured by others."""
    if params["ChecksumMode"].lower() != "enabled":
        raise AwsError("InvalidRequest", "Value for x-amz-checksum-mode header is invalid.")
    return True


def _part(found: Version, number: int, text: str | None, result: dict[str, Any]) -> Span:
    """The stretch that a part number means."""
    if text is not None:
        raise AwsError("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
    pieces = found.pieces if "-" in found.etag else []
    count = len(pieces) or 1
    if not 1 <= number <= 10_000:
        raise AwsError(
            "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber", ArgumentValue=number,
        )  # fmt: skip
    if number > count:
        raise AwsError(
            "InvalidPartNumber", "The requested partnumber is not satisfiable", 416,
            PartNumberRequested=number, ActualPartCount=count,
        )  # fmt: skip
    if not pieces:
        return Span(0, found.size, partial=found.size > 0)
    result["PartsCount"] = count
    start = sum(piece.size for piece in pieces[: number - 1])
    return Span(start, pieces[number - 1].size, partial=True)


def describe(bucket: Bucket, found: Version) -> dict[str, Any]:
    """What an answer about an object says of it."""
    meta = found.meta
    result = dict(meta["headers"])
    result["ETag"] = f'"{found.etag}"'
    result["LastModified"] = datetime.fromtimestamp(int(found.modified), UTC)
    result["AcceptRanges"] = "bytes"
    if tags := meta.get("tags"):
        result["TagCount"] = len(tags)
    if found.current and (
        ends := lifecycle.expiration_header(bucket, found.key, found.size, found.modified, tags_of(found))
    ):
        result["Expiration"] = ends
    if bucket.versioning:
        result["VersionId"] = found.version
    return result


def get_object_attributes(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html"""
    bucket = find_bucket(call, params)
    wanted = _wanted_attributes(params)
    found = find_version(call, bucket, params)
    check_key(found.meta.get("customer_key"), customer_key(params, secure=call.secure))
    name, value, kind = found.meta.get("checksum", (checksums.DEFAULT.name, None, None))
    algorithm = checksums.ALGORITHMS[name]
    whole = {
        "ETag": found.etag,
        # Here a composite checksum goes without the number of its parts.
        "Checksum": {algorithm.member: value.partition("-")[0], "ChecksumType": kind} if value else None,
        "StorageClass": found.meta["headers"].get("StorageClass", "STANDARD"),
        "ObjectSize": found.size,
    }
    if "-" in found.etag:
        # Of a checksum of the whole, parts have none: localstack/localstack#12764, versity/versitygw#1001.
        listed = kind == checksums.COMPOSITE
        pieces = found.pieces
        whole["ObjectParts"] = (
            _attributes_of_parts(pieces, algorithm, params) if listed else {"TotalPartsCount": len(pieces)}
        )
    result: dict[str, Any] = {each: whole[each] for each in wanted if whole.get(each) is not None}
    result["LastModified"] = datetime.fromtimestamp(int(found.modified), UTC)
    if bucket.versioning:
        result["VersionId"] = found.version
    return result


_ATTRIBUTES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


def _wanted_attributes(params: Params) -> list[str]:
    """What x-amz-object-attributes names. The refusals are AWS's as measured by others (see `wire.s3`)."""
    wanted: list[str] = params.get("ObjectAttributes") or []
    if not wanted:
        raise AwsError(
            "InvalidRequest",
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing"
            " or empty",
        )
    for name in wanted:
        if name not in _ATTRIBUTES:
            message = "Invalid attribute name specified."
            raise invalid_argument(message, "x-amz-object-attributes", name)
    return wanted


def _attributes_of_parts(
    pieces: list[Piece], algorithm: checksums.Algorithm, params: Params
) -> dict[str, Any]:
    after = params.get("PartNumberMarker") or 0
    limit = min(params.get("MaxParts", 1000), 1000)
    rest = [piece for piece in pieces if piece.number > after]
    page = rest[:limit]
    return {
        "TotalPartsCount": len(pieces),
        "PartNumberMarker": after,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": limit,
        "IsTruncated": len(rest) > limit,
        "Parts": [
            {"PartNumber": piece.number, "Size": piece.size, algorithm.member: piece.checksum}
            for piece in page
            if piece.checksum
        ],
    }
