"""How S3 refuses requests whose signature is missing, old, wrong or no signature.

The facts are LocalStack's snapshots of AWS (tests/aws/services/s3/test_s3.snapshot.json, TestS3PresignedUrl)
and ceph/s3-tests' test_headers.py, both of which hold for AWS.
"""

import base64
import hmac
import http.client
import re
import time
import urllib.request
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from running import ADMIN, RunningCloud
from s3wire import opened

BUCKET = "signatures"
TODAY = time.strftime("%Y%m%d", time.gmtime())


@pytest.fixture(scope="module")
def signers(cloud: RunningCloud) -> dict[str, Any]:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"body")
    return {
        version: cloud.client("s3", config=Config(signature_version=version, s3={"addressing_style": "path"}))
        for version in ("s3", "s3v4")
    }


def error_of(
    url: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(url, method=method, headers=headers or {})
    status, _, body = opened(request)
    return status, {child.tag: child.text or "" for child in ElementTree.fromstring(body)}


def without(url: str, name: str) -> str:
    address, _, query = url.partition("?")
    return f"{address}?{urlencode([pair for pair in parse_qsl(query) if pair[0] != name])}"


def url_of(signers: dict[str, Any], version: str, **more: Any) -> str:
    return signers[version].generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "k"}, **more
    )


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_wrong_signature(signers: dict[str, Any], version: str) -> None:
    """test_presigned_url_signature_authentication: the answer says what was compared."""
    status, error = error_of(url_of(signers, version).replace("/k?", "/other?"))
    assert (status, error["Code"]) == (403, "SignatureDoesNotMatch")
    assert error["AWSAccessKeyId"] == "test"
    assert re.fullmatch(r"[0-9a-f]{64}|[\w+/=]{28}", error["SignatureProvided"])
    assert bytes.fromhex(error["StringToSignBytes"]).decode() == error["StringToSign"]
    if version == "s3":
        assert error["StringToSign"].endswith(f"/{BUCKET}/other")
        assert "CanonicalRequest" not in error
    else:
        assert error["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
        assert error["CanonicalRequest"].startswith(f"GET\n/{BUCKET}/other\n")
        assert bytes.fromhex(error["CanonicalRequestBytes"]).decode() == error["CanonicalRequest"]


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_expired_url(cloud: RunningCloud, signers: dict[str, Any], version: str) -> None:
    """test_s3_presigned_url_expired."""
    url = url_of(signers, version, ExpiresIn=1)
    cloud.advance(10)
    status, error = error_of(url)
    assert (status, error["Code"], error["Message"]) == (403, "AccessDenied", "Request has expired")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", error["Expires"])
    assert error["Expires"] < error["ServerTime"]
    assert error.get("X-Amz-Expires") == (None if version == "s3" else "1")


def test_parameters_that_are_missing(signers: dict[str, Any]) -> None:
    """test_s3_put_presigned_url_missing_sig_param."""
    for name in ("Signature", "Expires", "AWSAccessKeyId"):
        status, error = error_of(without(url_of(signers, "s3"), name))
        assert (status, error["Code"]) == (403, "AccessDenied")
        assert error["Message"] == (
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        )
    for name in ("X-Amz-Signature", "X-Amz-Expires", "X-Amz-Credential", "X-Amz-Date"):
        status, error = error_of(without(url_of(signers, "s3v4"), name))
        assert (status, error["Code"]) == (400, "AuthorizationQueryParametersError")
        assert error["Message"].startswith(
            "Query-string authentication version 4 requires the X-Amz-Algorithm"
        )


def test_credential_that_is_none(signers: dict[str, Any]) -> None:
    """test_presigned_double_encoded_credentials."""
    url = url_of(signers, "s3v4").replace("%2F", "%252F")
    status, error = error_of(url)
    assert (status, error["Code"]) == (400, "AuthorizationQueryParametersError")
    assert error["Message"] == (
        "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting"
        ' "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
    )


def test_headers_that_were_not_signed(signers: dict[str, Any]) -> None:
    """test_put_url_metadata_with_sig_s3v4, test_put_url_metadata_with_sig_s3."""
    for version, code in (("s3v4", "AccessDenied"), ("s3", "SignatureDoesNotMatch")):
        url = signers[version].generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "meta"})
        status, error = error_of(url, "PUT", {"x-amz-meta-wrong": "x"})
        assert (status, error["Code"]) == (403, code)
        if version == "s3v4":
            assert error["HeadersNotSigned"] == "x-amz-meta-wrong"


def test_authorization_headers(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """ceph's test_object_create_bad_authorization_*: an empty one is none at all."""
    url = f"{cloud.url}/{BUCKET}/k"
    status, error = error_of(url, headers={"Authorization": ""})
    assert (status, error["Code"], error["Message"]) == (403, "AccessDenied", "Access Denied")
    status, error = error_of(url, headers={"Authorization": "HAHAHA"})
    assert (status, error["Code"]) == (400, "InvalidArgument")
    assert error["Message"] == "Unsupported Authorization Type"
    scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"
    signed = f"{scope},SignedHeaders=host,Signature={'0' * 64}"
    for headers in ({}, {"X-Amz-Date": "Bad Date"}):
        status, error = error_of(url, headers={"Authorization": signed, **headers})
        assert (status, error["Code"]) == (403, "AccessDenied")
        assert error["Message"] == "AWS authentication requires a valid Date or x-amz-date header"


def credential(**changes: str) -> str:
    parts = {"key": "test", "date": TODAY, "region": "us-east-1", "service": "s3", "end": "aws4_request"}
    return "/".join((parts | changes).values())


MALFORMED = [
    ("Credential=x", "the authorization header requires three components: Credential, SignedHeaders, and"
     " Signature."),
    ("Credential=x, SignedHeaders, Signature=x", 'the authorization component "SignedHeaders" is malformed.'),
    ("Credentials=x, SignedHeaders=host, Signature=x", "missing Credential."),
    ("Credential=x, Headers=host, Signature=x", "missing SignedHeaders."),
    ("Credential=x, SignedHeaders=host, Signature=", "missing Signature."),
]  # fmt: skip
SCOPES = [
    ("x", 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'),
    (credential(key=""), "a non-empty Access Key (AKID) must be provided in the credential."),
    (credential(date="26"), 'incorrect date format "26". This date in the credential must be in the format'
     ' "yyyyMMdd".'),
    (credential(end="aws5"), 'incorrect terminal "aws5". This endpoint uses "aws4_request".'),
]  # fmt: skip


@pytest.mark.parametrize(("header", "said"), MALFORMED)
def test_malformed_headers(cloud: RunningCloud, signers: dict[str, Any], header: str, said: str) -> None:
    """The words of versity/versitygw's s3err/sigv4.go, which is checked against AWS."""
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {header}", "X-Amz-Date": f"{TODAY}T000000Z"}
    status, error = error_of(f"{cloud.url}/{BUCKET}/k", headers=headers)
    assert (status, error["Code"]) == (400, "AuthorizationHeaderMalformed")
    assert error["Message"] == f"The authorization header is malformed; {said}"


@pytest.mark.parametrize(("scope", "said"), SCOPES)
def test_scopes_that_are_none(cloud: RunningCloud, signers: dict[str, Any], scope: str, said: str) -> None:
    """In a header and in a URL, which differ in code and beginning: versity/versitygw, s3err."""
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
    headers = {"Authorization": signed, "X-Amz-Date": f"{TODAY}T000000Z"}
    status, error = error_of(f"{cloud.url}/{BUCKET}/k", headers=headers)
    assert (status, error["Code"]) == (400, "AuthorizationHeaderMalformed")
    assert error["Message"] == f"The authorization header is malformed; {said}"
    url = re.sub(r"(X-Amz-Credential=)[^&]*", lambda found: found[1] + scope, url_of(signers, "s3v4"))
    status, error = error_of(url)
    assert (status, error["Code"]) == (400, "AuthorizationQueryParametersError")
    assert error["Message"] == f"Error parsing the X-Amz-Credential parameter; {said}"


def test_dates_that_differ(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """arqbackup/arq_restore#48, ml-archive/storage#68; a URL quotes both."""
    signed = f"AWS4-HMAC-SHA256 Credential={credential(date='20200101')}, SignedHeaders=host"
    headers = {"Authorization": f"{signed}, Signature={'0' * 64}", "X-Amz-Date": f"{TODAY}T000000Z"}
    status, error = error_of(f"{cloud.url}/{BUCKET}/k", headers=headers)
    assert (status, error["Code"]) == (400, "AuthorizationHeaderMalformed")
    assert error["Message"] == (
        "The authorization header is malformed; Invalid credential date. Date is not the same as X-Amz-Date."
    )
    url = re.sub(r"(X-Amz-Credential=test%2F)\d+", r"\g<1>20200101", url_of(signers, "s3v4"))
    status, error = error_of(url)
    assert (status, error["Code"]) == (400, "AuthorizationQueryParametersError")
    assert error["Message"].startswith(
        'Invalid credential date "20200101". This date is not the same as X-Amz-Date: "2'
    )


def test_url_of_the_future(signers: dict[str, Any]) -> None:
    """minio/minio#2638: X-Amz-Date is in milliseconds."""
    url = re.sub(r"(X-Amz-Credential=test%2F|X-Amz-Date=)\d{8}", r"\g<1>21000101", url_of(signers, "s3v4"))
    status, error = error_of(url)
    assert (status, error["Code"], error["Message"]) == (403, "AccessDenied", "Request is not yet valid")
    assert error["X-Amz-Date"].startswith("41024")
    assert error["ServerTime"] < error["Expires"]


def test_mechanisms_that_are_none(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    url = url_of(signers, "s3v4")
    status, error = error_of(url.replace("AWS4-HMAC-SHA256", "AWS4-FOO"))
    assert (status, error["Code"]) == (400, "AuthorizationQueryParametersError")
    assert error["Message"] == 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"'
    status, error = error_of(f"{cloud.url}/{BUCKET}/k", headers={"Authorization": "AWS4-HMAC-SHA256,x"})
    assert (status, error["Code"]) == (400, "InvalidArgument")
    assert error["Message"] == "Authorization header is invalid -- one and only one ' ' (space) required"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_two_mechanisms(signers: dict[str, Any], version: str) -> None:
    """catalyst/moodle-tool_objectfs#303, request/request#860."""
    for header in ("AWS4-HMAC-SHA256 x", "AWS test:x"):
        status, error = error_of(url_of(signers, version), headers={"Authorization": header})
        assert (status, error["Code"]) == (400, "InvalidArgument")
        assert error["Message"] == (
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query"
            " string parameter or the Authorization header should be specified"
        )
        assert (error["ArgumentName"], error["ArgumentValue"]) == ("Authorization", header)


def test_nobody_by_the_name_of_signature(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """A parameter that ends as the old one does is no claim to have signed."""
    status, error = error_of(f"{cloud.url}/{BUCKET}?prefix=Signature=")
    assert (status, error["Message"]) == (403, "Access Denied")


def test_lives_that_no_url_has(signers: dict[str, Any]) -> None:
    for life, said in (("604801", "less than a week"), ("-7", "non-negative"), ("abc", "should be a number")):
        url = url_of(signers, "s3v4", ExpiresIn=77).replace("X-Amz-Expires=77", f"X-Amz-Expires={life}")
        status, error = error_of(url)
        assert (status, error["Code"]) == (400, "AuthorizationQueryParametersError")
        assert said in error["Message"]


def test_puts_of_no_length(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """ceph's test_object_create_bad_contentlength_none; a bucket is made without one, though."""
    for path, status, said in (
        (f"/{BUCKET}/lengthless", 411, b"<Code>MissingContentLength</Code>"),
        ("/signatures-lengthless", 200, b""),
    ):
        request = AWSRequest("PUT", cloud.url + path, headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
        S3SigV4Auth(Credentials(*ADMIN), "s3", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=60)
        try:
            connection.putrequest("PUT", path, skip_host=True)
            connection.putheader("Host", f"localhost:{cloud.port}")
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        assert (answer.status, said in body) == (status, True)


def test_refusals_name_no_resource(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """AWS's documentation shows the element, AWS's recorded refusals do not have it."""
    status, error = error_of(f"{cloud.url}/{BUCKET}/k")
    assert (status, sorted(error)) == (403, ["Code", "HostId", "Message", "RequestId"])


def test_the_old_version_in_headers(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html"""
    old = signers["s3"]
    old.put_object(Bucket=BUCKET, Key="old k+é", Body=b"old", Metadata={"a": "b"})
    assert old.get_object(Bucket=BUCKET, Key="old k+é")["Body"].read() == b"old"
    assert old.list_objects_v2(Bucket=BUCKET, Prefix="old")["KeyCount"] == 1
    assert old.get_bucket_acl(Bucket=BUCKET)["Owner"]["ID"]
    old.delete_object(Bucket=BUCKET, Key="old k+é")
    for key, secret, refusal in (
        ("test", "wrong", "SignatureDoesNotMatch"),
        ("nobody", "test", "InvalidAccessKeyId"),
    ):
        other = cloud.client("s3", key=key, secret=secret, config=Config(signature_version="s3"))
        with pytest.raises(ClientError, match=refusal):
            other.list_objects(Bucket=BUCKET)


def _signed_then(cloud: RunningCloud, date: str, **changed: str) -> tuple[int, dict[str, str]]:
    """A request signed with the old version at `date`, then changed."""
    to_sign = f"GET\n\n\n{date}\n/{BUCKET}/k"
    signature = base64.b64encode(hmac.digest(b"test", to_sign.encode(), "sha1")).decode()
    headers = {"Authorization": f"AWS test:{signature}", "Date": date} | changed
    return error_of(
        f"{cloud.url}/{BUCKET}/k", headers={name: value for name, value in headers.items() if value}
    )


def test_ways_round_the_old_version_in_headers(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """Ceph's test_object_create_bad_*_aws2 among them, which hold for AWS."""
    now = formatdate(usegmt=True)
    status, error = _signed_then(cloud, formatdate(time.time() - 1000, usegmt=True))
    assert (status, error["Code"]) == (403, "RequestTimeTooSkewed")
    for date in ("", "Bad Date"):
        status, error = _signed_then(cloud, now, Date=date)
        assert (status, error["Code"]) == (403, "AccessDenied")
    status, error = _signed_then(cloud, now, **{"x-amz-security-token": "x"})
    assert (status, error["Code"]) == (403, "SignatureDoesNotMatch")
    status, error = _signed_then(cloud, now, Host=f"other.localhost:{cloud.port}")
    assert (status, error["Code"]) == (403, "SignatureDoesNotMatch")
    status, error = _signed_then(cloud, now, Authorization="AWS HAHAHA")
    assert (status, error["Code"]) == (400, "InvalidArgument")
    assert error["Message"] == "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"
    # Other services have it not.
    request = urllib.request.Request(
        f"{cloud.url}/", b"Action=GetCallerIdentity&Version=2011-06-15", {"Authorization": "AWS test:x"}
    )
    assert opened(request)[0] == 400


def test_hashes_that_are_none(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """versity/versitygw#1352."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"AWS4-HMAC-SHA256 Credential=test/{moment[:8]}/us-east-1/s3/aws4_request"
    status, error = error_of(
        f"{cloud.url}/{BUCKET}/k",
        headers={
            "Authorization": f"{scope},SignedHeaders=host,Signature={'0' * 64}",
            "X-Amz-Date": moment,
            "x-amz-content-sha256": "GIBBERISH",
        },
    )
    assert (status, error["Code"], error["ArgumentValue"]) == (400, "InvalidArgument", "GIBBERISH")
    assert error["Message"].startswith("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-")


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_buckets_before_this_machines_name(
    cloud: RunningCloud, signers: dict[str, Any], version: str
) -> None:
    """What virtual-hosted style makes of http://localhost:4566."""
    host = f"{BUCKET}.localhost:{cloud.port}"
    signer = cloud.client("s3", config=Config(signature_version=version, s3={"addressing_style": "virtual"}))
    url = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"})
    assert f"//{host}/k?" in url
    # The name is not asked of the resolver, which may not know it.
    here = url.replace(f"//{host}", f"//127.0.0.1:{cloud.port}")
    assert opened(urllib.request.Request(here, headers={"Host": host}))[::2] == (200, b"body")
    other = {"Host": f"other.localhost:{cloud.port}"}
    assert opened(urllib.request.Request(here, headers=other))[0] == 403
    # Unsigned, it is a bucket where there is one, else a request to a service.
    unsigned = f"http://127.0.0.1:{cloud.port}/k"
    status, error = error_of(unsigned, headers={"Host": host})
    assert (status, error["Code"]) == (403, "AccessDenied")
    status, error = error_of(unsigned, headers=other)
    assert (status, error["BucketName"]) == (400, "k")
    sts = urllib.request.Request(
        f"http://127.0.0.1:{cloud.port}/",
        b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15",
        {"Host": f"sts.localhost:{cloud.port}"},
    )
    assert b"<Code>ValidationError</Code>" in opened(sts)[2]


def test_no_hash_of_the_body(cloud: RunningCloud, signers: dict[str, Any]) -> None:
    """avi-wish/aws4-signature-php#1, awslabs/aws-sdk-rust#291."""
    signed = f"AWS4-HMAC-SHA256 Credential={credential()}, SignedHeaders=host;x-amz-date"
    headers = {
        "Authorization": f"{signed}, Signature={'0' * 64}",
        "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    }
    status, error = error_of(f"{cloud.url}/{BUCKET}/k", headers=headers)
    assert (status, error["Code"]) == (400, "InvalidRequest")
    assert error["Message"] == "Missing required header for this request: x-amz-content-sha256"
