"""What a client is answered of an integration without proxy: one of its responses, headers and template."""

import base64
from typing import Any

from maycloud import patterns
from maycloud.edge.messages import RawHeaders, Response
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.gateway_responses import internal_error
from maycloud.services.apigateway.mapping import evaluate, render, substitute_variables
from maycloud.services.apigateway.requesting import values_of
from maycloud.services.apigateway.velocity import text_of

_NO_MATCH = (
    "Execution failed due to configuration error: No match for output mapping and no default output mapping"
    " configured. Endpoint Response Status Code: {}"
)


def answer_of(
    exchange: Exchange,
    integration: dict[str, Any],
    selector: str,
    answer: tuple[int, RawHeaders, bytes],
) -> Response:
    """The method response that the integration's answer selects, with its headers and template."""
    _, raw, body = answer
    chosen = _select(integration.get("integrationResponses") or {}, selector)
    if chosen is None:
        raise internal_error(500, _NO_MATCH.format(selector))
    data = exchange.data()
    data.response_body = body
    data.response_headers = {}
    for name, value in raw:
        data.response_headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    headers: RawHeaders = []
    for name, expression in (chosen.get("responseParameters") or {}).items():
        value = evaluate(expression, data)
        if value is not None and name.startswith("method.response.header."):
            key = name.removeprefix("method.response.header.").lower().encode()
            headers += [(key, _header(each)) for each in values_of(value)]
    templates = chosen.get("responseTemplates") or {}
    media, template = _response_template(templates, exchange, data.response_headers)
    status = int(chosen["statusCode"])
    if template is None:
        content = body
    else:
        rendered = render(substitute_variables(template, exchange.variables), data)
        content = rendered.text.encode()
        override = rendered.response
        if str(override.get("status", "")).isdecimal():
            status = int(override["status"])
        for name, value in (override.get("header") or {}).items():
            headers = [pair for pair in headers if pair[0] != name.lower().encode()]
            headers.append((name.lower().encode(), _header(text_of(value))))
    if chosen.get("contentHandling") == "CONVERT_TO_BINARY":
        content = _decoded(content)
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", media.encode()))
    return Response(status, headers, content)


def _header(value: str) -> bytes:
    return value.replace("\r", " ").replace("\n", " ").encode()


def _decoded(content: bytes) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        raise internal_error() from error


def _response_template(
    templates: dict[str, str], exchange: Exchange, headers: dict[str, list[str]]
) -> tuple[str, str | None]:
    """Media type and template of a response: what the client accepts, else the first there is."""
    accepted = exchange.request.header("accept").partition(",")[0].partition(";")[0].strip().lower()
    if accepted in templates:
        return accepted, templates[accepted]
    if templates:
        media = "application/json" if "application/json" in templates else next(iter(templates))
        return media, templates[media]
    return (headers.get("content-type") or ["application/json"])[-1], None


def _select(responses: dict[str, Any], selector: str) -> dict[str, Any] | None:
    """The response whose pattern covers the whole selector; else the one without a pattern."""
    default = None
    for response in responses.values():
        pattern = response.get("selectionPattern")
        if not pattern:
            default = default or response
            continue
        try:
            if selector and patterns.fullmatch(pattern, selector[:10_000]):
                return response
        except patterns.PatternError:
            continue
    return default
