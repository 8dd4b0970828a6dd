"""Whole calls through real parts: personal data appears nowhere."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import structlog
from attrs import define, evolve, field, fields, frozen
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from paperless_ivr import secret
from paperless_ivr.backends.connection import REFERENCE_CODES, Connection
from paperless_ivr.backends.soap.backend import SoapBackend
from paperless_ivr.cli.report import command as report
from paperless_ivr.cloudivr.database import prepare
from paperless_ivr.cloudivr.seed import Bill, Biller, Customer, Partner, Payment, Seed
from paperless_ivr.cloudivr.serving import running
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.errors import RecordDown
from paperless_ivr.flow.events import Digits, Ended, HungUp, TransferEnded, TransferResult
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Moment
from paperless_ivr.flow.policy import Address, Policy, Strategy, Text
from paperless_ivr.flow.requests import OPERATIONS
from paperless_ivr.flow.states import State
from paperless_ivr.flow.turns import Gather, Transfer
from paperless_ivr.flow.view import Terms
from paperless_ivr.keypad import EmailDecoder, on_keys
from paperless_ivr.prompts import Catalog, said
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.records.sql import Store, open_store
from paperless_ivr.records.vault import new_keys, vault
from paperless_ivr.transcripts import Scribe, differences, parse
from tests.backends.breakage import BREAKAGES, broken
from tests.counts import heavy
from tests.records.test_sql_privacy import dumped

POLICY = evolve(
    Policy(),
    address=Address(strategies=(Strategy.ON_FILE, Strategy.KEYPAD), email_required=True),
    text=Text(after_enrolment=(Moment.BEFORE_PAYMENT, Moment.AFTER_PAYMENT)),
)
SOON = [breakage for breakage in BREAKAGES if not breakage.late and breakage.only is None]
VAULT = vault(new_keys())

_DIGITS = st.text("0123456789", min_size=9, max_size=11).filter(lambda d: len(set(d)) > 3)
_SPELLED = st.text("abcdefghijklmnopqrstuvwxyz", min_size=7, max_size=11).map("zq{}".format)
_PHONES = st.integers(2_000_000, 9_999_999).map("+1212{}".format)


@frozen
class Person:
    """A customer with made-up values, and the keys they press."""

    account: str
    email: str
    other_email: str
    phone: str
    other_phone: str
    name: str
    key: str
    """The PartnerKey of the line that they call."""
    pressed: str
    """An account number that belongs to no one."""
    customer: str
    invoice: str

    def personal(self) -> dict[str, str]:
        """Return what must not appear, including numbers as keyed, and an address in clear text."""
        told = {one.name: getattr(self, one.name) for one in fields(Person)}
        keyed = {"phone": self.phone[2:], "other_phone": self.other_phone[2:]}
        pressed = on_keys(self.other_email)
        guess = EmailDecoder().refine(
            pressed, "", holder=self.name, on_file=f"{self.email}@example.com"
        )
        assert guess is not None
        return told | keyed | {"one press": pressed, "guess": guess.address}


_PEOPLE = st.builds(
    Person,
    account=_DIGITS,
    email=_SPELLED,
    other_email=_SPELLED,
    phone=_PHONES,
    other_phone=_PHONES,
    name=_SPELLED.map(lambda word: f"Pat {word}".title()),
    key=st.text("abcdef0123456789", min_size=24, max_size=32),
    pressed=_DIGITS,
    customer=st.integers(10_000_000, 99_999_999).map(str),
    invoice=_DIGITS,
).filter(lambda who: who.account != who.pressed and who.phone != who.other_phone)


def seed(who: Person) -> Seed:
    """Return the seed with a biller and one customer, for the reference service."""
    bill = Bill(
        secret.invoice(who.invoice),
        "WATER",
        Decimal("48.20"),
        date(2026, 12, 15),
        *[False] * 2,
        True,
        False,
    )
    email = secret.email(f"{who.email}@example.com")
    customer = Customer(
        handle="they",
        id=secret.customer(who.customer),
        account=secret.account(who.account),
        name=secret.name(who.name),
        email=email,
        phone=secret.phone(who.phone),
        landline=False,
        holder=None,
        bills=(bill,),
        payment=Payment(secret.payment("p-1"), bill.number, "WATER", email),
    )
    water = {"en": "water bill", "es": "factura del agua"}
    biller = Biller(
        "b", "Water", "b-guid", frozenset({"paperless"}), 2, {"WATER": water}, (customer,)
    )
    return Seed((Partner("line", "p-guid", who.key, ("b",)),), (biller,))


@define(repr=False)
class Caller:
    """A gateway whose caller keys a number of no one, then everything they have, and says yes."""

    who: Person
    breaks_at: int | None = None
    """The turn at which the channel breaks, raising an error with the caller's values."""
    heard: list[str] = field(factory=list)
    _keyed: dict[State, int] = field(factory=dict)

    def perform(self, turn, language):
        """Speak a turn, and answer it."""
        self.heard.append(said(turn.say, language, Catalog.of(POLICY)))
        if len(self.heard) == self.breaks_at:
            raise RuntimeError(*self.who.personal().values())
        if isinstance(turn.then, Transfer):
            return TransferEnded(TransferResult.ANSWERED)
        return self._keys(turn.call.state) if isinstance(turn.then, Gather) else None

    def _keys(self, state):
        times = self._keyed[state] = self._keyed.get(state, -1) + 1
        who = self.who
        answers = {
            State.IDENTITY_CHECK: ["0000", "9999"],
            State.ACCOUNT_ENTRY: [who.pressed, who.account],
            State.CONFIRMATION: ["3", "1"],
            State.EMAIL_LOCAL: [on_keys(who.other_email)],
            State.TEXT_CONSENT: ["3", "1"],
            State.PHONE_CAPTURE: [who.other_phone[2:]],
        }.get(state, ["1"])
        if times > 20:
            return HungUp()
        keyed = answers[min(times, len(answers) - 1)]
        ended = Ended.FULL if len(keyed) in (1, 4) else Ended.END_KEY
        return Digits(secret.keys(keyed), ended)


@define(repr=False)
class Flaky:
    """A back end or a record that raises the caller's values, from one use on."""

    inner: object
    who: Person
    fails_at: int
    error: type
    used: int = 0

    def __getattr__(self, name):
        there = getattr(self.inner, name)
        if not callable(there):
            return there

        def use(*arguments):
            self.used += 1
            if self.used >= self.fails_at:
                raise self.error(*self.who.personal().values(), *arguments)
            return there(*arguments)

        return use


ANY_DIGITS = {"created", "msecs", "relativeCreated", "process", "thread"}
"""What a log record has of clocks and of the system: among thousands of such numbers, some digits
are those of a made-up value."""


@contextmanager
def listened() -> Iterator[list[str]]:
    """Collect everything logged in the meantime, by anyone, at every level."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record):
            held = {name: record.__dict__[name] for name in record.__dict__.keys() - ANY_DIGITS}
            lines.append(f"{self.format(record)} {record.args!r} {held!r}")

    root, handler = logging.getLogger(), Handler()
    before = {name: logging.getLogger(name).level for name in ("", "zeep", "sqlalchemy", "urllib3")}
    for name in before:
        logging.getLogger(name or None).setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        with structlog.testing.capture_logs() as events:
            yield lines
            lines += map(repr, events)
    finally:
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name or None).setLevel(level)


FAULTS = ("none", "service", "back end", "record", "gateway", "database")
"""The part that fails in a call."""


@frozen
class Scene:
    """A completed call: how it ended, and everything visible about it."""

    ended: Disposition
    seen: dict[str, str | bytes]
    caller: Caller


def inside(error: BaseException) -> list[str]:
    """Return its traceback with all locals, from where this file made the call."""
    beyond = error.__traceback__.tb_next if error.__traceback__ else None
    told = traceback.TracebackException(type(error), error, beyond, capture_locals=True)
    return list(told.format())


def reported(url: str) -> list[str]:
    """Return the report of a record, in every form."""
    told = []
    for form in ("table", "csv", "json"):
        arguments = ["--database", url, "--by", "moment,language,day", "--format", form]
        done = CliRunner().invoke(report, arguments)
        assert done.exit_code == 0, done.output
        told.append(done.output)
    return told


def hold(who: Person, fault: str, at: int, breakage) -> Scene:
    """Run a call in which something fails."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        service = stack.enter_context(running(seed=False))
        prepare(service.engine, seed(who))
        logged = stack.enter_context(listened())
        store: Store = stack.enter_context(open_store(f"sqlite:///{folder}/r.db", VAULT, 30.0))
        address = service.endpoint
        if fault == "service":
            address = stack.enter_context(broken(breakage, address))
        backend = SoapBackend(
            Connection(
                address,
                "b-guid",
                "p-guid",
                partner_key=secret.credential(who.key),
                codes=REFERENCE_CODES,
            )
        )
        record = Flaky(store.record, who, at, RecordDown) if fault == "record" else store.record
        used = Flaky(backend, who, at, RuntimeError) if fault == "back end" else backend
        flow, written, dumps = Flow(Terms(POLICY, OPERATIONS)), [], []
        scribe = Scribe(flow, lambda _, transcript: written.append(transcript))
        caller = Caller(who, at if fault == "gateway" else None)

        def moved(move):
            dumps.append(dumped(store) if fault != "database" else b"")
            if fault == "database" and len(dumps) == at:
                store.database.write(lambda c: c.execute(text("DROP TABLE writes")))
            scribe.moved(move)

        kept = store if record is store.record else SeparateStores(record, store.calls)
        driver = Driver(Setup(flow, Catalog.of(POLICY), used, kept, observers=(moved,)))
        arrival = Arrival(
            "call-1", "b", Moment.BEFORE_PAYMENT, ani=secret.phone(who.phone), language="en-US"
        )
        back = driver.converse(caller, arrival)
        parts = (driver, flow, backend, store.record, store.calls, back, arrival, scribe)
        shown = [form(part) for part in parts for form in (repr, str, ascii)]
        for failing in (lambda: store.calls.load("no"), lambda: store.record.settle("no", back)):
            try:
                failing()
            except Exception as error:  # noqa: BLE001
                shown += [str(error), *inside(error)]
        (transcript,) = written
        assert differences(parse(transcript), flow) == ""
        left = b"" if fault == "database" else dumped(store)
        reports = [] if fault == "database" else reported(f"sqlite:///{folder}/r.db")
    seen = {
        "log": "\n".join(logged),
        "repr": "\n".join(shown),
        "transcript": transcript,
        "database": b"".join((*dumps, left)),
        "report": "\n".join(reports),
    }
    return Scene(back.disposition, seen, caller)


@pytest.mark.prove
@pytest.mark.requirement("R24")
@settings(deadline=None, max_examples=heavy(8, 25), phases=[Phase.reuse, Phase.generate])
@given(_PEOPLE, st.sampled_from(FAULTS), st.integers(2, 14), st.sampled_from(SOON))
def test_nothing_personal_is_seen(who: Person, fault: str, at: int, breakage: object) -> None:
    """No log, repr, error, transcript, or database of a whole call has it, whatever fails."""
    scene = hold(who, fault, at, breakage)

    for where, shown in scene.seen.items():
        for name, value in who.personal().items():
            told = value.encode() if isinstance(shown, bytes) else value
            assert told not in shown, f"{name} is in the {where}, where the {fault} fails"


WHO = Person(
    "204811379", "zqsomebody", "zqsomeother", "+12125550101", "+12125550102", "Pat Zqsome",
    "demo-key-that-nobody-knows", "998877665", "77665544", "5544332211",
)  # fmt: skip


def test_the_call_holds_all_of_it() -> None:
    """If nothing fails, the caller enrolls, and every value was really used on the way."""
    scene = hold(WHO, "none", 0, None)

    assert scene.ended is Disposition.ENROLLED
    heard = " ".join(scene.caller.heard)
    for state in (State.ACCOUNT_ENTRY, State.EMAIL_LOCAL, State.PHONE_CAPTURE, State.TEXT_CONSENT):
        assert scene.caller._keyed[state] >= 0
    assert "call.moved" in scene.seen["log"]
    assert "sqlalchemy" in scene.seen["log"]
    assert b"consented" in scene.seen["database"]
    assert "before_payment" in scene.seen["report"]
    assert "We couldn't find account 9 9 8, 8 7 7, 6 6 5" in heard
