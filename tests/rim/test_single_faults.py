"""A call ends as it would have, whichever statement of its database fails (R31, R48)."""

import asyncio
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from paperless_ivr.backends.demo import customer, springfield
from paperless_ivr.backends.memory import Fault, MemoryBackend
from paperless_ivr.flow.host import Arrival, Moment
from tests.gateways.agi.simulator import HEADERS
from tests.rim import made
from tests.rim.callers import AgiCall, Keyed, WebCall
from tests.rim.faults import Faults, WorkerDied, watching
from tests.rim.outside import Breakable

pytestmark = pytest.mark.requirement("R31", "R48")

RIVERA = customer("rivera")
KEYS = ["1", RIVERA.account.reveal()[-4:], "1"]
"""The offer, the last four digits, the consent."""


@frozen
class Rivera:
    """A hand-over of the demo's customer. Each call has a back end in which she is not enrolled."""

    call_id: str
    moment: Moment = Moment.START
    keys: tuple[str, ...] = tuple(KEYS)

    @property
    def arrival(self) -> Arrival:
        """Return the arrival."""
        return Arrival(self.call_id, made.BILLER, ani=RIVERA.phone, language="en-US")


Ended = tuple[str, str]
"""The disposition and the reason with which a call ended."""
Call = Callable[[made.OpenStore, MemoryBackend, str], Ended]
"""Runs a call with an ID to its end."""


def on_twilio(at: made.OpenStore, backend: MemoryBackend, call_id: str) -> Ended:
    """Run a call over web requests."""
    with made.web(at, backend) as send:
        told = WebCall(Rivera(call_id), KEYS).run(send)  # type: ignore[arg-type]
    return told["disposition"], told["reason"]


def at_a_terminal(at: made.OpenStore, backend: MemoryBackend, call_id: str) -> Ended:
    """Run a call in the blocking driver."""
    handback = made.terminal(at, backend)(Rivera(call_id).arrival, " ".join(KEYS))
    return handback.disposition.value, handback.reason.value


def on_asterisk(at: made.OpenStore, backend: MemoryBackend, call_id: str) -> Ended:
    """Run a call in the asyncio driver."""
    given = {"PAPERLESS_LANGUAGE": "en-US", "PAPERLESS_ANI": RIVERA.phone.reveal()}
    call = AgiCall(Keyed(keys=list(KEYS)), given, HEADERS | {"agi_uniqueid": call_id})

    async def run() -> None:
        async with made.Agi(at, backend) as port:
            await asyncio.wait_for(call.call(port), 60)

    asyncio.run(run())
    return call.told["disposition"], call.told["reason"]


WAYS: dict[str, Call] = {
    "twilio": on_twilio,
    "blocking": at_a_terminal,
    "asyncio": on_asterisk,
}


@frozen
class Bench:
    """A database, the faults between it and its engine, and a separate reader."""

    at: made.OpenStore
    faults: Faults
    beside: Breakable
    numbers: "itertools.count[int]"

    def call(self, way: Call, **fault: Any) -> str:
        """Run a call with one fault. Return what is wrong with how it ended; None if nothing."""
        call_id, backend = f"CA{next(self.numbers):032}", springfield()
        self.faults.begin(**fault)
        ended, _ = way(self.at, backend, call_id)
        found = {
            "disposition": ended,
            "registrations": len(backend.emails),
            "consents": self._count("consents WHERE reference LIKE :its", its=f"{call_id}%"),
            "unsettled": self._count("jobs WHERE task = 'settle' AND done IS NULL"),
        }
        due = {"disposition": "enrolled", "registrations": 1, "consents": 1, "unsettled": 0}
        self.beside.do("UPDATE jobs SET done = 'settled' WHERE task = 'settle' AND done IS NULL")
        return "; ".join(f"{what} {found[what]}" for what in due if found[what] != due[what])

    def _count(self, what: str, **values: object) -> int:
        ((count,),) = self.beside.do(f"SELECT count(*) FROM {what}", **values)
        return int(str(count))


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench]:
    """A separate database."""
    url = f"sqlite:///{folder / 'record.db'}"
    beside = Breakable(url)
    with made.kept(url, made.PATIENT) as at:
        assert at.engine is not None
        with watching(at.engine) as faults:
            yield Bench(at, faults, beside, itertools.count())
    beside.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", ["undone", "done, and the answer lost"])
def test_single_fault(bench: Bench, way: str, fault: str):
    """Each write of a call fails once: at its last statement, or after its commit."""
    assert bench.call(WAYS[way]) == "", "without a fault"
    last, commits = [made - 1 for made in bench.faults.transactions], bench.faults.commits
    faults: list[dict[str, Any]] = [{"lost": {number}} for number in range(commits)]
    if fault == "undone":
        faults = [{"statement": number} for number in last]
    wrong = {}
    for number, one in enumerate(faults):
        found = bench.call(WAYS[way], **one)
        if found:
            wrong[f"write {number} of {commits}"] = found
    assert wrong == {}


@pytest.mark.parametrize("way", WAYS)
def test_single_fault_in_a_read(bench: Bench, way: str):
    """Each read of a call fails once."""
    assert bench.call(WAYS[way]) == "", "without a fault"
    reads = bench.faults.reads
    wrong = {}
    for number in reads:
        found = bench.call(WAYS[way], statement=number)
        if found:
            wrong[f"statement {number} of {bench.faults.statements}"] = found
    assert wrong == {}


def test_a_worker_dies_after_lost_answers(bench: Bench):
    """Every consent on record is carried out, even if the call's place in the store is in doubt.

    The answers to a move and to its retry are lost. Later, the worker dies.
    """
    bench.call(at_a_terminal)
    commits, wrong = bench.faults.commits, {}
    for lost in range(commits):
        for dies in range(lost + 2, commits + 2):
            call_id, backend = f"CA{next(bench.numbers):032}", springfield()
            bench.faults.begin(lost={lost, lost + 1}, dies=dies)
            with suppress(WorkerDied):
                at_a_terminal(bench.at, backend, call_id)
            bench.faults.begin()
            made.relay(bench.at, backend, in_time=timedelta(days=1)).round()
            agreed = bench._count("consents WHERE reference LIKE :its", its=f"{call_id}%")
            if agreed != len(backend.emails):
                wrong[lost, dies] = f"{agreed} consents, {len(backend.emails)} registrations"
    assert wrong == {}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("service", [(), (Fault.DOWN,)], ids=["up", "down"])
def test_lost_answers_are_no_promise(bench: Bench, way: str, service: Sequence[Fault]):
    """No one hears "nothing was changed" if the relay then does it, whichever answer is lost.

    The answer to the retry is lost as well.
    """

    def call(lost: Collection[int]) -> tuple[int, Ended, int]:
        call_id, backend = f"CA{next(bench.numbers):032}", springfield()
        backend.script("StoreCustomerPreference", *service)
        bench.beside.do("DELETE FROM counted")  # the caller was not asked lately
        bench.faults.begin(lost=lost)
        ended = WAYS[way](bench.at, backend, call_id)
        commits = bench.faults.commits
        bench.faults.begin()
        made.relay(bench.at, backend, in_time=timedelta(days=1)).round()
        return commits, ended, len(backend.emails)

    commits, *_ = call(())
    wrong = {}
    for number in range(commits):
        _, ended, registered = call({number, number + 1})
        if registered and ended == ("failed", "record_down"):
            wrong[number] = ended
    assert wrong == {}
