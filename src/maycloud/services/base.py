"""What a service is made of: operations named as AWS names them, and the call they answer.

    service = Service("sqs", state=Queues, schema=SCHEMA)

    @service.operation(resource=queue_arn)
    def SendMessage(call: Call, params: Params) -> Result: ...

`params` and the result have the members of AWS's own model for the operation, in botocore's Python
types. An operation may be a plain function (runs on the loop, its writes are atomic) or a coroutine
function (use `db.atomic()` around writes that belong together). It raises AwsError.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, overload

from maycloud.principal import Principal

if TYPE_CHECKING:
    from maycloud.config import Config
    from maycloud.edge.certificates import Authority
    from maycloud.edge.messages import Handler, Reply, Request
    from maycloud.inbox import Inbox
    from maycloud.store import Scope, Store
    from maycloud.store.database import Step

Params = dict[str, Any]
Result = dict[str, Any] | None
Context = dict[str, Any]
Policy = dict[str, Any]


class Cloud(Protocol):
    """What services see of the cloud they run in."""

    store: "Store"
    config: "Config"
    authority: "Authority"  # makes the certificates of what serves TLS on a port of its own
    url: str  # of the endpoint, http://127.0.0.1:4566
    region: str  # the default region
    inbox: "Inbox"  # where mails to users go

    async def call(
        self,
        service: str,
        operation: str,
        params: Params | None = None,
        *,
        as_: Principal,
        region: str | None = None,
        account: str | None = None,
        context: Context | None = None,
    ) -> dict[str, Any]:
        """The operation a client would reach over the wire, with the same checks, less the HTTP.

        `context` adds condition keys, such as ``aws:SourceArn``. Raises AwsError.
        """
        ...

    @property
    def access(self) -> Any:
        """The access layer: identities for iam, sts and for who runs code as a role."""
        ...

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine beside the caller; what it raises is logged."""
        ...

    def state(self, service: str) -> Any:
        """The per-cloud state object of a service. For the service itself, the console and tests."""
        ...

    def serve_host(self, label: str, handler: "Handler") -> None:
        """Route hosts that have `label` among their labels (``execute-api``) to a handler."""
        ...

    def claim_hosts(self, claims: Callable[[bytes], bool], handler: "Handler") -> None:
        """Route hosts that `claims` says yes to, a Host header each, to a handler."""
        ...

    def serve_path(self, prefix: str, handler: "Handler") -> None:
        """Route paths below `prefix` (``/_aws/execute-api/``) to a handler."""
        ...


class Call:
    """One call of one operation."""

    __slots__ = (
        "account",
        "authorizer",
        "cloud",
        "context",
        "http",
        "operation",
        "params",
        "principal",
        "region",
        "request_id",
        "secure",
        "service",
        "source_ip",
    )

    def __init__(
        self,
        cloud: Cloud,
        service: "Service",
        operation: "Operation",
        principal: Principal,
        account: str,
        region: str,
        request_id: str,
        source_ip: str = "127.0.0.1",
        secure: bool = False,
        http: "Request | None" = None,
        context: Context | None = None,
        authorizer: "Authorizer | None" = None,
        params: Params | None = None,
    ) -> None:
        self.cloud = cloud
        self.service = service
        self.operation = operation
        self.principal = principal
        self.account = account  # whose resources are meant: the caller's own, unless an ARN says otherwise
        self.region = region
        self.request_id = request_id
        self.source_ip = source_ip
        self.secure = secure
        self.http = http  # None for a call from inside
        self.context: Context = {} if context is None else context  # extra condition keys of the request
        self.authorizer = authorizer
        self.params = params  # of the operation, while it is authorised and run

    def elsewhere(self, account: str, params: Params) -> "Call":
        """The same caller's, for what another account may own."""
        return Call(
            self.cloud,
            self.service,
            self.operation,
            self.principal,
            account,
            self.region,
            self.request_id,
            self.source_ip,
            self.secure,
            self.http,
            self.context,
            self.authorizer,
            params,
        )

    @property
    def scope(self) -> "Scope":
        return self.account, self.region

    @property
    def store(self) -> "Store":
        return self.cloud.store

    @property
    def state(self) -> Any:
        """The service's own state object in this cloud."""
        return self.cloud.state(self.service.name)

    def now(self) -> float:
        return self.cloud.store.clock.time()

    def authorize(
        self, action: str, resource: str, context: Context | None = None, policy: Policy | None = None
    ) -> None:
        """Check one more permission than the operation declares. Raises AWS's denial."""
        if self.authorizer is not None:
            self.authorizer(self, action, resource, context, policy)


Authorizer = Callable[[Call, str, str, Context | None, Policy | None], None]
Function = Callable[[Call, Params], Result | Awaitable[Result]]
Check = tuple[str, str]  # an IAM action and the ARN it is asked for


@dataclass(slots=True, eq=False)
class Operation:
    """An operation and what access control needs to know of it."""

    name: str
    function: Function
    action: str  # IAM action, ``dynamodb:PutItem``
    resource: Callable[[Call, Params], str] | None = None  # ARN, None for "*"
    checks: Callable[[Call, Params], Iterable[Check]] | None = None  # instead of action and resource
    context: Callable[[Call, Params], Context] | None = None  # condition keys of the service
    policy: Callable[[Call, str], Policy | None] | None = None  # resource policy of an ARN
    account: Callable[[Call, Params], str | None] | None = None  # owner of the resource, if another
    public: bool = False  # needs no signature (sts:AssumeRoleWithWebIdentity, cognito SignUp)
    unsigned: bool = False  # a signature is not even looked at (the preflight request of a signed URL)
    unchecked: bool = False  # signature but no policy (sts:GetCallerIdentity)
    atomic: bool = True  # writes are undone if it raises; False where nothing is written before checks end
    is_async: bool = False


class Service:
    """A service as declared by its `api.py`. Holds no state: one declaration serves many clouds."""

    def __init__(
        self,
        name: str,
        *,
        prefix: str | None = None,
        state: Callable[[Cloud], Any] | None = None,
        schema: "Sequence[Step]" = (),
        denied: str | None = None,
        default_policy: Callable[[Call, str], Policy | None] | None = None,
        max_body: int = 16 << 20,
        anonymous: bool = False,
        context: Callable[[Call, Params], Context] | None = None,
        answering: "Callable[[Cloud, Request, str | None, Reply], Reply] | None" = None,
        before: Callable[[Call], None] | None = None,
    ) -> None:
        """`name` is botocore's name of the service and `prefix` IAM's, when it is another.

        `state` is made once per cloud, when the service is first needed, and may have ``start()``,
        ``async resume()``, called where this data folder has seen the service before, and ``async stop()``.
        `schema` holds the migration steps of the service's tables. `denied` is the error code
        of a refusal where it is not the protocol's usual one. `default_policy` finds resource
        policies for operations that do not name their own. `max_body` bounds a request in bytes,
        but for operations whose payload streams. With `anonymous`, unsigned requests go on to the
        policies, as in S3. `context` gives the condition keys of operations that do not name their
        own. `answering` may wrap the reply to a request, for headers that do not come from an
        operation (CORS); it is given the bucket that the host names. `before` runs ahead of each
        operation that is a plain function; what it writes stays, even if the operation fails.
        """
        self.name = name
        self.prefix = prefix or name
        self.state = state
        self.schema = schema
        self.denied = denied
        self.default_policy = default_policy
        self.max_body = max_body
        self.anonymous = anonymous
        self.context = context
        self.answering = answering
        self.before = before
        self.operations: dict[str, Operation] = {}

    @overload
    def operation(self, function: Function) -> Function: ...

    @overload
    def operation(self, **options: Any) -> Callable[[Function], Function]: ...

    def operation(self, function: Function | None = None, **options: Any) -> Any:
        """Register an operation under its function's name; options are the fields of Operation."""

        def register(fn: Function) -> Function:
            name = fn.__name__  # type: ignore[attr-defined]
            action = options.pop("action", f"{self.prefix}:{name}")
            self.operations[name] = Operation(
                name, fn, action, is_async=inspect.iscoroutinefunction(fn), **options
            )
            return fn

        return register(function) if function is not None else register
