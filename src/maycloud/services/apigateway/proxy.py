"""Lambda proxy integration: events in, answers out, format 1.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import binascii
import functools
from typing import Any
from urllib.parse import unquote_plus

import orjson

from maycloud.edge.messages import RawHeaders, Request


class MalformedProxyError(Exception):
    """The function's answer has not the form of a proxy answer: 502 for the client."""


# Headers that an integration cannot set; they reach the client under another name.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
# and LocalStack's test_http_integration_with_lambda[HTTP_PROXY], recorded of AWS.
_REMAPPED = frozenset(
    {
        "authorization", "connection", "content-length", "content-md5", "date", "host", "max-forwards",
        "server", "user-agent", "www-authenticate", "x-amzn-requestid",
    }
)  # fmt: skip
_DROPPED = frozenset(
    {"expect", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"}
)
# Of a function's answer; another member makes it malformed: LocalStack's
# test_lambda_aws_proxy_response_format, recorded of AWS.
_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})


def remapped(name: str) -> str | None:
    """The name, in lower case, under which a client sees an integration's header; None where it does not."""
    if name in _DROPPED:
        return None
    return f"x-amzn-remapped-{name}" if name in _REMAPPED else name


def headers_of(request: Request) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Headers by name as API Gateway passes them: the last value of each, and all of each.

    Names are as the client wrote them, a repeated one as it wrote it first: LocalStack's
    test_lambda_aws_proxy_integration.
    """
    single: dict[str, str] = {}
    many: dict[str, list[str]] = {}
    written: dict[bytes, str] = {}
    names = request.names
    if len(names) != len(request.headers):
        names = [name for name, _ in request.headers]
    for sent, (lowered, raw_value) in zip(names, request.headers, strict=True):
        name, value = written.setdefault(lowered, _canonical(sent)), raw_value.decode("latin-1")
        single[name] = value
        many.setdefault(name, []).append(value)
    return single, many


@functools.lru_cache(maxsize=1024)
def _canonical(name: bytes) -> str:
    """``User-Agent`` for user-agent, as API Gateway writes the usual ones; custom names stay as sent."""
    text = name.decode("latin-1")
    return text.title() if text.lower() in _USUAL else text


_USUAL = frozenset(
    {
        "accept", "accept-encoding", "accept-language", "authorization", "cache-control", "content-type",
        "cookie", "host", "origin", "referer", "user-agent", "if-match", "if-none-match",
        "if-modified-since", "if-unmodified-since", "range",
    }
)  # fmt: skip


def query_of(text: str) -> tuple[dict[str, str] | None, dict[str, list[str]] | None]:
    """Query parameters: the last value of each, and all of each; None where there are none."""
    if not text:
        return None, None
    many: dict[str, list[str]] = {}
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            many.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return {name: values[-1] for name, values in many.items()}, many


def is_binary(content_type: str, types: list[str]) -> bool:
    """Whether a media type is one of an API's binary ones; ``*/*`` and ``image/*`` are patterns."""
    media = content_type.partition(";")[0].strip().lower()
    for each in types:
        if each == "*/*" or each.lower() == media:
            return True
        if each.endswith("/*") and media.startswith(each[:-1].lower()):
            return True
    return False


def accepts_binary(accept: str, types: list[str]) -> bool:
    """Whether the first type of an Accept header is a binary one."""
    return is_binary(accept.partition(",")[0] or "", types) if accept or "*/*" in types else False


def encode_body(body: bytes, content_type: str, types: list[str]) -> tuple[str | None, bool]:
    """A request's body as an event has it, and whether that is base64."""
    if not body:
        return None, False
    if is_binary(content_type, types):
        return base64.b64encode(body).decode(), True
    return body.decode("utf-8", "replace"), False


def read_answer(payload: bytes, accept: str, types: list[str]) -> tuple[int, RawHeaders, bytes]:
    """Status, headers and body of a function's answer. Raises MalformedProxyError."""
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise MalformedProxyError("not JSON") from error
    if not isinstance(answer, dict):
        raise MalformedProxyError("not an object")
    if not answer.keys() <= _MEMBERS:
        raise MalformedProxyError("there are other members")
    status = _status(answer.get("statusCode", 200))
    headers = _headers(answer)
    body = answer.get("body")
    if body is None:
        body = ""
    if not isinstance(body, str):
        raise MalformedProxyError("the body is not a string")
    data = body.encode("utf-8", "surrogatepass")
    if answer.get("isBase64Encoded") is True:
        content_type = next((v.decode("latin-1") for n, v in headers if n == b"content-type"), "")
        if accepts_binary(accept, types) or (is_binary(content_type, types) and accept in ("", "*/*")):
            try:
                data = base64.b64decode(body, validate=True)
            except (binascii.Error, ValueError) as error:
                raise MalformedProxyError("the body is not base64") from error
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"application/json"))
    return status, headers, data


def _status(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise MalformedProxyError("statusCode is not a number")
    try:
        status = int(value)
    except ValueError as error:
        raise MalformedProxyError("statusCode is not a number") from error
    if not 100 <= status <= 599:
        raise MalformedProxyError("statusCode is out of range")
    return status


def _headers(answer: dict[str, Any]) -> RawHeaders:
    """Single and multi-value headers merged: of the same name, all values of the latter."""
    single, many = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(many, dict):
        raise MalformedProxyError("headers are not an object")
    headers: RawHeaders = []
    for name, values in many.items():
        if not isinstance(values, list):
            raise MalformedProxyError("a multi-value header is not a list")
        for value in values:
            _append(headers, name, value)
    named = {str(name).lower() for name in many}
    for name, value in single.items():
        if name.lower() not in named:
            _append(headers, name, value)
    return headers


def _append(headers: RawHeaders, name: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, dict | list):
        raise MalformedProxyError("a header's value is not a string")
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if not _is_token(name) or "\r" in text or "\n" in text or "\0" in text:
        raise MalformedProxyError("a header is malformed")
    shown = remapped(name.lower())
    if shown is not None:
        headers.append((shown.encode("latin-1", "replace"), text.encode("utf-8")))


def _is_token(name: str) -> bool:
    return bool(name) and name.isascii() and all(char.isalnum() or char in "!#$%&'*+-.^_`|~" for char in name)
