"""App clients: made, changed, listed.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
"""

import re
import secrets
import string
from typing import TYPE_CHECKING, Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import client_secrets, schema
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    client_of,
    invalid,
    moment,
    page,
    pool_of,
    pools,
    service,
)
from maycloud.services.cognito_idp.store import Client, Pool
from maycloud.services.cognito_idp.tokens import lifetime
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

OIDC_SCOPES = frozenset({"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"})

_DEFAULTS: dict[str, Any] = {
    "RefreshTokenValidity": 30,
    "AccessTokenValidity": None,
    "IdTokenValidity": None,
    "TokenValidityUnits": {},
    "ReadAttributes": None,
    "WriteAttributes": None,
    "ExplicitAuthFlows": None,
    "SupportedIdentityProviders": None,
    "CallbackURLs": None,
    "LogoutURLs": None,
    "DefaultRedirectURI": None,
    "AllowedOAuthFlows": None,
    "AllowedOAuthScopes": None,
    "AllowedOAuthFlowsUserPoolClient": False,
    "PreventUserExistenceErrors": None,
    "EnableTokenRevocation": True,
    "EnablePropagateAdditionalUserContextData": False,
    "AuthSessionValidity": 3,
    "RefreshTokenRotation": None,
}
_LEGACY_FLOWS = frozenset({"ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH"})
_ID_ALPHABET = string.ascii_lowercase + string.digits
_RANGES = {
    "AccessToken": (300, 86400),
    "IdToken": (300, 86400),
    "RefreshToken": (3600, 315360000),
}  # seconds
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+")
_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])([:/?].*)?", re.IGNORECASE)


@service.operation(**ADMIN)
def CreateUserPoolClient(call: Call, params: Params) -> Result:
    state = pools(call)
    pool = pool_of(call, params)
    identifier = "".join(secrets.choice(_ID_ALPHABET) for _ in range(26))
    if params.get("GenerateSecret") and params.get("ClientSecret"):
        raise invalid("GenerateSecret and ClientSecret can't be used together.")
    client = Client(identifier, pool.id, {"ClientName": params["ClientName"]})
    if params.get("GenerateSecret") or params.get("ClientSecret"):
        client_secrets.add(state, client, params.get("ClientSecret"))
    client.settings |= _settings(state, pool, client, params)
    client.settings["Created"] = client.settings["Modified"] = call.now()
    state.store.save_client(client)
    return {"UserPoolClient": described(state, client)}


def _settings(state: "UserPools", pool: Pool, client: Client, params: Params) -> Document:
    """What may be set; what is not given takes its default, as AWS does at an update too."""
    if params.get("AnalyticsConfiguration"):
        raise invalid("AnalyticsConfiguration is not supported by Maycloud; see docs/coverage.md")
    settings = {name: params.get(name, default) for name, default in _DEFAULTS.items()}
    settings = {name: value for name, value in settings.items() if value is not None}
    if settings["RefreshTokenValidity"] == 0:
        settings["RefreshTokenValidity"] = 30
    _check_lifetimes(Client(client.id, pool.id, settings))
    _check_flows(settings)
    _check_attributes(pool, settings)
    _check_oauth(state, pool, client, settings)
    if settings["EnablePropagateAdditionalUserContextData"] and not client.secret:
        raise invalid(
            "EnablePropagateAdditionalUserContextData can only be set for clients with a client secret."
        )
    return settings


def _check_lifetimes(client: Client) -> None:
    for token, (low, high) in _RANGES.items():
        if not low <= lifetime(client, token) <= high:
            raise invalid("Invalid range for token validity.")
    if lifetime(client, "RefreshToken") < max(lifetime(client, each) for each in ("AccessToken", "IdToken")):
        raise invalid("Invalid token validity: a refresh token can't expire before the other tokens.")


def _check_flows(settings: Document) -> None:
    flows = settings.get("ExplicitAuthFlows") or []
    if any(each in _LEGACY_FLOWS for each in flows) and any(each not in _LEGACY_FLOWS for each in flows):
        raise invalid(
            "ExplicitAuthFlows: values with the ALLOW_ prefix can't be used with values without it."
        )
    if settings.get("RefreshTokenRotation", {}).get("Feature") == "ENABLED":
        if "ALLOW_REFRESH_TOKEN_AUTH" in flows:
            raise invalid(
                "ALLOW_REFRESH_TOKEN_AUTH can't be in ExplicitAuthFlows with refresh token rotation."
            )
        settings["RefreshTokenRotation"].setdefault("RetryGracePeriodSeconds", 0)


def _check_attributes(pool: Pool, settings: Document) -> None:
    entries = schema.entries_of(pool)
    if any(name not in entries for name in settings.get("ReadAttributes", ())):
        raise invalid("Invalid read attributes specified while creating a client")
    written = settings.get("WriteAttributes", ())
    if any(name not in entries or name in schema.NOT_WRITABLE for name in written):
        raise invalid("Invalid write attributes specified while creating a client")
    needed = {name for name, entry in entries.items() if entry["Required"] and name != "sub"}
    if written and not needed <= set(written):
        raise invalid("Invalid write attributes specified while creating a client")


def _check_oauth(state: "UserPools", pool: Pool, client: Client, settings: Document) -> None:
    flows = settings.get("AllowedOAuthFlows") or []
    scopes = settings.get("AllowedOAuthScopes") or []
    if settings["AllowedOAuthFlowsUserPoolClient"] and not (flows and scopes):
        raise invalid(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use"
            " OAuth flows."
        )
    if "client_credentials" in flows:
        if len(flows) > 1:
            raise AwsError(
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected along with code flow or implicit flow.",
            )
        if not client.secret:
            raise AwsError(
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected if client does not have a client secret.",
            )
        if any(scope in OIDC_SCOPES for scope in scopes):
            raise AwsError(
                "ScopeDoesNotExistException",
                "client_credentials flow can not be selected with OpenID Connect scopes.",
            )
    own = {
        f"{server['Identifier']}/{scope['ScopeName']}"
        for server in state.records.servers(pool.id)
        for scope in server.get("Scopes", ())
    }
    for scope in scopes:
        if scope not in OIDC_SCOPES and scope not in own:
            raise AwsError("ScopeDoesNotExistException", f"Invalid scope requested: {scope}")
    for name in ("CallbackURLs", "LogoutURLs"):
        for url in settings.get(name) or ():
            check_url(url)
    default = settings.get("DefaultRedirectURI")
    if default is not None and default not in (settings.get("CallbackURLs") or ()):
        raise invalid("DefaultRedirectURI should be one of the CallbackURLs.")
    for provider in settings.get("SupportedIdentityProviders") or ():
        if provider != "COGNITO" and state.records.provider(pool.id, provider) is None:
            raise invalid(f"The provider {provider} does not exist for User Pool {pool.id}.")


def check_url(url: str) -> None:
    """A redirect URI as AWS takes it: absolute, without a fragment, HTTPS but for this machine."""
    if _URL.fullmatch(url) is None:
        raise invalid(f"{url} is not a valid absolute URI.")
    if "#" in url:
        raise invalid(f"{url} cannot contain a fragment.")
    if url.lower().startswith("http:") and _LOCAL.fullmatch(url) is None:
        raise invalid(f"{url} cannot use the HTTP protocol.")


def described(state: "UserPools", client: Client) -> Document:
    """A UserPoolClientType."""
    settings = {name: value for name, value in client.settings.items() if name != client_secrets.SETTING}
    found: Document = {
        "UserPoolId": client.pool,
        "ClientId": client.id,
        "CreationDate": moment(settings.pop("Created")),
        "LastModifiedDate": moment(settings.pop("Modified")),
        **settings,
    }
    secret = client_secrets.secret_of(state, client)
    return found | ({"ClientSecret": secret} if secret else {})


@service.operation(**ADMIN_READ)
def DescribeUserPoolClient(call: Call, params: Params) -> Result:
    client = client_of(call, pool_of(call, params), params["ClientId"])
    return {"UserPoolClient": described(pools(call), client)}


@service.operation(**ADMIN)
def UpdateUserPoolClient(call: Call, params: Params) -> Result:
    state = pools(call)
    pool = pool_of(call, params)
    old = client_of(call, pool, params["ClientId"])
    client = Client(old.id, pool.id, {}, old.secret)
    client.settings = {
        "ClientName": params.get("ClientName", old.settings["ClientName"]),
        **_settings(state, pool, client, params),
        client_secrets.SETTING: old.settings.get(client_secrets.SETTING, {}),
        "Created": old.settings["Created"],
        "Modified": call.now(),
    }
    state.store.save_client(client)
    return {"UserPoolClient": described(state, client)}


@service.operation(**ADMIN)
def DeleteUserPoolClient(call: Call, params: Params) -> Result:
    client = client_of(call, pool_of(call, params), params["ClientId"])
    pools(call).store.delete_client(client.id)
    return {}


@service.operation(**ADMIN_READ)
def ListUserPoolClients(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    found, token = page(pools(call).store.clients(pool.id), params, "MaxResults", "NextToken")
    result: Document = {
        "UserPoolClients": [
            {"ClientId": each.id, "UserPoolId": pool.id, "ClientName": each.settings["ClientName"]}
            for each in found
        ]
    }
    return result | ({"NextToken": token} if token else {})


def hides_users(client: Client) -> bool:
    """Whether answers must not tell if a user exists."""
    return client.settings.get("PreventUserExistenceErrors") == "ENABLED"


def allows(client: Client, flow: str) -> bool:
    """Whether a client's users may sign in by a flow, named as in AuthFlow.

    Clients that say nothing have SRP, custom and refresh; the old names add to these.
    """
    flows = client.settings.get("ExplicitAuthFlows") or []
    flow = {"REFRESH_TOKEN": "REFRESH_TOKEN_AUTH", "ADMIN_NO_SRP_AUTH": "ADMIN_USER_PASSWORD_AUTH"}.get(
        flow, flow
    )
    if not flows or any(each in _LEGACY_FLOWS for each in flows):
        if flow in ("USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "CUSTOM_AUTH"):
            return "CUSTOM_AUTH_FLOW_ONLY" not in flows or flow != "USER_SRP_AUTH"
        old = {"ADMIN_USER_PASSWORD_AUTH": "ADMIN_NO_SRP_AUTH", "USER_PASSWORD_AUTH": "USER_PASSWORD_AUTH"}
        return old.get(flow) in flows
    return f"ALLOW_{flow}" in flows
