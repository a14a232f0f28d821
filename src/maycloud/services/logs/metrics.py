"""What metric filters make of events: data for CloudWatch.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
"""

from collections.abc import Iterator
from typing import Any

import orjson

from maycloud.services.logs.filters import compile_pattern, fields_of, follow

MAX_VALUE = 2.0**360  # CloudWatch takes no more, and neither infinity nor what is no number

Filter = dict[str, Any]
Event = tuple[int, str]  # epoch milliseconds, message


def measure(filters: list[Filter], events: list[Event]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Namespaces and their data, as PutMetricData takes them with times in epoch seconds."""
    for each in filters:
        matches = compile_pattern(each["filterPattern"])
        found = [event for event in events if matches(event[1])]
        for transformation in each["metricTransformations"]:
            data = _data(transformation, each["filterPattern"], found, events)
            if data:
                yield transformation["metricNamespace"], data


def _data(
    wanted: dict[str, Any], pattern: str, found: list[Event], events: list[Event]
) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = []
    for time, message in found:
        value = _value(wanted["metricValue"], pattern, message)
        if value is None:
            continue
        dimensions = {
            name: _value_text(selector, pattern, message)
            for name, selector in wanted.get("dimensions", {}).items()
        }
        if None in dimensions.values():
            continue
        pairs = [{"Name": name, "Value": text} for name, text in dimensions.items()]
        data.append(_datum(wanted, time, value, pairs))
    if not data and events and "defaultValue" in wanted:
        data.append(_datum(wanted, events[-1][0], wanted["defaultValue"], []))
    return data


def _datum(
    wanted: dict[str, Any], time: int, value: float, dimensions: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "MetricName": wanted["metricName"],
        "Dimensions": dimensions,
        "Timestamp": time / 1000,
        "Value": value,
        "Unit": wanted.get("unit", "None"),
    }


def _value(selector: str, pattern: str, message: str) -> float | None:
    """A number, or what a selector finds of one; None where it finds none."""
    text = _value_text(selector, pattern, message) if selector.startswith("$") else selector
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and abs(value) <= MAX_VALUE else None


def _value_text(selector: str, pattern: str, message: str) -> str | None:
    """What ``$.a.b`` finds in JSON, or ``$name`` in fields by the names that the pattern gives them."""
    if selector.startswith("$."):
        try:
            found = follow(orjson.loads(message), selector[2:].split("."))
        except orjson.JSONDecodeError:
            return None
        return None if found is None or isinstance(found, dict | list) else str(found)
    return fields_of(pattern, message).get(selector.removeprefix("$"))
