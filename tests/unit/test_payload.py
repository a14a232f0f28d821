"""The framing of aws-chunked bodies: what is none is refused, in pieces of any size, and at once."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.access.payload import MIN_CHUNK, ChunkedBody
from maycloud.errors import AwsError


@pytest.mark.parametrize(
    "body",
    [
        b"", b"5", b"5\r\nabcde", b"5\r\nabcde\r\n", b"5\r\nabcdeXX0\r\n\r\n", b"\r\nabc",
        b"0x5\r\nabcde\r\n0\r\n\r\n", b"+5\r\nabcde\r\n0\r\n\r\n", b"-5\r\nabcde\r\n0\r\n\r\n",
        b"0_5\r\nabcde\r\n0\r\n\r\n", b" 5\r\nabcde\r\n0\r\n\r\n", b"\xef\xbc\x95\r\nabcde\r\n0\r\n\r\n",
        b"f" * 17 + b"\r\n", b"f" * 8 + b"\r\nabc", b"5" * 5000, b"0\r\nno trailer\r\n\r\n",
        b"0\r\n" + b"a:b\r\n" * 2000 + b"\r\n", b"6\r\nabcdef\r\n0\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_framing(body: bytes) -> None:
    with pytest.raises(AwsError):
        ChunkedBody(body, 5, None, False).unwrapped()


@given(st.binary(max_size=200))
def test_bytes_raise_one_kind_of_error(body: bytes) -> None:
    with contextlib.suppress(AwsError):
        ChunkedBody(body, None, None, True).unwrapped()


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6), st.binary(min_size=1, max_size=50))
def test_chunks_come_out_as_they_went_in(parts: list[bytes], last: bytes) -> None:
    chunks = [part * MIN_CHUNK for part in parts] + [last]
    body = b"".join(b"%X;chunk-signature=x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    whole = b"".join(chunks)
    found = ChunkedBody(body + b"0\r\nx-amz-a: b \r\n\r\n", len(whole), None, True).unwrapped()
    assert (found, found.trailers) == (whole, {"x-amz-a": "b"})
