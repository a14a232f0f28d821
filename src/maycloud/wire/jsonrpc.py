"""JSON 1.0 and 1.1: the operation is in X-Amz-Target, everything else in the body."""

import zlib
from typing import Any

from maycloud.edge.messages import Request, Response
from maycloud.errors import AwsError
from maycloud.wire import json
from maycloud.wire.bound import Body, Bound, as_bytes, message_member, unpack
from maycloud.wire.constraints import Constraints
from maycloud.wire.models import Model

# Errors of the framework that AWS's servers share; the rest belongs to the service itself.
# As DynamoDB answers them, see architect/dynalite's tests.
_CORAL_SERVICE = frozenset(
    {
        "AccessDeniedException",
        "IncompleteSignatureException",
        "InternalFailure",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SerializationException",
        "UnknownOperationException",
        "UnrecognizedClientException",
    }
)
_NAMESPACES = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810#",
}
_RAW = {
    "dynamodb": frozenset({"AttributeValue"}),
    "dynamodbstreams": frozenset({"AttributeValue"}),
}


class JsonProtocol:
    """One service's JSON; makes bounds, which hold no state of a request and are kept."""

    def __init__(self, model: Model, constraints: Constraints) -> None:
        self.model = model
        self.constraints = constraints
        self.decoders = json.Decoders(model, _RAW.get(model.name, frozenset()))
        self.encoders = json.Encoders(model)
        kind = f"application/x-amz-json-{model.json_version}".encode()
        self.lines = b"x-amzn-requestid: %b\r\ncontent-type: " + kind + b"\r\n"
        self.checksum = model.name in _NAMESPACES
        if self.checksum:
            self.lines += b"x-amz-crc32: %d\r\n"
        self.query_compatible = "awsQueryCompatible" in model.metadata

    def type_of(self, code: str) -> str:
        """An error's ``__type``: DynamoDB qualifies it, younger services do not."""
        namespace = _NAMESPACES.get(self.model.name)
        if namespace is None:
            return code
        if code in _CORAL_SERVICE:
            return f"com.amazon.coral.service#{code}"
        if code == "ValidationException":
            return f"com.amazon.coral.validate#{code}"
        return namespace + code


class JsonBound(Bound):
    """One operation in JSON."""

    def __init__(self, protocol: JsonProtocol, operation: str) -> None:
        super().__init__(protocol.model.name, protocol.model.signing_name, operation, "json")
        self._protocol = protocol
        known = operation in protocol.model.operations
        self._decode = (
            protocol.decoders.structure(
                protocol.model.input(operation),
                protocol.model.operations[operation].get("input", {}).get("shape", ""),
            )
            if known
            else None
        )
        self._check = protocol.constraints.of(operation) if known else None
        output = protocol.model.output(operation) if known else {}
        self._encode = protocol.encoders.structure(output) if known else None
        self._empty = b"" if known and "output" not in protocol.model.operations[operation] else b"{}"

    def decode(self, request: Request, body: Body) -> dict[str, Any]:
        data = as_bytes(body)
        if b"content-encoding" in request.fields:
            data = unpack(request, data)
        assert self._decode is not None
        params = self._decode(json.parse(data))
        if self._check is not None:
            self._check(params)
        return params

    def encode(self, result: Any, identifier: str) -> Response:
        if not result:
            return self._respond(200, self._empty, identifier)
        if self._encode is not None:
            result = self._encode(result)
        return self._respond(200, json.dumps(result), identifier)

    def error(self, error: AwsError, identifier: str) -> Response:
        protocol = self._protocol
        found = protocol.model.error_shape(error.code)
        code = found[0] if found else error.code
        body: dict[str, Any] = {"__type": protocol.type_of(code)}
        if error.message:
            body[message_member(found[1] if found else None)] = error.message
        # Refusals are 403 in other protocols; here everything that is the caller's doing is 400.
        status = 400 if error.status == 403 else error.status
        response = self._respond(status, json.dumps(body | error.members), identifier)
        if protocol.query_compatible:
            fault = "Sender" if error.status < 500 else "Receiver"
            response.headers.append((b"x-amzn-query-error", f"{query_code(found, error)};{fault}".encode()))
        return response

    def _respond(self, status: int, body: bytes, identifier: str) -> Response:
        protocol = self._protocol
        name = identifier.encode()
        lines = protocol.lines % ((name, zlib.crc32(body)) if protocol.checksum else name)
        return Response(status, [], body, lines)


def query_code(found: tuple[str, dict[str, Any]] | None, error: AwsError) -> str:
    """The code that the query protocol has for an error."""
    return (found[1].get("error", {}).get("code") if found else None) or error.code
