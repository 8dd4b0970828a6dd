"""`paperless-ivr diagram`: draws the call flow from the table that calls follow."""

from collections.abc import Sequence
from pathlib import Path

import click

from paperless_ivr.cli.paths import EXISTING_FILE
from paperless_ivr.diagrams.page import page
from paperless_ivr.diagrams.pictures import chapters, overview
from paperless_ivr.diagrams.text import dot, markdown
from paperless_ivr.flow.policy import Policy
from paperless_ivr.flow.states import Phase
from paperless_ivr.flow.table import FLOW, PROMPTS
from paperless_ivr.prompts.catalog import Catalog
from paperless_ivr.prompts.policies import load_policy

TEXTS = {"dot": dot, "table": markdown}


@click.command(name="diagram")
@click.option(
    "--format",
    "form",
    type=click.Choice(["svg", "html", "dot", "table"]),
    default="svg",
    show_default=True,
    help="A picture, the whole flow as a page, the raw graph for Graphviz, or tables in Markdown.",
)
@click.option(
    "--chapter",
    type=click.Choice([phase.name.lower() for phase in Phase], case_sensitive=False),
    help="Draw only this chapter. By default, a picture shows the overview.",
)
@click.option(
    "--policy",
    "policy_file",
    type=EXISTING_FILE,
    help="A policy (TOML). Pictures leave out everything that it turns off.",
)
@click.option(
    "--transcript",
    "call_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A transcript (.call). The page highlights its path, step by step.",
)
def command(
    form: str, chapter: str | None, policy_file: Path | None, call_file: Path | None
) -> None:
    """Draw the call flow, straight from the table that calls follow."""
    only = Phase[chapter.upper()] if chapter else None
    policy = load_policy(policy_file) if policy_file else None
    if call_file and form != "html":
        message = "--transcript needs --format html"
        raise click.UsageError(message)
    if form == "svg":
        click.echo(_svg(only, policy), nl=False)
    elif form == "html":
        call = _taken(call_file) if call_file else ()
        says = policy or Policy()
        words = Catalog.of(says).texts(PROMPTS, says.languages.default)
        click.echo(page(FLOW, policy, words, call), nl=False)
    elif policy:
        message = "--policy needs --format svg or html"
        raise click.UsageError(message)
    else:
        click.echo(TEXTS[form](FLOW, only), nl=False)


def _taken(file: Path) -> Sequence[str]:
    """Return the rows that a transcript's call takes."""
    from paperless_ivr.transcripts import read, rows_taken

    return rows_taken(read(file))


def _svg(only: Phase | None, policy: Policy | None) -> str:
    """Return the overview or a chapter as SVG."""
    if only in (None, Phase.END):
        return overview(FLOW, policy).svg()
    pictures = chapters(FLOW, policy)
    if only not in pictures:
        message = "no call reaches this chapter under the policy"
        raise click.ClickException(message)
    return pictures[only].svg()
