"""What policies would say to actions that nobody asked for yet.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

import functools
from typing import Any

import orjson

from maycloud.access.identities import IdentityPolicies
from maycloud.access.policies import Decision, Policy, compile_policy, decide
from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.common import identities, no_such, page, scope
from maycloud.services.iam.matches import Source, Statements, written
from maycloud.store import Document


def simulate_custom_policy(call: Call, params: Params) -> Result:
    sources = _inputs(params)
    given = IdentityPolicies(tuple(source.document for source in sources), _boundary(params))
    caller = params.get("CallerArn") or f"arn:aws:iam::{call.account}:user/simulated"
    return _simulate(call, params, given, _as_caller(caller), sources)


def simulate_principal_policy(call: Call, params: Params) -> Result:
    principal, given = _source(call, params["PolicySourceArn"])
    more = _inputs(params)
    sources = [*_named(call, params["PolicySourceArn"], given), *more]
    identity = given.identity + tuple(source.document for source in more)
    given = IdentityPolicies(identity, _boundary(params) or given.boundary)
    if params.get("CallerArn"):
        principal = _as_caller(params["CallerArn"])
    return _simulate(call, params, given, principal, sources)


def context_keys_for_custom_policy(_call: Call, params: Params) -> Result:
    return {"ContextKeyNames": _keys([_parsed(text) for text in params["PolicyInputList"]])}


def context_keys_for_principal_policy(call: Call, params: Params) -> Result:
    _, given = _source(call, params["PolicySourceArn"])
    more = [_parsed(text) for text in params.get("PolicyInputList", [])]
    return {"ContextKeyNames": _keys([*given.identity, *more])}


def _inputs(params: Params) -> list[Source]:
    texts = params.get("PolicyInputList", [])
    return [Source(f"PolicyInputList.{at}", _parsed(text), text) for at, text in enumerate(texts, 1)]


def _named(call: Call, arn: str, given: IdentityPolicies) -> list[Source]:
    """The policies of a user, group or role by their names; of the administrator there is but one."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    store = identities(call)
    holder = getattr(store, f"{kind}s").get(scope(call), name.rpartition("/")[2])
    if holder is None:
        return [written("AdministratorAccess", document) for document in given.identity]
    groups = [store.groups.get(scope(call), each) for each in holder.get("Groups", [])]
    found: list[Source] = []
    for each in (holder, *filter(None, groups)):
        found += [written(name, document) for name, document in each.get("Inline", {}).items()]
        for attached in each.get("Attached", []):
            document = store.policy_document(scope(call), attached)
            if document is not None:
                found.append(written(attached.rpartition("/")[2], document))
    return found


def _parsed(text: str) -> Document:
    try:
        return check_policy_document(text, "identity")
    except AwsError as error:
        raise AwsError("InvalidInput", f"Invalid Policy: {error.message}") from error


def _boundary(params: Params) -> Document | None:
    given = params.get("PermissionsBoundaryPolicyInputList")
    return _parsed(given[0]) if given else None


def _as_caller(arn: str) -> Principal:
    parts = arn.split(":")
    if len(parts) != 6 or not parts[4]:
        raise AwsError(
            "InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
        )
    return Principal("user", parts[4], arn, "")


def _source(call: Call, arn: str) -> tuple[Principal, IdentityPolicies]:
    """A user, group or role and the policies it was given."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind not in ("user", "group", "role") or not arn.startswith("arn:aws:iam::"):
        raise AwsError(
            "InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
        )
    name = name.rpartition("/")[2]
    store = identities(call)
    if arn == f"arn:aws:iam::{call.account}:user/admin" and store.users.get(scope(call), name) is None:
        administrator = Principal("user", call.account, arn, "")
        return administrator, store.policies_of(administrator)
    holder = getattr(store, f"{kind}s").get(scope(call), name)
    if holder is None or holder["Arn"] != arn:
        raise no_such(kind, name)
    if kind == "user":
        principal = Principal("user", call.account, arn, holder["UserId"], tags=holder.get("Tags", {}))
        return principal, store.policies_of(principal)
    if kind == "role":
        session = Principal(
            "role", call.account, arn, holder["RoleId"], role_arn=arn, tags=holder.get("Tags", {})
        )
        return session, store.policies_of(session)
    documents = [*holder.get("Inline", {}).values()]
    documents += [store.policy_document(scope(call), each) for each in holder.get("Attached", [])]
    return Principal("user", call.account, arn, ""), IdentityPolicies(
        tuple(each for each in documents if each)
    )


def _keys(documents: list[Document]) -> list[str]:
    """The condition keys that policies ask for, in their conditions and variables."""
    found: dict[str, None] = {}
    for document in documents:
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            for keys in statement.get("Condition", {}).values():
                found |= dict.fromkeys(keys)
            for part in orjson.dumps(statement).decode().split("${")[1:]:
                found[part.partition("}")[0].partition(",")[0].strip()] = None
    return list(found)


def _simulate(
    call: Call, params: Params, given: IdentityPolicies, principal: Principal, sources: list[Source]
) -> Result:
    context = _context(params, principal)
    statements = Statements(sources)
    compiled = tuple(compile_policy(document) for document in given.identity)
    boundary = compile_policy(given.boundary) if given.boundary is not None else None
    resource_policy = None
    if params.get("ResourcePolicy"):
        resource_policy = compile_policy(check_policy_document(params["ResourcePolicy"], "resource"))
    missing = [key for key in _keys(list(given.identity)) if key.lower() not in context]
    rows: list[dict[str, Any]] = []
    for action in params["ActionNames"]:
        for resource in params.get("ResourceArns") or ["*"]:
            asked: dict[str, Any] = {
                "action": action,
                "resource": resource,
                "principal": principal,
                "account_of_resource": principal.account,
                "session": (),
                "context": context,
            }
            decision = decide(identity=compiled, boundary=boundary, resource_policy=resource_policy, **asked)
            alone = functools.partial(_alone, asked)
            verdict = "explicitDeny" if decision.explicit else "implicitDeny"
            rows.append(
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": "allowed" if decision.allowed else verdict,
                    "MatchedStatements": statements.deciding(decision, alone),
                    "MissingContextValues": missing,
                }
            )
    return page(rows, params, "EvaluationResults")


def _alone(asked: dict[str, Any], policy: Policy) -> Decision:
    """What one statement would say if it were the only one."""
    return decide(identity=(policy,), boundary=None, resource_policy=None, **asked)


def _context(params: Params, principal: Principal) -> dict[str, Any]:
    """Condition keys in lower case: those of the caller, and those that the call gives."""
    keys: dict[str, Any] = {
        "aws:principalarn": principal.arn,
        "aws:principalaccount": principal.account,
        "aws:userid": principal.id,
    }
    if principal.kind == "user":
        keys["aws:username"] = principal.arn.rpartition("/")[2]
    keys |= {f"aws:principaltag/{name.lower()}": value for name, value in principal.tags.items()}
    for entry in params.get("ContextEntries", []):
        values = entry.get("ContextKeyValues", [])
        several = entry.get("ContextKeyType", "string").endswith("List")
        if "ContextKeyName" in entry:
            keys[entry["ContextKeyName"].lower()] = values if several or len(values) != 1 else values[0]
    return keys
