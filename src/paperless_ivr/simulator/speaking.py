"""The words and keys of a turn, for the page, which speaks, shows, and masks them."""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from paperless_ivr.flow import slots
from paperless_ivr.flow.turns import Gather, Prompt, Return, Transfer, Turn
from paperless_ivr.prompts import Catalog, plain, speech
from paperless_ivr.prompts.catalog import GAP
from paperless_ivr.prompts.pieces import InLanguage, Piece, Text

HIDDEN = (slots.Digits, slots.Spelled, slots.Word)
"""Slots shown as dots: complete numbers, and addresses that were keyed, with their words.

Prompts say only part of a number or address in any other slot.
"""

LABELS: Mapping[str, str] = {
    "option_if_not": "no",
    "option_no_autopay": "no",
    "option_language": "language",
    "option_address_right": "right",
    "option_number_right": "right",
    "option_number_wrong": "wrong",
    "option_person": "agent",
    "option_other_address": "another",
    "option_other_number": "another",
    "option_other_way": "another way",
    "option_spell_exactly": "spell it",
    "option_back": "previous",
    "option_more_bills": "more",
    "option_first_bills": "first bills",
    "option_other_domain": "other",
    "option_back_to_paper": "paper",
    "option_leave_it": "leave it",
    "option_text_link": "text it",
}
"""Labels of keys, by the prompt that offers the key. Others get the first word of the option."""
WITHOUT_SLOT: Mapping[str, tuple[str, str]] = {
    "offer_at_start": ("1", "yes"),
    "readback": ("*", "stop"),
    "readback_rest": ("*", "stop"),
    "readback_instead": ("*", "stop"),
}
"""Keys that a prompt names in its wording instead of in a slot, with their labels."""
CONSENTS = ("option_yes", "option_agree", "option_autopay")
"""Options that count only after the caller has heard all must-hear prompts."""


@frozen
class Part:
    """A part of a prompt. A hidden part is spoken, but shown as dots."""

    text: str = field(repr=False)
    hidden: bool = False


@frozen
class Spoken:
    """One prompt, as it is spoken and shown."""

    parts: tuple[Part, ...]
    language: str
    must_hear: bool


@frozen
class KeyHint:
    """The current meaning of a key."""

    label: str
    shared: bool = False
    """Whether the key means the same thing at nearly every question."""
    consent: bool = False
    """Whether it counts only after the caller has heard all must-hear prompts."""


@frozen
class Speech:
    """The prompts spoken without a break, and what the call waits for afterward."""

    number: int
    prompts: tuple[Spoken, ...]
    waits: str
    """What the call waits for afterward: "keys", an "answer", a "person", or "nothing"."""
    keys: Mapping[str, KeyHint] = field(factory=dict)
    most: int = 0
    """The maximum number of keys."""
    private: bool = False
    first_wait: float = 0.0
    """Seconds without a key that count as silence, if the clock runs."""
    next_wait: float = 0.0
    """Seconds after a key until the entry ends, if the clock runs."""
    start: int = 0
    """The index of the first prompt to speak."""


def speech_of(turn: Turn, language: str, words: Catalog, number: int, start: int) -> Speech:
    """Return the prompts of a turn, and what it waits for. `start` is the first one to speak."""
    prompts = tuple(_spoken(prompt, language, words) for prompt in turn.say)
    match turn.then:
        case Gather() as gather:
            return Speech(
                number,
                prompts,
                "keys",
                dict(_hints(turn, gather)),
                gather.max_keys,
                gather.private,
                gather.first_key_wait,
                gather.next_key_wait,
                start,
            )
        case Transfer():
            waits = "person"
        case Return():
            waits = "nothing"
        case _:
            waits = "answer"
    return Speech(number, prompts, waits, start=start)


def _spoken(prompt: Prompt, language: str, words: Catalog) -> Spoken:
    own = prompt.language or language
    hides = any(isinstance(slot, HIDDEN) for _, slot in prompt.slots)
    literal = set(GAP.split(words.books[own][prompt.name])[::2])
    pieces = speech(prompt, language, words)
    if len(pieces) == 1 and isinstance(pieces[0], InLanguage):
        pieces = pieces[0].pieces
    parts = [Part(text, hides and not plain_words) for text, plain_words in _said(pieces, literal)]
    return Spoken(tuple(parts), own, prompt.must_hear)


def _said(pieces: tuple[Piece, ...], literal: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield each piece as text, and whether it is part of the prompt's own wording."""
    for piece in pieces:
        if isinstance(piece, Text):
            yield piece.text, piece.text in literal
        else:
            yield plain([piece]), False


def _hints(turn: Turn, gather: Gather) -> Iterator[tuple[str, KeyHint]]:
    must_hear = any(prompt.must_hear for prompt in turn.say)
    if gather.max_keys > 1 or gather.private:
        yield "*", KeyHint("star", shared=True)
        if gather.end_key:
            yield gather.end_key, KeyHint("done", shared=True)
        return
    if gather.end_key:
        yield from (
            ("*", KeyHint("repeat", shared=True)),
            ("0", KeyHint("agent", shared=True)),
            (gather.end_key, KeyHint("leave", shared=True)),
        )
    for prompt in turn.say:
        key, label = WITHOUT_SLOT.get(prompt.name, ("", ""))
        for _, slot in prompt.slots:
            if isinstance(slot, slots.Key):
                named = prompt.name.removeprefix("option_").partition("_")[0]
                key, label = slot.key, LABELS.get(prompt.name, named)
        if key:
            yield key, KeyHint(label, consent=must_hear and prompt.name in CONSENTS)
