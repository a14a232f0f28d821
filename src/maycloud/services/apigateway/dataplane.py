"""What serves an API's requests: from host or path to stage, resource, method, integration and back.

The order of the steps is `DataPlane._enter`'s and `DataPlane._reach`'s, top to bottom. What needs no
waiting, which is all of a request that the stage's cache answers, is done at once.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-validation-basic.html
"""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine
from typing import Any

import orjson

from maycloud.edge.messages import BodyTooLargeError, Request, Response
from maycloud.edge.router import parse_host
from maycloud.services.apigateway import compression, validation
from maycloud.services.apigateway.authorizing import Authorization
from maycloud.services.apigateway.caching import StageCaches, key_of, wants_fresh
from maycloud.services.apigateway.exchange import Exchange, RequestIds, elapsed
from maycloud.services.apigateway.gateway_responses import GatewayError, internal_error, respond
from maycloud.services.apigateway.integrations import integrate
from maycloud.services.apigateway.metering import Meter
from maycloud.services.apigateway.observing import Observer
from maycloud.services.apigateway.plans import MethodPlan
from maycloud.services.apigateway.store import Gateway
from maycloud.services.apigateway.throttling import Throttle
from maycloud.services.base import Cloud, Service

log = logging.getLogger("maycloud.apigateway")

MAX_BODY = 10 << 20  # https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
PATH = "/_aws/execute-api/"

_FORBIDDEN = orjson.dumps({"message": "Forbidden"})
_WARNING = b"199 Cache-control headers were ignored because the caller was unauthorized."


class DataPlane:
    """Serves all stages of all APIs of the cloud."""

    def __init__(self, cloud: Cloud, gateway: Gateway, service: Service) -> None:
        self._cloud = cloud
        self._gateway = gateway
        self._clock = cloud.store.clock
        self._ids = RequestIds()
        self._throttle = Throttle(cloud.store.clock)
        self._meter = Meter(gateway.keys, self._throttle, cloud.store.clock)
        self.authorization = Authorization(cloud, service)
        self.caches = StageCaches(cloud.store.clock)
        self.observer = Observer(cloud)

    def handle(self, request: Request) -> Response | Coroutine[Any, Any, Response]:
        """Answer one request. Each answer carries API Gateway's request ids.

        Plain HTTP and what is not there are refused alike, as on AWS.
        """
        begun = time.perf_counter()
        request_id, extended_id = self._ids.next()
        api, stage_name, path, domain = _locate(request)
        plan = self._gateway.plan(api, stage_name) if request.secure else None
        if plan is None or plan.deployment.get("disableExecuteApiEndpoint"):
            return _finish(_forbidden(), request_id)
        if plan.canary is not None and random.random() * 100 < plan.percent:
            plan = plan.canary
        body = request.body
        exchange = Exchange(
            request, body if isinstance(body, bytes) else b"", plan.scope, api, stage_name, path,
            domain or f"{api}.execute-api.{plan.scope[1]}.amazonaws.com", request_id, extended_id,
            self._clock.time(), plan.stage, plan.deployment, plan,
        )  # fmt: skip
        if not isinstance(body, bytes):
            return self._serve_slowly(exchange, self._enter_when_read(exchange), begun)
        try:
            answer = self._enter(exchange)
        except GatewayError as error:
            answer = _refused(exchange, error)
        except Exception:
            log.exception("%s %s failed, request %s", request.method, request.path, request_id)
            answer = _refused(exchange, internal_error())
        if not isinstance(answer, Response):
            return self._serve_slowly(exchange, answer, begun)
        if compression.wanted(exchange, answer) is not None:
            return self._serve_slowly(exchange, _later(answer), begun)
        return self._done(exchange, answer, begun)

    async def _serve_slowly(
        self, exchange: Exchange, rest: Coroutine[Any, Any, Response], begun: float
    ) -> Response:
        try:
            response = await rest
        except GatewayError as error:
            response = _refused(exchange, error)
        except Exception:
            request = exchange.request
            log.exception("%s %s failed, request %s", request.method, request.path, exchange.request_id)
            response = _refused(exchange, internal_error())
        coding = compression.wanted(exchange, response)
        if coding is not None:
            headers = [*response.headers]  # a cache keeps the other
            response = Response(response.status, headers, response.body, response.lines)
            await compression.pack(response, coding)
        return self._done(exchange, response, begun)

    def _done(self, exchange: Exchange, response: Response, begun: float) -> Response:
        _finish(response, exchange.request_id, exchange.extended_id)
        self.observer.observe(exchange, response, elapsed(begun))
        return response

    # The steps

    async def _enter_when_read(self, exchange: Exchange) -> Response:
        """A body that is still arriving is read before anything is decided on it."""
        body = exchange.request.body
        assert not isinstance(body, bytes)
        try:
            exchange.body = exchange.request.body = await body.read(MAX_BODY)
        except BodyTooLargeError as error:
            raise GatewayError("REQUEST_TOO_LARGE") from error
        except ConnectionError as error:
            raise GatewayError("BAD_REQUEST_BODY") from error
        answer = self._enter(exchange)
        return answer if isinstance(answer, Response) else await answer

    def _enter(self, exchange: Exchange) -> Response | Coroutine[Any, Any, Response]:
        """Find the method and check who calls it."""
        plan = self._route(exchange)
        compression.unpack(exchange)
        asking = self.authorization.check(exchange, plan)
        if asking is not None:
            return self._enter_when_asked(exchange, plan, asking)
        return self._reach(exchange, plan)

    async def _enter_when_asked(
        self, exchange: Exchange, plan: MethodPlan, asking: Coroutine[Any, Any, None]
    ) -> Response:
        await asking
        answer = self._reach(exchange, plan)
        return answer if isinstance(answer, Response) else await answer

    def _reach(self, exchange: Exchange, plan: MethodPlan) -> Response | Coroutine[Any, Any, Response]:
        """From an authorized caller to the cache or the integration."""
        if plan.method.get("apiKeyRequired"):
            self._meter.admit(exchange, plan)
        where = (exchange.api, exchange.stage_name)
        if not self._throttle.admit(where, plan.throttle_key, plan.settings):
            raise GatewayError("THROTTLED")
        if len(exchange.body) > validation.LARGE:
            return self._go_on_when_valid(exchange, plan)
        self.validate(exchange)
        return self._go_on(exchange, plan)

    async def _go_on_when_valid(self, exchange: Exchange, plan: MethodPlan) -> Response:
        """A large body is validated off the loop, which serves others meanwhile."""
        await asyncio.to_thread(self.validate, exchange)
        answer = self._go_on(exchange, plan)
        return answer if isinstance(answer, Response) else await answer

    def _go_on(self, exchange: Exchange, plan: MethodPlan) -> Response | Coroutine[Any, Any, Response]:
        if plan.caching is not None:
            return self._by_cache(exchange, plan)
        return integrate(self._cloud, exchange)

    def _route(self, exchange: Exchange) -> MethodPlan:
        match = exchange.stage_plan.router.match(exchange.path)
        if match is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        exchange.resource, exchange.path_parameters = match
        plan = exchange.stage_plan.method(exchange.resource, exchange.request.method)
        if plan is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        exchange.plan = plan
        exchange.method = plan.method
        return plan

    # The stage's cache

    def _by_cache(self, exchange: Exchange, plan: MethodPlan) -> Response | Coroutine[Any, Any, Response]:
        caching = plan.caching
        assert caching is not None
        fresh, warn = wants_fresh(exchange), False
        if fresh and caching.must_authorize and not self.authorization.may_invalidate(exchange, plan):
            if caching.unauthorized == "FAIL_WITH_403":
                raise GatewayError("ACCESS_DENIED", "User is not authorized to invalidate the cache")
            fresh, warn = False, caching.unauthorized == "SUCCEED_WITH_RESPONSE_HEADER"
        key = key_of(exchange, caching)
        found = None if fresh else self.caches.of(exchange.api, exchange.stage).get(key)
        exchange.was_cached = found is not None
        if found is None:
            return self._fill(exchange, key, caching.ttl, warn)
        return _warned(found) if warn else found

    async def _fill(self, exchange: Exchange, key: Any, ttl: int, warn: bool) -> Response:
        response = await integrate(self._cloud, exchange)
        self.caches.of(exchange.api, exchange.stage).put(key, response, ttl)
        return _warned(response) if warn else response

    # Validation

    def validate(self, exchange: Exchange) -> None:
        method, deployment = exchange.method, exchange.deployment
        validator = (deployment.get("requestValidators") or {}).get(method.get("requestValidatorId") or "")
        if not validator:
            return
        if validator.get("validateRequestParameters"):
            missing = validation.missing_parameters(method.get("requestParameters") or {}, exchange.data())
            if missing:
                raise GatewayError(
                    "BAD_REQUEST_PARAMETERS",
                    f"Missing required request parameters: [{', '.join(missing)}]",
                )
        models = method.get("requestModels") or {}
        if not validator.get("validateRequestBody") or not models:
            return
        media = exchange.request.header("content-type").partition(";")[0].strip().lower()
        name = models.get(media or "application/json") or models.get("$default")
        if name is None:
            name = models.get("application/json") if not media else None
        known = deployment.get("models") or {}
        if name is None or name not in known:
            return
        texts = {each: model.get("schema") or "{}" for each, model in known.items()}
        problem = validation.body_problem(texts[name], texts, exchange.body)
        if problem is not None:
            raise GatewayError("BAD_REQUEST_BODY", details={"validationErrorString": problem})


def register(cloud: Cloud, gateway: Gateway, service: Service) -> DataPlane:
    """Serve APIs on their hosts and on the path form."""
    plane = DataPlane(cloud, gateway, service)
    cloud.serve_host("execute-api", plane.handle)
    cloud.serve_path(PATH, plane.handle)
    return plane


def _locate(request: Request) -> tuple[str, str, str, str]:
    """API, stage, path below the stage, and the domain where the host names it."""
    path = request.path
    if path.startswith(PATH):
        api, _, rest = path.removeprefix(PATH).partition("/")
        stage, slash, below = rest.partition("/")
        return api, stage, f"/{below}" if slash else "/", ""
    host = request.fields.get(b"host", b"")
    api = parse_host(host).id
    stage, slash, below = path.removeprefix("/").partition("/")
    domain = host.decode("latin-1").partition(":")[0].lower()
    return api, stage, f"/{below}" if slash else "/", domain


async def _later(response: Response) -> Response:
    return response


def _refused(exchange: Exchange, error: GatewayError) -> Response:
    return respond(error, exchange.deployment.get("gatewayResponses") or {}, exchange.data())


def _forbidden() -> Response:
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", b"ForbiddenException")]
    return Response(403, headers, _FORBIDDEN)


def _warned(response: Response) -> Response:
    response.headers.append((b"warning", _WARNING))
    return response


def _finish(response: Response, request_id: str, extended_id: str = "") -> Response:
    response.headers.append((b"x-amzn-requestid", request_id.encode()))
    if extended_id:
        response.headers.append((b"x-amz-apigw-id", extended_id.encode()))
    return response
