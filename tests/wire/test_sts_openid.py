"""AssumeRoleWithWebIdentity with a provider that an account registered:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html"""

import hashlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from running import RunningCloud

TAGS = "https://aws.amazon.com/tags"


class Provider:
    """An identity provider with a certificate of its own making."""

    def __init__(self, folder: Path) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .sign(key, hashes.SHA256())
        )
        der = certificate.public_bytes(serialization.Encoding.DER)
        self.thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest()
        file = folder / "provider.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages: dict[str, Any] = {
                    "/.well-known/openid-configuration": {"jwks_uri": f"{provider.issuer}/keys"},
                    "/keys": {"keys": [provider.key.as_dict(private=False)]},
                }
                body = json.dumps(pages.get(self.path)).encode()
                self.send_response(200 if self.path in pages else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Tests are quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.issuer = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, key: RSAKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        usual = {"iss": self.issuer, "sub": "repo:main", "aud": "sts.amazonaws.com", "iat": now}
        header = {"alg": "RS256", "kid": "one"}
        return jwt.encode(header, usual | {"exp": now + 600} | claims, key or self.key)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    made = Provider(tmp_path_factory.mktemp("provider"))
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def role(cloud: RunningCloud, provider: Provider) -> str:
    """The ARN of a role for one subject of the provider."""
    iam = cloud.client("iam")
    arn = iam.create_open_id_connect_provider(
        Url=provider.issuer, ClientIDList=["sts.amazonaws.com", "other"], ThumbprintList=[provider.thumbprint]
    )["OpenIDConnectProviderArn"]
    name = provider.issuer.removeprefix("https://")
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": arn},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Condition": {"StringEquals": {f"{name}:aud": "sts.amazonaws.com", f"{name}:sub": "repo:main"}},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=trust)["Role"]["Arn"]


def assume(cloud: RunningCloud, role: str, token: str) -> Any:
    sts = cloud.client("sts")
    return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="ci", WebIdentityToken=token)


def refused(cloud: RunningCloud, role: str, token: str, code: str) -> str:
    with pytest.raises(ClientError) as caught:
        assume(cloud, role, token)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def test_a_token_of_a_registered_provider_opens_a_session(
    cloud: RunningCloud, provider: Provider, role: str
) -> None:
    answer = assume(cloud, role, provider.token())
    assert answer["Provider"] == provider.issuer
    assert answer["Audience"] == "sts.amazonaws.com"
    assert answer["SubjectFromWebIdentityToken"] == "repo:main"
    given = answer["Credentials"]
    session = cloud.client(
        "sts", key=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["SessionToken"]
    )
    assert session.get_caller_identity()["Arn"].endswith("assumed-role/deployer/ci")
    assume(cloud, role, provider.token(aud=["elsewhere", "sts.amazonaws.com"]))
    tags: dict[str, Any] = {TAGS: {"principal_tags": {"team": ["red"]}}}
    assume(cloud, role, provider.token(**tags))


def test_tokens_that_are_refused(cloud: RunningCloud, provider: Provider, role: str) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    now = int(time.time())
    invalid = "InvalidIdentityToken"
    for token in (
        provider.token(stranger),
        provider.token()[:-8] + "AAAAAAAA",
        provider.token(nbf=now + 300),
        provider.token(sub=5),
        provider.token(exp="soon"),
    ):
        assert refused(cloud, role, token, invalid).startswith(
            "The web identity token that was passed could not"
        )
    assert refused(cloud, role, provider.token(aud="elsewhere"), invalid) == "Incorrect token audience"
    assert refused(cloud, role, provider.token(aud=None), invalid) == "Incorrect token audience"
    words = refused(cloud, role, provider.token(exp=now - 1), "ExpiredTokenException")
    assert words.startswith("Token expired: current date/time")
    refused(cloud, role, provider.token(sub="repo:fork"), "AccessDenied")
    refused(cloud, role, provider.token(azp="other"), "AccessDenied")
    refused(cloud, role, provider.token(iss="https://unknown.example.com"), invalid)
    header, body, _ = provider.token().split(".")
    unsigned = json.dumps({"alg": "none"}).encode().hex()
    for head in (unsigned, header):
        refused(cloud, role, f"{head}.{body}.", invalid)


def test_a_provider_whose_certificate_nobody_knows_is_not_asked(
    cloud: RunningCloud, provider: Provider, role: str
) -> None:
    iam = cloud.client("iam")
    arn = f"arn:aws:iam::000000000000:oidc-provider/{provider.issuer.removeprefix('https://')}"
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["0" * 40])
    try:
        words = refused(cloud, role, provider.token(), "InvalidIdentityToken")
        assert words.startswith("Couldn't retrieve verification key from your identity provider")
    finally:
        iam.update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=arn, ThumbprintList=[provider.thumbprint]
        )
    assume(cloud, role, provider.token())


def test_another_account_s_provider_vouches_for_nobody_here(
    cloud: RunningCloud, provider: Provider, role: str
) -> None:
    iam = cloud.client("iam", key="111122223333")
    nobody = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [nobody]})
    iam.create_role(RoleName="open", AssumeRolePolicyDocument=trust)
    words = refused(cloud, "arn:aws:iam::111122223333:role/open", provider.token(), "InvalidIdentityToken")
    assert words == f"No OpenIDConnect provider found in your account for {provider.issuer}"
