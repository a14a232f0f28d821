"""What users are sent: AWS's words, a pool's own, or those of its CustomMessage function.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-message-customizations.html
Mails go to the cloud's inbox; so do text messages, under the number they were for.
"""

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from maycloud.services.cognito_idp import triggers
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

SENDER = "no-reply@verificationemail.com"
CODE = "{####}"
NAME = "{username}"

LINK = re.compile(r"\{##([^#{}]+)##\}")
_TAG = re.compile(r"<[^<>]+>")
_VERIFICATION = ("Your verification code", "Your confirmation code is {####} ")
_AUTHENTICATION = ("Your authentication code", "Your authentication code is {####} ")
_INVITATION = ("Your temporary password", "Your username is {username} and temporary password is {####}.")
_LINK_SUBJECT = "Your verification link"
_LINK_TEXT = "Please click the link below to verify your email address. {##Verify Email##} "


def masked(attribute: str, value: str) -> str:
    """Where a code went, as clients may be told: ``j***@e***``, ``+*******4567``."""
    if attribute == "phone_number":  # a star for each hidden digit
        return f"+{'*' * max(len(value) - 5, 1)}{value[-4:]}"
    name, _, domain = value.partition("@")
    return f"{name[:1]}***@{domain[:1]}***"


def details(attribute: str, value: str) -> Document:
    """CodeDeliveryDetails."""
    return {
        "Destination": masked(attribute, value),
        "DeliveryMedium": "EMAIL" if attribute == "email" else "SMS",
        "AttributeName": attribute,
    }


async def compose(
    state: "UserPools",
    pool: Pool,
    client: Client | None,
    user: User,
    source: str,
    attribute: str,
    metadata: dict[str, str] | None,
) -> tuple[str, str]:
    """Subject and template of a message; `source` is the CustomMessage trigger's, which may reword it."""
    invitation = source == "CustomMessage_AdminCreateUser"
    subject, text = _template(pool, source, attribute)
    request: Document = {
        "userAttributes": triggers.attributes_of(user),
        "codeParameter": CODE,
        "linkParameter": "{##Click Here##}",
        "usernameParameter": NAME if invitation else None,
    }
    if metadata:
        request["clientMetadata"] = metadata
    response: Document = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
    answer = await triggers.run(
        state, pool, client, "CustomMessage", source, user.username, request, response
    )
    if answer:
        if attribute == "phone_number":
            return subject, answer.get("smsMessage") or text
        return answer.get("emailSubject") or subject, answer.get("emailMessage") or text
    return subject, text


def _template(pool: Pool, source: str, attribute: str) -> tuple[str, str]:
    settings = pool.settings
    sms = attribute == "phone_number"
    if source == "CustomMessage_AdminCreateUser":
        given = settings.get("AdminCreateUserConfig", {}).get("InviteMessageTemplate", {})
        text = given.get("SMSMessage") if sms else given.get("EmailMessage")
        return given.get("EmailSubject") or _INVITATION[0], text or _INVITATION[1]
    if source == "CustomMessage_Authentication":
        given = settings.get("EmailMfaConfiguration", {})
        text = settings.get("SmsAuthenticationMessage") if sms else given.get("Message")
        return given.get("Subject") or _AUTHENTICATION[0], text or _AUTHENTICATION[1]
    given = settings.get("VerificationMessageTemplate", {})
    if sms:
        return "", given.get("SmsMessage") or settings.get("SmsVerificationMessage") or _VERIFICATION[1]
    by_link = given.get("DefaultEmailOption") == "CONFIRM_WITH_LINK"
    if by_link and source in ("CustomMessage_SignUp", "CustomMessage_ResendCode"):
        return (
            given.get("EmailSubjectByLink") or _LINK_SUBJECT,
            given.get("EmailMessageByLink") or _LINK_TEXT,
        )
    return (
        given.get("EmailSubject") or settings.get("EmailVerificationSubject") or _VERIFICATION[0],
        given.get("EmailMessage") or settings.get("EmailVerificationMessage") or _VERIFICATION[1],
    )


def send(
    state: "UserPools",
    pool: Pool,
    client: Client | None,
    user: User,
    attribute: str,
    message: tuple[str, str],
    code: str,
) -> None:
    """Put a composed message, with its code, into the inbox: in this tick's transaction."""
    subject, template = message
    to = user.attributes[attribute]
    name = user.attributes.get("email", user.username) if _is_generated(pool) else user.username
    link = _link(state, pool, client, user, code)
    plain = LINK.sub(lambda match: f"{match[1]} {link}", template)
    rich = LINK.sub(lambda match: f'<a href="{html.escape(link)}">{match[1]}</a>', template)
    texts = [each.replace(CODE, code).replace(NAME, name) for each in (plain, rich)]
    if attribute == "phone_number":
        state.cloud.inbox.put("SMS", to, "", texts[0])
        return
    sender = pool.settings.get("EmailConfiguration", {}).get("From") or SENDER
    is_html = _TAG.search(texts[1]) is not None
    text = html.unescape(_TAG.sub("", texts[0])) if is_html else texts[0]
    state.cloud.inbox.put(sender, to, subject.replace(NAME, name), text, texts[1] if is_html else None)


def _is_generated(pool: Pool) -> bool:
    """Whether user names are made by Cognito: users of such pools are called by their address."""
    return bool(pool.settings.get("UsernameAttributes"))


def _link(state: "UserPools", pool: Pool, client: Client | None, user: User, code: str) -> str:
    """Where a link in a mail leads: the confirmation page of the pool's domain."""
    domain = state.records.domain_of(pool.id)
    if domain is None or client is None:
        return ""
    asked = {"client_id": client.id, "user_name": user.username, "confirmation_code": code}
    return f"{state.domain_url(domain)}/confirmUser?{urlencode(asked)}"
