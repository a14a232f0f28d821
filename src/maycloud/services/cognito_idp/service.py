"""The service's declaration and what all of its operations share."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Service
from maycloud.services.cognito_idp.state import UserPools
from maycloud.services.cognito_idp.store import SCHEMA, Client, Pool
from maycloud.services.tokens import is_number

Tags = dict[str, str]


def pool_arn(call: Call, params: Params) -> str:
    """The ARN that IAM is asked about: of the pool that the request names."""
    return arn_of(call.account, call.region, params.get("UserPoolId") or "*")


def arn_of(account: str, region: str, pool: str) -> str:
    return f"arn:aws:cognito-idp:{region}:{account}:userpool/{pool}"


service = Service("cognito-idp", state=UserPools, schema=SCHEMA, denied="AccessDeniedException")

# Options of operations that applications call for their users: without a signature, by token or client id.
PUBLIC: dict[str, Any] = {"public": True}
ADMIN: dict[str, Any] = {"resource": pool_arn}
ADMIN_READ: dict[str, Any] = {"resource": pool_arn, "atomic": False}


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def not_authorized(message: str) -> AwsError:
    return AwsError("NotAuthorizedException", message)


def not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message)


def limit_exceeded() -> AwsError:
    return AwsError("LimitExceededException", "Attempt limit exceeded, please try after some time.")


def unavailable_in_tier(tier: str, *features: str) -> AwsError:
    return AwsError(
        "FeatureUnavailableInTierException",
        f"The following features need to be disabled for the {tier} pricing tier configured:"
        f" {', '.join(features)}",
    )


def pools(call: Call) -> UserPools:
    return call.state


def pool_of(call: Call, params: Params) -> Pool:
    """The caller's pool that `UserPoolId` names. Raises ResourceNotFoundException."""
    found = pools(call).store.pool(params["UserPoolId"])
    if found is None or found.scope != call.scope:
        raise not_found(f"User pool {params['UserPoolId']} does not exist.")
    return found


def client_of(call: Call, pool: Pool, client_id: str) -> Client:
    """The pool's app client. Raises ResourceNotFoundException."""
    found = pools(call).store.client(client_id)
    if found is None or found.pool != pool.id:
        raise not_found(f"User pool client {client_id} does not exist.")
    return found


def public_client(call: Call, client_id: str) -> tuple[Pool, Client]:
    """Pool and client by the client's id alone, as unsigned operations name them."""
    found = pools(call).store.client(client_id)
    pool = pools(call).store.pool(found.pool) if found is not None else None
    if found is None or pool is None:
        raise not_found(f"User pool client {client_id} does not exist.")
    return pool, found


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def page(
    rows: Iterable[Any], params: Params, size: str, token: str, default: int = 60
) -> tuple[list[Any], str]:
    """One page of `rows`, and the token of the next or "". `size` and `token` name the parameters."""
    listed = list(rows)
    given = params.get(token) or "0"
    if not is_number(given) or int(given) > len(listed):
        raise invalid(f"Invalid {'pagination' if token.startswith('Pag') else 'next'} token provided.")
    start, count = int(given), params.get(size) or default
    after = start + count
    return listed[start:after], str(after) if after < len(listed) else ""
