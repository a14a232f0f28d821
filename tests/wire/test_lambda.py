"""Lambda through boto3: functions really run."""

import base64
import json
import os
import shutil
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from packages import LOGGING, TRUST, make_function, make_role, zipped
from running import RunningCloud
from waiting import until

SOURCE = """
import json, logging, os, socket, sys, time
import boto3
from decimal import Decimal
logging.getLogger().setLevel("INFO")
started = time.time()

def handler(event, context):
    do = event.get("do")
    if do == "raise":
        raise ValueError("no " + "good")
    if do == "sleep":
        time.sleep(event["for"])
    if do == "meet":
        socket.create_connection(("127.0.0.1", event["port"])).recv(1)
    if do == "exit":
        sys.exit(3)
    if do == "quit":
        sys.exit(0)
    if do == "crash":
        os.abort()
    if do == "memory":
        hoard = [bytearray(8 << 20) for _ in range(200)]
        time.sleep(60)
    if do == "bytes":
        return {"bytes": b"x"}
    if do == "large":
        return "x" * event["size"]
    if do == "print":
        print("printed", event["what"])
        logging.info("logged")
        sys.stderr.write("to stderr\\n")
    if do == "who":
        return boto3.client("sts").get_caller_identity()["Arn"]
    if do == "env":
        return dict(os.environ)
    if do == "decimal":
        return {"n": Decimal("1.5"), "i": Decimal("2")}
    if do == "files":
        with open("/proc/self/limits") as file:
            file.read()
        return sorted(os.listdir("/proc/self/fd"))
    if do == "context":
        return {
            "name": context.function_name, "version": context.function_version,
            "memory": context.memory_limit_in_mb,
            "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis(),
            "request": context.aws_request_id, "custom": getattr(context.client_context, "custom", None),
        }
    return {"event": event, "started": started, "environment": context.log_stream_name}
"""


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "functions", LOGGING)


@pytest.fixture(scope="module")
def function(cloud: RunningCloud, role: str) -> str:
    make_function(
        cloud.client("lambda"), role, "main", SOURCE, Timeout=50, MemorySize=192,
        Environment={"Variables": {"COLOR": "green"}},
    )  # fmt: skip
    return "main"


def invoke(cloud: RunningCloud, name: str, event: Any = None, **more: Any) -> tuple[Any, dict[str, Any]]:
    """The payload and the whole answer."""
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), **more)
    return json.loads(answer["Payload"].read() or b"null"), answer


def refused(code: str, call: Callable[..., Any], /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def test_a_function_runs_and_its_environment_stays(cloud: RunningCloud, function: str) -> None:
    first, answer = invoke(cloud, function, {"a": "ü"})
    assert first["event"] == {"a": "ü"}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    second, _ = invoke(cloud, function)
    assert second["environment"] == first["environment"]


def test_the_context(cloud: RunningCloud, function: str) -> None:
    client_context = base64.b64encode(b'{"custom": {"a": "b"}}').decode()
    found, answer = invoke(cloud, function, {"do": "context"}, ClientContext=client_context)
    assert found["name"] == "main"
    assert found["version"] == "$LATEST"
    assert found["memory"] == "192"
    assert found["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:main"
    assert 0 < found["left"] <= 50_000
    assert found["request"] == answer["ResponseMetadata"]["RequestId"]
    assert found["custom"] == {"a": "b"}


def test_the_environment_is_the_functions_alone(cloud: RunningCloud, function: str) -> None:
    found, _ = invoke(cloud, function, {"do": "env"})
    assert found["COLOR"] == "green"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "main"
    assert found["AWS_ENDPOINT_URL"] == cloud.url
    assert found["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert "MAY_ADMIN_SECRET" not in found
    assert not any(name.startswith("PYTEST") for name in found)
    arn, _ = invoke(cloud, function, {"do": "who"})
    assert arn == "arn:aws:sts::000000000000:assumed-role/functions/main"


def test_no_descriptor_of_the_cloud_reaches_a_function(cloud: RunningCloud, function: str) -> None:
    found, _ = invoke(cloud, function, {"do": "files"})
    assert len(found) <= 6, found  # three of its own, the channel, and what listing opens


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"do": "raise"}, "ValueError", "no good"),
        ({"do": "bytes"}, "Runtime.MarshalError", "Object of type bytes is not JSON serializable"),
        ({"do": "exit"}, "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        ({"do": "quit"}, "Runtime.ExitError", "Error: Runtime exited without providing a reason"),
        ({"do": "crash"}, "Runtime.ExitError", "Error: Runtime exited with error: signal: aborted"),
        ({"do": "memory"}, "Runtime.ExitError", "Error: Runtime exited with error: signal: killed"),
        ({"do": "large", "size": 7_000_000}, "Function.ResponseSizeTooLarge", "payload size exceeded"),
    ],
)  # fmt: skip
def test_errors_in_lambdas_shape(
    cloud: RunningCloud, function: str, event: Any, kind: str, message: str
) -> None:
    found, answer = invoke(cloud, function, event)
    assert answer["FunctionError"] == "Unhandled"
    assert found["errorType"] == kind
    assert message in found["errorMessage"]
    if kind == "ValueError":
        assert found["stackTrace"] == [
            '  File "/var/task/app.py", line 11, in handler\n    raise ValueError("no " + "good")\n'
        ]
    again, _ = invoke(cloud, function, {"after": kind})
    assert again["event"] == {"after": kind}


def test_functions_that_take_too_long(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "slow", SOURCE, Timeout=2)
    make_function(client, role, "slow-node", NODE, runtime="nodejs20.x", Timeout=2)
    for name, event in (("slow", {"do": "sleep", "for": 60}), ("slow-node", {"loop": True})):
        found, answer = invoke(cloud, name, event)
        assert answer["FunctionError"] == "Unhandled"
        assert found["errorType"] == "Sandbox.Timedout"
        assert "Error: Task timed out after 2.00 seconds" in found["errorMessage"]
        client.update_function_configuration(FunctionName=name, Timeout=60)
        assert "FunctionError" not in invoke(cloud, name)[1]


@pytest.mark.parametrize(
    ("handler", "source", "kind", "message"),
    [
        ("nope.handler", "", "Runtime.ImportModuleError", "Unable to import module 'nope': No module"),
        ("app.other", "x = 1", "Runtime.HandlerNotFound", "Handler 'other' missing on module 'app'"),
        ("app.handler", "def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("app.handler", "1 / 0", "ZeroDivisionError", "division by zero"),
        ("handler", "", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
    ],
)  # fmt: skip
def test_code_that_cannot_be_loaded(
    cloud: RunningCloud, role: str, handler: str, source: str, kind: str, message: str
) -> None:
    client = cloud.client("lambda")
    name = f"bad-{kind.rpartition('.')[2]}"
    client.create_function(
        FunctionName=name, Runtime="python3.12", Role=role, Handler=handler,
        Code={"ZipFile": zipped(app__py=source)},
    )  # fmt: skip
    for _ in range(2):
        found, answer = invoke(cloud, name)
        assert answer["FunctionError"] == "Unhandled"
        assert (found["errorType"], message in found["errorMessage"]) == (kind, True)


def test_decimals_are_numbers(cloud: RunningCloud, function: str) -> None:
    assert invoke(cloud, function, {"do": "decimal"})[0] == {"n": 1.5, "i": 2}


def test_logs(cloud: RunningCloud, function: str) -> None:
    _, answer = invoke(cloud, function, {"do": "print", "what": "this"}, LogType="Tail")
    request = answer["ResponseMetadata"]["RequestId"]
    tail = base64.b64decode(answer["LogResult"]).decode()
    for text in (
        f"START RequestId: {request} Version: $LATEST",
        "printed this",
        "to stderr",
        "REPORT RequestId",
    ):
        assert text in tail
    assert f"Z\t{request}\tlogged" in tail
    events = cloud.client("logs").filter_log_events(
        logGroupName="/aws/lambda/main", filterPattern='"printed this"'
    )["events"]
    assert len(events) == 1


def test_without_permission_to_log_nothing_is_logged(cloud: RunningCloud) -> None:
    silent = make_role(cloud.client("iam"), "silent")
    make_function(cloud.client("lambda"), silent, "silent", SOURCE)
    invoke(cloud, "silent")
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/silent")["logGroups"]
    assert groups == []
    assert any(
        denial["action"] == "logs:CreateLogStream" for denial in cloud.admin("GET", "/_may/status")["denials"]
    )


def test_payload_limits(cloud: RunningCloud, function: str) -> None:
    client = cloud.client("lambda")
    message = refused(
        "RequestEntityTooLargeException", client.invoke, FunctionName=function,
        Payload=json.dumps("x" * (6 << 20)),
    )  # fmt: skip
    assert message == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    message = refused(
        "RequestEntityTooLargeException", client.invoke, FunctionName=function, InvocationType="Event",
        Payload=json.dumps("x" * (1 << 20)),
    )  # fmt: skip
    assert message == "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    message = refused(
        "InvalidRequestContentException", client.invoke, FunctionName=function, Payload=b"{no json"
    )
    assert message.startswith("Could not parse request body into json")
    large, _ = invoke(cloud, function, {"do": "large", "size": 5_000_000})
    assert len(large) == 5_000_000


def test_invocations_run_beside_each_other(cloud: RunningCloud, role: str) -> None:
    """Ten that wait for each other could not end if any of them waited for its turn."""
    make_function(cloud.client("lambda"), role, "beside", SOURCE, Timeout=60)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(max_workers=10) as pool:
        server.settimeout(60)
        meeting = {"do": "meet", "port": server.getsockname()[1]}
        running = [pool.submit(invoke, cloud, "beside", meeting) for _ in range(10)]
        for guest in [server.accept()[0] for _ in range(10)]:
            guest.close()
        found = {each.result()[0]["environment"] for each in running}
    assert len(found) == 10


def test_reserved_concurrency_throttles(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "narrow", SOURCE)
    client.put_function_concurrency(FunctionName="narrow", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName="narrow")
    response = caught.value.response
    assert response["Error"]["Code"] == "TooManyRequestsException"
    assert response["Error"]["Message"] == "Rate Exceeded."
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName="narrow")
    assert invoke(cloud, "narrow")[1]["StatusCode"] == 200


def test_versions_and_aliases(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "versioned", "def handler(e, c):\n    return 1\n")
    assert client.publish_version(FunctionName="versioned")["Version"] == "1"
    assert client.publish_version(FunctionName="versioned")["Version"] == "1"  # nothing has changed
    client.update_function_code(
        FunctionName="versioned", ZipFile=zipped(app__py="def handler(e, c):\n    return 2\n")
    )
    assert client.publish_version(FunctionName="versioned")["Version"] == "2"
    client.create_alias(FunctionName="versioned", Name="live", FunctionVersion="1")
    assert invoke(cloud, "versioned:live")[0] == 1
    assert invoke(cloud, "versioned", Qualifier="2")[0] == 2
    client.update_alias(FunctionName="versioned", Name="live", FunctionVersion="2")
    assert invoke(cloud, "versioned", Qualifier="live")[1]["ExecutedVersion"] == "2"
    client.update_alias(
        FunctionName="versioned", Name="live", FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )  # fmt: skip
    assert {invoke(cloud, "versioned:live")[0] for _ in range(40)} == {1, 2}
    message = refused(
        "ResourceConflictException", client.delete_function, FunctionName="versioned", Qualifier="2"
    )
    assert "referenced by alias" in message
    listed = client.list_versions_by_function(FunctionName="versioned")["Versions"]
    assert [each["Version"] for each in listed] == ["$LATEST", "1", "2"]


def test_layers(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    content = {"ZipFile": zipped(**{"python/shared__py": "VALUE = 'from the layer'\n"})}
    layer = client.publish_layer_version(LayerName="shared", Content=content)
    make_function(
        client, role, "layered", "import shared\ndef handler(e, c):\n    return shared.VALUE\n",
        Layers=[layer["LayerVersionArn"]],
    )  # fmt: skip
    assert invoke(cloud, "layered")[0] == "from the layer"


def test_updates_reach_the_next_invocation(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(
        client, role, "changing", "import os\ndef handler(e, c):\n    return os.environ.get('VALUE')\n"
    )
    assert invoke(cloud, "changing")[0] is None
    for value in ("1", "2"):
        client.update_function_configuration(
            FunctionName="changing", Environment={"Variables": {"VALUE": value}}
        )
        assert invoke(cloud, "changing")[0] == value


def test_events_are_retried_and_go_to_their_destination(fresh_cloud: RunningCloud) -> None:
    client = fresh_cloud.client("lambda")
    role = make_role(
        fresh_cloud.client("iam"), "events", LOGGING, "arn:aws:iam::aws:policy/AWSLambda_FullAccess"
    )
    make_function(client, role, "failing", SOURCE)
    caught = make_function(client, role, "caught", "def handler(e, c):\n    print('CAUGHT', e)\n")
    client.put_function_event_invoke_config(
        FunctionName="failing",
        DestinationConfig={"OnFailure": {"Destination": caught["FunctionArn"]}},
    )
    client.invoke(FunctionName="failing", InvocationType="Event", Payload=b'{"do": "raise"}')
    logs = fresh_cloud.client("logs")

    def attempts() -> int:
        try:
            found = logs.filter_log_events(logGroupName="/aws/lambda/failing", filterPattern="START")
        except logs.exceptions.ResourceNotFoundException:
            return 0
        return len(found["events"])

    for number, delay in ((1, 61), (2, 121)):
        until(lambda number=number: attempts() == number, what=f"attempt {number}")
        fresh_cloud.advance(delay)
    until(lambda: attempts() == 3, what="the third attempt")

    def caught_events() -> list[Any]:
        try:
            return logs.filter_log_events(logGroupName="/aws/lambda/caught", filterPattern="CAUGHT")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []

    until(lambda: len(caught_events()) == 1, what="the destination to be told")
    assert "'condition': 'RetriesExhausted'" in caught_events()[0]["message"]
    assert "'approximateInvokeCount': 3" in caught_events()[0]["message"]


def test_a_dry_run_checks_and_does_not_run(cloud: RunningCloud, role: str) -> None:
    make_function(cloud.client("lambda"), role, "dry", SOURCE)
    answer = cloud.client("lambda").invoke(FunctionName="dry", InvocationType="DryRun", Payload=b"{}")
    assert answer["StatusCode"] == 204
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/dry")["logGroups"]
    assert groups == []
    client = cloud.client("lambda")
    refused("ResourceNotFoundException", client.invoke, FunctionName="wet", InvocationType="DryRun")
    iam = cloud.client("iam")
    iam.create_user(UserName="no-invoker")
    key = iam.create_access_key(UserName="no-invoker")["AccessKey"]
    stranger = cloud.client("lambda", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    message = refused("AccessDeniedException", stranger.invoke, FunctionName="dry", InvocationType="DryRun")
    assert "lambda:InvokeFunction" in message


def test_outcomes_go_to_a_function_and_a_bucket(fresh_cloud: RunningCloud) -> None:
    client, s3, logs = (fresh_cloud.client(name) for name in ("lambda", "s3", "logs"))
    iam = fresh_cloud.client("iam")
    policies = ("AWSLambda_FullAccess", "AmazonS3FullAccess")
    role = make_role(iam, "outcomes", LOGGING, *(f"arn:aws:iam::aws:policy/{name}" for name in policies))
    s3.create_bucket(Bucket="outcomes")
    make_function(client, role, "speaking", SOURCE)
    told = make_function(client, role, "told", "def handler(e, c):\n    print('TOLD', e)\n")
    client.put_function_event_invoke_config(
        FunctionName="speaking",
        MaximumRetryAttempts=0,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={
            "OnSuccess": {"Destination": told["FunctionArn"]},
            "OnFailure": {"Destination": "arn:aws:s3:::outcomes"},
        },
    )
    for event in (b"{}", b'{"do": "raise"}'):
        answer = client.invoke(FunctionName="speaking", InvocationType="Event", Payload=event)
        assert answer["StatusCode"] == 202
    found = until(
        lambda: s3.list_objects_v2(Bucket="outcomes").get("Contents"), what="a record in the bucket"
    )
    assert found[0]["Key"].startswith("aws/lambda/async/speaking/")
    record = json.loads(s3.get_object(Bucket="outcomes", Key=found[0]["Key"])["Body"].read())
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["responsePayload"]["errorMessage"] == "no good"
    assert record["requestPayload"] == {"do": "raise"}

    def successes() -> list[Any]:
        try:
            return logs.filter_log_events(logGroupName="/aws/lambda/told", filterPattern="TOLD")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []

    until(lambda: len(successes()) == 1, what="the function to be told")
    assert "'condition': 'Success'" in successes()[0]["message"]


def test_events_grow_too_old(fresh_cloud: RunningCloud) -> None:
    client, s3 = fresh_cloud.client("lambda"), fresh_cloud.client("s3")
    role = make_role(fresh_cloud.client("iam"), "old", LOGGING, "arn:aws:iam::aws:policy/AmazonS3FullAccess")
    s3.create_bucket(Bucket="too-old")
    make_function(client, role, "throttled", SOURCE)
    client.put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=0)
    client.put_function_event_invoke_config(
        FunctionName="throttled",
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::too-old"}},
    )
    client.invoke(FunctionName="throttled", InvocationType="Event", Payload=b"{}")

    def record() -> Any:
        fresh_cloud.advance(61)
        return s3.list_objects_v2(Bucket="too-old").get("Contents")

    key = until(record, what="the event to be given up")[0]["Key"]
    found = json.loads(s3.get_object(Bucket="too-old", Key=key)["Body"].read())
    assert found["requestContext"]["condition"] == "EventAgeExceeded"
    assert "responsePayload" not in found


def test_events_wait_for_a_role_that_is_gone(fresh_cloud: RunningCloud) -> None:
    """A system error, as AWS counts it: tried again for hours, and no failure of the cloud's own."""
    client, iam, logs = (fresh_cloud.client(name) for name in ("lambda", "iam", "logs"))
    role = make_role(iam, "leaving", LOGGING)
    make_function(client, role, "orphaned", SOURCE)
    iam.detach_role_policy(RoleName="leaving", PolicyArn=LOGGING)
    iam.delete_role(RoleName="leaving")
    client.invoke(FunctionName="orphaned", InvocationType="Event", Payload=b'{"do": "print", "what": "now"}')
    fresh_cloud.advance(301)
    assert make_role(iam, "leaving", LOGGING) == role

    def ran() -> Any:
        fresh_cloud.advance(301)
        try:
            return logs.filter_log_events(logGroupName="/aws/lambda/orphaned", filterPattern="now")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []

    until(ran, what="the event to run")
    assert "Traceback" not in fresh_cloud.log.read_text()


def test_destinations_that_cannot_be(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "aimless", SOURCE)
    aim = make_function(client, role, "aim", SOURCE)["FunctionArn"]

    def put(side: str, arn: str) -> str:
        return refused(
            "InvalidParameterValueException", client.put_function_event_invoke_config, FunctionName="aimless",
            DestinationConfig={side: {"Destination": arn}},
        )  # fmt: skip

    words = "The function's execution role does not have permissions to call Invoke on "
    assert put("OnFailure", aim) == words + aim
    assert "PutObject on arn:aws:s3:::nowhere" in put("OnFailure", "arn:aws:s3:::nowhere")
    assert "is invalid" in put("OnSuccess", "arn:aws:s3:::nowhere")
    assert "is invalid" in put("OnFailure", "arn:aws:ec2:us-east-1:000000000000:instance/i-1")
    message = refused(
        "InvalidParameterValueException", client.update_function_configuration, FunctionName="aimless",
        DeadLetterConfig={"TargetArn": aim},
    )  # fmt: skip
    assert "neither the ARN of a queue nor of a topic" in message


@pytest.mark.parametrize("runtime", ["python2.7", "python3.8", "nodejs8.10", "nodejs16.x", "go1.x"])
def test_runtimes_that_aws_has_retired(cloud: RunningCloud, role: str, runtime: str) -> None:
    message = refused(
        "InvalidParameterValueException", make_function, client=cloud.client("lambda"), role=role, name="old",
        source=SOURCE, runtime=runtime,
    )  # fmt: skip
    assert message == (
        f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda"
        " functions. We recommend you use a supported runtime while creating or updating functions."
    )


def test_roles_must_trust_lambda(cloud: RunningCloud) -> None:
    trust = json.loads(json.dumps(TRUST).replace("lambda.amazonaws.com", "ec2.amazonaws.com"))
    arn = make_role(cloud.client("iam"), "not-lambda", trust=trust)
    for role in (arn, "arn:aws:iam::000000000000:role/nobody"):
        message = refused(
            "InvalidParameterValueException", cloud.client("lambda").create_function,
            FunctionName="untrusted", Runtime="python3.12", Role=role, Handler="app.handler",
            Code={"ZipFile": zipped(app__py="")},
        )  # fmt: skip
        assert message == "The role defined for the function cannot be assumed by Lambda."


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil.py"])
def test_zips_that_climb_are_refused(cloud: RunningCloud, role: str, name: str) -> None:
    message = refused(
        "InvalidParameterValueException", cloud.client("lambda").create_function, FunctionName="evil",
        Runtime="python3.12", Role=role, Handler="app.handler", Code={"ZipFile": zipped(**{name: "x"})},
    )  # fmt: skip
    assert "outside of the package" in message


def test_what_is_not_supported_says_so(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    message = refused(
        "InvalidParameterValueException", client.create_function, FunctionName="custom",
        Runtime="provided.al2023", Role=role, Handler="x", Code={"ZipFile": zipped(bootstrap="x")},
    )  # fmt: skip
    assert "provided.al2023" in message
    refused(
        "UnknownOperationException", client.create_function_url_config, FunctionName="main", AuthType="NONE"
    )


def test_code_links_expire_and_cannot_be_forged(cloud: RunningCloud, function: str, tmp_path: Path) -> None:
    import urllib.error
    import urllib.request

    link = cloud.client("lambda").get_function(FunctionName=function)["Code"]["Location"]
    with urllib.request.urlopen(link, timeout=60) as answer:
        assert answer.read()[:2] == b"PK"
    for forged in (
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.replace("expires=", "expires=9"),
        link.partition("?")[0],
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(forged, timeout=60)
        assert caught.value.code == 403
        caught.value.close()


NODE = """
export const handler = async (event, context) => {
  console.log("from node", event.a);
  if (event.fail) throw new TypeError("no");
  if (event.exit) process.exit(2);
  if (event.loop) for (;;) {}
  return { got: event, left: context.getRemainingTimeInMillis(), name: context.functionName };
};
"""


def test_node(cloud: RunningCloud, role: str) -> None:
    make_function(cloud.client("lambda"), role, "node", NODE, runtime="nodejs20.x")
    found, answer = invoke(cloud, "node", {"a": 1}, LogType="Tail")
    assert found["got"] == {"a": 1}
    assert found["name"] == "node"
    assert "INFO\tfrom node 1" in base64.b64decode(answer["LogResult"]).decode()
    failed, answer = invoke(cloud, "node", {"fail": True})
    assert answer["FunctionError"] == "Unhandled"
    assert (failed["errorType"], failed["errorMessage"]) == ("TypeError", "no")
    assert failed["trace"][0] == "TypeError: no"
    assert invoke(cloud, "node", {"exit": True})[0]["errorType"] == "Runtime.ExitError"
    assert invoke(cloud, "node", {"a": 2})[0]["got"] == {"a": 2}


def test_node_reaches_buckets_by_name(cloud: RunningCloud, role: str) -> None:
    """The SDK for JavaScript puts the bucket before the host; not all systems know names below localhost."""
    source = """
export const handler = async () => {
  const url = new URL(process.env.AWS_ENDPOINT_URL);
  url.hostname = "some-bucket.localhost";
  return (await fetch(url)).status;
};
"""
    make_function(cloud.client("lambda"), role, "node-names", source, runtime="nodejs20.x")
    assert invoke(cloud, "node-names")[0] == 403


def test_node_finds_what_npm_installed_for_all(cloud: RunningCloud, role: str) -> None:
    """AWS's runtimes carry the SDK: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html"""
    node = os.path.realpath(shutil.which("node") or "/usr/bin/node")
    places = [Path(node).parent.parent / "lib/node_modules", Path("/usr/local/lib/node_modules")]
    found = [each.parent.name for place in places for each in place.glob("*/package.json")]
    if not found:
        pytest.skip("npm installed nothing for all on this machine")
    source = f"""
import {{ createRequire }} from "node:module";
export const handler = async () => createRequire(import.meta.url)("{found[0]}/package.json").name;
"""
    client = cloud.client("lambda")
    make_function(client, role, "node-global", source, runtime="nodejs20.x")
    assert invoke(cloud, "node-global")[0] == found[0]


def test_the_runtime_api_needs_its_secret(cloud: RunningCloud) -> None:
    import urllib.error
    import urllib.request

    for secret in ("", "0" * 32, "../../x"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(
                f"{cloud.url}/_aws/lambda/runtime/{secret}/2018-06-01/runtime/invocation/next", timeout=60
            )
        assert caught.value.code == 403
        caught.value.close()


def test_the_data_folder_does_not_keep_what_no_function_has(fresh_cloud: RunningCloud) -> None:
    client = fresh_cloud.client("lambda")
    role = make_role(fresh_cloud.client("iam"), "replaced")
    make_function(client, role, "replaced", "def handler(event, context): return 0")
    make_function(client, role, "deleted", "def handler(event, context): return 'deleted'")
    for number in range(1, 4):
        source = f"def handler(event, context): return {number}"
        client.update_function_code(FunctionName="replaced", ZipFile=zipped(app__py=source))
    client.delete_function(FunctionName="deleted")
    folders = [fresh_cloud.data / "lambda" / each for each in ("code", "zips")]
    assert [len(list(each.iterdir())) for each in folders] == [5, 5]
    fresh_cloud.kill()
    fresh_cloud.start()
    fresh_cloud.advance(31)
    until(lambda: [len(list(each.iterdir())) for each in folders] == [1, 1], what="old packages to go")
    answer = fresh_cloud.client("lambda").invoke(FunctionName="replaced")
    assert json.loads(answer["Payload"].read()) == 3
