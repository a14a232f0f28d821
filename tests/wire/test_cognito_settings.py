"""User pools: what pools, clients, domains and resource servers may be set to."""

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud
from userpools import claims_of, code_of, fetch, message_of, new_client, new_pool, person, sign_in

LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:f"


@pytest.fixture
def idp(client: Callable[..., Any]) -> Any:
    return client("cognito-idp")


def refused(run: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        run()
    return code_of(error), message_of(error)


def test_a_pool_has_awss_defaults(cloud: RunningCloud, idp: Any) -> None:
    pool = idp.create_user_pool(PoolName="defaults")["UserPool"]
    assert pool["Id"].startswith("us-east-1_") and len(pool["Id"]) == 19
    assert pool["Arn"] == f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool['Id']}"
    assert pool["Policies"] == {
        "PasswordPolicy": {
            "MinimumLength": 8, "RequireUppercase": True, "RequireLowercase": True, "RequireNumbers": True,
            "RequireSymbols": True, "TemporaryPasswordValidityDays": 7,
        },
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
    }  # fmt: skip
    assert pool["MfaConfiguration"] == "OFF" and pool["DeletionProtection"] == "INACTIVE"
    assert pool["VerificationMessageTemplate"] == {"DefaultEmailOption": "CONFIRM_WITH_CODE"}
    assert pool["EmailConfiguration"] == {"EmailSendingAccount": "COGNITO_DEFAULT"}
    assert pool["AdminCreateUserConfig"] == {
        "AllowAdminCreateUserOnly": False, "UnusedAccountValidityDays": 7,
    }  # fmt: skip
    assert pool["EstimatedNumberOfUsers"] == 0 and pool["UserPoolTier"] == "ESSENTIALS"
    email = next(each for each in pool["SchemaAttributes"] if each["Name"] == "email")
    assert email == {
        "Name": "email", "AttributeDataType": "String", "DeveloperOnlyAttribute": False, "Mutable": True,
        "Required": False, "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"},
    }  # fmt: skip
    assert idp.describe_user_pool(UserPoolId=pool["Id"])["UserPool"] == pool


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"AliasAttributes": ["email"], "UsernameAttributes": ["email"]}, "Only one of the aliasAttributes"),
        ({"Policies": {"PasswordPolicy": {"MinimumLength": 100}}}, "less than or equal to 99"),
        ({"PoolName": "a/b"}, "regular expression pattern: [\\w\\s+=,.@-]+"),
        ({"EmailVerificationMessage": "no code here"}, "'emailVerificationMessage' failed to satisfy"),
        ({"AdminCreateUserConfig": {"InviteMessageTemplate": {"EmailMessage": "it: {####}"}}}, "{username}"),
        ({"Schema": [{"Name": "x", "AttributeDataType": "String", "Required": True}]}, "Required custom"),
        ({"Schema": [{"Name": "email", "AttributeDataType": "Number"}]}, "You can not change"),
        (
            {"AccountRecoverySetting": {"RecoveryMechanisms": [
                {"Priority": 1, "Name": "admin_only"}, {"Priority": 2, "Name": "verified_email"}]}},
            "admin_only",
        ),
        ({"LambdaConfig": {"DefineAuthChallenge": LAMBDA}}, "not supported"),
        (
            {"UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]}},
            "AutoVerifiedAttributes",
        ),
    ],
)  # fmt: skip
def test_settings_that_a_pool_cannot_have(idp: Any, settings: dict[str, Any], words: str) -> None:
    code, message = refused(lambda: idp.create_user_pool(**{"PoolName": "refused", **settings}))
    assert code == "InvalidParameterException" and words in message


def test_a_pool_is_updated_protected_tagged_and_deleted(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud, DeletionProtection="ACTIVE", UserPoolTags={"a": "1"})
    arn = idp.describe_user_pool(UserPoolId=pool)["UserPool"]["Arn"]
    assert refused(lambda: idp.delete_user_pool(UserPoolId=pool))[1] == (
        "The user pool cannot be deleted because deletion protection is activated. Deletion protection must"
        " be inactivated first."
    )
    idp.tag_resource(ResourceArn=arn, Tags={"b": "2"})
    idp.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert idp.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "2"}
    idp.update_user_pool(
        UserPoolId=pool, AutoVerifiedAttributes=["email"], Policies={"PasswordPolicy": {"MinimumLength": 6}}
    )
    changed = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert changed["Policies"]["PasswordPolicy"]["RequireSymbols"] is False
    assert changed["DeletionProtection"] == "INACTIVE" and changed["UserPoolTags"] == {"b": "2"}
    idp.add_custom_attributes(
        UserPoolId=pool, CustomAttributes=[{"Name": "later", "AttributeDataType": "Boolean"}]
    )
    app = new_client(cloud, pool)
    listed = idp.list_user_pools(MaxResults=60)["UserPools"]
    assert pool in [each["Id"] for each in listed]
    issuer = f"{cloud.url}/{pool}"
    assert fetch(f"{issuer}/.well-known/jwks.json")["keys"]
    idp.delete_user_pool(UserPoolId=pool)
    with pytest.raises(urllib.error.HTTPError, match="404") as gone:
        urllib.request.urlopen(f"{issuer}/.well-known/jwks.json")
    gone.value.close()
    assert refused(lambda: sign_in(cloud, app, "x")) == (
        "ResourceNotFoundException", f"User pool client {app} does not exist.",
    )  # fmt: skip


def test_a_client_has_awss_defaults_and_what_it_is_given(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud)
    made = idp.create_user_pool_client(UserPoolId=pool, ClientName="plain")["UserPoolClient"]
    for date in ("CreationDate", "LastModifiedDate"):
        made.pop(date)
    assert made == {
        "UserPoolId": pool, "ClientName": "plain", "ClientId": made["ClientId"], "RefreshTokenValidity": 30,
        "TokenValidityUnits": {}, "AllowedOAuthFlowsUserPoolClient": False, "EnableTokenRevocation": True,
        "EnablePropagateAdditionalUserContextData": False, "AuthSessionValidity": 3,
    }  # fmt: skip
    changed = idp.update_user_pool_client(
        UserPoolId=pool, ClientId=made["ClientId"], AccessTokenValidity=10, IdTokenValidity=1,
        TokenValidityUnits={"AccessToken": "minutes", "IdToken": "days", "RefreshToken": "days"},
    )["UserPoolClient"]  # fmt: skip
    assert changed["AccessTokenValidity"] == 10 and changed["ClientName"] == "plain"
    listed = idp.list_user_pool_clients(UserPoolId=pool, MaxResults=10)["UserPoolClients"]
    assert listed == [{"ClientId": made["ClientId"], "UserPoolId": pool, "ClientName": "plain"}]
    idp.delete_user_pool_client(UserPoolId=pool, ClientId=made["ClientId"])
    assert refused(lambda: idp.describe_user_pool_client(UserPoolId=pool, ClientId=made["ClientId"])) == (
        "ResourceNotFoundException", f"User pool client {made['ClientId']} does not exist.",
    )  # fmt: skip


OAUTH = {"AllowedOAuthFlowsUserPoolClient": True, "AllowedOAuthScopes": ["openid"]}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"AccessTokenValidity": 2, "TokenValidityUnits": {"AccessToken": "minutes"}}, "InvalidParameter"),
        ({"AccessTokenValidity": 25}, "InvalidParameter"),
        ({"RefreshTokenValidity": 30, "TokenValidityUnits": {"RefreshToken": "minutes"}}, "InvalidParameter"),
        ({"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"]}, "InvalidParameter"),
        ({"RefreshTokenRotation": {"Feature": "ENABLED"}}, "InvalidParameter"),
        ({"ReadAttributes": ["custom:none"]}, "InvalidParameter"),
        ({"WriteAttributes": ["email_verified"]}, "InvalidParameter"),
        ({"AllowedOAuthFlowsUserPoolClient": True}, "InvalidParameter"),
        ({**OAUTH, "AllowedOAuthFlows": ["client_credentials"]}, "InvalidOAuthFlow"),
        ({**OAUTH, "AllowedOAuthFlows": ["code", "client_credentials"]}, "InvalidOAuthFlow"),
        ({**OAUTH, "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["shop/read"]}, "ScopeDoesNotExist"),
        ({"CallbackURLs": ["http://example.com/in"]}, "InvalidParameter"),
        ({"CallbackURLs": ["https://example.com/in#part"]}, "InvalidParameter"),
        ({"CallbackURLs": ["/in"]}, "InvalidParameter"),
        ({"DefaultRedirectURI": "https://example.com/in"}, "InvalidParameter"),
        ({"SupportedIdentityProviders": ["Google"]}, "InvalidParameter"),
    ],
)
def test_settings_that_a_client_cannot_have(cloud: RunningCloud, settings: dict[str, Any], code: str) -> None:
    pool = new_pool(cloud)
    assert refused(lambda: new_client(cloud, pool, **settings))[0] == f"{code}Exception"


def test_what_a_client_may_read_and_how_long_its_tokens_last(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud, AutoVerifiedAttributes=["email"])
    app = new_client(
        cloud, pool, ReadAttributes=["email"], WriteAttributes=["email"], AccessTokenValidity=5,
        TokenValidityUnits={"AccessToken": "minutes"}, EnableTokenRevocation=False,
    )  # fmt: skip
    name = person(cloud, app)
    tokens = sign_in(cloud, app, name)
    identity, access = claims_of(tokens["IdToken"]), claims_of(tokens["AccessToken"])
    assert "email" in identity and "email_verified" not in identity and "origin_jti" not in access
    assert tokens["ExpiresIn"] == access["exp"] - access["iat"] == 300
    read = idp.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]
    assert {each["Name"] for each in read} == {"sub", "email"}
    change = lambda: idp.update_user_attributes(  # noqa: E731
        AccessToken=tokens["AccessToken"], UserAttributes=[{"Name": "locale", "Value": "vi"}]
    )
    assert refused(change)[0] == "NotAuthorizedException"
    assert refused(lambda: idp.revoke_token(ClientId=app, Token=tokens["RefreshToken"]))[0] == (
        "UnsupportedOperationException"
    )


def test_domains_and_resource_servers(cloud: RunningCloud, idp: Any) -> None:
    pool, other = new_pool(cloud), new_pool(cloud)
    assert refused(lambda: idp.create_user_pool_domain(UserPoolId=pool, Domain="my-cognito"))[1] == (
        "Domain cannot contain reserved word: cognito"
    )
    idp.create_user_pool_domain(UserPoolId=pool, Domain="settings-shop")
    taken = "Domain already associated with another user pool."
    assert refused(lambda: idp.create_user_pool_domain(UserPoolId=other, Domain="settings-shop"))[1] == taken
    found = idp.describe_user_pool_domain(Domain="settings-shop")["DomainDescription"]
    assert (found["UserPoolId"], found["Status"]) == (pool, "ACTIVE")
    assert idp.describe_user_pool_domain(Domain="nobody-has-it")["DomainDescription"] == {}
    discovery = fetch(f"{cloud.url}/{pool}/.well-known/openid-configuration")
    assert discovery["token_endpoint"].endswith("/settings-shop/oauth2/token")
    assert "token_endpoint" not in fetch(f"{cloud.url}/{other}/.well-known/openid-configuration")
    assert refused(lambda: idp.delete_user_pool(UserPoolId=pool))[0] == "InvalidParameterException"
    idp.delete_user_pool_domain(UserPoolId=pool, Domain="settings-shop")
    idp.create_user_pool_domain(
        UserPoolId=pool, Domain="auth.shop.example", CustomDomainConfig={"CertificateArn": LAMBDA}
    )
    assert idp.describe_user_pool(UserPoolId=pool)["UserPool"]["CustomDomain"] == "auth.shop.example"

    server = {"UserPoolId": pool, "Identifier": "https://shop.example", "Name": "Shop"}
    scopes = [{"ScopeName": "read", "ScopeDescription": "Read"}]
    idp.create_resource_server(**server, Scopes=scopes)
    assert refused(lambda: idp.create_resource_server(**server))[0] == "InvalidParameterException"
    app = new_client(
        cloud, pool, GenerateSecret=True, AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True, AllowedOAuthScopes=["https://shop.example/read"],
    )  # fmt: skip
    assert idp.describe_user_pool_client(UserPoolId=pool, ClientId=app)
    idp.update_resource_server(**server, Scopes=[])
    read = idp.describe_resource_server(UserPoolId=pool, Identifier="https://shop.example")["ResourceServer"]
    assert read == {**server, "Scopes": []}
    assert len(idp.list_resource_servers(UserPoolId=pool, MaxResults=5)["ResourceServers"]) == 1
    idp.delete_resource_server(UserPoolId=pool, Identifier="https://shop.example")
    assert refused(
        lambda: idp.describe_resource_server(UserPoolId=pool, Identifier="https://shop.example")
    )[0] == "ResourceNotFoundException"  # fmt: skip


def test_what_is_not_there_says_so(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud)
    app = new_client(cloud, pool, ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"])
    custom = {"ClientId": app, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": {"USERNAME": "x"}}
    assert refused(lambda: idp.initiate_auth(**custom)) == (
        "InvalidParameterException",
        "Custom auth lambda trigger is not configured for the user pool.",
    )
    assert refused(lambda: idp.list_terms(UserPoolId=pool))[0] == "UnknownOperationException"
    assert refused(lambda: idp.list_web_authn_credentials(AccessToken="x"))[0] == "UnknownOperationException"


@pytest.mark.parametrize(
    "validity",
    [
        {"AccessTokenValidity": 4, "TokenValidityUnits": {"AccessToken": "minutes"}},
        {"AccessTokenValidity": 25},
        {"IdTokenValidity": 299, "TokenValidityUnits": {"IdToken": "seconds"}},
        {"RefreshTokenValidity": 3651},
        {"RefreshTokenValidity": 30, "TokenValidityUnits": {"RefreshToken": "minutes"}},
    ],
)
def test_how_long_tokens_cannot_last(cloud: RunningCloud, idp: Any, validity: dict[str, Any]) -> None:
    pool = new_pool(cloud)
    make = lambda: idp.create_user_pool_client(UserPoolId=pool, ClientName="app", **validity)  # noqa: E731
    assert refused(make) == ("InvalidParameterException", "Invalid range for token validity.")


def test_what_a_tier_does_not_have(cloud: RunningCloud, idp: Any) -> None:
    """Words: https://github.com/hashicorp/terraform-provider-aws/pull/40734."""
    audit = {"AdvancedSecurityMode": "AUDIT"}
    assert refused(lambda: new_pool(cloud, UserPoolAddOns=audit)) == (
        "FeatureUnavailableInTierException",
        "The following features need to be disabled for the ESSENTIALS pricing tier configured:"
        " Threat Protection",
    )
    pool = new_pool(cloud, UserPoolAddOns=audit, UserPoolTier="PLUS")
    assert refused(lambda: idp.update_user_pool(UserPoolId=pool, UserPoolAddOns=audit))[0] == (
        "FeatureUnavailableInTierException"
    )
