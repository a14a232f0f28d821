"""Users of Cognito user pools, for tests: pools, clients, people, their mails and tokens."""

import base64
import json
import re
import urllib.request
import uuid
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from running import RunningCloud

PASSWORD = "Secret-123"


def new_pool(cloud: RunningCloud, **settings: Any) -> str:
    pool = cloud.client("cognito-idp").create_user_pool(PoolName="people", **settings)["UserPool"]
    return pool["Id"]


def new_client(cloud: RunningCloud, pool: str, **settings: Any) -> str:
    flows = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = cloud.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool, ClientName="app", **{"ExplicitAuthFlows": flows, **settings}
    )
    return made["UserPoolClient"]["ClientId"]


def mails_of(cloud: RunningCloud, address: str) -> list[dict[str, Any]]:
    return cloud.admin("GET", f"/_may/inbox?to={quote(address, safe='')}")


def sent_code(cloud: RunningCloud, address: str) -> str:
    mail = mails_of(cloud, address)[0]
    found = re.search(r"\d{6}", mail["text"])
    assert found is not None, mail
    return found[0]


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def message_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Message"]


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as response:
        assert response.headers["access-control-allow-origin"] == "*"
        return json.loads(response.read())


def check_signature(cloud: RunningCloud, token: str) -> None:
    """Verify a token as any client would: by the keys at its issuer."""
    claims = claims_of(token)
    discovery = fetch(f"{claims['iss']}/.well-known/openid-configuration")
    assert discovery["issuer"] == claims["iss"]
    head, body, signature = token.split(".")
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    keys = fetch(discovery["jwks_uri"])["keys"]
    assert len(keys) == 2
    key = next(each for each in keys if each["kid"] == kid)
    n, e = (int.from_bytes(base64.urlsafe_b64decode(key[name] + "=="), "big") for name in ("n", "e"))
    rsa.RSAPublicNumbers(e, n).public_key().verify(
        base64.urlsafe_b64decode(signature + "=="),
        f"{head}.{body}".encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )


def person(cloud: RunningCloud, app: str, **attributes: str) -> str:
    """A confirmed user of the app; gives the name."""
    name = f"user-{uuid.uuid4().hex[:10]}"
    idp = cloud.client("cognito-idp")
    given = {"email": f"{name}@example.com", **attributes}
    idp.sign_up(
        ClientId=app, Username=name, Password=PASSWORD,
        UserAttributes=[{"Name": key, "Value": value} for key, value in given.items()],
    )  # fmt: skip
    idp.confirm_sign_up(ClientId=app, Username=name, ConfirmationCode=sent_code(cloud, given["email"]))
    return name


def sign_in(cloud: RunningCloud, app: str, name: str, password: str = PASSWORD) -> dict[str, Any]:
    return cloud.client("cognito-idp").initiate_auth(
        ClientId=app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": name, "PASSWORD": password}
    )["AuthenticationResult"]
