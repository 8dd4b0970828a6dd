"""Computes the funnel: how far hand-overs got, and why they got no further (R33).

It is based on the activity record. Each hand-over counts once, at the furthest stage it reached.
Work done after the call also counts, so the funnel for a past day keeps changing as links are
opened.
"""

import enum
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo

from attrs import define, evolve, field, frozen

from paperless_ivr.flow.call import Purpose
from paperless_ivr.flow.events import Accepted, Refused, Unavailable
from paperless_ivr.flow.host import Moment
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.rows import way
from paperless_ivr.flow.states import Phase, State
from paperless_ivr.records.port import FINISHES, PAPERLESS_ALREADY, Activity, ActivityType, Task


class Stage(enum.IntEnum):
    """A stage that a hand-over can reach. Reaching a stage counts as reaching all earlier ones."""

    HANDED_OVER = 0
    """The host handed the call over."""
    OFFERED = 1
    """Paperless billing was offered."""
    ACCEPTED = 2
    """The caller accepted the offer."""
    IDENTIFIED = 3
    """The account was found, and the caller proved their right to use it."""
    CONFIRMED = 4
    """The caller consented to enroll a specific bill with a specific address or number."""
    REGISTERED = 5
    """The service has started the registration, but its link has not been opened yet."""
    COMPLETED = 6
    """The service reports that the bill is paperless."""

    @property
    def label(self) -> str:
        """The stage's name in files."""
        return self.name.lower()


class By(enum.StrEnum):
    """The ways to group each biller's hand-overs."""

    MOMENT = "moment"
    LANGUAGE = "language"
    DAY = "day"


NOT_ENDED = "not_ended"
"""The stand-in for a disposition while a call is in progress, or if its worker exited before the
end."""

WAITING = {Task.SETTLE: "unsettled", Task.COMPLETE: "kept", Task.FOLLOW: "followed"}
"""The codes for unfinished work, by task. The task with the least certain outcome comes first."""


class Link(enum.StrEnum):
    """The outcome of a texted link that the caller could open while on the line (R52)."""

    ON_LINE = "on_line"
    """The link was opened before the caller hung up."""
    LATER = "later"
    """The link was opened after the call."""
    NOT_OPENED = "not_opened"
    """The link has not been opened."""


class WayEnd(enum.StrEnum):
    """The outcome of one way of getting an address (R08)."""

    LEFT = "left"
    """The caller chose another way or none, or this way turned out not to be possible."""
    TAKEN = "taken"
    """The caller agreed to enroll with the address obtained this way, or was transferred to an
    agent to give it."""
    FINISHED = "finished"
    """The bill that the caller agreed to enroll is now paperless."""


@frozen
class Spelled:
    """Totals for addresses spelled by keypad: hand-overs, keys, corrections, and time."""

    number: int = 0
    keys: int = 0
    fixes: int = 0
    """How often callers stopped the read-back or spelled the address again."""
    time: timedelta = timedelta()
    """The time from each question about the address to its answer."""

    def __add__(self, other: "Spelled") -> "Spelled":
        return Spelled(
            self.number + other.number,
            self.keys + other.keys,
            self.fixes + other.fixes,
            self.time + other.time,
        )


@frozen
class Loss:
    """The reason that hand-overs got no further than a stage."""

    stage: Stage
    disposition: str
    """How the call ended: the value of a `Disposition`, or `NOT_ENDED`."""
    reason: str
    """The value of a `Reason`."""
    afterwards: str = ""
    """After a consent, this is the code of the unfinished work, or how it ended (an
    `ActivityType`). Otherwise, it is empty."""
    why: str = ""
    """The code that explains why the work ended this way."""


@frozen
class HandOver:
    """One hand-over, as the funnel counts it."""

    biller: str
    began: datetime
    moment: str
    language: str
    """The language of the offer. Empty if no offer was made."""
    loss: Loss
    """The furthest stage, and why the hand-over got no further. For a completed hand-over, the last
    stage and how the call ended."""
    link: Link | None = None
    """None if no link was texted, or if the caller could not open it while on the line."""
    ways: tuple[tuple[Strategy, WayEnd], ...] = ()
    """The ways of getting an address that were tried, in order."""
    spelled: Spelled = Spelled()

    @property
    def stage(self) -> Stage:
        """The furthest stage."""
        return self.loss.stage


@frozen
class Group:
    """A group of hand-overs that share a funnel. Fields not used for grouping are empty."""

    biller: str
    moment: str = ""
    language: str = ""
    day: str = ""
    """The date in ISO 8601 form."""


@frozen
class Funnel:
    """How many hand-overs reached each stage, and how many got no further, by reason."""

    reached: Mapping[Stage, int]
    lost: Mapping[Loss, int]
    links: Mapping[Link, int]
    """The number of hand-overs with a texted link, by the link's outcome."""
    ways: Mapping[tuple[Strategy, WayEnd], int]
    """The number of hand-overs in which each way of getting an address was tried, by outcome."""
    spelled: Spelled


# ── from lines to hand-overs ──


def hand_overs(
    lines: Iterable[Activity], since: datetime | None = None, until: datetime | None = None
) -> Iterator[HandOver]:
    """Yield the hand-overs that began at or after `since` and before `until`.

    `lines` must contain the lines of one or more billers up to now, in order for each biller. Each
    hand-over is reported as of the last line. The lines should begin a day before `since`, so that
    a hand-over that began before `since` is not mistaken for one that began later.
    """
    open_ones: dict[tuple[str, str], _HandOver] = {}
    earlier: list[_HandOver] = []
    for line in lines:
        name = (line.biller, line.detail.get("handover") or line.call_id)
        if line.what is ActivityType.ARRIVED and name in open_ones:
            earlier.append(open_ones.pop(name))  # the host used the same name twice
        if name not in open_ones:
            if not line.state:
                continue  # the line belongs to a hand-over that began before the first line
            open_ones[name] = _HandOver(line.biller, line.at)
        open_ones[name].hears(line)
    for one in (*earlier, *open_ones.values()):
        if (since is None or since <= one.began) and (until is None or one.began < until):
            yield one.told()


@define
class _Yes:
    """A consent to enroll, and its outcome."""

    stage: Stage = Stage.CONFIRMED
    left: set[Task] = field(factory=set)
    ended: tuple[str, str] = ("", "")
    _unclear: bool = False
    _closed: set[Task] = field(factory=set)

    def hears(self, line: Activity) -> None:
        """Process another line about the consent."""
        match line.what:
            case ActivityType.SENT:
                self._open(Task.SETTLE)
            case ActivityType.KEPT:
                self._open(Task.COMPLETE)
            case ActivityType.SETTLED:
                self._settled(line.detail["answer"])
            case ActivityType.OPENED:
                self.reached(Stage.COMPLETED)
            case how if how in FINISHES:
                self._finished(how, Task(line.detail["task"]), line.detail.get("reason", ""))

    def reached(self, stage: Stage) -> None:
        """Note that the consent reached a stage."""
        self.stage = max(self.stage, stage)

    @property
    def afterwards(self) -> tuple[str, str]:
        """The code of the unfinished work, or how the work ended and why."""
        left = (name for task, name in WAITING.items() if task in self.left)
        waiting = next(left, None)
        return (waiting, "") if waiting else self.ended

    def _settled(self, answer: str) -> None:
        """Process an outcome, following the same rules as `Record.settle`."""
        if Task.FOLLOW in self.left | self._closed:
            return
        if answer == Accepted.__name__:
            self.reached(Stage.REGISTERED)
            self.left.discard(Task.SETTLE)
            self._open(Task.FOLLOW)
        elif answer == Refused.__name__ or (answer == Unavailable.__name__ and not self._unclear):
            self.left.discard(Task.SETTLE)
        elif answer != Unavailable.__name__:
            self._unclear = True
            self._open(Task.SETTLE)

    def _finished(self, how: ActivityType, task: Task, reason: str) -> None:
        self.left.discard(task)
        self._closed.add(task)
        if how is not ActivityType.COMPLETED:
            self.ended = (how.value, reason)
        elif task is Task.FOLLOW or reason == PAPERLESS_ALREADY:
            self.reached(Stage.COMPLETED)
        elif self.stage < Stage.REGISTERED:
            self.reached(Stage.REGISTERED)
            self.ended = (how.value, reason)

    def _open(self, task: Task) -> None:
        if task not in self._closed:
            self.left.add(task)


@define
class _HandOver:
    """A hand-over whose lines are being read."""

    biller: str
    began: datetime
    moment: str = ""
    language: str = ""
    stage: Stage = Stage.HANDED_OVER
    ended: tuple[str, str] = (NOT_ENDED, "")
    consents: dict[str, _Yes] = field(factory=dict)
    link: Link | None = None
    ways: dict[Strategy, WayEnd] = field(factory=dict)
    way: Strategy | None = None
    taken: dict[str, Strategy] = field(factory=dict)
    """The way of getting an address that led to each consent."""
    spelled: Spelled = Spelled()
    spelling_since: datetime | None = None

    def hears(self, line: Activity) -> None:
        """Process another line of the hand-over."""
        match line.what:
            case ActivityType.ARRIVED:
                self.moment = line.detail.get("moment", "")
            case ActivityType.OFFERED:
                self.language = line.detail.get("language", "")
                self.stage = max(self.stage, Stage.OFFERED)
            case ActivityType.ENDED:
                self.ended = (line.detail["disposition"], line.detail.get("reason", ""))
            case ActivityType.OPENED:
                self.link = Link.ON_LINE
            case ActivityType.ANSWERED:
                self._answered(line)
        if line.state:
            self._been(line.state, line.detail.get("rows", ""))
        if line.detail.get("purpose") == Purpose.ENROLL.value:
            reference = line.detail.get("reference", "")
            if reference not in self.consents and self.way:
                self.taken[reference] = self.way
            self.consents.setdefault(reference, _Yes()).hears(line)

    def _answered(self, line: Activity) -> None:
        """Process a move: count the keys that spell an address, and note the way of getting one."""
        if self.spelling_since:
            keys, fixes = (int(line.detail.get(name, 0)) for name in ("keys", "fixes"))
            self.spelled += Spelled(0, keys, fixes, line.at - self.spelling_since)
        self.spelling_since = line.at if line.state in SPELLING else None
        if "way" in line.detail:
            self.way = Strategy(line.detail["way"])
            self.ways.setdefault(self.way, WayEnd.LEFT)
        if line.state == State.TRANSFERRING.name and self.way is Strategy.AGENT:
            self.ways[self.way] = WayEnd.TAKEN

    def _been(self, state: str, rows: str) -> None:
        """Note the transitions that the call took and the state that it reached."""
        if state == State.LINK_WAIT.name:
            self.link = self.link or Link.NOT_OPENED
        ways = [way(row) for row in rows.split("; ") if row]
        places = {state, *(to for _, to in ways)}
        if self.stage is Stage.OFFERED and places & (ACCEPTED | IDENTIFIED):
            self.stage = Stage.ACCEPTED
        if self.stage in (Stage.OFFERED, Stage.ACCEPTED) and places & IDENTIFIED:
            self.stage = Stage.IDENTIFIED
        if self.consents and not set(ways).isdisjoint(TURNED_OUT_DONE):
            next(reversed(self.consents.values())).reached(Stage.REGISTERED)

    def told(self) -> HandOver:
        """Return the hand-over as the funnel counts it."""
        stage, afterwards = self.stage, ("", "")
        if self.consents:
            furthest = max(reversed(self.consents.values()), key=lambda yes: yes.stage)
            stage = furthest.stage
            if stage is not Stage.COMPLETED:
                afterwards = furthest.afterwards
        loss = Loss(stage, *self.ended, *afterwards)
        link = self.link
        if link is Link.NOT_OPENED and stage is Stage.COMPLETED:
            link = Link.LATER
        for reference, by in self.taken.items():
            done = self.consents[reference].stage is Stage.COMPLETED
            if self.ways[by] is not WayEnd.FINISHED:
                self.ways[by] = WayEnd.FINISHED if done else WayEnd.TAKEN
        spelled = evolve(self.spelled, number=1) if self.spelled.keys else Spelled()
        ways = tuple(self.ways.items())
        return HandOver(
            self.biller, self.began, self.moment, self.language, loss, link, ways, spelled
        )


def _names(*phases: Phase) -> frozenset[str]:
    return frozenset(state.name for state in State if state.phase in phases)


ACCEPTED = _names(Phase.IDENTITY)
"""States that show that an offer was accepted. If a call reaches one of them without an offer, the
host or the caller asked for something else."""
SPELLING = _names(Phase.EMAIL)
IDENTIFIED = _names(Phase.BILL, Phase.ADDRESS, Phase.EMAIL, Phase.TEXT, Phase.CONSENT, Phase.PAPER)
"""States that a call reaches only through `State.INVOICE`, or through an offer that names the
bill."""
TURNED_OUT_DONE = frozenset(
    (source.name, State.AFTERWARDS.name)
    for source in (State.ENROLLMENT, State.ENROLLMENT_CHECK, State.ENROLLMENT_AGAIN)
)
"""Transitions taken once the service has the registration, including when a look-up finds it."""


# ── from hand-overs to funnels ──


def funnels(
    them: Iterable[HandOver], by: Collection[By] = (), zone: tzinfo = UTC
) -> Mapping[Group, Funnel]:
    """Return a funnel for each group of hand-overs, in order. Days are in the time zone `zone`."""
    reached: dict[Group, Counter[Stage]] = {}
    lost: dict[Group, Counter[Loss]] = {}
    links: dict[Group, Counter[Link]] = {}
    ways: dict[Group, Counter[tuple[Strategy, WayEnd]]] = {}
    spelled: dict[Group, Spelled] = {}
    for one in them:
        group = _group(one, by, zone)
        reached.setdefault(group, Counter()).update(s for s in Stage if s <= one.stage)
        losses = lost.setdefault(group, Counter())
        if one.stage is not Stage.COMPLETED:
            losses[one.loss] += 1
        links.setdefault(group, Counter()).update([one.link] if one.link else [])
        ways.setdefault(group, Counter()).update(one.ways)
        spelled[group] = spelled.get(group, Spelled()) + one.spelled
    return {
        group: Funnel(
            {stage: reached[group][stage] for stage in Stage},
            dict(sorted(lost[group].items(), key=loss_order)),
            links[group],
            ways[group],
            spelled[group],
        )
        for group in sorted(reached, key=_group_order)
    }


def total(several: Iterable[Funnel]) -> Funnel:
    """Return the sum of several funnels."""
    reached: Counter[Stage] = Counter()
    lost: Counter[Loss] = Counter()
    links: Counter[Link] = Counter()
    ways: Counter[tuple[Strategy, WayEnd]] = Counter()
    spelled = Spelled()
    for one in several:
        reached.update(one.reached)
        lost.update(one.lost)
        links.update(one.links)
        ways.update(one.ways)
        spelled += one.spelled
    return Funnel(
        {stage: reached[stage] for stage in Stage},
        dict(sorted(lost.items(), key=loss_order)),
        links,
        ways,
        spelled,
    )


def _group(one: HandOver, by: Collection[By], zone: tzinfo) -> Group:
    return Group(
        one.biller,
        one.moment if By.MOMENT in by else "",
        one.language if By.LANGUAGE in by else "",
        day_of(one.began, zone).isoformat() if By.DAY in by else "",
    )


def day_of(moment: datetime, zone: tzinfo) -> date:
    """Return the date of a moment in a time zone."""
    return moment.astimezone(zone).date()


def _group_order(group: Group) -> tuple[str, str, int, str]:
    moments = [moment.value for moment in Moment]
    known = moments.index(group.moment) if group.moment in moments else len(moments)
    return (group.biller, group.day, known, group.language)


def loss_order(counted: tuple[Loss, int]) -> tuple[int, int, str, str, str, str]:
    """Return a sort key: by stage, then by count, with the highest count first."""
    loss, count = counted
    return (loss.stage, -count, loss.disposition, loss.reason, loss.afterwards, loss.why)
