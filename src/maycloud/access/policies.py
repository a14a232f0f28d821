"""Policies, compiled once, and the decision over all that apply to a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from maycloud.access.conditions import compile_conditions
from maycloud.access.patterns import Text, compile_text, glob
from maycloud.principal import Principal

Context = Mapping[str, Any]
Outcome = Literal["allow", "deny"] | None
Matcher = Callable[[str, Context], bool]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed; if not, whether a statement denied it, and AWS's clause of why."""

    allowed: bool
    explicit: bool
    reason: str


_ALLOWED = Decision(True, False, "")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: each matcher is None where anything matches."""

    allows: bool
    action: Matcher | None
    resource: Matcher | None
    principal: "_Principals | None"
    condition: Callable[[Context], bool] | None

    def applies(self, action: str, resource: str, context: Context) -> bool:
        return (
            (self.action is None or self.action(action, context))
            and (self.resource is None or self.resource(resource, context))
            and (self.condition is None or self.condition(context))
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled policy document."""

    statements: tuple[Statement, ...]

    def outcome(self, action: str, resource: str, context: Context) -> Outcome:
        """What the policy says of a request, principals aside. A denial wins."""
        found: Outcome = None
        lowered = action.lower()
        for statement in self.statements:
            if found == "allow" and statement.allows:
                continue
            if statement.applies(lowered, resource, context):
                if not statement.allows:
                    return "deny"
                found = "allow"
        return found

    def outcome_for(
        self, principal: Principal, action: str, resource: str, context: Context
    ) -> tuple[Outcome, bool]:
        """The same for a resource policy; and whether the caller was named itself, not by its account."""
        found: Outcome = None
        named = False
        lowered = action.lower()
        for statement in self.statements:
            matched = statement.principal.match(principal) if statement.principal is not None else None
            if matched is None or not statement.applies(lowered, resource, context):
                continue
            if not statement.allows:
                return "deny", False
            found = "allow"
            named = named or matched == "direct"
        return found, named


def compile_policy(document: Mapping[str, Any]) -> Policy:
    """A policy document that was validated when it was stored."""
    statements = document.get("Statement", [])
    variables = document.get("Version") == "2012-10-17"
    listed = statements if isinstance(statements, list) else [statements]
    return Policy(tuple(_compile(statement, variables) for statement in listed))


def _compile(statement: Mapping[str, Any], variables: bool) -> Statement:
    condition = statement.get("Condition")
    return Statement(
        statement.get("Effect") == "Allow",
        _matcher(statement, "Action", variables=False, lower=True),
        _matcher(statement, "Resource", variables=variables, lower=False),
        _principals(statement),
        compile_conditions(condition, variables=variables) if condition else None,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matcher(statement: Mapping[str, Any], name: str, *, variables: bool, lower: bool) -> Matcher | None:
    """Matches Action or Resource, or what is not in NotAction or NotResource."""
    negated = f"Not{name}" in statement
    values = statement.get(f"Not{name}" if negated else name)
    if values is None:
        # Resource policies of some services leave the resource out: it is the one they are of.
        return None
    texts = [str(each).lower() if lower else str(each) for each in _list(values)]
    if not negated and "*" in texts:
        return None
    literals = frozenset(text for text in texts if not set("*?$") & set(text))
    patterns: list[str | Text] = [
        compile_text(text) if variables and "${" in text else text for text in texts if text not in literals
    ]

    def match(value: str, context: Context) -> bool:
        if value in literals:
            return not negated
        for pattern in patterns:
            text = pattern if isinstance(pattern, str) else pattern.value(context)
            if text is not None and glob(text, value):
                return not negated
        return negated

    return match


@dataclass(frozen=True, slots=True)
class _Principals:
    """Whom a statement of a resource policy names."""

    everybody: bool
    arns: frozenset[str]
    accounts: frozenset[str]
    services: frozenset[str]
    federated: frozenset[str]
    negated: bool

    def match(self, principal: Principal) -> Literal["direct", "account"] | None:
        found = self._match(principal)
        if self.negated:
            return None if found else "direct"
        return found

    def _match(self, principal: Principal) -> Literal["direct", "account"] | None:
        if self.everybody:
            return "direct"
        if principal.kind == "service":
            return "direct" if principal.arn in self.services else None
        if principal.arn in self.arns or (principal.role_arn and principal.role_arn in self.arns):
            return "direct"
        if principal.kind == "federated" and principal.context.get("aws:FederatedProvider") in self.federated:
            return "direct"
        if principal.account in self.accounts:
            return "account"
        return None


def _principals(statement: Mapping[str, Any]) -> _Principals | None:
    negated = "NotPrincipal" in statement
    given = statement.get("NotPrincipal" if negated else "Principal")
    if given is None:
        return None
    if given == "*":
        given = {"AWS": "*"}
    arns: set[str] = set()
    accounts: set[str] = set()
    everybody = False
    for text in _list(given.get("AWS", [])):
        if text == "*":
            everybody = True
        elif text.isdigit() and len(text) == 12:
            accounts.add(text)
        elif text.endswith(":root"):
            accounts.add(text.split(":")[4])
        else:
            arns.add(text)
    services = frozenset(_list(given.get("Service", [])))
    federated = frozenset(_list(given.get("Federated", [])))
    return _Principals(everybody, frozenset(arns), frozenset(accounts), services, federated, negated)


# Deciding


def _denied(kind: str) -> Decision:
    return Decision(False, True, f"with an explicit deny in {kind}")


def _implicit(kind: str, action: str) -> Decision:
    return Decision(False, False, f"no {kind} allows the {action} action")


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
    context: Context,
) -> Decision:
    """The decision over all policies that apply to one request."""
    outcomes = [policy.outcome(action, resource, context) for policy in identity]
    if "deny" in outcomes:
        return _denied("an identity-based policy")
    bounded = boundary.outcome(action, resource, context) if boundary is not None else "allow"
    if bounded == "deny":
        return _denied("a permissions boundary")
    sessions = [policy.outcome(action, resource, context) for policy in session]
    if "deny" in sessions:
        return _denied("a session policy")
    granted: Outcome = None
    named = False
    if resource_policy is not None:
        granted, named = resource_policy.outcome_for(principal, action, resource, context)
        if granted == "deny":
            return _denied("a resource-based policy")
    if principal.kind in ("service", "anonymous"):
        return _ALLOWED if granted == "allow" else _implicit("resource-based policy", action)
    in_session = not session or "allow" in sessions
    if principal.account != account_of_resource:
        if granted != "allow":
            return _implicit("resource-based policy", action)
    elif granted == "allow" and named and (principal.kind != "role" or (bounded == "allow" and in_session)):
        # Naming the caller itself grants the right whatever its own policies are silent about. A role's
        # sessions are still held by the boundary and by session policies.
        return _ALLOWED
    if principal.kind != "root" and "allow" not in outcomes and not (granted == "allow" and named):
        return _implicit("identity-based policy", action)
    if bounded != "allow":
        return _implicit("permissions boundary", action)
    return _ALLOWED if in_session else _implicit("session policy", action)


def denial_message(principal: Principal, action: str, resource: str, decision: Decision) -> str:
    """AWS's sentence for a refusal."""
    target = f" on resource: {resource}" if resource != "*" else " on resource: *"
    if decision.explicit:
        return f"User: {principal.arn} is not authorized to perform: {action}{target} {decision.reason}"
    return f"User: {principal.arn} is not authorized to perform: {action}{target} because {decision.reason}"
