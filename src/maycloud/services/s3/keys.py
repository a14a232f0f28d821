"""Keys: what they may be, how they order, how they are written in addresses."""

from collections.abc import Callable
from urllib.parse import quote_plus

from maycloud.errors import AwsError
from maycloud.services.s3.common import invalid_argument

MAX_KEY = 1024  # bytes of UTF-8


def check_key(key: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""
    if len(key) * 4 <= MAX_KEY:
        return
    size = len(key.encode())
    if size > MAX_KEY:
        raise AwsError("KeyTooLongError", "Your key is too long", Size=size, MaxSizeAllowed=MAX_KEY)


def successor(prefix: str) -> str | None:
    """The least text that orders after everything that begins with `prefix`, None if there is none.

    Text orders by code points, which is the order of its UTF-8 bytes.
    """
    text = prefix.rstrip("\U0010ffff")
    if not text:
        return None
    point = ord(text[-1]) + 1
    return text[:-1] + chr(0xE000 if point == 0xD800 else point)


def encoder(encoding: str | None) -> Callable[[str], str]:
    """How a listing writes keys: as they are, or as in URLs, so that XML can carry every one of them.

    In URLs as Java encodes forms, but for slashes: measured on AWS by others (brekkylab/backlot#178).
    """
    if encoding is None:
        return str
    if encoding.lower() != "url":
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    return _encoded


def _encoded(key: str) -> str:
    return quote_plus(key, safe="/*").replace("~", "%7E")
