"""A session store that combines a record and a store of live calls that share no transaction."""

from attrs import frozen

from paperless_ivr.errors import UnknownCall
from paperless_ivr.flow.events import Refused
from paperless_ivr.records.port import (
    Follow,
    LiveCalls,
    Record,
    Reservation,
    SessionUpdate,
    Tried,
)


@frozen
class SeparateStores:
    """A session store that commits the parts of an update one after another.

    The parts that must never be lost (a try, an outcome, an intended write) come first, then the
    call, then the activity lines. If a commit fails halfway and is retried, only lines can be lost.
    """

    record: Record
    calls: LiveCalls

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        """Make the changes of an update in order."""
        if update.outcome is not None:
            self.record.settle(update.outcome.key, update.outcome.answer)
        if update.intent is not None:
            intent = update.intent
            refused = self.record.intend(intent.write, intent.evidence, intent.limits)
            if refused is not None:
                return refused
        if again and update.call is not None and self._is_done(update):
            return None  # the lines may be lost, but must never be noted twice
        if update.call is not None:
            self.calls.save(update.call, update.if_turn)
            if update.forget:  # only the worker that ended the call removes it
                self.calls.drop(update.call.call_id)
        for line in update.activities:
            self.record.note(line)
        return None

    def commit_try(self, reservation: Reservation, follow: Follow, *, again: bool = False) -> Tried:
        """Count a try, then make the changes that follow."""
        answer = self.record.reserve(reservation.request, reservation.limits)
        self.commit(follow(answer), again=again)
        return answer

    def _is_done(self, update: SessionUpdate) -> bool:
        """Return whether the call is already in the state that the update requires."""
        assert update.call is not None
        try:
            return self.calls.load(update.call.call_id) == update.call
        except UnknownCall:
            return update.forget
