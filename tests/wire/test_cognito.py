"""User pools: signing up, signing in, tokens; through boto3 and pycognito over the socket."""

import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pycognito import Cognito
from pycognito.aws_srp import AWSSRP

from running import RunningCloud
from userpools import (
    PASSWORD,
    check_signature,
    claims_of,
    code_of,
    fetch,
    mails_of,
    message_of,
    new_client,
    new_pool,
    person,
    sent_code,
    sign_in,
)


@pytest.fixture(scope="module")
def pool(cloud: RunningCloud) -> str:
    return new_pool(cloud, AutoVerifiedAttributes=["email"])


@pytest.fixture(scope="module")
def app(cloud: RunningCloud, pool: str) -> str:
    return new_client(cloud, pool)


@pytest.fixture
def idp(client: Callable[..., Any]) -> Any:
    return client("cognito-idp")


def test_a_user_signs_up_confirms_and_signs_in_by_srp(
    cloud: RunningCloud, pool: str, app: str, idp: Any
) -> None:
    signed = idp.sign_up(
        ClientId=app, Username="ann", Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}],
    )  # fmt: skip
    assert signed["UserConfirmed"] is False
    assert signed["CodeDeliveryDetails"] == {
        "Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email",
    }  # fmt: skip
    mail = mails_of(cloud, "ann@example.com")[0]
    assert mail["from"] == "no-reply@verificationemail.com"
    assert mail["subject"] == "Your verification code"
    assert re.fullmatch(r"Your confirmation code is \d{6} ", mail["text"])
    with pytest.raises(ClientError) as unconfirmed:
        sign_in(cloud, app, "ann")
    assert (code_of(unconfirmed), message_of(unconfirmed)) == (
        "UserNotConfirmedException", "User is not confirmed.",
    )  # fmt: skip
    idp.confirm_sign_up(ClientId=app, Username="ann", ConfirmationCode=sent_code(cloud, "ann@example.com"))

    srp = AWSSRP(username="ann", password=PASSWORD, pool_id=pool, client_id=app, client=idp)
    result = srp.authenticate_user()["AuthenticationResult"]
    assert result["TokenType"] == "Bearer" and result["ExpiresIn"] == 3600
    for name in ("AccessToken", "IdToken"):
        check_signature(cloud, result[name])
    identity, access = claims_of(result["IdToken"]), claims_of(result["AccessToken"])
    assert identity["iss"] == f"http://localhost:{cloud.port}/{pool}"
    assert identity["aud"] == app and identity["token_use"] == "id"
    assert identity["sub"] == signed["UserSub"] and identity["cognito:username"] == "ann"
    assert identity["email"] == "ann@example.com" and identity["email_verified"] is True
    assert identity["exp"] - identity["iat"] == 3600 and identity["auth_time"] == identity["iat"]
    assert access["client_id"] == app and access["username"] == "ann" and "aud" not in access
    assert access["scope"] == "aws.cognito.signin.user.admin" and "version" not in access
    assert access["origin_jti"] == identity["origin_jti"] and access["jti"] != identity["jti"]
    assert access["event_id"] == identity["event_id"]

    user = idp.get_user(AccessToken=result["AccessToken"])
    assert user["Username"] == "ann"
    assert {each["Name"]: each["Value"] for each in user["UserAttributes"]} == {
        "sub": signed["UserSub"], "email": "ann@example.com", "email_verified": "true",
    }  # fmt: skip
    renewed = idp.initiate_auth(
        ClientId=app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": result["RefreshToken"]}
    )["AuthenticationResult"]
    assert "RefreshToken" not in renewed
    assert claims_of(renewed["AccessToken"])["origin_jti"] == access["origin_jti"]


def test_pycognito_unmodified(cloud: RunningCloud, pool: str, app: str) -> None:
    user = Cognito(pool, app, username=person(cloud, app), user_pool_region="us-east-1",
                   boto3_client_kwargs={"endpoint_url": cloud.url})  # fmt: skip
    user.pool_domain_url = None
    user.client = cloud.client("cognito-idp")
    srp = AWSSRP(username=user.username, password=PASSWORD, pool_id=pool, client_id=app, client=user.client)
    tokens = srp.authenticate_user()["AuthenticationResult"]
    user.access_token, user.refresh_token = tokens["AccessToken"], tokens["RefreshToken"]
    assert user.get_user().username == user.username


def test_wrong_passwords_and_unknown_names(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    name = person(cloud, app)
    with pytest.raises(ClientError) as wrong:
        sign_in(cloud, app, name, "Wrong-1234")
    assert (code_of(wrong), message_of(wrong)) == (
        "NotAuthorizedException", "Incorrect username or password.",
    )  # fmt: skip
    with pytest.raises(ClientError) as unknown:
        sign_in(cloud, app, "nobody-at-all")
    assert (code_of(unknown), message_of(unknown)) == ("UserNotFoundException", "User does not exist.")
    with pytest.raises(Exception, match="Incorrect username or password"):
        AWSSRP(
            username=name, password="Wrong-1234", pool_id=pool, client_id=app, client=idp
        ).authenticate_user()


def test_keys_are_read_over_https_and_on_any_host(cloud: RunningCloud, pool: str) -> None:
    path = f"/{pool}/.well-known/jwks.json"
    trusting = ssl.create_default_context(cafile=cloud.ca_file)
    found = [fetch(cloud.url + path)]
    for host in (f"localhost:{cloud.port}", "cognito-idp.us-east-1.amazonaws.com", "10.0.0.1"):
        request = urllib.request.Request(cloud.https_url + path, headers={"host": host})
        with urllib.request.urlopen(request, timeout=60, context=trusting) as answer:
            found.append(json.loads(answer.read()))
    assert all(each == found[0] for each in found)
    assert {each["alg"] for each in found[0]["keys"]} == {"RS256"}
    assert all(each.keys() == {"alg", "e", "kid", "kty", "n", "use"} for each in found[0]["keys"])


def test_pages_of_other_origins_may_sign_in(cloud: RunningCloud, app: str) -> None:
    request = urllib.request.Request(
        cloud.url + "/", data=json.dumps({"ClientId": app, "AuthFlow": "USER_PASSWORD_AUTH"}).encode(),
        headers={
            "origin": "https://app.example", "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth",
        },
    )  # fmt: skip
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    with refused.value as answer:
        assert json.loads(answer.read()) == {
            "__type": "InvalidParameterException", "message": "Missing required parameter USERNAME",
        }  # fmt: skip
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["content-type"] == "application/x-amz-json-1.1"
        assert answer.headers["x-amzn-requestid"]


def test_users_and_their_tokens_outlive_the_process(fresh_cloud: RunningCloud) -> None:
    pool = new_pool(fresh_cloud, AutoVerifiedAttributes=["email"])
    app = new_client(fresh_cloud, pool)
    name = person(fresh_cloud, app)
    tokens = sign_in(fresh_cloud, app, name)
    port = fresh_cloud.port
    fresh_cloud.kill()
    fresh_cloud.start(port)
    idp = fresh_cloud.client("cognito-idp")
    assert idp.get_user(AccessToken=tokens["AccessToken"])["Username"] == name
    check_signature(fresh_cloud, tokens["IdToken"])
    idp.initiate_auth(
        ClientId=app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
    )
    sign_in(fresh_cloud, app, name)
