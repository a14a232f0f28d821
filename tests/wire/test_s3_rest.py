"""S3's REST interface as it is on the wire: sub-resources, parameters, names of documents, digests.

Where nothing else is said, the facts are what others measured on AWS in September 2026 and wrote down with
each case: brekkylab/backlot, backlot/routers/s3.py and issues 118, 176, 178, 192, 205, 230, 267 and 335.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from running import RunningCloud
from s3wire import raw

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@pytest.fixture(scope="module")
def bucket(cloud: RunningCloud) -> str:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="rest")
    s3.put_object(Bucket="rest", Key="k", Body=b"hello", Tagging="a=b")
    return "rest"


def code(body: bytes) -> str:
    found = re.search(rb"<Code>(.*?)</Code>", body)
    return found[1].decode() if found else ""


def element(body: bytes, name: str) -> str | None:
    found = re.search(f"<{name}>(.*?)</{name}>".encode(), body, re.DOTALL)
    return found[1].decode() if found else None


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("?location", "GET"), ("?uploads", "POST, GET"), ("?versioning", "GET, PUT"), ("?acl", "GET, PUT"),
        ("?tagging", "DELETE, GET, PUT"), ("?policy", "DELETE, GET, PUT"), ("?versions", "GET"),
        ("/k?acl", "GET, PUT"), ("/k?tagging", "DELETE, GET, PUT"), ("/k?uploadId=abc", "DELETE, POST, GET"),
        ("/none?location", "GET"),
    ],
)  # fmt: skip
def test_no_sub_resource_has_a_head(cloud: RunningCloud, bucket: str, path: str, allow: str) -> None:
    for name in (bucket, "no-such-bucket-here"):
        status, headers, body = raw(cloud, "HEAD", f"/{name}{path}")
        assert (status, headers["allow"], body) == (405, allow, b"")


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("DELETE", "?acl", "ACL"), ("DELETE", "?versioning", "VERSIONING"), ("PUT", "?location", "LOCATION"),
        ("POST", "?policy", "BUCKETPOLICY"), ("DELETE", "?logging", "LOGGING_STATUS"),
        ("PUT", "?versions", "BUCKETVERSIONS"), ("GET", "?delete", "MULTI_OBJECT_DELETE"),
        ("PUT", "?policyStatus", "POLICY_STATUS"), ("DELETE", "?notification", "NOTIFICATION"),
        ("POST", "/k?tagging", "OBJECT_TAGGING"), ("DELETE", "/k?acl", "ACL"),
        ("GET", "/k?restore", "RESTORE"),
        ("PUT", "/k?attributes", "OBJECT_ATTRIBUTES"), ("PUT", "/k?uploads", "UPLOADS"),
        ("DELETE", "/k?retention", "OBJECT_LOCK_RETENTION"), ("PUT", "/k?uploadId=1", "UPLOAD"),
        ("DELETE", "/k?uploadId=1&partNumber=1", "PART"), ("PATCH", "/k", "OBJECT"), ("PATCH", "", "BUCKET"),
    ],
)  # fmt: skip
def test_methods_that_a_sub_resource_lacks(
    cloud: RunningCloud, bucket: str, method: str, path: str, kind: str
) -> None:
    """Above all, none of them deletes the bucket, or what is in it."""
    status, _, body = raw(cloud, method, f"/{bucket}{path}")
    assert (status, code(body), element(body, "ResourceType")) == (405, "MethodNotAllowed", kind)
    assert element(body, "Method") == method
    assert raw(cloud, "GET", f"/{bucket}/k?tagging")[0] == 200


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("?versioning&acl", "acl, versioning"), ("/k?uploads=&acl=", "acl, uploads"),
        ("?acl&partNumber=1", "acl, partNumber"), ("/k?tagging&partNumber=1", "partNumber, tagging"),
    ],
)  # fmt: skip
def test_two_sub_resources_at_once(cloud: RunningCloud, bucket: str, path: str, names: str) -> None:
    status, _, body = raw(cloud, "GET", f"/{bucket}{path}")
    assert (status, code(body)) == (400, "InvalidArgument")
    assert element(body, "Message") == f"Conflicting query string parameters: {names}"
    assert element(body, "ArgumentName") == "ResourceType"
    assert element(body, "ArgumentValue") == names.partition(",")[0]


@pytest.mark.parametrize(
    ("path", "wanted", "message"),
    [
        ("?partNumber=1", "InvalidRequest", "Object must have a valid key name."),
        ("?uploadId=1", "InvalidRequest", "A key must be specified"),
        ("?versionId=x", "InvalidArgument", "This operation does not accept a version-id."),
        ("?versioning&versionId=x", "InvalidArgument", "This operation does not accept a version-id."),
        ("?acl&versionId=x", "InvalidArgument", "Invalid version id specified"),
        ("?website=x", "InvalidArgument", "The website parameter must not have a value"),
        ("/k?uploads", "InvalidRequest", "Key is not expected for the GET method ?uploads subresource"),
        (
            "/k?logging",
            "NoLoggingStatusForKey",
            "There is no such thing as the ?logging sub-resource for a key",
        ),
        ("/k?versions", "InvalidRequest", "There is no such thing as the ?versions sub-resource for a key"),
        (
            "?start-after=a",
            "InvalidArgument",
            "startAfter only supported in REST.GET.BUCKET with list-type=2",
        ),
        (
            "?continuation-token=a&start-after=a",
            "InvalidArgument",
            "continuation-token only supported in REST.GET.BUCKET with list-type=2",
        ),
        (
            "?list-type=2&marker=a",
            "InvalidArgument",
            "Marker unsupported with REST.GET.BUCKET in list-type=2",
        ),
        ("?inventory&continuation-token=x", "MalformedContinuationToken", None),
    ],
)
def test_parameters_out_of_place(
    cloud: RunningCloud, bucket: str, path: str, wanted: str, message: str | None
) -> None:
    status, _, body = raw(cloud, "GET", f"/{bucket}{path}")
    assert (status, code(body)) == (400, wanted)
    assert message in (None, element(body, "Message"))


def test_a_buckets_own_sub_resources_at_a_key(cloud: RunningCloud, bucket: str) -> None:
    for path in ("k?location", "none?location=1", "k?location&x-id=GetObject"):
        assert b"<LocationConstraint" in raw(cloud, "GET", f"/{bucket}/{path}")[2]
    assert code(raw(cloud, "GET", f"/{bucket}/k?policy")[2]) == "NoSuchBucketPolicy"
    # What only a bucket has, and names that are written otherwise, say nothing at a key.
    for path in ("k?policyStatus", "k?Location", "k?session"):
        assert raw(cloud, "GET", f"/{bucket}/{path}")[2] == b"hello"


@pytest.mark.parametrize(
    ("query", "name", "message", "value"),
    [
        ("max-keys=-01", "maxKeys", "Argument maxKeys must be an integer between 0 and 2147483647", "-1"),
        (
            "max-keys=2147483648",
            "max-keys",
            "Provided max-keys not an integer or within integer range",
            "2147483648",
        ),
        ("max-keys=%205", "max-keys", "Provided max-keys not an integer or within integer range", " 5"),
        ("versions&max-keys=-1", "max-keys", "max-keys cannot be negative", None),
        (
            "uploads&max-uploads=-1",
            "max-uploads",
            "Argument max-uploads must be an integer between 0 and 2147483647",
            "-1",
        ),
        ("encoding-type=x&max-keys=-1", "encoding-type", "Invalid Encoding Method specified in Request", "x"),
        (
            "list-type=2&continuation-token=&max-keys=-1",
            "continuation-token",
            "The continuation token provided is incorrect",
            None,
        ),
        (
            "versions&key-marker=k&version-id-marker=",
            "version-id-marker",
            "A version-id marker cannot be empty.",
            "",
        ),
        (
            "versions&key-marker=k&version-id-marker=x",
            "version-id-marker",
            "Invalid version id specified",
            "x",
        ),
        (
            "versions&version-id-marker=null",
            "version-id-marker",
            "A version-id marker cannot be specified without a key marker.",
            "null",
        ),
    ],
)
def test_parameters_of_listings(
    cloud: RunningCloud, bucket: str, query: str, name: str, message: str, value: str | None
) -> None:
    status, _, body = raw(cloud, "GET", f"/{bucket}?{query}")
    assert (status, code(body)) == (400, "InvalidArgument")
    assert (element(body, "ArgumentName"), element(body, "Message")) == (name, message)
    assert element(body, "ArgumentValue") == value


def test_what_listings_repeat(cloud: RunningCloud, bucket: str) -> None:
    def listed(query: str) -> bytes:
        status, _, body = raw(cloud, "GET", f"/{bucket}?{query}")
        assert status == 200, query
        return body

    assert element(listed("max-keys=1001"), "MaxKeys") == "1001"
    assert element(listed("max-keys=-0"), "MaxKeys") == "0"
    assert element(listed("max-keys=005&max-keys=x"), "MaxKeys") == "5"  # the first of several
    assert element(listed("list-type=2&start-after="), "StartAfter") == ""
    assert element(listed("encoding-type=URL"), "EncodingType") == "URL"
    for value in ("TRUE", "1", "x", ""):
        assert b"<Owner>" not in listed(f"list-type=2&fetch-owner={value}")
    assert b"<Owner>" in listed("list-type=2&fetch-owner=true")
    assert b"<Marker>" in listed("list-type=0")  # whatever is not the second version is the first


def test_start_after_gives_way_to_the_token(client: Callable[..., Any]) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="given-way")
    for key in "abc":
        s3.put_object(Bucket="given-way", Key=key)
    first = s3.list_objects_v2(Bucket="given-way", StartAfter="a", MaxKeys=1)
    assert (first["StartAfter"], first["Contents"][0]["Key"]) == ("a", "b")
    token = first["NextContinuationToken"]
    rest = s3.list_objects_v2(Bucket="given-way", StartAfter="a", ContinuationToken=token)
    assert "StartAfter" not in rest and rest["ContinuationToken"] == token
    assert [each["Key"] for each in rest["Contents"]] == ["c"]


def test_how_keys_are_encoded(client: Callable[..., Any], cloud: RunningCloud) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="encoded")
    for key in ("a b.txt", "a+b.txt", "100%.csv", "한글/x.txt", "run books/x.txt", "*-_.~!'()", "<&>"):
        s3.put_object(Bucket="encoded", Key=key)
    _, _, body = raw(cloud, "GET", "/encoded?list-type=2&encoding-type=url&delimiter=%2F")
    shown = re.findall(r"<(?:Key|Prefix)>(.*?)</", body.decode())
    assert set(shown) == {
        "", "a+b.txt", "a%2Bb.txt", "100%25.csv", "%ED%95%9C%EA%B8%80/", "run+books/",
        "*-_.%7E%21%27%28%29", "%3C%26%3E",
    }  # fmt: skip
    # botocore asks for it and gives back what was put.
    assert {each["Key"] for each in s3.list_objects_v2(Bucket="encoded")["Contents"]} >= {"a b.txt", "<&>"}


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("?acl", "AccessControlPolicy"), ("/k?acl", "AccessControlPolicy"),
        ("?logging", "BucketLoggingStatus"),
        ("?notification", "NotificationConfiguration"), ("?accelerate", "AccelerateConfiguration"),
        ("?versioning", "VersioningConfiguration"), ("?requestPayment", "RequestPaymentConfiguration"),
        ("/k?tagging", "Tagging"), ("?encryption", "ServerSideEncryptionConfiguration"),
        ("?ownershipControls", "OwnershipControls"),
        ("?publicAccessBlock", "PublicAccessBlockConfiguration"),
        ("?versions", "ListVersionsResult"), ("?uploads", "ListMultipartUploadsResult"),
        ("", "ListBucketResult"),
        ("?list-type=2", "ListBucketResult"), ("?location", "LocationConstraint"), ("?abac", "AbacStatus"),
        ("?analytics", "ListBucketAnalyticsConfigurationsResult"),
        ("?metrics", "ListMetricsConfigurationsResult"),
        ("?inventory", "ListInventoryConfigurationsResult"),
        ("?intelligent-tiering", "ListIntelligentTieringConfigurationsResult"),
    ],
)  # fmt: skip
def test_names_of_documents(cloud: RunningCloud, bucket: str, path: str, root: str) -> None:
    status, _, body = raw(cloud, "GET", f"/{bucket}{path}")
    assert status == 200
    assert f'<{root} xmlns="{NAMESPACE}">'.encode() in body


def test_names_of_configurations(cloud: RunningCloud, client: Callable[..., Any]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html etc.: out as they came."""
    client("s3").create_bucket(Bucket="documents")
    md5 = {"Content-MD5": ""}
    for query, document in (
        ("cors", "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>"
         "<AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>"),
        ("lifecycle", "<LifecycleConfiguration><Rule><ID>a</ID><Prefix>x</Prefix><Status>Enabled</Status>"
         "<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"),
        ("tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"),
    ):  # fmt: skip
        md5["Content-MD5"] = base64.b64encode(hashlib.md5(document.encode()).digest()).decode()
        status, _, body = raw(cloud, "PUT", f"/documents?{query}", document.encode(), md5)
        assert (status, body) == (204 if query == "tagging" else 200, b"")
        root = re.match(r"<(\w+)>", document)
        assert root is not None
        assert f'<{root[1]} xmlns="{NAMESPACE}">'.encode() in raw(cloud, "GET", f"/documents?{query}")[2]
    policy = b'{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket",'
    policy += b'"Resource":"arn:aws:s3:::documents"}]}'
    assert raw(cloud, "PUT", "/documents?policy", policy)[0] == 204
    _, headers, _ = raw(cloud, "GET", "/documents?policy")
    assert headers["content-type"] == "application/json"


def test_digests_of_documents(cloud: RunningCloud, bucket: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: BadDigest, InvalidDigest."""
    document = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    wrong = base64.b64encode(bytes(16)).decode()
    status, _, body = raw(cloud, "PUT", f"/{bucket}?versioning", document, {"Content-MD5": wrong})
    assert (status, code(body), element(body, "ExpectedDigest")) == (400, "BadDigest", wrong)
    for name, value, refusal in (
        ("Content-MD5", "x", "InvalidDigest"), ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc32", "AA==", "InvalidRequest"), ("x-amz-checksum-foo", "AA==", "InvalidRequest"),
    ):  # fmt: skip
        status, _, body = raw(cloud, "PUT", f"/{bucket}?versioning", document, {name: value})
        assert (status, code(body)) == (400, refusal), name
    assert b"Enabled" not in raw(cloud, "GET", f"/{bucket}?versioning")[2]
    # Of an object it is named in hexadecimal.
    _, _, body = raw(cloud, "PUT", f"/{bucket}/digest", b"x", {"Content-MD5": wrong})
    assert (code(body), element(body, "ExpectedDigest")) == ("BadDigest", "0" * 32)


def test_documents_of_another_name(cloud: RunningCloud, bucket: str) -> None:
    for path in ("?versioning", "?tagging", "/k?tagging", "?cors", "?publicAccessBlock"):
        assert code(raw(cloud, "PUT", f"/{bucket}{path}", b"<Other/>")[2]) == "MalformedXML", path
    assert code(raw(cloud, "PUT", "/rest-2", b"<Other/>")[2]) == "MalformedXML"
    assert code(raw(cloud, "PUT", f"/{bucket}/k?tagging", b"<Tagging/>")[2]) == "MalformedXML"
    assert code(raw(cloud, "PUT", f"/{bucket}?acl", b"<Other/>")[2]) == "MalformedACLError"


def test_deletes_of_many_are_checked_in_order(cloud: RunningCloud, bucket: str) -> None:
    def asked(document: bytes, **headers: str) -> tuple[str, str | None]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        _, _, body = raw(cloud, "POST", f"/{bucket}?delete", document, sent)
        return code(body), element(body, "Message")

    whole = b"<Delete><Object><Key>none</Key></Object></Delete>"
    right = base64.b64encode(hashlib.md5(b"").digest()).decode()
    missing = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
    assert asked(whole) == ("InvalidRequest", missing)
    assert asked(b"", Content_MD5=right) == ("MissingRequestBodyError", "Request Body is empty")
    assert asked(whole, Content_MD5="x")[0] == "InvalidDigest"
    empty = b"<Delete><Object><Key></Key></Object></Delete>"
    assert asked(empty, Content_MD5=right) == ("UserKeyMustBeSpecified", "User key must be specified.")
    assert asked(whole, Content_MD5=right)[0] == "BadDigest"
    assert asked(whole, x_amz_checksum_crc32="AAAAAA==")[0] == "BadDigest"


def test_attributes_and_checksums_are_asked_for_by_name(cloud: RunningCloud, bucket: str) -> None:
    _, _, body = raw(cloud, "GET", f"/{bucket}/k?attributes")
    assert code(body) == "InvalidRequest" and b"either missing or empty" in body
    _, _, body = raw(
        cloud, "GET", f"/{bucket}/k?attributes", headers={"x-amz-object-attributes": "ETag, Sum"}
    )
    assert (code(body), element(body, "ArgumentValue")) == ("InvalidArgument", "Sum")
    status, _, body = raw(cloud, "GET", f"/{bucket}/k", headers={"x-amz-checksum-mode": "x"})
    assert (status, code(body)) == (400, "InvalidRequest")
    _, headers, _ = raw(cloud, "GET", f"/{bucket}/k", headers={"x-amz-checksum-mode": "enabled"})
    assert headers["x-amz-checksum-type"] == "FULL_OBJECT"


def test_names_that_no_bucket_ever_had(cloud: RunningCloud) -> None:
    """versity/versitygw#1358: AWS says so whatever is asked; of names of old, that they are not there."""
    for name in ("a", "a%20b", "x" * 256):
        for path in ("", "/k", "?acl"):
            status, _, body = raw(cloud, "GET", f"/{name}{path}")
            assert (status, code(body)) == (400, "InvalidBucketName")
    for name in ("Old_Bucket", "x" * 200):
        assert code(raw(cloud, "GET", f"/{name}")[2]) == "NoSuchBucket"


def test_buckets_say_what_they_are(cloud: RunningCloud, bucket: str) -> None:
    _, headers, _ = raw(cloud, "HEAD", f"/{bucket}")
    assert headers["x-amz-bucket-arn"] == "arn:aws:s3:::rest"
    _, headers, _ = raw(cloud, "PUT", "/rest-arn")
    assert (headers["x-amz-bucket-arn"], headers["location"]) == ("arn:aws:s3:::rest-arn", "/rest-arn")


def test_what_nobody_can_have_configured(cloud: RunningCloud, bucket: str) -> None:
    status, _, body = raw(cloud, "GET", f"/{bucket}?metadataConfiguration")
    assert (status, code(body)) == (404, "MetadataConfigurationNotFound")
    status, _, body = raw(cloud, "GET", f"/{bucket}/k?torrent")
    assert (status, code(body), element(body, "ResourceType")) == (405, "MethodNotAllowed", "TORRENT")
    assert element(raw(cloud, "GET", f"/{bucket}?abac")[2], "Status") == "Disabled"
