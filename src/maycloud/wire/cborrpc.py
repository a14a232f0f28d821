"""smithy-rpc-v2-cbor: ``POST /service/S/operation/O`` with CBOR both ways."""

from typing import Any

from maycloud.edge.messages import Request, Response
from maycloud.errors import AwsError
from maycloud.wire import cbor
from maycloud.wire.bound import Body, Bound, as_bytes, message_member, unpack
from maycloud.wire.constraints import Constraints
from maycloud.wire.jsonrpc import query_code
from maycloud.wire.models import Model

PROTOCOL = (b"smithy-protocol", b"rpc-v2-cbor")


class CborBound(Bound):
    """One operation in CBOR."""

    def __init__(self, model: Model, constraints: Constraints, operation: str) -> None:
        super().__init__(model.name, model.signing_name, operation, "cbor")
        self._model = model
        self._decoders = cbor.Decoders(model)
        self._input = model.input(operation)
        self._check = constraints.of(operation)

    def decode(self, request: Request, body: Body) -> dict[str, Any]:
        if request.header("smithy-protocol") != "rpc-v2-cbor":
            raise AwsError("UnknownOperationException", "The header smithy-protocol is missing")
        data = unpack(request, as_bytes(body))
        params = self._decoders.structure(self._input, cbor.parse(data))
        if self._check is not None:
            self._check(params)
        return params

    def encode(self, result: Any, identifier: str) -> Response:
        return _respond(200, cbor.dumps(result or {}), identifier)

    def error(self, error: AwsError, identifier: str) -> Response:
        found = self._model.error_shape(error.code)
        body: dict[str, Any] = {"__type": found[0] if found else error.code}
        if error.message:
            body[message_member(found[1] if found else None)] = error.message
        response = _respond(error.status, cbor.dumps(body | error.members), identifier)
        if "awsQueryCompatible" in self._model.metadata:
            fault = "Sender" if error.status < 500 else "Receiver"
            response.headers.append((b"x-amzn-query-error", f"{query_code(found, error)};{fault}".encode()))
        return response


def _respond(status: int, body: bytes, identifier: str) -> Response:
    headers = [
        (b"x-amzn-requestid", identifier.encode()),
        PROTOCOL,
        (b"content-type", b"application/cbor"),
    ]
    return Response(status, headers, body)
