"""`may destroy`: delete a stack."""

import time

import click

from maycloud.cli.deploy import Progress
from maycloud.cli.failure import STACK_FAILED, Failure
from maycloud.cli.target import Target, target_options


@click.command()
@click.argument("stack")
@target_options
def destroy(target: Target, stack: str) -> None:
    """Delete STACK and all that it made, but what its template says to retain."""
    from botocore.exceptions import ClientError

    cloudformation = target.client("cloudformation")
    try:
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        raise Failure(f"there is no stack {stack}") from error
    stack_id = described["StackId"]
    begun = time.monotonic()
    progress = Progress(begun)
    events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    seen = {event["EventId"] for event in events}
    cloudformation.delete_stack(StackName=stack_id)
    while True:
        for event in reversed(cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]):
            if event["EventId"] in seen:
                continue
            seen.add(event["EventId"])
            if progress.show(event):
                if event["ResourceStatus"] != "DELETE_COMPLETE":
                    raise Failure(
                        f"stack {stack} ended as {event['ResourceStatus']}",
                        "\n  ".join(progress.failures),
                        STACK_FAILED,
                    )
                click.secho(f"  deleted {stack} in {time.monotonic() - begun:.2f} s", fg="green")
                return
        time.sleep(0.02 if target.local else 2.0)
