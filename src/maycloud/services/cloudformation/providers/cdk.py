"""What every CDK app brings along: the note of its constructs, and the repository of the bootstrap stack.

https://docs.aws.amazon.com/cdk/v2/guide/usage-data.html
https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
"""

import uuid

from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import again


async def create_metadata(_ctx: Context, _props: Props) -> Resource:
    """Nothing is behind it: AWS counts it, and nobody counts here."""
    return Resource(str(uuid.uuid4()))


async def create_repository(ctx: Context, props: Props) -> Resource:
    """A name for images, and none can be put there: see docs/decisions.md."""
    name = props.get("RepositoryName") or ctx.unique_name(lower=True)
    return Resource(
        name,
        {
            "Arn": f"arn:aws:ecr:{ctx.region}:{ctx.account}:repository/{name}",
            "RepositoryUri": f"{ctx.account}.dkr.ecr.{ctx.region}.amazonaws.com/{name}",
        },
    )


async def update_repository(
    _ctx: Context, physical_id: str, _old: Props, _new: Props, attributes: Attributes
) -> Resource:
    return Resource(physical_id, attributes)


async def delete_nothing(_ctx: Context, _physical_id: str, _props: Props, _attributes: Attributes) -> None:
    """Nothing is behind it."""


register(
    Provider(
        "AWS::CDK::Metadata",
        create=create_metadata,
        update=again(create_metadata),
        delete=delete_nothing,
        properties=frozenset({"Analytics", "Modules"}),
        attributes=frozenset(),
    )
)
register(
    Provider(
        "AWS::ECR::Repository",
        create=create_repository,
        update=update_repository,
        delete=delete_nothing,
        properties=frozenset(
            {
                "EmptyOnDelete", "EncryptionConfiguration", "ImageScanningConfiguration",
                "ImageTagMutability", "ImageTagMutabilityExclusionFilters", "LifecyclePolicy",
                "RepositoryName", "RepositoryPolicyText", "Tags",
            }
        ),
        replace_on=frozenset({"EncryptionConfiguration", "RepositoryName"}),
        name_property="RepositoryName",
        attributes=frozenset({"Arn", "RepositoryUri"}),
    )
)  # fmt: skip
