"""What functions and Lambda write into logs, as text and as JSON."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from packages import LOGGING, make_function, make_role
from running import RunningCloud
from waiting import until

PYTHON = """
import logging, os, time
def handler(event, context):
    logging.getLogger("mine").info("said %s", 1, extra={"order": 7})
    logging.debug("not said")
    print("plain")
    if event.get("fail"):
        try:
            raise ValueError("no good")
        except ValueError:
            logging.exception("caught")
        raise KeyError("k")
    if event.get("exit"):
        os._exit(3)
    if event.get("sleep"):
        time.sleep(60)
"""

NODE = """
export const handler = async (event) => {
  console.info("said %s", 1);
  console.debug("not said");
  console.warn({ order: 7 });
  console.error("caught", new TypeError("no good"));
};
"""


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "loggers", LOGGING)


def lines(cloud: RunningCloud, name: str, event: Any = None) -> list[str]:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail")
    return base64.b64decode(answer["LogResult"]).decode().splitlines()


def parsed(found: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found if line.startswith("{")]


def test_python_as_json(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    settings = {"LogFormat": "JSON", "LogGroup": "/own/group", "SystemLogLevel": "DEBUG"}
    made = make_function(client, role, "json-python", PYTHON, LoggingConfig=settings)
    assert made["LoggingConfig"] == {**settings, "ApplicationLogLevel": "INFO"}
    found = lines(cloud, "json-python", {"fail": True})
    assert "plain" in found
    start, said, caught, raised, done, report = parsed(found)
    assert start["type"] == "platform.start"
    assert start["record"]["version"] == "$LATEST"
    request = start["record"]["requestId"]
    assert said.items() >= {
        "level": "INFO", "message": "said 1", "logger": "mine", "order": 7, "requestId": request
    }.items()  # fmt: skip
    assert caught["errorType"] == "ValueError"
    assert caught["message"] == "caught"
    assert caught["stackTrace"]
    assert raised["log_level"] == "ERROR"
    assert raised["errorMessage"] == "'k'"
    assert done["type"] == "platform.runtimeDone"
    assert report["type"] == "platform.report"
    assert report["record"]["status"] == "error"
    assert report["record"]["metrics"].keys() >= {"durationMs", "billedDurationMs", "memorySizeMB"}
    logs = cloud.client("logs")
    stream = until(
        lambda: logs.describe_log_streams(logGroupName="/own/group")["logStreams"], 10, "the stream"
    )
    assert stream[0]["logStreamName"]

    quiet = {"LogFormat": "JSON", "ApplicationLogLevel": "ERROR", "SystemLogLevel": "WARN"}
    changed = client.update_function_configuration(FunctionName="json-python", LoggingConfig=quiet)
    assert changed["LoggingConfig"] == {**quiet, "LogGroup": "/own/group"}
    assert lines(cloud, "json-python") == ["plain"]
    text = {"LogFormat": "Text"}
    changed = client.update_function_configuration(FunctionName="json-python", LoggingConfig=text)
    assert changed["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/own/group"}


def test_node_as_json(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "json-node", NODE, runtime="nodejs20.x", LoggingConfig={"LogFormat": "JSON"})
    start, said, warned, caught, report = parsed(lines(cloud, "json-node"))
    assert start["type"] == "platform.start"
    assert said["message"] == "said 1"
    assert said["requestId"] == start["record"]["requestId"]
    assert warned["message"] == {"order": 7}
    assert warned["level"] == "WARN"
    assert caught["errorType"] == "TypeError"
    assert caught["errorMessage"] == "no good"
    assert report["record"]["status"] == "success"


def test_reports_say_how_it_ended(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "ends", PYTHON)
    make_function(client, role, "late", PYTHON, Timeout=1)
    assert "Status" not in lines(cloud, "ends")[-1]
    gone = lines(cloud, "ends", {"exit": True})[-1]
    assert gone.endswith("Status: error\tError Type: Runtime.ExitError")
    late = lines(cloud, "late", {"sleep": True})
    assert "\tStatus: timeout" in late[-1]
    assert any(line.endswith(" Task timed out after 1.00 seconds") for line in late)


def test_a_start_that_fails(cloud: RunningCloud, role: str) -> None:
    make_function(cloud.client("lambda"), role, "unstartable", "import nothing_of_the_kind\n")
    found = lines(cloud, "unstartable")
    kinds = [line.split(" ")[0].split("\t")[0] for line in found if line]
    assert kinds[0] == "INIT_REPORT"
    assert found[0].endswith("Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError")
    assert found[1].startswith("START RequestId: ")
    assert "[ERROR] Runtime.ImportModuleError: Unable to import module 'app'" in found[2]
    assert "Traceback (most recent call last):" in "\n".join(found)


def test_settings_that_are_refused(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    refused: list[tuple[Any, str]] = [
        ({"LoggingConfig": {"ApplicationLogLevel": "INFO"}}, "Log level is not supported when log format is"),
        ({"LoggingConfig": {"LogFormat": "XML"}}, "'loggingConfig.logFormat' failed to satisfy constraint"),
        ({"Timeout": 901}, "Value '901' at 'timeout' failed to satisfy constraint: Member must have value"
         " less than or equal to 900"),
        ({"MemorySize": 10241}, "less than or equal to 10240"),
        ({"EphemeralStorage": {"Size": 10241}}, "less than or equal to 10240"),
    ]  # fmt: skip
    for settings, words in refused:
        with pytest.raises(ClientError) as failure:
            make_function(client, role, "refused", PYTHON, **settings)
        assert words in failure.value.response["Error"]["Message"]


def test_names_of_functions_end(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    make_function(client, role, "n" * 64, PYTHON)
    with pytest.raises(ClientError, match="at 'functionName' failed to satisfy constraint"):
        make_function(client, role, "n" * 65, PYTHON)


def test_lines_are_there_once_the_answer_is(cloud: RunningCloud, role: str) -> None:
    """They are written a little later than the answer; whoever asks finds them, also after asking in vain."""
    make_function(cloud.client("lambda"), role, "soon-written", PYTHON)
    logs = cloud.client("logs")
    for _ in range(5):
        cloud.client("lambda").invoke(FunctionName="soon-written")
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            logs.get_log_events(logGroupName="/aws/lambda/soon-written", logStreamName="none such")
    found = logs.filter_log_events(logGroupName="/aws/lambda/soon-written")["events"]
    assert [event["message"].split()[0] for event in found].count("REPORT") == 5
