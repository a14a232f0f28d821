"""Statistics by name: SampleCount, Sum, Average, Minimum, Maximum, p99.9, tm…"""

import re

from maycloud.errors import AwsError
from maycloud.services.cloudwatch.store import Point

SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
SHORT = (1, 5, 10, 20, 30)  # periods below a minute
_DAY = 86400
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{0,10})?|100)")


def statistic(point: Point, name: str) -> float:
    """One statistic of a point. Raises AWS's error for one that is not known."""
    if name == "SampleCount":
        return point.count
    if name == "Sum":
        return point.sum
    if name == "Average":
        return point.sum / point.count if point.count else 0.0
    if name == "Minimum":
        return point.min
    if name == "Maximum":
        return point.max
    return point.percentile(percent_of(name))


def check_period(period: int) -> int:
    if period not in SHORT and (period < 60 or period % 60):
        raise AwsError(
            "InvalidParameterValue",
            "The parameter Period must be a value in the set [1, 5, 10, 20, 30] or a multiple of 60.",
        )
    return period


def first_moment(start: float, period: int, now: float) -> int:
    """Where the periods of a request begin: at its StartTime, which AWS rounds down by its age."""
    if period in SHORT:
        return int(start) - int(start) % period
    age = now - start
    step = 60 if age < 15 * _DAY else 300 if age < 63 * _DAY else 3600
    return int(start) - int(start) % step


def percent_of(name: str) -> float:
    """The number of an extended statistic ``p99``; other kinds (tm, wm, tc …) are refused."""
    match = _PERCENTILE.fullmatch(name)
    if match is None:
        raise AwsError("InvalidParameterValue", f"The value {name} for parameter Stat is not supported.")
    return float(match.group(1))
