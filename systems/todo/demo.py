"""Plays a user through the to-do app's back end, as the app uses it: `may demo todo`."""

import secrets
from pathlib import Path
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

PHOTO = Path(__file__).with_name("photo.jpg")


def play(demo: Any) -> None:
    """Sign up and in, use to-dos and files, try what must be refused, sign out."""
    user = User(demo)
    sign_up(demo, user)
    use_todos(demo, user)
    use_files(demo, user)
    with demo.step("sign out everywhere: the refresh token is good for nothing any more"):
        user.idp.global_sign_out(AccessToken=user.tokens["AccessToken"])
        refused = refusal(
            user.idp.initiate_auth,
            ClientId=demo.outputs["UserPoolClientId"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": user.tokens["RefreshToken"]},
        )
        demo.expect(refused == "NotAuthorizedException", f"got {refused}")


class User:
    """Someone new, with an address and a password of their own."""

    def __init__(self, demo: Any) -> None:
        self.demo = demo
        self.email = f"mai.{secrets.token_hex(4)}@example.com"
        self.password = f"Xoai-{secrets.token_urlsafe(12)}1"
        self.idp = self._public("cognito-idp")
        self.identity = self._public("cognito-identity")
        self.tokens: dict[str, str] = {}

    def _public(self, service: str) -> Any:
        """A client of operations that take no AWS signature."""
        target = self.demo.target
        return boto3.client(
            service, region_name=target.region, endpoint_url=target.endpoint,
            config=Config(signature_version=UNSIGNED),
        )  # fmt: skip

    def sign_in(self) -> None:
        """By SRP: the password is never sent."""
        from pycognito import AWSSRP

        outputs = self.demo.outputs
        srp = AWSSRP(
            self.email, self.password, outputs["UserPoolId"], outputs["UserPoolClientId"], client=self.idp
        )
        self.tokens = srp.authenticate_user()["AuthenticationResult"]

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the API with the user's id token."""
        headers = {"Authorization": self.tokens["IdToken"]} if self.tokens else {}
        return self.demo.request(method, self.demo.outputs["ApiUrl"] + path, body, headers)


def refusal(operation: Any, **params: Any) -> str:
    """The error code with which AWS refuses; fails if it does not."""
    try:
        operation(**params)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("it was not refused")


def sign_up(demo: Any, user: User) -> None:
    client = demo.outputs["UserPoolClientId"]
    with demo.step("the API answers nobody without a token"):
        demo.expect(user.request("GET", "/todos").status == 401, "it answered")
    with demo.step("sign up"):
        user.idp.sign_up(ClientId=client, Username=user.email, Password=user.password)
    with demo.step("read the code from the inbox and confirm"):
        code = demo.code_for(user.email)
        user.idp.confirm_sign_up(ClientId=client, Username=user.email, ConfirmationCode=code)
    with demo.step("sign in with SRP"):
        user.sign_in()
    with demo.step("a forged token is refused"):
        forged = user.tokens["IdToken"][:-8] + "AAAAAAAA"
        answer = demo.request("GET", demo.outputs["ApiUrl"] + "/todos", headers={"Authorization": forged})
        demo.expect(answer.status == 401, f"answered {answer.status}")


def use_todos(demo: Any, user: User) -> None:
    made = []
    with demo.step("an empty list, from the function"):
        demo.expect(user.request("GET", "/todos").json() == {"todos": []}, "there is something in it")
    for title in ("Buy rice", "Gọi cho mẹ", "Ship Maycloud"):
        with demo.step(f"create “{title}”"):
            answer = user.request("POST", "/todos", {"title": title})
            demo.expect(answer.status == 201, f"POST /todos answered {answer.status}: {answer.body!r}")
            made.append(answer.json())
    with demo.step("the newest comes first in the list, uncached after a write"):
        listed = user.request("GET", "/todos").json()["todos"]
        demo.expect([todo["id"] for todo in listed] == [todo["id"] for todo in reversed(made)], f"{listed}")
    hits = demo.metric("AWS/ApiGateway", "CacheHitCount")
    with demo.step("the same list again, from the API's cache"):
        demo.expect(user.request("GET", "/todos").json()["todos"] == listed, "another list came back")
    with demo.step("CloudWatch counts the cache hit"):
        demo.until(lambda: demo.metric("AWS/ApiGateway", "CacheHitCount") > hits, "no cache hit is counted")
    first = f"/todos/{made[0]['id']}"
    with demo.step("mark the first one done"):
        changed = user.request("PUT", first, {"done": True}).json()
        demo.expect(changed["done"] is True and changed["title"] == "Buy rice", f"got {changed}")
    if demo.outputs["DaxEndpoint"]:
        hits = demo.metric("AWS/DAX", "ItemCacheHits")
    with demo.step("read it back, through DAX"):
        demo.expect(user.request("GET", first).json() == changed, "another to-do came back")
    if demo.outputs["DaxEndpoint"]:
        with demo.step("CloudWatch counts the DAX hit"):
            demo.until(lambda: demo.metric("AWS/DAX", "ItemCacheHits") > hits, "no DAX hit is counted")
    with demo.step("a to-do without a title is refused by the API's model"):
        demo.expect(user.request("POST", "/todos", {"done": True}).status == 400, "it was taken")
    with demo.step("delete one: it is gone from the list at once"):
        demo.expect(user.request("DELETE", first).status == 204, "it was not deleted")
        ids = [todo["id"] for todo in user.request("GET", "/todos").json()["todos"]]
        demo.expect(made[0]["id"] not in ids and len(ids) == 2, f"got {ids}")


def use_files(demo: Any, user: User) -> None:
    outputs = demo.outputs
    bucket = outputs["FilesBucket"]
    with demo.step("temporary AWS credentials from the identity pool"):
        provider = f"cognito-idp.{demo.target.region}.amazonaws.com/{outputs['UserPoolId']}"
        logins = {provider: user.tokens["IdToken"]}
        identity = user.identity.get_id(IdentityPoolId=outputs["IdentityPoolId"], Logins=logins)["IdentityId"]
        found = user.identity.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
        s3 = boto3.client(
            "s3", region_name=demo.target.region, endpoint_url=demo.target.endpoint,
            aws_access_key_id=found["AccessKeyId"], aws_secret_access_key=found["SecretKey"],
            aws_session_token=found["SessionToken"],
        )  # fmt: skip
    photo = PHOTO.read_bytes()
    own = f"private/{identity}/Mèo con.jpg"
    with demo.step(f"put a photo of {len(photo):,} bytes into the own folder"):
        s3.put_object(Bucket=bucket, Key=own, Body=photo, ContentType="image/jpeg")
    with demo.step("list the own folder and get the photo back, byte for byte"):
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"private/{identity}/")["Contents"]
        demo.expect([each["Key"] for each in listed] == [own], f"got {listed}")
        demo.expect(s3.get_object(Bucket=bucket, Key=own)["Body"].read() == photo, "other bytes came back")
    other = f"private/{demo.target.region}:00000000-0000-0000-0000-000000000000"
    for what, operation, params in (
        ("put into", s3.put_object, {"Key": f"{other}/x", "Body": b"x"}),
        ("get from", s3.get_object, {"Key": f"{other}/x"}),
        ("list", s3.list_objects_v2, {"Prefix": f"{other}/"}),
    ):
        with demo.step(f"refused: {what} another's folder"):
            refused = refusal(operation, Bucket=bucket, **params)
            demo.expect(refused == "AccessDenied", f"got {refused}")
    with demo.step("delete the photo"):
        s3.delete_object(Bucket=bucket, Key=own)
    with demo.step("the app is served by CloudFront"):
        page = demo.request("GET", outputs["AppUrl"])
        demo.expect(page.status == 200 and b'<div id="app">' in page.body, f"answered {page.status}")
