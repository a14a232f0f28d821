"""Response headers policies at work: CORS, security and custom headers, headers removed.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
"""

from typing import Any

from maycloud.edge.messages import RawHeaders
from maycloud.services.cloudfront.common import items

Config = dict[str, Any]
_METHODS = ["GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


def apply(config: Config, headers: RawHeaders, origin: bytes | None, *, preflight: bool) -> RawHeaders:
    """The viewer's headers. `origin` is the request's Origin header."""
    removed = {each["Header"].lower().encode() for each in items(config.get("RemoveHeadersConfig"))}
    kept = [header for header in headers if header[0] not in removed]
    cors = config.get("CorsConfig")
    if cors and origin is not None:
        kept = _cors(cors, kept, origin, preflight=preflight)
    for name, value, override in _security(config.get("SecurityHeadersConfig") or {}):
        kept = _set(kept, name, value, override=override)
    for each in items(config.get("CustomHeadersConfig")):
        name, value = each["Header"].lower().encode("latin-1"), each["Value"].encode("latin-1", "replace")
        kept = _set(kept, name, value, override=each["Override"])
    return kept


def _set(headers: RawHeaders, name: bytes, value: bytes, *, override: bool) -> RawHeaders:
    if any(each == name for each, _ in headers):
        if not override:
            return headers
        headers = [header for header in headers if header[0] != name]
    return [*headers, (name, value)]


def _cors(cors: Config, headers: RawHeaders, origin: bytes, *, preflight: bool) -> RawHeaders:
    """Where the origin sent CORS headers of its own, they stand unless the policy overrides."""
    if any(name.startswith(b"access-control-") for name, _ in headers):
        if not cors["OriginOverride"]:
            return headers
        headers = [header for header in headers if not header[0].startswith(b"access-control-")]
    allowed = items(cors["AccessControlAllowOrigins"])
    sent = origin.decode("latin-1")
    if not any(_origin_fits(pattern, sent) for pattern in allowed):
        return headers
    everyone = "*" in allowed
    found: RawHeaders = [(b"access-control-allow-origin", b"*" if everyone else origin)]
    if not everyone:
        found.append((b"vary", b"Origin"))
    if cors["AccessControlAllowCredentials"]:
        found.append((b"access-control-allow-credentials", b"true"))
    exposed = items(cors.get("AccessControlExposeHeaders"))
    if exposed:
        found.append((b"access-control-expose-headers", ", ".join(exposed).encode()))
    if preflight:
        methods = items(cors["AccessControlAllowMethods"])
        names = _METHODS if "ALL" in methods else methods
        found.append((b"access-control-allow-methods", ", ".join(names).encode()))
        found.append(
            (b"access-control-allow-headers", ", ".join(items(cors["AccessControlAllowHeaders"])).encode())
        )
        if cors.get("AccessControlMaxAgeSec") is not None:
            found.append((b"access-control-max-age", str(cors["AccessControlMaxAgeSec"]).encode()))
    return [*headers, *found]


def _origin_fits(pattern: str, origin: str) -> bool:
    """An origin by name, or with ``*`` for what comes before or after."""
    if "*" not in pattern:
        return origin.lower() == pattern.lower()
    first, _, last = pattern.lower().partition("*")
    text = origin.lower()
    return len(text) >= len(first) + len(last) and text.startswith(first) and text.endswith(last)


def _security(config: Config) -> list[tuple[bytes, bytes, bool]]:
    found: list[tuple[bytes, bytes, bool]] = []
    if xss := config.get("XSSProtection"):
        value = "1" if xss["Protection"] else "0"
        if xss["Protection"] and xss.get("ModeBlock"):
            value += "; mode=block"
        elif xss["Protection"] and xss.get("ReportUri"):
            value += f"; report={xss['ReportUri']}"
        found.append((b"x-xss-protection", value.encode(), xss["Override"]))
    if frame := config.get("FrameOptions"):
        found.append((b"x-frame-options", frame["FrameOption"].encode(), frame["Override"]))
    if referrer := config.get("ReferrerPolicy"):
        found.append((b"referrer-policy", referrer["ReferrerPolicy"].encode(), referrer["Override"]))
    if content := config.get("ContentSecurityPolicy"):
        policy = content["ContentSecurityPolicy"].encode("latin-1", "replace")
        found.append((b"content-security-policy", policy, content["Override"]))
    if types := config.get("ContentTypeOptions"):
        found.append((b"x-content-type-options", b"nosniff", types["Override"]))
    if transport := config.get("StrictTransportSecurity"):
        value = f"max-age={transport['AccessControlMaxAgeSec']}"
        value += "; includeSubDomains" if transport.get("IncludeSubdomains") else ""
        value += "; preload" if transport.get("Preload") else ""
        found.append((b"strict-transport-security", value.encode(), transport["Override"]))
    return found
