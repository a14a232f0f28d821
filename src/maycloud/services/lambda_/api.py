"""AWS Lambda's operations."""

from maycloud.services.base import Call, Params, Result, Service
from maycloud.services.lambda_ import (
    code_signing,
    concurrency,
    event_configs,
    functions,
    invocation,
    layer_permissions,
    layers,
    permissions,
    provisioned,
    tags,
    versions,
)
from maycloud.services.lambda_.code import invalid
from maycloud.services.lambda_.code_signing import config_arn
from maycloud.services.lambda_.functions import function_arn, function_policy, owner
from maycloud.services.lambda_.invocation import ACCOUNT_LIMIT
from maycloud.services.lambda_.layers import layer_arn
from maycloud.services.lambda_.state import Lambda
from maycloud.services.lambda_.versions import alias_arn

# A zip of 50 MB is a third longer as base64.
service = Service("lambda", state=Lambda, max_body=70 << 20)


def resource_arn(_call: Call, params: Params) -> str:
    return params["Resource"]


@service.operation(resource=function_arn)
async def CreateFunction(call: Call, params: Params) -> Result:
    return await functions.create_function(call, params)


@service.operation(resource=function_arn, account=owner)
async def UpdateFunctionCode(call: Call, params: Params) -> Result:
    return await functions.update_function_code(call, params)


@service.operation(resource=function_arn, account=owner)
async def UpdateFunctionConfiguration(call: Call, params: Params) -> Result:
    return await functions.update_function_configuration(call, params)


@service.operation(resource=function_arn, account=owner, policy=function_policy)
def GetFunction(call: Call, params: Params) -> Result:
    return functions.get_function(call, params)


@service.operation(resource=function_arn, account=owner, policy=function_policy)
def GetFunctionConfiguration(call: Call, params: Params) -> Result:
    return functions.get_function_configuration(call, params)


@service.operation
def ListFunctions(call: Call, params: Params) -> Result:
    return functions.list_functions(call, params)


@service.operation(resource=function_arn, account=owner)
def DeleteFunction(call: Call, params: Params) -> Result:
    return functions.delete_function(call, params)


@service.operation(
    resource=function_arn, account=owner, policy=function_policy, action="lambda:InvokeFunction"
)
async def Invoke(call: Call, params: Params) -> Result:
    return await invocation.invoke(call, params)


@service.operation(
    resource=function_arn, account=owner, policy=function_policy, action="lambda:InvokeFunction"
)
async def InvokeAsync(call: Call, params: Params) -> Result:
    return await invocation.invoke_async(call, params)


@service.operation(resource=function_arn, account=owner)
def PutFunctionConcurrency(call: Call, params: Params) -> Result:
    return concurrency.put_concurrency(call, params)


@service.operation(resource=function_arn, account=owner)
def GetFunctionConcurrency(call: Call, params: Params) -> Result:
    return concurrency.get_concurrency(call, params)


@service.operation(resource=function_arn, account=owner)
def DeleteFunctionConcurrency(call: Call, params: Params) -> Result:
    return concurrency.delete_concurrency(call, params)


@service.operation(resource=function_arn, account=owner)
def PutProvisionedConcurrencyConfig(call: Call, params: Params) -> Result:
    return provisioned.put(call, params)


@service.operation(resource=function_arn, account=owner)
def GetProvisionedConcurrencyConfig(call: Call, params: Params) -> Result:
    return provisioned.get(call, params)


@service.operation(resource=function_arn, account=owner)
def ListProvisionedConcurrencyConfigs(call: Call, params: Params) -> Result:
    return provisioned.list_all(call, params)


@service.operation(resource=function_arn, account=owner)
def DeleteProvisionedConcurrencyConfig(call: Call, params: Params) -> Result:
    return provisioned.delete(call, params)


# Versions and aliases


@service.operation(resource=function_arn, account=owner)
def PublishVersion(call: Call, params: Params) -> Result:
    return versions.publish_version(call, params)


@service.operation(resource=function_arn, account=owner)
def ListVersionsByFunction(call: Call, params: Params) -> Result:
    return versions.list_versions(call, params)


@service.operation(resource=alias_arn, account=owner)
def CreateAlias(call: Call, params: Params) -> Result:
    return versions.create_alias(call, params)


@service.operation(resource=alias_arn, account=owner)
def GetAlias(call: Call, params: Params) -> Result:
    return versions.get_alias(call, params)


@service.operation(resource=alias_arn, account=owner)
def ListAliases(call: Call, params: Params) -> Result:
    return versions.list_aliases(call, params)


@service.operation(resource=alias_arn, account=owner)
def UpdateAlias(call: Call, params: Params) -> Result:
    return versions.update_alias(call, params)


@service.operation(resource=alias_arn, account=owner)
def DeleteAlias(call: Call, params: Params) -> Result:
    return versions.delete_alias(call, params)


# Permissions


@service.operation(resource=function_arn, account=owner)
def AddPermission(call: Call, params: Params) -> Result:
    return permissions.add_permission(call, params)


@service.operation(resource=function_arn, account=owner)
def RemovePermission(call: Call, params: Params) -> Result:
    return permissions.remove_permission(call, params)


@service.operation(resource=function_arn, account=owner)
def GetPolicy(call: Call, params: Params) -> Result:
    return permissions.get_policy(call, params)


# Asynchronous invocation


@service.operation(resource=function_arn, account=owner)
def PutFunctionEventInvokeConfig(call: Call, params: Params) -> Result:
    return event_configs.put(call, params)


@service.operation(resource=function_arn, account=owner)
def UpdateFunctionEventInvokeConfig(call: Call, params: Params) -> Result:
    return event_configs.put(call, params, merge=True)


@service.operation(resource=function_arn, account=owner)
def GetFunctionEventInvokeConfig(call: Call, params: Params) -> Result:
    return event_configs.get(call, params)


@service.operation(resource=function_arn, account=owner)
def DeleteFunctionEventInvokeConfig(call: Call, params: Params) -> Result:
    return event_configs.delete(call, params)


@service.operation(resource=function_arn, account=owner)
def ListFunctionEventInvokeConfigs(call: Call, params: Params) -> Result:
    return event_configs.list_all(call, params)


# Layers


@service.operation(resource=layer_arn)
async def PublishLayerVersion(call: Call, params: Params) -> Result:
    return await layers.publish_layer_version(call, params)


@service.operation(resource=layer_arn)
def GetLayerVersion(call: Call, params: Params) -> Result:
    return layers.get_layer_version(call, params)


@service.operation(resource=lambda _call, params: params["Arn"], action="lambda:GetLayerVersion")
def GetLayerVersionByArn(call: Call, params: Params) -> Result:
    return layers.get_layer_version_by_arn(call, params)


@service.operation
def ListLayers(call: Call, params: Params) -> Result:
    return layers.list_layers(call, params)


@service.operation
def ListLayerVersions(call: Call, params: Params) -> Result:
    return layers.list_layer_versions(call, params)


@service.operation(resource=layer_arn)
def DeleteLayerVersion(call: Call, params: Params) -> Result:
    return layers.delete_layer_version(call, params)


@service.operation(resource=layer_arn)
def AddLayerVersionPermission(call: Call, params: Params) -> Result:
    return layer_permissions.add_layer_version_permission(call, params)


@service.operation(resource=layer_arn)
def GetLayerVersionPolicy(call: Call, params: Params) -> Result:
    return layer_permissions.get_layer_version_policy(call, params)


@service.operation(resource=layer_arn)
def RemoveLayerVersionPermission(call: Call, params: Params) -> Result:
    return layer_permissions.remove_layer_version_permission(call, params)


# Code signing


@service.operation
def CreateCodeSigningConfig(call: Call, params: Params) -> Result:
    return code_signing.create(call, params)


@service.operation
def ListCodeSigningConfigs(call: Call, params: Params) -> Result:
    return code_signing.list_all(call, params)


@service.operation(resource=config_arn)
def GetCodeSigningConfig(call: Call, params: Params) -> Result:
    return code_signing.get(call, params)


@service.operation(resource=config_arn)
def UpdateCodeSigningConfig(call: Call, params: Params) -> Result:
    return code_signing.update(call, params)


@service.operation(resource=config_arn)
def DeleteCodeSigningConfig(call: Call, params: Params) -> Result:
    return code_signing.delete(call, params)


@service.operation(resource=config_arn)
def ListFunctionsByCodeSigningConfig(call: Call, params: Params) -> Result:
    return code_signing.list_functions(call, params)


@service.operation(resource=function_arn, account=owner)
def PutFunctionCodeSigningConfig(call: Call, params: Params) -> Result:
    return code_signing.put_of_function(call, params)


@service.operation(resource=function_arn, account=owner)
def GetFunctionCodeSigningConfig(call: Call, params: Params) -> Result:
    return code_signing.get_of_function(call, params)


@service.operation(resource=function_arn, account=owner)
def DeleteFunctionCodeSigningConfig(call: Call, params: Params) -> Result:
    return code_signing.delete_of_function(call, params)


# Tags and account


@service.operation(resource=resource_arn)
def TagResource(call: Call, params: Params) -> Result:
    if not params["Tags"]:
        raise invalid("An error occurred and the request cannot be processed.")
    tags.change_tags(call, params, params["Tags"], [])
    return None


@service.operation(resource=resource_arn)
def UntagResource(call: Call, params: Params) -> Result:
    tags.change_tags(call, params, {}, params["TagKeys"])
    return None


@service.operation(resource=resource_arn, action="lambda:ListTags")
def ListTags(call: Call, params: Params) -> Result:
    return {"Tags": tags.list_tags(call, params["Resource"])}


@service.operation
def GetAccountSettings(call: Call, _params: Params) -> Result:
    """Limits, and how much of them is used."""
    store = functions.functions(call)
    found = store.functions.items(call.scope)
    stored = sum(body["CodeSize"] for _, body in store.versions.items(call.scope))
    stored += sum(body["CodeSize"] for _, body in call.state.layers.items(call.scope))
    reserved = concurrency.taken_by_all(call)
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": ACCOUNT_LIMIT,
            "UnreservedConcurrentExecutions": ACCOUNT_LIMIT - reserved,
        },
        "AccountUsage": {"FunctionCount": len(found), "TotalCodeSize": stored},
    }
