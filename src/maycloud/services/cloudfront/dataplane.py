"""The edge: from a viewer's request to an answer, out of the cache or from the origin.

A hit is answered on the loop at once. Requests for the same thing that is not there wait for one fetch.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
"""

import asyncio
import dataclasses
from collections.abc import Awaitable
from typing import Any

from maycloud.edge.messages import FileBody, RawHeaders, Request, Response
from maycloud.services.base import Cloud
from maycloud.services.cloudfront import bodies, pages, response_headers
from maycloud.services.cloudfront.behaviors import Compiled, Known, compile_distribution
from maycloud.services.cloudfront.cache import Cache, Entry
from maycloud.services.cloudfront.freshness import (
    date,
    error_lifetime,
    lifetime,
    ranges_apply,
    unchanged,
)
from maycloud.services.cloudfront.managed import MANAGED
from maycloud.services.cloudfront.origins import Body, Incoming, Origins, Outgoing
from maycloud.services.cloudfront.pages import EdgeError
from maycloud.services.cloudfront.requests import (
    PATH,
    Viewer,
    cache_key,
    locate,
    outgoing,
    read,
    secure_location,
    uri,
)
from maycloud.services.cloudfront.store import CloudFront, domain_of

HIT = b"Hit from cloudfront"
MISS = b"Miss from cloudfront"
REFRESHED = b"RefreshHit from cloudfront"
ERROR = b"Error from cloudfront"
REDIRECT = b"Redirect from cloudfront"

_CACHED = frozenset({200, 203, 204, 300, 301, 302, 307, 308})
_ASKING = frozenset({b"if-none-match", b"if-modified-since", b"range"})
_UNCHANGED = frozenset(
    {b"etag", b"last-modified", b"cache-control", b"expires", b"vary", b"content-location", b"server"}
)


class DataPlane:
    """Serves all distributions of the cloud."""

    def __init__(self, cloud: Cloud, state: CloudFront) -> None:
        self._state = state
        self._clock = cloud.store.clock
        self._cache = Cache()
        self._origins = Origins(cloud)
        self._identifiers = pages.Identifiers()
        self._via = pages.new_via()
        self._vias: dict[str, bytes] = {}  # by distribution, as long as this process runs
        self._flights: dict[Any, asyncio.Future[None]] = {}

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        identifier = self._identifiers.next()
        try:
            id_, path = locate(request, self._state.alias)
            distribution = self._distribution(id_)
            if distribution is None or not distribution.enabled:
                raise EdgeError(403, pages.BAD_REQUEST)
            viewer = read(request, distribution, path, identifier)
            return self._serve(viewer)
        except EdgeError as error:
            return self._refuse(error, identifier)

    def forget(self, distribution: str, paths: list[str]) -> None:
        """Drop what an invalidation names; ``/`` is the default root object as well."""
        compiled = self._distribution(distribution)
        if "/" in paths and compiled is not None and compiled.root:
            paths = [*paths, f"/{compiled.root}"]
        self._cache.forget(distribution, paths)

    def _refuse(self, error: EdgeError, identifier: bytes) -> Response:
        response = pages.error_page(error, identifier)
        pages.mark(response.headers, ERROR, self._via, identifier)
        return response

    # Finding

    def _distribution(self, id_: str) -> Compiled | None:
        compiled = self._state.compiled.get(id_)
        if compiled is None and id_:
            found = self._state.find(id_)
            if found is None:
                return None
            scope, document = found
            known = Known(
                lambda kind, policy: _policy(self._state, scope, kind, policy),
                lambda control: (self._state.access_controls.get(scope, control) or {}).get("config"),
                lambda identity: (self._state.identities.get(scope, identity) or {}).get("canonical", ""),
            )
            via = self._vias.setdefault(id_, pages.new_via())
            compiled = compile_distribution(document, scope[0], domain_of(id_), via, known)
            self._state.compiled[id_] = compiled
        return compiled

    # Serving

    def _serve(self, viewer: Viewer) -> Response | Awaitable[Response]:
        request, behavior = viewer.request, viewer.behavior
        if not request.secure and behavior.protocol != "allow-all":
            if behavior.protocol == "https-only":
                raise EdgeError(403, pages.BAD_REQUEST)
            response = pages.redirect(secure_location(request), viewer.method)
            pages.mark(response.headers, REDIRECT, viewer.distribution.via, viewer.identifier)
            return response
        if viewer.method not in behavior.methods:
            raise EdgeError(403, pages.METHOD)
        if viewer.method in ("GET", "HEAD") and request.body != b"":
            # What an origin makes of a body would be kept for all.
            raise EdgeError(403, pages.BAD_REQUEST)
        if viewer.distribution.via in request.fields.get(b"via", b""):
            # It would wait for itself.
            raise EdgeError(403, pages.LOOP)
        if not viewer.cacheable:
            return self._guarded(viewer, self._pass(viewer))
        key = cache_key(viewer)
        entry = self._cache.get(key)
        if entry is not None and entry.expires > self._clock.time():
            return self._answer(viewer, entry, HIT)
        return self._guarded(viewer, self._fill(viewer, key))

    async def _guarded(self, viewer: Viewer, work: Awaitable[Response]) -> Response:
        try:
            return await work
        except EdgeError as error:
            return self._refuse(error, viewer.identifier)

    async def _pass(self, viewer: Viewer) -> Response:
        """A request that is not cached: to the origin and back."""
        incoming = await self._ask(viewer, outgoing(viewer))
        if incoming.status >= 400:
            return await self._fail(viewer, incoming, None)
        return await self._through(viewer, incoming)

    async def _through(self, viewer: Viewer, incoming: Incoming) -> Response:
        """Hand on what is not kept, as it comes."""
        headers = _viewer_headers(viewer, incoming.headers)
        body = incoming.body
        if viewer.encoding and isinstance(body, bytes):
            headers, body = await bodies.compressed(viewer.encoding, incoming.status, headers, body)
        response = self._finish(viewer, incoming.status, headers, body, MISS)
        if response.body is not body:
            await incoming.close()
        return response

    async def _ask(self, viewer: Viewer, request: Outgoing) -> Incoming:
        """The origin's answer; one that cannot be reached answers as the edge does for it."""
        try:
            return await self._origins.fetch(viewer.distribution, viewer.behavior.origin, request)
        except EdgeError as error:
            if error.status not in viewer.distribution.errors:
                raise
            page = pages.error_page(error, viewer.identifier)
            assert isinstance(page.body, bytes)
            return Incoming(error.status, page.headers, page.body)

    # Filling the cache

    async def _fill(self, viewer: Viewer, key: Any) -> Response:
        flight = self._flights.get(key)
        if flight is not None:
            await asyncio.shield(flight)
        # Also without a flight: one may have ended between the look at the cache and the start of this task.
        entry = self._cache.get(key)
        if entry is not None and entry.expires > self._clock.time():
            return self._answer(viewer, entry, HIT)
        if flight is not None:
            return await self._fetch(viewer, key)
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            return await self._fetch(viewer, key)
        finally:
            del self._flights[key]
            flight.set_result(None)

    async def _fetch(self, viewer: Viewer, key: Any) -> Response:
        epoch = self._cache.epoch
        stale = self._cache.get(key)
        if stale is not None and stale.error:
            stale = None
        request = outgoing(viewer)
        if stale is None and viewer.method == "HEAD" and not viewer.behavior.origin.bucket:
            return await self._pass(viewer)
        if viewer.method == "HEAD":
            request.method = "GET"
        if stale is not None:
            if stale.etag:
                request.headers.append((b"if-none-match", stale.etag))
            if stale.modified is not None:
                request.headers += _dated(stale)
        try:
            incoming = await self._ask(viewer, request)
        except EdgeError as error:
            if stale is not None and error.status >= 500:
                return self._answer(viewer, stale, HIT)
            raise
        if incoming.status == 304 and stale is not None:
            return self._refresh(viewer, key, stale, incoming, epoch)
        if incoming.status >= 500 and stale is not None and incoming.status not in viewer.distribution.errors:
            await incoming.close()
            return self._answer(viewer, stale, HIT)
        if incoming.status >= 400:
            return await self._fail(viewer, incoming, key)
        return await self._keep(viewer, key, incoming, epoch)

    def _refresh(self, viewer: Viewer, key: Any, stale: Entry, incoming: Incoming, epoch: int) -> Response:
        """The origin says that what is there still holds: take over its new headers."""
        now = self._clock.time()
        new = [(name, value) for name, value in incoming.headers if name in _UNCHANGED and name != b"etag"]
        names = {name for name, _ in new}
        headers = [header for header in stale.headers if header[0] not in names] + new
        seconds = lifetime(dict(headers), viewer.behavior.ttl, now)
        entry = dataclasses.replace(stale, headers=headers, stored=now, expires=now + seconds)
        if epoch == self._cache.epoch:
            self._cache.put(key, entry)
        return self._answer(viewer, entry, REFRESHED)

    async def _keep(self, viewer: Viewer, key: Any, incoming: Incoming, epoch: int) -> Response:
        """Store an answer if it may be kept and is not too long, and give it.

        `epoch` is the cache's when the origin was asked: an invalidation since then counts for this answer.
        """
        now = self._clock.time()
        seconds = lifetime(incoming.fields, viewer.behavior.ttl, now)
        if seconds <= 0 or incoming.status not in _CACHED:
            return await self._through(viewer, await self._part(viewer, incoming))
        body = await bodies.gather(incoming)
        if body is None:
            return await self._through(viewer, await self._part(viewer, incoming))
        headers = [each for each in _viewer_headers(viewer, incoming.headers) if each[0] != b"content-length"]
        if viewer.encoding:
            headers, body = await bodies.compressed(viewer.encoding, incoming.status, headers, body)
        entry = self._entry(viewer, incoming.status, headers, body, now + seconds)
        entry.etag = incoming.fields.get(b"etag")  # as the origin knows it, not as compression weakens it
        if epoch == self._cache.epoch:
            self._cache.put(key, entry)
        return self._answer(viewer, entry, MISS)

    async def _part(self, viewer: Viewer, incoming: Incoming) -> Incoming:
        """For a stretch of a body that cannot be cut here: ask the origin for just that."""
        fields = viewer.request.fields
        if viewer.method != "GET" or b"range" not in fields or isinstance(incoming.body, bytes | FileBody):
            return incoming
        modified = date(incoming.fields.get(b"last-modified"))
        if incoming.status != 200 or not ranges_apply(fields, incoming.fields.get(b"etag"), modified):
            return incoming
        await incoming.close()
        request = outgoing(viewer)
        request.headers.append((b"range", fields[b"range"]))
        return await self._ask(viewer, request)

    def _entry(self, viewer: Viewer, status: int, headers: RawHeaders, body: bytes, expires: float) -> Entry:
        fields = dict(headers)
        return Entry(
            status, headers, body, viewer.distribution.id, uri(viewer), self._clock.time(), expires,
            fields.get(b"etag"), date(fields.get(b"last-modified")),
        )  # fmt: skip

    # Errors

    async def _fail(self, viewer: Viewer, incoming: Incoming, key: Any) -> Response:
        """An origin's error: the distribution's page for it, or what the origin sent."""
        custom = viewer.distribution.errors.get(incoming.status)
        now = self._clock.time()
        seconds = error_lifetime(incoming.status, incoming.fields, custom, now)
        status, headers, body = incoming.status, _viewer_headers(viewer, incoming.headers), incoming.body
        page = await self._page(viewer, custom.page) if custom is not None and custom.page else None
        if page is not None and custom is not None:
            await incoming.close()
            status, headers, body = custom.code, page.headers, page.body
        else:
            whole = await bodies.gather(incoming)
            body = incoming.body if whole is None else whole
        if not isinstance(body, bytes):
            return self._finish(viewer, status, headers, body, ERROR)
        headers = [each for each in headers if each[0] != b"content-length"]
        entry = self._entry(viewer, status, headers, body, now + seconds)
        entry.error = True
        if key is not None and seconds > 0:
            self._cache.put(key, entry)
        return self._answer(viewer, entry, ERROR)

    async def _page(self, viewer: Viewer, path: str) -> Entry | None:
        """The page of a custom error response, by the behavior that its own path has."""
        plain = Request("GET", path, [(b"host", viewer.request.fields.get(b"host", b""))], b"", secure=True)
        if b"accept-encoding" in viewer.request.fields:
            plain.headers.append((b"accept-encoding", viewer.request.fields[b"accept-encoding"]))
        inner = read(plain, viewer.distribution, path, viewer.identifier)
        key = cache_key(inner)
        entry = self._cache.get(key)
        if entry is not None and entry.expires > self._clock.time():
            return None if entry.error else entry
        epoch = self._cache.epoch
        incoming = await self._origins.fetch(inner.distribution, inner.behavior.origin, outgoing(inner))
        body = await bodies.gather(incoming) if incoming.status == 200 else None
        if body is None:
            await incoming.close()
            return None
        if inner.cacheable:
            await self._keep(inner, key, incoming, epoch)
        return self._cache.get(key) or self._entry(
            inner, 200, _viewer_headers(inner, incoming.headers), body, 0.0
        )

    # Answering

    def _answer(self, viewer: Viewer, entry: Entry, cache: bytes) -> Response:
        headers = entry.headers
        if entry.error:
            cache = ERROR
        age = int(self._clock.time() - entry.stored)
        if cache is not MISS and not (cache is ERROR and not age):
            headers = [*headers, (b"age", str(max(0, age)).encode())]
        return self._finish(viewer, entry.status, headers, entry.body, cache)

    def _finish(self, viewer: Viewer, status: int, headers: RawHeaders, body: Body, cache: bytes) -> Response:
        """Conditions, ranges, the response headers policy, and the edge's own marks."""
        fields = viewer.request.fields
        if status == 200 and not _ASKING.isdisjoint(fields) and viewer.method in ("GET", "HEAD"):
            status, headers, body = _conditional(viewer.method, fields, headers, body)
        policy = viewer.behavior.response_policy
        if policy is not None:
            preflight = viewer.method == "OPTIONS"
            headers = response_headers.apply(policy, headers, fields.get(b"origin"), preflight=preflight)
        headers = list(headers)
        pages.mark(headers, cache, viewer.distribution.via, viewer.identifier)
        return Response(status, headers, body)


def register(cloud: Cloud, state: CloudFront) -> DataPlane:
    """Serve distributions on their hosts and on the path form."""
    plane = DataPlane(cloud, state)
    cloud.serve_host("cloudfront", plane.handle)
    cloud.claim_hosts(lambda host: bool(state.alias(host)), plane.handle)
    cloud.serve_path(PATH, plane.handle)
    return plane


def _conditional(
    method: str, fields: dict[bytes, bytes], headers: RawHeaders, body: Body
) -> tuple[int, RawHeaders, Body]:
    """A whole answer as the viewer's conditions and Range want it: 200, 206, 304 or 416."""
    tags = dict(headers)
    etag, modified = tags.get(b"etag"), date(tags.get(b"last-modified"))
    if unchanged(fields, etag, modified):
        return 304, [each for each in headers if not each[0].startswith(b"content-")], b""
    if b"range" in fields and method == "GET" and ranges_apply(fields, etag, modified):
        return bodies.ranged(fields[b"range"], headers, body)
    return 200, headers, body


def _policy(state: CloudFront, scope: Any, kind: str, id_: str) -> dict[str, Any]:
    managed = MANAGED[kind].get(id_)
    if managed is not None:
        return managed
    found = state.policies[kind].get(scope, id_)
    assert found is not None, f"{kind} policy {id_} was deleted while in use"
    return found["config"]


def _viewer_headers(viewer: Viewer, headers: RawHeaders) -> RawHeaders:
    """Without cookies where the behavior forwards none: an answer for all must not set one's session."""
    if not viewer.behavior.cookies.nothing:
        return headers
    return [header for header in headers if header[0] != b"set-cookie"]


def _dated(stale: Entry) -> RawHeaders:
    return [(b"if-modified-since", value) for name, value in stale.headers if name == b"last-modified"]
