"""Lifecycle transitions: which storage class an object goes to, and when.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.s3.common import invalid_argument, malformed_xml

DAY = 86_400
_SMALLEST = 128 * 1024  # bytes of what moves, unless the rule or the configuration says otherwise
_MAX_DAYS = 2_147_483_647

Rule = dict[str, Any]

# From the dearest to the cheapest; objects only go down.
_CLASSES = (
    "STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
)  # fmt: skip
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_AFTER_A_MONTH = frozenset({"STANDARD_IA", "ONEZONE_IA"})


def check(rule: Rule) -> None:
    """Raises what S3 says of a rule's transitions."""
    moves: list[Rule] = rule.get("Transitions", [])
    for each in moves:
        if each.get("StorageClass") not in _CLASSES[1:] or ("Days" in each) == ("Date" in each):
            raise malformed_xml()
        _check_days(each.get("Days"), each["StorageClass"], "Days", "Transition")
        if "Date" in each:
            check_date(each["Date"])
    for each in rule.get("NoncurrentVersionTransitions", []):
        if each.get("StorageClass") not in _CLASSES[1:] or "NoncurrentDays" not in each:
            raise malformed_xml()
        _check_days(
            each["NoncurrentDays"], each["StorageClass"], "NoncurrentDays", "NoncurrentVersionTransition"
        )
        newer = each.get("NewerNoncurrentVersions")
        if newer is not None and not 1 <= newer <= 100:
            raise _argument("'NewerNoncurrentVersions' must be between 1 and 100")
    _check_once(moves, rule, "Transition")
    _check_once(rule.get("NoncurrentVersionTransitions", []), rule, "NoncurrentVersionTransition")
    _check_order(moves, rule)


def check_date(date: datetime) -> None:
    if date.timestamp() % DAY:
        text = date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        raise invalid_argument("'Date' must be at midnight GMT", "Date", text)


def _check_days(days: int | None, storage_class: str, name: str, action: str) -> None:
    if days is None:
        return
    if days < 0 or days > _MAX_DAYS:
        raise _argument(f"'{name}' in {action} action must be nonnegative")
    if storage_class in _AFTER_A_MONTH and days < 30:
        raise _argument(
            f"'{name}' in {action} action must be greater than or equal to 30 for storageClass"
            f" '{storage_class}'"
        )


def _check_once(moves: list[Rule], rule: Rule, action: str) -> None:
    classes = [each["StorageClass"] for each in moves]
    if len(set(classes)) < len(classes):
        raise _argument(
            f"'StorageClass' must be different for '{action}' actions in same 'Rule' with {_filter(rule)}"
        )


def _check_order(moves: list[Rule], rule: Rule) -> None:
    """An object moves down with time, and ends after its last move."""
    expiration = rule.get("Expiration", {})
    given = [*moves, *([expiration] if {"Days", "Date"} & expiration.keys() else [])]
    if moves and any("Days" in each for each in given) and any("Date" in each for each in given):
        raise AwsError(
            "InvalidRequest",
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for"
            f" {_filter(rule)}",
        )
    for name in ("Days", "Date"):
        latest = max((each[name] for each in moves if name in each), default=None)
        if latest is not None and name in expiration and expiration[name] <= latest:
            raise _argument(
                f"'{name}' in the Expiration action for {_filter(rule)} must be greater than '{name}' in the"
                " Transition action"
            )


def _filter(rule: Rule) -> str:
    given = rule.get("Filter") or {"Prefix": rule.get("Prefix", "")}
    both = given.get("And", given)
    tags = both.get("Tags", [both["Tag"]] if "Tag" in both else [])
    parts = [f"prefix={both['Prefix']}"] if both.get("Prefix") is not None or not tags else []
    parts += [f"tag=(key={tag['Key']}, value={tag['Value']})" for tag in tags]
    return f"filter '({' and '.join(parts)})'"


def _argument(message: str) -> AwsError:
    return AwsError("InvalidArgument", message)


# As JSON keeps them


def kept(rule: Rule) -> Rule:
    return _dated(rule, lambda date: date.isoformat())


def shown(rule: Rule) -> Rule:
    return _dated(rule, datetime.fromisoformat)


def _dated(rule: Rule, change: Any) -> Rule:
    if not any("Date" in each for each in rule.get("Transitions", [])):
        return rule
    moves = [
        {**each, "Date": change(each["Date"])} if "Date" in each else each for each in rule["Transitions"]
    ]
    return {**rule, "Transitions": moves}


# When


def _moves(rule: Rule, size: int, minimum: str) -> Iterator[Rule]:
    """The transitions that an object of that size makes, current or not."""
    given = rule.get("Filter", {})
    sized = given.get("And", given)
    any_size = "ObjectSizeGreaterThan" in sized or "ObjectSizeLessThan" in sized
    for each in (*rule.get("Transitions", ()), *rule.get("NoncurrentVersionTransitions", ())):
        archives = minimum == "varies_by_storage_class" and each["StorageClass"] in _ARCHIVES
        if size >= _SMALLEST or any_size or archives:
            yield each


def target(
    rules: list[Rule], size: int, minimum: str, now: float, moment: float, newer: int | None
) -> str | None:
    """The cheapest class that rules have moved an object to by now.

    `moment` is when a current version was modified, or when one stopped being that; `newer` is how many
    noncurrent ones are above it, None for a current one. All in epoch seconds.
    """
    found = [
        _CLASSES.index(each["StorageClass"])
        for rule in rules
        for each in _moves(rule, size, minimum)
        if _is_due(each, now, moment, newer)
    ]
    return _CLASSES[max(found)] if found else None


def _is_due(move: Rule, now: float, moment: float, newer: int | None) -> bool:
    if newer is None:
        if "Date" in move:
            return datetime.fromisoformat(move["Date"]).timestamp() <= now
        days = move.get("Days")
    else:
        days = move.get("NoncurrentDays")
        if newer < move.get("NewerNoncurrentVersions", 0):
            return False
    return days is not None and midnight_after(moment, days) <= now


def midnight_after(moment: float, days: int) -> float:
    """So many days later, then the next midnight of UTC: S3 counts so. Epoch seconds."""
    return float(-(-(moment + days * DAY) // DAY) * DAY)


def goes_down(current: str, target_class: str) -> bool:
    """Whether an object of one class moves to another; REDUCED_REDUNDANCY is where STANDARD is."""
    at = _CLASSES.index(current) if current in _CLASSES else 0
    return _CLASSES.index(target_class) > at
