"""`paperless-ivr transcripts`: writes calls that together cover every row of the table."""

import os
import re
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paperless_ivr.cli.paths import FILE, FOLDER

if TYPE_CHECKING:
    from paperless_ivr.flow.policy import Policy
    from paperless_ivr.proof.cover import Start, Step

MADE = "# Written by paperless-ivr transcripts, for the calls beside it."
"""The first line of every policy that this command writes."""


@click.command(name="transcripts")
@click.option(
    "--cover",
    "folder",
    required=True,
    type=FOLDER,
    help="The folder to write to. Files from an earlier run are replaced or removed.",
)
@click.option(
    "--policy",
    "file",
    type=FILE,
    help="A policy (TOML). [default: the proof's policies, which are written to the folder]",
)
def command(folder: Path, file: Path | None) -> None:
    """Write transcripts of a few calls that together cover every row of the flow's table.

    This takes a few minutes. The folder must not contain other transcripts. Rows that no call
    covers are listed.
    """
    from paperless_ivr.prompts.policies import load_policy
    from paperless_ivr.proof.cases import rows
    from paperless_ivr.proof.cover import COVERING, cover, in_words, of_covering

    policy = load_policy(file) if file else None
    earlier = _written_by_us(folder, "*.call", f"# {COVERING}")
    if file is None:
        earlier |= _written_by_us(folder, "*.toml", MADE)
    folder.mkdir(parents=True, exist_ok=True)
    policies, starts = _starts(folder, policy, file)
    first = _searched(starts)
    written, events = set(policies), 0
    for covering in cover(first):
        place = folder / f"{_slug(in_words(covering.adds[-1]))}.call"
        place.write_text(of_covering(covering, place), encoding="utf-8")
        written.add(place)
        events += len(covering.end.path) - 1
    for place in earlier - written:
        place.unlink()
    missing = sorted(rows() - set(first))
    calls = len(written) - len(policies)
    click.echo(f"{folder}: {calls} calls, {events} events, {len(first)} of {len(rows())} rows")
    if missing:
        click.echo(f"No call was found that takes these {len(missing)} rows:")
    for row in missing:
        click.echo(f"  {in_words(row)}")


def _written_by_us(folder: Path, pattern: str, mark: str) -> set[Path]:
    """Return the files from an earlier run. Raises UsageError if there are other files."""
    files = set(folder.glob(pattern))
    others = sorted(f.name for f in files if not f.read_text("utf-8").startswith(f"{mark}\n"))
    if others:
        message = f"{folder} has other files in it: {', '.join(others)}; choose another folder"
        raise click.UsageError(message)
    return files


def _starts(
    folder: Path, policy: "Policy | None", file: Path | None
) -> "tuple[dict[Path, Policy], list[Start]]":
    """Write the policies, unless one was given. Return those written, and the starts of calls."""
    from paperless_ivr.proof.cases import arrivals
    from paperless_ivr.proof.cover import Start

    written: dict[Path, Policy] = {}
    starts = []
    for case in arrivals(policy):
        place = file or next((p for p, known in written.items() if known == case.policy), None)
        if place is None:
            place = folder / f"{_slug(case.name)}.toml"
            place.write_text(_toml(case.policy), encoding="utf-8")
            written[place] = case.policy
        named = Path(os.path.relpath(place, folder)).as_posix()
        starts.append(Start.of(case, named, folder))
    return written, starts


def _toml(policy: "Policy") -> str:
    """Return a policy as TOML, with only the differences from the default."""
    import tomli_w

    from paperless_ivr.flow.policy import Policy
    from paperless_ivr.flow.policy_checks import plain, settings

    sections: dict[str, Any] = {}
    for (place, _, value), (_, _, default) in zip(
        settings(policy), settings(Policy()), strict=True
    ):
        if value != default:
            inside = sections
            for section in place[:-1]:
                inside = inside.setdefault(str(section), {})
            inside[str(place[-1])] = value if isinstance(value, date) else plain(value)
    return f"{MADE}\n{tomli_w.dumps(sections)}"


def _searched(starts: "list[Start]") -> "dict[str, Step]":
    """Run the search, with a progress bar on a terminal."""
    from tqdm import tqdm

    from paperless_ivr.proof.cases import rows
    from paperless_ivr.proof.cover import search

    total = len(rows())
    with tqdm(total=total, unit=" rows", file=sys.stderr, leave=False, disable=None) as bar:

        def watch(found: int, left: int) -> None:
            bar.update(found - bar.n)
            bar.set_postfix_str(f"{left} turns left to search", refresh=False)

        return search(starts, watch)


def _slug(words: str) -> str:
    """Convert words to a file name."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
