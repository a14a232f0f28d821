"""Functions and their code: created, changed, described, deleted."""

import time
from collections.abc import Iterator
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Policy, Result
from maycloud.services.lambda_ import code_signing, destinations, layers
from maycloud.services.lambda_.code import MAX_UNPACKED, fetch, invalid
from maycloud.services.lambda_.configuration import (
    describe,
    listed,
    new_configuration,
    touch,
    update_configuration,
    use_package,
)
from maycloud.services.lambda_.paging import page
from maycloud.services.lambda_.store import (
    LATEST,
    Functions,
    Reference,
    bad_name,
    new_revision,
    not_found,
    read_name,
)
from maycloud.services.lambda_.tags import check_tags
from maycloud.store import Document

MAX_NAME = 64  # characters without what an ARN has before them
# What AWS answers to a change; those who ask afterwards find it done.
_CREATING = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}
_UPDATING = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}


def functions(call: Call) -> Functions:
    return call.state.functions


def reference(call: Call, params: Params) -> Reference:
    return read_name(call, params["FunctionName"], params.get("Qualifier"))


def function_arn(call: Call, params: Params) -> str:
    return reference(call, params).qualified_arn


def owner(call: Call, params: Params) -> str | None:
    return reference(call, params).account


def function_policy(call: Call, arn: str) -> Policy | None:
    """The resource policy of a function or qualifier: an empty one if none was set."""
    if ":function:" not in arn:
        return None
    try:
        found = read_name(call, arn)
        body = functions(call).function(found)
    except AwsError:
        return {"Version": "2012-10-17", "Statement": []}
    statements = body.get("Policies", {}).get(found.qualifier or "", {}).get("Statement", [])
    return {"Version": "2012-10-17", "Statement": statements}


async def create_function(call: Call, params: Params) -> Result:
    name = _new_name(call, params["FunctionName"])
    params = params | {"FunctionName": name.name}
    configuration = new_configuration(call, params)
    check_tags(params.get("Tags", {}))
    _refuse_existing(call, name)
    await _check_role(call, configuration["Role"])
    _check_dead_letters(call, name, configuration, params)
    code_signing.verify(call, name, params.get("CodeSigningConfigArn"))
    package = await call.state.packages.add(await fetch(call, params["Code"]))
    _refuse_existing(call, name)  # looked for again: unpacking took its time
    use_package(configuration, package)
    _use_layers(call, configuration, params, package.unpacked)
    touch(call, configuration)
    version = LATEST
    with call.store.db.atomic():
        body: Document = {"Name": name.name, "NextVersion": 1, "Tags": params.get("Tags", {})}
        if params.get("CodeSigningConfigArn"):
            body["CodeSigningConfigArn"] = params["CodeSigningConfigArn"]
        functions(call).save(name, body)
        functions(call).save_version(name, LATEST, configuration)
        if params.get("Publish"):
            version = publish(call, name, configuration, params.get("Description"))
    return _pending(describe(name, LATEST, configuration)) | {"Version": version}


def _new_name(call: Call, text: str) -> Reference:
    """A name for a function to be: without a qualifier, and not too long."""
    name = read_name(call, text)
    if name.qualifier:
        raise bad_name(text)
    if len(name.name) > MAX_NAME:
        raise invalid(
            f"1 validation error detected: Value '{name.name}' at 'functionName' failed to satisfy"
            f" constraint: Member must have length less than or equal to {MAX_NAME}"
        )
    return name


def _pending(described: dict[str, Any]) -> dict[str, Any]:
    """What is answered of a function or version that has just been made."""
    del described["LastUpdateStatus"]
    return described | _CREATING


def _refuse_existing(call: Call, name: Reference) -> None:
    if functions(call).functions.get(name.scope, name.name) is not None:
        raise AwsError("ResourceConflictException", f"Function already exist: {name.name}", 409, Type="User")


async def _check_role(call: Call, role: str) -> None:
    """The caller must be allowed to pass the role, and Lambda to assume it."""
    call.authorize("iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"})
    call.state.role_credentials(role, "check")


def _check_dead_letters(call: Call, name: Reference, configuration: Document, params: Params) -> None:
    where = (params.get("DeadLetterConfig") or {}).get("TargetArn")
    if where:
        destinations.check_dead_letters(call, name, configuration["Role"], where)


def _use_layers(call: Call, configuration: Document, params: Params, unpacked: int) -> None:
    if "Layers" not in params:
        return
    found = layers.resolve(call, params["Layers"])
    if unpacked + sum(each["Unpacked"] for each in found) > MAX_UNPACKED:
        raise invalid(
            f"Function code combined with layers exceeds the maximum allowed size of {MAX_UNPACKED} bytes."
        )
    configuration["Layers"] = [{"Arn": each["Arn"], "CodeSize": each["CodeSize"]} for each in found]
    configuration["LayerDigests"] = [each["Digest"] for each in found]


def latest(call: Call, params: Params) -> tuple[Reference, Document]:
    """The function of a call that changes it, with a copy of its $LATEST configuration."""
    name = read_name(call, params["FunctionName"])
    functions(call).function(name)
    configuration = functions(call).version(name, LATEST)
    if configuration is None:
        raise not_found(name.arn)
    revision = params.get("RevisionId")
    if revision is not None and revision != configuration["RevisionId"]:
        raise AwsError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias"
            " API to retrieve the latest Revision Id",
            412,
            Type="User",
        )
    return name, dict(configuration)


async def update_function_code(call: Call, params: Params) -> Result:
    name, _ = latest(call, params)
    code_signing.verify(call, name, functions(call).function(name).get("CodeSigningConfigArn"))
    if params.get("ImageUri"):
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    data = await fetch(call, params)
    package = await call.state.packages.add(data)
    name, configuration = latest(call, params)
    if params.get("DryRun"):
        return describe(name, LATEST, configuration)
    use_package(configuration, package)
    if "Architectures" in params:
        configuration["Architectures"] = params["Architectures"]
    touch(call, configuration)
    with call.store.db.atomic():
        functions(call).save_version(name, LATEST, configuration)
        call.state.retire(name, LATEST)
        if params.get("Publish"):
            version = publish(call, name, configuration, None)
            return _pending(describe(name, version, functions(call).version(name, version) or configuration))
    return describe(name, LATEST, configuration) | _UPDATING


async def update_function_configuration(call: Call, params: Params) -> Result:
    name, configuration = latest(call, params)
    role = configuration["Role"]
    update_configuration(call, configuration, params)
    if configuration["Role"] != role:
        await _check_role(call, configuration["Role"])
    _check_dead_letters(call, name, configuration, params)
    _use_layers(call, configuration, params, 0)
    touch(call, configuration)
    functions(call).save_version(name, LATEST, configuration)
    call.state.retire(name, LATEST)
    return describe(name, LATEST, configuration) | _UPDATING


def publish(call: Call, name: Reference, configuration: Document, description: str | None) -> str:
    """Freeze $LATEST as the next version; gives its number, or that of the last one if nothing changed.

    Both get a new revision: LocalStack's test_function_revisions_version_and_alias.
    """
    body = dict(functions(call).function(name))
    number = body["NextVersion"]
    if number > 1:
        last = functions(call).version(name, str(number - 1))
        if last is not None and _same(last, configuration):
            return str(number - 1)
    frozen = configuration | {"Basis": configuration["Description"], "RevisionId": new_revision()}
    if description is not None:
        frozen["Description"] = description
    body["NextVersion"] = number + 1
    functions(call).save(name, body)
    functions(call).save_version(name, LATEST, configuration | {"RevisionId": new_revision()})
    functions(call).save_version(name, str(number), frozen)
    return str(number)


def _same(frozen: Document, latest: Document) -> bool:
    """Whether $LATEST is still what it was when a version was frozen, whose description may be its own."""
    ignored = {"RevisionId", "LastModified", "Description", "Build", "Basis"}
    if frozen.get("Basis", latest["Description"]) != latest["Description"]:
        return False
    return {k: v for k, v in frozen.items() if k not in ignored} == {
        k: v for k, v in latest.items() if k not in ignored
    }


def get_function(call: Call, params: Params) -> Result:
    name = reference(call, params)
    version, configuration = functions(call).resolve(name)
    body = functions(call).function(name)
    result: dict[str, Any] = {
        "Configuration": describe(name, version, configuration, qualified=bool(name.qualifier)),
        "Code": {
            "RepositoryType": "S3",
            "Location": call.state.code_link(configuration["Digest"], int(time.time()) + 600),
        },
    }
    if body.get("Tags"):
        result["Tags"] = body["Tags"]
    if body.get("Concurrency") is not None:
        result["Concurrency"] = {"ReservedConcurrentExecutions": body["Concurrency"]}
    return result


def get_function_configuration(call: Call, params: Params) -> Result:
    name = reference(call, params)
    version, configuration = functions(call).resolve(name)
    return describe(name, version, configuration, qualified=bool(name.qualifier))


def list_functions(call: Call, params: Params) -> Result:
    if params.get("FunctionVersion") == "ALL":
        return page("Functions", list(_all_versions(call)), params)
    limit = min(params.get("MaxItems", 50), 50)
    after = params.get("Marker", "")
    rows = functions(call).functions.items(call.scope, after=after, limit=limit + 1)
    found: list[dict[str, Any]] = []
    for name, _ in rows[:limit]:
        each = read_name(call, name)
        configuration = functions(call).version(each, LATEST)
        if configuration is not None:
            found.append(listed(each, LATEST, configuration, qualified=False))
    result: dict[str, Any] = {"Functions": found}
    if len(rows) > limit:
        result["NextMarker"] = rows[limit - 1][0]
    return result


def _all_versions(call: Call) -> Iterator[dict[str, Any]]:
    for name, _ in functions(call).functions.items(call.scope):
        each = read_name(call, name)
        configuration = functions(call).version(each, LATEST)
        if configuration is not None:
            yield listed(each, LATEST, configuration, qualified=True)
        for version, found in numbered(call, each):
            yield listed(each, version, found, qualified=True)


def numbered(call: Call, name: Reference) -> list[tuple[str, Document]]:
    """Published versions with their configurations, oldest first."""
    rows = functions(call).versions.items(name.scope, prefix=f"{name.name}/")
    found = [(id_.rpartition("/")[2], body) for id_, body in rows]
    return sorted(((v, body) for v, body in found if v != LATEST), key=lambda pair: int(pair[0]))


def delete_function(call: Call, params: Params) -> Result:
    name = reference(call, params)
    store = functions(call)
    if name.qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if store.functions.get(name.scope, name.name) is None:
        raise not_found(name.arn)
    if name.qualifier:
        _delete_version(call, name, name.qualifier)
        return {"StatusCode": 204}
    for version, _ in [*numbered(call, name), (LATEST, {})]:
        call.state.retire(name, version)
        store.versions.delete(name.scope, f"{name.name}/{version}")
    store.aliases.delete_below(name.scope, f"{name.name}/")
    store.provisioned.delete_below(name.scope, f"{name.name}/")
    store.functions.delete(name.scope, name.name)
    store.forget()
    return {"StatusCode": 204}


def _delete_version(call: Call, name: Reference, version: str) -> None:
    store = functions(call)
    if not version.isdecimal():
        raise invalid("Deletion of aliases is not currently supported.")
    used = [
        alias
        for alias, body in store.aliases.items(name.scope, prefix=f"{name.name}/")
        if body["FunctionVersion"] == version or version in body.get("Weights", {})
    ]
    if used:
        aliases = ", ".join(alias.rpartition("/")[2] for alias in used)
        raise AwsError(
            "ResourceConflictException",
            f"Version {version} cannot be deleted as it is referenced by alias {aliases}",
            409,
            Type="User",
        )
    call.state.retire(name, version)
    store.versions.delete(name.scope, f"{name.name}/{version}")
    store.provisioned.delete(name.scope, f"{name.name}/{version}")
    store.forget()
