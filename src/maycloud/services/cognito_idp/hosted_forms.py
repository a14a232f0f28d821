"""What several of the hosted pages share: the forms that one leads to from another, and their words."""

import base64
import hmac
import unicodedata

from maycloud.edge.messages import Response
from maycloud.errors import AwsError
from maycloud.pages import Markup, field, hidden, link
from maycloud.services.cognito_idp import schema
from maycloud.services.cognito_idp.client_secrets import secret_of
from maycloud.services.cognito_idp.hosted_html import fill
from maycloud.services.cognito_idp.hosted_visit import Visit
from maycloud.services.cognito_idp.oauth_requests import AuthorizeRequest
from maycloud.services.cognito_idp.service import invalid
from maycloud.services.cognito_idp.store import Client, Pool

_KINDS = {"email": "email", "phone_number": "tel", "birthdate": "date", "website": "url"}
_AUTOCOMPLETE = {
    "email": "email", "phone_number": "tel", "name": "name", "given_name": "given-name",
    "family_name": "family-name", "nickname": "nickname", "birthdate": "bday", "website": "url",
    "address": "street-address", "preferred_username": "username",
}  # fmt: skip
_ATTRIBUTE = "attribute."  # before the name of an attribute's field
_WORDS = {"email": "email address", "phone_number": "phone number", "preferred_username": "user name"}


def said(error: AwsError) -> str:
    """What a page tells its reader of an error."""
    return error.message or "That did not work. Please try again."


def name_words(pool: Pool) -> str:
    """What users of a pool sign in with."""
    kinds = pool.settings.get("UsernameAttributes")
    words = [_WORDS[kind] for kind in kinds] if kinds else ["user name"]
    for alias in pool.settings.get("AliasAttributes", ()):
        if _WORDS[alias] not in words:
            words.append(_WORDS[alias])
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def label_of(words: str) -> str:
    return words[:1].upper() + words[1:]


def policy_text(pool: Pool) -> str:
    """The pool's password policy in a sentence."""
    policy = pool.settings["Policies"]["PasswordPolicy"]
    needed = [
        words
        for rule, words in (
            ("RequireLowercase", "a lower case letter"),
            ("RequireUppercase", "an upper case letter"),
            ("RequireNumbers", "a number"),
            ("RequireSymbols", "a symbol"),
        )
        if policy.get(rule)
    ]
    text = f"At least {policy['MinimumLength']} characters"
    if not needed:
        return f"{text}."
    listed = " and ".join([", ".join(needed[:-1]), needed[-1]]) if len(needed) > 1 else needed[0]
    return f"{text}, with {listed}."


def attribute_fields(pool: Pool, names: list[str], values: dict[str, str] | None = None) -> Markup:
    known = schema.entries_of(pool)
    fields = [
        field(
            f"{_ATTRIBUTE}{name}",
            label_of(_WORDS.get(name, name.removeprefix("custom:").replace("_", " "))),
            _KINDS.get(name, "text"),
            _AUTOCOMPLETE.get(name, "on"),
            (values or {}).get(name, ""),
        )
        for name in names
        if name in known
    ]
    return Markup("\n".join(fields))


def read_attributes(form: dict[str, str]) -> dict[str, str]:
    """The attributes that a form was filled in with."""
    return {
        name.removeprefix(_ATTRIBUTE): value for name, value in form.items() if name.startswith(_ATTRIBUTE)
    }


# Users as the operations of apps name them


def secret_hash(visit: Visit, client: Client, username: str) -> str:
    """The SECRET_HASH that the app would send, "" for a client without secret."""
    secret = secret_of(visit.state, client)
    if secret is None:
        return ""
    made = hmac.digest(secret.encode(), f"{username}{client.id}".encode(), "sha256")
    return base64.b64encode(made).decode()


def named(visit: Visit, asked: AuthorizeRequest, username: str) -> dict[str, str]:
    """Client and user as parameters. Raises AwsError for a name that the operations' model does not take."""
    if not 0 < len(username) <= 128 or any(unicodedata.category(each)[0] in "ZC" for each in username):
        raise invalid(f"Your {name_words(visit.pool)} has no spaces, and 128 characters at the most.")
    params = {"ClientId": asked.client.id, "Username": username}
    if proof := secret_hash(visit, asked.client, username):
        params["SecretHash"] = proof
    return params


def check_password(password: str) -> str:
    """A new password, as the operations' model takes it. Raises AwsError."""
    if len(password) > 256 or password != password.strip():
        raise invalid("A password begins and ends without spaces, and has 256 characters at the most.")
    return password


# Pages that others lead to


def login_page(
    visit: Visit, asked: AuthorizeRequest, *, username: str = "", error: str = "", note: str = ""
) -> Response:
    signup = Markup("")
    if not visit.pool.settings["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]:
        more = link(visit.at("signup", asked), "Create an account")
        signup = Markup(f'<p class="foot">New here? {more}</p>')
    name = username or asked.hint
    here, there = Markup(" autofocus"), Markup("")
    return visit.page(
        "Sign in", "login", asked, error=error, note=note,
        action=visit.at("login", asked), label=label_of(name_words(visit.pool)), username=name,
        first=there if name else here, second=here if name else there,
        forgot=visit.at("forgotPassword", asked), signup=signup,
    )  # fmt: skip


def confirm_page(
    visit: Visit, asked: AuthorizeRequest, username: str, destination: str, *, error: str = "", note: str = ""
) -> Response:
    who, resend = hidden("username", username), Markup("")
    if username:
        resend = fill("resend", csrf=visit.csrf, action=visit.at("resendcode", asked), username=username)
    else:
        who = field("username", label_of(name_words(visit.pool)), "text", "username")
    return visit.page(
        "Confirm your account", "confirm", asked, error=error, note=note,
        action=visit.at("confirm", asked), who=who, resend=resend, destination=destination or "you",
    )  # fmt: skip


def forgot_page(
    visit: Visit, asked: AuthorizeRequest, *, username: str = "", error: str = "", note: str = ""
) -> Response:
    words = name_words(visit.pool)
    return visit.page(
        "Forgot your password?", "forgot", asked, error=error, note=note,
        action=visit.at("forgotPassword", asked), login=visit.at("login", asked),
        what=words, label=label_of(words), username=username or asked.hint,
    )  # fmt: skip
