"""Logs, metrics, parameters, IAM and S3 through boto3: what the systems use of them."""

import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud
from waiting import until


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


# Logs


@pytest.fixture(scope="module")
def stream(cloud: RunningCloud) -> dict[str, str]:
    logs = cloud.client("logs")
    where = {"logGroupName": "/a/group", "logStreamName": "stream"}
    logs.create_log_group(logGroupName="/a/group", tags={"a": "b"})
    logs.create_log_stream(**where)
    now = int(time.time() * 1000)
    lines = [
        "plain error one", '{"level": "error", "code": 404, "user": {"name": "Ann"}}', "10.0.0.1 GET 200",
        '{"level": "info", "code": 200}', "10.0.0.2 POST 500", "warning two",
    ]  # fmt: skip
    logs.put_log_events(
        **where, logEvents=[{"timestamp": now + n, "message": line} for n, line in enumerate(lines)]
    )
    return where


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", 6), ("error", 2), ("error -one", 1), ("?one ?two", 2), ('"plain error"', 1),
        ('{ $.level = "error" }', 1), ("{ $.code >= 200 && $.code < 400 }", 1), ('{ $.user.name = "A*" }', 1),
        ("{ $.user NOT EXISTS }", 1), ('{ ($.code = 404) || ($.level = "info") }', 2),
        ("[ip, method, status = 5*]", 1), ("[ip, method = GET, status]", 1),
    ],
)  # fmt: skip
def test_filter_patterns(cloud: RunningCloud, stream: dict[str, str], pattern: str, found: int) -> None:
    events = cloud.client("logs").filter_log_events(
        logGroupName=stream["logGroupName"], filterPattern=pattern
    )["events"]
    assert len(events) == found


def test_log_events_are_read_both_ways(cloud: RunningCloud, stream: dict[str, str]) -> None:
    logs = cloud.client("logs")
    first = logs.get_log_events(**stream, limit=4, startFromHead=True)
    rest = logs.get_log_events(**stream, nextToken=first["nextForwardToken"])
    messages = [event["message"] for event in first["events"] + rest["events"]]
    assert len(messages) == 6
    assert messages[0] == "plain error one"
    end = logs.get_log_events(**stream, nextToken=rest["nextForwardToken"])
    assert end["events"] == []
    assert end["nextForwardToken"] == rest["nextForwardToken"]
    back = logs.get_log_events(**stream, nextToken=rest["nextBackwardToken"])
    assert [event["message"] for event in back["events"]] == messages[:4]


def test_log_refusals(cloud: RunningCloud, stream: dict[str, str]) -> None:
    logs = cloud.client("logs")
    refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="/a/group")
    refused("ResourceNotFoundException", logs.describe_log_streams, logGroupName="/none")
    refused("InvalidParameterException", logs.create_log_group, logGroupName="no spaces")
    now = int(time.time() * 1000)
    message = refused(
        "InvalidParameterException", logs.put_log_events, **stream,
        logEvents=[{"timestamp": now + 1, "message": "a"}, {"timestamp": now, "message": "b"}],
    )  # fmt: skip
    assert "chronological order" in message
    old = logs.put_log_events(
        **stream, logEvents=[{"timestamp": now - 15 * 86_400_000, "message": "too old"}]
    )
    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}


def test_retention_hides_and_deletes(fresh_cloud: RunningCloud) -> None:
    logs = fresh_cloud.client("logs")
    where = {"logGroupName": "g", "logStreamName": "s"}
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(**where)
    logs.put_log_events(**where, logEvents=[{"timestamp": int(time.time() * 1000), "message": "m"}])
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert len(logs.get_log_events(**where)["events"]) == 1
    fresh_cloud.advance(90_000)
    assert logs.get_log_events(**where)["events"] == []
    logs.delete_retention_policy(logGroupName="g")
    until(lambda: logs.get_log_events(**where)["events"] == [], what="the sweep")


# Metrics


def test_metrics(cloud: RunningCloud) -> None:
    watch = cloud.client("cloudwatch")
    now = datetime.datetime.now(datetime.UTC).replace(second=30, microsecond=0)
    series = {"MetricName": "M", "Dimensions": [{"Name": "d", "Value": "1"}]}
    watch.put_metric_data(
        Namespace="Own",
        MetricData=[
            {**series, "Timestamp": now, "Value": 3.0, "Unit": "Count"},
            {**series, "Timestamp": now, "Values": [1.0, 5.0], "Counts": [2.0, 1.0], "Unit": "Count"},
            {**series, "Timestamp": now, "Unit": "Count",
             "StatisticValues": {"SampleCount": 2, "Sum": 10, "Minimum": 4, "Maximum": 6}},
        ],
    )  # fmt: skip
    (point,) = watch.get_metric_statistics(
        Namespace="Own", **series, StartTime=now - datetime.timedelta(minutes=5),
        EndTime=now + datetime.timedelta(minutes=5), Period=60,
        Statistics=["Sum", "Average", "SampleCount", "Minimum", "Maximum"],
    )["Datapoints"]  # fmt: skip
    assert (point["Sum"], point["SampleCount"], point["Minimum"], point["Maximum"]) == (20.0, 6.0, 1.0, 6.0)
    assert point["Average"] == pytest.approx(20 / 6)
    assert watch.list_metrics(Namespace="Own")["Metrics"] == [{"Namespace": "Own", **series}]
    refused(
        "InvalidParameterValue", watch.put_metric_data, Namespace="AWS/Lambda",
        MetricData=[{"MetricName": "x", "Value": 1.0}],
    )  # fmt: skip


# Parameters


def test_parameters(cloud: RunningCloud) -> None:
    ssm = cloud.client("ssm")
    assert ssm.put_parameter(Name="/app/db/host", Value="one", Type="String")["Version"] == 1
    message = refused(
        "ParameterAlreadyExists", ssm.put_parameter, Name="/app/db/host", Value="x", Type="String"
    )
    assert message.startswith("The parameter already exists.")
    assert ssm.put_parameter(Name="/app/db/host", Value="two", Overwrite=True)["Version"] == 2
    ssm.put_parameter(Name="/app/db/deep/er", Value="a,b", Type="StringList")
    assert ssm.get_parameter(Name="/app/db/host")["Parameter"]["Value"] == "two"
    assert ssm.get_parameter(Name="/app/db/host:1")["Parameter"]["Value"] == "one"
    ssm.label_parameter_version(Name="/app/db/host", ParameterVersion=1, Labels=["old"])
    assert ssm.get_parameter(Name="/app/db/host:old")["Parameter"]["Version"] == 1
    shallow = ssm.get_parameters_by_path(Path="/app/db")["Parameters"]
    deep = ssm.get_parameters_by_path(Path="/app", Recursive=True)["Parameters"]
    assert [each["Name"] for each in shallow] == ["/app/db/host"]
    assert [each["Name"] for each in deep] == ["/app/db/deep/er", "/app/db/host"]
    found = ssm.get_parameters(Names=["/app/db/host", "/none"])
    assert found["InvalidParameters"] == ["/none"]
    assert [each["Value"] for each in ssm.get_parameter_history(Name="/app/db/host")["Parameters"]] == [
        "one",
        "two",
    ]
    ssm.delete_parameter(Name="/app/db/host")
    refused("ParameterNotFound", ssm.get_parameter, Name="/app/db/host")
    refused("ValidationException", ssm.put_parameter, Name="aws-own", Value="x", Type="String")


def test_secure_strings_are_sealed_on_disk(fresh_cloud: RunningCloud) -> None:
    ssm = fresh_cloud.client("ssm")
    secret = "correct horse battery staple"
    ssm.put_parameter(Name="secret", Value=secret, Type="SecureString")
    assert ssm.get_parameter(Name="secret", WithDecryption=True)["Parameter"]["Value"] == secret
    assert secret not in ssm.get_parameter(Name="secret")["Parameter"]["Value"]
    fresh_cloud.stop()
    files = [path for path in Path(fresh_cloud.data).rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in files)
    assert secret not in fresh_cloud.log.read_text()


# IAM


def test_roles_policies_and_their_order_of_deletion(cloud: RunningCloud) -> None:
    iam = cloud.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
         "Action": "sts:AssumeRole"}]}  # fmt: skip
    role = iam.create_role(RoleName="held", Path="/team/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    assert role["Arn"] == "arn:aws:iam::000000000000:role/team/held"
    assert iam.get_role(RoleName="held")["Role"]["AssumeRolePolicyDocument"] == trust
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
    policy = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(document))["Policy"]
    iam.attach_role_policy(RoleName="held", PolicyArn=policy["Arn"])
    iam.put_role_policy(RoleName="held", PolicyName="inline", PolicyDocument=json.dumps(document))
    refused("DeleteConflict", iam.delete_role, RoleName="held")
    refused("DeleteConflict", iam.delete_policy, PolicyArn=policy["Arn"])
    for _ in range(4):
        iam.create_policy_version(
            PolicyArn=policy["Arn"], PolicyDocument=json.dumps(document), SetAsDefault=True
        )
    refused(
        "LimitExceeded",
        iam.create_policy_version,
        PolicyArn=policy["Arn"],
        PolicyDocument=json.dumps(document),
    )
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["DefaultVersionId"] == "v5"
    entities = iam.list_entities_for_policy(PolicyArn=policy["Arn"])
    assert [each["RoleName"] for each in entities["PolicyRoles"]] == ["held"]
    iam.delete_role_policy(RoleName="held", PolicyName="inline")
    iam.detach_role_policy(RoleName="held", PolicyArn=policy["Arn"])
    iam.delete_role(RoleName="held")
    assert (
        refused("NoSuchEntity", iam.get_role, RoleName="held") == "The role with name held cannot be found."
    )


def statement(**members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **members}]})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "Syntax errors in policy."),
        (statement(Action="x", Resource="*"), "vendor"),
        (statement(Resource="*"), "must contain actions"),
        (statement(Action="s3:*"), "must contain resources"),
        (statement(Action="s3:*", Resource="*", Principal="*"), "should not specify a principal"),
    ],
)  # fmt: skip
def test_malformed_policies(cloud: RunningCloud, document: str, message: str) -> None:
    found = refused(
        "MalformedPolicyDocument",
        cloud.client("iam").create_policy,
        PolicyName="bad",
        PolicyDocument=document,
    )
    assert message in found


def test_groups_give_rights(cloud: RunningCloud) -> None:
    iam = cloud.client("iam")
    iam.create_group(GroupName="readers")
    iam.attach_group_policy(
        GroupName="readers", PolicyArn="arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
    )
    iam.create_user(UserName="member")
    key = iam.create_access_key(UserName="member")["AccessKey"]
    dynamodb = cloud.client("dynamodb", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    refused("AccessDeniedException", dynamodb.list_tables)
    iam.add_user_to_group(GroupName="readers", UserName="member")
    assert "TableNames" in dynamodb.list_tables()
    iam.remove_user_from_group(GroupName="readers", UserName="member")
    refused("AccessDeniedException", dynamodb.list_tables)
    iam.create_access_key(UserName="member")
    refused("LimitExceeded", iam.create_access_key, UserName="member")


# S3, as far as deployment needs it


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    cloud.client("s3").create_bucket(Bucket="small-bucket")
    return "small-bucket"


@pytest.mark.parametrize(
    "key", ["a", "a/b c", "ünï/\U0001f600", "a+b&c=d?e", "../up", "/lead", "x" * 1024, "a//b", "<&>"]
)
def test_keys_are_kept_as_they_are(cloud: RunningCloud, bucket: str, key: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(
        Bucket=bucket, Key=key, Body=key.encode(), Metadata={"note": "yes"}, ContentType="text/plain"
    )
    found = s3.get_object(Bucket=bucket, Key=key)
    assert found["Body"].read() == key.encode()
    assert (found["ContentType"], found["Metadata"]) == ("text/plain", {"note": "yes"})
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]
    assert key in [each["Key"] for each in listed]
    s3.delete_object(Bucket=bucket, Key=key)
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key=key)


def test_ranges_and_conditions(cloud: RunningCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    etag = s3.put_object(Bucket=bucket, Key="range", Body=b"0123456789")["ETag"]
    part = s3.get_object(Bucket=bucket, Key="range", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert s3.get_object(Bucket=bucket, Key="range", Range="bytes=-3")["Body"].read() == b"789"
    refused("InvalidRange", s3.get_object, Bucket=bucket, Key="range", Range="bytes=10-")
    refused("PreconditionFailed", s3.get_object, Bucket=bucket, Key="range", IfMatch='"other"')
    refused("304", s3.get_object, Bucket=bucket, Key="range", IfNoneMatch=etag)
    refused("PreconditionFailed", s3.put_object, Bucket=bucket, Key="range", Body=b"x", IfNoneMatch="*")


def test_large_objects_go_by_disk(cloud: RunningCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    body = bytes(range(256)) * 40_000
    s3.put_object(Bucket=bucket, Key="large", Body=body)
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == body
    assert (
        s3.get_object(Bucket=bucket, Key="large", Range="bytes=5000000-5000003")["Body"].read()
        == body[5_000_000:5_000_004]
    )


def test_listing_folds_and_pages(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="listing")
    for key in ("a", "b/1", "b/2", "c/1", "d"):
        s3.put_object(Bucket="listing", Key=key, Body=b"")
    found = s3.list_objects_v2(Bucket="listing", Delimiter="/")
    assert [each["Key"] for each in found["Contents"]] == ["a", "d"]
    assert [each["Prefix"] for each in found["CommonPrefixes"]] == ["b/", "c/"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="listing", PaginationConfig={"PageSize": 2})
    assert [each["Key"] for page in pages for each in page["Contents"]] == ["a", "b/1", "b/2", "c/1", "d"]
    refused("BucketNotEmpty", s3.delete_bucket, Bucket="listing")
    s3.delete_objects(
        Bucket="listing", Delete={"Objects": [{"Key": k} for k in ("a", "b/1", "b/2", "c/1", "d")]}
    )
    s3.delete_bucket(Bucket="listing")
    refused("NoSuchBucket", s3.list_objects_v2, Bucket="listing")


def test_bucket_names_and_policies(cloud: RunningCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    for name in ("Upper", "ab", "192.168.0.1", "a..b", "xn--a-bucket"):
        refused("InvalidBucketName", s3.create_bucket, Bucket=name)
    other = cloud.client("s3", key="333333333333")
    refused("BucketAlreadyExists", other.create_bucket, Bucket=bucket)
    refused("AccessDenied", other.list_objects_v2, Bucket=bucket)
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "333333333333"}, "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{bucket}/open/*"}]}  # fmt: skip
    s3.put_object(Bucket=bucket, Key="open/a", Body=b"x")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert other.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"x"
    refused("AccessDenied", other.put_object, Bucket=bucket, Key="open/b", Body=b"x")
    refused("AccessDenied", other.get_object, Bucket=bucket, Key="range")


def test_versions(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="versions", Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket="versions", Key="k", Body=b"2")["VersionId"]
    assert s3.get_object(Bucket="versions", Key="k")["Body"].read() == b"2"
    assert s3.get_object(Bucket="versions", Key="k", VersionId=first)["Body"].read() == b"1"
    marker = s3.delete_object(Bucket="versions", Key="k")
    assert marker["DeleteMarker"] is True
    refused("NoSuchKey", s3.get_object, Bucket="versions", Key="k")
    s3.delete_object(Bucket="versions", Key="k", VersionId=marker["VersionId"])
    s3.delete_object(Bucket="versions", Key="k", VersionId=second)
    assert s3.get_object(Bucket="versions", Key="k")["Body"].read() == b"1"


def test_what_s3_does_not_have_yet_says_so(cloud: RunningCloud, bucket: str) -> None:
    select = cloud.client("s3").select_object_content
    how = {"Bucket": bucket, "Key": "x", "Expression": "SELECT 1", "ExpressionType": "SQL"}
    message = refused("NotImplemented", select, **how, InputSerialization={}, OutputSerialization={})
    assert "SelectObjectContent" in message
