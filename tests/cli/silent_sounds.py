"""A folder in which every phrase has a silent file."""

from pathlib import Path

from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.prompts.recorded import LIST, phrases, table


def silent_sounds(folder: Path) -> Path:
    """Create the files in a folder, and return it."""
    wanted = phrases(demo_policy())
    for phrase in wanted:
        file = folder / f"{phrase.file}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    (folder / LIST).write_text(table(wanted), encoding="utf-8")
    return folder
