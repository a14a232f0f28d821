"""Intrinsic functions: values of a template with their references filled in.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from maycloud.errors import AwsError
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.template import Template, error, format_error
from maycloud.services.tokens import is_number

NO_VALUE: Final = object()
PSEUDO = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)
VARIABLE = re.compile(r"\$\{([^{}$]*)\}")  # of Fn::Sub; a leading ! makes it literal
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_.:]+")
CONDITION_FUNCTIONS = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})


class Lookup(Protocol):
    """Where the values of a stack's resources come from."""

    def ref(self, logical_id: str) -> Any: ...

    def attribute(self, logical_id: str, name: str) -> Any: ...


class Nothing:
    """No resources: the lookup of conditions, and of templates that are only checked."""

    def ref(self, logical_id: str) -> Any:
        raise format_error(
            f"Unresolved dependencies [{logical_id}]. Cannot reference resources in the Conditions block"
            " of the template"
        )

    def attribute(self, logical_id: str, name: str) -> Any:
        return self.ref(logical_id)


def pseudo_parameters(
    account: str, region: str, stack_name: str, stack_id: str, notification_arns: list[str] | None = None
) -> dict[str, Any]:
    """Values of the pseudo parameters of a stack."""
    return {
        "AWS::AccountId": account,
        "AWS::NoValue": NO_VALUE,
        "AWS::NotificationARNs": notification_arns or [],
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _no_import(name: str) -> Any:
    raise error(f"No export named {name} found.")


def _unchanged(value: str) -> str:
    return value


@dataclass(slots=True)
class Scope:
    """All that the functions of one stack may refer to. `values` are parameters and pseudo parameters."""

    template: Template
    values: dict[str, Any]
    resources: Lookup = field(default_factory=Nothing)
    imports: Callable[[str], Any] = _no_import
    localize: Callable[[str], str] = _unchanged
    conditions: dict[str, bool] = field(default_factory=dict[str, bool])

    @property
    def region(self) -> str:
        return str(self.values["AWS::Region"])

    def resolve(self, value: Any) -> Any:
        """`value` with all functions in it evaluated; NO_VALUE if it is AWS::NoValue itself."""
        if isinstance(value, str):
            return self.localize(value)
        if isinstance(value, list):
            resolved = (self.resolve(item) for item in value)
            return [item for item in resolved if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref":
                return self.ref(argument)
            if name in FUNCTIONS:
                found = FUNCTIONS[name](self, argument)
                return self.localize(found) if isinstance(found, str) else found
            if name.startswith("Fn::"):
                raise unsupported(name)
        pairs = ((key, self.resolve(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not NO_VALUE}

    def resolve_text(self, value: Any, function: str) -> str:
        found = self.resolve(value)
        if isinstance(found, dict | list) or found is NO_VALUE or found is None:
            raise error(f"Template error: {function} expects a string, not {kind_of(found)}")
        return text(found)

    def resolve_list(self, value: Any) -> list[Any] | None:
        found = self.resolve(value)
        return found if isinstance(found, list) else None

    def ref(self, name: Any) -> Any:
        if not isinstance(name, str):
            raise error("Template error: every Ref object must have a single String value.")
        if name in self.values:
            return self.values[name]
        return self.resources.ref(name)

    def condition(self, name: Any) -> bool:
        """The value of a named condition, evaluated once."""
        if not isinstance(name, str) or name not in (self.template.get("Conditions") or {}):
            raise format_error(
                f"Unresolved condition dependency {name} in the Conditions block of the template"
            )
        if name not in self.conditions:
            self.conditions[name] = evaluate(self, self.template["Conditions"][name], (name,))
        return self.conditions[name]

    def evaluate_conditions(self) -> dict[str, bool]:
        """All named conditions. Raises for those that depend on themselves."""
        for name in self.template.get("Conditions") or {}:
            self.condition(name)
        return self.conditions


def evaluate(scope: Scope, expression: Any, path: tuple[str, ...] = ()) -> bool:
    """A condition's boolean: of Fn::And, Equals, Not, Or and Condition. `path` names what waits for it."""
    if not isinstance(expression, dict) or len(expression) != 1:
        raise format_error("Conditions can only be boolean operations on parameters and other conditions")
    (name, argument), *_ = expression.items()
    if name == "Condition":
        if argument in path:
            raise format_error(f"Circular dependencies for condition {argument}")
        if argument not in scope.conditions and argument in (scope.template.get("Conditions") or {}):
            definition = scope.template["Conditions"][argument]
            scope.conditions[argument] = evaluate(scope, definition, (*path, argument))
        return scope.condition(argument)
    if name == "Fn::Equals":
        if not isinstance(argument, list) or len(argument) != 2:
            raise error("Template error: Fn::Equals requires a list argument with two elements")
        left, right = (_comparable(scope.resolve(item)) for item in argument)
        return left == right
    if name == "Fn::Not":
        if not isinstance(argument, list) or len(argument) != 1:
            raise error("Template error: Fn::Not requires a list argument with one element")
        if not isinstance(argument[0], dict):
            raise error("Template error: Fn::Not requires a list argument with one function token")
        return not evaluate(scope, argument[0], path)
    if name in ("Fn::And", "Fn::Or"):
        if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
            raise error(
                f"Template error: every {name} object requires a list of at least 2 and at most 10"
                " boolean parameters."
            )
        values = [evaluate(scope, item, path) for item in argument]
        return all(values) if name == "Fn::And" else any(values)
    raise format_error("Conditions can only be boolean operations on parameters and other conditions")


def _comparable(value: Any) -> Any:
    return text(value) if isinstance(value, bool | int | float) else value


def kind_of(value: Any) -> str:
    if value is NO_VALUE or value is None:
        return "nothing"
    return {dict: "a map", list: "a list"}.get(type(value), "a scalar")


def unsupported(name: str) -> AwsError:
    """The refusal of a function that is none, with the list that AWS gives."""
    return AwsError(
        "ValidationError",
        f"Template Error: Encountered unsupported function: {name} Supported functions are: [Fn::Base64,"
        " Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref,"
        " Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals,"
        " Fn::EachMemberIn, Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]",
    )


# The functions


def _get_att(scope: Scope, argument: Any) -> Any:
    logical_id, name = split_get_att(argument)
    return scope.resources.attribute(logical_id, scope.resolve_text(name, "Fn::GetAtt"))


def split_get_att(argument: Any) -> tuple[str, Any]:
    """Resource and attribute of Fn::GetAtt in either form."""
    if isinstance(argument, str):
        argument = list(argument.partition(".")[::2])
    if not isinstance(argument, list) or len(argument) < 2 or not isinstance(argument[0], str):
        raise error("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource"
                    " name and the resource attribute")  # fmt: skip
    logical_id, *names = argument
    name = ".".join(names) if all(isinstance(each, str) for each in names) else names[0]
    if not logical_id or not name:
        raise error("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource"
                    " name and the resource attribute")  # fmt: skip
    return logical_id, name


def split_sub(argument: Any) -> tuple[str, dict[str, Any]]:
    """Text and variables of Fn::Sub in either form."""
    if isinstance(argument, str):
        return argument, {}
    if (
        isinstance(argument, list)
        and len(argument) == 2
        and isinstance(argument[0], str)
        and isinstance(argument[1], dict)
    ):
        return argument[0], argument[1]
    raise error(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a"
        " string as first argument, and an optional second argument to specify a mapping of values to replace"
        " in the string"
    )


def sub_names(template_text: str) -> list[str]:
    """Names that a text of Fn::Sub refers to, in order."""
    names: list[str] = []
    for name in VARIABLE.findall(template_text):
        if name.startswith("!"):
            continue
        if not _VARIABLE_NAME.fullmatch(name):
            raise error(
                "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters,"
                " underscores, periods, and colons"
            )
        names.append(name)
    return names


def _sub(scope: Scope, argument: Any) -> str:
    template_text, given = split_sub(argument)
    sub_names(template_text)
    given = {name: scope.resolve(value) for name, value in given.items()}

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in given:
            found = given[name]
        elif name in scope.values or "." not in name:
            found = scope.ref(name)
        else:
            logical_id, _, attribute = name.partition(".")
            found = scope.resources.attribute(logical_id, attribute)
        if isinstance(found, dict | list) or found is NO_VALUE or found is None:
            raise error(f"Template error: variable {name} in Fn::Sub expression does not resolve to a string")
        return text(found)

    return VARIABLE.sub(replace, template_text)


def _join(scope: Scope, argument: Any) -> str:
    wrong = error(
        "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list"
        " of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be"
        " joined."
    )
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
        raise wrong
    items = scope.resolve_list(argument[1])
    if items is None or any(isinstance(item, dict | list) for item in items):
        raise wrong
    return argument[0].join(text(item) for item in items)


def _select(scope: Scope, argument: Any) -> Any:
    two = error(
        "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
    )
    if not isinstance(argument, list) or len(argument) != 2:
        raise two
    index = scope.resolve(argument[0])
    whole = text(index) if isinstance(index, str | int) else ""
    if not is_number(whole.removeprefix("-")):
        raise error(
            "Template error: Fn::Select requires a list argument with a valid index value as its first"
            " element"
        )
    items = scope.resolve_list(argument[1])
    if items is None:
        raise two
    if not 0 <= int(whole) < len(items):
        raise error(f"Template error: Fn::Select cannot select nonexistent value at index {int(whole)}")
    return items[int(whole)]


def _split(scope: Scope, argument: Any) -> list[str]:
    wrong = error(
        "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a"
        " string to be split or a function that returns a string to be split."
    )
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
        raise wrong
    whole = scope.resolve(argument[1])
    if not isinstance(whole, str) or not argument[0]:
        raise wrong
    return whole.split(argument[0])


def _find_in_map(scope: Scope, argument: Any) -> Any:
    if not isinstance(argument, list) or len(argument) not in (3, 4):
        raise error(
            "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and"
            " the attribute for return value"
        )
    name, top, second = (scope.resolve_text(item, "Fn::FindInMap") for item in argument[:3])
    mappings = scope.template.get("Mappings") or {}
    found = (mappings.get(name) or {}).get(top) or {}
    if second in found:
        return found[second]
    if len(argument) == 4 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
        return scope.resolve(argument[3]["DefaultValue"])
    if name not in mappings:
        raise error(f"Template error: Mapping named '{name}' is not present in the 'Mappings' section of"
                    " template.")  # fmt: skip
    raise error(f"Template error: Unable to get mapping for {name}::{top}::{second}")


def _base64(scope: Scope, argument: Any) -> str:
    return base64.b64encode(_only_text(scope, argument, "Fn::Base64").encode()).decode()


def _only_text(scope: Scope, argument: Any, function: str) -> str:
    found = scope.resolve(argument)
    if not isinstance(found, str | int | float):
        raise error(f"Template error: every {function} object must have a String-typed value.")
    return text(found)


def _cidr(scope: Scope, argument: Any) -> list[str]:
    if not isinstance(argument, list) or len(argument) not in (2, 3):
        raise error("Template error: every Fn::Cidr object requires two or three parameters: ipBlock, count,"
                    " cidrBits")  # fmt: skip
    block, count, *rest = (scope.resolve_text(item, "Fn::Cidr") for item in argument)
    try:
        network = ipaddress.ip_network(block, strict=False)
        wanted = int(count)
        # cidrBits counts the host bits of each part; 8 without it.
        prefix = network.max_prefixlen - (int(rest[0]) if rest else 8)
        if not 1 <= wanted <= 256:
            raise ValueError(count)
        parts = network.subnets(new_prefix=prefix)
        found = [str(part) for _, part in zip(range(wanted), parts, strict=False)]
    except ValueError as failure:
        raise error(f"Template error: Fn::Cidr cannot divide {block}: {failure}") from failure
    if len(found) < wanted:
        raise error(f"Template error: Fn::Cidr cannot make {wanted} blocks of {block}")
    return found


def _get_azs(scope: Scope, argument: Any) -> list[str]:
    """Zones of the stack's own region; of another, AWS was measured to give none (ministack#1650)."""
    region = _only_text(scope, argument, "Fn::GetAZs") or scope.region
    return [f"{region}{letter}" for letter in "abc"] if region == scope.region else []


def _import_value(scope: Scope, argument: Any) -> Any:
    return scope.imports(scope.resolve_text(argument, "Fn::ImportValue"))


def _if(scope: Scope, argument: Any) -> Any:
    if not isinstance(argument, list) or not argument or not isinstance(argument[0], str):
        raise error(
            "Template error: Fn::If requires a list argument with the first element being a condition"
        )
    if len(argument) != 3:
        raise error("Template error: Fn::If requires a list argument with three elements")
    return scope.resolve(argument[1] if scope.condition(argument[0]) else argument[2])


def _length(scope: Scope, argument: Any) -> int:
    items = scope.resolve_list(argument)
    if items is None:
        raise error("Template error: Fn::Length expects a list")
    return len(items)


def _to_json_string(scope: Scope, argument: Any) -> str:
    return json.dumps(scope.resolve(argument), separators=(",", ":"))


def _transform(_scope: Scope, argument: Any) -> Any:
    name = argument.get("Name") if isinstance(argument, dict) else argument
    raise error(f"Fn::Transform of {name} is not supported by Maycloud")


def _boolean(name: str) -> Callable[[Scope, Any], Any]:
    def function(scope: Scope, argument: Any) -> Any:
        return evaluate(scope, {name: argument})

    return function


FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json_string,
    "Fn::Transform": _transform,
    **{name: _boolean(name) for name in CONDITION_FUNCTIONS},
}
