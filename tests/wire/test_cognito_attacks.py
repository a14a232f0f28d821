"""User pools under attack: SRP, codes, passwords, tokens and secrets; each door refuses."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pycognito.aws_srp import AWSSRP

from maycloud.services.cognito_idp import srp
from running import RunningCloud
from userpools import (
    PASSWORD,
    code_of,
    fetch,
    message_of,
    new_client,
    new_pool,
    person,
    sent_code,
    sign_in,
)

WRONG = ("NotAuthorizedException", "Incorrect username or password.")


@pytest.fixture(scope="module")
def pool(cloud: RunningCloud) -> str:
    return new_pool(cloud, AutoVerifiedAttributes=["email"])


@pytest.fixture(scope="module")
def app(cloud: RunningCloud, pool: str) -> str:
    return new_client(cloud, pool)


@pytest.fixture
def idp(client: Callable[..., Any]) -> Any:
    return client("cognito-idp")


def refused(run: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        run()
    return code_of(error), message_of(error)


def start_srp(idp: Any, app: str, name: str, a_public: str) -> dict[str, Any]:
    return idp.initiate_auth(
        ClientId=app, AuthFlow="USER_SRP_AUTH", AuthParameters={"USERNAME": name, "SRP_A": a_public}
    )


@pytest.mark.parametrize("factor", [0, 1, 2, 7])
def test_srp_with_a_public_value_that_gives_the_secret_away(
    cloud: RunningCloud, app: str, idp: Any, factor: int
) -> None:
    name = person(cloud, app)
    for text in (f"{factor * srp.N:x}", f"{factor * srp.N:x}".upper(), "00" + f"{factor * srp.N:x}"):
        assert refused(lambda text=text: start_srp(idp, app, name, text))[0] == "InvalidParameterException"


def test_srp_answers_that_were_changed_replayed_or_are_old(
    cloud: RunningCloud, pool: str, app: str, idp: Any
) -> None:
    name = person(cloud, app)
    helper = AWSSRP(username=name, password=PASSWORD, pool_id=pool, client_id=app, client=idp)

    def answer(**changes: str) -> dict[str, Any]:
        parameters = helper.get_auth_params()
        asked = idp.initiate_auth(ClientId=app, AuthFlow="USER_SRP_AUTH", AuthParameters=parameters)
        given = helper.process_challenge(asked["ChallengeParameters"], parameters)
        return {
            "ClientId": app, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": {**given, **changes},
        }  # fmt: skip

    respond = idp.respond_to_auth_challenge
    zeros = base64.b64encode(bytes(32)).decode()
    assert refused(lambda: respond(**answer(PASSWORD_CLAIM_SIGNATURE=zeros))) == WRONG
    assert refused(lambda: respond(**answer(TIMESTAMP="Tue Sep 25 00:09:40 UTC 2018"))) == WRONG
    assert refused(lambda: respond(**answer(TIMESTAMP="yesterday"))) == (
        "InvalidParameterException", "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.",
    )  # fmt: skip
    block = base64.b64encode(bytes(96)).decode()
    assert (
        refused(lambda: respond(**answer(PASSWORD_CLAIM_SECRET_BLOCK=block)))[0] == "NotAuthorizedException"
    )
    other = person(cloud, app)
    assert refused(lambda: respond(**answer(USERNAME=other)))[0] == "NotAuthorizedException"
    good = answer()
    respond(**good)
    assert refused(lambda: respond(**good)) == (
        "NotAuthorizedException", "Invalid session for the user, session can only be used once.",
    )  # fmt: skip


def test_guessing_passwords_is_slowed_down(fresh_cloud: RunningCloud) -> None:
    pool = new_pool(fresh_cloud, AutoVerifiedAttributes=["email"])
    app = new_client(fresh_cloud, pool, PreventUserExistenceErrors="ENABLED")
    locked = ("NotAuthorizedException", "Password attempts exceeded")
    fresh_cloud.hold()
    for name in (person(fresh_cloud, app), "nobody"):
        attempt = lambda name=name: sign_in(fresh_cloud, app, name, "Wrong-1234")  # noqa: E731
        for _ in range(5):
            assert refused(attempt) == WRONG
        assert refused(attempt) == locked
        fresh_cloud.advance(1)
        assert refused(attempt) == WRONG  # the sixth: two seconds
        fresh_cloud.advance(1)
        assert refused(attempt) == locked
        fresh_cloud.advance(1)
        for _ in range(10):
            assert refused(attempt) == WRONG
            fresh_cloud.advance(900)
        assert refused(attempt) == WRONG
    name = person(fresh_cloud, app)
    for _ in range(4):
        refused(lambda: sign_in(fresh_cloud, app, name, "Wrong-1234"))
    sign_in(fresh_cloud, app, name)
    assert refused(lambda: sign_in(fresh_cloud, app, name, "Wrong-1234")) == WRONG


def test_the_right_password_is_refused_while_locked(cloud: RunningCloud, app: str) -> None:
    name = person(cloud, app)
    with cloud.held():
        for _ in range(9):
            refused(lambda: sign_in(cloud, app, name, "Wrong-1234"))
        assert refused(lambda: sign_in(cloud, app, name))[1] == "Password attempts exceeded"


def test_guessing_codes_ends_before_it_succeeds(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    limit = ("LimitExceededException", "Attempt limit exceeded, please try after some time.")
    idp.sign_up(
        ClientId=app, Username="guessed", Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "guessed@example.com"}],
    )  # fmt: skip
    code = sent_code(cloud, "guessed@example.com")
    wrong = [f"{(int(code) + step) % 1_000_000:06d}" for step in range(1, 6)]
    confirm = lambda code: idp.confirm_sign_up(ClientId=app, Username="guessed", ConfirmationCode=code)  # noqa: E731
    for each in wrong:
        assert refused(lambda each=each: confirm(each)) == (
            "CodeMismatchException", "Invalid verification code provided, please try again.",
        )  # fmt: skip
    assert refused(lambda: confirm(code)) == limit
    name = person(cloud, app)
    idp.forgot_password(ClientId=app, Username=name)
    code = sent_code(cloud, f"{name}@example.com")
    reset = lambda code: idp.confirm_forgot_password(  # noqa: E731
        ClientId=app, Username=name, ConfirmationCode=code, Password="Other-1234"
    )
    for each in range(1, 6):
        refused(lambda each=each: reset(f"{(int(code) + each) % 1_000_000:06d}"))
    assert refused(lambda: reset(code)) == limit
    outcome = None
    for _ in range(5):
        try:
            idp.forgot_password(ClientId=app, Username=name)
        except ClientError as error:
            outcome = error.response["Error"]["Code"]
    assert outcome == "LimitExceededException"


def test_codes_expire(fresh_cloud: RunningCloud) -> None:
    idp = fresh_cloud.client("cognito-idp")
    app = new_client(fresh_cloud, new_pool(fresh_cloud, AutoVerifiedAttributes=["email"]))
    name = person(fresh_cloud, app)
    idp.forgot_password(ClientId=app, Username=name)
    code = sent_code(fresh_cloud, f"{name}@example.com")
    fresh_cloud.advance(3601)
    assert refused(
        lambda: idp.confirm_forgot_password(
            ClientId=app, Username=name, ConfirmationCode=code, Password="Other-1234"
        )
    ) == ("ExpiredCodeException", "Invalid code provided, please request a code again.")


# Tokens


def encode(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    signed = b".".join(parts)
    return (signed + b"." + base64.urlsafe_b64encode(sign(signed)).rstrip(b"=")).decode()


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    return json.loads(header), json.loads(claims)


def test_forged_tokens(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    access = sign_in(cloud, app, person(cloud, app))["AccessToken"]
    header, claims = decoded(access)
    key = next(
        each
        for each in fetch(f"{claims['iss']}/.well-known/jwks.json")["keys"]
        if each["kid"] == header["kid"]
    )
    n, e = (int.from_bytes(base64.urlsafe_b64decode(key[name] + "=="), "big") for name in ("n", "e"))
    pem = (
        rsa.RSAPublicNumbers(e, n)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    own = rsa.generate_private_key(65537, 2048)
    signature = access.split(".")[2]
    forged = {
        "none": encode({**header, "alg": "none"}, claims, lambda _: b""),
        "None": encode({**header, "alg": "None"}, claims, lambda _: b""),
        "HS256 with the public key": encode(
            {**header, "alg": "HS256"}, claims, lambda signed: hmac.digest(pem, signed, "sha256")
        ),
        "a key of one's own": encode(
            header, claims, lambda signed: own.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        ),
        "changed claims": encode(
            header,
            {**claims, "username": "admin"},
            lambda _: base64.urlsafe_b64decode(signature + "=="),
        ),
        "another issuer": encode(header, {**claims, "iss": "http://evil.example/x"}, lambda _: b"x"),
        "no kid": encode({"alg": "RS256"}, claims, lambda _: b"x"),
    }
    for kind, token in forged.items():
        assert refused(lambda token=token: idp.get_user(AccessToken=token))[0] == "NotAuthorizedException", (
            kind
        )
    for junk in ("a", "a.b.c", access.rpartition(".")[0], access + "A" * 40_000, "e30.e30.e30"):
        assert refused(lambda junk=junk: idp.get_user(AccessToken=junk)) == (
            "NotAuthorizedException", "Invalid Access Token",
        )  # fmt: skip


def test_tokens_of_the_wrong_use_age_or_pool(fresh_cloud: RunningCloud) -> None:
    idp = fresh_cloud.client("cognito-idp")
    pool = new_pool(fresh_cloud, AutoVerifiedAttributes=["email"])
    app = new_client(fresh_cloud, pool)
    name = person(fresh_cloud, app)
    tokens = sign_in(fresh_cloud, app, name)
    assert refused(lambda: idp.get_user(AccessToken=tokens["IdToken"]))[1] == "Invalid Access Token"
    header, claims = decoded(tokens["AccessToken"])
    other = new_pool(fresh_cloud)
    moved = encode(header, {**claims, "iss": claims["iss"].replace(pool, other)}, lambda _: b"x")
    assert refused(lambda: idp.get_user(AccessToken=moved))[0] == "NotAuthorizedException"
    second = new_client(fresh_cloud, pool)
    refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    assert refused(
        lambda: idp.initiate_auth(ClientId=second, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refresh)
    ) == ("NotAuthorizedException", "Invalid Refresh Token")
    fresh_cloud.advance(3601)
    assert refused(lambda: idp.get_user(AccessToken=tokens["AccessToken"]))[1] == "Access Token has expired"
    idp.initiate_auth(ClientId=app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refresh)
    fresh_cloud.advance(31 * 86400)
    assert refused(
        lambda: idp.initiate_auth(ClientId=app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refresh)
    )[0] == "NotAuthorizedException"  # fmt: skip


def test_revoking_ends_every_token_of_the_sign_in(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    name = person(cloud, app)
    one, other = sign_in(cloud, app, name), sign_in(cloud, app, name)
    assert refused(lambda: idp.revoke_token(ClientId=app, Token=one["AccessToken"]))[0] == (
        "UnsupportedTokenTypeException"
    )
    second = new_client(cloud, pool)
    assert refused(lambda: idp.revoke_token(ClientId=second, Token=one["RefreshToken"]))[0] == (
        "UnauthorizedException"
    )
    idp.revoke_token(ClientId=app, Token=one["RefreshToken"])
    assert refused(lambda: idp.get_user(AccessToken=one["AccessToken"])) == (
        "NotAuthorizedException", "Access Token has been revoked",
    )  # fmt: skip
    idp.get_user(AccessToken=other["AccessToken"])


def test_rotated_refresh_tokens_are_good_once(fresh_cloud: RunningCloud) -> None:
    idp = fresh_cloud.client("cognito-idp")
    pool = new_pool(fresh_cloud, AutoVerifiedAttributes=["email"])
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}
    fresh_cloud.hold()
    app = new_client(
        fresh_cloud, pool, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"], RefreshTokenRotation=rotation
    )
    tokens = sign_in(fresh_cloud, app, person(fresh_cloud, app))
    renew = lambda token: idp.get_tokens_from_refresh_token(ClientId=app, RefreshToken=token)  # noqa: E731
    after = renew(tokens["RefreshToken"])["AuthenticationResult"]
    assert after["RefreshToken"] != tokens["RefreshToken"]
    renew(tokens["RefreshToken"])  # within its grace
    fresh_cloud.advance(11)
    assert refused(lambda: renew(tokens["RefreshToken"]))[0] == "NotAuthorizedException"
    renew(after["RefreshToken"])


# Secrets and names


def secret_hash(secret: str, name: str, app: str) -> str:
    digest = hmac.new(secret.encode(), f"{name}{app}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def test_a_clients_secret_is_asked_for(cloud: RunningCloud, pool: str, idp: Any) -> None:
    app = new_client(cloud, pool, GenerateSecret=True)
    secret = idp.describe_user_pool_client(UserPoolId=pool, ClientId=app)["UserPoolClient"]["ClientSecret"]
    given = {"ClientId": app, "Username": "secretive", "Password": PASSWORD}
    assert refused(lambda: idp.sign_up(**given)) == (
        "NotAuthorizedException",
        f"Client {app} is configured with secret but SECRET_HASH was not received",
    )
    for wrong in (secret_hash("x" * 52, "secretive", app), secret_hash(secret, "other", app)):
        assert refused(lambda wrong=wrong: idp.sign_up(**given, SecretHash=wrong)) == (
            "NotAuthorizedException", f"Unable to verify secret hash for client {app}",
        )  # fmt: skip
    idp.sign_up(**given, SecretHash=secret_hash(secret, "secretive", app))
    idp.admin_confirm_sign_up(UserPoolId=pool, Username="secretive")
    helper = AWSSRP(
        username="secretive", password=PASSWORD, pool_id=pool, client_id=app, client=idp, client_secret=secret
    )
    tokens = helper.authenticate_user()["AuthenticationResult"]
    refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    again = lambda **more: idp.initiate_auth(  # noqa: E731
        ClientId=app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={**refresh, **more}
    )
    assert refused(again)[0] == "NotAuthorizedException"
    again(SECRET_HASH=secret_hash(secret, "secretive", app))


def test_names_cannot_be_told_from_answers(cloud: RunningCloud, pool: str, idp: Any) -> None:
    app = new_client(cloud, pool, PreventUserExistenceErrors="ENABLED")
    name = person(cloud, app)
    a_public = f"{pow(2, 12345, srp.N):x}"
    for nobody in ("nobody-1", name):
        asked = start_srp(idp, app, nobody, a_public)["ChallengeParameters"]
        assert asked["USER_ID_FOR_SRP"] == asked["USERNAME"] == nobody
        assert len(asked["SALT"]) == 32 and len(asked["SRP_B"]) >= 760
        assert start_srp(idp, app, nobody, a_public)["ChallengeParameters"]["SALT"] == asked["SALT"]
        helper = AWSSRP(username=nobody, password="Wrong-1234", pool_id=pool, client_id=app, client=idp)
        with pytest.raises(Exception, match="Incorrect username or password"):
            helper.authenticate_user()
    assert refused(lambda: sign_in(cloud, app, "nobody-2")) == WRONG
    assert (
        idp.forgot_password(ClientId=app, Username="nobody-3")["CodeDeliveryDetails"]["DeliveryMedium"]
        == "EMAIL"
    )
    assert idp.resend_confirmation_code(ClientId=app, Username="nobody-3")["CodeDeliveryDetails"]
    confirm = {"ClientId": app, "Username": "nobody-3", "ConfirmationCode": "123456"}
    assert refused(lambda: idp.confirm_sign_up(**confirm))[0] == "ExpiredCodeException"
    for nobody, asks, code in (
        ("nobody-3", False, "CodeMismatchException"),  # it was asked for above
        ("nobody-4", False, "ExpiredCodeException"),
        (name, False, "ExpiredCodeException"),
        (name, True, "CodeMismatchException"),
    ):
        if asks:
            idp.forgot_password(ClientId=app, Username=nobody)
        given = {**confirm, "Username": nobody, "Password": PASSWORD, "ConfirmationCode": "12345"}
        assert refused(lambda given=given: idp.confirm_forgot_password(**given))[0] == code


def test_flows_and_operations_that_were_not_granted(cloud: RunningCloud, pool: str, idp: Any) -> None:
    plain = new_client(cloud, pool, ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])
    assert refused(lambda: sign_in(cloud, plain, "any")) == (
        "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client",
    )  # fmt: skip
    assert refused(lambda: start_srp(idp, plain, "any", "abcdef"))[0] == "InvalidParameterException"
    iam = cloud.client("iam")
    iam.create_user(UserName="cognito-limited")
    statement = {"Effect": "Allow", "Action": "cognito-idp:AdminGetUser",
                 "Resource": f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool}"}  # fmt: skip
    iam.put_user_policy(
        UserName="cognito-limited", PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )  # fmt: skip
    key = iam.create_access_key(UserName="cognito-limited")["AccessKey"]
    limited = cloud.client("cognito-idp", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert (
        refused(lambda: limited.admin_get_user(UserPoolId=pool, Username="no"))[0] == "UserNotFoundException"
    )
    assert refused(lambda: limited.admin_delete_user(UserPoolId=pool, Username="no"))[0] == (
        "AccessDeniedException"
    )
    other = new_pool(cloud)
    assert refused(lambda: limited.admin_get_user(UserPoolId=other, Username="no"))[0] == (
        "AccessDeniedException"
    )
    stranger = cloud.client("cognito-idp", key="111122223333")
    assert refused(lambda: stranger.describe_user_pool(UserPoolId=pool))[0] == "ResourceNotFoundException"


def test_secrets_do_not_lie_in_the_clear(cloud: RunningCloud, pool: str, idp: Any) -> None:
    app = new_client(cloud, pool, GenerateSecret=True)
    secret = idp.describe_user_pool_client(UserPoolId=pool, ClientId=app)["UserPoolClient"]["ClientSecret"]
    plain = new_client(cloud, pool)
    name = person(cloud, plain)
    tokens = sign_in(cloud, plain, name)
    kept = b"".join(
        path.read_bytes() for path in cloud.data.iterdir() if path.name.startswith("cloud.db")
    ) + cloud.log.read_bytes()  # fmt: skip
    for each in (secret, PASSWORD, tokens["RefreshToken"], tokens["AccessToken"]):
        assert each.encode() not in kept
    assert b"PRIVATE KEY" not in kept
    assert refused(lambda: idp.sign_up(ClientId=plain, Username="x", Password="sp ace"))[1] == (
        "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy"
        " regular expression pattern: [\\S]+"
    )
