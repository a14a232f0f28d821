"""What an object carries beside its bytes: system and user metadata, storage class."""

import base64
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params
from maycloud.services.s3.storage import CLASSES

MAX_USER_METADATA = 2048  # bytes of UTF-8, names and values

_KEPT = (
    "CacheControl", "ContentDisposition", "ContentLanguage", "ContentType", "Expires",
    "WebsiteRedirectLocation",
)  # fmt: skip
DEFAULT_TYPE = "binary/octet-stream"


def headers_of(params: Params) -> dict[str, Any]:
    """The metadata of a new object, as members of the answer to GetObject. Raises AWS's errors."""
    headers = {name: params[name] for name in _KEPT if params.get(name) is not None}
    headers["ContentType"] = headers.get("ContentType") or DEFAULT_TYPE
    encoding = params.get("ContentEncoding")
    if encoding is not None:
        # aws-chunked is how the body travelled, not what it is.
        codings = [each.strip() for each in encoding.split(",") if each.strip() != "aws-chunked"]
        if codings:
            headers["ContentEncoding"] = ",".join(codings)
    user = params.get("Metadata")
    if user:
        headers["Metadata"] = _user_metadata(user)
    storage_class = params.get("StorageClass")
    if storage_class is not None and storage_class != "STANDARD":
        if storage_class not in CLASSES:
            raise AwsError(
                "InvalidStorageClass",
                "The storage class you specified is not valid",
                StorageClassRequested=storage_class,
            )
        headers["StorageClass"] = storage_class
    return headers


def _user_metadata(given: dict[str, str]) -> dict[str, str]:
    user = {name.lower(): _decoded(value) for name, value in given.items()}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in user.items())
    if size > MAX_USER_METADATA:
        raise AwsError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            Size=size,
            MaxSizeAllowed=MAX_USER_METADATA,
        )
    # What is not ASCII goes out as RFC 2047 has it, whichever way it came.
    return {name: value if value.isascii() else _encoded(value) for name, value in user.items()}


def _decoded(value: str) -> str:
    if "=?" not in value or not value.isascii():
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _encoded(value: str) -> str:
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


# Answers

_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}


def override(call: Call, params: Params, result: dict[str, Any]) -> None:
    """Let response-… parameters replace headers of an answer; strangers may not ask for that."""
    for name in _OVERRIDES.keys() & params.keys():
        if call.principal.kind == "anonymous":
            raise AwsError(
                "InvalidRequest",
                "Request specific response headers cannot be used for anonymous GET requests.",
            )
        result[_OVERRIDES[name]] = params[name]
