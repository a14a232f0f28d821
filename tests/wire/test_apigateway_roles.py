"""Who may give an API a role that it then acts by."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gateways import operation
from packages import make_role
from running import RunningCloud

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
SCAN = "arn:aws:apigateway:us-east-1:dynamodb:action/ListTables"
JUDGE = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000"
JUDGE += ":function:judge/invocations"


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    return make_role(cloud.client("iam"), "powerful", admin, trust=TRUST)


@pytest.fixture(scope="module")
def developer(cloud: RunningCloud) -> Any:
    """Somebody who may do anything with API Gateway, and nothing else."""
    iam = cloud.client("iam")
    iam.create_user(UserName="api-developer")
    statement = {"Effect": "Allow", "Action": "apigateway:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="api-developer", PolicyName="apis", PolicyDocument=document)
    key = iam.create_access_key(UserName="api-developer")["AccessKey"]
    return cloud.client("apigateway", key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def definition(role: str) -> bytes:
    integration = {"type": "aws", "httpMethod": "POST", "uri": SCAN, "credentials": role}
    document = {"swagger": "2.0", "info": {"title": "t", "version": "1"}}
    return json.dumps(document | {"paths": {"/": {"get": operation(integration)}}}).encode()


def refused(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    return caught.value.response["Error"]["Message"]


def ways(client: Any, api: str, root: str, role: str) -> list[tuple[Any, dict[str, Any]]]:
    """All that give an API a role."""
    at = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    patch = [{"op": "replace", "path": "/credentials", "value": role}]
    authorizer = {"restApiId": api, "name": "judge", "type": "TOKEN", "authorizerUri": JUDGE}
    authorizer |= {"identitySource": "method.request.header.X", "authorizerCredentials": role}
    integration = {"type": "AWS", "integrationHttpMethod": "POST", "uri": SCAN, "credentials": role}
    return [
        (client.put_integration, at | integration),
        (client.update_integration, at | {"patchOperations": patch}),
        (client.create_authorizer, authorizer),
        (client.put_rest_api, {"restApiId": api, "mode": "overwrite", "body": definition(role)}),
        (client.import_rest_api, {"body": definition(role)}),
    ]


@pytest.fixture
def api(cloud: RunningCloud) -> tuple[str, str]:
    """An API with a mocked method, and its root."""
    admin = cloud.client("apigateway")
    made = admin.create_rest_api(name="roles")
    at = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "GET"}
    admin.put_method(**at, authorizationType="NONE")
    admin.put_integration(**at, type="MOCK")
    return made["id"], made["rootResourceId"]


def test_a_developer_of_apis_may_not_pass_a_role(developer: Any, api: tuple[str, str], role: str) -> None:
    for call, params in ways(developer, *api, role):
        assert f"not authorized to perform: iam:PassRole on resource: {role}" in refused(call, **params)


def test_nobody_passes_a_role_of_another_account(cloud: RunningCloud, api: tuple[str, str]) -> None:
    foreign = "arn:aws:iam::111122223333:role/powerful"
    for call, params in ways(cloud.client("apigateway"), *api, foreign):
        assert refused(call, **params) == "Cross-account pass role is not allowed."


def test_what_an_api_has_already_stays(
    cloud: RunningCloud, developer: Any, api: tuple[str, str], role: str
) -> None:
    """Who may pass it gives it, others go on editing."""
    for call, params in ways(cloud.client("apigateway"), *api, role):
        call(**params)
    at = {"restApiId": api[0], "resourceId": api[1], "httpMethod": "GET"}
    patch = [{"op": "replace", "path": "/timeoutInMillis", "value": "1000"}]
    assert developer.update_integration(**at, patchOperations=patch)["credentials"] == role
    caller = [{"op": "replace", "path": "/credentials", "value": "arn:aws:iam::*:user/*"}]
    assert developer.update_integration(**at, patchOperations=caller)["credentials"].endswith("user/*")
