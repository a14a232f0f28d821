"""The query protocol's input: ``Action=…&Version=…&Tags.member.1.Key=…``."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from maycloud.errors import AwsError
from maycloud.wire import scalars
from maycloud.wire.models import Model, Shape

MAX_FIELDS = 20_000

Tree = dict[str, Any]  # a leaf's text stands below the empty key
Decoder = Callable[[Tree], Any]


def fields(text: str) -> dict[str, str]:
    """Form fields; of a repeated one the last counts."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError as error:
        raise AwsError("MalformedQueryString", "The query string contains a syntax error") from error


def tree(found: dict[str, str]) -> Tree:
    """Dotted names as a tree."""
    root: Tree = {}
    for name, value in found.items():
        node = root
        for part in name.split(".", 32):
            node = node.setdefault(part, {})
        node[""] = value
    return root


class Decoders:
    """Compiled decoders of one model's shapes, from trees."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._made: dict[str, Decoder] = {}

    def of(self, reference: Shape) -> Decoder:
        name = reference["shape"]
        flattened = reference.get("flattened", False)
        key = f"{name}\0{flattened}"
        if key not in self._made:
            self._made[key] = lambda node: self._made[key](node)
            self._made[key] = self._compile(self._model.member(reference))
        return self._made[key]

    def _compile(self, shape: Shape) -> Decoder:
        kind = shape["type"]
        if kind == "structure":
            return self.structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        return _SCALARS[kind]

    def structure(self, shape: Shape) -> Decoder:
        members: list[tuple[str, str, Decoder]] = []
        for member, reference in shape.get("members", {}).items():
            name = reference.get("locationName", member)
            merged = self._model.member(reference)
            if merged["type"] == "list" and merged.get("flattened"):
                name = merged["member"].get("locationName", name)
            members.append((name, member, self.of(reference)))

        def decode(node: Tree) -> dict[str, Any]:
            return {member: decoder(node[name]) for name, member, decoder in members if name in node}

        return decode

    def _list(self, shape: Shape) -> Decoder:
        item = self.of(shape["member"])
        wrapper = None if shape.get("flattened") else shape["member"].get("locationName", "member")

        def decode(node: Tree) -> list[Any]:
            if wrapper is not None:
                # Both spellings are taken: SDKs of some languages say "member" whatever the model says.
                node = node.get(wrapper) or node.get("member") or {}
            numbered = sorted(
                ((_index(key), child) for key, child in node.items() if key), key=lambda pair: pair[0]
            )
            return [item(child) for _, child in numbered]

        return decode

    def _map(self, shape: Shape) -> Decoder:
        key_name = shape["key"].get("locationName", "key")
        value_name = shape["value"].get("locationName", "value")
        key, value = self.of(shape["key"]), self.of(shape["value"])
        flattened = shape.get("flattened", False)

        def decode(node: Tree) -> dict[Any, Any]:
            entries = node if flattened else node.get("entry", {})
            result: dict[Any, Any] = {}
            for index, entry in entries.items():
                if not index:
                    continue
                _index(index)
                if key_name not in entry:
                    raise _malformed(f"Missing {key_name} in map")
                result[key(entry[key_name])] = value(entry.get(value_name, {"": ""}))
            return result

        return decode


def _index(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise _malformed(f"Key (start of key) {text} is not valid")
    return int(text)


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedInput", message)


def _leaf(node: Tree) -> str:
    if "" not in node:
        raise _malformed("Found a structure where a value was expected")
    return node[""]


def _boolean(node: Tree) -> bool:
    text = _leaf(node).lower()
    if text not in ("true", "false"):
        raise _malformed(f"{_leaf(node)} must be true or false")
    return text == "true"


def _integer(kind: str) -> Callable[[Tree], int]:
    def decode(node: Tree) -> int:
        try:
            return scalars.whole(int(_leaf(node)), kind)
        except (ValueError, AwsError) as error:
            raise _malformed(f"{_leaf(node)[:64]} is not a valid {kind}") from error

    return decode


def _float(node: Tree) -> float:
    try:
        return float(_leaf(node))
    except ValueError as error:
        raise _malformed(f"{_leaf(node)} is not a valid number") from error


def _timestamp(node: Tree) -> Any:
    try:
        return scalars.timestamp(_leaf(node))
    except AwsError as error:
        raise _malformed(f"{_leaf(node)} is not a valid timestamp") from error


def _blob(node: Tree) -> bytes:
    try:
        return scalars.blob(_leaf(node))
    except AwsError as error:
        raise _malformed("Invalid base64 data") from error


_SCALARS: dict[str, Decoder] = {
    "string": _leaf,
    "character": _leaf,
    "boolean": _boolean,
    "integer": _integer("integer"),
    "long": _integer("long"),
    "float": _float,
    "double": _float,
    "timestamp": _timestamp,
    "blob": _blob,
}
