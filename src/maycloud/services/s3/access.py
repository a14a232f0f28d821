"""Who may: what the access layer asks of S3 before an operation runs.

A bucket's policy, the grants of ACLs and the public access block are put together to one resource policy,
which is then weighed with the caller's own: within the account either allows, across accounts both must,
strangers have nothing else, an explicit deny wins.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from maycloud.errors import AwsError
from maycloud.services.base import Call, Context, Params, Policy
from maycloud.services.s3 import acls
from maycloud.services.s3.publicity import is_public
from maycloud.services.s3.store import Bucket, Buckets
from maycloud.services.s3.tags import tags_of
from maycloud.services.s3.versions import Objects, Version

_ARN = "arn:aws:s3:::"


def bucket_arn(_call: Call, params: Params) -> str:
    return f"{_ARN}{params['Bucket']}"


def object_arn(_call: Call, params: Params) -> str:
    return f"{_ARN}{params['Bucket']}/{params['Key']}"


def bucket_owner(call: Call, params: Params) -> str | None:
    """The account that owns the bucket. Raises PermanentRedirect where another region has it."""
    bucket = _buckets(call).find(params["Bucket"])
    if bucket is None:
        return None
    _check_region(call, bucket)
    return bucket.account


def owner_anywhere(call: Call, params: Params) -> str | None:
    """The same for what every region answers about every bucket."""
    bucket = _buckets(call).find(params["Bucket"])
    return bucket.account if bucket else None


def _check_region(call: Call, bucket: Bucket) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html"""
    if call.region == bucket.region or call.http is None or call.principal.kind == "anonymous":
        return
    raise AwsError(
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send"
        " all future requests to this endpoint.",
        301,
        Endpoint=f"{bucket.name}.s3.{bucket.region}.amazonaws.com",
        Bucket=bucket.name,
        **{"x-amz-bucket-region": bucket.region},
    )


def object_owner(call: Call, params: Params) -> str | None:
    """The account of an object that is there: its writer's, where the bucket leaves it to writers."""
    bucket = _buckets(call).find(params["Bucket"])
    if bucket is None:
        return None
    _check_region(call, bucket)
    if acls.disabled(bucket):
        return bucket.account
    found = _version(call, bucket, params)
    return acls.owner_of(bucket, found) if found is not None else bucket.account


def version_checks(action: str, version_action: str) -> Callable[[Call, Params], list[tuple[str, str]]]:
    """Checks of an operation on an object whose versions have an action of their own."""

    def checks(call: Call, params: Params) -> list[tuple[str, str]]:
        asked = action if params.get("VersionId") is None else version_action
        return [(f"s3:{asked}", object_arn(call, params))]

    return checks


def write_checks(call: Call, params: Params) -> list[tuple[str, str]]:
    """Of a new object: its ACL and its tags have actions of their own.

    A writer of another account owns what it writes, and needs nobody's leave to say who may read it.
    """
    arn = object_arn(call, params)
    checks = [("s3:PutObject", arn)]
    if acls.given(params) and call.principal.account == bucket_owner(call, params):
        checks.append(("s3:PutObjectAcl", arn))
    if params.get("Tagging"):
        checks.append(("s3:PutObjectTagging", arn))
    return checks


def resource_policy(call: Call, arn: str) -> Policy | None:
    """What a bucket says of a caller and an ARN, its own or that of one of its objects; None for nothing.

    Raises NoSuchBucket, which S3 tells everyone.
    """
    if not arn.startswith(_ARN):
        return None  # ListBuckets
    name, _, key = arn.removeprefix(_ARN).partition("/")
    bucket = _buckets(call).find(name)
    if bucket is None:
        if call.operation.name == "CreateBucket":
            return None
        bucket = _buckets(call).get(name)
    policy: Policy | None = bucket.settings.get("policy")
    principal = call.principal
    listed = principal.kind != "service" and not acls.disabled(bucket)
    if principal.kind != "service" and principal.account == bucket.account and not listed:
        return policy
    statements = _statements(policy) if call.account == bucket.account else []
    stranger = principal.kind != "service" and principal.account != bucket.account
    if policy is not None and stranger and _restricts(bucket) and is_public(policy):
        statements = [each for each in statements if each["Effect"] == "Deny"]
    if listed:
        statements = [*statements, *_granted(call, bucket, key)]
    # Not None, even where it allows nothing: a service is trusted where there is no policy at all, and a
    # decision without one is remembered, although the bucket's name may belong to another account tomorrow.
    return {**(policy or {"Version": "2012-10-17"}), "Statement": statements}


def _statements(policy: Policy | None) -> list[dict[str, Any]]:
    found = policy["Statement"] if policy is not None else []
    return found if isinstance(found, list) else [found]


def _restricts(bucket: Bucket) -> bool:
    return bool(bucket.settings.get("public_access", {}).get("RestrictPublicBuckets"))


def _granted(call: Call, bucket: Bucket, key: str) -> list[dict[str, Any]]:
    """The caller's grants by the ACLs of the bucket and, if it is there, of the object."""
    found = acls.bucket_statements(call.principal, bucket)
    if key:
        version = _version(call, bucket, {**(call.params or {}), "Key": key})
        if version is not None:
            found += acls.object_statements(call.principal, bucket, version, found)
    return found


def _version(call: Call, bucket: Bucket, params: Params) -> Version | None:
    objects: Objects = call.state.objects
    wanted = params.get("VersionId")
    if wanted is not None:
        return objects.version(bucket, params["Key"], wanted)
    return objects.latest(bucket, params["Key"])


def permit(call: Call, action: str, arn: str, params: Params | None = None) -> None:
    """One more permission than the operation declares, with the bucket's say. Raises AccessDenied."""
    try:
        context = request_context(call, params if params is not None else call.params or {})
        call.authorize(action, arn, context, resource_policy(call, arn))
    except AwsError as error:
        if error.code == "AccessDeniedException":
            error.code = "AccessDenied"
            if call.principal.account != call.account:
                error.message = "Access Denied"
        raise


def _buckets(call: Call) -> Buckets:
    return call.state.buckets


_KEYS = {
    "ACL": "s3:x-amz-acl",
    "CopySource": "s3:x-amz-copy-source",
    "Delimiter": "s3:delimiter",
    "GrantFullControl": "s3:x-amz-grant-full-control",
    "GrantRead": "s3:x-amz-grant-read",
    "GrantReadACP": "s3:x-amz-grant-read-acp",
    "GrantWrite": "s3:x-amz-grant-write",
    "GrantWriteACP": "s3:x-amz-grant-write-acp",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    "MaxKeys": "s3:max-keys",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "ObjectOwnership": "s3:x-amz-object-ownership",
    "Prefix": "s3:prefix",
    "SSECustomerAlgorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "StorageClass": "s3:x-amz-storage-class",
    "VersionId": "s3:versionid",
    "WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
}


def request_context(call: Call, params: Params) -> Context:
    """S3's condition keys.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    """
    keys: Context = {key: params[member] for member, key in _KEYS.items() if params.get(member) is not None}
    if isinstance(source := keys.get("s3:x-amz-copy-source"), str):
        keys["s3:x-amz-copy-source"] = source.lstrip("/")
    configuration = params.get("CreateBucketConfiguration") or {}
    if configuration.get("LocationConstraint"):
        keys["s3:locationconstraint"] = configuration["LocationConstraint"]
    _add_tags(call, params, keys)
    bucket = _buckets(call).find(params["Bucket"]) if "Bucket" in params else None
    if bucket is not None:
        keys["s3:resourceaccount"] = bucket.account
    if call.http is not None:
        _add_signature(call, keys)
    return keys


def _add_tags(call: Call, params: Params, keys: Context) -> None:
    """``s3:RequestObjectTag/…`` of what is sent and ``s3:ExistingObjectTag/…`` of what is there."""
    tagging = params.get("Tagging")
    if isinstance(tagging, str):
        sent = dict(parse_qsl(tagging, keep_blank_values=True))
    else:
        sent = {tag["Key"]: tag.get("Value", "") for tag in (tagging or {}).get("TagSet", [])}
    if sent and "Key" in params:
        keys["s3:requestobjecttagkeys"] = list(sent)
        keys |= {f"s3:requestobjecttag/{name.lower()}": value for name, value in sent.items()}
    bucket = _buckets(call).find(params["Bucket"]) if "Key" in params and "Bucket" in params else None
    if bucket is not None:
        version = _version(call, bucket, params)
        if version is not None:
            there = tags_of(version)
            keys |= {f"s3:existingobjecttag/{name.lower()}": value for name, value in there.items()}


def _add_signature(call: Call, keys: Context) -> None:
    """How the request was signed; https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html"""
    request = call.http
    assert request is not None
    if content := request.header("x-amz-content-sha256"):
        keys["s3:x-amz-content-sha256"] = content
    if call.principal.kind == "anonymous":
        return
    old = request.header("authorization").startswith("AWS ") or "AWSAccessKeyId=" in request.query
    keys["s3:signatureversion"] = "AWS" if old else "AWS4-HMAC-SHA256"
    if call.operation.name == "PostObject":
        keys["s3:authtype"] = "POST"
    else:
        keys["s3:authtype"] = "REST-HEADER" if b"authorization" in request.fields else "REST-QUERY-STRING"
    signed = request.header("x-amz-date")
    if not signed:
        signed = dict(parse_qsl(request.query)).get("X-Amz-Date", "")
    try:
        moment = datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return
    keys["s3:signatureage"] = max(0, int((call.store.clock.wall() - moment.timestamp()) * 1000))
