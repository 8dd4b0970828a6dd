"""The proof of the flow, and that it finds planted faults."""

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperless_ivr.backends.demo import customer
from paperless_ivr.flow import bills, blocks, facts, lines, updates
from paperless_ivr.flow import flow as moving
from paperless_ivr.flow.call import Entry
from paperless_ivr.flow.chapters import afterwards, consent, identity, text
from paperless_ivr.flow.events import (
    Accepted,
    Digits,
    Ended,
    HungUp,
    OutcomeUnknown,
    RecordUnavailable,
    Refused,
    TryReserved,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Reason
from paperless_ivr.flow.live import deliver
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.rows import REPROMPT, On
from paperless_ivr.flow.states import Phase, State
from paperless_ivr.flow.table import BLOCKS, FLOW
from paperless_ivr.keypad import AccountPad
from paperless_ivr.proof.cases import cases, prove, rows, tight
from paperless_ivr.proof.exploration import World, alphabet, shape, walk
from paperless_ivr.proof.invariants import INVARIANTS
from paperless_ivr.proof.writing import of_counterexample
from paperless_ivr.secret import invoice, keys, phone
from paperless_ivr.testing.strategies import calls, events
from paperless_ivr.transcripts import parse
from tests.counts import heavy

ALL = cases()
CASES = {case.name: case for case in ALL}
LARGE = (
    "start, all on file",
    "before payment, no e-mail, a person is available",
    "after payment",
    "pending",
    "on file or a person: nothing on file",
    "default: a placeholder number",
    "text link only: by the record",
    "keypad first",
    "several bills",
    "AutoPay",
    "payers only: WATER",
    "strict: on paper",
    "water only: two bills, unchecked",
    "default: the same last four",
    "on file or a person: a number that many share",
)
"""Slow cases whose rows others take as well. Only `make prove` walks them."""
WALKED = heavy(tuple(case for case in ALL if case.name not in LARGE), ALL)
AGAIN = heavy(1, None)
"""How often the ladders ask again: once takes every row; `make prove` uses the policy's limit."""
PLAIN = CASES["on file or a person: a language to choose, two on one number"]
BY_TEXT = CASES["text link only"]
NOTHING = CASES["nothing on file, no text afterwards"]
AMONG_MANY = CASES["on file or a person: the host's account, among too many"]
OWN_YES = "each consent is a separate key press, in time, after the whole question"


def search(invariant, table=FLOW, deliver=deliver, case=PLAIN):
    """Return the first counterexample to one invariant, as the transcript for it."""
    flow = Flow(tight(case), table)
    only = {name: held for name, held in INVARIANTS.items() if name == invariant}
    seen = walk(flow, flow.begin(case.arrival), case.world, only, deliver=deliver)
    assert seen.found, "what was planted was not found"
    (bug,) = seen.found
    assert invariant == bug.invariant
    text = of_counterexample(bug, case)
    assert parse(text).steps
    return bug.problem, text


@pytest.fixture(scope="session")
def taken(tmp_path_factory, worker_id):
    """The folder in which all processes of a run note the rows that their walks have taken."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "rows-taken"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.mark.requirement("R09", "R10", "R15", "R17", "R23", "R42")
@pytest.mark.prove
@pytest.mark.parametrize("number", range(len(WALKED)), ids=[case.name for case in WALKED])
def test_every_call(number, taken):
    """All invariants hold for every call of a case, and the cases together take every row."""
    seen = prove(WALKED[number], again=AGAIN)

    broken = [f"{bug.invariant}: {bug.problem}" for bug in seen.found]
    assert not broken, "\n".join(broken)
    noted = taken / f"{number}.new"
    noted.write_text("\n".join(sorted(seen.took)))
    noted.rename(taken / str(number))
    walked = [taken / str(each) for each in range(len(WALKED))]
    if all(each.exists() for each in walked):  # the last one to finish
        took = {row for each in walked for row in each.read_text().splitlines()}
        missing = sorted(rows() - took)
        assert not missing, "no case takes these rows\n" + "\n".join(missing)


@pytest.mark.requirement("R09", "R42")
def test_a_missing_token_check_is_found():
    """Without the token check, a key that is delivered again answers the next question, too."""

    def careless(flow, live, _, event):
        return deliver(flow, live, live.token, event)

    problem, text = search(OWN_YES, deliver=careless)

    assert problem == "an answer to an earlier question gave a consent"
    assert "again" in text


@pytest.mark.requirement("R15", "R42")
def test_a_missing_budget_is_found():
    """An account number that costs no try can be asked for endlessly."""
    free = tuple(
        evolve(row, keep=lambda c: evolve(c.call, found=()))
        if row.say == "account_not_found" and row.to is State.ACCOUNT_LIMIT
        else row
        for row in FLOW[State.ACCOUNT_LOOKUP]
    )
    table = {**FLOW, State.ACCOUNT_LOOKUP: free}
    problem, _ = search("every call ends", table, case=NOTHING)

    assert "with nothing changed" in problem


@pytest.mark.requirement("R23", "R42")
def test_an_unknown_outcome_sent_again_is_found():
    """Sending a write again without a look-up after its answer was lost is found."""
    again = (On(OutcomeUnknown, REPROMPT), *FLOW[State.ENROLLMENT])
    problem, text = search(
        "a consent has one write key, and its write is resent only if the bill is on paper",
        {**FLOW, State.ENROLLMENT: again},
    )

    assert "resent before a look-up showed the bill on paper" in problem
    assert "unknown" in text


@pytest.mark.requirement("R21", "R42")
def test_a_deferred_that_nothing_was_kept_for_is_found():
    """A bill that is back on paper in a call reported as completed later is found."""
    rows = tuple(
        evolve(row, to=State.DONE) if Accepted in row.events else row for row in FLOW[State.OPT_OUT]
    )
    problem, _ = search(
        "enrolled only if accepted, deferred only if saved or unknown",
        {**FLOW, State.OPT_OUT: rows},
        case=CASES["back to paper"],
    )

    assert problem == "deferred, but no request was saved"


@pytest.mark.requirement("R09", "R42")
def test_a_consent_that_keeps_keys_pressed_ahead_is_found(monkeypatch):
    """A confirmation that accepts a key pressed before it is found."""
    monkeypatch.setattr(blocks.Ask, "flushes", False)
    problem, text = search(OWN_YES)

    assert problem == "a key pressed before the question gave a consent"
    assert "ahead" in text


ONE_QUESTION = CASES["vouched for: one bill, its address on file"]


def saying(monkeypatch, state, *lines):
    """Make the question of a state say these lines instead."""
    monkeypatch.setitem(BLOCKS, state, evolve(BLOCKS[state], say=lines))


@pytest.mark.requirement("R09", "R51", "R42")
def test_an_offer_that_keeps_keys_pressed_ahead_is_found(monkeypatch):
    """An offer with one question that accepts a key pressed before it is found."""
    monkeypatch.setattr(blocks.Ask, "flushes", False)
    problem, text = search(OWN_YES, case=ONE_QUESTION)

    assert problem == "a key pressed before the question gave a consent"
    assert "ahead" in text


@pytest.mark.requirement("R09", "R51", "R42")
@pytest.mark.parametrize("left_out", ["offer_in_full", "next_email"])
def test_an_offer_that_leaves_something_out_is_found(monkeypatch, left_out):
    """An offer with one question that omits the bill and address, or the next steps, is found."""
    said = [line for line in BLOCKS[State.OFFER_IN_FULL].say if left_out not in line.names]
    saying(monkeypatch, State.OFFER_IN_FULL, *said)
    problem, _ = search(OWN_YES, case=ONE_QUESTION)

    assert problem in (
        "consent to enroll without naming what it is about",
        "consent to enroll without saying what happens next",
    )


@pytest.mark.requirement("R09", "R42")
@pytest.mark.parametrize(
    ("state", "name"),
    [
        (State.CONFIRMATION, "on file alone: AutoPay, bills with the same name"),
        (State.AUTOPAY_OFFER, "on file alone: AutoPay, bills with the same name"),
        (State.OPT_OUT_CONFIRM, "water only"),
    ],
)
def test_a_consent_that_does_not_say_which_bill_is_found(monkeypatch, state, name):
    """A consent about one of several bills with the same name, without saying which, is found."""
    said = (line for line in BLOCKS[state].say if line is not lines.which_bill)
    saying(monkeypatch, state, *said)
    problem, _ = search(OWN_YES, case=next(case for case in cases() if case.name == name))

    assert problem.endswith("without saying which bill: add which_bill to say=")


@pytest.mark.requirement("R09", "R51", "R42")
def test_an_offer_that_need_not_be_heard_is_found(monkeypatch):
    """An offer with one question whose words a key can cut short is found."""
    lines_of = BLOCKS[State.OFFER_IN_FULL].say
    loose = [
        evolve(
            line,
            tell=lambda view, tell=line.tell: tuple(
                evolve(prompt, must_hear=False) for prompt in tell(view)
            ),
        )
        if line is not lines.options
        else line
        for line in lines_of
    ]
    saying(monkeypatch, State.OFFER_IN_FULL, *loose)
    problem, _ = search(OWN_YES, case=ONE_QUESTION)

    assert problem == "a consent before its question was heard to the end"


@pytest.mark.requirement("R10", "R51", "R42")
def test_a_long_silence_before_the_offer_is_found():
    """A repeated search before the offer is found."""
    table = planted(
        State.BEFORE_OFFER_LOOKUP,
        lambda row: Refused in row.events,
        to=REPROMPT,
        keep=lambda c: evolve(c.call, nobody_ahead=True),
    )
    problem, _ = search("no caller waits long in silence", table, case=ONE_QUESTION)

    assert problem == "two searches in a row in silence"


@pytest.mark.requirement("R10", "R51", "R42")
def test_a_silent_search_with_all_its_time_is_found(monkeypatch):
    """A search before the offer that takes as long as others is found."""
    block = BLOCKS[State.BEFORE_OFFER_LOOKUP]
    monkeypatch.setitem(
        BLOCKS, State.BEFORE_OFFER_LOOKUP, evolve(block, ask=identity.search_by_account)
    )
    problem, _ = search("no caller waits long in silence", case=ONE_QUESTION)

    assert problem.startswith("SearchByAccountNumber is sent in silence")


@pytest.mark.requirement("R47", "R51", "R42")
def test_a_search_before_the_offer_at_no_cost_is_found():
    """A search before the offer that allows walking through numbers is found."""
    table = planted(
        State.BEFORE_OFFER,
        lambda row: row.to is State.BEFORE_OFFER_LIMIT,
        to=State.BEFORE_OFFER_LOOKUP,
    )

    problem, _ = search(TRIES, table, case=ONE_QUESTION)
    assert problem.startswith("an account is looked up without a reserved try")


@pytest.mark.requirement("R47", "R42")
def test_a_number_of_nobody_that_is_believed_is_found(monkeypatch):
    """A flow that believes any number handed over searches by a placeholder."""
    monkeypatch.setattr(moving, "known_arrival", lambda arrival, _: arrival)
    problem, _ = search(
        "a placeholder number identifies no one",
        case=CASES["default: a placeholder number"],
    )

    assert "uses a placeholder number" in problem


@pytest.mark.requirement("R15", "R47", "R42")
def test_a_pause_that_ends_an_entry_is_found():
    """An entry that treats a pause as its end looks up half a number."""
    hasty = On(
        Digits,
        State.ACCOUNT_LOOKUP,
        when=lambda c: len(c.event.keys) >= 4,
        keep=identity.take_account,
    )
    problem, text = search(
        "a pause in an entry neither ends it nor costs a try",
        {**FLOW, State.ACCOUNT_ENTRY: (hasty, *FLOW[State.ACCOUNT_ENTRY])},
        case=CASES["default: a placeholder number"],
    )

    assert problem == "a pause was treated as the end of an entry"
    assert "then silence" in text


def planted(state, wanted, **changes):
    """Return the table with some rows of a state changed."""
    rows = FLOW[state]
    assert any(map(wanted, rows))
    return {**FLOW, state: tuple(evolve(r, **changes) if wanted(r) else r for r in rows)}


TRIES = "every counted try is reserved before its question"


def without_email(*strategies):
    """Return a caller without an e-mail address on file, and what the policy does about it."""
    case = CASES["before payment, no e-mail, a person is available"]
    address = evolve(case.policy.address, strategies=strategies)
    text = evolve(case.policy.text, after_enrolment=())
    return evolve(
        case,
        policy=evolve(case.policy, address=address, text=text),
        arrival=evolve(case.arrival, person_available=False),
    )


KEYPAD, LINK = without_email(Strategy.KEYPAD), without_email(Strategy.TEXT_LINK)


@pytest.mark.requirement("R42", "R47")
@pytest.mark.parametrize("state", [State.IDENTITY_CHECK, State.NUMBER_CHECK])
def test_a_second_try_that_is_not_reserved_is_found(state):
    """A question that is asked again after a miss, at no cost, is found."""

    def again(row):
        return row.to in (State.LAST_FOUR_LIMIT, State.FACT_LIMIT)

    case = PLAIN if state is State.IDENTITY_CHECK else BY_TEXT
    problem, _ = search(TRIES, planted(state, again, to=REPROMPT), case=case)

    assert f"{state.name} is asked without a reserved try" in problem


@pytest.mark.requirement("R42", "R47")
def test_a_question_before_its_try_is_found():
    """Asking for an account number whose try could not be counted is found."""
    table = planted(
        State.ACCOUNT_LIMIT,
        lambda row: RecordUnavailable in row.events,
        to=State.ACCOUNT_ENTRY,
    )
    problem, text = search(TRIES, table, case=NOTHING)

    assert problem == "ACCOUNT_ENTRY is asked without a reserved try at account"
    assert "ReserveTry: unavailable" in text


@pytest.mark.requirement("R42", "R47")
def test_an_account_that_is_handed_over_at_no_cost_is_found():
    """A menu of the host that allows walking through numbers is found."""
    table = planted(
        State.ACCOUNT,
        lambda row: row.to is State.HANDED_OVER_LIMIT,
        to=State.ACCOUNT_LOOKUP,
    )
    problem, _ = search(TRIES, table, case=AMONG_MANY)

    assert problem.startswith("an account is looked up without a reserved try")


@pytest.mark.requirement("R42", "R47")
def test_last_four_digits_that_come_back_as_the_number_are_found():
    """Four digits that count as the whole number at the next hand-over are found."""

    def keep(c):
        call = identity.match_customer(c)
        return evolve(call, shown=evolve(call.shown, numbers=(call.shown.last_four,)))

    table = planted(
        State.IDENTITY_CHECK, lambda row: row.keep is identity.match_customer, keep=keep
    )
    problem, _ = search("a fact counts only if it was proved", table)

    assert problem == "an account number counted as proved, although it was not keyed in full"


@pytest.mark.requirement("R42", "R47")
def test_a_number_that_shows_other_accounts_is_found():
    """A number that counts for every account that the service found with it is found."""

    def keep(c):
        call = identity.accept_customers(c)
        every = tuple(customer.account for customer in call.found)
        return evolve(call, shown=evolve(call.shown, by_host=every))

    table = planted(
        State.ACCOUNT_LOOKUP, lambda row: row.keep is identity.accept_customers, keep=keep
    )
    problem, _ = search("a fact counts only if it was proved", table, case=AMONG_MANY)

    assert problem == "an account counted as the host's, although the host never handed it over"


@pytest.mark.requirement("R42", "R47")
def test_a_payment_that_names_nothing_and_vouches_is_found(monkeypatch):
    """A payment that counts for whatever account the host hands over with it is found."""
    case = CASES["keypad only: a payment that names nothing"]
    monkeypatch.setattr(bills, "paid_by", lambda view, _: view.call.host.paid)

    problem, _ = search(TRIES, FLOW, case=case)
    assert problem.startswith("an account is looked up without a reserved try")


@pytest.mark.requirement("R42", "R47")
def test_a_try_given_back_for_an_unusable_answer_is_found():
    """If the answer to a search was unusable, it may still have revealed something."""

    def keep(c):
        silent = evolve(c, event=evolve(c.event, answered=False))
        return updates.unanswered(updates.because(Reason.SERVICE_DOWN))(silent)

    table = planted(State.ACCOUNT_LOOKUP, lambda row: row.to is State.UNAVAILABLE, keep=keep)
    problem, _ = search(
        "a try is given back only after proof, or if the service did not answer",
        table,
        case=NOTHING,
    )

    assert problem == "a try is wrongly given back after a failed request"


@pytest.mark.requirement("R42", "R47")
def test_two_tries_of_one_name_are_found():
    """Tries that the record takes for one are found."""
    table = planted(State.LAST_FOUR_LIMIT, lambda r: TryReserved in r.events, keep=lambda c: c.call)

    assert search(TRIES, table)[0] == "two tries share one key"


@pytest.mark.requirement("R42", "R47")
def test_a_try_given_back_for_a_hit_is_found():
    """An account number that was found gives its try back only to its owner."""
    table = planted(
        State.ACCOUNT_LOOKUP,
        lambda row: row.to is State.INVOICE,
        keep=lambda c: evolve(
            identity.accept_customers(c),
            reserved=evolve(c.call.reserved, held=(), matched=c.call.reserved.held),
        ),
    )
    withheld = NOTHING
    problem, _ = search(
        "a try is given back only after proof, or if the service did not answer",
        table,
        case=withheld,
    )

    assert problem == "a try is given back at ACCOUNT_LOOKUP without proof"


@pytest.mark.requirement("R17", "R42", "R47")
def test_an_address_of_the_callers_own_without_two_facts_is_found():
    """A way to key an address without the second fact is found."""
    table = planted(State.ADDRESS, lambda row: row.to is State.NEW_CONTACT, to=State.EMAIL_LOCAL)
    problem, _ = search(
        "an address or number from the caller is used only after two facts are proved",
        table,
        case=KEYPAD,
    )

    assert "to what the caller supplied, without two facts" in problem


@pytest.mark.requirement("R17", "R42", "R47")
def test_a_number_of_the_callers_own_without_two_facts_is_found():
    """A way to key a number without the second fact is found."""
    table = planted(
        State.TEXT_CONSENT, lambda row: row.to is State.NEW_CONTACT, to=State.PHONE_CAPTURE
    )
    problem, _ = search(
        "an address or number from the caller is used only after two facts are proved",
        table,
        case=LINK,
    )

    assert problem.startswith("SendWebLink to what the caller supplied")


@pytest.mark.requirement("R17", "R42", "R47")
def test_a_fact_that_was_not_shown_is_found():
    """A different number that counts as the account's is found."""
    table = planted(
        State.NUMBER_CHECK,
        lambda row: row.to is State.NEW_CONTACT and row.say is None,
        when=lambda c: c.event.keys.reveal() == "99999999",
    )
    problem, _ = search("a fact counts only if it was proved", table, case=KEYPAD)

    assert problem == "an account number counted as proved, although it was not keyed in full"


@pytest.mark.requirement("R42", "R47")
def test_a_pause_that_shows_a_number_is_found():
    """A number that is compared with the account at a pause could be tried endlessly."""
    table = planted(
        State.NUMBER_CHECK,
        lambda row: row.to is State.NEW_CONTACT and row.say is None,
        when=lambda c: facts.keyed(c) == c.customer.account.reveal(),
    )
    problem, _ = search("a pause in an entry neither ends it nor costs a try", table, case=BY_TEXT)

    assert problem == "a pause was treated as the end of an entry"


@pytest.mark.requirement("R04", "R42", "R47")
@pytest.mark.parametrize("state", [State.ACCOUNT_ENTRY, State.NUMBER_CHECK])
def test_a_card_that_is_kept_is_found(state):
    """A question that mistakes a pause after a card for one in an account number is found."""

    def about_cards(row):
        return row.when is not None and row.when.__name__.startswith("is_card")

    table = planted(state, about_cards, when=lambda _: False)
    problem, text = search(
        "a payment card is neither kept nor sent",
        table,
        case=BY_TEXT if state is State.NUMBER_CHECK else NOTHING,
    )

    assert problem == "a card number was kept"
    assert "then silence" in text


def equal_bills():
    """Return two customers with two bills each, which only account and number distinguish."""
    case = CASES["several bills"]
    found = [customer(handle) for handle in ("park", "park-rental")]
    bill = found[0].invoices[0]
    equal = [evolve(bill, type=f"TYPE {n}", number=invoice(f"900{n}")) for n in (1, 2)]
    world = World("equal bills", tuple(evolve(who, invoices=tuple(equal)) for who in found))
    flow = Flow(tight(case))
    return walk(flow, flow.begin(case.arrival), world, INVARIANTS, inside=choosing)


def choosing(move):
    """Go as far as the choice of a bill."""
    return move.next.call.state.phase in (Phase.ARRIVAL, Phase.IDENTITY, Phase.BILL)


@pytest.mark.requirement("R06", "R42")
def test_choices_in_the_same_words_are_found(monkeypatch):
    """Two bills that are described by what both of them have are found."""
    assert equal_bills().found == []
    monkeypatch.setattr(bills, "marks", lambda *_: (bills.Mark.ACCOUNT,))
    (bug,) = equal_bills().found

    assert bug.problem == "two choices are offered in the same words"


@pytest.mark.requirement("R42", "R47")
def test_a_fact_that_is_said_is_found(monkeypatch):
    """Words that say the last digits of the number on file before they were proved are found."""
    for chapter in (consent, text):
        monkeypatch.setattr(chapter, "number_words", lambda _: "")
    unknown = evolve(LINK, arrival=evolve(LINK.arrival, ani=None))
    problem, _ = search(
        "the call never speaks digits the caller could still be asked for", case=unknown
    )

    assert problem == "the call speaks digits the caller could still be asked for"


@pytest.mark.requirement("R42", "R47")
def test_a_text_to_a_costly_number_is_found():
    """A Caribbean number that is treated as a domestic one is found."""
    table = planted(
        State.PHONE_CAPTURE,
        lambda row: row.to is State.PHONE_CONFIRM,
        when=text.is_other_phone,
        keep=lambda c: evolve(c.call, entry=Entry(phone=phone(f"+1{c.event.keys.reveal()}"))),
    )
    problem, _ = search("texts go only to numbers that the policy allows", table, case=LINK)

    assert problem == "a text to a number that must not get texts"


@pytest.mark.requirement("R52")
def test_a_done_that_the_service_does_not_say_is_found():
    """A wait that treats any answer of the service as an opened link is found."""
    table = planted(
        State.LINK_CHECK,
        lambda row: row.when is afterwards.link_opened,
        when=lambda c: bool(c.event.customers),
    )

    problem, _ = search("done only if the service says so", table, case=LINK)

    assert problem == "done, but the service does not say so"


@pytest.mark.requirement("R52")
def test_a_wait_longer_than_the_policy_is_found():
    """A wait that asks the service more often than allowed is found."""
    table = planted(
        State.LINK_CHECK,
        lambda row: row.when is facts.looks_left,
        when=lambda c: c.call.contact.looks < 3,
    )

    problem, _ = search("the wait for a texted link ends", table, case=LINK)

    assert problem == "a wait for a link that is longer than the policy allows"


@pytest.mark.requirement("R52")
def test_a_wait_that_counts_nothing_is_found():
    """A wait that asks the service again at no cost may never end, and is found."""
    table = planted(
        State.LINK_CHECK, lambda row: row.when is facts.looks_left, keep=lambda c: c.call
    )

    problem, _ = search("every call ends", table, case=LINK)

    assert problem == "the call is back at LINK_WAIT, with nothing changed"


def test_what_is_not_planted_is_not_found():
    """The same searches find nothing in the shipped flow."""
    flow = Flow(tight(PLAIN))

    assert walk(flow, flow.begin(PLAIN.arrival), PLAIN.world, INVARIANTS).found == []


FLOWS = st.sampled_from([Flow(tight(case)) for case in cases()])


@pytest.mark.requirement("R42")
@pytest.mark.prove
@settings(max_examples=heavy(60, 300), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_equal_shapes_go_on_alike(data):
    """Two calls that differ only in what a shape leaves out keep having the same shape."""
    flow = data.draw(FLOWS)
    call = data.draw(calls(flow))
    event = data.draw(events())
    twin = evolve(
        call,
        lead=(),
        entry=evolve(call.entry, more_time=not call.entry.more_time),
        results=evolve(call.results, greeted=not call.results.greeted),
    )
    assert shape(call) == shape(twin)

    def after(one):
        try:
            return shape(flow.advance(one, event).call)
        except Exception as error:  # noqa: BLE001 - the same error is alike, too
            return type(error)

    if isinstance(event, Digits) and event.interrupted is not None:
        event = evolve(event, interrupted=None)  # counted from what was said along the way
    assert after(call) == after(twin)


CARDS = st.sampled_from(["4111111111111111", "5555555555554444", "378282246310005"])
CLASSES = {
    "unknown account": st.text("0123456789", min_size=6, max_size=12),
    "too short": st.text("123456789", min_size=1, max_size=3),
    "too long": st.text("123456789", min_size=21, max_size=21).filter(
        lambda text: not AccountPad().may_be_card(text)
    ),
    "card": CARDS,
    "card with its date and code": st.tuples(
        CARDS, st.from_regex("[0-9]{1,7}", fullmatch=True)
    ).map("".join),
}


@pytest.mark.requirement("R42")
@settings(max_examples=100, deadline=None)
@given(data=st.data(), kind=st.sampled_from(sorted(CLASSES)))
def test_one_of_each_class_stands_for_all(data, kind):
    """Whatever number of a class is keyed, the call goes the same way."""
    flow = Flow()
    turn = flow.begin(evolve(PLAIN.arrival, language="en-US", ani=None, greeted=True))
    while turn.call.state is not State.ACCOUNT_ENTRY:
        first = alphabet(flow, turn, PLAIN.world)[0]
        assert not isinstance(first, HungUp)
        turn = flow.advance(turn.call, first)
    one, other = (data.draw(CLASSES[kind]) for _ in range(2))

    def way(number):
        taken = flow.advance(turn.call, Digits(keys(number), Ended.END_KEY))
        return taken.took, [prompt.name for prompt in taken.say]

    assert way(one) == way(other)
