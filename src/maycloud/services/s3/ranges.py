"""Ranges of bytes, as S3 reads them."""

import re
from typing import NamedTuple

from maycloud.errors import AwsError

_RANGE = re.compile(r"bytes=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*")


class Span(NamedTuple):
    """A stretch of an object; `partial` if it was asked for (206)."""

    start: int
    length: int
    partial: bool


def read_range(text: str | None, size: int) -> Span:
    """The stretch that a Range header wants of `size` bytes.

    What S3 cannot read, and several ranges at once, it ignores: the whole object is the answer.
    Raises InvalidRange for one that has no byte of the object.
    """
    match = _RANGE.fullmatch(text) if text is not None else None
    if match is None or match.groups() == ("", ""):
        return Span(0, size, partial=False)
    first, last = match.groups()
    if first == "":
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            return Span(0, size, partial=False)
        length = (min(int(last), size - 1) if last else size - 1) - start + 1
    if length <= 0:
        raise AwsError(
            "InvalidRange",
            "The requested range is not satisfiable",
            416,
            RangeRequested=text,
            ActualObjectSize=str(size),
        )
    return Span(start, length, partial=True)


def read_copy_range(text: str, size: int) -> Span:
    """A range of UploadPartCopy, which must be ``bytes=first-last`` within the source."""
    match = re.fullmatch(r"bytes=(\d{1,19})-(\d{1,19})", text)
    if match is None or int(match[2]) < int(match[1]):
        raise AwsError(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are"
            " the zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    first, last = int(match[1]), int(match[2])
    if first >= size:
        raise AwsError("InvalidRequest", "The specified copy range is invalid for the source object size")
    if last >= size:
        raise AwsError(
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    return Span(first, last - first + 1, partial=True)
