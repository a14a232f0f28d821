"""Payloads that are not JSON, in the words of the parser that Lambda reads them with.

Observed of AWS: "Unrecognized token 'Hello': was expecting (JSON String, Number, Array, Object or token
'null', 'true' or 'false')", "Unexpected character (''' (code 39)): expected a valid value (…)", "Unexpected
character ('c' (code 99)): was expecting double-quote to start field name", with the place after each.
"""

import json
import re

import orjson

from maycloud.errors import AwsError

_TOKEN = re.compile(r"[A-Za-z0-9_$]+")
_VALUE = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"
_PLACE = (
    "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]"
)


def check(payload: bytes) -> None:
    """Raises InvalidRequestContentException for what is no JSON."""
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise AwsError(
            "InvalidRequestContentException",
            "Could not parse request body into json: Could not parse payload into json: "
            + _problem(payload.decode("utf-8", "replace")),
            400,
            Type="User",
        ) from error


def _problem(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _worded(text, error)
    except RecursionError:
        return "Document nesting depth exceeds the maximum allowed"
    return "Invalid UTF-8 or number" + _PLACE.format(1, 1)  # what Python takes and JSON does not


def _worded(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text):
        return "Unexpected end-of-input" + _PLACE.format(error.lineno, error.colno)
    token = _TOKEN.match(text, error.pos)
    if error.msg == "Expecting value" and token is not None:
        place = _PLACE.format(error.lineno, error.colno + len(token[0]))
        return f"Unrecognized token '{token[0]}': was expecting ({_VALUE}){place}"
    found = text[error.pos]
    wanted = {
        "Expecting property name enclosed in double quotes": "was expecting double-quote to start field name",
        "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
        "Expecting ',' delimiter": "was expecting comma to separate entries",
    }.get(error.msg, f"expected a valid value ({_VALUE})")
    place = _PLACE.format(error.lineno, error.colno)
    return f"Unexpected character ('{found}' (code {ord(found)})): {wanted}{place}"
