"""Checks and pages that DAX's management operations share."""

import re
from collections.abc import Sequence
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Params

_NAME = re.compile(r"[a-zA-Z](?:-?[a-zA-Z0-9])*")
_DEFAULT, _LEAST, _MOST = 100, 20, 100


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)


def check_name(what: str, name: str, longest: int) -> str:
    """A name in lower case, as DAX keeps it. Raises InvalidParameterValueException."""
    if not _NAME.fullmatch(name):
        raise invalid(
            f"{what} specified is not a valid identifier. Identifiers must begin with a letter; must contain"
            " only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two"
            " consecutive hyphens."
        )
    if len(name) > longest:
        raise invalid(f"{what} exceeds the maximum length of {longest} characters.")
    return name.lower()


def page(params: Params, key: str, found: Sequence[Any]) -> dict[str, Any]:
    """A page of results below `key`; a token is the place of the next one."""
    most = params.get("MaxResults", _DEFAULT)
    if not _LEAST <= most <= _MOST:
        raise invalid(f"MaxResults must be between {_LEAST} and {_MOST}.")
    token = params.get("NextToken", "0")
    if not token.isdecimal() or len(token) > 9:
        raise invalid("Invalid NextToken.")
    start = int(token)
    result: dict[str, Any] = {key: list(found[start : start + most])}
    if start + most < len(found):
        result["NextToken"] = str(start + most)
    return result
