"""The service's declaration, and what its operations share: finding stacks and setting work going."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Service
from maycloud.services.cloudformation.engine import SERVICE, Engine
from maycloud.services.cloudformation.plans import Reader
from maycloud.services.cloudformation.store import SCHEMA, Record
from maycloud.services.cloudformation.template import error

PAGE = 100

# A stack in one of these is as good as new for an update.
UPDATABLE = {
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
}

service = Service("cloudformation", state=Engine, schema=SCHEMA)


def stack_arn(call: Call, params: Params) -> str:
    """The ARN that permission is asked for: of the stack that is meant, whatever its unique part."""
    name = params.get("StackName") or ""
    if name.startswith("arn:"):
        return name
    return f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/*" if name else "*"


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def some(**members: Any) -> dict[str, Any]:
    """Members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def reader(call: Call) -> Reader:
    return Reader(call.cloud, call.principal, call.account, call.region)


def find_stack(call: Call, name: str, message: str = "Stack with id {} does not exist") -> Record:
    stack = call.state.stacks.find(call.scope, name)
    if stack is None:
        raise error(message.format(name))
    return stack


def new_stack(call: Call, name: str, params: Params) -> Record:
    """The record of a stack to be; not saved."""
    if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
        raise error(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint:"
            " Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
        )
    stack_id = f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/{uuid.uuid4()}"
    return {
        "id": stack_id,
        "name": name,
        "account": call.account,
        "region": call.region,
        "status": "",
        "reason": "",
        "created": call.now(),
        "plan": None,
        "previous": None,
        "outputs": [],
        "work": None,
        "role_arn": None,
        "protected": bool(params.get("EnableTerminationProtection")),
    }


def pass_role(call: Call, params: Params) -> None:
    """Check that the caller may give CloudFormation the role, if one is named."""
    if params.get("RoleARN"):
        call.authorize("iam:PassRole", params["RoleARN"], {"iam:PassedToService": SERVICE})


async def must_be_assumable(call: Call, params: Params) -> None:
    """Raise for a role that CloudFormation cannot take on."""
    if (
        params.get("RoleARN")
        and await call.state.assume(params["RoleARN"], call.account, call.region) is None
    ):
        raise error(f"Role {params['RoleARN']} is invalid or cannot be assumed")


def must_be_new(call: Call, name: str) -> Record | None:
    """The stack that change sets have reserved the name for, if any. Raises for one that exists."""
    stack = call.state.stacks.find(call.scope, name)
    if stack is not None and stack["status"] != "REVIEW_IN_PROGRESS":
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    return stack


def must_be_updatable(stack: Record) -> None:
    if stack["status"] not in UPDATABLE:
        raise error(f"Stack:{stack['id']} is in {stack['status']} state and can not be updated.")
    if stack["status"] == "CREATE_FAILED" and stack.get("keeps_failed"):
        # As quoted in code-dot-org/code-dot-org#68524.
        raise error(
            "This stack cannot be updated from [CREATE_FAILED] state because it contains [on-failure:"
            " DO_NOTHING]. Please use disable-rollback option instead during stack creation."
        )


def start_create(call: Call, stack: Record, plan: Record, params: Params, on_failure: str) -> None:
    """Begin to create a stack by a plan."""
    minutes = params.get("TimeoutInMinutes")
    stack |= {"plan": plan, "timeout": minutes, "role_arn": params.get("RoleARN") or stack["role_arn"]}
    stack["disable_rollback"] = on_failure == "DO_NOTHING"
    call.state.begin(
        stack,
        "create",
        "CREATE_IN_PROGRESS",
        call.principal,
        on_failure=on_failure,
        client_token=params.get("ClientRequestToken", ""),
        deadline=call.now() + minutes * 60 if minutes else None,
    )


def start_update(
    call: Call, stack: Record, plan: Record, params: Params, on_failure: str, policy: str | None = None
) -> None:
    """Begin to bring a stack to a new plan; `policy` is the stack policy of this update alone."""
    old = call.state.stacks.resources(stack["id"])
    changed = sorted(
        name
        for name, resource in plan["processed"]["Resources"].items()
        if name in old and old[name]["type"] != resource["Type"] and old[name]["physical_id"]
    )
    if changed:
        raise error(
            "Update of resource type is not permitted. The new template modifies resource type of the"
            f" following resources: [{', '.join(changed)}]"
        )
    stack |= {"previous": stack["plan"], "plan": plan, "updated": call.now()}
    stack["role_arn"] = params.get("RoleARN") or stack["role_arn"]
    stack["disable_rollback"] = on_failure == "DO_NOTHING"
    call.state.begin(
        stack,
        "update",
        "UPDATE_IN_PROGRESS",
        call.principal,
        on_failure=on_failure,
        policy=policy,
        client_token=params.get("ClientRequestToken", ""),
    )
