"""The composition root: opens the store, builds the services, starts the edge."""

import asyncio
import importlib
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import orjson

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
from maycloud.principal import Principal
from maycloud.services.base import Context, Params, Service
from maycloud.store import Store
from maycloud.wire import Registry

if TYPE_CHECKING:
    from maycloud.mailing import Mailing

log = logging.getLogger("maycloud")

# botocore's name of a service: the module that declares it
SERVICES = {
    "apigateway": "maycloud.services.apigateway.api",
    "cloudformation": "maycloud.services.cloudformation.api",
    "cloudfront": "maycloud.services.cloudfront.api",
    "cloudwatch": "maycloud.services.cloudwatch.api",
    "cognito-identity": "maycloud.services.cognito_identity.api",
    "cognito-idp": "maycloud.services.cognito_idp.api",
    "dax": "maycloud.services.dax.api",
    "dynamodb": "maycloud.services.dynamodb.api",
    "dynamodbstreams": "maycloud.services.dynamodb.streams_api",
    "iam": "maycloud.services.iam.api",
    "lambda": "maycloud.services.lambda_.api",
    "logs": "maycloud.services.logs.api",
    "s3": "maycloud.services.s3.api",
    "ssm": "maycloud.services.ssm.api",
    "sts": "maycloud.services.sts.api",
}


def load_services() -> dict[str, Service]:
    """The declarations of all services, by botocore's name."""
    return {name: importlib.import_module(module).service for name, module in SERVICES.items()}


class Cloud:
    """One running cloud: one data folder, one port. See services.base.Cloud for what services use."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.region = config.region
        self.url = ""
        self.store = Store(config.data, config.durability)
        self.access = Access(self.store, config.admin_secret)
        self.inbox = Inbox(self.store, self._mailing(config))
        self.services = load_services()
        self._hosts: dict[str, Handler] = {}
        self._paths: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._states: dict[str, Any] = {}
        for name, service in self.services.items():
            self.store.db.migrate(name, service.schema)
        self._dispatcher = Dispatcher(self, self.access, Registry(self.services), self.services)
        for name, service in self.services.items():
            if service.state is not None:
                self._states[name] = service.state(self)
        self._admin = Admin(self)
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
        for state in self._states.values():
            if hasattr(state, "start"):
                await state.start()
        self.store.outbox.start()

    async def stop(self) -> None:
        """Finish what runs, keep what waits, close the store."""
        await self._edge.stop(grace=5.0)
        await self._dispatcher.stop()
        for state in reversed(self._states.values()):
            if hasattr(state, "stop"):
                await state.stop()
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

    def state(self, service: str) -> Any:
        return self._states[service]

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

    # What the edge serves

    def application(self, request: Request, reply: Reply) -> None:
        """Route one request by host and path."""
        route = classify(request)
        if route.kind == "api":
            if route.bucket is None and cors.crosses_origins(request):
                if request.method == "OPTIONS":
                    reply(cors.preflight(request))
                    return
                reply = cors.shared(reply)
            self._dispatcher.handle(request, reply, route.bucket)
            return
        handler = self._find_handler(route)
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

    async def _finish(self, request: Request, reply: Reply, outcome: Any) -> None:
        try:
            response = await outcome
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = _failure()
        self.store.db.after_commit(reply, response)

    def _find_handler(self, route: Route) -> Handler | None:
        if route.kind == "path":
            for prefix, handler in self._paths.items():
                if route.path.startswith(prefix):
                    return handler
            return None
        return self._hosts.get(route.kind)


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(status, [(b"content-type", b"application/json")], orjson.dumps(body))


def _not_found() -> Response:
    return _json(404, {"message": "Not Found"})


def _failure() -> Response:
    return _json(500, {"message": "Internal Server Error"})
