"""Changing attributes of users, and proving again the addresses among them.

https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-email-phone-verification.html
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from maycloud.services.cognito_idp import codes, schema, users
from maycloud.services.cognito_idp.schema import VERIFIED
from maycloud.services.cognito_idp.service import invalid
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools


async def change(
    state: "UserPools",
    pool: Pool,
    client: Client | None,
    user: User,
    changes: dict[str, str],
    metadata: dict[str, str] | None,
) -> list[Document]:
    """Set attributes of a user, and send codes to new addresses; gives the codes' CodeDeliveryDetails.

    An address that the pool wants verified before the update stays as it is until the code is given.
    """
    schema.check_values(pool, changes)
    schema.check_mutable(pool, changes)
    changes = schema.normalise(changes)
    users.fold_addresses(pool, changes)
    attributes, pending = _apply(pool, user, changes)
    _check_kept(pool, user, attributes)
    users.check_addresses(state, pool, user, {**attributes, **changes}, "AliasExistsException")
    user.attributes = attributes
    user.modified = state.clock.time()
    with state.db.atomic():
        users.claim_aliases(state, pool, user)
        state.store.save_user(user)
    return [
        await codes.send(
            state,
            pool,
            client,
            user,
            "CustomMessage_UpdateUserAttribute",
            codes.ATTRIBUTE,
            name,
            metadata,
            value,
        )
        for name, value in pending.items()
    ]


def _apply(pool: Pool, user: User, changes: dict[str, str]) -> tuple[dict[str, str], dict[str, str | None]]:
    """The attributes after a change, and the addresses that need a code, with those not yet in place."""
    before = pool.settings.get("UserAttributeUpdateSettings", {}).get(
        "AttributesRequireVerificationBeforeUpdate", ()
    )
    verified = pool.settings.get("AutoVerifiedAttributes", ())
    pending: dict[str, str | None] = {}
    attributes = dict(user.attributes)
    for name, value in changes.items():
        if name in VERIFIED and value != user.attributes.get(name):
            proven = changes.get(VERIFIED[name]) == "true"
            if name in before and not proven and user.attributes.get(name):
                pending[name] = value
                continue
            if name in verified and not proven and value:
                pending[name] = None
            attributes[VERIFIED[name]] = "true" if proven else "false"
        attributes[name] = value
    return {name: value for name, value in attributes.items() if value != ""}, pending


def remove(state: "UserPools", pool: Pool, user: User, names: Iterable[str]) -> None:
    names = list(names)
    entries = schema.entries_of(pool)
    unknown = [
        f"user.{name}: Attribute does not exist in the schema.\n" for name in names if name not in entries
    ]
    if unknown:
        raise invalid(f"Invalid user attributes: {''.join(unknown)}")
    schema.check_mutable(pool, names)
    gone = {*names, *(VERIFIED[name] for name in names if name in VERIFIED)}
    attributes = {name: value for name, value in user.attributes.items() if name not in gone}
    _check_kept(pool, user, attributes)
    user.attributes = attributes
    user.modified = state.clock.time()
    state.store.save_user(user)


def _check_kept(pool: Pool, user: User, attributes: dict[str, str]) -> None:
    """Raises if a required attribute, or the address that the user signs in with, would be lost."""
    for name, entry in schema.entries_of(pool).items():
        if entry["Required"] and name in user.attributes and name not in attributes:
            raise invalid(f"Attributes did not conform to the schema: {name}: The attribute is required\n")
    kinds = pool.settings.get("UsernameAttributes", ())
    if kinds and not any(attributes.get(kind) for kind in kinds):
        raise invalid(f"User must have a {kinds[0]}: it is what the user signs in with.")
