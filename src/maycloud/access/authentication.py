"""From a request to its principal: every request is verified, before anything of it is read."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from urllib.parse import unquote

from maycloud.access import failures, sigv4
from maycloud.access.identities import Credential, Identities
from maycloud.access.payload import (
    SIGNED_CHUNKS_TRAILER,
    STREAMING,
    UNSIGNED_TRAILER,
    Body,
    ChunkCheck,
    ChunkedBody,
    HashedBody,
    check_hash,
)
from maycloud.access.sigv4 import EMPTY_HASH, UNSIGNED, IncompleteError, Signature
from maycloud.edge.messages import Request
from maycloud.principal import ANONYMOUS, Principal
from maycloud.store import Clock

SKEW = 300.0  # seconds; S3 allows three times as much


@dataclass(slots=True)
class Authenticated:
    """Who sent a request, for which region, and how its body is to be read."""

    principal: Principal
    region: str = ""
    service: str = ""  # the signing name of the credential scope, "" for an unsigned request
    claim: Signature | None = None
    secret: str = ""
    payload: str = ""  # what x-amz-content-sha256 says, where that is more than a checked hash

    def body(self, request: Request) -> Body:
        """The body without the framing and with the checks that the signature asks for."""
        body = request.body
        if self.payload in STREAMING:
            announced = request.header("x-amz-decoded-content-length")
            length = int(announced) if announced.isdigit() else None
            check = None
            if self.payload != UNSIGNED_TRAILER and self.claim is not None:
                check = ChunkCheck(self.secret, self.claim)
            return ChunkedBody(body, length, check, self.payload == SIGNED_CHUNKS_TRAILER)
        if self.payload and not isinstance(body, bytes):
            return HashedBody(body, self.payload)
        return body


_ANONYMOUS = Authenticated(ANONYMOUS)


class Authenticator:
    def __init__(self, identities: Identities, clock: Clock) -> None:
        self._identities = identities
        self._clock = clock

    def authenticate(self, request: Request, family: str, service: str | None = None) -> Authenticated:
        """Verify the signature. Unsigned requests are ANONYMOUS. Raises AWS's refusals.

        `service` is the signing name that the credential scope must have, None for any.
        """
        quick = self._quick(request, service)
        if quick is not None:
            return quick
        presigned = False
        try:
            if b"authorization" in request.fields:
                claim = sigv4.from_header(request)
            elif "X-Amz-Algorithm=" in request.query or "X-Amz-Signature=" in request.query:
                presigned = True
                claim = sigv4.from_query(_query(request))
            else:
                return _ANONYMOUS
        except IncompleteError as error:
            raise failures.incomplete(family, str(error), presigned=presigned) from error
        if service is not None and claim.service != service:
            raise failures.wrong_service(family, service)
        credential = self._credential(claim, family)
        self._check_time(claim, family)
        payload, payload_hash = self._payload(request, claim, family)
        self._check_headers(request, claim, family)
        canonical = sigv4.canonical_request(request, claim, payload_hash)
        if not hmac.compare_digest(sigv4.sign(credential.secret, claim, canonical), claim.signature):
            raise failures.mismatch(family, claim.access_key)
        return Authenticated(
            credential.principal, claim.region, claim.service, claim, credential.secret, payload
        )

    def _quick(self, request: Request, service: str | None) -> Authenticated | None:
        """The usual request, a signed POST of JSON or a form to ``/``, without a detour over text.

        Half of the cost of `authenticate`, see bench/RESULTS.md. Whatever is unusual, wrong signatures
        included, gives None and is looked at again with the care that a refusal needs.
        """
        fields, body = request.fields, request.body
        if request.target != "/" or request.method != "POST" or not isinstance(body, bytes):
            return None
        usual = sigv4.USUAL.fullmatch(fields.get(b"authorization", b""))
        moment = fields.get(b"x-amz-date")
        if usual is None or moment is None:
            return None
        scope = sigv4.quick_scope(usual[1])
        if scope is None or scope.service == "s3" or (service is not None and scope.service != service):
            return None
        signed = sigv4.quick_names(usual[2])
        if b"host" not in signed or (b"x-amz-target" in fields and b"x-amz-target" not in signed):
            return None
        credential = self._identities.credential(scope.key)
        now = self._clock.wall()
        if credential is None or not credential.active or credential.token is not None:
            return None
        if not moment.startswith(scope.date) or abs(sigv4.quick_time(moment) - now) > SKEW:
            return None
        lines = [b"POST\n/\n\n"]
        for name in signed:
            value = fields.get(name, b"")
            if value[:1] == b" " or value[-1:] == b" " or b"  " in value:
                return None
            lines += (name, b":", value, b"\n")
        payload = hashlib.sha256(body).hexdigest() if body else EMPTY_HASH
        lines += (b"\n", usual[2], b"\n", payload.encode())
        digest = hashlib.sha256(b"".join(lines)).hexdigest()
        to_sign = b"AWS4-HMAC-SHA256\n%b\n%b\n%b" % (moment, scope.text, digest.encode())
        key = sigv4.signing_key(credential.secret, scope.date.decode(), scope.region, scope.service)
        if not hmac.compare_digest(hmac.digest(key, to_sign, "sha256").hex().encode(), usual[3]):
            return None
        return Authenticated(credential.principal, scope.region, scope.service)

    def _credential(self, claim: Signature, family: str) -> Credential:
        credential = self._identities.credential(claim.access_key)
        if credential is None or not credential.active:
            raise failures.unknown_key(family, claim.access_key)
        if credential.token is not None:
            if claim.token is None or not hmac.compare_digest(
                credential.token.encode(), claim.token.encode()
            ):
                raise failures.bad_token(family)
            if credential.expires is not None and credential.expires <= self._clock.time():
                raise failures.expired_token(family)
        return credential

    def _check_time(self, claim: Signature, family: str) -> None:
        """Signing times are compared with the machine's own clock, which tests do not move."""
        now = self._clock.wall()
        allowed = SKEW * 3 if family == "s3" else SKEW
        try:
            moment = claim.time
        except ValueError as error:
            raise failures.incomplete(
                family, "The date of the signature is not one", presigned=False
            ) from error
        if claim.moment[:8] != claim.date:
            raise failures.invalid_signature(
                family,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
                f" '{claim.date}' != '{claim.moment[:8]}', from '{claim.moment}'.",
            )
        if moment > now + allowed:
            raise failures.skewed(family, claim.moment, _text(now), _text(now + allowed), late=False)
        if claim.expires is not None:
            if moment + claim.expires < self._clock.time():
                raise failures.expired_url(family, claim.expires)
        elif moment < now - allowed:
            raise failures.skewed(family, claim.moment, _text(now), _text(now - allowed), late=True)

    def _payload(self, request: Request, claim: Signature, family: str) -> tuple[str, str]:
        """What is left to check of the body, and the hash that the signature covers."""
        body = request.body
        if claim.service != "s3":
            # A body still arriving has been read by now; only S3's are handed on unread.
            assert isinstance(body, bytes)
            return "", hashlib.sha256(body).hexdigest() if body else EMPTY_HASH
        if claim.expires is not None:
            return "", request.header("x-amz-content-sha256") or UNSIGNED
        declared = request.header("x-amz-content-sha256")
        if not declared:
            raise failures.incomplete(
                family, "Missing required header for this request: x-amz-content-sha256", presigned=False
            )
        if declared == UNSIGNED:
            return "", UNSIGNED
        if declared in STREAMING:
            return declared, declared
        if isinstance(body, bytes):
            check_hash(hashlib.sha256(body).hexdigest() if body else EMPTY_HASH, declared)
            return "", declared
        return declared, declared

    def _check_headers(self, request: Request, claim: Signature, family: str) -> None:
        """What must be under the signature: the host, and what decides what the request means."""
        signed = claim.signed_headers
        if "host" not in signed:
            raise failures.invalid_signature(
                family, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
            )
        if family == "s3":
            if claim.expires is None:
                left = [
                    name.decode("latin-1")
                    for name in request.fields
                    if name.startswith(b"x-amz-") and name.decode("latin-1") not in signed
                ]
                if left:
                    raise failures.unsigned_headers(left)
        elif b"x-amz-target" in request.fields and "x-amz-target" not in signed:
            raise failures.invalid_signature(
                family, "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."
            )


def _query(request: Request) -> dict[str, str]:
    pairs = (part.partition("=") for part in request.query.split("&"))
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _text(moment: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
