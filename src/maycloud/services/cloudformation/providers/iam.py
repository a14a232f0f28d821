"""AWS::IAM:: types."""

from collections.abc import Iterable
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
from maycloud.services.cloudformation.providers.parts import deleter, document, listed, pick


async def _quietly(ctx: Context, operation: str, **params: Any) -> None:
    """A call whose object may be gone already."""
    try:
        await ctx.call("iam", operation, **params)
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise


class _Holder:
    """Users, groups and roles: made alike, and given policies alike."""

    def __init__(self, kind: str, settings: Iterable[str]) -> None:
        self.kind = kind  # User, Group or Role
        self.name = f"{kind}Name"
        self.settings = tuple(settings)

    def _named(self, name: str) -> dict[str, str]:
        return {self.name: name}

    async def create(self, ctx: Context, props: Props) -> Resource:
        name = props.get(self.name) or ctx.unique_name(max_length=64)
        given = pick(props, self.settings)
        if "AssumeRolePolicyDocument" in props:
            given["AssumeRolePolicyDocument"] = document(props["AssumeRolePolicyDocument"])
        if self.kind != "Group":
            given["Tags"] = listed(ctx.tags_of(props))
        made = (await ctx.call("iam", f"Create{self.kind}", **self._named(name), **given))[self.kind]
        attributes = {"Arn": made["Arn"], f"{self.kind}Id": made[f"{self.kind}Id"]}
        ctx.created(name, attributes)
        await self._give(ctx, name, {}, props)
        for group in props.get("Groups", []):
            await ctx.call("iam", "AddUserToGroup", GroupName=group, UserName=name)
        if props.get("LoginProfile"):
            await ctx.call("iam", "CreateLoginProfile", UserName=name, **props["LoginProfile"])
        return Resource(name, attributes)

    async def _give(self, ctx: Context, name: str, old: Props, new: Props) -> None:
        """From the old policies to the new ones."""
        named = self._named(name)
        before = {policy["PolicyName"]: policy for policy in old.get("Policies", [])}
        now = {policy["PolicyName"]: policy for policy in new.get("Policies", [])}
        for gone in before.keys() - now.keys():
            await _quietly(ctx, f"Delete{self.kind}Policy", PolicyName=gone, **named)
        for policy in now.values():
            if before.get(policy["PolicyName"]) != policy:
                await ctx.call(
                    "iam",
                    f"Put{self.kind}Policy",
                    PolicyName=policy["PolicyName"],
                    PolicyDocument=document(policy["PolicyDocument"]),
                    **named,
                )
        attached, wanted = set(old.get("ManagedPolicyArns", [])), new.get("ManagedPolicyArns", [])
        for arn in attached - set(wanted):
            await _quietly(ctx, f"Detach{self.kind}Policy", PolicyArn=arn, **named)
        for arn in wanted:
            if arn not in attached:
                await ctx.call("iam", f"Attach{self.kind}Policy", PolicyArn=arn, **named)

    async def update(
        self, ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
    ) -> Resource:
        named = self._named(physical_id)
        if self.kind == "Role":
            trust = document(new["AssumeRolePolicyDocument"])
            if trust != document(old["AssumeRolePolicyDocument"]):
                await ctx.call("iam", "UpdateAssumeRolePolicy", PolicyDocument=trust, **named)
            settings = pick(new, ("Description", "MaxSessionDuration"))
            if settings:
                await ctx.call("iam", "UpdateRole", **named, **settings)
        await self._give(ctx, physical_id, old, new)
        if self.kind == "User":
            for group in set(old.get("Groups", [])) - set(new.get("Groups", [])):
                await _quietly(ctx, "RemoveUserFromGroup", GroupName=group, **named)
            for group in new.get("Groups", []):
                await ctx.call("iam", "AddUserToGroup", GroupName=group, **named)
            await self._change_login(ctx, named, old.get("LoginProfile"), new.get("LoginProfile"))
        if self.kind != "Group":
            await self._change_settings(ctx, named, old, new)
        return Resource(physical_id, attributes)

    async def _change_login(
        self, ctx: Context, named: dict[str, str], old: Props | None, new: Props | None
    ) -> None:
        if old == new:
            return
        if not new:
            await _quietly(ctx, "DeleteLoginProfile", **named)
        else:
            await ctx.call("iam", "UpdateLoginProfile" if old else "CreateLoginProfile", **named, **new)

    async def _change_settings(self, ctx: Context, named: dict[str, str], old: Props, new: Props) -> None:
        boundary = new.get("PermissionsBoundary")
        if boundary and boundary != old.get("PermissionsBoundary"):
            await ctx.call("iam", f"Put{self.kind}PermissionsBoundary", PermissionsBoundary=boundary, **named)
        elif not boundary and old.get("PermissionsBoundary"):
            await _quietly(ctx, f"Delete{self.kind}PermissionsBoundary", **named)
        gone, now = ctx.retags(old, new)
        if gone:
            await ctx.call("iam", f"Untag{self.kind}", TagKeys=gone, **named)
        if now:
            await ctx.call("iam", f"Tag{self.kind}", Tags=listed(now), **named)

    async def delete(self, ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
        """Take away what the stack gave, then the holder; what others gave stands in the way, as on AWS."""
        named = self._named(physical_id)
        for policy in props.get("Policies", []):
            await _quietly(ctx, f"Delete{self.kind}Policy", PolicyName=policy["PolicyName"], **named)
        for arn in props.get("ManagedPolicyArns", []):
            await _quietly(ctx, f"Detach{self.kind}Policy", PolicyArn=arn, **named)
        for group in props.get("Groups", []):
            await _quietly(ctx, "RemoveUserFromGroup", GroupName=group, **named)
        if props.get("LoginProfile"):
            await _quietly(ctx, "DeleteLoginProfile", **named)
        await ctx.call("iam", f"Delete{self.kind}", **named)


_SETTINGS = {
    "Role": ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary"),
    "User": ("Path", "PermissionsBoundary"),
    "Group": ("Path",),
}
_EXTRA = {
    "Role": {"AssumeRolePolicyDocument", "Tags"},
    "User": {"Groups", "LoginProfile", "Tags"},
    "Group": set[str](),
}

for _kind, _given in _SETTINGS.items():
    _holder = _Holder(_kind, _given)
    register(
        Provider(
            f"AWS::IAM::{_kind}",
            create=_holder.create,
            update=_holder.update,
            delete=_holder.delete,
            properties=frozenset({*_given, *_EXTRA[_kind], f"{_kind}Name", "Policies", "ManagedPolicyArns"}),
            required=frozenset({"AssumeRolePolicyDocument"} if _kind == "Role" else set[str]()),
            replace_on=frozenset({f"{_kind}Name", "Path"}),
            name_property=f"{_kind}Name",
            attributes=frozenset({"Arn", f"{_kind}Id"}),
        )
    )


# Inline policies as resources of their own


def _holders(props: Props) -> list[tuple[str, str]]:
    return [(kind, name) for kind in ("Role", "User", "Group") for name in props.get(f"{kind}s", [])]


async def put_policy(ctx: Context, props: Props) -> Resource:
    for kind, name in _holders(props):
        await ctx.call(
            "iam",
            f"Put{kind}Policy",
            PolicyName=props["PolicyName"],
            PolicyDocument=document(props["PolicyDocument"]),
            **{f"{kind}Name": name},
        )
    return Resource(ctx.unique_name(max_length=128))


async def update_policy(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    for kind, name in set(_holders(old)) - set(_holders(new)):
        await _quietly(ctx, f"Delete{kind}Policy", PolicyName=old["PolicyName"], **{f"{kind}Name": name})
    await put_policy(ctx, new)
    return Resource(physical_id, attributes)


async def delete_policy(ctx: Context, _physical_id: str, props: Props, _attributes: Attributes) -> None:
    for kind, name in _holders(props):
        await _quietly(ctx, f"Delete{kind}Policy", PolicyName=props["PolicyName"], **{f"{kind}Name": name})


register(
    Provider(
        "AWS::IAM::Policy",
        create=put_policy,
        update=update_policy,
        delete=delete_policy,
        properties=frozenset({"PolicyName", "PolicyDocument", "Roles", "Users", "Groups"}),
        required=frozenset({"PolicyName", "PolicyDocument"}),
        replace_on=frozenset({"PolicyName"}),
    )
)


# Managed policies


async def create_managed(ctx: Context, props: Props) -> Resource:
    name = props.get("ManagedPolicyName") or ctx.unique_name(max_length=128)
    given = pick(props, ("Path", "Description"))
    made = await ctx.call(
        "iam", "CreatePolicy", PolicyName=name, PolicyDocument=document(props["PolicyDocument"]), **given
    )
    arn = made["Policy"]["Arn"]
    ctx.created(arn)
    for kind, holder in _holders(props):
        await ctx.call("iam", f"Attach{kind}Policy", PolicyArn=arn, **{f"{kind}Name": holder})
    return Resource(arn, {"PolicyArn": arn, "PolicyId": made["Policy"]["PolicyId"]})


async def update_managed(
    ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
) -> Resource:
    if document(old["PolicyDocument"]) != document(new["PolicyDocument"]):
        await _trim_versions(ctx, physical_id, keep=4)
        await ctx.call(
            "iam",
            "CreatePolicyVersion",
            PolicyArn=physical_id,
            PolicyDocument=document(new["PolicyDocument"]),
            SetAsDefault=True,
        )
    for kind, holder in set(_holders(old)) - set(_holders(new)):
        await _quietly(ctx, f"Detach{kind}Policy", PolicyArn=physical_id, **{f"{kind}Name": holder})
    for kind, holder in _holders(new):
        await ctx.call("iam", f"Attach{kind}Policy", PolicyArn=physical_id, **{f"{kind}Name": holder})
    return Resource(physical_id, attributes)


async def _trim_versions(ctx: Context, arn: str, keep: int) -> None:
    """Delete the oldest versions but the default, so that `keep` are left at the most."""
    versions = (await ctx.call("iam", "ListPolicyVersions", PolicyArn=arn))["Versions"]
    spare = [each["VersionId"] for each in versions if not each["IsDefaultVersion"]]
    for version in spare[max(0, keep - 1) :]:
        await ctx.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version)


async def delete_managed(ctx: Context, physical_id: str, props: Props, _attributes: Attributes) -> None:
    for kind, holder in _holders(props):
        await _quietly(ctx, f"Detach{kind}Policy", PolicyArn=physical_id, **{f"{kind}Name": holder})
    await _trim_versions(ctx, physical_id, keep=1)
    await ctx.call("iam", "DeletePolicy", PolicyArn=physical_id)


register(
    Provider(
        "AWS::IAM::ManagedPolicy",
        create=create_managed,
        update=update_managed,
        delete=delete_managed,
        properties=frozenset(
            {"ManagedPolicyName", "PolicyDocument", "Path", "Description", "Roles", "Users", "Groups"}
        ),
        required=frozenset({"PolicyDocument"}),
        replace_on=frozenset({"ManagedPolicyName", "Path", "Description"}),
        name_property="ManagedPolicyName",
        attributes=frozenset({"PolicyArn", "PolicyId"}),
    )
)


# Access keys and memberships


async def create_key(ctx: Context, props: Props) -> Resource:
    made = (await ctx.call("iam", "CreateAccessKey", UserName=props["UserName"]))["AccessKey"]
    if props.get("Status") == "Inactive":
        await ctx.call(
            "iam",
            "UpdateAccessKey",
            UserName=props["UserName"],
            AccessKeyId=made["AccessKeyId"],
            Status="Inactive",
        )
    return Resource(made["AccessKeyId"], {"SecretAccessKey": made["SecretAccessKey"]})


register(
    Provider(
        "AWS::IAM::AccessKey",
        create=create_key,
        delete=deleter("iam", "DeleteAccessKey", "AccessKeyId", UserName="UserName"),
        properties=frozenset({"UserName", "Status", "Serial"}),
        required=frozenset({"UserName"}),
        attributes=frozenset({"SecretAccessKey"}),
    )
)


async def add_members(ctx: Context, props: Props) -> Resource:
    for user in props["Users"]:
        await ctx.call("iam", "AddUserToGroup", GroupName=props["GroupName"], UserName=user)
    return Resource(ctx.unique_name())


async def remove_members(ctx: Context, _physical_id: str, props: Props, _attributes: Attributes) -> None:
    for user in props["Users"]:
        await _quietly(ctx, "RemoveUserFromGroup", GroupName=props["GroupName"], UserName=user)


register(
    Provider(
        "AWS::IAM::UserToGroupAddition",
        create=add_members,
        delete=remove_members,
        properties=frozenset({"GroupName", "Users"}),
        required=frozenset({"GroupName", "Users"}),
    )
)
