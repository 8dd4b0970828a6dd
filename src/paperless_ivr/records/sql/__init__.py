"""The durable record. It uses SQLAlchemy, and runs on SQLite or PostgreSQL."""

from paperless_ivr.records.sql.database import Database
from paperless_ivr.records.sql.live_calls import SqlLiveCalls
from paperless_ivr.records.sql.reading import SqlReading
from paperless_ivr.records.sql.record import SqlRecord
from paperless_ivr.records.sql.store import Store, open_store, vault_for

__all__ = [
    "Database",
    "SqlLiveCalls",
    "SqlReading",
    "SqlRecord",
    "Store",
    "open_store",
    "vault_for",
]
