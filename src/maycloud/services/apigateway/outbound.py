"""Requests that API Gateway sends on: to HTTP endpoints, and to AWS services as a role.

Done in threads by urllib3, which keeps connections; the loop goes on meanwhile.
"""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from maycloud import outside
from maycloud.edge.messages import RawHeaders
from maycloud.services.apigateway.gateway_responses import GatewayError

if TYPE_CHECKING:
    import urllib3

MAX_ANSWER = 10 << 20

# What belongs to the connection, or is no longer true of a body that has been read.
_DROPPED = frozenset({"transfer-encoding", "keep-alive", "upgrade", "te", "trailer"})


@functools.cache
def _pool() -> "urllib3.PoolManager":
    import urllib3  # with botocore a tenth of a second, which starting the cloud shall not take

    return urllib3.PoolManager(num_pools=64, maxsize=64, retries=False)


async def send(
    method: str, url: str, headers: Mapping[str, str], body: bytes, seconds: float
) -> tuple[int, RawHeaders, bytes]:
    """One request. Raises GatewayError for a timeout or a failed connection."""
    return await outside.in_thread(_send, method, url, headers, body, seconds)


def _send(
    method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float
) -> tuple[int, RawHeaders, bytes]:
    import urllib3

    if urlsplit(url).scheme not in ("http", "https"):
        raise GatewayError("API_CONFIGURATION_ERROR")
    try:
        # By its pool: the manager would resolve dot segments, which a client may have put into the path.
        answer = _pool().connection_from_url(url).urlopen(
            method, _target(url), body=body or None, headers=dict(headers), timeout=timeout, redirect=False,
            retries=False, assert_same_host=False, preload_content=False, decode_content=False,
        )  # fmt: skip
        data = answer.read(MAX_ANSWER + 1)
        answer.release_conn()
    except urllib3.exceptions.NameResolutionError as error:
        raise GatewayError("API_CONFIGURATION_ERROR") from error
    except urllib3.exceptions.NewConnectionError as error:
        raise GatewayError("INTEGRATION_FAILURE", "Network error communicating with endpoint") from error
    except urllib3.exceptions.TimeoutError as error:
        raise GatewayError("INTEGRATION_TIMEOUT") from error
    except (urllib3.exceptions.HTTPError, UnicodeError, ValueError) as error:
        raise GatewayError("INTEGRATION_FAILURE") from error
    if len(data) > MAX_ANSWER:
        raise GatewayError("INTEGRATION_FAILURE")
    kept = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in answer.headers.iteritems()
        if name.lower() not in _DROPPED
    ]
    return answer.status, kept, data


def _target(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(("", "", parts.path or "/", parts.query, ""))


def sign(
    credential: Any, service: str, region: str, method: str, url: str, headers: dict[str, str], body: bytes
) -> dict[str, str]:
    """The headers of a request to one of the cloud's own services, signed with a role's credentials."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method, url, data=body, headers=headers)
    request.headers["host"] = urlsplit(url).netloc
    keys = Credentials(credential.principal.access_key, credential.secret, credential.token)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(keys, service, region).add_auth(request)
    return dict(request.headers.items())
