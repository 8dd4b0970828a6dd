"""Parameter types for the files and folders that commands take."""

from pathlib import Path

import click

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def picture_file(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    """Check the extension of a picture's file, which sets its format."""
    if file is not None and file.suffix not in (".svg", ".png"):
        message = "the name of the picture must end in .svg or .png"
        raise click.BadParameter(message)
    return file
