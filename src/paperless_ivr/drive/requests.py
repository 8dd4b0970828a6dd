"""Advances calls from one web request to the next.

Each time, the call is loaded, advanced by an event, and stored with its next document.

Before a worker sends a request to the service, it commits a claim on the request, so that no other
worker sends it. If the worker crashes, another takes over the request once the claim expires. A
read is then not sent again, and counts as `Unavailable`. Nor is a write that may already have been
sent; its outcome is `OutcomeUnknown` (R31).
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from attrs import evolve, field, frozen

from paperless_ivr.drive.protocol import Move, OnRecord, Send, fulfill
from paperless_ivr.drive.runner import CallRunner, Setup
from paperless_ivr.drive.session import SavedSession, Session, read
from paperless_ivr.drive.tokens import TokenSigner, TurnToken
from paperless_ivr.errors import StaleCall
from paperless_ivr.flow.events import (
    EndedBy,
    Event,
    HungUp,
    OutcomeUnknown,
    ServiceAnswer,
    Unavailable,
)
from paperless_ivr.flow.requests import Read, Request, Write, ahead
from paperless_ivr.flow.turns import Turn
from paperless_ivr.gateways.port import DocumentGateway
from paperless_ivr.records.port import SavedCall, SessionUpdate, Settlement


@frozen
class RequestRunner:
    """Runs calls of one release on one runtime. The first worker to commit a turn wins."""

    setup: Setup
    gateway: DocumentGateway
    signer: TokenSigner = field(repr=False)
    runner: CallRunner = field(init=False, repr=False)
    _searches: ThreadPoolExecutor = field(init=False, repr=False)
    """Threads for searches before an offer, so that a slow back end does not delay the offer."""

    @_searches.default
    def _make_searches(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.setup.at_once, thread_name_prefix="search")

    @runner.default
    def _make_runner(self) -> CallRunner:
        return CallRunner(self.setup)

    def close(self) -> None:
        """Wait for searches that exceeded their budget to finish."""
        self._searches.shutdown()

    # ── stored calls ──

    def load(self, call_id: str) -> SavedCall:
        """Return a stored call. Raises UnknownCall if there is no such call."""
        return self.runner.twice(lambda: self.setup.store.calls.load(call_id))

    def drop(self, call_id: str) -> None:
        """Forget a call that has ended."""
        self.runner.twice(lambda: self.setup.store.calls.drop(call_id))

    def session(self, stored: SavedCall, saved: SavedSession | None = None) -> Session:
        """Return the session of a stored call of this release."""
        return (saved or read(stored)).session(self.setup.flow, stored)

    def commit(self, move: Move) -> Session:
        """Commit a move with its turn's document. Raises StaleCall if another worker was first."""
        return self.runner.commit(move, self._documented)

    def move(self, session: Session, event: Event, outcome: Settlement | None = None) -> Session:
        """Advance a session by an event, commit the move, and return the new session."""
        return self.commit(Move(session, event, self.runner.advance(session, event), outcome))

    def hang_up(self, stored: SavedCall, by: EndedBy) -> None:
        """End a call, and complete what the caller agreed to."""
        session = self.session(stored)
        while not session.over and not session.hung_up:
            try:
                session = self.move(session, HungUp(by))
            except StaleCall:
                session = self.session(self.load(session.call_id))
        if session.over and not session.hung_up:  # the host already has the call
            self.drop(session.call_id)
        elif not session.over and not self.is_claimed(session):
            with suppress(StaleCall):  # another worker is carrying out the request
                self.carry(session)

    def write(self, session: Session, turn: Turn) -> str:
        """Return a turn as a document, with tokens for the call's current turn."""

        def sign(interrupted: int | None) -> str:
            return self.signer.sign(TurnToken.of(session.turn, session.number, interrupted))

        return self.gateway.write(turn, sign, self.runner.language(turn))

    def _documented(self, session: Session) -> Session:
        """Return the session with the document for its turn.

        If the turn has prompts, its request is claimed later, after they have played. Otherwise,
        it is claimed in this commit.
        """
        claim = None if session.turn.say else session.claim
        return evolve(session, claim=claim, document=self.write(session, session.turn))

    # ── requests ──

    def is_claimed(self, session: Session) -> bool:
        """Whether a worker has claimed the request, and its claim has not expired."""
        return session.claim is not None and self.setup.clock() < session.claim.until

    def carry(self, session: Session, *, claimed: bool = False, waited: float = 0.0) -> Session:
        """Carry out requests until a turn has prompts, or waits for something else.

        `claimed` means that this worker has already claimed the first request. `waited` is the
        number of seconds of silence so far. Raises StaleCall if another worker has moved the call.
        """
        silent_since = time.monotonic() - waited
        while isinstance(session.turn.then, Request):
            session = self._fulfilled(session, silent_since, claimed=claimed)
            if session.turn.say:
                break
            claimed = True  # the move that led to the next request also claimed it
        return session

    def _fulfilled(self, session: Session, silent_since: float, *, claimed: bool) -> Session:
        """Carry out the call's request, and return the session after the answer."""
        request = session.turn.then
        assert isinstance(request, Request)
        again = session.claim is not None and not claimed
        if isinstance(request, Read) and not claimed:
            session = self._claimed(session, again=again)
        if isinstance(request, Read) and again:
            return self._answered(session, Unavailable("taken over"), None)
        waited = time.monotonic() - silent_since
        steps = fulfill(request, session.turn, lambda it: self.setup.budget(it, waited))
        reply: Any = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as done:
                event, outcome = done.value
                return self._answered(session, event, outcome)
            match step:
                case OnRecord() if isinstance(write := step.request, Write):
                    reply = self._lost(write) if again else None
                    if reply is None and claimed:
                        reply = self.runner.on_record(write, session)
                    elif reply is None:
                        session, reply = self._intended(session, write, again=again)
                case OnRecord():
                    reply = self.runner.on_record(step.request, session)
                case Send() if isinstance(step.request, Write) and not self.is_claimed(session):
                    reply = Unavailable("too late")
                case Send() if ahead(step.request):
                    reply = self._asked_ahead(step)
                case Send():
                    reply = self.runner.ask(step)

    def _asked_ahead(self, step: Send) -> ServiceAnswer:
        """Return a search's answer, or a substitute if there is none within its budget."""
        searching = self._searches.submit(self.runner.ask, step)
        try:
            return searching.result(step.budget)
        except TimeoutError:
            return self.runner.busy(step) if searching.cancel() else self.runner.overran(step)

    def _claimed(self, session: Session, *, again: bool) -> Session:
        """Claim the call's request for this worker, and return the session with its new number."""
        claimed = self._claiming(session, again=again)
        self.runner.store(SessionUpdate(call=claimed.saved(), if_turn=session.number))
        return evolve(claimed, stored_number=claimed.number)

    def _claiming(self, session: Session, *, again: bool) -> Session:
        claim = self.runner.claim(session.turn, again=again)
        return self._documented(evolve(session, number=session.number + 1, claim=claim))

    def _intended(
        self, session: Session, write: Write, *, again: bool
    ) -> tuple[Session, Event | None]:
        """Claim a write and put it on record. Return the session, and an event if this failed."""
        claiming = self._claiming(session, again=again)
        update = SessionUpdate(call=claiming.saved(), if_turn=session.number)
        try:
            refused: Event | None = self.runner.intend(write, session, update)
        except StaleCall:
            raise
        except Exception as error:  # noqa: BLE001 - a write that is not on record is not sent
            refused = self.runner.record_failed(write, session, error)
        if refused is not None:
            return session, refused
        return evolve(claiming, stored_number=claiming.number), None

    def _lost(self, write: Write) -> OutcomeUnknown | None:
        """Settle a taken-over write as unknown. Return None if it was never on record."""
        lost = OutcomeUnknown("taken over")
        try:
            self.runner.store(SessionUpdate(outcome=Settlement(write.key, lost)))
        except LookupError:
            return None
        return lost

    def _answered(self, session: Session, event: Event, outcome: Settlement | None) -> Session:
        """Return the session after an answer, even if the caller hung up in the meantime."""
        while True:
            try:
                return self.move(session, event, outcome)
            except StaleCall:
                now = self.session(self.load(session.call_id))
                if session.claim is None or now.claim is None or now.claim.by != session.claim.by:
                    if outcome is not None:
                        self.runner.store(SessionUpdate(outcome=outcome))
                    raise
                session = now
