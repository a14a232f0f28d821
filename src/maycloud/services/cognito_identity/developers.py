"""Developer-authenticated identities: users whom the pool's owner vouches for, by a provider of its own.

https://docs.aws.amazon.com/cognito/latest/developerguide/developer-authenticated-identities.html
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_identity import identities
from maycloud.services.cognito_identity import logins as verified
from maycloud.services.cognito_identity.credentials import methods_of
from maycloud.services.cognito_identity.logins import Login
from maycloud.services.cognito_identity.service import (
    invalid_parameter,
    own_identity,
    own_pool,
    resource_arn,
    service,
    state,
)
from maycloud.services.cognito_identity.store import Pool

LIFETIME = 900  # seconds of a token, unless the request says otherwise
_PAGE = 60


@service.operation(resource=resource_arn)
async def GetOpenIdTokenForDeveloperIdentity(call: Call, params: Params) -> Result:
    """A token for a user of the developer's own, and whatever other logins the user has."""
    tokens = state(call).tokens
    await tokens.prepare()
    with call.store.db.atomic():
        pool = own_pool(call, params["IdentityPoolId"])
        given = dict(params["Logins"])
        subject = given.pop(pool.get("DeveloperProviderName", ""), None)
        public = verified.verify(call, pool, given)
        if subject is None:
            raise invalid_parameter("Logins must name the developer provider of the identity pool.")
        logins = [developer_login(pool, subject), *public]
        identity = _identity(call, pool, params.get("IdentityId"), logins)
    lifetime = params.get("TokenDuration", LIFETIME)
    tags = params.get("PrincipalTags", {})
    return {
        "IdentityId": identity,
        "Token": tokens.sign(pool, identity, methods_of(logins), tags, lifetime),
    }


def developer_login(pool: Pool, subject: str) -> Login:
    method = f"{pool['DeveloperProviderName']}:{pool['IdentityPoolId']}:{subject}"
    return Login(pool["DeveloperProviderName"], subject, {}, method=method)


def _identity(call: Call, pool: Pool, wanted: str | None, logins: list[Login]) -> str:
    """The identity of the logins, or `wanted` if they are its own or nobody's yet."""
    if wanted is None:
        return identities.find_or_make(call, pool, logins)
    identity, found = own_identity(call, wanted)
    if found["IdentityPoolId"] != pool["IdentityPoolId"]:
        raise identities.forbidden(wanted)
    store = state(call).store
    owners = (store.owner(pool["IdentityPoolId"], login.provider, login.subject) for login in logins)
    if any(owner not in (None, identity.id) for owner in owners):
        raise AwsError(
            "DeveloperUserAlreadyRegisteredException",
            "The provided developer user identifier is already registered with Cognito under a different"
            " identity ID.",
        )
    identities.link(call, pool, identity.id, logins)
    return identity.id


@service.operation(resource=resource_arn)
def LookupDeveloperIdentity(call: Call, params: Params) -> Result:
    """From a user to the identity, or from an identity to its users."""
    pool = own_pool(call, params["IdentityPoolId"])
    wanted, subject = params.get("IdentityId"), params.get("DeveloperUserIdentifier")
    if wanted is None and subject is None:
        raise invalid_parameter("Either an identity id or a developer user identifier is required.")
    found = wanted
    if subject is not None:
        found = _owner(call, pool, subject)
        if wanted not in (None, found):
            raise AwsError(
                "ResourceConflictException", "The developer user identifier belongs to another identity."
            )
    assert found is not None
    identity, _ = own_identity(call, found)
    subjects = _subjects(call, pool, identity.id)
    after = params.get("NextToken", "")
    size = params.get("MaxResults", _PAGE)
    page = [each for each in subjects if each > after][: size + 1]
    answer: dict[str, Any] = {"IdentityId": found, "DeveloperUserIdentifierList": page[:size]}
    if len(page) > size:
        answer["NextToken"] = page[size - 1]
    return answer


def _owner(call: Call, pool: Pool, subject: str) -> str:
    provider = pool.get("DeveloperProviderName", "")
    owner = state(call).store.owner(pool["IdentityPoolId"], provider, subject)
    if owner is None:
        raise AwsError("ResourceNotFoundException", f"Developer user '{subject}' not found.")
    return owner


def _subjects(call: Call, pool: Pool, identity: str) -> list[str]:
    provider = pool.get("DeveloperProviderName")
    return sorted(subject for name, subject in state(call).store.logins(identity) if name == provider)


@service.operation(resource=resource_arn)
def MergeDeveloperIdentities(call: Call, params: Params) -> Result:
    """The source's logins go over to the destination's identity, and the source's is disabled."""
    pool = own_pool(call, params["IdentityPoolId"])
    _check_provider(pool, params)
    source = _owner(call, pool, params["SourceUserIdentifier"])
    destination = _owner(call, pool, params["DestinationUserIdentifier"])
    if source == destination:
        return {"IdentityId": destination}
    store = state(call).store
    mine, theirs = store.logins(source), store.logins(destination)
    provider = pool["DeveloperProviderName"]
    if {name for name, _ in mine} & {name for name, _ in theirs} - {provider}:
        raise AwsError("ResourceConflictException", "Both users have a login of the same public provider.")
    if len(mine) + len(theirs) > identities.MAX_LOGINS:
        raise invalid_parameter(f"An identity may have {identities.MAX_LOGINS} logins at the most.")
    for name, subject in mine:
        store.link(pool["IdentityPoolId"], destination, name, subject)
    store.merge(source)
    return {"IdentityId": destination}


@service.operation(resource=resource_arn)
def UnlinkDeveloperIdentity(call: Call, params: Params) -> Result:
    pool = own_pool(call, params["IdentityPoolId"])
    _check_provider(pool, params)
    if _owner(call, pool, params["DeveloperUserIdentifier"]) != params["IdentityId"]:
        raise AwsError(
            "ResourceConflictException", "The developer user identifier belongs to another identity."
        )
    state(call).store.unlink(
        pool["IdentityPoolId"],
        params["IdentityId"],
        params["DeveloperProviderName"],
        params["DeveloperUserIdentifier"],
    )


def _check_provider(pool: Pool, params: Params) -> None:
    if params["DeveloperProviderName"] != pool.get("DeveloperProviderName"):
        raise invalid_parameter("The identity pool has no developer provider of that name.")
