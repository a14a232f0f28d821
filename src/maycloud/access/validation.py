"""Policy documents as they come in: parsed and checked, with IAM's words for what is wrong."""

from typing import Any, Literal

import orjson

from maycloud.access.conditions import OPERATORS
from maycloud.errors import AwsError

Kind = Literal["identity", "resource", "trust"]

_ALLOWED = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {
        "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal",
        "Condition",
    }
)  # fmt: skip


def malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", message)


def check_policy_document(text: str, kind: Kind) -> dict[str, Any]:
    """The parsed document. Raises MalformedPolicyDocument."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise malformed(
            "This policy contains invalid Json" if kind == "trust" else "Syntax errors in policy."
        ) from error
    if not isinstance(document, dict) or not document.keys() <= _ALLOWED or "Statement" not in document:
        raise malformed("Syntax errors in policy.")
    if document.get("Version", "2008-10-17") not in ("2008-10-17", "2012-10-17"):
        raise malformed("The policy must contain a valid version string.")
    statements = document["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    if not statements:
        raise malformed("Syntax errors in policy.")
    seen: set[str] = set()
    for statement in statements:
        _check_statement(statement, kind)
        sid = statement.get("Sid")
        if sid:
            if sid in seen:
                raise malformed(f"Statement IDs (SID) in a single policy must be unique. SID: {sid}")
            seen.add(sid)
    return document


def _check_statement(statement: Any, kind: Kind) -> None:
    if not isinstance(statement, dict) or not statement.keys() <= _STATEMENT:
        raise malformed("Syntax errors in policy.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise malformed("Syntax errors in policy.")
    _check_actions(statement)
    principals = "Principal" in statement or "NotPrincipal" in statement
    resources = "Resource" in statement or "NotResource" in statement
    if kind == "identity":
        if principals:
            raise malformed("Policy document should not specify a principal.")
        if not resources:
            raise malformed("Policy statement must contain resources.")
        _check_resources(statement)
    elif not principals:
        raise malformed("Missing required field Principal")
    if kind == "trust" and resources:
        raise malformed("Has prohibited field Resource")
    _check_conditions(statement.get("Condition"))


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in listed):
        raise malformed("Syntax errors in policy.")
    return listed


def _check_actions(statement: dict[str, Any]) -> None:
    if ("Action" in statement) == ("NotAction" in statement):
        raise malformed(
            "Policy statement must contain actions."
            if "Action" not in statement
            else "Syntax errors in policy."
        )
    actions = _texts(statement.get("Action", statement.get("NotAction")))
    if not actions:
        raise malformed("Policy statement must contain actions.")
    for action in actions:
        if action != "*" and ":" not in action:
            raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")


def _check_resources(statement: dict[str, Any]) -> None:
    resources = _texts(statement.get("Resource", statement.get("NotResource")))
    if not resources:
        raise malformed("Policy statement must contain resources.")
    for resource in resources:
        if (
            resource != "*"
            and not resource.startswith("arn:")
            and not resource.startswith(("*", "a*", "ar*"))
        ):
            raise malformed(f'Resource {resource} must be in ARN format or "*".')


def _check_conditions(block: Any) -> None:
    if block is None:
        return
    if not isinstance(block, dict):
        raise malformed("Syntax errors in policy.")
    for operator, keys in block.items():
        name = operator.rpartition(":")[2].lower().removesuffix("ifexists")
        if name not in OPERATORS or not isinstance(keys, dict):
            raise malformed(f"Invalid Condition type : {operator}.")
        for key in keys:
            if ":" not in key:
                raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
