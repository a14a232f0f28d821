"""Clients other than boto3: the AWS CLI, SAM CLI, and the JavaScript SDK v3."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from packages import LOGGING, make_function, make_role
from running import RunningCloud

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".tools" / "sam" / "bin" / "sam"


def aws(cloud: RunningCloud, *arguments: str) -> Any:
    ran = subprocess.run(
        [sys.executable, "-m", "awscli", *arguments, "--output", "json"],
        env=cloud.environment(), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout) if ran.stdout.strip() else None


def need(tool: Path | str) -> None:
    """Skip without the tool on a developer's machine; in CI that is a failure."""
    if Path(tool).exists() or shutil.which(str(tool)):
        return
    if os.environ.get("CI"):
        pytest.fail(f"{tool} is missing; `make tools` installs it")
    pytest.skip(f"{tool} is missing; `make tools` installs it")


def test_the_aws_cli(cloud: RunningCloud, tmp_path: Path) -> None:
    assert aws(cloud, "sts", "get-caller-identity")["Account"] == "000000000000"
    aws(
        cloud, "dynamodb", "create-table", "--table-name", "cli", "--billing-mode", "PAY_PER_REQUEST",
        "--key-schema", "AttributeName=h,KeyType=HASH", "--attribute-definitions",
        "AttributeName=h,AttributeType=S",
    )  # fmt: skip
    aws(cloud, "dynamodb", "put-item", "--table-name", "cli", "--item", '{"h": {"S": "ü"}}')
    assert aws(cloud, "dynamodb", "scan", "--table-name", "cli")["Items"] == [{"h": {"S": "ü"}}]
    aws(cloud, "s3api", "create-bucket", "--bucket", "cli-bucket")
    (tmp_path / "big.bin").write_bytes(os.urandom(3 << 20))
    subprocess.run(
        [sys.executable, "-m", "awscli", "s3", "cp", str(tmp_path / "big.bin"), "s3://cli-bucket/big.bin"],
        env=cloud.environment(), check=True, capture_output=True, timeout=200,
    )  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "awscli", "s3", "cp", "s3://cli-bucket/big.bin", str(tmp_path / "back.bin")],
        env=cloud.environment(), check=True, capture_output=True, timeout=200,
    )  # fmt: skip
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "big.bin").read_bytes()


def test_the_javascript_sdk(cloud: RunningCloud) -> None:
    need(ROOT / "tests" / "clients" / "node_modules")
    role = make_role(cloud.client("iam"), "js", LOGGING)
    make_function(
        cloud.client("lambda"), role, "js-fn", "export const handler = async (event) => ({ got: event });",
        runtime="nodejs20.x",
    )  # fmt: skip
    ran = subprocess.run(
        ["node", "sdk.mjs", "js-fn"], cwd=ROOT / "tests" / "clients", env=cloud.environment(),
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "bytes": [0, 255],
        "order": ["1", "2", "10"],
        "cancelled": ["TransactionCanceledException", ["ConditionalCheckFailed"]],
        "missing": "ResourceNotFoundException",
        "invoked": [200, {"got": {"a": 1}}],
        "noFunction": [
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none",
        ],
    }


TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: app.handler
      Runtime: python3.11
      Events:
        Get:
          Type: Api
          Properties: { Path: /hello, Method: get }
Outputs:
  Name: { Value: !Ref Hello }
"""


@pytest.mark.timeout(400)
def test_sam_deploy(cloud: RunningCloud, tmp_path: Path) -> None:
    need(SAM)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text(
        "def handler(event, context):\n    return {'hello': event['who']}\n"
    )
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    environment = cloud.environment() | {"SAM_CLI_TELEMETRY": "0", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [
            str(SAM), "deploy", "--template-file", str(tmp_path / "template.yaml"), "--stack-name", "sam",
            "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
        ],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    stack = cloud.client("cloudformation").describe_stacks(StackName="sam")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    name = stack["Outputs"][0]["OutputValue"]
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=b'{"who": "Ann"}')
    assert json.loads(answer["Payload"].read()) == {"hello": "Ann"}
