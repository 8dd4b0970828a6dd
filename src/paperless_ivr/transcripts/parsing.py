"""Reads transcripts."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from attrs import evolve

from paperless_ivr import secret
from paperless_ivr.backends.demo import demo_policy
from paperless_ivr.errors import HostProblems, PolicyProblems, TranscriptProblems
from paperless_ivr.flow import events as e
from paperless_ivr.flow.host import Arrival, Disposition, Payment
from paperless_ivr.flow.host_strings import arrival_from_strings, arrival_to_strings
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts.policies import load_policy
from paperless_ivr.transcripts.form import (
    ANSWERS,
    ENDED_BY,
    HEADERS,
    STATUSES,
    Step,
    Transcript,
)
from paperless_ivr.transcripts.people import HEADER, People

T = TypeVar("T")

DEMO = "demo"
"""The value of a `policy` header that stands for the command line's default policy."""


def read(path: str | Path) -> Transcript:
    """Return the transcript in a file. Raises `TranscriptProblems`, which lists all problems."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TranscriptProblems(_title(path), [f"cannot be read: {error}"]) from error
    return parse(text, path)


def parse(text: str, path: str | Path = "transcript") -> Transcript:
    """Parse the text of a transcript, as if read from the file at `path`."""
    comments: list[str] = []
    headers: dict[str, str] = {}
    body: list[Step] = []
    problems: list[str] = []
    where: dict[str, int] = {}
    people = People({})
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if not line.strip():
                continue
            if line.startswith("#"):
                if headers or body:
                    raise ValueError("comments must come before everything else")
                comments.append(line[1:].strip())
            elif found := re.fullmatch(r"([a-z_]+(?: \w+)?):\s+(.+)", line.rstrip()):
                name, value = found.groups()
                if body or name in headers:
                    raise ValueError(f"{name}: must occur only once, and before the call")
                headers[name], where[name] = value, number
                if name.startswith(HEADER):
                    people.describe(name.removeprefix(HEADER), value)
            else:
                body.append(_step(number, line, people))
        except (ValueError, LookupError) as error:
            problems.append(f"line {number}: {_says(error)}")
    terms, arrival = _handed_over(headers, where, Path(path), problems, people)
    if not body and not problems:
        problems.append("it contains no call")
    if problems:
        raise TranscriptProblems(_title(path), problems)
    return Transcript(Path(path), tuple(comments), headers, tuple(body), arrival, terms)


def _title(path: str | Path) -> str:
    return f"{path}: this transcript cannot be used"


def _says(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)


def _known(name: str, known: Mapping[str, T]) -> T:
    """Return the value for a name. Raises ValueError, with the valid names, if there is none."""
    if name not in known:
        raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    return known[name]


def _handed_over(
    headers: Mapping[str, str],
    where: Mapping[str, int],
    path: Path,
    problems: list[str],
    people: People,
) -> tuple[Terms, Arrival]:
    """Return the terms and the arrival that the headers describe."""
    policy, lacking = Policy(), frozenset[str]()
    strings: dict[str, str] = {}
    payment: Payment | None = None
    for name, value in headers.items():
        try:
            match name:
                case "policy":
                    policy = _policy(value, path)
                case "lacking":
                    names = {operation: operation for operation in sorted(OPERATIONS)}
                    lacking = frozenset(_known(part.strip(), names) for part in value.split(","))
                case "caller":
                    strings["ani"] = _caller(value, people)
                case "account":
                    strings["account"] = _account(value, people)
                case "payment":
                    payment = people.payment(value)
                case _ if not name.startswith(HEADER):
                    strings[_known(name, HEADERS)] = value
        except PolicyProblems as error:
            problems += [f"line {where[name]}: {problem}" for problem in error.problems]
        except (ValueError, LookupError) as error:
            problems.append(f"line {where[name]}: {_says(error)}")
    arrival = Arrival("transcript", policy.biller.id)
    try:
        arrival = arrival_from_strings(arrival_to_strings(arrival) | strings)
    except HostProblems as error:
        headers_of = {field: header for header, field in HEADERS.items()}
        for problem in error.problems:
            field, _, what = problem.partition(": ")
            problems.append(f"line {where[headers_of[field]]}: {headers_of[field]}: {what}")
    return Terms(policy, OPERATIONS - lacking), evolve(arrival, payment=payment)


def _policy(name: str, transcript: Path) -> Policy:
    """Return the policy at a path.

    The path can be relative to the current folder or to any folder above the transcript.
    """
    if name == DEMO:
        return demo_policy()
    around = [Path(), *transcript.resolve().parents]
    there = next((folder / name for folder in around if (folder / name).is_file()), Path(name))
    return load_policy(there)


def _caller(value: str, people: People) -> str:
    """Return the number in a header, given with a + or as a handle. Empty if it is unknown."""
    if value == "unknown" or value.startswith("+"):
        return value.removeprefix("unknown")
    phone = people.customer(value).phone
    return phone.reveal() if phone else ""


def _account(value: str, people: People) -> str:
    """Return the account number in a header, given as a number or as a handle without digits."""
    number = any(character.isdecimal() for character in value)
    return value if number else people.customer(value).account.reveal()


PRESSES = re.compile(r"([0-9*]*#?)( then silence)?(?: at (\d+))?(?: (ahead|again))?")
RESULTS = {result.value: result for result in e.TransferResult}
ENDERS = {words: by for by, words in ENDED_BY.items()}
REFUSALS = {refusal.value: refusal for refusal in e.Refusal}
READS = ("SearchByAccountNumber", "SearchByCustomerPhoneNumber")
RECORD = ("Screen", "ReserveTry", "DeferRequest")
RENAMED = {"KeepWish": "DeferRequest"}
"""The current names of requests, by their names in transcripts from earlier versions."""


def _step(number: int, line: str, people: People) -> Step:
    """Return one line of the call. Raises ValueError or LookupError if the line is not valid."""
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
        case _ if f"{word} {rest}" in ENDERS:
            return Step(number, f"{word} {rest}", event=e.HungUp(ENDERS[f"{word} {rest}"]))
        case "transfer", _:
            return evolve(step, event=e.TransferEnded(_known(rest, RESULTS)))
        case "service" | "record", _:
            about, _, says = (part.strip() for part in rest.partition(":"))
            about = RENAMED.get(about, about)
            if word == "record":
                return evolve(step, about=about, event=_record(about, says))
            return evolve(step, about=about, event=_service(about, says, people))
    raise ValueError(f"{line.strip()!r} is not a valid line of a call")


def _presses(step: Step) -> Step:
    found = PRESSES.fullmatch(step.rest)
    if not found or not found[1] or (found[2] and found[1].endswith("#")):
        raise ValueError(
            f"{step.rest!r}: expected keys, as in 1, 2048#, '12 then silence', '1 at 0', '1 again'"
        )
    pressed, paused, at, how = found.groups()
    ended = e.Ended.TIMEOUT if paused else e.Ended.FULL
    ended = e.Ended.END_KEY if pressed.endswith("#") else ended
    digits = e.Digits(secret.keys(pressed.rstrip("#")), ended, int(at) if at else None)
    return evolve(step, event=digits, ahead=how == "ahead", again=how == "again")


def _service(operation: str, says: str, people: People) -> e.Event:
    """Return the service's answer."""
    _known(operation, {name: name for name in sorted(OPERATIONS)})
    outcomes: dict[str, e.Event] = {"unavailable": e.Unavailable(), "unknown": e.OutcomeUnknown()}
    outcomes |= {f"refused {name}": e.Refused(refusal) for name, refusal in REFUSALS.items()}
    if operation in READS and says not in outcomes:
        return e.CustomersFound(tuple(_customers(says, people)))
    if operation == "InvoiceExists":
        outcomes |= {"yes": e.InvoiceChecked(True), "no": e.InvoiceChecked(False)}
    elif operation not in READS:
        outcomes |= {"accepted": e.Accepted()}
    return _known(says, outcomes)


def _customers(says: str, people: People) -> Iterator[e.Customer]:
    """Yield customers by handle, with any changes to the initial status of their bills."""
    if says == "nobody":
        return
    for part in re.split(r",\s*(?![^(]*\))", says):
        found = re.fullmatch(r"([\w-]+)(?: \((.+)\))?", part)
        if not found:
            raise ValueError(
                f"{part!r}: expected a handle, such as rivera or 'rivera (WATER pending)'"
            )
        person = people.customer(found[1])
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


def _record(about: str, says: str) -> e.Event:
    """Return the record's answer. For a write, this is the reason it must not be sent."""
    if says == "unavailable" and about in (*RECORD, *OPERATIONS):
        return e.RecordUnavailable()
    if about == "Screen" and says.endswith((" ago", " in this call")):
        return _screened(says)
    if about in OPERATIONS:
        return _known(says, {f"refused {n}": e.Refused(refusal) for n, refusal in REFUSALS.items()})
    return _known(says, _known(about, ANSWERS))


def _screened(says: str) -> e.Screened:
    """Return how an earlier call and the earlier hand-overs in this call ended.

    The two parts of the text are separated by `; `.
    """
    known = {disposition.value: disposition for disposition in Disposition}
    screened = e.Screened()
    for part in says.split("; "):
        if found := re.fullmatch(r"(\w+) (\d+) days? ago", part):
            screened = evolve(screened, last=_known(found[1], known), days=int(found[2]))
        else:
            names = part.removesuffix(" in this call").split(", ")
            in_this_call = tuple(_known(name, known) for name in names)
            screened = evolve(screened, in_this_call=in_this_call)
    return screened
