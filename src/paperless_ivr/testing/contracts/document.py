"""What every document gateway promises: the sentences of docs/gateway-contract.md as checks.

An adapter brings a `Runtime`: its gateway on a small simulator of its runtime, with a
`VirtualCaller` at the far end. A turn that is written, followed and read is a turn performed,
so the promises of session gateways are checked too. What is not claimed is left out.
"""

from collections.abc import Callable, Iterator

from attrs import define, evolve, field

from paperless_ivr import secret
from paperless_ivr.backends.demo import customer, payment, springfield
from paperless_ivr.backends.memory import MemoryBackend
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.runner import Setup, handback_of
from paperless_ivr.drive.session import Session, read
from paperless_ivr.drive.web import Reply, WebDriver
from paperless_ivr.errors import Rejected
from paperless_ivr.flow.events import CallerEvent, Digits, HungUp, NoInput, TransferResult
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Identity, Moment
from paperless_ivr.flow.turns import Prompt, Turn
from paperless_ivr.gateways.capabilities import Capabilities
from paperless_ivr.gateways.port import Answers, Begins, Ends, WebRequest
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.calling import Runtime
from paperless_ivr.testing.contracts import session
from paperless_ivr.testing.contracts.checking import holds, run, same
from paperless_ivr.testing.virtual_caller import Press, VirtualCaller

MakeRuntime = Callable[[], Runtime]


def check_document_gateway(make: MakeRuntime) -> None:
    """Checks a document gateway. Each runtime made has a call of its own.

    Its call is one of the biller whose demo the library brings, with the words of the default
    policy. Promises whose capability is not claimed, or claimed as degraded, are left out.
    """
    able = make().capabilities
    performed = [
        _performed(check)
        for check, needs in session.PROMISES.items()
        if check not in TOLD_OTHERWISE and all(session.can(able, need) for need in needs)
    ]
    run([*performed, *PROMISES], make)


def _performed(check: Callable[[session.MakeRig], None]) -> Callable[[MakeRuntime], None]:
    """A promise of session gateways, of a document gateway."""

    def checked(make: MakeRuntime) -> None:
        check(lambda: Performer(make()))

    checked.__doc__, checked.__name__ = check.__doc__, check.__name__
    return checked


TOLD_OTHERWISE = (
    session._interrupts,
    session._which_prompt,
    session._not_played,
    session._once,
)
"""Promises that a document gateway keeps in its own way: they stand below."""


@define
class Performer:
    """A document gateway as one that performs turns."""

    runtime: Runtime
    caller: VirtualCaller = field(init=False)
    _turns: int = 0
    _shown: str = field(default="", repr=False)

    @caller.default
    def _at_the_far_end(self) -> VirtualCaller:
        return self.runtime.caller

    @property
    def capabilities(self) -> Capabilities:
        """What the gateway claims."""
        return self.runtime.capabilities

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Writes a turn, has it followed, and reads what comes of it."""
        self._turns += 1
        number = self._turns
        gateway = self.runtime.gateway
        document = gateway.write(turn, lambda interrupted: f"{number}-{interrupted}", language)
        request = self.runtime.follow(document)
        if request is None:
            return None
        visit = gateway.read(request)
        self._shown += f"{request!r}{visit!r}{gateway!r}"
        if isinstance(visit, Ends):
            return HungUp(visit.by)
        assert isinstance(visit, Answers), f"it is read as {visit!r}"
        of_turn, _, heard = visit.token.partition("-")
        same("the turn that it answers", str(number), of_turn)
        if isinstance(visit.event, Digits):
            return evolve(visit.event, interrupted=None if heard == "None" else int(heard))
        return visit.event

    def hold(self, seconds: float) -> None:
        """Lets time pass."""
        self.runtime.hold(seconds)

    def utterance(self, prompt: Prompt, language: str) -> str:
        """What is heard of a prompt."""
        return self.runtime.utterance(prompt, language)

    def lose(self, prompt: Prompt) -> bool:  # noqa: ARG002 - what a rig takes
        """What a runtime plays is not seen in a document."""
        return False

    def cut(self) -> bool:
        """There is no channel to cut."""
        return False

    def agent(self, result: TransferResult) -> None:
        """What becomes of the next transfer."""
        self.runtime.agent(result)

    def shown(self) -> str:
        """Everything that could be printed."""
        return self._shown

    def close(self) -> None:
        """Nothing was started."""


# ── a call on the gateway ────────────────────────────────────────────────────────────────

KEY = secret.credential("the key of all workers")
RIVERA = customer("rivera")
YES = (Press("1"), None, Press("1137"), None, Press("1"), None)
"""What enrolls: yes, the last four digits, agreed; None goes on without a key."""


@define
class _Bench:
    """A call on the gateway under test, with a service, a record and a store in memory."""

    runtime: Runtime
    backend: MemoryBackend = field(factory=springfield)
    record: MemoryRecord = field(factory=MemoryRecord)
    calls: MemoryLiveCalls = field(factory=MemoryLiveCalls)
    ended: list[Handback] = field(factory=list)
    sent: list[WebRequest] = field(factory=list)
    reply: Reply = field(factory=lambda: Reply(0))
    driver: WebDriver = field(init=False)

    @driver.default
    def _make_driver(self) -> WebDriver:
        flow = Flow()
        words = Catalog.of(flow.terms.policy)
        store = SeparateStores(self.record, self.calls)
        setup = Setup(flow, words, self.backend, store, observers=(self._moved,), at_once=4)
        return WebDriver(setup, self.runtime.gateway, KEY)

    def _moved(self, move: Move) -> None:
        if move.after.over:
            self.ended.append(handback_of(move.after))

    @property
    def arrival(self) -> Arrival:
        """What the host hands over."""
        return Arrival(
            self.runtime.call_id,
            "springfield-water",
            Moment.BEFORE_PAYMENT,
            ani=RIVERA.phone,
            language="en-US",
        )

    def send(self, request: WebRequest) -> Reply:
        """A request of the runtime, answered."""
        self.sent.append(request)
        self.reply = self.driver.answer(request)
        return self.reply

    def begin(self) -> Reply:
        """The host hands the call over."""
        return self.send(self.runtime.begins(self.arrival))

    def hears(self, act: Press | None) -> WebRequest | None:
        """The caller hears the document, and does that; the request that comes of it."""
        turn = self.driver.setup.flow.turn(self.load().call)
        self.runtime.caller.plan(*(() if act is None else (act,)), prompts=len(turn.say))
        return self.runtime.follow(self.reply.document)

    def does(self, act: Press | None) -> Reply:
        """The caller hears the document, and does that; the reply to what comes of it."""
        request = self.hears(act)
        assert request is not None, "the host has the call again"
        return self.send(request)

    def load(self) -> Session:
        """The call as it is in the store."""
        stored = self.calls.load(self.runtime.call_id)
        return read(stored).session(self.driver.setup.flow, stored)

    def state(self) -> tuple[object, ...]:
        """All that a request could change."""
        stored = self.calls.load(self.runtime.call_id)
        return stored, self.record.activities, dict(self.record.writes), self.backend.emails

    def along(self) -> Iterator[None]:
        """A whole call that enrolls, stopping after each reply."""
        self.begin()
        yield
        for act in YES:
            self.does(act)
            yield


def _bench(make: MakeRuntime) -> _Bench:
    return _Bench(make())


# ── promises ─────────────────────────────────────────────────────────────────────────────


def _interrupts(make: MakeRuntime) -> None:
    """G16: A key ends the speaking, and is the first of the gather."""
    rig = Performer(make())
    if session.can(rig.capabilities, "barge_in"):
        got = session._does(rig, session.MENU, Press("1", at=1))
        heard = [rig.utterance(prompt, session.LANGUAGE) for prompt in session.PROMPTS[:2]]
        same("the key", secret.keys("1"), got.keys if isinstance(got, Digits) else got)
        same("what is heard", heard, rig.caller.heard)


def _told_apart(make: MakeRuntime) -> None:
    """G17, G18: A key in what must be heard, or before it, is told from one after it, or lost."""
    must = [evolve(prompt, must_hear=True) for prompt in session.PROMPTS[:2]]
    say = (*must, session.PROMPTS[2])
    for number in (0, 1, 2, None):
        rig = Performer(make())
        got = session._does(rig, session.CONSENT, Press("1", at=number), say=say)
        if number in (0, 1) and got == NoInput():  # a key that is lost is no yes
            continue
        assert isinstance(got, Digits), f"it tells {got!r}"
        early = got.interrupted is not None and got.interrupted <= 1
        same(f"that a key in {number} came too early", number in (0, 1), early)


def _hands_over(make: MakeRuntime) -> None:
    """G25: What the host hands over arrives, and no more than that."""
    runtime = make()
    plain = Arrival(runtime.call_id, "springfield-water", ani=RIVERA.phone)
    full = evolve(
        plain,
        moment=Moment.AFTER_PAYMENT,
        greeted=True,
        language="es-US",
        account=RIVERA.account,
        invoice_type="WATER",
        identity=Identity.VERIFIED,
        payment=payment("rivera"),
    )
    for arrival in (plain, full):
        visit = runtime.gateway.read(runtime.begins(arrival))
        assert isinstance(visit, Begins), f"it is read as {visit!r}"
        same("the arrival", arrival, evolve(visit.arrival, dnis=""))


def _hands_back(make: MakeRuntime) -> None:
    """G25: A call that has ended goes back to the host, with its disposition."""
    bench = _bench(make)
    for _ in bench.along():
        pass
    same("what comes of the last document", None, bench.hears(None))
    told = bench.runtime.handed_back
    same("what the host is told", "enrolled", told and told["disposition"])
    same("how it ended", [Disposition.ENROLLED], [back.disposition for back in bench.ended])


def _one_moment(make: MakeRuntime) -> None:
    """G24: What is said before a request is heard before it is sent, on the next visit."""
    bench = _bench(make)
    bench.begin()
    bench.does(Press("1"))
    bench.does(None)
    bench.does(Press("1137"))
    bench.does(None)
    bench.does(Press("1"))
    same("what is on record before it was heard", 0, len(bench.record.writes))
    heard = len(bench.runtime.caller.heard)
    bench.does(None)
    holds("that it was heard", len(bench.runtime.caller.heard) > heard)
    same("what is on record then", 1, len(bench.record.writes))


def _twice(make: MakeRuntime) -> None:
    """G31: A request that is delivered twice gets the same document, and counts once."""
    bench = _bench(make)
    for _ in bench.along():
        before = bench.state()
        same("the document", bench.reply, bench.driver.answer(bench.sent[-1]))
        same("what is stored", before, bench.state())
    same("the number of e-mails", 1, len(bench.backend.emails))


def _late(make: MakeRuntime) -> None:
    """G32: An answer to an earlier turn gets the last document, and changes nothing."""
    bench = _bench(make)
    for _ in bench.along():
        before = bench.state()
        for request in bench.sent[:-1]:
            same("the document", bench.reply, bench.driver.answer(request))
        same("what is stored", before, bench.state())


def _of_another_call(make: MakeRuntime) -> None:
    """G34: An answer that carries the token of another call is refused."""
    one, other = _bench(make), _bench(make)
    other.runtime.call_id = f"{one.runtime.call_id[:-1]}1"
    one.begin()
    other.runtime.caller.plan(Press("1"), prompts=9)
    request = other.runtime.follow(one.reply.document)
    assert request is not None, "the host has the call again"
    before = one.state()
    holds("that it is refused", 400 <= one.driver.answer(request).status < 500)
    same("what is stored", before, one.state())


def _over(make: MakeRuntime) -> None:
    """G28: A call that is over is so at any moment, and what was agreed is carried out."""
    for stop in range(len(YES)):
        bench = _bench(make)
        bench.begin()
        for act in YES[:stop]:
            bench.does(act)
        agreed = bool(bench.load().call.consents)
        bench.driver.answer(bench.runtime.ends())
        same("how it ended", [Disposition.ABANDONED], [back.disposition for back in bench.ended])
        same("the e-mails", int(agreed), len(bench.backend.emails))


def _forged(make: MakeRuntime) -> None:
    """G30: A request that the runtime did not send is refused, and changes nothing."""
    bench = _bench(make)
    bench.begin()
    honest = bench.hears(Press("1"))
    assert honest is not None, "the host has the call again"
    before = bench.state()
    ends = bench.runtime.ends()
    for request in (honest, ends, bench.runtime.begins(bench.arrival)):
        forged = bench.runtime.forged(request)
        holds("that it is refused", 400 <= bench.driver.answer(forged).status < 500)
    same("what is stored", before, bench.state())


BROKEN: tuple[Callable[[WebRequest], WebRequest], ...] = (
    lambda request: evolve(request, body=b""),
    lambda request: evolve(request, body=request.body[:-3]),
    lambda request: evolve(request, body=bytes(range(256))),
    lambda request: evolve(request, body=b"x" * 1_000_000),
    lambda request: evolve(request, body=request.body + b"\xff"),
    lambda request: evolve(request, path="/nowhere"),
    lambda request: evolve(request, path="/../../etc/passwd"),
    lambda request: evolve(request, query=f"{request.query}&more=1"),
    lambda request: evolve(request, headers={}),
    lambda request: evolve(request, headers=dict.fromkeys(request.headers, "é\u0000")),
    lambda request: evolve(request, method="GET"),
)
"""Ways in which a request is spoilt."""


def _garbage(make: MakeRuntime) -> None:
    """G30: A request that is broken is refused with a 4xx; nothing else is raised."""
    runtime = make()
    request = runtime.begins(Arrival(runtime.call_id, "springfield-water"))
    for number, spoil in enumerate(BROKEN):
        try:
            visit: object = runtime.gateway.read(spoil(request))
        except Rejected as rejected:
            visit = rejected.status if 400 <= rejected.status < 500 else rejected
        holds(f"that spoilt request {number} is refused", isinstance(visit, int))


def _functions(make: MakeRuntime) -> None:
    """G33: The same turn is the same document, and the same request the same visit."""
    runtime = make()
    turn = session._turn(session.MENU)
    first, second = (runtime.gateway.write(turn, str, "en-US") for _ in range(2))
    same("the document", first, second)
    request = runtime.begins(Arrival(runtime.call_id, "springfield-water"))
    same("the visit", runtime.gateway.read(request), runtime.gateway.read(request))


PROMISES: tuple[Callable[[MakeRuntime], None], ...] = (
    _interrupts,
    _told_apart,
    _hands_over,
    _hands_back,
    _one_moment,
    _twice,
    _late,
    _of_another_call,
    _over,
    _forged,
    _garbage,
    _functions,
)
"""The promises of a document gateway, beside those that it shares with session gateways."""
