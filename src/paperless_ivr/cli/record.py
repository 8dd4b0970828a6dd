"""`paperless-ivr record`: maintains the record, and looks up its data about a person."""

import functools
import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from cattrs import Converter

from paperless_ivr.cli.paths import FILE
from paperless_ivr.cli.report_forms import show
from paperless_ivr.errors import StillOpen
from paperless_ivr.keypad import phone_number
from paperless_ivr.prompts.policies import load_policy
from paperless_ivr.secret import Kind, Secret

if TYPE_CHECKING:
    from paperless_ivr.records.port import Removed
    from paperless_ivr.records.sql.erase import Erasure

PATIENCE = 600.0
"""A long time limit in seconds, because no caller is waiting."""


def checked(_: click.Context, __: click.Parameter, url: str | None) -> str | None:
    """Validate a database URL, if there is one."""
    if url is None:
        return None
    try:
        from paperless_ivr.records.sql.database import database_url

        database_url(url).get_dialect().import_dbapi()
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


policy_option = click.option(
    "--policy",
    "file",
    type=FILE,
    required=True,
    help="The policy (TOML) with the biller's ID and retention.",
)


def _read(kind: Kind, value: str) -> Secret:
    """Return the value that names a person, normalized as in the record. Errors never show it."""
    text = (sys.stdin.readline() if value == "-" else value).strip()
    found = phone_number(text) if kind is Kind.PHONE else text
    if not found or (kind is Kind.EMAIL and "@" not in found):
        what = "phone number" if kind is Kind.PHONE else "e-mail address"
        message = f"not a valid {what}" if text else "no value was given"
        raise click.BadParameter(message, param_hint=f"--{kind}")
    return Secret(found, kind)


def person_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a person. The command receives the value as `person`, a secret."""

    @click.option("--account", metavar="NUMBER", help="An account number in the billing service.")
    @click.option("--phone", metavar="NUMBER", help="A telephone number that called or got a text.")
    @click.option("--email", metavar="ADDRESS", help="An e-mail address in a consent.")
    @functools.wraps(command)
    def wrapped(
        *args: Any, account: str | None, phone: str | None, email: str | None, **given: Any
    ) -> Any:
        named = {Kind.ACCOUNT: account, Kind.PHONE: phone, Kind.EMAIL: email}
        values = [(kind, value) for kind, value in named.items() if value is not None]
        if len(values) != 1:
            message = "name the person with exactly one of --account, --phone, and --email"
            raise click.UsageError(message)
        return command(*args, person=_read(*values[0]), **given)

    return wrapped


@click.group(name="record")
def command() -> None:
    """Maintain the record: its tables, its retention, and its data about a person."""


@command.command()
@database_option
def upgrade(url: str) -> None:
    """Upgrade the tables to this version, creating them if there are none.

    The upgrade is all or nothing, keeps all data, and needs no keys.
    """
    from paperless_ivr.records.sql.database import Database
    from paperless_ivr.records.sql.upgrades import upgrade as bring

    database = Database(url, PATIENCE)
    try:
        click.echo(f"the tables are at revision {bring(database)}")
    finally:
        database.close()


@command.command()
@database_option
@policy_option
def purge(url: str, file: Path) -> None:
    """Remove data that a biller's retention no longer allows. Run this daily.

    Unfinished work is never removed, however old it is: writes without an outcome, deferred
    requests, and registrations that are still pending.
    """
    policy = load_policy(file)
    from paperless_ivr.records.sql import open_store

    with open_store(url, budget=PATIENCE, make=False) as store:
        removed = store.record.purge(policy.biller.id, policy.retention)
    _say_removed(policy.biller.id, removed)


def _say_removed(biller: str, removed: "Removed") -> None:
    click.echo(
        f"removed for {biller}: {removed.activities} activities, "
        f"{removed.consents} consents, {removed.writes} writes, "
        f"{removed.wishes} deferred requests"
    )


@command.command()
@database_option
@person_options
@click.option("--biller", metavar="ID", help="Search this biller only. [default: all billers]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def find(url: str, person: Secret, biller: str | None, *, as_json: bool) -> None:
    """List a person's hand-overs, consents, writes, and deferred requests.

    If the value is -, it is read from standard input, to keep it out of the shell history. No
    personal data is printed. The exit status is 1 if nothing is found.
    """
    from paperless_ivr.records.sql import open_store

    with open_store(url, budget=PATIENCE, make=False) as store:
        found = store.record.find(person, biller)
    converter = Converter()
    converter.register_unstructure_hook(datetime, lambda at: at.isoformat(timespec="seconds"))
    plain = converter.unstructure(found)
    if as_json:
        click.echo(json.dumps(plain, indent=2))
    else:
        _show(plain)
    if not found:
        raise click.ClickException(_nothing(person))


def _nothing(person: Secret) -> str:
    return f"nothing is on record for that {person.kind}"


def _show(found: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    """Print a table for each kind of row."""
    for kind, rows in found.items():
        if rows:
            click.echo(f"{kind.replace('_', '-')}\n")
            heads = [name.replace("_", " ") for name in rows[0]]
            show(sys.stdout, heads, [list(row.values()) for row in rows])


@command.command()
@database_option
@click.argument("consent")
@click.option(
    "-o",
    "--output",
    "to",
    type=FILE,
    metavar="FILE",
    help="Write to a new file that only you can read. [default: standard output]",
)
def evidence(url: str, consent: str, to: Path | None) -> None:
    """Write everything on record about a CONSENT, and its hash. Personal data is IN CLEAR TEXT.

    CONSENT is the reference that the host got; `find` lists it. With -o, the file's hash is printed
    in the format of sha256sum.
    """
    from paperless_ivr.records.sql import open_store

    with open_store(url, budget=PATIENCE, make=False) as store:
        text = store.record.evidence(consent)
    if text is None:
        message = "no consent with that reference is on record"
        raise click.ClickException(message)
    if to is None:
        click.echo(text, nl=False)
        return
    try:
        with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123 - sets the mode
            out.write(text.encode())
    except OSError as error:
        message = f"{to}: {error.strerror}"
        raise click.BadParameter(message, param_hint="-o") from error
    click.echo(f"{hashlib.sha256(text.encode()).hexdigest()}  {to}")


@command.command()
@database_option
@policy_option
@person_options
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def erase(url: str, file: Path, person: Secret, *, yes: bool) -> None:
    """Remove all data on record about a person, except what must be kept.

    If the value is -, it is read from standard input, to keep it out of the shell history. If
    nothing is found, or a call or request of that person is in progress, nothing is removed and
    the exit status is 1.
    """
    policy = load_policy(file)
    from paperless_ivr.records.sql import open_store

    with open_store(url, budget=PATIENCE, make=False) as store:
        try:
            erasure = store.record.plan_erasure(person, policy.biller.id, policy.retention)
        except StillOpen as still_open:
            raise click.ClickException(str(still_open)) from still_open
        if not erasure:
            raise click.ClickException(_nothing(person))
        _say_planned(erasure)
        if erasure.hand_overs or erasure.consents:
            if not yes:
                click.confirm("Remove it? This cannot be undone.", abort=True)
            _say_removed(erasure.biller, store.record.erase(erasure))


def _say_planned(erasure: "Erasure") -> None:
    """Print what will be removed, what will be kept, and until when."""
    for kind, names in (("hand-over", erasure.hand_overs), ("consent", erasure.consents)):
        for name in names:
            click.echo(f"to be removed: {kind} {name}")
    for one in erasure.remains:
        click.echo(f"kept until {one.until}: {one.what} {one.name}".rstrip())
    if not (erasure.hand_overs or erasure.consents):
        click.echo("nothing can be removed yet")
