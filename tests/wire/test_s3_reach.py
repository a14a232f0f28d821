"""Who pays for requests to a bucket, and the address that is faster for those far away.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html and transfer-acceleration.html
"""

import urllib.request
from typing import Any

import pytest

from people import OTHER, allow, policy, stranger
from running import RunningCloud
from s3wire import failing, got, opened, raw, refused


@pytest.fixture(scope="module")
def s3(cloud: RunningCloud) -> Any:
    return cloud.client("s3")


def test_guests_pay_where_they_must(cloud: RunningCloud, s3: Any) -> None:
    name = "paid-by-guests"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert s3.get_bucket_request_payment(Bucket=name)["Payer"] == "BucketOwner"
    s3.delete_public_access_block(Bucket=name)
    arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    statement = allow(["s3:GetObject", "s3:ListBucket"], arns, Principal="*")
    s3.put_bucket_policy(Bucket=name, Policy=policy(statement))
    guest = cloud.client("s3", key=OTHER)
    assert got(guest, Bucket=name, Key="k")["Body"] == b"x"
    s3.put_bucket_request_payment(Bucket=name, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=name)["Payer"] == "Requester"
    key = {"Key": "k"}
    for call, more in ((guest.get_object, key), (guest.list_objects_v2, {}), (guest.head_object, key)):
        assert failing(call, Bucket=name, **more)["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert stranger(cloud, "GET", f"/{name}/k")[0] == 403
    paid = got(guest, Bucket=name, Key="k", RequestPayer="requester")
    assert (paid["Body"], paid["RequestCharged"]) == (b"x", "requester")
    assert guest.list_objects_v2(Bucket=name, RequestPayer="requester")["KeyCount"] == 1
    params = {"Bucket": name, "Key": "k", "RequestPayer": "requester"}
    url = guest.generate_presigned_url("get_object", Params=params)
    status, headers, _ = opened(urllib.request.Request(url, headers={"x-amz-request-payer": "requester"}))
    assert (status, headers["x-amz-request-charged"]) == (200, "requester")
    # Somebody who may pay still may not write, strangers cannot pay, and the owner does as ever.
    refused("AccessDenied", guest.put_object, Bucket=name, Key="n", Body=b"", RequestPayer="requester")
    assert stranger(cloud, "GET", f"/{name}/k", x_amz_request_payer="requester")[0] == 403
    assert "RequestCharged" not in got(s3, Bucket=name, Key="k")
    guest.create_bucket(Bucket="guests-own")
    copy = {"Bucket": "guests-own", "Key": "k", "CopySource": f"{name}/k"}
    refused("AccessDenied", guest.copy_object, **copy)
    guest.copy_object(**copy, RequestPayer="requester")
    refused(
        "MalformedXML", s3.put_bucket_request_payment, Bucket=name,
        RequestPaymentConfiguration={"Payer": "Nobody"},
    )  # fmt: skip


def test_acceleration_is_switched_on(cloud: RunningCloud, s3: Any) -> None:
    name = "accelerated"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"fast")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "k"})
    path = "/k?" + url.partition("?")[2]
    host = {"Host": f"{name}.s3-accelerate.localhost:{cloud.port}"}

    def asked() -> tuple[int, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{cloud.port}{path}", headers=host)
        status, _, body = opened(request)
        return status, body

    status, body = asked()
    assert (status, b"S3 Transfer Acceleration is not configured on this bucket" in body) == (400, True)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=name)
    for state, wanted in (("Enabled", 200), ("Suspended", 400), ("Enabled", 200)):
        s3.put_bucket_accelerate_configuration(Bucket=name, AccelerateConfiguration={"Status": state})
        assert s3.get_bucket_accelerate_configuration(Bucket=name)["Status"] == state
        status, body = asked()
        assert status == wanted
    assert body == b"fast"
    refused(
        "MalformedXML", s3.put_bucket_accelerate_configuration, Bucket=name,
        AccelerateConfiguration={"Status": "Fast"},
    )  # fmt: skip
    status, _, body = raw(cloud, "PUT", f"/{name}?accelerate", headers={"Content-Length": "0"})
    assert (status, b"<Code>MalformedXML</Code>" in body) == (400, True)
    s3.create_bucket(Bucket="with.dots")
    error = refused(
        "InvalidRequest", s3.put_bucket_accelerate_configuration, Bucket="with.dots",
        AccelerateConfiguration={"Status": "Enabled"},
    )  # fmt: skip
    assert "periods (.)" in error["Message"]
