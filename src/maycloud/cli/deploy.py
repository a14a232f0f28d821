"""`may deploy`: build, upload and deploy a template by CloudFormation change set, here or on AWS."""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import click

from maycloud.cli.failure import STACK_FAILED, Failure
from maycloud.cli.package import package
from maycloud.cli.site import Publisher, Site, build_site, sites
from maycloud.cli.systems import find_template
from maycloud.cli.target import Target, stack_outputs, target_options

MAX_BODY = 51_200  # bytes of a template sent within the call; larger ones go through S3
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")

# What SAM makes of a property, and Maycloud does not have.
_MADE_BY = {
    "AWS::Lambda::Url": "a function's FunctionUrlConfig: function URLs are not here",
    "AWS::CodeDeploy::DeploymentGroup": "a function's DeploymentPreference: gradual deployments are not here",
    "AWS::Lambda::EventSourceMapping": "a function's events: queues and streams call no functions here",
}


@click.command()
@click.argument("path")
@click.option("--stack", help="Name of the stack; the folder's name unless given.")
@click.option("--stage", help="Value of the template's parameter Stage.")
@click.option(
    "--param", "params", multiple=True, metavar="K=V", help="A template parameter; may be repeated."
)
@target_options
def deploy(target: Target, path: str, stack: str | None, stage: str | None, params: tuple[str, ...]) -> None:
    """Build, upload and deploy PATH: a folder with a template, a template, or a system's name."""
    name, template = find_template(path)
    Deployment(target, stack or name, template, parse_parameters(stage, params)).run()


def parse_parameters(stage: str | None, params: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {"Stage": stage} if stage else {}
    for param in params:
        name, equals, value = param.partition("=")
        if not equals:
            raise Failure(f"--param {param} is not of the form K=V")
        values[name] = value
    return values


class Deployment:
    """One deployment of one stack; says what it does while it does it."""

    def __init__(self, target: Target, stack: str, template: Path, params: dict[str, str]) -> None:
        self._target = target
        self._stack = stack
        self._path = template
        self._params = params
        self._cloudformation = target.client("cloudformation")
        self._pause = 0.02 if target.local else 2.0  # seconds between looks
        self._bucket = ""
        self._cache = Path(os.environ.get("MAY_BUILD", ".may-build")).absolute()
        self._sites: list[Site] = []

    def run(self) -> dict[str, str]:
        """Deploy, print the stack's outputs and give them. Raises Failure if the stack fails."""
        begun = time.monotonic()
        click.secho(f"{self._stack}", bold=True, nl=False)
        click.echo(f"  from {self._path}")
        body = self._package()
        built = [(site, build_site(site.source, self._cache)) for site in self._sites]
        if self._change(body):
            self._follow(begun)
        else:
            click.echo("  no changes")
        outputs = stack_outputs(self._target, self._stack)
        if built:
            publisher = Publisher(self._target, self._stack, outputs)
            for site, folder in built:
                publisher.publish(site, folder)
        width = max(map(len, outputs), default=0)
        for name, value in outputs.items():
            click.echo(f"  {name:<{width}}  {click.style(value, fg='cyan')}")
        return outputs

    def _package(self) -> str:
        """The template as JSON text, its local code built and uploaded."""
        from maycloud.services.cloudformation.template import parse_template

        try:
            template = parse_template(self._path.read_text("utf-8"))
        except UnicodeDecodeError as error:
            raise Failure(f"{self._path} is not text in UTF-8") from error
        package(template, self._path.parent, self._cache, self._upload)
        self._sites = list(sites(template, self._path.parent))
        unknown = self._params.keys() - (template.get("Parameters") or {}).keys()
        if unknown - {"Stage"}:
            raise Failure(f"the template has no parameter {', '.join(sorted(unknown - {'Stage'}))}")
        for name in unknown:
            self._params.pop(name)
        return json.dumps(template, default=str)

    def _upload(self, file: Path, key: str) -> str:
        """Put a file under its key unless it is there; gives the bucket."""
        from botocore.exceptions import ClientError

        s3 = self._target.client("s3")
        if not self._bucket:
            self._bucket = self._ensure_bucket(s3)
        try:
            s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            s3.upload_file(str(file), self._bucket, key)
            click.echo(f"  uploaded {file.name[:12]}…  {file.stat().st_size:,} bytes")
        return self._bucket

    def _ensure_bucket(self, s3: Any) -> str:
        from botocore.exceptions import ClientError

        region = self._target.region
        bucket = f"may-artifacts-{self._target.account()}-{region}"
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            where = (
                {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            )
            s3.create_bucket(Bucket=bucket, **where)
        return bucket

    def _change(self, body: str) -> bool:
        """Make and execute a change set; False if there is nothing to change."""
        from botocore.exceptions import ClientError

        cloudformation = self._cloudformation
        source: dict[str, str] = {"TemplateBody": body}
        if len(body.encode()) > MAX_BODY:
            source = {"TemplateURL": self._upload_template(body)}
        kind = self._change_set_type()
        try:
            made = cloudformation.create_change_set(
                StackName=self._stack,
                ChangeSetName=f"may-{int(time.time() * 1000)}",
                ChangeSetType=kind,
                Capabilities=CAPABILITIES,
                Parameters=self._parameters(kind),
                **source,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise self._refused(error.response["Error"]["Message"]) from error
        while True:
            described = cloudformation.describe_change_set(ChangeSetName=made["Id"])
            if described["Status"] == "FAILED":
                cloudformation.delete_change_set(ChangeSetName=made["Id"])
                reason = described.get("StatusReason", "")
                if any(text in reason for text in NO_CHANGES):
                    return False
                raise self._refused(reason)
            if described["Status"] == "CREATE_COMPLETE":
                break
            time.sleep(self._pause)
        self._seen = self._events_so_far()
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
        return True

    def _refused(self, reason: str) -> Failure:
        hint = ""
        if self._target.local and "Unrecognized resource types" in reason:
            hint = "docs/coverage.md lists the resource types that Maycloud has."
            for kind, maker in _MADE_BY.items():
                if kind in reason:
                    hint = f"{kind} comes from {maker}. {hint}"
        return Failure(f"the template was refused: {reason}", hint, STACK_FAILED)

    def _parameters(self, kind: str) -> list[dict[str, Any]]:
        """Given values, and the earlier ones of an update where none is given."""
        given = [{"ParameterKey": name, "ParameterValue": value} for name, value in self._params.items()]
        if kind == "CREATE":
            return given
        stack = self._cloudformation.describe_stacks(StackName=self._stack)["Stacks"][0]
        known = self._cloudformation.get_template_summary(StackName=self._stack)["Parameters"]
        names = {parameter["ParameterKey"] for parameter in known}
        return given + [
            {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
            for parameter in stack.get("Parameters", [])
            if parameter["ParameterKey"] in names - self._params.keys()
        ]

    def _upload_template(self, body: str) -> str:
        s3 = self._target.client("s3")
        bucket = self._ensure_bucket(s3)
        key = f"{hashlib.sha256(body.encode()).hexdigest()}.template"
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        return f"https://{bucket}.s3.{self._target.region}.amazonaws.com/{key}"

    def _change_set_type(self) -> str:
        """CREATE for a stack that is not there; one whose creation failed is deleted first."""
        from botocore.exceptions import ClientError

        try:
            stack = self._cloudformation.describe_stacks(StackName=self._stack)["Stacks"][0]
        except ClientError:
            return "CREATE"
        if stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            return "CREATE"
        if stack["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):
            click.echo(f"  an earlier creation ended as {stack['StackStatus']}: deleting what is left of it")
            self._cloudformation.delete_stack(StackName=self._stack)
            self._cloudformation.get_waiter("stack_delete_complete").wait(
                StackName=stack["StackId"], WaiterConfig={"Delay": 1 if self._target.local else 5}
            )
            return "CREATE"
        return "UPDATE"

    def _events_so_far(self) -> set[str]:
        events = self._cloudformation.describe_stack_events(StackName=self._stack)["StackEvents"]
        return {event["EventId"] for event in events}

    def _follow(self, begun: float) -> None:
        """Print each resource as it ends, until the stack ends."""
        progress = Progress(begun)
        while True:
            events = self._cloudformation.describe_stack_events(StackName=self._stack)["StackEvents"]
            for event in reversed(events):
                if event["EventId"] in self._seen:
                    continue
                self._seen.add(event["EventId"])
                if progress.show(event):
                    self._finish(event, progress, begun)
                    return
            time.sleep(self._pause)

    def _finish(self, event: dict[str, Any], progress: "Progress", begun: float) -> None:
        status = event["ResourceStatus"]
        if "ROLLBACK" in status or "FAILED" in status:
            reasons = "\n  ".join(progress.failures) or event.get("ResourceStatusReason", "")
            raise Failure(f"stack {self._stack} ended as {status}", reasons, STACK_FAILED)
        click.secho(f"  {status} in {time.monotonic() - begun:.2f} s", fg="green")


class Progress:
    """Stack events as lines: what happened to which resource, and how long it took."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._started: dict[str, float] = {}
        self.failures: list[str] = []

    def show(self, event: dict[str, Any]) -> bool:
        """Print an event worth a line; True if it ends the stack."""
        name, status = event["LogicalResourceId"], event["ResourceStatus"]
        moment = event["Timestamp"].timestamp()
        if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["StackId"] == event.get(
            "PhysicalResourceId"
        ):
            return status.endswith(("_COMPLETE", "_FAILED")) and "CLEANUP" not in status
        if status.endswith("_IN_PROGRESS"):
            self._started.setdefault(name, moment)
            return False
        took = moment - self._started.pop(name, moment)
        failed = status.endswith("_FAILED")
        mark = click.style("✗", fg="red") if failed else click.style("✓", fg="green")
        verb = status.rpartition("_")[0].lower().replace("_", " ")
        click.echo(f"  {mark} {verb:<7} {name:<34} {event['ResourceType']:<36} {took:6.2f} s")
        if failed:
            reason = event.get("ResourceStatusReason", "")
            self.failures.append(f"{name}: {reason}")
            click.secho(f"      {reason}", fg="red")
        return False
