"""Secrets of app clients: one, or two while an app goes over from the old to the new.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AddUserPoolClientSecret.html
"""

import base64
import hmac
import secrets
import string
from typing import TYPE_CHECKING

import orjson

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    client_of,
    invalid,
    moment,
    not_authorized,
    not_found,
    pool_of,
    pools,
    service,
)
from maycloud.services.cognito_idp.store import Client
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

MAX_SECRETS = 2
SETTING = "Secrets"  # of a client: when each of its secrets was made, by the secret's id

_ALPHABET = string.ascii_lowercase + string.digits
_LENGTH = 52


def _open(state: "UserPools", client: Client) -> dict[str, str]:
    """A client's secrets by their ids, the oldest first."""
    if not client.secret:
        return {}
    text = state.vault.open(f"secret:{client.id}", client.secret).decode()
    # Those kept before there could be two are the bare text.
    return orjson.loads(text) if text.startswith("{") else {f"{client.id}--0": text}


def _seal(state: "UserPools", client: Client, found: dict[str, str]) -> None:
    client.secret = state.vault.seal(f"secret:{client.id}", orjson.dumps(found)) if found else b""


def add(state: "UserPools", client: Client, given: str | None) -> tuple[str, str]:
    """Give a client, who is then to be saved, one more secret; its id and the secret."""
    found = _open(state, client)
    now = state.clock.time()
    number = int(now * 1000)
    while f"{client.id}--{number}" in found:
        number += 1
    identifier = f"{client.id}--{number}"
    found[identifier] = given or "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    _seal(state, client, found)
    client.settings[SETTING] = {**client.settings.get(SETTING, {}), identifier: now}
    return identifier, found[identifier]


def secret_of(state: "UserPools", client: Client) -> str | None:
    """The client's secret, the newest of two."""
    return next(reversed(_open(state, client).values()), None)


def check_secret(state: "UserPools", client: Client, given: str | None) -> bool:
    """Whether `given` is a secret of the client; a client without one must be given none."""
    found = _open(state, client)
    if not found or given is None:
        return not found and not given
    good = False
    for secret in found.values():
        good |= hmac.compare_digest(secret.encode(), given.encode())
    return good


def check_secret_hash(state: "UserPools", client: Client, given: str | None, *names: str) -> None:
    """SECRET_HASH: base64(HMAC-SHA256(secret, user name + client id)), by any of the user's names.

    https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
    """
    found = _open(state, client)
    if not found:
        if given:
            raise not_authorized(f"Unable to verify secret hash for client {client.id}")
        return
    if not given:
        raise not_authorized(f"Client {client.id} is configured with secret but SECRET_HASH was not received")
    good = False
    for secret in found.values():
        for name in names:
            digest = hmac.digest(secret.encode(), f"{name}{client.id}".encode(), "sha256")
            good |= hmac.compare_digest(base64.b64encode(digest), given.encode())
    if not good:
        raise not_authorized(f"Unable to verify secret hash for client {client.id}")


# Operations


def _described(client: Client, identifier: str) -> Document:
    made = client.settings.get(SETTING, {}).get(identifier, client.settings["Created"])
    return {"ClientSecretId": identifier, "ClientSecretCreateDate": moment(made)}


def _copy(call: Call, params: Params) -> Client:
    """The client as one may change it: what the store hands out is what everybody reads."""
    found = client_of(call, pool_of(call, params), params["ClientId"])
    return Client(found.id, found.pool, dict(found.settings), found.secret)


@service.operation(**ADMIN)
def AddUserPoolClientSecret(call: Call, params: Params) -> Result:
    """The answer has the secret only if it was made here."""
    state, client = pools(call), _copy(call, params)
    if len(_open(state, client)) >= MAX_SECRETS:
        raise AwsError(
            "LimitExceededException", f"An app client can have at most {MAX_SECRETS} active secrets."
        )
    given = params.get("ClientSecret")
    identifier, secret = add(state, client, given)
    state.store.save_client(client)
    shown = {} if given else {"ClientSecretValue": secret}
    return {"ClientSecretDescriptor": {**_described(client, identifier), **shown}}


@service.operation(**ADMIN_READ)
def ListUserPoolClientSecrets(call: Call, params: Params) -> Result:
    state = pools(call)
    client = client_of(call, pool_of(call, params), params["ClientId"])
    return {"ClientSecrets": [_described(client, each) for each in _open(state, client)]}


@service.operation(**ADMIN)
def DeleteUserPoolClientSecret(call: Call, params: Params) -> Result:
    state, client = pools(call), _copy(call, params)
    found, identifier = _open(state, client), params["ClientSecretId"]
    if identifier not in found:
        raise not_found(f"Client secret {identifier} does not exist.")
    if len(found) == 1:
        raise invalid("The last secret of an app client cannot be deleted.")
    del found[identifier]
    _seal(state, client, found)
    kept = client.settings.get(SETTING, {})
    client.settings[SETTING] = {name: made for name, made in kept.items() if name in found}
    state.store.save_client(client)
    return {}
