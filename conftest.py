"""The blocks of the Markdown pages are tests: see docs/blocks.py."""

import gc

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from docs import blocks

pytest_collect_file = blocks.sybil().pytest()
gc.disable()  # until all tests are collected: nothing created before that becomes garbage


TOGETHER = (
    ("tests/backends/test_http.py::",),
    ("tests/cli/test_peers.py::",),
    ("tests/diagrams/test_page.py::",),
    ("tests/diagrams/test_pictures.py::",),
    ("tests/rim/test_silent_service.py::",),  # mostly waits, so not with the rest of tests/rim/
    (
        "tests/durability/test_pools.py::",
        "tests/records/test_sql_robust.py::test_many_",
        "tests/rim/",
    ),
    ("tests/simulator/test_page.py::",),
    ("tests/test_packaging.py::",),
)
"""Groups of tests that must run in one process. They share things that take long to make, such as
servers, a browser, pictures, or a wheel, or they load the machine with many calls at once (marked
`alone`), and would disturb one another."""


class PageScheduling(LoadScopeScheduling):
    """Gives each process one test at a time, but keeps tests that share something together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.endswith(".md"):
            return file
        return next((starts[0] for starts in TOGETHER if nodeid.startswith(starts)), nodeid)


LONGEST_FIRST = (
    "tests/test_packaging.py",
    "tests/keypad/test_decoding.py::TestStops",
    "tests/proof/test_exploration.py::test_every_call",
    "tests/cli/test_transcripts.py::test_the_kept_set",
    "tests/durability",
    "tests/test_privacy.py",
    "tests/records/test_day.py",
    "tests/keypad/test_decoding.py::test_guesses",
    "tests/transcripts/test_row_mutants.py",
    "tests/backends/test_failures.py",
    "tests/backends/test_soap_contract.py",
    "tests/cli/test_prompts.py::test_rendering",
)
"""Slow tests, which run first so that no process is left with one at the end."""
WAITING = "tests/asterisk"
"""Calls in real time, which wait more than they compute. They are spread among the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests so that the processes of `pytest -n` finish at the same time."""

    def rank(item: pytest.Item) -> int:
        ranks = (n for n, start in enumerate(LONGEST_FIRST) if item.nodeid.startswith(start))
        return next(ranks, len(LONGEST_FIRST))

    waiting = [item for item in items if item.nodeid.startswith(WAITING)]
    waiting.sort(key=lambda item: item.location[1] or 0)  # starts both versions of Asterisk early
    others = [item for item in items if not item.nodeid.startswith(WAITING)]
    others.sort(key=rank)
    pairs = zip(others, waiting, strict=False)
    together = [item for pair in pairs for item in pair]
    items[:] = [*together, *others[len(waiting) :], *waiting[len(others) :]]


def pytest_collection_finish() -> None:
    """Keep the garbage collector from examining thousands of tests again and again."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> PageScheduling:
    """Return the scheduler that `pytest -n` uses."""
    return PageScheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted."""
    reports = (
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
    )
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "counts" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid}: {value}")
