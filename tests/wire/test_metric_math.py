"""Expressions of GetMetricData.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
"""

import datetime
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud

MINUTE = datetime.timedelta(minutes=1)
# By minute; None where there is no point.
REQUESTS = [10, 20, None, 40, 50]
ERRORS = [1, 0, None, 4, 10]
OTHERS = [1, 1, 1, 1, 1]


@pytest.fixture(scope="module")
def watch(cloud: RunningCloud) -> Any:
    return cloud.client("cloudwatch")


@pytest.fixture(scope="module")
def start() -> datetime.datetime:
    now = int(time.time())
    return datetime.datetime.fromtimestamp(now - now % 300 - 900, datetime.UTC)


@pytest.fixture(scope="module")
def namespace(watch: Any, start: datetime.datetime) -> str:
    name = f"Math{uuid.uuid4().hex[:8]}"
    for metric, function, values in (
        ("Requests", "alpha", REQUESTS), ("Errors", "alpha", ERRORS), ("Requests", "beta", OTHERS),
    ):  # fmt: skip
        data = [
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "FunctionName", "Value": function}],
                "Timestamp": start + MINUTE * index,
                "Value": value,
            }
            for index, value in enumerate(values)
            if value is not None
        ]
        watch.put_metric_data(Namespace=name, MetricData=data)
    return name


@pytest.fixture
def ask(watch: Any, start: datetime.datetime, namespace: str) -> Any:
    """Answers queries over the five minutes, beside m1, m2 and other, which are the metrics."""

    def metric(id_: str, name: str, function: str) -> dict[str, Any]:
        dimensions = [{"Name": "FunctionName", "Value": function}]
        described = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
        return {
            "Id": id_,
            "MetricStat": {"Metric": described, "Stat": "Sum", "Period": 60},
            "ReturnData": False,
        }

    def ask(*queries: dict[str, Any], **params: Any) -> dict[str, Any]:
        metrics = [
            metric("m1", "Requests", "alpha"),
            metric("m2", "Errors", "alpha"),
            metric("other", "Requests", "beta"),
        ]
        return watch.get_metric_data(
            StartTime=start,
            EndTime=start + MINUTE * 5,
            MetricDataQueries=[*metrics, *queries],
            **{"ScanBy": "TimestampAscending", **params},
        )

    return ask


def expression(text: str, **members: Any) -> dict[str, Any]:
    return {"Id": "e1", "Expression": text, **members}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("m2 / m1 * 100", [10, 0, 10, 20]),
        ("m1 + other", [11, 21, 41, 51]),
        ("-(m1 - 10) ^ 2", [0, -100, -900, -1600]),
        ("2 ^ 3 ^ 0 + 0 * m1", [2, 2, 2, 2]),
        ("100 / m2", [100, 25, 10]),  # a division by nothing has no point
        ("FILL(m1, 0)", [10, 20, 0, 40, 50]),
        ("FILL(m1, REPEAT)", [10, 20, 20, 40, 50]),
        ("FILL(m1, LINEAR)", [10, 20, 30, 40, 50]),
        ("FILL(m1, other)", [10, 20, 1, 40, 50]),
        ("SUM([m1, other])", [11, 21, 1, 41, 51]),
        ("SUM(METRICS())", [12, 21, 1, 45, 61]),
        ("MAX(METRICS('m'))", [10, 20, 40, 50]),
        ("m1 / MAX(m1)", [0.2, 0.4, 0.8, 1]),
        ("m1 * PERIOD(m1)", [600, 1200, 2400, 3000]),
        ("RATE(m1) * 60", [10, 10, 10]),  # by the seconds that passed
        ("DIFF(m1)", [10, 20, 10]),
        ("DIFF_TIME(m1)", [60, 120, 60]),
        ("RUNNING_SUM(m2)", [1, 1, 5, 15]),
        ("IF(m1 > 15 AND m2 < 10, m1)", [20, 40]),
        ("IF(m1 >= 40, 1, 0)", [0, 0, 1, 1]),
        ("IF(m1 < 15 || m1 == 50, m1, m2)", [10, 0, 4, 50]),
        ("TIME_SERIES(AVG(m1))", [30] * 5),
        ("TIME_SERIES(EXP(1000))", [0] * 5),
        ("CEIL(m1 / 3) - FLOOR(m1 / 3)", [1, 1, 1, 1]),
        ("FIRST(SORT(METRICS(), MAX, DESC))", [10, 20, 40, 50]),
        ("LAST(SORT(METRICS(), SUM, DESC, 2))", [1, 0, 4, 10]),
        ("SLICE(METRICS(), 1)", [1, 0, 4, 10]),
        ("METRIC_COUNT(METRICS()) + DATAPOINT_COUNT(m1) + 0 * m1", [7] * 4),
    ],
)  # fmt: skip
def test_functions_and_operators(ask: Any, text: str, values: list[float]) -> None:
    (result,) = ask(expression(text))["MetricDataResults"]
    assert result["Values"] == pytest.approx(values)
    assert len(result["Timestamps"]) == len(values)
    assert (result["Id"], result["StatusCode"]) == ("e1", "Complete")


def test_expressions_of_expressions(ask: Any, start: datetime.datetime) -> None:
    queries = [
        {"Id": "percent", "Expression": "rate * 100", "Label": "Failed %"},
        {"Id": "rate", "Expression": "m2 / m1", "ReturnData": False},
    ]
    (result,) = ask(*queries)["MetricDataResults"]
    assert (result["Id"], result["Label"], result["Values"]) == ("percent", "Failed %", [10, 0, 10, 20])
    assert result["Timestamps"] == [start + MINUTE * index for index in (0, 1, 3, 4)]
    (unnamed,) = ask(expression("m1"))["MetricDataResults"]
    assert unnamed["Label"] == "e1"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("{NS,FunctionName}", {"alpha Errors": 15, "alpha Requests": 120, "beta Requests": 5}),
        ('{NS,FunctionName} MetricName="Requests"', {"alpha": 120, "beta": 5}),
        ('{NS,FunctionName} MetricName="Requests" NOT beta', {"alpha": 120}),
        ("{NS,FunctionName} requests FunctionName=(alpha OR beta)", {"alpha": 120, "beta": 5}),
        ('Namespace="NS" errors', {"alpha": 15}),
        ("{NS,TableName}", {}),
    ],
)
def test_search(ask: Any, namespace: str, query: str, found: dict[str, float]) -> None:
    text = f"SEARCH('{query.replace('NS', namespace)}', 'Sum', 300)"
    results = ask(expression(text))["MetricDataResults"]
    assert {result["Label"]: sum(result["Values"]) for result in results} == found
    if len(found) > 1:
        (total,) = ask(expression(f"SUM({text})"))["MetricDataResults"]
        assert total["Values"] == [sum(found.values())]


@pytest.mark.parametrize(
    "text",
    [
        "m1 +", "m1 m2", "(m1", "m1 ? m2", "nothing * 2", "WHAT(m1)", "SUM()", "5", "MAX(m1)", "'text'",
        "e1 + 1", "METRICS() + METRICS()", "m1 + 'text'", "m1 * 1e999", "(" * 200 + "m1" + ")" * 200,
        "-" * 500 + "m1", "+".join(["m1"] * 600), "SEARCH('{A,B}')", "SEARCH('{A,B} (c', 'Sum', 300)",
        "SEARCH('{A,B} c', 'Sum', 7)", "SEARCH('{A,B} c', 'Sum', 'x')", "SLICE(m1)",
        "FILL(m1)", "FILL(m1, 'x')", "SORT(METRICS(), WHAT, ASC)", "SORT(METRICS(), AVG)",
    ],
)  # fmt: skip
def test_expressions_that_are_refused(ask: Any, text: str) -> None:
    with pytest.raises(ClientError) as caught:
        ask(expression(text))
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Code"] in ("ValidationError", "InvalidParameterValue")


def test_long_chains_are_refused(ask: Any) -> None:
    chain = [{"Id": f"c{index}", "Expression": f"c{index + 1} + 1"} for index in range(400)]
    with pytest.raises(ClientError, match="too deeply"):
        ask(*chain, {"Id": "c400", "Expression": "m1"})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"Id": "a"}, "The parameter MetricDataQueries.member.4.MetricStat is required.\n"),
        ({"Id": "Upper", "Expression": "m1"}, "is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."),
        (
            {"Id": "m1", "Expression": "m2"},
            "The values for parameter Id in MetricDataQueries are not unique.",
        ),
        ({"Id": "a", "Expression": "m1", "ReturnData": False}, "must return data."),
    ],
)
def test_queries_that_are_refused(ask: Any, query: dict[str, Any], message: str) -> None:
    """The first message is AWS's, of moto's tests/test_cloudwatch/test_cloudwatch_boto3.py."""
    with pytest.raises(ClientError) as caught:
        ask(query)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert caught.value.response["Error"]["Message"].endswith(message)


def test_pages(ask: Any, watch: Any) -> None:
    """MaxDatapoints counts the points of all series."""
    queries = [{"Id": "a", "Expression": "m1"}, {"Id": "b", "Expression": "m2"}]
    token: dict[str, str] = {}
    values: dict[str, list[float]] = {"a": [], "b": []}
    pages: list[list[tuple[str, str]]] = []
    while True:
        answer = ask(*queries, MaxDatapoints=3, **token)
        for result in answer["MetricDataResults"]:
            values[result["Id"]] += result["Values"]
        pages.append([(result["Id"], result["StatusCode"]) for result in answer["MetricDataResults"]])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert values == {"a": [10, 20, 40, 50], "b": [1, 0, 4, 10]}
    assert pages == [[("a", "PartialData")], [("a", "Complete"), ("b", "PartialData")], [("b", "Complete")]]
    with pytest.raises(ClientError, match="InvalidNextToken"):
        ask(*queries, NextToken="nonsense")
