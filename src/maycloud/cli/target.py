"""Where a deployment goes: the local cloud, or AWS with a profile. The same calls either way."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from maycloud.cli.failure import Failure
from maycloud.cli.running import Running, data_option, find
from maycloud.cli.systems import all_systems

Client = Callable[[str], Any]


class Target:
    """boto3 clients for one region of the local cloud or of an AWS account."""

    def __init__(self, data: Path, profile: str | None, region: str | None) -> None:
        import boto3
        from botocore.config import Config

        self.local = profile is None
        self._config = Config(retries={"max_attempts": 3, "mode": "standard"})
        self.endpoint: str | None = None  # None for AWS's own
        self.ca_file: Path | None = None
        self.running: Running | None = None  # None for AWS
        if profile is None:
            running = self.running = find(data)
            self._session = running.session(region)
            self.endpoint = running.url
            self.ca_file = running.ca_file
        else:
            self._session = boto3.Session(profile_name=profile, region_name=region)
        if self._session.region_name is None:
            raise Failure("no region is set", "Name one with --region, or set it in the profile.")
        self.region: str = self._session.region_name

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self.endpoint, config=self._config)

    def account(self) -> str:
        return self.client("sts").get_caller_identity()["Account"]


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--data, --profile and --region, given to the command as its first argument, a Target."""

    @data_option
    @click.option("--profile", help="Use AWS with this profile instead of the local cloud.")
    @click.option("--region", help="Region; the cloud's or profile's own unless given.")
    @functools.wraps(command)
    def wrapper(data: Path, profile: str | None, region: str | None, **kwargs: Any) -> Any:
        return command(Target(data, profile, region), **kwargs)

    return wrapper


def no_stack(stack: str) -> Failure:
    """What commands say of a stack that is not there; a system's name is all that `may deploy` needs."""
    what = stack if stack in all_systems() else f"FOLDER --stack {stack}"
    return Failure(f"there is no stack {stack}", f"Deploy it with `may deploy {what}`.")


def stack_outputs(target: Target, stack: str) -> dict[str, str]:
    """A stack's outputs by name. Raises Failure if there is no such stack."""
    from botocore.exceptions import ClientError

    try:
        described = target.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            raise no_stack(stack) from error
        raise
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
