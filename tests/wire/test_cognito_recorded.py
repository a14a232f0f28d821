"""User pools as moto has them of AWS: tests/test_cognitoidp/test_cognitoidp.py.

Tests that say "verified" hold what moto runs against AWS itself (its marker aws_verified).
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud


@pytest.fixture
def idp(cloud: RunningCloud) -> Any:
    return cloud.client("cognito-idp")


def refused(code: str, call: Any, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def bounds(name: str, kind: str, **limits: str) -> dict[str, Any]:
    return {"Name": name, "AttributeDataType": kind, f"{kind}AttributeConstraints": limits}


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (
            bounds("email", "String", MinLength="invalid"),
            "Invalid StringAttributeConstraints for schema attribute email",
        ),
        (
            bounds("updated_at", "Number", MaxValue="invalid"),
            "Invalid NumberAttributeConstraints for schema attribute updated_at",
        ),
        (
            bounds("email", "String", MaxLength="2049"),
            "user.email: String attributes cannot have a length of more than 2048",
        ),
        (
            bounds("email", "String", MinLength="2", MaxLength="1"),
            "user.email: Max length cannot be less than min length.",
        ),
        (
            bounds("updated_at", "Number", MinValue="2", MaxValue="1"),
            "user.updated_at: Max value cannot be less than min value.",
        ),
        (
            {"Name": "custom"},
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
        ),
    ],
)
def test_schemas_that_are_refused(idp: Any, attribute: dict[str, Any], message: str) -> None:
    """test_create_user_pool_invalid_schema_values and those that follow it."""
    assert refused(
        "InvalidParameterException", idp.create_user_pool, PoolName="p", Schema=[attribute]
    ) == message  # fmt: skip


def test_attributes_that_are_there_already(idp: Any) -> None:
    """test_add_custom_attributes_existing_attribute."""
    attribute = {"Name": "banana", "AttributeDataType": "String", "DeveloperOnlyAttribute": True}
    pool = idp.create_user_pool(PoolName="p", Schema=[attribute])["UserPool"]["Id"]
    message = refused(
        "InvalidParameterException", idp.add_custom_attributes, UserPoolId=pool, CustomAttributes=[attribute]
    )
    assert message == "custom:banana: Existing attribute already has name dev:custom:banana."


def test_attributes_that_are_not_there_cannot_be_deleted(idp: Any) -> None:
    """test_admin_delete_user_attributes_non_existing_attribute."""
    pool = idp.create_user_pool(PoolName="p")["UserPool"]["Id"]
    idp.admin_create_user(UserPoolId=pool, Username="ann")
    message = refused(
        "InvalidParameterException", idp.admin_delete_user_attributes, UserPoolId=pool, Username="ann",
        UserAttributeNames=["nickname", "custom:foo", "custom:bar"],
    )  # fmt: skip
    assert message == (
        "Invalid user attributes: user.custom:foo: Attribute does not exist in the schema.\n"
        "user.custom:bar: Attribute does not exist in the schema.\n"
    )


def test_who_cannot_be_reset(idp: Any) -> None:
    """test_admin_reset_password_disabled_user and those that follow it."""
    pool = idp.create_user_pool(PoolName="p")["UserPool"]["Id"]
    who = {"UserPoolId": pool, "Username": "bob"}
    idp.admin_create_user(**who)
    message = refused("NotAuthorizedException", idp.admin_reset_user_password, **who)
    assert message == "User password cannot be reset in the current state."
    idp.admin_set_user_password(**who, Password="P2$Sword", Permanent=True)
    message = refused("InvalidParameterException", idp.admin_reset_user_password, **who)
    assert message.startswith("Cannot reset password for the user as there is no registered/verified email")
    idp.admin_disable_user(**who)
    message = refused("NotAuthorizedException", idp.admin_reset_user_password, **who)
    assert message == "User is disabled."


def test_the_temporary_password_may_become_the_permanent_one(idp: Any) -> None:
    """test_group_in_access_token, verified: the same password is taken, and groups are in the token."""
    pool = idp.create_user_pool(PoolName="p")["UserPool"]["Id"]
    app = idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="c",
        ReadAttributes=["given_name"],
        ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"],
    )["UserPoolClient"]["ClientId"]
    idp.create_group(UserPoolId=pool, GroupName="g")
    idp.admin_create_user(UserPoolId=pool, Username="eve", TemporaryPassword="P2$Sword")
    idp.admin_add_user_to_group(UserPoolId=pool, Username="eve", GroupName="g")
    asked = idp.admin_initiate_auth(
        UserPoolId=pool, ClientId=app, AuthFlow="ADMIN_NO_SRP_AUTH",
        AuthParameters={"USERNAME": "eve", "PASSWORD": "P2$Sword"},
    )  # fmt: skip
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    done = idp.admin_respond_to_auth_challenge(
        UserPoolId=pool, ClientId=app, ChallengeName="NEW_PASSWORD_REQUIRED", Session=asked["Session"],
        ChallengeResponses={"USERNAME": "eve", "NEW_PASSWORD": "P2$Sword"},
    )  # fmt: skip
    assert done["ChallengeParameters"] == {}
    user = idp.get_user(AccessToken=done["AuthenticationResult"]["AccessToken"])
    assert user["Username"] == "eve"


def test_where_codes_go(idp: Any) -> None:
    """test_sign_up and its like, test_forgot_password_with_email_delivery_details, verified."""
    plain = idp.create_user_pool(PoolName="p")["UserPool"]["Id"]
    app = idp.create_user_pool_client(UserPoolId=plain, ClientName="c")["UserPoolClient"]["ClientId"]
    email = [{"Name": "email", "Value": "test@test.com"}]
    signed_up = idp.sign_up(ClientId=app, Username="a", Password="P2$Sword", UserAttributes=email)
    assert (signed_up["UserConfirmed"], "CodeDeliveryDetails" in signed_up) == (False, False)
    verifying = idp.create_user_pool(PoolName="p", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
    app = idp.create_user_pool_client(UserPoolId=verifying, ClientName="c")["UserPoolClient"]["ClientId"]
    details = {"Destination": "t***@t***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    signed_up = idp.sign_up(ClientId=app, Username="a", Password="P2$Sword", UserAttributes=email)
    assert signed_up["CodeDeliveryDetails"] == details
    assert "CodeDeliveryDetails" not in idp.sign_up(ClientId=app, Username="b", Password="P2$Sword")
    known = [*email, {"Name": "email_verified", "Value": "True"}]
    idp.admin_create_user(UserPoolId=verifying, Username="c", UserAttributes=known)
    idp.admin_set_user_password(UserPoolId=verifying, Username="c", Password="secretP2ss!", Permanent=True)
    assert idp.forgot_password(ClientId=app, Username="c")["CodeDeliveryDetails"] == details
