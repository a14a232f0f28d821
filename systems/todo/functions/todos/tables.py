"""The table of to-dos: as it is, and through DAX where the stack has a cluster.

Low-level clients, made once: boto3's resources copy and convert every request and answer, which costs a list
of ten to-dos a sixth more of the processor's time.
"""

import functools
import os
from typing import Any

import boto3
from botocore.config import Config

TABLE = os.environ["TABLE_NAME"]

Item = dict[str, dict[str, Any]]

# The parameters are made here, and the service checks them. Without a name for the user agent boto3 composes
# its own anew for each request, twice.
dynamodb: Any = boto3.client(
    "dynamodb", config=Config(parameter_validation=False, user_agent=f"todo Boto3/{boto3.__version__}")
)


@functools.cache
def cached() -> Any:
    """The same behind DAX's item cache; DynamoDB itself where DAX_ENDPOINT is not set.

    Single items are read and written through it: DAX writes through, so that what it holds of an item is
    what was last written. Lists are not: DAX does not drop cached queries when an item is written.
    """
    endpoint = os.environ.get("DAX_ENDPOINT")
    if not endpoint:
        return dynamodb
    from amazondax import AmazonDaxClient  # only here: it takes a while to load

    return AmazonDaxClient(endpoint_url=endpoint)


def key(owner: str, id_: str) -> Item:
    return {"owner": {"S": owner}, "id": {"S": id_}}


def value(plain: str | bool) -> dict[str, Any]:
    """As DynamoDB has it; a to-do is of texts and truths."""
    return {"BOOL": plain} if isinstance(plain, bool) else {"S": plain}


def public(item: Item) -> dict[str, Any]:
    """A to-do as clients see it: all but whose it is."""
    return {name: plain for name, typed in item.items() if name != "owner" for plain in typed.values()}
