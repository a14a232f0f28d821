"""Devices that users sign in from: remembered, then proved by a password of their own instead of a factor.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-device-tracking.html
A device's password is made by its SDK and known to nobody else; Cognito has the verifier, as of a user's.
"""

import base64
import uuid
from typing import TYPE_CHECKING

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import challenges, proofs, srp, tokens, users
from maycloud.services.cognito_idp.keys import b64, unb64
from maycloud.services.cognito_idp.service import (
    ADMIN,
    ADMIN_READ,
    PUBLIC,
    invalid,
    moment,
    not_found,
    pool_of,
    pools,
    service,
)
from maycloud.services.cognito_idp.store import Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.challenges import Attempt
    from maycloud.services.cognito_idp.state import UserPools

REMEMBERED = "remembered"
PAGE = 60


def is_tracking(pool: Pool) -> bool:
    return pool.settings.get("DeviceConfiguration") is not None


def group_key(state: "UserPools", pool: Pool) -> str:
    """What a pool's devices are called together, part of what SRP hashes."""
    return "-" + b64(state.vault.mac("device-group", pool.id))[:8].replace("_", "A").replace("-", "B")


def new_key(pool: Pool) -> str:
    return f"{pool.region}_{uuid.uuid4()}"


def gone() -> AwsError:
    """The words by which SDKs know to forget a key of theirs."""
    return not_found("Device does not exist.")


def known(attempt: "Attempt", user: User) -> Document | None:
    """The device that a sign-in names. Raises ResourceNotFoundException for one that is not the user's."""
    if not attempt.device or not is_tracking(attempt.pool):
        return None
    found = attempt.state.records.device(attempt.pool.id, user.key, attempt.device)
    if found is None:
        raise gone()
    return found


def stands_for_factor(pool: Pool, device: Document | None) -> bool:
    """Whether a sign-in from the device is asked for the device's proof and not for a second factor."""
    required = (pool.settings.get("DeviceConfiguration") or {}).get("ChallengeRequiredOnNewDevice", False)
    return device is not None and device["Status"] == REMEMBERED and required


def ask(attempt: "Attempt", user: User, device: Document) -> Document:
    """DEVICE_SRP_AUTH; SDKs that send no session with their answer are found by user and device."""
    asked = challenges.ask(
        attempt, user, "DEVICE_SRP_AUTH", {"USERNAME": user.username, "DEVICE_KEY": device["Key"]}
    )
    attempt.state.records.put_session(
        attempt.pool.id, attempt.expires(), {"Challenge": "", "Session": asked["Session"]},
        _pending(attempt, user.key, device["Key"]),
    )  # fmt: skip
    return asked


def _pending(attempt: "Attempt", key: str, device: str) -> str:
    return f"device:{attempt.pool.id}:{attempt.client.id}:{key}:{device}"


def pending_session(attempt: "Attempt", user: User | None, device: str) -> str | None:
    """The session of the challenge that the user's device was given last."""
    if user is None:
        return None
    found = attempt.state.records.session(_pending(attempt, user.key, device))
    return found[2]["Session"] if found is not None else None


async def answer_public(
    attempt: "Attempt", user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    """DEVICE_SRP_AUTH: the client's half of SRP; answered with DEVICE_PASSWORD_VERIFIER."""
    assert user is not None
    device = _proving(attempt, user, given)
    a_public = srp.read_public(given.get("SRP_A", ""))
    if a_public is None:
        raise invalid("Invalid SRP_A value.")
    state = attempt.state
    state.records.spend_session(session)
    b_secret, b_public = srp.challenge(base64.b64decode(device["Verifier"]))
    block = challenges.new_block()
    state.records.put_session(
        attempt.pool.id, attempt.expires(),
        {
            **held, "Challenge": "DEVICE_PASSWORD_VERIFIER", "A": f"{a_public:x}", "b": f"{b_secret:x}",
            "B": f"{b_public:x}", "Verifier": device["Verifier"],
        },
        block,
    )  # fmt: skip
    return {
        "ChallengeName": "DEVICE_PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "SALT": base64.b64decode(device["Salt"]).hex(),
            "SECRET_BLOCK": block,
            "SRP_B": f"{b_public:x}",
            "USERNAME": user.username,
            "DEVICE_KEY": device["Key"],
            "USER_ID_FOR_SRP": user.username,
        },
    }


async def answer_proof(
    attempt: "Attempt", user: User | None, given: dict[str, str], held: Document, session: str
) -> Document:
    """DEVICE_PASSWORD_VERIFIER: the proof that the device has its password."""
    assert user is not None
    device = _proving(attempt, user, given)
    verifier = base64.b64decode(held["Verifier"])
    right = proofs.is_good(
        attempt, given, held, session, verifier, group_key(attempt.state, attempt.pool), device["Key"]
    )
    if not right or device["Verifier"] != held["Verifier"]:
        raise challenges.wrong()
    return await challenges.proceed(attempt, user, factors=True, device_proved=True)


def _proving(attempt: "Attempt", user: User, given: dict[str, str]) -> Document:
    """The device of a challenge, which the answer names too."""
    device = attempt.state.records.device(attempt.pool.id, user.key, attempt.device)
    if device is None or given.get("DEVICE_KEY") != attempt.device:
        raise gone()
    return device


def signed_in(state: "UserPools", pool: Pool, user: User, device: Document) -> None:
    device["Authenticated"] = state.clock.time()
    state.records.put_device(pool.id, user.key, device)


# Operations of users


@service.operation(**PUBLIC)
def ConfirmDevice(call: Call, params: Params) -> Result:
    """Words of a key that was not given to the sign-in: https://github.com/boto/boto3/issues/4059."""
    state = pools(call)
    pool, _, user, claims = tokens.user_of(state, params["AccessToken"])
    key, config = params["DeviceKey"], params.get("DeviceSecretVerifierConfig") or {}
    if state.records.device(pool.id, user.key, key) is not None:
        raise AwsError("DeviceKeyExistsException", "Device already exists.")
    if not is_tracking(pool) or claims.get("device_key") != key:
        raise invalid("Invalid device key given.")
    salt, verifier = _secret(config.get("Salt")), _secret(config.get("PasswordVerifier"))
    by_prompt = pool.settings["DeviceConfiguration"].get("DeviceOnlyRememberedOnUserPrompt", False)
    now = call.now()
    device: Document = {
        "Key": key, "Salt": salt, "Verifier": verifier, "Name": params.get("DeviceName") or "",
        "Status": "not_remembered" if by_prompt else REMEMBERED, "Created": now, "Modified": now,
        "Authenticated": now, "Ip": call.source_ip,
    }  # fmt: skip
    state.records.put_device(pool.id, user.key, device)
    return {"UserConfirmationNecessary": by_prompt}


def _secret(text: str | None) -> str:
    """Base64 as SDKs send it. Raises InvalidParameterException."""
    try:
        raw = base64.b64decode(text or "", validate=True)
    except ValueError:
        raw = b""
    if not 0 < len(raw) <= 400:
        raise invalid("Invalid device secret verifier config given.")
    return base64.b64encode(raw).decode()


def _own(call: Call, params: Params) -> tuple[Pool, User, Document]:
    """A device of the signed-in user: the one named, else the one signed in from."""
    state = pools(call)
    pool, _, user, claims = tokens.user_of(state, params["AccessToken"])
    key = params.get("DeviceKey") or claims.get("device_key", "")
    found = state.records.device(pool.id, user.key, key)
    if found is None:
        raise gone()
    return pool, user, found


@service.operation(**PUBLIC, atomic=False)
def GetDevice(call: Call, params: Params) -> Result:
    pool, user, found = _own(call, params)
    if found["Status"] != REMEMBERED:
        raise gone()
    return {"Device": _described(pool, user, found, admin=False)}


@service.operation(**PUBLIC)
def ForgetDevice(call: Call, params: Params) -> Result:
    pool, user, found = _own(call, params)
    pools(call).records.delete_device(pool.id, user.key, found["Key"])
    return None


@service.operation(**PUBLIC)
def UpdateDeviceStatus(call: Call, params: Params) -> Result:
    pool, user, found = _own(call, params)
    _set_status(call, pool, user, found, params)
    return {}


@service.operation(**PUBLIC, atomic=False)
def ListDevices(call: Call, params: Params) -> Result:
    """Those that are remembered."""
    state = pools(call)
    pool, _, user, _ = tokens.user_of(state, params["AccessToken"])
    found = [each for each in state.records.devices(pool.id, user.key) if each["Status"] == REMEMBERED]
    return _page(params, [_described(pool, user, each, admin=False) for each in found])


def _set_status(call: Call, pool: Pool, user: User, device: Document, params: Params) -> None:
    device["Status"] = params.get("DeviceRememberedStatus") or device["Status"]
    device["Modified"] = call.now()
    pools(call).records.put_device(pool.id, user.key, device)


def _described(pool: Pool, user: User, device: Document, *, admin: bool) -> Document:
    """A DeviceType; attributes that begin with ``dev:`` are for administrators."""
    attributes = {"device_status": "valid"}
    if device["Name"]:
        attributes["device_name"] = device["Name"]
    if admin:
        owner = f"{user.username}.{pool.id}"
        attributes["dev:device_arn"] = (
            f"arn:aws:cognito-idp:{pool.region}:{pool.account}:owner/{owner}/device/{device['Key']}"
        )
        attributes["dev:device_owner"] = owner
    attributes["last_ip_used"] = device["Ip"]
    if admin:
        attributes["dev:device_remembered_status"] = device["Status"]
    return {
        "DeviceKey": device["Key"],
        "DeviceAttributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
        "DeviceCreateDate": moment(device["Created"]),
        "DeviceLastModifiedDate": moment(device["Modified"]),
        "DeviceLastAuthenticatedDate": moment(device["Authenticated"]),
    }


def _page(params: Params, listed: list[Document]) -> Document:
    """A page after the device that the token names."""
    after, limit = "", params.get("Limit") or PAGE
    if params.get("PaginationToken"):
        try:
            after = unb64(params["PaginationToken"]).decode()
        except ValueError as error:
            raise invalid("Invalid pagination token provided.") from error
    rest = [each for each in listed if each["DeviceKey"] > after]
    result: Document = {"Devices": rest[:limit]}
    if len(rest) > limit:
        result["PaginationToken"] = b64(rest[limit - 1]["DeviceKey"].encode())
    return result


# Operations of administrators


def _of_user(call: Call, params: Params) -> tuple[Pool, User]:
    pool = pool_of(call, params)
    return pool, users.require(pools(call), pool, params["Username"])


def _named(call: Call, params: Params) -> tuple[Pool, User, Document]:
    pool, user = _of_user(call, params)
    found = pools(call).records.device(pool.id, user.key, params["DeviceKey"])
    if found is None:
        raise gone()
    return pool, user, found


@service.operation(**ADMIN_READ)
def AdminGetDevice(call: Call, params: Params) -> Result:
    return {"Device": _described(*_named(call, params), admin=True)}


@service.operation(**ADMIN_READ)
def AdminListDevices(call: Call, params: Params) -> Result:
    pool, user = _of_user(call, params)
    found = pools(call).records.devices(pool.id, user.key)
    return _page(params, [_described(pool, user, each, admin=True) for each in found])


@service.operation(**ADMIN)
def AdminForgetDevice(call: Call, params: Params) -> Result:
    pool, user, found = _named(call, params)
    pools(call).records.delete_device(pool.id, user.key, found["Key"])
    return None


@service.operation(**ADMIN)
def AdminUpdateDeviceStatus(call: Call, params: Params) -> Result:
    _set_status(call, *_named(call, params), params)
    return {}
