"""Amazon Cognito identity pools: its operations.

https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/Welcome.html
"""

from maycloud.services.cognito_identity import credentials, developers, identities, pools, roles
from maycloud.services.cognito_identity.service import service

# Each of them declares its operations with the service when it is imported.
OPERATIONS = (credentials, developers, identities, pools, roles)

__all__ = ["OPERATIONS", "service"]
