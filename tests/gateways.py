"""APIs for tests: made of one OpenAPI document, asked over HTTPS."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from packages import LOGGING, make_function, make_role
from running import RunningCloud

Answer = tuple[int, dict[str, str], bytes]


def ask(
    cloud: RunningCloud,
    method: str,
    url: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    tls = ssl.create_default_context(cafile=cloud.ca_file)
    try:
        with urllib.request.urlopen(request, timeout=60, context=tls) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


class Api:
    """An API made of one OpenAPI document, deployed to the stage `s`."""

    def __init__(self, cloud: RunningCloud, name: str, paths: dict[str, Any], **document: Any) -> None:
        self.cloud = cloud
        self.client = cloud.client("apigateway")
        body = {"swagger": "2.0", "info": {"title": name, "version": "1"}, "paths": paths, **document}
        self.id = self.client.import_rest_api(body=json.dumps(body).encode())["id"]
        self.deploy()

    def deploy(self, **variables: str) -> None:
        self.client.create_deployment(restApiId=self.id, stageName="s", variables=variables)

    @property
    def url(self) -> str:
        return f"{self.cloud.https_url}/_aws/execute-api/{self.id}/s"

    def ask(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.cloud, method, self.url + path, body, named)


def operation(integration: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"x-amazon-apigateway-integration": integration, "responses": {"200": {"description": ""}}, **more}


def function_uri(name: str) -> str:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


def permit(cloud: RunningCloud, name: str) -> None:
    cloud.client("lambda").add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )


def mock(**more: Any) -> dict[str, Any]:
    """An operation that answers 200 of itself."""
    integration = {
        "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200"}},
    }  # fmt: skip
    return operation(integration, **more)


def make_handler(cloud: RunningCloud, name: str, source: str) -> dict[str, Any]:
    """A function that API Gateway may invoke; gives its proxy integration."""
    role = make_role(cloud.client("iam"), name, LOGGING)
    make_function(cloud.client("lambda"), role, name, source)
    permit(cloud, name)
    return {"type": "aws_proxy", "httpMethod": "POST", "uri": function_uri(name)}


def patch(path: str, value: str | None = None, op: str = "replace") -> dict[str, str]:
    return {"op": op, "path": path} | ({} if value is None else {"value": value})
