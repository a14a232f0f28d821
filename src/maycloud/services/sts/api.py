"""AWS Security Token Service's operations.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from typing import Any

from maycloud.access.identities import account_of_key, role_principal
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Call, Params, Result, Service
from maycloud.services.sts import web_identity
from maycloud.services.sts.sessions import (
    TRANSITIVE,
    answer,
    check_duration,
    check_names,
    check_tags,
    identities,
    inherited_tags,
    packed_size,
    prove_mfa,
    role_answer,
    session_policies,
    session_tags,
)
from maycloud.store import Document

service = Service("sts", denied="AccessDenied")

MAX_CHAINED = 3600  # seconds of a session that another session opens


@service.operation(unchecked=True, atomic=False)
def GetCallerIdentity(call: Call, _params: Params) -> Result:
    """Who the caller is. No policy can take this away."""
    principal = call.principal
    return {"UserId": principal.id, "Account": principal.account, "Arn": principal.arn}


@service.operation(unchecked=True)
def AssumeRole(call: Call, params: Params) -> Result:
    """Credentials of a role, if its trust policy and the caller's own policies let it."""
    check_names(params)
    inherited = inherited_tags(call.principal)
    check_tags(params, inherited)
    if call.principal.kind == "root":
        raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
    role = identities(call).role(params["RoleArn"])
    proved = prove_mfa(call, params)
    _authorize(call, params, role, proved)
    assert role is not None
    duration = params.get("DurationSeconds", 3600)
    if call.principal.kind == "role" and duration > MAX_CHAINED:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role"
            " chaining.",
        )
    check_duration(role, duration)
    session = role_principal(role, params["RoleSessionName"])
    if proved is not None:
        session["mfa"] = proved
    session["tags"] = {**session["tags"], **inherited, **session_tags(params)}
    session["policies"] = session_policies(call, params, role)
    session["context"] = {}
    if params.get("SourceIdentity"):
        session["context"]["sts:SourceIdentity"] = params["SourceIdentity"]
    if inherited or params.get("TransitiveTagKeys"):
        session["context"][TRANSITIVE] = [*inherited, *params.get("TransitiveTagKeys", [])]
    credential = identities(call).open_session(duration, **session)
    result = role_answer(credential, session["policies"])
    if params.get("SourceIdentity"):
        result["SourceIdentity"] = params["SourceIdentity"]
    return result


def _authorize(call: Call, params: Params, role: Document | None, proved: float | None) -> None:
    """Raises AccessDenied, in the same words whether or not there is such a role."""
    context: dict[str, Any] = {"sts:RoleSessionName": params["RoleSessionName"]}
    if params.get("ExternalId"):
        context["sts:ExternalId"] = params["ExternalId"]
    if proved is not None:
        context |= {"aws:MultiFactorAuthPresent": True, "aws:MultiFactorAuthAge": 0}
    for key, value in session_tags(params).items():
        context[f"aws:RequestTag/{key}"] = value
    if role is not None:
        context |= {f"iam:ResourceTag/{key}": value for key, value in role.get("Tags", {}).items()}
    # A role that is not there trusts nobody.
    trust = role["Trust"] if role is not None else {"Version": "2012-10-17", "Statement": []}
    if session_tags(params):
        call.authorize("sts:TagSession", params["RoleArn"], context, trust)
    call.authorize("sts:AssumeRole", params["RoleArn"], context, trust)


@service.operation(unchecked=True)
def GetSessionToken(call: Call, params: Params) -> Result:
    """Temporary credentials with the caller's own rights."""
    principal = _long_lived(call, "GetSessionToken")
    proved = prove_mfa(call, params)
    credential = identities(call).open_session(
        params.get("DurationSeconds", 43_200),
        kind=principal.kind,
        account=principal.account,
        arn=principal.arn,
        id=principal.id,
        tags=principal.tags,
        **({"mfa": proved} if proved is not None else {}),
    )
    return {"Credentials": answer(credential)}


@service.operation(
    resource=lambda call, params: f"arn:aws:sts::{call.account}:federated-user/{params['Name']}"
)
def GetFederationToken(call: Call, params: Params) -> Result:
    """Credentials for someone else, with the caller's rights as far as the session policies give them."""
    principal = _long_lived(call, "GetFederationToken")
    check_tags(params, {})
    name = params["Name"]
    policies = session_policies(call, params, {"Arn": f"arn:aws:iam::{principal.account}:role/x"})
    credential = identities(call).open_session(
        params.get("DurationSeconds", 43_200),
        kind="federated",
        account=principal.account,
        arn=f"arn:aws:sts::{principal.account}:federated-user/{name}",
        id=f"{principal.account}:{name}",
        policies=policies,
        context={"maycloud:user": principal.arn},
        tags=session_tags(params),
    )
    return {
        "Credentials": answer(credential),
        "FederatedUser": {"FederatedUserId": credential.principal.id, "Arn": credential.principal.arn},
        "PackedPolicySize": packed_size(policies),
    }


def _long_lived(call: Call, operation: str) -> Principal:
    if call.principal.kind != "user" or call.principal.expires is not None:
        raise AwsError("AccessDenied", f"Cannot call {operation} with session credentials", 403)
    return call.principal


@service.operation
def DecodeAuthorizationMessage(_call: Call, _params: Params) -> Result:
    """Refusals here say in clear why, so that no message that was encoded is ours."""
    raise AwsError("InvalidAuthorizationMessageException", "Message is not valid")


@service.operation
def GetAccessKeyInfo(call: Call, params: Params) -> Result:
    """The account that a key belongs to, whether or not there is such a key: a key says it itself."""
    key = params["AccessKeyId"]
    credential = identities(call).credential(key)
    account = credential.principal.account if credential is not None else account_of_key(key)
    if account is None:
        raise AwsError("ValidationError", f"Invalid AccessKeyId: {key}")
    return {"Account": account}


@service.operation(public=True)
async def AssumeRoleWithWebIdentity(call: Call, params: Params) -> Result:
    """Credentials of a role for whom an identity provider vouches; no signature, the token says it all."""
    return await web_identity.assume(call, params)
