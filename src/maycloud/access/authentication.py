"""From a request to its principal: every request is verified, before anything of it is read."""

import hashlib
import hmac
import re
import time
from hashlib import sha256
from urllib.parse import unquote

from maycloud.access import failures, s3faults, sigv2, sigv4, sites
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
    no_length,
)
from maycloud.access.sigv4 import (
    EMPTY_HASH,
    SIGNATURE,
    UNSIGNED,
    IncompleteError,
    Signature,
)
from maycloud.edge.messages import Request
from maycloud.principal import ANONYMOUS, Principal
from maycloud.store.clock import Clock

SKEW = 300.0  # seconds; S3 allows three times as much
MAX_KNOWN = 4096  # clients whose headers are remembered


class Authenticated:
    """Who sent a request, for which region, and how its body is to be read."""

    __slots__ = ("claim", "payload", "principal", "region", "secret", "service")

    def __init__(
        self,
        principal: Principal,
        region: str = "",
        service: str = "",
        claim: Signature | None = None,
        secret: str = "",
        payload: str = "",
    ) -> None:
        self.principal = principal
        self.region = region
        self.service = service  # the signing name of the credential scope, "" for an unsigned request
        self.claim = claim
        self.secret = secret
        self.payload = payload  # what x-amz-content-sha256 says, where that is more than a checked hash

    def body(self, request: Request) -> Body:
        """The body without the framing and with the checks that the signature asks for."""
        body = request.body
        if self.payload in STREAMING:
            announced = request.header("x-amz-decoded-content-length")
            if not announced.isdecimal() or len(announced) >= 19:
                raise no_length()  # versity/versitygw#1656
            length = int(announced)
            check = None
            if self.payload != UNSIGNED_TRAILER and self.claim is not None:
                check = ChunkCheck(self.secret, self.claim)
            chunked = ChunkedBody(body, length, check, self.payload == SIGNED_CHUNKS_TRAILER)
            return chunked.unwrapped() if isinstance(body, bytes) else chunked
        if self.payload and not isinstance(body, bytes):
            return HashedBody(body, self.payload)
        return body


_HASH = re.compile(r"[0-9a-fA-F]{64}")
NOBODY = Authenticated(ANONYMOUS)
_Known = tuple[sigv4.Repeated, Credential, Authenticated]


class Authenticator:
    def __init__(self, identities: Identities, clock: Clock) -> None:
        self._identities = identities
        self._clock = clock
        self._known: dict[bytes, _Known] = identities.dependent()

    def authenticate(self, request: Request, family: str, service: str | None = None) -> Authenticated:
        """Verify the signature. Unsigned requests are ANONYMOUS. Raises AWS's refusals.

        `service` is the signing name that the credential scope must have, None for any.
        """
        quick = self._quick(request, service)
        if quick is not None:
            return quick
        if family == "s3" and request.fields.get(b"authorization"):
            s3faults.check_mechanism(request)
            if request.fields[b"authorization"].startswith(b"AWS "):
                return self._version2_header(request)
        presigned = False
        try:
            if b"authorization" in request.fields and not (
                family == "s3" and _is_unusable(request.fields[b"authorization"])
            ):
                claim = sigv4.from_header(request)
            elif "X-Amz-Algorithm=" in request.query or "X-Amz-Signature=" in request.query:
                presigned = True
                claim = sigv4.from_query(_query(request))
            elif family == "s3" and ("AWSAccessKeyId=" in request.query or "Signature=" in request.query):
                return self._version2(request)
            else:
                return NOBODY
        except IncompleteError as error:
            if family == "s3":
                query = _query(request)
                raise (
                    s3faults.of_query(query, error) if presigned else s3faults.of_header(request, error)
                ) from error
            raise failures.incomplete(family, str(error), presigned=presigned) from error
        if family == "s3" and service is not None:
            s3faults.check_scope(claim)
        elif service is not None and claim.service != service:
            raise failures.wrong_service(family, service)
        credential = self._credential(claim, family)
        self._check_time(claim, family)
        payload, payload_hash = self._payload(request, claim, family)
        self._check_headers(request, claim, family)
        canonical = sigv4.canonical_request(request, claim, payload_hash)
        if not any(
            hmac.compare_digest(sigv4.sign(credential.secret, claim, each).encode(), claim.signature.encode())
            for each in (canonical, sigv4.without_port(request, canonical))
        ):
            to_sign = sigv4.string_to_sign(claim, canonical)
            raise failures.mismatch(family, claim.access_key, claim.signature, to_sign, canonical)
        if self._identities.is_known_to_all(credential) and sites.is_foreign(request, claim.service):
            raise failures.foreign_site(family)
        self._identities.note_use(credential, claim.service, claim.region)
        return Authenticated(
            credential.principal, claim.region, claim.service, claim, credential.secret, payload
        )

    def _quick(self, request: Request, service: str | None) -> Authenticated | None:
        """The usual request without a detour over text: a signed POST of JSON or a form to ``/``, or S3's.

        A third of the cost of `authenticate`, see bench/RESULTS.md. Whatever is unusual, wrong signatures
        included, gives None and is looked at again with the care that a refusal needs.
        """
        fields, body = request.fields, request.body
        authorization = fields.get(b"authorization")
        if authorization is None or body.__class__ is not bytes:
            return None
        if service == "s3":
            return self._quick_object(request, authorization)
        if request.target != "/" or request.method != "POST" or b"origin" in fields:
            return None  # Browsers tell the origin of every POST, rebound hosts included: see `sites`.
        known = self._recall(request, authorization)
        if known is None or (service is not None and known[0].service != service):
            return None
        repeated = known[0]
        if repeated.service == "s3" or (not repeated.has_target and b"x-amz-target" in fields):
            return None
        payload = sha256(body).hexdigest().encode()  # type: ignore[arg-type]
        return self._verified(known, fields, b"POST\n/\n", payload)

    def _quick_object(self, request: Request, authorization: bytes) -> Authenticated | None:
        """S3's: any method, on a path that is its own canonical form, without a query or a framed body."""
        fields, target = request.fields, request.target
        payload = fields.get(b"x-amz-content-sha256", b"")
        if sigv4.PLAIN_PATH.fullmatch(target) is None:
            return None
        known = self._recall(request, authorization)
        if known is None or known[0].service != "s3":
            return None
        signed = known[0].names
        for name in fields:
            if name.startswith(b"x-amz-") and name not in signed:
                return None
        # Of framed bodies it names the framing, which is no body's hash.
        if payload != b"UNSIGNED-PAYLOAD" and payload != sha256(request.body).hexdigest().encode():  # type: ignore[arg-type]
            return None
        return self._verified(known, fields, f"{request.method}\n{target}\n".encode(), payload)

    def _recall(self, request: Request, authorization: bytes) -> _Known | None:
        """What is known of the client, if its time is near and its session's token still good."""
        known = self._known.get(authorization[:-SIGNATURE])
        if known is None:
            known = self._learn(request, authorization)
            if known is None:
                return None
        fields = request.fields
        moment = fields.get(b"x-amz-date", b"")
        if moment[:8] != known[0].date or abs(sigv4.quick_time(moment) - self._clock.wall()) > SKEW:
            return None
        credential = known[1]
        if credential.token is not None and not self._has_token(credential, fields):
            return None
        return known

    def _verified(
        self, known: _Known, fields: dict[bytes, bytes], beginning: bytes, payload: bytes
    ) -> Authenticated | None:
        """The client, if the signature is right. `beginning` is the canonical request's method and path."""
        repeated = known[0]
        try:
            values = [fields[name] for name in repeated.names]
        except KeyError:
            return None
        canonical = repeated.canonical % (beginning, *values, payload)
        if b" " in canonical and (b"  " in canonical or b": " in canonical or b" \n" in canonical):
            return None  # spaces that are folded or cut before they are signed
        to_sign = repeated.to_sign % (fields[b"x-amz-date"], sha256(canonical).hexdigest().encode())
        signature = fields[b"authorization"][-SIGNATURE:]
        if not hmac.compare_digest(repeated.hmac.hexdigest(to_sign).encode(), signature):
            return None
        if repeated.unseen:
            repeated.unseen = False
            self._identities.note_use(known[1], repeated.service, repeated.region)
        return known[2]

    def _learn(self, request: Request, authorization: bytes) -> _Known | None:
        """Remember what a client will send again, by all of its header but the signature."""
        usual = sigv4.USUAL.fullmatch(authorization)
        if usual is None or b"host" not in usual[2].split(b";"):
            return None
        try:
            claim = sigv4.from_header(request)
        except IncompleteError:
            return None
        credential = self._identities.credential(claim.access_key)
        if credential is None or not credential.active:
            return None
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        authenticated = Authenticated(credential.principal, claim.region, claim.service)
        known = sigv4.Repeated(claim, credential.secret), credential, authenticated
        self._known[authorization[:-SIGNATURE]] = known
        return known

    def _has_token(self, credential: Credential, fields: dict[bytes, bytes]) -> bool:
        """Whether a session's token came along and is still good."""
        token = fields.get(b"x-amz-security-token", b"")
        return (
            credential.token is not None
            and hmac.compare_digest(credential.token.encode(), token)
            and (credential.expires is None or credential.expires > self._clock.time())
        )

    def _version2(self, request: Request) -> Authenticated:
        """A presigned URL of S3's older kind, which has no scope and covers no body."""
        query = sigv2.parameters(request)
        if not {"AWSAccessKeyId", "Signature"} & query.keys():
            return NOBODY
        expires = query.get("Expires", "")
        if not expires or not query.get("Signature") or not query.get("AWSAccessKeyId"):
            raise failures.missing_parameter()
        if not expires.isdigit() or len(expires) > 12:
            raise failures.missing_token("s3")
        credential = self._identities.credential(query["AWSAccessKeyId"])
        if credential is None or not credential.active:
            raise failures.unknown_key("s3", query["AWSAccessKeyId"])
        if credential.token is not None:
            token = query.get("x-amz-security-token") or request.header("x-amz-security-token")
            self._check_token(credential, token, "s3")
        if int(expires) < self._clock.time():
            raise failures.expired_url("s3", int(expires), self._clock.time())
        to_sign = sigv2.string_to_sign(request, query)
        return self._compared(credential, query["AWSAccessKeyId"], query["Signature"], to_sign)

    def _version2_header(self, request: Request) -> Authenticated:
        """The same in a header, which names no region and covers no body either."""
        claim = sigv2.from_header(request)
        if claim is None:
            raise failures.no_version2(request.header("authorization"))
        credential = self._identities.credential(claim[0])
        if credential is None or not credential.active:
            raise failures.unknown_key("s3", claim[0])
        if credential.token is not None:
            self._check_token(credential, request.header("x-amz-security-token"), "s3")
        moment, now = sigv2.time_of(request), self._clock.wall()
        if moment is None:
            raise failures.no_date()
        if abs(moment - now) > SKEW * 3:
            raise failures.skewed("s3", _text(moment), _text(now), "", late=moment < now)
        to_sign = sigv2.string_to_sign(request, sigv2.parameters(request))
        return self._compared(credential, *claim, to_sign)

    def _compared(self, credential: Credential, key: str, given: str, to_sign: str) -> Authenticated:
        wanted = sigv2.sign(credential.secret, to_sign)
        # Of a bucket alone, botocore signs the path with a slash at its end, and sends it without.
        slashed = sigv2.sign(credential.secret, sigv2.with_slash(to_sign))
        if not any(hmac.compare_digest(each.encode(), given.encode()) for each in (wanted, slashed)):
            raise failures.mismatch("s3", key, given, to_sign)
        return Authenticated(credential.principal)

    def _check_token(self, credential: Credential, token: str | None, family: str) -> None:
        if token is None or not hmac.compare_digest((credential.token or "").encode(), token.encode()):
            raise failures.bad_token(family)
        if credential.expires is not None and credential.expires <= self._clock.time():
            raise failures.expired_token(family)

    def _credential(self, claim: Signature, family: str) -> Credential:
        credential = self._identities.credential(claim.access_key)
        if credential is None or not credential.active:
            raise failures.unknown_key(family, claim.access_key)
        if credential.token is not None:
            self._check_token(credential, claim.token, family)
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
        if moment > now + allowed and family == "s3" and claim.expires is not None:
            raise s3faults.too_early(claim, now)
        if moment > now + allowed:
            raise failures.skewed(family, claim.moment, _text(now), _text(now + allowed), late=False)
        if claim.expires is not None:
            if moment + claim.expires < self._clock.time():
                end = moment + claim.expires
                raise failures.expired_url(family, end, self._clock.time(), claim.expires)
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
            raise s3faults.no_hash()
        if declared == UNSIGNED:
            return "", UNSIGNED
        if declared in STREAMING:
            return declared, declared
        if _HASH.fullmatch(declared) is None:
            raise failures.no_hash(declared)
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
            left = [
                name.decode("latin-1")
                for name in request.fields
                if name.startswith(b"x-amz-") and name.decode("latin-1") not in signed
            ]
            if claim.expires is not None:
                # A presigned URL covers no body, so that a hash which is sent along says nothing.
                left = [name for name in left if name != "x-amz-content-sha256"]
            if left:
                raise failures.unsigned_headers(left)
        elif b"x-amz-target" in request.fields and "x-amz-target" not in signed:
            raise failures.invalid_signature(
                family, "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."
            )


def _is_unusable(authorization: bytes) -> bool:
    """Whether S3 takes a header as none; raises what it says of mechanisms that are not its own."""
    if authorization and not authorization.startswith(b"AWS4-HMAC-SHA256"):
        raise failures.unsupported_type(authorization.decode("latin-1"))
    return not authorization


def _query(request: Request) -> dict[str, str]:
    pairs = (part.partition("=") for part in request.query.split("&"))
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _text(moment: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
