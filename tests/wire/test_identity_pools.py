"""Identity pools: guests and users become principals whose policies know them."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from running import RunningCloud

ACCOUNT = "000000000000"
Client = Callable[..., Any]


def refused(call: Callable[..., Any], /, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def identity(cloud: RunningCloud) -> Any:
    return cloud.client("cognito-identity")


@pytest.fixture
def public(cloud: RunningCloud) -> Any:
    """As an app calls it: without credentials."""
    return boto3.client(
        "cognito-identity",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}),
    )


def make_role(cloud: RunningCloud, pool: str, how: str, *statements: dict[str, Any], **more: Any) -> str:
    """A role that a pool's identities may assume who signed in `how`; gives its ARN."""
    name = f"r-{uuid.uuid4().hex[:12]}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                "Action": more.get("actions", "sts:AssumeRoleWithWebIdentity"),
                "Condition": {
                    "StringEquals": {"cognito-identity.amazonaws.com:aud": pool},
                    "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": how},
                },
            }
        ],
    }
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    return arn


def guest_pool(identity: Any, **settings: Any) -> str:
    return identity.create_identity_pool(
        IdentityPoolName="guests", AllowUnauthenticatedIdentities=True, **settings
    )["IdentityPoolId"]


def session(cloud: RunningCloud, credentials: dict[str, Any], service: str) -> Any:
    return cloud.client(
        service,
        key=credentials["AccessKeyId"],
        secret=credentials.get("SecretKey") or credentials["SecretAccessKey"],
        token=credentials["SessionToken"],
    )


# Pools


def test_a_pools_settings_come_back(identity: Any) -> None:
    made = identity.create_identity_pool(
        IdentityPoolName="whole pool",
        AllowUnauthenticatedIdentities=False,
        AllowClassicFlow=True,
        DeveloperProviderName="login.example",
        CognitoIdentityProviders=[
            {"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_abcdefghi", "ClientId": "client1"}
        ],
        IdentityPoolTags={"stage": "test"},
    )
    pool = made["IdentityPoolId"]
    assert pool.startswith("us-east-1:")
    described = identity.describe_identity_pool(IdentityPoolId=pool)
    for answer in (made, described):
        answer.pop("ResponseMetadata")
    assert described == made
    assert described["CognitoIdentityProviders"][0]["ServerSideTokenCheck"] is False
    changed = identity.update_identity_pool(
        IdentityPoolId=pool, IdentityPoolName="other", AllowUnauthenticatedIdentities=True
    )
    assert changed["IdentityPoolName"] == "other"
    assert "AllowClassicFlow" not in changed
    assert "CognitoIdentityProviders" not in changed
    assert changed["IdentityPoolTags"] == {"stage": "test"}
    identity.delete_identity_pool(IdentityPoolId=pool)
    assert refused(identity.describe_identity_pool, IdentityPoolId=pool) == (
        "ResourceNotFoundException",
        f"IdentityPool '{pool}' not found.",
    )


def test_pools_are_listed_by_pages_and_apart_by_region(cloud: RunningCloud) -> None:
    tokyo = cloud.client("cognito-identity", region="ap-northeast-1")
    made = {
        tokyo.create_identity_pool(IdentityPoolName=f"p{n}", AllowUnauthenticatedIdentities=True)[
            "IdentityPoolId"
        ]
        for n in range(5)
    }
    pages = list(tokyo.get_paginator("list_identity_pools").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["IdentityPools"]) for page in pages] == [2, 2, 1]
    assert {pool["IdentityPoolId"] for page in pages for pool in page["IdentityPools"]} == made
    paris = cloud.client("cognito-identity", region="eu-west-3")
    assert paris.list_identity_pools(MaxResults=10)["IdentityPools"] == []
    assert refused(paris.describe_identity_pool, IdentityPoolId=made.pop())[0] == "ResourceNotFoundException"
    stranger = cloud.client("cognito-identity", key="111122223333", region="ap-northeast-1")
    assert refused(stranger.delete_identity_pool, IdentityPoolId=made.pop())[0] == "ResourceNotFoundException"


def test_tags_come_and_go(identity: Any) -> None:
    pool = guest_pool(identity, IdentityPoolTags={"a": "1", "b": "2"})
    arn = f"arn:aws:cognito-identity:us-east-1:{ACCOUNT}:identitypool/{pool}"
    identity.tag_resource(ResourceArn=arn, Tags={"b": "3", "c": "4"})
    identity.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert identity.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "3", "c": "4"}
    elsewhere = arn.replace(ACCOUNT, "111122223333")
    assert refused(identity.list_tags_for_resource, ResourceArn=elsewhere)[0] == "AccessDeniedException"
    gone = arn[:-1] + ("0" if arn[-1] != "0" else "1")
    assert refused(identity.list_tags_for_resource, ResourceArn=gone)[0] == "ResourceNotFoundException"


def test_roles_must_be_passed_by_who_sets_them(cloud: RunningCloud, identity: Any) -> None:
    pool = guest_pool(identity)
    role = make_role(cloud, pool, "unauthenticated")
    iam = cloud.client("iam")
    iam.create_user(UserName="setter")
    policy = {"Effect": "Allow", "Action": "cognito-identity:*", "Resource": "*"}
    iam.put_user_policy(
        UserName="setter",
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
    key = iam.create_access_key(UserName="setter")["AccessKey"]
    setter = cloud.client("cognito-identity", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    for arn in (role, "arn:aws:iam::nonsense"):
        code, message = refused(
            setter.set_identity_pool_roles, IdentityPoolId=pool, Roles={"unauthenticated": arn}
        )
        assert (code, message) == ("NotAuthorizedException", f"Access to Role '{arn}' is forbidden.")
    identity.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": role})
    assert identity.get_identity_pool_roles(IdentityPoolId=pool)["Roles"] == {"unauthenticated": role}


def test_management_needs_a_signature_and_a_permission(cloud: RunningCloud, public: Any) -> None:
    code, _ = refused(public.list_identity_pools, MaxResults=1)
    assert code == "MissingAuthenticationTokenException"
    iam = cloud.client("iam")
    iam.create_user(UserName="none")
    key = iam.create_access_key(UserName="none")["AccessKey"]
    nobody = cloud.client("cognito-identity", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    pool = guest_pool(cloud.client("cognito-identity"))
    code, message = refused(nobody.describe_identity_pool, IdentityPoolId=pool)
    assert code == "AccessDeniedException"
    assert f"on resource: arn:aws:cognito-identity:us-east-1:{ACCOUNT}:identitypool/{pool}" in message


# Guests


def test_guests_get_what_their_role_gives_and_no_more(
    cloud: RunningCloud, identity: Any, public: Any
) -> None:
    pool = guest_pool(identity)
    role = make_role(
        cloud,
        pool,
        "unauthenticated",
        {"Action": "s3:ListAllMyBuckets", "Resource": "*"},
        {"Action": ["iam:*", "ssm:*"], "Resource": "*"},
    )
    identity.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": role})
    guest = public.get_id(IdentityPoolId=pool)["IdentityId"]
    assert guest != public.get_id(IdentityPoolId=pool)["IdentityId"]
    answer = public.get_credentials_for_identity(IdentityId=guest)
    assert answer["IdentityId"] == guest
    credentials = answer["Credentials"]
    who = session(cloud, credentials, "sts").get_caller_identity()
    assert who["Arn"] == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/CognitoIdentityCredentials"
    )
    assert who["UserId"].endswith(":CognitoIdentityCredentials")
    session(cloud, credentials, "s3").list_buckets()
    # The role allows it; the policy that scopes guests down does not.
    code, message = refused(session(cloud, credentials, "ssm").describe_parameters)
    assert code == "AccessDeniedException"
    assert message.endswith("because no session policy allows the ssm:DescribeParameters action")
    code, _ = refused(session(cloud, credentials, "dynamodb").list_tables)
    assert code == "AccessDeniedException"


def test_a_pool_without_guests_says_so(identity: Any, public: Any) -> None:
    pool = identity.create_identity_pool(IdentityPoolName="closed", AllowUnauthenticatedIdentities=False)
    no_guests = ("NotAuthorizedException", "Unauthenticated access is not supported for this identity pool.")
    assert refused(public.get_id, IdentityPoolId=pool["IdentityPoolId"]) == no_guests
    open_pool = guest_pool(identity)
    guest = public.get_id(IdentityPoolId=open_pool)["IdentityId"]
    identity.update_identity_pool(
        IdentityPoolId=open_pool, IdentityPoolName="now closed", AllowUnauthenticatedIdentities=False
    )
    assert refused(public.get_credentials_for_identity, IdentityId=guest) == no_guests
    assert refused(public.get_open_id_token, IdentityId=guest) == no_guests


def test_what_is_not_there_is_not_found(public: Any) -> None:
    nowhere = "us-east-1:00000000-0000-4000-8000-000000000000"
    assert refused(public.get_id, IdentityPoolId=nowhere) == (
        "ResourceNotFoundException",
        f"IdentityPool '{nowhere}' not found.",
    )
    assert refused(public.get_credentials_for_identity, IdentityId=nowhere) == (
        "ResourceNotFoundException",
        f"Identity '{nowhere}' not found.",
    )
    code, message = refused(public.get_id, IdentityPoolId="no pool!")
    assert code == "ValidationException"
    assert "'identityPoolId' failed to satisfy constraint" in message


@pytest.mark.parametrize("why", ["no role", "another pool", "another way in", "deleted role"])
def test_a_role_that_does_not_trust_the_pool_is_a_misconfiguration(
    cloud: RunningCloud, identity: Any, public: Any, why: str
) -> None:
    pool = guest_pool(identity)
    if why != "no role":
        trusted = guest_pool(identity) if why == "another pool" else pool
        how = "authenticated" if why == "another way in" else "unauthenticated"
        role = make_role(cloud, trusted, how)
        identity.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": role})
        if why == "deleted role":
            cloud.client("iam").delete_role(RoleName=role.rpartition("/")[2])
    guest = public.get_id(IdentityPoolId=pool)["IdentityId"]
    assert refused(public.get_credentials_for_identity, IdentityId=guest) == (
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )
    if why != "no role":
        # AWS says no more than that; here the log and `may status` do.
        denial = cloud.admin("GET", "/_may/status")["denials"][-1]
        assert denial["principal"] == "cognito-identity.amazonaws.com"
        assert denial["action"] == "sts:AssumeRoleWithWebIdentity"
        assert f"cognito-identity.amazonaws.com:aud={pool}" in denial["reason"]


def test_a_guest_may_ask_for_no_other_role(cloud: RunningCloud, identity: Any, public: Any) -> None:
    pool = guest_pool(identity)
    role, other = (make_role(cloud, pool, "unauthenticated") for _ in range(2))
    identity.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": role})
    guest = public.get_id(IdentityPoolId=pool)["IdentityId"]
    code, message = refused(public.get_credentials_for_identity, IdentityId=guest, CustomRoleArn=other)
    assert (code, message) == ("NotAuthorizedException", f"Access to Role '{other}' is forbidden.")


def test_identities_are_listed_described_and_deleted(cloud: RunningCloud, identity: Any, public: Any) -> None:
    pool = guest_pool(identity)
    guests = {public.get_id(IdentityPoolId=pool)["IdentityId"] for _ in range(3)}
    page = identity.list_identities(IdentityPoolId=pool, MaxResults=2)
    rest = identity.list_identities(IdentityPoolId=pool, MaxResults=2, NextToken=page["NextToken"])
    listed = [each["IdentityId"] for each in page["Identities"] + rest["Identities"]]
    assert set(listed) == guests
    assert "NextToken" not in rest
    described = identity.describe_identity(IdentityId=listed[0])
    assert described["CreationDate"] == described["LastModifiedDate"]
    stranger = cloud.client("cognito-identity", key="111122223333")
    assert stranger.delete_identities(IdentityIdsToDelete=listed)["UnprocessedIdentityIds"] == [
        {"IdentityId": each, "ErrorCode": "AccessDenied"} for each in listed
    ]
    assert identity.delete_identities(IdentityIdsToDelete=listed[:1])["UnprocessedIdentityIds"] == []
    assert refused(identity.describe_identity, IdentityId=listed[0])[0] == "ResourceNotFoundException"
    identity.delete_identity_pool(IdentityPoolId=pool)
    assert refused(public.get_credentials_for_identity, IdentityId=listed[1])[0] == (
        "ResourceNotFoundException"
    )


# The basic flow


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def test_the_basic_flow_goes_through_sts(cloud: RunningCloud, identity: Any, public: Any) -> None:
    pool = guest_pool(identity, AllowClassicFlow=True)
    role = make_role(cloud, pool, "unauthenticated", {"Action": "ssm:DescribeParameters", "Resource": "*"})
    guest = public.get_id(IdentityPoolId=pool)["IdentityId"]
    token = public.get_open_id_token(IdentityId=guest)["Token"]
    claims = claims_of(token)
    assert claims["iss"] == "https://cognito-identity.amazonaws.com"
    assert (claims["sub"], claims["aud"], claims["amr"]) == (guest, pool, ["unauthenticated"])
    assert claims["exp"] - claims["iat"] == 600
    sts = boto3.client(
        "sts", endpoint_url=cloud.url, region_name="us-east-1", config=Config(signature_version=UNSIGNED)
    )
    answer = sts.assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="an-app", WebIdentityToken=token, DurationSeconds=900
    )
    assert answer["SubjectFromWebIdentityToken"] == guest
    assert (answer["Audience"], answer["Provider"]) == (pool, "cognito-identity.amazonaws.com")
    assert answer["AssumedRoleUser"]["Arn"].endswith("/an-app")
    # No policy scopes the session of the basic flow down.
    session(cloud, answer["Credentials"], "ssm").describe_parameters()
    other = make_role(cloud, guest_pool(identity), "unauthenticated")
    for arn in (other, "arn:aws:iam::000000000000:role/not-there"):
        assert refused(
            sts.assume_role_with_web_identity,
            RoleArn=arn, RoleSessionName="an-app", WebIdentityToken=token,
        ) == ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")  # fmt: skip
    header, payload, signature = token.split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "aud": "x"}).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for bad in (
        f"{header}.{forged}.{signature}",
        f"{none}.{payload}.",
        "abcd",
        f"{header}.{payload}.{signature}.x",
    ):
        code, _ = refused(
            sts.assume_role_with_web_identity, RoleArn=role, RoleSessionName="an-app", WebIdentityToken=bad
        )
        assert code == "InvalidIdentityToken"
    code, message = refused(
        sts.assume_role_with_web_identity,
        RoleArn=role, RoleSessionName="an-app", WebIdentityToken=token, DurationSeconds=7200,
    )  # fmt: skip
    assert (code, "MaxSessionDuration" in message) == ("ValidationError", True)


def test_the_basic_flow_can_be_closed(identity: Any, public: Any) -> None:
    pool = guest_pool(identity, AllowClassicFlow=False)
    guest = public.get_id(IdentityPoolId=pool)["IdentityId"]
    assert refused(public.get_open_id_token, IdentityId=guest) == (
        "InvalidParameterException",
        "Basic (classic) flow is not enabled, please use enhanced flow.",
    )


def test_tokens_are_verified_by_the_published_keys(cloud: RunningCloud, identity: Any, public: Any) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    guest = public.get_id(IdentityPoolId=guest_pool(identity))["IdentityId"]
    token = public.get_open_id_token(IdentityId=guest)["Token"]
    with urllib3.PoolManager() as http:
        base = f"{cloud.url}/_aws/cognito-identity/.well-known"
        document = http.request("GET", f"{base}/openid-configuration").json()
        keys = http.request("GET", document["jwks_uri"]).json()
        assert http.request("GET", f"{base}/other").status == 404
    assert not {"d", "p", "q"} & keys["keys"][0].keys()
    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS512"])
    assert decoded.claims["sub"] == guest


def test_tokens_end_and_survive_a_restart(fresh_cloud: RunningCloud) -> None:
    identity = fresh_cloud.client("cognito-identity")
    pool = guest_pool(identity)
    role = make_role(fresh_cloud, pool, "unauthenticated")
    guest = identity.get_id(IdentityPoolId=pool)["IdentityId"]
    token = identity.get_open_id_token(IdentityId=guest)["Token"]
    fresh_cloud.kill()
    fresh_cloud.start()
    sts = fresh_cloud.client("sts")
    params = {"RoleArn": role, "RoleSessionName": "app", "WebIdentityToken": token}
    sts.assume_role_with_web_identity(**params)
    fresh_cloud.advance(601)
    code, message = refused(sts.assume_role_with_web_identity, **params)
    assert (code, message.startswith("Token expired: current date/time")) == ("ExpiredTokenException", True)


# Users whom the developer vouches for


def test_developers_vouch_for_their_users(cloud: RunningCloud, identity: Any, public: Any) -> None:
    pool = identity.create_identity_pool(
        IdentityPoolName="mine", AllowUnauthenticatedIdentities=False, DeveloperProviderName="login.mine"
    )["IdentityPoolId"]
    role = make_role(
        cloud,
        pool,
        "authenticated",
        {
            "Action": "s3:ListAllMyBuckets",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}},
        },
        actions=["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
    )
    identity.set_identity_pool_roles(IdentityPoolId=pool, Roles={"authenticated": role})
    vouch = identity.get_open_id_token_for_developer_identity
    first = vouch(IdentityPoolId=pool, Logins={"login.mine": "ann"}, PrincipalTags={"team": "blue"})
    claims = claims_of(first["Token"])
    assert claims["amr"] == ["authenticated", "login.mine", f"login.mine:{pool}:ann"]
    assert claims["exp"] - claims["iat"] == 900
    again = vouch(IdentityPoolId=pool, Logins={"login.mine": "ann"}, TokenDuration=60)
    assert again["IdentityId"] == first["IdentityId"]
    ours = {"cognito-identity.amazonaws.com": first["Token"]}
    answer = public.get_credentials_for_identity(IdentityId=first["IdentityId"], Logins=ours)
    session(cloud, answer["Credentials"], "s3").list_buckets()
    other = vouch(IdentityPoolId=pool, Logins={"login.mine": "bob"})
    untagged = {"cognito-identity.amazonaws.com": other["Token"]}
    answer = public.get_credentials_for_identity(IdentityId=other["IdentityId"], Logins=untagged)
    assert refused(session(cloud, answer["Credentials"], "s3").list_buckets)[0] == "AccessDenied"
    forbidden = f"Access to Identity '{other['IdentityId']}' is forbidden."
    for logins in (ours, {}, {**untagged, "graph.facebook.com": "x"}):
        assert refused(
            public.get_credentials_for_identity, IdentityId=other["IdentityId"], Logins=logins
        ) == ("NotAuthorizedException", forbidden)
    assert refused(public.get_id, IdentityPoolId=pool, Logins={"login.mine": "ann"}) == (
        "NotAuthorizedException",
        "Token is not from a supported provider of this identity pool.",
    )
    assert refused(vouch, IdentityPoolId=pool, Logins={"login.mine": "ann"}, IdentityId=other["IdentityId"])[
        0
    ] == ("DeveloperUserAlreadyRegisteredException")


def test_developers_look_up_merge_and_unlink(identity: Any) -> None:
    pool = identity.create_identity_pool(
        IdentityPoolName="mine", AllowUnauthenticatedIdentities=False, DeveloperProviderName="login.mine"
    )["IdentityPoolId"]
    vouch, look = identity.get_open_id_token_for_developer_identity, identity.lookup_developer_identity
    ids = {
        name: vouch(IdentityPoolId=pool, Logins={"login.mine": name})["IdentityId"]
        for name in ("ann", "ann2")
    }
    assert look(IdentityPoolId=pool, DeveloperUserIdentifier="ann")["IdentityId"] == ids["ann"]
    named = {"DeveloperProviderName": "login.mine", "IdentityPoolId": pool}
    merged = identity.merge_developer_identities(
        SourceUserIdentifier="ann2", DestinationUserIdentifier="ann", **named
    )
    assert merged["IdentityId"] == ids["ann"]
    assert look(IdentityPoolId=pool, IdentityId=ids["ann"])["DeveloperUserIdentifierList"] == ["ann", "ann2"]
    page = look(IdentityPoolId=pool, IdentityId=ids["ann"], MaxResults=1)
    rest = look(IdentityPoolId=pool, IdentityId=ids["ann"], MaxResults=1, NextToken=page["NextToken"])
    assert (rest["DeveloperUserIdentifierList"], "NextToken" in rest) == (["ann2"], False)
    hidden = identity.list_identities(IdentityPoolId=pool, MaxResults=10, HideDisabled=True)["Identities"]
    assert [each["IdentityId"] for each in hidden] == [ids["ann"]]
    assert refused(look, IdentityPoolId=pool, IdentityId=ids["ann2"], DeveloperUserIdentifier="ann")[0] == (
        "ResourceConflictException"
    )
    identity.unlink_developer_identity(IdentityId=ids["ann"], DeveloperUserIdentifier="ann2", **named)
    assert refused(look, IdentityPoolId=pool, DeveloperUserIdentifier="ann2")[0] == (
        "ResourceNotFoundException"
    )


@pytest.mark.parametrize(
    "provider",
    [
        {"ClientId": "app"},
        {"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_aaaaaaaaa"},
        {"ProviderName": "us-east-1_aaaaaaaaa", "ClientId": "app"},
        {"ProviderName": "cognito-idp.us-east-1.amazonaws.com/pool", "ClientId": "app"},
    ],
)
def test_user_pools_that_are_none(identity: Any, provider: dict[str, str]) -> None:
    """Words: https://github.com/aws/aws-cdk/issues/11054."""
    with pytest.raises(
        identity.exceptions.InvalidParameterException, match="Invalid Cognito Identity Provider"
    ):
        identity.create_identity_pool(
            IdentityPoolName="p", AllowUnauthenticatedIdentities=False, CognitoIdentityProviders=[provider]
        )
