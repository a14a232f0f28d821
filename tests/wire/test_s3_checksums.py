"""Checksums of objects: in headers, after the body, computed by S3; of every kind."""

import base64
import hashlib
import hmac
import os
import urllib.request
import zlib
from typing import Any
from xml.etree import ElementTree

import pytest
from awscrt import checksums as crt
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from running import ADMIN, RunningCloud
from s3wire import fetched, got, raw, refused

BODY = b"the body of an object"
ALGORITHMS = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": lambda data: crt.crc32c(data).to_bytes(4, "big"),
    "CRC64NVME": lambda data: crt.crc64nvme(data).to_bytes(8, "big"),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
    "SHA512": lambda data: hashlib.sha512(data).digest(),
    "MD5": lambda data: hashlib.md5(data).digest(),
    "XXHASH64": lambda data: bytes(crt.XXHash.compute_xxhash64(data)),
    "XXHASH3": lambda data: bytes(crt.XXHash.compute_xxhash3_64(data)),
    "XXHASH128": lambda data: bytes(crt.XXHash.compute_xxhash3_128(data)),
}


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.fixture
def s3(cloud: RunningCloud) -> Any:
    return cloud.client("s3")


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    cloud.client("s3").create_bucket(Bucket="checksums")
    return "checksums"


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("size", [0, 21, 200_000])
def test_in_a_header(cloud: RunningCloud, s3: Any, bucket: str, name: str, size: int) -> None:
    body = os.urandom(size)
    value = b64(ALGORITHMS[name](body))
    header = f"x-amz-checksum-{name.lower()}"
    status, headers, answer = raw(cloud, "PUT", f"/{bucket}/{name}", body, {header: value})
    assert (status, headers[header], headers["x-amz-checksum-type"]) == (200, value, "FULL_OBJECT"), answer
    found = got(s3, Bucket=bucket, Key=name, ChecksumMode="ENABLED")
    assert (found[f"Checksum{name}"], found["Body"]) == (value, body)
    head = s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
    assert (head[f"Checksum{name}"], head["ChecksumType"]) == (value, "FULL_OBJECT")
    assert f"Checksum{name}" not in s3.head_object(Bucket=bucket, Key=name)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=name)["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ([name], "FULL_OBJECT")
    wrong = b64(ALGORITHMS[name](body + b"!"))
    status, _, answer = raw(cloud, "PUT", f"/{bucket}/wrong-{name}", body, {header: wrong})
    message = f"The {name} you specified did not match the calculated checksum."
    assert status == 400 and b"<Code>BadDigest</Code>" in answer and message.encode() in answer
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key=f"wrong-{name}")


def test_computed_where_nobody_asks(cloud: RunningCloud, bucket: str) -> None:
    s3 = cloud.client("s3", config=Config(request_checksum_calculation="when_required"))
    for key, body in (("none", BODY), ("none-long", BODY * 10_000)):
        answer = s3.put_object(Bucket=bucket, Key=key, Body=body)
        wanted = b64(ALGORITHMS["CRC64NVME"](body))
        assert (answer["ChecksumCRC64NVME"], answer["ChecksumType"]) == (wanted, "FULL_OBJECT")
        found = s3.get_object_attributes(Bucket=bucket, Key=key, ObjectAttributes=["Checksum", "ObjectParts"])
        assert found["Checksum"]["ChecksumCRC64NVME"] == wanted and "ObjectParts" not in found


def test_headers_that_contradict(cloud: RunningCloud, bucket: str) -> None:
    crc, sha = b64(ALGORITHMS["CRC32"](BODY)), b64(ALGORITHMS["SHA1"](BODY))
    for headers in (
        {"x-amz-checksum-crc32": crc, "x-amz-checksum-sha1": sha},
        {"x-amz-checksum-crc32": "nonsense"},
        {"x-amz-checksum-crc32": sha},
        {"x-amz-checksum-crc32": crc, "x-amz-sdk-checksum-algorithm": "SHA1"},
        {"x-amz-sdk-checksum-algorithm": "CRC32"},
        {"x-amz-checksum-crc32": crc, "x-amz-sdk-checksum-algorithm": "ROT13"},
    ):
        status, _, answer = raw(cloud, "PUT", f"/{bucket}/contradicting", BODY, headers)
        assert status == 400 and b"<Code>InvalidRequest</Code>" in answer, (headers, answer)


@pytest.mark.parametrize("body", [BODY, BODY * 10_000], ids=["short", "long"])
def test_content_md5(cloud: RunningCloud, bucket: str, body: bytes) -> None:
    md5 = b64(hashlib.md5(body).digest())
    assert raw(cloud, "PUT", f"/{bucket}/md5", body, {"Content-MD5": md5})[0] == 200
    status, _, answer = raw(cloud, "PUT", f"/{bucket}/md5", body + b"!", {"Content-MD5": md5})
    assert status == 400 and b"<Code>BadDigest</Code>" in answer
    status, _, answer = raw(cloud, "PUT", f"/{bucket}/md5", body, {"Content-MD5": "nonsense"})
    assert status == 400 and b"<Code>InvalidDigest</Code>" in answer


# After the body


class Chunks(S3SigV4Auth):
    """Signs a request whose body says by itself what it is."""

    def __init__(self, credentials: Credentials, service: str, region: str, kind: str) -> None:
        super().__init__(credentials, service, region)
        self._kind = kind

    def payload(self, request: AWSRequest) -> str:
        return self._kind


def chunked(
    cloud: RunningCloud, path: str, body: bytes, trailer: tuple[str, str], *, signed: bool, announce: str = ""
) -> tuple[int, bytes]:
    """Upload `body` in aws-chunked framing with a checksum after it."""
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" if signed else "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(len(body)),
        "x-amz-trailer": announce or trailer[0],
    }
    request = AWSRequest("PUT", cloud.url + path, headers=headers)
    Chunks(Credentials(*ADMIN), "s3", "us-east-1", kind).add_auth(request)
    moment = request.headers["X-Amz-Date"]
    scope = f"{moment[:8]}/us-east-1/s3/aws4_request"
    key = b"AWS4" + ADMIN[1].encode()
    for part in (moment[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    previous = request.headers["Authorization"].rpartition("=")[2]

    def sign(kind: str, *hashes: bytes) -> str:
        nonlocal previous
        lines = [f"AWS4-HMAC-SHA256-{kind}", moment, scope, previous]
        lines += [hashlib.sha256(each).hexdigest() for each in hashes]
        previous = hmac.digest(key, "\n".join(lines).encode(), "sha256").hex()
        return previous

    out = b""
    for chunk in [body[at : at + 65_536] for at in range(0, len(body), 65_536)] + [b""]:
        extension = f";chunk-signature={sign('PAYLOAD', b'', chunk)}" if signed else ""
        out += f"{len(chunk):x}{extension}\r\n".encode() + chunk + (b"\r\n" if chunk else b"")
    line = f"{trailer[0]}:{trailer[1]}"
    out += f"{line}\r\n".encode()
    if signed:
        signature = sign("TRAILER", f"{line}\n".encode())
        out += f"x-amz-trailer-signature:{signature}\r\n".encode()
    out += b"\r\n"
    sent = dict(request.headers.items()) | {"content-type": "text/plain"}
    return fetched(urllib.request.Request(cloud.url + path, data=out, method="PUT", headers=sent))


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("name", ["CRC32", "CRC64NVME", "SHA256"])
@pytest.mark.parametrize("body", [BODY, BODY * 10_000, BODY * 100_000], ids=["short", "long", "streaming"])
def test_after_the_body(
    cloud: RunningCloud, s3: Any, bucket: str, name: str, body: bytes, signed: bool
) -> None:
    header, value = f"x-amz-checksum-{name.lower()}", b64(ALGORITHMS[name](body))
    status, answer = chunked(cloud, f"/{bucket}/after", body, (header, value), signed=signed)
    assert status == 200, answer
    found = got(s3, Bucket=bucket, Key="after", ChecksumMode="ENABLED")
    assert (found["Body"] == body, found[f"Checksum{name}"]) == (True, value)
    assert "ContentEncoding" not in found
    wrong = b64(ALGORITHMS[name](body + b"!"))
    status, answer = chunked(cloud, f"/{bucket}/after-wrong", body, (header, wrong), signed=signed)
    assert status == 400 and b"<Code>BadDigest</Code>" in answer
    other = ("x-amz-checksum-sha1", b64(ALGORITHMS["SHA1"](body)))
    status, answer = chunked(cloud, f"/{bucket}/after-wrong", body, other, signed=signed, announce=header)
    assert status == 400 and b"<Code>MalformedTrailerError</Code>" in answer
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="after-wrong")


CRC = b64(ALGORITHMS["CRC32"](b"hello"))
LENGTH = "You did not provide the number of bytes specified by the Content-Length HTTP header"


def framed(
    cloud: RunningCloud, path: str, body: bytes, announced: str | None = "5", trailer: str | None = "crc32"
) -> tuple[int, dict[str, str]]:
    """Upload what may be no right framing; gives the elements of the error."""
    headers = {"content-encoding": "aws-chunked"}
    if announced is not None:
        headers["x-amz-decoded-content-length"] = announced
    if trailer is not None:
        headers["x-amz-trailer"] = f"x-amz-checksum-{trailer}"
    request = AWSRequest("PUT", cloud.url + path, headers=headers)
    kind = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    Chunks(Credentials(*ADMIN), "s3", "us-east-1", kind).add_auth(request)
    sent = dict(request.headers.items()) | {"content-type": "text/plain"}
    status, answer = fetched(urllib.request.Request(cloud.url + path, data=body, method="PUT", headers=sent))
    return status, {each.tag: each.text or "" for each in ElementTree.fromstring(answer)} if answer else {}


@pytest.mark.parametrize("announced", [None, "abc", "-1", ""])
def test_framed_bodies_without_a_length(cloud: RunningCloud, bucket: str, announced: str | None) -> None:
    """versity/versitygw#1656."""
    body = f"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{CRC}\r\n\r\n".encode()
    status, error = framed(cloud, f"/{bucket}/framed", body, announced)
    assert (status, error["Code"]) == (411, "MissingContentLength")
    assert error["Message"] == "You must provide the Content-Length HTTP header."


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("5\r\nhello\r\n0\r\n\r\n", "MalformedTrailerError", ""),  # versity/versitygw#1600
        (f"5\r\nhello\r\n0\r\n:{CRC}\r\n\r\n", "MalformedTrailerError", ""),  # versity/versitygw#1626
        (f"5\r\nhello\r\n0\r\n{CRC}\r\n\r\n", "MalformedTrailerError", ""),
        # versity/versitygw#1165
        ("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:x\r\n\r\n", "InvalidRequest",
         "Value for x-amz-checksum-crc32 trailing header is invalid."),
        # versity/versitygw#1684
        (f"6\r\nhello!\r\n0\r\nx-amz-checksum-crc32:{CRC}\r\n\r\n", "IncompleteBody", LENGTH),
        (f"4\r\nhell\r\n0\r\nx-amz-checksum-crc32:{CRC}\r\n\r\n", "IncompleteBody", LENGTH),
        ("5\r\nhello\r\n", "IncompleteBody", "The request body terminated unexpectedly"),
    ],
)  # fmt: skip
def test_framing_that_is_none(
    cloud: RunningCloud, s3: Any, bucket: str, body: str, code: str, message: str
) -> None:
    status, error = framed(cloud, f"/{bucket}/framed", body.encode())
    assert (status, error["Code"]) == (400, code)
    assert error["Message"].startswith(message)
    if message == LENGTH:
        assert (error["NumberBytesExpected"], error["NumberBytesProvided"]) == ("5", body[0])
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="framed")


def test_trailers_that_are_not_known_or_not_needed(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    """versity/versitygw#1161 and #1632."""
    body = f"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{CRC}\r\n\r\n".encode()
    status, error = framed(cloud, f"/{bucket}/trailing", body, trailer="sha10")
    assert (status, error["Code"]) == (400, "InvalidRequest")
    assert error["Message"] == "The value specified in the x-amz-trailer header is not supported"
    assert framed(cloud, f"/{bucket}/trailing", b"5\r\nhello\r\n0\r\n\r\n", trailer=None)[0] == 200
    assert "ChecksumCRC64NVME" in s3.head_object(Bucket=bucket, Key="trailing", ChecksumMode="ENABLED")


def test_chunks_that_are_too_small(cloud: RunningCloud, bucket: str) -> None:
    """versity/versitygw#1665: only the last one may be."""
    status, error = framed(cloud, f"/{bucket}/small", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", trailer=None)
    assert (status, error["Code"]) == (403, "InvalidChunkSizeError")
    assert error["Message"] == "Only the last chunk is allowed to have a size less than 8192 bytes"
    assert (error["Chunk"], error["BadChunkSize"]) == ("2", "2")
    body = b"2000\r\n" + b"x" * 8192 + b"\r\n3\r\nllo\r\n0\r\n\r\n"
    assert framed(cloud, f"/{bucket}/small", body, "8195", trailer=None)[0] == 200


def test_boto3_over_https_sends_trailers(cloud: RunningCloud, bucket: str) -> None:
    import boto3

    s3 = boto3.client(
        "s3", endpoint_url=cloud.https_url, verify=cloud.ca_file, region_name="us-east-1",
        aws_access_key_id=ADMIN[0], aws_secret_access_key=ADMIN[1],
    )  # fmt: skip
    for size in (10, 100_000, 3_000_000):
        body = os.urandom(size)
        for name in ("CRC32", "SHA256", "CRC64NVME"):
            answer = s3.put_object(Bucket=bucket, Key="https", Body=body, ChecksumAlgorithm=name)
            assert answer[f"Checksum{name}"] == b64(ALGORITHMS[name](body))
            # boto3 compares what it reads with the checksum by itself.
            assert got(s3, Bucket=bucket, Key="https", ChecksumMode="ENABLED")["Body"] == body
