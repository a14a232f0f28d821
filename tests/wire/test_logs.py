"""CloudWatch Logs as recorded of AWS in LocalStack's tests/aws/services/logs/*.snapshot.json."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud

ARN = "arn:aws:logs:us-east-1:000000000000:log-group:"


@pytest.fixture
def logs(cloud: RunningCloud) -> Any:
    return cloud.client("logs")


def refused(code: str, call: Any, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def put(logs: Any, group: str, *messages: str) -> None:
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=group, logStreamName="s", logEvents=[{"timestamp": now, "message": m} for m in messages]
    )


def test_what_is_told_of_groups_and_streams(logs: Any) -> None:
    """test_logs_groups, test_logs_streams."""
    logs.create_log_group(logGroupName="told")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="told")["logGroups"]
    assert isinstance(group.pop("creationTime"), int)
    assert group == {
        "arn": f"{ARN}told:*",
        "deletionProtectionEnabled": False,
        "logGroupArn": f"{ARN}told",
        "logGroupClass": "STANDARD",
        "logGroupName": "told",
        "metricFilterCount": 0,
        "storedBytes": 0,
    }
    logs.create_log_stream(logGroupName="told", logStreamName="s")
    for where in (
        {"logGroupName": "told"},
        {"logGroupIdentifier": "told"},
        {"logGroupIdentifier": f"{ARN}told"},
    ):
        (stream,) = logs.describe_log_streams(**where)["logStreams"]
        assert set(stream) == {"arn", "creationTime", "logStreamName", "storedBytes"}
        assert stream["arn"] == f"{ARN}told:log-stream:s"
    message = refused(
        "ValidationException", logs.describe_log_streams, logGroupName="told", logGroupIdentifier="told"
    )
    assert message == "LogGroup name and LogGroup ARN are mutually exclusive parameters."


def test_refusals(logs: Any) -> None:
    """test_logs_groups, test_logs_events, test_logs_filter_events."""
    logs.create_log_group(logGroupName="refusing")
    message = refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="refusing")
    assert message == "The specified log group already exists"
    message = refused("InvalidParameterException", logs.create_log_group, logGroupName="g" * 513)
    assert message == "Invalid LogGroup or LogStream, both must have length less than or equal to 512."
    message = refused(
        "InvalidParameterException", logs.filter_log_events, logGroupName="refusing", limit=10001
    )
    assert message == (
        "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must"
        " have value"
        " less than or equal to 10000"
    )
    message = refused(
        "InvalidParameterException",
        logs.filter_log_events,
        logGroupName="refusing",
        nextToken="invalid-token",
    )
    assert message == "The specified nextToken is invalid."


def test_both_ways_to_tag(logs: Any) -> None:
    """test_logs_groups: test_tag_resource_api."""
    logs.create_log_group(logGroupName="tagged", tags={"env": "testing1"})
    logs.tag_resource(resourceArn=f"{ARN}tagged", tags={"test1": "val1", "test2": "val2"})
    logs.tag_log_group(logGroupName="tagged", tags={"test3": "val3"})
    whole = {"env": "testing1", "test1": "val1", "test2": "val2", "test3": "val3"}
    assert logs.list_tags_log_group(logGroupName="tagged")["tags"] == whole
    assert logs.list_tags_for_resource(resourceArn=f"{ARN}tagged")["tags"] == whole
    logs.untag_log_group(logGroupName="tagged", tags=["env", "test1"])
    logs.untag_resource(resourceArn=f"{ARN}tagged", tagKeys=["test3"])
    assert logs.list_tags_log_group(logGroupName="tagged")["tags"] == {"test2": "val2"}


def transformation(name: str, value: str = "1", **more: Any) -> list[dict[str, Any]]:
    return [{"metricName": name, "metricNamespace": "FromLogs", "metricValue": value, **more}]


def test_metric_filters_are_told(logs: Any) -> None:
    """test_logs_metric_filters."""
    for name in ("filtered-1", "filtered-2"):
        logs.create_log_group(logGroupName=name)
    first = {
        "filterName": "a",
        "filterPattern": " ",
        "metricTransformations": transformation("A", defaultValue=0.0),
    }
    logs.put_metric_filter(logGroupName="filtered-1", **first)
    second = {"filterName": "b", "filterPattern": "error", "metricTransformations": transformation("B")}
    logs.put_metric_filter(logGroupName="filtered-2", **second)
    (found,) = logs.describe_metric_filters(logGroupName="filtered-1")["metricFilters"]
    assert isinstance(found.pop("creationTime"), int)
    assert found == {**first, "logGroupName": "filtered-1", "applyOnTransformedLogs": False}
    (found,) = logs.describe_metric_filters(metricName="B", metricNamespace="FromLogs")["metricFilters"]
    assert found["logGroupName"] == "filtered-2"
    assert logs.describe_log_groups(logGroupNamePrefix="filtered-1")["logGroups"][0]["metricFilterCount"] == 1
    long = "X" * 513
    message = refused(
        "InvalidParameterException", logs.delete_metric_filter, logGroupName="filtered-1", filterName=long
    )
    assert message == (
        f"1 validation error detected: Value '{long}' at 'filterName' failed to satisfy constraint:"
        " Member must have"
        " length less than or equal to 512"
    )
    logs.delete_metric_filter(logGroupName="filtered-1", filterName="a")
    assert logs.describe_metric_filters(logGroupName="filtered-1")["metricFilters"] == []
    refused("ResourceNotFoundException", logs.delete_metric_filter, logGroupName="filtered-1", filterName="a")


def test_metric_filters_count(logs: Any, cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html"""
    logs.create_log_group(logGroupName="counted")
    logs.create_log_stream(logGroupName="counted", logStreamName="s")
    for name, pattern, made in (
        ("errors", "ERROR", transformation("Errors", defaultValue=0.0)),
        (
            "latency",
            "{ $.latency > 0 }",
            transformation("Latency", "$.latency", dimensions={"Path": "$.path"}),
        ),
        ("bytes", "[ip, status, bytes]", transformation("Bytes", "$bytes", unit="Bytes")),
    ):
        logs.put_metric_filter(
            logGroupName="counted", filterName=name, filterPattern=pattern, metricTransformations=made
        )
    put(
        logs, "counted", "ERROR one", "ERROR two",
        '{"latency": 7, "path": "/a"}', '{"latency": 5, "path": "/b"}',
        "10.0.0.1 200 300", "10.0.0.2 200 1e999", "10.0.0.3 200 none",
    )  # fmt: skip

    def total(name: str, **dimensions: str) -> float:
        now = int(time.time())
        points = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="FromLogs", MetricName=name, StartTime=now - 600, EndTime=now + 600, Period=3600,
            Statistics=["Sum"], Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
        )["Datapoints"]  # fmt: skip
        return sum(point["Sum"] for point in points)

    assert (total("Errors"), total("Latency", Path="/a"), total("Bytes")) == (2.0, 7.0, 300.0)
    put(logs, "counted", "nothing")
    assert total("Errors") == 2.0


def test_patterns_are_tried_out(logs: Any) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html"""
    messages = ["10.0.0.1 404", "10.0.0.2 200"]
    found = logs.test_metric_filter(filterPattern="[ip, status = 4*]", logEventMessages=messages)["matches"]
    assert found == [
        {
            "eventNumber": 1,
            "eventMessage": messages[0],
            "extractedValues": {"$ip": "10.0.0.1", "$status": "404"},
        }
    ]
    refused(
        "InvalidParameterException", logs.test_metric_filter, filterPattern="{ $.a", logEventMessages=["x"]
    )
