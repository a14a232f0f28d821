"""S3's pure parts: folding, order of keys, ranges, sealed bodies, version ids."""

import bisect
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.errors import AwsError
from maycloud.services.s3.encryption import CustomerKey, Sealer, opened
from maycloud.services.s3.keys import successor
from maycloud.services.s3.listing import fold
from maycloud.services.s3.ranges import read_range
from maycloud.services.s3.versions import row_of, version_id


class Keys:
    """Sorted keys that count how many of them were read."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)
        self.read = 0

    def since(self, key: str) -> Iterator[tuple[str]]:
        for at in range(bisect.bisect_left(self.keys, key), len(self.keys)):
            self.read += 1
            yield (self.keys[at],)


def test_what_is_folded_is_skipped() -> None:
    keys = Keys([f"{top:02}/{number:05}" for top in range(20) for number in range(5000)] + ["zz"])
    entries, more = fold(keys.since(""), keys.since, ("", "/", 1000))
    assert entries == [*(f"{top:02}/" for top in range(20)), ("zz",)] and not more
    assert keys.read == 21
    entries, more = fold(keys.since(""), keys.since, ("", "/", 5))
    assert entries == [f"{top:02}/" for top in range(5)] and more


@given(st.text(), st.text())
def test_the_successor_ends_what_begins_with_a_prefix(prefix: str, rest: str) -> None:
    after = successor(prefix)
    if after is not None:
        assert after.encode() > (prefix + rest).encode()
        assert not after.startswith(prefix) or prefix == ""
    else:
        assert prefix.strip("\U0010ffff") == ""


@given(st.integers(0, 20), st.integers(0, 25), st.integers(0, 25))
def test_ranges_as_slices(size: int, first: int, last: int) -> None:
    body = bytes(range(size))
    wanted = body[first : last + 1]
    if last < first:
        assert read_range(f"bytes={first}-{last}", size) == (0, size, False)
    elif not wanted:
        with pytest.raises(AwsError, match="InvalidRange"):
            read_range(f"bytes={first}-{last}", size)
    else:
        start, length, partial = read_range(f"bytes={first}-{last}", size)
        assert (body[start : start + length], partial) == (wanted, True)


@given(st.integers(1, (1 << 40) - 1))
def test_version_ids_hide_their_rows(row: int) -> None:
    version = version_id(row)
    assert len(version) == 32 and row_of(version) == row
    assert version != version_id(row)


@pytest.mark.parametrize(
    "wrong", ["", "null", "a" * 31, "a" * 33, "a" * 31 + "!", "é" * 32, "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"]
)
def test_what_is_no_version_id(wrong: str) -> None:
    assert row_of(wrong) is None


def sealed(key: CustomerKey, body: bytes) -> bytes:
    sealer = Sealer(key)
    return b"".join(
        [*(sealer.take(body[at : at + 10_000]) for at in range(0, len(body), 10_000)), sealer.end()]
    )


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 200_000])
def test_a_sealed_body_cannot_be_changed(size: int) -> None:
    """Not a bit of it, not its order, not its end."""
    key = CustomerKey(os.urandom(32), "")
    body = os.urandom(size)
    stored = sealed(key, body)

    def read(kept: bytes, length: int = size) -> bytes:
        return b"".join(opened(lambda at, count: kept[at : at + count], length, key, 0, length))

    assert read(stored) == body
    for at in (0, 20, len(stored) - 1):
        with pytest.raises(EOFError):
            read(stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :])
    if size > 65_536:
        with pytest.raises(EOFError):  # the first segment alone does not pass for the whole
            read(stored[: 16 + 65_536 + 16], 65_536)
        swapped = stored[:16] + stored[16 + 65_552 :] + stored[16 : 16 + 65_552]
        with pytest.raises(EOFError):
            read(swapped)
