"""IAM policies: patterns, conditions, the decision, and what a document must look like."""

import functools
import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.access.conditions import Patterns, Wild, arn_glob, compile_conditions, glob, tokenize
from maycloud.access.policies import Decision, Policy, compile_policy, decide, denial_message
from maycloud.access.validation import Kind, check_policy_document
from maycloud.errors import AwsError
from maycloud.principal import ANONYMOUS, Principal

ACCOUNT, OTHER = "111111111111", "222222222222"
ROOT = Principal("root", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
ANN = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAANNANNANNANNANNA")
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/path/worker"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/one"
SESSION = Principal("role", ACCOUNT, SESSION_ARN, "AROAWORKERWORKERWORK:one", role_arn=ROLE_ARN)
FEDERATED = Principal("federated", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:federated-user/bob", f"{ACCOUNT}:bob")
LAMBDA = Principal.service("lambda.amazonaws.com", ACCOUNT)
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
FOREIGN = f"arn:aws:sqs:us-east-1:{OTHER}:jobs"
SEND = "sqs:SendMessage"


def holds(operator: str, key: str, wanted: Any, context: dict[str, Any], **options: Any) -> bool:
    return compile_conditions({operator: {key: wanted}}, **options)(context)


def document(effect: str = "Allow", action: Any = SEND, resource: Any = "*", **more: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def policy(*args: Any, **more: Any) -> Policy:
    return compile_policy(document(*args, **more))


def asked(
    principal: Principal = ANN,
    *,
    action: str = SEND,
    resource: str = QUEUE,
    owner: str = ACCOUNT,
    identity: tuple[Policy, ...] = (),
    boundary: Policy | None = None,
    session: tuple[Policy, ...] = (),
    resource_policy: Policy | None = None,
    context: dict[str, Any] | None = None,
) -> Decision:
    return decide(
        action=action,
        resource=resource,
        principal=principal,
        account_of_resource=owner,
        identity=identity,
        boundary=boundary,
        session=session,
        resource_policy=resource_policy,
        context=context or {},
    )


# Patterns


def model(pattern: str, text: str) -> bool:
    """Wildcards by definition: a star is nothing, or one character and a star."""

    @functools.cache
    def from_(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(text)
        if pattern[i] == "*":
            return from_(i + 1, j) or (j < len(text) and from_(i, j + 1))
        return j < len(text) and pattern[i] in ("?", text[j]) and from_(i + 1, j + 1)

    return from_(0, 0)


@given(st.text("ab*?.\n", max_size=12), st.text("ab.\n*", max_size=14))
def test_wildcards_are_as_defined(pattern: str, text: str) -> None:
    compiled = Patterns([pattern], variables=False)
    assert compiled.match(text, {}) is model(pattern, text)


@given(st.text("ab*?", max_size=8), st.lists(st.integers(0, 8), max_size=4), st.text("ab", max_size=4))
def test_a_text_made_from_its_pattern_matches(pattern: str, sizes: list[int], filler: str) -> None:
    lengths = iter([*sizes, *[1] * 8])
    text = "".join(
        (filler * next(lengths) if char == "*" else "b" if char == "?" else char) for char in pattern
    )
    assert Patterns([pattern], variables=False).match(text, {})


@given(st.text("ab:*?", max_size=14), st.text("ab:", max_size=14))
def test_arn_patterns_match_part_by_part(pattern: str, text: str) -> None:
    left, right = pattern.split(":", 5), text.split(":", 5)
    expected = pattern == "*" or (
        len(left) == len(right) == 6
        and all(model(part, value) for part, value in zip(left, right, strict=True))
    )
    tokens = [token for token in tokenize(pattern, variables=False) if isinstance(token, str | Wild)]
    assert arn_glob(tokens)(text) is expected


@pytest.mark.parametrize("run", ["a", "?a", "a?"])
def test_a_hostile_pattern_is_searched_once_per_run(run: str) -> None:
    """Backtracking would need far more than one look per star; here each run is looked for once."""
    stars = 60
    tokens = [
        token
        for token in tokenize(f"*{run}" * stars + "*b*", variables=False)
        if isinstance(token, str | Wild)
    ]
    match, text = glob(tokens), "a" * 20_000
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        found = match(text)
    finally:
        sys.setprofile(None)
    assert not found
    assert calls < 3 * stars + 20


def test_hostile_variables_are_read_once() -> None:
    assert tokenize("${" * 50_000, variables=True) == ["${" * 50_000]


def test_a_star_crosses_colons_and_slashes_in_resources() -> None:
    compiled = Patterns(["arn:aws:s3:::bucket/*.txt", "arn:aws:sqs:*"], variables=False)
    assert compiled.match("arn:aws:s3:::bucket/a/b/c.txt", {})
    assert compiled.match(QUEUE, {})
    assert not compiled.match("arn:aws:s3:::bucket/a.png", {})


# Variables


def test_variables_are_replaced_by_literal_text() -> None:
    home = ["arn:aws:s3:::home/${aws:username}/*"]
    compiled = Patterns(home, variables=True)
    assert compiled.match("arn:aws:s3:::home/ann/x", {"aws:username": "ann"})
    assert not compiled.match("arn:aws:s3:::home/bob/x", {"aws:username": "ann"})
    assert not compiled.match("arn:aws:s3:::home/bob/x", {"aws:username": "*"})
    assert compiled.match("arn:aws:s3:::home/*/x", {"aws:username": "*"})


def test_a_variable_without_a_value_matches_nothing() -> None:
    compiled = Patterns(["*${aws:username}*"], variables=True)
    assert not compiled.match("anything", {})
    assert not compiled.match("", {})
    assert not compiled.match("ann", {"aws:username": ["ann", "bob"]})
    assert holds("StringNotEquals", "s3:prefix", "${aws:username}", {"s3:prefix": "x"})
    assert not holds("StringEquals", "s3:prefix", "${aws:username}", {"s3:prefix": "x"})


def test_defaults_of_variables() -> None:
    team = "${aws:PrincipalTag/team, 'company-wide'}"
    assert holds("StringEquals", "s3:prefix", team, {"s3:prefix": "company-wide"})
    assert holds("StringEquals", "s3:prefix", team, {"s3:prefix": "red", "aws:principaltag/team": "red"})
    assert not holds(
        "StringEquals", "s3:prefix", team, {"s3:prefix": "company-wide", "aws:principaltag/team": "red"}
    )
    assert not holds("StringEquals", "s3:prefix", "${aws:x, bare}", {"s3:prefix": "bare"})


@pytest.mark.parametrize("char", ["*", "?", "$"])
def test_escaped_special_characters(char: str) -> None:
    pattern = f"a${{{char}}}b"
    assert holds("StringLike", "s3:prefix", pattern, {"s3:prefix": f"a{char}b"})
    assert not holds("StringLike", "s3:prefix", pattern, {"s3:prefix": "axb"})
    assert holds("StringEquals", "s3:prefix", pattern, {"s3:prefix": f"a{char}b"})


def test_variables_need_the_version() -> None:
    statement = document(resource="arn:aws:s3:::${aws:username}")
    old = statement | {"Version": "2008-10-17"}
    context = {"aws:username": "ann"}
    resource = "arn:aws:s3:::ann"
    assert asked(identity=(compile_policy(statement),), resource=resource, context=context).allowed
    assert not asked(identity=(compile_policy(old),), resource=resource, context=context).allowed
    literal = "arn:aws:s3:::${aws:username}"
    assert asked(identity=(compile_policy(old),), resource=literal, context=context).allowed
    assert holds("StringEquals", "s3:prefix", "${aws:x}", {"s3:prefix": "${aws:x}"}, variables=False)


def test_variables_that_are_not_text() -> None:
    context = {"aws:securetransport": True, "aws:epochtime": 12, "s3:prefix": "true-12"}
    assert holds("StringEquals", "s3:prefix", "${aws:SecureTransport}-${aws:EpochTime}", context)


# Conditions: operator, policy's values, request's value, expected. Negations are tested from the same rows.

STRINGS = [
    ("StringEquals", "a", "a", True),
    ("StringEquals", ["x", "a"], "a", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", "a*", "ab", False),
    ("StringEquals", "a*", "a*", True),
    ("StringEquals", "true", True, True),
    ("StringEquals", "5", 5, True),
    ("StringEquals", [], "a", False),
    ("StringEqualsIgnoreCase", "AbC", "aBc", True),
    ("StringEqualsIgnoreCase", "AbC", "abd", False),
    ("StringLike", "a*c?", "abbbcd", True),
    ("StringLike", "a*c?", "abbbc", False),
    ("StringLike", "A*", "abc", False),
    ("ArnEquals", "arn:aws:sns:*:*:t", "arn:aws:sns:us-east-1:1:t", True),
    ("ArnEquals", "arn:aws:s3:::*", "arn:aws:s3:::b/a:b", True),
    ("ArnLike", "arn:aws:sns:*:t", "arn:aws:sns:us-east-1:1:t", False),
    ("ArnLike", "arn:aws:sns:us-*:1:t?", "arn:aws:sns:us-east-1:1:t1", True),
    ("ArnLike", "arn:aws:sns:us-*:1:t?", "arn:aws:sns:eu-west-1:1:t1", False),
    ("NumericEquals", "10", 10, True),
    ("NumericEquals", 10.0, "10", True),
    ("NumericEquals", "9007199254740993", 9007199254740992, False),
    ("NumericEquals", "ten", 10, False),
    ("NumericEquals", "NaN", "NaN", False),
    ("DateEquals", "2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC), True),
    ("DateEquals", "2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z", True),
    ("DateEquals", "2026-01", "2026-01-01", True),
    ("DateEquals", "60", "1970-01-01T00:01:00Z", True),
    ("DateEquals", "soon", "2026-01-31T10:00:00Z", False),
    ("IpAddress", "10.0.0.0/8", "10.200.0.1", True),
    ("IpAddress", "10.0.0.0/8", "11.0.0.1", False),
    ("IpAddress", "10.0.0.7", "10.0.0.7", True),
    ("IpAddress", ["::1/128", "10.0.0.0/8"], "::1", True),
    ("IpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", True),
    ("IpAddress", "2001:db8::/32", "10.0.0.1", False),
    ("IpAddress", "nowhere", "10.0.0.1", False),
    ("IpAddress", "10.0.0.0/8", "nowhere", False),
]
NEGATIONS = {
    "StringEquals": "StringNotEquals",
    "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
    "StringLike": "StringNotLike",
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
    "NumericEquals": "NumericNotEquals",
    "DateEquals": "DateNotEquals",
    "IpAddress": "NotIpAddress",
}


@pytest.mark.parametrize(("operator", "wanted", "value", "expected"), STRINGS)
def test_operators_and_their_negations(operator: str, wanted: Any, value: Any, expected: bool) -> None:
    context = {"aws:x": value}
    assert holds(operator, "aws:X", wanted, context) is expected
    assert holds(f"{operator}IfExists", "aws:X", wanted, context) is expected
    assert holds(NEGATIONS[operator], "aws:X", wanted, context) is not expected
    assert holds(f"{NEGATIONS[operator]}IfExists", "aws:X", wanted, context) is not expected


@pytest.mark.parametrize(
    ("operator", "below", "same", "above"),
    [
        ("LessThan", True, False, False),
        ("LessThanEquals", True, True, False),
        ("GreaterThan", False, False, True),
        ("GreaterThanEquals", False, True, True),
    ],
)
def test_comparisons_read_request_before_policy(operator: str, below: bool, same: bool, above: bool) -> None:
    numbers = [holds(f"Numeric{operator}", "s3:max-keys", "10", {"s3:max-keys": n}) for n in (9.5, 10, "11")]
    assert numbers == [below, same, above]
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    dates = [
        holds(f"Date{operator}", "aws:CurrentTime", "2026-01-02T00:00:00Z", {"aws:currenttime": day})
        for day in days
    ]
    assert dates == [below, same, above]
    assert not holds(f"Numeric{operator}", "s3:max-keys", "10", {})


def test_bool_binary_and_null() -> None:
    assert holds("Bool", "aws:SecureTransport", "false", {"aws:securetransport": False})
    assert holds("Bool", "aws:SecureTransport", True, {"aws:securetransport": "TRUE"})
    assert not holds("Bool", "aws:SecureTransport", "true", {"aws:securetransport": False})
    assert not holds("Bool", "aws:SecureTransport", "false", {})
    assert holds("BoolIfExists", "aws:SecureTransport", "true", {})
    assert holds("BinaryEquals", "aws:x", "aGk=", {"aws:x": b"hi"})
    assert holds("BinaryEquals", "aws:x", "aGk=", {"aws:x": "aGk="})
    assert not holds("BinaryEquals", "aws:x", "!!", {"aws:x": b"hi"})
    assert holds("Null", "aws:TokenIssueTime", "true", {})
    assert not holds("Null", "aws:TokenIssueTime", "false", {})
    assert holds("Null", "aws:TokenIssueTime", False, {"aws:tokenissuetime": "2026-01-01"})
    assert holds("Null", "aws:TagKeys", "true", {"aws:tagkeys": []})


@pytest.mark.parametrize("positive", list(NEGATIONS))
def test_an_absent_key_satisfies_negations_alone(positive: str) -> None:
    assert not holds(positive, "aws:x", "1", {})
    assert holds(f"{positive}IfExists", "aws:x", "1", {})
    assert holds(NEGATIONS[positive], "aws:x", "1", {})
    assert holds(f"{NEGATIONS[positive]}IfExists", "aws:x", "1", {})


@pytest.mark.parametrize(
    ("values", "every", "some", "none_of", "other"),
    [
        (["a", "b"], True, True, False, False),
        (["a", "z"], False, True, False, True),
        (["y", "z"], False, False, True, True),
        ([], True, False, True, False),
        ([""], True, False, True, False),
        (None, True, False, True, False),
        ("a", True, True, False, False),
    ],
)
def test_sets_of_values(values: Any, every: bool, some: bool, none_of: bool, other: bool) -> None:
    context = {} if values is None else {"aws:tagkeys": values}
    wanted = ["a", "b", "c"]
    assert holds("ForAllValues:StringEquals", "aws:TagKeys", wanted, context) is every
    assert holds("ForAnyValue:StringEquals", "aws:TagKeys", wanted, context) is some
    assert holds("ForAllValues:StringNotEquals", "aws:TagKeys", wanted, context) is none_of
    assert holds("ForAnyValue:StringNotEquals", "aws:TagKeys", wanted, context) is other
    assert holds("ForAnyValue:StringEqualsIfExists", "aws:TagKeys", wanted, {})


def test_all_operators_and_keys_of_a_block_must_hold() -> None:
    block = {"StringEquals": {"aws:A": "1", "aws:B": "2"}, "Bool": {"aws:C": "true"}}
    condition = compile_conditions(block)
    assert condition({"aws:a": "1", "aws:b": "2", "aws:c": True})
    assert not condition({"aws:a": "1", "aws:b": "3", "aws:c": True})
    assert not condition({"aws:a": "1", "aws:b": "2", "aws:c": False})
    assert compile_conditions({})({})


@pytest.mark.parametrize(
    "operator", ["StringMatches", "", "Null:", "NullIfExists", "ForAllValues:Null", "ForSomeValues:Bool"]
)
def test_unknown_operators_are_refused(operator: str) -> None:
    with pytest.raises(AwsError) as raised:
        compile_conditions({operator: {"aws:x": "1"}})
    assert raised.value.code == "MalformedPolicyDocument"


# Statements


def test_actions_are_compared_without_case() -> None:
    for action in ("SQS:sendmessage", "sqs:Send*", "sqs:*", "*", "sqs:SendMessag?", ["s3:Get", SEND]):
        assert asked(identity=(policy(action=action),)).allowed, action
    for action in ("sqs:Send", "s3:*", "sqs:SendMessage?", []):
        assert not asked(identity=(policy(action=action),)).allowed, action


def test_not_action_and_not_resource() -> None:
    others = compile_policy(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "NotAction": "iam:*",
                "NotResource": [FOREIGN, "arn:aws:s3:::*"],
            },
        }
    )
    assert asked(identity=(others,)).allowed
    assert not asked(identity=(others,), action="IAM:CreateUser").allowed
    assert not asked(identity=(others,), resource=FOREIGN).allowed
    assert not asked(identity=(others,), resource="arn:aws:s3:::b").allowed


def test_resources_are_compared_with_case() -> None:
    assert asked(identity=(policy(resource=["arn:aws:s3:::x", QUEUE]),)).allowed
    assert not asked(identity=(policy(resource=QUEUE.upper()),)).allowed


def test_a_condition_limits_its_statement() -> None:
    limited = policy(Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}})
    assert asked(identity=(limited,), context={"aws:requestedregion": "us-east-1"}).allowed
    assert not asked(identity=(limited,), context={"aws:requestedregion": "eu-west-1"}).allowed


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"Statement": "x"},
        {"Statement": ["x"]},
        {"Statement": {"Effect": "Maybe", "Action": "*", "Resource": "*"}},
        {"Statement": {"Effect": "Allow", "Resource": "*"}},
        {"Statement": {"Effect": "Deny", "Action": "*", "Principal": 5}},
        {"Statement": {"Effect": "Deny", "Action": "*", "Condition": ["x"]}},
    ],
)
def test_a_document_that_cannot_be_understood_is_no_policy(broken: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as raised:
        compile_policy(broken)
    assert raised.value.code == "MalformedPolicyDocument"


# Principals

NAMED = [
    (ANN, {"AWS": ANN.arn}, True),
    (ANN, {"AWS": ANN.id}, True),
    (ANN, {"AWS": [SESSION_ARN, ANN.arn]}, True),
    (ANN, "*", True),
    (ANN, {"AWS": "*"}, True),
    (ANN, {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}, False),
    (ANN, {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, False),
    (ANN, {"AWS": ACCOUNT}, False),  # delegates to identity policies, of which there are none
    (ANN, {"Service": ANN.arn}, False),
    (SESSION, {"AWS": SESSION_ARN}, True),
    (SESSION, {"AWS": ROLE_ARN}, True),
    (SESSION, {"AWS": "AROAWORKERWORKERWORK"}, True),
    (SESSION, {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/two"}, False),
    (LAMBDA, {"Service": ["sns.amazonaws.com", "lambda.amazonaws.com"]}, True),
    (LAMBDA, {"Service": "sns.amazonaws.com"}, False),
    (LAMBDA, {"AWS": ACCOUNT}, False),
    (LAMBDA, "*", True),
    (ANONYMOUS, "*", True),
    (ANONYMOUS, {"AWS": "*"}, True),
    (ANONYMOUS, {"AWS": ACCOUNT}, False),
]


@pytest.mark.parametrize(("principal", "element", "expected"), NAMED)
def test_whom_a_principal_names(principal: Principal, element: Any, expected: bool) -> None:
    assert asked(principal, resource_policy=policy(Principal=element)).allowed is expected


@pytest.mark.parametrize("account", [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"])
def test_an_account_stands_for_all_in_it(account: str) -> None:
    mine = (policy(),)
    for principal in (ROOT, ANN, SESSION):
        allowed = policy(Principal={"AWS": account})
        assert asked(principal, identity=mine, resource_policy=allowed, owner=OTHER).allowed
        denied = asked(principal, identity=mine, resource_policy=policy("Deny", Principal={"AWS": account}))
        assert denied == Decision(False, True, "with an explicit deny in a resource-based policy")
    stranger = Principal("user", OTHER, f"arn:aws:iam::{OTHER}:user/eve", "AIDAEVE")
    assert asked(
        stranger, identity=mine, owner=OTHER, resource_policy=policy("Deny", Principal={"AWS": account})
    ).allowed


def test_an_identity_provider_is_allowed_by_the_trust_policy_alone() -> None:
    trust = compile_policy(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "pool"}},
            },
        }
    )
    caller = Principal("federated", "", "cognito-identity.amazonaws.com", "us-east-1:1")

    def assume(audience: str, provider: Principal = caller) -> bool:
        return asked(
            provider,
            action="sts:AssumeRoleWithWebIdentity",
            resource=ROLE_ARN,
            resource_policy=trust,
            context={"cognito-identity.amazonaws.com:aud": audience},
        ).allowed

    assert assume("pool")
    assert not assume("another")
    assert not assume("pool", Principal("federated", "", "accounts.google.com", "1"))


def test_not_principal_denies_all_but_the_listed() -> None:
    def denied(principal: Principal, *listed: str) -> bool:
        others = document("Deny")
        others["Statement"][0]["NotPrincipal"] = {"AWS": list(listed)}
        return asked(principal, identity=(policy(),), resource_policy=compile_policy(others)).explicit

    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert not denied(ANN, ANN.arn, root)
    assert denied(ANN, root)
    assert denied(ANN, ANN.arn)  # AWS: the account must be listed too
    assert not denied(ROOT, ACCOUNT)
    assert not denied(SESSION, SESSION_ARN, ROLE_ARN, root)
    assert denied(SESSION, SESSION_ARN, root)
    assert denied(SESSION, ROLE_ARN, root)
    assert denied(ANONYMOUS, ANN.arn, root)
    assert denied(LAMBDA, ANN.arn, root)
    assert not denied(ANONYMOUS, "*")


def test_not_principal_allows_nobody() -> None:
    statement = document()
    statement["Statement"][0]["NotPrincipal"] = {"AWS": OTHER}
    assert not asked(resource_policy=compile_policy(statement)).allowed


# The decision

NO_IDENTITY = Decision(False, False, f"no identity-based policy allows the {SEND} action")
NO_RESOURCE = Decision(False, False, f"no resource-based policy allows the {SEND} action")
NO_BOUNDARY = Decision(False, False, f"no permissions boundary allows the {SEND} action")
NO_SESSION = Decision(False, False, f"no session policy allows the {SEND} action")
YES = Decision(True, False, "")
ALL, NOTHING = policy(action="*"), policy(action="s3:GetObject")
TO_ANN, TO_ROLE, TO_SESSION, TO_ALL, TO_ACCOUNT = (
    policy(Principal={"AWS": name}) for name in (ANN.arn, ROLE_ARN, SESSION_ARN, "*", ACCOUNT)
)
TABLE: list[tuple[str, Principal, dict[str, Any], Decision]] = [
    ("nothing allows", ANN, {}, NO_IDENTITY),
    ("identity allows", ANN, {"identity": (NOTHING, ALL)}, YES),
    ("no owner is one's own", ANN, {"identity": (ALL,), "owner": ""}, YES),
    ("boundary alone", ANN, {"boundary": ALL}, NO_IDENTITY),
    ("boundary limits", ANN, {"identity": (ALL,), "boundary": NOTHING}, NO_BOUNDARY),
    ("boundary allows", ANN, {"identity": (ALL,), "boundary": ALL}, YES),
    ("session limits", SESSION, {"identity": (ALL,), "session": (NOTHING,)}, NO_SESSION),
    ("session allows", SESSION, {"identity": (ALL,), "session": (NOTHING, ALL)}, YES),
    ("boundary before session", SESSION, {"identity": (ALL,), "boundary": NOTHING, "session": (NOTHING,)},
     NO_BOUNDARY),
    ("user named", ANN, {"resource_policy": TO_ANN}, YES),
    ("user named, boundary not asked", ANN, {"resource_policy": TO_ANN, "boundary": NOTHING}, YES),
    ("user by star, boundary not asked", ANN, {"resource_policy": TO_ALL, "boundary": NOTHING}, YES),
    ("session named, none asked", SESSION,
     {"resource_policy": TO_SESSION, "boundary": NOTHING, "session": (NOTHING,)}, YES),
    ("role named", SESSION, {"resource_policy": TO_ROLE}, YES),
    ("role named, boundary asked", SESSION, {"resource_policy": TO_ROLE, "boundary": NOTHING}, NO_BOUNDARY),
    ("role named, session asked", SESSION, {"resource_policy": TO_ROLE, "session": (NOTHING,)}, NO_SESSION),
    ("role by star, session asked", SESSION, {"resource_policy": TO_ALL, "session": (NOTHING,)}, NO_SESSION),
    ("account named", ANN, {"resource_policy": TO_ACCOUNT}, NO_IDENTITY),
    ("account named and identity", ANN, {"resource_policy": TO_ACCOUNT, "identity": (ALL,)}, YES),
    ("another named, identity", ANN, {"resource_policy": TO_ROLE, "identity": (ALL,)}, YES),
    ("another named", ANN, {"resource_policy": TO_ROLE}, NO_IDENTITY),
    ("abroad without policy", ANN, {"owner": OTHER, "identity": (ALL,)}, NO_RESOURCE),
    ("abroad, identity silent", ANN, {"owner": OTHER, "resource_policy": TO_ANN}, NO_IDENTITY),
    ("abroad, both", ANN, {"owner": OTHER, "resource_policy": TO_ANN, "identity": (ALL,)}, YES),
    ("abroad, account and identity", ANN, {"owner": OTHER, "resource_policy": TO_ACCOUNT, "identity": (ALL,)},
     YES),
    ("abroad, role and identity", SESSION, {"owner": OTHER, "resource_policy": TO_ROLE, "identity": (ALL,)},
     YES),
    ("abroad, another named", ANN, {"owner": OTHER, "resource_policy": TO_ROLE, "identity": (ALL,)},
     NO_RESOURCE),
    ("abroad, boundary asked", ANN,
     {"owner": OTHER, "resource_policy": TO_ANN, "identity": (ALL,), "boundary": NOTHING}, NO_BOUNDARY),
    ("abroad, session asked", SESSION,
     {"owner": OTHER, "resource_policy": TO_SESSION, "identity": (ALL,), "session": (NOTHING,)}, NO_SESSION),
    ("root", ROOT, {}, YES),
    ("root abroad", ROOT, {"owner": OTHER}, NO_RESOURCE),
    ("root abroad, let in", ROOT, {"owner": OTHER, "resource_policy": TO_ACCOUNT}, YES),
    ("federated without session policy", FEDERATED, {"identity": (ALL,)}, NO_SESSION),
    ("federated with session policy", FEDERATED, {"identity": (ALL,), "session": (ALL,)}, YES),
    ("federated named", FEDERATED, {"resource_policy": policy(Principal={"AWS": FEDERATED.arn})}, YES),
    ("service without policy", LAMBDA, {}, YES),
    ("service not let in", LAMBDA, {"resource_policy": TO_ANN}, NO_RESOURCE),
    ("service let in abroad", LAMBDA,
     {"owner": OTHER, "resource_policy": policy(Principal={"Service": LAMBDA.arn})}, YES),
    ("anonymous", ANONYMOUS, {}, NO_RESOURCE),
    ("anonymous let in", ANONYMOUS, {"resource_policy": TO_ALL, "owner": OTHER}, YES),
]  # fmt: skip


@pytest.mark.parametrize(("case", "principal", "layers", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_the_decision_table(
    case: str, principal: Principal, layers: dict[str, Any], expected: Decision
) -> None:
    assert asked(principal, **layers) == expected, case


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("identity", "an identity-based policy"),
        ("boundary", "a permissions boundary"),
        ("session", "a session policy"),
        ("resource_policy", "a resource-based policy"),
    ],
)
@pytest.mark.parametrize("owner", [ACCOUNT, OTHER])
def test_an_explicit_deny_wins(place: str, words: str, owner: str) -> None:
    layers: dict[str, Any] = {
        "identity": (ALL,),
        "boundary": ALL,
        "session": (ALL,),
        "resource_policy": TO_SESSION,
    }
    assert asked(SESSION, owner=owner, **layers) == YES
    statements = [document(action="*")["Statement"][0], document("Deny", action="sqs:*")["Statement"][0]]
    if place == "resource_policy":
        statements = [statement | {"Principal": {"AWS": SESSION_ARN}} for statement in statements]
    both = compile_policy({"Version": "2012-10-17", "Statement": statements})
    layers[place] = both if place in ("boundary", "resource_policy") else (both,)
    decision = asked(SESSION, owner=owner, **layers)
    assert decision == Decision(False, True, f"with an explicit deny in {words}")


def test_root_can_undo_a_policy_that_locks_everyone_out() -> None:
    lock = policy("Deny", action="s3:*", Principal="*")
    bucket = "arn:aws:s3:::b"
    assert asked(ROOT, action="s3:DeleteBucketPolicy", resource=bucket, resource_policy=lock).allowed
    assert asked(ROOT, action="s3:GetObject", resource=bucket, resource_policy=lock).explicit
    assert asked(ROOT, action="s3:PutBucketPolicy", owner=OTHER, resource_policy=lock).explicit


@pytest.mark.parametrize("action", ["kms:Decrypt", "sts:AssumeRole"])
def test_keys_and_roles_must_allow_even_their_own_account(action: str) -> None:
    everything = (policy(action="*"),)
    to_another = policy(action=action, Principal={"AWS": ROLE_ARN})
    to_account = policy(action=action, Principal={"AWS": ACCOUNT})
    refused = asked(action=action, identity=everything, resource_policy=to_another)
    assert refused.reason == f"no resource-based policy allows the {action} action"
    assert not asked(ROOT, action=action, resource_policy=to_another).allowed
    assert asked(action=action, identity=everything, resource_policy=to_account).allowed
    assert not asked(action=action, resource_policy=to_account).allowed
    assert asked(action=action, resource_policy=policy(action=action, Principal={"AWS": ANN.arn})).allowed


def test_denial_messages_are_worded_as_in_aws() -> None:
    assert denial_message(ANN, SEND, QUEUE, asked()) == (
        f"User: {ANN.arn} is not authorized to perform: sqs:SendMessage on resource: {QUEUE}"
        " because no identity-based policy allows the sqs:SendMessage action"
    )
    assert denial_message(SESSION, SEND, QUEUE, asked(SESSION, identity=(policy("Deny"),))) == (
        f"User: {SESSION_ARN} is not authorized to perform: sqs:SendMessage on resource: {QUEUE}"
        " with an explicit deny in an identity-based policy"
    )


# Validation

SYNTAX = "Syntax errors in policy."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
ONLY_STS = "AssumeRole policy may only specify STS AssumeRole actions."
GOOD = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}


def without(statement: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != name}


VALID: list[tuple[Kind, Any]] = [
    ("identity", GOOD),
    ("identity", [GOOD | {"Sid": "A1"}, GOOD | {"Sid": ""}, GOOD | {"Sid": ""}]),
    (
        "identity",
        GOOD | {"Action": ["*"], "Resource": ["*", "arn:aws:sqs:*", "arn:aws:s3:::${aws:username}"]},
    ),
    ("identity", GOOD | {"Action": "ec2-instance:*", "Resource": "arn:aws-cn:s3:::b"}),
    ("identity", GOOD | {"Condition": {"Bool": {"aws:SecureTransport": True}}}),
    ("identity", GOOD | {"Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}}),
    ("identity", {"Effect": "Deny", "NotAction": "iam:*", "NotResource": "*"}),
    ("trust", TRUST),
    ("trust", TRUST | {"Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": ACCOUNT}}),
    (
        "trust",
        TRUST | {"Principal": {"AWS": [ROLE_ARN, SESSION_ARN, "*"], "Federated": "accounts.google.com"}},
    ),
    ("resource", GOOD | {"Principal": "*", "Sid": "with space"}),
    ("resource", GOOD | {"Principal": {"AWS": "*"}, "Resource": "execute-api:/*"}),
    ("resource", GOOD | {"Effect": "Deny", "NotPrincipal": {"AWS": ANN.arn}}),
]


@pytest.mark.parametrize(("kind", "statement"), VALID)
def test_documents_that_are_kept(kind: Kind, statement: Any) -> None:
    for head in ({"Version": "2012-10-17", "Id": "x"}, {"Version": "2008-10-17"}, {}):
        kept = {**head, "Statement": statement}
        assert check_policy_document(json.dumps(kept), kind) == kept


INVALID: list[tuple[Kind, Any, str]] = [
    ("identity", [], SYNTAX),
    ("identity", "x", SYNTAX),
    ("identity", ["x"], SYNTAX),
    ("identity", without(GOOD, "Effect"), SYNTAX),
    ("identity", GOOD | {"Effect": "allow"}, "The policy failed legacy parsing"),
    ("identity", GOOD | {"Effect": "Permit"}, SYNTAX),
    ("identity", GOOD | {"Extra": 1}, SYNTAX),
    ("identity", GOOD | {"Sid": 1}, SYNTAX),
    ("identity", GOOD | {"Action": 5}, SYNTAX),
    ("identity", GOOD | {"NotAction": "s3:*"}, SYNTAX),
    ("identity", GOOD | {"NotResource": "*"}, SYNTAX),
    ("identity", GOOD | {"Condition": []}, SYNTAX),
    ("identity", GOOD | {"Condition": {"StringEquals": "x"}}, SYNTAX),
    ("identity", GOOD | {"Condition": {"StringIs": {"aws:x": "1"}}}, SYNTAX),
    ("identity", GOOD | {"Condition": {"StringEquals": {"aws:x": {"a": 1}}}}, SYNTAX),
    ("identity", without(GOOD, "Action"), "Policy statement must contain actions."),
    ("identity", GOOD | {"Action": []}, "Policy statement must contain actions."),
    ("identity", without(GOOD, "Resource"), "Policy statement must contain resources."),
    ("identity", GOOD | {"Resource": []}, "Policy statement must contain resources."),
    ("identity", GOOD | {"Principal": "*"}, "Policy document should not specify a principal."),
    ("identity", GOOD | {"Action": "GetObject"}, VENDOR),
    ("identity", GOOD | {"Action": ":GetObject"}, VENDOR),
    ("identity", GOOD | {"Action": "s3:Get:Object"}, "Actions/Condition can contain only one colon."),
    ("identity", GOOD | {"Action": "s*:GetObject"}, "Vendor s* is not valid"),
    ("identity", GOOD | {"Resource": "bucket"}, 'Resource bucket must be in ARN format or "*".'),
    ("identity", GOOD | {"Resource": "arn:aws:s3::b"}, "The policy failed legacy parsing"),
    ("identity", GOOD | {"Resource": "arn:gcp:s3:::b"},
     'Partition "gcp" is not valid for resource "arn:gcp:s3:::b".'),
    ("identity", GOOD | {"Condition": {"DateEquals": {"aws:CurrentTime": "soon"}}},
     "The policy failed legacy parsing"),
    ("identity", [GOOD | {"Sid": "A"}, GOOD | {"Sid": "A"}],
     "Statement IDs (SID) in a single policy must be unique."),
    ("identity", GOOD | {"Sid": "a b"},
     "Statement IDs (SID) must be alpha-numeric."
     " Check that your input satisfies the regular expression [0-9A-Za-z]*"),
    ("trust", TRUST | {"Resource": "*"}, "Has prohibited field Resource"),
    ("trust", TRUST | {"NotResource": "*"}, "Has prohibited field NotResource"),
    ("trust", without(TRUST, "Principal"), "Missing required field Principal"),
    ("trust", without(TRUST, "Action"), "Missing required field Action"),
    ("trust", without(TRUST, "Effect"), "Missing required field Effect"),
    ("trust", TRUST | {"Action": "s3:GetObject"}, ONLY_STS),
    ("trust", TRUST | {"Action": "*"}, ONLY_STS),
    ("trust", TRUST | {"Principal": {}}, SYNTAX),
    ("trust", TRUST | {"Principal": {"Aws": "*"}}, SYNTAX),
    ("trust", TRUST | {"Principal": {"AWS": "ann"}}, 'Invalid principal in policy: "AWS":"ann"'),
    ("trust", TRUST | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}},
     f'Invalid principal in policy: "AWS":"arn:aws:iam::{ACCOUNT}:user/*"'),
    ("trust", TRUST | {"Principal": {"Service": "lambda"}},
     'Invalid principal in policy: "SERVICE":"lambda"'),
    ("resource", GOOD, "Missing required field Principal"),
    ("resource", without(GOOD, "Resource") | {"Principal": "*"}, "Missing required field Resource"),
    ("resource", GOOD | {"NotPrincipal": {"AWS": ACCOUNT}}, "Allow with NotPrincipal is not allowed."),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "statement", "message"), INVALID)
def test_documents_that_are_refused(kind: Kind, statement: Any, message: str) -> None:
    with pytest.raises(AwsError) as raised:
        check_policy_document(json.dumps({"Version": "2012-10-17", "Statement": statement}), kind)
    assert (raised.value.code, raised.value.message) == ("MalformedPolicyDocument", message)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "NaN",
        "[" * 100_000,
        '{"Version": "2012-10-17"}',
        json.dumps({"Version": "2012-10-18", "Statement": GOOD}),
        json.dumps({"Version": ["2012-10-17"], "Statement": GOOD}),
        json.dumps({"Version": "2012-10-17", "Statement": GOOD, "Other": 1}),
        json.dumps({"Version": "2012-10-17", "Statement": GOOD | {"Resource": "\ud800"}}),
    ],
)
def test_texts_that_are_no_policy(text: str) -> None:
    with pytest.raises(AwsError) as raised:
        check_policy_document(text, "identity")
    assert (raised.value.code, raised.value.message) == ("MalformedPolicyDocument", SYNTAX)
