"""`paperless-ivr check`: checks a policy and a biller's service before the first call."""

from pathlib import Path

import click

from paperless_ivr.cli.paths import FILE
from paperless_ivr.cli.plain_words import meaning
from paperless_ivr.errors import ConnectionProblems
from paperless_ivr.flow.checks import check
from paperless_ivr.flow.policy import Policy, Strategy
from paperless_ivr.flow.table import FLOW
from paperless_ivr.flow.view import Terms
from paperless_ivr.prompts.policies import load_policy


@click.command(name="check")
@click.option("--policy", "policy_file", type=FILE, help="A policy (TOML).")
@click.option("--connection", "connection_file", type=FILE, help="A connection (TOML).")
@click.option("--wsdl", help="A biller's WSDL (file or URL), if there is no connection yet.")
@click.option(
    "--test-account",
    "test_account",
    envvar="PAPERLESS_IVR_TEST_ACCOUNT",
    metavar="NUMBER",
    help="Look up this account, and report which fields of the real answer can be read.",
)
@click.option("--offline", is_flag=True, help="Do not test whether the connection works.")
@click.pass_context
def command(  # noqa: PLR0913 - an argument for each option
    ctx: click.Context,
    *,
    policy_file: Path | None,
    connection_file: Path | None,
    wsdl: str | None,
    test_account: str | None,
    offline: bool,
) -> None:
    """Explain a policy, and check whether a biller's service matches it and can be reached.

    Exit status: 0 if calls can be taken, 1 if something has to be fixed first, 2 if a file cannot
    be used at all.
    """
    if connection_file and wsdl:
        message = "a connection names its own WSDL; give either --connection or --wsdl"
        raise click.UsageError(message)
    if not (policy_file or connection_file or wsdl):
        message = "nothing to check; give --policy, --connection, or --wsdl"
        raise click.UsageError(message)
    if test_account and (offline or not connection_file):
        message = "--test-account calls the real service; give --connection, without --offline"
        raise click.UsageError(message)
    policy = load_policy(policy_file) if policy_file else None
    well = True
    if policy is not None:
        _policy(policy, policy_file)
    if connection_file or wsdl:
        well = _service(connection_file, wsdl, policy, offline)
        if well and test_account and connection_file:
            well = _account(connection_file, test_account, policy or Policy())
    if not well:
        ctx.exit(1)


def _policy(policy: Policy, file: Path | None) -> None:
    check(Terms(policy), FLOW)
    click.echo(f"policy {file} is valid. In plain English:")
    for line in meaning(policy):
        click.echo(f"  {line}")


def _account(file: Path, number: str, policy: Policy) -> bool:
    """Look up a real account. Return whether it was found and callers can key its number."""
    from paperless_ivr.backends.connection import load_connection
    from paperless_ivr.backends.soap.survey import read_account
    from paperless_ivr.secret import account

    tried = read_account(load_connection(file), account(number))
    first, *more = tried.says.splitlines()
    click.echo(f"test account: SearchByAccountNumber {first}")
    for line in more:
        click.echo(f"  {line}")
    keyed = Terms(policy).accounts.keys(number)
    if keyed is None:
        click.echo(
            "  callers cannot key it under this policy: describe your account numbers in "
            "account.forms, and "
            "their length in proof.account_keys"
        )
    else:
        click.echo(f"  a caller presses {len(keyed)} keys to enter it")
    return tried.works and keyed is not None


def _service(file: Path | None, wsdl: str | None, policy: Policy | None, offline: bool) -> bool:
    """Report the state of a service. Return whether calls can be taken with it."""
    from attrs import evolve

    from paperless_ivr.backends.connection import Connection, load_connection
    from paperless_ivr.backends.soap.contract import load_contract
    from paperless_ivr.backends.soap.fit import misnamed, strangers
    from paperless_ivr.backends.soap.http import Http
    from paperless_ivr.backends.soap.survey import Standing, survey, try_out
    from paperless_ivr.cloudivr import WSDL
    from paperless_ivr.secret import credential

    if file is not None:
        connection = load_connection(file)
    else:
        connection = Connection(
            "http://localhost", "unknown", "unknown", wsdl, partner_key=credential("")
        )
    place = connection.wsdl or str(WSDL)
    contract = load_contract(
        connection, place, Http.of(connection), None if wsdl else connection.soap
    )
    connection = evolve(connection, soap=contract.soap)
    unknown = [*strangers(connection), *misnamed(contract, connection)]
    if unknown:
        raise ConnectionProblems(f"{file}: this connection cannot be used", unknown)
    found = survey(contract, connection)

    click.echo(f"service {place}: SOAP {' and '.join(contract.versions)}")
    for one in found:
        click.echo(f"  {one.operation:<29} {one.standing}")
        for line in (*one.says, *([f"instead: {one.in_force}"] if one.in_force else [])):
            click.echo(f"      {line}")
    fit = all(one.standing is not Standing.UNUSABLE for one in found)
    has = frozenset(
        one.operation for one in found if one.standing in (Standing.COMPLETE, Standing.DIFFERS)
    )
    if not has:
        click.echo("  none of the seven operations can be used")
        fit = False
    if fit and not has & {"SearchByAccountNumber", "EnrollInPaperless"}:
        click.echo("  without any search, no customer can be found, so no caller can be served")
        fit = False
    if policy is not None and fit:
        check(Terms(policy, has), FLOW)
        if set(policy.address.strategies) == {Strategy.TEXT_LINK} and "SendWebLink" not in has:
            click.echo(
                "  under this policy, addresses come only by texted link, which needs SendWebLink"
            )
            fit = False
    if file is None or offline or not fit:
        click.echo("connection: not tried")
        return fit
    click.echo(f"connection {connection.address}:")
    chosen = False
    for version in contract.versions:
        tried = try_out(connection, version)
        mark = " (the one in use)" if version == connection.soap else ""
        click.echo(f"  SOAP {version}{mark}: {tried.says}")
        chosen = chosen or (tried.works and version == connection.soap)
    return chosen
