"""`paperless-ivr prompts`: lists all spoken phrases, or renders them as sound files."""

from pathlib import Path

import click

from paperless_ivr.backends.demo import demo_policy
from paperless_ivr.cli.paths import FILE, FOLDER
from paperless_ivr.prompts.listening import PAGE
from paperless_ivr.prompts.policies import load_policy
from paperless_ivr.prompts.recorded import phrases, table


@click.command(name="prompts")
@click.option("--policy", "file", type=FILE, help="A policy (TOML).")
@click.option(
    "--language", help="Only this language, such as es-US. [default: all offered languages]"
)
@click.option(
    "--render",
    "folder",
    type=FOLDER,
    help="Render phrases that have no file yet into this folder, at 8 kHz, with espeak-ng, "
    f"and write {PAGE}, a page that plays every phrase.",
)
def command(*, file: Path | None, language: str | None, folder: Path | None) -> None:
    """List every phrase for a voice studio (CSV), or render them all to 8 kHz sound files.

    Save a studio's recordings where rendered ones would be: under the file names in the list, with
    an extension that Asterisk can play. Numbers, letters, amounts, and dates are not in the list;
    they are composed from Asterisk's own sounds.
    """
    # A policy that is not in effect yet is accepted, so that its sounds can be prepared.
    policy = demo_policy() if file is None else load_policy(file)
    if language is not None and language not in policy.languages.offered:
        message = f"{language!r} is not offered; choose {', '.join(policy.languages.offered)}"
        raise click.BadParameter(message, param_hint="--language")
    wanted = tuple(p for p in phrases(policy) if language in (None, p.language))
    if folder is None:
        click.echo(table(wanted), nl=False)
        return
    from paperless_ivr.prompts.rendering import render

    rendered = render(wanted, folder, lambda name: click.echo(name, err=True))
    click.echo(f"{len(wanted)} phrases in {folder}, {rendered} of them newly rendered")
