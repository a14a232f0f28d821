"""Amazon CloudWatch's metric operations."""

import math
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Cloud, Params, Result, Service
from maycloud.services.cloudwatch import data
from maycloud.services.cloudwatch.statistics import check_period, first_moment, percent_of, statistic
from maycloud.services.cloudwatch.store import SCHEMA, Dimensions, Metrics, Point
from maycloud.services.tokens import is_number
from maycloud.store import Scope

LISTED = 14 * 86400  # ListMetrics shows what had data within two weeks
MAX_POINTS = 1440  # of one GetMetricStatistics
MAX_DATUM = 1000  # metrics of one PutMetricData


class Watch:
    """What CloudWatch keeps per cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.metrics = Metrics(cloud.store)
        self._clock = cloud.store.clock

    def put(self, scope: Scope, namespace: str, data: list[dict[str, Any]]) -> None:
        """Add data as PutMetricData does, in the caller's transaction; Timestamp in epoch seconds."""
        for datum in data:
            moment = int(datum.get("Timestamp", self._clock.time()))
            resolution = 1 if datum.get("StorageResolution") == 1 else 60
            self.metrics.add(
                scope,
                (namespace, datum["MetricName"], datum.get("Dimensions", [])),
                (moment - moment % resolution, datum.get("Unit", "None")),
                _measured(datum),
            )


service = Service("cloudwatch", state=Watch, schema=SCHEMA)


@service.operation(context=lambda _call, params: {"cloudwatch:namespace": params.get("Namespace", "")})
def PutMetricData(call: Call, params: Params) -> Result:
    """Add values to series. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html"""
    namespace = params["Namespace"]
    if namespace.startswith("AWS/") and call.principal.kind != "service":
        raise AwsError(
            "InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid: it is reserved."
        )
    data = params.get("MetricData", [])
    if len(data) > MAX_DATUM:
        raise AwsError(
            "InvalidParameterValue", f"The collection MetricData must not have more than {MAX_DATUM} items."
        )
    given: list[dict[str, Any]] = []
    for number, datum in enumerate(data, 1):
        _check_datum(f"MetricData.member.{number}", datum)
        moment = {"Timestamp": datum["Timestamp"].timestamp()} if "Timestamp" in datum else {}
        given.append(datum | moment)
    call.state.put(call.scope, namespace, given)
    return None


def _check_datum(path: str, datum: dict[str, Any]) -> None:
    """Refusals of data, as LocalStack's tests/aws/services/cloudwatch/test_cloudwatch.py has them of AWS."""
    if len(datum.get("Dimensions", [])) > 30:
        raise AwsError("InvalidParameterValue", "The collection Dimensions must not have more than 30 items.")
    for one, other in (("Value", "Values"), ("Value", "StatisticValues"), ("Values", "StatisticValues")):
        if one in datum and other in datum:
            raise AwsError(
                "InvalidParameterCombination",
                f"The parameters {path}.{one} and {path}.{other} are mutually exclusive and you have"
                " specified"
                " both.",
            )
    if datum.get("Counts") and len(datum["Counts"]) != len(datum.get("Values", [])):
        raise AwsError(
            "InvalidParameterValue",
            f"The parameters {path}.Values and {path}.Counts must be of the same size.",
        )
    for member in ("Value", "Values"):
        values = datum.get(member, [])
        for value in values if isinstance(values, list) else [values]:
            if not math.isfinite(value) or abs(value) > 2.0**360:
                shown = "NaN" if math.isnan(value) else value
                raise AwsError(
                    "InvalidParameterValue", f"The value {shown} for parameter {path}.{member} is invalid."
                )


def _measured(datum: dict[str, Any]) -> Point:
    """The values of one datum, in any of its three forms."""
    point = Point()
    if "StatisticValues" in datum:
        given = datum["StatisticValues"]
        count, total = given["SampleCount"], given["Sum"]
        if count <= 0 or given["Minimum"] > given["Maximum"]:
            raise AwsError("InvalidParameterValue", "The parameter StatisticValues is inconsistent.")
        point.add(total / count, count)
        point.min, point.max = given["Minimum"], given["Maximum"]
        return point
    values = datum.get("Values") or ([datum["Value"]] if "Value" in datum else [])
    counts = datum.get("Counts") or [1.0] * len(values)
    if not values:
        raise AwsError(
            "MissingParameter",
            "At least one of the parameters must be specified: Value, Values, StatisticValues.",
        )
    for value, count in zip(values, counts, strict=True):
        point.add(float(value), float(count))
    return point


@service.operation(atomic=False)
def GetMetricStatistics(call: Call, params: Params) -> Result:
    """Points of one series, by period."""
    period = check_period(params["Period"])
    start, stop = int(params["StartTime"].timestamp()), int(params["EndTime"].timestamp())
    if start >= stop:
        raise AwsError(
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        )
    if (stop - start) // period > MAX_POINTS:
        raise AwsError(
            "InvalidParameterCombination",
            f"You have requested up to {(stop - start) // period:,} datapoints, which exceeds the limit of"
            f" {MAX_POINTS:,}. You may reduce the datapoints requested by increasing Period, or decreasing"
            " the time range.",
        )
    simple, extended = params.get("Statistics", []), params.get("ExtendedStatistics", [])
    if not simple and not extended:
        raise AwsError("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics")
    for name in extended:
        percent_of(name)
    series = call.state.metrics.series(
        call.scope, params["Namespace"], params["MetricName"], params.get("Dimensions", [])
    )
    points = []
    if series is not None:
        first = first_moment(start, period, call.now())
        points = call.state.metrics.points(series, first, stop, period, params.get("Unit"))
    rows: list[dict[str, Any]] = []
    for time, unit, point in points:
        row: dict[str, Any] = {"Timestamp": datetime.fromtimestamp(time, UTC), "Unit": unit}
        row |= {name: statistic(point, name) for name in simple}
        if extended:
            row["ExtendedStatistics"] = {name: statistic(point, name) for name in extended}
        rows.append(row)
    return {"Label": params["MetricName"], "Datapoints": rows}


@service.operation(atomic=False)
def GetMetricData(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""
    return data.get(call, params)


@service.operation(atomic=False)
def ListMetrics(call: Call, params: Params) -> Result:
    """Series with data of late, 500 a page."""
    since = int(call.now()) - (3 * 3600 if params.get("RecentlyActive") else LISTED)
    found = [
        {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
        for namespace, name, dimensions in call.state.metrics.active(call.scope, since)
        if params.get("Namespace") in (None, namespace)
        and params.get("MetricName") in (None, name)
        and _has(dimensions, params.get("Dimensions", []))
    ]
    start = _offset(params.get("NextToken"))
    result: dict[str, Any] = {"Metrics": found[start : start + 500]}
    if start + 500 < len(found):
        result["NextToken"] = str(start + 500)
    return result


def _has(dimensions: Dimensions, filters: list[dict[str, str]]) -> bool:
    values = {pair["Name"]: pair["Value"] for pair in dimensions}
    return all(
        wanted["Name"] in values and wanted.get("Value") in (None, values[wanted["Name"]])
        for wanted in filters
    )


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    if not is_number(token):
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    return int(token)
