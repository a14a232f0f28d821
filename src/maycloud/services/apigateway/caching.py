"""Stage caches: answers kept by method and by the values of its cache key parameters.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html
"""

from collections import OrderedDict
from typing import Any

from maycloud.edge.messages import RawHeaders, Response
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.mapping import evaluate
from maycloud.services.apigateway.plans import CachePlan
from maycloud.services.apigateway.velocity import text_of
from maycloud.store import Clock, Document

MAX_ANSWER = 1_048_576  # bytes of the largest answer that is kept
# A cluster has its memory to itself; a cloud on one machine has not.
MAX_BYTES = 512 << 20
_OVERHEAD = 512  # bytes that an entry takes beside its key and its answer

Kept = tuple[float, int, RawHeaders, bytes, int]  # until when, status, headers, body, weight in bytes


class StageCache:
    """One stage's cache, bounded by its size: the answer that was asked for longest ago goes first."""

    def __init__(self, clock: Clock, size: str, since: Any) -> None:
        self.size = size
        self.since = since
        self._clock = clock
        self._limit = min(int(float(size) * (1 << 30)), MAX_BYTES)
        self._entries: OrderedDict[Any, Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[Any, ...]) -> Response | None:
        found = self._entries.get(key)
        if found is None:
            return None
        until, status, headers, body, _ = found
        if until <= self._clock.time():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return Response(status, headers.copy(), body)

    def put(self, key: tuple[Any, ...], response: Response, ttl: int) -> None:
        """Keep a successful answer; one that is not, or is too large, takes the place of none."""
        body = response.body
        if not 200 <= response.status < 300 or not isinstance(body, bytes) or len(body) > MAX_ANSWER:
            return
        self._drop(key)
        weight = _weight(key, response.headers, body)
        self._entries[key] = (
            self._clock.time() + ttl, response.status, response.headers.copy(), body, weight,
        )  # fmt: skip
        self._bytes += weight
        while self._bytes > self._limit:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Any) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._bytes -= found[4]


def _weight(key: tuple[Any, ...], headers: RawHeaders, body: bytes) -> int:
    """Keys count: clients choose them, and they may be longer than the answer."""
    parts = [each for part in key for each in (part if isinstance(part, tuple) else (part or "",))]
    return (
        len(body) + sum(len(name) + len(value) for name, value in headers) + sum(map(len, parts)) + _OVERHEAD
    )


class StageCaches:
    """The caches of all stages. Memory alone: a cloud that starts again starts with empty ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._caches: dict[tuple[str, str], StageCache] = {}

    def of(self, api: str, stage: Document) -> StageCache:
        """A stage's cache; a cluster that was resized or made anew begins empty."""
        where = (api, stage["stageName"])
        size, since = stage.get("cacheClusterSize") or "0.5", stage.get("cacheClusterChanged")
        cache = self._caches.get(where)
        if cache is None or cache.size != size or cache.since != since:
            cache = self._caches[where] = StageCache(self._clock, size, since)
        return cache

    def flush(self, api: str, stage: str) -> None:
        self._caches.pop((api, stage), None)

    def forget(self, api: str) -> None:
        for where in [where for where in self._caches if where[0] == api]:
            del self._caches[where]


def key_of(exchange: Exchange, plan: CachePlan) -> tuple[Any, ...]:
    """What tells an answer from others. Parameters that are not listed do not count, as on AWS."""
    return (plan.prefix, *(_value(exchange, expression) for expression in plan.parameters))


def _value(exchange: Exchange, expression: str) -> Any:
    place, _, name = expression.removeprefix("method.request.").partition(".")
    if place == "header":
        return exchange.request.fields.get(name.lower().encode("latin-1", "replace"))
    if place == "path":
        return exchange.path_parameters.get(name)
    if place == "querystring":
        values = (exchange.query[1] or {}).get(name)
        return None if values is None else tuple(values)
    value = evaluate(expression, exchange.data())
    return None if value is None else text_of(value)


def wants_fresh(exchange: Exchange) -> bool:
    """Whether the client asks for an answer of the integration, ``Cache-Control: max-age=0``."""
    header = exchange.request.fields.get(b"cache-control")
    if header is None:
        return False
    return any(part.strip().lower() == b"max-age=0" for part in header.split(b","))
