"""SSML: always well-formed, with each kind of speech marked correctly."""

import re
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr.flow.turns import Prompt
from paperless_ivr.prompts import (
    Cardinal,
    Catalog,
    Characters,
    Date,
    InLanguage,
    Money,
    Pause,
    Piece,
    Text,
    spoken,
    ssml,
)
from paperless_ivr.prompts.ssml import NAMESPACE, NOT_XML
from tests.prompts.samples import HOSTILE, LANGUAGES, PLAIN_SLOTS, prompts

CATALOG = Catalog.load(LANGUAGES)
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@pytest.mark.parametrize("language", LANGUAGES)
@given(turn=st.lists(prompts(), max_size=3))
def test_every_prompt_is_a_document(language: str, turn: list[Prompt]) -> None:
    """Whatever is in the gaps, the SSML of prompts is well-formed, and has the right language."""
    root = ET.fromstring(spoken(turn, language, CATALOG))
    assert root.tag == f"{{{NAMESPACE}}}speak"
    assert root.attrib == {"version": "1.1", LANG: language}


@pytest.mark.parametrize("language", LANGUAGES)
@given(prompt=prompts(PLAIN_SLOTS))
def test_no_gap_stays_open(language: str, prompt: Prompt) -> None:
    """The text of a document contains no brace, unless a value did."""
    text = "".join(ET.fromstring(spoken([prompt], language, CATALOG)).itertext())
    assert not {"{", "}"} & set(text)


@given(text=st.text() | st.sampled_from(HOSTILE))
def test_text_stays_text(text: str) -> None:
    """What a biller writes is never read as markup, and comes out unchanged."""
    root = ET.fromstring(ssml([Text(text), Characters((text,)), Text(text)], "en-US"))
    assert [child.tag for child in root] == [f"{{{NAMESPACE}}}say-as"]
    kept = re.sub("\r\n?", "\n", NOT_XML.sub("", text))
    assert "".join(root.itertext()) == 3 * kept


@pytest.mark.parametrize(
    ("piece", "markup"),
    [
        (Text("a < b & c"), "a &lt; b &amp; c"),
        (
            Characters(("123", "456")),
            (
                '<say-as interpret-as="characters">123</say-as><break time="300ms" />'
                '<say-as interpret-as="characters">456</say-as>'
            ),
        ),
        (Cardinal(3), '<say-as interpret-as="cardinal">3</say-as>'),
        (Date(date(2026, 12, 3), "December 3"), "December 3"),
        (Money(Decimal("48.2"), "USD"), "$48.20"),
        (Pause(), '<break time="300ms" />'),
        (
            InLanguage("es-US", (Text("Uno "), Cardinal(1), Text("."))),
            '<lang xml:lang="es-US">Uno <say-as interpret-as="cardinal">1</say-as>.</lang>',
        ),
    ],
)
def test_each_kind_of_speech(piece: Piece, markup: str) -> None:
    """Each kind of piece is marked correctly, whatever comes before and after it."""
    assert ssml([Text("x"), piece, Text("y")], "en-US") == (
        f'<speak version="1.1" xmlns="{NAMESPACE}" xml:lang="en-US">x{markup}y</speak>'
    )
