"""One statement of a database that fails, or one commit whose answer is lost; the rest is real."""

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
    """Counts what an engine does, and lets one thing fail.

    Statements and commits are counted from 0 since `begin`; nothing fails but the numbers given.
    """

    engine: Engine
    statements: int = 0
    commits: int = 0
    transactions: list[int] = field(factory=list)
    """At each commit of a write transaction, how many statements there had been."""
    reads: list[int] = field(factory=list)
    """The numbers of the statements that only read, without those that begin."""
    _writing: bool = False
    _statement: int | None = None
    _commit: int | None = None

    def begin(self, *, statement: int | None = None, commit: int | None = None) -> None:
        """Counts anew; a statement that fails undoes its transaction, a commit is done."""
        self.statements = self.commits = 0
        self.transactions, self.reads = [], []
        self._statement, self._commit = statement, commit

    def executes(self, *about: Any) -> None:
        """A statement is about to be executed."""
        number, self.statements = self.statements, self.statements + 1
        text = str(about[2])
        self._writing = text == "BEGIN IMMEDIATE" or (self._writing and text != "BEGIN")
        if not self._writing and text != "BEGIN":
            self.reads.append(number)
        if number == self._statement:
            raise OperationalError(text, None, _broken())

    def committed(self) -> None:
        """A commit is done."""
        if not self._writing:
            return
        self._writing = False
        number, self.commits = self.commits, self.commits + 1
        self.transactions.append(self.statements)
        if number == self._commit:
            raise _broken()


@contextmanager
def watching(engine: Engine) -> Iterator[Faults]:
    """Stands between an engine and its database."""
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
