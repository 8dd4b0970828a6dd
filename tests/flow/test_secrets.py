"""Personal data is never shown by accident."""

import logging
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.flow.errors import FlowError
from paperless_ivr.flow.events import Arrived, Event
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.turns import Return
from paperless_ivr.secret import Kind, Secret
from paperless_ivr.testing.strategies import (
    KEYS,
    Step,
    arrivals,
    customers,
    digits_events,
    events,
    flows,
    walks,
)
from tests.counts import heavy

pytestmark = pytest.mark.requirement("R24")

TELLING = re.compile(r"[0-9]{6}")
"""Text that made-up personal values contain, and that nothing else contains by chance."""


def secrets(value: Any) -> Iterator[Secret]:
    """Return every secret in a value."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from secrets(item)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from secrets(getattr(value, field.name))


def personal(*values: Any) -> set[str]:
    """Return the texts that must not appear: each secret, and an address without its domain."""
    texts = {s.reveal() for s in secrets(values)}
    texts |= {text.rpartition("@")[0] for text in texts}
    return {
        text for text in texts if TELLING.search(text) and len(set(text)) > 2 and text not in KEYS
    }


def shown(value: object) -> str:
    """Return everything that a value shows when it is printed, formatted, or put in an error."""
    error = ValueError("bad", value)
    return "\n".join(
        [
            repr(value),
            str(value),
            ascii(value),
            f"{value} {value!r} {value!s}",
            "{} {!r}".format(value, value),  # noqa: UP032
            "%s %r" % (value, value),  # noqa: UP031
            repr([value]),
            *traceback.format_exception(error),
        ]
    )


def assert_unseen(value: object, *, among: set[str]) -> None:
    """Assert that no personal text appears in what a value shows."""
    text = shown(value)
    assert [found for found in among if found in text] == []


def parts(step: Step) -> Iterator[object]:
    """Return every part of a turn that someone may print: the turn, and all that belongs to it."""
    turn = step.turn
    yield from (step, step.event, turn, turn.then, turn.call.host, turn.call.entry)
    yield from (turn.call, turn.call.contact, turn.call.found, turn.call.results)
    yield from (turn.call.consents, turn.call.choosing, *turn.say)


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(30, 80))
@given(st.data())
def test_calls_and_turns(data: st.DataObject) -> None:
    """No call, turn, event, request, consent, or hand-back of a walk shows personal data."""
    for step in data.draw(walks(data.draw(flows()))):
        among = personal(step)
        for part in parts(step):
            assert_unseen(part, among=among)


@pytest.mark.prove
@settings(deadline=None, max_examples=heavy(30, 80))
@given(st.data())
def test_faults(data: st.DataObject) -> None:
    """No error shows personal data, nor does its traceback or log entry."""
    flow = Flow()
    turn = data.draw(walks(flow))[-1].turn
    event: Event = Arrived()
    if isinstance(turn.then, Return):
        event = data.draw(digits_events())
    caught: FlowError | None = None
    try:
        flow.advance(turn.call, event)
    except FlowError as error:
        caught = error
    assert caught is not None
    record = logging.LogRecord(
        "x", logging.ERROR, "x", 1, "%s %r", (caught, caught), (type(caught), caught, None)
    )
    among = personal(turn.call, event)

    assert_unseen(caught, among=among)
    entry = logging.Formatter().format(record) + "".join(traceback.format_exception(caught))
    assert [found for found in among if found in entry] == []


@pytest.mark.requirement("R18")
@settings(deadline=None)
@given(arrivals())
def test_arrivals(arrival: object) -> None:
    """What the host hands over can be printed."""
    assert_unseen(arrival, among=personal(arrival))


@settings(deadline=None)
@given(customers() | events())
def test_events(event: object) -> None:
    """What happens to a call can be printed, whatever the caller keyed or the service said."""
    assert_unseen(event, among=personal(event))


@pytest.mark.requirement("R18")
@settings(deadline=None)
@given(st.data())
def test_handback(data: st.DataObject) -> None:
    """What the host gets back can be printed, and contains its values for the host to reveal."""
    last = data.draw(walks(data.draw(flows()), most=200))[-1].turn
    assert isinstance(last.then, Return)
    handback = last.then.handback

    assert_unseen(handback, among=personal(last.call))
    assert handback.account is None or isinstance(handback.account, Secret)


@pytest.mark.parametrize("kind", Kind)
@given(st.text("0123456789", min_size=9, max_size=20))
def test_every_kind(kind: Kind, number: str) -> None:
    """A secret of any kind, inside anything, does not appear."""
    held = Secret(f"{number}@example.com" if kind is Kind.EMAIL else number, kind)

    assert_unseen(held, among={number})
    assert_unseen((held, {held: held}, {held}), among={number})


def test_nothing_is_unwrapped_whole() -> None:
    """No code turns a whole value into a dict or tuple, which would expose its secrets.

    The exceptions are the code that saves a call, and the code that writes the evidence of one
    consent.
    """
    root = Path(secret.__file__).parent
    opened = re.compile(r"\b(asdict|astuple)\b")

    found = [path.name for path in root.rglob("*.py") if opened.search(path.read_text("utf-8"))]

    assert set(found) <= {"saving.py", "evidence.py"}
