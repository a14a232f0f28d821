"""The pages that sign in: user name and password, then whatever the pool asks besides.

https://docs.aws.amazon.com/cognito/latest/developerguide/login-endpoint.html
"""

from urllib.parse import quote, urlencode

import orjson

from maycloud.edge.messages import Response
from maycloud.errors import AwsError
from maycloud.pages import Markup
from maycloud.services.cognito_idp import auth, challenges, mfa, responses, tokens
from maycloud.services.cognito_idp.challenges import Attempt
from maycloud.services.cognito_idp.hosted_forms import (
    attribute_fields,
    check_password,
    confirm_page,
    forgot_page,
    login_page,
    named,
    policy_text,
    read_attributes,
    said,
    secret_hash,
)
from maycloud.services.cognito_idp.hosted_visit import Page, Visit
from maycloud.services.cognito_idp.oauth_requests import (
    AuthorizeRequest,
    OAuthError,
    RedirectError,
    parameters,
)
from maycloud.services.cognito_idp.oauth_store import BrowserSession, Grant
from maycloud.store import Document

_CODES = {
    mfa.TOTP: "Enter the code that your authenticator app shows.",
    mfa.EMAIL: "Enter the code that we sent to {0}.",
    mfa.SMS: "Enter the code that we sent to {0}.",
}
_METHODS = {mfa.TOTP: "Authenticator app", mfa.EMAIL: "Email", mfa.SMS: "Text message"}


async def authorize(visit: Visit) -> Response:
    """GET /oauth2/authorize: back to the app at once for who is signed in, else to the sign-in page."""
    asked = visit.asked()
    session = visit.session()
    if session is not None and not {"login", "select_account"} & set(asked.prompt.split()):
        return await finish(visit, asked, session)
    if asked.prompt == "none":
        address = asked.answer(error="login_required", error_description="Nobody is signed in")
        raise RedirectError("login_required", "Nobody is signed in", address)
    return visit.redirect(visit.at("login", asked))


async def finish(visit: Visit, asked: AuthorizeRequest, session: BrowserSession) -> Response:
    """Back to the app, with a code or with tokens."""
    state = visit.state
    if asked.response_type == "code":
        grant = Grant(
            visit.pool.id, asked.client.id, session.username, asked.redirect_uri, asked.scopes,
            session.signed_in, asked.nonce, asked.challenge,
        )  # fmt: skip
        return visit.redirect(asked.answer(code=state.oauth.new_code(grant)))
    user = state.store.user(visit.pool.id, session.username)
    assert user is not None
    try:
        result = await tokens.sign_in(
            state, visit.pool, asked.client, user, source="TokenGeneration_HostedAuth", scopes=asked.scopes,
            nonce=asked.nonce or None, hosted=True, since=session.signed_in,
        )  # fmt: skip
    except AwsError as error:
        address = asked.answer(error="invalid_request", error_description=error.message)
        raise RedirectError("invalid_request", error.message, address) from error
    return visit.redirect(
        asked.answer(
            id_token=result.get("IdToken", ""),
            access_token=result["AccessToken"],
            token_type="Bearer",  # noqa: S106 - the name of a kind of token
            expires_in=str(result["ExpiresIn"]),
        )
    )


async def show_login(visit: Visit) -> Response:
    return login_page(visit, visit.asked())


async def login(visit: Visit) -> Response:
    asked = visit.asked()
    form = await visit.form()
    username = form.get("username", "").strip()
    if not username or not form.get("password"):
        return login_page(visit, asked, username=username, error="Enter your name and password.")
    attempt = Attempt(visit.state, visit.pool, asked.client, browser=True)
    try:
        outcome = await auth.by_password(attempt, username, form["password"])
    except AwsError as error:
        if error.code == "UserNotConfirmedException":
            return await _unconfirmed(visit, asked, username)
        if error.code == "PasswordResetRequiredException":
            return forgot_page(visit, asked, username=username, note="Please set a new password.")
        return login_page(visit, asked, username=username, error=said(error))
    return await proceed(visit, asked, username, outcome)


async def _unconfirmed(visit: Visit, asked: AuthorizeRequest, username: str) -> Response:
    """Whose password was right and whose address is not confirmed: a new code."""
    try:
        sent = await visit.call("ResendConfirmationCode", named(visit, asked, username))
    except AwsError as error:
        return login_page(visit, asked, username=username, error=said(error))
    return confirm_page(visit, asked, username, sent["CodeDeliveryDetails"]["Destination"])


async def proceed(visit: Visit, asked: AuthorizeRequest, username: str, outcome: Document) -> Response:
    """On to the app or to the next question."""
    if "User" in outcome:
        return await finish(visit, asked, visit.open_session(outcome["User"]))
    return await _ask(visit, asked, username, outcome)


# What the pool asks besides


async def _ask(
    visit: Visit, asked: AuthorizeRequest, username: str, outcome: Document, error: str = ""
) -> Response:
    """The page of a challenge."""
    name, details = outcome["ChallengeName"], outcome["ChallengeParameters"]
    common = {"username": username, "session": outcome["Session"]}
    if name == "NEW_PASSWORD_REQUIRED":
        missing = orjson.loads(details["requiredAttributes"])
        missing = [each.removeprefix("userAttributes.") for each in missing]
        return visit.page(
            "Choose a password", "new_password", asked, error=error, **common,
            action=visit.at("newPassword", asked), policy=policy_text(visit.pool),
            fields=attribute_fields(visit.pool, missing),
        )  # fmt: skip
    if name == "SELECT_MFA_TYPE":
        choices = Markup("").join(
            Markup(f'<button type="submit" name="answer" value="{each}">{_METHODS[each]}</button>')
            for each in orjson.loads(details["MFAS_CAN_CHOOSE"])
        )
        return visit.page(
            "Confirm that it is you", "select_mfa", asked, error=error, **common,
            action=visit.at("mfa", asked), choices=Markup(choices),
        )  # fmt: skip
    if name == "MFA_SETUP":
        return await _ask_setup(visit, asked, common, error)
    text = _CODES[name].format(details.get("CODE_DELIVERY_DESTINATION", ""))
    return visit.page(
        "Confirm that it is you", "mfa", asked, error=error, **common, instruction=text, challenge=name,
        action=visit.at("mfa", asked), login=visit.at("login", asked),
    )  # fmt: skip


async def _ask_setup(visit: Visit, asked: AuthorizeRequest, common: dict[str, str], error: str) -> Response:
    """A secret for an authenticator app; a new one each time the page is shown."""
    try:
        made = await visit.call("AssociateSoftwareToken", {"Session": common["session"]})
    except AwsError as problem:
        return login_page(visit, asked, username=common["username"], error=said(problem))
    issuer = visit.pool.settings.get("PoolName", "")
    label = quote(f"{issuer}:{common['username']}")
    query = urlencode({"secret": made["SecretCode"], "issuer": issuer}, quote_via=quote)
    values = {**common, "session": made["Session"], "secret": made["SecretCode"]}
    return visit.page(
        "Set up your authenticator app", "mfa_setup", asked, error=error, **values,
        link=f"otpauth://totp/{label}?{query}", action=visit.at("mfa", asked), login=visit.at("login", asked),
    )  # fmt: skip


async def answer_mfa(visit: Visit) -> Response:
    """POST /mfa: a code, a choice of method, or the first code of a new authenticator."""
    asked = visit.asked()
    form = await visit.form()
    username, session = form.get("username", ""), form.get("session", "")
    code = form.get("code", "").strip()
    if "answer" in form:
        return await _answer(visit, asked, username, "SELECT_MFA_TYPE", session, {"ANSWER": form["answer"]})
    name = form.get("challenge", "")
    if name == "MFA_SETUP":
        try:
            done = await visit.call("VerifySoftwareToken", {"Session": session, "UserCode": code})
        except AwsError as error:
            again = {"ChallengeName": name, "ChallengeParameters": {}, "Session": session}
            return await _ask(visit, asked, username, again, said(error))
        return await _answer(visit, asked, username, name, done["Session"], {})
    if name not in mfa.CODE_OF:
        raise OAuthError("invalid_request", "The challenge is not known")
    return await _answer(visit, asked, username, name, session, {mfa.CODE_OF[name]: code})


async def answer_new_password(visit: Visit) -> Response:
    asked = visit.asked()
    form = await visit.form()
    username, session = form.get("username", ""), form.get("session", "")
    given = read_attributes(form)
    answers = {f"userAttributes.{name}": value for name, value in given.items()}
    if form.get("password") != form.get("confirmPassword"):
        missing = orjson.dumps([f"userAttributes.{name}" for name in given]).decode()
        again = {
            "ChallengeName": "NEW_PASSWORD_REQUIRED",
            "ChallengeParameters": {"requiredAttributes": missing},
            "Session": session,
        }
        return await _ask(visit, asked, username, again, "The two passwords are not the same.")
    answers["NEW_PASSWORD"] = form.get("password", "")
    return await _answer(visit, asked, username, "NEW_PASSWORD_REQUIRED", session, answers)


async def _answer(
    visit: Visit, asked: AuthorizeRequest, username: str, name: str, session: str, answers: dict[str, str]
) -> Response:
    """Answer a challenge. After a wrong answer the question stays, while its session does."""
    given = {"USERNAME": username, **answers}
    if proof := secret_hash(visit, asked.client, username):
        given["SECRET_HASH"] = proof
    params = {"ChallengeName": name, "Session": session, "ChallengeResponses": given}
    try:
        check_password(answers.get("NEW_PASSWORD", ""))
        outcome = await responses.respond(visit.state, visit.pool, asked.client, params, browser=True)
    except AwsError as error:
        again = _again(visit, asked, name, session, answers)
        if again is None:
            return login_page(visit, asked, username=username, error=said(error))
        return await _ask(visit, asked, username, again, said(error))
    return await proceed(visit, asked, username, outcome)


def _again(
    visit: Visit, asked: AuthorizeRequest, name: str, session: str, answers: dict[str, str]
) -> Document | None:
    """The challenge that a session still holds, None if it is over."""
    try:
        held = challenges.open_session(visit.state, visit.pool, asked.client, name, session)
    except AwsError:
        return None
    attributes = [each for each in answers if each.startswith("userAttributes.")]
    details = {
        "requiredAttributes": orjson.dumps(attributes).decode(),
        "MFAS_CAN_CHOOSE": orjson.dumps(held.get("Methods", [])).decode(),
        "CODE_DELIVERY_DESTINATION": "you",
    }
    return {"ChallengeName": name, "ChallengeParameters": details, "Session": session}


# Signing out


async def logout(visit: Visit) -> Response:
    """GET /logout: end the browser's session, then to a sign-out address of the client's or to sign in again.

    https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
    """
    given = parameters(visit.request.query)
    client = visit.client(given.get("client_id", ""))
    if client is None:
        raise OAuthError("invalid_request", "The app client does not exist")
    if "logout_uri" in given:
        if given["logout_uri"] not in client.settings.get("LogoutURLs", []):
            raise OAuthError("redirect_mismatch", "The address to return to is not one of the app client's")
        visit.close_session()
        return visit.redirect(given["logout_uri"])
    if "redirect_uri" not in given:
        raise OAuthError("invalid_request", "logout_uri or redirect_uri is needed")
    asked = visit.asked()
    visit.close_session()
    return visit.redirect(visit.at("login", asked))


PAGES: dict[tuple[str, str], Page] = {
    ("GET", "/oauth2/authorize"): authorize,
    ("GET", "/login"): show_login,
    ("POST", "/login"): login,
    ("POST", "/mfa"): answer_mfa,
    ("POST", "/newPassword"): answer_new_password,
    ("GET", "/logout"): logout,
}
