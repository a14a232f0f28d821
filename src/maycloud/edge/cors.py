"""Cross-origin requests to AWS's own endpoints, which browsers send straight from a page.

The JSON and query services at ``/`` (Cognito, STS, DynamoDB …) let every origin ask, as AWS's do: what is
asked is signed, or carries its own token, and no cookie counts. S3 and the data planes have their own rules.
"""

from typing import Any

from maycloud.edge.messages import RawHeaders, Reply, Request, Response

_MAX_AGE = b"172800"  # seconds that AWS lets a browser remember a preflight
_SHARED: RawHeaders = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"),
]


def crosses_origins(request: Request) -> bool:
    """Whether a page asks a service at ``/``."""
    return b"origin" in request.fields and request.path == "/"


def preflight(request: Request) -> Response:
    """The answer to OPTIONS."""
    headers = [
        *_SHARED,
        (b"access-control-allow-methods", b"POST, GET"),
        (b"access-control-max-age", _MAX_AGE),
    ]
    if wanted := request.fields.get(b"access-control-request-headers"):
        headers.append((b"access-control-allow-headers", wanted))
    return Response(200, headers)


def shared(reply: Reply) -> Reply:
    """A reply whose answers the page may read."""

    def send(response: Any) -> None:
        # After a commit that failed there is no response, and nothing to share.
        if isinstance(response, Response):
            shares = [*response.headers, *_SHARED]
            reply(Response(response.status, shares, response.body, response.lines))
        else:
            reply(response)

    return send
