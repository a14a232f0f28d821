"""Key condition expressions: what a Query asks of the keys, the table's or an index's.

Their order of checks is dynalite's test/query.js's: the expression as a condition, then with the request's
other expressions read what it says of keys, then, with the table found, whether those are its keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from maycloud.errors import validation
from maycloud.services.dynamodb.expressions.binding import Binder
from maycloud.services.dynamodb.expressions.conditions import MIRRORED, Compiler
from maycloud.services.dynamodb.expressions.lexer import Names, Used, Values
from maycloud.services.dynamodb.expressions.parser import Step, Test, Tree, parse_condition
from maycloud.services.dynamodb.keys import KeySchema
from maycloud.services.dynamodb.values import Value

KeyTests = dict[str, tuple[str, tuple[Value, ...]]]
"""By attribute its operator (as in KeyCondition, or one no index serves) and operands."""

_KIND = "KeyConditionExpression"
_INDEXABLE = frozenset({"=", "<", "<=", ">", ">=", "between", "begins_with"})


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """The partition key's values; and of the sort key an operator with its operands, or None.

    Operators: ``=``, ``<``, ``<=``, ``>``, ``>=``, ``between``, ``begins_with``. Where a sort key has several
    attributes, `leading` are the values of those before the one that the operator is about.
    """

    hash_values: tuple[Value, ...]
    operator: str | None = None
    operands: tuple[Value, ...] = ()
    leading: tuple[Value, ...] = ()


class KeyConditions:
    """A KeyConditionExpression that is right as a condition. Raises ValidationException."""

    def __init__(self, text: str, names: Names, values: Values, used: Used) -> None:
        self._binder = Binder(_KIND, names, values, used)
        self._steps = parse_condition(_KIND, text)
        Compiler(self._binder).condition(self._steps)

    def tests(self, most: int) -> KeyTests:
        """`most`: how many there may be."""
        found: KeyTests = {}
        for tree in _conjuncts(self._steps):
            name, operator, operands = _key_test(self._binder, tree)
            if name in found:
                raise validation(f"{_KIND}s must only contain one condition per key")
            found[name] = (operator, operands)
        check_count(found, most)
        return found


def check_count(tests: KeyTests, most: int) -> None:
    if not 1 <= len(tests) <= most:
        raise validation("Conditions can be of length 1 or 2 only")


def check_hash(tests: KeyTests, schema: KeySchema) -> None:
    """There must be conditions on the partition key, and no other one where there is no other key."""
    if len(schema.names) <= 2:
        check_count(tests, 2)
    if len(tests) > len(schema.names):
        raise _not_supported()
    for name in schema.hashes:
        if name not in tests:
            raise _missed(name)


def choose(tests: KeyTests, schema: KeySchema) -> KeyCondition:
    """The condition on these keys: of a sort key's attributes the first ones, and all but the last equal."""
    if len(schema.names) <= 2 and len(schema.hashes) == 1:
        return _choose_usual(tests, schema)
    others = tests.keys() - {*schema.hashes}
    given = schema.ranges[: len(others)]
    for name in given:
        if name not in others:
            raise _missed(name)
    *leading, last = [tests[name] for name in given] or [(None, ())]
    wanted = [*(tests[name] for name in schema.hashes), *leading]
    if any(operator != "=" for operator, _ in wanted):
        raise _not_supported()
    values = tuple(operands[0] for _, operands in wanted)
    return KeyCondition(values[: len(schema.hashes)], *last, leading=values[len(schema.hashes) :])


def _choose_usual(tests: KeyTests, schema: KeySchema) -> KeyCondition:
    """The same for keys of one attribute each, as nearly all are: a third of the work."""
    operator, operands = tests[schema.hash]
    if len(tests) == 1:
        if operator != "=":
            raise _not_supported()
        return KeyCondition(operands)
    if schema.range not in tests:
        raise _missed(str(schema.range))
    if operator != "=":
        raise _not_supported()
    return KeyCondition(operands, *tests[schema.range])


def _missed(name: str) -> Exception:
    return validation(f"Query condition missed key schema element: {name}")


def check_indexable(tests: KeyTests) -> None:
    if any(operator not in _INDEXABLE for operator, _ in tests.values()):
        raise validation("Attempted conditional constraint is not an indexable operation")


def _not_supported() -> Exception:
    return validation("Query key condition not supported")


def _conjuncts(steps: tuple[Step, ...]) -> Iterator[Tree]:
    """The tests that all must hold, as one comes to them from the outermost operator inwards."""
    done: list[Any] = []
    for step in steps:
        if isinstance(step, Test):
            done.append(step.tree)
        elif step == "not":
            done.append((step, done.pop()))
        else:
            right, left = done.pop(), done.pop()
            done.append((step, left, right))
    while done:
        tree = done.pop()
        if tree[0] == "and":
            done += [tree[2], tree[1]]
            continue
        if tree[0] in ("or", "not", "in"):
            raise _invalid_operator(tree[0].upper())
        yield tree


def _invalid_operator(operator: str) -> Exception:
    return validation(f"Invalid operator used in {_KIND}: {operator}")


def _invalid(message: str) -> Exception:
    return validation(f"Invalid condition in {_KIND}: {message}")


def _key_test(binder: Binder, tree: Tree) -> tuple[str, str, tuple[Value, ...]]:
    """Key, operator and operands of one conjunct."""
    operator, operands = tree[1], tree[2:]
    if tree[0] == "between":
        operator, operands = "BETWEEN", tree[1:]
    elif tree[0] == "call":
        operator, operands = tree[1], tree[2]
        if operator != "begins_with":
            raise _invalid_operator(operator)
    elif operator == "<>":
        raise _invalid_operator(operator)
    if operator not in MIRRORED and operands[0][0] != "path":
        raise _invalid(f"{operator} operator must have the key attribute as its first operand")
    name = _key_name(binder, operands)
    if operands[0][0] == "value":
        operator = MIRRORED[operator]
    constants = tuple(binder.value(each[1]) for each in operands if each[0] == "value")
    return name, operator.lower(), constants


def _key_name(binder: Binder, operands: tuple[Tree, ...]) -> str:
    """The one key among the operands."""
    name: str | None = None
    for each in operands:
        if each[0] == "call":
            raise validation(f"{_KIND}s cannot contain nested operations")
        if each[0] == "path":
            if name is not None:
                raise _invalid("Multiple attribute names used in one condition")
            first, *nested = binder.path(each[1])
            if nested:
                raise validation(f"{_KIND}s cannot have conditions on nested attributes")
            name = str(first)
    if name is None:
        raise _invalid("No key attribute specified")
    return name
