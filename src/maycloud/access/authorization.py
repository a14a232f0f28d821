"""Decisions: the policies of caller and resource, compiled once and kept until they change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.access.failures import AccessDeniedError
from maycloud.access.identities import MFA_TIME, Identities
from maycloud.access.policies import Policy as CompiledPolicy
from maycloud.access.policies import compile_policy, decide, denial_message
from maycloud.principal import Principal
from maycloud.services.base import Call, Context, Policy
from maycloud.store import Store

MAX_CACHED = 50_000


@dataclass(slots=True)
class _Rights:
    """A principal's compiled policies."""

    identity: tuple[CompiledPolicy, ...]
    boundary: CompiledPolicy | None
    session: tuple[CompiledPolicy, ...]
    unlimited: bool  # may do anything, whatever the context
    constant: bool  # no condition or variable: a decision depends on action and resource alone


class Authorizer:
    def __init__(self, identities: Identities, store: Store) -> None:
        self._identities = identities
        self._clock = store.clock
        self._rights: dict[Any, _Rights] = identities.dependent()
        # What depends on nothing but principal, action and resource: its keys were allowed.
        self.allowed: dict[Any, bool] = identities.dependent()
        self._compiled: dict[bytes, CompiledPolicy] = store.db.cache()

    def is_unlimited(self, principal: Principal) -> bool:
        return principal.kind not in ("anonymous", "service") and self._rights_of(principal).unlimited

    def check(
        self,
        call: Call,
        action: str,
        resource: str,
        context: Context | Callable[[], Context] | None,
        policy: Policy | None,
    ) -> AccessDeniedError | None:
        """None if allowed. `context` may be a function, called where a policy has conditions."""
        principal = call.principal
        if principal.kind == "service" and principal.trusted and policy is None:
            return None  # the cloud's own services act for each other where no resource policy guards
        key = (principal, action, resource) if policy is None else None
        if key is not None and key in self.allowed:
            return None
        owner = _account_of(resource) or call.account
        rights = self._rights_of(principal)
        if key is not None and rights.unlimited and owner == principal.account:
            self._remember(key)
            return None
        constant = key is not None and rights.constant and owner == principal.account
        decision = decide(
            action=action,
            resource=resource,
            principal=principal,
            account_of_resource=owner,
            identity=rights.identity,
            boundary=rights.boundary,
            session=rights.session,
            resource_policy=self._compile(policy) if policy is not None else None,
            context={} if constant else self._context(call, resource, owner, context),
        )
        if decision.allowed:
            if constant:
                self._remember(key)
            return None
        return AccessDeniedError(denial_message(principal, action, resource, decision), decision.reason)

    def _remember(self, key: Any) -> None:
        if len(self.allowed) > MAX_CACHED:
            self.allowed.clear()
        self.allowed[key] = True

    def _rights_of(self, principal: Principal) -> _Rights:
        rights = self._rights.get(principal)
        if rights is None:
            if principal.kind in ("anonymous", "service"):
                rights = _Rights((), None, (), unlimited=False, constant=False)
            else:
                found = self._identities.policies_of(principal)
                documents = [*found.identity, *principal.session_policies]
                if found.boundary is not None:
                    documents.append(found.boundary)
                rights = _Rights(
                    tuple(self._compile(document) for document in found.identity),
                    self._compile(found.boundary) if found.boundary is not None else None,
                    tuple(self._compile(document) for document in principal.session_policies),
                    unlimited=_is_unlimited(found.identity, documents),
                    constant=not any(map(_needs_context, documents)),
                )
            if len(self._rights) > MAX_CACHED:
                self._rights.clear()
            self._rights[principal] = rights
        return rights

    def _compile(self, document: Mapping[str, Any]) -> CompiledPolicy:
        key = orjson.dumps(document)
        compiled = self._compiled.get(key)
        if compiled is None:
            if len(self._compiled) > MAX_CACHED:
                self._compiled.clear()
            compiled = self._compiled[key] = compile_policy(dict(document))
        return compiled

    def _context(
        self, call: Call, resource: str, owner: str, context: Context | Callable[[], Context] | None
    ) -> dict[str, Any]:
        """Condition keys of the request, in lower case.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        principal = call.principal
        now = self._clock.time()
        keys: dict[str, Any] = {
            "aws:currenttime": datetime.fromtimestamp(now, UTC),
            "aws:epochtime": int(now),
            "aws:securetransport": call.secure,
            "aws:requestedregion": call.region,
            "aws:principalarn": principal.role_arn or principal.arn,
            "aws:principalaccount": principal.account,
            "aws:principaltype": _TYPES[principal.kind],
            "aws:userid": principal.id,
            "aws:resourceaccount": owner,
            "aws:viaawsservice": call.http is None and principal.kind != "service",
            "aws:principalisawsservice": principal.kind == "service" and not principal.arn.startswith("arn:"),
        }
        if principal.kind == "service":
            keys["aws:principalservicename"] = principal.arn
        if call.http is not None:
            keys["aws:sourceip"] = call.source_ip
            keys["aws:useragent"] = call.http.header("user-agent")
            if referer := call.http.header("referer"):
                keys["aws:referer"] = referer
        if principal.kind == "user":
            keys["aws:username"] = principal.arn.rpartition("/")[2]
        for name, value in principal.tags.items():
            keys[f"aws:principaltag/{name.lower()}"] = value
        given = context() if callable(context) else context or {}
        for extra in (principal.context, call.context, given):
            for key, anything in extra.items():
                keys[key.lower()] = anything
        proved = keys.pop(MFA_TIME, None)
        if proved is not None:
            keys["aws:multifactorauthage"] = int(now - proved)
        return keys


_TYPES = {
    "root": "Account",
    "user": "User",
    "role": "AssumedRole",
    "federated": "FederatedUser",
    "service": "Service",
    "anonymous": "Anonymous",
}


def _account_of(resource: str) -> str:
    """The account in an ARN; "" where there is none, as in those of buckets and of AWS's own policies."""
    parts = resource.split(":", 5)
    return parts[4] if len(parts) > 5 and parts[4] != "aws" else ""


def _statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _needs_context(document: Mapping[str, Any]) -> bool:
    return any(
        "Condition" in statement or b"${" in orjson.dumps(statement) for statement in _statements(document)
    )


def _is_unlimited(identity: tuple[dict[str, Any], ...], documents: list[dict[str, Any]]) -> bool:
    """Allowed everything by an identity policy, with no other policy that could take something away."""
    if len(documents) != len(identity):
        return False
    if any(statement.get("Effect") != "Allow" for each in documents for statement in _statements(each)):
        return False
    return any(
        statement.get("Action") in ("*", ["*"])
        and statement.get("Resource") in ("*", ["*"])
        and not statement.get("Condition")
        for document in identity
        for statement in _statements(document)
    )
