"""Uploads from browsers' forms: what the policy allows, and every way round it."""

import base64
import hmac
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from forms import BOUNDARY, encode, send
from running import RunningCloud

V4 = Config(signature_version="s3v4")
BUCKET = "post-bucket"


@pytest.fixture(scope="module", autouse=True)
def bucket(cloud: RunningCloud) -> None:
    cloud.client("s3").create_bucket(Bucket=BUCKET)


def presign(
    cloud: RunningCloud, name: str, fields: dict[str, str] | None = None, *conditions: Any, **more: Any
) -> dict[str, str]:
    """The fields of a form whose policy names the key `name`, `fields` and `conditions`."""
    s3 = cloud.client("s3", config=more.pop("config", V4), **more)
    named = [{name: value} for name, value in (fields or {}).items()]
    post = s3.generate_presigned_post(
        BUCKET, name, Fields=dict(fields or {}), Conditions=[*named, *conditions], ExpiresIn=600
    )
    return post["fields"]


def upload(cloud: RunningCloud, fields: Any, file: bytes | None = b"hello", **more: Any) -> Any:
    return send(cloud, BUCKET, encode(fields, file, **more))


def error(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str, str]:
    status, _, body = answer
    code, message = re.findall(rb"<Code>(.*?)</Code><Message>(.*?)</Message>", body)[0]
    return status, code.decode(), message.decode().replace("&quot;", '"')


def stored(cloud: RunningCloud, key: str) -> bytes:
    return cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def absent(cloud: RunningCloud, key: str) -> bool:
    listed = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=key)
    return listed["KeyCount"] == 0


@pytest.mark.parametrize("config", [V4, Config(signature_version="s3")], ids=["v4", "v2"])
def test_a_signed_form_uploads(cloud: RunningCloud, config: Config) -> None:
    key = f"signed/{config.signature_version}.txt"  # type: ignore[attr-defined]
    fields = presign(cloud, key, {"Content-Type": "text/plain", "x-amz-meta-who": "me"}, config=config)
    status, headers, body = upload(cloud, fields)
    assert (status, body) == (204, b"")
    assert headers["location"].endswith(f"/{BUCKET}/signed%2F{config.signature_version}.txt")  # type: ignore[attr-defined]
    found = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)
    assert found["Body"].read() == b"hello"
    assert (found["ContentType"], found["Metadata"]) == ("text/plain", {"who": "me"})
    assert headers["etag"] == found["ETag"]


def test_a_form_reaches_the_bucket_by_its_host(cloud: RunningCloud) -> None:
    host = f"{BUCKET}.s3.us-east-1.localhost:{cloud.port}"
    fields = presign(cloud, "by-host.txt", {"success_action_status": "201"})
    status, headers, body = send(cloud, BUCKET, encode(fields, b"x"), path="/", host=host)
    assert status == 201
    location = f"http://{host}/by-host.txt"
    assert headers["location"] == location
    assert f"<PostResponse><Location>{location}</Location><Bucket>{BUCKET}</Bucket>".encode() in body
    assert b"<Key>by-host.txt</Key>" in body


def test_the_files_name_fills_the_key(cloud: RunningCloud) -> None:
    fields = presign(cloud, "user/${filename}", None, ["starts-with", "$key", "user/"])
    for sent, key in {"a b.txt": "a b.txt", r"C:\dir\c.txt": "c.txt", "x/y/d.txt": "d.txt"}.items():
        assert upload(cloud, fields, filename=sent)[0] == 204
        assert stored(cloud, f"user/{key}") == b"hello"
    # Not even the name of a file leads out of where the policy wants the key.
    assert upload(cloud, fields, filename="../../evil.txt")[0] == 204
    assert stored(cloud, "user/evil.txt") == b"hello"


def test_success_redirects(cloud: RunningCloud) -> None:
    target = "https://app.example/done?x=1"
    fields = presign(cloud, "dir/redirect.txt", {"success_action_redirect": target})
    status, headers, body = upload(cloud, fields)
    assert (status, body) == (303, b"")
    assert headers["location"] == (
        f"{target}&bucket={BUCKET}&key=dir%2Fredirect.txt&etag=%225d41402abc4b2a76b9719d911017c592%22"
    )
    fields = presign(cloud, "redirect.txt", {"success_action_redirect": "/relative"})
    assert upload(cloud, fields)[0] == 204
    fields = presign(cloud, "redirect.txt", {"success_action_status": "200"})
    assert upload(cloud, fields)[0] == 200


def test_tags_come_with_the_form(cloud: RunningCloud) -> None:
    tagging = "<Tagging><TagSet><Tag><Key>colour</Key><Value>blue</Value></Tag></TagSet></Tagging>"
    fields = presign(cloud, "tagged", {"tagging": tagging})
    assert upload(cloud, fields)[0] == 204
    fields = presign(cloud, "tagged", {"tagging": "not-xml"})
    assert error(upload(cloud, fields))[:2] == (400, "MalformedXML")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("key", "other/key.txt", '["eq", "$key", "mine/a.txt"]'),
        ("Content-Type", "text/html", '["eq", "$Content-Type", "image/jpeg"]'),
        ("Content-Type", "IMAGE/JPEG", '["eq", "$Content-Type", "image/jpeg"]'),
        ("x-amz-meta-owner", "you", '["starts-with", "$x-amz-meta-owner", "me"]'),
    ],
)
def test_a_form_that_breaks_its_policy_is_refused(
    cloud: RunningCloud, name: str, value: str, shown: str
) -> None:
    owner = ["starts-with", "$x-amz-meta-owner", "me"]
    fields = presign(cloud, "mine/a.txt", {"Content-Type": "image/jpeg"}, owner)
    fields["x-amz-meta-owner"] = "me, and mine"
    assert upload(cloud, fields)[0] == 204
    answer = error(upload(cloud, fields | {name: value}))
    assert answer == (403, "AccessDenied", f"Invalid according to Policy: Policy Condition failed: {shown}")
    assert absent(cloud, "other/")


def test_a_policy_for_one_bucket_is_none_for_another(cloud: RunningCloud, client: Callable[..., Any]) -> None:
    client("s3").create_bucket(Bucket="post-other")
    fields = presign(cloud, "a.txt")
    status, code, message = error(send(cloud, "post-other", encode(fields | {"bucket": BUCKET}, b"x")))
    assert (status, code) == (403, "AccessDenied")
    assert f'["eq", "$bucket", "{BUCKET}"]' in message
    assert client("s3").list_objects_v2(Bucket="post-other")["KeyCount"] == 0


def test_fields_that_no_condition_names_are_refused(cloud: RunningCloud) -> None:
    fields = presign(cloud, "extra.txt")
    answer = error(upload(cloud, fields | {"X-Amz-Meta-Sneaky": "1"}))
    assert answer == (
        403,
        "AccessDenied",
        "Invalid according to Policy: Extra input fields: X-Amz-Meta-Sneaky",
    )
    assert error(upload(cloud, fields | {"acl": "public-read"}))[1] == "AccessDenied"
    assert absent(cloud, "extra.txt")
    assert upload(cloud, fields | {"x-ignore-me": "1"})[0] == 204


def test_a_condition_without_its_field_is_not_met(cloud: RunningCloud) -> None:
    fields = presign(cloud, "no-type.txt", None, ["starts-with", "$Content-Type", ""])
    assert error(upload(cloud, fields))[2].endswith('["starts-with", "$Content-Type", ""]')
    assert upload(cloud, fields | {"Content-Type": ""})[0] == 204


@pytest.mark.parametrize("large", [False, True])
def test_sizes_are_kept(cloud: RunningCloud, large: bool) -> None:
    unit = 400_000 if large else 1  # more than a mebibyte does not arrive in one piece
    key = f"sized-{unit}"
    fields = presign(cloud, key, None, ["content-length-range", 5 * unit, 10 * unit])
    status, code, message = error(upload(cloud, fields, b"x" * (12 * unit)))
    assert (status, code) == (400, "EntityTooLarge")
    assert message == "Your proposed upload exceeds the maximum allowed size"
    answer = upload(cloud, fields, b"x" * (4 * unit))
    assert error(answer)[:2] == (400, "EntityTooSmall")
    sizes = f"<ProposedSize>{4 * unit}</ProposedSize><MinSizeAllowed>{5 * unit}</MinSizeAllowed>"
    assert sizes.encode() in answer[2]
    assert absent(cloud, key)
    for size in (5 * unit, 10 * unit):
        assert upload(cloud, fields, b"y" * size)[0] == 204
        assert stored(cloud, key) == b"y" * size


def test_policies_expire(fresh_cloud: RunningCloud) -> None:
    fresh_cloud.client("s3").create_bucket(Bucket=BUCKET)
    fields = presign(fresh_cloud, "late.txt")
    fresh_cloud.advance(601)
    assert error(upload(fresh_cloud, fields)) == (
        403, "AccessDenied", "Invalid according to Policy: Policy expired.",
    )  # fmt: skip


@pytest.mark.parametrize("config", [V4, Config(signature_version="s3")], ids=["v4", "v2"])
def test_a_policy_that_was_changed_is_refused(cloud: RunningCloud, config: Config) -> None:
    fields = presign(cloud, "changed.txt", config=config)
    policy = json.loads(base64.b64decode(fields["policy"]))
    policy["conditions"] = [["starts-with", "$key", ""]]
    fields["policy"] = base64.b64encode(json.dumps(policy).encode()).decode()
    answer = upload(cloud, fields)
    assert error(answer)[:2] == (403, "SignatureDoesNotMatch")
    assert f"<StringToSign>{fields['policy']}</StringToSign>".encode() in answer[2]
    assert absent(cloud, "changed.txt")


@pytest.mark.parametrize(
    "name", ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "policy"]
)
def test_a_signature_is_whole_or_none(cloud: RunningCloud, name: str) -> None:
    fields = presign(cloud, "part.txt")
    del fields[name]
    status, code, message = error(upload(cloud, fields))
    assert (status, code) == (400, "InvalidArgument")
    assert re.match(rf"Bucket POST must contain a field named '{name}'\.  If", message, re.IGNORECASE)


def test_strangers_may_not_post(cloud: RunningCloud) -> None:
    assert error(upload(cloud, {"key": "stranger.txt"}))[:2] == (403, "AccessDenied")
    policy = presign(cloud, "stranger.txt")["policy"]
    assert error(upload(cloud, {"key": "stranger.txt", "policy": policy}))[:2] == (403, "AccessDenied")
    wrong = presign(cloud, "stranger.txt", key="AKIAUNKNOWNUNKNOWN00")
    assert error(upload(cloud, wrong))[:2] == (403, "InvalidAccessKeyId")
    forged = presign(cloud, "stranger.txt", secret="guess")
    assert error(upload(cloud, forged))[:2] == (403, "SignatureDoesNotMatch")
    assert absent(cloud, "stranger.txt")


def test_what_the_signer_may_not_the_form_may_not(cloud: RunningCloud) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="post-user")
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/own/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="post-user", PolicyName="p", PolicyDocument=document)
    made = iam.create_access_key(UserName="post-user")["AccessKey"]
    assert upload(cloud, _as(cloud, made, "own/a.txt"))[0] == 204
    status, code, message = error(upload(cloud, _as(cloud, made, "others/a.txt")))
    assert (status, code) == (403, "AccessDenied")
    assert "s3:PutObject" in message
    assert absent(cloud, "others/")


def _as(cloud: RunningCloud, made: dict[str, str], key: str) -> dict[str, str]:
    s3 = cloud.client("s3", key=made["AccessKeyId"], secret=made["SecretAccessKey"], config=V4)
    return s3.generate_presigned_post(BUCKET, key)["fields"]


def test_session_tokens_are_needed(cloud: RunningCloud) -> None:
    session = cloud.client("sts").get_session_token()["Credentials"]
    s3 = cloud.client(
        "s3", key=session["AccessKeyId"], secret=session["SecretAccessKey"], token=session["SessionToken"],
        config=V4,
    )  # fmt: skip
    fields = s3.generate_presigned_post(BUCKET, "session.txt")["fields"]
    assert upload(cloud, fields)[0] == 204
    assert error(upload(cloud, fields | {"x-amz-security-token": "x"}))[1] == "InvalidToken"
    del fields["x-amz-security-token"]
    assert error(upload(cloud, fields))[1] == "InvalidToken"


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        # These words: versity/versitygw, s3err/post-object.go.
        ("", "Invalid Policy: Expecting '{' but found End-of-Input"),
        (
            {"expiration": "2099-01-01T00:00:00Z", "conditions": ["test"]},
            "Invalid Policy: Invalid condition test: must be a List or Object.",
        ),
        ("not json", "Invalid Policy: Invalid JSON."),
        ({"conditions": []}, "Invalid Policy: Policy missing expiration."),
        ({"expiration": "2099-01-01T00:00:00Z"}, "Invalid Policy: Policy missing conditions."),
        (
            {"expiration": "tomorrow", "conditions": []},
            "Invalid Policy: Invalid 'expiration' value: 'tomorrow'",
        ),
        ({"expiration": "2099-01-01T00:00:00Z", "conditions": [{}]}, "exactly one property"),
        ({"expiration": "2099-01-01T00:00:00Z", "conditions": [{"key": 1}]}, "value must be a string"),
        ({"expiration": "2099-01-01T00:00:00Z", "conditions": [["in", "$key", "a"]]}, "unknown operation"),
        ({"Version": "2012-10-17", "Statement": []}, "Invalid Policy: Unexpected: 'version'"),
    ],
)
def test_what_is_no_policy(cloud: RunningCloud, policy: Any, message: str) -> None:
    text = policy if isinstance(policy, str) else json.dumps(policy)
    fields = presign(cloud, "no-policy.txt")
    encoded = base64.b64encode(text.encode()).decode()
    signed = _sign(encoded, fields["x-amz-credential"])
    answer = error(upload(cloud, fields | {"policy": encoded, "x-amz-signature": signed}))
    assert answer[:2] == (400, "InvalidPolicyDocument")
    assert message in answer[2]


def test_policies_and_scopes_that_are_none(cloud: RunningCloud) -> None:
    fields = presign(cloud, "no-scope.txt")
    scope = fields["x-amz-credential"]
    signed = _sign("%%", scope)
    answer = error(upload(cloud, fields | {"policy": "%%", "x-amz-signature": signed}))
    assert answer[1:] == ("InvalidPolicyDocument", "Invalid Policy: invalid Base64 encoding.")
    key, date, *rest = scope.split("/")
    for wrong, message in (
        (scope.replace("/s3/", "/ec2/"), 'incorrect service "ec2". This endpoint belongs to "s3".'),
        (scope.replace("aws4_request", "x"), 'incorrect terminal "x". This endpoint uses "aws4_request".'),
        ("/".join((key, date[2:], *rest)), f'incorrect date format "{date[2:]}". This date in the credential'
         ' must be in the format "yyyyMMdd".'),
        ("x", 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'),
    ):  # fmt: skip
        answer = error(upload(cloud, fields | {"x-amz-credential": wrong}))
        assert (*answer[:2], html.unescape(answer[2])) == (400, "InvalidArgument", message)


def _sign(policy: str, credential: str) -> str:
    _, date, region, service, _ = credential.split("/")
    key = b"AWS4test"
    for part in (date, region, service, "aws4_request", policy):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def test_fields_behind_the_file_do_not_count(cloud: RunningCloud) -> None:
    fields = presign(cloud, "order.txt")
    key = fields.pop("key")
    answer = error(upload(cloud, fields, after=[("key", key)]))
    assert answer[1] == "InvalidArgument" and "field named 'key'" in answer[2]
    assert upload(cloud, fields | {"key": key}, after=[("submit", "Upload")])[0] == 204


@pytest.mark.parametrize("name", ["a b", "a\nset-cookie: b", "a\rb", "ü", ""])
def test_metadata_is_named_as_headers_are(cloud: RunningCloud, name: str) -> None:
    field = f"x-amz-meta-{name}"
    fields = presign(cloud, "named.txt", None, ["starts-with", f"${field}", ""])
    assert error(upload(cloud, fields | {field: "x"}))[:2] == (400, "InvalidArgument")
    assert absent(cloud, "named.txt")


def test_keys_that_cannot_be(cloud: RunningCloud) -> None:
    assert error(upload(cloud, presign(cloud, "k" * 1025)))[:2] == (400, "KeyTooLongError")
    fields = presign(cloud, "${filename}", None, ["starts-with", "$key", ""])
    assert error(upload(cloud, fields, filename=""))[:2] == (400, "InvalidArgument")
    odd = "dir/../ü \n<&>%2F"
    answer = upload(cloud, presign(cloud, odd, {"success_action_status": "201"}))
    assert answer[0] == 201 and b"<Key>dir/../" in answer[2]
    assert stored(cloud, odd) == b"hello"


def test_forms_without_a_file_or_form(cloud: RunningCloud) -> None:
    fields = presign(cloud, "none.txt")
    assert error(upload(cloud, fields, None))[2] == "POST requires exactly one file upload per request."
    body = encode(fields, b"x")
    assert error(send(cloud, BUCKET, body, kind="text/html"))[:2] == (412, "PreconditionFailed")
    assert error(send(cloud, BUCKET, body, kind="multipart/form-data"))[:2] == (400, "MalformedPOSTRequest")
    for cut in (20, len(BOUNDARY) + 8):
        assert error(send(cloud, BUCKET, body[:-cut]))[:2] == (400, "MalformedPOSTRequest")
    assert absent(cloud, "none.txt")
    padded = encode({"x-ignore-pad": "x" * 21_000, **fields}, b"x")
    answer = send(cloud, BUCKET, padded)
    assert error(answer)[1] == "MaxPostPreDataLengthExceeded"
    assert b"<MaxPostPreDataLengthBytes>20480</MaxPostPreDataLengthBytes>" in answer[2]
    missing = error(send(cloud, "post-missing-bucket", body))
    assert missing[:2] == (404, "NoSuchBucket")


def test_a_large_file_streams(cloud: RunningCloud) -> None:
    """Thirty megabytes of zeros, lines and half delimiters, whose length nobody said beforehand."""
    fields = presign(cloud, "large.bin", None, ["content-length-range", 0, 40_000_000])
    tease = f"\r\n--{BOUNDARY[:-1]}\r\n--".encode()
    piece = (b"\0" * 65_000 + tease) * 4
    whole = encode(fields, b"@")
    head, tail = whole.split(b"@\r\n--" + BOUNDARY.encode())
    tail = b"\r\n--" + BOUNDARY.encode() + tail

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(120):
            yield piece
        yield tail

    answer = send(cloud, BUCKET, body())
    assert answer[0] == 204, answer
    assert stored(cloud, "large.bin") == piece * 120


def test_an_upload_to_a_public_bucket_needs_no_signature(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="post-public")
    s3.delete_public_access_block(Bucket="post-public")
    statement = {
        "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::post-public/drop/*",
    }  # fmt: skip
    s3.put_bucket_policy(
        Bucket="post-public", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    assert send(cloud, "post-public", encode({"key": "drop/a"}, b"x"))[0] == 204
    assert error(send(cloud, "post-public", encode({"key": "else/a"}, b"x")))[1] == "AccessDenied"
    with pytest.raises(ClientError):
        s3.head_object(Bucket="post-public", Key="else/a")
