"""Object ownership and access control lists."""

from typing import Any

import pytest

from people import OTHER, allow, policy, refused, stranger, user
from running import RunningCloud

EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
KNOWN = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"


@pytest.fixture(scope="module")
def s3(cloud: RunningCloud) -> Any:
    return cloud.client("s3")


def make(s3: Any, bucket: str, ownership: str = "ObjectWriter") -> None:
    """A bucket whose ACLs count, with an object."""
    s3.create_bucket(Bucket=bucket, ObjectOwnership=ownership)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"hello")


def owner(client: Any) -> str:
    return client.list_buckets()["Owner"]["ID"]


def test_lists_are_off_in_new_buckets(s3: Any) -> None:
    s3.create_bucket(Bucket="acl-off")
    s3.put_object(Bucket="acl-off", Key="a", Body=b"x")
    rules = s3.get_bucket_ownership_controls(Bucket="acl-off")["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    message = refused("AccessControlListNotSupported", s3.put_bucket_acl, Bucket="acl-off", ACL="public-read")
    assert message == "The bucket does not allow ACLs"
    for acl in ("public-read", "private", "authenticated-read"):
        refused("AccessControlListNotSupported", s3.put_object_acl, Bucket="acl-off", Key="a", ACL=acl)
        refused("AccessControlListNotSupported", s3.put_object, Bucket="acl-off", Key="b", ACL=acl)
    s3.put_object(Bucket="acl-off", Key="b", ACL="bucket-owner-full-control")
    mine = {"Grantee": {"Type": "CanonicalUser", "ID": owner(s3)}, "Permission": "FULL_CONTROL"}
    for answer in (s3.get_bucket_acl(Bucket="acl-off"), s3.get_object_acl(Bucket="acl-off", Key="a")):
        assert (answer["Owner"]["ID"], answer["Grants"]) == (owner(s3), [mine])


def test_public_lists_are_blocked_in_new_buckets(cloud: RunningCloud, s3: Any) -> None:
    refused("InvalidBucketAclWithObjectOwnership", s3.create_bucket, Bucket="acl-new", ACL="public-read")
    refused(
        "InvalidBucketAclWithBlockPublicAccessError", s3.create_bucket, Bucket="acl-new", ACL="public-read",
        ObjectOwnership="ObjectWriter",
    )  # fmt: skip
    s3.create_bucket(Bucket="acl-new", ObjectOwnership="ObjectWriter")
    s3.put_object(Bucket="acl-new", Key="a", Body=b"x")
    refused("AccessDenied", s3.put_bucket_acl, Bucket="acl-new", ACL="public-read")
    refused("AccessDenied", s3.put_object_acl, Bucket="acl-new", Key="a", ACL="public-read")
    refused("AccessDenied", s3.put_object, Bucket="acl-new", Key="b", ACL="public-read")
    refused("AccessDenied", s3.put_object_acl, Bucket="acl-new", Key="a", GrantRead=f'uri="{KNOWN}"')
    assert stranger(cloud, "GET", "/acl-new/a")[0] == 403
    assert s3.list_objects_v2(Bucket="acl-new")["KeyCount"] == 1


def test_canned_lists_let_the_public_in(cloud: RunningCloud, s3: Any) -> None:
    make(s3, "acl-canned")
    assert stranger(cloud, "GET", "/acl-canned/a")[0] == 403
    s3.put_object_acl(Bucket="acl-canned", Key="a", ACL="public-read")
    grants = s3.get_object_acl(Bucket="acl-canned", Key="a")["Grants"]
    assert {"Grantee": {"Type": "Group", "URI": EVERYONE}, "Permission": "READ"} in grants
    assert stranger(cloud, "GET", "/acl-canned/a") == (200, b"hello")
    for method, path in (("PUT", "a"), ("DELETE", "a"), ("GET", "a?acl"), ("GET", ""), ("PUT", "new")):
        assert stranger(cloud, method, f"/acl-canned/{path}", b"")[0] == 403, (method, path)
    assert stranger(cloud, "PUT", "/acl-canned/a?acl", b"", x_amz_acl="public-read-write")[0] == 403
    s3.put_bucket_acl(Bucket="acl-canned", ACL="public-read")
    assert stranger(cloud, "GET", "/acl-canned/")[0] == 200
    assert stranger(cloud, "PUT", "/acl-canned/new", b"x")[0] == 403
    s3.put_bucket_acl(Bucket="acl-canned", ACL="public-read-write")
    assert stranger(cloud, "PUT", "/acl-canned/new", b"x")[0] == 200
    assert stranger(cloud, "DELETE", "/acl-canned/a")[0] == 403
    assert stranger(cloud, "PUT", "/acl-canned/?policy", b"{}")[0] == 403
    s3.put_bucket_acl(Bucket="acl-canned", ACL="private")
    assert stranger(cloud, "GET", "/acl-canned/")[0] == 403


def test_ignoring_public_lists_leaves_the_others(cloud: RunningCloud, s3: Any) -> None:
    make(s3, "acl-ignored")
    other = cloud.client("s3", key=OTHER)
    s3.put_object_acl(Bucket="acl-ignored", Key="a", GrantRead=f'uri="{EVERYONE}", id="{owner(other)}"')
    assert stranger(cloud, "GET", "/acl-ignored/a")[0] == 200
    s3.put_public_access_block(
        Bucket="acl-ignored", PublicAccessBlockConfiguration={"IgnorePublicAcls": True}
    )
    assert stranger(cloud, "GET", "/acl-ignored/a")[0] == 403
    assert other.get_object(Bucket="acl-ignored", Key="a")["Body"].read() == b"hello"


def test_grants_to_accounts(cloud: RunningCloud, s3: Any) -> None:
    make(s3, "acl-grants")
    other, third = cloud.client("s3", key=OTHER), cloud.client("s3", key="444455556666")
    poor = user(cloud, "acl-poor", account=OTHER)
    refused("AccessDenied", other.get_object, Bucket="acl-grants", Key="a")
    s3.put_object_acl(
        Bucket="acl-grants", Key="a", GrantRead=f"id={owner(other)}", GrantFullControl=f"id={owner(s3)}"
    )
    assert other.get_object(Bucket="acl-grants", Key="a")["Body"].read() == b"hello"
    for call in (third.get_object, poor.get_object, other.get_object_acl, other.delete_object):
        refused("AccessDenied", call, Bucket="acl-grants", Key="a")
    refused("AccessDenied", other.put_object_acl, Bucket="acl-grants", Key="a", ACL="public-read")
    s3.put_bucket_acl(Bucket="acl-grants", GrantRead=f"id={owner(other)}", GrantReadACP=f"id={owner(other)}")
    assert other.list_objects_v2(Bucket="acl-grants")["KeyCount"] == 1
    assert len(other.get_bucket_acl(Bucket="acl-grants")["Grants"]) == 2
    refused("AccessDenied", other.put_object, Bucket="acl-grants", Key="b")
    refused("AccessDenied", other.put_bucket_acl, Bucket="acl-grants", ACL="public-read-write")
    refused("AccessDenied", third.list_objects_v2, Bucket="acl-grants")


def test_anybody_with_an_account(cloud: RunningCloud, s3: Any) -> None:
    make(s3, "acl-known")
    s3.put_object_acl(Bucket="acl-known", Key="a", ACL="authenticated-read")
    rich = user(cloud, "acl-rich", allow("s3:*", "*"), account=OTHER)
    assert rich.get_object(Bucket="acl-known", Key="a")["Body"].read() == b"hello"
    assert stranger(cloud, "GET", "/acl-known/a")[0] == 403


def test_a_deny_of_the_policy_beats_a_grant(cloud: RunningCloud, s3: Any) -> None:
    make(s3, "acl-denied")
    s3.put_object_acl(Bucket="acl-denied", Key="a", ACL="public-read")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::acl-denied/*",
    }
    s3.put_bucket_policy(Bucket="acl-denied", Policy=policy(deny))
    assert stranger(cloud, "GET", "/acl-denied/a")[0] == 403


def test_writers_own_what_they_write(cloud: RunningCloud, s3: Any) -> None:
    """With ObjectWriter the bucket's owner may delete another's object, not read it."""
    make(s3, "acl-writers")
    other = cloud.client("s3", key=OTHER)
    s3.put_bucket_acl(
        Bucket="acl-writers", GrantWrite=f"id={owner(other)}", GrantFullControl=f"id={owner(s3)}"
    )
    other.put_object(Bucket="acl-writers", Key="theirs", Body=b"theirs")
    assert other.get_object(Bucket="acl-writers", Key="theirs")["Body"].read() == b"theirs"
    theirs = {"Bucket": "acl-writers", "Key": "theirs"}
    for call in (s3.get_object, s3.head_object, s3.get_object_tagging, s3.get_object_acl):
        refused("403", call, **theirs)
    refused("AccessDenied", s3.copy_object, Bucket="acl-writers", Key="stolen", CopySource=theirs)
    upload = s3.create_multipart_upload(Bucket="acl-writers", Key="stolen")["UploadId"]
    refused(
        "AccessDenied", s3.upload_part_copy, Bucket="acl-writers", Key="stolen", UploadId=upload,
        PartNumber=1, CopySource=theirs,
    )  # fmt: skip
    s3.abort_multipart_upload(Bucket="acl-writers", Key="stolen", UploadId=upload)
    other.put_object_acl(Bucket="acl-writers", Key="theirs", ACL="bucket-owner-read")
    assert s3.get_object(Bucket="acl-writers", Key="theirs")["Body"].read() == b"theirs"
    assert other.get_object_acl(Bucket="acl-writers", Key="theirs")["Owner"]["ID"] == owner(other)
    s3.put_bucket_ownership_controls(
        Bucket="acl-writers", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    other.put_object(Bucket="acl-writers", Key="given", Body=b"x", ACL="bucket-owner-full-control")
    assert s3.get_object_acl(Bucket="acl-writers", Key="given")["Owner"]["ID"] == owner(s3)
    refused(
        "InvalidBucketAclWithObjectOwnership", s3.put_bucket_ownership_controls, Bucket="acl-writers",
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    )  # fmt: skip
    s3.put_bucket_acl(Bucket="acl-writers", ACL="private")
    s3.put_bucket_ownership_controls(
        Bucket="acl-writers", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    assert s3.get_object(Bucket="acl-writers", Key="theirs")["Body"].read() == b"theirs"
    refused("AccessDenied", other.get_object, Bucket="acl-writers", Key="theirs")


def test_lists_as_documents(s3: Any) -> None:
    make(s3, "acl-documents")
    mine = owner(s3)
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": mine}, "Permission": "FULL_CONTROL"},
        {"Grantee": {"Type": "Group", "URI": EVERYONE}, "Permission": "READ_ACP"},
    ]
    document = {"Owner": {"ID": mine}, "Grants": grants}
    s3.put_bucket_acl(Bucket="acl-documents", AccessControlPolicy=document)
    s3.put_object_acl(Bucket="acl-documents", Key="a", AccessControlPolicy=document)
    assert s3.get_bucket_acl(Bucket="acl-documents")["Grants"] == grants
    assert s3.get_object_acl(Bucket="acl-documents", Key="a")["Grants"] == grants


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("InvalidArgument", {"ACL": "public"}),
        ("InvalidArgument", {"GrantRead": "everyone"}),
        ("InvalidArgument", {"GrantRead": "id=abc"}),
        ("InvalidArgument", {"GrantRead": 'uri="http://acs.amazonaws.com/groups/global/Nobody"'}),
        ("UnresolvableGrantByEmailAddress", {"GrantRead": 'emailAddress="a@b.example"'}),
        ("InvalidRequest", {"ACL": "private", "GrantRead": f'uri="{EVERYONE}"'}),
        ("MissingSecurityHeader", {}),
        ("MalformedACLError", {"AccessControlPolicy": {"Grants": []}}),
    ],
)
def test_what_is_no_list(s3: Any, code: str, wanted: dict[str, Any]) -> None:
    if "acl-wrong" not in [each["Name"] for each in s3.list_buckets(Prefix="acl-wrong")["Buckets"]]:
        make(s3, "acl-wrong")
    refused(code, s3.put_bucket_acl, Bucket="acl-wrong", **wanted)
    refused(code, s3.put_object_acl, Bucket="acl-wrong", Key="a", **wanted)


def test_ownership_controls_go(s3: Any) -> None:
    s3.create_bucket(Bucket="acl-controls")
    s3.delete_bucket_ownership_controls(Bucket="acl-controls")
    refused("OwnershipControlsNotFoundError", s3.get_bucket_ownership_controls, Bucket="acl-controls")
    refused(
        "MalformedXML", s3.put_bucket_ownership_controls, Bucket="acl-controls",
        OwnershipControls={"Rules": [{"ObjectOwnership": "Nobody"}]},
    )  # fmt: skip


def test_writers_may_delete_their_own(cloud: RunningCloud, s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html, of WRITE on a bucket."""
    other = cloud.client("s3", key=OTHER)
    make(s3, "acl-own")
    s3.put_bucket_acl(Bucket="acl-own", GrantWrite=f'id="{owner(other)}"')
    other.put_object(Bucket="acl-own", Key="theirs", Body=b"x")
    refused("AccessDenied", other.delete_object, Bucket="acl-own", Key="a")
    other.delete_object(Bucket="acl-own", Key="theirs")
    s3.put_bucket_acl(Bucket="acl-own", ACL="private")
    refused("AccessDenied", other.delete_object, Bucket="acl-own", Key="theirs")


def test_what_strangers_may_not_even_where_all_may_write(cloud: RunningCloud, s3: Any) -> None:
    """awsdocs/amazon-s3-userguide#91: uploads in parts."""
    make(s3, "acl-parts")
    s3.put_bucket_acl(Bucket="acl-parts", ACL="public-read-write")
    assert stranger(cloud, "PUT", "/acl-parts/b", b"x")[0] == 200
    status, body = stranger(cloud, "POST", "/acl-parts/b?uploads", b"", Content_Type="text/plain")
    assert (status, b"Anonymous users cannot initiate multipart uploads." in body) == (403, True)


def test_owners_that_are_no_accounts(s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""
    make(s3, "acl-expected")
    where = {"Bucket": "acl-expected", "Key": "a"}
    s3.head_object(**where, ExpectedBucketOwner="000000000000")
    refused("AccessDenied", s3.get_object, **where, ExpectedBucketOwner=OTHER)
    message = refused("InvalidBucketOwnerAWSAccountID", s3.get_object, **where, ExpectedBucketOwner="abc")
    assert message.endswith("must be an AWS Account ID... [abc]")
    copy = {"Bucket": "acl-expected", "Key": "b", "CopySource": "acl-expected/a"}
    refused("AccessDenied", s3.copy_object, **copy, ExpectedSourceBucketOwner=OTHER)


def test_creating_again_resets_the_list(s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: in us-east-1."""
    make(s3, "acl-again")
    s3.put_bucket_acl(Bucket="acl-again", ACL="public-read")
    s3.create_bucket(Bucket="acl-again")
    assert len(s3.get_bucket_acl(Bucket="acl-again")["Grants"]) == 1
    s3.create_bucket(Bucket="acl-again", ACL="authenticated-read")
    assert len(s3.get_bucket_acl(Bucket="acl-again")["Grants"]) == 2
    assert s3.list_objects_v2(Bucket="acl-again")["KeyCount"] == 1
