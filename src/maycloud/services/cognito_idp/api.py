"""Amazon Cognito user pools: the operations of API version 2016-04-18.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
"""

from maycloud.services.cognito_idp import auth, challenges, clients, pools, self_service, signup
from maycloud.services.cognito_idp.service import service

# Each of them declares its operations with the service when it is imported.
OPERATIONS = (auth, challenges, clients, pools, self_service, signup)

__all__ = ["OPERATIONS", "service"]
