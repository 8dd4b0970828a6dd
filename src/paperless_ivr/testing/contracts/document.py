"""The contract of document gateways: the rules of docs/gateway-contract.md as checks.

An adapter provides a `Runtime`: its gateway and a small simulator of its runtime, with a
`VirtualCaller` on the line. To perform a turn, the gateway writes a document, the simulator
executes it, and the gateway reads the resulting request. This way, most promises of session
gateways are also checked. Checks of capabilities that the gateway does not claim are skipped.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from urllib.parse import parse_qsl, urlencode

from attrs import define, evolve, field, fields

from paperless_ivr import secret
from paperless_ivr.backends.demo import customer, payment, springfield
from paperless_ivr.backends.memory import MemoryBackend
from paperless_ivr.drive.protocol import Move
from paperless_ivr.drive.runner import Setup, handback_of
from paperless_ivr.drive.session import Session, read
from paperless_ivr.drive.web import Reply, WebDriver
from paperless_ivr.errors import Rejected, UnknownCall
from paperless_ivr.flow.events import CallerEvent, Digits, HungUp, NoInput, TransferResult
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Handback, Identity, Moment
from paperless_ivr.flow.host_strings import handback_to_strings
from paperless_ivr.flow.turns import Prompt, Turn
from paperless_ivr.gateways.capabilities import Capabilities
from paperless_ivr.gateways.port import Answers, Begins, Ends, Visit, WebRequest
from paperless_ivr.prompts import Catalog
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.calling import Runtime
from paperless_ivr.testing.contracts import session
from paperless_ivr.testing.contracts.checking import holds, run, same
from paperless_ivr.testing.virtual_caller import Press, VirtualCaller

MakeRuntime = Callable[[], Runtime]


def check_document_gateway(make: MakeRuntime) -> None:
    """Check a document gateway. `make` must return a runtime for a new call each time.

    The calls are for the library's demo biller, with the prompts of the default policy. If the
    gateway does not claim a capability, or claims it as degraded, promises that need it are
    skipped.
    """
    able = make().capabilities
    performed = [
        _performed(check)
        for check, needs in session.PROMISES.items()
        if check not in TOLD_OTHERWISE and all(session.can(able, need) for need in needs)
    ]
    run([*performed, *PROMISES], make)


def _performed(check: Callable[[session.MakeRig], None]) -> Callable[[MakeRuntime], None]:
    """Convert a session gateway check to a document gateway check."""

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
"""Session gateway checks that the checks below replace for document gateways."""


@define
class Performer:
    """An adapter that performs turns on a document gateway."""

    runtime: Runtime
    caller: VirtualCaller = field(init=False)
    _turns: int = 0
    _shown: str = field(default="", repr=False)

    @caller.default
    def _at_the_far_end(self) -> VirtualCaller:
        return self.runtime.caller

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities that the gateway claims."""
        return self.runtime.capabilities

    def perform(self, turn: Turn, language: str) -> CallerEvent | None:
        """Write a document, have the runtime execute it, and read the resulting request."""
        self._turns += 1
        number, printed = self._turns, StringIO()
        gateway = self.runtime.gateway
        with redirect_stdout(printed), redirect_stderr(printed):
            document = gateway.write(turn, lambda interrupted: f"{number}-{interrupted}", language)
            request = self.runtime.follow(document)
            if request is None:
                return None
            visit = gateway.read(request)
        sys.stdout.write(printed.getvalue())
        self._shown += f"{printed.getvalue()}{request!r}{visit!r}{gateway!r}"
        if isinstance(visit, Ends):
            return HungUp(visit.by)
        assert isinstance(visit, Answers), f"the request was read as {visit!r}, not as an answer"
        of_turn, _, heard = visit.token.partition("-")
        same("the turn in the token of the URL", str(number), of_turn)
        if isinstance(visit.event, Digits):
            return evolve(visit.event, interrupted=None if heard == "None" else int(heard))
        return visit.event

    def hold(self, seconds: float) -> None:
        """Let time pass."""
        self.runtime.hold(seconds)

    def utterance(self, prompt: Prompt, language: str) -> str:
        """Return what the caller hears when a prompt is spoken."""
        return self.runtime.utterance(prompt, language)

    def lose(self, prompt: Prompt) -> bool:  # noqa: ARG002 - as in `Rig`
        """Return False, because the gateway cannot detect that a prompt was not played."""
        return False

    def cut(self) -> bool:
        """Return False, because there is no channel to cut."""
        return False

    def agent(self, result: TransferResult) -> None:
        """Set the result of the next transfer."""
        self.runtime.agent(result)

    def shown(self) -> str:
        """Return everything printed, and the reprs of the gateway, the requests, and the visits."""
        return self._shown

    def close(self) -> None:
        """Do nothing, because nothing was started."""


# ── a call on the gateway ────────────────────────────────────────────────────────────────

KEY = secret.credential("the workers' shared key")
RIVERA = customer("rivera")
DIALED = "+12175550100"
YES = (Press("1"), None, Press("1137"), None, Press("1"), None)
"""The keys that enroll a caller: yes, the last four digits, and yes. None means no key."""


@define
class _Bench:
    """A call on the gateway under test, with an in-memory service, record, and store."""

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
        """The arrival that the host hands over."""
        return Arrival(
            self.runtime.call_id,
            "springfield-water",
            Moment.BEFORE_PAYMENT,
            ani=RIVERA.phone,
            dnis=DIALED,
            language="en-US",
        )

    def send(self, request: WebRequest) -> Reply:
        """Send a request from the runtime, and return the reply."""
        self.sent.append(request)
        self.reply = self.driver.answer(request)
        same(f"the status of the reply to {request.path}", 200, self.reply.status)
        return self.reply

    def begin(self) -> Reply:
        """Hand over the call."""
        return self.send(self.runtime.begins(self.arrival))

    def hears(self, act: Press | None) -> WebRequest | None:
        """Have the caller hear the document and act as given. Returns the resulting request."""
        turn = self.driver.setup.flow.turn(self.load().call)
        self.runtime.caller.plan(*(() if act is None else (act,)), prompts=len(turn.say))
        return self.runtime.follow(self.reply.document)

    def does(self, act: Press | None) -> Reply:
        """Have the caller hear the document and act as given. Returns the next reply."""
        request, before = self.hears(act), self.load().number
        assert request is not None, "the call went back to the host too early."
        self.send(request)
        holds(f"that the call goes on after {request.path}", self.load().number > before)
        return self.reply

    def load(self) -> Session:
        """Return the stored call."""
        try:
            stored = self.calls.load(self.runtime.call_id)
        except UnknownCall:
            stored = None
        assert stored, f"no call is stored with the runtime's call ID, {self.runtime.call_id}."
        return read(stored).session(self.driver.setup.flow, stored)

    def state(self) -> tuple[object, ...]:
        """Return everything that a request could change."""
        stored = self.calls.load(self.runtime.call_id)
        return stored, self.record.activities, dict(self.record.writes), self.backend.emails

    def along(self) -> Iterator[None]:
        """Run an entire call in which the caller enrolls, and yield after each reply."""
        self.begin()
        yield
        for act in YES:
            self.does(act)
            yield


def _bench(make: MakeRuntime) -> _Bench:
    return _Bench(make())


# ── promises ─────────────────────────────────────────────────────────────────────────────


def _as_written(make: MakeRuntime) -> None:
    """G01: Apostrophes and accents are spoken as written."""
    say = (Prompt("no_input"), Prompt("offer", language=session.OTHER))
    rig = Performer(make())
    session._does(rig, session.MENU, say=say)
    heard = [rig.utterance(prompt, session.LANGUAGE) for prompt in say]
    same("what is heard", heard, rig.caller.heard)


def _in_time(make: MakeRuntime) -> None:
    """G11, G12: Keys pressed before the wait ends count. The runtime can cap the wait."""
    entry, longest = session.ENTRY, make().capabilities.longest_wait
    waits = (entry.first_key_wait, entry.next_key_wait)
    first, following = (wait if longest is None else min(wait, longest) for wait in waits)
    for press in (Press("1137", after=first - 1), Press("1137", apart=following - 0.5)):
        session._gets(lambda: Performer(make()), session._pressed("1137"), entry, press)


def _interrupts(make: MakeRuntime) -> None:
    """G16: A key interrupts the prompts, and is the first key of the gather."""
    rig = Performer(make())
    if session.can(rig.capabilities, "barge_in"):
        got = session._does(rig, session.MENU, Press("1", at=1))
        heard = [rig.utterance(prompt, session.LANGUAGE) for prompt in session.PROMPTS[:2]]
        same("the key", secret.keys("1"), got.keys if isinstance(got, Digits) else got)
        same("what is heard", heard, rig.caller.heard)


def _told_apart(make: MakeRuntime) -> None:
    """G17, G18: A key pressed during a must-hear prompt is reported as early, or is lost."""
    must = [evolve(prompt, must_hear=True) for prompt in session.PROMPTS[:2]]
    say = (*must, session.PROMPTS[2])
    for number in (0, 1, 2, None):
        rig = Performer(make())
        got = session._does(rig, session.CONSENT, Press("1", at=number), say=say)
        if number in (0, 1) and got == NoInput():  # a lost key does not count as yes
            continue
        assert isinstance(got, Digits), f"the event is {got!r}"
        early = got.interrupted is not None and got.interrupted <= 1
        same(f"whether a key pressed during prompt {number} is early", number in (0, 1), early)


def _hands_over(make: MakeRuntime) -> None:
    """G25: The arrival contains exactly what the host handed over."""
    runtime = make()
    plain = Arrival(runtime.call_id, "springfield-water", ani=RIVERA.phone, dnis=DIALED)
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
        assert isinstance(visit, Begins), f"the request was read as {visit!r}, not as a hand-over"
        names = [field.name for field in fields(Arrival)]
        changed = [n for n in names if getattr(arrival, n) != getattr(visit.arrival, n)]
        same("the list of arrival fields that changed", [], changed)


def _hands_back(make: MakeRuntime) -> None:
    """G25: A call that has ended goes back to the host, with every field of the hand-back."""
    bench = _bench(make)
    for _ in bench.along():
        pass
    same("the request after the last document", None, bench.hears(None))
    same(
        "the list of dispositions",
        [Disposition.ENROLLED],
        [back.disposition for back in bench.ended],
    )
    told = bench.runtime.handed_back or {}
    back = handback_to_strings(bench.ended[0], personal=False)
    lost = [name for name in back if back[name] != told.get(name)]
    same("the list of hand-back fields that were lost", [], lost)


def _one_moment(make: MakeRuntime) -> None:
    """G24: A service request is sent at the next visit, after the caller has heard the prompts."""
    bench = _bench(make)
    bench.begin()
    bench.does(Press("1"))
    bench.does(None)
    bench.does(Press("1137"))
    bench.does(None)
    bench.does(Press("1"))
    same("the number of writes before the prompt was heard", 0, len(bench.record.writes))
    heard = len(bench.runtime.caller.heard)
    bench.does(None)
    holds("that the prompt was heard", len(bench.runtime.caller.heard) > heard)
    same("the number of writes after the prompt was heard", 1, len(bench.record.writes))


def _twice(make: MakeRuntime) -> None:
    """G31: A request that is delivered twice gets the same document both times, and counts once."""
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
    """G34: An answer with the token of another call is refused."""
    one, other = _bench(make), _bench(make)
    known = one.runtime.call_id
    other.runtime.call_id = known[:-1] + ("2" if known.endswith("1") else "1")
    one.begin()
    other.runtime.caller.plan(Press("1"), prompts=9)
    request = other.runtime.follow(one.reply.document)
    assert request is not None, "the call went back to the host too early."
    before = one.state()
    holds("that the answer is refused", 400 <= one.driver.answer(request).status < 500)
    same("what is stored", before, one.state())


def _over(make: MakeRuntime) -> None:
    """G28: A call can end at any point. Whatever the caller agreed to is still carried out."""
    for stop in range(len(YES)):
        bench = _bench(make)
        bench.begin()
        for act in YES[:stop]:
            bench.does(act)
        agreed = bool(bench.load().call.consents)
        bench.driver.answer(bench.runtime.ends())
        same(
            "the list of dispositions",
            [Disposition.ABANDONED],
            [back.disposition for back in bench.ended],
        )
        same("the number of e-mails", int(agreed), len(bench.backend.emails))


def _news(make: MakeRuntime) -> None:
    """G28: A status report about a call in progress does not end the call."""
    bench = _bench(make)
    bench.begin()
    before = bench.state()
    for request in bench.runtime.news():
        holds(f"that {request.path} is accepted", bench.driver.answer(request).status < 300)
        same("the list of hand-backs", [], bench.ended)
        same("what is stored", before, bench.state())


def _forged(make: MakeRuntime) -> None:
    """G30: A request that the runtime did not send is refused, and changes nothing."""
    bench = _bench(make)
    bench.begin()
    honest = bench.hears(Press("1"))
    assert honest is not None, "the call went back to the host too early."
    before = bench.state()
    begins = bench.runtime.begins(evolve(bench.arrival, account=RIVERA.account))
    for request in (honest, bench.runtime.ends(), begins):
        forged = bench.runtime.forged(request)
        _refused(f"a forged {request.path}", bench.runtime, forged)
        holds("that the request is refused", 400 <= bench.driver.answer(forged).status < 500)
    same("what is stored", before, bench.state())


BROKEN: Mapping[str, Callable[[WebRequest], WebRequest]] = {
    "without a body": lambda request: evolve(request, body=b""),
    "with a truncated body": lambda request: evolve(request, body=request.body[:-3]),
    "with a binary body": lambda request: evolve(request, body=bytes(range(256))),
    "with an oversized body": lambda request: evolve(request, body=b"x" * 1_000_000),
    "with a body that is not UTF-8": lambda request: evolve(request, body=request.body + b"\xff"),
    "to an unknown path": lambda request: evolve(request, path="/nowhere"),
    "to a path above the gateway": lambda request: evolve(request, path="/../../etc/passwd"),
    "with the method GET": lambda request: evolve(request, method="GET"),
}
"""Changes that break any request."""
HEADERS: Mapping[str, Callable[[WebRequest], WebRequest]] = {
    "without headers": lambda request: evolve(request, headers={}),
    "with garbage in its headers": lambda request: evolve(
        request, headers=dict.fromkeys(request.headers, "é\u0000")
    ),
}
"""Changes that break a request only if its signature is in a header."""


def _garbage(make: MakeRuntime) -> None:
    """G30: A broken request is refused with a 4xx status, and no other error is raised."""
    for request, runtime in _requests(make):
        whole = runtime.gateway.read(request)
        for how, spoil in BROKEN.items():
            _refused(f"{request.path} {how}", runtime, spoil(request))
        for how, spoil in HEADERS.items():
            visit = _read(f"{request.path} {how}", runtime, spoil(request))
            holds(f"that {request.path} {how} is refused", visit in (None, whole))
    runtime = make()
    request = runtime.begins(Arrival(runtime.call_id, "springfield-water"))
    more = evolve(request, query=f"{request.query}&more=1")
    _refused(f"{request.path} with an unknown field", runtime, more)


def _nonsense(make: MakeRuntime) -> None:
    """G30: A request with a missing or invalid field is read, or refused with a 4xx status."""
    for request, runtime in _requests(make):
        for how, body in _other_bodies(request.body):
            other = runtime.signed(evolve(request, body=body))
            _read(f"{request.path} {how}", runtime, other)


def _requests(make: MakeRuntime) -> Iterator[tuple[WebRequest, Runtime]]:
    """Yield a request of each kind with its runtime: keys, transfer, next visit, end, hand-over."""
    for then in (session.MENU, session.PERSON, session.REQUEST):
        runtime = make()
        document = runtime.gateway.write(session._turn(then), str, session.LANGUAGE)
        runtime.caller.plan(Press("1"), prompts=len(session.PROMPTS))
        request = runtime.follow(document)
        assert request is not None, "the call went back to the host too early."
        yield request, runtime
    runtime = make()
    yield runtime.ends(), runtime
    full = Arrival(runtime.call_id, "springfield-water", dnis=DIALED, account=RIVERA.account)
    yield runtime.begins(full), runtime


OTHER_TEXTS = ("", "é\u0000", "9" * 600)
OTHER_VALUES: tuple[object, ...] = (*OTHER_TEXTS, None, True, -1, 1e400, [], {})


def _other_bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield variants of a JSON or form body, each with one field missing or changed."""
    try:
        told = json.loads(body)
    except ValueError:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        for name in form:
            without = {other: form[other] for other in form if other != name}
            yield f"without {name}", urlencode(without).encode()
            for value in OTHER_TEXTS:
                yield f"with {name}={value[:9]!r}", urlencode(form | {name: value}).encode()
        return
    for how, other in _other_values(told):
        yield how, json.dumps(other).encode()


def _other_values(told: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield variants of a JSON object, each with one field missing or changed, at any depth."""
    for name, known in told.items():
        yield f"without {name}", {other: told[other] for other in told if other != name}
        for value in (*OTHER_VALUES, [known], {"a": known}):
            yield f"with {name}={str(value)[:9]!r}", {**told, name: value}
        if isinstance(known, dict):
            for how, other in _other_values(known):
                yield f"{how} in {name}", {**told, name: other}


def _read(which: str, runtime: Runtime, request: WebRequest) -> Visit | None:
    """Read a request, and return the visit, or None if the request is properly refused.

    A proper refusal has a 4xx status and repeats nothing from the request.
    """
    try:
        return runtime.gateway.read(request)
    except Rejected as rejected:
        holds(f"that {which} is refused with a 4xx", 400 <= rejected.status < 500)
        sent = (RIVERA.account.reveal(), DIALED[1:], runtime.call_id, "passwd")
        repeated = any(text in rejected.why for text in sent)
        holds(f"that the refusal of {which} repeats nothing from the request", not repeated)
        return None
    except Exception as error:
        message = f"{which} raises {type(error).__name__}."
        raise AssertionError(message) from error


def _refused(which: str, runtime: Runtime, request: WebRequest) -> None:
    holds(f"that {which} is refused", _read(which, runtime, request) is None)


def _functions(make: MakeRuntime) -> None:
    """G33: The same turn always gives the same document, and the same request the same visit."""
    runtime = make()
    turn = session._turn(session.MENU)
    first, second = (runtime.gateway.write(turn, str, "en-US") for _ in range(2))
    same("the document", first, second)
    request = runtime.begins(Arrival(runtime.call_id, "springfield-water"))
    same("the visit", runtime.gateway.read(request), runtime.gateway.read(request))


PROMISES: tuple[Callable[[MakeRuntime], None], ...] = (
    _as_written,
    _in_time,
    _interrupts,
    _told_apart,
    _hands_over,
    _hands_back,
    _one_moment,
    _twice,
    _late,
    _of_another_call,
    _over,
    _news,
    _forged,
    _garbage,
    _nonsense,
    _functions,
)
"""The promises of a document gateway, in addition to those shared with session gateways."""
