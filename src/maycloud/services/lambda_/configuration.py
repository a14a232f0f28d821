"""A function's configuration: read from requests, checked, described."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params
from maycloud.services.lambda_.code import Package, invalid
from maycloud.services.lambda_.store import LATEST, Reference, new_revision
from maycloud.store import Document

PYTHON = ("python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
# No longer for functions that are created or updated.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated
RETIRED = frozenset(
    {
        "python2.7", "python3.6", "python3.7", "python3.8", "nodejs", "nodejs4.3", "nodejs4.3-edge",
        "nodejs6.10",
        "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x", "dotnetcore1.0",
        "dotnetcore2.0",
        "dotnetcore2.1", "dotnetcore3.1", "dotnet6", "go1.x", "java8", "ruby2.5", "ruby2.7", "provided",
    }
)  # fmt: skip
NODE = ("nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x")
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
_SNAPSHOTS = ("python3.12", "python3.13", "python3.14")
MAX_ENVIRONMENT = 4096  # bytes of all variables as JSON
# As AWS names them to who asks for another; LocalStack's test_create_lambda_exceptions.
_OFFERED = (
    "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java17,"
    " nodejs16.x, java25, dotnet8, python3.10, java11, python3.11, dotnet6, java21, nodejs18.x, provided.al2,"
    " ruby3.3, ruby3.4, java8.al2, ruby3.2, python3.8, python3.9"
)
_MAXIMA = {"timeout": 900, "memorySize": 10_240, "ephemeralStorage.size": 10_240}

_ROLE = re.compile(r"arn:aws[a-zA-Z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
_RESERVED = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    }
)  # fmt: skip

# Settings that a request may carry and that are kept as they are.
_KEPT = (
    "Description", "Handler", "Runtime", "Role", "Timeout", "MemorySize", "KMSKeyArn", "DeadLetterConfig",
    "TracingConfig", "EphemeralStorage", "VpcConfig",
)  # fmt: skip


def new_configuration(call: Call, params: Params) -> Document:
    """A configuration of a CreateFunction request. Raises InvalidParameterValueException."""
    if params.get("PackageType", "Zip") != "Zip":
        raise invalid("Container images are not supported by Maycloud; PackageType must be Zip")
    for name in ("Runtime", "Handler"):
        if not params.get(name):
            raise invalid(f"{name} is mandatory for functions created with deployment packages.")
    configuration: Document = {
        "FunctionName": params["FunctionName"],
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "PackageType": "Zip",
        "Architectures": params.get("Architectures", ["x86_64"]),
        "TracingConfig": {"Mode": "PassThrough"},
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    }
    update_configuration(call, configuration, params)
    return configuration


def update_configuration(call: Call, configuration: Document, params: Params) -> None:
    """Take over what the request sets."""
    _check_limits(params)
    for name in ("FileSystemConfigs", "ImageConfig"):
        if params.get(name):
            raise invalid(f"{name} is not supported by Maycloud; see docs/coverage.md")
    runtime = params.get("Runtime", configuration.get("Runtime"))
    _check_runtime(runtime)
    role = params.get("Role", configuration.get("Role", ""))
    if not _ROLE.fullmatch(role):
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{role[:200]}' at 'role' failed to satisfy constraint:"
            " Member must"
            r" satisfy regular expression pattern:"
            r" arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
        )
    for name in _KEPT:
        if params.get(name) is not None:
            configuration[name] = params[name]
    if "Environment" in params:
        variables = params["Environment"].get("Variables", {})
        _check_variables(variables)
        configuration["Environment"] = {"Variables": variables}
    apply_on = (params.get("SnapStart") or {}).get("ApplyOn")
    if apply_on == "PublishedVersions" and runtime not in _SNAPSHOTS:
        raise invalid(f"{runtime} is not supported for SnapStart enabled functions.")
    if apply_on is not None:
        configuration["SnapStart"] = {"ApplyOn": apply_on, "OptimizationStatus": "Off"}
    configuration["LoggingConfig"] = _logging(configuration, params.get("LoggingConfig") or {})


def _check_runtime(runtime: str | None) -> None:
    if runtime in PYTHON or runtime in NODE:
        return
    if runtime in RETIRED:
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS"
            " Lambda functions. We recommend you use a supported runtime while creating or updating"
            " functions."
        )
    if runtime is not None and runtime.startswith(("provided", "java", "dotnet", "ruby")):
        raise invalid(f"The runtime {runtime} is not supported by Maycloud; see docs/coverage.md")
    raise invalid(
        f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set:"
        f" [{_OFFERED}] or be a valid ARN"
    )


def _check_limits(params: Params) -> None:
    """Limits of functions, where the model has those of other kinds of compute.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    sizes = {"timeout": params.get("Timeout"), "memorySize": params.get("MemorySize")}
    sizes["ephemeralStorage.size"] = (params.get("EphemeralStorage") or {}).get("Size")
    for name, value in sizes.items():
        if value is not None and value > _MAXIMA[name]:
            raise AwsError(
                "ValidationException",
                f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint:"
                f" Member must have value less than or equal to {_MAXIMA[name]}",
            )


def _logging(configuration: Document, given: dict[str, Any]) -> dict[str, Any]:
    """The whole of a LoggingConfig, after a request that may set parts of it.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
    """
    before = configuration.get("LoggingConfig") or {}
    kind = given.get("LogFormat") or before.get("LogFormat", "Text")
    found = {
        "LogFormat": kind,
        "LogGroup": given.get("LogGroup")
        or before.get("LogGroup")
        or f"/aws/lambda/{configuration['FunctionName']}",
    }
    if kind == "Text":
        if "ApplicationLogLevel" in given or "SystemLogLevel" in given:
            raise invalid(
                "Log level is not supported when log format is set to Text. Set the log format to JSON and"
                " try again."
            )
        return found
    for level in ("ApplicationLogLevel", "SystemLogLevel"):
        found[level] = given.get(level) or before.get(level, "INFO")
    return found


def _check_variables(variables: dict[str, str]) -> None:
    reserved = sorted(name for name in variables if name in _RESERVED)
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you"
            " have provided contains reserved keys that are currently not supported for modification."
            f" Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = orjson.dumps(variables)
    if len(measured) > MAX_ENVIRONMENT:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you"
            f" have provided exceeded the 4KB limit. String measured: {measured.decode()}"
        )


def touch(call: Call, configuration: Document) -> None:
    """A new revision, as of now, for which new environments are made."""
    configuration["RevisionId"] = configuration["Build"] = new_revision()
    configuration["LastModified"] = stamp(call)


def stamp(call: Call) -> str:
    """Now, as Lambda writes moments."""
    now = datetime.fromtimestamp(call.now(), UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def use_package(configuration: Document, package: Package) -> None:
    configuration["CodeSha256"] = package.sha256
    configuration["CodeSize"] = package.size
    configuration["Digest"] = package.digest


_OWN = frozenset({"Digest", "LayerDigests", "Build", "Basis"})  # of the store, not AWS's
# What lists leave out, https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
_UNLISTED = frozenset({"State", "LastUpdateStatus", "RuntimeVersionConfig"})


def describe(
    reference: Reference, version: str, configuration: Document, *, qualified: bool = False
) -> dict[str, Any]:
    """A FunctionConfiguration. Where it is `qualified`, its ARN has the qualifier that it was asked by."""
    arn = f"{reference.arn}:{version}" if qualified or version != LATEST else reference.arn
    if qualified and reference.qualifier:
        arn = reference.qualified_arn
    apply_on = configuration["SnapStart"]["ApplyOn"]
    optimized = version != LATEST and apply_on == "PublishedVersions"
    kept = {name: value for name, value in configuration.items() if name not in _OWN}
    if not kept.get("Layers"):
        kept.pop("Layers", None)
    return kept | {
        "FunctionArn": arn,
        "Version": version,
        "SnapStart": {"ApplyOn": apply_on, "OptimizationStatus": "On" if optimized else "Off"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "RuntimeVersionConfig": {
            "RuntimeVersionArn": (
                f"arn:aws:lambda:{reference.region}::runtime:maycloud-{configuration['Runtime']}"
            )
        },
    }


def listed(reference: Reference, version: str, configuration: Document, *, qualified: bool) -> dict[str, Any]:
    """The subset of a FunctionConfiguration that lists have."""
    whole = describe(reference, version, configuration, qualified=qualified)
    return {name: value for name, value in whole.items() if name not in _UNLISTED}
