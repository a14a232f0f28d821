"""Reserved concurrency of functions."""

from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.functions import functions
from maycloud.services.lambda_.store import LATEST, Reference, not_found, read_name

UNRESERVED = 100  # concurrency that must stay unreserved, of an account's 1,000


def put_concurrency(call: Call, params: Params) -> Result:
    name = read_name(call, params["FunctionName"])
    if name.qualifier:
        raise invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this"
            " operation. Please specify either a function name or an unqualified function ARN."
        )
    wanted = params["ReservedConcurrentExecutions"]
    if functions(call).functions.get(name.scope, name.name) is None:
        raise not_found(f"{name.arn}:{LATEST}")
    body = dict(functions(call).function(name))
    if taken(call, name) + wanted > 1000 - UNRESERVED:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's"
            f" UnreservedConcurrentExecution below its minimum value of [{UNRESERVED}]."
        )
    provisioned = sum(each["Requested"] for each in functions(call).provisions(name).values())
    if provisioned > wanted:
        raise invalid(
            f" ReservedConcurrentExecutions  {wanted} should not be lower than function's total provisioned"
            f" concurrency [{provisioned}]."
        )
    body["Concurrency"] = wanted
    functions(call).save(name, body)
    return {"ReservedConcurrentExecutions": wanted}


def taken_by_all(call: Call) -> int:
    return taken(call, Reference(call.account, call.region, "", None))


def taken(call: Call, name: Reference) -> int:
    """What other functions have reserved of the account's concurrency, or have provisioned without."""
    store = functions(call)
    reserved = {
        other: each.get("Concurrency")
        for other, each in store.functions.items(name.scope)
        if other != name.name
    }
    provisioned = sum(
        body["Requested"]
        for id_, body in store.provisioned.items(name.scope)
        if reserved.get(id_.rpartition("/")[0], 0) is None
    )
    return provisioned + sum(each or 0 for each in reserved.values())


def get_concurrency(call: Call, params: Params) -> Result:
    body = functions(call).function(read_name(call, params["FunctionName"]))
    wanted = body.get("Concurrency")
    return {} if wanted is None else {"ReservedConcurrentExecutions": wanted}


def delete_concurrency(call: Call, params: Params) -> Result:
    name = read_name(call, params["FunctionName"])
    body = dict(functions(call).function(name))
    body.pop("Concurrency", None)
    functions(call).save(name, body)
    return None
