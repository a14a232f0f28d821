"""AssumeRoleWithWebIdentity: a provider's token, and a role whose trust policy takes it.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

import base64
from typing import Any

import orjson

from maycloud.access.identities import role_principal
from maycloud.access.policies import compile_policy, decide
from maycloud.access.webidentity import InvalidIdentityError, WebIdentity
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Call, Params
from maycloud.services.sts.sessions import (
    check_duration,
    check_names,
    identities,
    role_answer,
    session_policies,
)
from maycloud.store import Document

_NOBODY: Document = {"Version": "2012-10-17", "Statement": []}


async def assume(call: Call, params: Params) -> dict[str, Any]:
    check_names(params)
    identity = await _identity(call, params["WebIdentityToken"], params["RoleArn"].split(":")[4])
    role = identities(call).role(params["RoleArn"])
    trust = role["Trust"] if role is not None else _NOBODY
    _require(call, "sts:AssumeRoleWithWebIdentity", params, trust, identity)
    if identity.tags:
        _require(call, "sts:TagSession", params, trust, identity)
    assert role is not None
    duration = params.get("DurationSeconds", 3600)
    check_duration(role, duration)
    session = role_principal(role, params["RoleSessionName"])
    session["tags"] = {**session["tags"], **identity.tags}
    session["policies"] = session_policies(call, params, role)
    session["context"] = {**identity.context, "aws:FederatedProvider": identity.provider}
    credential = identities(call).open_session(duration, **session)
    return role_answer(credential, session["policies"]) | {
        "SubjectFromWebIdentityToken": identity.subject,
        "Provider": identity.issuer,
        "Audience": identity.audience,
    }


async def _identity(call: Call, token: str, account: str) -> WebIdentity:
    """Whom the token speaks of, verified by the provider that it names as its issuer."""
    issuer = _issuer(token)
    verify = call.cloud.access.web_identities.get(issuer)
    try:
        if verify is not None:
            return verify(token)
        provider = _registered(call, issuer, account)
        from maycloud.services.sts import openid  # with libraries that few clouds need

        return await openid.verify(provider, issuer, token, call.store.clock.wall())
    except InvalidIdentityError as error:
        if error.expired is not None:
            raise AwsError(
                "ExpiredTokenException",
                f"Token expired: current date/time {int(call.now())} must be before the expiration date/time"
                f" {int(error.expired)}",
            ) from error
        raise AwsError(
            "InvalidIdentityToken",
            "The web identity token that was passed could not be validated by AWS. Get a new identity token"
            " from the identity provider and then retry the request.",
        ) from error


def _registered(call: Call, issuer: str, account: str) -> Document:
    """The provider of that issuer that the role's account registered with IAM."""
    arn = f"arn:aws:iam::{account}:oidc-provider/{issuer.removeprefix('https://').rstrip('/')}"
    found = identities(call).oidc_providers.get((account, ""), arn)
    if found is None or not issuer.startswith("https://"):
        raise AwsError(
            "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer[:256]}"
        )
    return found


def _issuer(token: str) -> str:
    """The issuer that a token claims, unverified."""
    parts = token.split(".")
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        issuer = claims["iss"]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise _no_jwt() from error
    if len(parts) != 3 or not isinstance(issuer, str):
        raise _no_jwt()
    return issuer


def _no_jwt() -> AwsError:
    return AwsError(
        "InvalidIdentityToken",
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    )


def _require(call: Call, action: str, params: Params, trust: Document, identity: WebIdentity) -> None:
    """Raises AccessDenied unless the trust policy lets it, in the same words if there is no role."""
    context = {
        **identity.context,
        "sts:RoleSessionName": params["RoleSessionName"],
        "aws:FederatedProvider": identity.provider,
        "aws:SourceIp": call.source_ip,
        **{f"aws:RequestTag/{name}": value for name, value in identity.tags.items()},
    }
    if identity.tags:
        context["aws:TagKeys"] = list(identity.tags)
    decision = decide(
        action=action,
        resource=params["RoleArn"],
        principal=Principal("federated", "", identity.provider, identity.subject),
        account_of_resource=params["RoleArn"].split(":")[4],
        identity=(),
        boundary=None,
        session=(),
        resource_policy=compile_policy(trust),
        context={name.lower(): value for name, value in context.items()},
    )
    if not decision.allowed:
        said = ", ".join(f"{name}={value}" for name, value in identity.context.items())
        reason = f"{decision.reason}; the token says {said}"
        call.cloud.access.remember_denial(identity.provider, action, params["RoleArn"], reason)
        raise AwsError("AccessDenied", f"Not authorized to perform {action}", 403)
