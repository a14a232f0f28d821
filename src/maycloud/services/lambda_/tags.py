"""Tags of functions."""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.store import LATEST, Reference, read_name

MAX_TAGS = 50


def change_tags(call: Call, params: Params, add: dict[str, str], remove: list[str]) -> None:
    name = tagged(call, params["Resource"])
    body = dict(call.state.functions.function(name))
    tags = {**body.get("Tags", {}), **add}
    for key in remove:
        tags.pop(key, None)
    check_tags(tags)
    body["Tags"] = tags
    call.state.functions.save(name, body)
    call.state.functions.revise(name, LATEST)


def tagged(call: Call, arn: str) -> Reference:
    """The function that an ARN for tags means. Raises for versions and aliases."""
    if ":function:" not in arn:
        raise AwsError(
            "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
        )
    name = read_name(call, arn)
    if name.qualifier:
        raise invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return name


def check_tags(tags: dict[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise invalid("Number of tags exceeds resource tag limit.")
