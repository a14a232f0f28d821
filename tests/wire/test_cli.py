"""`may` as its users type it: messages, exit codes, files."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from maycloud.cli.failure import (
    DATA_LOCKED,
    DATA_TOO_NEW,
    GENERAL,
    NOT_RUNNING,
    PORT_TAKEN,
    STACK_FAILED,
)
from running import RunningCloud, without_settings
from waiting import until


def may(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = without_settings()
    return subprocess.run(
        [sys.executable, "-m", "maycloud.cli.main", *arguments],
        capture_output=True, text=True, timeout=200, check=False, env=kept | environment,
    )  # fmt: skip


def test_detached_up_returns_when_health_answers(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    started = may("up", "--detach", "--port", "0", "--data", data)
    try:
        assert started.returncode == 0, started.stderr
        # The line can be pasted as it stands.
        assert f"env --data {data})" in started.stdout
        status = json.loads(may("status", "--json", "--data", data).stdout)
        assert {"pid", "url", "version", "dataDir", "services"} <= status.keys()
        assert status["dataDir"] == data
        exports = may("env", "--data", data).stdout.splitlines()
        assert f"export AWS_ENDPOINT_URL={status['url']}" in exports
        assert exports[0].startswith("unset AWS_PROFILE")
        assert stat.S_IMODE((tmp_path / "data" / "cloud.json").stat().st_mode) == 0o600
        again = may("up", "--detach", "--port", "0", "--data", data)
        assert again.returncode == DATA_LOCKED
        assert "in use by another cloud" in again.stderr
    finally:
        stopped = may("down", "--data", data)
    assert stopped.returncode == 0
    assert may("status", "--data", data).returncode == NOT_RUNNING


def test_a_taken_port_says_so(cloud: RunningCloud, tmp_path: Path) -> None:
    refused = may("up", "--port", str(cloud.port), "--data", str(tmp_path / "other"))
    assert refused.returncode == PORT_TAKEN
    assert f"port {cloud.port} is taken" in refused.stderr
    assert "--port" in refused.stderr


def test_settings_that_cannot_be_say_so(tmp_path: Path) -> None:
    refused = may("up", "--port", "80000", "--data", str(tmp_path / "data"))
    assert refused.returncode == 2
    assert "80000 is not in the range" in refused.stderr
    (tmp_path / "file").touch()
    refused = may("up", "--port", "0", "--data", str(tmp_path / "file" / "data"))
    assert refused.returncode == GENERAL
    assert refused.stderr.startswith("may: the data folder")
    assert "--data" in refused.stderr.splitlines()[1]


def test_a_locked_folder_says_so_even_without_its_run_file(cloud: RunningCloud) -> None:
    run_file = cloud.data / "cloud.json"
    kept = run_file.read_bytes()
    run_file.unlink()
    try:
        refused = may("up", "--port", "0", "--data", str(cloud.data))
    finally:
        run_file.write_bytes(kept)
    assert refused.returncode == DATA_LOCKED
    assert "in use by another cloud" in refused.stderr


def test_a_killed_cloud_that_nobody_buried_runs_no_more(tmp_path: Path) -> None:
    """Its process id is still there: a container's first process may never ask for its end."""
    cloud = RunningCloud(tmp_path / "data").start()
    assert cloud.process is not None
    os.kill(cloud.process.pid, signal.SIGKILL)
    data = str(cloud.data)
    try:
        until(lambda: may("status", "--data", data).returncode == NOT_RUNNING)
        os.kill(cloud.process.pid, 0)  # it is there
        again = may("up", "--detach", "--port", "0", "--data", data)
        assert again.returncode == 0, again.stderr
        assert may("down", "--data", data).returncode == 0
    finally:
        cloud.process.wait()


def test_a_newer_format_says_so(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    database = sqlite3.connect(data / "cloud.db")
    database.execute("PRAGMA user_version=999")
    database.close()
    refused = may("up", "--port", "0", "--data", str(data))
    assert refused.returncode == DATA_TOO_NEW
    assert "data format 999" in refused.stderr


@pytest.mark.parametrize(
    "command", [["status"], ["down"], ["outputs", "x"], ["deploy", "todo"], ["logs", "x"]]
)
def test_without_a_cloud_commands_say_how_to_start_one(tmp_path: Path, command: list[str]) -> None:
    refused = may(*command, "--data", str(tmp_path / "none"))
    assert refused.returncode == NOT_RUNNING
    assert "may up" in refused.stderr


def test_the_folder_is_found_by_environment(cloud: RunningCloud) -> None:
    found = may("status", "--json", MAY_DATA=str(cloud.data))
    assert json.loads(found.stdout)["url"] == cloud.url


def test_a_stack_that_fails_fails_the_command(cloud: RunningCloud, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(
        "Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    Properties: {BucketName: Not_A_Name}\n"
    )
    failed = may("deploy", str(tmp_path), "--stack", "failing", "--data", str(cloud.data))
    assert failed.returncode == STACK_FAILED
    assert "The specified bucket is not valid" in failed.stdout + failed.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"A: {Path: /notes/{id}, Method: get}", "YAML not well-formed"),
        (b"", "unsupported structure"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"Resources: {T: text}", "the template was refused"),
        (
            b"Resources: {S: {Type: 'AWS::Nothing::There'}}",
            "Unrecognized resource types: [AWS::Nothing::There]",
        ),
        (
            b"Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: 'AWS::Serverless::Function',"
            b" Properties: {Runtime: python3.12, Handler: a.b, InlineCode: x,"
            b" FunctionUrlConfig: {AuthType: NONE}}}}",
            "AWS::Lambda::Url comes from a function's FunctionUrlConfig: function URLs are not here",
        ),
    ],
)
def test_a_template_that_is_none_says_what_is_wrong(
    cloud: RunningCloud, tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "template.yaml").write_bytes(content)
    refused = may("deploy", str(tmp_path), "--stack", "none", "--data", str(cloud.data))
    assert refused.returncode in (GENERAL, STACK_FAILED)
    assert refused.stderr.startswith("may: ")
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["outputs", "logs", "destroy"])
def test_a_stack_that_is_not_there_says_so(cloud: RunningCloud, command: str) -> None:
    refused = may(command, "nowhere", "--data", str(cloud.data))
    assert refused.returncode == GENERAL
    assert refused.stderr.startswith("may: there is no stack nowhere\n")


def test_help_is_everywhere() -> None:
    listed = may("--help")
    for command in (
        "up",
        "down",
        "status",
        "deploy",
        "destroy",
        "outputs",
        "logs",
        "inbox",
        "demo",
        "doctor",
        "trust",
    ):
        assert command in listed.stdout
        assert may(command, "--help").returncode == 0


def test_the_administrators_secret_can_be_another(tmp_path: Path) -> None:
    cloud = RunningCloud(tmp_path / "data", "--admin-secret", "other secret").start()
    try:
        other = cloud.client("sts", secret="other secret")
        assert other.get_caller_identity()["Account"] == "000000000000"
        with pytest.raises(Exception, match="SignatureDoesNotMatch"):
            cloud.client("sts").get_caller_identity()
    finally:
        cloud.stop()


def test_status_tells_what_was_asked_for_and_is_not_there(cloud: RunningCloud) -> None:
    for service, operation in (("kms", "list_keys"), ("ssm", "list_documents")):
        with pytest.raises(ClientError):
            getattr(cloud.client(service), operation)()
    told = may("status", "--data", str(cloud.data)).stdout
    assert "kms:ListKeys ×1" in told and "ssm:ListDocuments ×1" in told


def test_browsers_see_where_they_are(cloud: RunningCloud) -> None:
    asked = urllib.request.Request(cloud.url + "/", headers={"accept": "text/html,*/*;q=0.8"})
    with urllib.request.urlopen(asked, timeout=60) as page:
        assert page.headers["content-type"].startswith("text/html") and b"may env" in page.read()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(cloud.url + "/", timeout=60)  # without: S3's answer to strangers
    refused.value.close()
    assert refused.value.code == 403
