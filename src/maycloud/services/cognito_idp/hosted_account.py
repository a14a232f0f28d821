"""The pages of accounts: signing up, confirming, setting a forgotten password anew."""

from maycloud.edge.messages import Response
from maycloud.errors import AwsError
from maycloud.pages import Markup, field
from maycloud.services.cognito_idp import oauth_requests, schema
from maycloud.services.cognito_idp.hosted_forms import (
    attribute_fields,
    check_password,
    confirm_page,
    forgot_page,
    label_of,
    login_page,
    name_words,
    named,
    policy_text,
    read_attributes,
    said,
    secret_hash,
)
from maycloud.services.cognito_idp.hosted_visit import Page, Visit
from maycloud.services.cognito_idp.oauth_requests import AuthorizeRequest, OAuthError
from maycloud.services.cognito_idp.store import Pool


def _signing_up(visit: Visit) -> AuthorizeRequest:
    """What the app asks for, where people may sign up by themselves."""
    asked = visit.asked()
    if visit.pool.settings["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]:
        raise OAuthError("invalid_request", "Accounts are made by an administrator here.")
    return asked


def _attributes(pool: Pool) -> list[str]:
    """What a new user is asked for, beside the name to sign in with."""
    own = pool.settings.get("UsernameAttributes") or []
    names = [name for name, entry in schema.entries_of(pool).items() if entry["Required"] and name != "sub"]
    names += [name for name in pool.settings.get("AutoVerifiedAttributes", ()) if name not in names]
    return [name for name in names if name not in own[:1]]


async def show_signup(visit: Visit) -> Response:
    return _signup_page(visit, _signing_up(visit), {})


def _signup_page(
    visit: Visit, asked: AuthorizeRequest, given: dict[str, str], username: str = "", error: str = ""
) -> Response:
    kinds = visit.pool.settings.get("UsernameAttributes") or []
    kind = {"email": "email", "phone_number": "tel"}[kinds[0]] if len(kinds) == 1 else "text"
    words = name_words(visit.pool) if kinds else "user name"
    first = field("username", label_of(words), kind, "username", username)
    others = attribute_fields(visit.pool, _attributes(visit.pool), given)
    return visit.page(
        "Create an account", "signup", asked, error=error, fields=Markup(f"{first}\n{others}"),
        action=visit.at("signup", asked), login=visit.at("login", asked), policy=policy_text(visit.pool),
    )  # fmt: skip


async def signup(visit: Visit) -> Response:
    asked = _signing_up(visit)
    form = await visit.form()
    username, given = form.get("username", "").strip(), read_attributes(form)
    if not username or not form.get("password"):
        return _signup_page(visit, asked, given, username, "Please fill in every field.")
    attributes = [{"Name": name, "Value": value.strip()} for name, value in given.items() if value.strip()]
    try:
        made = await visit.call(
            "SignUp",
            {
                **named(visit, asked, username),
                "Password": check_password(form["password"]),
                "UserAttributes": attributes,
            },
        )
    except AwsError as error:
        return _signup_page(visit, asked, given, username, said(error))
    if made["UserConfirmed"]:
        return login_page(visit, asked, username=username, note="Your account is ready. Sign in.")
    delivery = made.get("CodeDeliveryDetails")
    if delivery is None:
        return login_page(
            visit, asked, username=username, note="Your account is made. An administrator has to confirm it."
        )
    return confirm_page(visit, asked, username, delivery["Destination"])


async def show_confirm(visit: Visit) -> Response:
    """Also where links lead that name a user: ``/confirm?…&username=``."""
    asked = visit.asked()
    return confirm_page(visit, asked, asked.hint, "")


async def confirm(visit: Visit) -> Response:
    asked = visit.asked()
    form = await visit.form()
    username = form.get("username", "")
    code = form.get("code", "").strip()
    try:
        await visit.call("ConfirmSignUp", {**named(visit, asked, username), "ConfirmationCode": code})
    except AwsError as error:
        return confirm_page(visit, asked, username, "", error=said(error))
    return login_page(visit, asked, username=username, note="Your account is confirmed. Sign in.")


async def confirm_by_link(visit: Visit) -> Response:
    """Where a verification link leads: it confirms when it is opened, with what it carries."""
    given = oauth_requests.parameters(visit.request.query)
    client = visit.client(given.get("client_id", ""))
    if client is None:
        raise OAuthError("invalid_request", "The app client does not exist")
    username, code = given.get("user_name", ""), given.get("confirmation_code", "")
    params = {"ClientId": client.id, "Username": username, "ConfirmationCode": code}
    if proof := secret_hash(visit, client, username):
        params["SecretHash"] = proof
    try:
        await visit.call("ConfirmSignUp", dict(params))
    except AwsError as error:
        return visit.problem(said(error))
    return visit.notice("Confirmed", "Your registration has been confirmed!")


async def resend(visit: Visit) -> Response:
    asked = visit.asked()
    username = (await visit.form()).get("username", "")
    try:
        sent = await visit.call("ResendConfirmationCode", named(visit, asked, username))
    except AwsError as error:
        return confirm_page(visit, asked, username, "", error=said(error))
    destination = sent["CodeDeliveryDetails"]["Destination"]
    return confirm_page(visit, asked, username, destination, note="A new code is on its way.")


# Forgotten passwords


async def show_forgot(visit: Visit) -> Response:
    return forgot_page(visit, visit.asked())


async def forgot(visit: Visit) -> Response:
    asked = visit.asked()
    username = (await visit.form()).get("username", "").strip()
    if not username:
        return forgot_page(visit, asked, error=f"Enter your {name_words(visit.pool)}.")
    try:
        sent = await visit.call("ForgotPassword", named(visit, asked, username))
    except AwsError as error:
        return forgot_page(visit, asked, username=username, error=said(error))
    return _reset_page(visit, asked, username, sent["CodeDeliveryDetails"]["Destination"])


def _reset_page(
    visit: Visit, asked: AuthorizeRequest, username: str, destination: str, error: str = ""
) -> Response:
    return visit.page(
        "Set a new password", "reset", asked, error=error, username=username,
        destination=destination or "you", action=visit.at("confirmforgotPassword", asked),
        login=visit.at("login", asked), policy=policy_text(visit.pool),
    )  # fmt: skip


async def reset(visit: Visit) -> Response:
    asked = visit.asked()
    form = await visit.form()
    username = form.get("username", "")
    if form.get("password") != form.get("confirmPassword"):
        return _reset_page(visit, asked, username, "", "The two passwords are not the same.")
    try:
        await visit.call(
            "ConfirmForgotPassword",
            {
                **named(visit, asked, username),
                "ConfirmationCode": form.get("code", "").strip(),
                "Password": check_password(form.get("password", "")),
            },
        )
    except AwsError as error:
        return _reset_page(visit, asked, username, "", said(error))
    return login_page(visit, asked, username=username, note="Your password is changed. Sign in with it.")


PAGES: dict[tuple[str, str], Page] = {
    ("GET", "/signup"): show_signup,
    ("POST", "/signup"): signup,
    ("GET", "/confirm"): show_confirm,
    ("GET", "/confirmUser"): confirm_by_link,
    ("POST", "/confirm"): confirm,
    ("POST", "/resendcode"): resend,
    ("GET", "/forgotPassword"): show_forgot,
    ("POST", "/forgotPassword"): forgot,
    ("POST", "/confirmforgotPassword"): reset,
}
