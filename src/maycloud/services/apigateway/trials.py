"""What the execution log of a trial tells of an integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-test-method.html
"""

from collections.abc import Mapping
from typing import Any

from maycloud.services.apigateway.exchange import Exchange, elapsed
from maycloud.services.apigateway.velocity import text_of

_SHOWN = 20_000  # characters of a body
# Nobody who may try a method may learn a role's credentials by it.
_SECRET = frozenset({"authorization", "x-amz-security-token"})


def told(value: Any) -> str:
    """Maps as Java prints them, bodies as text, both cut where they are long."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else text_of(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} [TRUNCATED]"


def _covered(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "*" * 8 if name.lower() in _SECRET else value for name, value in headers.items()}


def sending(exchange: Exchange, url: str, headers: Mapping[str, Any], body: bytes) -> None:
    if exchange.trail is None:
        return
    exchange.note(f"Endpoint request URI: {url}")
    exchange.note(f"Endpoint request headers: {told(_covered(headers))}")
    exchange.note(f"Endpoint request body after transformations: {told(body)}")
    exchange.note(f"Sending request to {url}")


def received(exchange: Exchange, status: int, headers: Mapping[str, Any], body: bytes, begun: float) -> None:
    if exchange.trail is None:
        return
    exchange.note(f"Received response. Status: {status}, Integration latency: {int(elapsed(begun))} ms")
    exchange.note(f"Endpoint response headers: {told(dict(headers))}")
    exchange.note(f"Endpoint response body before transformations: {told(body)}")
