"""Resource policies: who besides an account's own identities may write to its log groups.

Answers as recorded of AWS in LocalStack's tests/aws/services/logs/test_logs_resource_policies.snapshot.json.
"""

from typing import Any

from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.logs.service import account_policies, invalid, offset, service

MAX_POLICIES = 10  # of a region


@service.operation
def PutResourcePolicy(call: Call, params: Params) -> Result:
    """Of the account and region; policies of single resources are not there."""
    if params.get("resourceArn"):
        raise invalid("Policies of single resources are not supported by Maycloud; see docs/coverage.md")
    name, document = params.get("policyName"), params.get("policyDocument")
    if not name or not document:
        raise invalid("Policy name and policy document must be specified.")
    try:
        check_policy_document(document, "resource")
    except AwsError as error:
        raise invalid(f"Invalid policy document: {error.message}") from error
    policies = account_policies(call)
    if policies.get(call.scope, name) is None and len(policies.items(call.scope)) >= MAX_POLICIES:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")
    made = {
        "policyName": name,
        "policyDocument": document,
        "lastUpdatedTime": call.store.clock.millis(),
        "policyScope": "ACCOUNT",
    }
    policies.put(call.scope, name, made)
    return {"resourcePolicy": made}


@service.operation
def DescribeResourcePolicies(call: Call, params: Params) -> Result:
    found = [body for _, body in account_policies(call).items(call.scope)]
    if params.get("policyScope") == "RESOURCE" or params.get("resourceArn"):
        found = []
    start, limit = offset(params.get("nextToken")), params.get("limit", 50)
    result: dict[str, Any] = {"resourcePolicies": found[start : start + limit]}
    if start + limit < len(found):
        result["nextToken"] = str(start + limit)
    return result


@service.operation
def DeleteResourcePolicy(call: Call, params: Params) -> Result:
    name = params.get("policyName") or ""
    if account_policies(call).get(call.scope, name) is None:
        raise AwsError("ResourceNotFoundException", f"Policy with name [{name}] does not exist.")
    account_policies(call).delete(call.scope, name)
    return None
