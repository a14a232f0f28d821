"""smithy-rpc-v2-cbor bodies."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import cbor2

from maycloud.wire import scalars
from maycloud.wire.models import Model, Shape
from maycloud.wire.scalars import serialization_error

MAX_DEPTH = 200


def parse(body: bytes) -> Any:
    """A CBOR document. Raises SerializationException."""
    if not body:
        return {}
    try:
        return cbor2.CBORDecoder(BytesIO(body), max_depth=MAX_DEPTH).decode()
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError, EOFError) as error:
        raise serialization_error("Malformed CBOR") from error


def dumps(value: Any) -> bytes:
    return cbor2.dumps(_tagged(value))


def _tagged(value: Any) -> Any:
    """Timestamps as tag 1, as the protocol wants; everything else as it is."""
    if isinstance(value, datetime):
        return cbor2.CBORTag(1, scalars.epoch(value))
    if isinstance(value, dict):
        return {key: _tagged(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_tagged(item) for item in value]
    return value


class Decoders:
    """Checks and names values that CBOR has already typed."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def structure(self, shape: Shape, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise serialization_error("Start of structure or map expected")
        result: dict[str, Any] = {}
        for member, reference in shape.get("members", {}).items():
            item = value.get(member)
            if item is not None:
                result[member] = self._value(self._model.member(reference), item)
        return result

    def _value(self, shape: Shape, value: Any) -> Any:
        kind = shape["type"]
        if kind == "structure":
            return self.structure(shape, value)
        if kind == "list" and isinstance(value, list | tuple):
            inner = self._model.member(shape["member"])
            return [self._value(inner, item) for item in value]
        if kind == "map" and isinstance(value, dict):
            inner = self._model.member(shape["value"])
            return {key: self._value(inner, item) for key, item in value.items()}
        if kind == "timestamp":
            return value.astimezone(UTC) if isinstance(value, datetime) else scalars.timestamp(value)
        expected = _TYPES.get(kind)
        if (
            expected is None
            or not isinstance(value, expected)
            or (isinstance(value, bool) and kind != "boolean")
        ):
            raise serialization_error(f"A value of type {kind} was expected")
        if kind in ("integer", "long"):
            return scalars.whole(value, kind)
        return float(value) if kind in ("float", "double") else value


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "blob": (bytes,),
}
