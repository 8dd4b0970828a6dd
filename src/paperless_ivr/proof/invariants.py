"""The invariants that hold for every move of every call, whatever the caller or service does.

Each invariant is a function of one move, listed below under the name that the proof prints. The
exploration adds another, "every call ends," which means that no call returns to an earlier
position.
"""

from collections.abc import Mapping

from paperless_ivr.flow import bills, facts
from paperless_ivr.flow.call import Consent, Purpose, Source, TextPurpose
from paperless_ivr.flow.events import (
    Accepted,
    Customer,
    CustomersFound,
    Digits,
    Ended,
    HungUp,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Disposition, Identity, Registration, Sent
from paperless_ivr.flow.lines import PERSONAL, UNCHANGED
from paperless_ivr.flow.requests import (
    DeferRequest,
    EnrollInPaperless,
    Guess,
    InvoiceExists,
    ReserveTry,
    Screen,
    SearchByAccountNumber,
    SearchByCustomerPhoneNumber,
    SendWebLink,
    ServiceRequest,
    StoreCustomerPaymentMethodV2,
    StoreCustomerPreference,
    Write,
    ahead,
)
from paperless_ivr.flow.slots import Ending
from paperless_ivr.flow.states import Kind
from paperless_ivr.flow.states import State as S
from paperless_ivr.flow.turns import Gather, Return, Then, Transfer, Turn
from paperless_ivr.flow.view import CallView
from paperless_ivr.keypad import (
    last_four,
    mailbox,
    national,
    phone_number,
    textable,
)
from paperless_ivr.proof.exploration import (
    GUESSED,
    Invariant,
    Move,
    is_write,
    keyed,
    tries,
    writes,
)
from paperless_ivr.secret import Secret, keys

ADDRESS_SLOTS = {
    Purpose.ENROLL: ({"masked", "address", "ending"}, {"bill"}),
    Purpose.TEXT: ({"ending"},),
    Purpose.AUTOPAY: ({"bill"}, {"terms"}),
}
"""Slots that must be heard before each consent: at least one from each set. Any other consent needs
only the bill."""
WHAT_HAPPENS = {"next_email", "next_link", "next_kept"}
"""Prompts that say what happens next. A caller must hear one of them before enrolling."""
NUMBER_ON_FILE = {"confirm_link_on_file", *(f"text_consent_{p}_on_file" for p in TextPurpose)}
"""Prompts that refer to the number on file without saying its digits."""


def own_yes(_: Flow, move: Move) -> str | None:
    """A consent comes from a key pressed in time, after everything that must be heard (R09)."""
    if not move.minted:
        return None
    if move.minted > 1:
        return "one key created two consents"
    if not isinstance(move.event, Digits):
        return f"{type(move.event).__name__} gave a consent"
    if move.late:
        return "an answer to an earlier question gave a consent"
    if move.early:
        return "a key pressed before the question gave a consent"
    given = move.next.call.consents[-1]
    must = [n for n, prompt in enumerate(move.turn.say) if prompt.must_hear]
    heard = move.event.interrupted
    if not must or (heard is not None and heard <= must[-1]):
        return "a consent before its question was heard to the end"
    heard_out = [move.turn.say[n] for n in must]
    slots = {name for prompt in heard_out for name, _ in prompt.slots}
    if any(prompt.name in NUMBER_ON_FILE for prompt in heard_out):
        slots.add("ending")
    subject = ADDRESS_SLOTS.get(given.purpose, ({"bill"},))
    if not all(slots & wanted for wanted in subject):
        return f"{given.purpose.words} without naming what it is about"
    if {"bill"} in subject and _which_bill(move) - {prompt.name for prompt in heard_out}:
        return f"{given.purpose.words} without saying which bill: add which_bill to say="
    if given.purpose is Purpose.ENROLL and not WHAT_HAPPENS & {p.name for p in heard_out}:
        return "consent to enroll without saying what happens next"
    return None


def _which_bill(move: Move) -> set[str]:
    """Return the prompts that distinguish the chosen bill from others with the same name."""
    bill, listed = bills.chosen(move.view), bills.listed(move.view)
    return {f"which_{mark.value}" for mark in bills.marks(move.view, bill, listed)}


def late_is_nothing(_: Flow, move: Move) -> str | None:
    """An answer to an earlier turn changes nothing (R09)."""
    before, after = move.turn.call, move.next.call
    if move.late and after is not before and after != before:
        return "an answer to an earlier turn moved the call"
    return None


def write_has_consent(_: Flow, move: Move) -> str | None:
    """Every write or deferred request matches a consent in purpose and details (R09, R10)."""
    request = move.next.then
    purpose = _needs(request)
    if purpose is None or not isinstance(request, Write | DeferRequest):
        return None
    given = {consent.reference: consent for consent in move.next.call.consents}
    consent = given.get(request.consent)
    if consent is None or consent.purpose is not purpose:
        return f"{type(request).__name__} without a {purpose.words}"
    return _same(request, consent)


def _needs(then: Then) -> Purpose | None:
    """Return the purpose of the consent that a turn needs, or None if the turn changes nothing."""
    match then:
        case (
            EnrollInPaperless()
            | StoreCustomerPreference(paperless=True)
            | DeferRequest(paperless=True)
        ):
            return Purpose.ENROLL
        case StoreCustomerPreference() | DeferRequest():
            return Purpose.BACK_TO_PAPER
        case SendWebLink():
            return Purpose.TEXT
        case StoreCustomerPaymentMethodV2():
            return Purpose.AUTOPAY
        case SearchByAccountNumber() | SearchByCustomerPhoneNumber() | InvoiceExists():
            return None
        case Gather() | Screen() | ReserveTry() | Transfer() | Return():
            return None


def _same(request: object, consent: Consent) -> str | None:
    """Return how a write differs from its consent, or None if it matches."""
    for name in ("customer", "account", "invoice_type", "email", "phone"):
        if hasattr(request, name) and getattr(request, name) != getattr(consent, name):
            return f"{type(request).__name__} with a different {name} than the consent"
    return None


def once(_: Flow, move: Move) -> str | None:
    """A write's key is that of its consent. It is resent only if a look-up shows the bill on paper.

    (R23, R31)
    """
    request = move.next.then
    if not is_write(request) or isinstance(move.event, HungUp) or move.late:
        return None
    if request.key != request.consent:
        return "the write's key differs from its consent's"
    sent, cleared = writes(move)
    if request.key in sent and request.key not in cleared:
        return f"{type(request).__name__} resent before a look-up showed the bill on paper"
    return None


def nothing_personal_first(_: Flow, move: Move) -> str | None:
    """No personal data is spoken before the caller is identified (R17)."""
    for prompt in move.next.say:
        revealed = {name for name, _ in prompt.slots} & PERSONAL
        if revealed and move.next.call.identity < Identity.LAST_FOUR_KEYED:
            return f"{prompt.name} reveals {', '.join(sorted(revealed))} before identity is proved"
    return None


def promised_keys_work(flow: Flow, move: Move) -> str | None:
    """A key on the menu is not a wrong key, and the prompt that offers it is played (R15)."""
    if not isinstance(move.event, Digits) or not isinstance(move.turn.then, Gather):
        return None
    if move.late or move.event.interrupted is not None:
        return None
    offered = {option.key: option for option in flow.menu(move.turn.call)}
    option = offered.get(move.event.keys.reveal())
    if option is None:
        return None
    if "no_match" in move.next.call.lead:
        return f"{option.choice.value} was offered, but treated as a wrong key"
    spoken = [p for p in move.turn.say if p.name == option.prompt and p.slots == option.spoken]
    if option.prompt and not spoken:
        return f"{option.choice.value} is on the menu, but no prompt offers it"
    return None


def one_key_waits(_: Flow, move: Move) -> str | None:
    """A question with prompts that must be heard discards keys pressed ahead of it (R09)."""
    gather = move.next.then
    if not isinstance(gather, Gather) or not gather.type_ahead:
        return None
    if any(prompt.must_hear for prompt in move.next.say):
        return "a question that must be heard allows type-ahead"
    return None


def gone_is_gone(_: Flow, move: Move) -> str | None:
    """After a hang-up, nothing is said or asked. The call ends as abandoned or taken back."""
    call, then = move.next.call, move.next.then
    if not call.results.hung_up:
        return None
    if move.next.say or isinstance(then, Gather):
        return "the call says or asks something after a hang-up"
    taken_back = call.results.taken_back
    due = Disposition.TAKEN_BACK if taken_back else Disposition.ABANDONED
    if isinstance(then, Return) and then.handback.disposition is not due:
        return f"a call that should end as {due.value} ends as {then.handback.disposition.value}"
    return None


def hang_up_anywhere(_: Flow, move: Move) -> str | None:
    """A hang-up ends the call immediately, or after a change in progress is made or saved."""
    if not isinstance(move.event, HungUp) or move.late or isinstance(move.turn.then, Return):
        return None
    under_way = is_write(move.turn.then) or isinstance(move.turn.then, DeferRequest)
    state = move.next.call.state
    checking = move.turn.call.state.name.startswith("ENROLLMENT")
    if state.kind is Kind.END or under_way or checking:
        return None
    return f"a hang-up leads to {state.name}"


def told_as_it_is(_: Flow, move: Move) -> str | None:
    """ENROLLED requires a registration that the service accepted or shows.

    DEFERRED requires a saved request, or a write with an unknown outcome (R21).
    """
    then = move.next.then
    ended = then.handback.disposition if isinstance(then, Return) else None
    if ended is Disposition.DEFERRED and not any(
        _count(move.next, each) for each in (Registration.KEPT, Registration.UNKNOWN)
    ):
        return "deferred, but no request was saved"
    if isinstance(move.event, Accepted) and is_write(move.turn.then):
        return None
    before, after = (_count(turn, Registration.PENDING) for turn in (move.turn, move.next))
    looked_up = move.turn.call.state.name.startswith("ENROLLMENT")
    if after > before and not looked_up:
        return "a registration that the service did not accept"
    if ended is Disposition.ENROLLED and not after + _count(move.next, Registration.ACTIVE):
        return "enrolled without a registration"
    return None


def _count(turn: Turn, registration: Registration) -> int:
    return sum(o.registration is registration for o in turn.call.results.outcomes)


def done_is_done(_: Flow, move: Move) -> str | None:
    """The call reports an enrollment by link only if the service has just confirmed it (R52)."""
    said = any(prompt.name == "link_done" for prompt in move.next.say)
    noted = _count(move.next, Registration.ACTIVE) > _count(move.turn, Registration.ACTIVE)
    if not said and not noted:
        return None
    texts = [c for c in move.turn.call.consents if c.purpose is Purpose.TEXT]
    if not texts or not isinstance(move.event, CustomersFound):
        return "done, but the service was not asked"
    paperless = any(
        invoice.paperless
        for customer in move.event.customers
        for invoice in customer.invoices
        if (customer.id, invoice.type) == (texts[-1].customer, texts[-1].invoice_type)
    )
    return None if paperless else "done, but the service does not say so"


def waits_for_a_text(flow: Flow, move: Move) -> str | None:
    """The call waits only for a link that was texted, and only as the policy allows (R52)."""
    call, text = move.next.call, flow.terms.policy.text
    if call.state is not S.LINK_WAIT:
        return None
    if not text.wait_for_link or call.results.text is not Sent.DONE:
        return "a wait for a link that was not texted, or a wait that the policy does not allow"
    longer = (call.contact.looks + 1) * facts.LOOK_S > text.wait_seconds
    return "a wait for a link that is longer than the policy allows" if longer else None


def unchanged_is_unchanged(_: Flow, move: Move) -> str | None:
    """The call says that nothing was changed only if nothing was (R16)."""
    said = {prompt.name for prompt in move.next.say} & UNCHANGED
    if said and move.next.call.results.outcomes:
        return f"{', '.join(sorted(said))} is said in a call that changed something"
    return None


def promised_back(flow: Flow, move: Move) -> str | None:
    """Going back to paper by phone is promised only if the policy allows it (R11)."""
    if flow.terms.policy.back_to_paper.by_phone:
        return None
    promised = any(prompt.name == "back_any_time" for prompt in move.next.say)
    return "back to paper is promised, but not allowed by the policy" if promised else None


def nobody_is_nobody(_: Flow, move: Move) -> str | None:
    """Searches, try counts, and messages use only real numbers and addresses (R47)."""
    request = move.next.then
    for name in ("ani", "phone"):
        number = getattr(request, name, None)
        if number is not None and phone_number(number.reveal()) != number.reveal():
            return f"{type(request).__name__} uses a placeholder number"
    email, keyed = getattr(request, "email", None), move.next.call.contact.source is Source.KEYED
    if email is not None and not keyed and mailbox(email.reveal()) is None:
        return f"{type(request).__name__} with an invalid address"
    return None


def pause_is_nothing(flow: Flow, move: Move) -> str | None:
    """A pause in an entry neither ends it nor costs a try, and the keys so far are kept (R15).

    This does not apply to keys with a star, to a complete telephone number, or to an exact spelling
    that has a wrong code or no pauses left. Keys that look like a card number are dropped, and cost
    a try only if no repeats are left.
    """
    call, event = move.turn.call, move.event
    if not flow.takes_several_keys(call.state) or not isinstance(event, Digits) or move.late:
        return None
    if event.ended is not Ended.TIMEOUT:
        return None
    exact = call.state in (S.EMAIL_EXACT, S.EMAIL_EXACT_DOMAIN)
    before = facts.spelled_so_far(move.view) if exact else facts.so_far(move.view)
    entry = before + event.keys.reveal()
    policy, spelled = flow.terms.policy, flow.terms.pad.spell(entry)
    phone = call.state is S.PHONE_CAPTURE
    complete = phone and national(entry, policy.text.region) is not None
    counts = exact and (spelled.bad or call.spent.pauses >= policy.address.pauses)
    if "*" in entry or complete or counts:
        return None
    after = move.next.call
    if call.state in WHOLE_NUMBER and _is_card(flow, entry):
        last = call.tries.repeats >= policy.tries.repeats
        return None if last or after.tries.wrong == call.tries.wrong else "a pause cost a try"
    if after.state is not call.state or after.entry.so_far != keys(entry):
        return "a pause was treated as the end of an entry"
    return "a pause cost a try" if after.tries != call.tries else None


WHOLE_NUMBER = (S.ACCOUNT_ENTRY, S.NUMBER_CHECK)
"""Questions that ask for a whole account number."""


def card_is_not_kept(flow: Flow, move: Move) -> str | None:
    """A payment card keyed as an account number is neither kept nor sent (R04)."""
    if move.turn.call.state not in WHOLE_NUMBER or not _is_card(flow, card := keyed(move)):
        return None
    if isinstance(move.next.then, SearchByAccountNumber):
        return "the number of a payment card was looked up"
    entry = move.next.call.entry
    return "a card number was kept" if keys(card) in (entry.so_far, entry.account) else None


def _is_card(flow: Flow, number: str) -> bool:
    """Return whether keys look like all or part of a card number, but not an account number."""
    accounts = flow.terms.accounts
    return accounts.may_be_card(number) and not accounts.begins(number)


def choices_differ(flow: Flow, move: Move) -> str | None:
    """No two choices are offered in the same words (R06)."""
    if not isinstance(move.next.then, Gather):
        return None
    said = [(option.prompt, option.slots, option.language) for option in flow.menu(move.next.call)]
    named = [words for words in said if words[0]]
    return "two choices are offered in the same words" if len(set(named)) < len(named) else None


def reserved_first(flow: Flow, move: Move) -> str | None:
    """A question with a guessable answer is asked only after a try has been counted (R47)."""
    request, state = move.turn.then, move.next.call.state
    asked = isinstance(request, ReserveTry) and isinstance(move.event, TryReserved)
    if asked and move.next.call.next_try == move.turn.call.next_try:
        return "two tries share one key"
    if state in GUESSED and isinstance(move.next.then, Gather) and not move.late:
        wanted = GUESSED[state]
        if tries(move) is not wanted:
            return f"{state.name} is asked without a reserved try at {wanted.value}"
    searching = isinstance(move.next.then, SearchByAccountNumber) and not move.late
    if (
        searching
        and state in (S.ACCOUNT_LOOKUP, S.BEFORE_OFFER_LOOKUP)
        and not _may_search(flow, move)
    ):
        return "an account is looked up without a reserved try"
    return None


def short_silence(_: Flow, move: Move) -> str | None:
    """Only one search before the offer, and look-ups of a link, are made in silence (R10, R51)."""
    request = move.next.then
    if move.late or move.next.call.results.hung_up or not isinstance(request, ServiceRequest):
        return None
    if move.next.call.state is S.LINK_CHECK:
        return None  # the caller was asked to stay on the line while opening the link
    if ahead(request) is bool(move.next.say):
        return (
            f"{type(request).__name__} is sent in silence after the offer, "
            "or announced by a prompt before the offer"
        )
    again = ahead(request) and ahead(move.turn.then)
    return "two searches in a row in silence" if again else None


def _may_search(flow: Flow, move: Move) -> bool:
    """Return whether a try at an account was reserved, or the host vouches for the account."""
    request, host = move.turn.then, move.next.call.host
    if isinstance(request, ReserveTry):
        return isinstance(move.event, TryReserved) and request.guess is Guess.ACCOUNT
    if move.turn.call.state is S.ACCOUNT_ENTRY:
        return move.tried is Guess.ACCOUNT
    given = _handed_over(host)
    paid = given is not None and _paid(flow, host, Customer(id=given, account=given))
    return host.identity is Identity.VERIFIED or paid


def _handed_over(host: Arrival) -> Secret | None:
    """Return the account number that the host handed over, or else the payment's."""
    return host.account or (host.payment.account if host.payment else None)


def _paid(flow: Flow, host: Arrival, customer: Customer) -> bool:
    """Return whether the host's approved payment names the customer's account or an invoice."""
    payment = host.payment
    if payment is None or not payment.approved:
        return False
    if payment.account is not None:
        return _same_number(flow, payment.account, customer.account)
    listed = payment.invoice in {invoice.number for invoice in customer.invoices}
    return listed and _same_number(flow, customer.account, host.account)


def _same_number(flow: Flow, one: Secret, other: Secret | None) -> bool:
    return other is not None and flow.terms.accounts.same(one.reveal(), other.reveal())


def given_back(flow: Flow, move: Move) -> str | None:
    """A try is given back only if the caller proved who they are, or the service did not answer."""
    before, after = move.turn.call, move.next.call
    if len(after.reserved.matched) == len(before.reserved.matched):
        return None
    if isinstance(move.event, Unavailable):
        latest = after.reserved.matched == (*before.reserved.matched, *before.reserved.held[-1:])
        silent = not move.event.answered and isinstance(move.turn.then, SearchByAccountNumber)
        return None if silent and latest else "a try is wrongly given back after a failed request"
    view, state = CallView(after, flow.terms), before.state
    if isinstance(move.event, CustomersFound):
        shown = any(
            facts.calls_from(view, who.phone) or _paid(flow, after.host, who)
            for who in move.event.customers
        )
    elif state is S.IDENTITY_CHECK:
        ending = flow.terms.accounts.last_four
        accounts = {who.account.reveal() for who in before.found}
        shown = sum(ending(account) == keyed(move) for account in accounts) == 1
        calls = any(facts.calls_from(view, who.phone) for who in after.found)
        back = len(after.reserved.matched) - len(before.reserved.matched)
        if after.shown.by_host and not calls and back > 1:
            return "the last four digits alone gave back a try at the whole number"
    else:
        shown = state in (S.NUMBER_CHECK, S.PHONE_CHECK) and facts.both_shown(view)
    return None if shown else f"a try is given back at {state.name} without proof"


def handed_back_as_shown(flow: Flow, move: Move) -> str | None:
    """The identity handed back with an account is no higher than what was proved for it (R47)."""
    if not isinstance(move.next.then, Return):
        return None
    back, host, shown = move.next.then.handback, move.next.call.host, move.next.call.shown
    known = {Identity.CALLER_ID if shown.caller_id else Identity.NONE}
    if back.account is None or _same_number(flow, back.account, _handed_over(host)):
        known.add(host.identity)
    if back.account in shown.by_host:
        known.add(host.identity)
    if back.account is not None and back.account == shown.last_four:
        known.add(Identity.LAST_FOUR_KEYED)
    if back.account in shown.numbers:
        known.add(Identity.ACCOUNT_KEYED)
    if back.identity <= max(known):
        return None
    return f"{back.identity.name} is handed back for an account proved only to {max(known).name}"


def shown_as_it_is(flow: Flow, move: Move) -> str | None:
    """A fact counts only if it was keyed, caller ID showed it, or the host vouches for it (R47)."""
    before, after = move.turn.call.shown, move.next.call.shown
    if after == before:
        return None
    host, call = move.next.call.host, move.turn.call
    customer = CallView(move.next.call, flow.terms).customer
    if set(after.by_host) - set(before.by_host) - _stands_for(flow, move, _handed_over(host)):
        return "an account counted as the host's, although the host never handed it over"
    by_search = _stands_for(flow, move, call.entry.account)
    for number in set(after.numbers) - set(before.numbers) - by_search:
        whole = flow.terms.accounts.read(keyed(move)) or ""
        theirs = flow.terms.accounts.same(whole, number.reveal())
        if call.state is not S.NUMBER_CHECK or not theirs:
            return "an account number counted as proved, although it was not keyed in full"
    if after.last_four != before.last_four and after.last_four is not None:
        ending = flow.terms.accounts.last_four(after.last_four.reveal())
        if call.state is not S.IDENTITY_CHECK or keyed(move) != ending:
            return "the last four digits counted as proved, although they were not keyed"
    by_phone = isinstance(move.turn.then, SearchByCustomerPhoneNumber)
    if after.caller_id and not before.caller_id and not by_phone:
        return "a customer counted as found by caller ID without a caller-ID search"
    if after.phone != before.phone and after.phone is not None:
        theirs = customer is not None and customer.phone == after.phone
        end = last_four(after.phone.reveal())
        if call.state is not S.PHONE_CHECK or not theirs or keyed(move) != end:
            return "a phone number counted as proved, although its last four digits were not keyed"
    return None


def _stands_for(flow: Flow, move: Move, number: Secret | None) -> set[Secret]:
    """Return the accounts that a number identifies: those that a search for it found.

    Without a search, it identifies only the account that the host's payment names.
    """
    request = move.turn.then
    if number is None:
        return set()
    if isinstance(request, SearchByAccountNumber) and isinstance(move.event, CustomersFound):
        found = {customer.account for customer in move.event.customers}
        its_own = {account for account in found if _same_number(flow, account, number)}
        return its_own if request.account == number else set()
    payer = Customer(id=number, account=number)
    return {number} if _paid(flow, move.next.call.host, payer) else set()


def two_facts(flow: Flow, move: Move) -> str | None:
    """Two facts are proved before anything goes to an address or number the caller gave (R17, R47).

    This does not apply if the host vouches for the caller, or if the policy turns it off.
    """
    request, call = move.next.then, move.next.call
    if not isinstance(request, SendWebLink | StoreCustomerPreference | DeferRequest):
        return None
    host, shown = call.host, call.shown
    customer = next(who for who in call.found if who.id == request.customer)
    paid = _paid(flow, host, customer)
    by_payment = host.payment.email if host.payment and paid else None
    on_file = {customer.email, customer.phone, by_payment, None}
    email: Secret | None = getattr(request, "email", None)
    if email in on_file and request.phone in on_file:
        return None
    view, given = CallView(call, flow.terms), customer.account in shown.by_host
    number = customer.account in shown.numbers or (
        given and host.identity >= Identity.ACCOUNT_KEYED
    )
    phone = customer.phone is not None and (
        shown.phone == customer.phone or facts.calls_from(view, customer.phone)
    )
    vouched = paid or (given and host.identity is Identity.VERIFIED)
    if vouched or not flow.terms.policy.proof.two_facts or (number and phone):
        return None
    return f"{type(request).__name__} to what the caller supplied, without two facts"


def fact_is_secret(flow: Flow, move: Move) -> str | None:
    """The call never speaks digits of the number on file that it could still ask for (R47)."""
    said = {s for prompt in move.next.say for _, s in prompt.slots if isinstance(s, Ending)}
    if not said:
        return None
    view = CallView(move.next.call, flow.terms)
    phone = view.customer.phone if view.customer else None
    if phone is None or facts.both_shown(view) or facts.phone_shown(view):
        return None
    return (
        "the call speaks digits the caller could still be asked for"
        if Ending(phone) in said
        else None
    )


def texts_stay_near(flow: Flow, move: Move) -> str | None:
    """Texts go only to ordinary or allowed toll-free numbers in the policy's countries (R47)."""
    request, text = move.next.then, flow.terms.policy.text
    if not isinstance(request, SendWebLink):
        return None
    number = request.phone.reveal()
    allowed = textable(number, text.regions, toll_free=text.to_toll_free)
    return None if allowed else "a text to a number that must not get texts"


INVARIANTS: Mapping[str, Invariant] = {
    "each consent is a separate key press, in time, after the whole question": own_yes,
    "a late or repeated answer changes nothing": late_is_nothing,
    "keys pressed ahead of a consent are discarded": one_key_waits,
    "every write and every deferred request has its consent": write_has_consent,
    "a consent has one write key, and its write is resent only if the bill is on paper": once,
    "nothing personal before identity is proved": nothing_personal_first,
    "the call says nothing was changed only if nothing was": unchanged_is_unchanged,
    "back to paper is promised only if it is possible": promised_back,
    "a placeholder number identifies no one": nobody_is_nobody,
    "a pause in an entry neither ends it nor costs a try": pause_is_nothing,
    "a payment card is neither kept nor sent": card_is_not_kept,
    "no two choices are offered in the same words": choices_differ,
    "every counted try is reserved before its question": reserved_first,
    "a try is given back only after proof, or if the service did not answer": given_back,
    "the identity handed back was proved": handed_back_as_shown,
    "a fact counts only if it was proved": shown_as_it_is,
    "an address or number from the caller is used only after two facts are proved": two_facts,
    "the call never speaks digits the caller could still be asked for": fact_is_secret,
    "texts go only to numbers that the policy allows": texts_stay_near,
    "no caller waits long in silence": short_silence,
    "promised keys work": promised_keys_work,
    "a hang-up ends the call at any point": hang_up_anywhere,
    "after a hang-up nothing is said": gone_is_gone,
    "enrolled only if accepted, deferred only if saved or unknown": told_as_it_is,
    "done only if the service says so": done_is_done,
    "the wait for a texted link ends": waits_for_a_text,
}
