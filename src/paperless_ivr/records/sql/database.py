"""One database, SQLite or PostgreSQL: how it is opened, and what becomes of its errors."""

import contextlib
import hashlib
import math
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from paperless_ivr.errors import RecordBusy, RecordDown
from paperless_ivr.records.deadline import left
from paperless_ivr.records.sql.tables import REMOVES

T = TypeVar("T")

BUDGET = 0.5
"""Seconds that anything may take: the policy's default for the record."""


TURN = 2.0
"""Seconds that a transaction waits behind others of this process, before its budget begins: many
calls at once are not a database that is down (R50). The transactions of one request share its
deadline (`records.deadline`). Were the wait part of the budget, seven of ten of 200 calls at once
would go back to the host (benchmarks/calls_at_once.py)."""
CONNECTIONS = 8
"""Open to a database at most. More make transactions slower, not faster: they take turns on the
cores of the database, and in one process on one core of ours."""


class Database:
    """A database. Whatever is wrong with it is `RecordDown`, with nothing of what was asked.

    `read` and `write` do something in one transaction: all of it, or nothing.
    """

    def __init__(
        self, url: str | URL, budget: float = BUDGET, connections: int = CONNECTIONS
    ) -> None:
        self.url = database_url(url)
        make = _sqlite if self.is_sqlite else _postgresql
        self.engine = make(self.url, budget, connections)
        self._reading = self.engine.execution_options(reads_only=True)
        self._budget = budget
        self._readers = _Turns(connections)
        self._writers = _Turns(1) if self.is_sqlite else self._readers
        self._watch = _Watch()
        self._file = self._its_file()

    def __repr__(self) -> str:
        return f"<Database {self.url.get_backend_name()}>"

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    def read(self, act: Callable[[Connection], T]) -> T:
        """What comes of reading."""
        return self._answer(self._reading, self._readers, act)

    def write(self, act: Callable[[Connection], T]) -> T:
        """What comes of writing. On SQLite writers of one process take turns."""
        return self._answer(self.engine, self._writers, act)

    def lock(self, connection: Connection, *names: str) -> None:
        """Makes other transactions that lock one of these names wait for the end of this one."""
        if self.is_sqlite:
            return  # one at a time writes anyway
        digests = (hashlib.sha256(name.encode("utf-8", "surrogatepass")) for name in names)
        for number in sorted({int.from_bytes(d.digest()[:8], "big", signed=True) for d in digests}):
            connection.execute(select(func.pg_advisory_xact_lock(number)))

    def _answer(self, engine: Engine, turns: "_Turns", act: Callable[[Connection], T]) -> T:
        try:
            with turns.turn(), self._begun(engine) as connection:
                return act(connection)
        except (SQLAlchemyError, UnicodeError) as error:
            what = _named(error)
        raise RecordDown(cause=what)  # out here: what was caught holds what was asked

    @contextlib.contextmanager
    def _begun(self, engine: Engine) -> Iterator[Connection]:
        """A connection on which a transaction has begun; it is hung up when the time is over.

        A server that was restarted has left dead connections in the pool: the first that is
        met empties it, and as nothing has been done yet, another is taken. One that is silent
        keeps to no time-out of its own.
        """
        for last in (False, True):
            with engine.connect() as connection, self._hung_up_in_time(connection):
                try:
                    transaction = connection.begin()
                except DBAPIError as error:
                    if last or not error.connection_invalidated:
                        raise
                    continue
                with transaction:
                    yield connection
                return

    def _hung_up_in_time(self, connection: Connection) -> contextlib.AbstractContextManager[None]:
        if self.is_sqlite:
            return contextlib.nullcontext()
        driver: Any = connection.connection.driver_connection
        return self._watch.hung_up_after(self._budget, driver.fileno())

    def probe(self, act: Callable[[Connection], T]) -> T:
        """What comes of writing on a connection of its own.

        Connections of the pool to an SQLite file that was deleted or replaced still write, to
        what nobody will ever read.
        """
        if self._its_file() != self._file:
            message = "the file was deleted or replaced"
            raise RecordDown(cause=message)
        if not self.is_sqlite:
            return self.write(act)
        alone = _sqlite(self.url, self._budget, 1)
        try:
            return self._answer(alone, self._writers, act)
        finally:
            alone.dispose()

    def _its_file(self) -> tuple[int, int] | None:
        """Which file an SQLite database is; None where there is none yet, or on PostgreSQL."""
        if not self.is_sqlite:
            return None
        try:
            found = Path(self.url.database or "").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()
        self._watch.close()


class _Turns:
    """Lets some at a time do something, in the order in which they came.

    SQLite's own waiting, that for a lock, and that of a pool of connections pass over some for
    as long as others come.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._here: deque[threading.Event] = deque()
        """Those whose turn it is, then those who wait for it."""

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """One turn; RecordBusy where it does not come in time."""
        mine = threading.Event()
        with self._lock:
            self._here.append(mine)
            self._call()
        try:
            if not mine.wait(left(TURN)):
                message = "too many at once"
                raise RecordBusy(cause=message)
            yield
        finally:
            with self._lock:
                self._here.remove(mine)
                self._call()

    def _call(self) -> None:
        for one in islice(self._here, self._at_once):
            one.set()


class _Watch:
    """Ends connections whose time is over, so that those who wait for them get an error.

    One thread for all of them: one for each transaction took longer than the transaction when
    many ran at once.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[socket.socket, float] = {}
        self._idle = False
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def hung_up_after(self, seconds: float, file: int) -> Iterator[None]:
        """Watches over the connection of a file descriptor."""
        line = socket.socket(fileno=os.dup(file))
        with self._changed:
            self._ends[line] = time.monotonic() + seconds
            if self._thread is None or not self._thread.is_alive():  # as after a fork
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()
            elif self._idle:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._ends.pop(line, None)
                line.close()

    def close(self) -> None:
        """Watches no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for line in [line for line, end in self._ends.items() if end <= now]:
                    del self._ends[line]
                    with contextlib.suppress(OSError):
                        line.shutdown(socket.SHUT_RDWR)
                first = min(self._ends.values(), default=None)
                self._idle = first is None
                self._changed.wait(None if first is None else first - now)
                self._idle = False


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


def _sqlite(url: URL, budget: float, readers: int) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=readers + 1,  # and a writer
        max_overflow=0,
        pool_timeout=TURN,
        connect_args={"timeout": budget},
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
        connection.create_function(REMOVES, 0, lambda: True)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        """A writer asks for its turn at once: one that reads first may find the row changed."""
        reads = connection.get_execution_options().get("reads_only")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL, budget: float, connections: int) -> Engine:
    limit = math.ceil(budget * 1000)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,  # one beyond the pool would be made, and closed, for each transaction
        pool_timeout=TURN,
        connect_args={
            "autocommit": True,  # transactions begin below
            "application_name": "paperless-ivr",
            "connect_timeout": max(math.ceil(budget), 2),  # psycopg waits no less
            "tcp_user_timeout": limit,
            "options": f"-c statement_timeout={limit} -c lock_timeout={limit} "
            f"-c idle_in_transaction_session_timeout={max(10 * limit, 10_000)}",
        },
    )

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        """Finds out as well whether the server is still there, before anything is done."""
        connection.exec_driver_sql("BEGIN")

    return engine
