"""CBOR as DAX speaks it (RFC 8949, tags 3321 to 3324 for sets and list indexes), written and read.

Attribute values are in DynamoDB's JSON form on our side (``{"N": "12"}``, bytes as base64). Numbers are read
as their canonical text. What is read comes from strangers: lengths, nesting and numbers are bounded, and
tags that mean something elsewhere (dates, shared references, regular expressions) are refused.
"""

import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

Value = dict[str, Any]

STRING_SET, NUMBER_SET, BINARY_SET, ORDINAL = 3321, 3322, 3323, 3324
SETS = {STRING_SET: "SS", NUMBER_SET: "NS", BINARY_SET: "BS"}
SET_TAGS = {kind: tag for tag, kind in SETS.items()}

MAX_DEPTH = 64  # of values: DynamoDB refuses more than 32 levels in its own words
_MAX_ITEMS = 250_000  # that a Reader reads; an item of 400 KB has at most 200,000 values
_MAX_BIGNUM = 64  # bytes; DynamoDB's largest number has 126 digits, which are 53
_NULL, _FALSE, _TRUE, _BREAK = 0xF6, 0xF4, 0xF5, 0xFF


class MalformedError(Exception):
    """Bytes that are not what the protocol wants there."""


@dataclass(frozen=True, slots=True)
class Ordinal:
    """An index into a list, in a document path."""

    index: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was not a plain integer, as canonical text."""

    text: str


@dataclass(frozen=True, slots=True)
class Set:
    kind: str
    members: list[str]


# Writing


def head(out: bytearray, major: int, number: int) -> None:
    """The first bytes of an item: major type (0 to 7) and a length, count or value."""
    major <<= 5
    if number < 24:
        out.append(major | number)
    elif number < 0x100:
        out += bytes((major | 24, number))
    elif number < 0x10000:
        out += struct.pack(">BH", major | 25, number)
    elif number < 0x1_0000_0000:
        out += struct.pack(">BI", major | 26, number)
    else:
        out += struct.pack(">BQ", major | 27, number)


def integer(out: bytearray, number: int) -> None:
    if 0 <= number < 1 << 64:
        head(out, 0, number)
    elif -(1 << 64) <= number < 0:
        head(out, 1, -1 - number)
    else:
        head(out, 6, 2 if number > 0 else 3)
        magnitude = number if number > 0 else -1 - number
        blob(out, magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "big"))


def real(out: bytearray, number: float) -> None:
    out += struct.pack(">Bd", 0xFB, number)


def text(out: bytearray, content: str) -> None:
    encoded = content.encode()
    head(out, 3, len(encoded))
    out += encoded


def blob(out: bytearray, content: bytes | bytearray) -> None:
    head(out, 2, len(content))
    out += content


def null(out: bytearray) -> None:
    out.append(_NULL)


def number(out: bytearray, canonical: str) -> None:
    """A number's canonical text: an integer, or a decimal fraction (tag 4) of exponent and mantissa."""
    whole, point, fraction = canonical.partition(".")
    if not point:
        integer(out, int(whole))
        return
    head(out, 6, 4)
    head(out, 4, 2)
    integer(out, -len(fraction))
    integer(out, int(whole + fraction))


def value(out: bytearray, given: Value) -> None:
    """An attribute value."""
    ((kind, content),) = given.items()
    if kind == "S":
        text(out, content)
    elif kind == "N":
        number(out, content)
    elif kind == "B":
        blob(out, b64decode(content))
    elif kind == "BOOL":
        out.append(_TRUE if content else _FALSE)
    elif kind == "NULL":
        out.append(_NULL)
    elif kind == "L":
        head(out, 4, len(content))
        for member in content:
            value(out, member)
    elif kind == "M":
        head(out, 5, len(content))
        for name, member in content.items():
            text(out, name)
            value(out, member)
    else:
        head(out, 6, SET_TAGS[kind])
        head(out, 4, len(content))
        for member in content:
            value(out, {kind[0]: member})


# Reading


def canonical(mantissa: int, exponent: int) -> str:
    """The text that DynamoDB gives a number; one far out of its range keeps its exponent, to be refused."""
    if not mantissa:
        return "0"
    digits = str(abs(mantissa))
    sign = "-" if mantissa < 0 else ""
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    if not -300 < exponent < 300:
        return f"{sign}{stripped}E{exponent}"
    if exponent >= 0:
        return sign + stripped + "0" * exponent
    padded = stripped.rjust(1 - exponent, "0")
    return f"{sign}{padded[:exponent]}.{padded[exponent:]}"


class Reader:
    """Reads items one after the other. Every method raises MalformedError."""

    def __init__(self, data: bytes | bytearray | memoryview, max_depth: int = MAX_DEPTH) -> None:
        self._data = bytes(data)
        self._at = 0
        self._max_depth = max_depth
        self._left = _MAX_ITEMS

    @property
    def ended(self) -> bool:
        return self._at >= len(self._data)

    def rest(self) -> bytes:
        """Everything that was not read yet."""
        found = self._data[self._at :]
        self._at = len(self._data)
        return found

    def item(self) -> Any:
        """The next item: int, Number, bytes, str, list, dict, Set, Ordinal, bool or None."""
        try:
            return self._item(self._max_depth)
        except (IndexError, UnicodeDecodeError, struct.error) as error:
            raise MalformedError("the item is cut off or not text") from error

    def integer(self) -> int:
        return wanted(self.item(), int)

    def value(self) -> Value:
        """The next item as an attribute value."""
        return as_value(self.item())

    def _head(self) -> tuple[int, int, int]:
        """Major type, low bits, and the number that they stand for; -1 for an indefinite length."""
        first = self._data[self._at]
        self._at += 1
        low = first & 31
        if low < 24:
            return first >> 5, low, low
        if low == 31:
            return first >> 5, low, -1
        if low > 27:
            raise MalformedError("reserved length")
        size = 1 << (low - 24)
        found = int.from_bytes(self._take(size), "big")
        return first >> 5, low, found

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise MalformedError("the item is cut off")
        found = self._data[self._at : end]
        self._at = end
        return found

    def _item(self, depth: int) -> Any:
        self._left -= 1
        if not depth or not self._left:
            raise MalformedError("nested too deeply, or of too many parts")
        major, low, size = self._head()
        if major == 0:
            return self._definite(size)
        if major == 1:
            return -1 - self._definite(size)
        if major == 2:
            return self._take(size) if size >= 0 else b"".join(self._chunks(2))
        if major == 3:
            return (self._take(size) if size >= 0 else b"".join(self._chunks(3))).decode()
        if major == 4:
            found: list[Any] = []
            for _ in self._members(size):  # not a comprehension: a frame a level is enough
                found.append(self._item(depth - 1))
            return found
        if major == 5:
            return dict(self._pair(depth - 1) for _ in self._members(size))
        if major == 6:
            return self._tagged(size, depth - 1)
        return self._simple(low, size)

    @staticmethod
    def _definite(size: int) -> int:
        if size < 0:
            raise MalformedError("an integer without a value")
        return size

    def _members(self, size: int) -> Any:
        if size >= 0:
            if size > len(self._data) - self._at:
                raise MalformedError("more members than bytes")
            yield from range(size)
            return
        while self._data[self._at] != _BREAK:
            yield None
        self._at += 1

    def _chunks(self, wanted_major: int) -> Any:
        while self._data[self._at] != _BREAK:
            major, _, size = self._head()
            if major != wanted_major or size < 0:
                raise MalformedError("a chunk of another type")
            yield self._take(size)
        self._at += 1

    def _pair(self, depth: int) -> tuple[Any, Any]:
        key = self._item(depth)
        if not isinstance(key, str | int | bytes):
            raise MalformedError("a map with keys of another type")
        return key, self._item(depth)

    def _tagged(self, tag: int, depth: int) -> Any:
        content = self._item(depth)
        if tag in SETS:
            kind = SETS[tag]
            members = [as_value(member) for member in wanted(content, list)]
            if any(kind[0] not in member for member in members):
                raise MalformedError("a set with members of another type")
            return Set(kind, [member[kind[0]] for member in members])
        if tag in (2, 3):
            magnitude = wanted(content, bytes)
            if len(magnitude) > _MAX_BIGNUM:
                raise MalformedError("a number of too many digits")
            found = int.from_bytes(magnitude, "big")
            return found if tag == 2 else -1 - found
        if tag == 4:
            parts = wanted(content, list)
            if len(parts) != 2:
                raise MalformedError("a decimal fraction of not two parts")
            return Number(canonical(wanted(parts[1], int), wanted(parts[0], int)))
        if tag == ORDINAL:
            return Ordinal(wanted(content, int))
        raise MalformedError(f"tag {tag}")

    def _simple(self, low: int, size: int) -> Any:
        if low in (20, 21):
            return low == 21
        if low in (22, 23):
            return None
        if low in (25, 26, 27):
            bits = size.to_bytes(1 << (low - 24), "big")
            (found,) = struct.unpack({25: ">e", 26: ">f", 27: ">d"}[low], bits)
            return _real(found)
        raise MalformedError("a simple value without meaning")


def _real(found: float) -> Number:
    from decimal import Decimal

    sign, digits, exponent = Decimal(repr(found)).as_tuple()
    if not isinstance(exponent, int):
        raise MalformedError("not a finite number")
    mantissa = int("".join(map(str, digits)))
    return Number(canonical(-mantissa if sign else mantissa, exponent))


def wanted(item: Any, kind: type) -> Any:
    """The item, which must be of that very type: a bool is no int here."""
    if item.__class__ is not kind:
        raise MalformedError(f"{kind.__name__} was expected")
    return item


def as_value(item: Any, depth: int = MAX_DEPTH) -> Value:
    """An item that was read, as an attribute value."""
    if not depth:
        raise MalformedError("nested too deeply")
    kind = item.__class__
    if kind is str:
        return {"S": item}
    if kind is int:
        return {"N": str(item)}
    if kind is Number:
        return {"N": item.text}
    if kind is bytes:
        return {"B": b64encode(item).decode()}
    if kind is bool:
        return {"BOOL": item}
    if item is None:
        return {"NULL": True}
    if kind is list:
        return {"L": [as_value(member, depth - 1) for member in item]}
    if kind is Set:
        return {item.kind: item.members}
    if kind is dict:
        if any(name.__class__ is not str for name in item):
            raise MalformedError("a map with names that are not text")
        return {"M": {name: as_value(member, depth - 1) for name, member in item.items()}}
    raise MalformedError("not an attribute value")
