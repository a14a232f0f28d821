"""Cognito authorizers over HTTPS: whose tokens open a method, and which of them do not."""

import base64
import hmac
import json
import socket
import ssl
import time
import urllib.request
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateways import Api, make_handler, operation, patch
from running import RunningCloud

PASSWORD = "Secret-123"
ECHO = (
    "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
)
UNAUTHORIZED = (401, {"message": "Unauthorized"})
SCOPE = "aws.cognito.signin.user.admin"


class Pool:
    """A user pool with a client, and users who are signed in when asked for."""

    def __init__(self, cloud: RunningCloud, **client: Any) -> None:
        self.idp = cloud.client("cognito-idp")
        pool = self.idp.create_user_pool(PoolName="people", AutoVerifiedAttributes=["email"])["UserPool"]
        self.id, self.arn = pool["Id"], pool["Arn"]
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        made = self.idp.create_user_pool_client(
            UserPoolId=self.id, ClientName="app", ExplicitAuthFlows=flows, **client
        )
        self.client = made["UserPoolClient"]["ClientId"]

    def sign_in(self, name: str) -> dict[str, str]:
        self.idp.sign_up(
            ClientId=self.client, Username=name, Password=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}],
        )  # fmt: skip
        self.idp.admin_confirm_sign_up(UserPoolId=self.id, Username=name)
        return self.idp.initiate_auth(
            ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]  # fmt: skip


@pytest.fixture(scope="module")
def pool(cloud: RunningCloud) -> Pool:
    return Pool(cloud)


@pytest.fixture(scope="module")
def tokens(pool: Pool) -> dict[str, str]:
    return pool.sign_in("ann")


@pytest.fixture(scope="module")
def echo(cloud: RunningCloud) -> dict[str, Any]:
    return make_handler(cloud, "claims", ECHO)


def guarded(cloud: RunningCloud, name: str, echo: dict[str, Any], *arns: str, **more: Any) -> Api:
    document = more.pop("document", {})
    scheme = {
        "type": "apiKey", "name": "Authorization", "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": list(arns), **more},
    }  # fmt: skip
    paths = {
        "/me": {"get": operation(echo, security=[{"pool": []}])},
        "/scoped": {"get": operation(echo, security=[{"pool": ["shop/none", SCOPE]}])},
        "/other": {"get": operation(echo, security=[{"pool": ["shop/none"]}])},
    }
    return Api(cloud, name, paths, securityDefinitions={"pool": scheme}, **document)


@pytest.fixture(scope="module")
def api(cloud: RunningCloud, echo: dict[str, Any], pool: Pool) -> Api:
    return guarded(cloud, "pooled", echo, pool.arn)


def asked(api: Api, token: str, path: str = "/me", **headers: str) -> tuple[int, Any]:
    status, _, raw = api.ask("GET", path, Authorization=token, **headers)
    return status, json.loads(raw)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def header_of(token: str) -> dict[str, Any]:
    head = token.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def test_claims_reach_the_handler_as_text(api: Api, pool: Pool, tokens: dict[str, str]) -> None:
    token = tokens["IdToken"]
    for header in (token, f"Bearer {token}"):
        status, event = asked(api, header)
        assert status == 200
        told, claims = event["requestContext"]["authorizer"]["claims"], claims_of(token)
        assert all(isinstance(value, str) for value in told.values())
        assert told["sub"] == claims["sub"]
        assert told["email"] == "ann@example.com"
        assert (told["token_use"], told["aud"]) == ("id", pool.client)
        assert told["auth_time"] == str(claims["auth_time"])
        written = time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(claims["exp"]))
        assert told["exp"] == written


def test_tokens_that_open_nothing(cloud: RunningCloud, api: Api, tokens: dict[str, str]) -> None:
    token = tokens["IdToken"]
    head, body, signature = token.split(".")
    stranger = Pool(cloud).sign_in("ann")
    assert asked(api, token)[0] == 200
    assert api.ask("GET", "/me")[0] == 401
    wrong = {
        "empty": "", "garbage": "garbage", "dots": "..", "bare": "Bearer ", "twice": f"Bearer Bearer {token}",
        "basic": f"Basic {token}", "access for id": tokens["AccessToken"], "refresh": tokens["RefreshToken"],
        "another pool's": stranger["IdToken"], "another's signature":
        f"{head}.{body}.{stranger['IdToken'].split('.')[2]}", "no signature": f"{head}.{body}.",
        "cut": token[:-4], "longer": token + "AAAA", "two": f"{token},{token}", "long": "a" * 12_000,
        "other claims": f"{head}.{part(claims_of(token) | {'sub': 'someone-else'})}.{signature}",
        "alg none": f"{part({'alg': 'none'})}.{body}.",
        "alg none, signed": f"{part(header_of(token) | {'alg': 'none'})}.{body}.{signature}",
    }  # fmt: skip
    for name, each in wrong.items():
        assert asked(api, each) == UNAUTHORIZED, name


def test_keys_that_are_not_the_pools(api: Api, tokens: dict[str, str]) -> None:
    """Another RSA key under the same kid, and the public key as an HMAC secret."""
    token = tokens["IdToken"]
    head, body, _ = token.split(".")
    own = rsa.generate_private_key(65537, 2048)

    def encoded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    forged = own.sign(f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert asked(api, f"{head}.{body}.{encoded(forged)}") == UNAUTHORIZED
    jwk = {"kty": "RSA", "e": "AQAB", "n": encoded(own.public_key().public_numbers().n.to_bytes(256, "big"))}
    for injected in ({"jwk": jwk}, {"jku": "https://evil.example/jwks.json"}, {"kid": "../../dev/null"}):
        head = part(header_of(token) | injected)
        forged = own.sign(f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        assert asked(api, f"{head}.{body}.{encoded(forged)}") == UNAUTHORIZED
    with urllib.request.urlopen(f"{claims_of(token)['iss']}/.well-known/jwks.json", timeout=60) as answer:
        keys = json.loads(answer.read())["keys"]
    for key in keys:
        n = int.from_bytes(base64.urlsafe_b64decode(key["n"] + "=="), "big")
        public = rsa.RSAPublicNumbers(65537, n).public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        head = part({"alg": "HS256", "kid": key["kid"]})
        for secret in (pem, pem.strip(), json.dumps(key).encode()):
            mac = hmac.digest(secret, f"{head}.{body}".encode(), "sha256")
            assert asked(api, f"{head}.{body}.{encoded(mac)}") == UNAUTHORIZED


def test_scopes_ask_for_access_tokens(api: Api, tokens: dict[str, str]) -> None:
    status, event = asked(api, tokens["AccessToken"], "/scoped")
    assert status == 200
    assert event["requestContext"]["authorizer"]["claims"]["scope"] == SCOPE
    assert asked(api, tokens["IdToken"], "/scoped") == UNAUTHORIZED
    assert asked(api, tokens["AccessToken"], "/other")[0] == 403
    assert asked(api, tokens["AccessToken"], "/me") == UNAUTHORIZED


def test_several_pools_and_audiences(cloud: RunningCloud, echo: dict[str, Any], pool: Pool) -> None:
    other, third = Pool(cloud), Pool(cloud)
    mine, theirs = pool.sign_in("bob")["IdToken"], other.sign_in("bob")["IdToken"]
    both = guarded(cloud, "two-pools", echo, pool.arn, other.arn)
    assert asked(both, mine)[0] == asked(both, theirs)[0] == 200
    assert asked(both, third.sign_in("bob")["IdToken"]) == UNAUTHORIZED
    one = guarded(cloud, "one-client", echo, pool.arn, other.arn, identityValidationExpression=other.client)
    assert asked(one, theirs)[0] == 200
    assert asked(one, mine) == UNAUTHORIZED


def test_the_header_an_authorizer_reads(cloud: RunningCloud, echo: dict[str, Any], pool: Pool) -> None:
    api = guarded(cloud, "own-header", echo, pool.arn, identitySource="method.request.header.X-Token")
    token = pool.sign_in("cat")["IdToken"]
    assert asked(api, token) == UNAUTHORIZED
    assert asked(api, "nothing", x_token=token)[0] == 200


def test_an_expired_token(fresh_cloud: RunningCloud) -> None:
    """Also where its verification was kept: no result outlives its token."""
    pool = Pool(fresh_cloud, IdTokenValidity=5, TokenValidityUnits={"IdToken": "minutes"})
    echo = make_handler(fresh_cloud, "claims", ECHO)
    api = guarded(fresh_cloud, "expiring", echo, pool.arn, authorizerResultTtlInSeconds=3600)
    fresh_cloud.hold()
    token = pool.sign_in("dan")["IdToken"]
    assert asked(api, token)[0] == 200
    fresh_cloud.advance(290)
    assert asked(api, token)[0] == 200
    fresh_cloud.advance(11)
    assert asked(api, token) == (401, {"message": "The incoming token has expired"})


def test_a_resource_policy_beside_the_pool(cloud: RunningCloud, echo: dict[str, Any], pool: Pool) -> None:
    """It is evaluated by itself: it must allow, and the pool must have authenticated."""
    token = pool.sign_in("eve")["IdToken"]

    def policed(name: str, **statement: Any) -> Api:
        common = {"Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        policy = {"Version": "2012-10-17", "Statement": [common | statement]}
        return guarded(cloud, name, echo, pool.arn, document={"x-amazon-apigateway-policy": policy})

    open_ = policed("allowing", Effect="Allow")
    assert asked(open_, token)[0] == 200
    assert asked(open_, "garbage") == UNAUTHORIZED
    assert asked(policed("denying", Effect="Deny"), token)[0] == 403
    assert asked(policed("silent", Effect="Allow", Resource="execute-api:/s/POST/*"), token)[0] == 403


def test_a_cache_keyed_by_the_token_is_each_users_own(
    cloud: RunningCloud, echo: dict[str, Any], pool: Pool
) -> None:
    ann, ben = pool.sign_in("ann-cached")["IdToken"], pool.sign_in("ben-cached")["IdToken"]
    scheme = {
        "type": "apiKey", "name": "Authorization", "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [pool.arn]},
    }  # fmt: skip
    keyed = echo | {"cacheKeyParameters": ["method.request.header.Authorization"]}
    parameter = {"name": "Authorization", "in": "header", "required": False, "type": "string"}
    get = operation(keyed, security=[{"pool": []}], parameters=[parameter])
    api = Api(cloud, "cached-claims", {"/me": {"get": get}}, securityDefinitions={"pool": scheme})
    api.client.update_stage(
        restApiId=api.id, stageName="s",
        patchOperations=[patch("/cacheClusterEnabled", "true"), patch("/*/*/caching/enabled", "true")],
    )  # fmt: skip

    def answered(token: str) -> tuple[str, str]:
        status, event = asked(api, token)
        assert status == 200
        context = event["requestContext"]
        return context["requestId"], context["authorizer"]["claims"]["sub"]

    first = answered(ann)
    assert answered(ann) == first
    assert answered(ben)[1] != first[1]
    # What is kept is not for those whom the authorizer does not let in.
    for token in ("garbage", ann[:-4] + "AAAA", ann + "."):
        assert asked(api, token) == UNAUTHORIZED
    assert api.ask("GET", "/me")[0] == 401


def test_a_pools_authorizer_can_be_tried(api: Api, tokens: dict[str, str]) -> None:
    authorizer = api.client.get_authorizers(restApiId=api.id)["items"][0]["id"]

    def tried(token: str) -> dict[str, Any]:
        return api.client.test_invoke_authorizer(
            restApiId=api.id, authorizerId=authorizer, headers={"Authorization": token}
        )

    answer = tried(tokens["IdToken"])
    assert (answer["clientStatus"], answer["claims"]["email"]) == (200, "ann@example.com")
    assert "Valid token" in answer["log"] and tokens["IdToken"] not in answer["log"]
    for token in (tokens["AccessToken"], "garbage"):
        assert tried(token)["clientStatus"] == 401


def test_two_tokens_at_once_are_none(api: Api, tokens: dict[str, str]) -> None:
    """Headers that are sent twice are one value to whoever checks it, so neither is taken for the other."""
    lines = [
        f"GET /_aws/execute-api/{api.id}/s/me HTTP/1.1", f"Host: localhost:{api.cloud.port}",
        f"Authorization: {tokens['IdToken']}", "Authorization: garbage", "Connection: close", "", "",
    ]  # fmt: skip
    tls = ssl.create_default_context(cafile=api.cloud.ca_file)
    with (
        socket.create_connection(("localhost", api.cloud.port), timeout=60) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 401 ")
