"""The composition root: opens the store, builds the services, starts the edge."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import orjson

from maycloud import welcome
from maycloud.access import Access
from maycloud.addresses import Addresses
from maycloud.admin import Admin
from maycloud.config import Config
from maycloud.dispatch import Dispatcher
from maycloud.edge import cors
from maycloud.edge.certificates import Authority
from maycloud.edge.messages import Handler, Reply, Request, Response
from maycloud.edge.router import Route, classify
from maycloud.edge.server import Edge
from maycloud.inbox import Inbox
from maycloud.loading import Services
from maycloud.principal import Principal
from maycloud.services.base import Context, Params
from maycloud.store import Store
from maycloud.wire import Registry

if TYPE_CHECKING:
    from maycloud.console.console import Console
    from maycloud.mailing import Mailing

log = logging.getLogger("maycloud")


class Cloud:
    """One running cloud: one data folder, one port. See services.base.Cloud for what services use."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.region = config.region
        self.url = ""
        self.store = Store(config.data, config.durability)
        self.access = Access(self.store, config.admin_secret)
        self.inbox = Inbox(self.store, self._mailing(config))
        self._hosts: dict[str, Handler] = {}
        self._claims: list[tuple[Callable[[bytes], bool], Handler]] = []
        self._paths: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.services = Services(self)
        self._dispatcher = Dispatcher(self, self.access, Registry(self.services), self.services)
        self._admin = Admin(self)
        self._console: Console | None = None
        self.serve_path("/_may/console", lambda request: self.console.handle(request))
        self.serve_path("/_may/", self._admin.handle)
        self.authority = Authority(config.data)
        self._edge = Edge(self.application, host=config.host, port=config.port, tls=self.authority)

    def _mailing(self, config: Config) -> "Mailing | None":
        if config.smtp is None:
            return None
        from maycloud.mailing import Mailing

        return Mailing(self.store, *config.smtp)

    async def start(self) -> None:
        """Listen. When this returns the health page answers."""
        self.store.blobs.sweep()
        self.authority.ensure()
        port = await self._edge.start()
        self.addresses = Addresses(port, self.config.public_host)
        self.url = f"http://{self.config.public_host}:{port}"
        self.port = port
        await self.services.start()
        self.store.outbox.start()

    async def stop(self) -> None:
        """Finish what runs, keep what waits, close the store."""
        await self._edge.stop(grace=5.0)
        await self._dispatcher.stop()
        await self.services.stop()
        await self.store.close()

    # What services use

    async def call(
        self,
        service: str,
        operation: str,
        params: Params | None = None,
        *,
        as_: Principal,
        region: str | None = None,
        account: str | None = None,
        context: Context | None = None,
    ) -> dict[str, Any]:
        return await self._dispatcher.call(service, operation, params, as_, region, account, context)

    @property
    def console(self) -> "Console":
        """Made when it is first looked at."""
        if self._console is None:
            from maycloud.console.console import Console

            self._console = Console(self)
        return self._console

    def state(self, service: str) -> Any:
        return self.services.state(service)

    @property
    def missing(self) -> dict[str, int]:
        """How often which operations or services were asked for that are not there."""
        return self._dispatcher.missing

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work failed", exc_info=error)

    def serve_host(self, label: str, handler: Handler) -> None:
        self._hosts[label] = handler

    def serve_path(self, prefix: str, handler: Handler) -> None:
        self._paths[prefix] = handler

    def claim_hosts(self, claims: Callable[[bytes], bool], handler: Handler) -> None:
        self._claims.append((claims, handler))

    # What the edge serves

    def application(self, request: Request, reply: Reply) -> None:
        """Route one request by host and path."""
        route = classify(request)
        claimed = None
        if self._claims and route.kind == "api" and route.bucket is None:
            claimed = self._claimed(request)
        if route.kind == "api" and claimed is None:
            bucket = route.bucket
            if route.guess and self._is_bucket(request, route.guess):
                bucket = route.guess
            if bucket is None and cors.crosses_origins(request):
                if request.method == "OPTIONS":
                    reply(cors.preflight(request))
                    return
                reply = cors.shared(reply)
            if bucket is None and request.method == "GET" and welcome.wants_page(request):
                reply(welcome.page())
                return
            self._dispatcher.handle(request, reply, bucket)
            return
        handler = claimed or self._find_handler(route)
        if handler is None:
            reply(_not_found())
            return
        try:
            outcome = handler(request)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            reply(_failure())
            return
        if isinstance(outcome, Response):
            self.store.db.after_commit(reply, outcome)
            return
        task = asyncio.ensure_future(self._finish(request, reply, outcome))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_bucket(self, request: Request, name: str) -> bool:
        """Whether a host such as ``photos.localhost`` is a bucket: by the signature, or if there is one."""
        claimed = self.access.peek(request)
        if claimed is not None:
            return claimed[0] == "s3"
        header = request.fields.get(b"authorization", b"")
        if header.startswith(b"AWS ") or "AWSAccessKeyId=" in request.query:
            return True  # S3's alone
        return "s3" in self.services.loaded and self.services.state("s3").buckets.find(name) is not None

    async def _finish(self, request: Request, reply: Reply, outcome: Any) -> None:
        try:
            response = await outcome
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = _failure()
        self.store.db.after_commit(reply, response)

    def _claimed(self, request: Request) -> Handler | None:
        """Who serves a host of a name that users have chosen."""
        host = request.fields.get(b"host", b"")
        return next((handler for claims, handler in self._claims if claims(host)), None)

    def _find_handler(self, route: Route) -> Handler | None:
        plane = route.path if route.kind == "path" else route.kind
        handler = self._known_handler(plane)
        if handler is None:
            self.services.wake(plane)
            handler = self._known_handler(plane)
        return handler

    def _known_handler(self, plane: str) -> Handler | None:
        if plane[:1] != "/":
            return self._hosts.get(plane)
        for prefix, handler in self._paths.items():
            if plane.startswith(prefix):
                return handler
        return None


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(status, [(b"content-type", b"application/json")], orjson.dumps(body))


def _not_found() -> Response:
    return _json(404, {"message": "Not Found"})


def _failure() -> Response:
    return _json(500, {"message": "Internal Server Error"})
