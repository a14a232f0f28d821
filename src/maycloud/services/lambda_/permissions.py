"""Resource policies of functions, statement by statement."""

import re
import uuid
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.functions import functions, reference
from maycloud.services.lambda_.store import LATEST, Reference
from maycloud.store import Document

_ACCOUNT = re.compile(r"\d{12}")


def _policies(call: Call, name: Reference) -> tuple[Document, Document]:
    """The function's document, to be saved, and the policy of the qualifier within."""
    if name.qualifier:
        functions(call).resolve(name)
    body = orjson.loads(orjson.dumps(functions(call).function(name)))
    policy = body.setdefault("Policies", {}).setdefault(name.qualifier or "", {"Statement": []})
    return body, policy


def add_permission(call: Call, params: Params) -> Result:
    name = reference(call, params)
    if name.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    body, policy = _policies(call, name)
    _check_revision(policy, params)
    identifier = params["StatementId"]
    if any(each["Sid"] == identifier for each in policy["Statement"]):
        raise AwsError(
            "ResourceConflictException",
            f"The statement id ({identifier}) provided already exists. Please provide a new statement id, or"
            " remove the existing statement.",
            409,
            Type="User",
        )
    statement: dict[str, Any] = {
        "Sid": identifier,
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": name.qualified_arn,
    }
    conditions: dict[str, dict[str, str]] = {}
    if params.get("SourceArn"):
        conditions.setdefault("ArnLike", {})["AWS:SourceArn"] = params["SourceArn"]
    if params.get("SourceAccount"):
        conditions.setdefault("StringEquals", {})["AWS:SourceAccount"] = params["SourceAccount"]
    if params.get("PrincipalOrgID"):
        conditions.setdefault("StringEquals", {})["aws:PrincipalOrgID"] = params["PrincipalOrgID"]
    if params.get("EventSourceToken"):
        conditions.setdefault("StringEquals", {})["lambda:EventSourceToken"] = params["EventSourceToken"]
    if params.get("FunctionUrlAuthType"):
        auth = params["FunctionUrlAuthType"]
        conditions.setdefault("StringEquals", {})["lambda:FunctionUrlAuthType"] = auth
    if params.get("InvokedViaFunctionUrl") is not None:
        via = "true" if params["InvokedViaFunctionUrl"] else "false"
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": via}
    if conditions:
        statement["Condition"] = conditions
    policy["Statement"].append(statement)
    policy["RevisionId"] = str(uuid.uuid4())
    functions(call).save(name, body)
    return {"Statement": orjson.dumps(statement).decode()}


def _principal(text: str) -> Any:
    if text == "*":
        return "*"
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if text.startswith("arn:"):
        return {"AWS": text}
    if "." not in text:
        raise invalid("The provided principal was invalid. Please check the principal and try again.")
    return {"Service": text}


def _check_revision(policy: Document, params: Params) -> None:
    if params.get("RevisionId") not in (None, policy.get("RevisionId")):
        raise AwsError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to"
            " retrieve the latest Revision Id",
            412,
            Type="User",
        )


def remove_permission(call: Call, params: Params) -> Result:
    name = reference(call, params)
    body, policy = _policies(call, name)
    if not policy["Statement"]:
        raise AwsError(
            "ResourceNotFoundException", "No policy is associated with the given resource.", 404, Type="User"
        )
    _check_revision(policy, params)
    kept = [each for each in policy["Statement"] if each["Sid"] != params["StatementId"]]
    if len(kept) == len(policy["Statement"]):
        raise AwsError(
            "ResourceNotFoundException",
            f"Statement {params['StatementId']} is not found in resource policy.",
            404,
            Type="User",
        )
    policy["Statement"] = kept
    policy["RevisionId"] = str(uuid.uuid4())
    functions(call).save(name, body)
    return None


def get_policy(call: Call, params: Params) -> Result:
    name = reference(call, params)
    _, policy = _policies(call, name)
    if not policy["Statement"]:
        raise AwsError(
            "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
        )
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy["Statement"]}
    return {"Policy": orjson.dumps(document).decode(), "RevisionId": policy["RevisionId"]}
