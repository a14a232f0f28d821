"""SAM's Auth, caching and usage plans, deployed and asked over HTTPS; updates of what controls access."""

import json
from typing import Any

from gateways import Answer, ask, make_handler
from running import RunningCloud
from waiting import until

JUDGE = """
def handler(event, context):
    return {'principalId': 'p', 'policyDocument': {'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow' if event['authorizationToken'] == 'good' else 'Deny',
         'Action': 'execute-api:Invoke', 'Resource': event['methodArn']}]}}
"""
COUNTER = """
count = 0
def handler(event, context):
    global count
    count += 1
    return {'statusCode': 200, 'body': str(count)}
"""
EVERY = {"ResourcePath": "/*", "HttpMethod": "*"}


def route(path: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Api", "Properties": {"RestApiId": {"Ref": "Api"}, "Path": path, "Method": "get", **more}}


def template(quota: int, caching: bool) -> str:
    keyed = [{"method.request.header.Authorization": {"Required": False, "Caching": True}}]
    events = {
        "Judged": route("/judged", RequestParameters=keyed),
        "Open": route("/open", Auth={"Authorizer": "NONE"}),
        "Keyed": route("/keyed", Auth={"Authorizer": "NONE", "ApiKeyRequired": True}),
        "Signed": route("/signed", Auth={"Authorizer": "AWS_IAM", "InvokeRole": "NONE"}),
    }
    auth = {
        "DefaultAuthorizer": "Judge",
        "AddDefaultAuthorizerToCorsPreflight": False,
        "Authorizers": {
            "Judge": {
                "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:sam-judge",
                "Identity": {"ReauthorizeEvery": 60},
            }
        },
        "UsagePlan": {"CreateUsagePlan": "PER_API", "Quota": {"Limit": quota, "Period": "DAY"}},
        "ResourcePolicy": {"IpRangeWhitelist": ["127.0.0.1"]},
    }
    api = {
        "StageName": "v1", "Cors": "'*'", "Auth": auth, "CacheClusterEnabled": caching,
        "CacheClusterSize": "0.5", "MethodSettings": [EVERY | {"CachingEnabled": caching}],
    }  # fmt: skip
    return json.dumps(
        {
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": {
                "Api": {"Type": "AWS::Serverless::Api", "Properties": api},
                "Handler": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": {
                        "InlineCode": COUNTER, "Handler": "index.handler", "Runtime": "python3.12",
                        "Events": events,
                    },
                },
            },
            "Outputs": {"Api": {"Value": {"Ref": "Api"}}, "Key": {"Value": {"Ref": "ApiApiKey"}}},
        }
    )  # fmt: skip


def deploy(cloud: RunningCloud, name: str, kind: str, body: str) -> dict[str, str]:
    """Deploy as SAM does, by a change set; gives the outputs."""
    client = cloud.client("cloudformation")
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    made = client.create_change_set(
        StackName=name, ChangeSetName=f"{kind.lower()}-it", ChangeSetType=kind, TemplateBody=body,
        Capabilities=capabilities,
    )  # fmt: skip
    client.execute_change_set(ChangeSetName=made["Id"])

    def settled() -> dict[str, Any] | None:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    stack = until(settled, what="the stack to settle")
    assert stack is not None
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [each.get("ResourceStatusReason") for each in events if "FAILED" in each["ResourceStatus"]]
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), reasons
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_a_sam_application(cloud: RunningCloud) -> None:
    make_handler(cloud, "sam-judge", JUDGE)
    gateway = cloud.client("apigateway")
    plans_before = gateway.get_usage_plans()["items"]
    made = deploy(cloud, "guarded", "CREATE", template(2, caching=True))

    def get(path: str, method: str = "GET", **headers: str) -> Answer:
        url = f"{cloud.https_url}/_aws/execute-api/{made['Api']}/v1{path}"
        return ask(
            cloud, method, url, None, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    assert get("/judged")[0] == 401
    assert get("/judged", Authorization="bad")[0] == 403
    first = get("/judged", Authorization="good")
    assert (first[0], get("/judged", Authorization="good")[2]) == (200, first[2])
    assert get("/judged", "OPTIONS")[0] == 200  # the preflight is asked without a token
    assert get("/open")[0] == 200
    assert get("/signed")[0] == 403
    key = gateway.get_api_key(apiKey=made["Key"], includeValue=True)["value"]
    assert [get("/keyed", x_api_key=given)[0] for given in ("", "wrong", key, key, key)] == [
        403, 403, 200, 200, 429,
    ]  # fmt: skip
    stage = gateway.get_stage(restApiId=made["Api"], stageName="v1")
    assert stage["methodSettings"]["*/*"]["cachingEnabled"] is True

    deploy(cloud, "guarded", "UPDATE", template(3, caching=False))
    answers = {get("/judged", Authorization="good")[2] for _ in range(3)}
    assert len(answers) == 3
    assert [get("/keyed", x_api_key=key)[0] for _ in range(2)] == [200, 429]
    cloud.client("cloudformation").delete_stack(StackName="guarded")
    until(lambda: get("/open")[0] == 403, what="the API to go")
    until(lambda: gateway.get_usage_plans()["items"] == plans_before, what="the usage plan to go")


def test_types_that_control_access(cloud: RunningCloud) -> None:
    def body(limit: int, ttl: int, enabled: bool) -> str:
        mock = {
            "Type": "MOCK", "RequestTemplates": {"application/json": '{"statusCode": 200}'},
            "CacheKeyParameters": ["method.request.querystring.q"], "CacheNamespace": "mine",
            "IntegrationResponses": [{"StatusCode": 200}],
        }  # fmt: skip
        api = {"RestApiId": {"Ref": "Api"}}
        pool = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_abc"
        typed = {
            "Api": ("RestApi", {"Name": "typed"}),
            "Judge": ("Authorizer", {
                **api, "Name": "judge", "Type": "COGNITO_USER_POOLS", "ProviderARNs": [pool + str(limit)],
                "IdentitySource": "method.request.header.Authorization", "AuthorizerResultTtlInSeconds": ttl,
            }),
            "Method": ("Method", {
                **api, "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "HttpMethod": "GET",
                "AuthorizationType": "COGNITO_USER_POOLS", "AuthorizerId": {"Ref": "Judge"},
                "AuthorizationScopes": ["a/b"], "ApiKeyRequired": True, "Integration": mock,
                "RequestParameters": {"method.request.querystring.q": False},
                "MethodResponses": [{"StatusCode": 200}],
            }),
            "Deployment": ("Deployment", api),
            "Stage": ("Stage", {
                **api, "DeploymentId": {"Ref": "Deployment"}, "StageName": "s", "CacheClusterEnabled": "true",
                "CacheClusterSize": 0.5 if limit == 1 else "1.6",
                "Tags": [{"Key": "limit", "Value": str(limit)}, {"Key": f"only{limit}", "Value": "x"}],
                "MethodSettings": [EVERY | {"CachingEnabled": True, "CacheTtlInSeconds": ttl}],
            }),
            "Key": ("ApiKey", {"Name": "typed", "Enabled": enabled, "Value": "typed-typed-typed-typed"}),
            "Plan": ("UsagePlan", {
                "UsagePlanName": "typed", "Quota": {"Limit": limit, "Period": "MONTH"},
                "Throttle": {"BurstLimit": limit, "RateLimit": 0.5},
                "ApiStages": [{"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "Stage"},
                               "Throttle": {"/a/GET": {"RateLimit": limit, "BurstLimit": "7"}}}],
            }),
            "Member": ("UsagePlanKey", {
                "KeyId": {"Ref": "Key"}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": "Plan"},
            }),
        }  # fmt: skip
        resources: dict[str, Any] = {
            name: {"Type": f"AWS::ApiGateway::{kind}", "Properties": properties}
            for name, (kind, properties) in typed.items()
        }
        resources["Deployment"]["DependsOn"] = "Method"
        names = ("Api", "Judge", "Key", "Plan")
        return json.dumps(
            {"Resources": resources, "Outputs": {name: {"Value": {"Ref": name}} for name in names}}
        )

    gateway = cloud.client("apigateway")

    def tags(made: dict[str, str]) -> dict[str, str]:
        found = gateway.get_stage(restApiId=made["Api"], stageName="s")["tags"]
        return {key: value for key, value in found.items() if not key.startswith("aws:")}

    def shown(made: dict[str, str]) -> tuple[Any, ...]:
        where = {"restApiId": made["Api"]}
        judge = gateway.get_authorizer(**where, authorizerId=made["Judge"])
        stage = gateway.get_stage(**where, stageName="s")
        plan = gateway.get_usage_plan(usagePlanId=made["Plan"])
        assert gateway.get_usage_plan_keys(usagePlanId=made["Plan"])["items"][0]["id"] == made["Key"]
        return (
            judge["authorizerResultTtlInSeconds"], judge["providerARNs"][0][-1],
            stage["methodSettings"]["*/*"]["cacheTtlInSeconds"], stage["cacheClusterSize"],
            gateway.get_api_key(apiKey=made["Key"])["enabled"],
            plan["quota"]["limit"], plan["throttle"], plan["apiStages"][0]["throttle"],
        )  # fmt: skip

    made = deploy(cloud, "typed", "CREATE", body(1, 60, enabled=True))
    limits = {"/a/GET": {"rateLimit": 1.0, "burstLimit": 7}}
    assert shown(made) == (60, "1", 60, "0.5", True, 1, {"burstLimit": 1, "rateLimit": 0.5}, limits)
    assert tags(made) == {"limit": "1", "only1": "x"}
    root = gateway.get_resources(restApiId=made["Api"])["items"][0]["id"]
    method = gateway.get_method(restApiId=made["Api"], resourceId=root, httpMethod="GET")
    assert method["authorizationScopes"] == ["a/b"]
    assert method["methodIntegration"]["cacheNamespace"] == "mine"
    assert method["methodIntegration"]["cacheKeyParameters"] == ["method.request.querystring.q"]

    again = deploy(cloud, "typed", "UPDATE", body(2, 90, enabled=False))
    assert again == made  # changed in place
    assert tags(made) == {"limit": "2", "only2": "x"}
    limits = {"/a/GET": {"rateLimit": 2.0, "burstLimit": 7}}
    assert shown(made) == (90, "2", 90, "1.6", False, 2, {"burstLimit": 2, "rateLimit": 0.5}, limits)


def test_a_stage_described_by_its_deployment(cloud: RunningCloud) -> None:
    method = {
        "RestApiId": {"Ref": "Api"}, "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
        "HttpMethod": "GET", "AuthorizationType": "NONE", "Integration": {"Type": "MOCK"},
    }  # fmt: skip
    described = {
        "CacheClusterEnabled": True, "CachingEnabled": True, "CacheTtlInSeconds": 20, "Variables": {"a": "b"},
        "MethodSettings": [{"ResourcePath": "/x", "HttpMethod": "GET", "ThrottlingRateLimit": 3}],
    }  # fmt: skip
    deployment = {"RestApiId": {"Ref": "Api"}, "StageName": "d", "StageDescription": described}
    body = {
        "Resources": {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "described"}},
            "Method": {"Type": "AWS::ApiGateway::Method", "Properties": method},
            "Deployment": {
                "Type": "AWS::ApiGateway::Deployment", "Properties": deployment, "DependsOn": "Method",
            },
        },
        "Outputs": {"Api": {"Value": {"Ref": "Api"}}},
    }  # fmt: skip
    made = deploy(cloud, "described", "CREATE", json.dumps(body))
    stage = cloud.client("apigateway").get_stage(restApiId=made["Api"], stageName="d")
    assert (stage["cacheClusterEnabled"], stage["variables"]) == (True, {"a": "b"})
    settings = stage["methodSettings"]
    assert (settings["*/*"]["cachingEnabled"], settings["*/*"]["cacheTtlInSeconds"]) == (True, 20)
    assert settings["~1x/GET"]["throttlingRateLimit"] == 3.0


def test_a_sam_application_with_a_user_pool(cloud: RunningCloud) -> None:
    scoped = {"Authorizer": "People", "AuthorizationScopes": ["aws.cognito.signin.user.admin"]}
    events = {"Mine": route("/mine"), "Scoped": route("/scoped", Auth=scoped)}
    auth = {
        "DefaultAuthorizer": "People", "AddDefaultAuthorizerToCorsPreflight": False,
        "Authorizers": {"People": {"UserPoolArn": {"Fn::GetAtt": ["Pool", "Arn"]}}},
    }  # fmt: skip
    client = {"UserPoolId": {"Ref": "Pool"}, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]}
    handler = {"InlineCode": COUNTER, "Handler": "index.handler", "Runtime": "python3.12", "Events": events}
    api = {"StageName": "v1", "Cors": "'*'", "Auth": auth}
    body = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "sam"}},
            "Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": client},
            "Api": {"Type": "AWS::Serverless::Api", "Properties": api},
            "Handler": {"Type": "AWS::Serverless::Function", "Properties": handler},
        },
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Api", "Pool", "Client")},
    }
    made = deploy(cloud, "pooled", "CREATE", json.dumps(body))
    idp = cloud.client("cognito-idp")
    idp.sign_up(ClientId=made["Client"], Username="ann", Password="Secret-123")
    idp.admin_confirm_sign_up(UserPoolId=made["Pool"], Username="ann")
    tokens = idp.initiate_auth(
        ClientId=made["Client"], AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": "Secret-123"},
    )["AuthenticationResult"]  # fmt: skip

    def get(path: str, method: str = "GET", **headers: str) -> int:
        url = f"{cloud.https_url}/_aws/execute-api/{made['Api']}/v1{path}"
        return ask(cloud, method, url, None, headers)[0]

    assert get("/mine") == 401
    assert get("/mine", "OPTIONS") == 200
    assert get("/mine", Authorization=tokens["IdToken"]) == 200
    assert get("/mine", Authorization=tokens["AccessToken"]) == 401
    assert get("/scoped", Authorization=f"Bearer {tokens['AccessToken']}") == 200
    assert get("/scoped", Authorization=tokens["IdToken"]) == 401
