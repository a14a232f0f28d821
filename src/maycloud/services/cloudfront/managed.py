"""The policies that AWS manages, under the ids that templates name.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
"""

from typing import Any

from maycloud.services.cloudfront.common import quantified

Config = dict[str, Any]


def _choice(kind: str, member: str, wanted: str, names: tuple[str, ...]) -> Config:
    chosen: Config = {f"{kind}Behavior": wanted}
    if names:
        chosen[member] = quantified(names)
    return chosen


def _cache(
    name: str,
    ttl: tuple[int, int, int],
    *,
    gzip: bool = False,
    brotli: bool = False,
    headers: tuple[str, ...] = (),
    cookies: str = "none",
    queries: str = "none",
    query_names: tuple[str, ...] = (),
) -> Config:
    low, usual, high = ttl
    return {
        "Name": f"Managed-{name}",
        "Comment": "",
        "MinTTL": low,
        "DefaultTTL": usual,
        "MaxTTL": high,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": gzip,
            "EnableAcceptEncodingBrotli": brotli,
            "HeadersConfig": _choice("Header", "Headers", "whitelist" if headers else "none", headers),
            "CookiesConfig": _choice("Cookie", "Cookies", cookies, ()),
            "QueryStringsConfig": _choice("QueryString", "QueryStrings", queries, query_names),
        },
    }


def _request(
    name: str,
    headers: str,
    header_names: tuple[str, ...] = (),
    *,
    cookies: str = "none",
    queries: str = "none",
    query_names: tuple[str, ...] = (),
) -> Config:
    return {
        "Name": f"Managed-{name}",
        "Comment": "",
        "HeadersConfig": _choice("Header", "Headers", headers, header_names),
        "CookiesConfig": _choice("Cookie", "Cookies", cookies, ()),
        "QueryStringsConfig": _choice("QueryString", "QueryStrings", queries, query_names),
    }


_DAY, _YEAR = 86400, 31536000
_METHOD_OVERRIDES = ("host", "x-http-method-override", "x-http-method", "x-method-override")

CACHE: dict[str, Config] = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": _cache(
        "CachingOptimized", (1, _DAY, _YEAR), gzip=True, brotli=True
    ),
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": _cache(
        "CachingOptimizedForUncompressedObjects", (1, _DAY, _YEAR)
    ),
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": _cache("CachingDisabled", (0, 0, 0)),
    "08627262-05a9-4f76-9ded-b50ca2e3a84f": _cache(
        "Elemental-MediaPackage", (0, _DAY, _YEAR), gzip=True, headers=("origin",), queries="whitelist",
        query_names=("aws.manifestfilter", "start", "end", "m"),
    ),
    "2e54312d-136d-493c-8eb9-b001f22f67d2": _cache(
        "Amplify", (2, 2, 600), gzip=True, brotli=True, cookies="all", queries="all",
        headers=("Authorization", "CloudFront-Viewer-Country", "Host"),
    ),
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": _cache(
        "UseOriginCacheControlHeaders", (0, 0, _YEAR), gzip=True, brotli=True, cookies="all",
        headers=_METHOD_OVERRIDES,
    ),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": _cache(
        "UseOriginCacheControlHeaders-QueryStrings", (0, 0, _YEAR), gzip=True, brotli=True, cookies="all",
        queries="all", headers=_METHOD_OVERRIDES,
    ),
}  # fmt: skip

_CORS = ("origin", "access-control-request-headers", "access-control-request-method")

ORIGIN_REQUEST: dict[str, Config] = {
    "acba4595-bd28-49b8-b9fe-13317c0390fa": _request(
        "UserAgentRefererHeaders", "whitelist", ("user-agent", "referer")
    ),
    "59781a5b-3903-41f3-afcb-af62929ccde1": _request("CORS-CustomOrigin", "whitelist", ("origin",)),
    "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": _request("CORS-S3Origin", "whitelist", _CORS),
    "216adef6-5c7f-47e4-b989-5492eafa07d3": _request("AllViewer", "allViewer", cookies="all", queries="all"),
    "775133bc-15f2-49f9-abea-afb2e0bf67d2": _request(
        "Elemental-MediaTailor-PersonalizedManifests", "whitelist",
        (*_CORS, "user-agent", "x-forwarded-for"), queries="all",
    ),
    "33f36d7e-f396-46d9-90e0-52428a34d9dc": _request(
        "AllViewerAndCloudFrontHeaders-2022-06", "allViewerAndWhitelistCloudFront",
        ("CloudFront-Forwarded-Proto", "CloudFront-Viewer-Address", "CloudFront-Viewer-Http-Version"),
        cookies="all", queries="all",
    ),
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": _request(
        "AllViewerExceptHostHeader", "allExcept", ("host",), cookies="all", queries="all"
    ),
    "bf0718e1-ba1e-49d1-88b1-f726733018ae": _request("HostHeaderOnly", "whitelist", ("host",)),
}  # fmt: skip


def _cors(*, preflight: bool) -> Config:
    every = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS")
    cors: Config = {
        "AccessControlAllowOrigins": quantified(["*"]),
        "AccessControlAllowHeaders": quantified(["*"]),
        "AccessControlAllowMethods": quantified(every if preflight else ("GET", "HEAD")),
        "AccessControlAllowCredentials": False,
        "OriginOverride": False,
    }
    if preflight:
        cors["AccessControlExposeHeaders"] = quantified(["*"])
    return cors


_SECURITY: Config = {
    "XSSProtection": {"Override": False, "Protection": True, "ModeBlock": True},
    "FrameOptions": {"Override": False, "FrameOption": "SAMEORIGIN"},
    "ReferrerPolicy": {"Override": False, "ReferrerPolicy": "strict-origin-when-cross-origin"},
    "ContentTypeOptions": {"Override": True},
    "StrictTransportSecurity": {"Override": False, "AccessControlMaxAgeSec": _YEAR},
}


def _headers(name: str, **parts: Config) -> Config:
    return {"Name": f"Managed-{name}", "Comment": "", **parts}


RESPONSE_HEADERS: dict[str, Config] = {
    "60669652-455b-4ae9-85a4-c4c02393f86c": _headers("SimpleCORS", CorsConfig=_cors(preflight=False)),
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd": _headers(
        "CORS-With-Preflight", CorsConfig=_cors(preflight=True)
    ),
    "67f7725c-6f97-4210-82d7-5512b31e9d03": _headers(
        "SecurityHeadersPolicy", SecurityHeadersConfig=_SECURITY
    ),
    "e61eb60c-9c35-4d20-a928-2b84e02af89c": _headers(
        "CORS-and-SecurityHeadersPolicy",
        CorsConfig=_cors(preflight=False), SecurityHeadersConfig=_SECURITY,
    ),
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63": _headers(
        "CORS-with-preflight-and-SecurityHeadersPolicy",
        CorsConfig=_cors(preflight=True), SecurityHeadersConfig=_SECURITY,
    ),
}  # fmt: skip

MANAGED: dict[str, dict[str, Config]] = {
    "cache": CACHE,
    "origin-request": ORIGIN_REQUEST,
    "response-headers": RESPONSE_HEADERS,
}
