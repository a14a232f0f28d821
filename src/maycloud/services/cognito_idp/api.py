"""Amazon Cognito user pools: the operations of API version 2016-04-18.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
"""

from maycloud.services.cognito_idp import (
    admin,
    auth,
    branding,
    certificates,
    client_secrets,
    clients,
    devices,
    groups,
    listing,
    mfa_settings,
    oauth_settings,
    pools,
    providers,
    recovery,
    responses,
    self_service,
    signup,
    software_token,
    tags,
)
from maycloud.services.cognito_idp.service import service

# Each of them declares its operations with the service when it is imported.
OPERATIONS = (
    admin,
    auth,
    branding,
    certificates,
    client_secrets,
    clients,
    devices,
    groups,
    listing,
    mfa_settings,
    oauth_settings,
    pools,
    providers,
    recovery,
    responses,
    self_service,
    signup,
    software_token,
    tags,
)

__all__ = ["OPERATIONS", "service"]
