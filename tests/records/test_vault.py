"""The vault: seals, hashes, and changing keys."""

import base64
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperless_ivr import secret
from paperless_ivr.errors import KeyProblem, SealBroken
from paperless_ivr.records.vault import Vault, new_keys, vault, vault_of_file

HASH, ONE, TWO = (bytes([number]) * 32 for number in (1, 2, 3))
BOX = Vault(HASH, [ONE])


@pytest.mark.requirement("R24")
@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_sealed_opens_at_its_place(data, place):
    """What was sealed opens where it belongs, and never looks the same twice."""
    sealed = BOX.seal(data, place)

    assert data == BOX.open(sealed, place)
    assert sealed != BOX.seal(data, place)
    assert len(data) < 4 or data not in sealed


@given(st.binary(min_size=1, max_size=60), st.data())
def test_what_was_changed_does_not_open(data, draw):
    """No byte can be changed, added, or removed."""
    sealed = BOX.seal(data, "here")
    at = draw.draw(st.integers(0, len(sealed) - 1))
    flipped = bytes([sealed[at] ^ draw.draw(st.integers(1, 255))])
    for changed in (sealed[:at] + flipped + sealed[at + 1 :], sealed[:at], sealed + b"."):
        with pytest.raises(SealBroken):
            BOX.open(changed, "here")


def test_what_is_sealed_opens_nowhere_else():
    """A sealed value that is moved to another row does not open there."""
    with pytest.raises(SealBroken, match="sealed for another location"):
        BOX.open(BOX.seal(b"yes", "write a"), "write b")


def test_sealing_keys_change():
    """A new sealing key in front seals, the old one still opens, and look-ups still work."""
    old, both, new = Vault(HASH, [ONE]), Vault(HASH, [TWO, ONE]), Vault(HASH, [TWO])
    before, after = old.seal(b"before", "p"), both.seal(b"after", "p")

    assert (both.open(before, "p"), both.open(after, "p")) == (b"before", b"after")
    assert new.open(after, "p") == b"after"
    assert old.hash("ani", "x") == both.hash("ani", "x") == new.hash("ani", "x")
    with pytest.raises(SealBroken, match="not sealed with any key of this vault"):
        new.open(before, "p")
    with pytest.raises(SealBroken, match="not sealed with any key of this vault"):
        old.open(after, "p")


@given(st.lists(st.text(max_size=8), min_size=1, max_size=3), st.lists(st.text(), max_size=3))
def test_hashes(one, two):
    """Hashes are equal for equal parts, and for nothing else: parts do not run together."""
    assert (BOX.hash(*one) == BOX.hash(*two)) == (one == two) if two else True
    assert BOX.hash("account", *one) != BOX.hash("phone", *one)
    assert BOX.hash(*one) != Vault(TWO, [ONE]).hash(*one)


def test_hashes_go_by_the_text():
    """A secret's kind does not count, as when secrets are compared."""
    assert BOX.hash("ani", secret.phone("1")) == BOX.hash("ani", secret.account("1"))
    assert BOX.hash("ani", secret.phone("1")) == BOX.hash("ani", "1")


def test_nothing_shows():
    """Nothing that is printed about a vault reveals its keys."""
    assert "<Vault>" == repr(BOX) == str(BOX)


def _keys(*words: tuple[str, bytes]) -> str:
    return " ".join(f"{use}={base64.b64encode(key).decode()}" for use, key in words)


def test_keys_as_they_are_written():
    """Keys may be in any order and on any line; the first sealing key in the text comes first."""
    text = _keys(("seal", TWO), ("hash", HASH)) + "\n" + _keys(("seal", ONE))

    assert Vault(HASH, [TWO]).open(vault(text).seal(b"x", "p"), "p") == b"x"
    assert vault(text).open(BOX.seal(b"x", "p"), "p") == b"x"
    assert vault(new_keys()).hash("a") != vault(new_keys()).hash("a")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", "one hash=…, not 0"),
        (_keys(("hash", HASH)), "add seal=…"),
        (_keys(("hash", HASH), ("hash", ONE), ("seal", ONE)), "not 2"),
        (_keys(("hash", HASH), ("seal", b"short")), "32 bytes long; one is 5"),
        ("hash=### seal=XYZ", "word 1 of the keys is not valid Base64"),
        (_keys(("hash", HASH)) + " key=abc", "word 2 of the keys is neither"),
        (base64.b64encode(HASH).decode(), "word 1 of the keys is neither"),
    ],
)
def test_keys_that_cannot_be_used(keys, told):
    """Problems with keys are reported, but the key is never shown."""
    with pytest.raises(KeyProblem, match=told) as caught:
        vault(keys)

    for word in keys.split():
        assert word.removeprefix("hash=").removeprefix("seal=") not in str(caught.value)


def test_a_key_file_is_made_once(tmp_path: Path):
    """A key file is made when first needed, for its owner only, and once by many processes."""
    file, made = tmp_path / "keys", []
    threads = [
        threading.Thread(target=lambda: made.append(vault_of_file(file).hash("x")), daemon=True)
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [vault_of_file(file).hash("x")] * 8 == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert [file] == list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_key_file_of_others_is_refused(tmp_path: Path, mode: int):
    """A file that others can read or write is not used, and the error says what to do."""
    file = tmp_path / "keys"
    vault_of_file(file)
    file.chmod(mode)

    with pytest.raises(KeyProblem, match="chmod 600"):
        vault_of_file(file)


def test_a_key_file_that_cannot_be(tmp_path: Path):
    """A key file that cannot be created, or is not a file, is reported."""
    with pytest.raises(KeyProblem, match="cannot be created: FileNotFoundError"):
        vault_of_file(tmp_path / "nowhere" / "keys")
    with pytest.raises(KeyProblem, match=r"cannot be read|chmod"):
        vault_of_file(tmp_path)
