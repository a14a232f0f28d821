"""Templates as text turned into dictionaries, and the checks of their form.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

import json
import math
import re
from typing import Any

import yaml

from maycloud import yamls
from maycloud.errors import AwsError

Template = dict[str, Any]

MAX_BITS = 4096  # of a number
MAX_NODES = 200_000  # of a template with its aliases written out
MAX_RESOURCES = 500
MAX_PARAMETERS = 200
MAX_OUTPUTS = 200
MAX_MAPPINGS = 200
LOOP = "Fn::ForEach::"  # what the keys of loops begin with

SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
}
RESOURCE_MEMBERS = {
    "Condition",
    "Connectors",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Description",
    "IgnoreGlobals",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
    "Version",
}
_FUNCTIONS = (
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "ForEach",
    "GetAtt",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
)


def error(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def format_error(message: str) -> AwsError:
    return AwsError("ValidationError", f"Template format error: {message}")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML with CloudFormation's tags; dates stay strings, keys are strings and occur once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _value in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="only strings can be keys", problem_mark=node.start_mark)
            if key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"duplicate key [{key_node.value}]", problem_mark=key_node.start_mark
                )
            seen.add(key_node.value)
            # 200: and true: are strings as keys, as they are in JSON.
            key_node.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep=deep)


# Without timestamps and base 60 numbers: a version stays 2010-09-09, and 10:20:30 stays text.
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":int", ":float"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?)$"
    ),
    list("-+0123456789."),
)


def _construct_tag(loader: Any, suffix: str, node: yaml.Node) -> Any:
    """``!Sub x`` as ``{"Fn::Sub": x}``."""
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix not in _FUNCTIONS:
        raise yaml.MarkedYAMLError(problem=f"unknown tag !{suffix}", problem_mark=node.start_mark)
    if suffix == "GetAtt" and isinstance(value, str):
        value = list(value.partition(".")[::2])
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct_tag)


def parse_template(text: str) -> Template:
    """A template of JSON or YAML. Raises AWS's ``Template format error``."""
    parsed = _parse_json(text) if text.lstrip()[:1] == "{" else _parse_yaml(text)
    if not isinstance(parsed, dict):
        raise format_error("unsupported structure.")
    return _plain(parsed)


def _plain(value: Any, depth: int = 0) -> Any:
    """`value` with what every JSON can hold: no numbers beyond 64 bits, no halves of characters."""
    if depth > yamls.MAX_DEPTH:
        raise format_error(f"the template is nested more than {yamls.MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {_plain(key, depth + 1): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as failure:
            raise format_error("unsupported characters.") from failure
    elif isinstance(value, float) and not math.isfinite(value):
        raise format_error("every number must be finite.")
    elif isinstance(value, int) and value.bit_length() > 63:
        if value.bit_length() > MAX_BITS:
            raise format_error("a number has too many digits.")
        return str(value)  # scalars are strings to CloudFormation anyhow
    return value


def _parse_json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _value in pairs]
            again = next(name for name in names if names.count(name) > 1)
            raise format_error(f"JSON not well-formed: duplicate key [{again}]")
        return found

    try:
        return json.loads(text, object_pairs_hook=once, parse_int=_whole)
    except json.JSONDecodeError:
        # What begins with a brace may be YAML in flow style still.
        return _parse_yaml(text, "JSON")
    except RecursionError as failure:
        raise format_error("JSON not well-formed: it is nested too deeply") from failure


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= 18 else digits


def _parse_yaml(text: str, kind: str = "YAML") -> Any:
    try:
        return yamls.load(text, _Loader, MAX_NODES)
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        ours = failure.problem or ""
        detail = f": {ours}" if ours.startswith(("duplicate key", "unknown tag", "only strings")) else ""
        raise format_error(f"{kind} not well-formed.{where}{detail}") from failure
    except yamls.BoundError as failure:
        raise format_error(str(failure)) from failure
    except (yaml.YAMLError, RecursionError, ValueError) as failure:
        raise format_error(f"{kind} not well-formed.") from failure


def check_form(template: Template) -> None:
    """Raise for what is no template, before anything in it is looked up.

    The words are those that LocalStack recorded of AWS in
    tests/aws/services/cloudformation/api/test_{validations,stacks}.snapshot.json.
    """
    _check_nulls(template)
    unknown = sorted(str(name) for name in template.keys() - SECTIONS)
    if unknown:
        raise error(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = template.get("AWSTemplateFormatVersion")
    if version is not None and str(version) != "2010-09-09":
        raise format_error("Template version is not supported. [2010-09-09] is the only supported version.")
    if not isinstance(template.get("Resources", {}), dict):
        raise format_error("Any Resources member must be an object.")
    for name in ("Parameters", "Mappings", "Conditions", "Outputs", "Rules"):
        if not isinstance(template.get(name, {}), dict):
            raise format_error(f"[/{name}] Every {name} object must be a map.")
    if not template.get("Resources"):
        raise format_error("At least one Resources member must be defined.")
    for name, limit in (
        ("Resources", MAX_RESOURCES),
        ("Parameters", MAX_PARAMETERS),
        ("Outputs", MAX_OUTPUTS),
        ("Mappings", MAX_MAPPINGS),
    ):
        count = len(template.get(name) or {})
        if count > limit:
            raise format_error(f"Number of {name.lower()}, {count}, is greater than maximum allowed, {limit}")
    description = template.get("Description")
    if description is not None:
        if not isinstance(description, str):
            raise format_error("Every Description member must be a string.")
        if len(description.encode()) > 1024:
            raise format_error("'Description' length is greater than 1024.")
    _check_mappings(template.get("Mappings") or {})
    _check_resources(written(template, "Resources"))
    _check_outputs(written(template, "Outputs"))


def _check_nulls(value: Any, path: tuple[str, ...] = ()) -> None:
    """Raise for a null, wherever it is. AWS writes Type for Properties in a property's path."""
    if value is None:
        if len(path) > 3 and path[0] == "Resources" and path[2] == "Properties":
            path = (*path[:2], "Type", *path[3:])
        raise error(f"[/{'/'.join(path)}] 'null' values are not allowed in templates")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_nulls(item, (*path, str(name)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_nulls(item, (*path, str(index)))


def written(template: Template, block: str) -> dict[str, Any]:
    """The members of a block that are written out: less what a transform is still to put in their place."""
    members = template.get(block) or {}
    pending = ("Fn::Transform", LOOP) if "Transform" in template else ("Fn::Transform",)
    return {name: member for name, member in members.items() if not str(name).startswith(pending)}


def _check_resources(resources: dict[str, Any]) -> None:
    for logical_id, resource in resources.items():
        if logical_id.startswith(LOOP):
            raise format_error(f"[/Resources/{logical_id}] resource definition is malformed")
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}", logical_id):
            raise format_error(f"Resource name {logical_id} is non alphanumeric.")
        if not isinstance(resource, dict):
            raise format_error("Any Resources member must be an object.")
        if not isinstance(resource.get("Type"), str):
            raise format_error(
                f"[/Resources/{logical_id}] Every Resources object must contain a Type member."
            )
        _check_condition("Resources", logical_id, resource)
        for member in resource:
            if member not in RESOURCE_MEMBERS:
                raise error(f"Invalid template resource property '{member}'")
        if resource.get("Properties") is not None and not isinstance(resource["Properties"], dict):
            raise format_error(f"[/Resources/{logical_id}/Properties] Every Properties member must be a map.")
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            allowed = ("Delete", "Retain", "Snapshot", "RetainExceptOnCreate")
            value = resource.get(policy)
            if isinstance(value, str) and value not in allowed:
                raise format_error(f"Unrecognized {policy} {value} for resource {logical_id}")


def _check_condition(block: str, name: str, member: dict[str, Any]) -> None:
    if not isinstance(member.get("Condition", ""), str):
        raise format_error(f"[/{block}/{name}/Condition] Every Condition member must be a string.")


def _check_mappings(mappings: dict[str, Any]) -> None:
    """Maps of maps of texts and lists. AWS's words: LocalStack's engine/test_mappings.snapshot.json."""
    for name, mapping in mappings.items():
        if name.startswith("Fn::"):
            continue
        for key, row in _map(name, mapping).items():
            if key.startswith("Fn::"):
                continue
            for attribute, value in _map(key, row).items():
                if attribute.startswith("Fn::"):
                    continue
                if not re.fullmatch(r"[A-Za-z0-9]{1,255}", attribute):
                    raise format_error(
                        f"Mappings attribute name '{attribute}' must contain only alphanumeric characters."
                    )
                if isinstance(value, dict):
                    raise format_error("Every Mappings attribute must be a String or a List.")


def _map(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise format_error(f"Every Mappings member {name} must be a map")
    return value


def _check_outputs(outputs: dict[str, Any]) -> None:
    for name, output in outputs.items():
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}", name):
            raise format_error(f"Output name {name} is non alphanumeric.")
        if not isinstance(output, dict) or "Value" not in output:
            raise format_error("Every Outputs member must contain a Value object")
        if not isinstance(output.get("Export", {}), dict):
            raise format_error(f"[/Outputs/{name}/Export] Every Export object must be a map.")
        _check_condition("Outputs", name, output)
        unknown = sorted(output.keys() - {"Condition", "Description", "Export", "Value"})
        if unknown:
            raise format_error(f"Output {name} is malformed. Unknown member [{unknown[0]}]")


def depends_on(resource: dict[str, Any]) -> list[str]:
    """DependsOn as a list."""
    found = resource.get("DependsOn") or []
    names = found if isinstance(found, list) else [found]
    if not all(isinstance(name, str) for name in names):
        raise format_error("Every DependsOn value must be a string or a list of strings.")
    return names


def declared_transforms(template: Template) -> list[str]:
    """Names in the section Transform."""
    found = template.get("Transform") or []
    names: list[str] = []
    for each in found if isinstance(found, list) else [found]:
        name = each.get("Name") if isinstance(each, dict) else each
        if not isinstance(name, str):
            raise error("Key Name of transform definition must be a string.")
        names.append(name)
    return names
