"""`may logs`: the log lines of a stack's functions."""

import time
from datetime import datetime
from typing import Any

import click

from maycloud.cli.target import Target, no_stack, target_options

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue")


@click.command()
@click.argument("stack")
@click.option("--follow", is_flag=True, help="Go on printing as lines arrive, until interrupted.")
@click.option("--since", default=60.0, show_default=True, help="How many minutes back to begin.")
@target_options
def logs(target: Target, stack: str, follow: bool, since: float) -> None:
    """Print the logs of all functions of STACK, oldest first."""
    names = _functions(target, stack)
    client = target.client("logs")
    begin = int((time.time() - since * 60) * 1000)
    seen: set[str] = set()
    while True:
        for name, event in _events(client, names, begin):
            if event["eventId"] in seen:
                continue
            seen.add(event["eventId"])
            moment = datetime.fromtimestamp(event["timestamp"] / 1000).strftime("%H:%M:%S.%f")[:-3]
            colour = _COLOURS[names.index(name) % len(_COLOURS)]
            click.echo(f"{moment} {click.style(name, fg=colour)}  {event['message'].rstrip()}")
        if not follow:
            return
        time.sleep(0.2 if target.local else 2.0)


def _functions(target: Target, stack: str) -> list[str]:
    """The names of a stack's functions. Raises Failure if there is no such stack."""
    from botocore.exceptions import ClientError

    resources = target.client("cloudformation").get_paginator("list_stack_resources")
    try:
        return [
            resource["PhysicalResourceId"]
            for page in resources.paginate(StackName=stack)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::Lambda::Function"
        ]
    except ClientError as error:
        if "does not exist" in str(error):
            raise no_stack(stack) from error
        raise


def _events(client: Any, names: list[str], begin: int) -> list[tuple[str, dict[str, Any]]]:
    """Events of all the functions' log groups since `begin` (epoch milliseconds), by time."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name in names:
        pages = client.get_paginator("filter_log_events")
        try:
            for page in pages.paginate(logGroupName=f"/aws/lambda/{name}", startTime=begin):
                found += [(name, event) for event in page["events"]]
        except client.exceptions.ResourceNotFoundException:
            continue  # the function has not run yet
    return sorted(found, key=lambda pair: pair[1]["timestamp"])
