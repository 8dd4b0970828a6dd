"""The blocks of the Markdown pages are tests: see docs/blocks.py."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from docs import blocks

pytest_collect_file = blocks.sybil().pytest()


class PageScheduling(LoadScopeScheduling):
    """Gives each process a test at a time, but all blocks of a page to one: they share names."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(".md") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> PageScheduling:
    """What `pytest -n` shares out by."""
    return PageScheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests have counted."""
    reports = (
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
    )
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "counts" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid}: {value}")
