"""Identity sources: where an authorizer finds what identifies a caller.

https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html#apigw-CreateAuthorizer-request-identitySource
"""

import functools
from typing import Any

import orjson

from maycloud.services.apigateway import jsonpath
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.velocity import text_of

_DEFAULT = "method.request.header.Authorization"


@functools.lru_cache(maxsize=1024)
def sources_of(text: str) -> tuple[str, ...]:
    """The expressions of a comma-separated identitySource."""
    return tuple(each.strip() for each in text.split(",") if each.strip())


def header_of(authorizer: dict[str, Any]) -> str:
    """The header with the token of a TOKEN or COGNITO_USER_POOLS authorizer, in lower case."""
    source = (authorizer.get("identitySource") or _DEFAULT).strip()
    return source.removeprefix("method.request.header.").lower()


def token_of(exchange: Exchange, authorizer: dict[str, Any]) -> str:
    """The token as sent; "" if there is none."""
    return exchange.request.header(header_of(authorizer))


def values_of(exchange: Exchange, authorizer: dict[str, Any]) -> tuple[str, ...] | None:
    """The values of all identity sources; None if one is missing or empty."""
    values: list[str] = []
    for source in sources_of(authorizer.get("identitySource") or ""):
        value = _value(exchange, source)
        if not value:
            return None
        values.append(value)
    return tuple(values)


def _value(exchange: Exchange, source: str) -> str:
    place, _, name = source.partition("method.request.")[2].partition(".")
    if place == "header":
        return exchange.request.header(name.lower())
    if place == "querystring":
        # All values of a repeated one: who sends another beside it is another caller.
        given = (exchange.query[1] or {}).get(name, [])
        return orjson.dumps(given).decode() if any(given) else ""
    if source.startswith("stageVariables."):
        return exchange.variables.get(source.removeprefix("stageVariables."), "")
    found = jsonpath.find(f"$.{source.removeprefix('context.')}", exchange.request_context())
    return "" if found is None else text_of(found)
