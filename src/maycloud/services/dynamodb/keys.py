"""Keys as bytes that order as DynamoDB orders them, so that a Query is a range of the index.

A row's key is: two bytes of a hash of the partition key (where a Scan finds it, and which segment of a
parallel one), the partition key, the sort key; in an index, the table's own key after that. Each part is
self-delimiting, so the bytes of one partition are the bytes below one prefix.
"""

import functools
import zlib
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dynamodb.values import Item, Value, parts

BUCKETS = 1 << 16
MAX_HASH = 2048
MAX_RANGE = 1024
USUAL = MAX_RANGE // 4  # characters that cannot come to more bytes than a key may have


@dataclass(frozen=True, slots=True)
class KeySchema:
    """Names and types (S, N, B) of a partition key and, where there is one, a sort key.

    Each may be of several attributes in a global index, `more_hash` and `more_range`:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
    """

    hash: str
    hash_type: str
    range: str | None = None
    range_type: str = ""
    more_hash: tuple[tuple[str, str], ...] = ()
    more_range: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    hashes: tuple[str, ...] = field(init=False, repr=False, compare=False)
    ranges: tuple[str, ...] = field(init=False, repr=False, compare=False)
    types: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        hashes = ((self.hash, self.hash_type), *self.more_hash)
        ranges = ((self.range, self.range_type), *self.more_range) if self.range is not None else ()
        object.__setattr__(self, "hashes", tuple(name for name, _ in hashes))
        object.__setattr__(self, "ranges", tuple(name for name, _ in ranges))
        object.__setattr__(self, "names", (*self.hashes, *self.ranges))
        object.__setattr__(self, "types", dict((*hashes, *ranges)))

    def type_of(self, name: str) -> str:
        return self.types[name]


def encode(value: Value) -> bytes:
    """A key value's bytes: in order within its type, and no prefix of another's."""
    kind, content = next(iter(value.items()))
    if kind == "S":
        return content.encode("utf-8", "surrogatepass").replace(b"\0", b"\0\1") + b"\0\0"
    if kind == "N":
        return _encode_number(content)
    return b64decode(content).replace(b"\0", b"\0\1") + b"\0\0"


def encode_prefix(value: Value) -> bytes:
    """What the encodings of all values that begin with this one begin with."""
    return encode(value)[:-2]


_INVERT = bytes(255 - byte for byte in range(256))


@functools.lru_cache(maxsize=4096)
def _encode_number(text: str) -> bytes:
    """Sign, exponent, digits, end; for negative numbers all the other way round."""
    digits, exponent, negative = parts(text)
    if not digits:
        return b"\x80"
    body = (exponent + 512).to_bytes(2, "big") + digits.encode() + b"\0"
    return b"\x7f" + body.translate(_INVERT) if negative else b"\x81" + body


def bucket_of(encoded: bytes) -> bytes:
    """Where a partition lies in a Scan."""
    return (zlib.crc32(encoded) & 0xFFFF).to_bytes(2, "big")


def partition(*values: Value) -> bytes:
    """The prefix of all rows of a partition."""
    encoded = b"".join(map(encode, values))
    return bucket_of(encoded) + encoded


def after(prefix: bytes) -> bytes:
    """The first bytes that follow everything below a prefix."""
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        return b"\xff" * (len(prefix) + 1)
    return trimmed[:-1] + bytes([trimmed[-1] + 1])


def row_key(schema: KeySchema, item: Item) -> bytes:
    """An item's key in its table, or the first part of its key in an index."""
    if schema.more_hash or schema.more_range:
        key = partition(*(item[name] for name in schema.hashes))
        return key + b"".join(encode(item[name]) for name in schema.ranges)
    encoded = encode(item[schema.hash])
    key = bucket_of(encoded) + encoded
    return key if schema.range is None else key + encode(item[schema.range])


def usual_key(schema: KeySchema, item: Any) -> bytes | None:
    """The row key where the key attributes are plain, short strings and numbers of the right types.

    None for all others, right or wrong: `check_key` and `row_key` look at those with care. Half the work
    of both, see bench/RESULTS.md.
    """
    encoded = _usual_part(item.get(schema.hash), schema.hash_type)
    if encoded is None:
        return None
    key = bucket_of(encoded) + encoded
    if schema.range is None:
        return key
    encoded = _usual_part(item.get(schema.range), schema.range_type)
    return None if encoded is None else key + encoded


def _usual_part(value: Any, kind: str) -> bytes | None:
    if value.__class__ is not dict or len(value) != 1:
        return None
    content = value.get(kind)
    if content.__class__ is not str or not 0 < len(content) < USUAL:
        return None
    if kind == "S":
        if content.isascii() and "\0" not in content:
            return content.encode() + b"\0\0"
        return content.encode("utf-8", "surrogatepass").replace(b"\0", b"\0\1") + b"\0\0"
    if kind == "N":
        try:
            return _encode_number(content)
        except AwsError:
            return None
    return None


def segment(number: int, total: int) -> tuple[bytes, bytes]:
    """First bucket and the one after the last, of a parallel scan's segment."""
    low, high = BUCKETS * number // total, BUCKETS * (number + 1) // total
    return low.to_bytes(3, "big")[1:], (b"\xff" * 8 if high >= BUCKETS else high.to_bytes(2, "big"))


# Checks


_NO_MATCH = "The provided key element does not match the schema"


def check_key(schema: KeySchema, checked: Item) -> Item:
    """A key whose values were checked: whether it has what the schema wants."""
    check_key_types(schema, checked)
    check_key_values(schema, checked)
    return checked


def check_key_types(schema: KeySchema, checked: Item, *, alone: bool = True) -> None:
    """`alone`: there is nothing beside the key."""
    if alone and len(checked) != len(schema.names):
        raise validation(_NO_MATCH)
    for name in schema.names:
        if schema.type_of(name) not in checked.get(name, ()):
            raise validation(_NO_MATCH)


def check_item_keys(schema: KeySchema, item: Item) -> None:
    """An item to be put must have the table's keys, of their types."""
    check_item_key_types(schema, item)
    check_key_values(schema, item)


def check_item_key_types(schema: KeySchema, item: Item) -> None:
    for name in schema.names:
        value = item.get(name)
        if value is None:
            raise validation(f"One or more parameter values were invalid: Missing the key {name} in the item")
        wanted = schema.type_of(name)
        if wanted not in value:
            raise validation(
                f"One or more parameter values were invalid: Type mismatch for key {name} expected: {wanted}"
                f" actual: {next(iter(value))}"
            )


def check_key_values(schema: KeySchema, item: Item) -> None:
    """No empty strings or bytes in keys, and none too long."""
    for name in schema.names:
        ((kind, content),) = item[name].items()
        if kind == "N":
            continue
        if not content:
            what = "string" if kind == "S" else "binary"
            raise validation(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot"
                f" contain an empty {what} value. Key: {name}"
            )
        if len(content) * 4 > MAX_RANGE:
            _check_length(schema, name, kind, content)


def _check_length(schema: KeySchema, name: str, kind: str, content: str) -> None:
    if kind == "N":
        return
    size = len(content.encode()) if kind == "S" else len(b64decode(content))
    if name in schema.hashes and size > MAX_HASH:
        raise validation(
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit"
            " of2048 bytes"
        )
    if name in schema.ranges and size > MAX_RANGE:
        raise validation(
            "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the"
            " size limit of 1024 bytes"
        )


def fits(schema: KeySchema, item: Item) -> bool:
    """Whether an item belongs into an index: indexes are sparse."""
    for name in schema.names:
        kind = schema.type_of(name)
        content = item.get(name, {}).get(kind)
        if content is None or (kind != "N" and not content):
            return False
        if kind != "N" and len(content) * 4 > MAX_RANGE:
            try:
                _check_length(schema, name, kind, content)
            except AwsError:
                return False
    return True


def check_index_keys(schema: KeySchema, item: Item, index: str) -> None:
    """Refuse an item to be put whose attributes cannot be an index's keys; missing ones keep it out."""
    for name in schema.names:
        value = item.get(name)
        if value is None:
            continue
        wanted = schema.type_of(name)
        if wanted not in value:
            raise _index_mismatch(name, wanted, next(iter(value)), index)
        if wanted != "N" and not value[wanted]:
            what = "string" if wanted == "S" else "binary"
            raise validation(
                "One or more parameter values are not valid. A value specified for a secondary index key is"
                f" not supported. The AttributeValue for a key attribute cannot contain an empty {what}"
                f" value. IndexName: {index}, IndexKey: {name}"
            )
        if wanted != "N" and len(value[wanted]) * 4 > MAX_RANGE:
            _check_length(schema, name, wanted, value[wanted])


def check_updated_index_keys(schema: KeySchema, old: Item, new: Item) -> None:
    """What an update may not make of an index's keys; those it leaves alone may be as they are.

    Words of https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    for name in schema.names:
        value = new.get(name)
        if value is None or value == old.get(name):
            continue
        wanted = schema.type_of(name)
        if wanted not in value:
            raise validation(
                "The update expression attempted to update the secondary index key to unsupported type"
            )
        if wanted != "N" and not value[wanted]:
            what = "string" if wanted == "S" else "binary"
            raise validation(
                "One or more parameter values are not valid. The update expression attempted to update a"
                " secondary index key to a value that is not supported. The AttributeValue for a key"
                f" attribute cannot contain an empty {what} value."
            )
        try:
            _check_length(schema, name, wanted, value[wanted])
        except AwsError as error:
            raise validation(
                "The update expression attempted to update the secondary index key beyond allowed size limits"
            ) from error


def check_update_kinds(schema: KeySchema, kinds: dict[str, str], index: str) -> None:
    """Types that an update would give to an index's keys whatever the item is."""
    for name in schema.names:
        if name in kinds and kinds[name] != schema.type_of(name):
            raise _index_mismatch(name, schema.type_of(name), kinds[name], index)


def _index_mismatch(name: str, wanted: str, actual: str, index: str) -> AwsError:
    return validation(
        f"One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {wanted}"
        f" Actual: {actual} IndexName: {index}"
    )
