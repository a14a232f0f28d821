"""SEARCH of metric math: which metrics an expression such as ``{AWS/Lambda,FunctionName} Errors`` means.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from maycloud.services.cloudwatch.expressions import ExpressionError
from maycloud.services.cloudwatch.store import Dimensions

MAX_FOUND = 100  # metrics of one search
MAX_DEPTH = 50

_TOKEN = re.compile(r"\s*(?:(?P<quoted>\"[^\"]*\")|(?P<sign>[()=])|(?P<word>[^\s()=\"]+))")
_SCHEMA = re.compile(r"\s*\{([^}]*)\}")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

Test = Callable[["Metric"], bool]


@dataclass(frozen=True, slots=True)
class Metric:
    namespace: str
    name: str
    dimensions: Dimensions

    def values(self, field: str) -> list[str]:
        """The values that a designator means; all of them without one."""
        pairs = {pair["Name"]: pair["Value"] for pair in self.dimensions}
        if field == "MetricName":
            return [self.name]
        if field == "Namespace":
            return [self.namespace]
        if field:
            return [pairs[field]] if field in pairs else []
        return [self.namespace, self.name, *pairs, *pairs.values()]


def search(text: str, metrics: Iterable[Metric]) -> list[Metric]:
    """Metrics that the expression means, the first hundred. Raises ExpressionError."""
    schema = _SCHEMA.match(text)
    if schema is None:
        test = _Reader(text).all()
        return [metric for metric in metrics if test(metric)][:MAX_FOUND]
    namespace, *names = (part.strip().strip('"') for part in schema[1].split(","))
    rest = text[schema.end() :]
    test = _Reader(rest).all() if rest.strip() else _everything
    wanted = set(names)
    return [
        metric
        for metric in metrics
        if metric.namespace == namespace
        and {pair["Name"] for pair in metric.dimensions} == wanted
        and test(metric)
    ][:MAX_FOUND]


def _everything(_metric: Metric) -> bool:
    return True


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise ExpressionError("Invalid syntax in SEARCH")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._at = 0
        self._depth = 0

    def _next(self, ahead: int = 0) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ("end", "")

    def all(self) -> Test:
        test = self._any("")
        if self._next()[0] != "end":
            raise ExpressionError("Invalid syntax in SEARCH")
        return test

    def _any(self, field: str) -> Test:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError("Invalid syntax in SEARCH")
        tests = [self._both(field)]
        while self._next() == ("word", "OR"):
            self._at += 1
            tests.append(self._both(field))
        self._depth -= 1
        return tests[0] if len(tests) == 1 else lambda metric: any(test(metric) for test in tests)

    def _both(self, field: str) -> Test:
        tests = [self._one(field)]
        while self._next() not in (("end", ""), ("sign", ")"), ("word", "OR")):
            if self._next() == ("word", "AND"):
                self._at += 1
            tests.append(self._one(field))
        return tests[0] if len(tests) == 1 else lambda metric: all(test(metric) for test in tests)

    def _one(self, field: str) -> Test:
        kind, word = self._next()
        self._at += 1
        if (kind, word) == ("word", "NOT"):
            if self._next() == ("word", "NOT"):
                raise ExpressionError("Invalid syntax in SEARCH")
            inner = self._one(field)
            return lambda metric: not inner(metric)
        if (kind, word) == ("sign", "("):
            inner = self._any(field)
            if self._next() != ("sign", ")"):
                raise ExpressionError("Invalid syntax in SEARCH")
            self._at += 1
            return inner
        if kind in ("word", "quoted") and self._next() == ("sign", "=") and not field:
            self._at += 1
            if self._next()[0] == "end":
                raise ExpressionError("Invalid syntax in SEARCH")
            return self._one(word.strip('"'))
        if kind == "quoted":
            wanted = word[1:-1]
            return lambda metric: wanted in metric.values(field)
        if kind != "word":
            raise ExpressionError("Invalid syntax in SEARCH")
        parts = _tokens(word)
        return lambda metric: any(_contains(_tokens(value), parts) for value in metric.values(field))


def _tokens(text: str) -> list[str]:
    """Words of a name: ``CPUUtilization`` is cpu and utilization; case does not count."""
    return [part.lower() for part in _PARTS.findall(text)]


def _contains(whole: list[str], parts: list[str]) -> bool:
    """Whether the parts stand in the whole, one after the other; or are it, written as one word."""
    many = len(parts)
    if "".join(whole) == "".join(parts):
        return True
    return many > 0 and any(whole[at : at + many] == parts for at in range(len(whole) - many + 1))
