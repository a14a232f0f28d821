"""What keeps a Velocity template from holding up the cloud: a budget of work, bounded texts and numbers.

Whatever can make much of little, by repeating, doubling or comparing, spends of the budget before it does.
"""

import contextvars
import operator
from collections.abc import Callable
from typing import Any

import airspeed

MAX_WORK = 200_000  # names looked up, items looped over, values printed and compared, of one rendering
MAX_OUTPUT = 10 << 20  # characters
_MOST = 1 << 128  # of a number: more than Velocity's own types hold

work: contextvars.ContextVar[list[int] | None] = contextvars.ContextVar("velocity_work", default=None)


class TemplateError(Exception):
    """The template is malformed, does too much, or calls what is not there."""


def spend(amount: int) -> None:
    """Take from the budget of the rendering that goes on, if one does."""
    budget = work.get()
    if budget is None:
        return
    budget[0] += amount
    if budget[0] > MAX_WORK:
        raise TemplateError("The template does too much")


def spend_text(length: int) -> None:
    """For a text of so many characters."""
    if length > MAX_OUTPUT:
        raise TemplateError("The template makes too long a text")
    spend(length // 256)


class BoundedStream(airspeed.StoppableStream):
    """Replaces airspeed's own stream: text that loops write is bounded, too."""

    def write(self, s: str) -> None:
        if self.tell() + len(s) > MAX_OUTPUT:
            raise TemplateError("The template's output is too long")
        spend(1 + len(s) // 256)
        super().write(s)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; each value within them is paid for."""
    spend(1)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, str) and isinstance(other, str):
        spend_text(len(one))
    return bool(one == other)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateError("Only numbers can be calculated with")
    return value


def _bounded(calculate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def within(one: Any, other: Any) -> Any:
        found = calculate(_number(one), _number(other))
        if isinstance(found, int) and abs(found) > _MOST:
            raise TemplateError("The number is too large")
        return found

    return within


def _plus(one: Any, other: Any) -> Any:
    if isinstance(one, str) or isinstance(other, str):
        texts = [each if isinstance(each, str) else str(_number(each)) for each in (one, other)]
        spend_text(len(texts[0]) + len(texts[1]))
        return texts[0] + texts[1]
    return _bounded(operator.add)(one, other)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def within(one: Any, other: Any) -> bool:
        if not (isinstance(one, str) and isinstance(other, str)):
            return compare(_number(one), _number(other))
        return compare(one, other)

    return within


_more, _least = _ordered(operator.gt), _ordered(operator.ge)
_less, _most = _ordered(operator.lt), _ordered(operator.le)


def _different(one: Any, other: Any) -> bool:
    return not same(one, other)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">": _more, "gt": _more, ">=": _least, "ge": _least, "<": _less, "lt": _less, "<=": _most, "le": _most,
    "==": same, "eq": same, "!=": _different, "ne": _different,
    "+": _plus, "-": _bounded(operator.sub), "*": _bounded(operator.mul), "%": _bounded(operator.mod),
    "/": _bounded(operator.floordiv),
}  # fmt: skip
