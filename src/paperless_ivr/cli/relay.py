"""`paperless-ivr relay`: completes work left over from calls."""

import csv
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from paperless_ivr.cli import health, logs, services
from paperless_ivr.cli.cloudivr import stopped_by_signal
from paperless_ivr.cli.health import said
from paperless_ivr.cli.paths import FILE
from paperless_ivr.cli.setups import policy_in_force
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.requests import DeferRequest
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.port import ActivityType
from paperless_ivr.secret import Secret

if TYPE_CHECKING:
    from paperless_ivr.drive.relay import Export, Relay
    from paperless_ivr.web import Meters

COLUMNS = ("key", "customer", "account", "invoice_type", "paperless", "email", "phone", "consent")


@click.command(name="relay")
@services.options
@click.option("--once", is_flag=True, help="Do the work that is due now, then exit.")
@click.option(
    "--every",
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    help="Seconds between rounds.",
)
@click.option(
    "--export",
    "export_file",
    type=FILE,
    help="Append requests that the service cannot carry out to this CSV file (personal data).",
)
@logs.options
@health.options
def command(  # noqa: PLR0913 - an argument for each option
    *,
    file: Path | None,
    connection_file: Path | None,
    service: str | None,
    record: str | None,
    once: bool,
    every: float,
    export_file: Path | None,
    health: health.Where,
) -> None:
    """Complete work left over from calls: unknown outcomes, deferred requests, unopened links.

    Any number of relays can run in parallel on one database. If the database fails, the next round
    tries again. With --once, the exit status is 1 if the database fails or work is given up. Ctrl-C
    or SIGTERM ends the relay between two rounds.
    """
    from paperless_ivr.drive.relay import Relay
    from paperless_ivr.web import MeteredBackend

    if record is None:
        message = "name the record with --database; a record in memory has no unfinished work"
        raise click.UsageError(message)
    policy = policy_in_force(file)
    export = None if export_file is None else _to(export_file)
    with (
        services.opened(policy, connection_file, service, record, make=False) as at,
        said(health, at) as saying,
    ):
        at.say()
        flow = Flow(Terms(policy, at.backend.operations))
        backend = MeteredBackend(at.backend, saying.meters)
        setup = Setup(flow, Catalog.of(policy), backend, at.store)
        _work(Relay(setup, at.record, export), every, saying.meters, once=once)


def _work(relay: "Relay", every: float, meters: "Meters", *, once: bool) -> None:
    """Run one round after another, and report the totals in one line."""
    from tqdm import tqdm

    total: Counter[str] = Counter()
    # An alert can detect the first increase only if the count was already reported as 0.
    meters.worked({ActivityType.GIVEN_UP.value: 0})
    ending = stopped_by_signal()
    with tqdm(bar_format="{desc}", file=sys.stderr, leave=False, disable=None) as line:
        while True:
            came_to = relay.round()
            meters.worked(came_to)
            total.update(came_to)
            line.set_description_str(_told(total))
            if once or ending.wait(every):
                break
    click.echo(_told(total))
    if once and total["record_down"]:
        raise click.ClickException("the record is unavailable; the rest of the work remains")
    if once and (given_up := total[ActivityType.GIVEN_UP.value]):
        message = (
            f"items given up: {given_up}; see paperless-ivr report, and relay.gave_up in the log"
        )
        raise click.ClickException(message)


def _told(total: Counter[str]) -> str:
    worked = ", ".join(f"{number} {came_to}" for came_to, number in sorted(total.items()))
    return f"relay: {worked or 'nothing was due'}"


def _to(file: Path) -> "Export":
    """Return a function that appends requests to a file that only its owner can read."""

    def opened() -> TextIO:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return open(descriptor, "a", newline="", encoding="utf-8")  # noqa: PTH123 - sets the mode

    try:
        opened().close()
    except OSError as error:
        message = f"{file}: {error.strerror}"
        raise click.BadParameter(message, param_hint="--export") from error

    def export(request: DeferRequest) -> None:
        with opened() as out:
            writer = csv.writer(out)
            if out.tell() == 0:
                writer.writerow(COLUMNS)
            writer.writerow(_plain(getattr(request, column)) for column in COLUMNS)
            out.flush()
            os.fsync(out.fileno())

    return export


def _plain(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value
