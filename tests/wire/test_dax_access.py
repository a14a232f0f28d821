"""Who may use a DAX cluster: signatures, callers' policies, the cluster's role; and bytes of strangers."""

import hashlib
import hmac
import random
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import daxes
from maycloud.services.dax import cbor, framing
from running import RunningCloud

ONCE = Config(retries={"max_attempts": 0})
ARN = "arn:aws:dax:us-east-1:000000000000:cache/guarded"
KEY = {"pk": {"S": "1"}}


@pytest.fixture(scope="module")
def url(cloud: RunningCloud) -> str:
    """A cluster whose role may do everything but delete."""
    statements = [*daxes.ROLE_POLICY, {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "*"}]
    daxes.table(cloud, "Guarded", pk="S")
    cloud.client("dynamodb").put_item(TableName="Guarded", Item=KEY | {"v": {"S": "x"}})
    found = daxes.cluster(cloud, "guarded", daxes.role(cloud, "DaxGuarded", statements))
    return str(found["ClusterDiscoveryEndpoint"]["URL"])


def allow(*actions: str, **more: Any) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Action": list(actions), "Resource": ARN, **more}]


def refusal(operation: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        operation(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_caller_needs_the_action_on_the_cluster_and_nothing_of_dynamodb(
    cloud: RunningCloud, url: str
) -> None:
    key = daxes.user(cloud, "reader", allow("dax:GetItem"))
    with daxes.connected(url, config=ONCE, **key) as dax:
        assert dax.get_item(TableName="Guarded", Key=KEY)["Item"]["v"] == {"S": "x"}
        code, message = refusal(dax.put_item, TableName="Guarded", Item=KEY)
        assert code == "AccessDeniedException"
        assert "user/reader is not authorized to perform: dax:PutItem on resource: " + ARN in message
        for operation, params in (
            (
                dax.query,
                {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "1"}}},
            ),
            (dax.scan, {}),
            (dax.delete_item, {"Key": KEY}),
            (dax.update_item, {"Key": KEY, "UpdateExpression": "REMOVE v"}),
        ):
            assert refusal(operation, TableName="Guarded", **params)[0] == "AccessDeniedException"
        batch = {"Guarded": {"Keys": [KEY]}}
        assert refusal(dax.batch_get_item, RequestItems=batch)[0] == "AccessDeniedException"
    assert cloud.client("dynamodb").get_item(TableName="Guarded", Key=KEY)["Item"]["v"] == {"S": "x"}


def test_permissions_of_dynamodb_do_not_open_a_cluster(cloud: RunningCloud, url: str) -> None:
    key = daxes.user(cloud, "stranger", daxes.ROLE_POLICY)
    with daxes.connected(url, config=ONCE, **key) as dax:
        assert refusal(dax.get_item, TableName="Guarded", Key=KEY)[0] == "AccessDeniedException"


def test_awss_policies_for_dynamodb_cover_dax(cloud: RunningCloud, url: str) -> None:
    key = daxes.user(cloud, "managed")
    arn = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"
    cloud.client("iam").attach_user_policy(UserName="managed", PolicyArn=arn)
    with daxes.connected(url, config=ONCE, **key) as dax:
        assert dax.get_item(TableName="Guarded", Key=KEY)["Item"]["v"] == {"S": "x"}
        assert refusal(dax.put_item, TableName="Guarded", Item=KEY)[0] == "AccessDeniedException"


def test_a_cached_item_is_not_for_everyone(cloud: RunningCloud, url: str) -> None:
    with daxes.connected(url) as admin:
        admin.get_item(TableName="Guarded", Key=KEY)
    with daxes.connected(url, config=ONCE, **daxes.user(cloud, "late")) as dax:
        assert refusal(dax.get_item, TableName="Guarded", Key=KEY)[0] == "AccessDeniedException"


def test_the_clusters_role_needs_dynamodbs_permissions(url: str) -> None:
    with daxes.connected(url, config=ONCE) as dax:
        code, message = refusal(dax.delete_item, TableName="Guarded", Key=KEY)
    assert code == "AccessDeniedException"
    assert "assumed-role/DaxGuarded/" in message
    assert "dynamodb:DeleteItem" in message


def test_transactions_ask_for_each_action_and_say_that_they_are_one(cloud: RunningCloud, url: str) -> None:
    condition = {"StringEquals": {"dax:EnclosingOperation": "TransactWriteItems"}}
    key = daxes.user(cloud, "transacting", allow("dax:PutItem", Condition=condition))
    put = {"Put": {"TableName": "Guarded", "Item": {"pk": {"S": "transacted"}}}}
    check = {
        "ConditionCheck": {"TableName": "Guarded", "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}
    }
    with daxes.connected(url, config=ONCE, **key) as dax:
        dax.transact_write_items(TransactItems=[put])
        code, message = refusal(dax.transact_write_items, TransactItems=[put, check])
        assert code == "AccessDeniedException"
        assert "dax:ConditionCheckItem" in message
        assert refusal(dax.put_item, TableName="Guarded", Item=KEY)[0] == "AccessDeniedException"
        read = {"Get": {"TableName": "Guarded", "Key": KEY}}
        assert "dax:GetItem" in refusal(dax.transact_get_items, TransactItems=[read])[1]


def test_a_wrong_secret_key_or_region_is_refused(url: str) -> None:
    for options, code in (
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}, "UnrecognizedClientException"),
        ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
    ):
        with pytest.raises(ClientError) as caught, daxes.connected(url, **options):
            pass
        assert caught.value.response["Error"]["Code"] == code
        assert "wrong" not in str(caught.value)


def test_sessions_need_their_token_until_they_end(cloud: RunningCloud, url: str) -> None:
    iam = cloud.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(RoleName="Session", AssumeRolePolicyDocument=daxes.document([trust]))
    iam.put_role_policy(
        RoleName="Session", PolicyName="p", PolicyDocument=daxes.document(allow("dax:GetItem"))
    )
    given = cloud.client("sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/Session", RoleSessionName="me", DurationSeconds=900
    )["Credentials"]
    key = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
    with daxes.connected(url, config=ONCE, **key, aws_session_token=given["SessionToken"]) as dax:
        assert dax.get_item(TableName="Guarded", Key=KEY)["Item"]["v"] == {"S": "x"}
        cloud.advance(901)
        assert refusal(dax.get_item, TableName="Guarded", Key=KEY)[0] in (
            "ExpiredTokenException",
            "MissingAuthenticationTokenException",
        )
    for token in (None, "tampered"):
        with pytest.raises(ClientError) as caught, daxes.connected(url, **key, aws_session_token=token):
            pass
        assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_a_key_taken_away_ends_its_connections_rights(cloud: RunningCloud, url: str) -> None:
    key = daxes.user(cloud, "leaving", allow("dax:GetItem"))
    with daxes.connected(url, config=ONCE, **key) as dax:
        dax.get_item(TableName="Guarded", Key=KEY)
        cloud.client("iam").update_access_key(
            UserName="leaving", AccessKeyId=key["aws_access_key_id"], Status="Inactive"
        )
        assert refusal(dax.get_item, TableName="Guarded", Key=KEY)[0] == "UnrecognizedClientException"


def test_a_client_signs_again_when_its_time_is_up(cloud: RunningCloud, url: str) -> None:
    with daxes.connected(url) as dax:
        dax.get_item(TableName="Guarded", Key=KEY)
        cloud.advance(3600)
        assert dax.get_item(TableName="Guarded", Key=KEY)["Item"]["v"] == {"S": "x"}


# The protocol by hand


class Raw:
    """A connection that sends what it is told."""

    def __init__(self, url: str, greet: bool = True) -> None:
        host, _, port = url.partition("//")[2].partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        if greet:
            self.send(b"\x67J7yne5G\x00\xf6\xa1\x69UserAgent\x61x\x00")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def call(self, method: int, *arguments: Any) -> None:
        self.send(request(method, *arguments))

    def answer(self) -> bytes:
        """What comes within one reading; empty when the other end has closed."""
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def codes(self) -> list[int]:
        return cbor.Reader(self.answer()).item()

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def request(method: int, *arguments: Any) -> bytes:
    out = bytearray()
    cbor.integer(out, 1)
    cbor.integer(out, method)
    for argument in arguments:
        put(out, argument)
    return bytes(out)


def put(out: bytearray, item: Any) -> None:
    if item is None:
        cbor.null(out)
    elif isinstance(item, int):
        cbor.integer(out, item)
    elif isinstance(item, str):
        cbor.text(out, item)
    elif isinstance(item, bytes):
        cbor.blob(out, item)
    elif isinstance(item, list):
        cbor.head(out, 4, len(item))
        for member in item:
            put(out, member)
    else:
        cbor.head(out, 5, len(item))
        for name, member in item.items():
            put(out, name)
            put(out, member)


def authorization(
    when: float | None = None,
    host: str = "dax.amazonaws.com",
    service: str = "dax",
    secret: str = "test",
    access_key: str = "test",
) -> bytes:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if when is None else when))
    empty = hashlib.sha256(b"").hexdigest()
    canonical = f"POST\n/\n\nhost:{host}\nx-amz-date:{moment}\n\nhost;x-amz-date\n{empty}"
    scope = f"{moment[:8]}/us-east-1/{service}/aws4_request"
    signed = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}".encode()
    key = b"AWS4" + secret.encode()
    for part in (moment[:8], "us-east-1", service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, signed, "sha256").hex()
    return request(framing.AUTHORIZE, access_key, signature, signed, None, None)


NEEDS_SIGNING, REFUSED = [4, 23, 31, 33], [4, 23, 31, 32]
EVERYTHING = [
    (framing.ENDPOINTS,),
    (framing.KEY_SCHEMA, b"Guarded"),
    (framing.ATTRIBUTES, 2),
    (framing.ATTRIBUTES_ID, ["a"]),
    (framing.GET_ITEM, b"Guarded", b"1", None),
    (framing.PUT_ITEM, b"Guarded", b"9", b"\x01", None),
    (framing.UPDATE_ITEM, b"Guarded", b"9", None),
    (framing.DELETE_ITEM, b"Guarded", b"1", None),
    (framing.QUERY, b"Guarded", None, None),
    (framing.SCAN, b"Guarded", None),
    (framing.BATCH_GET_ITEM, {"Guarded": [0, None, [b"1"]]}, None),
    (framing.BATCH_WRITE_ITEM, {"Guarded": [b"9", b"\x01"]}, None),
    (framing.TRANSACT_GET_ITEMS, [b"Guarded"], [b"1"], None, None),
    (framing.TRANSACT_WRITE_ITEMS, [2], [b"Guarded"], [b"9"], [b"\x01"], None, None, None, None, None),
]


@pytest.mark.parametrize("call", EVERYTHING)
def test_nothing_is_answered_without_a_signature(cloud: RunningCloud, url: str, call: Any) -> None:
    cloud.client("dynamodb").delete_item(TableName="Guarded", Key={"pk": {"S": "9"}})
    with Raw(url) as raw:
        raw.call(*call)
        assert raw.codes() == NEEDS_SIGNING
    assert "Item" not in cloud.client("dynamodb").get_item(TableName="Guarded", Key={"pk": {"S": "9"}})


def test_a_signature_is_of_this_request_and_of_now(url: str) -> None:
    now = time.time()
    for wrong in (
        authorization(now - 301),
        authorization(now + 900),
        authorization(host="dynamodb.us-east-1.amazonaws.com"),
        authorization(service="dynamodb"),
        authorization(secret="guess"),
        request(framing.AUTHORIZE, "test", "0" * 64, b"AWS4-HMAC-SHA256\nx\ny\nz", None, None),
        request(framing.AUTHORIZE, "test", "", b"", None, None),
    ):
        with Raw(url) as raw:
            raw.send(wrong)
            raw.call(framing.ENDPOINTS)
            assert raw.codes() == REFUSED
    with Raw(url) as raw:
        raw.send(authorization())
        raw.call(framing.ENDPOINTS)
        assert raw.answer()[:1] == b"\x80"
        raw.send(authorization(secret="guess"))
        raw.call(framing.GET_ITEM, b"Guarded", b"1", None)
        assert raw.codes() == REFUSED, "what was authorized before is so no longer"


def test_lists_are_kept_for_those_who_write(cloud: RunningCloud, url: str) -> None:
    """Whoever may connect could otherwise fill the disk with them."""
    transacting = {"StringEquals": {"dax:EnclosingOperation": "TransactWriteItems"}}
    for name, statements, may in (
        ("lists-none", (), False),
        ("lists-reader", allow("dax:GetItem", "dax:Query"), False),
        ("lists-writer", allow("dax:PutItem"), True),
        ("lists-batches", allow("dax:BatchWriteItem"), True),
        ("lists-transactions", allow("dax:PutItem", Condition=transacting), True),
    ):
        key = daxes.user(cloud, name, statements)
        with Raw(url) as raw:
            secret, access_key = key["aws_secret_access_key"], key["aws_access_key_id"]
            raw.send(authorization(secret=secret, access_key=access_key))
            raw.call(framing.ATTRIBUTES_ID, [name])
            answer = raw.answer()
            assert (answer[:1] == b"\x80") is may, answer
            assert (b"not authorized to perform: dax:PutItem" in answer) is not may


def test_a_list_of_another_cluster_is_not_told(cloud: RunningCloud, url: str) -> None:
    daxes.cluster(cloud, "other", daxes.role(cloud, "DaxOther"))
    other = daxes.available(cloud, "other")["ClusterDiscoveryEndpoint"]["URL"]
    with Raw(url) as raw:
        raw.send(authorization())
        raw.call(framing.ATTRIBUTES_ID, ["secret", "names"])
        number = cbor.Reader(raw.answer()[1:]).integer()
        raw.call(framing.ATTRIBUTES, number)
        assert cbor.Reader(raw.answer()[1:]).item() == ["secret", "names"]
    with Raw(other) as raw:
        raw.send(authorization())
        raw.call(framing.ATTRIBUTES, number)
        assert b"unknown attribute list" in raw.answer()


MALFORMED = [
    (framing.GET_ITEM, 5, b"1", None),
    (framing.GET_ITEM, b"../etc", b"1", None),
    (framing.GET_ITEM, b"Guarded", b"\xff\xfe", None),
    (framing.GET_ITEM, b"Guarded", b"1", [1]),
    (framing.GET_ITEM, b"Guarded", b"1", {0: b"\x82\x01\x80"}),
    (framing.GET_ITEM, b"Guarded", b"1", {0: b"\x82\x01\x81\x81\x12"}),
    (framing.GET_ITEM, b"Guarded", b"1", {3: 99}),
    (framing.PUT_ITEM, b"Guarded", b"9", b"\x19\x03\x84\x61x", None),
    (framing.PUT_ITEM, b"Guarded", b"9", b"\x01\x61x", None),
    (framing.PUT_ITEM, b"Guarded", b"9", b"", None),
    (framing.PUT_ITEM, b"Guarded", b"9", b"\x02\x9a\x00\x09\x00\x00" + b"\xf6" * 0x90000, None),
    (framing.UPDATE_ITEM, b"Guarded", b"9", {8: b"\x83\x01\x81\x82\x13\x00\x80"}),
    (framing.UPDATE_ITEM, b"Guarded", b"9", {8: b"\x81" * 2000 + b"\x00"}),
    (framing.DELETE_ITEM, b"Guarded", b"9", {4: b"\x83\x01\x83\x00\x82\x11\x05\x82\x11\x06\x80"}),
    (framing.QUERY, b"Guarded", b"\x83\x01" + b"\x82\x08" * 410 + b"\x82\x11\x00\x80", None),
    (framing.SCAN, b"Guarded", {13: -1}),
    (framing.SCAN, b"Guarded", {16: 1 << 60, 17: 1}),
    (framing.SCAN, b"Guarded", {9: b"\xa1\x61a\xf6", 11: b"i"}),
    (framing.BATCH_GET_ITEM, {"Guarded": [0, None, [b"1", b"1"]]}, None),
    (framing.BATCH_GET_ITEM, {"Guarded": [0, None]}, None),
    (framing.BATCH_GET_ITEM, {}, None),
    (framing.BATCH_WRITE_ITEM, {"Guarded": [b"9"]}, None),
    (framing.BATCH_WRITE_ITEM, {"Guarded": []}, None),
    (framing.TRANSACT_GET_ITEMS, [], [], None, None),
    (framing.TRANSACT_GET_ITEMS, [b"Guarded"], [b"1", b"2"], None, None),
    (framing.TRANSACT_WRITE_ITEMS, [99], [b"Guarded"], [b"9"], [b"\x01"], None, None, None, None, None),
    (framing.TRANSACT_WRITE_ITEMS, [2], [b"Guarded"], [b"9"], [None], None, None, None, None, None),
    (framing.ATTRIBUTES, -1),
    (framing.ATTRIBUTES, 1 << 63),
    (framing.ATTRIBUTES_ID, [1]),
]


@pytest.mark.parametrize("call", MALFORMED)
def test_malformed_requests_are_told_so_and_the_connection_goes_on(
    cloud: RunningCloud, url: str, call: Any
) -> None:
    cloud.client("dynamodb").delete_item(TableName="Guarded", Key={"pk": {"S": "9"}})
    with Raw(url) as raw:
        raw.send(authorization())
        raw.call(*call)
        assert raw.codes() == [4, 37, 38, 39, 46]
        raw.call(framing.KEY_SCHEMA, b"Guarded")
        assert cbor.Reader(raw.answer()[1:]).item() == {"pk": "S"}
    assert "Item" not in cloud.client("dynamodb").get_item(TableName="Guarded", Key={"pk": {"S": "9"}})


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\x67J7yne5H\x00\xf6\xa0\x00",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff" + b"\x00" * 70_000,
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x81" * 100_000,
        b"\xff",
        b"\x1c",
        b"\xc0" * 1000,
        b"\x7f" + b"\x61a" * 40_000,
    ],
)
def test_what_is_no_greeting_ends_the_connection(url: str, stream: bytes) -> None:
    with Raw(url, greet=False) as raw:
        try:
            raw.send(stream)
            # Some are the beginning of something: no more comes, and nothing is answered.
            raw.socket.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            return
        assert raw.answer() == b""


def test_an_unknown_method_or_service_ends_the_connection(url: str) -> None:
    for stream in (request(4711), b"\x02" + request(framing.ENDPOINTS)[1:], b"\x01\x61x"):
        with Raw(url) as raw:
            raw.send(authorization() + stream)
            assert raw.answer() == b""


@pytest.mark.parametrize("member", [b"\x00", b"\x59\xff\xff" + b"x" * 65535])
def test_a_message_that_never_ends_is_not_kept(url: str, member: bytes) -> None:
    with Raw(url) as raw:
        raw.send(authorization() + b"\x01\x1a" + framing.GET_ITEM.to_bytes(4, "big") + b"\x9f")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            raw.send(member * (64 << 20 >> (16 if len(member) > 1 else 0)))


def test_requests_are_answered_in_order_however_they_arrive(url: str) -> None:
    stream = authorization()
    for table in (b"Guarded", b"Missing", b"Guarded"):
        stream += request(framing.KEY_SCHEMA, table)
    with Raw(url) as raw:
        for at in range(len(stream)):
            raw.send(stream[at : at + 1])
        found = b""
        while found.count(b"\x80\xa1\x62pk\x61S") < 2:
            found += raw.answer()
        assert found.startswith(b"\x80\xa1\x62pk\x61S\x85\x04\x18\x25")
        assert found.endswith(b"\x80\xa1\x62pk\x61S")


@pytest.fixture(scope="module")
def observed(cloud: RunningCloud, url: str) -> Iterator[RunningCloud]:
    """The cloud, which must have logged no failure of its own when the module's fuzzing is done."""
    yield cloud
    assert "Traceback" not in cloud.log.read_text()


_items = st.recursive(
    st.none() | st.integers(-(1 << 70), 1 << 70) | st.binary(max_size=20) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 20) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(method=st.sampled_from(sorted(framing.ARGUMENTS)), data=st.data())
def test_any_arguments_get_an_answer(observed: RunningCloud, url: str, method: int, data: Any) -> None:
    if method == framing.AUTHORIZE:
        arguments = [data.draw(_items) for _ in range(5)]
    else:
        wellformed = next(call[1:] for call in EVERYTHING if call[0] == method)
        arguments = [data.draw(st.just(each) | _items) for each in wellformed]
    with Raw(url) as raw:
        raw.send(authorization())
        raw.call(method, *arguments)
        if method == framing.AUTHORIZE:
            raw.call(framing.ENDPOINTS)
        answer = raw.answer()
        # Arguments that cannot even be read as any end the connection; everything else is answered.
        assert answer == b"" or answer[0] >> 5 == 4
        assert b"unknown error" not in answer


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 32))
def test_damaged_messages_break_nothing(observed: RunningCloud, url: str, seed: int) -> None:
    chance = random.Random(seed)
    stream = bytearray(authorization())
    safe = len(stream)
    for call in chance.sample(EVERYTHING, 3):
        stream += request(*call)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(safe, len(stream))
        if chance.random() < 0.5:
            stream[place] = chance.randrange(256)
        else:
            del stream[place]
    with Raw(url) as raw:
        raw.send(bytes(stream))
        raw.socket.shutdown(socket.SHUT_WR)
        answers = b""
        while more := raw.answer():
            answers += more
        assert b"unknown error" not in answers
    with Raw(url) as raw:
        raw.send(authorization())
        raw.call(framing.ENDPOINTS)
        assert raw.answer()[:1] == b"\x80", "others are served as before"
