"""CloudFront's resource types in a stack, and what its outputs lead to."""

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from distributions import fetch
from running import RunningCloud

TEMPLATE: dict[str, Any] = {
    "Parameters": {"Root": {"Type": "String", "Default": "index.html"}},
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Control": {
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": {
                "OriginAccessControlConfig": {
                    "Name": {"Fn::Sub": "${AWS::StackName}-control"},
                    "OriginAccessControlOriginType": "s3",
                    "SigningBehavior": "always",
                    "SigningProtocol": "sigv4",
                }
            },
        },
        "Identity": {
            "Type": "AWS::CloudFront::CloudFrontOriginAccessIdentity",
            "Properties": {"CloudFrontOriginAccessIdentityConfig": {"Comment": "old way"}},
        },
        "Cache": {
            "Type": "AWS::CloudFront::CachePolicy",
            "Properties": {
                "CachePolicyConfig": {
                    "Name": {"Fn::Sub": "${AWS::StackName}-cache"},
                    "MinTTL": "0", "DefaultTTL": "60", "MaxTTL": 600,
                    "ParametersInCacheKeyAndForwardedToOrigin": {
                        "EnableAcceptEncodingGzip": "true",
                        "HeadersConfig": {"HeaderBehavior": "none"},
                        "CookiesConfig": {"CookieBehavior": "none"},
                        "QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": ["v"]},
                    },
                }
            },
        },
        "Forward": {
            "Type": "AWS::CloudFront::OriginRequestPolicy",
            "Properties": {
                "OriginRequestPolicyConfig": {
                    "Name": {"Fn::Sub": "${AWS::StackName}-forward"},
                    "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": ["x-a"]},
                    "CookiesConfig": {"CookieBehavior": "none"},
                    "QueryStringsConfig": {"QueryStringBehavior": "all"},
                }
            },
        },
        "Headers": {
            "Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": {
                "ResponseHeadersPolicyConfig": {
                    "Name": {"Fn::Sub": "${AWS::StackName}-headers"},
                    "CustomHeadersConfig": {
                        "Items": [{"Header": "x-stack", "Value": "yes", "Override": True}]
                    },
                    "SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}},
                }
            },
        },
        "Site": {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {
                "DistributionConfig": {
                    "Enabled": "true",
                    "DefaultRootObject": {"Ref": "Root"},
                    "IPV6Enabled": True,
                    "HttpVersion": "http2and3",
                    "Origins": [
                        {
                            "Id": "bucket",
                            "DomainName": {"Fn::GetAtt": ["Bucket", "RegionalDomainName"]},
                            "OriginAccessControlId": {"Fn::GetAtt": ["Control", "Id"]},
                            "S3OriginConfig": {},
                        }
                    ],
                    "DefaultCacheBehavior": {
                        "TargetOriginId": "bucket",
                        "ViewerProtocolPolicy": "redirect-to-https",
                        "AllowedMethods": ["GET", "HEAD", "OPTIONS"],
                        "CachedMethods": ["GET", "HEAD"],
                        "Compress": True,
                        "CachePolicyId": {"Ref": "Cache"},
                        "OriginRequestPolicyId": {"Ref": "Forward"},
                        "ResponseHeadersPolicyId": {"Ref": "Headers"},
                    },
                    "CustomErrorResponses": [
                        {"ErrorCode": 403, "ResponseCode": 200, "ResponsePagePath": "/index.html"},
                        {"ErrorCode": 404, "ResponseCode": 200, "ResponsePagePath": "/index.html"},
                    ],
                },
                "Tags": [{"Key": "system", "Value": "test"}],
            },
        },
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Bucket"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudfront.amazonaws.com"},
                        "Action": "s3:GetObject",
                        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
                        "Condition": {
                            "StringEquals": {
                                "AWS:SourceArn": {
                                    "Fn::Sub": "arn:aws:cloudfront::${AWS::AccountId}:distribution/${Site}"
                                }
                            }
                        },
                    },
                },
            },
        },
    },
    "Outputs": {
        "Url": {"Value": {"Fn::Sub": "https://${Site.DomainName}/"}},
        "Domain": {"Value": {"Fn::GetAtt": ["Site", "DomainName"]}},
        "Id": {"Value": {"Ref": "Site"}},
        "Bucket": {"Value": {"Ref": "Bucket"}},
        "User": {"Value": {"Fn::GetAtt": ["Identity", "S3CanonicalUserId"]}},
    },
}  # fmt: skip


def outputs(cloud: RunningCloud, stack: str) -> dict[str, str]:
    found = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}


def quickly(client: Any, waiter: str, stack: str) -> None:
    client.get_waiter(waiter).wait(StackName=stack, WaiterConfig={"Delay": 0.2, "MaxAttempts": 150})


def test_a_site_of_a_stack_from_first_to_last(cloud: RunningCloud) -> None:
    stacks, cloudfront = cloud.client("cloudformation"), cloud.client("cloudfront")
    stacks.create_stack(StackName="cf-site", TemplateBody=json.dumps(TEMPLATE))
    quickly(stacks, "stack_create_complete", "cf-site")
    found = outputs(cloud, "cf-site")
    cloud.client("s3").put_object(
        Bucket=found["Bucket"], Key="index.html", Body=b"<p>hi", ContentType="text/html"
    )
    assert found["Url"].startswith("https://") and f":{cloud.port}" in found["Url"]
    assert found["Domain"] == f"d{found['Id'][1:].lower()}.cloudfront.net"
    assert len(found["User"]) == 96
    path = found["Url"].partition(f":{cloud.port}")[2]
    host = found["Url"].removeprefix("https://").partition("/")[0]
    for each in (path, path + "some/route"):
        answer = fetch(cloud, "", each, host=host)
        assert (answer.status, answer.body) == (200, b"<p>hi")
        assert answer.headers["x-stack"] == "yes"
    assert fetch(cloud, "", path, host=host, secure=False).status == 301

    distribution = cloudfront.get_distribution(Id=found["Id"])["Distribution"]
    assert distribution["Status"] == "Deployed"
    methods = distribution["DistributionConfig"]["DefaultCacheBehavior"]["AllowedMethods"]
    assert sorted(methods["Items"]) == ["GET", "HEAD", "OPTIONS"]
    assert sorted(methods["CachedMethods"]["Items"]) == ["GET", "HEAD"]
    tags = cloudfront.list_tags_for_resource(Resource=distribution["ARN"])["Tags"]["Items"]
    assert {"Key": "system", "Value": "test"} in tags

    stacks.update_stack(
        StackName="cf-site", UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Root", "ParameterValue": "other.html"}],
    )  # fmt: skip
    quickly(stacks, "stack_update_complete", "cf-site")
    config = cloudfront.get_distribution_config(Id=found["Id"])["DistributionConfig"]
    assert config["DefaultRootObject"] == "other.html"

    cloud.client("s3").delete_object(Bucket=found["Bucket"], Key="index.html")
    stacks.delete_stack(StackName="cf-site")
    quickly(stacks, "stack_delete_complete", "cf-site")
    assert found["Id"] not in {
        each["Id"] for each in cloudfront.list_distributions()["DistributionList"].get("Items", [])
    }
    assert fetch(cloud, "", path, host=host).status == 403


def test_unknown_properties_are_named(cloud: RunningCloud) -> None:
    stacks = cloud.client("cloudformation")
    template = {
        "Resources": {
            "Site": {
                "Type": "AWS::CloudFront::Distribution",
                "Properties": {
                    "DistributionConfig": {
                        "Enabled": True,
                        "Origins": [{"Id": "a", "DomainName": "example.com", "CustomOriginConfig": {}}],
                        "DefaultCacheBehavior": {
                            "TargetOriginId": "a", "ViewerProtocolPolicy": "allow-all", "Colour": "red",
                        },
                    }
                },
            }
        }
    }  # fmt: skip
    stacks.create_stack(StackName="cf-odd", TemplateBody=json.dumps(template))
    with pytest.raises(WaiterError):
        quickly(stacks, "stack_create_complete", "cf-odd")
    events = stacks.describe_stack_events(StackName="cf-odd")["StackEvents"]
    reasons = " ".join(each.get("ResourceStatusReason", "") for each in events)
    assert "[#/DistributionConfig/DefaultCacheBehavior: extraneous key [Colour] is not permitted]" in reasons
