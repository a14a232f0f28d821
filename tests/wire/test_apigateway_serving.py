"""API Gateway's data plane over HTTPS: integrations, authorization, throttling, logs."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateways import Answer, Api, ask, function_uri, operation, permit
from packages import LOGGING, make_function, make_role
from running import RunningCloud
from waiting import until


@pytest.fixture(scope="module")
def echo(cloud: RunningCloud) -> str:
    role = make_role(cloud.client("iam"), "echo", LOGGING)
    source = (
        "import json\ndef handler(event, context):\n    if 'resource' not in event:\n        if"
        " event.get('fail'):\n            raise ValueError('[BadRequest] no')\n        return {'got':"
        " event}\n    if event['path'] == '/broken':\n        return 'nonsense'\n    if event['path'] =="
        " '/raise':\n        raise ValueError('secret words')\n    if event['path'] == '/binary':\n       "
        " return {'isBase64Encoded': True, 'body': event['body'], 'headers': {'content-type': 'image/png'}}\n"
        "    return {'statusCode': 200, 'body': json.dumps(event)}\n"
    )
    make_function(cloud.client("lambda"), role, "echo", source)
    permit(cloud, "echo")
    return "echo"


@pytest.fixture(scope="module")
def proxy(cloud: RunningCloud, echo: str) -> Api:
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": function_uri(echo)}
    paths = {
        "/": {"x-amazon-apigateway-any-method": operation(integration)},
        "/items/{id}": {"get": operation(integration)},
        "/{rest+}": {"x-amazon-apigateway-any-method": operation(integration)},
    }
    return Api(cloud, "proxy", paths, **{"x-amazon-apigateway-binary-media-types": ["image/png"]})


def test_the_proxy_event(proxy: Api) -> None:
    status, headers, raw = proxy.ask(
        "GET", "/items/a%20b?x=1&x=2&y=%C3%BC", X_Custom="one", User_Agent="tester"
    )
    event = json.loads(raw)
    assert status == 200
    assert headers["x-amzn-requestid"] == event["requestContext"]["requestId"]
    assert event["resource"] == "/items/{id}"
    assert event["path"] == "/items/a%20b"
    assert event["pathParameters"] == {
        "id": "a%20b"
    }  # as sent: LocalStack's test_lambda_aws_proxy_integration
    assert event["headers"]["X-Forwarded-Proto"] == "https"
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert event["headers"]["X-Amzn-Trace-Id"] == headers["x-amzn-trace-id"]
    assert event["queryStringParameters"] == {"x": "2", "y": "ü"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": ["ü"]}
    assert event["headers"]["User-Agent"] == "tester"
    assert event["body"] is None
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["stage"] == "s"
    assert context["apiId"] == proxy.id
    assert context["httpMethod"] == "GET"
    assert context["path"] == "/s/items/a%20b"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["accountId"] == "000000000000"


def test_greedy_paths_and_any_methods(proxy: Api) -> None:
    status, _, raw = proxy.ask("PATCH", "/deep/er/path", b'{"a": 1}')
    event = json.loads(raw)
    assert (status, event["pathParameters"], event["httpMethod"]) == (200, {"rest": "deep/er/path"}, "PATCH")
    assert event["body"] == '{"a": 1}'
    assert json.loads(proxy.ask("GET", "/")[2])["resource"] == "/"
    for verb in ("PROPFIND", "TRACE", "LINK"):
        assert proxy.ask(verb, "/deep")[0] == 403, verb  # ANY is seven verbs, on AWS too


def test_binary_bodies_go_both_ways(proxy: Api) -> None:
    sent = bytes(range(256))
    status, headers, raw = proxy.ask("POST", "/binary", sent, Content_Type="image/png", Accept="image/png")
    assert (status, headers["content-type"], raw) == (200, "image/png", sent)
    _, _, raw = proxy.ask("POST", "/binary", sent, Content_Type="image/png", Accept="text/plain")
    assert raw == base64.b64encode(sent)


@pytest.mark.parametrize("path", ["/broken", "/raise"])
def test_bad_answers_are_502_and_tell_nothing(proxy: Api, path: str) -> None:
    status, _, raw = proxy.ask("GET", path)
    assert (status, json.loads(raw)) == (502, {"message": "Internal server error"})


def test_without_permission_the_function_is_not_called(cloud: RunningCloud, echo: str) -> None:
    role = make_role(cloud.client("iam"), "closed", LOGGING)
    make_function(cloud.client("lambda"), role, "closed", "def handler(e, c):\n    return {}\n")
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": function_uri("closed")}
    api = Api(cloud, "closed", {"/": {"get": operation(integration)}})
    assert api.ask("GET", "/")[0] == 500
    denials = cloud.admin("GET", "/_may/status")["denials"]
    assert denials[-1]["action"] == "lambda:InvokeFunction"
    permit(cloud, "closed")
    assert api.ask("GET", "/")[0] == 200


def test_unknown_apis_and_stages_are_forbidden(cloud: RunningCloud, proxy: Api) -> None:
    for path in ("nosuchapi0/s/", f"{proxy.id}/nostage/", "", "../_may/status"):
        status, _, raw = ask(cloud, "GET", f"{cloud.https_url}/_aws/execute-api/{path}")
        assert (status, json.loads(raw)) == (403, {"message": "Forbidden"}), path


# Without proxy


def test_mock_with_templates_and_overrides(cloud: RunningCloud) -> None:
    integration = {
        "type": "mock",
        "requestTemplates": {
            "application/json": '{"statusCode": #if($input.params("id") == "0")404#{else}200#end}'
        },
        "responses": {
            "default": {
                "statusCode": "200",
                "responseTemplates": {
                    "application/json": '{"id": "$input.params(\'id\')", "v": "$stageVariables.v"}'
                },
                "responseParameters": {"method.response.header.x-fixed": "'yes'"},
            },
            "404": {"statusCode": "404", "responseTemplates": {"application/json": '{"none": true}'}},
        },
    }
    responses = {
        "200": {"description": "", "headers": {"x-fixed": {"type": "string"}}},
        "404": {"description": ""},
    }
    parameter = {"name": "id", "in": "path", "required": True, "type": "string"}
    get = operation(integration, parameters=[parameter]) | {"responses": responses}
    api = Api(cloud, "mock", {"/{id}": {"get": get}})
    api.deploy(v="one")
    status, headers, raw = api.ask("GET", "/7")
    assert (status, json.loads(raw), headers["x-fixed"]) == (200, {"id": "7", "v": "one"}, "yes")
    assert api.ask("GET", "/0")[0] == 404


def test_lambda_without_proxy(cloud: RunningCloud, echo: str) -> None:
    integration = {
        "type": "aws",
        "httpMethod": "POST",
        "uri": function_uri(echo),
        "requestTemplates": {
            "application/json": '{"fail": $input.json("$.fail"), "who": "$context.httpMethod"}'
        },
        "responses": {
            "default": {"statusCode": "200"},
            "\\[BadRequest\\].*": {
                "statusCode": "400",
                "responseTemplates": {"application/json": '{"why": $input.json("$.errorMessage")}'},
            },
        },
    }
    post = operation(integration) | {"responses": {"200": {"description": ""}, "400": {"description": ""}}}
    api = Api(cloud, "custom", {"/": {"post": post}})
    status, _, raw = api.ask("POST", "/", b'{"fail": false}', Content_Type="application/json")
    assert (status, json.loads(raw)) == (200, {"got": {"fail": False, "who": "POST"}})
    status, _, raw = api.ask("POST", "/", b'{"fail": true}', Content_Type="application/json")
    assert (status, json.loads(raw)) == (400, {"why": "[BadRequest] no"})


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    """An HTTP server that tells what it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            told = {
                "method": self.command,
                "path": self.path,
                "body": body.decode(),
                "x": self.headers.get("x-a"),
            }
            raw = json.dumps(told).encode()
            self.send_response(207)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.send_header("x-backend", "here")
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/../private", "/a/..%2f..%2fprivate", "/%2e%2e/private", "/./b"])
def test_nobody_climbs_out_of_an_integrations_path(cloud: RunningCloud, backend: str, path: str) -> None:
    """Dot segments go on as they are: it is the backend's business what they mean."""
    integration = {
        "type": "http_proxy", "httpMethod": "ANY", "uri": backend + "/public/{proxy}",
        "requestParameters": {"integration.request.path.proxy": "method.request.path.proxy"},
    }  # fmt: skip
    parameter = {"name": "proxy", "in": "path", "required": True, "type": "string"}
    api = Api(cloud, "climbing", {"/{proxy+}": {"get": operation(integration, parameters=[parameter])}})
    assert json.loads(api.ask("GET", path)[2])["path"].lower() == "/public" + path


def test_http_integrations(cloud: RunningCloud, backend: str) -> None:
    path = {"name": "id", "in": "path", "required": True, "type": "string"}
    forwarded = operation(
        {
            "type": "http_proxy", "httpMethod": "ANY", "uri": backend + "/${stageVariables.base}/{id}",
            "requestParameters": {"integration.request.path.id": "method.request.path.id",
                                  "integration.request.header.x-a": "'mapped'"},
        },
        parameters=[path],
    )  # fmt: skip
    mapped = operation(
        {
            "type": "http", "httpMethod": "POST", "uri": backend + "/fixed",
            "requestTemplates": {"application/json": '{"n": $input.json("$.a")}'},
            "responses": {"2\\d{2}": {"statusCode": "200", "responseTemplates": {
                "application/json": '{"told": $input.json("$.body")}'}}},
        }
    )  # fmt: skip
    api = Api(
        cloud, "http", {"/p/{id}": {"x-amazon-apigateway-any-method": forwarded}, "/m": {"post": mapped}}
    )
    api.deploy(base="v9")
    status, headers, raw = api.ask("POST", "/p/a%20b?q=1", b"hello")
    assert (status, headers["x-backend"]) == (207, "here")
    assert json.loads(raw) == {"method": "POST", "path": "/v9/a%20b?q=1", "body": "hello", "x": "mapped"}
    status, _, raw = api.ask("POST", "/m", b'{"a": [1]}', Content_Type="application/json")
    assert (status, json.loads(raw)) == (200, {"told": '{"n": [1]}'})


def test_a_backend_that_is_not_there(cloud: RunningCloud) -> None:
    api = Api(
        cloud,
        "gone",
        {"/": {"get": operation({"type": "http_proxy", "httpMethod": "GET", "uri": "http://127.0.0.1:9"})}},
    )
    assert api.ask("GET", "/")[0] == 504


def test_aws_service_integrations(cloud: RunningCloud) -> None:
    cloud.client("dynamodb").create_table(
        TableName="direct", KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}],
    )  # fmt: skip
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"},
         "Action": "sts:AssumeRole"}]}  # fmt: skip
    role = make_role(
        cloud.client("iam"), "direct", "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess", trust=trust
    )
    integration = {
        "type": "aws", "httpMethod": "POST", "credentials": role,
        "uri": "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem",
        "requestTemplates": {"application/json":
            '{"TableName": "direct", "Item": {"h": {"S": "$input.path(\'$.h\')"}}}'},
        "responses": {"default": {"statusCode": "200"}},
    }  # fmt: skip
    cloud.client("s3").create_bucket(Bucket="some-bucket")
    refused = integration | {"uri": "arn:aws:apigateway:us-east-1:s3:path/some-bucket", "httpMethod": "GET"}
    api = Api(cloud, "direct", {"/": {"post": operation(integration)}, "/s3": {"post": operation(refused)}})
    assert api.ask("POST", "/", b'{"h": "written"}', Content_Type="application/json")[0] == 200
    found = cloud.client("dynamodb").scan(TableName="direct")["Items"]
    assert found == [{"h": {"S": "written"}}]
    raw = api.ask("POST", "/s3", b"{}", Content_Type="application/json")[2]
    assert b"not authorized to perform: s3:ListBucket" in raw


# Access


def test_iam_authorization(cloud: RunningCloud, echo: str) -> None:
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": function_uri(echo)}
    get = operation(integration, **{"x-amazon-apigateway-auth": {"type": "AWS_IAM"}})
    api = Api(cloud, "signed", {"/a": {"get": get}, "/b": {"get": get}})
    assert api.ask("GET", "/a")[0] == 403

    def signed(path: str, key: str = "test", secret: str = "test") -> Answer:
        request = AWSRequest("GET", api.url + path, headers={"host": f"localhost:{cloud.port}"})
        SigV4Auth(Credentials(key, secret), "execute-api", "us-east-1").add_auth(request)
        return ask(cloud, "GET", api.url + path, None, dict(request.headers.items()))

    status, _, raw = signed("/a")
    assert status == 200
    assert json.loads(raw)["requestContext"]["identity"]["userArn"] == "arn:aws:iam::000000000000:user/admin"
    assert signed("/a", secret="wrong")[0] == 403
    iam = cloud.client("iam")
    iam.create_user(UserName="caller")
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    keys = (key["AccessKeyId"], key["SecretAccessKey"])
    assert signed("/a", *keys)[0] == 403
    iam.put_user_policy(
        UserName="caller", PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "execute-api:Invoke",
             "Resource": f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/s/GET/a"}]}),
    )  # fmt: skip
    assert signed("/a", *keys)[0] == 200
    status, _, raw = signed("/b", *keys)
    assert status == 403
    assert b"not authorized to perform: execute-api:Invoke" in raw


def test_user_pools_that_are_not_there_let_nobody_in(cloud: RunningCloud, echo: str) -> None:
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": function_uri(echo)}
    pool = {
        "type": "apiKey", "name": "Authorization", "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [
            "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_abc"]},
    }  # fmt: skip
    api = Api(
        cloud, "pooled", {"/": {"get": operation(integration, security=[{"pool": []}])}},
        securityDefinitions={"pool": pool},
    )  # fmt: skip
    assert api.ask("GET", "/", Authorization="anything")[0] == 401


def test_throttling(cloud: RunningCloud) -> None:
    mock = {
        "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200"}},
    }  # fmt: skip
    api = Api(cloud, "throttled", {"/": {"get": operation(mock)}})
    api.client.update_stage(
        restApiId=api.id, stageName="s",
        patchOperations=[
            {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "1"},
            {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "3"},
        ],
    )  # fmt: skip
    with cloud.held():
        answers = [api.ask("GET", "/") for _ in range(6)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 429, 429, 429]
    last = next(raw for status, _, raw in answers if status == 429)
    assert json.loads(last) == {"message": "Too Many Requests"}


def test_gateway_responses_in_the_apis_own_words(cloud: RunningCloud) -> None:
    mock = {
        "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200"}},
    }  # fmt: skip
    own = {
        "MISSING_AUTHENTICATION_TOKEN": {
            "statusCode": 404,
            "responseParameters": {"gatewayresponse.header.x-own": "'yes'"},
            "responseTemplates": {"application/json": '{"gone": $context.error.messageString}'},
        }
    }
    api = Api(
        cloud, "worded", {"/": {"get": operation(mock)}}, **{"x-amazon-apigateway-gateway-responses": own}
    )
    status, headers, raw = api.ask("GET", "/nothing")
    assert (status, headers["x-own"]) == (404, "yes")
    assert json.loads(raw) == {"gone": "Missing Authentication Token"}


def test_access_logs(cloud: RunningCloud) -> None:
    cloud.client("logs").create_log_group(logGroupName="/api/access")
    mock = {
        "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200"}},
    }  # fmt: skip
    api = Api(cloud, "logged", {"/": {"get": operation(mock)}})
    template = (
        '{"id": "$context.requestId", "status": "$context.status", "path": "$context.resourcePath",'
        ' "error": "$context.error.responseType"}'
    )
    api.client.update_stage(
        restApiId=api.id, stageName="s",
        patchOperations=[
            {"op": "replace", "path": "/accessLogSettings/format", "value": template},
            {"op": "replace", "path": "/accessLogSettings/destinationArn",
             "value": "arn:aws:logs:us-east-1:000000000000:log-group:/api/access"},
        ],
    )  # fmt: skip
    _, headers, _ = api.ask("GET", "/")

    def lines() -> list[Any]:
        events = cloud.client("logs").filter_log_events(logGroupName="/api/access")["events"]
        return [json.loads(event["message"]) for event in events]

    until(lambda: len(lines()) == 1, what="the access log")
    assert lines() == [{"id": headers["x-amzn-requestid"], "status": "200", "path": "/", "error": "-"}]
    api.ask("GET", "/nothing")
    until(lambda: len(lines()) == 2, what="the second line")
    assert (lines()[1]["status"], lines()[1]["error"]) == ("403", "MISSING_AUTHENTICATION_TOKEN")


def test_functions_called_with_the_callers_own_permissions(cloud: RunningCloud) -> None:
    """Credentials ``arn:aws:iam::*:user/*``, which SAM's AWS_IAM authorization sets."""
    iam = cloud.client("iam")
    role = make_role(iam, "for-callers", LOGGING)
    make_function(cloud.client("lambda"), role, "for-callers", "def handler(e, c):\n    return {}\n")
    integration = {
        "type": "aws_proxy", "httpMethod": "POST", "uri": function_uri("for-callers"),
        "credentials": "arn:aws:iam::*:user/*",
    }  # fmt: skip
    get = operation(integration, **{"x-amazon-apigateway-auth": {"type": "AWS_IAM"}})
    api = Api(cloud, "by-callers", {"/a": {"get": get}, "/open": {"get": operation(integration)}})
    iam.create_user(UserName="invoker")
    key = iam.create_access_key(UserName="invoker")["AccessKey"]

    def signed() -> int:
        request = AWSRequest("GET", api.url + "/a", headers={"host": f"localhost:{cloud.port}"})
        keys = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        SigV4Auth(keys, "execute-api", "us-east-1").add_auth(request)
        return ask(cloud, "GET", api.url + "/a", None, dict(request.headers.items()))[0]

    def allow(*actions: str) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_user_policy(UserName="invoker", PolicyName="p", PolicyDocument=json.dumps(document))

    allow("execute-api:Invoke")
    assert signed() == 500
    allow("execute-api:Invoke", "lambda:InvokeFunction")
    assert signed() == 200
    assert api.ask("GET", "/open")[0] == 500  # nobody has signed it
