"""The words of all prompts in each language, as structured speech, text, or SSML.

    catalog = Catalog.of(policy)
    said(turn, language, catalog)      # as text
    spoken(turn, language, catalog)    # as SSML

To get the individual pieces, a gateway calls `speech` for each prompt.
"""

from collections.abc import Iterable

from paperless_ivr.flow.turns import Prompt, Turn
from paperless_ivr.prompts.catalog import Catalog
from paperless_ivr.prompts.pieces import (
    Cardinal,
    Characters,
    Date,
    InLanguage,
    Letter,
    Money,
    Pause,
    Piece,
    Text,
)
from paperless_ivr.prompts.plain import plain
from paperless_ivr.prompts.speech import speech, speech_of
from paperless_ivr.prompts.ssml import ssml

__all__ = [
    "Cardinal",
    "Catalog",
    "Characters",
    "Date",
    "InLanguage",
    "Letter",
    "Money",
    "Pause",
    "Piece",
    "Text",
    "plain",
    "said",
    "speech",
    "speech_of",
    "spoken",
    "ssml",
]


def said(turn: Turn | Iterable[Prompt], language: str, catalog: Catalog) -> str:
    """Return the text of a whole turn or of some prompts."""
    prompts = turn.say if isinstance(turn, Turn) else turn
    return plain(speech_of(prompts, language, catalog))


def spoken(turn: Turn | Iterable[Prompt], language: str, catalog: Catalog) -> str:
    """Return the SSML of a whole turn or of some prompts."""
    prompts = turn.say if isinstance(turn, Turn) else turn
    return ssml(speech_of(prompts, language, catalog), language)
