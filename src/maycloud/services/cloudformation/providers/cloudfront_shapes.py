"""CloudFormation's spelling of CloudFront's configurations, turned into the API's.

A template writes lists where the API has ``{"Quantity": N, "Items": […]}``, and some names otherwise.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_CloudFront.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.cloudformation.given import Given


@dataclass(frozen=True, slots=True)
class Member:
    """How one property is turned: its name in the API, the shape of its value."""

    name: str = ""  # where the API calls it otherwise
    shape: "Mapping[str, Member] | None" = None  # of an object, or of a list's objects
    listed: bool = False  # a list that the API counts
    items: bool = False  # written {"Items": […]}, counted by us


AS_IS = Member()
LIST = Member(listed=True)

Shape = Mapping[str, Member]


def names(*given: str) -> dict[str, Member]:
    return dict.fromkeys(given, AS_IS)


def counted(values: Any) -> dict[str, Any]:
    listed = values if isinstance(values, list) else [values]
    return {"Quantity": len(listed), "Items": listed} if listed else {"Quantity": 0}


def translate(value: Any, shape: Shape, path: str) -> dict[str, Any]:
    """The API's form of a property. Raises for names that the type does not have."""
    if not isinstance(value, Given):
        raise AwsError("ValidationError", f"Value of property {path} must be an object")
    value.check(shape)
    return {
        shape[name].name or name: _translate(given, shape[name], f"{path}/{name}")
        for name, given in value.items()
        if given is not None
    }


def _translate(value: Any, member: Member, path: str) -> Any:
    if member.items:
        value = value.get("Items", []) if isinstance(value, dict) else value
    if member.listed or member.items:
        values = value if isinstance(value, list) else [value]
        if member.shape is not None:
            values = [translate(each, member.shape, f"{path}/{index}") for index, each in enumerate(values)]
        return counted(values)
    return translate(value, member.shape, path) if member.shape is not None else value


def _objects(shape: Shape, name: str = "") -> Member:
    return Member(name, shape, listed=True)


def _object(shape: Shape, name: str = "") -> Member:
    return Member(name, shape)


_FORWARDED = {
    "QueryString": AS_IS,
    "Cookies": _object({"Forward": AS_IS, "WhitelistedNames": LIST}),
    "Headers": LIST,
    "QueryStringCacheKeys": LIST,
}
_BEHAVIOR: dict[str, Member] = {
    **names(
        "PathPattern", "TargetOriginId", "ViewerProtocolPolicy", "Compress", "CachePolicyId",
        "OriginRequestPolicyId", "ResponseHeadersPolicyId", "FieldLevelEncryptionId", "SmoothStreaming",
        "RealtimeLogConfigArn", "MinTTL", "DefaultTTL", "MaxTTL", "GrpcConfig",
    ),
    "AllowedMethods": LIST,
    "CachedMethods": LIST,
    "ForwardedValues": _object(_FORWARDED),
    "TrustedSigners": LIST,
    "TrustedKeyGroups": LIST,
    "LambdaFunctionAssociations": LIST,
    "FunctionAssociations": LIST,
}  # fmt: skip
_ORIGIN: dict[str, Member] = {
    **names(
        "Id", "DomainName", "OriginPath", "ConnectionAttempts", "ConnectionTimeout", "OriginShield",
        "OriginAccessControlId", "VpcOriginConfig", "ResponseCompletionTimeout",
    ),
    "OriginCustomHeaders": Member("CustomHeaders", listed=True),
    "S3OriginConfig": _object(names("OriginAccessIdentity", "OriginReadTimeout")),
    "CustomOriginConfig": _object(
        {
            **names(
                "HTTPPort", "HTTPSPort", "OriginProtocolPolicy", "OriginReadTimeout",
                "OriginKeepaliveTimeout", "IpAddressType",
            ),
            "OriginSSLProtocols": Member("OriginSslProtocols", listed=True),
        }
    ),
}  # fmt: skip
DISTRIBUTION: dict[str, Member] = {
    **names(
        "DefaultRootObject", "Comment", "PriceClass", "Enabled", "WebACLId", "HttpVersion",
        "ContinuousDeploymentPolicyId", "Staging", "OriginGroups", "ConnectionMode", "AnycastIpListId",
    ),
    "IPV6Enabled": Member("IsIPV6Enabled"),
    "Aliases": LIST,
    "Origins": _objects(_ORIGIN),
    "DefaultCacheBehavior": _object(_BEHAVIOR),
    "CacheBehaviors": _objects(_BEHAVIOR),
    "CustomErrorResponses": _objects(
        names("ErrorCode", "ResponsePagePath", "ResponseCode", "ErrorCachingMinTTL")
    ),
    "Logging": _object(names("Enabled", "Bucket", "IncludeCookies", "Prefix")),
    "Restrictions": _object(
        {"GeoRestriction": _object({"RestrictionType": AS_IS, "Locations": AS_IS})}
    ),
    "ViewerCertificate": _object(
        {
            "AcmCertificateArn": Member("ACMCertificateArn"),
            "IamCertificateId": Member("IAMCertificateId"),
            "SslSupportMethod": Member("SSLSupportMethod"),
            **names("MinimumProtocolVersion", "CloudFrontDefaultCertificate"),
        }
    ),
}  # fmt: skip

_HEADERS = _object({"HeaderBehavior": AS_IS, "Headers": LIST})
_COOKIES = _object({"CookieBehavior": AS_IS, "Cookies": LIST})
_QUERIES = _object({"QueryStringBehavior": AS_IS, "QueryStrings": LIST})
_CHOICES = {"HeadersConfig": _HEADERS, "CookiesConfig": _COOKIES, "QueryStringsConfig": _QUERIES}

CACHE_POLICY: dict[str, Member] = {
    **names("Name", "Comment", "MinTTL", "DefaultTTL", "MaxTTL"),
    "ParametersInCacheKeyAndForwardedToOrigin": _object(
        {**names("EnableAcceptEncodingGzip", "EnableAcceptEncodingBrotli"), **_CHOICES}
    ),
}
ORIGIN_REQUEST_POLICY: dict[str, Member] = {**names("Name", "Comment"), **_CHOICES}

_COUNTED = Member(items=True)
RESPONSE_HEADERS_POLICY: dict[str, Member] = {
    **names("Name", "Comment", "ServerTimingHeadersConfig"),
    "CorsConfig": _object(
        {
            "AccessControlAllowOrigins": _COUNTED,
            "AccessControlAllowHeaders": _COUNTED,
            "AccessControlAllowMethods": _COUNTED,
            "AccessControlExposeHeaders": _COUNTED,
            **names("AccessControlAllowCredentials", "AccessControlMaxAgeSec", "OriginOverride"),
        }
    ),
    "SecurityHeadersConfig": _object(
        names(
            "XSSProtection", "FrameOptions", "ReferrerPolicy", "ContentSecurityPolicy",
            "ContentTypeOptions", "StrictTransportSecurity",
        )
    ),
    "CustomHeadersConfig": Member(shape=names("Header", "Value", "Override"), items=True),
    "RemoveHeadersConfig": Member(shape=names("Header"), items=True),
}  # fmt: skip


def _finish_behavior(behavior: dict[str, Any]) -> None:
    """The API nests cached methods, and asks whether signers are enabled."""
    cached = behavior.pop("CachedMethods", None)
    if cached is not None:
        behavior.setdefault("AllowedMethods", counted(["GET", "HEAD"]))["CachedMethods"] = cached
    for member in ("TrustedSigners", "TrustedKeyGroups"):
        if member in behavior:
            behavior[member]["Enabled"] = bool(behavior[member]["Quantity"])


def distribution_config(value: Any, reference: str) -> dict[str, Any]:
    """DistributionConfig as CreateDistribution takes it."""
    config = translate(value, DISTRIBUTION, "/DistributionConfig")
    config.setdefault("Comment", "")
    value.require(("DefaultCacheBehavior", "Origins", "Enabled"))
    for behavior in [config["DefaultCacheBehavior"], *config.get("CacheBehaviors", {}).get("Items", [])]:
        _finish_behavior(behavior)
    for origin in config["Origins"].get("Items", []):
        if "S3OriginConfig" in origin:
            origin["S3OriginConfig"].setdefault("OriginAccessIdentity", "")
        elif "CustomOriginConfig" in origin:
            origin["CustomOriginConfig"] = {"HTTPPort": 80, "HTTPSPort": 443} | origin["CustomOriginConfig"]
    if "Restrictions" in config:
        geo = config["Restrictions"]["GeoRestriction"]
        config["Restrictions"]["GeoRestriction"] = {
            "RestrictionType": geo["RestrictionType"], **counted(geo.get("Locations", [])),
        }  # fmt: skip
    if "Logging" in config:
        config["Logging"] = {"Enabled": True, "IncludeCookies": False, "Prefix": ""} | config["Logging"]
    return config | {"CallerReference": reference}
