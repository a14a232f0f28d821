"""Timestamps, blobs, numbers and booleans as the protocols write them."""

import base64
import binascii
import functools
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from maycloud.errors import AwsError


def serialization_error(message: str) -> AwsError:
    return AwsError("SerializationException", message)


_BITS = {"integer": 31, "long": 63}


def whole(value: int, kind: str) -> int:
    """An integer that its type holds. Raises as AWS's parsers do for what Java's int or long does not."""
    bits = _BITS[kind]
    if not -(1 << bits) <= value < 1 << bits:
        name = "int" if kind == "integer" else kind
        raise serialization_error(
            f"Numeric value ({str(value)[:64]}) out of range of {name} ({-(1 << bits)} - {(1 << bits) - 1})"
        )
    return value


def timestamp(value: object) -> datetime:
    """Any of AWS's three formats, by the look of it: epoch seconds, ISO 8601, HTTP date."""
    try:
        if isinstance(value, bool):
            raise ValueError(value)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        text = str(value).strip()
        if text.replace(".", "", 1).replace("-", "", 1).isdecimal():
            return datetime.fromtimestamp(float(text), UTC)
        if text[:1].isdecimal():
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError, IndexError) as error:
        raise serialization_error("Invalid timestamp") from error


def iso8601(moment: datetime | float) -> str:
    """As AWS writes it in XML: milliseconds and a Z."""
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@functools.lru_cache(maxsize=4096)
def http_date(moment: datetime | float) -> str:
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def epoch(moment: datetime | float) -> float | int:
    """Epoch seconds, whole where they are, else to the millisecond."""
    seconds = moment.timestamp() if isinstance(moment, datetime) else moment
    return int(seconds) if seconds == int(seconds) else round(seconds, 3)


def blob(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise serialization_error("Invalid base64 data") from error


def format_timestamp(moment: datetime | float, style: str) -> str:
    if style == "rfc822":
        return http_date(moment)
    if style == "unixTimestamp":
        return str(epoch(moment))
    return iso8601(moment)
