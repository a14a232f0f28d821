"""What IAM says of managed policies that it does not take, as recorded of AWS in February 2026.

LocalStack, tests/aws/services/iam/test_iam_policies.snapshot.json (test_create_policy_invalid_document,
test_create_policy_valid_document) and test_iam_roles.snapshot.json (test_update_assume_role_policy_errors).
"""

import json
from typing import Any

import pytest

from maycloud.access.validation import check_policy_document
from maycloud.errors import AwsError

ACTIONS = "Policy statement must contain actions."
COLON = "Actions/Condition can contain only one colon."
LEGACY = "The policy failed legacy parsing"
OLD = "Policy document must be version 2012-10-17 or greater."
RESOURCES = "Policy statement must contain resources."
SIDS = "Statement IDs (SID) in a single policy must be unique."
SYNTAX = "Syntax errors in policy."
PATHS = (
    'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/,'
    " instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/,"
    " report/, access-report/."
)

GOOD = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::box"}
BARE = {"Effect": "Allow"}
SOON = {"DateGreaterThan": {"a": "soon"}}


def only(**members: Any) -> dict[str, Any]:
    return BARE | members


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (GOOD | {"Effect": "denY"}, LEGACY),
        ([GOOD | {"Sid": "s", "Effect": "aLLow"}, BARE | {"Sid": "s"}], LEGACY),
        ([GOOD | {"Sid": "s"}, BARE | {"Sid": "s"}], SIDS),
        ([{"Effect": "Deny"}, GOOD], ACTIONS),
        (BARE, ACTIONS),
        (only(Resource="arn:aws:s3::box"), LEGACY),
        (only(Condition=SOON), LEGACY),
        (only(Action="invalid"), RESOURCES),
        (GOOD | {"Action": "s:3:List", "Resource": "box"}, 'Resource box must be in ARN format or "*".'),
        ([GOOD | {"Action": "s3s:List"}, GOOD | {"Action": "s:3s:List"}], COLON),
        (GOOD | {"Action": "a a:List"}, "Vendor a a is not valid"),
        (GOOD | {"Resource": ""}, 'Resource  must be in ARN format or "*".'),
        (GOOD | {"Resource": "a:bx"}, 'Partition "bx" is not valid for resource "arn:bx:*:*:*:*".'),
        (GOOD | {"Resource": "aws:s3:::box"}, 'Partition "s3" is not valid for resource "arn:s3:::box:*".'),
        (GOOD | {"Resource": "arn:x:s3:::box", "Condition": SOON}, LEGACY),
        (
            GOOD | {"Resource": "arn:aws"},
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (GOOD | {"Resource": "arn:aws::box"}, LEGACY),
        (GOOD | {"Resource": "arn:aws::::box"}, LEGACY),
        (GOOD | {"Resource": "arn:aws:iam:::box"}, PATHS),
        (
            GOOD | {"Resource": "arn:aws:iam:us-east-1::box"},
            "IAM resource arn:aws:iam:us-east-1::box cannot contain region information.",
        ),
        (
            GOOD | {"Resource": "arn:aws:s3:us-east-1::box"},
            "Resource arn:aws:s3:us-east-1::box can not contain region information.",
        ),
        (GOOD | {"Condition": {"DateLessThan": {"a": "9223372036854775808"}}}, LEGACY),
        (GOOD | {"Condition": {"x": {"a": "1"}}}, SYNTAX),
    ],
)
def test_statements_that_are_refused(statement: Any, message: str) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    with pytest.raises(AwsError) as raised:
        check_policy_document(text, "managed")
    assert (raised.value.code, raised.value.message) == ("MalformedPolicyDocument", message)


@pytest.mark.parametrize(
    ("head", "statement", "message"),
    [
        ({}, GOOD, OLD),
        ({"Version": "2008-10-17"}, GOOD, OLD),
        ({"Version": "2013-10-17"}, GOOD, SYNTAX),
        ({}, GOOD | {"Condition": SOON}, OLD),
        ({}, GOOD | {"Effect": "denY"}, OLD),
        ({"Version": "2012-10-17", "Id": {}}, GOOD, SYNTAX),
    ],
)
def test_heads_that_are_refused(head: dict[str, Any], statement: Any, message: str) -> None:
    with pytest.raises(AwsError) as raised:
        check_policy_document(json.dumps(head | {"Statement": statement}), "managed")
    assert raised.value.message == message


@pytest.mark.parametrize(
    "statement",
    [
        GOOD | {"Resource": "arn:aws:short"},
        GOOD | {"Resource": "arn:aws:no-such-service:us-east-1::box"},
        GOOD | {"Resource": "arn:aws:iam:::user/box"},
        GOOD | {"Action": "iam: a b "},
        GOOD | {"Condition": {"x": {}, "y": {}}},
        GOOD | {"Condition": {"DateGreaterThan": {"a": []}}},
        GOOD | {"Condition": {"StringEqualsIfExists": {"a": "b"}}},
        {"Effect": "Allow", "NotAction": "s3:ListBucket", "NotResource": "*"},
    ],
)
def test_statements_that_are_taken(statement: Any) -> None:
    document = {"Version": "2012-10-17", "Statement": statement}
    assert check_policy_document(json.dumps(document), "managed") == document


def test_trust_that_is_no_json() -> None:
    with pytest.raises(AwsError) as raised:
        check_policy_document("{", "trust")
    assert raised.value.message == "This policy contains invalid Json"
