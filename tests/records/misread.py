"""Records that break what is promised about reading them: one for each promise."""

# ruff: noqa: D102 - each class says what it breaks

from collections.abc import Mapping

from attrs import evolve

from paperless_ivr.records.memory import MemoryRecord
from paperless_ivr.records.port import ActivityType


class AsNoted(MemoryRecord):
    """Returns lines as they were noted, whatever their time."""

    def activity(self, biller, since=None, until=None):
        order = [(line.what, line.call_id) for line in self.activities]
        told = super().activity(biller, since, until)
        return iter(sorted(told, key=lambda line: order.index((line.what, line.call_id))))


class TellsOfWhom(MemoryRecord):
    """Reveals whom a line is about."""

    def activity(self, biller, since=None, until=None):
        return (line for line in self.activities if line.biller == biller)


class UntilTheEnd(MemoryRecord):
    """Includes what came exactly at the end of the time range."""

    def activity(self, biller, since=None, until=None):
        at_once = [line for line in self.activities if line.at == until and line.biller == biller]
        return iter([*super().activity(biller, since, until), *at_once])


class ForgetsWhatFor(MemoryRecord):
    """Forgets what an ended request was for."""

    def activity(self, biller, since=None, until=None):
        for line in super().activity(biller, since, until):
            kept = line.what is not ActivityType.EXPORTED
            yield line if kept else evolve(line, detail={**line.detail, "purpose": ""})


class FollowsSilently(MemoryRecord):
    """Does not report a registration that is not followed."""

    def _line(self, what, evidence, **detail):
        if what is not ActivityType.SUPERSEDED:
            super()._line(what, evidence, **detail)


class OneBiller(MemoryRecord):
    """Knows only one biller."""

    def billers(self):
        return super().billers()[:1]


class NewestTracked(MemoryRecord):
    """Reports when the newest became due."""

    def tracked(self, biller):
        newest = max(job.left.at for job in self._jobs.values())
        return tuple(evolve(one, oldest=newest) for one in super().tracked(biller))


MISREAD: Mapping[str, type[MemoryRecord]] = {
    "_told_in_order": AsNoted,
    "_told_whole": TellsOfWhom,
    "_told_between": UntilTheEnd,
    "_told_of_consents": ForgetsWhatFor,
    "_told_outdated": FollowsSilently,
    "_billers": OneBiller,
    "_tracked": NewestTracked,
}
