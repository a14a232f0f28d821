"""AWS::Include: parts of templates that lie in S3.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
"""

from collections.abc import Awaitable, Callable
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.cloudformation.template import Template, error, parse_template

INCLUDE = "AWS::Include"
Read = Callable[[str], Awaitable[str]]  # an object's text by its address


def has_includes(value: Any) -> bool:
    """Whether an Fn::Transform is anywhere in a template."""
    if isinstance(value, list):
        return any(has_includes(item) for item in value)
    if not isinstance(value, dict):
        return False
    return "Fn::Transform" in value or any(has_includes(item) for item in value.values())


async def include(template: Template, values: dict[str, Any], read: Read) -> Template:
    """The template with all that it includes."""
    names = template.get("Transform") or []
    declared = names if isinstance(names, list) else [names]
    found: Template = template
    for name in declared:
        if isinstance(name, dict) and name.get("Name") == INCLUDE:
            part = await _part(name, values, read)
            found = {**part, **found, **_sections(part, found)}
    if not has_includes(found):
        return found
    return await _fill(found, values, read)


def _sections(part: Template, template: Template) -> Template:
    """Sections that both have, with what the template says itself before what it includes."""
    return {
        name: {**part[name], **section}
        for name, section in template.items()
        if isinstance(section, dict) and isinstance(part.get(name), dict)
    }


async def _fill(value: Any, values: dict[str, Any], read: Read) -> Any:
    if isinstance(value, list):
        return [await _fill(item, values, read) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: await _fill(item, values, read) for key, item in value.items() if key != "Fn::Transform"}
    if "Fn::Transform" not in value:
        return found
    calls = value["Fn::Transform"]
    for call in calls if isinstance(calls, list) else [calls]:
        part = await _part(call, values, read)
        twice = sorted(part.keys() & found.keys())
        if twice:
            raise _failed(f"Duplicate key '{twice[0]}' when merging the included content")
        found |= part
    return found


async def _part(call: Any, values: dict[str, Any], read: Read) -> Template:
    name = call.get("Name") if isinstance(call, dict) else call
    if name != INCLUDE:
        raise error(f"No transform named {name} found.")
    location = (call.get("Parameters") or {}).get("Location") if isinstance(call, dict) else None
    if isinstance(location, dict) and isinstance(location.get("Ref"), str):
        location = values.get(location["Ref"])
    if not isinstance(location, str):
        raise _failed("The location parameter is not a valid S3 uri.")
    try:
        return parse_template(await read(location))
    except AwsError as failure:
        if failure.message.startswith("Template format error"):
            raise _failed("The specified S3 object's content should be valid Yaml/JSON") from failure
        raise _failed(failure.message) from failure


def _failed(message: str) -> AwsError:
    return error(f"Transform {INCLUDE} failed with: {message}")
