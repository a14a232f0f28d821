"""Roles that an API is given: whoever gives one must be allowed to, as API Gateway will act by it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html
"""

from maycloud.errors import AwsError
from maycloud.services.apigateway.store import all_methods
from maycloud.services.base import Call
from maycloud.store import Document

_SERVICE = "apigateway.amazonaws.com"


def check(call: Call, before: Document | None, api: Document) -> None:
    """Raises AccessDeniedException unless the caller may pass the roles that `api` has more than `before`."""
    for role in sorted(_roles(api) - (_roles(before) if before else set())):
        if role.split(":")[4] != call.account:
            raise AwsError("AccessDeniedException", "Cross-account pass role is not allowed.", 403)
        call.authorize("iam:PassRole", role, {"iam:PassedToService": _SERVICE})


def _roles(api: Document) -> set[str]:
    """Of integrations and authorizers. ``arn:aws:iam::*:user/*`` is the caller of the API, and no role."""
    found = {each.get("authorizerCredentials") for each in api["authorizers"].values()}
    found |= {(method.get("methodIntegration") or {}).get("credentials") for _, _, method in all_methods(api)}
    return {arn for arn in found if arn and "*" not in arn and arn.count(":") >= 5}
