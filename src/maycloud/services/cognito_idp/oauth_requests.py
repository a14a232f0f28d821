"""Requests to the authorization endpoint, checked before anyone is asked or sent anywhere.

https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from maycloud.services.cognito_idp.store import Client

_FLOWS = {"code": "code", "token": "implicit"}
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # the SHA-256 of a verifier, base64url
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_PROMPTS = frozenset({"none", "login", "select_account", "consent"})


class OAuthError(Exception):
    """An error as OAuth names it (RFC 6749, 4.1.2.1 and 5.2)."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description


class RedirectError(OAuthError):
    """An error that the app is told about: who asks and where to answer have been checked."""

    def __init__(self, code: str, description: str, address: str) -> None:
        super().__init__(code, description)
        self.address = address


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """What an app asks for. `query` is the request again, for the links and forms of the pages."""

    client: Client
    redirect_uri: str
    response_type: str
    scopes: list[str]
    state: str | None
    nonce: str
    challenge: str
    prompt: str
    hint: str
    query: str

    def answer(self, **members: str) -> str:
        """The app's address with an answer in it: in the query for codes, in the fragment for tokens."""
        return answer_address(self.redirect_uri, self.response_type, self.state, members)


def parameters(text: str) -> dict[str, str]:
    """Of a query or form, each of which may be there once. Raises OAuthError."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError as error:
        raise OAuthError("invalid_request", "The parameters cannot be read") from error
    given = dict(pairs)
    if len(given) < len(pairs):
        raise OAuthError("invalid_request", "A parameter is there more than once")
    return given


def read(query: str, find_client: Callable[[str], Client | None]) -> AuthorizeRequest:
    """Raises OAuthError where nobody must be redirected, RedirectError where the app is to be told."""
    given = parameters(query)
    client = find_client(given.get("client_id", ""))
    if client is None:
        raise OAuthError("invalid_request", "The app client does not exist")
    settings = client.settings
    redirect_uri = given.get("redirect_uri") or settings.get("DefaultRedirectURI", "")
    if not redirect_uri or redirect_uri not in settings.get("CallbackURLs", []):
        raise OAuthError("redirect_mismatch", "The address to return to is not one of the app client's")
    kind, state = given.get("response_type", ""), given.get("state")

    def refuse(code: str, description: str) -> RedirectError:
        address = answer_address(redirect_uri, kind, state, {"error": code, "error_description": description})
        return RedirectError(code, description, address)

    if kind not in _FLOWS:
        raise refuse("invalid_request", "response_type must be code or token")
    if not allows(client, _FLOWS[kind]):
        raise refuse("unauthorized_client", "The app client does not have this flow")
    if given.get("identity_provider", "COGNITO") != "COGNITO" or "idp_identifier" in given:
        raise refuse("invalid_request", "Nobody signs in with that identity provider here")
    allowed = settings.get("AllowedOAuthScopes", [])
    scopes = list(dict.fromkeys(given.get("scope", "").split())) or list(allowed)
    if not scopes or not set(scopes) <= set(allowed):
        raise refuse("invalid_scope", "The app client does not have these scopes")
    prompt = given.get("prompt", "")
    if not set(prompt.split()) <= _PROMPTS or ("none" in prompt.split() and prompt != "none"):
        raise refuse("invalid_request", "prompt is not known")
    challenge, method = given.get("code_challenge", ""), given.get("code_challenge_method", "")
    # AWS knows S256 alone: a plain challenge can be read by whoever reads the code.
    if (challenge or method) and (method != "S256" or not _CHALLENGE.fullmatch(challenge)):
        raise refuse("invalid_request", "code_challenge_method must be S256, code_challenge its base64url")
    return AuthorizeRequest(
        client,
        redirect_uri,
        kind,
        scopes,
        state,
        given.get("nonce", ""),
        challenge,
        prompt,
        given.get("login_hint", ""),
        urlencode(given, quote_via=quote),
    )


def allows(client: Client, flow: str) -> bool:
    """Whether a client has a flow: code, implicit or client_credentials."""
    settings = client.settings
    return bool(settings.get("AllowedOAuthFlowsUserPoolClient")) and flow in settings.get(
        "AllowedOAuthFlows", []
    )


def answer_address(address: str, kind: str, state: str | None, members: dict[str, str]) -> str:
    given = {name: value for name, value in members.items() if value}
    if state is not None:
        given["state"] = state
    answer = urlencode(given, quote_via=quote)
    if kind == "token":
        return f"{address}#{answer}"
    return f"{address}{'&' if '?' in address else '?'}{answer}"


def proves(verifier: str, challenge: str) -> bool:
    """Whether a code verifier is the one of a challenge (RFC 7636); neither without the other."""
    if not challenge or not verifier:
        return not challenge and not verifier
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, challenge.encode())
