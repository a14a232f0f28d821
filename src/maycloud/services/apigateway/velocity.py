"""Velocity templates, rendered by airspeed within walls.

airspeed resolves a name to any attribute of a Python object, which would hand a template's author the
interpreter. Here a name means a member of a map, one of Java's methods that Velocity templates use, or a
method that an object of ours lists. Loops and output are bounded: a template cannot hold up the cloud.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import airspeed

from maycloud import patterns
from maycloud.services.apigateway.velocity_bounds import (
    OPERATORS,
    BoundedStream,
    TemplateError,
    same,
    spend,
    spend_text,
    work,
)

__all__ = ["JavaObject", "LenientMap", "List", "Map", "TemplateError", "java", "merge", "text_of"]

MAX_LOOP = 1000  # https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html


class JavaObject:
    """An object that templates may call; `methods` are the names that they see."""

    methods: frozenset[str] = frozenset()


def text_of(value: Any) -> str:
    """A value as Java prints it into a template's output."""
    spend(1)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_inner(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inner(item) for item in value) + "]"
    return str(value)


def _inner(value: Any) -> str:
    return "null" if value is None else text_of(value)


class Map(dict[str, Any]):
    """A map that prints as Java's."""

    def __str__(self) -> str:
        return text_of(dict(self))


class LenientMap(Map):
    """A map whose missing members are empty rather than left as they are written, like $context."""


class List(list[Any]):
    """A list that prints as Java's."""

    def __str__(self) -> str:
        return text_of(list(self))


def java(value: Any) -> Any:
    """A JSON value with maps and lists that print as Java's; true and false as its words."""
    if isinstance(value, dict):
        return Map({key: java(item) for key, item in value.items()})
    if isinstance(value, list):
        return List(java(item) for item in value)
    return value


def _replace(text: str, pattern: str, replacement: str) -> str:
    _spend_replaced(len(text), len(replacement))
    try:
        return patterns.substitute(pattern, re.sub(r"\$(\d)", r"\\\1", replacement), text[:100_000])
    except patterns.PatternError as error:
        raise TemplateError(str(error)) from error


def _literally(text: str, old: str, new: str) -> str:
    _spend_replaced(text.count(old), len(new))
    return text.replace(old, new)


def _spend_replaced(places: int, length: int) -> None:
    """For a replacement of so many characters in so many places, or as many times over."""
    spend_text(places * length)


def _split(text: str, separator: str) -> "List":
    spend(text.count(separator))
    return List(text.split(separator))


def _index(items: list[Any], value: Any) -> int:
    return next((index for index, item in enumerate(items) if same(item, value)), -1)


def _matches(text: str, pattern: str) -> bool:
    try:
        return patterns.fullmatch(pattern, text[:100_000])
    except patterns.PatternError as error:
        raise TemplateError(str(error)) from error


def _entries(of: Mapping[str, Any]) -> List:
    return List(Map(key=key, value=value) for key, value in of.items())


def _put(of: dict[str, Any], key: str, value: Any) -> Any:
    before = of.get(key)
    of[key] = value
    return before


def _put_all(of: dict[str, Any], others: dict[str, Any]) -> None:
    spend(len(others))
    of.update(others)


def _add(of: list[Any], value: Any) -> bool:
    of.append(value)
    return True


_STRING: dict[str, Callable[..., Any]] = {
    "length": len,
    "size": len,
    "isEmpty": lambda text: not text,
    "substring": lambda text, start, end=None: text[int(start) : None if end is None else int(end)],
    "split": _split,
    "replace": _literally,
    "replaceAll": _replace,
    "startsWith": lambda text, prefix: text.startswith(prefix),
    "endsWith": lambda text, suffix: text.endswith(suffix),
    "contains": lambda text, part: part in text,
    "indexOf": lambda text, part: text.find(part),
    "lastIndexOf": lambda text, part: text.rfind(part),
    "equals": lambda text, other: text == other,
    "equalsIgnoreCase": lambda text, other: text.lower() == str(other).lower(),
    "matches": _matches,
    "toLowerCase": lambda text: text.lower(),
    "toUpperCase": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "concat": lambda text, other: text + other,
    "charAt": lambda text, index: text[int(index)],
    "toString": lambda text: text,
}
_LIST: dict[str, Callable[..., Any]] = {
    "size": len,
    "isEmpty": lambda items: not items,
    "get": lambda items, index: items[int(index)],
    "contains": lambda items, value: _index(items, value) >= 0,
    "indexOf": _index,
    "add": _add,
    "addAll": lambda items, others: _add_all(items, others),
    "set": lambda items, index, value: items.__setitem__(int(index), value),
    "remove": lambda items, index: items.pop(int(index)),
    "toString": text_of,
}
_MAP: dict[str, Callable[..., Any]] = {
    "size": len,
    "isEmpty": lambda items: not items,
    "get": lambda items, key: items.get(key),
    "containsKey": lambda items, key: key in items,
    "containsValue": lambda items, value: _index(list(items.values()), value) >= 0,
    "keySet": lambda items: List(items),
    "values": lambda items: List(items.values()),
    "entrySet": _entries,
    "put": _put,
    "putAll": _put_all,
    "remove": lambda items, key: items.pop(key, None),
    "toString": text_of,
}
_NUMBER: dict[str, Callable[..., Any]] = {
    "intValue": int,
    "doubleValue": float,
    "toString": text_of,
    "equals": same,
}


def _add_all(items: list[Any], others: list[Any]) -> bool:
    spend(len(others))
    items.extend(others)
    return bool(others)


def _methods_of(value: Any) -> dict[str, Callable[..., Any]]:
    if isinstance(value, str):
        return _STRING
    if isinstance(value, list):
        return _LIST
    if isinstance(value, dict):
        return _MAP
    if isinstance(value, int | float):
        return _NUMBER
    return {}


def _member(current: Any, name: str) -> Any:
    """What a name means on a value: a member, a method that may be called, or nothing."""
    if isinstance(current, dict) and name in current:
        return current[name]
    if isinstance(current, LenientMap) and name not in _MAP:
        return ""
    if isinstance(current, JavaObject):
        return getattr(current, name) if name in current.methods else None
    method = _methods_of(current).get(name)
    return functools.partial(method, current) if method is not None else None


def _calculate(self: Any, current_object: Any, loader: Any, top_namespace: Any) -> Any:
    """Replaces airspeed's NameOrCall.calculate."""
    spend(1)
    if isinstance(current_object, airspeed.LocalNamespace):
        try:
            result = current_object[self.name]
        except KeyError:
            return None
    else:
        result = _member(current_object, self.name)
    if result is None:
        return None
    if isinstance(result, airspeed._FunctionDefinition):  # pyright: ignore[reportPrivateUsage]
        stream = BoundedStream()
        params = (self.parameters and self.parameters.calculate(top_namespace, loader)) or []
        result.execute_function(stream, top_namespace, params, loader)
        return stream.getvalue()
    if self.parameters is not None:
        if not callable(result):
            raise TemplateError(f"{self.name} cannot be called")
        try:
            result = result(*self.parameters.calculate(top_namespace, loader))
        except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError) as error:
            raise TemplateError(f"{self.name}: {error}") from error
    elif self.index is not None:
        try:
            result = result[self.index.calculate(top_namespace, loader)]
        except (TypeError, IndexError, KeyError):
            return None
    elif callable(result) and not isinstance(result, JavaObject):
        return None  # a method's name without parentheses means nothing
    if isinstance(result, list | dict):
        spend(len(result))
    elif isinstance(result, str):
        spend_text(len(result))
    return result


def _write_reference(self: Any, stream: Any, namespace: Any, loader: Any) -> None:
    """Replaces airspeed's FormalReference.evaluate_raw: values print as Java prints them."""
    value = self.expression.calculate(namespace, loader) if self.expression is not None else None
    if value is None and self.alternate is not None:
        value = self.alternate.calculate(namespace, loader)
    if value is None:
        value = "" if self.silent and self.expression is not None else _unresolved(self.my_text())
    stream.write(text_of(value))


def _unresolved(reference: str) -> str:
    """A reference to nothing stays as it is written; one into API Gateway's own objects is empty."""
    return "" if _OWN.match(reference) else reference


_OWN = re.compile(r"\$\{?(?:input|context|stageVariables|util)\.")


def _calculate_range(self: Any, namespace: Any, loader: Any) -> Any:
    """Replaces airspeed's Range.calculate: within the bound of a loop."""
    found = _range(self, namespace, loader)
    if found is not None and len(found) > MAX_LOOP:
        raise TemplateError(f"A loop may not have more than {MAX_LOOP} iterations")
    spend(len(found) if found is not None else 0)
    return found


_range = airspeed.Range.calculate
airspeed.NameOrCall.calculate = _calculate
airspeed.Range.calculate = _calculate_range
airspeed.FormalReference.evaluate_raw = _write_reference
airspeed.BinaryOperator.OPERATORS |= OPERATORS
airspeed.StoppableStream = BoundedStream


@functools.lru_cache(maxsize=1024)
def _compiled(template: str) -> airspeed.Template:
    compiled = airspeed.Template(template)
    compiled.ensure_compiled()
    return compiled


def merge(template: str, namespace: dict[str, Any]) -> str:
    """The template's output. Raises TemplateError."""
    token = work.set([0])
    output = BoundedStream()
    try:
        _compiled(template).merge_to(namespace, output)
    except airspeed.TemplateError as error:
        raise TemplateError(str(error.__cause__ or error)) from error
    except RecursionError as error:
        raise TemplateError("The template nests too deeply") from error
    finally:
        work.reset(token)
    return output.getvalue()
