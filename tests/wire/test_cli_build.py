"""`may deploy` of functions with dependencies, `doctor`, `trust`, `env`, `logs --follow` and profiles."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from maycloud.cli.failure import GENERAL, NOT_RUNNING, STACK_FAILED
from running import RunningCloud, without_settings
from waiting import until


def may(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = without_settings()
    return subprocess.run(
        [sys.executable, "-m", "maycloud.cli.main", *arguments],
        capture_output=True, text=True, timeout=200, check=False, env=kept | environment,
    )  # fmt: skip


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: code/, Handler: app.handler, Runtime: RUNTIME, Timeout: 10}
Outputs:
  Name: {Value: !Ref Hello}
"""


def wheel(folder: Path, text: str) -> Path:
    """A package `greeting` that pip installs without a network."""
    path = folder / "greeting-1.0-py3-none-any.whl"
    files = {
        "greeting.py": f"TEXT = {text!r}\n",
        "greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
        "greeting-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(content)}\n"
        archive.writestr("greeting-1.0.dist-info/RECORD", record + "greeting-1.0.dist-info/RECORD,,\n")
    return path


def python_project(folder: Path, text: str = "hello from a wheel") -> Path:
    code = folder / "code"
    code.mkdir(parents=True)
    (folder / "template.yaml").write_text(TEMPLATE.replace("RUNTIME", "python3.12"))
    (code / "app.py").write_text("import greeting\n\ndef handler(e, c):\n    return greeting.TEXT\n")
    (code / "requirements.txt").write_text(f"greeting @ {wheel(folder, text).as_uri()}\n")
    return folder


def node_project(folder: Path) -> Path:
    code = folder / "code"
    code.mkdir(parents=True)
    (folder / "template.yaml").write_text(TEMPLATE.replace("RUNTIME", "nodejs20.x"))
    (code / "app.mjs").write_text('import text from "greeting";\nexport const handler = async () => text;\n')
    packed = folder / "greeting.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        for name, content in (
            ("package/package.json", '{"name": "greeting", "version": "1.0.0", "main": "index.js"}'),
            ("package/index.js", 'module.exports = "hello from a tarball";\n'),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))
    manifest = {"name": "code", "version": "1.0.0", "dependencies": {"greeting": f"file:{packed}"}}
    (code / "package.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    ("make", "text"),
    [(python_project, "hello from a wheel"), (node_project, "hello from a tarball")],
    ids=["pip", "npm"],
)
def test_dependencies_are_installed_once(
    cloud: RunningCloud, tmp_path: Path, make: Callable[[Path], Path], text: str
) -> None:
    stack = f"build-{text.rpartition(' ')[2]}"
    project = make(tmp_path / "project")
    cache = tmp_path / "cache"
    arguments = ("deploy", str(project), "--stack", stack, "--data", str(cloud.data))
    first = may(*arguments, MAY_BUILD=str(cache))
    assert first.returncode == 0, first.stderr + first.stdout
    for words in ("uploaded", "✓ create", "AWS::Lambda::Function", "CREATE_COMPLETE in", "Name"):
        assert words in first.stdout, first.stdout
    answer = cloud.client("lambda").invoke(FunctionName=first.stdout.split()[-1], Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == text
    (built,) = cache.glob("*.zip")
    stamp = built.stat().st_mtime_ns
    again = may(*arguments, MAY_BUILD=str(cache))
    assert again.returncode == 0, again.stderr
    assert "no changes" in again.stdout and "uploaded" not in again.stdout
    assert [each.stat().st_mtime_ns for each in cache.glob("*.zip")] == [stamp]
    source = project / "code" / ("app.py" if text.endswith("wheel") else "app.mjs")
    source.write_text(source.read_text() + "\n")
    changed = may(*arguments, MAY_BUILD=str(cache))
    assert "✓ update" in changed.stdout
    assert len(list(cache.glob("*.zip"))) == 2


def test_code_beside_the_template_is_built_without_the_builds_and_the_data(
    cloud: RunningCloud, tmp_path: Path
) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE.replace("code/", ".").replace("RUNTIME", "python3.12"))
    (tmp_path / "app.py").write_text("def handler(e, c):\n    return 1\n")
    (tmp_path / ".maycloud").mkdir()
    (tmp_path / ".maycloud" / "ca.key").write_text("a secret")
    arguments = ("deploy", str(tmp_path), "--stack", "beside", "--data", str(cloud.data))
    first = may(*arguments, MAY_BUILD=str(tmp_path / ".may-build"))
    assert first.returncode == 0, first.stderr
    (built,) = (tmp_path / ".may-build").glob("*.zip")
    assert zipfile.ZipFile(built).namelist() == ["app.py", "template.yaml"]
    again = may(*arguments, MAY_BUILD=str(tmp_path / ".may-build"))
    assert "no changes" in again.stdout


def test_a_dependency_that_is_not_there_says_what_failed(cloud: RunningCloud, tmp_path: Path) -> None:
    project = python_project(tmp_path / "broken")
    requirements = project / "code" / "requirements.txt"
    requirements.write_text("greeting @ file:///nowhere/greeting-1.0-py3-none-any.whl\n")
    refused = may("deploy", str(project), "--data", str(cloud.data), MAY_BUILD=str(tmp_path / "cache"))
    assert refused.returncode == GENERAL
    assert f"installing {project / 'code' / 'requirements.txt'} failed" in refused.stderr
    assert "nowhere" in refused.stderr
    assert list((tmp_path / "cache").glob("*.zip")) == []


def test_a_stack_that_fails_says_why(cloud: RunningCloud, tmp_path: Path) -> None:
    folder = tmp_path / "failing"
    folder.mkdir()
    cloud.client("ssm").put_parameter(Name="taken", Value="v", Type="String")
    (folder / "template.json").write_text(
        json.dumps({"Resources": {"P": {"Type": "AWS::SSM::Parameter",
                                        "Properties": {"Name": "taken", "Type": "String", "Value": "v"}}}})
    )  # fmt: skip
    refused = may("deploy", str(folder), "--data", str(cloud.data))
    assert refused.returncode == STACK_FAILED
    assert "ended as ROLLBACK_COMPLETE" in refused.stderr
    assert "P: " in refused.stderr
    assert "✗" in refused.stdout


def test_a_profile_deploys_to_where_it_points(cloud: RunningCloud, tmp_path: Path) -> None:
    """As against AWS: all that is known of the target is the profile."""
    folder = tmp_path / "profiled"
    folder.mkdir()
    (folder / "template.json").write_text(
        json.dumps({"Resources": {"P": {"Type": "AWS::SSM::Parameter",
                                        "Properties": {"Type": "String", "Value": "v", "Name": "profiled"}}}})
    )  # fmt: skip
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(f"[profile there]\nregion = eu-west-1\nendpoint_url = {cloud.url}\n")
    credentials.write_text("[there]\naws_access_key_id = 333333333333\naws_secret_access_key = test\n")
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    nowhere = str(tmp_path / "no-cloud-here")
    done = may("deploy", str(folder), "--profile", "there", "--data", nowhere, **files)
    assert done.returncode == 0, done.stderr
    there = cloud.client("ssm", key="333333333333", region="eu-west-1")
    assert there.get_parameter(Name="profiled")["Parameter"]["Value"] == "v"
    here = cloud.client("ssm").describe_parameters()["Parameters"]
    assert "profiled" not in [each["Name"] for each in here]
    unknown = may("deploy", str(folder), "--profile", "nobody", "--data", nowhere, **files)
    assert unknown.returncode != 0
    assert "nobody" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_logs_are_followed(cloud: RunningCloud, tmp_path: Path) -> None:
    project = python_project(tmp_path / "talking")
    (project / "code" / "requirements.txt").unlink()
    (project / "code" / "app.py").write_text("def handler(e, c):\n    print('said', e['what'])\n")
    done = may("deploy", str(project), "--stack", "talking", "--data", str(cloud.data),
               MAY_BUILD=str(tmp_path / "cache"))  # fmt: skip
    name = done.stdout.split()[-1]
    invoke = cloud.client("lambda").invoke
    invoke(FunctionName=name, Payload=b'{"what": "before"}')
    assert "said before" in may("logs", "talking", "--data", str(cloud.data)).stdout
    command = [sys.executable, "-u", "-m", "maycloud.cli.main", "logs", "talking", "--follow"]
    following = subprocess.Popen([*command, "--data", str(cloud.data)], stdout=subprocess.PIPE, text=True)
    lines: list[str] = []
    stdout = following.stdout
    assert stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(iter(stdout.readline, "")))
    reader.start()
    try:
        until(lambda: any("said before" in line for line in lines), what="the lines so far")
        invoke(FunctionName=name, Payload=b'{"what": "after"}')
        until(lambda: any("said after" in line for line in lines), what="the new line")
        assert sum("said before" in line for line in lines) == 1
    finally:
        following.terminate()
        following.wait(60)
        reader.join(60)
        stdout.close()
    missing = may("logs", "nothing-of-the-name", "--data", str(cloud.data))
    assert missing.returncode != 0
    assert "Traceback" not in missing.stderr


def test_env_is_what_a_shell_reads(cloud: RunningCloud) -> None:
    exports = may("env", "--data", str(cloud.data)).stdout
    script = f"{exports}\necho $AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_REGION $AWS_DEFAULT_REGION"
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert shown[:2] == [cloud.url, "test"]
    assert "us-east-1" in shown
    nowhere = may("env", "--data", "/nonexistent/of/course")
    assert (nowhere.returncode, nowhere.stdout) == (NOT_RUNNING, "")
    assert "may up --detach" in nowhere.stderr


def test_trust_names_a_certificate_that_works(cloud: RunningCloud) -> None:
    shown = may("trust", "--data", str(cloud.data)).stdout
    assert cloud.ca_file in shown
    for words in ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "update-ca-certificates", "add-trusted-cert"):
        assert words in shown
    command = next(line.partition("curl:")[2].split() for line in shown.splitlines() if "curl:" in line)
    done = subprocess.run([*command, "--silent", "--show-error"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_doctor_looks_at_the_machine(cloud: RunningCloud, tmp_path: Path) -> None:
    found = may("doctor", "--json", "--data", str(cloud.data))
    assert found.returncode == 0, found.stderr
    states = {each["what"]: each["state"] for each in json.loads(found.stdout)}
    assert states["python"] == states["libraries"] == states["cloud"] == states["data folder"] == "ok"
    plain = may("doctor", "--data", str(tmp_path / "new"))
    assert plain.returncode == 0
    assert "libraries" in plain.stdout
    without = may("doctor", "--json", "--data", str(tmp_path / "new"), PATH="/nonexistent")
    node = next(each for each in json.loads(without.stdout) if each["what"] == "node")
    assert node["state"] == "note"
    assert "cannot run" in node["found"]


def test_nested_templates_are_packaged(cloud: RunningCloud, tmp_path: Path) -> None:
    parent = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Plain: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child/template.yaml}}
  Served: {Type: AWS::Serverless::Application, Properties: {Location: child/template.yaml}}
Outputs:
  Plain: {Value: !GetAtt Plain.Outputs.Name}
  Served: {Value: !GetAtt Served.Outputs.Name}
"""
    code = tmp_path / "child" / "code"
    code.mkdir(parents=True)
    (code / "app.py").write_text("def handler(event, context): return 'nested'")
    (tmp_path / "child" / "template.yaml").write_text(TEMPLATE.replace("RUNTIME", "python3.12"))
    (tmp_path / "template.yaml").write_text(parent)
    done = may("deploy", str(tmp_path), "--stack", "nesting", "--data", str(cloud.data))
    assert done.returncode == 0, done.stderr + done.stdout
    stack = cloud.client("cloudformation").describe_stacks(StackName="nesting")["Stacks"][0]
    names = [row["OutputValue"] for row in stack["Outputs"]]
    answers = [cloud.client("lambda").invoke(FunctionName=name)["Payload"].read() for name in names]
    assert answers == [b'"nested"', b'"nested"']
    (tmp_path / "template.yaml").write_text(parent.replace("child/template", "child/none"))
    done = may("deploy", str(tmp_path), "--stack", "nesting", "--data", str(cloud.data))
    assert done.returncode == GENERAL
    assert "none.yaml is not there" in done.stderr
