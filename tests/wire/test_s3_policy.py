"""Bucket policies and the public access block: what is a policy, and whom it lets in."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from people import OTHER, allow, policy, refused, stranger, user
from running import RunningCloud

MINE = "policy-mine"
ARN = f"arn:aws:s3:::{MINE}"


@pytest.fixture(scope="module")
def s3(cloud: RunningCloud) -> Any:
    client = cloud.client("s3")
    client.create_bucket(Bucket=MINE)
    return client


def make(s3: Any, bucket: str, *statements: dict[str, Any], public: bool = False) -> str:
    """A bucket with an object of each kind and a policy; gives its ARN."""
    s3.create_bucket(Bucket=bucket)
    for key in ("private/me/a", "private/you/a", "public/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    if public:
        s3.delete_public_access_block(Bucket=bucket)
    if statements:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(*statements))
    return f"arn:aws:s3:::{bucket}"


# What is a policy

GOOD = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:GetObject", "Resource": f"{ARN}/*"}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "Policies must be valid JSON and the first byte must be '{'"),
        ("[]", "Policies must be valid JSON and the first byte must be '{'"),
        ('{"Statement": ', "This policy contains invalid Json"),
        ("{}", "Missing required field Statement"),
        ({"Statement": []}, "Could not parse the policy: Statement is empty!"),
        ({"Version": "2020-01-01", "Statement": [GOOD]}, "The policy must contain a valid version string"),
        ({"Statement": [GOOD], "Owner": "me"}, "Unknown field Owner"),
        ({"Statement": [GOOD | {"Colour": "red"}]}, "Unknown field Colour"),
        ({"Statement": [without("Principal")]}, "Missing required field Principal"),
        ({"Statement": [without("Action")]}, "Missing required field Action"),
        ({"Statement": [without("Resource")]}, "Missing required field Resource"),
        ({"Statement": [without("Effect")]}, "Missing required field Effect"),
        ({"Statement": [GOOD | {"Effect": "Maybe"}]}, "Invalid effect: Maybe"),
        ({"Statement": [GOOD | {"Action": "ec2:RunInstances"}]}, "Policy has invalid action"),
        ({"Statement": [GOOD | {"Resource": "arn:aws:s3:::another/*"}]}, "Policy has invalid resource"),
        ({"Statement": [GOOD | {"Resource": "*"}]}, "Policy has invalid resource"),
        ({"Statement": [GOOD | {"Resource": ARN}]}, "Action does not apply to any resource(s) in statement"),
        (
            {"Statement": [GOOD | {"Action": "s3:ListBucket"}]},
            "Action does not apply to any resource(s) in statement",
        ),
        (
            {"Statement": [GOOD | {"Condition": {"Equal": {"aws:SourceIp": "1.1.1.1"}}}]},
            "Invalid Condition type",
        ),
        ({"Statement": [GOOD | {"Condition": {"StringEquals": {"x": "1"}}}]}, "invalid condition key"),
        ({"Statement": [GOOD | {"Principal": {"AWS": "nobody"}}]}, "Invalid principal in policy"),
        (
            {"Statement": [GOOD | {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:user/missing"}}]},
            "Invalid principal in policy",
        ),
        (
            {"Statement": [GOOD | {"Principal": {"AWS": "arn:aws:iam::000000000000:role/missing"}}]},
            "Invalid principal in policy",
        ),
        ({"Statement": [GOOD | {"Principal": {"Service": "lambda"}}]}, "Invalid principal in policy"),
        ({"Statement": [GOOD | {"Principal": {"Everyone": "*"}}]}, "Invalid policy syntax."),
    ],
)
def test_what_is_no_policy(s3: Any, document: Any, message: str) -> None:
    text = document if isinstance(document, str) else json.dumps({"Version": "2012-10-17", **document})
    assert message in refused("MalformedPolicy", s3.put_bucket_policy, Bucket=MINE, Policy=text)
    refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=MINE)


def test_a_policy_longer_than_20_kilobytes_is_refused(s3: Any) -> None:
    long = policy(GOOD | {"Resource": [f"{ARN}/{number:040}" for number in range(300)]})
    assert "maximum allowed document size" in refused(
        "MalformedPolicy", s3.put_bucket_policy, Bucket=MINE, Policy=long
    )


def test_policies_come_back_and_go(s3: Any) -> None:
    s3.create_bucket(Bucket="policy-kept")
    document = policy(GOOD | {"Resource": "arn:aws:s3:::policy-kept/*"})
    s3.put_bucket_policy(Bucket="policy-kept", Policy=document)
    assert json.loads(s3.get_bucket_policy(Bucket="policy-kept")["Policy"]) == json.loads(document)
    assert s3.get_bucket_policy_status(Bucket="policy-kept")["PolicyStatus"] == {"IsPublic": False}
    s3.delete_bucket_policy(Bucket="policy-kept")
    refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket="policy-kept")
    refused("NoSuchBucketPolicy", s3.get_bucket_policy_status, Bucket="policy-kept")
    s3.delete_bucket_policy(Bucket="policy-kept")


# Within an account either side may allow, across accounts both must


def test_within_the_account_the_policy_alone_lets_in(cloud: RunningCloud, s3: Any) -> None:
    mine = user(cloud, "policy-poor")
    arn = make(s3, "policy-within")
    refused("AccessDenied", mine.get_object, Bucket="policy-within", Key="public/a")
    who = {"AWS": "arn:aws:iam::000000000000:user/policy-poor"}
    s3.put_bucket_policy(
        Bucket="policy-within", Policy=policy(allow("s3:GetObject", f"{arn}/public/*", Principal=who))
    )
    assert mine.get_object(Bucket="policy-within", Key="public/a")["Body"].read() == b"public/a"
    refused("AccessDenied", mine.get_object, Bucket="policy-within", Key="private/me/a")
    refused("AccessDenied", mine.put_object, Bucket="policy-within", Key="public/a", Body=b"")


def test_naming_the_account_leaves_it_to_the_accounts_policies(cloud: RunningCloud, s3: Any) -> None:
    mine = user(cloud, "policy-unnamed")
    make(
        s3,
        "policy-account",
        allow("s3:*", "arn:aws:s3:::policy-account/*", Principal={"AWS": "000000000000"}),
    )
    refused("AccessDenied", mine.get_object, Bucket="policy-account", Key="public/a")


def test_across_accounts_both_sides_must_allow(cloud: RunningCloud, s3: Any) -> None:
    poor = user(cloud, "policy-poor", account=OTHER)
    rich = user(cloud, "policy-rich", allow("s3:*", "*"), account=OTHER)
    arn = make(s3, "policy-across")
    for client in (poor, rich):
        message = refused("AccessDenied", client.get_object, Bucket="policy-across", Key="public/a")
        assert message == "Access Denied"  # the account's own users are told why, others are not
    s3.put_bucket_policy(
        Bucket="policy-across", Policy=policy(allow("s3:GetObject", f"{arn}/*", Principal={"AWS": OTHER}))
    )
    assert rich.get_object(Bucket="policy-across", Key="public/a")["Body"].read() == b"public/a"
    refused("AccessDenied", poor.get_object, Bucket="policy-across", Key="public/a")
    refused("AccessDenied", rich.delete_object, Bucket="policy-across", Key="public/a")
    refused("AccessDenied", rich.list_objects_v2, Bucket="policy-across")


def test_a_buckets_new_owner_is_not_the_old_one(cloud: RunningCloud, s3: Any) -> None:
    """What was allowed in a bucket is not allowed in another account's of the same name."""
    arn = make(s3, "policy-reused")
    assert arn and s3.get_object(Bucket="policy-reused", Key="public/a")["Body"].read()
    for key in ("private/me/a", "private/you/a", "public/a"):
        s3.delete_object(Bucket="policy-reused", Key=key)
    s3.delete_bucket(Bucket="policy-reused")
    make(cloud.client("s3", key=OTHER), "policy-reused")
    refused("AccessDenied", s3.get_object, Bucket="policy-reused", Key="public/a")
    refused("AccessDenied", s3.list_objects_v2, Bucket="policy-reused")
    refused("403", s3.head_bucket, Bucket="policy-reused")


def test_only_the_owners_account_sets_the_policy(cloud: RunningCloud, s3: Any) -> None:
    arn = make(s3, "policy-owners")
    document = policy(
        allow(
            ["s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"],
            arn,
            Principal={"AWS": OTHER},
        )
    )
    s3.put_bucket_policy(Bucket="policy-owners", Policy=document)
    other = cloud.client("s3", key=OTHER)
    refused("MethodNotAllowed", other.put_bucket_policy, Bucket="policy-owners", Policy=document)
    refused("MethodNotAllowed", other.get_bucket_policy, Bucket="policy-owners")
    refused("MethodNotAllowed", other.delete_bucket_policy, Bucket="policy-owners")


def test_an_explicit_deny_wins(cloud: RunningCloud, s3: Any) -> None:
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject",
        "Resource": "arn:aws:s3:::policy-deny/*",
    }  # fmt: skip
    make(s3, "policy-deny", deny)
    message = refused("AccessDenied", s3.delete_object, Bucket="policy-deny", Key="public/a")
    assert "explicit deny in a resource-based policy" in message
    deleted = s3.delete_objects(Bucket="policy-deny", Delete={"Objects": [{"Key": "public/a"}]})
    assert [error["Code"] for error in deleted["Errors"]] == ["AccessDenied"]
    assert s3.get_object(Bucket="policy-deny", Key="public/a")["Body"].read() == b"public/a"


# Prefixes: another's by every verb


def test_another_prefix_is_closed_to_every_verb(cloud: RunningCloud, s3: Any) -> None:
    bucket = "policy-prefix"
    arn = make(s3, bucket)
    mine = user(
        cloud,
        "policy-me",
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], f"{arn}/private/${{aws:username}}/*"),
        allow("s3:ListBucket", arn, Condition={"StringLike": {"s3:prefix": ["private/${aws:username}/*"]}}),
    )
    own, others = "private/policy-me/a", "private/you/a"
    mine.put_object(Bucket=bucket, Key=own, Body=b"mine")
    assert mine.get_object(Bucket=bucket, Key=own)["Body"].read() == b"mine"
    listed = mine.list_objects_v2(Bucket=bucket, Prefix="private/policy-me/")
    assert [row["Key"] for row in listed["Contents"]] == [own]
    for key in (
        "private/policy-mean/a",
        "private//policy-me/a",
        "public/a",
    ):
        for call in (mine.get_object, mine.head_object, mine.delete_object, mine.put_object):
            refused("403", call, Bucket=bucket, Key=key)
    gone = mine.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": own}, {"Key": others}]})
    assert [row["Key"] for row in gone["Deleted"]] == [own]
    assert [row["Key"] for row in gone["Errors"]] == [others]
    for prefix in ("", "private/", "private/you/", "private/policy-me"):
        refused("AccessDenied", mine.list_objects_v2, Bucket=bucket, Prefix=prefix)
        refused("AccessDenied", mine.list_objects, Bucket=bucket, Prefix=prefix)
    refused("AccessDenied", mine.list_objects_v2, Bucket=bucket)
    assert s3.get_object(Bucket=bucket, Key=others)["Body"].read() == b"private/you/a"


# Conditions


def test_conditions_of_the_request(cloud: RunningCloud, s3: Any) -> None:
    arn = "arn:aws:s3:::policy-conditions"
    bucket = "policy-conditions"
    unsealed = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"{arn}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
    }  # fmt: skip
    elsewhere = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/private/*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    }  # fmt: skip
    shared = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"{arn}/*",
        "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
    }  # fmt: skip
    make(s3, bucket, unsealed, elsewhere, shared)
    refused("AccessDenied", s3.put_object, Bucket=bucket, Key="a", Body=b"")
    s3.put_object(Bucket=bucket, Key="a", Body=b"", ServerSideEncryption="AES256")
    refused(
        "AccessDenied", s3.put_object, Bucket=bucket, Key="a", Body=b"", ServerSideEncryption="AES256",
        ACL="bucket-owner-full-control",
    )  # fmt: skip
    refused("AccessDenied", s3.get_object, Bucket=bucket, Key="private/me/a")
    assert s3.get_object(Bucket=bucket, Key="public/a")["Body"].read() == b"public/a"


def test_tags_of_an_object_decide(cloud: RunningCloud, s3: Any) -> None:
    arn = "arn:aws:s3:::policy-tags"
    mine = user(cloud, "policy-tagged")
    who = {"AWS": "arn:aws:iam::000000000000:user/policy-tagged"}
    condition = {"StringEquals": {"s3:ExistingObjectTag/class": "open"}}
    make(s3, "policy-tags", allow("s3:GetObject", f"{arn}/*", Principal=who, Condition=condition))
    s3.put_object(Bucket="policy-tags", Key="open", Body=b"x", Tagging="class=open")
    s3.put_object(Bucket="policy-tags", Key="shut", Body=b"x", Tagging="class=shut")
    assert mine.get_object(Bucket="policy-tags", Key="open")["Body"].read() == b"x"
    refused("AccessDenied", mine.get_object, Bucket="policy-tags", Key="shut")
    refused("AccessDenied", mine.get_object, Bucket="policy-tags", Key="public/a")


# The public


def test_new_buckets_take_no_public_policy(cloud: RunningCloud, s3: Any) -> None:
    arn = make(s3, "policy-blocked")
    block = s3.get_public_access_block(Bucket="policy-blocked")["PublicAccessBlockConfiguration"]
    assert block == {
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }  # fmt: skip
    everyone = allow("s3:GetObject", f"{arn}/public/*", Principal="*")
    message = refused("AccessDenied", s3.put_bucket_policy, Bucket="policy-blocked", Policy=policy(everyone))
    assert "BlockPublicPolicy" in message
    assert stranger(cloud, "GET", "/policy-blocked/public/a")[0] == 403
    # Nobody in particular, but not everyone: these are not public.
    for condition in (
        {"StringEquals": {"aws:PrincipalAccount": OTHER}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{OTHER}:distribution/*"}},
    ):
        document = policy(everyone | {"Condition": condition})
        s3.put_bucket_policy(Bucket="policy-blocked", Policy=document)
    for condition in (
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}},
        {"StringLike": {"aws:PrincipalAccount": "*"}},
        {"StringLike": {"aws:Referer": "https://app.example/*"}},
    ):
        document = policy(everyone | {"Condition": condition})
        refused("AccessDenied", s3.put_bucket_policy, Bucket="policy-blocked", Policy=document)


def test_a_public_bucket_serves_strangers_what_it_says(cloud: RunningCloud, s3: Any) -> None:
    bucket = "policy-public"
    arn = make(s3, bucket, public=True)
    assert stranger(cloud, "GET", f"/{bucket}/public/a")[0] == 403
    s3.put_bucket_policy(
        Bucket=bucket, Policy=policy(allow("s3:GetObject", f"{arn}/public/*", Principal="*"))
    )
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    assert stranger(cloud, "GET", f"/{bucket}/public/a") == (200, b"public/a")
    assert stranger(cloud, "HEAD", f"/{bucket}/public/a")[0] == 200
    for method, path in (
        ("GET", "private/me/a"), ("GET", ""), ("GET", "?list-type=2&prefix=public/"), ("PUT", "public/a"),
        ("DELETE", "public/a"), ("POST", "?delete"), ("GET", "public/a?acl"), ("GET", "?policy"),
        ("GET", "public/../private/me/a"), ("GET", "public%2F..%2Fprivate%2Fme%2Fa"), ("POST",
        "public/a?uploads"),
    ):  # fmt: skip
        body = b"<Delete><Object><Key>public/a</Key></Object></Delete>" if "delete" in path else None
        status, answer = stranger(cloud, method, f"/{bucket}/{path}", body)
        assert status in (403, 404) or b"<Error>" in answer, (method, path, status, answer)
        assert b"<Contents>" not in answer
        assert answer != b"private/me/a", (method, path)
    assert s3.get_object(Bucket=bucket, Key="public/a")["Body"].read() == b"public/a"
    assert stranger(cloud, "GET", "/policy-nowhere/a")[0] == 404


def test_restricting_a_public_bucket_keeps_the_account(cloud: RunningCloud, s3: Any) -> None:
    bucket = "policy-restricted"
    arn = make(s3, bucket, public=True)
    rich = user(cloud, "policy-restricted", allow("s3:*", "*"), account=OTHER)
    mine = user(cloud, "policy-restricted")
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            allow("s3:GetObject", f"{arn}/public/*", Principal="*"),
            allow("s3:GetObject", f"{arn}/*", Principal={"AWS": OTHER}),
        ),
    )
    assert stranger(cloud, "GET", f"/{bucket}/public/a")[0] == 200
    assert rich.get_object(Bucket=bucket, Key="private/me/a")["Body"].read()
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert stranger(cloud, "GET", f"/{bucket}/public/a")[0] == 403
    refused("AccessDenied", rich.get_object, Bucket=bucket, Key="private/me/a")
    assert mine.get_object(Bucket=bucket, Key="public/a")["Body"].read() == b"public/a"
    found = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert found == {
        "BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True,
    }  # fmt: skip
    s3.delete_public_access_block(Bucket=bucket)
    refused("NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, Bucket=bucket)


# Owners


def test_the_expected_owner_is_compared(s3: Any) -> None:
    make(s3, "policy-expected")
    own, other = "000000000000", OTHER
    assert s3.head_bucket(Bucket="policy-expected", ExpectedBucketOwner=own)
    for call, more in (
        (s3.head_bucket, {}), (s3.get_object, {"Key": "public/a"}), (s3.put_object, {"Key": "public/a"}),
        (s3.delete_object, {"Key": "public/a"}), (s3.list_objects_v2, {}), (s3.get_bucket_policy, {}),
        (s3.get_bucket_cors, {}), (s3.get_bucket_acl, {}), (s3.get_bucket_tagging, {}),
        (s3.delete_bucket, {}),
        (s3.get_bucket_website, {}), (s3.get_object_acl, {"Key": "public/a"}),
    ):  # fmt: skip
        refused("403", call, Bucket="policy-expected", ExpectedBucketOwner=other, **more)
    assert s3.get_object(Bucket="policy-expected", Key="public/a")["Body"].read() == b"public/a"


# What is not configured


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
        ("get_bucket_tagging", "NoSuchTagSet"),
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
    ],
)
def test_what_is_not_configured(s3: Any, call: str, code: str) -> None:
    refused(code, getattr(s3, call), Bucket=MINE)
    refused("NoSuchBucket", getattr(s3, call), Bucket="policy-nowhere")


def test_defaults_of_what_is_not_configured(s3: Any, client: Callable[..., Any]) -> None:
    def plain(answer: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    assert plain(s3.get_bucket_notification_configuration(Bucket=MINE)) == {}
    assert plain(s3.get_bucket_logging(Bucket=MINE)) == {}
    assert plain(s3.get_bucket_accelerate_configuration(Bucket=MINE)) == {}
    assert plain(s3.get_bucket_request_payment(Bucket=MINE)) == {"Payer": "BucketOwner"}
    assert plain(s3.list_bucket_inventory_configurations(Bucket=MINE)) == {"IsTruncated": False}
    refused("NoSuchConfiguration", s3.get_bucket_inventory_configuration, Bucket=MINE, Id="x")
    refused(
        "NotImplemented", s3.put_bucket_website, Bucket=MINE,
        WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}},
    )  # fmt: skip
    refused("NotImplemented", s3.create_bucket, Bucket="policy-locked", ObjectLockEnabledForBucket=True)
    refused("404", s3.head_bucket, Bucket="policy-locked")


@pytest.mark.parametrize(
    ("action", "condition", "message"),
    [
        ("s3:HeadObject", None, "Policy has invalid action"),
        ("s3:Frobnicate*", None, "Policy has invalid action"),
        ("s3:PutBucket?OR", None, "Policy has invalid action"),
        ("s3:GetObject", {"StringEquals": {"s3:colour": "red"}}, "Policy has an invalid condition key"),
        (
            "s3:GetObject",
            {"StringEquals": {"s3:prefix": "a"}},
            "Conditions do not apply to combination of actions and resources in statement",
        ),
    ],
)
def test_names_that_policies_may_not_have(s3: Any, action: str, condition: Any, message: str) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""
    s3.create_bucket(Bucket="policy-names")
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": action}
    resource = {"Resource": ["arn:aws:s3:::policy-names", "arn:aws:s3:::policy-names/*"]}
    for condition_ in (condition,):
        document = {"Statement": [statement | resource | ({"Condition": condition_} if condition_ else {})]}
        text = refused(
            "MalformedPolicy", s3.put_bucket_policy, Bucket="policy-names", Policy=json.dumps(document)
        )
        assert text == message
    for fine, key in (
        ("s3:List*", "s3:prefix"),
        ("s3:getobject", "s3:ExistingObjectTag/a"),
        ("*", "s3:max-keys"),
    ):
        document = {
            "Statement": [statement | resource | {"Action": fine, "Condition": {"StringEquals": {key: "1"}}}]
        }
        s3.put_bucket_policy(Bucket="policy-names", Policy=json.dumps(document))
