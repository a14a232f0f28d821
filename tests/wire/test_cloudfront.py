"""CloudFront's management API: lives of its resources, entity tags, refusals."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from distributions import (
    CACHING_OPTIMIZED,
    access_control,
    behavior,
    cache_policy,
    configuration,
    create,
    http_origin,
    legacy,
    listed,
    private_bucket,
    s3_origin,
)
from running import RunningCloud

ORIGIN = s3_origin("some-bucket")


def refused(code: str, status: int, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert response["Error"]["Type"] == "Sender"
    return response["Error"]["Message"]


# Distributions


def test_the_life_of_a_distribution(fresh_cloud: RunningCloud) -> None:
    client = fresh_cloud.client("cloudfront")
    fresh_cloud.hold()
    config = configuration(ORIGIN)
    made = client.create_distribution(DistributionConfig=config)
    distribution, tag = made["Distribution"], made["ETag"]
    id_ = distribution["Id"]
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["Location"] == f"https://cloudfront.amazonaws.com/2020-05-31/distribution/{id_}"
    assert distribution["ARN"] == f"arn:aws:cloudfront::000000000000:distribution/{id_}"
    assert distribution["Status"] == "InProgress"
    assert distribution["DomainName"].startswith("d") and distribution["DomainName"].endswith(
        ".cloudfront.net"
    )
    fresh_cloud.advance(1)
    got = client.get_distribution(Id=id_)
    assert (got["Distribution"]["Status"], got["ETag"]) == ("Deployed", tag)

    config = client.get_distribution_config(Id=id_)["DistributionConfig"]
    assert config["DefaultCacheBehavior"]["AllowedMethods"]["CachedMethods"]["Quantity"] == 2
    assert config["PriceClass"] == "PriceClass_All"
    assert config["Restrictions"]["GeoRestriction"]["RestrictionType"] == "none"
    assert config["ViewerCertificate"]["CloudFrontDefaultCertificate"] is True
    refused("DistributionNotDisabled", 409, client.delete_distribution, Id=id_, IfMatch=tag)
    updated = client.update_distribution(
        Id=id_, IfMatch=tag, DistributionConfig=config | {"Enabled": False, "Comment": "off"}
    )
    assert updated["ETag"] != tag
    assert updated["Distribution"]["Status"] == "InProgress"
    assert updated["Distribution"]["DistributionConfig"]["Comment"] == "off"
    refused("PreconditionFailed", 412, client.delete_distribution, Id=id_, IfMatch=tag)
    refused("DistributionNotDisabled", 409, client.delete_distribution, Id=id_, IfMatch=updated["ETag"])
    fresh_cloud.advance(1)
    assert (
        client.delete_distribution(Id=id_, IfMatch=updated["ETag"])["ResponseMetadata"]["HTTPStatusCode"]
        == 204
    )
    refused("NoSuchDistribution", 404, client.get_distribution, Id=id_)
    refused("NoSuchDistribution", 404, client.get_distribution_config, Id=id_)
    client.create_distribution(DistributionConfig=config)  # its reference is free again


def test_entity_tags(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront")
    id_ = create(cloud, ORIGIN)
    config = client.get_distribution_config(Id=id_)["DistributionConfig"]
    update = {"Id": id_, "DistributionConfig": config}
    refused("InvalidIfMatchVersion", 400, client.update_distribution, **update)
    refused("InvalidIfMatchVersion", 400, client.update_distribution, IfMatch="nonsense", **update)
    refused("PreconditionFailed", 412, client.update_distribution, IfMatch="E2QWRUHAPOMQZL", **update)
    refused("InvalidIfMatchVersion", 400, client.delete_distribution, Id=id_)
    refused("NoSuchDistribution", 404, client.update_distribution, **update | {"Id": "E0000000000000"})


def test_the_caller_reference(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront")
    config = configuration(ORIGIN)
    id_ = client.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    message = refused("DistributionAlreadyExists", 409, client.create_distribution, DistributionConfig=config)
    assert id_ in message
    got = client.get_distribution_config(Id=id_)
    changed = got["DistributionConfig"] | {"CallerReference": "another"}
    refused(
        "IllegalUpdate", 400, client.update_distribution, Id=id_, IfMatch=got["ETag"],
        DistributionConfig=changed,
    )  # fmt: skip


def test_distributions_are_listed_by_account_and_page(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront", key="111122223333")
    ids = sorted(
        client.create_distribution(DistributionConfig=configuration(ORIGIN))["Distribution"]["Id"]
        for _ in range(3)
    )
    first = client.list_distributions(MaxItems="2")["DistributionList"]
    assert [each["Id"] for each in first["Items"]] == ids[:2]
    assert (first["Quantity"], first["IsTruncated"], first["NextMarker"]) == (2, True, ids[1])
    pages = client.get_paginator("list_distributions").paginate(PaginationConfig={"PageSize": 1})
    assert [each["Id"] for page in pages for each in page["DistributionList"]["Items"]] == ids
    other = cloud.client("cloudfront", key="444455556666")
    assert other.list_distributions()["DistributionList"]["Quantity"] == 0
    refused("NoSuchDistribution", 404, other.get_distribution, Id=ids[0])
    refused("InvalidArgument", 400, client.list_distributions, MaxItems="none")


BEHAVIOR = behavior("bucket")
CUSTOM = http_origin(80)


@pytest.mark.parametrize(
    ("code", "status", "change"),
    [
        ("NoSuchOrigin", 404, {"DefaultCacheBehavior": behavior("other")}),
        ("InvalidDefaultRootObject", 400, {"DefaultRootObject": "/index.html"}),
        ("InvalidDefaultRootObject", 400, {"DefaultRootObject": "a" * 256}),
        ("InconsistentQuantities", 400, {"Origins": {"Quantity": 2, "Items": [ORIGIN]}}),
        ("InvalidArgument", 400, {"Origins": listed(ORIGIN, ORIGIN)}),
        ("TooManyOrigins", 400, {"Origins": listed(*(ORIGIN | {"Id": str(n)} for n in range(26)))}),
        ("InvalidArgument", 400, {"Origins": listed(CUSTOM | {"Id": "bucket", "DomainName": "10.0.0.1"})}),
        ("InvalidArgument", 400, {"Origins": listed(CUSTOM | {"Id": "bucket", "DomainName": "a/b"})}),
        ("InvalidArgument", 400, {"Origins": listed(ORIGIN | {"OriginPath": "/a/"})}),
        ("InvalidArgument", 400, {"Origins": listed(ORIGIN | {"OriginPath": "a"})}),
        ("InvalidOrigin", 400, {"Origins": listed(ORIGIN | {"DomainName": "example.com"})}),
        ("InvalidOriginAccessControl", 400, {"Origins": listed(ORIGIN | {"OriginAccessControlId": "E1"})}),
        ("InvalidOriginAccessIdentity", 400, {"Origins": listed(ORIGIN | {"S3OriginConfig": {
            "OriginAccessIdentity": "origin-access-identity/cloudfront/E1"}})}),
        ("IllegalOriginAccessConfiguration", 400, {"Origins": listed(ORIGIN | {
            "OriginAccessControlId": "E1", "S3OriginConfig": {"OriginAccessIdentity": "x"}})}),
        ("InvalidArgument", 400, {"Origins": listed(
            {key: value for key, value in ORIGIN.items() if key != "S3OriginConfig"})}),
        ("InvalidArgument", 400, {"Origins": listed(ORIGIN | {"CustomHeaders": listed(
            {"HeaderName": "Host", "HeaderValue": "x"})})}),
        ("InvalidArgument", 400, {"Origins": listed(ORIGIN | {"CustomHeaders": listed(
            {"HeaderName": "X-A", "HeaderValue": "x\r\nHost: y"})})}),
        ("InvalidArgument", 400, {"DefaultCacheBehavior": behavior("bucket", AllowedMethods=listed("GET"))}),
        ("NoSuchCachePolicy", 404, {"DefaultCacheBehavior": behavior("bucket", CachePolicyId="x")}),
        ("NoSuchOriginRequestPolicy", 404, {"DefaultCacheBehavior": behavior(
            "bucket", OriginRequestPolicyId="x")}),
        ("NoSuchResponseHeadersPolicy", 404, {"DefaultCacheBehavior": behavior(
            "bucket", ResponseHeadersPolicyId="x")}),
        ("InvalidArgument", 400, {"DefaultCacheBehavior": BEHAVIOR | {"ForwardedValues": legacy()}}),
        ("InvalidArgument", 400, {"DefaultCacheBehavior": BEHAVIOR | {"MinTTL": 0}}),
        ("InvalidTTLOrder", 400, {"DefaultCacheBehavior": behavior(
            "bucket", ForwardedValues=legacy(), MinTTL=10, DefaultTTL=5)}),
        ("InvalidForwardCookies", 400, {"DefaultCacheBehavior": behavior(
            "bucket", ForwardedValues=legacy(Cookies={"Forward": "whitelist"}))}),
        ("InvalidHeadersForS3Origin", 400, {"DefaultCacheBehavior": behavior(
            "bucket", ForwardedValues=legacy(Headers=listed("*")))}),
        ("TooManyCacheBehaviors", 400, {"CacheBehaviors": listed(
            *(BEHAVIOR | {"PathPattern": f"/{n}/*"} for n in range(26)))}),
        ("InvalidArgument", 400, {"CacheBehaviors": listed(*2 * [BEHAVIOR | {"PathPattern": "/a/*"}])}),
        ("InvalidErrorCode", 400, {"CustomErrorResponses": listed({"ErrorCode": 200})}),
        ("InvalidResponseCode", 400, {"CustomErrorResponses": listed(
            {"ErrorCode": 404, "ResponsePagePath": "/e", "ResponseCode": "299"})}),
        ("InvalidViewerCertificate", 400, {"Aliases": listed("www.example.com")}),
        ("InvalidWebACLId", 400, {"WebACLId": "x"}),
        ("TrustedKeyGroupDoesNotExist", 400, {"DefaultCacheBehavior": behavior(
            "bucket", TrustedKeyGroups={"Enabled": True, **listed("k")})}),
        ("TrustedSignerDoesNotExist", 400, {"DefaultCacheBehavior": behavior(
            "bucket", TrustedSigners={"Enabled": True, **listed("self")})}),
        ("InvalidLambdaFunctionAssociation", 400, {"DefaultCacheBehavior": behavior(
            "bucket", LambdaFunctionAssociations=listed(
                {"LambdaFunctionARN": "arn:aws:lambda:us-east-1:0:function:x:1",
                 "EventType": "viewer-request"}))}),
        ("InvalidFunctionAssociation", 400, {"DefaultCacheBehavior": behavior(
            "bucket", FunctionAssociations=listed(
                {"FunctionARN": "arn:aws:cloudfront::000000000000:function/x",
                 "EventType": "viewer-request"}))}),
        ("InvalidArgument", 400, {"Logging": {
            "Enabled": True, "IncludeCookies": False, "Bucket": "b.s3.amazonaws.com", "Prefix": ""}}),
        ("InvalidArgument", 400, {"Restrictions": {"GeoRestriction": {
            "RestrictionType": "whitelist", **listed("VN")}}}),
        ("MalformedXML", 400, {"HttpVersion": "http9"}),
    ],
)  # fmt: skip
def test_configurations_that_are_refused(
    cloud: RunningCloud, code: str, status: int, change: dict[str, Any]
) -> None:
    config = configuration(ORIGIN) | change
    refused(code, status, cloud.client("cloudfront").create_distribution, DistributionConfig=config)


def test_aliases_belong_to_one_distribution(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront")
    certificate = {
        "ACMCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/a",
        "SSLSupportMethod": "sni-only",
    }  # fmt: skip
    named = {"Aliases": listed("www.example.com"), "ViewerCertificate": certificate}
    id_ = create(cloud, ORIGIN, **named)
    refused(
        "CNAMEAlreadyExists",
        409,
        client.create_distribution,
        DistributionConfig=configuration(ORIGIN, **named),
    )
    got = client.get_distribution_config(Id=id_)
    client.update_distribution(Id=id_, IfMatch=got["ETag"], DistributionConfig=got["DistributionConfig"])


# Tags


def test_tags(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront")
    made = client.create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": configuration(ORIGIN), "Tags": {"Items": [{"Key": "a", "Value": "1"}]},
        }
    )["Distribution"]  # fmt: skip
    arn = made["ARN"]

    def tags() -> dict[str, str]:
        found = client.list_tags_for_resource(Resource=arn)["Tags"]["Items"]
        return {each["Key"]: each["Value"] for each in found}

    assert tags() == {"a": "1"}
    client.tag_resource(
        Resource=arn, Tags={"Items": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}]}
    )
    assert tags() == {"a": "3", "b": "2"}
    client.untag_resource(Resource=arn, TagKeys={"Items": ["a"]})
    assert tags() == {"b": "2"}
    nowhere = "arn:aws:cloudfront::000000000000:distribution/E0000000000000"
    refused("NoSuchResource", 404, client.list_tags_for_resource, Resource=nowhere)
    twice = {"Items": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    refused("InvalidTagging", 400, client.tag_resource, Resource=arn, Tags=twice)


# Invalidations


def test_invalidations_complete(fresh_cloud: RunningCloud) -> None:
    client = fresh_cloud.client("cloudfront")
    fresh_cloud.hold()
    id_ = create(fresh_cloud, ORIGIN)
    batch = {"Paths": listed("/a", "/b/*"), "CallerReference": "one"}
    made = client.create_invalidation(DistributionId=id_, InvalidationBatch=batch)["Invalidation"]
    assert made["Status"] == "InProgress"
    again = client.create_invalidation(DistributionId=id_, InvalidationBatch=batch)["Invalidation"]
    assert again["Id"] == made["Id"]
    other = batch | {"Paths": listed("/c")}
    refused(
        "InvalidationBatchAlreadyExists", 409, client.create_invalidation, DistributionId=id_,
        InvalidationBatch=other,
    )  # fmt: skip
    fresh_cloud.advance(1)
    got = client.get_invalidation(DistributionId=id_, Id=made["Id"])["Invalidation"]
    assert (got["Status"], got["InvalidationBatch"]) == ("Completed", batch)
    newer = client.create_invalidation(
        DistributionId=id_, InvalidationBatch=other | {"CallerReference": "two"}
    )["Invalidation"]["Id"]
    assert client.get_distribution(Id=id_)["Distribution"]["InProgressInvalidationBatches"] == 1
    rows = client.list_invalidations(DistributionId=id_)["InvalidationList"]["Items"]
    assert [each["Id"] for each in rows] == [newer, made["Id"]]
    refused("NoSuchInvalidation", 404, client.get_invalidation, DistributionId=id_, Id="I1")
    refused("NoSuchDistribution", 404, client.get_invalidation, DistributionId="E1", Id="I1")


@pytest.mark.parametrize("path", ["a", "/a*b", "/a**", ""])
def test_invalidation_paths_that_are_refused(cloud: RunningCloud, path: str) -> None:
    id_ = create(cloud, ORIGIN)
    batch = {"Paths": listed(path), "CallerReference": "x"}
    refused(
        "InvalidArgument", 400, cloud.client("cloudfront").create_invalidation, DistributionId=id_,
        InvalidationBatch=batch,
    )  # fmt: skip


# Access controls and identities


def test_the_life_of_an_access_control(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront")
    config = {
        "Name": "life", "SigningProtocol": "sigv4", "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }  # fmt: skip
    made = client.create_origin_access_control(OriginAccessControlConfig=config)
    id_, tag = made["OriginAccessControl"]["Id"], made["ETag"]
    create_ = client.create_origin_access_control
    refused("OriginAccessControlAlreadyExists", 409, create_, OriginAccessControlConfig=config)
    refused("MalformedXML", 400, create_, OriginAccessControlConfig=config | {"SigningBehavior": "maybe"})
    updated = client.update_origin_access_control(
        Id=id_, IfMatch=tag, OriginAccessControlConfig=config | {"Description": "new"}
    )
    assert (
        client.get_origin_access_control_config(Id=id_)["OriginAccessControlConfig"]["Description"] == "new"
    )
    listed_ = client.list_origin_access_controls()["OriginAccessControlList"]["Items"]
    assert id_ in {each["Id"] for each in listed_}
    private_bucket(cloud, "cf-life-of-control", {})
    create(cloud, s3_origin("cf-life-of-control", OriginAccessControlId=id_))
    refused(
        "OriginAccessControlInUse", 409, client.delete_origin_access_control, Id=id_, IfMatch=updated["ETag"]
    )
    free = access_control(cloud)
    etag = client.get_origin_access_control(Id=free)["ETag"]
    refused("PreconditionFailed", 412, client.delete_origin_access_control, Id=free, IfMatch="E2QWRUHAPOMQZL")
    client.delete_origin_access_control(Id=free, IfMatch=etag)
    refused("NoSuchOriginAccessControl", 404, client.get_origin_access_control, Id=free)


def test_the_life_of_an_identity(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront")
    config = {"CallerReference": "life", "Comment": "one"}
    make = client.create_cloud_front_origin_access_identity
    made = make(CloudFrontOriginAccessIdentityConfig=config)
    identity = made["CloudFrontOriginAccessIdentity"]
    assert len(identity["S3CanonicalUserId"]) == 96
    same = make(CloudFrontOriginAccessIdentityConfig=config)["CloudFrontOriginAccessIdentity"]
    assert same["Id"] == identity["Id"]
    refused(
        "CloudFrontOriginAccessIdentityAlreadyExists", 409, make,
        CloudFrontOriginAccessIdentityConfig=config | {"Comment": "two"},
    )  # fmt: skip
    id_ = identity["Id"]
    tag = client.update_cloud_front_origin_access_identity(
        Id=id_, IfMatch=made["ETag"], CloudFrontOriginAccessIdentityConfig=config | {"Comment": "two"}
    )["ETag"]
    rows = client.list_cloud_front_origin_access_identities()["CloudFrontOriginAccessIdentityList"]["Items"]
    assert {"Id": id_, "S3CanonicalUserId": identity["S3CanonicalUserId"], "Comment": "two"} in rows
    client.delete_cloud_front_origin_access_identity(Id=id_, IfMatch=tag)
    refused(
        "NoSuchCloudFrontOriginAccessIdentity", 404, client.get_cloud_front_origin_access_identity, Id=id_
    )


# Policies


def test_managed_policies(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront")
    found = client.get_cache_policy(Id=CACHING_OPTIMIZED)
    assert found["CachePolicy"]["CachePolicyConfig"]["Name"] == "Managed-CachingOptimized"
    managed = client.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
    assert {each["Type"] for each in managed} == {"managed"}
    assert len(client.list_origin_request_policies(Type="managed")["OriginRequestPolicyList"]["Items"]) == 8
    assert (
        len(client.list_response_headers_policies(Type="managed")["ResponseHeadersPolicyList"]["Items"]) == 5
    )
    refused("IllegalDelete", 400, client.delete_cache_policy, Id=CACHING_OPTIMIZED, IfMatch=found["ETag"])
    refused(
        "IllegalUpdate", 400, client.update_cache_policy, Id=CACHING_OPTIMIZED, IfMatch=found["ETag"],
        CachePolicyConfig=found["CachePolicy"]["CachePolicyConfig"],
    )  # fmt: skip


def test_the_life_of_a_cache_policy(cloud: RunningCloud) -> None:
    client = cloud.client("cloudfront")
    id_ = cache_policy(cloud, Name="life", queries=["v"])
    got = client.get_cache_policy_config(Id=id_)
    config = got["CachePolicyConfig"]
    refused("CachePolicyAlreadyExists", 409, client.create_cache_policy, CachePolicyConfig=config)
    updated = client.update_cache_policy(
        Id=id_, IfMatch=got["ETag"], CachePolicyConfig=config | {"DefaultTTL": 5}
    )
    distribution = create(cloud, ORIGIN, default=behavior("bucket", CachePolicyId=id_))
    users = client.list_distributions_by_cache_policy_id(CachePolicyId=id_)["DistributionIdList"]
    assert users["Items"] == [distribution]
    refused("CachePolicyInUse", 409, client.delete_cache_policy, Id=id_, IfMatch=updated["ETag"])
    assert id_ in {
        each["CachePolicy"]["Id"]
        for each in client.list_cache_policies(Type="custom")["CachePolicyList"]["Items"]
    }
    unused = cache_policy(cloud)
    client.delete_cache_policy(Id=unused, IfMatch=client.get_cache_policy(Id=unused)["ETag"])
    refused("NoSuchCachePolicy", 404, client.get_cache_policy, Id=unused)


@pytest.mark.parametrize(
    "given",
    [{"MinTTL": 10, "DefaultTTL": 5}, {"MinTTL": -1}, {"queries": []}, {"Name": "a b"},
     {"MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 0, "queries": ["v"]}],
)  # fmt: skip
def test_cache_policies_that_are_refused(cloud: RunningCloud, given: dict[str, Any]) -> None:
    refused("InvalidArgument", 400, cache_policy, cloud=cloud, **given)


# Doors


def test_strangers_and_the_unprivileged_are_refused(cloud: RunningCloud) -> None:
    wrong = cloud.client("cloudfront", secret="wrong")
    with pytest.raises(ClientError) as caught:
        wrong.list_distributions()
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    iam = cloud.client("iam")
    iam.create_user(UserName="cf-reader")
    id_ = create(cloud, ORIGIN)
    iam.put_user_policy(
        UserName="cf-reader", PolicyName="p",
        PolicyDocument='{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action":'
        f' "cloudfront:Get*", "Resource": "arn:aws:cloudfront::000000000000:distribution/{id_}"}}}}',
    )  # fmt: skip
    keys = iam.create_access_key(UserName="cf-reader")["AccessKey"]
    reader = cloud.client("cloudfront", key=keys["AccessKeyId"], secret=keys["SecretAccessKey"])
    tag = reader.get_distribution(Id=id_)["ETag"]
    refused("AccessDenied", 403, reader.delete_distribution, Id=id_, IfMatch=tag)
    refused("AccessDenied", 403, reader.get_distribution, Id="E0000000000000")
    refused("AccessDenied", 403, reader.list_distributions)


def test_operations_that_are_not_there_say_so(cloud: RunningCloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("cloudfront").list_key_groups()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 400
    assert "not supported" in caught.value.response["Error"]["Message"]


def test_a_body_that_is_no_xml(cloud: RunningCloud) -> None:
    session = boto3.Session("test", "test", region_name="us-east-1")
    client = session.client("cloudfront", endpoint_url=cloud.url)

    def spoil(params: dict[str, Any], **_: Any) -> None:
        params["body"] = b"<!DOCTYPE a [<!ENTITY b 'c'>]><DistributionConfig>&b;</DistributionConfig>"

    client.meta.events.register("before-call.cloudfront.CreateDistribution", spoil)
    refused("MalformedXML", 400, client.create_distribution, DistributionConfig=configuration(ORIGIN))


def test_what_was_acknowledged_is_there_after_a_crash(fresh_cloud: RunningCloud) -> None:
    id_ = create(fresh_cloud, ORIGIN)
    fresh_cloud.kill()
    fresh_cloud.start()
    assert fresh_cloud.client("cloudfront").get_distribution(Id=id_)["Distribution"]["Id"] == id_
