"""`paperless-ivr replay`: replays transcripts as calls."""

from pathlib import Path

import click

from paperless_ivr.cli.paths import EXISTING_FILE, FOLDER


@click.command(name="replay")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=EXISTING_FILE,
)
@click.option(
    "--update", is_flag=True, help="Rewrite the transcripts to match how the calls go now."
)
@click.option(
    "--sound",
    "folder",
    type=FOLDER,
    help="Write each call to this folder as one sound file (WAV), spoken by espeak-ng.",
)
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], update: bool, folder: Path | None) -> None:
    """Replay transcripts. If a replay differs, show a diff and exit with status 1."""
    from paperless_ivr import transcripts

    differ = 0
    for file in files:
        difference = transcripts.differences(transcripts.read(file))
        if not difference:
            if folder is not None:
                _write_sound(file, folder)
            continue
        differ += 1
        click.echo(f"{difference.rstrip()}\n")
        if update:
            transcripts.update(file)
            click.echo(f"{file}: rewritten")
    s = "" if len(files) == 1 else "s"
    click.echo(f"{len(files)} transcript{s}, {differ} differ{'s' if differ == 1 else ''}")
    if differ and not update:
        ctx.exit(1)


def _write_sound(file: Path, folder: Path) -> None:
    from paperless_ivr.transcripts import read
    from paperless_ivr.transcripts.call_sound import sound_of

    folder.mkdir(parents=True, exist_ok=True)
    to = folder / f"{file.stem}.wav"
    to.write_bytes(sound_of(read(file)))
    click.echo(to)
