"""The record, report, and metrics of a texted link that the caller waited for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.records.funnel import Link, Stage, funnels, hand_overs
from paperless_ivr.records.memory import MemoryLiveCalls, MemoryRecord
from paperless_ivr.records.port import ActivityType
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.testing.playback import Playback
from paperless_ivr.transcripts import parse
from paperless_ivr.web.meters import Meters

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
UNTIL_TEXTED = (TRANSCRIPTS / "link-opened-at-once.call").read_text("utf-8").partition("silence")[0]
LOOK = "silence\nservice    SearchByAccountNumber: chen\n"
HANGS_UP = "\n".join((UNTIL_TEXTED.rstrip(), LOOK.rstrip(), "hangs up", ""))

pytestmark = pytest.mark.requirement("R52", "R33")


def noted(text: str) -> tuple[MemoryRecord, Meters]:
    """Return what the record and the metrics show for a transcript's call."""
    playback, meters = Playback(parse(text)), Meters()
    record = MemoryRecord(lambda: datetime(2026, 11, 23, 15, tzinfo=UTC))
    setup = Setup(
        playback.flow,
        playback.words,
        playback,
        SeparateStores(record, MemoryLiveCalls()),
        observers=(playback.moved, meters.moved),
    )
    Driver(setup).converse(playback, playback.transcript.arrival)
    assert playback.left == []
    return record, meters


@pytest.mark.parametrize(
    ("name", "came_to", "link"),
    [
        ("link-opened-at-once", "opened", Link.ON_LINE),
        ("link-opened-late", "opened", Link.ON_LINE),
        ("pending-link-opened", "opened", Link.ON_LINE),
        ("link-never-opened", "not_opened", Link.NOT_OPENED),
        ("link-service-down", "unclear", Link.NOT_OPENED),
        ("link-any-key", "went_on", Link.NOT_OPENED),
        ("", "hung_up", Link.NOT_OPENED),
    ],
)
def test_how_a_wait_ended(name: str, came_to: str, link: Link) -> None:
    """The record, the report, and the metrics agree, and contain nothing personal."""
    text = (TRANSCRIPTS / f"{name}.call").read_text("utf-8") if name else HANGS_UP

    record, meters = noted(text)

    (biller,) = record.billers()
    lines = list(record.activity(biller))
    opened = [line for line in lines if line.what is ActivityType.OPENED]
    assert bool(opened) is (link is Link.ON_LINE)
    assert all(line.detail.keys() == {"handover", "reference", "purpose"} for line in opened)
    (one,) = hand_overs(lines)
    assert one.link is link
    if link is Link.ON_LINE and "pending" not in name:  # an earlier call's
        assert one.stage is Stage.COMPLETED
    (funnel,) = funnels([one]).values()
    assert funnel.links == {link: 1}
    assert f'paperless_ivr_link_waits_total{{came_to="{came_to}"}} 1.0' in meters.page().decode()
