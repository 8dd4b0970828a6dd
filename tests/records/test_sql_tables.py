"""The tables: made by migrations, of a known version, append-only; and what outlasts a process."""

import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, func, insert, inspect, select, text, update
from sqlalchemy.exc import ProgrammingError

from paperless_ivr.errors import KeyProblem, OlderDatabase, RecordDown, UnknownDatabase
from paperless_ivr.flow.events import Accepted
from paperless_ivr.flow.host import Disposition
from paperless_ivr.flow.policy import Limits, Retention
from paperless_ivr.records.port import Activity, ActivityType, SavedCall, Task
from paperless_ivr.records.sql import Database, SqlRecord, lines, open_store, vault_for, writes
from paperless_ivr.records.sql.person import find
from paperless_ivr.records.sql.tables import (
    REVISION,
    VERSION_TABLE,
    activity,
    consents,
    metadata,
    removals,
)
from paperless_ivr.records.sql.upgrades import revisions, upgrade
from paperless_ivr.records.vault import new_keys
from paperless_ivr.testing.contracts.bench import (
    ACCOUNT,
    BILLER,
    START,
    Bench,
    Clock,
    deferred_of,
    evidence_of,
    preference,
)
from tests.postgres import PATIENT


def test_migrations_make_the_tables(empty_url):
    """The tables that the migrations create match the code, to the last column and index."""
    database = Database(empty_url(), PATIENT)
    assert revisions()[0] == REVISION == upgrade(database) == upgrade(database)

    differences = database.read(
        lambda c: compare_metadata(
            MigrationContext.configure(
                c, opts={"compare_type": True, "version_table": VERSION_TABLE}
            ),
            metadata,
        )
    )
    database.close()

    assert differences == []


def test_a_start_does_not_import_alembic(tmp_path):
    """A server that finds its tables up to date starts without importing what creates them."""
    url = f"sqlite:///{tmp_path}/record.db"
    open_store(url).__exit__(None, None, None)
    program = (
        "import sys; from paperless_ivr.records.sql import open_store; "
        "open_store(sys.argv[1]).__exit__(None, None, None); sys.exit('alembic' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program, url], check=False).returncode == 0


def test_upgraded_by_several_at_once(empty_url):
    """If several processes find an empty database, they create its tables once."""
    url, made = empty_url(), []

    def make() -> None:
        database = Database(url, PATIENT)
        made.append(upgrade(database))
        database.close()

    threads = [threading.Thread(target=make, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENT)

    assert made == [REVISION] * 4


@pytest.mark.parametrize(
    ("revision", "error", "told"),
    [("9999", UnknownDatabase, "later version"), (None, OlderDatabase, "record upgrade")],
)
def test_tables_of_another_version(opened, some_vault, revision, error, told):
    """A database of a later or earlier version is not opened, and the error says what to do."""
    store = opened()
    change = f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"
    store.database.write(
        lambda c: c.execute(text(change if revision else f"DELETE FROM {VERSION_TABLE}"))
    )

    with pytest.raises(error, match=told):
        open_store(store.database.url, some_vault, PATIENT)
    if revision:
        with pytest.raises(error, match=told):
            upgrade(store.database)


def test_tables_of_another_program(empty_url, some_vault):
    """A database that contains something else is left alone."""
    database = Database(empty_url(), PATIENT)
    database.write(lambda c: c.execute(text("CREATE TABLE theirs (it TEXT)")))

    with pytest.raises(OlderDatabase):
        open_store(database.url, some_vault, PATIENT)

    assert database.read(lambda c: inspect(c).get_table_names()) == ["theirs"]
    database.close()


@pytest.mark.parametrize("url", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "record.db"])
def test_other_databases(url):
    """Only SQLite files and PostgreSQL are accepted."""
    with pytest.raises(ValueError, match="give the database as"):
        Database(url)


@pytest.fixture
def told(opened):
    """Return a record with a call and a consent."""
    store = opened()
    bench = Bench(store.record, Clock())
    bench.call(Disposition.DECLINED)
    bench.intend(preference("w1"))
    return store


@pytest.mark.requirement("R30")
@pytest.mark.parametrize("table", [activity, consents], ids=str)
@pytest.mark.parametrize(
    "change",
    [
        delete,
        lambda t: delete(t).where(t.c.id == 1),
        lambda t: update(t).values(biller="another"),
        lambda t: update(t).values(id=t.c.id + 1000),
    ],
)
def test_append_only(told, table, change):
    """Neither a line nor a consent can be changed or removed, even without the library."""
    before = told.database.read(lambda c: c.execute(select(table)).all())

    with pytest.raises(RecordDown):
        told.database.write(lambda c: c.execute(change(table)))

    assert before
    assert before == told.database.read(lambda c: c.execute(select(table)).all())


REPLACING = {
    "a line": "INSERT OR REPLACE INTO activity SELECT id, 'another', call_id, biller, "
    "policy_version, at, state, ani_hash, accounts_hash, detail, consent FROM activity",
    "a consent": "REPLACE INTO consents "
    "SELECT id, biller, reference, answered, x'00' FROM consents",
    "by its reference": "INSERT OR REPLACE INTO consents (biller, reference, answered, sealed) "
    "SELECT biller, reference, answered, x'00' FROM consents",
}
"""SQLite's ways to replace a row."""


@pytest.mark.requirement("R30")
@pytest.mark.parametrize("statement", REPLACING.values(), ids=REPLACING)
def test_append_only_whatever_replaces(told, statement):
    """SQLite's REPLACE, which fires no trigger for the row it removes, removes none."""
    if not told.database.is_sqlite:
        return
    tables = (activity, consents)
    before = [told.database.read(lambda c, t=t: c.execute(select(t)).all()) for t in tables]

    with pytest.raises(RecordDown):
        told.database.write(lambda c: c.execute(text(statement)))

    after = [told.database.read(lambda c, t=t: c.execute(select(t)).all()) for t in tables]
    assert after == before


@pytest.mark.requirement("R30")
def test_append_only_as_a_whole(told):
    """PostgreSQL's TRUNCATE does not remove a line either."""
    if told.database.is_sqlite:
        return
    with pytest.raises(RecordDown):
        told.database.write(lambda c: c.execute(text("TRUNCATE activity, consents CASCADE")))


def test_what_the_record_notes(opened):
    """The record itself notes what it did, and what happened after the call."""
    store = opened(now=(clock := Clock()))
    bench = Bench(store.record, clock)
    bench.intend(preference("w1"))
    store.record.settle("w1", Accepted())
    bench.keep(deferred_of("w2"))
    (got,) = bench.claim(Task.COMPLETE)
    store.record.release(got, "one", clock())
    (got,) = bench.claim(Task.COMPLETE)
    store.record.finish(got, "one", ActivityType.EXPORTED, "no_operation")

    found = select(activity.c.what, activity.c.call_id).order_by(activity.c.id)
    rows = store.database.read(lambda c: c.execute(found).all())

    assert [row.what for row in rows] == ["sent", "settled", "kept", "retried", "exported"]
    assert {"c1"} == {row.call_id for row in rows}


def test_a_purge_leaves_no_gap_open(opened):
    """After a purge, nothing more can be removed."""
    store = opened(now=(clock := Clock()))
    bench = Bench(store.record, clock)
    bench.call(Disposition.DECLINED)
    clock.go(days=500)
    bench.call(Disposition.DECLINED)

    assert store.record.purge(BILLER, Retention()).activities == 3

    with pytest.raises(RecordDown):
        store.database.write(lambda c: c.execute(delete(activity)))
    counts = [
        store.database.read(lambda c, t=t: c.scalar(select(func.count()).select_from(t)))
        for t in (activity, metadata.tables["counted"])
    ]
    assert counts == [3, 2]


@pytest.mark.requirement("R30")
def test_a_purge_leaves_a_row(opened):
    """A row records each removal: which data, when, and how much. It permits no other removal."""
    store = opened(now=(clock := Clock()))
    bench = Bench(store.record, clock)
    bench.call(Disposition.DECLINED)
    clock.go(days=500)
    store.record.purge(BILLER, Retention())

    (row,) = store.database.read(lambda c: c.execute(select(removals)).all())
    assert (row.why, row.biller, row.activities, row.consents) == ("purge", BILLER, 3, 0)
    assert row.finished == clock()
    whole = "REPLACE INTO removals SELECT * FROM removals"
    if not store.database.is_sqlite:
        whole = "TRUNCATE removals"
    for statement in (
        delete(removals),
        update(removals).values(biller="another"),
        update(removals).values(finished=None),
        update(removals).values(activities=0),
        text(whole),
    ):
        with pytest.raises(RecordDown):
            store.database.write(lambda c, statement=statement: c.execute(statement))
    assert [row] == store.database.read(lambda c: c.execute(select(removals)).all())


FORGED = {
    "why": "purge",
    "biller": BILLER,
    "at": START,
    "activity_before": START + timedelta(days=9999),
    "consents_before": START + timedelta(days=9999),
}
"""The row that a purge of everything would write."""


@pytest.mark.requirement("R30")
def test_a_forged_removal(told):
    """Anyone who can write `removals` can remove lines, but that row stays as it was written."""
    told.database.write(lambda c: c.execute(insert(removals).values(**FORGED)))
    told.database.write(lambda c: c.execute(delete(activity).where(activity.c.id == 1)))
    for statement in (
        delete(removals),
        update(removals).values(activity_before=START),
        update(removals).values(id=removals.c.id + 1, finished=START),
    ):
        with pytest.raises(RecordDown):
            told.database.write(lambda c, statement=statement: c.execute(statement))

    told.database.write(lambda c: c.execute(update(removals).values(finished=START)))
    with pytest.raises(RecordDown):
        told.database.write(lambda c: c.execute(delete(activity)))
    (row,) = told.database.read(lambda c: c.execute(select(removals)).all())
    assert {name: getattr(row, name) for name in FORGED} == FORGED


@pytest.mark.requirement("R30")
def test_plain_sql_removes_nothing(told):
    """On SQLite, another program can neither announce a removal nor make use of one."""
    if not told.database.is_sqlite:
        return
    told.database.write(lambda c: c.execute(insert(removals).values(**FORGED)))
    other = sqlite3.connect(told.database.url.database, isolation_level=None)
    columns = ", ".join(FORGED)
    for statement in (
        "DELETE FROM activity",
        "DELETE FROM consents",
        f"INSERT INTO removals ({columns}) SELECT {columns} FROM removals",
        "DELETE FROM removals",
    ):
        with pytest.raises(sqlite3.Error, match=r"no such function|append-only"):
            other.execute(statement)
    other.close()


@pytest.mark.requirement("R30")
def test_a_role_that_only_takes_calls(opened):
    """On PostgreSQL, the grants in the docs are enough for calls, and cannot remove a line."""
    store = opened(now=(clock := Clock()))
    if store.database.is_sqlite:
        return
    page = (Path(__file__).parents[2] / "docs/record.md").read_text()
    grants = page.partition("```sql\n")[2].partition("```")[0]
    store.database.write(lambda c: c.execute(text(f"CREATE ROLE ivr; {grants}")))
    with store.database.engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL ROLE ivr"))
        transaction = store.record.transaction(connection)
        lines.note(transaction, Activity(ActivityType.OFFERED, "c1", BILLER, "1", clock(), "OFFER"))
        writes.intend(transaction, preference("w1"), evidence_of("w1"), Limits())
        writes.settle(transaction, "w1", Accepted())
        assert find(transaction, ACCOUNT, None).consents
    for statement in (insert(removals).values(**FORGED), delete(activity), delete(consents)):
        with store.database.engine.connect() as connection:
            connection.execute(text("SET ROLE ivr"))
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(statement)
    store.database.write(lambda c: c.execute(text("DROP OWNED BY ivr; DROP ROLE ivr")))


@pytest.mark.requirement("R30")
def test_an_upgrade_with_data(empty_url, some_vault):
    """Data of an earlier version is there, can be purged, and cannot be removed otherwise."""
    url, clock = empty_url(), Clock()
    database = Database(url, PATIENT)
    database.write(lambda c: at_revision(c, "0003"))
    record = SqlRecord(database, some_vault, clock)
    bench = Bench(record, clock)
    bench.call(Disposition.DECLINED)
    bench.done(preference("w1"))
    clock.go(days=500)
    bench.call(Disposition.DECLINED, "c2")
    found = "INSERT INTO purges (biller, activity_before, consents_before) VALUES ('x', :t, :t)"
    database.write(lambda c: c.execute(text(found), {"t": "2020-01-01 00:00:00"}))
    held = [database.read(lambda c, t=t: c.execute(select(t)).all()) for t in (activity, consents)]

    upgrade(database)

    assert held == [
        database.read(lambda c, t=t: c.execute(select(t)).all()) for t in (activity, consents)
    ]
    (before,) = database.read(lambda c: c.execute(select(removals)).all())
    assert (before.biller, before.why) == ("x", "found in purges")
    assert before.finished is not None
    with pytest.raises(RecordDown):
        database.write(lambda c: c.execute(delete(activity)))
    with open_store(url, some_vault, PATIENT, clock) as store:
        assert len(store.record.find(ACCOUNT).consents) == 1
        assert store.record.purge(BILLER, Retention()).activities > 0
    database.close()


def at_revision(connection, revision):
    """Create the tables of an earlier revision."""
    with as_file(files("paperless_ivr.records") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.mark.requirement("R30", "R31")
def test_it_outlasts_the_process(opened):
    """Data is still there when the database is opened again."""
    store = opened(now=Clock())
    bench = Bench(store.record, Clock())
    bench.call(Disposition.DECLINED)
    bench.done(preference("w1"))
    bench.keep(deferred_of("w2", "GAS"))
    store.calls.save(SavedCall("c9", 3, b"call", "document"), None)
    store.database.close()

    again = opened(store.database.url, now=Clock())

    bench.record = again.record
    assert Disposition.DECLINED is bench.screen().last
    assert (preference("w1"),) == tuple(f.write for f in again.record.followed())
    assert (deferred_of("w2", "GAS"),) == tuple(k.request for k in again.record.kept())
    assert SavedCall("c9", 3, b"call", "document") == again.calls.load("c9")


def test_a_transaction_is_whole(opened):
    """A transaction that fails halfway leaves nothing behind."""
    store = opened()

    def half(connection):
        connection.execute(insert(consents).values(biller="b", reference="r", sealed=b""))

    with pytest.raises(RecordDown):
        store.database.write(half)

    assert store.database.read(lambda c: c.scalar(select(func.count()).select_from(consents))) == 0


def test_a_file_is_its_owner_s(tmp_path, some_vault):
    """No one else can read SQLite's file, or the log next to it."""
    with open_store(f"sqlite:///{tmp_path}/r.db", some_vault) as store:
        store.calls.save(SavedCall("c1", 1, b""), None)
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}

    assert modes == {"r.db": 0o600, "r.db-wal": 0o600, "r.db-shm": 0o600}


def test_where_keys_come_from(tmp_path):
    """Keys come from the environment, a file it names, or a file next to SQLite's."""
    keys, url = new_keys(), f"sqlite:///{tmp_path}/r.db"
    (tmp_path / "named").write_text(keys)
    (tmp_path / "named").chmod(0o600)
    by_value = vault_for(url, {"PAPERLESS_IVR_KEYS": keys})
    by_file = vault_for(url, {"PAPERLESS_IVR_KEY_FILE": str(tmp_path / "named")})
    beside = vault_for(url, {})

    assert by_value.hash("x") == by_file.hash("x") != beside.hash("x")
    assert beside.hash("x") == vault_for(url, {}).hash("x")
    assert (tmp_path / "r.db.keys").exists()
    with pytest.raises(KeyProblem, match="set PAPERLESS_IVR_KEYS"):
        vault_for("postgresql://localhost/x", {})


def test_keys_that_are_lost_are_not_made_anew(tmp_path, monkeypatch):
    """A record has its own keys. Without their file, it is not opened, and none are created."""
    for variable in ("PAPERLESS_IVR_KEYS", "PAPERLESS_IVR_KEY_FILE"):
        monkeypatch.delenv(variable, raising=False)
    url, keys = f"sqlite:///{tmp_path}/r.db", tmp_path / "r.db.keys"
    open_store(url).__exit__(None, None, None)
    keys.unlink()

    with pytest.raises(KeyProblem, match="restore it"):
        open_store(url)

    assert not keys.exists()
