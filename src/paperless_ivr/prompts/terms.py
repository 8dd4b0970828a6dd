"""What a catalog holds for each language, and which gaps its words must keep.

Beside the prompts of the script these are the terms that gaps are filled with: the names of
keys, signs and months. All are plain entries, so that a biller can change any of them.
"""

from collections.abc import Mapping

from paperless_ivr.flow.table import BLOCKS, PROMPTS

SIGNS: Mapping[str, str] = {
    "@": "term_at",
    ".": "term_dot",
    "-": "term_dash",
    "_": "term_underscore",
    "+": "term_plus",
    "'": "term_apostrophe",
    "/": "term_slash",
    "=": "term_equals",
    "&": "term_ampersand",
    "!": "term_exclamation",
    "%": "term_percent",
    "$": "term_dollar",
    "#": "term_hash",
    "?": "term_question",
    "*": "term_asterisk",
    "^": "term_caret",
    "`": "term_backquote",
    "{": "term_open_brace",
    "}": "term_close_brace",
    "|": "term_bar",
    "~": "term_tilde",
}
"""The signs of a spelled address (RFC 5322 section 3.2.3, and the at-sign), each by its name."""

LETTERS: Mapping[str, str] = {letter: f"term_letter_{letter}" for letter in "bfmnsv"}
"""Letters that sound like another one, on a telephone line (f and s, m and n) or in Spanish (b and
v): each is said with a word.
"""

KEYS: Mapping[str, str] = {"*": "term_star", "#": "term_pound"}
"""The keys that are not called by their digit."""

TERMS: Mapping[str, tuple[str, ...]] = {
    "term_bill": (),
    **dict.fromkeys(KEYS.values(), ()),
    "term_nothing": (),
    "term_masked": ("first", "domain"),
    "term_address_on_file": (),
    "term_digit": ("digit",),
    **dict.fromkeys(LETTERS.values(), ()),
    "term_bills_on_paper_1": (),
    "term_bills_on_paper_2": (),
    "term_bills_on_paper_many": ("count",),
    "term_days_before_1": (),
    "term_days_before_many": ("count",),
    "term_credit": ("amount",),
    "term_dollars_1": (),
    "term_dollars_many": (),
    "term_hundred": (),
    "term_and_cents": (),
    "term_cents_1": (),
    "term_cents_many": (),
    "term_day": ("month", "day"),
    "term_first_day": ("month",),
    **{f"term_month_{month}": () for month in range(1, 13)},
    **dict.fromkeys(SIGNS.values(), ()),
}
"""The terms, and the gaps that their words may fill."""

ENTRIES: Mapping[str, tuple[str, ...]] = {**PROMPTS, **TERMS}
"""Everything that a language needs words for, and the gaps that the words may fill."""

_SAID_WITH_MUST = (
    name for block in BLOCKS.values() for line in block.say if line.must_hear for name in line.names
)

CONSENT: Mapping[str, tuple[str, ...]] = {
    **{name: PROMPTS[name] for name in _SAID_WITH_MUST if name in PROMPTS},
    "offer_in_full": ("bill", "masked"),
    "confirm_on_file": ("bill", "masked"),
    "confirm_keyed": ("bill", "address"),
    "confirm_link": ("bill", "ending"),
    "confirm_link_on_file": ("bill",),
    "confirm_paper": ("bill",),
    "confirm_cancel": ("bill",),
    "which_amount": ("amount", "due"),
    "which_account": ("ending",),
    "which_number": ("bill_ending",),
    "text_consent_type_email": ("ending",),
    "text_consent_enrol": ("ending",),
    "text_consent_confirm": ("ending",),
    "text_consent_review": ("ending",),
    "text_consent_type_email_on_file": ("biller",),
    "text_consent_enrol_on_file": ("biller",),
    "text_consent_confirm_on_file": ("biller",),
    "text_consent_review_on_file": ("biller",),
    "readback_piece": ("piece",),
    "readback_at": ("piece",),
    "readback_domain": ("domain",),
}
"""What must have been heard before a yes counts (R09): the subject, the address, the terms.

What a block says with `must` is here by itself; what a function of the call chooses is named.
"""

NEEDED: Mapping[str, tuple[str, ...]] = {
    **{name: gaps for name, gaps in ENTRIES.items() if name.startswith(("option_", "term_"))},
    "offer_reminder_email": ("days_before",),
    "offer_reminder_text": ("days_before",),
    "offer_incentive": ("incentive",),
    **CONSENT,
}
"""The gaps that words must keep: those of `CONSENT`, what an option chooses and its key."""
