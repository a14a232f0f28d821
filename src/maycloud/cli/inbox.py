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
    """A block a mail: when, to whom, about what, and the text, folded to the terminal's width."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console()
    for mail in mails:
        moment = datetime.fromisoformat(mail["receivedAt"]).astimezone().strftime("%d %b %H:%M:%S")
        console.print(Text(f"{moment}  ", "dim") + Text(_shown(mail["to"]), "cyan"), soft_wrap=True)
        console.print(Padding(Text(_shown(mail["subject"]), "bold"), (0, 2)))
        console.print(Padding(Text(_shown(mail["text"].strip())), (0, 2, 1, 2)))


def _shown(text: str) -> str:
    """What senders wrote without escape sequences of the terminal's."""
    return "".join(char for char in text if char == "\n" or char.isprintable())
