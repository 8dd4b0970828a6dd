"""Records that break what is promised about work after a call: one for each promise."""

# ruff: noqa: D102 - each class says what it breaks

from collections.abc import Mapping
from datetime import timedelta

from attrs import evolve

from paperless_ivr.errors import StaleClaim
from paperless_ivr.flow.requests import DeferRequest
from paperless_ivr.records.memory import MemoryRecord
from paperless_ivr.records.port import ActivityType, Evidence, Task
from tests.racing import all_have_looked


class ForgetsLost(MemoryRecord):
    """Treats a write that was never answered as not done."""

    def unsettled(self, before):
        return tuple(w for w in super().unsettled(before) if w.answer is not None)


class TooSoon(MemoryRecord):
    """Reports writes that may still be in progress."""

    def unsettled(self, before):
        return super().unsettled(before + timedelta(days=1))


class FirstDeferredRequest(MemoryRecord):
    """Keeps the first request for a bill, and no later one."""

    def keep(self, request: DeferRequest, evidence: Evidence) -> None:
        if all(kept.request.invoice_type != request.invoice_type for kept in self.kept()):
            super().keep(request, evidence)


class DeferredRequestsStay(MemoryRecord):
    """Does not notice that a request is outdated."""

    def _decided(self, written):
        if written.key in {kept.key for kept in self._kept}:
            super()._decided(written)

    @property
    def _kept(self):
        return [job.left for job in self._jobs.values() if job.task is Task.COMPLETE]


class AnyWrite(MemoryRecord):
    """Treats any write as later than any request."""

    def _since(self, job):
        return self.now() - timedelta(days=1) if job.task is Task.COMPLETE else super()._since(job)

    def _decided(self, written):
        super()._decided(evolve(written, at=self.now()))


class FollowsPaper(MemoryRecord):
    """Follows every write that was accepted."""

    def _decided(self, written):
        super()._decided(evolve(written, write=evolve(written.write, paperless=True)))


class FollowsForGood(MemoryRecord):
    """Follows every registration, whatever comes later."""

    def followed(self):
        jobs = [job for job in self._jobs.values() if job.task is Task.FOLLOW]
        return tuple(job.left for job in jobs if job.done in (None, ActivityType.SUPERSEDED))


class EverybodyGets(MemoryRecord):
    """Gives unfinished work to anyone who asks."""

    def claim(self, task, biller, holder, lease, before, most):
        return super().claim(task, biller, holder, timedelta(0), before, most)


class GivesAnybodys(MemoryRecord):
    """Gives the unfinished work of any biller."""

    def claim(self, task, biller, holder, lease, before, most):
        billers = [job.left.evidence.consent.biller for job in self._jobs.values()]
        return super().claim(task, billers[0], holder, lease, before, most)


class NewestFirst(MemoryRecord):
    """Gives the newest first."""

    def claim(self, task, biller, holder, lease, before, most):
        self._jobs = dict(reversed(self._jobs.items()))
        return super().claim(task, biller, holder, lease, before, most)


class LooksThenClaims(MemoryRecord):
    """Checks what is free, and claims it only later."""

    def claim(self, task, biller, holder, lease, before, most):
        free = [job for job in self._jobs.values() if job.task is task and job.free(self.now())]
        all_have_looked()
        for job in free[:most]:
            job.holder, job.until = holder, self.now() + lease
        return tuple(job.left for job in free[:most])


class ReleasesAtOnce(MemoryRecord):
    """Makes released work available at once."""

    def release(self, left, holder, again):
        super().release(left, holder, self.now())


class NeverDone(MemoryRecord):
    """Forgets that something is finished."""

    def finish(self, left, holder, how, reason=""):
        super().finish(left, holder, how, reason)
        self._held_any(left).done = None

    def _held_any(self, left):
        return next(job for job in self._jobs.values() if job.left is left)


class AnyEnd(MemoryRecord):
    """Accepts any ending."""

    def finish(self, left, holder, how, reason=""):
        super().finish(left, holder, ActivityType.GIVEN_UP, reason)


class AnyHolder(MemoryRecord):
    """Lets anyone finish what is not done."""

    def _held(self, left, holder):
        for job in self._jobs.values():
            if job.left.key == left.key and not job.done:
                return super()._held(left, job.holder)
        raise StaleClaim(left.key)


class StillHeld(MemoryRecord):
    """Lets a holder finish what is done."""

    def _held(self, left, holder):
        for job in self._jobs.values():
            if job.left.key == left.key and job.holder == holder:
                return job
        raise StaleClaim(left.key)


class OtherWords(MemoryRecord):
    """Keeps the words of a consent in capitals."""

    def consents(self, biller, reference):
        return tuple(evolve(e, words=e.words.upper()) for e in super().consents(biller, reference))


class PurgesAll(MemoryRecord):
    """Purges consents as early as lines."""

    def purge(self, biller, retention):
        return super().purge(biller, evolve(retention, consent_days=retention.activity_days))


class PurgesLeft(MemoryRecord):
    """Purges unfinished work."""

    def purge(self, biller, retention):
        purged = super().purge(biller, retention)
        return evolve(purged, consents=purged.consents + len(self._consents))


BROKEN: Mapping[str, type[MemoryRecord]] = {
    "_unsettled": ForgetsLost,
    "_unsettled_before": TooSoon,
    "_latest_deferred": FirstDeferredRequest,
    "_write_instead_of_deferred": DeferredRequestsStay,
    "_write_before_deferred": AnyWrite,
    "_followed": FollowsPaper,
    "_followed_until": FollowsForGood,
    "_claimed_alone": EverybodyGets,
    "_own_billers": GivesAnybodys,
    "_oldest_first": NewestFirst,
    "_claimed_at_once": LooksThenClaims,
    "_released": ReleasesAtOnce,
    "_finished": NeverDone,
    "_no_end": AnyEnd,
    "_stale_holder": AnyHolder,
    "_settled_meanwhile": StillHeld,
    "_consents": OtherWords,
    "_purged": PurgesAll,
    "_never_purged": PurgesLeft,
}
