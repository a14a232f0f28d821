"""Parameter groups, subnet groups and events.

There are no networks here: subnets are names, see docs/decisions.md. Answers are as in the AWS CLI's
examples (awscli/examples/dax).
"""

from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.dax.paging import check_name, invalid, page
from maycloud.services.dax.state import DEFAULT_GROUP, DEFAULT_TTL, TTLS
from maycloud.services.dax.store import EVENTS_KEPT, Document

DEFAULT_SUBNETS = "default"
_DAY = 86400.0
_MOST_GROUPS = 20  # of either kind
_MOST_PARAMETERS = 20
_MOST_SUBNETS = 10
_MOST_MILLIS = 2**63 - 1

_DESCRIPTIONS = {
    "record-ttl-millis": (
        "Duration in milliseconds for records to remain valid in cache (Default: 0 = infinite)"
    ),
    "query-ttl-millis": "Duration in milliseconds for queries to remain cached",
}


# Parameter groups


def find_parameter_group(call: Call, name: str) -> Document:
    found = call.state.stored.parameter_groups.get(call.scope, name)
    if found is None and name == DEFAULT_GROUP:
        return {"Name": DEFAULT_GROUP, "Description": "Default parameter group for dax1.0", "Values": {}}
    if found is None:
        raise AwsError("ParameterGroupNotFoundFault", "Parameter group not found.")
    return found


def _describe_group(group: Document) -> dict[str, Any]:
    return {"ParameterGroupName": group["Name"], **_described(group)}


def _described(document: Document) -> dict[str, str]:
    """A description, where one was given."""
    return {"Description": document["Description"]} if document["Description"] else {}


def create_parameter_group(call: Call, params: Params) -> Result:
    name = params["ParameterGroupName"].lower()
    check_name("Parameter group name", name.replace(".", "-"), 255)
    kept = call.state.stored.parameter_groups
    if name == DEFAULT_GROUP or kept.get(call.scope, name) is not None:
        raise AwsError("ParameterGroupAlreadyExistsFault", "Parameter group already exists.")
    if len(kept.items(call.scope)) >= _MOST_GROUPS:
        raise AwsError("ParameterGroupQuotaExceededFault", "Parameter group quota is exceeded.")
    group: Document = {"Name": name, "Description": params.get("Description", ""), "Values": {}}
    kept.put(call.scope, name, group)
    call.state.stored.say(call.scope, "PARAMETER_GROUP", name, "Parameter group created.")
    return {"ParameterGroup": _describe_group(group)}


def describe_parameter_groups(call: Call, params: Params) -> Result:
    names = params.get("ParameterGroupNames")
    if names:
        found = [find_parameter_group(call, name.lower()) for name in names]
    else:
        own = [group for _, group in call.state.stored.parameter_groups.items(call.scope)]
        found = [find_parameter_group(call, DEFAULT_GROUP), *own]
    return page(params, "ParameterGroups", [_describe_group(group) for group in found])


def _parameter(name: str, value: int) -> dict[str, Any]:
    return {
        "ParameterName": name,
        "ParameterType": "DEFAULT",
        "ParameterValue": str(value),
        "NodeTypeSpecificValues": [],
        "Description": _DESCRIPTIONS[name],
        "Source": "user",
        "DataType": "integer",
        "AllowedValues": "0-",
        "IsModifiable": "TRUE",
        "ChangeType": "IMMEDIATE",
    }


def describe_parameters(call: Call, params: Params) -> Result:
    values = find_parameter_group(call, params["ParameterGroupName"].lower())["Values"]
    wanted = params.get("Source")
    found = [_parameter(name, values.get(name, DEFAULT_TTL)) for name in sorted(TTLS)]
    return page(params, "Parameters", [each for each in found if wanted in (None, each["Source"])])


def describe_default_parameters(_call: Call, params: Params) -> Result:
    return page(params, "Parameters", [_parameter(name, DEFAULT_TTL) for name in sorted(TTLS)])


def _users(call: Call, member: str, name: str) -> bool:
    return any(cluster[member] == name for _, cluster in call.state.stored.clusters.items(call.scope))


def _refuse_in_use(call: Call, name: str) -> None:
    if name == DEFAULT_GROUP:
        raise AwsError(
            "InvalidParameterGroupStateFault",
            f"The parameter group {name} is a default group and cannot change.",
        )
    if _users(call, "ParameterGroup", name):
        raise AwsError(
            "InvalidParameterGroupStateFault",
            f"One or more clusters are still using the parameter group {name}.",
        )


def update_parameter_group(call: Call, params: Params) -> Result:
    """A group in use cannot change, says DAX's guide: UpdateCluster gives the cluster another."""
    name = params["ParameterGroupName"].lower()
    group = find_parameter_group(call, name)
    given = params["ParameterNameValues"]
    if not 1 <= len(given) <= _MOST_PARAMETERS:
        raise invalid(f"From 1 to {_MOST_PARAMETERS} parameters can be modified in a request.")
    for each in given:
        parameter, value = each.get("ParameterName", ""), each.get("ParameterValue", "")
        if parameter not in TTLS:
            raise invalid(f"Invalid parameter name: {parameter}")
        if not value.isdecimal() or len(value) > 19 or int(value) > _MOST_MILLIS:
            raise invalid(f"Invalid value of parameter {parameter}: {value[:100]}")
        group["Values"][parameter] = int(value)
    _refuse_in_use(call, name)
    call.state.stored.parameter_groups.put(call.scope, name, group)
    call.state.stored.say(call.scope, "PARAMETER_GROUP", name, "Parameter group modified.")
    return {"ParameterGroup": _describe_group(group)}


def delete_parameter_group(call: Call, params: Params) -> Result:
    name = params["ParameterGroupName"].lower()
    find_parameter_group(call, name)
    _refuse_in_use(call, name)
    call.state.stored.parameter_groups.delete(call.scope, name)
    call.state.stored.say(call.scope, "PARAMETER_GROUP", name, "Parameter group deleted.")
    return {"DeletionMessage": f"Parameter group {name} has been deleted."}


# Subnet groups


def find_subnet_group(call: Call, name: str) -> Document:
    found = call.state.stored.subnet_groups.get(call.scope, name)
    if found is None and name == DEFAULT_SUBNETS:
        return {
            "Name": DEFAULT_SUBNETS,
            "Description": "Default CacheSubnetGroup",
            "Subnets": ["subnet-default"],
        }
    if found is None:
        raise AwsError("SubnetGroupNotFoundFault", "Subnet group not found.")
    return found


def _describe_subnets(call: Call, group: Document) -> dict[str, Any]:
    return {
        "SubnetGroupName": group["Name"],
        **_described(group),
        "VpcId": "vpc-default",
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": f"{call.region}{'abc'[place % 3]}",
                "SupportedNetworkTypes": ["ipv4"],
            }
            for place, subnet in enumerate(group["Subnets"])
        ],
        "SupportedNetworkTypes": ["ipv4"],
    }


def _check_subnets(subnets: list[str]) -> list[str]:
    if not subnets or any(not subnet.startswith("subnet-") for subnet in subnets):
        raise AwsError("InvalidSubnet", "An invalid subnet identifier was specified.")
    if len(subnets) > _MOST_SUBNETS:
        raise AwsError("SubnetQuotaExceededFault", f"A subnet group has at most {_MOST_SUBNETS} subnets.")
    return list(dict.fromkeys(subnets))


def create_subnet_group(call: Call, params: Params) -> Result:
    name = check_name("Subnet group name", params["SubnetGroupName"], 255)
    kept = call.state.stored.subnet_groups
    if name == DEFAULT_SUBNETS or kept.get(call.scope, name) is not None:
        raise AwsError("SubnetGroupAlreadyExistsFault", "Subnet group already exists.")
    if len(kept.items(call.scope)) >= _MOST_GROUPS:
        raise AwsError("SubnetGroupQuotaExceededFault", "Subnet group quota is exceeded.")
    subnets = _check_subnets(params["SubnetIds"])
    group: Document = {"Name": name, "Description": params.get("Description", ""), "Subnets": subnets}
    kept.put(call.scope, name, group)
    call.state.stored.say(call.scope, "SUBNET_GROUP", name, "Subnet group created.")
    return {"SubnetGroup": _describe_subnets(call, group)}


def describe_subnet_groups(call: Call, params: Params) -> Result:
    names = params.get("SubnetGroupNames")
    if names:
        found = [find_subnet_group(call, name.lower()) for name in names]
    else:
        own = [group for _, group in call.state.stored.subnet_groups.items(call.scope)]
        found = [find_subnet_group(call, DEFAULT_SUBNETS), *own]
    return page(params, "SubnetGroups", [_describe_subnets(call, group) for group in found])


def update_subnet_group(call: Call, params: Params) -> Result:
    name = params["SubnetGroupName"].lower()
    group = find_subnet_group(call, name)
    if "SubnetIds" in params:
        group["Subnets"] = _check_subnets(params["SubnetIds"])
    group["Description"] = params.get("Description", group["Description"])
    call.state.stored.subnet_groups.put(call.scope, name, group)
    return {"SubnetGroup": _describe_subnets(call, group)}


def delete_subnet_group(call: Call, params: Params) -> Result:
    name = params["SubnetGroupName"].lower()
    find_subnet_group(call, name)
    if name == DEFAULT_SUBNETS or _users(call, "SubnetGroup", name):
        raise AwsError("SubnetGroupInUseFault", f"Subnet group {name} is in use.")
    call.state.stored.subnet_groups.delete(call.scope, name)
    call.state.stored.say(call.scope, "SUBNET_GROUP", name, "Subnet group deleted.")
    return {"DeletionMessage": f"Subnet group {name} has been deleted."}


# Events


def describe_events(call: Call, params: Params) -> Result:
    """Of the last day, or of the time asked for, newest first."""
    now = call.now()
    minutes = params.get("Duration")
    if minutes is not None and not 0 < minutes * 60 <= EVENTS_KEPT:
        raise invalid("Duration must be between 1 and 20160 minutes.")
    end = params["EndTime"].timestamp() if "EndTime" in params else now
    if "StartTime" in params:
        start = params["StartTime"].timestamp()
    else:
        start = end - (minutes * 60 if minutes is not None else _DAY)
    if start > end:
        raise AwsError("InvalidParameterCombinationException", "StartTime must be before EndTime.")
    found = [
        {**event, "Date": datetime.fromtimestamp(event["Date"], UTC)}
        for event in reversed(call.state.stored.events(call.scope))
        if start <= event["Date"] <= end
        and params.get("SourceName", event["SourceName"]) == event["SourceName"]
        and params.get("SourceType", event["SourceType"]) == event["SourceType"]
    ]
    return page(params, "Events", found)
