"""Event streams against botocore's reader, and damaged ones."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from maycloud.errors import AwsError
from maycloud.wire.eventstream import Message, Reader, encode, encode_events
from maycloud.wire.models import Model

HEADERS = st.dictionaries(
    st.text("abc:-", min_size=1, max_size=10),
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.text(max_size=20),
        st.binary(max_size=20),
        st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)).map(
            lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
        ),
        st.uuids(),
    ),
    max_size=5,
)


@given(headers=HEADERS, payload=st.binary(max_size=200), cut=st.integers(1, 50))
def test_what_is_written_is_read(headers: dict[str, Any], payload: bytes, cut: int) -> None:
    raw = encode(Message(headers, payload)) * 2
    reader = Reader()
    found = [message for at in range(0, len(raw), cut) for message in reader.feed(raw[at : at + cut])]
    assert found == [Message(headers, payload)] * 2


@given(payload=st.binary(max_size=100), number=st.integers(-(2**31), 2**31 - 1))
def test_botocore_reads_it(payload: bytes, number: int) -> None:
    headers = {
        ":event-type": "Records",
        "flag": True,
        "number": number,
        "raw": b"\x00",
        "id": uuid.UUID(int=7),
    }
    buffer = EventStreamBuffer()
    buffer.add_data(encode(Message(headers, payload)))
    (found,) = list(buffer)
    assert found.payload == payload
    assert found.headers[":event-type"] == "Records"
    assert found.headers["number"] == number
    assert found.headers["raw"] == b"\x00"


@given(at=st.integers(0, 60), bit=st.integers(0, 7))
def test_damage_is_noticed(at: int, bit: int) -> None:
    raw = bytearray(
        encode(Message({"a": "b"}, b"payload of some length, more than sixty bytes in all, surely"))
    )
    raw[at] ^= 1 << bit
    with pytest.raises(AwsError, match="SerializationException"):
        list(Reader().feed(bytes(raw)))


async def test_a_union_of_events() -> None:
    model = Model("s3")
    shape = model.shapes["SelectObjectContentEventStream"]

    async def events() -> AsyncIterator[dict[str, Any]]:
        yield {"Records": {"Payload": b"1,2\n"}}
        yield {"End": {}}

    buffer = EventStreamBuffer()
    async for raw in encode_events(model, shape, events()):
        buffer.add_data(raw)
    found = list(buffer)
    assert [message.headers[":event-type"] for message in found] == ["Records", "End"]
    assert found[0].payload == b"1,2\n"
