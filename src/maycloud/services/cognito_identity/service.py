"""The service's declaration, its state in a cloud, and what its operations share."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Cloud, Params, Service
from maycloud.services.cognito_identity.store import SCHEMA, Identity, IdentityStore, Pool
from maycloud.services.cognito_identity.tokens import ISSUER, PATH, Tokens


class IdentityPools:
    """What the service keeps per cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.store = IdentityStore(cloud.store)
        self.tokens = Tokens(cloud.store)
        cloud.access.web_identities[ISSUER] = self.tokens.web_identity
        cloud.serve_path(PATH, self.tokens.serve)


service = Service("cognito-identity", state=IdentityPools, schema=SCHEMA)


def state(call: Call) -> IdentityPools:
    return call.state


def resource_arn(call: Call, params: Params) -> str:
    """The pool that a request names, as IAM knows it."""
    if "ResourceArn" in params:
        return params["ResourceArn"]
    return f"arn:aws:cognito-identity:{call.region}:{call.account}:identitypool/{params['IdentityPoolId']}"


def not_authorized(message: str) -> AwsError:
    return AwsError("NotAuthorizedException", message)


def invalid_parameter(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def no_pool(identifier: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"IdentityPool '{identifier}' not found.")


def no_identity(identifier: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Identity '{identifier}' not found.")


def own_pool(call: Call, identifier: str) -> Pool:
    """A pool of the caller's account and region."""
    pool = state(call).store.pool(identifier)
    if pool is None or (pool["Account"], pool["Region"]) != call.scope:
        raise no_pool(identifier)
    return pool


def any_pool(call: Call, identifier: str) -> Pool:
    """A pool wherever it is, for the operations that need no signature."""
    pool = state(call).store.pool(identifier)
    if pool is None:
        raise no_pool(identifier)
    return pool


def any_identity(call: Call, identifier: str) -> tuple[Identity, Pool]:
    store = state(call).store
    identity = store.identity(identifier)
    pool = store.pool(identity.pool) if identity is not None else None
    if identity is None or pool is None:
        raise no_identity(identifier)
    return identity, pool


def own_identity(call: Call, identifier: str) -> tuple[Identity, Pool]:
    identity, pool = any_identity(call, identifier)
    if (pool["Account"], pool["Region"]) != call.scope:
        raise no_identity(identifier)
    return identity, pool


def described(identity: Identity, providers: Iterable[str]) -> dict[str, Any]:
    """AWS's IdentityDescription."""
    answer: dict[str, Any] = {
        "IdentityId": identity.id,
        "CreationDate": datetime.fromtimestamp(identity.created, UTC),
        "LastModifiedDate": datetime.fromtimestamp(identity.modified, UTC),
    }
    if names := list(dict.fromkeys(providers)):
        answer["Logins"] = names
    return answer
