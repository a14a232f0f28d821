"""The console's doors: hosts, methods, sessions; then the room that was asked for.

https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html and its neighbours on
forged requests, framing and content policies say what is done here and why.
"""

import inspect
from typing import TYPE_CHECKING

from maycloud.access.sites import is_own_host
from maycloud.console import denials, log_pages, mails, signing_in, stacks
from maycloud.console.sessions import Session, Sessions
from maycloud.console.visit import BASE, SECURITY, TEMPLATES, ForgedError, Page, Visit, cookie
from maycloud.edge.messages import Request, Response
from maycloud.errors import AwsError
from maycloud.pages import Markup, is_same_origin

if TYPE_CHECKING:
    from maycloud.cloud import Cloud

_ROOMS: dict[str, Page] = {
    "": stacks.overview,
    "/stack": stacks.stack,
    "/inbox": mails.inbox,
    "/mail": mails.mail,
    "/denials": denials.denials,
    "/logs": log_pages.groups,
    "/logs/group": log_pages.streams,
    "/logs/stream": log_pages.events,
}


_CACHED = [each for each in SECURITY if each[0] != b"cache-control"]


class Console:
    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self.sessions = Sessions(cloud)

    def session(self, request: Request) -> Session | None:
        """Who is signed in, by the request's cookie. A page of another origin is nobody's."""
        found = cookie(request, "session")
        if not found or not is_same_origin(request) or not self._is_ours(request):
            return None
        return self.sessions.session(found)

    async def handle(self, request: Request) -> Response:
        if not self._is_ours(request):
            return _plain(
                421, "The console is not served under this host name. Use localhost or the machine's address."
            )
        path = request.path.removeprefix(BASE).rstrip("/")
        if request.method == "POST" and path == "/link":
            return signing_in.link(self._cloud, self.sessions, request)
        found = cookie(request, "session")
        visit = Visit.of(self._cloud, request, self.sessions.session(found) if found else None)
        try:
            if request.method == "POST":
                return await self._post(visit, path)
            if request.method not in ("GET", "HEAD"):
                return _plain(405, "Method Not Allowed")
            return await self._get(visit, path)
        except ForgedError:
            return visit.page(
                "Not sent",
                Markup(""),
                error="This form is not one of the console's, or was open too long. Go back and try again.",
                status=403,
            )

    async def _post(self, visit: Visit, path: str) -> Response:
        form = await visit.form()
        if path == "/sign-in":
            return signing_in.sign_in(visit, self.sessions, form)
        if path == "/enter":
            return signing_in.enter(visit, self.sessions, form)
        if path == "/sign-out":
            return signing_in.sign_out(visit, self.sessions)
        return visit.page("Not found", Markup(""), error="There is no such page.", status=404)

    async def _get(self, visit: Visit, path: str) -> Response:
        if path == "/style.css":
            headers = [(b"content-type", b"text/css; charset=utf-8"), *_CACHED]
            return Response(
                200, [*headers, (b"cache-control", b"max-age=3600")], TEMPLATES.text("style.css").encode()
            )
        if path == "/enter":
            return signing_in.enter_page(visit, self.sessions)
        if visit.session is None:
            return signing_in.sign_in_page(visit)
        if path == "/mail/html":
            return mails.html_of(visit)
        room = _ROOMS.get(path)
        if room is None:
            return visit.page("Not found", Markup(""), error="There is no such page.", status=404)
        try:
            answer = room(visit)
            return await answer if inspect.isawaitable(answer) else answer
        except AwsError as error:
            return visit.refused(error)

    def _is_ours(self, request: Request) -> bool:
        return is_own_host(request, self._cloud.config.public_host)


def _plain(status: int, text: str) -> Response:
    return Response(status, [(b"content-type", b"text/plain; charset=utf-8"), *SECURITY], text.encode())
