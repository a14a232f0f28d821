"""`may env`: shell exports that point AWS tools at the cloud."""

import shlex

import click

from maycloud.cli.running import Running, with_cloud


@click.command()
@with_cloud
def env(cloud: Running) -> None:
    """Print shell exports; use as: eval "$(may env)"."""
    # A profile or a session left from AWS would win over these keys: the JavaScript SDK prefers AWS_PROFILE.
    click.echo("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN")
    for name, value in cloud.environment().items():
        click.echo(f"export {name}={shlex.quote(value)}")
