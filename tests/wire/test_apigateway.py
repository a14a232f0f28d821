"""API Gateway's management operations through boto3."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from maycloud.principal import ANONYMOUS
from maycloud.services.apigateway.api import service
from maycloud.services.base import Call
from packages import TRUST, make_role
from running import RunningCloud

TEMPLATE = Path(__file__).parents[2] / "systems/todo/template.yaml"
FUNCTION = "arn:aws:lambda:eu-central-1:000000000000:function:f"
LAMBDA = f"arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
POOL = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_abc"


@pytest.fixture(scope="module")
def gateway(cloud: RunningCloud) -> Any:
    return cloud.client("apigateway")


def refused(function: Any, **params: Any) -> tuple[str, str]:
    """Code and message of the error that a call has to give."""
    with pytest.raises(ClientError) as caught:
        function(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def make_api(gateway: Any, name: str, **more: Any) -> tuple[str, str]:
    made = gateway.create_rest_api(name=name, **more)
    return made["id"], made["rootResourceId"]


def make_mock(gateway: Any, api: str, resource: str, verb: str = "GET") -> dict[str, str]:
    where = {"restApiId": api, "resourceId": resource, "httpMethod": verb}
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_integration(
        **where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    return where


def patch(op: str, path: str, value: str | None = None) -> dict[str, str]:
    return {"op": op, "path": path} | ({} if value is None else {"value": value})


# APIs


def test_an_api_is_made_read_changed_and_deleted(gateway: Any) -> None:
    made = gateway.create_rest_api(
        name="pets", description="d", tags={"a": "1"}, endpointConfiguration={"types": ["REGIONAL"]}
    )
    assert len(made["id"]) == 10 and made["id"].isalnum() and made["id"].islower() | made["id"].isdigit()
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["apiKeySource"] == "HEADER" and made["disableExecuteApiEndpoint"] is False
    found = gateway.get_rest_api(restApiId=made["id"])
    assert found["name"] == "pets" and found["tags"] == {"a": "1"}
    assert found["endpointConfiguration"]["types"] == ["REGIONAL"]
    changed = gateway.update_rest_api(
        restApiId=made["id"],
        patchOperations=[
            patch("replace", "/name", "cats"),
            patch("add", "/binaryMediaTypes/image~1png"),
            patch("replace", "/minimumCompressionSize", "100"),
            patch("replace", "/disableExecuteApiEndpoint", "true"),
            patch("replace", "/endpointConfiguration/types/REGIONAL", "EDGE"),
        ],
    )
    assert changed["name"] == "cats" and changed["binaryMediaTypes"] == ["image/png"]
    assert changed["minimumCompressionSize"] == 100 and changed["disableExecuteApiEndpoint"] is True
    assert changed["endpointConfiguration"]["types"] == ["EDGE"]
    assert made["id"] in {each["id"] for each in gateway.get_rest_apis(limit=500)["items"]}
    gateway.delete_rest_api(restApiId=made["id"])
    code, message = refused(gateway.get_rest_api, restApiId=made["id"])
    assert code == "NotFoundException"
    assert message.startswith("Invalid API identifier specified ") and message.endswith(f":{made['id']}")


def test_lists_come_in_pages(gateway: Any) -> None:
    api, root = make_api(gateway, "pages")
    for name in ("a", "b", "c"):
        gateway.create_resource(restApiId=api, parentId=root, pathPart=name)
    first = gateway.get_resources(restApiId=api, limit=3)
    assert [each["path"] for each in first["items"]] == ["/", "/a", "/b"]
    rest = gateway.get_resources(restApiId=api, limit=3, position=first["position"])
    assert [each["path"] for each in rest["items"]] == ["/c"] and "position" not in rest


def test_wrong_patches_are_refused_in_awss_words(gateway: Any) -> None:
    api, root = make_api(gateway, "patches")
    code, message = refused(
        gateway.update_rest_api, restApiId=api, patchOperations=[patch("replace", "/nothing", "x")]
    )
    assert (code, message) == ("BadRequestException", "Invalid patch path /nothing")
    assert refused(gateway.update_rest_api, restApiId=api, patchOperations=[patch("add", "/name", "x")]) == (
        "BadRequestException",
        "Invalid patch operation specified. Must be one of: [replace]",
    )
    # None of the operations of a refused call counts.
    emptied = [patch("replace", "/name", "changed"), patch("replace", "/name", "")]
    assert refused(gateway.update_rest_api, restApiId=api, patchOperations=emptied) == (
        "BadRequestException",
        "Invalid null or empty value in /name",
    )
    assert gateway.get_rest_api(restApiId=api)["name"] == "patches"
    assert (
        refused(
            gateway.update_resource,
            restApiId=api,
            resourceId=root,
            patchOperations=[patch("replace", "/pathPart", "x")],
        )[1]
        == "Root resource cannot update its pathPart."
    )


def test_policies_are_expanded_and_escaped(gateway: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    api, _ = make_api(gateway, "policy", policy=policy)
    shown = gateway.get_rest_api(restApiId=api)["policy"]
    assert '\\"' in shown
    resource = json.loads(json.loads(f'"{shown}"'))["Statement"][0]["Resource"]
    assert resource.startswith("arn:aws:execute-api:") and resource.endswith(f":{api}/*")
    assert refused(gateway.create_rest_api, name="p", policy="{")[0] == "BadRequestException"


def test_tags_of_apis_and_stages(gateway: Any) -> None:
    api, root = make_api(gateway, "tags")
    make_mock(gateway, api, root)
    gateway.create_deployment(restApiId=api, stageName="v1")
    for path in (f"/restapis/{api}", f"/restapis/{api}/stages/v1"):
        arn = f"arn:aws:apigateway:{gateway.meta.region_name}::{path}"
        gateway.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
        gateway.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert gateway.get_tags(resourceArn=arn)["tags"] == {"b": "2"}
    assert gateway.get_stage(restApiId=api, stageName="v1")["tags"] == {"b": "2"}


def test_the_account(gateway: Any, cloud: RunningCloud) -> None:
    trust = json.loads(json.dumps(TRUST).replace("lambda.amazonaws.com", "apigateway.amazonaws.com"))
    role = make_role(cloud.client("iam"), "logs", trust=trust)
    for wrong in (f"{role}-not", make_role(cloud.client("iam"), "of-lambda")):
        code, message = refused(
            gateway.update_account, patchOperations=[patch("replace", "/cloudwatchRoleArn", wrong)]
        )
        assert code == "BadRequestException"
        assert message.startswith("The role ARN does not have required permissions configured.")
    changed = gateway.update_account(patchOperations=[patch("replace", "/cloudwatchRoleArn", role)])
    assert changed["cloudwatchRoleArn"] == role
    found = gateway.get_account()
    assert found["cloudwatchRoleArn"] == role
    assert found["throttleSettings"] == {"burstLimit": 5000, "rateLimit": 10000.0}


def test_a_clone_is_an_api_of_its_own(gateway: Any) -> None:
    api, root = make_api(gateway, "original")
    resource = gateway.create_resource(restApiId=api, parentId=root, pathPart="x")["id"]
    make_mock(gateway, api, resource)
    clone, _ = make_api(gateway, "clone", cloneFrom=api)
    copied = {each["path"]: each for each in gateway.get_resources(restApiId=clone)["items"]}
    assert copied["/x"]["resourceMethods"] == {"GET": {}} and copied["/x"]["id"] != resource
    gateway.delete_rest_api(restApiId=api)
    where = {"restApiId": clone, "resourceId": copied["/x"]["id"], "httpMethod": "GET"}
    assert gateway.get_method(**where)["methodIntegration"]["cacheNamespace"] == copied["/x"]["id"]


# Resources


def test_rules_of_path_parts(gateway: Any) -> None:
    api, root = make_api(gateway, "parts")
    item = gateway.create_resource(restApiId=api, parentId=root, pathPart="{id}")
    assert item["path"] == "/{id}" and item["parentId"] == root
    assert refused(gateway.create_resource, restApiId=api, parentId=root, pathPart="{id}") == (
        "ConflictException",
        "Another resource with the same parent already has this name: {id}",
    )
    assert refused(gateway.create_resource, restApiId=api, parentId=root, pathPart="{proxy+}") == (
        "BadRequestException",
        "A sibling ({id}) of this resource already has a variable path part -- only one is allowed",
    )
    assert refused(gateway.create_resource, restApiId=api, parentId=root, pathPart="a b") == (
        "BadRequestException",
        (
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces"
            " at the beginning and the end."
        ),
    )
    assert refused(gateway.create_resource, restApiId=api, parentId="nope", pathPart="a") == (
        "NotFoundException",
        "Invalid Resource identifier specified",
    )


def test_a_moved_resource_takes_its_children_along(gateway: Any) -> None:
    api, root = make_api(gateway, "moving")
    a = gateway.create_resource(restApiId=api, parentId=root, pathPart="a")["id"]
    b = gateway.create_resource(restApiId=api, parentId=a, pathPart="b")["id"]
    c = gateway.create_resource(restApiId=api, parentId=root, pathPart="c")["id"]
    update = gateway.update_resource
    update(restApiId=api, resourceId=a, patchOperations=[patch("replace", "/pathPart", "z")])
    assert gateway.get_resource(restApiId=api, resourceId=b)["path"] == "/z/b"
    update(restApiId=api, resourceId=a, patchOperations=[patch("replace", "/parentId", c)])
    assert gateway.get_resource(restApiId=api, resourceId=b)["path"] == "/c/z/b"
    moved = [patch("replace", "/parentId", b)]
    assert (
        refused(update, restApiId=api, resourceId=a, patchOperations=moved)[1]
        == "Resources cannot be cyclical."
    )
    gateway.delete_resource(restApiId=api, resourceId=c)
    assert [each["path"] for each in gateway.get_resources(restApiId=api)["items"]] == ["/"]


# Methods and integrations


def test_methods_and_what_they_refer_to(gateway: Any) -> None:
    api, root = make_api(gateway, "methods")
    where = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
    assert refused(gateway.get_method, **where) == (
        "NotFoundException",
        "Invalid Method identifier specified",
    )
    validator = gateway.create_request_validator(restApiId=api, name="v", validateRequestBody=True)
    gateway.create_model(
        restApiId=api, name="Pet", contentType="application/json", schema='{"type": "object"}'
    )
    made = gateway.put_method(
        **where, authorizationType="AWS_IAM", requestValidatorId=validator["id"],
        requestModels={"application/json": "Pet"}, requestParameters={"method.request.querystring.q": True},
    )  # fmt: skip
    assert made["requestParameters"] == {"method.request.querystring.q": True}
    assert refused(gateway.put_method, **where, authorizationType="NONE") == (
        "ConflictException",
        "Method already exists for this resource",
    )
    changed = gateway.update_method(
        **where,
        patchOperations=[
            patch("replace", "/authorizationType", "NONE"),
            patch("add", "/requestParameters/method.request.header.X", "false"),
            patch("remove", "/requestModels/application~1json"),
        ],
    )
    assert changed["authorizationType"] == "NONE" and changed["requestModels"] == {}
    assert changed["requestParameters"]["method.request.header.X"] is False
    assert refused(
        gateway.put_method, **{**where, "httpMethod": "GET"}, authorizationType="CUSTOM", authorizerId="nope"
    )[1].startswith("Invalid authorizer ID specified.")
    message = refused(
        gateway.put_method, **{**where, "httpMethod": "GET"}, authorizationType="NONE",
        requestModels={"application/json": "Dog"},
    )[1]  # fmt: skip
    assert message == "Invalid model identifier specified: Dog"
    assert (
        refused(gateway.delete_request_validator, restApiId=api, requestValidatorId=validator["id"])[0]
        == "ConflictException"
    )


def test_integrations_and_their_responses(gateway: Any) -> None:
    api, root = make_api(gateway, "integrations")
    where = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(
        **where, authorizationType="NONE", requestParameters={"method.request.querystring.q": False}
    )
    assert (
        refused(gateway.put_integration, **where, type="AWS_PROXY", uri=LAMBDA)[1]
        == "Enumeration value for HttpMethod must be non-empty"
    )
    made = gateway.put_integration(
        **where, type="AWS", integrationHttpMethod="POST", uri=LAMBDA,
        requestParameters={"integration.request.header.Q": "method.request.querystring.q"},
    )  # fmt: skip
    assert made["httpMethod"] == "POST" and made["passthroughBehavior"] == "WHEN_NO_MATCH"
    assert made["timeoutInMillis"] == 29000 and made["cacheNamespace"] == root
    assert refused(
        gateway.put_integration, **where, type="HTTP", integrationHttpMethod="GET", uri="http://example.com",
        requestParameters={"integration.request.header.Q": "method.request.querystring.other"},
    ) == (
        "BadRequestException",
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping"
        " expression parameter specified: method.request.querystring.other]",
    )  # fmt: skip
    put = gateway.put_integration_response
    assert refused(put, **where, statusCode="200")[1].endswith("[No method response exists for method.]")
    gateway.put_method_response(
        **where, statusCode="200", responseParameters={"method.response.header.A": True}
    )
    put(
        **where,
        statusCode="200",
        selectionPattern="2..",
        responseParameters={"method.response.header.A": "'b'"},
    )
    assert (
        refused(put, **where, statusCode="200", responseParameters={"method.response.header.B": "'b'"})[1]
        == "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping"
        " expression parameter specified: method.response.header.B]"
    )
    changed = gateway.update_integration(
        **where,
        patchOperations=[
            patch("replace", "/timeoutInMillis", "500"),
            patch("add", "/requestTemplates/application~1json", "{}"),
        ],
    )
    assert changed["timeoutInMillis"] == 500 and changed["requestTemplates"] == {"application/json": "{}"}
    found = gateway.get_method(**where)["methodIntegration"]["integrationResponses"]["200"]
    assert found["selectionPattern"] == "2.." and found["responseParameters"] == {
        "method.response.header.A": "'b'"
    }
    gateway.delete_integration(**where)
    assert refused(gateway.get_integration, **where)[0] == "NotFoundException"


def test_models_and_gateway_responses(gateway: Any) -> None:
    api, _ = make_api(gateway, "models")
    assert {each["name"] for each in gateway.get_models(restApiId=api)["items"]} == {"Empty", "Error"}
    reference = f"https://apigateway.amazonaws.com/restapis/{api}/models/Tag"
    make = gateway.create_model
    make(restApiId=api, name="Tag", contentType="application/json", schema='{"type": "string"}')
    schema = json.dumps({"type": "object", "properties": {"tag": {"$ref": reference}}})
    make(restApiId=api, name="Pet", contentType="application/json", schema=schema)
    flat = json.loads(gateway.get_model(restApiId=api, modelName="Pet", flatten=True)["schema"])
    assert flat["properties"]["tag"] == {"$ref": "#/definitions/Tag"}
    assert flat["definitions"]["Tag"] == {"type": "string"}
    assert refused(gateway.delete_model, restApiId=api, modelName="Tag")[0] == "ConflictException"
    assert refused(gateway.get_model, restApiId=api, modelName="No") == (
        "NotFoundException",
        "Invalid model name specified: No",
    )
    default = gateway.get_gateway_response(restApiId=api, responseType="UNAUTHORIZED")
    assert default["defaultResponse"] is True and default["statusCode"] == "401"
    put = gateway.put_gateway_response(
        restApiId=api, responseType="DEFAULT_4XX",
        responseParameters={"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
    )  # fmt: skip
    assert put["defaultResponse"] is False
    listed = gateway.get_gateway_responses(restApiId=api)["items"]
    assert [each["responseType"] for each in listed if not each["defaultResponse"]] == ["DEFAULT_4XX"]
    gateway.delete_gateway_response(restApiId=api, responseType="DEFAULT_4XX")
    assert (
        refused(gateway.delete_gateway_response, restApiId=api, responseType="DEFAULT_4XX")[0]
        == "NotFoundException"
    )


def test_authorizers(gateway: Any) -> None:
    api, root = make_api(gateway, "authorizers")
    pool = gateway.create_authorizer(
        restApiId=api, name="pool", type="COGNITO_USER_POOLS", providerARNs=[POOL],
        identitySource="method.request.header.Authorization",
    )  # fmt: skip
    assert pool["authType"] == "cognito_user_pools" and pool["authorizerResultTtlInSeconds"] == 300
    assert (
        refused(gateway.create_authorizer, restApiId=api, name="t", type="TOKEN", authorizerUri="nope")[0]
        == "BadRequestException"
    )
    unclosed = [patch("replace", "/identityValidationExpression", "(")]
    assert refused(
        gateway.update_authorizer, restApiId=api, authorizerId=pool["id"], patchOperations=unclosed
    ) == ("BadRequestException", "Invalid identity validation expression specified")
    changed = gateway.update_authorizer(
        restApiId=api, authorizerId=pool["id"], patchOperations=[patch("add", "/providerARNs", POOL + "d")]
    )
    assert changed["providerARNs"] == [POOL, POOL + "d"]
    method = gateway.put_method(
        restApiId=api, resourceId=root, httpMethod="GET", authorizationType="COGNITO_USER_POOLS",
        authorizerId=pool["id"], authorizationScopes=["a/b"],
    )  # fmt: skip
    assert method["authorizationScopes"] == ["a/b"]
    assert (
        refused(gateway.delete_authorizer, restApiId=api, authorizerId=pool["id"])[0] == "ConflictException"
    )


# Deployments and stages


def test_deployments_need_methods_with_integrations(gateway: Any) -> None:
    api, root = make_api(gateway, "deployments")
    assert refused(gateway.create_deployment, restApiId=api) == (
        "BadRequestException",
        "The REST API doesn't contain any methods",
    )
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    assert refused(gateway.create_deployment, restApiId=api) == (
        "BadRequestException",
        "No integration defined for method",
    )
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    first = gateway.create_deployment(restApiId=api, stageName="v1", variables={"a": "1"}, description="one")
    make_mock(gateway, api, root, "PUT")
    # What was deployed does not change with the API.
    shown = gateway.get_deployment(restApiId=api, deploymentId=first["id"], embed=["apisummary"])
    assert shown["apiSummary"] == {"/": {"GET": {"authorizationType": "NONE", "apiKeyRequired": False}}}
    assert refused(gateway.delete_deployment, restApiId=api, deploymentId=first["id"]) == (
        "BadRequestException",
        "Active stages pointing to this deployment must be moved or deleted",
    )
    second = gateway.create_deployment(restApiId=api, stageName="v1")
    stage = gateway.get_stage(restApiId=api, stageName="v1")
    assert stage["deploymentId"] == second["id"] and stage["variables"] == {"a": "1"}
    assert len(gateway.get_deployments(restApiId=api)["items"]) == 2
    gateway.delete_deployment(restApiId=api, deploymentId=first["id"])
    assert refused(gateway.get_deployment, restApiId=api, deploymentId=first["id"])[0] == "NotFoundException"


def test_stages_and_their_patches(gateway: Any) -> None:
    api, root = make_api(gateway, "stages")
    make_mock(gateway, api, root)
    deployment = gateway.create_deployment(restApiId=api)["id"]
    stage = {"restApiId": api, "stageName": "v1"}
    made = gateway.create_stage(**stage, deploymentId=deployment, variables={"a": "1"})
    assert made["methodSettings"] == {} and made["cacheClusterStatus"] == "NOT_AVAILABLE"
    assert refused(gateway.create_stage, **stage, deploymentId=deployment) == (
        "ConflictException",
        "Stage already exists",
    )
    changed = gateway.update_stage(
        **stage,
        patchOperations=[
            patch("replace", "/*/*/throttling/rateLimit", "20.5"),
            patch("replace", "/*/*/metrics/enabled", "true"),
            patch("replace", "/~1pets~1{id}/GET/throttling/burstLimit", "7"),
            patch("replace", "/variables/b", "2"),
            patch("remove", "/variables/a"),
            patch("replace", "/tracingEnabled", "true"),
            patch(
                "replace",
                "/accessLogSettings/destinationArn",
                "arn:aws:logs:eu-central-1:000000000000:log-group:g:*",
            ),
            patch("replace", "/accessLogSettings/format", "$context.requestId"),
        ],
    )
    assert changed["methodSettings"]["*/*"]["throttlingRateLimit"] == 20.5
    own = changed["methodSettings"]["~1pets~1{id}/GET"]
    assert own["throttlingBurstLimit"] == 7 and own["metricsEnabled"] is True
    assert changed["variables"] == {"b": "2"} and changed["tracingEnabled"] is True
    assert changed["accessLogSettings"]["destinationArn"].endswith(":log-group:g")
    changed = gateway.update_stage(
        **stage, patchOperations=[patch("remove", "/pets~1{id}/GET"), patch("remove", "/accessLogSettings")]
    )
    assert set(changed["methodSettings"]) == {"*/*"} and "accessLogSettings" not in changed
    wrong = [patch("replace", "/a/GET/throttling/nothing", "1")]
    code, message = refused(gateway.update_stage, **stage, patchOperations=wrong)
    assert code == "BadRequestException"
    assert message.startswith(
        "Invalid method setting path: /a/GET/throttling/nothing. Must be one of: [/deploymentId,"
    )
    moved = [patch("replace", "/deploymentId", "nope")]
    assert refused(gateway.update_stage, **stage, patchOperations=moved)[0] == "BadRequestException"
    assert gateway.get_stages(restApiId=api)["item"][0]["stageName"] == "v1"
    gateway.delete_stage(**stage)
    assert refused(gateway.get_stage, **stage) == ("NotFoundException", "Invalid stage identifier specified")


def test_what_is_not_there_is_refused_by_name(gateway: Any) -> None:
    private = {"types": ["PRIVATE"]}
    assert "PRIVATE" in refused(gateway.create_rest_api, name="p", endpointConfiguration=private)[1]


# Definitions


POOL = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_Todo00000"


def serverless(version: str | None) -> dict[str, Any]:
    """The Body that the to-do system's template has after its transform, with its functions named."""
    template = yaml_parse(TEMPLATE.read_text())
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    if version is not None:
        template["Globals"]["Api"]["OpenApiVersion"] = version
    made = Translator({}, Parser()).translate(template, {"AWS::Region": "eu-central-1"})
    body = json.loads(json.dumps(made["Resources"]["Api"]["Properties"]["Body"], default=str))
    body["info"]["title"] = "todo"
    schemes = body["securityDefinitions"] if version is None else body["components"]["securitySchemes"]
    schemes["Users"]["x-amazon-apigateway-authorizer"]["providerARNs"] = [POOL]
    for item in body["paths"].values():
        for operation in item.values():
            integration = operation["x-amazon-apigateway-integration"]
            if "uri" in integration:
                integration["uri"] = LAMBDA
    return body


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transform wants one to look up its partition."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.mark.usefixtures("region")
@pytest.mark.parametrize("version", [None, "3.0.1"])
def test_what_serverless_templates_become_can_be_imported(gateway: Any, version: str | None) -> None:
    api = gateway.import_rest_api(
        body=json.dumps(serverless(version)).encode(), failOnWarnings=True,
        parameters={"endpointConfigurationTypes": "REGIONAL"},
    )  # fmt: skip
    assert api["name"] == "todo" and api["version"] == "1.0"
    assert api["endpointConfiguration"]["types"] == ["REGIONAL"]
    resources = gateway.get_resources(restApiId=api["id"], embed=["methods"])["items"]
    found = {each["path"]: each for each in resources}
    assert set(found) == {"/", "/todos", "/todos/{id}"}
    assert set(found["/todos"]["resourceMethods"]) == {"GET", "POST", "OPTIONS"}
    assert set(found["/todos/{id}"]["resourceMethods"]) == {"GET", "PUT", "DELETE", "OPTIONS"}
    post = found["/todos"]["resourceMethods"]["POST"]
    assert post["methodIntegration"]["type"] == "AWS_PROXY" and post["methodIntegration"]["uri"] == LAMBDA
    assert post["methodIntegration"]["httpMethod"] == "POST"
    assert post["requestModels"] == {"application/json": "newtodo"}
    validator = gateway.get_request_validator(
        restApiId=api["id"], requestValidatorId=post["requestValidatorId"]
    )
    assert validator["name"] == "body-only" and validator["validateRequestBody"] is True
    schema = json.loads(gateway.get_model(restApiId=api["id"], modelName="newtodo")["schema"])
    assert schema["required"] == ["title"] and schema["properties"]["title"]["maxLength"] == 500
    cors = found["/todos"]["resourceMethods"]["OPTIONS"]
    assert cors["methodIntegration"]["type"] == "MOCK"
    headers = cors["methodIntegration"]["integrationResponses"]["200"]["responseParameters"]
    assert headers["method.response.header.Access-Control-Allow-Origin"] == "'*'"
    assert (
        "method.response.header.Access-Control-Allow-Origin"
        in cors["methodResponses"]["200"]["responseParameters"]
    )
    gateway.create_deployment(restApiId=api["id"], stageName="Stage")
    assert gateway.get_stage(restApiId=api["id"], stageName="Stage")["stageName"] == "Stage"


DEFINITION = f"""
swagger: "2.0"
info: {{title: shop, version: 2024-01-01}}
basePath: /shop/v2
x-amazon-apigateway-binary-media-types: [image/png]
x-amazon-apigateway-request-validators:
  all: {{validateRequestBody: true, validateRequestParameters: true}}
x-amazon-apigateway-request-validator: all
x-amazon-apigateway-gateway-responses:
  DEFAULT_4XX:
    responseParameters: {{gatewayresponse.header.X: "'1'"}}
securityDefinitions:
  pool:
    type: apiKey
    name: Authorization
    in: header
    x-amazon-apigateway-authtype: cognito_user_pools
    x-amazon-apigateway-authorizer: {{type: cognito_user_pools, providerARNs: ["{POOL}"]}}
  token:
    type: apiKey
    name: X-Token
    in: header
    x-amazon-apigateway-authtype: custom
    x-amazon-apigateway-authorizer:
      {{type: token, authorizerUri: "{LAMBDA}", authorizerResultTtlInSeconds: 60}}
  iam: {{type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}}
  key: {{type: apiKey, name: x-api-key, in: header}}
security: [{{iam: []}}]
parameters:
  page: {{name: page, in: query, required: true, type: integer}}
paths:
  /items/{{id}}:
    parameters: [{{name: id, in: path, required: true, type: string}}]
    get:
      operationId: getItem
      security: [{{pool: [read]}}, {{key: []}}]
      parameters: [{{$ref: "#/parameters/page"}}]
      responses:
        200: {{description: ok, schema: {{$ref: "#/definitions/Item"}}, headers: {{X-A: {{type: string}}}}}}
      x-amazon-apigateway-integration:
        type: http
        httpMethod: get
        uri: http://example.com/{{id}}
        passthroughBehavior: when_no_templates
        timeoutInMillis: 1000
        requestParameters: {{integration.request.path.id: method.request.path.id}}
        responses:
          "2..": {{statusCode: 200, responseParameters: {{method.response.header.X-A: "'a'"}}}}
    x-amazon-apigateway-any-method:
      security: [{{token: []}}]
      x-amazon-apigateway-integration: {{type: aws_proxy, httpMethod: POST, uri: "{LAMBDA}"}}
    put:
      x-amazon-apigateway-integration: {{type: mock}}
definitions:
  Tag: {{type: string}}
  Item: {{type: object, properties: {{tag: {{$ref: "#/definitions/Tag"}}}}}}
"""


def test_definitions_are_read_with_all_their_extensions(gateway: Any) -> None:
    api = gateway.import_rest_api(body=DEFINITION.encode(), parameters={"basepath": "split"})
    assert api["version"] == "2024-01-01" and api["binaryMediaTypes"] == ["image/png"]
    found = {
        each["path"]: each for each in gateway.get_resources(restApiId=api["id"], embed=["methods"])["items"]
    }
    methods = found["/v2/items/{id}"]["resourceMethods"]
    authorizers = {each["name"]: each for each in gateway.get_authorizers(restApiId=api["id"])["items"]}
    assert authorizers["token"]["identitySource"] == "method.request.header.X-Token"
    assert authorizers["token"]["authorizerResultTtlInSeconds"] == 60
    get = methods["GET"]
    assert get["authorizationType"] == "COGNITO_USER_POOLS" and get["authorizationScopes"] == ["read"]
    assert get["authorizerId"] == authorizers["pool"]["id"] and get["apiKeyRequired"] is True
    assert get["operationName"] == "getItem" and "requestValidatorId" in get
    assert get["requestParameters"] == {
        "method.request.path.id": True,
        "method.request.querystring.page": True,
    }
    assert get["methodResponses"]["200"]["responseModels"] == {"application/json": "Item"}
    integration = get["methodIntegration"]
    assert (
        integration["passthroughBehavior"] == "WHEN_NO_TEMPLATES" and integration["timeoutInMillis"] == 1000
    )
    assert integration["integrationResponses"]["200"]["selectionPattern"] == "2.."
    assert (
        methods["ANY"]["authorizationType"] == "CUSTOM" and methods["PUT"]["authorizationType"] == "AWS_IAM"
    )
    schema = json.loads(gateway.get_model(restApiId=api["id"], modelName="Item")["schema"])
    assert schema["properties"]["tag"]["$ref"].endswith(f"/restapis/{api['id']}/models/Tag")
    response = gateway.get_gateway_response(restApiId=api["id"], responseType="DEFAULT_4XX")
    assert response["responseParameters"] == {"gatewayresponse.header.X": "'1'"}


def test_merging_keeps_what_overwriting_takes_away(gateway: Any) -> None:
    api, root = make_api(gateway, "merged")
    make_mock(gateway, api, gateway.create_resource(restApiId=api, parentId=root, pathPart="old")["id"])
    mock = {"x-amazon-apigateway-integration": {"type": "mock"}}
    body = json.dumps(
        {"openapi": "3.0.1", "info": {"title": "new"}, "paths": {"/new": {"get": mock}}}
    ).encode()
    gateway.put_rest_api(restApiId=api, mode="merge", body=body)
    paths = [each["path"] for each in gateway.get_resources(restApiId=api)["items"]]
    assert paths == ["/", "/new", "/old"]
    gateway.put_rest_api(restApiId=api, mode="overwrite", body=body)
    left = gateway.get_resources(restApiId=api)["items"]
    assert [each["path"] for each in left] == ["/", "/new"] and left[0]["id"] == root


def test_errors_and_warnings_of_imports(gateway: Any) -> None:
    wrong = {
        "openapi": "3.0.1",
        "info": {"title": "wrong"},
        "paths": {
            "/a b": {"get": {}},
            "/c": {
                "get": {"x-amazon-apigateway-integration": {"type": "http", "httpMethod": "GET", "uri": "no"}}
            },
        },
    }
    code, message = refused(gateway.import_rest_api, body=json.dumps(wrong).encode())
    assert code == "BadRequestException" and message.startswith("Errors found during import:\n\t")
    assert "Unable to create resource at path '/a b': Resource's path part only allow" in message
    assert "Unable to put integration on 'GET' on resource at path '/c': Invalid HTTP endpoint" in message
    scheme = {"basic": {"type": "http", "scheme": "basic"}}
    warned = {
        "openapi": "3.0.1",
        "info": {"title": "warned"},
        "components": {"securitySchemes": scheme},
        "paths": {},
    }
    body = json.dumps(warned).encode()
    expected = "Unsupported security definition type 'http' for 'basic'. Ignoring."
    assert gateway.import_rest_api(body=body)["warnings"] == [expected]
    assert refused(gateway.import_rest_api, body=body, failOnWarnings=True) == (
        "BadRequestException",
        f"Warnings found during import:\n\t{expected}",
    )
    assert refused(gateway.import_rest_api, body=b"[1]")[0] == "BadRequestException"


@pytest.mark.parametrize(
    ("kind", "accepts"), [("swagger", "application/json"), ("oas30", "application/yaml")]
)
def test_an_export_is_imported_as_the_same_api(gateway: Any, kind: str, accepts: str) -> None:
    api = gateway.import_rest_api(body=DEFINITION.encode())["id"]
    gateway.create_deployment(restApiId=api, stageName="v1")
    exported = gateway.get_export(
        restApiId=api,
        stageName="v1",
        exportType=kind,
        accepts=accepts,
        parameters={"extensions": "apigateway"},
    )
    assert exported["contentType"] == accepts
    body = exported["body"].read()
    document = json.loads(body) if accepts.endswith("json") else yaml.safe_load(body)
    assert document["info"]["title"] == "shop"
    assert ("definitions" in document) == (kind == "swagger")
    again = gateway.import_rest_api(body=body, failOnWarnings=True)["id"]
    assert described(gateway, again) == described(gateway, api)
    bare = gateway.get_export(restApiId=api, stageName="v1", exportType=kind, accepts="application/json")
    operation = json.loads(bare["body"].read())["paths"]["/items/{id}"]["get"]
    assert "x-amazon-apigateway" not in json.dumps(operation)


@pytest.mark.parametrize("kind", ["swagger", "oas30"])
def test_security_survives_export_and_import(gateway: Any, kind: str) -> None:
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"

    def scheme(header: str, authtype: str, **authorizer: Any) -> dict[str, Any]:
        return {
            "type": "apiKey", "name": header, "in": "header", "x-amazon-apigateway-authtype": authtype,
            **({"x-amazon-apigateway-authorizer": authorizer} if authorizer else {}),
        }  # fmt: skip

    schemes = {
        "pool": scheme("X-Token", "cognito_user_pools", type="cognito_user_pools", providerARNs=[POOL]),
        "token": scheme("Authorization", "custom", type="token", authorizerUri=uri,
                        identityValidationExpression="a+", authorizerResultTtlInSeconds=7),
        "request": scheme("Unused", "custom", type="request", authorizerUri=uri,
                          identitySource="method.request.header.A, method.request.querystring.q"),
        "sigv4": scheme("Authorization", "awsSigv4"),
        "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
    }  # fmt: skip
    mock = {"type": "mock", "responses": {"default": {"statusCode": "200"}}}
    paths = {
        f"/{name}": {"get": {
            "x-amazon-apigateway-integration": mock, "responses": {"200": {"description": ""}},
            "security": [{name: ["a/b"] if name == "pool" else []}, {"api_key": []}],
        }}
        for name in schemes
    }  # fmt: skip
    body = {"swagger": "2.0", "info": {"title": "secure", "version": "1"}, "paths": paths,
            "securityDefinitions": schemes, "x-amazon-apigateway-api-key-source": "AUTHORIZER"}  # fmt: skip

    def shown(api: str) -> Any:
        found = gateway.get_authorizers(restApiId=api)["items"]
        names = {each["id"]: each["name"] for each in found}
        methods = {
            resource["path"]: (
                method["authorizationType"], names.get(method.get("authorizerId")),
                method.get("authorizationScopes"), method["apiKeyRequired"],
            )
            for resource in gateway.get_resources(restApiId=api, embed=["methods"])["items"]
            for method in resource.get("resourceMethods", {}).values()
        }  # fmt: skip
        kept = sorted(
            ({k: v for k, v in each.items() if k != "id"} for each in found), key=lambda e: e["name"]
        )
        return methods, kept, gateway.get_rest_api(restApiId=api)["apiKeySource"]

    api = gateway.import_rest_api(body=json.dumps(body).encode(), failOnWarnings=True)["id"]
    first = shown(api)
    assert first[0]["/pool"] == ("COGNITO_USER_POOLS", "pool", ["a/b"], True)
    assert first[0]["/request"][:2] == ("CUSTOM", "request") and first[0]["/sigv4"][0] == "AWS_IAM"
    assert first[0]["/api_key"] == ("NONE", None, None, True)
    assert [each["authorizerResultTtlInSeconds"] for each in first[1]] == [300, 300, 7]
    assert first[1][0]["identitySource"] == "method.request.header.X-Token"
    gateway.create_deployment(restApiId=api, stageName="v1")
    exported = gateway.get_export(
        restApiId=api, stageName="v1", exportType=kind, parameters={"extensions": "apigateway"}
    )["body"].read()
    again = gateway.import_rest_api(body=exported, failOnWarnings=True)["id"]
    assert shown(again) == first


def described(gateway: Any, api: str) -> dict[str, Any]:
    """Methods by path without ids, to compare two APIs."""
    found: dict[str, Any] = {}
    for resource in gateway.get_resources(restApiId=api, embed=["methods"])["items"]:
        for verb, method in resource.get("resourceMethods", {}).items():
            kept = {k: v for k, v in method.items() if k not in ("authorizerId", "requestValidatorId")}
            kept["validated"] = "requestValidatorId" in method
            integration = kept["methodIntegration"]
            integration.pop("cacheNamespace")
            found[f"{verb} {resource['path']}"] = kept
    return found


def test_permissions_are_verbs_on_paths() -> None:
    operation = service.operations["PutMethod"]
    cloud: Any = None
    call = Call(cloud, service, operation, ANONYMOUS, "000000000000", "eu-west-1", "")
    params = {"restApiId": "abc", "resourceId": "r", "httpMethod": "GET"}
    assert operation.resource is not None
    assert (operation.action, operation.resource(call, params)) == (
        "apigateway:PUT",
        "arn:aws:apigateway:eu-west-1::/restapis/abc/resources/r/methods/GET",
    )
