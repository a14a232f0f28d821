"""Cross-origin requests: a bucket's rules, preflight requests, and the headers of actual answers.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

import re
from typing import Any
from urllib.parse import unquote

from maycloud.edge.messages import RawHeaders, Reply, Request, Response
from maycloud.errors import AwsError
from maycloud.services.base import Call, Cloud, Params, Result
from maycloud.services.s3.buckets import bucket_to_set, buckets, setting
from maycloud.services.s3.common import malformed_xml

METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
MAX_RULES = 100
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*")  # what names of headers are made of
_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
# The spelling is AWS's.
_NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request"
    " method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the"
    " resource's CORS spec."
)

Rule = dict[str, Any]


def put_bucket_cors(call: Call, params: Params) -> Result:
    bucket = bucket_to_set(call, params)
    rules: list[Rule] = (params.get("CORSConfiguration") or {}).get("CORSRules", [])
    if not rules:
        raise malformed_xml()
    if len(rules) > MAX_RULES:
        raise AwsError(
            "InvalidRequest", "The number of CORS rules should not exceed allowed limit of 100 rules."
        )
    for rule in rules:
        _check(rule)
    bucket.settings["cors"] = {"CORSRules": rules}
    buckets(call).save(bucket)
    return None


def _check(rule: Rule) -> None:
    if not rule.get("AllowedOrigins") or not rule.get("AllowedMethods") or len(rule.get("ID", "")) > 255:
        raise malformed_xml()
    for method in rule["AllowedMethods"]:
        if method not in METHODS:
            raise _invalid(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
    for origin in rule["AllowedOrigins"]:
        if origin.count("*") > 1:
            raise _invalid(f'AllowedOrigin "{origin}" can not have more than one wildcard.')
    for header in rule.get("AllowedHeaders", []):
        if header.count("*") > 1:
            raise _invalid(f'AllowedHeader "{header}" can not have more than one wildcard.')
        if not _TOKEN.fullmatch(header):
            raise _invalid(f'AllowedHeader "{header}" contains invalid character.')
    for header in rule.get("ExposeHeaders", []):
        if "*" in header:
            raise _invalid(
                f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for'
                " ExposeHeader."
            )
        if not _TOKEN.fullmatch(header):
            raise _invalid(f'ExposeHeader "{header}" contains invalid character.')


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequest", message)


def get_bucket_cors(call: Call, params: Params) -> Result:
    return setting(call, params, "cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist")


# Preflight


def preflight(call: Call, params: Params) -> Result:
    """May a page of another origin send the request it wants to? Asked before anybody is authenticated."""
    kind = "OBJECT" if "Key" in params else "BUCKET"
    origin, method = params.get("Origin"), params.get("Method")
    if not origin:
        raise AwsError("BadRequest", "Insufficient information. Origin request header needed.")
    bucket = buckets(call).find(params["Bucket"])
    if bucket is None:
        raise _forbidden("CORSResponse: Bucket not found", method, kind)
    rules = bucket.settings.get("cors", {}).get("CORSRules")
    if not rules:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", method, kind)
    if method not in METHODS:
        raise AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {method or 'null'}")
    headers = [name.strip().lower() for name in (params.get("Headers") or "").split(",") if name.strip()]
    for name in headers:
        if not _TOKEN.fullmatch(name):
            raise AwsError(
                "BadRequest", f'Access-Control-Request-Headers "{name}" contains invalid character.'
            )
    rule = _find(rules, origin, method, headers)
    if rule is None:
        raise _forbidden(_NOT_ALLOWED, method, kind)
    return None


def _forbidden(message: str, method: str | None, kind: str) -> AwsError:
    return AwsError("AccessForbidden", message, 403, Method=method or "OPTIONS", ResourceType=kind)


def _find(rules: list[Rule], origin: str, method: str, headers: list[str]) -> Rule | None:
    """The first rule that allows origin, method and every header; AWS looks no further."""
    for rule in rules:
        if method not in rule["AllowedMethods"] or not any(
            _like(pattern, origin) for pattern in rule["AllowedOrigins"]
        ):
            continue
        allowed = [name.lower() for name in rule.get("AllowedHeaders", [])]
        if all(any(_like(pattern, header) for pattern in allowed) for header in headers):
            return rule
    return None


def _like(pattern: str, text: str) -> bool:
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)


# Headers


def answering(cloud: Cloud, request: Request, bucket: str | None, reply: Reply) -> Reply:
    """Gives every answer to a request of another origin, refusals included, the headers of its rule."""
    origin = request.fields.get(b"origin")
    if origin is None:
        return reply
    name = bucket or unquote(request.path.lstrip("/").partition("/")[0])

    def answer(response: Response) -> None:
        # After a failed commit the edge is handed the failure itself.
        if isinstance(response, Response):
            added = _headers(cloud, name, request, origin.decode("latin-1"))
            response.headers = [*response.headers, *added]
        reply(response)

    return answer


def _headers(cloud: Cloud, name: str, request: Request, origin: str) -> RawHeaders:
    bucket = cloud.state("s3").buckets.find(name) if name else None
    rules = bucket.settings.get("cors", {}).get("CORSRules", []) if bucket is not None else []
    is_preflight = request.method == "OPTIONS"
    method = request.header("access-control-request-method") if is_preflight else request.method
    asked = request.header("access-control-request-headers") if is_preflight else ""
    headers = [part.strip().lower() for part in asked.split(",") if part.strip()]
    rule = _find(rules, origin, method, headers)
    if rule is None:
        return []
    anyone = "*" in rule["AllowedOrigins"]
    found = {
        "access-control-allow-origin": "*" if anyone else origin,
        "access-control-allow-methods": ", ".join(rule["AllowedMethods"]),
        "vary": _VARY,
    }
    if not anyone:
        found["access-control-allow-credentials"] = "true"
    if headers:
        found["access-control-allow-headers"] = ", ".join(headers)
    if rule.get("ExposeHeaders"):
        found["access-control-expose-headers"] = ", ".join(rule["ExposeHeaders"])
    if rule.get("MaxAgeSeconds") is not None:
        found["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    return [(key.encode(), value.encode("latin-1", "replace")) for key, value in found.items()]
