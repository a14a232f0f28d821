"""XML bodies: a small tree, decoders and encoders by shape. Document types are refused, and so entities."""

import base64
import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from maycloud.errors import AwsError
from maycloud.wire import scalars
from maycloud.wire.models import Model, Shape

MAX_DEPTH = 64
XSI = "http://www.w3.org/2001/XMLSchema-instance"


class Element:
    """An element: its name without prefix, attributes by prefixed name, children, text."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""

    def child(self, name: str) -> "Element | None":
        return next((child for child in self.children if child.name == name), None)


def malformed() -> AwsError:
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def parse(body: bytes) -> Element:
    """The root element. Raises MalformedXML for what is not XML, has a document type, or nests too deeply."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    root = Element("", {})
    stack = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > MAX_DEPTH:
            raise malformed()
        element = Element(name.rpartition(":")[2], attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    def doctype(*_: Any) -> None:
        raise malformed()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: an encoding of no one's
        raise malformed() from error
    return root.children[0]


def parse_as(body: bytes, name: str) -> Element:
    """The same of a document of that name. Raises MalformedXML, for S3's ACLs MalformedACLError."""
    found = parse(body)
    if found.name != name:
        error = malformed()
        if name == "AccessControlPolicy":
            error.code = "MalformedACLError"
        raise error
    return found


Decoder = Callable[[Element], Any]


class Decoders:
    """Compiled decoders of one model's shapes, from elements."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._made: dict[str, Decoder] = {}

    def of(self, reference: Shape) -> Decoder:
        name = reference["shape"]
        if name not in self._made:
            self._made[name] = lambda element: self._made[name](element)
            self._made[name] = self._compile(self._model.member(reference))
        return self._made[name]

    def _compile(self, shape: Shape) -> Decoder:
        kind = shape["type"]
        if kind == "structure":
            return self.structure(shape)
        if kind == "list":
            item = self.of(shape["member"])
            return lambda element: [item(child) for child in element.children]
        if kind == "map":
            return self._map(shape)
        return _SCALARS[kind]

    def structure(self, shape: Shape) -> Decoder:
        attributes: list[tuple[str, str]] = []
        elements: dict[str, tuple[str, Decoder]] = {}
        flat: dict[str, tuple[str, Decoder]] = {}
        for member, reference in shape.get("members", {}).items():
            if reference.get("location") and reference["location"] != "body":
                continue
            merged = self._model.member(reference)
            name = reference.get("locationName", member)
            if reference.get("xmlAttribute"):
                attributes.append((name, member))
            elif merged["type"] == "list" and merged.get("flattened"):
                inner = merged["member"]
                flat[reference.get("locationName") or inner.get("locationName", member)] = (
                    member,
                    self.of(inner),
                )
            else:
                elements[name] = (member, self.of(reference))

        def decode(element: Element) -> dict[str, Any]:
            result: dict[str, Any] = {}
            for child in element.children:
                found = elements.get(child.name)
                if found is not None:
                    result[found[0]] = found[1](child)
                    continue
                found = flat.get(child.name)
                if found is not None:
                    result.setdefault(found[0], []).append(found[1](child))
            for name, member in attributes:
                if name in element.attributes:
                    result[member] = element.attributes[name]
            return result

        return decode

    def _map(self, shape: Shape) -> Decoder:
        key_name = shape["key"].get("locationName", "key")
        value_name = shape["value"].get("locationName", "value")
        key, value = self.of(shape["key"]), self.of(shape["value"])

        def decode(element: Element) -> dict[Any, Any]:
            result: dict[Any, Any] = {}
            for entry in element.children:
                key_element, value_element = entry.child(key_name), entry.child(value_name)
                if key_element is None or value_element is None:
                    raise malformed()
                result[key(key_element)] = value(value_element)
            return result

        return decode


def _boolean(element: Element) -> bool:
    text = element.text.strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise malformed()
    return text in ("true", "1")


def _integer(kind: str) -> Callable[[Element], int]:
    def decode(element: Element) -> int:
        try:
            return scalars.whole(int(element.text.strip()), kind)
        except (ValueError, AwsError) as error:
            raise malformed() from error

    return decode


def _float(element: Element) -> float:
    try:
        return float(element.text.strip())
    except ValueError as error:
        raise malformed() from error


def _timestamp(element: Element) -> Any:
    try:
        return scalars.timestamp(element.text)
    except AwsError as error:
        raise malformed() from error


_SCALARS: dict[str, Decoder] = {
    "string": lambda element: element.text,
    "character": lambda element: element.text,
    "boolean": _boolean,
    "integer": _integer("integer"),
    "long": _integer("long"),
    "float": _float,
    "double": _float,
    "timestamp": _timestamp,
    "blob": lambda element: scalars.blob(element.text.strip()),
}


# Encoding


class Encoder:
    """Writes results as XML by shape. Members a result does not have are left out."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._shapes: dict[int, tuple[Shape, Shape]] = {}

    def _member(self, reference: Shape) -> Shape:
        """A reference of the model's with its shape, put together once."""
        found = self._shapes.get(id(reference))
        if found is None:
            # The reference is kept too, so that its identity stays its own.
            found = self._shapes[id(reference)] = reference, self._model.member(reference)
        return found[1]

    def element(self, name: str, value: Any, reference: Shape, out: list[str]) -> None:
        """Append one element, or a flattened list's elements, to `out`."""
        shape = self._member(reference)
        kind = shape["type"]
        if kind == "structure":
            out.append(f"<{name}{self._namespace(reference, shape)}{self._attributes(shape, value)}>")
            self.members(value, shape, out)
            out.append(f"</{name}>")
        elif kind == "list":
            self._list(name, value, shape, out)
        elif kind == "map":
            self._map(name, value, shape, out)
        else:
            out.append(f"<{name}>{_text(value, kind, shape)}</{name}>")

    def members(self, value: dict[str, Any], shape: Shape, out: list[str]) -> None:
        for member, reference in shape.get("members", {}).items():
            item = value.get(member)
            if item is None or reference.get("xmlAttribute"):
                continue
            if reference.get("location") not in (None, "body"):
                continue
            merged = self._member(reference)
            name = reference.get("locationName", member)
            if merged["type"] == "list" and merged.get("flattened"):
                name = reference.get("locationName") or merged["member"].get("locationName", member)
            self.element(name, item, reference, out)

    def _list(self, name: str, value: Any, shape: Shape, out: list[str]) -> None:
        inner = shape["member"]
        if shape.get("flattened"):
            for item in value:
                self.element(name, item, inner, out)
            return
        out.append(f"<{name}>")
        for item in value:
            self.element(inner.get("locationName", "member"), item, inner, out)
        out.append(f"</{name}>")

    def _map(self, name: str, value: Any, shape: Shape, out: list[str]) -> None:
        key_name = shape["key"].get("locationName", "key")
        value_name = shape["value"].get("locationName", "value")
        entry = name if shape.get("flattened") else "entry"
        if not shape.get("flattened"):
            out.append(f"<{name}>")
        for key, item in value.items():
            out.append(f"<{entry}>")
            self.element(key_name, key, shape["key"], out)
            self.element(value_name, item, shape["value"], out)
            out.append(f"</{entry}>")
        if not shape.get("flattened"):
            out.append(f"</{name}>")

    def _namespace(self, reference: Shape, shape: Shape) -> str:
        namespace = reference.get("xmlNamespace") or shape.get("xmlNamespace")
        if not namespace:
            return ""
        uri = namespace["uri"] if isinstance(namespace, dict) else namespace
        prefix = namespace.get("prefix") if isinstance(namespace, dict) else None
        return f" xmlns:{prefix}={quoteattr(uri)}" if prefix else f" xmlns={quoteattr(uri)}"

    def _attributes(self, shape: Shape, value: dict[str, Any]) -> str:
        parts = [
            f" {reference.get('locationName', member)}={quoteattr(str(value[member]))}"
            for member, reference in shape.get("members", {}).items()
            if reference.get("xmlAttribute") and value.get(member) is not None
        ]
        return "".join(parts)


def _text(value: Any, kind: str, shape: Shape) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return scalars.format_timestamp(value, shape.get("timestampFormat", "iso8601"))
    if kind == "blob":
        return base64.b64encode(value).decode()
    return text(str(value))


_ENTITIES = {"\r": "&#13;", '"': "&quot;"}


_SPECIAL = re.compile(r'[&<>"\x00-\x1f]')


def text(value: str) -> str:
    """Escaped for an element; characters that XML cannot carry become U+FFFD."""
    if _SPECIAL.search(value) is None:
        return value
    escaped = escape(value, _ENTITIES)
    if escaped.isprintable():
        return escaped
    return "".join(char if char >= " " or char in "\t\n\r" else "\ufffd" for char in escaped)
