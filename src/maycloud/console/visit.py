"""One request to the console: who asks, for what, and how a page is answered."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from maycloud.console.sessions import SECONDS, Session
from maycloud.edge.messages import BodyTooLargeError, RawHeaders, Request, Response
from maycloud.errors import AwsError
from maycloud.pages import Markup, Templates, cookies, hidden, is_same_origin, join, link
from maycloud.regions import REGIONS

if TYPE_CHECKING:
    from maycloud.cloud import Cloud

BASE = "/_may/console"
TEMPLATES = Templates("maycloud.console", "templates")
fill = TEMPLATES.fill

# Nothing is loaded but from here, nothing runs, nobody frames the pages.
SECURITY: RawHeaders = [
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none';"
        b" frame-ancestors 'none'",
    ),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Not no-referrer, with which browsers send forms from the origin "null".
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_ROOMS = {"": "Overview", "/inbox": "Inbox", "/denials": "Denials", "/logs": "Logs"}
_MAX_FORM = 16_384  # bytes


class ForgedError(Exception):
    """A form that none of our pages sent."""


@dataclass(slots=True)
class Visit:
    cloud: "Cloud"
    request: Request
    session: Session | None = None
    query: dict[str, str] = field(default_factory=dict[str, str])
    set_cookies: RawHeaders = field(default_factory=RawHeaders)
    _form_key: str = ""

    @classmethod
    def of(cls, cloud: "Cloud", request: Request, session: Session | None) -> "Visit":
        return cls(cloud, request, session, dict(parse_qsl(request.query, keep_blank_values=True)))

    @property
    def region(self) -> str:
        """The region looked at."""
        asked = self.query.get("region", "")
        return asked if asked in REGIONS else self.cloud.region

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """An operation as the signed-in administrator, in the region looked at. Raises AwsError."""
        assert self.session is not None
        given = {name: value for name, value in params.items() if value is not None}
        return await self.cloud.call(
            service, operation, given, as_=self.session.principal, region=self.region
        )

    # Forms

    async def form(self) -> dict[str, str]:
        """The fields of a form of one of our pages. Raises ForgedError for any other."""
        body = self.request.body
        try:
            raw = body if isinstance(body, bytes) else await body.read(_MAX_FORM)
            given = dict(parse_qsl(raw[:_MAX_FORM].decode(), keep_blank_values=True))
        except (ValueError, BodyTooLargeError) as error:
            raise ForgedError from error
        sent = given.get("token", "").encode("utf-8", "replace")
        key = self._key()
        if not key or not hmac.compare_digest(sent, _token(key).encode()) or not is_same_origin(self.request):
            raise ForgedError
        return given

    def token(self) -> Markup:
        """The field of every form of ours: made of the session's id, or of a cookie before there is one."""
        key = self._key()
        if not key:
            key = self._form_key = secrets.token_urlsafe(32)
            self._set_cookie("form", key, 3600)
        return hidden("token", _token(key))

    def _key(self) -> str:
        return self.session.id if self.session is not None else self._form_key or self.cookie("form")

    # Cookies. Over HTTP and HTTPS they have names apart: a browser lets neither overwrite the other's.

    def cookie(self, name: str) -> str:
        return cookie(self.request, name)

    def keep_session(self, identifier: str) -> None:
        self._set_cookie("session", identifier, int(SECONDS["session"]))
        self._set_cookie("form", "", 0)

    def drop_session(self) -> None:
        self._set_cookie("session", "", 0)

    def _set_cookie(self, name: str, value: str, seconds: int) -> None:
        secure = "; Secure" if self.request.secure else ""
        text = (
            f"{_cookie_name(self.request, name)}={value}; Path=/_may/; Max-Age={seconds}; HttpOnly;"
            f" SameSite=Strict{secure}"
        )
        self.set_cookies.append((b"set-cookie", text.encode()))

    # Answers

    def page(self, title: str, body: Markup, *, error: str = "", status: int = 200) -> Response:
        """A whole page, with the way to the rooms for who is signed in."""
        top = fill("top", rooms=self._rooms(), token=self.token()) if self.session is not None else Markup("")
        alert = fill("alert", text=error) if error else Markup("")
        foot = fill("foot") if self.session is not None else Markup("")
        text = fill("layout", title=title, top=top, alert=alert, body=body, foot=foot)
        content = (b"content-type", b"text/html; charset=utf-8")
        return Response(status, [content, *SECURITY, *self.set_cookies], text.encode("utf-8", "replace"))

    def _rooms(self) -> Markup:
        here = _room_of(self.request.path.removeprefix(BASE))
        parts = [
            fill("room_here" if room == here else "room", address=BASE + room, name=name)
            for room, name in _ROOMS.items()
        ]
        return join(parts)

    def refused(self, error: AwsError) -> Response:
        """What an operation answered instead of what was asked for."""
        return self.page("Not found", Markup(""), error=error.message, status=404)

    def redirect(self, path: str = "") -> Response:
        """To one of our pages."""
        headers = [(b"location", (BASE + path).encode()), *SECURITY, *self.set_cookies]
        return Response(303, headers)

    def at(self, path: str, text: str, **query: str) -> Markup:
        """A link to another page, in the same region."""
        return link(address(path, **query, region=self.region), text)


def _room_of(path: str) -> str:
    """The room that a page is in."""
    first = "/" + path.lstrip("/").partition("/")[0]
    return {"/": "", "/stack": "", "/mail": "/inbox"}.get(first, first)


def address(path: str, **query: str) -> str:
    return f"{BASE}{path}?{urlencode(query, errors='replace')}"


def cookie(request: Request, name: str) -> str:
    return cookies(request).get(_cookie_name(request, name), "")


def _cookie_name(request: Request, name: str) -> str:
    return f"__Secure-may-{name}" if request.secure else f"may-{name}"


def _token(key: str) -> str:
    return hmac.digest(key.encode("utf-8", "replace"), b"form", "sha256").hex()


Page = Callable[[Visit], Response | Awaitable[Response]]
