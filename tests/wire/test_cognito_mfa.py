"""User pools: second factors, and the JavaScript client that browsers use, unmodified."""

import base64
import hmac
import json
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud
from userpools import (
    PASSWORD,
    claims_of,
    code_of,
    mails_of,
    message_of,
    new_client,
    new_pool,
    person,
    sent_code,
    sign_in,
)

CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.fixture
def idp(client: Callable[..., Any]) -> Any:
    return client("cognito-idp")


def refused(run: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        run()
    return code_of(error), message_of(error)


def totp(secret: str, step: int = 0) -> str:
    """RFC 6238, written apart from the code under test."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + step), "sha1").digest()
    at = digest[19] & 15
    return str((struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF) % 10**6).zfill(6)


def pool_with(cloud: RunningCloud, mode: str, **factors: Any) -> tuple[str, str]:
    pool = new_pool(cloud, AutoVerifiedAttributes=["email"])
    cloud.client("cognito-idp").set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration=mode, **factors)
    return pool, new_client(cloud, pool)


def start(idp: Any, app: str, name: str) -> dict[str, Any]:
    return idp.initiate_auth(
        ClientId=app, AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
    )  # fmt: skip


def answer(idp: Any, app: str, asked: dict[str, Any], name: str, **given: str) -> dict[str, Any]:
    return idp.respond_to_auth_challenge(
        ClientId=app, ChallengeName=asked["ChallengeName"], Session=asked["Session"],
        ChallengeResponses={"USERNAME": name, **given},
    )  # fmt: skip


def test_a_required_factor_is_set_up_while_signing_in(cloud: RunningCloud, idp: Any) -> None:
    _, app = pool_with(cloud, "ON", SoftwareTokenMfaConfiguration={"Enabled": True})
    name = person(cloud, app)
    asked = start(idp, app, name)
    assert asked["ChallengeName"] == "MFA_SETUP"
    assert json.loads(asked["ChallengeParameters"]["MFAS_CAN_SETUP"]) == ["SOFTWARE_TOKEN_MFA"]
    assert refused(lambda: answer(idp, app, asked, name))[0] == "NotAuthorizedException"
    made = idp.associate_software_token(Session=asked["Session"])
    secret = made["SecretCode"]
    wrong = "000000" if totp(secret) != "000000" else "111111"
    assert refused(lambda: idp.verify_software_token(Session=made["Session"], UserCode=wrong)) == (
        "EnableSoftwareTokenMFAException", "Code mismatch",
    )  # fmt: skip
    used = totp(secret)
    done = idp.verify_software_token(Session=made["Session"], UserCode=used)
    assert done["Status"] == "SUCCESS"
    result = answer(idp, app, {**asked, "Session": done["Session"]}, name)["AuthenticationResult"]
    assert idp.get_user(AccessToken=result["AccessToken"])["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]

    asked = start(idp, app, name)
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert refused(lambda: answer(idp, app, asked, name, SOFTWARE_TOKEN_MFA_CODE=wrong)) == (
        "CodeMismatchException", "Invalid code received for user",
    )  # fmt: skip
    assert refused(lambda: answer(idp, app, asked, name, SOFTWARE_TOKEN_MFA_CODE=used))[0] == (
        "ExpiredCodeException"
    )
    code = totp(secret, 1)
    assert answer(idp, app, asked, name, SOFTWARE_TOKEN_MFA_CODE=code)["AuthenticationResult"]
    asked = start(idp, app, name)
    assert refused(lambda: answer(idp, app, asked, name, SOFTWARE_TOKEN_MFA_CODE=code)) == (
        "ExpiredCodeException", "Your software token has already been used once.",
    )  # fmt: skip


def test_guessing_second_factors_is_slowed_down(cloud: RunningCloud, idp: Any) -> None:
    _, app = pool_with(cloud, "OPTIONAL", SoftwareTokenMfaConfiguration={"Enabled": True})
    name = person(cloud, app)
    access = sign_in(cloud, app, name)["AccessToken"]
    secret = idp.associate_software_token(AccessToken=access)["SecretCode"]
    idp.verify_software_token(AccessToken=access, UserCode=totp(secret), FriendlyDeviceName="phone")
    idp.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    good = {totp(secret, step) for step in (-1, 0, 1, 2)}
    guesses = iter(f"{number:06d}" for number in range(100) if f"{number:06d}" not in good)
    seen = []
    with cloud.held():
        for _ in range(4):
            asked = start(idp, app, name)
            assert asked["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"] == "phone"
            for _ in range(3):
                guess = next(guesses)
                tried = {"SOFTWARE_TOKEN_MFA_CODE": guess}
                seen.append(refused(lambda asked=asked, tried=tried: answer(idp, app, asked, name, **tried)))
    assert ("NotAuthorizedException", "Password attempts exceeded") in seen
    assert sum(code == "CodeMismatchException" for code, _ in seen) < 8


def test_a_code_by_mail(cloud: RunningCloud, idp: Any) -> None:
    settings = {"Message": "Use {####} now", "Subject": "Sign in"}
    pool, app = pool_with(cloud, "OPTIONAL", EmailMfaConfiguration=settings)
    name = person(cloud, app)
    idp.admin_set_user_mfa_preference(
        UserPoolId=pool, Username=name, EmailMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    asked = start(idp, app, name)
    assert asked["ChallengeName"] == "EMAIL_OTP"
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DELIVERY_MEDIUM"] == "EMAIL"
    mail = mails_of(cloud, f"{name}@example.com")[0]
    assert mail["subject"] == "Sign in" and mail["text"].startswith("Use ")
    code = sent_code(cloud, f"{name}@example.com")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert refused(lambda: answer(idp, app, asked, name, EMAIL_OTP_CODE=wrong))[0] == "CodeMismatchException"
    result = answer(idp, app, asked, name, EMAIL_OTP_CODE=code)["AuthenticationResult"]
    assert claims_of(result["AccessToken"])["username"] == name
    other = person(cloud, app)
    stolen = start(idp, app, name)
    assert refused(lambda: answer(idp, app, stolen, other, EMAIL_OTP_CODE="000000"))[0] == (
        "NotAuthorizedException"
    )


SMS = {"SnsCallerArn": "arn:aws:iam::000000000000:role/sms", "ExternalId": "pool"}


def test_a_code_by_text_message(cloud: RunningCloud, idp: Any) -> None:
    """The pool's MfaConfiguration alone makes it a factor where there is a way to send."""
    pool = new_pool(
        cloud, AutoVerifiedAttributes=["email"], MfaConfiguration="OPTIONAL", SmsConfiguration=SMS,
        SmsAuthenticationMessage="Sign in with {####}",
    )  # fmt: skip
    config = idp.get_user_pool_mfa_config(UserPoolId=pool)
    expected = {"SmsConfiguration": SMS, "SmsAuthenticationMessage": "Sign in with {####}"}
    assert config["SmsMfaConfiguration"] == expected
    app = new_client(cloud, pool)
    number = f"+8491{time.monotonic_ns() % 10**7:07d}"
    name = person(cloud, app)
    who = {"UserPoolId": pool, "Username": name}
    prefer = lambda: idp.admin_set_user_mfa_preference(  # noqa: E731
        **who, SMSMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    assert refused(prefer) == (
        "InvalidParameterException",
        "User does not have delivery config set to turn on SMS_MFA",
    )
    attributes = {"phone_number": number, "phone_number_verified": "true"}
    idp.admin_update_user_attributes(
        **who, UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()]
    )
    prefer()
    found = idp.admin_get_user(**who)
    assert (found["UserMFASettingList"], found["PreferredMfaSetting"]) == (["SMS_MFA"], "SMS_MFA")
    asked = start(idp, app, name)
    assert asked["ChallengeName"] == "SMS_MFA"
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DELIVERY_MEDIUM"] == "SMS"
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == f"+*******{number[-4:]}"
    message = mails_of(cloud, number)[0]
    assert message["from"] == "SMS" and message["text"].startswith("Sign in with ")
    code = sent_code(cloud, number)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert refused(lambda: answer(idp, app, asked, name, SMS_MFA_CODE=wrong)) == (
        "CodeMismatchException",
        "Invalid code received for user",
    )
    signed = answer(idp, app, asked, name, SMS_MFA_CODE=code)["AuthenticationResult"]
    assert refused(lambda: answer(idp, app, asked, name, SMS_MFA_CODE=code))[0] == "NotAuthorizedException"
    # The older operations turn it off and on.
    idp.set_user_settings(AccessToken=signed["AccessToken"], MFAOptions=[])
    assert "AuthenticationResult" in start(idp, app, name)
    options = [{"DeliveryMedium": "SMS", "AttributeName": "phone_number"}]
    idp.admin_set_user_settings(**who, MFAOptions=options)
    assert start(idp, app, name)["ChallengeName"] == "SMS_MFA"


def test_a_factor_needs_a_way_to_send(cloud: RunningCloud, idp: Any) -> None:
    """In the words that many report of CreateUserPool, as in aws/aws-cdk and hashicorp/terraform's issues."""
    wanted = (
        "InvalidParameterException",
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
    )
    for mode in ("ON", "OPTIONAL"):
        assert refused(lambda m=mode: new_pool(cloud, MfaConfiguration=m)) == wanted
    pool = new_pool(cloud)
    assert refused(lambda: idp.update_user_pool(UserPoolId=pool, MfaConfiguration="ON")) == wanted
    idp.set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="OPTIONAL", SoftwareTokenMfaConfiguration={"Enabled": True}
    )
    idp.update_user_pool(UserPoolId=pool, MfaConfiguration="ON")


def test_which_factors_a_pool_may_have(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud)
    change = lambda **given: idp.set_user_pool_mfa_config(UserPoolId=pool, **given)  # noqa: E731
    assert refused(lambda: change(MfaConfiguration="ON"))[1] == (
        "Invalid MFA configuration given, can't disable all MFAs and require an MFA."
    )
    totp_on = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
    assert refused(lambda: change(MfaConfiguration="OFF", **totp_on))[1] == (
        "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."
    )
    change(MfaConfiguration="OPTIONAL", **totp_on)
    found = idp.get_user_pool_mfa_config(UserPoolId=pool)
    assert found["MfaConfiguration"] == "OPTIONAL" and found["SoftwareTokenMfaConfiguration"]["Enabled"]


def test_the_javascript_client_unmodified(cloud: RunningCloud) -> None:
    if not (CLIENTS / "node_modules" / "amazon-cognito-identity-js").exists() or not shutil.which("node"):
        if os.environ.get("CI"):
            pytest.fail("amazon-cognito-identity-js is missing; `make tools` installs it")
        pytest.skip("amazon-cognito-identity-js is missing; `make tools` installs it")
    pool, app = pool_with(cloud, "OPTIONAL", SoftwareTokenMfaConfiguration={"Enabled": True})
    name = person(cloud, app)
    ran = subprocess.run(
        ["node", "cognito.mjs", pool, app, name, PASSWORD], cwd=CLIENTS, env=cloud.environment(),
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "wrong": ["NotAuthorizedException", "Incorrect username or password."],
        "claims": name,
        "attributes": ["email", "email_verified", "sub"],
        "renewed": name,
        "totp": "access",
        "signedOut": ["NotAuthorizedException", "Refresh Token has been revoked"],
    }
