"""AWS::CDK::Metadata: what the CDK notes in templates of which constructs made them.

https://docs.aws.amazon.com/cdk/v2/guide/usage-data.html
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


async def delete_metadata(_ctx: Context, _physical_id: str, _props: Props, _attributes: Attributes) -> None:
    """Nothing is behind it."""


register(
    Provider(
        "AWS::CDK::Metadata",
        create=create_metadata,
        update=again(create_metadata),
        delete=delete_metadata,
        properties=frozenset({"Analytics", "Modules"}),
        attributes=frozenset(),
    )
)
