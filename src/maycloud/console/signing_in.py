"""Signing in with a key's secret or a link, and out."""

from math import ceil
from typing import TYPE_CHECKING

import orjson

from maycloud.console.sessions import SECONDS, LockedError, Sessions
from maycloud.console.visit import SECURITY, Visit, address, fill
from maycloud.edge.messages import Request, Response
from maycloud.errors import AwsError
from maycloud.pages import hidden

if TYPE_CHECKING:
    from maycloud.cloud import Cloud


def sign_in_page(visit: Visit, error: str = "", status: int = 200) -> Response:
    """In place of a page that only administrators see."""
    if not error and visit.request.path.rstrip("/") != "/_may/console":
        status = 403
    return visit.page("Sign in", fill("sign_in", token=visit.token()), error=error, status=status)


def sign_in(visit: Visit, sessions: Sessions, form: dict[str, str]) -> Response:
    try:
        identifier = sessions.prove(form.get("key", "").strip(), form.get("secret", ""))
    except LockedError as locked:
        wait = ceil(locked.seconds)
        words = f"Too many attempts. Wait {wait} second{'s' if wait > 1 else ''}, or use may console."
        return sign_in_page(visit, words, 429)
    except AwsError as error:
        return sign_in_page(visit, error.message, 403)
    return _enter(visit, sessions, identifier)


def _enter(visit: Visit, sessions: Sessions, identifier: str) -> Response:
    """With a new session, whatever cookie the browser came with."""
    if visit.session is not None:
        sessions.close(visit.session.id)
    visit.keep_session(identifier)
    return visit.redirect()


def link(cloud: "Cloud", sessions: Sessions, request: Request) -> Response:
    """A link for one sign-in, to a request that an administrator signed."""
    try:
        principal = cloud.access.authenticate(request, "rest-json").principal
        if principal.kind == "anonymous":
            raise AwsError("MissingAuthenticationToken", "Sign this request (SigV4) as an administrator", 403)
        ticket = sessions.link(principal.access_key)
    except AwsError as error:
        return _json(error.status, {"code": error.code, "message": error.message})
    url = cloud.url + address("/enter", link=ticket)
    return _json(200, {"url": url, "expiresIn": int(SECONDS["link"])})


def _json(status: int, body: dict[str, str | int]) -> Response:
    return Response(status, [(b"content-type", b"application/json"), *SECURITY], orjson.dumps(body))


def enter_page(visit: Visit, sessions: Sessions) -> Response:
    """A link opens a page with a button: what only looks at links must not use them up."""
    ticket = visit.query.get("link", "")
    holder = sessions.holder(ticket)
    if holder is None:
        words = "This link was used, or is too old. Run may console for a new one."
        return sign_in_page(visit, words, 403)
    body = fill("enter", who=holder.arn, link=hidden("link", ticket), token=visit.token())
    return visit.page("Welcome", body)


def enter(visit: Visit, sessions: Sessions, form: dict[str, str]) -> Response:
    identifier = sessions.redeem(form.get("link", ""))
    if identifier is None:
        return sign_in_page(visit, "This link was used, or is too old. Run may console for a new one.", 403)
    return _enter(visit, sessions, identifier)


def sign_out(visit: Visit, sessions: Sessions) -> Response:
    if visit.session is not None:
        sessions.close(visit.session.id)
    visit.drop_session()
    return visit.redirect()
