"""`paperless-ivr report`: reports the funnel and the tracker of a record (R33)."""

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import click

from paperless_ivr.cli import report_forms
from paperless_ivr.cli.paths import FILE, picture_file
from paperless_ivr.cli.record import PATIENCE, database_option
from paperless_ivr.cli.report_forms import Report
from paperless_ivr.clock import utc_now
from paperless_ivr.prompts.policies import load_policy
from paperless_ivr.records.funnel import By, HandOver, day_of, funnels, hand_overs
from paperless_ivr.records.port import A_DAY, Readable

FORMS: dict[str, Callable[[Report, TextIO], None]] = {
    "table": report_forms.table,
    "csv": report_forms.csv_file,
    "json": report_forms.json_file,
}
DAY = click.DateTime(["%Y-%m-%d"])


def _zone(_: click.Context, __: click.Parameter, name: str) -> tzinfo:
    """Return a time zone by name."""
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError) as error:
        message = f"unknown time zone {name!r}; use a name such as America/Chicago"
        raise click.BadParameter(message) from error


def _by(_: click.Context, __: click.Parameter, names: str) -> tuple[By, ...]:
    """Return the properties by which hand-overs are grouped."""
    named = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in named if name not in tuple(By)]
    if unknown:
        message = f"unknown name {unknown[0]!r}; choose from {', '.join(By)}"
        raise click.BadParameter(message)
    return tuple(by for by in By if by in named)


@click.command(name="report")
@database_option
@click.option("--biller", metavar="ID", help="Only this biller's calls. [default: all billers]")
@click.option("--since", type=DAY, metavar="DAY", help="The first day, such as 2026-11-23.")
@click.option("--until", type=DAY, metavar="DAY", help="The last day.")
@click.option(
    "--zone",
    default="UTC",
    show_default=True,
    callback=_zone,
    help="The time zone that defines when a day begins.",
)
@click.option(
    "--by",
    default="",
    callback=_by,
    metavar="NAMES",
    help="What to group by, separated by commas: moment, language, day.",
)
@click.option(
    "--format", "form", type=click.Choice(list(FORMS)), default="table", show_default=True
)
@click.option(
    "--picture",
    type=FILE,
    callback=picture_file,
    metavar="FILE",
    help="Also draw the funnels, as FILE.svg or FILE.png.",
)
@click.option(
    "--policy",
    "names",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=lambda _, __, files: _names(files),
    metavar="FILE",
    help="A policy (TOML), for the biller's name in the picture. Repeat this for each biller.",
)
def command(  # noqa: PLR0913 - an argument for each option
    *,
    url: str,
    biller: str | None,
    since: datetime | None,
    until: datetime | None,
    zone: tzinfo,
    by: tuple[By, ...],
    form: str,
    picture: Path | None,
    names: Mapping[str, str],
) -> None:
    """Report how far hand-overs got, why they got no further, and what work is unfinished.

    A hand-over is counted on the day it began. Work completed for it later counts toward that day.
    The command changes nothing, needs no keys, and shows no personal data.
    """
    begin = since and _midnight(since, zone)
    end = until and _midnight(until + timedelta(days=1), zone)
    from paperless_ivr.records.sql import Database, SqlReading
    from paperless_ivr.records.sql.revisions import check_revision

    database = Database(url, PATIENCE)
    if database.is_sqlite and not Path(database.url.database or "").exists():
        raise click.BadParameter("there is no such file", param_hint="--database")
    try:
        check_revision(database)
        report = _told(SqlReading(database), biller, begin, end, zone, by)
    finally:
        database.close()
    if picture is not None:
        from paperless_ivr.cli.report_picture import draw

        draw(report, names, picture)
    FORMS[form](report, sys.stdout)


def _names(files: tuple[Path, ...]) -> Mapping[str, str]:
    """Return the names of billers, by ID."""
    billers = [load_policy(file).biller for file in files]
    return {biller.id: biller.name for biller in billers}


def _midnight(day: datetime, zone: tzinfo) -> datetime:
    """Return the time at which a day begins."""
    return datetime.combine(day.date(), time(), zone).astimezone(UTC)


def _told(  # noqa: PLR0913, PLR0917 - an argument for each option
    record: Readable,
    biller: str | None,
    begin: datetime | None,
    end: datetime | None,
    zone: tzinfo,
    by: tuple[By, ...],
) -> Report:
    billers = record.billers() if biller is None else (biller,)
    days: set[date] = set()

    def began_between() -> Iterator[HandOver]:
        for one in billers:
            lines = record.activity(one, begin and begin - A_DAY)
            for found in hand_overs(lines, begin, end):
                days.add(day_of(found.began, zone))
                yield found

    return Report(
        funnels(began_between(), by, zone),
        {one: record.tracked(one) for one in billers},
        by,
        (min(days), max(days)) if days else None,
        utc_now(),
    )
