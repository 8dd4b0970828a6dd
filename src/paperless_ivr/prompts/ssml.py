"""Speech as SSML 1.1 (W3C Recommendation, 7 September 2010).

The values of `interpret-as` are those of the W3C Note "SSML 1.0 say-as attribute values" (26 May
2005): characters, cardinal. It has none for money, and engines know different ones: an amount is
written as "$48.20", which they read as money. Not every engine knows "date", and one that does
reads the first of a month its own way: a day is written in words.
"""

import re
from collections.abc import Iterable
from typing import assert_never
from xml.etree import ElementTree as ET

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
from paperless_ivr.prompts.plain import amount

NAMESPACE = "http://www.w3.org/2001/10/synthesis"

BREAK = "300ms"
"""Between groups of digits and between prompts. Above 750 ms a pause begins to sound like the
caller's turn, above 1300 ms people speak (ACIxD)."""

NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold (XML 1.0, production 2)."""


def ssml(pieces: Iterable[Piece], language: str) -> str:
    """A whole document, in a language by its BCP 47 tag. Well-formed whatever the pieces hold."""
    root = ET.Element("speak", {"version": "1.1", "xmlns": NAMESPACE, "xml:lang": language})
    write(root, pieces)
    return ET.tostring(root, encoding="unicode")


def write(parent: ET.Element, pieces: Iterable[Piece]) -> None:
    """Appends pieces to an element that may hold SSML."""
    for piece in pieces:
        match piece:
            case Text(text) | Letter(text):
                _text(parent, text)
            case Characters(groups):
                for n, group in enumerate(groups):
                    if n:
                        ET.SubElement(parent, "break", {"time": BREAK})
                    _say_as(parent, group, "characters")
            case Money():
                _text(parent, amount(piece))
            case Date(_, words):
                _text(parent, words)
            case Cardinal(number):
                _say_as(parent, str(number), "cardinal")
            case Pause():
                ET.SubElement(parent, "break", {"time": BREAK})
            case InLanguage(language, inner):
                write(ET.SubElement(parent, "lang", {"xml:lang": language}), inner)
            case _:
                assert_never(piece)


def _say_as(parent: ET.Element, text: str, kind: str) -> None:
    _text(ET.SubElement(parent, "say-as", {"interpret-as": kind}), text)


def _text(parent: ET.Element, text: str) -> None:
    """Text at the end of an element, after its last child where it has one."""
    text = NOT_XML.sub("", text)
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text
