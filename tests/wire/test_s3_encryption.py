"""Encryption at rest: with S3's keys as the answers say it, with the customer's own for real."""

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud
from s3wire import failing, got, refused

KEY, OTHER = os.urandom(32), os.urandom(32)


@pytest.fixture
def s3(cloud: RunningCloud) -> Any:
    return cloud.client("s3")


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    cloud.client("s3").create_bucket(Bucket="encrypted")
    return "encrypted"


def own(key: bytes, source: str = "") -> dict[str, Any]:
    """The parameters of a customer's key; boto3 adds its MD5."""
    return {f"{source}SSECustomerAlgorithm": "AES256", f"{source}SSECustomerKey": key}


def on_disk(folder: Path, text: bytes) -> bool:
    return any(text in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, 1000, 65_535, 65_536, 65_537, 300_000, 2_500_000])
def test_bodies_under_a_customers_key(s3: Any, bucket: str, size: int) -> None:
    body = os.urandom(size)
    where = {"Bucket": bucket, "Key": f"own-{size}"}
    answer = s3.put_object(**where, Body=body, **own(KEY))
    assert answer["SSECustomerAlgorithm"] == "AES256" and "ServerSideEncryption" not in answer
    assert answer["SSECustomerKeyMD5"] == base64.b64encode(hashlib.md5(KEY).digest()).decode()
    assert answer["ETag"] != f'"{hashlib.md5(body).hexdigest()}"'
    found = got(s3, **where, **own(KEY))
    assert (found["Body"] == body, found["ContentLength"]) == (True, size)
    assert found["SSECustomerKeyMD5"] == answer["SSECustomerKeyMD5"]
    for first, last in ((0, 0), (65_530, 65_540), (size // 2, size - 1), (1, 131_072)):
        if first < size and first <= last:
            part = got(s3, **where, **own(KEY), Range=f"bytes={first}-{last}")
            assert part["Body"] == body[first : last + 1]


def test_nothing_is_kept_in_the_clear(fresh_cloud: RunningCloud) -> None:
    """Neither the bytes nor the key are on the disk, in small bodies as in large ones."""
    s3 = fresh_cloud.client("s3")
    s3.create_bucket(Bucket="at-rest")
    secret = b"a secret that nobody may read"
    s3.put_object(Bucket="at-rest", Key="small", Body=secret, **own(KEY))
    s3.put_object(Bucket="at-rest", Key="large", Body=secret * 10_000, **own(KEY))
    s3.put_object(Bucket="at-rest", Key="open", Body=b"this one may be read")
    fresh_cloud.stop()
    assert on_disk(fresh_cloud.data, b"this one may be read")
    for text in (secret, KEY, base64.b64encode(KEY)):
        assert not on_disk(fresh_cloud.data, text)
    assert secret.decode() not in fresh_cloud.log.read_text()


def test_the_wrong_key_and_none(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "guarded"}
    s3.put_object(**where, Body=b"x", **own(KEY))
    for call in (s3.get_object, s3.head_object):
        assert failing(call, **where, **own(OTHER))["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert failing(call, **where)["ResponseMetadata"]["HTTPStatusCode"] == 400
    refused("AccessDenied", s3.get_object, **where, **own(OTHER))
    error = refused("InvalidRequest", s3.get_object, **where)
    assert error["Message"].startswith("The object was stored using a form of Server Side Encryption.")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    refused("InvalidRequest", s3.get_object, Bucket=bucket, Key="plain", **own(KEY))


def test_requests_that_are_not_right(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "wrong", "Body": b"x"}
    refused("InvalidArgument", s3.put_object, **where, **own(b"short"))
    text = base64.b64encode(KEY).decode()
    refused(
        "InvalidArgument", s3.put_object, **where, SSECustomerAlgorithm="AES256", SSECustomerKey=text,
        SSECustomerKeyMD5="nonsense",
    )  # fmt: skip
    refused("InvalidArgument", s3.put_object, **where, SSECustomerKey=KEY)
    refused("InvalidArgument", s3.put_object, **where, SSECustomerAlgorithm="AES256")
    refused(
        "InvalidEncryptionAlgorithmError",
        s3.put_object,
        **where,
        SSECustomerAlgorithm="DES",
        SSECustomerKey=KEY,
    )
    refused("InvalidArgument", s3.put_object, **where, **own(KEY), ServerSideEncryption="AES256")
    refused("InvalidArgument", s3.put_object, **where, ServerSideEncryption="ROT13")
    refused("NotImplemented", s3.put_object, **where, ServerSideEncryption="aws:kms", SSEKMSKeyId="k")
    assert s3.put_object(**where, ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"


def test_the_key_that_aws_keeps_for_s3(s3: Any, bucket: str) -> None:
    """What `cdk deploy` asks for its assets: aws:kms without a key of one's own."""
    where = {"Bucket": bucket, "Key": "managed"}
    made = s3.put_object(**where, Body=b"x", ServerSideEncryption="aws:kms")
    assert made["ServerSideEncryption"] == "aws:kms"
    assert s3.head_object(**where)["ServerSideEncryption"] == "aws:kms"
    upload = s3.create_multipart_upload(**where, ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/aws/s3")
    assert upload["ServerSideEncryption"] == "aws:kms"
    refused("NotImplemented", s3.put_object, **where, ServerSideEncryption="aws:kms:dsse")


def test_copies_change_keys(s3: Any, bucket: str) -> None:
    body = os.urandom(100_000)
    s3.put_object(Bucket=bucket, Key="from", Body=body, **own(KEY))
    to = {"Bucket": bucket, "Key": "to", "CopySource": f"{bucket}/from"}
    refused("InvalidRequest", s3.copy_object, **to)
    refused("AccessDenied", s3.copy_object, **to, **own(OTHER, "CopySource"))
    s3.copy_object(**to, **own(KEY, "CopySource"), **own(OTHER))
    assert got(s3, Bucket=bucket, Key="to", **own(OTHER))["Body"] == body
    answer = s3.copy_object(**to, **own(KEY, "CopySource"))
    assert answer["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert answer["ServerSideEncryption"] == "AES256"
    assert got(s3, Bucket=bucket, Key="to")["Body"] == body


def test_parts_under_a_customers_key(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "parts"}
    upload = where | {"UploadId": s3.create_multipart_upload(**where, **own(KEY))["UploadId"]}
    bodies = [os.urandom(5 << 20), os.urandom(100_001)]
    refused("InvalidRequest", s3.upload_part, **upload, PartNumber=1, Body=b"x")
    refused("InvalidRequest", s3.upload_part, **upload, PartNumber=1, Body=b"x", **own(OTHER))
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**upload, PartNumber=n, Body=body, **own(KEY))["ETag"]}
        for n, body in enumerate(bodies, 1)
    ]
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    whole = b"".join(bodies)
    assert got(s3, **where, **own(KEY))["Body"] == whole
    # localstack/localstack#12401: nobody asked for a checksum, and S3 adds none here.
    head = s3.head_object(**where, **own(KEY), ChecksumMode="ENABLED")
    assert not [name for name in (*done, *head) if name.startswith("Checksum")]
    s3.copy_object(
        Bucket=bucket, Key="parts-copied", CopySource=f"{bucket}/parts", **own(KEY, "CopySource")
    )  # fmt: skip
    assert got(s3, Bucket=bucket, Key="parts-copied")["Body"] == whole
    seam = (5 << 20) - 10
    assert got(s3, **where, **own(KEY), Range=f"bytes={seam}-{seam + 20}")["Body"] == whole[seam : seam + 21]
    refused("InvalidRequest", s3.get_object, **where)


def test_customers_keys_can_be_blocked(s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html"""

    def block(*types: str) -> None:
        default = {"SSEAlgorithm": "AES256"}
        rule = {
            "ApplyServerSideEncryptionByDefault": default,
            "BlockedEncryptionTypes": {"EncryptionType": [*types]},
        }
        s3.put_bucket_encryption(
            Bucket="blocking", ServerSideEncryptionConfiguration={"Rules": [rule]}
        )  # fmt: skip

    s3.create_bucket(Bucket="blocking")
    where = {"Bucket": "blocking", "Key": "k"}
    s3.put_object(**where, Body=b"x", **own(KEY))
    block("SSE-C")
    answer = s3.get_bucket_encryption(Bucket="blocking")["ServerSideEncryptionConfiguration"]
    assert answer["Rules"][0]["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    error = failing(s3.put_object, **where, Body=b"x", **own(KEY))
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert "blocked upload requests" in error["Error"]["Message"]
    refused("AccessDenied", s3.create_multipart_upload, **where, **own(KEY))
    source = {"CopySource": "blocking/k", **own(KEY, "CopySource")}
    refused("AccessDenied", s3.copy_object, Bucket="blocking", Key="copy", **source, **own(KEY))
    # What is there stays readable, and can be copied to another encryption.
    assert got(s3, **where, **own(KEY))["Body"] == b"x"
    s3.copy_object(Bucket="blocking", Key="copy", **source)
    block("NONE")
    s3.put_object(**where, Body=b"y", **own(KEY))
    for wrong in (("SSE-C", "NONE"), ("SSE-X",)):
        with pytest.raises(ClientError, match="MalformedXML"):
            block(*wrong)
