"""DAX's encodings against those of AWS's client, and against themselves."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from amazondax import AttributeValueEncoder, CborSExprGenerator, LexDecimal
from amazondax.AttributeValueDecoder import _decode_attribute_value, _decode_key_bytes
from amazondax.DaxCborDecoder import DaxCborDecoder
from hypothesis import given
from hypothesis import strategies as st

from maycloud.services.dax import cbor, framing, keys
from maycloud.services.dax.caches import MISS, Cache, capacity_of, is_node_type
from maycloud.services.dax.cbor import MalformedError, Reader
from maycloud.services.dax.expressions import Expressions
from maycloud.services.dax.framing import Framer, Message
from maycloud.services.dax.keys import KeySchema


@st.composite
def numbers(draw: Any) -> str:
    """Canonical numbers as DynamoDB has them."""
    mantissa = draw(st.integers(-(10**38) + 1, 10**38 - 1))
    digits = len(str(abs(mantissa)))
    return cbor.canonical(mantissa, draw(st.integers(-130 + 1, 126 - digits)))


def values(binary: Any) -> Any:
    """Attribute values whose bytes are what `binary` makes of them."""
    data = st.binary(max_size=8).map(binary)
    text = st.text(max_size=8)
    plain = (
        st.fixed_dictionaries({"S": text})
        | st.fixed_dictionaries({"N": numbers()})
        | st.fixed_dictionaries({"B": data})
        | st.fixed_dictionaries({"BOOL": st.booleans()})
        | st.just({"NULL": True})
        | st.fixed_dictionaries({"SS": st.lists(text, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"NS": st.lists(numbers(), min_size=1, max_size=3)})
        | st.fixed_dictionaries({"BS": st.lists(data, min_size=1, max_size=3)})
    )
    return st.recursive(
        plain,
        lambda inner: (
            st.fixed_dictionaries({"L": st.lists(inner, max_size=3)})
            | st.fixed_dictionaries({"M": st.dictionaries(text, inner, max_size=3)})
        ),
        max_leaves=8,
    )


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def client_decoder(data: bytes) -> DaxCborDecoder:
    left = bytearray(data)

    def more(buffer: bytearray, _: int) -> int:
        count = len(left)
        buffer.extend(left)
        left.clear()
        return count or -1

    return DaxCborDecoder(more)


def in_json(value: Any) -> Any:
    """A client's value in our form: bytes as base64, numbers canonical."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": {name: in_json(member) for name, member in content.items()}}
    if kind == "L":
        return {"L": [in_json(member) for member in content]}
    if kind == "B":
        return {"B": base64(content)}
    if kind == "BS":
        return {"BS": [base64(each) for each in content]}
    if kind == "N":
        return {"N": number(content)}
    if kind == "NS":
        return {"NS": [number(each) for each in content]}
    return value


def number(text: str) -> str:
    sign, digits, exponent = Decimal(text).as_tuple()
    mantissa = int("".join(map(str, digits)))
    return cbor.canonical(-mantissa if sign else mantissa, int(exponent))


@given(values(bytes))
def test_we_read_values_as_the_client_writes_them(value: Any) -> None:
    assert Reader(AttributeValueEncoder.encode_attribute_value(value)).value() == in_json(value)


@given(values(base64))
def test_the_client_reads_values_as_we_write_them(value: Any) -> None:
    out = bytearray()
    cbor.value(out, value)
    assert in_json(_decode_attribute_value(client_decoder(bytes(out)))) == value
    assert Reader(out).value() == value


@given(numbers())
def test_numbers_of_sort_keys_are_those_of_the_client(text: str) -> None:
    encoded = keys.encode_number(text)
    assert keys.decode_number(encoded) == text
    assert Decimal(str(LexDecimal.decode_all(encoded))) == Decimal(text)
    if len(Decimal(text).as_tuple().digits) <= 38:  # the client cannot write more, though AWS takes zeros
        assert encoded == LexDecimal.encode(LexDecimal.create_decimal(text))


@given(numbers(), numbers())
def test_numbers_of_sort_keys_order_as_numbers(one: str, other: str) -> None:
    first, second = keys.encode_number(one), keys.encode_number(other)
    if Decimal(one) != Decimal(other):
        assert (first < second) == (Decimal(one) < Decimal(other))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_number_or_malformed(data: bytes) -> None:
    try:
        text = keys.decode_number(data)
    except MalformedError:
        return
    Decimal(text)


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        ((("p", "S"),), {"p": {"S": "é"}}),
        ((("p", "N"),), {"p": {"N": "-1.5"}}),
        ((("p", "B"),), {"p": {"B": b"\x00"}}),
        ((("p", "S"), ("s", "N")), {"p": {"S": "a"}, "s": {"N": "12"}}),
        ((("p", "N"), ("s", "B")), {"p": {"N": "12"}, "s": {"B": b""}}),
        ((("p", "B"), ("s", "S")), {"p": {"B": b"\xff"}, "s": {"S": "s"}}),
    ],
)
def test_keys_are_those_of_the_client(schema: Any, key: Any) -> None:
    named = [{"AttributeName": name, "AttributeType": kind} for name, kind in schema]
    ours = {name: in_json(value) for name, value in key.items()}
    encoded = keys.encode(KeySchema(schema), ours)
    assert keys.decode(KeySchema(schema), encoded) == ours
    framed = bytearray()
    cbor.blob(framed, encoded)
    assert _decode_key_bytes(client_decoder(bytes(framed)), named) == key
    if key["s" if "s" in key else "p"] != {"B": b""}:
        assert AttributeValueEncoder.encode_key(key, named) == encoded


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("a = :x OR b = :x AND c = :y", "#0 = :0 OR #1 = :0 AND #2 = :1"),
        (
            "(a = :x OR b = :x) AND NOT (c = :y AND a > :y)",
            "(#0 = :0 OR #1 = :0) AND NOT (#2 = :1 AND #0 > :1)",
        ),
        ("NOT NOT a = :x AND b IN (:x, :y)", "NOT NOT #0 = :0 AND #1 IN (:0, :1)"),
        ("a.b[3].#n BETWEEN :x AND :y", "#0.#1[3].#2 BETWEEN :0 AND :1"),
        ("size(a[0]) >= :x AND attribute_type(b, :y)", "size(#0[0]) >= :0 AND attribute_type(#1, :1)"),
    ],
)
def test_conditions_become_text_again(text: str, ours: str) -> None:
    values = {":x": {"S": "x"}, ":y": {"S": "y"}}
    given_names = {"#n": "a.b"} if "#n" in text else {}
    used = {name: value for name, value in values.items() if name in text}
    encoded = CborSExprGenerator.encode_filter_expression(text, given_names, used)
    expressions = Expressions()
    assert expressions.condition(encoded) == ours
    assert expressions.values == {":0": {"S": "x"}, ":1": {"S": "y"}} if ":y" in text else {":0": {"S": "x"}}
    if given_names:
        assert "a.b" in expressions.names.values()


def test_several_expressions_share_placeholders_without_mixing_them_up() -> None:
    update = CborSExprGenerator.encode_update_expression(
        "SET a = b + :x, c = list_append(if_not_exists(c, :y), :y) REMOVE d[1] ADD e :x DELETE f :x",
        {},
        {":x": {"N": "1"}, ":y": {"L": []}},
    )
    condition = CborSExprGenerator.encode_condition_expression("b = :z", {}, {":z": {"N": "3"}})
    expressions = Expressions()
    assert expressions.update(update) == (
        "SET #0 = #1 + :0, #2 = list_append(if_not_exists(#2, :1), :1) REMOVE #3[1] ADD #4 :0 DELETE #5 :0"
    )
    assert expressions.condition(condition) == "#1 = :2"
    assert expressions.values == {":0": {"N": "1"}, ":1": {"L": []}, ":2": {"N": "3"}}


def test_projections_keep_their_order() -> None:
    encoded = CborSExprGenerator.encode_projection_expression("a.b, #c[2], d", {"#c": "x"}, {})
    expressions = Expressions()
    paths = expressions.projection(encoded)
    assert paths == [("a", "b"), ("x", 2), ("d",)]
    assert expressions.top_level(paths) == "#0, #1, #2"
    assert list(expressions.names.values()) == ["a", "x", "d"]


GREETING = b"\x67J7yne5G\x00\x41s\xa1\x69UserAgent\x61x\x00"


def request(method: int, arguments: bytes) -> bytes:
    out = bytearray(b"\x01")
    cbor.integer(out, method)
    return bytes(out) + arguments


@given(
    st.lists(st.integers(1, 12), max_size=30),
    st.sampled_from([b"\xbf\x0d\x05\xff", b"\xa1\x0d\x05", b"\xf6"]),
)
def test_messages_are_cut_the_same_however_they_arrive(sizes: list[int], options: bytes) -> None:
    messages = [
        Message(framing.SCAN, b"\x43abc" + options),
        Message(framing.ENDPOINTS, b""),
        Message(framing.BATCH_GET_ITEM, b"\xa1\x61t\x83\xf4\xf6\x82\x41a\x5f\x41b\x41c\xff" + options),
    ]
    stream = GREETING + b"".join(request(each.method, each.arguments) for each in messages)
    framer = Framer()
    found: list[Message] = []
    at = 0
    for size in [*sizes, len(stream)]:
        framer.feed(stream[at : at + size])
        at += size
        while (message := framer.next()) is not None:
            found.append(message)
    assert found == messages
    assert framer.waiting == 0


@given(st.binary(max_size=200))
def test_any_stream_is_messages_or_malformed(data: bytes) -> None:
    framer = Framer()
    framer.feed(GREETING + data)
    try:
        while framer.next() is not None:
            pass
    except MalformedError:
        return
    assert framer.waiting <= len(data)


@given(st.binary(max_size=100))
def test_any_bytes_are_items_or_malformed(data: bytes) -> None:
    reader = Reader(data)
    try:
        while not reader.ended:
            reader.item()
    except MalformedError:
        return


class StubClock:
    now = 0

    def millis(self) -> int:
        return self.now


class StubDatabase:
    def cache(self) -> dict[Any, Any]:
        self.kept: dict[Any, Any] = {}
        return self.kept


def test_a_cache_drops_what_was_used_longest_ago() -> None:
    cache = Cache(StubDatabase(), StubClock(), 1000)  # type: ignore[arg-type]
    for name in "abc":
        cache.put(name, name, 100)
    assert cache.get("a") == "a"
    cache.put("d", "d", 100)
    assert cache.get("b") is MISS
    assert cache.get("a") == "a"
    cache.put("huge", "x", 2000)
    assert cache.get("huge") is MISS
    cache.put("e", "e", 700)
    assert len(cache) == 1


def test_a_cache_forgets_with_time_and_with_a_rollback() -> None:
    clock, database = StubClock(), StubDatabase()
    cache = Cache(database, clock, 10_000)  # type: ignore[arg-type]
    cache.ttl = 50
    cache.put("a", None, 1)
    clock.now = 49
    assert cache.get("a") is None
    clock.now = 50
    assert cache.get("a") is MISS
    cache.put("a", "x", 1)
    database.kept.clear()
    assert cache.get("a") is MISS


def test_node_types_and_their_memory() -> None:
    assert is_node_type("dax.r5.large")
    assert not is_node_type("dax.x1.large")
    assert not is_node_type("r5.large")
    assert capacity_of("dax.t2.small") == 8 << 20
    assert capacity_of("dax.r4.2xlarge") == 256 << 20
