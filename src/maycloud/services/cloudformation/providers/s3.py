"""AWS::S3:: types."""

from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)

_BLOCK = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


async def create_bucket(ctx: Context, props: Props) -> Resource:
    name = props.get("BucketName") or ctx.unique_name(max_length=63, lower=True)
    given: dict[str, Any] = {}
    if ctx.region != "us-east-1":
        given["CreateBucketConfiguration"] = {"LocationConstraint": ctx.region}
    await ctx.call("s3", "CreateBucket", Bucket=name, **given)
    attributes = {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{ctx.region}.amazonaws.com",
    }
    ctx.created(name, attributes)
    await _configure(ctx, name, {}, props)
    return Resource(name, attributes)


async def _configure(ctx: Context, name: str, old: Props, new: Props) -> None:
    if (status := new.get("VersioningConfiguration")) != old.get("VersioningConfiguration"):
        wanted = status or {"Status": "Suspended"}
        await ctx.call("s3", "PutBucketVersioning", Bucket=name, VersioningConfiguration=wanted)
    if (block := new.get("PublicAccessBlockConfiguration")) != old.get("PublicAccessBlockConfiguration"):
        wanted = {key: (block or {}).get(key, False) for key in _BLOCK}
        await ctx.call("s3", "PutPublicAccessBlock", Bucket=name, PublicAccessBlockConfiguration=wanted)
    if (encryption := new.get("BucketEncryption")) and encryption != old.get("BucketEncryption"):
        await ctx.call(
            "s3",
            "PutBucketEncryption",
            Bucket=name,
            ServerSideEncryptionConfiguration={"Rules": _encryption_rules(encryption)},
        )
    if (controls := new.get("OwnershipControls")) and controls != old.get("OwnershipControls"):
        await ctx.call("s3", "PutBucketOwnershipControls", Bucket=name, OwnershipControls=controls)
    tags = ctx.tags | {tag["Key"]: text(tag["Value"]) for tag in new.get("Tags", [])}
    if tags:
        tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
        await ctx.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": tag_set})


def _encryption_rules(encryption: Props) -> list[Props]:
    """The rules, with the API's name for what CloudFormation calls ServerSideEncryptionByDefault."""
    rules: list[Props] = []
    for given in encryption["ServerSideEncryptionConfiguration"]:
        rule = dict(given)
        if "ServerSideEncryptionByDefault" in rule:
            rule["ApplyServerSideEncryptionByDefault"] = rule.pop("ServerSideEncryptionByDefault")
        rules.append(rule)
    return rules


async def update_bucket(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    await _configure(ctx, physical_id, old, new)
    return Resource(physical_id, attributes)


async def delete_bucket(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    await ctx.call("s3", "DeleteBucket", Bucket=physical_id)


register(
    Provider(
        "AWS::S3::Bucket",
        create=create_bucket,
        update=update_bucket,
        delete=delete_bucket,
        properties=frozenset(
            {
                "BucketName", "VersioningConfiguration", "PublicAccessBlockConfiguration",
                "OwnershipControls", "BucketEncryption", "Tags",
            }
        ),
        replace_on=frozenset({"BucketName"}),
        name_property="BucketName",
        attributes=frozenset({"Arn", "DomainName", "RegionalDomainName"}),
    )
)  # fmt: skip


async def put_policy(ctx: Context, props: Props) -> Resource:
    policy = props["PolicyDocument"]
    document = policy if isinstance(policy, str) else orjson.dumps(policy).decode()
    await ctx.call("s3", "PutBucketPolicy", Bucket=props["Bucket"], Policy=document)
    return Resource(ctx.unique_name(max_length=128))


async def update_policy(
    ctx: Context, physical_id: str, _old: Props, new: Props, attributes: Attributes
) -> Resource:
    await put_policy(ctx, new)
    return Resource(physical_id, attributes)


async def delete_policy(ctx: Context, _physical_id: str, props: Props, _attributes: Attributes) -> None:
    try:
        await ctx.call("s3", "DeleteBucketPolicy", Bucket=props["Bucket"])
    except AwsError as error:
        if error.code != "NoSuchBucket":
            raise


register(
    Provider(
        "AWS::S3::BucketPolicy",
        create=put_policy,
        update=update_policy,
        delete=delete_policy,
        properties=frozenset({"Bucket", "PolicyDocument"}),
        required=frozenset({"Bucket", "PolicyDocument"}),
        replace_on=frozenset({"Bucket"}),
    )
)
