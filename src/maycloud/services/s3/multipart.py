"""Multipart uploads.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

import hashlib
import itertools
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import checksums, conditions, content
from maycloud.services.s3.buckets import find_bucket
from maycloud.services.s3.checksums import COMPOSITE, FULL_OBJECT, Algorithm, Declared
from maycloud.services.s3.common import address
from maycloud.services.s3.content import MAX_UPLOAD, Content
from maycloud.services.s3.copying import find_source, too_large
from maycloud.services.s3.encryption import CustomerKey, customer_key
from maycloud.services.s3.keys import check_key
from maycloud.services.s3.objects import new_meta, objects, written
from maycloud.services.s3.ranges import Span, read_copy_range
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.uploads import Part, Upload, Uploads
from maycloud.services.s3.versions import Piece, Version, pack
from maycloud.wire.xml import malformed

MAX_PARTS = 10_000
OBJECT_SIZE = "x-amz-mp-object-size"
MIN_PART = 5 << 20  # bytes of any part but the last


def uploads(call: Call) -> Uploads:
    return call.state.uploads


def create_multipart_upload(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    if call.principal.kind == "anonymous":
        # As AWS words it: awsdocs/amazon-s3-userguide#91, aws/aws-sdk-cpp#1575.
        message = "Anonymous users cannot initiate multipart uploads.  Please authenticate."
        raise AwsError("AccessDenied", message, 403)
    check_key(params["Key"])
    key = customer_key(params, secure=call.secure)
    meta = new_meta(call, bucket, params, key)
    algorithm, kind, asked = _wanted_checksum(params)
    meta |= {"algorithm": algorithm.name, "kind": kind, "asked": asked}
    initiator = orjson.dumps([call.principal.arn, call.principal.account]).decode()
    upload = uploads(call).create(bucket, params["Key"], call.now(), initiator, meta)
    result = _encryption(meta) | {"Bucket": bucket.name, "Key": params["Key"], "UploadId": upload}
    if asked:
        result |= {"ChecksumAlgorithm": algorithm.name, "ChecksumType": kind}
    return result


def _wanted_checksum(params: Params) -> tuple[Algorithm, str, bool]:
    """Algorithm and type of the object to be, and whether the client chose them."""
    name, kind = params.get("ChecksumAlgorithm"), params.get("ChecksumType")
    if name is None:
        if kind is not None:
            raise AwsError(
                "InvalidRequest",
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )
        return checksums.DEFAULT, FULL_OBJECT, False
    algorithm = checksums.named(name)
    kind = kind or algorithm.kinds[0]
    if kind not in (COMPOSITE, FULL_OBJECT):
        raise AwsError("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
    if kind not in algorithm.kinds:
        raise AwsError(
            "InvalidRequest",
            f"The {kind} checksum type cannot be used with the {algorithm.name.lower()} checksum algorithm.",
        )
    return algorithm, kind, True


_ENCRYPTION = ("ServerSideEncryption", "SSECustomerAlgorithm", "SSECustomerKeyMD5")


def _encryption(meta: dict[str, Any]) -> dict[str, Any]:
    headers = meta["headers"]
    return {name: headers[name] for name in _ENCRYPTION if name in headers}


def find_upload(call: Call, bucket: Bucket, params: Params) -> Upload:
    found = uploads(call).find(bucket, params["Key"], params["UploadId"])
    if found is None:
        raise AwsError(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been"
            " aborted or completed.",
            404,
            UploadId=params["UploadId"],
        )
    return found


# Parts


def _part_number(params: Params) -> int:
    number = params.get("PartNumber", 0)  # an empty one is read as none, see `wire.rest`
    if not 1 <= number <= MAX_PARTS:
        raise AwsError(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=params.get("PartNumber", ""),
        )
    return number


def _part_key(call: Call, meta: dict[str, Any], params: Params) -> CustomerKey | None:
    """The customer's key for a part, which must be that of the upload."""
    key = customer_key(params, secure=call.secure)
    kept = meta.get("customer_key")
    if kept is None and key is not None:
        raise AwsError(
            "InvalidRequest", "The multipart upload initiate did not request encryption. Please resend the"
            " request without encryption parameters.",
        )  # fmt: skip
    if kept is not None and key is None:
        raise AwsError(
            "InvalidRequest", "The multipart upload initiate requested encryption. Subsequent part requests"
            " must include the appropriate encryption parameters.",
        )  # fmt: skip
    if kept is not None and key is not None and kept != key.md5:
        raise AwsError(
            "InvalidRequest", "The provided encryption parameters did not match the ones used originally."
        )
    return key


def _part_checksum(meta: dict[str, Any], declared: Declared) -> Declared:
    """What is said of a part, which must agree with what was said of the upload."""
    algorithm = checksums.ALGORITHMS[meta["algorithm"]]
    if not meta["asked"]:
        return declared
    if not declared.asked:
        if meta["kind"] == FULL_OBJECT:
            return Declared(algorithm, asked=False)
        actual = "null"
    elif declared.algorithm is algorithm:
        return declared
    else:
        actual = declared.algorithm.name.lower()
    raise AwsError(
        "InvalidRequest",
        f"Checksum Type mismatch occurred, expected checksum Type: {algorithm.name.lower()},"
        f" actual checksum Type: {actual}",
    )


async def upload_part(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    number = _part_number(params)
    meta = find_upload(call, bucket, params).meta
    body = params.get("Body") or b""
    content.check_length(call, body)
    declared = _part_checksum(meta, checksums.declared(params, call.http))
    key = _part_key(call, meta, params)
    keep = checksums.ALGORITHMS[meta["algorithm"]]
    received = await content.receive(call.store.blobs, body, declared, params.get("ContentMD5"), key, keep)
    _add_part(call, params, number, (received, keep, declared.algorithm))
    result = _encryption(meta) | {"ETag": f'"{received.etag}"'}
    # The one that S3 chose by itself is kept and not told: floci-io/floci#3093, scality/cloudserver#6188.
    if declared.asked or meta["asked"]:
        result[declared.algorithm.member] = checksums.text(received.sent)
    return result


def _add_part(call: Call, params: Params, number: int, arrived: tuple[Content, Algorithm, Algorithm]) -> Part:
    """Keep a part that has arrived, unless the upload ended meanwhile."""
    received, keep, sent = arrived
    try:
        bucket = find_bucket(call, params)
        upload = find_upload(call, bucket, params)
    except AwsError:
        received.discard()
        raise
    values = {
        keep.name: checksums.text(received.checksum),
        sent.name: checksums.text(received.sent),
    }
    with call.store.db.atomic():
        part = Part(
            number, received.size, received.etag, call.now(), values, received.publish(call.store.blobs)
        )
        uploads(call).put_part(upload, part)
    return part


def upload_part_copy(call: Call, params: Params) -> Result | Awaitable[Result]:
    bucket = find_bucket(call, params)
    number = _part_number(params)
    meta = find_upload(call, bucket, params).meta
    source = find_source(call, params)
    size = source.version.size
    text = params.get("CopySourceRange")
    span = Span(0, size, partial=False) if text is None else read_copy_range(text, size)
    if span.length > MAX_UPLOAD:
        raise too_large()
    key = _part_key(call, meta, params)
    keep = checksums.ALGORITHMS[meta["algorithm"]]
    return _copy_part(call, params, number, (source, span, key, keep, meta))


async def _copy_part(call: Call, params: Params, number: int, what: tuple[Any, ...]) -> Result:
    source, span, key, keep, meta = what
    same = None
    if span.length == source.version.size and source.key is None and key is None:
        same = content.shared(source.version, keep)
    received = same or await content.copied(
        call.store.blobs, source.version, (source.key, key), (span.start, span.length), keep
    )
    part = _add_part(call, params, number, (received, keep, keep))
    outcome: dict[str, Any] = {
        "ETag": f'"{part.etag}"',
        "LastModified": datetime.fromtimestamp(int(part.modified), UTC),
    }
    if meta["asked"]:
        outcome[keep.member] = part.checksums[keep.name]
    return _encryption(meta) | source.answer | {"CopyPartResult": outcome}


# The end

_OF_UPLOAD = frozenset({"algorithm", "kind", "asked", "deleted"})


def complete_multipart_upload(call: Call, params: Params) -> Result:
    """Make the parts one object, whose blobs they stay; nothing is copied."""
    bucket = find_bucket(call, params)
    if "MultipartUpload" not in params:
        find_upload(call, bucket, params)
        raise AwsError("InvalidRequest", "You must specify at least one part")
    wanted = (params["MultipartUpload"] or {}).get("Parts", [])
    if not wanted or any("PartNumber" not in part or "ETag" not in part for part in wanted):
        raise malformed()
    _check_list(wanted)
    # Clients that did not hear the answer ask again: minio/minio#13318, adobe/S3Mock#2586.
    asked = orjson.dumps([[part["PartNumber"], part["ETag"].strip('"')] for part in wanted])
    answer = uploads(call).answered(bucket, params["Key"], params["UploadId"], asked, call.now())
    if answer is not None:
        return orjson.loads(answer)
    upload = find_upload(call, bucket, params)
    result = _complete(call, bucket, upload, params, wanted)
    uploads(call).remember(bucket, upload, asked, call.now(), orjson.dumps(result))
    return result


def _check_list(wanted: list[dict[str, Any]]) -> None:
    """What versity/versitygw's ``s3err`` has AWS say of parts that cannot be."""
    for part in wanted:
        if part["PartNumber"] < 1:
            raise AwsError(
                "InvalidArgument",
                "PartNumber must be >= 1",
                ArgumentName="PartNumber",
                ArgumentValue=part["PartNumber"],
            )
        values = list(checksums.given(part).values())
        if len(values) > 1:
            raise AwsError(
                "InvalidArgument",
                "Invalid Base64 or multiple checksums present in request",
                ArgumentName="Checksum",
                ArgumentValue=values[0],
            )


def _complete(
    call: Call, bucket: Bucket, upload: Upload, params: Params, wanted: list[dict[str, Any]]
) -> dict[str, Any]:
    meta = upload.meta
    kind = params.get("ChecksumType")
    if kind is not None and kind != meta["kind"]:
        raise AwsError(
            "InvalidRequest",
            f"The upload was created using the {meta['kind']} checksum mode. The complete request must use"
            " the same checksum mode.",
        )
    algorithm = checksums.ALGORITHMS[meta["algorithm"]]
    parts = _chosen(call, upload, wanted, algorithm, meta)
    size = sum(part.size for part in parts)
    _check_object_size(params, size)
    conditions.check_write(
        objects(call).latest(bucket, params["Key"]),
        params,
        since=upload.created,
        deleted="deleted" in meta,
    )
    checksum = _object_checksum(params, parts, algorithm, meta["kind"])
    etag = hashlib.md5(
        b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False
    ).hexdigest()
    kept = {name: meta[name] for name in meta if name not in _OF_UPLOAD}
    # S3 chooses none by itself under a customer's key: localstack/localstack#12401.
    told = meta["asked"] or "customer_key" not in meta or bool(checksums.given(params))
    if told:
        kept["checksum"] = [algorithm.name, checksum, meta["kind"]]
    new = Version(0, upload.key, "", True, False, size, f"{etag}-{len(parts)}", upload.created, kept)
    new.packed = pack(
        [Piece(part.blob, part.size, part.number, part.checksums[algorithm.name]) for part in parts]
    )
    new = objects(call).put(bucket, new)
    uploads(call).end(upload, {part.blob for part in parts})
    return (
        written(bucket, new)
        | {
            "Location": f"{address(call, bucket.name)}/{quote(upload.key, safe='')}",
            "Bucket": bucket.name,
            "Key": upload.key,
        }
        | ({algorithm.member: checksum, "ChecksumType": meta["kind"]} if told else {})
    )


def _check_object_size(params: Params, size: int) -> None:
    announced = params.get("MpuObjectSize")
    if announced is not None and announced < 0:
        raise AwsError("InvalidRequest", f"Value for {OBJECT_SIZE} header is less than zero: '{announced}'")
    if announced is not None and announced != size:
        raise AwsError(
            "InvalidRequest",
            f"The provided '{OBJECT_SIZE}' header value {announced} does not match what was computed: {size}",
        )


def _chosen(
    call: Call, upload: Upload, wanted: list[dict[str, Any]], algorithm: Algorithm, meta: dict[str, Any]
) -> list[Part]:
    """The parts that a request lists, each as it says and in ascending order."""
    numbers = [part["PartNumber"] for part in wanted]
    if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise AwsError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            UploadId=upload.id,
        )
    there = {part.number: part for part in uploads(call).parts(upload)}
    parts = [_same(upload, there.get(each["PartNumber"]), each, algorithm, meta) for each in wanted]
    for part in parts[:-1]:
        if part.size < MIN_PART:
            raise AwsError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=part.size,
                MinSizeAllowed=MIN_PART,
                PartNumber=part.number,
                ETag=part.etag,
            )
    return parts


def _same(
    upload: Upload, part: Part | None, wanted: dict[str, Any], algorithm: Algorithm, meta: dict[str, Any]
) -> Part:
    values = checksums.given(wanted)
    if part is None or wanted["ETag"].strip('"') != part.etag or any(
        part.checksums.get(member.removeprefix("Checksum")) != value for member, value in values.items()
    ):  # fmt: skip
        raise AwsError(
            "InvalidPart",
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or"
            " the specified entity tag may not match the part's entity tag.",
            UploadId=upload.id,
            PartNumber=wanted["PartNumber"],
            ETag=wanted["ETag"].strip('"'),
        )
    if meta["asked"] and meta["kind"] == COMPOSITE and algorithm.member not in values:
        raise AwsError(
            "InvalidRequest",
            f"The upload was created using a {algorithm.name.lower()} checksum. The complete request must"
            f" include the checksum for each part. It was missing for part {part.number} in the request.",
        )
    return part


def _object_checksum(params: Params, parts: list[Part], algorithm: Algorithm, kind: str) -> str:
    """The object's checksum from its parts', compared with the one that the request may carry."""
    values = [checksums.decoded(part.checksums[algorithm.name]) for part in parts]
    if kind == COMPOSITE:
        found = checksums.composite(algorithm, values)
    else:
        found = checksums.whole(algorithm, zip(values, (part.size for part in parts), strict=True))
    given = checksums.given(params)
    if len(given) > 1 or (given and algorithm.member not in given):
        raise AwsError(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            if len(given) > 1
            else f"Checksum Type mismatch occurred, expected checksum Type: {algorithm.name.lower()}, actual"
            f" checksum Type: {next(iter(given)).removeprefix('Checksum').lower()}",
        )
    # Of a composite one, clients may leave out how many parts there are.
    if given and given[algorithm.member] not in (found, found.partition("-")[0]):
        raise checksums.bad_digest(algorithm)
    return found


def abort_multipart_upload(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    uploads(call).end(find_upload(call, bucket, params), set())
    return None
