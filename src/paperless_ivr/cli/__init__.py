"""The command line, `paperless-ivr`. Each command is a module, imported on demand."""

import gc
from importlib import import_module
from importlib.metadata import metadata
from typing import Any

import click

from paperless_ivr.errors import NoRecord, Problems, RecordDown, StoreError, WsdlAway

COMMANDS = {
    "agi": "Take calls from Asterisk over FastAGI.",
    "call": "Take a call at the keyboard, or play back keys.",
    "check": "Check a policy and a biller's service before the first call.",
    "cloudivr": "Run the reference CloudIVR service, or list its messages.",
    "effort": "Measure what a call costs the caller, in keys and seconds.",
    "diagram": "Draw the call flow, straight from the table that calls follow.",
    "prompts": "List every phrase for a voice studio, or render them all.",
    "record": "Maintain the record, and look up its data about a person.",
    "relay": "Complete work left over from calls.",
    "replay": "Replay transcripts.",
    "report": "Report how far callers got, and why they got no further.",
    "serve": "Answer Twilio's web requests.",
    "simulator": "Place calls in a browser.",
    "transcripts": "Write transcripts that cover every row of the table.",
    "verify": "Prove that every call keeps the invariants.",
}
"""Every command and its purpose. The code is in the module of the same name."""


class Unusable(click.ClickException):
    """An error in an input that can never be used. Temporary problems exit with status 1."""

    exit_code = 2


class Commands(click.Group):
    """The commands, imported on demand. Errors are reported without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command with this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"paperless_ivr.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Report an error in one line, and set the exit status."""
        gc.set_threshold(20_000)  # with the default, imports make startup 15% slower
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
            message = f"the record is unavailable: {down}"
            raise click.ClickException(message) from down
        except StoreError as error:
            raise Unusable(str(error)) from error


def _extra(command: str, missing: str) -> str:
    """Return the extra that provides a module: the command's own, if it has one."""
    if missing == "psycopg":
        return "postgresql"
    return command if command in metadata("paperless-ivr").get_all("Provides-Extra", []) else "all"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="paperless-ivr")
def main() -> None:
    """A telephone call flow that switches a caller to paperless billing by keypad."""
    from paperless_ivr.cli.logs import configure

    configure()
