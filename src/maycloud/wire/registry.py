"""Finds the operation that a request names: by target header, form field or path."""

import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from maycloud.edge.messages import Request, Response
from maycloud.edge.router import parse_host
from maycloud.errors import AwsError
from maycloud.wire import queryrpc, s3
from maycloud.wire.bound import Bound, WireError
from maycloud.wire.cborrpc import PROTOCOL, CborBound
from maycloud.wire.constraints import Constraints
from maycloud.wire.jsonrpc import JsonBound, JsonProtocol
from maycloud.wire.models import Model
from maycloud.wire.queryrpc import QueryBound, QueryProtocol
from maycloud.wire.rest import Routes
from maycloud.wire.restful import RestBound, RestProtocol, query_of, s3_error

_RPC_PATH = re.compile(r"/service/(?P<service>[^/]+)/operation/(?P<operation>[^/]+)/?")
_DATED = re.compile(r"/20\d\d-\d\d-\d\d/")
_NO_ID = "00000000-0000-4000-a000-000000000000"

# X-Amz-Target prefix, rpc-v2 service name and query version, by service: known without loading a model.
_TARGETS = {
    "AmazonDAXV3": "dax",
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "Logs_20140328": "logs",
    "AmazonSSM": "ssm",
    "AWSCognitoIdentityService": "cognito-identity",
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "GraniteServiceVersion20100801": "cloudwatch",
}
_RPC_SERVICES = {"GraniteServiceVersion20100801": "cloudwatch"}
_SIGNING_NAMES = {"monitoring": "cloudwatch"}
_VERSIONS = {
    "2010-05-08": "iam",
    "2010-05-15": "cloudformation",
    "2010-08-01": "cloudwatch",
    "2011-06-15": "sts",
}
_ENDPOINTS = {"monitoring": "cloudwatch"}
_REST = frozenset({"apigateway", "cloudfront", "lambda", "s3"})


class Registry:
    """Binds requests to operations; models and codecs are made when a service is first called."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(services)
        self._targets: dict[bytes, Bound] = {}
        self._queries: dict[tuple[str, str], Bound] = {}
        self._models: dict[str, Model] = {}
        self._constraints: dict[str, Constraints] = {}
        self._json: dict[str, JsonProtocol] = {}
        self._query: dict[str, QueryProtocol] = {}
        self._rest: dict[str, tuple[Routes, RestProtocol]] = {}
        self._cbor: dict[tuple[str, str], Bound] = {}
        self._checks: dict[tuple[str, str], Callable[[dict[str, Any]], None] | None] = {}

    def check(self, service: str, operation: str, params: dict[str, Any]) -> None:
        """Raise for params from inside that break the operation's model, as requests are refused."""
        key = service, operation
        try:
            check = self._checks[key]
        except KeyError:
            self.model(service)
            check = self._checks[key] = self._constraints[service].of(operation)
        if check is not None:
            check(params)

    def model(self, service: str) -> Model:
        if service not in self._models:
            self._models[service] = Model(service)
            self._constraints[service] = Constraints(self._models[service])
        return self._models[service]

    def resolve(self, request: Request, signing_name: str | None, bucket: str | None) -> Bound:
        """The request's operation. `signing_name` is its credential scope's; raises WireError."""
        target = request.fields.get(b"x-amz-target")
        if target is not None:
            bound = self._targets.get(target)
            return bound if bound is not None else self._resolve_target(target)
        if bucket is None:
            if request.fields.get(b"smithy-protocol") == PROTOCOL[1] or request.target.startswith(
                "/service/"
            ):
                return self._resolve_rpc(request)
            service = _SIGNING_NAMES.get(signing_name or "", signing_name)
            if service not in _REST:
                found = self._resolve_query(request, service)
                if found is not None:
                    return found
                if service in _TARGETS.values():
                    raise WireError(
                        _json_refusal(service)
                    )  # its operations are named by a header, or not at all
        return self._resolve_rest(request, signing_name, bucket)

    # JSON

    def _resolve_target(self, target: bytes) -> Bound:
        prefix, dot, operation = target.decode("latin-1").rpartition(".")
        service = _TARGETS.get(prefix)
        if not dot or service is None or service not in self._services:
            raise WireError(_json_refusal(service))
        model = self.model(service)
        if operation not in model.operations:
            raise WireError(_json_refusal(service))
        if service not in self._json:
            self._json[service] = JsonProtocol(model, self._constraints[service])
        bound = self._targets[target] = JsonBound(self._json[service], operation)
        return bound

    # CBOR

    def _resolve_rpc(self, request: Request) -> Bound:
        match = _RPC_PATH.fullmatch(request.path)
        service = _RPC_SERVICES.get(match["service"].rpartition(".")[2]) if match else None
        if match is None or service is None or request.method != "POST":
            raise WireError(_json_refusal(None))
        key = (service, match["operation"])
        if key not in self._cbor:
            model = self.model(service)
            if key[1] not in model.operations:
                raise WireError(_json_refusal(service))
            self._cbor[key] = CborBound(model, self._constraints[service], key[1])
        return self._cbor[key]

    # Query

    def _resolve_query(self, request: Request, service: str | None) -> Bound | None:
        """The operation of a form; None if the request is no form at all."""
        is_form = request.method == "POST" and b"x-www-form-urlencoded" in request.fields.get(
            b"content-type", b""
        )
        if not is_form and "Action=" not in request.query:
            return None
        if not isinstance(request.body, bytes):
            error = AwsError("RequestEntityTooLarge", "The request is too large", 413)
            raise WireError(queryrpc.failure("", error.code, error, _NO_ID))
        try:
            body = request.body if request.fields.get(b"content-encoding") != b"gzip" else b""
            fields = queryrpc.form(request, body or b"")
            if not fields and request.body:
                fields = queryrpc.form(request, queryrpc.unpack(request, request.body))
        except AwsError as error:
            raise WireError(queryrpc.failure("", error.code, error, _NO_ID)) from error
        action, version = fields.get("Action", ""), fields.get("Version", "")
        wanted = service or self._endpoint(request) or _VERSIONS.get(version, "")
        found = self._queries.get((wanted, action))
        if found is not None:
            return found
        if not action:
            raise WireError(_query_refusal("MissingAction", "The request is missing an action"))
        if wanted not in self._services or "query" not in self.model(wanted).protocols:
            raise WireError(_unknown_action(action, version))
        model = self.model(wanted)
        if action not in model.operations:
            raise WireError(_unknown_action(action, version, model.xml_namespace))
        if wanted not in self._query:
            self._query[wanted] = QueryProtocol(model, self._constraints[wanted])
        bound = self._queries[wanted, action] = QueryBound(self._query[wanted], action)
        return bound

    # REST

    def _resolve_rest(self, request: Request, signing_name: str | None, bucket: str | None) -> Bound:
        service = self._rest_service(request, signing_name, bucket)
        if service not in self._services:
            raise WireError(_rest_refusal(404))
        if service not in self._rest:
            model = self.model(service)
            self._rest[service] = Routes(model), RestProtocol(model, self._constraints[service])
        routes, protocol = self._rest[service]
        path = request.path
        if bucket is not None:
            path = f"/{bucket}{path}"
        try:
            query = query_of(request)
            if query and service == "s3":
                path, refusal = s3.addressed(request.method, path, query)
                if refusal is not None:
                    return RestBound(protocol.operation("HeadBucket"), {}, query, refusal)
            found = routes.find(request.method, path, query, request.fields)
        except AwsError as error:
            raise WireError(s3_error(error, str(uuid.uuid4()))) from error
        if found is None:
            raise WireError(_no_route(service, request.method, path))
        return RestBound(protocol.operation(found[0]), found[1], query)

    def _rest_service(self, request: Request, signing_name: str | None, bucket: str | None) -> str:
        if bucket is not None:
            return "s3"
        if signing_name is not None:
            return signing_name
        endpoint = self._endpoint(request)
        if endpoint is not None:
            return endpoint
        # Unsigned and without a telling host: by the look of the path; what is left is S3's.
        if request.path.startswith("/2020-05-31/"):
            return "cloudfront"
        if _DATED.match(request.path):
            return "lambda"
        if request.path in ("/account", "/restapis") or request.path.startswith("/restapis/"):
            return "apigateway"
        return "s3"

    def _endpoint(self, request: Request) -> str | None:
        """The service that a host such as ``sts.us-east-1.amazonaws.com`` names."""
        label = parse_host(request.fields.get(b"host", b"")).service
        label = _ENDPOINTS.get(label, label)
        return label if label in self._services else None


def _json_refusal(service: str | None) -> Response:
    """DynamoDB has its own words and namespace; younger services share theirs."""
    if service in ("dynamodb", "dynamodbstreams") or service is None:
        body = {"__type": "com.amazon.coral.service#UnknownOperationException"}
    else:
        body = {"__type": "UnknownOperationException"}
    headers = [(b"x-amzn-requestid", _NO_ID.encode()), (b"content-type", b"application/x-amz-json-1.0")]
    return Response(400, headers, orjson.dumps(body))


def _query_refusal(code: str, message: str, namespace: str = "") -> Response:
    return queryrpc.failure(namespace, code, AwsError(code, message), _NO_ID)


def _unknown_action(action: str, version: str, namespace: str = "") -> Response:
    return _query_refusal(
        "InvalidAction",
        f"Could not find operation {action[:128]} for version {version[:32] or 'NO_VERSION_SPECIFIED'}",
        namespace,
    )


def _rest_refusal(status: int) -> Response:
    headers = [(b"x-amzn-errortype", b"UnknownOperationException"), (b"content-type", b"application/json")]
    return Response(status, headers, orjson.dumps({"message": None}))


def _no_route(service: str, method: str, path: str) -> Response:
    if service == "s3":
        error = AwsError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            405,
            Method=method,
            ResourceType=("SERVICE", "BUCKET", "OBJECT")[sum(map(bool, path.split("/", 2)))],
        )
        return s3_error(error, str(uuid.uuid4()))
    return _rest_refusal(404)
