"""A pool's Lambda triggers: invoked as Cognito does, as a service that the function's policy must allow.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-aws-lambda-triggers.html
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.cognito_idp.store import Client, Pool, User
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

SERVICE = "cognito-idp.amazonaws.com"
ANSWER_WITHIN = 5.0  # seconds
ATTEMPTS = 3

_NO_CLIENT = "CLIENT_ID_NOT_APPLICABLE"
_TOKEN_VERSIONS = {"V1_0": "1", "V2_0": "2", "V3_0": "3"}


def attributes_of(user: User) -> dict[str, str]:
    """The userAttributes of an event."""
    return {"sub": user.sub, "cognito:user_status": user.status, **user.attributes}


def function_of(pool: Pool, trigger: str) -> str | None:
    return pool.settings.get("LambdaConfig", {}).get(trigger)


async def run(
    state: "UserPools",
    pool: Pool,
    client: Client | None,
    trigger: str,
    source: str,
    username: str,
    request: Document,
    response: Document,
    *,
    function: str | None = None,
    version: str = "1",
) -> Document | None:
    """The ``response`` of the function that the pool has for `trigger`; None where it has none.

    Raises UserLambdaValidationException for a function that fails, UnexpectedLambdaException for one that
    cannot be run and InvalidLambdaResponseException for an answer that is no event.
    """
    arn = function or function_of(pool, trigger)
    if not arn:
        return None
    event = {
        "version": version,
        "region": pool.region,
        "userPoolId": pool.id,
        "userName": username,
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": client.id if client is not None else _NO_CLIENT,
        },
        "triggerSource": source,
        "request": request,
        "response": response,
    }
    return _read(trigger, await _invoke(state, pool, trigger, arn, orjson.dumps(event)))


async def _invoke(state: "UserPools", pool: Pool, trigger: str, arn: str, payload: bytes) -> Document:
    """Call the function up to three times, for as long as it does not answer within five seconds.

    https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
    A call that is given up runs on, as it does on AWS: functions must bear being called again.
    """
    for _ in range(ATTEMPTS):
        invocation = asyncio.ensure_future(
            state.cloud.call(
                "lambda",
                "Invoke",
                {"FunctionName": arn, "Payload": payload},
                as_=Principal.service(SERVICE, pool.account),
                region=pool.region,
                account=pool.account,
                context={"aws:SourceArn": pool.arn, "aws:SourceAccount": pool.account},
            )
        )
        done, _ = await asyncio.wait([invocation], timeout=ANSWER_WITHIN)
        if not done:
            state.cloud.spawn(_forget(invocation))
            continue
        try:
            return invocation.result()
        except AwsError as error:
            raise _failed(trigger, error.code) from error
    raise _failed(trigger, "Socket timeout while invoking Lambda function")


async def _forget(invocation: "asyncio.Future[Any]") -> None:
    with contextlib.suppress(AwsError):
        await invocation


def _failed(trigger: str, reason: str) -> AwsError:
    return AwsError("UnexpectedLambdaException", f"{trigger} invocation failed due to error {reason}.")


def _read(trigger: str, outcome: Document) -> Document:
    try:
        answer: Any = orjson.loads(outcome.get("Payload") or b"null")
    except orjson.JSONDecodeError as error:
        raise _unrecognizable() from error
    if outcome.get("FunctionError"):
        message = answer.get("errorMessage") if isinstance(answer, dict) else answer
        raise AwsError("UserLambdaValidationException", f"{trigger} failed with error {message}.")
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise _unrecognizable()
    return answer["response"]


def _unrecognizable() -> AwsError:
    return AwsError("InvalidLambdaResponseException", "Unrecognizable lambda output")


def pairs(listed: Iterable[Document]) -> dict[str, str]:
    """``[{"Name": n, "Value": v}]`` as an object."""
    return {each["Name"]: each.get("Value", "") for each in listed}


async def before_sign_up(
    state: "UserPools",
    pool: Pool,
    client: Client | None,
    source: str,
    username: str,
    attributes: dict[str, str],
    validation: dict[str, str],
    metadata: dict[str, str] | None,
) -> Document:
    """What PreSignUp answers: autoConfirmUser, autoVerifyEmail, autoVerifyPhone."""
    request: Document = {"userAttributes": attributes, "validationData": validation or None}
    if metadata:
        request["clientMetadata"] = metadata
    response = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
    answer = await run(state, pool, client, "PreSignUp", source, username, request, dict(response))
    if answer is None:
        return response
    for name in response:
        value = answer.get(name)
        if not isinstance(value, bool | None):
            raise _unrecognizable()
        response[name] = bool(value)
    return response


async def notify(
    state: "UserPools",
    pool: Pool,
    client: Client | None,
    trigger: str,
    source: str,
    user: User,
    metadata: dict[str, str] | None = None,
    **request: Any,
) -> None:
    """Run a function whose answer says nothing: PostConfirmation, PreAuthentication, PostAuthentication."""
    event: Document = {"userAttributes": attributes_of(user), **request}
    if metadata:
        event["clientMetadata"] = metadata
    await run(state, pool, client, trigger, source, user.username, event, {})


async def before_tokens(
    state: "UserPools",
    pool: Pool,
    client: Client,
    user: User,
    source: str,
    groups: list[Document],
    scopes: list[str],
    metadata: dict[str, str] | None,
) -> Document:
    """What PreTokenGeneration changes, in one form for its versions: id, access, groups, version."""
    from maycloud.services.cognito_idp import claims

    configured = pool.settings.get("LambdaConfig", {}).get("PreTokenGenerationConfig") or {}
    function = configured.get("LambdaArn") or function_of(pool, "PreTokenGeneration")
    if not function:
        return {}
    version = _TOKEN_VERSIONS[configured.get("LambdaVersion", "V1_0")]
    listed, preferred = claims.roles(groups)
    request: Document = {
        "userAttributes": attributes_of(user),
        "groupConfiguration": {
            "groupsToOverride": [group["GroupName"] for group in groups],
            "iamRolesToOverride": listed,
            "preferredRole": preferred or None,
        },
    }
    if version != "1":
        request["scopes"] = list(scopes)
    if metadata:
        request["clientMetadata"] = metadata
    member = "claimsOverrideDetails" if version == "1" else "claimsAndScopeOverrideDetails"
    answer = await run(
        state, pool, client, "PreTokenGeneration", source, user.username, request, {member: None},
        function=function, version=version,
    )  # fmt: skip
    details = (answer or {}).get(member) or {}
    if not isinstance(details, dict):
        raise _unrecognizable()
    if version == "1":
        return {"version": "1", "id": details, "groups": details.get("groupOverrideDetails")}
    return {
        "version": version,
        "id": details.get("idTokenGeneration") or {},
        "access": details.get("accessTokenGeneration") or {},
        "groups": details.get("groupOverrideDetails"),
    }
