"""Putting, getting, deleting and listing objects."""

import asyncio
import base64
import binascii
import hashlib
import os
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from maycloud.edge.messages import FileBody
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3.access import permit
from maycloud.services.s3.acls import canonical_id, stamp
from maycloud.services.s3.buckets import encryption_of, find_bucket
from maycloud.services.s3.store import INLINE, Bucket, Objects, Version

MAX_KEY = 1024  # bytes of UTF-8
MAX_OBJECT = 5 << 30  # bytes of one PutObject

_KEPT = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
    "WebsiteRedirectLocation",
)


def objects(call: Call) -> Objects:
    return call.state.objects


def check_key(key: str) -> None:
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > MAX_KEY:
        raise AwsError("KeyTooLongError", "Your key is too long", Size=size, MaxSizeAllowed=MAX_KEY)


async def put_object(call: Call, params: Params) -> Result:
    """Store a body, which may still be arriving; visible only when it is whole."""
    stamp(find_bucket(call, params), call.principal.account, params)
    check_key(params["Key"])
    body = params.get("Body") or b""
    inline: bytes | None = None
    if isinstance(body, bytes):
        size = len(body)
        md5 = hashlib.md5(body, usedforsecurity=False)
        inline = body if size <= INLINE else None
        staged = None
        if inline is None:
            staged = call.store.blobs.stage()
            await asyncio.to_thread(staged.write, body)
    else:
        staged = call.store.blobs.stage()
        md5 = hashlib.md5(usedforsecurity=False)
        try:
            async for chunk in body:
                if staged.size + len(chunk) > MAX_OBJECT:
                    raise AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
                await asyncio.to_thread(_take, staged, md5, chunk)
        except BaseException:
            staged.discard()
            raise
        size = staged.size
    try:
        _check_md5(params.get("ContentMD5"), md5.digest())
        # Looked up again: the bucket may have changed while the body was on its way.
        bucket = find_bucket(call, params)
        _check_conditions(call, bucket, params)
    except AwsError:
        if staged is not None:
            staged.discard()
        raise
    with call.store.db.atomic():
        new = Version(
            0,
            params["Key"],
            os.urandom(16).hex() if bucket.versioning == "Enabled" else "null",
            True,
            False,
            size,
            md5.hexdigest(),
            call.now(),
            staged.publish() if staged is not None else None,
            _meta(params)
            | {"encryption": encryption_of(bucket)}
            | stamp(bucket, call.principal.account, params),
        )
        objects(call).put(bucket, new, inline)
    result: dict[str, Any] = {"ETag": f'"{new.etag}"', "ServerSideEncryption": encryption_of(bucket)}
    if bucket.versioning:
        result["VersionId"] = new.version
    return result


def _take(staged: Any, digest: Any, chunk: bytes) -> None:
    digest.update(chunk)
    staged.write(chunk)


def _check_md5(sent: str | None, digest: bytes) -> None:
    if sent is None:
        return

    try:
        wanted = base64.b64decode(sent, validate=True)
    except binascii.Error:
        wanted = b""
    if len(wanted) != 16:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if wanted != digest:
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _check_conditions(call: Call, bucket: Bucket, params: Params) -> None:
    """Conditional writes: If-None-Match: * and If-Match."""
    current = objects(call).latest(bucket, params["Key"])
    exists = current is not None and not current.marker
    if params.get("IfNoneMatch") == "*" and exists:
        raise _precondition("If-None-Match")
    wanted = params.get("IfMatch")
    if wanted is not None:
        if not exists or current is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=params["Key"])
        if wanted.strip('"') != current.etag:
            raise _precondition("If-Match")


def _precondition(condition: str) -> AwsError:
    return AwsError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        Condition=condition,
    )


def _meta(params: Params) -> dict[str, Any]:
    meta = {name: params[name] for name in _KEPT if params.get(name) is not None}
    if isinstance(meta.get("Expires"), datetime):
        meta["Expires"] = meta["Expires"].strftime("%a, %d %b %Y %H:%M:%S GMT")
    if params.get("Tagging"):
        meta["tagging"] = params["Tagging"]
    return meta


def find_version(call: Call, bucket: Bucket, params: Params) -> Version:
    """The version asked for, or the newest; AWS's errors for none and for delete markers."""
    key, wanted = params["Key"], params.get("VersionId")
    if wanted is not None:
        found = objects(call).version(bucket, key, wanted)
        if found is None:
            raise AwsError(
                "NoSuchVersion", "The specified version does not exist.", 404, Key=key, VersionId=wanted
            )
        if found.marker:
            raise AwsError(
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
                405,
                Method="GET",
                ResourceType="DeleteMarker",
            )
        return found
    found = objects(call).latest(bucket, key)
    if found is None or found.marker:
        raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=key)
    return found


def head_object(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    found = find_version(call, bucket, params)
    _check_read_conditions(found, params)
    start, length, ranged = _range(params.get("Range"), found.size)
    result = _describe(bucket, found) | {"ContentLength": length}
    if ranged:
        result["ContentRange"] = f"bytes {start}-{start + length - 1}/{found.size}"
    return result


def get_object(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    found = find_version(call, bucket, params)
    _check_read_conditions(found, params)
    start, length, ranged = _range(params.get("Range"), found.size)
    result = _describe(bucket, found) | {"ContentLength": length}
    if ranged:
        result["ContentRange"] = f"bytes {start}-{start + length - 1}/{found.size}"
    if found.blob is None:
        body = objects(call).body(found)
        result["Body"] = body[start : start + length] if ranged else body
    else:
        result["Body"] = FileBody(call.store.blobs.path(found.blob), start, length)
    return result


def _describe(bucket: Bucket, found: Version) -> dict[str, Any]:
    result = {name: value for name, value in found.meta.items() if name in _KEPT}
    result.setdefault("ContentType", "binary/octet-stream")
    result |= {
        "ETag": f'"{found.etag}"',
        "LastModified": datetime.fromtimestamp(int(found.modified), UTC),
        "AcceptRanges": "bytes",
        "ServerSideEncryption": found.meta.get("encryption", "AES256"),
    }
    if bucket.versioning:
        result["VersionId"] = found.version
    return result


def _check_read_conditions(found: Version, params: Params) -> None:
    """If-Match, If-None-Match and the two dates, in the precedence of RFC 9110."""
    etag, modified = found.etag, int(found.modified)
    if (wanted := params.get("IfMatch")) is not None:
        if wanted != "*" and etag not in {part.strip().strip('"') for part in wanted.split(",")}:
            raise _precondition("If-Match")
    elif (since := params.get("IfUnmodifiedSince")) is not None and modified > since.timestamp():
        raise _precondition("If-Unmodified-Since")
    if (unwanted := params.get("IfNoneMatch")) is not None:
        if unwanted == "*" or etag in {part.strip().strip('"') for part in unwanted.split(",")}:
            raise AwsError("304", "Not Modified", 304)
    elif (since := params.get("IfModifiedSince")) is not None and modified <= since.timestamp():
        raise AwsError("304", "Not Modified", 304)


def _range(text: str | None, size: int) -> tuple[int, int, bool]:
    """Start, length and whether it is a part, of a Range header. Malformed ones are ignored, as on AWS."""
    if text is None or not text.startswith("bytes=") or "," in text:
        return 0, size, False
    first, dash, last = text[6:].partition("-")
    if not dash or not (first.isdigit() or first == "") or not (last.isdigit() or last == ""):
        return 0, size, False
    if first == "":
        if last == "":
            return 0, size, False
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        stop = min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return 0, size, False
        length = stop - start + 1
    if start >= size or length <= 0:
        raise AwsError(
            "InvalidRange",
            "The requested range is not satisfiable",
            416,
            RangeRequested=text,
            ActualObjectSize=str(size),
        )
    return start, length, True


def delete_object(call: Call, params: Params) -> Result:
    """Delete one key or version; a key that is not there is no error."""
    return delete_one(call, find_bucket(call, params), params["Key"], params.get("VersionId"))


def delete_one(call: Call, bucket: Bucket, key: str, wanted: str | None) -> dict[str, Any]:
    if wanted is not None:
        found = objects(call).version(bucket, key, wanted)
        if found is None:
            return {"VersionId": wanted}
        objects(call).remove(bucket, found)
        return {"VersionId": wanted} | ({"DeleteMarker": True} if found.marker else {})
    if not bucket.versioning:
        found = objects(call).latest(bucket, key)
        if found is not None:
            objects(call).remove(bucket, found)
        return {}
    version = os.urandom(16).hex() if bucket.versioning == "Enabled" else "null"
    marker = Version(0, key, version, True, True, 0, "", call.now(), None)
    objects(call).put(bucket, marker, None)
    return {"DeleteMarker": True, "VersionId": version}


def delete_objects(call: Call, params: Params) -> Result:
    """Up to 1,000 keys; each is checked and answered for itself."""
    bucket = find_bucket(call, params)
    wanted = params["Delete"]
    if not 1 <= len(wanted["Objects"]) <= 1000:
        raise AwsError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for entry in wanted["Objects"]:
        key, version = entry["Key"], entry.get("VersionId")
        try:
            action = "s3:DeleteObject" if version is None else "s3:DeleteObjectVersion"
            permit(call, action, f"{bucket.arn}/{key}", {"Bucket": bucket.name, "Key": key})
            done = delete_one(call, bucket, key, version)
        except AwsError as error:
            errors.append({"Key": key, "Code": "AccessDenied", "Message": error.message})
            continue
        row: dict[str, Any] = {"Key": key}
        if version is not None:
            row["VersionId"] = version
        if done.get("DeleteMarker"):
            row |= {"DeleteMarker": True, "DeleteMarkerVersionId": done["VersionId"]}
        deleted.append(row)
    result: dict[str, Any] = {} if wanted.get("Quiet") else {"Deleted": deleted}
    if errors:
        result["Errors"] = errors
    return result


def list_objects_v2(call: Call, params: Params) -> Result:
    """Keys in UTF-8 order, those below a common prefix folded into one row."""
    bucket = find_bucket(call, params)
    prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
    limit = min(params.get("MaxKeys", 1000), 1000)
    if limit < 0:
        raise AwsError("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
    token = params.get("ContinuationToken")
    after = _unmask(token) if token is not None else params.get("StartAfter") or ""
    contents, prefixes, last, truncated = _walk(call, bucket, (prefix, delimiter, after, limit))
    encode = quote if params.get("EncodingType") == "url" else str
    result: dict[str, Any] = {
        "Name": bucket.name,
        "Prefix": encode(prefix),
        "MaxKeys": limit,
        "KeyCount": len(contents) + len(prefixes),
        "IsTruncated": truncated,
        "Contents": [_row(call, bucket, version, encode, params) for version in contents],
        "CommonPrefixes": [{"Prefix": encode(text)} for text in prefixes],
    }
    for name in ("Delimiter", "StartAfter"):
        if params.get(name):
            result[name] = encode(params[name])
    for name in ("ContinuationToken", "EncodingType"):
        if params.get(name):
            result[name] = params[name]
    if truncated:
        result["NextContinuationToken"] = _mask(last)
    return result


def list_objects(call: Call, params: Params) -> Result:
    """The first version of the listing: it goes on after a key, not a token."""
    bucket = find_bucket(call, params)
    prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
    limit = min(params.get("MaxKeys", 1000), 1000)
    if limit < 0:
        raise AwsError("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
    marker = params.get("Marker") or ""
    contents, prefixes, last, truncated = _walk(call, bucket, (prefix, delimiter, marker, limit))
    encode = quote if params.get("EncodingType") == "url" else str
    result: dict[str, Any] = {
        "Name": bucket.name,
        "Prefix": encode(prefix),
        "Marker": encode(marker),
        "MaxKeys": limit,
        "IsTruncated": truncated,
        "Contents": [_row(call, bucket, version, encode, {"FetchOwner": True}) for version in contents],
        "CommonPrefixes": [{"Prefix": encode(text)} for text in prefixes],
    }
    if delimiter:
        result["Delimiter"] = encode(delimiter)
    if params.get("EncodingType"):
        result["EncodingType"] = params["EncodingType"]
    if truncated and delimiter:
        result["NextMarker"] = encode(last)
    return result


Walk = tuple[list[Version], list[str], str, bool]


def _walk(call: Call, bucket: Bucket, wanted: tuple[str, str, str, int]) -> Walk:
    """Objects, common prefixes, where the page ended, and whether more follows."""
    prefix, delimiter, after, limit = wanted
    contents: list[Version] = []
    prefixes: list[str] = []
    last = after
    if delimiter and after.startswith(prefix) and delimiter in after[len(prefix) :]:
        # A page that ended with a folded prefix goes on after all that is below it.
        folded = prefix + after[len(prefix) :].partition(delimiter)[0] + delimiter
        if after == folded:
            last = folded + "\U0010ffff"
    while len(contents) + len(prefixes) < limit:
        page = objects(call).page(bucket, prefix, last, limit - len(contents) - len(prefixes))
        if not page:
            return contents, prefixes, last, False
        for version in page:
            rest = version.key[len(prefix) :]
            if delimiter and delimiter in rest:
                folded = prefix + rest.partition(delimiter)[0] + delimiter
                prefixes.append(folded)
                last = folded + "\U0010ffff"
                break
            contents.append(version)
            last = version.key
    more = bool(limit and objects(call).page(bucket, prefix, last, 1))
    return contents, prefixes, last.removesuffix("\U0010ffff"), more


def _row(call: Call, bucket: Bucket, version: Version, encode: Any, params: Params) -> dict[str, Any]:
    row = {
        "Key": encode(version.key),
        "LastModified": datetime.fromtimestamp(version.modified, UTC),
        "ETag": f'"{version.etag}"',
        "Size": version.size,
        "StorageClass": "STANDARD",
    }
    if params.get("FetchOwner"):
        row["Owner"] = {"ID": canonical_id(bucket.account)}
    return row


def _mask(key: str) -> str:
    return key.encode("utf-8").hex()


def _unmask(token: str) -> str:
    try:
        return bytes.fromhex(token).decode("utf-8")
    except ValueError as error:
        raise AwsError("InvalidArgument", "The continuation token provided is incorrect") from error
