"""Operations that tell about stacks, their resources, events, templates, exports and imports."""

import json
from typing import Any

from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudformation import parameters, rules
from maycloud.services.cloudformation.declared import (
    PAGE,
    find_stack,
    moment,
    reader,
    service,
    some,
    stack_arn,
)
from maycloud.services.cloudformation.graph import check_references
from maycloud.services.cloudformation.includes import INCLUDE, has_includes
from maycloud.services.cloudformation.language import check_undeclared
from maycloud.services.cloudformation.plans import capabilities_of, check_types
from maycloud.services.cloudformation.store import Record
from maycloud.services.cloudformation.template import (
    Template,
    check_form,
    declared_transforms,
    error,
    parse_template,
    written,
)
from maycloud.services.tokens import is_number

NOT_CHECKED = {"StackDriftStatus": "NOT_CHECKED"}


def page(rows: list[Any], token: str | None, size: int = PAGE) -> tuple[list[Any], str | None]:
    """One page of rows from an offset, and the token of the next."""
    if token is not None and not is_number(token):
        raise error("Invalid NextToken")
    start = int(token or 0)
    return rows[start : start + size], str(start + size) if start + size < len(rows) else None


def parameters_of(plan: Record | None) -> list[dict[str, str]]:
    """Parameters of a plan as DescribeStacks and DescribeChangeSet show them."""
    if plan is None:
        return []
    found = parameters.looked_up(plan["processed"], plan["resolved"])
    return [
        some(
            ParameterKey=name,
            ParameterValue="****" if parameters.is_secret(plan["processed"], name) else value,
            ResolvedValue=found.get(name),
        )
        for name, value in plan["values"].items()
    ]


def tags_of(plan: Record | None) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in plan["tags"].items()] if plan else []


@service.operation(resource=stack_arn, atomic=False)
def DescribeStacks(call: Call, params: Params) -> Result:
    name = params.get("StackName")
    if name:
        return {"Stacks": [_stack(find_stack(call, name))]}
    live = [row for row in call.state.stacks.all(call.scope) if row["status"] != "DELETE_COMPLETE"]
    shown, token = page(live, params.get("NextToken"))
    return some(Stacks=[_stack(row) for row in shown], NextToken=token)


def _stack(row: Record) -> dict[str, Any]:
    """A stack with the members that AWS leaves out where they are empty, or gone with the stack, left out.

    As LocalStack recorded it in tests/aws/services/cloudformation/api/test_stacks.snapshot.json.
    """
    plan = row["plan"]
    gone = row["status"] == "DELETE_COMPLETE"
    return some(
        StackId=row["id"],
        StackName=row["name"],
        ChangeSetId=None if gone else row.get("change_set"),
        Description=(plan or {}).get("description") or None,
        Parameters=parameters_of(plan) or None,
        CreationTime=moment(row["created"]),
        LastUpdatedTime=moment(row.get("updated")),
        DeletionTime=moment(row.get("deleted")),
        RollbackConfiguration=(plan or {}).get("rollback", {}),
        StackStatus=row["status"],
        StackStatusReason=row["reason"] or None,
        DisableRollback=bool(row.get("disable_rollback")),
        NotificationARNs=(plan or {}).get("notification_arns", []),
        TimeoutInMinutes=row.get("timeout"),
        Capabilities=(plan or {}).get("capabilities") or None,
        Outputs=row["outputs"] or None,
        RoleARN=row["role_arn"],
        Tags=tags_of(plan),
        EnableTerminationProtection=None if gone else row["protected"],
        ParentId=row.get("parent"),
        RootId=row.get("root"),
        DriftInformation=NOT_CHECKED,
    )


@service.operation(atomic=False)
def ListStacks(call: Call, params: Params) -> Result:
    wanted = params.get("StackStatusFilter", [])
    rows = [row for row in call.state.stacks.all(call.scope) if not wanted or row["status"] in wanted]
    shown, token = page(rows, params.get("NextToken"))
    summaries = [
        some(
            StackId=row["id"],
            StackName=row["name"],
            TemplateDescription=(row["plan"] or {}).get("description") or None,
            CreationTime=moment(row["created"]),
            LastUpdatedTime=moment(row.get("updated")),
            DeletionTime=moment(row.get("deleted")),
            StackStatus=row["status"],
            StackStatusReason=row["reason"] or None,
            ParentId=row.get("parent"),
            RootId=row.get("root"),
            DriftInformation=NOT_CHECKED,
        )
        for row in shown
    ]
    return some(StackSummaries=summaries, NextToken=token)


@service.operation(resource=stack_arn, atomic=False)
def DescribeStackEvents(call: Call, params: Params) -> Result:
    """Newest first, 100 a page."""
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    token = params.get("NextToken")
    if token is not None and not is_number(token):
        raise error("Invalid NextToken")
    rows = call.state.stacks.events(stack["id"], int(token) if token else None, PAGE + 1)
    events = [event | {"Timestamp": moment(event["Timestamp"])} for _seq, event in rows[:PAGE]]
    return some(StackEvents=events, NextToken=str(rows[PAGE - 1][0]) if len(rows) > PAGE else None)


def _resource(stack: Record, row: Record) -> dict[str, Any]:
    return some(
        StackName=stack["name"],
        StackId=stack["id"],
        LogicalResourceId=row["logical_id"],
        PhysicalResourceId=row["physical_id"] or None,
        ResourceType=row["type"],
        ResourceStatus=row["status"],
        ResourceStatusReason=row.get("reason") or None,
        Description=row.get("description") or None,
        DriftInformation={"StackResourceDriftStatus": "NOT_CHECKED"},
    )


@service.operation(resource=stack_arn, atomic=False)
def DescribeStackResource(call: Call, params: Params) -> Result:
    name, logical_id = params["StackName"], params["LogicalResourceId"]
    stack = find_stack(call, name, "Stack '{}' does not exist")
    row = call.state.stacks.resource(stack["id"], logical_id)
    if row is None:
        raise error(f"Resource {logical_id} does not exist for stack {name}")
    detail = _resource(stack, row) | {
        "LastUpdatedTimestamp": moment(row["updated"]),
        "Metadata": json.dumps(row.get("metadata") or {}),
    }
    return {"StackResourceDetail": detail}


@service.operation(resource=stack_arn, atomic=False)
def DescribeStackResources(call: Call, params: Params) -> Result:
    name, physical_id = params.get("StackName"), params.get("PhysicalResourceId")
    if bool(name) == bool(physical_id):
        raise error("You must specify either StackName or PhysicalResourceId, but not both")
    stack = find_stack(call, name) if name else call.state.stacks.owner(call.scope, physical_id)
    if stack is None:
        raise error(f"Stack for {physical_id} does not exist")
    wanted = params.get("LogicalResourceId")
    rows = [
        _resource(stack, row) | {"Timestamp": moment(row["updated"])}
        for logical_id, row in call.state.stacks.resources(stack["id"]).items()
        if wanted in (None, logical_id)
    ]
    if wanted and not rows:
        raise error(f"Resource {wanted} does not exist for stack {stack['name']}")
    return {"StackResources": rows[:PAGE]}


@service.operation(resource=stack_arn, atomic=False)
def ListStackResources(call: Call, params: Params) -> Result:
    stack = find_stack(call, params["StackName"])
    rows, token = page(list(call.state.stacks.resources(stack["id"]).values()), params.get("NextToken"))
    summaries: list[dict[str, Any]] = []
    for row in rows:
        summary = _resource(stack, row) | {"LastUpdatedTimestamp": moment(row["updated"])}
        for name in ("StackName", "StackId", "Description"):
            summary.pop(name, None)
        summaries.append(summary)
    return some(StackResourceSummaries=summaries, NextToken=token)


# Templates


@service.operation(resource=stack_arn, atomic=False)
def GetTemplate(call: Call, params: Params) -> Result:
    """After its transforms, unless TemplateStage says Original; as it was given where it has none.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
    """
    change_set = params.get("ChangeSetName")
    if change_set:
        from maycloud.services.cloudformation.changeset_api import find_change_set

        if not change_set.startswith("arn:") and not params.get("StackName"):
            raise error("StackName is a required parameter.")
        plan = find_change_set(call, params)["plan"]
    elif not params.get("StackName"):
        raise error("Either Stack name or Change set name must be specified.")
    else:
        plan = find_stack(call, params["StackName"])["plan"]
    if plan is None:
        return {"StagesAvailable": []}
    processed = plan.get("expands") and params.get("TemplateStage") != "Original"
    body = json.dumps(plan["processed"]) if processed else plan["text"]
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


def _needs(template: Template) -> dict[str, Any]:
    """Capabilities that a template asks for, and why."""
    needed, types = capabilities_of(template)
    transforms = declared_transforms(template)
    if not transforms and has_includes(template):
        transforms = [INCLUDE]
    if transforms:
        needed_all = [*([needed] if needed else []), "CAPABILITY_AUTO_EXPAND"]
        return {"Capabilities": needed_all, "DeclaredTransforms": transforms}
    if not needed:
        return {}
    return {
        "Capabilities": [needed],
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{', '.join(types)}]",
    }


@service.operation(resource=stack_arn)
async def GetTemplateSummary(call: Call, params: Params) -> Result:
    name = params.get("StackName")
    if name:
        stack = find_stack(call, name)
        if stack["plan"] is None:
            raise error("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
        text = stack["plan"]["text"]
    else:
        text = await reader(call).text(params)
    template = parse_template(text)
    check_form(template)
    parameters.check_declarations(template)
    rules.check_shape(template)
    resources: dict[str, list[str]] = {}
    declared = written(template, "Resources")
    for logical_id, resource in declared.items():
        resources.setdefault(resource["Type"], []).append(logical_id)
    metadata = template.get("Metadata")
    return some(
        Parameters=parameters.declarations(template),
        Description=template.get("Description"),
        ResourceTypes=[each["Type"] for each in declared.values()],
        Version=template.get("AWSTemplateFormatVersion"),
        Metadata=json.dumps(metadata, default=str) if metadata else None,
        ResourceIdentifierSummaries=[
            {"ResourceType": type_, "LogicalResourceIds": names} for type_, names in resources.items()
        ],
        **_needs(template),
    )


@service.operation
async def ValidateTemplate(call: Call, params: Params) -> Result:
    template = parse_template(await reader(call).text(params))
    check_form(template)
    parameters.check_declarations(template)
    rules.check_shape(template)
    if not declared_transforms(template) and not has_includes(template):
        check_undeclared(template)
        # What a transform adds may be referred to before it is there.
        check_references(template)
        # Conditions are not decided here: all types are looked at.
        check_types(template["Resources"])
    declared = [
        {name: row[name] for name in ("ParameterKey", "DefaultValue", "NoEcho", "Description") if name in row}
        for row in parameters.declarations(template)
    ]
    return some(Parameters=declared, Description=template.get("Description"), **_needs(template))


# Exports and imports


@service.operation(atomic=False)
def ListExports(call: Call, params: Params) -> Result:
    shown, token = page(call.state.stacks.exports(call.scope), params.get("NextToken"))
    exports = [
        {"ExportingStackId": stack_id, "Name": name, "Value": value} for name, stack_id, value in shown
    ]
    return some(Exports=exports, NextToken=token)


@service.operation(atomic=False)
def ListImports(call: Call, params: Params) -> Result:
    name = params["ExportName"]
    importers = [stack_id.split("/")[1] for stack_id in call.state.stacks.importers(call.scope, name)]
    if not importers:
        raise error(f"Export '{name}' is not imported by any stack.")
    shown, token = page(importers, params.get("NextToken"))
    return some(Imports=shown, NextToken=token)
