"""The whole call: its chapters in order, and the table of transitions compiled from them."""

from collections.abc import Mapping

from paperless_ivr.flow.blocks import Block
from paperless_ivr.flow.chapters import (
    address,
    afterwards,
    agent,
    arrival,
    bill,
    consent,
    email,
    endings,
    identity,
    paper,
    text,
)
from paperless_ivr.flow.lines import Prompts, register
from paperless_ivr.flow.rows import Table
from paperless_ivr.flow.states import State

CHAPTERS = (
    arrival,
    identity,
    bill,
    address,
    email,
    text,
    consent,
    afterwards,
    paper,
    agent,
    endings,
)

BLOCKS: Mapping[State, Block] = {
    state: block for chapter in CHAPTERS for state, block in chapter.CHAPTER.items()
}
"""The block of each state."""

PROMPTS: Prompts = register(*(chapter.PROMPTS for chapter in CHAPTERS))
"""All prompts, with the gaps that their wording may contain. Catalogs are checked against these."""

FLOW: Table = {state: block.rows for state, block in BLOCKS.items() if block.rows}
"""All states except endings, with all their transitions."""
