"""REST protocols: members in path, query, headers and a JSON or XML body."""

from typing import Any
from xml.sax.saxutils import escape

import orjson

from maycloud.edge.messages import RawHeaders, Request, Response
from maycloud.errors import AwsError
from maycloud.wire import eventstream, json, queryrpc, s3, xml
from maycloud.wire.bound import Body, Bound, as_bytes, message_member, unpack
from maycloud.wire.constraints import Constraints
from maycloud.wire.models import Model, Shape
from maycloud.wire.rest import InputBinding, OutputBinding, Query, parse_query, payload_bytes

_JSON = (b"content-type", b"application/json")
_XML = (b"content-type", b"application/xml")
_SERVER = (b"server", b"AmazonS3")
_STREAM = (b"content-type", b"application/vnd.amazon.eventstream")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


class RestProtocol:
    """One service's REST protocol: what its operations share."""

    def __init__(self, model: Model, constraints: Constraints) -> None:
        self.model = model
        self.constraints = constraints
        self.is_xml = model.metadata["protocol"] == "rest-xml"
        self.json_decoders = json.Decoders(model)
        self.json_encoders = json.Encoders(model)
        self.xml_decoders = xml.Decoders(model)
        self.xml_encoder = xml.Encoder(model)
        # XML services other than S3 word refusals as the query services do.
        self.family = "s3" if model.name == "s3" else "query" if self.is_xml else "rest-json"
        self.namespace = _namespace(model)
        self.signing_name = model.signing_name
        self._operations: dict[str, RestOperation] = {}

    def operation(self, name: str) -> "RestOperation":
        made = self._operations.get(name)
        if made is None:
            made = self._operations[name] = RestOperation(self, name)
        return made


class RestOperation:
    """One operation, compiled."""

    def __init__(self, protocol: RestProtocol, name: str) -> None:
        model = protocol.model
        self.protocol = protocol
        self.name = name
        shape = model.input(name)
        self.input = InputBinding(model, name, protocol.json_decoders.of)
        self.output_shape = model.output(name)
        self.output = OutputBinding(model, self.output_shape)
        self.check = protocol.constraints.of(name)
        self.status = model.operations[name]["http"].get("responseCode", 200)
        self.streaming = self._is_blob(self.input.payload_shape) and (
            self.input.payload_shape is not None and bool(self.input.payload_shape.get("streaming"))
        )
        self.decode_body = self._body_decoder(shape)
        self.encode_body = protocol.json_encoders.structure(
            _only(self.output_shape, self.output.body_members)
        )
        self.has_output = "output" in model.operations[name]

    @staticmethod
    def _is_blob(shape: Shape | None) -> bool:
        return shape is not None and shape["type"] in ("blob", "string")

    def _body_decoder(self, shape: Shape) -> Any:
        """From bytes to the members that the body carries."""
        protocol, payload = self.protocol, self.input.payload
        if payload is not None:
            inner = self.input.payload_shape
            assert inner is not None
            if inner["type"] == "blob":
                return lambda data: {payload: data}
            if inner["type"] == "string":
                return lambda data: {payload: _utf8(data)}
            if protocol.is_xml:
                decode = protocol.xml_decoders.of(shape["members"][payload])
                root = shape["members"][payload].get("locationName", payload)
                return lambda data: {payload: decode(xml.parse_as(data, root))} if data else {}
            decode_json = protocol.json_decoders.of(shape["members"][payload])
            return lambda data: {payload: decode_json(json.parse(data))} if data else {}
        if not self.input.has_body:
            return None
        bodied = {
            member: reference
            for member, reference in shape.get("members", {}).items()
            if not reference.get("location")
        }
        only = shape | {"members": bodied}
        if protocol.is_xml:
            structure = protocol.xml_decoders.structure(only)
            return lambda data: structure(xml.parse(data)) if data else {}
        structure = protocol.json_decoders.structure(only)
        return lambda data: structure(json.parse(data)) if data else {}


def _only(shape: Shape, members: list[str]) -> Shape:
    return shape | {"members": {name: shape["members"][name] for name in members}}


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise AwsError("SerializationException", "The body is not UTF-8") from error


class RestBound(Bound):
    """One request's operation with its path labels."""

    __slots__ = ("_labels", "_operation", "_query", "_refusal")

    def __init__(
        self,
        operation: RestOperation,
        labels: dict[str, str],
        query: Query,
        refusal: AwsError | None = None,
    ) -> None:
        """A `refusal` is the answer, once the signature is verified; the operation is anyone then."""
        protocol = operation.protocol
        super().__init__(
            protocol.model.name,
            protocol.signing_name,
            operation.name,
            protocol.family,
            streaming_input=operation.streaming,
        )
        self._operation = operation
        self._labels = labels
        self._query = query
        self._refusal = refusal

    def decode(self, request: Request, body: Body) -> dict[str, Any]:
        operation = self._operation
        if self._refusal is not None:
            raise self._refusal
        params = operation.input.bind(request, self._labels, self._query)
        if operation.decode_body is not None:
            if not self.streaming_input:
                body = as_bytes(body)
                if self.family != "s3":
                    body = unpack(request, body)
            params |= operation.decode_body(body)
        if operation.check is not None:
            operation.check(params)
        return params

    def encode(self, result: Any, identifier: str) -> Response:
        operation = self._operation
        output = operation.output
        result = result or {}
        status = result.get(output.status, operation.status) if output.status else operation.status
        headers: RawHeaders = [*output.headers(result), *_identifiers(self.family, identifier)]
        if "ContentRange" in result and self.family == "s3":
            status = 206
        if output.payload is not None:
            return self._encode_payload(result, int(status), headers)
        if not output.body_members:
            if operation.has_output and not operation.protocol.is_xml:
                headers.append(_JSON)
                return Response(int(status), headers, b"" if status == 204 else b"{}")
            return Response(int(status), headers, b"")
        if operation.protocol.is_xml:
            return Response(int(status), [*headers, _XML], self._xml(result).encode())
        body = {name: result[name] for name in output.body_members if result.get(name) is not None}
        if operation.encode_body is not None:
            body = operation.encode_body(body)
        return Response(int(status), [*headers, _JSON], json.dumps(body))

    def _encode_payload(self, result: dict[str, Any], status: int, headers: RawHeaders) -> Response:
        output, protocol = self._operation.output, self._operation.protocol
        assert output.payload is not None and output.payload_shape is not None
        value = result.get(output.payload)
        if output.payload_shape.get("eventstream") and value is not None:
            return Response(
                status,
                [*headers, _STREAM],
                eventstream.encode_events(protocol.model, output.payload_shape, value),
            )
        if output.streams:
            if not any(name == b"content-type" for name, _ in headers):
                # A text is a bucket's policy; what functions answer is JSON.
                plain = output.payload_shape["type"] == "string" or protocol.model.name == "lambda"
                headers.append(_JSON if plain else (b"content-type", b"application/octet-stream"))
            return Response(status, headers, payload_bytes(value) if value is not None else b"")
        if value is None:
            return Response(status, headers, b"")
        reference = self._operation.output_shape["members"][output.payload]
        if protocol.is_xml:
            out = [_DECLARATION]
            name = reference.get("locationName") or output.payload
            if protocol.namespace and "xmlNamespace" not in reference:
                reference = reference | {"xmlNamespace": protocol.namespace}
            protocol.xml_encoder.element(name, value, reference, out)
            return Response(status, [*headers, _XML], "".join(out).encode())
        encode = protocol.json_encoders.of(reference)
        return Response(status, [*headers, _JSON], json.dumps(encode(value) if encode else value))

    def _xml(self, result: dict[str, Any]) -> str:
        operation = self._operation
        shape = operation.output_shape
        root = shape.get("locationName") or s3.ROOTS.get(operation.name, f"{operation.name}Result")
        namespace = operation.protocol.namespace
        if operation.name == "GetBucketLocation":
            # The one answer of S3 whose root is the value itself.
            inner = xml.text(result.get("LocationConstraint") or "")
            return f'{_DECLARATION}<LocationConstraint xmlns="{namespace}">{inner}</LocationConstraint>'
        out = [f'{_DECLARATION}<{root} xmlns="{namespace}">']
        operation.protocol.xml_encoder.members(result, shape, out)
        out.append(f"</{root}>")
        return "".join(out)

    def error(self, error: AwsError, identifier: str) -> Response:
        if self.family == "s3":
            return s3_error(error, identifier)
        if self._operation.protocol.is_xml:
            return xml_error(self._operation.protocol, error, identifier)
        return json_error(self._operation.protocol.model, error, identifier)


def _identifiers(family: str, identifier: str) -> RawHeaders:
    if family == "s3":
        return [
            (b"x-amz-request-id", identifier.replace("-", "")[-16:].upper().encode()),
            (b"x-amz-id-2", identifier.encode()),
            _SERVER,
        ]
    return [(b"x-amzn-requestid", identifier.encode())]


def json_error(model: Model, error: AwsError, identifier: str) -> Response:
    """An error in rest-json: its code in a header, its members in the body."""
    found = model.error_shape(error.code)
    code = found[0] if found else error.code
    shape = found[1] if found else None
    body: dict[str, Any] = {}
    if shape is not None and "Type" in shape.get("members", {}):
        body["Type"] = "User" if error.status < 500 else "Service"
    body[message_member(shape)] = error.message
    status = error.status
    if status == 400 and shape is not None:
        status = shape.get("error", {}).get("httpStatusCode", status)
    headers = [(b"x-amzn-requestid", identifier.encode()), _JSON, (b"x-amzn-errortype", code.encode())]
    for member, value in error.members.items():
        reference = (shape or {}).get("members", {}).get(member, {})
        if reference.get("location") == "header":
            headers.append((reference["locationName"].lower().encode(), str(value).encode()))
        else:
            body[member] = value
    return Response(status, headers, orjson.dumps(body))


def _namespace(model: Model) -> str:
    """The namespace of a service's documents: the model's own, or that of its inputs."""
    if model.name == "s3":
        return s3.NAMESPACE
    if model.xml_namespace:
        return model.xml_namespace
    for operation in model.operations.values():
        found = operation.get("input", {}).get("xmlNamespace")
        if found:
            return str(found["uri"])
    return ""


def xml_error(protocol: RestProtocol, error: AwsError, identifier: str) -> Response:
    """An error in rest-xml, whose document is the query protocol's."""
    found = protocol.model.error_shape(error.code)
    code, status = error.code, error.status
    if found is not None:
        code = found[1].get("error", {}).get("code", found[0])
        if status == 400:
            status = found[1].get("error", {}).get("httpStatusCode", status)
    worded = AwsError(error.code, error.message, status, **error.members)
    return queryrpc.failure(protocol.namespace, code, worded, identifier)


def s3_error(error: AwsError, identifier: str) -> Response:
    """An error in S3's XML. 304 has no body; HEAD's is dropped by the edge.

    Members in lower case are headers: S3's elements all begin with a capital.
    """
    headers = _identifiers("s3", identifier)
    members = {name: value for name, value in error.members.items() if not name.islower()}
    headers += [
        (name.encode(), str(value).encode()) for name, value in error.members.items() if name.islower()
    ]
    if error.status == 304:
        return Response(304, headers)
    request_id = headers[0][1].decode()
    parts = [
        f"{_DECLARATION}<Error><Code>{escape(error.code)}</Code><Message>{xml.text(error.message)}</Message>"
    ]
    for name, value in members.items():
        parts.append(f"<{name}>{xml.text(str(value))}</{name}>")
    parts.append(f"<RequestId>{request_id}</RequestId><HostId>{identifier}</HostId></Error>")
    return Response(error.status, [*headers, _XML], "".join(parts).encode())


def query_of(request: Request) -> Query:
    return parse_query(request.query) if "?" in request.target else {}
