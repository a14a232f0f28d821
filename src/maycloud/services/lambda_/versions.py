"""Versions and aliases."""

import uuid
from dataclasses import replace
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.configuration import describe, listed
from maycloud.services.lambda_.functions import functions, latest, numbered, publish
from maycloud.services.lambda_.paging import page
from maycloud.services.lambda_.store import LATEST, Reference, not_found, read_name
from maycloud.store import Document


def publish_version(call: Call, params: Params) -> Result:
    name, configuration = latest(call, params)
    if params.get("CodeSha256") not in (None, configuration["CodeSha256"]):
        raise invalid(
            f"CodeSHA256 ({params['CodeSha256']}) is different from current CodeSHA256 in $LATEST"
            f" ({configuration['CodeSha256']}). Please try again with the CodeSHA256 in $LATEST."
        )
    version = publish(call, name, configuration, params.get("Description"))
    found = functions(call).version(name, version)
    assert found is not None
    return describe(name, version, found)


def list_versions(call: Call, params: Params) -> Result:
    name = read_name(call, params["FunctionName"])
    functions(call).function(name)
    configuration = functions(call).version(name, LATEST)
    found = [(LATEST, configuration), *numbered(call, name)]
    return page("Versions", [listed(name, v, body, qualified=True) for v, body in found if body], params)


def alias_arn(call: Call, params: Params) -> str:
    return read_name(call, params["FunctionName"]).arn


def _describe(name: Reference, alias: str, body: Document) -> dict[str, Any]:
    described: dict[str, Any] = {
        "AliasArn": f"{name.arn}:{alias}",
        "Name": alias,
        "FunctionVersion": body["FunctionVersion"],
        "Description": body["Description"],
        "RevisionId": body["RevisionId"],
    }
    if body.get("Weights"):
        described["RoutingConfig"] = {"AdditionalVersionWeights": body["Weights"]}
    return described


def _check_target(call: Call, name: Reference, body: Document) -> None:
    version = body["FunctionVersion"]
    if functions(call).version(name, version) is None:
        raise not_found(f"{name.arn}:{version}")
    weights: dict[str, float] = body.get("Weights", {})
    if not weights:
        return
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if version in weights:
        raise invalid(
            f"Invalid function version {version}. Function version {version} is already included in routing"
            " configuration."
        )
    if version == LATEST or LATEST in weights:
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    for other, weight in weights.items():
        if not 0 <= weight <= 1:
            raise invalid(f"Value {weight} for AdditionalVersionWeights must be between 0.0 and 1.0")
        if functions(call).version(name, other) is None:
            raise not_found(f"{name.arn}:{other}")


def create_alias(call: Call, params: Params) -> Result:
    name = read_name(call, params["FunctionName"])
    alias = params["Name"]
    if functions(call).functions.get(name.scope, name.name) is None:
        raise not_found(f"{name.arn}:{params['FunctionVersion']}")
    if functions(call).alias(name, alias) is not None:
        raise AwsError(
            "ResourceConflictException", f"Alias already exists: {name.arn}:{alias}", 409, Type="User"
        )
    body: Document = {
        "FunctionVersion": params["FunctionVersion"],
        "Description": params.get("Description", ""),
        "Weights": params.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        "RevisionId": str(uuid.uuid4()),
    }
    _check_target(call, name, body)
    functions(call).aliases.put(name.scope, f"{name.name}/{alias}", body)
    functions(call).forget()
    return _describe(name, alias, body)


def _find(call: Call, params: Params) -> tuple[Reference, str, Document]:
    name = read_name(call, params["FunctionName"])
    functions(call).function(name)
    body = functions(call).alias(name, params["Name"])
    if body is None:
        raise AwsError(
            "ResourceNotFoundException",
            f"Cannot find alias arn: {name.arn}:{params['Name']}",
            404,
            Type="User",
        )
    return name, params["Name"], body


def get_alias(call: Call, params: Params) -> Result:
    return _describe(*_find(call, params))


def list_aliases(call: Call, params: Params) -> Result:
    name = read_name(call, params["FunctionName"])
    functions(call).function(name)
    rows = functions(call).aliases.items(name.scope, prefix=f"{name.name}/")
    wanted = params.get("FunctionVersion")
    found = [
        _describe(name, id_.rpartition("/")[2], body)
        for id_, body in rows
        if wanted in (None, body["FunctionVersion"])
    ]
    return page("Aliases", found, params)


def update_alias(call: Call, params: Params) -> Result:
    name, alias, body = _find(call, params)
    if params.get("RevisionId") not in (None, body["RevisionId"]):
        raise AwsError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias"
            " API to retrieve the latest Revision Id",
            412,
            Type="User",
        )
    body = dict(body)
    for setting in ("FunctionVersion", "Description"):
        if setting in params:
            body[setting] = params[setting]
    if "RoutingConfig" in params:
        body["Weights"] = params["RoutingConfig"].get("AdditionalVersionWeights", {})
    body["RevisionId"] = str(uuid.uuid4())
    _check_target(call, name, body)
    functions(call).aliases.put(name.scope, f"{name.name}/{alias}", body)
    functions(call).forget()
    call.state.warm_soon(replace(name, qualifier=alias))
    return _describe(name, alias, body)


def delete_alias(call: Call, params: Params) -> Result:
    name = read_name(call, params["FunctionName"])
    functions(call).function(name)
    functions(call).aliases.delete(name.scope, f"{name.name}/{params['Name']}")
    functions(call).provisioned.delete(name.scope, f"{name.name}/{params['Name']}")
    functions(call).forget()
    return None
