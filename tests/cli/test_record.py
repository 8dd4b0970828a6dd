"""`paperless-ivr record`: upgrade and purge."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from paperless_ivr.flow.host import Disposition
from paperless_ivr.records.sql import Database, open_store
from paperless_ivr.testing.contracts.bench import Bench

POLICY = 'about.owner = "me"\nbiller.id = "springfield-water"\n[retention]\nactivity_days = 200\n'


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A database that is not there yet."""
    monkeypatch.delenv("PAPERLESS_IVR_KEYS", raising=False)
    return f"sqlite:///{tmp_path}/record.db"


def test_upgrade(run, url):
    """It makes the tables, and may be run again; the database can be named by the environment."""
    for done in (
        run("record", "upgrade", "--database", url),
        run("record", "upgrade", PAPERLESS_IVR_DATABASE=url),
    ):
        assert (done.exit_code, done.stdout) == (0, "the tables are of revision 0001\n")


def test_purge(run, url, tmp_path):
    """It removes what the policy's retention no longer allows, and says how much."""
    (tmp_path / "policy.toml").write_text(POLICY)
    for days in (300, 100):
        at = datetime.now(UTC) - timedelta(days=days)
        with open_store(url, now=lambda at=at: at) as store:
            Bench(store.record, lambda at=at: at).call(Disposition.DECLINED, f"c{days}")

    done = run("record", "purge", "--database", url, "--policy", str(tmp_path / "policy.toml"))

    said = "3 activities, 0 consents, 0 writes, 0 wishes\n"
    assert f"removed for springfield-water: {said}" == done.stdout


def test_purge_of_no_record(run, tmp_path):
    """A mistyped database is told, and none is made."""
    (tmp_path / "policy.toml").write_text(POLICY)
    url = f"sqlite:///{tmp_path}/nowhere.db"

    done = run("record", "purge", "--database", url, "--policy", str(tmp_path / "policy.toml"))

    assert done.exit_code == 2
    assert "there is no record" in done.stderr
    assert not (tmp_path / "nowhere.db").exists()


@pytest.mark.parametrize(
    ("database", "told"),
    [("mysql://x", "name a database as"), (None, "Missing option '--database'")],
)
def test_no_database(run, database, told):
    """What is no database is told."""
    done = run("record", "upgrade", *(["--database", database] if database else []))

    assert done.exit_code == 2
    assert told in done.stderr


def test_database_that_does_not_answer(run, tmp_path):
    """It ends in a line, not in a traceback."""
    done = run("record", "upgrade", "--database", f"sqlite:///{tmp_path}/nowhere/r.db")

    assert done.exit_code == 1
    assert "the record did not answer: OperationalError SQLITE_CANTOPEN" in done.stderr


def test_tables_of_a_later_version(run, url, tmp_path):
    """It says what to do, and leaves them."""
    (tmp_path / "policy.toml").write_text(POLICY)
    run("record", "upgrade", "--database", url)
    database = Database(url)
    database.write(lambda c: c.execute(text("UPDATE paperless_ivr_revision SET version_num = 'x'")))
    database.close()

    for last in (("upgrade",), ("purge", "--policy", str(tmp_path / "policy.toml"))):
        done = run("record", *last, "--database", url)
        assert done.exit_code == 2
        assert "install a later version" in done.stderr


def test_without_the_extra(run, url, monkeypatch):
    """Without SQL it says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    done = run("record", "upgrade", "--database", "postgresql://127.0.0.1/x")

    assert done.exit_code == 1
    assert "pip install 'paperless-ivr[postgresql]'" in done.stderr
