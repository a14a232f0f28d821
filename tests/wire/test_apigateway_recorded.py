"""API Gateway's answers as LocalStack recorded them of AWS.

tests/aws/services/apigateway/test_apigateway_api.snapshot.json
"""

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from running import RunningCloud

Api = tuple[str, str]
FAKE = "test-fake-id"
SCHEMA = '{"title": "MySchema", "type": "object"}'


@pytest.fixture
def gateway(cloud: RunningCloud) -> Any:
    return cloud.client("apigateway", config=Config(parameter_validation=False))


@pytest.fixture
def api(gateway: Any) -> Api:
    made = gateway.create_rest_api(name="recorded", description="this is my api")
    return made["id"], made["rootResourceId"]


def refused(call: Any, /, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def patch(op: str, path: str | None, value: str | None = None) -> list[dict[str, str]]:
    given = {"op": op, "path": path, "value": value}
    return [{name: text for name, text in given.items() if text is not None}]


def bad(message: str) -> tuple[str, str]:
    return "BadRequestException", message


def missing(message: str) -> tuple[str, str]:
    return "NotFoundException", message


WRONG_SIZE = bad("Invalid minimum compression size, must be between 0 and 10485760")
ONLY_REPLACE = bad("Invalid patch operation specified. Must be one of: [replace]")


def test_apis(gateway: Any, api: Api) -> None:
    assert refused(gateway.create_rest_api, name="x", description="") == bad(
        "Description cannot be an empty string"
    )
    assert refused(gateway.create_rest_api, name="x", minimumCompressionSize=-1) == WRONG_SIZE
    assert gateway.get_rest_api(restApiId=api[0])["tags"] == {}
    assert "tags" not in gateway.create_rest_api(name="x")
    size = "/minimumCompressionSize"

    def update(*change: str) -> Any:
        return gateway.update_rest_api(restApiId=api[0], patchOperations=patch(*change))

    enabled = update("replace", size, "10")
    assert enabled["minimumCompressionSize"] == 10 and enabled["tags"] == {}
    assert "minimumCompressionSize" not in update("replace", size)
    assert update("replace", size, "0")["minimumCompressionSize"] == 0
    for value in ("-1", "test"):
        with pytest.raises(ClientError, match="must be between 0 and 10485760"):
            update("replace", size, value)
    where = {"restApiId": api[0]}
    assert refused(gateway.update_rest_api, **where, patchOperations=patch("add", size, "1")) == ONLY_REPLACE
    for op in ("add", "replace", "remove"):
        wrong = patch(op, "/binaryMediaTypes", "image/gif")
        assert refused(gateway.update_rest_api, **where, patchOperations=wrong) == bad(
            "Invalid patch path /binaryMediaTypes"
        )


def test_what_is_below_a_greedy_path(gateway: Any, api: Api) -> None:
    proxy = gateway.create_resource(restApiId=api[0], parentId=api[1], pathPart="{proxy+}")
    assert refused(gateway.create_resource, restApiId=api[0], parentId=proxy["id"], pathPart="child") == bad(
        "Cannot create a child of a resource with a greedy path variable: {proxy+}"
    )


def test_methods(gateway: Any, api: Api) -> None:
    where = {"restApiId": api[0], "resourceId": api[1], "httpMethod": "ANY"}
    elsewhere = where | {"restApiId": FAKE}
    no_resource = missing("Invalid Resource identifier specified")
    assert refused(gateway.put_method, **elsewhere, authorizationType="NONE") == no_resource
    assert refused(gateway.update_method, **elsewhere, patchOperations=[]) == no_resource
    twice = {"method.request.header.foo": True, "method.request.querystring.foo": True}
    assert refused(gateway.put_method, **where, authorizationType="NONE", requestParameters=twice) == bad(
        "Parameter names must be unique across querystring, header and path"
    )
    gateway.put_method(**where, authorizationType="NONE", apiKeyRequired=True)

    def refuse(*change: str) -> tuple[str, str]:
        return refused(gateway.update_method, **where, patchOperations=patch(*change))

    assert refuse("add", "/authorizationType", "NONE") == ONLY_REPLACE
    assert refuse("remove", "/apiKeyRequired") == ONLY_REPLACE
    for path in ("/httpMethod", "/requestParameters", "/requestModels/application/json"):
        assert refuse("replace", path, "x") == bad(f"Invalid patch path {path}")
    changed = gateway.update_method(**where, patchOperations=patch("replace", "/apiKeyRequired", "whatever"))
    assert changed["apiKeyRequired"] is False


def test_models(gateway: Any, api: Api) -> None:
    kind = {"contentType": "application/json"}
    no_schema = bad("Model schema must have at least 1 property or array items defined")
    assert refused(gateway.create_model, restApiId=api[0], name="", schema=SCHEMA, **kind) == bad(
        "Model name must be non-empty"
    )
    assert refused(gateway.create_model, restApiId=api[0], name="MySchema", schema="", **kind) == no_schema
    assert refused(gateway.create_model, restApiId=api[0], name="MySchema", **kind) == no_schema
    gateway.create_model(restApiId=api[0], name="MySchema", schema=SCHEMA, **kind)
    nowhere = {"restApiId": FAKE, "modelName": "MySchema"}
    no_model = missing("Invalid model name specified: MySchema")
    assert refused(gateway.get_model, **nowhere) == no_model
    assert refused(gateway.delete_model, **nowhere) == no_model
    assert refused(gateway.update_model, **nowhere, patchOperations=[]) == no_model
    mine = {"restApiId": api[0], "modelName": "MySchema"}
    assert refused(gateway.update_model, **mine, patchOperations=patch("add", "/wrong-path", "x")) == bad(
        "Invalid patch path  '/wrong-path' specified for op 'add'. Please choose supported operations"
    )
    method = {"restApiId": api[0], "resourceId": api[1], "httpMethod": "ANY", "authorizationType": "NONE"}
    gateway.put_method(**method, requestModels={"application/json": "MySchema"})
    assert refused(gateway.delete_model, **mine) == (
        "ConflictException",
        "Cannot delete model 'MySchema', is referenced in method request: //ANY",
    )


def test_validators_and_authorizers(gateway: Any, api: Api) -> None:
    assert refused(gateway.create_request_validator, restApiId=FAKE, name="v") == bad(
        "Invalid REST API identifier specified"
    )
    made = gateway.create_request_validator(restApiId=api[0], name="v", validateRequestBody=True)
    no_validator = missing("Invalid Request Validator identifier specified")
    for call in (gateway.get_request_validator, gateway.delete_request_validator):
        assert refused(call, restApiId=FAKE, requestValidatorId=made["id"]) == no_validator
    where = {"restApiId": api[0], "requestValidatorId": made["id"]}
    changed = gateway.update_request_validator(
        **where, patchOperations=patch("replace", "/validateRequestBody")
    )
    assert changed["validateRequestBody"] is False
    emptied = patch("replace", "/name", "")
    assert refused(gateway.update_request_validator, **where, patchOperations=emptied) == bad(
        "Request Validator name cannot be blank"
    )
    assert refused(gateway.create_authorizer, restApiId=FAKE, name="a", type="TOKEN") == (
        "ConflictException",
        "Unable to complete operation due to concurrent modification. Please try again later.",
    )


def test_gateway_responses(gateway: Any, api: Api) -> None:
    where = {"restApiId": api[0], "responseType": "DEFAULT_4XX"}
    code, message = refused(gateway.get_gateway_response, restApiId=api[0], responseType="FAKE")
    assert code == "ValidationException"
    assert message.startswith(
        "1 validation error detected: Value 'FAKE' at 'responseType' failed to satisfy constraint: Member"
        " must satisfy enum value set: [REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, "
    )
    first = gateway.update_gateway_response(**where, patchOperations=patch("replace", "/statusCode", "444"))
    assert (first["statusCode"], first["defaultResponse"]) == ("444", False)

    def refuse(*change: Any) -> tuple[str, str]:
        return refused(gateway.update_gateway_response, **where, patchOperations=patch(*change))

    parameter = "/responseParameters/gatewayresponse.header.Access-Control-Allow-Origin"
    assert refuse("add", "/statusCode", "404") == bad("Invalid patch path /statusCode")
    assert refuse("remove", "/statusCode") == bad("Invalid patch path /statusCode")
    assert refuse("replace", "/wrongPath", "x") == bad("Invalid patch path /wrongPath")
    assert refuse("replace", None, "x") == bad("Invalid patch path null")
    assert refuse("replace", parameter, "'a'") == missing("Invalid parameter name specified")
    assert refuse("add", parameter) == bad("Invalid null or empty value in responseParameters")
    assert refuse("add", "/responseTemplates/application~1json") == bad(
        "Invalid null or empty value in responseTemplates"
    )


def test_put_gateway_responses_are_filled_up(gateway: Any, api: Api) -> None:
    template = {"application/json": '{"message":$context.error.messageString}'}
    where = {"restApiId": api[0]}
    kind = {"responseType": "MISSING_AUTHENTICATION_TOKEN"}
    put = gateway.put_gateway_response(**where, **kind, statusCode="404")
    assert (put["statusCode"], put["responseTemplates"]) == ("404", template)
    header = {"gatewayresponse.header.x-request-header": "method.request.header.Accept"}
    put = gateway.put_gateway_response(**where, **kind, responseParameters=header)
    assert (put["statusCode"], put["responseTemplates"]) == ("403", template)
    gateway.put_gateway_response(
        **where, responseType="DEFAULT_5XX", statusCode="599", responseParameters=header
    )
    shown = {each["responseType"]: each for each in gateway.get_gateway_responses(**where)["items"]}
    for inheriting in ("API_CONFIGURATION_ERROR", "INTEGRATION_TIMEOUT"):
        assert shown[inheriting] | {"responseType": ""} == {
            "responseType": "",
            "statusCode": "599",
            "responseParameters": header,
            "responseTemplates": template,
            "defaultResponse": True,
        }
    assert shown["THROTTLED"]["statusCode"] == "429" and shown["DEFAULT_5XX"]["defaultResponse"] is False


def test_patches_of_method_responses(gateway: Any, api: Api) -> None:
    method = {"restApiId": api[0], "resourceId": api[1], "httpMethod": "GET"}
    where = method | {"statusCode": "200"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_method_response(**where)

    def refuse(*change: str, **other: str) -> tuple[str, str]:
        return refused(gateway.update_method_response, **where | other, patchOperations=patch(*change))

    no_model = missing("Content-Type specified was not found")
    for op in ("remove", "replace"):
        wrong = refuse(op, "/responseParameters/method.response.header.x", "true")
        assert wrong == missing("Invalid parameter name specified")
        assert refuse(op, "/responseModels/application~1json", "Empty") == no_model
    path = "/wrong/method.response.header.my-header"
    assert refuse("add", path, "true") == bad(f"Invalid patch path {path}")
    assert refuse("wrong_op", "/responseParameters/x", statusCode="wrong") == (
        "ValidationException",
        "2 validation errors detected: Value 'wrong_op' at"
        " 'updateMethodResponseInput.patchOperations.1.member.op'"
        " failed to satisfy constraint: Member must satisfy enum value set: [add, remove, move, test,"
        " replace,"
        " copy]; Value 'wrong' at 'statusCode' failed to satisfy constraint: Member must satisfy regular"
        " expression pattern: [1-5]\\d\\d",
    )


def test_endpoints(gateway: Any) -> None:
    def refuse(*types: str, **other: str) -> tuple[str, str]:
        return refused(gateway.create_rest_api, name="e", endpointConfiguration={"types": types, **other})

    assert refuse() == bad("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
    assert refuse("EDGE", "REGIONAL") == bad("Cannot create an api with multiple Endpoint Types.")
    assert refuse("wrong", ipAddressType="wrong") == (
        "ValidationException",
        "2 validation errors detected: Value '[wrong]' at"
        " 'createRestApiInput.endpointConfiguration.types' failed"
        " to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set:"
        " [PRIVATE,"
        " EDGE, REGIONAL]]; Value 'wrong' at 'createRestApiInput.endpointConfiguration.ipAddressType'"
        " failed to"
        " satisfy constraint: Member must satisfy enum value set: [ipv4, dualstack]",
    )


def test_tags_that_are_not_there(gateway: Any, api: Api) -> None:
    """Shown of one, not in lists and answers to creations: test_apigateway_common's test_usage_plan_crud."""
    plan = gateway.create_usage_plan(name="recorded")
    assert "tags" not in plan
    assert gateway.get_usage_plan(usagePlanId=plan["id"])["tags"] == {}
    assert not any("tags" in each for each in gateway.get_usage_plans()["items"])
    assert not any("tags" in each for each in gateway.get_rest_apis()["items"])
    key = gateway.create_api_key(name="recorded")
    disabled = patch("replace", "/enabled", "false")
    assert "tags" not in key
    assert gateway.update_api_key(apiKey=key["id"], patchOperations=disabled)["tags"] == {}


def test_stages(gateway: Any, api: Api) -> None:
    """test_apigateway_common's test_create_update_stages."""
    method = {"restApiId": api[0], "resourceId": api[1], "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(**method, type="MOCK")
    gateway.create_deployment(restApiId=api[0], stageName="s1")
    where = {"restApiId": api[0], "stageName": "s1"}
    for path in ("/documentation_version", "/tags/tag1"):
        code, message = refused(gateway.update_stage, **where, patchOperations=patch("replace", path, "x"))
        assert code == "BadRequestException"
        assert message.startswith(f"Invalid method setting path: {path}. Must be one of: [/deploymentId, ")
        assert "/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit/{resource" in message
    changed = gateway.update_stage(
        **where, patchOperations=patch("replace", "/*/*/throttling/burstLimit", "123")
    )
    assert changed["methodSettings"] == {
        "*/*": {
            "cacheDataEncrypted": False,
            "cacheTtlInSeconds": 300,
            "cachingEnabled": False,
            "dataTraceEnabled": False,
            "metricsEnabled": False,
            "requireAuthorizationForCacheControl": True,
            "throttlingBurstLimit": 123,
            "throttlingRateLimit": 10000.0,
            "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
        }
    }
