"""User pools: identity providers of others, secrets that are exchanged, certificates."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509

from browsing import Browser
from running import RunningCloud
from signing_in import App
from userpools import PASSWORD, code_of, message_of, new_client, new_pool

GOOGLE = {"client_id": "id", "client_secret": "their-secret", "authorize_scopes": "openid email"}
OIDC = {
    "client_id": "id",
    "authorize_scopes": "openid",
    "oidc_issuer": "https://issuer.example",
    "attributes_request_method": "GET",
}


@pytest.fixture
def idp(client: Callable[..., Any]) -> Any:
    return client("cognito-idp")


def refused(run: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        run()
    return code_of(error), message_of(error)


def test_providers_come_change_and_go(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud)
    made = idp.create_identity_provider(
        UserPoolId=pool, ProviderName="Google", ProviderType="Google", ProviderDetails=GOOGLE,
        AttributeMapping={"email": "email"}, IdpIdentifiers=["gmail.example"],
    )["IdentityProvider"]  # fmt: skip
    assert made["ProviderDetails"]["token_request_method"] == "POST"
    assert made["ProviderDetails"]["oidc_issuer"] == "https://accounts.google.com"
    assert made["AttributeMapping"] == {"username": "sub", "email": "email"}
    named = {"UserPoolId": pool, "ProviderName": "Google"}
    assert idp.describe_identity_provider(**named)["IdentityProvider"] == made
    found = idp.get_identity_provider_by_identifier(UserPoolId=pool, IdpIdentifier="gmail.example")
    assert found["IdentityProvider"] == made
    changed = idp.update_identity_provider(**named, AttributeMapping={"name": "name"})["IdentityProvider"]
    assert changed["AttributeMapping"] == {"username": "sub", "name": "name"}
    assert changed["ProviderDetails"] == made["ProviderDetails"]
    for number in range(3):
        idp.create_identity_provider(
            UserPoolId=pool, ProviderName=f"oidc{number}", ProviderType="OIDC", ProviderDetails=OIDC
        )
    page = idp.list_identity_providers(UserPoolId=pool, MaxResults=3)
    rest = idp.list_identity_providers(UserPoolId=pool, MaxResults=3, NextToken=page["NextToken"])
    names = [each["ProviderName"] for each in page["Providers"] + rest["Providers"]]
    assert names == ["Google", "oidc0", "oidc1", "oidc2"]
    idp.create_user_pool_client(
        UserPoolId=pool, ClientName="app", SupportedIdentityProviders=["COGNITO", "Google"]
    )
    idp.delete_identity_provider(**named)
    assert refused(lambda: idp.describe_identity_provider(**named)) == (
        "ResourceNotFoundException",
        "Identity provider Google does not exist.",
    )
    assert b"their-secret" not in (cloud.data / "cloud.db").read_bytes()


@pytest.mark.parametrize(
    ("name", "kind", "details", "code", "words"),
    [
        # https://github.com/aws/aws-cli/issues/3179
        ("Mine", "Google", GOOGLE, "InvalidParameterException", "Provider Mine cannot be of type Google."),
        ("Google", "OIDC", OIDC, "InvalidParameterException", "Provider Google cannot be of type OIDC."),
        ("COGNITO", "OIDC", OIDC, "InvalidParameterException", "Provider COGNITO cannot be of type OIDC."),
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1287
        ("taken", "OIDC", OIDC, "DuplicateProviderException", "taken already exists in user pool POOL."),
        ("saml", "SAML", {}, "InvalidParameterException", None),
        ("oidc", "OIDC", {"client_id": "x"}, "InvalidParameterException", None),
    ],
)
def test_providers_that_are_refused(
    cloud: RunningCloud, idp: Any, name: str, kind: str, details: dict[str, str], code: str, words: str | None
) -> None:
    pool = new_pool(cloud)
    create = lambda name, kind, details: idp.create_identity_provider(  # noqa: E731
        UserPoolId=pool, ProviderName=name, ProviderType=kind, ProviderDetails=details
    )
    create("taken", "OIDC", OIDC)
    answer = refused(lambda: create(name, kind, details))
    assert answer[0] == code
    assert words is None or answer[1] == words.replace("POOL", pool)
    assert len(idp.list_identity_providers(UserPoolId=pool)["Providers"]) == 1


def test_nobody_signs_in_with_another_provider_yet(cloud: RunningCloud) -> None:
    app = App(cloud)
    app.idp.create_identity_provider(
        UserPoolId=app.pool, ProviderName="oidc", ProviderType="OIDC", ProviderDetails=OIDC
    )
    browser = Browser()
    page = browser.get(f"{app.base}/oauth2/authorize?{app.query(identity_provider='oidc')}")
    assert page.status == 302 and page.answer["error"] == "invalid_request"
    assert "identity provider" in page.answer["error_description"]
    browser.close()


def hashed(secret: str, name: str, app: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), f"{name}{app}".encode(), "sha256")).decode()


def test_a_secret_is_exchanged_without_a_gap(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud)
    app = new_client(cloud, pool, GenerateSecret=True)
    named = {"UserPoolId": pool, "ClientId": app}
    old = idp.describe_user_pool_client(**named)["UserPoolClient"]["ClientSecret"]
    [first] = idp.list_user_pool_client_secrets(**named)["ClientSecrets"]
    assert first.keys() == {"ClientSecretId", "ClientSecretCreateDate"}
    delete = lambda which: idp.delete_user_pool_client_secret(**named, ClientSecretId=which)  # noqa: E731
    assert refused(lambda: delete(first["ClientSecretId"]))[0] == "InvalidParameterException"
    new = idp.add_user_pool_client_secret(**named)["ClientSecretDescriptor"]["ClientSecretValue"]
    idp.admin_create_user(UserPoolId=pool, Username="ann", MessageAction="SUPPRESS")
    idp.admin_set_user_password(UserPoolId=pool, Username="ann", Password=PASSWORD, Permanent=True)

    def sign_in(secret: str) -> Any:
        given = {"USERNAME": "ann", "PASSWORD": PASSWORD, "SECRET_HASH": hashed(secret, "ann", app)}
        return idp.initiate_auth(ClientId=app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)

    assert sign_in(old) and sign_in(new)
    assert refused(lambda: idp.add_user_pool_client_secret(**named))[0] == "LimitExceededException"
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    idp.update_user_pool_client(**named, ClientName="renamed", ExplicitAuthFlows=flows)
    assert len(idp.list_user_pool_client_secrets(**named)["ClientSecrets"]) == 2
    delete(first["ClientSecretId"])
    assert refused(lambda: sign_in(old)) == (
        "NotAuthorizedException",
        f"Unable to verify secret hash for client {app}",
    )
    assert sign_in(new)
    given = idp.add_user_pool_client_secret(**named, ClientSecret="a" * 30)["ClientSecretDescriptor"]
    assert "ClientSecretValue" not in given
    assert sign_in("a" * 30)
    assert refused(lambda: delete("none"))[0] == "ResourceNotFoundException"
    described = idp.describe_user_pool_client(**named)["UserPoolClient"]
    assert "Secrets" not in described and described["ClientName"] == "renamed"


def test_a_pool_has_a_certificate_and_a_head_for_imports(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud, Schema=[{"Name": "team", "AttributeDataType": "String"}])
    text = idp.get_signing_certificate(UserPoolId=pool)["Certificate"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(text))
    certificate.verify_directly_issued_by(certificate)
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 3650
    assert idp.get_signing_certificate(UserPoolId=pool)["Certificate"] == text
    header = idp.get_csv_header(UserPoolId=pool)["CSVHeader"]
    assert header[0] == "name" and header[-3:] == ["custom:team", "cognito:mfa_enabled", "cognito:username"]


def test_a_template_brings_providers_and_a_look(cloud: RunningCloud, idp: Any) -> None:
    resources: dict[str, Any] = {
        "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {}},
        "Domain": {
            "Type": "AWS::Cognito::UserPoolDomain",
            "Properties": {"UserPoolId": {"Ref": "Pool"}, "Domain": "looks-of-a-stack"},
        },
        "Issuer": {
            "Type": "AWS::Cognito::UserPoolIdentityProvider",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"},
                "ProviderName": "issuer",
                "ProviderType": "OIDC",
                "ProviderDetails": OIDC,
            },
        },
        "Look": {
            "Type": "AWS::Cognito::UserPoolUICustomizationAttachment",
            "DependsOn": "Domain",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"},
                "ClientId": "ALL",
                "CSS": ".label-customizable { font-weight: 400; }",
            },
        },
    }
    stacks = cloud.client("cloudformation")
    body = {"Resources": resources, "Outputs": {"Pool": {"Value": {"Ref": "Pool"}}}}
    stacks.create_stack(StackName="looks", TemplateBody=json.dumps(body))
    stacks.get_waiter("stack_create_complete").wait(StackName="looks", WaiterConfig={"Delay": 1})
    pool = stacks.describe_stacks(StackName="looks")["Stacks"][0]["Outputs"][0]["OutputValue"]
    found = idp.describe_identity_provider(UserPoolId=pool, ProviderName="issuer")["IdentityProvider"]
    assert found["ProviderDetails"]["oidc_issuer"] == "https://issuer.example"
    assert "font-weight" in idp.get_ui_customization(UserPoolId=pool)["UICustomization"]["CSS"]
    resources["Issuer"]["Properties"]["ProviderDetails"] = {**OIDC, "authorize_scopes": "openid email"}
    stacks.update_stack(StackName="looks", TemplateBody=json.dumps(body))
    stacks.get_waiter("stack_update_complete").wait(StackName="looks", WaiterConfig={"Delay": 1})
    found = idp.describe_identity_provider(UserPoolId=pool, ProviderName="issuer")["IdentityProvider"]
    assert found["ProviderDetails"]["authorize_scopes"] == "openid email"
    stacks.delete_stack(StackName="looks")
    stacks.get_waiter("stack_delete_complete").wait(StackName="looks", WaiterConfig={"Delay": 1})
    assert refused(lambda: idp.describe_user_pool(UserPoolId=pool))[0] == "ResourceNotFoundException"
