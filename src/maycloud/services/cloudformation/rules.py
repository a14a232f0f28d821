"""Rules: assertions about parameters, checked before anything is made.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from collections.abc import Callable
from typing import Any

from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.template import Template, error, format_error

Values = dict[str, Any]  # what Ref gives for each parameter, lists split


def check_shape(template: Template) -> None:
    """Raise for rules that are none."""
    for name, rule in (template.get("Rules") or {}).items():
        if (
            not isinstance(rule, dict)
            or not isinstance(rule.get("Assertions"), list)
            or not rule["Assertions"]
        ):
            raise format_error(f"[/Rules/{name}] Every Rules object must contain an Assertions member.")
        unknown = sorted(rule.keys() - {"Assertions", "RuleCondition"})
        if unknown:
            raise error(f"Invalid template rule property '{unknown[0]}'")
        for assertion in rule["Assertions"]:
            if not isinstance(assertion, dict) or "Assert" not in assertion:
                raise format_error(
                    f"[/Rules/{name}/Assertions] Every assertion must contain an Assert member."
                )
        foreign = sorted(
            _functions([rule.get("RuleCondition"), rule["Assertions"]]) - _KNOWN.keys() - {"Ref"}
        )
        if foreign:
            raise format_error(
                "Following functions are not supported in the Rules block of the template:"
                f" [{', '.join(foreign)}]"
            )


def _functions(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in _functions(item)}
    if not isinstance(value, dict):
        return set()
    named = {name for name in value if name.startswith("Fn::") or name in ("Ref", "Condition")}
    return named | {name for item in value.values() for name in _functions(item)}


def check(template: Template, values: Values) -> None:
    """Raise if an assertion of a rule that applies does not hold."""
    for name, rule in (template.get("Rules") or {}).items():
        rules = _Rules(template, values)
        if "RuleCondition" in rule and not rules.holds(rule["RuleCondition"]):
            continue
        for assertion in rule["Assertions"]:
            if not rules.holds(assertion["Assert"]):
                words = assertion.get("AssertDescription") or "Assertion failed"
                raise error(f"Template error: Rule '{name}' failed: {words}")


class _Rules:
    def __init__(self, template: Template, values: Values) -> None:
        self._declared: dict[str, Any] = template.get("Parameters") or {}
        self._values = values

    def holds(self, expression: Any) -> bool:
        found = self.value(expression)
        if isinstance(found, str) and found in ("true", "false"):
            return found == "true"
        if not isinstance(found, bool):
            raise format_error("Every rule condition and assertion must evaluate to true or false")
        return found

    def value(self, expression: Any) -> Any:
        if isinstance(expression, list):
            return [self.value(item) for item in expression]
        if not isinstance(expression, dict):
            return expression if isinstance(expression, bool) else text(expression)
        if len(expression) != 1:
            raise format_error("Every object in the Rules block must be one function")
        (name, argument), *_ = expression.items()
        if name == "Ref":
            return self._ref(argument)
        if name not in _KNOWN:
            raise format_error(f"Unrecognized function in the Rules block: {name}")
        return _KNOWN[name](self, argument)

    def _ref(self, name: Any) -> Any:
        if not isinstance(name, str) or name not in self._values:
            raise format_error(
                f"Unresolved dependencies [{name}]. Cannot reference resources in the Rules block of the"
                " template"
            )
        return self._values[name]

    def two(self, name: str, argument: Any) -> tuple[Any, Any]:
        if not isinstance(argument, list) or len(argument) != 2:
            raise error(f"Template error: {name} requires a list argument with two elements")
        return self.value(argument[0]), self.value(argument[1])

    def lists(self, name: str, argument: Any) -> tuple[list[Any], Any]:
        left, right = self.two(name, argument)
        return (left if isinstance(left, list) else [left]), right

    def conditions(self, name: str, argument: Any, low: int, high: int) -> list[bool]:
        if not isinstance(argument, list) or not low <= len(argument) <= high:
            raise error(f"Template error: {name} requires a list of {low} to {high} conditions")
        return [self.holds(item) for item in argument]

    def of_type(self, type_: Any) -> list[str]:
        """Names of the parameters of a type."""
        return [name for name, declared in self._declared.items() if declared.get("Type") == type_]


def _equals(rules: _Rules, argument: Any) -> bool:
    left, right = rules.two("Fn::Equals", argument)
    return left == right


def _contains(rules: _Rules, argument: Any) -> bool:
    members, value = rules.lists("Fn::Contains", argument)
    return value in members


def _each_equals(rules: _Rules, argument: Any) -> bool:
    members, value = rules.lists("Fn::EachMemberEquals", argument)
    return all(member == value for member in members)


def _each_in(rules: _Rules, argument: Any) -> bool:
    members, allowed = rules.lists("Fn::EachMemberIn", argument)
    return all(member in allowed for member in members)


def _ref_all(rules: _Rules, argument: Any) -> list[Any]:
    return [rules.value({"Ref": name}) for name in rules.of_type(argument)]


def _value_of(_rules: _Rules, _argument: Any) -> Any:
    raise error(
        "Template error: Fn::ValueOf and Fn::ValueOfAll ask for attributes of EC2 parameters, which"
        " Maycloud does not have"
    )


_KNOWN: dict[str, Callable[[_Rules, Any], Any]] = {
    "Fn::And": lambda rules, argument: all(rules.conditions("Fn::And", argument, 2, 10)),
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_equals,
    "Fn::EachMemberIn": _each_in,
    "Fn::Equals": _equals,
    "Fn::Not": lambda rules, argument: not rules.conditions("Fn::Not", argument, 1, 1)[0],
    "Fn::Or": lambda rules, argument: any(rules.conditions("Fn::Or", argument, 2, 10)),
    "Fn::RefAll": _ref_all,
    "Fn::ValueOf": _value_of,
    "Fn::ValueOfAll": _value_of,
}
