"""`may console`: a link that signs in to the web console, once."""

import json
import os
import sys

import click

from maycloud.cli.running import Running, with_cloud


@click.command()
@click.option("--no-browser", is_flag=True, help="Only print the link.")
@click.option("--json", "as_json", is_flag=True, help="For scripts; opens nothing.")
@with_cloud
def console(cloud: Running, no_browser: bool, as_json: bool) -> None:
    """Open the web console, signed in as the administrator."""
    link = cloud.admin("POST", "/_may/console/link", {})
    if as_json:
        click.echo(json.dumps(link))
        return
    click.echo(link["url"])
    click.echo(f"signs in once, within {link['expiresIn'] // 60} minutes", err=True)
    if not no_browser and _has_desktop():
        import webbrowser

        webbrowser.open(link["url"])


def _has_desktop() -> bool:
    """Whether a person would see a browser that is opened."""
    if not sys.stdout.isatty():
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
