"""Projection expressions: the part of an item that some paths lead to."""

from collections.abc import Sequence
from typing import Any

from maycloud.errors import validation
from maycloud.services.dynamodb.expressions.binding import Binder, check_overlaps
from maycloud.services.dynamodb.expressions.lexer import Names, Used
from maycloud.services.dynamodb.expressions.parser import Path, parse_projection
from maycloud.services.dynamodb.values import Item, Value

Wanted = dict[str | int, Any]  # a tree of path elements; an empty one wants all below


class Projection:
    """Picks the parts of an item that paths lead to."""

    __slots__ = ("_wanted", "paths")

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self._wanted: Wanted = {}
        for path in paths:
            node = self._wanted
            for element in path:
                node = node.setdefault(element, {})

    def __call__(self, item: Item) -> Item:
        found: Item = {}
        for name, below in self._wanted.items():
            value = item.get(name)  # type: ignore[call-overload]
            if value is not None:
                part = _pick(value, below)
                if part is not None:
                    found[name] = part  # type: ignore[index]
        return found


def _pick(value: Value, wanted: Wanted) -> Value | None:
    """The wanted part of a value; None if there is nothing of it."""
    if not wanted:
        return value
    if "M" in value:
        members: Item = {}
        for name, below in wanted.items():
            if isinstance(name, str) and name in value["M"]:
                part = _pick(value["M"][name], below)
                if part is not None:
                    members[name] = part
        return {"M": members} if members else None
    if "L" in value:
        items: list[Value] = []
        for index in sorted(each for each in wanted if isinstance(each, int)):
            if index < len(value["L"]):
                part = _pick(value["L"][index], wanted[index])
                if part is not None:
                    items.append(part)
        return {"L": items} if items else None
    return None


def compile_projection(text: str, names: Names, used: Used) -> Projection:
    binder = Binder("ProjectionExpression", names, None, used)
    parsed, placeholders = parse_projection(text)
    binder.define(placeholders)
    paths = [binder.path(path) for path in parsed]
    check_overlaps("ProjectionExpression", paths)
    return Projection(paths)


def attributes_to_get(names: list[str]) -> Projection:
    """The forerunner of projections: whole attributes by name."""
    if len(set(names)) != len(names):
        duplicate = next(name for at, name in enumerate(names) if name in names[:at])
        raise validation(
            f"One or more parameter values were invalid: Duplicate value in attribute name: {duplicate}"
        )
    return Projection([(name,) for name in names])
