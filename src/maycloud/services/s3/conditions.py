"""Conditional requests: reads, copies, writes and deletes that happen only if.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

import math
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


def check_read(found: Version, params: Params, now: float) -> None:
    """The four headers, where an entity tag overrides a date (RFC 9110, 13.2.2, as S3 has it).

    A date that is still to come says nothing (13.1.3). `now` in epoch seconds.
    """
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
    elif since is not None and modified <= since.timestamp() <= now:
        raise _not_modified(found)


def _not_modified(found: Version) -> AwsError:
    headers: dict[str, Any] = {"etag": f'"{found.etag}"', "last-modified": http_date(int(found.modified))}
    headers |= {
        header: found.meta["headers"][member]
        for header, member in (("cache-control", "CacheControl"), ("expires", "Expires"))
        if member in found.meta["headers"]
    }
    return AwsError("NotModified", "Not Modified", 304, **headers)


def check_copy(found: Version, params: Params, now: float) -> None:
    """The same for the source of a copy, where a condition that fails is always 412.

    As recorded, dates to come are passed over (LocalStack, test_s3_preconditions.snapshot.json).
    """
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
    elif since is not None and modified <= since.timestamp() <= now:
        raise failed("x-amz-copy-source-If-Modified-Since")


def is_conditional(params: Params) -> bool:
    return "IfMatch" in params or "IfNoneMatch" in params


def check_write(
    current: Version | None,
    params: Params,
    *,
    began: bool = False,
    since: float = math.inf,
    deleted: bool = False,
) -> None:
    """If-None-Match: * and If-Match of a write. `current` is the newest version.

    With `began` the same was true when the body began to arrive, so that an object that has gone since is a
    conflict. A multipart upload that began at `since` (epoch seconds) conflicts with what was written, or
    `deleted`, from then on.
    """
    if not is_conditional(params):
        return
    unwanted, wanted = params.get("IfNoneMatch"), params.get("IfMatch")
    _check_conditions(unwanted, wanted)
    gone = current is None or current.marker
    changed = current is not None and current.modified > since
    if unwanted is not None:
        if not gone:
            raise failed("If-None-Match")
        if deleted or changed:
            raise _conflict("If-None-Match", params["Key"])
    if wanted is not None:
        if current is None or current.marker:
            if began:
                raise _conflict("If-Match", params["Key"])
            raise _no_such_key(params["Key"])
        if not _names(wanted, current.etag):
            raise failed("If-Match")
        if deleted or changed:
            raise _conflict("If-Match", params["Key"])


def _check_conditions(unwanted: str | None, wanted: str | None) -> None:
    """AWS takes one of them, and of its values only some."""
    if unwanted is not None and wanted is not None:
        raise _unimplemented(
            "If-Match,If-None-Match", "Multiple conditional request headers present in the request"
        )
    for name, taken in (("If-None-Match", unwanted in (None, "*")), ("If-Match", wanted != "*")):
        if not taken:
            raise _unimplemented(name, f"We don't accept the provided value of {name} header for this API")


def _unimplemented(header: str, why: str) -> AwsError:
    error = unimplemented(header)
    error.members["additionalMessage"] = why
    return error


def unimplemented(header: str) -> AwsError:
    return AwsError(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        501,
        Header=header,
    )


def _conflict(condition: str, key: str) -> AwsError:
    return AwsError(
        "ConditionalRequestConflict",
        "The conditional request cannot succeed due to a conflicting operation against this resource.",
        409,
        Condition=condition,
        Key=key,
    )


def check_delete(current: Version | None, wanted: str | None, key: str) -> None:
    """If-Match of a delete, which looks at the newest version only.

    Where there is none, AWS says so, whatever its guide has: measured in localstack/localstack#13894 and
    ministackorg/ministack#1475.
    """
    if wanted is None:
        return
    if current is None or current.marker:
        raise _no_such_key(key)
    if not _names(wanted, current.etag):
        raise failed("If-Match")


def _no_such_key(key: str) -> AwsError:
    return AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=key)
