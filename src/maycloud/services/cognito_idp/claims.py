"""What tokens say of a user, and what a PreTokenGeneration function may change of it.

https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html
"""

from typing import Any

from maycloud.services.cognito_idp.store import Client, Login, Pool, User
from maycloud.store import Document

_BOOLEANS = frozenset({"email_verified", "phone_number_verified"})
_OF_SCOPE = {
    "email": frozenset({"email", "email_verified"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
}
# Claims that a function can neither add, change nor leave out.
_FIXED = frozenset(
    {
        "acr", "amr", "at_hash", "auth_time", "azp", "exp", "iat", "iss", "jti", "nbf", "nonce", "origin_jti",
        "sub", "token_use", "event_id",
    }
)  # fmt: skip
_FIXED_IDENTITY = _FIXED | {"aud", "cognito:username", "identities"}
_FIXED_ACCESS = _FIXED | {"username", "client_id", "scope", "device_key", "version"}


def readable(client: Client, name: str) -> bool:
    """Whether the client may see an attribute of its users: all, unless it lists some."""
    listed = client.settings.get("ReadAttributes")
    return not listed or name in listed or name == "sub"


def of_identity(
    client: Client, user: User, login: Login, groups: list[Document], changes: Document
) -> Document:
    """The ID token's claims beside those that all tokens share."""
    body: Document = {"aud": client.id, "token_use": "id", "cognito:username": user.username}
    body |= attributes(client, user, login.body["Scopes"] if login.body["Hosted"] else None)
    if login.body.get("Nonce"):
        body["nonce"] = login.body["Nonce"]
    body |= _membership(groups, changes)
    _apply(body, changes.get("id", {}), _FIXED_IDENTITY)
    return body


def of_access(
    pool: Pool, client: Client, user: User, login: Login, groups: list[Document], changes: Document
) -> Document:
    """The access token's claims beside those that all tokens share."""
    asked = changes.get("access", {})
    scopes = [each for each in login.body["Scopes"] if each not in asked.get("scopesToSuppress", ())]
    scopes += [each for each in asked.get("scopesToAdd", ()) if each not in scopes]
    body: Document = {
        "client_id": client.id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "username": user.username,
    }
    if login.body["Hosted"] or changes.get("version") in ("2", "3"):
        body["version"] = 2
    if login.body.get("Device"):
        body["device_key"] = login.body["Device"]
    member = _membership(groups, changes)
    if "cognito:groups" in member:
        body["cognito:groups"] = member["cognito:groups"]
    _apply(body, asked, _FIXED_ACCESS)
    return body


def attributes(client: Client, user: User, scopes: list[str] | None) -> Document:
    """A user's attributes as claims: what the client may read and, of hosted sign-ins, the scopes give."""
    found: Document = {}
    limited = scopes is not None and "profile" not in scopes and any(each in scopes for each in _OF_SCOPE)
    allowed = frozenset[str]().union(*(_OF_SCOPE.get(scope, ()) for scope in scopes or ()))
    for name, value in user.attributes.items():
        if not readable(client, name) or name.startswith("dev:") or (limited and name not in allowed):
            continue
        if name in _BOOLEANS:
            found[name] = value == "true"
        elif name == "address":
            found[name] = {"formatted": value}
        else:
            found[name] = value
    return found


def roles(groups: list[Document]) -> tuple[list[str], str]:
    """The roles of a user's groups and the one that goes before, "" if that is not certain.

    https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-user-groups.html
    """
    listed = list(dict.fromkeys(group["RoleArn"] for group in groups if group.get("RoleArn")))
    ranked = [group for group in groups if group.get("Precedence") is not None]
    first = {
        group.get("RoleArn", "") for group in ranked if group["Precedence"] == ranked[0]["Precedence"]
    } - {""}
    return listed, first.pop() if len(first) == 1 else ""


def _membership(groups: list[Document], changes: Document) -> Document:
    """Claims of groups and roles; a function's override takes the place of what the groups say."""
    names: Any = [group["GroupName"] for group in groups]
    listed, preferred = roles(groups)
    override = changes.get("groups") or {}
    if override.get("groupsToOverride") is not None:
        names = override["groupsToOverride"]
    if override.get("iamRolesToOverride") is not None:
        listed = override["iamRolesToOverride"]
    if override.get("preferredRole") is not None:
        preferred = override["preferredRole"]
    body: Document = {}
    if names:
        body["cognito:groups"] = names
    if listed:
        body["cognito:roles"] = listed
    if preferred:
        body["cognito:preferred_role"] = preferred
    return body


def _apply(body: Document, asked: Document, fixed: frozenset[str]) -> None:
    for name, value in (asked.get("claimsToAddOrOverride") or {}).items():
        if name not in fixed:
            body[name] = value
    for name in asked.get("claimsToSuppress") or ():
        if name not in fixed:
            body.pop(name, None)
