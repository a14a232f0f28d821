"""`may outputs`: a stack's outputs."""

import json

import click

from maycloud.cli.target import Target, stack_outputs, target_options


@click.command()
@click.argument("stack")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@target_options
def outputs(target: Target, stack: str, as_json: bool) -> None:
    """Print the outputs of STACK."""
    found = stack_outputs(target, stack)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    width = max(map(len, found), default=0)
    for name, value in found.items():
        click.echo(f"{name:<{width}}  {value}")
