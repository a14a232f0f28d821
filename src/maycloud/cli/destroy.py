"""`may destroy`: delete a stack."""

import time
from typing import Any

import click

from maycloud.cli.deploy import Progress
from maycloud.cli.failure import STACK_FAILED, Failure
from maycloud.cli.target import Target, target_options


@click.command()
@click.argument("stack")
@click.option("--empty-buckets", is_flag=True, help="Delete what is in the stack's buckets first.")
@target_options
def destroy(target: Target, stack: str, empty_buckets: bool) -> None:
    """Delete STACK and all that it made, but what its template says to retain.

    A bucket that holds objects cannot be deleted. Those that `may deploy` filled with a front end are
    emptied; of others the objects are somebody's data: --empty-buckets deletes them too.
    """
    from botocore.exceptions import ClientError

    cloudformation = target.client("cloudformation")
    try:
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise  # a denial, say
        raise Failure(f"there is no stack {stack}") from error
    stack_id = described["StackId"]
    begun = time.monotonic()
    s3 = target.client("s3")
    ours = _buckets(target, stack_id, every=empty_buckets)
    holding = [
        each for each in _buckets(target, stack_id, every=True) if each not in ours and _holds(s3, each)
    ]
    if holding:
        raise Failure(
            f"nothing was deleted: {', '.join(holding)} holds objects",
            f"`may destroy {stack} --empty-buckets` deletes them too.",
            STACK_FAILED,
        )
    for bucket in ours:
        _empty(s3, bucket)
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


def _buckets(target: Target, stack_id: str, *, every: bool) -> list[str]:
    """The stack's buckets that hold a front end, or all of them."""
    from maycloud.services.cloudformation.template import parse_template

    cloudformation = target.client("cloudformation")
    body = cloudformation.get_template(StackName=stack_id, TemplateStage="Original")["TemplateBody"]
    template = body if isinstance(body, dict) else parse_template(body)
    wanted = {
        logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::S3::Bucket" and (every or "Site" in resource.get("Metadata", {}))
    }
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id)
    return [
        each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["LogicalResourceId"] in wanted and each["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def _holds(s3: Any, bucket: str) -> bool:
    found = s3.list_object_versions(Bucket=bucket, MaxKeys=1)
    return bool(found.get("Versions") or found.get("DeleteMarkers"))


def _empty(s3: Any, bucket: str) -> None:
    """Delete every version of every object."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if found:
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
