"""The entries in each language's catalog, and the gaps that their words must keep.

The entries are the prompts, and the terms that fill gaps, such as the names of keys, symbols, and
months. Terms are ordinary entries, so a biller can change any of them.
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
"""The entries that name the symbols in a spelled address (RFC 5322, section 3.2.3, and the at
sign)."""

LETTERS: Mapping[str, str] = {letter: f"term_letter_{letter}" for letter in "bfmnsv"}
"""The entries for letters that are easily confused, either on a telephone line (f and s, m and n)
or in Spanish (b and v). Each of these letters is spoken with an example word."""

KEYS: Mapping[str, str] = {"*": "term_star", "#": "term_pound"}
"""The entries that name the keys other than digits."""

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
"""The terms, with the gaps that their words can have."""

ENTRIES: Mapping[str, tuple[str, ...]] = {**PROMPTS, **TERMS}
"""All entries that need words in each language, with the gaps that the words can have."""

_SAID_WITH_MUST = (
    name for block in BLOCKS.values() for line in block.say if line.must_hear for name in line.names
)

CONSENT: Mapping[str, tuple[str, ...]] = {
    **{name: PROMPTS[name] for name in _SAID_WITH_MUST if name in PROMPTS},
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
"""The prompts that must be heard before a yes counts, with the gaps their words must keep (R09).

The gaps are filled with the subject, the address, or the terms. Prompts that a block says with
`must` are found automatically. Prompts that a function chooses are listed here.
"""

NEEDED: Mapping[str, tuple[str, ...]] = {
    **{name: gaps for name, gaps in ENTRIES.items() if name.startswith(("option_", "term_"))},
    "offer_reminder_email": ("days_before",),
    "offer_reminder_text": ("days_before",),
    "offer_incentive": ("incentive",),
    **CONSENT,
}
"""The gaps that words must keep, such as those in `CONSENT`, and the key and choice of each
option."""
