"""TestInvokeMethod: a method called as it is now, without a deployment, an authorizer or an API key.

https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeMethod.html
"""

import time
from datetime import UTC, datetime
from typing import Any

from maycloud.edge.messages import RawHeaders, Request, Response
from maycloud.services.apigateway.definitions import NO_RESOURCE, method_of, resource_of
from maycloud.services.apigateway.exchange import Exchange, RequestIds, elapsed
from maycloud.services.apigateway.gateway_responses import GatewayError, respond
from maycloud.services.apigateway.integrations import integrate
from maycloud.services.apigateway.methods import METHOD_PATH
from maycloud.services.apigateway.plans import make_plan
from maycloud.services.apigateway.routing import Router
from maycloud.services.apigateway.service import api_of, not_found, on, service
from maycloud.services.apigateway.trials import told
from maycloud.services.base import Call, Params, Result
from maycloud.store import Document

STAGE = "test-invoke-stage"


@service.operation(**on("POST", METHOD_PATH), atomic=False)
async def TestInvokeMethod(call: Call, params: Params) -> Result:
    api = api_of(call, params, not_found(NO_RESOURCE))
    resource = resource_of(api, params["resourceId"])
    methods = resource.get("resourceMethods") or {}
    verb = params["httpMethod"]
    method = methods["ANY"] if verb not in methods and "ANY" in methods else method_of(resource, verb)
    exchange = _exchange(call, api, resource, method, params)
    begun = time.perf_counter()
    _begin(exchange)
    try:
        call.state.plane.validate(exchange)
        response = await integrate(call.cloud, exchange)
    except GatewayError as error:
        exchange.note(error.reason or "Execution failed")
        response = respond(error, api.get("gatewayResponses") or {}, exchange.data())
    else:
        _end(exchange, response)
    exchange.note(f"Method completed with status: {response.status}")
    return _result(call, exchange, response, int(elapsed(begun)))


def _begin(exchange: Exchange) -> None:
    single, queries = exchange.headers[0], exchange.query[0] or {}
    exchange.note(f"Starting execution for request: {exchange.request_id}")
    exchange.note(f"HTTP Method: {exchange.request.method}, Resource Path: {exchange.path}")
    exchange.note(f"Method request path: {told(exchange.path_parameters)}")
    exchange.note(f"Method request query string: {told(queries)}")
    exchange.note(f"Method request headers: {told(single)}")
    exchange.note(f"Method request body before transformations: {told(exchange.body)}")


def _end(exchange: Exchange, response: Response) -> None:
    body = response.body if isinstance(response.body, bytes) else b""
    headers = {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in response.headers}
    exchange.note(f"Method response body after transformations: {told(body)}")
    exchange.note(f"Method response headers: {told(headers)}")
    exchange.note("Successfully completed execution")


def _result(call: Call, exchange: Exchange, response: Response, latency: int) -> Document:
    moment = datetime.fromtimestamp(call.now(), UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
    lines = [f"Execution log for request {exchange.request_id}"]
    lines += [f"{moment} : {line}" for line in exchange.trail or []]
    many: dict[str, list[str]] = {}
    for name, value in response.headers:
        shown = "-".join(part[:1].upper() + part[1:] for part in name.decode("latin-1").split("-"))
        many.setdefault(shown, []).append(value.decode("utf-8", "replace"))
    body = response.body if isinstance(response.body, bytes) else b""
    return {
        "status": response.status,
        "body": body.decode("utf-8", "replace"),
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "log": "\n".join(lines) + "\n",
        "latency": latency,
    }


def _exchange(call: Call, api: Document, resource: Any, method: Any, params: Params) -> Exchange:
    """The request that the caller describes, as the data plane would have it."""
    headers: dict[str, list[str]] = {name: [value] for name, value in (params.get("headers") or {}).items()}
    headers |= params.get("multiValueHeaders") or {}
    pairs = [(name.encode("latin-1", "replace"), v) for name, values in headers.items() for v in values]
    raw: RawHeaders = [(name.lower(), value.encode("latin-1", "replace")) for name, value in pairs]
    target = params.get("pathWithQueryString") or resource["path"]
    request = Request(
        params["httpMethod"], target, raw, (params.get("body") or "").encode(), call.source_ip, secure=True,
        names=[name for name, _ in pairs],
    )  # fmt: skip
    stage = {"stageName": STAGE, "variables": params.get("stageVariables") or {}}
    request_id, extended_id = RequestIds().next()
    exchange = Exchange(
        request, (params.get("body") or "").encode(), call.scope, api["id"], STAGE, request.path,
        "testPrefix.testDomainName", request_id, extended_id, call.now(), stage, api,
        make_plan(call.scope, api["id"], stage, api),
    )  # fmt: skip
    exchange.resource, exchange.method, exchange.trail = resource, method, []
    match = Router([(resource["path"], resource)]).match(request.path)
    exchange.path_parameters = match[1] if match else {}
    return exchange
