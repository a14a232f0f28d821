"""A distribution's configuration as AWS stores it: what the caller left out has AWS's defaults.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
"""

from typing import Any

from maycloud.services.cloudfront.common import check_quantities, items, quantified

Config = dict[str, Any]

_LEGACY_TTL = {"MinTTL": 0, "DefaultTTL": 86400, "MaxTTL": 31536000}


def complete(config: Config) -> Config:
    """A whole configuration; the caller's own values are kept as they are, once they count right."""
    check_quantities(config)
    return {
        "Aliases": {"Quantity": 0},
        "DefaultRootObject": "",
        "OriginGroups": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0},
        "PriceClass": "PriceClass_All",
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": False,
        "ContinuousDeploymentPolicyId": "",
        "Staging": False,
        **config,
        "Origins": quantified([_origin(each) for each in items(config["Origins"])]),
        "DefaultCacheBehavior": _behavior(config["DefaultCacheBehavior"]),
        "CacheBehaviors": quantified([_behavior(each) for each in items(config.get("CacheBehaviors"))]),
        "Logging": {
            "Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": "",
            **(config.get("Logging") or {}),
        },
        "ViewerCertificate": _certificate(config.get("ViewerCertificate") or {}),
        "Restrictions": config.get("Restrictions")
        or {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    }  # fmt: skip


def _origin(given: Config) -> Config:
    origin: Config = {
        "OriginPath": "",
        "CustomHeaders": {"Quantity": 0},
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": "",
        **given,
    }
    if given.get("S3OriginConfig") is not None:
        origin["S3OriginConfig"] = {"OriginReadTimeout": 30, **given["S3OriginConfig"]}
    if given.get("CustomOriginConfig") is not None:
        origin["CustomOriginConfig"] = {
            "OriginSslProtocols": quantified(["TLSv1", "TLSv1.1", "TLSv1.2"]),
            "OriginReadTimeout": 30,
            "OriginKeepaliveTimeout": 5,
            **given["CustomOriginConfig"],
        }
    return origin


def _behavior(given: Config) -> Config:
    behavior: Config = {
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
        "SmoothStreaming": False,
        "Compress": False,
        "LambdaFunctionAssociations": {"Quantity": 0},
        "FunctionAssociations": {"Quantity": 0},
        "FieldLevelEncryptionId": "",
        "GrpcConfig": {"Enabled": False},
        **given,
    }
    methods = given.get("AllowedMethods") or quantified(["HEAD", "GET"])
    behavior["AllowedMethods"] = {"CachedMethods": quantified(["HEAD", "GET"]), **methods}
    if given.get("ForwardedValues") is not None:
        forwarded = {"Headers": {"Quantity": 0}, "QueryStringCacheKeys": {"Quantity": 0}}
        behavior["ForwardedValues"] = forwarded | given["ForwardedValues"]
        low = given.get("MinTTL", 0)
        usual = given.get("DefaultTTL", max(_LEGACY_TTL["DefaultTTL"], low))
        behavior |= {
            "MinTTL": low,
            "DefaultTTL": usual,
            "MaxTTL": given.get("MaxTTL", max(_LEGACY_TTL["MaxTTL"], usual)),
        }
    return behavior


def _certificate(given: Config) -> Config:
    """Without one of the caller's own, CloudFront's for ``*.cloudfront.net``."""
    if given.get("ACMCertificateArn"):
        named = given["ACMCertificateArn"]
        return {
            "CloudFrontDefaultCertificate": False, "MinimumProtocolVersion": "TLSv1",
            "Certificate": named, "CertificateSource": "acm", **given,
        }  # fmt: skip
    if given.get("IAMCertificateId"):
        named = given["IAMCertificateId"]
        return {
            "CloudFrontDefaultCertificate": False, "MinimumProtocolVersion": "TLSv1",
            "Certificate": named, "CertificateSource": "iam", **given,
        }  # fmt: skip
    return {
        "CloudFrontDefaultCertificate": True,
        "SSLSupportMethod": "vip",
        "MinimumProtocolVersion": "TLSv1",
        "CertificateSource": "cloudfront",
    }
