"""Nested stacks."""

from maycloud.errors import AwsError
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.providers import (
    Attributes,
    Context,
    Props,
    Provider,
    Resource,
    register,
)
from maycloud.services.cloudformation.providers.parts import listed

_ENDED_WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def _inputs(ctx: Context, props: Props) -> Props:
    given = {
        "TemplateURL": props["TemplateURL"],
        "Parameters": [
            {
                "ParameterKey": name,
                "ParameterValue": ",".join(map(text, value)) if isinstance(value, list) else text(value),
            }
            for name, value in (props.get("Parameters") or {}).items()
        ],
        # The root stack's operation has acknowledged what its template says of its nested ones.
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Tags": listed(ctx.tags_of(props)),
    }
    if "NotificationARNs" in props:
        given["NotificationARNs"] = props["NotificationARNs"]
    return given


async def _ended(ctx: Context, stack_id: str, *, as_it_was: bool = False) -> Resource:
    """Wait for the nested stack, and give its outputs.

    `as_it_was`: there was nothing to do, so that a stack whose own rollback has brought it back is well too.
    """
    stack = await ctx.cloud.state("cloudformation").finished(stack_id)
    well = (*_ENDED_WELL, "UPDATE_ROLLBACK_COMPLETE") if as_it_was else _ENDED_WELL
    if stack is None or stack["status"] not in well:
        status = stack["status"] if stack else "DELETE_COMPLETE"
        reason = (stack or {}).get("reason") or ""
        raise AwsError("ValidationError", f"Embedded stack {stack_id} was not successfully created: {reason}"
                       if status.startswith(("ROLLBACK", "CREATE", "DELETE"))
                       else f"Embedded stack {stack_id} was not successfully updated. Currently in {status}"
                       f" with reason: {reason}")  # fmt: skip
    outputs = {f"Outputs.{row['OutputKey']}": row["OutputValue"] for row in stack.get("outputs", [])}
    return Resource(stack_id, outputs)


async def create_stack(ctx: Context, props: Props) -> Resource:
    given = _inputs(ctx, props) | {"StackName": ctx.unique_name(max_length=128), "DisableRollback": False}
    if "TimeoutInMinutes" in props:
        given["TimeoutInMinutes"] = props["TimeoutInMinutes"]
    made = await ctx.call("cloudformation", "CreateStack", **given)
    ctx.created(made["StackId"])
    ctx.cloud.state("cloudformation").adopt(made["StackId"], ctx.stack_id)
    return await _ended(ctx, made["StackId"])


async def update_stack(
    ctx: Context, physical_id: str, _old: Props, new: Props, _attributes: Attributes
) -> Resource:
    engine = ctx.cloud.state("cloudformation")
    await engine.finished(physical_id)  # of an update that a crash has interrupted
    as_it_was = False
    try:
        await ctx.call("cloudformation", "UpdateStack", StackName=physical_id, **_inputs(ctx, new))
    except AwsError as failure:
        if "No updates are to be performed" not in failure.message:
            raise
        as_it_was = True
    return await _ended(ctx, physical_id, as_it_was=as_it_was)


async def delete_stack(ctx: Context, physical_id: str, _props: Props, _attributes: Attributes) -> None:
    await ctx.call("cloudformation", "DeleteStack", StackName=physical_id)
    stack = await ctx.cloud.state("cloudformation").finished(physical_id)
    if stack is not None and stack["status"] != "DELETE_COMPLETE":
        raise AwsError(
            "ValidationError", f"Embedded stack {physical_id} was not successfully deleted: {stack['reason']}"
        )


register(
    Provider(
        "AWS::CloudFormation::Stack",
        create=create_stack,
        update=update_stack,
        delete=delete_stack,
        properties=frozenset({"NotificationARNs", "Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"}),
        required=frozenset({"TemplateURL"}),
        always=True,
    )
)
