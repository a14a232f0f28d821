"""ListUsers, with its filters.

https://docs.aws.amazon.com/cognito/latest/developerguide/how-to-manage-user-accounts.html
"""

import re
from typing import TYPE_CHECKING

from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import schema, users
from maycloud.services.cognito_idp.keys import b64, unb64
from maycloud.services.cognito_idp.service import ADMIN_READ, invalid, pool_of, pools, service
from maycloud.services.cognito_idp.store import SEARCHABLE, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

PAGE = 60

_FILTER = re.compile(r'\s*"?(?P<name>[\w:]+)"?\s*(?P<kind>\^?=)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*')
_ENABLED = {"enabled": True, "disabled": False}


@service.operation(**ADMIN_READ)
def ListUsers(call: Call, params: Params) -> Result:
    state, pool = pools(call), pool_of(call, params)
    wanted = params.get("AttributesToGet")
    entries = schema.entries_of(pool)
    if wanted and any(name not in entries for name in wanted):
        raise invalid("One or more requested attributes do not exist.")
    limit = params.get("Limit") or PAGE
    after = _read_token(params.get("PaginationToken"))
    found = _find(state, pool, params.get("Filter") or "", after, limit + 1)
    result: Document = {"Users": [_described(user, wanted) for user in found[:limit]]}
    if len(found) > limit:
        result["PaginationToken"] = b64(found[limit - 1].key.encode())
    return result


def _read_token(token: str | None) -> str:
    if token is None:
        return ""
    try:
        return unb64(token).decode()
    except ValueError as error:
        raise invalid("Invalid pagination token provided.") from error


def _described(user: User, wanted: list[str] | None) -> Document:
    described = users.described(user)
    if wanted is not None:
        described["Attributes"] = [each for each in described["Attributes"] if each["Name"] in wanted]
    return described


def _find(state: "UserPools", pool: Pool, text: str, after: str, limit: int) -> list[User]:
    """Up to `limit` users whose key follows `after`, in order of key."""
    if not text.strip():
        return state.store.users(pool.id, after, limit)
    match = _FILTER.fullmatch(text)
    if match is None:
        raise invalid("Error while parsing filter.")
    name, prefix = match["name"], match["kind"] == "^="
    value = re.sub(r"\\(.)", r"\1", match["value"])
    if name in SEARCHABLE:
        found = state.store.users_with(pool.id, name, pool.fold(value), prefix=prefix)
    elif name in ("username", "sub"):
        found = state.store.users_by(pool.id, name, value, prefix=prefix)
    elif name == "cognito:user_status":
        found = state.store.users_by(pool.id, "status", value.upper(), prefix=prefix)
    elif name == "status":
        enabled = [flag for word, flag in _ENABLED.items() if word == value.lower()]
        found = state.store.users_by(pool.id, "enabled", enabled[0]) if enabled else []
    else:
        raise invalid(f"Invalid search attribute: {name}")
    return [user for user in found if user.key > after][:limit]
