"""How asynchronous invocations are retried, and where their outcome goes."""

from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_ import destinations
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.functions import functions, reference
from maycloud.services.lambda_.paging import page
from maycloud.services.lambda_.store import LATEST, Reference
from maycloud.store import Document

_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


def _configs(call: Call, params: Params) -> tuple[Reference, str, Document, Document]:
    name = reference(call, params)
    try:
        functions(call).resolve(name)
    except AwsError as error:
        if call.operation.name in ("GetFunctionEventInvokeConfig", "DeleteFunctionEventInvokeConfig"):
            raise _missing(name, name.qualifier or LATEST) from error
        raise AwsError(error.code, "The function doesn't exist.", error.status, **error.members) from error
    body = orjson.loads(orjson.dumps(functions(call).function(name)))
    return name, name.qualifier or LATEST, body, body.setdefault("EventConfigs", {})


def _describe(name: Reference, qualifier: str, config: Document) -> dict[str, Any]:
    return {
        "LastModified": config["LastModified"],
        "FunctionArn": f"{name.arn}:{qualifier}",
        **{setting: config[setting] for setting in _SETTINGS if setting in config},
    }


def put(call: Call, params: Params, *, merge: bool = False) -> Result:
    """Replace the configuration, or with `merge` change what is given."""
    if all(params.get(setting) is None for setting in _SETTINGS):
        raise invalid("You must specify at least one of error handling or destination setting.")
    name, qualifier, body, configs = _configs(call, params)
    if merge and qualifier not in configs:
        raise _missing(name, qualifier)
    config = configs.get(qualifier, {}) if merge else {}
    config |= {setting: params[setting] for setting in _SETTINGS if setting in params}
    role = functions(call).resolve(name)[1]["Role"]
    destinations.check(call, name, role, config.get("DestinationConfig") or {})
    config["DestinationConfig"] = {"OnSuccess": {}, "OnFailure": {}} | (config.get("DestinationConfig") or {})
    config["LastModified"] = call.now()
    configs[qualifier] = config
    functions(call).save(name, body)
    return _describe(name, qualifier, config)


def get(call: Call, params: Params) -> Result:
    name, qualifier, _, configs = _configs(call, params)
    if qualifier not in configs:
        raise _missing(name, qualifier)
    return _describe(name, qualifier, configs[qualifier])


def delete(call: Call, params: Params) -> Result:
    name, qualifier, body, configs = _configs(call, params)
    if configs.pop(qualifier, None) is None:
        raise _missing(name, qualifier)
    functions(call).save(name, body)
    return None


def list_all(call: Call, params: Params) -> Result:
    name, _, _, configs = _configs(call, params)
    found = [_describe(name, each, config) for each, config in configs.items()]
    return page("FunctionEventInvokeConfigs", found, params)


def _missing(name: Reference, qualifier: str) -> AwsError:
    return AwsError(
        "ResourceNotFoundException",
        f"The function {name.arn}:{qualifier} doesn't have an EventInvokeConfig",
        404,
        Type="User",
    )
