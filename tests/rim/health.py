"""The port on which a running server reports its health."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

HEALTH = ("--health-port", "0")


class Health:
    """The pages on a server's health port."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def get(self, path: str) -> tuple[int, str]:
        """Return a page."""
        *_, address = re.findall(r"health at (\S+)", self.log.read_text())
        try:
            with urllib.request.urlopen(address + path, timeout=60) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()


def lines(log: Path, event: str) -> list[dict[str, object]]:
    """Return the lines in a server's log for an event."""
    found = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in found if line["event"] == event]
