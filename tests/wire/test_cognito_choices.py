"""USER_AUTH: sign-ins that begin with a choice, and users without a password."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

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
)

FACTORS = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "SMS_OTP"]}}


@pytest.fixture
def idp(client: Callable[..., Any]) -> Any:
    return client("cognito-idp")


def refused(run: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        run()
    return code_of(error), message_of(error)


class App:
    """A pool whose users choose, and its client."""

    def __init__(self, cloud: RunningCloud, **client: Any) -> None:
        self.cloud, self.idp = cloud, cloud.client("cognito-idp")
        self.pool = new_pool(cloud, AutoVerifiedAttributes=["email"], Policies=FACTORS)
        flows = ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        self.client = new_client(cloud, self.pool, ExplicitAuthFlows=flows, **client)

    def begin(self, name: str, **given: str) -> dict[str, Any]:
        return self.idp.initiate_auth(
            ClientId=self.client, AuthFlow="USER_AUTH", AuthParameters={"USERNAME": name, **given}
        )

    def answer(self, asked: dict[str, Any], name: str, **given: str) -> dict[str, Any]:
        return self.idp.respond_to_auth_challenge(
            ClientId=self.client,
            ChallengeName=asked["ChallengeName"],
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": name, **given},
        )


@pytest.fixture(scope="module")
def app(cloud: RunningCloud) -> App:
    return App(cloud)


def signed_in(result: dict[str, Any], name: str) -> bool:
    return claims_of(result["AuthenticationResult"]["AccessToken"])["username"] == name


def test_users_choose_from_what_they_have(app: App) -> None:
    name = person(app.cloud, app.client)
    asked = app.begin(name)
    assert asked["ChallengeName"] == "SELECT_CHALLENGE"
    assert asked["AvailableChallenges"] == ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP"]
    who = {"UserPoolId": app.pool, "Username": name}
    assert app.idp.admin_get_user_auth_factors(**who)["ConfiguredUserAuthFactors"] == [
        "PASSWORD",
        "EMAIL_OTP",
    ]
    assert refused(lambda: app.answer(asked, name, ANSWER="SMS_OTP"))[0] == "InvalidParameterException"
    assert signed_in(app.answer(asked, name, ANSWER="PASSWORD", PASSWORD=PASSWORD), name)
    assert refused(lambda: app.answer(asked, name, ANSWER="PASSWORD", PASSWORD=PASSWORD)) == (
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
    )
    for preferred in ({"PREFERRED_CHALLENGE": "WEB_AUTHN"}, {"PREFERRED_CHALLENGE": "SMS_OTP"}):
        assert app.begin(name, **preferred)["ChallengeName"] == "SELECT_CHALLENGE"


def test_by_password_in_one_step_or_two(app: App) -> None:
    name = person(app.cloud, app.client)
    assert signed_in(app.begin(name, PREFERRED_CHALLENGE="PASSWORD", PASSWORD=PASSWORD), name)
    asked = app.begin(name, PREFERRED_CHALLENGE="PASSWORD")
    assert asked["ChallengeName"] == "PASSWORD"
    assert refused(lambda: app.answer(asked, name, PASSWORD="Wrong-1234")) == (
        "NotAuthorizedException",
        "Incorrect username or password.",
    )
    assert signed_in(
        app.answer(app.begin(name, PREFERRED_CHALLENGE="PASSWORD"), name, PASSWORD=PASSWORD), name
    )


@pytest.mark.parametrize("at_once", [True, False])
def test_by_srp(app: App, at_once: bool) -> None:
    """pycognito has no USER_AUTH; its arithmetic is the same."""
    name = person(app.cloud, app.client)
    srp = AWSSRP(name, PASSWORD, app.pool, app.client, client=app.idp)
    given = srp.get_auth_params()
    if at_once:
        asked = app.begin(name, PREFERRED_CHALLENGE="PASSWORD_SRP", SRP_A=given["SRP_A"])
    else:
        asked = app.answer(app.begin(name), name, ANSWER="PASSWORD_SRP", SRP_A=given["SRP_A"])
    assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    proof = srp.process_challenge(asked["ChallengeParameters"], given)
    result = app.idp.respond_to_auth_challenge(
        ClientId=app.client, ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=proof
    )
    assert signed_in(result, name)


def test_without_a_password(app: App) -> None:
    """A user who never had one: signs up, confirms and signs in by codes alone."""
    name = f"bare-{uuid.uuid4().hex[:8]}"
    address = f"{name}@example.com"
    app.idp.sign_up(ClientId=app.client, Username=name, UserAttributes=[{"Name": "email", "Value": address}])
    assert refused(lambda: app.begin(name, PREFERRED_CHALLENGE="EMAIL_OTP"))[0] == "UserNotConfirmedException"
    app.idp.confirm_sign_up(
        ClientId=app.client, Username=name, ConfirmationCode=sent_code(app.cloud, address)
    )
    assert app.begin(name)["AvailableChallenges"] == ["EMAIL_OTP"]
    asked = app.begin(name, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert asked["ChallengeName"] == "EMAIL_OTP"
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "b***@e***"
    code = sent_code(app.cloud, address)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert refused(lambda: app.answer(asked, name, EMAIL_OTP_CODE=wrong))[0] == "CodeMismatchException"
    result = app.answer(asked, name, EMAIL_OTP_CODE=code)
    assert signed_in(result, name)
    token = result["AuthenticationResult"]["AccessToken"]
    assert app.idp.get_user_auth_factors(AccessToken=token)["ConfiguredUserAuthFactors"] == ["EMAIL_OTP"]
    assert refused(lambda: app.answer(asked, name, EMAIL_OTP_CODE=code))[0] == "NotAuthorizedException"
    plain = new_client(app.cloud, new_pool(app.cloud))
    assert refused(lambda: app.idp.sign_up(ClientId=plain, Username=name))[0] == "InvalidParameterException"


def test_a_code_by_text_message_proves_the_number(app: App) -> None:
    name = person(app.cloud, app.client)
    who = {"UserPoolId": app.pool, "Username": name}
    number = f"+8490{time.monotonic_ns() % 10**7:07d}"
    app.idp.admin_update_user_attributes(**who, UserAttributes=[{"Name": "phone_number", "Value": number}])
    asked = app.answer(app.begin(name), name, ANSWER="SMS_OTP")
    assert asked["ChallengeName"] == "SMS_OTP"
    assert mails_of(app.cloud, number)[0]["from"] == "SMS"
    assert signed_in(app.answer(asked, name, SMS_OTP_CODE=sent_code(app.cloud, number)), name)
    found = {each["Name"]: each["Value"] for each in app.idp.admin_get_user(**who)["UserAttributes"]}
    assert found["phone_number_verified"] == "true"


def test_a_second_factor_is_not_the_first(cloud: RunningCloud) -> None:
    app = App(cloud)
    name = person(cloud, app.client)
    app.idp.set_user_pool_mfa_config(
        UserPoolId=app.pool, MfaConfiguration="OPTIONAL", EmailMfaConfiguration={"Message": "{####}"}
    )
    app.idp.admin_set_user_mfa_preference(
        UserPoolId=app.pool, Username=name, EmailMfaSettings={"Enabled": True}
    )
    assert app.begin(name)["AvailableChallenges"] == ["PASSWORD", "PASSWORD_SRP"]
    assert app.begin(name, PREFERRED_CHALLENGE="EMAIL_OTP")["ChallengeName"] == "SELECT_CHALLENGE"
    asked = app.begin(name, PREFERRED_CHALLENGE="PASSWORD", PASSWORD=PASSWORD)
    assert asked["ChallengeName"] == "EMAIL_OTP"


def test_names_that_nobody_has_are_asked_the_same(cloud: RunningCloud) -> None:
    app = App(cloud, PreventUserExistenceErrors="ENABLED")
    nobody = f"nobody-{uuid.uuid4().hex[:8]}@example.com"
    asked = app.begin(nobody)
    assert asked["AvailableChallenges"] == ["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP"]
    assert refused(lambda: app.answer(asked, nobody, ANSWER="PASSWORD", PASSWORD=PASSWORD)) == (
        "NotAuthorizedException",
        "Incorrect username or password.",
    )
    code = app.begin(nobody, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert code["ChallengeName"] == "EMAIL_OTP" and "Session" in code
    assert refused(lambda: app.answer(code, nobody, EMAIL_OTP_CODE="123456"))[0] == "CodeMismatchException"
    assert mails_of(cloud, nobody) == []
    legacy = App(cloud)
    assert refused(lambda: legacy.begin(nobody))[0] == "UserNotFoundException"


def test_guessing_a_code_is_slowed_down_and_sending_is_counted(app: App) -> None:
    name = person(app.cloud, app.client)
    asked = app.begin(name, PREFERRED_CHALLENGE="EMAIL_OTP")
    right = sent_code(app.cloud, f"{name}@example.com")
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(5):
        assert refused(lambda: app.answer(asked, name, EMAIL_OTP_CODE=wrong))[0] == "CodeMismatchException"
    assert refused(lambda: app.answer(asked, name, EMAIL_OTP_CODE=right)) == (
        "NotAuthorizedException",
        "Password attempts exceeded",
    )
    for _ in range(4):
        app.begin(name, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert refused(lambda: app.begin(name, PREFERRED_CHALLENGE="EMAIL_OTP"))[0] == "LimitExceededException"


def test_challenges_are_not_mixed_up(app: App, idp: Any) -> None:
    name, other = person(app.cloud, app.client), person(app.cloud, app.client)
    asked = app.begin(name, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = sent_code(app.cloud, f"{name}@example.com")
    for changed, who in (
        ({**asked, "ChallengeName": "SMS_OTP"}, name),
        ({**asked, "ChallengeName": "PASSWORD"}, name),
        (asked, other),
    ):
        given = {"EMAIL_OTP_CODE": code, "SMS_OTP_CODE": code, "PASSWORD": PASSWORD}
        assert refused(lambda c=changed, w=who, g=given: app.answer(c, w, **g))[0] == "NotAuthorizedException"
    closed = new_client(app.cloud, app.pool)
    assert refused(
        lambda: idp.initiate_auth(ClientId=closed, AuthFlow="USER_AUTH", AuthParameters={"USERNAME": name})
    ) == ("InvalidParameterException", "USER_AUTH is not enabled for the client.")
    for factors in (["EMAIL_OTP"], ["PASSWORD", "WEB_AUTHN"]):
        policy = {"SignInPolicy": {"AllowedFirstAuthFactors": factors}}
        assert refused(lambda p=policy: new_pool(app.cloud, Policies=p))[0] == "InvalidParameterException"


def test_a_sign_up_goes_on_as_a_sign_in(fresh_cloud: RunningCloud) -> None:
    app = App(fresh_cloud)

    def confirmed(name: str) -> str:
        address = f"{name}@example.com"
        attributes = [{"Name": "email", "Value": address}]
        app.idp.sign_up(ClientId=app.client, Username=name, UserAttributes=attributes)
        return app.idp.confirm_sign_up(
            ClientId=app.client, Username=name, ConfirmationCode=sent_code(fresh_cloud, address)
        )["Session"]

    def begin(name: str, session: str, client: str = app.client) -> dict[str, Any]:
        given = {"USERNAME": name}
        return app.idp.initiate_auth(
            ClientId=client, AuthFlow="USER_AUTH", AuthParameters=given, Session=session
        )

    ann, bob = confirmed("ann"), confirmed("bob")
    flows = ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    other = new_client(fresh_cloud, app.pool, ExplicitAuthFlows=flows)
    invalid = ("NotAuthorizedException", "Invalid session for the user.")
    assert refused(lambda: begin("bob", ann)) == invalid
    assert refused(lambda: begin("ann", ann, other)) == invalid
    assert refused(lambda: begin("ann", "x" * 40)) == invalid
    assert signed_in(begin("ann", ann), "ann")
    assert refused(lambda: begin("ann", ann))[1].endswith("session can only be used once.")
    fresh_cloud.advance(181)
    assert refused(lambda: begin("bob", bob))[1].endswith("session is expired.")
