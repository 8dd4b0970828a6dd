"""Sealed calls in progress. If several workers try to move a call, the first one wins."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select, update

from paperless_ivr.clock import utc_now
from paperless_ivr.errors import StaleCall, UnknownCall
from paperless_ivr.records.port import SavedCall
from paperless_ivr.records.sql.database import Database
from paperless_ivr.records.sql.tables import live_calls
from paperless_ivr.records.vault import Vault


class SqlLiveCalls:
    """Calls in progress, in a database. Safe to use from several threads and processes."""

    def __init__(
        self, database: Database, vault: Vault, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._vault = vault
        self._now = now

    def __repr__(self) -> str:
        return f"<SqlLiveCalls {self._database!r}>"

    def load(self, call_id: str) -> SavedCall:
        """Return the call as last saved."""
        found = select(live_calls).where(live_calls.c.call_id == call_id)
        row = self._database.read(lambda connection: connection.execute(found).first())
        if row is None:
            raise UnknownCall(call_id)
        call = self._vault.open(row.sealed, f"call {call_id}")
        document = self._vault.open(row.sealed_document, f"document {call_id}")
        text = document.decode("utf-8", "surrogatepass")
        return SavedCall(call_id, row.turn, call, text, row.biller)

    def save(self, call: SavedCall, if_turn: int | None) -> None:
        """Store a call if its stored turn is still `if_turn`."""
        storing = self.storing(call, if_turn)
        self._database.write(storing)

    def storing(self, call: SavedCall, if_turn: int | None) -> Callable[[Connection], None]:
        """Seal a call, and return a function that stores it in an open transaction."""
        values = {  # keep clear text out of variables, because a traceback can show them
            "turn": call.turn,
            "biller": call.biller,
            "sealed": self._vault.seal(call.call, f"call {call.call_id}"),
            "sealed_document": self._vault.seal(
                call.document.encode("utf-8", "surrogatepass"), f"document {call.call_id}"
            ),
            "saved": self._now(),
        }
        making = insert(live_calls).values(call_id=call.call_id, **values)
        moving = update(live_calls).values(**values)
        its = live_calls.c.call_id == call.call_id

        def store(connection: Connection) -> None:
            if if_turn is not None:
                at_turn = moving.where(its, live_calls.c.turn == if_turn)
                if connection.execute(at_turn).rowcount != 1:
                    raise StaleCall(call.call_id, if_turn)
                return
            self._database.lock(connection, f"call {call.call_id}")
            if connection.scalar(select(exists().where(its))):
                raise StaleCall(call.call_id, if_turn)
            connection.execute(making)

        return store

    def forget(self, connection: Connection, call_id: str, if_turn: int | None) -> None:
        """Remove a call in an open transaction if its stored turn is still `if_turn`."""
        its = (live_calls.c.call_id == call_id, live_calls.c.turn == if_turn)
        if connection.execute(delete(live_calls).where(*its)).rowcount != 1:
            raise StaleCall(call_id, if_turn)

    def is_stored(self, connection: Connection, call: SavedCall, *, forgotten: bool) -> bool:
        """Return whether exactly this call is stored.

        If `forgotten` is true, returns whether no call with its ID is stored.
        """
        found = select(live_calls).where(live_calls.c.call_id == call.call_id)
        row = connection.execute(found).first()
        if row is None or forgotten:
            return row is None and forgotten
        sealed = self._vault.open(row.sealed, f"call {call.call_id}")
        return (row.turn, sealed) == (call.turn, call.call)

    def drop(self, call_id: str) -> None:
        """Remove a call."""
        dropping = delete(live_calls).where(live_calls.c.call_id == call_id)
        self._database.write(lambda connection: connection.execute(dropping))

    def idle(self, since: datetime, biller: str) -> tuple[str, ...]:
        """Return the IDs of a biller's calls that were last saved before a time."""
        waiting = select(live_calls.c.call_id).where(
            live_calls.c.biller.in_((biller, "")), live_calls.c.saved < since
        )
        return self._database.read(lambda connection: tuple(connection.scalars(waiting)))
