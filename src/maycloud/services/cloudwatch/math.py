"""Metric math: expressions over time series.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html#metric-math-syntax-functions-list
A value is a number, a Series or a list of Series, which AWS calls S, TS and TS[].
"""

import bisect
import itertools
import math
import operator
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from maycloud.services.cloudwatch.expressions import ExpressionError, Tree


@dataclass(slots=True)
class Series:
    """Values by time in epoch seconds."""

    points: dict[int, float]
    period: int
    label: str = ""


Value = Any  # float, str, Series or list[Series]
Search = Callable[[str, str, int], list[Series]]  # expression, statistic and period

_BINARY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right,
    "^": math.pow,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
}


@dataclass(slots=True)
class Math:
    """Evaluates the expressions of one request. `times` are the moments of its range, by period."""

    known: dict[str, Value]  # by the id of a query
    metrics: list[str]  # ids of the queries that are metrics, for METRICS()
    times: Callable[[int], list[int]]
    search: Search
    period: int = 300
    _depth: int = field(default=0)

    def value(self, tree: Tree) -> Value:
        kind = tree[0]
        if kind in ("number", "text"):
            return tree[1]
        if kind == "id":
            if tree[1] not in self.known:
                raise ExpressionError(f"Unrecognized metric or expression '{tree[1]}'")
            return self.known[tree[1]]
        if kind == "list":
            return [each for part in tree[1] for each in _several(self.value(part))]
        if kind == "unary":
            return _each(self.value(tree[2]), operator.neg)
        if kind == "binary":
            return _combine(_BINARY[tree[1]], self.value(tree[2]), self.value(tree[3]))
        return self._call(tree[1], tree[2])

    def _call(self, name: str, trees: list[Tree]) -> Value:
        if name == "FILL" and len(trees) == 2 and trees[1][0] == "id" and trees[1][1] not in self.known:
            return self._fill(self.value(trees[0]), trees[1][1].upper())
        if name == "SORT" and len(trees) > 1:
            return _sort(_several(self.value(trees[0])), trees[1:])
        arguments = [self.value(tree) for tree in trees]
        if name in ("METRICS", "SEARCH", "TIME_SERIES", "FILL"):
            return self._of_request(name, arguments)
        if name not in _FUNCTIONS:
            raise ExpressionError(f"Unsupported function '{name}'")
        least, most, function = _FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise ExpressionError(f"Incorrect number of arguments for '{name}'")
        return function(*arguments)

    def _of_request(self, name: str, arguments: list[Value]) -> Value:
        """Functions that need more than their arguments."""
        if name == "METRICS":
            part = str(arguments[0]) if arguments else ""
            return [each for id_ in self.metrics if part in id_ for each in _several(self.known[id_])]
        if name == "SEARCH":
            if not 2 <= len(arguments) <= 3 or not all(isinstance(each, str) for each in arguments[:2]):
                raise ExpressionError("Incorrect number of arguments for 'SEARCH'")
            period = int(_scalar(arguments[2])) if arguments[2:] else self.period
            return self.search(arguments[0], arguments[1], period)
        if name == "TIME_SERIES":
            given = _scalar(arguments[0] if arguments else None)
            return Series(dict.fromkeys(self.times(self.period), given), self.period)
        if len(arguments) != 2:
            raise ExpressionError("Incorrect number of arguments for 'FILL'")
        return self._fill(arguments[0], arguments[1])

    def _fill(self, given: Value, how: Value) -> Value:
        if isinstance(given, list):
            return [self._fill(each, how) for each in given]
        series = _series(given)
        moments = self.times(series.period)
        if isinstance(how, Series):
            points = {at: how.points[at] for at in moments if at in how.points}
        elif how == "REPEAT":
            points = _repeated(series, moments)
        elif how == "LINEAR":
            points = _linear(series, moments)
        else:
            points = dict.fromkeys(moments, _scalar(how))
        return replace(series, points=dict(sorted({**points, **series.points}.items())))


def _several(value: Value) -> list[Series]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(each, Series) for each in found):
        raise ExpressionError("Unsupported operand type(s): expected time series")
    return found


def _series(value: Value) -> Series:
    if not isinstance(value, Series):
        raise ExpressionError("Unsupported operand type(s): expected a single time series")
    return value


def _scalar(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError("Unsupported operand type(s): expected a number")
    return float(value)


def _computed(work: Callable[[], float]) -> float | None:
    """A value; None for what has none, such as a division by nothing: there is no point then."""
    try:
        found = work()
    except (ArithmeticError, ValueError):
        return None
    return found if isinstance(found, float) and math.isfinite(found) else None


def _number(work: Callable[[], float]) -> float:
    """The same where there must be one."""
    found = _computed(work)
    return 0.0 if found is None else found


def _each(value: Value, function: Callable[[float], float]) -> Value:
    if isinstance(value, list):
        return [_each(each, function) for each in value]
    if isinstance(value, Series):
        found = {
            at: _computed(lambda point=point: float(function(point))) for at, point in value.points.items()
        }
        return replace(value, points={at: point for at, point in found.items() if point is not None})
    return _number(lambda: float(function(_scalar(value))))


def _combine(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Numbers with numbers; a series with what it shares times with; a list's series one by one."""
    if isinstance(left, list) and isinstance(right, list):
        raise ExpressionError("Unsupported operand type(s): both sides are lists of time series")
    if isinstance(left, list):
        return [_combine(function, each, right) for each in left]
    if isinstance(right, list):
        return [replace(_combine(function, left, each), label=each.label) for each in right]
    if isinstance(left, Series) and isinstance(right, Series):
        shared = [at for at in left.points if at in right.points]
        pairs = {at: (left.points[at], right.points[at]) for at in shared}
        found = {at: _computed(lambda pair=pair: float(function(*pair))) for at, pair in pairs.items()}
        period = max(left.period, right.period)
        return Series({at: point for at, point in found.items() if point is not None}, period, left.label)
    if isinstance(left, Series):
        other = _scalar(right)
        return _each(left, lambda point: function(point, other))
    if isinstance(right, Series):
        other = _scalar(left)
        return _each(right, lambda point: function(other, point))
    return _number(lambda: float(function(_scalar(left), _scalar(right))))


def _fold(name: str, function: Callable[[list[float]], float]) -> Callable[[Value], Value]:
    """A series becomes a number; a list of them one series, of what there is at each time."""

    def fold(value: Value) -> Value:
        if isinstance(value, Series):
            return _number(lambda: float(function(list(value.points.values())))) if value.points else 0.0
        listed = _several(value)
        times = sorted({at for each in listed for at in each.points})
        rows = {at: [each.points[at] for each in listed if at in each.points] for at in times}
        points = {at: _number(lambda row=row: float(function(row))) for at, row in rows.items()}
        return Series(points, max((each.period for each in listed), default=60), name)

    return fold


def _walked(function: Callable[[float, float, int], float | None]) -> Callable[[Value], Value]:
    """Each value with the one before it and the seconds between."""

    def walk(value: Value) -> Value:
        if isinstance(value, list):
            return [walk(each) for each in value]
        series = _series(value)
        times = sorted(series.points)
        found = {
            at: function(series.points[before], series.points[at], at - before)
            for before, at in itertools.pairwise(times)
        }
        return replace(series, points={at: point for at, point in found.items() if point is not None})

    return walk


def _running_sum(value: Value) -> Value:
    if isinstance(value, list):
        return [_running_sum(each) for each in value]
    series, total = _series(value), 0.0
    points: dict[int, float] = {}
    for at in sorted(series.points):
        total += series.points[at]
        points[at] = total
    return replace(series, points=points)


def _if(condition: Value, then: Value, other: Value = None) -> Value:
    if not isinstance(condition, Series):
        chosen = then if _scalar(condition) else other
        return Series({}, 60) if chosen is None else chosen
    points: dict[int, float] = {}
    for at, holds in condition.points.items():
        chosen = then if holds else other
        point = chosen.points.get(at) if isinstance(chosen, Series) else chosen
        if point is not None:
            points[at] = _scalar(point)
    return replace(condition, points=points, label="")


def _calendar(part: Callable[[datetime], float]) -> Callable[[Value], Value]:
    def of(value: Value) -> Value:
        series = _series(value)
        return replace(
            series, points={at: float(part(datetime.fromtimestamp(at, UTC))) for at in series.points}
        )

    return of


def _repeated(series: Series, moments: list[int]) -> dict[int, float]:
    points: dict[int, float] = {}
    last: float | None = None
    for at in moments:
        last = series.points.get(at, last)
        if last is not None:
            points[at] = last
    return points


def _linear(series: Series, moments: list[int]) -> dict[int, float]:
    """Between two values on their line; before the first and after the last as those are."""
    times = sorted(series.points)
    points: dict[int, float] = {}
    for at in moments if times else ():
        index = bisect.bisect_right(times, at)
        before = times[max(0, index - 1)]
        after = before if before == at else times[min(index, len(times) - 1)]
        low, high = series.points[before], series.points[after]
        points[at] = low if before >= after else low + (high - low) * (at - before) / (after - before)
    return points


def _slice(value: Value, start: Value, end: Value = None) -> Value:
    listed, first = _several(value), int(_scalar(start))
    if end is None:
        return listed[first] if 0 <= first < len(listed) else Series({}, 60)
    return listed[max(0, first) : max(0, int(_scalar(end)))]


def _sort(listed: list[Series], trees: list[Tree]) -> list[Series]:
    """SORT(series, AVG, DESC, 5): by a function, upwards or downwards, so many of them."""
    words = [str(tree[1]).upper() for tree in trees]
    if words[0] not in _FOLDS or len(words) < 2 or words[1] not in ("ASC", "DESC"):
        raise ExpressionError("Incorrect arguments for 'SORT'")
    found = sorted(listed, key=_FOLDS[words[0]], reverse=words[1] == "DESC")
    return found[: int(trees[2][1])] if len(trees) > 2 and trees[2][0] == "number" else found


_FOLDS = {
    "AVG": _fold("AVG", lambda values: sum(values) / len(values)),
    "MAX": _fold("MAX", max),
    "MIN": _fold("MIN", min),
    "STDDEV": _fold("STDDEV", statistics.pstdev),
    "SUM": _fold("SUM", sum),
    "DATAPOINT_COUNT": _fold("DATAPOINT_COUNT", len),
}
# Least and most arguments, and what is done with them.
_FUNCTIONS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    **{name: (1, 1, function) for name, function in _FOLDS.items()},
    **{
        name: (1, 1, lambda value, function=function: _each(value, function))
        for name, function in (
            ("ABS", abs), ("CEIL", math.ceil), ("FLOOR", math.floor), ("EXP", math.exp), ("LOG", math.log),
            ("LOG10", math.log10),
        )
    },
    "DIFF": (1, 1, _walked(lambda before, now, _seconds: now - before)),
    "DIFF_TIME": (1, 1, _walked(lambda _before, _now, seconds: float(seconds))),
    "RATE": (1, 1, _walked(lambda before, now, seconds: (now - before) / seconds)),
    "RUNNING_SUM": (1, 1, _running_sum),
    "IF": (2, 3, _if),
    "PERIOD": (1, 1, lambda value: float(_series(value).period)),
    "METRIC_COUNT": (1, 1, lambda value: float(len(_several(value)))),
    "FIRST": (1, 1, lambda value: (_several(value) or [Series({}, 60)])[0]),
    "LAST": (1, 1, lambda value: (_several(value) or [Series({}, 60)])[-1]),
    "REMOVE_EMPTY": (1, 1, lambda value: [each for each in _several(value) if each.points]),
    "SLICE": (2, 3, _slice),
    "MINUTE": (1, 1, _calendar(lambda moment: moment.minute)),
    "HOUR": (1, 1, _calendar(lambda moment: moment.hour)),
    "DAY": (1, 1, _calendar(lambda moment: moment.isoweekday())),
    "DATE": (1, 1, _calendar(lambda moment: moment.day)),
    "MONTH": (1, 1, _calendar(lambda moment: moment.month)),
    "YEAR": (1, 1, _calendar(lambda moment: moment.year)),
    "EPOCH": (1, 1, _calendar(lambda moment: moment.timestamp())),
}  # fmt: skip
