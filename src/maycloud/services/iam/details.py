"""All of an account's identities at once: GetAccountAuthorizationDetails and GetAccountSummary.

As recorded of AWS in LocalStack's tests/aws/services/iam/test_iam_account_authorization_details.snapshot.json
and test_iam_account_summary.snapshot.json.
"""

from typing import Any

from maycloud.services.base import Call, Params, Result
from maycloud.services.iam import (
    attachments,
    instance_profiles,
    policies,
    providers,
    roles,
    server_certificates,
    users,
)
from maycloud.services.iam.attachments import boundary_of
from maycloud.services.iam.common import describe_role, encoded, identities, page, scope, tag_list
from maycloud.services.iam.groups import describe_group
from maycloud.services.iam.users import describe as describe_user
from maycloud.store import Document


def account_authorization_details(call: Call, params: Params) -> Result:
    """Users, groups, roles and policies with what each was given, paged as one listing."""
    wanted = params.get("Filter") or ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"]
    store = identities(call)
    rows: list[tuple[str, dict[str, Any]]] = []
    if "User" in wanted:
        rows += [("UserDetailList", _user(each)) for _, each in store.users.items(scope(call))]
    if "Group" in wanted:
        rows += [("GroupDetailList", _group(each)) for _, each in store.groups.items(scope(call))]
    if "Role" in wanted:
        rows += [("RoleDetailList", _role(call, each)) for _, each in store.roles.items(scope(call))]
    if "LocalManagedPolicy" in wanted:
        rows += [("Policies", each) for each in policies.details(call, own=True)]
    if "AWSManagedPolicy" in wanted:
        rows += [("Policies", each) for each in policies.details(call, own=False)]
    paged = page(rows, params, "Rows")
    result: dict[str, Any] = {
        "UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": [],
    }  # fmt: skip
    for member, row in paged.pop("Rows"):
        result[member].append(row)
    return result | paged


def _attached(holder: Document) -> list[dict[str, str]]:
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in holder.get("Attached", [])]


def _inline(holder: Document) -> list[dict[str, str]]:
    return [
        {"PolicyName": name, "PolicyDocument": encoded(document)}
        for name, document in holder.get("Inline", {}).items()
    ]


def _user(user: Document) -> dict[str, Any]:
    described = describe_user(user, whole=False) | boundary_of(user)
    if user.get("Inline"):
        described["UserPolicyList"] = _inline(user)
    return described | {
        "GroupList": user.get("Groups", []),
        "AttachedManagedPolicies": _attached(user),
        "Tags": tag_list(user),
    }


def _group(group: Document) -> dict[str, Any]:
    return describe_group(group) | {
        "GroupPolicyList": _inline(group),
        "AttachedManagedPolicies": _attached(group),
    }


def _role(call: Call, role: Document) -> dict[str, Any]:
    held = instance_profiles.holding(call, role["RoleName"])
    return (
        describe_role(role)
        | boundary_of(role)
        | {
            "InstanceProfileList": [instance_profiles.describe(call, profile) for profile in held],
            "RolePolicyList": _inline(role),
            "AttachedManagedPolicies": _attached(role),
            "Tags": tag_list(role),
            "RoleLastUsed": {},
        }
    )


def account_summary(call: Call, _params: Params) -> Result:
    """How many of each there are, and quotas."""
    store = identities(call)
    own = [policy for _, policy in store.policies.items(scope(call))]
    kinds = ("user", "group", "role")
    held = [holder for kind in kinds for _, holder in getattr(store, f"{kind}s").items(scope(call))]
    devices = store.devices.items(scope(call))
    in_use = {arn for holder in held for arn in holder.get("Attached", [])}
    counts = {
        "Users": len(store.users.items(scope(call))),
        "Groups": len(store.groups.items(scope(call))),
        "Roles": len(store.roles.items(scope(call))),
        "Policies": len(own),
        "InstanceProfiles": len(instance_profiles.profiles(call).items(scope(call))),
        "PolicyVersionsInUse": sum(len(p["Versions"]) for p in own) + sum(":aws:policy" in a for a in in_use),
        "Providers": len(providers.oidc_providers(call).items(scope(call)))
        + len(providers.saml_providers(call).items(scope(call))),
        "MFADevices": len(devices),
        "MFADevicesInUse": sum("User" in device for _, device in devices),
        "ServerCertificates": len(server_certificates.certificates(call).items(scope(call))),
        "AccountMFAEnabled": 0,
        "AccountAccessKeysPresent": 0,
        "AccountPasswordPresent": 0,
        "AccountSigningCertificatesPresent": 0,
        "GlobalEndpointTokenVersion": 1,
        "UsersQuota": 5000,
        "GroupsQuota": 300,
        "RolesQuota": 1000,
        "PoliciesQuota": 1500,
        "InstanceProfilesQuota": 1000,
        "ServerCertificatesQuota": 20,
        "SigningCertificatesPerUserQuota": 2,
        "PolicyVersionsInUseQuota": 10_000,
        "GroupsPerUserQuota": 10,
        "AccessKeysPerUserQuota": users.MAX_KEYS,
        "VersionsPerPolicyQuota": policies.MAX_VERSIONS,
        "PolicySizeQuota": policies.MAX_POLICY,
        "AssumeRolePolicySizeQuota": roles.MAX_TRUST,
    }
    for kind, most in attachments.MAX_INLINE.items():
        counts[f"{kind.title()}PolicySizeQuota"] = most
        counts[f"AttachedPoliciesPer{kind.title()}Quota"] = attachments.MAX_ATTACHED
    return {"SummaryMap": counts}
