"""What is Maycloud's own over HTTP, below ``/_may/``: health for all, the rest for the administrator."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from maycloud import __version__
from maycloud.edge.messages import Request, Response
from maycloud.errors import AwsError

if TYPE_CHECKING:
    from maycloud.cloud import Cloud

Json = dict[str, Any]


class Admin:
    """Handlers of ``/_may/…``. All but health ask for a request signed by an administrator.

    The inbox answers the console's session, too.
    """

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._routes: dict[tuple[str, str], Callable[[Request], Json | list[Json]]] = {
            ("GET", "/_may/status"): self._status,
            ("POST", "/_may/clock"): self._clock,
            ("GET", "/_may/inbox"): self._inbox,
        }

    def handle(self, request: Request) -> Response:
        if request.path == "/_may/health" and request.method in ("GET", "HEAD"):
            return _json(200, {"status": "running", "version": __version__})
        try:
            if request.path != "/_may/inbox" or not self._from_console(request):
                self._require_administrator(request)
            route = self._routes.get((request.method, request.path))
            if route is None:
                return _json(404, {"message": f"{request.method} {request.path} is not there"})
            return _json(200, route(request))
        except AwsError as error:
            return _json(error.status, {"code": error.code, "message": error.message})

    def _from_console(self, request: Request) -> bool:
        """Whether a browser asks that an administrator is signed in with, see `console`."""
        if b"cookie" not in request.fields or b"authorization" in request.fields:
            return False
        return self._cloud.console.session(request) is not None

    def _require_administrator(self, request: Request) -> None:
        access = self._cloud.access
        principal = access.authenticate(request, "rest-json").principal
        if principal.kind == "anonymous":
            raise AwsError("MissingAuthenticationToken", "Sign this request (SigV4) as an administrator", 403)
        # Mails are nobody's account's: an address may be in several, so any administrator reads them.
        if request.path == "/_may/inbox" and access.is_unlimited(principal):
            return
        if not access.is_administrator(principal):
            raise AwsError("AccessDenied", "Only an administrator of account 000000000000 may do this", 403)

    def _status(self, _request: Request) -> Json:
        cloud = self._cloud
        loaded = cloud.services.loaded
        return {
            "version": __version__,
            "url": cloud.url,
            "dataDir": str(cloud.config.data),
            "region": cloud.region,
            "durability": cloud.config.durability,
            "time": cloud.store.clock.time(),
            "services": {name: {"loaded": name in loaded} for name in cloud.services},
            "denials": list(cloud.access.denials),
            "missing": dict(cloud.missing),
        }

    def _inbox(self, request: Request) -> list[Json]:
        """Mails, newest first; ``?to=ADDRESS`` asks for those of one address."""
        address = parse_qs(request.query, keep_blank_values=True).get("to")
        return self._cloud.inbox.mails(address[0] if address else None)

    def _clock(self, request: Request) -> Json:
        body = request.body
        try:
            wanted = orjson.loads(body) if isinstance(body, bytes) else {}
            clock = self._cloud.store.clock
            if "hold" in wanted:
                clock.hold({True: True, False: False}[wanted["hold"]])
            else:
                clock.advance(float(wanted["advance"]))
        except (ValueError, KeyError, TypeError) as error:
            raise AwsError("ValidationError", 'Send {"advance": SECONDS} or {"hold": true}') from error
        return {"time": clock.time()}


def _json(status: int, body: Json | list[Json]) -> Response:
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
    return Response(status, headers, orjson.dumps(body))
