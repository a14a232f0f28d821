"""Users of a user pool at an identity pool: their own files, the roles of their groups, and forged tokens."""

import base64
import contextlib
import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import RSAKey

from running import RunningCloud

ACCOUNT = "000000000000"
PASSWORD = "Secret-123"


class World:
    """A user pool with a client, an identity pool that takes its users, and a role for them."""

    def __init__(self, cloud: RunningCloud, **provider: Any) -> None:
        self.cloud = cloud
        self.idp = cloud.client("cognito-idp")
        self.identity = cloud.client("cognito-identity")
        self.user_pool = self.idp.create_user_pool(PoolName="people")["UserPool"]["Id"]
        self.client = self.new_client()
        self.provider = f"cognito-idp.us-east-1.amazonaws.com/{self.user_pool}"
        self.pool = self.identity.create_identity_pool(
            IdentityPoolName="people",
            AllowUnauthenticatedIdentities=True,
            CognitoIdentityProviders=[
                {"ProviderName": self.provider, "ClientId": self.client, **provider},
            ],
        )["IdentityPoolId"]

    def new_client(self) -> str:
        made = self.idp.create_user_pool_client(
            UserPoolId=self.user_pool,
            ClientName="app",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )
        return made["UserPoolClient"]["ClientId"]

    def new_user(self, name: str) -> None:
        self.idp.sign_up(ClientId=self.client, Username=name, Password=PASSWORD)
        self.idp.admin_confirm_sign_up(UserPoolId=self.user_pool, Username=name)

    def tokens(self, name: str, client: str | None = None) -> dict[str, Any]:
        """Of a sign-in; the user is made if there is none yet."""
        with contextlib.suppress(self.idp.exceptions.UsernameExistsException):
            self.new_user(name)
        return self.idp.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=client or self.client,
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]

    def logins(self, name: str) -> dict[str, str]:
        return {self.provider: self.tokens(name)["IdToken"]}

    def new_role(self, *statements: dict[str, Any], actions: Any = "sts:AssumeRoleWithWebIdentity") -> str:
        name = f"r-{uuid.uuid4().hex[:12]}"
        trust = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                "Action": actions,
                "Condition": {
                    "StringEquals": {"cognito-identity.amazonaws.com:aud": self.pool},
                    "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
                },
            },
        }
        iam = self.cloud.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if statements:
            document = {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", **each} for each in statements],
            }
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document))
        return arn

    def set_roles(self, role: str, **mappings: Any) -> None:
        self.identity.set_identity_pool_roles(
            IdentityPoolId=self.pool, Roles={"authenticated": role}, RoleMappings=mappings
        )

    def credentials(self, name: str, **more: Any) -> dict[str, Any]:
        logins = self.logins(name)
        identity = self.identity.get_id(IdentityPoolId=self.pool, Logins=logins)["IdentityId"]
        return self.identity.get_credentials_for_identity(IdentityId=identity, Logins=logins, **more)

    def role_of(self, credentials: dict[str, Any]) -> str:
        """The name of the role whose session it is."""
        return self.session(credentials, "sts").get_caller_identity()["Arn"].split("/")[1]

    def session(self, credentials: dict[str, Any], service: str) -> Any:
        given = credentials["Credentials"]
        return self.cloud.client(
            service, key=given["AccessKeyId"], secret=given["SecretKey"], token=given["SessionToken"]
        )


@pytest.fixture(scope="module")
def world(cloud: RunningCloud) -> World:
    return World(cloud)


def refused(call: Callable[..., Any], /, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def test_each_user_reaches_the_own_files_alone(cloud: RunningCloud, world: World) -> None:
    admin = cloud.client("s3")
    admin.create_bucket(Bucket="private-files")
    own = "${cognito-identity.amazonaws.com:sub}"
    role = world.new_role(
        {
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": f"arn:aws:s3:::private-files/private/{own}/*",
        },
        {
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::private-files",
            "Condition": {"StringLike": {"s3:prefix": f"private/{own}/*"}},
        },
    )
    world.set_roles(role)
    ann, bob = world.credentials("ann"), world.credentials("bob")
    assert ann["IdentityId"] != bob["IdentityId"]
    assert ann["IdentityId"] == world.credentials("ann")["IdentityId"]
    s3 = world.session(ann, "s3")
    mine, theirs = (f"private/{each['IdentityId']}/photo" for each in (ann, bob))
    s3.put_object(Bucket="private-files", Key=mine, Body=b"ann's")
    assert s3.get_object(Bucket="private-files", Key=mine)["Body"].read() == b"ann's"
    admin.put_object(Bucket="private-files", Key=theirs, Body=b"bob's")
    for operation in ("get_object", "put_object", "delete_object", "head_object"):
        with pytest.raises(ClientError) as caught:
            getattr(s3, operation)(Bucket="private-files", Key=theirs)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403, operation
    listed = s3.list_objects_v2(Bucket="private-files", Prefix=mine.removesuffix("photo"))
    assert [each["Key"] for each in listed["Contents"]] == [mine]
    for prefix in ("", "private/", theirs.removesuffix("photo")):
        assert refused(s3.list_objects_v2, Bucket="private-files", Prefix=prefix)[0] == "AccessDenied"
    copied = {"Bucket": "private-files", "Key": theirs}
    assert refused(s3.copy_object, Bucket="private-files", Key=mine, CopySource=copied)[0] == "AccessDenied"
    upload = s3.create_multipart_upload(Bucket="private-files", Key=mine)["UploadId"]
    assert refused(
        s3.upload_part_copy,
        Bucket="private-files", Key=mine, UploadId=upload, PartNumber=1, CopySource=copied,
    )[0] == "AccessDenied"  # fmt: skip
    for operation in ("get_object", "put_object"):
        url = s3.generate_presigned_url(operation, {"Bucket": "private-files", "Key": theirs})
        request = urllib.request.Request(url, method="PUT" if operation == "put_object" else "GET")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request)
    # Dots are letters in a key: this one is below ann's prefix, and not bob's photo.
    dotted = f"private/{ann['IdentityId']}/../{bob['IdentityId']}/photo"
    s3.put_object(Bucket="private-files", Key=dotted, Body=b"ann's too")
    assert admin.get_object(Bucket="private-files", Key=theirs)["Body"].read() == b"bob's"


def test_the_unsigned_client_of_an_app_does_it_all(cloud: RunningCloud, world: World) -> None:
    world.set_roles(world.new_role())
    public = boto3.client(
        "cognito-identity",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}),
    )
    logins = world.logins("carl")
    identity = public.get_id(IdentityPoolId=world.pool, Logins=logins)["IdentityId"]
    forbidden = ("NotAuthorizedException", f"Access to Identity '{identity}' is forbidden.")
    assert refused(public.get_credentials_for_identity, IdentityId=identity) == forbidden
    assert refused(public.get_open_id_token, IdentityId=identity) == forbidden
    answer = public.get_credentials_for_identity(IdentityId=identity, Logins=logins)
    assert world.role_of(answer)
    described = world.identity.describe_identity(IdentityId=identity)
    assert described["Logins"] == [world.provider]
    token = claims_of(public.get_open_id_token(IdentityId=identity, Logins=logins)["Token"])
    subject = claims_of(logins[world.provider])["sub"]
    assert token["amr"] == ["authenticated", world.provider, f"{world.provider}:CognitoSignIn:{subject}"]
    assert refused(public.get_credentials_for_identity, IdentityId=identity, Logins=world.logins("dora")) == (
        "NotAuthorizedException",
        "Logins don't match. Please include at least one valid login for this identity or identity pool.",
    )


def test_a_providers_name_may_be_this_clouds(world: World) -> None:
    token = world.tokens("erik")["IdToken"]
    get = world.identity.get_id
    names = (
        world.provider,
        f"{world.cloud.url.removeprefix('http://')}/{world.user_pool}",
        f"cognito-idp.us-east-1.localhost:4566/{world.user_pool}",
    )
    assert len({get(IdentityPoolId=world.pool, Logins={name: token})["IdentityId"] for name in names}) == 1


def test_forged_and_foreign_tokens_are_refused(cloud: RunningCloud, world: World) -> None:
    tokens = world.tokens("frank")
    good = tokens["IdToken"]
    header, payload, signature = good.split(".")
    claims = claims_of(good)
    keys = json.loads(urllib.request.urlopen(f"{claims['iss']}/.well-known/jwks.json").read())["keys"]
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    public = RSAKey.import_key(next(key for key in keys if key["kid"] == kid)).as_pem(private=False)
    hs256 = f"{segment({'alg': 'HS256', 'kid': kid})}.{payload}"
    mac = hmac.digest(public, hs256.encode(), hashlib.sha256)
    own_key = RSAKey.generate_key(2048)
    signed_by_others = jwt.encode({"alg": "RS256", "kid": kid}, claims, own_key)
    embedded = jwt.encode({"alg": "RS256", "jwk": own_key.as_dict(private=False)}, claims, own_key)
    not_verified = "Invalid login token. Couldn't verify signed token."
    unsupported = "Token is not from a supported provider of this identity pool."
    no_token = "Invalid login token. Not a valid OpenId Connect identity token."
    other = World(cloud)
    cases = {
        "alg none": (f"{segment({'alg': 'none'})}.{payload}.", not_verified),
        "alg none, signed": (f"{segment({'alg': 'none', 'kid': kid})}.{payload}.{signature}", not_verified),
        "HS256 with the public key": (
            f"{hs256}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}",
            not_verified,
        ),
        "another key": (signed_by_others, not_verified),
        "a key in the header": (embedded, not_verified),
        "changed claims": (f"{header}.{segment({**claims, 'sub': 'x'})}.{signature}", not_verified),
        "longer life": (f"{header}.{segment({**claims, 'exp': 9e9})}.{signature}", not_verified),
        "access token": (tokens["AccessToken"], "Invalid login token. Missing a required claim: aud"),
        "another client": (world.tokens("frank", world.new_client())["IdToken"], unsupported),
        "another pool": (
            other.tokens("frank")["IdToken"],
            "Invalid login token. Issuer doesn't match providerName",
        ),
        "refresh token": (tokens["RefreshToken"], no_token),
        "nothing": ("x", no_token),
        "two parts": (f"{header}.{payload}", no_token),
        "a list": (f"{header}.{segment([1])}.{signature}", no_token),
    }
    for name, (token, message) in cases.items():
        answer = refused(world.identity.get_id, IdentityPoolId=world.pool, Logins={world.provider: token})
        assert answer == ("NotAuthorizedException", message), name
    for provider in (other.provider, "accounts.google.com", "graph.facebook.com", "cognito-identity.x"):
        assert refused(world.identity.get_id, IdentityPoolId=world.pool, Logins={provider: good}) == (
            "NotAuthorizedException",
            unsupported,
        )
    # One wrong login spoils a request even beside a right one.
    assert refused(
        world.identity.get_id, IdentityPoolId=world.pool, Logins={world.provider: good, "x.example": good}
    )[0] == ("NotAuthorizedException")


def test_expired_tokens_are_refused(fresh_cloud: RunningCloud) -> None:
    world = World(fresh_cloud)
    logins = world.logins("ann")
    fresh_cloud.advance(3601)
    code, message = refused(world.identity.get_id, IdentityPoolId=world.pool, Logins=logins)
    assert (code, message.startswith("Invalid login token. Token expired: ")) == (
        "NotAuthorizedException",
        True,
    )


def test_signed_out_users_are_refused_where_the_pool_asks(cloud: RunningCloud) -> None:
    strict = World(cloud, ServerSideTokenCheck=True)
    tokens = strict.tokens("ann")
    logins = {strict.provider: tokens["IdToken"]}
    assert strict.identity.get_id(IdentityPoolId=strict.pool, Logins=logins)["IdentityId"]
    strict.idp.revoke_token(Token=tokens["RefreshToken"], ClientId=strict.client)
    assert refused(strict.identity.get_id, IdentityPoolId=strict.pool, Logins=logins) == (
        "NotAuthorizedException",
        "Invalid login token. Token has been revoked.",
    )
    gone = ("NotAuthorizedException", "Invalid login token. Token has been revoked.")
    for end in ("admin_user_global_sign_out", "admin_disable_user", "admin_delete_user"):
        logins = strict.logins(f"gone-by-{end}")
        getattr(strict.idp, end)(UserPoolId=strict.user_pool, Username=f"gone-by-{end}")
        assert refused(strict.identity.get_id, IdentityPoolId=strict.pool, Logins=logins) == gone, end
    lax = World(cloud)
    tokens = lax.tokens("ann")
    lax.idp.revoke_token(Token=tokens["RefreshToken"], ClientId=lax.client)
    assert lax.identity.get_id(IdentityPoolId=lax.pool, Logins={lax.provider: tokens["IdToken"]})


def test_a_guest_who_signs_in_keeps_the_identity_or_finds_the_old_one(cloud: RunningCloud) -> None:
    world = World(cloud)
    world.set_roles(world.new_role())
    guests = [world.identity.get_id(IdentityPoolId=world.pool)["IdentityId"] for _ in range(2)]
    logins = world.logins("ann")
    get = world.identity.get_credentials_for_identity
    assert get(IdentityId=guests[0], Logins=logins)["IdentityId"] == guests[0]
    assert get(IdentityId=guests[1], Logins=logins)["IdentityId"] == guests[0]
    shown = world.identity.list_identities(IdentityPoolId=world.pool, MaxResults=10, HideDisabled=True)
    assert [each["IdentityId"] for each in shown["Identities"]] == [guests[0]]
    # What was a guest's is a user's now.
    for guest in guests:
        assert refused(get, IdentityId=guest)[0] == "NotAuthorizedException"


def test_unlinking_takes_a_login_of_the_identity(cloud: RunningCloud) -> None:
    world = World(cloud)
    ann, bob = world.logins("ann"), world.logins("bob")
    identity = world.identity.get_id(IdentityPoolId=world.pool, Logins=ann)["IdentityId"]
    unlink = world.identity.unlink_identity
    gone = {"IdentityId": identity, "LoginsToRemove": [world.provider]}
    assert refused(unlink, Logins=bob, **gone)[0] == "NotAuthorizedException"
    unlink(Logins=ann, **gone)
    assert "Logins" not in world.identity.describe_identity(IdentityId=identity)
    assert world.identity.get_id(IdentityPoolId=world.pool, Logins=ann)["IdentityId"] != identity


# Roles


def join(world: World, name: str, *groups: tuple[str, str, int]) -> None:
    world.new_user(name)
    for group, role, precedence in groups:
        world.idp.create_group(
            UserPoolId=world.user_pool, GroupName=group, RoleArn=role, Precedence=precedence
        )
        world.idp.admin_add_user_to_group(UserPoolId=world.user_pool, Username=name, GroupName=group)


def test_roles_by_token(cloud: RunningCloud) -> None:
    world = World(cloud)
    default, first, second, third = (world.new_role() for _ in range(4))
    mapped = {f"{world.provider}:{world.client}": {"Type": "Token", "AmbiguousRoleResolution": "Deny"}}
    world.set_roles(default, **mapped)
    join(world, "one", ("only", first, 0))
    join(world, "two", ("high", first, 1), ("low", second, 2))
    join(world, "tie", ("left", first, 3), ("right", second, 3))
    name = {arn: arn.rpartition("/")[2] for arn in (default, first, second, third)}
    assert world.role_of(world.credentials("one")) == name[first]
    assert world.role_of(world.credentials("two")) == name[first]
    assert world.role_of(world.credentials("two", CustomRoleArn=second)) == name[second]
    denied = ("NotAuthorizedException", "The ambiguous role mapping rules denied this request.")
    for user in ("tie", "none"):
        world.logins(user)
        assert refused(world.credentials, name=user) == denied
    assert world.role_of(world.credentials("tie", CustomRoleArn=second)) == name[second]
    assert refused(world.credentials, name="two", CustomRoleArn=third)[0] == "NotAuthorizedException"
    mapped[f"{world.provider}:{world.client}"]["AmbiguousRoleResolution"] = "AuthenticatedRole"
    world.set_roles(default, **mapped)
    for user in ("tie", "none"):
        assert world.role_of(world.credentials(user)) == name[default]


def test_roles_by_rules(cloud: RunningCloud) -> None:
    world = World(cloud)
    default, first, second = (world.new_role() for _ in range(3))
    rules = [
        {"Claim": "cognito:username", "MatchType": "StartsWith", "Value": "adm", "RoleARN": first},
        {"Claim": "cognito:groups", "MatchType": "Contains", "Value": "edit", "RoleARN": second},
        {"Claim": "not-there", "MatchType": "NotEqual", "Value": "x", "RoleARN": first},
    ]
    mapping = {
        "Type": "Rules",
        "AmbiguousRoleResolution": "AuthenticatedRole",
        "RulesConfiguration": {"Rules": rules},
    }
    world.set_roles(default, **{f"{world.provider}:{world.client}": mapping})
    join(world, "admin", ("editors", world.new_role(), 1))
    world.new_user("writer")
    world.idp.admin_add_user_to_group(UserPoolId=world.user_pool, Username="writer", GroupName="editors")
    name = {arn: arn.rpartition("/")[2] for arn in (default, first, second)}
    assert world.role_of(world.credentials("admin")) == name[first]
    assert world.role_of(world.credentials("admin", CustomRoleArn=second)) == name[second]
    assert world.role_of(world.credentials("writer")) == name[second]
    assert world.role_of(world.credentials("reader")) == name[default]
    assert refused(world.credentials, name="writer", CustomRoleArn=first)[0] == "NotAuthorizedException"
    mapping["RulesConfiguration"] = {"Rules": rules[:1] * 26}
    code, message = refused(
        world.identity.set_identity_pool_roles,
        IdentityPoolId=world.pool, Roles={}, RoleMappings={world.provider: mapping},
    )  # fmt: skip
    assert (code, "25" in message) == ("InvalidParameterException", True)


def test_claims_become_tags_of_the_session(cloud: RunningCloud) -> None:
    world = World(cloud)
    tagged = {
        "Action": "s3:ListAllMyBuckets",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/user": "ann"}},
    }
    untagging = world.new_role(tagged)
    role = world.new_role(tagged, actions=["sts:AssumeRoleWithWebIdentity", "sts:TagSession"])
    world.identity.set_principal_tag_attribute_map(
        IdentityPoolId=world.pool,
        IdentityProviderName=world.provider,
        PrincipalTags={"user": "cognito:username", "nothing": "custom:none"},
    )
    world.set_roles(role)
    world.session(world.credentials("ann"), "s3").list_buckets()
    assert refused(world.session(world.credentials("bob"), "s3").list_buckets)[0] == "AccessDenied"
    world.set_roles(untagging)
    assert refused(world.credentials, name="ann")[0] == "InvalidIdentityPoolConfigurationException"
    defaults = world.identity.set_principal_tag_attribute_map(
        IdentityPoolId=world.pool, IdentityProviderName=world.provider, UseDefaults=True
    )
    assert defaults["PrincipalTags"] == {"client": "aud", "username": "sub"}
