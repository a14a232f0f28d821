"""What AWS::S3::Bucket's properties are in S3's own operations.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from maycloud.services.cloudformation.given import Given
from maycloud.services.cloudformation.providers import Context, Props
from maycloud.services.cloudformation.providers.parts import listed

_BLOCK = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")

# Property: what puts it (operation and its parameters), what takes it away.
Put = tuple[str, Callable[[Any], Props]]


def _renamed(given: Given, names: dict[str, str]) -> Props:
    """`given` with S3's names for its members. Raises for a member that is not known, naming it."""
    given.check(names)
    return {names[name]: value for name, value in given.items()}


def _acl(value: str) -> Props:
    """``PublicReadWrite`` is ``public-read-write``."""
    return {"ACL": re.sub(r"(?<!^)(?=[A-Z])", "-", value).lower()}


def _block(value: Props) -> Props:
    return {"PublicAccessBlockConfiguration": {name: value.get(name, False) for name in _BLOCK}}


def _encryption(value: Props) -> Props:
    rules = [
        _renamed(
            rule,
            {
                "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
                "BucketKeyEnabled": "BucketKeyEnabled",
                "BlockedEncryptionTypes": "BlockedEncryptionTypes",
            },
        )
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


_CORS_RULE = {
    "AllowedHeaders": "AllowedHeaders",
    "AllowedMethods": "AllowedMethods",
    "AllowedOrigins": "AllowedOrigins",
    "ExposedHeaders": "ExposeHeaders",
    "Id": "ID",
    "MaxAge": "MaxAgeSeconds",
}


def _cors(value: Props) -> Props:
    rules = [_renamed(rule, _CORS_RULE) for rule in value["CorsRules"]]
    return {"CORSConfiguration": {"CORSRules": rules}}


_LIFECYCLE_RULE = {
    name: name
    for name in (
        "AbortIncompleteMultipartUpload",
        "ExpirationDate",
        "ExpirationInDays",
        "ExpiredObjectDeleteMarker",
        "Id",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionExpirationInDays",
        "NoncurrentVersionTransition",
        "NoncurrentVersionTransitions",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
        "Prefix",
        "Status",
        "TagFilters",
        "Transition",
        "Transitions",
    )
}


def _lifecycle(value: Props) -> Props:
    rules = [_lifecycle_rule(_renamed(rule, _LIFECYCLE_RULE))
             for rule in value["Rules"]]  # fmt: skip
    params: Props = {"LifecycleConfiguration": {"Rules": rules}}
    if "TransitionDefaultMinimumObjectSize" in value:
        params["TransitionDefaultMinimumObjectSize"] = value["TransitionDefaultMinimumObjectSize"]
    return params


def _lifecycle_rule(given: Props) -> Props:
    rule: Props = {"Status": given.get("Status"), "Filter": _filter(given)}
    if "Id" in given:
        rule["ID"] = given["Id"]
    expiration: Props = {}
    if "ExpirationInDays" in given:
        expiration["Days"] = given["ExpirationInDays"]
    if "ExpirationDate" in given:
        moment = datetime.fromisoformat(str(given["ExpirationDate"]))
        expiration["Date"] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if "ExpiredObjectDeleteMarker" in given:
        expiration["ExpiredObjectDeleteMarker"] = given["ExpiredObjectDeleteMarker"]
    if expiration:
        rule["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in given:
        rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": given["NoncurrentVersionExpirationInDays"]}
    for name in ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"):
        if name in given:
            rule[name] = given[name]
    transitions = _transitions(given, "Transition")
    if transitions:
        rule["Transitions"] = [_transition(each) for each in transitions]
    noncurrent = _transitions(given, "NoncurrentVersionTransition")
    if noncurrent:
        rule["NoncurrentVersionTransitions"] = [
            {"NoncurrentDays" if name == "TransitionInDays" else name: value for name, value in each.items()}
            for each in noncurrent
        ]
    return rule


def _filter(given: Props) -> Props:
    """Prefix, tags and sizes, which S3 wants in ``And`` where there are several."""
    parts = {
        name: given[name]
        for name in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
        if name in given
    }
    tags = given.get("TagFilters", [])
    if len(parts) + len(tags) > 1:
        return {"And": parts | ({"Tags": tags} if tags else {})}
    return parts | ({"Tag": tags[0]} if tags else {}) or {"Prefix": ""}


def _transitions(given: Props, name: str) -> list[Given]:
    return [*given.get(f"{name}s", []), *([given[name]] if name in given else [])]


def _transition(given: Given) -> Props:
    names = {"TransitionInDays": "Days", "TransitionDate": "Date", "StorageClass": "StorageClass"}
    return _renamed(given, names)


def _acceleration(value: Given) -> Props:
    return {"AccelerateConfiguration": _renamed(value, {"AccelerationStatus": "Status"})}


def _plain(member: str) -> Callable[[Any], Props]:
    return lambda value: {member: value}


# In the order that S3 needs them: who owns objects, then who may see them.
_PROPERTIES: dict[str, tuple[Put, str]] = {
    "OwnershipControls": (
        ("PutBucketOwnershipControls", _plain("OwnershipControls")),
        "DeleteBucketOwnershipControls",
    ),
    "PublicAccessBlockConfiguration": (("PutPublicAccessBlock", _block), "DeletePublicAccessBlock"),
    "AccessControl": (("PutBucketAcl", _acl), ""),
    "VersioningConfiguration": (("PutBucketVersioning", _plain("VersioningConfiguration")), ""),
    "AccelerateConfiguration": (("PutBucketAccelerateConfiguration", _acceleration), ""),
    "BucketEncryption": (("PutBucketEncryption", _encryption), "DeleteBucketEncryption"),
    "CorsConfiguration": (("PutBucketCors", _cors), "DeleteBucketCors"),
    "LifecycleConfiguration": (
        ("PutBucketLifecycleConfiguration", _lifecycle),
        "DeleteBucketLifecycle",
    ),
}
# What a property that is taken away falls back to, where S3 has no DELETE for it.
_FALLBACKS = {
    "AccelerateConfiguration": Given("", {"AccelerationStatus": "Suspended"}),
    "AccessControl": "Private",
    "VersioningConfiguration": {"Status": "Suspended"},
}

PROPERTIES = frozenset({"BucketName", "Tags", *_PROPERTIES})


async def configure(ctx: Context, bucket: str, old: Props, new: Props) -> None:
    """Put what changed, delete what went."""
    for name, ((operation, params), delete) in _PROPERTIES.items():
        wanted = new.get(name)
        if wanted == old.get(name):
            continue
        if wanted is None and delete:
            await ctx.call("s3", delete, Bucket=bucket)
        else:
            wanted = _FALLBACKS[name] if wanted is None else wanted
            await ctx.call("s3", operation, Bucket=bucket, **params(wanted))
    await _tag(ctx, bucket, old, new)


async def _tag(ctx: Context, bucket: str, old: Props, new: Props) -> None:
    if tags := ctx.tags_of(new):
        await ctx.call("s3", "PutBucketTagging", Bucket=bucket, Tagging={"TagSet": listed(tags)})
    elif ctx.retags(old, new)[0]:
        await ctx.call("s3", "DeleteBucketTagging", Bucket=bucket)
