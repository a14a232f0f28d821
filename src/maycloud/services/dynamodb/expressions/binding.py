"""Trees bound to a request's names and values; values compared as DynamoDB compares them."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dynamodb.expressions.lexer import Names, Used, Values
from maycloud.services.dynamodb.expressions.parser import Path
from maycloud.services.dynamodb.values import Item, Value

Read = Callable[[Item], Value | None]

SETS = frozenset({"SS", "NS", "BS"})
SCALARS = frozenset({"S", "N", "B"})


class Binder:
    """Looks names and values up, and notes that they were used. Made before the expression is parsed, as
    errors in the names go first."""

    def __init__(self, kind: str, names: Names, values: Values, used: Used) -> None:
        used.check_names(names)
        self.kind = kind
        self._names = names or {}
        self._values = values or {}
        self._used = used

    def refuse(self, message: str) -> AwsError:
        return validation(f"Invalid {self.kind}: {message}")

    def define(self, placeholders: Iterable[str]) -> None:
        """All of them must be known."""
        for each in placeholders:
            if each[0] == "#":
                self._used.names.add(each)
                if each not in self._names:
                    raise self.refuse(
                        "An expression attribute name used in the document path is not defined; attribute"
                        f" name: {each}"
                    )
            else:
                self._used.values.add(each)
                if each not in self._values:
                    raise self.refuse(
                        "An expression attribute value used in expression is not defined; attribute value:"
                        f" {each}"
                    )

    def path(self, path: Path) -> Path:
        """The path with its placeholders, which are defined, filled in."""
        return tuple(self._names[each] if isinstance(each, str) and each[0] == "#" else each for each in path)

    def value(self, placeholder: str) -> Value:
        return self._values[placeholder]


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
    """Numbers are canonical, so their texts tell; sets have no order; a binary may be written in two ways."""
    if one == other:
        return True
    kind = kind_of(one)
    if kind != kind_of(other):
        return False
    if kind in SETS:
        return members(kind, one[kind]) == members(kind, other[kind])
    if kind == "B":
        return b64decode(one["B"]) == b64decode(other["B"])
    if kind == "L":
        return len(one["L"]) == len(other["L"]) and all(map(equal, one["L"], other["L"]))
    if kind == "M":
        return one["M"].keys() == other["M"].keys() and all(
            equal(value, other["M"][name]) for name, value in one["M"].items()
        )
    return False


def member(kind: str, content: str) -> Any:
    """An element of a set as what it is compared by."""
    return b64decode(content) if kind == "BS" else content


def members(kind: str, contents: list[str]) -> set[Any]:
    return {member(kind, each) for each in contents}


def order(one: Value, other: Value) -> int | None:
    """-1, 0 or 1; None for values that have no order between them."""
    kind = kind_of(one)
    if kind != kind_of(other) or kind not in SCALARS:
        return None
    left, right = sortable(one), sortable(other)
    return (left > right) - (left < right)


def sortable(value: Value) -> Any:
    """Strings are in order of their code points, which is that of their UTF-8 too."""
    ((kind, content),) = value.items()
    if kind == "N":
        return Decimal(content)
    return b64decode(content) if kind == "B" else content


ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def compare(operator: str, one: Value | None, other: Value | None) -> bool:
    """What is not there is unequal to everything, and in no order with it."""
    if one is None or other is None:
        return operator == "<>"
    if operator == "=":
        return equal(one, other)
    if operator == "<>":
        return not equal(one, other)
    kind = kind_of(one)
    if kind != kind_of(other) or kind not in SCALARS:
        return False
    return ORDERS[operator](sortable(one), sortable(other))


def contains(value: Value, part: Value) -> bool:
    """A substring, an element of a set, or an element of a list."""
    kind, wanted = kind_of(value), kind_of(part)
    if kind == "L":
        return any(equal(each, part) for each in value["L"])
    if kind in SETS:
        if kind[0] != wanted:
            return False
        contents = value[kind] if kind != "BS" else members(kind, value[kind])
        return member(kind, part[wanted]) in contents
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


class _Node:
    """An element that paths go through: the first of them, and whether it ends here."""

    __slots__ = ("below", "ends", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.below: dict[str | int, _Node] = {}
        self.ends = False


def check_overlaps(kind: str, paths: Sequence[Path]) -> None:
    """Refuse paths of which one is within another, or that take one thing for a list and a map."""
    if len({path[0] for path in paths}) == len(paths):
        return
    root, conflict = _Node(()), None
    for path in paths:
        node = root
        for element in path:
            if node.ends:
                raise _overlap(kind, "overlap", node.path, path)
            below = node.below.get(element)
            if below is None:
                beside = next(iter(node.below), element)
                if conflict is None and isinstance(beside, int) != isinstance(element, int):
                    conflict = node.below[beside].path, path
                below = node.below[element] = _Node(path)
            node = below
        if node.ends or node.below:
            raise _overlap(kind, "overlap", node.path, path)
        node.ends = True
    if conflict is not None:
        raise _overlap(kind, "conflict", *conflict)


def _overlap(kind: str, how: str, one: Path, other: Path) -> AwsError:
    return validation(
        f"Invalid {kind}: Two document paths {how} with each other; must remove or rewrite one of these"
        f" paths; path one: {shown(one)}, path two: {shown(other)}"
    )
