"""Copying objects, whole or into a part of an upload. Bytes that stay the same are shared, not copied."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3 import checksums, conditions, content, reach
from maycloud.services.s3.acls import stamp
from maycloud.services.s3.buckets import buckets, check_owner, find_bucket
from maycloud.services.s3.checksums import Algorithm
from maycloud.services.s3.content import MAX_UPLOAD, Content
from maycloud.services.s3.encryption import CustomerKey, check_key, customer_key, headers_for
from maycloud.services.s3.keys import check_key as check_name
from maycloud.services.s3.metadata import headers_of
from maycloud.services.s3.objects import add_version, find_version, objects, written
from maycloud.services.s3.permissions import authorize
from maycloud.services.s3.storage import check_readable
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.tags import of_header, tags_of
from maycloud.services.s3.versions import NULL, Version

_OWN = frozenset(
    {
        "ServerSideEncryption", "SSECustomerAlgorithm", "SSECustomerKeyMD5", "StorageClass",
        "WebsiteRedirectLocation",
    }
)  # fmt: skip
_OF_COPIES = ("StorageClass", "WebsiteRedirectLocation")
_CHANGES = frozenset(
    {"StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption", "SSECustomerAlgorithm"}
)


@dataclass(slots=True)
class Source:
    bucket: Bucket
    version: Version
    key: CustomerKey | None
    named_version: bool

    @property
    def answer(self) -> dict[str, str]:
        named = self.bucket.versioning and self.version.version != NULL
        return {"CopySourceVersionId": self.version.version} if named else {}


def find_source(call: Call, params: Params) -> Source:
    """What x-amz-copy-source names, as the caller may read it. Raises AWS's errors."""
    if call.http is not None and call.http.fields.get(b"content-length", b"0").strip(b"0"):
        # versity/versitygw#1242
        raise AwsError(
            "InvalidRequest",
            "The request included a body. Requests of this type must not include a non-empty body.",
        )
    path, _, version = params["CopySource"].partition("?versionId=")
    name, slash, key = unquote(path).removeprefix("/").partition("/")
    if not slash or not key or name.startswith("arn:"):
        raise AwsError(
            "InvalidArgument",
            "Invalid copy source bucket name"  # versity/versitygw#1388
            if not name
            else "Invalid copy source object key"
            if slash
            else "Invalid copy source encoding.",
            ArgumentName="x-amz-copy-source",
            ArgumentValue="x-amz-copy-source",
        )
    bucket = buckets(call).get(name)
    check_owner(bucket, params.get("ExpectedSourceBucketOwner"))
    reach.check(call, bucket, params)
    wanted = unquote(version) or None
    action = "s3:GetObject" if wanted is None else "s3:GetObjectVersion"
    authorize(call, bucket, action, key, wanted)
    named = {"Key": key} if wanted is None else {"Key": key, "VersionId": wanted}
    try:
        found = find_version(call, bucket, named)
    except AwsError as error:
        if error.code != "MethodNotAllowed":
            raise
        raise AwsError(
            "InvalidRequest",
            "The source of a copy request may not specifically refer to a delete marker by version id.",
        ) from error
    refusal = AwsError(
        "ObjectNotInActiveTierError", "The source object of the COPY action is not in the active tier.", 403
    )
    check_readable(found, call.now(), refusal)
    customer = customer_key(params, secure=call.secure, source="CopySource")
    check_key(found.meta.get("customer_key"), customer)
    conditions.check_copy(found, params, call.now())
    return Source(bucket, found, customer, wanted is not None)


def copy_object(call: Call, params: Params) -> Result | Awaitable[Result]:
    bucket = find_bucket(call, params)
    check_name(params["Key"])
    source = find_source(call, params)
    if source.version.size > MAX_UPLOAD:
        raise too_large()
    conditions.check_write(objects(call).latest(bucket, params["Key"]), params)
    key = customer_key(params, secure=call.secure)
    meta = _meta_of_copy(call, bucket, params, source, key)
    algorithm = _algorithm(params, source.version)
    if source.key is None and key is None:
        same = content.shared(source.version, algorithm)
        if same is not None:
            return _store(call, bucket, params, meta, (source, algorithm, same))
    return _copy(call, params, meta, source, (key, algorithm))


async def _copy(
    call: Call,
    params: Params,
    meta: dict[str, Any],
    source: Source,
    into: tuple[CustomerKey | None, Algorithm],
) -> Result:
    key, algorithm = into
    span = (0, source.version.size)
    received = await content.copied(call.store.blobs, source.version, (source.key, key), span, algorithm)
    try:
        bucket = find_bucket(call, params)
        conditions.check_write(objects(call).latest(bucket, params["Key"]), params, began=True)
    except AwsError:
        received.discard()
        raise
    with call.store.db.atomic():
        return _store(call, bucket, params, meta, (source, algorithm, received))


def _store(
    call: Call,
    bucket: Bucket,
    params: Params,
    meta: dict[str, Any],
    copied: tuple[Source, Algorithm, Content],
) -> dict[str, Any]:
    source, algorithm, received = copied
    checksum = checksums.text(received.checksum)
    meta["checksum"] = [algorithm.name, checksum, checksums.FULL_OBJECT]
    new = add_version(call, bucket, params["Key"], received, meta)
    result = written(bucket, new) | source.answer
    result["CopyObjectResult"] = {
        "ETag": result.pop("ETag"),
        "LastModified": datetime.fromtimestamp(int(new.modified), UTC),
        algorithm.member: checksum,  # recorded without its type
    }
    return result


def too_large() -> AwsError:
    return AwsError(
        "InvalidRequest",
        "The specified copy source is larger than the maximum allowable size for a copy source:"
        f" {MAX_UPLOAD}",
    )


def _algorithm(params: Params, source: Version) -> Algorithm:
    """The one asked for, else that of the source."""
    asked = params.get("ChecksumAlgorithm")
    if asked is not None:
        return checksums.named(asked)
    return (
        checksums.ALGORITHMS[source.meta["checksum"][0]] if "checksum" in source.meta else checksums.DEFAULT
    )


def _directive(params: Params, name: str) -> str:
    value = params.get(f"{name}Directive", "COPY")
    if value not in ("COPY", "REPLACE"):
        raise AwsError(
            "InvalidArgument",
            f"Unknown {name.lower()} directive.",
            ArgumentName=f"x-amz-{name.lower()}-directive",
            ArgumentValue=value,
        )
    return value


def _meta_of_copy(
    call: Call, bucket: Bucket, params: Params, source: Source, key: CustomerKey | None
) -> dict[str, Any]:
    """Metadata and tags of the copy: the source's, or the request's where its directives say so."""
    directive = _directive(params, "Metadata")
    itself = source.bucket.id == bucket.id and source.version.key == params["Key"]
    changes = bool(_CHANGES & params.keys()) or "encryption" in bucket.settings
    if itself and directive == "COPY" and not source.named_version and not changes:
        raise AwsError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing"
            " the object's metadata, storage class, website redirect location or encryption attributes.",
        )
    if directive == "REPLACE":
        headers = headers_of(params)
    else:
        kept = source.version.meta["headers"]
        asked = headers_of({name: params.get(name) for name in _OF_COPIES})
        headers = {name: value for name, value in kept.items() if name not in _OWN}
        headers |= {name: asked[name] for name in _OF_COPIES if name in asked}
    meta: dict[str, Any] = {"headers": headers | headers_for(call, bucket, params, key)}
    meta |= stamp(bucket, call.principal.account, params)
    if key is not None:
        meta["customer_key"] = key.md5
    if _directive(params, "Tagging") == "REPLACE":
        tags = of_header(params.get("Tagging"))
    else:
        tags = tags_of(source.version)
        if tags:
            tagging = "s3:GetObjectVersionTagging" if source.named_version else "s3:GetObjectTagging"
            authorize(call, source.bucket, tagging, source.version.key)
            authorize(call, bucket, "s3:PutObjectTagging", params["Key"])
    if tags:
        meta["tags"] = tags
    return meta
