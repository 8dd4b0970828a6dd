"""One database, SQLite or PostgreSQL: how it is opened, and what becomes of its errors."""

import contextlib
import hashlib
import math
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from paperless_ivr.errors import RecordDown

T = TypeVar("T")

BUDGET = 0.5
"""Seconds that anything may take: the policy's default for the record."""


class Database:
    """A database. Whatever is wrong with it is `RecordDown`, with nothing of what was asked.

    `read` and `write` do something in one transaction: all of it, or nothing.
    """

    def __init__(self, url: str | URL, budget: float = BUDGET) -> None:
        self.url = database_url(url)
        self.engine = _sqlite(self.url, budget) if self.is_sqlite else _postgresql(self.url, budget)
        self._reading = self.engine.execution_options(reads_only=True)
        self._budget = budget
        self._turn = threading.Lock()  # SQLite's own waiting is by chance, and not fair

    def __repr__(self) -> str:
        return f"<Database {self.url.get_backend_name()}>"

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    def read(self, act: Callable[[Connection], T]) -> T:
        """What comes of reading."""
        return self._answer(self._reading, act)

    def write(self, act: Callable[[Connection], T]) -> T:
        """What comes of writing. On SQLite writers of one process take turns."""
        if not self.is_sqlite:
            return self._answer(self.engine, act)
        if not self._turn.acquire(timeout=self._budget):
            raise RecordDown
        try:
            return self._answer(self.engine, act)
        finally:
            self._turn.release()

    def lock(self, connection: Connection, *names: str) -> None:
        """Makes other transactions that lock one of these names wait for the end of this one."""
        if self.is_sqlite:
            return  # one at a time writes anyway
        digests = (hashlib.sha256(name.encode("utf-8", "surrogatepass")) for name in names)
        for number in sorted({int.from_bytes(d.digest()[:8], "big", signed=True) for d in digests}):
            connection.execute(select(func.pg_advisory_xact_lock(number)))

    def _answer(self, engine: Engine, act: Callable[[Connection], T]) -> T:
        try:
            with self._connected(engine) as connection, connection.begin():
                return act(connection)
        except (SQLAlchemyError, UnicodeError) as error:
            what = _named(error)
        raise RecordDown(what)  # out here: what was caught holds what was asked

    @contextlib.contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        """A connection that is there, and is hung up when the time is over.

        A server that was restarted has left dead connections in the pool: the first that is
        met empties it. One that is silent keeps to no time-out of its own.
        """
        if self.is_sqlite:
            with engine.connect() as connection:
                yield connection
            return
        for last in (False, True):
            with engine.connect() as connection, _hung_up_after(self._budget, connection):
                if last or _is_there(connection):
                    yield connection
                    return

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def _is_there(connection: Connection) -> bool:
    """Whether the server still answers on a connection; nothing has been asked on it yet."""
    try:
        with connection.begin():
            connection.exec_driver_sql("SELECT 1")
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return False
    return True


@contextlib.contextmanager
def _hung_up_after(seconds: float, connection: Connection) -> Iterator[None]:
    """Ends a connection when the time is over, so that whoever waits for it gets an error."""
    driver: Any = connection.connection.driver_connection
    line = socket.socket(fileno=os.dup(driver.fileno()))

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        line.close()


def _named(error: Exception) -> str:
    """The class of an error and the database's code for it: nothing of what was asked."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__


def database_url(url: str | URL) -> URL:
    """The URL of a database, with the driver that is used; ValueError for other databases."""
    try:
        made = make_url(url)
    except SQLAlchemyError:
        made = None
    match made.get_backend_name() if made is not None else None:
        case "sqlite" if made and made.database and made.database != ":memory:":
            return made.set(drivername="sqlite+pysqlite")
        case "postgresql" if made:
            return made.set(drivername="postgresql+psycopg")
    raise ValueError("name a database as sqlite:///record.db or postgresql://user@host/name")


def _sqlite(url: URL, budget: float) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_timeout=budget, connect_args={"timeout": budget}
    )
    file = Path(url.database or "")

    @event.listens_for(engine, "do_connect")
    def _(*_: Any) -> None:
        """The file is its owner's alone; the log beside it gets the same mode."""
        with contextlib.suppress(OSError):
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver likes
        for pragma in (
            "journal_mode = WAL",  # readers do not wait for a writer
            "synchronous = FULL",  # what is committed outlasts a power cut
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        """A writer asks for its turn at once: one that reads first may find the row changed."""
        reads = connection.get_execution_options().get("reads_only")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL, budget: float) -> Engine:
    limit = math.ceil(budget * 1000)
    return create_engine(
        url,
        hide_parameters=True,
        pool_timeout=budget,
        connect_args={
            "application_name": "paperless-ivr",
            "connect_timeout": max(math.ceil(budget), 2),  # psycopg waits no less
            "tcp_user_timeout": limit,
            "options": f"-c statement_timeout={limit} -c lock_timeout={limit} "
            f"-c idle_in_transaction_session_timeout={max(10 * limit, 10_000)}",
        },
    )
