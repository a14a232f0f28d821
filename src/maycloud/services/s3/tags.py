"""Tags of buckets and objects: what may be set, and how objects keep theirs.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from maycloud.errors import AwsError
from maycloud.services.s3.common import invalid_argument, malformed_xml
from maycloud.services.s3.versions import Version
from maycloud.wire import xml

Tags = list[dict[str, str]]

MAX_OBJECT_TAGS = 10
MAX_BUCKET_TAGS = 50

_SYSTEM = {
    "Bucket": "System tags cannot be added/updated by requester",
    "Object": "Your TagKey cannot be prefixed with aws:",
}
_CHARACTERS = re.compile(r"[\w\s+\-=.:/@]*")
_SENT = re.compile(r"(?:[\w\s+\-=.:/@&]|%[0-9A-Fa-f]{2})*")


def tags_of(version: Version) -> dict[str, str]:
    return version.meta.get("tags", {})


def check_tags(tags: Tags, most: int, *, subject: str) -> None:
    """Raises what AWS says of a tag set. `subject` is ``Bucket`` or ``Object``."""
    if len(tags) > most:
        what = "tags" if subject == "Object" else "tag count"
        raise AwsError("BadRequest", f"{subject} {what} cannot be greater than {most}")
    seen: set[str] = set()
    for tag in tags:
        key, value = tag.get("Key"), tag.get("Value")
        if key is None or value is None:
            raise malformed_xml()
        if key in seen:
            raise _invalid("Cannot provide multiple Tags with the same key", key)
        seen.add(key)
        if not 1 <= len(key) <= 128 or not _CHARACTERS.fullmatch(key):
            raise _invalid("The TagKey you have provided is invalid", key)
        if len(value) > 256 or not _CHARACTERS.fullmatch(value):
            raise AwsError(
                "InvalidTag", "The TagValue you have provided is invalid", TagKey=key, TagValue=value
            )
        if key.lower().startswith("aws:"):
            raise _invalid(_SYSTEM[subject], key)


def of_header(text: str | None) -> dict[str, str]:
    """Tags in x-amz-tagging: a query string, whose names need no value.

    What is refused how is as in versity/versitygw#1215, #1216 and #1243, and in LocalStack's snapshots.
    """
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise _bad_header(text) from error
    # Characters that no tag has are the tag's fault where they are encoded, and else the header's.
    if len(dict(pairs)) != len(pairs) or not all(key for key, _ in pairs) or not _SENT.fullmatch(text):
        raise _bad_header(text)
    check_tags([{"Key": key, "Value": value} for key, value in pairs], MAX_OBJECT_TAGS, subject="Object")
    return dict(pairs)


def _bad_header(text: str) -> AwsError:
    return invalid_argument(
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without"
        " tag name duplicates.",
        "x-amz-tagging",
        text,
    )


def from_xml(document: str) -> Tags:
    """The tags of a form's ``tagging`` field."""
    tagging = xml.parse(document.encode())
    tag_set = tagging.child("TagSet")
    tags = []
    for tag in tag_set.children if tag_set is not None else []:
        key, value = tag.child("Key"), tag.child("Value")
        if key is None or value is None:
            raise malformed_xml()
        tags.append({"Key": key.text, "Value": value.text})
    check_tags(tags, MAX_OBJECT_TAGS, subject="Object")
    return tags


def _invalid(message: str, key: str) -> AwsError:
    details: dict[str, Any] = {"TagKey": key}
    return AwsError("InvalidTag", message, **details)
