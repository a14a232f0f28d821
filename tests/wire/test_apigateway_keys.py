"""API keys and usage plans: management, and what they let through over HTTPS."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateways import Api, function_uri, make_handler, mock, operation, patch
from running import RunningCloud

ECHO = (
    "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
)
FORBIDDEN = (403, {"message": "Forbidden"})


@pytest.fixture(scope="module")
def gateway(cloud: RunningCloud) -> Any:
    return cloud.client("apigateway")


def refused(function: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - boto3 makes its errors' classes
        function(**params)
    error = caught.value.response["Error"]  # type: ignore[attr-defined]
    return error["Code"], error["Message"]


def keyed(cloud: RunningCloud, name: str, **more: Any) -> Api:
    """An API whose methods want a key."""
    get = mock(security=[{"api_key": []}])
    paths = {"/a": {"get": get}, "/b": {"get": get}, "/open": {"get": mock()}}
    scheme = {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
    return Api(cloud, name, paths, securityDefinitions=scheme, **more)


def admitted(api: Api, name: str, **plan: Any) -> tuple[str, str, str]:
    """A plan for the API with one key in it; ids of both and the key's value."""
    stages = [{"apiId": api.id, "stage": "s", **plan.pop("stage", {})}]
    made = api.client.create_usage_plan(name=name, apiStages=stages, **plan)
    key = api.client.create_api_key(name=name, enabled=True)
    api.client.create_usage_plan_key(usagePlanId=made["id"], keyId=key["id"], keyType="API_KEY")
    return made["id"], key["id"], key["value"]


def statuses(api: Api, value: str, times: int, path: str = "/a") -> list[int]:
    return [api.ask("GET", path, x_api_key=value)[0] for _ in range(times)]


# Management


def test_keys_are_made_read_changed_and_deleted(gateway: Any) -> None:
    made = gateway.create_api_key(name="first", description="d", enabled=True, tags={"a": "b"})
    assert len(made["value"]) == 40 and made["enabled"] is True
    shown = gateway.get_api_key(apiKey=made["id"])
    assert "value" not in shown and shown["tags"] == {"a": "b"}
    assert gateway.get_api_key(apiKey=made["id"], includeValue=True)["value"] == made["value"]
    assert [each["id"] for each in gateway.get_api_keys(nameQuery="fir")["items"]] == [made["id"]]
    assert gateway.get_api_keys(nameQuery="fir", includeValues=True)["items"][0]["value"] == made["value"]
    changed = gateway.update_api_key(
        apiKey=made["id"], patchOperations=[patch("/name", "other"), patch("/enabled", "false")]
    )
    assert (changed["name"], changed["enabled"]) == ("other", False)
    arn = f"arn:aws:apigateway:us-east-1::/apikeys/{made['id']}"
    gateway.tag_resource(resourceArn=arn, tags={"c": "d"})
    assert gateway.get_tags(resourceArn=arn)["tags"] == {"a": "b", "c": "d"}
    gateway.delete_api_key(apiKey=made["id"])
    assert refused(gateway.get_api_key, apiKey=made["id"]) == (
        "NotFoundException", "Invalid API Key identifier specified",
    )  # fmt: skip


def test_values_of_keys(gateway: Any, cloud: RunningCloud) -> None:
    value = "a-value-of-the-callers-own"
    assert gateway.create_api_key(name="own", value=value)["value"] == value
    assert refused(gateway.create_api_key, name="again", value=value) == (
        "ConflictException", "API Key already exists",
    )  # fmt: skip
    assert refused(gateway.create_api_key, name="short", value="x" * 19)[0] == "BadRequestException"
    # Another region has keys of its own.
    assert cloud.client("apigateway", region="eu-west-1").create_api_key(name="own", value=value)
    for file in cloud.data.iterdir():
        if file.is_file():
            assert value.encode() not in file.read_bytes(), f"{file} holds the key in the clear"


def test_keys_are_imported(gateway: Any) -> None:
    plan = gateway.create_usage_plan(name="for-imports")["id"]
    rows = f'Name,key,description,Enabled,usageplanIds\nin,{"k" * 24},"a, b",TRUE,"{plan},nope00"\n'
    answer = gateway.import_api_keys(body=rows.encode(), format="csv")
    assert len(answer["ids"]) == 1 and answer["warnings"] == ["Invalid Usage Plan ID specified: nope00"]
    shown = gateway.get_api_key(apiKey=answer["ids"][0], includeValue=True)
    assert (shown["name"], shown["value"], shown["description"]) == ("in", "k" * 24, "a, b")
    assert [each["id"] for each in gateway.get_usage_plan_keys(usagePlanId=plan)["items"]] == answer["ids"]
    again = f"name,key\nnew,{'n' * 24}\nin,{'k' * 24}\n".encode()
    assert refused(gateway.import_api_keys, body=again, format="csv", failOnWarnings=True)[0] == (
        "BadRequestException"
    )
    assert gateway.get_api_keys(nameQuery="new")["items"] == []  # nothing of it was kept
    assert refused(gateway.import_api_keys, body=b"colour\nred\n", format="csv")[0] == "BadRequestException"


def test_plans_and_their_patches(gateway: Any, cloud: RunningCloud) -> None:
    api = keyed(cloud, "planned")
    plan = gateway.create_usage_plan(
        name="p",
        quota={"limit": 10, "period": "WEEK", "offset": 1},
        throttle={"rateLimit": 5, "burstLimit": 2},
    )
    where = {"usagePlanId": plan["id"]}
    named = f"{api.id}:s"
    changed = gateway.update_usage_plan(**where, patchOperations=[
        patch("/apiStages", named, "add"), patch("/throttle/rateLimit", "7.5"), patch("/quota", op="remove"),
        patch(f"/apiStages/{named}/throttle/~1a/GET/rateLimit", "1"),
        patch(f"/apiStages/{named}/throttle/~1a/GET/burstLimit", "2"),
    ])  # fmt: skip
    assert "quota" not in changed and changed["throttle"] == {"rateLimit": 7.5, "burstLimit": 2}
    assert changed["apiStages"] == [
        {"apiId": api.id, "stage": "s", "throttle": {"/a/GET": {"rateLimit": 1.0, "burstLimit": 2}}}
    ]
    # As Terraform spells the path of a method.
    changed = gateway.update_usage_plan(
        **where, patchOperations=[patch(f"/apiStages/{named}/throttle//b/GET/rateLimit", "3")]
    )
    assert changed["apiStages"][0]["throttle"]["/b/GET"] == {"rateLimit": 3.0}
    assert refused(gateway.delete_usage_plan, **where)[0] == "BadRequestException"
    gateway.update_usage_plan(**where, patchOperations=[patch("/apiStages", named, "remove")])
    gateway.delete_usage_plan(**where)
    assert refused(gateway.get_usage_plan, **where)[0] == "NotFoundException"
    for quota, words in (
        ({"limit": 1, "period": "DAY", "offset": 1}, "must be zero in the DAY period"),
        ({"limit": 1, "period": "WEEK", "offset": 7}, "between 0 and 6 inclusive in the WEEK period"),
        ({"limit": 1, "period": "MONTH", "offset": 28}, "between 0 and 27 inclusive in the MONTH period"),
    ):
        code, message = refused(gateway.create_usage_plan, name="wrong", quota=quota)
        assert code == "BadRequestException" and words in message
    assert refused(gateway.create_usage_plan, name="w", apiStages=[{"apiId": "nope", "stage": "s"}]) == (
        "BadRequestException", "API Stage not found: nope:s",
    )  # fmt: skip


def test_a_deleted_key_leaves_its_plans(gateway: Any) -> None:
    plan = gateway.create_usage_plan(name="left")["id"]
    key = gateway.create_api_key(name="leaving")["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    assert refused(gateway.create_usage_plan_key, usagePlanId=plan, keyId=key, keyType="API_KEY")[0] == (
        "ConflictException"
    )
    assert [each["id"] for each in gateway.get_usage_plans(keyId=key)["items"]] == [plan]
    gateway.delete_api_key(apiKey=key)
    assert gateway.get_usage_plan_keys(usagePlanId=plan)["items"] == []


# Serving


def test_who_gets_in(cloud: RunningCloud) -> None:
    api = keyed(cloud, "keyed")
    plan, key, value = admitted(api, "keyed")

    def answer(given: str | None) -> tuple[int, Any]:
        status, _, raw = api.ask("GET", "/a", **({} if given is None else {"x_api_key": given}))
        return status, json.loads(raw) if status != 200 else None

    assert answer(value) == (200, None)
    assert api.ask("GET", "/open")[0] == 200
    # Guesses: none, empty, the key's id, parts, other case, a suffix, two at once.
    for guess in (None, "", key, value[:-1], value.upper(), value + "x", f"{value},{value}", "*", "%"):
        assert answer(guess) == FORBIDDEN, guess
    headers = api.ask("GET", "/a")[1]
    assert headers["x-amzn-errortype"] == "ForbiddenException"
    # A key in the query, or as a token, is none.
    assert api.ask("GET", f"/a?x-api-key={value}", Authorization=value)[0] == 403
    api.client.update_api_key(apiKey=key, patchOperations=[patch("/enabled", "false")])
    assert answer(value) == FORBIDDEN
    api.client.update_api_key(apiKey=key, patchOperations=[patch("/enabled", "true")])
    assert answer(value) == (200, None)
    # A key in no plan, and one of another API's plan.
    assert answer(api.client.create_api_key(name="lonely", enabled=True)["value"]) == FORBIDDEN
    assert answer(admitted(keyed(cloud, "keyed-too"), "keyed-too")[2]) == FORBIDDEN
    api.client.delete_usage_plan_key(usagePlanId=plan, keyId=key)
    assert answer(value) == FORBIDDEN


def test_throttling_by_key(cloud: RunningCloud) -> None:
    api = keyed(cloud, "throttled-keys")
    plan, _, value = admitted(api, "throttled-keys", throttle={"rateLimit": 0.001, "burstLimit": 3})
    assert statuses(api, value, 5) == [200, 200, 200, 429, 429]
    assert json.loads(api.ask("GET", "/b", x_api_key=value)[2]) == {"message": "Too Many Requests"}
    # Another key of the plan has a bucket of its own.
    other = api.client.create_api_key(name="other", enabled=True)
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=other["id"], keyType="API_KEY")
    assert statuses(api, other["value"], 4) == [200, 200, 200, 429]


def test_throttling_by_key_and_method(cloud: RunningCloud) -> None:
    api = keyed(cloud, "throttled-methods")
    limits = {"throttle": {"/a/GET": {"rateLimit": 0.001, "burstLimit": 1}}}
    _, _, value = admitted(api, "m", stage=limits, throttle={"rateLimit": 0.001, "burstLimit": 4})
    assert statuses(api, value, 2) == [200, 429]
    assert statuses(api, value, 4, "/b") == [200, 200, 200, 429]


def test_quotas(fresh_cloud: RunningCloud) -> None:
    noon = fresh_cloud.noon()
    fresh_cloud.move_to(noon)
    api = keyed(fresh_cloud, "metered")
    plan, key, value = admitted(api, "metered", quota={"limit": 2, "period": "DAY"})
    where = {"usagePlanId": plan, "keyId": key}
    assert statuses(api, value, 4) == [200, 200, 429, 429]
    status, headers, raw = api.ask("GET", "/a", x_api_key=value)
    assert (status, json.loads(raw)) == (429, {"message": "Limit Exceeded"})
    assert headers["x-amzn-errortype"] == "LimitExceededException"
    day = datetime.fromtimestamp(noon, UTC).date()
    shown = api.client.get_usage(usagePlanId=plan, startDate=f"{day}", endDate=f"{day}")
    assert shown["items"] == {key: [[2, 0]]}
    extended = api.client.update_usage(**where, patchOperations=[patch("/remaining", "1")])
    assert extended["items"] == {key: [[2, 1]]}
    assert statuses(api, value, 2) == [200, 429]
    fresh_cloud.advance(86_400)
    assert statuses(api, value, 3) == [200, 200, 429]
    span = {"startDate": f"{day}", "endDate": f"{day + timedelta(days=1)}"}
    assert api.client.get_usage(**where, **span)["items"] == {key: [[3, 0], [2, 0]]}
    # What was used is not forgotten when the cloud dies.
    fresh_cloud.kill()
    fresh_cloud.start()
    fresh_cloud.move_to(noon)
    assert statuses(api, value, 1) == [429]
    usage = fresh_cloud.client("apigateway").get_usage(usagePlanId=plan, startDate=f"{day}", endDate=f"{day}")
    assert usage["items"] == {key: [[3, 0]]}


def at(cloud: RunningCloud, day: str) -> None:
    """Move the clock on to the noon of a day, unless it is that day already."""
    if f"{datetime.fromtimestamp(cloud.time(), UTC).date()}" != day:
        cloud.move_to(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp())


def test_quotas_of_weeks_and_months(fresh_cloud: RunningCloud) -> None:
    """A week begins `offset` days after Sunday, a month `offset` days after its first.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-create-usage-plans-with-console.html
    """
    plans = {
        "weekly": {"limit": 2, "period": "WEEK"},
        "tuesdays": {"limit": 2, "period": "WEEK", "offset": 2},
        "monthly": {"limit": 2, "period": "MONTH"},
        "twentieths": {"limit": 2, "period": "MONTH", "offset": 19},
    }
    at(fresh_cloud, "2030-03-02")  # a Saturday
    apis = {name: keyed(fresh_cloud, name) for name in plans}
    values = {name: admitted(apis[name], name, quota=quota)[2] for name, quota in plans.items()}

    def seen(moment: str) -> dict[str, list[int]]:
        at(fresh_cloud, moment)
        return {name: statuses(apis[name], values[name], 1) for name in plans}

    def open_to(moment: str) -> set[str]:
        return {name for name, codes in seen(moment).items() if codes == [200]}

    assert open_to("2030-03-02") == set(plans)
    assert open_to("2030-03-02") == set(plans)
    assert open_to("2030-03-02") == set()
    assert open_to("2030-03-03") == {"weekly"}  # Sunday
    assert open_to("2030-03-04") == {"weekly"}
    assert open_to("2030-03-04") == set()
    assert open_to("2030-03-05") == {"tuesdays"}
    assert open_to("2030-03-09") == {"tuesdays"}  # still the week that began on Tuesday
    assert open_to("2030-03-11") == {"weekly"}
    assert open_to("2030-03-19") == {"weekly", "tuesdays"}
    assert open_to("2030-03-20") == {"weekly", "tuesdays", "twentieths"}
    assert open_to("2030-03-31") == {"weekly", "tuesdays", "twentieths"}
    assert open_to("2030-04-01") == {"weekly", "tuesdays", "monthly"}
    assert open_to("2030-04-19") == {"weekly", "tuesdays", "monthly"}
    assert open_to("2030-04-20") == {"weekly", "tuesdays", "twentieths"}


def test_the_key_in_events(cloud: RunningCloud) -> None:
    integration = make_handler(cloud, "key-echo", ECHO)
    scheme = {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
    get = operation(integration, security=[{"api_key": []}])
    api = Api(cloud, "key-events", {"/a": {"get": get}}, securityDefinitions=scheme)
    _, key, value = admitted(api, "key-events")
    event = json.loads(api.ask("GET", "/a", x_api_key=value)[2])
    identity = event["requestContext"]["identity"]
    assert (identity["apiKey"], identity["apiKeyId"]) == (value, key)


NAMER = """
def handler(event, context):
    policy = {'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': 'execute-api:Invoke', 'Resource': event['methodArn']}]}
    answer = {'principalId': 'p', 'policyDocument': policy}
    if event['authorizationToken'] != 'none':
        answer['usageIdentifierKey'] = event['authorizationToken']
    return answer
"""


def test_keys_named_by_an_authorizer(cloud: RunningCloud) -> None:
    make_handler(cloud, "namer", NAMER)
    schemes = {
        "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
        "namer": {"type": "apiKey", "name": "Authorization", "in": "header",
                  "x-amazon-apigateway-authtype": "custom",
                  "x-amazon-apigateway-authorizer": {
                      "type": "token", "authorizerUri": function_uri("namer")}},
    }  # fmt: skip
    get = mock(security=[{"namer": [], "api_key": []}])
    more = {"x-amazon-apigateway-api-key-source": "AUTHORIZER"}
    api = Api(cloud, "named", {"/a": {"get": get}}, securityDefinitions=schemes, **more)
    _, _, value = admitted(api, "named")
    assert api.ask("GET", "/a", Authorization=value)[0] == 200
    assert api.ask("GET", "/a", Authorization="none", x_api_key=value)[0] == 403
    assert api.ask("GET", "/a", Authorization="another-key-than-that")[0] == 403
