"""`may env`: shell exports that point AWS tools at the cloud."""

import shlex

import click

from maycloud.cli.running import Running, with_cloud


@click.command()
@with_cloud
def env(cloud: Running) -> None:
    """Print shell exports; use as: eval "$(may env)"."""
    for name, value in cloud.environment().items():
        click.echo(f"export {name}={shlex.quote(value)}")
