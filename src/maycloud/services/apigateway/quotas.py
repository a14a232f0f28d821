"""Quotas of usage plans: their periods, and what of them is left.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-apigateway-usageplan-quotasettings.html
"""

from datetime import UTC, date, datetime, timedelta

from maycloud.services.apigateway.key_store import Keys
from maycloud.services.apigateway.service import bad_request
from maycloud.store import Document

PERIODS = ("DAY", "WEEK", "MONTH")
_LATEST = {"DAY": 0, "WEEK": 6, "MONTH": 27}  # the offset that a period may have at most


def check_quota(quota: Document) -> None:
    period, offset, limit = quota.get("period"), quota.get("offset") or 0, quota.get("limit")
    if period not in PERIODS:
        raise bad_request("Invalid Usage Plan quota period specified. Must be one of [DAY, WEEK, MONTH]")
    if limit is None or limit < 0:
        raise bad_request("Usage Plan quota limit must be greater than or equal to 0")
    latest = _LATEST[period]
    if not 0 <= offset <= latest:
        bounds = f"between 0 and {latest} inclusive" if latest else "zero"
        raise bad_request(f"Usage Plan quota offset must be {bounds} in the {period} period")


def today(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()


def start_of(quota: Document, day: date) -> date:
    """The first day of the period that a day is in; `offset` days after Sunday or after the month's first."""
    offset = quota.get("offset") or 0
    if quota["period"] == "DAY":
        return day
    if quota["period"] == "WEEK":
        return day - timedelta(days=(day.isoweekday() - offset) % 7)
    first = day - timedelta(days=offset)
    return first.replace(day=1) + timedelta(days=offset)


def left(keys: Keys, plan: Document, key: str, day: date) -> int:
    """How many more requests the plan's quota lets a key make in the period that the day is in."""
    quota = plan["quota"]
    start = start_of(quota, day)
    used = sum(keys.used(plan["id"], key, f"{start}", f"{day}").values())
    return quota["limit"] + keys.extension(plan["id"], key, f"{start}") - used


def usage(keys: Keys, plan: Document, key: str, first: date, last: date) -> list[list[int]]:
    """For each day what was used and what was left at its end; -1 is left where there is no quota."""
    quota = plan.get("quota")
    used = keys.used(plan["id"], key, f"{first}", f"{last}")
    days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    return [[used.get(f"{day}", 0), max(0, left(keys, plan, key, day)) if quota else -1] for day in days]
