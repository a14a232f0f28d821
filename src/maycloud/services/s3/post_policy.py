"""POST policies: what the signer of a form allowed its sender to upload.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.errors import AwsError

# Fields that no condition need name.
_EXEMPT = frozenset({"x-amz-signature", "signature", "awsaccesskeyid", "file", "policy"})


@dataclass(frozen=True, slots=True)
class Sizes:
    """The bytes that the file may have."""

    least: int
    most: int

    def check_most(self, size: int) -> None:
        if size > self.most:
            raise AwsError(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
                ProposedSize=size,
                MaxSizeAllowed=self.most,
            )

    def check(self, size: int) -> None:
        self.check_most(size)
        if size < self.least:
            raise AwsError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=size,
                MinSizeAllowed=self.least,
            )


def check(
    encoded: str, fields: dict[str, str], names: dict[str, str], bucket: str, now: float
) -> Sizes | None:
    """Raises InvalidPolicyDocument for what is no policy, AccessDenied for a form that breaks it.

    `fields` are the form's by lower-case name, after variables are filled in; `names` has them as sent.
    `now` in epoch seconds. Gives the bounds of the file's size, if the policy has any.
    """
    policy = _parse(encoded)
    expires = _expiration(policy)
    conditions = policy.get("conditions")
    if conditions is None:
        raise _invalid("Policy missing conditions.")
    if not isinstance(conditions, list):
        raise _invalid("Invalid 'conditions' value: must be a List.")
    parsed = [_condition(each) for each in conditions]
    if expires.timestamp() <= now:
        raise _denied("Policy expired.")
    covered = set(_EXEMPT)
    sizes: Sizes | None = None
    values = {**fields, "bucket": bucket}
    for operator, name, wanted, shown in parsed:
        if operator == "content-length-range":
            sizes = _sizes(name, wanted, shown, sizes)
            continue
        if not name.startswith("$"):
            raise _failed(shown)
        field = name[1:].lower()
        covered.add(field)
        if not _holds(operator, field, values.get(field), wanted):
            raise _failed(shown)
    extra = [names[field] for field in fields if field not in covered and not field.startswith("x-ignore-")]
    if extra:
        raise _denied(f"Extra input fields: {extra[0]}")
    return sizes


def _parse(encoded: str) -> dict[str, Any]:
    try:
        text = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("invalid Base64 encoding.") from error
    if not text.strip():
        raise _invalid("Expecting '{' but found End-of-Input")
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _invalid("Invalid JSON.") from error
    if not isinstance(policy, dict):
        raise _invalid("Invalid JSON.")
    for name in policy:
        if name not in ("expiration", "conditions"):
            raise _invalid(f"Unexpected: '{name.lower()}'")
    return policy


def _expiration(policy: dict[str, Any]) -> datetime:
    given = policy.get("expiration")
    if given is None:
        raise _invalid("Policy missing expiration.")
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return datetime.strptime(str(given), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise _invalid(f"Invalid 'expiration' value: '{given}'")


Condition = tuple[str, Any, Any, str]  # operator, field or lower bound, value or upper bound, as shown


def _condition(given: Any) -> Condition:
    if isinstance(given, dict):
        if len(given) != 1:
            raise _invalid(
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."
            )
        ((name, value),) = given.items()
        if not isinstance(value, str):
            raise _invalid("Invalid Simple-Condition: value must be a string.")
        return "eq", f"${name}", value, _shown(["eq", f"${name}", value])
    if not isinstance(given, list):
        raise _invalid(f"Invalid condition {given}: must be a List or Object.")
    if not given:
        raise _invalid("Invalid Condition: missing operation identifier.")
    operator = str(given[0]).lower()
    if operator not in ("eq", "starts-with", "content-length-range"):
        raise _invalid(f"Invalid Condition: unknown operation '{given[0]}'.")
    if len(given) != 3:
        raise _invalid(f"Invalid {operator}: wrong number of arguments.")
    if operator != "content-length-range" and not all(isinstance(each, str) for each in given):
        raise _invalid("Invalid JSON.")
    return operator, given[1], given[2], _shown(given)


def _shown(condition: list[Any]) -> str:
    """As S3 prints it: JSON with a space after each comma."""
    return "[" + ", ".join(orjson.dumps(each).decode() for each in condition) + "]"


def _sizes(least: Any, most: Any, shown: str, before: Sizes | None) -> Sizes:
    if any(isinstance(bound, float | bool) for bound in (least, most)):
        raise _invalid("Invalid JSON.")
    if not all(str(bound).isdecimal() for bound in (least, most)):
        if all(isinstance(bound, int) for bound in (least, most)):
            raise _invalid("Invalid content-length-range: bounds must not be negative.")
        raise _failed(shown)
    found = Sizes(int(least), int(most))
    return found if before is None else Sizes(max(before.least, found.least), min(before.most, found.most))


def _holds(operator: str, field: str, value: str | None, wanted: str) -> bool:
    if value is None:
        return False
    if operator == "eq":
        return value == wanted
    if field == "content-type":
        # A list of types must begin as wanted in each.
        return all(each.strip().startswith(wanted) for each in value.split(","))
    return value.startswith(wanted)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"Invalid Policy: {message}")


def _failed(shown: str) -> AwsError:
    return _denied(f"Policy Condition failed: {shown}")


def _denied(message: str) -> AwsError:
    return AwsError("AccessDenied", f"Invalid according to Policy: {message}", 403)
