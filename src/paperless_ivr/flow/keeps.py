"""Named ways to remember what an event told. Each takes a crossing and gives the changed call.

Budgets (`spent`) only grow; tries are reset by `advance` whenever a state is entered anew.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from paperless_ivr.flow import bills, facts
from paperless_ivr.flow.call import (
    GREETING,
    Call,
    Choosing,
    Consent,
    Contact,
    Entry,
    Purpose,
    Reserved,
    Ringing,
    Shown,
    Source,
    TextPurpose,
)
from paperless_ivr.flow.events import (
    Customer,
    CustomersFound,
    Digits,
    EndedBy,
    HungUp,
    RecordUnavailable,
    TryReserved,
    Unavailable,
)
from paperless_ivr.flow.guards import (
    keyed,
    keyed_here,
    link_finishes,
    spelling,
    stands_for,
)
from paperless_ivr.flow.host import Moment, Outcome, Reason, Registration, Sent
from paperless_ivr.flow.menu import pressed
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.scene import Crossing, Scene
from paperless_ivr.flow.script import HELP, stopped_at, words
from paperless_ivr.flow.states import State as S
from paperless_ivr.keypad import national
from paperless_ivr.secret import Secret, email, phone
from paperless_ivr.secret import account as account_number

Anything = Crossing[Any]
Keep = Callable[[Crossing[Any]], Call]


def named(name: str, keep: Keep) -> Keep:
    """A keep that was made by a function, under a name that reads well in the table."""
    keep.__name__ = name
    return keep


def spend(call: Call, **more: int) -> Call:
    """Takes from a budget."""
    spent = {name: getattr(call.spent, name) + n for name, n in more.items()}
    return evolve(call, spent=evolve(call.spent, **spent))


def because(reason: Reason) -> Keep:
    """Remembers why."""
    return named(
        f"because {reason.value}",
        lambda c: evolve(c.call, results=evolve(c.call.results, reason=_exact(reason, c))),
    )


def _exact(reason: Reason, c: Anything) -> Reason:
    """The reason; where service or record seem down, whether only we were busy (R50)."""
    busy = isinstance(c.event, Unavailable | RecordUnavailable) and c.event.busy
    down = reason in (Reason.SERVICE_DOWN, Reason.RECORD_DOWN)
    return Reason.BUSY if busy and down else reason


# ── keys ─────────────────────────────────────────────────────────────────────────────────


def wrong(c: Anything) -> Call:
    """One more wrong key: told, at the second time with the longer help."""
    call = counted(c)
    return evolve(call, lead=("no_match", *_help(call.state, call.tries.wrong)))


def counted(c: Anything) -> Call:
    """One more wrong key, of which the row says more."""
    tries = evolve(c.call.tries, wrong=c.call.tries.wrong + 1)
    return evolve(c.call, tries=tries, entry=evolve(c.call.entry, so_far=None))


def paused(c: Crossing[Digits]) -> Call:
    """What was keyed before a pause is kept; a star that starts over is one of the repeats."""
    restarts = c.event.keys.reveal().count("*")
    tries = evolve(c.call.tries, repeats=c.call.tries.repeats + restarts)
    return evolve(c.call, tries=tries, entry=evolve(c.call.entry, so_far=Secret(keyed(c))))


def silent(c: Anything) -> Call:
    """One more silence: a short reprompt, then the longer help."""
    tries = evolve(c.call.tries, silence=c.call.tries.silence + 1)
    return evolve(c.call, tries=tries, lead=("no_input", *_help(c.call.state, tries.silence)))


def _help(state: S, times: int) -> tuple[str, ...]:
    return (HELP[state],) if times > 1 and state in HELP else ()


def repeated(c: Anything) -> Call:
    """The question is heard again; in an entry the next wait is longer."""
    tries = evolve(c.call.tries, repeats=c.call.tries.repeats + 1)
    return evolve(c.call, tries=tries, entry=evolve(c.call.entry, more_time=True, so_far=None))


def unused(c: Crossing[Digits]) -> Call:
    """A key that was meant for the host."""
    key = c.event.keys or Secret("#")
    return evolve(c.call, results=evolve(c.call.results, unused=key))


def hung_up(c: Crossing[HungUp]) -> Call:
    """The caller hung up, or the call was taken back."""
    by = c.event.by
    taken_back = by is not EndedBy.CALLER
    results = evolve(c.call.results, hung_up=True, taken_back=taken_back, reason=HUNG_UP[by])
    return evolve(c.call, results=results)


HUNG_UP = {
    EndedBy.CALLER: Reason.CALLER_HUNG_UP,
    EndedBy.HOST: Reason.HOST_CANCELLED,
    EndedBy.SERVER: Reason.SERVER_STOPPED,
}


# ── arrival ──────────────────────────────────────────────────────────────────────────────


def greeted(c: Anything) -> Call:
    """Thanks the caller for calling, where the host has not."""
    if c.call.host.greeted or c.call.host.moment is not Moment.START:
        return c.call
    return evolve(c.call, lead=(GREETING,))


def language(c: Crossing[Digits]) -> Call:
    """The language that was chosen."""
    option = pressed(c, c.event.keys.reveal())
    return evolve(c.call, language=str(option.value) if option else c.language)


def default_language(c: Anything) -> Call:
    """No language was chosen: the policy's default."""
    return evolve(c.call, language=c.policy.languages.default)


# ── who is calling ───────────────────────────────────────────────────────────────────────


def account(c: Crossing[Digits]) -> Call:
    """The account number that was keyed: of its owner nothing is known yet."""
    number = c.terms.accounts.read(keyed(c)) or ""
    entry = evolve(c.call.entry, account=account_number(number), more_time=False)
    return evolve(c.call, entry=entry)


def reserved(c: Crossing[TryReserved]) -> Call:
    """The record has counted a try."""
    before = c.call.reserved
    held = (*before.held, c.call.next_try)
    return evolve(c.call, reserved=evolve(before, made=before.made + 1, held=held))


def _missed(call: Call) -> Call:
    """The latest try hit nothing: it stays counted."""
    return evolve(call, reserved=evolve(call.reserved, held=call.reserved.held[:-1]))


def unanswered(keep: Keep) -> Keep:
    """The same, and the try of a search that the service never answered is given back.

    Nothing was told by it. Whatever came back, though it cannot be used, may have told something.
    """

    def kept(c: Anything) -> Call:
        silent = isinstance(c.event, Unavailable) and not c.event.answered
        return keep(evolve(c, call=_given_back(c.call, latest=True)) if silent else c)

    return named(f"{keep.__name__}, at no try where nothing answered", kept)


def _given_back(call: Call, *, latest: bool = False) -> Call:
    """The caller has shown who they are: what was held is no guess, or the latest of it is none."""
    before = call.reserved
    kept, back = (before.held[:-1], before.held[-1:]) if latest else ((), before.held)
    return evolve(call, reserved=Reserved(before.made, kept, (*before.matched, *back)))


def account_missed(c: Anything) -> Call:
    """An account number that nobody has: one try less."""
    return spend(_missed(evolve(c.call, found=())), accounts=1)


def keyed_customers(c: Crossing[CustomersFound]) -> Call:
    """Found by a number that the caller keyed, here or for the host, or its last four digits.

    That alone gives no try back, else account numbers could be walked; calling from the
    phone on file does.
    """
    found = c.event.customers
    call = evolve(c.call, found=found, shown=_searched_by_account(c))
    theirs = any(facts.calls_from(c, who.phone) or bills.paid_by(c, who) for who in found)
    return _given_back(call) if theirs else call


def _searched_by_account(c: Crossing[CustomersFound]) -> Shown:
    """What a number that was keyed, or handed over, shows."""
    shown = stands_for(c)
    return Shown(numbers=shown) if keyed_here(c) else Shown(by_host=shown)


def payer(c: Anything) -> Call:
    """Who has just paid, as the host handed them over: no search is there to say more."""
    account = c.account or Secret("")
    found = (Customer(id=account, account=account),)
    return evolve(c.call, found=found, shown=Shown(by_host=(account,)))


def customers(c: Crossing[CustomersFound]) -> Call:
    """Found by what only suggests who calls: nothing is shown yet (R17)."""
    by_account = c.call.state is S.ACCOUNT_LOOKUP
    shown = _searched_by_account(c) if by_account else Shown(caller_id=True)
    return evolve(c.call, found=c.event.customers, shown=shown)


def matched(c: Crossing[Digits]) -> Call:
    """The customer whose last four digits were keyed.

    To who keyed the number at the host's own question they are no news: that try stays counted.
    """
    ending = c.terms.accounts.last_four
    theirs = tuple(x for x in c.call.found if ending(x.account.reveal()) == keyed(c))
    shown = evolve(c.call.shown, last_four=theirs[0].account)
    call = evolve(c.call, found=theirs, shown=shown)
    calls = any(facts.calls_from(c, who.phone) for who in theirs)
    return _given_back(call, latest=bool(shown.by_host) and not calls)


def crowded(c: Anything) -> Call:
    """Caller ID is the number of too many accounts: it shows nothing."""
    return evolve(c.call, crowded=True)


def forgotten_account(c: Anything) -> Call:
    """The number that the host handed over, or that was keyed, shows nobody: another is keyed."""
    return _missed(c.call)


def last_four_missed(c: Anything) -> Call:
    """Other last four digits: one try less."""
    return spend(_missed(c.call), last_four=1)


def forgotten(c: Anything) -> Call:
    """Whom the search found is forgotten: the account number is asked for in full.

    All tries at them stay counted, whoever the caller turns out to be.
    """
    return evolve(c.call, found=(), shown=Shown(), reserved=evolve(c.call.reserved, held=()))


def last_four_failed(c: Anything) -> Call:
    """Other last four digits, for the last time: whom the search found is forgotten."""
    return spend(forgotten(c), last_four=1)


# ── which bill ───────────────────────────────────────────────────────────────────────────


def _about(c: Anything, bill: bills.Bill) -> Call:
    choosing = evolve(c.call.choosing, customer=bill.customer, type=bill.type, page=0)
    return evolve(c.call, choosing=choosing)


def only_bill(c: Anything) -> Call:
    """The one bill that there is to speak of."""
    return _about(c, bills.choices(c)[0])


def bill(c: Crossing[Digits]) -> Call:
    """The bill that was chosen."""
    option = pressed(c, c.event.keys.reveal())
    return _about(c, bills.choices(c)[int(option.value) if option else 0])


def pending_bill(c: Anything) -> Call:
    """The first bill whose link waits to be opened."""
    return _about(c, bills.of_status(c, bills.Status.PENDING)[0])


def paperless_bill(c: Anything) -> Call:
    """The first bill that is paperless already."""
    return _about(c, bills.of_status(c, bills.Status.PAPERLESS)[0])


def next_page(c: Anything) -> Call:
    """The next bills, and after the last ones the first again."""
    choosing, size = c.call.choosing, c.policy.bills.per_page
    pages = -(-len(bills.choices(c)) // size)
    turned = evolve(choosing, page=(choosing.page + 1) % pages)
    return spend(evolve(c.call, choosing=turned), pages=1)


def gone(c: Anything) -> Call:
    """The invoice is no longer there: it is dropped."""
    bill = bills.chosen(c)
    choosing = evolve(
        c.call.choosing,
        gone=(*c.call.choosing.gone, bill.invoice or Secret("")),
        customer=None,
        type="",
    )
    return evolve(c.call, choosing=choosing)


def to_paper(c: Anything) -> Call:
    """The talk turns to going back to paper."""
    before = c.call.choosing
    return evolve(c.call, choosing=Choosing(back_to_paper=True, gone=before.gone, done=before.done))


def cancel(c: Anything) -> Call:
    """The link that waits is to be cancelled."""
    return evolve(c.call, choosing=evolve(c.call.choosing, cancelling=True))


# ── which address ────────────────────────────────────────────────────────────────────────


def on_file(c: Anything) -> Call:
    """The address on file: the payment's own where that was for this bill, else the customer's."""
    customer = c.customer
    found, source = (customer.email if customer else None), Source.ON_FILE
    if c.payment_email and bills.paid_for(c):
        found, source = c.payment_email, Source.PAYMENT
    return evolve(c.call, contact=evolve(c.call.contact, source=source, email=found, purpose=None))


def text_link(c: Anything) -> Call:
    """A texted link is to be the way to the address."""
    required = c.policy.address.email_required
    purpose = TextPurpose.TYPE_EMAIL if required else TextPurpose.ENROL
    contact = evolve(c.call.contact, source=Source.LINK, email=None, purpose=purpose)
    return evolve(c.call, contact=contact, results=evolve(c.call.results, text=Sent.NOT_ASKED))


def by_keypad(c: Anything) -> Call:
    """The address is to be keyed."""
    contact = evolve(c.call.contact, source=Source.KEYED, email=None, purpose=None)
    return evolve(c.call, contact=contact, entry=Entry())


def another_address(c: Anything) -> Call:
    """Another address is wanted: the one that was spoken of is left."""
    return spend(_left(c), addresses=1)


def address_refused(c: Anything) -> Call:
    """The service refused the address, once."""
    call = _left(c)
    return evolve(call, contact=evolve(call.contact, bad_email=True))


def _left(c: Anything) -> Call:
    contact = c.call.contact
    used = {
        Source.PAYMENT: Strategy.ON_FILE,
        Source.ON_FILE: Strategy.ON_FILE,
        Source.LINK: Strategy.TEXT_LINK,
    }.get(contact.source or Source.KEYED)
    tried = contact.used if used is None else (*contact.used, used)
    return evolve(c.call, contact=Contact(used=tried, bad_email=contact.bad_email))


def keypad_left(c: Anything) -> Call:
    """Keying the address is given up."""
    contact = Contact(used=(*c.call.contact.used, Strategy.KEYPAD))
    return evolve(c.call, contact=contact, entry=Entry())


def person_tried(c: Anything) -> Call:
    """A person is the next way to an address."""
    contact = evolve(c.call.contact, used=(*c.call.contact.used, Strategy.PERSON))
    return wants(Reason.NO_ADDRESS_LEFT, S.NO_CONTACT)(
        evolve(c, call=evolve(c.call, contact=contact))
    )


# ── e-mail by keypad ─────────────────────────────────────────────────────────────────────


def spelt_so_far(c: Crossing[Digits]) -> Call:
    """Keys of an address, kept while the caller looks for the next one."""
    pad = c.terms.pad
    spelt = pad.spell(spelling(c))
    so_far = Secret(pad.code(spelt.text) + spelt.rest)
    return spend(evolve(c.call, entry=evolve(c.call.entry, so_far=so_far)), pauses=1)


def half_a_code(c: Crossing[Digits]) -> Call:
    """Half a code, kept while the caller looks for its other key."""
    entry = evolve(c.call.entry, so_far=Secret(spelling(c)))
    return spend(evolve(c.call, entry=entry), pauses=1)


def spelt_unclear(c: Crossing[Digits]) -> Call:
    """What could be read is kept; the rest is dropped, and counted as a wrong key."""
    text = c.terms.pad.spell(spelling(c)).text
    entry = evolve(c.call.entry, so_far=Secret(c.terms.pad.code(text)))
    return evolve(counted(c), entry=entry)


def spelling_cleared(c: Anything) -> Call:
    """What was spelt is dropped: too long."""
    return evolve(counted(c), entry=evolve(c.call.entry, so_far=None))


def local(c: Crossing[Digits]) -> Call:
    """The part before the at-sign."""
    spelt = Secret(c.terms.pad.spell(spelling(c)).text)
    return evolve(c.call, entry=Entry(local=spelt, domain=c.call.entry.domain))


def domain(c: Crossing[Digits]) -> Call:
    """The part after the at-sign, by one key."""
    option = pressed(c, c.event.keys.reveal())
    chosen = Secret(str(option.value) if option else "")
    return evolve(c.call, entry=Entry(local=c.call.entry.local, domain=chosen))


def spelt_domain(c: Crossing[Digits]) -> Call:
    """The part after the at-sign, spelt."""
    spelt = Secret(c.terms.pad.spell(spelling(c)).text)
    return evolve(c.call, entry=Entry(local=c.call.entry.local, domain=spelt))


def stopped(c: Crossing[Digits]) -> Call:
    """The caller stopped the read-back at a character, or at the domain."""
    entry = evolve(c.call.entry, at=stopped_at(c, c.event.heard), so_far=None)
    return spend(evolve(c.call, entry=entry), fixes=1)


def from_the_start(c: Anything) -> Call:
    """The address is heard again from its first character."""
    return evolve(repeated(c), entry=evolve(c.call.entry, at=0))


def spell_again(c: Anything) -> Call:
    """The address is spelt anew."""
    return spend(evolve(c.call, entry=Entry()), fixes=1)


def one_back(c: Anything) -> Call:
    """One character back."""
    return evolve(c.call, entry=evolve(c.call.entry, at=c.call.entry.at - 1))


def change(c: Anything) -> Call:
    """The character is to be another one."""
    return evolve(c.call, entry=evolve(c.call.entry, insert=False))


def insert(c: Anything) -> Call:
    """A character is missing before this one."""
    return evolve(c.call, entry=evolve(c.call.entry, insert=True))


def removed(c: Anything) -> Call:
    """One character too many."""
    return _mended(c, "", 1)


def character(c: Crossing[Digits]) -> Call:
    """The character that was spelt, put in or put in its place."""
    spelt = c.terms.pad.spell(spelling(c)).text
    return _mended(c, spelt, 0 if c.call.entry.insert else 1)


def _mended(c: Anything, text: str, skip: int) -> Call:
    entry = c.call.entry
    before = entry.local.reveal() if entry.local else ""
    after = before[: entry.at] + text + before[entry.at + skip :]
    return evolve(c.call, entry=evolve(entry, local=Secret(after), insert=False))


def keyed_address(c: Anything) -> Call:
    """The address that was keyed, heard and found right."""
    entry, pad = c.call.entry, c.terms.pad
    whole = pad.address(
        entry.local.reveal() if entry.local else "", entry.domain.reveal() if entry.domain else ""
    )
    contact = evolve(c.call.contact, source=Source.KEYED, email=email(whole or ""))
    return evolve(c.call, contact=contact)


# ── two facts before an address of the caller's own ──────────────────────────────────────


def number_matched(c: Anything) -> Call:
    """The whole account number was keyed."""
    theirs = (c.customer.account,) if c.customer else ()
    return _fact(c, evolve(c.call.shown, numbers=(*c.call.shown.numbers, *theirs)))


def phone_matched(c: Anything) -> Call:
    """The last four digits of the phone number on file were keyed."""
    return _fact(c, evolve(c.call.shown, phone=c.customer.phone if c.customer else None))


def _fact(c: Anything, shown: Shown) -> Call:
    call = evolve(c.call, shown=shown)
    return _given_back(call) if facts.both_shown(Scene(call, c.terms)) else call


def fact_missed(c: Anything) -> Call:
    """Something else was keyed: one try less."""
    return spend(_missed(c.call), facts=1)


def fact_failed(c: Anything) -> Call:
    """Something else was keyed, for the last time."""
    return unproved(evolve(c, call=fact_missed(c)))


def unproved(c: Anything) -> Call:
    """What is missing cannot be shown: only what is on file is used."""
    return evolve(c.call, shown=evolve(c.call.shown, gave_up=True))


# ── texts ────────────────────────────────────────────────────────────────────────────────


def number_keyed(c: Crossing[Digits]) -> Call:
    """A telephone number, to be read back."""
    number = national(keyed(c), c.policy.text.region) or ""
    return evolve(c.call, entry=Entry(phone=phone(number)))


def number_confirmed(c: Anything) -> Call:
    """The number was read back and found right."""
    contact = evolve(c.call.contact, phone=c.call.entry.phone)
    return evolve(c.call, contact=contact, entry=Entry())


def number_on_file(c: Anything) -> Call:
    """The number on file, unless one was keyed."""
    return evolve(c.call, contact=evolve(c.call.contact, phone=facts.number_to_text(c)))


def another_number(c: Anything) -> Call:
    """Another number is wanted."""
    contact = evolve(c.call.contact, phone=None)
    return spend(evolve(c.call, contact=contact, entry=Entry()), numbers=1)


def number_refused(c: Anything) -> Call:
    """The service cannot text that number: another one, with its own yes."""
    call = another_number(c)
    return evolve(call, results=evolve(call.results, text=Sent.NOT_ASKED))


def text_limited(c: Anything) -> Call:
    """No more texts: no other number is asked for either."""
    call = text(Sent.REFUSED)(c)
    return evolve(call, spent=evolve(call.spent, numbers=c.policy.text.other_numbers))


def link_left(c: Anything) -> Call:
    """The texted link is no way to the address, and no text is offered later."""
    call = _left(c)
    if call.results.text is not Sent.NOT_ASKED:
        return call
    return evolve(call, results=evolve(call.results, text=Sent.DECLINED))


def text_offered(c: Anything) -> Call:
    """A text is spoken of: to finish what was kept, or to confirm what was done."""
    purpose = TextPurpose.ENROL if link_finishes(c) else TextPurpose.CONFIRM
    return evolve(c.call, contact=evolve(c.call.contact, purpose=purpose))


def resend(c: Anything) -> Call:
    """The link is to be texted once more."""
    return evolve(c.call, contact=evolve(c.call.contact, purpose=TextPurpose.REVIEW))


def text(outcome: Sent) -> Keep:
    """What became of the text."""
    return named(f"text {outcome.value}", lambda c: _texted(c, outcome))


def _texted(c: Anything, outcome: Sent) -> Call:
    """A link that was texted finishes a wish that is kept for want of an operation."""
    results = evolve(c.call.results, text=outcome)
    if outcome is Sent.DONE and c.call.contact.purpose is TextPurpose.ENROL and results.outcomes:
        last = evolve(results.outcomes[-1], registration=Registration.LINK)
        results = evolve(results, outcomes=(*results.outcomes[:-1], last))
    return evolve(c.call, results=results)


# ── consent and enrolment ────────────────────────────────────────────────────────────────


def consent(purpose: Purpose) -> Keep:
    """Mints a consent: to what, in which words, with which key (R09, R30)."""
    return named(f"consent to {purpose.value}", lambda c: _consented(c, purpose))


def _reference(call: Call) -> str:
    """The name of the next consent: no other of the call has it, in any hand-over."""
    return f"{call.host.reference}-{len(call.consents) + 1}"


def _consented(c: Crossing[Digits], purpose: Purpose) -> Call:
    call, customer = c.call, c.customer
    asked = [p for p in words(c) if p.must_hear]
    contact = call.contact
    enrolling = purpose is Purpose.ENROL
    texting = purpose is Purpose.TEXT or (enrolling and contact.source is Source.LINK)
    minted = Consent(
        reference=_reference(call),
        biller=call.host.biller,
        purpose=purpose,
        prompts=tuple(p.name for p in asked),
        slots=tuple(slot for p in asked for slot in p.slots),
        key=c.event.keys.reveal(),
        language=c.language,
        customer=customer.id if customer else Secret(""),
        account=customer.account if customer else Secret(""),
        invoice_type=call.choosing.type,
        email=contact.email if enrolling else None,
        phone=contact.phone if texting else None,
    )
    return evolve(call, consents=(*call.consents, minted))


def came_to(registration: Registration) -> Keep:
    """What became of the bill that the caller agreed about."""
    return named(f"came to {registration.value}", lambda c: _came_to(c, registration))


def _came_to(c: Anything, registration: Registration) -> Call:
    call = c.call
    yes = next(
        x for x in reversed(call.consents) if x.purpose in (Purpose.ENROL, Purpose.BACK_TO_PAPER)
    )
    outcome = Outcome(yes.customer, yes.account, yes.invoice_type, registration, yes.reference)
    others = tuple(
        o
        for o in call.results.outcomes
        if (o.customer, o.invoice_type) != (yes.customer, yes.invoice_type)
    )
    bill = (call.choosing.customer or 0, call.choosing.type)
    results = evolve(call.results, outcomes=(*others, outcome))
    return evolve(
        call, results=results, choosing=evolve(call.choosing, done=(*call.choosing.done, bill))
    )


def turned_out_done(c: Anything) -> Call:
    """A look-up, or a second sending, showed that the write was done."""
    call = _came_to(c, Registration.PENDING)
    return evolve(call, results=evolve(call.results, reason=Reason.NONE, lost=False))


def kept(c: Anything) -> Call:
    """The record keeps the wish: for the texted link, for the relay, or for want of an answer."""
    if c.call.results.lost:
        return _came_to(c, Registration.UNKNOWN)
    by_link = c.call.contact.source is Source.LINK and c.call.results.text is Sent.DONE
    return _came_to(c, Registration.LINK if by_link else Registration.KEPT)


def paper_wanted(c: Anything) -> Call:
    """The record keeps the wish for paper."""
    return _came_to(c, Registration.UNKNOWN if c.call.results.lost else Registration.KEPT)


def paper_kept(c: Anything) -> Call:
    """The record keeps the wish for paper; a person could do it at once."""
    call = paper_wanted(c)
    return wants(Reason.NO_OPERATION, S.OPT_OUT_REQUESTED)(evolve(c, call=call))


def unknown(c: Anything) -> Call:
    """The answer to the write was lost."""
    results = evolve(c.call.results, reason=Reason.OUTCOME_UNKNOWN, lost=True)
    return evolve(c.call, results=results)


# ── afterwards ───────────────────────────────────────────────────────────────────────────


def autopay(outcome: Sent) -> Keep:
    """What became of AutoPay."""
    return named(
        f"autopay {outcome.value}",
        lambda c: evolve(c.call, results=evolve(c.call.results, autopay=outcome)),
    )


def another(c: Anything) -> Call:
    """One more bill: its own address, its own consent."""
    choosing = Choosing(gone=c.call.choosing.gone, done=c.call.choosing.done)
    results = evolve(c.call.results, reason=Reason.NONE, lost=False)
    call = evolve(c.call, choosing=choosing, contact=Contact(), results=results)
    return spend(call, another=1)


# ── a person ─────────────────────────────────────────────────────────────────────────────


def wants(reason: Reason, otherwise: S) -> Keep:
    """A person would help; `otherwise` is the ending if nobody does."""

    def keep(c: Anything) -> Call:
        exact = _exact(reason, c)
        ringing = Ringing(exact, None, otherwise)
        return evolve(c.call, ringing=ringing, results=evolve(c.call.results, reason=exact))

    return named(f"wants a person: {reason.value}", keep)


def asks_for_person(c: Anything) -> Call:
    """The caller pressed 0 at this question."""
    ringing = Ringing(Reason.CALLER_ASKED, c.call.state)
    return evolve(c.call, ringing=ringing)


def nobody(c: Anything) -> Call:
    """Nobody is free: one asking less."""
    return spend(evolve(c.call, ringing=Ringing()), people=1)


def nobody_at_all(c: Anything) -> Call:
    """Nobody is free, and the call goes on without."""
    return spend(c.call, people=1)


def used_up(c: Anything) -> Call:
    """Tries are used up: a person is asked for."""
    ringing = Ringing(Reason.TRIES_USED_UP, None, S.INCOMPLETE)
    return evolve(
        c.call, ringing=ringing, results=evolve(c.call.results, reason=Reason.TRIES_USED_UP)
    )


def put_through(c: Anything) -> Call:
    """A person has the call."""
    reason = c.call.ringing.reason
    return evolve(c.call, results=evolve(c.call.results, reason=reason))
