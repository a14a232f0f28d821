"""Conditional requests: reads, copies, writes and deletes that happen only if.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Params
from maycloud.services.s3.versions import Version
from maycloud.wire.scalars import http_date


def failed(condition: str) -> AwsError:
    return AwsError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        Condition=condition,
    )


def _names(wanted: str, etag: str) -> bool:
    """Whether a list of entity tags has the object's, quotes or not."""
    return wanted == "*" or etag in {part.strip().removeprefix("W/").strip('"') for part in wanted.split(",")}


_READ = frozenset({"IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince"})


def check_read(found: Version, params: Params) -> None:
    """The four headers, where an entity tag overrides a date (RFC 9110, 13.2.2, as S3 has it)."""
    if _READ.isdisjoint(params):
        return
    modified = int(found.modified)
    wanted, since = params.get("IfMatch"), params.get("IfUnmodifiedSince")
    if wanted is not None:
        if not _names(wanted, found.etag):
            raise failed("If-Match")
    elif since is not None and modified > since.timestamp():
        raise failed("If-Unmodified-Since")
    unwanted, since = params.get("IfNoneMatch"), params.get("IfModifiedSince")
    if unwanted is not None:
        if _names(unwanted, found.etag):
            raise _not_modified(found)
    elif since is not None and modified <= since.timestamp():
        raise _not_modified(found)


def _not_modified(found: Version) -> AwsError:
    headers: dict[str, Any] = {"etag": f'"{found.etag}"', "last-modified": http_date(int(found.modified))}
    headers |= {
        header: found.meta["headers"][member]
        for header, member in (("cache-control", "CacheControl"), ("expires", "Expires"))
        if member in found.meta["headers"]
    }
    return AwsError("NotModified", "Not Modified", 304, **headers)


def check_copy(found: Version, params: Params) -> None:
    """The same for the source of a copy, where a condition that fails is always 412."""
    modified = int(found.modified)
    wanted, since = params.get("CopySourceIfMatch"), params.get("CopySourceIfUnmodifiedSince")
    if wanted is not None:
        if not _names(wanted, found.etag):
            raise failed("x-amz-copy-source-If-Match")
    elif since is not None and modified > since.timestamp():
        raise failed("x-amz-copy-source-If-Unmodified-Since")
    unwanted, since = params.get("CopySourceIfNoneMatch"), params.get("CopySourceIfModifiedSince")
    if unwanted is not None:
        if _names(unwanted, found.etag):
            raise failed("x-amz-copy-source-If-None-Match")
    elif since is not None and modified <= since.timestamp():
        raise failed("x-amz-copy-source-If-Modified-Since")


def is_conditional(params: Params) -> bool:
    return "IfMatch" in params or "IfNoneMatch" in params


def check_write(current: Version | None, params: Params, *, began: bool = False) -> None:
    """If-None-Match: * and If-Match of a write. `current` is the newest version.

    With `began` the same was true when the upload began, so that an object that has gone since is a conflict.
    """
    if not is_conditional(params):
        return
    exists = current is not None and not current.marker
    unwanted, wanted = params.get("IfNoneMatch"), params.get("IfMatch")
    if unwanted is not None:
        if unwanted != "*":
            raise AwsError(
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
                501,
                Header="If-None-Match",
            )
        if exists:
            raise failed("If-None-Match")
    if wanted is not None:
        if current is None or current.marker:
            if began:
                raise AwsError(
                    "ConditionalRequestConflict",
                    "The conditional request cannot succeed due to a conflicting operation against this"
                    " resource.",
                    409,
                    Condition="If-Match",
                    Key=params["Key"],
                )
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=params["Key"])
        if not _names(wanted, current.etag):
            raise failed("If-Match")


def check_delete(current: Version | None, wanted: str | None) -> None:
    """If-Match of a delete, which looks at the newest version only."""
    if wanted is None:
        return
    if current is None or current.marker or not _names(wanted, current.etag):
        raise failed("If-Match")
