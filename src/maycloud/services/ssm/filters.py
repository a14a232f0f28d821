"""ParameterFilters: which parameters a listing shows, and AWS's words for those that make no sense.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html; refusals as
moto's tests/test_ssm/test_ssm_boto3.py has them (test_describe_parameters_invalid_parameter_filters).
"""

import re
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.store import Document

_KEYS = ("Path", "Name", "Type", "KeyId", "Tier")
_OPTIONS = {
    "Path": ("Recursive", "OneLevel"),
    "Name": ("BeginsWith", "Equals", "Contains"),
    "Label": ("Equals", "BeginsWith"),
}
_VALUES = {
    "Tier": ("Standard", "Advanced", "Intelligent-Tiering"),
    "Type": ("String", "StringList", "SecureString"),
}
_PATH = re.compile(r"(/[a-zA-Z0-9_.-]+)*/?")


def check_filters(filters: list[dict[str, Any]], *, by_path: bool) -> None:
    """Raises AWS's refusal. `by_path` for GetParametersByPath, which knows other keys."""
    seen: set[str] = set()
    for each in filters:
        key = each["Key"]
        known = ("Type", "KeyId", "Label") if by_path else (*_KEYS, "DataType")
        if key not in known and not (key.startswith("tag:") and not by_path):
            listed = "Type, KeyId" if by_path else ", ".join(_KEYS)
            raise AwsError(
                "InvalidFilterKey",
                f"The following filter key is not valid: {key}. Valid filter keys include: [{listed}].",
            )
        if not each.get("Values") and not key.startswith("tag:"):
            raise AwsError(
                "InvalidFilterValue",
                f"The following filter values are missing : null for filter key {key}",
            )
        if key in seen:
            raise AwsError(
                "InvalidFilterKey",
                f"The following filter is duplicated in the request: {key}. A request can contain only one"
                " occurrence of a specific filter.",
            )
        seen.add(key)
        _check_one(key, each.get("Option"), each.get("Values", []))


def _check_one(key: str, option: str | None, values: list[str]) -> None:
    options = _OPTIONS.get(key, ("BeginsWith", "Equals"))
    if option is not None and option not in options:
        listed = ", ".join(each for each in options if each != "Contains")
        raise AwsError(
            "InvalidFilterOption",
            f"The following filter option is not valid: {option}. Valid options include: [{listed}].",
        )
    for value in values:
        if key in _VALUES and option != "BeginsWith" and value not in _VALUES[key]:
            raise AwsError(
                "InvalidFilterValue",
                f"The following filter value is not valid: {value}. Valid values include:"
                f" [{', '.join(_VALUES[key])}]",
            )
        if key == "Path":
            _check_path(value)


def _check_path(value: str) -> None:
    if value.lower().removeprefix("/").startswith(("aws", "ssm")):
        raise validation(
            'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive).'
        )
    check_hierarchy(value)


def check_hierarchy(value: str) -> None:
    """Raises AWS's refusal of what is no path, its backslashes with it: https://github.com/aws/copilot-cli/issues/66"""
    if value != "/" and (not value or not _PATH.fullmatch(value)):
        raise validation(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a"
            ' forward slash "/". It can\'t be prefixed with \\"aws\\" or \\"ssm\\" (case-insensitive). It'
            " must use only letters, numbers, or the following symbols: . (period), - (hyphen), _"
            " (underscore). Special characters are not allowed. All sub-paths, if specified, must use the"
            ' forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.'
        )


def matches(body: Document, filters: list[dict[str, Any]]) -> bool:
    version = body["Versions"][-1]
    for each in filters:
        key, option, values = each["Key"], each.get("Option", "Equals"), each.get("Values", [])
        if key.startswith("tag:"):
            have = [body["Tags"].get(key[4:])]
            if not values and have[0] is not None:
                continue
        elif key in ("Name", "Path"):
            have = [body["Name"]]
        elif key == "Label":
            have = [label for v in body["Versions"] for label in v["Labels"]]
        else:
            have = [version.get(key)]
        if not any(_holds(option, key, value, wanted) for value in have for wanted in values):
            return False
    return True


def _holds(option: str, key: str, value: str | None, wanted: str) -> bool:
    if value is None:
        return False
    if key == "Path":
        whole, above = f"/{value.removeprefix('/')}", wanted.rstrip("/") + "/"
        return whole.startswith(above) and (option == "Recursive" or "/" not in whole[len(above) :])
    if key == "Name":
        # Names are the same with and without the slash that leads them.
        if option == "Contains":
            return wanted in f"/{value.removeprefix('/')}"
        value, wanted = value.removeprefix("/"), wanted.removeprefix("/")
    return value.startswith(wanted) if option == "BeginsWith" else value == wanted
