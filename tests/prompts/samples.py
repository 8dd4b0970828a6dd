"""Prompts with every kind of value in their gaps for Hypothesis, and an example of each."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from paperless_ivr.flow.slots import (
    Count,
    Day,
    Digits,
    Ending,
    Key,
    Masked,
    Money,
    Slot,
    Spelled,
    Word,
    Words,
)
from paperless_ivr.flow.table import PROMPTS
from paperless_ivr.flow.turns import Prompt
from paperless_ivr.secret import Secret

LANGUAGES = ("en-US", "es-US")

HOSTILE = ("<speak>", "&amp;", "]]>", "<!--", "\"'", "\x00\x0b\ud800\ufffe", "\r\n\t", "é", "😀")

ATEXT = "abcdefghijklmnopqrstuvwxyz0123456789.-_+'/=&!%$#?*^`{|}~"

HARMLESS = "abcXYZ019 .,;:!?'áñ¿@-_&<>"

EMAILS = st.from_regex(r"[A-Za-z0-9.+_-]{1,9}@[a-z0-9-]{1,9}\.[a-z]{2,4}", fullmatch=True)


def secrets(text: st.SearchStrategy[str]) -> st.SearchStrategy[Secret]:
    """Draw secrets with some texts."""
    return st.builds(Secret, text)


def slots(words: st.SearchStrategy[str]) -> dict[str, st.SearchStrategy[Slot]]:
    """Return the values that may fill each gap, with these as the biller's own words."""
    digits = secrets(st.text("0123456789"))
    spelled = secrets(st.text(ATEXT + "@") | words)
    return {
        "biller": st.builds(Words, words),
        "bill": st.builds(Words, words | st.just("")),
        "terms": st.builds(Words, words),
        "incentive": st.builds(Words, words),
        "domain": st.builds(
            Words, st.from_regex(r"[a-z0-9-]{1,9}(\.[a-z]{2,5}){1,2}", fullmatch=True)
        )
        | st.builds(Spelled, spelled),
        "account": st.builds(Digits, digits),
        "number": st.builds(Digits, secrets(st.from_regex(r"\+1[0-9]{10}", fullmatch=True))),
        "ending": st.builds(Ending, digits | secrets(words)),
        "bill_ending": st.builds(Ending, digits | secrets(words)),
        "masked": st.builds(Masked, secrets(EMAILS) | secrets(words)),
        "address": st.builds(Spelled, secrets(EMAILS) | spelled),
        "spelt": st.builds(Spelled, spelled),
        "piece": st.builds(Spelled, secrets(st.sampled_from(["", *ATEXT])))
        | st.builds(Word, secrets(st.from_regex(r"[a-z]{2,9}(\.[a-z]{2,3})?", fullmatch=True))),
        "wrong": st.builds(Spelled, secrets(st.sampled_from(["", *ATEXT]))),
        "key": st.builds(Key, st.sampled_from("0123456789*#")),
        "amount": st.builds(
            Money,
            st.decimals(allow_nan=False, allow_infinity=False),
            st.sampled_from(["USD", "CAD"]),
        ),
        "due": st.builds(Day, st.dates()),
        "bills_on_paper": st.builds(Count, st.integers(1, 6)),
        "days_before": st.builds(Count, st.integers(1, 30)),
    }


SLOTS = slots(st.text(HARMLESS + "{}") | st.sampled_from(HOSTILE))
PLAIN_SLOTS = slots(st.text(HARMLESS))


@st.composite
def prompts(draw: st.DrawFn, values: dict[str, st.SearchStrategy[Slot]] = SLOTS) -> Prompt:
    """Draw any prompt of the script, with its gaps filled."""
    name = draw(st.sampled_from(sorted(PROMPTS)))
    language = draw(st.sampled_from([None, *LANGUAGES]))
    filled = tuple((gap, draw(values[gap])) for gap in PROMPTS[name])
    return Prompt(name, filled, language=language)


EXAMPLES: dict[str, Slot] = {
    "biller": Words("Springfield Water"),
    "bill": Words(""),
    "terms": Words("It is drawn on the due date."),
    "domain": Words("gmail.com"),
    "account": Digits(Secret("1234567")),
    "number": Digits(Secret("+12125550123")),
    "ending": Ending(Secret("+12125550123")),
    "bill_ending": Ending(Secret("9000002")),
    "masked": Masked(Secret("jane@gmail.com")),
    "address": Spelled(Secret("jane.smith@gmail.com")),
    "spelt": Spelled(Secret("jane.s")),
    "piece": Word(Secret("jane")),
    "wrong": Spelled(Secret("m")),
    "key": Key("1"),
    "amount": Money(Decimal("48.20")),
    "due": Day(date(2026, 12, 3)),
    "bills_on_paper": Count(2),
    "days_before": Count(3),
    "incentive": Words("You get five dollars off."),
}
"""One value for each gap, as in a real call."""


def example(name: str) -> Prompt:
    """Return a prompt as in a real call."""
    return Prompt(name, tuple((gap, EXAMPLES[gap]) for gap in PROMPTS[name]))
