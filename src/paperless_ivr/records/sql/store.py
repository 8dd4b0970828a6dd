"""The durable record and the calls in progress in one database, opened together."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from types import TracebackType

from sqlalchemy import URL, Connection, delete, exists, insert, select

from paperless_ivr.clock import utc_now
from paperless_ivr.errors import KeyProblem, NoRecord
from paperless_ivr.flow.events import Refused
from paperless_ivr.records.port import Follow, Reservation, SessionUpdate, Tried
from paperless_ivr.records.sql import lines, writes
from paperless_ivr.records.sql.database import BUDGET, CONNECTIONS, Database, database_url
from paperless_ivr.records.sql.keys import check_keys
from paperless_ivr.records.sql.limits import reserve_try
from paperless_ivr.records.sql.live_calls import SqlLiveCalls
from paperless_ivr.records.sql.record import SqlRecord
from paperless_ivr.records.sql.revisions import check_revision, is_empty
from paperless_ivr.records.sql.tables import activity, key_check, live_calls
from paperless_ivr.records.vault import Vault, vault, vault_of_file

KEYS = "PAPERLESS_IVR_KEYS"
"""The environment variable for the keys, written as `hash=… seal=…`."""
KEY_FILE = "PAPERLESS_IVR_KEY_FILE"
"""The environment variable for the path of a file that contains the keys."""


class Store:
    """A session store in one database. The record and the calls share its transactions."""

    def __init__(self, database: Database, vault: Vault, now: Callable[[], datetime]) -> None:
        self.database = database
        self.record = SqlRecord(database, vault, now)
        self.calls = SqlLiveCalls(database, vault, now)

    def commit(self, update: SessionUpdate, *, again: bool = False) -> Refused | None:
        """Make all of an update's changes in one transaction, or none of them."""
        return self.database.write(self._changing(update, again=again))

    def commit_try(self, reservation: Reservation, follow: Follow, *, again: bool = False) -> Tried:
        """Count a try and make the changes that follow in one transaction, or do neither."""

        def change(connection: Connection) -> Tried:
            transaction = self.record.transaction(connection)
            answer = reserve_try(transaction, reservation.request, reservation.limits)
            self._changing(follow(answer), again=again)(connection)
            return answer

        return self.database.write(change)

    def _changing(
        self, update: SessionUpdate, *, again: bool
    ) -> Callable[[Connection], Refused | None]:
        """Return a function that makes an update's changes in an open transaction."""
        call = update.call
        storing = None
        if call is not None and not update.forget:
            storing = self.calls.storing(call, update.if_turn)

        def change(connection: Connection) -> Refused | None:
            if (
                again
                and call is not None
                and self.calls.is_stored(connection, call, forgotten=update.forget)
            ):
                return None
            transaction = self.record.transaction(connection)
            if update.intent is not None:
                intent = update.intent
                refused = writes.intend(transaction, intent.write, intent.evidence, intent.limits)
                if refused is not None:
                    return refused  # this comes first, so nothing has been changed yet
            if update.outcome is not None:
                writes.settle(transaction, update.outcome.key, update.outcome.answer)
            if storing is not None:
                storing(connection)
            elif call is not None:
                self.calls.forget(connection, call.call_id, update.if_turn)
            for line in update.activities:
                lines.note(transaction, line)
            return None

        return change

    def probe(self) -> None:
        """Check that calls can be saved. Raises RecordDown if they cannot.

        Writes a row and removes it in the same transaction. No other transaction ever sees the row,
        but writing it requires everything that storing a call requires.
        """
        row = {"call_id": f"probe {token_hex(8)}", "biller": "probe", "turn": 0, "saved": utc_now()}

        def write(connection: Connection) -> None:
            connection.execute(insert(live_calls).values(sealed=b"", sealed_document=b"", **row))
            connection.execute(delete(live_calls).where(live_calls.c.call_id == row["call_id"]))

        self.database.probe(write)

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.database.close()


def open_store(  # noqa: PLR0913 - each is an option of a server
    url: str,
    vault: Vault | None = None,
    budget: float = BUDGET,
    now: Callable[[], datetime] = utc_now,
    *,
    make: bool = True,
    connections: int = CONNECTIONS,
) -> Store:
    """Open the record in a database. Creates the tables if the database is empty.

    If `make` is false, raises `NoRecord` instead of creating a record.

    The default vault comes from `vault_for`, which creates missing keys only for a record that has
    never been used. `budget` is the policy's `budgets.record`. Raises `RecordDown`,
    `OlderDatabase`, `UnknownDatabase`, or `KeyProblem`. Raises ValueError if the URL is not for
    SQLite or PostgreSQL.
    """
    file = _file(url)
    if not make and file is not None and not file.exists():
        raise NoRecord
    making = Database(url, BUDGET_OF_UPGRADE)
    try:
        empty = is_empty(making)
        if empty and not make:
            raise NoRecord
        if empty:
            from paperless_ivr.records.sql.upgrades import upgrade  # noqa: PLC0415 - imports Alembic

            upgrade(making)
        check_revision(making)
        vault = vault or vault_for(url, make=making.read(_is_unused))
        check_keys(making, vault)
    finally:
        making.close()
    return Store(Database(url, budget, connections), vault, now)


BUDGET_OF_UPGRADE = 60.0
"""The time limit, in seconds, for upgrading the tables or for waiting while another process
upgrades them."""


def _is_unused(connection: Connection) -> bool:
    """Return whether the record has never been used with any keys."""
    rows = (select(exists().select_from(table)) for table in (key_check, activity, live_calls))
    return not any(connection.scalar(row) for row in rows)


def _file(url: str) -> Path | None:
    """Return the file of an SQLite database, or None for PostgreSQL."""
    made = database_url(url)
    return Path(made.database or "") if made.get_backend_name() == "sqlite" else None


def vault_for(
    url: str | URL, environment: Mapping[str, str] = os.environ, *, make: bool = True
) -> Vault:
    """Return the vault of a database.

    The keys come from PAPERLESS_IVR_KEYS, or from the file at the path in PAPERLESS_IVR_KEY_FILE.
    If neither is set, the keys of an SQLite database are in a file next to it, such as
    `record.db.keys`; for PostgreSQL, this raises `KeyProblem`. A missing file is created. Back up
    the file separately. Without it, no sealed data can be opened. If `make` is false, a missing
    file is an error, because an existing record already has keys.
    """
    made = database_url(url)
    if environment.get(KEYS):
        return vault(environment[KEYS])
    if environment.get(KEY_FILE):
        return vault_of_file(Path(environment[KEY_FILE]), make=make)
    if made.get_backend_name() == "sqlite":
        return vault_of_file(Path(f"{made.database}.keys"), make=make)
    message = f"set {KEYS} to 'hash=… seal=…', or {KEY_FILE} to the path of a file with the keys"
    raise KeyProblem(message)
