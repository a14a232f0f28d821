"""REST bindings: operations found by method and path; members in path, query, headers and body."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import orjson

from maycloud.edge.messages import BodyStream, FileBody, RawHeaders, Request
from maycloud.errors import AwsError
from maycloud.wire import scalars
from maycloud.wire.models import Model, Shape

Query = dict[str, list[str]]


def parse_query(text: str) -> Query:
    """A query string as lists of values by name; a name without ``=`` has an empty value."""
    query: Query = {}
    try:
        for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=1000):
            query.setdefault(name, []).append(value)
    except ValueError as error:
        raise AwsError("InvalidRequest", "The query string has too many parameters") from error
    return query


@dataclass(frozen=True, slots=True)
class Pattern:
    """One operation's address: path as a regular expression, literal and required query and headers."""

    operation: str
    path: re.Pattern[str]
    literals: tuple[tuple[str, str], ...]  # ?uploads, ?list-type=2
    required_query: tuple[str, ...]  # members that must be there, such as uploadId
    required_headers: tuple[bytes, ...]
    labels: tuple[tuple[str, str], ...]  # groups of the expression and the labels they stand for
    weight: tuple[int, ...]  # the more specific first


class Routes:
    """Finds the operation of a REST request; built once per service."""

    def __init__(self, model: Model) -> None:
        self._by_method: dict[str, list[Pattern]] = {}
        self._strict = model.name == "s3"
        for name, operation in model.operations.items():
            pattern = _pattern(model, name, operation)
            self._by_method.setdefault(operation["http"]["method"], []).append(pattern)
        for patterns in self._by_method.values():
            patterns.sort(key=lambda each: each.weight, reverse=True)
        # Most of S3's operations are told apart by their query: without one there are few to look at.
        self._without_query = {
            method: [each for each in patterns if not (each.literals or each.required_query)]
            for method, patterns in self._by_method.items()
        }

    def find(
        self, method: str, path: str, query: Query, headers: dict[bytes, bytes]
    ) -> tuple[str, dict[str, str]] | None:
        """Operation and path labels (decoded), or None."""
        for pattern in (self._by_method if query else self._without_query).get(method, ()):
            if query:
                if not all(_matches(query, name, value) for name, value in pattern.literals):
                    continue
                if not all(name in query for name in pattern.required_query):
                    continue
            if pattern.required_headers and not all(name in headers for name in pattern.required_headers):
                continue
            match = pattern.path.fullmatch(path)
            if match is not None:
                return pattern.operation, {
                    label: self._label(match[group]) for group, label in pattern.labels
                }
        return None

    def _label(self, text: str) -> str:
        if "%" not in text:
            return text
        try:
            # Two keys of S3 must not become one.
            return unquote(text, errors="strict" if self._strict else "replace")
        except UnicodeDecodeError as error:
            raise AwsError("InvalidURI", "Couldn't parse the specified URI.", URI=text) from error


def _matches(query: Query, name: str, value: str) -> bool:
    found = query.get(name)
    return found is not None and (not value or value in found)


def _pattern(model: Model, name: str, operation: dict[str, Any]) -> Pattern:
    path, _, literal = operation["http"]["requestUri"].partition("?")
    literals = tuple(
        (key, value) for key, _, value in (part.partition("=") for part in literal.split("&") if part)
    )
    expression, fixed, greedy = "", 0, 0
    labels: list[tuple[str, str]] = []
    for part in re.split(r"(\{[^}]+\})", path):
        if part.startswith("{"):
            label = part[1:-1]
            everything = label.endswith("+")
            greedy += everything
            label = label.rstrip("+")
            labels.append((_hex(label), label))
            expression += f"(?P<{_hex(label)}>{'.+' if everything else '[^/]+'})"
        else:
            expression += re.escape(part)
            fixed += len(part)
    members = model.input(operation=name).get("members", {})
    required = model.input(name).get("required", [])
    queries: list[str] = []
    headers: list[bytes] = []
    # What tells operations on one address apart: UploadPart has uploadId, CopyObject its copy source.
    for member in required if model.name == "s3" else []:
        reference = members[member]
        if reference.get("location") == "querystring":
            queries.append(reference["locationName"])
        elif reference.get("location") == "header" and reference["locationName"].lower() in _TELLING:
            headers.append(reference["locationName"].lower().encode())
    current = not operation.get("deprecated", False)
    weight = (len(literals), len(headers) + len(queries), path.count("/"), fixed, -greedy, int(current))
    slash = "/?" if not path.endswith("/") else ""
    return Pattern(
        name,
        re.compile(expression + slash, re.DOTALL),
        literals,
        tuple(queries),
        tuple(headers),
        tuple(labels),
        weight,
    )


_TELLING = frozenset({"x-amz-copy-source", "x-amz-rename-source"})


def _hex(label: str) -> str:
    """Labels as group names, whatever characters they have."""
    return "x" + label.encode().hex()


# Input

Structure = Callable[[Any], Any]


class InputBinding:
    """Takes an operation's members from the places that its model names."""

    def __init__(self, model: Model, operation: str, decode_member: Callable[[Shape], Structure]) -> None:
        shape = model.input(operation)
        self._model = model
        self.payload: str | None = shape.get("payload")
        self.payload_shape: Shape | None = None
        if self.payload is not None:
            self.payload_shape = model.member(shape["members"][self.payload])
        self.labels: list[tuple[str, str, Shape]] = []
        self.queries: list[tuple[str, str, Shape]] = []
        self.headers: dict[bytes, tuple[str, Shape]] = {}
        self.prefixes: list[tuple[bytes, str]] = []
        self.query_map: str | None = None
        literal = model.operations[operation]["http"]["requestUri"].partition("?")[2]
        self._literals = {part.partition("=")[0] for part in literal.split("&")}
        self.has_body = False
        for member, reference in shape.get("members", {}).items():
            merged = model.member(reference)
            place, name = reference.get("location"), reference.get("locationName", member)
            if place == "uri":
                self.labels.append((name, member, merged))
            elif place == "querystring":
                if merged["type"] == "map":
                    self.query_map = member
                else:
                    self.queries.append((name, member, merged))
            elif place == "header":
                self.headers[name.lower().encode()] = member, merged
            elif place == "headers":
                self.prefixes.append((name.lower().encode(), member))
            else:
                self.has_body = True

    def bind(self, request: Request, labels: dict[str, str], query: Query) -> dict[str, Any]:
        """All members but those of the body."""
        params: dict[str, Any] = {}
        for name, member, shape in self.labels:
            if name in labels:
                params[member] = _scalar(labels[name], shape, member)
        if query:
            self._bind_query(query, params)
        fields = request.fields
        if query and self._model.name == "s3":
            fields = _hoisted(query) | fields
        headers = self.headers
        # A request has fewer headers than an operation of S3 has members.
        for header, value in fields.items():
            if header in headers:
                member, shape = headers[header]
                params[member] = self._header(_text(value), shape, member)
        for prefix, member in self.prefixes:
            found = {
                name[len(prefix) :].decode("latin-1"): _text(value)
                for name, value in fields.items()
                if name.startswith(prefix) and len(name) > len(prefix)
            }
            if found:
                params[member] = found
        return params

    def _bind_query(self, query: Query, params: dict[str, Any]) -> None:
        is_s3 = self._model.name == "s3"
        for name, member, shape in self.queries:
            values = query.get(name)
            if values is None:
                continue
            if shape["type"] == "list":
                inner = self._model.member(shape["member"])
                params[member] = [_scalar(value, inner, member) for value in values]
            elif is_s3:
                self._bind_s3(values[0], name, member, shape, params)
            else:
                params[member] = _scalar(values[-1], shape, name)
        if self.query_map is not None:
            known = {name for name, _, _ in self.queries} | self._literals
            rest = {name: values[-1] for name, values in query.items() if name not in known}
            if rest:
                params[self.query_map] = rest

    def _bind_s3(self, value: str, name: str, member: str, shape: Shape, params: dict[str, Any]) -> None:
        """S3 reads the first of several values, an empty number as none, and as true nothing but ``true``.

        Measured by others, see `wire.s3`.
        """
        if shape["type"] == "boolean":
            params[member] = value == "true"
        elif value or shape["type"] != "integer":
            params[member] = _scalar(value, shape, name)

    def _header(self, value: str, shape: Shape, member: str) -> Any:
        if shape["type"] == "list":
            inner = self._model.member(shape["member"])
            return [_scalar(part.strip(), inner, member) for part in value.split(",") if part.strip()]
        if shape.get("jsonvalue"):
            try:
                return orjson.loads(base64.b64decode(value, validate=True))
            except ValueError as error:
                raise scalars.serialization_error(f"Invalid JSON in {member}") from error
        if shape["type"] == "timestamp":
            try:
                return scalars.timestamp(value)
            except AwsError:
                return None  # RFC 9110: a date that cannot be read is as if it were not there
        return _scalar(value, shape, member)


def _hoisted(query: Query) -> dict[bytes, bytes]:
    """Headers that a presigned URL carries in its query, as some SDKs write them."""
    return {
        name.lower().encode(): values[-1].encode()
        for name, values in query.items()
        if name[:6].lower() == "x-amz-"
    }


def _text(value: bytes) -> str:
    """A header's text: UTF-8 where it is, as SDKs send metadata, else Latin-1."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _scalar(value: str, shape: Shape, member: str) -> Any:
    kind = shape["type"]
    if kind == "boolean":
        if value.lower() not in ("true", "false"):
            raise scalars.serialization_error(f"{member} must be true or false")
        return value.lower() == "true"
    if kind in ("integer", "long"):
        return _whole(value, kind, member)
    if kind in ("float", "double"):
        try:
            return float(value)
        except ValueError as error:
            raise scalars.serialization_error(f"{member} is not a number") from error
    if kind == "timestamp":
        return scalars.timestamp(value)
    if kind == "blob":
        return scalars.blob(value)
    return value


_WHOLE = re.compile(r"-?[0-9]+")


def _whole(value: str, kind: str, name: str) -> int:
    try:
        if _WHOLE.fullmatch(value):
            return scalars.whole(int(value.lstrip("0") or "0"), kind)
    except (ValueError, AwsError):
        pass
    message = f"Provided {name} not an integer or within integer range"
    if name == "MpuObjectSize":
        raise AwsError("InvalidRequest", f"Value for x-amz-mp-object-size header is invalid: '{value}'")
    if name == "partNumber":
        message = "Part number must be an integer between 1 and 10000, inclusive"
    raise AwsError("InvalidArgument", message, ArgumentName=name, ArgumentValue=value)


# Output


class OutputBinding:
    """Puts a result's members where the model wants them: status, headers, body."""

    def __init__(self, model: Model, shape: Shape) -> None:
        self._model = model
        self.shape = shape
        self.payload: str | None = shape.get("payload")
        self.payload_shape: Shape | None = None
        if self.payload is not None:
            self.payload_shape = model.member(shape["members"][self.payload])
        self.status: str | None = None
        self._headers: dict[str, tuple[bytes, Shape]] = {}
        self._prefixes: list[tuple[str, str]] = []
        self.body_members: list[str] = []
        for member, reference in shape.get("members", {}).items():
            place, name = reference.get("location"), reference.get("locationName", member)
            if place == "statusCode":
                self.status = member
            elif place == "header":
                self._headers[member] = name.lower().encode(), model.member(reference)
            elif place == "headers":
                self._prefixes.append((name, member))
            elif member != self.payload:
                self.body_members.append(member)

    def headers(self, result: dict[str, Any]) -> RawHeaders:
        headers: RawHeaders = []
        known = self._headers
        for member, value in result.items():
            if value is not None and member in known:
                name, shape = known[member]
                headers.append((name, _header_text(value, shape)))
        for prefix, member in self._prefixes:
            headers += [
                ((prefix + key).lower().encode(), _safe(str(value)))
                for key, value in (result.get(member) or {}).items()
            ]
        return headers

    @property
    def streams(self) -> bool:
        """Whether the payload is bytes that go as they are."""
        return self.payload_shape is not None and self.payload_shape["type"] in ("blob", "string")


def _header_text(value: Any, shape: Shape) -> bytes:
    if value.__class__ is str and shape["type"] == "string" and "jsonvalue" not in shape:
        return _safe(value)
    if shape.get("jsonvalue"):
        return base64.b64encode(orjson.dumps(value))
    kind = shape["type"]
    if kind == "timestamp":
        return scalars.format_timestamp(value, shape.get("timestampFormat", "rfc822")).encode()
    if kind == "boolean":
        return b"true" if value else b"false"
    if kind == "list":
        return _safe(",".join(str(each) for each in value))
    if kind == "blob":
        return base64.b64encode(value)
    return _safe(str(value))


def _safe(value: str) -> bytes:
    """A header's bytes; what would end the line or the headers is percent-encoded."""
    if "\r" in value or "\n" in value or "\0" in value:
        value = quote(value, safe=" !#$%&'()*+,/:;=?@[]~\"<>{}|^`")
    return value.encode("utf-8")


def payload_bytes(value: Any) -> "bytes | FileBody | Any":
    """A blob payload as the edge sends it."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return value


def is_stream(value: object) -> bool:
    return not isinstance(value, bytes | str)


Body = bytes | BodyStream
