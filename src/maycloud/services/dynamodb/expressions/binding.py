"""Trees bound to a request's names and values; values compared as DynamoDB compares them."""

from base64 import b64decode
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dynamodb.expressions.lexer import Names, Used, Values
from maycloud.services.dynamodb.expressions.parser import Path
from maycloud.services.dynamodb.values import Item, Value

Read = Callable[[Item], Value | None]

SETS = frozenset({"SS", "NS", "BS"})


class Binder:
    """Looks names and values up, and notes that they were used."""

    def __init__(self, kind: str, names: Names, values: Values, used: Used) -> None:
        self.kind = kind
        self._names = names or {}
        self._values = values or {}
        self._used = used

    def refuse(self, message: str) -> AwsError:
        return validation(f"Invalid {self.kind}: {message}")

    def path(self, path: Path) -> Path:
        """The path with its placeholders filled in."""
        return tuple(
            self._name(each) if isinstance(each, str) and each.startswith("#") else each for each in path
        )

    def _name(self, placeholder: str) -> str:
        self._used.names.add(placeholder)
        name = self._names.get(placeholder)
        if name is None:
            raise self.refuse(
                "An expression attribute name used in the document path is not defined; attribute name:"
                f" {placeholder}"
            )
        return name

    def value(self, placeholder: str) -> Value:
        self._used.values.add(placeholder)
        value = self._values.get(placeholder)
        if value is None:
            raise self.refuse(
                "An expression attribute value used in expression is not defined; attribute value:"
                f" {placeholder}"
            )
        return value


def read(path: Path, item: Item) -> Value | None:
    """The value at a path, None where there is none."""
    value = item.get(path[0])  # type: ignore[arg-type]
    for element in path[1:]:
        if value is None:
            return None
        if isinstance(element, int):
            items = value.get("L")
            value = items[element] if items is not None and element < len(items) else None
        else:
            members = value.get("M")
            value = members.get(element) if members is not None else None
    return value


def shown(path: Path) -> str:
    """A path as errors show it: ``[a, b, [0]]``."""
    return "[" + ", ".join(f"[{each}]" if isinstance(each, int) else each for each in path) + "]"


def shown_value(value: Value) -> str:
    ((kind, content),) = value.items()
    return f"AttributeValue: {{{kind}:{content}}}"


def kind_of(value: Value) -> str:
    return next(iter(value))


def equal(one: Value, other: Value) -> bool:
    """Numbers are in canonical form, so texts tell; sets have no order."""
    if one == other:
        return True
    kind = kind_of(one)
    if kind != kind_of(other):
        return False
    if kind in SETS:
        return set(one[kind]) == set(other[kind])
    if kind == "L":
        return len(one["L"]) == len(other["L"]) and all(map(equal, one["L"], other["L"]))
    if kind == "M":
        return one["M"].keys() == other["M"].keys() and all(
            equal(value, other["M"][name]) for name, value in one["M"].items()
        )
    return False


def order(one: Value, other: Value) -> int | None:
    """-1, 0 or 1; None for values that have no order between them."""
    kind = kind_of(one)
    if kind != kind_of(other) or kind not in ("S", "N", "B"):
        return None
    left, right = sortable(one), sortable(other)
    return (left > right) - (left < right)


def sortable(value: Value) -> Any:
    ((kind, content),) = value.items()
    if kind == "N":
        return Decimal(content)
    return b64decode(content) if kind == "B" else content.encode("utf-8", "surrogatepass")


_TESTS: dict[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def compare(operator: str, one: Value | None, other: Value | None) -> bool:
    """What is not there is unequal to everything, and in no order with it."""
    if one is None or other is None:
        return operator == "<>" and one is not other
    if operator == "=":
        return equal(one, other)
    if operator == "<>":
        return not equal(one, other)
    sign = order(one, other)
    return sign is not None and _TESTS[operator](sign)


def contains(value: Value, part: Value) -> bool:
    """A substring, an element of a set, or an element of a list."""
    kind, wanted = kind_of(value), kind_of(part)
    if kind == "L":
        return any(equal(each, part) for each in value["L"])
    if kind in SETS:
        return kind[0] == wanted and part[wanted] in value[kind]
    if kind != wanted:
        return False
    if kind == "S":
        return part["S"] in value["S"]
    return kind == "B" and b64decode(part["B"]) in b64decode(value["B"])


def begins_with(value: Value, prefix: Value) -> bool:
    kind = kind_of(value)
    if kind != kind_of(prefix) or kind not in ("S", "B"):
        return False
    return sortable(value).startswith(sortable(prefix))


def size(value: Value) -> int | None:
    """Characters, bytes or elements; None for types that have no size."""
    ((kind, content),) = value.items()
    if kind == "B":
        return len(b64decode(content))
    if kind == "S" or kind in SETS or kind in ("L", "M"):
        return len(content)
    return None


def check_overlaps(kind: str, paths: Sequence[Path]) -> None:
    """Refuse paths of which one is within another, or that take one thing for a list and a map."""
    for at, one in enumerate(paths):
        for other in paths[at + 1 :]:
            shared = min(len(one), len(other))
            for position in range(shared):
                left, right = one[position], other[position]
                if left == right:
                    continue
                if isinstance(left, int) != isinstance(right, int):
                    raise _overlap(kind, "conflict", one, other)
                break
            else:
                raise _overlap(kind, "overlap", one, other)


def _overlap(kind: str, how: str, one: Path, other: Path) -> AwsError:
    return validation(
        f"Invalid {kind}: Two document paths {how} with each other; must remove or rewrite one of these"
        f" paths; path one: {shown(one)}, path two: {shown(other)}"
    )
