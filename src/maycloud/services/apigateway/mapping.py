"""Mapping templates and parameter mappings of non-proxy integrations.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import orjson

from maycloud.services.apigateway import jsonpath, velocity
from maycloud.services.apigateway.velocity import JavaObject, LenientMap, Map, TemplateError, java
from maycloud.services.apigateway.velocity_bounds import spend_text

Many = dict[str, list[str]]

_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


@dataclass(slots=True)
class MappingInput:
    """What templates and mappings read of a request, or of an integration's response.

    Header names are lower case in `headers` and `response_headers`.
    """

    body: bytes = b""
    path: dict[str, str] = field(default_factory=dict[str, str])
    querystring: Many = field(default_factory=Many)
    headers: Many = field(default_factory=Many)
    context: dict[str, Any] = field(default_factory=dict[str, Any])
    stage_variables: dict[str, str] = field(default_factory=dict[str, str])
    response_body: bytes | None = None
    response_headers: Many = field(default_factory=Many)
    written: dict[str, str] = field(default_factory=dict[str, str])  # names of headers as they were sent

    def parsed(self) -> Any:
        """The body at hand as JSON; the text itself where it is none."""
        raw = self.body if self.response_body is None else self.response_body
        if not raw:
            return None
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            return raw.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template's output, and what it set besides.

    `request` and `response` hold ``{"header": {...}, "path": {...}, "querystring": {...}, "status": …}``.
    """

    text: str
    request: dict[str, Any]
    response: dict[str, Any]


class _Input(JavaObject):
    """``$input``."""

    methods = frozenset({"body", "json", "path", "params"})

    def __init__(self, data: MappingInput) -> None:
        self._data = data
        self._parsed: Any = None
        self._is_parsed = False

    @property
    def body(self) -> str:
        raw = self._data.body if self._data.response_body is None else self._data.response_body
        return raw.decode("utf-8", "replace")

    def _find(self, path: str) -> Any:
        if not self._is_parsed:
            self._parsed, self._is_parsed = java(self._data.parsed()), True
        try:
            return jsonpath.find(str(path), self._parsed)
        except jsonpath.PathError as error:
            raise TemplateError(f"Invalid JSONPath: {path}") from error

    def json(self, path: str) -> str:
        found = self._find(path)
        if found is None:
            return '""' if self._parsed is None or path != "$" else "null"
        try:
            text = orjson.dumps(found).decode()
        except TypeError as error:  # a template can make a list that holds itself
            raise TemplateError(f"{path} is no JSON") from error
        spend_text(len(text))
        return text

    def path(self, path: str) -> Any:
        found = self._find(path)
        return "" if found is None and path == "$" else found

    def params(self, name: str | None = None) -> Any:
        data = self._data
        if name is not None:
            for value in (
                data.path.get(name),
                _last(data.querystring.get(name)),
                _last(data.headers.get(name.lower())),
            ):
                if value is not None:
                    return value
            return ""
        return Map(
            path=Map(data.path),
            querystring=Map({key: values[-1] for key, values in data.querystring.items()}),
            header=Map({data.written.get(key, key): values[-1] for key, values in data.headers.items()}),
        )


def _last(values: list[str] | None) -> str | None:
    return values[-1] if values else None


class _Util(JavaObject):
    """``$util``."""

    methods = frozenset(
        {"escapeJavaScript", "parseJson", "urlEncode", "urlDecode", "base64Encode", "base64Decode"}
    )

    def escapeJavaScript(self, text: Any) -> str:
        escaped = orjson.dumps(velocity.text_of(text)).decode()[1:-1]
        return escaped.replace("'", "\\'").replace("/", "\\/")

    def parseJson(self, text: str) -> Any:
        try:
            return java(orjson.loads(text))
        except (orjson.JSONDecodeError, TypeError) as error:
            raise TemplateError("parseJson: not JSON") from error

    def urlEncode(self, text: Any) -> str:
        return quote_plus(velocity.text_of(text))

    def urlDecode(self, text: Any) -> str:
        return unquote_plus(velocity.text_of(text))

    def base64Encode(self, text: Any) -> str:
        return base64.b64encode(velocity.text_of(text).encode()).decode()

    def base64Decode(self, text: Any) -> str:
        try:
            return base64.b64decode(velocity.text_of(text)).decode("utf-8", "replace")
        except ValueError as error:
            raise TemplateError("base64Decode: not base64") from error


def render(template: str, data: MappingInput) -> Rendered:
    """Render a mapping template. Raises TemplateError."""
    context = LenientMap(java(data.context))
    for name in ("requestOverride", "responseOverride"):
        context[name] = Map(header=Map(), querystring=Map(), path=Map())
    namespace: dict[str, Any] = {
        "input": _Input(data),
        "context": context,
        "stageVariables": LenientMap(data.stage_variables),
        "util": _Util(),
    }
    text = velocity.merge(template, namespace)
    return Rendered(text, dict(context["requestOverride"]), dict(context["responseOverride"]))


def substitute_variables(text: str, variables: dict[str, str]) -> str:
    """``${stageVariables.x}`` in a URI or name, filled in; empty where there is none."""
    if "${stageVariables." not in text:
        return text
    return _STAGE_VARIABLE.sub(lambda match: variables.get(match[1], ""), text)


def evaluate(expression: str, data: MappingInput) -> Any:
    """The value of a parameter mapping; None where there is nothing to map. A list for multi-values."""
    if len(expression) >= 2 and expression[0] == expression[-1] == "'":
        return expression[1:-1]
    place, _, name = expression.partition(".")
    if place == "stageVariables":
        return data.stage_variables.get(name)
    if place == "context":
        found = jsonpath.find(f"$.{name}", data.context)
        return None if found is None else velocity.text_of(found)
    side, _, rest = name.partition(".")
    if (place, side) == ("method", "request"):
        return _of_request(rest, data)
    if (place, side) == ("integration", "response"):
        return _of_response(rest, data)
    return None


def _of_request(rest: str, data: MappingInput) -> Any:
    kind, _, name = rest.partition(".")
    if kind == "querystring":
        return _last(data.querystring.get(name))
    if kind == "multivaluequerystring":
        return data.querystring.get(name)
    if kind == "header":
        return _last(data.headers.get(name.lower()))
    if kind == "multivalueheader":
        return data.headers.get(name.lower())
    if kind == "path":
        return data.path.get(name)
    return _of_body(kind, name, data.body)


def _of_response(rest: str, data: MappingInput) -> Any:
    kind, _, name = rest.partition(".")
    if kind == "header":
        return _last(data.response_headers.get(name.lower()))
    if kind == "multivalueheader":
        return data.response_headers.get(name.lower())
    return _of_body(kind, name, data.response_body or b"")


def _of_body(kind: str, path: str, body: bytes) -> Any:
    if kind != "body":
        return None
    if not path:
        return body.decode("utf-8", "replace")
    try:
        found = jsonpath.find(f"$.{path}", orjson.loads(body))
    except (orjson.JSONDecodeError, jsonpath.PathError):
        return None
    if found is None or isinstance(found, str):
        return found
    return orjson.dumps(found).decode()
