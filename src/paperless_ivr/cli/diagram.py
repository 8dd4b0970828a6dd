"""`paperless-ivr diagram`: the call flow, drawn from its live table."""

import shutil
import subprocess

import click

from paperless_ivr.flow.diagrams import dot, markdown, mermaid
from paperless_ivr.flow.states import Phase
from paperless_ivr.flow.table import FLOW

FORMATS = {"mermaid": mermaid, "dot": dot, "table": markdown}
NO_GRAPHVIZ = (
    "svg needs Graphviz: its program `dot` is not on the PATH. Install it "
    "(Debian and Ubuntu: apt-get install graphviz; macOS: brew install graphviz), or take "
    "--format mermaid or --format dot."
)


@click.command(name="diagram")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg", "table"]),
    default="mermaid",
    show_default=True,
)
@click.option(
    "--phase",
    type=click.Choice([phase.name.lower() for phase in Phase], case_sensitive=False),
    help="Only this phase, and where it leads.",
)
def command(form: str, phase: str | None) -> None:
    """Draw the call flow from its live table."""
    only = Phase[phase.upper()] if phase else None
    if form == "svg":
        click.echo(_svg(dot(FLOW, only)), nl=False)
    else:
        click.echo(FORMATS[form](FLOW, only), nl=False)


def _svg(drawing: str) -> str:
    """A drawing as SVG, by Graphviz."""
    program = shutil.which("dot")
    if program is None:
        raise click.ClickException(NO_GRAPHVIZ)
    drawn = subprocess.run(  # noqa: S603 - Graphviz, with what this library wrote
        [program, "-Tsvg"], input=drawing, capture_output=True, text=True, check=False
    )
    if drawn.returncode:
        message = f"dot failed: {drawn.stderr.strip()}"
        raise click.ClickException(message)
    return drawn.stdout
