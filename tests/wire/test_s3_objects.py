"""Amazon S3's objects through boto3: bodies, metadata, tags, ranges, conditions, errors."""

import base64
import hashlib
import json
import os
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from running import ADMIN, RunningCloud
from s3wire import failing, fetched, got, raw, refused
from waiting import until


@pytest.fixture
def s3(cloud: RunningCloud) -> Any:
    return cloud.client("s3")


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    cloud.client("s3").create_bucket(Bucket="objects")
    return "objects"


# Keys

KEYS = [
    "a", "a/b c", "ünï/\U0001f600", "a+b&c=d?e#f", "../up", "a/../b", "./dot", "/lead", "//", "a//b", "a/",
    "x" * 1024, "é" * 512, "<&>\"'", "%41", "%2F", "nul\0key", "tab\tkey", "line\nkey", "\U0010ffff",
    "~-_.!*'()",
    "{key}", "[key]", "|", "\\", "^`", "@:,;$=",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_keys_go_round_as_they_are(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(key.encode())
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]
    assert key in [each["Key"] for each in listed]
    s3.copy_object(Bucket=bucket, Key=f"copies/{key}"[:500], CopySource={"Bucket": bucket, "Key": key})
    s3.delete_object(Bucket=bucket, Key=f"copies/{key}"[:500])
    s3.delete_object(Bucket=bucket, Key=key)
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key=key)


def test_keys_that_cannot_be(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    error = refused("KeyTooLongError", s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"")
    assert (error["Size"], error["MaxSizeAllowed"]) == ("1025", "1024")
    refused("KeyTooLongError", s3.put_object, Bucket=bucket, Key="é" * 513, Body=b"")
    status, _, body = raw(cloud, "PUT", f"/{bucket}/bad%ff", b"x")
    assert status == 400 and b"<Code>InvalidURI</Code>" in body


def test_both_ways_of_addressing(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="addressed/one", Body=b"1")
    host = f"{bucket}.s3.us-east-1.localhost:{cloud.port}"
    request = AWSRequest("GET", f"http://{host}/addressed/one", headers={})
    S3SigV4Auth(Credentials(*ADMIN), "s3", "us-east-1").add_auth(request)
    headers = dict(request.headers.items()) | {"host": host}
    with urllib.request.urlopen(
        urllib.request.Request(f"{cloud.url}/addressed/one", headers=headers), timeout=60
    ) as answer:
        assert answer.read() == b"1"


# Metadata


def test_metadata_goes_round(s3: Any, bucket: str) -> None:
    given = {
        "CacheControl": "max-age=60", "ContentDisposition": 'attachment; filename="a.txt"',
        "ContentEncoding": "gzip", "ContentLanguage": "vi", "ContentType": "text/x-thing",
        "WebsiteRedirectLocation": "/elsewhere", "StorageClass": "STANDARD_IA",
    }  # fmt: skip
    s3.put_object(Bucket=bucket, Key="meta", Body=b"x", Metadata={"One": "1", "two-b": "2 2"}, **given)
    for found in (s3.head_object(Bucket=bucket, Key="meta"), s3.get_object(Bucket=bucket, Key="meta")):
        assert {name: found[name] for name in given} == given
        assert found["Metadata"] == {"one": "1", "two-b": "2 2"}
        assert found["ServerSideEncryption"] == "AES256"
        assert found["AcceptRanges"] == "bytes"
        assert found["ETag"] == '"9dd4e461268c8034f5c8564e155c67a6"'
    plain = s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    assert plain["ServerSideEncryption"] == "AES256" and "VersionId" not in plain
    found = s3.head_object(Bucket=bucket, Key="plain")
    assert found["ContentType"] == "binary/octet-stream" and "StorageClass" not in found
    assert set(found["ResponseMetadata"]["HTTPHeaders"]) >= {
        "x-amz-request-id",
        "x-amz-id-2",
        "last-modified",
    }


def test_metadata_beyond_ascii_is_rfc_2047(cloud: RunningCloud, bucket: str) -> None:
    headers = {"x-amz-meta-greeting": "=?UTF-8?Q?xin_ch=C3=A0o?="}
    assert raw(cloud, "PUT", f"/{bucket}/rfc", b"x", headers)[0] == 200
    wanted = "=?UTF-8?B?" + base64.b64encode("xin chào".encode()).decode() + "?="
    assert cloud.client("s3").head_object(Bucket=bucket, Key="rfc")["Metadata"] == {"greeting": wanted}


def test_limits_of_metadata(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="limit", Body=b"", Metadata={"a": "x" * 2047})
    refused(
        "MetadataTooLarge", s3.put_object, Bucket=bucket, Key="limit", Body=b"", Metadata={"a": "x" * 2048}
    )
    refused("InvalidStorageClass", s3.put_object, Bucket=bucket, Key="limit", Body=b"", StorageClass="FAST")
    s3.put_object(Bucket=bucket, Key="cold", Body=b"x", StorageClass="GLACIER")
    assert s3.head_object(Bucket=bucket, Key="cold")["StorageClass"] == "GLACIER"
    refused("InvalidObjectState", s3.get_object, Bucket=bucket, Key="cold")


def test_responses_are_overridden(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="override", Body=b"x", ContentType="text/plain")
    found = got(
        s3, Bucket=bucket, Key="override", ResponseContentType="image/png", ResponseCacheControl="no-store",
        ResponseContentDisposition="inline", ResponseContentLanguage="en", ResponseContentEncoding="br",
    )  # fmt: skip
    assert (found["ContentType"], found["CacheControl"]) == ("image/png", "no-store")
    assert (found["ContentDisposition"], found["ContentLanguage"]) == ("inline", "en")
    url = s3.generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "override", "ResponseContentType": "image/gif"}
    )
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert (answer.headers["content-type"], answer.read()) == ("image/gif", b"x")
    with pytest.raises(urllib.error.HTTPError) as tampered:
        urllib.request.urlopen(url.replace("gif", "png"), timeout=60)
    with tampered.value as error:
        assert b"SignatureDoesNotMatch" in error.read()


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_presigned_urls(cloud: RunningCloud, bucket: str, signature: str) -> None:
    """Both kinds that boto3 makes; changed, expired or of another method they are refused."""
    s3 = cloud.client("s3", config=Config(signature_version=signature))
    params = {"Bucket": bucket, "Key": f"presigned/ü {signature}"}
    url = s3.generate_presigned_url("put_object", params)
    request = urllib.request.Request(url, data=b"by link", method="PUT", headers={"content-type": ""})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    assert cloud.client("s3").get_object(**params)["Body"].read() == b"by link"
    assert fetch("GET", url)[0] == 403
    get = s3.generate_presigned_url("get_object", params, ExpiresIn=1000)
    assert fetch("GET", get) == (200, b"by link")
    assert fetch("HEAD", get)[0] == 403
    status, body = fetch("GET", get.replace("presigned/", "presigned%2F..%2F"))
    assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body
    assert fetch("GET", get + "&response-content-type=text/html")[0] == 403
    expired = s3.generate_presigned_url("get_object", params, ExpiresIn=1)
    until(lambda: fetch("GET", expired)[0] == 403, what="the link to expire")
    assert b"Request has expired" in fetch("GET", expired)[1]
    stranger = cloud.client("s3", key="AKIANOSUCHKEY", config=Config(signature_version=signature))
    status, body = fetch("GET", stranger.generate_presigned_url("get_object", params))
    assert status == 403 and b"<Code>InvalidAccessKeyId</Code>" in body


def fetch(method: str, url: str) -> tuple[int, bytes]:
    return fetched(urllib.request.Request(url, method=method))


def test_headers_in_a_link(cloud: RunningCloud, bucket: str) -> None:
    """Some SDKs write x-amz- headers of a presigned request into its query, where they count the same."""
    body = b"with headers"
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    query = urlencode({"x-amz-meta-a": "1", "x-amz-checksum-crc32": crc, "x-amz-tagging": "t=1"})
    for key, sent, status in (("linked", body, 200), ("linked-wrong", b"other bytes", 400)):
        request = AWSRequest("PUT", f"{cloud.url}/{bucket}/{key}?{query}")
        S3SigV4QueryAuth(Credentials(*ADMIN), "s3", "us-east-1", expires=60).add_auth(request)
        put = urllib.request.Request(
            str(request.url), data=sent, method="PUT", headers={"content-type": "text/plain"}
        )
        found, answer = fetched(put)
        assert found == status and (found == 200 or b"<Code>BadDigest</Code>" in answer)
    kept = cloud.client("s3").head_object(Bucket=bucket, Key="linked")
    assert (kept["Metadata"], kept["TagCount"], kept["ContentType"]) == ({"a": "1"}, 1, "text/plain")


# Ranges


@pytest.mark.parametrize(
    ("asked", "body", "content_range"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-100", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-100", b"56789", "bytes 5-9/10"),
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=4-2", b"0123456789", None),
        ("bytes=0-1,4-5", b"0123456789", None),
        ("lines=0-1", b"0123456789", None),
        ("bytes=a-b", b"0123456789", None),
    ],
)
def test_ranges(s3: Any, bucket: str, asked: str, body: bytes, content_range: str | None) -> None:
    s3.put_object(Bucket=bucket, Key="range", Body=b"0123456789")
    found = s3.get_object(Bucket=bucket, Key="range", Range=asked)
    assert (found["Body"].read(), found.get("ContentRange")) == (body, content_range)
    assert found["ResponseMetadata"]["HTTPStatusCode"] == (200 if content_range is None else 206)
    head = s3.head_object(Bucket=bucket, Key="range", Range=asked)
    assert head["ContentLength"] == len(body)
    assert head["ResponseMetadata"]["HTTPStatusCode"] == (200 if content_range is None else 206)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_ranges_that_have_nothing(s3: Any, bucket: str, asked: str) -> None:
    s3.put_object(Bucket=bucket, Key="range", Body=b"0123456789")
    response = failing(s3.get_object, Bucket=bucket, Key="range", Range=asked)
    assert response["Error"]["Code"] == "InvalidRange"
    assert (response["Error"]["ActualObjectSize"], response["Error"]["RangeRequested"]) == ("10", asked)
    assert "content-range" not in response["ResponseMetadata"]["HTTPHeaders"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 416
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    refused("InvalidRange", s3.get_object, Bucket=bucket, Key="empty", Range="bytes=0-")


# Conditions


def test_conditional_reads(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="cond", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="cond")["LastModified"]
    earlier, later = modified.replace(year=2020), modified
    where = {"Bucket": bucket, "Key": "cond"}
    for call in (partial(got, s3), s3.head_object):
        call(**where, IfMatch=etag)
        call(**where, IfMatch="*")
        call(**where, IfNoneMatch='"other"')
        call(**where, IfModifiedSince=earlier)
        call(**where, IfUnmodifiedSince=later)
        # An entity tag overrides the date beside it.
        call(**where, IfMatch=etag, IfUnmodifiedSince=earlier)
        call(**where, IfNoneMatch='"other"', IfModifiedSince=later)
        for params in (
            {"IfNoneMatch": etag},
            {"IfNoneMatch": "*"},
            {"IfModifiedSince": later},
            {"IfNoneMatch": etag, "IfModifiedSince": earlier},
        ):
            response = failing(call, **where, **params)
            assert response["ResponseMetadata"]["HTTPStatusCode"] == 304
            assert response["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag
        for params in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": earlier}):
            assert failing(call, **where, **params)["ResponseMetadata"]["HTTPStatusCode"] == 412
    error = refused("PreconditionFailed", s3.get_object, **where, IfMatch='"other"')
    assert error["Condition"] == "If-Match"


def test_conditional_writes(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "written"}
    refused("NoSuchKey", s3.put_object, **where, Body=b"1", IfMatch='"none"')
    etag = s3.put_object(**where, Body=b"1", IfNoneMatch="*")["ETag"]
    error = refused("PreconditionFailed", s3.put_object, **where, Body=b"2", IfNoneMatch="*")
    assert error["Condition"] == "If-None-Match"
    refused("PreconditionFailed", s3.put_object, **where, Body=b"2", IfMatch='"other"')
    refused("NotImplemented", s3.put_object, **where, Body=b"2", IfNoneMatch=etag)
    s3.put_object(**where, Body=b"2", IfMatch=etag)
    big = os.urandom(300_000)
    refused("PreconditionFailed", s3.put_object, **where, Body=big, IfNoneMatch="*")
    assert s3.get_object(**where)["Body"].read() == b"2"


def test_conditional_deletes(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "to-delete"}
    etag = s3.put_object(**where, Body=b"1")["ETag"]
    refused("PreconditionFailed", s3.delete_object, **where, IfMatch='"other"')
    entries = [{"Key": "to-delete", "ETag": '"other"'}]
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": entries})["Errors"][0]["Code"] == (
        "PreconditionFailed"
    )
    s3.delete_object(**where, IfMatch=etag)
    s3.put_object(**where, Body=b"1")
    s3.delete_object(**where, IfMatch="*")


def test_copies_that_bring_a_body(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    """versity/versitygw#1242; the source that is none: #1388 and #1390."""
    s3.put_object(Bucket=bucket, Key="bodiless", Body=b"x")
    copied = {"x-amz-copy-source": f"{bucket}/bodiless"}
    status, _, body = raw(cloud, "PUT", f"/{bucket}/with-body", b"body", copied)
    assert (status, b"<Code>InvalidRequest</Code>" in body) == (400, True)
    assert b"The request included a body. Requests of this type must not include a non-empty body." in body
    assert raw(cloud, "PUT", f"/{bucket}/without-body", b"", copied)[0] == 200
    status, _, body = raw(cloud, "PUT", f"/{bucket}/from-nowhere", b"", {"x-amz-copy-source": ""})
    assert (status, b"<Message>Invalid copy source bucket name</Message>" in body) == (400, True)


def test_conditional_deletes_of_nothing(cloud: RunningCloud, s3: Any) -> None:
    """Measured on AWS: localstack/localstack#13894, ministackorg/ministack#1475, #1452 and #1501."""
    where = {"Bucket": "nothing-there", "Key": "k"}
    s3.create_bucket(Bucket=where["Bucket"])
    for wanted in ("*", '"bad"'):
        refused("NoSuchKey", s3.delete_object, **where, IfMatch=wanted)
    s3.put_bucket_versioning(Bucket=where["Bucket"], VersioningConfiguration={"Status": "Enabled"})
    refused("NoSuchKey", s3.delete_object, **where, IfMatch="*")
    put = s3.put_object(**where, Body=b"1")
    refused("PreconditionFailed", s3.delete_object, **where, IfMatch='"bad"')
    for wanted in ("*", put["ETag"]):
        error = refused(
            "NotImplemented", s3.delete_object, **where, VersionId=put["VersionId"], IfMatch=wanted
        )
        assert error["Header"] == "If-Match"
    assert refused("NotImplemented", s3.delete_object, **where, IfMatchSize=1)["Header"] == (
        "x-amz-if-match-size"
    )
    for extra in ({"Size": 1}, {"LastModifiedTime": datetime(2020, 1, 1, tzinfo=UTC)}):
        objects = [{"Key": "other"}, {"Key": "k", **extra}]
        refused("MalformedXML", s3.delete_objects, Bucket=where["Bucket"], Delete={"Objects": objects})
    s3.delete_object(**where)
    for wanted in ("*", '"bad"', put["ETag"]):
        refused("NoSuchKey", s3.delete_object, **where, IfMatch=wanted)
        entries = {"Objects": [{"Key": "k", "ETag": wanted}]}
        answer = s3.delete_objects(Bucket=where["Bucket"], Delete=entries)
        assert answer["Errors"][0]["Code"] == "NoSuchKey"


# Tags


def test_tags(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "tagged"}
    s3.put_object(**where, Body=b"x", Tagging="a=1&b=two%20words")
    assert s3.head_object(**where)["TagCount"] == 2
    assert s3.get_object_tagging(**where)["TagSet"] == [
        {"Key": "a", "Value": "1"}, {"Key": "b", "Value": "two words"},
    ]  # fmt: skip
    s3.put_object_tagging(**where, Tagging={"TagSet": [{"Key": "c", "Value": "ü"}]})
    assert s3.get_object_tagging(**where)["TagSet"] == [{"Key": "c", "Value": "ü"}]
    s3.delete_object_tagging(**where)
    assert s3.get_object_tagging(**where)["TagSet"] == []
    eleven = [{"Key": str(n), "Value": ""} for n in range(11)]
    refused("BadRequest", s3.put_object_tagging, **where, Tagging={"TagSet": eleven})
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    refused("InvalidTag", s3.put_object_tagging, **where, Tagging={"TagSet": twice})
    for tag in (
        {"Key": "k" * 129, "Value": ""},
        {"Key": "k", "Value": "v" * 257},
        {"Key": "k", "Value": "<"},
    ):
        refused("InvalidTag", s3.put_object_tagging, **where, Tagging={"TagSet": [tag]})
    refused("InvalidArgument", s3.put_object, **where, Body=b"", Tagging="a=1&a=2")
    refused("NoSuchKey", s3.get_object_tagging, Bucket=bucket, Key="no-such")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("=", "InvalidArgument"), ("=v", "InvalidArgument"), ("a=&a=", "InvalidArgument"),
        ("a=%zz", "InvalidArgument"), ("a=%ff", "InvalidArgument"), ("a=1,b=2", "InvalidArgument"),
        ("k%26=v", "InvalidTag"), ("k=%3C", "InvalidTag"), (f"{'k' * 129}=v", "InvalidTag"),
        ("&", None), ("&&", None), ("k", None), ("k=", None), ("123", None), ("k1&k2", None),
        ("k1=v1&k2", None), ("k%3D=a%2Fb+c", None),
    ],
)  # fmt: skip
def test_headers_of_tags(cloud: RunningCloud, bucket: str, header: str, code: str | None) -> None:
    """versity/versitygw#1215, #1216 and #1243; the comma is LocalStack's."""
    status, _, body = raw(cloud, "PUT", f"/{bucket}/header-tags", b"x", {"x-amz-tagging": header})
    assert (status, ElementTree.fromstring(body).findtext("Code") if body else None) == (
        200 if code is None else 400,
        code,
    )


# Copies


def test_copies(s3: Any, bucket: str) -> None:
    body = os.urandom(200_000)
    s3.put_object(
        Bucket=bucket, Key="from/ü+ ?", Body=body, Metadata={"a": "1"}, Tagging="t=1", ContentType="text/x"
    )
    source = {"Bucket": bucket, "Key": "from/ü+ ?"}
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    s3.delete_object(**source)  # the copy does not hang on it
    found = s3.get_object(Bucket=bucket, Key="to")
    assert (found["Body"].read(), found["Metadata"], found["ContentType"]) == (body, {"a": "1"}, "text/x")
    assert found["TagCount"] == 1
    refused("InvalidRequest", s3.copy_object, Bucket=bucket, Key="to", CopySource=f"{bucket}/to")
    s3.copy_object(
        Bucket=bucket, Key="to", CopySource=f"/{bucket}/to", MetadataDirective="REPLACE", Metadata={"b": "2"},
        TaggingDirective="REPLACE", Tagging="u=2", ChecksumAlgorithm="SHA256",
    )  # fmt: skip
    found = got(s3, Bucket=bucket, Key="to", ChecksumMode="ENABLED")
    assert (found["Metadata"], found["ContentType"]) == ({"b": "2"}, "binary/octet-stream")
    assert found["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "u", "Value": "2"}]
    refused("NoSuchKey", s3.copy_object, Bucket=bucket, Key="x", CopySource=f"{bucket}/none")
    refused("NoSuchBucket", s3.copy_object, Bucket=bucket, Key="x", CopySource="no-such-bucket-1/none")
    to = {"Bucket": bucket, "Key": "x", "CopySource": f"{bucket}/to"}
    refused("PreconditionFailed", s3.copy_object, **to, CopySourceIfMatch='"other"')
    refused("PreconditionFailed", s3.copy_object, **to, CopySourceIfNoneMatch=found["ETag"])
    s3.copy_object(**to, CopySourceIfMatch=found["ETag"])


# Deletes


def test_deleting_many(s3: Any, bucket: str) -> None:
    keys = [f"many/{n:04}" for n in range(1000)]
    for key in keys[:20]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    entries = [{"Key": key} for key in keys]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": entries})["Deleted"]
    assert [each["Key"] for each in deleted] == keys
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="many/")
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": entries[:1], "Quiet": True})
    assert "Deleted" not in quiet and "Errors" not in quiet
    refused("MalformedXML", s3.delete_objects, Bucket=bucket, Delete={"Objects": [*entries, {"Key": "x"}]})


def test_a_document_of_deletes_must_be_whole(cloud: RunningCloud, bucket: str) -> None:
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    assert raw(cloud, "POST", f"/{bucket}?delete", body, {"Content-MD5": md5})[0] == 200
    status, _, answer = raw(cloud, "POST", f"/{bucket}?delete", body)
    assert status == 400 and b"<Code>InvalidRequest</Code>" in answer
    status, _, answer = raw(cloud, "POST", f"/{bucket}?delete", body + b" ", {"Content-MD5": md5})
    assert status == 400 and b"<Code>BadDigest</Code>" in answer


# Errors


def test_errors_are_s3s_xml(cloud: RunningCloud, bucket: str) -> None:
    status, headers, body = raw(cloud, "GET", f"/{bucket}/none")
    assert (status, headers["content-type"]) == (404, "application/xml")
    assert body.startswith(
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        b"<Message>The specified key does not exist.</Message><Key>none</Key><RequestId>"
    )
    assert headers["x-amz-request-id"].encode() in body and headers["x-amz-id-2"].encode() in body
    status, headers, body = raw(cloud, "HEAD", f"/{bucket}/none")
    assert (status, body) == (404, b"")
    status, _, body = raw(cloud, "GET", "/no-such-bucket-2/none")
    assert status == 404 and b"<BucketName>no-such-bucket-2</BucketName>" in body
    etag = cloud.client("s3").put_object(Bucket=bucket, Key="there", Body=b"x")["ETag"]
    status, headers, body = raw(cloud, "GET", f"/{bucket}/there", headers={"If-None-Match": etag})
    assert (status, body, headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "?object-lock"), ("PUT", "?website"), ("PUT", "?notification"), ("PUT", "/k?renameObject"),
        ("POST", "/k?select&select-type=2"), ("PUT", "?replication"),
    ],
)  # fmt: skip
def test_what_is_not_there_says_so(cloud: RunningCloud, bucket: str, method: str, path: str) -> None:
    headers = {"x-amz-rename-source": "/x"} if "rename" in path else {}
    status, _, body = raw(cloud, method, f"/{bucket}{path}", b"", headers)
    assert (status, b"<Code>NotImplemented</Code>" in body) == (501, True)


@pytest.mark.parametrize(
    ("headers", "message", "argument"),
    [
        ({"mode": "abc", "retain-until-date": "2099-01-01T00:00:00Z"}, "Unknown wormMode directive.", "mode"),
        ({"mode": "GOVERNANCE", "retain-until-date": "abc"}, "The retain until date must be provided in ISO"
         " 8601 format", "retain-until-date"),
        ({"mode": "GOVERNANCE", "retain-until-date": "2019-01-01T00:00:00Z"}, "The retain until date must be"
         " in the future!", "retain-until-date"),
        ({"mode": "GOVERNANCE"}, "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both"
         " be supplied.", "retain-until-date"),
        ({"legal-hold": "abc"}, "Legal Hold must be either of 'ON' or 'OFF'", "legal-hold"),
    ],
)  # fmt: skip
def test_locks_that_are_none(
    cloud: RunningCloud, bucket: str, headers: dict[str, str], message: str, argument: str
) -> None:
    """versity/versitygw#1733, #1736 and #2028: read before AWS looks whether the bucket has locks."""
    sent = {f"x-amz-object-lock-{name}": value for name, value in headers.items()}
    status, _, body = raw(cloud, "PUT", f"/{bucket}/locked", b"x", sent)
    error = ElementTree.fromstring(body)
    found = [error.findtext(name) for name in ("Code", "Message", "ArgumentName")]
    assert (status, found) == (400, ["InvalidArgument", message, f"x-amz-object-lock-{argument}"])
    assert error.findtext("ArgumentValue") == headers.get(argument)


def test_requests_for_what_buckets_do_not_have(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "locked", "Body": b""}
    error = refused("InvalidRequest", s3.put_object, **where, ObjectLockLegalHoldStatus="ON")
    assert error["Message"] == "Bucket is missing ObjectLockConfiguration"
    refused("NotImplemented", s3.put_object, **where, WriteOffsetBytes=3)
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="locked")


def test_sizes_that_cannot_be(cloud: RunningCloud, bucket: str) -> None:
    """The announced length is enough: nothing of the body is read."""
    import http.client

    request = AWSRequest(
        "PUT", f"{cloud.url}/{bucket}/huge", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    )
    S3SigV4Auth(Credentials(*ADMIN), "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=60)
    try:
        connection.putrequest("PUT", f"/{bucket}/huge", skip_host=True)
        connection.putheader(
            "Host", f"127.0.0.1:{cloud.port}" if "127.0.0.1" in cloud.url else f"localhost:{cloud.port}"
        )
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str((5 << 30) + 1))
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert answer.status == 400 and b"<Code>EntityTooLarge</Code>" in body, body
    assert b"<MaxSizeAllowed>5368709120</MaxSizeAllowed>" in body


# Buckets in regions


def test_buckets_live_in_regions(cloud: RunningCloud) -> None:
    east, west = cloud.client("s3"), cloud.client("s3", region="eu-west-1")
    west.create_bucket(Bucket="in-west", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert west.get_bucket_location(Bucket="in-west")["LocationConstraint"] == "eu-west-1"
    assert east.get_bucket_location(Bucket="in-west")["LocationConstraint"] == "eu-west-1"
    west.put_object(Bucket="in-west", Key="k", Body=b"x")
    status, headers, body = raw(cloud, "GET", "/in-west/k")
    assert (status, headers["x-amz-bucket-region"]) == (301, "eu-west-1")
    assert b"<Code>PermanentRedirect</Code>" in body
    assert b"<Endpoint>in-west.s3.eu-west-1.amazonaws.com</Endpoint>" in body
    status, headers, body = raw(cloud, "HEAD", "/in-west")
    assert (status, headers["x-amz-bucket-region"], body) == (301, "eu-west-1", b"")
    # boto3 follows: it signs again for the region that it is told.
    assert east.get_object(Bucket="in-west", Key="k")["Body"].read() == b"x"
    head = west.head_bucket(Bucket="in-west")
    assert head["BucketRegion"] == "eu-west-1"
    refused(
        "IllegalLocationConstraintException", west.create_bucket, Bucket="other-west",
        CreateBucketConfiguration={"LocationConstraint": "us-west-2"},
    )  # fmt: skip
    refused("IllegalLocationConstraintException", west.create_bucket, Bucket="other-west")
    refused(
        "BucketAlreadyOwnedByYou", west.create_bucket, Bucket="in-west",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )  # fmt: skip
    other = cloud.client("s3", key="444444444444")
    refused("BucketAlreadyExists", other.create_bucket, Bucket="in-west")


# Streams


def _memory(pid: int) -> int:
    """Resident bytes of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_memory_is_flat(fresh_cloud: RunningCloud, tmp_path: Path) -> None:
    """300 MB up and down; the cloud's memory does not grow with it."""
    assert fresh_cloud.process is not None
    s3 = fresh_cloud.client("s3")
    s3.create_bucket(Bucket="flat")
    s3.put_object(Bucket="flat", Key="small", Body=b"x" * 2_000_000)  # everything is loaded
    block = os.urandom(1 << 20)
    path = tmp_path / "large"
    digest = hashlib.md5()
    with path.open("wb") as file:
        for _ in range(300):
            file.write(block)
            digest.update(block)
    before = peak = _memory(fresh_cloud.process.pid)
    with path.open("rb") as file:
        assert s3.put_object(Bucket="flat", Key="large", Body=file)["ETag"] == f'"{digest.hexdigest()}"'
    peak = max(peak, _memory(fresh_cloud.process.pid))
    found, size = hashlib.md5(), 0
    for chunk in s3.get_object(Bucket="flat", Key="large")["Body"].iter_chunks(1 << 20):
        found.update(chunk)
        size += len(chunk)
        if size % (50 << 20) == 0:
            peak = max(peak, _memory(fresh_cloud.process.pid))
    assert (size, found.hexdigest()) == (300 << 20, digest.hexdigest())
    assert peak - before < 48 << 20, f"grew by {(peak - before) >> 20} MB"


def test_a_replaced_object_is_read_to_its_end(s3: Any, bucket: str) -> None:
    old, new = os.urandom(20_000_000), os.urandom(100_000)
    s3.put_object(Bucket=bucket, Key="replaced", Body=old)
    reading = s3.get_object(Bucket=bucket, Key="replaced")["Body"]
    first = reading.read(1000)
    s3.put_object(Bucket=bucket, Key="replaced", Body=new)
    assert first + reading.read() == old
    assert s3.get_object(Bucket=bucket, Key="replaced")["Body"].read() == new


def test_a_cut_upload_leaves_nothing(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    import socket

    request = AWSRequest(
        "PUT", f"{cloud.url}/{bucket}/cut", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    )
    S3SigV4Auth(Credentials(*ADMIN), "s3", "us-east-1").add_auth(request)
    host = cloud.url.removeprefix("http://")
    lines = [f"PUT /{bucket}/cut HTTP/1.1", f"host: {host}", "content-length: 50000000"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=60) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + b"x" * 5_000_000)
    staging = cloud.data / "staging"
    until(lambda: not list(staging.iterdir()), what="the staged file to go")
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="cut")


# Permissions


def test_permissions(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="reader")
    allow = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/mine/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}",
         "Condition": {"StringLike": {"s3:prefix": ["mine/*"]}}},
    ]  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": allow})
    iam.put_user_policy(UserName="reader", PolicyName="mine", PolicyDocument=document)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    user = cloud.client("s3", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    s3.put_object(Bucket=bucket, Key="theirs/a", Body=b"secret")
    user.put_object(Bucket=bucket, Key="mine/a", Body=b"x", Tagging="a=1")
    assert user.get_object(Bucket=bucket, Key="mine/a")["Body"].read() == b"x"
    assert user.list_objects_v2(Bucket=bucket, Prefix="mine/")["KeyCount"] == 1
    theirs = {"Bucket": bucket, "Key": "theirs/a"}
    into = {"Bucket": bucket, "Key": "mine/stolen", "CopySource": f"{bucket}/theirs/a"}
    upload = user.create_multipart_upload(Bucket=bucket, Key="mine/b")["UploadId"]
    part = {"Bucket": bucket, "Key": "mine/b", "UploadId": upload, "PartNumber": 1}
    elsewhere = s3.create_multipart_upload(Bucket=bucket, Key="theirs/u")["UploadId"]
    attempts: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (user.get_object, theirs), (user.put_object, theirs), (user.delete_object, theirs),
        (user.get_object_tagging, theirs),
        (user.get_object_attributes, theirs | {"ObjectAttributes": ["ETag"]}),
        (user.put_object_tagging, theirs | {"Tagging": {"TagSet": []}}), (user.delete_object_tagging, theirs),
        (user.copy_object, into), (user.copy_object, theirs | {"CopySource": f"{bucket}/mine/a"}),
        (user.copy_object, into | {"CopySource": f"{bucket}/mine/../theirs/a"}),
        (user.upload_part_copy, part | {"CopySource": f"{bucket}/theirs/a"}),
        (user.create_multipart_upload, theirs), (user.list_multipart_uploads, {"Bucket": bucket}),
        (user.upload_part, theirs | {"UploadId": elsewhere, "PartNumber": 1}),
        (user.list_parts, theirs | {"UploadId": elsewhere}),
        (user.abort_multipart_upload, theirs | {"UploadId": elsewhere}),
        (user.list_objects_v2, {"Bucket": bucket}),
        (user.list_objects_v2, {"Bucket": bucket, "Prefix": "theirs/"}),
        (user.list_objects, {"Bucket": bucket, "Prefix": "min"}),
        (user.list_object_versions, {"Bucket": bucket}),
        # A missing key is not told apart from a forbidden one by who may not list.
        (user.get_object, {"Bucket": bucket, "Key": "mine/none"}),
    ]  # fmt: skip
    for call, params in attempts:
        if call == user.copy_object and params["CopySource"].endswith("mine/../theirs/a"):
            # S3 has no folders: it is another key, which is not there.
            assert failing(call, **params)["ResponseMetadata"]["HTTPStatusCode"] in (403, 404)
            continue
        refused("AccessDenied", call, **params)
    response = failing(user.head_object, **theirs)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    outcome = user.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "theirs/a"}, {"Key": "mine/a"}]})
    assert [each["Key"] for each in outcome["Deleted"]] == ["mine/a"]
    assert [(each["Key"], each["Code"]) for each in outcome["Errors"]] == [("theirs/a", "AccessDenied")]
    # The upload's key and its id belong together: a foreign upload is not reached through an own key.
    refused("NoSuchUpload", user.list_parts, Bucket=bucket, Key="mine/b", UploadId=elsewhere)
    assert s3.get_object(**theirs)["Body"].read() == b"secret"


def test_copies_do_not_cross_accounts_unasked(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    other = cloud.client("s3", key="555555555555")
    other.create_bucket(Bucket="accomplice")
    s3.put_object(Bucket=bucket, Key="private", Body=b"secret")
    refused("AccessDenied", other.copy_object, Bucket="accomplice", Key="x", CopySource=f"{bucket}/private")
    upload = other.create_multipart_upload(Bucket="accomplice", Key="y")["UploadId"]
    refused(
        "AccessDenied", other.upload_part_copy, Bucket="accomplice", Key="y", UploadId=upload, PartNumber=1,
        CopySource=f"{bucket}/private",
    )  # fmt: skip


def test_dates_that_are_still_to_come_say_nothing(s3: Any, bucket: str) -> None:
    """RFC 9110, 13.1.3; LocalStack, test_s3_preconditions.snapshot.json: copy-ignore-future-…"""
    s3.put_object(Bucket=bucket, Key="dated", Body=b"x")
    modified = s3.head_object(Bucket=bucket, Key="dated")["LastModified"]
    later = datetime.now(UTC) + timedelta(days=1)
    assert got(s3, Bucket=bucket, Key="dated", IfModifiedSince=later)["Body"] == b"x"
    copy = {"Bucket": bucket, "Key": "dated-copy", "CopySource": f"{bucket}/dated"}
    answer = s3.copy_object(**copy, CopySourceIfModifiedSince=later)
    assert "ChecksumType" not in answer["CopyObjectResult"]
    refused("304", s3.get_object, Bucket=bucket, Key="dated", IfModifiedSince=modified)
    refused("PreconditionFailed", s3.copy_object, **copy, CopySourceIfModifiedSince=modified)
