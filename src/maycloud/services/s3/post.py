"""POST Object: an upload from a browser's form, whose policy says what may be in it.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from maycloud.access.post import missing_field
from maycloud.principal import ANONYMOUS
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import post_policy
from maycloud.services.s3.access import permit, write_checks
from maycloud.services.s3.buckets import find_bucket
from maycloud.services.s3.common import address, invalid_argument
from maycloud.services.s3.forms import File, Form, boundary_of
from maycloud.services.s3.objects import put_whole
from maycloud.services.s3.post_policy import Sizes
from maycloud.services.s3.tags import from_xml

MAX_OBJECT = 5 << 30  # bytes

# PutObject's members by the form's fields, which have the names of PutObject's headers.
_MEMBERS = {
    "acl": "ACL",
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-md5": "ContentMD5",
    "content-type": "ContentType",
    "expires": "Expires",
    "key": "Key",
    "x-amz-checksum-algorithm": "ChecksumAlgorithm",
    "x-amz-checksum-crc32": "ChecksumCRC32",
    "x-amz-checksum-crc32c": "ChecksumCRC32C",
    "x-amz-checksum-crc64nvme": "ChecksumCRC64NVME",
    "x-amz-checksum-sha1": "ChecksumSHA1",
    "x-amz-checksum-sha256": "ChecksumSHA256",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "x-amz-server-side-encryption-context": "SSEKMSEncryptionContext",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "x-amz-server-side-encryption-customer-key": "SSECustomerKey",
    "x-amz-server-side-encryption-customer-key-md5": "SSECustomerKeyMD5",
    "x-amz-storage-class": "StorageClass",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
}
_META = "x-amz-meta-"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


async def post_object(call: Call, params: Params) -> Result:
    """The fields are read and their policy is checked before a byte of the file is kept."""
    bucket = find_bucket(call, params)
    request = call.http
    assert request is not None  # a form comes from outside
    body = params.get("Body") or b""
    form = Form(body, boundary_of(request.header("content-type")))
    await form.read_fields()
    assert form.file is not None
    fields, names = _fields(form)
    if "key" not in fields:
        raise missing_field("key")
    principal = call.cloud.access.authenticate_form(fields)
    sizes = Sizes(0, MAX_OBJECT)
    if principal is not None:
        call.principal = principal
        checked = post_policy.check(fields["policy"], fields, names, bucket.name, call.now())
        sizes = checked or sizes
    else:
        call.principal = ANONYMOUS
    put = _put_params(bucket.name, fields, form.file)
    for action, arn in write_checks(call, put):
        permit(call, action, arn, put)
    if isinstance(body, bytes):
        content = b"".join([chunk async for chunk in form])
        sizes.check(len(content))
        put["Body"] = content
    else:
        put["Body"] = Measured(form, sizes)
    stored = await put_whole(call, put) or {}
    return _answer(call, bucket.name, fields, stored)


class Measured:
    """The file as it arrives; what is too long or too short for the policy never becomes an object."""

    length: int | None = None

    def __init__(self, form: Form, sizes: Sizes) -> None:
        self._form = form
        self._sizes = sizes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._form:
            size += len(chunk)
            self._sizes.check_most(size)
            yield chunk
        self._sizes.check(size)


def _fields(form: Form) -> tuple[dict[str, str], dict[str, str]]:
    """Values and names as sent, by lower-case name; ``${filename}`` filled in, repeated fields joined."""
    filename = form.file.name if form.file is not None else None
    fields: dict[str, str] = {}
    names: dict[str, str] = {}
    for field in form.fields:
        name = field.name.lower()
        value = field.value
        if filename is not None and name not in ("policy", "x-amz-signature", "signature"):
            value = value.replace("${filename}", filename)
        fields[name] = f"{fields[name]},{value}" if name in fields else value
        names.setdefault(name, field.name)
    return fields, names


def _put_params(bucket: str, fields: dict[str, str], file: File) -> Params:
    """What PutObject would have been called with."""
    params: Params = {"Bucket": bucket}
    params |= {_MEMBERS[name]: value for name, value in fields.items() if name in _MEMBERS}
    meta = {name[len(_META) :]: value for name, value in fields.items() if name.startswith(_META)}
    if meta:
        params["Metadata"] = meta
    for name in meta:
        if not _TOKEN.fullmatch(name):  # it will be a header's name
            raise invalid_argument("Metadata names must be names of headers.", _META + name)
    if "tagging" in fields:
        params["Tagging"] = urlencode({tag["Key"]: tag["Value"] for tag in from_xml(fields["tagging"])})
    if not params["Key"]:
        raise invalid_argument("User key must have a length greater than 0.", "key")
    return params


def _answer(call: Call, bucket: str, fields: dict[str, str], stored: dict[str, Any]) -> Result:
    """A redirect if a usable one is asked for, else the status that is: 200, 201 with a document, 204."""
    key, etag = fields["key"], stored["ETag"]
    location = f"{address(call, bucket)}/{quote(key, safe='')}"
    redirect = fields.get("success_action_redirect", fields.get("redirect", ""))
    if re.fullmatch(r"https?://[^/\s]\S*", redirect):
        joint = "&" if "?" in redirect else "?"
        query = f"bucket={quote_plus(bucket)}&key={quote_plus(key)}&etag={quote_plus(etag)}"
        return {"Status": 303, **stored, "Location": f"{redirect}{joint}{query}"}
    status = fields.get("success_action_status", "")
    result = {**stored, "Status": int(status) if status in ("200", "201") else 204, "Location": location}
    if status == "201":
        result["PostResponse"] = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
    return result
