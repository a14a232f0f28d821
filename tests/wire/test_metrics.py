"""Metrics as recorded of AWS in LocalStack's tests/aws/services/cloudwatch/test_cloudwatch.snapshot.json."""

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud

NOW = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
SPAN = {"StartTime": NOW - datetime.timedelta(minutes=10), "EndTime": NOW + datetime.timedelta(minutes=10)}


@pytest.fixture
def watch(cloud: RunningCloud) -> Any:
    return cloud.client("cloudwatch")


def refused(code: str, call: Any, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def query(name: str, stat: str, period: int, **metric: Any) -> dict[str, Any]:
    described = {"Namespace": "Recorded", "MetricName": "metric1", **metric}
    return {"Id": name, "MetricStat": {"Metric": described, "Stat": stat, "Period": period}}


@pytest.mark.parametrize(
    ("code", "datum", "message"),
    [
        (
            "InvalidParameterCombination",
            {"Value": 1.5, "Values": [1.0, 10.0]},
            "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually"
            " exclusive and you"
            " have specified both.",
        ),
        (
            "InvalidParameterValue",
            {"Values": [1.0, 10.0], "Counts": [2, 4, 5]},
            "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the"
            " same size.",
        ),
        (
            "InvalidParameterCombination",
            {"Value": 1.0, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}},
            "The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are"
            " mutually exclusive"
            " and you have specified both.",
        ),
        (
            "InvalidParameterValue",
            {"Value": float("nan")},
            "The value NaN for parameter MetricData.member.1.Value is invalid.",
        ),
    ],
)
def test_data_that_are_refused(watch: Any, code: str, datum: dict[str, Any], message: str) -> None:
    """test_put_metric_data_validation, validated against AWS; NaN as moto's tests/test_cloudwatch has it."""
    given = [{"MetricName": "m", **datum}]
    assert refused(code, watch.put_metric_data, Namespace="Refused", MetricData=given) == message


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        (("Sum", 60), ("Minimum", 30), ["metric1 Sum 60", "metric1 Minimum 30"]),
        (("Sum", 60), ("Minimum", 60), ["metric1 Sum", "metric1 Minimum"]),
        (("Sum", 60), ("Sum", 30), ["metric1 60", "metric1 30"]),
        (("Sum", 60), ("Sum", 60), ["metric1", "metric1"]),
    ],
)
def test_labels(watch: Any, first: tuple[str, int], second: tuple[str, int], labels: list[str]) -> None:
    """test_label_generation."""
    answer = watch.get_metric_data(**SPAN, MetricDataQueries=[query("a", *first), query("b", *second)])
    assert [each["Label"] for each in answer["MetricDataResults"]] == labels
    assert answer["Messages"] == []


def test_several_units(watch: Any) -> None:
    """test_get_metric_data_different_units_no_unit_in_query: the first by name, and all are told."""
    watch.put_metric_data(
        Namespace="Recorded",
        MetricData=[
            {"MetricName": "units", "Value": 5.0, "Unit": unit, "Timestamp": NOW}
            for unit in ("Seconds", "Milliseconds", "Count")
        ],
    )
    wanted = query("m1", "Sum", 60, MetricName="units")
    (result,) = watch.get_metric_data(**SPAN, MetricDataQueries=[wanted])["MetricDataResults"]
    assert result["Values"] == [5.0]
    assert result["Messages"] == [
        {"Code": "MultipleUnits", "Value": "Multiple units returned: '[Count, Milliseconds, Seconds]'"}
    ]
    wanted["MetricStat"]["Unit"] = "Seconds"
    (result,) = watch.get_metric_data(**SPAN, MetricDataQueries=[wanted])["MetricDataResults"]
    assert (result["Values"], "Messages" in result) == ([5.0], False)


def test_periods_begin_at_the_start_time(watch: Any) -> None:
    """Which is rounded down: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html

    That timestamps are from the start and not from the hour: https://github.com/boto/boto3/issues/3457
    """
    minute = datetime.timedelta(minutes=1)
    first = NOW.replace(minute=NOW.minute - NOW.minute % 2) - 20 * minute
    data = [
        {"MetricName": "Even", "Timestamp": first + minute * index, "Value": 1 + index} for index in range(6)
    ]
    watch.put_metric_data(Namespace="Periods", MetricData=data)
    span = {"StartTime": first + datetime.timedelta(seconds=94), "EndTime": first + 6 * minute}
    metric = {"Namespace": "Periods", "MetricName": "Even"}
    found = watch.get_metric_statistics(**metric, **span, Period=120, Statistics=["Sum"])["Datapoints"]
    sums = {point["Timestamp"] - first: point["Sum"] for point in found}
    assert sums == {minute: 5.0, 3 * minute: 9.0, 5 * minute: 6.0}
    queries = [
        {"Id": "m", "MetricStat": {"Metric": metric, "Stat": "Sum", "Period": 120}},
        {"Id": "filled", "Expression": "FILL(m, 0) + 1"},
    ]
    for result in watch.get_metric_data(**span, MetricDataQueries=queries, ScanBy="TimestampAscending")[
        "MetricDataResults"
    ]:
        assert result["Timestamps"] == [first + minute * index for index in (1, 3, 5)]
        assert result["Values"] == ([5.0, 9.0, 6.0] if result["Id"] == "m" else [6.0, 10.0, 7.0])
