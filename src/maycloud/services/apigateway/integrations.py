"""Integrations: Lambda (proxy and not), HTTP (proxy and not), other AWS services, mock."""

import re
import time
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from maycloud.edge.messages import RawHeaders, Response
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.apigateway import outbound, proxy, trials
from maycloud.services.apigateway.exchange import Exchange, elapsed
from maycloud.services.apigateway.gateway_responses import GatewayError, internal_error
from maycloud.services.apigateway.mapping import substitute_variables
from maycloud.services.apigateway.requesting import address, mapped, request_body, values_of, with_path
from maycloud.services.apigateway.responding import answer_of
from maycloud.services.apigateway.velocity import TemplateError, text_of
from maycloud.services.base import Cloud
from maycloud.wire.models import Model

DEFAULT_TIMEOUT = 29_000  # milliseconds

_LAMBDA = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(?P<arn>[^/]+)/invocations"
)
_SERVICE = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[a-z0-9-]+):(?:(?P<subdomain>[^.:]+)\.)?(?P<service>[a-z0-9-]+):"
    r"(?P<kind>path|action)/(?P<rest>.*)",
    re.DOTALL,
)
_CALLERS_OWN = "arn:aws:iam::*:user/*"  # credentials of whoever signed the request
# What a proxied request keeps to itself.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
_KEPT_BACK = frozenset(
    {
        "host", "connection", "content-length", "content-md5", "expect", "keep-alive", "max-forwards",
        "proxy-authenticate", "server", "te", "trailer", "transfer-encoding", "upgrade", "via",
        "www-authenticate",
    }
)  # fmt: skip
# Reasons, as execution logs have them
_MALFORMED = "Execution failed due to configuration error: Malformed Lambda proxy response"
_NOT_PERMITTED = "Execution failed due to configuration error: Invalid permissions on Lambda function"
_UNTRANSFORMED = "Execution failed due to configuration error: Unable to transform request"
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


async def integrate(cloud: Cloud, exchange: Exchange) -> Response:
    """The answer of the method's integration. Raises GatewayError."""
    integration = exchange.method.get("methodIntegration")
    if integration is None:
        raise internal_error()
    begun = time.perf_counter()
    try:
        kind = integration["type"]
        if kind == "MOCK":
            return _mock(exchange, integration)
        answer = await _reach(cloud, exchange, integration, kind)
        if not any(name == b"x-amzn-trace-id" for name, _ in answer.headers):
            answer.headers.append((b"x-amzn-trace-id", exchange.trace_id.encode("latin-1")))
        return answer
    except TemplateError as error:
        raise internal_error(500, _UNTRANSFORMED) from error
    finally:
        exchange.integration_latency = elapsed(begun)


async def _reach(cloud: Cloud, exchange: Exchange, integration: dict[str, Any], kind: str) -> Response:
    """The answer of an integration that is elsewhere."""
    uri = substitute_variables(integration.get("uri", ""), exchange.variables)
    function = _LAMBDA.fullmatch(uri)
    if kind == "AWS_PROXY":
        if function is None:
            raise internal_error()
        return await _lambda_proxy(cloud, exchange, integration, function["arn"])
    if kind == "AWS":
        if function is not None:
            return await _lambda(cloud, exchange, integration, function["arn"])
        return await _service(cloud, exchange, integration, uri)
    if kind == "HTTP_PROXY":
        return await _http_proxy(exchange, integration, uri)
    return await _http(exchange, integration, uri)


def timeout_of(integration: dict[str, Any]) -> float:
    return integration.get("timeoutInMillis", DEFAULT_TIMEOUT) / 1000


# Lambda


async def _lambda_proxy(
    cloud: Cloud, exchange: Exchange, integration: dict[str, Any], function: str
) -> Response:
    types = exchange.deployment.get("binaryMediaTypes") or []
    body, is_base64 = proxy.encode_body(exchange.body, exchange.request.header("content-type"), types)
    single, many = exchange.headers
    query, queries = exchange.query
    event = {
        "resource": exchange.resource_path,
        "path": exchange.path,
        "httpMethod": exchange.request.method,
        "headers": single,
        "multiValueHeaders": many,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": queries,
        "pathParameters": exchange.path_parameters or None,
        "stageVariables": exchange.variables or None,
        "requestContext": exchange.request_context(),
        "body": body,
        "isBase64Encoded": is_base64,
    }
    answer = await _invoke(cloud, exchange, integration, function, orjson.dumps(event), {})
    if answer.get("FunctionError"):
        raise internal_error(502, _MALFORMED)
    try:
        status, headers, data = proxy.read_answer(answer["Payload"], exchange.request.header("accept"), types)
    except proxy.MalformedProxyError as error:
        raise internal_error(502, _MALFORMED) from error
    return Response(status, headers, data)


async def _invoke(
    cloud: Cloud,
    exchange: Exchange,
    integration: dict[str, Any],
    function: str,
    payload: bytes,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Call the function: as API Gateway, or as the role that the integration names."""
    account, region = exchange.scope
    resource = exchange.resource_path
    context = {
        "aws:SourceArn": exchange.method_arn(path=re.sub(r"\{[^}]+\}", "*", resource)),
        "aws:SourceAccount": account,
    }
    parts = function.split(":")
    as_ = _caller(cloud, exchange, integration)
    where = f"https://lambda.{region}.amazonaws.com/2015-03-31/functions/{function}/invocations"
    trials.sending(exchange, where, {"X-Amzn-Trace-Id": exchange.trace_id}, payload)
    begun = time.perf_counter()
    try:
        answer = await cloud.call(
            "lambda",
            "Invoke",
            {"FunctionName": function, "Payload": payload, **options},
            as_=as_,
            region=parts[3] if len(parts) > 3 else region,
            account=parts[4] if len(parts) > 4 else account,
            context=context,
        )
    except AwsError as error:
        if error.code == "TooManyRequestsException":
            raise GatewayError("THROTTLED", "Internal server error", 500) from error
        denied = error.code in ("AccessDeniedException", "ResourceNotFoundException")
        raise internal_error(500, _NOT_PERMITTED if denied else str(error)) from error
    told = {"Content-Type": "application/json", "X-Amz-Executed-Version": answer.get("ExecutedVersion")}
    trials.received(exchange, answer.get("StatusCode", 200), told, answer.get("Payload") or b"", begun)
    return answer


def _caller(cloud: Cloud, exchange: Exchange, integration: dict[str, Any]) -> Principal:
    if integration.get("credentials") == _CALLERS_OWN and exchange.principal is not None:
        return exchange.principal
    if not integration.get("credentials"):
        return Principal.service("apigateway.amazonaws.com", exchange.scope[0])
    return _credential(cloud, exchange, integration).principal


def _credential(cloud: Cloud, exchange: Exchange, integration: dict[str, Any]) -> Any:
    """Credentials of the integration's role, which must let API Gateway assume it."""
    role = integration.get("credentials") or ""
    if not role or "*" in role:
        raise internal_error()
    try:
        return cloud.access.identities.role_session(
            role, f"BackplaneAssumeRoleSession-{exchange.api}", 3600, "apigateway.amazonaws.com"
        )
    except AwsError as error:
        raise internal_error() from error


async def _lambda(cloud: Cloud, exchange: Exchange, integration: dict[str, Any], function: str) -> Response:
    """Lambda without proxy: the event is what the template makes of the request."""
    rendered = request_body(exchange, integration)
    options: dict[str, Any] = {}
    headers = mapped(integration, exchange, "header")
    if headers.get("x-amz-invocation-type"):
        options["InvocationType"] = text_of(headers["x-amz-invocation-type"])
    answer = await _invoke(cloud, exchange, integration, function, rendered.text.encode() or b"{}", options)
    payload: bytes = answer.get("Payload") or b""
    error = ""
    if answer.get("FunctionError"):
        try:
            error = str(orjson.loads(payload).get("errorMessage") or "")
        except (orjson.JSONDecodeError, AttributeError):
            error = "Unknown"
    raw: RawHeaders = [(b"content-type", b"application/json")]
    # The pattern of a Lambda integration's responses is matched with the error's message.
    return answer_of(exchange, integration, error, (answer.get("StatusCode", 200), raw, payload))


# HTTP and AWS services


async def _http_proxy(exchange: Exchange, integration: dict[str, Any], uri: str) -> Response:
    """The request as it came, to another address; the answer as it comes."""
    kept = {
        name: ", ".join(values)
        for name, values in exchange.headers[1].items()
        if name.lower() not in _KEPT_BACK
    } | _tags(exchange)
    kept |= {name: text_of(value) for name, value in mapped(integration, exchange, "header").items()}
    url = with_path(uri, exchange, integration)
    query = dict(exchange.query[1] or {})
    query |= {name: values_of(value) for name, value in mapped(integration, exchange, "querystring").items()}
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query, doseq=True)
    method = _method(exchange, integration)
    status, raw, body = await _send(exchange, integration, method, url, kept, exchange.body)
    headers: RawHeaders = []
    for name, value in raw:
        shown = proxy.remapped(name.decode("latin-1"))
        if shown is not None:
            headers.append((shown.encode("latin-1"), value))
    return Response(status, headers, body)


def _tags(exchange: Exchange) -> dict[str, str]:
    """Headers by which a backend knows the API: LocalStack's test_http_integration_with_lambda."""
    return {"x-amzn-apigateway-api-id": exchange.api, "X-Amzn-Trace-Id": exchange.trace_id}


async def _http(exchange: Exchange, integration: dict[str, Any], uri: str) -> Response:
    rendered = request_body(exchange, integration)
    url, headers = address(uri, exchange, integration, rendered)
    headers = (
        {"User-Agent": f"AmazonAPIGateway_{exchange.api}", "Accept": "application/json"}
        | _tags(exchange)
        | headers
    )
    method = _method(exchange, integration)
    body = b"" if method in ("GET", "HEAD") else rendered.text.encode()
    answer = await _send(exchange, integration, method, url, headers, body)
    return answer_of(exchange, integration, str(answer[0]), answer)


async def _send(
    exchange: Exchange,
    integration: dict[str, Any],
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
) -> tuple[int, RawHeaders, bytes]:
    trials.sending(exchange, url, headers, body)
    begun = time.perf_counter()
    answer = await outbound.send(method, url, headers, body, timeout_of(integration))
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer[1]}
    trials.received(exchange, answer[0], told, answer[2], begun)
    return answer


async def _service(cloud: Cloud, exchange: Exchange, integration: dict[str, Any], uri: str) -> Response:
    """An operation of an AWS service: a signed request to this cloud, as the integration's role."""
    match = _SERVICE.fullmatch(uri)
    if match is None:
        raise internal_error()
    credential = _credential(cloud, exchange, integration)
    rendered = request_body(exchange, integration)
    service, kind, rest = match["service"], match["kind"], match["rest"]
    method = _method(exchange, integration)
    body = rendered.text.encode()
    if kind == "path":
        host = f"/{match['subdomain']}" if match["subdomain"] and service == "s3" else ""
        url, headers = address(f"{cloud.url}{host}/{rest}", exchange, integration, rendered)
        if method in _BODILESS:
            body = b""
    else:
        url, headers = address(f"{cloud.url}/", exchange, integration, rendered)
        url, body = _action(service, rest, url, headers, body)
        method = "POST"
    signed = outbound.sign(credential, service, match["region"], method, url, headers, body)
    answer = await _send(exchange, integration, method, url, signed, body)
    return answer_of(exchange, integration, str(answer[0]), answer)


def _action(service: str, action: str, url: str, headers: dict[str, str], body: bytes) -> tuple[str, bytes]:
    """Address and body of an operation by its name, in the service's own protocol."""
    try:
        model = Model({"monitoring": "cloudwatch"}.get(service, service))
    except FileNotFoundError as error:
        raise internal_error() from error
    if model.target_prefix:
        headers["X-Amz-Target"] = f"{model.target_prefix}.{action}"
        headers["Content-Type"] = f"application/x-amz-json-{model.json_version}"
        return url, body
    address, _, query = url.partition("?")
    fields = f"Action={quote(action)}&Version={model.metadata['apiVersion']}"
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    text = body.decode()
    given = [part for part in (fields, query, text if "=" in text else "") if part]
    return address, "&".join(given).encode()


def _method(exchange: Exchange, integration: dict[str, Any]) -> str:
    method = integration.get("httpMethod") or exchange.request.method
    return exchange.request.method if method == "ANY" else method


def _mock(exchange: Exchange, integration: dict[str, Any]) -> Response:
    """No integration at all: the template's statusCode chooses the response."""
    rendered = request_body(exchange, integration)
    try:
        status = (
            orjson.loads(_relaxed(rendered.text)).get("statusCode", 200) if rendered.text.strip() else 200
        )
    except (orjson.JSONDecodeError, AttributeError) as error:
        raise internal_error() from error
    return answer_of(exchange, integration, str(status), (200, [], b""))


_BARE = re.compile(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)")


def _relaxed(text: str) -> str:
    """JSON with bare keys, ``{statusCode: 200}``, as mock templates often write it."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return _BARE.sub(r'\1"\2"\3', text)
    return text
