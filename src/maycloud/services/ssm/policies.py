"""What is to become of a parameter: Expiration, ExpirationNotification, NoChangeNotification.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
"""

from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.store import Document

MAX_POLICIES = 10
_TYPES = ("Expiration", "ExpirationNotification", "NoChangeNotification")


def read_policies(text: str) -> list[Document]:
    """The policies of a request. ``[{}]`` and nothing at all take away those there are."""
    if not text:
        return []
    try:
        given: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _wrong("The policy document is not valid JSON.") from error
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise _wrong("The policy document must be a list of policies.")
    policies = [each for each in given if each]
    if len(policies) > MAX_POLICIES:
        raise AwsError(
            "PoliciesLimitExceededException", f"You can specify up to {MAX_POLICIES} policies per parameter."
        )
    for policy in policies:
        if policy.get("Type") not in _TYPES:
            raise AwsError(
                "InvalidPolicyTypeException",
                f"The policy type isn't supported. Parameter Store supports these: {', '.join(_TYPES)}.",
            )
        if policy["Type"] == "Expiration":
            _expiration(policy)
    return policies


def _wrong(message: str) -> AwsError:
    return AwsError("InvalidPolicyAttributeException", message)


def _expiration(policy: Document) -> float:
    try:
        moment = datetime.fromisoformat(policy["Attributes"]["Timestamp"])
    except (KeyError, TypeError, ValueError) as error:
        raise _wrong("The Expiration policy needs a Timestamp in ISO 8601.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def expired(body: Document, now: float) -> bool:
    """Whether a parameter's newest version says that it is over: from then on it is not there."""
    policies = body["Versions"][-1].get("Policies", [])
    return any(policy["Type"] == "Expiration" and _expiration(policy) <= now for policy in policies)


def described_policies(version: Document) -> list[dict[str, str]]:
    return [
        {
            "PolicyText": orjson.dumps(policy).decode(),
            "PolicyType": policy["Type"],
            "PolicyStatus": "Pending",
        }
        for policy in version.get("Policies", [])
    ]
