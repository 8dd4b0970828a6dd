"""Calls as text that a biller can read, and that is replayed against the flow.

A transcript has comments, what the host hands over, and then the call, line by line:

    # Enrols with the e-mail on file.
    moment:    before_payment
    caller:    rivera

    hears      Would you like your bills by e-mail? For yes, press 1.
    presses    1
    service    SearchByCustomerPhoneNumber: rivera
    ends       enrolled

`hears` and `ends` are what the flow does, every other line is what happens to it. A replay drives
the real flow with what happens, through a save and a load of the call at every turn, and gives
the text as it really goes. Customers are called by the handles of `backends.demo`.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from attrs import Factory, define, evolve, field, frozen

from paperless_ivr import secret
from paperless_ivr.backends.demo import CUSTOMERS, customer, payment
from paperless_ivr.drive import conduct as steps
from paperless_ivr.drive.live import Live, Token, deliver
from paperless_ivr.errors import PolicyProblems, TranscriptProblems
from paperless_ivr.flow import events as e
from paperless_ivr.flow import requests
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Identity, Intent, Moment, Payment
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.policy_file import load_policy
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.flow.saving import dump, load
from paperless_ivr.flow.scene import Terms
from paperless_ivr.flow.turns import Gather, Prompt, Return, Transfer, Turn
from paperless_ivr.prompts import Catalogue, said
from paperless_ivr.secret import Secret

if TYPE_CHECKING:
    from paperless_ivr.testing.exploration import Counterexample, Move
    from paperless_ivr.testing.proof import Case

T = TypeVar("T")


@frozen
class Step:
    """One line of the call: its word, what follows it, and the event that it stands for."""

    line: int
    word: str
    rest: str = ""
    about: str = ""
    """The operation, or the record's question, that is answered."""
    event: e.Event | None = None
    ahead: bool = False
    """The key was pressed before the turn began."""
    again: bool = False
    """The key is delivered a second time, late."""

    def __str__(self) -> str:
        return f"{self.word:<10} {self.rest}".rstrip()


@frozen
class Transcript:
    """A call as it was written down."""

    path: Path
    comments: tuple[str, ...]
    """What stands above the call, for people."""
    headers: Mapping[str, str]
    """What the host hands over, as it was written."""
    steps: tuple[Step, ...]
    arrival: Arrival = field(repr=False)
    terms: Terms = field(repr=False)

    @property
    def proves(self) -> tuple[str, ...]:
        """The requirements that the transcript says it proves."""
        said_so = " ".join(c for c in self.comments if c.startswith("proves:"))
        return tuple(re.findall(r"R\d+", said_so))


# ── reading ──────────────────────────────────────────────────────────────────────────────


def read(path: str | Path) -> Transcript:
    """The transcript in a file. Raises `TranscriptProblems` with everything that is wrong."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TranscriptProblems(_title(path), [f"cannot be read: {error}"]) from error
    return parse(text, path)


def parse(text: str, path: str | Path = "transcript") -> Transcript:
    """The transcript in a text, which stands or would stand at `path`; else as `read`."""
    comments: list[str] = []
    headers: dict[str, str] = {}
    body: list[Step] = []
    problems: list[str] = []
    where: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if not line.strip():
                continue
            if line.startswith("#"):
                if headers or body:
                    raise ValueError("comments stand above everything else")
                comments.append(line[1:].strip())
            elif found := re.fullmatch(r"([a-z_]+):\s+(.+)", line.rstrip()):
                name, value = found.groups()
                if body or name in headers:
                    raise ValueError(f"{name}: comes once, and before the call")
                headers[name], where[name] = value, number
            else:
                body.append(_step(number, line))
        except (ValueError, LookupError) as error:
            problems.append(f"line {number}: {_says(error)}")
    terms, arrival = _handed_over(headers, where, Path(path), problems)
    if not body and not problems:
        problems.append("nothing happens in it")
    if problems:
        raise TranscriptProblems(_title(path), problems)
    return Transcript(Path(path), tuple(comments), headers, tuple(body), arrival, terms)


def _title(path: str | Path) -> str:
    return f"{path}: this transcript cannot be used"


def _says(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)


def _known(name: str, known: Mapping[str, T]) -> T:
    """What stands under a name; ValueError that says which names there are."""
    if name not in known:
        raise ValueError(f"{name!r} is none of {', '.join(known)}")
    return known[name]


def _handed_over(
    headers: Mapping[str, str], where: Mapping[str, int], path: Path, problems: list[str]
) -> tuple[Terms, Arrival]:
    """The terms and the arrival that the headers tell."""
    told: dict[str, object] = {}
    policy, lacking = Policy(), frozenset[str]()
    for name, value in headers.items():
        try:
            match name:
                case "policy":
                    policy = _policy(value, path)
                case "lacking":
                    names = {operation: operation for operation in sorted(OPERATIONS)}
                    lacking = frozenset(_known(part.strip(), names) for part in value.split(","))
                case _:
                    field_name, meaning = _known(name, HEADERS)
                    told[field_name] = meaning(value)
        except PolicyProblems as error:
            problems += [f"line {where[name]}: {problem}" for problem in error.problems]
        except (ValueError, LookupError) as error:
            problems.append(f"line {where[name]}: {_says(error)}")
    arrival = Arrival("transcript", policy.biller.id, **told)  # type: ignore[arg-type]
    return Terms(policy, OPERATIONS - lacking), arrival


def _policy(name: str, transcript: Path) -> Policy:
    """A policy by its path, as seen from here, the transcript, or a folder above that."""
    around = [Path(), *transcript.resolve().parents]
    there = next((folder / name for folder in around if (folder / name).is_file()), Path(name))
    return load_policy(there)


def _caller(value: str) -> Secret | None:
    if value == "unknown":
        return None
    return secret.phone(value) if value.startswith("+") else customer(value).phone


def _payment(value: str) -> Payment:
    handle, _, judged = value.partition(" ")
    if judged not in ("", "not approved"):
        raise ValueError(f"a payment is {handle!r} or '{handle} not approved'")
    return evolve(payment(handle), approved=not judged)


def _account(value: str) -> Secret:
    return secret.account(value) if value.isdecimal() else customer(value).account


def _yes(value: str) -> bool:
    return _known(value, {"yes": True, "no": False})


HEADERS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "moment": ("moment", lambda value: _known(value, {m.value: m for m in Moment})),
    "caller": ("ani", _caller),
    "language": ("language", str),
    "account": ("account", _account),
    "identity": ("identity", lambda value: _known(value, {i.name.lower(): i for i in Identity})),
    "invoice_type": ("invoice_type", str),
    "payment": ("payment", _payment),
    "person": ("person_available", _yes),
    "intent": ("intent", lambda value: _known(value, {i.value: i for i in Intent})),
    "greeted": ("greeted", _yes),
}
"""What can be handed over, and how it is read; `policy` and `lacking` shape the flow itself."""

PRESSES = re.compile(r"([0-9*]*#?)( then silence)?(?: at (\d+))?(?: (ahead|again))?")
RESULTS = {result.value: result for result in e.TransferResult}
REFUSALS = {refusal.value: refusal for refusal in e.Refusal}
READS = ("SearchByAccountNumber", "SearchByCustomerPhoneNumber")
RECORD = ("Screen", "CountLastFour", "KeepWish")


def _step(number: int, line: str) -> Step:
    """One line of the call; ValueError or LookupError where it says nothing."""
    word, _, rest = line.strip().partition(" ")
    rest = " ".join(rest.split())
    step = Step(number, word, rest)
    match word, rest:
        case ("hears", _) | ("ends", _):
            return step
        case "presses", _:
            return _presses(step)
        case "silence", "":
            return evolve(step, event=e.NoInput())
        case ("hangs", "up") | ("host", "cancels"):
            return Step(number, f"{word} {rest}", event=e.HungUp(by_host=word == "host"))
        case "transfer", _:
            return evolve(step, event=e.TransferEnded(_known(rest, RESULTS)))
        case "service" | "record", _:
            about, _, says = (part.strip() for part in rest.partition(":"))
            answers = _service if word == "service" else _record
            return evolve(step, about=about, event=answers(about, says))
    raise ValueError(f"{line.strip()!r} is no line of a call")


def _presses(step: Step) -> Step:
    found = PRESSES.fullmatch(step.rest)
    if not found or not found[1] or (found[2] and found[1].endswith("#")):
        raise ValueError(
            f"{step.rest!r}: keys, as 1, 2048#, '12 then silence', '1 at 0', '1 again'"
        )
    pressed, paused, at, how = found.groups()
    ended = e.Ended.TIMEOUT if paused else e.Ended.FULL
    ended = e.Ended.END_KEY if pressed.endswith("#") else ended
    digits = e.Digits(secret.keys(pressed.rstrip("#")), ended, int(at) if at else None)
    return evolve(step, event=digits, ahead=how == "ahead", again=how == "again")


def _service(operation: str, says: str) -> e.Event:
    """What the service answers."""
    _known(operation, {name: name for name in sorted(OPERATIONS)})
    outcomes: dict[str, e.Event] = {"unavailable": e.Unavailable(), "unknown": e.OutcomeUnknown()}
    outcomes |= {f"refused {name}": e.Refused(refusal) for name, refusal in REFUSALS.items()}
    if operation in READS and says not in outcomes:
        return e.CustomersFound(tuple(_customers(says)))
    if operation == "InvoiceExists":
        outcomes |= {"yes": e.InvoiceChecked(True), "no": e.InvoiceChecked(False)}
    elif operation not in READS:
        outcomes |= {"accepted": e.Accepted()}
    return _known(says, outcomes)


def _customers(says: str) -> Iterator[e.Customer]:
    """Customers by handle, each perhaps with bills that are not as they were at first."""
    if says == "nobody":
        return
    for part in re.split(r",\s*(?![^(]*\))", says):
        found = re.fullmatch(r"([\w-]+)(?: \((.+)\))?", part)
        if not found:
            raise ValueError(f"{part!r}: a handle, as rivera or 'rivera (WATER pending)'")
        person = customer(found[1])
        for change in filter(None, (found[2] or "").split(",")):
            kind, _, status = change.strip().partition(" ")
            if kind not in {invoice.type for invoice in person.invoices}:
                raise ValueError(f"{found[1]} has no {kind} bill")
            flags = _known(status, STATUSES)
            person = evolve(
                person,
                invoices=tuple(
                    evolve(i, paperless=flags[0], pending=flags[1]) if i.type == kind else i
                    for i in person.invoices
                ),
            )
        yield person


STATUSES: Mapping[str, tuple[bool | None, bool]] = {
    "pending": (False, True),
    "paperless": (True, False),
    "paper": (False, False),
    "unclear": (None, False),
}


def _record(about: str, says: str) -> e.Event:
    """What the record answers; about a write, why it must not be sent."""
    if says == "unavailable" and about in (*RECORD, *OPERATIONS):
        return e.RecordUnavailable()
    found = re.fullmatch(r"(\w+) (\d+) days? ago", says)
    if about == "Screen" and found:
        last = _known(found[1], {d.value: d for d in Disposition})
        return e.Screened(last, int(found[2]))
    if about == "Screen" and says.endswith(" in this call"):
        names = says.removesuffix(" in this call").split(", ")
        known = {d.value: d for d in Disposition}
        return e.Screened(in_this_call=tuple(_known(name, known) for name in names))
    if about in OPERATIONS:
        return _known(says, {f"refused {n}": e.Refused(refusal) for n, refusal in REFUSALS.items()})
    return _known(says, _known(about, ANSWERS))


ANSWERS: Mapping[str, Mapping[str, e.Event]] = {
    "Screen": {"nothing": e.Screened()},
    "CountLastFour": {
        "allowed": e.LastFourCounted(True),
        "no longer": e.LastFourCounted(False),
    },
    "KeepWish": {"kept": e.WishKept()},
}
"""What the record can answer, first what it answers where the transcript is silent."""


# ── replaying ────────────────────────────────────────────────────────────────────────────


class _Lacking(Exception):
    """The call goes on, and the transcript does not say how."""


@define
class _Replay:
    """A replay under way: what is still to happen, and what has been written down."""

    flow: Flow
    words: Catalogue
    left: list[Step]
    live: Live
    lines: list[str] = Factory(list)
    answered: Token | None = None
    """The turn at which a key was pressed last."""

    def run(self) -> None:
        """Takes the call to its end, or to where the transcript lacks something."""
        with suppress(_Lacking):
            while self._turn():
                pass

    def _turn(self) -> bool:
        """One turn, by a driver that is new each time and has the call from its saved form."""
        self.live = Live(load(dump(self.live.call)), self.live.turn)
        driver = steps.conduct(self.flow, self.live)
        reply: e.Event | None = None
        while True:
            try:
                step = driver.send(reply)
            except StopIteration:
                self._ended()
                return False
            if isinstance(step, steps.Moved):
                self.live = Live(step.turn.call, step.before.turn + 1)
                driver.close()
                return True
            reply = self._do(step)

    def _do(self, step: steps.Step) -> e.Event | None:
        match step:
            case steps.Perform(turn):
                return self._perform(turn)
            case steps.Look(request):
                name = type(request).__name__
                return self._on_record(name) or next(iter(ANSWERS[name].values()))
            case steps.Intend(write):
                return self._on_record(type(write).__name__)
            case steps.Send(request, _):
                return self._served(type(request).__name__)
        return None

    def _perform(self, turn: Turn) -> e.Event | None:
        """Writes down what is heard; gives what the caller does."""
        self.lines += _heard(turn.say, turn.call.language, self.flow, self.words)
        while self.left and (self.left[0].again or self._dropped(turn)):
            again = self._take()
            if again.again and self._moves(again):
                self._lack("nothing: a key that is delivered again must change nothing")
        waited = isinstance(turn.then, Gather | Transfer)
        if not self.left or isinstance(turn.then, Return):
            return self._lack(_wants(turn)) if waited else None
        event = self.left[0].event
        if isinstance(event, e.HungUp):
            return self._take().event
        if not waited:
            return None
        if isinstance(turn.then, Gather) and isinstance(event, e.Digits) and not turn.then.end_key:
            event = _without_end_key(event)
        fits = e.TransferEnded if isinstance(turn.then, Transfer) else e.Digits | e.NoInput
        if not isinstance(event, fits) or not _fits(turn.then, event):
            return self._lack(_wants(turn))
        if isinstance(event, e.Digits):
            self.answered = self.live.token
        self._take()
        return event

    def _dropped(self, turn: Turn) -> bool:
        """The key was pressed ahead, and this question takes none such."""
        return self.left[0].ahead and not getattr(turn.then, "type_ahead", False)

    def _moves(self, late: Step) -> bool:
        """Whether a key that was an answer to an earlier turn moves the call."""
        if self.answered is None or late.event is None:
            return True
        return deliver(self.flow, self.live, self.answered, late.event)[0] != self.live

    def _on_record(self, about: str) -> e.Event | None:
        there = self.left and self.left[0].word == "record" and self.left[0].about == about
        return self._take().event if there else None

    def _served(self, operation: str) -> e.Event | None:
        if self.left and self.left[0].word == "service" and self.left[0].about == operation:
            return self._take().event
        return self._lack(f"what the service answers to {operation}")

    def _take(self) -> Step:
        step = self.left.pop(0)
        self.lines.append(str(step))
        return step

    def _lack(self, what: str) -> NoReturn:
        self.lines.append(f"{'needs':<10} {what}")
        raise _Lacking

    def _ended(self) -> None:
        handback = self.flow.turn(self.live.call).then
        assert isinstance(handback, Return)
        unused = handback.handback.unused_keys
        more = f", key {unused.reveal()} is for the host" if unused else ""
        self.lines.append(f"{'ends':<10} {handback.handback.disposition.value}{more}")


def _without_end_key(event: e.Digits) -> e.Digits:
    """Where no key ends the keys, `#` is one of them."""
    if event.ended is not e.Ended.END_KEY:
        return event
    return evolve(event, keys=secret.keys(f"{event.keys.reveal()}#"), ended=e.Ended.FULL)


def _wants(turn: Turn) -> str:
    """What a turn waits for, in words."""
    if isinstance(turn.then, Transfer):
        return "what became of the transfer, or a hang-up"
    one = isinstance(turn.then, Gather) and turn.then.max_keys == 1
    return f"{'one key' if one else 'keys, with # or a silence after them'}, silence, or a hang-up"


def _fits(then: object, event: e.Event) -> bool:
    """Whether a runtime can gather such keys: not too many, and the end told where too few."""
    if not isinstance(then, Gather) or not isinstance(event, e.Digits):
        return True
    keyed = len(event.keys)
    return keyed == then.max_keys or (keyed < then.max_keys and event.ended is not e.Ended.FULL)


def _heard(
    say: Iterable[Prompt], language: str | None, flow: Flow, words: Catalogue
) -> Iterator[str]:
    text = " ".join(said(say, language or flow.terms.policy.languages.default, words).split())
    if text:
        yield f"{'hears':<10} {text}"


def _replayed(transcript: Transcript, flow: Flow | None) -> _Replay:
    flow = flow or Flow(transcript.terms)
    happens = [step for step in transcript.steps if step.word not in ("hears", "ends")]
    begun = Live(flow.begin(transcript.arrival).call)
    replay = _Replay(flow, Catalogue.of(flow.terms.policy), happens, begun)
    replay.run()
    return replay


def replay(transcript: Transcript, flow: Flow | None = None) -> str:
    """The transcript as the call really goes.

    What happens is taken in order, for as long as it fits; where something is lacking, the last
    line begins with `needs`. `flow` stands in for the flow that the transcript itself names.
    """
    return _text(transcript.comments, transcript.headers, _replayed(transcript, flow).lines)


def _text(comments: Iterable[str], headers: Mapping[str, str], lines: Iterable[str]) -> str:
    top = [
        *(f"# {c}".rstrip() for c in comments),
        *(f"{f'{n}:':<10} {v}" for n, v in headers.items()),
    ]
    return "\n".join([*top, "", *lines, ""])


def differences(transcript: Transcript, flow: Flow | None = None) -> str:
    """What goes otherwise than the transcript says, as a unified diff; "" where nothing does.

    An answer that the call had no use for is named, as is one that it lacked.
    """
    done = _replayed(transcript, flow)
    written = _text(transcript.comments, transcript.headers, map(str, transcript.steps))
    really = _text(transcript.comments, transcript.headers, done.lines)
    name = str(transcript.path)
    diff = difflib.unified_diff(
        written.splitlines(), really.splitlines(), name, f"{name}, as it goes", lineterm=""
    )
    unused = [f"line {step.line}: never used: {step}" for step in done.left]
    return "\n".join([*diff, *unused])


def update(path: str | Path) -> bool:
    """Rewrites a transcript's `hears` and `ends` as the call really goes; whether it changed.

    Raises `TranscriptProblems` where an answer is left over or lacking: that needs a person.
    """
    transcript = read(path)
    done = _replayed(transcript, None)
    problems = [line for line in done.lines[-1:] if line.startswith("needs")]
    problems += [f"line {step.line}: never used: {step}" for step in done.left]
    if problems:
        raise TranscriptProblems(f"{path}: what happens in it does not fit the call", problems)
    text = _text(transcript.comments, transcript.headers, done.lines)
    changed = text != Path(path).read_text(encoding="utf-8")
    Path(path).write_text(text, encoding="utf-8")
    return changed


# ── counterexamples ──────────────────────────────────────────────────────────────────────


def of_counterexample(counterexample: "Counterexample", case: "Case") -> str:
    """A call in which something goes wrong, as a transcript, from where its walk began."""
    flow, words = Flow(case.terms), Catalogue.of(case.policy)
    first = counterexample.path[0].turn
    comments = [
        f"{counterexample.invariant}: {counterexample.problem}",
        f'In the case "{case.name}"; the walk began at {first.call.state.name}.',
    ]
    lines: list[str] = []
    for move in counterexample.path:
        if not move.turn.call.results.hung_up:
            lines += _heard(move.turn.say, move.turn.call.language, flow, words)
        lines.append(_told(move))
    last = counterexample.path[-1].next
    lines += _heard(last.say, last.call.language, flow, words)
    if isinstance(last.then, Return):
        lines.append(f"{'ends':<10} {last.then.handback.disposition.value}")
    return _text(comments, dict(_headers(case)), lines)


def _headers(case: "Case") -> Iterator[tuple[str, str]]:
    """What the host hands over in a case."""
    host = case.arrival
    yield "moment", host.moment.value
    yield "caller", host.ani.reveal() if host.ani else "unknown"
    if host.language:
        yield "language", host.language
    if host.account:
        yield "account", host.account.reveal()
    if host.identity is not Identity.NONE:
        yield "identity", host.identity.name.lower()
    if host.invoice_type:
        yield "invoice_type", host.invoice_type
    if host.payment:
        payer = next(handle for handle in CUSTOMERS if payment(handle).guid == host.payment.guid)
        yield "payment", payer if host.payment.approved else f"{payer} not approved"
    if host.person_available:
        yield "person", "yes"
    if host.intent is not Intent.ENROL:
        yield "intent", host.intent.value
    if case.lacking:
        yield "lacking", ", ".join(sorted(case.lacking))


def _told(move: "Move") -> str:
    """One move as a line."""
    event, request = move.event, move.turn.then
    name = type(request).__name__
    match event:
        case e.HungUp(by_host):
            return "host cancels" if by_host else "hangs up"
        case e.NoInput():
            return "silence"
        case e.Digits(pressed, ended, at):
            end = {e.Ended.END_KEY: "#", e.Ended.TIMEOUT: " then silence"}.get(ended, "")
            heard = f" at {at}" if at is not None else ""
            how = " again" if move.late else " ahead" if move.early else ""
            return f"{'presses':<10} {pressed.reveal()}{end}{heard}{how}"
        case e.TransferEnded(result):
            return f"{'transfer':<10} {result.value}"
    on_record = isinstance(request, requests.RecordRequest) or isinstance(
        event, e.RecordUnavailable
    )
    return f"{'record' if on_record else 'service':<10} {name}: {_answer(event)}"


def _answer(event: e.Event) -> str:
    """An answer of the service or of the record, in words."""
    match event:
        case e.CustomersFound(found):
            return ", ".join(map(_person, found)) or "nobody"
        case e.InvoiceChecked(exists):
            return "yes" if exists else "no"
        case e.Accepted():
            return "accepted"
        case e.Refused(reason):
            return f"refused {reason.value}"
        case e.OutcomeUnknown():
            return "unknown"
        case e.Screened(last, days) if last:
            return f"{last.value} {days} days ago"
        case e.Unavailable() | e.RecordUnavailable():
            return "unavailable"
    plain = {answer: says for answers in ANSWERS.values() for says, answer in answers.items()}
    return plain.get(event, "?")


def _person(found: e.Customer) -> str:
    """A customer by handle, with the bills that are not as they were at first."""
    handle = next((h for h, c in CUSTOMERS.items() if c.id == found.id), "?")
    first = CUSTOMERS[handle].invoices if handle in CUSTOMERS else ()
    names = {flags: name for name, flags in STATUSES.items()}
    changed = [
        f"{now.type} {names.get((now.paperless, now.pending), 'pending')}"
        for was, now in zip(first, found.invoices, strict=False)
        if was != now
    ]
    return f"{handle} ({', '.join(changed)})" if changed else handle
