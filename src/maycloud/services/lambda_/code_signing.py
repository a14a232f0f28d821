"""Code signing configurations: whose signature code must bear before it is deployed.

There is no AWS Signer here, so no package is signed: under ``Enforce`` all code is refused, under ``Warn`` it
is deployed, as AWS does with unsigned code. Words of LocalStack's tests/aws/services/lambda_/
test_lambda_api.snapshot.json and its provider; https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

import os
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_.configuration import stamp
from maycloud.services.lambda_.paging import page
from maycloud.services.lambda_.store import Reference, read_name
from maycloud.services.lambda_.tags import check_tags
from maycloud.store import Document

_HIDDEN = frozenset({"Tags"})


def _scope(arn: str) -> tuple[tuple[str, str], str]:
    parts = arn.split(":")
    return (parts[4], parts[3]), parts[6]


def _find(call: Call, arn: str) -> Document | None:
    scope, identifier = _scope(arn)
    return call.state.functions.signing.get(scope, identifier) if scope == call.scope else None


def _known(call: Call, params: Params) -> Document:
    arn = params["CodeSigningConfigArn"]
    found = _find(call, arn)
    if found is None:
        raise AwsError(
            "ResourceNotFoundException",
            f"The Lambda code signing configuration {arn} can not be found.",
            404,
            Type="User",
        )
    return found


def config_arn(_call: Call, params: Params) -> str:
    return params["CodeSigningConfigArn"]


def _view(config: Document) -> dict[str, Any]:
    return {"CodeSigningConfig": {name: value for name, value in config.items() if name not in _HIDDEN}}


def create(call: Call, params: Params) -> Result:
    identifier = f"csc-{os.urandom(9).hex()[:17]}"
    check_tags(params.get("Tags", {}))
    policies = params.get("CodeSigningPolicies") or {}
    made: Document = {
        "CodeSigningConfigId": identifier,
        "CodeSigningConfigArn": (
            f"arn:aws:lambda:{call.region}:{call.account}:code-signing-config:{identifier}"
        ),
        "Description": params.get("Description", ""),
        "AllowedPublishers": params["AllowedPublishers"],
        "CodeSigningPolicies": {
            "UntrustedArtifactOnDeployment": policies.get("UntrustedArtifactOnDeployment", "Warn")
        },
        "LastModified": stamp(call),
        "Tags": params.get("Tags", {}),
    }
    call.state.functions.signing.put(call.scope, identifier, made)
    return _view(made)


def get(call: Call, params: Params) -> Result:
    return _view(_known(call, params))


def update(call: Call, params: Params) -> Result:
    config = dict(_known(call, params))
    for name in ("Description", "AllowedPublishers", "CodeSigningPolicies"):
        if params.get(name) is not None:
            config[name] = params[name]
    config["LastModified"] = stamp(call)
    call.state.functions.signing.put(call.scope, config["CodeSigningConfigId"], config)
    return _view(config)


def delete(call: Call, params: Params) -> Result:
    config = _known(call, params)
    if _users(call, config["CodeSigningConfigArn"]):
        raise AwsError(
            "ResourceConflictException",
            "Cannot delete the code signing configuration: it is in use by Lambda functions.",
            409,
            Type="User",
        )
    call.state.functions.signing.delete(call.scope, config["CodeSigningConfigId"])
    return {}


def list_all(call: Call, params: Params) -> Result:
    found = [_view(body)["CodeSigningConfig"] for _, body in call.state.functions.signing.items(call.scope)]
    return page("CodeSigningConfigs", found, params)


def _users(call: Call, arn: str) -> list[str]:
    rows = call.state.functions.functions.items(call.scope)
    return [
        f"arn:aws:lambda:{call.region}:{call.account}:function:{name}"
        for name, body in rows
        if body.get("CodeSigningConfigArn") == arn
    ]


def list_functions(call: Call, params: Params) -> Result:
    config = _known(call, params)
    marker = {"Marker": params.get("Marker"), "MaxItems": params.get("MaxItems", 50)}
    found = [{"arn": arn} for arn in _users(call, config["CodeSigningConfigArn"])]
    result = page("FunctionArns", found, marker)
    return result | {"FunctionArns": [each["arn"] for each in result["FunctionArns"]]}


# Of functions


def require(call: Call, arn: str) -> Document:
    """The configuration that a function is to have."""
    found = _find(call, arn)
    if found is None:
        raise AwsError(
            "CodeSigningConfigNotFoundException",
            "The code signing configuration cannot be found. Check that the provided configuration is not"
            f" deleted: {arn}.",
            404,
            Type="User",
        )
    return found


def verify(call: Call, name: Reference, arn: str | None) -> None:
    """Raise where a function's configuration does not let unsigned code be deployed."""
    if arn is None:
        return
    policies = require(call, arn)["CodeSigningPolicies"]
    if policies.get("UntrustedArtifactOnDeployment") == "Enforce":
        raise AwsError(
            "CodeVerificationFailedException",
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that"
            f" the client is not configured to accept. Check the provided signature for {name.name}.",
            400,
            Type="User",
        )


def put_of_function(call: Call, params: Params) -> Result:
    arn = params["CodeSigningConfigArn"]
    require(call, arn)
    name = read_name(call, params["FunctionName"])
    body = call.state.functions.function(name)
    call.state.functions.save(name, body | {"CodeSigningConfigArn": arn})
    return {"CodeSigningConfigArn": arn, "FunctionName": name.name}


def get_of_function(call: Call, params: Params) -> Result:
    name = read_name(call, params["FunctionName"])
    arn = call.state.functions.function(name).get("CodeSigningConfigArn")
    return {"CodeSigningConfigArn": arn, "FunctionName": name.name} if arn else {}


def delete_of_function(call: Call, params: Params) -> Result:
    name = read_name(call, params["FunctionName"])
    body = dict(call.state.functions.function(name))
    body.pop("CodeSigningConfigArn", None)
    call.state.functions.save(name, body)
    return None
