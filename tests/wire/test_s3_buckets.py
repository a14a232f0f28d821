"""Buckets: their names, their list, their tags and encryption, and their end."""

import json
from typing import Any

import pytest
from botocore.config import Config
from botocore.handlers import validate_bucket_name

from people import OTHER, refused, stranger
from running import RunningCloud


@pytest.fixture(scope="module")
def s3(cloud: RunningCloud) -> Any:
    # Names are tried that boto3 itself would refuse to send.
    client = cloud.client("s3", config=Config(parameter_validation=False))
    client.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
    return client


@pytest.mark.parametrize(
    "name",
    [
        "ab", "a" * 64, "Upper-case", "under_score", "-start", "end-", ".start", "end.", "two..dots",
        "192.168.5.4",
        "xn--bucket", "sthree-bucket", "amzn-s3-demo-bucket", "bucket-s3alias",
        "bucket--ol-s3",
        "bucket.mrap", "bucket--table-s3", "spa ce", "ünï", "semi;colon",
    ],
)  # fmt: skip
def test_names_that_no_bucket_can_have(s3: Any, name: str) -> None:
    refused("InvalidBucketName", s3.create_bucket, Bucket=name)


@pytest.mark.parametrize("name", ["abc", "a" * 63, "with.dots.in-it", "1-2-3", "1.2.3.4.5", "256.1.1.1x"])
def test_names_that_buckets_can_have(s3: Any, name: str) -> None:
    s3.create_bucket(Bucket=name)
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == "us-east-1"


def test_names_belong_to_whoever_was_first(cloud: RunningCloud, s3: Any) -> None:
    s3.create_bucket(Bucket="taken")
    s3.create_bucket(Bucket="taken")
    refused("BucketAlreadyExists", cloud.client("s3", key=OTHER).create_bucket, Bucket="taken")
    west = cloud.client("s3", region="eu-west-1")
    refused(
        "BucketAlreadyOwnedByYou", west.create_bucket, Bucket="taken",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )  # fmt: skip


def test_the_list_of_buckets_pages(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3", key="999900001111", config=Config(parameter_validation=False))
    west = cloud.client("s3", key="999900001111", region="eu-west-1")
    for number in range(5):
        s3.create_bucket(Bucket=f"listed-{number}")
    west.create_bucket(Bucket="listed-w", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    west.create_bucket(Bucket="other-w", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def names(answer: dict[str, Any]) -> list[str]:
        return [row["Name"] for row in answer["Buckets"]]

    everything = [*(f"listed-{number}" for number in range(5)), "listed-w", "other-w"]
    assert names(s3.list_buckets()) == everything
    first = s3.list_buckets(Prefix="listed-", MaxBuckets=4)
    assert (names(first), first["Prefix"]) == (everything[:4], "listed-")
    rest = s3.list_buckets(Prefix="listed-", MaxBuckets=4, ContinuationToken=first["ContinuationToken"])
    assert names(rest) == everything[4:6]
    assert "ContinuationToken" not in rest
    assert names(west.list_buckets(BucketRegion="eu-west-1")) == ["listed-w", "other-w"]
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html: an endpoint lists its own region.
    refused("InvalidArgument", s3.list_buckets, BucketRegion="eu-west-1")
    assert "BucketRegion" not in s3.list_buckets()["Buckets"][0]
    assert s3.list_buckets(Prefix="other-")["Buckets"][0]["BucketRegion"] == "eu-west-1"
    pages = s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 3})
    assert [name for page in pages for name in names(page)] == everything
    for wrong in (0, 10_001):
        refused("InvalidArgument", s3.list_buckets, MaxBuckets=wrong)
    status, body = stranger(cloud, "GET", "/")
    assert (status, b"<Message>Access Denied</Message>" in body) == (403, True)
    status, body = stranger(cloud, "PUT", "/bucket-of-nobody")
    assert (status, b"Anonymous users cannot invoke this API." in body) == (403, True)


def test_a_bucket_that_holds_something_stays(s3: Any) -> None:
    s3.create_bucket(Bucket="held")
    s3.put_object(Bucket="held", Key="a", Body=b"x")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket="held")
    s3.put_bucket_versioning(Bucket="held", VersioningConfiguration={"Status": "Enabled"})
    marker = s3.delete_object(Bucket="held", Key="a")
    message = refused("BucketNotEmpty", s3.delete_bucket, Bucket="held")
    assert "You must delete all versions in the bucket." in message
    s3.delete_object(Bucket="held", Key="a", VersionId="null")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket="held")
    s3.delete_object(Bucket="held", Key="a", VersionId=marker["VersionId"])
    s3.delete_bucket(Bucket="held")
    refused("NoSuchBucket", s3.delete_bucket, Bucket="held")


def test_tags(s3: Any) -> None:
    s3.create_bucket(Bucket="tagged")
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket="tagged")
    tags = [{"Key": "team", "Value": "blue"}, {"Key": "empty", "Value": ""}]
    s3.put_bucket_tagging(Bucket="tagged", Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == tags
    for code, wrong in (
        ("InvalidTag", [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]),
        ("InvalidTag", [{"Key": "", "Value": "1"}]),
        ("InvalidTag", [{"Key": "k" * 129, "Value": "1"}]),
        ("InvalidTag", [{"Key": "k", "Value": "v" * 257}]),
        ("InvalidTag", [{"Key": "aws:k", "Value": "1"}]),
        ("BadRequest", [{"Key": str(number), "Value": ""} for number in range(51)]),
    ):
        refused(code, s3.put_bucket_tagging, Bucket="tagged", Tagging={"TagSet": wrong})
    assert s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket="tagged")
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket="tagged")


def test_encryption(cloud: RunningCloud, s3: Any) -> None:
    def configure(**default: str) -> Any:
        rule = {"ApplyServerSideEncryptionByDefault": default}
        return {"Bucket": "sealed", "ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    def rules() -> list[dict[str, Any]]:
        return s3.get_bucket_encryption(Bucket="sealed")["ServerSideEncryptionConfiguration"]["Rules"]

    s3.create_bucket(Bucket="sealed")
    usual = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
    assert rules() == usual
    assert s3.put_object(Bucket="sealed", Key="a", Body=b"x")["ServerSideEncryption"] == "AES256"
    s3.put_bucket_encryption(**configure(SSEAlgorithm="AES256"))
    assert rules() == usual
    refused("MalformedXML", s3.put_bucket_encryption, **configure(SSEAlgorithm="ROT13"))
    refused(
        "InvalidArgument", s3.put_bucket_encryption, **configure(SSEAlgorithm="AES256", KMSMasterKeyID="k")
    )
    refused(
        "NotImplemented", s3.put_bucket_encryption, **configure(SSEAlgorithm="aws:kms", KMSMasterKeyID="k")
    )
    s3.delete_bucket_encryption(Bucket="sealed")
    assert rules() == usual
    assert s3.head_object(Bucket="sealed", Key="a")["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    "query",
    [
        "acl", "cors", "encryption", "lifecycle", "ownershipControls", "policy", "publicAccessBlock",
        "versioning",
    ],
)  # fmt: skip
@pytest.mark.parametrize("body", [b"", b"<", b"<Other/>", b"<Rule><A><B/></A></Rule>", b"\xff\xfe"])
def test_configurations_of_nonsense_are_refused(
    cloud: RunningCloud, s3: Any, query: str, body: bytes
) -> None:
    """Never an error of ours, whatever an allowed stranger sends."""
    s3.create_bucket(Bucket="nonsense")
    s3.delete_public_access_block(Bucket="nonsense")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::nonsense"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="nonsense", Policy=document)
    status, answer = stranger(cloud, "PUT", f"/nonsense?{query}", body)
    assert 400 <= status < 500, answer
