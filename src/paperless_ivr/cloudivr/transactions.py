"""Runs each request to the service in a transaction, and logs its steps.

A refused request changes no customer's data, and a failed one is rolled back. Both are logged.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

import structlog
from attrs import define, field, frozen
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from paperless_ivr.clock import utc_now
from paperless_ivr.cloudivr import tables as t
from paperless_ivr.cloudivr.codes import Code

Answer = TypeVar("Answer")

_log = structlog.get_logger()


class Refused(Exception):
    """A refusal by the service. The code gives the reason."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


@frozen
class Step:
    """A step of a request, and its result."""

    name: str
    at: datetime
    code: Code
    error: str | None = None
    parameters: str | None = None


@define(eq=False, repr=False)
class Visit:
    """A request being processed, in one transaction."""

    session: Session
    operation: str
    clock: Callable[[], datetime]
    partner_id: int | None = None
    biller_id: int | None = None
    steps: list[Step] = field(factory=list)

    @property
    def now(self) -> datetime:
        """The current time."""
        return self.clock()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Note a step and its result for the activity log."""
        try:
            yield
        except Refused as refused:
            self.note(name, refused.code)
            raise
        except Exception as error:
            self.note(name, Code.INTERNAL, error)
            raise
        self.note(name, Code.NONE)

    def note(
        self,
        name: str,
        code: Code,
        error: Exception | None = None,
        parameters: str | None = None,
    ) -> None:
        """Note a step for the activity log."""
        kind = type(error).__name__ if error else None
        self.steps.append(Step(name, self.now, code, kind, parameters))

    def attempt(self, act: Callable[[], None]) -> Code:
        """Call `act`, and return the resulting code. If it is refused, undo all of its changes."""
        try:
            with self.session.begin_nested():
                act()
        except Refused as refused:
            return refused.code
        return Code.NONE

    def once(self, key: str | None, content: Mapping[str, object], act: Callable[[], None]) -> Code:
        """Call `act`, or return the earlier answer if the same key was already used.

        A key that was used with different content is refused, since it is unclear which content is
        meant. A second request with the same key waits for the first one to finish: on SQLite when
        its transaction begins, and on PostgreSQL when it inserts the key.
        """
        if not key:
            return self.attempt(act)
        digest = _digest(key, content)
        asked = {
            "PartnerID": self.partner_id,
            "BillerID": self.biller_id,
            "Operation": self.operation,
            "IdempotencyKeyHash": hashlib.sha256(key.encode()).hexdigest(),
        }
        answer = self.session.get(t.PreferenceAnswer, asked)
        if answer is not None:
            return _as_before(answer, digest)
        answer = t.PreferenceAnswer(
            **asked, ContentHash=digest, ErrorCode=Code.NONE, AnsweredAt=self.now
        )
        try:
            with self.session.begin_nested():
                self.session.add(answer)
        except IntegrityError:
            return _as_before(self.session.get_one(t.PreferenceAnswer, asked), digest)
        code = self.attempt(act)
        answer.ErrorCode = code
        return code


def _digest(key: str, content: Mapping[str, object]) -> str:
    """Return a hash that identifies requests with the same content."""
    text = json.dumps([key, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _as_before(answer: t.PreferenceAnswer, digest: str) -> Code:
    return Code(answer.ErrorCode) if answer.ContentHash == digest else Code.KEY_REUSED


@frozen
class Transactions:
    """Runs requests, each in its own transaction."""

    engine: Engine
    clock: Callable[[], datetime] = utc_now

    def run(
        self, operation: str, work: Callable[[Visit], Answer], refused: Callable[[Code], Answer]
    ) -> Answer:
        """Return the answer of `work`, or of `refused` if `work` fails or is refused.

        Never raises.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            visit = Visit(session, operation, self.clock)
            try:
                with session.begin():
                    try:
                        answer = work(visit)
                    except Refused as refusal:
                        answer = refused(refusal.code)
                    _write_log(visit, session)
            except Exception as error:  # noqa: BLE001 - the service always answers
                self._failed(visit, error)
                return refused(Code.INTERNAL)
        return answer

    def _failed(self, visit: Visit, error: Exception) -> None:
        """Log the class of an exception, but not its text, which may contain personal data."""
        visit.note("Rollback", Code.INTERNAL, error)
        _log.error("cloudivr.failed", operation=visit.operation, error=type(error).__name__)
        try:
            with Session(self.engine) as session, session.begin():
                _write_log(visit, session)
        except SQLAlchemyError as unwritten:
            unlogged = type(unwritten).__name__
            _log.error("cloudivr.unlogged", operation=visit.operation, error=unlogged)


def _write_log(visit: Visit, session: Session) -> None:
    request = uuid4().hex
    session.add_all(
        t.ActivityLog(
            RequestID=request,
            LoggedAt=step.at,
            Operation=visit.operation,
            Step=step.name,
            ErrorCode=step.code,
            Error=step.error,
            Parameters=step.parameters,
            BillerID=visit.biller_id,
        )
        for step in visit.steps
    )
