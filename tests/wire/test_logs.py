"""CloudWatch Logs as recorded of AWS in LocalStack's tests/aws/services/logs/*.snapshot.json."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from packages import make_function, make_role
from running import RunningCloud
from waiting import until

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


COLLECTOR = """
import base64, gzip, json, os
import boto3

def handler(event, context):
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    boto3.client("ssm").put_parameter(
        Name="/collected/" + data["logEvents"][0]["message"].split()[-1], Value=json.dumps(data),
        Type="String", Overwrite=True,
    )
"""


def test_subscribed_functions_get_what_matches(cloud: RunningCloud, logs: Any) -> None:
    """test_put_subscription_filter_lambda."""
    iam, functions = cloud.client("iam"), cloud.client("lambda")
    role = make_role(iam, "collector", "arn:aws:iam::aws:policy/AdministratorAccess")
    arn = make_function(functions, role, "collector", COLLECTOR, Timeout=30)["FunctionArn"]
    logs.create_log_group(logGroupName="/sub/source")
    logs.create_log_stream(logGroupName="/sub/source", logStreamName="s")
    subscription: dict[str, Any] = {
        "logGroupName": "/sub/source", "filterName": "errors", "filterPattern": "ERROR",
        "destinationArn": arn,
    }  # fmt: skip
    message = refused("InvalidParameterException", logs.put_subscription_filter, **subscription)
    assert message.startswith("Could not execute the lambda function.")
    functions.add_permission(
        FunctionName="collector", StatementId="logs", Action="lambda:InvokeFunction",
        Principal="logs.us-east-1.amazonaws.com", SourceAccount="000000000000",
        SourceArn=f"{ARN}/sub/source:*",
    )  # fmt: skip
    logs.put_subscription_filter(**subscription)
    shown = logs.describe_subscription_filters(logGroupName="/sub/source")["subscriptionFilters"]
    assert [{**each, "creationTime": 0} for each in shown] == [
        {**subscription, "distribution": "ByLogStream", "applyOnTransformedLogs": False, "creationTime": 0}
    ]
    put(logs, "/sub/source", "fine 1", "ERROR first", "ERROR second")

    def collected() -> dict[str, Any] | None:
        found = cloud.client("ssm").get_parameters(Names=["/collected/first"])["Parameters"]
        return json.loads(found[0]["Value"]) if found else None

    data = until(collected, what="the function to be called")
    assert data is not None
    assert (data["messageType"], data["owner"]) == ("DATA_MESSAGE", "000000000000")
    assert (data["logGroup"], data["logStream"]) == ("/sub/source", "s")
    assert data["subscriptionFilters"] == ["errors"]
    assert [event["message"] for event in data["logEvents"]] == ["ERROR first", "ERROR second"]
    events = logs.filter_log_events(logGroupName="/sub/source", filterPattern="ERROR")["events"]
    assert [event["id"] for event in data["logEvents"]] == [event["eventId"] for event in events]


def test_subscription_filters_that_are_refused(cloud: RunningCloud, logs: Any) -> None:
    """test_put_subscription_filter_errors, _limit_exceeded, test_delete_subscription_filter_errors."""
    iam, functions = cloud.client("iam"), cloud.client("lambda")
    role = make_role(iam, "subscribed")
    source = "def handler(e, c):\n    return 1\n"
    arn = make_function(functions, role, "subscribed", source)["FunctionArn"]
    functions.add_permission(
        FunctionName="subscribed", StatementId="logs", Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
    )  # fmt: skip
    logs.create_log_group(logGroupName="/sub/refused")
    rest = {"logGroupName": "/sub/refused", "filterPattern": ""}
    add = logs.put_subscription_filter
    foreign = arn.replace("000000000000", "111111111111")
    message = refused("AccessDeniedException", add, **rest, filterName="a", destinationArn=foreign)
    assert message.startswith("Cross-account lambda invocation passing is not allowed.")
    kinesis = "arn:aws:kinesis:us-east-1:000000000000:stream/x"
    message = refused("InvalidParameterException", add, **rest, filterName="a", destinationArn=kinesis)
    assert message == "destinationArn for vendor kinesis cannot be used without roleArn"
    missing = {**rest, "logGroupName": "/sub/nothing"}
    message = refused("ResourceNotFoundException", add, **missing, filterName="a", destinationArn=arn)
    assert message == "The specified log group does not exist."
    for name in ("a", "b", "a"):
        add(**rest, filterName=name, destinationArn=arn)
    message = refused("LimitExceededException", add, **rest, filterName="c", destinationArn=arn)
    assert message == "Resource limit exceeded."
    remove = logs.delete_subscription_filter
    message = refused("ResourceNotFoundException", remove, logGroupName="/sub/refused", filterName="c")
    assert message == "The specified subscription filter does not exist."
    remove(logGroupName="/sub/refused", filterName="a")
    found = logs.describe_subscription_filters(logGroupName="/sub/refused")["subscriptionFilters"]
    assert [each["filterName"] for each in found] == ["b"]


def test_resource_policies(cloud: RunningCloud, logs: Any) -> None:
    """test_put_resource_policy, test_delete_resource_policy_not_found; and they let others write."""
    logs.create_log_group(logGroupName="/policed")
    logs.create_log_stream(logGroupName="/policed", logStreamName="s")
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/writer"},
             "Action": "logs:PutLogEvents", "Resource": f"{ARN}/policed:*"}
        ],
    }  # fmt: skip
    iam = cloud.client("iam")
    iam.create_user(UserName="writer")
    key = iam.create_access_key(UserName="writer")["AccessKey"]
    writer = cloud.client("logs", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    with pytest.raises(ClientError, match="AccessDenied"):
        put(writer, "/policed", "no")
    made = logs.put_resource_policy(policyName="p", policyDocument=json.dumps(document))["resourcePolicy"]
    assert (made["policyScope"], json.loads(made["policyDocument"])) == ("ACCOUNT", document)
    put(writer, "/policed", "yes")
    assert [each["policyName"] for each in logs.describe_resource_policies()["resourcePolicies"]] == ["p"]
    remove = logs.delete_resource_policy
    message = refused("ResourceNotFoundException", remove, policyName="non-existent")
    assert message == "Policy with name [non-existent] does not exist."
    remove(policyName="p")
    with pytest.raises(ClientError, match="AccessDenied"):
        put(writer, "/policed", "no")


def test_protected_groups_and_lists(logs: Any) -> None:
    logs.create_log_group(logGroupName="/kept/one", deletionProtectionEnabled=True)
    logs.create_log_group(logGroupName="/kept/two", logGroupClass="INFREQUENT_ACCESS")
    message = refused("ValidationException", logs.delete_log_group, logGroupName="/kept/one")
    assert message.startswith("Cannot delete log group with deletion protection enabled.")
    names = [each["logGroupName"] for each in logs.list_log_groups(logGroupNamePattern="^/kept")["logGroups"]]
    assert names == ["/kept/one", "/kept/two"]
    found = logs.list_log_groups(logGroupNamePattern="ept/two|nothing")["logGroups"]
    assert [each["logGroupClass"] for each in found] == ["INFREQUENT_ACCESS"]
    found = logs.describe_log_groups(logGroupIdentifiers=[f"{ARN}/kept/one"])["logGroups"]
    assert [each["deletionProtectionEnabled"] for each in found] == [True]
    found = logs.describe_log_groups(logGroupClass="INFREQUENT_ACCESS", logGroupNamePrefix="/kept")[
        "logGroups"
    ]
    assert [each["logGroupName"] for each in found] == ["/kept/two"]
    logs.put_log_group_deletion_protection(logGroupIdentifier="/kept/one", deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="/kept/one")


STACK = """
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /stack/filtered, LogGroupClass: STANDARD}
  Counted:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref Group
      FilterPattern: PATTERN
      MetricTransformations:
        - {MetricName: errors, MetricNamespace: Stack, MetricValue: "1", DefaultValue: 0}
  Subscribed:
    Type: AWS::Logs::SubscriptionFilter
    Properties: {LogGroupName: !Ref Group, FilterPattern: PATTERN, DestinationArn: FUNCTION}
  Policy:
    Type: AWS::Logs::ResourcePolicy
    Properties:
      PolicyName: stacked
      PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":
        {"Service":"route53.amazonaws.com"},"Action":"logs:PutLogEvents","Resource":"*"}]}'
"""


def test_filters_in_stacks(cloud: RunningCloud, logs: Any) -> None:
    functions, stacks = cloud.client("lambda"), cloud.client("cloudformation")
    role = make_role(cloud.client("iam"), "stacked")
    source = "def handler(e, c):\n    return 1\n"
    arn = make_function(functions, role, "stacked", source)["FunctionArn"]
    functions.add_permission(
        FunctionName="stacked", StatementId="logs", Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
    )  # fmt: skip
    template = STACK.replace("FUNCTION", arn)
    stacks.create_stack(StackName="filters", TemplateBody=template.replace("PATTERN", "ERROR"))
    stacks.get_waiter("stack_create_complete").wait(StackName="filters", WaiterConfig={"Delay": 1})

    def patterns() -> set[str]:
        group = {"logGroupName": "/stack/filtered"}
        found = logs.describe_metric_filters(**group)["metricFilters"]
        found += logs.describe_subscription_filters(**group)["subscriptionFilters"]
        assert len(found) == 2
        return {each["filterPattern"] for each in found}

    assert patterns() == {"ERROR"}
    assert [each["policyName"] for each in logs.describe_resource_policies()["resourcePolicies"]] == [
        "stacked"
    ]
    stacks.update_stack(StackName="filters", TemplateBody=template.replace("PATTERN", "WARN"))
    stacks.get_waiter("stack_update_complete").wait(StackName="filters", WaiterConfig={"Delay": 1})
    assert patterns() == {"WARN"}
    stacks.delete_stack(StackName="filters")
    stacks.get_waiter("stack_delete_complete").wait(StackName="filters", WaiterConfig={"Delay": 1})
    assert logs.describe_resource_policies()["resourcePolicies"] == []
