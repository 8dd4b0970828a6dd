"""The call, state by state: every state, and every way out of it.

Read a block as: in this state, on this event, when the guard holds, to that state. The first row
that fits is taken. `HERE` asks again; `keep` is what is remembered, `say` what is heard on the
way. Ways out that many states share are written once, below.
"""

from collections.abc import Sequence

from paperless_ivr.flow import facts
from paperless_ivr.flow import guards as g
from paperless_ivr.flow import keeps as k
from paperless_ivr.flow.call import Purpose
from paperless_ivr.flow.events import (
    Accepted,
    Arrived,
    CustomersFound,
    Digits,
    HungUp,
    InvoiceChecked,
    LimitReached,
    NoInput,
    OutcomeUnknown,
    RecordUnavailable,
    Refusal,
    Refused,
    Screened,
    TransferEnded,
    TryReserved,
    Unavailable,
    WishKept,
)
from paperless_ivr.flow.guards import both
from paperless_ivr.flow.host import Reason, Registration, Sent
from paperless_ivr.flow.options import Choice
from paperless_ivr.flow.policy import Strategy
from paperless_ivr.flow.rows import HERE, On, Row, Table
from paperless_ivr.flow.states import ASKING
from paperless_ivr.flow.states import State as S

Rows = Sequence[Row]

yes, no, other = g.chose(Choice.YES), g.chose(Choice.NO), g.chose(Choice.OTHER)

# ── ways out that many states share ──────────────────────────────────────────────────────

HANGING_UP: Rows = (On(HungUp, S.ABANDONED, keep=k.hung_up),)
"""The call is taken away, and nothing was under way."""

UNDER_WAY: Rows = (On(HungUp, HERE, keep=k.hung_up),)
"""The call is taken away during a write: it is finished and recorded, and nothing more is said."""

LEAVE: Rows = (On(Digits, S.LEAVING, when=g.pound),)
"""`#` with nothing keyed leaves (R15)."""

PERSON: Rows = (
    On(Digits, S.TRANSFERRING, when=both(g.zero, g.person), keep=k.asks_for_person),
    On(Digits, HERE, when=g.zero, keep=k.nobody, say="nobody_free"),
)
"""0 reaches a person where one is available (R15)."""

HELP_KEYS: Rows = (*LEAVE, *PERSON)

WRONG: Rows = (
    On(Digits, S.GIVEN_UP, when=g.wrong_used_up),
    On(Digits, HERE, keep=k.wrong),
)

SILENCE: Rows = (
    On(NoInput, S.GIVEN_UP, when=g.silence_used_up),
    On(NoInput, HERE, keep=k.silent),
)

REPEAT: Rows = (On(Digits, HERE, when=g.star, keep=k.repeated),)
"""`*` repeats."""

MORE_TIME: Rows = (On(Digits, HERE, when=g.star, keep=k.repeated, say="take_your_time"),)
"""`*` in an entry: start over, with more time."""

MENU: Rows = (*REPEAT, *HELP_KEYS, *WRONG, *SILENCE, *HANGING_UP)
"""What every question with a menu shares."""


def entry(unclear: str, leave: Rows = LEAVE) -> Rows:
    """What every entry shares; `unclear` says what was wrong with the keys."""
    return (
        *MORE_TIME,
        *leave,
        *PERSON,
        On(Digits, HERE, when=g.paused, keep=k.paused),
        On(Digits, S.GIVEN_UP, when=g.wrong_used_up),
        On(Digits, HERE, keep=k.counted, say=unclear),
        *SILENCE,
        *HANGING_UP,
    )


def account_number(*found: Row, leave: Rows = LEAVE) -> Rows:
    """What the questions for a whole account number share: what is none is said as what it is."""
    return (
        *found,
        On(Digits, HERE, when=g.card_before_pause, keep=k.repeated, say="not_a_card"),
        On(Digits, S.GIVEN_UP, when=both(g.is_card, g.wrong_used_up)),
        On(Digits, HERE, when=g.is_card, keep=k.counted, say="not_a_card"),
        On(
            Digits,
            HERE,
            when=both(g.is_mistyped, g.no(g.wrong_used_up)),
            keep=k.counted,
            say="account_mistyped",
        ),
        *entry("account_length", leave),
    )


CANNOT_SHOW: Rows = (
    On(Digits, S.NEW_CONTACT, when=g.pound, keep=k.unproved, say="on_file_only"),
)
"""`#` where a fact is asked for: the caller does not know it, and goes on without."""


def missed_fact(keyed: g.Guard[Digits]) -> Rows:
    """The fact that was asked for was keyed, and is another one."""
    return (
        On(
            Digits,
            S.FACT_LIMIT,
            when=both(keyed, g.facts_left),
            keep=k.fact_missed,
            say="last_four_missed",
        ),
        On(Digits, S.NEW_CONTACT, when=keyed, keep=k.fact_failed, say="on_file_only"),
    )


def spelling(unclear: str) -> Rows:
    """What the entries by the two-key code share: there `*` deletes, and what is spelt is kept."""
    return (
        On(Digits, HERE, when=g.nothing_spelt, keep=k.repeated, say="take_your_time"),
        On(Digits, HERE, when=g.spelling_goes_on, keep=k.spelt_so_far, say="spelling_so_far"),
        On(Digits, HERE, when=g.code_goes_on, keep=k.half_a_code),
        *HELP_KEYS,
        On(Digits, S.GIVEN_UP, when=g.wrong_used_up),
        On(Digits, HERE, when=g.too_long, keep=k.spelling_cleared, say="spelling_too_long"),
        On(Digits, HERE, when=g.spelling_begun, keep=k.spelt_unclear, say=unclear),
        On(Digits, HERE, keep=k.wrong),
        *SILENCE,
        *HANGING_UP,
    )


def agreeing(*agreed: Row) -> Rows:
    """A question whose yes is a consent: too early a yes is none (R09)."""
    return (
        *agreed,
        On(Digits, HERE, when=both(yes, g.no(g.wrong_used_up)), keep=k.counted, say="listen_first"),
    )


DOWN_BEFORE_CONSENT: Rows = (
    On(
        (Unavailable, OutcomeUnknown),
        S.PERSON_OFFER,
        when=g.person,
        keep=k.unanswered(k.wants(Reason.SERVICE_DOWN, S.UNAVAILABLE)),
        say="service_down",
    ),
    On(
        (Unavailable, OutcomeUnknown),
        S.UNAVAILABLE,
        keep=k.unanswered(k.because(Reason.SERVICE_DOWN)),
    ),
)
"""The service cannot be reached, and nothing was agreed: nothing is kept (R10)."""


REFUSED_FOR_GOOD: Rows = (
    On(
        Refused,
        S.PERSON_OFFER,
        when=g.person,
        keep=k.wants(Reason.SERVICE_REFUSED, S.FAILED),
        say="service_refused",
    ),
    On(Refused, S.FAILED, keep=k.because(Reason.SERVICE_REFUSED)),
)

SEARCHING: Rows = (
    *DOWN_BEFORE_CONSENT,
    *REFUSED_FOR_GOOD,
    *HANGING_UP,
)
"""What every look-up shares."""

NO_TRY_LEFT: Rows = (
    On(
        LimitReached,
        S.PERSON_OFFER,
        when=g.person,
        keep=k.wants(Reason.LIMIT_REACHED, S.NOT_IDENTIFIED),
        say="too_many_tries",
    ),
    On(LimitReached, S.NOT_IDENTIFIED, keep=k.because(Reason.LIMIT_REACHED), say="too_many_tries"),
    On(
        RecordUnavailable,
        S.PERSON_OFFER,
        when=g.person,
        keep=k.wants(Reason.RECORD_DOWN, S.UNAVAILABLE),
        say="service_down",
    ),
    On(RecordUnavailable, S.UNAVAILABLE, keep=k.because(Reason.RECORD_DOWN)),
    *HANGING_UP,
)
"""No account number may be tried, or the record cannot say whether one may."""

NOT_RECORDED: Rows = (
    On(
        RecordUnavailable,
        S.PERSON_OFFER,
        when=g.person,
        keep=k.wants(Reason.RECORD_DOWN, S.FAILED),
        say="service_refused",
    ),
    On(RecordUnavailable, S.FAILED, keep=k.because(Reason.RECORD_DOWN)),
)
"""What cannot be recorded is not done."""

BAD_EMAIL: Rows = (
    On(Refused, S.ADDRESS, when=g.bad_email_first, keep=k.address_refused, say="address_refused"),
)

REFUSALS: Rows = (
    On(Refused, S.ALREADY_MENU, when=both(g.refused_as(Refusal.ALREADY_PAPERLESS), g.paper_by_phone)),
    On(Refused, S.ALREADY_PAPERLESS, when=g.refused_as(Refusal.ALREADY_PAPERLESS)),
    On(Refused, S.PENDING_MENU, when=g.refused_as(Refusal.PENDING)),
    *BAD_EMAIL,
    *REFUSED_FOR_GOOD,
)

# ── the table ────────────────────────────────────────────────────────────────────────────

FLOW: Table = {
    # ── Arrival and offer ──
    S.GREETING: (
        On(Arrived, S.NOT_OFFERED, when=g.payment_not_approved, keep=k.because(Reason.PAYMENT_NOT_APPROVED)),
        On(Arrived, S.NOT_OFFERED, when=g.moment_off, keep=k.because(Reason.MOMENT_NOT_OFFERED)),
        On(Arrived, S.NOT_OFFERED, when=g.type_not_eligible, keep=k.because(Reason.TYPE_NOT_ELIGIBLE)),
        On(Arrived, S.LANGUAGE, when=g.language_open, keep=k.greeted),
        On(Arrived, S.ACCOUNT, when=g.wants_paper, keep=k.greeted),
        On(Arrived, S.SCREENING, keep=k.greeted),
    ),
    S.LANGUAGE: (
        On(Digits, S.ACCOUNT, when=both(g.chose(Choice.LANGUAGE), g.wants_paper), keep=k.language),
        On(Digits, S.SCREENING, when=g.chose(Choice.LANGUAGE), keep=k.language),
        On(NoInput, S.ACCOUNT, when=g.wants_paper, keep=k.default_language),
        On(NoInput, S.SCREENING, keep=k.default_language),
        *REPEAT, *HELP_KEYS, *WRONG, *HANGING_UP,
    ),
    S.SCREENING: (
        On(Screened, S.NOT_OFFERED, when=g.asked_lately, keep=k.because(Reason.ASKED_LATELY)),
        On((Screened, RecordUnavailable), S.OFFER_AT_START, when=g.at_start),
        On((Screened, RecordUnavailable), S.OFFER),
        *HANGING_UP,
    ),
    S.OFFER_AT_START: (
        On(Digits, S.ACCOUNT, when=yes),
        On(Digits, S.IGNORED, keep=k.unused),
        On(NoInput, S.IGNORED),
        *HANGING_UP,
    ),
    S.OFFER: (
        On(Digits, S.ACCOUNT, when=yes),
        On(Digits, S.DECLINED, when=no),
        On(NoInput, S.IGNORED, when=g.silent_before),
        On(NoInput, HERE, keep=k.silent),
        *REPEAT, *HELP_KEYS, *WRONG, *HANGING_UP,
    ),
    # ── Who is calling ──
    S.ACCOUNT: (
        On(Arrived, S.PERSON_OFFER, when=both(g.paper_not_by_phone, g.person),
           keep=k.wants(Reason.OPT_OUT_NOT_BY_PHONE, S.NOT_OFFERED), say="paper_not_by_phone"),
        On(Arrived, S.NOT_OFFERED, when=g.paper_not_by_phone,
           keep=k.because(Reason.OPT_OUT_NOT_BY_PHONE), say="paper_not_by_phone"),
        On(Arrived, S.INVOICE, when=g.payer_is_known, keep=k.payer),
        On(Arrived, S.UNAVAILABLE, when=g.no_search, keep=k.because(Reason.NO_OPERATION)),
        On(Arrived, S.ACCOUNT_LOOKUP, when=both(g.account_given, facts.handed_over_vouched)),
        On(Arrived, S.HANDED_OVER_LIMIT, when=g.account_given),
        On(Arrived, S.PHONE_LOOKUP, when=g.phone_searchable),
        On(Arrived, S.ACCOUNT_LIMIT),
    ),
    S.HANDED_OVER_LIMIT: (On(TryReserved, S.ACCOUNT_LOOKUP, keep=k.reserved), *NO_TRY_LEFT),
    S.ACCOUNT_LOOKUP: (
        On(CustomersFound, S.ACCOUNT_LIMIT, when=both(g.number_of_nobody, g.no(g.keyed_here)), keep=k.forgotten_account),
        On(CustomersFound, S.ACCOUNT_LIMIT, when=both(g.number_of_nobody, g.account_tries_left),
           keep=k.account_missed, say="account_not_found"),
        On(CustomersFound, S.PERSON_OFFER, when=both(g.number_of_nobody, g.person),
           keep=k.wants(Reason.ACCOUNT_NOT_FOUND, S.NOT_IDENTIFIED), say="account_not_found"),
        On(CustomersFound, S.NOT_IDENTIFIED, when=g.number_of_nobody,
           keep=k.because(Reason.ACCOUNT_NOT_FOUND), say="account_not_found"),
        On(CustomersFound, S.INVOICE, when=g.account_shown, keep=k.keyed_customers),
        On(CustomersFound, S.LAST_FOUR_LIMIT, when=g.few_found, keep=k.customers),
        On(CustomersFound, S.ACCOUNT_LIMIT, keep=k.forgotten_account),
        *SEARCHING,
    ),
    S.PHONE_LOOKUP: (
        On(CustomersFound, S.ACCOUNT_LIMIT, when=g.nobody_found),
        On(CustomersFound, S.LAST_FOUR_LIMIT, when=g.few_found, keep=k.customers),
        On(CustomersFound, S.ACCOUNT_LIMIT, keep=k.crowded),
        On(Refused, S.ACCOUNT_LIMIT),
        *DOWN_BEFORE_CONSENT,
        *HANGING_UP,
    ),
    S.ACCOUNT_LIMIT: (On(TryReserved, S.ACCOUNT_ENTRY, keep=k.reserved), *NO_TRY_LEFT),
    S.ACCOUNT_ENTRY: account_number(On(Digits, S.ACCOUNT_LOOKUP, when=g.is_account, keep=k.account)),
    S.LAST_FOUR_LIMIT: (
        On(TryReserved, S.IDENTITY_CHECK, keep=k.reserved),
        On((LimitReached, RecordUnavailable), S.ACCOUNT_LIMIT, keep=k.forgotten, say="account_instead"),
        *HANGING_UP,
    ),
    S.IDENTITY_CHECK: (
        On(Digits, S.INVOICE, when=g.one_match, keep=k.matched),
        On(Digits, S.ACCOUNT_LIMIT, when=g.two_match, keep=k.forgotten, say="account_instead"),
        On(Digits, S.LAST_FOUR_LIMIT, when=both(g.four_keys, g.last_four_left),
           keep=k.last_four_missed, say="last_four_missed"),
        On(Digits, S.ACCOUNT_LIMIT, when=g.four_keys, keep=k.last_four_failed, say="account_instead"),
        *entry("last_four_missed"),
    ),
    # ── Which bill ──
    S.INVOICE: (
        On(Arrived, S.INVOICE_SELECTION, when=g.several_bills),
        On(Arrived, S.OPT_OUT_CONFIRM, when=both(g.one_bill, g.to_paper), keep=k.only_bill),
        On(Arrived, S.ADDRESS, when=both(g.one_bill, g.no_check), keep=k.only_bill),
        On(Arrived, S.INVOICE_CHECK, when=g.one_bill, keep=k.only_bill),
        On(Arrived, S.DONE, when=g.settled),
        On(Arrived, S.INELIGIBLE, when=g.to_paper, say="all_on_paper"),
        On(Arrived, S.PENDING_MENU, when=g.a_bill_pending, keep=k.pending_bill),
        On(Arrived, S.ALREADY_MENU, when=both(g.a_bill_paperless, g.paper_by_phone), keep=k.paperless_bill),
        On(Arrived, S.ALREADY_PAPERLESS, when=g.a_bill_paperless, keep=k.paperless_bill),
        On(Arrived, S.INELIGIBLE),
    ),
    S.INVOICE_SELECTION: (
        On(Digits, S.OPT_OUT_CONFIRM, when=both(g.chose(Choice.BILL), g.to_paper), keep=k.bill),
        On(Digits, S.ADDRESS, when=both(g.chose(Choice.BILL), g.no_check), keep=k.bill),
        On(Digits, S.INVOICE_CHECK, when=g.chose(Choice.BILL), keep=k.bill),
        On(Digits, HERE, when=g.chose(Choice.MORE), keep=k.next_page),
        *MENU,
    ),
    S.INVOICE_CHECK: (
        On(InvoiceChecked, S.ADDRESS, when=g.there),
        On(InvoiceChecked, S.INVOICE, keep=k.gone, say="bill_gone"),
        On((Unavailable, OutcomeUnknown, Refused), S.ADDRESS),
        *HANGING_UP,
    ),
    # ── Which address ──
    S.ADDRESS: (
        On(Arrived, S.DONE, when=g.hung_up),
        On(Arrived, S.CONFIRMATION, when=g.next_is(Strategy.ON_FILE), keep=k.on_file),
        On(Arrived, S.TEXT_NUMBER, when=g.next_is(Strategy.TEXT_LINK), keep=k.text_link),
        On(Arrived, S.NEW_CONTACT, when=g.next_is(Strategy.KEYPAD), keep=k.by_keypad),
        On(Arrived, S.PERSON_OFFER, when=g.next_is(Strategy.PERSON), keep=k.person_tried, say="person_for_address"),
        On(Arrived, S.NO_CONTACT, keep=k.because(Reason.NO_ADDRESS_LEFT)),
    ),
    S.NEW_CONTACT: (
        On(Arrived, S.PHONE_CAPTURE, when=both(facts.both_shown, g.for_number)),
        On(Arrived, S.EMAIL_LOCAL, when=facts.both_shown),
        On(Arrived, S.FACT_LIMIT, when=facts.can_show),
        On(Arrived, S.TEXT_DECLINED, when=g.for_number),
        On(Arrived, S.ADDRESS, keep=k.keypad_left),
    ),
    S.FACT_LIMIT: (
        On(TryReserved, S.PHONE_CHECK, when=facts.number_shown, keep=k.reserved),
        On(TryReserved, S.NUMBER_CHECK, keep=k.reserved),
        On((LimitReached, RecordUnavailable), S.NEW_CONTACT, keep=k.unproved, say="on_file_only"),
        *HANGING_UP,
    ),
    S.NUMBER_CHECK: account_number(
        On(Digits, S.NEW_CONTACT, when=g.number_matches, keep=k.number_matched),
        *missed_fact(g.is_account),
        leave=CANNOT_SHOW,
    ),
    S.PHONE_CHECK: (
        On(Digits, S.NEW_CONTACT, when=g.phone_matches, keep=k.phone_matched),
        *missed_fact(g.four_keys),
        *entry("last_four_missed", leave=CANNOT_SHOW),
    ),
    # ── E-mail by keypad ──
    S.EMAIL_LOCAL: (
        On(Digits, S.EMAIL_DOMAIN, when=g.spelt_local, keep=k.local),
        *spelling("spelling_unclear"),
    ),
    S.EMAIL_DOMAIN: (
        On(Digits, S.EMAIL_READBACK, when=g.chose(Choice.DOMAIN), keep=k.domain),
        On(Digits, S.EMAIL_DOMAIN_ENTRY, when=other),
        *MENU,
    ),
    S.EMAIL_DOMAIN_ENTRY: (
        On(Digits, S.EMAIL_READBACK, when=g.spelt_domain, keep=k.spelt_domain),
        *spelling("spelling_unclear"),
    ),
    S.EMAIL_READBACK: (
        *agreeing(On(Digits, S.CONFIRMATION, when=both(yes, g.heard), keep=k.keyed_address)),
        On(Digits, S.EMAIL_DOMAIN, when=both(g.chose(Choice.STOP), g.at_domain), keep=k.stopped),
        On(Digits, S.EMAIL_FIX, when=g.chose(Choice.STOP), keep=k.stopped),
        On(Digits, S.EMAIL_LOCAL, when=g.chose(Choice.AGAIN), keep=k.spell_again),
        On(Digits, S.ADDRESS, when=g.fixes_used_up, keep=k.keypad_left, say="keypad_left"),
        On(Digits, HERE, when=both(g.pound, g.repeats_left), keep=k.from_the_start),
        *HELP_KEYS, *WRONG, *SILENCE, *HANGING_UP,
    ),
    S.EMAIL_FIX: (
        On(Digits, S.EMAIL_CHARACTER, when=g.chose(Choice.CHANGE), keep=k.change),
        On(Digits, S.EMAIL_CHARACTER, when=g.chose(Choice.INSERT), keep=k.insert),
        On(Digits, S.EMAIL_READBACK, when=g.chose(Choice.REMOVE), keep=k.removed),
        On(Digits, HERE, when=g.chose(Choice.BACK), keep=k.one_back),
        *MENU,
    ),
    S.EMAIL_CHARACTER: (
        On(Digits, S.EMAIL_READBACK, when=g.spelt_character, keep=k.character),
        *entry("character_unclear"),
    ),
    # ── A text message ──
    S.TEXT_NUMBER: (
        On(Arrived, S.TEXT_CONSENT, when=facts.number_known, keep=k.number_on_file),
        On(Arrived, S.NEW_CONTACT),
    ),
    S.PHONE_CAPTURE: (
        On(Digits, S.PHONE_CONFIRM, when=g.is_phone, keep=k.number_keyed),
        On(Digits, HERE, when=both(g.is_other_phone, g.no(g.wrong_used_up)), keep=k.counted, say="number_not_texted"),
        *entry("number_unclear", leave=(On(Digits, S.TEXT_DECLINED, when=g.pound),)),
    ),
    S.PHONE_CONFIRM: (
        *agreeing(On(Digits, S.TEXT_CONSENT, when=both(yes, g.heard), keep=k.number_confirmed)),
        On(Digits, S.PHONE_CAPTURE, when=both(no, g.numbers_left), keep=k.another_number),
        On(Digits, S.TEXT_DECLINED, when=no),
        *MENU,
    ),
    S.TEXT_CONSENT: (
        *agreeing(
            On(Digits, S.CONFIRMATION, when=both(yes, g.heard, g.link_is_address), keep=k.consent(Purpose.TEXT)),
            On(Digits, S.WEB_LINK, when=both(yes, g.heard), keep=k.consent(Purpose.TEXT)),
        ),
        On(Digits, S.TEXT_DECLINED, when=no),
        On(Digits, S.NEW_CONTACT, when=other, keep=k.another_number),
        *MENU,
    ),
    S.TEXT_DECLINED: (
        On(Arrived, S.ADDRESS, when=g.link_is_address, keep=k.link_left),
        On(Arrived, S.AFTERWARDS, when=g.settled, keep=k.text(Sent.DECLINED)),
        On(Arrived, S.PENDING, keep=k.text(Sent.DECLINED)),
    ),
    S.WEB_LINK: (
        On(Accepted, S.ENROLLMENT, when=both(g.link_is_address, g.can_enrol), keep=k.text(Sent.DONE)),
        On(Accepted, S.KEEPING, when=g.link_is_address, keep=k.text(Sent.DONE)),
        On(Accepted, S.AFTERWARDS, keep=k.text(Sent.DONE), say="text_sent"),
        On(OutcomeUnknown, S.KEEPING, when=g.link_is_address, keep=k.text(Sent.UNKNOWN)),
        On(OutcomeUnknown, S.AFTERWARDS, keep=k.text(Sent.UNKNOWN), say="text_unknown"),
        On(Refused, S.LINK_FAILED, when=g.refused_as(Refusal.LIMIT), keep=k.text_limited, say="text_limit"),
        On(Refused, S.LINK_FAILED, keep=k.text(Sent.REFUSED), say="text_refused"),
        On((Unavailable, RecordUnavailable), S.KEEPING, when=g.link_is_address, keep=k.text(Sent.UNAVAILABLE)),
        On((Unavailable, RecordUnavailable), S.AFTERWARDS, keep=k.text(Sent.UNAVAILABLE), say="text_not_sent"),
        *UNDER_WAY,
    ),
    S.LINK_FAILED: (
        On(Arrived, S.KEEPING, when=both(g.link_is_address, g.hung_up)),
        On(Arrived, S.NEW_CONTACT, when=both(g.link_is_address, g.numbers_left, facts.can_show), keep=k.number_refused),
        On(Arrived, S.ADDRESS, when=g.link_is_address, keep=k.link_left),
        On(Arrived, S.AFTERWARDS),
    ),
    # ── Consent and enrolment ──
    S.CONFIRMATION: (
        *agreeing(
            On(Digits, S.WEB_LINK, when=both(yes, g.heard, g.link_is_address), keep=k.consent(Purpose.ENROL)),
            On(Digits, S.ENROLLMENT, when=both(yes, g.heard, g.can_enrol), keep=k.consent(Purpose.ENROL)),
            On(Digits, S.KEEPING, when=both(yes, g.heard), keep=k.consent(Purpose.ENROL)),
        ),
        On(Digits, S.DECLINED, when=no),
        On(Digits, S.ADDRESS, when=other, keep=k.another_address),
        *MENU,
    ),
    S.ENROLLMENT: (
        On(Accepted, S.AFTERWARDS, keep=k.came_to(Registration.PENDING), say="agreed"),
        On(OutcomeUnknown, S.ENROLLMENT_CHECK, keep=k.unknown),
        On(Unavailable, S.KEEPING),
        *REFUSALS, *NOT_RECORDED, *UNDER_WAY,
    ),
    S.ENROLLMENT_CHECK: (
        On(CustomersFound, S.AFTERWARDS, when=g.registered_now, keep=k.turned_out_done, say="agreed"),
        On(CustomersFound, S.ENROLLMENT_AGAIN, when=both(g.absent, g.may_send_again)),
        On((CustomersFound, Unavailable, OutcomeUnknown, Refused), S.KEEPING),
        *UNDER_WAY,
    ),
    S.ENROLLMENT_AGAIN: (
        On(Accepted, S.AFTERWARDS, keep=k.turned_out_done, say="agreed"),
        On(Refused, S.AFTERWARDS, when=g.refused_as_done, keep=k.turned_out_done, say="agreed"),
        On((OutcomeUnknown, Unavailable, RecordUnavailable), S.KEEPING),
        *BAD_EMAIL, *REFUSED_FOR_GOOD, *UNDER_WAY,
    ),
    S.KEEPING: (
        On(WishKept, S.AFTERWARDS, when=g.link_finishes, keep=k.kept),
        On(WishKept, S.DEFERRED, keep=k.kept),
        *NOT_RECORDED, *UNDER_WAY,
    ),
    # ── After enrolment ──
    S.AFTERWARDS: (
        On(Arrived, S.DONE, when=g.hung_up),
        On(Arrived, S.AUTOPAY_OFFER, when=g.autopay_due),
        On(Arrived, S.TEXT_NUMBER, when=g.text_due, keep=k.text_offered),
        On(Arrived, S.ANOTHER, when=g.another_due),
        On(Arrived, S.DONE),
    ),
    S.AUTOPAY_OFFER: (
        *agreeing(On(Digits, S.AUTOPAY, when=both(yes, g.heard), keep=k.consent(Purpose.AUTOPAY))),
        On(Digits, S.AFTERWARDS, when=no, keep=k.autopay(Sent.DECLINED)),
        *MENU,
    ),
    S.AUTOPAY: (
        On(Accepted, S.AFTERWARDS, keep=k.autopay(Sent.DONE), say="autopay_on"),
        On(OutcomeUnknown, S.AFTERWARDS, keep=k.autopay(Sent.UNKNOWN), say="autopay_unknown"),
        On(Refused, S.AFTERWARDS, keep=k.autopay(Sent.REFUSED), say="autopay_not_on"),
        On((Unavailable, RecordUnavailable), S.AFTERWARDS, keep=k.autopay(Sent.UNAVAILABLE), say="autopay_not_on"),
        *UNDER_WAY,
    ),
    S.ANOTHER: (
        On(Digits, S.INVOICE, when=yes, keep=k.another),
        On(Digits, S.DONE, when=no),
        On(NoInput, S.DONE),
        *REPEAT, *HELP_KEYS, *WRONG, *HANGING_UP,
    ),
    S.DONE: (
        On(Arrived, S.ABANDONED, when=g.hung_up),
        On(Arrived, S.ENROLLED, when=g.registered),
        On(Arrived, S.LINK_SENT, when=g.text_sent),
        On(Arrived, S.DEFERRED, when=g.settled),
        On(Arrived, S.PENDING),
    ),
    # ── Pending, and back to paper ──
    S.ALREADY_MENU: (
        On(Digits, S.INVOICE, when=both(g.chose(Choice.CANCEL), g.several_paperless), keep=k.to_paper),
        On(Digits, S.OPT_OUT_CONFIRM, when=g.chose(Choice.CANCEL)),
        On(Digits, S.ALREADY_PAPERLESS, when=no),
        On(NoInput, S.ALREADY_PAPERLESS),
        *REPEAT, *HELP_KEYS, *WRONG, *HANGING_UP,
    ),
    S.PENDING_MENU: (
        On(Digits, S.TEXT_NUMBER, when=g.chose(Choice.TEXT), keep=k.resend),
        On(Digits, S.ADDRESS, when=other, keep=k.another_address),
        On(Digits, S.OPT_OUT_CONFIRM, when=g.chose(Choice.CANCEL), keep=k.cancel),
        On(Digits, S.PENDING, when=no),
        On(NoInput, S.PENDING),
        *REPEAT, *HELP_KEYS, *WRONG, *HANGING_UP,
    ),
    S.OPT_OUT_CONFIRM: (
        *agreeing(
            On(Digits, S.OPT_OUT, when=both(yes, g.heard, g.can_store), keep=k.consent(Purpose.BACK_TO_PAPER)),
            On(Digits, S.OPT_OUT_KEEPING, when=both(yes, g.heard), keep=k.consent(Purpose.BACK_TO_PAPER)),
        ),
        On(Digits, S.PENDING, when=both(no, g.cancelling)),
        On(Digits, S.ALREADY_PAPERLESS, when=no),
        *MENU,
    ),
    S.OPT_OUT: (
        On(Accepted, S.OPTED_OUT, keep=k.came_to(Registration.PAPER)),
        On(OutcomeUnknown, S.OPT_OUT_KEEPING, keep=k.unknown),
        On((Refused, Unavailable, RecordUnavailable), S.OPT_OUT_KEEPING),
        *UNDER_WAY,
    ),
    S.OPT_OUT_KEEPING: (
        On(WishKept, S.PERSON_OFFER, when=g.person, keep=k.paper_kept, say="paper_kept"),
        On(WishKept, S.OPT_OUT_REQUESTED, keep=k.paper_wanted),
        *NOT_RECORDED, *UNDER_WAY,
    ),
    # ── A person ──
    S.PERSON_OFFER: (
        On(Digits, S.TRANSFERRING, when=g.chose_or_zero),
        On(Digits, S.GO_ON, when=g.pound),
        On(NoInput, S.GO_ON),
        *REPEAT,
        On(Digits, S.GO_ON, when=g.wrong_used_up),
        On(Digits, HERE, keep=k.wrong),
        *HANGING_UP,
    ),
    S.TRANSFERRING: (
        On(TransferEnded, S.TRANSFERRED, when=g.taken, keep=k.put_through),
        *(
            On(TransferEnded, state, when=g.asked_at(state), keep=k.nobody, say="nobody_free")
            for state in ASKING
            if state not in (S.OFFER_AT_START, S.PERSON_OFFER)
        ),
        On(TransferEnded, S.GO_ON, keep=k.nobody_at_all, say="nobody_free"),
        *HANGING_UP,
    ),
    S.GO_ON: (
        *(
            On(Arrived, ending, when=g.otherwise(ending))
            for ending in (S.NOT_OFFERED, S.NOT_IDENTIFIED, S.UNAVAILABLE, S.FAILED, S.NO_CONTACT, S.OPT_OUT_REQUESTED)
        ),
        On(Arrived, S.INCOMPLETE),
    ),
    S.GIVEN_UP: (
        On(Arrived, S.DONE, when=g.settled),
        On(Arrived, S.TRANSFERRING, when=g.person, keep=k.used_up),
        On(Arrived, S.INCOMPLETE, keep=k.because(Reason.TRIES_USED_UP)),
    ),
    S.LEAVING: (
        On(Arrived, S.DONE, when=g.settled),
        On(Arrived, S.LEFT),
    ),
}
"""Every state that is not an ending, and every way out of it."""
