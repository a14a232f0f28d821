"""Resource policies of layer versions: who else may use them."""

import uuid
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_.layers import layer_name, save, version_of
from maycloud.store import Document


def _find(call: Call, params: Params) -> tuple[Document, Document]:
    """A copy of the layer version, to be saved, and the policy within."""
    found = version_of(call, params["LayerName"], params["VersionNumber"])
    if found is None:
        arn = f"arn:aws:lambda:{call.region}:{call.account}:layer:{layer_name(params['LayerName'])}"
        raise _missing(f"Layer version {arn}:{params['VersionNumber']} does not exist.")
    body = orjson.loads(orjson.dumps(found))
    return body, body.setdefault("Policy", {"Statement": []})


def _missing(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, 404, Type="User")


def _check_revision(policy: Document, params: Params) -> None:
    if params.get("RevisionId") not in (None, policy.get("RevisionId")):
        raise AwsError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to"
            " retrieve the latest Revision Id",
            412,
            Type="User",
        )


def add_layer_version_permission(call: Call, params: Params) -> Result:
    body, policy = _find(call, params)
    identifier = params["StatementId"]
    if any(each["Sid"] == identifier for each in policy["Statement"]):
        raise AwsError(
            "ResourceConflictException",
            f"The statement id ({identifier}) provided already exists. Please provide a new statement id, or"
            " remove the existing statement.",
            409,
            Type="User",
        )
    _check_revision(policy, params)
    account = params["Principal"]
    statement: dict[str, Any] = {
        "Sid": identifier,
        "Effect": "Allow",
        "Principal": "*" if account == "*" else {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": params["Action"],
        "Resource": body["LayerVersionArn"],
    }
    if params.get("OrganizationId"):
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": params["OrganizationId"]}}
    policy["Statement"].append(statement)
    policy["RevisionId"] = str(uuid.uuid4())
    save(call, body)
    return {"Statement": orjson.dumps(statement).decode(), "RevisionId": policy["RevisionId"]}


def get_layer_version_policy(call: Call, params: Params) -> Result:
    _, policy = _find(call, params)
    if not policy["Statement"]:
        raise _missing("No policy is associated with the given resource.")
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy["Statement"]}
    return {"Policy": orjson.dumps(document).decode(), "RevisionId": policy["RevisionId"]}


def remove_layer_version_permission(call: Call, params: Params) -> Result:
    body, policy = _find(call, params)
    _check_revision(policy, params)
    kept = [each for each in policy["Statement"] if each["Sid"] != params["StatementId"]]
    if len(kept) == len(policy["Statement"]):
        raise _missing(f"Statement {params['StatementId']} is not found in resource policy.")
    policy["Statement"] = kept
    policy["RevisionId"] = str(uuid.uuid4())
    save(call, body)
    return None
