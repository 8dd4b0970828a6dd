"""Calls from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

from paperless_ivr.backends.demo import customer
from paperless_ivr.cli.setups import demo_policy
from paperless_ivr.cloudivr.serving import running
from paperless_ivr.flow.policy_file import problems
from tests.cli.connections import connected

Run = Callable[..., Any]


def last(output: str) -> str:
    """Return the last line."""
    return output.splitlines()[-1]


@pytest.mark.requirement("R01", "R41")
def test_without_a_terminal_a_whole_call_is_played(process: Run) -> None:
    """Without a terminal, the command says so, plays a call that enrolls, and logs nothing."""
    done = process("call")
    assert done.returncode == 0
    assert done.stdout.startswith("No terminal to read keys from: playing a demo call")
    assert last(done.stdout) == "disposition: enrolled"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "disposition"),
    [
        (["--keys", "1 1137# 1"], "enrolled"),
        (["--keys", "1 1137# 2"], "declined"),
        (["--keys", "2"], "ignored"),
        (["--keys", "-"], "ignored"),
        (["--keys", "1 h"], "abandoned"),
        (["--keys", ""], "abandoned"),
        (["--keys", "2", "--moment", "before_payment"], "declined"),
        (["--keys", "1 1 2", "--moment", "after_payment"], "enrolled"),
        (["--keys", "1 1137# 1", "--caller", "+12175550101"], "enrolled"),
        (["--keys", "1 1 1137# 1", "--language", "ask"], "enrolled"),
        (["--keys", "1 0# answered", "--person"], "transferred"),
    ],
)
def test_keys_are_played(run: Run, arguments: list[str], disposition: str) -> None:
    """The last line is the disposition."""
    done = run("call", *arguments)
    assert done.exit_code == 0
    assert last(done.stdout) == f"disposition: {disposition}"


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("number", ["+10000000000", "+9999999999", "+266696687"])
def test_a_number_that_stands_for_nobody(run: Run, tmp_path: Path, number: str) -> None:
    """A no from a placeholder number is not remembered, but a no from a real number is."""
    url = f"sqlite:///{tmp_path}/record.db"
    arguments = ["--moment", "before_payment", "--keys", "2", "--database", url]
    for caller, endings in (
        (number, ["declined", "declined"]),
        ("rivera", ["declined", "not_offered"]),
    ):
        calls = [run("call", *arguments, "--caller", caller) for _ in range(2)]
        assert [last(call.stdout) for call in calls] == [f"disposition: {e}" for e in endings]


@pytest.mark.requirement("R47", "R15")
def test_a_pause_looks_no_half_number_up(run: Run) -> None:
    """With 2048, a pause, and the rest, only the right account is looked up."""
    keys = ["--keys", "1 2048 1137# 1", "--moment", "before_payment"]
    done = run("call", "--caller", "+12175550999", *keys)
    assert last(done.stdout) == "disposition: enrolled"
    assert "Keep going" in done.stdout
    assert "We found no account" not in done.stdout


@pytest.mark.requirement("R16")
def test_a_call_in_spanish(run: Run) -> None:
    """The host's language is spoken."""
    done = run("call", "--language", "es-US", "--keys", "2")
    assert "Gracias por llamar" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--keys", "1=2 1"], "1=2: not understood"),
        (["--biller", "acme"], "unknown biller 'acme'; the demo has only springfield-water"),
        (["--caller", "nobody"], "unknown caller 'nobody'"),
        (
            ["--caller", "+12175550999", "--moment", "after_payment"],
            "no customer has number +12175550999",
        ),
        (["--language", "fr-CA"], "'fr-CA' is not offered; choose en-US, es-US or ask"),
        (["--moment", "later"], "'later' is not one of"),
    ],
)
def test_what_does_not_exist_is_told(run: Run, arguments: list[str], says: str) -> None:
    """An unknown name is reported with status 2, and there is no call."""
    done = run("call", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert "disposition" not in done.stdout


@pytest.mark.requirement("R19")
def test_a_bad_policy_shows_every_problem(process: Run, tmp_path: Path) -> None:
    """All problems are shown, with status 2 and no traceback."""
    file = tmp_path / "policy.toml"
    file.write_text("[tries]\nsilence = 9\n[waits]\noffer = 'x'\n[address]\nstrategy = 1\n")
    done = process("call", "--policy", str(file))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for setting in ("tries.silence", "waits.offer", "address.strategy"):
        assert setting in done.stderr


@pytest.mark.requirement("R16", "R19")
def test_bad_words_show_every_problem(run: Run, tmp_path: Path) -> None:
    """The wording is checked before the call."""
    file = tmp_path / "policy.toml"
    file.write_text('[words.en-US]\nnot_there = "x"\nthanks = "{nothing}"\n')
    done = run("call", "--policy", str(file))
    assert done.exit_code == 2
    assert "not_there" in done.stderr
    assert "thanks" in done.stderr


@pytest.mark.requirement("R19")
def test_a_policy_is_not_used_before_its_day(run: Run, tmp_path: Path) -> None:
    """A policy is refused before its first day, with that date."""
    file = tmp_path / "policy.toml"
    file.write_text("[about]\nin_force_from = 2999-01-01\n")
    done = run("call", "--policy", str(file))
    assert done.exit_code == 2
    assert "takes effect on 2999-01-01" in done.stderr


def test_a_policy_of_ones_own(run: Run, tmp_path: Path) -> None:
    """The name in the policy is heard."""
    file = tmp_path / "policy.toml"
    file.write_text('[biller]\nid = "elm"\nname = "Elm Gas"\n')
    done = run("call", "--policy", str(file), "--keys", "2")
    assert "Elm Gas" in done.stdout


def test_the_demo_policy_has_no_problem() -> None:
    """The demo policy passes the checks for policy files."""
    assert list(problems(demo_policy())) == []


def test_logs_hold_nothing_personal(process: Run) -> None:
    """A log at debug level contains only names, and goes only to stderr."""
    done = process(
        "call",
        *("--keys", "1 1137# 1 1", "--moment", "before_payment"),
        PAPERLESS_IVR_LOG_LEVEL="debug",
        PAPERLESS_IVR_LOG_FORMAT="json",
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"call.moved", "service.answered", "call.ended"} <= {line["event"] for line in lines}
    who = customer("rivera")
    personal = [who.id, who.account, who.name, who.email, who.phone, who.invoices[0].number]
    for secret in personal:
        assert secret is not None
        assert secret.reveal() not in done.stderr
    assert "1137" not in {str(value) for line in lines for value in line.values()}
    assert "2175550101" not in done.stderr


def test_an_unknown_log_level_is_told(run: Run) -> None:
    """An unknown log level is an error."""
    done = run("call", PAPERLESS_IVR_LOG_LEVEL="loud")
    assert done.exit_code == 2
    assert "PAPERLESS_IVR_LOG_LEVEL is 'loud'" in done.stderr


@pytest.mark.requirement("R12", "R20", "R21", "R22")
def test_a_link_completes_what_a_call_began(run: Run, tmp_path: Path) -> None:
    """The call enrolls; the next one hears about the link, and later that it is done."""
    database = f"sqlite:///{tmp_path / 'cloudivr.db'}"

    def call(last_key: str) -> Any:
        return run("call", "--cloudivr", database, "--keys", f"1 1137# {last_key}")

    first, pending = call("1"), call("4")
    with running(database) as service:
        (email,) = service.outbox().emails
        path = email.link.partition("/paperless/")[2]
        opened = urllib3.request("POST", f"{service.url}/paperless/{path}")
    active = call("2")

    assert last(first.stdout) == "disposition: enrolled"
    assert "already sent you a link" in pending.stdout
    assert last(pending.stdout) == "disposition: pending"
    assert opened.status == 200
    assert "Your bill will keep coming by e-mail." in active.stdout
    assert last(active.stdout) == "disposition: already_paperless"


def test_a_biller_s_own_service(run: Run, tmp_path: Path) -> None:
    """With a connection, the call goes to the service that it names."""
    with running() as service:
        file = connected(tmp_path, service.endpoint, soap="1.2")
        done = run("call", "--connection", str(file), "--keys", "1 1137# 1")
        emails = service.outbox().emails

    assert last(done.stdout) == "disposition: enrolled"
    assert len(emails) == 1


def test_a_connection_and_the_demo_s_service(run: Run) -> None:
    """Only one of the two services may be given."""
    done = run("call", "--connection", "a.toml", "--cloudivr", "sqlite://")

    assert done.exit_code == 2
    assert "--cloudivr" in done.stderr


@pytest.mark.requirement("R24", "R43")
def test_a_transcript_is_written(run: Run, tmp_path: Path) -> None:
    """The transcript replays as written, and contains nothing about the customer who called."""
    file = tmp_path / "mine.call"
    done = run("call", "--keys", "1 1137# 1 1", "--transcript", str(file))
    text = file.read_text(encoding="utf-8")

    assert last(done.stdout) == "disposition: enrolled"
    assert run("replay", str(file)).stdout == "1 transcript, 0 differ\n"
    who = customer("rivera")
    for value in (who.account, who.email, who.phone, who.name):
        assert value.reveal() not in text
    assert "1137" not in text
    assert "water bill" in text
