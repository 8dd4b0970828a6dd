"""The check value, which shows whether a record is opened with the right keys."""

from sqlalchemy import Connection, delete, insert, select

from paperless_ivr.errors import KeyProblem, SealBroken
from paperless_ivr.records.sql.database import Database
from paperless_ivr.records.sql.tables import key_check
from paperless_ivr.records.vault import Vault

PLACE = "key check"
LOCK = "the keys of the record"


def check_keys(database: Database, vault: Vault) -> None:
    """Check that a vault has the keys of the record. Raises `KeyProblem` if it does not.

    The first vault that opens a record stores the check value. A vault with a new sealing key
    reseals the check value, and from then on, the new key is required.
    """
    if not database.read(lambda connection: _matches(connection, vault)):
        database.write(lambda connection: _stored(database, connection, vault))


def _stored(database: Database, connection: Connection, vault: Vault) -> None:
    database.lock(connection, LOCK)
    if _matches(connection, vault):
        return  # another process was first
    connection.execute(delete(key_check))
    connection.execute(
        insert(key_check).values(hash=vault.hash(PLACE), sealed=vault.seal(b"", PLACE))
    )


def _matches(connection: Connection, vault: Vault) -> bool:
    """Return whether the check value exists and was sealed with the vault's first sealing key."""
    row = connection.execute(select(key_check)).first()
    if row is None:
        return False
    if row.hash != vault.hash(PLACE):
        message = (
            "hash=… is not the key of this record; set the key that the record was created with. "
            "With any other key, nothing on record would be found, and limits would start over"
        )
        raise KeyProblem(message)
    try:
        vault.open(row.sealed, PLACE)
    except SealBroken:
        message = (
            "seal=… is not the key of this record; add the key that the record was last sealed "
            "with. Without that key, nothing on record can be opened"
        )
        raise KeyProblem(message) from None
    return vault.seals_as(row.sealed)
