"""A record and a store of calls that share no transaction, used as one session store."""

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
    """Commits the parts of an update one after another.

    First what must never be lost (a try, an outcome, an intended write), then the call, then the
    activity lines: where it fails in between, a line may be lost, and nothing else.
    """

    record: Record
    calls: LiveCalls

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        """Makes the changes of an update in order."""
        if update.outcome is not None:
            self.record.settle(update.outcome.key, update.outcome.answer)
        if update.intent is not None:
            intent = update.intent
            refused = self.record.intend(intent.write, intent.evidence, intent.limits)
            if refused is not None:
                return refused
        if again and update.call is not None and self._is_done(update):
            return None  # its lines were noted, or are lost: never doubled
        if update.call is not None:
            self.calls.save(update.call, update.if_turn)
            if update.forget:  # only whoever moved it to its end removes it
                self.calls.drop(update.call.call_id)
        for line in update.activities:
            self.record.note(line)
        return None

    def commit_try(self, reservation: Reservation, follow: Follow, *, again: bool = False) -> Tried:
        """Counts a try, then makes the changes that follow."""
        answer = self.record.reserve(reservation.request, reservation.limits)
        self.commit(follow(answer), again=again)
        return answer

    def _is_done(self, update: SessionUpdate) -> bool:
        """Whether the call already is where the update wants it."""
        assert update.call is not None
        try:
            return self.calls.load(update.call.call_id) == update.call
        except UnknownCall:
            return update.forget
