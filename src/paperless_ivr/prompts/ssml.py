"""Speech as SSML 1.1 (W3C Recommendation, 7 September 2010).

The values of `interpret-as` ("characters" and "cardinal") come from the W3C Note "SSML 1.0 say-as
attribute values" (26 May 2005). The Note defines no value for money, and engines use different
values, so an amount is written as "$48.20", which engines read as money. Not every engine supports
"date", and some read the first day of a month differently, so a date is written in words.
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
"""The pause between groups of digits and between prompts. A pause longer than 750 ms begins to
sound like the caller's turn to speak. After 1300 ms, people start to speak (ACIxD)."""

NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML documents must not contain (XML 1.0, production 2)."""


def ssml(pieces: Iterable[Piece], language: str) -> str:
    """Return an SSML document in a language (a BCP 47 tag). It is always well-formed."""
    root = ET.Element("speak", {"version": "1.1", "xmlns": NAMESPACE, "xml:lang": language})
    write(root, pieces)
    return ET.tostring(root, encoding="unicode")


def write(parent: ET.Element, pieces: Iterable[Piece]) -> None:
    """Append pieces to an element that can contain SSML."""
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
    """Append text to an element, after its last child if there is one."""
    text = NOT_XML.sub("", text)
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text
