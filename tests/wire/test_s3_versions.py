"""Versions and listings: against a model that says what S3 documents, and case by case."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from running import RunningCloud
from s3wire import failing, got, raw, refused

PAGE = 3


@pytest.fixture
def s3(cloud: RunningCloud) -> Any:
    return cloud.client("s3")


def versioned(s3: Any, bucket: str, status: str = "Enabled") -> str:
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
    return bucket


# The model

KEYS = ["a", "a/", "a/1", "a/1/x", "a/2", "a0", "b//c", "b/é", "b/\U0001f600", "b/\uffff", "z"]
LISTINGS = [("", ""), ("", "/"), ("a/", "/"), ("b", "/"), ("a", ""), ("", "a/1"), ("b/", "")]


@dataclass
class Version:
    id: str
    body: bytes | None  # None is a delete marker


@dataclass
class Model:
    status: str | None = None
    keys: dict[str, list[Version]] = field(default_factory=dict)  # newest first

    def add(self, key: str, version: Version) -> None:
        versions = self.keys.setdefault(key, [])
        if version.id == "null":
            versions[:] = [each for each in versions if each.id != "null"]
        versions.insert(0, version)

    def current(self) -> list[str]:
        found = [key for key, versions in self.keys.items() if versions and versions[0].body is not None]
        return sorted(found, key=str.encode)


def fold(keys: list[str], prefix: str, delimiter: str) -> list[str]:
    """What a listing shows, in order: keys, and common prefixes in their place."""
    shown: list[str] = []
    for key in keys:
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if at < 0 else key[: at + len(delimiter)]
        if entry not in shown:
            shown.append(entry)
    return shown


class Bucket(RuleBasedStateMachine):
    """Random writes, deletes and switches; after each, reads and listings agree with the model."""

    cloud: RunningCloud
    count = 0

    @initialize()
    def make(self) -> None:
        Bucket.count += 1
        self.s3 = self.cloud.client("s3")
        self.name = f"model-{Bucket.count}"
        self.s3.create_bucket(Bucket=self.name)
        self.model = Model()
        self.writes = 0

    @rule(status=st.sampled_from(["Enabled", "Suspended"]))
    def switch(self, status: str) -> None:
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": status})
        self.model.status = status

    @rule(key=st.sampled_from(KEYS), long=st.booleans())
    def put(self, key: str, long: bool) -> None:
        self.writes += 1
        body = f"{self.writes}".encode() * (30_000 if long else 1)
        answer = self.s3.put_object(Bucket=self.name, Key=key, Body=body)
        if self.model.status == "Enabled":
            self._check_id(answer["VersionId"])
        else:
            assert "VersionId" not in answer
        self.model.add(key, Version(answer.get("VersionId", "null"), body))

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        answer = self.s3.delete_object(Bucket=self.name, Key=key)
        if self.model.status is None:
            assert "VersionId" not in answer and "DeleteMarker" not in answer
            self.model.keys.pop(key, None)
            return
        assert answer["DeleteMarker"] is True
        self._check_id(answer["VersionId"])
        self.model.add(key, Version(answer["VersionId"], None))

    @rule(key=st.sampled_from(KEYS), which=st.integers(0, 5))
    def delete_version(self, key: str, which: int) -> None:
        versions = self.model.keys.get(key, [])
        if not versions:
            return
        version = versions.pop(which % len(versions))
        answer = self.s3.delete_object(Bucket=self.name, Key=key, VersionId=version.id)
        assert answer["VersionId"] == version.id
        assert answer.get("DeleteMarker", False) == (version.body is None)

    def _check_id(self, version: str) -> None:
        assert (version == "null") == (self.model.status == "Suspended")

    @invariant()
    def reads_agree(self) -> None:
        for key, versions in self.model.keys.items():
            newest = versions[0] if versions else None
            if newest is None or newest.body is None:
                headers = failing(self.s3.get_object, Bucket=self.name, Key=key)["ResponseMetadata"]
                assert headers["HTTPStatusCode"] == 404
                marked = headers["HTTPHeaders"].get("x-amz-delete-marker")
                assert marked == (None if newest is None else "true")
            else:
                assert got(self.s3, Bucket=self.name, Key=key)["Body"] == newest.body
            for version in versions if self.model.status else []:
                where = {"Bucket": self.name, "Key": key, "VersionId": version.id}
                if version.body is None:
                    refused("MethodNotAllowed", self.s3.get_object, **where)
                else:
                    assert got(self.s3, **where)["Body"] == version.body

    @invariant()
    def listings_agree(self) -> None:
        for prefix, delimiter in LISTINGS:
            asked = {"Bucket": self.name, "Prefix": prefix, "Delimiter": delimiter}
            wanted = fold(self.model.current(), prefix, delimiter)
            for size in (PAGE, 1000):
                assert list(pages_of_keys(self.s3, size, asked)) == wanted
                assert list(pages_of_keys_v1(self.s3, size, asked)) == wanted

    @invariant()
    def listings_of_one_agree(self) -> None:
        """The smallest pages are many: of one listing after each step, of another after the next."""
        prefix, delimiter = LISTINGS[self.writes % len(LISTINGS)]
        asked = {"Bucket": self.name, "Prefix": prefix, "Delimiter": delimiter}
        wanted = fold(self.model.current(), prefix, delimiter)
        assert list(pages_of_keys(self.s3, 1, asked)) == wanted
        assert list(pages_of_keys_v1(self.s3, 1, asked)) == wanted

    @invariant()
    def versions_agree(self) -> None:
        keys = sorted((key for key, versions in self.model.keys.items() if versions), key=str.encode)
        wanted = [
            (key, version.id, at == 0, version.body is None)
            for key in keys
            for at, version in enumerate(self.model.keys[key])
        ]
        for size in (1, PAGE, 1000):
            assert sorted(pages_of_versions(self.s3, size, self.name)) == sorted(wanted)


def pages_of_keys(s3: Any, size: int, asked: dict[str, Any]) -> Iterator[str]:
    """Keys and common prefixes, page by page; each page says truly whether more follow."""
    token: dict[str, str] = {}
    while True:
        page = s3.list_objects_v2(**asked, MaxKeys=size, **token)
        shown = [each["Key"] for each in page.get("Contents", [])]
        shown += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
        assert page["KeyCount"] == len(shown) <= size
        yield from sorted(shown, key=str.encode)
        if not page["IsTruncated"]:
            return
        assert len(shown) == size
        token = {"ContinuationToken": page["NextContinuationToken"]}


def pages_of_keys_v1(s3: Any, size: int, asked: dict[str, Any]) -> Iterator[str]:
    marker = ""
    while True:
        page = s3.list_objects(**asked, MaxKeys=size, Marker=marker)
        shown = [each["Key"] for each in page.get("Contents", [])]
        shown += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
        shown.sort(key=str.encode)
        yield from shown
        if not page["IsTruncated"]:
            return
        marker = page.get("NextMarker", shown[-1])


def pages_of_versions(s3: Any, size: int, bucket: str) -> Iterator[tuple[str, str, bool, bool]]:
    marker: dict[str, str] = {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=size, **marker)
        for kind, marked in (("Versions", False), ("DeleteMarkers", True)):
            for each in page.get(kind, []):
                yield each["Key"], each["VersionId"], each["IsLatest"], marked
        if not page["IsTruncated"]:
            return
        marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


@pytest.mark.timeout(600)  # thousands of requests, which a busy machine takes minutes for
def test_versions_and_listings_follow_the_model(cloud: RunningCloud) -> None:
    Bucket.cloud = cloud
    run_state_machine_as_test(
        Bucket,
        settings=settings(
            max_examples=8, stateful_step_count=10, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


# Case by case


def test_the_null_version(s3: Any) -> None:
    """What was there before versioning stays as the null version, until a suspended bucket replaces it."""
    s3.create_bucket(Bucket="null-version")
    where = {"Bucket": "null-version", "Key": "k"}
    s3.put_object(**where, Body=b"before")
    assert "VersionId" not in s3.head_object(**where)
    assert s3.get_bucket_versioning(Bucket="null-version").get("Status") is None
    s3.put_bucket_versioning(Bucket="null-version", VersioningConfiguration={"Status": "Enabled"})
    assert s3.head_object(**where)["VersionId"] == "null"
    first = s3.put_object(**where, Body=b"one")["VersionId"]
    assert got(s3, **where, VersionId="null")["Body"] == b"before"
    s3.put_bucket_versioning(Bucket="null-version", VersioningConfiguration={"Status": "Suspended"})
    assert "VersionId" not in s3.put_object(**where, Body=b"suspended")
    assert got(s3, **where, VersionId="null")["Body"] == b"suspended"
    assert got(s3, **where, VersionId=first)["Body"] == b"one"
    assert s3.delete_object(**where)["VersionId"] == "null"
    refused("MethodNotAllowed", s3.get_object, **where, VersionId="null")
    found = s3.list_object_versions(Bucket="null-version")
    assert [each["VersionId"] for each in found["Versions"]] == [first]
    assert [each["VersionId"] for each in found["DeleteMarkers"]] == ["null"]


def test_delete_markers_say_what_they_are(cloud: RunningCloud, s3: Any) -> None:
    bucket = versioned(s3, "markers")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    for method in ("GET", "HEAD"):
        status, headers, _ = raw(cloud, method, f"/{bucket}/k")
        assert (status, headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == (404, "true", marker)
        status, headers, body = raw(cloud, method, f"/{bucket}/k?versionId={marker}")
        assert (status, headers["x-amz-delete-marker"], headers["allow"]) == (405, "true", "DELETE")
        assert "last-modified" in headers and (b"MethodNotAllowed" in body) == (method == "GET")
    refused("NoSuchKey", s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k")
    refused(
        "InvalidRequest", s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k?versionId={marker}"
    )
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=bucket)


def test_version_ids_that_are_none(s3: Any) -> None:
    bucket = versioned(s3, "no-ids")
    where = {"Bucket": bucket, "Key": "k"}
    version = s3.put_object(**where, Body=b"x")["VersionId"]
    other = s3.put_object(Bucket=bucket, Key="other", Body=b"y")["VersionId"]
    for wrong in ("nonsense", version[:-1], version + "AAAA", "../x"):
        refused("InvalidArgument", s3.get_object, **where, VersionId=wrong)
    refused("NoSuchVersion", s3.get_object, **where, VersionId=other)
    refused("NoSuchVersion", s3.get_object, **where, VersionId="null")
    assert s3.delete_object(**where, VersionId=other)["VersionId"] == other  # of another key: nothing happens
    assert got(s3, Bucket=bucket, Key="other")["Body"] == b"y"


def test_versions_are_copied_and_tagged(s3: Any) -> None:
    bucket = versioned(s3, "old-versions")
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"old")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    copied = s3.copy_object(
        Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": old}
    )
    assert copied["CopySourceVersionId"] == old and copied["VersionId"] != old
    assert got(s3, Bucket=bucket, Key="k")["Body"] == b"old"
    tags = {"TagSet": [{"Key": "a", "Value": "1"}]}
    assert s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=old, Tagging=tags)["VersionId"] == old
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=old)["TagSet"] == tags["TagSet"]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_what_versioning_may_be(s3: Any) -> None:
    s3.create_bucket(Bucket="versioning-status")
    where = {"Bucket": "versioning-status"}
    refused("MalformedXML", s3.put_bucket_versioning, **where, VersioningConfiguration={"Status": "On"})
    refused(
        "IllegalVersioningConfigurationException",
        s3.put_bucket_versioning,
        **where,
        VersioningConfiguration={},
    )
    refused(
        "NotImplemented", s3.put_bucket_versioning, Bucket="versioning-status", MFA="device 123456",
        VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"},
    )  # fmt: skip


# Listings


def test_what_listings_say(cloud: RunningCloud, s3: Any) -> None:
    s3.create_bucket(Bucket="sayings")
    for key in ("a b", "a+b", "c/d", "nul\0"):
        s3.put_object(Bucket="sayings", Key=key, Body=b"x", StorageClass="STANDARD_IA")
    page = s3.list_objects_v2(Bucket="sayings", MaxKeys=1, StartAfter="a b", FetchOwner=True)
    assert (page["Name"], page["MaxKeys"], page["StartAfter"], page["Prefix"]) == ("sayings", 1, "a b", "")
    entry = page["Contents"][0]
    assert (entry["Key"], entry["Size"], entry["StorageClass"]) == ("a+b", 1, "STANDARD_IA")
    assert entry["ETag"] == '"9dd4e461268c8034f5c8564e155c67a6"' and len(entry["Owner"]["ID"]) == 64
    assert entry["LastModified"].microsecond == 0
    assert "Owner" not in s3.list_objects_v2(Bucket="sayings")["Contents"][0]
    assert s3.list_objects_v2(Bucket="sayings", MaxKeys=0)["IsTruncated"] is False
    _, _, body = raw(cloud, "GET", "/sayings?list-type=2&encoding-type=url&delimiter=%2F")
    assert b"<Key>a+b</Key>" in body and b"<Key>a%2Bb</Key>" in body and b"<Key>nul%00</Key>" in body
    assert b"<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>" in body
    for wrong in ("max-keys=-1", "max-keys=x", "encoding-type=base64", "continuation-token=nonsense"):
        status, _, body = raw(cloud, "GET", f"/sayings?list-type=2&{wrong}")
        assert status == 400 and b"<Code>InvalidArgument</Code>" in body, wrong
    refused("NoSuchBucket", s3.list_object_versions, Bucket="no-such-bucket-3")
    status, _, body = raw(cloud, "GET", "/sayings?versions&version-id-marker=null")
    assert status == 400 and b"<Code>InvalidArgument</Code>" in body
