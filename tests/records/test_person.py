"""Commands that find, prove, and erase one person's data, on both databases."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from attrs import evolve, field, frozen
from click.testing import CliRunner
from sqlalchemy import select

from paperless_ivr import secret
from paperless_ivr.backends.demo import BILLER, customer, springfield
from paperless_ivr.backends.memory import Fault
from paperless_ivr.cli import main
from paperless_ivr.drive.blocking import Driver
from paperless_ivr.drive.runner import Setup
from paperless_ivr.flow.flow import Flow
from paperless_ivr.flow.host import Arrival, Moment
from paperless_ivr.flow.saving import dump
from paperless_ivr.flow.view import Terms
from paperless_ivr.records.port import ActivityType, SavedCall, Task
from paperless_ivr.records.sql import open_store
from paperless_ivr.records.sql.tables import metadata
from paperless_ivr.records.vault import new_keys
from paperless_ivr.testing.contracts.bench import Bench
from tests.drive.test_loops import CATALOG, ENROLL, POLICY, Caller
from tests.records.test_sql_privacy import dumped

RIVERA, CHEN = customer("rivera"), customer("chen")
DAYS_AGO = 90
"""When the calls were. No real limit or retention ends then."""


@frozen
class Line:
    """A record with calls on it, and its command line."""

    url: str
    folder: Path
    heard: list[str] = field(factory=list)
    consents: list[str] = field(factory=list)

    def __call__(self, command: str, *options: str, stdin: str = "") -> Any:
        """Run `paperless-ivr record` in this process."""
        try:
            return CliRunner().invoke(main, ["record", command, *options], input=stdin)
        finally:
            structlog.reset_defaults()  # otherwise, later tests in this process log like a command

    def found(self, *options: str) -> dict[str, list[dict[str, str]]]:
        """Return what find prints, parsed."""
        done = self("find", *options, "--json")
        document = json.loads(done.stdout)
        assert done.exit_code == (0 if any(document.values()) else 1)
        return document

    def erase(self, *options: str, stdin: str = "") -> Any:
        """Erase under the line's policy."""
        policy = self.folder / "policy.toml"
        policy.write_text(f'biller.id = "{BILLER}"\nabout.owner = "me"\n')
        return self("erase", "--policy", str(policy), *options, stdin=stdin)

    def calls(
        self, *presses: str, days: int = DAYS_AGO, call_id: str = "c1", **faults: Any
    ) -> datetime:
        """Run a call of Jane Rivera's through the real flow, this many days ago. Returns when."""
        then = datetime.now(UTC) - timedelta(days=days)
        caller, service = Caller(list(presses)), springfield(sleep=lambda _: None)
        for operation, fault in faults.items():
            service.script(operation, fault)
        arrival = Arrival(
            call_id, BILLER, Moment.BEFORE_PAYMENT, ani=RIVERA.phone, language="en-US"
        )
        with open_store(self.url, budget=30.0, now=lambda: then) as store:
            setup = Setup(Flow(Terms(POLICY)), CATALOG, service, store, lambda: then)
            back = Driver(setup).converse(caller, arrival)
        self.heard.extend(caller.heard)
        self.consents.extend(back.consents)
        return then

    def rows(self) -> dict[str, list[Any]]:
        """Return the contents of all tables."""
        with open_store(self.url, budget=30.0) as store:
            return {
                name: store.database.read(lambda c, t=table: list(c.execute(select(t)).all()))
                for name, table in metadata.tables.items()
            }


@pytest.fixture
def line(new_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A record without a call."""
    url = new_url()
    monkeypatch.setenv("PAPERLESS_IVR_KEYS", new_keys())
    monkeypatch.setenv("PAPERLESS_IVR_DATABASE", url)
    open_store(url).__exit__(None, None, None)
    return Line(url, tmp_path)


def revealed(value: secret.Secret | None) -> str:
    """Return a value that must exist."""
    assert value is not None
    return value.reveal()


WHO = {
    "account": ("--account", revealed(RIVERA.account)),
    "phone": ("--phone", "(217) 555-0101"),
    "email": ("--email", "Jane.Rivera@EXAMPLE.com"),
}
OTHER = {
    "account": ("--account", revealed(CHEN.account)),
    "phone": ("--phone", revealed(CHEN.phone)),
    "email": ("--email", "somebody@example.com"),
}


# ── find ──


@pytest.mark.requirement("R24", "R30")
@pytest.mark.parametrize("by", WHO)
def test_find(line: Line, by: str) -> None:
    """A call is found by any of the three, with its results, and nothing personal is shown."""
    line.calls(*ENROLL)
    found = line.found(*WHO[by])

    (hand_over,), (consent,), (write,) = found["hand_overs"], found["consents"], found["writes"]
    assert consent["consent"] == write["consent"] == line.consents[0]
    assert hand_over["got_as_far_as"] == "registered"
    assert hand_over["ended"] == "enrolled"
    assert consent["purpose"] == "enrol"
    assert (write["operation"], write["outcome"]) == ("StoreCustomerPreference", "Accepted")
    assert write["afterwards"] == "followed"
    shown = line("find", *WHO[by])
    assert shown.exit_code == 0
    assert line.consents[0] in shown.stdout
    for value in (RIVERA.account, RIVERA.phone, RIVERA.email, RIVERA.id, RIVERA.name):
        assert revealed(value) not in shown.output + json.dumps(found)


@pytest.mark.parametrize("by", OTHER)
def test_find_nobody(line: Line, by: str) -> None:
    """If someone is not on record, the command says so with status 1, and without the value."""
    line.calls(*ENROLL)
    done = line("find", *OTHER[by])

    assert done.exit_code == 1
    assert f"nothing is on record for that {by}" in done.stderr
    assert done.stdout == ""
    assert OTHER[by][1] not in done.output


@pytest.mark.parametrize("by", WHO)
def test_find_a_deferred_request(line: Line, by: str) -> None:
    """A request that could not be carried out during the call is listed as kept."""
    line.calls(*ENROLL, StoreCustomerPreference=Fault.DOWN)
    found = line.found(*WHO[by])

    (deferred,) = found["deferred_requests"]
    assert (deferred["consent"], deferred["afterwards"]) == (line.consents[0], "kept")


@pytest.mark.parametrize("by", WHO)
def test_a_value_from_standard_input(line: Line, by: str) -> None:
    """With -, the value is read from standard input, so that no shell keeps it."""
    line.calls(*ENROLL)
    option, value = WHO[by]

    assert line("find", option, "-", stdin=f"{value}\n").stdout == line("find", *WHO[by]).stdout


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--account", "1", "--phone", "2175550101"),
        ("--phone", "999"),
        ("--email", "none"),
        ("--account", " "),
    ],
)
def test_one_person_is_named(line: Line, options: tuple[str, ...]) -> None:
    """Exactly one person must be named, by a valid number or address."""
    assert line("find", *options).exit_code == 2


@pytest.mark.requirement("R47")
def test_a_guess_at_an_account(line: Line) -> None:
    """Someone who guessed at an account is found by it, marked as tried, and stays on record."""
    line.calls("1", "9999#", "9998#")
    (tried,) = line.found(*WHO["account"])["hand_overs"]
    assert tried["found_by"] == "tried"

    done = line.erase(*WHO["account"], "--yes")

    assert done.exit_code == 0
    assert f"guess {tried['hand_over']}" in done.stdout
    assert line.found(*WHO["account"])["hand_overs"] == [tried]


def test_at_one_biller(line: Line) -> None:
    """If a biller is named, another biller's record of the same person is left out."""
    line.calls(*ENROLL)

    assert line.found(*WHO["phone"], "--biller", BILLER) == line.found(*WHO["phone"])
    assert not any(line.found(*WHO["phone"], "--biller", "another").values())


# ── evidence ──


@pytest.mark.requirement("R30")
def test_evidence(line: Line) -> None:
    """Evidence has the words as heard, who agreed to what, what was sent, and the results."""
    line.calls(*ENROLL)
    (reference,) = line.consents
    file = line.folder / "evidence.json"

    done = line("evidence", reference, "-o", str(file))

    assert done.stdout == f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    (given,) = json.loads(file.read_text())["evidence"]["consents"]
    consent, (write,) = given["consent"], given["writes"]
    assert given["words"] in " ".join(line.heard)
    assert given["edition"]["words"] == given["words_version"] == CATALOG.digest
    assert all(given["edition"].values())
    assert given["ani"] == revealed(RIVERA.phone)
    assert (consent["key"], consent["language"], consent["purpose"]) == ("1", "en-US", "enrol")
    assert consent["email"] == write["sent"]["email"] == revealed(RIVERA.email)
    assert consent["account"] == write["sent"]["account"] == revealed(RIVERA.account)
    assert (write["outcome"], write["link_opened"]) == ("Accepted", None)
    whats = [each["what"] for each in given["activity"]]
    assert whats[0] == "arrived"
    assert {"offered", "consented", "sent", "settled", "ended"} <= set(whats)
    assert line("evidence", reference).stdout == file.read_text()


@pytest.mark.requirement("R30")
def test_evidence_of_a_link(line: Line) -> None:
    """Evidence includes when the link was seen to be open."""
    line.calls(*ENROLL)
    with open_store(line.url, budget=30.0) as store:
        bench = Bench(store.record, lambda: datetime.now(UTC), BILLER)
        (followed,) = bench.claim(Task.FOLLOW)
        store.record.finish(followed, "one", ActivityType.COMPLETED)

    document = json.loads(line("evidence", line.consents[0]).stdout)
    (write,) = document["evidence"]["consents"][0]["writes"]

    opened = datetime.fromisoformat(write["link_opened"])
    assert datetime.now(UTC) - opened < timedelta(minutes=10)


def test_evidence_without_our_code(line: Line) -> None:
    """The hash is what jq and sha256sum give. The keyed hash needs only the record's key."""
    line.calls(*ENROLL)
    text = line("evidence", line.consents[0]).stdout
    held = json.loads(text)
    if shutil.which("jq"):
        by_jq = subprocess.run(
            "jq -cjS .evidence | sha256sum",
            shell=True,
            input=text.encode(),
            capture_output=True,
            check=True,
        )
        assert by_jq.stdout.decode().split()[0] == held["sha256"]
    plain = json.dumps(
        held["evidence"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    assert hashlib.sha256(plain).hexdigest() == held["sha256"]

    words = dict(word.split("=", 1) for word in os.environ["PAPERLESS_IVR_KEYS"].split())
    pseudo_random = hmac.digest(bytes(32), base64.b64decode(words["hash"]), "sha256")
    key = hmac.digest(pseudo_random, b"paperless_ivr hash 1\x01", "sha256")
    parts = b"".join(len(part).to_bytes(8, "big") + part for part in (b"evidence", plain))
    assert hmac.digest(key, parts, "sha256").hex() == held["hmac_sha256"]


def test_evidence_is_not_written_over(line: Line) -> None:
    """An existing file stays. A consent that is not on record is reported."""
    line.calls(*ENROLL)
    file = line.folder / "there"
    file.write_text("mine")

    assert line("evidence", line.consents[0], "-o", str(file)).exit_code == 2
    assert file.read_text() == "mine"
    assert line("evidence", "another").exit_code == 1


# ── erase ──


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("by", ["account", "phone"])
def test_erase(line: Line, by: str) -> None:
    """After confirmation, a hand-over without a consent is removed. A consent stays for now."""
    line.calls("1", "1137#", "2", days=390, call_id="c0")  # agrees to nothing
    agreed = line.calls(*ENROLL, days=100)
    before, (reference,) = line.found(*WHO[by]), line.consents
    assert len(before["hand_overs"]) == 2

    refused = line.erase(*WHO[by], stdin="n\n")
    assert refused.exit_code == 1
    assert line.found(*WHO[by]) == before
    done = line.erase(*WHO[by], stdin="y\n")

    assert done.exit_code == 0
    gone, stays = before["hand_overs"]
    assert f"to be removed: hand-over {gone['hand_over']}" in done.stdout
    until = agreed + timedelta(days=1825)
    assert f"kept until {until.date()}: consent {reference}" in done.stdout
    assert f"hand-over {stays['hand_over']}" in done.stdout
    assert line.found(*WHO[by]) == before | {"hand_overs": [stays]}
    (removal,) = line.rows()["removals"]
    assert (removal.why, removal.biller, removal.consents) == ("erasure", BILLER, 0)
    assert removal.activities > 0
    assert removal.finished is not None
    with open_store(line.url, budget=30.0) as store:
        assert revealed(RIVERA.account).encode() not in dumped(store)


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("by", WHO)
def test_erase_an_old_consent(line: Line, by: str) -> None:
    """Once retention no longer keeps a consent, everything is removed."""
    line.calls(*ENROLL, days=1830)
    with open_store(line.url, budget=30.0) as store:
        bench = Bench(store.record, lambda: datetime.now(UTC), BILLER)
        (followed,) = bench.claim(Task.FOLLOW)
        store.record.finish(followed, "one", ActivityType.COMPLETED)

    done = line.erase(*WHO[by], "--yes")

    assert "1 consents, 1 writes, 0 deferred requests" in done.stdout
    assert not any(line.found(*WHO[by]).values())
    left = {name for name, rows in line.rows().items() if rows}
    # the lines of the opened link, and the limits, contain only hashes and codes
    assert left <= {"key_check", "removals", "reserved"}


@pytest.mark.parametrize("by", WHO)
def test_erase_nobody(line: Line, by: str) -> None:
    """If someone is not on record, the command says so, and nothing changes."""
    line.calls("1", "1137#", "2")
    before = line.rows()

    done = line.erase(*OTHER[by], "--yes")

    assert done.exit_code == 1
    assert f"nothing is on record for that {by}" in done.stderr
    assert line.rows() == before


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("by", WHO)
def test_erase_waits_for_a_request(line: Line, by: str) -> None:
    """A request that the caller agreed to, and that is not done yet, is done first."""
    line.calls(*ENROLL, StoreCustomerPreference=Fault.DOWN)
    before = line.rows()

    done = line.erase(*WHO[by], "--yes")

    assert done.exit_code == 1
    assert "unfinished requests: 1; run paperless-ivr relay first" in done.stderr
    assert line.rows() == before


@pytest.mark.parametrize("by", WHO)
def test_erase_waits_for_a_call(line: Line, by: str) -> None:
    """A call in progress would put back what has just been removed."""
    line.calls("1", "1137#", "2")
    call = Flow(Terms(POLICY)).begin(Arrival("live", BILLER, ani=RIVERA.phone)).call
    saved = SavedCall("live", 1, dump(evolve(call, found=(RIVERA,))), "", BILLER)
    with open_store(line.url, budget=30.0) as store:
        store.calls.save(saved, None)
        before = line.rows()
        done = line.erase(*WHO[by], "--yes")
        assert line.rows() == before
        store.calls.drop("live")

    assert done.exit_code == 1
    assert "a call by that person is in progress" in done.stderr


def test_a_whole_dispute(line: Line) -> None:
    """The same in separate processes: found by a value from a pipe, proved, and erased."""
    line.calls("1", "1137#", "2", days=390, call_id="c0")
    line.calls(*ENROLL)
    policy = line.folder / "policy.toml"
    policy.write_text(f'biller.id = "{BILLER}"\n')
    script = f"""
set -e
cd {line.folder}
printf '20481137\\n' | paperless-ivr record find --account - --json > found.json
consent=$(sed -n 's/.*"consent": "\\(.*\\)",/\\1/p' found.json | head -1)
paperless-ivr record evidence "$consent" -o e.json > e.sum
sha256sum -c e.sum
printf '20481137\\n' | paperless-ivr record erase --policy policy.toml --account - --yes
"""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "e.json: OK" in done.stdout
    assert f"removed for {BILLER}: " in done.stdout
