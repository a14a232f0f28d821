"""GetMetricData: many series at once, metrics and expressions over them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudwatch.expressions import ExpressionError, Tree, parse
from maycloud.services.cloudwatch.math import Math, Series, Value
from maycloud.services.cloudwatch.search import Metric, search
from maycloud.services.cloudwatch.statistics import SIMPLE, check_period, first_moment, percent_of, statistic
from maycloud.services.cloudwatch.store import Dimensions
from maycloud.services.tokens import is_number

MAX_QUERIES = 500
MAX_POINTS = 100_800  # of one answer
MAX_DEPTH = 100  # expressions of expressions
LISTED = 14 * 86400  # SEARCH finds what had data within two weeks

_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


def _wrong(message: str) -> AwsError:
    return AwsError("ValidationError", message)


@dataclass(slots=True)
class _Request:
    """One call, and what is known of its queries so far."""

    call: Call
    start: float
    stop: int
    queries: dict[str, dict[str, Any]]
    math: Math
    messages: dict[str, list[dict[str, str]]] = field(default_factory=dict[str, list[dict[str, str]]])
    asked: list[str] = field(default_factory=list[str])

    def times(self, period: int) -> list[int]:
        """The beginnings of all periods of the range."""
        start = first_moment(self.start, period, self.call.now())
        if (self.stop - start) // period > MAX_POINTS:
            raise _wrong(f"The range has more than {MAX_POINTS} periods of {period} seconds.")
        return list(range(start, self.stop, period))

    def know(self, id_: str) -> Value:
        """The value of a query, those that it refers to first."""
        if id_ in self.math.known:
            return self.math.known[id_]
        query = self.queries[id_]
        if id_ in self.asked:
            raise _wrong(f"Error in expression '{id_}' [Circular dependency]")
        if len(self.asked) > MAX_DEPTH:
            raise _wrong(f"Error in expression '{id_}' [Expressions depend on each other too deeply]")
        self.asked.append(id_)
        found = self._metric(query) if "MetricStat" in query else self._expression(query)
        self.asked.pop()
        self.math.known[id_] = found
        return found

    def _metric(self, query: dict[str, Any]) -> Series:
        wanted = query["MetricStat"]
        metric = wanted["Metric"]
        key = (metric.get("Namespace", ""), metric.get("MetricName", ""), metric.get("Dimensions", []))
        series, messages = self.series(key, wanted["Stat"], wanted["Period"], wanted.get("Unit"))
        series.label = query.get("Label") or _label(query, list(self.queries.values()))
        if messages:
            self.messages[query["Id"]] = messages
        return series

    def series(
        self, key: tuple[str, str, Dimensions], stat: str, period: int, unit: str | None = None
    ) -> tuple[Series, list[dict[str, str]]]:
        """Of several units the first by name is taken, and all are told."""
        if stat not in SIMPLE:
            percent_of(stat)
        metrics = self.call.state.metrics
        series = metrics.series(self.call.scope, *key)
        check_period(period)
        if series is None:
            return Series({}, period), []
        start = first_moment(self.start, period, self.call.now())
        rows = metrics.points(series, start, self.stop, period, unit)
        units = sorted({each for _time, each, _point in rows})
        points = {time: statistic(point, stat) for time, each, point in rows if each == units[0]}
        message = {"Code": "MultipleUnits", "Value": f"Multiple units returned: '[{', '.join(units)}]'"}
        return Series(points, period), [message] if len(units) > 1 else []

    def _expression(self, query: dict[str, Any]) -> Value:
        id_ = query["Id"]
        try:
            tree = parse(query["Expression"])
            for name in _ids(tree):
                if name in self.queries:
                    self.know(name)
            if _calls(tree, "METRICS"):
                for name in self.math.metrics:
                    self.know(name)
            self.math.period = check_period(query.get("Period") or self._period())
            found = self.math.value(tree)
        except ExpressionError as failure:
            raise _wrong(f"Error in expression '{id_}' [{failure}]") from failure
        if isinstance(found, float | str):
            raise _wrong(f"Error in expression '{id_}' [The result must be one or more time series]")
        if isinstance(found, Series):
            found.label = query.get("Label") or id_
        return found

    def _period(self) -> int:
        known = [value.period for value in self.math.known.values() if isinstance(value, Series)]
        return max(known, default=300)

    def search(self, text: str, stat: str, period: int) -> list[Series]:
        check_period(period)
        since = int(self.call.now()) - LISTED
        rows = [Metric(*row) for row in self.call.state.metrics.active(self.call.scope, since)]
        found: list[Series] = []
        metrics = search(text, rows)
        names = {metric.name for metric in metrics}
        for metric in metrics:
            series, _messages = self.series((metric.namespace, metric.name, metric.dimensions), stat, period)
            parts = [pair["Value"] for pair in metric.dimensions]
            series.label = " ".join([*parts, metric.name] if len(names) > 1 or not parts else parts)
            found.append(series)
        return found


def get(call: Call, params: Params) -> Result:
    queries = _checked(params["MetricDataQueries"])
    start, stop = params["StartTime"].timestamp(), math.ceil(params["EndTime"].timestamp())
    if start >= stop:
        raise _wrong("The parameter StartTime must be less than the parameter EndTime.")
    metrics = [id_ for id_, query in queries.items() if "MetricStat" in query]
    values = Math({}, metrics, lambda period: request.times(period), lambda *asked: request.search(*asked))
    request = _Request(call, start, stop, queries, values)
    rows: list[dict[str, Any]] = []
    newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    for id_, query in queries.items():
        value = request.know(id_)
        if not query.get("ReturnData", True):
            continue
        for series in value if isinstance(value, list) else [value]:
            points = sorted(series.points.items(), reverse=newest_first)
            label = query.get("Label") or series.label if isinstance(value, list) else series.label
            row = {"Id": id_, "Label": label, "points": points}
            rows.append(row | ({"Messages": request.messages[id_]} if id_ in request.messages else {}))
    return _page(rows, params)


def _checked(given: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The queries by id. The words of the first two refusals are AWS's, as moto has them."""
    if len(given) > MAX_QUERIES:
        raise _wrong(f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.")
    queries: dict[str, dict[str, Any]] = {}
    for number, query in enumerate(given, 1):
        path = f"MetricDataQueries.member.{number}"
        if "MetricStat" not in query and "Expression" not in query:
            raise _wrong(f"The parameter {path}.MetricStat is required.\n")
        if "MetricStat" in query and "Expression" in query:
            raise _wrong(
                f"The parameters {path}.MetricStat and {path}.Expression are mutually exclusive and you have"
                " specified both."
            )
        if not _ID.fullmatch(query["Id"]):
            raise _wrong(
                f"The value {query['Id']} for parameter {path}.Id is not matching the expected pattern"
                " ^[a-z][a-zA-Z0-9_]*$."
            )
        if query["Id"] in queries:
            raise _wrong("The values for parameter Id in MetricDataQueries are not unique.")
        queries[query["Id"]] = query
    if given and not any(query.get("ReturnData", True) for query in given):
        raise _wrong("At least one of the MetricDataQueries must return data.")
    return queries


def _page(rows: list[dict[str, Any]], params: Params) -> Result:
    """As many points as asked for; the token says how many were given before."""
    limit = params.get("MaxDatapoints") or MAX_POINTS
    token = params.get("NextToken") or "0"
    if not is_number(token):
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    skipped, before = int(token), 0
    results: list[dict[str, Any]] = []
    for row in rows:
        points = row.pop("points")
        shown = points[max(0, skipped - before) : max(0, skipped + limit - before)]
        if shown or (not points and not skipped):
            done = before + len(points) <= skipped + limit
            results.append(
                row
                | {
                    "Timestamps": [datetime.fromtimestamp(time, UTC) for time, _value in shown],
                    "Values": [value for _time, value in shown],
                    "StatusCode": "Complete" if done else "PartialData",
                }
            )
        before += len(points)
    more = {"NextToken": str(skipped + limit)} if before > skipped + limit else {}
    return {"MetricDataResults": results, "Messages": [], **more}


def _label(query: dict[str, Any], queries: list[dict[str, Any]]) -> str:
    """The metric's name, with statistic and period where the queries of the call differ in them.

    As recorded of AWS in LocalStack's test_cloudwatch.snapshot.json, test_label_generation.
    """
    stats = [each["MetricStat"] for each in queries if "MetricStat" in each]
    wanted = query["MetricStat"]
    label = wanted["Metric"]["MetricName"]
    if len({each["Stat"] for each in stats}) > 1:
        label += f" {wanted['Stat']}"
    if len({each["Period"] for each in stats}) > 1:
        label += f" {wanted['Period']}"
    return label


def _ids(tree: Tree) -> list[str]:
    """Ids that an expression names."""
    if tree[0] == "id":
        return [tree[1]]
    return [id_ for part in _parts(tree) for id_ in _ids(part)]


def _calls(tree: Tree, name: str) -> bool:
    if tree[0] == "call" and tree[1] == name:
        return True
    return any(_calls(part, name) for part in _parts(tree))


def _parts(tree: Tree) -> list[Tree]:
    if tree[0] == "call":
        return tree[2]
    if tree[0] == "list":
        return tree[1]
    return list(tree[2:]) if tree[0] in ("binary", "unary") else []
