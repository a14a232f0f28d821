"""What many providers are made of."""

from collections.abc import Iterable
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Create,
    Delete,
    Props,
    Resource,
    Update,
)


def pick(props: Props, names: Iterable[str]) -> Props:
    """The properties of these names that are there."""
    return {name: props[name] for name in names if name in props}


def listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def document(value: Any) -> str:
    """A policy, a schema or the like as text, whether it was written as text or as an object."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def deleter(
    service: str, operation: str, identifier: str = "", *, missing: str = "", **members: str
) -> Delete:
    """A delete that is one call: `identifier` takes the physical id, `members` what the properties of those
    names say. An error of the code `missing` says that it is gone with what it belonged to."""

    async def delete(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
        params = {member: props[name] for member, name in members.items()}
        if identifier:
            params[identifier] = physical_id
        try:
            await ctx.call(service, operation, **params)
        except AwsError as error:
            if error.code != missing:
                raise

    return delete


def again(put: Create) -> Update:
    """An update that does once more what made the resource; its id and attributes stay."""

    async def update(
        ctx: Context, physical_id: str, _old: Props, new: Props, attributes: Attributes
    ) -> Resource:
        await put(ctx, new)
        return Resource(physical_id, attributes)

    return update
