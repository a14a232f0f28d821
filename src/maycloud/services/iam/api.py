"""AWS Identity and Access Management's operations."""

from collections.abc import Callable
from typing import Any

from maycloud.services.base import Call, Params, Result, Service
from maycloud.services.iam import attachments, roles, users
from maycloud.services.iam.attachments import GROUP, ROLE, USER, Kind
from maycloud.services.iam.common import arn_maker, identities, scope
from maycloud.services.iam.roles import new_policy_arn, policy_arn

service = Service("iam", denied="AccessDenied")

_user_arn = arn_maker("user", "UserName")
_group_arn = arn_maker("group", "GroupName")
_role_arn = arn_maker("role", "RoleName")


def own_user_arn(call: Call, params: Params) -> str:
    """The caller itself where a call names no user."""
    return _user_arn(call, params) if params.get("UserName") else call.principal.arn


Function = Callable[[Call, Params], Result]


def _register(
    name: str, function: Function, resource: Callable[[Call, Params], str] | None, **more: Any
) -> None:
    def operation(call: Call, params: Params) -> Result:
        return function(call, params)

    operation.__name__ = name
    operation.__doc__ = function.__doc__
    service.operation(resource=resource, **more)(operation)


def _of(kind: Kind, function: Callable[[Kind, Call, Params], Result]) -> Function:
    return lambda call, params: function(kind, call, params)


# The three kinds of holders have the same operations under their own names.
for _kind, _arn in ((USER, _user_arn), (GROUP, _group_arn), (ROLE, _role_arn)):
    _title = _kind.name.title()
    _register(f"Put{_title}Policy", _of(_kind, attachments.put_inline), _arn)
    _register(f"Get{_title}Policy", _of(_kind, attachments.get_inline), _arn)
    _register(f"Delete{_title}Policy", _of(_kind, attachments.delete_inline), _arn)
    _register(f"List{_title}Policies", _of(_kind, attachments.list_inline), _arn)
    _register(f"Attach{_title}Policy", _of(_kind, attachments.attach), _arn)
    _register(f"Detach{_title}Policy", _of(_kind, attachments.detach), _arn)
    _register(f"ListAttached{_title}Policies", _of(_kind, attachments.list_attached), _arn)
for _kind, _arn in ((USER, _user_arn), (ROLE, _role_arn)):
    _title = _kind.name.title()
    _register(f"Put{_title}PermissionsBoundary", _of(_kind, attachments.put_boundary), _arn)
    _register(f"Delete{_title}PermissionsBoundary", _of(_kind, attachments.delete_boundary), _arn)
    _register(f"Tag{_title}", _of(_kind, attachments.tag), _arn)
    _register(f"Untag{_title}", _of(_kind, attachments.untag), _arn)
    _register(f"List{_title}Tags", _of(_kind, attachments.list_tags), _arn)

for _name, _function, _arn in (
    ("CreateUser", users.create_user, _user_arn),
    ("UpdateUser", users.update_user, _user_arn),
    ("DeleteUser", users.delete_user, _user_arn),
    ("GetUser", users.get_user, own_user_arn),
    ("ListUsers", users.list_users, None),
    ("CreateAccessKey", users.create_access_key, own_user_arn),
    ("UpdateAccessKey", users.update_access_key, own_user_arn),
    ("DeleteAccessKey", users.delete_access_key, own_user_arn),
    ("ListAccessKeys", users.list_access_keys, own_user_arn),
    ("CreateGroup", users.create_group, _group_arn),
    ("GetGroup", users.get_group, _group_arn),
    ("ListGroups", users.list_groups, None),
    ("DeleteGroup", users.delete_group, _group_arn),
    ("AddUserToGroup", users.add_user_to_group, _group_arn),
    ("RemoveUserFromGroup", users.remove_user_from_group, _group_arn),
    ("ListGroupsForUser", users.list_groups_for_user, _user_arn),
    ("CreateRole", roles.create_role, _role_arn),
    ("GetRole", roles.get_role, _role_arn),
    ("ListRoles", roles.list_roles, None),
    ("UpdateRole", roles.update_role, _role_arn),
    ("UpdateAssumeRolePolicy", roles.update_assume_role_policy, _role_arn),
    ("DeleteRole", roles.delete_role, _role_arn),
    ("CreateServiceLinkedRole", roles.create_service_linked_role, None),
    ("CreatePolicy", roles.create_policy, new_policy_arn),
    ("GetPolicy", roles.get_policy, policy_arn),
    ("ListPolicies", roles.list_policies, None),
    ("DeletePolicy", roles.delete_policy, policy_arn),
    ("CreatePolicyVersion", roles.create_policy_version, policy_arn),
    ("GetPolicyVersion", roles.get_policy_version, policy_arn),
    ("ListPolicyVersions", roles.list_policy_versions, policy_arn),
    ("SetDefaultPolicyVersion", roles.set_default_policy_version, policy_arn),
    ("DeletePolicyVersion", roles.delete_policy_version, policy_arn),
    ("ListEntitiesForPolicy", roles.list_entities_for_policy, policy_arn),
):
    _register(_name, _function, _arn)


@service.operation
def GetAccountSummary(call: Call, _params: Params) -> Result:
    """How many of each there are, and quotas."""
    store = identities(call)
    counts = {
        "Users": len(store.users.items(scope(call))),
        "Groups": len(store.groups.items(scope(call))),
        "Roles": len(store.roles.items(scope(call))),
        "Policies": len(store.policies.items(scope(call))),
        "UsersQuota": 5000,
        "GroupsQuota": 300,
        "RolesQuota": 1000,
        "PoliciesQuota": 1500,
        "AccessKeysPerUserQuota": users.MAX_KEYS,
        "AttachedPoliciesPerUserQuota": attachments.MAX_ATTACHED,
        "VersionsPerPolicyQuota": roles.MAX_VERSIONS,
    }
    return {"SummaryMap": counts}
