"""Opens an SQLite or PostgreSQL database, runs transactions on it, and converts its errors."""

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
"""The time limit of a transaction in seconds: the policy's default for the record."""


TURN = 2.0
"""How long, in seconds, a transaction can wait behind others in this process before its budget
begins (R50). The wait is separate because many concurrent calls do not mean that the database is
down. The transactions that a caller waits for share a deadline (`records.deadline`). If the wait
were part of the budget, 70% of 200 concurrent calls would go back to the host
(benchmarks/calls_at_once.py)."""
CONNECTIONS = 8
"""The limit on connections to a database; on SQLite, a writer gets one more. More connections make
transactions slower, because they compete for the database's cores and, within one process, for one
application core."""


class Database:
    """A database. Its errors are raised as `RecordDown`, without any of the statement's data.

    `read` and `write` run a function in one transaction. Either all of its changes are committed,
    or none of them are.
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
        """Whether the database is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    def read(self, act: Callable[[Connection], T]) -> T:
        """Run a function that only reads, and return its result."""
        return self._answer(self._reading, self._readers, act)

    def write(self, act: Callable[[Connection], T]) -> T:
        """Run a function that writes, and return its result. On SQLite, only one runs at a time."""
        return self._answer(self.engine, self._writers, act)

    def lock(self, connection: Connection, *names: str) -> None:
        """Make other transactions that lock one of these names wait until this one ends."""
        if self.is_sqlite:
            return  # SQLite allows only one writer at a time
        digests = (hashlib.sha256(name.encode("utf-8", "surrogatepass")) for name in names)
        for number in sorted({int.from_bytes(d.digest()[:8], "big", signed=True) for d in digests}):
            connection.execute(select(func.pg_advisory_xact_lock(number)))

    def _answer(self, engine: Engine, turns: "_Turns", act: Callable[[Connection], T]) -> T:
        committing = False
        try:
            with turns.turn(), self._begun(engine) as connection:
                answer = act(connection)
                committing = True
            return answer
        except (SQLAlchemyError, UnicodeError) as error:
            what = _named(error)
        # This is outside `except`, because the caught error contains the statement's data.
        raise RecordDown(cause=what, in_doubt=committing)

    @contextlib.contextmanager
    def _begun(self, engine: Engine) -> Iterator[Connection]:
        """Provide a connection with an open transaction.

        After a server restart, the connections in the pool are dead. When the first dead connection
        is found, the pool is emptied, and another connection is used, since nothing has been done
        yet. On PostgreSQL, the connection is cut off from this side when its time is up, because a
        server that no longer responds may not enforce its own timeouts.
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
        """Run a function that writes, on a separate connection if the database is SQLite.

        Raises RecordDown if the SQLite file was deleted or replaced. The connections in the pool
        would still write to the old file, and the data would be lost.
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
        """Return an SQLite file's identity. None on PostgreSQL, or if there is no file yet."""
        if not self.is_sqlite:
            return None
        try:
            found = Path(self.url.database or "").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._watch.close()


class _Turns:
    """A limit on how many threads run at the same time. Threads get turns in order of arrival.

    Waiting inside SQLite, for a lock, or for a pooled connection is not fair. Some threads could
    wait forever while new ones keep getting through.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._here: deque[threading.Event] = deque()
        """The threads that have a turn, followed by those waiting for one."""

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and keep it during the block. Raises RecordBusy if it takes too long."""
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
    """A watchdog for overdue connections. It cuts them off, so that waiting threads get an error.

    A single thread watches all connections. With one thread per transaction, starting the threads
    took longer than the transactions themselves when many ran at the same time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[socket.socket, float] = {}
        self._idle = False
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def hung_up_after(self, seconds: float, file: int) -> Iterator[None]:
        """Cut off a file descriptor's connection if the block takes longer than `seconds`."""
        line = socket.socket(fileno=os.dup(file))
        with self._changed:
            self._ends[line] = time.monotonic() + seconds
            if self._thread is None or not self._thread.is_alive():  # e.g., after a fork
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
        """Stop watching connections."""
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
    """Return the class of an error and the database's code for it, without the statement's data."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__


def database_url(url: str | URL) -> URL:
    """Return a database's URL with the driver set. Raises ValueError if it is not supported."""
    try:
        made = make_url(url)
    except SQLAlchemyError:
        made = None
    match made.get_backend_name() if made is not None else None:
        case "sqlite" if made and made.database and made.database != ":memory:":
            return made.set(drivername="sqlite+pysqlite")
        case "postgresql" if made:
            return made.set(drivername="postgresql+psycopg")
    raise ValueError("give the database as sqlite:///record.db or postgresql://user@host/name")


def _sqlite(url: URL, budget: float, readers: int) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=readers + 1,  # plus a writer
        max_overflow=0,
        pool_timeout=TURN,
        connect_args={"timeout": budget},
    )
    file = Path(url.database or "")

    @event.listens_for(engine, "do_connect")
    def _(*_: Any) -> None:
        """Create a missing file, for its owner only. SQLite uses the same mode for its log."""
        with contextlib.suppress(OSError):
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not when the driver chooses
        for pragma in (
            "journal_mode = WAL",  # readers do not wait for a writer
            "synchronous = FULL",  # commits survive a power failure
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function(REMOVES, 0, lambda: True)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        """Begin a transaction. A writer locks the database, so that its reads stay current."""
        reads = connection.get_execution_options().get("reads_only")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL, budget: float, connections: int) -> Engine:
    limit = math.ceil(budget * 1000)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,  # each extra connection would be opened and closed for one transaction
        pool_timeout=TURN,
        connect_args={
            "autocommit": True,  # transactions begin below
            "application_name": "paperless-ivr",
            "connect_timeout": max(math.ceil(budget), 2),  # psycopg's minimum
            "tcp_user_timeout": limit,
            "options": f"-c statement_timeout={limit} -c lock_timeout={limit} "
            f"-c idle_in_transaction_session_timeout={max(10 * limit, 10_000)}",
        },
    )

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        """Begin a transaction, which also checks that the server is reachable."""
        connection.exec_driver_sql("BEGIN")

    return engine
