"""What an integration is sent: its body by template, its address and headers by mapping."""

import base64
from typing import Any
from urllib.parse import quote, urlencode

from maycloud.services.apigateway import proxy
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.gateway_responses import GatewayError
from maycloud.services.apigateway.mapping import Rendered, evaluate, render, substitute_variables
from maycloud.services.apigateway.velocity import text_of

_AS_SENT = "/%!$&'()*+,;=:@~"  # characters of a path, RFC 3986


def values_of(value: Any) -> list[str]:
    return [text_of(each) for each in value] if isinstance(value, list) else [text_of(value)]


def mapped(integration: dict[str, Any], exchange: Exchange, place: str) -> dict[str, Any]:
    """``integration.request.{header|path|querystring}.x`` with their values."""
    prefix = f"integration.request.{place}."
    found: dict[str, Any] = {}
    for name, expression in (integration.get("requestParameters") or {}).items():
        if name.startswith(prefix):
            value = evaluate(expression, exchange.data())
            if value is not None:
                key = name.removeprefix(prefix)
                found[key.lower() if place == "header" else key] = value
    return found


def with_path(
    uri: str, exchange: Exchange, integration: dict[str, Any], override: dict[str, Any] | None = None
) -> str:
    values = {name: text_of(value) for name, value in mapped(integration, exchange, "path").items()}
    values |= {name: text_of(value) for name, value in (override or {}).items()}
    for name, value in values.items():
        # A greedy variable may hold slashes; nothing may climb out of the address's path.
        # Percent-encoding comes as the client sent it, and goes on so.
        filled = quote(value, safe=_AS_SENT)
        uri = uri.replace(f"{{{name}}}", filled).replace(f"{{{name}+}}", filled)
    return uri


def address(
    uri: str, exchange: Exchange, integration: dict[str, Any], rendered: Rendered
) -> tuple[str, dict[str, str]]:
    """URL and headers of a non-proxy integration's request."""
    override = rendered.request
    url = with_path(uri, exchange, integration, override.get("path"))
    query = {name: values_of(value) for name, value in mapped(integration, exchange, "querystring").items()}
    query |= {name: values_of(value) for name, value in (override.get("querystring") or {}).items()}
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query, doseq=True)
    headers = {"Content-Type": exchange.request.header("content-type") or "application/json"}
    for source in (mapped(integration, exchange, "header"), override.get("header") or {}):
        for name, value in source.items():
            headers = {key: old for key, old in headers.items() if key.lower() != name.lower()}
            headers[name] = ", ".join(values_of(value))
    return url, headers


def request_body(exchange: Exchange, integration: dict[str, Any]) -> Rendered:
    """The integration's request body: by template, or passed through as passthroughBehavior says."""
    templates = integration.get("requestTemplates") or {}
    media = (exchange.request.header("content-type") or "application/json").partition(";")[0].strip().lower()
    template = templates.get(media)
    if template is not None:
        return render(substitute_variables(template, exchange.variables), exchange.data())
    behavior = integration.get("passthroughBehavior", "WHEN_NO_MATCH")
    if behavior == "NEVER" or (behavior == "WHEN_NO_TEMPLATES" and templates):
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
    types = exchange.deployment.get("binaryMediaTypes") or []
    if integration.get("contentHandling") == "CONVERT_TO_TEXT" or proxy.is_binary(media, types):
        return Rendered(base64.b64encode(exchange.body).decode(), {}, {})
    return Rendered(exchange.body.decode("utf-8", "replace"), {}, {})
