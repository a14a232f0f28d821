"""Keywords of JSON Schema as models use them, so that neither a model nor a body keeps the cloud busy.

Draft4Validator's own ask Python's `re` for patterns, compare every item with every other one, and follow
references that multiply. Here each keyword looks at a clock: that of the thread's own work, so that a busy
machine refuses nothing.
"""

import contextvars
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from maycloud import patterns

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


_until: contextvars.ContextVar[float] = contextvars.ContextVar("schema_until")


class TakesTooLongError(Exception):
    """A validation that went on for too long was given up."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Validations in this block may take so long; TakesTooLongError after."""
    token = _until.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def _watched(keyword: Callable[..., Any]) -> Callable[..., "Iterator[ValidationError]"]:
    def watched(validator: Any, value: Any, instance: Any, schema: Any) -> "Iterator[ValidationError]":
        if time.thread_time() > _until.get():
            raise TakesTooLongError
        yield from keyword(validator, value, instance, schema) or ()

    return watched


def bounded(keywords: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., "Iterator[ValidationError]"]]:
    """Draft 4's keywords, with ours in the place of those that have no end."""
    return {name: _watched(keyword) for name, keyword in (keywords | _OURS).items()}


def found(pattern: str, text: str) -> bool:
    try:
        return patterns.search(pattern, text)
    except patterns.PatternError:
        return False


def comparable(value: Any) -> Any:
    """A value that is equal, and has the same hash, where JSON Schema finds values equal."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return tuple(map(comparable, value))
    if isinstance(value, dict):
        return frozenset((name, comparable(member)) for name, member in value.items())
    return value


def _error(message: str) -> "ValidationError":
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> "Iterator[ValidationError]":
    if isinstance(value, str) and not found(pattern, value):
        yield _error(f"{value!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, properties: dict[str, Any], value: Any, _schema: Any
) -> "Iterator[ValidationError]":
    if not isinstance(value, dict):
        return
    for pattern, subschema in properties.items():
        for name, member in value.items():
            if found(pattern, name):
                yield from validator.descend(member, subschema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, additional: Any, value: Any, schema: dict[str, Any]
) -> "Iterator[ValidationError]":
    if not isinstance(value, dict):
        return
    known, by_pattern = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [
        name
        for name in value
        if name not in known and not any(found(pattern, name) for pattern in by_pattern)
    ]
    if isinstance(additional, dict):
        for name in extra:
            yield from validator.descend(value[name], additional, path=name)
    elif not additional and extra:
        yield _error("Additional properties are not allowed")


def _unique_items(_validator: Any, unique: bool, value: Any, _schema: Any) -> "Iterator[ValidationError]":
    if unique and isinstance(value, list) and len({comparable(item) for item in value}) < len(value):
        yield _error("array must not contain duplicate elements")


def _enum(_validator: Any, members: list[Any], value: Any, _schema: Any) -> "Iterator[ValidationError]":
    wanted = comparable(value)
    if not any(comparable(member) == wanted for member in members):
        yield _error(f"{value!r} is not one of {members!r}")


def _reference(validator: Any, reference: Any, value: Any, _schema: Any) -> "Iterator[ValidationError]":
    if not isinstance(reference, str):
        yield _error("a reference is no text")
        return
    yield from validator._validate_reference(ref=reference, instance=value)


_OURS: dict[str, Callable[..., Any]] = {
    "$ref": _reference,
    "additionalProperties": _additional_properties,
    "enum": _enum,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}
