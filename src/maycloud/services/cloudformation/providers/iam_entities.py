"""AWS::IAM:: types beside users, groups, roles and their policies: inline policies on their own, instance
profiles, identity providers, service-linked roles, server certificates."""

from maycloud.errors import AwsError
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import deleter, document, listed, pick

_GONE = "NoSuchEntity"


# Inline policies, each of one holder


class _Inline:
    def __init__(self, kind: str) -> None:
        self.kind = kind  # User, Group or Role
        self.holder = f"{kind}Name"

    async def put(self, ctx: Context, props: Props) -> Resource:
        given = {"PolicyName": props["PolicyName"], self.holder: props[self.holder]}
        policy = document(props.get("PolicyDocument", {}))
        await ctx.call("iam", f"Put{self.kind}Policy", PolicyDocument=policy, **given)
        return Resource(f"{props['PolicyName']}|{props[self.holder]}")

    async def update(
        self, ctx: Context, physical_id: str, _old: Props, new: Props, attributes: Attributes
    ) -> Resource:
        await self.put(ctx, new)
        return Resource(physical_id, attributes)


for _kind in ("User", "Group", "Role"):
    _inline = _Inline(_kind)
    register(
        Provider(
            f"AWS::IAM::{_kind}Policy",
            create=_inline.put,
            update=_inline.update,
            delete=deleter(
                "iam", f"Delete{_kind}Policy", missing=_GONE, PolicyName="PolicyName",
                **{_inline.holder: _inline.holder},
            ),
            properties=frozenset({"PolicyName", "PolicyDocument", _inline.holder}),
            required=frozenset({"PolicyName", _inline.holder}),
            replace_on=frozenset({"PolicyName", _inline.holder}),
        )
    )  # fmt: skip


# Instance profiles


async def create_profile(ctx: Context, props: Props) -> Resource:
    name = props.get("InstanceProfileName") or ctx.unique_name(max_length=128)
    made = await ctx.call("iam", "CreateInstanceProfile", InstanceProfileName=name, **pick(props, ("Path",)))
    attributes = {"Arn": made["InstanceProfile"]["Arn"]}
    ctx.created(name, attributes)
    for role in props["Roles"]:
        await ctx.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    return Resource(name, attributes)


async def update_profile(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    if old["Roles"] != new["Roles"]:
        await _empty_profile(ctx, physical_id, old)
        for role in new["Roles"]:
            await ctx.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=physical_id, RoleName=role)
    return Resource(physical_id, attributes)


async def _empty_profile(ctx: Context, name: str, props: Props) -> None:
    for role in props["Roles"]:
        try:
            await ctx.call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
        except AwsError as error:
            if error.code != _GONE:
                raise


async def delete_profile(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
    await _empty_profile(ctx, physical_id, props)
    await ctx.call("iam", "DeleteInstanceProfile", InstanceProfileName=physical_id)


register(
    Provider(
        "AWS::IAM::InstanceProfile",
        create=create_profile,
        update=update_profile,
        delete=delete_profile,
        properties=frozenset({"InstanceProfileName", "Path", "Roles"}),
        required=frozenset({"Roles"}),
        replace_on=frozenset({"InstanceProfileName", "Path"}),
        name_property="InstanceProfileName",
        attributes=frozenset({"Arn"}),
    )
)


# Identity providers


async def create_oidc(ctx: Context, props: Props) -> Resource:
    names = {"Url": "Url", "ClientIdList": "ClientIDList", "ThumbprintList": "ThumbprintList"}
    given = {member: props[name] for name, member in names.items() if name in props}
    made = await ctx.call("iam", "CreateOpenIDConnectProvider", Tags=listed(ctx.tags_of(props)), **given)
    arn = made["OpenIDConnectProviderArn"]
    return Resource(arn, {"Arn": arn})


async def update_oidc(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    named = {"OpenIDConnectProviderArn": physical_id}
    if new.get("ThumbprintList") != old.get("ThumbprintList"):
        thumbprints = new.get("ThumbprintList", [])
        await ctx.call("iam", "UpdateOpenIDConnectProviderThumbprint", ThumbprintList=thumbprints, **named)
    before, now = set(old.get("ClientIdList", [])), set(new.get("ClientIdList", []))
    for client in sorted(before - now):
        await ctx.call("iam", "RemoveClientIDFromOpenIDConnectProvider", ClientID=client, **named)
    for client in sorted(now - before):
        await ctx.call("iam", "AddClientIDToOpenIDConnectProvider", ClientID=client, **named)
    gone, tags = ctx.retags(old, new)
    if gone:
        await ctx.call("iam", "UntagOpenIDConnectProvider", TagKeys=gone, **named)
    if tags:
        await ctx.call("iam", "TagOpenIDConnectProvider", Tags=listed(tags), **named)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::IAM::OIDCProvider",
        create=create_oidc,
        update=update_oidc,
        delete=deleter("iam", "DeleteOpenIDConnectProvider", "OpenIDConnectProviderArn"),
        properties=frozenset({"Url", "ClientIdList", "ThumbprintList", "Tags"}),
        replace_on=frozenset({"Url"}),
        attributes=frozenset({"Arn"}),
    )
)


async def create_saml(ctx: Context, props: Props) -> Resource:
    name = props.get("Name") or ctx.unique_name(max_length=128)
    made = await ctx.call(
        "iam", "CreateSAMLProvider", Name=name, SAMLMetadataDocument=props.get("SamlMetadataDocument", ""),
        Tags=listed(ctx.tags_of(props)),
    )  # fmt: skip
    arn = made["SAMLProviderArn"]
    return Resource(arn, {"Arn": arn})


async def update_saml(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    named = {"SAMLProviderArn": physical_id}
    metadata = new.get("SamlMetadataDocument", "")
    if metadata != old.get("SamlMetadataDocument", ""):
        await ctx.call("iam", "UpdateSAMLProvider", SAMLMetadataDocument=metadata, **named)
    gone, tags = ctx.retags(old, new)
    if gone:
        await ctx.call("iam", "UntagSAMLProvider", TagKeys=gone, **named)
    if tags:
        await ctx.call("iam", "TagSAMLProvider", Tags=listed(tags), **named)
    return Resource(physical_id, attributes)


register(
    Provider(
        "AWS::IAM::SAMLProvider",
        create=create_saml,
        update=update_saml,
        delete=deleter("iam", "DeleteSAMLProvider", "SAMLProviderArn", missing=_GONE),
        properties=frozenset({"Name", "SamlMetadataDocument", "Tags"}),
        replace_on=frozenset({"Name"}),
        attributes=frozenset({"Arn"}),
    )
)


# Service-linked roles and server certificates


async def create_linked_role(ctx: Context, props: Props) -> Resource:
    given = pick(props, ("AWSServiceName", "CustomSuffix", "Description"))
    name = (await ctx.call("iam", "CreateServiceLinkedRole", **given))["Role"]["RoleName"]
    return Resource(name, {"RoleName": name})


register(
    Provider(
        "AWS::IAM::ServiceLinkedRole",
        create=create_linked_role,
        delete=deleter("iam", "DeleteServiceLinkedRole", "RoleName", missing=_GONE),
        properties=frozenset({"AWSServiceName", "CustomSuffix", "Description"}),
        required=frozenset({"AWSServiceName"}),
        replace_on=frozenset({"AWSServiceName", "CustomSuffix", "Description"}),
        attributes=frozenset({"RoleName"}),
    )
)

_CERTIFICATE = ("CertificateBody", "CertificateChain", "Path", "PrivateKey")


async def create_certificate(ctx: Context, props: Props) -> Resource:
    name = props.get("ServerCertificateName") or ctx.unique_name(max_length=128)
    given = pick(props, _CERTIFICATE) | {"Tags": listed(ctx.tags_of(props))}
    made = await ctx.call("iam", "UploadServerCertificate", ServerCertificateName=name, **given)
    return Resource(name, {"Arn": made["ServerCertificateMetadata"]["Arn"]})


register(
    Provider(
        "AWS::IAM::ServerCertificate",
        create=create_certificate,
        delete=deleter("iam", "DeleteServerCertificate", "ServerCertificateName", missing=_GONE),
        properties=frozenset({*_CERTIFICATE, "ServerCertificateName", "Tags"}),
        replace_on=frozenset({*_CERTIFICATE, "ServerCertificateName"}),
        name_property="ServerCertificateName",
        attributes=frozenset({"Arn"}),
    )
)
