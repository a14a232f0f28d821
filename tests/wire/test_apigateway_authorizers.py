"""Lambda authorizers and resource policies over HTTPS, and ways round them."""

import json
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateways import Api, ask, function_uri, make_handler, mock, operation, patch
from packages import LOGGING, make_function, make_role
from running import RunningCloud

ECHO = (
    "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
)

# Answers by token. Each answer has a number of its own, so that a kept one is known by it.
AUTHORIZER = """
import json
asked = 0
def handler(event, context):
    global asked
    asked += 1
    token = event.get('authorizationToken') or event['headers'].get('X-Who') or ''
    arn = event['methodArn']
    if token == 'nobody':
        raise Exception('Unauthorized')
    if token == 'broken':
        raise Exception('secret words')
    if token == 'nothing':
        return None
    context = {'asked': asked, 'share': 1.5, 'yes': True, 'event': json.dumps(event)}
    if token == 'nested':
        context['inner'] = {'a': 1}
    resource = arn
    if token == 'all':
        resource = '/'.join(arn.split('/')[:2]) + '/*'
    statements = [{'Action': 'execute-api:Invoke', 'Effect': 'Allow', 'Resource': resource}]
    if token == 'most':
        top = '/'.join(arn.split('/')[:2])
        statements = [
            {'Action': 'execute-api:*', 'Effect': 'Allow', 'Resource': top + '/*'},
            {'Action': 'execute-api:Invoke', 'Effect': 'Deny', 'Resource': [top + '/GET/b*']},
        ]
    if token == 'denied':
        statements[0]['Effect'] = 'Deny'
    if token == 'elsewhere':
        statements[0]['Condition'] = {'IpAddress': {'aws:SourceIp': '10.0.0.0/8'}}
    if token == 'unbound':
        del statements[0]['Resource']
    answer = {'principalId': 'user|' + token, 'context': context,
              'policyDocument': {'Version': '2012-10-17', 'Statement': statements}}
    if token == 'anonymous':
        del answer['principalId']
    return answer
"""


def scheme(name: str, kind: str = "token", **more: Any) -> dict[str, Any]:
    return {
        "type": "apiKey", "name": "Authorization" if kind == "token" else "Unused", "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {"type": kind, "authorizerUri": function_uri(name), **more},
    }  # fmt: skip


@pytest.fixture(scope="module")
def echo(cloud: RunningCloud) -> dict[str, Any]:
    make_handler(cloud, "judge", AUTHORIZER)
    return make_handler(cloud, "heard", ECHO)


def guarded(cloud: RunningCloud, name: str, echo: dict[str, Any], kind: str = "token", **more: Any) -> Api:
    get = operation(echo, security=[{"judge": []}])
    paths = {"/a": {"get": get}, "/b": {"get": get}, "/items/{id}": {"get": get}}
    return Api(cloud, name, paths, securityDefinitions={"judge": scheme("judge", kind, **more)})


@pytest.fixture(scope="module")
def token(cloud: RunningCloud, echo: dict[str, Any]) -> Api:
    return guarded(cloud, "by-token", echo, authorizerResultTtlInSeconds=0)


def body_of(answer: tuple[int, Any, bytes]) -> tuple[int, Any]:
    return answer[0], json.loads(answer[2])


def test_what_a_token_authorizer_gets_and_gives(token: Api) -> None:
    status, event = body_of(token.ask("GET", "/items/a%20b", Authorization="someone"))
    assert status == 200
    given = event["requestContext"]["authorizer"]
    assert given["principalId"] == "user|someone"
    # Members come as text, whatever they were.
    assert (given["share"], given["yes"]) == ("1.5", "true")
    assert isinstance(given["integrationLatency"], int)
    arn = f"arn:aws:execute-api:us-east-1:000000000000:{token.id}/s/GET/items/a%20b"
    assert json.loads(given["event"]) == {
        "type": "TOKEN", "methodArn": arn, "authorizationToken": "someone",
    }  # fmt: skip


UNAUTHORIZED = (401, {"message": "Unauthorized"})
DENIED = "User is not authorized to access this resource"


def test_answers_of_authorizers_that_let_nobody_in(token: Api) -> None:
    assert body_of(token.ask("GET", "/a")) == UNAUTHORIZED
    assert body_of(token.ask("GET", "/a", Authorization="nobody")) == UNAUTHORIZED
    assert body_of(token.ask("GET", "/a", Authorization="denied")) == (
        403, {"Message": f"{DENIED} with an explicit deny in an identity-based policy"},
    )  # fmt: skip
    status, headers, raw = token.ask("GET", "/a", Authorization="elsewhere")
    assert (status, headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert json.loads(raw)["Message"].startswith(DENIED)


@pytest.mark.parametrize("who", ["broken", "nothing", "nested", "anonymous", "unbound"])
def test_authorizers_that_fail_are_500_and_tell_nothing(token: Api, who: str) -> None:
    status, headers, raw = token.ask("GET", "/a", Authorization=who)
    assert (status, json.loads(raw)) == (500, {"message": None})
    assert headers["x-amzn-errortype"] == "AuthorizerConfigurationException"


def test_the_header_counts_in_any_case(token: Api) -> None:
    for name in ("authorization", "AUTHORIZATION", "AuThOrIzAtIoN"):
        assert ask(token.cloud, "GET", token.url + "/a", None, {name: "someone"})[0] == 200


def test_a_kept_policy_is_applied_to_each_method(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    """A policy for one method denies the next one, as on AWS, until it is asked for again."""
    api = guarded(cloud, "kept", echo)

    def asked(path: str, who: str) -> int:
        status, event = body_of(api.ask("GET", path, Authorization=who))
        return int(event["requestContext"]["authorizer"]["asked"]) if status == 200 else status

    first = asked("/a", "someone")
    assert asked("/a", "someone") == first
    assert asked("/b", "someone") == 403
    everything = asked("/a", "all")
    assert asked("/b", "all") == everything != first
    assert (asked("/a", "most") > 0, asked("/b", "most")) == (True, 403)
    api.client.flush_stage_authorizers_cache(restApiId=api.id, stageName="s")
    assert asked("/b", "someone") > everything
    assert asked("/a", "someone") == 403


def test_results_are_kept_for_their_time(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    api = guarded(cloud, "timed", echo, authorizerResultTtlInSeconds=30)

    def asked() -> str:
        return body_of(api.ask("GET", "/a", Authorization="someone"))[1]["requestContext"]["authorizer"][
            "asked"
        ]

    with cloud.held():
        first = asked()
        cloud.advance(29)
        assert asked() == first
        cloud.advance(2)
        assert asked() != first


def test_other_spellings_of_a_path_are_the_same_resource(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    api = guarded(cloud, "spelled", echo)
    for path in ("/b", "/b/", "/%62", "/%62/", "/b?x=1"):
        assert api.ask("GET", path, Authorization="most")[0] == 403, path
    for path in ("//b", "/a/../b", "/a/%2e%2e/b", "/b//"):
        # No route at all, which is told like a missing token.
        assert api.ask("GET", path, Authorization="most")[0] == 403, path
    assert api.ask("GET", "/a/", Authorization="most")[0] == 200


def test_tokens_are_looked_at_before_the_function_is(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    api = guarded(cloud, "shaped", echo, identityValidationExpression="[a-z]{3,7}")
    assert api.ask("GET", "/a", Authorization="someone")[0] == 200
    for wrong in ("broken42", "broken broken", "someone\ttoo", ""):
        assert body_of(api.ask("GET", "/a", Authorization=wrong)) == UNAUTHORIZED, wrong


def test_request_authorizers(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    sources = (
        "method.request.header.x-who, method.request.querystring.q, stageVariables.v,"
        " context.identity.sourceIp"
    )
    api = guarded(cloud, "by-request", echo, "request", identitySource=sources)
    assert body_of(api.ask("GET", "/items/1?q=1", x_who="someone")) == UNAUTHORIZED  # no variable yet
    api.deploy(v="one")
    assert body_of(api.ask("GET", "/items/1", x_who="someone")) == UNAUTHORIZED
    assert body_of(api.ask("GET", "/items/1?q=", x_who="someone")) == UNAUTHORIZED
    assert body_of(api.ask("GET", "/items/1?q=1")) == UNAUTHORIZED
    status, event = body_of(api.ask("GET", "/items/1?q=1&q=2", x_who="someone"))
    assert status == 200
    heard = json.loads(event["requestContext"]["authorizer"]["event"])
    assert heard["type"] == "REQUEST"
    assert heard["methodArn"].endswith(f":{api.id}/s/GET/items/1")
    assert (heard["resource"], heard["path"], heard["httpMethod"]) == ("/items/{id}", "/items/1", "GET")
    assert heard["headers"]["X-Who"] == "someone"  # as the client wrote it
    assert heard["multiValueHeaders"]["X-Who"] == ["someone"]
    assert heard["queryStringParameters"] == {"q": "2"}
    assert heard["multiValueQueryStringParameters"] == {"q": ["1", "2"]}
    assert heard["pathParameters"] == {"id": "1"}
    assert heard["stageVariables"] == {"v": "one"}
    context = heard["requestContext"]
    assert (context["apiId"], context["stage"], context["resourcePath"]) == (api.id, "s", "/items/{id}")
    assert context["identity"]["sourceIp"] == "127.0.0.1"


def test_values_of_several_sources_are_not_mixed_up(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    """A kept answer is for the same values in the same places only."""
    sources = "method.request.querystring.a, method.request.querystring.b"
    api = guarded(cloud, "mixed", echo, "request", identitySource=sources)

    def asked(query: str) -> str:
        status, event = body_of(api.ask("GET", f"/a?{query}", x_who="someone"))
        assert status == 200
        return event["requestContext"]["authorizer"]["asked"]

    queries = (
        "a=x&b=y", "a=y&b=x", "a=xy&b=y", "a=x%00y&b=z", "a=x&b=y%00z", "a=1&a=2&b=3", "a=1%0A2&b=3",
        "a=1,2&b=3", "a=%221%22,%222%22&b=3",
    )  # fmt: skip
    assert len({asked(query) for query in queries}) == len(queries)
    assert asked("b=y&a=x") == asked("a=x&b=y")


def test_who_may_invoke_an_authorizer(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    role = make_role(cloud.client("iam"), "hidden", LOGGING)
    make_function(cloud.client("lambda"), role, "hidden", AUTHORIZER)
    get = operation(echo, security=[{"judge": []}])
    api = Api(cloud, "hidden", {"/a": {"get": get}}, securityDefinitions={"judge": scheme("hidden")})
    assert api.ask("GET", "/a", Authorization="someone")[0] == 500
    # Permission for another API's authorizers is none for this one's.
    add = cloud.client("lambda").add_permission
    own = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/authorizers/*"
    given = {
        "FunctionName": "hidden", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
    }  # fmt: skip
    add(StatementId="other", SourceArn=own.replace(api.id, "another123"), **given)
    assert api.ask("GET", "/a", Authorization="someone")[0] == 500
    add(StatementId="own", SourceArn=own, **given)
    assert api.ask("GET", "/a", Authorization="someone")[0] == 200


def test_the_role_of_an_authorizer(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    iam = cloud.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"},
         "Action": "sts:AssumeRole"}]}  # fmt: skip
    caller = make_role(iam, "judge-caller", trust=trust)
    make_function(
        cloud.client("lambda"), make_role(iam, "private-judge", LOGGING), "private-judge", AUTHORIZER
    )
    get = operation(echo, security=[{"judge": []}])
    definitions = {"judge": scheme("private-judge", authorizerCredentials=caller)}
    api = Api(cloud, "by-role", {"/a": {"get": get}}, securityDefinitions=definitions)
    assert api.ask("GET", "/a", Authorization="someone")[0] == 500
    iam.put_role_policy(
        RoleName="judge-caller", PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}]}),
    )  # fmt: skip
    assert api.ask("GET", "/a", Authorization="someone")[0] == 200


# Resource policies


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    common = {"Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    return {"Version": "2012-10-17", "Statement": [common | each for each in statements]}


HERE = {"IpAddress": {"aws:SourceIp": ["127.0.0.0/8"]}}
AWAY = {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}
VPC = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{"Effect": "Allow"}], 200),
        ([{"Effect": "Allow", "Condition": HERE}], 200),
        ([{"Effect": "Allow", "Condition": AWAY}], 403),
        ([{"Effect": "Allow"}, {"Effect": "Deny", "Condition": HERE}], 403),
        ([{"Effect": "Allow"}, {"Effect": "Deny", "Condition": AWAY}], 200),
        ([{"Effect": "Allow"}, {"Effect": "Deny", "Condition": VPC}], 403),
        ([{"Effect": "Allow", "Resource": "execute-api:/s/GET/open"}], 200),
        ([{"Effect": "Allow", "Resource": "execute-api:/s/POST/*"}], 403),
        ([{"Effect": "Allow", "Resource": "execute-api:/other/*"}], 403),
    ],
)  # fmt: skip
def test_a_resource_policy_by_itself(
    cloud: RunningCloud, statements: list[dict[str, Any]], expected: int
) -> None:
    api = Api(
        cloud, "policed", {"/open": {"get": mock()}}, **{"x-amazon-apigateway-policy": policy(*statements)}
    )
    status, _, raw = api.ask("GET", "/open")
    assert status == expected
    if status == 403:
        message = json.loads(raw)["Message"]
        assert message.startswith(
            "User: anonymous is not authorized to perform: execute-api:Invoke on resource:"
        )
        assert f"arn:aws:execute-api:us-east-1:********0000:{api.id}/s/GET/open" in message


def test_an_address_that_a_client_claims_is_not_its_own(cloud: RunningCloud) -> None:
    document = {"x-amazon-apigateway-policy": policy({"Effect": "Allow", "Condition": AWAY})}
    api = Api(cloud, "claimed", {"/open": {"get": mock()}}, **document)
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Amz-Source-Ip", "CF-Connecting-IP"):
        assert ask(cloud, "GET", api.url + "/open", None, {header: "203.0.113.7"})[0] == 403


@pytest.mark.parametrize(
    ("statement", "who", "expected"),
    [
        # Table A: one of the two must allow, neither may deny.
        ({"Effect": "Allow", "Resource": "execute-api:/none/*"}, "someone", 200),
        ({"Effect": "Allow"}, "someone", 200),
        ({"Effect": "Allow"}, "elsewhere", 200),
        ({"Effect": "Allow"}, "denied", 403),
        ({"Effect": "Allow", "Resource": "execute-api:/none/*"}, "elsewhere", 403),
        ({"Effect": "Deny"}, "someone", 403),
    ],
)  # fmt: skip
def test_resource_policy_and_authorizer_together(
    cloud: RunningCloud, echo: dict[str, Any], statement: dict[str, Any], who: str, expected: int
) -> None:
    get = operation(echo, security=[{"judge": []}])
    more = {"x-amazon-apigateway-policy": policy(statement)}
    api = Api(cloud, "both", {"/a": {"get": get}}, securityDefinitions={"judge": scheme("judge")}, **more)
    assert api.ask("GET", "/a", Authorization=who)[0] == expected


def test_the_default_endpoint_can_be_closed(cloud: RunningCloud) -> None:
    api = Api(cloud, "closed-endpoint", {"/a": {"get": mock()}})
    assert api.ask("GET", "/a")[0] == 200
    api.client.update_rest_api(
        restApiId=api.id, patchOperations=[patch("/disableExecuteApiEndpoint", "true")]
    )
    api.deploy()
    assert body_of(api.ask("GET", "/a")) == (403, {"message": "Forbidden"})


def test_a_body_that_is_too_long(cloud: RunningCloud) -> None:
    api = Api(cloud, "long", {"/a": {"post": mock()}})
    longest = b"x" * (10 << 20)
    assert api.ask("POST", "/a", longest, Content_Type="application/json")[0] == 200
    answer = api.ask("POST", "/a", longest + b"x", Content_Type="application/json")
    assert body_of(answer) == (413, {"message": "Request Too Long"})


def test_authorizers_can_be_tried(cloud: RunningCloud, token: Api) -> None:
    authorizer = token.client.get_authorizers(restApiId=token.id)["items"][0]["id"]

    def tried(**headers: str) -> dict[str, Any]:
        return token.client.test_invoke_authorizer(
            restApiId=token.id, authorizerId=authorizer, headers=headers, pathWithQueryString="/a?x=1"
        )

    answer = tried(Authorization="someone")
    assert (answer["clientStatus"], answer["principalId"]) == (200, "user|someone")
    assert json.loads(answer["policy"])["Statement"][0]["Effect"] == "Allow"
    assert answer["authorization"]["yes"] == ["true"]
    assert json.loads(answer["authorization"]["event"][0])["methodArn"].endswith("/ESTestInvoke-stage/GET/a")
    assert tried()["clientStatus"] == tried(Authorization="nobody")["clientStatus"] == 401
    assert tried(Authorization="broken")["clientStatus"] == 500


def test_callers_with_credentials_of_an_identity_pool(cloud: RunningCloud, echo: dict[str, Any]) -> None:
    pools, iam = cloud.client("cognito-identity"), cloud.client("iam")
    pool = pools.create_identity_pool(IdentityPoolName="guests", AllowUnauthenticatedIdentities=True)
    pool_id = pool["IdentityPoolId"]
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
         "Principal": {"Federated": "cognito-identity.amazonaws.com"},
         "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": pool_id}}}]}  # fmt: skip
    role = make_role(iam, "api-guest", trust=trust)
    get = operation(echo, **{"x-amazon-apigateway-auth": {"type": "AWS_IAM"}})
    api = Api(cloud, "for-guests", {"/a": {"get": get}, "/users/{id}": {"get": get}})
    users = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/s/GET/users"
    own = users + "/${cognito-identity.amazonaws.com:sub}"
    iam.put_role_policy(
        RoleName="api-guest", PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": own}]}),
    )  # fmt: skip
    pools.set_identity_pool_roles(IdentityPoolId=pool_id, Roles={"unauthenticated": role})

    def guest() -> tuple[str, Credentials]:
        identity = pools.get_id(IdentityPoolId=pool_id)["IdentityId"]
        given = pools.get_credentials_for_identity(IdentityId=identity)["Credentials"]
        return identity, Credentials(given["AccessKeyId"], given["SecretKey"], given["SessionToken"])

    def signed(path: str, keys: Credentials) -> Any:
        request = AWSRequest("GET", api.url + path, headers={"host": f"localhost:{cloud.port}"})
        SigV4Auth(keys, "execute-api", "us-east-1").add_auth(request)
        return ask(cloud, "GET", api.url + path, None, dict(request.headers.items()))

    identity, keys = guest()
    other, _ = guest()
    colon = identity.replace(":", "%3A")
    for path in (f"/users/{identity}", f"/users/{colon}", f"/users/{identity}/"):
        status, event = body_of(signed(path, keys))
        assert status == 200, event
    told = event["requestContext"]["identity"]
    assert told["cognitoIdentityId"] == identity
    assert told["cognitoIdentityPoolId"] == pool_id
    assert told["cognitoAuthenticationType"] == "unauthenticated"
    assert told["cognitoAuthenticationProvider"] is None
    assert told["userArn"].endswith("assumed-role/api-guest/CognitoIdentityCredentials")
    for path in (f"/users/{other}", "/a", f"/users/{identity}%2F..%2F{other}"):
        assert signed(path, keys)[0] == 403, path
