"""`paperless-ivr record`: brings the tables of the record up to date, and purges it."""

from pathlib import Path

import click

from paperless_ivr.flow.policy_file import load_policy

PATIENCE = 600.0
"""Seconds: nobody is on the line."""


def checked(_: click.Context, __: click.Parameter, url: str | None) -> str | None:
    """A URL of a database that can be used, if there is one."""
    if url is None:
        return None
    try:
        from paperless_ivr.records.sql.database import database_url

        database_url(url).get_dialect().import_dbapi()
    except ModuleNotFoundError as missing:
        extra = "postgresql" if missing.name == "psycopg" else "sql"
        message = f"{missing.name} is not installed; run: pip install 'paperless-ivr[{extra}]'"
        raise click.ClickException(message) from missing
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return url


database_option = click.option(
    "--database",
    "url",
    metavar="URL",
    envvar="PAPERLESS_IVR_DATABASE",
    required=True,
    callback=checked,
    help="sqlite:///record.db or postgresql://…  [env: PAPERLESS_IVR_DATABASE]",
)


@click.group(name="record")
def command() -> None:
    """Look after the record: its tables, and how long it keeps things."""


@command.command()
@database_option
def upgrade(url: str) -> None:
    """Bring the tables to this version, making them where there are none.

    All of it or nothing; what is recorded stays. It needs no keys.
    """
    from paperless_ivr.records.sql.database import Database
    from paperless_ivr.records.sql.upgrades import upgrade as bring

    database = Database(url, PATIENCE)
    try:
        click.echo(f"the tables are of revision {bring(database)}")
    finally:
        database.close()


@command.command()
@database_option
@click.option(
    "--policy",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The biller's policy (TOML): whose record it is, and its retention.",
)
def purge(url: str, file: Path) -> None:
    """Remove what a biller's retention no longer allows; run it daily.

    Nothing that is left to do is removed, however old: writes without an outcome, wishes,
    registrations that are followed.
    """
    policy = load_policy(file)
    from paperless_ivr.records.sql import open_store

    with open_store(url, budget=PATIENCE, make=False) as store:
        removed = store.record.purge(policy.biller.id, policy.retention)
    click.echo(
        f"removed for {policy.biller.id}: {removed.activities} activities, "
        f"{removed.consents} consents, {removed.writes} writes, {removed.wishes} wishes"
    )
