"""Metric filters: patterns whose matches are counted.

Answers as recorded of AWS in LocalStack's tests/aws/services/logs/test_logs_metric_filters.snapshot.json.
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.logs.filters import compile_pattern, extracted
from maycloud.services.logs.service import check_length, find, group_arn, invalid, offset, service
from maycloud.services.logs.store import Group

MAX_FILTERS = 100  # of a group


@service.operation(resource=group_arn)
def PutMetricFilter(call: Call, params: Params) -> Result:
    group = find(call, params)
    compile_pattern(params["filterPattern"])
    for each in params["metricTransformations"]:
        if each.get("dimensions") and "defaultValue" in each:
            raise invalid(
                "Invalid metric transformation: dimensions and default value are mutually exclusive."
            )
    made = {
        "filterName": params["filterName"],
        "filterPattern": params["filterPattern"],
        "metricTransformations": params["metricTransformations"],
        "creationTime": call.store.clock.millis(),
        "applyOnTransformedLogs": params.get("applyOnTransformedLogs", False),
    }
    others = [each for each in _filters(group) if each["filterName"] != made["filterName"]]
    if len(others) >= MAX_FILTERS:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")
    group.settings["metricFilters"] = sorted([*others, made], key=lambda each: each["filterName"])
    call.state.save_group(group)
    return None


@service.operation(resource=group_arn)
def DeleteMetricFilter(call: Call, params: Params) -> Result:
    group = find(call, params)
    kept = [each for each in _filters(group) if each["filterName"] != params["filterName"]]
    if len(kept) == len(_filters(group)):
        raise AwsError("ResourceNotFoundException", "The specified metric filter does not exist.")
    group.settings["metricFilters"] = kept
    call.state.save_group(group)
    return None


@service.operation(resource=group_arn, atomic=False)
def DescribeMetricFilters(call: Call, params: Params) -> Result:
    if bool(params.get("metricName")) is not bool(params.get("metricNamespace")):
        raise invalid("The metric name and namespace must both be specified.")
    if params.get("logGroupName"):
        check_length(params["logGroupName"])
        groups = [find(call, params)]
    else:
        groups = call.state.groups(call.scope, "", "", -1)
    found = [
        {**each, "logGroupName": group.name}
        for group in groups
        for each in _filters(group)
        if each["filterName"].startswith(params.get("filterNamePrefix", "")) and _makes(each, params)
    ]
    start, limit = offset(params.get("nextToken")), params.get("limit", 50)
    result: dict[str, Any] = {"metricFilters": found[start : start + limit]}
    if start + limit < len(found):
        result["nextToken"] = str(start + limit)
    return result


def _filters(group: Group) -> list[dict[str, Any]]:
    return group.settings.get("metricFilters", [])


def _makes(each: dict[str, Any], params: Params) -> bool:
    """Whether a filter makes the metric that is asked for."""
    if not params.get("metricName"):
        return True
    wanted = params["metricName"], params["metricNamespace"]
    made = each["metricTransformations"]
    return any((one["metricName"], one["metricNamespace"]) == wanted for one in made)


@service.operation(atomic=False)
def TestMetricFilter(_call: Call, params: Params) -> Result:
    """Which messages a pattern matches, and what it takes out of them."""
    pattern = params["filterPattern"]
    matches = compile_pattern(pattern)
    return {
        "matches": [
            {"eventNumber": number, "eventMessage": message, "extractedValues": extracted(pattern, message)}
            for number, message in enumerate(params["logEventMessages"], 1)
            if matches(message)
        ]
    }
