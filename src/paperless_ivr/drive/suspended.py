"""A call between two requests of its runtime: all that the next worker needs to go on with it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from paperless_ivr.drive.live import Live
from paperless_ivr.errors import BrokenCall, OtherSchema
from paperless_ivr.flow import saving
from paperless_ivr.records.port import Evidence, SavedCall

FORM = 1
"""The form of the first line. Another one when what stands there changes."""


@frozen
class Claim:
    """Somebody carries out the request of the present turn."""

    by: str
    until: datetime
    """After that it is taken for lost, and whoever comes may take over."""
    again: bool = False
    """It was taken over: the request may have been sent before."""


@frozen
class Suspended:
    """A call as it waits for its runtime, or for the answer to a request."""

    live: Live
    handover: str
    """Tells this hand-over from earlier and later ones of the same call."""
    asked: datetime
    """When the present turn was written."""
    evidence: Mapping[str, Evidence] = field(factory=dict, repr=False)
    """Of every consent so far, by its reference."""
    claim: Claim | None = None
    document: str = field(default="", repr=False)
    """What the runtime was given last."""


def dump(at: Suspended) -> SavedCall:
    """The call as it is stored: a line about it, then the call itself (`flow.saving`)."""
    claim = at.claim
    line = {
        "form": FORM,
        "handover": at.handover,
        "asked": at.asked.isoformat(),
        "evidence": [
            [e.consent.reference, e.words, e.words_version, *map(datetime.isoformat, _times(e))]
            for e in at.evidence.values()
        ],
        "claim": claim and [claim.by, claim.until.isoformat(), claim.again],
    }
    call = saving.dump(at.live.call)
    content = json.dumps(line, separators=(",", ":")).encode() + b"\n" + call
    return SavedCall(at.live.call.host.call_id, at.live.turn, content, at.document)


def _times(evidence: Evidence) -> tuple[datetime, datetime]:
    return evidence.asked, evidence.answered


def load(saved: SavedCall) -> Suspended:
    """The call that was stored. Raises as `flow.saving.load` does."""
    line, _, rest = saved.call.partition(b"\n")
    call = saving.load(rest)
    consents = {consent.reference: consent for consent in call.consents}
    told = _told(line)
    try:
        evidence = {
            reference: Evidence(
                consents[reference],
                words,
                version,
                datetime.fromisoformat(asked),
                datetime.fromisoformat(answered),
            )
            for reference, words, version, asked, answered in told["evidence"]
        }
        claim = told["claim"]
        return Suspended(
            Live(call, saved.turn),
            told["handover"],
            datetime.fromisoformat(told["asked"]),
            evidence,
            claim and Claim(claim[0], datetime.fromisoformat(claim[1]), claim[2]),
            saved.document,
        )
    except (LookupError, TypeError, ValueError):
        pass
    raise BrokenCall("$")  # out here: what was caught may hold what stood there


def _told(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or "form" not in told:
        raise BrokenCall("$")
    if told["form"] != FORM:
        raise OtherSchema(told["form"], FORM)
    return told
