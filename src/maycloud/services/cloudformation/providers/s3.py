"""AWS::S3:: types."""

from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
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


async def delete_bucket(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    await ctx.call("s3", "DeleteBucket", Bucket=physical_id)


register(
    Provider(
        "AWS::S3::Bucket",
        create=create_bucket,
        update=update_bucket,
        delete=delete_bucket,
        properties=PROPERTIES,
        replace_on=frozenset({"BucketName"}),
        name_property="BucketName",
        attributes=frozenset({"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName"}),
    )
)


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
