"""AWS CloudFormation's operations that change stacks; those that read and change sets are beside."""

from typing import Any

from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudformation import changeset_api, reading, stack_policies
from maycloud.services.cloudformation.declared import (
    find_stack,
    must_be_assumable,
    must_be_new,
    must_be_updatable,
    new_stack,
    pass_role,
    reader,
    service,
    stack_arn,
    start_create,
    start_update,
)
from maycloud.services.cloudformation.plans import check_plan, make_plan, same
from maycloud.services.cloudformation.template import error

__all__ = ["changeset_api", "reading", "service"]


@service.operation(resource=stack_arn)
async def CreateStack(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html"""
    name = params["StackName"]
    pass_role(call, params)
    if "DisableRollback" in params and "OnFailure" in params:
        raise error("You cannot specify both DisableRollback and OnFailure")
    stack = must_be_new(call, name) or new_stack(call, name, params)
    await must_be_assumable(call, params)
    read = reader(call)
    plan = await make_plan(read, await read.text(params), params)
    check_plan(call.cloud, call.state.stacks, stack, plan)
    stack["policy"] = await _policy(call, params)
    on_failure = params.get("OnFailure") or ("DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK")
    with call.store.db.atomic():
        # Another may have come, or gone, while the template was read.
        if (reviewed := must_be_new(call, name)) is not None:
            stack |= {"id": reviewed["id"], "created": reviewed["created"]}
            changeset_api.make_obsolete(call, stack["id"])
        stack["keeps_failed"] = params.get("OnFailure") == "DO_NOTHING"
        start_create(call, stack, plan, params, on_failure)
    return {"StackId": stack["id"]}


@service.operation(resource=stack_arn)
async def UpdateStack(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html"""
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    pass_role(call, params)
    must_be_updatable(stack)
    await must_be_assumable(call, params)
    read = reader(call)
    previous = stack["plan"]
    text = await read.text(params, previous["text"])
    plan = await make_plan(read, text, params, previous=previous)
    check_plan(call.cloud, call.state.stacks, stack, plan)
    policy = await _policy(call, params)
    during = await _policy(call, params, "StackPolicyDuringUpdate")
    with call.store.db.atomic():
        stack = find_stack(call, stack["id"], "Stack [{}] does not exist")
        must_be_updatable(stack)
        if same(stack["plan"], plan) and stack["status"] not in ("CREATE_FAILED", "UPDATE_FAILED"):
            raise error("No updates are to be performed.")
        stack["policy"] = policy or stack.get("policy")
        on_failure = "DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK"
        start_update(call, stack, plan, params, on_failure, during)
    return {"StackId": stack["id"]}


async def _policy(call: Call, params: Params, member: str = "StackPolicy") -> str | None:
    """The stack policy that a request carries or names, checked."""
    body, url = params.get(f"{member}Body"), params.get(f"{member}URL")
    if body is not None and url is not None:
        raise error(f"You cannot specify both {member}URL and {member}Body")
    text = await reader(call).read_object(url) if url is not None else body
    if text is not None:
        stack_policies.check(text)
    return text


@service.operation(resource=stack_arn)
def DeleteStack(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html"""
    stack = call.state.stacks.find(call.scope, params["StackName"])
    if stack is None or stack["status"] in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
        return None
    pass_role(call, params)
    if stack["protected"]:
        raise error(f"Stack [{stack['name']}] cannot be deleted while TerminationProtection is enabled")
    if stack["status"].endswith("_IN_PROGRESS") and stack["status"] not in (
        "CREATE_IN_PROGRESS",
        "REVIEW_IN_PROGRESS",
    ):
        raise error(f"Stack [{stack['name']}] cannot be deleted while in status {stack['status']}")
    retain = params.get("RetainResources", [])
    if retain and stack["status"] != "DELETE_FAILED":
        raise error(
            f"Invalid operation on stack [{stack['id']}]. Resources can be retained only of a stack in the"
            " state DELETE_FAILED"
        )
    stack["role_arn"] = params.get("RoleARN") or stack["role_arn"]
    call.state.begin(
        stack,
        "delete",
        "DELETE_IN_PROGRESS",
        call.principal,
        retain=retain,
        before=stack["status"],
        client_token=params.get("ClientRequestToken", ""),
    )
    return None


@service.operation(resource=stack_arn)
def ContinueUpdateRollback(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html"""
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    pass_role(call, params)
    if stack["status"] != "UPDATE_ROLLBACK_FAILED":
        raise error(
            f"Stack:{stack['id']} is in {stack['status']} state and can not continue its update rollback."
        )
    skip = params.get("ResourcesToSkip", [])
    rows = call.state.stacks.resources(stack["id"])
    wrong = [name for name in skip if rows.get(name, {}).get("status") != "UPDATE_FAILED"]
    if wrong:
        raise error(
            f"The following resource(s) cannot be skipped: [{', '.join(wrong)}]. Only resources of the stack"
            " that are in the state UPDATE_FAILED can be."
        )
    stack["role_arn"] = params.get("RoleARN") or stack["role_arn"]
    call.state.begin(
        stack,
        "rollback_update",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        call.principal,
        skip=skip,
        client_token=params.get("ClientRequestToken", ""),
    )
    return {}


@service.operation(resource=stack_arn)
def RollbackStack(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html"""
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    pass_role(call, params)
    phases = {
        "CREATE_FAILED": ("rollback_create", "ROLLBACK_IN_PROGRESS"),
        "UPDATE_FAILED": ("rollback_update", "UPDATE_ROLLBACK_IN_PROGRESS"),
    }
    if stack["status"] not in phases:
        raise error(f"Stack:{stack['id']} is in {stack['status']} state and can not be rolled back.")
    phase, status = phases[stack["status"]]
    stack["role_arn"] = params.get("RoleARN") or stack["role_arn"]
    if phase == "rollback_create":
        stack["deleted"] = call.now()
    call.state.begin(stack, phase, status, call.principal, client_token=params.get("ClientRequestToken", ""))
    return {"StackId": stack["id"]}


@service.operation(resource=stack_arn)
def CancelUpdateStack(call: Call, params: Params) -> Result:
    """Roll an update back that is going on; what is being done to a resource is waited for."""
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    if stack["status"] != "UPDATE_IN_PROGRESS":
        raise error("CancelUpdateStack cannot be called from current stack status")
    token = params.get("ClientRequestToken", "")
    call.state.begin(
        stack,
        "rollback_update",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        call.principal,
        "User Initiated",
        client_token=token,
    )
    return None


@service.operation(resource=stack_arn)
def SignalResource(call: Call, params: Params) -> Result:
    """Signal a wait condition by its name, as its handle's address would be signalled."""
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    logical_id = params["LogicalResourceId"]
    row = call.state.stacks.resource(stack["id"], logical_id)
    if row is None:
        raise error(f"Resource {logical_id} does not exist for stack {stack['name']}")
    if row["status"] != "CREATE_IN_PROGRESS" or row["type"] != "AWS::CloudFormation::WaitCondition":
        raise error(f"Resource {logical_id} is in {row['status']} state and cannot be signaled")
    answer = {"Status": params["Status"], "UniqueId": params["UniqueId"]}
    call.state.signals.add(str(row["properties"]["Handle"]), answer)
    return None


@service.operation(resource=stack_arn)
def UpdateTerminationProtection(call: Call, params: Params) -> Result:
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    if stack["status"] in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
        raise error(f"Stack [{params['StackName']}] does not exist")
    stack["protected"] = params["EnableTerminationProtection"]
    call.state.stacks.put(stack)
    return {"StackId": stack["id"]}


@service.operation(resource=stack_arn)
async def SetStackPolicy(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_SetStackPolicy.html"""
    find_stack(call, params["StackName"], "Stack [{}] does not exist")
    policy = await _policy(call, params)
    if policy is None:
        raise error("Either StackPolicyBody or StackPolicyURL must be specified.")
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    stack["policy"] = policy
    call.state.stacks.put(stack)
    return None


@service.operation(resource=stack_arn, atomic=False)
def GetStackPolicy(call: Call, params: Params) -> Result:
    """While an update has a policy of its own, that one."""
    stack = find_stack(call, params["StackName"], "Stack [{}] does not exist")
    policy = (stack.get("work") or {}).get("policy") or stack.get("policy")
    return {"StackPolicyBody": policy} if policy else {}


@service.operation(atomic=False)
def DescribeAccountLimits(_call: Call, _params: Params) -> Result:
    limits: list[dict[str, Any]] = [
        {"Name": "StackLimit", "Value": 2000},
        {"Name": "StackOutputsLimit", "Value": 200},
        {"Name": "ConcurrentResourcesLimit", "Value": 2500},
    ]
    return {"AccountLimits": limits}
