"""`may status`: whether the cloud runs, where, and what was denied of late."""

import json
from datetime import datetime

import click

from maycloud.cli.running import Running, with_cloud


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@with_cloud
def status(cloud: Running, as_json: bool) -> None:
    """Show whether the cloud runs, where, and which permissions were missing of late."""
    state = {"pid": cloud.pid, **cloud.admin("GET", "/_may/status")}
    if as_json:
        click.echo(json.dumps(state, indent=2))
        return
    click.echo(
        f"{click.style('running', fg='green', bold=True)}  {state['url']}  pid {state['pid']}"
        f"  version {state['version']}\ndata     {state['dataDir']}  (durability: {state['durability']})"
    )
    used = [name for name, service in state["services"].items() if service["loaded"]]
    click.echo(f"services {len(state['services'])}, in use: {', '.join(used) or 'none yet'}")
    if state["missing"]:
        asked = ", ".join(f"{name} ×{count}" for name, count in sorted(state["missing"].items()))
        click.echo(f"{click.style('Asked for and not there', fg='yellow')} (docs/coverage.md): {asked}")
    if state["denials"]:
        click.secho("\nDenied of late (newest last):", fg="yellow")
    for denial in state["denials"][-10:]:
        moment = datetime.fromtimestamp(denial["time"]).strftime("%H:%M:%S")
        click.echo(
            f"  {moment}  {denial['principal']} lacks {click.style(denial['action'], bold=True)}"
            f" on {denial['resource']} ({denial['reason']})"
        )
