"""An AWS API request's whole life, from top to bottom: find, authenticate, decode, authorise, run, encode.

The same operations are run from inside by `Dispatcher.call`, less the wire.
"""

import asyncio
import logging
import os
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import orjson

from maycloud.access.authentication import NOBODY, Authenticated
from maycloud.access.failures import AccessDeniedError
from maycloud.access.guard import Access
from maycloud.edge.messages import BodyTooLargeError, Reply, Request
from maycloud.errors import AwsError
from maycloud.loading import Services
from maycloud.principal import Principal
from maycloud.services.base import Call, Cloud, Context, Operation, Params, Service
from maycloud.store.database import Database
from maycloud.wire.bound import Bound, WireError
from maycloud.wire.registry import Registry

log = logging.getLogger("maycloud")

MAX_MISSING = 100  # names that are remembered
_NAME = re.compile(r"[A-Za-z][\w.:-]{0,127}")
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_BYTES = [f"{value:02x}" for value in range(256)]


class RequestIds:
    """Request ids in the form of random UUIDs: a random beginning for every 65,536 of them, and a count."""

    def __init__(self) -> None:
        self._count = 0
        self._random = ""
        self._prefix = ""  # all but the last two digits

    def next(self) -> str:
        low = self._count & 0xFF
        if not low:
            if not self._count:
                text = os.urandom(16).hex()
                self._random = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:28]}"
            self._prefix = self._random + _BYTES[self._count >> 8]
        self._count = (self._count + 1) & 0xFFFF
        return self._prefix + _BYTES[low]


class Dispatcher:
    """Runs operations for requests and for calls from inside."""

    def __init__(self, cloud: Cloud, access: Access, wire: Registry, services: Services) -> None:
        self._cloud = cloud
        self._access = access
        self._wire = wire
        self._services = services
        self._db: Database = cloud.store.db
        self._allowed = access.allowed
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = RequestIds()
        self.missing: Counter[str] = Counter()  # what was asked for and is not there, for `may status`

    # From the wire

    def handle(self, request: Request, reply: Reply, bucket: str | None = None) -> None:
        """Answer one AWS API request, at once where its operation is a plain function.

        `bucket` is the S3 bucket that the host names.
        """
        identifier = self._ids.next()
        # A target header names the operation by itself; the scope is compared once it is verified.
        peeked = None if b"x-amz-target" in request.fields else self._access.peek(request)
        try:
            bound = self._wire.resolve(request, peeked[0] if peeked else None, bucket)
        except WireError as refusal:
            self._miss(request)
            reply(refusal.response)
            return
        service = self._services[bound.service]
        if service.answering is not None:
            reply = service.answering(self._cloud, request, bucket, reply)
        operation = service.operations.get(bound.operation)
        if operation is None:
            reply(bound.error(self._unsupported(request, bound), identifier))
            return
        if request.body.__class__ is bytes and not operation.is_async:
            try:
                authenticated = self._authenticate(request, bound, operation)
                body = authenticated.body(request) if authenticated.payload else request.body
                params = bound.decode(request, body)
                call = self._call(service, operation, authenticated, request, identifier)
                self._authorize(call, params)
                outcome = self._run(call, params)
                if outcome.__class__ is not dict and isinstance(outcome, Awaitable):
                    # It found that this request needs time after all.
                    self._spawn(self._answer(reply, bound, outcome, identifier))
                    return
                response = bound.encode(outcome, identifier)
            except AwsError as error:
                response = bound.error(error, identifier)
            except Exception:
                log.exception("%s:%s failed, request %s", bound.service, bound.operation, identifier)
                response = bound.error(_internal(), identifier)
            self._db.after_commit(reply, response)
            return
        work = self._run_slowly(request, bound, service, operation, identifier)
        self._spawn(self._answer(reply, bound, work, identifier))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _unsupported(self, request: Request, bound: Bound) -> AwsError:
        """What an operation that is not there answers: to strangers that they are strangers.

        But for what AWS lets strangers call, such as most of Cognito.
        """
        model = self._wire.model(bound.service)
        open_to_all = model.operations.get(bound.operation, {}).get("authtype") == "none"
        if isinstance(request.body, bytes) and not open_to_all:
            try:
                found = self._access.authenticate(request, bound.family, bound.signing_name)
                if found.principal.kind == "anonymous":
                    return self._access.missing_token(bound.family)
            except AwsError as error:
                return error
        self._count_missing(f"{bound.service}:{bound.operation}")
        return _unsupported(bound)

    def _miss(self, request: Request) -> None:
        """Remember what was asked for that no service here knows, by its signing name and target."""
        claimed = self._access.peek(request)
        operation = request.fields.get(b"x-amz-target", b"").decode("latin-1").rpartition(".")[2]
        if claimed is not None and (operation or claimed[0] not in self._services):
            name = f"{claimed[0]}:{operation}" if operation else claimed[0]
            if _NAME.fullmatch(name):
                self._count_missing(name)

    def _count_missing(self, name: str) -> None:
        if name in self.missing or len(self.missing) < MAX_MISSING:
            self.missing[name] += 1

    async def _run_slowly(
        self, request: Request, bound: Bound, service: Service, operation: Operation, identifier: str
    ) -> Any:
        """The same steps for a body still arriving or an operation that waits."""
        body = request.body
        if not isinstance(body, bytes) and not bound.streaming_input:
            request.body = await body.read(service.max_body)
        authenticated = self._authenticate(request, bound, operation)
        params = bound.decode(request, authenticated.body(request))
        call = self._call(service, operation, authenticated, request, identifier)
        self._authorize(call, params)
        return await self._outcome(call, params)

    async def _answer(self, reply: Reply, bound: Bound, work: Awaitable[Any], identifier: str) -> None:
        try:
            response = bound.encode(await work, identifier)
        except AwsError as error:
            response = bound.error(error, identifier)
        except BodyTooLargeError:
            response = bound.error(_too_large(bound), identifier)
        except ConnectionError:
            log.debug("client left in the middle of %s:%s", bound.service, bound.operation)
            response = bound.error(
                AwsError("IncompleteBody", "The request body terminated unexpectedly"), identifier
            )
        except Exception:
            log.exception("%s:%s failed, request %s", bound.service, bound.operation, identifier)
            response = bound.error(_internal(), identifier)
        self._db.after_commit(reply, response)

    def _authenticate(self, request: Request, bound: Bound, operation: Operation) -> Authenticated:
        if operation.unsigned:
            return NOBODY
        authenticated = self._access.authenticate(request, bound.family, bound.signing_name)
        service = self._services[bound.service]
        if authenticated.principal.kind == "anonymous" and not (operation.public or service.anonymous):
            raise self._access.missing_token(bound.family)
        return authenticated

    def _call(
        self,
        service: Service,
        operation: Operation,
        authenticated: Authenticated,
        request: Request,
        identifier: str,
    ) -> Call:
        principal = authenticated.principal
        return Call(
            self._cloud,
            service,
            operation,
            principal,
            principal.account,
            authenticated.region or self._cloud.region,
            identifier,
            request.peer,
            # What stays on this machine counts as secure, see docs/decisions.md.
            request.secure or request.peer in _LOOPBACK,
            request,
            {},
            self._authorize_more,
        )

    # From inside

    async def call(
        self,
        service: str,
        operation: str,
        params: Params | None,
        principal: Principal,
        region: str | None,
        account: str | None,
        context: Context | None,
    ) -> dict[str, Any]:
        """See `Cloud.call`."""
        declared = self._services.get(service)
        found = declared.operations.get(operation) if declared else None
        if declared is None or found is None:
            raise AwsError("UnknownOperationException", f"{service}:{operation} is not supported", 501)
        call = Call(
            self._cloud,
            declared,
            found,
            principal,
            account or principal.account,
            region or self._cloud.region,
            self._ids.next(),
            secure=True,
            context=context or {},
            authorizer=self._authorize_more,
        )
        params = params or {}
        self._wire.check(service, operation, params)
        self._authorize(call, params)
        return _plain(await self._outcome(call, params)) or {}

    # Both

    def _authorize(self, call: Call, params: Params) -> None:
        operation = call.operation
        call.params = params
        if operation.account is not None:
            call.account = operation.account(call, params) or call.account
        if operation.public or operation.unchecked:
            return
        find_policy = operation.policy or call.service.default_policy
        if operation.checks is None:
            resource = operation.resource(call, params) if operation.resource is not None else "*"
            policy = find_policy(call, resource) if find_policy is not None else None
            if policy is not None or (call.principal, operation.action, resource) not in self._allowed:
                self._check(call, params, operation.action, resource, policy)
            return
        for action, resource in operation.checks(call, params):
            policy = find_policy(call, resource) if find_policy is not None else None
            self._check(call, params, action, resource, policy)

    def _check(self, call: Call, params: Params, action: str, resource: str, policy: Params | None) -> None:
        make = call.operation.context or call.service.context
        # Made only if a condition asks for it.
        context = None if make is None else lambda: make(call, params)
        self._authorize_more(call, action, resource, context, policy)

    def _authorize_more(
        self,
        call: Call,
        action: str,
        resource: str,
        context: Context | Callable[[], Context] | None,
        policy: Params | None,
    ) -> None:
        """One permission, refused with the service's own code; also what `Call.authorize` asks."""
        try:
            self._access.authorize(call, action, resource, context, policy)
        except AccessDeniedError as error:
            if call.service.denied is not None:
                error.code = call.service.denied
            if call.service.anonymous and call.principal.account != call.account:
                error.message = "Access Denied"  # whose policy it was is none of a stranger's business
            raise

    def _run(self, call: Call, params: Params) -> Any:
        operation = call.operation
        if call.service.before is not None:
            call.service.before(call)
        if not operation.atomic:
            return operation.function(call, params)
        db = self._db
        db.begin_operation()
        try:
            result = operation.function(call, params)
        except BaseException:
            db.undo_operation()
            raise
        db.end_operation()
        return result

    async def _outcome(self, call: Call, params: Params) -> Any:
        """Of an operation of either kind, or of one that only finds out which it is."""
        if call.operation.is_async:
            outcome = call.operation.function(call, params)
        else:
            outcome = self._run(call, params)
        return await outcome if isinstance(outcome, Awaitable) else outcome

    async def stop(self) -> None:
        """Let running operations finish; the edge takes no new ones any more."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in self._tasks:
            task.cancel()


def _plain(result: Any) -> Any:
    """A result with its unparsed fragments parsed: callers from inside want dictionaries."""
    if isinstance(result, orjson.Fragment):
        return orjson.loads(orjson.dumps(result))
    if isinstance(result, dict):
        return {key: _plain(value) for key, value in result.items()}
    if isinstance(result, list):
        return [_plain(value) for value in result]
    return result


def _unsupported(bound: Bound) -> AwsError:
    return AwsError(
        "NotImplemented" if bound.service == "s3" else "UnknownOperationException",
        f"{bound.operation} of {bound.service} is not supported by Maycloud; see docs/coverage.md",
        501 if bound.service == "s3" else 400,
    )


def _internal() -> AwsError:
    return AwsError("InternalFailure", "The request processing has failed because of an unknown error.", 500)


def _too_large(bound: Bound) -> AwsError:
    if bound.service == "s3":
        return AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    return AwsError("RequestEntityTooLargeException", "Request body is too large", 413)
