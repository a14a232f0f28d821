"""Tags of functions and of code signing configurations."""

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.store import LATEST, Reference, read_name
from maycloud.store import Document

MAX_TAGS = 50


def change_tags(call: Call, params: Params, add: dict[str, str], remove: list[str]) -> None:
    if ":code-signing-config:" in params["Resource"]:
        _change_of_signing(call, params["Resource"], add, remove)
        return
    name = tagged(call, params["Resource"])
    body = dict(call.state.functions.function(name))
    tags = {**body.get("Tags", {}), **add}
    for key in remove:
        tags.pop(key, None)
    check_tags(tags)
    body["Tags"] = tags
    call.state.functions.save(name, body)
    call.state.functions.revise(name, LATEST)


def list_tags(call: Call, arn: str) -> dict[str, str]:
    if ":code-signing-config:" in arn:
        return _signing(call, arn)["Tags"]
    return call.state.functions.function(tagged(call, arn)).get("Tags", {})


def _signing(call: Call, arn: str) -> Document:
    found: Document | None = call.state.functions.signing.get(call.scope, arn.rpartition(":")[2])
    if found is None or found["CodeSigningConfigArn"] != arn:
        raise _missing()
    return found


def _change_of_signing(call: Call, arn: str, add: dict[str, str], remove: list[str]) -> None:
    config = _signing(call, arn)
    tags = {key: value for key, value in {**config["Tags"], **add}.items() if key not in remove}
    check_tags(tags)
    call.state.functions.signing.put(call.scope, config["CodeSigningConfigId"], config | {"Tags": tags})


def _missing() -> AwsError:
    return AwsError(
        "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
    )


def tagged(call: Call, arn: str) -> Reference:
    """The function that an ARN for tags means. Raises for versions and aliases."""
    if ":function:" not in arn:
        raise _missing()
    name = read_name(call, arn)
    if name.qualifier:
        raise invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return name


def check_tags(tags: dict[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise invalid("Number of tags exceeds resource tag limit.")
