"""Policy documents compiled to statements, and AWS's decision over all that apply to a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from maycloud.access.conditions import Context, Patterns, compile_conditions, malformed
from maycloud.principal import Principal


class Grant(IntEnum):
    """How closely a Principal element names the caller; the closer, the less can limit it."""

    NONE = 0
    ACCOUNT = 1  # the caller's account, which then decides by identity policies
    ROLE = 2  # the role of a session, or everyone: needs no identity policy
    DIRECT = 3  # a user, a session, a service: nothing but an explicit deny limits it
    PROVIDER = 4  # an identity provider, who has no account to ask


@dataclass(frozen=True, slots=True)
class Decision:
    """`explicit` is whether a statement denied it; `reason` is AWS's clause, empty when allowed."""

    allowed: bool
    explicit: bool
    reason: str


@dataclass(slots=True)
class _Request:
    action: str  # in lower case
    resource: str
    principal: Principal
    context: Context


class _Principals:
    """A Principal or NotPrincipal element."""

    __slots__ = ("_accounts", "_names", "_providers", "_services", "_users", "everyone")

    def __init__(self, element: Any) -> None:
        if element == "*":
            element = {"AWS": "*"}
        if not isinstance(element, dict):
            raise malformed()
        aws = _texts(element.get("AWS", []))
        self.everyone = "*" in aws
        self._accounts = frozenset(account for name in aws if (account := _account(name)))
        self._names = frozenset(aws)  # ARNs and unique ids
        self._users = frozenset(_texts(element.get("CanonicalUser", [])))
        self._services = frozenset(name.lower() for name in _texts(element.get("Service", [])))
        self._providers = frozenset(_texts(element.get("Federated", [])))

    def grant(self, request: _Request) -> Grant:
        principal = request.principal
        everyone = Grant.DIRECT if self.everyone else Grant.NONE
        if principal.kind == "service":
            return Grant.DIRECT if self._has_service(principal) else everyone
        if principal.kind == "anonymous":
            return everyone
        if principal.kind == "federated" and self._has_provider(request):
            return Grant.PROVIDER
        names = self._names
        if principal.arn in names or principal.id in names:
            return Grant.DIRECT
        if principal.role_arn and (principal.role_arn in names or principal.id.partition(":")[0] in names):
            return Grant.ROLE
        if everyone:
            return Grant.ROLE if principal.role_arn or principal.kind == "federated" else Grant.DIRECT
        return Grant.ACCOUNT if principal.account in self._accounts else Grant.NONE

    def exempts(self, request: _Request) -> bool:
        """Whether NotPrincipal leaves the caller out. AWS wants account, role and session all listed."""
        principal = request.principal
        if self.everyone:
            return True
        if principal.kind == "service":
            return self._has_service(principal)
        if principal.kind == "anonymous":
            return False
        if principal.kind == "federated" and self._has_provider(request):
            return True
        if principal.account not in self._accounts:
            return False
        if principal.kind == "root":
            return True
        if principal.role_arn and principal.role_arn not in self._names:
            return False
        return principal.arn in self._names or principal.id in self._names

    def _has_service(self, principal: Principal) -> bool:
        if principal.arn.startswith("arn:"):  # an origin access identity of CloudFront
            return principal.arn in self._names or principal.id in self._users
        return principal.arn.lower() in self._services

    def _has_provider(self, request: _Request) -> bool:
        if not self._providers:
            return False
        provider = request.context.get("aws:federatedprovider")
        return request.principal.arn in self._providers or provider in self._providers


class _Statement:
    __slots__ = ("_actions", "_condition", "_not_actions", "_not_resources", "_principals", "_resources")

    def __init__(self, statement: dict[str, Any], variables: bool) -> None:
        def patterns(name: str, *, fold: bool) -> Patterns | None:
            if name not in statement:
                return None
            return Patterns(_texts(statement[name]), variables=variables and not fold, fold=fold)

        self._actions = patterns("Action", fold=True)
        self._not_actions = patterns("NotAction", fold=True)
        if self._actions is None and self._not_actions is None:
            raise malformed("Policy statement must contain actions.")
        self._resources = patterns("Resource", fold=False)
        self._not_resources = patterns("NotResource", fold=False)
        self._principals: Callable[[_Request], Grant] | None = _named_by(statement)
        condition = statement.get("Condition")
        self._condition = compile_conditions(condition, variables=variables) if condition else None

    def applies(self, request: _Request) -> bool:
        """Apart from who calls."""
        context = request.context
        if self._actions is not None and not self._actions.match(request.action, context):
            return False
        if self._not_actions is not None and self._not_actions.match(request.action, context):
            return False
        if self._resources is not None and not self._resources.match(request.resource, context):
            return False
        if self._not_resources is not None and self._not_resources.match(request.resource, context):
            return False
        return self._condition is None or self._condition(context)

    def grant(self, request: _Request) -> Grant:
        """As a statement of a resource-based policy."""
        if self._principals is None:
            return Grant.NONE
        grant = self._principals(request)
        return grant if grant and self.applies(request) else Grant.NONE


def _named_by(statement: dict[str, Any]) -> Callable[[_Request], Grant] | None:
    if "Principal" in statement:
        return _Principals(statement["Principal"]).grant
    if "NotPrincipal" in statement:
        if statement["Effect"] == "Allow":
            return None  # AWS does not support it: nobody is allowed by not being named
        others = _Principals(statement["NotPrincipal"])
        return lambda request: Grant.NONE if others.exempts(request) else Grant.DIRECT
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A compiled document: its statements by effect."""

    allowing: tuple[_Statement, ...]
    denying: tuple[_Statement, ...]

    def allows(self, request: _Request) -> bool:
        """As a policy of the caller: identity-based, boundary or session."""
        return any(statement.applies(request) for statement in self.allowing)

    def denies(self, request: _Request) -> bool:
        return any(statement.applies(request) for statement in self.denying)

    def grants(self, request: _Request) -> Grant:
        """As the policy of the resource: the closest naming of the caller that allows the request."""
        return max((statement.grant(request) for statement in self.allowing), default=Grant.NONE)

    def refuses(self, request: _Request) -> bool:
        return any(statement.grant(request) for statement in self.denying)


def compile_policy(document: dict[str, Any]) -> Policy:
    """Raises AwsError MalformedPolicyDocument where the document cannot be understood.

    Variables are known from version 2012-10-17 on; without a Version they are literal text.
    """
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list):
        raise malformed()
    variables = document.get("Version") == "2012-10-17"
    by_effect: dict[str, list[_Statement]] = {"Allow": [], "Deny": []}
    for statement in statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise malformed()
        by_effect[statement["Effect"]].append(_Statement(statement, variables))
    return Policy(tuple(by_effect["Allow"]), tuple(by_effect["Deny"]))


def decide(
    *,
    action: str,
    resource: str,
    principal: Principal,
    account_of_resource: str,
    identity: Sequence[Policy],
    boundary: Policy | None,
    session: Sequence[Policy],
    resource_policy: Policy | None,
    context: Mapping[str, Any],
) -> Decision:
    """Whether the caller may do it. `account_of_resource` is "" where nobody in particular owns it."""
    request = _Request(action.lower(), resource, principal, context)
    ours = not account_of_resource or account_of_resource == principal.account
    if principal.kind == "root" and ours and request.action in _ALWAYS_OF_ROOT:
        return _ALLOWED
    denier = _denier(request, identity, boundary, session, resource_policy)
    if denier:
        return Decision(False, True, f"with an explicit deny in {denier}")
    granted = resource_policy.grants(request) if resource_policy is not None else Grant.NONE
    if principal.kind in ("service", "anonymous"):
        trusted = principal.kind == "service" and principal.trusted and resource_policy is None
        return _ALLOWED if granted or trusted else _without("resource-based policy", action)
    if granted is Grant.PROVIDER or (ours and granted is Grant.DIRECT):
        return _ALLOWED
    missing = _limit(request, identity, boundary, session, asked=not (ours and granted is Grant.ROLE))
    if missing:
        return _without(missing, action)
    # Across accounts both sides must allow; keys and roles are closed to their own account too.
    closed = not ours or (resource_policy is not None and request.action.startswith(_CLOSED))
    return _without("resource-based policy", action) if closed and not granted else _ALLOWED


_ALLOWED = Decision(True, False, "")
_CLOSED = ("kms:", "sts:assumerole", "sts:tagsession", "sts:setsourceidentity")
# A bucket's owner can undo a policy that denies everyone everything.
_ALWAYS_OF_ROOT = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})


def _without(kind: str, action: str) -> Decision:
    return Decision(False, False, f"no {kind} allows the {action} action")


def _denier(
    request: _Request,
    identity: Sequence[Policy],
    boundary: Policy | None,
    session: Sequence[Policy],
    resource_policy: Policy | None,
) -> str:
    """The kind of policy that denies explicitly, with AWS's article; "" if none does."""
    for policy in identity:
        if policy.denies(request):
            return "an identity-based policy"
    if resource_policy is not None and resource_policy.refuses(request):
        return "a resource-based policy"
    if boundary is not None and boundary.denies(request):
        return "a permissions boundary"
    for policy in session:
        if policy.denies(request):
            return "a session policy"
    return ""


def _limit(
    request: _Request,
    identity: Sequence[Policy],
    boundary: Policy | None,
    session: Sequence[Policy],
    *,
    asked: bool,
) -> str:
    """The kind of the caller's policies that does not allow it; `asked` is whether identity policies are."""
    kind = request.principal.kind
    if asked and kind != "root" and not any(policy.allows(request) for policy in identity):
        return "identity-based policy"
    if boundary is not None and not boundary.allows(request):
        return "permissions boundary"
    # A federated user's session without a policy has no permissions.
    if (session or kind == "federated") and not any(policy.allows(request) for policy in session):
        return "session policy"
    return ""


def denial_message(principal: Principal, action: str, resource: str, decision: Decision) -> str:
    """AWS's sentence for a refusal.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html; with quotes for S3:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
    """
    if action.startswith("s3:") and resource != "*":
        resource = f'"{resource}"'
    because = "" if decision.explicit else "because "
    return (
        f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}"
        f" {because}{decision.reason}"
    )


def _texts(given: Any) -> list[str]:
    return [str(value) for value in given] if isinstance(given, list) else [str(given)]


def _account(name: str) -> str:
    """The account that an AWS principal means as a whole: by its number or its root's ARN."""
    if len(name) == 12 and name.isdecimal():
        return name
    parts = name.split(":")
    return parts[4] if len(parts) == 6 and parts[2] == "iam" and parts[5] == "root" else ""
