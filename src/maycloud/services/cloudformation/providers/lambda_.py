"""AWS::Lambda:: types."""

import io
import zipfile
from typing import Any

from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import again, deleter, pick
from maycloud.services.cloudformation.providers.response_modules import beside

# Function, whose qualified ARN is what a version goes by

_delete_function = deleter("lambda", "DeleteFunction", "FunctionName")

_CODE = frozenset({"S3Bucket", "S3Key", "S3ObjectVersion", "ZipFile", "ImageUri", "SourceKMSKeyArn"})
_CONFIGURATION = (
    "Description", "Handler", "Runtime", "Role", "Timeout", "MemorySize", "KmsKeyArn", "DeadLetterConfig",
    "TracingConfig", "EphemeralStorage", "LoggingConfig", "VpcConfig", "Environment", "Layers",
)  # fmt: skip
_API_NAMES = {"KmsKeyArn": "KMSKeyArn"}


def _configuration(props: Props) -> dict[str, Any]:
    return {_API_NAMES.get(name, name): props[name] for name in _CONFIGURATION if name in props}


def _code(props: Props) -> dict[str, Any]:
    """Inline code is a file called index, as the runtime wants it."""
    code = dict(props["Code"])
    if "ZipFile" in code:
        suffix = "mjs" if "export " in code["ZipFile"] else "js"
        name = "index.py" if text(props.get("Runtime", "")).startswith("python") else f"index.{suffix}"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for file, source in {name: code["ZipFile"], **beside(name, code["ZipFile"])}.items():
                archive.writestr(zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0)), source)
        return {"ZipFile": packed.getvalue()}
    return code


async def create_function(ctx: Context, props: Props) -> Resource:
    name = props.get("FunctionName") or ctx.unique_name(max_length=64)
    made = await ctx.call(
        "lambda",
        "CreateFunction",
        FunctionName=name,
        Code=_code(props),
        Tags=ctx.tags_of(props),
        Architectures=props.get("Architectures", ["x86_64"]),
        **_configuration(props),
    )
    ctx.created(name, {"Arn": made["FunctionArn"]})
    if "ReservedConcurrentExecutions" in props:
        await _set_concurrency(ctx, name, props)
    return Resource(name, {"Arn": made["FunctionArn"]})


async def _set_concurrency(ctx: Context, name: str, props: Props) -> None:
    if "ReservedConcurrentExecutions" in props:
        wanted = props["ReservedConcurrentExecutions"]
        await ctx.call(
            "lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=wanted
        )
    else:
        await ctx.call("lambda", "DeleteFunctionConcurrency", FunctionName=name)


async def update_function(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    if old.get("Code") != new.get("Code") or old.get("Architectures") != new.get("Architectures"):
        await ctx.call(
            "lambda",
            "UpdateFunctionCode",
            FunctionName=physical_id,
            Architectures=new.get("Architectures", ["x86_64"]),
            **_code(new),
        )
    if _configuration(old) != _configuration(new):
        gone: dict[str, Any] = {
            "Environment": {"Variables": {}},
            "Layers": [],
            "Description": "",
            "Timeout": 3,
            "MemorySize": 128,
            "EphemeralStorage": {"Size": 512},
            "TracingConfig": {"Mode": "PassThrough"},
            "DeadLetterConfig": {"TargetArn": ""},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{physical_id}"},
        }
        reset = {name: value for name, value in gone.items() if name in old and name not in new}
        await ctx.call(
            "lambda",
            "UpdateFunctionConfiguration",
            FunctionName=physical_id,
            **_configuration(new),
            **reset,
        )
    if old.get("ReservedConcurrentExecutions") != new.get("ReservedConcurrentExecutions"):
        await _set_concurrency(ctx, physical_id, new)
    removed, now = ctx.retags(old, new)
    if removed:
        await ctx.call("lambda", "UntagResource", Resource=attributes["Arn"], TagKeys=removed)
    if now:
        await ctx.call("lambda", "TagResource", Resource=attributes["Arn"], Tags=now)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::Lambda::Function",
        create=create_function,
        update=update_function,
        delete=_delete_function,
        properties=frozenset(
            {
                *_CONFIGURATION, "FunctionName", "Code", "Tags", "Architectures", "PackageType",
                "ReservedConcurrentExecutions",
            }
        ),
        required=frozenset({"Code", "Role"}),
        replace_on=frozenset({"FunctionName", "PackageType"}),
        name_property="FunctionName",
        attributes=frozenset({"Arn"}),
        nested={"Code": _CODE, "Environment": frozenset({"Variables"})},
    )
)  # fmt: skip


# Version


async def create_version(ctx: Context, props: Props) -> Resource:
    given = pick(props, ("CodeSha256", "Description"))
    made = await ctx.call("lambda", "PublishVersion", FunctionName=props["FunctionName"], **given)
    return Resource(made["FunctionArn"], {"Version": made["Version"], "FunctionArn": made["FunctionArn"]})


register(
    Provider(
        "AWS::Lambda::Version",
        create=create_version,
        delete=_delete_function,
        properties=frozenset({"FunctionName", "CodeSha256", "Description"}),
        required=frozenset({"FunctionName"}),
        replace_on=frozenset({"FunctionName", "CodeSha256", "Description"}),
        attributes=frozenset({"Version", "FunctionArn"}),
    )
)


# Alias


def _alias(props: Props) -> dict[str, Any]:
    given = pick(props, ("FunctionName", "Name", "FunctionVersion"))
    given["Description"] = props.get("Description", "")
    weights = (props.get("RoutingConfig") or {}).get("AdditionalVersionWeights", [])
    given["RoutingConfig"] = {
        "AdditionalVersionWeights": {
            text(each["FunctionVersion"]): float(each["FunctionWeight"]) for each in weights
        }
    }
    return given


async def _change_alias(ctx: Context, props: Props) -> Resource:
    return Resource((await ctx.call("lambda", "UpdateAlias", **_alias(props)))["AliasArn"])


async def create_alias(ctx: Context, props: Props) -> Resource:
    made = await ctx.call("lambda", "CreateAlias", **_alias(props))
    return Resource(made["AliasArn"], {"AliasArn": made["AliasArn"]})


register(
    Provider(
        "AWS::Lambda::Alias",
        create=create_alias,
        update=again(_change_alias),
        delete=deleter("lambda", "DeleteAlias", FunctionName="FunctionName", Name="Name"),
        properties=frozenset({"FunctionName", "Name", "FunctionVersion", "Description", "RoutingConfig"}),
        required=frozenset({"FunctionName", "Name", "FunctionVersion"}),
        replace_on=frozenset({"FunctionName", "Name"}),
        name_property="Name",
        attributes=frozenset({"AliasArn"}),
    )
)


# Permission


async def create_permission(ctx: Context, props: Props) -> Resource:
    statement = ctx.unique_name(max_length=100)
    given = {name: value for name, value in props.items() if name != "FunctionUrlAuthType"}
    await ctx.call("lambda", "AddPermission", StatementId=statement, **given)
    return Resource(statement)


register(
    Provider(
        "AWS::Lambda::Permission",
        create=create_permission,
        delete=deleter("lambda", "RemovePermission", "StatementId", FunctionName="FunctionName"),
        properties=frozenset(
            {"FunctionName", "Action", "Principal", "SourceArn", "SourceAccount", "PrincipalOrgID"}
        ),
        required=frozenset({"FunctionName", "Action", "Principal"}),
    )
)


# Layers


_LAYER = ("Content", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")


async def create_layer(ctx: Context, props: Props) -> Resource:
    given = pick(props, _LAYER)
    name = props.get("LayerName") or ctx.unique_name(max_length=140)
    made = await ctx.call("lambda", "PublishLayerVersion", LayerName=name, **given)
    return Resource(made["LayerVersionArn"], {"LayerVersionArn": made["LayerVersionArn"]})


async def delete_layer(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    arn, _, version = physical_id.rpartition(":")
    await ctx.call("lambda", "DeleteLayerVersion", LayerName=arn, VersionNumber=int(version))


register(
    Provider(
        "AWS::Lambda::LayerVersion",
        create=create_layer,
        delete=delete_layer,
        properties=frozenset({*_LAYER, "LayerName"}),
        required=frozenset({"Content"}),
        attributes=frozenset({"LayerVersionArn"}),
    )
)


# Asynchronous invocation


async def create_event_config(ctx: Context, props: Props) -> Resource:
    await ctx.call("lambda", "PutFunctionEventInvokeConfig", **props)
    return Resource(f"{props['FunctionName']}|{props['Qualifier']}")


register(
    Provider(
        "AWS::Lambda::EventInvokeConfig",
        create=create_event_config,
        update=again(create_event_config),
        delete=deleter(
            "lambda", "DeleteFunctionEventInvokeConfig", FunctionName="FunctionName", Qualifier="Qualifier",
            missing="ResourceNotFoundException",
        ),
        properties=frozenset(
            {
                "FunctionName", "Qualifier", "DestinationConfig", "MaximumEventAgeInSeconds",
                "MaximumRetryAttempts",
            }
        ),
        required=frozenset({"FunctionName", "Qualifier"}),
        replace_on=frozenset({"FunctionName", "Qualifier"}),
    )
)  # fmt: skip
