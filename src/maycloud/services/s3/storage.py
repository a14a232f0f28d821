"""Storage classes: which there are, and what can be read of objects in archives."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple

from maycloud.errors import AwsError
from maycloud.services.s3.common import invalid_argument
from maycloud.services.s3.versions import Version

CLASSES = frozenset(
    {
        "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
        "DEEP_ARCHIVE", "GLACIER_IR",
    }
)  # fmt: skip
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class Copy(NamedTuple):
    """A copy that RestoreObject asked for; it can be read `until` then (epoch seconds), once it is there."""

    is_coming: bool
    until: float


def copy_of(version: Version, now: float) -> Copy | None:
    """The copy of an archived version, None for none."""
    return _copy_in(version.meta, now)


def _copy_in(meta: dict[str, Any], now: float) -> Copy | None:
    kept = meta.get("restore")
    if kept is None or kept[1] <= now:
        return None
    return Copy(now < kept[0], kept[1])


def check_readable(version: Version, now: float, refusal: AwsError) -> None:
    """Raise where a version is in an archive and there is no copy of it."""
    if version.meta["headers"].get("StorageClass") in ARCHIVED:
        copy = copy_of(version, now)
        if copy is None or copy.is_coming:
            raise refusal


def restore_header(copy: Copy) -> str:
    """x-amz-restore."""
    if copy.is_coming:
        return 'ongoing-request="true"'
    date = format_datetime(datetime.fromtimestamp(copy.until, UTC), usegmt=True)
    return f'ongoing-request="false", expiry-date="{date}"'


def wants_status(params: dict[str, Any]) -> bool:
    """Whether a listing is to say what copies there are. Raises AWS's refusal of other attributes."""
    asked = params.get("OptionalObjectAttributes") or []
    for each in asked:
        if each != "RestoreStatus":
            # noobaa/noobaa-core#8106
            raise invalid_argument(
                "Invalid attribute name specified", "x-amz-optional-object-attributes", each
            )
    return bool(asked)


def status(meta: dict[str, Any], now: float) -> dict[str, Any]:
    """RestoreStatus of a version in a listing, if it has one."""
    copy = _copy_in(meta, now)
    if copy is None:
        return {}
    if copy.is_coming:
        return {"RestoreStatus": {"IsRestoreInProgress": True}}
    until = datetime.fromtimestamp(copy.until, UTC)
    return {"RestoreStatus": {"IsRestoreInProgress": False, "RestoreExpiryDate": until}}
