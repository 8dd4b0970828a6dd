"""One statement that fails, or one commit whose answer is lost. Everything else is real."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError


def _broken() -> sqlite3.OperationalError:
    return sqlite3.OperationalError("disk I/O error")


@define
class Faults:
    """Counts what an engine does, and makes one thing fail.

    Statements and commits are counted from 0 after `begin`. Only the given ones fail.
    """

    engine: Engine
    statements: int = 0
    commits: int = 0
    transactions: list[int] = field(factory=list)
    """For each commit of a write transaction, the number of statements before it."""
    reads: list[int] = field(factory=list)
    """The numbers of statements that only read, except those that begin a transaction."""
    _writing: bool = False
    _statement: int | None = None
    _commit: int | None = None

    def begin(self, *, statement: int | None = None, commit: int | None = None) -> None:
        """Start counting again. A failing statement rolls its transaction back."""
        self.statements = self.commits = 0
        self.transactions, self.reads = [], []
        self._statement, self._commit = statement, commit

    def executes(self, *about: Any) -> None:
        """Handle a statement that is about to be executed."""
        number, self.statements = self.statements, self.statements + 1
        text = str(about[2])
        self._writing = text == "BEGIN IMMEDIATE" or (self._writing and text != "BEGIN")
        if not self._writing and text != "BEGIN":
            self.reads.append(number)
        if number == self._statement:
            raise OperationalError(text, None, _broken())

    def committed(self) -> None:
        """Handle a commit that is done."""
        if not self._writing:
            return
        self._writing = False
        number, self.commits = self.commits, self.commits + 1
        self.transactions.append(self.statements)
        if number == self._commit:
            raise _broken()


@contextmanager
def watching(engine: Engine) -> Iterator[Faults]:
    """Put faults between an engine and its database."""
    faults = Faults(engine)
    commit = engine.dialect.do_commit

    def do_commit(connection: Any) -> None:
        commit(connection)
        faults.committed()

    event.listen(engine, "before_cursor_execute", faults.executes)
    engine.dialect.do_commit = do_commit  # type: ignore[method-assign]
    try:
        yield faults
    finally:
        engine.dialect.do_commit = commit  # type: ignore[method-assign]
        event.remove(engine, "before_cursor_execute", faults.executes)
