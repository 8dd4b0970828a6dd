"""The parts that calls need: a billing service, a record, and a store of live calls."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
import structlog
from attrs import frozen

from paperless_ivr.backends.connection import Connection, load_connection
from paperless_ivr.cli.paths import FILE
from paperless_ivr.cli.record import checked
from paperless_ivr.cli.setups import demo_connection
from paperless_ivr.drive.runner import AT_ONCE
from paperless_ivr.flow.policy import Policy
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import Ledger, SessionStore
from paperless_ivr.records.separate import SeparateStores

if TYPE_CHECKING:
    from paperless_ivr.backends.breaker import GuardedBackend

REQUESTS_A_CONNECTION = 32
"""Requests per database connection. A transaction takes milliseconds; a request takes seconds."""
FEWEST = 2
"""The minimum number of database connections."""

OPTIONS = (
    click.option("--policy", "file", type=FILE, help="A policy (TOML). [default: the demo's]"),
    click.option(
        "--connection",
        "connection_file",
        type=FILE,
        help="A biller's own service (TOML). [default: the demo's, run by this command]",
    ),
    click.option(
        "--cloudivr",
        "service",
        metavar="URL",
        help="The demo service's database. [default: a temporary one]",
    ),
    click.option(
        "--database",
        "record",
        metavar="URL",
        envvar="PAPERLESS_IVR_DATABASE",
        callback=checked,
        help="The record's database. [env: PAPERLESS_IVR_DATABASE; default: in memory]",
    ),
)


@frozen
class Services:
    """The resources that are open while calls run."""

    backend: "GuardedBackend"
    store: SessionStore
    record: Ledger
    probe: Callable[[], None]
    """A function that raises StoreError if calls cannot be saved."""
    connected: tuple[str, ...]
    """Lines that describe what calls are connected to, and what is missing."""

    def say(self) -> None:
        """Print what a server is connected to, and send the service a test search.

        If our credentials are refused, this is logged before the first call. Startup does not wait
        for the search.
        """
        from paperless_ivr.backends.soap.survey import BUDGET, harmless

        for line in self.connected:
            click.echo(line, err=True)
        request = harmless(self.backend.operations)
        if request is not None:
            Thread(target=self.backend.answer, args=(request, BUDGET), daemon=True).start()


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for policy, service, and record to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@contextmanager
def opened(  # noqa: PLR0913 - an argument for each option
    policy: Policy,
    connection_file: Path | None,
    service: str | None,
    record: str | None,
    *,
    make: bool = True,
    at_once: int = AT_ONCE,
) -> Iterator[Services]:
    """Open the service and the record that the options name.

    If `make` is false, the record must already exist. `at_once` limits concurrent requests to the
    service, and sets the number of database connections.
    """
    if connection_file and service:
        message = "--connection replaces the demo service; leave out --cloudivr"
        raise click.UsageError(message)
    from paperless_ivr.backends.breaker import GuardedBackend
    from paperless_ivr.backends.soap.backend import SoapBackend

    with ExitStack() as open_while:
        if connection_file is not None:
            connection = load_connection(connection_file)
        else:
            from paperless_ivr.cli.cloudivr import usable
            from paperless_ivr.cloudivr.serving import running

            with usable("--cloudivr"):
                connection = demo_connection(open_while.enter_context(running(service)).endpoint)
        backend = GuardedBackend(
            SoapBackend(connection),
            connection.circuit_failures,
            connection.circuit_seconds,
            _tell,
            _tell_access,
        )
        lines = tuple(_connected(policy, connection, connection_file, service, record))
        if record is None:
            memory = MemoryRecord()
            yield Services(
                backend, SeparateStores(memory, MemoryLiveCalls()), memory, _nothing, lines
            )
            return
        from paperless_ivr.records.sql import open_store

        connections = max(at_once // REQUESTS_A_CONNECTION, FEWEST)
        store = open_store(record, budget=policy.budgets.record, make=make, connections=connections)
        open_while.enter_context(store)
        yield Services(backend, store, store.record, store.probe, lines)


def _nothing() -> None:
    """Do nothing, because memory is always writable."""


def _tell(circuit: str) -> None:
    structlog.get_logger("paperless_ivr").warning("service.circuit", state=circuit)


def _tell_access(given: bool) -> None:
    log = structlog.get_logger("paperless_ivr")
    if given:
        log.warning("service.access", state="accepted")
    else:
        log.error("service.access", state="refused")


def _connected(
    policy: Policy,
    connection: Connection,
    connection_file: Path | None,
    service: str | None,
    record: str | None,
) -> Iterator[str]:
    """Yield lines that describe what calls are connected to, and what is missing."""
    about = policy.about
    approved = f"approved by {about.approved_by}" if about.is_approved else "not approved yet"
    yield f"policy: {policy.biller.name}, version {about.version}, {approved}"
    if connection_file is not None:
        url = urlsplit(connection.address)
        shown = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
        yield f"service: {shown}, as {connection_file} describes it"
    elif service is not None:
        yield (
            "service: demo, with made-up customers; "
            "use --connection to connect to a biller's service"
        )
    else:
        yield (
            "service: demo, with made-up customers, lost when this command ends; "
            "use --connection to connect to a biller's service"
        )
    if record is None:
        yield (
            "record: in memory, lost when this command ends, and no relay can complete unfinished "
            "work; use --database to keep it"
        )
    else:
        from paperless_ivr.records.sql.database import database_url

        scheme = record.partition(":")[0]
        shown = database_url(record).set(drivername=scheme).render_as_string(hide_password=True)
        yield f"record: {shown}; `paperless-ivr relay` completes unfinished work in it"
