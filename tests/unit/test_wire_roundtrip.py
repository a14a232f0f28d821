"""Every operation of every service, in every protocol that its model names, through botocore both ways.

Inputs are made from the shapes, serialized by botocore, decoded by us and compared; outputs are made from the
shapes, encoded by us, parsed by botocore and compared.
"""

import functools
import io
import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict
from hypothesis import given, settings
from hypothesis import strategies as st

from maycloud.edge.messages import Request, Response
from maycloud.errors import AwsError
from maycloud.loading import SERVICES
from maycloud.wire import Registry, WireError
from maycloud.wire.additions import ADDED
from maycloud.wire.models import Model

OperationModel = Any  # botocore has no types
Shape = Any

REGISTRY = Registry(SERVICES)
SEEDS = 4
WORDS = ("a", "plain text", "ünïcödé \U0001f600", 'with <xml> & "quotes"', "a/b+c%20d", "x" * 80)


@functools.cache
def service_model(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


TOLD_APART_BY_HOST = {"ListDirectoryBuckets"}
PARSED_BY_A_HANDLER = {"GetBucketLocation"}  # botocore's parser alone cannot read it


def cases() -> Iterator[Any]:
    for name in SERVICES:
        model = Model(name)
        for protocol in model.protocols:
            for operation, described in model.operations.items():
                if described.get("deprecated") or operation in TOLD_APART_BY_HOST | ADDED.get(name, set()):
                    continue  # the same request means a newer operation
                yield pytest.param(name, protocol, operation, id=f"{name}-{protocol}-{operation}")


CASES = list(cases())

# Values from shapes


class Maker:
    """Makes values of shapes; `rest` says where a member goes, for places that cannot carry everything."""

    def __init__(self, seed: str, service: str) -> None:
        self.random = random.Random(seed)
        self.raw = service in ("dynamodb", "dynamodbstreams")

    def structure(self, shape: Shape, depth: int = 0) -> dict[str, Any]:
        if self.raw and shape.name == "AttributeValue":
            return self.attribute_value(depth)
        members: dict[str, Shape] = shape.members
        required = set(shape.metadata.get("required", []))
        result: dict[str, Any] = {}
        names = list(members)
        if getattr(shape, "is_tagged_union", False):
            names = [self.random.choice(names)]
            required = set(names)
        for name in names:
            member = members[name]
            if member.serialization.get("eventstream") or getattr(member, "is_document_type", False):
                continue
            deep = depth > 3
            if name in required or (not deep and self.random.random() < 0.6):
                value = self.value(member, depth + 1)
                if value not in ({}, [], None):
                    result[name] = value
        return result

    def attribute_value(self, depth: int) -> dict[str, Any]:
        kinds = ["S", "N", "BOOL", "SS"] + (["M", "L"] if depth < 4 else [])
        kind = self.random.choice(kinds)
        inner = {"S": "text", "N": "12.5", "BOOL": True, "SS": ["a", "b"]}
        if kind == "M":
            return {"M": {"k": self.attribute_value(depth + 1)}}
        if kind == "L":
            return {"L": [self.attribute_value(depth + 1)]}
        return {kind: inner[kind]}

    def value(self, shape: Shape, depth: int) -> Any:
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            if depth > 6:
                return []
            inner: Shape = shape.member
            made = [self.value(inner, depth + 1) for _ in range(self.random.randint(1, 2))]
            return [each for each in made if each not in ({}, [], None)]
        if kind == "map" and shape.serialization.get("location") == "headers":
            return {"some-name": "some value"}
        if kind == "map":
            if depth > 6:
                return {}
            value = self.value(shape.value, depth + 1)
            key = self.string(shape.key)
            return {key: value} if value not in ({}, []) else {}
        if kind == "timestamp":
            return datetime.fromtimestamp(self.random.randint(0, 4_000_000_000), UTC)
        if kind == "blob":
            return bytes(self.random.randrange(256) for _ in range(self.random.randint(1, 20)))
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind in ("integer", "long"):
            low = int(shape.metadata.get("min", 0))
            return self.random.randint(low, min(int(shape.metadata.get("max", low + 100)), low + 100))
        if kind in ("float", "double"):
            low = float(shape.metadata.get("min", 0))
            return low + self.random.randint(0, 8) / 8
        return self.string(shape)

    def string(self, shape: Shape) -> str:
        enum = shape.metadata.get("enum")
        if enum:
            return self.random.choice(enum)
        place = shape.serialization.get("location")
        if place in ("uri", "header", "querystring", "headers") or "pattern" in shape.metadata:
            length = min(max(int(shape.metadata.get("min", 1)), 3), 60)
            return "".join(self.random.choice(string.ascii_letters) for _ in range(length))
        text = self.random.choice(WORDS)
        low, high = int(shape.metadata.get("min", 0)), int(shape.metadata.get("max", 10_000))
        return (text * (1 + low // len(text)))[: max(high, 1)]


LEFT_OUT = {"ResponseMetadata", "Expires", "ExpiresString"}


def plain(value: Any) -> Any:
    """A value for comparison: times to the second, streams read, nothing empty.

    S3's Expires is a text for us: it is handed back as it came, whether or not it is a date.
    """
    if isinstance(value, io.BytesIO):
        return value.read()
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, dict):
        found = {key: plain(each) for key, each in value.items() if key not in LEFT_OUT}
        return {key: each for key, each in found.items() if each not in ({}, [], None, b"", "")}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytearray):
        return bytes(value)
    return value


# From botocore to us


def request_of(serialized: dict[str, Any]) -> Request:
    body = serialized["body"]
    headers = {name.lower(): value for name, value in serialized["headers"].items()}
    if isinstance(body, dict):
        body = urlencode(body)
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
    target = serialized["url_path"]
    query = serialized.get("query_string") or {}
    if query:
        target += ("&" if "?" in target else "?") + urlencode(query, doseq=True)
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return Request(
        serialized["method"],
        target,
        [(name.encode(), str(value).encode("utf-8")) for name, value in headers.items()],
        raw,
    )


UNCHECKED = {
    # Values that constraints of the model's own (patterns of names, enums by version) refuse at random.
    "ValidationException", "ValidationError", "InvalidParameterValue", "InvalidParameterException",
    "BadRequestException", "MalformedXML",
}  # fmt: skip


@pytest.mark.parametrize(("service", "protocol", "operation"), CASES)
def test_inputs_arrive_as_they_were(service: str, protocol: str, operation: str) -> None:
    model: OperationModel = service_model(service).operation_model(operation)
    serializer = serialize.create_serializer(protocol, include_validation=False)
    compared = 0
    for seed in range(SEEDS):
        maker = Maker(f"{service}{operation}{seed}", service)
        params = maker.structure(model.input_shape) if model.input_shape else {}
        request = request_of(serializer.serialize_to_request(params, model))
        signing = Model(service).signing_name
        bound = REGISTRY.resolve(request, signing, None)
        assert (bound.service, bound.operation) == (service, operation)
        assert isinstance(request.body, bytes)
        try:
            found = bound.decode(request, request.body)
        except AwsError as error:
            if service == "s3" and error.code in ("MalformedXML", "MissingRequestBodyError"):
                continue  # the maker leaves out what the schema requires
            if error.code not in UNCHECKED or "failed to satisfy constraint" not in error.message:
                raise
            continue
        compared += 1
        assert plain(found) == plain(params)
    if not model.input_shape:
        assert compared == SEEDS


# From us to botocore


def parsed(model: OperationModel, protocol: str, response: Response) -> Any:
    assert isinstance(response.body, bytes)
    streams = model.has_streaming_output and response.status < 300
    whole: dict[str, Any] = {
        "status_code": response.status,
        "headers": HeadersDict({n.decode(): v.decode("utf-8") for n, v in response.headers}),
        "body": io.BytesIO(response.body) if streams else response.body,
        "context": {"operation_name": model.name},
    }
    return parsers.create_parser(protocol).parse(whole, model.output_shape)


@pytest.mark.parametrize(("service", "protocol", "operation"), CASES)
def test_outputs_arrive_as_they_were(service: str, protocol: str, operation: str) -> None:
    model: OperationModel = service_model(service).operation_model(operation)
    if operation in PARSED_BY_A_HANDLER or model.output_shape is None or model.has_event_stream_output:
        return  # event streams have a test of their own
    bound = bound_of(service, protocol, operation)
    for seed in range(SEEDS):
        maker = Maker(f"{service}{operation}{seed}out", service)
        result = maker.structure(model.output_shape)
        for name, member in model.output_shape.members.items():
            if member.serialization.get("location") == "statusCode":
                result[name] = 200
        response = bound.encode(result, "00000000-0000-4000-a000-000000000000")
        if not isinstance(response.body, bytes):
            continue
        found = plain(parsed(model, protocol, response))
        for name in ("contentType", "ContentType"):
            # A payload without a type is answered as bytes.
            if name not in result and found.get(name) == "application/octet-stream":
                del found[name]
        assert found == plain(result)


def bound_of(service: str, protocol: str, operation: str) -> Any:
    """The bound that a request of an operation gets."""
    model: OperationModel = service_model(service).operation_model(operation)
    serializer = serialize.create_serializer(protocol, include_validation=False)
    params = Maker("x", service).structure(model.input_shape) if model.input_shape else {}
    request = request_of(serializer.serialize_to_request(params, model))
    return REGISTRY.resolve(request, Model(service).signing_name, None)


# Errors


@pytest.mark.parametrize(
    ("service", "protocol", "operation", "code"),
    [
        ("dynamodb", "json", "PutItem", "ConditionalCheckFailedException"),
        ("logs", "json", "PutLogEvents", "ResourceNotFoundException"),
        ("lambda", "rest-json", "Invoke", "TooManyRequestsException"),
        ("apigateway", "rest-json", "GetRestApi", "NotFoundException"),
        ("iam", "query", "GetUser", "NoSuchEntity"),
        ("cloudwatch", "query", "PutMetricData", "InvalidParameterValue"),
        ("cloudwatch", "json", "PutMetricData", "InvalidParameterValueException"),
        ("cloudwatch", "smithy-rpc-v2-cbor", "PutMetricData", "InvalidParameterValueException"),
        ("s3", "rest-xml", "GetObject", "NoSuchKey"),
        ("cloudfront", "rest-xml", "GetDistribution", "NoSuchDistribution"),
    ],
)
def test_errors_are_understood(service: str, protocol: str, operation: str, code: str) -> None:
    model: OperationModel = service_model(service).operation_model(operation)
    bound = bound_of(service, protocol, operation)
    response = bound.error(AwsError(code, "What <went> wrong & why", 400), "id-1")
    assert response.status >= 400
    found = parsed(model, protocol, response)
    assert found["Error"]["Code"].rpartition("#")[2] in (code, code.removesuffix("Exception"))
    assert found["Error"]["Message"] == "What <went> wrong & why"


# Anything at all


TARGETS = [
    (b"POST", b"/", b"x-amz-target", b"DynamoDB_20120810.PutItem", b"dynamodb"),
    (b"POST", b"/", b"x-amz-target", b"Logs_20140328.PutLogEvents", b"logs"),
    (b"POST", b"/", b"content-type", b"application/x-www-form-urlencoded", b"iam"),
    (b"POST", b"/service/GraniteServiceVersion20100801/operation/PutMetricData", b"smithy-protocol",
     b"rpc-v2-cbor", b"monitoring"),
    (b"POST", b"/2015-03-31/functions", b"content-type", b"application/json", b"lambda"),
    (b"PUT", b"/bucket?tagging", b"content-type", b"application/xml", b"s3"),
]  # fmt: skip


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    where=st.sampled_from(TARGETS),
    body=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='{}[]":,0123456789eE.-+truefalsn \\u<>/&;=%', max_size=200).map(str.encode),
        st.sampled_from([
            b"[" * 5000, b'{"a":' * 5000, b"<a>" * 5000, b"\x9f" * 5000, b"\xa1" * 5000,
            b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b'{"TableName": 1e999}', b"Action=PutUser&" * 3000,
            b"Action=CreateUser&UserName.member.x=1", b'{"TableName": "\xff"}', b'{"Item": {"a": null}}',
        ]),
    ),
    gzip=st.booleans(),
)  # fmt: skip
def test_nothing_but_awss_errors_comes_of_anything(where: tuple[bytes, ...], body: bytes, gzip: bool) -> None:
    method, target, name, value, signing = where
    headers = [(name, value)]
    if gzip:
        headers.append((b"content-encoding", b"gzip"))
    request = Request(method.decode(), target.decode(), headers, body)
    try:
        bound = REGISTRY.resolve(request, signing.decode(), None)
    except WireError as error:
        response = error.response
    else:
        response = decoded(bound, request, body)
    assert response is None or 400 <= response.status < 500


def decoded(bound: Any, request: Request, body: bytes) -> Response | None:
    """The refusal of a body, None if it was taken."""
    try:
        bound.decode(request, body)
    except AwsError as error:
        return bound.error(error, "id")
    return None


def test_a_gzip_bomb_is_not_unfolded() -> None:
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = packer.compress(bytes(80 << 20)) + packer.flush()
    headers = [(b"x-amz-target", b"DynamoDB_20120810.PutItem"), (b"content-encoding", b"gzip")]
    request = Request("POST", "/", headers, bomb)
    with pytest.raises(AwsError, match="RequestEntityTooLarge"):
        REGISTRY.resolve(request, "dynamodb", None).decode(request, bomb)
