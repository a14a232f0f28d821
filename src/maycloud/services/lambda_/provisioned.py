"""Provisioned concurrency: environments of a version that are started before they are asked for.

Words and order of checks as LocalStack's tests/aws/services/lambda_/test_lambda_api.snapshot.json and its
provider have them; https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from dataclasses import replace
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.concurrency import UNRESERVED, taken
from maycloud.services.lambda_.configuration import stamp
from maycloud.services.lambda_.functions import functions, reference
from maycloud.services.lambda_.invocation import ACCOUNT_LIMIT
from maycloud.services.lambda_.paging import page
from maycloud.services.lambda_.store import LATEST, Reference, not_found
from maycloud.store import Document


def _conflict(message: str) -> AwsError:
    return AwsError("ResourceConflictException", message, 409, Type="User")


def _found(call: Call, params: Params) -> tuple[Reference, str, Document]:
    """What a call means: the function with its qualifier, and its document, only to be read."""
    name = reference(call, params)
    store, qualifier = functions(call), name.qualifier or LATEST
    if qualifier == LATEST:
        raise invalid("The function resource provided must be an alias or a published version.")
    body = store.functions.get(name.scope, name.name)
    if qualifier.isdecimal():
        if body is None or store.version(name, qualifier) is None:
            raise not_found(name.qualified_arn)
    elif body is None or store.alias(name, qualifier) is None:
        raise AwsError(
            "ResourceNotFoundException", f"Cannot find alias arn: {name.qualified_arn}", 404, Type="User"
        )
    return name, qualifier, body


def put(call: Call, params: Params) -> Result:
    if reference(call, params).qualifier == LATEST:
        raise invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    name, qualifier, body = _found(call, params)
    wanted = params["ProvisionedConcurrentExecutions"]
    _check_room(call, name, qualifier, body, wanted)
    _check_overlap(call, name, qualifier)
    made: Document = {"Requested": wanted, "LastModified": stamp(call)}
    functions(call).provisioned.put(name.scope, f"{name.name}/{qualifier}", made)
    call.state.warm_soon(name)
    return {
        "RequestedProvisionedConcurrentExecutions": wanted,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": made["LastModified"],
    }


def _check_room(call: Call, name: Reference, qualifier: str, body: Document, wanted: int) -> None:
    known = functions(call).provisions(name)
    others = sum(each["Requested"] for key, each in known.items() if key != qualifier)
    reserved = body.get("Concurrency")
    if reserved is not None and reserved < others + wanted:
        raise invalid(
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for"
            " function"
        )
    if wanted > ACCOUNT_LIMIT:
        raise invalid(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency"
            f" [{ACCOUNT_LIMIT}]."
        )
    if reserved is None and ACCOUNT_LIMIT - taken(call, name) - others - wanted < UNRESERVED:
        raise invalid(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
            f" below its minimum value of [{UNRESERVED}]."
        )


def _check_overlap(call: Call, name: Reference, qualifier: str) -> None:
    """A version has one configuration: its own, or that of an alias that points at it."""
    known = functions(call).provisions(name)
    if qualifier.isdecimal():
        for alias in known:
            found = None if alias.isdecimal() else functions(call).alias(name, alias)
            if found is not None and found["FunctionVersion"] == qualifier:
                raise _conflict("Version is pointed by a Provisioned Concurrency alias")
        return
    alias_of = functions(call).alias(name, qualifier)
    if alias_of is not None and alias_of["FunctionVersion"] in known:
        raise _conflict(
            "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        )


def _describe(call: Call, name: Reference, qualifier: str, config: Document) -> dict[str, Any]:
    wanted = config["Requested"]
    ready, problem = call.state.readiness(replace(name, qualifier=qualifier))
    ready = min(ready, wanted)
    status = "READY" if ready == wanted else "FAILED" if problem else "IN_PROGRESS"
    described: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": wanted,
        "AvailableProvisionedConcurrentExecutions": ready,
        "AllocatedProvisionedConcurrentExecutions": ready,
        "Status": status,
        "LastModified": config["LastModified"],
    }
    return described | ({"StatusReason": problem} if status == "FAILED" else {})


def get(call: Call, params: Params) -> Result:
    name, qualifier, _ = _found(call, params)
    config = functions(call).provisions(name).get(qualifier)
    if config is None:
        raise AwsError(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            404,
            Type="User",
        )
    return _describe(call, name, qualifier, config)


def list_all(call: Call, params: Params) -> Result:
    name = reference(call, params)
    functions(call).function(replace(name, qualifier=None))
    found = [
        {"FunctionArn": f"{name.arn}:{qualifier}", **_describe(call, name, qualifier, config)}
        for qualifier, config in functions(call).provisions(name).items()
    ]
    return page("ProvisionedConcurrencyConfigs", found, params)


def delete(call: Call, params: Params) -> Result:
    """What is not there is deleted as well."""
    name, qualifier, _ = _found(call, params)
    functions(call).provisioned.delete(name.scope, f"{name.name}/{qualifier}")
    return None
