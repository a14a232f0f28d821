"""Lifecycle configurations: what S3 accepts as one, and when a rule ends an object's life.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import transitions
from maycloud.services.s3.buckets import bucket_to_set, buckets, setting
from maycloud.services.s3.common import malformed_xml
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.transitions import midnight_after

MAX_RULES = 1000

Rule = dict[str, Any]

_ACTIONS = (
    "Expiration",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
    "Transitions",
    "NoncurrentVersionTransitions",
)
_FILTERS = ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And")
_MINIMUM = "TransitionDefaultMinimumObjectSize"


def put_bucket_lifecycle_configuration(call: Call, params: Params) -> Result:
    """Keeps the rules, each with an id."""
    bucket = bucket_to_set(call, params)
    rules: list[Rule] = (params.get("LifecycleConfiguration") or {}).get("Rules", [])
    if not 1 <= len(rules) <= MAX_RULES:
        raise malformed_xml()
    minimum = params.get(_MINIMUM, "all_storage_classes_128K")
    if minimum not in ("all_storage_classes_128K", "varies_by_storage_class"):
        raise AwsError("InvalidRequest", f"Invalid TransitionDefaultMinimumObjectSize found: {minimum}")
    for rule in rules:
        _check(rule)
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(ids)) < len(ids):
        raise _argument("Rule ID must be unique. Found same ID for more than one rule")
    kept = [_kept(rule) for rule in rules]
    bucket.settings["lifecycle"] = {"Rules": kept, _MINIMUM: minimum}
    buckets(call).save(bucket)
    return {_MINIMUM: minimum}


def _kept(rule: Rule) -> Rule:
    """As JSON can hold it, with an id."""
    rule = {**rule, "ID": rule.get("ID") or os.urandom(24).hex()}
    expiration = rule.get("Expiration")
    if expiration and "Date" in expiration:
        rule["Expiration"] = {"Date": expiration["Date"].isoformat()}
    return transitions.kept(rule)


def get_bucket_lifecycle_configuration(call: Call, params: Params) -> Result:
    found = setting(
        call,
        params,
        "lifecycle",
        "NoSuchLifecycleConfiguration",
        "The lifecycle configuration does not exist",
    )
    return {"Rules": [_shown(rule) for rule in found["Rules"]], _MINIMUM: found[_MINIMUM]}


def _shown(rule: Rule) -> Rule:
    expiration = rule.get("Expiration")
    if expiration and "Date" in expiration:
        rule = {**rule, "Expiration": {"Date": datetime.fromisoformat(expiration["Date"])}}
    return transitions.shown(rule)


# Validation


def _check(rule: Rule) -> None:
    if rule.get("Status") not in ("Enabled", "Disabled"):
        raise malformed_xml()
    if ("Filter" in rule) == ("Prefix" in rule):
        raise malformed_xml()  # one of them, the second being the older form
    if len(rule.get("ID", "")) > 255:
        raise _argument("ID length should not exceed allowed limit of 255")
    _check_filter(rule.get("Filter", {}))
    actions = [name for name in _ACTIONS if rule.get(name) is not None]
    if not actions:
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule")
    if "Expiration" in rule:
        _check_expiration(rule["Expiration"], rule)
    transitions.check(rule)
    noncurrent = rule.get("NoncurrentVersionExpiration")
    if noncurrent is not None:
        if "NoncurrentDays" not in noncurrent:
            raise malformed_xml()
        _positive(noncurrent["NoncurrentDays"], "NoncurrentDays", "NoncurrentVersionExpiration")
        newer = noncurrent.get("NewerNoncurrentVersions")
        if newer is not None and not 1 <= newer <= 100:
            raise _argument("'NewerNoncurrentVersions' must be between 1 and 100")
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort is not None:
        if "DaysAfterInitiation" not in abort:
            raise malformed_xml()
        _positive(abort["DaysAfterInitiation"], "DaysAfterInitiation", "AbortIncompleteMultipartUpload")
        if _Wanted(rule).filters_objects:
            raise AwsError(
                "InvalidRequest",
                "AbortIncompleteMultipartUpload cannot be specified with Tags or object sizes.",
            )


def _check_filter(given: dict[str, Any]) -> None:
    members = [name for name in _FILTERS if given.get(name) is not None]
    if len(members) > 1:
        raise malformed_xml()
    both = given.get("And")
    if both is None:
        _check_tags([given["Tag"]] if "Tag" in given else [])
        return
    tags = both.get("Tags", [])
    if len(tags) + len([name for name in _FILTERS if both.get(name) is not None]) < 2:
        raise malformed_xml()
    _check_tags(tags)
    greater, less = both.get("ObjectSizeGreaterThan"), both.get("ObjectSizeLessThan")
    if greater is not None and less is not None and greater >= less:
        raise AwsError(
            "InvalidRequest", "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'."
        )


def _check_tags(tags: list[dict[str, str]]) -> None:
    keys = [tag.get("Key") for tag in tags]
    if not all(keys) or not all("Value" in tag for tag in tags):
        raise malformed_xml()
    if len(set(keys)) < len(keys):
        raise AwsError("InvalidRequest", "Duplicate Tag Keys are not allowed.")


def _check_expiration(expiration: dict[str, Any], rule: Rule) -> None:
    members = [name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if name in expiration]
    if len(members) != 1:
        raise malformed_xml()
    if "Days" in expiration:
        _positive(expiration["Days"], "Days", "Expiration")
    if "Date" in expiration:
        transitions.check_date(expiration["Date"])
    if "ExpiredObjectDeleteMarker" in expiration and _Wanted(rule).filters_objects:
        raise AwsError(
            "InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags or object sizes."
        )


def _positive(days: int, name: str, action: str) -> None:
    if days <= 0:
        raise _argument(f"'{name}' for {action} action must be a positive integer")


def _argument(message: str) -> AwsError:
    return AwsError("InvalidArgument", message)


# When


class _Wanted:
    """What a rule's filter asks of an object."""

    __slots__ = ("greater", "less", "prefix", "tags")

    def __init__(self, rule: Rule) -> None:
        given = rule.get("Filter") or {"Prefix": rule.get("Prefix", "")}
        both = given.get("And", given)
        tags = both.get("Tags", [both["Tag"]] if "Tag" in both else [])
        self.prefix: str = both.get("Prefix") or ""
        self.tags = {tag["Key"]: tag["Value"] for tag in tags}
        self.greater: int | None = both.get("ObjectSizeGreaterThan")
        self.less: int | None = both.get("ObjectSizeLessThan")

    @property
    def filters_objects(self) -> bool:
        """Whether it asks for more than a key."""
        return bool(self.tags) or self.greater is not None or self.less is not None

    def takes(self, key: str, size: int, tags: dict[str, str]) -> bool:
        return (
            key.startswith(self.prefix)
            and (self.greater is None or size > self.greater)
            and (self.less is None or size < self.less)
            and self.tags.items() <= tags.items()
        )


def minimum(bucket: Bucket) -> str:
    """Which objects are too small to move, by the configuration."""
    return bucket.settings.get("lifecycle", {}).get(_MINIMUM, "all_storage_classes_128K")


def enabled(bucket: Bucket) -> list[Rule]:
    rules: list[Rule] = bucket.settings.get("lifecycle", {}).get("Rules", [])
    return [rule for rule in rules if rule["Status"] == "Enabled"]


def applying(rules: list[Rule], key: str, size: int, tags: dict[str, str]) -> Iterator[Rule]:
    for rule in rules:
        if _Wanted(rule).takes(key, size, tags):
            yield rule


def expires(rule: Rule, modified: float) -> float | None:
    """When the rule ends a current version of that age; None for never."""
    expiration = rule.get("Expiration", {})
    if "Days" in expiration:
        return midnight_after(modified, expiration["Days"])
    if "Date" in expiration:
        return datetime.fromisoformat(expiration["Date"]).timestamp()
    return None


def noncurrent_expires(rule: Rule, since: float, newer: int) -> float | None:
    """When the rule ends a version that is noncurrent since then and has `newer` noncurrent ones above it."""
    expiration = rule.get("NoncurrentVersionExpiration")
    if expiration is None or newer < expiration.get("NewerNoncurrentVersions", 0):
        return None
    return midnight_after(since, expiration["NoncurrentDays"])


def aborts(rule: Rule, initiated: float) -> float | None:
    abort = rule.get("AbortIncompleteMultipartUpload")
    return None if abort is None else midnight_after(initiated, abort["DaysAfterInitiation"])


def expiration_header(
    bucket: Bucket, key: str, size: int, modified: float, tags: dict[str, str]
) -> str | None:
    """``x-amz-expiration`` of a current version: its earliest end and the rule that brings it."""
    if "lifecycle" not in bucket.settings:
        return None
    ends = [
        (end, rule["ID"])
        for rule in applying(enabled(bucket), key, size, tags)
        if (end := expires(rule, modified)) is not None
    ]
    if not ends:
        return None
    end, rule_id = min(ends)
    date = format_datetime(datetime.fromtimestamp(end, UTC), usegmt=True)
    return f'expiry-date="{date}", rule-id="{quote(rule_id, safe="")}"'
