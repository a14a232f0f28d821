"""AWS::Include: parts of templates that lie in S3.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
"""

from collections.abc import Awaitable, Callable
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.cloudformation.macros import Macros, known_parameters, named, whole
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


async def include(template: Template, values: dict[str, Any], read: Read, macros: Macros) -> Template:
    """The template with all that it includes, and with what macros make of its parts."""
    names = template.get("Transform") or []
    declared = names if isinstance(names, list) else [names]
    found: Template = template
    for call in declared:
        name, params = named(call)
        if name == INCLUDE:
            part = await _part(params, values, read)
            found = {**part, **found, **_sections(part, found)}
    if not has_includes(found):
        return found
    return whole(await _fill(found, values, read, macros))


def _sections(part: Template, template: Template) -> Template:
    """Sections that both have, with what the template says itself before what it includes."""
    return {
        name: {**part[name], **section}
        for name, section in template.items()
        if isinstance(section, dict) and isinstance(part.get(name), dict)
    }


async def _fill(value: Any, values: dict[str, Any], read: Read, macros: Macros) -> Any:
    """Innermost first; what stands beside Fn::Transform is what a macro gets."""
    if isinstance(value, list):
        return [await _fill(item, values, read, macros) for item in value]
    if not isinstance(value, dict):
        return value
    found: Any = {
        key: await _fill(item, values, read, macros) for key, item in value.items() if key != "Fn::Transform"
    }
    calls = value.get("Fn::Transform", [])
    for call in calls if isinstance(calls, list) else [calls]:
        name, params = named(call)
        if name != INCLUDE:
            found = await macros.expand(name, known_parameters(params, values), found, values)
            continue
        part = await _part(params, values, read)
        twice = sorted(part.keys() & found.keys())
        if twice:
            raise _failed(f"Duplicate key '{twice[0]}' when merging the included content")
        found |= part
    return found


async def _part(params: dict[str, Any], values: dict[str, Any], read: Read) -> Template:
    location = params.get("Location")
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
