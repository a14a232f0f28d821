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
    if len(text.encode()) > MAX_SIZE:
        raise error(f"Stack policy may not exceed {MAX_SIZE} bytes in size.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise _invalid("it is not valid JSON") from failure
    found = document.get("Statement") if isinstance(document, dict) else None
    statements = [found] if isinstance(found, dict) else found
    if not isinstance(statements, list) or not statements:
        raise _invalid("a policy needs a Statement")
    for statement in statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in _EFFECTS:
            raise _invalid("a statement needs an Effect of Allow or Deny")
        if statement.get("Principal") != "*":
            raise _invalid('the Principal must be "*"')
        if not ("Action" in statement) ^ ("NotAction" in statement):
            raise _invalid("a statement needs one of Action and NotAction")
        if not ("Resource" in statement) ^ ("NotResource" in statement):
            raise _invalid("a statement needs one of Resource and NotResource")
        for action in _texts(statement.get("Action", statement.get("NotAction"))):
            if action != "*" and not action.lower().startswith("update:"):
                raise _invalid(f"unknown action {action}")
        for resource in _texts(statement.get("Resource", statement.get("NotResource"))):
            if resource != "*" and not resource.startswith("LogicalResourceId/"):
                raise _invalid(f"unknown resource {resource}")
        try:
            compile_policy({"Version": "2012-10-17", "Statement": [statement]})
        except AwsError as failure:
            raise _invalid(failure.message) from failure
    return statements


def _invalid(problem: str) -> AwsError:
    return error(f"Error validating stack policy: Invalid stack policy: {problem}")


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _listed(value: Any) -> str:
    return f"[{', '.join(_texts(value))}]"
