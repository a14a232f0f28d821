"""Bodies compressed on their way, for APIs that have a minimumCompressionSize.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html
"""

import asyncio
import gzip
import zlib

from maycloud.edge.messages import Response
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.gateway_responses import GatewayError

MAX_BODY = 10 << 20  # bytes, unpacked
_BRIEF = 64 << 10  # bytes that are compressed at once; more leave the loop


def unpack(exchange: Exchange) -> None:
    """Take the content encoding off a request's body, before anything reads it."""
    fields = exchange.request.fields
    coding = fields.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if exchange.deployment.get("minimumCompressionSize") is None or coding in ("", "identity"):
        return
    if coding not in ("gzip", "deflate"):
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
    exchange.body = _unpacked(exchange.body, coding)
    request = exchange.request
    if len(request.names) == len(request.headers):
        kept = [at for at, (name, _) in enumerate(request.headers) if name != b"content-encoding"]
        request.names = [request.names[at] for at in kept]
    request.headers = [each for each in request.headers if each[0] != b"content-encoding"]
    exchange.forget_headers()


def _unpacked(body: bytes, coding: str) -> bytes:
    for window in (31,) if coding == "gzip" else (15, -15):  # some send deflate without its frame
        unpacker = zlib.decompressobj(window)
        try:
            found = unpacker.decompress(body, MAX_BODY + 1)
        except zlib.error:
            continue
        if len(found) > MAX_BODY:
            raise GatewayError("REQUEST_TOO_LARGE")
        if unpacker.eof:
            return found
    raise GatewayError("BAD_REQUEST_BODY")


def wanted(exchange: Exchange, response: Response) -> str | None:
    """The coding that the client accepts for a body that is long enough; None for none."""
    least = exchange.deployment.get("minimumCompressionSize")
    body = response.body
    if least is None or not isinstance(body, bytes) or not body or len(body) < least:
        return None
    if any(name == b"content-encoding" for name, _ in response.headers):
        return None
    return _accepted(exchange.request.header("accept-encoding"))


def _accepted(header: str) -> str | None:
    weights: dict[str, float] = {}
    for part in header.split(","):
        name, _, rest = part.partition(";")
        weight = rest.strip().removeprefix("q=") if rest.strip().startswith("q=") else "1"
        try:
            weights[name.strip().lower()] = float(weight)
        except ValueError:
            continue
    for coding in ("gzip", "deflate"):
        if weights.get(coding, weights.get("*", 0.0)) > 0:
            return coding
    return None


async def pack(response: Response, coding: str) -> None:
    body = response.body
    assert isinstance(body, bytes)
    packed = _packed(body, coding) if len(body) <= _BRIEF else await asyncio.to_thread(_packed, body, coding)
    response.body = packed
    response.headers.append((b"content-encoding", coding.encode()))


def _packed(body: bytes, coding: str) -> bytes:
    return gzip.compress(body, mtime=0) if coding == "gzip" else zlib.compress(body)
