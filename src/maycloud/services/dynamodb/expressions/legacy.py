"""The parameters that expressions replaced, turned into the same predicates and updates.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.base import Params
from maycloud.services.dynamodb.expressions import binding
from maycloud.services.dynamodb.expressions.binding import SETS
from maycloud.services.dynamodb.expressions.conditions import Predicate
from maycloud.services.dynamodb.expressions.keyconditions import KeyTests, check_count
from maycloud.services.dynamodb.expressions.projections import attributes_to_get
from maycloud.services.dynamodb.expressions.updates import Update
from maycloud.services.dynamodb.values import Item, Value, check_value

__all__ = [
    "attribute_updates", "attributes_to_get", "conditions", "expected", "key_conditions", "refuse_mixed",
]  # fmt: skip

# In the order in which AWS tells them.
_LEGACY = (
    "AttributesToGet", "AttributeUpdates", "Expected", "QueryFilter", "ScanFilter", "ConditionalOperator",
    "KeyConditions",
)  # fmt: skip
_ANY_LEGACY = frozenset(_LEGACY)
_EXPRESSIONS = (
    "ProjectionExpression", "UpdateExpression", "ConditionExpression", "FilterExpression",
    "KeyConditionExpression",
)  # fmt: skip
_MISMATCH = "Type mismatch for attribute to update"
_INVALID = "One or more parameter values were invalid: "


def refuse_mixed(params: Params) -> None:
    """Old and new parameters do not go together."""
    if _ANY_LEGACY.isdisjoint(params):
        return
    expressions = [name for name in _EXPRESSIONS if params.get(name) is not None]
    if not expressions:
        return
    old = [name for name in _LEGACY if params.get(name) is not None]
    if old:
        raise validation(
            "Can not use both expression and non-expression parameters in the same request: Non-expression"
            f" parameters: {{{', '.join(old)}}} Expression parameters:"
            f" {{{', '.join(expressions)}}}"
        )


# Operator: number of values (None for any number), types that its values may have (None for any)
_SCALARS = frozenset({"S", "N", "B"})
_OPERATORS: dict[str, tuple[int | None, frozenset[str] | None]] = {
    "EQ": (1, None),
    "NE": (1, None),
    "LE": (1, _SCALARS),
    "LT": (1, _SCALARS),
    "GE": (1, _SCALARS),
    "GT": (1, _SCALARS),
    "NOT_NULL": (0, None),
    "NULL": (0, None),
    "CONTAINS": (1, frozenset({"S", "N", "B", "BOOL", "NULL"})),
    "NOT_CONTAINS": (1, frozenset({"S", "N", "B", "BOOL", "NULL"})),
    "BEGINS_WITH": (1, frozenset({"S", "B"})),
    "IN": (None, _SCALARS),
    "BETWEEN": (2, _SCALARS),
}
_COMPARE = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}


def _values(condition: dict[str, Any]) -> list[Value]:
    return [check_value(value)[0] for value in condition.get("AttributeValueList", [])]


def _check(operator: str, values: list[Value]) -> None:
    count, types = _OPERATORS[operator]
    if (count is None and not values) or (count is not None and len(values) != count):
        raise validation(f"{_INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")
    for value in values:
        if types is not None and binding.kind_of(value) not in types:
            raise validation(
                f"{_INVALID}ComparisonOperator {operator} is not valid for {binding.kind_of(value)}"
                " AttributeValue type"
            )
    if operator in ("BETWEEN", "IN") and len({binding.kind_of(value) for value in values}) > 1:
        raise validation(f"{_INVALID}AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and binding.order(values[0], values[1]) == 1:
        raise validation(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )


def _matches(operator: str, value: Value | None, values: list[Value]) -> bool:
    if operator == "NULL":
        return value is None
    if operator == "NOT_NULL":
        return value is not None
    if operator in _COMPARE:
        return binding.compare(_COMPARE[operator], value, values[0])
    if value is None:
        return False
    if operator == "IN":
        return any(binding.equal(value, each) for each in values)
    if operator == "BETWEEN":
        return binding.compare(">=", value, values[0]) and binding.compare("<=", value, values[1])
    if operator == "BEGINS_WITH":
        return binding.begins_with(value, values[0])
    found = binding.contains(value, values[0])
    return found if operator == "CONTAINS" else not found


Tests = list[tuple[str, str, list[Value]]]


def _predicate(tests: Tests, operator: str | None) -> Predicate:
    combine = any if operator == "OR" else all

    def test(item: Item) -> bool:
        return combine(_matches(kind, item.get(name), values) for name, kind, values in tests)

    return Predicate(test, [(name,) for name, _, _ in tests])


def conditions(given: dict[str, Any], operator: str | None) -> Predicate:
    """QueryFilter and ScanFilter."""
    tests: Tests = []
    for name, condition in given.items():
        values = _values(condition)
        _check(condition["ComparisonOperator"], values)
        tests.append((name, condition["ComparisonOperator"], values))
    return _predicate(tests, operator)


def expected(given: dict[str, Any], operator: str | None) -> Predicate | None:
    """Expected, in either of its forms."""
    tests = [_expectation(name, condition) for name, condition in given.items()]
    return _predicate(tests, operator) if tests else None


def _expectation(name: str, condition: dict[str, Any]) -> tuple[str, str, list[Value]]:
    comparison = condition.get("ComparisonOperator")
    exists, value = condition.get("Exists"), condition.get("Value")
    if comparison is not None:
        if exists is not None:
            raise validation(
                f"{_INVALID}Exists and ComparisonOperator cannot be used together for Attribute: {name}"
            )
        if value is not None and condition.get("AttributeValueList") is not None:
            raise validation(
                f"{_INVALID}Value and AttributeValueList cannot be used together for Attribute: {name}"
            )
        if value is None and condition.get("AttributeValueList") is None and _OPERATORS[comparison][0] != 0:
            raise validation(
                f"{_INVALID}Value or AttributeValueList must be used with ComparisonOperator: {comparison}"
                f" for Attribute: {name}"
            )
        values = [check_value(value)[0]] if value is not None else _values(condition)
        _check(comparison, values)
        return name, comparison, values
    if condition.get("AttributeValueList") is not None:
        raise validation(
            f"{_INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
        )
    if exists is False:
        if value is not None:
            raise validation(f"{_INVALID}Value cannot be used when Exists is false for Attribute: {name}")
        return name, "NULL", []
    if value is None:
        shown = "true" if exists else "null"
        raise validation(f"{_INVALID}Value must be provided when Exists is {shown} for Attribute: {name}")
    return name, "EQ", [check_value(value)[0]]


def attribute_updates(given: dict[str, Any]) -> Update:
    """AttributeUpdates: PUT, ADD and DELETE of whole attributes."""
    update = Update(_MISMATCH)
    for name, change in given.items():
        action = change.get("Action", "PUT")
        value = check_value(change["Value"])[0] if change.get("Value") is not None else None
        path = (name,)
        if value is None:
            if action != "DELETE":
                raise validation(
                    f"{_INVALID}Only DELETE action is allowed when no attribute value is specified"
                )
            update.removes.append(path)
            continue
        kind = binding.kind_of(value)
        if action != "DELETE":
            update.kinds[name] = kind
        if action == "PUT":
            update.sets.append((path, _constant(value)))
        elif action == "ADD":
            if kind not in SETS and kind not in ("N", "L"):
                raise _not_supported("ADD action", kind)
            if kind == "L":
                update.sets.append((path, _appended(name, value)))
            else:
                update.adds.append((path, value))
        else:
            if kind not in SETS:
                raise _not_supported("DELETE action with value", kind)
            update.deletes.append((path, value))
    return update


def _constant(value: Value) -> Any:
    return lambda _item: value


def _appended(name: str, value: Value) -> Any:
    def append(item: Item) -> Value:
        current = item.get(name, {"L": []})
        if "L" not in current:
            raise validation(_MISMATCH)
        return {"L": [*current["L"], *value["L"]]}

    return append


def _not_supported(action: str, kind: str) -> AwsError:
    return validation(f"{_INVALID}{action} is not supported for the type {kind}")


_KEY_OPERATORS = {
    "EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BEGINS_WITH": "begins_with",
    "BETWEEN": "between",
}  # fmt: skip


def key_conditions(given: dict[str, Any], most: int) -> KeyTests:
    """KeyConditions of a Query, `most` of them."""
    found: KeyTests = {}
    for name, condition in given.items():
        operator: str = condition["ComparisonOperator"]
        values = _values(condition)
        _check(operator, values)
        found[name] = (_KEY_OPERATORS.get(operator, operator), tuple(values))
    check_count(found, most)
    return found
