"""Operations on change sets. A change set is complete when its creation is answered."""

import re
import uuid
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudformation.changesets import NO_CHANGES, changes, shown
from maycloud.services.cloudformation.declared import (
    find_stack,
    moment,
    must_be_assumable,
    must_be_updatable,
    new_stack,
    pass_role,
    reader,
    service,
    some,
    stack_arn,
    start_create,
    start_update,
)
from maycloud.services.cloudformation.plans import check_plan, make_plan, same
from maycloud.services.cloudformation.reading import page, parameters_of, tags_of
from maycloud.services.cloudformation.store import Record
from maycloud.services.cloudformation.template import error


def find_change_set(call: Call, params: Params) -> Record:
    """By ARN, or by name together with the stack's."""
    name = params["ChangeSetName"]
    stacks = call.state.stacks
    if name.startswith("arn:"):
        found = stacks.change_set_by_id(name)
        if found is not None and found["scope"] != list(call.scope):
            found = None
    else:
        if not params.get("StackName"):
            raise error("StackName must be specified if ChangeSetName is not specified as an ARN.")
        stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
        found = stacks.change_set(stack["id"], name)
    if found is None:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
    return found


@service.operation(resource=stack_arn)
async def CreateChangeSet(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html"""
    kind = params.get("ChangeSetType", "UPDATE")
    if kind == "IMPORT" or params.get("ResourcesToImport"):
        raise error("ChangeSetType IMPORT is not supported by Maycloud")
    _check_name(params["ChangeSetName"])
    pass_role(call, params)
    await must_be_assumable(call, params)
    stack = _target(call, params, kind)
    read = reader(call)
    text = await read.text(params, stack["plan"]["text"] if stack["plan"] else None)
    record: Record = {
        "id": f"arn:aws:cloudformation:{call.region}:{call.account}:changeSet/"
        f"{params['ChangeSetName']}/{uuid.uuid4()}",
        "name": params["ChangeSetName"],
        "scope": list(call.scope),
        "kind": kind,
        "created": call.now(),
        "description": params.get("Description"),
        "on_failure": params.get("OnStackFailure"),
        "role_arn": params.get("RoleARN"),
        "status": "CREATE_COMPLETE",
        "reason": None,
        "execution": "AVAILABLE",
        "changes": [],
        "plan": None,
    }
    try:
        plan = await make_plan(read, text, params, previous=stack["plan"], direct=False)
        record["plan"] = plan
        check_plan(call.cloud, call.state.stacks, stack, plan)
        record["changes"] = changes(call.cloud, call.state.stacks, stack, plan)
        if kind == "UPDATE" and same(stack["plan"], plan) and stack["status"] not in _UNFINISHED:
            raise error(NO_CHANGES)
    except AwsError as failure:
        # What comes of transforms and values shows in the change set; the rest refuses the call.
        if not failure.message.startswith(_SHOWN):
            raise
        record |= {"status": "FAILED", "reason": failure.message, "execution": "UNAVAILABLE"}
    with call.store.db.atomic():
        current = _target(call, params, kind)
        if current["status"]:
            stack = current
        else:
            call.state.set_status(stack, "REVIEW_IN_PROGRESS", "User Initiated")
        record["stack_id"], record["stack_name"] = stack["id"], stack["name"]
        call.state.stacks.put_change_set(record)
    return {"Id": record["id"], "StackId": stack["id"]}


_SHOWN = ("Transform ", "No transform", "Received malformed response", "No export", NO_CHANGES)
_UNFINISHED = ("CREATE_FAILED", "UPDATE_FAILED")


def make_obsolete(call: Call, stack_id: str) -> None:
    """Note that the change sets of a stack can be executed no more, since something else has come first."""
    for record in call.state.stacks.change_sets(stack_id):
        if not _executed(record):
            call.state.stacks.put_change_set(record | {"execution": "OBSOLETE"})


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
        raise error(
            f"1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy constraint:"
            " Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )


def _target(call: Call, params: Params, kind: str) -> Record:
    """The stack that a new change set is for; with an empty status where it is to be made."""
    name, change_set = params["StackName"], params["ChangeSetName"]
    stack = call.state.stacks.find(call.scope, name)
    if kind == "CREATE":
        if stack is None:
            return new_stack(call, name, params)
        if stack["status"] != "REVIEW_IN_PROGRESS":
            raise error(
                f"Stack [{name}] already exists and cannot be created again with the changeSet"
                f" [{change_set}]."
            )
    else:
        if stack is None or stack["status"] == "DELETE_COMPLETE":
            raise error(f"Stack [{name}] does not exist")
        must_be_updatable(stack)
    other = call.state.stacks.change_set(stack["id"], change_set)
    if other is not None and not _executed(other):
        raise AwsError("AlreadyExistsException", f"ChangeSet {change_set} already exists")
    return stack


@service.operation(resource=stack_arn, atomic=False)
def DescribeChangeSet(call: Call, params: Params) -> Result:
    record = find_change_set(call, params)
    plan = record["plan"]
    rows, token = page(record["changes"], params.get("NextToken"))
    values = bool(params.get("IncludePropertyValues"))
    return some(
        **_summary(record),
        Parameters=parameters_of(plan) or None,
        NotificationARNs=(plan or {}).get("notification_arns", []),
        RollbackConfiguration=(plan or {}).get("rollback", {}),
        Capabilities=(plan or {}).get("capabilities", []),
        Tags=tags_of(plan) or None,
        Changes=[shown(change, values=values) for change in rows],
        OnStackFailure=record["on_failure"],
        NextToken=token,
    )


def _summary(record: Record) -> dict[str, Any]:
    return {
        "ChangeSetName": record["name"],
        "ChangeSetId": record["id"],
        "StackId": record["stack_id"],
        "StackName": record["stack_name"],
        "Description": record["description"],
        "CreationTime": moment(record["created"]),
        "ExecutionStatus": record["execution"],
        "Status": record["status"],
        "StatusReason": record["reason"],
        "IncludeNestedStacks": False,
    }


@service.operation(resource=stack_arn, atomic=False)
def ListChangeSets(call: Call, params: Params) -> Result:
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    waiting = [row for row in call.state.stacks.change_sets(stack["id"]) if not _executed(row)]
    rows, token = page(waiting, params.get("NextToken"))
    return some(Summaries=[some(**_summary(row)) for row in rows], NextToken=token)


def _executed(record: Record) -> bool:
    return record["execution"].startswith("EXECUTE_")


@service.operation(resource=stack_arn)
def DeleteChangeSet(call: Call, params: Params) -> Result:
    try:
        record = find_change_set(call, params)
    except AwsError as failure:
        if failure.code != "ChangeSetNotFound":
            raise
        return {}
    if record["execution"] == "EXECUTE_IN_PROGRESS":
        raise AwsError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{record['id']}] cannot be deleted in its current status of [{record['execution']}]",
        )
    call.state.stacks.drop_change_set(record["id"])
    return {}


@service.operation(resource=stack_arn)
def ExecuteChangeSet(call: Call, params: Params) -> Result:
    """Carry out a change set; the stack's other ones are void then."""
    record = find_change_set(call, params)
    if record["status"] != "CREATE_COMPLETE" or record["execution"] != "AVAILABLE":
        status = record["status"] if record["status"] != "CREATE_COMPLETE" else record["execution"]
        raise AwsError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{record['id']}] cannot be executed in its current status of [{status}]",
        )
    stack = find_stack(call, record["stack_id"], "Stack [{}] does not exist")
    if "DisableRollback" in params and record["on_failure"]:
        raise error("You cannot specify both DisableRollback and OnStackFailure")
    on_failure = record["on_failure"] or ("DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK")
    options = params | {"RoleARN": record["role_arn"]}
    if record["kind"] == "CREATE":
        if stack["status"] != "REVIEW_IN_PROGRESS":
            raise error(f"Stack [{stack['name']}] already exists and cannot be created again.")
    else:
        must_be_updatable(stack)
    # LastUpdatedTime is there from a stack's first change set on, as AWS has it.
    stack |= {"change_set": record["id"], "executing": record["id"], "updated": call.now()}
    if record["kind"] == "CREATE":
        start_create(call, stack, record["plan"], options, on_failure)
    else:
        start_update(call, stack, record["plan"], options, on_failure)
    for other in call.state.stacks.change_sets(stack["id"]):
        if other["id"] != record["id"]:
            call.state.stacks.drop_change_set(other["id"])
    call.state.stacks.put_change_set(record | {"execution": "EXECUTE_IN_PROGRESS"})
    return {}
