"""`paperless-ivr cloudivr`: runs the reference service, or lists its queued messages."""

import ipaddress
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from paperless_ivr.cli import Unusable, limits
from paperless_ivr.net.connections import Limits

if TYPE_CHECKING:
    from paperless_ivr.cloudivr.outbox import Message

DATABASE = "sqlite:///cloudivr.db"

database_option = click.option(
    "--database", metavar="URL", default=DATABASE, show_default=True, help="SQLite or PostgreSQL."
)
same_database_option = click.option(
    "--database", metavar="URL", help="SQLite or PostgreSQL. [default: the service's]"
)


@click.group(name="cloudivr", invoke_without_command=True)
@database_option
@limits.listening_options(8090)
@click.option(
    "--public-url", metavar="URL", help="The address that links lead to. [default: host and port]"
)
@click.option(
    "--link-days",
    type=click.FloatRange(0, min_open=True),
    default=7,
    show_default=True,
    help="How many days a link can be used.",
)
@click.option(
    "--smtp",
    metavar="HOST:PORT",
    help="Deliver queued e-mail to this local mail server. [default: leave it in the queue]",
)
@limits.options
@click.pass_context
def command(  # noqa: PLR0913 - an argument for each option
    context: click.Context,
    *,
    database: str,
    host: str,
    port: int,
    public_url: str | None,
    link_days: float,
    smtp: str | None,
    bounds: Limits,
) -> None:
    """Run the reference CloudIVR service until Ctrl-C.

    An empty database is filled with made-up billers, customers, and bills.
    """
    if context.invoked_subcommand:
        return
    with usable():
        from sqlalchemy import make_url

        from paperless_ivr.cloudivr import seed
        from paperless_ivr.cloudivr.serving import running

        shown = make_url(database).render_as_string(hide_password=True)
        running_service = running(
            database,
            host=host,
            port=port,
            public_url=public_url.rstrip("/") if public_url else None,
            link_days=link_days,
            smtp=local_server(smtp) if smtp else None,
            bounds=bounds,
        )
        stopped = stopped_by_signal()
        with running_service as service:
            partner = seed.load().partners[0]
            click.echo(f"CloudIVR     {service.endpoint}")
            click.echo(f"WSDL         {service.wsdl_url}")
            click.echo(f"Database     {shown}")
            click.echo(f"E-mail       {f'delivered to {smtp}' if smtp else 'queued only'}")
            click.echo(f"PartnerGUID  {partner.guid}")
            click.echo(f"PartnerKey   {partner.key}")
            for biller in seed.load().billers:
                click.echo(f"BillerGUID   {biller.guid}  {biller.name}")
            click.echo(
                "The GUIDs and the key belong to the made-up data. "
                "Press Ctrl-C to stop the service."
            )
            while not stopped.wait(1.0):
                pass  # signals sent to other threads are handled when this one wakes up
    click.echo("Stopped.")


@command.command()
@same_database_option
@click.option("--reveal", is_flag=True, help="Show the recipients.")
@click.pass_context
def outbox(context: click.Context, database: str | None, reveal: bool) -> None:
    """List the queued e-mails and texts."""
    assert context.parent is not None
    database = database or context.parent.params["database"]
    with usable():
        from paperless_ivr.clock import utc_now
        from paperless_ivr.cloudivr.database import opened
        from paperless_ivr.cloudivr.outbox import outbox as read

        engine = opened(database)
        file = engine.url.database or ""
        if engine.dialect.name == "sqlite" and not Path(file).exists():
            message = f"there is no database {file!r}"
            raise Unusable(message)
        queued = read(engine, utc_now())
        engine.dispose()
    messages = [("e-mail", m) for m in queued.emails] + [("text", m) for m in queued.texts]
    if not messages:
        click.echo("Nothing is queued.")
        return
    rows = [_row(kind, message, reveal) for kind, message in messages]
    click.echo(
        _table([("When", "Kind", "State", "To", "Biller", "Bill", "Purpose", "Link"), *rows])
    )


def _row(kind: str, message: "Message", reveal: bool) -> tuple[str, ...]:
    return (
        message.at.strftime("%Y-%m-%d %H:%M"),
        kind,
        message.state,
        message.to.reveal() if reveal else str(message.to),
        message.biller,
        message.invoice_type,
        message.purpose,
        message.link,
    )


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def local_server(address: str) -> tuple[str, int]:
    """Return the host and port. The server must be local, because e-mail is sent unencrypted."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535 or not on_this_machine(host.strip("[]")):
        message = "must be HOST:PORT on this machine, such as 127.0.0.1:1025"
        raise click.BadParameter(message, param_hint="--smtp")
    return host.strip("[]"), int(port)


def on_this_machine(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def stopped_by_signal() -> Event:
    """Return an event that Ctrl-C or SIGTERM sets."""
    stopped = Event()

    def stop(*_: Any) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped


@contextmanager
def usable(option: str = "--database") -> Iterator[None]:
    """Report an unusable input in one line. Omit database errors, which can quote values."""
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    from paperless_ivr.cloudivr.database import OldDatabase

    try:
        yield
    except (ArgumentError, NoSuchModuleError) as error:
        message = "not a database URL; write sqlite:///file.db or postgresql://host/name"
        raise click.BadParameter(message, param_hint=option) from error
    except SQLAlchemyError as error:
        message = f"the database cannot be used: {type(error).__name__}"
        raise Unusable(message) from error
    except OldDatabase as error:
        raise Unusable(str(error)) from error
    except OSError as error:
        raise Unusable(str(error)) from error
