"""What AWS was recorded to answer, case by case.

The facts are from LocalStack's snapshots, which are answers of AWS itself (localstack/localstack,
tests/aws/services/s3/test_s3*.snapshot.json), named in each test.
"""

from collections.abc import Callable
from typing import Any

import pytest

from running import RunningCloud
from s3wire import failing, got, raw, refused

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    return client("s3")


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> str:
    name = request.node.name.removeprefix("test_").replace("_", "-").split("[")[0][:50] + "-rec"
    s3.create_bucket(Bucket=name)
    return name


def versioned(s3: Any, bucket: str, status: str = "Enabled") -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def test_ranges_that_take_all_have_a_checksum(s3: Any, bucket: str) -> None:
    """TestS3ObjectCRUD::test_get_object_range."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789", ChecksumAlgorithm="CRC32")
    for text in ("bytes=-15", "bytes=0-100"):
        found = got(s3, Bucket=bucket, Key="k", Range=text, ChecksumMode="ENABLED")
        assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert (found["ContentRange"], found["ChecksumCRC32"]) == ("bytes 0-9/10", "poTHxg==")
    part = got(s3, Bucket=bucket, Key="k", Range="bytes=1-", ChecksumMode="ENABLED")
    assert "ChecksumCRC32" not in part
    for text in ("bytes=1-0", "bytes=-1-", "bytes=0--1", "bytes=0-1,3-4", "0-8", "bytes=-"):
        found = got(s3, Bucket=bucket, Key="k", Range=text)
        assert found["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert found["Body"] == b"0123456789"
    error = refused("InvalidRange", s3.get_object, Bucket=bucket, Key="k", Range="bytes=-0")
    assert (error["ActualObjectSize"], error["RangeRequested"]) == ("10", "bytes=-0")


def test_ranges_of_copied_parts(s3: Any, bucket: str) -> None:
    """TestS3Multipart::test_upload_part_copy_range."""
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    common = {"Bucket": bucket, "Key": "k", "UploadId": upload, "PartNumber": 1}
    source = {"CopySource": f"{bucket}/source"}
    beyond = refused("InvalidRequest", s3.upload_part_copy, **common, **source,
                     CopySourceRange="bytes=100-200")  # fmt: skip
    assert beyond["Message"] == "The specified copy range is invalid for the source object size"
    partly = refused("InvalidArgument", s3.upload_part_copy, **common, **source,
                     CopySourceRange="bytes=0-100")  # fmt: skip
    assert partly["Message"] == "Range specified is not valid for source object of size: 10"
    assert partly["ArgumentValue"] == "bytes=0-100"
    for text in ("0-8", "bytes=1-0", "bytes=-", "bytes=1-", "bytes=-2"):
        error = refused("InvalidArgument", s3.upload_part_copy, **common, **source, CopySourceRange=text)
        assert error["ArgumentName"] == "x-amz-copy-source-range"


def test_unknown_versions_among_many_deletes(s3: Any, bucket: str) -> None:
    """TestS3ObjectCRUD::test_delete_objects: the one is refused where the other says InvalidArgument."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    wrong = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": wrong}]})
    assert answer["Errors"] == [
        {
            "Key": "k",
            "VersionId": wrong,
            "Code": "NoSuchVersion",
            "Message": "The specified version does not exist.",
        }
    ]
    error = refused("InvalidArgument", s3.delete_object, Bucket=bucket, Key="k", VersionId=wrong)
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("versionId", wrong)


def test_bypass_of_governance_where_nothing_is_locked(s3: Any, bucket: str) -> None:
    """TestS3ObjectLock::test_delete_object_with_no_locking: true or false, it is refused."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for bypass in (True, False):
        error = refused("InvalidArgument", s3.delete_object, Bucket=bucket, Key="k",
                        BypassGovernanceRetention=bypass)  # fmt: skip
        assert error["ArgumentName"] == "x-amz-bypass-governance-retention"
    refused("InvalidArgument", s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "k"}]},
            BypassGovernanceRetention=True)  # fmt: skip
    s3.head_object(Bucket=bucket, Key="k")


def test_retention_and_legal_hold_without_object_lock(s3: Any, bucket: str) -> None:
    """TestS3ObjectLockRetention::test_s3_object_retention_exc, …LegalHold::test_put_object_legal_hold_exc."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for call, more in (
        (s3.get_object_retention, {}),
        (s3.get_object_legal_hold, {}),
        (s3.put_object_legal_hold, {"LegalHold": {"Status": "ON"}}),
        (s3.put_object_retention, {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": 4_000_000_000}}),
    ):
        error = refused("InvalidRequest", call, Bucket=bucket, Key="k", **more)
        assert error["Message"] == "Bucket is missing Object Lock Configuration"
        refused("NoSuchKey", call, Bucket=bucket, Key="none", **more)


def test_configurations_that_cannot_be_deleted(s3: Any, bucket: str) -> None:
    """test_s3_intelligent_tier_config, test_s3_analytics_configurations, TestS3MetricsConfiguration."""
    for call in (
        s3.delete_bucket_analytics_configuration,
        s3.delete_bucket_inventory_configuration,
        s3.delete_bucket_metrics_configuration,
        s3.delete_bucket_intelligent_tiering_configuration,
        s3.get_bucket_metrics_configuration,
    ):
        error = failing(call, Bucket=bucket, Id="none")
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert error["Error"] == {
            "Code": "NoSuchConfiguration",
            "Message": "The specified configuration does not exist.",
        }
        refused("NoSuchBucket", call, Bucket=f"{bucket}-none", Id="none")


def test_tags_in_a_header(s3: Any, bucket: str) -> None:
    """TestS3BucketObjectTagging::test_put_object_with_tags, test_object_tagging_exc."""
    for text, tags in (
        ("tag1=tag1&tag2=tag2&tag=", {"tag1": "tag1", "tag2": "tag2", "tag": ""}),
        ("wrongquery&wrongagain", {"wrongquery": "", "wrongagain": ""}),
        ("key1&&&key2", {"key1": "", "key2": ""}),
    ):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging=text)
        found = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in found} == tags
    for text in ("key1=val1&key1=val2", "key1=val1,key2=val2"):
        error = refused("InvalidArgument", s3.put_object, Bucket=bucket, Key="k", Body=b"x", Tagging=text)
        assert (error["ArgumentName"], error["ArgumentValue"]) == ("x-amz-tagging", text)


def test_tags_of_the_system(s3: Any, bucket: str) -> None:
    """TestS3BucketObjectTagging::test_tagging_validation: buckets and objects are refused in other words."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    tagging = {"TagSet": [{"Key": "aws:prefixed", "Value": "v"}]}
    error = refused("InvalidTag", s3.put_bucket_tagging, Bucket=bucket, Tagging=tagging)
    assert error["Message"] == "System tags cannot be added/updated by requester"
    error = refused("InvalidTag", s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=tagging)
    assert error["Message"] == "Your TagKey cannot be prefixed with aws:"
    assert error["TagKey"] == "aws:prefixed"


def test_tags_and_acls_of_delete_markers(s3: Any, bucket: str) -> None:
    """test_object_tagging_versioned, test_put_object_acl_on_delete_marker: 405 for the newest as well."""
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    versioned(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    tagging = {"TagSet": [{"Key": "a", "Value": "b"}]}
    for named in ({}, {"VersionId": marker}):
        for call, method, more in (
            (s3.put_object_tagging, "PUT", {"Tagging": tagging}),
            (s3.get_object_tagging, "GET", {}),
            (s3.delete_object_tagging, "DELETE", {}),
            (s3.put_object_acl, "PUT", {"ACL": "private"}),
        ):
            answer = failing(call, Bucket=bucket, Key="k", **named, **more)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 405
            error = answer["Error"]
            assert (error["Code"], error["Method"]) == ("MethodNotAllowed", method)
            assert error["ResourceType"] == "DeleteMarker"
    refused("NoSuchKey", s3.get_object_acl, Bucket=bucket, Key="k")
    refused("NoSuchKey", s3.get_object_attributes, Bucket=bucket, Key="k", ObjectAttributes=["ETag"])


def test_values_of_conditions_on_writes(s3: Any, bucket: str) -> None:
    """TestS3ObjectWritePrecondition::test_put_object_if_match_validation and its siblings."""
    for headers, named, why in (
        (
            {"IfNoneMatch": "wrong"},
            "If-None-Match",
            "We don't accept the provided value of If-None-Match header for this API",
        ),
        ({"IfMatch": "*"}, "If-Match", "We don't accept the provided value of If-Match header for this API"),
        (
            {"IfMatch": "abc", "IfNoneMatch": "*"},
            "If-Match,If-None-Match",
            "Multiple conditional request headers present in the request",
        ),
    ):
        answer = failing(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **headers)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
        error = answer["Error"]
        assert (error["Code"], error["Header"], error["additionalMessage"]) == ("NotImplemented", named, why)
    refused("NoSuchKey", s3.put_object, Bucket=bucket, Key="k", Body=b"x", IfMatch="nothing")


def begun(s3: Any, bucket: str) -> dict[str, Any]:
    """What completes an upload that has one part."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return {"Bucket": bucket, "Key": "k", "UploadId": upload, "MultipartUpload": parts}


def test_upload_after_a_delete(s3: Any, bucket: str) -> None:
    """TestS3ObjectWritePrecondition::test_multipart_if_none_match_with_delete."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    upload = begun(s3, bucket)
    refused("PreconditionFailed", s3.complete_multipart_upload, **upload, IfNoneMatch="*")
    s3.delete_object(Bucket=bucket, Key="k")
    answer = failing(s3.complete_multipart_upload, **upload, IfNoneMatch="*")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert answer["Error"]["Code"] == "ConditionalRequestConflict"
    assert (answer["Error"]["Condition"], answer["Error"]["Key"]) == ("If-None-Match", "k")
    s3.complete_multipart_upload(**begun(s3, bucket), IfNoneMatch="*")


def test_upload_after_a_delete_marker(s3: Any, bucket: str) -> None:
    versioned(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    upload = begun(s3, bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    refused("ConditionalRequestConflict", s3.complete_multipart_upload, **upload, IfNoneMatch="*")
    s3.complete_multipart_upload(**begun(s3, bucket), IfNoneMatch="*")


def test_upload_over_what_was_written_meanwhile(s3: Any, bucket: str) -> None:
    """TestS3ObjectWritePrecondition::test_multipart_if_match_with_put_identical, …with_delete."""
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    upload = begun(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    error = refused("ConditionalRequestConflict", s3.complete_multipart_upload, **upload, IfMatch=etag)
    assert error["Condition"] == "If-Match"
    refused("PreconditionFailed", s3.complete_multipart_upload, **upload, IfMatch='"other"')
    upload = begun(s3, bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    refused("NoSuchKey", s3.complete_multipart_upload, **upload, IfMatch=etag)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused("ConditionalRequestConflict", s3.complete_multipart_upload, **upload, IfMatch=etag)
    upload = begun(s3, bucket)
    s3.complete_multipart_upload(**upload, IfMatch=etag)
    s3.complete_multipart_upload(**upload)  # the same answer again, see test_s3_multipart


def test_completing_with_wrong_lists(s3: Any, bucket: str, cloud: RunningCloud) -> None:
    """test_complete_multipart_parts_order, test_multipart_complete_multipart_too_small."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    common = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    etags = [s3.upload_part(**common, PartNumber=number, Body=b"x")["ETag"] for number in (1, 2)]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in zip((2, 1), etags, strict=True)]
    error = refused("InvalidPartOrder", s3.complete_multipart_upload, **common,
                    MultipartUpload={"Parts": parts})  # fmt: skip
    assert error["Message"] == (
        "The list of parts was not in ascending order. Parts must be ordered by part number."
    )
    assert error["UploadId"] == upload
    error = refused("InvalidRequest", s3.complete_multipart_upload, **common)
    assert error["Message"] == "You must specify at least one part"
    status, _, body = raw(
        cloud, "POST", f"/{bucket}/k?uploadId={upload}", b"<CompleteMultipartUpload/>"
    )  # fmt: skip
    assert (status, b"MalformedXML" in body) == (400, True)


def test_attributes_of_an_object_in_parts(s3: Any, bucket: str) -> None:
    """test_complete_multipart_parts_checksum: there a composite checksum has no count of parts."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    common = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    part = s3.upload_part(**common, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
    wanted = {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}
    done = s3.complete_multipart_upload(**common, MultipartUpload={"Parts": [wanted]})
    assert done["ChecksumSHA256"].endswith("=-1")
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts"])
    assert found["Checksum"] == {
        "ChecksumSHA256": done["ChecksumSHA256"].removesuffix("-1"),
        "ChecksumType": "COMPOSITE",
    }
    assert found["ObjectParts"] == {
        "TotalPartsCount": 1,
        "PartNumberMarker": 0,
        "NextPartNumberMarker": 1,
        "MaxParts": 1000,
        "IsTruncated": False,
        "Parts": [{"PartNumber": 1, "Size": 1, "ChecksumSHA256": part["ChecksumSHA256"]}],
    }


def test_invalid_digests(s3: Any, bucket: str) -> None:
    """test_s3_invalid_content_md5."""
    for md5 in ("__invalid__", "000", "not base64 encoded checksum", "MTIz"):
        error = refused("InvalidDigest", s3.put_object, Bucket=bucket, Key="k", Body=b"x", ContentMD5=md5)
        assert error["Content-MD5"] == md5


def test_invalid_storage_class(s3: Any, bucket: str) -> None:
    """test_put_object_storage_class_outposts."""
    for call in (s3.put_object, s3.create_multipart_upload):
        error = refused("InvalidStorageClass", call, Bucket=bucket, Key="k", StorageClass="OUTPOSTS")
        assert error["StorageClassRequested"] == "OUTPOSTS"


def test_grantees_that_nobody_knows(s3: Any, bucket: str) -> None:
    """test_s3_bucket_acl_exceptions: the argument is named as the request names it."""
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    fake = "http://acs.amazonaws.com/groups/s3/FakeGroup"
    for grantee, named, value in (
        ({"Type": "CanonicalUser", "ID": "wrong-id"}, "CanonicalUser/ID", "wrong-id"),
        ({"Type": "Group", "URI": fake}, "Group/URI", fake),
    ):
        policy = {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "WRITE"}]}
        error = refused("InvalidArgument", s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=policy)
        assert (error["ArgumentName"], error["ArgumentValue"]) == (named, value)
    error = refused("InvalidArgument", s3.put_bucket_acl, Bucket=bucket, GrantWrite='id="wrong-id"')
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("id", "wrong-id")


def test_copy_to_itself_under_a_rule_of_encryption(s3: Any, bucket: str) -> None:
    """test_copy_in_place_with_bucket_encryption: where the bucket has one, it is a change."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    itself = {"Bucket": bucket, "Key": "k", "CopySource": f"{bucket}/k"}
    refused("InvalidRequest", s3.copy_object, **itself)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.copy_object(**itself)["CopyObjectResult"]["ETag"]


def test_expiration_of_a_named_version(s3: Any, bucket: str) -> None:
    """TestS3BucketLifecycle::test_bucket_lifecycle_configuration_object_expiry_versioned."""
    versioned(s3, bucket)
    rule = {"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 7}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    assert 'rule-id="r"' in s3.head_object(Bucket=bucket, Key="k")["Expiration"]
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="k", VersionId=version)


def test_uploads_by_markers(s3: Any, bucket: str) -> None:
    """TestS3ListMultipartUploads::test_list_multiparts_next_marker."""
    empty = s3.list_multipart_uploads(Bucket=bucket)
    assert (empty["NextKeyMarker"], empty["NextUploadIdMarker"]) == ("", "")
    assert "Prefix" not in empty
    ids = {key: s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key in ("a", "b")}
    everything = s3.list_multipart_uploads(Bucket=bucket)
    assert (everything["NextKeyMarker"], everything["NextUploadIdMarker"]) == ("b", ids["b"])
    alone = s3.list_multipart_uploads(Bucket=bucket, UploadIdMarker=ids["a"], MaxUploads=1)
    assert [upload["Key"] for upload in alone["Uploads"]] == ["a"]
    assert alone["UploadIdMarker"] == ""
    for wrong in (ids["b"], "garbage"):
        error = refused("InvalidArgument", s3.list_multipart_uploads, Bucket=bucket, KeyMarker="a",
                        UploadIdMarker=wrong)  # fmt: skip
        assert error["Message"] == "Invalid uploadId marker"
        assert (error["ArgumentName"], error["ArgumentValue"]) == ("upload-id-marker", wrong)
    # Not of the recordings: whoever aborts page by page goes on after an upload that is no more.
    s3.abort_multipart_upload(Bucket=bucket, Key="a", UploadId=ids["a"])
    after = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a", UploadIdMarker=ids["a"])
    assert [upload["Key"] for upload in after["Uploads"]] == ["b"]


def test_empty_markers_of_parts(s3: Any, bucket: str, cloud: RunningCloud) -> None:
    """TestS3ListParts::test_list_parts_empty_part_number_marker."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    for query in ("part-number-marker=", "max-parts="):
        status, _, body = raw(cloud, "GET", f"/{bucket}/k?{query}&uploadId={upload}")
        assert status == 200
        assert b"<PartNumberMarker>0</PartNumberMarker>" in body
        assert b"<MaxParts>1000</MaxParts>" in body
    beyond = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, PartNumberMarker=10)
    assert (beyond["NextPartNumberMarker"], beyond["IsTruncated"]) == (0, False)


def test_newest_version_of_a_page(s3: Any, bucket: str) -> None:
    """test_list_objects_versions_with_prefix_only_and_pagination: once those before it are deleted."""
    versioned(s3, bucket)
    ids = [s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"] for _ in range(3)][::-1]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=ids[0])
    page = s3.list_object_versions(Bucket=bucket, KeyMarker="k", VersionIdMarker=ids[0])
    assert [(each["VersionId"], each["IsLatest"]) for each in page["Versions"]] == [
        (ids[1], True),
        (ids[2], False),
    ]


def test_encodings_there_are_not(s3: Any, bucket: str, cloud: RunningCloud) -> None:
    """test_list_ops_encoding_type_validation."""
    for query in ("list-type=2&", "", "versions&", "uploads&"):
        for wrong in ("value", ""):
            status, _, body = raw(cloud, "GET", f"/{bucket}?{query}encoding-type={wrong}")
            assert status == 400
            assert b"<Message>Invalid Encoding Method specified in Request</Message>" in body
            assert f"<ArgumentValue>{wrong}</ArgumentValue>".encode() in body


def test_numbers_that_are_none(bucket: str, cloud: RunningCloud) -> None:
    status, _, body = raw(cloud, "GET", f"/{bucket}?max-keys=blah")
    assert status == 400
    assert b"<Message>Provided max-keys not an integer or within integer range</Message>" in body
    assert b"<ArgumentName>max-keys</ArgumentName><ArgumentValue>blah</ArgumentValue>" in body


def test_regions_of_buckets(s3: Any, bucket: str) -> None:
    """test_list_buckets_region_validation, test_bucket_name_with_dots (the header of a listing)."""
    error = refused("InvalidArgument", s3.list_buckets, BucketRegion="eu-east-1")
    assert error["Message"] == "Argument value eu-east-1 is not a valid AWS Region"
    assert error["ArgumentName"] == "bucket-region"
    for call in (s3.list_objects, s3.list_objects_v2):
        headers = call(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-amz-bucket-region"] == "us-east-1"
    refused("InvalidLocationConstraint", s3.create_bucket, Bucket="region-of-mars-rec",
            CreateBucketConfiguration={"LocationConstraint": "mars-north-1"})  # fmt: skip


def test_versioning_says_no_more_than_aws(s3: Any, bucket: str) -> None:
    """TestS3BucketVersioning::test_bucket_versioning_crud."""
    error = refused("IllegalVersioningConfigurationException", s3.put_bucket_versioning, Bucket=bucket,
                    VersioningConfiguration={})  # fmt: skip
    assert error == {
        "Code": "IllegalVersioningConfigurationException",
        "Message": "The Versioning element must be specified",
    }
    for status in ("enabled", "Disabled"):
        error = refused("MalformedXML", s3.put_bucket_versioning, Bucket=bucket,
                        VersioningConfiguration={"Status": status})  # fmt: skip
        assert error["Message"] == MALFORMED


def test_preflight_that_names_no_method(s3: Any, bucket: str, cloud: RunningCloud) -> None:
    """TestS3Cors::test_cors_http_options_no_config, …non_existent_bucket: the bucket is looked at first."""
    origin = {"Origin": "https://example.com"}
    for name, said in ((bucket, b"CORS is not enabled for this bucket."), ("none-rec", b"Bucket not found")):
        status, _, body = raw(cloud, "OPTIONS", f"/{name}", headers=origin)
        assert (status, said in body) == (403, True)
        assert b"<Code>AccessForbidden</Code>" in body
        assert b"<Method>OPTIONS</Method><ResourceType>BUCKET</ResourceType>" in body
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, _, body = raw(cloud, "OPTIONS", f"/{bucket}", headers=origin)
    assert (status, b"Invalid Access-Control-Request-Method: null" in body) == (400, True)


def test_answers_say_who_serves_them(bucket: str, cloud: RunningCloud) -> None:
    """test_put_and_get_object_with_content_language_disposition; so do those that name no operation."""
    seen = set()
    for method, path, status, kind in (
        ("PUT", f"/{bucket}/k", 200, None),
        ("GET", f"/{bucket}/none", 404, None),
        ("PATCH", f"/{bucket}/k", 405, b"OBJECT"),
        ("PATCH", f"/{bucket}", 405, b"BUCKET"),
        ("DELETE", "/", 405, b"SERVICE"),
    ):
        found, headers, body = raw(cloud, method, path)
        assert (found, headers["server"]) == (status, "AmazonS3")
        seen.add(headers["x-amz-request-id"])
        if status >= 400:
            assert f"<RequestId>{headers['x-amz-request-id']}</RequestId>".encode() in body
            assert f"<HostId>{headers['x-amz-id-2']}</HostId>".encode() in body
        if kind is not None:
            assert b"<ResourceType>" + kind + b"</ResourceType>" in body
    assert len(seen) == 5


def test_types_and_names_that_are_empty_or_odd(s3: Any, bucket: str) -> None:
    """ceph's test_object_create_bad_contenttype_empty; labels of names begin and end with letter or digit."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"
    for name in ("foo.-bar", "foo-.bar", "foo..bar", "-foo", "foo-"):
        refused("InvalidBucketName", s3.create_bucket, Bucket=name)
    s3.create_bucket(Bucket="a.b-c.1--2-rec")


def test_null_versions_in_answers(s3: Any, bucket: str) -> None:
    """test_put_object_on_suspended_bucket, test_s3_copy_object_in_place_suspended_only."""
    versioned(s3, bucket, "Suspended")
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    itself = {"Bucket": bucket, "Key": "k", "CopySource": f"{bucket}/k", "MetadataDirective": "REPLACE"}
    copied = s3.copy_object(**itself)
    assert copied["VersionId"] == "null"
    assert "CopySourceVersionId" not in copied
    versioned(s3, bucket)
    copied = s3.copy_object(**itself)
    assert copied["VersionId"] != "null"
    assert "CopySourceVersionId" not in copied
    assert s3.copy_object(**itself)["CopySourceVersionId"] == copied["VersionId"]


def test_refused_heads_of_buckets_say_where_they_are(s3: Any, cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
    s3.create_bucket(
        Bucket="heads-of-buckets-rec", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    stranger = cloud.client("s3", key="222222222222", region="eu-west-1")
    for call, more in (
        (stranger.head_bucket, {}),
        (cloud.client("s3", region="eu-west-1").head_bucket, {"ExpectedBucketOwner": "222222222222"}),
    ):
        answer = failing(call, Bucket="heads-of-buckets-rec", **more)["ResponseMetadata"]
        assert answer["HTTPStatusCode"] == 403
        assert answer["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"
