"""Entry point of `may`. Commands are imported when called, so that `may up` starts at once."""

import importlib
import sys

import click

from maycloud import __version__
from maycloud.cli.failure import GENERAL, Failure
from maycloud.errors import AwsError

COMMANDS = {
    "up": "Start the cloud.",
    "down": "Stop the cloud.",
    "status": "Show whether the cloud runs, where, and what was denied of late.",
    "env": "Print shell exports that point AWS tools at the cloud.",
    "deploy": "Build, upload and deploy a system or a SAM template.",
    "destroy": "Delete a stack and all that it made.",
    "outputs": "Print a stack's outputs.",
    "logs": "Print the logs of a stack's functions.",
    "inbox": "Print the mails that the cloud's services sent.",
    "console": "Open the web console, signed in.",
    "demo": "Play a user through a system, each step with its time.",
    "doctor": "Check this machine and say what is missing.",
    "trust": "Print how to trust the cloud's certificates.",
}


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"maycloud.cli.{cmd_name}")
        return getattr(module, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="may")
def cli() -> None:
    """Maycloud: run whole serverless systems for real, on this machine."""


def main() -> None:
    try:
        cli(standalone_mode=False)
    except Failure as failure:
        click.secho(f"may: {failure.message}", fg="red", err=True)
        if failure.hint:
            click.echo(f"  {failure.hint}", err=True)
        sys.exit(failure.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except AwsError as error:  # templates are read by the same code here as in the cloud
        click.secho(f"may: {error.message}", fg="red", err=True)
        sys.exit(GENERAL)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "boto3")):
            raise
        # What the cloud or AWS refused, or could not be reached for, is not this program's fault.
        click.secho(f"may: {error}", fg="red", err=True)
        sys.exit(GENERAL)


if __name__ == "__main__":
    main()
