"""Listing objects and versions: in UTF-8 order, folded by delimiter, at a cost that only the page decides.

What a common prefix hides is skipped by looking for the first key after it, not read.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import storage
from maycloud.services.s3.acls import canonical_id, disabled
from maycloud.services.s3.buckets import find_bucket
from maycloud.services.s3.common import invalid_argument
from maycloud.services.s3.keys import encoder, successor
from maycloud.services.s3.objects import objects
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.versions import Listed, is_version_id, row_of

PAGE = 1000

Row = TypeVar("Row", bound=tuple[Any, ...])


def fold(
    rows: Iterator[Row],
    skip: Callable[[str], Iterator[Row]],
    wanted: tuple[str, str, int],
) -> tuple[list[Row | str], bool]:
    """Up to `limit` rows (which begin with their key) and common prefixes, and whether more follow.

    `wanted` is prefix, delimiter and limit; `skip(key)` begins again with the rows from `key` on.
    """
    prefix, delimiter, limit = wanted
    entries: list[Row | str] = []
    if limit == 0:
        return entries, False
    while True:
        for row in rows:
            if len(entries) == limit:
                return entries, True
            at = row[0].find(delimiter, len(prefix)) if delimiter else -1
            if at < 0:
                entries.append(row)
                continue
            folded = row[0][: at + len(delimiter)]
            entries.append(folded)
            after = successor(folded)
            if after is None:
                return entries, False
            rows = skip(after)
            break
        else:
            return entries, False


def page_size(value: int | None, name: str) -> int:
    """How many entries a page may have. `name` is what AWS calls the parameter in its refusal."""
    if value is None:
        return PAGE
    if value < 0:
        message = f"Argument {name} must be an integer between 0 and 2147483647"
        raise invalid_argument(message, name, str(value))
    return min(value, PAGE)


def start_after(marker: str, prefix: str, delimiter: str) -> tuple[str, bool]:
    """Where a listing that ended with `marker` goes on: a key, and whether that one itself is passed over."""
    if delimiter and marker.startswith(prefix):
        at = marker.find(delimiter, len(prefix))
        if at >= 0 and at + len(delimiter) == len(marker):
            return successor(marker) or marker, False
    if marker < prefix:
        return prefix, False
    return marker, True


def _page(
    call: Call, bucket: Bucket, params: Params, marker: str, limit: int
) -> tuple[list[Listed], list[str], str, bool]:
    """Current objects, common prefixes, the last of both, and whether more follow."""
    prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
    stop = successor(prefix)
    key, after = start_after(marker, prefix, delimiter)
    entries, more = fold(
        objects(call).current_from(bucket, key, stop, after=after),
        lambda key: objects(call).current_from(bucket, key, stop, after=False),
        (prefix, delimiter, limit),
    )
    rows = [entry for entry in entries if not isinstance(entry, str)]
    prefixes = [entry for entry in entries if isinstance(entry, str)]
    last = entries[-1] if entries else ""
    return rows, prefixes, last if isinstance(last, str) else last.key, more


def list_objects_v2(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    encode = encoder(params.get("EncodingType"))
    token = params.get("ContinuationToken")
    marker = (params.get("StartAfter") or "") if token is None else _unmask(token)
    limit = page_size(params.get("MaxKeys"), "maxKeys")
    told = _told(call, params)
    rows, prefixes, last, more = _page(call, bucket, params, marker, limit)
    result: dict[str, Any] = {
        "BucketRegion": bucket.region,
        "Name": bucket.name,
        "Prefix": encode(params.get("Prefix") or ""),
        "MaxKeys": params.get("MaxKeys", PAGE),
        "KeyCount": len(rows) + len(prefixes),
        "IsTruncated": more,
        "Contents": [
            _object(bucket, row, encode, told, owner=params.get("FetchOwner", False)) for row in rows
        ],
        "CommonPrefixes": [{"Prefix": encode(text)} for text in prefixes],
    }
    _echo(params, result, encode)
    if token is not None:
        result["ContinuationToken"] = token
    elif "StartAfter" in params:
        result["StartAfter"] = encode(params["StartAfter"])
    if more:
        result["NextContinuationToken"] = _mask(last)
    return result


def list_objects(call: Call, params: Params) -> Result:
    """The first version of the listing: it goes on after a key, not a token."""
    bucket = find_bucket(call, params)
    encode = encoder(params.get("EncodingType"))
    limit = page_size(params.get("MaxKeys"), "maxKeys")
    told = _told(call, params)
    rows, prefixes, last, more = _page(call, bucket, params, params.get("Marker") or "", limit)
    result: dict[str, Any] = {
        "BucketRegion": bucket.region,
        "Name": bucket.name,
        "Prefix": encode(params.get("Prefix") or ""),
        "Marker": encode(params.get("Marker") or ""),
        "MaxKeys": params.get("MaxKeys", PAGE),
        "IsTruncated": more,
        "Contents": [_object(bucket, row, encode, told, owner=True) for row in rows],
        "CommonPrefixes": [{"Prefix": encode(text)} for text in prefixes],
    }
    _echo(params, result, encode)
    if more and params.get("Delimiter"):
        result["NextMarker"] = encode(last)
    return result


def _echo(params: Params, result: dict[str, Any], encode: Callable[[str], str]) -> None:
    """What an answer repeats of the question."""
    if params.get("Delimiter"):
        result["Delimiter"] = encode(params["Delimiter"])
    if params.get("EncodingType"):
        result["EncodingType"] = params["EncodingType"]


def _told(call: Call, params: Params) -> float | None:
    """The time for which to say what copies of archived objects there are, None for nothing of them."""
    return call.now() if storage.wants_status(params) else None


def _object(
    bucket: Bucket, row: Listed, encode: Callable[[str], str], told: float | None, *, owner: bool
) -> dict[str, Any]:
    meta = orjson.loads(row.meta)
    found: dict[str, Any] = {
        "Key": encode(row.key),
        "LastModified": datetime.fromtimestamp(int(row.modified), UTC),
        "ETag": f'"{row.etag}"',
        "Size": row.size,
        "StorageClass": meta["headers"].get("StorageClass", "STANDARD"),
    }
    if "checksum" in meta:
        found["ChecksumAlgorithm"] = [meta["checksum"][0]]
        found["ChecksumType"] = meta["checksum"][2]
    if told is not None:
        found |= storage.status(meta, told)
    if owner:
        found["Owner"] = _owner(bucket, meta)
    return found


def _owner(bucket: Bucket, meta: dict[str, Any]) -> dict[str, str]:
    """The writer's account where the bucket leaves objects to those, else the bucket's."""
    return {"ID": canonical_id(bucket.account if disabled(bucket) else meta.get("owner", bucket.account))}


def _mask(key: str) -> str:
    return base64.urlsafe_b64encode(b"1" + key.encode()).decode()


def _unmask(token: str) -> str:
    try:
        raw = base64.b64decode(token, b"-_", validate=True)
        if raw[:1] == b"1":
            return raw[1:].decode()
    except (binascii.Error, ValueError):
        pass
    raise invalid_argument("The continuation token provided is incorrect", "continuation-token")


def list_object_versions(call: Call, params: Params) -> Result:
    """All versions and delete markers, newest first within a key."""
    bucket = find_bucket(call, params)
    _check_marker(params)
    encode = encoder(params.get("EncodingType"))
    if params.get("MaxKeys", 0) < 0:
        raise invalid_argument("max-keys cannot be negative", "max-keys")
    limit = page_size(params.get("MaxKeys"), "max-keys")
    told = _told(call, params)
    prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
    stop = successor(prefix)
    rows, before = _versions_start(call, bucket, params)
    entries, more = fold(
        rows,
        lambda key: objects(call).versions_from(bucket, key, stop, after=False),
        (prefix, delimiter, limit),
    )
    versions: list[dict[str, Any]] = []
    markers: list[dict[str, Any]] = []
    for entry in entries:
        if isinstance(entry, str):
            continue
        latest = entry.key != before
        before = entry.key
        (markers if entry.marker else versions).append(_listed_version(bucket, entry, encode, told, latest))
    result: dict[str, Any] = {
        "Name": bucket.name,
        "Prefix": encode(prefix),
        "KeyMarker": encode(params.get("KeyMarker") or ""),
        "VersionIdMarker": params.get("VersionIdMarker") or "",
        "MaxKeys": params.get("MaxKeys", PAGE),
        "IsTruncated": more,
        "Versions": versions,
        "DeleteMarkers": markers,
        "CommonPrefixes": [{"Prefix": encode(entry)} for entry in entries if isinstance(entry, str)],
    }
    _echo(params, result, encode)
    if more:
        last = entries[-1]
        result["NextKeyMarker"] = encode(last if isinstance(last, str) else last.key)
        if not isinstance(last, str):
            result["NextVersionIdMarker"] = last.version
    return result


def _check_marker(params: Params) -> None:
    """A version's marker goes with its key's; measured on AWS by others (see `wire.s3`)."""
    version = params.get("VersionIdMarker")
    if version is None:
        return
    if "KeyMarker" not in params:
        message = "A version-id marker cannot be specified without a key marker."
    elif version == "":
        message = "A version-id marker cannot be empty."
    elif is_version_id(version):
        return
    else:
        message = "Invalid version id specified"
    raise invalid_argument(message, "version-id-marker", version)


def _versions_start(call: Call, bucket: Bucket, params: Params) -> tuple[Iterator[Listed], str | None]:
    """The first rows, and the key whose newest version an earlier page has had."""
    prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
    stop = successor(prefix)
    marker, version = params.get("KeyMarker") or "", params.get("VersionIdMarker")
    if version is not None and not marker:
        return iter(()), None
    if version is not None:
        found = objects(call).version(bucket, marker, version)
        # A version that was deleted meanwhile still says where it was.
        row = found.row if found is not None else row_of(version)
        if row is not None and marker.startswith(prefix):
            rows = objects(call).versions_from(bucket, marker, stop, after=True, older_than=row)
            newest = objects(call).newest_row(bucket, marker)
            return rows, marker if newest is not None and newest >= row else None
    key, after = start_after(marker, prefix, delimiter)
    return objects(call).versions_from(bucket, key, stop, after=after), None


def _listed_version(
    bucket: Bucket, row: Listed, encode: Callable[[str], str], told: float | None, latest: bool
) -> dict[str, Any]:
    if row.marker:
        return {
            "Key": encode(row.key),
            "VersionId": row.version,
            "IsLatest": latest,
            "LastModified": datetime.fromtimestamp(int(row.modified), UTC),
            "Owner": {"ID": canonical_id(bucket.account)},
        }
    return _object(bucket, row, encode, told, owner=True) | {"VersionId": row.version, "IsLatest": latest}
