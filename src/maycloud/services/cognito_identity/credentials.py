"""From an identity to AWS credentials: the enhanced flow here, the basic one by way of STS.

https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flow.html
https://docs.aws.amazon.com/cognito/latest/developerguide/iam-roles.html
"""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from maycloud.access.webidentity import InvalidIdentityError
from maycloud.errors import AwsError
from maycloud.principal import ANONYMOUS
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_identity import identities, roles
from maycloud.services.cognito_identity import logins as verified
from maycloud.services.cognito_identity.logins import Claims, Login
from maycloud.services.cognito_identity.service import any_identity, not_authorized, service, state
from maycloud.services.cognito_identity.store import Pool
from maycloud.services.cognito_identity.tokens import LIFETIME, PROVIDER, Tokens, tags_of

SESSION_NAME = "CognitoIdentityCredentials"
SESSION_SECONDS = 3600

# What a guest may reach at the most, whatever the role says; the basic flow has no such bound.
_GUEST_POLICY = orjson.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "cloudwatch:*", "logs:*", "dynamodb:*", "kinesis:*", "mobileanalytics:*", "s3:*", "ses:*",
                    "sns:*", "sqs:*", "lambda:*", "machinelearning:*", "execute-api:*", "iot:*", "gamelift:*",
                    "cognito-identity:*", "cognito-idp:*", "lex:*", "polly:*", "comprehend:*", "translate:*",
                    "transcribe:*", "rekognition:*", "mobiletargeting:*", "firehose:*", "appsync:*",
                    "personalize:*", "sagemaker:InvokeEndpoint", "cognito-sync:*", "codewhisperer:*",
                    "textract:DetectDocumentText", "textract:AnalyzeDocument", "sdb:*",
                ],
                "Resource": "*",
            }
        ],
    }
).decode()  # fmt: skip
_GUEST_MANAGED_POLICY = "arn:aws:iam::aws:policy/AmazonCognitoUnAuthedIdentitiesSessionPolicy"


@dataclass(frozen=True, slots=True)
class _Session:
    """Who asks for credentials, after all checks."""

    identity: str
    pool: Pool
    logins: list[Login]
    methods: list[str]  # the token's amr
    tags: dict[str, str]  # of the session

    @property
    def guest(self) -> bool:
        return self.methods == ["unauthenticated"]


def _open(call: Call, params: Params) -> _Session:
    """Check that the caller is the identity, or may be. Raises NotAuthorizedException."""
    identity, pool = any_identity(call, params["IdentityId"])
    given = params.get("Logins", {})
    if PROVIDER in given:
        claims = _own_claims(call, pool, identity.id, given)
        session = _Session(identity.id, pool, [], claims["amr"], tags_of(claims))
        if session.guest and not pool["AllowUnauthenticatedIdentities"]:
            raise identities.no_guests()
        return session
    logins = verified.verify(call, pool, given)
    if logins:
        found = identities.signed_in(call, pool, identity, logins)
        return _Session(found, pool, logins, methods_of(logins), _tags(pool, logins))
    if state(call).store.logins(identity.id) or identity.merged:
        raise identities.forbidden(identity.id)
    if not pool["AllowUnauthenticatedIdentities"]:
        raise identities.no_guests()
    return _Session(identity.id, pool, [], ["unauthenticated"], {})


def methods_of(logins: Iterable[Login]) -> list[str]:
    """The ``amr`` of a user with these logins."""
    return ["authenticated", *(name for login in logins for name in (login.provider, login.method))]


def _own_claims(call: Call, pool: Pool, identity: str, given: dict[str, str]) -> Claims:
    """What a token of ours says of its holder. Such a token stands alone, and for its identity only."""
    try:
        claims = state(call).tokens.read(given[PROVIDER])
    except InvalidIdentityError as error:
        if error.expired is not None:
            raise not_authorized(
                f"Invalid login token. Token expired: {int(call.now())} >= {int(error.expired)}"
            ) from error
        raise not_authorized("Invalid login token. Couldn't verify signed token.") from error
    if len(given) > 1 or claims["sub"] != identity or claims["aud"] != pool["IdentityPoolId"]:
        raise identities.forbidden(identity)
    return claims


def _tags(pool: Pool, logins: list[Login]) -> dict[str, str]:
    """Tags of the session from claims, as the pool maps them; claims that are not there give none."""
    tags: dict[str, str] = {}
    maps = pool.get("PrincipalTags", {})
    by_provider = {verified.provider_name(name): mapping for name, mapping in maps.items()}
    for login in logins:
        for tag, claim in by_provider.get(login.provider, {}).get("PrincipalTags", {}).items():
            value = login.claims.get(claim)
            if isinstance(value, str | int | float):
                tags[tag] = str(value).lower() if isinstance(value, bool) else str(value)[:256]
    return tags


@service.operation(public=True)
async def GetCredentialsForIdentity(call: Call, params: Params) -> Result:
    """Credentials of the role that the pool gives the identity, for an hour.

    The role is asked: its trust policy must let this pool and this way of signing in have it.
    """
    tokens = state(call).tokens
    await tokens.prepare()
    with call.store.db.atomic():
        session = _open(call, params)
        custom = params.get("CustomRoleArn")
        if session.guest:
            role = roles.guest_role(session.pool, custom)
        else:
            role = roles.user_role(session.pool, session.logins, custom)
    token = _token(tokens, session)
    request = {
        "RoleArn": role,
        "RoleSessionName": SESSION_NAME,
        "WebIdentityToken": token,
        "DurationSeconds": SESSION_SECONDS,
    }
    if session.guest:
        request |= {"Policy": _GUEST_POLICY, "PolicyArns": [{"arn": _GUEST_MANAGED_POLICY}]}
    try:
        assumed = await call.cloud.call("sts", "AssumeRoleWithWebIdentity", request, as_=ANONYMOUS)
    except AwsError as error:
        raise roles.misconfigured() from error
    given = assumed["Credentials"]
    return {
        "IdentityId": session.identity,
        "Credentials": {
            "AccessKeyId": given["AccessKeyId"],
            "SecretKey": given["SecretAccessKey"],
            "SessionToken": given["SessionToken"],
            "Expiration": given["Expiration"],
        },
    }


@service.operation(public=True)
async def GetOpenIdToken(call: Call, params: Params) -> Result:
    """A token for AssumeRoleWithWebIdentity. A pool that never said whether it wants the basic flow has it.

    https://github.com/aws/aws-cli/issues/7652
    """
    tokens = state(call).tokens
    await tokens.prepare()
    with call.store.db.atomic():
        session = _open(call, params)
        if session.pool.get("AllowClassicFlow") is False:
            raise AwsError(
                "InvalidParameterException",
                "Basic (classic) flow is not enabled, please use enhanced flow.",
            )
    return {"IdentityId": session.identity, "Token": _token(tokens, session)}


def _token(tokens: Tokens, session: _Session) -> str:
    return tokens.sign(session.pool, session.identity, session.methods, session.tags, LIFETIME)
