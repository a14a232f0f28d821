"""JSON bodies: decoders compiled from shapes, with AWS's words for wrong types; encoders only where needed.

Words of the errors as observed of DynamoDB, see architect/dynalite's tests.
"""

import base64
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from maycloud.wire import scalars
from maycloud.wire.models import Model, Shape
from maycloud.wire.scalars import serialization_error

Decoder = Callable[[Any], Any]

MAX_DEPTH = 200

_JAVA = {
    "string": "String",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "boolean": "Boolean",
}
_INTEGERS = frozenset({"integer", "long"})


def parse(body: bytes) -> Any:
    """A JSON document. Raises SerializationException without saying what was in it."""
    if not body:
        return {}
    if len(body) > MAX_DEPTH and body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise serialization_error("The request is nested too deeply")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise serialization_error("Malformed JSON") from error


def _depth(body: bytes) -> int:
    """How deep brackets nest, strings aside."""
    deepest = depth = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


class Decoders:
    """Compiled decoders of one model's shapes.

    `raw` names shapes that pass as they are: DynamoDB's AttributeValue, which the service reads itself.
    """

    def __init__(self, model: Model, raw: frozenset[str] = frozenset()) -> None:
        self._model = model
        self._raw = raw
        self._made: dict[str, Decoder] = {}

    def of(self, reference: Shape) -> Decoder:
        """The decoder of a member; recursion in shapes is closed by looking the name up when called."""
        name = reference.get("shape", "")
        if name in self._raw:
            return _pass
        if name in self._made:
            return self._made[name]
        if name:
            self._made[name] = lambda value: self._made[name](value)
        shape = self._model.member(reference) if name else reference
        decoder = self._compile(shape, name)
        if name:
            self._made[name] = decoder
        return decoder

    def _compile(self, shape: Shape, name: str) -> Decoder:
        kind = shape["type"]
        if kind == "structure":
            return self.structure(shape, name)
        if kind == "list":
            return _list_decoder(self.of(shape["member"]))
        if kind == "map":
            return _map_decoder(self.of(shape["value"]))
        if kind == "timestamp":
            return scalars.timestamp
        if kind == "blob":
            return _decode_blob
        return _SCALARS[kind]

    def structure(self, shape: Shape, name: str = "") -> Decoder:
        """A structure's decoder: known members by wire name, unknown ones ignored, nulls dropped."""
        if shape.get("document"):
            return _pass
        members = {
            reference.get("locationName", member): (member, self.of(reference))
            for member, reference in shape.get("members", {}).items()
        }
        find = members.get
        union = shape.get("union", False)

        def decode(value: Any) -> Any:
            if value.__class__ is not dict:
                raise _wrong(value, f"class {name}", "structure")
            result: dict[str, Any] = {}
            for key, item in value.items():
                found = find(key)
                if found is not None and item is not None:
                    result[found[0]] = found[1](item)
            if union and len(result) != 1:
                raise serialization_error("Exactly one member of a union must be set")
            return result

        return decode


def _pass(value: Any) -> Any:
    return value


def _list_decoder(item: Decoder) -> Decoder:
    def decode(value: Any) -> Any:
        if value.__class__ is not list:
            raise _wrong(value, "java.util.List", "list")
        return [item(each) if each is not None else None for each in value]

    return decode


def _map_decoder(item: Decoder) -> Decoder:
    if item is _pass:

        def check(value: Any) -> Any:
            if value.__class__ is not dict:
                raise _wrong(value, "java.util.Map", "map")
            return value

        return check

    def decode(value: Any) -> Any:
        if value.__class__ is not dict:
            raise _wrong(value, "java.util.Map", "map")
        return {key: item(each) for key, each in value.items() if each is not None}

    return decode


def _decode_blob(value: Any) -> bytes:
    if value.__class__ is not str:
        raise _wrong(value, "java.nio.ByteBuffer", "blob")
    return scalars.blob(value)


def _string(value: Any) -> str:
    if value.__class__ is not str:
        raise _wrong(value, "java.lang.String", "string")
    return value


def _boolean(value: Any) -> bool:
    if value.__class__ is not bool:
        raise _wrong(value, "java.lang.Boolean", "boolean")
    return value


def _integer(kind: str) -> Decoder:
    def decode(value: Any) -> int:
        if value.__class__ is int:
            return value if -0x80000000 <= value <= 0x7FFFFFFF else scalars.whole(value, kind)
        if value.__class__ is float and math.isfinite(value):
            return scalars.whole(int(value), kind)
        raise _wrong(value, f"java.lang.{_JAVA[kind]}", kind)

    return decode


def _number(value: Any) -> float:
    if value.__class__ is float or value.__class__ is int:
        return float(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise _wrong(value, "java.lang.Double", "double")


_SCALARS: dict[str, Decoder] = {
    "string": _string,
    "character": _string,
    "boolean": _boolean,
    "integer": _integer("integer"),
    "long": _integer("long"),
    "float": _number,
    "double": _number,
}


def _wrong(value: Any, java: str, kind: str) -> Exception:
    """AWS's sentence for a value of the wrong JSON type."""
    if isinstance(value, dict):
        return serialization_error("Start of structure or map found where not expected")
    if isinstance(value, list):
        return serialization_error(
            f"Unrecognized collection type {'' if java.startswith('class') else 'class '}{java}"
        )
    if kind in ("structure", "list", "map"):
        return serialization_error("Unexpected field type")
    if kind == "blob":
        return serialization_error("only base-64-encoded strings are convertible to bytes")
    if isinstance(value, bool):
        token = "TRUE_VALUE" if value else "FALSE_VALUE"
    else:
        token = "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"
    return serialization_error(f"{token} cannot be converted to {_JAVA[kind]}")


# Encoding

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def _default(value: Any) -> Any:
    if isinstance(value, datetime):
        return scalars.epoch(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(value: Any) -> bytes:
    return orjson.dumps(value, _default, _OPTIONS)


Encoder = Callable[[Any], Any]


class Encoders:
    """Encoders of shapes whose wire form differs from the result: other names, other timestamps.

    None means that a value goes as it is, which is so for most shapes.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._made: dict[str, Encoder | None] = {}

    def of(self, reference: Shape) -> Encoder | None:
        name: str = reference["shape"]
        if name not in self._made:
            self._made[name] = None  # a recursive shape: assume it goes as it is, then look again
            first = self._compile(self._model.member(reference))
            if first is not None:
                made: list[Encoder] = []
                self._made[name] = lambda value: made[0](value)
                again = self._compile(self._model.member(reference))
                assert again is not None
                made.append(again)
                self._made[name] = again
        return self._made[name]

    def _compile(self, shape: Shape) -> Encoder | None:
        kind = shape["type"]
        if kind == "structure":
            return self.structure(shape)
        if kind in ("list", "map"):
            item = self.of(shape["member" if kind == "list" else "value"])
            if item is None:
                return None
            if kind == "list":
                return lambda value: [item(each) for each in value]
            return lambda value: {key: item(each) for key, each in value.items()}
        if kind == "timestamp" and shape.get("timestampFormat") in ("iso8601", "rfc822"):
            style = shape["timestampFormat"]
            return lambda value: scalars.format_timestamp(value, style)
        return None

    def structure(self, shape: Shape) -> Encoder | None:
        names: dict[str, str] = {}
        encoders: dict[str, Encoder] = {}
        for member, reference in shape.get("members", {}).items():
            if reference.get("locationName", member) != member:
                names[member] = reference["locationName"]
            encoder = self._member(reference)
            if encoder is not None:
                encoders[member] = encoder
        if not names and not encoders:
            return None

        def encode(value: Any) -> Any:
            if value.__class__ is not dict:
                return value
            result: dict[str, Any] = {}
            for key, item in value.items():
                encoder = encoders.get(key)
                name = names.get(key) or str(key)
                result[name] = item if encoder is None or item is None else encoder(item)
            return result

        return encode

    def _member(self, reference: Shape) -> Encoder | None:
        if "timestampFormat" in reference and reference["timestampFormat"] != "unixTimestamp":
            style = reference["timestampFormat"]
            return lambda value: scalars.format_timestamp(value, style)
        return self.of(reference)
