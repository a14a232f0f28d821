"""The cache of a stage: what is kept, for whom, for how long, and who may have it refreshed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateways import Answer, Api, ask, function_uri, make_handler, operation, patch
from running import RunningCloud
from waiting import until

# Each answer has a number of its own, so that a kept one is known by it.
COUNTER = """
import json
count = 0
def handler(event, context):
    global count
    count += 1
    query = event['queryStringParameters'] or {}
    size = int(query.get('size', 0))
    body = {'count': count, 'path': event['path'], 'who': event['headers'].get('Authorization')}
    return {'statusCode': int(query.get('status', 200)), 'headers': {'x-count': str(count)},
            'body': 'x' * size if size else json.dumps(body)}
"""
HEADER = {"name": "Authorization", "in": "header", "required": False, "type": "string"}
QUERY = {"name": "q", "in": "query", "required": False, "type": "string"}
PATH = {"name": "id", "in": "path", "required": True, "type": "string"}


@pytest.fixture(scope="module")
def counter(cloud: RunningCloud) -> dict[str, Any]:
    return make_handler(cloud, "counter", COUNTER)


def keyed(counter: dict[str, Any], *keys: str, **more: Any) -> dict[str, Any]:
    integration = counter | {"cacheKeyParameters": list(keys)}
    return operation(integration, parameters=[HEADER, QUERY, PATH], **more)


def cached(
    cloud: RunningCloud, name: str, paths: dict[str, Any], *patches: dict[str, str], **more: Any
) -> Api:
    api = Api(cloud, name, paths, **more)
    change(api, patch("/cacheClusterEnabled", "true"), patch("/*/*/caching/enabled", "true"), *patches)
    return api


def change(api: Api, *patches: dict[str, str]) -> dict[str, Any]:
    return api.client.update_stage(restApiId=api.id, stageName="s", patchOperations=list(patches))


def counted(api: Api, path: str, method: str = "GET", **headers: str) -> int:
    status, answered, _ = api.ask(method, path, **headers)
    assert status < 500
    return int(answered["x-count"])


def test_what_tells_answers_apart(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    paths = {
        "/none": {"get": keyed(counter)},
        "/query": {"get": keyed(counter, "method.request.querystring.q")},
        "/items/{id}": {"get": keyed(counter, "method.request.path.id")},
        "/same/{id}": {"get": keyed(counter)},
        "/mine": {"get": keyed(counter, "method.request.header.Authorization")},
    }
    api = cached(cloud, "keys", paths)
    # Parameters that are not listed do not count.
    assert counted(api, "/none") == counted(api, "/none?q=1") == counted(api, "/none?q=2")
    assert counted(api, "/same/1") == counted(api, "/same/2")
    # Listed ones do, in whatever order and among others.
    first = counted(api, "/query?q=1")
    assert first == counted(api, "/query?q=1&z=1") == counted(api, "/query?z=2&q=1")
    assert (
        len({first, counted(api, "/query?q=2"), counted(api, "/query"), counted(api, "/query?q=1&q=2")}) == 4
    )
    assert counted(api, "/items/1") == counted(api, "/items/1") != counted(api, "/items/2")
    # Nobody gets what another was answered.
    mine = counted(api, "/mine", Authorization="me")
    assert mine == counted(api, "/mine", authorization="me")
    assert mine != counted(api, "/mine", Authorization="you")
    assert mine != counted(api, "/mine")
    answer = api.ask("GET", "/mine", Authorization="you")
    assert json.loads(answer[2])["who"] == "you"


def test_a_kept_answer_is_the_same_but_for_its_request_id(
    cloud: RunningCloud, counter: dict[str, Any]
) -> None:
    api = cached(cloud, "same", {"/": {"get": keyed(counter)}})
    first, second = api.ask("GET", "/"), api.ask("GET", "/")
    assert first[0] == second[0] == 200
    assert first[2] == second[2]
    own = ("x-amzn-requestid", "x-amz-apigw-id", "date")
    assert {k: v for k, v in first[1].items() if k not in own} == {
        k: v for k, v in second[1].items() if k not in own
    }
    assert first[1]["x-amzn-requestid"] != second[1]["x-amzn-requestid"]


def test_only_get_is_cached_unless_a_method_says_so(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    api = cached(cloud, "verbs", {"/a": {"x-amazon-apigateway-any-method": keyed(counter)}})
    assert counted(api, "/a") == counted(api, "/a")
    assert counted(api, "/a", "POST") != counted(api, "/a", "POST")
    change(api, patch("/~1a/POST/caching/enabled", "true"), patch("/~1a/GET/caching/enabled", "false"))
    assert counted(api, "/a", "POST") == counted(api, "/a", "POST")
    assert counted(api, "/a") != counted(api, "/a")


def test_nothing_is_cached_without_a_cluster_or_a_setting(
    cloud: RunningCloud, counter: dict[str, Any]
) -> None:
    api = Api(cloud, "bare", {"/": {"get": keyed(counter)}})
    change(api, patch("/*/*/caching/enabled", "true"))
    assert counted(api, "/") != counted(api, "/")
    change(api, patch("/cacheClusterEnabled", "true"), patch("/*/*/caching/enabled", "false"))
    assert counted(api, "/") != counted(api, "/")
    change(api, patch("/*/*/caching/enabled", "true"), patch("/*/*/caching/ttlInSeconds", "0"))
    assert counted(api, "/") != counted(api, "/")


def test_answers_are_kept_for_their_time(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    paths = {"/": {"get": keyed(counter)}, "/short": {"get": keyed(counter)}}
    api = cached(cloud, "times", paths, patch("/~1short/GET/caching/ttlInSeconds", "10"))
    long, short = counted(api, "/"), counted(api, "/short")
    cloud.advance(11)
    assert counted(api, "/") == long
    assert counted(api, "/short") != short
    cloud.advance(290)
    assert counted(api, "/") != long


def test_errors_and_large_answers_are_not_kept(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    api = cached(cloud, "sizes", {"/": {"get": keyed(counter)}})
    for path in ("/?status=404", "/?status=500", "/?status=302", "/?size=1048577"):
        answers = [api.ask("GET", path)[1].get("x-count") for _ in range(2)]
        assert answers[0] != answers[1], path
    assert counted(api, "/?size=1048576") == counted(api, "/")


def test_flushing_and_resizing_forget_all(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    api = cached(cloud, "flushed", {"/": {"get": keyed(counter)}})
    first = counted(api, "/")
    api.deploy()
    assert counted(api, "/") == first  # a deployment alone does not
    api.client.flush_stage_cache(restApiId=api.id, stageName="s")
    second = counted(api, "/")
    assert second != first
    change(api, patch("/cacheClusterSize", "1.6"))
    assert counted(api, "/") != second


def test_a_stage_made_again_begins_empty(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    api = cached(cloud, "again", {"/": {"get": keyed(counter)}})
    first = counted(api, "/")
    change(api, patch("/cacheClusterEnabled", "false"))
    change(api, patch("/cacheClusterEnabled", "true"))
    second = counted(api, "/")
    assert second != first
    api.client.delete_stage(restApiId=api.id, stageName="s")
    api.deploy()
    change(api, patch("/cacheClusterEnabled", "true"), patch("/*/*/caching/enabled", "true"))
    assert counted(api, "/") not in (first, second)


def test_namespaces_share_answers(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    shared = counter | {"cacheNamespace": "together"}
    paths = {"/a": {"get": keyed(shared)}, "/b": {"get": keyed(shared)}, "/c": {"get": keyed(counter)}}
    api = cached(cloud, "namespaces", paths)
    assert counted(api, "/a") == counted(api, "/b") != counted(api, "/c")


WARNING = "199 Cache-control headers were ignored because the caller was unauthorized."
STRATEGY = "/*/*/caching/unauthorizedCacheControlHeaderStrategy"


def test_refreshing_without_permission(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    api = cached(cloud, "refused", {"/": {"get": keyed(counter)}})
    first = counted(api, "/")
    fresh = {"Cache_Control": "max-age=0"}
    status, headers, _ = api.ask("GET", "/", **fresh)
    assert (status, headers["warning"], int(headers["x-count"])) == (200, WARNING, first)
    change(api, patch(STRATEGY, "SUCCEED_WITHOUT_RESPONSE_HEADER"))
    status, headers, _ = api.ask("GET", "/", **fresh)
    assert (status, headers.get("warning"), int(headers["x-count"])) == (200, None, first)
    change(api, patch(STRATEGY, "FAIL_WITH_403"))
    assert api.ask("GET", "/", **fresh)[0] == 403
    assert counted(api, "/") == first  # what was kept is still there
    change(api, patch("/*/*/caching/requireAuthorizationForCacheControl", "false"))
    second = counted(api, "/", Cache_Control="no-transform, Max-Age=0")
    assert second != first
    assert counted(api, "/") == second  # it took the place of the old one
    assert counted(api, "/", Cache_Control="no-cache") == second


def signer(api: Api, *keys: str) -> Callable[..., Answer]:
    def signed(path: str, **headers: str) -> Answer:
        request = AWSRequest(
            "GET", api.url + path, headers={"host": f"localhost:{api.cloud.port}", **headers}
        )
        SigV4Auth(Credentials(*keys), "execute-api", "us-east-1").add_auth(request)
        return ask(api.cloud, "GET", api.url + path, None, dict(request.headers.items()))

    return signed


def test_refreshing_by_iam(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    get = keyed(counter, **{"x-amazon-apigateway-auth": {"type": "AWS_IAM"}})
    api = cached(cloud, "refreshed", {"/": {"get": get}}, patch(STRATEGY, "FAIL_WITH_403"))
    iam = cloud.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    signed = signer(api, key["AccessKeyId"], key["SecretAccessKey"])

    def allow(*actions: str) -> None:
        resource = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/s/GET/"
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
        iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [statement]}))  # fmt: skip

    assert signer(api, "test", "test")("/")[0] == 200  # the answer is kept now
    assert signed("/")[0] == 403  # but authorization is asked for each request
    allow("execute-api:Invoke")
    first = signed("/")[1]["x-count"]
    assert signed("/", **{"cache-control": "max-age=0"})[0] == 403
    allow("execute-api:Invoke", "execute-api:InvalidateCache")
    assert signed("/", **{"cache-control": "max-age=0"})[1]["x-count"] != first


INVALIDATOR = """
def handler(event, context):
    actions = ['execute-api:Invoke']
    if event['authorizationToken'] == 'chief':
        actions.append('execute-api:InvalidateCache')
    return {'principalId': 'p', 'policyDocument': {'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': actions, 'Resource': event['methodArn']}]}}
"""


def test_refreshing_by_an_authorizers_policy(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    make_handler(cloud, "invalidator", INVALIDATOR)
    authorizer = {
        "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": function_uri("invalidator")},
    }  # fmt: skip
    get = keyed(counter, security=[{"a": []}])
    api = cached(cloud, "by-authorizer", {"/": {"get": get}}, securityDefinitions={"a": authorizer})
    first = counted(api, "/", Authorization="clerk")
    assert counted(api, "/", Authorization="clerk", Cache_Control="max-age=0") == first
    assert counted(api, "/", Authorization="chief", Cache_Control="max-age=0") != first
    assert api.ask("GET", "/")[0] == 401


def test_the_clusters_status(fresh_cloud: RunningCloud) -> None:
    counter = {"type": "mock"}
    api = Api(fresh_cloud, "cluster", {"/": {"get": operation(counter)}})
    stage = change(api, patch("/cacheClusterEnabled", "true"))
    assert (stage["cacheClusterStatus"], stage["cacheClusterSize"]) == ("CREATE_IN_PROGRESS", "0.5")
    fresh_cloud.advance(5)

    def status() -> str:
        return api.client.get_stage(restApiId=api.id, stageName="s")["cacheClusterStatus"]

    assert status() == "AVAILABLE"
    assert change(api, patch("/cacheClusterSize", "6.1"))["cacheClusterStatus"] == "CREATE_IN_PROGRESS"
    fresh_cloud.advance(5)
    assert change(api, patch("/description", "same"))["cacheClusterStatus"] == "AVAILABLE"
    assert change(api, patch("/cacheClusterEnabled", "false"))["cacheClusterStatus"] == "DELETE_IN_PROGRESS"
    fresh_cloud.advance(5)
    assert status() == "NOT_AVAILABLE"
    with pytest.raises(api.client.exceptions.BadRequestException, match="Invalid cache cluster size"):
        change(api, patch("/cacheClusterSize", "3"))
    with pytest.raises(api.client.exceptions.BadRequestException, match="3600"):
        change(api, patch("/*/*/caching/ttlInSeconds", "3601"))


def test_hits_and_misses_are_counted(cloud: RunningCloud, counter: dict[str, Any]) -> None:
    api = cached(cloud, "metered", {"/": {"get": keyed(counter)}}, patch("/*/*/metrics/enabled", "true"))
    for _ in range(5):
        api.ask("GET", "/")
    metrics, now = cloud.client("cloudwatch"), datetime.now(UTC)

    def total(name: str, **place: str) -> float:
        dimensions = {"ApiName": "metered", "Stage": "s"} | place
        found = metrics.get_metric_statistics(
            Namespace="AWS/ApiGateway", MetricName=name, Period=86_400, Statistics=["Sum"],
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(days=2), EndTime=now + timedelta(days=2),
        )  # fmt: skip
        return sum(point["Sum"] for point in found["Datapoints"])

    until(lambda: total("CacheHitCount") == 4, what="the hits to be counted")
    assert total("CacheMissCount") == 1
    assert total("Count") == total("Count", Resource="/", Method="GET") == 5
    assert total("CacheHitCount", Resource="/", Method="GET") == 4


def test_cache_keys_must_be_parameters_of_the_method(cloud: RunningCloud) -> None:
    gateway = cloud.client("apigateway")
    api = gateway.create_rest_api(name="unknown-keys")
    where = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    gateway.put_method(
        **where, authorizationType="NONE", requestParameters={"method.request.querystring.q": False}
    )
    with pytest.raises(gateway.exceptions.BadRequestException, match=r"method\.request\.querystring\.z"):
        gateway.put_integration(**where, type="MOCK", cacheKeyParameters=["method.request.querystring.z"])
    made = gateway.put_integration(
        **where, type="MOCK", cacheKeyParameters=["method.request.querystring.q"], cacheNamespace="n"
    )
    assert (made["cacheKeyParameters"], made["cacheNamespace"]) == (["method.request.querystring.q"], "n")
