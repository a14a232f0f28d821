"""Objects in archives: what can be read of them, and when.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html and API_RestoreObject.html.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from running import DAY, RunningCloud
from s3wire import failing, got, refused

HOUR = 3600


@pytest.fixture
def s3(fresh_cloud: RunningCloud) -> Any:
    client = fresh_cloud.client("s3")
    client.create_bucket(Bucket="archive")
    return client


def asked(days: int = 1, tier: str | None = None) -> dict[str, Any]:
    more = {} if tier is None else {"GlacierJobParameters": {"Tier": tier}}
    return {"RestoreRequest": {"Days": days, **more}}


def test_a_copy_comes_and_goes(fresh_cloud: RunningCloud, s3: Any) -> None:
    fresh_cloud.move_to(fresh_cloud.noon())
    where = {"Bucket": "archive", "Key": "k"}
    s3.put_object(**where, Body=b"cold", StorageClass="GLACIER")
    error = refused("InvalidObjectState", s3.get_object, **where)
    assert error["StorageClass"] == "GLACIER"
    copy = {"Bucket": "archive", "Key": "copy", "CopySource": "archive/k"}
    refused("ObjectNotInActiveTierError", s3.copy_object, **copy)
    assert s3.restore_object(**where, **asked())["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.head_object(**where)["Restore"] == 'ongoing-request="true"'
    refused("InvalidObjectState", s3.get_object, **where)
    error = failing(s3.restore_object, **where, **asked())
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (
        "RestoreAlreadyInProgress",
        409,
    )
    fresh_cloud.advance(5 * HOUR)
    found = got(s3, **where)
    assert (found["Body"], found["StorageClass"]) == (b"cold", "GLACIER")
    # Today at five in the evening and a day, then the next midnight.
    midnight = datetime.fromtimestamp((fresh_cloud.time() // DAY + 2) * DAY, UTC)
    date = midnight.strftime("%a, %d %b %Y 00:00:00 GMT")
    assert found["Restore"] == f'ongoing-request="false", expiry-date="{date}"'
    s3.copy_object(**copy)
    assert s3.head_object(Bucket="archive", Key="copy").get("StorageClass") is None
    # It can be kept for longer.
    assert s3.restore_object(**where, **asked(days=3))["ResponseMetadata"]["HTTPStatusCode"] == 200
    fresh_cloud.advance(2 * DAY)
    assert got(s3, **where)["Body"] == b"cold"
    fresh_cloud.advance(2 * DAY)
    refused("InvalidObjectState", s3.get_object, **where)
    assert "Restore" not in s3.head_object(**where)


def test_tiers_take_their_time(fresh_cloud: RunningCloud, s3: Any) -> None:
    """userguide/restoring-objects-retrieval-options.html"""
    for storage, tier, seconds in (
        ("GLACIER", "Expedited", 300), ("GLACIER", "Bulk", 12 * HOUR),
        ("DEEP_ARCHIVE", "Standard", 12 * HOUR),
    ):  # fmt: skip
        where = {"Bucket": "archive", "Key": f"{storage}-{tier}"}
        s3.put_object(**where, Body=b"x", StorageClass=storage)
        s3.restore_object(**where, **asked(tier=tier))
        fresh_cloud.advance(seconds - 60)
        refused("InvalidObjectState", s3.get_object, **where)
        fresh_cloud.advance(60)
        assert got(s3, **where)["Body"] == b"x"


def test_what_cannot_be_restored(s3: Any) -> None:
    s3.put_object(Bucket="archive", Key="warm", Body=b"x")
    s3.put_object(Bucket="archive", Key="deep", Body=b"x", StorageClass="DEEP_ARCHIVE")
    deep = {"Bucket": "archive", "Key": "deep"}
    refused("InvalidObjectState", s3.restore_object, Bucket="archive", Key="warm", **asked())
    refused("NoSuchKey", s3.restore_object, Bucket="archive", Key="none", **asked())
    refused("InvalidArgument", s3.restore_object, **deep, **asked(days=0))
    refused("InvalidArgument", s3.restore_object, **deep, **asked(tier="Expedited"))
    refused("MalformedXML", s3.restore_object, **deep, **asked(tier="Slow"))
    refused("MalformedXML", s3.restore_object, **deep, RestoreRequest={})
    refused("MissingRequestBodyError", s3.restore_object, **deep)
    refused("NotImplemented", s3.restore_object, **deep, RestoreRequest={"Type": "SELECT", "Days": 1})
    assert "Restore" not in s3.head_object(**deep)


def test_what_listings_say_of_copies(fresh_cloud: RunningCloud, s3: Any) -> None:
    """ceph/s3-tests#727; the refusal: noobaa/noobaa-core#8106."""
    fresh_cloud.move_to(fresh_cloud.noon())
    s3.put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket="archive", Key="cold", StorageClass="DEEP_ARCHIVE")["VersionId"]
    s3.put_object(Bucket="archive", Key="cold", StorageClass="GLACIER")
    s3.put_object(Bucket="archive", Key="warm")

    def told(**params: Any) -> dict[str, list[dict[str, Any] | None]]:
        lists = {}
        for call, name in ((s3.list_objects, "Contents"), (s3.list_objects_v2, "Contents"),
                           (s3.list_object_versions, "Versions")):  # fmt: skip
            answer = call(Bucket="archive", **params)[name]
            lists[call.__name__] = [each.get("RestoreStatus") for each in answer]
        return lists

    status = {"OptionalObjectAttributes": ["RestoreStatus"]}
    nothing = {"list_objects": [None] * 2, "list_objects_v2": [None] * 2, "list_object_versions": [None] * 3}
    assert told(**status) == nothing
    s3.restore_object(Bucket="archive", Key="cold", **asked())
    coming = {"IsRestoreInProgress": True}
    assert told(**status) == {
        "list_objects": [coming, None],
        "list_objects_v2": [coming, None],
        "list_object_versions": [coming, None, None],
    }
    assert told() == nothing
    s3.restore_object(Bucket="archive", Key="cold", VersionId=old, **asked())
    fresh_cloud.advance(5 * HOUR)
    midnight = datetime.fromtimestamp((fresh_cloud.time() // DAY + 2) * DAY, UTC)
    there = {"IsRestoreInProgress": False, "RestoreExpiryDate": midnight}
    assert told(**status)["list_object_versions"] == [there, coming, None]
    fresh_cloud.advance(3 * DAY)
    assert told(**status) == nothing
    error = refused("InvalidArgument", told, OptionalObjectAttributes=["Other"])
    assert error["Message"] == "Invalid attribute name specified"
