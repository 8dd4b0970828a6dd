"""The command line, `paperless-ivr`. Each command is a module, imported when it is called for."""

import gc
from importlib import import_module
from importlib.metadata import metadata
from typing import Any

import click

from paperless_ivr.errors import NoRecord, Problems, RecordDown, StoreError, WsdlAway

COMMANDS = {
    "agi": "Take calls that Asterisk hands over by FastAGI.",
    "call": "Take a call at the keyboard, or play keys.",
    "check": "Check a policy and a biller's service before the first call.",
    "cloudivr": "Run the reference CloudIVR service; show what it has queued.",
    "effort": "Tell what a call costs its caller, in keys and seconds.",
    "diagram": "Draw the call flow from its live table.",
    "prompts": "List every phrase for a voice studio, or render all.",
    "record": "Look after the record, and answer for what it has of a person.",
    "relay": "Finish what calls left to do.",
    "replay": "Replay transcripts.",
    "report": "Tell how far callers got, and why no further.",
    "serve": "Answer calls of Twilio by web request.",
    "simulator": "Be the caller, in a browser.",
    "transcripts": "Write the calls that take every row of the table.",
    "verify": "Prove what must hold in every call.",
}
"""Every command, and what it is for; `import_module` finds it in the module of that name."""


class Unusable(click.ClickException):
    """What was given cannot be used, now or later. What may pass ends with status 1."""

    exit_code = 2


class Commands(click.Group):
    """Imports a command when it is called for; tells what is wrong without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"paperless_ivr.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; what cannot be used, or does not answer, ends in a line and a status."""
        gc.set_threshold(20_000)  # imports make much that stays: with 700 a start takes 15% longer
        try:
            return super().invoke(ctx)
        except (WsdlAway, NoRecord) as not_yet:
            raise click.ClickException(str(not_yet)) from not_yet
        except Problems as problems:
            raise Unusable(str(problems)) from problems
        except ModuleNotFoundError as missing:
            extra = _extra(ctx.invoked_subcommand or "", missing.name or "")
            message = f"{missing.name} is missing: pip install 'paperless-ivr[{extra}]'"
            raise Unusable(message) from missing
        except RecordDown as down:
            message = f"the record did not answer: {down}"
            raise click.ClickException(message) from down
        except StoreError as error:
            raise Unusable(str(error)) from error


def _extra(command: str, missing: str) -> str:
    """The extra of the package that brings a module: the command's own, where it has one."""
    if missing == "psycopg":
        return "postgresql"
    return command if command in metadata("paperless-ivr").get_all("Provides-Extra", []) else "all"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="paperless-ivr")
def main() -> None:
    """A telephone call flow that switches a caller to paperless billing by keypad."""
    from paperless_ivr.cli.logs import configure

    configure()
