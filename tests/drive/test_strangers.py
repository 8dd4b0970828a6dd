"""How far strangers get in a day by guessing, walking, and pumping (R17, R47)."""

import io
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import define, evolve, field, frozen

from paperless_ivr import secret
from paperless_ivr.backends.demo import customer, payment, springfield
from paperless_ivr.backends.memory import Books, Fault, MemoryBackend
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.events import (
    Customer,
    Digits,
    Ended,
    HungUp,
    Invoice,
    Unavailable,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Disposition, Identity, Moment, Payment, Reason
from paperless_ivr.flow.policy import Policy, Text
from paperless_ivr.flow.requests import SearchByAccountNumber
from paperless_ivr.flow.turns import Gather
from paperless_ivr.flow.view import Terms
from paperless_ivr.gateways.terminal import TerminalGateway, tokens
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import ActivityType
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.secret import keys
from tests.drive.test_loops import ARRIVAL, CATALOG

pytestmark = pytest.mark.requirement("R17", "R47")

LANDLORD = secret.phone("+12175550190")
POLICY = evolve(Policy(), offer=evolve(Policy().offer, again_after_days={}))
"""The defaults, except that a caller is asked in every call."""


def tenants(count):
    """Return one landlord's customers, who all have the landlord's number on file."""
    return Books(
        tuple(
            Customer(
                id=secret.customer(str(n)),
                account=secret.account(f"7770{n:04}"),
                invoices=(Invoice(secret.invoice(f"9{n:06}"), "WATER", paperless=False),),
                email=secret.email(f"tenant{n}@example.com"),
                phone=LANDLORD,
            )
            for n in range(count)
        )
    )


@frozen
class Stranger:
    """Keys whatever a function returns for each question, and hangs up if it returns nothing."""

    answers: object
    asked: list[str] = field(factory=list)

    def perform(self, turn, _):
        """Hear a turn, and answer it."""
        if not isinstance(turn.then, Gather):
            return None
        self.asked.append(turn.say[-1].name if turn.say else "")
        pressed = self.answers([prompt.name for prompt in turn.say])
        if pressed is None:
            return HungUp()
        ended = Ended.END_KEY if pressed.endswith("#") else Ended.FULL
        return Digits(keys(pressed.rstrip("#")), ended)


def line(backend, policy=POLICY, record=None):
    """Return a driver and its record."""
    record = record or MemoryRecord(lambda: datetime.now(UTC))
    store = SeparateStores(record, MemoryLiveCalls())
    return Driver(Setup(Flow(Terms(policy)), CATALOG, backend, store)), record


def keying(**by_prompt):
    """Return a function that answers prompts: with a text, or with the next of several."""
    left = {
        name: iter(given if isinstance(given, list) else [given] * 99)
        for name, given in by_prompt.items()
    }

    def answer(names):
        for name in names:
            if name in left:
                return next(left[name], None)
        return None

    return answer


def test_last_four_among_many_accounts():
    """With five hundred customers on one number, no four digits identify anyone."""
    driver, _ = line(MemoryBackend(tenants(500)))
    stranger = Stranger(keying(offer="1", last_four="0042#", confirm_on_file="2"))

    back = driver.converse(stranger, evolve(ARRIVAL, ani=LANDLORD))

    assert back.identity < Identity.ACCOUNT_KEYED
    assert "last_four" not in stranger.asked


def test_guesses_of_parallel_calls_count():
    """Calls that wait at the question in parallel have no more tries than consecutive ones."""
    driver, _ = line(springfield())
    calls, there, everyone, guesses = 40, set(), threading.Event(), []

    def arrives(number):
        there.add(number)
        if len(there) == calls:
            everyone.set()

    def call(number):
        def answer(names):
            if "offer" in names:
                return "1"
            arrives(number)
            assert everyone.wait(30)
            if "last_four" not in names:
                return None
            guesses.append(number)
            return "0000#"

        driver.converse(Stranger(answer), evolve(ARRIVAL, call_id=f"c{number}"))
        arrives(number)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(guesses) == 6


def test_account_numbers_cannot_be_walked():
    """Twenty calls with a withheld number cannot try three account numbers each."""
    driver, _ = line(springfield())
    asked = 0
    for call in range(20):
        stranger = Stranger(
            keying(offer="1", account_entry=[f"8{call:03}{n:03}#" for n in range(3)])
        )
        driver.converse(stranger, evolve(ARRIVAL, call_id=f"c{call}", ani=None))
        asked += stranger.asked.count("account_entry")

    assert 0 < asked <= 30


def test_a_found_account_costs_a_try_too():
    """A dense range of account numbers cannot be enumerated: a hit alone gives no try back."""
    driver, _ = line(MemoryBackend(tenants(500)))
    hits = 0
    for call in range(60):
        stranger = Stranger(keying(offer="1", account_entry=f"7770{call:04}#"))
        driver.converse(stranger, evolve(ARRIVAL, call_id=f"c{call}", ani=None))
        hits += "confirm_on_file" in stranger.asked or "option_other_address" in stranger.asked

    assert 0 < hits <= 30


def test_texts_to_strangers_numbers():
    """With just an account number, no one gets a text to a number of their own, wherever it is."""
    backend = springfield()
    driver, record = line(backend)
    chen = customer("chen").account.reveal()
    for call in range(20):
        stranger = Stranger(
            keying(
                offer="1",
                account_entry=f"{chen}#",
                text_rates=["3", "1"],
                phone_entry=f"87655501{call:02}#",
                phone_readback="1",
                confirm_link="1",
            )
        )
        driver.converse(stranger, evolve(ARRIVAL, call_id=f"c{call}", ani=None))

    assert backend.texts == ()
    assert all(line.what is not ActivityType.SENT for line in record.activities)


def pressing(script, arrival, backend):
    """Return how a call with these keys ends."""
    driver, _ = line(backend)
    gateway = TerminalGateway(CATALOG, io.StringIO(), None, tokens(script))
    return driver.converse(gateway, arrival)


def test_a_payment_vouches_for_its_payer_alone():
    """Paying one bill does not allow redirecting another customer's bills."""
    backend = springfield()
    paid = Payment(secret.payment("g"), True, account=customer("weber").account)
    arrival = evolve(
        ARRIVAL,
        moment=Moment.AFTER_PAYMENT,
        account=customer("rivera").account,
        identity=Identity.ACCOUNT_KEYED,
        payment=paid,
        invoice_type="WATER",
        ani=None,
    )

    pressing("3 2 5372# 1 1 1", arrival, backend)

    assert backend.emails == ()


def test_a_declined_payment_brings_no_address():
    """The e-mail address of a payment that was not approved belongs to no one."""
    backend = springfield()
    paid = Payment(
        payment("rivera").guid,
        False,
        email=secret.email("thief@example.com"),
        account=customer("rivera").account,
    )
    arrival = evolve(
        ARRIVAL,
        moment=Moment.BEFORE_PAYMENT,
        account=customer("rivera").account,
        identity=Identity.ACCOUNT_KEYED,
        payment=paid,
        invoice_type="WATER",
    )

    pressing("1 1", arrival, backend)

    assert [sent.to for sent in backend.emails] == [customer("rivera").email]


def test_the_second_fact_is_not_read_out():
    """The digits that prove who is calling are not said to a caller who must still prove it."""
    backend, said = springfield(), io.StringIO()
    driver, _ = line(backend, evolve(POLICY, text=Text(after_enrolment=(ARRIVAL.moment,))))
    rivera = customer("rivera").account.reveal()
    gateway = TerminalGateway(CATALOG, said, None, tokens(f"1 {rivera}# 1 3"))

    driver.converse(gateway, evolve(ARRIVAL, ani=None))

    assert "the phone number on file" in said.getvalue()
    assert "0 1 0 1" not in said.getvalue()


@pytest.mark.parametrize("ani", [None, secret.phone("+12065550142")])
def test_an_address_of_the_callers_own(ani):
    """A stranger with an account number cannot redirect the bills to a keyed address."""
    backend = springfield()
    driver, _ = line(backend)
    rivera = customer("rivera").account.reveal()
    stranger = Stranger(
        keying(
            offer="1",
            account_entry=f"{rivera}#",
            phone_check="0000#",
            text_rates="2",
            confirm_on_file="3",
            email_local="57#",
            email_domain="1",
            readback="1",
            confirm_keyed="1",
        )
    )

    back = driver.converse(stranger, evolve(ARRIVAL, ani=ani))

    assert backend.emails == ()
    assert back.disposition is not Disposition.ENROLLED


@pytest.mark.parametrize("accounts", [1, 3])
def test_odds_of_a_stranger(accounts):
    """Forging the caller ID of a few accounts gets past the last four digits as rarely as stated.

    Each guess is compared with every account that was found. The number of guesses a day is counted
    in calls, and agrees with the limits.
    """
    driver, _ = line(MemoryBackend(tenants(accounts)))
    guesses = []

    def answer(names):
        if "last_four" in names:
            guesses.append(names)
            return "9999#"
        return "1" if "offer" in names else None

    for call in range(20):
        driver.converse(Stranger(answer), evolve(ARRIVAL, call_id=f"c{call}", ani=LANDLORD))
    hits = accounts / 10_000
    day, window = POLICY.limits.tries_per_account
    chance, longer = (100 * (1 - (1 - hits) ** tries) for tries in (len(guesses), window))

    assert len(guesses) == day
    if accounts == POLICY.proof.last_four_accounts:
        said = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
        assert f"on {chance:.2f}% of days: {day} tries" in said
        assert f"Over {POLICY.limits.window_days} days that is {longer:.1f}%" in said
        assert f"each with a chance of {accounts} " in said


def test_reaching_a_limit_is_on_record_and_heard():
    """A limit that is reached is noted by name, and the caller is told, but not transferred."""
    driver, record = line(springfield())
    for call in range(4):
        stranger = Stranger(
            keying(offer="1", account_entry=[f"9{call}00000{n}#" for n in range(3)])
        )
        back = driver.converse(stranger, evolve(ARRIVAL, call_id=f"c{call}", ani=None))
    for call in range(30):
        stranger = Stranger(keying(offer="1", account_entry="99999999#"))
        back = driver.converse(stranger, evolve(ARRIVAL, call_id=f"d{call}", ani=None))

    limited = [a.detail["limit"] for a in record.activities if a.what is ActivityType.LIMITED]
    assert set(limited) == {"tries_without_ani"}
    assert (back.disposition, back.reason) == (Disposition.NOT_IDENTIFIED, Reason.LIMIT_REACHED)


def test_a_customer_costs_no_tries():
    """Callers who know the last four digits may call as often as they like."""
    driver, _ = line(springfield())
    for call in range(15):
        caller = Stranger(keying(offer="1", last_four="1137#", confirm_on_file="2"))
        back = driver.converse(caller, evolve(ARRIVAL, call_id=f"c{call}"))
        assert back.disposition is Disposition.DECLINED


# ── what is handed back, and handed over again ──


def keys_an_address(**by_prompt):
    """Run a call whose caller wants the bills at an address that they key."""
    return Stranger(
        keying(
            offer="1",
            text_rates="2",
            offer_in_full="3",
            confirm_on_file="3",
            email_local="57#",
            email_domain="1",
            readback="1",
            confirm_keyed="1",
            **by_prompt,
        )
    )


def test_the_last_four_are_no_whole_number_later_either():
    """A caller found by caller ID must prove the whole number at each hand-over."""
    backend = springfield()
    driver, _ = line(backend)
    first = driver.converse(
        Stranger(keying(offer="1", last_four="1137#", confirm_on_file="2")), ARRIVAL
    )
    again = evolve(ARRIVAL, call_id="c2", account=first.account, identity=first.identity)
    stranger = keys_an_address(number_check="99999999#")

    driver.converse(stranger, again)

    assert "number_check" in stranger.asked
    assert "last_four" not in stranger.asked
    assert backend.emails == ()


def test_the_whole_number_counts_later():
    """Once the whole number was keyed for an address, the next hand-over does not ask for it."""
    driver, _ = line(springfield())
    rivera = customer("rivera").account.reveal()
    caller = Stranger(
        keying(
            offer="1",
            last_four="1137#",
            confirm_on_file="3",
            text_rates="2",
            number_check=f"{rivera}#",
        )
    )
    first = driver.converse(caller, ARRIVAL)
    second = keys_an_address()

    again = evolve(ARRIVAL, call_id="c2", account=first.account, identity=first.identity)

    back = driver.converse(second, again)

    assert "number_check" in caller.asked
    assert "number_check" not in second.asked
    assert back.disposition is Disposition.ENROLLED


@pytest.mark.parametrize(
    ("handed_over", "shown"),
    [(Identity.NONE, "last_four"), (Identity.VERIFIED, "account_entry")],
)
def test_another_account_is_not_handed_back_as_shown(handed_over, shown):
    """Proof for the caller's own account says nothing about the one that the host named."""
    driver, _ = line(springfield())
    theirs, own = customer("rivera").account, customer("novak").account
    account = theirs if shown == "last_four" else None
    caller = Stranger(keying(offer="1", last_four="0000#", account_entry=f"{own.reveal()}#"))

    back = driver.converse(caller, evolve(ARRIVAL, ani=None, account=account, identity=handed_over))

    assert shown in caller.asked
    assert back.account == own
    assert back.identity is Identity.ACCOUNT_KEYED


def test_who_the_host_knows_is_not_who_has_the_number_that_is_keyed():
    """A keyed number is not verified, even if the host has verified someone."""
    backend = springfield()
    backend.script("SearchByAccountNumber", Fault.DOWN)
    driver, _ = line(backend)
    rivera = customer("rivera").account
    first = driver.converse(
        Stranger(keying(offer="1", account_entry=f"{rivera.reveal()}#")),
        evolve(ARRIVAL, ani=None, identity=Identity.VERIFIED),
    )

    driver.converse(
        keys_an_address(),
        evolve(ARRIVAL, call_id="c2", ani=None, account=first.account, identity=first.identity),
    )

    assert backend.emails == ()


# ── numbers that were keyed at the host ──


@define
class Watched:
    """A service that notes the account numbers in searches."""

    backend: MemoryBackend
    searched: list[str] = field(factory=list)
    down: Unavailable | None = None
    """The answer to every search while the service is down."""

    @property
    def operations(self):
        """The operations of the service."""
        return self.backend.operations

    def answer(self, request, budget):
        """Answer, and take a note."""
        if not isinstance(request, SearchByAccountNumber):
            return self.backend.answer(request, budget)
        if self.down:
            return self.down
        self.searched.append(request.account.reveal())
        return self.backend.answer(request, budget)


@pytest.mark.parametrize(("identity", "most"), [(Identity.NONE, 15), (Identity.ACCOUNT_KEYED, 30)])
def test_the_host_cannot_be_used_to_walk_either(identity, most):
    """Numbers that a caller without caller ID keyed at the host's own question are counted."""
    service = Watched(MemoryBackend(tenants(200)))
    driver, _ = line(service)
    ends = []
    for call in range(60):
        account = secret.account(f"7770{call:04}")
        arrival = evolve(ARRIVAL, call_id=f"c{call}", ani=None, account=account, identity=identity)
        ends.append(driver.converse(Stranger(keying(offer="1")), arrival))

    assert len(service.searched) == most
    assert ends[-1].reason is Reason.LIMIT_REACHED


def test_a_number_that_the_host_keyed_is_not_free_for_who_has_one():
    """Calling from one's own phone does not give back tries at other numbers."""
    service = Watched(springfield())
    driver, _ = line(service)
    own = customer("rivera").account.reveal()
    for call in range(20):
        arrival = evolve(ARRIVAL, call_id=f"c{call}", account=secret.account(f"7770{call:04}"))
        stranger = Stranger(keying(offer="1", account_entry=f"{own}#", confirm_on_file="2"))
        driver.converse(stranger, arrival)

    assert len([number for number in service.searched if number != own]) == 10


@pytest.mark.parametrize("vouched", [True, False], ids=["by the host", "by a payment"])
def test_who_the_host_vouches_for_costs_no_try(vouched):
    """Handing over a verified caller, or an approved payment, is not a guess."""
    service = Watched(springfield())
    driver, _ = line(service)
    who = customer("rivera")
    known = {"identity": Identity.VERIFIED} if vouched else {"payment": payment("rivera")}
    for call in range(40):
        arrival = evolve(ARRIVAL, call_id=f"c{call}", ani=None, account=who.account, **known)
        driver.converse(Stranger(keying(offer="1", confirm_on_file="2")), arrival)

    assert len(service.searched) == 40


def test_an_owner_whose_number_the_host_keyed_costs_no_tries():
    """Calling from the phone on file, or the right last four digits, give the try back."""
    service = Watched(springfield())
    driver, _ = line(service)
    who = customer("rivera")
    for call in range(40):
        keyed = call % 2
        arrival = evolve(
            ARRIVAL,
            call_id=f"c{call}",
            ani=who.phone if keyed else None,
            account=who.account,
            identity=Identity.ACCOUNT_KEYED if keyed else Identity.NONE,
        )
        driver.converse(
            Stranger(keying(offer="1", last_four="1137#", confirm_on_file="2")), arrival
        )

    assert len(service.searched) == 40


# ── tries of calls with the same name ──


@pytest.mark.parametrize("handover", ["", "h1"])
def test_live_calls_of_one_name_count_all(handover):
    """Live calls to which the host gives the same names have all of their tries counted."""
    driver, _ = line(springfield())
    arrival = evolve(ARRIVAL, handover=handover)
    guesses = []

    def answer(names):
        if "last_four" not in names:
            return "1" if "offer" in names else None
        guesses.append(names)
        if len(guesses) < 20:
            driver.converse(Stranger(answer), arrival)  # in the meantime, under the same names
        return "0000#"

    driver.converse(Stranger(answer), arrival)

    assert len(guesses) == 6


# ── the service is down ──


@pytest.mark.parametrize("handed_over", [False, True], ids=["keyed", "by the host"])
def test_an_outage_costs_no_tries(handed_over):
    """A search that got no answer revealed nothing, so its try is given back."""
    service = Watched(springfield(), down=Unavailable())
    driver, record = line(service)
    rivera = customer("rivera").account
    for call in range(41):
        service.down = Unavailable() if call < 40 else None
        stranger = Stranger(keying(offer="1", account_entry=f"{rivera.reveal()}#"))
        account = rivera if handed_over else None
        driver.converse(stranger, evolve(ARRIVAL, call_id=f"c{call}", ani=None, account=account))

    assert service.searched == [rivera.reveal()]
    assert all(line.what is not ActivityType.LIMITED for line in record.activities)
    assert sum(line.what is ActivityType.MATCHED for line in record.activities) == 0


def test_what_is_no_answer_may_tell_something():
    """A service that breaks for unknown or known numbers cannot be enumerated for free."""
    service = Watched(springfield(), down=Unavailable(answered=True))
    driver, _ = line(service)
    for call in range(40):
        stranger = Stranger(keying(offer="1", account_entry=f"9000{call:03}#"))
        back = driver.converse(stranger, evolve(ARRIVAL, call_id=f"c{call}", ani=None))

    assert back.reason is Reason.LIMIT_REACHED


def test_an_outage_gives_no_other_try_back():
    """Misses before a search that got no answer stay counted."""
    service = Watched(springfield())
    driver, _ = line(service)

    def answer(names):
        if "account_entry" not in names:
            return "1" if "offer" in names else None
        service.down = Unavailable() if service.down is None and missed() else None
        return f"{80000000 + len(service.searched)}#"

    def missed():
        return len(service.searched) > call

    for call in range(40):
        service.down = None
        driver.converse(Stranger(answer), evolve(ARRIVAL, call_id=f"c{call}", ani=None))

    assert len(service.searched) == 30


# ── what is on file ──


def abroad(**changes):
    """Return the books of a customer whose phone is in Canada."""
    who = evolve(customer("rivera"), phone=secret.phone("+14165550142"), **changes)
    return Books((who,))


def test_a_phone_that_gets_no_text_is_a_second_fact():
    """Whether texts may go to a number on file says nothing about whose it is."""
    backend = MemoryBackend(abroad())
    driver, _ = line(backend)
    rivera = customer("rivera").account.reveal()
    caller = keys_an_address(account_entry=f"{rivera}#", phone_check="0142#", phone_entry="#")

    back = driver.converse(caller, evolve(ARRIVAL, ani=None))

    assert "phone_check" in caller.asked
    assert back.disposition is Disposition.ENROLLED
    assert backend.texts == ()


def test_no_text_is_offered_to_a_phone_that_gets_none():
    """A number on file that the policy sends no texts to is not offered for one."""
    backend = MemoryBackend(abroad(email=None))
    driver, _ = line(backend)
    rivera = customer("rivera").account.reveal()
    caller = Stranger(
        keying(offer="1", account_entry=f"{rivera}#", phone_check="0142#", text_rates="1")
    )

    driver.converse(caller, evolve(ARRIVAL, ani=None))

    assert backend.texts == ()
    assert "phone_entry" in caller.asked
