"""AWS::S3::Bucket and AWS::S3::BucketPolicy: a template's properties in S3's own answers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from people import refused
from waiting import until

Client = Callable[..., Any]


def deploy(cloudformation: Any, name: str, properties: dict[str, Any], *, change: bool = False) -> str:
    """A stack with one bucket and a policy of it; gives the stack's status once it has settled."""
    statement = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        "Resource": [{"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Sub": "${Bucket.Arn}/*"}],
    }  # fmt: skip
    policy = {
        "Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }  # fmt: skip
    body = {
        "Resources": {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}},
            "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
        }
    }
    call = cloudformation.update_stack if change else cloudformation.create_stack
    call(StackName=name, TemplateBody=json.dumps(body))

    def settled() -> str | None:
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return status if status.endswith(("_COMPLETE", "_FAILED")) and "CLEANUP" not in status else None

    status = until(settled, what="the stack")
    assert status is not None
    return status


def test_properties_become_configurations(client: Client) -> None:
    cloudformation, s3 = client("cloudformation"), client("s3")
    properties = {
        "AccessControl": "PublicRead",
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        "PublicAccessBlockConfiguration": {"BlockPublicPolicy": "true", "RestrictPublicBuckets": True},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "CorsConfiguration": {
            "CorsRules": [
                {
                    "Id": "app", "AllowedOrigins": ["https://app.example"], "AllowedMethods": ["GET", "PUT"],
                    "AllowedHeaders": ["*"], "ExposedHeaders": ["ETag"], "MaxAge": "3000",
                }
            ]
        },
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "tmp", "Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": "3",
                    "TagFilters": [{"Key": "a", "Value": "b"}], "ObjectSizeGreaterThan": "10",
                },
                {
                    "Id": "old", "Status": "Enabled", "ExpirationDate": "2030-01-01T00:00:00Z",
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                },
            ]
        },
        "Tags": [{"Key": "team", "Value": "blue"}],
        "AccelerateConfiguration": {"AccelerationStatus": "Enabled"},
        "VersioningConfiguration": {"Status": "Enabled"},
    }  # fmt: skip
    assert deploy(cloudformation, "template-full", properties) == "CREATE_COMPLETE"
    bucket = {"Bucket": "template-full"}
    grants = s3.get_bucket_acl(**bucket)["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL", "READ"]
    assert s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"] == properties["OwnershipControls"]
    assert s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }  # fmt: skip
    assert s3.get_bucket_cors(**bucket)["CORSRules"] == [
        {
            "ID": "app", "AllowedOrigins": ["https://app.example"], "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 3000,
        }
    ]  # fmt: skip
    first, second = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert first["Filter"] == {
        "And": {"Prefix": "tmp/", "ObjectSizeGreaterThan": 10, "Tags": [{"Key": "a", "Value": "b"}]}
    }
    assert (first["ID"], first["Expiration"]) == ("tmp", {"Days": 3})
    assert second["Expiration"] == {"Date": datetime(2030, 1, 1, tzinfo=UTC)}
    assert second["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2}
    assert {"Key": "team", "Value": "blue"} in s3.get_bucket_tagging(**bucket)["TagSet"]
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    assert s3.get_bucket_accelerate_configuration(**bucket)["Status"] == "Enabled"
    assert "aws:SecureTransport" in s3.get_bucket_policy(**bucket)["Policy"]

    # What a template no longer says is no longer so.
    assert deploy(cloudformation, "template-full", {}, change=True) == "UPDATE_COMPLETE"
    refused("NoSuchCORSConfiguration", s3.get_bucket_cors, **bucket)
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, **bucket)
    refused("OwnershipControlsNotFoundError", s3.get_bucket_ownership_controls, **bucket)
    refused("NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, **bucket)
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Suspended"
    assert [grant["Permission"] for grant in s3.get_bucket_acl(**bucket)["Grants"]] == ["FULL_CONTROL"]


@pytest.mark.parametrize(
    ("name", "properties", "reason"),
    [
        ("template-unknown", {"Colour": "red"}, "Colour"),
        (
            "template-website",
            {"WebsiteConfiguration": {"IndexDocument": "index.html"}},
            "WebsiteConfiguration",
        ),
        (
            "template-cors",
            {"CorsConfiguration": {"CorsRules": [{"AllowedOrigin": ["*"], "AllowedMethods": ["GET"]}]}},
            "AllowedOrigin",
        ),
        ("template-acl", {"AccessControl": "PublicRead"}, "does not allow ACLs"),
    ],
)
def test_what_cannot_be_fails_by_name(
    client: Client, name: str, properties: dict[str, Any], reason: str
) -> None:
    cloudformation = client("cloudformation")
    assert deploy(cloudformation, name, properties).startswith("ROLLBACK")
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert any(reason in event.get("ResourceStatusReason", "") for event in events)
