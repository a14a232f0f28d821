"""Multipart uploads: parts in any order and at once, what is refused, listings, copies into parts."""

import base64
import hashlib
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config

from running import RunningCloud
from s3wire import got, raw, refused

MB = 1 << 20
PART = os.urandom(5 * MB)


@pytest.fixture
def s3(cloud: RunningCloud) -> Any:
    return cloud.client("s3")


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    cloud.client("s3").create_bucket(Bucket="multipart")
    return "multipart"


def begin(s3: Any, bucket: str, key: str, **params: Any) -> dict[str, Any]:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **params)["UploadId"]
    return {"Bucket": bucket, "Key": key, "UploadId": upload}


def send(s3: Any, upload: dict[str, Any], number: int, body: bytes, **params: Any) -> dict[str, Any]:
    """Upload a part; gives its entry for the end."""
    answer = s3.upload_part(**upload, PartNumber=number, Body=body, **params)
    checksums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
    return {"PartNumber": number, "ETag": answer["ETag"], **checksums}


def end(s3: Any, upload: dict[str, Any], parts: list[dict[str, Any]], **params: Any) -> dict[str, Any]:
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **params)


def test_parts_at_once_and_in_any_order(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, "at-once", ContentType="text/x", Metadata={"a": "1"}, Tagging="t=1")
    bodies = [PART, PART[::-1], PART[:MB] * 6, b"the end"]
    numbers = [2, 5, 7, 10_000]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda n: send(s3, upload, numbers[n], bodies[n]), [3, 1, 0, 2]))
    parts.sort(key=lambda part: part["PartNumber"])
    answer = end(s3, upload, parts)
    digests = b"".join(hashlib.md5(body).digest() for body in bodies)
    assert answer["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-4"'
    assert (answer["Bucket"], answer["Key"]) == (bucket, "at-once")
    found = got(s3, Bucket=bucket, Key="at-once", ChecksumMode="ENABLED")
    whole = b"".join(bodies)
    assert found["Body"] == whole
    assert (found["ContentType"], found["Metadata"], found["TagCount"]) == ("text/x", {"a": "1"}, 1)
    assert (
        found["ChecksumType"] == "FULL_OBJECT" and found["ChecksumCRC64NVME"] == answer["ChecksumCRC64NVME"]
    )
    # Across the seams.
    start = 5 * MB - 3
    assert (
        got(s3, Bucket=bucket, Key="at-once", Range=f"bytes={start}-{start + 5}")["Body"]
        == (whole[start : start + 6])
    )
    part = got(s3, Bucket=bucket, Key="at-once", PartNumber=2)
    assert (part["Body"], part["PartsCount"]) == (bodies[1], 4)
    assert part["ContentRange"] == f"bytes {5 * MB}-{10 * MB - 1}/{len(whole)}"
    refused("InvalidPartNumber", s3.get_object, Bucket=bucket, Key="at-once", PartNumber=5)
    refused("InvalidRequest", s3.get_object, Bucket=bucket, Key="at-once", PartNumber=1, Range="bytes=0-1")
    refused("NoSuchUpload", s3.list_parts, **upload)
    copied = s3.copy_object(Bucket=bucket, Key="copied", CopySource=f"{bucket}/at-once")
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(whole).hexdigest()}"'
    assert got(s3, Bucket=bucket, Key="copied")["Body"] == whole


def test_a_part_is_replaced(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, "replaced")
    first = send(s3, upload, 1, b"one")
    second = send(s3, upload, 1, b"two")
    refused("InvalidPart", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": [first]})
    end(s3, upload, [second])
    assert got(s3, Bucket=bucket, Key="replaced")["Body"] == b"two"


def test_what_cannot_be_completed(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, "refused")
    small, other = send(s3, upload, 1, b"small"), send(s3, upload, 2, b"small too")

    def complete(parts: list[dict[str, Any]], code: str) -> dict[str, Any]:
        return refused(code, s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts})

    error = complete([small, other], "EntityTooSmall")
    assert (error["ProposedSize"], error["MinSizeAllowed"]) == ("5", "5242880")
    complete([other, small], "InvalidPartOrder")
    complete([small, small], "InvalidPartOrder")
    complete([small, {"PartNumber": 3, "ETag": '"none"'}], "InvalidPart")
    complete([small | {"ETag": other["ETag"]}], "InvalidPart")
    complete([], "MalformedXML")
    for number in (0, 10_001, -1):
        refused("InvalidArgument", s3.upload_part, **upload, PartNumber=number, Body=b"x")
    wrong = upload | {"UploadId": "nonsense"}
    refused("NoSuchUpload", s3.upload_part, **wrong, PartNumber=1, Body=b"x")
    refused("NoSuchUpload", s3.complete_multipart_upload, **wrong, MultipartUpload={"Parts": [small]})
    refused("NoSuchUpload", s3.abort_multipart_upload, **wrong)
    refused("NoSuchUpload", s3.list_parts, **(upload | {"Key": "another-key"}))
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="refused")
    end(s3, upload, [small])  # a part of the upload may be left out


def test_conditional_completion(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="conditional", Body=b"there")
    upload = begin(s3, bucket, "conditional")
    part = send(s3, upload, 1, b"new")
    parts = {"Parts": [part]}
    refused(
        "PreconditionFailed", s3.complete_multipart_upload, **upload, MultipartUpload=parts, IfNoneMatch="*"
    )
    refused(
        "PreconditionFailed", s3.complete_multipart_upload, **upload, MultipartUpload=parts, IfMatch='"x"'
    )
    end(s3, upload, [part], IfMatch=f'"{hashlib.md5(b"there").hexdigest()}"')
    assert got(s3, Bucket=bucket, Key="conditional")["Body"] == b"new"


def test_abort_leaves_nothing(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    def files() -> int:
        return sum(1 for path in (cloud.data / "blobs").rglob("*") if path.is_file())

    before = files()
    upload = begin(s3, bucket, "aborted")
    for number in (1, 2, 3):
        send(s3, upload, number, b"x" * 100_000)
    assert files() == before + 3
    s3.abort_multipart_upload(**upload)
    assert files() == before
    refused("NoSuchUpload", s3.upload_part, **upload, PartNumber=1, Body=b"x")


def test_listing_parts(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, "parts", StorageClass="STANDARD_IA")
    for number in (1, 2, 3, 4):
        send(s3, upload, number, b"x" * number)
    first = s3.list_parts(**upload, MaxParts=3)
    assert [(part["PartNumber"], part["Size"]) for part in first["Parts"]] == [(1, 1), (2, 2), (3, 3)]
    assert (first["IsTruncated"], first["NextPartNumberMarker"]) == (True, 3)
    assert first["StorageClass"] == "STANDARD_IA"
    rest = s3.list_parts(**upload, PartNumberMarker=3)
    assert [part["PartNumber"] for part in rest["Parts"]] == [4] and not rest["IsTruncated"]
    s3.abort_multipart_upload(**upload)


def test_listing_uploads(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="uploads")
    ids = [begin(s3, "uploads", key)["UploadId"] for key in ("b/2", "a", "b/1", "a", "c")]
    found = s3.list_multipart_uploads(Bucket="uploads")
    wanted = [("a", ids[1]), ("a", ids[3]), ("b/1", ids[2]), ("b/2", ids[0]), ("c", ids[4])]
    assert [(each["Key"], each["UploadId"]) for each in found["Uploads"]] == wanted
    seen: list[tuple[str, str]] = []
    marker: dict[str, Any] = {}
    while True:
        page = s3.list_multipart_uploads(Bucket="uploads", MaxUploads=1, **marker)
        seen += [(each["Key"], each["UploadId"]) for each in page["Uploads"]]
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert seen == wanted
    folded = s3.list_multipart_uploads(Bucket="uploads", Delimiter="/")
    assert [each["Prefix"] for each in folded["CommonPrefixes"]] == ["b/"]
    assert [each["Key"] for each in folded["Uploads"]] == ["a", "a", "c"]
    s3.delete_bucket(Bucket="uploads")  # what is under way does not hold the bucket


def test_copies_into_parts(s3: Any, bucket: str) -> None:
    body = PART + b"tail"
    s3.put_object(Bucket=bucket, Key="source ü", Body=body)
    upload = begin(s3, bucket, "of-copies")
    source = {"Bucket": bucket, "Key": "source ü"}

    def copy(number: int, **params: Any) -> dict[str, Any]:
        answer = s3.upload_part_copy(**upload, PartNumber=number, CopySource=source, **params)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    whole = copy(1)
    assert whole["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    ranged = copy(2, CopySourceRange="bytes=3-9")
    assert ranged["ETag"] == f'"{hashlib.md5(body[3:10]).hexdigest()}"'
    for bad in ("bytes=3-", "bytes=9-3", f"bytes=0-{len(body)}", "3-9"):
        refused(
            "InvalidArgument",
            s3.upload_part_copy,
            **upload,
            PartNumber=3,
            CopySource=source,
            CopySourceRange=bad,
        )
    refused(
        "PreconditionFailed", s3.upload_part_copy, **upload, PartNumber=3, CopySource=source,
        CopySourceIfMatch='"x"',
    )  # fmt: skip
    s3.delete_object(**source)
    end(s3, upload, [whole, ranged])
    assert got(s3, Bucket=bucket, Key="of-copies")["Body"] == body + body[3:10]


# Checksums over parts


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def test_composite_checksums(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, "composite", ChecksumAlgorithm="SHA256")
    parts = [
        send(s3, upload, n + 1, body, ChecksumAlgorithm="SHA256") for n, body in enumerate((PART, b"end"))
    ]
    digests = [hashlib.sha256(PART).digest(), hashlib.sha256(b"end").digest()]
    assert [part["ChecksumSHA256"] for part in parts] == [b64(each) for each in digests]
    listed = s3.list_parts(**upload)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ("SHA256", "COMPOSITE")
    assert [part["ChecksumSHA256"] for part in listed["Parts"]] == [b64(each) for each in digests]
    bare = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
    error = refused("InvalidRequest", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": bare})
    assert "It was missing for part 1 in the request." in error["Message"]
    crossed = [parts[0] | {"ChecksumSHA256": b64(digests[1])}, parts[1]]
    refused("InvalidPart", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": crossed})
    wanted = b64(hashlib.sha256(b"".join(digests)).digest()) + "-2"
    answer = end(s3, upload, parts)
    assert (answer["ChecksumSHA256"], answer["ChecksumType"]) == (wanted, "COMPOSITE")
    head = s3.head_object(Bucket=bucket, Key="composite", ChecksumMode="ENABLED")
    assert (head["ChecksumSHA256"], head["ChecksumType"]) == (wanted, "COMPOSITE")
    found = s3.get_object_attributes(
        Bucket=bucket, Key="composite", ObjectAttributes=["Checksum", "ObjectParts", "ObjectSize", "ETag"]
    )
    assert found["Checksum"]["ChecksumSHA256"] == wanted.removesuffix("-2")  # as AWS was recorded to
    assert found["ObjectSize"] == len(PART) + 3
    assert found["ObjectParts"]["TotalPartsCount"] == 2
    assert [part["ChecksumSHA256"] for part in found["ObjectParts"]["Parts"]] == [
        b64(each) for each in digests
    ]
    for number, body in ((1, PART), (2, b"end")):  # localstack/localstack#12842
        part = got(s3, Bucket=bucket, Key="composite", PartNumber=number, ChecksumMode="ENABLED")
        assert part["Body"] == body
        assert (part["ChecksumSHA256"], part["ChecksumType"]) == (b64(digests[number - 1]), "COMPOSITE")


def test_a_checksum_of_the_whole(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, "full", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = [send(s3, upload, n + 1, body) for n, body in enumerate((PART, b"end"))]
    wanted = b64(zlib.crc32(PART + b"end").to_bytes(4, "big"))
    refused(
        "BadDigest", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts},
        ChecksumCRC32=b64(b"abcd"), ChecksumType="FULL_OBJECT",
    )  # fmt: skip
    refused(
        "InvalidRequest", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts},
        ChecksumType="COMPOSITE",
    )  # fmt: skip
    refused(
        "InvalidRequest", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts},
        MpuObjectSize=7,
    )  # fmt: skip
    answer = end(
        s3, upload, parts, ChecksumCRC32=wanted, ChecksumType="FULL_OBJECT", MpuObjectSize=len(PART) + 3
    )
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (wanted, "FULL_OBJECT")
    # localstack/localstack#12764 and #12842: its parts have none.
    found = s3.get_object_attributes(Bucket=bucket, Key="full", ObjectAttributes=["ObjectParts"])
    assert found["ObjectParts"] == {"TotalPartsCount": 2}
    part = s3.head_object(Bucket=bucket, Key="full", PartNumber=1, ChecksumMode="ENABLED")
    assert "ChecksumCRC32" not in part
    upload = begin(s3, bucket, "full-alone", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    answer = end(s3, upload, [send(s3, upload, 1, b"end")])
    part = s3.head_object(Bucket=bucket, Key="full-alone", PartNumber=1, ChecksumMode="ENABLED")
    assert (part["ChecksumCRC32"], part["ChecksumType"]) == (answer["ChecksumCRC32"], "FULL_OBJECT")


def test_a_checksum_that_nobody_asked_for(cloud: RunningCloud, bucket: str) -> None:
    """floci-io/floci#3093: parts do not tell it, the end does."""
    s3 = cloud.client("s3", config=Config(request_checksum_calculation="when_required"))
    upload = begin(s3, bucket, "unasked")
    part = send(s3, upload, 1, b"x")
    assert part.keys() == {"PartNumber", "ETag"}
    assert end(s3, upload, [part])["ChecksumType"] == "FULL_OBJECT"


def test_checksums_that_do_not_go_together(s3: Any, bucket: str) -> None:
    create = s3.create_multipart_upload
    where = {"Bucket": bucket, "Key": "unfit"}
    refused("InvalidRequest", create, **where, ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")
    refused("InvalidRequest", create, **where, ChecksumAlgorithm="CRC64NVME", ChecksumType="COMPOSITE")
    refused("InvalidRequest", create, **where, ChecksumType="COMPOSITE")
    upload = begin(s3, bucket, "unfit", ChecksumAlgorithm="SHA256")
    error = refused(
        "InvalidRequest", s3.upload_part, **upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32"
    )
    assert error["Message"] == (
        "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32"
    )


def test_the_answer_as_it_is(cloud: RunningCloud, bucket: str) -> None:
    status, _, body = raw(cloud, "POST", f"/{bucket}/xml?uploads")
    assert status == 200
    assert b"<InitiateMultipartUploadResult xmlns=" in body and b"<Key>xml</Key><UploadId>" in body


def test_an_end_that_was_not_heard(fresh_cloud: RunningCloud) -> None:
    """minio/minio#13318 and adobe/S3Mock#2586: on AWS, completing again gives the same answer for a while."""
    s3 = fresh_cloud.client("s3")
    s3.create_bucket(Bucket="again")
    upload = begin(s3, "again", "k")
    parts = [send(s3, upload, 1, b"one")]
    first = end(s3, upload, parts)
    s3.delete_object(Bucket="again", Key="k")
    for _ in range(2):
        again = end(s3, upload, parts, IfNoneMatch="*")
        for answer in (first, again):
            answer.pop("ResponseMetadata", None)
        assert again == first
    refused("NoSuchKey", s3.get_object, Bucket="again", Key="k")  # it is answered, not done again
    other = [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]
    refused("NoSuchUpload", end, s3=s3, upload=upload, parts=other)
    refused("NoSuchUpload", end, s3=s3, upload={**upload, "Key": "other"}, parts=parts)
    refused("NoSuchUpload", s3.abort_multipart_upload, **upload)
    fresh_cloud.kill()
    fresh_cloud.start()
    again = end(fresh_cloud.client("s3"), upload, parts)
    assert again["ETag"] == first["ETag"]
    fresh_cloud.advance(90_000)
    refused("NoSuchUpload", end, s3=fresh_cloud.client("s3"), upload=upload, parts=parts)


def test_where_the_end_says_the_object_is(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html: encoded whole."""
    upload = begin(s3, bucket, "folder/a b.txt")
    location = end(s3, upload, [send(s3, upload, 1, b"x")])["Location"]
    assert location == f"http://localhost:{cloud.port}/{bucket}/folder%2Fa%20b.txt"


PART_NUMBER = "Part number must be an integer between 1 and 10000, inclusive"


def test_numbers_that_no_part_has(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    """versity/versitygw's s3err/invalid-argument.go, which is checked against AWS."""
    path = f"/{bucket}/numbers"
    upload = begin(s3, bucket, "numbers")
    for number in ("0", "-1", "10001", "x", "1.5", ""):
        status, _, body = raw(cloud, "PUT", f"{path}?partNumber={number}&uploadId={upload['UploadId']}", b"x")
        assert (status, PART_NUMBER.encode() in body) == (400, True)
        assert f"<ArgumentValue>{number}</ArgumentValue>".encode() in body
    status, _, body = raw(cloud, "PUT", f"{path}?partNumber=1", b"x")
    assert status == 400
    assert b"This operation does not accept partNumber without uploadId" in body
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="numbers")
    part = send(s3, upload, 1, b"x")
    for number in (0, -1):
        error = refused("InvalidArgument", end, s3=s3, upload=upload, parts=[{**part, "PartNumber": number}])
        assert error["Message"] == "PartNumber must be >= 1"
        assert (error["ArgumentName"], error["ArgumentValue"]) == ("PartNumber", str(number))
    refused("InvalidPart", end, s3=s3, upload=upload, parts=[{**part, "PartNumber": 10_001}])
    s3.abort_multipart_upload(**upload)


def test_ends_that_contradict_themselves(cloud: RunningCloud, s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, "contradicting")
    part = send(s3, upload, 1, b"x")
    two = {**part, "ChecksumCRC32": "AAAAAA==", "ChecksumSHA1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
    error = refused("InvalidArgument", end, s3=s3, upload=upload, parts=[two])
    assert error["Message"] == "Invalid Base64 or multiple checksums present in request"
    error = refused("InvalidRequest", end, s3=s3, upload=upload, parts=[part], MpuObjectSize=-1)
    assert error["Message"] == "Value for x-amz-mp-object-size header is less than zero: '-1'"
    # complete_multipart_upload_invalid_object_size_string of versity/versitygw's tests
    document = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{part['ETag']}</ETag></Part>"
    status, _, body = raw(
        cloud,
        "POST",
        f"/{bucket}/contradicting?uploadId={upload['UploadId']}",
        f"{document}</CompleteMultipartUpload>".encode(),
        {"x-amz-mp-object-size": "size"},
    )
    assert (status, b"Value for x-amz-mp-object-size header is invalid" in body) == (400, True)
    assert end(s3, upload, [part], MpuObjectSize=1)["ETag"].endswith('-1"')
