"""The funnel, compared with histories whose hand-overs are all known."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr.flow.events import Digits
from paperless_ivr.flow.host import Disposition, Moment, Reason
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.rows import On, way
from paperless_ivr.flow.states import State
from paperless_ivr.flow.table import FLOW
from paperless_ivr.records.funnel import (
    ACCEPTED,
    IDENTIFIED,
    NOT_ENDED,
    By,
    Group,
    Loss,
    Spelled,
    Stage,
    WayEnd,
    funnels,
    hand_overs,
    total,
)
from paperless_ivr.records.port import PAPERLESS_ALREADY, Activity, ActivityType

pytestmark = pytest.mark.requirement("R33")

BEGAN = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
ZONES = tuple(ZoneInfo(name) for name in ("UTC", "America/Chicago", "Asia/Tokyo"))
CODES = st.sampled_from(("", "not_opened", "unclear"))


# ── histories ────────────────────────────────────────────────────────────────────────────

Step = tuple[ActivityType, dict[str, str]]
SENT = (ActivityType.SENT, {"operation": "StoreCustomerPreference"})
KEPT = (ActivityType.KEPT, {})


def settled(answer):
    """Return the outcome of a write."""
    return (ActivityType.SETTLED, {"answer": answer})


def ended(how, task, why=""):
    """Return a line that says how unfinished work ended."""
    return (how, {"task": task, "reason": why})


DONE = (SENT, settled("Accepted"))
DOWN = (SENT, settled("Unavailable"), KEPT)
LOST = (SENT, settled("OutcomeUnknown"))
REGISTERED_AGAIN = (KEPT, *DONE, ended(ActivityType.COMPLETED, "complete"))


def fates(why):
    """Draw what may follow a consent: how far it gets, how it is reported, and its lines."""
    stage = Stage
    return [
        (stage.CONFIRMED, "", "", ()),
        (stage.CONFIRMED, "", "", (SENT, settled("Refused"))),
        (stage.CONFIRMED, "unsettled", "", (SENT,)),
        (stage.CONFIRMED, "unsettled", "", LOST),
        (stage.CONFIRMED, "unsettled", "", (*LOST, settled("Unavailable"), KEPT)),
        (stage.CONFIRMED, "kept", "", DOWN),
        (stage.CONFIRMED, "kept", "", (*LOST, KEPT, settled("Refused"))),
        (stage.CONFIRMED, "exported", why, (*DOWN, ended(ActivityType.EXPORTED, "complete", why))),
        (stage.CONFIRMED, "given_up", why, (*DOWN, ended(ActivityType.GIVEN_UP, "complete", why))),
        (stage.CONFIRMED, "given_up", why, (*LOST, ended(ActivityType.GIVEN_UP, "settle", why))),
        (
            stage.CONFIRMED,
            "given_up",
            why,
            (*LOST, ended(ActivityType.GIVEN_UP, "settle", why), settled("OutcomeUnknown")),
        ),
        (stage.CONFIRMED, "superseded", "", (KEPT, ended(ActivityType.SUPERSEDED, "complete"))),
        (stage.REGISTERED, "followed", "", DONE),
        (stage.REGISTERED, "followed", "", (*DONE, settled("Accepted"), settled("Unavailable"))),
        (stage.REGISTERED, "followed", "", (*DONE, settled("OutcomeUnknown"))),
        (stage.REGISTERED, "followed", "", (*LOST, settled("Accepted"))),
        (stage.REGISTERED, "followed", "", REGISTERED_AGAIN),
        (
            stage.REGISTERED,
            "completed",
            why,
            (KEPT, ended(ActivityType.COMPLETED, "complete", why)),
        ),
        (stage.REGISTERED, "expired", why, (*DONE, ended(ActivityType.EXPIRED, "follow", why))),
        (stage.REGISTERED, "cancelled", "", (*DONE, ended(ActivityType.CANCELED, "follow"))),
        (stage.REGISTERED, "given_up", why, (*DONE, ended(ActivityType.GIVEN_UP, "follow", why))),
        (stage.COMPLETED, "", "", (*DONE, ended(ActivityType.COMPLETED, "follow"))),
        (stage.COMPLETED, "", "", (*REGISTERED_AGAIN, ended(ActivityType.COMPLETED, "follow"))),
        (
            stage.COMPLETED,
            "",
            "",
            (KEPT, ended(ActivityType.COMPLETED, "complete", PAPERLESS_ALREADY)),
        ),
    ]


@frozen
class Known:
    """A known hand-over, and its lines."""

    name: str
    biller: str
    moment: str
    language: str
    began: datetime
    loss: Loss
    lines: tuple[Activity, ...]


WAYS = {
    Stage.ACCEPTED: (
        "OFFER · Digits · chose yes → ACCOUNT; ACCOUNT · Arrived → ACCOUNT_ENTRY",
        "ACCOUNT_ENTRY",
    ),
    Stage.IDENTIFIED: (
        "ACCOUNT_LOOKUP · CustomersFound → INVOICE; INVOICE · Arrived → INELIGIBLE",
        "INELIGIBLE",
    ),
}


@st.composite
def known(draw, number):
    """Draw a hand-over; two with the same number belong to one call."""
    biller = draw(st.sampled_from(("springfield-water", "elm-energy")))
    began = BEGAN + timedelta(minutes=draw(st.integers(0, 3 * 1440)))
    name = f"call-{number // 2}-h{number}"
    stage, afterwards, why, came = draw(
        st.sampled_from([(stage, "", "", ()) for stage in Stage if stage < Stage.CONFIRMED])
        | CODES.flatmap(lambda why: st.sampled_from(fates(why)))
    )
    how = draw(st.sampled_from(Disposition)).value
    reason = draw(st.sampled_from(Reason)).value
    finished = draw(st.booleans())
    moment = draw(st.sampled_from(Moment)).value
    language = draw(st.sampled_from(("en-US", "es-US"))) if stage >= Stage.OFFERED else ""
    lines, later = [], timedelta()

    def note(what, state="SOMEWHERE", **detail):
        at = began + later + timedelta(seconds=len(lines))
        detail["handover"] = name
        lines.append(Activity(what, f"call-{number // 2}", biller, "1", at, state, detail=detail))

    note(ActivityType.ARRIVED, moment=moment)
    for _ in range(draw(st.integers(1, 2)) if stage >= Stage.OFFERED else 0):
        note(ActivityType.OFFERED, "OFFER", language=language)
    for reached, (rows, state) in WAYS.items():
        if stage >= reached:
            note(ActivityType.ANSWERED, state, rows=rows)
    text = {"purpose": "text", "reference": f"{name}-9"}
    if draw(st.booleans()):  # a text has no effect on the enrollment
        note(ActivityType.CONSENTED, **text)
        for what, detail in DONE:
            note(what, "", **text, **detail)
    enroll = {"purpose": "enrol", "reference": f"{name}-1"}
    if stage >= Stage.CONFIRMED and not (came and draw(st.booleans())):  # or that line is lost
        note(ActivityType.CONSENTED, "ENROLLMENT", **enroll)
    steps = [(what, "", {**enroll, **detail}) for what, detail in came]
    if finished:
        end = {"disposition": how, "reason": reason}
        steps.insert(draw(st.integers(0, len(came))), (ActivityType.ENDED, "END", end))
    for what, state, detail in steps:
        if lines[-1].what is ActivityType.ENDED:  # later work may come days after the call
            later += timedelta(hours=draw(st.integers(0, 90)))
        note(what, state, **detail)
    disposition = (how, reason) if finished else (NOT_ENDED, "")
    loss = Loss(stage, *disposition, afterwards, why)
    return Known(name, biller, moment, language, began, loss, tuple(lines))


HISTORIES = st.integers(0, 8).flatmap(lambda n: st.tuples(*(known(i) for i in range(n))))


def told(histories):
    """Return their lines, as a record returns them."""
    lines = [line for one in histories for line in one.lines]
    return sorted(lines, key=lambda line: line.at)


# ── what holds ───────────────────────────────────────────────────────────────────────────


@given(histories=HISTORIES, by=st.sets(st.sampled_from(By)), zone=st.sampled_from(ZONES))
def test_counts(histories, by, zone):
    """Every hand-over counts once, at its furthest stage, in its group, whatever comes between.

    Those that reached a stage either reached the next one or were lost there.
    """
    reached, lost = {}, {}
    for one in histories:
        group = Group(
            one.biller,
            one.moment if By.MOMENT in by else "",
            one.language if By.LANGUAGE in by else "",
            str(one.began.astimezone(zone).date()) if By.DAY in by else "",
        )
        reached.setdefault(group, Counter()).update(range(one.loss.stage + 1))
        lost.setdefault(group, Counter())
        if one.loss.stage < Stage.COMPLETED:
            lost[group][one.loss] += 1

    got = funnels(hand_overs(told(histories)), by, zone)

    assert {group: Counter(dict(f.reached)) for group, f in got.items()} == reached
    assert {group: Counter(dict(f.lost)) for group, f in got.items()} == lost
    for funnel in got.values():
        for stage, later in zip(Stage, [*Stage][1:], strict=False):
            here = sum(n for loss, n in funnel.lost.items() if loss.stage is stage)
            assert funnel.reached[stage] == funnel.reached[later] + here


@given(histories=HISTORIES, days=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_between(histories, days):
    """Hand-overs count by their beginning, even if results come later or lines are missing."""
    since, until = (BEGAN.replace(hour=0, minute=0) + timedelta(days=n) for n in days)
    lines = [line for line in told(histories) if line.at >= since - timedelta(days=1)]

    got = list(hand_overs(lines, since, until))

    began = [(one.biller, one.began, one.loss) for one in got]
    wanted = [(o.biller, o.began, o.loss) for o in histories if since <= o.began < until]
    assert Counter(wanted) == Counter(began)


def lines_of(*what, **more):
    """Return the lines of a call, a second apart."""
    return [
        Activity(
            kind, "c1", "b", "1", BEGAN + timedelta(seconds=n), state, detail={**detail, **more}
        )
        for n, (kind, state, detail) in enumerate(what)
    ]


ENROLL = {"purpose": "enrol", "reference": "c1-1"}


@pytest.mark.parametrize(("stage", "afterwards", "why", "came"), fates("unclear"))
def test_fates(stage, afterwards, why, came):
    """Everything that may follow a consent is reported."""
    steps = [(what, "", {**ENROLL, **detail}) for what, detail in came]
    lines = lines_of(
        (ActivityType.ARRIVED, "GREETING", {}),
        (ActivityType.CONSENTED, "ENROLLMENT", ENROLL),
        *steps,
    )

    (one,) = hand_overs(lines)

    assert Loss(stage, NOT_ENDED, "", afterwards, why) == one.loss


def test_at_midnight():
    """A hand-over that begins exactly at the end of the range is not included."""
    lines = lines_of((ActivityType.ARRIVED, "GREETING", {}))

    assert len(list(hand_overs(lines, BEGAN))) == 1
    assert not list(hand_overs(lines, until=BEGAN))


def test_earlier():
    """Results of a hand-over that began before the first line do not count as another one."""
    assert not list(
        hand_overs(lines_of((ActivityType.COMPLETED, "", {**ENROLL, "task": "follow"})))
    )


def test_two_bills():
    """Of two bills in one hand-over, the one that got further counts."""
    again = {**ENROLL, "reference": "c1-2"}
    lines = lines_of(
        (ActivityType.ARRIVED, "GREETING", {}),
        (ActivityType.SENT, "", ENROLL),
        (ActivityType.SETTLED, "", {**ENROLL, "answer": "Accepted"}),
        (ActivityType.KEPT, "", again),
    )

    (one,) = hand_overs(lines)

    assert Loss(Stage.REGISTERED, NOT_ENDED, "", "followed") == one.loss


def test_turned_out_done():
    """A registration that a look-up found counts even if its write is not settled."""
    rows = "ENROLLMENT_CHECK · CustomersFound · registered now → AFTERWARDS; AFTERWARDS · A → DONE"
    lines = lines_of(
        (ActivityType.ARRIVED, "GREETING", {}),
        (ActivityType.CONSENTED, "ENROLLMENT", ENROLL),
        (ActivityType.SENT, "", ENROLL),
        (ActivityType.SETTLED, "", {**ENROLL, "answer": "OutcomeUnknown"}),
        (ActivityType.ANSWERED, "ENROLLED", {"rows": rows}),
    )

    (one,) = hand_overs(lines)

    assert Loss(Stage.REGISTERED, NOT_ENDED, "", "unsettled") == one.loss


def test_ways_to_an_address():
    """A way is left, taken, or finished. Spelling is counted and timed."""
    answered, consented = ActivityType.ANSWERED, ActivityType.CONSENTED
    lines = lines_of(
        (ActivityType.ARRIVED, "GREETING", {}),
        (answered, "CONFIRMATION", {"way": "on_file"}),
        (answered, "EMAIL_LOCAL", {"way": "keypad"}),
        (answered, "EMAIL_LOCAL", {"keys": "9", "fixes": "0"}),
        (answered, "EMAIL_READBACK", {"keys": "4", "fixes": "0"}),
        (answered, "CONFIRMATION", {"keys": "1", "fixes": "1"}),
        (consented, "ENROLLMENT", ENROLL),
        (answered, "CONFIRMATION", {}),
    )
    opened = lines_of((ActivityType.OPENED, "", ENROLL))

    (open_one,) = hand_overs(lines)
    (done,) = hand_overs([*lines, *opened])

    on_file, keypad = Strategy.ON_FILE, Strategy.KEYPAD
    assert open_one.ways == ((on_file, WayEnd.LEFT), (keypad, WayEnd.TAKEN))
    assert done.ways == ((on_file, WayEnd.LEFT), (keypad, WayEnd.FINISHED))
    assert done.spelled == Spelled(1, 14, 1, timedelta(seconds=3))
    assert (
        total(funnels([open_one, done], [By.DAY]).values()).spelled == done.spelled + done.spelled
    )


def test_agent_for_the_address():
    """An agent is a way that is taken if the caller is transferred."""
    turned = (ActivityType.ANSWERED, "AGENT_OFFER", {"way": "person"})
    begun = (ActivityType.ARRIVED, "GREETING", {})

    (left,) = hand_overs(lines_of(begun, turned))
    (taken,) = hand_overs(lines_of(begun, turned, (ActivityType.ANSWERED, "TRANSFERRING", {})))

    assert left.ways == ((Strategy.AGENT, WayEnd.LEFT),)
    assert taken.ways == ((Strategy.AGENT, WayEnd.TAKEN),)


def test_back_to_paper():
    """A caller who comes to go back to paper was offered nothing, however far they get."""
    rows = "ACCOUNT_LOOKUP · CustomersFound → INVOICE; INVOICE · Arrived → OPT_OUT_CONFIRM"
    paper = {"purpose": "back_to_paper", "reference": "c1-1"}
    lines = lines_of(
        (ActivityType.ARRIVED, "GREETING", {}),
        (ActivityType.ANSWERED, "ACCOUNT_ENTRY", {"rows": "GREETING · Arrived → ACCOUNT"}),
        (ActivityType.ANSWERED, "OPT_OUT_CONFIRM", {"rows": rows}),
        (ActivityType.SENT, "", paper),
        (ActivityType.SETTLED, "", {**paper, "answer": "Accepted"}),
        (ActivityType.ENDED, "OPTED_OUT", {"disposition": "opted_out", "reason": "none"}),
    )

    (one,) = hand_overs(lines)

    assert Loss(Stage.HANDED_OVER, "opted_out", "none") == one.loss


def test_named_alike():
    """Hand-overs of one call with the same name are distinguished by their beginnings."""
    first = lines_of(
        (ActivityType.ARRIVED, "GREETING", {}),
        (ActivityType.OFFERED, "OFFER", {"language": "en-US"}),
    )
    second = lines_of((ActivityType.ARRIVED, "GREETING", {}))
    later = [evolve(line, at=line.at + timedelta(hours=1)) for line in second]

    got = [one.stage for one in hand_overs([*first, *later])]

    assert got == [Stage.OFFERED, Stage.HANDED_OVER]


# ── how the stages are recognized ──


def reachable(*begin, without=()):
    """Return the states that can be reached in the table if some states are left out."""
    found, rest = set(), list(begin)
    while rest:
        state = rest.pop()
        if state not in found and state not in without:
            found.add(state)
            rest += [row.to for row in FLOW.get(state, ()) if row.to]
    return {state.name for state in found}


def test_identified_by_the_table():
    """States that show that the caller is identified are reached only in these two ways.

    A transfer leads only back to where it was requested. A call that continues without an agent
    leads only to another way of getting an address.
    """
    without = (State.INVOICE, State.OFFER_IN_FULL, State.TRANSFERRING, State.GO_ON)

    assert not IDENTIFIED & reachable(State.GREETING, without=without)


def test_accepted_by_the_table():
    """After an offer, only a yes leads to states that show that it was accepted."""
    offers = (State.OFFER, State.OFFER_AT_START, State.OFFER_IN_FULL)
    back = (State.TRANSFERRING, State.GO_ON)
    yes = (State.ACCOUNT, State.ENROLLMENT, State.KEEPING, State.ADDRESS)
    rows = [row for state in offers for row in FLOW[state]]
    no = [row.to for row in rows if row.to and row.to not in (*offers, *back, *yes)]

    assert not (ACCEPTED | IDENTIFIED) & reachable(*no, without=(*offers, *back))
    assert all(
        row.events == (Digits,) and row.when.__name__.startswith(("chose yes", "chose other"))
        for row in rows
        if row.to in yes
    )


def test_ways():
    """The states that a row leads from and to are read from its words."""
    for state, rows in FLOW.items():
        for row in rows:
            to = row.to.name if row.to else "REPROMPT"
            assert isinstance(row, On)
            assert (state.name, to) == way(row.name(state))
            assert "; " not in row.name(state)
