"""Scalars of templates turned into the types that operations take.

A template may write ``"256"`` for 256, ``"true"`` for true and 3 for "3": parameters are always strings, and
CloudFormation turns each into what the property's type wants. The types are those of the service's model.
"""

import functools
from typing import Any

from maycloud.wire.models import Model, Shape


@functools.lru_cache(maxsize=8)
def _model(service: str) -> Model:
    return Model(service)


def coerce(service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """A copy of `params` with its scalars in the types of the operation's input."""
    model = _model(service)
    if operation not in model.operations:
        return params
    return _structure(model, model.input(operation), params)


def _structure(model: Model, shape: Shape, value: dict[str, Any]) -> dict[str, Any]:
    members = shape.get("members", {})
    return {
        name: _value(model, model.member(members[name]), item) if name in members else item
        for name, item in value.items()
        if item is not None
    }


def _value(model: Model, shape: Shape, value: Any) -> Any:
    kind = shape["type"]
    if kind == "structure":
        if shape.get("document") or not isinstance(value, dict):
            return value
        return _structure(model, shape, value)
    if kind == "list":
        member = model.member(shape["member"])
        items = value if isinstance(value, list) else [value]
        return [_value(model, member, item) for item in items]
    if kind == "map":
        if not isinstance(value, dict):
            return value
        member = model.member(shape["value"])
        return {str(key): _value(model, member, item) for key, item in value.items()}
    return _scalar(kind, value)


def _scalar(kind: str, value: Any) -> Any:
    """What cannot be turned is left as it is, for the operation to refuse in its own words."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value
    if kind in ("integer", "long"):
        return _number(value, int)
    if kind in ("float", "double"):
        return _number(value, float)
    if kind == "string" and isinstance(value, bool | int | float):
        return text(value)
    return value


def _number(value: Any, type_: type[int] | type[float]) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return type_(value.strip())
    except ValueError:
        return value


def text(value: Any) -> str:
    """A scalar as CloudFormation writes it into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
