"""`may inbox`: the mails that the cloud's services sent."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

import click

from maycloud.cli.running import Running, with_cloud


@click.command()
@click.argument("address", required=False)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@with_cloud
def inbox(cloud: Running, address: str | None, as_json: bool) -> None:
    """Print the mails to ADDRESS, or to everyone, newest first."""
    query = f"?to={quote(address, safe='')}" if address else ""
    mails = cloud.admin("GET", f"/_may/inbox{query}")
    if as_json:
        click.echo(json.dumps(mails, indent=2, ensure_ascii=False))
    elif mails:
        _print(mails)
    else:
        click.echo(f"no mail to {address} yet" if address else "no mail yet")


def _print(mails: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, expand=False)
    table.add_column("received", style="dim", no_wrap=True)
    table.add_column("to", style="cyan", overflow="fold")
    table.add_column("subject", style="bold", overflow="fold")
    table.add_column("text", overflow="fold")
    for mail in mails:
        moment = datetime.fromisoformat(mail["receivedAt"]).astimezone().strftime("%d %b %H:%M:%S")
        # What senders wrote is text, not rich's markup, and holds no escape sequences of the terminal's.
        row = (moment, mail["to"], mail["subject"], mail["text"].strip())
        table.add_row(*(Text("".join(c for c in cell if c == "\n" or c.isprintable())) for cell in row))
    Console().print(table)
