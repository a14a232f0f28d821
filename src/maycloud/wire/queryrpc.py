"""The query protocol: forms in, XML out."""

from typing import Any
from xml.sax.saxutils import escape

from maycloud.edge.messages import Request, Response
from maycloud.errors import AwsError
from maycloud.wire import query, xml
from maycloud.wire.bound import Body, Bound, as_bytes, unpack
from maycloud.wire.constraints import Constraints
from maycloud.wire.jsonrpc import query_code
from maycloud.wire.models import Model

_HEADERS = (b"content-type", b"text/xml")


class QueryProtocol:
    """One service's query protocol."""

    def __init__(self, model: Model, constraints: Constraints) -> None:
        self.model = model
        self.constraints = constraints
        self.decoders = query.Decoders(model)
        self.encoder = xml.Encoder(model)
        self.namespace = model.xml_namespace


class QueryBound(Bound):
    """One operation in the query protocol."""

    def __init__(self, protocol: QueryProtocol, operation: str) -> None:
        model = protocol.model
        super().__init__(model.name, model.signing_name, operation, "query")
        self._protocol = protocol
        self._decode = protocol.decoders.structure(model.input(operation))
        self._check = protocol.constraints.of(operation)
        self._output = model.output(operation)
        self._wrapper = model.operations[operation].get("output", {}).get("resultWrapper")

    def decode(self, request: Request, body: Body) -> dict[str, Any]:
        data = unpack(request, as_bytes(body))
        found = form(request, data)
        params = self._decode(query.tree(found))
        if self._check is not None:
            self._check(params)
        return params

    def encode(self, result: Any, identifier: str) -> Response:
        out = [f'<{self.operation}Response xmlns="{self._protocol.namespace}">']
        if self._wrapper:
            out.append(f"<{self._wrapper}>")
            self._protocol.encoder.members(result or {}, self._output, out)
            out.append(f"</{self._wrapper}>")
        out.append(
            f"<ResponseMetadata><RequestId>{identifier}</RequestId></ResponseMetadata>"
            f"</{self.operation}Response>"
        )
        return _respond(200, "".join(out), identifier)

    def error(self, error: AwsError, identifier: str) -> Response:
        code = query_code(self._protocol.model.error_shape(error.code), error)
        return failure(self._protocol.namespace, code, error, identifier)


def form(request: Request, data: bytes) -> dict[str, str]:
    """The fields of a request: of its body, or of its query string when that is a GET."""
    if request.method == "GET":
        return query.fields(request.query)
    try:
        return query.fields(data.decode())
    except UnicodeDecodeError as error:
        raise AwsError("MalformedInput", "The request is not UTF-8") from error


def failure(namespace: str, code: str, error: AwsError, identifier: str) -> Response:
    fault = "Sender" if error.status < 500 else "Receiver"
    text = (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{fault}</Type><Code>{escape(code)}</Code>'
        f"<Message>{xml.text(error.message)}</Message></Error>"
        f"<RequestId>{identifier}</RequestId></ErrorResponse>"
    )
    return _respond(error.status, text, identifier)


def _respond(status: int, text: str, identifier: str) -> Response:
    return Response(status, [(b"x-amzn-requestid", identifier.encode()), _HEADERS], text.encode())
