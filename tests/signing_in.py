"""A user pool with its pages, and an app that signs its users in there."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import urllib.request
import uuid
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.jwk import KeySet

from browsing import Browser, Page
from running import RunningCloud

PASSWORD = "Secret-123"
CALLBACK = "https://app.example/callback?from=here"
SIGNED_OUT = "https://app.example/bye"


class App:
    """A user pool with a domain, and a client that signs in through its pages."""

    def __init__(self, cloud: RunningCloud, pool: dict[str, Any] | None = None, **client: Any) -> None:
        self.cloud = cloud
        self.idp = cloud.client("cognito-idp")
        settings: dict[str, Any] = {"AutoVerifiedAttributes": ["email"], **(pool or {})}
        self.pool = self.idp.create_user_pool(PoolName="People + friends", **settings)["UserPool"]["Id"]
        self.domain = f"d{uuid.uuid4().hex[:10]}"
        self.idp.create_user_pool_domain(UserPoolId=self.pool, Domain=self.domain)
        self.base = f"{cloud.url}/_aws/cognito/{self.domain}"
        self.client, self.secret = self.new_client(**client)

    def new_client(self, **settings: Any) -> tuple[str, str]:
        made = self.idp.create_user_pool_client(
            UserPoolId=self.pool,
            ClientName="app",
            **{
                "SupportedIdentityProviders": ["COGNITO"],
                "CallbackURLs": [CALLBACK, "myapp://callback"],
                "LogoutURLs": [SIGNED_OUT],
                "AllowedOAuthFlows": ["code", "implicit"],
                "AllowedOAuthScopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
                "AllowedOAuthFlowsUserPoolClient": True,
                **settings,
            },
        )["UserPoolClient"]
        return made["ClientId"], made.get("ClientSecret", "")

    def new_user(self, name: str = "ann") -> str:
        email = f"{name}@example.com"
        self.idp.admin_create_user(
            UserPoolId=self.pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        )
        self.idp.admin_set_user_password(
            UserPoolId=self.pool, Username=name, Password=PASSWORD, Permanent=True
        )
        return name

    def query(self, **changes: str | None) -> str:
        given = {
            "client_id": self.client,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid email",
            "state": "st&te",
            **changes,
        }
        return urlencode({name: value for name, value in given.items() if value is not None})

    def login(self, browser: Browser, name: str = "ann", password: str = PASSWORD, **changes: Any) -> Page:
        """Through the pages to the answer to the password."""
        start = browser.get(f"{self.base}/oauth2/authorize?{self.query(**changes)}")
        assert start.status == 302, start.body
        page = browser.get(f"{self.cloud.url}{start.location}")
        assert page.status == 200
        return browser.fill(page, username=name, password=password)

    def code(self, browser: Browser, name: str = "ann", **changes: Any) -> str:
        page = self.login(browser, name, **changes)
        assert page.status == 302, page.text
        return page.answer["code"]

    def token(self, browser: Browser, headers: dict[str, str] | None = None, /, **fields: str) -> Page:
        given = {"grant_type": "authorization_code", "client_id": self.client, "redirect_uri": CALLBACK}
        sent = {name: value for name, value in (given | fields).items() if value}
        return browser.post(f"{self.base}/oauth2/token", sent, headers)


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, verified by the keys that its issuer publishes."""
    middle = token.split(".")[1]
    issuer = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))["iss"]
    with urllib.request.urlopen(f"{issuer}/.well-known/jwks.json", timeout=60) as response:
        keys = KeySet.import_key_set(json.loads(response.read()))
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def pkce() -> tuple[str, str]:
    """A verifier and its challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).decode().rstrip("=")


def sent_code(cloud: RunningCloud, address: str) -> str:
    mail = cloud.admin("GET", f"/_may/inbox?to={quote(address, safe='')}")[0]
    found = re.search(r"\b\d{6}\b", mail["text"])
    assert found is not None, mail
    return found[0]


def totp(secret: str, at: float) -> str:
    """The code that an authenticator app shows (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, int(at // 30).to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 15
    return f"{(int.from_bytes(mac[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"
