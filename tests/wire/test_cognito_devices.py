"""Devices of users, as pycognito proves them: remembered in place of a second factor, and forgotten."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP, generate_hash_device

from running import RunningCloud
from userpools import PASSWORD, claims_of, code_of, message_of, new_client, new_pool, person

CLIENTS = Path(__file__).parents[1] / "clients"
ALWAYS = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
BY_PROMPT = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": True}
NOT_THERE = ("ResourceNotFoundException", "Device does not exist.")


@pytest.fixture
def idp(client: Callable[..., Any]) -> Any:
    return client("cognito-idp")


def refused(run: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        run()
    return code_of(error), message_of(error)


def srp(idp: Any, pool: str, app: str, name: str, **device: str) -> Any:
    return AWSSRP(name, PASSWORD, pool, app, client=idp, **device).authenticate_user()


class Device:
    """A device on which a user has signed in, confirmed with a password of its own."""

    def __init__(self, idp: Any, pool: str, app: str, name: str) -> None:
        self.result = srp(idp, pool, app, name)["AuthenticationResult"]
        self.token = self.result["AccessToken"]
        metadata = self.result["NewDeviceMetadata"]
        self.key, self.group = metadata["DeviceKey"], metadata["DeviceGroupKey"]
        self.password, config = generate_hash_device(self.group, self.key)
        self.confirmed = idp.confirm_device(
            AccessToken=self.token, DeviceKey=self.key, DeviceName="phone", DeviceSecretVerifierConfig=config
        )

    @property
    def given(self) -> dict[str, str]:
        return {
            "device_key": self.key,
            "device_group_key": self.group,
            "device_password": self.password,
        }


def tracking(cloud: RunningCloud, settings: dict[str, bool]) -> tuple[str, str]:
    pool = new_pool(cloud, AutoVerifiedAttributes=["email"], DeviceConfiguration=settings)
    return pool, new_client(cloud, pool)


def mfa_by_mail(idp: Any, pool: str, name: str) -> None:
    idp.set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="OPTIONAL", EmailMfaConfiguration={"Message": "{####}"}
    )
    idp.admin_set_user_mfa_preference(UserPoolId=pool, Username=name, EmailMfaSettings={"Enabled": True})


def challenge_of(asked: dict[str, Any]) -> str:
    return asked["ChallengeName"]


def signs_in_with_a_factor(idp: Any, pool: str, app: str, name: str, **device: str) -> bool:
    """Whether a sign-in is asked for the code that was mailed, which pycognito does not answer."""
    return challenge_of(srp(idp, pool, app, name, **device)) == "EMAIL_OTP"


def test_a_remembered_device_stands_for_the_second_factor(cloud: RunningCloud, idp: Any) -> None:
    pool, app = tracking(cloud, ALWAYS)
    name = person(cloud, app)
    device = Device(idp, pool, app, name)
    assert device.confirmed["UserConfirmationNecessary"] is False
    assert device.key.startswith("us-east-1_")
    assert claims_of(device.token)["device_key"] == device.key
    mfa_by_mail(idp, pool, name)
    assert signs_in_with_a_factor(idp, pool, app, name)
    tokens = srp(idp, pool, app, name, **device.given)["AuthenticationResult"]
    assert claims_of(tokens["AccessToken"])["device_key"] == device.key
    assert "NewDeviceMetadata" not in tokens

    wrong = {**device.given, "device_password": "guessed"}
    assert refused(lambda: srp(idp, pool, app, name, **wrong)) == (
        "NotAuthorizedException",
        "Incorrect username or password.",
    )
    other = person(cloud, app)
    assert refused(lambda: srp(idp, pool, app, other, **device.given)) == NOT_THERE
    idp.forget_device(AccessToken=tokens["AccessToken"], DeviceKey=device.key)
    assert refused(lambda: srp(idp, pool, app, name, **device.given)) == NOT_THERE


def test_a_device_is_remembered_when_its_user_says_so(cloud: RunningCloud, idp: Any) -> None:
    pool, app = tracking(cloud, BY_PROMPT)
    name = person(cloud, app)
    device = Device(idp, pool, app, name)
    assert device.confirmed["UserConfirmationNecessary"] is True
    mfa_by_mail(idp, pool, name)
    mine = {"AccessToken": device.token, "DeviceKey": device.key}
    assert idp.list_devices(AccessToken=device.token)["Devices"] == []
    assert refused(lambda: idp.get_device(**mine)) == NOT_THERE
    assert signs_in_with_a_factor(idp, pool, app, name, **device.given)
    idp.update_device_status(**mine, DeviceRememberedStatus="remembered")
    shown = idp.get_device(**mine)["Device"]
    named = {each["Name"]: each["Value"] for each in shown["DeviceAttributes"]}
    assert named == {"device_status": "valid", "device_name": "phone", "last_ip_used": "127.0.0.1"}
    assert shown["DeviceLastAuthenticatedDate"] >= shown["DeviceCreateDate"]
    assert "AuthenticationResult" in srp(idp, pool, app, name, **device.given)


def test_administrators_see_and_forget_devices(cloud: RunningCloud, idp: Any) -> None:
    pool, app = tracking(cloud, ALWAYS)
    name = person(cloud, app)
    devices = [Device(idp, pool, app, name) for _ in range(3)]
    who = {"UserPoolId": pool, "Username": name}
    page = idp.admin_list_devices(**who, Limit=2)
    rest = idp.admin_list_devices(**who, Limit=2, PaginationToken=page["PaginationToken"])
    assert "PaginationToken" not in rest
    listed = [each["DeviceKey"] for each in page["Devices"] + rest["Devices"]]
    assert listed == sorted(each.key for each in devices)
    first = devices[0].key
    found = idp.admin_get_device(**who, DeviceKey=first)["Device"]
    attributes = {each["Name"]: each["Value"] for each in found["DeviceAttributes"]}
    assert attributes["dev:device_remembered_status"] == "remembered"
    assert attributes["dev:device_owner"] == f"{name}.{pool}"
    idp.admin_update_device_status(**who, DeviceKey=first, DeviceRememberedStatus="not_remembered")
    assert len(idp.list_devices(AccessToken=devices[1].token)["Devices"]) == 2
    idp.admin_forget_device(**who, DeviceKey=first)
    look = lambda: idp.admin_get_device(**who, DeviceKey=first)  # noqa: E731
    assert refused(look) == NOT_THERE
    idp.admin_delete_user(**who)
    assert refused(look)[0] == "UserNotFoundException"


def test_devices_that_are_not_the_sign_ins(cloud: RunningCloud, idp: Any) -> None:
    """https://github.com/boto/boto3/issues/4059 has the words."""
    pool, app = tracking(cloud, ALWAYS)
    device = Device(idp, pool, app, person(cloud, app))
    _, config = generate_hash_device(device.group, device.key)
    confirm = lambda key, token: idp.confirm_device(  # noqa: E731
        AccessToken=token, DeviceKey=key, DeviceSecretVerifierConfig=config
    )
    assert refused(lambda: confirm(device.key, device.token)) == (
        "DeviceKeyExistsException",
        "Device already exists.",
    )
    wrong = ("InvalidParameterException", "Invalid device key given.")
    assert refused(lambda: confirm(f"us-east-1_{uuid.uuid4()}", device.token)) == wrong
    plain = new_client(cloud, new_pool(cloud, AutoVerifiedAttributes=["email"]))
    untracked = idp.initiate_auth(
        ClientId=plain,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": person(cloud, plain), "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    assert "NewDeviceMetadata" not in untracked
    assert refused(lambda: confirm(device.key, untracked["AccessToken"])) == wrong


def test_a_refresh_token_is_its_devices(cloud: RunningCloud, idp: Any) -> None:
    pool, app = tracking(cloud, ALWAYS)
    device = Device(idp, pool, app, person(cloud, app))

    def refresh(**given: str) -> dict[str, Any]:
        return idp.initiate_auth(
            ClientId=app,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": device.result["RefreshToken"], **given},
        )

    assert refused(refresh) == ("NotAuthorizedException", "Invalid Refresh Token")
    renewed = refresh(DEVICE_KEY=device.key)["AuthenticationResult"]
    assert claims_of(renewed["AccessToken"])["device_key"] == device.key
    assert "NewDeviceMetadata" not in renewed


def test_the_steps_of_a_devices_proof_cannot_be_skipped(cloud: RunningCloud, idp: Any) -> None:
    pool, app = tracking(cloud, ALWAYS)
    name = person(cloud, app)
    device = Device(idp, pool, app, name)
    mine = {"USERNAME": name, "DEVICE_KEY": device.key, "SRP_A": "ab12"}

    def answer(challenge: str, given: dict[str, str], session: str | None = None) -> dict[str, Any]:
        more = {"Session": session} if session else {}
        return idp.respond_to_auth_challenge(
            ClientId=app, ChallengeName=challenge, ChallengeResponses=given, **more
        )

    # Without a password that was proved before, there is nothing to answer.
    assert refused(lambda: answer("DEVICE_SRP_AUTH", mine))[0] == "InvalidParameterException"
    asked = idp.initiate_auth(
        ClientId=app,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD, "DEVICE_KEY": device.key},
    )
    assert asked["ChallengeName"] == "DEVICE_SRP_AUTH"
    for session in (f"device:{pool}:{app}:{name}:{device.key}", "x" * 60):
        assert refused(lambda s=session: answer("DEVICE_SRP_AUTH", mine, s))[0] == "NotAuthorizedException"
    zero = {**mine, "SRP_A": "0"}
    assert refused(lambda: answer("DEVICE_SRP_AUTH", zero, asked["Session"]))[1] == "Invalid SRP_A value."
    half = answer("DEVICE_SRP_AUTH", mine, asked["Session"])
    assert half["ChallengeName"] == "DEVICE_PASSWORD_VERIFIER"
    forged = {
        "USERNAME": name,
        "DEVICE_KEY": device.key,
        "PASSWORD_CLAIM_SECRET_BLOCK": half["ChallengeParameters"]["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": "AAAA",
        "TIMESTAMP": "Tue Sep 25 00:09:40 UTC 2018",
    }
    assert refused(lambda: answer("PASSWORD_VERIFIER", forged))[0] == "NotAuthorizedException"
    for words in (
        "Incorrect username or password.",
        "Invalid session for the user, session can only be used once.",
    ):
        assert refused(lambda: answer("DEVICE_PASSWORD_VERIFIER", forged)) == (
            "NotAuthorizedException",
            words,
        )


def test_the_javascript_client_keeps_its_device(cloud: RunningCloud) -> None:
    if not (CLIENTS / "node_modules" / "amazon-cognito-identity-js").exists() or not shutil.which("node"):
        if os.environ.get("CI"):
            pytest.fail("amazon-cognito-identity-js is missing; `make tools` installs it")
        pytest.skip("amazon-cognito-identity-js is missing; `make tools` installs it")
    pool, app = tracking(cloud, ALWAYS)
    ran = subprocess.run(
        ["node", "devices.mjs", pool, app, person(cloud, app), PASSWORD], cwd=CLIENTS,
        env=cloud.environment(), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "firstTime": "string",
        "again": True,
        "renewed": True,
        "listed": [True],
        "status": "SUCCESS",
        "notRemembered": True,
        "another": True,
    }
