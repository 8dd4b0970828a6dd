"""A seeded day of calls in its own record, for `paperless-ivr report`.

    python examples/day_of_calls.py build/day.db 300
    paperless-ivr report --database sqlite:///build/day.db --zone America/Chicago --by moment

The callers, their bills, and the billing service are made up. The same number of hand-overs always
produces the same day.
"""

import logging
import sys
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

import structlog

from paperless_ivr.records.memory import MemoryLiveCalls
from paperless_ivr.records.separate import SeparateStores
from paperless_ivr.records.sql import open_store
from paperless_ivr.testing.contracts.bench import Clock
from paperless_ivr.testing.day import Day


def main(file: Path, hand_overs: int) -> None:
    """Simulate a day of calls, and then finish some of the work left over, as a relay might."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    clock = Clock()
    with open_store(f"sqlite:///{file}", budget=30.0, now=clock) as store:
        day = Day(store.record, SeparateStores(store.record, MemoryLiveCalls(clock)), clock)
        ended = Counter(taken.handback.disposition.value for taken in day.take(hand_overs))
        later = sum(1 for _ in day.finish())
    for disposition, number in ended.most_common(3):
        print(f"{number:5} {disposition}")
    print(f"{ended.total()} hand-overs, and {later} unfinished items handled later")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    main(
        Path(sys.argv[1]) if sys.argv[1:] else Path(mkdtemp()) / "day.db",
        int(sys.argv[2]) if sys.argv[2:] else 100,
    )
