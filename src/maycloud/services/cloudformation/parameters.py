"""Template parameters: their types, defaults, constraints and values.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from maycloud import patterns
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.template import Template, error, format_error

Values = dict[str, str]
Fetch = Callable[[str, str, str], Awaitable[str]]  # service, name and version; gives the value

_MEMBERS = {
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
}
_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_TYPE = re.compile(
    r"String|Number|CommaDelimitedList|List<Number>|List<String>|AWS::SSM::Parameter::Name"
    r"|AWS::SSM::Parameter::Value<(?:String|CommaDelimitedList|List<[\w:]+>|AWS::[\w:]+)>"
    r"|(?:List<)?AWS::[A-Za-z0-9]+::[\w:]+>?"
)
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][-+]?[0-9]{1,4})?\s*")
_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+?)\}\}")


def check_declarations(template: Template) -> None:
    """Raise for parameters that are not declared as they should."""
    for name, declared in (template.get("Parameters") or {}).items():
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}", str(name)):
            raise format_error(f"Parameter name {name} is non alphanumeric.")
        if not isinstance(declared, dict) or "Type" not in declared:
            raise format_error(f"[/Parameters/{name}] Every Parameters object must contain a Type member.")
        for member in declared:
            if member not in _MEMBERS:
                raise error(f"Invalid template parameter property '{member}'")
        if not isinstance(declared["Type"], str) or not _TYPE.fullmatch(declared["Type"]):
            raise format_error(f"Unrecognized parameter type: {declared['Type']}")
        if isinstance(declared.get("Default"), dict | list):
            raise format_error("Every Default member must be a string.")
        if not isinstance(declared.get("AllowedValues", []), list):
            raise format_error("Every AllowedValues member must be a list.")
        for bound in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
            if bound in declared and not _is_bound(declared[bound], whole=bound.endswith("Length")):
                raise format_error(f"[/Parameters/{name}/{bound}] must be a number")
        if "AllowedPattern" in declared:
            _check_pattern(name, declared)


def _is_bound(value: Any, *, whole: bool) -> bool:
    written = text(value)
    return bool(re.fullmatch(r"\d{1,9}" if whole else r"[-+]?\d{1,30}(\.\d{0,30})?", written, re.ASCII))


def _check_pattern(name: str, declared: dict[str, Any]) -> None:
    try:
        patterns.compiled(str(declared["AllowedPattern"]))
    except patterns.PatternError as failure:
        raise format_error(
            f"Parameter '{name}' has an AllowedPattern that is no pattern: {failure}"
        ) from None


def choose(template: Template, given: list[dict[str, Any]], previous: Values | None = None) -> Values:
    """The value of every parameter, as text, checked. `given` is the operation's member Parameters."""
    declared = template.get("Parameters") or {}
    if not all(one.get("ParameterKey") for one in given):
        raise error("Parameters: every parameter must have a ParameterKey")
    unknown = [one["ParameterKey"] for one in given if one["ParameterKey"] not in declared]
    if unknown:
        raise error(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values: Values = {}
    for one in given:
        name = one["ParameterKey"]
        if one.get("UsePreviousValue"):
            wrong = f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true"
            if one.get("ParameterValue"):
                raise error(f"{wrong} and non empty value for a parameter")
            if name not in (previous or {}):
                raise error(f"{wrong} for a parameter key not in the previous template")
            values[name] = (previous or {})[name]
        elif "ParameterValue" in one:
            values[name] = one["ParameterValue"]
    for name, declaration in declared.items():
        if name not in values and "Default" in declaration:
            values[name] = text(declaration["Default"])
    missing = [name for name in declared if name not in values]
    if missing:
        raise error(f"Parameters: [{', '.join(missing)}] must have values")
    for name, declaration in declared.items():
        _check(name, declaration, values[name])
    return {name: values[name] for name in declared}


def _check(name: str, declared: dict[str, Any], value: str) -> None:
    """Raise unless the value, or each value of a list, meets the declaration."""
    kind = declared["Type"]
    members = [part.strip() for part in value.split(",")] if is_list(kind) else [value]
    problem = None
    for member in members:
        problem = problem or _problem(name, declared, member, "Number" in kind)
    if problem is None:
        return
    if "ConstraintDescription" in declared:
        problem = f"Parameter '{name}' failed to satisfy constraint: {declared['ConstraintDescription']}"
    raise error(problem)


def _problem(name: str, declared: dict[str, Any], value: str, numeric: bool) -> str | None:
    if numeric:
        if not _NUMBER.fullmatch(value):
            return f"Parameter '{name}' must be a number."
        number = float(value)
        if "MinValue" in declared and number < float(declared["MinValue"]):
            return f"Parameter '{name}' must be a number not less than {text(declared['MinValue'])}"
        if "MaxValue" in declared and number > float(declared["MaxValue"]):
            return f"Parameter '{name}' must be a number not greater than {text(declared['MaxValue'])}"
    if "AllowedValues" in declared and value not in [text(one) for one in declared["AllowedValues"]]:
        return f"Parameter '{name}' must be one of AllowedValues"
    if "AllowedPattern" in declared and not patterns.fullmatch(str(declared["AllowedPattern"]), value):
        return f"Parameter '{name}' must match pattern {declared['AllowedPattern']}"
    if "MinLength" in declared and len(value) < int(declared["MinLength"]):
        return f"Parameter '{name}' must contain at least {text(declared['MinLength'])} characters"
    if "MaxLength" in declared and len(value) > int(declared["MaxLength"]):
        return f"Parameter '{name}' must contain at most {text(declared['MaxLength'])} characters"
    return None


def is_list(kind: str) -> bool:
    """Whether Ref of a parameter of this type gives a list."""
    inner = _SSM_VALUE.fullmatch(kind)
    return (inner[1] if inner else kind).startswith(("CommaDelimitedList", "List<"))


def is_secret(template: Template, name: str) -> bool:
    """Whether a parameter's value must not be shown."""
    declared = (template.get("Parameters") or {}).get(name) or {}
    return str(declared.get("NoEcho", "")).lower() == "true"


async def look_up(template: Template, values: Values, fetch: Fetch) -> dict[str, Any]:
    """What Ref gives for each parameter: lists split, SSM parameters read through `fetch`."""
    found: dict[str, Any] = {}
    for name, declared in (template.get("Parameters") or {}).items():
        value = values[name]
        if _SSM_VALUE.fullmatch(declared["Type"]):
            value = await fetch("ssm", value, "")
        found[name] = [part.strip() for part in value.split(",")] if is_list(declared["Type"]) else value
    return found


def looked_up(template: Template, resolved: dict[str, Any]) -> Values:
    """The values that came from SSM, as DescribeStacks shows them beside the names."""
    return {
        name: ",".join(value) if isinstance(value, list) else value
        for name, value in resolved.items()
        if _SSM_VALUE.fullmatch(template["Parameters"][name]["Type"])
    }


async def resolve_dynamic(value: Any, fetch: Fetch) -> Any:
    """`value` with its dynamic references, such as ``{{resolve:ssm:/name:1}}``, read through `fetch`."""
    if isinstance(value, dict):
        return {key: await resolve_dynamic(item, fetch) for key, item in value.items()}
    if isinstance(value, list):
        return [await resolve_dynamic(item, fetch) for item in value]
    if not isinstance(value, str) or "{{resolve:" not in value:
        return value
    parts: list[str] = []
    end = 0
    for match in _DYNAMIC.finditer(value):
        parts.append(value[end : match.start()])
        name, version = match[2], ""
        if match[1] != "secretsmanager" and re.search(r":\d+$", name):
            name, _, version = name.rpartition(":")
        parts.append(await fetch(match[1], name, version))
        end = match.end()
    return "".join(parts) + value[end:]


def declarations(template: Template) -> list[dict[str, Any]]:
    """Parameters as GetTemplateSummary declares them."""
    found: list[dict[str, Any]] = []
    for name, declared in (template.get("Parameters") or {}).items():
        row: dict[str, Any] = {
            "ParameterKey": name,
            "ParameterType": declared["Type"],
            "NoEcho": is_secret(template, name),
        }
        if "Default" in declared:
            row["DefaultValue"] = text(declared["Default"])
        if "Description" in declared:
            row["Description"] = str(declared["Description"])
        # An empty list where all is allowed, as LocalStack's resources/test_stack_sets.snapshot.json has it.
        allowed = [text(one) for one in declared.get("AllowedValues", [])]
        row["ParameterConstraints"] = {"AllowedValues": allowed}
        found.append(row)
    return found
