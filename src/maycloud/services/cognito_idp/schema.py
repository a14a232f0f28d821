"""Attributes of users: the standard ones, those of a pool's own, and what values they take.

https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
"""

import re
from collections.abc import Iterable

from maycloud.errors import AwsError
from maycloud.services.cognito_idp.service import invalid, not_authorized
from maycloud.services.cognito_idp.store import Client, Pool
from maycloud.store import Document

MAX_VALUE = 2048  # characters
MAX_CUSTOM = 50

# Name: data type, and for strings the least and greatest length.
_STANDARD: dict[str, tuple[str, int, int]] = {
    "sub": ("String", 1, 2048),
    "name": ("String", 0, 2048),
    "given_name": ("String", 0, 2048),
    "family_name": ("String", 0, 2048),
    "middle_name": ("String", 0, 2048),
    "nickname": ("String", 0, 2048),
    "preferred_username": ("String", 0, 2048),
    "profile": ("String", 0, 2048),
    "picture": ("String", 0, 2048),
    "website": ("String", 0, 2048),
    "email": ("String", 0, 2048),
    "email_verified": ("Boolean", 0, 0),
    "gender": ("String", 0, 2048),
    "birthdate": ("String", 10, 10),
    "zoneinfo": ("String", 0, 2048),
    "locale": ("String", 0, 2048),
    "phone_number": ("String", 0, 2048),
    "phone_number_verified": ("Boolean", 0, 0),
    "address": ("String", 0, 2048),
    "updated_at": ("Number", 0, 0),
    "identities": ("String", 0, 2048),
}
STANDARD = frozenset(_STANDARD)
NOT_WRITABLE = frozenset({"sub", "email_verified", "phone_number_verified", "identities"})
VERIFIED = {"email": "email_verified", "phone_number": "phone_number_verified"}

_CUSTOM_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,20}")
_EMAIL = re.compile(r"[^\s@,;<>\"()]+@[^\s@,;<>\"()]+\.[^\s@,;<>\"()]+|[^\s@,;<>\"()]+@localhost")
_PHONE = re.compile(r"\+[0-9]{6,18}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    return _PHONE.fullmatch(text) is not None


def standard_schema() -> list[Document]:
    """SchemaAttributes of a new pool."""
    return [_standard(name) for name in _STANDARD]


def _standard(name: str) -> Document:
    kind, low, high = _STANDARD[name]
    entry: Document = {
        "Name": name,
        "AttributeDataType": kind,
        "DeveloperOnlyAttribute": False,
        "Mutable": name != "sub",
        "Required": name == "sub",
    }
    if kind == "String":
        entry["StringAttributeConstraints"] = {"MinLength": str(low), "MaxLength": str(high)}
    elif kind == "Number":
        entry["NumberAttributeConstraints"] = {"MinValue": "0"}
    return entry


def make_schema(given: Iterable[Document]) -> list[Document]:
    """SchemaAttributes from the Schema of CreateUserPool."""
    entries = {entry["Name"]: entry for entry in standard_schema()}
    for each in given:
        name = each.get("Name") or ""
        if name in STANDARD and name != "sub":
            entries[name] |= _changed_standard(name, each, entries[name])
        else:
            custom = make_custom(each)
            if custom["Name"] in entries:
                raise invalid(f"{custom['Name']}: Attribute names must be unique.")
            entries[custom["Name"]] = custom
    if sum(1 for name in entries if name not in STANDARD) > MAX_CUSTOM:
        raise invalid(f"The maximum number of custom attributes, {MAX_CUSTOM}, was exceeded.")
    return list(entries.values())


def _changed_standard(name: str, given: Document, entry: Document) -> Document:
    kind = given.get("AttributeDataType", entry["AttributeDataType"])
    if kind != entry["AttributeDataType"] or given.get("DeveloperOnlyAttribute"):
        raise invalid(
            "You can not change AttributeDataType or set developerOnlyAttribute for standard schema"
            f" attribute {name}"
        )
    changed = {each: given[each] for each in ("Mutable", "Required") if each in given}
    for constraints in ("StringAttributeConstraints", "NumberAttributeConstraints"):
        if given.get(constraints) and constraints in entry:
            changed[constraints] = entry[constraints] | given[constraints]
            _check_bounds(name, changed[constraints], constraints)
    return changed


def make_custom(given: Document) -> Document:
    """A custom attribute, with its ``custom:`` or ``dev:`` before its name."""
    name = given.get("Name") or ""
    name = name.removeprefix("custom:")
    if not _CUSTOM_NAME.fullmatch(name):
        raise invalid(f"Invalid name for a custom attribute: {name}")
    if given.get("Required"):
        raise invalid("Required custom attributes are not supported currently.")
    kind = given.get("AttributeDataType")
    if kind is None:
        raise invalid("Invalid AttributeDataType input, consider using the provided AttributeDataType enum.")
    only = bool(given.get("DeveloperOnlyAttribute", False))
    entry: Document = {
        "Name": f"{'dev:' if only else ''}custom:{name}",
        "AttributeDataType": kind,
        "DeveloperOnlyAttribute": only,
        "Mutable": given.get("Mutable", True),
        "Required": False,
    }
    if kind in ("String", "Number"):
        constraints = f"{kind}AttributeConstraints"
        entry[constraints] = dict(given.get(constraints) or {})
        _check_bounds(entry["Name"], entry[constraints], constraints)
    return entry


def _check_bounds(name: str, bounds: Document, constraints: str) -> None:
    """In the words of moto's tests/test_cognitoidp (test_create_user_pool_invalid_schema_values and on)."""
    text = constraints.startswith("String")
    low, high = ("MinLength", "MaxLength") if text else ("MinValue", "MaxValue")
    for bound in (low, high):
        if bound in bounds and not _NUMBER.fullmatch(bounds[bound]):
            raise invalid(f"Invalid {constraints} for schema attribute {name}")
        if text and bound in bounds and float(bounds[bound]) > MAX_VALUE:
            raise invalid(f"user.{name}: String attributes cannot have a length of more than {MAX_VALUE}")
    if low in bounds and high in bounds and float(bounds[low]) > float(bounds[high]):
        what = "length" if text else "value"
        raise invalid(f"user.{name}: Max {what} cannot be less than min {what}.")


def entries_of(pool: Pool) -> dict[str, Document]:
    return {entry["Name"]: entry for entry in pool.settings["SchemaAttributes"]}


# Values


def check_values(pool: Pool, attributes: dict[str, str]) -> None:
    """Raises InvalidParameterException for attributes that the pool does not have, or values not fit."""
    entries = entries_of(pool)
    for name, value in attributes.items():
        entry = entries.get(name)
        if entry is None:
            raise nonconforming(f"Type for attribute {{{name}}} could not be determined")
        if len(value) > MAX_VALUE:
            raise nonconforming(f"{name}: Attribute value is too long.\n")
        if name == "email" and value and not is_email(value):
            raise invalid("Invalid email address format.")
        if name == "phone_number" and value and not is_phone(value):
            raise invalid("Invalid phone number format.")
        problem = _problem(entry, value)
        if problem:
            raise nonconforming(f"{name}: {problem}\n")


def _problem(entry: Document, value: str) -> str:
    kind = entry["AttributeDataType"]
    if kind == "String":
        bounds = entry.get("StringAttributeConstraints") or {}
        if value == "" and not entry["Required"]:
            return ""
        low, high = bounds.get("MinLength"), bounds.get("MaxLength")
        if high is not None and len(value) > int(high):
            return f"String must be no longer than {high} characters"
        if low is not None and len(value) < int(low):
            return f"String must be no shorter than {low} characters"
    elif kind == "Number":
        bounds = entry.get("NumberAttributeConstraints") or {}
        if not _NUMBER.fullmatch(value):
            return "The attribute is not a number"
        low, high = bounds.get("MinValue"), bounds.get("MaxValue")
        if high is not None and float(value) > float(high):
            return f"Number must be no greater than {high}"
        if low is not None and float(value) < float(low):
            return f"Number must be no less than {low}"
    elif kind == "Boolean" and value.lower() not in ("true", "false"):
        return "The attribute is not a boolean"
    return ""


def check_required(pool: Pool, attributes: dict[str, str]) -> None:
    """Raises for required attributes that are missing, all of them in one message."""
    missing = [
        f"{name}: The attribute is required\n"
        for name, entry in entries_of(pool).items()
        if entry["Required"] and name != "sub" and not attributes.get(name)
    ]
    if missing:
        raise nonconforming("".join(missing))


def check_writable(client: Client, names: Iterable[str]) -> None:
    """Raises NotAuthorizedException for attributes that the client may not write for its users."""
    listed = client.settings.get("WriteAttributes")
    for name in names:
        if name in NOT_WRITABLE or name.startswith("dev:") or (listed and name not in listed):
            raise not_authorized("A client attempted to write unauthorized attribute")


def check_mutable(pool: Pool, names: Iterable[str]) -> None:
    entries = entries_of(pool)
    for name in names:
        if name in entries and not entries[name]["Mutable"]:
            raise invalid(f"user.{name}: Attribute cannot be updated.\n")


def normalise(attributes: dict[str, str]) -> dict[str, str]:
    """Values as they are kept: booleans in lower case."""
    return {name: value.lower() if name in VERIFIED.values() else value for name, value in attributes.items()}


def nonconforming(problem: str) -> AwsError:
    return invalid(f"Attributes did not conform to the schema: {problem}")
