"""Identities: made for guests and for logins, found again by a login, merged where two turn out to be one."""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_identity import logins as verified
from maycloud.services.cognito_identity.logins import Login, provider_name
from maycloud.services.cognito_identity.service import (
    any_identity,
    any_pool,
    described,
    not_authorized,
    own_identity,
    own_pool,
    resource_arn,
    service,
    state,
)
from maycloud.services.cognito_identity.store import Identity, Pool

MAX_LOGINS = 20  # of an identity


@service.operation(public=True)
def GetId(call: Call, params: Params) -> Result:
    """The identity of the logins; without any, a new guest at each call."""
    pool = any_pool(call, params["IdentityPoolId"])
    logins = verified.verify(call, pool, params.get("Logins", {}))
    if not logins and not pool["AllowUnauthenticatedIdentities"]:
        raise no_guests()
    return {"IdentityId": find_or_make(call, pool, logins)}


def no_guests() -> AwsError:
    return not_authorized("Unauthenticated access is not supported for this identity pool.")


def find_or_make(call: Call, pool: Pool, logins: list[Login]) -> str:
    """The id of the identity that has the logins, and from now on all of them."""
    store = state(call).store
    pool_id = pool["IdentityPoolId"]
    owners = {owner for login in logins if (owner := store.owner(pool_id, login.provider, login.subject))}
    if len(owners) > 1:
        raise _linked_elsewhere()
    identity = owners.pop() if owners else store.new_identity(pool).id
    link(call, pool, identity, logins)
    return identity


def link(call: Call, pool: Pool, identity: str, logins: list[Login]) -> None:
    """Give an identity the logins that it does not have yet."""
    store = state(call).store
    have = set(store.logins(identity))
    new = [login for login in logins if (login.provider, login.subject) not in have]
    if len(have) + len(new) > MAX_LOGINS:
        raise AwsError("LimitExceededException", f"An identity may have {MAX_LOGINS} logins at the most")
    for login in new:
        store.link(pool["IdentityPoolId"], identity, login.provider, login.subject)


def signed_in(call: Call, pool: Pool, identity: Identity, logins: list[Login]) -> str:
    """The identity that the logins open, given that the client thinks it is `identity`.

    A guest who signs in keeps the identity, unless the login has one already: then the guest's
    becomes part of that one, and the answer names another identity than was asked for.
    """
    store = state(call).store
    pool_id = pool["IdentityPoolId"]
    owners = {owner for login in logins if (owner := store.owner(pool_id, login.provider, login.subject))}
    if identity.id in owners:
        if len(owners) > 1:
            raise _linked_elsewhere()
        link(call, pool, identity.id, logins)
        return identity.id
    if store.logins(identity.id) or (identity.merged and not owners):
        raise not_authorized(
            "Logins don't match. Please include at least one valid login for this identity or identity pool."
        )
    if not owners:
        link(call, pool, identity.id, logins)
        return identity.id
    found = find_or_make(call, pool, logins)
    if not identity.merged:
        store.merge(identity.id)
    return found


def _linked_elsewhere() -> AwsError:
    return AwsError("ResourceConflictException", "Login is already linked to another identity.")


@service.operation
def DescribeIdentity(call: Call, params: Params) -> Result:
    identity, _ = own_identity(call, params["IdentityId"])
    return described(identity, (provider for provider, _ in state(call).store.logins(identity.id)))


@service.operation(resource=resource_arn)
def ListIdentities(call: Call, params: Params) -> Result:
    store = state(call).store
    pool = own_pool(call, params["IdentityPoolId"])
    size = params["MaxResults"]
    found = store.identities(
        pool["IdentityPoolId"],
        params.get("NextToken", ""),
        size + 1,
        hide_merged=params.get("HideDisabled", False),
    )
    answer: dict[str, Any] = {
        "IdentityPoolId": pool["IdentityPoolId"],
        "Identities": [
            described(identity, (provider for provider, _ in store.logins(identity.id)))
            for identity in found[:size]
        ],
    }
    if len(found) > size:
        answer["NextToken"] = found[size - 1].id
    return answer


@service.operation
def DeleteIdentities(call: Call, params: Params) -> Result:
    """What is not the caller's own is told apart as unprocessed."""
    unprocessed = []
    for identifier in dict.fromkeys(params["IdentityIdsToDelete"]):
        try:
            identity, _ = own_identity(call, identifier)
        except AwsError:
            unprocessed.append({"IdentityId": identifier, "ErrorCode": "AccessDenied"})
        else:
            state(call).store.delete_identity(identity.id)
    return {"UnprocessedIdentityIds": unprocessed}


@service.operation(public=True)
def UnlinkIdentity(call: Call, params: Params) -> Result:
    """Take logins from an identity, on the word of a valid login of the same identity."""
    store = state(call).store
    identity, pool = any_identity(call, params["IdentityId"])
    logins = verified.verify(call, pool, params["Logins"])
    linked = store.logins(identity.id)
    if not any((login.provider, login.subject) in linked for login in logins):
        raise forbidden(identity.id)
    gone = {provider_name(name) for name in params["LoginsToRemove"]}
    for provider, subject in linked:
        if provider in gone:
            store.unlink(pool["IdentityPoolId"], identity.id, provider, subject)


def forbidden(identity: str) -> AwsError:
    return not_authorized(f"Access to Identity '{identity}' is forbidden.")
