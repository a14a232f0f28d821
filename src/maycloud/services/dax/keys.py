"""Keys as DAX has them on the wire: the partition key, then the sort key's bytes without a frame.

Of two parts the first is CBOR, the second raw: text, bytes, or a number whose bytes order as numbers do. A
single part is raw text or bytes, or a CBOR number.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from maycloud.services.dax import cbor
from maycloud.services.dax.cbor import MalformedError, Reader, Value

Item = dict[str, Value]

_MOST_DIGITS = 38  # that are significant; clients cannot read more of them, zeros at the end included
_MAX_GROUPS = 64  # three digits each: more than DynamoDB's numbers have


@dataclass(frozen=True, slots=True)
class KeySchema:
    """Names and types (S, N, B) of a table's key attributes, the partition key first."""

    attributes: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.attributes)

    def of(self, item: Item) -> Item:
        return {name: item[name] for name in self.names}

    def identity(self, item: Item) -> tuple[str, ...]:
        """What tells items of a table apart: key values are canonical."""
        return tuple(item[name][kind] for name, kind in self.attributes)


def schema_of(description: dict[str, Any]) -> KeySchema:
    """From DescribeTable's answer."""
    kinds = {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}
    ordered = sorted(description["KeySchema"], key=lambda each: each["KeyType"] != "HASH")
    return KeySchema(tuple((each["AttributeName"], kinds[each["AttributeName"]]) for each in ordered))


def encode(schema: KeySchema, item: Item) -> bytes:
    out = bytearray()
    (first, first_kind), *second = schema.attributes
    if second:
        cbor.value(out, item[first])
        ((name, kind),) = second
        out += encode_number(item[name]["N"]) if kind == "N" else _raw(kind, item[name][kind])
    elif first_kind == "N":
        cbor.number(out, item[first]["N"])
    else:
        out += _raw(first_kind, item[first][first_kind])
    return bytes(out)


def _raw(kind: str, content: str) -> bytes:
    return content.encode() if kind == "S" else b64decode(content)


def decode(schema: KeySchema, data: Any) -> Item:
    """The key's attributes. Raises MalformedError where it does not fit the schema."""
    cbor.wanted(data, bytes)
    (first, first_kind), *second = schema.attributes
    if not second and first_kind != "N":
        return {first: {first_kind: _content(first_kind, data)}}
    reader = Reader(data)
    found = reader.value()
    if first_kind not in found:
        raise MalformedError("the key does not match the table's schema")
    key = {first: found}
    if second:
        ((name, kind),) = second
        rest = reader.rest()
        key[name] = {kind: decode_number(rest) if kind == "N" else _content(kind, rest)}
    elif not reader.ended:
        raise MalformedError("more than a number in the key")
    return key


def _content(kind: str, data: bytes) -> str:
    if kind == "B":
        return b64encode(data).decode()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("the key is not text") from error


# Numbers whose bytes order as they do: a header of sign and exponent (0.DIGITS * 10**exponent), then three
# digits in ten bits (12 to 1011), then a terminator that tells how many digits of the last group count.
# Negative numbers have it all the other way round.


def encode_number(canonical: str) -> bytes:
    """A canonical number's ordered bytes."""
    negative = canonical.startswith("-")
    whole, _, fraction = canonical.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return b"\x80"
    exponent = len(digits) - len(fraction)
    if len(digits) > _MOST_DIGITS:
        digits = digits.rstrip("0")
    out = bytearray(_header(exponent, negative))
    padded = digits + "0" * (-len(digits) % 3)
    groups = [12 + int(padded[at : at + 3]) for at in range(0, len(padded), 3)]
    groups.append((len(digits) - 1) % 3)
    bits = 0
    for group in groups:
        bits = bits << 10 | (1023 - group if negative else group)
    length = 10 * len(groups)
    out += (bits << (-length % 8)).to_bytes((length + 7) // 8, "big")
    return bytes(out)


def _header(exponent: int, negative: bool) -> bytes:
    if -0x3E <= exponent < 0x3E:
        return bytes((0x3F - exponent if negative else exponent + 0xC0,))
    if negative:
        lead, flip = (0x7E if exponent < 0 else 0x01), 0x7FFFFFFF
    else:
        lead, flip = (0x81 if exponent < 0 else 0xFE), 0x80000000
    return bytes((lead,)) + ((exponent & 0xFFFFFFFF) ^ flip).to_bytes(4, "big")


def decode_number(data: bytes) -> str:
    """The canonical text. Raises MalformedError."""
    if not data:
        raise MalformedError("a number without bytes")
    first, at = data[0], 1
    if first in (0x7F, 0x80):
        return "0"
    if first in (0x00, 0xFF):
        raise MalformedError("no number")
    if first in (0x01, 0x7E, 0x81, 0xFE):
        negative = first in (0x01, 0x7E)
        exponent = int.from_bytes(data[1:5], "big") ^ (0x7FFFFFFF if negative else 0x80000000)
        exponent -= (exponent & 0x80000000) << 1
        at = 5
    else:
        negative = first < 0x80
        exponent = 0x3F - first if negative else first - 0xC0
    digits = _digits(data[at:], negative)
    mantissa = -int(digits) if negative else int(digits)
    return cbor.canonical(mantissa, exponent - len(digits))


def _digits(data: bytes, negative: bool) -> str:
    bits, length = int.from_bytes(data[: _MAX_GROUPS * 2], "big"), 8 * min(len(data), _MAX_GROUPS * 2)
    digits = ""
    while length >= 10:
        length -= 10
        group = bits >> length & 1023
        if negative:
            group = 1023 - group
        if group <= 2:
            if not digits:
                break
            return digits[: len(digits) - 2 + group]
        if not 12 <= group <= 1011:
            break
        digits += f"{group - 12:03d}"
    raise MalformedError("a number without an end")
