"""`paperless-ivr effort`: measures what a call costs the caller, in keys and seconds."""

import json
from pathlib import Path

import click

from paperless_ivr.backends.demo import demo_policy
from paperless_ivr.cli import Unusable
from paperless_ivr.cli.paths import FILE, picture_file
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts import Catalog
from paperless_ivr.prompts.policies import load_policy
from paperless_ivr.proof.effort import WORDS_A_MINUTE, Cost, Way, starts, ways

HEADS = ("caller", "address", "ends", "keys", "knows", "hears", "slow", "whole call")


@click.command(name="effort")
@click.option("--policy", "file", type=FILE, help="A policy (TOML).")
@click.option("--language", help="The language, such as es-US. [default: the policy's]")
@click.option(
    "--rate",
    type=click.IntRange(min=1),
    default=WORDS_A_MINUTE,
    show_default=True,
    help="The speaking rate, in words per minute.",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option(
    "--picture",
    type=FILE,
    callback=picture_file,
    metavar="FILE",
    help="Also draw the paths to a registration, as FILE.svg or FILE.png.",
)
def command(
    *, file: Path | None, language: str | None, rate: int, form: str, picture: Path | None
) -> None:
    """Measure what a call costs the caller, for each path through the flow.

    Counts keys and seconds until the service has accepted the request, or until the end of the call
    if the caller agreed to nothing. Seconds are given for three callers: `knows` knows the menus,
    `hears` listens to every prompt, and `slow` also waits before each key. `whole call` is measured
    for `hears`, but always to the end of the call. Waits for the service are not included.
    """
    policy = demo_policy() if file is None else load_policy(file)
    if not policy.offer.moments:
        message = "no offer is made (offer.moments = []), so there is nothing to measure"
        raise Unusable(f"{file}: {message}")
    spoken = language or policy.languages.default
    if spoken not in policy.languages.offered:
        message = f"{spoken!r} is not offered; choose {', '.join(policy.languages.offered)}"
        raise click.BadParameter(message, param_hint="--language")
    found = measured(policy, spoken, rate)
    if picture is not None:
        from paperless_ivr.cli.effort_picture import draw

        draw(found, spoken, picture)
    if form == "json":
        click.echo(json.dumps([_plain(way) for way in found], indent=2))
        return
    from tabulate import tabulate

    click.echo(tabulate(map(row, found), HEADS, "simple", disable_numparse=True, colalign=ALIGNED))


ALIGNED = ("left",) * 3 + ("right",) * 5


def measured(policy: Policy, language: str, rate: int = WORDS_A_MINUTE) -> list[Way]:
    """Return all paths, grouped by how the caller is identified."""
    flow, words = Flow(Terms(policy)), Catalog.of(policy)
    found: list[Way] = []
    for start in starts(policy, language):
        found += sorted(ways(flow, start, words, rate), key=lambda way: way.registered is None)
    return found


def row(way: Way) -> tuple[str, ...]:
    """Return a path as a row of the table."""
    until: Cost = way.registered or way.whole
    address = way.address.value if way.address else ""
    seconds = (until.knows, until.hears, until.slow, way.whole.hears)
    return (
        way.start,
        address,
        way.ending.value,
        str(until.keys),
        *(f"{s:.0f}" for s in seconds),
    )


def _plain(way: Way) -> dict[str, object]:
    return {
        "start": way.start,
        "address": way.address.value if way.address else None,
        "ending": way.ending.value,
        "registered": way.registered and _cost(way.registered),
        "whole": _cost(way.whole),
    }


def _cost(cost: Cost) -> dict[str, float]:
    return {"keys": cost.keys, "knows": cost.knows, "hears": cost.hears, "slow": cost.slow}
