"""Runs the service on its own port, in a thread, until it is stopped."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

from a2wsgi import WSGIMiddleware
from attrs import define, field
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from paperless_ivr.clock import utc_now
from paperless_ivr.cloudivr import seed as seeds
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.bills import status_of
from paperless_ivr.cloudivr.database import opened, prepare
from paperless_ivr.cloudivr.delivery import Mailer
from paperless_ivr.cloudivr.operations import DAILY_MESSAGES, LINK_DAYS, CloudIVR
from paperless_ivr.cloudivr.outbox import Outbox, outbox
from paperless_ivr.cloudivr.soap import MAX_BODY
from paperless_ivr.cloudivr.web import ASMX, Application
from paperless_ivr.net.connections import DEFAULTS, Limits
from paperless_ivr.net.http import bounded, listen, whole_requests

THREADS = 10
"""The number of requests processed at the same time. Others wait."""
STOP_S = 5
"""How many seconds requests in progress have to finish when the service is stopped."""


@define(eq=False, repr=False)
class Service:
    """A running service."""

    url: str
    """Its URL, without a trailing slash."""
    engine: Engine
    operations: CloudIVR = field(init=False)

    @property
    def endpoint(self) -> str:
        """The URL to which envelopes are posted."""
        return self.url + ASMX

    @property
    def wsdl_url(self) -> str:
        """The URL of its WSDL."""
        return f"{self.endpoint}?WSDL"

    def outbox(self) -> Outbox:
        """Return all e-mails and texts, sent or not."""
        return outbox(self.engine, self.operations.clock())

    def snapshot(self) -> Callable[[], None]:
        """Save the service's data, and return a function that restores it. SQLite only."""
        held = sqlite3.connect(":memory:", check_same_thread=False)
        self._copy(held, back=False)

        def put_back() -> None:
            self._copy(held, back=True)

        return put_back

    def _copy(self, held: sqlite3.Connection, *, back: bool) -> None:
        with closing(self.engine.raw_connection()) as pooled:
            own = pooled.driver_connection
            assert isinstance(own, sqlite3.Connection)
            if back:
                held.backup(own)
            else:
                own.backup(held)

    def registration(self, customer_id: int | str, invoice_type: str) -> t.Registered | None:
        """Return the status of a bill's registration, or None if there never was one."""
        with Session(self.engine) as session:
            found = session.scalar(
                select(t.PaperlessRegistration)
                .join(
                    t.InvoiceType,
                    t.InvoiceType.InvoiceTypeID == t.PaperlessRegistration.InvoiceTypeID,
                )
                .where(
                    t.PaperlessRegistration.CustomerID == int(customer_id),
                    t.InvoiceType.InvoiceType == invoice_type,
                )
            )
            return status_of(found, self.operations.clock()) if found else None


@contextmanager
def running(  # noqa: PLR0913 - an argument for each option
    database_url: str | None = None,
    *,
    seed: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
    public_url: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    link_days: float = LINK_DAYS,
    daily_messages: int = DAILY_MESSAGES,
    smtp: tuple[str, int] | None = None,
    bounds: Limits = DEFAULTS,
) -> Iterator[Service]:
    """Run a service until the block ends.

    Without a database URL, it uses a temporary database. Port 0 means any free port. By default,
    an empty database is seeded. Links lead to `public_url` or, by default, to the service's own
    URL, but never to the host named in a request: a client could use that to redirect links to
    itself. If `smtp` is the host and port of a mail server, queued e-mail is delivered there.
    """
    with ExitStack() as ending:
        if database_url is None:
            folder = ending.enter_context(TemporaryDirectory(prefix="cloudivr-"))
            database_url = f"sqlite:///{Path(folder) / 'cloudivr.db'}"
        engine = opened(database_url)
        ending.callback(engine.dispose)
        prepare(engine, seeds.load() if seed else None)
        service = Service("", engine)
        service.operations = CloudIVR(
            engine, lambda: public_url or service.url, clock, link_days, daily_messages
        )
        answering = WSGIMiddleware(Application(service.operations), workers=THREADS)
        ending.callback(answering.executor.shutdown)
        server = bounded(whole_requests(answering, MAX_BODY), bounds, STOP_S)
        listening = listen(host, port)
        service.url = f"http://{host}:{listening.getsockname()[1]}"
        thread = Thread(target=server.run, args=([listening],), name="CloudIVR", daemon=True)
        thread.start()
        ending.callback(thread.join)
        ending.callback(setattr, server, "should_exit", True)
        if smtp is not None:
            stopped = Event()
            mailer = Mailer(engine, *smtp, clock)
            delivering = Thread(
                target=mailer.run, args=(stopped,), name="CloudIVR mail", daemon=True
            )
            delivering.start()
            ending.callback(delivering.join)
            ending.callback(stopped.set)
        yield service
