"""Scalars of templates turned into the types that operations take.

A template may write ``"256"`` for 256, ``"true"`` for true and 3 for "3": parameters are always strings, and
CloudFormation turns each into what the property's type wants. The types are those of the service's model.
"""

import functools
from typing import Any

from maycloud.errors import AwsError
from maycloud.wire.models import Model, Shape


@functools.lru_cache(maxsize=8)
def _model(service: str) -> Model:
    return Model(service)


def coerce(service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """A copy of `params` with its scalars in the types of the operation's input.

    Raises AwsError for what cannot be turned: ``#/MemorySize: expected type: Integer, found: String``.
    """
    model = _model(service)
    if operation not in model.operations:
        return params
    return _structure(model, model.input(operation), params, "#")


def _structure(model: Model, shape: Shape, value: dict[str, Any], path: str) -> dict[str, Any]:
    members = shape.get("members", {})
    return {
        name: _value(model, model.member(members[name]), item, f"{path}/{name}") if name in members else item
        for name, item in value.items()
        if item is not None
    }


def _value(model: Model, shape: Shape, value: Any, path: str) -> Any:
    kind = shape["type"]
    if shape.get("document") or value is None:
        return value
    if kind == "structure":
        if not isinstance(value, dict):
            raise _wrong("JSONObject", value, path)
        return _structure(model, shape, value, path)
    if kind == "list":
        member = model.member(shape["member"])
        items = value if isinstance(value, list) else [value]
        return [_value(model, member, item, f"{path}/{index}") for index, item in enumerate(items)]
    if kind == "map":
        if not isinstance(value, dict):
            raise _wrong("JSONObject", value, path)
        member = model.member(shape["value"])
        return {str(key): _value(model, member, item, f"{path}/{key}") for key, item in value.items()}
    return _scalar(kind, value, path)


def _scalar(kind: str, value: Any, path: str) -> Any:
    if kind == "boolean":
        found = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(found, bool):
            raise _wrong("Boolean", value, path)
        return found
    if kind in ("integer", "long"):
        return _number("Integer", value, int, path)
    if kind in ("float", "double"):
        return _number("Number", value, float, path)
    if kind == "string":
        if isinstance(value, dict | list):
            raise _wrong("String", value, path)
        return text(value)
    return value


def _number(name: str, value: Any, type_: type[int] | type[float], path: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong(name, value, path)
    if isinstance(value, float) and type_ is int and not value.is_integer():
        raise _wrong(name, value, path)
    try:
        return type_(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError) as failure:
        raise _wrong(name, value, path) from failure


_FOUND = {dict: "JSONObject", list: "JSONArray", bool: "Boolean", int: "Integer", float: "Number"}


def _wrong(expected: str, value: Any, path: str) -> AwsError:
    found = _FOUND.get(type(value), "String")
    return AwsError("ValidationError", f"{path}: expected type: {expected}, found: {found}")


def text(value: Any) -> str:
    """A scalar as CloudFormation writes it into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
