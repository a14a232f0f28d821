"""AWS Identity and Access Management's operations."""

from collections.abc import Callable
from typing import Any

from maycloud.services.base import Call, Params, Result, Service
from maycloud.services.iam import (
    account,
    attachments,
    credentials,
    details,
    devices,
    groups,
    instance_profiles,
    logins,
    policies,
    providers,
    report,
    roles,
    server_certificates,
    simulate,
    users,
)
from maycloud.services.iam.attachments import GROUP, ROLE, USER, Kind
from maycloud.services.iam.common import arn_maker
from maycloud.services.iam.devices import device_arn
from maycloud.services.iam.instance_profiles import profile_arn
from maycloud.services.iam.policies import new_policy_arn, policy_arn
from maycloud.services.iam.providers import oidc_arn, saml_arn
from maycloud.services.iam.server_certificates import certificate_arn

service = Service("iam", denied="AccessDenied")

_user_arn = arn_maker("user", "UserName")
_group_arn = arn_maker("group", "GroupName")
_role_arn = arn_maker("role", "RoleName")


def own_user_arn(call: Call, params: Params) -> str:
    """The caller itself where a call names no user."""
    return _user_arn(call, params) if params.get("UserName") else call.principal.arn


def simulated_arn(_call: Call, params: Params) -> str:
    return params["PolicySourceArn"]


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
    ("GetAccessKeyLastUsed", users.access_key_last_used, None),
    ("CreateLoginProfile", logins.create_login_profile, own_user_arn),
    ("GetLoginProfile", logins.get_login_profile, own_user_arn),
    ("UpdateLoginProfile", logins.update_login_profile, own_user_arn),
    ("DeleteLoginProfile", logins.delete_login_profile, own_user_arn),
    ("CreateAccountAlias", account.create_account_alias, None),
    ("DeleteAccountAlias", account.delete_account_alias, None),
    ("ListAccountAliases", account.list_account_aliases, None),
    ("UpdateAccountPasswordPolicy", account.update_account_password_policy, None),
    ("GetAccountPasswordPolicy", account.get_account_password_policy, None),
    ("DeleteAccountPasswordPolicy", account.delete_account_password_policy, None),
    ("GetAccountAuthorizationDetails", details.account_authorization_details, None),
    ("GetAccountSummary", details.account_summary, None),
    ("SimulateCustomPolicy", simulate.simulate_custom_policy, None),
    ("SimulatePrincipalPolicy", simulate.simulate_principal_policy, simulated_arn),
    ("GetContextKeysForCustomPolicy", simulate.context_keys_for_custom_policy, None),
    ("GetContextKeysForPrincipalPolicy", simulate.context_keys_for_principal_policy, simulated_arn),
    ("CreateInstanceProfile", instance_profiles.create_instance_profile, profile_arn),
    ("GetInstanceProfile", instance_profiles.get_instance_profile, profile_arn),
    ("DeleteInstanceProfile", instance_profiles.delete_instance_profile, profile_arn),
    ("ListInstanceProfiles", instance_profiles.list_instance_profiles, None),
    ("ListInstanceProfilesForRole", instance_profiles.list_instance_profiles_for_role, _role_arn),
    ("AddRoleToInstanceProfile", instance_profiles.add_role_to_instance_profile, profile_arn),
    ("RemoveRoleFromInstanceProfile", instance_profiles.remove_role_from_instance_profile, profile_arn),
    ("TagInstanceProfile", instance_profiles.tag_instance_profile, profile_arn),
    ("UntagInstanceProfile", instance_profiles.untag_instance_profile, profile_arn),
    ("ListInstanceProfileTags", instance_profiles.list_instance_profile_tags, profile_arn),
    ("CreateGroup", groups.create_group, _group_arn),
    ("GetGroup", groups.get_group, _group_arn),
    ("ListGroups", groups.list_groups, None),
    ("UpdateGroup", groups.update_group, _group_arn),
    ("DeleteGroup", groups.delete_group, _group_arn),
    ("AddUserToGroup", groups.add_user_to_group, _group_arn),
    ("RemoveUserFromGroup", groups.remove_user_from_group, _group_arn),
    ("ListGroupsForUser", groups.list_groups_for_user, _user_arn),
    ("CreateRole", roles.create_role, _role_arn),
    ("GetRole", roles.get_role, _role_arn),
    ("ListRoles", roles.list_roles, None),
    ("UpdateRole", roles.update_role, _role_arn),
    ("UpdateRoleDescription", roles.update_role_description, _role_arn),
    ("UpdateAssumeRolePolicy", roles.update_assume_role_policy, _role_arn),
    ("DeleteRole", roles.delete_role, _role_arn),
    ("CreateServiceLinkedRole", roles.create_service_linked_role, None),
    ("DeleteServiceLinkedRole", roles.delete_service_linked_role, _role_arn),
    ("GetServiceLinkedRoleDeletionStatus", roles.get_service_linked_role_deletion_status, None),
    ("CreatePolicy", policies.create_policy, new_policy_arn),
    ("GetPolicy", policies.get_policy, policy_arn),
    ("ListPolicies", policies.list_policies, None),
    ("DeletePolicy", policies.delete_policy, policy_arn),
    ("CreatePolicyVersion", policies.create_policy_version, policy_arn),
    ("GetPolicyVersion", policies.get_policy_version, policy_arn),
    ("ListPolicyVersions", policies.list_policy_versions, policy_arn),
    ("SetDefaultPolicyVersion", policies.set_default_policy_version, policy_arn),
    ("DeletePolicyVersion", policies.delete_policy_version, policy_arn),
    ("TagPolicy", policies.tag_policy, policy_arn),
    ("UntagPolicy", policies.untag_policy, policy_arn),
    ("ListPolicyTags", policies.list_policy_tags, policy_arn),
    ("ListEntitiesForPolicy", policies.list_entities_for_policy, policy_arn),
    ("ChangePassword", logins.change_password, own_user_arn),
    ("CreateVirtualMFADevice", devices.create_virtual_mfa_device, device_arn),
    ("DeleteVirtualMFADevice", devices.delete_virtual_mfa_device, device_arn),
    ("GetMFADevice", devices.get_mfa_device, device_arn),
    ("TagMFADevice", devices.tag_mfa_device, device_arn),
    ("UntagMFADevice", devices.untag_mfa_device, device_arn),
    ("ListMFADeviceTags", devices.list_mfa_device_tags, device_arn),
    ("ListVirtualMFADevices", devices.list_virtual_mfa_devices, None),
    ("EnableMFADevice", devices.enable_mfa_device, own_user_arn),
    ("ResyncMFADevice", devices.resync_mfa_device, own_user_arn),
    ("DeactivateMFADevice", devices.deactivate_mfa_device, own_user_arn),
    ("ListMFADevices", devices.list_mfa_devices, own_user_arn),
    ("UploadSigningCertificate", credentials.upload_signing_certificate, own_user_arn),
    ("UpdateSigningCertificate", credentials.update_signing_certificate, own_user_arn),
    ("DeleteSigningCertificate", credentials.delete_signing_certificate, own_user_arn),
    ("ListSigningCertificates", credentials.list_signing_certificates, own_user_arn),
    ("UploadSSHPublicKey", credentials.upload_ssh_public_key, own_user_arn),
    ("GetSSHPublicKey", credentials.get_ssh_public_key, own_user_arn),
    ("UpdateSSHPublicKey", credentials.update_ssh_public_key, own_user_arn),
    ("DeleteSSHPublicKey", credentials.delete_ssh_public_key, own_user_arn),
    ("ListSSHPublicKeys", credentials.list_ssh_public_keys, own_user_arn),
    ("CreateServiceSpecificCredential", credentials.create_service_specific_credential, own_user_arn),
    ("UpdateServiceSpecificCredential", credentials.update_service_specific_credential, own_user_arn),
    ("ResetServiceSpecificCredential", credentials.reset_service_specific_credential, own_user_arn),
    ("DeleteServiceSpecificCredential", credentials.delete_service_specific_credential, own_user_arn),
    ("ListServiceSpecificCredentials", credentials.list_service_specific_credentials, own_user_arn),
    ("CreateOpenIDConnectProvider", providers.create_open_id_connect_provider, oidc_arn),
    ("GetOpenIDConnectProvider", providers.get_open_id_connect_provider, oidc_arn),
    ("DeleteOpenIDConnectProvider", providers.delete_open_id_connect_provider, oidc_arn),
    ("UpdateOpenIDConnectProviderThumbprint", providers.update_open_id_connect_provider_thumbprint, oidc_arn),
    ("AddClientIDToOpenIDConnectProvider", providers.add_client_id_to_open_id_connect_provider, oidc_arn),
    (
        "RemoveClientIDFromOpenIDConnectProvider",
        providers.remove_client_id_from_open_id_connect_provider,
        oidc_arn,
    ),
    ("TagOpenIDConnectProvider", providers.tag_open_id_connect_provider, oidc_arn),
    ("UntagOpenIDConnectProvider", providers.untag_open_id_connect_provider, oidc_arn),
    ("ListOpenIDConnectProviderTags", providers.list_open_id_connect_provider_tags, oidc_arn),
    ("ListOpenIDConnectProviders", providers.list_open_id_connect_providers, None),
    ("CreateSAMLProvider", providers.create_saml_provider, saml_arn),
    ("GetSAMLProvider", providers.get_saml_provider, saml_arn),
    ("UpdateSAMLProvider", providers.update_saml_provider, saml_arn),
    ("DeleteSAMLProvider", providers.delete_saml_provider, saml_arn),
    ("TagSAMLProvider", providers.tag_saml_provider, saml_arn),
    ("UntagSAMLProvider", providers.untag_saml_provider, saml_arn),
    ("ListSAMLProviderTags", providers.list_saml_provider_tags, saml_arn),
    ("ListSAMLProviders", providers.list_saml_providers, None),
    ("UploadServerCertificate", server_certificates.upload_server_certificate, certificate_arn),
    ("GetServerCertificate", server_certificates.get_server_certificate, certificate_arn),
    ("UpdateServerCertificate", server_certificates.update_server_certificate, certificate_arn),
    ("DeleteServerCertificate", server_certificates.delete_server_certificate, certificate_arn),
    ("TagServerCertificate", server_certificates.tag_server_certificate, certificate_arn),
    ("UntagServerCertificate", server_certificates.untag_server_certificate, certificate_arn),
    ("ListServerCertificateTags", server_certificates.list_server_certificate_tags, certificate_arn),
    ("ListServerCertificates", server_certificates.list_server_certificates, None),
    ("GenerateCredentialReport", report.generate_credential_report, None),
    ("GetCredentialReport", report.get_credential_report, None),
):
    _register(_name, _function, _arn)
