"""What serves an API's requests: from host or path to stage, resource, method, integration and back.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-validation-basic.html
"""

import functools
import logging
import time
from typing import Any

import orjson

from maycloud.edge.messages import BodyTooLargeError, Request, Response
from maycloud.edge.router import parse_host
from maycloud.errors import AwsError
from maycloud.services.apigateway import validation
from maycloud.services.apigateway.exchange import Exchange, elapsed, request_ids
from maycloud.services.apigateway.gateway_responses import GatewayError, internal_error, respond
from maycloud.services.apigateway.integrations import integrate
from maycloud.services.apigateway.observing import Observer
from maycloud.services.apigateway.routing import Router
from maycloud.services.apigateway.throttling import Throttle
from maycloud.services.base import Call, Cloud

log = logging.getLogger("maycloud.apigateway")

MAX_BODY = 10 << 20  # https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
PATH = "/_aws/execute-api/"

_FORBIDDEN = orjson.dumps({"message": "Forbidden"})
_TOO_LONG = orjson.dumps({"message": "Request Too Long"})


class DataPlane:
    """Serves all stages of all APIs of the cloud."""

    def __init__(self, cloud: Cloud, gateway: Any) -> None:
        self._cloud = cloud
        self._gateway = gateway
        self._clock = cloud.store.clock
        self._routers: dict[Any, Router] = cloud.store.db.cache()
        self._throttle = Throttle(cloud.store.clock)
        self.observer = Observer(cloud)

    async def handle(self, request: Request) -> Response:
        """Answer one request. Each answer carries API Gateway's request ids."""
        request_id, extended_id = request_ids()
        begun = time.perf_counter()
        try:
            found = await self._find(request, request_id, extended_id)
        except BodyTooLargeError:
            return _finish(Response(413, [(b"content-type", b"application/json")], _TOO_LONG), request_id)
        if isinstance(found, Response):
            return _finish(found, request_id)
        exchange = found
        try:
            response = await self._serve(exchange)
        except GatewayError as error:
            response = respond(error, exchange.deployment.get("gatewayResponses") or {}, exchange.data())
        except Exception:
            log.exception("%s %s failed, request %s", request.method, request.path, request_id)
            error = internal_error()
            response = respond(error, exchange.deployment.get("gatewayResponses") or {}, exchange.data())
        _finish(response, request_id, extended_id)
        self.observer.observe(exchange, response, elapsed(begun))
        return response

    async def _find(self, request: Request, request_id: str, extended_id: str) -> Exchange | Response:
        """The stage that a request means. Plain HTTP and what is not there are refused alike, as on AWS."""
        api, stage_name, path, domain = _locate(request)
        if not request.secure:
            return _forbidden()
        found = self._gateway.find_stage(api, stage_name)
        if found is None:
            return _forbidden()
        scope, document, stage, deployment = found
        if document.get("disableExecuteApiEndpoint"):
            return _forbidden()
        body = request.body if isinstance(request.body, bytes) else await request.body.read(MAX_BODY)
        if len(body) > MAX_BODY:
            raise BodyTooLargeError
        request.body = body
        if not domain:
            domain = f"{api}.execute-api.{scope[1]}.amazonaws.com"
        return Exchange(
            request, body, scope, api, stage_name, path, domain, request_id, extended_id,
            self._clock.time(), stage, deployment,
        )  # fmt: skip

    async def _serve(self, exchange: Exchange) -> Response:
        self._route(exchange)
        self._authorize(exchange)
        if exchange.method.get("apiKeyRequired"):
            # Usage plans are not there, so there is no key that could be right.
            raise GatewayError("INVALID_API_KEY")
        key = f"{exchange.resource_path}/{exchange.request.method}"
        settings = method_settings(exchange.stage, exchange.resource_path, exchange.request.method)
        where = (exchange.api, exchange.stage_name)
        if not self._throttle.admit(exchange.scope, where, key, settings):
            raise GatewayError("THROTTLED")
        self._validate(exchange)
        return await integrate(self._cloud, exchange)

    def _route(self, exchange: Exchange) -> None:
        match = self._router(exchange).match(exchange.path)
        if match is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        exchange.resource, exchange.path_parameters = match
        methods = exchange.resource.get("resourceMethods") or {}
        method = methods.get(exchange.request.method) or methods.get("ANY")
        if method is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        exchange.method = method

    def _router(self, exchange: Exchange) -> Router:
        key = (exchange.api, exchange.stage.get("deploymentId"))
        router = self._routers.get(key)
        if router is None:
            resources = exchange.deployment["resources"].values()
            router = self._routers[key] = Router(
                (each["path"], each) for each in resources if each.get("resourceMethods")
            )
        return router

    # Access

    def _authorize(self, exchange: Exchange) -> None:
        """The API's resource policy and the method's authorization."""
        kind = exchange.method.get("authorizationType") or "NONE"
        policy = exchange.deployment.get("policy")
        if kind in ("CUSTOM", "COGNITO_USER_POOLS"):
            raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR")
        if kind != "AWS_IAM" and not policy:
            return
        access = self._cloud.access
        try:
            principal = access.authenticate(exchange.request, "rest-json").principal
        except AwsError as error:
            if kind == "AWS_IAM":
                raise _refusal(error) from error
            from maycloud.principal import ANONYMOUS

            principal = ANONYMOUS
        if kind == "AWS_IAM":
            if principal.kind == "anonymous":
                raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
            exchange.principal = principal
        call = self._call(exchange, principal)
        document = orjson.loads(policy) if isinstance(policy, str) else policy
        if document is not None:
            document = _expanded(document, exchange)
        try:
            access.authorize(call, "execute-api:Invoke", exchange.method_arn(), None, document)
        except AwsError as error:
            raise GatewayError("ACCESS_DENIED", error.message) from error

    def _call(self, exchange: Exchange, principal: Any) -> Call:
        from maycloud.services.apigateway.api import service

        operation = service.operations["GetRestApi"]
        account, region = exchange.scope
        request = exchange.request
        return Call(
            self._cloud, service, operation, principal, account, region, exchange.request_id,
            request.peer, request.secure, "", request,
        )  # fmt: skip

    # Validation

    def _validate(self, exchange: Exchange) -> None:
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


def register(cloud: Cloud, gateway: Any) -> DataPlane:
    """Serve APIs on their hosts and on the path form."""
    plane = DataPlane(cloud, gateway)
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


def _forbidden() -> Response:
    headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", b"ForbiddenException")]
    return Response(403, headers, _FORBIDDEN)


def _finish(response: Response, request_id: str, extended_id: str = "") -> Response:
    response.headers.append((b"x-amzn-requestid", request_id.encode()))
    if extended_id:
        response.headers.append((b"x-amz-apigw-id", extended_id.encode()))
    return response


def method_settings(stage: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    """The settings of a method: its own over those of the whole stage."""
    settings = stage.get("methodSettings") or {}
    if not settings:
        return {}
    own = settings.get(f"{path.removeprefix('/').replace('/', '~1')}/{method}") or settings.get(
        f"~1{path.removeprefix('/').replace('/', '~1')}/{method}"
    )
    return {**(settings.get("*/*") or {}), **(own or {})}


_REFUSALS = {
    "ExpiredTokenException": "EXPIRED_TOKEN",
    "InvalidSignatureException": "INVALID_SIGNATURE",
    "IncompleteSignatureException": "INVALID_SIGNATURE",
}


def _refusal(error: AwsError) -> GatewayError:
    kind = _REFUSALS.get(error.code, "INVALID_SIGNATURE")
    return GatewayError(kind, error.message)


def _expanded(document: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """An API's policy with its short resources, ``execute-api:/stage/*``, written out."""
    text = orjson.dumps(document).decode()
    account, region = exchange.scope
    prefix = f"arn:aws:execute-api:{region}:{account}:{exchange.api}"
    return _loads(text.replace('"execute-api:/', f'"{prefix}/'))


@functools.lru_cache(maxsize=256)
def _loads(text: str) -> dict[str, Any]:
    return orjson.loads(text)
