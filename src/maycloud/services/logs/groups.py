"""Log groups, their retention and tags."""

import re
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.logs.service import check_length, find, group_arn, invalid, service
from maycloud.services.logs.store import Group

_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_RETENTIONS = frozenset(
    {
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
        3653,
    }
)  # fmt: skip


@service.operation(resource=group_arn)
def CreateLogGroup(call: Call, params: Params) -> Result:
    name = params["logGroupName"]
    check_length(name)
    if not _GROUP.fullmatch(name) or name.startswith("aws/"):
        raise invalid(
            f"1 validation error detected: Value '{name[:512]}' at 'logGroupName' failed to satisfy"
            " constraint:"
            r" Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"
        )
    if call.state.group(call.scope, name) is not None:
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    settings: dict[str, Any] = {"tags": params.get("tags", {})}
    for setting in ("kmsKeyId", "logGroupClass", "deletionProtectionEnabled"):
        if setting in params:
            settings[setting] = params[setting]
    call.state.create_group(call.scope, name, settings)
    return None


@service.operation(resource=group_arn)
def DeleteLogGroup(call: Call, params: Params) -> Result:
    group = find(call, params)
    if group.settings.get("deletionProtectionEnabled"):
        raise AwsError(
            "ValidationException",
            "Cannot delete log group with deletion protection enabled. Disable deletion protection first.",
        )
    call.state.delete_group(group)
    return None


@service.operation(resource=group_arn)
def PutLogGroupDeletionProtection(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/protecting-log-groups-from-deletion.html"""
    group = find(call, params)
    group.settings["deletionProtectionEnabled"] = params["deletionProtectionEnabled"]
    call.state.save_group(group)
    return None


@service.operation(resource=lambda call, _: f"arn:aws:logs:{call.region}:{call.account}:log-group:*")
def DescribeLogGroups(call: Call, params: Params) -> Result:
    limit = params.get("limit", 50)
    prefix, pattern = params.get("logGroupNamePrefix", ""), params.get("logGroupNamePattern", "")
    if prefix and pattern:
        raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    wanted = params.get("logGroupClass")
    named = {
        each.rpartition(":log-group:")[2].removesuffix(":*") for each in params.get("logGroupIdentifiers", ())
    }
    whole = pattern or wanted or named
    found = call.state.groups(call.scope, prefix, params.get("nextToken", ""), -1 if whole else limit + 1)
    if pattern:
        found = [group for group in found if pattern.lower() in group.name.lower()]
    if wanted:
        found = [group for group in found if group.settings.get("logGroupClass", "STANDARD") == wanted]
    if named:
        found = [group for group in found if group.name in named]
    result: dict[str, Any] = {"logGroups": [_describe(call, group) for group in found[:limit]]}
    if len(found) > limit:
        result["nextToken"] = found[limit - 1].name
    return result


@service.operation(resource=lambda call, _: f"arn:aws:logs:{call.region}:{call.account}:log-group:*")
def ListLogGroups(call: Call, params: Params) -> Result:
    """Names by a pattern: parts of names with ``|`` between them, ``^`` for what a name begins with."""
    limit = params.get("limit", 50)
    found = call.state.groups(call.scope, "", params.get("nextToken", ""), -1)
    choices = params["logGroupNamePattern"].split("|") if params.get("logGroupNamePattern") else []
    if choices:
        found = [group for group in found if any(_fits(group.name, choice) for choice in choices)]
    if params.get("logGroupClass"):
        wanted = params["logGroupClass"]
        found = [group for group in found if group.settings.get("logGroupClass", "STANDARD") == wanted]
    shown = [
        {
            "logGroupName": group.name,
            "logGroupArn": group.arn,
            "logGroupClass": group.settings.get("logGroupClass", "STANDARD"),
        }
        for group in found[:limit]
    ]
    result: dict[str, Any] = {"logGroups": shown}
    if len(found) > limit:
        result["nextToken"] = found[limit - 1].name
    return result


def _fits(name: str, choice: str) -> bool:
    if choice.startswith("^"):
        return name.lower().startswith(choice[1:].lower())
    return choice.lower() in name.lower()


def _describe(call: Call, group: Group) -> dict[str, Any]:
    described: dict[str, Any] = {
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": len(group.settings.get("metricFilters", [])),
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "storedBytes": call.state.stored_bytes(group),
        "logGroupClass": group.settings.get("logGroupClass", "STANDARD"),
        "deletionProtectionEnabled": group.settings.get("deletionProtectionEnabled", False),
    }
    for setting in ("retentionInDays", "kmsKeyId"):
        if group.settings.get(setting):
            described[setting] = group.settings[setting]
    return described


@service.operation(resource=group_arn)
def PutRetentionPolicy(call: Call, params: Params) -> Result:
    days = params["retentionInDays"]
    if days not in _RETENTIONS:
        raise invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint:"
            f" Member must satisfy enum value set: {sorted(_RETENTIONS)}"
        )
    group = find(call, params)
    group.settings["retentionInDays"] = days
    call.state.save_group(group)
    return None


@service.operation(resource=group_arn)
def DeleteRetentionPolicy(call: Call, params: Params) -> Result:
    group = find(call, params)
    group.settings.pop("retentionInDays", None)
    call.state.save_group(group)
    return None


# Tags, of which there is an older set of operations by name


def _by_arn(call: Call, params: Params) -> Group:
    name = params["resourceArn"].partition(":log-group:")[2].removesuffix(":*")
    return find(call, {"logGroupName": name})


@service.operation(resource=lambda _call, params: params["resourceArn"])
def TagResource(call: Call, params: Params) -> Result:
    group = _by_arn(call, params)
    group.settings["tags"] = {**group.settings.get("tags", {}), **params["tags"]}
    call.state.save_group(group)
    return None


@service.operation(resource=lambda _call, params: params["resourceArn"])
def UntagResource(call: Call, params: Params) -> Result:
    group = _by_arn(call, params)
    for key in params["tagKeys"]:
        group.settings.get("tags", {}).pop(key, None)
    call.state.save_group(group)
    return None


@service.operation(resource=lambda _call, params: params["resourceArn"])
def ListTagsForResource(call: Call, params: Params) -> Result:
    return {"tags": _by_arn(call, params).settings.get("tags", {})}


@service.operation(resource=group_arn)
def TagLogGroup(call: Call, params: Params) -> Result:
    group = find(call, params)
    group.settings["tags"] = {**group.settings.get("tags", {}), **params["tags"]}
    call.state.save_group(group)
    return None


@service.operation(resource=group_arn)
def UntagLogGroup(call: Call, params: Params) -> Result:
    group = find(call, params)
    for key in params["tags"]:
        group.settings.get("tags", {}).pop(key, None)
    call.state.save_group(group)
    return None


@service.operation(resource=group_arn, atomic=False)
def ListTagsLogGroup(call: Call, params: Params) -> Result:
    return {"tags": find(call, params).settings.get("tags", {})}
