"""Stack policies: which resources an update may modify, replace or delete.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html. Once a stack
has a policy, what it does not allow is denied; without one everything may be updated.
"""

import json
from typing import Any

from maycloud.access.policies import Policy, compile_policy, decide
from maycloud.errors import AwsError
from maycloud.principal import ANONYMOUS
from maycloud.services.cloudformation.template import error

MAX_SIZE = 16_384  # bytes

_EFFECTS = ("Allow", "Deny")


class StackPolicy:
    """A policy that is asked resource by resource."""

    def __init__(self, text: str) -> None:
        self._statements = [
            (statement, compile_policy({"Version": "2012-10-17", "Statement": [statement]}))
            for statement in _read(text)
        ]

    def refusal(self, action: str, logical_id: str, type_: str) -> str | None:
        """Why ``Update:Modify``, ``Update:Replace`` or ``Update:Delete`` may not be, if it may not."""
        allowed = False
        for number, (statement, compiled) in enumerate(self._statements, 1):
            if not _matches(compiled, action, logical_id, type_):
                continue
            if statement["Effect"] == "Deny":
                actions = _listed(statement.get("Action", statement.get("NotAction")))
                resources = _listed(statement.get("Resource", statement.get("NotResource")))
                return (
                    f"Action denied by stack policy: Statement [#{number}] does not allow {actions} for"
                    f" resource {resources}"
                )
            allowed = True
        return None if allowed else f"Action not allowed by stack policy: no statement allows [{action}]"


def _matches(compiled: Policy, action: str, logical_id: str, type_: str) -> bool:
    decision = decide(
        action=action,
        resource=f"LogicalResourceId/{logical_id}",
        principal=ANONYMOUS,
        account_of_resource="",
        identity=(),
        boundary=None,
        session=(),
        resource_policy=compiled,
        context={"resourcetype": type_},
    )
    return decision.allowed or decision.explicit


def check(text: str) -> None:
    """Raise ValidationError for what is no stack policy."""
    StackPolicy(text)


def _read(text: str) -> list[dict[str, Any]]:
    """The statements of a policy; an empty object has none.

    All that is wrong with a policy has one answer, as LocalStack recorded it of AWS in
    tests/aws/services/cloudformation/api/test_stack_policies.snapshot.json.
    """
    if len(text.encode()) > MAX_SIZE:
        raise error(f"Stack policy may not exceed {MAX_SIZE} bytes in size.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise _invalid() from failure
    if document == {}:
        return []
    found = document.get("Statement") if isinstance(document, dict) else None
    statements = [found] if isinstance(found, dict) else found
    if not isinstance(statements, list) or not statements:
        raise _invalid()
    for statement in statements:
        if not isinstance(statement, dict) or not _is_statement(statement):
            raise _invalid()
        try:
            compile_policy({"Version": "2012-10-17", "Statement": [statement]})
        except AwsError as failure:
            raise _invalid() from failure
    return statements


def _is_statement(statement: dict[str, Any]) -> bool:
    actions = _texts(statement.get("Action", statement.get("NotAction")))
    resources = _texts(statement.get("Resource", statement.get("NotResource")))
    return (
        statement.get("Effect") in _EFFECTS
        and statement.get("Principal") == "*"
        and ("Action" in statement) ^ ("NotAction" in statement)
        and ("Resource" in statement) ^ ("NotResource" in statement)
        and all(action == "*" or action.lower().startswith("update:") for action in actions)
        and all(resource == "*" or resource.startswith("LogicalResourceId/") for resource in resources)
    )


def _invalid() -> AwsError:
    return error("Error validating stack policy: Invalid stack policy")


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _listed(value: Any) -> str:
    return f"[{', '.join(_texts(value))}]"
