"""Overview: the stacks of a region with their outputs, and one stack with its resources."""

from typing import Any

from maycloud.console import shown
from maycloud.console.visit import Visit, fill
from maycloud.edge.messages import Response
from maycloud.pages import Markup, join

_EVENTS = 30  # of one stack, newest first


async def overview(visit: Visit) -> Response:
    found: list[dict[str, Any]] = []
    token = None
    while True:
        answer = await visit.call("cloudformation", "DescribeStacks", NextToken=token)
        found += answer["Stacks"]
        token = answer.get("NextToken")
        if not token:
            break
    cards = [_card(visit, each) for each in sorted(found, key=lambda each: each["StackName"])]
    if not cards:
        cards = [shown.empty(f"No stack in {visit.region} yet. may deploy todo deploys the first system.")]
    return visit.page("Overview", join([shown.region_form(visit, ""), *cards]))


def _card(visit: Visit, found: dict[str, Any]) -> Markup:
    name = found["StackName"]
    return fill(
        "stack_card",
        name=visit.at("/stack", name, name=name),
        status=shown.badge(found["StackStatus"]),
        when=shown.moment(found.get("LastUpdatedTime") or found["CreationTime"]),
        about=found.get("Description", ""),
        outputs=_outputs(found),
    )


def _outputs(found: dict[str, Any]) -> Markup:
    rows = [
        fill("output", name=each["OutputKey"], value=shown.linked(each["OutputValue"]))
        for each in found.get("Outputs", [])
    ]
    return fill("outputs", rows=join(rows)) if rows else Markup("")


async def stack(visit: Visit) -> Response:
    name = visit.query.get("name", "")
    answer = await visit.call("cloudformation", "DescribeStacks", StackName=name)
    found = answer["Stacks"][0]
    resources: list[dict[str, Any]] = []
    token = None
    while True:
        page = await visit.call("cloudformation", "ListStackResources", StackName=name, NextToken=token)
        resources += page["StackResourceSummaries"]
        token = page.get("NextToken")
        if not token:
            break
    events = await visit.call("cloudformation", "DescribeStackEvents", StackName=name)
    body = fill(
        "stack",
        back=visit.at("", "All stacks"),
        status=shown.badge(found["StackStatus"]),
        why=found.get("StackStatusReason", ""),
        outputs=_outputs(found),
        resources=join([_resource(visit, each) for each in resources]),
        events=join([_event(each) for each in events["StackEvents"][:_EVENTS]]),
    )
    return visit.page(found["StackName"], body)


def _resource(visit: Visit, found: dict[str, Any]) -> Markup:
    kind, identifier = found["ResourceType"], found.get("PhysicalResourceId", "")
    where = Markup("")
    if kind == "AWS::Lambda::Function" and identifier:
        where = visit.at("/logs/group", "Logs", group=f"/aws/lambda/{identifier}")
    elif kind == "AWS::Logs::LogGroup" and identifier:
        where = visit.at("/logs/group", "Logs", group=identifier)
    return fill(
        "resource",
        name=found["LogicalResourceId"],
        kind=kind,
        id=identifier,
        status=shown.badge(found["ResourceStatus"]),
        why=found.get("ResourceStatusReason", ""),
        where=where,
    )


def _event(found: dict[str, Any]) -> Markup:
    return fill(
        "event",
        when=shown.moment(found["Timestamp"]),
        name=found["LogicalResourceId"],
        status=shown.badge(found.get("ResourceStatus", "")),
        why=found.get("ResourceStatusReason", ""),
    )
