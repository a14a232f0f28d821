"""Whether a request may reach its method: the API's resource policy and the method's authorization.

How the two meet: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

import hashlib
from collections import OrderedDict
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.access.policies import decide
from maycloud.errors import AwsError
from maycloud.principal import ANONYMOUS, Principal
from maycloud.services.apigateway import cognito_authorizers, lambda_authorizers
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.gateway_responses import GatewayError
from maycloud.services.apigateway.lambda_authorizers import Verdict
from maycloud.services.apigateway.plans import DEFAULT_AUTHORIZER_TTL, MethodPlan
from maycloud.services.base import Call, Cloud, Service
from maycloud.store import Clock

INVOKE = "execute-api:Invoke"
INVALIDATE = "execute-api:InvalidateCache"

# Somebody whom an authorizer vouches for. AWS treats API and authorizer as of one account: it is enough
# that one of the two policies allows.
_CALLER = Principal("user", "anonymous", "anonymous", "anonymous")


class Results:
    """Answers of authorizers by what identifies the caller, the least used forgotten first."""

    def __init__(self, clock: Clock, limit: int = 20_000) -> None:
        self._clock = clock
        self._limit = limit
        self._kept: OrderedDict[Any, tuple[float, Any]] = OrderedDict()

    def get(self, key: Any) -> Any:
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] <= self._clock.time():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: Any, result: Any, seconds: float) -> None:
        self._kept[key] = (self._clock.time() + seconds, result)
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def flush(self, api: str, stage: str) -> None:
        """Forget the results of a stage; keys begin with the authorizer's, which begins with the stage."""
        prefix = f"{api}/{stage}/"
        for key in [key for key in self._kept if key[0].startswith(prefix)]:
            del self._kept[key]


def _key(plan: MethodPlan, *identity: str) -> tuple[str, bytes]:
    """What a result is kept by: tokens are long, and need not be kept themselves.

    As JSON, so that no value can be taken for the end of one and the beginning of the next.
    """
    return plan.authorizer_key, hashlib.sha256(orjson.dumps(identity)).digest()


class Authorization:
    """Decides on all requests of a cloud's APIs."""

    def __init__(self, cloud: Cloud, service: Service) -> None:
        self._cloud = cloud
        self._service = service
        self._clock = cloud.store.clock
        self.results = Results(cloud.store.clock)

    def check(self, exchange: Exchange, plan: MethodPlan) -> Coroutine[Any, Any, None] | None:
        """Let a request pass, or raise GatewayError; a coroutine where an authorizer has to be asked."""
        kind = plan.authorization
        if kind == "AWS_IAM":
            self._iam(exchange)
            return None
        if kind == "NONE":
            self._by_resource_policy(exchange)
            return None
        authorizer = plan.authorizer
        if authorizer is None or (authorizer["type"] == "COGNITO_USER_POOLS") != (
            kind == "COGNITO_USER_POOLS"
        ):
            raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR")
        if kind == "COGNITO_USER_POOLS":
            self._cognito(exchange, plan, authorizer)
            return None
        return self._custom(exchange, plan, authorizer)

    def may_invalidate(self, exchange: Exchange, plan: MethodPlan) -> bool:
        """Whether the caller may have the stage's cache refreshed."""
        if plan.authorization == "AWS_IAM" and exchange.principal is not None:
            policy = exchange.stage_plan.policy
            try:
                self._cloud.access.authorize(
                    self._call(exchange, exchange.principal), INVALIDATE, exchange.method_arn(), None, policy
                )
            except AwsError:
                return False
            return True
        return self._decide(exchange, INVALIDATE).allowed

    # IAM, and nobody

    def _iam(self, exchange: Exchange) -> None:
        try:
            principal = self._cloud.access.authenticate(
                exchange.request, "rest-json", "execute-api"
            ).principal
        except AwsError as error:
            raise GatewayError(_REFUSALS.get(error.code, "INVALID_SIGNATURE"), error.message) from error
        if principal.kind == "anonymous":
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        exchange.principal = principal
        self._ask_access(exchange, principal)

    def _by_resource_policy(self, exchange: Exchange) -> None:
        """A resource policy by itself: what it does not allow is denied."""
        if exchange.stage_plan.policy is not None:
            self._ask_access(exchange, ANONYMOUS)

    def _ask_access(self, exchange: Exchange, principal: Principal) -> None:
        arn = exchange.method_arn()
        try:
            self._cloud.access.authorize(
                self._call(exchange, principal), INVOKE, arn, None, exchange.stage_plan.policy
            )
        except AwsError as error:
            # AWS shows no more of the account than the end of its number.
            account = exchange.scope[0]
            message = error.message.replace(arn, arn.replace(f":{account}:", f":********{account[-4:]}:", 1))
            raise GatewayError("ACCESS_DENIED", message) from error

    def _call(self, exchange: Exchange, principal: Principal) -> Call:
        account, region = exchange.scope
        request = exchange.request
        return Call(
            self._cloud, self._service, self._service.operations["GetRestApi"], principal, account, region,
            exchange.request_id, request.peer, request.secure, request,
        )  # fmt: skip

    # Cognito authorizers

    def _cognito(self, exchange: Exchange, plan: MethodPlan, authorizer: dict[str, Any]) -> None:
        """The user pool's word for it; a resource policy has then to allow it by itself."""
        token = cognito_authorizers.bearer_of(exchange, authorizer)
        wanted = plan.method.get("authorizationScopes")
        use = "access" if wanted else "id"
        key = _key(plan, use, token)
        claimant = self.results.get(key)
        if claimant is None:
            claimant = cognito_authorizers.verify(self._cloud, authorizer, token, use)
            ttl = authorizer.get("authorizerResultTtlInSeconds", DEFAULT_AUTHORIZER_TTL)
            left = min(ttl, claimant.expires - self._clock.time())
            if left > 0:
                self.results.put(key, claimant, left)
        exchange.authorizer = claimant.context
        if wanted and claimant.scopes.isdisjoint(wanted):
            raise GatewayError("ACCESS_DENIED")
        self._by_resource_policy(exchange)

    # Lambda authorizers

    def _custom(
        self, exchange: Exchange, plan: MethodPlan, authorizer: dict[str, Any]
    ) -> Coroutine[Any, Any, None] | None:
        policy = exchange.stage_plan.compiled
        if policy is not None and self._decide(exchange, INVOKE).explicit:
            # What the resource policy denies is not worth asking the authorizer.
            raise denied(explicit=True)
        identity = lambda_authorizers.identity_of(exchange, authorizer)
        ttl = authorizer.get("authorizerResultTtlInSeconds", DEFAULT_AUTHORIZER_TTL)
        key = _key(plan, *identity)
        verdict = self.results.get(key) if ttl and identity else None
        if verdict is None:
            return self._ask(exchange, authorizer, key, ttl if identity else 0)
        self._apply(exchange, verdict)
        return None

    async def _ask(self, exchange: Exchange, authorizer: dict[str, Any], key: Any, ttl: int) -> None:
        verdict = await lambda_authorizers.ask(self._cloud, exchange, authorizer)
        if ttl:
            self.results.put(key, verdict, ttl)
        self._apply(exchange, verdict)

    def _apply(self, exchange: Exchange, verdict: Verdict) -> None:
        """A policy that was kept is evaluated for each method anew: it may allow one and not the next."""
        exchange.policy = verdict.policy
        exchange.usage_key = verdict.usage_key
        exchange.authorizer = dict(verdict.context)
        decision = self._decide(exchange, INVOKE)
        if not decision.allowed:
            raise denied(explicit=decision.explicit)

    def _decide(self, exchange: Exchange, action: str) -> Any:
        """By the authorizer's policy and the API's together."""
        return decide(
            action=action,
            resource=exchange.method_arn(),
            principal=_CALLER,
            account_of_resource="",
            identity=() if exchange.policy is None else (exchange.policy,),
            boundary=None,
            session=(),
            resource_policy=exchange.stage_plan.compiled,
            context=self._context(exchange),
        )

    def _context(self, exchange: Exchange) -> dict[str, Any]:
        """Condition keys of a request that no AWS principal has signed, in lower case."""
        request = exchange.request
        now = self._clock.time()
        keys: dict[str, Any] = {
            "aws:currenttime": datetime.fromtimestamp(now, UTC),
            "aws:epochtime": int(now),
            "aws:securetransport": request.secure,
            "aws:sourceip": request.peer,
            "aws:useragent": request.header("user-agent"),
        }
        if referer := request.header("referer"):
            keys["aws:referer"] = referer
        return keys


_REFUSALS = {
    "ExpiredTokenException": "EXPIRED_TOKEN",
    "InvalidSignatureException": "INVALID_SIGNATURE",
    "IncompleteSignatureException": "INVALID_SIGNATURE",
}


def denied(*, explicit: bool) -> GatewayError:
    why = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else "because no identity-based policy allows the execute-api:Invoke action"
    )
    return GatewayError("ACCESS_DENIED", f"User is not authorized to access this resource {why}")
