"""What a stage serves, worked out once: routes, settings, authorizers and cache keys of its methods.

Plans are kept until the API, the stage or its deployment changes (`Gateway.plans`).
"""

from dataclasses import dataclass, field

import orjson

from maycloud.access.policies import Policy, compile_policy
from maycloud.services.apigateway.routing import Router
from maycloud.store import Document, Scope

DEFAULT_CACHE_TTL = 300  # seconds
DEFAULT_AUTHORIZER_TTL = 300
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
ANY_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@dataclass(slots=True)
class CachePlan:
    """How answers of a method are cached.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html
    """

    ttl: int  # seconds
    prefix: str  # namespace, verb and names of the parameters
    parameters: tuple[str, ...]  # mapping expressions whose values tell answers apart
    must_authorize: bool  # whether Cache-Control needs execute-api:InvalidateCache
    unauthorized: str  # what happens to those who lack it


@dataclass(slots=True)
class MethodPlan:
    """One method as a verb reaches it."""

    resource: Document
    method: Document
    authorization: str
    authorizer: Document | None
    authorizer_key: str  # of its results: an authorizer that changes starts anew
    settings: Document
    throttle_key: str
    caching: CachePlan | None


@dataclass(slots=True)
class StagePlan:
    """All that serving needs to know of a stage."""

    scope: Scope
    api: str
    stage: Document
    deployment: Document  # the API as it was when it was deployed
    router: Router
    policy: Document | None  # the API's resource policy
    compiled: Policy | None
    canary: "StagePlan | None" = None  # what a part of the requests is served by
    percent: float = 0.0  # of the requests
    is_canary: bool = False
    methods: dict[tuple[str, str], MethodPlan | None] = field(
        default_factory=dict[tuple[str, str], MethodPlan | None]
    )

    def method(self, resource: Document, verb: str) -> MethodPlan | None:
        """The plan for a verb on a resource, by the verb's own method or by ANY."""
        key = (resource["id"], verb)
        if key not in self.methods:
            methods = resource.get("resourceMethods") or {}
            method = methods.get(verb) or (methods.get("ANY") if verb in ANY_METHODS else None)
            # Verbs are as many as clients make up: only those that are there are kept.
            if method is None:
                return None
            self.methods[key] = self._make(resource, method, verb)
        return self.methods[key]

    def _make(self, resource: Document, method: Document, verb: str) -> MethodPlan:
        own, common = method_settings(self.stage, resource["path"], verb)
        authorizer = self.deployment["authorizers"].get(method.get("authorizerId") or "")
        authorizer_text = orjson.dumps(authorizer, option=orjson.OPT_SORT_KEYS).decode()
        return MethodPlan(
            resource=resource,
            method=method,
            authorization=method.get("authorizationType") or "NONE",
            authorizer=authorizer,
            authorizer_key=f"{self.api}/{self.stage['stageName']}/{authorizer_text}",
            settings={**common, **own},
            throttle_key=f"{resource['path']}/{verb}",
            caching=self._caching(resource, method, verb, own, common),
        )

    def _caching(
        self, resource: Document, method: Document, verb: str, own: Document, common: Document
    ) -> CachePlan | None:
        """None where the method's answers are not cached. By the stage's settings, only GET's are."""
        enabled = own.get("cachingEnabled", common.get("cachingEnabled", False) and verb == "GET")
        settings = {**common, **own}
        ttl = settings.get("cacheTtlInSeconds", DEFAULT_CACHE_TTL)
        integration = method.get("methodIntegration")
        if not self.stage.get("cacheClusterEnabled") or not enabled or ttl <= 0 or integration is None:
            return None
        names: tuple[str, ...] = tuple(integration.get("cacheKeyParameters") or ())
        expressions: dict[str, str] = {name: name for name in names}
        expressions |= integration.get("requestParameters") or {}
        namespace = integration.get("cacheNamespace") or resource["id"]
        return CachePlan(
            ttl=ttl,
            prefix="\n".join((namespace, verb, *names)),
            # A parameter of the integration's request has the value that is mapped to it.
            parameters=tuple(expressions[name] for name in names),
            must_authorize=settings.get("requireAuthorizationForCacheControl", True),
            unauthorized=settings.get(
                "unauthorizedCacheControlHeaderStrategy", "SUCCEED_WITH_RESPONSE_HEADER"
            ),
        )


def canary_stage(stage: Document) -> Document:
    """The stage as requests to its canary see it; without the stage's cache unless it shares that."""
    canary = stage["canarySettings"]
    variables = {**(stage.get("variables") or {}), **canary.get("stageVariableOverrides", {})}
    seen = stage | {"deploymentId": canary["deploymentId"], "variables": variables}
    return seen if canary["useStageCache"] else seen | {"cacheClusterEnabled": False}


def make_plan(scope: Scope, api: str, stage: Document, deployment: Document) -> StagePlan:
    text = deployment.get("policy")
    policy = orjson.loads(_expanded(text, scope, api)) if text else None
    resources = deployment["resources"].values()
    return StagePlan(
        scope=scope,
        api=api,
        stage=stage,
        deployment=deployment,
        router=Router((each["path"], each) for each in resources if each.get("resourceMethods")),
        policy=policy,
        compiled=compile_policy(policy) if policy is not None else None,
    )


def _expanded(text: str, scope: Scope, api: str) -> str:
    """A policy with its short resources, ``execute-api:/stage/*``, written out."""
    account, region = scope
    return text.replace('"execute-api:/', f'"arn:aws:execute-api:{region}:{account}:{api}/')


def method_settings(stage: Document, path: str, verb: str) -> tuple[Document, Document]:
    """The settings of a method: its own, and those of the whole stage."""
    settings = stage.get("methodSettings") or {}
    name = path.removeprefix("/").replace("/", "~1")
    own = settings.get(f"{name}/{verb}") or settings.get(f"~1{name}/{verb}")
    return own or {}, settings.get("*/*") or {}
