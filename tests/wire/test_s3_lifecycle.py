"""Lifecycle rules: what S3 accepts, and what is gone after midnight."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from people import refused
from running import DAY, RunningCloud
from waiting import until

TAG = {"Key": "a", "Value": "b"}


def rule(name: str = "r", prefix: str = "", **actions: Any) -> dict[str, Any]:
    return {"ID": name, "Status": "Enabled", "Filter": {"Prefix": prefix}, **actions}


def put(s3: Any, bucket: str, *rules: dict[str, Any]) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})


def keys(s3: Any, bucket: str) -> list[str]:
    return [row["Key"] for row in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def to_midnight(cloud: RunningCloud, days: int) -> None:
    """Move the clock past the midnight at which what is made now ends after so many days."""
    cloud.advance(days * DAY + (DAY - cloud.time() % DAY) + 1)


# What is a configuration


@pytest.fixture(scope="module")
def s3(cloud: RunningCloud) -> Any:
    client = cloud.client("s3")
    client.create_bucket(Bucket="life")
    return client


def test_rules_are_kept(s3: Any) -> None:
    s3.create_bucket(Bucket="life-kept")
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket="life-kept")
    date = datetime(2030, 1, 1, tzinfo=UTC)
    rules = [
        rule("days", "logs/", Expiration={"Days": 30}),
        rule("date", "old/", Expiration={"Date": date}),
        rule("marker", Expiration={"ExpiredObjectDeleteMarker": True}),
        rule("versions", NoncurrentVersionExpiration={"NoncurrentDays": 7, "NewerNoncurrentVersions": 3}),
        rule("uploads", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 2}),
        {
            "ID": "all", "Status": "Disabled", "Expiration": {"Days": 1},
            "Filter": {
                "And": {
                    "Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 10,
                    "ObjectSizeLessThan": 20,
                }
            },
        },
    ]  # fmt: skip
    put(s3, "life-kept", *rules)
    answer = s3.get_bucket_lifecycle_configuration(Bucket="life-kept")
    assert answer["Rules"] == rules
    assert answer["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    s3.delete_bucket_lifecycle(Bucket="life-kept")
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket="life-kept")


def test_a_rule_without_an_id_gets_one(s3: Any) -> None:
    put(s3, "life", {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}})
    assert s3.get_bucket_lifecycle_configuration(Bucket="life")["Rules"][0]["ID"]


@pytest.mark.parametrize(
    ("code", "message", "change"),
    [
        ("MalformedXML", "", {"Status": "On"}),
        ("MalformedXML", "", {"Filter": None}),
        ("MalformedXML", "", {"Prefix": "both"}),
        ("MalformedXML", "", {"Filter": {"Prefix": "a", "ObjectSizeLessThan": 1}}),
        ("MalformedXML", "", {"Filter": {"And": {"Prefix": "a"}}}),
        ("MalformedXML", "", {"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}),
        ("MalformedXML", "", {"NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 1}}),
        ("InvalidRequest", "At least one action", {"Expiration": None}),
        ("InvalidArgument", "'Days' for Expiration action must be", {"Expiration": {"Days": 0}}),
        (
            "InvalidArgument", "'Date' must be at midnight GMT",
            {"Expiration": {"Date": datetime(2030, 1, 1, 12, tzinfo=UTC)}},
        ),
        ("InvalidArgument", "ID length should not exceed", {"ID": "x" * 256}),
        (
            "InvalidRequest", "cannot be specified with Tags",
            {"Filter": {"Tag": TAG}, "Expiration": {"ExpiredObjectDeleteMarker": True}},
        ),
        (
            "InvalidRequest", "cannot be specified with Tags",
            {
                "Filter": {"ObjectSizeGreaterThan": 1},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            },
        ),
        ("MalformedXML", "", {"Transitions": [{"Days": 0, "StorageClass": "STANDARD"}]}),
        ("MalformedXML", "", {"Transitions": [{"StorageClass": "GLACIER"}]}),
        (
            "InvalidArgument", "greater than or equal to 30 for storageClass 'STANDARD_IA'",
            {"Transitions": [{"Days": 29, "StorageClass": "STANDARD_IA"}], "Expiration": {"Days": 60}},
        ),
        (
            "InvalidArgument", "must be nonnegative",
            {"Transitions": [{"Days": -1, "StorageClass": "GLACIER"}]},
        ),
        (
            "InvalidArgument", "must be greater than 'Days' in the Transition action",
            {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
        ),
        (
            "InvalidArgument", "'StorageClass' must be different for 'Transition' actions",
            {"Transitions": [{"Days": 0, "StorageClass": "GLACIER"}] * 2},
        ),
        (
            "InvalidRequest", "Found mixed 'Date' and 'Days' based Expiration and Transition actions",
            {"Transitions": [{"Date": datetime(2030, 1, 1, tzinfo=UTC), "StorageClass": "GLACIER"}]},
        ),
        (
            "InvalidArgument", "'Date' must be at midnight GMT",
            {
                "Transitions": [{"Date": datetime(2030, 1, 1, 1, tzinfo=UTC), "StorageClass": "GLACIER"}],
                "Expiration": None,
            },
        ),
        ("MalformedXML", "", {"NoncurrentVersionTransitions": [{"StorageClass": "GLACIER"}]}),
    ],
)  # fmt: skip
def test_what_is_no_rule(s3: Any, code: str, message: str, change: dict[str, Any]) -> None:
    given = {**rule(Expiration={"Days": 1}), **change}
    given = {name: value for name, value in given.items() if value is not None}
    assert message in refused(
        code, s3.put_bucket_lifecycle_configuration, Bucket="life", LifecycleConfiguration={"Rules": [given]}
    )


def test_rules_have_names_of_their_own(s3: Any) -> None:
    rules = [rule("same", "a", Expiration={"Days": 1}), rule("same", "b", Expiration={"Days": 1})]
    refused(
        "InvalidArgument", s3.put_bucket_lifecycle_configuration, Bucket="life",
        LifecycleConfiguration={"Rules": rules},
    )  # fmt: skip
    refused(
        "MalformedXML",
        s3.put_bucket_lifecycle_configuration,
        Bucket="life",
        LifecycleConfiguration={"Rules": []},
    )


def test_answers_name_the_day(cloud: RunningCloud, s3: Any) -> None:
    s3.create_bucket(Bucket="life-header")
    put(
        s3, "life-header", rule("ten days", "a/", Expiration={"Days": 10}),
        rule("three", "a/b", Expiration={"Days": 3}),
    )  # fmt: skip
    cloud.move_to(cloud.noon())
    midnight = datetime.fromtimestamp(cloud.time() // DAY * DAY, UTC)

    def wanted(days: int, name: str) -> str:
        date = (midnight + timedelta(days=days + 1)).strftime("%a, %d %b %Y 00:00:00 GMT")
        return f'expiry-date="{date}", rule-id="{name}"'

    assert s3.put_object(Bucket="life-header", Key="a/c", Body=b"x")["Expiration"] == wanted(10, "ten%20days")
    assert s3.put_object(Bucket="life-header", Key="a/b", Body=b"x")["Expiration"] == wanted(3, "three")
    assert s3.head_object(Bucket="life-header", Key="a/b")["Expiration"] == wanted(3, "three")
    assert s3.get_object(Bucket="life-header", Key="a/c")["Expiration"] == wanted(10, "ten%20days")
    assert "Expiration" not in s3.put_object(Bucket="life-header", Key="b", Body=b"x")


# What is gone


def test_objects_end_at_midnight(fresh_cloud: RunningCloud) -> None:
    s3 = fresh_cloud.client("s3")
    fresh_cloud.move_to(fresh_cloud.noon())
    s3.create_bucket(Bucket="ends")
    for key, size, tagging in (
        ("logs/a", 1, ""), ("logs/b", 1, ""), ("keep/a", 1, ""), ("tagged", 1, "end=yes"),
        ("untagged", 1, "end=no"), ("large", 2000, ""), ("medium", 1000, ""),
    ):  # fmt: skip
        s3.put_object(Bucket="ends", Key=key, Body=b"x" * size, Tagging=tagging)
    put(
        s3, "ends", rule("logs", "logs/", Expiration={"Days": 2}),
        {**rule("tags", Expiration={"Days": 2}), "Filter": {"Tag": {"Key": "end", "Value": "yes"}}},
        {**rule("sizes", Expiration={"Days": 2}), "Filter": {"ObjectSizeGreaterThan": 1000}},
        {**rule("off", Expiration={"Days": 1}), "Status": "Disabled"},
    )  # fmt: skip
    before = keys(s3, "ends")
    assert len(before) == 7
    # Two days later, but not yet midnight after them.
    fresh_cloud.advance(DAY)
    fresh_cloud.advance(DAY * 1.4)
    assert keys(s3, "ends") == before
    to_midnight(fresh_cloud, 0)
    until(lambda: keys(s3, "ends") == ["keep/a", "medium", "untagged"], what="objects to end")


def test_objects_end_on_a_date(fresh_cloud: RunningCloud) -> None:
    s3 = fresh_cloud.client("s3")
    fresh_cloud.move_to(fresh_cloud.noon())
    s3.create_bucket(Bucket="dated")
    s3.put_object(Bucket="dated", Key="a", Body=b"x")
    tomorrow = datetime.fromtimestamp((fresh_cloud.time() // DAY + 1) * DAY, UTC)
    put(s3, "dated", rule(Expiration={"Date": tomorrow}))
    to_midnight(fresh_cloud, 0)
    until(lambda: keys(s3, "dated") == [], what="the object to end")


def test_versions_and_markers_end(fresh_cloud: RunningCloud) -> None:
    s3 = fresh_cloud.client("s3")
    fresh_cloud.move_to(fresh_cloud.noon())
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for number in range(4):
        s3.put_object(Bucket="versions", Key="a", Body=b"x" * number)
    s3.put_object(Bucket="versions", Key="b", Body=b"x")
    s3.put_object(Bucket="versions", Key="kept/c", Body=b"x")
    put(
        s3, "versions", rule("current", "b", Expiration={"Days": 1}),
        rule("old", "a", NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}),
    )  # fmt: skip

    def versions() -> tuple[list[tuple[str, int]], list[str]]:
        listed = s3.list_object_versions(Bucket="versions")
        rows = [(row["Key"], row["Size"]) for row in listed.get("Versions", [])]
        return rows, [row["Key"] for row in listed.get("DeleteMarkers", [])]

    b, c = ("b", 1), ("kept/c", 1)
    assert versions() == ([("a", 3), ("a", 2), ("a", 1), ("a", 0), b, c], [])
    to_midnight(fresh_cloud, 1)
    # The current version is behind a marker, not gone; of the others only the newest is kept.
    until(lambda: versions() == ([("a", 3), ("a", 2), b, c], ["b"]), what="old versions to end")
    put(
        s3, "versions", rule("b", "b", NoncurrentVersionExpiration={"NoncurrentDays": 1}),
        rule("marker", Expiration={"ExpiredObjectDeleteMarker": True}),
    )  # fmt: skip
    fresh_cloud.advance(2 * DAY)
    until(lambda: versions() == ([("a", 3), ("a", 2), c], []), what="the marker to end")


def test_uploads_that_nobody_ends_end(fresh_cloud: RunningCloud) -> None:
    s3 = fresh_cloud.client("s3")
    fresh_cloud.move_to(fresh_cloud.noon())
    s3.create_bucket(Bucket="uploads")
    for key in ("tmp/a", "keep/a"):
        upload = s3.create_multipart_upload(Bucket="uploads", Key=key)["UploadId"]
        s3.upload_part(Bucket="uploads", Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 100_000)
    put(s3, "uploads", rule(prefix="tmp/", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}))
    to_midnight(fresh_cloud, 1)

    def left() -> list[str]:
        return [row["Key"] for row in s3.list_multipart_uploads(Bucket="uploads").get("Uploads", [])]

    until(lambda: left() == ["keep/a"], what="the upload to end")


def test_days_that_were_missed_are_made_up_for(fresh_cloud: RunningCloud) -> None:
    """A date long past, set while the cloud is up, is seen at the next start."""
    s3 = fresh_cloud.client("s3")
    s3.create_bucket(Bucket="missed")
    s3.put_object(Bucket="missed", Key="a", Body=b"x")
    put(s3, "missed", rule(Expiration={"Date": datetime(2020, 1, 1, tzinfo=UTC)}))
    fresh_cloud.kill()
    fresh_cloud.start()
    s3 = fresh_cloud.client("s3")
    until(lambda: keys(s3, "missed") == [], what="the object to end")


# What has moved


def classes(s3: Any, bucket: str) -> dict[str, str]:
    return {row["Key"]: row["StorageClass"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]}


def test_objects_go_down_the_storage_classes(fresh_cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html"""
    s3 = fresh_cloud.client("s3")
    fresh_cloud.move_to(fresh_cloud.noon())
    s3.create_bucket(Bucket="moves")
    large = b"x" * (128 * 1024)
    for key, body, storage in (
        ("large", large, "STANDARD"), ("small", b"x", "STANDARD"), ("deep", large, "DEEP_ARCHIVE"),
        ("sized/small", b"xx", "STANDARD"), ("other", large, "STANDARD"),
    ):  # fmt: skip
        s3.put_object(Bucket="moves", Key=key, Body=body, StorageClass=storage)
    moves = [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}]
    both = {"And": {"Prefix": "sized/", "ObjectSizeGreaterThan": 1}}
    rules = [
        *(rule(prefix, prefix, Transitions=moves) for prefix in ("large", "small", "deep")),
        {**rule("sized", Transitions=[{"Days": 1, "StorageClass": "GLACIER_IR"}]), "Filter": both},
    ]
    put(s3, "moves", *rules)
    assert s3.get_bucket_lifecycle_configuration(Bucket="moves")["Rules"] == rules
    etag = s3.head_object(Bucket="moves", Key="large")["ETag"]
    to_midnight(fresh_cloud, 1)
    until(
        lambda: classes(s3, "moves")["sized/small"] == "GLACIER_IR", what="the small ones that are asked for"
    )
    assert classes(s3, "moves")["large"] == "STANDARD"
    fresh_cloud.advance(29 * DAY)
    until(lambda: classes(s3, "moves")["large"] == "STANDARD_IA", what="the first move")
    found = s3.get_object(Bucket="moves", Key="large")
    assert (found["StorageClass"], found["ETag"], found["Body"].read()) == ("STANDARD_IA", etag, large)
    fresh_cloud.advance(30 * DAY)
    until(lambda: classes(s3, "moves")["large"] == "GLACIER", what="the second move")
    refused("InvalidObjectState", s3.get_object, Bucket="moves", Key="large")
    left = {"small": "STANDARD", "deep": "DEEP_ARCHIVE", "other": "STANDARD", "sized/small": "GLACIER_IR"}
    assert classes(s3, "moves") == {**left, "large": "GLACIER"}


def test_versions_move_when_they_are_no_longer_current(fresh_cloud: RunningCloud) -> None:
    s3 = fresh_cloud.client("s3")
    fresh_cloud.move_to(fresh_cloud.noon())
    s3.create_bucket(Bucket="moved")
    s3.put_bucket_versioning(Bucket="moved", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(3):
        s3.put_object(Bucket="moved", Key="k", Body=b"x" * (128 * 1024))
    move = {"NoncurrentDays": 1, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 1}
    put(s3, "moved", rule(NoncurrentVersionTransitions=[move]))

    def found() -> list[str]:
        return [row["StorageClass"] for row in s3.list_object_versions(Bucket="moved")["Versions"]]

    to_midnight(fresh_cloud, 1)
    until(lambda: "GLACIER" in found(), what="the oldest version's move")
    assert found() == ["STANDARD", "STANDARD", "GLACIER"]
