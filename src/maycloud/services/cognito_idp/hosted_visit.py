"""One request to a pool's pages: where it is, what it carries, whether a form is really ours."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maycloud.edge.messages import RawHeaders, Request, Response
from maycloud.pages import Markup, cookies, is_same_origin
from maycloud.principal import ANONYMOUS
from maycloud.services.base import Params
from maycloud.services.cognito_idp import branding, hosted_html, oauth_requests
from maycloud.services.cognito_idp.oauth_requests import AuthorizeRequest, OAuthError
from maycloud.services.cognito_idp.oauth_store import SESSION_SECONDS, BrowserSession
from maycloud.services.cognito_idp.store import Client, Pool
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

CSRF_COOKIE = "XSRF-TOKEN"
SESSION_COOKIE = "cognito"

_MAX_FORM = 65_536  # bytes


@dataclass(slots=True)
class Visit:
    """`base` is the path below which the domain's pages are: "" on its own host."""

    state: "UserPools"
    pool: Pool
    base: str
    path: str
    request: Request
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    set_cookies: RawHeaders = field(default_factory=RawHeaders)
    _csrf: str = ""

    @classmethod
    def of(cls, state: "UserPools", pool: Pool, base: str, path: str, request: Request) -> "Visit":
        return cls(state, pool, base, path, request, cookies(request))

    # What the request asks

    def client(self, identifier: str) -> Client | None:
        """A client of the pool."""
        found = self.state.store.client(identifier)
        return found if found is not None and found.pool == self.pool.id else None

    def _signing_in(self, identifier: str) -> Client | None:
        """A client whose users sign in here."""
        found = self.client(identifier)
        if found is None or "COGNITO" not in found.settings.get("SupportedIdentityProviders", []):
            return None
        return found

    def asked(self) -> AuthorizeRequest:
        """What the app asks for, in the query of every page. Raises OAuthError."""
        return oauth_requests.read(self.request.query, self._signing_in)

    async def form(self) -> dict[str, str]:
        """The fields of a form that was filled in at one of our pages. Raises OAuthError for any other."""
        given = await self.fields()
        cookie, sent = self.cookies.get(CSRF_COOKIE, ""), given.get("_csrf", "")
        if (
            not cookie
            or not hmac.compare_digest(cookie.encode(), sent.encode())
            or not is_same_origin(self.request)
        ):
            raise OAuthError("invalid_csrf", "This page has been open too long. Go back and try again.")
        return given

    async def fields(self) -> dict[str, str]:
        body = self.request.body
        if not isinstance(body, bytes):
            body = await body.read(_MAX_FORM)
        kind = self.request.header("content-type").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded" or len(body) > _MAX_FORM:
            raise OAuthError("invalid_request", "Send application/x-www-form-urlencoded")
        try:
            return oauth_requests.parameters(body.decode())
        except UnicodeDecodeError as error:
            raise OAuthError("invalid_request", "The form cannot be read") from error

    # Sessions of browsers

    def session(self) -> BrowserSession | None:
        """Who is signed in with this browser, if the user still may."""
        cookie = self.cookies.get(SESSION_COOKIE)
        found = self.state.oauth.session(self.pool.id, cookie) if cookie else None
        user = self.state.store.user(self.pool.id, found.username) if found is not None else None
        return found if user is not None and user.enabled else None

    def open_session(self, username: str) -> BrowserSession:
        """A new one, whatever cookie the browser came with."""
        self.close_session()
        session = self.state.oauth.open_session(self.pool.id, username)
        self._set_cookie(SESSION_COOKIE, session.cookie, SESSION_SECONDS)
        return session

    def close_session(self) -> None:
        if cookie := self.cookies.get(SESSION_COOKIE):
            self.state.oauth.close_session(cookie)
            self._set_cookie(SESSION_COOKIE, "", 0)

    def _set_cookie(self, name: str, value: str, seconds: int | None = None) -> None:
        parts = [f"{name}={value}", f"Path={self.base or ''}/", "HttpOnly", "SameSite=Lax"]
        if seconds is not None:
            parts.append(f"Max-Age={seconds}")
        if self.request.secure:
            parts.append("Secure")
        self.set_cookies = [each for each in self.set_cookies if not each[1].startswith(f"{name}=".encode())]
        self.set_cookies.append((b"set-cookie", "; ".join(parts).encode()))

    @property
    def csrf(self) -> str:
        """The token of this browser's forms."""
        if not self._csrf:
            self._csrf = self.cookies.get(CSRF_COOKIE, "")
            if len(self._csrf) < 32:
                self._csrf = secrets.token_urlsafe(32)
                self._set_cookie(CSRF_COOKIE, self._csrf)
        return self._csrf

    # Answers

    def at(self, page: str, asked: AuthorizeRequest) -> str:
        """The address of another page that goes on with the same request."""
        return f"{self.base}/{page}?{asked.query}"

    def page(
        self,
        title: str,
        template: str,
        asked: AuthorizeRequest,
        *,
        error: str = "",
        note: str = "",
        **values: str,
    ) -> Response:
        body = hosted_html.fill(template, csrf=self.csrf, **values)
        return hosted_html.page(
            self.base, title, body, error=error, note=note, status=400 if error else 200,
            headers=self.set_cookies, brand=branding.shown(self, asked.client.id),
        )  # fmt: skip

    def redirect(self, address: str) -> Response:
        return hosted_html.redirect(address, self.set_cookies)

    def problem(self, text: str, status: int = 400) -> Response:
        """A page that leads nowhere."""
        return self.notice("Something went wrong", text, status)

    def notice(self, title: str, text: str, status: int = 200) -> Response:
        body = hosted_html.fill("text", text=text, more=Markup(""))
        return hosted_html.page(self.base, title, body, status=status)

    async def call(self, operation: str, params: Params) -> Document:
        """An operation that every app may call. Raises AwsError."""
        return await self.state.cloud.call("cognito-idp", operation, params, as_=ANONYMOUS)


Page = Callable[[Visit], Awaitable[Response]]
