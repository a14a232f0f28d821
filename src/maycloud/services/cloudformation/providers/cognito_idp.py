"""AWS::Cognito:: types of user pools."""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import deleter, pick

SERVICE = "cognito-idp"

_POOL_FIXED = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
_POOL_GIVEN = (
    "Policies", "AccountRecoverySetting", "AdminCreateUserConfig", "AutoVerifiedAttributes",
    "DeletionProtection", "DeviceConfiguration", "EmailConfiguration", "EmailVerificationMessage",
    "EmailVerificationSubject", "LambdaConfig", "MfaConfiguration", "SmsAuthenticationMessage",
    "SmsConfiguration", "SmsVerificationMessage", "UserAttributeUpdateSettings", "UserPoolAddOns",
    "UserPoolTier", "VerificationMessageTemplate",
)  # fmt: skip
_POOL_MFA = ("EnabledMfas", "EmailAuthenticationMessage", "EmailAuthenticationSubject")
_CLIENT_GIVEN = (
    "AccessTokenValidity", "AllowedOAuthFlows", "AllowedOAuthFlowsUserPoolClient", "AllowedOAuthScopes",
    "AnalyticsConfiguration", "AuthSessionValidity", "CallbackURLs", "DefaultRedirectURI",
    "EnablePropagateAdditionalUserContextData", "EnableTokenRevocation", "ExplicitAuthFlows",
    "IdTokenValidity", "LogoutURLs", "PreventUserExistenceErrors", "ReadAttributes", "RefreshTokenRotation",
    "RefreshTokenValidity", "SupportedIdentityProviders", "TokenValidityUnits", "WriteAttributes",
)  # fmt: skip


# Pools


def _pool_attributes(ctx: Context, pool: str) -> Attributes:
    return {
        "Arn": f"arn:aws:cognito-idp:{ctx.region}:{ctx.account}:userpool/{pool}",
        "ProviderName": f"cognito-idp.{ctx.region}.amazonaws.com/{pool}",
        # The issuer of the pool's tokens, for those who verify them; see docs/decisions.md.
        "ProviderURL": f"{ctx.cloud.url}/{pool}",
        "UserPoolId": pool,
    }


def _pool_settings(props: Props) -> dict[str, Any]:
    """Where EnabledMfas lists factors, MfaConfiguration is set with them: without any it would be refused."""
    names = [each for each in _POOL_GIVEN if each != "MfaConfiguration" or not props.get("EnabledMfas")]
    return pick(props, tuple(names))


async def create_pool(ctx: Context, props: Props) -> Resource:
    made = await ctx.call(
        SERVICE,
        "CreateUserPool",
        PoolName=props.get("UserPoolName") or ctx.unique_name(max_length=128),
        UserPoolTags=ctx.tags_of(props, "UserPoolTags"),
        Schema=props.get("Schema") or None,
        **pick(props, _POOL_FIXED),
        **_pool_settings(props),
    )
    pool = made["UserPool"]["Id"]
    attributes = _pool_attributes(ctx, pool)
    ctx.created(pool, attributes)
    await _set_factors(ctx, pool, {}, props)
    return Resource(pool, attributes)


async def _set_factors(ctx: Context, pool: str, old: Props, new: Props) -> None:
    """EnabledMfas and what goes with it, which are an operation of their own."""
    if pick(old, _POOL_MFA) == pick(new, _POOL_MFA) and not new.get("EnabledMfas"):
        return
    enabled = new.get("EnabledMfas") or []
    given: dict[str, Any] = {"MfaConfiguration": new.get("MfaConfiguration", "OFF")}
    if given["MfaConfiguration"] != "OFF":
        if "SOFTWARE_TOKEN_MFA" in enabled:
            given["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
        if "SMS_MFA" in enabled:
            given["SmsMfaConfiguration"] = {
                "SmsAuthenticationMessage": new.get("SmsAuthenticationMessage"),
                "SmsConfiguration": new.get("SmsConfiguration"),
            }
        if "EMAIL_OTP" in enabled:
            given["EmailMfaConfiguration"] = {
                "Message": new.get("EmailAuthenticationMessage"),
                "Subject": new.get("EmailAuthenticationSubject"),
            }
    await ctx.call(SERVICE, "SetUserPoolMfaConfig", UserPoolId=pool, **given)


async def update_pool(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    before = {each.get("Name"): each for each in old.get("Schema") or []}
    added = []
    for each in new.get("Schema") or []:
        if each.get("Name") not in before:
            added.append(each)
        elif before[each.get("Name")] != each:
            raise AwsError(
                "InvalidRequest",
                "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."
                " Existing schema attributes cannot be modified or deleted.",
            )
    if len(before) + len(added) > len(new.get("Schema") or []):
        raise AwsError("InvalidRequest", "Existing schema attributes cannot be modified or deleted.")
    named = {"PoolName": new["UserPoolName"]} if new.get("UserPoolName") else {}
    await ctx.call(
        SERVICE, "UpdateUserPool", UserPoolId=physical_id, UserPoolTags=ctx.tags_of(new, "UserPoolTags"),
        **named, **_pool_settings(new),
    )  # fmt: skip
    if added:
        await ctx.call(SERVICE, "AddCustomAttributes", UserPoolId=physical_id, CustomAttributes=added)
    await _set_factors(ctx, physical_id, old, new)
    return Resource(physical_id, _pool_attributes(ctx, physical_id) | attributes)


register(
    Provider(
        "AWS::Cognito::UserPool",
        create=create_pool,
        update=update_pool,
        delete=deleter(SERVICE, "DeleteUserPool", "UserPoolId"),
        properties=frozenset(
            {*_POOL_FIXED, *_POOL_GIVEN, *_POOL_MFA, "UserPoolName", "UserPoolTags", "Schema"}
        ),
        replace_on=frozenset(_POOL_FIXED),
        attributes=frozenset({"Arn", "ProviderName", "ProviderURL", "UserPoolId"}),
    )
)


# Clients


async def create_client(ctx: Context, props: Props) -> Resource:
    made = await ctx.call(
        SERVICE,
        "CreateUserPoolClient",
        UserPoolId=props["UserPoolId"],
        ClientName=props.get("ClientName") or ctx.unique_name(max_length=128),
        GenerateSecret=props.get("GenerateSecret", False),
        **pick(props, _CLIENT_GIVEN),
    )
    return _client(made["UserPoolClient"])


def _client(made: dict[str, Any]) -> Resource:
    attributes = {"ClientId": made["ClientId"], "Name": made["ClientName"]}
    if "ClientSecret" in made:
        attributes["ClientSecret"] = made["ClientSecret"]
    return Resource(made["ClientId"], attributes)


async def update_client(
    ctx: Context, physical_id: str, _old: Props, new: Props, _attributes: Attributes
) -> Resource:
    named = {"ClientName": new["ClientName"]} if new.get("ClientName") else {}
    made = await ctx.call(
        SERVICE, "UpdateUserPoolClient", UserPoolId=new["UserPoolId"], ClientId=physical_id, **named,
        **pick(new, _CLIENT_GIVEN),
    )  # fmt: skip
    return _client(made["UserPoolClient"])


register(
    Provider(
        "AWS::Cognito::UserPoolClient",
        create=create_client,
        update=update_client,
        delete=deleter(SERVICE, "DeleteUserPoolClient", "ClientId", UserPoolId="UserPoolId"),
        properties=frozenset({*_CLIENT_GIVEN, "UserPoolId", "ClientName", "GenerateSecret"}),
        required=frozenset({"UserPoolId"}),
        replace_on=frozenset({"UserPoolId", "GenerateSecret"}),
        attributes=frozenset({"ClientId", "ClientSecret", "Name"}),
    )
)


# Groups

_GROUP = ("Description", "Precedence", "RoleArn")


async def create_group(ctx: Context, props: Props) -> Resource:
    name = props.get("GroupName") or ctx.unique_name(max_length=128)
    given = pick(props, _GROUP)
    await ctx.call(SERVICE, "CreateGroup", UserPoolId=props["UserPoolId"], GroupName=name, **given)
    return Resource(name)


async def update_group(
    ctx: Context, physical_id: str, _old: Props, new: Props, _attributes: Attributes
) -> Resource:
    given = pick(new, _GROUP)
    await ctx.call(SERVICE, "UpdateGroup", UserPoolId=new["UserPoolId"], GroupName=physical_id, **given)
    return Resource(physical_id)


register(
    Provider(
        "AWS::Cognito::UserPoolGroup",
        create=create_group,
        update=update_group,
        delete=deleter(SERVICE, "DeleteGroup", "GroupName", UserPoolId="UserPoolId"),
        properties=frozenset({*_GROUP, "GroupName", "UserPoolId"}),
        required=frozenset({"UserPoolId"}),
        replace_on=frozenset({"GroupName", "UserPoolId"}),
        name_property="GroupName",
    )
)


# Domains and resource servers


async def create_domain(ctx: Context, props: Props) -> Resource:
    given = pick(props, ("CustomDomainConfig", "ManagedLoginVersion"))
    made = await ctx.call(
        SERVICE, "CreateUserPoolDomain", UserPoolId=props["UserPoolId"], Domain=props["Domain"], **given
    )
    return Resource(props["Domain"], {"CloudFrontDistribution": made.get("CloudFrontDomain", "")})


async def update_domain(
    ctx: Context, physical_id: str, _old: Props, new: Props, attributes: Attributes
) -> Resource:
    given = pick(new, ("CustomDomainConfig", "ManagedLoginVersion"))
    await ctx.call(SERVICE, "UpdateUserPoolDomain", UserPoolId=new["UserPoolId"], Domain=physical_id, **given)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::Cognito::UserPoolDomain",
        create=create_domain,
        update=update_domain,
        delete=deleter(SERVICE, "DeleteUserPoolDomain", "Domain", UserPoolId="UserPoolId"),
        properties=frozenset({"Domain", "UserPoolId", "CustomDomainConfig", "ManagedLoginVersion"}),
        required=frozenset({"Domain", "UserPoolId"}),
        replace_on=frozenset({"Domain", "UserPoolId"}),
        name_property="Domain",
        attributes=frozenset({"CloudFrontDistribution"}),
    )
)


async def create_server(ctx: Context, props: Props) -> Resource:
    await ctx.call(SERVICE, "CreateResourceServer", **props)
    return Resource(props["Identifier"])


async def update_server(
    ctx: Context, physical_id: str, _old: Props, new: Props, _attributes: Attributes
) -> Resource:
    await ctx.call(SERVICE, "UpdateResourceServer", **new)
    return Resource(physical_id)


register(
    Provider(
        "AWS::Cognito::UserPoolResourceServer",
        create=create_server,
        update=update_server,
        delete=deleter(SERVICE, "DeleteResourceServer", "Identifier", UserPoolId="UserPoolId"),
        properties=frozenset({"Identifier", "Name", "Scopes", "UserPoolId"}),
        required=frozenset({"Identifier", "Name", "UserPoolId"}),
        replace_on=frozenset({"Identifier", "UserPoolId"}),
        name_property="Identifier",
    )
)


# Identity providers, and how the pages look

_PROVIDER = ("AttributeMapping", "IdpIdentifiers", "ProviderDetails")


async def create_provider(ctx: Context, props: Props) -> Resource:
    await ctx.call(SERVICE, "CreateIdentityProvider", **props)
    return Resource(props["ProviderName"])


async def update_provider(
    ctx: Context, physical_id: str, _old: Props, new: Props, _attributes: Attributes
) -> Resource:
    given = pick(new, _PROVIDER)
    await ctx.call(
        SERVICE, "UpdateIdentityProvider", UserPoolId=new["UserPoolId"], ProviderName=physical_id, **given
    )
    return Resource(physical_id)


register(
    Provider(
        "AWS::Cognito::UserPoolIdentityProvider",
        create=create_provider,
        update=update_provider,
        delete=deleter(SERVICE, "DeleteIdentityProvider", "ProviderName", UserPoolId="UserPoolId"),
        properties=frozenset({*_PROVIDER, "ProviderName", "ProviderType", "UserPoolId"}),
        required=frozenset({"ProviderDetails", "ProviderName", "ProviderType", "UserPoolId"}),
        replace_on=frozenset({"ProviderName", "ProviderType", "UserPoolId"}),
        name_property="ProviderName",
    )
)


async def create_look(ctx: Context, props: Props) -> Resource:
    await ctx.call(SERVICE, "SetUICustomization", **props)
    return Resource(f"UserPoolUICustomizationAttachment-{props['UserPoolId']}-{props['ClientId']}")


async def update_look(
    ctx: Context, physical_id: str, _old: Props, new: Props, _attributes: Attributes
) -> Resource:
    await create_look(ctx, new)
    return Resource(physical_id)


async def delete_look(ctx: Context, _physical_id: str, props: Props, _attributes: Attributes) -> None:
    """Back to the pages' own look, unless the pool has no pages any more."""
    try:
        await ctx.call(
            SERVICE, "SetUICustomization", UserPoolId=props["UserPoolId"], ClientId=props["ClientId"]
        )
    except AwsError as error:
        if error.code not in ("InvalidParameterException", "ResourceNotFoundException"):
            raise


register(
    Provider(
        "AWS::Cognito::UserPoolUICustomizationAttachment",
        create=create_look,
        update=update_look,
        delete=delete_look,
        properties=frozenset({"CSS", "ClientId", "UserPoolId"}),
        required=frozenset({"ClientId", "UserPoolId"}),
        replace_on=frozenset({"ClientId", "UserPoolId"}),
    )
)


# Users

_USER = (
    "ClientMetadata", "DesiredDeliveryMediums", "ForceAliasCreation", "MessageAction", "UserAttributes",
    "ValidationData",
)  # fmt: skip


async def create_user(ctx: Context, props: Props) -> Resource:
    name = props.get("Username") or ctx.unique_name(max_length=128)
    made = await ctx.call(
        SERVICE, "AdminCreateUser", UserPoolId=props["UserPoolId"], Username=name, **pick(props, _USER)
    )
    return Resource(made["User"]["Username"])


register(
    Provider(
        "AWS::Cognito::UserPoolUser",
        create=create_user,
        delete=deleter(SERVICE, "AdminDeleteUser", "Username", UserPoolId="UserPoolId"),
        properties=frozenset({*_USER, "Username", "UserPoolId"}),
        required=frozenset({"UserPoolId"}),
        name_property="Username",
    )
)


async def create_membership(ctx: Context, props: Props) -> Resource:
    await ctx.call(SERVICE, "AdminAddUserToGroup", **props)
    return Resource(f"{props['UserPoolId']}|{props['GroupName']}|{props['Username']}")


register(
    Provider(
        "AWS::Cognito::UserPoolUserToGroupAttachment",
        create=create_membership,
        delete=deleter(
            SERVICE,
            "AdminRemoveUserFromGroup",
            UserPoolId="UserPoolId",
            GroupName="GroupName",
            Username="Username",
        ),
        properties=frozenset({"GroupName", "Username", "UserPoolId"}),
        required=frozenset({"GroupName", "Username", "UserPoolId"}),
    )
)
