"""`paperless-ivr record`: upgrade and purge."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from paperless_ivr.flow.host import Disposition
from paperless_ivr.records.sql import Database, open_store
from paperless_ivr.records.vault import new_keys, vault
from paperless_ivr.testing.contracts.bench import Bench

POLICY = 'about.owner = "me"\nbiller.id = "springfield-water"\n[retention]\nactivity_days = 200\n'


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A database that does not exist yet."""
    monkeypatch.delenv("PAPERLESS_IVR_KEYS", raising=False)
    return f"sqlite:///{tmp_path}/record.db"


def test_upgrade(run, url):
    """`upgrade` creates the tables, and can be repeated. The environment can name the database."""
    for done in (
        run("record", "upgrade", "--database", url),
        run("record", "upgrade", PAPERLESS_IVR_DATABASE=url),
    ):
        assert (done.exit_code, done.stdout) == (0, "the tables are at revision 0004\n")


def test_purge(run, url, tmp_path):
    """`purge` removes what the policy's retention no longer allows, and says how much."""
    (tmp_path / "policy.toml").write_text(POLICY)
    for days in (300, 100):
        at = datetime.now(UTC) - timedelta(days=days)
        with open_store(url, now=lambda at=at: at) as store:
            Bench(store.record, lambda at=at: at).call(Disposition.DECLINED, f"c{days}")

    done = run("record", "purge", "--database", url, "--policy", str(tmp_path / "policy.toml"))

    said = "3 activities, 0 consents, 0 writes, 0 deferred requests\n"
    assert f"removed for springfield-water: {said}" == done.stdout


@pytest.mark.requirement("R24", "R47")
@pytest.mark.parametrize("wrong", ["hash", "seal"])
def test_wrong_keys(run, url, tmp_path, wrong):
    """Keys of another database are noticed when it is opened, before anything is recorded."""
    (tmp_path / "policy.toml").write_text(POLICY)
    purge = ("record", "purge", "--database", url, "--policy", str(tmp_path / "policy.toml"))
    keys, others = words(new_keys()), words(new_keys())
    open_store(url, vault(written(keys))).__exit__(None, None, None)

    right = run(*purge, PAPERLESS_IVR_KEYS=written(keys))
    done = run(*purge, PAPERLESS_IVR_KEYS=written(keys | {wrong: others[wrong]}))

    assert right.exit_code == 0
    assert done.exit_code == 2
    assert f"{wrong}=… is not" in done.stderr
    assert others[wrong] not in done.stderr


@pytest.mark.requirement("R24")
def test_a_new_sealing_key(run, url, tmp_path):
    """A new key in front is used from then on. After that, the old key alone is not enough."""
    (tmp_path / "policy.toml").write_text(POLICY)
    purge = ("record", "purge", "--database", url, "--policy", str(tmp_path / "policy.toml"))
    old, new = words(new_keys()), words(new_keys())
    both = f"hash={old['hash']} seal={new['seal']} seal={old['seal']}"
    open_store(url, vault(written(old))).__exit__(None, None, None)

    changing = run(*purge, PAPERLESS_IVR_KEYS=both)
    changed = run(*purge, PAPERLESS_IVR_KEYS=written(old | {"seal": new["seal"]}))
    back = run(*purge, PAPERLESS_IVR_KEYS=written(old))

    assert [done.exit_code for done in (changing, changed, back)] == [0, 0, 2]


def words(keys):
    """Return keys by their use."""
    return dict(word.split("=", 1) for word in keys.split())


def written(keys):
    """Return keys as they are set."""
    return " ".join(f"{use}={key}" for use, key in keys.items())


def test_purge_of_no_record(run, tmp_path):
    """A mistyped database is reported, and not created."""
    (tmp_path / "policy.toml").write_text(POLICY)
    url = f"sqlite:///{tmp_path}/nowhere.db"

    done = run("record", "purge", "--database", url, "--policy", str(tmp_path / "policy.toml"))

    assert done.exit_code == 1
    assert "there is no record" in done.stderr
    assert not (tmp_path / "nowhere.db").exists()


@pytest.mark.parametrize(
    ("database", "told"),
    [("mysql://x", "give the database as"), (None, "Missing option '--database'")],
)
def test_no_database(run, database, told):
    """A URL that is not a database's is reported."""
    done = run("record", "upgrade", *(["--database", database] if database else []))

    assert done.exit_code == 2
    assert told in done.stderr


def test_database_that_does_not_answer(run, tmp_path):
    """The command exits with one line, not a traceback."""
    done = run("record", "upgrade", "--database", f"sqlite:///{tmp_path}/nowhere/r.db")

    assert done.exit_code == 1
    assert "the record is unavailable: OperationalError SQLITE_CANTOPEN" in done.stderr


def test_tables_of_a_later_version(run, url, tmp_path):
    """The command says what to do, and leaves the tables alone."""
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
    """Without SQL, the command says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    done = run("record", "upgrade", "--database", "postgresql://127.0.0.1/x")

    assert done.exit_code == 2
    assert "pip install 'paperless-ivr[postgresql]'" in done.stderr
