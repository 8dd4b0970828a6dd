"""One key press, traced: turns computed, write transactions, and modules of the driver (R50)."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from attrs import define, field
from sqlalchemy import event

from paperless_ivr.backends.demo import springfield
from tests.gateways.agi.simulator import HEADERS
from tests.rim import made
from tests.rim.callers import AgiCall, Keyed, WebCall
from tests.rim.test_single_faults import KEYS, RIVERA, Rivera

pytestmark = pytest.mark.requirement("R50")

TURNS, WRITES, MODULES = 2, 2, 7


@define
class Part:
    """What ran between a key and the next prompt, or from there to the next question."""

    turns: int = 0
    writes: int = 0
    modules: set[str] = field(factory=set)


@define
class Trace:
    """Everything that runs while a call is traced, in every thread of this process."""

    parts: list[Part] = field(factory=lambda: [Part()])

    def next(self) -> None:
        """Begin the next part."""
        self.parts.append(Part())

    def runs(self, frame: FrameType, what: str, _: Any) -> None:
        """Note that a function is called."""
        if what != "call":
            return
        if frame.f_code is made.COMPUTES_A_TURN:
            self.parts[-1].turns += 1
        path = frame.f_code.co_filename
        if path.startswith(str(made.DRIVE)) and frame.f_code.co_name != "<module>":
            self.parts[-1].modules.add(Path(path).stem)

    def executes(self, *about: Any) -> None:
        """Note that a statement is executed."""
        self.parts[-1].writes += about[2] == "BEGIN IMMEDIATE"


@contextmanager
def following(at: made.OpenStore) -> Iterator[Trace]:
    """Trace what runs from now on. Threads that were started earlier are not traced."""
    trace = Trace()
    assert at.engine is not None
    event.listen(at.engine, "before_cursor_execute", trace.executes)
    before = sys.getprofile()
    threading.setprofile(trace.runs)
    sys.setprofile(trace.runs)
    try:
        yield trace
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]
        event.remove(at.engine, "before_cursor_execute", trace.executes)


def too_much(presses: dict[str, list[Part]]) -> dict[str, str]:
    """Return what exceeds the bounds, by key press and request."""
    found = {}
    for press, parts in presses.items():
        for number, part in enumerate(parts, 1):
            if part.turns > TURNS or part.writes > WRITES:
                spent = f"{part.turns} turns computed, {part.writes} write transactions"
                found[f"{press}, request {number}"] = spent
        modules = set[str]().union(*(part.modules for part in parts))
        if len(modules) > MODULES:
            found[press] = f"{len(modules)} modules of drive: {', '.join(sorted(modules))}"
    return found


def test_key_press_on_twilio(folder: Path):
    """Each key press over the web takes two requests, each within the bounds."""
    with (
        made.kept(f"sqlite:///{folder / 'record.db'}", made.PATIENT) as at,
        following(at) as trace,
        made.web(at, springfield()) as send,
    ):
        call = WebCall(Rivera("CA" + 32 * "1"), KEYS)  # type: ignore[arg-type]
        presses: dict[str, list[Part]] = {}
        while call.next is not None:
            trace.next()
            path = call.next.path
            call.step(send)
            if path == "/keys":
                presses[f"key {len(presses) + 1}"] = []
            if presses:
                presses[f"key {len(presses)}"].append(trace.parts[-1])
    assert (call.told or {})["disposition"] == "enrolled"
    assert [len(parts) for parts in presses.values()] == [2, 2, 2]
    assert too_much(presses) == {}


def test_key_press_on_asterisk(folder: Path):
    """So does one on a held channel: until something is heard, and from there on."""
    given = {"PAPERLESS_LANGUAGE": "en-US", "PAPERLESS_ANI": RIVERA.phone.reveal()}
    presses: dict[str, list[Part]] = {}
    with made.kept(f"sqlite:///{folder / 'record.db'}", made.PATIENT) as at, following(at) as trace:

        def pressed(number: int) -> None:
            trace.next()
            presses[f"key {number + 1}"] = [trace.parts[-1]]

        class OpenRegistration(AgiCall):
            def answer(self, text: str) -> str:
                parts = presses.get(f"key {len(presses)}", [])
                if text.startswith("STREAM") and len(parts) == 1:
                    trace.next()
                    parts.append(trace.parts[-1])
                return super().answer(text)

        caller = Keyed(keys=list(KEYS), before=pressed)
        call = OpenRegistration(caller, given, HEADERS | {"agi_uniqueid": "1"})

        async def run() -> None:
            async with made.Agi(at, springfield()) as port:
                await asyncio.wait_for(call.call(port), 60)

        asyncio.run(run())
    assert call.told["disposition"] == "enrolled"
    assert [len(parts) for parts in presses.values()] == [2, 2, 2]
    assert too_much(presses) == {}
