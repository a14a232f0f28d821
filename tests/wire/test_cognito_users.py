"""User pools: what administrators and users do with users, groups, attributes and passwords."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

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
    sign_in,
)


@pytest.fixture(scope="module")
def pool(cloud: RunningCloud) -> str:
    schema = [
        {"Name": "team", "AttributeDataType": "String", "Mutable": True,
         "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "8"}},
        {"Name": "badge", "AttributeDataType": "Number", "Mutable": False},
    ]  # fmt: skip
    return new_pool(cloud, AutoVerifiedAttributes=["email"], Schema=schema)


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


def attributes(user: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in user.get("UserAttributes", user.get("Attributes", []))}


def test_an_administrator_invites_a_user_who_chooses_a_password(
    cloud: RunningCloud, pool: str, app: str, idp: Any
) -> None:
    made = idp.admin_create_user(
        UserPoolId=pool, Username="invited",
        UserAttributes=[{"Name": "email", "Value": "invited@example.com"},
                        {"Name": "email_verified", "Value": "True"}],
    )["User"]  # fmt: skip
    assert made["UserStatus"] == "FORCE_CHANGE_PASSWORD" and made["Enabled"] is True
    assert attributes(made)["email_verified"] == "true"
    mail = mails_of(cloud, "invited@example.com")[0]
    assert mail["subject"] == "Your temporary password"
    assert mail["text"].startswith("Your username is invited and temporary password is ")
    temporary = mail["text"].rpartition(" is ")[2][:-1]
    asked = idp.initiate_auth(
        ClientId=app, AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "invited", "PASSWORD": temporary},
    )  # fmt: skip
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert asked["ChallengeParameters"]["requiredAttributes"] == "[]"
    answer = {
        "ClientId": app, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": asked["Session"],
        "ChallengeResponses": {"USERNAME": "invited", "NEW_PASSWORD": "short"},
    }  # fmt: skip
    assert refused(lambda: idp.respond_to_auth_challenge(**answer)) == (
        "InvalidPasswordException", "Password did not conform with policy: Password not long enough",
    )  # fmt: skip
    answer["ChallengeResponses"]["NEW_PASSWORD"] = PASSWORD
    result = idp.respond_to_auth_challenge(**answer)["AuthenticationResult"]
    assert claims_of(result["IdToken"])["cognito:username"] == "invited"
    assert refused(lambda: idp.respond_to_auth_challenge(**answer))[0] == "NotAuthorizedException"
    assert idp.admin_get_user(UserPoolId=pool, Username="invited")["UserStatus"] == "CONFIRMED"
    again = {"UserPoolId": pool, "Username": "invited"}
    assert refused(lambda: idp.admin_create_user(**again)) == (
        "UsernameExistsException", "User account already exists",
    )  # fmt: skip
    assert refused(lambda: idp.admin_create_user(**again, MessageAction="RESEND"))[0] == (
        "UnsupportedUserStateException"
    )


def test_an_invitation_expires_and_is_sent_again(fresh_cloud: RunningCloud) -> None:
    idp = fresh_cloud.client("cognito-idp")
    pool = new_pool(fresh_cloud)
    app = new_client(fresh_cloud, pool)
    given = {"UserPoolId": pool, "Username": "late", "TemporaryPassword": PASSWORD}
    mail = [{"Name": "email", "Value": "late@example.com"}]
    idp.admin_create_user(**given, UserAttributes=mail)
    fresh_cloud.advance(8 * 86400)
    assert refused(lambda: sign_in(fresh_cloud, app, "late"))[1] == (
        "Temporary password has expired and must be reset by an administrator."
    )
    idp.admin_create_user(**given, MessageAction="RESEND")
    assert len(mails_of(fresh_cloud, "late@example.com")) == 2
    asked = idp.initiate_auth(
        ClientId=app, AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "late", "PASSWORD": PASSWORD},
    )  # fmt: skip
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_groups_stand_in_tokens_in_their_order(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    name = person(cloud, app)
    role = "arn:aws:iam::000000000000:role/"
    idp.create_group(UserPoolId=pool, GroupName="second", Precedence=9, RoleArn=role + "two")
    idp.create_group(UserPoolId=pool, GroupName="first", Precedence=1, RoleArn=role + "one", Description="d")
    idp.create_group(UserPoolId=pool, GroupName="plain")
    assert refused(lambda: idp.create_group(UserPoolId=pool, GroupName="plain")) == (
        "GroupExistsException", "A group with the name already exists.",
    )  # fmt: skip
    for group in ("plain", "second", "first"):
        idp.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
    tokens = sign_in(cloud, app, name)
    identity = claims_of(tokens["IdToken"])
    assert identity["cognito:groups"] == ["first", "second", "plain"]
    assert identity["cognito:roles"] == [role + "one", role + "two"]
    assert identity["cognito:preferred_role"] == role + "one"
    access = claims_of(tokens["AccessToken"])
    assert access["cognito:groups"] == ["first", "second", "plain"] and "cognito:roles" not in access
    idp.update_group(UserPoolId=pool, GroupName="second", Precedence=1)
    assert "cognito:preferred_role" not in claims_of(sign_in(cloud, app, name)["IdToken"])
    listed = idp.admin_list_groups_for_user(UserPoolId=pool, Username=name)["Groups"]
    assert {group["GroupName"] for group in listed} == {"first", "second", "plain"}
    assert [u["Username"] for u in idp.list_users_in_group(UserPoolId=pool, GroupName="first")["Users"]] == [
        name
    ]
    idp.admin_remove_user_from_group(UserPoolId=pool, Username=name, GroupName="first")
    idp.delete_group(UserPoolId=pool, GroupName="second")
    assert claims_of(sign_in(cloud, app, name)["IdToken"])["cognito:groups"] == ["plain"]
    assert refused(lambda: idp.get_group(UserPoolId=pool, GroupName="second")) == (
        "ResourceNotFoundException", "Group not found.",
    )  # fmt: skip
    pages = idp.get_paginator("list_groups").paginate(UserPoolId=pool, PaginationConfig={"PageSize": 1})
    assert [g["GroupName"] for page in pages for g in page["Groups"]] == ["first", "plain"]


def test_list_users_by_filter(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud)
    for number in range(5):
        idp.admin_create_user(
            UserPoolId=pool, Username=f"lu-{number}", MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": f"a{number}@example.com"},
                            {"Name": "given_name", "Value": 'Jo "J"' if number == 3 else "Ann"}],
        )  # fmt: skip
    idp.admin_disable_user(UserPoolId=pool, Username="lu-4")

    def found(text: str, **more: Any) -> list[str]:
        return [each["Username"] for each in idp.list_users(UserPoolId=pool, Filter=text, **more)["Users"]]

    assert found('email = "a2@example.com"') == ["lu-2"]
    assert found('email ^= "a"') == [f"lu-{number}" for number in range(5)]
    assert found('given_name = "Jo \\"J\\""') == ["lu-3"]
    assert found('username ^= "lu-"', Limit=2) == ["lu-0", "lu-1"]
    assert found('status = "Disabled"') == ["lu-4"]
    assert found('cognito:user_status = "force_change_password"') == [f"lu-{number}" for number in range(5)]
    sub = attributes(idp.admin_get_user(UserPoolId=pool, Username="lu-1"))["sub"]
    assert found(f'sub = "{sub}"') == ["lu-1"]
    assert refused(lambda: found("email is a")) == (
        "InvalidParameterException",
        "Error while parsing filter.",
    )
    assert refused(lambda: found('custom:x = "1"'))[0] == "InvalidParameterException"
    one = idp.list_users(UserPoolId=pool, Limit=1, AttributesToGet=["email"])
    assert one["Users"][0]["Attributes"] == [{"Name": "email", "Value": "a0@example.com"}]
    pages = idp.get_paginator("list_users").paginate(UserPoolId=pool, PaginationConfig={"PageSize": 2})
    assert [len(page["Users"]) for page in pages] == [2, 2, 1]
    assert refused(lambda: idp.list_users(UserPoolId=pool, AttributesToGet=["custom:none"])) == (
        "InvalidParameterException", "One or more requested attributes do not exist.",
    )  # fmt: skip


def test_attributes_are_checked_against_the_schema(
    cloud: RunningCloud, pool: str, app: str, idp: Any
) -> None:
    def sign_up(**given: str) -> Any:
        listed = [{"Name": key.replace("__", ":"), "Value": value} for key, value in given.items()]
        return idp.sign_up(ClientId=app, Username="schema", Password=PASSWORD, UserAttributes=listed)

    assert refused(lambda: sign_up(custom__none="x")) == (
        "InvalidParameterException",
        "Attributes did not conform to the schema: Type for attribute {custom:none} could not be determined",
    )
    assert refused(lambda: sign_up(custom__team="ninechars"))[0] == "InvalidParameterException"
    assert refused(lambda: sign_up(custom__badge="x"))[0] == "InvalidParameterException"
    assert refused(lambda: sign_up(email="no address")) == (
        "InvalidParameterException", "Invalid email address format.",
    )  # fmt: skip
    assert refused(lambda: sign_up(email_verified="true")) == (
        "NotAuthorizedException", "A client attempted to write unauthorized attribute",
    )  # fmt: skip
    name = person(cloud, app, **{"custom:team": "red", "custom:badge": "7"})
    token = sign_in(cloud, app, name)
    assert claims_of(token["IdToken"])["custom:team"] == "red"
    access = token["AccessToken"]
    change = lambda **given: idp.update_user_attributes(  # noqa: E731
        AccessToken=access,
        UserAttributes=[{"Name": k.replace("__", ":"), "Value": v} for k, v in given.items()],
    )
    assert refused(lambda: change(custom__badge="8")) == (
        "InvalidParameterException", "user.custom:badge: Attribute cannot be updated.\n",
    )  # fmt: skip
    change(custom__team="blue", locale="vi")
    idp.delete_user_attributes(AccessToken=access, UserAttributeNames=["locale"])
    assert attributes(idp.get_user(AccessToken=access))["custom:team"] == "blue"
    assert "locale" not in attributes(idp.get_user(AccessToken=access))


def test_a_new_address_is_verified_by_its_code(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    name = person(cloud, app)
    access = sign_in(cloud, app, name)["AccessToken"]
    address = f"new-{name}@example.com"
    sent = idp.update_user_attributes(
        AccessToken=access, UserAttributes=[{"Name": "email", "Value": address}]
    )["CodeDeliveryDetailsList"]
    assert sent[0]["AttributeName"] == "email"
    assert attributes(idp.get_user(AccessToken=access))["email_verified"] == "false"
    code = sent_code(cloud, address)
    wrong = "000000" if code != "000000" else "111111"
    verify = lambda code: idp.verify_user_attribute(AccessToken=access, AttributeName="email", Code=code)  # noqa: E731
    assert refused(lambda: verify(wrong))[0] == "CodeMismatchException"
    verify(code)
    assert attributes(idp.get_user(AccessToken=access))["email_verified"] == "true"
    assert refused(lambda: verify(code))[0] == "ExpiredCodeException"
    idp.get_user_attribute_verification_code(AccessToken=access, AttributeName="email")
    verify(sent_code(cloud, address))


def test_an_address_to_be_verified_first_stays_until_then(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(
        cloud, AutoVerifiedAttributes=["email"], UsernameAttributes=["email"],
        UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
    )  # fmt: skip
    app = new_client(cloud, pool)
    signed = idp.sign_up(ClientId=app, Username="old@first.example", Password=PASSWORD)
    idp.confirm_sign_up(
        ClientId=app, Username="old@first.example", ConfirmationCode=sent_code(cloud, "old@first.example")
    )
    assert refused(lambda: idp.sign_up(ClientId=app, Username="old@first.example", Password=PASSWORD)) == (
        "UsernameExistsException", "An account with the given email already exists.",
    )  # fmt: skip
    assert refused(lambda: idp.sign_up(ClientId=app, Username="plain", Password=PASSWORD)) == (
        "InvalidParameterException", "Username should be an email.",
    )  # fmt: skip
    tokens = sign_in(cloud, app, "old@first.example")
    assert claims_of(tokens["IdToken"])["cognito:username"] == signed["UserSub"]
    access = tokens["AccessToken"]
    idp.update_user_attributes(
        AccessToken=access, UserAttributes=[{"Name": "email", "Value": "new@first.example"}]
    )
    now = attributes(idp.get_user(AccessToken=access))
    assert (now["email"], now["email_verified"]) == ("old@first.example", "true")
    code = sent_code(cloud, "new@first.example")
    idp.verify_user_attribute(AccessToken=access, AttributeName="email", Code=code)
    assert attributes(idp.get_user(AccessToken=access))["email"] == "new@first.example"
    sign_in(cloud, app, "new@first.example")
    assert refused(lambda: sign_in(cloud, app, "old@first.example"))[0] == "UserNotFoundException"


def test_an_alias_belongs_to_one_user(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(cloud, AutoVerifiedAttributes=["email"], AliasAttributes=["email"])
    app = new_client(cloud, pool)
    person(cloud, app, email="alias@example.com")
    sign_in(cloud, app, "alias@example.com")
    mail = [{"Name": "email", "Value": "alias@example.com"}]
    assert refused(lambda: idp.sign_up(ClientId=app, Username="a@b.example", Password=PASSWORD)) == (
        "InvalidParameterException",
        "Username cannot be of email format, since user pool is configured for email alias.",
    )
    idp.sign_up(ClientId=app, Username="thief", Password=PASSWORD, UserAttributes=mail)
    given = {"ClientId": app, "Username": "thief", "ConfirmationCode": sent_code(cloud, "alias@example.com")}
    assert refused(lambda: idp.confirm_sign_up(**given))[0] == "AliasExistsException"
    idp.confirm_sign_up(**given, ForceAliasCreation=True)
    access = sign_in(cloud, app, "alias@example.com")["AccessToken"]
    assert idp.get_user(AccessToken=access)["Username"] == "thief"


def test_passwords_are_changed_forgotten_and_reset(
    cloud: RunningCloud, pool: str, app: str, idp: Any
) -> None:
    name = person(cloud, app)
    address = f"{name}@example.com"
    access = sign_in(cloud, app, name)["AccessToken"]
    change = {"AccessToken": access, "PreviousPassword": "Wrong-1234", "ProposedPassword": "Second-123"}
    assert refused(lambda: idp.change_password(**change)) == (
        "NotAuthorizedException", "Incorrect username or password.",
    )  # fmt: skip
    idp.change_password(**change | {"PreviousPassword": PASSWORD})
    sign_in(cloud, app, name, "Second-123")
    sent = idp.forgot_password(ClientId=app, Username=name)
    assert sent["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    given = {"ClientId": app, "Username": name, "ConfirmationCode": sent_code(cloud, address)}
    assert refused(lambda: idp.confirm_forgot_password(**given, Password="nodigits-A"))[1].endswith(
        "Password must have numeric characters"
    )
    idp.confirm_forgot_password(**given, Password="Third-1234")
    sign_in(cloud, app, name, "Third-1234")
    assert refused(lambda: idp.confirm_forgot_password(**given, Password="Fourth-123"))[0] == (
        "ExpiredCodeException"
    )
    idp.admin_reset_user_password(UserPoolId=pool, Username=name)
    assert refused(lambda: sign_in(cloud, app, name, "Third-1234")) == (
        "PasswordResetRequiredException", "Password reset required for the user",
    )  # fmt: skip
    given["ConfirmationCode"] = sent_code(cloud, address)
    idp.confirm_forgot_password(**given, Password="Fourth-123")
    sign_in(cloud, app, name, "Fourth-123")
    idp.admin_set_user_password(UserPoolId=pool, Username=name, Password="Fifth-1234", Permanent=True)
    sign_in(cloud, app, name, "Fifth-1234")


def test_earlier_passwords_are_refused_where_the_policy_remembers(cloud: RunningCloud, idp: Any) -> None:
    policy = {"PasswordPolicy": {"MinimumLength": 6, "PasswordHistorySize": 2}}
    pool = new_pool(cloud, Policies=policy, AutoVerifiedAttributes=["email"])
    idp.admin_create_user(UserPoolId=pool, Username="h", MessageAction="SUPPRESS", TemporaryPassword="aaaaaa")
    change = lambda password: idp.admin_set_user_password(  # noqa: E731
        UserPoolId=pool, Username="h", Password=password, Permanent=True
    )
    assert refused(lambda: change("aaaaaa"))[0] == "PasswordHistoryPolicyViolationException"
    change("bbbbbb")
    assert refused(lambda: change("aaaaaa"))[0] == "PasswordHistoryPolicyViolationException"
    change("cccccc")
    change("aaaaaa")


def test_disabling_deleting_and_signing_out(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    name = person(cloud, app)
    tokens = sign_in(cloud, app, name)
    idp.admin_disable_user(UserPoolId=pool, Username=name)
    assert refused(lambda: sign_in(cloud, app, name)) == ("NotAuthorizedException", "User is disabled.")
    assert (
        refused(lambda: idp.get_user(AccessToken=tokens["AccessToken"]))[1] == "Access Token has been revoked"
    )
    idp.admin_enable_user(UserPoolId=pool, Username=name)
    one, other = sign_in(cloud, app, name), sign_in(cloud, app, name)
    idp.global_sign_out(AccessToken=one["AccessToken"])
    for each in (one, other):
        assert refused(lambda each=each: idp.get_user(AccessToken=each["AccessToken"]))[1] == (
            "Access Token has been revoked"
        )
        assert refused(
            lambda each=each: idp.initiate_auth(
                ClientId=app, AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": each["RefreshToken"]},
            )
        ) == ("NotAuthorizedException", "Refresh Token has been revoked")  # fmt: skip
    last = sign_in(cloud, app, name)
    idp.delete_user(AccessToken=last["AccessToken"])
    assert refused(lambda: idp.admin_get_user(UserPoolId=pool, Username=name)) == (
        "UserNotFoundException", "User does not exist.",
    )  # fmt: skip


def test_names_without_case(cloud: RunningCloud, idp: Any) -> None:
    pool = new_pool(
        cloud, UsernameConfiguration={"CaseSensitive": False}, AliasAttributes=["email"],
        AutoVerifiedAttributes=["email"],
    )  # fmt: skip
    app = new_client(cloud, pool)
    idp.sign_up(
        ClientId=app, Username="Ann", Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "Ann@Case.example"}],
    )  # fmt: skip
    assert refused(lambda: idp.sign_up(ClientId=app, Username="aNN", Password=PASSWORD))[0] == (
        "UsernameExistsException"
    )
    code = sent_code(cloud, "ann@case.example")
    idp.confirm_sign_up(ClientId=app, Username="ANN", ConfirmationCode=code)
    for name in ("ann", "ANN", "ANN@case.EXAMPLE"):
        assert claims_of(sign_in(cloud, app, name)["AccessToken"])["username"] == "Ann"
    sensitive = new_pool(cloud)
    for name in ("Bob", "bob"):
        idp.admin_create_user(UserPoolId=sensitive, Username=name, MessageAction="SUPPRESS")
    assert refused(lambda: idp.admin_get_user(UserPoolId=sensitive, Username="BOB"))[0] == (
        "UserNotFoundException"
    )


def test_nobody_chooses_a_sub(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    forged = [{"Name": "sub", "Value": "00000000-0000-4000-8000-000000000000"}]
    made = {"UserPoolId": pool, "Username": "forger", "UserAttributes": forged}
    assert refused(lambda: idp.admin_create_user(**made))[0] == "InvalidParameterException"
    assert refused(
        lambda: idp.sign_up(ClientId=app, Username="forger", Password=PASSWORD, UserAttributes=forged)
    )[0] == "NotAuthorizedException"  # fmt: skip
    name = person(cloud, app)
    change = {"UserPoolId": pool, "Username": name, "UserAttributes": forged}
    assert refused(lambda: idp.admin_update_user_attributes(**change))[0] == "InvalidParameterException"


def test_what_is_there_is_not_given_again_with_a_new_password(cloud: RunningCloud, idp: Any) -> None:
    required = [{"Name": name, "AttributeDataType": "String", "Required": True} for name in ("email", "name")]
    pool = new_pool(cloud, Schema=required)
    app = new_client(cloud, pool)
    given = [{"Name": "email", "Value": "ann@again.example"}, {"Name": "name", "Value": "Ann"}]
    idp.admin_create_user(
        UserPoolId=pool, Username="ann", UserAttributes=given, TemporaryPassword="Temp-1234",
        MessageAction="SUPPRESS",
    )  # fmt: skip
    asked = idp.initiate_auth(
        ClientId=app, AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": "Temp-1234"},
    )  # fmt: skip

    def answer(**more: str) -> Any:
        return idp.respond_to_auth_challenge(
            ClientId=app, ChallengeName=asked["ChallengeName"], Session=asked["Session"],
            ChallengeResponses={"USERNAME": "ann", "NEW_PASSWORD": PASSWORD, **more},
        )  # fmt: skip

    for name in ("email", "name"):
        with pytest.raises(ClientError) as error:
            answer(**{f"userAttributes.{name}": "ann@again.example"})
        assert (code_of(error), message_of(error)) == (
            "NotAuthorizedException", f"Cannot modify an already provided {name}"
        )  # fmt: skip
    assert "AuthenticationResult" in answer(**{"userAttributes.nickname": "A"})


def test_tokens_of_somebody_who_is_gone(cloud: RunningCloud, pool: str, app: str, idp: Any) -> None:
    """amplify-js cleans its session up at these words, and not at others."""
    name = person(cloud, app)
    token = sign_in(cloud, app, name)["AccessToken"]
    idp.admin_delete_user(UserPoolId=pool, Username=name)
    assert refused(lambda: idp.get_user(AccessToken=token)) == (
        "UserNotFoundException", "User does not exist."
    )  # fmt: skip
