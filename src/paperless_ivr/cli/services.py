"""What calls are run with: a billing service, a record, a store of live calls."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from paperless_ivr.backends.connection import load_connection
from paperless_ivr.backends.port import Backend
from paperless_ivr.cli.record import checked
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.drive.attendant import utc_now
from paperless_ivr.flow.policy import Policy
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import Ledger, LiveCalls

FILE = click.Path(dir_okay=False, path_type=Path)

OPTIONS = (
    click.option("--policy", "file", type=FILE, help="A policy (TOML). [default: the demo's]"),
    click.option(
        "--connection",
        "connection_file",
        type=FILE,
        help="A biller's own service (TOML). [default: the demo's, run for so long]",
    ),
    click.option(
        "--cloudivr",
        "service",
        metavar="URL",
        help="Where the demo's service keeps its data. [default: nowhere, it begins anew]",
    ),
    click.option(
        "--database",
        "record",
        metavar="URL",
        envvar="PAPERLESS_IVR_DATABASE",
        callback=checked,
        help="Where the record is kept. [env: PAPERLESS_IVR_DATABASE; default: in memory]",
    ),
)


@frozen
class Services:
    """What is open while calls are run."""

    backend: Backend
    record: Ledger
    calls: LiveCalls


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options that say what its calls are run with."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@contextmanager
def opened(
    policy: Policy,
    connection_file: Path | None,
    service: str | None,
    record: str | None,
    *,
    make: bool = True,
) -> Iterator[Services]:
    """Opens what the options name; without `make` the record has to be there."""
    if connection_file and service:
        message = "with --connection the demo's service is not run; leave out --cloudivr"
        raise click.UsageError(message)
    from paperless_ivr.backends.soap.backend import SoapBackend

    with ExitStack() as open_while:
        if connection_file is not None:
            connection = load_connection(connection_file)
        else:
            from paperless_ivr.cli.cloudivr import usable
            from paperless_ivr.cloudivr.serving import running

            with usable("--cloudivr"):
                connection = demo_connection(open_while.enter_context(running(service)).endpoint)
        backend = SoapBackend(connection)
        if record is None:
            yield Services(backend, MemoryRecord(utc_now), MemoryLiveCalls())
            return
        from paperless_ivr.records.sql import open_store

        store = open_store(record, budget=policy.budgets.record, make=make)
        open_while.enter_context(store)
        yield Services(backend, store.record, store.calls)
