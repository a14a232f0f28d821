"""Resource policies of functions, versions and aliases.

Words and order of LocalStack's ``tests/aws/services/lambda_/test_lambda_api.snapshot.json``.
"""

import re
from dataclasses import replace
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.functions import functions, reference
from maycloud.services.lambda_.store import LATEST, Reference, new_revision, not_found
from maycloud.store import Document

_ACCOUNT = re.compile(r"\d{12}")
# What the names of services end with, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
_SERVICES = (".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal")
MAX_POLICY = 20_480  # bytes, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html


def _policies(call: Call, params: Params) -> tuple[Reference, Document, Document]:
    """What a call means, the function's document (to be saved), and the policy of the qualifier within."""
    name = reference(call, params)
    if name.qualifier == LATEST:
        name = replace(name, qualifier=None)
    found = functions(call).function(replace(name, qualifier=None))
    qualifier = name.qualifier
    if qualifier and qualifier.isdecimal() and functions(call).version(name, qualifier) is None:
        raise not_found(name.qualified_arn)
    if qualifier and not qualifier.isdecimal() and functions(call).alias(name, qualifier) is None:
        raise _missing(f"Cannot find alias arn: {name.qualified_arn}")
    body = orjson.loads(orjson.dumps(found))
    policy = body.setdefault("Policies", {}).setdefault(qualifier or "", {"Statement": []})
    return name, body, policy


def _revision(call: Call, name: Reference) -> str:
    """A policy's revision is that of what it belongs to: LocalStack's test_function_revisions_permissions."""
    qualifier = name.qualifier or LATEST
    if qualifier == LATEST or qualifier.isdecimal():
        found = functions(call).version(name, qualifier)
    else:
        found = functions(call).alias(name, qualifier)
    return found["RevisionId"] if found else ""


def _save(call: Call, name: Reference, body: Document) -> None:
    """Keep a changed policy, and give what it belongs to a new revision."""
    store = functions(call)
    store.save(name, body)
    qualifier = name.qualifier or LATEST
    if qualifier == LATEST or qualifier.isdecimal():
        store.revise(name, qualifier)
        return
    alias = store.alias(name, qualifier)
    if alias is not None:
        store.aliases.put(name.scope, f"{name.name}/{qualifier}", alias | {"RevisionId": new_revision()})
        store.forget()


def add_permission(call: Call, params: Params) -> Result:
    if reference(call, params).qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    name, body, policy = _policies(call, params)
    _check_revision(call, name, params)
    identifier = params["StatementId"]
    if any(each["Sid"] == identifier for each in policy["Statement"]):
        raise AwsError(
            "ResourceConflictException",
            f"The statement id ({identifier}) provided already exists. Please provide a new statement id, or"
            " remove the existing statement.",
            409,
            Type="User",
        )
    if params.get("FunctionUrlAuthType") and params["Action"] != "lambda:InvokeFunctionUrl":
        raise invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    statement: dict[str, Any] = {
        "Sid": identifier,
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": name.qualified_arn,
    }
    conditions = _conditions(params)
    if conditions:
        statement["Condition"] = conditions
    policy["Statement"].append(statement)
    if len(orjson.dumps(policy["Statement"])) > MAX_POLICY:
        raise AwsError(
            "PolicyLengthExceededException",
            f"The final policy size ({len(orjson.dumps(policy['Statement']))}) is bigger than the limit"
            f" ({MAX_POLICY}).",
            400,
            Type="User",
        )
    _save(call, name, body)
    return {"Statement": orjson.dumps(statement).decode()}


def _conditions(params: Params) -> dict[str, dict[str, str]]:
    equals = {
        key: params[name]
        for name, key in (
            ("SourceAccount", "AWS:SourceAccount"),
            ("PrincipalOrgID", "aws:PrincipalOrgID"),
            ("EventSourceToken", "lambda:EventSourceToken"),
            ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType"),
        )
        if params.get(name)
    }
    conditions: dict[str, dict[str, str]] = {}
    if equals:
        conditions["StringEquals"] = equals
    if params.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    if params.get("InvokedViaFunctionUrl") is not None:
        via = "true" if params["InvokedViaFunctionUrl"] else "false"
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": via}
    return conditions


def _principal(text: str) -> Any:
    if text == "*":
        return "*"
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if text.startswith("arn:"):
        return {"AWS": text}
    if not text.endswith(_SERVICES):
        raise invalid("The provided principal was invalid. Please check the principal and try again.")
    return {"Service": text}


def _check_revision(call: Call, name: Reference, params: Params) -> None:
    if params.get("RevisionId") not in (None, _revision(call, name)):
        raise AwsError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to"
            " retrieve the latest Revision Id",
            412,
            Type="User",
        )


def _missing(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, 404, Type="User")


def remove_permission(call: Call, params: Params) -> Result:
    asked = reference(call, params)
    if functions(call).functions.get(asked.scope, asked.name) is None:
        raise _missing(f"No policy found for: {asked.arn}")
    name, body, policy = _policies(call, params)
    if not policy["Statement"]:
        raise _missing("No policy is associated with the given resource.")
    kept = [each for each in policy["Statement"] if each["Sid"] != params["StatementId"]]
    if len(kept) == len(policy["Statement"]):
        raise _missing(f"Statement {params['StatementId']} is not found in resource policy.")
    _check_revision(call, name, params)
    policy["Statement"] = kept
    _save(call, name, body)
    return None


def get_policy(call: Call, params: Params) -> Result:
    asked = reference(call, params)
    functions(call).function(replace(asked, qualifier=None))
    try:
        name, _, policy = _policies(call, params)
    except AwsError as error:
        raise _missing("The resource you requested does not exist.") from error
    if not policy["Statement"]:
        raise _missing("The resource you requested does not exist.")
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy["Statement"]}
    return {"Policy": orjson.dumps(document).decode(), "RevisionId": _revision(call, name)}
