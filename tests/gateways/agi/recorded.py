"""Reads the recordings in this folder."""

import json
import re
from pathlib import Path

from attrs import field, frozen

FOLDER = Path(__file__).parent / "recordings"
EVENT = re.compile(r" *([+-][0-9.]+) (AST|SRV|KEY|SIP|EOF|#) ? ?(.*)")
VERSIONS = ("asterisk-16.28.0", "asterisk-22.10.1")


@frozen
class Recording:
    """One session: what Asterisk and the server sent, in order."""

    path: Path
    events: tuple[tuple[str, bytes], ...] = field(repr=False)
    """AST, SRV, or EOF, with the bytes."""

    @property
    def sent(self) -> bytes:
        """Everything that Asterisk sent."""
        return b"".join(data for who, data in self.events if who == "AST")

    @property
    def commands(self) -> list[str]:
        """Everything that the server sent, by line."""
        return (
            b"".join(d for who, d in self.events if who == "SRV").decode("utf-8").split("\n")[:-1]
        )

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"


def read(path: Path) -> Recording:
    """Read a recording from its file."""
    events = []
    for line in path.read_text("utf-8").splitlines():
        match = EVENT.fullmatch(line)
        if match and match[2] in ("AST", "SRV"):
            events.append((match[2], json.loads(match[3]).encode("latin-1")))
        elif match and match[2] == "EOF":
            events.append(("EOF", b""))
    return Recording(path, tuple(events))


ALL = [read(path) for version in VERSIONS for path in sorted((FOLDER / version).glob("*.txt"))]


def of(number: str) -> list[Recording]:
    """Return the recordings of a scenario in every version, by its number."""
    found = [recording for recording in ALL if recording.path.name.startswith(f"{number}-")]
    assert len(found) == len(VERSIONS)
    return found
