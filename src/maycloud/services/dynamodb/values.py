"""Attribute values in their JSON wire form: checked, normalised, measured.

Words of the errors as observed of DynamoDB, see architect/dynalite's tests; sizes by
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import binascii
import functools
import re
from base64 import b64decode
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.wire.scalars import serialization_error

Value = dict[str, Any]
Item = dict[str, Value]

MAX_ITEM = 400 * 1024
MAX_DEPTH = 32
MAX_NAME = 65_535  # bytes of an attribute's name

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,9}))?")


def number(text: str) -> str:
    """A number's canonical text: no exponent, no sign for zero, no needless zeros. Exact to 38 digits."""
    # Nearly all numbers are small integers in canonical form already.
    if len(text) < 38 and text.isdecimal() and text.isascii() and (text[0] != "0" or text == "0"):
        return text
    digits, exponent, negative = parts(text)
    if not digits:
        return "0"
    count = len(digits)
    if exponent >= count:
        body = digits + "0" * (exponent - count)
    elif exponent > 0:
        body = f"{digits[:exponent]}.{digits[exponent:]}"
    else:
        body = f"0.{'0' * -exponent}{digits}"
    return "-" + body if negative else body


@functools.lru_cache(maxsize=4096)
def parts(text: str) -> tuple[str, int, bool]:
    """Significant digits, the place of the point (0.DIGITS * 10**exponent), and whether it is negative."""
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise validation(
            f"The parameter cannot be converted to a numeric value: {text}"
            if text
            else "The parameter cannot be converted to a numeric value"
        )
    sign, whole, fraction, power = match.groups()
    fraction = fraction or ""
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "", 0, False
    exponent = len(whole) + int(power or 0) - (len(whole) + len(fraction) - len(digits))
    digits = digits.rstrip("0")
    if exponent > 126:
        raise validation(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if exponent < -129:
        raise validation(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    if len(digits) > 38:
        raise validation("Attempting to store more than 38 significant digits in a Number")
    return digits, exponent, sign == "-"


def number_size(text: str) -> int:
    """Bytes of a canonical number: one for two significant digits, one more, one for a sign."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + (text[0] == "-")


def check_item(item: Any) -> tuple[Item, int]:
    """A whole item, normalised, and its size in bytes. Raises ValidationException."""
    if item.__class__ is not dict:
        raise serialization_error("Unexpected field type")
    result: Item = {}
    size = 0
    for name, value in item.items():
        if value is None:
            continue
        result[name], value_size = check_value(value)
        length = len(name) if name.isascii() else len(name.encode())
        if length > MAX_NAME:
            raise validation("Attribute name is too large, must be less than 65536 bytes")
        size += value_size + length
    return result, size


def check_value(value: Any, depth: int = 0) -> tuple[Value, int]:
    """One value, normalised, and its size."""
    if value.__class__ is not dict:
        raise _unexpected(value, "class com.amazonaws.dynamodb.v20120810.AttributeValue")
    content = value.get("S")
    if content.__class__ is str and len(value) == 1:  # the usual value
        return value, len(content) if content.isascii() else _length(content)
    kind, content = _only_type(value)
    if kind == "S":
        if content.__class__ is not str:
            raise _not_string(content)
        return {"S": content}, _length(content)
    if kind == "N":
        if content.__class__ is not str:
            raise _not_string(content)
        canonical = number(content)
        return {"N": canonical}, number_size(canonical)
    if kind in ("SS", "NS", "BS"):
        return _check_set(kind, content)
    if kind in ("M", "L"):
        if depth >= MAX_DEPTH:
            raise validation("Nesting Levels have exceeded supported limits")
        return _check_map(content, depth) if kind == "M" else _check_list(content, depth)
    if kind == "B":
        return {"B": content}, binary_size(content)
    if content.__class__ is not bool:
        raise _unexpected_scalar(content, "Boolean")
    if kind == "NULL" and not content:
        raise validation(
            "One or more parameter values were invalid: Null attribute value types must have the value of"
            " true"
        )
    return {kind: content}, 1


def _check_map(content: Any, depth: int) -> tuple[Value, int]:
    if content.__class__ is not dict:
        raise _unexpected(content, "java.util.Map")
    members: Item = {}
    size = 3
    for name, member in content.items():
        members[name], member_size = check_value(member, depth + 1)
        size += member_size + _length(name) + 1
    return {"M": members}, size


def _check_list(content: Any, depth: int) -> tuple[Value, int]:
    if content.__class__ is not list:
        raise _unexpected(content, "java.util.List")
    items: list[Value] = []
    size = 3
    for member in content:
        checked, member_size = check_value(member, depth + 1)
        items.append(checked)
        size += member_size + 1
    return {"L": items}, size


_TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"})


def _only_type(value: dict[str, Any]) -> tuple[str, Any]:
    if len(value) == 1:
        for kind, content in value.items():
            if kind in _TYPES and content is not None:
                return kind, content
    present = [(kind, content) for kind, content in value.items() if kind in _TYPES and content is not None]
    if not present:
        raise validation(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    if len(present) > 1:
        for kind, content in present:  # what is wrong with numbers is told first
            if kind == "N" and content.__class__ is str:
                number(content)
        raise validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the"
            " supported datatypes"
        )
    return present[0]


def _check_set(kind: str, content: Any) -> tuple[Value, int]:
    if content.__class__ is not list:
        raise _unexpected(content, "java.util.List")
    if not content:
        words = {"SS": "An string set  may not be empty", "NS": "An number set  may not be empty"}
        raise validation(
            f"One or more parameter values were invalid: {words.get(kind, 'Binary sets should not be empty')}"
        )
    for member in content:
        if member.__class__ is not str:
            raise _not_string(member)
    if kind == "NS":
        content = [number(member) for member in content]
        if len(set(content)) != len(content):
            raise validation("Input collection contains duplicates")
        return {"NS": content}, sum(map(number_size, content))
    if kind == "SS":
        size = sum(map(_length, content))
        unique = set(content)
    else:
        size = sum(map(binary_size, content))
        unique = {b64decode(member) for member in content}
    if len(unique) != len(content):
        of_type = "of type BS" if kind == "BS" else ""
        raise validation(
            f"One or more parameter values were invalid: Input collection [{', '.join(content)}]{of_type}"
            " contains duplicates."
        )
    return {kind: content}, size


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def binary_size(content: Any) -> int:
    """Bytes of a base64 text. Raises SerializationException for what is none."""
    if content.__class__ is not str:
        raise serialization_error("only base-64-encoded strings are convertible to bytes")
    try:
        return len(b64decode(content, validate=True))
    except (binascii.Error, ValueError) as error:
        if len(content) % 4:
            raise serialization_error(
                f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(content)}"
            ) from error
        raise serialization_error("Invalid last non-pad Base64 character detected") from error


def value_size(value: Value) -> int:
    """Size of a value that is known to be right."""
    ((kind, content),) = value.items()
    if kind == "S":
        return _length(content)
    if kind == "N":
        return number_size(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "B":
        return len(content) * 3 // 4 - content.count("=", -2)
    if kind == "M":
        return 3 + sum(_length(name) + 1 + value_size(member) for name, member in content.items())
    if kind == "L":
        return 3 + sum(1 + value_size(member) for member in content)
    measure = {"SS": _length, "NS": number_size, "BS": binary_size}[kind]
    return sum(map(measure, content))


def item_size(item: Item) -> int:
    return sum(_length(name) + value_size(value) for name, value in item.items())


def check_depth(item: Item) -> None:
    """Refuse an item that an update nested too deeply."""
    for value in item.values():
        check_value(value)


def _unexpected(value: Any, java: str) -> AwsError:
    if isinstance(value, dict):
        return serialization_error("Start of structure or map found where not expected")
    if isinstance(value, list):
        return serialization_error(f"Unrecognized collection type {java}")
    return serialization_error("Unexpected field type")


def _unexpected_scalar(value: Any, java: str) -> AwsError:
    if isinstance(value, dict | list):
        return _unexpected(value, f"class java.lang.{java}")
    if isinstance(value, bool):
        token = "TRUE_VALUE" if value else "FALSE_VALUE"
    else:
        token = "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"
    return serialization_error(f"{token} cannot be converted to {java}")


def _not_string(value: Any) -> AwsError:
    return _unexpected_scalar(value, "String")
