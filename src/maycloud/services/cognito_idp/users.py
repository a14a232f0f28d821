"""Users: found by name, sub or alias; made; kept apart from each other by what names them."""

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from maycloud.errors import AwsError
from maycloud.services.cognito_idp.schema import VERIFIED, is_email, is_phone
from maycloud.services.cognito_idp.service import invalid
from maycloud.services.cognito_idp.store import Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

UNCONFIRMED = "UNCONFIRMED"
CONFIRMED = "CONFIRMED"
FORCE_CHANGE = "FORCE_CHANGE_PASSWORD"
RESET_REQUIRED = "RESET_REQUIRED"


def no_user() -> AwsError:
    return AwsError("UserNotFoundException", "User does not exist.")


def no_combination() -> AwsError:
    """As ForgotPassword, ConfirmSignUp and their like word it."""
    return AwsError("UserNotFoundException", "Username/client id combination not found.")


def find(state: "UserPools", pool: Pool, name: str) -> User | None:
    """The user that a name means: a user name, a sub, or an alias that the pool takes for sign-in."""
    found = state.store.user(pool.id, pool.fold(name))
    if found is not None:
        return found
    found = state.store.user_by_sub(pool.id, name)
    if found is not None:
        return found
    return by_alias(state, pool, name)


def by_alias(state: "UserPools", pool: Pool, name: str) -> User | None:
    for attribute in pool.settings.get("UsernameAttributes", ()):
        for user in _with(state, pool, attribute, name):
            return user
    for attribute in pool.settings.get("AliasAttributes", ()):
        for user in _with(state, pool, attribute, name):
            verified = VERIFIED.get(attribute)
            if verified is None or user.attributes.get(verified) == "true":
                return user
    return None


def _with(state: "UserPools", pool: Pool, attribute: str, value: str) -> list[User]:
    """Users who have the value; addresses are compared without case where the pool compares names so."""
    return state.store.users_with(pool.id, attribute, pool.fold(value))


def require(state: "UserPools", pool: Pool, name: str) -> User:
    found = find(state, pool, name)
    if found is None:
        raise no_user()
    return found


def new(state: "UserPools", pool: Pool, name: str, attributes: dict[str, str], status: str) -> User:
    """A user not yet saved. In a pool where addresses are names, `name` becomes the attribute.

    Raises UsernameExistsException for a name or address that is taken.
    """
    attributes = dict(attributes)
    kinds = pool.settings.get("UsernameAttributes", ())
    sub = str(uuid.uuid4())
    username = name
    if kinds:
        attribute = _address_kind(kinds, name)
        if attributes.setdefault(attribute, name) != name:
            raise invalid(f"User {attribute} must be the same as the username.")
        username = sub
    else:
        _check_name(pool, name)
    attributes = {key: value for key, value in attributes.items() if value != ""}
    if state.store.user(pool.id, pool.fold(username)) is not None:
        raise AwsError("UsernameExistsException", "User already exists")
    fold_addresses(pool, attributes)
    check_addresses(state, pool, None, attributes, "UsernameExistsException")
    now = state.clock.time()
    return User(
        pool.id, pool.fold(username), username, sub, status, enabled=True, created=now, modified=now,
        attributes=attributes,
    )  # fmt: skip


def fold_addresses(pool: Pool, attributes: dict[str, str]) -> None:
    """Addresses that may be signed in with are kept as they are compared."""
    for name in ("email", "preferred_username"):
        if name in attributes:
            attributes[name] = pool.fold(attributes[name])


def _address_kind(kinds: list[str], name: str) -> str:
    if "email" in kinds and is_email(name):
        return "email"
    if "phone_number" in kinds and is_phone(name):
        return "phone_number"
    if len(kinds) == 2:
        raise invalid("Username should be either an email or a phone number.")
    raise invalid(f"Username should be {'an email' if kinds[0] == 'email' else 'a phone number'}.")


def _check_name(pool: Pool, name: str) -> None:
    for kind, looks in (("email", is_email), ("phone_number", is_phone)):
        if kind in pool.settings.get("AliasAttributes", ()) and looks(name):
            word = kind.replace("_number", " number")
            raise invalid(
                f"Username cannot be of {word} format, since user pool is configured for {word} alias."
            )


def check_addresses(
    state: "UserPools", pool: Pool, user: User | None, attributes: dict[str, str], code: str
) -> None:
    """Raises `code` if another user signs in with one of these attributes."""
    for name in pool.settings.get("UsernameAttributes", ()):
        if attributes.get(name):
            for other in _with(state, pool, name, attributes[name]):
                if user is None or other.key != user.key:
                    raise AwsError(code, f"An account with the given {name} already exists.")


def claim_aliases(state: "UserPools", pool: Pool, user: User, *, force: bool = False) -> None:
    """Make sure that `user`, whose attributes were verified, shares no alias; with `force`, take them away.

    Raises AliasExistsException. To be called when the user is about to be saved.
    """
    for name in pool.settings.get("AliasAttributes", ()):
        value = user.attributes.get(name)
        verified = VERIFIED.get(name)
        if not value or (verified is not None and user.attributes.get(verified) != "true"):
            continue
        for other in _with(state, pool, name, value):
            if other.key == user.key:
                continue
            if verified is not None and other.attributes.get(verified) != "true":
                continue
            if not force or verified is None:
                raise AwsError("AliasExistsException", f"An account with the {name} already exists.")
            other.attributes[verified] = "false"
            other.modified = state.clock.time()
            state.store.save_user(other)


def listed(user: User) -> list[Document]:
    """Attributes as operations answer them, the sub first."""
    return [
        {"Name": "sub", "Value": user.sub},
        *({"Name": name, "Value": value} for name, value in user.attributes.items()),
    ]


def described(user: User) -> Document:
    """A UserType."""
    return {
        "Username": user.username,
        "Attributes": listed(user),
        "UserCreateDate": datetime.fromtimestamp(user.created, UTC),
        "UserLastModifiedDate": datetime.fromtimestamp(user.modified, UTC),
        "Enabled": user.enabled,
        "UserStatus": user.status,
    }
