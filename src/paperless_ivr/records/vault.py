"""Encrypts ("seals") personal data for storage, and hashes values for look-ups (R24).

A vault has one *hash key* for the whole life of its database, and one or more *sealing keys*. The
first sealing key seals data, and all of them can open it. You can therefore change sealing keys at
any time: put a new key first, and keep the old keys until everything that they sealed is purged.
The hash key cannot be changed, because look-ups would no longer find older data.

Keys are written as `name=value` pairs separated by whitespace: one `hash=…` and one or more
`seal=…`. Each value is 32 bytes in Base64:

    hash=3ES3qKdAPV…= seal=q0pBv7fVvY…= seal=mB3lR9Zz0o…=
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from paperless_ivr.errors import KeyProblem, SealBroken
from paperless_ivr.secret import Secret

KEY_BYTES = 32
FORM = b"\x01"
"""The format version. Sealed data consists of this byte, the key's name, the nonce, and the
ciphertext."""
NAME_BYTES = 8
NONCE_BYTES = 12
"""96 random bits. They allow at most 2^32 seals per key (NIST SP 800-38D, 8.3), enough for about
100 million calls."""


class Vault:
    """Keys that seal, open, and hash data. They are never exposed."""

    def __init__(self, hash_key: bytes, seal_keys: Sequence[bytes]) -> None:
        if not seal_keys:
            raise KeyProblem("there is no sealing key; add seal=…")
        for key in (hash_key, *seal_keys):
            if len(key) != KEY_BYTES:
                message = f"each key must be {KEY_BYTES} bytes long; one is {len(key)}"
                raise KeyProblem(message)
        self._hash_key = _derived(hash_key, b"hash")
        self._seals = {_derived(key, b"name")[:NAME_BYTES]: _sealer(key) for key in seal_keys}
        self._first = next(iter(self._seals))

    def __repr__(self) -> str:
        return "<Vault>"

    def hash(self, kind: str, *parts: str | Secret) -> str:
        """Return a keyed hash (HMAC-SHA256) of one or more texts, for look-ups.

        Equal texts of the same kind have equal hashes. Hashes of different kinds are unrelated.
        """
        mac = hmac.new(self._hash_key, digestmod=hashlib.sha256)
        for part in (kind, *parts):
            text = part.reveal() if isinstance(part, Secret) else part
            data = text.encode("utf-8", "surrogatepass")
            mac.update(len(data).to_bytes(8, "big") + data)
        return mac.hexdigest()

    def seal(self, data: bytes, place: str) -> bytes:
        """Seal bytes (AES-256-GCM) for one location. They cannot be opened for any other."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        head = FORM + self._first
        sealed = self._seals[self._first].encrypt(nonce, data, head + place.encode())
        return head + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return the bytes sealed for a location. Raises `SealBroken` if they cannot be opened."""
        head, rest = sealed[: 1 + NAME_BYTES], sealed[1 + NAME_BYTES :]
        sealer = self._seals.get(head[1:])
        if head[:1] != FORM or sealer is None:
            raise SealBroken("it was not sealed with any key of this vault")
        with contextlib.suppress(InvalidTag, ValueError):
            nonce, text = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
            return sealer.decrypt(nonce, text, head + place.encode())
        raise SealBroken("it was changed, or it was sealed for another location")

    def seals_as(self, sealed: bytes) -> bool:
        """Return whether the data was sealed with the vault's current sealing key."""
        return sealed.startswith(FORM + self._first)


def _derived(key: bytes, purpose: bytes) -> bytes:
    """Derive a key for one purpose (HKDF, RFC 5869), so that no key is used for two purposes."""
    info = b"paperless_ivr " + purpose + b" 1"
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)


def _sealer(key: bytes) -> AESGCM:
    return AESGCM(_derived(key, b"seal"))


def vault(keys: str) -> Vault:
    """Return the vault for keys written as `hash=… seal=…`."""
    found: dict[str, list[bytes]] = {"hash": [], "seal": []}
    for number, word in enumerate(keys.split(), 1):
        use, _, text = word.partition("=")
        if use not in found:
            message = f"word {number} of the keys is neither hash=… nor seal=…"
            raise KeyProblem(message)
        found[use].append(_decoded(text, number))
    if len(found["hash"]) != 1:
        message = f"there must be exactly one hash=…, not {len(found['hash'])}"
        raise KeyProblem(message)
    return Vault(found["hash"][0], found["seal"])


def _decoded(text: str, number: int) -> bytes:
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode(text, validate=True)
    message = f"word {number} of the keys is not valid Base64"
    raise KeyProblem(message)


def new_keys() -> str:
    """Return the keys of a new vault."""
    return f"hash={_new_key()}\nseal={_new_key()}\n"


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def vault_of_file(file: Path, *, make: bool = True) -> Vault:
    """Return the vault of a key file. If `make` is true, creates the file if it is missing.

    Raises `KeyProblem` if the file is missing or invalid, or if anyone but its owner can access it.
    """
    if make:
        with contextlib.suppress(FileExistsError):
            _make(file)
    elif not file.exists():
        message = (
            f"{file} is missing; restore it, because no stored data can be decrypted without it"
        )
        raise KeyProblem(message)
    try:
        if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            message = f"{file} can be read by others; run: chmod 600 {file}"
            raise KeyProblem(message)
        keys = file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file} cannot be read: {type(error).__name__}"
        raise KeyProblem(message) from None
    return vault(keys)


def _make(file: Path) -> None:
    """Write a key file completely or not at all. Raises `FileExistsError` if it exists."""
    if file.exists():
        raise FileExistsError
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as to:  # noqa: PTH123 - sets the mode at creation
            to.write(new_keys())
            to.flush()
            os.fsync(to.fileno())
        os.link(draft, file)  # fails if another process was first
    except FileExistsError:
        raise
    except OSError as error:
        message = f"{file} cannot be created: {type(error).__name__}"
        raise KeyProblem(message) from None
    finally:
        draft.unlink(missing_ok=True)
