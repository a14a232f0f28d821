"""What AWS refuses in a distribution's configuration, and what this cloud does not do.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateDistribution.html lists the errors;
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html the limits.
"""

import ipaddress
import re
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call
from maycloud.services.cloudfront import policies
from maycloud.services.cloudfront.access_controls import IDENTITY
from maycloud.services.cloudfront.behaviors import S3_HOST
from maycloud.services.cloudfront.common import invalid, items, scope, state, unsupported
from maycloud.services.cloudfront.policies import behaviors

Config = dict[str, Any]

MAX_ORIGINS = 25
MAX_BEHAVIORS = 25  # besides the default one
MAX_ALIASES = 100
MAX_HEADERS = 10  # custom headers of an origin; headers, cookies and query strings of a behavior

_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*")
_ALIAS = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)
_ROOT = re.compile(r"[A-Za-z0-9_\-.*$/~\"'&();:@=+,!%]{0,255}")
_PATTERN = re.compile(r"[A-Za-z0-9_\-.*?$/~\"'@:+&]{1,255}")
_PATH = re.compile(r"/[A-Za-z0-9_\-.$/~\"'@:+&%!*();=,]{0,254}")
_METHODS = (
    frozenset({"GET", "HEAD"}),
    frozenset({"GET", "HEAD", "OPTIONS"}),
    frozenset({"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}),
)
_ERROR_CODES = frozenset({400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504})
_RESPONSE_CODES = frozenset({"200", *map(str, _ERROR_CODES)})
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
_RESERVED_HEADERS = frozenset(
    {
        "cache-control", "connection", "content-length", "cookie", "host", "if-match", "if-modified-since",
        "if-none-match", "if-range", "if-unmodified-since", "max-forwards", "pragma", "proxy-authorization",
        "proxy-connection", "range", "request-range", "te", "trailer", "transfer-encoding", "upgrade", "via",
        "x-real-ip",
    }
)  # fmt: skip


def check(call: Call, config: Config, own: str | None) -> None:
    """Raise for the first thing that AWS would refuse; `own` is the distribution's id on an update."""
    if len(config["CallerReference"]) > 128 or not config["CallerReference"]:
        raise invalid("The parameter CallerReference is invalid.")
    if len(config["Comment"]) > 128:
        raise invalid("The parameter Comment is too long.")
    _check_unsupported(config)
    root = config["DefaultRootObject"]
    if root.startswith("/") or not _ROOT.fullmatch(root):
        raise AwsError("InvalidDefaultRootObject", "The parameter DefaultRootObject is invalid.")
    _check_aliases(call, config, own)
    origins = _check_origins(call, config)
    _check_behaviors(call, config, origins)
    _check_errors(config)


def _check_unsupported(config: Config) -> None:
    if config["Staging"]:
        raise unsupported("Staging")
    if config["ContinuousDeploymentPolicyId"]:
        raise AwsError(
            "NoSuchContinuousDeploymentPolicy", "The continuous deployment policy doesn't exist.", 404
        )
    if config["WebACLId"]:
        raise AwsError("InvalidWebACLId", "The parameter WebACLId is invalid: AWS WAF is not there.")
    if config["Logging"]["Enabled"]:
        raise unsupported("Logging")
    if config["OriginGroups"]["Quantity"]:
        raise unsupported("An origin group")
    if config["Restrictions"]["GeoRestriction"]["RestrictionType"] != "none":
        raise unsupported("A geographic restriction")
    for member in ("TenantConfig", "ViewerMtlsConfig", "ConnectionFunctionAssociation", "AnycastIpListId",
                   "CacheTagConfig"):  # fmt: skip
        if config.get(member):
            raise unsupported(member)
    if config.get("ConnectionMode", "direct") != "direct":
        raise unsupported("ConnectionMode tenant-only")


def _check_aliases(call: Call, config: Config, own: str | None) -> None:
    aliases = items(config["Aliases"])
    if len(aliases) > MAX_ALIASES:
        raise AwsError(
            "TooManyDistributionCNAMEs",
            "Your request contains more CNAMEs than are allowed per distribution.",
        )
    for alias in aliases:
        if not _ALIAS.fullmatch(alias):
            raise invalid(f"The parameter CNAME contains {alias[:253]} that is not valid.")
    if aliases and config["ViewerCertificate"].get("CloudFrontDefaultCertificate"):
        raise AwsError(
            "InvalidViewerCertificate",
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted"
            " certificate that validates your authorization to use the domain name. For more details, see:"
            " https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html"
            "#alternate-domain-names-requirements",
        )
    taken = {
        alias.lower()
        for _, each in state(call).all_distributions()
        if each["id"] != own
        for alias in items(each["config"]["Aliases"])
    }
    if taken & {alias.lower() for alias in aliases}:
        raise AwsError(
            "CNAMEAlreadyExists",
            "One or more of the CNAMEs you provided are already associated with a different resource.",
            409,
        )


# Origins


def _check_origins(call: Call, config: Config) -> dict[str, Config]:
    origins = items(config["Origins"])
    if len(origins) > MAX_ORIGINS:
        raise AwsError("TooManyOrigins", "You cannot create more origins for the distribution.")
    found: dict[str, Config] = {}
    for origin in origins:
        if origin["Id"] in found or not 0 < len(origin["Id"]) <= 128:
            raise invalid("The parameter Origin Id is duplicated or invalid.")
        found[origin["Id"]] = origin
        _check_origin(call, origin)
    return found


def _check_origin(call: Call, origin: Config) -> None:
    _check_domain(origin["DomainName"])
    path = origin["OriginPath"]
    if path and (not _PATH.fullmatch(path) or path.endswith("/")):
        raise invalid(
            "The parameter OriginPath must start with a / and must not end with one."
            if not _PATH.fullmatch(path)
            else "The parameter origin path cannot end with a /."
        )
    headers = items(origin["CustomHeaders"])
    if len(headers) > MAX_HEADERS:
        raise AwsError("TooManyOriginCustomHeaders", "Your request contains too many origin custom headers.")
    for header in headers:
        name = header["HeaderName"].lower()
        edge = name.startswith(("x-amz-", "x-edge-"))
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9a-z-]+", name) or name in _RESERVED_HEADERS or edge:
            raise invalid(f"The parameter HeaderName : {header['HeaderName']} is not allowed.")
        if re.search(r"[\r\n\0]", header["HeaderValue"]):
            raise invalid("The parameter HeaderValue contains characters that are not valid.")
    if origin.get("VpcOriginConfig"):
        raise AwsError("EntityNotFound", "The specified VPC origin does not exist.", 404)
    s3, custom = origin.get("S3OriginConfig"), origin.get("CustomOriginConfig")
    if (s3 is None) == (custom is None):
        raise invalid("An origin needs exactly one of S3OriginConfig and CustomOriginConfig.")
    if not 1 <= origin["ConnectionAttempts"] <= 3:
        raise invalid("The parameter ConnectionAttempts must be between 1 and 3.")
    if not 1 <= origin["ConnectionTimeout"] <= 10:
        raise invalid("The parameter ConnectionTimeout must be between 1 and 10.")
    if s3 is not None:
        _check_s3(call, origin, s3)
    else:
        _check_custom(call, origin, custom or {})


def _check_domain(domain: str) -> None:
    if not _HOST.fullmatch(domain) or len(domain) > 253:
        raise invalid("The parameter origin name must be a domain name.")
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        return
    raise invalid("The parameter origin name cannot be an IP address.")


def _check_control(call: Call, origin: Config) -> None:
    control = origin["OriginAccessControlId"]
    if control and state(call).access_controls.get(scope(call), control) is None:
        raise AwsError("InvalidOriginAccessControl", "The origin access control is not valid.")


def _check_s3(call: Call, origin: Config, s3: Config) -> None:
    if not S3_HOST.fullmatch(origin["DomainName"].lower()):
        raise AwsError(
            "InvalidOrigin", "The specified origin server does not exist or is not valid.",
        )  # fmt: skip
    identity = s3["OriginAccessIdentity"]
    if identity and origin["OriginAccessControlId"]:
        raise AwsError(
            "IllegalOriginAccessConfiguration",
            "An origin cannot contain both an origin access control (OAC) and an origin access identity"
            " (OAI).",
        )
    _check_control(call, origin)
    known = identity.startswith(IDENTITY) and state(call).identities.get(
        scope(call), identity.removeprefix(IDENTITY)
    )
    if identity and not known:
        raise AwsError(
            "InvalidOriginAccessIdentity",
            "The specified origin access identity does not exist or is not valid.",
        )


def _check_custom(call: Call, origin: Config, custom: Config) -> None:
    for member in ("HTTPPort", "HTTPSPort"):
        port = custom[member]
        if port not in (80, 443) and not 1024 <= port <= 65535:
            raise invalid(f"The parameter {member} must be 80, 443 or between 1024 and 65535.")
    if not 1 <= custom["OriginReadTimeout"] <= 120:
        raise AwsError("InvalidOriginReadTimeout", "The read timeout specified for the origin is not valid.")
    if not 1 <= custom["OriginKeepaliveTimeout"] <= 120:
        raise AwsError(
            "InvalidOriginKeepaliveTimeout", "The keep alive timeout specified for the origin is not valid."
        )
    if custom.get("OriginMtlsConfig"):
        raise unsupported("OriginMtlsConfig")
    _check_control(call, origin)
    if origin["OriginAccessControlId"]:
        raise AwsError(
            "InvalidDomainNameForOriginAccessControl",
            "An origin access control is associated with an origin whose domain name is not supported.",
        )


# Behaviors


def _check_behaviors(call: Call, config: Config, origins: dict[str, Config]) -> None:
    patterned = items(config["CacheBehaviors"])
    if len(patterned) > MAX_BEHAVIORS:
        raise AwsError(
            "TooManyCacheBehaviors", "You cannot create more cache behaviors for the distribution."
        )
    seen: set[str] = set()
    for behavior in patterned:
        pattern = behavior["PathPattern"]
        if not _PATTERN.fullmatch(pattern):
            raise invalid("The parameter PathPattern is invalid.")
        if pattern.removeprefix("/") in seen:
            raise invalid("The parameter PathPattern is duplicated.")
        seen.add(pattern.removeprefix("/"))
    for behavior in behaviors(config):
        if behavior["TargetOriginId"] not in origins:
            raise AwsError(
                "NoSuchOrigin",
                "One or more of your origins or origin groups do not exist.",
                404,
            )
        _check_signers(behavior)
        _check_functions(behavior)
        _check_methods(behavior)
        _check_caching(call, behavior)
        _check_legacy(behavior, origins[behavior["TargetOriginId"]])


def _check_signers(behavior: Config) -> None:
    if behavior["TrustedSigners"]["Enabled"] or behavior["TrustedSigners"]["Quantity"]:
        raise AwsError(
            "TrustedSignerDoesNotExist",
            "One or more of your trusted signers don't exist: there are no key pairs.",
        )
    if behavior["TrustedKeyGroups"]["Enabled"] or behavior["TrustedKeyGroups"]["Quantity"]:
        raise AwsError("TrustedKeyGroupDoesNotExist", "The specified key group does not exist.")


def _check_functions(behavior: Config) -> None:
    if behavior["LambdaFunctionAssociations"]["Quantity"]:
        raise AwsError(
            "InvalidLambdaFunctionAssociation",
            "Lambda@Edge is not supported by Maycloud; see docs/coverage.md",
        )
    if behavior["FunctionAssociations"]["Quantity"]:
        raise AwsError(
            "InvalidFunctionAssociation",
            "CloudFront Functions are not supported by Maycloud; see docs/coverage.md",
        )
    if behavior["FieldLevelEncryptionId"]:
        raise AwsError(
            "NoSuchFieldLevelEncryptionConfig",
            "The specified configuration for field-level encryption doesn't exist.",
            404,
        )
    if behavior.get("RealtimeLogConfigArn"):
        raise AwsError("NoSuchRealtimeLogConfig", "The real-time log configuration does not exist.", 404)
    if behavior["SmoothStreaming"]:
        raise unsupported("SmoothStreaming")
    if behavior["GrpcConfig"]["Enabled"]:
        raise unsupported("gRPC")


def _check_methods(behavior: Config) -> None:
    allowed = frozenset(items(behavior["AllowedMethods"]))
    cached = frozenset(items(behavior["AllowedMethods"]["CachedMethods"]))
    if allowed not in _METHODS or len(allowed) != behavior["AllowedMethods"]["Quantity"]:
        raise invalid("The parameter AllowedMethods is invalid.")
    if cached not in _METHODS[:2] or not cached <= allowed:
        raise invalid("The parameter CachedMethods is invalid.")


def _check_caching(call: Call, behavior: Config) -> None:
    policy, forwarded = behavior.get("CachePolicyId"), behavior.get("ForwardedValues")
    if policy and forwarded:
        raise invalid(
            "The parameter ForwardedValues cannot be used when a cache policy is associated to the cache"
            " behavior."
        )
    if not policy and not forwarded:
        raise invalid("The parameter ForwardedValues is required.")
    for kind in policies.KINDS:
        if behavior.get(f"{kind.noun}Id"):
            policies.find(call, kind, behavior[f"{kind.noun}Id"])
    if policy and any(member in behavior for member in ("MinTTL", "DefaultTTL", "MaxTTL")):
        raise invalid(
            "The parameters MinTTL, DefaultTTL, and MaxTTL cannot be used when a cache policy is"
            " associated to the cache behavior."
        )
    if forwarded and behavior.get("OriginRequestPolicyId"):
        raise invalid(
            "The parameter OriginRequestPolicyId cannot be used when ForwardedValues is associated to"
            " the cache behavior."
        )


def _check_legacy(behavior: Config, origin: Config) -> None:
    forwarded = behavior.get("ForwardedValues")
    if not forwarded:
        return
    if not 0 <= behavior["MinTTL"] <= behavior["DefaultTTL"] <= behavior["MaxTTL"]:
        raise AwsError("InvalidTTLOrder", "The parameters MinTTL, DefaultTTL and MaxTTL are not in order.")
    cookies = forwarded["Cookies"]
    if (cookies["Forward"] == "whitelist") != bool(items(cookies.get("WhitelistedNames"))):
        raise AwsError(
            "InvalidForwardCookies",
            "Your request contains forward cookies option which doesn't match with the expectation for the"
            " whitelisted list of cookie names.",
        )
    if len(items(cookies.get("WhitelistedNames"))) > MAX_HEADERS:
        raise AwsError(
            "TooManyCookieNamesInWhiteList",
            "Your request contains more cookie names in the whitelist than are allowed per cache behavior.",
        )
    headers = items(forwarded["Headers"])
    if len(headers) > MAX_HEADERS:
        raise AwsError(
            "TooManyHeadersInForwardedValues", "Your request contains too many headers in forwarded values."
        )
    if "*" in headers and (behavior["MinTTL"] or origin.get("S3OriginConfig") is not None):
        raise AwsError(
            "InvalidHeadersForS3Origin" if origin.get("S3OriginConfig") is not None else "InvalidTTLOrder",
            "The headers specified are not valid for an Amazon S3 origin."
            if origin.get("S3OriginConfig") is not None
            else "MinTTL must be 0 when all headers are forwarded.",
        )
    keys = items(forwarded["QueryStringCacheKeys"])
    if len(keys) > MAX_HEADERS:
        raise AwsError(
            "TooManyQueryStringParameters", "Your request contains too many query string parameters."
        )
    if keys and not forwarded["QueryString"]:
        raise AwsError("InvalidQueryStringParameters", "The query string parameters specified are not valid.")


def _check_errors(config: Config) -> None:
    seen: set[int] = set()
    for error in items(config["CustomErrorResponses"]):
        code, page, response = error["ErrorCode"], error.get("ResponsePagePath"), error.get("ResponseCode")
        if code not in _ERROR_CODES or code in seen:
            raise AwsError("InvalidErrorCode", "The parameter ErrorCode is invalid or duplicated.")
        seen.add(code)
        if bool(page) != bool(response):
            raise AwsError(
                "InvalidResponseCode" if page else "InvalidArgument",
                "ResponsePagePath and ResponseCode must be given together.",
            )
        if page and not _PATH.fullmatch(page):
            raise invalid("The parameter ResponsePagePath is invalid.")
        if response and response not in _RESPONSE_CODES:
            raise AwsError("InvalidResponseCode", "The parameter ResponseCode is invalid.")
        if (error.get("ErrorCachingMinTTL") or 0) < 0:
            raise AwsError("InvalidTTLOrder", "The parameter ErrorCachingMinTTL is invalid.")
