"""Bucket policies: what S3 accepts as one, and who the principals in it are.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
"""

import re
from typing import Any

import orjson

from maycloud.access.conditions import split_operator
from maycloud.access.policies import compile_policy
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.s3.actions import applies, is_action, is_key
from maycloud.services.s3.buckets import buckets, check_document, find_bucket, setting
from maycloud.services.s3.publicity import is_public
from maycloud.services.s3.store import Bucket

MAX_POLICY = 20 * 1024  # bytes

_MEMBERS = frozenset({"Version", "Id", "Statement"})
_PAIRS = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
_STATEMENT = frozenset({"Sid", "Effect", "Condition", *(name for pair in _PAIRS for name in pair)})
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_IDENTITY = re.compile(
    r"arn:aws:(?:iam|sts)::(\d{12}):(root|user|role|assumed-role|federated-user)(?:/(.+))?"
)
_ORIGIN_ACCESS = re.compile(r"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E[A-Z0-9]+")
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA|SIA|GPA|NPA)[A-Z0-9]{12,}")
# Of objects, although their names do not say so; and of buckets, although theirs do.
_OF_OBJECTS = frozenset(
    {"s3:abortmultipartupload", "s3:listmultipartuploadparts", "s3:bypassgovernanceretention"}
)
_OF_BUCKETS = frozenset({"s3:getbucketobjectlockconfiguration", "s3:putbucketobjectlockconfiguration"})


def put_bucket_policy(call: Call, params: Params) -> Result:
    """Raises MalformedPolicy as S3 words it, and AccessDenied where BlockPublicPolicy is in force."""
    bucket = _own(call, params)
    check_document(call)
    policy = parse(call, bucket, params.get("Policy") or "")
    if bucket.settings.get("public_access", {}).get("BlockPublicPolicy") and is_public(policy):
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource:"
            f' "{bucket.arn}" because public policies are prevented by the BlockPublicPolicy setting in S3'
            " Block Public Access.",
            403,
        )
    bucket.settings["policy"] = policy
    buckets(call).save(bucket)
    return None


def get_bucket_policy(call: Call, params: Params) -> Result:
    _own(call, params)
    return {"Policy": orjson.dumps(_policy(call, params)).decode()}


def delete_bucket_policy(call: Call, params: Params) -> Result:
    bucket = _own(call, params)
    if bucket.settings.pop("policy", None) is not None:
        buckets(call).save(bucket)
    return None


def get_bucket_policy_status(call: Call, params: Params) -> Result:
    return {"PolicyStatus": {"IsPublic": is_public(_policy(call, params))}}


def _policy(call: Call, params: Params) -> dict[str, Any]:
    return setting(call, params, "policy", "NoSuchBucketPolicy", "The bucket policy does not exist")


def _own(call: Call, params: Params) -> Bucket:
    """AWS: whoever is not of the owner's account gets 405, whatever the policy says."""
    bucket = find_bucket(call, params)
    if call.principal.account != bucket.account:
        raise AwsError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            405,
            Method=call.http.method if call.http is not None else "",
            ResourceType="BUCKETPOLICY",
        )
    return bucket


# Validation


def parse(call: Call, bucket: Bucket, text: str) -> dict[str, Any]:
    """The document, checked in S3's order: JSON, fields, then what each statement names."""
    if len(text.encode()) > MAX_POLICY:
        raise _malformed("Policy exceeds the maximum allowed document size.")
    if not text.startswith("{"):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _malformed("This policy contains invalid Json") from error
    _check_members(policy, _MEMBERS)
    if policy.get("Version", "2012-10-17") not in ("2012-10-17", "2008-10-17"):
        raise _malformed("The policy must contain a valid version string")
    if "Statement" not in policy:
        raise _malformed("Missing required field Statement")
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    if not statements:
        raise _malformed("Could not parse the policy: Statement is empty!")
    for statement in statements:
        _check_statement(call, bucket, statement)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) < len(sids):
        raise _malformed("Statement IDs (SID) in a single policy must be unique.")
    try:
        compile_policy(policy)
    except AwsError as error:
        raise _malformed(error.message) from error
    return policy


def _check_members(document: dict[str, Any], known: frozenset[str]) -> None:
    for name in document:
        if name not in known:
            raise _malformed(f"Unknown field {name}")


def _check_statement(call: Call, bucket: Bucket, statement: Any) -> None:
    if not isinstance(statement, dict):
        raise _malformed("Could not parse the policy: Statement is not an object")
    _check_members(statement, _STATEMENT)
    if "Effect" not in statement:
        raise _malformed("Missing required field Effect")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise _malformed(f"Invalid effect: {statement['Effect']}")
    for one, other in _PAIRS:
        if one in statement and other in statement:
            raise _malformed(f"Statement cannot contain both {one} and {other}")
        if one not in statement and other not in statement:
            raise _malformed(f"Missing required field {one}")
    _check_principal(call, statement.get("Principal", statement.get("NotPrincipal")))
    if "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise _malformed("Allow with NotPrincipal is not allowed.")
    actions = _texts(statement.get("Action", statement.get("NotAction")), "Policy has invalid action")
    for action in actions:
        if not is_action(action):
            raise _malformed("Policy has invalid action")
    resources = _texts(statement.get("Resource", statement.get("NotResource")), "Policy has invalid resource")
    for resource in resources:
        _check_resource(bucket, resource)
    if "Action" in statement and "Resource" in statement:
        _check_applies(actions, resources)
    _check_condition(statement.get("Condition", {}), actions if "Action" in statement else ["*"])


def _texts(given: Any, complaint: str) -> list[str]:
    values = given if isinstance(given, list) else [given]
    if not values or not all(isinstance(value, str) and value for value in values):
        raise _malformed(complaint)
    return values


def _check_resource(bucket: Bucket, resource: str) -> None:
    """Within the bucket: its ARN, or a pattern of its keys. AWS takes no wildcard in the bucket's name."""
    name, slash, key = resource.removeprefix("arn:aws:s3:::").partition("/")
    if not resource.startswith("arn:aws:s3:::") or name.rstrip("*") != bucket.name or (slash and not key):
        raise _malformed("Policy has invalid resource")


def _check_applies(actions: list[str], resources: list[str]) -> None:
    of_bucket = any("/" not in resource for resource in resources)
    of_object = any("/" in resource or resource.endswith("*") for resource in resources)
    for action in actions:
        lower = action.lower()
        if "*" in lower or "?" in lower:
            continue
        object_action = lower in _OF_OBJECTS or ("object" in lower and lower not in _OF_BUCKETS)
        if not (of_object if object_action else of_bucket):
            raise _malformed("Action does not apply to any resource(s) in statement")


def _check_condition(conditions: Any, actions: list[str]) -> None:
    if not isinstance(conditions, dict):
        raise _malformed("Could not parse the policy: Condition is not an object")
    for operator, keys in conditions.items():
        try:
            split_operator(operator)
        except AwsError as error:
            raise _malformed(f"Invalid Condition type : {operator}") from error
        if not isinstance(keys, dict) or not keys:
            raise _malformed(f"Could not parse conditions of {operator}")
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            if not all(isinstance(value, str | bool | int | float) for value in listed):
                raise _malformed("Could not parse the policy: a condition's values are not texts")
            if not re.fullmatch(r"[A-Za-z0-9-]+:.+|[a-z0-9.-]+:.+", key) or not is_key(key):
                raise _malformed("Policy has an invalid condition key")
            if not applies(key, actions):
                raise _malformed(
                    "Conditions do not apply to combination of actions and resources in statement"
                )


def _check_principal(call: Call, element: Any) -> None:
    if element == "*":
        return
    if not isinstance(element, dict) or not element or not element.keys() <= _PRINCIPALS:
        raise _malformed("Invalid policy syntax.")
    for kind, names in element.items():
        for name in _texts(names, "Invalid policy syntax."):
            if not _is_principal(call, kind, name):
                raise AwsError(
                    "MalformedPolicy", "Invalid principal in policy", Detail=f'"{kind}" : "{name}"'
                )


def _is_principal(call: Call, kind: str, name: str) -> bool:
    """Whether someone is there of that name; every number of twelve digits is an account."""
    if kind == "Service":
        return re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", name) is not None
    if kind == "CanonicalUser":
        # An account's has 64 digits, that of CloudFront's origin access identities 96.
        return re.fullmatch(r"[0-9a-f]{64}(?:[0-9a-f]{32})?", name) is not None
    if kind == "Federated":
        return bool(name)
    if name == "*" or re.fullmatch(r"\d{12}", name) or _UNIQUE_ID.fullmatch(name):
        return True
    if _ORIGIN_ACCESS.fullmatch(name):
        return True
    match = _IDENTITY.fullmatch(name)
    if match is None:
        return False
    account, sort, rest = match.groups()
    if (sort == "root") != (rest is None):
        return False
    identities = call.cloud.access.identities
    if sort == "user":
        found = identities.users.get((account, ""), rest.rpartition("/")[2])
        return rest == "admin" or (found is not None and found["Arn"] == name)
    if sort == "role":
        return identities.role(name) is not None
    return True


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message)
