"""Identity providers of others that a pool may know: their settings.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateIdentityProvider.html
Nobody signs in with them yet: the hosted pages refuse an ``identity_provider`` other than COGNITO.
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import schema
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    invalid,
    moment,
    not_found,
    page,
    pool_of,
    pools,
    service,
)
from maycloud.services.cognito_idp.store import Pool
from maycloud.store import Document

MAX_PROVIDERS = 300

# By type: what must be given, what Cognito adds unless it is given, the claim that names the user. The names
# and addresses are those of the reference's examples.
_SOCIAL = ("client_id", "client_secret", "authorize_scopes")
_TYPES: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "Google": (
        _SOCIAL,
        {
            "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
            "attributes_url_add_attributes": "true",
            "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
            "oidc_issuer": "https://accounts.google.com",
            "token_request_method": "POST",
            "token_url": "https://www.googleapis.com/oauth2/v4/token",
        },
        "sub",
    ),
    "Facebook": (
        _SOCIAL,
        {
            "attributes_url": "https://graph.facebook.com/v17.0/me?fields=",
            "attributes_url_add_attributes": "true",
            "authorize_url": "https://www.facebook.com/v17.0/dialog/oauth",
            "token_request_method": "GET",
            "token_url": "https://graph.facebook.com/v17.0/oauth/access_token",
        },
        "id",
    ),
    "LoginWithAmazon": (
        _SOCIAL,
        {
            "attributes_url": "https://api.amazon.com/user/profile",
            "attributes_url_add_attributes": "false",
            "authorize_url": "https://www.amazon.com/ap/oa",
            "token_request_method": "POST",
            "token_url": "https://api.amazon.com/auth/o2/token",
        },
        "user_id",
    ),
    "SignInWithApple": (
        ("client_id", "team_id", "key_id", "authorize_scopes"),
        {
            "attributes_url_add_attributes": "false",
            "authorize_url": "https://appleid.apple.com/auth/authorize",
            "oidc_issuer": "https://appleid.apple.com",
            "token_request_method": "POST",
            "token_url": "https://appleid.apple.com/auth/token",
        },
        "sub",
    ),
    "OIDC": (
        ("client_id", "authorize_scopes", "oidc_issuer", "attributes_request_method"),
        {"attributes_url_add_attributes": "false"},
        "sub",
    ),
    "SAML": ((), {}, ""),
}
_OWN_NAMES = frozenset({"Google", "Facebook", "LoginWithAmazon", "SignInWithApple"})
_OURS = "COGNITO"


def _find(call: Call, pool: Pool, name: str) -> Document:
    found = pools(call).records.provider(pool.id, name)
    if found is None:
        raise not_found(f"Identity provider {name} does not exist.")
    return found


def _described(pool: Pool, found: Document) -> Document:
    dates = {"CreationDate": moment(found["Created"]), "LastModifiedDate": moment(found["Modified"])}
    kept = {name: value for name, value in found.items() if name not in ("Created", "Modified")}
    return {"UserPoolId": pool.id, **kept, **dates}


def _details(kind: str, given: dict[str, str]) -> dict[str, str]:
    needed, added, _ = _TYPES[kind]
    if kind == "SAML" and not (given.get("MetadataURL") or given.get("MetadataFile")):
        raise invalid("MetadataFile or MetadataURL is required for SAML providers.")
    missing = [name for name in needed if not given.get(name)]
    if missing:
        raise invalid(f"Provider details of type {kind} are missing: {', '.join(missing)}.")
    return {**added, **given}


def _mapping(pool: Pool, kind: str, given: dict[str, str] | None) -> dict[str, str]:
    entries = schema.entries_of(pool)
    unknown = [name for name in given or () if name not in entries and name != "username"]
    if unknown:
        raise invalid(
            f"Attribute mapping names attributes that the pool does not have: {', '.join(unknown)}."
        )
    user = _TYPES[kind][2]
    return {**({"username": user} if user else {}), **(given or {})}


def _check_identifiers(call: Call, pool: Pool, name: str, identifiers: list[str]) -> None:
    for other in pools(call).records.providers(pool.id):
        taken = set(other["IdpIdentifiers"]) & set(identifiers)
        if taken and other["ProviderName"] != name:
            raise invalid(f"The identifier {min(taken)} is used by another provider of the user pool.")


@service.operation(**ADMIN)
def CreateIdentityProvider(call: Call, params: Params) -> Result:
    """The words of a wrong name: https://github.com/aws/aws-cli/issues/3179; of a second one:
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1287."""
    pool, name, kind = pool_of(call, params), params["ProviderName"], params["ProviderType"]
    records = pools(call).records
    if name == _OURS or ((kind in _OWN_NAMES or name in _OWN_NAMES) and name != kind):
        raise invalid(f"Provider {name} cannot be of type {kind}.")
    if records.provider(pool.id, name) is not None:
        raise AwsError("DuplicateProviderException", f"{name} already exists in user pool {pool.id}.")
    if len(records.providers(pool.id)) >= MAX_PROVIDERS:
        raise AwsError("LimitExceededException", "The maximum number of identity providers was reached.")
    identifiers = params.get("IdpIdentifiers") or []
    _check_identifiers(call, pool, name, identifiers)
    made: Document = {
        "ProviderName": name,
        "ProviderType": kind,
        "ProviderDetails": _details(kind, params["ProviderDetails"]),
        "AttributeMapping": _mapping(pool, kind, params.get("AttributeMapping")),
        "IdpIdentifiers": identifiers,
        "Created": call.now(),
        "Modified": call.now(),
    }
    records.put_provider(pool.id, name, made)
    return {"IdentityProvider": _described(pool, made)}


@service.operation(**ADMIN_READ)
def DescribeIdentityProvider(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    return {"IdentityProvider": _described(pool, _find(call, pool, params["ProviderName"]))}


@service.operation(**ADMIN_READ)
def GetIdentityProviderByIdentifier(call: Call, params: Params) -> Result:
    pool, identifier = pool_of(call, params), params["IdpIdentifier"]
    for found in pools(call).records.providers(pool.id):
        if identifier in found["IdpIdentifiers"]:
            return {"IdentityProvider": _described(pool, found)}
    raise not_found(f"Identity provider with identifier {identifier} does not exist.")


@service.operation(**ADMIN)
def UpdateIdentityProvider(call: Call, params: Params) -> Result:
    pool, name = pool_of(call, params), params["ProviderName"]
    found = _find(call, pool, name)
    kind = found["ProviderType"]
    changed: dict[str, Any] = {"Modified": call.now()}
    if params.get("ProviderDetails") is not None:
        changed["ProviderDetails"] = _details(kind, params["ProviderDetails"])
    if params.get("AttributeMapping") is not None:
        changed["AttributeMapping"] = _mapping(pool, kind, params["AttributeMapping"])
    if params.get("IdpIdentifiers") is not None:
        _check_identifiers(call, pool, name, params["IdpIdentifiers"])
        changed["IdpIdentifiers"] = params["IdpIdentifiers"]
    pools(call).records.put_provider(pool.id, name, found | changed)
    return {"IdentityProvider": _described(pool, found | changed)}


@service.operation(**ADMIN)
def DeleteIdentityProvider(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    _find(call, pool, params["ProviderName"])
    pools(call).records.delete_provider(pool.id, params["ProviderName"])
    return None


@service.operation(**ADMIN_READ)
def ListIdentityProviders(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    found, token = page(pools(call).records.providers(pool.id), params, "MaxResults", "NextToken")
    shown = ("ProviderName", "ProviderType", "LastModifiedDate", "CreationDate")
    listed = [{name: each[name] for name in shown} for each in (_described(pool, one) for one in found)]
    return {"Providers": listed} | ({"NextToken": token} if token else {})
