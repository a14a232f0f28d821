"""Methods called by TestInvokeMethod, and what API Gateway adds to requests and answers on their way.

Facts: LocalStack's tests/aws/services/apigateway/test_apigateway_http.snapshot.json and
test_apigateway_lambda.snapshot.json, recorded of AWS; the shape of the log as AWS's guide shows it,
https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-test-method.html
"""

import http.client
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gateways import Api, function_uri, mock, operation, permit
from packages import LOGGING, make_function, make_role
from running import RunningCloud

SOURCE = """
import json

def handler(event, context):
    kind = (event.get("queryStringParameters") or {}).get("kind")
    if kind == "extra":
        return {"statusCode": 200, "body": "x", "cookies": ["a=b"]}
    if kind == "many":
        return {"statusCode": 200, "multiValueHeaders": {"x-a": "one"}}
    if kind == "headers":
        return {"statusCode": 201, "headers": {
            "Date": "then", "Connection": "close", "Content-Length": "99", "X-Amzn-RequestId": "mine",
            "TE": "x", "X-Own": True}}
    return {"statusCode": 200, "body": json.dumps(event)}
"""


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            told = {"headers": {k.lower(): v for k, v in self.headers.items()}, "body": sent}
            raw = json.dumps(told | {"path": self.path}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Amzn-RequestId", "theirs")
            self.send_header("Connection", "keep-alive")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def api(cloud: RunningCloud, backend: str) -> Api:
    role = make_role(cloud.client("iam"), "trials", LOGGING)
    make_function(cloud.client("lambda"), role, "trials", SOURCE)
    permit(cloud, "trials")
    proxy = {"type": "aws_proxy", "httpMethod": "POST", "uri": function_uri("trials")}
    forbidden = proxy | {"uri": function_uri("nothing-there")}
    http = {
        "type": "http", "httpMethod": "POST", "uri": f"{backend}/fixed",
        "requestTemplates": {"application/json": '{"sent": $input.json("$")}'},
        "responses": {"2\\d{2}": {"statusCode": "200"}},
    }  # fmt: skip
    http_proxy = {"type": "http_proxy", "httpMethod": "POST", "uri": f"{backend}/proxied"}
    unmatched = http | {"responses": {"4\\d{2}": {"statusCode": "200"}}}
    return Api(
        cloud,
        "trials",
        {
            "/mock": {"get": mock()},
            "/proxy/{id}": {"get": operation(proxy)},
            "/forbidden": {"get": operation(forbidden)},
            "/http": {"post": operation(http)},
            "/http-proxy": {"post": operation(http_proxy)},
            "/unmatched": {"post": operation(unmatched)},
        },
    )


def tried(api: Api, path: str, verb: str = "GET", **params: Any) -> tuple[dict[str, Any], list[str]]:
    """The answer, and the lines of its log without their times."""
    resources = api.client.get_resources(restApiId=api.id, limit=500)["items"]
    found = next(each["id"] for each in resources if each["path"] == path)
    answer = api.client.test_invoke_method(restApiId=api.id, resourceId=found, httpMethod=verb, **params)
    first, *rest = answer["log"].splitlines()
    assert first.startswith("Execution log for request ")
    return answer, [line.partition(" : ")[2] for line in rest]


def test_a_mock_is_tried(api: Api) -> None:
    answer, log = tried(api, "/mock", pathWithQueryString="/mock?a=1", headers={"X-Own": "yes"})
    assert (answer["status"], answer["body"]) == (200, "")
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]
    assert log[1:] == [
        "HTTP Method: GET, Resource Path: /mock",
        "Method request path: {}",
        "Method request query string: {a=1}",
        "Method request headers: {X-Own=yes}",
        "Method request body before transformations: ",
        "Method response body after transformations: ",
        "Method response headers: {content-type=application/json}",
        "Successfully completed execution",
        "Method completed with status: 200",
    ]


def test_a_function_is_tried(api: Api) -> None:
    answer, log = tried(
        api, "/proxy/{id}", pathWithQueryString="/proxy/a%20b", stageVariables={"color": "green"}
    )
    event = json.loads(answer["body"])
    assert event["pathParameters"] == {"id": "a%20b"}
    assert event["stageVariables"] == {"color": "green"}
    assert event["requestContext"]["stage"] == "test-invoke-stage"
    assert "Method request path: {id=a%20b}" in log
    assert any(line.startswith("Sending request to https://lambda.us-east-1.amazonaws.com/") for line in log)
    assert any(line.startswith("Received response. Status: 200, Integration latency: ") for line in log)
    answer, log = tried(api, "/proxy/{id}", pathWithQueryString="/proxy/1?kind=extra")
    assert (answer["status"], json.loads(answer["body"])) == (502, {"message": "Internal server error"})
    assert log[-2:] == [
        "Execution failed due to configuration error: Malformed Lambda proxy response",
        "Method completed with status: 502",
    ]
    answer, log = tried(api, "/forbidden")
    assert answer["status"] == 500
    assert log[-2] == "Execution failed due to configuration error: Invalid permissions on Lambda function"


def test_addresses_are_tried(api: Api) -> None:
    answer, log = tried(api, "/http", "POST", body='{"a":1}')
    heard = json.loads(answer["body"])
    assert (heard["path"], heard["body"]) == ("/fixed", '{"sent": {"a":1}}')
    assert 'Method request body before transformations: {"a":1}' in log
    assert 'Endpoint request body after transformations: {"sent": {"a":1}}' in log
    answer, log = tried(api, "/unmatched", "POST", body="{}")
    assert answer["status"] == 500
    assert log[-2] == (
        "Execution failed due to configuration error: No match for output mapping and no default output"
        " mapping configured. Endpoint Response Status Code: 200"
    )


def test_what_cannot_be_tried(api: Api) -> None:
    client = api.client
    root = client.get_resources(restApiId=api.id)["items"][0]["id"]
    for where in (
        {"restApiId": "nothing", "resourceId": root},
        {"restApiId": api.id, "resourceId": "nothing"},
        {"restApiId": api.id, "resourceId": root},
    ):
        with pytest.raises(client.exceptions.NotFoundException):
            client.test_invoke_method(httpMethod="PATCH", **where)


def test_headers_of_http_integrations(api: Api) -> None:
    status, headers, raw = api.ask("POST", "/http", b"{}", Content_Type="application/json")
    heard = json.loads(raw)["headers"]
    assert status == 200
    assert heard["user-agent"] == f"AmazonAPIGateway_{api.id}"
    assert (heard["accept"], heard["x-amzn-apigateway-api-id"]) == ("application/json", api.id)
    assert heard["x-amzn-trace-id"] == headers["x-amzn-trace-id"]
    status, headers, raw = api.ask("POST", "/http-proxy", b"{}", User_Agent="mine", TE="trailers")
    heard = json.loads(raw)["headers"]
    assert (heard["user-agent"], heard["x-amzn-apigateway-api-id"]) == ("mine", api.id)
    assert (heard["x-forwarded-for"], heard["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert "te" not in heard
    assert headers["x-amzn-remapped-x-amzn-requestid"] == "theirs"
    assert headers["x-amzn-remapped-connection"] == "keep-alive"
    assert headers["x-amzn-remapped-content-length"] == headers["content-length"]
    assert "x-amzn-remapped-date" in headers


def test_answers_of_functions(api: Api) -> None:
    status, headers, _ = api.ask("GET", "/proxy/1?kind=headers")
    assert (status, headers["x-own"]) == (201, "true")
    assert headers["x-amzn-remapped-date"] == "then"
    assert headers["x-amzn-remapped-connection"] == "close"
    assert headers["x-amzn-remapped-content-length"] == "99"
    assert headers["x-amzn-remapped-x-amzn-requestid"] == "mine"
    assert "te" not in headers
    for kind in ("extra", "many"):
        assert api.ask("GET", f"/proxy/1?kind={kind}")[0] == 502, kind


def test_names_of_headers_are_as_sent(api: Api, cloud: RunningCloud) -> None:
    """test_lambda_aws_proxy_integration: ``tEsT-HEADeR`` arrives so."""
    tls = ssl.create_default_context(cafile=cloud.ca_file)
    connection = http.client.HTTPSConnection("localhost", cloud.port, context=tls, timeout=60)
    path = api.url.partition(str(cloud.port))[2]
    connection.putrequest("GET", f"{path}/proxy/1")
    for name, value in (("tEsT-HEADeR", "aValUE"), ("x-many", "1"), ("X-Many", "2")):
        connection.putheader(name, value)
    connection.putheader("X-Forwarded-For", "10.0.0.1")
    connection.endheaders()
    event = json.loads(connection.getresponse().read())
    connection.close()
    assert event["headers"]["tEsT-HEADeR"] == "aValUE"
    assert event["multiValueHeaders"]["x-many"] == ["1", "2"]
    assert event["headers"]["X-Forwarded-For"] == "10.0.0.1, 127.0.0.1"
