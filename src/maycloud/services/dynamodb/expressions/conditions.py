"""Condition and filter expressions."""

from collections.abc import Callable

from maycloud.errors import validation
from maycloud.services.dynamodb.expressions import binding
from maycloud.services.dynamodb.expressions.binding import SCALARS, Binder, Read
from maycloud.services.dynamodb.expressions.lexer import Names, Used, Values
from maycloud.services.dynamodb.expressions.parser import Path, Step, Test, Tree, parse_condition
from maycloud.services.dynamodb.values import Item, Value

Check = Callable[[Item], bool]

_TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"})
MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Predicate:
    """A condition bound to a request; called with an item, ``{}`` for none. `paths` are those it reads."""

    __slots__ = ("_test", "paths")

    def __init__(self, test: Check, paths: list[Path]) -> None:
        self._test = test
        self.paths = paths

    def __call__(self, item: Item) -> bool:
        return self._test(item)


class Compiler:
    def __init__(self, binder: Binder) -> None:
        self.binder = binder
        self.paths: list[Path] = []

    def condition(self, steps: tuple[Step, ...]) -> Check:
        """From postfix order, so that deep nesting is none here."""
        done: list[Check] = []
        for step in steps:
            if isinstance(step, Test):
                done.append(self.test(step))
            elif step == "not":
                done.append(_negated(done.pop()))
            else:
                right, left = done.pop(), done.pop()
                done.append(_both(left, right) if step == "and" else _either(left, right))
        return done.pop()

    def test(self, test: Test) -> Check:
        self.binder.define(test.placeholders)
        if test.fault is not None:
            raise self.binder.refuse(test.fault)
        tree = test.tree
        if tree[0] == "compare":
            return self._compare(tree)
        if tree[0] == "between":
            return self._between(tree)
        if tree[0] == "in":
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
        kind = self._type(tree[2][0])
        if kind in ("N", "BOOL", "NULL"):
            raise self._operand_type("size", kind)
        inner = self.operand(tree[2][0])

        def size(item: Item) -> Value | None:
            value = inner(item)
            found = None if value is None else binding.size(value)
            return None if found is None else {"N": str(found)}

        return size

    def _constant(self, tree: Tree) -> Value | None:
        return self.binder.value(tree[1]) if tree[0] == "value" else None

    def _type(self, tree: Tree) -> str | None:
        """The type of an operand, where it does not depend on the item."""
        if tree[0] == "value":
            return binding.kind_of(self.binder.value(tree[1]))
        return "N" if tree[0] == "call" else None

    def _operand_type(self, operator: str, kind: str) -> Exception:
        return self.binder.refuse(
            "Incorrect operand type for operator or function; operator or function:"
            f" {operator}, operand type: {kind}"
        )

    def _check_types(self, operator: str, operands: tuple[Tree, ...], allowed: frozenset[str]) -> None:
        for each in operands:
            kind = self._type(each)
            if kind is not None and kind not in allowed:
                raise self._operand_type(operator, kind)

    def _distinct(self, operator: str, first: Tree, second: Tree) -> None:
        """The same path on both sides of an operator is refused."""
        if first[0] == second[0] == "path":
            path = self.binder.path(first[1])
            if self.binder.path(second[1]) == path:
                raise self.binder.refuse(
                    "The first operand must be distinct from the remaining operands for this operator or"
                    f" function; operator: {operator}, first operand: {binding.shown(path)}"
                )

    def _compare(self, tree: Tree) -> Check:
        _, operator, left, right = tree
        self._distinct(operator, left, right)
        if operator in MIRRORED and operator != "=":
            self._check_types(operator, (left, right), SCALARS)
            if left[0] == "value":
                left, right, operator = right, left, MIRRORED[operator]
            bound = self._constant(right)
            if bound is not None:
                return _ordered(operator, self.operand(left), bound)
        one, other = self.operand(left), self.operand(right)
        return lambda item: binding.compare(operator, one(item), other(item))

    def _between(self, tree: Tree) -> Check:
        self._check_types("BETWEEN", tree[1:], SCALARS)
        bounds = self._constant(tree[2]), self._constant(tree[3])
        if bounds[0] is not None and bounds[1] is not None:
            check_between(self.binder.kind, bounds[0], bounds[1])
        operand, low, high = (self.operand(each) for each in tree[1:])

        def between(item: Item) -> bool:
            value = operand(item)
            return binding.compare(">=", value, low(item)) and binding.compare("<=", value, high(item))

        return between

    def _call(self, tree: Tree) -> Check:
        _, name, arguments = tree
        if name in ("attribute_exists", "attribute_not_exists"):
            if arguments[0][0] != "path":
                raise self.binder.refuse(
                    f"Operator or function requires a document path; operator or function: {name}"
                )
            operand = self.operand(arguments[0])
            if name == "attribute_exists":
                return lambda item: operand(item) is not None
            return lambda item: operand(item) is None
        first, second = arguments
        self._distinct(name, first, second)
        if name == "attribute_type":
            return self._attribute_type(first, second)
        if name == "begins_with":
            self._check_types(name, arguments, frozenset({"S", "B"}))
        operand, part = self.operand(first), self.operand(second)
        function = binding.begins_with if name == "begins_with" else binding.contains

        def test(item: Item) -> bool:
            value, wanted = operand(item), part(item)
            return value is not None and wanted is not None and function(value, wanted)

        return test

    def _attribute_type(self, first: Tree, second: Tree) -> Check:
        kind = self._type(second)
        if kind != "S":
            raise self._operand_type("attribute_type", kind or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
        wanted = self.binder.value(second[1])["S"]
        if wanted not in _TYPES:
            raise self.binder.refuse(
                f"Invalid attribute type name found; type: {wanted}, valid types:"
                " {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
            )
        operand = self.operand(first)

        def test(item: Item) -> bool:
            value = operand(item)
            return value is not None and wanted in value

        return test


def _negated(inner: Check) -> Check:
    return lambda item: not inner(item)


def _both(left: Check, right: Check) -> Check:
    return lambda item: left(item) and right(item)


def _either(left: Check, right: Check) -> Check:
    return lambda item: left(item) or right(item)


def _ordered(operator: str, operand: Read, bound: Value) -> Check:
    """A comparison with a constant, which is made comparable once and not for each item."""
    kind, limit, holds = binding.kind_of(bound), binding.sortable(bound), binding.ORDERS[operator]

    def test(item: Item) -> bool:
        value = operand(item)
        return value is not None and kind in value and holds(binding.sortable(value), limit)

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


def compile_condition(
    text: str,
    names: Names,
    values: Values,
    kind: str = "ConditionExpression",
    used: Used | None = None,
) -> Predicate:
    """The predicate of a condition or filter expression. Raises ValidationException."""
    compiler = Compiler(Binder(kind, names, values, used if used is not None else Used()))
    return Predicate(compiler.condition(parse_condition(kind, text)), compiler.paths)
