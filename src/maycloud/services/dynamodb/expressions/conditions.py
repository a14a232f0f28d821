"""Condition, filter and key condition expressions."""

from dataclasses import dataclass
from typing import Any

from maycloud.errors import validation
from maycloud.services.dynamodb.expressions import binding
from maycloud.services.dynamodb.expressions.binding import Binder, Read
from maycloud.services.dynamodb.expressions.lexer import Names, Used, Values
from maycloud.services.dynamodb.expressions.parser import Path, Tree, parse_condition
from maycloud.services.dynamodb.values import Item, Value

_TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"})
_ORDERED = frozenset({"<", "<=", ">", ">="})


class Predicate:
    """A condition bound to a request; called with an item, ``{}`` for none. `paths` are those it reads."""

    __slots__ = ("_test", "paths")

    def __init__(self, test: Any, paths: list[Path]) -> None:
        self._test = test
        self.paths = paths

    def __call__(self, item: Item) -> bool:
        return self._test(item)


class _Compiler:
    def __init__(self, binder: Binder) -> None:
        self.binder = binder
        self.paths: list[Path] = []

    def test(self, tree: Tree) -> Any:
        kind = tree[0]
        if kind == "and":
            left, right = self.test(tree[1]), self.test(tree[2])
            return lambda item: left(item) and right(item)
        if kind == "or":
            left, right = self.test(tree[1]), self.test(tree[2])
            return lambda item: left(item) or right(item)
        if kind == "not":
            inner = self.test(tree[1])
            return lambda item: not inner(item)
        if kind == "compare":
            return self._compare(tree)
        if kind == "between":
            return self._between(tree)
        if kind == "in":
            operand = self.operand(tree[1])
            options = [self.operand(each) for each in tree[2]]
            return lambda item: any(binding.compare("=", operand(item), option(item)) for option in options)
        return self._call(tree)

    def operand(self, tree: Tree) -> Read:
        if tree[0] == "value":
            value = self.binder.value(tree[1])
            return lambda _item: value
        if tree[0] == "path":
            path = self.binder.path(tree[1])
            self.paths.append(path)
            if len(path) == 1:
                name = path[0]
                return lambda item: item.get(name)  # type: ignore[call-overload]
            return lambda item: binding.read(path, item)
        return self._size(tree)

    def _size(self, tree: Tree) -> Read:
        constant = self._constant(tree[2][0])
        if constant is not None and binding.size(constant) is None:
            raise self._operand_type("size", constant)
        inner = self.operand(tree[2][0])

        def size(item: Item) -> Value | None:
            value = inner(item)
            found = None if value is None else binding.size(value)
            return None if found is None else {"N": str(found)}

        return size

    def _constant(self, tree: Tree) -> Value | None:
        return self.binder.value(tree[1]) if tree[0] == "value" else None

    def _operand_type(self, operator: str, value: Value) -> Exception:
        return self.binder.refuse(
            "Incorrect operand type for operator or function; operator or function:"
            f" {operator}, operand type: {binding.kind_of(value)}"
        )

    def _distinct(self, operator: str, first: Tree, others: tuple[Tree, ...]) -> None:
        """The same path on both sides of an operator is refused."""
        if first[0] != "path":
            return
        path = self.binder.path(first[1])
        if any(each[0] == "path" and self.binder.path(each[1]) == path for each in others):
            raise self.binder.refuse(
                "The first operand must be distinct from the remaining operands for this operator or"
                f" function; operator: {operator}, first operand: {binding.shown(path)}"
            )

    def _compare(self, tree: Tree) -> Any:
        _, operator, left, right = tree
        self._distinct(operator, left, (right,))
        if operator in _ORDERED:
            for side in (left, right):
                constant = self._constant(side)
                if constant is not None and binding.kind_of(constant) not in ("S", "N", "B"):
                    raise self._operand_type(operator, constant)
        one, other = self.operand(left), self.operand(right)
        return lambda item: binding.compare(operator, one(item), other(item))

    def _between(self, tree: Tree) -> Any:
        low_value, high_value = self._constant(tree[2]), self._constant(tree[3])
        for constant in (low_value, high_value, self._constant(tree[1])):
            if constant is not None and binding.kind_of(constant) not in ("S", "N", "B"):
                raise self._operand_type("BETWEEN", constant)
        if low_value is not None and high_value is not None:
            check_between(self.binder.kind, low_value, high_value)
        operand, low, high = (self.operand(each) for each in tree[1:])

        def between(item: Item) -> bool:
            value = operand(item)
            return binding.compare(">=", value, low(item)) and binding.compare("<=", value, high(item))

        return between

    def _call(self, tree: Tree) -> Any:
        _, name, arguments = tree
        if name in ("attribute_exists", "attribute_not_exists", "attribute_type"):
            if arguments[0][0] != "path":
                raise self.binder.refuse(
                    f"Operator or function requires a document path; operator or function: {name}"
                )
            operand = self.operand(arguments[0])
            if name == "attribute_exists":
                return lambda item: operand(item) is not None
            if name == "attribute_not_exists":
                return lambda item: operand(item) is None
            return self._attribute_type(operand, arguments[1])
        self._distinct(name, arguments[0], arguments[1:])
        constant = self._constant(arguments[1])
        if name == "begins_with" and constant is not None and binding.kind_of(constant) not in ("S", "B"):
            raise self._operand_type(name, constant)
        operand, part = self.operand(arguments[0]), self.operand(arguments[1])
        function = binding.begins_with if name == "begins_with" else binding.contains

        def test(item: Item) -> bool:
            value, wanted = operand(item), part(item)
            return value is not None and wanted is not None and function(value, wanted)

        return test

    def _attribute_type(self, operand: Read, argument: Tree) -> Any:
        wanted = self._constant(argument)
        if wanted is None or "S" not in wanted:
            raise self.binder.refuse(
                "Incorrect operand type for operator or function; operator or function: attribute_type,"
                f" operand type: {binding.kind_of(wanted) if wanted else 'path'}"
            )
        if wanted["S"] not in _TYPES:
            raise self.binder.refuse(
                f"Invalid attribute type name found; type: {wanted['S']}, valid types:"
                " {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
            )

        def test(item: Item) -> bool:
            value = operand(item)
            return value is not None and wanted["S"] in value

        return test


def check_between(kind: str, low: Value, high: Value) -> None:
    sign = binding.order(low, high)
    bounds = (
        f"lower bound operand: {binding.shown_value(low)}, upper bound operand: {binding.shown_value(high)}"
    )
    if sign is None:
        raise validation(
            f"Invalid {kind}: The BETWEEN operator requires same data type for lower and upper bounds;"
            f" {bounds}"
        )
    if sign > 0:
        raise validation(
            f"Invalid {kind}: The BETWEEN operator requires upper bound to be greater than or equal to lower"
            f" bound; {bounds}"
        )


def compile_condition(text: str, names: Names, values: Values, kind: str, used: Used) -> Predicate:
    """The predicate of a condition or filter expression. Raises ValidationException."""
    tree = parse_condition(kind, text)
    compiler = _Compiler(Binder(kind, names, values, used))
    return Predicate(compiler.test(tree), compiler.paths)


# Key conditions


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """The partition key's value; and of the sort key an operator with its operands, or None.

    Operators: ``=``, ``<``, ``<=``, ``>``, ``>=``, ``between``, ``begins_with``.
    """

    hash_value: Value
    operator: str | None = None
    operands: tuple[Value, ...] = ()


_KIND = "KeyConditionExpression"
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compile_key_condition(
    text: str, names: Names, values: Values, hash_name: str, range_name: str | None, used: Used
) -> KeyCondition:
    """What a KeyConditionExpression asks of the keys. Raises ValidationException."""
    binder = Binder(_KIND, names, values, used)
    found: dict[str, tuple[str, tuple[Value, ...]]] = {}
    for tree in _conjuncts(parse_condition(_KIND, text)):
        name, operator, operands = _key_test(binder, tree)
        if name in found:
            raise validation("KeyConditionExpressions must only contain one condition per key")
        found[name] = (operator, operands)
    if len(found) > 2:
        raise validation("Conditions can be of length 1 or 2 only")
    if hash_name not in found:
        raise validation(f"Query condition missed key schema element: {hash_name}")
    operator, operands = found.pop(hash_name)
    if operator != "=":
        raise validation("Query key condition not supported")
    if not found:
        return KeyCondition(operands[0])
    ((name, (range_operator, range_operands)),) = found.items()
    if name != range_name:
        missing = range_name or hash_name
        raise validation(f"Query condition missed key schema element: {missing}")
    return KeyCondition(operands[0], range_operator, range_operands)


def _conjuncts(tree: Tree) -> list[Tree]:
    if tree[0] == "and":
        return _conjuncts(tree[1]) + _conjuncts(tree[2])
    if tree[0] in ("or", "not", "in"):
        raise validation(f"Invalid operator used in {_KIND}: {tree[0].upper()}")
    if tree[0] == "compare" and tree[1] == "<>":
        raise validation(f"Invalid operator used in {_KIND}: <>")
    if tree[0] == "call" and tree[1] != "begins_with":
        raise validation(f"Invalid operator used in {_KIND}: {tree[1]}")
    return [tree]


def _key_test(binder: Binder, tree: Tree) -> tuple[str, str, tuple[Value, ...]]:
    """Key, operator and operands of one conjunct."""
    if tree[0] == "compare":
        _, operator, left, right = tree
        if left[0] == "value" and right[0] == "path":
            left, right, operator = right, left, _MIRRORED[operator]
        return _key_name(binder, left), operator, (_key_operand(binder, right),)
    if tree[0] == "between":
        low, high = (_key_operand(binder, each) for each in tree[2:])
        name = _key_name(binder, tree[1])
        check_between(_KIND, low, high)
        return name, "between", (low, high)
    first, prefix = tree[2]
    value = _key_operand(binder, prefix)
    if binding.kind_of(value) not in ("S", "B"):
        raise binder.refuse(
            "Incorrect operand type for operator or function; operator or function: begins_with, operand"
            f" type: {binding.kind_of(value)}"
        )
    return _key_name(binder, first), "begins_with", (value,)


def _key_name(binder: Binder, tree: Tree) -> str:
    if tree[0] != "path":
        if tree[0] == "value":
            binder.value(tree[1])
        raise validation(f"Invalid condition in {_KIND}: Multiple attribute names used in one condition")
    path = binder.path(tree[1])
    name, *nested = path
    if nested:
        raise validation(f"{_KIND}s cannot have conditions on nested attributes")
    return str(name)


def _key_operand(binder: Binder, tree: Tree) -> Value:
    if tree[0] != "value":
        if tree[0] == "path":
            binder.path(tree[1])
            raise validation(f"Invalid condition in {_KIND}: Multiple attribute names used in one condition")
        raise validation(f"{_KIND}s cannot contain nested operations")
    return binder.value(tree[1])
