"""`paperless-ivr verify`: proves the invariants, or writes counterexamples as transcripts."""

import re
from pathlib import Path

import click

from paperless_ivr.cli.paths import FILE, FOLDER
from paperless_ivr.prompts.policies import load_policy
from paperless_ivr.proof.cases import Case, Proof, prove_all
from paperless_ivr.proof.exploration import Counterexample, Walk
from paperless_ivr.proof.invariants import INVARIANTS

HELD = ("every call ends", *INVARIANTS)
"""The invariants, in the order in which they are printed."""


@click.command(name="verify")
@click.option("--policy", "file", type=FILE, help="A policy (TOML).")
@click.option(
    "--write",
    "folder",
    type=FOLDER,
    default=Path(),
    help="The folder for transcripts of counterexamples. [default: the current folder]",
)
@click.pass_context
def command(ctx: click.Context, file: Path | None, folder: Path) -> None:
    """Explore every call and check the invariants, for one policy or for the built-in ones."""
    policy = load_policy(file) if file else None
    proof = prove_all(policy, watch=_progress)
    for line in told(proof, whole=policy is None):
        click.echo(line)
    for number, (case, counterexample) in enumerate(proof.found, 1):
        _write(folder, number, case, counterexample)
    if not proof.holds:
        ctx.exit(1)


def told(proof: Proof, *, whole: bool) -> list[str]:
    """Return a proof as lines of text. `whole` means that its cases must cover every row."""
    walk = proof.walk
    lines = [f"{walk.calls:,} calls, {walk.moves:,} moves, {proof.seconds:.1f} seconds"]
    for name in HELD:
        broken = [(case, c) for case, c in proof.found if c.invariant == name]
        lines.append(f"  {'BROKEN' if broken else 'holds '}  {name}")
        lines += [f"          {case.name}: {c.problem}" for case, c in broken]
    covered = len(proof.rows) - len(proof.uncovered)
    lines.append(f"rows of the table taken: {covered}/{len(proof.rows)}")
    if whole:
        lines += [f"  not taken: {row}" for row in proof.uncovered]
    return lines


def _progress(case: Case, seen: Walk) -> None:
    verdict = "BROKEN" if seen.found else "holds"
    click.echo(f"{case.name}: {seen.calls:,} calls, {verdict}", err=True)


def _write(folder: Path, number: int, case: Case, counterexample: Counterexample) -> None:
    """Write a counterexample as a transcript."""
    from paperless_ivr.proof.writing import of_counterexample

    name = re.sub(r"[^a-z0-9]+", "-", f"{counterexample.invariant} {case.name}".lower()).strip("-")
    to = folder / f"counterexample-{number}-{name}.call"
    folder.mkdir(parents=True, exist_ok=True)
    to.write_text(of_counterexample(counterexample, case), encoding="utf-8")
    click.echo(f"written: {to}")
