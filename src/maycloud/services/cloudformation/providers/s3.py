"""AWS::S3:: types."""

from typing import Any

from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import again, deleter, document
from maycloud.services.cloudformation.providers.s3_bucket import PROPERTIES, configure


async def create_bucket(ctx: Context, props: Props) -> Resource:
    name = props.get("BucketName") or ctx.unique_name(max_length=63, lower=True)
    given: dict[str, Any] = {}
    if ctx.region != "us-east-1":
        given["CreateBucketConfiguration"] = {"LocationConstraint": ctx.region}
    await ctx.call("s3", "CreateBucket", Bucket=name, **given)
    attributes = {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{ctx.region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{ctx.region}.amazonaws.com",
    }
    ctx.created(name, attributes)
    await configure(ctx, name, {}, props)
    return Resource(name, attributes)


async def update_bucket(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    await configure(ctx, physical_id, old, new)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::S3::Bucket",
        create=create_bucket,
        update=update_bucket,
        delete=deleter("s3", "DeleteBucket", "Bucket"),
        properties=PROPERTIES,
        replace_on=frozenset({"BucketName"}),
        name_property="BucketName",
        attributes=frozenset({"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName"}),
    )
)


async def put_policy(ctx: Context, props: Props) -> Resource:
    policy = document(props["PolicyDocument"])
    await ctx.call("s3", "PutBucketPolicy", Bucket=props["Bucket"], Policy=policy)
    return Resource(ctx.unique_name(max_length=128))


register(
    Provider(
        "AWS::S3::BucketPolicy",
        create=put_policy,
        update=again(put_policy),
        delete=deleter("s3", "DeleteBucketPolicy", Bucket="Bucket", missing="NoSuchBucket"),
        properties=frozenset({"Bucket", "PolicyDocument"}),
        required=frozenset({"Bucket", "PolicyDocument"}),
        replace_on=frozenset({"Bucket"}),
    )
)
