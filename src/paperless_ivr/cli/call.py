"""`paperless-ivr call`: takes a call at the keyboard, or plays back keys."""

import sys
from pathlib import Path
from uuid import uuid4

import click
from attrs import evolve

from paperless_ivr.backends.demo import BILLER
from paperless_ivr.cli import services
from paperless_ivr.cli.paths import FILE
from paperless_ivr.cli.setups import arrival, policy_in_force
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Observer, Setup
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Moment, Reason, Registration
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.prompts import Catalog

DEMO = "1 1137# 1"
"""The keys of a whole call: accept the offer, prove who is calling, agree."""

ASK = "ask"
HELP = (
    "Type keys, then Enter. Enter alone is silence, h hangs up, # ends an entry, and 1@0 presses 1 "
    "during the first prompt."
)


@click.command(name="call")
@click.option("--keys", metavar="KEYS", help="Play these keys, such as '1 1137# 1'.")
@click.option(
    "--moment",
    type=click.Choice([moment.value for moment in Moment]),
    default=Moment.START.value,
    show_default=True,
    help="The point in the host's call at which the offer is made.",
)
@click.option("--biller", default=BILLER, show_default=True, help="The biller in the demo service.")
@click.option(
    "--caller",
    default="rivera",
    show_default=True,
    help="A demo customer, or a telephone number (+1…).",
)
@services.options
@click.option("--person/--no-person", default=False, help="Whether an agent can take the call.")
@click.option(
    "--transcript",
    type=FILE,
    help="Write the call to this file, with made-up values for personal data.",
)
@click.option(
    "--language",
    help="The language, such as es-US; 'ask' lets the caller choose. [default: the policy's]",
)
def command(  # noqa: PLR0913 - an argument for each option
    *,
    keys: str | None,
    moment: str,
    biller: str,
    caller: str,
    file: Path | None,
    connection_file: Path | None,
    service: str | None,
    record: str | None,
    person: bool,
    transcript: Path | None,
    language: str | None,
) -> None:
    """Take a call at the keyboard, or play back keys. The last line is the disposition.

    KEYS consists of tokens: digits, `*`, and `#` as pressed; `-` for silence; `h` to hang up;
    `*@3` for a key during the fourth prompt; `answered`, `busy`, or `no_answer` for the result of
    a transfer.
    """
    if biller != BILLER:
        message = f"unknown biller {biller!r}; the demo has only {BILLER}"
        raise click.BadParameter(message, param_hint="--biller")
    policy = policy_in_force(file)
    catalog = Catalog.of(policy)
    spoken = _language(language, policy)
    try:
        script = tokens(keys or "")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--keys") from error
    try:
        coming = arrival(f"cli-{uuid4().hex}", policy.biller.id, Moment(moment), caller, spoken)
    except LookupError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="--caller") from error
    coming = evolve(coming, person_available=person)
    lines = None
    if keys is None and sys.stdin.isatty():
        lines = sys.stdin
        click.echo(HELP)
    elif keys is None:
        script = tokens(DEMO)
        click.echo(f"No terminal to read keys from: playing a demo call, --keys '{DEMO}'.")
    with services.opened(policy, connection_file, service, record) as at:
        flow = Flow(Terms(policy, at.backend.operations))
        observers = (_scribe(flow, file, transcript),) if transcript else ()
        driver = Driver(Setup(flow, catalog, at.backend, at.store, observers=observers))
        ended = driver.converse(TerminalGateway(catalog, sys.stdout, lines, script), coming)
    if ended.reason is not Reason.NONE:
        click.echo(f"reason: {ended.reason.value}")
    if ended.registration is not Registration.NONE:
        click.echo(f"registration: {ended.registration.value}")
    click.echo(f"disposition: {ended.disposition.value}")


def _scribe(flow: Flow, policy: Path | None, transcript: Path) -> Observer:
    """Return an observer that writes the call to a file when it ends."""
    from paperless_ivr.transcripts.parsing import DEMO
    from paperless_ivr.transcripts.scribe import Scribe

    def done(_: str, text: str) -> None:
        transcript.write_text(text, encoding="utf-8")

    headers = {"policy": str(policy) if policy else DEMO}
    return Scribe(flow, done, headers, transcript).moved


def _language(wanted: str | None, policy: Policy) -> str | None:
    """Return the language that the host hands over, or None if the caller chooses."""
    if wanted == ASK:
        return None
    language = wanted or policy.languages.default
    if language not in policy.languages.offered:
        message = (
            f"{language!r} is not offered; choose {', '.join(policy.languages.offered)} or {ASK}"
        )
        raise click.BadParameter(message, param_hint="--language")
    return language
