"""Failing statements, commits whose answers are lost, dying workers. Everything else is real."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError


def _broken() -> sqlite3.OperationalError:
    return sqlite3.OperationalError("disk I/O error")


class WorkerDied(BaseException):
    """The process of a call was killed."""


@define
class Faults:
    """Counts what an engine does, and makes given things fail.

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
    _lost: Collection[int] = ()
    _dies: int | None = None

    def begin(
        self, *, statement: int | None = None, lost: Collection[int] = (), dies: int | None = None
    ) -> None:
        """Start counting again. A failing statement rolls its transaction back.

        `lost`: the commits whose answers are lost. `dies`: the worker dies when it begins to write
        after this many commits, and does nothing from then on.
        """
        self.statements = self.commits = 0
        self.transactions, self.reads = [], []
        self._statement, self._lost, self._dies = statement, lost, dies

    def executes(self, *about: Any) -> None:
        """Handle a statement that is about to be executed."""
        number, self.statements = self.statements, self.statements + 1
        text = str(about[2])
        self._writing = text == "BEGIN IMMEDIATE" or (self._writing and text != "BEGIN")
        if self._writing and self.commits == self._dies:
            raise WorkerDied
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
        if number in self._lost:
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
