"""The parser of multipart/form-data against forms of every shape, cut anywhere, and against noise."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.errors import AwsError
from maycloud.services.s3.forms import MAX_FIELDS, Data, Event, Field, File, Parser, boundary_of

BOUNDARY = b"b0undary"

# Bytes that are likely to be taken for something else.
TEASERS = st.sampled_from(
    [b"\r\n", b"--", b"\r\n--", b"\r\n--b0undar", b"\r", b"\n", b"-", b"b0undary", b"\0"]
)
CONTENT = st.lists(st.one_of(TEASERS, st.binary(max_size=20)), max_size=30).map(b"".join)
START = b"--b0undary\r\nContent-Disposition: form-data; name="
LETTERS = st.characters(codec="utf-8", exclude_characters='"\\\r\n', categories=("L", "N", "P"))
NAMES = st.text(LETTERS, min_size=1, max_size=10)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=40)


def feed(data: bytes, cuts: list[int]) -> tuple[list[Event], bool]:
    parser = Parser(BOUNDARY)
    points = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    events = [event for start, stop in pairwise(points) for event in parser.feed(data[start:stop])]
    return events, parser.ended


def part(head: str, body: bytes) -> bytes:
    return b"--" + BOUNDARY + b"\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n"


@given(
    st.lists(st.tuples(NAMES, VALUES), max_size=5), CONTENT, st.lists(st.integers(0, 10_000), max_size=8),
    st.booleans(),
)  # fmt: skip
def test_forms_are_read_however_they_are_cut(
    fields: list[tuple[str, str]], content: bytes, cuts: list[int], trailing: bool
) -> None:
    delimiter = b"\r\n--" + BOUNDARY
    fields = [
        (n, v) for n, v in fields if n.lower() != "file" and delimiter not in b"\r\n" + v.encode() + b"\r"
    ]
    if delimiter in content + b"\r\n":
        content = content.replace(BOUNDARY, b"")
    body = b"".join(part(f'Content-Disposition: form-data; name="{n}"', v.encode()) for n, v in fields)
    body += part(
        'Content-Disposition: form-data; name="file"; filename="x.txt"\r\nContent-Type: a/b', content
    )
    body += part('Content-Disposition: form-data; name="late"', b"ignored") if trailing else b""
    body += b"--" + BOUNDARY + b"--\r\n"
    events, ended = feed(body, cuts)
    assert ended
    assert [event for event in events if isinstance(event, Field)] == [Field(n, v) for n, v in fields]
    assert [event for event in events if isinstance(event, File)] == [File("x.txt", "a/b")]
    assert b"".join(event.data for event in events if isinstance(event, Data)) == content


@given(CONTENT, st.integers(0, 10_000))
def test_a_form_that_is_cut_short_never_ends(content: bytes, cut: int) -> None:
    content = content.replace(BOUNDARY, b"")
    body = part('Content-Disposition: form-data; name="file"', content) + b"--" + BOUNDARY
    events, ended = feed(body[: cut % len(body)], [])
    assert not ended
    assert content.startswith(
        b"".join(event.data for event in events if isinstance(event, Data))[: len(content)]
    )


@given(
    st.lists(st.one_of(TEASERS, st.binary(max_size=50), st.just(START)), max_size=40),
    st.lists(st.integers(0, 5_000), max_size=5),
)
def test_noise_is_refused_or_waited_out(noise: list[bytes], cuts: list[int]) -> None:
    try:
        events, _ = feed(b"".join(noise), cuts)
    except AwsError as error:
        refusal = error.code
    else:
        refusal = ""
        assert all(isinstance(event, Field | File | Data) for event in events)
    assert refusal in ("", "MalformedPOSTRequest", "MaxPostPreDataLengthExceeded")


@pytest.mark.parametrize("start", [b"", b"--b0undary\r\n", START + b'"a"\r\n\r\n'])
def test_what_comes_before_the_file_is_bounded(start: bytes) -> None:
    with pytest.raises(AwsError, match="MaxPostPreDataLengthExceeded"):
        feed(start + b"x" * (MAX_FIELDS + 2000), list(range(0, MAX_FIELDS, 1000)))


def test_a_file_leaves_nothing_behind() -> None:
    parser = Parser(BOUNDARY)
    list(parser.feed(part('Content-Disposition: form-data; name="file"', b"")[:-2]))
    size = 0
    for _ in range(100):
        events = list(parser.feed(b"\r\n--b0undar" * 1000))
        size += sum(len(event.data) for event in events if isinstance(event, Data))
    assert size > 100 * 11_000 - 100


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("a.txt", "a.txt"), ("C:\\dir\\a.txt", "a.txt"), ("/etc/passwd", "passwd"), ("..", ".."), ("", ""),
        ('say \\"hi\\".txt', 'say "hi".txt'), ("say %22hi%22.txt", 'say "hi".txt'), ("ünï.txt", "ünï.txt"),
    ],
)  # fmt: skip
def test_a_files_name_is_without_its_folders(sent: str, name: str) -> None:
    events, _ = feed(part(f'Content-Disposition: form-data; name="file"; filename="{sent}"', b""), [])
    assert events[0] == File(name, None)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; charset=utf-8; boundary="a b c"', b"a b c"),
        ("Multipart/Form-Data; Boundary=abc; x=y", b"abc"),
    ],
)
def test_boundaries(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_other_content_is_refused(content_type: str) -> None:
    with pytest.raises(AwsError):
        boundary_of(content_type)
