"""The table of to-dos: as it is, and through DAX where the stack has a cluster."""

import functools
import os
from typing import Any

import boto3

dynamodb: Any = boto3.resource("dynamodb")
table = dynamodb.Table(os.environ["TABLE_NAME"])


@functools.cache
def cached() -> Any:
    """The same table behind DAX's item cache; the table itself where DAX_ENDPOINT is not set.

    Single items are read and written through it: DAX writes through, so that what it holds of an item is
    what was last written. Lists are not: DAX does not drop cached queries when an item is written.
    """
    endpoint = os.environ.get("DAX_ENDPOINT")
    if not endpoint:
        return table
    from amazondax import AmazonDaxClient  # only here: it takes a while to load

    dax: Any = AmazonDaxClient.resource(endpoint_url=endpoint)
    return dax.Table(os.environ["TABLE_NAME"])
