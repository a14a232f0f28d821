"""Who is at the other end: the signature of authorizeConnection, and what policies say of each request.

A client signs an empty POST to ``https://dax.amazonaws.com`` and sends the string to sign along. What it
claims is not believed: the string must be the one of exactly that request, of now, for this region.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any

from maycloud.access import failures, sigv4
from maycloud.access.identities import Credential
from maycloud.access.sigv4 import EMPTY_HASH
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Call, Cloud, Context, Operation, Service
from maycloud.services.dax.cbor import Reader, wanted

SKEW = 300.0  # seconds
LIFE = 600.0  # seconds that an authorization is good for; clients sign again after half of five minutes
HOST = "dax.amazonaws.com"
_FAMILY = "json"
_MOMENT = re.compile(r"[0-9]{8}T[0-9]{6}Z")

_dataplane = Service("dax")


@dataclass(frozen=True, slots=True)
class Caller:
    """An authorized connection's other end. `until` is the cloud's time in epoch seconds."""

    access_key: str
    secret: str
    token: str | None
    until: float
    peer: str


def required() -> AwsError:
    return AwsError(
        "MissingAuthenticationTokenException",
        "The connection is not authorized, or no longer: sign again.",
        403,
    )


def authorize_connection(cloud: Cloud, region: str, arguments: bytes, peer: str) -> Caller:
    """Verify the arguments of authorizeConnection. Raises AwsError, MalformedError."""
    reader = Reader(arguments)
    access_key = wanted(reader.item(), str)
    signature = wanted(reader.item(), str)
    signed = wanted(reader.item(), bytes).decode("latin-1")
    token = reader.item()
    credential = _credential(cloud, access_key, token)
    lines = signed.split("\n")
    if len(lines) != 4 or lines[0] != sigv4.ALGORITHM:
        raise failures.incomplete(_FAMILY, "Unsupported string to sign", presigned=False)
    _, moment, scope, digest = lines
    _check_time(cloud, moment)
    if scope != f"{moment[:8]}/{region}/dax/aws4_request":
        raise failures.invalid_signature(
            _FAMILY, f"Credential should be scoped to a valid region: '{region}', and to service: 'dax'."
        )
    key = sigv4.signing_key(credential.secret, moment[:8], region, "dax")
    expected = hmac.digest(key, signed.encode("latin-1"), "sha256").hex()
    known = digest in (_digest(moment, None), _digest(moment, token))
    if not hmac.compare_digest(expected.encode(), signature.encode()) or not known:
        raise failures.mismatch(_FAMILY, access_key)
    until = cloud.store.clock.time() + LIFE
    return Caller(access_key, credential.secret, credential.token, until, peer)


def _digest(moment: str, token: Any) -> str:
    """Of the canonical request, with the session token among the signed headers or without."""
    headers = f"host:{HOST}\nx-amz-date:{moment}\n"
    names = "host;x-amz-date"
    if token is not None:
        headers += f"x-amz-security-token:{token}\n"
        names += ";x-amz-security-token"
    canonical = f"POST\n/\n\n{headers}\n{names}\n{EMPTY_HASH}"
    return hashlib.sha256(canonical.encode()).hexdigest()


def _check_time(cloud: Cloud, moment: str) -> None:
    """Clients sign with their own clock, which is compared with the machine's."""
    if not _MOMENT.fullmatch(moment):
        raise failures.incomplete(_FAMILY, "Date must be in ISO-8601 'basic format'.", presigned=False)
    at = sigv4.quick_time(moment.encode("latin-1"))
    now = cloud.store.clock.wall()
    if abs(at - now) > SKEW:
        late = at < now
        bound = now - SKEW if late else now + SKEW
        raise failures.skewed(_FAMILY, moment, _text(now), _text(bound), late=late)


def _text(moment: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def _credential(cloud: Cloud, access_key: str, token: Any) -> Credential:
    credential = cloud.access.identities.credential(access_key)
    if credential is None or not credential.active:
        raise failures.unknown_key(_FAMILY, access_key)
    if credential.token is not None:
        if token.__class__ is not str or not hmac.compare_digest(credential.token.encode(), token.encode()):
            raise failures.bad_token(_FAMILY)
        if credential.expires is not None and credential.expires <= cloud.store.clock.time():
            raise failures.expired_token(_FAMILY)
    return credential


def principal_of(cloud: Cloud, caller: Caller | None) -> Principal:
    """The caller as of now: the key may have been deleted or have expired since it signed."""
    if caller is None or cloud.store.clock.time() >= caller.until:
        raise required()
    credential = _credential(cloud, caller.access_key, caller.token)
    if not hmac.compare_digest(credential.secret.encode(), caller.secret.encode()):
        raise required()
    return credential.principal


class Gate:
    """Asks the policies of a caller for actions on one cluster."""

    def __init__(self, cloud: Cloud, account: str, region: str, arn: str) -> None:
        self._cloud = cloud
        self._account = account
        self._region = region
        self._arn = arn
        self._operations: dict[str, Operation] = {}

    def check(self, principal: Principal, peer: str, operation: str, enclosing: str = "") -> None:
        """Raises AccessDeniedError unless `principal` may do `operation` ("GetItem") on the cluster.

        `enclosing` is the transaction that it is part of, for the key ``dax:EnclosingOperation``.
        """
        action = f"dax:{operation}"
        context: Context = {"aws:SourceIp": peer, "aws:ViaAWSService": False}
        if enclosing:
            context["dax:EnclosingOperation"] = enclosing
        described = self._operations.get(operation)
        if described is None:
            described = self._operations[operation] = Operation(operation, _nothing, action)
        call = Call(
            self._cloud, _dataplane, described, principal, self._account, self._region, "", peer, secure=True
        )
        self._cloud.access.authorize(call, action, self._arn, context)


def _nothing(_call: Call, _params: Any) -> None:
    """The data plane's operations are not reached through the dispatcher."""
