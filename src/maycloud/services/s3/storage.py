"""Storage classes: which there are, and what can be read of objects in archives."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple

from maycloud.errors import AwsError
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
    kept = version.meta.get("restore")
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
