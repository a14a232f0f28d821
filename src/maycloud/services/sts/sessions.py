"""What the operations that open sessions share."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.access import mfa
from maycloud.access.identities import Credential, Identities
from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Call, Params
from maycloud.store import Document

MAX_SESSION_POLICY = 2048
MAX_SESSION_POLICIES = 10
TRANSITIVE = "maycloud:transitive"  # in a session's context: the keys of the tags that it hands on

_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/(?:[!-~]*/)?([\w+=,.@-]{1,64})")
_SESSION = re.compile(r"[\w+=,.@-]{2,64}")


def identities(call: Call) -> Identities:
    return call.cloud.access.identities


def check_names(params: Params) -> None:
    """The role's ARN and the session's name."""
    if _ROLE.fullmatch(params["RoleArn"]) is None:
        raise AwsError("ValidationError", f"{params['RoleArn']} is invalid")
    if not _SESSION.fullmatch(params["RoleSessionName"]):
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value '{params['RoleSessionName']}' at 'roleSessionName' failed to"
            r" satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*",
        )


def session_tags(params: Params) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}


def inherited_tags(principal: Principal) -> dict[str, str]:
    """The tags that a caller's session hands on to those it opens."""
    keys = principal.context.get(TRANSITIVE, ())
    return {key: principal.tags[key] for key in keys if key in principal.tags}


def check_tags(params: Params, inherited: dict[str, str]) -> None:
    """Raises InvalidParameterValue, as recorded of AWS in LocalStack's
    tests/aws/services/sts/test_sts.snapshot.json (TestSTSAssumeRoleTagging)."""
    keys = [tag["Key"].lower() for tag in params.get("Tags", [])]
    if any(key.startswith("aws:") for key in keys):
        raise AwsError("InvalidParameterValue", "Tag keys that begin with aws: are reserved for AWS.")
    if len(set(keys)) < len(keys):
        raise AwsError(
            "InvalidParameterValue",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        )
    if set(keys) & {key.lower() for key in inherited}:
        raise AwsError(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag"
            " key from the calling session.",
        )
    if not {key.lower() for key in params.get("TransitiveTagKeys", [])} <= set(keys):
        raise AwsError(
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
        )


def prove_mfa(call: Call, params: Params) -> float | None:
    """When the caller proved that it has its device, which is now, or None if it does not say so."""
    if not params.get("SerialNumber"):
        return None
    mfa.check(
        identities(call), call.principal, params["SerialNumber"], params.get("TokenCode"), call.store.clock
    )
    return call.now()


def check_duration(role: Document, seconds: int) -> None:
    if seconds > role["MaxSessionDuration"]:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )


def session_policies(call: Call, params: Params, role: Document) -> list[Document]:
    """The policies that a request passes for its session."""
    policies: list[Document] = []
    if params.get("Policy"):
        if len(params["Policy"]) > MAX_SESSION_POLICY:
            raise AwsError(
                "ValidationError",
                f"1 validation error detected: Value '{params['Policy']}' at 'policy' failed to satisfy"
                f" constraint: Member must have length less than or equal to {MAX_SESSION_POLICY}",
            )
        policies.append(check_policy_document(params["Policy"], "identity"))
    if len(params.get("PolicyArns", [])) > MAX_SESSION_POLICIES:
        raise AwsError(
            "ValidationError",
            f"Number of managed session policies exceeds the limit of {MAX_SESSION_POLICIES}",
        )
    owner = role["Arn"].split(":")[4]
    for each in params.get("PolicyArns", []):
        document = identities(call).policy_document((owner, ""), each["arn"])
        if document is None:
            raise AwsError("MalformedPolicyDocument", f"Policy {each['arn']} does not exist")
        policies.append(document)
    return policies


def answer(credential: Credential) -> dict[str, Any]:
    """AWS's Credentials."""
    assert credential.expires is not None
    return {
        "AccessKeyId": credential.principal.access_key,
        "SecretAccessKey": credential.secret,
        "SessionToken": credential.token,
        "Expiration": datetime.fromtimestamp(int(credential.expires), UTC),
    }


def role_answer(credential: Credential, policies: list[Document]) -> dict[str, Any]:
    """What the answers have in common that give credentials of a role."""
    principal = credential.principal
    result: dict[str, Any] = {
        "Credentials": answer(credential),
        "AssumedRoleUser": {"AssumedRoleId": principal.id, "Arn": principal.arn},
    }
    if policies:
        result["PackedPolicySize"] = packed_size(policies)
    return result


def packed_size(policies: list[Document]) -> int:
    """Per cent of the space for session policies."""
    size = sum(len(orjson.dumps(policy)) for policy in policies)
    return min(100, size * 100 // MAX_SESSION_POLICY)
