"""Pages of other sites and the key that everyone knows.

The administrator's key is ``test`` with the secret ``test``, unless `may up` was given another secret. A web
page that a developer has open can sign with it as well as the developer, and reach this machine: across
origins, or by a name of its own that suddenly means 127.0.0.1 (DNS rebinding). Pages of other sites are
therefore refused that key. All other credentials are secrets, whoever's page sends them.
"""

import ipaddress

from maycloud.edge.messages import Request

KNOWN_SECRET = "test"  # noqa: S105 - which is the point

# An app's own data planes answer pages by the rules of their owner: a bucket's CORS, an API's.
_DATA_PLANES = frozenset({"s3", "execute-api"})
# Names that no stranger can register, so that no stranger's page has them.
_OURS = ("localhost", "local", "internal", "test")
# Nor can a stranger make these mean another machine. Their pages are anyone's, though. The last always means
# 127.0.0.1; clients that were set up for LocalStack send it.
_THEIRS = ("amazonaws.com", "amazonaws.com.cn", "api.aws", "localhost.localstack.cloud")


def is_foreign(request: Request, service: str) -> bool:
    """Whether a browser sent this for a page of another site. `service` is the signing name."""
    if service in _DATA_PLANES:
        return False
    fields = request.fields
    origin = fields.get(b"origin")
    if origin is not None:
        scheme, found, rest = origin.decode("latin-1").lower().partition("://")
        if not found:
            return True  # "null": a page that hides where it is from
        # Of other schemes, such as an extension's, are programs that somebody installed.
        return scheme in ("http", "https") and not _is_here(_name(rest))
    if fields.get(b"sec-fetch-site") == b"cross-site":
        return True
    host = _name(fields.get(b"host", b"").decode("latin-1").lower())
    return _is_loopback(request.peer) and not (_is_here(host) or _is_address(host) or _below(host, _THEIRS))


def is_own_host(request: Request, public_host: str) -> bool:
    """Whether the name in Host is one under which no stranger's page can be: for pages that know a person.

    `public_host` is the name that the cloud gives itself.
    """
    host = _name(request.fields.get(b"host", b"").decode("latin-1").lower())
    return host == public_host.lower() or _is_here(host) or _is_address(host)


def _name(authority: str) -> str:
    """The host of ``host:port``, without the dot that ends a full name."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0].rstrip(".")


def _is_here(host: str) -> bool:
    return ("." not in host and ":" not in host) or _below(host, _OURS) or _is_loopback(host)


def _below(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == each or host.endswith(f".{each}") for each in domains)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
